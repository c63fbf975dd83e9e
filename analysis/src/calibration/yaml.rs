//! Fitted rates as the `kernels` of a device class in YAML, as shares of its peaks.

use std::fmt::Write as _;

use walras_sim::hardware::Kernels;

/// The lines of `kernels:` of a device with these peaks [FLOP/s, B/s], indented by `indent` spaces.
#[must_use]
pub fn kernels(kernels: &Kernels, flops: f64, bandwidth: f64, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut text = format!("{pad}kernels:\n{pad}  matmul:\n");
    let compute = |rate: f64| digits(rate / flops);
    let memory = |rate: f64| digits(rate / bandwidth);
    for (format, roof) in &kernels.matmul {
        let unpack = if roof.dequantization.is_finite() {
            format!(", unpack_g_s: {}", digits(roof.dequantization / 1e9))
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "{pad}    {}: {{compute: {}, memory: {}{unpack}, launch: {}, sharpness: {}}}",
            format.name(),
            compute(roof.compute),
            memory(roof.memory),
            duration(roof.launch),
            digits(roof.sharpness)
        );
    }
    let prefill = &kernels.prefill;
    let _ = writeln!(
        text,
        "{pad}  prefill-attention: {{compute: {}, memory: {}, launch: {}, sharpness: {}, softmax: {}, depth: {}}}",
        compute(prefill.compute),
        memory(prefill.memory),
        duration(prefill.launch),
        digits(prefill.sharpness),
        digits(prefill.softmax),
        duration(prefill.depth)
    );
    let decode = &kernels.decode;
    let _ = writeln!(
        text,
        "{pad}  decode-attention: {{compute: {}, memory: {}, launch: {}, unit: {}, half: {}}}",
        compute(decode.compute),
        memory(decode.memory),
        duration(decode.launch),
        duration(decode.unit),
        digits(decode.half)
    );
    let _ = writeln!(
        text,
        "{pad}  stream: {{memory: {}, launch: {}}}",
        memory(kernels.stream.memory),
        duration(kernels.stream.launch)
    );
    if let Some(link) = &kernels.link {
        let _ = writeln!(
            text,
            "{pad}  link: {{latency: {}, bandwidth_gb_s: {}}}",
            duration(link.latency),
            digits(link.bandwidth / 1e9)
        );
    }
    text
}

/// Three significant digits.
fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let leading = value.abs().log10().floor() as i32;
    let decimals = usize::try_from(2 - leading).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A time in the unit that suits it.
fn duration(seconds: f64) -> String {
    let (scale, unit) = match seconds {
        s if s >= 1e-3 => (1e3, "ms"),
        s if s >= 1e-6 => (1e6, "us"),
        _ => (1e9, "ns"),
    };
    format!("{} {unit}", digits(seconds * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let found = [0.814_49, 2.0, 65.04, 1234.6, 0.0].map(digits);
        assert_eq!(found, ["0.814", "2", "65", "1235", "0"]);
        let found = [3.0312e-6, 15.6e-3, 2.4e-8].map(duration);
        assert_eq!(found, ["3.03 us", "15.6 ms", "24 ns"]);
    }
}

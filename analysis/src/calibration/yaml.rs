//! Device classes in YAML: fitted rates as shares of the peaks, overheads, coverage and errors.

use std::fmt::Write as _;

use walras_sim::hardware::{Device, Kernels};

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
    let mixed = decode.mixed.map_or_else(String::new, |mixed| {
        let (unit, memory) = (duration(mixed.unit), memory(mixed.memory));
        format!(", mixed: {{unit: {unit}, memory: {memory}}}")
    });
    let _ = writeln!(
        text,
        "{pad}  decode-attention: {{compute: {}, memory: {}, launch: {}, unit: {}, half: {}{mixed}}}",
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

/// What a device class says of itself beside its rates.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// What it is.
    pub description: String,
    /// Price of the part, new [USD].
    pub price_usd: Option<f64>,
    /// Where the numbers come from; one paragraph.
    pub source: String,
}

/// A device class as a file that a scenario can extend.
#[must_use]
pub fn device(device: &Device, about: &About) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "{}:\n  description: {}\n",
        quoted(&device.name),
        quoted(&about.description)
    );
    let gib = device.memory as f64 / f64::from(1 << 30);
    let _ = writeln!(text, "  memory_gib: {}", digits(gib));
    let _ = writeln!(text, "  bandwidth_gb_s: {}", device.bandwidth / 1e9);
    let _ = writeln!(text, "  bf16_tflops: {}", device.flops / 1e12);
    text += &kernels(&device.kernels, device.flops, device.bandwidth, 2);
    let of = &device.overheads;
    let _ = writeln!(
        text,
        "  overheads: {{step: {}, layer: {}, sequence: {}, request: {}}}",
        duration(of.step),
        duration(of.layer),
        duration(of.sequence),
        duration(of.request)
    );
    let of = &device.coverage;
    let _ = writeln!(
        text,
        "  covers: {{tokens: {}, context: {}, sequences: {}}}",
        of.tokens, of.context, of.sequences
    );
    let percent = |share: f64| format!("{} %", digits(share.min(1.0) * 100.0));
    let of = &device.residuals;
    let _ = writeln!(
        text,
        "  error: {{fitted: {}, held_out: {}}}",
        percent(of.fitted),
        percent(of.held_out)
    );
    let _ = writeln!(text, "  idle_w: {}", device.idle_power);
    let _ = writeln!(text, "  active_w: {}", device.active_power);
    if let Some(price) = about.price_usd {
        let _ = writeln!(text, "  price_usd: {price}");
    }
    let _ = writeln!(text, "  slowdown_sigma: {}", device.slowdown_sigma);
    let _ = writeln!(text, "  source: {}", quoted(&about.source));
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

//! Lowers a device class, and checks that it can serve a deployment within the range that was measured.

use walras_sim::hardware::{
    Coverage, DecodeRoof, Deployment, Device, Format, Kernels, Link, Mixed, Overheads, PrefillRoof,
    Profile, Residuals, Roof,
};

use super::unknown;
use crate::report::{At, Report};
use crate::spec::catalog::{DeviceSpec, RoofSpec};

/// A device that takes longer than this for one step is a mistake in its figures [s].
const SLOWEST: f64 = 1e6;

/// Beyond this many times the measured range a cost is not stated at all.
const FARTHEST: f64 = 8.0;

/// The device class; `None` if its figures are wrong, which is then reported once per device.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn lower(report: &mut Report, name: &str, spec: &DeviceSpec) -> Option<Device> {
    let section = At::root("devices");
    let at = section.key(name);
    let (flops, bandwidth) = (spec.bf16_tflops * 1e12, spec.bandwidth_gb_s * 1e9);
    let roof = |spec: &RoofSpec| Roof {
        compute: spec.compute * flops,
        memory: spec.memory * bandwidth,
        dequantization: spec.unpack_g_s.map_or(f64::INFINITY, |rate| rate * 1e9),
        launch: spec.launch.0,
        sharpness: spec.sharpness,
    };
    let kernels = at.key("kernels");
    let at = kernels.key("matmul");
    let mut matmul = Vec::with_capacity(spec.kernels.matmul.len());
    for (name, spec) in &spec.kernels.matmul {
        let Some(format) = Format::named(name) else {
            let known = Format::ALL.map(Format::name);
            unknown(
                report,
                &at.key(name),
                "format of weights",
                name,
                known.into_iter(),
            );
            return None;
        };
        matmul.push((format, roof(spec)));
    }
    if matmul.is_empty() {
        let hint =
            "measure one with `walras calibrate`, or take over those of a class with `extends`";
        report.add(
            &at,
            "a device needs the rates of one format",
            Some(hint.to_owned()),
        );
        return None;
    }
    let prefill = &spec.kernels.prefill_attention;
    let decode = &spec.kernels.decode_attention;
    Some(Device {
        name: name.to_owned(),
        memory: (spec.memory_gib * f64::from(1 << 30)).round() as u64,
        bandwidth,
        flops,
        kernels: Kernels {
            matmul,
            prefill: PrefillRoof {
                compute: prefill.compute * flops,
                memory: prefill.memory * bandwidth,
                launch: prefill.launch.0,
                sharpness: prefill.sharpness,
                softmax: prefill.softmax,
                depth: prefill.depth.0,
            },
            decode: DecodeRoof {
                compute: decode.compute * flops,
                memory: decode.memory * bandwidth,
                launch: decode.launch.0,
                unit: decode.unit.0,
                half: decode.half,
                mixed: decode.mixed.map(|mixed| Mixed {
                    unit: mixed.unit.0,
                    memory: mixed.memory * bandwidth,
                }),
            },
            stream: Roof {
                compute: flops,
                memory: spec.kernels.stream.memory * bandwidth,
                dequantization: f64::INFINITY,
                launch: spec.kernels.stream.launch.0,
                sharpness: 1.0,
            },
            link: spec.kernels.link.map(|link| Link {
                latency: link.latency.0,
                bandwidth: link.bandwidth_gb_s * 1e9,
            }),
        },
        overheads: Overheads {
            step: spec.overheads.step.0,
            layer: spec.overheads.layer.0,
            sequence: spec.overheads.sequence.0,
            request: spec.overheads.request.0,
        },
        coverage: Coverage {
            tokens: spec.covers.tokens,
            context: spec.covers.context,
            sequences: spec.covers.sequences,
        },
        residuals: Residuals {
            fitted: spec.error.fitted.0,
            held_out: spec.error.held_out.0,
        },
        idle_power: spec.idle_w,
        active_power: spec.active_w,
        slowdown_sigma: spec.slowdown_sigma,
    })
}

/// Whether the device can serve requests of up to `longest` tokens: in a time that a clock can hold, over links that it has, and not
/// far outside what was measured.
pub(super) fn can_serve(
    report: &mut Report,
    at: &At<'_>,
    device: &Device,
    deployment: &Deployment,
    longest: u64,
    overhead: f64,
) -> Option<()> {
    let (name, model) = (&device.name, &deployment.model.name);
    if deployment.tensor > 1 && device.kernels.link.is_none() {
        let message = format!("`{name}` has no link between the devices of a host");
        let hint = "give its `kernels` a `link`, or use one of the `gpus`".to_owned();
        report.add(&at.key("gpus"), message, Some(hint));
        return None;
    }
    let seconds = Profile::slowest_step(device, deployment, longest) * (1.0 + overhead);
    if seconds.is_nan() || seconds > SLOWEST {
        let message = format!("`{name}` would need {seconds:.0e} s for one step of `{model}`");
        let hint = "check its rates and the size of the model".to_owned();
        report.add(at, message, Some(hint));
        return None;
    }
    let context = u32::try_from(longest).unwrap_or(u32::MAX);
    let excess = device
        .coverage
        .excess(deployment.token_budget, context, deployment.max_batch);
    if excess > FARTHEST {
        let Coverage {
            tokens,
            context: measured,
            sequences,
        } = device.coverage;
        let message = format!(
            "`{name}` was measured up to {tokens} tokens a step, {measured} tokens of context and {sequences} sequences; \
             this asks for {}, {context} and {}",
            deployment.token_budget, deployment.max_batch
        );
        let hint =
            format!("stay within {FARTHEST} times the range, or measure more and widen `covers`");
        report.add(at, message, Some(hint));
        return None;
    }
    Some(())
}

//! Lowers the workload: requests, origins, objectives and budgets.

use std::sync::Arc;

use walras_des::{Dist, DistError, SimTime, math};
use walras_sim::hardware::{Experts, Format, Model};
use walras_sim::workload::{
    Diurnal, Modulation, Prefixes, Slo, Source, Synthetic, Trace, Workload,
};

use super::{Files, Tables, TraceProblem, look_up, positive, shares, span, unknown};
use crate::report::{At, Report};
use crate::spec::catalog::{ArrivalsSpec, ModelSpec, RequestsSpec, TokensSpec};
use crate::spec::scenario::{OriginsSpec, OwnRequests, RequestsChoice, WorkloadSpec};

/// The model that is asked for.
pub(super) struct Served {
    pub model: Model,
    pub format: Format,
}

pub(super) fn served(report: &mut Report, tables: &Tables, spec: &WorkloadSpec) -> Option<Served> {
    let root = At::root("workload");
    let model = look_up(
        report,
        &root.key("model"),
        "model",
        &tables.models,
        &spec.model,
    )?;
    Some(Served {
        model: self::model(&spec.model, model),
        format: spec.precision.into(),
    })
}

/// The shape of a model.
pub(crate) fn model(name: &str, spec: &ModelSpec) -> Model {
    Model {
        name: name.to_owned(),
        parameters: spec.parameters,
        layers: spec.layers,
        hidden: spec.hidden,
        heads: spec.heads,
        kv_heads: spec.kv_heads,
        head_dim: spec.head_dim,
        ffn: spec.ffn,
        vocab: spec.vocab,
        experts: spec.experts.as_ref().map(|experts| Experts {
            count: experts.count,
            active: experts.active.min(experts.count),
            shared: experts.shared,
        }),
    }
}

pub(super) fn lower(
    report: &mut Report,
    tables: &Tables,
    spec: &WorkloadSpec,
    files: &mut dyn Files,
) -> Option<Workload> {
    let at = At::root("workload");
    let source = source(report, tables, spec, files);
    let origins = match &spec.origins {
        OriginsSpec::Word(_) => Some(shares::population(tables)),
        OriginsSpec::Shares(weights) => {
            shares::regions(report, tables, &at.key("origins"), weights)
        }
    };
    let slo = at.key("slo");
    let ttft = positive(report, &slo.key("ttft"), spec.slo.ttft.0);
    let tpot = positive(report, &slo.key("tpot"), spec.slo.tpot.0);
    let budget = match &spec.budget {
        Some(law) => Some(report.check(&at.key("budget"), law.build())?),
        None => None,
    };
    let prefixes = match &spec.prefixes {
        Some(spec) => {
            let length = report.check(&at.key("prefixes").key("tokens"), lengths(&spec.tokens));
            Some(Prefixes {
                groups: spec.groups,
                exponent: spec.exponent,
                length: length?,
            })
        }
        None => None,
    };
    let slo = Slo {
        ttft: ttft?,
        tpot: tpot?,
    };
    Some(Workload {
        source: source?,
        origins: origins?,
        slo,
        patience: span(spec.patience.0),
        budget,
        prefixes,
    })
}

fn source(
    report: &mut Report,
    tables: &Tables,
    spec: &WorkloadSpec,
    files: &mut dyn Files,
) -> Option<Source> {
    let root = At::root("workload");
    let at = root.key("requests");
    match &spec.requests {
        RequestsChoice::Catalog(name) => {
            let Some(requests) = tables.catalog.workloads.get(name) else {
                unknown(
                    report,
                    &at,
                    "workload",
                    name,
                    tables.catalog.workloads.keys().map(String::as_str),
                );
                return None;
            };
            synthetic(report, &at, requests, spec)
        }
        RequestsChoice::Own(OwnRequests::Synthetic(requests)) => {
            synthetic(report, &at.key("synthetic"), requests, spec)
        }
        RequestsChoice::Own(OwnRequests::Trace(file)) => {
            if spec.diurnal.is_some() {
                let hint = Some("remove it, or use `synthetic` requests".to_owned());
                report.add(
                    &root.key("diurnal"),
                    "a recorded trace has its own daily variation",
                    hint,
                );
            }
            match files.requests(file) {
                Ok(trace) if spec.prefixes.is_some() && !trace.prefixes.is_empty() => {
                    let hint = Some("remove it, or use a trace without `hash_ids`".to_owned());
                    report.add(
                        &root.key("prefixes"),
                        "this trace records how its prompts begin",
                        hint,
                    );
                    None
                }
                Ok(trace) => Some(Source::Trace(Arc::new(sped_up(trace, spec.rate_factor)))),
                Err(TraceProblem::Missing(reason, hint)) => {
                    report.add(
                        &at.key("trace"),
                        format!("cannot read the trace `{file}`: {reason}"),
                        hint.map(str::to_owned),
                    );
                    None
                }
                Err(TraceProblem::Broken(issues)) => {
                    report.issues.extend(issues);
                    None
                }
            }
        }
    }
}

fn synthetic(
    report: &mut Report,
    at: &At<'_>,
    requests: &RequestsSpec,
    spec: &WorkloadSpec,
) -> Option<Source> {
    let arrivals = at.key("arrivals");
    let gap = report.check(&arrivals, gap(&requests.arrivals));
    let points = requests
        .arrivals
        .interarrival_quantiles
        .as_deref()
        .unwrap_or_default();
    let negative = points.iter().any(|(_, x)| *x < 0.0);
    if negative || points.last().is_some_and(|(_, x)| *x <= 0.0) {
        let at = arrivals.key("interarrival_quantiles");
        report.add(
            &at,
            "times between arrivals cannot be negative, nor all zero",
            None,
        );
    }
    let prompt = report.check(&at.key("prompt_tokens"), lengths(&requests.prompt_tokens));
    let output = report.check(&at.key("output_tokens"), lengths(&requests.output_tokens));
    let modulation = requests
        .arrivals
        .modulation
        .as_ref()
        .map(|modulation| Modulation {
            window: span(modulation.window_s),
            sigma: modulation.sigma,
            correlation: modulation.correlation,
        });
    let diurnal = spec.diurnal.as_ref().map(|diurnal| Diurnal {
        amplitude: diurnal.amplitude.0,
        peak: span(diurnal.peak.0),
    });
    Some(Source::Synthetic(Synthetic {
        rate: requests.arrivals.rate_per_s * spec.rate_factor,
        gap: gap?,
        modulation,
        diurnal,
        prompt: prompt?,
        output: output?,
        correlation: requests.correlation,
    }))
}

/// The law of the time between arrivals, with mean one: gamma with the given coefficient of variation, or measured.
fn gap(arrivals: &ArrivalsSpec) -> Result<Dist, DistError> {
    let Some(points) = &arrivals.interarrival_quantiles else {
        let shape = 1.0 / (arrivals.interarrival_cv * arrivals.interarrival_cv);
        return Dist::gamma(shape, 1.0 / shape);
    };
    // Published points are rounded; the mean is made one exactly, so that the rate is what it says.
    let measured = Dist::quantiles(points.clone())?;
    let mean = measured.mean().filter(|mean| *mean > 0.0).unwrap_or(1.0);
    Dist::quantiles(points.iter().map(|(p, x)| (*p, x / mean)).collect())
}

fn lengths(spec: &TokensSpec) -> Result<Dist, DistError> {
    match spec {
        TokensSpec::Constant(tokens) => Dist::constant(f64::from(*tokens)),
        TokensSpec::Quantiles(points) => Dist::quantiles(points.clone()),
        TokensSpec::Exponential { mean, max } => {
            Dist::exponential(*mean)?.clamped(1.0, f64::from(*max))
        }
        TokensSpec::Lognormal { median, sigma, max } => {
            Dist::lognormal(math::ln(*median), *sigma)?.clamped(1.0, f64::from(*max))
        }
    }
}

/// The trace with its gaps divided by `factor`.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
fn sped_up(mut trace: Trace, factor: f64) -> Trace {
    if factor != 1.0 {
        for at in &mut trace.at {
            *at = SimTime::from_nanos((at.as_nanos() as f64 / factor).round() as u64);
        }
    }
    trace
}

/// The longest request: prompt and output tokens together.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
pub(crate) fn longest(workload: &Workload) -> u64 {
    let prompt = match &workload.source {
        Source::Synthetic(synthetic) => synthetic
            .prompt
            .quantile(1.0)
            .map_or(1, |tokens| tokens.round().max(1.0) as u64),
        Source::Trace(trace) => trace
            .prompt_tokens
            .iter()
            .copied()
            .max()
            .map_or(1, u64::from),
    };
    prompt + u64::from(workload.sizes().max_output)
}

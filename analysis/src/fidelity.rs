//! The two fidelities of economies held together: the same economy request by request and as a flow, on the same seeds.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use walras_scenarios::plan::Plan;
use walras_scenarios::run::Pool;
use walras_sim::economy::{Economy, Fidelity};
use walras_sim::record::{MetricId, Range};

use crate::estimate::{Estimate, estimate, paired};

/// What must agree.
pub const FIGURES: [MetricId; 6] = [
    MetricId::WorkPrice,
    MetricId::Utilization,
    MetricId::Spend,
    MetricId::Providers,
    MetricId::WorkShare,
    MetricId::FillRate,
];

/// How far the flow may be off, relative to the requests.
pub const TOLERANCE: f64 = 0.05;

/// The comparison of an economy's figure at the two fidelities.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the economy.
    pub economy: String,
    /// The figure.
    pub figure: MetricId,
    /// Request by request.
    pub jobs: Estimate,
    /// As a flow.
    pub fluid: Estimate,
    /// The flow over the requests, paired by replication.
    pub ratio: Estimate,
}

/// How a row is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The flow is off by less than [`TOLERANCE`].
    Close,
    /// It is further off, and the interval does not tell that from nothing.
    Unclear,
    /// It is further off.
    Apart,
}

impl Verdict {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Close => "ok",
            Self::Unclear => "unclear",
            Self::Apart => "off",
        }
    }
}

impl Row {
    /// How it is judged.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if (self.ratio.mean - 1.0).abs() <= TOLERANCE {
            Verdict::Close
        } else if self
            .ratio
            .interval
            .is_some_and(|interval| interval.contains(1.0))
        {
            Verdict::Unclear
        } else {
            Verdict::Apart
        }
    }
}

/// What was compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Seed of all runs.
    pub seed: u64,
    /// Replications of each economy at each fidelity.
    pub replications: u32,
    /// Measured time [days].
    pub days: f64,
    /// The rows, economy by economy.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether no row is off.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.rows.iter().all(|row| row.verdict() != Verdict::Apart)
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let estimate = |estimate: &Estimate| {
            let ends = estimate
                .interval
                .map(|interval| [interval.low, interval.high]);
            json!({"mean": estimate.mean, "interval": ends})
        };
        let rows = self.rows.iter().map(|row| {
            json!({
                "economy": row.economy,
                "figure": row.figure.metric().name,
                "unit": row.figure.metric().unit,
                "jobs": estimate(&row.jobs),
                "fluid": estimate(&row.fluid),
                "ratio": estimate(&row.ratio),
                "verdict": row.verdict().name(),
            })
        });
        json!({
            "seed": self.seed,
            "replications": self.replications,
            "days": self.days,
            "tolerance": TOLERANCE,
            "rows": rows.collect::<Vec<_>>(),
            "passes": self.passes(),
        })
    }
}

/// Runs each of the economies at both fidelities; `None` if `stop` was set.
///
/// # Panics
/// If the plan has no replications, or an invariant of the simulation is violated.
#[must_use]
pub fn compare(
    plan: &Plan,
    economies: &[&Economy],
    pool: &Pool,
    stop: &AtomicBool,
) -> Option<Report> {
    let both = economies.iter().flat_map(|&economy| {
        [Fidelity::Jobs, Fidelity::Fluid].map(|fidelity| Economy {
            fidelity,
            ..economy.clone()
        })
    });
    let both: Vec<Economy> = both.collect();
    let runs = both.iter();
    let runs = runs.flat_map(|economy| (0..plan.replications).map(move |of| (economy, of)));
    let runs: Vec<(&Economy, u32)> = runs.collect();
    let settings = plan.settings();
    let stop = || stop.load(Ordering::Relaxed);
    let metrics = pool.map(&runs, |(economy, replication)| {
        let output = economy.simulate(&settings, plan.seed, *replication, &stop)?;
        Some(output.metrics)
    });
    let metrics: Vec<_> = metrics.into_iter().collect::<Option<_>>()?;
    let mut rows = Vec::new();
    let replications = plan.replications as usize;
    for (economy, both) in economies.iter().zip(metrics.chunks(2 * replications)) {
        for figure in FIGURES {
            let values = |metrics: &[walras_sim::record::Metrics]| -> Option<Vec<f64>> {
                metrics
                    .iter()
                    .map(|metrics| metrics.0[figure as usize])
                    .collect()
            };
            let (jobs, fluid) = both.split_at(replications);
            let Some((jobs, fluid)) = values(jobs).zip(values(fluid)) else {
                continue;
            };
            let Some(ratio) = paired(&fluid, &jobs, Range::NonNegative).and_then(|pair| pair.ratio)
            else {
                continue;
            };
            let of = |values: &[f64]| estimate(values, Range::NonNegative).expect("replications");
            rows.push(Row {
                economy: economy.name.clone(),
                figure,
                jobs: of(&jobs),
                fluid: of(&fluid),
                ratio,
            });
        }
    }
    Some(Report {
        seed: plan.seed,
        replications: plan.replications,
        days: (plan.horizon - plan.warm_up).as_secs_f64() / 86400.0,
        rows,
    })
}

//! Sensitivity analysis: which parameters move which figures, over the whole range of all of them at once.
//!
//! The points of a design are evaluated, all with the same random numbers; replications of a point are averaged. What chance leaves
//! of the differences between points is told as a share of their variance.

pub mod morris;

pub mod sobol;

mod table;

use walras_des::{Purpose, Stream, Streams};
use walras_scenarios::study::{Parameter, SensitivityMethod, Setting};

use crate::design::morris::trajectories;
use crate::design::saltelli::saltelli;
use crate::design::{self, morris::Trajectory};
use crate::estimate::Estimate;
use crate::response::{
    Answer, Quantity, Response, Seeds, Unanswered, in_common, mean, noise_share,
};
use crate::words::percent;

pub use table::{INDICES, POINTS, indices, points};

/// The page beside the points.
pub const PAGE: &str = "sensitivity.html";

/// A part of the variance above which chance is told as a warning.
const MUCH_NOISE: f64 = 0.05;

/// A share of the variance, or of the largest effect, below which a parameter hardly matters.
const LITTLE: f64 = 0.02;

/// What a sensitivity analysis has found.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// How.
    pub method: SensitivityMethod,
    /// Rows of the design.
    pub samples: usize,
    /// What varied.
    pub parameters: Vec<Parameter>,
    /// Where the response was asked.
    pub points: Vec<Vec<Setting>>,
    /// What it answered.
    pub answers: Vec<Answer>,
    /// For each figure what moves it.
    pub figures: Vec<Explained>,
}

/// What moves one figure.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The figure.
    pub quantity: Quantity,
    /// Its mean over the points.
    pub mean: f64,
    /// Its standard deviation between points.
    pub deviation: f64,
    /// The part of the variance between points that is due to chance; `None` if there is a single replication.
    pub noise: Option<f64>,
    /// Replications behind each point.
    pub replications: usize,
    /// For each parameter what it does, in their order; or why that cannot be said.
    pub effects: Result<Vec<Effect>, String>,
}

/// What one parameter does to one figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Sobol indices: shares of the variance.
    Sobol {
        /// By the parameter alone.
        first: Estimate,
        /// With all its interactions.
        total: Estimate,
    },
    /// Elementary effects: changes of the figure, per full range of the parameter.
    Morris {
        /// Their mean.
        mu: Estimate,
        /// The mean of their sizes.
        mu_star: Estimate,
        /// Their standard deviation: how far they depend on the others, or on where the parameter is.
        sigma: f64,
    },
}

impl Effect {
    /// The indices by name.
    #[must_use]
    pub fn indices(&self) -> Vec<(&'static str, Estimate)> {
        match self {
            Self::Sobol { first, total } => vec![("S1", *first), ("ST", *total)],
            Self::Morris { mu, mu_star, sigma } => {
                let sigma = Estimate {
                    mean: *sigma,
                    interval: None,
                    n: mu.n,
                    effective: None,
                    method: crate::estimate::Method::Descriptive,
                };
                vec![("mu", *mu), ("mu_star", *mu_star), ("sigma", sigma)]
            }
        }
    }

    /// What says how much the parameter matters: the total index, or the mean size of effects.
    #[must_use]
    pub fn weight(&self) -> Estimate {
        match self {
            Self::Sobol { total, .. } => *total,
            Self::Morris { mu_star, .. } => *mu_star,
        }
    }
}

/// Evaluates the design of `method` with so many `samples`, and explains every quantity of `response`.
///
/// # Errors
/// If the response does not answer.
pub fn analyse(
    response: &mut dyn Response,
    method: SensitivityMethod,
    samples: usize,
    seed: u64,
) -> Result<Analysis, Unanswered> {
    let parameters = response.parameters().to_vec();
    let streams = Streams::new(seed, 0);
    let design = Design::of(method, samples, parameters.len(), &streams);
    let place = |point: &design::Point| -> Vec<Setting> {
        let pairs = parameters.iter().zip(point);
        pairs
            .map(|(parameter, share)| parameter.at(*share))
            .collect()
    };
    let points: Vec<Vec<Setting>> = design.points().iter().map(place).collect();
    let answers = response.answers(&points, Seeds::Own)?;
    let quantities = response.quantities().iter().enumerate();
    let figures = quantities
        .map(|(index, quantity)| {
            let values = in_common(&answers, index);
            let stream = streams.open(Purpose::new("bootstrap"), index as u64);
            explain(quantity, values, &design, parameters.len(), stream)
        })
        .collect();
    Ok(Analysis {
        method,
        samples,
        parameters,
        points,
        answers,
        figures,
    })
}

/// The number of points that `samples` rows of a design have.
#[must_use]
pub fn points_of(method: SensitivityMethod, samples: usize, parameters: usize) -> usize {
    match method {
        SensitivityMethod::Sobol => samples * (parameters + 2),
        SensitivityMethod::Morris => samples * (parameters + 1),
    }
}

/// The points of a method.
enum Design {
    Sobol(Vec<design::Point>),
    Morris(Vec<Trajectory>),
}

impl Design {
    fn of(method: SensitivityMethod, samples: usize, parameters: usize, streams: &Streams) -> Self {
        let mut stream = streams.open(Purpose::new("design"), 0);
        match method {
            SensitivityMethod::Sobol => Self::Sobol(saltelli(samples, parameters, &mut stream)),
            SensitivityMethod::Morris => {
                Self::Morris(trajectories(samples, parameters, &mut stream))
            }
        }
    }

    fn points(&self) -> Vec<design::Point> {
        match self {
            Self::Sobol(points) => points.clone(),
            Self::Morris(walks) => walks.iter().flat_map(|walk| walk.points.clone()).collect(),
        }
    }
}

fn explain(
    quantity: &Quantity,
    values: Result<Vec<Vec<f64>>, String>,
    design: &Design,
    parameters: usize,
    mut stream: Stream,
) -> Explained {
    let values = match values {
        Ok(values) => values,
        Err(why) => {
            return Explained {
                quantity: quantity.clone(),
                mean: f64::NAN,
                deviation: f64::NAN,
                noise: None,
                replications: 0,
                effects: Err(why),
            };
        }
    };
    let means: Vec<f64> = values.iter().map(|values| mean(values)).collect();
    let all = mean(&means);
    let squares: f64 = means.iter().map(|mean| (mean - all) * (mean - all)).sum();
    let deviation = (squares / (means.len() - 1).max(1) as f64).sqrt();
    // Sums of equal values differ in their last bits.
    let is_constant = deviation <= 1e-12 * all.abs();
    let effects = match design {
        _ if is_constant => Err("no parameter moves it at all".to_owned()),
        Design::Sobol(_) => Ok(sobol::effects(&values, parameters, &mut stream)),
        Design::Morris(walks) => Ok(morris::effects(&means, walks)),
    };
    Explained {
        quantity: quantity.clone(),
        mean: all,
        deviation,
        noise: noise_share(&values),
        replications: values.first().map_or(0, Vec::len),
        effects,
    }
}

impl Explained {
    /// The parameters, the one that matters most first.
    #[must_use]
    pub fn ranked(&self) -> Vec<(usize, &Effect)> {
        let effects = self.effects.iter().flatten().enumerate();
        let mut ranked: Vec<(usize, &Effect)> = effects.collect();
        ranked.sort_by(|a, b| b.1.weight().mean.total_cmp(&a.1.weight().mean));
        ranked
    }

    /// What moves it, in sentences.
    #[must_use]
    pub fn findings(&self, parameters: &[Parameter]) -> Vec<String> {
        let title = self.quantity.title();
        let ranked = match &self.effects {
            Ok(_) => self.ranked(),
            Err(why) => return vec![format!("of the {title} nothing can be said: {why}")],
        };
        let name = |index: usize| parameters[index].name.as_str();
        let most = ranked[0].1.weight().mean;
        let scale = match ranked[0].1 {
            Effect::Sobol { .. } => 1.0,
            Effect::Morris { .. } => most,
        };
        let mut shown = Vec::new();
        let mut idle = Vec::new();
        for (index, effect) in &ranked {
            let weight = effect.weight();
            let upper = weight
                .interval
                .map_or(weight.mean, |interval| interval.high);
            if weight.mean < LITTLE * scale && upper < 3.0 * LITTLE * scale {
                idle.push(name(*index));
            } else {
                let said = match effect {
                    Effect::Sobol { total, .. } => percent(total.mean.min(1.0)),
                    Effect::Morris { mu_star, .. } => {
                        self.quantity.scale([mu_star.mean]).value(mu_star.mean)
                    }
                };
                shown.push(format!("{} ({said})", name(*index)));
            }
        }
        let what = match ranked[0].1 {
            Effect::Sobol { .. } => "total share of its variance",
            Effect::Morris { .. } => "mean size of its effects over the full range",
        };
        let mut findings = vec![format!(
            "the {title} is moved most by {}, by {what}",
            shown.join(", then ")
        )];
        if !idle.is_empty() {
            let verb = if idle.len() == 1 { "matters" } else { "matter" };
            findings.push(format!(
                "for the {title}, {} hardly {verb}",
                idle.join(", ")
            ));
        }
        if let Some(alone) = self.alone()
            && alone < 0.9
        {
            findings.push(format!(
                "{} of the variance of the {title} is parameters by themselves; the rest is interplay of several",
                percent(alone.max(0.0))
            ));
        }
        findings
    }

    /// The part of the variance that parameters explain one by one.
    #[must_use]
    pub fn alone(&self) -> Option<f64> {
        let first = |effect: &Effect| match effect {
            Effect::Sobol { first, .. } => Some(first.mean),
            Effect::Morris { .. } => None,
        };
        self.effects.as_ref().ok()?.iter().map(first).sum()
    }

    /// What to keep in mind.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut all = Vec::new();
        let title = self.quantity.title();
        match self.noise {
            Some(noise) if noise > MUCH_NOISE => all.push(format!(
                "{} of the variance of the {title} between points is chance, which counts as interplay of all parameters; more --replications make it less",
                percent(noise)
            )),
            _ => {}
        }
        let wide = |effect: &&Effect| match effect {
            Effect::Sobol { total, .. } => total
                .interval
                .is_some_and(|interval| interval.half_width() > 0.2),
            Effect::Morris { .. } => false,
        };
        if self.effects.iter().flatten().any(|effect| wide(&effect)) {
            all.push(format!(
                "the shares of the variance of the {title} are known to ± 20 % or worse; four times the samples make the intervals half as wide"
            ));
        }
        all
    }
}

impl Analysis {
    /// What moves the figures, in sentences.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let of = |figure: &Explained| figure.findings(&self.parameters);
        self.figures.iter().flat_map(of).collect()
    }

    /// What to keep in mind.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut all: Vec<String> = self.figures.iter().flat_map(Explained::warnings).collect();
        if self.method == SensitivityMethod::Sobol && !self.samples.is_power_of_two() {
            all.push(format!(
                "{} samples are no power of two, at which a Sobol sequence fills the cube evenly",
                self.samples
            ));
        }
        all
    }
}

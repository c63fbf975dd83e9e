//! Responses: what an instrument asks for figures at points, be it a scenario or a function whose answers are known.

pub mod function;

pub mod simulated;

use walras_scenarios::study::{Parameter, Setting};
use walras_sim::record::MetricId;

use crate::campaign::CampaignError;
use crate::words::{Scale, title};

pub use function::Function;
pub use simulated::Simulated;

/// Something that gives figures where its parameters are set.
pub trait Response {
    /// What can be set.
    fn parameters(&self) -> &[Parameter];

    /// What is answered.
    fn quantities(&self) -> &[Quantity];

    /// Whether a point that sets nothing is there, too: the scenario as it stands.
    fn stands(&self) -> bool {
        false
    }

    /// The answers at `points`, each of which sets all parameters. All points of one kind of `seeds` meet the same random numbers.
    ///
    /// # Errors
    /// If there is no answer.
    fn answers(&mut self, points: &[Vec<Setting>], seeds: Seeds)
    -> Result<Vec<Answer>, Unanswered>;
}

/// With which random numbers a response answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seeds {
    /// Those of the scenario.
    Own,
    /// Others: what was chosen under its own seeds looks better there than it is.
    Fresh,
}

/// For each quantity its value in each replication, where it has one.
pub type Answer = Vec<Vec<Option<f64>>>;

/// Why there are no answers.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It was stopped; what is finished is kept.
    #[error("interrupted")]
    Stopped,
    /// A point could not be run.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
}

/// A figure that a response gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// How it is called in tables.
    pub name: String,
    /// The figure of a platform; `None` of a function.
    pub metric: Option<MetricId>,
    /// Whose it is, such as `depin` or `depin − cloud`; empty of a function.
    pub of: String,
}

impl Quantity {
    /// What it is, in words.
    #[must_use]
    pub fn title(&self) -> String {
        match self.metric {
            Some(metric) => format!("{} of {}", title(metric), self.of),
            None => format!("function {}", self.name),
        }
    }

    /// The unit that suits `values`.
    #[must_use]
    pub fn scale(&self, values: impl IntoIterator<Item = f64>) -> Scale {
        match self.metric {
            Some(metric) => Scale::of(metric, values),
            None => Scale {
                factor: 1.0,
                unit: "",
            },
        }
    }

    /// The unit in which it is stored; `1` for a plain number.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        self.metric.map_or("1", |metric| metric.metric().unit)
    }
}

/// The values of one quantity at all points in the replications that all points have: for each point a value for each replication;
/// or else why there are none.
///
/// # Errors
/// In words, if there is no replication in which every point has a value.
pub fn in_common(answers: &[Answer], quantity: usize) -> Result<Vec<Vec<f64>>, String> {
    let most = answers.iter().map(|answer| answer[quantity].len()).max();
    let has =
        |answer: &Answer, replication: usize| answer[quantity].get(replication).copied().flatten();
    let common: Vec<usize> = (0..most.unwrap_or(0))
        .filter(|replication| {
            answers
                .iter()
                .all(|answer| has(answer, *replication).is_some())
        })
        .collect();
    if common.is_empty() {
        let without = |answer: &&Answer| answer[quantity].iter().all(Option::is_none);
        let count = answers.iter().filter(without).count();
        return Err(if count > 0 {
            format!("it has no value at {count} of {} points", answers.len())
        } else {
            "no replication has a value at every point".to_owned()
        });
    }
    Ok(answers
        .iter()
        .map(|answer| {
            let values = common
                .iter()
                .filter_map(|replication| has(answer, *replication));
            values.collect()
        })
        .collect())
}

/// The mean of `values`, summed in order.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The part of the variance between points that is due to chance and not to the parameters: with common random numbers, what point
/// and replication make together (the interaction of a two-way layout) divided by the number of replications. `None` without two
/// replications and two points, or where nothing varies.
#[must_use]
pub fn noise_share(values: &[Vec<f64>]) -> Option<f64> {
    let (points, replications) = (values.len(), values.first()?.len());
    if points < 2 || replications < 2 {
        return None;
    }
    let of_points: Vec<f64> = values.iter().map(|values| mean(values)).collect();
    let of_replications: Vec<f64> = (0..replications)
        .map(|replication| {
            let sum: f64 = values.iter().map(|values| values[replication]).sum();
            sum / points as f64
        })
        .collect();
    let grand = mean(&of_points);
    let mut interaction = 0.0;
    for (values, of_point) in values.iter().zip(&of_points) {
        for (value, of_replication) in values.iter().zip(&of_replications) {
            let rest = value - of_point - of_replication + grand;
            interaction += rest * rest;
        }
    }
    let freedom = ((points - 1) * (replications - 1)) as f64;
    let noise = interaction / freedom / replications as f64;
    let squares: f64 = of_points
        .iter()
        .map(|mean| (mean - grand) * (mean - grand))
        .sum();
    let between = squares / (points - 1) as f64;
    (between > 0.0).then(|| (noise / between).min(1.0))
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    /// Points with a variance of 4 between them, chance that is common to all points, and chance of their own with a variance of 1
    /// that five replications average: a share of 0.2 / 4.2.
    #[test]
    fn chance_that_is_common_to_all_points_is_no_noise() {
        let mut stream = Streams::new(8, 0).open(Purpose::new("noise-test"), 0);
        let common: Vec<f64> = (0..5).map(|_| 10.0 * stream.normal()).collect();
        let point = |_| {
            let own = 2.0 * stream.normal();
            common
                .iter()
                .map(|common| own + common + stream.normal())
                .collect()
        };
        let values: Vec<Vec<f64>> = (0..4000).map(point).collect();
        let share = noise_share(&values).unwrap();
        assert!((share - 0.2 / 4.2).abs() < 0.005, "{share}");
        assert_eq!(noise_share(&[vec![1.0], vec![2.0]]), None);
    }

    #[test]
    fn only_replications_that_all_points_have_count() {
        let answers = vec![
            vec![vec![Some(1.0), Some(2.0), None]],
            vec![vec![None, Some(4.0), Some(5.0)]],
        ];
        assert_eq!(in_common(&answers, 0), Ok(vec![vec![2.0], vec![4.0]]));
        let answers = vec![vec![vec![Some(1.0)]], vec![vec![None]]];
        let why = in_common(&answers, 0).unwrap_err();
        assert_eq!(why, "it has no value at 1 of 2 points");
    }
}

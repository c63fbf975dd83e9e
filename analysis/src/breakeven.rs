//! Break-even: the value of one parameter at which two platforms have the same figure, by bisection on paired runs.
//!
//! All points share their random numbers, so that the mean difference over the replications is one function of the parameter, and
//! bisection finds its root as it would of any function. How far that root may be off follows from the differences of the replications
//! there and the slope (the delta method): half their 95 % interval, divided by the slope of the secant between the nearest points on
//! both sides at which the difference is clear.

pub mod several;

use walras_scenarios::study::{Parameter, Setting};
use walras_sim::record::Range;

use crate::estimate::{Estimate, Interval, estimate};
use crate::response::{Answer, Quantity, Response, Seeds, Unanswered};
use crate::store::{Cells, Table};

/// The page beside the points.
pub const PAGE: &str = "breakeven.html";

/// The table beside the points.
pub const STEPS: &str = "steps.parquet";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    /// The second figure counts so many times: 0.2 asks where the first is 80 % less.
    pub times: f64,
    /// Bisection ends when the root is known to this part of the range.
    pub tolerance: f64,
}

/// A point that was evaluated.
#[derive(Clone, Debug)]
pub struct Step {
    /// The coordinate of the parameter.
    pub share: f64,
    /// Its value.
    pub setting: Setting,
    /// For each replication that has both figures: the first less so many times the second.
    pub differences: Vec<f64>,
    /// The mean of these.
    pub difference: Estimate,
    /// The figures themselves.
    pub figures: Vec<Option<Estimate>>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was asked.
    pub ask: Ask,
    /// What varied.
    pub parameter: Parameter,
    /// What was compared: two figures, or one with zero.
    pub quantities: Vec<Quantity>,
    /// The points, in the order of the parameter.
    pub steps: Vec<Step>,
    /// The answer.
    pub outcome: Outcome,
}

/// Where two figures are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// At a value of the parameter.
    At {
        /// The value.
        value: f64,
        /// Its 95 % interval; `None` with a single replication.
        interval: Option<Interval>,
        /// Whether the first is less below it.
        less_below: bool,
    },
    /// Nowhere between the ends: the first is less at both, or more.
    Nowhere {
        /// Which.
        is_less: bool,
        /// Whether that is clear at both ends.
        is_clear: bool,
    },
    /// A point has no value of one of the figures.
    Unknown {
        /// Where.
        value: f64,
    },
}

/// Bisects the range of the only parameter of `response`, whose first quantity is compared with its second, or with zero.
///
/// # Errors
/// If the response does not answer.
///
/// # Panics
/// If there is no parameter.
pub fn breakeven(response: &mut dyn Response, ask: Ask) -> Result<Found, Unanswered> {
    let parameter = response.parameters()[0].clone();
    let quantities = response.quantities().to_vec();
    let mut search = Bisection {
        ask,
        parameter: &parameter,
        quantities: &quantities,
        steps: Vec::new(),
    };
    let outcome = search.carry_out(response)?;
    let mut steps = search.steps;
    steps.sort_by(|a, b| a.share.total_cmp(&b.share));
    Ok(Found {
        ask,
        parameter,
        quantities,
        steps,
        outcome,
    })
}

struct Bisection<'a> {
    ask: Ask,
    parameter: &'a Parameter,
    quantities: &'a [Quantity],
    steps: Vec<Step>,
}

impl Bisection<'_> {
    fn carry_out(&mut self, response: &mut dyn Response) -> Result<Outcome, Unanswered> {
        let ends = [0.0, 1.0].map(|share| self.parameter.snapped(share));
        if let Some(value) = self.evaluate(&ends, response)? {
            return Ok(Outcome::Unknown { value });
        }
        let [mut low, mut high] = ends;
        let below = self.at(low);
        if (below > 0.0) == (self.at(high) > 0.0) {
            let is_clear = self.steps.iter().all(|step| is_clear(&step.difference));
            return Ok(Outcome::Nowhere {
                is_less: below < 0.0,
                is_clear,
            });
        }
        let less_below = below < 0.0;
        while high - low > self.ask.tolerance {
            let middle = self.parameter.snapped(f64::midpoint(low, high));
            if middle <= low || middle >= high {
                // Neighbouring whole numbers.
                break;
            }
            if let Some(value) = self.evaluate(&[middle], response)? {
                return Ok(Outcome::Unknown { value });
            }
            if (self.at(middle) < 0.0) == less_below {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(self.root(low, high, less_below))
    }

    /// Evaluates points; the value of the parameter at one that has no difference, if there is one.
    fn evaluate(
        &mut self,
        shares: &[f64],
        response: &mut dyn Response,
    ) -> Result<Option<f64>, Unanswered> {
        let settings: Vec<Setting> = shares
            .iter()
            .map(|share| self.parameter.at(*share))
            .collect();
        let points: Vec<Vec<Setting>> = settings.iter().map(|one| vec![one.clone()]).collect();
        let answers = response.answers(&points, Seeds::Own)?;
        for ((share, setting), answer) in shares.iter().zip(settings).zip(answers) {
            let differences = differences(&answer, self.ask.times);
            let Some(difference) = estimate(&differences, Range::Any) else {
                return Ok(Some(setting.value));
            };
            let figures = answer
                .iter()
                .zip(self.quantities)
                .map(|(values, quantity)| {
                    let values: Vec<f64> = values.iter().flatten().copied().collect();
                    let range = quantity
                        .metric
                        .map_or(Range::Any, |metric| metric.metric().range);
                    estimate(&values, range)
                });
            self.steps.push(Step {
                share: *share,
                setting,
                difference,
                differences,
                figures: figures.collect(),
            });
        }
        Ok(None)
    }

    fn step(&self, share: f64) -> &Step {
        let found = self.steps.iter().find(|step| step.share == share);
        found.expect("it was evaluated")
    }

    fn at(&self, share: f64) -> f64 {
        self.step(share).difference.mean
    }

    /// The root between two neighbours whose differences have opposite signs, on the straight line between them.
    fn root(&self, low: f64, high: f64, less_below: bool) -> Outcome {
        let (below, above) = (self.step(low), self.step(high));
        let rise = above.difference.mean - below.difference.mean;
        let part = if rise == 0.0 {
            0.5
        } else {
            -below.difference.mean / rise
        };
        let root = low + (high - low) * part;
        let is_continuous = self.parameter.snapped(root) == root;
        let value = if is_continuous {
            self.parameter.at(root).value
        } else {
            below.setting.value + (above.setting.value - below.setting.value) * part
        };
        let pairs = below.differences.iter().zip(&above.differences);
        let there: Vec<f64> = pairs.map(|(a, b)| a + (b - a) * part).collect();
        let is_paired = below.differences.len() == above.differences.len();
        let interval = estimate(&there, Range::Any)
            .and_then(|there| there.interval)
            .filter(|_| is_paired)
            .zip(self.slope(root))
            .map(|(there, slope)| {
                let half = there.half_width() / slope.abs();
                let [low, high] = [root - half, root + half].map(|share| share.clamp(0.0, 1.0));
                Interval {
                    low: self.parameter.at(low).value.min(value),
                    high: self.parameter.at(high).value.max(value),
                }
            });
        Outcome::At {
            value,
            interval,
            less_below,
        }
    }

    /// Slope of the secant between the points nearest to `root` at which the difference is clear, or else between the ends.
    fn slope(&self, root: f64) -> Option<f64> {
        let clear = || self.steps.iter().filter(|step| is_clear(&step.difference));
        let nearest = |below: bool| {
            clear()
                .filter(|step| (step.share < root) == below)
                .min_by(|a, b| (a.share - root).abs().total_cmp(&(b.share - root).abs()))
        };
        let end = |below: bool| {
            let all = self
                .steps
                .iter()
                .filter(|step| (step.share < root) == below);
            all.max_by(|a, b| (a.share - root).abs().total_cmp(&(b.share - root).abs()))
        };
        let left = nearest(true).or_else(|| end(true))?;
        let right = nearest(false).or_else(|| end(false))?;
        let slope = (right.difference.mean - left.difference.mean) / (right.share - left.share);
        (slope != 0.0 && slope.is_finite()).then_some(slope)
    }
}

fn differences(answer: &Answer, times: f64) -> Vec<f64> {
    match answer.as_slice() {
        [first, second] => {
            let pairs = first.iter().zip(second);
            pairs
                .filter_map(|(a, b)| Some((*a)? - times * (*b)?))
                .collect()
        }
        [only, ..] => only.iter().flatten().copied().collect(),
        [] => Vec::new(),
    }
}

fn is_clear(difference: &Estimate) -> bool {
    match difference.interval {
        Some(interval) => !interval.contains(0.0),
        None => difference.mean != 0.0,
    }
}

impl Found {
    /// What is compared, in words: `cost … of depin` and `cost … of cloud`.
    #[must_use]
    pub fn sides(&self) -> [String; 2] {
        let title = |index: usize| self.quantities.get(index).map(Quantity::title);
        let second = match self.quantities.get(1) {
            None => "zero".to_owned(),
            Some(quantity) if self.ask.times == 1.0 => format!("that of {}", quantity.of),
            Some(quantity) => format!("{} times that of {}", self.ask.times, quantity.of),
        };
        [title(0).unwrap_or_default(), second]
    }

    /// What was found, in a sentence.
    #[must_use]
    pub fn finding(&self) -> String {
        let [first, second] = self.sides();
        let name = &self.parameter.name;
        let written = |value: f64| self.parameter.written(rounded(value)).text;
        match self.outcome {
            Outcome::At {
                value,
                interval,
                less_below,
            } => {
                let known = interval.map_or(String::new(), |interval| {
                    format!(" [{} … {}]", written(interval.low), written(interval.high))
                });
                let side = if less_below { "below" } else { "above" };
                format!(
                    "the {first} is the same as {second} at {name} = {}{known}, and less {side}",
                    written(value)
                )
            }
            Outcome::Nowhere { is_less, is_clear } => {
                let (low, high) = self.parameter.ends();
                let word = if is_less { "less" } else { "more" };
                let clear = if is_clear {
                    ""
                } else {
                    ", though not clearly at both ends"
                };
                format!(
                    "the {first} is {word} than {second} both at {name} = {} and at {}{clear}",
                    written(low),
                    written(high)
                )
            }
            Outcome::Unknown { value } => {
                format!(
                    "at {name} = {} one of the figures has no value",
                    written(value)
                )
            }
        }
    }

    /// The table of all points.
    #[must_use]
    pub fn table(&self) -> Table {
        let numbers =
            |f: &dyn Fn(&Step) -> Option<f64>| Cells::Numbers(self.steps.iter().map(f).collect());
        let end = |step: &Step, f: fn(Interval) -> f64| step.difference.interval.map(f);
        let mut table = vec![
            (
                self.parameter.name.clone(),
                numbers(&|step| Some(step.setting.value)),
            ),
            (
                "difference".to_owned(),
                numbers(&|step| Some(step.difference.mean)),
            ),
            (
                "low".to_owned(),
                numbers(&|step| end(step, |interval| interval.low)),
            ),
            (
                "high".to_owned(),
                numbers(&|step| end(step, |interval| interval.high)),
            ),
            (
                "n".to_owned(),
                numbers(&|step| Some(step.difference.n as f64)),
            ),
        ];
        for (index, quantity) in self.quantities.iter().enumerate() {
            let of = |step: &Step| step.figures[index].map(|figure| figure.mean);
            table.push((quantity.name.clone(), numbers(&of)));
        }
        table
    }
}

/// `value` with four digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Stream, Streams};
    use walras_scenarios::study::Law;

    use super::*;
    use crate::response::function::{Function, Known};

    const ASK: Ask = Ask {
        times: 1.0,
        tolerance: 1e-3,
    };

    #[test]
    fn the_root_of_a_function_is_found() {
        let found = breakeven(&mut Function::new(Known::Root), ASK).unwrap();
        let Outcome::At {
            value,
            interval,
            less_below,
        } = found.outcome
        else {
            panic!("{:?}", found.outcome);
        };
        assert!((value - 3.0).abs() < 1e-4, "{value}");
        assert!(interval.is_none() && less_below);
        assert_eq!(
            found.finding(),
            "the function root is the same as zero at x1 = 3, and less below"
        );
        assert!(found.steps.len() <= 13);
    }

    /// Two platforms whose costs in replication r are x + e and 3 + e′, e and e′ normal, and the same at all points.
    struct Costs {
        parameters: Vec<Parameter>,
        quantities: Vec<Quantity>,
        noise: Vec<[f64; 2]>,
    }

    impl Costs {
        fn new(replications: usize, stream: &mut Stream, law: Law) -> Self {
            let quantity = |name: &str| Quantity {
                name: name.to_owned(),
                metric: None,
                of: name.to_owned(),
            };
            Self {
                parameters: vec![Parameter {
                    name: "x".to_owned(),
                    path: "x".to_owned(),
                    law,
                    unit: String::new(),
                }],
                quantities: vec![quantity("a"), quantity("b")],
                noise: (0..replications)
                    .map(|_| [stream.normal(), stream.normal()])
                    .collect(),
            }
        }
    }

    impl Response for Costs {
        fn parameters(&self) -> &[Parameter] {
            &self.parameters
        }

        fn quantities(&self) -> &[Quantity] {
            &self.quantities
        }

        fn answers(
            &mut self,
            points: &[Vec<Setting>],
            _: Seeds,
        ) -> Result<Vec<Answer>, Unanswered> {
            let at = |settings: &Vec<Setting>| -> Answer {
                let x = settings[0].value;
                let first = self.noise.iter().map(|noise| Some(x + noise[0]));
                let second = self.noise.iter().map(|noise| Some(3.0 + noise[1]));
                vec![first.collect(), second.collect()]
            };
            Ok(points.iter().map(at).collect())
        }
    }

    /// 1,000 times with ten replications: 95 % of the intervals hold the root, give or take three binomial deviations of 0.7 %.
    #[test]
    fn intervals_hold_the_root_as_often_as_they_say() {
        let mut stream = Streams::new(12, 0).open(Purpose::new("breakeven-test"), 0);
        let mut held = 0;
        for _ in 0..1000 {
            let mut costs = Costs::new(10, &mut stream, Law::Linear(-7.0, 13.0));
            let found = breakeven(&mut costs, ASK).unwrap();
            if let Outcome::At {
                interval: Some(interval),
                ..
            } = found.outcome
            {
                held += usize::from(interval.contains(3.0));
            }
        }
        assert!((929..=971).contains(&held), "{held}");
    }

    #[test]
    fn whole_numbers_and_other_factors() {
        let mut stream = Streams::new(13, 0).open(Purpose::new("breakeven-test"), 0);
        let mut costs = Costs::new(1, &mut stream, Law::Integer(0.0, 20.0));
        costs.noise = vec![[0.0, 0.0]];
        let ask = Ask { times: 2.5, ..ASK };
        let found = breakeven(&mut costs, ask).unwrap();
        let Outcome::At { value, .. } = found.outcome else {
            panic!("{:?}", found.outcome);
        };
        assert!((value - 7.5).abs() < 1e-9, "{value}");
        let ask = Ask { times: 10.0, ..ASK };
        let found = breakeven(&mut costs, ask).unwrap();
        assert_eq!(
            found.outcome,
            Outcome::Nowhere {
                is_less: true,
                is_clear: true
            }
        );
    }
}

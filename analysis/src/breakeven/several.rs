//! Break-evens of several parameters against several platforms, and the ratio of the figures along each parameter.
//!
//! Each question is a [`breakeven`](super::breakeven) of its own, in which the other parameters stay as they are; a point that one of
//! them has run is there for all.

use walras_scenarios::study::{Parameter, Setting};
use walras_sim::record::{Better, Range};

use super::{Ask, Found, Outcome, breakeven, rounded};
use crate::estimate::{Interval, estimate};
use crate::response::{Answer, Quantity, Response, Seeds, Unanswered, mean};
use crate::store::{Cells, Table};
use crate::words::number;

/// Points at which every parameter is looked at before bisection, so that all curves are seen over the whole range: both ends and the
/// first halvings.
const LOOK: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The figure of the platform in question over that of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio of the means over the replications that have both.
    pub value: f64,
    /// Its 95 % interval, from the differences within replications; `None` with a single one.
    pub interval: Option<Interval>,
    /// Replications.
    pub n: usize,
}

/// A point along a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The value of the parameter.
    pub setting: Setting,
    /// By platform that is compared with: the ratio, where both have the figure.
    pub ratios: Vec<Option<Ratio>>,
    /// By quantity: its mean.
    pub means: Vec<Option<f64>>,
}

/// What was found along a parameter.
#[derive(Clone, Debug)]
pub struct Along {
    /// Which.
    pub parameter: Parameter,
    /// What the scenario writes where it stands, if it does.
    pub stands: Option<String>,
    /// All points, in the order of the parameter.
    pub looks: Vec<Look>,
    /// For each platform that is compared with and each factor, in this order.
    pub found: Vec<Found>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Several {
    /// The figure of the platform in question, then those that it is compared with.
    pub quantities: Vec<Quantity>,
    /// How often these count.
    pub times: Vec<f64>,
    /// The ratios as the scenario stands.
    pub present: Vec<Option<Ratio>>,
    /// By parameter.
    pub along: Vec<Along>,
}

/// Bisects each parameter of `response`, whose first quantity is compared with `times` each other; `stands` is what the scenario
/// writes for each parameter.
///
/// # Errors
/// If the response does not answer.
pub fn several(
    response: &mut dyn Response,
    times: &[f64],
    tolerance: f64,
    stands: &[Option<String>],
) -> Result<Several, Unanswered> {
    let parameters = response.parameters().to_vec();
    let quantities = response.quantities().to_vec();
    let as_it_stands = vec![Setting::untouched(); parameters.len()];
    let looks = parameters
        .iter()
        .enumerate()
        .flat_map(|(index, parameter)| {
            let at = |share: &f64| parameter.at(parameter.snapped(*share));
            LOOK.iter().map(move |share| (index, at(share)))
        });
    // All in one round, which keeps all threads busy.
    let mut points = vec![as_it_stands.clone()];
    points.extend(looks.map(|(index, setting)| alone(&as_it_stands, index, setting)));
    let answers = response.answers(&points, Seeds::Own)?;
    let present = ratios(&answers[0]);
    let mut along = Vec::with_capacity(parameters.len());
    for (index, parameter) in parameters.iter().enumerate() {
        let from = 1 + index * LOOK.len();
        let first = points[from..from + LOOK.len()].iter();
        let mut one = One {
            response: &mut *response,
            index,
            as_it_stands: &as_it_stands,
            parameter: std::slice::from_ref(parameter),
            pair: Vec::new(),
            other: 0,
            seen: Vec::new(),
        };
        for (point, answer) in first.zip(&answers[from..]) {
            one.note(&point[index], answer);
        }
        let mut found = Vec::new();
        for other in 1..quantities.len() {
            one.other = other;
            one.pair = vec![quantities[0].clone(), quantities[other].clone()];
            for &times in times {
                found.push(breakeven(&mut one, Ask { times, tolerance })?);
            }
        }
        let mut looks = one.seen;
        looks.sort_by(|a, b| a.setting.value.total_cmp(&b.setting.value));
        along.push(Along {
            parameter: parameter.clone(),
            stands: stands.get(index).cloned().flatten(),
            looks,
            found,
        });
    }
    Ok(Several {
        quantities,
        times: times.to_vec(),
        present,
        along,
    })
}

fn alone(as_it_stands: &[Setting], index: usize, setting: Setting) -> Vec<Setting> {
    let mut point = as_it_stands.to_vec();
    point[index] = setting;
    point
}

/// A response of which one parameter varies, and two quantities are looked at.
struct One<'a> {
    response: &'a mut dyn Response,
    index: usize,
    as_it_stands: &'a [Setting],
    parameter: &'a [Parameter],
    pair: Vec<Quantity>,
    other: usize,
    seen: Vec<Look>,
}

impl One<'_> {
    fn note(&mut self, setting: &Setting, answer: &Answer) {
        if self
            .seen
            .iter()
            .all(|look| look.setting.text != setting.text)
        {
            let of = |values: &Vec<Option<f64>>| {
                let values: Vec<f64> = values.iter().flatten().copied().collect();
                (!values.is_empty()).then(|| mean(&values))
            };
            self.seen.push(Look {
                setting: setting.clone(),
                ratios: ratios(answer),
                means: answer.iter().map(of).collect(),
            });
        }
    }
}

impl Response for One<'_> {
    fn parameters(&self) -> &[Parameter] {
        self.parameter
    }

    fn quantities(&self) -> &[Quantity] {
        &self.pair
    }

    fn answers(
        &mut self,
        points: &[Vec<Setting>],
        seeds: Seeds,
    ) -> Result<Vec<Answer>, Unanswered> {
        let place = |point: &Vec<Setting>| alone(self.as_it_stands, self.index, point[0].clone());
        let placed: Vec<Vec<Setting>> = points.iter().map(place).collect();
        let answers = self.response.answers(&placed, seeds)?;
        for (point, answer) in points.iter().zip(&answers) {
            self.note(&point[0], answer);
        }
        let pair = |answer: Answer| vec![answer[0].clone(), answer[self.other].clone()];
        Ok(answers.into_iter().map(pair).collect())
    }
}

/// The first quantity of `answer` over each other.
fn ratios(answer: &Answer) -> Vec<Option<Ratio>> {
    let over = |other: &Vec<Option<f64>>| {
        let pairs: Vec<(f64, f64)> = answer[0]
            .iter()
            .zip(other)
            .filter_map(|(a, b)| Some(((*a)?, (*b)?)))
            .collect();
        let [first, second]: [Vec<f64>; 2] = [
            pairs.iter().map(|pair| pair.0).collect(),
            pairs.iter().map(|pair| pair.1).collect(),
        ];
        if pairs.is_empty() || mean(&second) == 0.0 {
            return None;
        }
        let below = mean(&second);
        let value = mean(&first) / below;
        // The delta method: what the differences to the value times the second leave, over the second.
        let rest: Vec<f64> = pairs.iter().map(|(a, b)| a - value * b).collect();
        let half = estimate(&rest, Range::Any)
            .and_then(|rest| rest.interval)
            .map(|interval| interval.half_width() / below.abs());
        Some(Ratio {
            value,
            interval: half.map(|half| Interval {
                low: value - half,
                high: value + half,
            }),
            n: pairs.len(),
        })
    };
    answer[1..].iter().map(over).collect()
}

impl Several {
    /// What less and more are called: a figure in dollars of which less is better is cheap or dear.
    #[must_use]
    pub fn words(&self) -> [&'static str; 2] {
        let is_price = self.quantities[0].metric.is_some_and(|metric| {
            let metric = metric.metric();
            metric.unit.starts_with("USD") && metric.better == Better::Lower
        });
        if is_price {
            ["cheaper", "dearer"]
        } else {
            ["less", "more"]
        }
    }

    /// What was found in one question, in a few words.
    #[must_use]
    pub fn cell(&self, found: &Found) -> String {
        let written = |value: f64| found.parameter.written(rounded(value)).text;
        let [less, more] = self.words();
        match found.outcome {
            Outcome::At {
                value,
                interval,
                less_below,
            } => {
                let known = interval.map_or(String::new(), |interval| {
                    let [low, high] = [interval.low, interval.high].map(rounded);
                    format!(" [{low} … {high}]")
                });
                let side = if less_below { "below" } else { "above" };
                format!("{}{known}, {less} {side}", written(value))
            }
            Outcome::Nowhere { is_less, is_clear } => {
                let word = if is_less { less } else { more };
                let clear = if is_clear { "" } else { " (not clearly)" };
                format!("{word} at both ends{clear}")
            }
            Outcome::Unknown { value } => format!("no figure at {}", written(value)),
        }
    }

    /// The ratio to each other platform as the scenario stands, in sentences.
    #[must_use]
    pub fn standing(&self) -> Vec<String> {
        let pairs = self.present.iter().zip(&self.quantities[1..]);
        pairs
            .map(|(ratio, other)| {
                let first = self.quantities[0].title();
                match ratio {
                    Some(ratio) => format!(
                        "as the scenario stands, the {first} is {} times that of {}",
                        ratio.text(),
                        other.of
                    ),
                    None => format!("as the scenario stands, {} has no such figure", other.of),
                }
            })
            .collect()
    }

    /// The table of all points.
    #[must_use]
    pub fn table(&self) -> Table {
        let rows = || {
            let of = |along: &'_ Along| {
                along
                    .looks
                    .iter()
                    .map(|look| (along.parameter.name.clone(), look.clone()))
                    .collect::<Vec<_>>()
            };
            self.along.iter().flat_map(of)
        };
        let numbers = |f: &dyn Fn(&Look) -> Option<f64>| {
            Cells::Numbers(rows().map(|(_, look)| f(&look)).collect())
        };
        let mut table = vec![
            (
                "parameter".to_owned(),
                Cells::Text(rows().map(|(name, _)| name).collect()),
            ),
            (
                "value".to_owned(),
                numbers(&|look| Some(look.setting.value)),
            ),
        ];
        for (index, quantity) in self.quantities.iter().enumerate() {
            table.push((quantity.name.clone(), numbers(&|look| look.means[index])));
        }
        for (index, quantity) in self.quantities[1..].iter().enumerate() {
            let end = |look: &Look, f: fn(Interval) -> f64| look.ratios[index]?.interval.map(f);
            let name = |what: &str| format!("{what} to {}", quantity.of);
            table.push((
                name("ratio"),
                numbers(&|look| Some(look.ratios[index]?.value)),
            ));
            table.push((
                name("low ratio"),
                numbers(&|look| end(look, |interval| interval.low)),
            ));
            table.push((
                name("high ratio"),
                numbers(&|look| end(look, |interval| interval.high)),
            ));
        }
        table
    }
}

impl Ratio {
    /// With its interval.
    #[must_use]
    pub fn text(&self) -> String {
        let digits = |value: f64| number(value, if value.abs() < 1.0 { 3 } else { 2 });
        let known = self.interval.map_or(String::new(), |interval| {
            format!(" [{} … {}]", digits(interval.low), digits(interval.high))
        });
        format!("{}{known}", digits(self.value))
    }
}

#[cfg(test)]
mod tests {
    use walras_scenarios::study::Law;

    use super::*;

    /// A platform that costs x·y in dollars, where x stands at 2 and y at 3, beside others that cost 12 and 30.
    struct Product {
        parameters: Vec<Parameter>,
        quantities: Vec<Quantity>,
        /// Points that were asked for.
        asked: usize,
    }

    impl Product {
        fn new() -> Self {
            let parameter = |name: &str, law: Law| Parameter {
                name: name.to_owned(),
                path: name.to_owned(),
                law,
                unit: String::new(),
            };
            let quantity = |name: &str| Quantity {
                name: name.to_owned(),
                metric: None,
                of: name.to_owned(),
            };
            Self {
                parameters: vec![
                    parameter("x", Law::Linear(1.0, 9.0)),
                    parameter("y", Law::Log(1.0, 100.0)),
                ],
                quantities: ["own", "cheap", "dear"].map(quantity).to_vec(),
                asked: 0,
            }
        }
    }

    impl Response for Product {
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
            self.asked += points.len();
            let at = |point: &Vec<Setting>| -> Answer {
                let or = |index: usize, stands: f64| {
                    let setting: &Setting = &point[index];
                    if setting.is_untouched() {
                        stands
                    } else {
                        setting.value
                    }
                };
                let (x, y) = (or(0, 2.0), or(1, 3.0));
                // Chance in proportion, and common to all: the roots are exact.
                [x * y, 12.0, 30.0]
                    .map(|cost| [0.9, 1.0, 1.1].map(|luck| Some(cost * luck)).to_vec())
                    .to_vec()
            };
            Ok(points.iter().map(at).collect())
        }
    }

    /// 3x = 12 and 30 at 4 and 10, which is beyond; 2y at 6 and 15; at half of them x = 2 and 5, y = 3 and 7.5.
    #[test]
    fn each_parameter_against_each_other_while_the_rest_stays() {
        let mut product = Product::new();
        let stands = [Some("2".to_owned()), None];
        let found = several(&mut product, &[1.0, 0.5], 1e-3, &stands).unwrap();
        let at = |parameter: usize, question: usize| match found.along[parameter].found[question]
            .outcome
        {
            Outcome::At {
                value, less_below, ..
            } => {
                assert!(less_below);
                value
            }
            Outcome::Nowhere { is_less, is_clear } => {
                assert!(is_less && is_clear);
                f64::INFINITY
            }
            Outcome::Unknown { .. } => f64::NAN,
        };
        for (parameter, roots) in [[4.0, 2.0, f64::INFINITY, 5.0], [6.0, 3.0, 15.0, 7.5]]
            .into_iter()
            .enumerate()
        {
            for (question, root) in roots.into_iter().enumerate() {
                let value = at(parameter, question);
                assert!(
                    value == root || (value / root - 1.0).abs() < 1e-3,
                    "{parameter} {question}: {value}"
                );
            }
        }
        // As it stands: 6 to 12 and to 30, in every replication.
        let present: Vec<f64> = found
            .present
            .iter()
            .flatten()
            .map(|ratio| ratio.value)
            .collect();
        assert_eq!(present, [0.5, 0.2]);
        let known = found.present[0].unwrap().interval.unwrap();
        assert!((known.high - known.low).abs() < 1e-9);
        assert_eq!(found.along[0].stands.as_deref(), Some("2"));
        assert_eq!(found.cell(&found.along[0].found[2]), "less at both ends");
        // The curve holds all points once, in order.
        for along in &found.along {
            let values: Vec<f64> = along.looks.iter().map(|look| look.setting.value).collect();
            assert!(values.is_sorted_by(|a, b| a < b), "{values:?}");
        }
        let rows = found
            .along
            .iter()
            .map(|along| along.looks.len())
            .sum::<usize>();
        let Cells::Numbers(values) = &found.table()[1].1 else {
            panic!("values are numbers");
        };
        assert_eq!(values.len(), rows);
        assert!(rows < product.asked, "points are shared");
    }

    /// Ratios of 1, 2 and 3 to a figure of 1: their mean, and Student's interval of it with two degrees of freedom, 2 ± 4.303/√3.
    #[test]
    fn the_interval_of_a_ratio_is_that_of_the_differences() {
        let answer = vec![
            [1.0, 2.0, 3.0].map(Some).to_vec(),
            [1.0; 3].map(Some).to_vec(),
        ];
        let ratio = ratios(&answer)[0].unwrap();
        let known = ratio.interval.unwrap();
        assert_eq!((ratio.value, ratio.n), (2.0, 3));
        assert!(
            (known.high - 2.0 - 4.303 / 3f64.sqrt()).abs() < 1e-3,
            "{known:?}"
        );
        let none = vec![vec![None, Some(1.0)], vec![Some(1.0), None]];
        assert_eq!(ratios(&none), [None]);
    }
}

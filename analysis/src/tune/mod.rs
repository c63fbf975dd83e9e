//! Tuning: the values of some parameters that suit one objective best, or the front of several, under constraints.
//!
//! A search asks for points in rounds and is told how they did. What it ends with looked best under the random numbers of the search,
//! and so looks better than it is: it is evaluated again under fresh ones, beside the scenario as it stands, and that is reported.

mod bayesian;

mod cma;

mod gaussian;

mod matrix;

mod nsga;

pub mod pareto;

mod ranges;

mod table;

use walras_des::{Purpose, Streams};
use walras_scenarios::study::{Bound, Parameter, Setting, TuneMethod};
use walras_sim::record::Range;

use crate::design::grid::{grid, levels};
use crate::design::latin::maximin;
use crate::design::{Point, sobol};
use crate::estimate::{Difference, Estimate, estimate, paired};
use crate::response::{Answer, Quantity, Response, Seeds, Unanswered, mean};
use crate::words::percent;

pub use ranges::Recommended;
pub use table::{TRIALS, trials};

/// The page beside the points.
pub const PAGE: &str = "tune.html";

/// Most members of a front that are evaluated again: those that lie farthest from each other.
const MOST_OF_FRONT: usize = 12;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// How it is searched.
    pub method: TuneMethod,
    /// Points to evaluate.
    pub budget: usize,
    /// Seed of the search.
    pub seed: u64,
    /// For each objective its quantity, and whether more is better.
    pub goals: Vec<Goal>,
    /// What must hold.
    pub limits: Vec<Limit>,
    /// The share of points that must keep it in a recommended range.
    pub confidence: f64,
}

/// An objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Index of its quantity.
    pub quantity: usize,
    /// Whether more is better.
    pub maximize: bool,
}

/// A constraint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Index of its quantity.
    pub quantity: usize,
    /// The bound.
    pub bound: Bound,
}

/// A point as a search sees it: smaller losses are better.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its coordinates.
    pub at: Point,
    /// For each objective; infinite without a value.
    pub losses: Vec<f64>,
    /// How far each constraint is exceeded, negative where it holds with room.
    pub excess: Vec<f64>,
    /// The sum of what is exceeded, each relative to its bound; zero where all hold.
    pub violation: f64,
}

impl Judged {
    /// Whether all constraints hold, and all objectives have a value.
    #[must_use]
    pub fn is_feasible(&self) -> bool {
        self.violation == 0.0
    }
}

/// Something that looks for good points.
trait Search {
    /// The points to try next; none when there is nothing left to try.
    fn ask(&mut self) -> Vec<Point>;

    /// How they did, in their order; the last ones are missing if the budget ended.
    fn tell(&mut self, judged: &[Judged]);
}

/// A design, whose points are all asked for at once.
struct Listed(Vec<Point>);

impl Search for Listed {
    fn ask(&mut self) -> Vec<Point> {
        std::mem::take(&mut self.0)
    }

    fn tell(&mut self, _: &[Judged]) {}
}

/// A point that was tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What was set.
    pub settings: Vec<Setting>,
    /// What came out.
    pub answer: Answer,
    /// How good it is.
    pub judged: Judged,
}

/// A point that is proposed, under fresh random numbers.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Index of its trial.
    pub trial: usize,
    /// For each quantity what it was in the search, which flatters what was chosen by it.
    pub searched: Vec<Option<Estimate>>,
    /// For each quantity what it is under fresh random numbers.
    pub fresh: Vec<Option<Estimate>>,
    /// For each quantity the difference to the scenario as it stands, under the same fresh random numbers.
    pub against: Vec<Option<Difference>>,
    /// For each constraint whether it holds under fresh random numbers.
    pub holds: Vec<Holds>,
}

/// Whether a constraint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The whole interval keeps the bound.
    Clearly,
    /// The estimate keeps it, and the interval reaches beyond.
    Perhaps,
    /// The estimate does not.
    Not,
}

/// What tuning has found.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// What was asked.
    pub ask: Ask,
    /// What varied.
    pub parameters: Vec<Parameter>,
    /// What was looked at.
    pub quantities: Vec<Quantity>,
    /// All points in the order in which they were tried.
    pub trials: Vec<Trial>,
    /// Trials that no other dominates, ordered by the first objective; with one objective the best alone. Empty if none is feasible.
    pub front: Vec<usize>,
    /// Those of the front that were evaluated again.
    pub proposals: Vec<Proposal>,
    /// For each quantity of a scenario what it is as it stands, under fresh random numbers.
    pub stands: Option<Vec<Option<Estimate>>>,
}

impl Ask {
    /// The usual question to a function: all its values as small as possible.
    #[must_use]
    pub fn of_function(response: &dyn Response, method: TuneMethod) -> Self {
        let count = response.quantities().len();
        Self {
            method,
            budget: 60,
            seed: 1,
            goals: (0..count)
                .map(|quantity| Goal {
                    quantity,
                    maximize: false,
                })
                .collect(),
            limits: Vec::new(),
            confidence: 0.9,
        }
    }

    fn search(&self, parameters: &[Parameter]) -> Box<dyn Search> {
        let (budget, count) = (self.budget, parameters.len());
        let mut stream = Streams::new(self.seed, 0).open(Purpose::new("search"), 0);
        match self.method {
            TuneMethod::Grid => Box::new(Listed(grid(levels(budget, count), count))),
            TuneMethod::LatinHypercube => {
                // Distances of many points take long, and hardly differ between hypercubes.
                let tries = (20_000 / (budget * budget).max(1)).clamp(1, 50);
                Box::new(Listed(maximin(budget, count, tries, &mut stream)))
            }
            TuneMethod::Sobol => Box::new(Listed(sobol::scrambled(budget, count, &mut stream))),
            TuneMethod::Evolutionary if self.goals.len() > 1 => {
                Box::new(nsga::Nsga::new(count, budget, stream))
            }
            TuneMethod::Evolutionary => Box::new(cma::Cma::new(count, stream)),
            TuneMethod::Bayesian => Box::new(bayesian::Bayesian::new(parameters, budget, stream)),
        }
    }

    fn judge(&self, at: Point, answer: &Answer) -> Judged {
        let value = |quantity: usize| {
            let values: Vec<f64> = answer[quantity].iter().flatten().copied().collect();
            (!values.is_empty()).then(|| mean(&values))
        };
        let loss =
            |goal: &Goal| {
                value(goal.quantity).map_or(f64::INFINITY, |value| {
                    if goal.maximize { -value } else { value }
                })
            };
        let excess = |limit: &Limit| {
            value(limit.quantity).map_or(f64::INFINITY, |value| limit.bound.excess(value))
        };
        let losses: Vec<f64> = self.goals.iter().map(loss).collect();
        let excess: Vec<f64> = self.limits.iter().map(excess).collect();
        let size = |limit: &Limit| match limit.bound {
            Bound::AtMost(bound) | Bound::AtLeast(bound) if bound != 0.0 => bound.abs(),
            _ => 1.0,
        };
        let pairs = excess.iter().zip(&self.limits);
        let beyond: f64 = pairs
            .map(|(excess, limit)| excess.max(0.0) / size(limit))
            .sum();
        let is_whole = losses.iter().all(|loss| loss.is_finite());
        Judged {
            at,
            violation: if is_whole { beyond } else { f64::INFINITY },
            losses,
            excess,
        }
    }
}

/// Searches the budget of points that `ask` gives, and evaluates what is proposed again under fresh random numbers.
///
/// # Errors
/// If the response does not answer.
pub fn tune(response: &mut dyn Response, ask: &Ask) -> Result<Tuning, Unanswered> {
    let parameters = response.parameters().to_vec();
    let quantities = response.quantities().to_vec();
    let mut search = ask.search(&parameters);
    let mut trials: Vec<Trial> = Vec::with_capacity(ask.budget);
    while trials.len() < ask.budget {
        let mut round = search.ask();
        round.truncate(ask.budget - trials.len());
        if round.is_empty() {
            break;
        }
        for point in &mut round {
            for (share, parameter) in point.iter_mut().zip(&parameters) {
                *share = parameter.snapped(*share);
            }
        }
        let settings = |point: &Point| -> Vec<Setting> {
            let pairs = parameters.iter().zip(point);
            pairs
                .map(|(parameter, share)| parameter.at(*share))
                .collect()
        };
        let settings: Vec<Vec<Setting>> = round.iter().map(settings).collect();
        let answers = response.answers(&settings, Seeds::Own)?;
        let mut judged = Vec::with_capacity(round.len());
        for ((at, settings), answer) in round.into_iter().zip(settings).zip(answers) {
            judged.push(ask.judge(at, &answer));
            trials.push(Trial {
                settings,
                answer,
                judged: judged[judged.len() - 1].clone(),
            });
        }
        search.tell(&judged);
    }
    let all: Vec<Judged> = trials.iter().map(|trial| trial.judged.clone()).collect();
    let front = if ask.goals.len() > 1 {
        pareto::front(&all)
    } else {
        let feasible = (0..all.len()).filter(|index| all[*index].is_feasible());
        let best = feasible.min_by(|a, b| pareto::by_loss(&all[*a], &all[*b]));
        best.into_iter().collect()
    };
    let (proposals, stands) = confirm(response, ask, &trials, &spread(&all, &front))?;
    Ok(Tuning {
        ask: ask.clone(),
        parameters,
        quantities,
        trials,
        front,
        proposals,
        stands,
    })
}

/// Those of `front` that lie farthest from their neighbours, in their order.
fn spread(all: &[Judged], front: &[usize]) -> Vec<usize> {
    let mut kept = front.to_vec();
    while kept.len() > MOST_OF_FRONT {
        let lonely = pareto::crowding(all, &kept);
        let places = 0..kept.len();
        let nearest = places.min_by(|a, b| lonely[*a].total_cmp(&lonely[*b]));
        kept.remove(nearest.expect("there are more than none"));
    }
    kept
}

/// What is proposed and what stands, for each quantity.
type Confirmed = (Vec<Proposal>, Option<Vec<Option<Estimate>>>);

fn confirm(
    response: &mut dyn Response,
    ask: &Ask,
    trials: &[Trial],
    chosen: &[usize],
) -> Result<Confirmed, Unanswered> {
    if chosen.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut points: Vec<Vec<Setting>> = chosen
        .iter()
        .map(|index| trials[*index].settings.clone())
        .collect();
    let stands = response.stands();
    if stands {
        points.push(Vec::new());
    }
    let mut answers = response.answers(&points, Seeds::Fresh)?;
    let standing = if stands { answers.pop() } else { None };
    let quantities = response.quantities();
    let estimates = |answer: &Answer| -> Vec<Option<Estimate>> {
        let of = |(values, quantity): (&Vec<Option<f64>>, &Quantity)| {
            let values: Vec<f64> = values.iter().flatten().copied().collect();
            estimate(&values, range(quantity))
        };
        answer.iter().zip(quantities).map(of).collect()
    };
    let proposals = chosen.iter().zip(&answers).map(|(&trial, answer)| {
        let fresh = estimates(answer);
        let against = match &standing {
            None => vec![None; quantities.len()],
            Some(standing) => (0..quantities.len())
                .map(|index| apart(&answer[index], &standing[index], range(&quantities[index])))
                .collect(),
        };
        let holds = |limit: &Limit| holds(limit.bound, fresh[limit.quantity].as_ref());
        Proposal {
            trial,
            searched: estimates(&trials[trial].answer),
            holds: ask.limits.iter().map(holds).collect(),
            fresh,
            against,
        }
    });
    Ok((proposals.collect(), standing.as_ref().map(estimates)))
}

fn range(quantity: &Quantity) -> Range {
    match quantity.metric {
        Some(metric) if !quantity.of.contains(" − ") => metric.metric().range,
        _ => Range::Any,
    }
}

fn apart(own: &[Option<f64>], other: &[Option<f64>], range: Range) -> Option<Difference> {
    let both = own
        .iter()
        .zip(other)
        .filter_map(|(a, b)| Some((((*a)?), (*b)?)));
    let (first, second): (Vec<f64>, Vec<f64>) = both.unzip();
    paired(&first, &second, range)
}

fn holds(bound: Bound, fresh: Option<&Estimate>) -> Holds {
    let Some(fresh) = fresh else {
        return Holds::Not;
    };
    if bound.excess(fresh.mean) > 0.0 {
        return Holds::Not;
    }
    let is_kept = fresh.interval.is_some_and(|interval| {
        bound.excess(interval.low) <= 0.0 && bound.excess(interval.high) <= 0.0
    });
    if is_kept {
        Holds::Clearly
    } else {
        Holds::Perhaps
    }
}

impl Tuning {
    /// The value of an objective at a trial; `None` without one.
    #[must_use]
    pub fn value(&self, trial: usize, objective: usize) -> Option<f64> {
        let loss = self.trials[trial].judged.losses[objective];
        let value = if self.ask.goals[objective].maximize {
            -loss
        } else {
            loss
        };
        value.is_finite().then_some(value)
    }

    /// After each trial the best value of the first objective so far among those that keep the constraints; `None` before there is one.
    #[must_use]
    pub fn best_so_far(&self) -> Vec<Option<f64>> {
        let mut best: Option<usize> = None;
        (0..self.trials.len())
            .map(|trial| {
                let own = &self.trials[trial].judged;
                let is_better =
                    best.is_none_or(|best| own.losses[0] < self.trials[best].judged.losses[0]);
                if own.is_feasible() && is_better {
                    best = Some(trial);
                }
                best.and_then(|best| self.value(best, 0))
            })
            .collect()
    }

    /// What was found, in sentences.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let mut findings = self.findings_of_best();
        for range in self.recommended() {
            let name = &self.parameters[range.parameter].name;
            if let (Some((low, high)), Some(outside)) = (&range.ends, range.outside) {
                findings.push(format!(
                    "recommended for {name}: {low} to {high}, where {} of the points keep all constraints; outside it {} do",
                    percent(range.inside),
                    percent(outside)
                ));
            }
        }
        findings
    }

    fn findings_of_best(&self) -> Vec<String> {
        let Some(first) = self.proposals.first() else {
            return vec![format!(
                "none of {} points keeps all constraints",
                self.trials.len()
            )];
        };
        if self.ask.goals.len() > 1 {
            return self.findings_of_front();
        }
        let goal = self.ask.goals[0];
        let quantity = &self.quantities[goal.quantity];
        let set: Vec<String> = self
            .parameters
            .iter()
            .zip(&self.trials[first.trial].settings)
            .map(|(parameter, setting)| format!("{} = {}", parameter.name, setting.text))
            .collect();
        let most = if goal.maximize { "greatest" } else { "least" };
        let fresh = first.fresh[goal.quantity];
        let said = fresh.map_or("no value".to_owned(), |fresh| {
            quantity.scale([fresh.mean]).plus_minus(&fresh)
        });
        let mut findings = vec![format!(
            "the {} is {most} at {}: {said}{}",
            quantity.title(),
            set.join(", "),
            if self.stands.is_some() {
                " under fresh seeds"
            } else {
                ""
            }
        )];
        if let Some(difference) = first.against[goal.quantity] {
            let apart = difference.difference;
            let scale = quantity.scale([apart.mean]);
            let shown = scale.show(&apart);
            let interval = shown.interval.unwrap_or_default();
            findings.push(if difference.is_clear() {
                format!("that is {} {interval} from what it is as the scenario stands", shown.value)
            } else {
                format!("that is not clearly different from what it is as the scenario stands ({} {interval})", shown.value)
            });
        }
        findings
    }

    fn findings_of_front(&self) -> Vec<String> {
        let title = |goal: &Goal| self.quantities[goal.quantity].title();
        let goals: Vec<String> = self.ask.goals.iter().map(title).collect();
        let mut findings = vec![format!(
            "{} of {} points cannot be improved in one of {} without loss in another",
            self.front.len(),
            self.trials.len(),
            goals.join(" and ")
        )];
        for (objective, goal) in self.ask.goals.iter().enumerate() {
            let quantity = &self.quantities[goal.quantity];
            let values: Vec<f64> = self
                .front
                .iter()
                .filter_map(|trial| self.value(*trial, objective))
                .collect();
            let (low, high) = values
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(*value), high.max(*value))
                });
            let scale = quantity.scale([low, high]);
            findings.push(format!(
                "along the front the {} goes from {} to {}",
                quantity.title(),
                scale.value(low),
                scale.value(high)
            ));
        }
        findings
    }

    /// What to keep in mind.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut all = Vec::new();
        for proposal in &self.proposals {
            for (limit, holds) in self.ask.limits.iter().zip(&proposal.holds) {
                let title = self.quantities[limit.quantity].title();
                let point = proposal.trial + 1;
                match holds {
                    Holds::Clearly => {}
                    Holds::Perhaps => all.push(format!(
                        "point {point} keeps the bound of the {title} by less than its interval; more --replications, or a stricter bound"
                    )),
                    Holds::Not => all.push(format!(
                        "point {point} breaks the bound of the {title} under fresh seeds; more --replications, or a stricter bound"
                    )),
                }
            }
            if self.ask.goals.len() == 1 {
                all.extend(self.at_the_border(proposal));
            }
        }
        let without = self
            .trials
            .iter()
            .filter(|trial| trial.judged.losses.iter().any(|loss| loss.is_infinite()));
        match without.count() {
            0 => {}
            count => all.push(format!(
                "{count} points have no value of an objective, and count as the worst"
            )),
        }
        all
    }

    /// Parameters that are best at an end of their range: beyond it, it may be better still.
    fn at_the_border(&self, proposal: &Proposal) -> Option<String> {
        let trial = &self.trials[proposal.trial];
        let names: Vec<&str> = self
            .parameters
            .iter()
            .zip(&trial.judged.at)
            .filter(|(_, share)| **share < 0.01 || **share > 0.99)
            .map(|(parameter, _)| parameter.name.as_str())
            .collect();
        (!names.is_empty()).then(|| {
            format!(
                "{} lies at an end of its range: beyond it may be better still",
                names.join(", ")
            )
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::response::function::{Function, Known};

    /// The least value of `known` that a search finds.
    pub fn least(known: Known, method: TuneMethod, budget: usize) -> f64 {
        let mut function = Function::new(known);
        let ask = Ask {
            budget,
            ..Ask::of_function(&function, method)
        };
        let found = tune(&mut function, &ask).unwrap();
        assert!(found.trials.len() <= budget);
        found.value(found.front[0], 0).unwrap()
    }

    /// Branin under x₁ ≤ 0: of its three minima one is left, at (−π, 12.275).
    fn constrained(method: TuneMethod, budget: usize) -> Tuning {
        struct Halved(Function, Vec<Quantity>);
        impl Response for Halved {
            fn parameters(&self) -> &[Parameter] {
                self.0.parameters()
            }
            fn quantities(&self) -> &[Quantity] {
                &self.1
            }
            fn answers(
                &mut self,
                points: &[Vec<Setting>],
                seeds: Seeds,
            ) -> Result<Vec<Answer>, Unanswered> {
                let mut answers = self.0.answers(points, seeds)?;
                for (answer, settings) in answers.iter_mut().zip(points) {
                    answer.push(vec![Some(settings[0].value)]);
                }
                Ok(answers)
            }
        }
        let function = Function::new(Known::Branin);
        let mut quantities = function.quantities().to_vec();
        quantities.push(quantities[0].clone());
        let ask = Ask {
            budget,
            limits: vec![Limit {
                quantity: 1,
                bound: Bound::AtMost(0.0),
            }],
            ..Ask::of_function(&function, method)
        };
        tune(&mut Halved(function, quantities), &ask).unwrap()
    }

    #[test]
    fn constraints_are_kept() {
        for (method, budget) in [(TuneMethod::Bayesian, 50), (TuneMethod::Evolutionary, 400)] {
            let found = constrained(method, budget);
            let best = &found.trials[found.front[0]];
            assert!(
                best.settings[0].value <= 0.0,
                "{method:?} {:?}",
                best.settings
            );
            let value = found.value(found.front[0], 0).unwrap();
            assert!(value < 0.45, "{method:?} {value}");
            let best_so_far = found.best_so_far();
            assert_eq!(best_so_far.last().copied().flatten(), Some(value));
        }
    }

    #[test]
    fn designs_keep_their_budget() {
        for method in [
            TuneMethod::Grid,
            TuneMethod::LatinHypercube,
            TuneMethod::Sobol,
        ] {
            let value = least(Known::Branin, method, 100);
            assert!((0.397..3.0).contains(&value), "{method:?} {value}");
        }
    }

    /// The same question finds the same points.
    #[test]
    fn searches_repeat() {
        for method in [TuneMethod::Bayesian, TuneMethod::Evolutionary] {
            let values = [0; 2].map(|_| least(Known::Branin, method, 25).to_bits());
            assert_eq!(values[0], values[1], "{method:?}");
        }
    }
}

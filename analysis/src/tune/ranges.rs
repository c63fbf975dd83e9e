//! Parameter selection under uncertainty: in which part of its range a parameter keeps the constraints, whatever the others do.
//!
//! From the points of a design, which fill the cube evenly: the range of a parameter is cut into parts, and recommended is the longest
//! run of parts in each of which as large a share of the points as asked keeps all constraints.

use walras_scenarios::study::TuneMethod;

use super::Tuning;

/// Most parts of a range.
const PARTS: usize = 8;

/// Least points in a part on average: with fewer, a share says little.
const LEAST: usize = 8;

/// Where a parameter keeps the constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommended {
    /// Index of the parameter.
    pub parameter: usize,
    /// The ends of the recommended range, as they are written; `None` if there is no such range.
    pub ends: Option<(String, String)>,
    /// Share of the points inside that keep all constraints; without a range, of all points.
    pub inside: f64,
    /// The same outside; `None` if nothing is outside, or there is no range.
    pub outside: Option<f64>,
    /// For each part its share.
    pub parts: Vec<f64>,
}

impl Tuning {
    /// The recommended range of each parameter; empty unless there are constraints and the points are those of a design.
    #[must_use]
    pub fn recommended(&self) -> Vec<Recommended> {
        let is_design = matches!(
            self.ask.method,
            TuneMethod::Grid | TuneMethod::LatinHypercube | TuneMethod::Sobol
        );
        if !is_design || self.ask.limits.is_empty() || self.trials.len() < 2 * LEAST {
            return Vec::new();
        }
        (0..self.parameters.len())
            .map(|parameter| self.range_of(parameter))
            .collect()
    }

    fn range_of(&self, parameter: usize) -> Recommended {
        let own = &self.parameters[parameter];
        let points: Vec<(f64, bool)> = self
            .trials
            .iter()
            .map(|trial| (trial.judged.at[parameter], trial.judged.is_feasible()))
            .collect();
        let mut levels: Vec<f64> = points.iter().map(|(at, _)| *at).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let count = PARTS.min(levels.len()).min(points.len() / LEAST).max(1);
        let part = |at: f64| ((at * count as f64) as usize).min(count - 1);
        let share = |is_in: &dyn Fn(f64) -> bool| {
            let inside: Vec<bool> = points
                .iter()
                .filter(|(at, _)| is_in(*at))
                .map(|(_, is_feasible)| *is_feasible)
                .collect();
            let kept = inside.iter().filter(|is_feasible| **is_feasible).count();
            (!inside.is_empty()).then(|| kept as f64 / inside.len() as f64)
        };
        let parts: Vec<f64> = (0..count)
            .map(|index| share(&|at| part(at) == index).unwrap_or(0.0))
            .collect();
        let Some((first, last)) = longest(&parts, self.ask.confidence) else {
            return Recommended {
                parameter,
                ends: None,
                inside: share(&|_| true).unwrap_or(0.0),
                outside: None,
                parts,
            };
        };
        let is_inside = |at: f64| (first..=last).contains(&part(at));
        let edge = |index: usize| index as f64 / count as f64;
        // Just below the edge: of whole numbers and choices the last one inside.
        let upper = if last + 1 == count {
            1.0
        } else {
            edge(last + 1) - 1e-9
        };
        Recommended {
            parameter,
            ends: Some((own.at(edge(first)).text, own.at(upper).text)),
            inside: share(&is_inside).unwrap_or(0.0),
            outside: share(&|at| !is_inside(at)),
            parts,
        }
    }
}

/// First and last index of the longest run of `parts` that are all at least `least`; of equally long ones the one with the larger sum.
fn longest(parts: &[f64], least: f64) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    let worth = |(first, last): (usize, usize)| {
        let sum: f64 = parts[first..=last].iter().sum();
        (last - first, sum)
    };
    let mut start = None;
    for index in 0..=parts.len() {
        let is_kept = parts.get(index).is_some_and(|part| *part >= least);
        match (start, is_kept) {
            (None, true) => start = Some(index),
            (Some(first), false) => {
                let run = (first, index - 1);
                if best.is_none_or(|best| {
                    let (a, b) = (worth(run), worth(best));
                    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).is_gt()
                }) {
                    best = Some(run);
                }
                start = None;
            }
            _ => {}
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use walras_scenarios::study::Bound;

    use super::*;
    use crate::response::Response;
    use crate::response::function::{Function, Known};
    use crate::tune::{Ask, Limit, tune};

    #[test]
    fn the_longest_run_is_recommended() {
        assert_eq!(
            longest(&[0.1, 0.95, 0.2, 0.9, 1.0, 0.95, 0.3], 0.9),
            Some((3, 5))
        );
        assert_eq!(longest(&[0.95, 0.2, 1.0], 0.9), Some((2, 2)));
        assert_eq!(longest(&[0.5; 4], 0.9), None);
        assert_eq!(longest(&[1.0; 4], 0.9), Some((0, 3)));
    }

    /// The first factor of the G function is |4x₁ − 2|, the others are 1 on average and 5.6 together at most: a bound of 1.5 is kept
    /// where x₁ is near ½, and the last parameter, whose factor hardly moves, cannot help.
    #[test]
    fn the_range_that_keeps_a_bound_is_found() {
        let mut function = Function::new(Known::SobolG);
        let ask = Ask {
            budget: 1024,
            limits: vec![Limit {
                quantity: 0,
                bound: Bound::AtMost(1.5),
            }],
            ..Ask::of_function(&function, TuneMethod::Sobol)
        };
        let parameters = function.parameters().len();
        let found = tune(&mut function, &ask).unwrap().recommended();
        assert_eq!(found.len(), parameters);
        let (low, high) = found[0].ends.clone().expect("the middle keeps it");
        let ends = [low, high].map(|end| end.parse::<f64>().unwrap());
        assert!(
            ends[0] >= 0.25 && ends[0] < 0.5 && ends[1] > 0.5 && ends[1] <= 0.75,
            "{ends:?}"
        );
        assert!(found[0].inside >= 0.9 && found[0].outside.unwrap() < 0.6);
        assert!(found[7].ends.is_none(), "the last parameter does not help");
    }
}

//! Quorum: every request goes to several nodes, and is answered when enough of them have.
//!
//! As volunteer computing replicates work to catch wrong results: Anderson, "BOINC: a platform for volunteer computing", J. Grid
//! Computing 18, 2020; Sarmenta, "Sabotage-tolerance mechanisms for volunteer computing systems", `CCGrid` 2001. Nodes of this world
//! answer rightly; [`wrong_majority`] says how often a vote of nodes that do not would be lost.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::random::less_loaded_of;
use crate::scheduling::{Cause, Dispatch, Order, Orders, PowerOfChoices, Scheduler};
use crate::view::{Needs, View};

/// Places jobs by power of two choices, and copies of each on `copies − 1` other nodes in the same way; `agree` answers complete a
/// request. Where fewer nodes have room, fewer copies are made. A lost copy is replaced.
#[derive(Debug)]
pub struct Quorum {
    first: Dispatch<PowerOfChoices>,
    copies: u32,
    agree: u32,
    stream: Stream,
}

/// Draws for each copy before it is given up.
const DRAWS: u32 = 8;

impl Quorum {
    /// The policy with so many copies, of which so many must answer, drawing from two streams.
    #[must_use]
    pub fn new(copies: u32, agree: u32, first: Stream, second: Stream) -> Self {
        Self {
            first: Dispatch(PowerOfChoices::new(2, first)),
            copies,
            agree,
            stream: second,
        }
    }

    /// Orders up to `copies` copies on nodes other than `first` that have none; returns how many.
    fn spread(
        &mut self,
        job: JobId,
        copies: u32,
        first: NodeId,
        view: &View<'_>,
        orders: &mut Orders,
    ) -> u32 {
        let mut taken = vec![first];
        for _ in 0..copies {
            let other = (0..DRAWS)
                .filter_map(|_| less_loaded_of(2, job, view, &mut self.stream))
                .find(|&node| !taken.contains(&node) && !view.has_copy(job, node));
            if let Some(node) = other {
                orders.copy(job, node);
                taken.push(node);
            }
        }
        taken.len() as u32 - 1
    }
}

impl Scheduler for Quorum {
    fn needs(&self) -> Needs {
        self.first.needs()
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.first.decide(cause, view, orders);
        let mut placed = None;
        for order in orders.as_slice() {
            if let Order::Place(job, node) = *order {
                placed = Some((job, node));
            }
        }
        if let Some((job, node)) = placed {
            let others = self.spread(job, self.copies - 1, node, view, orders);
            let needed = self.agree.min(others + 1);
            if needed > 1 {
                orders.need_answers(job, needed);
            }
        }
        if let Cause::CopyLost(survivor) = cause {
            let first = view.job(survivor).last_node();
            let first = first.expect("a copy that survives is on a node");
            self.spread(survivor, 1, first, view, orders);
        }
    }
}

/// The probability that at least `agree` of `copies` independent answers, each wrong with probability `fault`, are wrong: what a quorum
/// lets pass if all wrong answers are alike.
#[must_use]
pub fn wrong_majority(copies: u32, agree: u32, fault: f64) -> f64 {
    let mut choices = 1.0;
    let mut sum = 0.0;
    for wrong in 0..=copies {
        if wrong > 0 {
            choices *= f64::from(copies - wrong + 1) / f64::from(wrong);
        }
        if wrong >= agree {
            let mut probability = choices;
            for copy in 0..copies {
                probability *= if copy < wrong { fault } else { 1.0 - fault };
            }
            sum += probability;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sarmenta 2001, equation 1, at f = 0.05: 0.00725 with two of three, 0.00116 with three of five.
    #[test]
    fn majorities_err_as_published() {
        assert!((wrong_majority(3, 2, 0.05) - 0.007_25).abs() < 1e-9);
        assert!((wrong_majority(5, 3, 0.05) - 0.001_158).abs() < 1e-6);
        assert!((wrong_majority(1, 1, 0.05) - 0.05).abs() < 1e-12);
        assert!((wrong_majority(4, 0, 0.05) - 1.0).abs() < 1e-12);
    }
}

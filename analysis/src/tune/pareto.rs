//! Fronts: which points cannot be improved in one objective without loss in another.
//!
//! K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, IEEE Trans. Evol. Comput. 6(2), 2002: nondominated sorting, crowding, and constraints
//! before objectives.

use std::cmp::Ordering;

use super::Judged;

/// Whether `a` is better than `b`: it violates less, or neither violates anything and it is no worse in any objective and better in one.
#[must_use]
pub fn dominates(a: &Judged, b: &Judged) -> bool {
    match (a.is_feasible(), b.is_feasible()) {
        (true, false) => true,
        (false, true) => false,
        (false, false) => a.violation < b.violation,
        (true, true) => {
            let pairs = || a.losses.iter().zip(&b.losses);
            pairs().all(|(a, b)| a <= b) && pairs().any(|(a, b)| a < b)
        }
    }
}

/// The indices of those of `all` that no other dominates, of equal ones the first, ordered by their first loss.
#[must_use]
pub fn front(all: &[Judged]) -> Vec<usize> {
    let is_free = |index: &usize| {
        let own = &all[*index];
        let stands_before = |(other, judged): (usize, &Judged)| {
            let is_same = judged.is_feasible() && judged.losses == own.losses;
            dominates(judged, own) || (is_same && other < *index)
        };
        own.is_feasible() && !all.iter().enumerate().any(stands_before)
    };
    let mut front: Vec<usize> = (0..all.len()).filter(is_free).collect();
    front.sort_by(|a, b| all[*a].losses[0].total_cmp(&all[*b].losses[0]));
    front
}

/// For each of `all` the number of the front that it is on, from zero, once those before are taken away.
#[must_use]
pub fn ranks(all: &[Judged]) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; all.len()];
    let mut left: Vec<usize> = (0..all.len()).collect();
    let mut rank = 0;
    while !left.is_empty() {
        let is_free = |index: &usize| {
            left.iter()
                .all(|other| !dominates(&all[*other], &all[*index]))
        };
        let free: Vec<usize> = left.iter().copied().filter(is_free).collect();
        for index in &free {
            ranks[*index] = rank;
        }
        left.retain(|index| !free.contains(index));
        rank += 1;
    }
    ranks
}

/// For each of `members` how far its neighbours on the front lie apart; the ends are infinitely lonely.
#[must_use]
pub fn crowding(all: &[Judged], members: &[usize]) -> Vec<f64> {
    let mut distances = vec![0.0; members.len()];
    let objectives = members.first().map_or(0, |first| all[*first].losses.len());
    for objective in 0..objectives {
        let loss = |place: usize| all[members[place]].losses[objective];
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|a, b| loss(*a).total_cmp(&loss(*b)));
        let (first, last) = (order[0], order[order.len() - 1]);
        let width = loss(last) - loss(first);
        distances[first] = f64::INFINITY;
        distances[last] = f64::INFINITY;
        if width > 0.0 && width.is_finite() {
            for triple in order.windows(3) {
                distances[triple[1]] += (loss(triple[2]) - loss(triple[0])) / width;
            }
        }
    }
    distances
}

/// The order of a search for one objective: what violates less first, then what loses less.
#[must_use]
pub fn by_loss(a: &Judged, b: &Judged) -> Ordering {
    let violations = a.violation.total_cmp(&b.violation);
    violations.then_with(|| a.losses[0].total_cmp(&b.losses[0]))
}

/// The area between the front of two losses and `reference`, which is worse in both.
#[must_use]
pub fn hypervolume(front: &[(f64, f64)], reference: (f64, f64)) -> f64 {
    let mut inside: Vec<(f64, f64)> = front
        .iter()
        .copied()
        .filter(|point| point.0 < reference.0 && point.1 < reference.1)
        .collect();
    inside.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut area, mut height) = (0.0, reference.1);
    for (x, y) in inside {
        if y < height {
            area += (reference.0 - x) * (height - y);
            height = y;
        }
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(losses: [f64; 2], violation: f64) -> Judged {
        Judged {
            at: Vec::new(),
            losses: losses.to_vec(),
            excess: Vec::new(),
            violation,
        }
    }

    #[test]
    fn fronts_by_hand() {
        let all = [
            at([1.0, 5.0], 0.0),
            at([2.0, 3.0], 0.0),
            at([3.0, 4.0], 0.0),
            at([4.0, 1.0], 0.0),
            at([0.0, 0.0], 0.5),
            at([9.0, 9.0], 0.2),
            at([2.0, 3.0], 0.0),
        ];
        assert_eq!(front(&all), [0, 1, 3]);
        assert_eq!(ranks(&all), [0, 0, 1, 0, 3, 2, 0]);
        assert_eq!(
            crowding(&all, &[0, 1, 3]),
            [f64::INFINITY, 2.0, f64::INFINITY]
        );
        // (5 − 1)(6 − 5) + (5 − 2)(5 − 3) + (5 − 4)(3 − 1)
        assert_eq!(
            hypervolume(
                &[(1.0, 5.0), (2.0, 3.0), (4.0, 1.0), (3.0, 4.0)],
                (5.0, 6.0)
            ),
            12.0
        );
    }
}

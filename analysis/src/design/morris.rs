//! The design of elementary effects: walks on a grid that change one parameter at a time, each once.
//!
//! M. D. Morris, Technometrics 33(2), 1991: with p levels (even) and steps of Δ = p/(2(p − 1)) every level is as likely as any other.

use walras_des::Stream;

use super::Point;
use super::latin::shuffle;

/// Levels of each parameter, the usual choice: 0, 1/3, 2/3, 1.
pub const LEVELS: usize = 4;

/// Length of a step.
pub const STEP: f64 = LEVELS as f64 / (2.0 * (LEVELS as f64 - 1.0));

/// A walk: its points, and for each step which parameter it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// One point more than there are parameters.
    pub points: Vec<Point>,
    /// The parameter that changes from each point to the next.
    pub order: Vec<usize>,
}

/// `count` random walks for `parameters`.
pub fn trajectories(count: usize, parameters: usize, stream: &mut Stream) -> Vec<Trajectory> {
    (0..count).map(|_| trajectory(parameters, stream)).collect()
}

fn trajectory(parameters: usize, stream: &mut Stream) -> Trajectory {
    let mut level: Vec<usize> = (0..parameters)
        .map(|_| stream.below(LEVELS as u64) as usize)
        .collect();
    let mut order: Vec<usize> = (0..parameters).collect();
    shuffle(&mut order, stream);
    let place = |level: &[usize]| -> Point {
        let share = |level: &usize| *level as f64 / (LEVELS - 1) as f64;
        level.iter().map(share).collect()
    };
    let mut points = vec![place(&level)];
    for &parameter in &order {
        // From the lower half up, from the upper half down: half of the levels away, there is always room.
        let now = &mut level[parameter];
        *now = if *now < LEVELS / 2 {
            *now + LEVELS / 2
        } else {
            *now - LEVELS / 2
        };
        points.push(place(&level));
    }
    Trajectory { points, order }
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    #[test]
    fn each_parameter_is_changed_once_by_one_step() {
        let mut stream = Streams::new(3, 0).open(Purpose::new("morris-test"), 0);
        let mut starts = [0; LEVELS];
        for walk in trajectories(400, 5, &mut stream) {
            let mut seen = walk.order.clone();
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2, 3, 4]);
            for (pair, parameter) in walk.points.windows(2).zip(&walk.order) {
                let moved = pair[1]
                    .iter()
                    .zip(&pair[0])
                    .map(|(to, from)| (to - from).abs());
                for (i, step) in moved.enumerate() {
                    let expect = if i == *parameter { STEP } else { 0.0 };
                    assert!((step - expect).abs() < 1e-12);
                }
            }
            starts[(walk.points[0][0] * 3.0).round() as usize] += 1;
        }
        // 400 starts on four levels: 100 each with a standard deviation of 8.7; four of them (seed 3).
        assert!(
            starts.iter().all(|count| (65..=135).contains(count)),
            "{starts:?}"
        );
    }
}

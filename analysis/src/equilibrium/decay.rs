//! How fast the difference between two ways to one rest goes.
//!
//! Near its rest an economy is close to linear, and a difference becomes its slowest mode: `A r^t`, which changes sides from one step to
//! the next if r is negative, or `r^t (A cos ωt + B sin ωt)` if the dominant multipliers are a complex pair `r e^{±iω}`. The mode is fitted to
//! the differences themselves, amplitudes by linear least squares at each r and ω (variable projection). Regressing each difference on the
//! last two, as Prony did, takes the rounding of owners to whole ones for decay; a fit to the path does not.
//!
//! G. H. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM
//! Journal on Numerical Analysis 10, 1973.

use std::f64::consts::{PI, TAU};

/// Fewer differences tell no rate.
const LEAST: usize = 4;

/// The fit begins when this part of the largest difference is left, or later.
const LATE: f64 = 0.25;

/// It begins this many times above rounding, or earlier.
const CLEAR: f64 = 16.0;

/// The slowest mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// Modulus of the multipliers by step (r).
    pub multiplier: f64,
    /// Steps from crest to crest, if it swings.
    pub period: Option<f64>,
}

/// Differences that move by no more than this part of the largest at the end are over.
const STILL: f64 = 1.0 / 32.0;

/// A mode that explains a smaller share of the squares is none: owners who all look once a week, say, are gone within a week.
const EXPLAINED: f64 = 0.9;

/// What becomes of a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// It goes by a mode; this share of the largest one stays.
    Decays(Decay, f64),
    /// It is rounding after so many steps, which are too few to tell a rate, or are no decay by one mode; this share of the largest stays.
    Gone(usize, f64),
    /// Hardly any of it goes.
    Stays,
    /// It was hardly more than rounding from the start, or goes on in no order.
    Unclear,
}

/// What becomes of differences, step by step, of which those up to `floor`, or as far as they still move at the end, are rounding.
///
/// What stays at the end is taken off first: where owners who would not come do not go either, a part of a deviation stays for good.
#[must_use]
pub fn decay(differences: &[f64], floor: f64) -> Difference {
    let size = |values: &[f64]| values.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let tail = &differences[differences.len() - differences.len() / 4..];
    let (all, jitter) = (size(differences), super::span(tail));
    let is_still = !tail.is_empty() && jitter <= (2.0 * floor).max(STILL * all);
    let (stays, floor) = if is_still {
        let mean = super::mean(tail);
        (
            if mean.abs() > jitter { mean } else { 0.0 },
            floor.max(jitter),
        )
    } else {
        (0.0, floor)
    };
    let moving: Vec<f64> = differences.iter().map(|value| value - stays).collect();
    let most = size(&moving);
    let below = |limit: f64| {
        let above = moving.iter().rposition(|value| value.abs() > limit);
        above.map_or(0, |last| last + 1)
    };
    if all >= 8.0 * floor && most < LATE * all {
        return Difference::Stays;
    }
    if most < 8.0 * floor {
        return Difference::Unclear;
    }
    let share = stays.abs() / all;
    // Late, faster modes are over and the economy is close to linear; early, rounding is far below.
    let clear = (most * floor).sqrt().max(CLEAR * floor);
    let (first, end) = (below(clear.min(LATE * most)), below(floor));
    // A mode that goes within a few steps is one from the start.
    let first = if end - first < 2 * LEAST {
        below(LATE * most)
    } else {
        first
    };
    let first = if end - first < LEAST {
        below(0.5 * most)
    } else {
        first
    };
    let late = &moving[first..end];
    if late.len() < LEAST {
        return Difference::Gone(end, share);
    }
    let scale = size(late);
    let late: Vec<f64> = late.iter().map(|value| value / scale).collect();
    let mode = fit(&late, 2.0 * floor / scale);
    let squares: f64 = late.iter().map(|value| value * value).sum();
    if mode.squares > (1.0 - EXPLAINED) * squares || (-mode.rate).exp() < floor / scale {
        return if is_still {
            Difference::Gone(end, share)
        } else {
            Difference::Unclear
        };
    }
    Difference::Decays(mode.decay(), share)
}

/// The mode of these differences, of which those up to `floor` may be on either side.
fn fit(values: &[f64], floor: f64) -> Mode {
    let steady = best(values, 0.0, false);
    let clear: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.abs() > floor)
        .collect();
    let crossings = clear
        .windows(2)
        .filter(|pair| (pair[0] > 0.0) != (pair[1] > 0.0))
        .count();
    if crossings < 2 {
        // Within less than a swing, a swing cannot be told from a decay.
        return steady;
    }
    let count = values.len() as f64;
    let until = values.iter().rposition(|value| value.abs() > floor);
    let turn = PI * crossings as f64 / until.unwrap_or(0).max(1) as f64;
    let sides = best(values, PI, false);
    if turn > 0.9 * PI {
        return sides;
    }
    let swings =
        [0.5, 0.7, 0.85, 1.0, 1.15, 1.4].map(|factor| best(values, (turn * factor).min(PI), true));
    let swinging = swings
        .into_iter()
        .min_by(|a, b| a.squares.total_cmp(&b.squares))
        .expect("there are six");
    let simple = if sides.squares < steady.squares {
        sides
    } else {
        steady
    };
    // Two parameters more must earn their keep (Schwarz's criterion).
    let earns = count * (simple.squares / swinging.squares.max(f64::MIN_POSITIVE)).ln();
    if simple.squares > 1e-12 && earns > 2.0 * count.ln() {
        swinging
    } else {
        simple
    }
}

/// A mode, and what it leaves of the squares of the differences.
#[derive(Clone, Copy)]
struct Mode {
    /// −ln r.
    rate: f64,
    turn: f64,
    squares: f64,
}

impl Mode {
    fn decay(self) -> Decay {
        Decay {
            multiplier: (-self.rate).exp(),
            period: (self.turn > 0.0).then(|| TAU / self.turn),
        }
    }
}

/// The best mode that can be reached downhill from one of this turn, which stays unless it `turns`.
fn best(values: &[f64], turn: f64, turns: bool) -> Mode {
    let count = values.len() as f64;
    let at = |rate: f64, turn: f64| Mode {
        rate,
        turn,
        squares: squares(values, rate, turn),
    };
    let rates = [0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0].map(|whole| at(whole / count, turn));
    let mut mode = rates
        .into_iter()
        .min_by(|a, b| a.squares.total_cmp(&b.squares))
        .expect("there are seven");
    // A pattern search: to the best neighbour, or half as far.
    let (mut step, mut bend) = (mode.rate / 2.0, 0.1 * turn);
    let enough = 1e-7 * step;
    while step > enough {
        let (rate, turn) = (mode.rate, mode.turn);
        let mut neighbours = vec![at(rate - step, turn), at(rate + step, turn)];
        if turns {
            neighbours.push(at(rate, (turn - bend).max(1e-9)));
            neighbours.push(at(rate, (turn + bend).min(PI)));
        }
        let next = neighbours
            .into_iter()
            .min_by(|a, b| a.squares.total_cmp(&b.squares))
            .expect("there are neighbours");
        if next.squares < mode.squares {
            mode = next;
        } else {
            (step, bend) = (step / 2.0, bend / 2.0);
        }
    }
    mode
}

/// What is left of the squares of values by the best amplitudes of a mode.
fn squares(values: &[f64], rate: f64, turn: f64) -> f64 {
    let modulus = (-rate).exp();
    let (real, imaginary) = (modulus * turn.cos(), modulus * turn.sin());
    let (mut cosine, mut sine) = (1.0, 0.0);
    let [mut cc, mut ss, mut cs, mut cy, mut sy, mut yy] = [0.0; 6];
    for &value in values {
        cc += cosine * cosine;
        ss += sine * sine;
        cs += cosine * sine;
        cy += cosine * value;
        sy += sine * value;
        yy += value * value;
        (cosine, sine) = (
            cosine * real - sine * imaginary,
            cosine * imaginary + sine * real,
        );
    }
    let determinant = cc * ss - cs * cs;
    let explained = if determinant > 1e-9 * cc * cc {
        (cy * cy * ss - 2.0 * cy * sy * cs + sy * sy * cc) / determinant
    } else {
        cy * cy / cc
    };
    if explained.is_finite() {
        (yy - explained).max(0.0)
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};
    use walras_sim::supply::feedback::Feedback;

    use super::*;

    fn told(differences: &[f64], floor: f64) -> Decay {
        match decay(differences, floor) {
            Difference::Decays(decay, stays) if stays < 0.01 => decay,
            other => panic!("{other:?}"),
        }
    }

    /// A deviation is multiplied by 1 − k (1 − β), of either sign.
    #[test]
    fn a_network_with_feedback_decays_as_its_closed_form() {
        for speed in [0.02, 0.2, 1.0, 1.8, 2.6, 3.0, 3.8] {
            let network = Feedback {
                revenue: 40.0,
                elasticity: 0.5,
                share: 0.8,
                cost: 2.0,
                speed,
            };
            let rest = network.rest().unwrap();
            let (mut few, mut many) = (0.95 * rest, 1.05 * rest);
            let mut differences = Vec::new();
            for _ in 0..3000 {
                differences.push(many / rest - few / rest);
                (few, many) = (network.step(few), network.step(many));
            }
            let found = told(&differences, 1e-9);
            let multiplier = network.multiplier();
            assert!(
                (found.multiplier - multiplier.abs()).abs() < 3e-3,
                "{speed}: {found:?} {multiplier}"
            );
            assert_eq!(found.period, (multiplier < 0.0).then_some(2.0), "{speed}");
        }
    }

    /// r^t cos ωt, bare and rounded to whole owners.
    #[test]
    fn a_damped_swing_is_told_with_its_period() {
        for (multiplier, period) in [
            (0.97_f64, 25.0),
            (0.9, 12.0),
            (0.99, 80.0),
            (0.8, 3.1),
            (0.999, 400.0),
        ] {
            let path =
                |t: i32| 400.0 * multiplier.powi(t) * (TAU * f64::from(t) / period + 0.7).cos();
            for whole in [false, true] {
                let differences: Vec<f64> = (0..8000)
                    .map(|t| if whole { path(t).round() } else { path(t) })
                    .collect();
                let found = told(&differences, if whole { 1.0 } else { 1e-3 });
                let rate = found.multiplier.ln() / multiplier.ln();
                assert!(
                    (rate - 1.0).abs() < if whole { 0.05 } else { 1e-3 },
                    "{multiplier}: {found:?}"
                );
                let swing = found.period.unwrap() / period;
                assert!(
                    (swing - 1.0).abs() < if whole { 0.02 } else { 1e-4 },
                    "{multiplier}: {found:?}"
                );
            }
        }
    }

    /// Owners are whole, and each way has noise of its own on top: no swing is seen where there is none, and rates are close.
    #[test]
    fn rounding_and_noise_do_not_hasten_a_decay() {
        let mut stream = Streams::new(5, 0).open(Purpose::new("decay-test"), 0);
        for multiplier in [0.9_f64, 0.98, 0.995] {
            let rates: Vec<f64> = (0..20)
                .map(|_| {
                    let differences: Vec<f64> = (0..4000)
                        .map(|t| (80.0 * multiplier.powi(t) + 0.7 * stream.normal()).round())
                        .collect();
                    let found = told(&differences, 3.0);
                    assert_eq!(found.period, None, "{found:?}");
                    found.multiplier.ln() / multiplier.ln()
                })
                .collect();
            let mean = super::super::mean(&rates);
            assert!(
                (mean - 1.0).abs() < 0.08,
                "{multiplier}: {mean} of {rates:?}"
            );
        }
    }

    /// The slower of two modes is told, for the faster one is over when the fit begins; what stays is told apart.
    #[test]
    fn the_slowest_mode_counts_and_what_stays_is_told() {
        let two: Vec<f64> = (0..2000)
            .map(|t| 50.0 * 0.98_f64.powi(t) + 100.0 * 0.7_f64.powi(t))
            .collect();
        assert!((told(&two, 1e-3).multiplier - 0.98).abs() < 1e-3);
        let offset: Vec<f64> = (0..2000).map(|t| 20.0 + 60.0 * 0.95_f64.powi(t)).collect();
        let Difference::Decays(found, stays) = decay(&offset, 0.5) else {
            panic!("it decays");
        };
        assert!(
            (found.multiplier - 0.95).abs() < 1e-3 && (stays - 0.25).abs() < 1e-6,
            "{found:?} {stays}"
        );
        assert_eq!(
            decay(&[9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1.0),
            Difference::Gone(1, 0.0)
        );
        assert_eq!(
            decay(&[3.0, 2.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0], 1.0),
            Difference::Unclear
        );
    }
}

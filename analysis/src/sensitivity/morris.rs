//! Elementary effects: how far one step of one parameter moves a figure, at random places of all others.
//!
//! M. D. Morris, Technometrics 33(2), 1991; μ*, the mean of sizes, by F. Campolongo, J. Cariboni, A. Saltelli, Environ. Model. Softw.
//! 22(10), 2007. Effects of different walks are independent: their means have Student t intervals.

use walras_sim::record::Range;

use super::Effect;
use crate::design::morris::Trajectory;
use crate::estimate::estimate;

/// The effects of each parameter from `values`, in the order of the points of `walks`.
///
/// # Panics
/// If there are no walks.
#[must_use]
pub fn effects(values: &[f64], walks: &[Trajectory]) -> Vec<Effect> {
    let parameters = walks[0].order.len();
    let mut all = vec![Vec::with_capacity(walks.len()); parameters];
    for (walk, values) in walks.iter().zip(values.chunks(parameters + 1)) {
        for (step, &parameter) in walk.order.iter().enumerate() {
            let (from, to) = (&walk.points[step], &walk.points[step + 1]);
            let length = to[parameter] - from[parameter];
            all[parameter].push((values[step + 1] - values[step]) / length);
        }
    }
    let of = |effects: Vec<f64>| {
        let sizes: Vec<f64> = effects.iter().map(|effect| effect.abs()).collect();
        let mu = estimate(&effects, Range::Any).expect("there are walks");
        let squares: f64 = effects
            .iter()
            .map(|effect| (effect - mu.mean).powi(2))
            .sum();
        Effect::Morris {
            mu,
            mu_star: estimate(&sizes, Range::NonNegative).expect("there are walks"),
            sigma: (squares / (effects.len() - 1).max(1) as f64).sqrt(),
        }
    };
    all.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};
    use walras_scenarios::study::SensitivityMethod;

    use super::super::analyse;
    use super::*;
    use crate::design::morris::trajectories;
    use crate::estimate::Estimate;
    use crate::response::function::{Function, Known};

    fn parts(effect: &Effect) -> (Estimate, Estimate, f64) {
        match effect {
            Effect::Morris { mu, mu_star, sigma } => (*mu, *mu_star, *sigma),
            Effect::Sobol { .. } => panic!("asked for elementary effects"),
        }
    }

    /// On four levels |4x − 2| is 2 or 2/3, so that a step of 2/3 moves the i-th factor by ±(4/3)/(1 + aᵢ), an effect of 2/(1 + aᵢ), and
    /// a factor is (4/3 + a)/(1 + a) on average: μ* is exactly 2/(1 + aᵢ) times the product of the others, and μ is zero.
    #[test]
    fn the_g_function_has_the_effects_that_follow_from_its_levels() {
        let found = analyse(
            &mut Function::new(Known::SobolG),
            SensitivityMethod::Morris,
            400,
            1,
        )
        .unwrap();
        let weights = [0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0];
        let factor = |a: f64| (4.0 / 3.0 + a) / (1.0 + a);
        let product: f64 = weights.iter().map(|a| factor(*a)).product();
        let effects = found.figures[0].effects.as_ref().unwrap();
        for (effect, a) in effects.iter().zip(weights) {
            let (mu, mu_star, _) = parts(effect);
            let exact = 2.0 / (1.0 + a) * product / factor(a);
            assert!(
                (mu_star.mean / exact - 1.0).abs() < 0.08,
                "{mu_star:?} {exact}"
            );
            // Eight intervals of 95 %, widened by half for all of them together.
            let wide = 1.5 * mu.interval.unwrap().half_width();
            assert!(mu.mean.abs() < wide, "{mu:?}");
        }
    }

    /// The function of Morris's paper: twenty inputs, of which the first seven have effects that depend on others, the next three
    /// plain effects of 40, and the last ten next to none. Its small coefficients, standard normal there, are ±1 here, as in A. Saltelli
    /// and others, Global Sensitivity Analysis: The Primer, 2008.
    #[test]
    fn the_function_of_morris_splits_into_his_three_groups() {
        let f = |x: &[f64]| {
            let w: Vec<f64> = (0..20)
                .map(|i| match i {
                    2 | 4 | 6 => 2.0 * (1.1 * x[i] / (x[i] + 0.1) - 0.5),
                    _ => 2.0 * (x[i] - 0.5),
                })
                .collect();
            let sign = |index: usize| if index.is_multiple_of(2) { 1.0 } else { -1.0 };
            let mut y = 0.0;
            for i in 0..20 {
                y += w[i] * if i < 10 { 20.0 } else { sign(i + 1) };
                for j in i + 1..20 {
                    y += w[i] * w[j] * if j < 6 { -15.0 } else { sign(i + j) };
                    for l in j + 1..20 {
                        if l < 5 {
                            y -= 10.0 * w[i] * w[j] * w[l];
                        }
                        for s in l + 1..20 {
                            if s < 4 {
                                y += 5.0 * w[i] * w[j] * w[l] * w[s];
                            }
                        }
                    }
                }
            }
            y
        };
        let mut stream = Streams::new(1991, 0).open(Purpose::new("morris-function"), 0);
        let walks = trajectories(50, 20, &mut stream);
        let points = walks.iter().flat_map(|walk| &walk.points);
        let values: Vec<f64> = points.map(|point| f(point)).collect();
        for (index, effect) in effects(&values, &walks).iter().enumerate() {
            let (mu, mu_star, sigma) = parts(effect);
            match index {
                0..=6 => assert!(sigma > 15.0 && mu_star.mean > 15.0, "{index} {effect:?}"),
                7..=9 => assert!(
                    (mu.mean - 40.0).abs() < 4.0 && sigma < 12.0,
                    "{index} {effect:?}"
                ),
                _ => assert!(mu_star.mean < 12.0 && sigma < 12.0, "{index} {effect:?}"),
            }
        }
    }
}

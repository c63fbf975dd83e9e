//! Effort in a contest for a fixed prize, as miners and providers of a fixed emission make.
//!
//! Each of n contestants wins the share of the prize V that is its share of all effort. With costs `c_i` by unit of effort the m cheapest
//! take part, all effort is `X = V (m − 1) / Σ c`, and `x_i = X (1 − c_i X / V)`; whoever has `c_i ≥ V / X` stays out. With equal costs each
//! spends `V (n − 1) / n²`: a share (n − 1) / n of the prize is dissipated. G. Tullock, "Efficient rent seeking", 1980; the general case:
//! A. Hillman, J. Riley, Economics & Politics 1, 1989.

/// Effort of each of n equal contestants.
#[must_use]
pub fn symmetric_effort(prize: f64, contestants: u32, cost: f64) -> f64 {
    let n = f64::from(contestants);
    prize * (n - 1.0).max(0.0) / (n * n * cost)
}

/// Share of the prize that n equal contestants spend.
#[must_use]
pub fn dissipation(contestants: u32) -> f64 {
    let n = f64::from(contestants);
    (n - 1.0).max(0.0) / n
}

/// Efforts in equilibrium by contestant, whose costs by unit of effort are given; a single one need make none.
///
/// # Panics
/// If a cost is not positive and finite.
#[must_use]
pub fn efforts(prize: f64, costs: &[f64]) -> Vec<f64> {
    assert!(
        costs.iter().all(|cost| *cost > 0.0 && cost.is_finite()),
        "costs of effort must be positive and finite, not {costs:?}"
    );
    let mut ordered = costs.to_vec();
    ordered.sort_by(f64::total_cmp);
    // Whoever takes part lowers the price of winning for the next: the cheapest ones do, as long as c < Σ c / (m − 1).
    let (mut sum, mut taking_part) = (0.0, 0.0);
    for cost in ordered {
        if taking_part >= 2.0 && cost >= sum / (taking_part - 1.0) {
            break;
        }
        sum += cost;
        taking_part += 1.0;
    }
    let all = if taking_part >= 2.0 {
        prize * (taking_part - 1.0) / sum
    } else {
        0.0
    };
    let effort = |cost: &f64| (all * (1.0 - cost * all / prize)).max(0.0);
    costs.iter().map(effort).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V = 100 and costs 1, 1.2, 1.5 and 3, as computed by iterated best responses elsewhere.
    #[test]
    fn unequal_contestants() {
        let found = efforts(100.0, &[3.0, 1.0, 1.5, 1.2]);
        let expected = [
            0.0,
            24.835_646_457_268,
            10.226_442_658_875,
            18.991_964_937_911,
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn equal_contestants() {
        for n in 1..20 {
            let found = efforts(50.0, &vec![2.0; n as usize]);
            let effort = symmetric_effort(50.0, n, 2.0);
            assert!(found.iter().all(|found| (found - effort).abs() < 1e-12));
            let spent = f64::from(n) * effort * 2.0;
            assert!((spent / 50.0 - dissipation(n)).abs() < 1e-12);
        }
    }

    /// Nobody gains by another effort.
    #[test]
    fn efforts_are_best_responses() {
        let costs = [1.0, 1.1, 1.3, 2.0, 2.1, 5.0];
        let found = efforts(10.0, &costs);
        let all: f64 = found.iter().sum();
        for (effort, cost) in found.iter().zip(costs) {
            let gain = |x: f64| 10.0 * x / (all - effort + x) - cost * x;
            for other in [
                0.0,
                0.5 * effort,
                0.99 * effort,
                effort + 0.01,
                2.0 * effort,
            ] {
                assert!(gain(other) <= gain(*effort) + 1e-12);
            }
        }
    }
}

//! A pot split exactly: integer shares that sum to the pot, by the method of the largest remainder.

use num_bigint::BigUint;

use crate::units::Amount;

/// `pot` in proportion to `weights`: each share is rounded down, and the units that are left go one each to the largest remainders,
/// the earlier share first among equals (Hamilton's method). The shares sum to the pot, and none is a unit away from its proportion.
///
/// Weights that sum to 2⁶³ or more are first halved, rounding down, until they do not. If all weights are zero nobody is paid, and the
/// pot stays whole with the caller: all shares are zero.
///
/// # Panics
/// If the pot is negative.
#[must_use]
pub fn largest_remainder(pot: Amount, weights: &[u128]) -> Vec<Amount> {
    assert!(
        pot >= Amount::ZERO,
        "a pot that is split must not be negative, not {pot}"
    );
    let weights = fitted(weights);
    let total: u128 = weights.iter().sum();
    if total == 0 {
        return vec![Amount::ZERO; weights.len()];
    }
    // pot = whole·total + rest, so pot·w/total = whole·w + rest·w/total, and no product exceeds the pot or 2¹²⁶.
    let pot = pot.0.unsigned_abs();
    let (whole, rest) = (pot / total, pot % total);
    let mut shares: Vec<u128> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(weights.len());
    for (at, weight) in weights.iter().enumerate() {
        shares.push(whole * weight + rest * weight / total);
        remainders.push((rest * weight % total, at));
    }
    let left = pot - shares.iter().sum::<u128>();
    remainders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, at) in remainders.into_iter().take(left as usize) {
        shares[at] += 1;
    }
    shares
        .into_iter()
        .map(|share| Amount(share.cast_signed()))
        .collect()
}

/// The same for weights that are not integers: they are first rounded to 2⁻⁵² of the largest.
///
/// # Panics
/// If the pot or a weight is negative, or a weight is not finite.
#[must_use]
pub fn by_weight(pot: Amount, weights: &[f64]) -> Vec<Amount> {
    let largest = weights.iter().fold(0.0_f64, |largest, &weight| {
        assert!(
            weight >= 0.0 && weight.is_finite(),
            "a weight must be finite and not negative, not {weight}"
        );
        largest.max(weight)
    });
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let integers: Vec<u128> = weights
        .iter()
        .map(|weight| (weight / scale * 4_503_599_627_370_496.0).round() as u128)
        .collect();
    largest_remainder(pot, &integers)
}

/// `a · b / c`, rounded down, without overflow where the result fits.
///
/// # Panics
/// If `c` is zero, or the result exceeds 2¹²⁸.
#[must_use]
pub fn mul_div(a: u128, b: u128, c: u128) -> u128 {
    if let Some(product) = a.checked_mul(b) {
        return product / c;
    }
    let exact = BigUint::from(a) * BigUint::from(b) / BigUint::from(c);
    u128::try_from(exact).expect("a share that fits 128 bits")
}

/// The weights, halved until they sum to less than 2⁶³.
fn fitted(weights: &[u128]) -> Vec<u128> {
    let mut shift = 0;
    loop {
        let shifted = weights.iter().map(|weight| weight >> shift);
        let sum = shifted.fold(0_u128, u128::saturating_add);
        if sum < 1 << 63 {
            return weights.iter().map(|weight| weight >> shift).collect();
        }
        shift += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By hand: quotas of 1.6, 1.45 and 0.95 are 1, 1 and 0 and leave two units, for 0.95 and 0.6.
    #[test]
    fn the_largest_remainders_get_what_is_left() {
        let shares = largest_remainder(Amount(4), &[160, 145, 95]);
        assert_eq!(shares, [Amount(2), Amount(1), Amount(1)]);
        assert_eq!(
            largest_remainder(Amount(2), &[1, 1, 1]),
            [Amount(1), Amount(1), Amount(0)]
        );
        assert_eq!(largest_remainder(Amount(5), &[0, 0]), [Amount(0); 2]);
        assert_eq!(
            by_weight(Amount(10), &[0.5, 0.25, 0.25]),
            [Amount(5), Amount(3), Amount(2)]
        );
    }

    #[test]
    fn products_beyond_128_bits_are_exact() {
        assert_eq!(mul_div(u128::MAX, u128::MAX, u128::MAX), u128::MAX);
        assert_eq!(mul_div(7, 3, 2), 10);
    }

    proptest! {
        #[test]
        fn a_split_sums_to_the_pot_and_is_within_a_unit(
            pot in 0..=i128::MAX,
            weights in prop::collection::vec(0..=(u64::MAX >> 8), 1..40),
        ) {
            let weights: Vec<u128> = weights.into_iter().map(u128::from).collect();
            let total: u128 = weights.iter().sum();
            let shares = largest_remainder(Amount(pot), &weights);
            let sum = shares.iter().fold(Amount::ZERO, |sum, &share| sum + share);
            prop_assert_eq!(sum, if total == 0 { Amount::ZERO } else { Amount(pot) });
            for (share, weight) in shares.iter().zip(&weights).filter(|_| total > 0) {
                let floor = mul_div(pot.unsigned_abs(), *weight, total).cast_signed();
                prop_assert!(share.0 == floor || share.0 == floor + 1);
            }
        }
    }
}

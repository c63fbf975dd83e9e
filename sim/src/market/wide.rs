//! Products of two 128-bit amounts, kept in full until they are divided or compared.
//!
//! Reserves of a pool in base units have up to twenty digits, and its rule multiplies two of them with a fee: more than 128 bits hold.

/// The product as (high, low) halves of 256 bits; such pairs compare like numbers.
pub(super) fn product(a: u128, b: u128) -> (u128, u128) {
    const HALF: u128 = (1 << 64) - 1;
    let (a_high, a_low) = (a >> 64, a & HALF);
    let (b_high, b_low) = (b >> 64, b & HALF);
    let low = a_low * b_low;
    let cross = a_low * b_high + (low >> 64); // below 2^128: (2^64 − 1)² + 2^64 − 1
    let middle = a_high * b_low + (cross & HALF);
    let high = a_high * b_high + (cross >> 64) + (middle >> 64);
    (high, (middle << 64) | (low & HALF))
}

/// `a · b / divisor`, rounded down.
///
/// # Panics
/// If `divisor` is zero or the quotient exceeds 128 bits.
pub(crate) fn mul_div(a: u128, b: u128, divisor: u128) -> u128 {
    assert!(divisor > 0, "division by zero");
    if let Some(product) = a.checked_mul(b) {
        return product / divisor;
    }
    let (mut rest, low) = product(a, b);
    assert!(rest < divisor, "amount overflow");
    let mut quotient = 0;
    for bit in (0..128).rev() {
        // The rest is below the divisor, so twice it needs one bit more than 128 at most.
        let carry = rest >> 127;
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carry == 1 || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    quotient
}

/// The square root of `a · b`, rounded down.
pub(super) fn sqrt_of_product(a: u128, b: u128) -> u128 {
    let square = product(a, b);
    let mut root = 0;
    for bit in (0..128).rev() {
        let with = root | (1 << bit);
        if product(with, with) <= square {
            root = with;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_factors() {
        let most = u128::MAX;
        assert_eq!(product(most, most), (most - 1, 1), "(2^128 − 1)²");
        assert_eq!(mul_div(most, most, most), most);
        assert_eq!(sqrt_of_product(most, most), most);
        assert_eq!(mul_div(most, most - 1, most), most - 1);
    }

    #[test]
    #[should_panic(expected = "amount overflow")]
    fn a_quotient_beyond_128_bits_is_an_error() {
        let _ = mul_div(u128::MAX, 2, 1);
    }

    proptest! {
        /// `quotient · divisor + rest = a · b` with `rest < divisor`, in 256 bits.
        #[test]
        fn division_undoes_multiplication(a in any::<u128>(), b in any::<u128>(), draw in any::<u128>()) {
            // Only above the product's high half does the quotient fit in 128 bits.
            let least = product(a, b).0 + 1;
            let divisor = least.max(draw);
            let quotient = mul_div(a, b, divisor);
            let (high, low) = product(quotient, divisor);
            let (rest, borrowed) = product(a, b).1.overflowing_sub(low);
            prop_assert_eq!(product(a, b).0, high + u128::from(borrowed));
            prop_assert!(rest < divisor);
        }

        #[test]
        fn roots_bracket(a in any::<u128>(), b in any::<u128>()) {
            let root = sqrt_of_product(a, b);
            prop_assert!(product(root, root) <= product(a, b));
            prop_assert!(root == u128::MAX || product(root + 1, root + 1) > product(a, b));
        }
    }
}

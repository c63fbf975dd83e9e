//! Elementary functions whose results are the same bits on every machine.
//!
//! IEEE 754 fixes the last bit of `+ - * /`, `sqrt` and conversions, but not of `exp`, `ln`, `pow`,
//! `sin` and `cos`: the standard library takes those from the platform, where they differ between C
//! libraries and, inside one, between processors (glibc has variants with and without fused
//! multiply-add). One different bit moves a nanosecond, which moves an event, which is another
//! history. All code whose results are compared bit by bit calls this module instead;
//! `clippy.toml` forbids the others.
//!
//! Pure Rust: [`exp`], which most draws need, is ours; the others are those of the `libm` crate. The
//! compiler neither contracts nor reorders floating-point operations.

/// `e^x`, error below 0.6 units in the last place.
///
/// P. T. P. Tang, "Table-driven implementation of the exponential function in IEEE floating-point
/// arithmetic", ACM TOMS 15(2), 1989, doi 10.1145/63522.214389: with x = k·ln2/128 + r and
/// k = 128·e + i, the result is 2^e · 2^(i/128) · e^r, where |r| < 0.0028 makes five terms enough.
#[must_use]
#[inline]
pub fn exp(x: f64) -> f64 {
    const TO_INTEGER: f64 = 6_755_399_441_055_744.0; // 1.5·2^52: its last bit counts ones
    const STEP_HIGH: f64 = f64::from_bits(0x3f76_2e42_fefa_0000); // ln2/128; times k it is exact
    const STEP_LOW: f64 = f64::from_bits(0x3d0c_f79a_bc9e_3b39);
    if x.abs() >= 708.0 || x.is_nan() {
        return libm::exp(x); // near or beyond the ends of the exponent
    }
    let shifted = x * (128.0 * std::f64::consts::LOG2_E) + TO_INTEGER;
    let k = shifted - TO_INTEGER;
    let r = x - k * STEP_HIGH - k * STEP_LOW;
    let k = shifted.to_bits() as i32;
    let (power, rest) = POWERS[(k & 127) as usize];
    let scale = f64::from_bits(power.to_bits().wrapping_add(((k >> 7) as u64) << 52));
    let square = r * r;
    let upper = 0.5 + r * (1.0 / 6.0) + square * (1.0 / 24.0 + r * (1.0 / 120.0));
    scale + scale * (rest + r + square * upper)
}

/// The natural logarithm, error below one unit in the last place.
#[must_use]
#[inline]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// `ln(1 + x)`, accurate near zero.
#[must_use]
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// `e^x − 1`, accurate near zero.
#[must_use]
#[inline]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// `x^y`, error below one unit in the last place; [`exp`] of `y·ln x` is three times faster.
#[must_use]
#[inline]
pub fn powf(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// `x^n` by repeated squaring, always in the same order; relative error below n·2^-52.
#[must_use]
#[inline]
pub fn powi(x: f64, n: i32) -> f64 {
    let (mut base, mut left, mut product) = (x, n.unsigned_abs(), 1.0);
    while left > 0 {
        if left & 1 == 1 {
            product *= base;
        }
        base *= base;
        left >>= 1;
    }
    if n < 0 { 1.0 / product } else { product }
}

/// The sine of `x` [rad].
#[must_use]
#[inline]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// The cosine of `x` [rad].
#[must_use]
#[inline]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// 2^(i/128) as its nearest double, and what is left of it relative to that.
static POWERS: [(f64, f64); 128] = {
    let mut table = [(0.0, 0.0); 128];
    let mut i = 0;
    while i < 128 {
        // e^(i·ln2/128) by its series, in units of 2^-63 for a sum and its terms from 1 to 2.
        let x = 0xb172_17f7_d1cf_79ab * i as u128 / 128; // ln2 in units of 2^-64
        let (mut sum, mut term, mut n) = (0, 1u128 << 63, 1);
        while term > 0 {
            sum += term;
            term = ((term * x) >> 64) / n;
            n += 1;
        }
        let power = sum as u64 as f64; // rounds to nearest
        let rest = (sum.cast_signed() - power as i128) as f64 / power;
        table[i] = (power / (1u64 << 63) as f64, rest);
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Streams};

    /// Units in the last place between two finite positive numbers.
    fn ulps(a: f64, b: f64) -> u64 {
        a.to_bits().abs_diff(b.to_bits())
    }

    #[test]
    fn exp_is_within_a_unit_of_another_implementation() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("math"), 0);
        for scale in [1e-9, 1e-3, 1.0, 30.0, 707.9] {
            for _ in 0..if cfg!(miri) { 100 } else { 100_000 } {
                let x = scale * (2.0 * stream.uniform() - 1.0);
                let (ours, theirs) = (exp(x), libm::exp(x));
                assert!(ulps(ours, theirs) <= 1, "exp({x}): {ours} != {theirs}");
            }
        }
    }

    /// Correctly rounded values, by mpmath with 60 digits; none is near the middle of two doubles.
    #[test]
    fn exp_is_correctly_rounded_at_reference_points() {
        let references = [
            (-0.352_3, 0.703_069_169_584_189),
            (115.903_2, 2.168_304_119_578_070_6e+50),
            (-0.570_6, 0.565_186_225_210_540_5),
            (-0.818_6, 0.441_048_690_646_823_67),
            (0.894_9, 2.447_091_068_119_636),
            (0.154_2, 1.166_724_208_287_168_3),
            (-113.205_3, 6.847_986_378_402_339e-50),
            (-0.764_4, 0.465_613_215_109_760_1),
            (-0.793_9, 0.452_078_247_587_857_53),
            (0.095_5, 1.100_208_822_033_935_2),
            (0.171_1, 1.186_609_404_029_265_4),
            (-71.632_1, 7.772_741_828_456_182e-32),
            (-22.916_1, 1.116_000_073_635_175_1e-10),
            (-645.109_8, 6.797_882_260_019_669e-281),
            (3.484_5, 32.606_119_973_428_34),
            (-8.989_3, 0.000_124_737_378_849_241_35),
        ];
        for (x, expect) in references {
            assert_eq!(exp(x), expect, "exp({x})");
        }
    }

    #[test]
    fn exp_at_its_ends() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(710.0), f64::INFINITY);
        assert_eq!(exp(-746.0), 0.0);
        assert!(exp(-740.0) > 0.0, "a subnormal number");
        assert!(exp(f64::NAN).is_nan());
        // No step where one way of computing gives over to the other.
        for edge in [708.0f64, -708.0] {
            let (inside, outside) = (exp(edge.next_up()), exp(edge.next_down()));
            assert!((inside / outside - 1.0).abs() < 1e-12, "{inside} {outside}");
        }
    }

    #[test]
    fn exp_never_falls() {
        let mut x = -1.0f64;
        while x < 1.0 {
            assert!(exp(x) <= exp(x.next_up()), "at {x}");
            x += if cfg!(miri) { 0.01 } else { 1.7e-5 };
        }
    }

    #[test]
    fn integer_powers() {
        assert_eq!(powi(3.0, 5), 243.0);
        assert_eq!(powi(2.0, -3), 0.125);
        assert_eq!(powi(0.0, 0), 1.0);
        assert_eq!(powi(2.0, i32::MIN), 0.0);
        let x = 1.000_1;
        assert!((powi(x, 9_999) / powf(x, 9_999.0) - 1.0).abs() < 9_999.0 * f64::EPSILON);
    }
}

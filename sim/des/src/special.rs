//! The special functions behind the distributions: normal CDF, its inverse, and the gamma function.
#![allow(clippy::excessive_precision)] // coefficients as they were published

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::math;

/// The standard normal distribution function, with a relative error below 1e-13 in both tails.
///
/// Through the complementary error function of W. J. Cody, "Rational Chebyshev approximations for
/// the error function", Mathematics of Computation 23, 1969, doi 10.1090/S0025-5718-1969-0247736-4.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// The standard normal quantile, relative error about 1e-16; ∓∞ at 0 and 1.
///
/// M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
/// Statistics 37(3), 1988, doi 10.2307/2347330 (routine PPND16).
///
/// # Panics
/// If `p` is outside [0, 1].
#[must_use]
#[track_caller]
pub fn normal_quantile(p: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&p),
        "a quantile needs p in [0, 1], got {p}"
    );
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * horner(&CENTRE.0, r) / horner(&CENTRE.1, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-math::ln(tail)).sqrt();
    let ((numerator, denominator), r) = if r <= 5.0 {
        (&NEAR_TAIL, r - 1.6)
    } else {
        (&FAR_TAIL, r - 5.0)
    };
    (horner(numerator, r) / horner(denominator, r)).copysign(q)
}

/// The gamma function for x > 0, relative error below 1e-12 up to its overflow at 171.6.
///
/// C. Lanczos's series with g = 7 and nine terms, coefficients by P. Godfrey, 2001.
pub(crate) fn gamma(x: f64) -> f64 {
    if x < 0.5 {
        return PI / (math::sin(PI * x) * gamma(1.0 - x)); // reflection
    }
    let x = x - 1.0;
    let mut series = LANCZOS[0];
    for (i, coefficient) in LANCZOS.iter().enumerate().skip(1) {
        series += coefficient / (x + i as f64);
    }
    let t = x + 7.5;
    // The power is split because t^(x+1/2) alone overflows before the result does.
    let half_power = math::powf(t, 0.5 * (x + 0.5));
    (2.0 * PI).sqrt() * half_power * math::exp(-t) * half_power * series
}

fn erfc(x: f64) -> f64 {
    let y = x.abs();
    if y <= 0.468_75 {
        let z = y * y;
        return 1.0 - x * horner(&ERF_SMALL.0, z) / horner(&ERF_SMALL.1, z);
    }
    if y > 28.0 {
        return if x < 0.0 { 2.0 } else { 0.0 }; // below the smallest positive number
    }
    let scaled = if y <= 4.0 {
        horner(&ERFC_MIDDLE.0, y) / horner(&ERFC_MIDDLE.1, y)
    } else {
        let z = 1.0 / (y * y);
        let tail = z * horner(&ERFC_LARGE.0, z) / horner(&ERFC_LARGE.1, z);
        (PI.sqrt().recip() - tail) / y
    };
    // exp(-y²) with the square split at 1/16, so that its rounding error is not magnified.
    let coarse = (y * 16.0).trunc() / 16.0;
    let rest = (y - coarse) * (y + coarse);
    let upper = math::exp(-coarse * coarse) * math::exp(-rest) * scaled;
    if x < 0.0 { 2.0 - upper } else { upper }
}

/// `c[0] + c[1]·x + c[2]·x² + …`
fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// Numerator and denominator, lowest power first.
type Rational<const N: usize> = ([f64; N], [f64; N]);

#[rustfmt::skip]
const ERF_SMALL: Rational<5> = (
    [3.209_377_589_138_469_47e3, 3.774_852_376_853_020_21e2, 1.138_641_541_510_501_56e2,
     3.161_123_743_870_565_60, 1.857_777_061_846_031_53e-1],
    [2.844_236_833_439_170_62e3, 1.282_616_526_077_372_28e3, 2.440_246_379_344_441_73e2,
     2.360_129_095_234_412_09e1, 1.0],
);

#[rustfmt::skip]
const ERFC_MIDDLE: Rational<9> = (
    [1.230_339_354_797_997_25e3, 2.051_078_377_826_071_47e3, 1.712_047_612_634_070_58e3,
     8.819_522_212_417_690_90e2, 2.986_351_381_974_001_31e2, 6.611_919_063_714_162_95e1,
     8.883_149_794_388_375_94, 5.641_884_969_886_700_89e-1, 2.153_115_354_744_038_46e-8],
    [1.230_339_354_803_749_42e3, 3.439_367_674_143_721_64e3, 4.362_619_090_143_247_16e3,
     3.290_799_235_733_459_63e3, 1.621_389_574_566_690_19e3, 5.371_811_018_620_098_58e2,
     1.176_939_508_913_124_99e2, 1.574_492_611_070_983_47e1, 1.0],
);

#[rustfmt::skip]
const ERFC_LARGE: Rational<6> = (
    [6.587_491_615_298_378_03e-4, 1.608_378_514_874_227_66e-2, 1.257_817_261_112_292_46e-1,
     3.603_448_999_498_044_39e-1, 3.053_266_349_612_323_44e-1, 1.631_538_713_730_209_78e-2],
    [2.335_204_976_268_691_85e-3, 6.051_834_131_244_131_91e-2, 5.279_051_029_514_284_12e-1,
     1.872_952_849_923_467_25, 2.568_520_192_289_822_42, 1.0],
);

#[rustfmt::skip]
const CENTRE: Rational<8> = (
    [3.387_132_872_796_366_608, 1.331_416_678_917_843_774_5e2, 1.971_590_950_306_551_442_7e3,
     1.373_169_376_550_946_112_5e4, 4.592_195_393_154_987_145_7e4, 6.726_577_092_700_870_085_3e4,
     3.343_057_558_358_812_810_5e4, 2.509_080_928_730_122_672_7e3],
    [1.0, 4.231_333_070_160_091_125_2e1, 6.871_870_074_920_579_083e2,
     5.394_196_021_424_751_107_7e3, 2.121_379_430_158_659_586_7e4, 3.930_789_580_009_271_061e4,
     2.872_908_573_572_194_267_4e4, 5.226_495_278_852_854_561e3],
);

#[rustfmt::skip]
const NEAR_TAIL: Rational<8> = (
    [1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9, 5.769_497_221_460_691_405_5,
     3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 2.417_807_251_774_506_117_7e-1,
     2.272_384_498_926_918_458_33e-2, 7.745_450_142_783_414_076_4e-4],
    [1.0, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_4,
     6.897_673_349_851_000_045_5e-1, 1.481_039_764_274_800_745_9e-1,
     1.519_866_656_361_645_719_66e-2, 5.475_938_084_995_344_946e-4,
     1.050_750_071_644_416_843_24e-9],
);

#[rustfmt::skip]
const FAR_TAIL: Rational<8> = (
    [6.657_904_643_501_103_777_2, 5.463_784_911_164_114_369_9, 1.784_826_539_917_291_335_8,
     2.965_605_718_285_048_912_3e-1, 2.653_218_952_657_612_309_3e-2,
     1.242_660_947_388_078_438_6e-3, 2.711_555_568_743_487_578_15e-5,
     2.010_334_399_292_288_132_65e-7],
    [1.0, 5.998_322_065_558_879_376_9e-1, 1.369_298_809_227_358_053_1e-1,
     1.487_536_129_085_061_485_25e-2, 7.868_691_311_456_132_591e-4,
     1.846_318_317_510_054_681_8e-5, 1.421_511_758_316_445_888_7e-7,
     2.044_263_103_389_939_785_64e-15],
);

#[rustfmt::skip]
const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_93, 676.520_368_121_885_1, -1_259.139_216_722_402_8,
    771.323_428_777_653_13, -176.615_029_162_140_59, 12.507_343_278_686_905,
    -0.138_571_095_265_720_12, 9.984_369_578_019_571_6e-6, 1.505_632_735_149_311_6e-7,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(got: f64, expect: f64, relative: f64, at: f64) {
        let error = (got - expect).abs() / expect.abs().max(f64::MIN_POSITIVE);
        assert!(
            error <= relative,
            "at {at}: {got} != {expect}, relative error {error:e}"
        );
    }

    // The references of this file were computed with 40 digits by mpmath (`ncdf`, `gamma`).

    #[test]
    fn normal_cdf_is_accurate_in_both_tails() {
        let references = [
            (-37.0, 5.725_571_222_524_576_4e-300),
            (-20.0, 2.753_624_118_606_233_7e-89),
            (-10.0, 7.619_853_024_160_526_07e-24),
            (-6.0, 9.865_876_450_376_981_41e-10),
            (-5.7, 5.990_371_401_063_528_19e-9),
            (-3.0, 1.349_898_031_630_094_53e-3),
            (-1.96, 2.499_789_514_822_043_62e-2),
            (-1.0, 1.586_552_539_314_570_51e-1),
            (-0.66, 2.546_269_146_713_361_38e-1),
            (-0.5, 3.085_375_387_259_868_96e-1),
            (-0.1, 4.601_721_627_229_710_16e-1),
            (0.0, 0.5),
            (0.3, 6.179_114_221_889_526_33e-1),
            (0.67, 7.485_711_049_046_898_98e-1),
            (1.0, 8.413_447_460_685_429_49e-1),
            (1.96, 9.750_021_048_517_795_64e-1),
            (3.0, 9.986_501_019_683_699_05e-1),
            (5.0, 9.999_997_133_484_281_21e-1),
            (8.0, 9.999_999_999_999_993_78e-1),
        ];
        for (x, expect) in references {
            close(normal_cdf(x), expect, 1e-13, x);
        }
        assert_eq!(normal_cdf(f64::NEG_INFINITY), 0.0);
        assert_eq!(normal_cdf(f64::INFINITY), 1.0);
    }

    #[test]
    fn normal_quantile_is_accurate_in_both_tails() {
        let references = [
            (1e-300, -37.047_096_299_361_199_2),
            (1e-100, -21.273_453_560_965_324_3),
            (1e-20, -9.262_340_089_798_407_58),
            (1e-11, -6.706_023_155_495_136_3),
            (1e-6, -4.753_424_308_822_898_96),
            (0.001, -3.090_232_306_167_813_54),
            (0.025, -1.959_963_984_540_054_21),
            (0.05, -1.644_853_626_951_472_69),
            (0.074, -1.446_632_067_158_978_51),
            (0.076, -1.432_502_720_825_811_62),
            (0.1, -1.281_551_565_544_600_44),
            (0.25, -0.674_489_750_196_081_743),
            (0.4, -0.253_347_103_135_799_741),
            (0.6, 0.253_347_103_135_799_741),
            (0.9, 1.281_551_565_544_600_59),
            (0.975, 1.959_963_984_540_053_86),
            (0.999, 3.090_232_306_167_813_28),
        ];
        for (p, expect) in references {
            close(normal_quantile(p), expect, 1e-14, p);
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }

    #[test]
    #[cfg_attr(miri, ignore = "ten thousand points")]
    fn normal_quantile_inverts_normal_cdf() {
        for i in 1..10_000 {
            let p = f64::from(i) / 10_000.0;
            close(normal_cdf(normal_quantile(p)), p, 1e-13, p);
        }
    }

    #[test]
    fn gamma_is_accurate() {
        let references = [
            (0.01, 99.432_585_119_150_601_6),
            (0.25, 3.625_609_908_221_908_31),
            (0.5, 1.772_453_850_905_516_03),
            (1.0, 1.0),
            (1.5, 0.886_226_925_452_758_014),
            (2.5, 1.329_340_388_179_137_02),
            (3.0, 2.0),
            (3.941_176_470_588_235, 5.575_399_509_253_963_99),
            (6.0, 120.0),
            (10.5, 1_133_278.388_948_785_57),
            (21.0, 2.432_902_008_176_64e18),
            (50.0, 6.082_818_640_342_675_61e62),
            (100.5, 9.320_963_104_082_716_61e156),
            (171.0, 7.257_415_615_307_998_97e306),
        ];
        for (x, expect) in references {
            close(gamma(x), expect, 1e-12, x);
        }
    }
}

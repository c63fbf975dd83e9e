//! Draws of every distribution, to the last bit.
//!
//! They hold on every machine, in debug and release, and whatever features other crates of a build enable: in
//! particular `std` of num-traits, which turns the samplers of `rand_distr` on plain floats to the platform's functions.
//! A change of one bit here changes all results.

use rand_distr::{Beta, Distribution, Poisson, Zipf};
use walras_des::{
    Digest, Dist, DistError, Portable, Purpose, Stream, Streams, math, normal_cdf, normal_quantile,
};

/// Draws that are folded into one digest.
const N: u32 = if cfg!(miri) { 0 } else { 10_000 };

/// The first draw as it is written, and the digest of the bits of [`N`] others.
#[track_caller]
fn check(name: &str, mut draw: impl FnMut(&mut Stream) -> f64, first: f64, digest: u64) {
    let mut stream = Streams::new(1, 0).open(Purpose::new(name), 0);
    let got = draw(&mut stream);
    let mut rest = Digest::new();
    for _ in 0..N {
        rest.fold(draw(&mut stream).to_bits());
    }
    let same = got.to_bits() == first.to_bits() && (N == 0 || rest.as_u64() == digest);
    assert!(
        same,
        "{name}: now {got:?}, 0x{rest}; was {first:?}, 0x{digest:016x}"
    );
}

#[test]
fn draws_of_every_kind() -> Result<(), DistError> {
    let measured = vec![(0.0, 1.0), (0.5, 2.0), (0.9, 7.0), (1.0, 40.0)];
    let mixed = vec![(0.3, Dist::constant(2.0)?), (0.7, Dist::gamma(0.2, 5.0)?)];
    for (name, dist, draw, residual) in [
        (
            "exponential",
            Dist::exponential(3.0)?,
            (2.853_524_228_978_489_2, 0xe12f_bdd9_d4e7_0171),
            (3.045_598_730_578_341_4, 0x5c87_9edc_56af_a031),
        ),
        (
            "lognormal",
            Dist::lognormal(6.3, 1.1)?,
            (1_100.661_465_845_686_5, 0x9041_a6fe_62ad_c4df),
            (870.014_644_284_503_7, 0x371f_1161_d6e1_dd5d),
        ),
        (
            "weibull",
            Dist::weibull(0.4, 3.0)?,
            (0.067_665_460_511_648_33, 0x54bb_641e_c1ae_eb83),
            (31.740_275_301_696_165, 0xaad6_66ed_64a8_2264),
        ),
        (
            "gamma below 1",
            Dist::gamma(0.35, 2.0)?,
            (0.102_688_655_398_778_39, 0x42e5_47cf_6062_e51e),
            (0.815_269_547_557_382_5, 0x09e3_ea7b_1377_e068),
        ),
        (
            "gamma above 1",
            Dist::gamma(3.7, 2.0)?,
            (3.534_222_122_296_746_7, 0x6bc2_1ab9_c9b2_998e),
            (0.609_172_741_481_521_1, 0x2015_cedf_51db_74d3),
        ),
        (
            "pareto",
            Dist::pareto(1.0, 1.7)?,
            (1.104_168_927_231_425_2, 0x749c_5e5d_d9eb_9f40),
            (8.110_321_666_464_369, 0x3539_c3e2_8438_ff62),
        ),
        (
            "uniform",
            Dist::uniform(1.0, 5.0)?.clamped(2.0, 4.0)?,
            (2.642_557_596_430_864, 0xf2a2_7761_7d08_f067),
            (0.990_613_923_478_604_7, 0xd2f9_38a0_7b6b_8bda),
        ),
        (
            "hyperexponential",
            Dist::hyperexponential(vec![(0.4, 1.0), (0.6, 0.2)])?,
            (0.585_399_017_578_344_3, 0x3e6d_d79f_07dd_5547),
            (1.045_572_669_581_730_5, 0x1f02_f4c2_cae7_35bf),
        ),
        (
            "quantiles",
            Dist::quantiles(measured)?,
            (1.155_100_754_795_629_1, 0x6948_b920_8a3b_430e),
            (12.538_267_133_316_339, 0x2ef4_0ce4_8d7a_4d58),
        ),
        (
            "mixture",
            Dist::mixture(mixed)?,
            (2.0, 0xf407_d268_efcd_c045),
            (0.047_720_692_092_200_645, 0x613e_208b_dc01_a1e1),
        ),
    ] {
        check(name, |stream| dist.sample(stream), draw.0, draw.1);
        let life = format!("residual {name}");
        check(
            &life,
            |stream| dist.residual(stream).expect("a residual life"),
            residual.0,
            residual.1,
        );
    }
    Ok(())
}

/// Samplers of `rand_distr` that `Dist` does not use yet, on the float that makes them portable.
#[test]
fn draws_of_rand_distr() {
    check(
        "normal",
        Stream::normal,
        -0.108_748_248_450_100_42,
        0x9c8e_3e55_149e_1ac1,
    );
    let beta = Beta::new(Portable(0.7), Portable(2.3)).expect("above 0");
    check(
        "beta",
        |stream| beta.sample(stream).0,
        0.498_459_759_400_319_67,
        0x2cb1_e271_c591_3836,
    );
    let poisson = Poisson::new(Portable(40.5)).expect("above 0");
    check(
        "poisson",
        |stream| poisson.sample(stream).0,
        43.0,
        0xe289_9231_e100_8eb8,
    );
    let zipf = Zipf::new(Portable(1_000.0), Portable(1.1)).expect("above 0");
    check(
        "zipf",
        |stream| zipf.sample(stream).0,
        34.0,
        0x9f54_32c2_f7b9_5acd,
    );
}

#[test]
fn elementary_functions() {
    check(
        "exp",
        |stream| math::exp(40.0 * stream.normal()),
        6.397_824_706_287_32e-7,
        0x8e5a_419b_3537_bbf2,
    );
    check(
        "ln",
        |stream| math::ln(stream.exponential()),
        -0.052_462_528_745_240_16,
        0x69ca_1747_d72c_b82d,
    );
    check(
        "ln_1p",
        |stream| math::ln_1p(-stream.open_unit()),
        -0.971_396_979_260_445_9,
        0xc5e7_695f_712b_efbc,
    );
    check(
        "exp_m1",
        |stream| math::exp_m1(stream.normal()),
        4.385_690_962_377_838,
        0x8829_49f4_b390_261a,
    );
    check(
        "powf",
        |stream| math::powf(stream.exponential(), stream.normal()),
        0.178_075_321_565_747_68,
        0x3010_d7ca_45b5_7849,
    );
    check(
        "powi",
        |stream| math::powi(1.0 - 1e-3 * stream.uniform(), stream.below(9_999) as i32),
        0.229_340_181_604_427_7,
        0x124e_99c9_9201_f6cc,
    );
    check(
        "sin",
        |stream| math::sin(10.0 * stream.normal()),
        -0.994_588_413_697_964_5,
        0xf6b4_1a3d_58bc_c268,
    );
    check(
        "cos",
        |stream| math::cos(10.0 * stream.normal()),
        0.054_905_983_597_777_07,
        0x24f1_c458_5fd5_4025,
    );
    check(
        "normal quantile",
        |stream| normal_quantile(stream.open_unit()),
        0.484_339_742_986_750_53,
        0x7f05_2a5c_6579_06cb,
    );
    check(
        "normal cdf",
        |stream| normal_cdf(stream.normal()),
        0.644_834_847_757_497_2,
        0x50f6_36eb_51d6_bb70,
    );
}

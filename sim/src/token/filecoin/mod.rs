//! Filecoin's minting, as its reward actor computes it: a simple part that decays with time and a baseline part that follows how much
//! storage the network has, in fixed point with 128 binary places.
//!
//! Amounts are attoFIL (10⁻¹⁸ FIL). Source: Filecoin specification, "Token: minting model"; the constants and the rational
//! approximation of `e^−x` are the protocol's, of filecoin-project/builtin-actors, `actors/reward`, on whose golden tables
//! `walras validate protocols` holds this file. The chain pays an epoch's amount to five expected winners; those who do not turn up are
//! not paid, so that some 2.5 % less is minted than the formula allows.
//!
//! [`pledge`] is the collateral and the fees of storage providers, [`supply`] a model of the circulating supply by days.

pub mod pledge;
pub mod supply;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use num_bigint::BigInt;

use crate::units::Amount;

/// Epochs of 30 s in a day.
pub const EPOCHS_PER_DAY: u64 = 2_880;

/// attoFIL in a FIL.
pub const ATTO: i128 = 1_000_000_000_000_000_000;

/// Binary places of the fixed point.
const PLACES: u32 = 128;

/// A number that is not negative, in fixed point with 128 binary places; reads and writes the digits of the raw integer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Q128(BigInt);

impl Q128 {
    /// The float nearest to the value cut to 64 places; for reports, and below 2⁶³.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        let cut: BigInt = &self.0 >> 64_u32;
        i128::try_from(cut).map_or(f64::INFINITY, |cut| cut as f64 / (1_u128 << 64) as f64)
    }
}

impl FromStr for Q128 {
    type Err = num_bigint::ParseBigIntError;

    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        digits.parse().map(Self)
    }
}

impl fmt::Display for Q128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is minted in all, by each part [attoFIL].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// By the simple part.
    pub simple: Amount,
    /// By the baseline part.
    pub baseline: Amount,
}

impl Default for Allocation {
    /// 330 and 770 million FIL, 30 % and 70 % of what is reserved for storage mining. Source: Filecoin specification.
    fn default() -> Self {
        Self {
            simple: Amount(330_000_000 * ATTO),
            baseline: Amount(770_000_000 * ATTO),
        }
    }
}

impl Allocation {
    /// What epoch `epoch` mints while effective network time goes from `before` to `after` [epochs].
    ///
    /// # Panics
    /// If the amount exceeds 2¹²⁷ attoFIL.
    #[must_use]
    pub fn reward(&self, epoch: u64, before: &Q128, after: &Q128) -> Amount {
        let time = &protocol().decay * epoch;
        let simple = (BigInt::from(self.simple.0) * &protocol().growth * exp_neg(&time)) >> PLACES;
        let baseline = self.minted_by_baseline(after) - self.minted_by_baseline(before);
        let reward: BigInt = (simple + baseline) >> PLACES;
        Amount(i128::try_from(reward).expect("a reward fits 128 bits"))
    }

    /// `total · (1 − e^(−λθ))`, with 128 binary places.
    fn minted_by_baseline(&self, theta: &Q128) -> BigInt {
        let time = (&theta.0 * &protocol().decay) >> PLACES;
        let one = BigInt::from(1) << PLACES;
        (one - exp_neg(&time)) * self.baseline.0
    }
}

/// The baseline, and how far the network's storage has come along it.
///
/// The baseline power doubles every year. Each epoch counts the network's power, at most the baseline's, as realized; effective network
/// time is where the baseline's own sum would have reached what was realized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minting {
    allocation: Allocation,
    /// The last epoch that was stepped.
    epoch: Option<u64>,
    /// Baseline power of that epoch [bytes].
    baseline: BigInt,
    /// Sum of realized power [byte-epochs].
    realized: BigInt,
    /// Effective network time, rounded up [epochs].
    ceiling: u64,
    /// Baseline power then [bytes].
    effective: BigInt,
    /// Sum of baseline power until then [byte-epochs].
    target: BigInt,
}

impl Default for Minting {
    fn default() -> Self {
        Self::new(Allocation::default())
    }
}

impl Minting {
    /// A network before its first epoch.
    #[must_use]
    pub fn new(allocation: Allocation) -> Self {
        let effective = BigInt::from(BASELINE_INITIAL);
        // One factor below the first baseline, so that the first step lands on it.
        let before: BigInt = ((effective.clone() << (2 * PLACES)) / &protocol().doubling) >> PLACES;
        Self {
            allocation,
            epoch: None,
            baseline: before,
            realized: BigInt::ZERO,
            ceiling: 0,
            effective,
            target: BigInt::ZERO,
        }
    }

    /// Passes one epoch in which the network's raw power is `power` [bytes]; returns what the epoch mints [attoFIL].
    pub fn step(&mut self, power: u128) -> Amount {
        let before = self.network_time();
        let epoch = self.epoch.map_or(0, |epoch| epoch + 1);
        self.epoch = Some(epoch);
        self.baseline = grown(&self.baseline);
        self.realized += BigInt::from(power).min(self.baseline.clone());
        while self.realized > self.target {
            self.ceiling += 1;
            self.effective = grown(&self.effective);
            self.target += &self.effective;
        }
        let after = self.network_time();
        self.allocation.reward(epoch, &before, &after)
    }

    /// Effective network time [epochs].
    #[must_use]
    pub fn network_time(&self) -> Q128 {
        effective_time(self.ceiling, &self.effective, &self.realized, &self.target)
    }

    /// Baseline power of the last epoch [bytes].
    ///
    /// # Panics
    /// Some two hundred years after launch, when it exceeds 2¹²⁸ bytes.
    #[must_use]
    pub fn baseline(&self) -> u128 {
        u128::try_from(&self.baseline).expect("a baseline of this millennium fits 128 bits")
    }
}

/// Where `realized` lies between the sums of the baseline at `ceiling − 1` and at `ceiling`, by linear interpolation.
fn effective_time(ceiling: u64, power: &BigInt, realized: &BigInt, target: &BigInt) -> Q128 {
    if ceiling == 0 {
        return Q128::default();
    }
    let missing = ((target - realized) << PLACES) / power;
    Q128((BigInt::from(ceiling) << PLACES) - missing)
}

/// The baseline one epoch later.
fn grown(power: &BigInt) -> BigInt {
    (power * &protocol().doubling) >> PLACES
}

/// Baseline power of epoch 0 [bytes]. Source: builtin-actors, `BASELINE_INITIAL_VALUE`; these are decimal exabytes.
const BASELINE_INITIAL: u64 = 2_888_888_880_000_000_000;

/// Constants with 128 binary places. Source: builtin-actors, `actors/reward/src/logic.rs` and `expneg.rs`.
struct Protocol {
    /// `2^(1/1,051,200)`: the baseline's factor of an epoch, doubling in a year of 365 days.
    doubling: BigInt,
    /// `λ = ln 2 / (6 · 1,051,200)`: the simple part's rate, half in six years.
    decay: BigInt,
    /// `e^λ − 1`.
    growth: BigInt,
    /// Coefficients of the numerator of `e^−x`, highest power first.
    numerator: Vec<BigInt>,
    /// Those of the denominator.
    denominator: Vec<BigInt>,
}

fn protocol() -> &'static Protocol {
    static PROTOCOL: LazyLock<Protocol> = LazyLock::new(|| Protocol {
        doubling: (BigInt::from(1) << PLACES) + 224_377_702_615_002_589_582_494_545_262_197_u128,
        decay: BigInt::from(37_396_271_439_864_487_274_534_522_888_786_u128),
        growth: BigInt::from(37_396_273_494_747_879_394_193_016_954_629_u128),
        numerator: [
            -648_770_010_757_830_093_818_553_637_600_i128,
            67_469_480_939_593_786_226_847_644_286_976,
            -3_197_587_544_499_098_424_029_388_939_001_856,
            89_244_641_121_992_890_118_377_641_805_348_864,
            -1_579_656_163_641_440_567_800_982_336_819_953_664,
            17_685_496_037_279_256_458_459_817_590_917_169_152,
            -115_682_590_513_835_356_866_803_355_398_940_131_328,
        ]
        .into_iter()
        .map(BigInt::from)
        .chain([BigInt::from(1) << PLACES])
        .collect(),
        denominator: [
            1_225_524_182_432_722_209_606_361_i128,
            114_095_592_300_906_098_243_859_450,
            5_665_570_424_063_336_070_530_214_243,
            194_450_132_448_609_991_765_137_938_448,
            5_068_267_641_632_683_791_026_134_915_072,
            104_716_890_604_972_796_896_895_427_629_056,
            1_748_338_658_439_454_459_487_681_798_864_896,
            23_704_654_329_841_312_470_660_182_937_960_448,
            259_380_097_567_996_910_282_699_886_670_381_056,
            2_250_336_698_853_390_384_720_606_936_038_375_424,
            14_978_272_436_876_548_034_486_263_159_246_028_800,
            72_144_088_983_913_131_323_343_765_784_380_833_792,
        ]
        .into_iter()
        .map(BigInt::from)
        .chain([
            BigInt::from(224_599_776_407_103_106_596_571_252_037_123_047_424_u128),
            BigInt::from(1) << PLACES,
        ])
        .collect(),
    });
    &PROTOCOL
}

/// `e^−x`, with an error below 3.4·10⁻³⁰ for `x < 1.725` and below 4.6·10⁻¹⁵ for `x < 5`: a quotient of two polynomials.
fn exp_neg(x: &BigInt) -> BigInt {
    let polynomial = |coefficients: &[BigInt]| {
        let begin = BigInt::ZERO;
        coefficients.iter().fold(begin, |sum, coefficient| {
            ((sum * x) >> PLACES) + coefficient
        })
    };
    let (numerator, denominator) = (
        polynomial(&protocol().numerator),
        polynomial(&protocol().denominator),
    );
    (numerator << PLACES) / denominator
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first rows of the golden tables of builtin-actors: 36.266… FIL in epoch 0.
    #[test]
    fn the_first_epochs_mint_what_the_actor_does() {
        let zero = Q128::default();
        let at = |epoch| Allocation::default().reward(epoch, &zero, &zero).0;
        assert_eq!(at(0), 36_266_264_293_777_134_739);
        assert_eq!(at(5_000), 36_246_341_860_983_438_171);
        let theta: Q128 = "340282366920938463463374607398434878123"
            .parse()
            .expect("digits");
        let all = Allocation::default().reward(0, &zero, &theta).0;
        assert_eq!(all - at(0), 84_621_274_052_457_285_111);
    }

    /// Cases of builtin-actors' `test_compute_r_theta`, where the baseline of epoch t is (t + 1)·2048.
    #[test]
    fn network_time_is_interpolated() {
        let at = |ceiling, power: u64, realized: u64, target: u64| {
            effective_time(ceiling, &power.into(), &realized.into(), &target.into()).as_f64()
        };
        assert_eq!(at(1, 4_096, 2_048 + 2_048, 3 * 2_048), 0.5);
        assert_eq!(at(1, 4_096, 2_048 + 1_024, 3 * 2_048), 0.25);
        let sum_15 = (1..=16).map(|t| t * 2_048).sum::<u64>();
        let power = 17 * 2_048;
        assert_eq!(at(16, power, sum_15 + power / 4, sum_15 + power), 15.25);
    }

    /// The constants are what their definitions say.
    #[test]
    fn constants_are_what_they_are_said_to_be() {
        let unit = 128_f64.exp2();
        let lambda = std::f64::consts::LN_2 / (6.0 * 1_051_200.0);
        let near = |found: &BigInt, expect: f64| {
            let found = i128::try_from(found.clone()).expect("below 2^127") as f64 / unit;
            assert!((found / expect - 1.0).abs() < 1e-12, "{found} {expect}");
        };
        near(&protocol().decay, lambda);
        near(&protocol().growth, lambda.exp_m1());
        let above_one: BigInt = &protocol().doubling - (BigInt::from(1) << PLACES);
        near(&above_one, (6.0 * lambda).exp_m1());
    }

    /// With twice the baseline, network time passes as fast as time (an epoch an epoch); with a hundredth of it, a hundred times slower.
    #[test]
    fn storage_drives_network_time() {
        let (mut rich, mut poor) = (Minting::default(), Minting::default());
        let (mut rich_sum, mut poor_sum) = (Amount::ZERO, Amount::ZERO);
        for _ in 0..100 {
            rich_sum += rich.step(2 * u128::from(BASELINE_INITIAL));
            poor_sum += poor.step(u128::from(BASELINE_INITIAL) / 100);
        }
        assert!((rich.network_time().as_f64() - 100.0).abs() < 1e-4);
        assert!((poor.network_time().as_f64() - 1.0).abs() < 1e-4);
        // 36.27 FIL of the simple part in every epoch; 84.62 of the baseline part, or a hundredth.
        let fil = |sum: Amount| sum.0 as f64 / 1e18 / 100.0;
        assert!((fil(rich_sum) - 120.887).abs() < 0.01, "{}", fil(rich_sum));
        assert!((fil(poor_sum) - 37.112).abs() < 0.01, "{}", fil(poor_sum));
    }
}

//! Stake: what it yields, what it costs to attack, and when the threat of losing it keeps providers honest.

use walras_des::math;

use super::split::largest_remainder;
use crate::units::{Amount, Ppm};

/// Yield of a period: what stake gets over what is staked; zero without stake.
#[must_use]
pub fn nominal_yield(rewards: Amount, staked: Amount) -> f64 {
    if staked > Amount::ZERO {
        rewards.0 as f64 / staked.0 as f64
    } else {
        0.0
    }
}

/// What a yield is worth when supply grows meanwhile: `(1 + yield)/(1 + inflation) − 1`. Stakers as a whole gain only what others lose.
#[must_use]
pub fn real_yield(nominal: f64, inflation: f64) -> f64 {
    (1.0 + nominal) / (1.0 + inflation) - 1.0
}

/// Rewards of a period divided by stake; they sum to the pot unless nothing is staked.
#[must_use]
pub fn divide_rewards(rewards: Amount, stakes: &[Amount]) -> Vec<Amount> {
    let weights: Vec<u128> = stakes
        .iter()
        .map(|stake| stake.0.max(0).unsigned_abs())
        .collect();
    largest_remainder(rewards, &weights)
}

/// Dollars to buy `threshold` of the stake at `price`, when buying so much raises the mean price paid by `impact`.
#[must_use]
pub fn attack_cost(staked: Amount, threshold: f64, price: f64, impact: f64) -> f64 {
    staked.as_f64() * threshold * price * (1.0 + impact)
}

/// What a provider weighs who might cheat on one job; all in the same money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temptation {
    /// What cheating saves or brings (D).
    pub gain: f64,
    /// The fee of the job, which is lost when caught (p).
    pub fee: f64,
    /// What of the stake is slashed when caught (b).
    pub slashed: f64,
    /// Worth of going on, which is lost with the registration (Φ).
    pub franchise: f64,
}

impl Temptation {
    /// The least probability of being caught at which cheating does not pay: `q ≥ D/(p + b + Φ)`; above one if no audit is enough.
    #[must_use]
    pub fn detection_needed(&self) -> f64 {
        self.gain / (self.fee + self.slashed + self.franchise)
    }

    /// The least stake that must be slashed if cheating is caught with probability `q`: `b ≥ D/q − (p + Φ)`, not below zero.
    #[must_use]
    pub fn stake_needed(&self, detection: f64) -> f64 {
        (self.gain / detection - (self.fee + self.franchise)).max(0.0)
    }

    /// Whether a provider that counts only money stays honest.
    #[must_use]
    pub fn is_honest(&self, detection: f64) -> bool {
        detection * (self.fee + self.slashed + self.franchise) >= self.gain
    }

    /// What cheating brings on average, over being honest.
    #[must_use]
    pub fn expected_gain(&self, detection: f64) -> f64 {
        self.gain - detection * (self.fee + self.slashed + self.franchise)
    }
}

/// Probability that at least one of `audits` independent audits finds what each finds with probability `each`: `1 − (1 − q)^n`.
#[must_use]
pub fn detection(each: f64, audits: u32) -> f64 {
    if each >= 1.0 && audits > 0 {
        return 1.0;
    }
    -math::exp_m1(f64::from(audits) * math::ln_1p(-each))
}

/// The fewest audits that find it with probability `wanted`; `None` if no number does.
#[must_use]
pub fn audits_needed(each: f64, wanted: f64) -> Option<u32> {
    if wanted <= 0.0 {
        return Some(0);
    }
    if each >= 1.0 {
        return Some(1);
    }
    if each <= 0.0 || wanted >= 1.0 {
        return None;
    }
    let exact = math::ln_1p(-wanted) / math::ln_1p(-each);
    let count = exact.ceil() as u32;
    // A quotient that should be whole may come out just above it.
    let fewer = count.saturating_sub(1);
    Some(if detection(each, fewer) >= wanted {
        fewer
    } else {
        count
    })
}

/// Where slashed stake goes; both parts sum to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slash {
    /// To whoever proved the fault.
    pub to_reporter: Amount,
    /// Burned, or the treasury's, as the platform says.
    pub rest: Amount,
}

/// Slashes a share of a stake, and gives a share of that to the reporter; both round down.
#[must_use]
pub fn slash(stake: Amount, share: Ppm, to_reporter: Ppm) -> Slash {
    let slashed = stake.share(share);
    let to_reporter = slashed.share(to_reporter);
    Slash {
        to_reporter,
        rest: slashed - to_reporter,
    }
}

/// How Ethereum slashes: a fixed part at once, and later a part that grows with how much was slashed around the same time.
///
/// Source: Ethereum consensus specifications, `slash_validator` and `process_slashings`; the parameters differ between forks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correlated {
    /// One over this of the balance at once (`MIN_SLASHING_PENALTY_QUOTIENT`).
    pub quotient: u64,
    /// Times the share of all stake that was slashed (`PROPORTIONAL_SLASHING_MULTIPLIER`).
    pub multiplier: u64,
}

impl Correlated {
    /// Altair: a 64th and twice.
    pub const ALTAIR: Self = Self {
        quotient: 64,
        multiplier: 2,
    };

    /// What a stake loses at once, and what later when `slashed` of `total` were slashed with it; together never more than the stake.
    ///
    /// # Panics
    /// If nothing is staked.
    #[must_use]
    pub fn penalties(&self, stake: u64, slashed: u64, total: u64) -> (u64, u64) {
        let at_once = stake / self.quotient;
        let counted = slashed.saturating_mul(self.multiplier).min(total);
        let later = u128::from(stake) * u128::from(counted) / u128::from(total);
        (at_once, (later as u64).min(stake - at_once))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn yields_are_real_only_above_inflation() {
        // A tenth of supply is staked and gets 2 % of supply: 20 %, of which 2 % are inflation.
        let nominal = nominal_yield(Amount(20), Amount(100));
        assert!((real_yield(nominal, 0.02) - 0.176_470_588).abs() < 1e-9);
        assert_eq!(real_yield(0.05, 0.05), 0.0);
        assert_eq!(nominal_yield(Amount(5), Amount::ZERO), 0.0);
        assert_eq!(
            divide_rewards(Amount(10), &[Amount(1), Amount(2)]),
            [Amount(3), Amount(7)]
        );
        // A third of 30 million at 2,000 dollars and 20 % dearer.
        let stake = Amount(30_000_000 * Amount::SCALE);
        assert!((attack_cost(stake, 1.0 / 3.0, 2_000.0, 0.2) - 24e9).abs() < 1.0);
    }

    /// One job in ten is audited: whoever saves 3 by cheating on a fee of 5 must fear for 25 more.
    #[test]
    fn audits_and_stake_replace_each_other() {
        let temptation = Temptation {
            gain: 3.0,
            fee: 5.0,
            slashed: 25.0,
            franchise: 0.0,
        };
        assert!((temptation.detection_needed() - 0.1).abs() < 1e-15);
        assert!((temptation.stake_needed(0.1) - 25.0).abs() < 1e-12);
        assert!(temptation.is_honest(0.11) && !temptation.is_honest(0.09));
        assert_eq!(temptation.stake_needed(1.0), 0.0);
    }

    #[test]
    fn audits_add_up() {
        assert!((detection(0.5, 3) - 0.875).abs() < 1e-15);
        assert_eq!(audits_needed(0.5, 0.875), Some(3));
        assert_eq!(audits_needed(0.5, 0.876), Some(4));
        assert_eq!(audits_needed(0.0, 0.5), None);
        assert_eq!(audits_needed(0.01, 0.99), Some(459));
        assert_eq!(detection(1.0, 1), 1.0);
    }

    /// 32 ETH: half an ETH at once, and all of it if half of the validators are slashed together.
    #[test]
    fn ethereum_slashes_by_company() {
        let alone = Correlated::ALTAIR.penalties(32_000, 32_000, 32_000_000);
        assert_eq!(alone, (500, 64));
        let half = Correlated::ALTAIR.penalties(32_000, 16_000_000, 32_000_000);
        assert_eq!(half, (500, 31_500));
        let parts = slash(
            Amount(1_000),
            Ppm::from_fraction(0.5),
            Ppm::from_fraction(0.1),
        );
        assert_eq!((parts.to_reporter, parts.rest), (Amount(50), Amount(450)));
    }

    proptest! {
        /// At the bound cheating brings nothing; stake and detection that are needed are the same condition.
        #[test]
        fn the_conditions_agree(
            gain in 0.1..100.0_f64, fee in 0.0..50.0_f64, slashed in 0.1..500.0_f64, franchise in 0.0..500.0_f64, q in 0.001..1.0_f64,
        ) {
            let temptation = Temptation { gain, fee, slashed, franchise };
            let needed = temptation.detection_needed();
            prop_assert!(temptation.expected_gain(needed).abs() < 1e-9);
            let stake = temptation.stake_needed(q);
            if (slashed - stake).abs() > 1e-6 {
                prop_assert_eq!(slashed > stake, temptation.is_honest(q));
            }
        }

        #[test]
        fn audits_needed_are_the_fewest(each in 0.001..0.9_f64, wanted in 0.01..0.999_f64) {
            let count = audits_needed(each, wanted).expect("some number");
            prop_assert!(detection(each, count) >= wanted - 1e-12);
            prop_assert!(count == 0 || detection(each, count - 1) < wanted);
        }
    }
}

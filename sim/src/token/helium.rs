//! Helium's rules: emission with burned units minted again, the backstop of HIP-149, the scores that divide emission between networks, and
//! the curve by which a network's treasury redeems its token.
//!
//! Amounts are bones (10⁻⁸ HNT). The proposals contradict each other in time, so each rule names its own. Sources: helium/HIP at
//! 6f6d0ba0 and helium-program-library, `helium-sub-daos`, at 145947ee (`walras validate protocols` runs its vectors).

use walras_des::math;

use super::emission::Schedule;
use super::split::by_weight;
use crate::units::Amount;

/// Bones in an HNT.
pub const BONES: i128 = 100_000_000;

/// HNT minted in each year, from the first: 60 million, halved every two years. Source: HIP-20.
#[must_use]
pub const fn hip20() -> Schedule {
    Schedule::Halving {
        initial: Amount(60_000_000 * BONES),
        every: 2,
    }
}

/// How HIP-20 divides a year's emission [‰].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hip20Split {
    /// For proof of coverage.
    pub coverage: u16,
    /// For data carried.
    pub data: u16,
    /// For founders and investors.
    pub founders: u16,
    /// For the consensus group.
    pub consensus: u16,
}

impl Hip20Split {
    /// The split of a year, from 1: coverage loses 1.5 points a year down to none, founders one point down to 15 %, consensus has 6 %,
    /// and data the rest.
    #[must_use]
    pub fn of_year(year: u16) -> Self {
        let passed = year.saturating_sub(1);
        let coverage = 290_u16.saturating_sub(passed.saturating_mul(15));
        let founders = 350_u16.saturating_sub(passed.saturating_mul(10)).max(150);
        let consensus = 60;
        Self {
            coverage,
            data: 1_000 - coverage - founders - consensus,
            founders,
            consensus,
        }
    }
}

/// Burned units that are minted again, smoothed over about a week: `s' = ⌊6s/7⌋ + ⌊burn/7⌋`.
///
/// What the two floors lose stays burned. Source: helium-program-library, `smoothed_hnt_burned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SmoothedBurn(pub Amount);

impl SmoothedBurn {
    /// Passes an epoch in which `burned` was burned.
    pub fn step(&mut self, burned: Amount) {
        self.0 = Amount(6 * self.0.0 / 7 + burned.0 / 7);
    }

    /// What is minted again, on top of the schedule: at most `cap`.
    #[must_use]
    pub fn re_emission(&self, cap: Amount) -> Amount {
        self.0.min(cap)
    }
}

/// Net emissions as first proposed: burned units enter a pool that pays one part in 336 of itself an epoch, at most a cap. Source: HIP-20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetEmissionPool {
    /// In the pool.
    pub balance: Amount,
    /// Most that an epoch pays.
    pub cap: Amount,
}

impl NetEmissionPool {
    /// Epochs over which the pool would pay out without a cap.
    const EPOCHS: i128 = 336;

    /// An empty pool with the cap of 34.24 HNT.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            balance: Amount::ZERO,
            cap: Amount(3_424_000_000),
        }
    }

    /// Passes an epoch: takes in what was burned and returns what is minted again.
    pub fn step(&mut self, burned: Amount) -> Amount {
        self.balance += burned;
        let paid = Amount(self.balance.0 / Self::EPOCHS).min(self.cap);
        self.balance -= paid;
        paid
    }
}

impl Default for NetEmissionPool {
    fn default() -> Self {
        Self::new()
    }
}

/// The backstop of HIP-149: at a low price of HNT more of the smoothed burn is minted again, so that those who carry data still earn a
/// floor; at a high price their reward is capped.
///
/// Source: helium-program-library, `backstop.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backstop {
    /// Scheduled emission of an epoch [bones].
    pub emission: Amount,
    /// Most of the smoothed burn that is minted again anyway [bones].
    pub net_emissions_cap: Amount,
    /// Data credits (10⁻⁵ USD) times this, over the price [10⁻⁸ USD], are bones.
    pub decimals: u128,
    /// The network's share of emission, in units of 1 / (2³² − 1).
    pub share: u32,
    /// Share of that for data [%].
    pub data_bucket: u8,
}

impl Default for Backstop {
    /// Mobile, 2026.
    fn default() -> Self {
        Self {
            emission: Amount(2_054_800_000_000),
            net_emissions_cap: Amount(164_400_000_000),
            decimals: 100_000_000_000,
            share: 3_834_117_304,
            data_bucket: 70,
        }
    }
}

/// What the backstop does in an epoch [bones].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackstopEpoch {
    /// Minted again without it.
    pub re_emission: Amount,
    /// Minted again because of it.
    pub top_up: Amount,
    /// Minted in all.
    pub rewards: Amount,
    /// Most that those who carry data may get; what is above goes to stakers.
    pub deployer_cap: Amount,
}

impl Backstop {
    /// An epoch in which `data_credits` were burned at an HNT price of `price` [10⁻⁸ USD].
    ///
    /// The floor is half of the data's price in HNT, the cap three times it; all divisions round down.
    ///
    /// # Panics
    /// If the price, the share or the bucket is zero, or an amount is negative.
    #[must_use]
    pub fn epoch(&self, burn: SmoothedBurn, data_credits: u64, price: u64) -> BackstopEpoch {
        assert!(
            price > 0 && self.share > 0 && self.data_bucket > 0,
            "a backstop needs a price, a share and a bucket"
        );
        let bones = |amount: Amount| u128::try_from(amount.0).expect("bones are not negative");
        let (all, bucket, share) = (
            u128::from(u32::MAX),
            u128::from(self.data_bucket),
            u128::from(self.share),
        );
        let smoothed = bones(burn.0);
        let existing = smoothed.min(bones(self.net_emissions_cap));
        let base = bones(self.emission) + existing;
        let worth = |credits: u64| u128::from(credits) * self.decimals / u128::from(price);
        let floor = worth(data_credits / 2);
        let for_data = base * share / all * bucket / 100;
        let missing = floor.saturating_sub(for_data) * all * 100 / (share * bucket);
        let top_up = missing.min(smoothed - existing);
        let amount = |bones: u128| Amount(bones.cast_signed());
        BackstopEpoch {
            re_emission: amount(existing),
            top_up: amount(top_up),
            rewards: amount(base + top_up),
            deployer_cap: amount(3 * u128::from(data_credits) * self.decimals / u128::from(price)),
        }
    }

    /// What those who carry data get of `rewards`, and what of it overflows to stakers: their bucket, at most the cap.
    #[must_use]
    pub fn divide(&self, epoch: &BackstopEpoch) -> (Amount, Amount) {
        let network = epoch
            .rewards
            .mul_floor(u64::from(self.share), u64::from(u32::MAX));
        let bucket = network.mul_floor(u64::from(self.data_bucket), 100);
        let paid = bucket.min(epoch.deployer_cap);
        (paid, bucket - paid)
    }

    /// The prices of HNT [USD] below which the floor and above which the cap binds, with nothing smoothed beyond the cap.
    #[must_use]
    pub fn thresholds(&self, data_credits: u64) -> (f64, f64) {
        let base = (self.emission + self.net_emissions_cap).0 as f64;
        let bucket = base * f64::from(self.share) / f64::from(u32::MAX)
            * f64::from(self.data_bucket)
            / 100.0;
        let per_usd = data_credits as f64 * self.decimals as f64 / 1e8;
        (per_usd / 2.0 / bucket, 3.0 * per_usd / bucket)
    }
}

/// A supplement that is flat for some epochs and then falls linearly to nothing; the sum over all epochs, each at its start's rate.
#[must_use]
pub fn tapered_total(per_epoch: f64, flat: u32, taper: u32) -> f64 {
    let falling = (0..taper).map(|epoch| 1.0 - f64::from(epoch) / f64::from(taper));
    per_epoch * (f64::from(flat) + falling.sum::<f64>())
}

/// What a network of the DAO did in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SubDao {
    /// Votes delegated to it [veHNT].
    pub votes: f64,
    /// Data credits burned for data [USD].
    pub burned_usd: f64,
    /// Active devices.
    pub devices: f64,
    /// What a device pays when it joins [USD].
    pub onboarding_fee_usd: f64,
}

impl SubDao {
    /// The score of HIP-51: `V · max(1, √D) · max(1, ⁴√(devices · fee))`.
    #[must_use]
    pub fn hip51_score(&self) -> f64 {
        let devices = (self.devices * self.onboarding_fee_usd).sqrt().sqrt();
        self.votes * self.burned_usd.sqrt().max(1.0) * devices.max(1.0)
    }

    /// The score of HIP-80, without its guarding factor: `√(D · V)`.
    #[must_use]
    pub fn hip80_score(&self) -> f64 {
        (self.burned_usd * self.votes).sqrt()
    }
}

/// An epoch's emission divided between networks by their HIP-51 scores; it sums to the emission unless all scores are zero.
#[must_use]
pub fn divide_by_score(emission: Amount, networks: &[SubDao]) -> Vec<Amount> {
    let scores: Vec<f64> = networks.iter().map(SubDao::hip51_score).collect();
    by_weight(emission, &scores)
}

/// What a treasury of `reserve` pays for `redeemed` of `supply` units: `R − R·((S − dS)/S)^(1+k)`, rounded down.
///
/// With `k = 0` it is in proportion, and does not depend on how a redemption is cut. Source: HIP-51, treasury-management program.
///
/// # Panics
/// If more is redeemed than there is, an amount is negative, or `k` is not above −1.
#[must_use]
pub fn redeem(reserve: Amount, supply: Amount, redeemed: Amount, k: f64) -> Amount {
    assert!(
        Amount::ZERO <= redeemed && redeemed <= supply && reserve >= Amount::ZERO && k > -1.0,
        "cannot redeem {redeemed} of {supply} on a curve of exponent {k}"
    );
    if redeemed == supply {
        return reserve;
    }
    let kept = (supply - redeemed).0 as f64 / supply.0 as f64;
    let share = 1.0 - kept * math::powf(kept, k);
    Amount((reserve.0 as f64 * share) as i128).min(reserve)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The smoothing comes to rest at what is burned, less what its floors lose; the pool where its 336th part is what comes in.
    #[test]
    fn a_steady_burn_is_minted_again() {
        let mut burn = SmoothedBurn(Amount(300));
        for _ in 0..400 {
            burn.step(Amount(1_000_000));
        }
        assert!((999_980..=1_000_000).contains(&burn.0.0), "{:?}", burn.0);
        assert_eq!(burn.re_emission(Amount(5_000)), Amount(5_000));
        let mut pool = NetEmissionPool::new();
        let paid: i128 = (0..10_000).map(|_| pool.step(Amount(1_000)).0).sum();
        assert_eq!(Amount(10_000 * 1_000 - paid), pool.balance);
        assert!(
            (pool.balance.0 - 336_000).abs() <= 1_000,
            "{:?}",
            pool.balance
        );
    }

    /// HIP-20: 240 million HNT in all.
    #[test]
    fn hip20_mints_240_million() {
        assert_eq!(hip20().before(2), Amount(120_000_000 * BONES));
        let fifty = hip20().before(50).0 as f64 / BONES as f64;
        assert!((fifty - 239_999_993.0).abs() < 2.0, "{fifty}");
        let last = Hip20Split::of_year(50);
        let expect = Hip20Split {
            coverage: 0,
            data: 790,
            founders: 150,
            consensus: 60,
        };
        assert_eq!(last, expect);
    }

    /// HIP-149 names thresholds near $0.33 and $1.97, and a supplement of about 141 million.
    #[test]
    fn thresholds_and_supplement_of_hip_149() {
        let (floor, cap) = Backstop::default().thresholds(910_000_000);
        assert!(
            (floor - 0.328).abs() < 1e-3 && (cap - 1.968).abs() < 1e-3,
            "{floor} {cap}"
        );
        assert!((tapered_total(196_000.0, 360, 720) / 1e6 - 141.2).abs() < 0.05);
    }

    #[test]
    fn scores_divide_emission() {
        let iot = SubDao {
            votes: 100.0,
            burned_usd: 10_000.0,
            devices: 10_000.0,
            onboarding_fee_usd: 1.0,
        };
        // √10,000 = 100 and ⁴√10,000 = 10.
        assert_eq!(iot.hip51_score(), 100_000.0);
        let idle = SubDao {
            votes: 100.0,
            ..SubDao::default()
        };
        assert_eq!(idle.hip51_score(), 100.0);
        let shares = divide_by_score(Amount(1_001), &[iot, idle]);
        assert_eq!(shares, [Amount(1_000), Amount(1)]);
    }

    proptest! {
        #[test]
        fn the_backstop_never_mints_more_than_was_burned(
            burn in 0..20_000_000_000_000_i128, credits in 0..2_000_000_000_u64, price in 1_000_000..1_000_000_000_u64,
        ) {
            let backstop = Backstop::default();
            let epoch = backstop.epoch(SmoothedBurn(Amount(burn)), credits, price);
            prop_assert!(epoch.re_emission + epoch.top_up <= Amount(burn));
            let (paid, overflow) = backstop.divide(&epoch);
            prop_assert!(overflow >= Amount::ZERO && paid <= epoch.deployer_cap);
            // Floor and cap never bind together.
            prop_assert!(epoch.top_up == Amount::ZERO || overflow == Amount::ZERO);
        }

        #[test]
        fn redeeming_all_pays_all_and_cuts_do_not_matter(
            reserve in 0..1_i128 << 60, supply in 2..1_i128 << 50, cut in 0.01..0.99_f64, k in 0.0..3.0_f64,
        ) {
            let (reserve, supply) = (Amount(reserve), Amount(supply));
            prop_assert_eq!(redeem(reserve, supply, supply, k), reserve);
            let half = Amount((supply.0 as f64 * cut) as i128);
            let first = redeem(reserve, supply, half, k);
            prop_assert!(Amount::ZERO <= first && first <= reserve);
            // The curve is a power: what is left after two redemptions does not depend on the cut.
            let rest = supply - half;
            let quarter = Amount(rest.0 / 2);
            let second = redeem(reserve - first, rest, quarter, k);
            let at_once = redeem(reserve, supply, half + quarter, k);
            let apart = ((first + second).0 - at_once.0).abs() as f64;
            prop_assert!(apart <= 4.0 + reserve.0 as f64 * 1e-15 * 8.0, "{}", apart);
        }
    }
}

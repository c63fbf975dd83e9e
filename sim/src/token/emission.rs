//! Schedules of emission: how many units a protocol mints in a block, an epoch, a year.
//!
//! A [`Schedule`] is a function of the period alone. Issuance that depends on stake, on capacity or on what was issued before (Ethereum,
//! Filecoin's baseline, Bittensor) stands below it; Filecoin's to the last unit in [`super::filecoin`]; Akash's and Livepeer's in their
//! files.

use walras_des::math;

use crate::units::Amount;

/// Units minted in each period, a function of the period's number.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// The same for ever.
    Fixed(Amount),
    /// `initial · 2^−⌊t/every⌋`, rounded down: Bitcoin's (BIP 42), and of any network whose emission halves at once.
    Halving {
        /// Units in the first period.
        initial: Amount,
        /// Periods between halvings.
        every: u64,
    },
    /// `initial · keep^⌊t/every⌋`, rounded down after every factor: Render's growth phase keeps 94.5 % a year (RNP-006).
    Decay {
        /// Units in the first period.
        initial: Amount,
        /// The factor, as numerator and denominator.
        keep: (u64, u64),
        /// Periods between factors.
        every: u64,
    },
    /// A total approached exponentially: `total · (1 − 2^(−t/half_life))` units are minted before period `t`.
    Exponential {
        /// Units ever minted.
        total: Amount,
        /// Periods until half of them are.
        half_life: u64,
    },
    /// A total for each of some years, spread evenly over the year's periods; nothing after the last.
    Table {
        /// Units of each year.
        years: Vec<Amount>,
        /// Periods in a year; the first ones of a year get the units that do not divide.
        periods: u64,
    },
}

impl Schedule {
    /// Bitcoin's subsidy [satoshi per block]: 50 BTC, halved every 210,000 blocks. Source: Bitcoin Core, `GetBlockSubsidy`.
    #[must_use]
    pub const fn bitcoin() -> Self {
        Self::Halving {
            initial: Amount(5_000_000_000),
            every: 210_000,
        }
    }

    /// Units minted in period `t`, from zero.
    ///
    /// # Panics
    /// If a length or a denominator in the schedule is zero, or amounts overflow.
    #[must_use]
    pub fn at(&self, t: u64) -> Amount {
        match self {
            Self::Fixed(amount) => *amount,
            Self::Halving { initial, every } => shifted(*initial, t / every),
            Self::Decay {
                initial,
                keep,
                every,
            } => {
                let mut amount = *initial;
                for _ in 0..t / every {
                    if amount == Amount::ZERO {
                        break;
                    }
                    amount = amount.mul_floor(keep.0, keep.1);
                }
                amount
            }
            Self::Exponential { total, half_life } => {
                minted_before(*total, *half_life, t + 1) - minted_before(*total, *half_life, t)
            }
            Self::Table { years, periods } => {
                let year = usize::try_from(t / periods).unwrap_or(usize::MAX);
                let Some(total) = years.get(year) else {
                    return Amount::ZERO;
                };
                let (each, extra) = (
                    total.0 / i128::from(*periods),
                    total.0 % i128::from(*periods),
                );
                Amount(each + i128::from(i128::from(t % periods) < extra))
            }
        }
    }

    /// Units minted in periods `0 … t − 1`.
    ///
    /// # Panics
    /// As [`Schedule::at`].
    #[must_use]
    pub fn before(&self, t: u64) -> Amount {
        match self {
            Self::Fixed(amount) => times(*amount, t),
            Self::Halving { every, .. } | Self::Decay { every, .. } => {
                let mut sum = Amount::ZERO;
                for step in 0..=t / every {
                    let begin = step * every;
                    let each = self.at(begin);
                    if each == Amount::ZERO {
                        break;
                    }
                    sum += times(each, (t - begin).min(*every));
                }
                sum
            }
            Self::Exponential { total, half_life } => minted_before(*total, *half_life, t),
            Self::Table { years, periods } => {
                let whole = (t / periods).min(years.len() as u64);
                let mut sum = Amount::ZERO;
                for total in &years[..whole as usize] {
                    sum += *total;
                }
                for period in whole * periods..t.min(years.len() as u64 * periods) {
                    sum += self.at(period);
                }
                sum
            }
        }
    }

    /// Units that can ever be minted; `None` where there is no end.
    #[must_use]
    pub fn cap(&self) -> Option<Amount> {
        match self {
            Self::Fixed(amount) => (*amount == Amount::ZERO).then_some(Amount::ZERO),
            Self::Halving { every, .. } => Some(self.before(every.checked_mul(128)?)),
            // A factor below one ends at zero, because every product is rounded down.
            Self::Decay { keep, every, .. } => (keep.0 < keep.1).then(|| {
                let mut steps = 1;
                while self.at(steps * every) > Amount::ZERO {
                    steps *= 2;
                }
                self.before(steps * every)
            }),
            Self::Exponential { total, .. } => Some(*total),
            Self::Table { years, .. } => {
                Some(years.iter().fold(Amount::ZERO, |sum, &year| sum + year))
            }
        }
    }
}

fn shifted(initial: Amount, halvings: u64) -> Amount {
    if halvings > 126 {
        return Amount::ZERO;
    }
    Amount(initial.0 >> halvings)
}

fn times(amount: Amount, count: u64) -> Amount {
    Amount(
        amount
            .0
            .checked_mul(i128::from(count))
            .expect("amount overflow"),
    )
}

/// `total − ⌈total · 2^(−t/half_life)⌉`; what is left is rounded up, so that the total is never exceeded.
fn minted_before(total: Amount, half_life: u64, t: u64) -> Amount {
    let left = half_power(t, half_life);
    let total = total.0.unsigned_abs();
    let (mut high, low) = wide_product(total, left);
    // `left` has 127 binary places: shift the product right by 127, rounding up.
    let ceil = low & (u128::MAX >> 1) != 0;
    high = (high << 1) | (low >> 127);
    Amount((total - (high + u128::from(ceil)).min(total)).cast_signed())
}

/// `2^(−n/d)` with 127 binary places, in integers so that it is the same everywhere; at most 130 units too small.
///
/// The whole halves are shifts; a fraction is a product of square roots of square roots of one half, one for each binary digit.
///
/// # Panics
/// If `d` is zero.
#[must_use]
pub fn half_power(n: u64, d: u64) -> u128 {
    const ONE: u128 = 1 << 127;
    let whole = n / d;
    if whole > 126 {
        return 0;
    }
    let mut power = ONE;
    let mut rest = u128::from(n % d);
    let d = u128::from(d);
    for root in &ROOTS {
        rest *= 2;
        if rest >= d {
            rest -= d;
            let (high, low) = wide_product(power, *root);
            power = (high << 1) | (low >> 127);
        }
        if rest == 0 {
            break;
        }
    }
    power >> whole
}

/// `2^(−1/2), 2^(−1/4), 2^(−1/8), …` with 127 binary places.
static ROOTS: [u128; 100] = {
    let mut roots = [0; 100];
    let mut last = 1_u128 << 126; // one half
    let mut i = 0;
    while i < roots.len() {
        last = root_127(last);
        roots[i] = last;
        i += 1;
    }
    roots
};

/// The square root of a number with 127 binary places below one: `⌊√(x·2¹²⁷)⌋`, found digit by digit.
const fn root_127(x: u128) -> u128 {
    let mut root = 0_u128;
    let mut bit = 127;
    while bit > 0 {
        bit -= 1;
        let candidate = root | (1 << bit);
        let (high, low) = wide_product(candidate, candidate);
        // candidate² ≤ x·2¹²⁷
        if high < x >> 1 || (high == x >> 1 && low <= x << 127) {
            root = candidate;
        }
    }
    root
}

/// The 256 bits of a product, high and low.
const fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let middle = a1 * b0 + ((a0 * b0) >> 64);
    let other = a0 * b1 + (middle & LOW);
    (
        a1 * b1 + (middle >> 64) + (other >> 64),
        (other << 64) | ((a0 * b0) & LOW),
    )
}

/// How Ethereum pays validators since the Altair fork: in proportion to `1/√stake`.
///
/// Source: Ethereum consensus specifications, Altair, `get_base_reward_per_increment`; weights of `altair/beacon-chain.md`.
#[derive(Clone, Debug, PartialEq)]
pub struct EthereumIssuance {
    /// `BASE_REWARD_FACTOR`.
    pub factor: u64,
    /// `EFFECTIVE_BALANCE_INCREMENT` [Gwei].
    pub increment: u64,
    /// Epochs in a year of 365.25 days of 225 epochs.
    pub epochs_per_year: f64,
}

impl Default for EthereumIssuance {
    fn default() -> Self {
        Self {
            factor: 64,
            increment: 1_000_000_000,
            epochs_per_year: 82_181.25,
        }
    }
}

/// What one epoch issues, by duty [Gwei]; the parts sum to what is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duties {
    /// For attestations: a timely source (14/64), target (26/64) and head (14/64).
    pub attestation: [Amount; 3],
    /// For the sync committee (2/64).
    pub sync: Amount,
    /// For the proposers (8/64), who also get what rounding leaves.
    pub proposer: Amount,
}

impl EthereumIssuance {
    /// What an increment of stake earns in an epoch in which everybody does everything [Gwei], rounded down.
    ///
    /// # Panics
    /// If nothing is staked.
    #[must_use]
    pub fn base_reward(&self, active: u64) -> u64 {
        assert!(active > 0, "issuance needs stake");
        self.increment * self.factor / active.isqrt()
    }

    /// The most that an epoch issues for `active` staked [Gwei].
    ///
    /// # Panics
    /// If nothing is staked.
    #[must_use]
    pub fn per_epoch(&self, active: u64) -> Amount {
        Amount(i128::from(self.base_reward(active)) * i128::from(active / self.increment))
    }

    /// The same by duty.
    ///
    /// # Panics
    /// If nothing is staked.
    #[must_use]
    pub fn duties(&self, active: u64) -> Duties {
        let all = self.per_epoch(active);
        let part = |weight| all.mul_floor(weight, 64);
        let attestation = [part(14), part(26), part(14)];
        let sync = part(2);
        let paid = attestation.iter().fold(sync, |sum, &part| sum + part);
        Duties {
            attestation,
            sync,
            proposer: all - paid,
        }
    }

    /// ETH issued in a year for each √ETH of stake, without rounding.
    #[must_use]
    pub fn per_root(&self) -> f64 {
        let gwei = 1e9_f64;
        self.epochs_per_year * self.factor as f64 * self.increment as f64 / gwei / gwei.sqrt()
    }

    /// The yield of a year for stake that does everything, without rounding.
    #[must_use]
    pub fn yield_at(&self, staked_eth: f64) -> f64 {
        self.per_root() / staked_eth.sqrt()
    }
}

/// Emission that waits for capacity, as the baseline part of Filecoin's: a total approached exponentially in a time of its own, which
/// runs as the clock does while the network has the baseline's capacity, and slower while it has less.
///
/// The baseline grows exponentially. Each day counts what the network can do, at most the baseline, as realized; effective time is where
/// the baseline's own sum would have reached what was realized: `θ = ln(1 + g·R/b₀)/g` days. Source: Filecoin specification, "Token:
/// minting model". [`super::filecoin::Minting`] is the same by epochs of 30 s, as the chain computes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Units ever minted.
    pub total: Amount,
    /// Days of effective time until half of them are.
    pub half_life: u64,
    /// The baseline at the start [the caller's unit of capacity].
    pub initial: f64,
    /// Its growth: of its logarithm, by day.
    pub growth: f64,
    /// What was realized so far [unit-days].
    pub realized: f64,
}

/// Parts of a day in which effective time is counted.
const DAY_PARTS: u64 = 1 << 20;

impl Baseline {
    /// The baseline on a day.
    #[must_use]
    pub fn on(&self, day: u64) -> f64 {
        self.initial * math::exp(self.growth * day as f64)
    }

    /// Effective time [days].
    #[must_use]
    pub fn effective(&self) -> f64 {
        let days = self.realized / self.initial;
        if self.growth == 0.0 {
            days
        } else {
            math::ln_1p(self.growth * days) / self.growth
        }
    }

    /// Passes a day on which the network can do `capacity`; returns what it mints.
    ///
    /// # Panics
    /// If the half-life is zero.
    pub fn day(&mut self, day: u64, capacity: f64) -> Amount {
        // The baseline's mean over the day, so that a network that has it counts a day.
        let mean = if self.growth == 0.0 {
            self.initial
        } else {
            self.on(day) * math::exp_m1(self.growth) / self.growth
        };
        let before = self.minted();
        self.realized += capacity.min(mean);
        self.minted() - before
    }

    /// What was minted so far.
    fn minted(&self) -> Amount {
        let parts = (self.effective() * DAY_PARTS as f64).round() as u64;
        minted_before(self.total, self.half_life * DAY_PARTS, parts)
    }
}

/// Bittensor's emission of a block: one TAO, halved each time half of what was left below the cap has been issued.
///
/// `⌊log₂(1/(1 − issued/cap))⌋` halvings, found in integers. Source: subtensor, `get_block_emission_for_issuance`.
#[must_use]
pub fn bittensor_block(initial: Amount, issued: Amount, cap: Amount) -> Amount {
    if issued >= cap {
        return Amount::ZERO;
    }
    let left = cap - issued;
    // 2^k ≤ cap/left, so that k is the integer part of the logarithm.
    let ratio = cap.0 / left.0.max(1);
    shifted(initial, u64::from(ratio.max(1).ilog2()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The supply of Bitcoin is 2,099,999,997,690,000 satoshi (Bitcoin Core, `validation_tests.cpp`, `subsidy_limit_test`).
    #[test]
    fn bitcoin_ends_below_21_million() {
        let schedule = Schedule::bitcoin();
        assert_eq!(schedule.cap(), Some(Amount(2_099_999_997_690_000)));
        assert_eq!(schedule.at(209_999), Amount(5_000_000_000));
        assert_eq!(schedule.at(210_000), Amount(2_500_000_000));
        assert_eq!(schedule.at(64 * 210_000), Amount(0));
    }

    /// `2^(−1/2)` to 38 digits, and e^(−1) from ln 2 as a fraction.
    #[test]
    fn powers_of_one_half_have_36_digits() {
        assert_eq!(half_power(0, 5), 1 << 127);
        assert_eq!(half_power(10, 5), 1 << 125);
        // 0.70710678118654752440084436210484903928 · 2^127
        let root = 120_307_984_584_002_255_772_516_886_238_812_528_463_u128;
        let found = half_power(1, 2);
        assert!(found.abs_diff(root) < 1 << 12, "{found}");
        for (n, d) in [(1, 3), (2, 7), (355, 113), (12_345, 1_000)] {
            let expect = (-(n as f64) / d as f64).exp2();
            let found = half_power(n, d) as f64 / 127_f64.exp2();
            assert!((found / expect - 1.0).abs() < 2e-15, "2^-({n}/{d})");
        }
    }

    /// Half is minted after the half-life, three quarters after two, and never more than the total.
    #[test]
    fn exponential_emission_approaches_its_total() {
        let total = Amount(1_000_000_000_000_000_000);
        let schedule = Schedule::Exponential {
            total,
            half_life: 1_460,
        };
        assert_eq!(schedule.before(1_460), Amount(total.0 / 2));
        assert_eq!(schedule.before(2_920), Amount(total.0 / 4 * 3));
        // The first day: total·(1 − 2^(−1/1460)).
        let first = schedule.at(0).as_f64() / total.as_f64();
        assert!((first - (1.0 - (-1.0 / 1_460.0_f64).exp2())).abs() < 1e-15);
        let mut last = schedule.at(0);
        for day in 1..400_000 {
            let next = schedule.at(day);
            assert!(next <= last + Amount(1), "day {day}");
            last = next;
        }
        assert_eq!(schedule.before(126 * 1_460), total - Amount(1));
        assert_eq!(schedule.before(400_000), total);
    }

    /// RNP-006: the growth phase keeps 94.5 % a year.
    #[test]
    fn decay_rounds_down_each_time() {
        let schedule = Schedule::Decay {
            initial: Amount(1_000),
            keep: (945, 1_000),
            every: 12,
        };
        let found: Vec<i128> = (0..4).map(|year| schedule.at(12 * year).0).collect();
        assert_eq!(found, [1_000, 945, 893, 843]);
        assert_eq!(schedule.before(30), Amount(12_000 + 11_340 + 6 * 893));
    }

    /// Issuance of 30 million ETH is 910,989 ETH a year, 3.04 % (base reward 64, 82,181.25 epochs): the consensus specification in closed form.
    #[test]
    fn ethereum_issues_by_the_root_of_stake() {
        let issuance = EthereumIssuance::default();
        assert!((issuance.per_root() - 166.323_155_814_216).abs() < 1e-9);
        let staked = 30_000_000 * 1_000_000_000;
        let year = issuance.per_epoch(staked).as_f64() * issuance.epochs_per_year;
        // Rounding the base reward down loses less than one part in 369.
        assert!((year / 910_989.44 - 1.0).abs() < 1.0 / 369.0, "{year}");
        assert_eq!(issuance.base_reward(staked), 369);
        let duties = issuance.duties(staked);
        let attested = duties
            .attestation
            .iter()
            .fold(Amount::ZERO, |sum, &part| sum + part);
        assert_eq!(
            attested + duties.sync + duties.proposer,
            issuance.per_epoch(staked)
        );
        let eighth = issuance.per_epoch(staked).as_f64() / 8.0;
        assert!((duties.proposer.as_f64() - eighth).abs() < 4e-9);
    }

    /// One TAO until half is issued, then a half until three quarters are (subtensor's tests of block emission).
    #[test]
    fn bittensor_halves_with_what_is_left() {
        let (tao, cap) = (Amount(1_000_000_000), Amount(21_000_000_000_000_000));
        let at = |issued: i128| bittensor_block(tao, Amount(issued * 1_000_000_000), cap);
        assert_eq!(at(0), tao);
        assert_eq!(at(10_499_999), tao);
        assert_eq!(at(10_500_000), Amount(500_000_000));
        assert_eq!(at(15_750_000), Amount(250_000_000));
        assert_eq!(at(21_000_000), Amount(0));
    }

    proptest! {
        #[test]
        fn what_was_minted_is_the_sum_and_never_above_the_cap(
            total in 0..1_i128 << 80, half_life in 1..5_000_u64, t in 0..2_000_u64, years in 0..4_usize,
        ) {
            let schedules = [
                Schedule::Fixed(Amount(total)),
                Schedule::Halving { initial: Amount(total), every: half_life },
                Schedule::Decay { initial: Amount(total), keep: (9, 10), every: half_life },
                Schedule::Exponential { total: Amount(total), half_life },
                Schedule::Table { years: vec![Amount(total); years], periods: half_life },
            ];
            for schedule in schedules {
                let mut sum = Amount::ZERO;
                for period in 0..t {
                    let minted = schedule.at(period);
                    prop_assert!(minted >= Amount::ZERO);
                    sum += minted;
                }
                prop_assert_eq!(sum, schedule.before(t), "{:?}", schedule);
                prop_assert!(schedule.cap().is_none_or(|cap| sum <= cap), "{:?}", schedule);
            }
        }
    }
}

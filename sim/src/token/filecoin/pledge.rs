//! What a storage provider of Filecoin locks up, and what it loses for faults and for leaving early.
//!
//! Source: builtin-actors, `actors/miner/src/monies.rs`, network version 25, with FIP-0081 (a part of the pledge no longer depends on
//! the baseline) and FIP-0098 (fees for early termination). The actor extrapolates smoothed reward and power over a projection; here
//! both are taken as they are. Amounts are attoFIL, powers quality-adjusted bytes.

use num_bigint::BigInt;

use super::{ATTO, EPOCHS_PER_DAY};
use crate::token::split::mul_div;
use crate::units::Amount;

/// Parameters of pledge and fees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collateral {
    /// Days of expected reward in the storage pledge.
    pub pledge_days: u64,
    /// Share of the circulating supply that pledges aim to lock [‰].
    pub lock_target: u64,
    /// Share of that which no longer depends on the baseline once FIP-0081 is in force [‰].
    pub simple_share: u64,
    /// Epochs over which that share comes into force.
    pub ramp: u64,
    /// Most that is pledged for a byte: 1 FIL per 32 GiB, rounded down [attoFIL].
    pub per_byte: u128,
    /// Expected reward that a day of a continued fault costs [hundredths of a day].
    pub fault_hundredths: u64,
    /// Share of the pledge that early termination costs at full age [‰].
    pub termination: u64,
    /// Days until that share is reached.
    pub termination_days: u64,
    /// Least share of the pledge that it costs [‰].
    pub termination_least: u64,
    /// It costs at least this multiple of the fault fee [%].
    pub termination_faults: u64,
}

impl Default for Collateral {
    /// Network version 25.
    fn default() -> Self {
        Self {
            pledge_days: 20,
            lock_target: 300,
            simple_share: 300,
            ramp: 365 * EPOCHS_PER_DAY,
            per_byte: ATTO.unsigned_abs() / (32 << 30),
            fault_hundredths: 351,
            termination: 85,
            termination_days: 140,
            termination_least: 20,
            termination_faults: 105,
        }
    }
}

/// The network as a provider finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// What an epoch mints [attoFIL].
    pub reward: Amount,
    /// Quality-adjusted power [bytes].
    pub power: u128,
    /// Baseline power [bytes].
    pub baseline: u128,
    /// Circulating supply [attoFIL].
    pub circulating: Amount,
}

impl Collateral {
    /// What `power` is expected to earn in `epochs`: `epochs · reward · power / network`, rounded down; all of one epoch's reward in an
    /// empty network.
    #[must_use]
    pub fn expected_reward(&self, power: u128, network: &Network, epochs: u64) -> Amount {
        if network.power == 0 {
            return network.reward;
        }
        let over = BigInt::from(network.reward.0) * epochs * power;
        amount(over / BigInt::from(network.power))
    }

    /// What must be locked to add `power` bytes, `since_ramp` epochs after FIP-0081 began to come into force (negative before).
    #[must_use]
    pub fn initial_pledge(&self, power: u128, network: &Network, since_ramp: i64) -> Amount {
        let storage = self
            .expected_reward(power, network, self.pledge_days * EPOCHS_PER_DAY)
            .max(Amount(1));
        let since = u64::try_from(since_ramp).ok();
        let simple = match since {
            None => 0,
            Some(since) if since >= self.ramp => self.simple_share,
            Some(since) => self.simple_share * since / self.ramp,
        };
        let target = BigInt::from(network.circulating.0) * self.lock_target * power;
        let part = |permille: u64, denominator: u128| {
            amount(&target * permille / (BigInt::from(denominator) * 1_000_000))
        };
        let alone = network.power.max(power);
        let consensus = part(1_000 - simple, alone.max(network.baseline)) + part(simple, alone);
        let cap = amount(BigInt::from(self.per_byte) * power);
        (storage + consensus).min(cap)
    }

    /// What a day of a continued fault costs.
    #[must_use]
    pub fn fault_fee(&self, power: u128, network: &Network) -> Amount {
        let epochs = EPOCHS_PER_DAY * self.fault_hundredths / 100;
        self.expected_reward(power, network, epochs)
    }

    /// What leaving costs at `age` epochs.
    ///
    /// # Panics
    /// If the pledge is negative.
    #[must_use]
    pub fn termination_fee(&self, pledge: Amount, age: u64, fault_fee: Amount) -> Amount {
        let full = pledge.mul_floor(self.termination, 1_000);
        let ramp = self.termination_days * EPOCHS_PER_DAY;
        let aged = mul_div(
            u128::try_from(full.0).expect("a pledge is not negative"),
            u128::from(age),
            u128::from(ramp),
        );
        let aged = full.min(Amount(aged.cast_signed()));
        let least = pledge.mul_floor(self.termination_least, 1_000);
        let faults = fault_fee.mul_floor(self.termination_faults, 100);
        aged.max(least).max(faults)
    }
}

fn amount(value: BigInt) -> Amount {
    Amount(i128::try_from(value).expect("an amount of attoFIL fits 128 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIB: u128 = 1 << 50;

    fn network() -> Network {
        Network {
            reward: Amount(100 * ATTO),
            power: 20_000 * PIB,
            baseline: 40_000 * PIB,
            circulating: Amount(500_000_000 * ATTO),
        }
    }

    /// Rules of builtin-actors' `termination_fee` tests: 8.5 % at full age, in proportion below, at least 2 %, at least 1.05 fault fees.
    #[test]
    fn termination_costs_what_fip_98_says() {
        let collateral = Collateral::default();
        let pledge = Amount(1 << 10);
        let fee = |days: u64, fault| {
            collateral
                .termination_fee(pledge, days * 2_880, Amount(fault))
                .0
        };
        assert_eq!(fee(141, 0), 87); // ⌊1024 · 0.085⌋
        assert_eq!(fee(70, 0), 43); // ⌊87 / 2⌋
        assert_eq!(fee(141, 1 << 10), 1_075); // ⌊1.05 · 1024⌋
        assert_eq!(fee(0, 0), 20); // ⌊0.02 · 1024⌋
    }

    /// By hand for 1 TiB: 20 days of 2,880 epochs of 100 FIL over 20,000 PiB, and 30 % of supply over power and baseline.
    #[test]
    fn pledges_are_rewards_and_a_share_of_supply() {
        let collateral = Collateral::default();
        let tib = PIB >> 10;
        let share = 1.0 / 1_024.0 / 20_000.0;
        let storage = 20.0 * 2_880.0 * 100.0 * share;
        let consensus = 150e6 * share;
        let pledge = |since| collateral.initial_pledge(tib, &network(), since).0 as f64 / 1e18;
        // Before the ramp only the baseline counts, which is twice the power.
        assert!((pledge(-1) - (storage + consensus / 2.0)).abs() < 1e-12);
        let after = storage + 0.7 * consensus / 2.0 + 0.3 * consensus;
        assert!((pledge(i64::MAX) - after).abs() < 1e-12);
        let half = storage + 0.85 * consensus / 2.0 + 0.15 * consensus;
        assert!((pledge(365 * 1_440) - half).abs() < 1e-12);
        assert!(pledge(i64::MAX) < 32.0, "the cap of 1 FIL per 32 GiB");
        // With a tenth of the network the same byte costs ten times as much, and the cap binds.
        let small = Network {
            power: network().power / 100,
            baseline: network().baseline / 100,
            ..network()
        };
        let capped = collateral.initial_pledge(tib, &small, -1);
        assert_eq!(capped, Amount((collateral.per_byte * tib).cast_signed()));
    }

    /// 3.51 days of reward.
    #[test]
    fn faults_cost_days_of_reward() {
        let collateral = Collateral::default();
        let day = collateral.expected_reward(PIB, &network(), EPOCHS_PER_DAY);
        let fee = collateral.fault_fee(PIB, &network());
        assert_eq!(fee, Amount(100 * ATTO * 10_108 / 20_000));
        assert!((fee.as_f64() / day.as_f64() - 3.51).abs() < 1e-3);
    }
}

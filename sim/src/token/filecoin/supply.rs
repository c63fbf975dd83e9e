//! Filecoin's circulating supply by days: minted and vested, less what providers lock and what is burnt.
//!
//! The model of mechaFIL (protocol/filecoin-mecha-twin, 2023), which forecasts aggregates, not accounts: expectations in floats, FIL and
//! bytes. `walras validate protocols` holds it against 1,096 days of mechaFIL itself. The exact rules are in the parent module and in
//! [`super::pledge`]; this one rounds nothing, knows one pledge cap per GiB (the actor's is per 32 GiB), and predates FIP-0081.

use std::collections::VecDeque;

use walras_des::math;

/// Parameters of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Ever minted by the simple part [FIL].
    pub simple_total: f64,
    /// Ever minted by the baseline part [FIL].
    pub baseline_total: f64,
    /// Half-life of both [days].
    pub half_life: f64,
    /// Baseline power on the day of launch [bytes].
    pub baseline: f64,
    /// Days in which the baseline doubles.
    pub doubling: f64,
    /// What stands for the first baseline in network time [bytes]; mechaFIL sets it so that the continuous sum fits the chain's.
    pub time_baseline: f64,
    /// Disbursed from the reserve [FIL].
    pub reserve: f64,
    /// Grants that vest linearly from launch: amount [FIL] and days.
    pub grants: Vec<(f64, u32)>,
    /// Share of the circulating supply that pledges aim to lock.
    pub lock_target: f64,
    /// Days of expected reward in a pledge.
    pub pledge_days: f64,
    /// Most that is pledged for a GiB [FIL].
    pub cap_per_gib: f64,
    /// Share of a reward that is locked.
    pub locked_share: f64,
    /// Locked rewards are released at one over this a day [days].
    pub release_days: f64,
    /// Life of a sector [days].
    pub sector_days: usize,
    /// Burnt a day [FIL].
    pub burn: f64,
}

impl Default for Forecast {
    /// mechaFIL's constants; grants of the sale by length, of Protocol Labs and of the foundation.
    fn default() -> Self {
        Self {
            simple_total: 330e6,
            baseline_total: 770e6,
            half_life: 6.0 * 365.0,
            baseline: 2.888_888_88e18,
            doubling: 365.0,
            time_baseline: 2.766_213_637_444_971e18,
            reserve: 17_066_618.961_773_41,
            grants: vec![
                (19_015_887.0 + 32_787_700.0, 183),
                (22_421_712.0 + 9_400_000.0, 365),
                (7_223_364.0, 2 * 365),
                (87_637_883.0 + 898_958.0, 3 * 365),
                (9_805_053.0, 6 * 365),
                (300e6, 6 * 365),
                (100e6, 6 * 365),
            ],
            lock_target: 0.3,
            pledge_days: 20.0,
            cap_per_gib: 1.0,
            locked_share: 0.75,
            release_days: 180.0,
            sector_days: 360,
            burn: 30_000.0,
        }
    }
}

/// What is known on the day a forecast begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Days since launch (15 October 2020).
    pub day: u32,
    /// Circulating supply [FIL].
    pub circulating: f64,
    /// Locked, half as pledges and half as rewards [FIL].
    pub locked: f64,
    /// Burnt so far [FIL].
    pub burnt: f64,
    /// Vested before this day [FIL].
    pub vested: f64,
    /// Sum of daily capped power before this day [byte-days].
    pub realized: f64,
    /// Power on this day.
    pub power: Power,
}

/// Power on one day [bytes].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Power {
    /// Raw power of the network.
    pub raw: f64,
    /// Quality-adjusted power of the network.
    pub adjusted: f64,
    /// Adjusted power that is new.
    pub onboarded: f64,
    /// Adjusted power that is renewed.
    pub renewed: f64,
}

/// What else happens on one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// Power.
    pub power: Power,
    /// Share of the pledges that come free which is locked again, with the sectors that are renewed.
    pub renewal_rate: f64,
    /// Pledges of sectors older than the forecast that come free [FIL].
    pub released: f64,
}

/// The supply at the end of a day [FIL].
#[derive(Clone, Debug, PartialEq)]
pub struct Supply {
    /// Days since launch.
    pub day: u32,
    /// In circulation.
    pub circulating: f64,
    /// Minted since launch by the simple part.
    pub minted_simple: f64,
    /// Minted since launch by the baseline part.
    pub minted_baseline: f64,
    /// Minted on this day.
    pub minted_today: f64,
    /// Vested since the vesting that the start names.
    pub vested: f64,
    /// Locked as pledges.
    pub pledged: f64,
    /// Locked as rewards.
    pub locked_rewards: f64,
    /// Burnt.
    pub burnt: f64,
    /// Pledges locked on this day, new and renewed.
    pub pledged_today: f64,
    /// Of those, renewed.
    pub renewed_today: f64,
    /// Baseline power [bytes].
    pub baseline: f64,
    /// Sum of daily capped power [byte-days].
    pub realized: f64,
    /// Effective network time [days].
    pub network_time: f64,
}

impl Supply {
    /// Everything minted since launch.
    #[must_use]
    pub fn minted(&self) -> f64 {
        self.minted_baseline + self.minted_simple
    }

    /// Everything locked.
    #[must_use]
    pub fn locked(&self) -> f64 {
        self.pledged + self.locked_rewards
    }
}

/// A forecast under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecaster {
    params: Forecast,
    start_day: u32,
    supply: Supply,
    /// Pledges of each of the last days, oldest first: they come free when the sectors end.
    pledges: VecDeque<f64>,
}

impl Forecaster {
    /// A forecast that begins with `start`.
    #[must_use]
    pub fn new(params: Forecast, start: &Start) -> Self {
        let mut supply = Supply {
            day: start.day,
            circulating: start.circulating,
            minted_simple: 0.0,
            minted_baseline: 0.0,
            minted_today: 0.0,
            vested: start.vested + params.vesting_on(start.day),
            pledged: start.locked / 2.0,
            locked_rewards: start.locked / 2.0,
            burnt: start.burnt,
            pledged_today: 0.0,
            renewed_today: 0.0,
            baseline: 0.0,
            realized: start.realized,
            network_time: 0.0,
        };
        params.mint(&mut supply, start.power.raw);
        Self {
            start_day: start.day,
            pledges: VecDeque::new(),
            params,
            supply,
        }
    }

    /// The supply as it stands.
    #[must_use]
    pub fn supply(&self) -> &Supply {
        &self.supply
    }

    /// Passes one day.
    pub fn step(&mut self, today: &Day) -> &Supply {
        let params = &self.params;
        let supply = &mut self.supply;
        supply.day += 1;
        let minted = supply.minted();
        params.mint(supply, today.power.raw);
        supply.minted_today = supply.minted() - minted;
        supply.vested += params.vesting_on(supply.day);

        // Pledges locked on the first day of the forecast are among those that the caller releases.
        let mut released = today.released;
        if self.pledges.len() >= params.sector_days {
            released += self.pledges.pop_front().unwrap_or(0.0);
        }
        let pledge = |added: f64| {
            let storage = params.pledge_days * supply.minted_today * (added / today.power.adjusted);
            let share = added / today.power.adjusted.max(supply.baseline);
            let consensus = params.lock_target * supply.circulating * share;
            (storage + consensus).min(added * params.cap_per_gib / f64::from(1 << 30))
        };
        let new = pledge(today.power.onboarded);
        let kept = today.renewal_rate * released;
        let again = pledge(today.power.renewed);
        supply.renewed_today = kept.max(again);
        supply.pledged_today = new + supply.renewed_today;
        self.pledges.push_back(supply.pledged_today);
        supply.pledged += new - (1.0 - today.renewal_rate) * released + (again - kept).max(0.0);
        supply.locked_rewards +=
            params.locked_share * supply.minted_today - supply.locked_rewards / params.release_days;
        supply.burnt += params.burn;
        let free =
            params.reserve + supply.minted() + supply.vested - supply.locked() - supply.burnt;
        supply.circulating = free.max(0.0);
        supply
    }

    /// Days since the forecast began.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.supply.day - self.start_day
    }
}

impl Forecast {
    /// Baseline power on a day since launch [bytes].
    #[must_use]
    pub fn baseline_on(&self, day: u32) -> f64 {
        self.baseline * math::exp(std::f64::consts::LN_2 * f64::from(day) / self.doubling)
    }

    /// Vests on a day since launch [FIL].
    #[must_use]
    pub fn vesting_on(&self, day: u32) -> f64 {
        let running = self.grants.iter().filter(|(_, days)| day < *days);
        running
            .map(|(amount, days)| amount / f64::from(*days))
            .sum()
    }

    /// Minted by an exponential with `total` after `time` days [FIL].
    fn minted_after(&self, total: f64, time: f64) -> f64 {
        total * -math::exp_m1(-std::f64::consts::LN_2 / self.half_life * time)
    }

    /// Counts a day's power and mints what it brings.
    fn mint(&self, supply: &mut Supply, raw: f64) {
        supply.baseline = self.baseline_on(supply.day);
        supply.realized += raw.min(supply.baseline);
        let growth = std::f64::consts::LN_2 / self.doubling;
        supply.network_time = math::ln_1p(growth * supply.realized / self.time_baseline) / growth;
        supply.minted_simple = self.minted_after(self.simple_total, f64::from(supply.day));
        supply.minted_baseline = self.minted_after(self.baseline_total, supply.network_time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIB: f64 = (1_u64 << 50) as f64;

    fn forecaster() -> Forecaster {
        let power = Power {
            raw: 3_000.0 * PIB,
            adjusted: 3_200.0 * PIB,
            onboarded: 20.0 * PIB,
            renewed: 8.0 * PIB,
        };
        let start = Start {
            day: 152,
            circulating: 60e6,
            locked: 50e6,
            burnt: 1e6,
            vested: 0.0,
            realized: 1e21,
            power,
        };
        Forecaster::new(Forecast::default(), &start)
    }

    /// Reserve + minted + vested = circulating + locked + burnt, every day.
    #[test]
    fn every_coin_is_somewhere() {
        let mut forecaster = forecaster();
        for day in 0..800 {
            let power = Power {
                raw: (3_000.0 + 12.0 * f64::from(day)) * PIB,
                adjusted: (3_200.0 + 20.0 * f64::from(day)) * PIB,
                onboarded: 20.0 * PIB,
                renewed: 8.0 * PIB,
            };
            let supply = forecaster.step(&Day {
                power,
                renewal_rate: 0.6,
                released: 150_000.0,
            });
            let there = 17_066_618.961_773_41 + supply.minted() + supply.vested;
            let held = supply.circulating + supply.locked() + supply.burnt;
            assert!((there - held).abs() < 1e-6, "day {day}: {there} {held}");
        }
        assert_eq!(forecaster.days(), 800);
    }

    /// Half of the simple allocation after six years, and the baseline doubles every year.
    #[test]
    fn halves_and_doublings() {
        let params = Forecast::default();
        assert!((params.minted_after(330e6, 2_190.0) - 165e6).abs() < 1e-6);
        assert!((params.baseline_on(730) / params.baseline - 4.0).abs() < 1e-12);
        // Everything granted is vested in six years: 589,190,557 FIL.
        let all: f64 = (0..2_190).map(|day| params.vesting_on(day)).sum();
        assert!((all - 589_190_557.0).abs() < 1.0, "{all}");
    }
}

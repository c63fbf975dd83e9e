//! The figures of an economy, from what was recorded of its first network and from the state at the end.

use walras_des::math;

use crate::economy::creators::Guild;
use crate::economy::pool::Pool;
use crate::economy::roster::Roster;
use crate::economy::welfare::Welfare;
use crate::record::{MetricId, Metrics};
use crate::series::{Column, Row};
use crate::token::concentration::Holdings;
use crate::token::staking::real_yield;
use crate::token::treasury::runway;
use crate::units::Amount;

/// What the figures are made from.
pub(super) struct Evidence<'a> {
    /// The measured epochs.
    pub rows: &'a [Row],
    /// Length of each [days].
    pub days: f64,
    /// Owners online at the start of the run.
    pub at_start: u32,
    /// The owners at the end, if there are any.
    pub owners: Option<(&'a Roster, &'a Pool)>,
    /// What hardware costs [USD per unit of capacity a day], if any is bought.
    pub hardware_price: Option<f64>,
    /// What customers would have given beyond what they paid [USD a day], summed over the measured epochs; `None` if it is infinite.
    pub surplus: Option<f64>,
    /// Welfare on the market and as a planner would have it.
    pub welfare: Welfare,
    /// The creators of models, if they are paid.
    pub creators: Option<&'a Guild>,
    /// Whether owners could cheat.
    pub watched: bool,
    /// Whether customers store by deals.
    pub has_deals: bool,
    /// Share of validators' stake that colludes, if there are any.
    pub colluding: Option<f64>,
}

/// Days in a year and in a month.
const YEAR: f64 = 365.0;
const MONTH: f64 = YEAR / 12.0;

impl Evidence<'_> {
    pub fn metrics(&self) -> Metrics {
        let mut metrics = Metrics([None; MetricId::COUNT]);
        let mut set = |id: MetricId, value: Option<f64>| {
            metrics.0[id as usize] = value.filter(|value| value.is_finite());
        };
        let sum = |column: Column| self.rows.iter().map(|row| row[column]).sum::<f64>();
        let epochs = self.rows.len() as f64;
        let mean = |column: Column| Some(sum(column) / epochs);
        set(
            MetricId::Utilization,
            ratio(sum(Column::Served), sum(Column::Capacity)),
        );
        set(MetricId::Spend, mean(Column::Spend));
        set(
            MetricId::SloAttainment,
            ratio(sum(Column::Within), sum(Column::Requests)),
        );
        set(
            MetricId::WorkPrice,
            ratio(sum(Column::Spend), sum(Column::Served)),
        );
        let both = self
            .rows
            .iter()
            .filter(|row| row[Column::RivalPrice].is_finite());
        let (ours, theirs) = both.fold((0.0, 0.0), |(ours, theirs), row| {
            (ours + row[Column::Price], theirs + row[Column::RivalPrice])
        });
        set(MetricId::PriceToRival, ratio(ours, theirs));
        set(
            MetricId::WorkPriceVolatility,
            volatility(self.rows.iter().map(|row| row[Column::Price]), self.days),
        );
        set(MetricId::WorkShare, mean(Column::Share));
        set(
            MetricId::FillRate,
            ratio(sum(Column::Served), sum(Column::Wanted)),
        );
        set(
            MetricId::ConsumerSurplus,
            self.surplus.map(|surplus| surplus / epochs),
        );
        let Welfare { market, best, days } = self.welfare;
        if days > 0 {
            let days = f64::from(days);
            set(MetricId::Welfare, Some(market / days));
            set(MetricId::DeadweightLoss, Some((best - market) / days));
            set(
                MetricId::PriceOfAnarchy,
                ratio(best, market).filter(|_| market > 0.0),
            );
        }
        if let Some(creators) = self.creators {
            set(MetricId::Models, mean(Column::Models));
            set(MetricId::ModelQuality, mean(Column::ModelQuality));
            set(MetricId::CreatorPay, mean(Column::CreatorPay));
            let incomes = creators.incomes();
            let incomes = incomes.as_ref();
            set(MetricId::CreatorGini, incomes.map(Holdings::gini));
            set(
                MetricId::CreatorTop,
                incomes.map(|incomes| incomes.share_of_top(0.01)),
            );
        }
        if self.has_deals {
            set(MetricId::Pledge, mean(Column::Pledge));
            let fees = ratio(sum(Column::FaultFees), sum(Column::Capacity));
            set(MetricId::FaultCost, fees);
        }
        self.owners(&mut set);
        self.validators(&mut set);
        self.token(&mut set);
        metrics
    }

    fn owners(&self, set: &mut impl FnMut(MetricId, Option<f64>)) {
        let Some((roster, owners)) = self.owners else {
            return;
        };
        let weighted = |column: Column| {
            self.rows
                .iter()
                .map(|row| row[column] * row[Column::Capacity])
                .sum::<f64>()
        };
        let sum = |column: Column| self.rows.iter().map(|row| row[column]).sum::<f64>();
        let last = |column: Column| self.rows.last().map(|row| row[column]);
        let (earning, cost) = (weighted(Column::Earning), weighted(Column::Cost));
        let capacity = sum(Column::Capacity);
        let count = self.rows.len() as f64;
        set(MetricId::Providers, Some(sum(Column::Providers) / count));
        set(MetricId::ProvidersEnd, last(Column::Providers));
        set(
            MetricId::ProvidersLeast,
            self.rows
                .iter()
                .map(|row| row[Column::Providers])
                .reduce(f64::min),
        );
        let retained = last(Column::Providers).and_then(|end| ratio(end, f64::from(self.at_start)));
        set(MetricId::Retention, retained);
        set(MetricId::Earning, ratio(earning, capacity));
        set(MetricId::RunningCost, ratio(cost, capacity));
        set(MetricId::ReturnOnCost, ratio(earning - cost, cost));
        let payback = self
            .hardware_price
            .zip(ratio(earning - cost, capacity))
            .filter(|&(_, margin)| margin > 0.0);
        set(
            MetricId::Payback,
            payback.map(|(price, margin)| price / margin / MONTH),
        );
        set(MetricId::ProducerSurplus, Some((earning - cost) / count));
        let undone = sum(Column::Lost);
        set(
            MetricId::LostShare,
            ratio(undone, sum(Column::Served)).filter(|_| self.watched),
        );
        let subsidy = sum(Column::Subsidy);
        set(MetricId::SubsidyShare, ratio(subsidy, earning));
        set(
            MetricId::SubsidyGap,
            ratio(cost - (earning - subsidy).max(0.0), cost),
        );
        let accounts: Vec<(f64, f64)> = owners.accounts().collect();
        let in_profit = accounts
            .iter()
            .filter(|(revenue, spent)| revenue > spent)
            .count();
        set(
            MetricId::OwnersInProfit,
            ratio(in_profit as f64, accounts.len() as f64),
        );
        let revenue: Vec<f64> = accounts.iter().map(|account| account.0.max(0.0)).collect();
        let revenue = Holdings::new(&revenue).filter(|revenue| revenue.count() > 1);
        set(MetricId::OwnerGini, revenue.map(|revenue| revenue.gini()));
        let capacities: Vec<f64> = owners
            .capacities(roster)
            .map(|capacity| capacity as f64)
            .collect();
        let capacities = Holdings::new(&capacities);
        let capacities = capacities.as_ref();
        set(MetricId::CapacityGini, capacities.map(Holdings::gini));
        set(MetricId::CapacityHhi, capacities.map(Holdings::herfindahl));
        set(
            MetricId::CapacityNakamoto,
            capacities.map(|held| held.nakamoto_above(0.5) as f64),
        );
        let third = capacities.map(|held| held.nakamoto_above(1.0 / 3.0) as f64);
        set(MetricId::CapacityThird, third);
        set(MetricId::TreasuryEnd, last(Column::Treasury));
        let treasury = || self.rows.iter().map(|row| row[Column::Treasury]);
        let months = (count - 1.0) * self.days / MONTH;
        let outflow = treasury()
            .next()
            .zip(treasury().next_back())
            .map(|(first, last)| (first - last) / months);
        set(
            MetricId::Runway,
            outflow.and_then(|outflow| {
                runway(
                    Amount::from_f64((treasury().sum::<f64>() / count).min(1e19)),
                    outflow * 1e9,
                )
            }),
        );
        let ruined = self.rows.iter().any(|row| row[Column::Unpaid] > 0.0);
        set(MetricId::Ruin, Some(f64::from(u8::from(ruined))));
    }

    fn validators(&self, set: &mut impl FnMut(MetricId, Option<f64>)) {
        let Some(colluding) = self.colluding else {
            return;
        };
        let dividends = [Column::HonestDividends, Column::ColludersDividends];
        // There are none before the first division.
        let has = |row: &&Row| dividends.iter().any(|&column| row[column] > 0.0);
        let divided = self.rows.iter().filter(has).count() as f64;
        let mean = |column: Column| {
            let sum = self.rows.iter().map(|row| row[column]).sum::<f64>();
            ratio(sum, divided)
        };
        set(MetricId::ColludersPay, mean(Column::ColludersPay));
        set(MetricId::ColludersWork, mean(Column::ColludersWork));
        let honest = mean(dividends[0]).filter(|_| colluding < 1.0);
        set(MetricId::HonestDividends, honest);
        let theirs = mean(dividends[1]).filter(|_| colluding > 0.0);
        set(MetricId::ColludersDividends, theirs);
    }

    fn token(&self, set: &mut impl FnMut(MetricId, Option<f64>)) {
        let prices = || self.rows.iter().map(|row| row[Column::TokenPrice]);
        let (Some(first), Some(end)) = (prices().next(), prices().next_back()) else {
            return;
        };
        if first <= 0.0 {
            return;
        }
        let count = self.rows.len() as f64;
        let years = count * self.days / YEAR;
        let sum = |column: Column| self.rows.iter().map(|row| row[column]).sum::<f64>();
        let last = |column: Column| self.rows.last().map_or(0.0, |row| row[column]);
        set(MetricId::TokenPriceEnd, Some(end));
        set(
            MetricId::TokenPriceMean,
            Some(prices().sum::<f64>() / count),
        );
        set(MetricId::TokenReturn, Some(math::ln(end / first) / years));
        set(MetricId::TokenVolatility, volatility(prices(), self.days));
        let mut high = 0.0_f64;
        let fall = prices().fold(0.0_f64, |fall, price| {
            high = high.max(price);
            fall.max(1.0 - price / high)
        });
        set(MetricId::TokenDrawdown, Some(fall));
        set(MetricId::SupplyEnd, Some(last(Column::Supply)));
        let created = sum(Column::Minted) - sum(Column::Burned);
        let mean_supply = sum(Column::Supply) / count;
        set(
            MetricId::BurnToMint,
            ratio(sum(Column::Burned), sum(Column::Minted)),
        );
        let inflation = ratio(created / years, mean_supply);
        set(MetricId::Inflation, inflation);
        let staked = sum(Column::Staked);
        let nominal = ratio(
            self.rows
                .iter()
                .map(|row| row[Column::StakeYield] * row[Column::Staked])
                .sum(),
            staked,
        );
        let nominal = nominal.filter(|&nominal| nominal > 0.0);
        set(MetricId::StakeYield, nominal);
        let real = nominal.zip(inflation);
        set(
            MetricId::RealStakeYield,
            real.map(|(nominal, inflation)| real_yield(nominal, inflation)),
        );
        let worth = self
            .rows
            .iter()
            .map(|row| row[Column::Circulating] * row[Column::TokenPrice]);
        let bought = sum(Column::Bought) * YEAR;
        set(MetricId::Velocity, ratio(bought, worth.sum()));
        let stake = last(Column::Staked) * end;
        // Who holds half as much as all others has a third of the whole.
        set(MetricId::AttackCost, (stake > 0.0).then_some(stake / 2.0));
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| part / whole)
}

/// Standard deviation of the changes of the logarithm, by root of a year.
fn volatility(prices: impl Iterator<Item = f64> + Clone, days: f64) -> Option<f64> {
    let next = prices.clone().skip(1);
    let changes: Vec<f64> = prices
        .zip(next)
        .filter(|(a, b)| *a > 0.0 && *b > 0.0)
        .map(|(a, b)| math::ln(b / a))
        .collect();
    if changes.len() < 2 {
        return None;
    }
    let count = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / count;
    let squares: f64 = changes
        .iter()
        .map(|change| (change - mean) * (change - mean))
        .sum();
    Some((squares / (count - 1.0) * YEAR / days).sqrt())
}

//! How stable a rest is: what a small deviation from it is multiplied by from one epoch to the next.
//!
//! Two ways start where others came to rest and settle there for half of the time. Then all demand is a tenth higher for a month on one, and a
//! tenth lower on the other, and is as before. Both have the same random numbers, so that what chance does to both cancels from their
//! difference. How that decays ([`super::decay`]) is the spectral radius of the map from epoch to epoch; replications, which draw other
//! owners, tell how sure it is. Starts on either side of a rest would not do: what owners expect and where customers are used to be would
//! be off it, too, and the difference would be one between ways that are still on theirs.

use serde_json::{Value, json};
use walras_sim::economy::{Change, Economy, Shock};
use walras_sim::record::Range;
use walras_sim::series::{Column, Series};
use walras_sim::world::Settings;

use super::decay::{Decay, Difference, decay};
use super::{Rest, Start, online_of};
use crate::estimate::{Estimate, Interval, estimate};
use crate::words::number;

/// What demand is multiplied by to push a way off its rest, or divided by.
const PUSH: f64 = 1.1;

/// For so long [days].
const PUSHED: f64 = 30.0;

/// The figures in which a deviation is followed.
const FOLLOWED: [Column; 2] = [Column::Providers, Column::Price];

/// A smaller difference of prices, over the price, is rounding.
const ROUNDING: f64 = 1e-4;

/// As many owners more or less are rounding, too.
const OWNERS: f64 = 1.5;

/// The stability of a rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Stability {
    /// What a deviation is multiplied by from one epoch to the next: the largest modulus, over replications.
    pub multiplier: Estimate,
    /// Days in which half of a deviation goes; the upper end is infinite if it may not go.
    pub half_life: Estimate,
    /// From crest to crest [days], if a deviation swings.
    pub period: Option<Estimate>,
    /// The figure that takes longest.
    pub column: Column,
    /// The figure of whose deviation most stays for good, and how much.
    pub stays: (Column, f64),
}

/// What is known of the stability of a rest.
#[derive(Clone, Debug, PartialEq)]
pub enum Stable {
    /// A deviation goes at a rate.
    Decays(Box<Stability>),
    /// It is gone before a rate could be told, within so many days.
    Gone(f64),
    /// It stays: there are rests on either side.
    Stays,
    /// Deviations were too small to tell, or go in no order.
    Unknown,
}

/// Why a deviation stays.
const STAYS: &str = "owners who would not come do not go either";

impl Stable {
    /// In words that follow "a": what becomes of a deviation.
    #[must_use]
    pub fn words(&self) -> String {
        let stability = match self {
            Self::Decays(stability) => stability,
            Self::Gone(days) => {
                return format!("deviation is gone within {} days.", number(*days, 1));
            }
            Self::Stays => return format!("deviation stays: {STAYS}."),
            Self::Unknown => return "deviation was too small, or went in too little order, to tell how fast it goes.".to_owned(),
        };
        let Stability {
            multiplier,
            half_life,
            period,
            stays,
            ..
        } = &**stability;
        let mut words = if half_life.mean.is_finite() {
            format!(
                "deviation halves in {} days: it is multiplied by {} in an epoch",
                with_interval(half_life, 1),
                with_interval(multiplier, 4)
            )
        } else {
            format!(
                "deviation does not go: it is multiplied by {} in an epoch",
                with_interval(multiplier, 4)
            )
        };
        if let Some(period) = period {
            words = format!(
                "{words}, and swings every {} days",
                with_interval(period, 1)
            );
        }
        let (column, stays) = *stays;
        if stays > 0.01 {
            let figure = if column == Column::Price {
                "price"
            } else {
                "providers"
            };
            words = format!(
                "{words}; in the {figure} {} % of it stays: {STAYS}",
                number(stays * 100.0, 0)
            );
        }
        words + "."
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let figure = |estimate: &Estimate| {
            let interval = estimate
                .interval
                .map(|interval| [interval.low, interval.high]);
            json!({"mean": estimate.mean, "interval": interval, "n": estimate.n})
        };
        match self {
            Self::Decays(stability) => json!({"decays": {
                "figure": stability.column.name(),
                "multiplier": figure(&stability.multiplier),
                "half_life_days": figure(&stability.half_life),
                "period_days": stability.period.as_ref().map(figure),
                "stays": {"figure": stability.stays.0.name(), "share": stability.stays.1},
            }}),
            Self::Gone(days) => json!({"gone": {"within_days": days}}),
            Self::Stays => json!("stays"),
            Self::Unknown => Value::Null,
        }
    }
}

/// An estimate with its interval, if that can be seen at so many decimals.
#[must_use]
pub fn with_interval(estimate: &Estimate, decimals: usize) -> String {
    let text = |value: f64| {
        if value.is_finite() {
            number(value, decimals)
        } else {
            "∞".to_owned()
        }
    };
    let mean = text(estimate.mean);
    match estimate.interval {
        Some(Interval { low, high }) if text(low) != text(high) => {
            format!("{mean} [{} … {}]", text(low), text(high))
        }
        _ => mean,
    }
}

/// The ways of one replication after they were pushed off a rest, to either side; `None` if `stop` asked for it.
pub(super) fn ways(
    still: &Economy,
    rest: Rest,
    settings: &Settings,
    replication: u32,
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<[Series; 2]> {
    let start = Start {
        online: (rest.providers / f64::from(online_of(still)?.0)).min(1.0),
        price: rest.price / still.networks[0].initial_price,
    };
    let from = settings.horizon.as_secs_f64() / 86400.0 / 2.0;
    let until = from + PUSHED.max(still.epoch.as_secs_f64() / 86400.0);
    let way = |push: f64| {
        let mut pushed = start.of(still);
        let shock = |at: f64, factor: f64| Shock {
            at,
            network: 0,
            change: Change::Demand(factor),
        };
        pushed.shocks = vec![shock(from, push), shock(until, 1.0 / push)];
        let mut series = pushed.simulate(settings, 1, replication, stop)?.series;
        let first = series.days.partition_point(|&day| day <= until);
        series.days.drain(..first);
        series.rows.drain(..first);
        Some(series)
    };
    Some([way(1.0 / PUSH)?, way(PUSH)?])
}

/// What the ways of all replications tell, whose epochs are so many days.
pub(super) fn of(pairs: &[[Series; 2]], epoch: f64) -> Stable {
    let followed = FOLLOWED.map(|column| (column, differences(pairs, column)));
    let stays = followed
        .iter()
        .map(|(column, differences)| (*column, stays(differences)));
    let stays = stays
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .expect("figures are followed");
    let slowest = followed
        .iter()
        .filter_map(|(column, differences)| decays(differences, *column, stays, epoch))
        .max_by(|a, b| a.multiplier.mean.total_cmp(&b.multiplier.mean));
    if let Some(slowest) = slowest {
        return Stable::Decays(Box::new(slowest));
    }
    if stays.1 > 0.5 {
        return Stable::Stays;
    }
    let gone = followed
        .iter()
        .filter_map(|(_, differences)| gone(differences));
    gone.max()
        .map_or(Stable::Unknown, |steps| Stable::Gone(steps as f64 * epoch))
}

/// What becomes of the differences in a figure, by replication.
fn differences(pairs: &[[Series; 2]], column: Column) -> Vec<Difference> {
    let of = |[few, many]: &[Series; 2]| {
        let difference = |column: Column| -> Vec<f64> {
            let both = few.column(column).zip(many.column(column));
            both.map(|(few, many)| many - few).collect()
        };
        let rest = |column: Column| {
            let all: Vec<f64> = many.column(column).collect();
            super::mean(&all[all.len() / 2..])
        };
        let owners = difference(Column::Providers);
        let floor = if column == Column::Providers {
            OWNERS
        } else if super::span(&owners) > 0.0 {
            // Where owners come and go, one of them moves the price about as much as it is a share of all.
            rest(Column::Price) * (OWNERS / rest(Column::Providers)).max(ROUNDING)
        } else {
            rest(Column::Price) * ROUNDING
        };
        decay(&difference(column), floor)
    };
    pairs.iter().map(of).collect()
}

/// Mean share of deviations that stays.
fn stays(differences: &[Difference]) -> f64 {
    let shares = differences.iter().map(|difference| match difference {
        Difference::Decays(_, stays) | Difference::Gone(_, stays) => *stays,
        Difference::Stays => 1.0,
        Difference::Unclear => 0.0,
    });
    super::mean(&shares.collect::<Vec<f64>>())
}

/// After how many steps deviations are gone, in the middle one of the replications, if they are in most.
fn gone(differences: &[Difference]) -> Option<usize> {
    let mut steps: Vec<usize> = differences
        .iter()
        .filter_map(|difference| match difference {
            Difference::Gone(steps, _) => Some(*steps),
            _ => None,
        })
        .collect();
    steps.sort_unstable();
    (2 * steps.len() > differences.len()).then(|| steps[steps.len() / 2])
}

/// How fast deviations go, if most replications tell.
fn decays(
    differences: &[Difference],
    column: Column,
    stays: (Column, f64),
    epoch: f64,
) -> Option<Stability> {
    let decays: Vec<Decay> = differences
        .iter()
        .filter_map(|difference| match difference {
            Difference::Decays(decay, _) => Some(*decay),
            _ => None,
        })
        .collect();
    if 2 * decays.len() <= differences.len() {
        return None;
    }
    // Over rates, which are closer to normal than half-lives.
    let rates: Vec<f64> = decays.iter().map(|decay| decay.multiplier.ln()).collect();
    let rate = estimate(&rates, Range::Any)?;
    let periods = decays
        .iter()
        .filter_map(|decay| Some(decay.period? * epoch));
    let periods: Vec<f64> = periods.collect();
    let swings = 2 * periods.len() > decays.len();
    let halved = |rate: f64| {
        if rate < 0.0 {
            -std::f64::consts::LN_2 / rate * epoch
        } else {
            f64::INFINITY
        }
    };
    Some(Stability {
        multiplier: through(rate, f64::exp),
        half_life: through(rate, halved),
        period: swings
            .then(|| estimate(&periods, Range::NonNegative))
            .flatten(),
        column,
        stays,
    })
}

/// An estimate of what grows with another.
fn through(of: Estimate, grows: impl Fn(f64) -> f64) -> Estimate {
    Estimate {
        mean: grows(of.mean),
        interval: of.interval.map(|interval| Interval {
            low: grows(interval.low),
            high: grows(interval.high),
        }),
        ..of
    }
}

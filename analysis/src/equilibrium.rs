//! Where an economy comes to rest: without growth, shocks and chance, from few owners and from many.
//!
//! Owners come as long as they expect to earn more than it costs them and go when they do not, so a rest point is one of free entry. It is
//! found by following the economy itself, from several starts; whether it holds is seen on the way: the economy settles, swings for
//! good, is still moving at the end, or ends without owners.

use serde_json::{Value, json};
use walras_scenarios::run::Pool;
use walras_sim::economy::{Economy, Supply};
use walras_sim::series::{Column, Row, Series};
use walras_sim::token::price::PriceModel;
use walras_sim::world::Settings;

/// The shares of owners who provide at the start.
pub const STARTS: [f64; 4] = [0.01, 0.1, 0.4, 1.0];

/// The page, in the directory of results.
pub const PAGE: &str = "equilibrium.html";

/// What a table of ends is called.
pub const END_WORDS: &str = "where it ends, by the share of owners that it begins with";

/// The last part of a run, which tells how it ends.
const END: f64 = 0.25;

/// Figures that move by less than this share at the end are at rest; two ends that differ by less are the same.
pub const TOLERANCE: f64 = 0.02;

/// Fewer owners than this share of all are none.
const NONE: f64 = 0.002;

/// What is told of an end.
pub const COLUMNS: [Column; 7] = [
    Column::Providers,
    Column::Price,
    Column::Utilization,
    Column::Share,
    Column::Earning,
    Column::Cost,
    Column::TokenPrice,
];

/// How a way ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// At rest; after so many days only [`TOLERANCE`] of the owners were missing or too many.
    Rests {
        /// [days]
        settled: f64,
    },
    /// It swings.
    Swings {
        /// What does: the providers, or the price alone.
        column: Column,
        /// From crest to crest [days].
        period: f64,
        /// Half of the distance between the least and the most, over the mean.
        amplitude: f64,
        /// Whether it swings by less at the end than before.
        is_damped: bool,
    },
    /// It is still on its way.
    Moves {
        /// Change of the number of owners from the first to the second half of the end.
        change: f64,
    },
    /// There are no owners left: a death spiral.
    Dies {
        /// When the last ones were gone [days].
        at: f64,
    },
}

/// An economy's way from a start.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Share of owners who provided at the start.
    pub start: f64,
    /// What was recorded.
    pub series: Series,
    /// Means over the end.
    pub end: Row,
    /// How it ends.
    pub fate: Fate,
}

/// What becomes of an economy.
#[derive(Clone, Debug, PartialEq)]
pub struct Equilibrium {
    /// Name of the economy.
    pub economy: String,
    /// How many owners there are, whether they provide or not.
    pub owners: u32,
    /// Length of each way [years].
    pub years: f64,
    /// The ways, from few owners to many.
    pub ways: Vec<Way>,
    /// What was stilled, in words.
    pub stilled: Vec<String>,
}

/// Why an economy has no such rest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the first network of `{0}` has one seller: nobody enters or leaves")]
pub struct NoEntry(pub String);

/// Follows an economy for some years from each of [`STARTS`]; `None` if `stop` asked for it.
///
/// # Errors
/// If the network that figures are about has no owners.
pub fn find(
    economy: &Economy,
    years: f64,
    pool: &Pool,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Equilibrium>, NoEntry> {
    let (still, stilled) = stilled(economy);
    let owners = match &still.networks[0].supply {
        Supply::Owners(owners) => owners.potential,
        Supply::Pool(membership) => still.pools[membership.pool].potential,
        Supply::Seller(_) => return Err(NoEntry(economy.name.clone())),
    };
    let epochs = (years * 365.0 * 86400.0 / still.epoch.as_secs_f64()).ceil() as u64;
    let horizon = still.epoch * epochs.max(8);
    let settings = Settings {
        horizon,
        warm_up: walras_des::Span::ZERO,
        // A swing from one epoch to the next must be seen as one.
        sample_every: still.epoch,
    };
    let ways = pool.map(&STARTS, |&start| {
        let mut from = still.clone();
        match &mut from.networks[0].supply {
            Supply::Owners(owners) => owners.online = start,
            Supply::Pool(membership) => membership.online = start,
            Supply::Seller(_) => {}
        }
        let output = from.simulate(&settings, 1, 0, stop)?;
        Some(Way::of(start, output.series, owners))
    });
    let ways: Option<Vec<Way>> = ways.into_iter().collect();
    Ok(ways.map(|ways| Equilibrium {
        economy: economy.name.clone(),
        owners,
        years,
        ways,
        stilled,
    }))
}

/// The economy without growth, shocks and what moves by chance, and what that was.
fn stilled(economy: &Economy) -> (Economy, Vec<String>) {
    let mut still = economy.clone();
    let mut words = Vec::new();
    if still.customers.growth != 0.0 {
        words.push("growth of demand".to_owned());
        still.customers.growth = 0.0;
    }
    if still.customers.volatility > 0.0 {
        words.push("swings of demand".to_owned());
        still.customers.volatility = 0.0;
    }
    if !still.shocks.is_empty() {
        words.push(format!("{} shocks", still.shocks.len()));
        still.shocks.clear();
    }
    for network in &mut still.networks {
        let Some(token) = &mut network.token else {
            continue;
        };
        let moves = match &mut token.price {
            PriceModel::Gbm(_) | PriceModel::JumpDiffusion(_) | PriceModel::Traders(_) => true,
            PriceModel::OrnsteinUhlenbeck(model) => model.volatility > 0.0,
            _ => false,
        };
        if moves {
            words.push(format!("the price of the token of {}", network.name));
            token.price = PriceModel::Fixed;
        }
    }
    (still, words)
}

impl Way {
    fn of(start: f64, series: Series, owners: u32) -> Self {
        let count = series.rows.len();
        let first = ((count as f64 * (1.0 - END)) as usize).min(count.saturating_sub(4));
        let last = &series.rows[first..];
        let mut end = Row::default();
        for column in Column::ALL {
            end[*column] = last.iter().map(|row| row[*column]).sum::<f64>() / last.len() as f64;
        }
        let providers: Vec<f64> = series.column(Column::Providers).collect();
        let mut fate = fate(&series.days, &providers, first, f64::from(owners));
        if let Fate::Rests { .. } = fate {
            // Owners may rest where the price does not.
            let prices: Vec<f64> = series.column(Column::Price).collect();
            if let Some(swings) = swings(&series.days, &prices, first, Column::Price) {
                fate = swings;
            }
        }
        Self {
            start,
            series,
            end,
            fate,
        }
    }
}

/// How the numbers of owners on these days end, of which those from `first` on are the end.
fn fate(days: &[f64], providers: &[f64], first: usize, owners: f64) -> Fate {
    let end = &providers[first..];
    let rest = mean(end);
    if end[end.len() - 1] <= NONE * owners {
        let gone = providers.iter().rposition(|&here| here > NONE * owners);
        let at = gone.map_or(0.0, |last| days[last]);
        return Fate::Dies { at };
    }
    // A handful of owners more or less is no swing.
    let slack = (TOLERANCE * rest).max(2.0);
    if span(end) <= slack {
        let away = providers
            .iter()
            .rposition(|here| (here - rest).abs() > slack);
        let settled = away.map_or(0.0, |last| days[last]);
        return Fate::Rests { settled };
    }
    let (early, late) = end.split_at(end.len() / 2);
    let change = mean(late) - mean(early);
    swings(days, providers, first, Column::Providers).unwrap_or(Fate::Moves { change })
}

/// How the values of a column on these days swing from `first` on, if they do: by more than [`TOLERANCE`], and through their mean, which
/// stays where it is.
fn swings(days: &[f64], values: &[f64], first: usize, column: Column) -> Option<Fate> {
    let end = &values[first..];
    let rest = mean(end);
    let above = |value: f64| value > rest;
    let pairs = end.windows(2);
    let crossings = pairs
        .filter(|pair| above(pair[0]) != above(pair[1]))
        .count();
    if crossings < 3 || span(end) <= TOLERANCE * rest {
        return None;
    }
    let (early, late) = end.split_at(end.len() / 2);
    Some(Fate::Swings {
        column,
        period: 2.0 * (days[days.len() - 1] - days[first]) / crossings as f64,
        amplitude: span(end) / 2.0 / rest,
        is_damped: span(late) < 0.8 * span(early),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// From the least to the most.
fn span(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most - values.iter().copied().fold(f64::INFINITY, f64::min)
}

impl Equilibrium {
    /// The different numbers of owners at which ways rest, from few to many.
    #[must_use]
    pub fn rests(&self) -> Vec<f64> {
        let at_rest = |way: &&Way| matches!(way.fate, Fate::Rests { .. });
        let ends = self.ways.iter().filter(at_rest);
        let mut ends: Vec<f64> = ends.map(|way| way.end[Column::Providers]).collect();
        ends.sort_by(f64::total_cmp);
        ends.dedup_by(|b, a| *b - *a <= (2.0 * TOLERANCE * *a).max(4.0));
        ends
    }

    /// What becomes of it, in words.
    #[must_use]
    pub fn verdict(&self) -> Vec<String> {
        let of = |is: fn(&Fate) -> bool| -> Vec<&Way> {
            self.ways.iter().filter(|way| is(&way.fate)).collect()
        };
        let starts = |ways: &[&Way]| {
            let shares: Vec<String> = ways
                .iter()
                .map(|way| format!("{} %", way.start * 100.0))
                .collect();
            match shares.split_last() {
                Some((last, [])) => format!("from {last} of the owners"),
                Some((last, others)) => {
                    format!("from {} and {last} of the owners", others.join(", "))
                }
                None => String::new(),
            }
        };
        let mut words = Vec::new();
        let resting = of(|fate| matches!(fate, Fate::Rests { .. }));
        match self.rests().as_slice() {
            [] => {}
            [one] if resting.len() == self.ways.len() => words.push(format!(
                "It converges: from every start to {} providers.",
                one.round()
            )),
            [one] => words.push(format!(
                "It converges to {} providers {}.",
                one.round(),
                starts(&resting)
            )),
            several => {
                let all: Vec<String> = several
                    .iter()
                    .map(|rest| rest.round().to_string())
                    .collect();
                words.push(format!(
                    "There are several equilibria, with {} providers: where it ends depends on where it begins.",
                    all.join(" and ")
                ));
            }
        }
        for way in of(|fate| matches!(fate, Fate::Swings { .. })) {
            if let Fate::Swings {
                column,
                period,
                amplitude,
                is_damped,
            } = way.fate
            {
                words.push(format!(
                    "It oscillates {}: {} by ± {:.1} %, every {period:.0} days{}.",
                    starts(&[way]),
                    if column == Column::Price {
                        "the price"
                    } else {
                        "the providers"
                    },
                    amplitude * 100.0,
                    if is_damped { ", less and less" } else { "" }
                ));
            }
        }
        for way in of(|fate| matches!(fate, Fate::Moves { .. })) {
            words.push(format!(
                "It is still moving after {} years {}: a longer run tells more.",
                self.years,
                starts(&[way])
            ));
        }
        let dying = of(|fate| matches!(fate, Fate::Dies { .. }));
        if !dying.is_empty() {
            words.push(format!(
                "It ends in a death spiral, without owners, {}.",
                starts(&dying)
            ));
        }
        words
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let ways = self.ways.iter().map(|way| {
            let fate = match way.fate {
                Fate::Rests { settled } => json!({"converges": {"settled_days": settled}}),
                Fate::Swings {
                    column,
                    period,
                    amplitude,
                    is_damped,
                } => json!({"oscillates": {
                    "figure": column.name(),
                    "period_days": period, "amplitude": amplitude, "damped": is_damped,
                }}),
                Fate::Moves { change } => json!({"moves": {"providers": change}}),
                Fate::Dies { at } => json!({"death_spiral": {"days": at}}),
            };
            let end: serde_json::Map<String, Value> = COLUMNS
                .iter()
                .map(|column| (column.name().to_owned(), json!(way.end[*column])))
                .collect();
            json!({"online_at_start": way.start, "fate": fate, "end": end})
        });
        json!({
            "economy": self.economy,
            "owners": self.owners,
            "years": self.years,
            "stilled": self.stilled,
            "ways": ways.collect::<Vec<_>>(),
            "equilibria": self.rests(),
            "verdict": self.verdict(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: impl Fn(f64) -> f64) -> Fate {
        let days: Vec<f64> = (0..1000).map(f64::from).collect();
        let providers: Vec<f64> = days.iter().map(|&day| path(day)).collect();
        fate(&days, &providers, 750, 1000.0)
    }

    #[test]
    fn fates_are_told_apart() {
        let half = |day: f64, life: f64| 0.5_f64.powf(day / life);
        // 400 owners more than at rest, of which 2 % are left after ln 50 / ln 2 = 5.6 half-lives.
        let Fate::Rests { settled } = of(|day| 500.0 + 400.0 * half(day, 20.0)) else {
            panic!("it rests");
        };
        assert!(
            (settled - 20.0 * (400.0_f64 / 10.0).log2()).abs() < 1.5,
            "{settled}"
        );
        let Fate::Swings {
            period,
            amplitude,
            is_damped,
            ..
        } = of(|day| 500.0 + 100.0 * (day / 30.0 * std::f64::consts::TAU).sin())
        else {
            panic!("it swings");
        };
        assert!((period / 30.0 - 1.0).abs() < 0.1 && (amplitude - 0.2).abs() < 0.01 && !is_damped);
        let damped = of(|day| 500.0 + 400.0 * half(day, 300.0) * (day / 5.0).sin());
        assert!(
            matches!(
                damped,
                Fate::Swings {
                    is_damped: true,
                    ..
                }
            ),
            "{damped:?}"
        );
        assert!(matches!(of(|day| 100.0 + day / 2.0), Fate::Moves { change } if change > 60.0));
        let Fate::Dies { at } = of(|day| (500.0 * half(day, 30.0)).floor()) else {
            panic!("it dies");
        };
        // 500 · 2^(−t/30) = 3
        assert!((at - 30.0 * (500.0_f64 / 3.0).log2()).abs() < 2.0, "{at}");
    }
}

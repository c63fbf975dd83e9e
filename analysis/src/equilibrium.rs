//! Where an economy comes to rest: without growth, shocks and chance, from few owners and from many, and from low prices and high ones.
//!
//! Owners come as long as they expect to earn more than it costs them and go when they do not, so a rest point is one of free entry. It is
//! found by following the economy itself, from several starts; whether it holds is seen on the way: the economy settles, swings for
//! good, is still moving at the end, or ends without owners. How fast small deviations from a rest go is measured beside ([`stability`]).

mod decay;
pub mod stability;

use serde_json::{Value, json};
use walras_scenarios::run::Pool;
use walras_sim::economy::{Economy, Reward, Supply};
use walras_sim::series::{Column, Row, Series};
use walras_sim::token::price::PriceModel;
use walras_sim::world::Settings;

use crate::findings::list;
use crate::words::number;

pub use stability::{Stability, Stable};

/// The shares of owners who provide at the start, at the scenario's own price.
const ONLINE: [f64; 4] = [0.01, 0.1, 0.4, 1.0];

/// The prices of work at the start, as multiples of the scenario's own, with its own share of owners.
const PRICES: [f64; 2] = [1.0 / 3.0, 3.0];

/// The page, in the directory of results.
pub const PAGE: &str = "equilibrium.html";

/// What a table of ends is called.
pub const END_WORDS: &str = "where it ends, by the owners and the price that it begins with";

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

/// Where a way begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Share of owners who provide.
    pub online: f64,
    /// The price of work, as a multiple of the scenario's own; what owners and customers expect, and from where a mechanism moves it. A
    /// posted price is a rule, and stays.
    pub price: f64,
}

impl Start {
    /// The starts of an economy of which this share of owners provides.
    fn all(online: f64) -> Vec<Self> {
        let owners = ONLINE.map(|online| Self { online, price: 1.0 });
        let prices = PRICES.map(|price| Self { online, price });
        owners.into_iter().chain(prices).collect()
    }

    /// The economy from here.
    fn of(self, economy: &Economy) -> Economy {
        let mut from = economy.clone();
        let network = &mut from.networks[0];
        match &mut network.supply {
            Supply::Owners(owners) => owners.online = self.online,
            Supply::Pool(membership) => membership.online = self.online,
            Supply::Seller(_) => {}
        }
        network.initial_price *= self.price;
        network.market.start_from(self.price);
        from
    }

    /// In words, as short as a column.
    #[must_use]
    pub fn words(self) -> String {
        let price = if self.price < 1.0 {
            format!("price ÷ {:.0}", 1.0 / self.price)
        } else {
            format!("price × {:.0}", self.price)
        };
        if self.price == 1.0 {
            format!("{} % of the owners", self.online * 100.0)
        } else {
            price
        }
    }
}

/// How many owners the first network may have, and which share of them it begins with; `None` if it has a seller.
fn online_of(economy: &Economy) -> Option<(u32, f64)> {
    match &economy.networks[0].supply {
        Supply::Owners(owners) => Some((owners.potential, owners.online)),
        Supply::Pool(membership) => {
            Some((economy.pools[membership.pool].potential, membership.online))
        }
        Supply::Seller(_) => None,
    }
}

/// Where ways end at rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rest {
    /// How many owners provide.
    pub providers: f64,
    /// The price of work [USD per unit].
    pub price: f64,
}

impl Rest {
    fn words(&self) -> String {
        let providers = number(self.providers, 0);
        format!("{providers} providers at {} USD", number(self.price, 3))
    }

    fn of(end: &Row) -> Self {
        Self {
            providers: end[Column::Providers],
            price: end[Column::Price],
        }
    }

    /// Whether two are one within [`TOLERANCE`] of each.
    fn is(self, other: Self) -> bool {
        let close =
            |a: f64, b: f64, least: f64| (a - b).abs() <= (2.0 * TOLERANCE * a.min(b)).max(least);
        close(self.providers, other.providers, 4.0) && close(self.price, other.price, 0.0)
    }
}

/// An economy's way from a start.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Where it begins.
    pub start: Start,
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
    /// The ways, from few owners to many, then from low prices to high.
    pub ways: Vec<Way>,
    /// The different rests of the ways, from few owners to many, and how stable each is.
    pub rests: Vec<(Rest, Stable)>,
    /// What was stilled, in words.
    pub stilled: Vec<String>,
}

/// Why an economy has no such rest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the first network of `{0}` has one seller: nobody enters or leaves")]
pub struct NoEntry(pub String);

/// Follows an economy for some years from each start, and in so many replications from both sides of where it rests; `None` if `stop`
/// asked for it.
///
/// # Errors
/// If the network that figures are about has no owners.
pub fn find(
    economy: &Economy,
    years: f64,
    replications: u32,
    pool: &Pool,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Equilibrium>, NoEntry> {
    let (still, stilled) = stilled(economy);
    let (owners, online) = online_of(&still).ok_or_else(|| NoEntry(economy.name.clone()))?;
    let epochs = (years * 365.0 * 86400.0 / still.epoch.as_secs_f64()).ceil() as u64;
    let horizon = still.epoch * epochs.max(8);
    let settings = Settings {
        horizon,
        warm_up: walras_des::Span::ZERO,
        // A swing from one epoch to the next must be seen as one.
        sample_every: still.epoch,
    };
    let ways = pool.map(&Start::all(online), |&start| {
        let output = start.of(&still).simulate(&settings, 1, 0, stop)?;
        Some(Way::of(start, output.series, owners))
    });
    let Some(ways) = ways.into_iter().collect::<Option<Vec<Way>>>() else {
        return Ok(None);
    };
    let mut rests = Vec::new();
    for rest in rests_of(&ways) {
        let numbers: Vec<u32> = (0..replications).collect();
        let pairs = pool.map(&numbers, |&replication| {
            stability::ways(&still, rest, &settings, replication, stop)
        });
        let Some(pairs) = pairs.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        rests.push((
            rest,
            stability::of(&pairs, still.epoch.as_secs_f64() / 86400.0),
        ));
    }
    Ok(Some(Equilibrium {
        economy: economy.name.clone(),
        owners,
        years,
        ways,
        rests,
        stilled,
    }))
}

/// The different rests of ways, from few owners to many.
fn rests_of(ways: &[Way]) -> Vec<Rest> {
    let settles = |way: &&Way| match way.fate {
        Fate::Rests { .. } => true,
        Fate::Swings { is_damped, .. } => is_damped,
        _ => false,
    };
    let mut rests: Vec<Rest> = Vec::new();
    // What is at rest already says best where that is.
    let at_rest = |way: &&Way| matches!(way.fate, Fate::Rests { .. });
    let (still, swinging): (Vec<&Way>, Vec<&Way>) = ways.iter().filter(settles).partition(at_rest);
    for way in still.into_iter().chain(swinging) {
        let rest = Rest::of(&way.end);
        if !rests.iter().any(|known| known.is(rest)) {
            rests.push(rest);
        }
    }
    rests.sort_by(|a, b| a.providers.total_cmp(&b.providers));
    rests
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
        let name = &network.name;
        if let Some(token) = &mut network.token
            && still_price(&mut token.price)
        {
            words.push(format!("chance in the price of the token of {name}"));
        }
        if let Some(validators) = &mut network.validators
            && validators.noise > 0.0
        {
            words.push(format!("errors of validators of {name}"));
            validators.noise = 0.0;
        }
        if let Some(creators) = &mut network.creators
            && let Reward::Retroactive { error, .. } = &mut creators.rule
            && *error > 0.0
        {
            words.push(format!("errors of the jury of {name}"));
            *error = 0.0;
        }
    }
    (still, words)
}

/// Takes chance, and what others do at stated times, out of the price of a token; whether there was any. Models that go their way
/// whatever the network does become a fixed price; traders remain, without noise.
fn still_price(price: &mut PriceModel) -> bool {
    match price {
        PriceModel::Gbm(_) | PriceModel::JumpDiffusion(_) => {
            *price = PriceModel::Fixed;
            true
        }
        PriceModel::OrnsteinUhlenbeck(model) if model.volatility > 0.0 => {
            *price = PriceModel::Fixed;
            true
        }
        PriceModel::Traders(traders) => {
            let had = still_price(&mut traders.fundamental) || traders.noise != [0.0; 2];
            traders.noise = [0.0; 2];
            had
        }
        PriceModel::Shocked(model, _) => {
            let mut model = (**model).clone();
            still_price(&mut model);
            *price = model;
            true
        }
        _ => false,
    }
}

impl Way {
    fn of(start: Start, series: Series, owners: u32) -> Self {
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

/// From which starts ways come, in words.
fn from_starts(ways: &[&Way]) -> String {
    let (prices, owners): (Vec<&Way>, Vec<&Way>) =
        ways.iter().partition(|way| way.start.price != 1.0);
    let mut words = Vec::new();
    if !owners.is_empty() {
        let shares: Vec<String> = owners
            .iter()
            .map(|way| format!("{} %", way.start.online * 100.0))
            .collect();
        words.push(format!(
            "from {} of the owners",
            list(&shares).unwrap_or_default()
        ));
    }
    if !prices.is_empty() {
        let factors: Vec<String> = prices
            .iter()
            .map(|way| {
                if way.start.price < 1.0 {
                    "a third of"
                } else {
                    "three times"
                }
                .to_owned()
            })
            .collect();
        words.push(format!(
            "from {} its price",
            list(&factors).unwrap_or_default()
        ));
    }
    words.join(" and ")
}

impl Equilibrium {
    /// What becomes of it, in words.
    #[must_use]
    pub fn verdict(&self) -> Vec<String> {
        let of = |is: fn(&Fate) -> bool| -> Vec<&Way> {
            self.ways.iter().filter(|way| is(&way.fate)).collect()
        };
        let starts = |ways: &[&Way]| from_starts(ways);
        let mut words = Vec::new();
        let resting = of(|fate| matches!(fate, Fate::Rests { .. }));
        let found = rests_of(&resting.iter().map(|&way| way.clone()).collect::<Vec<_>>());
        match found.as_slice() {
            [] => {}
            [one] if resting.len() == self.ways.len() => words.push(format!(
                "It converges: from every start to {} providers.",
                number(one.providers, 0)
            )),
            [one] => words.push(format!(
                "It converges to {} providers {}.",
                number(one.providers, 0),
                starts(&resting)
            )),
            several => {
                let all: Vec<String> = several.iter().map(Rest::words).collect();
                words.push(format!(
                    "There are several equilibria, with {}: where it ends depends on where it begins.",
                    list(&all).unwrap_or_default()
                ));
            }
        }
        let several = self.rests.len() > 1;
        for (rest, stable) in &self.rests {
            let near = if several {
                format!("Near {} a", rest.words())
            } else {
                "A".to_owned()
            };
            words.push(format!("{near} {}", stable.words()));
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
            json!({
                "online_at_start": way.start.online, "price_at_start": way.start.price, "fate": fate, "end": end,
            })
        });
        let rests = self.rests.iter().map(|(rest, stable)| {
            json!({"providers": rest.providers, "price": rest.price, "stability": stable.json()})
        });
        json!({
            "economy": self.economy,
            "owners": self.owners,
            "years": self.years,
            "stilled": self.stilled,
            "ways": ways.collect::<Vec<_>>(),
            "equilibria": rests.collect::<Vec<_>>(),
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

    /// Ways that end with as many providers at another price end at another equilibrium; those within tolerance of one do not.
    #[test]
    fn rests_differ_in_providers_or_in_price() {
        let rest = |providers: f64, price: f64| Rest { providers, price };
        assert!(rest(500.0, 1.0).is(rest(510.0, 1.03)));
        assert!(!rest(500.0, 1.0).is(rest(500.0, 1.1)));
        assert!(!rest(500.0, 1.0).is(rest(600.0, 1.0)));
        assert!(rest(3.0, 1.0).is(rest(5.0, 1.0)), "a handful");
    }
}

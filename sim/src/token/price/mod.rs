//! How the price of a token is formed.

use walras_des::{Stream, math};

/// A model of the price.
#[derive(Clone, Debug, PartialEq)]
pub enum PriceModel {
    /// It never moves.
    Fixed,
    /// Geometric Brownian motion, whatever the network does.
    Gbm {
        /// Expected growth [by year].
        drift: f64,
        /// [by root of a year]
        volatility: f64,
    },
    /// Equation of exchange: what is bought in a year, times how long it is held, over what circulates.
    Exchange {
        /// Time from purchase to use or sale [years].
        holding: f64,
        /// Half-life of what the market takes for a year's purchases [years].
        memory: f64,
    },
    /// A pool of two reserves with a constant product, moved by what is bought and sold.
    OrderFlow {
        /// Value of one side of the pool at the start [USD].
        depth: f64,
    },
}

/// What happened to the token in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenFlows {
    /// Dollars spent on tokens.
    pub bought_usd: f64,
    /// Tokens sold.
    pub sold_tokens: f64,
    /// Tokens that can be traded.
    pub circulating: f64,
    /// What customers paid the network [USD].
    pub revenue_usd: f64,
    /// New tokens.
    pub emitted_tokens: f64,
}

/// The price at work.
#[derive(Clone, Debug)]
pub struct TokenPrice {
    model: PriceModel,
    price: f64,
    demand: Option<f64>,
    pool: Option<(f64, f64)>,
}

impl TokenPrice {
    /// At its first price.
    #[must_use]
    pub fn new(model: &PriceModel, price: f64) -> Self {
        let pool = match model {
            PriceModel::OrderFlow { depth } => Some((*depth, depth / price)),
            _ => None,
        };
        Self {
            model: model.clone(),
            price,
            demand: None,
            pool,
        }
    }

    /// The price after an epoch.
    pub fn step(&mut self, years: f64, flows: &TokenFlows, stream: &mut Stream) -> f64 {
        match self.model {
            PriceModel::Fixed => {}
            PriceModel::Gbm { drift, volatility } => {
                let log = (drift - 0.5 * volatility * volatility) * years
                    + volatility * years.sqrt() * stream.normal();
                self.price *= math::exp(log);
            }
            PriceModel::Exchange { holding, memory } => {
                let yearly = flows.bought_usd / years;
                let weight = 1.0 - math::powf(0.5, years / memory);
                let demand = self.demand.get_or_insert(yearly);
                *demand += weight * (yearly - *demand);
                if flows.circulating > 0.0 && *demand > 0.0 {
                    self.price = *demand * holding / flows.circulating;
                }
            }
            PriceModel::OrderFlow { depth } => {
                let (usd, tokens) = self.pool.get_or_insert((depth, depth / self.price));
                let product = *usd * *tokens;
                *usd += flows.bought_usd;
                *tokens = product / *usd;
                *tokens += flows.sold_tokens;
                *usd = product / *tokens;
                self.price = *usd / *tokens;
            }
        }
        self.price = self.price.clamp(1e-12, 1e12);
        self.price
    }
}

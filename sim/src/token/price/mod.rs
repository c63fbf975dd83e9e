//! How the price of a token is formed: one model to a file, so that conclusions can be tested against the assumption.
//!
//! Exogenous models ([`gbm`], [`jump_diffusion`], [`ornstein_uhlenbeck`], [`stated`]) go their way whatever the network does. In the
//! others the price follows from its flows: what tokens are bought for ([`exchange`]), orders against a pool ([`order_flow`]), what holders
//! expect ([`present_value`]), or traders around any of these values ([`traders`]). [`shock`] lies on top of any model. A constant velocity
//! makes the price an accounting identity: conclusions should hold under more than one of them.

pub mod exchange;
pub mod gbm;
pub mod jump_diffusion;
pub mod order_flow;
pub mod ornstein_uhlenbeck;
pub mod present_value;
pub mod shock;
pub mod stated;
pub mod traders;

use walras_des::Stream;

pub use exchange::Exchange;
pub use gbm::Gbm;
pub use jump_diffusion::JumpDiffusion;
pub use order_flow::{OrderFlow, Outside};
pub use ornstein_uhlenbeck::OrnsteinUhlenbeck;
pub use present_value::PresentValue;
pub use shock::Shock;
pub use stated::Stated;
pub use traders::Traders;

/// A model of the price.
#[derive(Clone, Debug, PartialEq)]
pub enum PriceModel {
    /// It never moves, as of a token that is redeemed at par.
    Fixed,
    /// Through points that are given.
    Stated(Stated),
    /// Geometric Brownian motion.
    Gbm(Gbm),
    /// Geometric Brownian motion with jumps.
    JumpDiffusion(JumpDiffusion),
    /// Drawn back to a level.
    OrnsteinUhlenbeck(OrnsteinUhlenbeck),
    /// Equation of exchange with a holding time.
    Exchange(Exchange),
    /// A pool moved by purchases and sales.
    OrderFlow(OrderFlow),
    /// What will be spent on tokens, discounted.
    PresentValue(PresentValue),
    /// Fundamentalists, chartists and noise.
    Traders(Box<Traders>),
    /// Another model, with crashes and rises on top.
    Shocked(Box<PriceModel>, Vec<Shock>),
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

/// Prices stay between these [USD], so that they can be divided by.
const BOUNDS: (f64, f64) = (1e-12, 1e12);

/// The price at work.
#[derive(Clone, Debug)]
pub struct TokenPrice {
    price: f64,
    /// Years since the start.
    at: f64,
    state: State,
}

/// A model, and what it remembers beside the price.
#[derive(Clone, Debug)]
enum State {
    Fixed,
    Stated(Stated),
    Gbm(Gbm),
    JumpDiffusion(JumpDiffusion),
    OrnsteinUhlenbeck(OrnsteinUhlenbeck),
    Exchange(exchange::Market),
    OrderFlow(order_flow::Pool),
    PresentValue(present_value::Holders),
    Traders(Box<traders::Crowd>),
    Shocked(Box<TokenPrice>, Vec<Shock>),
}

impl TokenPrice {
    /// At its first price [USD].
    ///
    /// # Panics
    /// If the price is not positive and finite.
    #[must_use]
    pub fn new(model: &PriceModel, price: f64) -> Self {
        assert!(
            price > 0.0 && price.is_finite(),
            "the first price of a token must be positive and finite, not {price}"
        );
        let state = match model {
            PriceModel::Fixed => State::Fixed,
            PriceModel::Stated(plan) => State::Stated(plan.clone()),
            PriceModel::Gbm(plan) => State::Gbm(plan.clone()),
            PriceModel::JumpDiffusion(plan) => State::JumpDiffusion(plan.clone()),
            PriceModel::OrnsteinUhlenbeck(plan) => State::OrnsteinUhlenbeck(plan.clone()),
            PriceModel::Exchange(plan) => State::Exchange(exchange::Market::new(plan)),
            PriceModel::OrderFlow(plan) => State::OrderFlow(order_flow::Pool::new(plan, price)),
            PriceModel::PresentValue(plan) => {
                State::PresentValue(present_value::Holders::new(plan))
            }
            PriceModel::Traders(plan) => State::Traders(Box::new(traders::Crowd::new(plan, price))),
            PriceModel::Shocked(model, shocks) => {
                State::Shocked(Box::new(Self::new(model, price)), shocks.clone())
            }
        };
        Self {
            price,
            at: 0.0,
            state,
        }
    }

    /// The price now [USD].
    #[must_use]
    pub fn usd(&self) -> f64 {
        self.price
    }

    /// The price after an epoch of some years, more than none, in which these were the flows [USD]; always positive and finite.
    pub fn step(&mut self, years: f64, flows: &TokenFlows, stream: &mut Stream) -> f64 {
        self.at += years;
        let price = self.price;
        let next = match &mut self.state {
            State::Fixed => price,
            State::Stated(stated) => stated.at(self.at).unwrap_or(price),
            State::Gbm(gbm) => price * gbm.factor(years, stream),
            State::JumpDiffusion(jumps) => price * jumps.factor(years, stream),
            State::OrnsteinUhlenbeck(model) => model.step(price, years, stream),
            State::Exchange(market) => market.step(price, years, flows),
            State::OrderFlow(pool) => pool.step(years, flows, stream),
            State::PresentValue(holders) => holders.step(price, years, flows),
            State::Traders(crowd) => crowd.step(price, years, flows, stream),
            State::Shocked(model, shocks) => shocks
                .iter()
                .fold(model.step(years, flows, stream), |price, shock| {
                    price * shock.factor_at(self.at)
                }),
        };
        if !next.is_nan() {
            self.price = next.clamp(BOUNDS.0, BOUNDS.1);
        }
        self.price
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Moments, Purpose, Streams};

    /// So many draws, each from a stream of its own.
    pub(super) fn draws(seed: u64, n: u64, draw: impl Fn(&mut Stream) -> f64) -> Vec<f64> {
        let streams = Streams::new(seed, 0);
        (0..n)
            .map(|i| draw(&mut streams.open(Purpose::new("price"), i)))
            .collect()
    }

    /// The mean is within 4.5 standard errors of what it should be: false with probability 7·10⁻⁶.
    pub(super) fn check_mean(values: &[f64], expected: f64) {
        let mut moments = Moments::default();
        for &value in values {
            moments.record(value);
        }
        let error = moments.std_dev() / (values.len() as f64).sqrt();
        let z = (moments.mean() - expected) / error;
        assert!(
            z.abs() < 4.5,
            "{} ± {error}, expected {expected}",
            moments.mean()
        );
    }

    fn models() -> Vec<PriceModel> {
        let gbm = PriceModel::Gbm(Gbm {
            drift: 0.5,
            volatility: 3.0,
        });
        let plain = vec![
            PriceModel::Fixed,
            PriceModel::Stated(Stated {
                points: vec![(0.0, 1.0), (3.0, 1e-3)],
            }),
            gbm.clone(),
            PriceModel::JumpDiffusion(JumpDiffusion {
                drift: 0.0,
                volatility: 1.0,
                rate: 50.0,
                jump_mean: -1.0,
                jump_deviation: 1.0,
            }),
            PriceModel::OrnsteinUhlenbeck(OrnsteinUhlenbeck {
                level: 1.0,
                half_life: 0.1,
                volatility: 2.0,
            }),
            PriceModel::Exchange(Exchange {
                holding: 0.2,
                memory: 0.1,
                response: 5.0,
            }),
            PriceModel::OrderFlow(OrderFlow {
                depth: 1e4,
                fee: 0.0,
                average: 0.0,
                outside: Some(Box::new(Outside {
                    model: gbm,
                    fee: 0.003,
                    half_life: 0.1,
                })),
            }),
            PriceModel::PresentValue(PresentValue {
                discount: 0.3,
                horizon: 10.0,
                captured: 1.0,
                memory: 0.1,
                most_growth: 1.0,
                emission_half_life: f64::INFINITY,
            }),
        ];
        let around = plain.iter().map(|value| {
            PriceModel::Traders(Box::new(Traders {
                fundamental: value.clone(),
                depth: 1e3,
                ..Traders::default()
            }))
        });
        let crash = |model: &PriceModel| {
            let shock = Shock {
                at: 1.0,
                factor: 0.2,
                recovery: 0.5,
            };
            PriceModel::Shocked(Box::new(model.clone()), vec![shock])
        };
        let shocked = plain.iter().map(crash);
        let all: Vec<PriceModel> = around.chain(shocked).collect();
        plain.into_iter().chain(all).collect()
    }

    /// Flows over 18 orders of magnitude, none among them; a dozen years of odd epochs. Seed 1.
    #[test]
    fn prices_stay_positive_and_finite() {
        for model in models() {
            let mut stream = Streams::new(1, 0).open(Purpose::new("wild"), 0);
            let mut token = TokenPrice::new(&model, 1.0);
            for _ in 0..5_000 {
                let mut wild = || match stream.below(4) {
                    0 => 0.0,
                    _ => 10_f64.powf(24.0 * stream.uniform() - 9.0),
                };
                let flows = TokenFlows {
                    bought_usd: wild(),
                    sold_tokens: wild(),
                    circulating: wild(),
                    revenue_usd: wild(),
                    emitted_tokens: wild(),
                };
                let years = [1.0 / 8760.0, 1.0 / 365.0, 7.0 / 365.0][stream.below(3) as usize];
                let price = token.step(years, &flows, &mut stream);
                assert!(price > 0.0 && price.is_finite(), "{model:?}: {price}");
                assert_eq!(price, token.usd());
            }
        }
    }

    /// A crash of 80 % in the second year, half made good half a year later; before it, all as without.
    #[test]
    fn shocks_lie_on_top() {
        let gbm = PriceModel::Gbm(Gbm {
            drift: 0.0,
            volatility: 0.5,
        });
        let shock = Shock {
            at: 1.0,
            factor: 0.2,
            recovery: 0.5,
        };
        let path = |model: &PriceModel| -> Vec<f64> {
            let mut stream = Streams::new(2, 0).open(Purpose::new("shock"), 0);
            let mut token = TokenPrice::new(model, 1.0);
            (0..200)
                .map(|_| token.step(0.01, &TokenFlows::default(), &mut stream))
                .collect()
        };
        let (calm, shaken) = (
            path(&gbm),
            path(&PriceModel::Shocked(Box::new(gbm.clone()), vec![shock])),
        );
        assert_eq!(calm[..98], shaken[..98]);
        let ratio = shaken[149] / calm[149];
        assert!((ratio - 0.2_f64.sqrt()).abs() < 1e-9, "{ratio}");
    }
}

//! A price that is moved by what is bought and sold, in a pool of dollars and tokens with a constant product.
//!
//! Buying for x dollars from a pool with U dollars takes the price from p to p (1 + x / U)²: depth is what a price is worth. Of what is paid
//! in a fee may stay; the exact pool with its rounding is `market::pool`. Where the token is traded elsewhere, too, arbitrage draws
//! the pool toward the outside price and stops at the fee: inside [p (1 − f), p / (1 − f)] no trade pays. G. Angeris et al., "An analysis
//! of Uniswap markets", Cryptoeconomic Systems 1, 2021.

use std::collections::VecDeque;
use std::f64::consts::LN_2;

use walras_des::{Stream, math};

use super::{PriceModel, TokenFlows, TokenPrice};

/// A pool that the network's purchases and sales go through.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderFlow {
    /// Value of one side of the pool at the start [USD].
    pub depth: f64,
    /// Share of what is paid in that stays with those who provide the pool.
    pub fee: f64,
    /// Time over which the price that the network reckons with is averaged [years]; at zero it is the pool's own.
    pub average: f64,
    /// Where else the token is traded, if it is.
    pub outside: Option<Box<Outside>>,
}

/// A market outside that the network does not move.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    /// How its price is formed.
    pub model: PriceModel,
    /// Share of a trade that stops arbitrage; 0.003 in Uniswap v2.
    pub fee: f64,
    /// Time in which arbitrage halves what is beyond the fee [years]; at zero it closes it at once.
    pub half_life: f64,
}

/// The pool at work.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    usd: f64,
    tokens: f64,
    fee: f64,
    average: f64,
    /// Prices of the steps within that time, with their lengths [years], the oldest first.
    past: VecDeque<(f64, f64)>,
    outside: Option<(Box<TokenPrice>, f64, f64)>,
}

impl Pool {
    pub(super) fn new(plan: &OrderFlow, price: f64) -> Self {
        let outside = plan.outside.as_ref().map(|outside| {
            let prices = Box::new(TokenPrice::new(&outside.model, price));
            (prices, outside.fee, outside.half_life)
        });
        Self {
            usd: plan.depth,
            tokens: plan.depth / price,
            fee: plan.fee,
            average: plan.average,
            past: VecDeque::new(),
            outside,
        }
    }

    pub(super) fn step(&mut self, years: f64, flows: &TokenFlows, stream: &mut Stream) -> f64 {
        self.trade(flows.bought_usd, flows.sold_tokens);
        if let Some((outside, fee, half_life)) = &mut self.outside {
            let there = outside.step(years, flows, stream);
            let here = self.usd / self.tokens;
            let target = here.clamp(there * (1.0 - *fee), there / (1.0 - *fee));
            let next = if *half_life > 0.0 {
                let closed = 1.0 - math::exp(-LN_2 * years / *half_life);
                here * math::powf(target / here, closed)
            } else {
                target
            };
            self.move_to(next);
        }
        self.averaged(years)
    }

    /// The price, each weighted by the time for which it stood.
    fn averaged(&mut self, years: f64) -> f64 {
        let now = self.usd / self.tokens;
        if self.average <= 0.0 {
            return now;
        }
        self.past.push_back((now, years));
        let mut time: f64 = self.past.iter().map(|(_, years)| years).sum();
        while let Some(&(_, first)) = self.past.front()
            && time - first >= self.average * (1.0 - 1e-9)
        {
            self.past.pop_front();
            time -= first;
        }
        let sum: f64 = self.past.iter().map(|(price, years)| price * years).sum();
        let time: f64 = self.past.iter().map(|(_, years)| years).sum();
        sum / time
    }

    /// First all purchases, then all sales; what stays of the fee makes the pool deeper.
    fn trade(&mut self, bought_usd: f64, sold_tokens: f64) {
        let stays = 1.0 - self.fee;
        let mut product = self.usd * self.tokens;
        self.tokens = product / (self.usd + bought_usd * stays);
        self.usd += bought_usd;
        if self.fee > 0.0 {
            product = self.usd * self.tokens;
        }
        self.usd = product / (self.tokens + sold_tokens * stays);
        self.tokens += sold_tokens;
    }

    /// The same product at another price.
    fn move_to(&mut self, price: f64) {
        let product = self.usd * self.tokens;
        self.usd = (product * price).sqrt();
        self.tokens = (product / price).sqrt();
    }
}

/// What a price is multiplied by if tokens are bought for `usd` from a pool with `depth` dollars; negative for sales that take out as many.
#[must_use]
pub fn impact(usd: f64, depth: f64) -> f64 {
    let root = 1.0 + usd / depth;
    root * root
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Purpose, Streams};

    fn pool(outside: Option<Outside>) -> Pool {
        let plan = OrderFlow {
            depth: 1e6,
            fee: 0.0,
            average: 0.0,
            outside: outside.map(Box::new),
        };
        Pool::new(&plan, 4.0)
    }

    fn stream() -> Stream {
        Streams::new(1, 0).open(Purpose::new("test"), 0)
    }

    fn flows(bought_usd: f64, sold_tokens: f64) -> TokenFlows {
        TokenFlows {
            bought_usd,
            sold_tokens,
            ..TokenFlows::default()
        }
    }

    /// 100,000 USD into 1,000,000 raise the price by 21 %, at once or in ten parts; selling the tokens received brings it back.
    #[test]
    fn impact_is_a_square_and_does_not_depend_on_the_parts() {
        let mut stream = stream();
        let mut whole = pool(None);
        let price = whole.step(0.1, &flows(1e5, 0.0), &mut stream);
        assert!((price / 4.0 - 1.21).abs() < 1e-12);
        assert!((impact(1e5, 1e6) - 1.21).abs() < 1e-12);
        let mut parts = pool(None);
        let last = (0..10).map(|_| parts.step(0.1, &flows(1e4, 0.0), &mut stream));
        assert!((last.last().unwrap() / price - 1.0).abs() < 1e-12);
        // Tokens out: T x / (U + x).
        let received = 250_000.0 * 0.1 / 1.1;
        let back = whole.step(0.1, &flows(0.0, received), &mut stream);
        assert!((back / 4.0 - 1.0).abs() < 1e-12);
    }

    /// Uniswap v2: 100,000 USD into a pool of 1,000,000 at a fee of 0.3 % buy T x (1 − f) / (U + x (1 − f)) tokens, and the fee stays; who sells
    /// them at once has lost it twice.
    #[test]
    fn fees_stay_in_the_pool() {
        let plan = OrderFlow {
            depth: 1e6,
            fee: 0.003,
            average: 0.0,
            outside: None,
        };
        let mut pool = Pool::new(&plan, 4.0);
        let mut stream = stream();
        let price = pool.step(0.1, &flows(1e5, 0.0), &mut stream);
        let received = 250_000.0 * 99_700.0 / 1_099_700.0;
        let tokens = 250_000.0 - received;
        assert!((price / (1_100_000.0 / tokens) - 1.0).abs() < 1e-12);
        pool.step(0.1, &flows(0.0, received), &mut stream);
        let paid = 1_100_000.0 - pool.usd;
        let kept = received * 0.997;
        assert!((paid / (1_100_000.0 * kept / (tokens + kept)) - 1.0).abs() < 1e-12);
        assert!(paid < 99_500.0, "{paid}");
    }

    /// The mean of the last four prices, each for as long as it stood, when steps are quarters of a year and the average is over one.
    #[test]
    fn averages_are_weighted_by_time() {
        let plan = OrderFlow {
            depth: 1e6,
            fee: 0.0,
            average: 1.0,
            outside: None,
        };
        let (mut pool, mut stream) = (Pool::new(&plan, 4.0), stream());
        let mut spot = Vec::new();
        for step in 0..9 {
            let found = pool.step(0.25, &flows(1e4 * f64::from(step), 0.0), &mut stream);
            spot.push(pool.usd / pool.tokens);
            let last = &spot[spot.len().saturating_sub(4)..];
            let mean = last.iter().sum::<f64>() / last.len() as f64;
            assert!((found / mean - 1.0).abs() < 1e-12, "{found} {mean}");
        }
    }

    /// A sale that halves the price; arbitrage against a fixed 4.0 stops at 4 (1 − f), and with a half-life goes half of the way.
    #[test]
    fn arbitrage_stops_at_the_fee() {
        let outside = |half_life| Outside {
            model: PriceModel::Fixed,
            fee: 0.003,
            half_life,
        };
        let mut stream = stream();
        let sale = flows(0.0, 250_000.0 * (2.0_f64.sqrt() - 1.0));
        let price = pool(Some(outside(0.0))).step(0.1, &sale, &mut stream);
        assert!((price - 4.0 * 0.997).abs() < 1e-12);
        let price = pool(Some(outside(0.1))).step(0.1, &sale, &mut stream);
        assert!((price - (2.0_f64 * 4.0 * 0.997).sqrt()).abs() < 1e-12);
        // Inside the band nobody trades.
        let nudge = flows(1000.0, 0.0);
        let price = pool(Some(outside(0.0))).step(0.1, &nudge, &mut stream);
        assert!((price / 4.0 - 1.001_f64.powi(2)).abs() < 1e-12);
    }
}

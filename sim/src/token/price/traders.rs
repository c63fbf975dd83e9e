//! A price that traders make: fundamentalists, chartists, noise, and a market maker between them.
//!
//! Once a day the market maker moves the logarithm of the price with the orders that come,
//! `x' = x + n_f (F (f − x) + σ_f ε) + n_c (C (x − x₋) + σ_c ε)`, and with the network's own flows.
//! Fundamentalists expect the price to return to its fundamental value `f`, chartists expect its last move to go on. Shares follow a logit
//! of what each side earned lately (Brock and Hommes), of how many there are (herding), and of how far the price is off its value (Franke and
//! Westerhoff). With fixed shares of all traders in both, the price is stable iff `C < 1` and `F < 2 (1 + C)`.
//!
//! W. A. Brock, C. H. Hommes, "Heterogeneous beliefs and routes to chaos in a simple asset pricing model", Journal of Economic Dynamics
//! and Control 22, 1998. R. Franke, F. Westerhoff, "Structural stochastic volatility in asset pricing dynamics: Estimation and model
//! contest", Journal of Economic Dynamics and Control 36, 2012, doi 10.1016/j.jedc.2011.10.004.

use walras_des::{Stream, math};

use super::{PriceModel, TokenFlows, TokenPrice};

/// A population of traders.
#[derive(Clone, Debug, PartialEq)]
pub struct Traders {
    /// What fundamentalists take for the value.
    pub fundamental: PriceModel,
    /// Share of the gap to the value that fundamentalists close in a day, if all are fundamentalists (F).
    pub reaction: f64,
    /// Share of yesterday's move that chartists repeat, if all are chartists (C).
    pub trend: f64,
    /// Standard deviations of the day's move that fundamentalists and chartists make without reason, if all are of their kind.
    pub noise: [f64; 2],
    /// How sharply traders choose their side (β of the logit), by day; at zero half is on each.
    pub intensity: f64,
    /// Attraction of fundamentalism that is always there.
    pub predisposition: f64,
    /// Attraction of the majority.
    pub herding: f64,
    /// Attraction of fundamentalism by squared logarithm of price over value.
    pub misalignment: f64,
    /// Attraction by what a side earned lately, in returns of a day on positions of one share of the market maker's depth.
    pub profit: f64,
    /// Half-life of what traders remember of profits [days].
    pub memory: f64,
    /// Dollars of net purchases by the network that raise the logarithm of the price by one; infinite if traders do not see them.
    pub depth: f64,
}

impl Default for Traders {
    /// Franke and Westerhoff's estimate on daily returns of the S&P 500, 1980 to 2007, for choice by herding, predisposition and
    /// misalignment; their price impact of 0.01 is multiplied into reactions and noise. Tokens move more: scale `noise` for them.
    fn default() -> Self {
        Self {
            fundamental: PriceModel::Fixed,
            reaction: 0.0012,
            trend: 0.015,
            noise: [0.007_58, 0.020_87],
            intensity: 1.0,
            predisposition: -0.327,
            herding: 1.79,
            misalignment: 18.43,
            profit: 0.0,
            memory: 50.0,
            depth: f64::INFINITY,
        }
    }
}

/// Traders at work.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    plan: Traders,
    value: Box<TokenPrice>,
    /// Logarithms of the price, today and yesterday.
    log: [f64; 2],
    /// Share of fundamentalists.
    fundamentalists: f64,
    /// Orders of fundamentalists and of chartists, as if all were of their kind: today's and yesterday's.
    orders: [[f64; 2]; 2],
    /// What each side earned lately.
    earned: [f64; 2],
    /// Days that have begun and are not yet traded.
    days: f64,
    /// Net purchases of the network since the last trade [USD].
    net_usd: f64,
}

impl Crowd {
    pub(super) fn new(plan: &Traders, price: f64) -> Self {
        Self {
            plan: plan.clone(),
            value: Box::new(TokenPrice::new(&plan.fundamental, price)),
            log: [math::ln(price); 2],
            fundamentalists: 0.5,
            orders: [[0.0; 2]; 2],
            earned: [0.0; 2],
            days: 0.0,
            net_usd: 0.0,
        }
    }

    /// Trades on every day that ends within these years.
    pub(super) fn step(
        &mut self,
        price: f64,
        years: f64,
        flows: &TokenFlows,
        stream: &mut Stream,
    ) -> f64 {
        let value = math::ln(self.value.step(years, flows, stream));
        self.net_usd += flows.bought_usd - flows.sold_tokens * price;
        self.days += years * 365.0;
        // An epoch of a day is one within rounding.
        let trades = (self.days + 1e-6).floor();
        if trades < 1.0 {
            return price;
        }
        self.days -= trades;
        let flow = self.net_usd / self.plan.depth / trades;
        self.net_usd = 0.0;
        for _ in 0..trades as u64 {
            self.choose(value);
            self.trade(value, flow, stream);
        }
        math::exp(self.log[0])
    }

    /// Traders choose their side by logit.
    fn choose(&mut self, value: f64) {
        let plan = &self.plan;
        let gap = self.log[0] - value;
        let attraction = plan.predisposition
            + plan.herding * (2.0 * self.fundamentalists - 1.0)
            + plan.misalignment * gap * gap
            + plan.profit * (self.earned[0] - self.earned[1]);
        self.fundamentalists = 1.0 / (1.0 + math::exp(-plan.intensity * attraction));
    }

    /// One day's orders move the price, and yesterday's earn or lose by it.
    fn trade(&mut self, value: f64, flow: f64, stream: &mut Stream) {
        let plan = &self.plan;
        let [today, yesterday] = self.log;
        let orders = [
            plan.reaction * (value - today) + plan.noise[0] * stream.normal(),
            plan.trend * (today - yesterday) + plan.noise[1] * stream.normal(),
        ];
        let shares = [self.fundamentalists, 1.0 - self.fundamentalists];
        // Nobody believes in a price 10⁶ times as high a day later.
        let next =
            today + (shares[0] * orders[0] + shares[1] * orders[1] + flow).clamp(-14.0, 14.0);
        self.log = [next, today];
        if plan.profit != 0.0 {
            let forgets = 1.0 - math::exp(-std::f64::consts::LN_2 / plan.memory);
            let gained = self.log[0] - self.log[1];
            for (earned, order) in self.earned.iter_mut().zip(self.orders[1]) {
                *earned += forgets * (gained * order - *earned);
            }
        }
        self.orders = [orders, self.orders[0]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Moments, Purpose, Streams};

    const DAY: f64 = 1.0 / 365.0;

    fn stream(seed: u64) -> Stream {
        Streams::new(seed, 0).open(Purpose::new("traders"), 0)
    }

    /// Without noise and with half of the traders on each side, F and C count half.
    fn linear(reaction: f64, trend: f64) -> Traders {
        Traders {
            reaction: 2.0 * reaction,
            trend: 2.0 * trend,
            noise: [0.0; 2],
            intensity: 0.0,
            ..Traders::default()
        }
    }

    /// Largest gap of late over early, after a nudge.
    fn swings(reaction: f64, trend: f64) -> f64 {
        let mut crowd = Crowd::new(&linear(reaction, trend), 1.0);
        crowd.log = [1e-6, 0.0];
        let (mut early, mut late) = (0.0_f64, 0.0_f64);
        let mut price = 1e-6_f64.exp();
        for day in 0..600 {
            price = crowd.step(price, DAY, &TokenFlows::default(), &mut stream(1));
            let gap = crowd.log[0].abs();
            if day < 100 {
                early = early.max(gap);
            } else if day >= 500 {
                late = late.max(gap);
            }
            if gap > 1.0 {
                return f64::INFINITY;
            }
        }
        late / early
    }

    /// Stable iff C < 1 and F < 2 (1 + C), on both sides of both bounds.
    #[test]
    fn stability_has_two_bounds() {
        for (reaction, trend) in [(0.5, 0.97), (2.0 * 1.5 - 0.05, 0.5), (1.95, 0.0)] {
            assert!(swings(reaction, trend) < 0.1, "F {reaction}, C {trend}");
        }
        for (reaction, trend) in [(0.5, 1.03), (2.0 * 1.5 + 0.05, 0.5), (2.05, 0.0)] {
            assert!(swings(reaction, trend) > 10.0, "F {reaction}, C {trend}");
        }
    }

    fn autocorrelation(values: &[f64], lag: usize) -> f64 {
        let mut moments = Moments::default();
        for &value in values {
            moments.record(value);
        }
        let pairs = values.iter().zip(&values[lag..]);
        let sum: f64 = pairs
            .map(|(a, b)| (a - moments.mean()) * (b - moments.mean()))
            .sum();
        sum / (values.len() - 1) as f64 / moments.variance()
    }

    /// Stylised facts of returns (R. Cont, Quantitative Finance 1, 2001): fat tails, no memory of signs, long memory of sizes. Seed 1,
    /// n = 50,000 days; the standard error of an autocorrelation of independent returns is 0.0045, and more with fat tails.
    #[test]
    fn returns_have_the_stylised_facts() {
        let mut crowd = Crowd::new(&Traders::default(), 1.0);
        let mut stream = stream(1);
        let mut price = 1.0;
        let returns: Vec<f64> = (0..50_000)
            .map(|_| {
                let before = crowd.log[0];
                price = crowd.step(price, DAY, &TokenFlows::default(), &mut stream);
                crowd.log[0] - before
            })
            .collect();
        let mut moments = Moments::default();
        for &value in &returns {
            moments.record(value);
        }
        let fourth: f64 = returns.iter().map(|r| (r - moments.mean()).powi(4)).sum();
        let kurtosis = fourth / returns.len() as f64 / moments.variance().powi(2);
        assert!(kurtosis > 3.5 && kurtosis < 12.0, "{kurtosis}");
        let sizes: Vec<f64> = returns.iter().map(|r| r.abs()).collect();
        for lag in [1, 5, 20] {
            let [signs, sizes] = [&returns, &sizes].map(|of| autocorrelation(of, lag));
            assert!(signs.abs() < 0.03, "lag {lag}: {signs}");
            assert!(sizes > 0.1, "lag {lag}: {sizes}");
        }
    }

    /// Where only profits count, those who extrapolate win in a trend of the value, and those who do not when it is noise about a value.
    #[test]
    fn traders_follow_profits() {
        let share = |trend: f64, reaction: f64, push: f64| {
            let plan = Traders {
                reaction,
                trend,
                noise: [0.0, 0.0],
                predisposition: 0.0,
                herding: 0.0,
                misalignment: 0.0,
                profit: 1e6,
                memory: 20.0,
                depth: 1.0,
                ..Traders::default()
            };
            let mut crowd = Crowd::new(&plan, 1.0);
            let mut price = 1.0;
            for day in 0..300 {
                let bought_usd = if push > 0.0 || day % 2 == 0 {
                    push.abs()
                } else {
                    -push.abs()
                };
                let flows = TokenFlows {
                    bought_usd,
                    ..TokenFlows::default()
                };
                price = crowd.step(price, DAY, &flows, &mut stream(1));
            }
            crowd.fundamentalists
        };
        assert!(
            share(0.2, 0.02, 0.01) < 0.3,
            "a trend: {}",
            share(0.2, 0.02, 0.01)
        );
        assert!(
            share(0.2, 0.02, -0.01) > 0.5,
            "to and fro: {}",
            share(0.2, 0.02, -0.01)
        );
    }

    /// Epochs of an hour and of a week trade on the same days.
    #[test]
    fn epochs_of_any_length_trade_once_a_day() {
        let run = |years: f64, epochs: usize| {
            let mut crowd = Crowd::new(&Traders::default(), 2.0);
            let mut stream = stream(3);
            (0..epochs).fold(2.0, |price, _| {
                crowd.step(price, years, &TokenFlows::default(), &mut stream)
            })
        };
        let daily = run(DAY, 28);
        assert_eq!(run(DAY / 24.0, 28 * 24), daily);
        assert_eq!(run(DAY * 7.0, 4), daily);
        assert_ne!(daily, 2.0);
    }
}

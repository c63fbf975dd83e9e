//! Customers: how much work they want at today's prices, and from whom.
//!
//! A network's utility is its appeal, with what its quality is worth, less a weight times the logarithm of its price; shares are a
//! logit of utilities, nested where networks are alike, and the total
//! follows the price index of the same logit with a constant elasticity (Anderson, de Palma & Thisse, Discrete choice theory of
//! product differentiation, 1992, section 3.7): cheaper or better networks win customers from each other and from doing without.
//! Customers may be of several segments, each with a share of the volume and tastes of its own: all together are then a mixed logit.

use smallvec::SmallVec;

use crate::demand::budget::{Budgets, Homing};
use crate::demand::logit::{self, Nests, Offer, Weights};
use walras_des::{Purpose, Stream, Streams, math};

/// What customers want.
#[derive(Clone, Debug, PartialEq)]
pub struct Customers {
    /// Work wanted in a day at the start, if the price index is at the reference [units].
    pub volume: f64,
    /// Price at which the volume is wanted [USD per unit].
    pub reference_price: f64,
    /// Growth of what is wanted at equal prices [logarithm, by year].
    pub growth: f64,
    /// Standard deviation of the logarithm of demand around its trend.
    pub volatility: f64,
    /// Half-life of deviations from the trend [days].
    pub persistence: f64,
    /// Elasticity of all demand to the price index, positive.
    pub elasticity: f64,
    /// Half-life of habit: how long half of those who would rather be elsewhere take to move [days]; at zero they move at once.
    pub habit: f64,
    /// How many networks one uses.
    pub homing: Homing,
    /// What is not served where it was wanted goes to whoever has room, as long as their price is below this times the reference.
    pub overflow_below: f64,
    /// What quality is worth; the price is a logarithm over the reference.
    pub tastes: Weights,
    /// How different networks of each nest are, up to one; those in none differ as nests do.
    pub nests: Vec<f64>,
    /// Utility of being with a network already: what a switch costs.
    pub loyalty: f64,
    /// What customers can pay for a unit [USD], if that matters.
    pub budgets: Option<Budgets>,
    /// Parts of them that are not like the others; none if all are alike.
    pub segments: Vec<Segment>,
}

/// A part of all customers. What is not theirs alone (growth, its deviations, homes, overflow, nests) is that of all.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Name in the scenario.
    pub name: String,
    /// Share of the volume; those of all segments are one.
    pub share: f64,
    /// As [`Customers::elasticity`].
    pub elasticity: f64,
    /// As [`Customers::habit`].
    pub habit: f64,
    /// As [`Customers::tastes`].
    pub tastes: Weights,
    /// As [`Customers::loyalty`].
    pub loyalty: f64,
    /// As [`Customers::budgets`].
    pub budgets: Option<Budgets>,
}

/// Demand at work.
#[derive(Clone, Debug)]
pub struct Demand {
    plan: Customers,
    groups: Vec<Group>,
    nests: Option<Nests>,
    /// Deviation of the logarithm of demand from its trend.
    deviation: f64,
    stream: Stream,
    /// Length of the last step, and the share of a deviation that stays in one.
    pace: [f64; 2],
}

/// Customers who are alike.
#[derive(Clone, Debug)]
struct Group {
    plan: Segment,
    /// How much better they like each network than customers in general [units of utility].
    likes: Each,
    /// Index of prices and appeal at which the volume is wanted.
    reference: f64,
    /// The highest price that anybody pays [USD per unit].
    choke: f64,
    shares: Each,
    /// Share of those who would be elsewhere that moves in a step.
    moves: f64,
    /// What they wanted of each network in the last step [units a day].
    wanted: Each,
}

/// A number for each network.
pub type Each = SmallVec<[f64; 4]>;

/// Nobody pays more than this times the reference price: habit, and demand that is not elastic, would pay any.
const CHOKE: f64 = 1e6;

/// Share of those who would rather be elsewhere that moves in so many days.
fn moving(habit: f64, days: f64) -> f64 {
    if habit > 0.0 {
        1.0 - math::powf(0.5, days / habit)
    } else {
        1.0
    }
}

impl Customers {
    /// Its segments, or all customers as one.
    fn groups(&self) -> Vec<Segment> {
        if !self.segments.is_empty() {
            return self.segments.clone();
        }
        vec![Segment {
            name: String::new(),
            share: 1.0,
            elasticity: self.elasticity,
            habit: self.habit,
            tastes: self.tastes,
            loyalty: self.loyalty,
            budgets: self.budgets,
        }]
    }
}

impl Group {
    fn utilities(&self, reference_price: f64, appeals: &[f64], prices: &[f64]) -> Each {
        let weight = self.plan.tastes.price;
        (appeals.iter().zip(prices))
            .zip(&self.likes)
            .map(|((appeal, price), likes)| {
                appeal + likes - weight * math::ln(price / reference_price)
            })
            .collect()
    }

    /// Share of what is wanted at a price that customers can pay.
    fn affordable(&self, price: f64) -> f64 {
        if price > self.choke {
            return 0.0;
        }
        let budgets = self.plan.budgets.as_ref();
        budgets.map_or(1.0, |budgets| budgets.affordable(price))
    }

    /// What is wanted of each network, of a total in these shares.
    fn divide(&self, total: f64, shares: &[f64], prices: &[f64]) -> Each {
        let of = |(share, price): (&f64, &f64)| share * total * self.affordable(*price);
        shares.iter().zip(prices).map(of).collect()
    }
}

impl Demand {
    /// Customers who know the networks, of these offers and appeals, at these prices; the first prices are what they are used to.
    #[must_use]
    pub fn new(
        plan: &Customers,
        nests: &[Option<usize>],
        offers: &[Offer],
        appeals: &[f64],
        prices: &[f64],
        streams: &Streams,
    ) -> Self {
        let groups = plan.groups().into_iter().map(|segment| Group {
            likes: (offers.iter())
                .map(|offer| segment.tastes.utility(offer) - plan.tastes.utility(offer))
                .collect(),
            reference: 0.0,
            choke: CHOKE * plan.reference_price,
            shares: Each::new(),
            moves: moving(segment.habit, 1.0),
            wanted: Each::new(),
            plan: segment,
        });
        let mut demand = Self {
            plan: plan.clone(),
            groups: groups.collect(),
            nests: nests_of(&plan.nests, nests),
            deviation: 0.0,
            stream: streams.open(Purpose::new("demand of an economy"), 0),
            pace: [1.0, math::powf(0.5, 1.0 / plan.persistence)],
        };
        // At the reference price everywhere the index is the reference.
        let reference = vec![plan.reference_price; prices.len()];
        for index in 0..demand.groups.len() {
            demand.groups[index].reference =
                demand.logit(&demand.groups[index], appeals, &reference).1;
        }
        demand.deviation = plan.volatility * demand.stream.normal();
        for index in 0..demand.groups.len() {
            let group = &demand.groups[index];
            demand.groups[index].shares = demand.logit(group, appeals, prices).0;
        }
        demand
    }

    /// Shares of networks in a group, and the logarithm of the sum behind them.
    fn logit(&self, group: &Group, appeals: &[f64], prices: &[f64]) -> (Each, f64) {
        let mut utilities = group.utilities(self.plan.reference_price, appeals, prices);
        let index = self.choose(&mut utilities);
        (utilities, index)
    }

    /// Makes utilities shares, and returns the expected utility of the best.
    fn choose(&self, utilities: &mut [f64]) -> f64 {
        match &self.nests {
            Some(nests) => nests.shares(utilities),
            None => logit::shares(utilities),
        }
    }

    /// Shares that customers would have who are free to go, from where they are now.
    fn wanted(&self, group: &Group, appeals: &[f64], prices: &[f64]) -> (Each, f64) {
        let (free, index) = self.logit(group, appeals, prices);
        if group.plan.loyalty == 0.0 {
            return (free, index);
        }
        let utilities = group.utilities(self.plan.reference_price, appeals, prices);
        let mut wanted = Each::from_elem(0.0, utilities.len());
        for (own, &share) in group.shares.iter().enumerate() {
            let mut choice = utilities.clone();
            choice[own] += group.plan.loyalty;
            self.choose(&mut choice);
            for (wanted, choice) in wanted.iter_mut().zip(&choice) {
                *wanted += share * choice;
            }
        }
        (wanted, index)
    }

    /// What would be wanted in a day at these prices [units], all together and by network, without a step in time.
    #[must_use]
    pub fn at(&self, years: f64, appeals: &[f64], prices: &[f64]) -> (f64, Each) {
        let mut all = (0.0, Each::from_elem(0.0, prices.len()));
        for group in &self.groups {
            let (shares, index) = self.logit(group, appeals, prices);
            let total = self.total(group, years, index);
            all.0 += total;
            add(&mut all.1, &group.divide(total, &shares, prices));
        }
        all
    }

    fn total(&self, group: &Group, years: f64, index: f64) -> f64 {
        let (plan, own) = (&self.plan, &group.plan);
        // The price index in units of the reference price: exp(−(index − reference) / weight).
        let log_price = (group.reference - index) / own.tastes.price;
        let growth = plan.growth * years + self.deviation;
        plan.volume * own.share * math::exp(growth - own.elasticity * log_price)
    }

    /// Goes on by some days: what is wanted in a day of the epoch that begins `years` from the start [units], all together and by
    /// network.
    pub fn step(&mut self, years: f64, days: f64, appeals: &[f64], prices: &[f64]) -> (f64, Each) {
        if (days - self.pace[0]).abs() > 0.0 {
            self.pace = [days, math::powf(0.5, days / self.plan.persistence)];
            for group in &mut self.groups {
                group.moves = moving(group.plan.habit, days);
            }
        }
        let stays = self.pace[1];
        if self.plan.volatility > 0.0 {
            let noise = self.plan.volatility * (1.0 - stays * stays).sqrt();
            self.deviation = stays * self.deviation + noise * self.stream.normal();
        }
        let mut all = (0.0, Each::from_elem(0.0, prices.len()));
        for index in 0..self.groups.len() {
            let (wanted, level) = self.wanted(&self.groups[index], appeals, prices);
            let total = self.total(&self.groups[index], years, level);
            let group = &mut self.groups[index];
            for (share, wanted) in group.shares.iter_mut().zip(&wanted) {
                *share += group.moves * (wanted - *share);
            }
            group.wanted = group.divide(total, &group.shares, prices);
            all.0 += total;
            add(&mut all.1, &group.wanted);
        }
        all
    }

    /// Names of segments, and the share of what each wanted in the last step that it wanted of the first network.
    pub fn segments(&self) -> impl Iterator<Item = (&str, f64)> {
        let segments = self
            .groups
            .iter()
            .filter(|group| !group.plan.name.is_empty());
        segments.map(|group| {
            let all: f64 = group.wanted.iter().sum();
            let share = if all > 0.0 {
                group.wanted[0] / all
            } else {
                0.0
            };
            (group.plan.name.as_str(), share)
        })
    }

    /// Dollars that customers would give rather than do without these networks at these prices, by day, beyond what they pay, if
    /// their demand is elastic enough for that to be finite, and not bounded by budgets: the integral of demand above the price index.
    #[must_use]
    pub fn surplus(&self, years: f64, appeals: &[f64], prices: &[f64]) -> Option<f64> {
        let mut surplus = 0.0;
        for group in &self.groups {
            let plan = &group.plan;
            if plan.elasticity <= 1.0 || plan.budgets.is_some() {
                return None;
            }
            let (_, index) = self.logit(group, appeals, prices);
            let log_price = (group.reference - index) / plan.tastes.price;
            let price = self.plan.reference_price * math::exp(log_price);
            surplus += self.total(group, years, index) * price / (plan.elasticity - 1.0);
        }
        Some(surplus)
    }
}

fn add(sum: &mut [f64], more: &[f64]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

/// The nests of networks: those that are in none have one of their own each.
fn nests_of(dissimilarity: &[f64], of: &[Option<usize>]) -> Option<Nests> {
    let mut nests = Nests {
        of: Vec::new(),
        dissimilarity: Vec::new(),
    };
    let mut seen = vec![None; dissimilarity.len()];
    for named in of {
        let next = nests.dissimilarity.len();
        let index = named.map_or(next, |named| *seen[named].get_or_insert(next));
        if index == next {
            let own = named.map_or(1.0, |named| dissimilarity[named]);
            nests.dissimilarity.push(own);
        }
        nests.of.push(index);
    }
    of.iter().any(Option::is_some).then_some(nests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers() -> Customers {
        Customers {
            volume: 1000.0,
            reference_price: 2.0,
            growth: 0.0,
            volatility: 0.0,
            persistence: 30.0,
            elasticity: 1.5,
            habit: 0.0,
            homing: Homing::Overflow,
            overflow_below: 2.0,
            tastes: Weights {
                price: 3.0,
                ..Weights::default()
            },
            nests: Vec::new(),
            loyalty: 0.0,
            budgets: None,
            segments: Vec::new(),
        }
    }

    fn demand(appeals: &[f64], prices: &[f64]) -> Demand {
        let nests = vec![None; prices.len()];
        let offers = vec![Offer::default(); prices.len()];
        Demand::new(
            &customers(),
            &nests,
            &offers,
            appeals,
            prices,
            &Streams::new(1, 0),
        )
    }

    /// Logit with ln p: shares go as e^appeal · p^−weight; with all prices times x, shares stay and the total goes as x^−elasticity.
    #[test]
    fn shares_and_totals() {
        let appeals = [0.0, 1.0];
        let demand = demand(&appeals, &[2.0, 2.0]);
        let (total, by) = demand.at(0.0, &appeals, &[2.0, 2.0]);
        assert!((total - 1000.0).abs() < 1e-9);
        assert!((by[1] / by[0] - 1.0_f64.exp()).abs() < 1e-12);
        let (twice, same) = demand.at(0.0, &appeals, &[4.0, 4.0]);
        assert!((twice - 1000.0 * 2.0_f64.powf(-1.5)).abs() < 1e-9);
        assert!((same[1] / same[0] - by[1] / by[0]).abs() < 1e-12);
        // Own-price elasticity is −(weight (1 − share) + elasticity · share).
        let nudged = demand.at(0.0, &appeals, &[2.0, 2.0 * 1.000_001]).1[1];
        let elasticity = (nudged / by[1]).ln() / 1.000_001_f64.ln();
        let share = by[1] / total;
        assert!((elasticity + 3.0 * (1.0 - share) + 1.5 * share).abs() < 1e-4);
    }

    /// The surplus is the integral of demand over all higher price indices.
    #[test]
    fn surplus_is_an_integral() {
        let appeals = [0.0];
        let demand = demand(&appeals, &[2.0]);
        let step = 1.0005_f64;
        let (mut price, mut sum) = (2.0, 0.0);
        while price < 2e9 {
            let (total, _) = demand.at(0.0, &appeals, &[price * step.sqrt()]);
            sum += total * price * (step - 1.0);
            price *= step;
        }
        let surplus = demand.surplus(0.0, &appeals, &[2.0]).unwrap();
        assert!((sum / surplus - 1.0).abs() < 1e-3, "{sum} {surplus}");
    }

    #[test]
    fn habits_halve() {
        let plan = Customers {
            habit: 10.0,
            ..customers()
        };
        let appeals = [0.0, 0.0];
        let streams = Streams::new(1, 0);
        let offers = [Offer::default(); 2];
        let mut demand = Demand::new(&plan, &[None; 2], &offers, &appeals, &[2.0, 2.0], &streams);
        let (_, goal) = demand.at(0.0, &appeals, &[1.0, 2.0]);
        let goal = goal[0] / (goal[0] + goal[1]);
        let (total, by) = demand.step(0.0, 10.0, &appeals, &[1.0, 2.0]);
        assert!((by[0] / total - f64::midpoint(0.5, goal)).abs() < 1e-12);
    }

    fn segment(name: &str, share: f64, weight: f64, privacy: f64) -> Segment {
        let Customers {
            elasticity,
            habit,
            loyalty,
            budgets,
            ..
        } = customers();
        Segment {
            name: name.to_owned(),
            share,
            elasticity,
            habit,
            tastes: Weights::from_worth(weight, 0.0, 0.0, 0.0, privacy),
            loyalty,
            budgets,
        }
    }

    fn segmented(segments: Vec<Segment>, offers: &[Offer; 2]) -> Demand {
        let plan = Customers {
            segments,
            ..customers()
        };
        let streams = Streams::new(1, 0);
        Demand::new(&plan, &[None; 2], offers, &[0.0; 2], &[2.0; 2], &streams)
    }

    /// Two halves that are alike are the whole.
    #[test]
    fn halves_are_a_whole() {
        let offers = [Offer::default(); 2];
        let halves = ["a", "b"].map(|name| segment(name, 0.5, 3.0, 0.0));
        let mut halves = segmented(halves.to_vec(), &offers);
        let mut whole = segmented(Vec::new(), &offers);
        for (days, prices) in [(1.0, [2.0, 3.0]), (7.0, [1.0, 9.0]), (1.0, [0.5, 0.1])] {
            let found = halves.step(0.3, days, &[0.2, -1.0], &prices);
            let expected = whole.step(0.3, days, &[0.2, -1.0], &prices);
            assert!((found.0 / expected.0 - 1.0).abs() < 1e-14);
            for (found, expected) in found.1.iter().zip(&expected.1) {
                assert!((found / expected - 1.0).abs() < 1e-14);
            }
            let surplus =
                [&halves, &whole].map(|demand| demand.surplus(0.3, &[0.2, -1.0], &prices));
            assert!((surplus[0].unwrap() / surplus[1].unwrap() - 1.0).abs() < 1e-14);
        }
        assert_eq!(whole.segments().count(), 0);
        assert_eq!(halves.segments().count(), 2);
    }

    /// A mixed logit of two groups with weights 2 and 6 of the price, where the second would pay e^{1/2} times as much for privacy: shares
    /// of each are p^{−w} e^{privacy}, over the sum of both; who asks e^{1/2} times the price for it keeps half of the second group.
    #[test]
    fn segments_are_a_mixed_logit() {
        let private = Offer {
            privacy: 1.0,
            ..Offer::default()
        };
        let offers = [Offer::default(), private];
        let segments = vec![
            segment("poor", 0.7, 2.0, 0.0),
            segment("wary", 0.3, 6.0, 0.5),
        ];
        let mut demand = segmented(segments, &offers);
        let premium = 0.5_f64.exp();
        let prices = [2.0, 2.0 * premium];
        let (total, by) = demand.at(0.0, &[0.0; 2], &prices);
        let mut expected = [0.0; 2];
        for (share, weight, privacy) in [(0.7, 2.0, 0.0), (0.3, 6.0, 0.5)] {
            let private = (weight * privacy - weight * 0.5_f64).exp();
            // The index falls from (1 + e^{w privacy}) to (1 + what is left of it).
            let index = ((1.0 + private) / (1.0 + (weight * privacy).exp())).ln();
            let total = 1000.0 * share * (1.5 * index / weight).exp();
            expected[0] += total / (1.0 + private);
            expected[1] += total * private / (1.0 + private);
        }
        for (by, expected) in by.iter().zip(expected) {
            assert!((by / expected - 1.0).abs() < 1e-12, "{by} {expected}");
        }
        assert!((total / (expected[0] + expected[1]) - 1.0).abs() < 1e-12);
        demand.step(0.0, 1.0, &[0.0; 2], &prices);
        let segments: Vec<(&str, f64)> = demand.segments().collect();
        assert_eq!(segments[1].0, "wary");
        assert!((segments[1].1 - 0.5).abs() < 1e-12);
        assert!((segments[0].1 - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-12);
    }

    /// Loyal customers rest at shares proportional to `e^{u_i} (Σ e^u + e^{u_i} (e^{loyalty} − 1))` (detailed balance), and without loyalty
    /// at the logit.
    #[test]
    fn loyal_customers_rest_at_the_closed_form() {
        let utilities: [f64; 4] = [0.3, -0.4, 1.1, 0.0];
        for loyalty in [0.0_f64, 1.0, 3.0] {
            let plan = Customers {
                loyalty,
                habit: 30.0,
                ..customers()
            };
            let (streams, prices) = (Streams::new(1, 0), [2.0; 4]);
            let mut demand = Demand::new(
                &plan,
                &[None; 4],
                &[Offer::default(); 4],
                &[9.0, 0.0, 0.0, 0.0],
                &prices,
                &streams,
            );
            let mut found = (0.0, Each::new());
            for _ in 0..4000 {
                found = demand.step(0.0, 10.0, &utilities, &prices);
                assert!((found.1.iter().sum::<f64>() / found.0 - 1.0).abs() < 1e-12);
            }
            let sum: f64 = utilities.iter().map(|u| u.exp()).sum();
            let rest = utilities.map(|u| u.exp() * (sum + u.exp() * (loyalty.exp() - 1.0)));
            let all: f64 = rest.iter().sum();
            for (by, rest) in found.1.iter().zip(rest) {
                assert!((by / found.0 - rest / all).abs() < 1e-9, "{loyalty}");
            }
        }
    }
}

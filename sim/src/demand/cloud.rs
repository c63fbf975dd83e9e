//! What a centralized seller offers, and what it does about a rival: a menu of prices, and a reaction.
//!
//! Capacity is sold on demand, reserved for a term at a discount, and by the hour as long as nobody else wants it. Between sellers of
//! different goods with logit demand each best price is a markup of 1 / (β (1 − s)) on cost, and as all raise theirs with the others', best
//! responses from cost upward reach the lowest equilibrium. S. Anderson, A. de Palma, J.-F. Thisse, Discrete Choice Theory of Product
//! Differentiation, 1992, chapter 7.

use walras_des::math;

/// Prices by kind of contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Menu {
    /// By the hour, whenever wanted [USD per unit].
    pub on_demand: f64,
    /// Taken off for a reservation, used or not; 0.37 for a year on AWS GPU instances.
    pub reserved_discount: f64,
    /// How long a reservation binds [years].
    pub term: f64,
    /// Least price of idle capacity, as a share of that on demand.
    pub spot_floor: f64,
    /// How late that price rises with utilization: the power of it.
    pub spot_exponent: f64,
}

impl Menu {
    /// Contracts as on AWS, at a price on demand [USD per unit].
    ///
    /// Reserved: median of 803 GPU offers of 21 January 2026 (github.com/tsaol/aws-gpu). Spot: GPU instances were 54 to 85 % off on 28 July
    /// 2025 (deciles of 646 offers, median 66 %; github.com/alexei-led/spotinfo); that the floor is the largest of these, and the median belongs
    /// to a utilization of 0.7, is an assumption.
    #[must_use]
    pub fn aws(on_demand: f64) -> Self {
        Self {
            on_demand,
            reserved_discount: 0.37,
            term: 1.0,
            spot_floor: 0.15,
            spot_exponent: 4.2,
        }
    }

    /// Price of a reserved unit, used or not [USD per unit].
    #[must_use]
    pub fn reserved(&self) -> f64 {
        self.on_demand * (1.0 - self.reserved_discount)
    }

    /// Price of idle capacity at a utilization [USD per unit].
    #[must_use]
    pub fn spot(&self, utilization: f64) -> f64 {
        let dear = math::powf(utilization.clamp(0.0, 1.0), self.spot_exponent);
        self.on_demand * (self.spot_floor + (1.0 - self.spot_floor) * dear)
    }

    /// Share of the time that a unit must be in use for a reservation to pay.
    #[must_use]
    pub fn reservation_pays_above(&self) -> f64 {
        1.0 - self.reserved_discount
    }

    /// Units to reserve for a load of which these are equally likely values, in rising order, the rest bought on demand: as many as are in
    /// use for at least [`Menu::reservation_pays_above`] of the time (the newsvendor's rule; K. Arrow, T. Harris, J. Marschak, 1951).
    #[must_use]
    pub fn best_reservation(&self, loads: &[f64]) -> f64 {
        let below = (self.reserved_discount * loads.len() as f64).ceil() as usize;
        loads.get(below.saturating_sub(1)).copied().unwrap_or(0.0)
    }

    /// Mean cost of such a load with so many units reserved [USD].
    #[must_use]
    pub fn cost(&self, loads: &[f64], reserved: f64) -> f64 {
        let beyond: f64 = loads.iter().map(|load| (load - reserved).max(0.0)).sum();
        self.reserved() * reserved + self.on_demand * beyond / loads.len() as f64
    }
}

/// What a seller does about the price of a rival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reaction {
    /// Nothing.
    Hold,
    /// Asks what the rival asks.
    Match,
    /// Asks a share less than the rival.
    Undercut(f64),
}

/// Bounds of a reaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seller {
    /// What it does.
    pub reaction: Reaction,
    /// What it asks without rivals [USD per unit].
    pub list_price: f64,
    /// What another unit costs it: it never asks less [USD per unit].
    pub marginal_cost: f64,
    /// What its customers pay for the name, as a share of the rival's price: a price that much higher counts as the same.
    pub premium: f64,
}

impl Seller {
    /// What it asks if a rival asks so much [USD per unit].
    #[must_use]
    pub fn answer(&self, rival: f64) -> f64 {
        let same = rival * (1.0 + self.premium);
        let goal = match self.reaction {
            Reaction::Hold => self.list_price,
            Reaction::Match => same,
            Reaction::Undercut(by) => same * (1.0 - by),
        };
        goal.min(self.list_price).max(self.marginal_cost)
    }
}

/// The price that gains most at a cost, for an offer with a utility of `value` for nothing, a price weight β, and others (doing without
/// among them) whose exponentials of utility sum to `e^{others}`.
///
/// The condition p − c = 1 / (β (1 − s)) is solved by `p = c + (1 + W(e^{value − β c − 1 − others})) / β`, with Lambert's W.
#[must_use]
pub fn best_price(cost: f64, value: f64, price_weight: f64, others: f64) -> f64 {
    cost + (1.0 + lambert_w_of_exp(value - price_weight * cost - 1.0 - others)) / price_weight
}

/// The w with w + ln w = z, which is W(e^z), by Newton's method from below: to the last digits after six steps.
fn lambert_w_of_exp(z: f64) -> f64 {
    if z < -30.0 {
        return math::exp(z);
    }
    let mut w = if z > 1.0 {
        z - math::ln(z)
    } else {
        let e = math::exp(z);
        e / (1.0 + e)
    };
    for _ in 0..6 {
        w *= (1.0 + z - math::ln(w)) / (1.0 + w);
    }
    w
}

/// Prices at which no seller gains by another one, for costs, utilities of the offers for nothing, and the utility of doing without
/// (−∞ if nobody can): the lowest such prices, to 12 digits.
///
/// # Panics
/// If there are less than two sellers and nobody can do without: such a seller would ask any price.
#[must_use]
pub fn equilibrium(costs: &[f64], values: &[f64], price_weight: f64, without: f64) -> Vec<f64> {
    assert!(
        costs.len() > 1 || without > f64::NEG_INFINITY,
        "a single seller needs customers who can do without"
    );
    let mut prices = costs.to_vec();
    // Responses rise by less than the prices they answer, so the way shrinks by a constant factor in each round.
    for _ in 0..10_000 {
        let mut moved = 0.0_f64;
        for j in 0..costs.len() {
            let utility = |k: usize| values[k] - price_weight * prices[k];
            let rivals = (0..costs.len()).filter(|&k| k != j);
            let best = rivals.clone().map(utility).fold(without, f64::max);
            let sum = rivals.map(|k| math::exp(utility(k) - best)).sum::<f64>()
                + math::exp(without - best);
            let next = best_price(costs[j], values[j], price_weight, best + math::ln(sum));
            moved = moved.max((next - prices[j]).abs());
            prices[j] = next;
        }
        if moved <= 1e-13 / price_weight {
            break;
        }
    }
    prices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::logit;

    #[test]
    fn the_menu_of_aws() {
        let menu = Menu::aws(10.0);
        assert!((menu.reserved() - 6.3).abs() < 1e-12);
        assert!((menu.spot(0.7) - 3.4).abs() < 0.02, "{}", menu.spot(0.7));
        assert_eq!(
            (menu.spot(0.0), menu.spot(1.0), menu.spot(1.5)),
            (1.5, 10.0, 10.0)
        );
        assert_eq!(menu.reservation_pays_above(), 0.63);
    }

    /// No other number of units costs less, by trying them all.
    #[test]
    fn reservations_follow_the_newsvendor() {
        for discount in [0.2, 0.37, 0.6] {
            let menu = Menu {
                reserved_discount: discount,
                ..Menu::aws(1.0)
            };
            let loads: Vec<f64> = (0..100).map(|i| f64::from(i * i) / 100.0).collect();
            let best = menu.cost(&loads, menu.best_reservation(&loads));
            let tried = loads.iter().map(|&reserved| menu.cost(&loads, reserved));
            assert!((best - tried.fold(f64::INFINITY, f64::min)).abs() < 1e-12);
        }
        assert_eq!(Menu::aws(1.0).best_reservation(&[]), 0.0);
    }

    #[test]
    fn reactions_have_a_floor_and_a_list_price() {
        let seller = |reaction| Seller {
            reaction,
            list_price: 4.0,
            marginal_cost: 1.0,
            premium: 0.5,
        };
        for (reaction, rival, answer) in [
            (Reaction::Hold, 1.0, 4.0),
            (Reaction::Match, 2.0, 3.0),
            (Reaction::Match, 9.0, 4.0),
            (Reaction::Undercut(0.5), 2.0, 1.5),
            (Reaction::Undercut(0.5), 0.1, 1.0),
        ] {
            assert_eq!(seller(reaction).answer(rival), answer);
        }
    }

    /// W(1) = 0.567143290409783872999968662210 (the omega constant), W(e) = 1; and W e^W = x over many orders of magnitude.
    #[test]
    fn lamberts_function() {
        assert!((lambert_w_of_exp(0.0) - 0.567_143_290_409_784).abs() < 1e-15);
        assert!((lambert_w_of_exp(1.0) - 1.0).abs() < 1e-15);
        for z in [-40.0, -29.9, -5.0, -0.5, 0.99, 1.01, 3.0, 50.0, 1e4] {
            let w = lambert_w_of_exp(z);
            assert!(
                (w + w.ln() - z).abs() < 1e-12 * z.abs().max(1.0),
                "{z}: {w}"
            );
        }
    }

    /// p − c = 1 / (β (1 − s)) for each, and no other price on a grid gains more.
    #[test]
    fn equilibria_meet_their_first_order_conditions() {
        let (costs, values, weight) = ([0.4, 1.0, 0.8], [0.0, 1.5, 3.0], 2.0);
        let prices = equilibrium(&costs, &values, weight, 0.5);
        let shares = |prices: &[f64]| {
            let mut utilities: Vec<f64> = values
                .iter()
                .zip(prices)
                .map(|(v, p)| v - weight * p)
                .collect();
            utilities.push(0.5);
            logit::shares(&mut utilities);
            utilities
        };
        for j in 0..3 {
            let markup = 1.0 / (weight * (1.0 - shares(&prices)[j]));
            assert!((prices[j] - costs[j] - markup).abs() < 1e-11);
            let gain = |price: f64| {
                let mut other = prices.clone();
                other[j] = price;
                (price - costs[j]) * shares(&other)[j]
            };
            assert!((0..400).all(|i| gain(0.01 * f64::from(i)) <= gain(prices[j]) + 1e-12));
        }
    }

    /// n equal sellers without an alternative: p = c + n / (β (n − 1)), and c + 1 / β as n grows.
    #[test]
    fn equal_sellers() {
        for n in [2_usize, 3, 10, 1000] {
            let prices = equilibrium(&vec![1.0; n], &vec![0.3; n], 4.0, f64::NEG_INFINITY);
            let expected = 1.0 + n as f64 / (4.0 * (n as f64 - 1.0));
            assert!(
                prices.iter().all(|price| (price - expected).abs() < 1e-10),
                "{n}: {}",
                prices[0]
            );
        }
    }
}

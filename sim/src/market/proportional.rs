//! Proportional share: everybody names a sum of money, and the capacity is divided as the sums are.
//!
//! F. Kelly, "Charging and rate control for elastic traffic", European Transactions on Telecommunications 8, 1997. Where bidders know
//! that they move the price, at least three quarters of the best total value is reached: R. Johari, J. Tsitsiklis, "Efficiency loss in a
//! network resource allocation game", Mathematics of Operations Research 29, 2004.
//!
//! Of all mechanisms this one knows no limits: a bid of `quantity` units at `price` is the sum `price · quantity`, which is spent
//! whatever a unit then costs. That nobody spends more than its sum is all that is promised to buyers; asks are limits as elsewhere.

use crate::units::Amount;

use super::wide::mul_div;
use super::{Clearing, Fill, Market, Order};

/// The mechanism; it has no parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proportional;

impl Market for Proportional {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let mut sums: Vec<u128> = bids.iter().map(sum).collect();
        let (sellers, shares) = loop {
            let sellers = willing(asks, sums.iter().sum());
            let capacity: u64 = sellers.iter().map(|&ask| asks[ask].quantity).sum();
            let shares = divide(u128::from(capacity), &sums);
            // Whose share is less than a unit keeps its money, and then a unit costs the others less.
            let mut left_out = false;
            for (sum, &units) in sums.iter_mut().zip(&shares) {
                left_out |= *sum > 0 && units == 0;
                *sum = if units == 0 { 0 } else { *sum };
            }
            if !left_out {
                break (sellers, shares);
            }
        };
        for (order, (&units, &money)) in shares.iter().zip(&sums).enumerate() {
            if units > 0 {
                out.bought.push(Fill {
                    order,
                    quantity: units as u64, // at most the capacity
                    money: amount(money),
                });
            }
        }
        let weights: Vec<u128> = sellers
            .iter()
            .map(|&ask| u128::from(asks[ask].quantity))
            .collect();
        for (&order, money) in sellers.iter().zip(divide(sums.iter().sum(), &weights)) {
            out.sold.push(Fill {
                order,
                quantity: asks[order].quantity,
                money: amount(money),
            });
        }
    }
}

/// The sum that a bid stands for.
fn sum(bid: &Order) -> u128 {
    let price = u128::try_from(bid.price.0).unwrap_or(0);
    price
        .checked_mul(u128::from(bid.quantity))
        .expect("amount overflow")
}

fn amount(units: u128) -> Amount {
    Amount(i128::try_from(units).expect("amount overflow"))
}

/// The sellers who get what they ask: as many of the cheapest as keep the price, all money over all their units, at their limits.
fn willing(asks: &[Order], money: u128) -> Vec<usize> {
    let mut merit: Vec<usize> = (0..asks.len())
        .filter(|&ask| asks[ask].quantity > 0)
        .collect();
    merit.sort_by_key(|&ask| asks[ask].price);
    let mut capacity = 0_u128;
    let mut kept = 0;
    for &ask in &merit {
        capacity += u128::from(asks[ask].quantity);
        let needed = u128::try_from(asks[ask].price.0).unwrap_or(0);
        // The price only falls from here on while asks only rise.
        if needed.checked_mul(capacity).is_none_or(|all| all > money) {
            break;
        }
        kept += 1;
    }
    merit.truncate(kept);
    merit
}

/// Divides `pot` by weights, to the last unit: each gets what all up to it get, rounded down, less what those before it got; so no
/// share is a unit or more from its exact value.
#[must_use]
pub fn divide(pot: u128, weights: &[u128]) -> Vec<u128> {
    let all: u128 = weights.iter().sum();
    let (mut reached, mut given) = (0, 0);
    let share = |&weight: &u128| {
        reached += weight;
        let due = if all == 0 {
            0
        } else {
            mul_div(pot, reached, all)
        };
        let share = due - given;
        given = due;
        share
    };
    weights.iter().map(share).collect()
}

/// Shares of one unit of capacity in the equilibrium of bidders who value it at `values` [a unit of capacity, each], and know that they
/// move the price `μ`: `v_i (1 − x_i) = μ` for all who bid, and the others value it less than `μ`.
///
/// # Panics
/// If fewer than two values are positive: a single bidder would offer as little as possible, and there is no equilibrium.
#[must_use]
pub fn equilibrium(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|&v| v > 0.0).collect();
    assert!(
        sorted.len() > 1,
        "an equilibrium of proportional shares needs two bidders, not {}",
        sorted.len()
    );
    sorted.sort_by(|a, b| b.total_cmp(a));
    // With the n highest: Σ (1 − μ/v_i) = 1, so μ = (n − 1) / Σ 1/v_i. Who comes next joins if it values more than that.
    let (mut inverse, mut price) = (1.0 / sorted[0], 0.0);
    for (n, value) in sorted.iter().enumerate().skip(1) {
        if *value <= price {
            break;
        }
        inverse += 1.0 / value;
        price = n as f64 / inverse;
    }
    values
        .iter()
        .map(|&v| if v > price { 1.0 - price / v } else { 0.0 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Value reached, relative to giving everything to whom values it most.
    fn efficiency(values: &[f64]) -> f64 {
        let best = values.iter().copied().fold(0.0, f64::max);
        let shares = equilibrium(values);
        values.iter().zip(shares).map(|(v, x)| v * x).sum::<f64>() / best
    }

    /// The worst case of Johari and Tsitsiklis: one values it at 1, very many at 1/2.
    #[test]
    fn three_quarters_is_reached_and_is_the_worst() {
        let mut values = vec![0.5; 100_001];
        values[0] = 1.0;
        assert!((efficiency(&values) - 0.75).abs() < 1e-5);
    }

    #[test]
    fn sellers_who_would_get_too_little_stand_aside() {
        let asks = [Order::new(0, Amount(3), 10), Order::new(1, Amount(2), 10)];
        let bids = [Order::new(2, Amount(3), 10), Order::new(3, Amount(1), 20)];
        let mut out = Clearing::default();
        Proportional.clear(&bids, &asks, &mut out);
        out.verify_balance().unwrap();
        // 30 + 20 for the units of one seller; for those of both a unit would cost 2.5, less than the dearer asks.
        let bought: Vec<_> = out.bought.iter().map(|f| (f.order, f.quantity)).collect();
        assert_eq!(bought, [(0, 6), (1, 4)]);
        assert_eq!((out.sold.len(), out.sold[0].order), (1, 1));
        assert_eq!((out.paid(), out.surplus()), (Amount(50), Amount::ZERO));
    }

    /// At the price of all units a seller is in who asks just that, and out who asks a unit of money more than there is.
    #[test]
    fn the_dearest_seller_is_in_up_to_the_last_unit_of_money() {
        let asks = [Order::new(0, Amount(1), 4), Order::new(1, Amount(5), 6)];
        let sold = |money: i128| {
            let bids = [Order::new(2, Amount(money), 1)];
            let mut out = Clearing::default();
            Proportional.clear(&bids, &asks, &mut out);
            out.quantity()
        };
        assert_eq!((sold(50), sold(49)), (10, 4));
        assert_eq!((sold(4), sold(3)), (4, 0));
    }

    proptest! {
        #[test]
        fn no_equilibrium_is_worse_than_three_quarters(values in prop::collection::vec(0.001..1.0, 2..30)) {
            let shares = equilibrium(&values);
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(efficiency(&values) >= 0.75);
        }

        /// Nobody gains by another sum of money: the first-order condition is that of the game.
        #[test]
        fn nobody_deviates_from_the_equilibrium(values in prop::collection::vec(0.01..1.0, 2..10), factor in 0.0..3.0) {
            let shares = equilibrium(&values);
            let bidder = shares.iter().position(|&share| share > 0.0).unwrap();
            let price = values[bidder] * (1.0 - shares[bidder]);
            for (value, share) in values.iter().zip(&shares) {
                let others = price * (1.0 - share);
                let gain = |sum: f64| value * sum / (sum + others).max(1e-300) - sum;
                let sum = price * share;
                prop_assert!(gain(sum * factor) <= gain(sum) + 1e-9);
                prop_assert!(gain(sum + 0.01 * factor) <= gain(sum) + 1e-9);
            }
        }

        #[test]
        fn shares_sum_to_the_pot_and_stay_within_a_unit(pot in 0..u128::from(u64::MAX), weights in prop::collection::vec(0..1_000_000_u128, 1..50)) {
            let shares = divide(pot, &weights);
            let all: u128 = weights.iter().sum();
            prop_assert_eq!(shares.iter().sum::<u128>(), if all == 0 { 0 } else { pot });
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!(all == 0 || (share * all).abs_diff(pot * weight) < all);
            }
        }

        /// Everything willing is sold, sellers get what they ask, and no sum is overspent.
        #[test]
        fn sums_and_limits_hold(bids in prop::collection::vec((0..1_000_i128, 0..100_u64), 0..20), asks in prop::collection::vec((0..1_000_i128, 0..100_u64), 0..20)) {
            let orders = |all: Vec<(i128, u64)>| -> Vec<Order> { all.into_iter().map(|(p, q)| Order::new(0, Amount(p), q)).collect() };
            let (bids, asks) = (orders(bids), orders(asks));
            let mut out = Clearing::default();
            Proportional.clear(&bids, &asks, &mut out);
            prop_assert_eq!(out.verify_balance(), Ok(()));
            prop_assert_eq!(out.surplus(), Amount::ZERO);
            for fill in &out.bought {
                prop_assert_eq!(fill.money.0.unsigned_abs(), sum(&bids[fill.order]));
            }
            for fill in &out.sold {
                prop_assert!(fill.money >= super::super::clearing::times(asks[fill.order].price, fill.quantity));
            }
        }
    }
}

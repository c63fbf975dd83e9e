//! Where demand and supply cross: bids from the highest, asks from the lowest, and the last unit that both sides want to trade.

use crate::units::Amount;

use super::Order;

/// The efficient trade of an epoch's orders: units 1 to `quantity` of the merit order, whose k-th bid is not below the k-th ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crossing {
    /// Indices of all bids, the highest first, and the earlier first among equals.
    pub bids: Vec<usize>,
    /// Indices of all asks, the lowest first, and the earlier first among equals.
    pub asks: Vec<usize>,
    /// Units that trade (k).
    pub quantity: u64,
    /// The units at the margin; `None` where nothing trades.
    pub margin: Option<Margin>,
}

/// Limits of the last unit that trades and of the first that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Margin {
    /// The lowest accepted bid, `b_k`.
    pub bid: Amount,
    /// The highest accepted ask, `a_k`.
    pub ask: Amount,
    /// The highest rejected bid, `b_{k+1}`; it may belong to the same order as `b_k`.
    pub next_bid: Option<Amount>,
    /// The lowest rejected ask, `a_{k+1}`.
    pub next_ask: Option<Amount>,
}

impl Margin {
    /// The prices that leave no one who could trade to gain: from `max(a_k, b_{k+1})` to `min(b_k, a_{k+1})`.
    pub fn interval(&self) -> (Amount, Amount) {
        (
            self.next_bid.map_or(self.ask, |bid| bid.max(self.ask)),
            self.next_ask.map_or(self.bid, |ask| ask.min(self.bid)),
        )
    }
}

impl Crossing {
    pub fn of(bids: &[Order], asks: &[Order]) -> Self {
        let by_merit = |orders: &[Order], falling: bool| {
            let mut order: Vec<usize> = (0..orders.len())
                .filter(|&i| orders[i].quantity > 0)
                .collect();
            // The sort is stable: equals stay in order of arrival.
            if falling {
                order.sort_by_key(|&i| std::cmp::Reverse(orders[i].price));
            } else {
                order.sort_by_key(|&i| orders[i].price);
            }
            order
        };
        let (buyers, sellers) = (by_merit(bids, true), by_merit(asks, false));
        let (mut b, mut a) = (0, 0);
        let (mut bid_used, mut ask_used) = (0, 0);
        let (mut quantity, mut last) = (0, None);
        while let (Some(&i), Some(&j)) = (buyers.get(b), sellers.get(a)) {
            if bids[i].price < asks[j].price {
                break;
            }
            let step = (bids[i].quantity - bid_used).min(asks[j].quantity - ask_used);
            quantity += step;
            last = Some((bids[i].price, asks[j].price));
            bid_used += step;
            ask_used += step;
            if bid_used == bids[i].quantity {
                (b, bid_used) = (b + 1, 0);
            }
            if ask_used == asks[j].quantity {
                (a, ask_used) = (a + 1, 0);
            }
        }
        let margin = last.map(|(bid, ask)| Margin {
            bid,
            ask,
            next_bid: buyers.get(b).map(|&i| bids[i].price),
            next_ask: sellers.get(a).map(|&j| asks[j].price),
        });
        Self {
            bids: buyers,
            asks: sellers,
            quantity,
            margin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(all: &[(i128, u64)]) -> Vec<Order> {
        let order = |&(price, quantity): &(i128, u64)| Order::new(0, Amount(price), quantity);
        all.iter().map(order).collect()
    }

    #[test]
    fn a_partly_filled_order_is_on_both_sides_of_the_margin() {
        let found = Crossing::of(
            &orders(&[(5, 1), (9, 3), (2, 4)]),
            &orders(&[(7, 9), (1, 2), (0, 0)]),
        );
        assert_eq!((found.bids, found.asks), (vec![1, 0, 2], vec![1, 0]));
        assert_eq!(found.quantity, 3);
        let margin = found.margin.unwrap();
        assert_eq!((margin.bid, margin.ask), (Amount(9), Amount(7)));
        assert_eq!(margin.next_bid, Some(Amount(5)));
        assert_eq!(margin.next_ask, Some(Amount(7)), "the same seller has more");
        assert_eq!(margin.interval(), (Amount(7), Amount(7)));
    }

    #[test]
    fn without_overlap_nothing_trades() {
        let found = Crossing::of(&orders(&[(5, 1)]), &orders(&[(6, 1)]));
        assert_eq!((found.quantity, found.margin), (0, None));
    }
}

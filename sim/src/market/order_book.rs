//! Order book: limit orders that meet as they come, the best price first, and at one price the earliest.
//!
//! Who comes trades with those who wait, at their price; what is left waits too. [`OrderBook`] is used continuously; [`DayOrders`]
//! is the same for a [`Market`], whose orders last an epoch.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::units::Amount;

use super::{Clearing, Market, Order, Pair};

/// To buy or to sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To buy.
    Bid,
    /// To sell.
    Ask,
}

/// An order that was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderId {
    side: Side,
    price: Amount,
    number: u64,
}

/// A trade of the order that came with one that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The one that waited.
    pub maker: OrderId,
    /// Its party.
    pub party: u32,
    /// Its price, at which they trade [base units per unit].
    pub price: Amount,
    /// Units.
    pub quantity: u64,
}

/// Orders that wait.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderBook {
    bids: BTreeMap<(Reverse<Amount>, u64), Waiting>,
    asks: BTreeMap<(Amount, u64), Waiting>,
    placed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    party: u32,
    quantity: u64,
}

impl OrderBook {
    /// Places an order: it trades with those who wait, appended to `matches`, and what is left of it waits. An order meets those of
    /// its own party like any other.
    ///
    /// # Panics
    /// Never: the best order waits.
    pub fn place(&mut self, side: Side, order: &Order, matches: &mut Vec<Match>) -> OrderId {
        let id = OrderId {
            side,
            price: order.price,
            number: self.placed,
        };
        self.placed += 1;
        let mut left = order.quantity;
        while left > 0 {
            let Some(best) = self.best(side, order.price) else {
                break;
            };
            let waiting = self.waiting(best).expect("the best order waits");
            let quantity = left.min(waiting.quantity);
            waiting.quantity -= quantity;
            left -= quantity;
            let (party, is_filled) = (waiting.party, waiting.quantity == 0);
            matches.push(Match {
                maker: best,
                party,
                price: best.price,
                quantity,
            });
            if is_filled {
                self.cancel(best);
            }
        }
        if left > 0 {
            let waiting = Waiting {
                party: order.party,
                quantity: left,
            };
            match side {
                Side::Bid => self.bids.insert((Reverse(order.price), id.number), waiting),
                Side::Ask => self.asks.insert((order.price, id.number), waiting),
            };
        }
        id
    }

    /// Takes an order back; the units that still waited, or `None` if none did.
    pub fn cancel(&mut self, id: OrderId) -> Option<u64> {
        let removed = match id.side {
            Side::Bid => self.bids.remove(&(Reverse(id.price), id.number)),
            Side::Ask => self.asks.remove(&(id.price, id.number)),
        };
        removed.map(|waiting| waiting.quantity)
    }

    /// The highest price at which somebody waits to buy.
    #[must_use]
    pub fn best_bid(&self) -> Option<Amount> {
        self.bids.keys().next().map(|key| key.0.0)
    }

    /// The lowest price at which somebody waits to sell.
    #[must_use]
    pub fn best_ask(&self) -> Option<Amount> {
        self.asks.keys().next().map(|key| key.0)
    }

    /// The price half-way between the two, rounded down; `None` if a side is empty.
    #[must_use]
    pub fn mid(&self) -> Option<Amount> {
        let (bid, ask) = (self.best_bid()?, self.best_ask()?);
        Some((bid + ask).mul_floor(1, 2))
    }

    /// Units that wait at a price, or a better one for who comes.
    #[must_use]
    pub fn depth(&self, side: Side, price: Amount) -> u64 {
        match side {
            Side::Bid => {
                let better = self.bids.range(..=(Reverse(price), u64::MAX));
                better.map(|(_, waiting)| waiting.quantity).sum()
            }
            Side::Ask => {
                let better = self.asks.range(..=(price, u64::MAX));
                better.map(|(_, waiting)| waiting.quantity).sum()
            }
        }
    }

    /// The order with which one on `side` at `limit` trades next.
    fn best(&self, side: Side, limit: Amount) -> Option<OrderId> {
        let best = match side {
            Side::Bid => self.asks.keys().next().map(|&(price, number)| OrderId {
                side: Side::Ask,
                price,
                number,
            }),
            Side::Ask => self.bids.keys().next().map(|key| OrderId {
                side: Side::Bid,
                price: key.0.0,
                number: key.1,
            }),
        };
        best.filter(|best| match side {
            Side::Bid => best.price <= limit,
            Side::Ask => best.price >= limit,
        })
    }

    fn waiting(&mut self, id: OrderId) -> Option<&mut Waiting> {
        match id.side {
            Side::Bid => self.bids.get_mut(&(Reverse(id.price), id.number)),
            Side::Ask => self.asks.get_mut(&(id.price, id.number)),
        }
    }
}

/// An order book that opens empty each epoch: a bid and an ask come in turn, and what has not traded at the end is forgotten.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DayOrders;

impl Market for DayOrders {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let (mut book, mut matches) = (OrderBook::default(), Vec::new());
        // Which order a number of the book is.
        let mut index = Vec::with_capacity(bids.len() + asks.len());
        for turn in 0..bids.len().max(asks.len()) {
            for (side, orders) in [(Side::Bid, bids), (Side::Ask, asks)] {
                let Some(order) = orders.get(turn) else {
                    continue;
                };
                index.push(turn);
                book.place(side, order, &mut matches);
                for trade in matches.drain(..) {
                    let other = index[trade.maker.number as usize];
                    let (bid, ask) = match side {
                        Side::Bid => (turn, other),
                        Side::Ask => (other, turn),
                    };
                    let quantity = trade.quantity;
                    out.pair(Pair { bid, ask, quantity }, trade.price, trade.price);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(party: u32, price: i128, quantity: u64) -> Order {
        Order::new(party, Amount(price), quantity)
    }

    #[test]
    fn price_comes_before_time_and_time_before_size() {
        let mut book = OrderBook::default();
        let mut matches = Vec::new();
        for (party, price, quantity) in [(0, 12, 5), (1, 11, 2), (2, 11, 9), (3, 10, 1)] {
            book.place(Side::Ask, &order(party, price, quantity), &mut matches);
        }
        assert_eq!((book.best_ask(), book.mid()), (Some(Amount(10)), None));
        book.place(Side::Bid, &order(9, 11, 5), &mut matches);
        let trades: Vec<_> = matches
            .iter()
            .map(|m| (m.party, m.price.0, m.quantity))
            .collect();
        assert_eq!(trades, [(3, 10, 1), (1, 11, 2), (2, 11, 2)]);
        assert_eq!(book.depth(Side::Ask, Amount(11)), 7);
        assert_eq!(book.depth(Side::Ask, Amount(12)), 12);
    }

    #[test]
    fn what_is_left_waits_and_can_be_taken_back() {
        let mut book = OrderBook::default();
        let mut matches = Vec::new();
        book.place(Side::Ask, &order(0, 10, 2), &mut matches);
        let bid = book.place(Side::Bid, &order(1, 13, 5), &mut matches);
        assert_eq!((book.best_bid(), book.best_ask()), (Some(Amount(13)), None));
        book.place(Side::Ask, &order(2, 20, 1), &mut matches);
        assert_eq!(book.mid(), Some(Amount(16)));
        assert_eq!(book.cancel(bid), Some(3));
        assert_eq!(book.cancel(bid), None);
        assert_eq!(book.best_bid(), None);
    }

    proptest! {
        /// The book against a list that is searched from end to end; and it is never crossed, and loses no unit.
        #[test]
        fn it_does_what_a_plain_list_does(orders in prop::collection::vec((any::<bool>(), 1..20_i128, 1..10_u64, 0..4_u8), 1..80)) {
            let mut book = OrderBook::default();
            let mut list: Vec<(Side, i128, u64)> = Vec::new(); // in order of arrival
            let mut ids = Vec::new();
            for (buys, price, quantity, action) in orders {
                let side = if buys { Side::Bid } else { Side::Ask };
                let mut matches = Vec::new();
                ids.push(book.place(side, &order(ids.len() as u32, price, quantity), &mut matches));
                let (mut left, mut expected) = (quantity, Vec::new());
                loop {
                    let sign = if buys { 1 } else { -1 };
                    let partners = list.iter().enumerate().filter(|(_, o)| o.0 != side && o.2 > 0 && sign * o.1 <= sign * price);
                    let Some((best, _)) = partners.min_by_key(|(i, o)| (sign * o.1, *i)).filter(|_| left > 0) else { break };
                    let part = left.min(list[best].2);
                    list[best].2 -= part;
                    left -= part;
                    expected.push((best as u32, list[best].1, part));
                }
                list.push((side, price, left));
                let found: Vec<_> = matches.iter().map(|m| (m.party, m.price.0, m.quantity)).collect();
                prop_assert_eq!(found, expected);
                if action == 0 {
                    let oldest = list.iter().position(|o| o.2 > 0);
                    if let Some(oldest) = oldest {
                        prop_assert_eq!(book.cancel(ids[oldest]), Some(list[oldest].2));
                        list[oldest].2 = 0;
                    }
                }
                if let (Some(bid), Some(ask)) = (book.best_bid(), book.best_ask()) {
                    prop_assert!(bid < ask);
                }
                for side in [Side::Bid, Side::Ask] {
                    let waits: u64 = list.iter().filter(|o| o.0 == side).map(|o| o.2).sum();
                    let worst = Amount(if side == Side::Bid { 0 } else { 100 });
                    prop_assert_eq!(book.depth(side, worst), waits);
                }
            }
        }
    }
}

//! One epoch of a market: the orders that gathered, and the trades that they became.

use crate::units::Amount;

/// A mechanism that turns the orders of an epoch into trades.
///
/// Orders stand in the order of their arrival; where limits are equal the earlier is served first. What every mechanism keeps:
/// as much is sold as is bought, no order is filled beyond its quantity, and nobody trades at worse than its limit
/// ([`Clearing::verify`]; [`super::proportional`] alone has budgets in the place of limits).
pub trait Market {
    /// The price of a unit that is announced before orders come [base units per unit]; `None` where only orders make a price.
    fn quote(&self) -> Option<Amount>;

    /// Matches the orders, writes the trades in place of what `out` held, and moves the mechanism's own state to the next epoch.
    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing);
}

/// An offer to buy, or to sell, up to so many units at a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Order {
    /// Whose it is; mechanisms hand it through.
    pub party: u32,
    /// The highest price that a buyer pays, or the lowest that a seller takes [base units per unit].
    pub price: Amount,
    /// Units, at most.
    pub quantity: u64,
    /// What buyers who choose know of a seller, such as its share of leases kept; 0 where nothing. Only
    /// [`super::reverse_auction`] reads it.
    pub score: f64,
}

impl Order {
    /// An order of a party of which nothing is known.
    #[must_use]
    pub fn new(party: u32, price: Amount, quantity: u64) -> Self {
        Self {
            party,
            price,
            quantity,
            score: 0.0,
        }
    }
}

/// What an order, or a part of it, became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Index of the order among the bids or the asks.
    pub order: usize,
    /// Units that changed hands.
    pub quantity: u64,
    /// What the buyer pays, or the seller receives, for them all.
    pub money: Amount,
}

/// Who serves whom, where the mechanism decides that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Index of the bid.
    pub bid: usize,
    /// Index of the ask.
    pub ask: usize,
    /// Units that go from one to the other.
    pub quantity: u64,
}

/// The trades of an epoch. An order may have several fills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clearing {
    /// Fills of bids.
    pub bought: Vec<Fill>,
    /// Fills of asks.
    pub sold: Vec<Fill>,
    /// Who serves whom; empty where every seller may serve every buyer.
    pub pairs: Vec<Pair>,
    /// What all buyers pay for a unit, if it is the same for all [base units].
    pub buyers_price: Option<Amount>,
    /// What all sellers receive for a unit, if it is the same for all [base units].
    pub sellers_price: Option<Amount>,
    /// The part of the mechanism's surplus that the rule destroys.
    pub burned: Amount,
}

impl Clearing {
    /// Units bought, which are the units sold.
    #[must_use]
    pub fn quantity(&self) -> u64 {
        self.bought.iter().map(|fill| fill.quantity).sum()
    }

    /// What buyers pay together.
    #[must_use]
    pub fn paid(&self) -> Amount {
        total(&self.bought)
    }

    /// What sellers receive together.
    #[must_use]
    pub fn received(&self) -> Amount {
        total(&self.sold)
    }

    /// What the mechanism takes in beyond what it pays out, before it burns any; below zero it is a deficit that somebody must fill.
    #[must_use]
    pub fn surplus(&self) -> Amount {
        self.paid() - self.received()
    }

    /// Holds the trades against the orders.
    ///
    /// # Errors
    /// Which promise of a [`Market`] is broken, and by which order.
    pub fn verify(&self, bids: &[Order], asks: &[Order]) -> Result<(), String> {
        within_orders("bid", &self.bought, bids)?;
        within_orders("ask", &self.sold, asks)?;
        for fill in &self.bought {
            if fill.money > times(bids[fill.order].price, fill.quantity) {
                return Err(format!(
                    "bid {} pays {} for {}, beyond its limit",
                    fill.order, fill.money, fill.quantity
                ));
            }
        }
        for fill in &self.sold {
            if fill.money < times(asks[fill.order].price, fill.quantity) {
                return Err(format!(
                    "ask {} gets {} for {}, below its limit",
                    fill.order, fill.money, fill.quantity
                ));
            }
        }
        self.verify_balance()
    }

    /// The part of [`Self::verify`] that needs no limits: as much sold as bought, pairs that agree, no more burned than there is.
    pub(super) fn verify_balance(&self) -> Result<(), String> {
        let sold: u64 = self.sold.iter().map(|fill| fill.quantity).sum();
        if self.quantity() != sold {
            return Err(format!("{} bought, {sold} sold", self.quantity()));
        }
        let paired: u64 = self.pairs.iter().map(|pair| pair.quantity).sum();
        if !self.pairs.is_empty() && paired != sold {
            return Err(format!("{paired} paired, {sold} sold"));
        }
        if self.burned < Amount::ZERO || self.burned > self.surplus().max(Amount::ZERO) {
            return Err(format!("{} burned of {}", self.burned, self.surplus()));
        }
        Ok(())
    }

    /// Forgets the last epoch, keeping the memory.
    pub(super) fn reset(&mut self) {
        self.bought.clear();
        self.sold.clear();
        self.pairs.clear();
        self.buyers_price = None;
        self.sellers_price = None;
        self.burned = Amount::ZERO;
    }

    /// A trade between two orders, each at its own price for a unit.
    pub(super) fn pair(&mut self, pair: Pair, pays: Amount, gets: Amount) {
        if pair.quantity > 0 {
            let fill = |order, price| Fill {
                order,
                quantity: pair.quantity,
                money: times(price, pair.quantity),
            };
            self.bought.push(fill(pair.bid, pays));
            self.sold.push(fill(pair.ask, gets));
            self.pairs.push(pair);
        }
    }

    /// All buy at one price and all sell at one.
    pub(super) fn fill_all(
        &mut self,
        (bids, buyers): (&[Order], impl IntoIterator<Item = usize>),
        (asks, sellers): (&[Order], impl IntoIterator<Item = usize>),
        quantity: u64,
        (paid, received): (Amount, Amount),
    ) {
        if quantity > 0 {
            fill(bids, buyers, quantity, paid, &mut self.bought);
            fill(asks, sellers, quantity, received, &mut self.sold);
            self.buyers_price = Some(paid);
            self.sellers_price = Some(received);
        }
    }
}

/// Fills orders one after the other until `quantity` is gone.
fn fill(
    orders: &[Order],
    sequence: impl IntoIterator<Item = usize>,
    mut quantity: u64,
    price: Amount,
    out: &mut Vec<Fill>,
) {
    for order in sequence {
        let part = orders[order].quantity.min(quantity);
        if part > 0 {
            let money = times(price, part);
            out.push(Fill {
                order,
                quantity: part,
                money,
            });
            quantity -= part;
        }
        if quantity == 0 {
            return;
        }
    }
    assert!(quantity == 0, "{quantity} units more than there are orders");
}

/// Checks that no order is filled beyond its quantity.
fn within_orders(side: &str, fills: &[Fill], orders: &[Order]) -> Result<(), String> {
    let mut left: Vec<u64> = orders.iter().map(|order| order.quantity).collect();
    for fill in fills {
        let rest = left[fill.order].checked_sub(fill.quantity);
        left[fill.order] =
            rest.ok_or_else(|| format!("{side} {} is filled beyond its quantity", fill.order))?;
    }
    Ok(())
}

fn total(fills: &[Fill]) -> Amount {
    fills
        .iter()
        .fold(Amount::ZERO, |sum, fill| sum + fill.money)
}

/// The price of so many units.
pub(super) fn times(price: Amount, quantity: u64) -> Amount {
    price.mul_floor(quantity, 1)
}

/// Units in orders that pass.
pub(super) fn units(orders: &[Order], pass: impl Fn(&Order) -> bool) -> u64 {
    orders
        .iter()
        .filter(|order| pass(order))
        .map(|order| order.quantity)
        .sum()
}

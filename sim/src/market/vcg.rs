//! Vickrey–Clarke–Groves: the efficient trade, and each pays what its presence costs the others.
//!
//! Telling the truth is a dominant strategy, for any number of units at one limit, and all gains are made; so there is a deficit
//! (Myerson and Satterthwaite 1983). With one unit each it is `k (min(b_k, a_{k+1}) − max(a_k, b_{k+1}))`.
//!
//! Without a buyer of `x` units, its `x` units of supply go to the best of what is then left: bids of others that were rejected, or
//! sellers, the dearest first, who keep their units and save their cost. The buyer pays the `x` largest of these; a seller of `x` units
//! gets the `x` smallest of others' rejected asks and of accepted bids.
//! E. Clarke, "Multipart pricing of public goods", Public Choice 11, 1971; T. Groves, "Incentives in teams", Econometrica 41, 1973.

use crate::units::Amount;

use super::clearing::times;
use super::crossing::Crossing;
use super::procurement::Sellers;
use super::{Clearing, Fill, Market, Order, Pair};

/// The two-sided auction; it has no parameters, and somebody must bear its deficit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vcg;

impl Market for Vcg {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let crossing = Crossing::of(bids, asks);
        let buyers = Side::of(bids, &crossing.bids, crossing.quantity);
        let sellers = Side::of(asks, &crossing.asks, crossing.quantity);
        buyers.price(&sellers, Amount::max, &mut out.bought);
        sellers.price(&buyers, Amount::min, &mut out.sold);
    }
}

/// One side of the market, cut at the margin.
struct Side {
    /// Units that trade, from the margin inwards.
    accepted: Vec<Units>,
    /// Units that do not, from the margin outwards.
    rejected: Vec<Units>,
}

/// Units of an order at its limit.
struct Units {
    order: usize,
    price: Amount,
    quantity: u64,
}

impl Side {
    fn of(orders: &[Order], merit: &[usize], mut left: u64) -> Self {
        let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
        for &order in merit {
            let Order {
                price, quantity, ..
            } = orders[order];
            let inside = quantity.min(left);
            left -= inside;
            for (list, quantity) in [(&mut accepted, inside), (&mut rejected, quantity - inside)] {
                if quantity > 0 {
                    list.push(Units {
                        order,
                        price,
                        quantity,
                    });
                }
            }
        }
        accepted.reverse();
        Self { accepted, rejected }
    }

    /// What each order pays or gets: as many as it trades of the `better` of two lists, what others of its own side did not trade and
    /// what the other side did.
    fn price(&self, other: &Self, better: fn(Amount, Amount) -> Amount, out: &mut Vec<Fill>) {
        for own in self.accepted.iter().rev() {
            let mut rivals = self
                .rejected
                .iter()
                .filter(|units| units.order != own.order);
            let mut partners = other.accepted.iter();
            let (mut rival, mut partner) = (rivals.next(), partners.next());
            let (mut left, mut money) = (own.quantity, Amount::ZERO);
            while left > 0 {
                // Partners alone have as many units as all orders trade.
                let released = partner.expect("units of the other side");
                let next = match rival {
                    Some(units) if better(units.price, released.price) == units.price => {
                        rival = rivals.next();
                        units
                    }
                    _ => {
                        partner = partners.next();
                        released
                    }
                };
                let part = next.quantity.min(left);
                money += times(next.price, part);
                left -= part;
            }
            out.push(Fill {
                order: own.order,
                quantity: own.quantity,
                money,
            });
        }
    }
}

/// Procurement: each buyer takes the cheapest sellers, and pays each what the others would have charged for its units.
///
/// With one unit each this is [`super::vickrey::Vickrey`]. Each buyer's limit is its reserve price: no unit costs more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcurementVcg;

impl Market for ProcurementVcg {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let (mut sellers, mut winners) = (Sellers::new(asks), Vec::new());
        for (bid, order) in bids.iter().enumerate() {
            sellers.take(order.price, order.quantity, &mut winners);
            for &(ask, quantity) in &winners {
                let (mut left, mut money) = (quantity, Amount::ZERO);
                let rivals = sellers.rest().filter(|rival| rival.0 != ask);
                for (_, price, units) in rivals.take_while(|rival| rival.1 <= order.price) {
                    let part = units.min(left);
                    money += times(price, part);
                    left -= part;
                    if left == 0 {
                        break;
                    }
                }
                money += times(order.price, left);
                let fill = |order| Fill {
                    order,
                    quantity,
                    money,
                };
                out.bought.push(fill(bid));
                out.sold.push(fill(ask));
                out.pairs.push(Pair { bid, ask, quantity });
            }
        }
    }
}

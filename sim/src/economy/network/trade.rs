//! The trades of an epoch: who asks, who bids, and what comes of it.

use walras_des::math;

use super::{Epoch, MILLI, State, Work, money};
use crate::economy::machines::Live;
use crate::economy::pool::Pool;
use crate::market::wide::mul_div;
use crate::market::{Market, Order};
use crate::series::{Column, Row};
use crate::units::Amount;

/// Steps of the demand curve that is put before a market without announced prices, and the span of prices around the last one.
const STEPS: i32 = 24;
const SPAN: f64 = 8.0;

/// What comes of an epoch's trades.
#[derive(Clone, Debug)]
pub(super) struct Deal {
    /// What customers wanted [units a day].
    pub wanted: f64,
    /// What they got [units a day].
    pub served: f64,
    /// What they paid, what sellers are to get of it, and what is to be destroyed.
    pub paid: Amount,
    pub received: Amount,
    pub burned: Amount,
    /// What each node was paid for, if they are modelled.
    pub paid_to: Option<Vec<Amount>>,
    /// Requests that came, and those served within their objectives, if they are modelled.
    pub requests: [u64; 2],
}

impl Deal {
    /// What a unit was sold for on average [USD]; none if nothing was.
    fn price(&self, epoch: Epoch) -> Option<f64> {
        let units = self.served * epoch.days;
        (units > 0.0).then(|| self.paid.as_f64() / units)
    }
}

impl State {
    /// Sells work, or storage by deals, or work by contract too, to customers who want `wanted` units a day at the price that they expect,
    /// and `at(p)` if they expected `p`.
    pub(super) fn sell(
        &mut self,
        epoch: Epoch,
        wanted: f64,
        at: impl Fn(f64) -> f64,
        live: Option<&mut Live<'_>>,
        pools: &[Pool],
        row: &mut Row,
    ) -> Deal {
        let capacity = self.capacity();
        // Announced prices follow what customers would store were they free, which the stock comes to as deals end; where new deals find the
        // price, others are no part of the market.
        let mut book = self.book.take();
        let is_announced = self.market.quote().is_some();
        let mut kept = 0.0;
        if let Some(book) = &mut book {
            book.open(wanted.min(capacity), self.price, wanted);
            kept = book.kept(epoch.index).min(capacity);
        }
        let aside = if is_announced { 0.0 } else { kept };
        let asked = |wanted| {
            let book = book.as_ref().filter(|_| !is_announced);
            book.map_or(wanted, |book| book.missing(epoch.index, wanted))
        };
        let offered = (asked(wanted), aside);
        let mut deal = self.trade(epoch, offered, |price| asked(at(price)), live, pools);
        let price = deal.price(epoch).unwrap_or(self.price);
        if let Some(book) = &mut book {
            if is_announced {
                deal.wanted = kept + book.missing(epoch.index, wanted);
                deal.served = deal.wanted.min(capacity);
            } else {
                deal.wanted += aside;
                deal.served += aside;
            }
            let level = if is_announced { wanted } else { at(price) };
            let (new, paid) = book.sign(epoch.index, deal.served, price, level);
            [deal.paid, deal.received, deal.burned] = self.money_of(Amount::from_f64(paid));
            row[Column::NewDeals] = new / epoch.days;
        }
        self.book = book;
        if let Work::Seller(shop) = &mut self.work
            && let Some(sales) = &mut shop.sales
        {
            let sold = sales.sell(epoch.index, deal.wanted, capacity, price);
            deal.served = sold.reserved + sold.on_demand + sold.spot;
            [deal.paid, deal.received, deal.burned] =
                self.money_of(Amount::from_f64(sold.paid * epoch.days));
            row[Column::Reserved] = sold.reserved;
            row[Column::Spot] = sold.spot;
            row[Column::Unused] = sold.unused;
        }
        deal
    }

    /// Lets the market clear, and the work be done; of capacity a part may be aside, the cheapest [units a day].
    fn trade(
        &mut self,
        epoch: Epoch,
        (wanted, aside): (f64, f64),
        at: impl Fn(f64) -> f64,
        live: Option<&mut Live<'_>>,
        pools: &[Pool],
    ) -> Deal {
        self.ask(epoch, aside);
        self.bid(epoch, wanted, at);
        let Some(live) = live else {
            self.market.clear(&self.bids, &self.asks, &mut self.trades);
            self.note_price();
            return self.flow(epoch, wanted);
        };
        // Who works, and at which price, is known before the first request comes.
        let announced = self.market.quote();
        let mut market = self.market.clone();
        market.clear(&self.bids, &self.asks, &mut self.trades);
        let limit = self.sellers_limit(announced);
        let offered = if announced.is_some() {
            wanted
        } else {
            self.market = market;
            self.note_price();
            self.trades.quantity() as f64 / MILLI / epoch.days
        };
        let price = announced.map_or(self.price, |quote| quote.as_f64() * MILLI);
        let Work::Owners(roster) = &self.work else {
            unreachable!("machines have owners");
        };
        let (pool, gross) = (&pools[roster.pool], self.gross());
        let is_in = |owner: usize| {
            let ask = pool.asks(owner, roster);
            ask.is_some_and(|cost| money(cost * gross) <= limit)
        };
        let until = epoch.now + epoch.length;
        let done = live.run(until, offered, Amount::from_f64(price), is_in);
        if announced.is_some() {
            // What customers sent is what the price reacts to.
            self.bid(epoch, done.wanted / epoch.days, |_| 0.0);
            self.market.clear(&self.bids, &self.asks, &mut self.trades);
            self.note_price();
        }
        let [paid, received, burned] = self.money_of(done.paid);
        Deal {
            wanted: if announced.is_some() {
                done.wanted / epoch.days
            } else {
                wanted
            },
            served: done.served / epoch.days,
            paid,
            received,
            burned,
            paid_to: Some(done.paid_to),
            requests: done.requests,
        }
    }

    /// The trades as they were made, or as much of them as machines that are modelled as a flow get done.
    fn flow(&self, epoch: Epoch, wanted: f64) -> Deal {
        let quantity = self.trades.quantity();
        let mut deal = Deal {
            wanted,
            served: quantity as f64 / MILLI / epoch.days,
            paid: self.trades.paid(),
            received: self.trades.received(),
            burned: self.trades.burned,
            paid_to: None,
            requests: [0; 2],
        };
        if let Some(machines) = self.plan.machines.as_ref().filter(|_| quantity > 0) {
            let limit = self.sellers_limit(self.market.quote());
            let willing = self.asks.iter().filter(|ask| ask.price <= limit);
            let room = willing.map(|ask| ask.quantity).sum::<u64>().max(1) as f64;
            let sent = if self.market.quote().is_some() {
                wanted * MILLI * epoch.days
            } else {
                quantity as f64
            };
            // What is offered is what is served at most, the rest of what nodes could do if they were always there.
            let could = room / machines.goodput.most();
            let done = machines.goodput.at(sent / could) * could;
            deal.served = done / MILLI / epoch.days;
            let paid = deal.paid.as_f64() * done / quantity as f64;
            [deal.paid, deal.received, deal.burned] = self.money_of(Amount::from_f64(paid));
        }
        deal
    }

    /// What sellers get and what is destroyed if `paid` is paid, in the proportions of the trades.
    fn money_of(&self, paid: Amount) -> [Amount; 3] {
        let whole = self.trades.paid();
        if whole <= Amount::ZERO {
            return [paid, paid, Amount::ZERO];
        }
        let [part, whole] = [paid, whole].map(|amount| amount.0.unsigned_abs());
        let of = |amount: Amount| {
            let of = mul_div(amount.0.unsigned_abs(), part, whole);
            Amount(i128::try_from(of).expect("amount overflow"))
        };
        [paid, of(self.trades.received()), of(self.trades.burned)]
    }

    /// The highest ask that the last trades had a place for.
    fn sellers_limit(&self, announced: Option<Amount>) -> Amount {
        let filled = self
            .trades
            .sold
            .iter()
            .map(|fill| self.asks[fill.order].price);
        let one_price = self.trades.sellers_price;
        one_price.or(filled.max()).or(announced).unwrap_or_default()
    }

    /// Owners, or the seller, ask.
    fn ask(&mut self, epoch: Epoch, aside: f64) {
        let milli = |units: f64| (units * MILLI * epoch.days).round().max(0.0) as u64;
        let mut aside = milli(aside);
        self.asks.clear();
        match &self.work {
            Work::Owners(roster) => {
                // Who waits for better times at a loss sells what it has at an announced price meanwhile.
                let is_taken = roster.waits && self.market.quote().is_some();
                for (index, (cost, capacity)) in roster.offers().enumerate() {
                    let whole = milli(capacity as f64 / MILLI);
                    let quantity = whole.saturating_sub(aside);
                    aside = aside.saturating_sub(whole);
                    let least = if is_taken { 0.0 } else { cost };
                    self.asks.push(Order::new(
                        index as u32,
                        money(least * self.gross()),
                        quantity,
                    ));
                }
            }
            Work::Seller(shop) => {
                let ask = Order::new(0, money(shop.cost()), milli(shop.capacity));
                self.asks.push(ask);
            }
        }
    }

    /// Customers bid: all that is wanted at an announced price, or along their demand curve.
    fn bid(&mut self, epoch: Epoch, wanted: f64, at: impl Fn(f64) -> f64) {
        let milli = |units: f64| (units * MILLI * epoch.days).round().max(0.0) as u64;
        self.bids.clear();
        if self.market.quote().is_some() {
            self.bids
                .push(Order::new(0, Amount(i128::from(u64::MAX)), milli(wanted)));
        } else {
            // From the highest price down: who buys at a price buys at a lower one, too.
            let mut before = 0;
            for step in 0..=STEPS {
                let log = 1.0 - 2.0 * f64::from(step) / f64::from(STEPS);
                let price = self.price * math::powf(SPAN, log);
                let quantity = milli(at(price));
                if quantity > before {
                    self.bids
                        .push(Order::new(step as u32, money(price), quantity - before));
                    before = quantity;
                }
            }
        }
    }

    /// Customers expect what is announced next, or what was paid last.
    fn note_price(&mut self) {
        let quantity = self.trades.quantity();
        let announced = self
            .market
            .quote()
            .map(|quote| quote.0 as f64 / 1e9 * MILLI);
        let traded = (quantity > 0).then(|| self.trades.paid().as_f64() / quantity as f64 * MILLI);
        // Where nobody bids near the last price, customers look at what is asked.
        let asked = || {
            let asks = self.asks.iter().filter(|ask| ask.quantity > 0);
            let least = asks.map(|ask| ask.price).min()?.as_f64() * MILLI;
            (self.bids.is_empty() && least < self.price).then(|| least.max(self.price / SPAN))
        };
        self.price = (announced.or(traded).or_else(asked))
            .unwrap_or(self.price)
            .max(1e-9);
    }
}

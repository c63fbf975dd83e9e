//! One network through the years: its market clears, its books are settled, its token is minted and burned, its owners come and go.

mod coin;
mod pay;
mod seller;
mod settle;
mod trade;

use walras_des::{SimTime, Span, Streams};

use crate::demand::logit::{Offer, Weights};
use crate::economy::creators::{Creators, Guild};
use crate::economy::deals::{Book, Deals};
use crate::economy::machines::{Live, Machines};
use crate::economy::pool::{Moves, Party, Pool};
use crate::economy::roster::Roster;
use crate::economy::stakes::{Damage, Verification, Watch};
use crate::economy::validators::{Panel, Validators};
use crate::economy::welfare::Curve;
use crate::economy::{Change, Membership, Owners, Token};
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::market::{Clearing, Mechanism, Order};
use crate::series::{Column, Row};
use crate::supply::orders::Orders;
use crate::units::{Amount, Ppm};

use coin::Coin;
use seller::Shop;
use trade::Deal;

pub use seller::{Following, Seller};

/// Who sells work, at which price, for what money.
#[derive(Clone, Debug)]
pub struct Network {
    /// Name in the scenario.
    pub name: String,
    /// What it is like to customers; its price is the market's.
    pub offer: Offer,
    /// Index of the nest of networks that are like it, if there are any.
    pub nest: Option<usize>,
    /// Whether it is open from the start.
    pub is_open: bool,
    /// Who works.
    pub supply: Supply,
    /// How prices are found; it trades in thousandths of a unit.
    pub market: Mechanism,
    /// Price that customers expect before the first trade [USD per unit].
    pub initial_price: f64,
    /// Share of what customers pay that the protocol keeps.
    pub take_rate: Ppm,
    /// What running the protocol costs [USD a day].
    pub upkeep: f64,
    /// What the treasury has at the start [USD].
    pub treasury: f64,
    /// How it makes sure that work is done; none if nobody cheats.
    pub verification: Option<Verification>,
    /// Who makes the models that work names; none if nobody is paid for them.
    pub creators: Option<Creators>,
    /// Who divides new tokens between owners; none if they go by capacity.
    pub validators: Option<Validators>,
    /// How data are kept, if work is storage by deals.
    pub deals: Option<Deals>,
    /// Its token, if it has one.
    pub token: Option<Token>,
    /// The machines of its owners and the requests of its customers, if these are modelled.
    pub machines: Option<Machines>,
}

/// Who works for a network.
#[derive(Clone, Debug, PartialEq)]
// A scenario has a handful of them.
#[allow(clippy::large_enum_variant)]
pub enum Supply {
    /// Many owners who come and go.
    Owners(Owners),
    /// Owners of a pool, who may go to other networks.
    Pool(Membership),
    /// One seller.
    Seller(Seller),
}
/// Base units for a thousandth of a unit, which is what markets trade.
fn money(usd: f64) -> Amount {
    Amount((usd * 1e9 / MILLI).round() as i128)
}
/// Thousandths in a unit.
const MILLI: f64 = 1e3;
/// Share of capacity that is used.
fn utilization(served: f64, capacity: f64) -> f64 {
    if capacity > 0.0 {
        served / capacity
    } else {
        0.0
    }
}

/// The time of an epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    pub index: u32,
    pub now: SimTime,
    /// From the start to its beginning [days].
    pub start: f64,
    /// Its length [days].
    pub days: f64,
    /// The same.
    pub length: Span,
}

impl Epoch {
    /// Whole seconds from the start to its end.
    fn end_seconds(&self) -> u64 {
        (self.now + self.length).as_nanos() / Span::SECOND.as_nanos()
    }
}

/// What networks have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Commons {
    /// Owners, each of whom may provide to one network.
    pub pools: Vec<Pool>,
    /// Queues for new hardware.
    pub makers: Vec<Orders<Party>>,
}

/// A network at work.
#[derive(Clone, Debug)]
pub(super) struct State {
    plan: Network,
    index: usize,
    market: Mechanism,
    appeal: f64,
    pub is_open: bool,
    /// What customers expect to pay [USD per unit].
    pub price: f64,
    /// What they would send it if it had room for all [units a day].
    pub sought: f64,
    work: Work,
    pub ledger: Ledger,
    coin: Option<Coin>,
    watch: Option<Watch>,
    guild: Option<Guild>,
    panel: Option<Panel>,
    book: Option<Book>,
    bids: Vec<Order>,
    asks: Vec<Order>,
    trades: Clearing,
}

#[derive(Clone, Debug)]
enum Work {
    Owners(Box<Roster>),
    Seller(Box<Shop>),
}

impl Work {
    /// The owners, if there are any.
    fn roster(&self) -> Option<&Roster> {
        match self {
            Self::Owners(roster) => Some(roster),
            Self::Seller(_) => None,
        }
    }
}

/// What an epoch of a network comes to, before the others are known.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    moves: Moves,
    bought_usd: f64,
    sold: Amount,
    minted: Amount,
    for_owners: Amount,
    /// The same, whether anybody was there or not.
    offered: Amount,
    damage: Damage,
    burned: Amount,
    /// Income of the treasury in dollars.
    income: Amount,
    unpaid: f64,
}

impl State {
    pub fn new(
        plan: &Network,
        index: usize,
        epoch_days: f64,
        streams: &Streams,
        tastes: &Weights,
        journal: bool,
        commons: &mut Commons,
    ) -> Self {
        let mut work = match &plan.supply {
            Supply::Owners(owners) => {
                let machines = plan.machines.as_ref();
                let nodes = machines.map(|machines| machines.offers(streams));
                let (at, nodes) = (commons.pools.len(), nodes.as_deref());
                let mut pool = Pool::new(owners, nodes, at, epoch_days, streams, index as u64);
                let expected = plan.initial_price;
                let stake = (owners.stake, owners.lock);
                let mut roster = Roster::new(index, (at, &pool), stake, epoch_days, expected);
                pool.open(&mut roster, owners.online);
                commons.pools.push(pool);
                Work::Owners(Box::new(roster))
            }
            Supply::Pool(Membership {
                pool: at,
                online,
                stake,
                lock,
            }) => {
                let pool = &mut commons.pools[*at];
                let (stake, expected) = ((*stake, *lock), plan.initial_price);
                let mut roster = Roster::new(index, (*at, pool), stake, epoch_days, expected);
                pool.open(&mut roster, *online);
                Work::Owners(Box::new(roster))
            }
            Supply::Seller(seller) => Work::Seller(Box::new(Shop::new(seller, epoch_days))),
        };
        let owners = (work.roster()).map_or(0, |roster| commons.pools[roster.pool].len());
        let panel = plan.validators.as_ref().and_then(|plan| {
            let pool = &mut commons.pools[work.roster()?.pool];
            let pace = (pool.plan().memory, epoch_days);
            let panel = Panel::new(plan, owners, pace, streams, index as u64);
            pool.ally(panel.allies());
            Some(panel)
        });
        let mut ledger = Ledger::new(owners);
        if journal {
            ledger.keep_journal();
        }
        ledger.mint(
            Asset::Usd,
            Account::TREASURY,
            Amount::from_f64(plan.treasury),
            Reason::Genesis,
        );
        let book = (plan.deals.as_ref()).map(|plan| Book::new(plan, epoch_days));
        let coin = plan.token.as_ref().map(|token| {
            let coin = Coin::new(token, index, &mut ledger, streams);
            if let Work::Owners(owners) = &mut work {
                if let Some(book) = &book {
                    let capacity = owners.capacity() as f64 / MILLI;
                    let now = coin.economics(&ledger, 0.0, None, capacity);
                    owners.stake = book.pledge(&now).as_f64() * coin.usd;
                }
                commons.pools[owners.pool].lock_first(owners, &mut ledger, coin.usd);
            }
            coin
        });
        Self {
            plan: plan.clone(),
            index,
            market: plan.market.clone(),
            appeal: tastes.utility(&plan.offer),
            is_open: plan.is_open,
            price: plan.initial_price,
            sought: 0.0,
            work,
            ledger,
            coin,
            watch: (plan.verification.as_ref())
                .map(|plan| Watch::new(plan, owners, streams, index as u64)),
            guild: (plan.creators.as_ref()).map(|plan| Guild::new(plan, streams, index as u64)),
            panel,
            book,
            bids: Vec::new(),
            asks: Vec::new(),
            trades: Clearing::default(),
        }
    }

    /// Its owners, if there are any.
    pub fn roster(&self) -> Option<&Roster> {
        self.work.roster()
    }

    /// Its seller, if there is one.
    fn shop(&self) -> Option<&Shop> {
        match &self.work {
            Work::Owners(_) => None,
            Work::Seller(shop) => Some(shop),
        }
    }

    /// Hardware that a seller has ordered of a maker is there [units a day].
    pub fn deliver(&mut self, units: f64) {
        if let Work::Seller(shop) = &mut self.work {
            shop.deliver(units);
        }
    }

    pub fn change(&mut self, change: Change, commons: &mut Commons) {
        match change {
            Change::Demand(_) | Change::Output { .. } | Change::Orders { .. } => {}
            Change::TokenPrice(factor) => {
                if let Some(coin) = &mut self.coin {
                    coin.shock *= factor;
                }
            }
            Change::Price(factor) => {
                if let Mechanism::Posted(posted) = &mut self.market {
                    posted.price = Amount((posted.price.0 as f64 * factor).round() as i128);
                    self.price *= factor;
                }
            }
            Change::RunningCost(factor) => match &mut self.work {
                Work::Owners(roster) => {
                    let pool = &mut commons.pools[roster.pool];
                    pool.scale_costs(factor);
                    pool.recount(roster);
                }
                Work::Seller(shop) => shop.cost_factor *= factor,
            },
            Change::Electricity { factor, place } => {
                if let Work::Owners(roster) = &mut self.work {
                    commons.pools[roster.pool].scale_power(factor, place);
                }
            }
            Change::Emission(factor) => {
                if let Some(coin) = &mut self.coin {
                    coin.factor *= factor;
                }
            }
            Change::Appeal(more) => self.appeal += more,
            Change::Open(is_open) => self.is_open = is_open,
        }
    }

    /// How much customers like it, with the models that it has [units of utility].
    pub fn appeal(&self) -> f64 {
        self.appeal + self.guild.as_ref().map_or(0.0, |guild| guild.appeal)
    }

    /// The creators of its models, if they are paid.
    pub fn guild(&self) -> Option<&Guild> {
        self.guild.as_ref()
    }

    /// What customers reckon to pay for a unit that is done [USD], if they are asked for `price`.
    pub fn effective(&self, price: f64) -> f64 {
        let quality = self.watch.as_ref().map_or(1.0, |watch| watch.quality);
        price * self.mix() / quality.max(1e-3)
    }

    /// Mean price of work over the price on demand.
    fn mix(&self) -> f64 {
        self.shop().map_or(1.0, Shop::mix)
    }

    /// What work costs there on average, for who comes now [USD per unit].
    pub fn asked(&self) -> f64 {
        self.price * self.mix()
    }

    /// What its hardware could do at each cost.
    pub fn curve(&self, commons: &Commons) -> Curve {
        match &self.work {
            Work::Owners(roster) => Curve::of(commons.pools[roster.pool].potential(roster)),
            Work::Seller(shop) => Curve::of(std::iter::once((shop.cost(), shop.capacity))),
        }
    }

    /// What customers and all who work gain in an epoch like this, customers' own surplus left out [USD a day].
    pub fn gain(&self, row: &Row) -> f64 {
        row[Column::Spend]
            - match &self.work {
                Work::Owners(_) => row[Column::Cost] * row[Column::Capacity],
                Work::Seller(shop) => shop.cost() * row[Column::Served],
            }
    }

    /// What it will be asked for in an epoch in which customers want `wanted` units a day [units a day]: those in deals and
    /// contracts stay.
    pub fn bound(&self, epoch: Epoch, wanted: f64) -> f64 {
        let sales = self.shop().and_then(|shop| shop.sales.as_ref());
        match (&self.book, sales) {
            (Some(book), _) => book.stock(epoch.index, wanted),
            (_, Some(sales)) => sales.bound(epoch.index, wanted),
            _ => wanted,
        }
    }

    /// Whether it sells by contract: what stays there is asked of it like all else.
    pub fn has_contracts(&self) -> bool {
        self.shop().is_some_and(|shop| shop.sales.is_some())
    }

    /// What it can do in a day [units].
    pub fn capacity(&self) -> f64 {
        match &self.work {
            Work::Owners(owners) => owners.capacity() as f64 / MILLI,
            Work::Seller(shop) => shop.capacity,
        }
    }

    /// An epoch in which customers want `wanted` units a day at the price that they expect, and `at(p)` if they expected `p`; the
    /// lowest price elsewhere is `rival`. Work is done by `live` machines, if there are any.
    pub fn step(
        &mut self,
        epoch: Epoch,
        wanted: f64,
        at: impl Fn(f64) -> f64,
        rival: f64,
        live: Option<&mut Live<'_>>,
        commons: &mut Commons,
    ) -> Row {
        self.ledger.set_time(epoch.now);
        let capacity = self.capacity();
        let (mut tally, mut row) = (Tally::default(), Row::default());
        let deal = self.sell(epoch, wanted, at, live, &commons.pools, &mut row);
        let pay = self.settle(epoch, &deal, &mut tally);
        self.mint(epoch, &mut tally);
        if let Some(panel) = &mut self.panel {
            tally.for_owners = panel.take(tally.for_owners);
        }
        self.pay_owners(epoch, &deal, pay, &mut tally, commons, &mut row);
        let worked = (deal.served, capacity);
        self.ask_owners(epoch, worked, &mut tally, commons, &mut row);
        if let Some(guild) = &mut self.guild {
            let work = deal.served * epoch.days;
            let token_usd = self.coin.as_ref().map(|coin| coin.usd);
            let harvest = guild.step(epoch.start, epoch.days, work, &mut self.ledger, token_usd);
            tally.sold += harvest.sold;
            row[Column::Models] = guild.len() as f64;
            row[Column::ModelQuality] = guild.quality;
            row[Column::CreatorPay] = harvest.paid / epoch.days;
        }
        self.free(epoch, &mut tally);
        self.keep_house(epoch, deal.served, &mut tally);
        if let Work::Seller(shop) = &mut self.work {
            shop.order(epoch, deal.served, self.index, &mut commons.makers);
            if let Mechanism::Posted(posted) = &mut self.market {
                shop.follow(epoch, rival, posted);
            }
        }
        if let Some(coin) = &mut self.coin {
            coin.issue(&mut tally, &mut self.ledger);
            coin.reprice(epoch, deal.paid, &tally, &mut self.ledger, &mut row);
        }
        let by_day = |amount: f64| amount / epoch.days;
        let [requests, within] = deal.requests.map(|requests| requests as f64);
        let supply = self.ledger.supply(Asset::Token);
        let treasury = [Asset::Usd, Asset::Token]
            .map(|asset| self.ledger.balance(asset, Account::TREASURY).as_f64());
        let coin_usd = self.coin.as_ref().map_or(0.0, |coin| coin.usd);
        for (column, value) in [
            (Column::Wanted, deal.wanted),
            (Column::Served, deal.served),
            (Column::Capacity, capacity),
            (Column::Utilization, utilization(deal.served, capacity)),
            (Column::Price, self.asked()),
            (Column::RivalPrice, rival),
            (Column::Spend, by_day(deal.paid.as_f64())),
            (Column::Joined, f64::from(tally.moves.joined)),
            (Column::Left, f64::from(tally.moves.left)),
            (Column::Supply, supply.as_f64()),
            (Column::Minted, tally.minted.as_f64()),
            (Column::Burned, tally.burned.as_f64()),
            (Column::Bought, by_day(tally.bought_usd)),
            (Column::Sold, tally.sold.as_f64()),
            (Column::Treasury, treasury[0] + treasury[1] * coin_usd),
            (Column::Unpaid, by_day(tally.unpaid)),
            (Column::Requests, by_day(requests)),
            (Column::Within, by_day(within)),
        ] {
            row[column] = value;
        }
        row
    }

    /// What an owner must be paid by customers to get one dollar.
    fn gross(&self) -> f64 {
        let kept = self.plan.take_rate.fraction() + self.for_creators().fraction();
        1.0 / (1.0 - kept).max(1e-6)
    }

    /// Share of what owners would get that is for creators.
    fn for_creators(&self) -> Ppm {
        (self.plan.creators.as_ref()).map_or(Ppm::default(), |creators| creators.share)
    }

    /// Holds the books.
    ///
    /// # Panics
    /// If money was created or lost, or what owners are owed is not there.
    pub fn audit(&self, commons: &Commons) {
        self.ledger.audit();
        if let Some(guild) = &self.guild {
            guild.audit();
        }
        let Some(roster) = self.roster() else {
            return;
        };
        let owners = &commons.pools[roster.pool];
        for (asset, owed) in [Asset::Usd, Asset::Token]
            .into_iter()
            .zip(owners.owed(roster))
        {
            let there = self.ledger.balance(asset, Account::EARNINGS);
            let undivided = (self.panel.as_ref()).filter(|_| asset == Asset::Token);
            let owed = owed + undivided.map_or(Amount::ZERO, Panel::held);
            assert!(
                owed <= there,
                "owners are owed {owed} {}, and there is {there}",
                asset.name()
            );
        }
        let coin = self.coin.as_ref();
        let delegated = coin.and_then(|coin| Some(coin.delegation.as_ref()?.delegated));
        assert_eq!(
            owners.staked(roster) + delegated.unwrap_or_default(),
            self.ledger.balance(Asset::Token, Account::STAKES),
            "stakes do not add up"
        );
    }
}

//! One network through the years: its market clears, its books are settled, its token is minted and burned, its owners come and go.

use walras_des::{SimTime, Span, Streams, math};

use crate::demand::logit::{Offer, Weights};
use crate::economy::contracts::{Contracts, Sales};
use crate::economy::creators::{Creators, Guild};
use crate::economy::deals::{Book, Deals, Economics};
use crate::economy::machines::{Live, Machines};
use crate::economy::pool::{Look, Moves, Party, Pool, sell};
use crate::economy::roster::{Pots, Roster};
use crate::economy::stakes::{Damage, Delegation, Temper, Verification, Watch};
use crate::economy::token::{Emission, Holder, Situation};
use crate::economy::validators::{Panel, Validators};
use crate::economy::welfare::Curve;
use crate::economy::{Change, Membership, Owners, Payment, Token};
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::market::wide::mul_div;
use crate::market::{Clearing, Market, Mechanism, Order};
use crate::series::{Column, Row};
use crate::supply::orders::Orders;
use crate::token::price::{TokenFlows, TokenPrice};
use crate::units::{Amount, Ppm};

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

/// A seller who owns all of a network's hardware.
#[derive(Clone, Debug, PartialEq)]
pub struct Seller {
    /// What it can do at the start [units a day].
    pub capacity: f64,
    /// What a unit costs it [USD].
    pub cost: f64,
    /// It orders hardware to be used to this share.
    pub target: f64,
    /// Time from order to delivery [days], if no maker's queue says it.
    pub lead_time: f64,
    /// Index of the maker at whose queue it orders.
    pub maker: Option<usize>,
    /// If it follows others with its posted price.
    pub follows: Option<Following>,
    /// What it sells beside work on demand, at a posted price.
    pub contracts: Option<Contracts>,
}

/// A seller who moves its posted price toward a multiple of the lowest price elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Following {
    /// The multiple.
    pub multiple: f64,
    /// Half-life of the distance [days].
    pub half_life: f64,
    /// It goes no lower than this [USD per unit].
    pub floor: f64,
}

/// Base units for a thousandth of a unit, which is what markets trade.
fn money(usd: f64) -> Amount {
    Amount((usd * 1e9 / MILLI).round() as i128)
}

/// Where tokens do not circulate, stakes last.
const LOCKED: [Account; 3] = [Account::VESTING, Account::TREASURY, Account::STAKES];

/// Thousandths in a unit.
const MILLI: f64 = 1e3;

/// Steps of the demand curve that is put before a market without announced prices, and the span of prices around the last one.
const STEPS: i32 = 24;
const SPAN: f64 = 8.0;

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
    sales: Option<Sales>,
    cost_factor: f64,
    bids: Vec<Order>,
    asks: Vec<Order>,
    trades: Clearing,
}

/// What comes of an epoch's trades.
#[derive(Clone, Debug)]
struct Deal {
    /// What customers wanted [units a day].
    wanted: f64,
    /// What they got [units a day].
    served: f64,
    /// What they paid, what sellers are to get of it, and what is to be destroyed.
    paid: Amount,
    received: Amount,
    burned: Amount,
    /// What each node was paid for, if they are modelled.
    paid_to: Option<Vec<Amount>>,
    /// Requests that came, and those served within their objectives, if they are modelled.
    requests: [u64; 2],
}

#[derive(Clone, Debug)]
enum Work {
    Owners(Box<Roster>),
    Seller {
        plan: Seller,
        capacity: f64,
        /// When what is ordered comes [days]; infinite while a maker has yet to say.
        ordered: Vec<(f64, f64)>,
    },
}

/// The token at work.
#[derive(Clone, Debug)]
struct Coin {
    plan: Token,
    price: TokenPrice,
    usd: f64,
    stream: walras_des::Stream,
    delegation: Option<Delegation>,
    rule: Emission,
    /// New tokens of the last day that was asked for.
    today: (Option<u64>, Amount),
    /// Times what the rule says.
    factor: f64,
    /// Freed so far of each allotment.
    freed: Vec<Amount>,
    /// Burned and not minted again.
    backlog: Amount,
    shock: f64,
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
            Supply::Seller(seller) => Work::Seller {
                plan: seller.clone(),
                capacity: seller.capacity,
                ordered: Vec::new(),
            },
        };
        let owners = match &work {
            Work::Owners(roster) => commons.pools[roster.pool].len(),
            Work::Seller { .. } => 0,
        };
        let panel = plan.validators.as_ref().and_then(|plan| {
            let Work::Owners(roster) = &work else {
                return None;
            };
            let pool = &mut commons.pools[roster.pool];
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
            sales: match &plan.supply {
                Supply::Seller(seller) => {
                    (seller.contracts).map(|plan| Sales::new(plan, epoch_days))
                }
                Supply::Owners(_) | Supply::Pool(_) => None,
            },
            cost_factor: 1.0,
            bids: Vec::new(),
            asks: Vec::new(),
            trades: Clearing::default(),
        }
    }

    /// Its owners, if there are any.
    pub fn roster(&self) -> Option<&Roster> {
        match &self.work {
            Work::Owners(roster) => Some(roster),
            Work::Seller { .. } => None,
        }
    }

    /// Hardware that a seller has ordered of a maker is there [units a day].
    pub fn deliver(&mut self, units: f64) {
        if let Work::Seller {
            capacity, ordered, ..
        } = &mut self.work
        {
            *capacity += units;
            ordered.remove(0);
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
            Change::RunningCost(factor) => {
                self.cost_factor *= factor;
                if let Work::Owners(roster) = &mut self.work {
                    let pool = &mut commons.pools[roster.pool];
                    pool.scale_costs(factor);
                    pool.recount(roster);
                }
            }
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
        self.sales.as_ref().map_or(1.0, Sales::price)
    }

    /// What work costs there on average, for who comes now [USD per unit].
    pub fn asked(&self) -> f64 {
        self.price * self.mix()
    }

    /// What its hardware could do at each cost.
    pub fn curve(&self, commons: &Commons) -> Curve {
        match &self.work {
            Work::Owners(roster) => Curve::of(commons.pools[roster.pool].potential(roster)),
            Work::Seller { plan, capacity, .. } => {
                Curve::of(std::iter::once((plan.cost * self.cost_factor, *capacity)))
            }
        }
    }

    /// What customers and all who work gain in an epoch like this, customers' own surplus left out [USD a day].
    pub fn gain(&self, row: &Row) -> f64 {
        row[Column::Spend]
            - match &self.work {
                Work::Owners(_) => row[Column::Cost] * row[Column::Capacity],
                Work::Seller { plan, .. } => plan.cost * self.cost_factor * row[Column::Served],
            }
    }

    /// What it will be asked for in an epoch in which customers want `wanted` units a day [units a day]: those in deals and
    /// contracts stay.
    pub fn bound(&self, epoch: Epoch, wanted: f64) -> f64 {
        match (&self.book, &self.sales) {
            (Some(book), _) => book.stock(epoch.index, wanted),
            (_, Some(sales)) => sales.bound(epoch.index, wanted),
            _ => wanted,
        }
    }

    /// Whether it sells by contract: what stays there is asked of it like all else.
    pub fn has_contracts(&self) -> bool {
        self.sales.is_some()
    }

    /// What it can do in a day [units].
    pub fn capacity(&self) -> f64 {
        match &self.work {
            Work::Owners(owners) => owners.capacity() as f64 / MILLI,
            Work::Seller { capacity, .. } => *capacity,
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
        let mut deal = self.trade(epoch, offered, |price| asked(at(price)), live, commons);
        let mut tally = Tally::default();
        let mut row = Row::default();
        if let Some(book) = &mut book {
            let units = deal.served * epoch.days;
            let price = if units > 0.0 {
                deal.paid.as_f64() / units
            } else {
                self.price
            };
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
        if let Some(sales) = &mut self.sales {
            let units = deal.served * epoch.days;
            let price = if units > 0.0 {
                deal.paid.as_f64() / units
            } else {
                self.price
            };
            let sold = sales.sell(epoch.index, deal.wanted, capacity, price);
            deal.served = sold.reserved + sold.on_demand + sold.spot;
            [deal.paid, deal.received, deal.burned] =
                self.money_of(Amount::from_f64(sold.paid * epoch.days));
            row[Column::Reserved] = sold.reserved;
            row[Column::Spot] = sold.spot;
            row[Column::Unused] = sold.unused;
        }
        let (usd, pay) = self.settle(epoch, &deal, &mut tally);
        self.mint(epoch, &mut tally);
        if let Some(panel) = &mut self.panel {
            tally.for_owners = panel.take(tally.for_owners);
        }
        let mut tokens = pay + tally.for_owners;
        let Deal {
            wanted,
            served,
            paid,
            ..
        } = deal;
        let token_usd = self.coin.as_ref().map(|coin| coin.usd);
        let gross = self.plan_gross();
        let mut pots = self.pots(epoch, &deal, (usd, pay), tally.offered);
        if let Work::Owners(roster) = &mut self.work {
            let pool = &mut commons.pools[roster.pool];
            let utilization = if capacity > 0.0 {
                served / capacity
            } else {
                0.0
            };
            roster.use_power(pool, epoch.start, utilization);
            if let (Some(book), Some(coin)) = (&mut self.book, &self.coin) {
                let minted = Amount((tally.for_owners.0 as f64 / epoch.days) as i128);
                let now = coin.economics(&self.ledger, epoch.start, Some(minted), capacity);
                roster.stake = book.pledge(&now).as_f64() * coin.usd;
                roster.leaving = Some(book.leaving(&now));
                // Without owners nobody has earned any.
                let is_theirs = roster.capacity() > 0;
                let fees = book.charge(&now, if is_theirs { tokens } else { Amount::ZERO });
                (self.ledger).burn(Asset::Token, Account::EARNINGS, fees, Reason::Burn);
                tokens -= fees;
                tally.burned += fees;
                row[Column::Pledge] = roster.stake;
                row[Column::FaultFees] = fees.as_f64() * coin.usd / epoch.days;
            }
            if roster.capacity() > 0 {
                // What goes neither by work nor by validators' weights goes by capacity.
                let mut by_capacity = [usd, tokens];
                if self.panel.is_some() {
                    by_capacity[1] -= tally.for_owners;
                }
                if let Some(paid_to) = &deal.paid_to {
                    pool.earn_by_work([usd, pay], paid_to);
                    by_capacity = [Amount::ZERO, by_capacity[1] - pay];
                }
                roster.earn(by_capacity);
                let worth = |tokens: Amount| tokens.as_f64() * token_usd.unwrap_or(0.0);
                let units = capacity * epoch.days;
                let new = worth(tally.for_owners);
                let mut earned = usd.as_f64() + worth(tokens);
                row[Column::Earning] = earned / units;
                if let Some(panel) = &mut self.panel {
                    panel.see(pool.work(roster, deal.paid_to.as_deref()));
                    roster.premium = panel.note(new / units);
                    // Owners of nobody expect what these get.
                    let rate = panel.rates()[0];
                    earned = usd.as_f64() + worth(pay) + new * rate;
                    pots.fixed *= rate;
                }
                roster.expect(earned / units, pots);
                row[Column::Subsidy] = new / epoch.days;
            } else {
                // What the first to come would earn by work.
                roster.expect(self.price / gross, pots);
            }
            if let Some(panel) = &mut self.panel {
                if let Some((shares, pot)) = panel.divide(epoch.index, &mut self.ledger) {
                    let [_, paid] = pool.earn_by_work([Amount::ZERO, pot], &shares);
                    panel.paid(paid);
                }
                let found = panel.finding;
                row[Column::ColludersWork] = found.work;
                row[Column::ColludersPay] = found.incentive;
                [
                    row[Column::HonestDividends],
                    row[Column::ColludersDividends],
                ] = found.dividends;
            }
            let mut scene = Look {
                epoch: epoch.index,
                now: epoch.now,
                is_open: self.is_open,
                ledger: &mut self.ledger,
                token_usd,
                maker: pool.plan().maker.map(|maker| &mut commons.makers[maker]),
            };
            tally.moves = pool.look(roster, &mut scene);
            if let Some(watch) = &mut self.watch {
                let takes_fee = !matches!(
                    self.coin.as_ref().map(|coin| coin.plan.payment),
                    Some(Payment::BurnAndMint { .. })
                );
                let temper = Temper {
                    days: epoch.days,
                    utilization: utilization.min(1.0),
                    fee: if takes_fee { self.price / gross } else { 0.0 },
                };
                let damage = watch.step(temper, pool, roster, &mut scene, &mut tally.moves);
                watch.remember(damage.lost, served * epoch.days, epoch.days);
                tally.burned += damage.burned;
                tally.damage = damage;
                row[Column::Lost] = damage.lost / epoch.days;
                row[Column::Caught] = f64::from(damage.caught);
                row[Column::Slashed] = damage.slashed.as_f64();
            }
            tally.burned += tally.moves.forfeited;
            row[Column::Cost] = roster.mean_cost();
            row[Column::Providers] = f64::from(roster.online());
            row[Column::Waiting] = f64::from(pool.waiting());
        }
        if let Some(guild) = &mut self.guild {
            let work = served * epoch.days;
            let harvest = guild.step(epoch.start, epoch.days, work, &mut self.ledger, token_usd);
            tally.sold += harvest.sold;
            row[Column::Models] = guild.len() as f64;
            row[Column::ModelQuality] = guild.quality;
            row[Column::CreatorPay] = harvest.paid / epoch.days;
        }
        tally.bought_usd += tally.moves.staked_usd;
        tally.sold += tally.moves.sold;
        self.free(epoch, &mut tally);
        self.keep_house(epoch, served, &mut tally);
        self.react(epoch, served, rival, commons);
        if let Some(coin) = &mut self.coin
            && let Some(bond) = coin.plan.bond
        {
            let turn = bond.trade(coin.usd, tally.bought_usd, tally.sold, &mut self.ledger);
            coin.usd = turn.usd;
            tally.minted += turn.minted;
            tally.burned += turn.burned;
        }
        let supply = self.ledger.supply(Asset::Token);
        if let Some(coin) = &mut self.coin {
            if let Some(delegation) = &mut coin.delegation {
                delegation.respond(epoch.days, &mut self.ledger);
                row[Column::Delegated] = delegation.delegated.as_f64();
                row[Column::StakeYield] = delegation.yields;
            }
            let locked = LOCKED.map(|account| self.ledger.balance(Asset::Token, account).as_f64());
            let circulating = supply.as_f64() - locked.iter().sum::<f64>();
            let flows = TokenFlows {
                bought_usd: tally.bought_usd,
                sold_tokens: tally.sold.as_f64(),
                circulating,
                revenue_usd: paid.as_f64(),
                emitted_tokens: tally.minted.as_f64(),
            };
            if coin.plan.bond.is_none() {
                let years = epoch.days / 365.0;
                coin.usd = coin.price.step(years, &flows, &mut coin.stream) * coin.shock;
            }
            row[Column::TokenPrice] = coin.usd;
            row[Column::Circulating] = circulating;
            row[Column::Staked] = locked[2];
        }
        let by_day = |amount: f64| amount / epoch.days;
        let [requests, within] = deal.requests.map(|requests| requests as f64);
        let treasury = [Asset::Usd, Asset::Token]
            .map(|asset| self.ledger.balance(asset, Account::TREASURY).as_f64());
        let coin_usd = self.coin.as_ref().map_or(0.0, |coin| coin.usd);
        for (column, value) in [
            (Column::Wanted, wanted),
            (Column::Served, served),
            (Column::Capacity, capacity),
            (
                Column::Utilization,
                if capacity > 0.0 {
                    served / capacity
                } else {
                    0.0
                },
            ),
            (Column::Price, self.asked()),
            (Column::RivalPrice, rival),
            (Column::Spend, by_day(paid.as_f64())),
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

    /// What there was for owners: what they were paid for work, in dollars and in tokens, and what was minted for them.
    fn pots(&self, epoch: Epoch, deal: &Deal, paid: (Amount, Amount), minted: Amount) -> Pots {
        let coin = self.coin.as_ref();
        let token_usd = coin.map_or(0.0, |coin| coin.usd);
        let payment = coin.map(|coin| coin.plan.payment);
        // Where payments are burned, work earns nothing by itself.
        let is_burned = matches!(payment, Some(Payment::BurnAndMint { .. }));
        let (usd, tokens) = paid;
        let minted = if is_burned { minted + tokens } else { minted };
        let work = deal.served * epoch.days;
        let fee = if is_burned {
            0.0
        } else if work > 0.0 {
            (usd.as_f64() + tokens.as_f64() * token_usd) / work
        } else {
            self.price / self.plan_gross()
        };
        Pots {
            fixed: minted.as_f64() * token_usd / epoch.days,
            fee,
            work: deal.wanted.max(self.sought),
        }
    }

    /// Lets the market clear, and the work be done; of capacity a part may be aside, the cheapest [units a day].
    fn trade(
        &mut self,
        epoch: Epoch,
        (wanted, aside): (f64, f64),
        at: impl Fn(f64) -> f64,
        live: Option<&mut Live<'_>>,
        commons: &Commons,
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
        let (pool, gross) = (&commons.pools[roster.pool], self.plan_gross());
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
                        money(least * self.plan_gross()),
                        quantity,
                    ));
                }
            }
            Work::Seller { plan, capacity, .. } => {
                let ask = Order::new(0, money(plan.cost * self.cost_factor), milli(*capacity));
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

    /// What an owner must be paid by customers to get one dollar.
    fn plan_gross(&self) -> f64 {
        let kept = self.plan.take_rate.fraction() + self.for_creators().fraction();
        1.0 / (1.0 - kept).max(1e-6)
    }

    /// Share of what owners would get that is for creators.
    fn for_creators(&self) -> Ppm {
        (self.plan.creators.as_ref()).map_or(Ppm::default(), |creators| creators.share)
    }

    /// Moves what customers paid; what owners get of it, in dollars and in tokens, is in their account then.
    fn settle(&mut self, epoch: Epoch, deal: &Deal, tally: &mut Tally) -> (Amount, Amount) {
        let &Deal {
            paid,
            received,
            burned,
            ..
        } = deal;
        let for_creators = self.for_creators();
        let ledger = &mut self.ledger;
        ledger.mint(Asset::Usd, Account::CUSTOMERS, paid, Reason::Deposit);
        // A mechanism that pays out more than it takes in is made good by somebody outside.
        let deficit = (received - paid).max(Amount::ZERO);
        ledger.mint(Asset::Usd, Account::CUSTOMERS, deficit, Reason::Grant);
        let total = paid + deficit;
        let earner = match &self.work {
            Work::Owners(owners) if owners.capacity() > 0 => Account::EARNINGS,
            _ => Account::TREASURY,
        };
        let payment = self
            .coin
            .as_ref()
            .map_or(Payment::Dollars, |coin| coin.plan.payment);
        let creators = received.share(for_creators);
        let owners = received - creators - received.share(self.plan.take_rate);
        if payment == Payment::Dollars {
            ledger.transfer(
                Asset::Usd,
                Account::CUSTOMERS,
                earner,
                owners,
                Reason::Payment,
            );
            ledger.transfer(
                Asset::Usd,
                Account::CUSTOMERS,
                Account::CREATORS,
                creators,
                Reason::Royalty,
            );
            ledger.transfer(
                Asset::Usd,
                Account::CUSTOMERS,
                Account::TREASURY,
                total - owners - creators,
                Reason::Fee,
            );
            tally.income += total - owners - creators;
            if burned > Amount::ZERO {
                self.buy_and_burn(burned, tally);
            }
            return (owners, Amount::ZERO);
        }
        let coin = self
            .coin
            .as_mut()
            .expect("tokens are paid where there are some");
        // All that can be bought is what the public has.
        let tokens = Amount::from_f64((total.as_f64() / coin.usd).min(1e19));
        let tokens = tokens.min(ledger.balance(Asset::Token, Account::EXCHANGE));
        ledger.transfer(
            Asset::Usd,
            Account::CUSTOMERS,
            Account::EXCHANGE,
            total,
            Reason::Swap,
        );
        ledger.transfer(
            Asset::Token,
            Account::EXCHANGE,
            Account::CUSTOMERS,
            tokens,
            Reason::Swap,
        );
        tally.bought_usd += total.as_f64();
        match payment {
            Payment::Dollars => unreachable!("settled above"),
            Payment::Tokens => {
                let part = |amount: Amount| {
                    Amount((tokens.0 as f64 * (amount.as_f64() / total.as_f64().max(1e-9))) as i128)
                        .min(tokens)
                };
                let owners = part(owners);
                let creators = part(creators).min(tokens - owners);
                let destroyed = part(burned);
                let rest = tokens - owners - creators;
                ledger.transfer(
                    Asset::Token,
                    Account::CUSTOMERS,
                    earner,
                    owners,
                    Reason::Payment,
                );
                ledger.transfer(
                    Asset::Token,
                    Account::CUSTOMERS,
                    Account::CREATORS,
                    creators,
                    Reason::Royalty,
                );
                ledger.transfer(
                    Asset::Token,
                    Account::CUSTOMERS,
                    Account::TREASURY,
                    rest,
                    Reason::Fee,
                );
                let destroyed = destroyed.min(rest);
                ledger.burn(Asset::Token, Account::TREASURY, destroyed, Reason::Burn);
                tally.burned += destroyed;
                (Amount::ZERO, owners)
            }
            Payment::BurnAndMint {
                burned,
                minted_again,
            } => {
                let destroyed = tokens.share(burned);
                ledger.burn(Asset::Token, Account::CUSTOMERS, destroyed, Reason::Burn);
                // What is burned becomes credit for the work, which uses it up.
                let credit = total.share(burned);
                ledger.mint(Asset::Credit, Account::CUSTOMERS, credit, Reason::Credit);
                ledger.burn(Asset::Credit, Account::CUSTOMERS, credit, Reason::Credit);
                ledger.transfer(
                    Asset::Token,
                    Account::CUSTOMERS,
                    Account::TREASURY,
                    tokens - destroyed,
                    Reason::Fee,
                );
                tally.burned += destroyed;
                coin.backlog += destroyed;
                let most = Amount((minted_again.0 as f64 * epoch.days) as i128);
                let again = most.min(coin.backlog);
                coin.backlog -= again;
                ledger.mint(Asset::Token, earner, again, Reason::Emission);
                tally.minted += again;
                (Amount::ZERO, again)
            }
        }
    }

    /// Buys tokens with the treasury's dollars and burns them.
    fn buy_and_burn(&mut self, usd: Amount, tally: &mut Tally) {
        let Some(coin) = &self.coin else {
            return;
        };
        let usd = usd.min(self.ledger.balance(Asset::Usd, Account::TREASURY));
        let tokens = Amount::from_f64((usd.as_f64() / coin.usd).min(1e19));
        let tokens = tokens.min(self.ledger.balance(Asset::Token, Account::EXCHANGE));
        if tokens == Amount::ZERO {
            return;
        }
        let usd = Amount::from_f64(tokens.as_f64() * coin.usd).min(usd);
        let ledger = &mut self.ledger;
        ledger.transfer(
            Asset::Usd,
            Account::TREASURY,
            Account::EXCHANGE,
            usd,
            Reason::BuyBack,
        );
        ledger.transfer(
            Asset::Token,
            Account::EXCHANGE,
            Account::TREASURY,
            tokens,
            Reason::BuyBack,
        );
        ledger.burn(Asset::Token, Account::TREASURY, tokens, Reason::Burn);
        tally.bought_usd += usd.as_f64();
        tally.burned += tokens;
    }

    /// Mints what the schedule says.
    fn mint(&mut self, epoch: Epoch, tally: &mut Tally) {
        let capacity = self.capacity();
        let Some(coin) = &mut self.coin else {
            return;
        };
        let now = Situation {
            supply: self.ledger.supply(Asset::Token),
            staked: self.ledger.balance(Asset::Token, Account::STAKES),
            capacity,
        };
        let minted = coin.emit(epoch, &now);
        let treasury = minted.share(coin.plan.to_treasury);
        let creators = minted.share(coin.plan.to_creators);
        let owners = minted - treasury - creators;
        let (owners, public) = match &mut coin.delegation {
            Some(delegation) => delegation.divide(owners, now.staked, epoch.days),
            None => (owners, Amount::ZERO),
        };
        let (earner, for_owners) = match &self.work {
            Work::Owners(population) if population.capacity() > 0 => (Account::EARNINGS, owners),
            _ => (Account::TREASURY, Amount::ZERO),
        };
        for (account, amount) in [
            (Account::TREASURY, treasury),
            (Account::CREATORS, creators),
            (earner, owners),
            (Account::EXCHANGE, public),
        ] {
            self.ledger
                .mint(Asset::Token, account, amount, Reason::Emission);
        }
        tally.minted += minted;
        tally.for_owners = for_owners;
        tally.offered = owners;
    }

    /// Frees what has vested.
    fn free(&mut self, epoch: Epoch, tally: &mut Tally) {
        let Some(coin) = &mut self.coin else {
            return;
        };
        for (allotment, freed) in coin.plan.genesis.iter().zip(&mut coin.freed) {
            let free = allotment.free(epoch.end_seconds());
            let more = free - *freed;
            if more == Amount::ZERO {
                continue;
            }
            *freed = free;
            let to = match allotment.holder {
                Holder::Treasury => Account::TREASURY,
                Holder::Public | Holder::Insiders => {
                    tally.sold += more.share(allotment.sold);
                    Account::EXCHANGE
                }
            };
            self.ledger
                .transfer(Asset::Token, Account::VESTING, to, more, Reason::Unlock);
        }
    }

    /// The treasury pays what the protocol costs, if it must by selling tokens, and buys back with what it is told to.
    fn keep_house(&mut self, epoch: Epoch, served: f64, tally: &mut Tally) {
        if let Work::Seller { .. } = self.work {
            return;
        }
        let checks =
            (self.plan.verification.as_ref()).map_or(0.0, |plan| plan.checked * plan.cost * served);
        let due = Amount::from_f64((self.plan.upkeep + checks) * epoch.days);
        let held = self.ledger.balance(Asset::Usd, Account::TREASURY);
        if let Some(coin) = self.coin.as_ref().filter(|_| due > held) {
            // Rounded up, so that what they fetch is enough.
            let wanted =
                Amount::from_f64(((due - held).as_f64() / coin.usd * (1.0 + 1e-9)).min(1e19));
            let wanted = wanted + Amount(1);
            let tokens = wanted.min(self.ledger.balance(Asset::Token, Account::TREASURY));
            if tokens > Amount::ZERO {
                sell(&mut self.ledger, Account::TREASURY, tokens, coin.usd);
                tally.sold += tokens;
            }
        }
        let pays = due.min(self.ledger.balance(Asset::Usd, Account::TREASURY));
        self.ledger
            .burn(Asset::Usd, Account::TREASURY, pays, Reason::Spend);
        tally.unpaid = (due - pays).as_f64();
        let share = self
            .coin
            .as_ref()
            .map_or(Ppm::default(), |coin| coin.plan.buy_back);
        let budget = tally.income.share(share);
        if budget > Amount::ZERO {
            self.buy_and_burn(budget, tally);
        }
    }

    /// A seller orders hardware and follows the prices of others.
    fn react(&mut self, epoch: Epoch, served: f64, rival: f64, commons: &mut Commons) {
        let Work::Seller {
            plan,
            capacity,
            ordered,
        } = &mut self.work
        else {
            return;
        };
        let end = epoch.start + epoch.days;
        ordered.retain(|&(due, units)| {
            if due <= end {
                *capacity += units;
            }
            due > end
        });
        let mix = self.sales.as_ref().map_or(1.0, Sales::price);
        let coming: f64 = ordered.iter().map(|&(_, units)| units).sum();
        let wanted = served / plan.target;
        if wanted > (*capacity + coming) * 1.01 {
            let units = wanted - *capacity - coming;
            let due = if let Some(maker) = plan.maker {
                commons.makers[maker].order(Party::Seller(self.index), units);
                f64::INFINITY
            } else {
                end + plan.lead_time
            };
            ordered.push((due, units));
        }
        let (Some(follows), Mechanism::Posted(posted)) = (plan.follows, &mut self.market) else {
            return;
        };
        // What it asks on demand is so much more than what its customers pay.
        let goal = (rival * follows.multiple / mix).max(follows.floor);
        let now = posted.price.0 as f64 / 1e9 * MILLI;
        // It follows downwards; what it has given it does not take back while others are cheaper.
        if goal < now {
            let moves = 1.0 - math::powf(0.5, epoch.days / follows.half_life);
            let next = now + moves * (goal - now);
            posted.price = Amount((next * 1e9 / MILLI).round() as i128);
        }
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

impl Coin {
    /// What pledges depend on, some days from the start, where so many new tokens a day are for owners; at the start as many as the rule
    /// will say.
    fn economics(
        &self,
        ledger: &Ledger,
        days: f64,
        minted: Option<Amount>,
        capacity: f64,
    ) -> Economics {
        let locked = LOCKED.map(|account| ledger.balance(Asset::Token, account));
        let supply = ledger.supply(Asset::Token);
        let circulating = locked
            .into_iter()
            .fold(supply, |left, locked| left - locked);
        let minted = minted.unwrap_or_else(|| {
            let now = Situation {
                supply,
                staked: ledger.balance(Asset::Token, Account::STAKES),
                capacity,
            };
            let minted = self.rule.clone().day(0, &now);
            minted - minted.share(self.plan.to_treasury) - minted.share(self.plan.to_creators)
        });
        Economics {
            minted,
            circulating,
            capacity,
            baseline: self.rule.baseline(days),
        }
    }

    fn new(plan: &Token, network: usize, ledger: &mut Ledger, streams: &Streams) -> Self {
        let mut freed = Vec::with_capacity(plan.genesis.len());
        for allotment in &plan.genesis {
            ledger.mint(
                Asset::Token,
                Account::VESTING,
                allotment.tokens,
                Reason::Genesis,
            );
            let free = allotment.free(0);
            let to = match allotment.holder {
                Holder::Treasury => Account::TREASURY,
                Holder::Public | Holder::Insiders => Account::EXCHANGE,
            };
            ledger.transfer(Asset::Token, Account::VESTING, to, free, Reason::Unlock);
            freed.push(free);
        }
        if let Some(bond) = &plan.bond {
            bond.open(plan.initial_price, ledger);
        }
        Self {
            plan: plan.clone(),
            price: TokenPrice::new(&plan.price, plan.initial_price),
            usd: plan.initial_price,
            stream: streams.open(walras_des::Purpose::new("price of a token"), network as u64),
            delegation: plan.staking.map(|staking| Delegation::new(staking, ledger)),
            rule: plan.emission.clone(),
            today: (None, Amount::ZERO),
            factor: 1.0,
            freed,
            backlog: Amount::ZERO,
            shock: 1.0,
        }
    }

    /// New tokens of an epoch: a day's are spread evenly over it.
    fn emit(&mut self, epoch: Epoch, now: &Situation) -> Amount {
        let length = Span::DAY.as_nanos();
        let [from, to] = [epoch.now, epoch.now + epoch.length].map(SimTime::as_nanos);
        let mut minted = Amount::ZERO;
        for day in from / length..to.div_ceil(length) {
            if self.today.0 != Some(day) {
                self.today = (Some(day), self.rule.day(day, now));
            }
            let until = |at: u64| {
                let passed = at.saturating_sub(day * length).min(length);
                self.today.1.mul_floor(passed, length)
            };
            minted += until(to) - until(from);
        }
        if self.factor == 1.0 {
            minted
        } else {
            Amount((minted.0 as f64 * self.factor) as i128)
        }
    }
}

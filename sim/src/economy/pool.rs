//! Owners at work, who provide to one of the networks that they know: when they come, what they earn, and when they leave.
//!
//! Earnings are shared out by capacity and settled when an owner looks at them: one account of what a unit of capacity has earned
//! since the beginning serves all owners, exactly, and what rounding leaves stays with [`Account::EARNINGS`].

use std::cmp::Ordering;

use walras_des::{Purpose, SimTime, Streams};

use crate::economy::Owners;
use crate::economy::deals::Leaving;
use crate::economy::machines::Offer;
use crate::economy::owners::{Sells, Timing, Verdict};
use crate::economy::roster::{Pots, Roster};
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::supply::orders::Orders;
use crate::supply::owner::Hardware;
use crate::units::Amount;

/// Where an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Away,
    /// Has ordered hardware that comes in this epoch.
    Waiting(u32),
    /// With the network of this index.
    Online(u32),
    /// Caught cheating, and away until this epoch.
    Barred(u32),
    /// On its way to another network.
    Moving,
}

/// An owner as others see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// [units a day]
    pub capacity: f64,
    /// [USD per unit]
    pub cost: f64,
    pub staked: Amount,
}

/// What owners did with their tokens in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moves {
    /// Owners who came online.
    pub joined: u32,
    /// Owners who left.
    pub left: u32,
    /// Tokens sold.
    pub sold: Amount,
    /// Dollars spent on tokens for stakes.
    pub staked_usd: f64,
    /// Stakes lost by those who left too early, and burned.
    pub forfeited: Amount,
}

/// Who has ordered hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// An owner of a pool.
    Owner {
        /// Index of the pool.
        pool: usize,
        /// Index of the owner.
        owner: usize,
    },
    /// The seller of the network of this index.
    Seller(usize),
}

/// A look at a network.
pub struct Look<'a> {
    /// The epoch.
    pub epoch: u32,
    /// Its beginning.
    pub now: SimTime,
    /// Whether the network is open.
    pub is_open: bool,
    /// Its books.
    pub ledger: &'a mut Ledger,
    /// The price of its token [USD].
    pub token_usd: Option<f64>,
    /// The queue for new hardware, if there is one.
    pub maker: Option<&'a mut Orders<Party>>,
}

/// What owners expect of a network.
#[derive(Clone, Copy, Debug)]
struct Prospect {
    /// Whether more can come.
    is_open: bool,
    /// What a unit of capacity earns as things are [USD].
    expected: f64,
    /// What there is to share, if owners reckon with others who come and go.
    pots: Option<Pots>,
    /// What a share of it is worth to who does not like risk, of what it is on average.
    certainty: f64,
    /// What the money in a stake should earn [USD per unit].
    interest: f64,
    /// Who is there or on the way [units a day].
    capacity: f64,
}

impl Prospect {
    /// What a unit of capacity earns if there are no less than `least` of them [USD].
    fn among(&self, least: f64) -> f64 {
        self.pots.map_or(self.expected, |pots| {
            pots.among(self.capacity.max(least)) * self.certainty - self.interest
        })
    }
}

/// Owners of hardware.
#[derive(Clone, Debug)]
pub struct Pool {
    plan: Owners,
    /// Index among pools.
    index: usize,
    /// Epochs between two looks.
    review: u32,
    epoch_days: f64,
    /// Of each owner, [thousandths of a unit a day].
    capacity: Vec<u64>,
    /// Running cost without electricity [USD per unit].
    base: Vec<f64>,
    /// Running cost when the owner last looked [USD per unit].
    cost: Vec<f64>,
    hardware: Vec<Hardware>,
    /// Line of [`Roster::power`] by which it pays for electricity.
    line: Vec<u32>,
    state: Vec<State>,
    staked: Vec<Amount>,
    /// State of the accounts of earnings when each last settled, by asset.
    marks: Vec<[i128; 2]>,
    /// State of the account of electricity when each last settled.
    power_marks: Vec<f64>,
    /// All revenue so far [USD].
    revenue: Vec<f64>,
    /// All running cost so far, up to the last look [USD].
    spent: Vec<f64>,
    settled: Vec<u32>,
    /// When each came to its network, if that matters [epochs].
    came: Vec<u32>,
    /// What it costs each to go to another network [USD per unit of capacity a day].
    move_cost: Vec<f64>,
    /// Whether networks share it, whose owners then reckon with each other.
    is_shared: bool,
    /// What owners expect of networks, by index.
    prospects: Vec<Option<Prospect>>,
    /// Owners on their way: when they come [epoch], and to which network.
    movers: Vec<(u32, usize, u32)>,
    /// What each has earned by its own work and not taken yet, by asset; empty where all is shared by capacity.
    paid: Vec<[Amount; 2]>,
    /// Which owners are those of colluding validators; empty where none collude.
    allies: Vec<bool>,
    waiting: u32,
    /// Price of electricity at each place, times what it was.
    power_factors: Vec<f64>,
}

/// A change of what is expected by less than this share makes nobody decide otherwise.
const NOTICED: f64 = 1e-3;

const PAID: [Asset; 2] = [Asset::Usd, Asset::Token];

impl Pool {
    /// Draws owners, or gives each node one; none is online.
    #[must_use]
    pub fn new(
        plan: &Owners,
        nodes: Option<&[Offer]>,
        index: usize,
        epoch_days: f64,
        streams: &Streams,
        entity: u64,
    ) -> Self {
        let count = plan.potential as usize;
        let mut stream = streams.open(Purpose::new("owners"), entity);
        let mut machines = streams.open(Purpose::new("machines of owners"), entity);
        let mut pool = Self {
            plan: plan.clone(),
            index,
            review: ((plan.review / epoch_days).round() as u32).max(1),
            epoch_days,
            capacity: Vec::with_capacity(count),
            base: Vec::with_capacity(count),
            cost: Vec::new(),
            hardware: Vec::with_capacity(count),
            line: Vec::with_capacity(count),
            state: vec![State::Away; count],
            staked: vec![Amount::ZERO; count],
            marks: vec![[0; 2]; count],
            power_marks: vec![0.0; count],
            revenue: vec![0.0; count],
            spent: vec![0.0; count],
            settled: vec![0; count],
            came: vec![0; count],
            move_cost: Vec::with_capacity(count),
            is_shared: false,
            prospects: Vec::new(),
            movers: Vec::new(),
            paid: Vec::new(),
            allies: Vec::new(),
            waiting: 0,
            power_factors: vec![1.0; plan.places.len()],
        };
        let weights: f64 = plan.places.iter().map(|place| place.weight).sum();
        let idle_of_others = plan.idle_anyway / (1.0 - plan.buyers).max(1e-9);
        for owner in 0..count {
            let (capacity, cost) = if let Some(nodes) = nodes {
                (nodes[owner].capacity, nodes[owner].cost)
            } else {
                let capacity = plan.capacity.sample(&mut stream);
                (capacity, plan.running_cost.sample(&mut stream).max(0.0))
            };
            pool.capacity.push(((capacity * 1e3).round() as u64).max(1));
            let hardware = if stream.bernoulli(plan.buyers) {
                Hardware::ToBuy
            } else if machines.bernoulli(idle_of_others) {
                Hardware::IdleAnyway
            } else {
                Hardware::Owned
            };
            pool.base.push(cost + plan.machine.wear(hardware));
            pool.hardware.push(hardware);
            let mut at = machines.uniform() * weights;
            let place = plan.places.iter().position(|place| {
                at -= place.weight;
                at < 0.0
            });
            let place = place.unwrap_or(plan.places.len().saturating_sub(1));
            let line = 2 * place + usize::from(hardware == Hardware::IdleAnyway);
            pool.line.push(line as u32);
        }
        let mut stream = streams.open(Purpose::new("moves of owners"), entity);
        let costs = (0..count).map(|_| plan.moving.cost.sample(&mut stream));
        pool.move_cost.extend(costs);
        pool.cost.clone_from(&pool.base);
        pool
    }

    /// Networks share it.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// Puts the cheapest owners who are away online, as many as are a share of all.
    pub fn open(&mut self, roster: &mut Roster, online: f64) {
        for owner in 0..self.len() {
            if self.state[owner] == State::Away {
                self.cost[owner] = self.cost_at(owner, roster);
            }
        }
        let away = (0..self.len()).filter(|&owner| self.state[owner] == State::Away);
        let mut order: Vec<usize> = away.collect();
        let cost = |&a: &usize, &b: &usize| {
            self.cost[a]
                .partial_cmp(&self.cost[b])
                .unwrap_or(Ordering::Equal)
        };
        order.sort_by(cost);
        let first = (online * f64::from(self.plan.potential)).round() as usize;
        for &owner in &order[..first.min(order.len())] {
            self.enter(owner, roster, 0);
        }
    }

    /// What is planned.
    #[must_use]
    pub fn plan(&self) -> &Owners {
        &self.plan
    }

    /// How many owners there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.capacity.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.capacity.is_empty()
    }

    /// Makes running cost without electricity so many times what it was; rosters must be counted again.
    pub fn scale_costs(&mut self, factor: f64) {
        for cost in &mut self.base {
            *cost *= factor;
        }
    }

    /// Makes electricity so many times as dear, at one place or all.
    pub fn scale_power(&mut self, factor: f64, place: Option<usize>) {
        for (index, scale) in self.power_factors.iter_mut().enumerate() {
            if place.is_none_or(|place| place == index) {
                *scale *= factor;
            }
        }
    }

    /// Counts the costs of those online at a network anew.
    pub fn recount(&mut self, roster: &mut Roster) {
        roster.forget_costs();
        for owner in 0..self.len() {
            if self.state[owner] == State::Online(roster.network) {
                self.cost[owner] = self.cost_at(owner, roster);
                roster.add_cost(self.capacity[owner], self.cost[owner]);
            }
        }
    }

    /// What electricity costs at each place for some days from a time, times what shocks have made of it [USD/kWh].
    pub fn electricity(&self, start: f64, days: f64) -> impl Iterator<Item = f64> {
        let places = self.plan.places.iter().zip(&self.power_factors);
        places.map(move |(place, factor)| place.tariff.mean(24.0 * start, 24.0 * days) * factor)
    }

    /// Owners who wait for hardware.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Revenue of every owner who ever provided [USD], and what running cost them until they last looked.
    pub fn accounts(&self) -> impl Iterator<Item = (f64, f64)> {
        let all = self.revenue.iter().zip(&self.spent);
        all.map(|(&revenue, &spent)| (revenue, spent))
            .filter(|&(_, spent)| spent > 0.0)
    }

    /// Capacities of those online at a network [thousandths of a unit a day].
    pub fn capacities(&self, roster: &Roster) -> impl Iterator<Item = u64> {
        let network = roster.network;
        let all = self.state.iter().zip(&self.capacity);
        all.filter(move |(state, _)| **state == State::Online(network))
            .map(|(_, &capacity)| capacity)
    }

    /// Hardware that an owner has ordered is there.
    pub fn deliver(&mut self, owner: usize, epoch: u32) {
        self.state[owner] = State::Waiting(epoch);
    }

    /// Lets those owners look at a network whose turn it is: they take what they have earned, sell what they do not keep, and stay or
    /// go; others come.
    pub fn look(&mut self, roster: &mut Roster, scene: &mut Look<'_>) -> Moves {
        let mut moves = Moves::default();
        scene.ledger.set_time(scene.now);
        self.tell(roster, scene.is_open);
        let here = roster.network;
        let mut expected = self.expected(here, 0);
        let mut verdicts = self.verdicts(expected, roster);
        let epoch = scene.epoch;
        self.arrive(roster, scene, &mut moves);
        for owner in self.turns(epoch) {
            // Others have come and gone since.
            let now = self.expected(here, owner);
            if (now - expected).abs() > NOTICED * expected.abs() {
                expected = now;
                verdicts = self.verdicts(expected, roster);
            }
            let best = self.best(owner);
            let is_ally = self.allies.get(owner).is_some_and(|&is_ally| is_ally);
            let (hoped, verdict) = match &verdicts {
                (_, Some(verdict)) if is_ally => (expected + roster.premium, verdict),
                (verdict, _) => (expected, verdict),
            };
            match self.state[owner] {
                State::Online(network) if network == here => {
                    self.collect(owner, roster, scene, &mut moves);
                    let cost = self.cost_at(owner, roster);
                    if cost != self.cost[owner] {
                        roster.change_cost(self.capacity[owner], self.cost[owner], cost);
                        self.cost[owner] = cost;
                    }
                    let lost = self.forfeit(owner, roster, scene);
                    if let Some(to) = best.filter(|&to| self.moves(owner, to, expected, lost)) {
                        self.leave(owner, roster, scene, &mut moves);
                        self.state[owner] = State::Moving;
                        self.reckon(owner, to, 1.0);
                        let downtime = self.plan.moving.downtime / self.epoch_days;
                        let due = epoch + (downtime.ceil() as u32).max(1);
                        self.movers.push((due, owner, to));
                    } else if verdict.goes(self.hardware[owner], cost)
                        && (cost - hoped) * self.locked(owner, roster, epoch) >= lost
                    {
                        self.leave(owner, roster, scene, &mut moves);
                    }
                }
                State::Waiting(due) if due <= epoch => {
                    if best.is_some_and(|best| best != here) {
                        continue;
                    }
                    self.waiting -= 1;
                    // Bought is bought: it runs if it pays its electricity.
                    self.state[owner] = State::Away;
                    self.cost[owner] = self.cost_at(owner, roster);
                    let goes = verdict.goes(self.hardware[owner], self.cost[owner]);
                    self.own(owner);
                    if !goes {
                        self.join(owner, roster, scene, &mut moves);
                    }
                }
                State::Barred(until) if until <= epoch => self.state[owner] = State::Away,
                State::Online(_) | State::Moving | State::Waiting(_) | State::Barred(_) => {}
                State::Away => {
                    // Who has gone since it last worked is paid for that.
                    if (self.paid.get(owner)).is_some_and(|paid| *paid != [Amount::ZERO; 2]) {
                        self.marks[owner] = roster.earned();
                        self.power_marks[owner] = roster.power_bill(self.line[owner]);
                        self.settled[owner] = epoch;
                        self.collect(owner, roster, scene, &mut moves);
                    }
                    if best != Some(here) {
                        continue;
                    }
                    self.cost[owner] = self.cost_at(owner, roster);
                    let hardware = self.hardware[owner];
                    if !verdict.comes(hardware, self.cost[owner]) {
                        continue;
                    }
                    if hardware == Hardware::ToBuy && self.orders(owner, scene) {
                        self.waiting += 1;
                    } else {
                        self.own(owner);
                        self.join(owner, roster, scene, &mut moves);
                    }
                }
            }
        }
        moves
    }

    /// What owners who expect so much make of it, and what the colluders' own do, if there are any.
    fn verdicts(&self, expected: f64, roster: &Roster) -> (Verdict, Option<Verdict>) {
        let variance = roster.seen().variance;
        let of = |expected| Verdict::new(&self.plan, expected, variance, roster.stake);
        let own = (!self.allies.is_empty()).then(|| of(expected + roster.premium));
        (of(expected), own)
    }

    /// Notes what owners expect of a network.
    fn tell(&mut self, roster: &Roster, is_open: bool) {
        let seen = roster.seen();
        let certain = seen.certain(self.plan.risk_aversion);
        // Dixit's rule has the stake among what is paid on coming.
        let interest = match self.plan.timing {
            Timing::Factors { .. } => roster.stake * self.plan.stake_return / 365.0,
            Timing::Dixit { .. } => 0.0,
        };
        let coming = self.movers.iter().filter(|(.., to)| *to == roster.network);
        let coming: u64 = coming.map(|&(_, owner, _)| self.capacity[owner]).sum();
        let index = roster.network as usize;
        if index >= self.prospects.len() {
            self.prospects.resize(index + 1, None);
        }
        self.prospects[index] = Some(Prospect {
            is_open,
            expected: certain - interest,
            pots: roster.pots().filter(|_| self.is_shared),
            certainty: if seen.income > 0.0 {
                certain / seen.income
            } else {
                1.0
            },
            interest,
            capacity: (roster.capacity() + coming) as f64 / 1e3,
        });
    }

    /// What a unit of capacity of an owner is expected to earn at a network [USD].
    fn expected(&self, network: u32, owner: usize) -> f64 {
        let prospect = &self.prospects[network as usize];
        prospect.map_or(f64::NEG_INFINITY, |prospect| {
            prospect.among(self.capacity[owner] as f64 / 1e3)
        })
    }

    /// Others reckon with an owner who comes to a network, or with its leaving it.
    fn reckon(&mut self, owner: usize, network: u32, sign: f64) {
        if let Some(prospect) = &mut self.prospects[network as usize] {
            prospect.capacity += sign * self.capacity[owner] as f64 / 1e3;
        }
    }

    /// The open network of which an owner expects most.
    fn best(&self, owner: usize) -> Option<u32> {
        let mut best: Option<(u32, f64)> = None;
        for (network, prospect) in self.prospects.iter().enumerate() {
            if !prospect.is_some_and(|prospect| prospect.is_open) {
                continue;
            }
            let expected = self.expected(network as u32, owner);
            if best.is_none_or(|(_, most)| expected > most) {
                best = Some((network as u32, expected));
            }
        }
        best.map(|(network, _)| network)
    }

    /// Whether an owner who expects this where it is goes to another network, and loses a stake by it [USD per unit].
    fn moves(&self, owner: usize, to: u32, expected: f64, lost: f64) -> bool {
        let (cost, within) = (self.move_cost[owner], self.plan.moving.within);
        let there = self.expected(to, owner);
        (there - expected) * within > cost + lost && there > expected
    }

    /// What an owner loses of its stake if it leaves now [USD per unit of capacity a day].
    fn forfeit(&self, owner: usize, roster: &Roster, scene: &Look<'_>) -> f64 {
        let lost = self.lost(owner, roster, scene.epoch);
        let lost = lost.as_f64() * scene.token_usd.unwrap_or(0.0);
        lost / (self.capacity[owner] as f64 / 1e3)
    }

    /// What of its stake an owner loses that leaves in an epoch: all while it is locked, or what breaking deals costs.
    fn lost(&self, owner: usize, roster: &Roster, epoch: u32) -> Amount {
        let (stake, came) = (self.staked[owner], self.came[owner]);
        if came + roster.lock > epoch {
            return stake;
        }
        let age = f64::from(epoch - came) * self.epoch_days;
        let fee = |leaving: &Leaving| leaving.fee(stake, self.capacity[owner], age);
        roster.leaving.as_ref().map_or(Amount::ZERO, fee)
    }

    /// How long an owner must stay if it is not to lose of its stake [days].
    fn locked(&self, owner: usize, roster: &Roster, epoch: u32) -> f64 {
        let until = self.came[owner] + roster.lock;
        let locked = f64::from(until.saturating_sub(epoch)) * self.epoch_days;
        let within = roster
            .leaving
            .as_ref()
            .map_or(0.0, |leaving| leaving.within);
        locked.max(within)
    }

    /// Those who were on their way to a network begin there.
    fn arrive(&mut self, roster: &mut Roster, scene: &mut Look<'_>, moves: &mut Moves) {
        let is_due = |&(due, _, to): &(u32, usize, u32)| to == roster.network && due <= scene.epoch;
        let come: Vec<(u32, usize, u32)> =
            self.movers.extract_if(.., |mover| is_due(mover)).collect();
        for (_, owner, _) in come {
            self.state[owner] = State::Away;
            self.cost[owner] = self.cost_at(owner, roster);
            // It was reckoned with while it was on the way.
            self.reckon(owner, roster.network, -1.0);
            self.join(owner, roster, scene, moves);
        }
    }

    /// Orders hardware; whether it is still to come.
    fn orders(&mut self, owner: usize, scene: &mut Look<'_>) -> bool {
        let due = if let Some(maker) = &mut scene.maker {
            let party = Party::Owner {
                pool: self.index,
                owner,
            };
            maker.order(party, self.capacity[owner] as f64 / 1e3);
            u32::MAX
        } else if self.plan.lead_time > 0.0 {
            scene.epoch + (self.plan.lead_time / self.epoch_days).ceil() as u32
        } else {
            return false;
        };
        self.state[owner] = State::Waiting(due);
        true
    }

    /// What was bought is there: who comes and goes by Dixit's rule sells it on leaving, and would have to buy again.
    fn own(&mut self, owner: usize) {
        if self.hardware[owner] == Hardware::ToBuy
            && matches!(self.plan.timing, Timing::Factors { .. })
        {
            self.hardware[owner] = Hardware::Owned;
        }
    }

    /// Running cost now [USD per unit].
    fn cost_at(&self, owner: usize, roster: &Roster) -> f64 {
        self.base[owner] + roster.power(self.line[owner])
    }

    fn join(&mut self, owner: usize, roster: &mut Roster, scene: &mut Look<'_>, moves: &mut Moves) {
        let Some(staked) = self.lock(owner, roster, scene.ledger, scene.token_usd) else {
            // Nobody sells as many: no stake, no entry.
            return;
        };
        moves.staked_usd += staked;
        self.enter(owner, roster, scene.epoch);
        self.reckon(owner, roster.network, 1.0);
        moves.joined += 1;
    }

    /// Lets those who are online from the start lock their stakes; who finds nobody to sell it the tokens leaves.
    pub(super) fn lock_first(&mut self, roster: &mut Roster, ledger: &mut Ledger, price: f64) {
        for owner in 0..self.len() {
            if self.is_at(owner, roster) && self.lock(owner, roster, ledger, Some(price)).is_none()
            {
                self.state[owner] = State::Away;
                roster.remove(self.capacity[owner], self.cost[owner]);
            }
        }
    }

    /// Buys and locks an owner's stake. Returns what it cost [USD]; `None` if it is not to be had.
    fn lock(
        &mut self,
        owner: usize,
        roster: &Roster,
        ledger: &mut Ledger,
        token_usd: Option<f64>,
    ) -> Option<f64> {
        let stake = roster.stake * self.capacity[owner] as f64 / 1e3;
        let Some(price) = token_usd.filter(|_| stake > 0.0) else {
            return Some(0.0);
        };
        let tokens = Amount::from_f64((stake / price).min(1e19));
        if ledger.balance(Asset::Token, Account::EXCHANGE) < tokens {
            return None;
        }
        let usd = Amount::from_f64(stake);
        let account = Account::owner(owner);
        let swap = Reason::Swap;
        ledger.mint(Asset::Usd, account, usd, Reason::Deposit);
        ledger.transfer(Asset::Usd, account, Account::EXCHANGE, usd, swap);
        ledger.transfer(Asset::Token, Account::EXCHANGE, account, tokens, swap);
        ledger.transfer(
            Asset::Token,
            account,
            Account::STAKES,
            tokens,
            Reason::Stake,
        );
        self.staked[owner] = tokens;
        Some(stake)
    }

    /// Whether an owner provides to a network.
    pub(super) fn is_at(&self, owner: usize, roster: &Roster) -> bool {
        self.state[owner] == State::Online(roster.network)
    }

    pub(super) fn member(&self, owner: usize) -> Member {
        Member {
            capacity: self.capacity[owner] as f64 / 1e3,
            cost: self.cost[owner],
            staked: self.staked[owner],
        }
    }

    /// Owners who look in an epoch.
    pub(super) fn turns(&self, epoch: u32) -> impl Iterator<Item = usize> + use<> {
        let review = self.review as usize;
        (epoch as usize % review..self.len()).step_by(review)
    }

    /// Takes what an owner did not spend on work out of its bill.
    pub(super) fn save(&mut self, owner: usize, usd: f64) {
        self.spent[owner] -= usd;
    }

    /// Throws an owner out, until an epoch; `slashed` has already left the stakes.
    pub(super) fn evict(
        &mut self,
        owner: usize,
        (slashed, until): (Amount, u32),
        roster: &mut Roster,
        scene: &mut Look<'_>,
        moves: &mut Moves,
    ) {
        self.staked[owner] -= slashed;
        self.collect(owner, roster, scene, moves);
        self.leave(owner, roster, scene, moves);
        self.state[owner] = State::Barred(until);
    }

    /// What all owners could do, online or not: cost at this network, with what pays back hardware that is still to be bought [USD per
    /// unit], and units a day.
    pub fn potential(&self, roster: &Roster) -> impl Iterator<Item = (f64, f64)> {
        let payback = self.plan.machine.price / self.plan.payback;
        (0..self.len()).map(move |owner| {
            let buys = self.hardware[owner] == Hardware::ToBuy;
            let cost = self.cost_at(owner, roster) + if buys { payback } else { 0.0 };
            (cost, self.capacity[owner] as f64 / 1e3)
        })
    }

    fn enter(&mut self, owner: usize, roster: &mut Roster, epoch: u32) {
        self.state[owner] = State::Online(roster.network);
        roster.add(self.capacity[owner], self.cost[owner]);
        self.marks[owner] = roster.earned();
        self.power_marks[owner] = roster.power_bill(self.line[owner]);
        self.settled[owner] = epoch;
        self.came[owner] = epoch;
    }

    fn leave(
        &mut self,
        owner: usize,
        roster: &mut Roster,
        scene: &mut Look<'_>,
        moves: &mut Moves,
    ) {
        self.state[owner] = State::Away;
        roster.remove(self.capacity[owner], self.cost[owner]);
        self.reckon(owner, roster.network, -1.0);
        moves.left += 1;
        let lost = self.lost(owner, roster, scene.epoch);
        let stake = std::mem::take(&mut self.staked[owner]) - lost;
        if lost > Amount::ZERO {
            (scene.ledger).burn(Asset::Token, Account::STAKES, lost, Reason::Burn);
            moves.forfeited += lost;
        }
        if let Some(price) = scene.token_usd.filter(|_| stake > Amount::ZERO) {
            let account = Account::owner(owner);
            scene.ledger.transfer(
                Asset::Token,
                Account::STAKES,
                account,
                stake,
                Reason::Unstake,
            );
            sell(scene.ledger, account, stake, price);
            moves.sold += stake;
        }
    }

    /// Shares out what is in [`Account::EARNINGS`] since the last time by what owners did, in dollars and in tokens; the part of the
    /// last fraction of a base unit stays there. Returns what was shared out. Only for owners who know one network.
    ///
    /// # Panics
    /// If customers pay more than 18 billion dollars in an epoch.
    pub fn earn_by_work(&mut self, pots: [Amount; 2], paid_to: &[Amount]) -> [Amount; 2] {
        let mut shared = [Amount::ZERO; 2];
        let whole = paid_to.iter().fold(Amount::ZERO, |sum, &paid| sum + paid);
        let whole = u64::try_from(whole.0).expect("an epoch's payments fit 64 bits");
        if whole == 0 {
            return shared;
        }
        self.paid.resize(self.len(), [Amount::ZERO; 2]);
        for (owed, paid) in self.paid.iter_mut().zip(paid_to) {
            let part = paid.0 as u64;
            for ((owed, shared), pot) in owed.iter_mut().zip(&mut shared).zip(pots) {
                let share = pot.mul_floor(part, whole);
                *owed += share;
                *shared += share;
            }
        }
        shared
    }

    /// Which owners are those of colluding validators.
    pub(super) fn ally(&mut self, allies: &[bool]) {
        self.allies = allies.to_vec();
    }

    /// What owners at a network did: what they were paid for, or as much for a unit of capacity as any other.
    pub(super) fn work(
        &self,
        roster: &Roster,
        paid_to: Option<&[Amount]>,
    ) -> impl Iterator<Item = (usize, f64)> {
        self.of(roster).map(move |owner| {
            let by_capacity = self.capacity[owner] as f64;
            let done = paid_to.map_or(by_capacity, |paid| paid[owner].as_f64());
            (owner, done)
        })
    }

    /// What an owner asks who is online at a network [USD per unit].
    #[must_use]
    pub fn asks(&self, owner: usize, roster: &Roster) -> Option<f64> {
        let is_here = self.state[owner] == State::Online(roster.network);
        is_here.then(|| roster.ask(self.cost[owner]))
    }

    /// Settles what an owner has earned since the last time.
    fn collect(&mut self, owner: usize, roster: &Roster, scene: &mut Look<'_>, moves: &mut Moves) {
        let account = Account::owner(owner);
        let ledger = &mut *scene.ledger;
        let now = roster.earned();
        let mut earned = [Amount::ZERO; 2];
        for (index, asset) in PAID.into_iter().enumerate() {
            let gain = now[index] - self.marks[owner][index];
            let owed = gain.checked_mul(i128::from(self.capacity[owner]));
            let mut owed = Amount(owed.expect("an owner's earnings fit 95 bits") >> 32);
            if let Some(paid) = self.paid.get_mut(owner) {
                owed += std::mem::take(&mut paid[index]);
            }
            if owed > Amount::ZERO {
                ledger.transfer(asset, Account::EARNINGS, account, owed, Reason::Collect);
            }
            earned[index] = owed;
        }
        self.marks[owner] = now;
        let days = f64::from(scene.epoch - self.settled[owner]) * self.epoch_days;
        self.settled[owner] = scene.epoch;
        let power = roster.power_bill(self.line[owner]);
        let power = power - std::mem::replace(&mut self.power_marks[owner], power);
        let capacity = self.capacity[owner] as f64;
        let bill = self.base[owner] * capacity / 1e3 * days + power * capacity / 1e3;
        self.spent[owner] += bill;
        self.revenue[owner] += earned[0].as_f64();
        if let Some(price) = scene.token_usd {
            self.revenue[owner] += earned[1].as_f64() * price;
            let wanted = match self.plan.sells {
                Sells::Share(share) => Amount((earned[1].0 as f64 * share) as i128),
                Sells::Bill => {
                    Amount::from_f64(((bill - earned[0].as_f64()) / price).clamp(0.0, 1e19))
                }
            };
            let sold = wanted.min(ledger.balance(Asset::Token, account));
            if sold > Amount::ZERO {
                sell(ledger, account, sold, price);
                moves.sold += sold;
            }
        }
    }

    /// What owners are owed at a network and have not taken, in dollars and tokens, and at most a unit of each for every owner online is
    /// rounding.
    #[must_use]
    pub fn owed(&self, roster: &Roster) -> [Amount; 2] {
        let mut owed = [0_i128; 2];
        for owner in self.of(roster) {
            for (index, sum) in owed.iter_mut().enumerate() {
                let gain = roster.earned()[index] - self.marks[owner][index];
                *sum += (gain * i128::from(self.capacity[owner])) >> 32;
            }
        }
        for paid in &self.paid {
            owed[0] += paid[0].0;
            owed[1] += paid[1].0;
        }
        owed.map(Amount)
    }

    /// What is staked together at a network.
    #[must_use]
    pub fn staked(&self, roster: &Roster) -> Amount {
        self.of(roster)
            .fold(Amount::ZERO, |sum, owner| sum + self.staked[owner])
    }

    /// Owners online at a network.
    fn of(&self, roster: &Roster) -> impl Iterator<Item = usize> {
        let here = State::Online(roster.network);
        (0..self.len()).filter(move |&owner| self.state[owner] == here)
    }
}

/// Sells tokens to the public at a price: the public brings what dollars the exchange lacks.
pub(super) fn sell(ledger: &mut Ledger, from: Account, tokens: Amount, price: f64) {
    let usd = Amount::from_f64((tokens.as_f64() * price).min(1e19));
    let short = usd - usd.min(ledger.balance(Asset::Usd, Account::EXCHANGE));
    ledger.transfer(Asset::Token, from, Account::EXCHANGE, tokens, Reason::Swap);
    ledger.mint(Asset::Usd, Account::EXCHANGE, short, Reason::Deposit);
    ledger.transfer(Asset::Usd, Account::EXCHANGE, from, usd, Reason::Swap);
}

//! Owners who may provide: when they come, what they earn, and when they leave.
//!
//! Earnings are shared out by capacity and settled when an owner looks at them: one account of what a unit of capacity has earned
//! since the beginning serves all owners, exactly, and what rounding leaves stays with [`Account::EARNINGS`].

use std::cmp::Ordering;

use walras_des::{Dist, Purpose, SimTime, Streams, math};

use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::units::Amount;

/// Owners of hardware that a network could use.
#[derive(Clone, Debug, PartialEq)]
pub struct Owners {
    /// How many there are, whether they provide or not.
    pub potential: u32,
    /// Share of them that provides at the start, those with the lowest costs.
    pub online: f64,
    /// What one can do [units of work a day].
    pub capacity: Dist,
    /// Electricity, and what else the machine would earn or be good for, while it is online [USD per unit of capacity].
    pub running_cost: Dist,
    /// Share of owners who would first have to buy the hardware.
    pub buyers: f64,
    /// What they pay for it [USD per unit of capacity a day].
    pub hardware_price: f64,
    /// The time within which it must pay for itself [days].
    pub payback: f64,
    /// Time from order to delivery [days].
    pub lead_time: f64,
    /// Time between two looks at earnings [days].
    pub review: f64,
    /// Half-life of what owners remember of earnings [days].
    pub memory: f64,
    /// They join when they expect this many times their running cost.
    pub join_above: f64,
    /// They leave when they expect less than this share of it; what is below one waits in the hope of better times.
    pub leave_below: f64,
    /// How much of an expected unit is given up per unit of its variance, by year.
    pub risk_aversion: f64,
    /// What they do with tokens that they earn.
    pub sells: Sells,
    /// Stake locked while online [USD per unit of capacity a day].
    pub stake: f64,
    /// What they want of the money in their stake [by year].
    pub stake_return: f64,
}

/// Which of the tokens that owners earn they sell at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sells {
    /// A share.
    Share(f64),
    /// As many as pay their running cost.
    Bill,
}

/// Where an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Away,
    /// Has ordered hardware that comes in this epoch.
    Waiting(u32),
    Online,
    /// Caught cheating, and away until this epoch.
    Barred(u32),
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

/// Costs are told apart by these steps where only their distribution matters.
const COST_STEPS: usize = 40;
/// Ratio of one step to the next; the first is at [`LEAST_COST`].
const COST_RATIO: f64 = 1.25;
/// [USD per unit]
const LEAST_COST: f64 = 0.001;

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
}

/// The owners at work.
#[derive(Clone, Debug)]
pub struct Population {
    plan: Owners,
    /// Epochs between two looks.
    review: u32,
    epoch_days: f64,
    /// Of each owner, [thousandths of a unit a day].
    capacity: Vec<u64>,
    /// [USD per unit]
    cost: Vec<f64>,
    buys: Vec<bool>,
    state: Vec<State>,
    staked: Vec<Amount>,
    /// State of the accounts of earnings when each last settled, by asset.
    marks: Vec<[i128; 2]>,
    /// All revenue so far [USD].
    revenue: Vec<f64>,
    /// All running cost so far, up to the last look [USD].
    spent: Vec<f64>,
    settled: Vec<u32>,
    /// What a thousandth of a unit a day has earned since the beginning, by asset [2⁻³² base units].
    earned: [i128; 2],
    /// [thousandths of a unit a day]
    online_capacity: u64,
    online: u32,
    waiting: u32,
    /// Their running cost, in integers so that the sum is exact whoever comes and goes [10⁻⁹ USD per unit times capacity].
    online_cost: u128,
    /// Capacity online by running cost.
    by_cost: [u64; COST_STEPS],
    /// Cost at each step.
    costs: [f64; COST_STEPS],
    /// Weight of an epoch in what owners remember.
    weight: f64,
    /// What a unit of capacity is expected to earn in a day [USD].
    expected: f64,
    /// Variance of the logarithm of what it earns, by year.
    variance: f64,
    last_earning: Option<f64>,
}

const PAID: [Asset; 2] = [Asset::Usd, Asset::Token];

impl Population {
    /// Draws the owners of a network, and puts the cheapest of them online.
    ///
    /// # Panics
    /// If a distribution gives a capacity of less than a thousandth of a unit.
    #[must_use]
    pub fn new(
        plan: &Owners,
        epoch_days: f64,
        expected: f64,
        streams: &Streams,
        network: u64,
    ) -> Self {
        let count = plan.potential as usize;
        let mut stream = streams.open(Purpose::new("owners"), network);
        let mut owners = Self {
            plan: plan.clone(),
            review: ((plan.review / epoch_days).round() as u32).max(1),
            epoch_days,
            capacity: Vec::with_capacity(count),
            cost: Vec::with_capacity(count),
            buys: Vec::with_capacity(count),
            state: vec![State::Away; count],
            staked: vec![Amount::ZERO; count],
            marks: vec![[0; 2]; count],
            revenue: vec![0.0; count],
            spent: vec![0.0; count],
            settled: vec![0; count],
            earned: [0; 2],
            online_capacity: 0,
            online_cost: 0,
            online: 0,
            waiting: 0,
            by_cost: [0; COST_STEPS],
            costs: std::array::from_fn(|step| LEAST_COST * math::powf(COST_RATIO, step as f64)),
            weight: 1.0 - math::powf(0.5, epoch_days / plan.memory),
            expected,
            variance: 0.0,
            last_earning: None,
        };
        for _ in 0..count {
            let capacity = plan.capacity.sample(&mut stream);
            owners
                .capacity
                .push(((capacity * 1e3).round() as u64).max(1));
            owners
                .cost
                .push(plan.running_cost.sample(&mut stream).max(0.0));
            owners.buys.push(stream.bernoulli(plan.buyers));
        }
        let mut order: Vec<usize> = (0..count).collect();
        let cost = |&a: &usize, &b: &usize| {
            owners.cost[a]
                .partial_cmp(&owners.cost[b])
                .unwrap_or(Ordering::Equal)
        };
        order.sort_by(cost);
        let first = (plan.online * f64::from(plan.potential)).round() as usize;
        for &owner in &order[..first.min(count)] {
            owners.enter(owner, 0);
        }
        owners
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

    /// Makes running cost so many times what it was.
    pub fn scale_costs(&mut self, factor: f64) {
        self.by_cost = [0; COST_STEPS];
        self.online_cost = 0;
        for owner in 0..self.len() {
            self.cost[owner] *= factor;
            if self.state[owner] == State::Online {
                self.online_cost += self.whole_cost(owner);
                self.by_cost[step_of(self.cost[owner])] += self.capacity[owner];
            }
        }
    }

    /// Owners who provide now.
    #[must_use]
    pub fn online(&self) -> u32 {
        self.online
    }

    /// Owners who wait for hardware.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// What they can do [thousandths of a unit a day].
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.online_capacity
    }

    /// What a unit of capacity is expected to earn in a day [USD].
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.expected
    }

    /// Capacity online that is offered at each price or above it: running cost [USD per unit], and thousandths of a unit a day.
    pub fn offers(&self) -> impl Iterator<Item = (f64, u64)> {
        let steps = self.costs.iter().copied().zip(self.by_cost);
        steps.filter(|&(_, capacity)| capacity > 0)
    }

    /// What all owners could do, online or not: cost with what pays back hardware that is still to be bought [USD per unit], and units a
    /// day.
    pub fn potential(&self) -> impl Iterator<Item = (f64, f64)> {
        let payback = self.plan.hardware_price / self.plan.payback;
        let all = self.cost.iter().zip(&self.buys).zip(&self.capacity);
        all.map(move |((cost, &buys), &capacity)| {
            let cost = cost + if buys { payback } else { 0.0 };
            (cost, capacity as f64 / 1e3)
        })
    }

    /// Mean running cost of those online [USD per unit].
    #[must_use]
    pub fn mean_cost(&self) -> f64 {
        if self.online_capacity == 0 {
            return 0.0;
        }
        self.online_cost as f64 / 1e9 / self.online_capacity as f64
    }

    /// Revenue of every owner who ever provided [USD], and what running cost them until they last looked.
    pub fn accounts(&self) -> impl Iterator<Item = (f64, f64)> {
        let all = self.revenue.iter().zip(&self.spent);
        all.map(|(&revenue, &spent)| (revenue, spent))
            .filter(|&(_, spent)| spent > 0.0)
    }

    /// Capacities of those online [thousandths of a unit a day].
    pub fn capacities(&self) -> impl Iterator<Item = u64> {
        let all = self.state.iter().zip(&self.capacity);
        all.filter(|(state, _)| **state == State::Online)
            .map(|(_, &capacity)| capacity)
    }

    /// Shares out what is in [`Account::EARNINGS`] since the last time, by capacity: dollars, and tokens that are worth `token_usd`.
    ///
    /// # Panics
    /// If nobody is online.
    pub fn earn(&mut self, usd: Amount, tokens: Amount, token_usd: f64) {
        assert!(self.online_capacity > 0, "earnings need an owner online");
        for (account, pot) in self.earned.iter_mut().zip([usd, tokens]) {
            let scaled = pot
                .0
                .checked_mul(1 << 32)
                .expect("a day's earnings fit 95 bits");
            *account += scaled / i128::from(self.online_capacity);
        }
        let units = self.online_capacity as f64 / 1e3 * self.epoch_days;
        let earning = (usd.as_f64() + tokens.as_f64() * token_usd) / units;
        self.expect(earning);
    }

    /// Takes note of what a unit of capacity has earned [USD a day].
    pub fn expect(&mut self, earning: f64) {
        let weight = self.weight;
        self.expected += weight * (earning - self.expected);
        if let Some(last) = self
            .last_earning
            .filter(|&last| last > 0.0 && earning > 0.0)
        {
            let change = math::ln(earning / last);
            self.variance += weight * (change * change * 365.0 / self.epoch_days - self.variance);
        }
        self.last_earning = Some(earning);
    }

    /// Lets those owners look whose turn it is: they take what they have earned, sell what they do not keep, and stay or go; others
    /// come.
    pub fn look(
        &mut self,
        epoch: u32,
        now: SimTime,
        ledger: &mut Ledger,
        token_usd: Option<f64>,
    ) -> Moves {
        let mut moves = Moves::default();
        ledger.set_time(now);
        // What is certain is worth as much as what is expected less a part of its variance.
        let discount = (1.0 - 0.5 * self.plan.risk_aversion * self.variance).max(0.0);
        let capital = self.plan.stake * self.plan.stake_return / 365.0;
        let expected = self.expected * discount - capital;
        for owner in self.turns(epoch) {
            match self.state[owner] {
                State::Online => {
                    self.collect(owner, epoch, ledger, token_usd, &mut moves);
                    if expected < self.plan.leave_below * self.cost[owner] {
                        self.leave(owner, ledger, token_usd, &mut moves);
                    }
                }
                State::Waiting(due) if due <= epoch => {
                    self.waiting -= 1;
                    // Bought is bought: it runs if it pays its electricity.
                    self.state[owner] = State::Away;
                    self.buys[owner] = false;
                    if expected >= self.plan.leave_below * self.cost[owner] {
                        self.join(owner, epoch, ledger, token_usd, &mut moves);
                    }
                }
                State::Barred(until) if until <= epoch => self.state[owner] = State::Away,
                State::Waiting(_) | State::Barred(_) => {}
                State::Away => {
                    let mut wanted = self.plan.join_above * self.cost[owner];
                    if self.buys[owner] {
                        wanted += self.plan.hardware_price / self.plan.payback;
                    }
                    if expected <= wanted {
                        continue;
                    }
                    if self.buys[owner] && self.plan.lead_time > 0.0 {
                        let due = epoch + (self.plan.lead_time / self.epoch_days).ceil() as u32;
                        self.state[owner] = State::Waiting(due);
                        self.waiting += 1;
                    } else {
                        self.buys[owner] = false;
                        self.join(owner, epoch, ledger, token_usd, &mut moves);
                    }
                }
            }
        }
        moves
    }

    fn join(
        &mut self,
        owner: usize,
        epoch: u32,
        ledger: &mut Ledger,
        token_usd: Option<f64>,
        moves: &mut Moves,
    ) {
        let Some(staked) = self.lock(owner, ledger, token_usd) else {
            // Nobody sells as many: no stake, no entry.
            return;
        };
        moves.staked_usd += staked;
        self.enter(owner, epoch);
        moves.joined += 1;
    }

    /// Lets those who are online from the start lock their stakes; who finds nobody to sell it the tokens leaves.
    pub(super) fn lock_first(&mut self, ledger: &mut Ledger, price: f64) {
        for owner in 0..self.len() {
            if self.is_online(owner) && self.lock(owner, ledger, Some(price)).is_none() {
                self.leave(owner, ledger, None, &mut Moves::default());
            }
        }
    }

    /// Buys and locks an owner's stake. Returns what it cost [USD]; `None` if it is not to be had.
    fn lock(&mut self, owner: usize, ledger: &mut Ledger, token_usd: Option<f64>) -> Option<f64> {
        let stake = self.plan.stake * self.capacity[owner] as f64 / 1e3;
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

    /// Whether an owner provides.
    pub(super) fn is_online(&self, owner: usize) -> bool {
        self.state[owner] == State::Online
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

    /// Throws an owner out in an epoch, until another; `slashed` has already left the stakes.
    pub(super) fn evict(
        &mut self,
        owner: usize,
        slashed: Amount,
        (epoch, until): (u32, u32),
        ledger: &mut Ledger,
        token_usd: Option<f64>,
        moves: &mut Moves,
    ) {
        self.staked[owner] -= slashed;
        self.collect(owner, epoch, ledger, token_usd, moves);
        self.leave(owner, ledger, token_usd, moves);
        self.state[owner] = State::Barred(until);
    }

    fn whole_cost(&self, owner: usize) -> u128 {
        let cost = (self.cost[owner] * 1e9).round() as u128;
        cost * u128::from(self.capacity[owner])
    }

    fn enter(&mut self, owner: usize, epoch: u32) {
        self.state[owner] = State::Online;
        self.online += 1;
        self.online_capacity += self.capacity[owner];
        self.online_cost += self.whole_cost(owner);
        self.by_cost[step_of(self.cost[owner])] += self.capacity[owner];
        self.marks[owner] = self.earned;
        self.settled[owner] = epoch;
    }

    fn leave(
        &mut self,
        owner: usize,
        ledger: &mut Ledger,
        token_usd: Option<f64>,
        moves: &mut Moves,
    ) {
        self.state[owner] = State::Away;
        self.online -= 1;
        self.online_capacity -= self.capacity[owner];
        self.online_cost -= self.whole_cost(owner);
        self.by_cost[step_of(self.cost[owner])] -= self.capacity[owner];
        moves.left += 1;
        let stake = std::mem::take(&mut self.staked[owner]);
        if let Some(price) = token_usd.filter(|_| stake > Amount::ZERO) {
            let account = Account::owner(owner);
            ledger.transfer(
                Asset::Token,
                Account::STAKES,
                account,
                stake,
                Reason::Unstake,
            );
            sell(ledger, account, stake, price);
            moves.sold += stake;
        }
    }

    /// Settles what an owner has earned since the last time.
    fn collect(
        &mut self,
        owner: usize,
        epoch: u32,
        ledger: &mut Ledger,
        token_usd: Option<f64>,
        moves: &mut Moves,
    ) {
        let account = Account::owner(owner);
        let mut earned = [Amount::ZERO; 2];
        for (index, asset) in PAID.into_iter().enumerate() {
            let gain = self.earned[index] - self.marks[owner][index];
            let owed = gain.checked_mul(i128::from(self.capacity[owner]));
            let owed = Amount(owed.expect("an owner's earnings fit 95 bits") >> 32);
            if owed > Amount::ZERO {
                ledger.transfer(asset, Account::EARNINGS, account, owed, Reason::Collect);
            }
            earned[index] = owed;
        }
        self.marks[owner] = self.earned;
        let days = f64::from(epoch - self.settled[owner]) * self.epoch_days;
        self.settled[owner] = epoch;
        let bill = self.cost[owner] * self.capacity[owner] as f64 / 1e3 * days;
        self.spent[owner] += bill;
        self.revenue[owner] += earned[0].as_f64();
        if let Some(price) = token_usd {
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

    /// What owners are owed and have not taken, in dollars and tokens, and at most a unit of each for every owner online is rounding.
    #[must_use]
    pub fn owed(&self) -> [Amount; 2] {
        let mut owed = [0_i128; 2];
        for owner in 0..self.len() {
            if self.state[owner] == State::Online {
                for (index, sum) in owed.iter_mut().enumerate() {
                    let gain = self.earned[index] - self.marks[owner][index];
                    *sum += (gain * i128::from(self.capacity[owner])) >> 32;
                }
            }
        }
        owed.map(Amount)
    }

    /// What is staked together.
    #[must_use]
    pub fn staked(&self) -> Amount {
        self.staked
            .iter()
            .fold(Amount::ZERO, |sum, &stake| sum + stake)
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

/// The step at or above a cost.
fn step_of(cost: f64) -> usize {
    let mut at = LEAST_COST;
    let mut step = 0;
    while at < cost && step + 1 < COST_STEPS {
        at *= COST_RATIO;
        step += 1;
    }
    step
}

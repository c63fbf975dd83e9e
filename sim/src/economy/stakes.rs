//! Stakes: what they earn, who delegates to owners, and how the fear of losing them keeps owners honest.
//!
//! An owner who cheats is paid for work that it does not do. Of work a share is checked; who is caught loses the fee, a share of the
//! stake, and what it would have earned while it is barred. Cheating on a job pays unless `q·(p + b + Φ) ≥ D`
//! ([`crate::token::staking::Temptation`]), whether an owner means to cheat once or until it is caught: the number of jobs until then is
//! geometric with mean `1/q`, gains and losses alike.

use std::collections::BTreeMap;

use walras_des::{Purpose, Stream, Streams, math};

use crate::economy::pool::{Look, Moves, Pool};
use crate::economy::roster::Roster;
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::token::staking::{Slash, Temptation, slash};
use crate::units::{Amount, Ppm};

/// How a network makes sure that work was done, and what owners could gain who do not do it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Share of owners who cheat when it pays; all others never do.
    pub opportunists: f64,
    /// Share of running cost that work saves which is not done.
    pub saves: f64,
    /// Work in a job [units].
    pub job: f64,
    /// Probability that a job is checked.
    pub checked: f64,
    /// Probability that a check finds a cheat.
    pub finds: f64,
    /// What a check costs the protocol [USD per unit of work].
    pub cost: f64,
    /// Share of the stake that a cheat loses.
    pub slashed: Ppm,
    /// Share of that for the treasury; the rest is burned.
    pub to_treasury: Ppm,
    /// Time for which a cheat is barred from the network [days].
    pub barred: f64,
    /// Half-life of what customers remember of work that was not done [days].
    pub memory: f64,
}

/// What stake earns beside the owners' pay, and who delegates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staking {
    /// Share of new tokens that stake earns, whoever owns it.
    pub rewards: Ppm,
    /// Share of the public's tokens that it delegates at the start.
    pub delegated: Ppm,
    /// The public delegates while stake yields more than this, and takes back while it yields less [by year].
    pub wanted: f64,
    /// Half-life of the way to where it yields that [days].
    pub response: f64,
    /// Share of what delegated stake earns that owners keep.
    pub commission: Ppm,
}

/// Delegated stake at work.
#[derive(Clone, Debug)]
pub(super) struct Delegation {
    plan: Staking,
    /// In [`Account::STAKES`], beside the owners'.
    pub delegated: Amount,
    /// What stake yielded in the last epoch [by year].
    pub yields: f64,
}

impl Delegation {
    pub fn new(plan: Staking, ledger: &mut Ledger) -> Self {
        let delegated = ledger
            .balance(Asset::Token, Account::EXCHANGE)
            .share(plan.delegated);
        ledger.transfer(
            Asset::Token,
            Account::EXCHANGE,
            Account::STAKES,
            delegated,
            Reason::Stake,
        );
        Self {
            plan,
            delegated,
            yields: 0.0,
        }
    }

    /// Divides what owners and stake get of new tokens: what is for owners, and what is for the public. Without stake all is for owners.
    pub fn divide(&mut self, pot: Amount, staked: Amount, days: f64) -> (Amount, Amount) {
        let rewards = pot.share(self.plan.rewards);
        if staked == Amount::ZERO {
            self.yields = 0.0;
            return (pot, Amount::ZERO);
        }
        self.yields = rewards.0 as f64 / staked.0 as f64 * 365.0 / days;
        let delegated = mul_div(rewards, self.delegated, staked);
        let public = delegated - delegated.share(self.plan.commission);
        (pot - public, public)
    }

    /// The public moves toward the stake at which it earns what it wants.
    pub fn respond(&mut self, days: f64, ledger: &mut Ledger) {
        let staked = ledger.balance(Asset::Token, Account::STAKES);
        let kept = 1.0 - self.plan.commission.fraction();
        let goal = staked.0 as f64 * self.yields * kept / self.plan.wanted
            - (staked - self.delegated).0 as f64;
        let weight = 1.0 - math::powf(0.5, days / self.plan.response);
        let held = ledger.balance(Asset::Token, Account::EXCHANGE).0 as f64;
        let most = held + self.delegated.0 as f64;
        let change = weight * (goal.clamp(0.0, most) - self.delegated.0 as f64);
        let amount = Amount(change.abs() as i128);
        let (from, to, reason) = if change > 0.0 {
            (Account::EXCHANGE, Account::STAKES, Reason::Stake)
        } else {
            (Account::STAKES, Account::EXCHANGE, Reason::Unstake)
        };
        let amount = amount.min(if change > 0.0 {
            ledger.balance(Asset::Token, from)
        } else {
            self.delegated
        });
        ledger.transfer(Asset::Token, from, to, amount, reason);
        self.delegated += if change > 0.0 { amount } else { -amount };
    }
}

/// `a · b / c`, rounded down.
fn mul_div(a: Amount, b: Amount, c: Amount) -> Amount {
    let [a, b, c] = [a, b, c].map(|amount| amount.0.unsigned_abs());
    Amount(crate::token::split::mul_div(a, b, c).cast_signed())
}

/// Verification at work.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub plan: Verification,
    opportunists: Vec<bool>,
    /// Owners who cheat, and the jobs until each is caught.
    cheats: BTreeMap<usize, f64>,
    stream: Stream,
    /// Share of work that was done, as customers remember it.
    pub quality: f64,
}

/// What an epoch is like for those who think of cheating.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub days: f64,
    /// Units of work for a unit of capacity.
    pub utilization: f64,
    /// What an owner is paid for a unit of work [USD].
    pub fee: f64,
}

/// What cheats did in an epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Damage {
    /// Work that was paid for and not done [units].
    pub lost: f64,
    /// Owners caught.
    pub caught: u32,
    /// Taken from stakes.
    pub slashed: Amount,
    /// Burned of that.
    pub burned: Amount,
}

impl Watch {
    pub fn new(plan: &Verification, owners: usize, streams: &Streams, network: u64) -> Self {
        let mut stream = streams.open(Purpose::new("opportunists"), network);
        Self {
            plan: plan.clone(),
            opportunists: (0..owners)
                .map(|_| stream.bernoulli(plan.opportunists))
                .collect(),
            cheats: BTreeMap::new(),
            stream: streams.open(Purpose::new("checks of work"), network),
            quality: 1.0,
        }
    }

    /// Probability that a cheat is caught on a job.
    fn caught(&self) -> f64 {
        self.plan.checked * self.plan.finds
    }

    /// Whether cheating pays an owner.
    fn tempts(
        &self,
        owners: &Pool,
        owner: usize,
        expected: f64,
        scene: &Scene,
        token_usd: f64,
    ) -> bool {
        let member = owners.member(owner);
        let margin = (expected - member.cost).max(0.0);
        let temptation = Temptation {
            gain: self.plan.saves * member.cost * self.plan.job,
            fee: scene.fee * self.plan.job,
            slashed: member.staked.share(self.plan.slashed).as_f64() * token_usd,
            franchise: margin * member.capacity * self.plan.barred,
        };
        !temptation.is_honest(self.caught())
    }

    /// Jobs until a cheat is caught, the last one included.
    fn jobs(&mut self) -> f64 {
        let caught = self.caught();
        if caught >= 1.0 {
            return 1.0;
        }
        // Infinite if nothing is ever found.
        let uniform = 1.0 - self.stream.uniform();
        1.0 + (math::ln(uniform) / math::ln_1p(-caught)).floor()
    }

    /// An epoch: those whose turn it is think again, cheats cheat, and some are caught.
    pub fn step(
        &mut self,
        scene: &Scene,
        owners: &mut Pool,
        roster: &mut Roster,
        look: &mut Look<'_>,
        moves: &mut Moves,
    ) -> Damage {
        let mut damage = Damage::default();
        if self.plan.opportunists > 0.0 {
            self.decide(scene, owners, roster, look);
        }
        let mut cheats = std::mem::take(&mut self.cheats);
        cheats.retain(|&owner, left| {
            if !owners.is_online(owner, roster) {
                return false;
            }
            let member = owners.member(owner);
            let jobs = scene.utilization * member.capacity * scene.days / self.plan.job;
            let done = jobs.min(*left);
            damage.lost += done * self.plan.job;
            owners.save(owner, self.plan.saves * member.cost * done * self.plan.job);
            *left -= done;
            if *left > 0.0 {
                return true;
            }
            let slashed = slash(member.staked, self.plan.slashed, self.plan.to_treasury);
            self.punish(owner, slashed, scene, owners, (roster, look), moves);
            damage.caught += 1;
            damage.slashed += slashed.to_reporter + slashed.rest;
            damage.burned += slashed.rest;
            false
        });
        self.cheats = cheats;
        damage
    }

    fn decide(&mut self, scene: &Scene, owners: &Pool, roster: &Roster, look: &Look<'_>) {
        let expected = roster.seen().income;
        for owner in owners.turns(look.epoch) {
            if !self.opportunists[owner] || !owners.is_online(owner, roster) {
                continue;
            }
            if !self.tempts(
                owners,
                owner,
                expected,
                scene,
                look.token_usd.unwrap_or(0.0),
            ) {
                self.cheats.remove(&owner);
            } else if !self.cheats.contains_key(&owner) {
                let left = self.jobs();
                self.cheats.insert(owner, left);
            }
        }
    }

    /// Takes what is slashed, throws the owner out, and gives the pay of the job back.
    fn punish(
        &self,
        owner: usize,
        slashed: Slash,
        scene: &Scene,
        owners: &mut Pool,
        (roster, look): (&mut Roster, &mut Look<'_>),
        moves: &mut Moves,
    ) {
        let whole = slashed.to_reporter + slashed.rest;
        let (stakes, treasury) = (Account::STAKES, Account::TREASURY);
        let ledger = &mut *look.ledger;
        ledger.transfer(Asset::Token, stakes, treasury, whole, Reason::Slash);
        ledger.burn(Asset::Token, treasury, slashed.rest, Reason::Burn);
        let until = look.epoch + (self.plan.barred / scene.days).ceil() as u32;
        owners.evict(owner, whole, until, (roster, look), moves);
        let account = Account::owner(owner);
        let fee = Amount::from_f64(scene.fee * self.plan.job);
        let fee = fee.min(look.ledger.balance(Asset::Usd, account));
        look.ledger
            .transfer(Asset::Usd, account, Account::CUSTOMERS, fee, Reason::Refund);
    }

    /// Customers take note of how much of their work was done.
    pub fn remember(&mut self, lost: f64, served: f64, days: f64) {
        if served > 0.0 {
            let weight = 1.0 - math::powf(0.5, days / self.plan.memory);
            self.quality += weight * ((1.0 - lost / served).clamp(0.0, 1.0) - self.quality);
        }
    }
}

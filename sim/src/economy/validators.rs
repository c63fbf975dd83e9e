//! Validators who divide a network's new tokens between owners by what they have seen of their work, some of whom collude.
//!
//! The rules are Yuma's ([`crate::token::yuma`]), Bittensor's: a validator's weight counts as far as κ of the stake agrees, and who
//! backs owners that nobody else does earns no dividends for it. Colluding validators give all their weight to owners of their own.
//! Where these do a share a of the work and all others judge rightly, a share s of the stake gets its owners
//!
//! - `a / (a + (1 − s)(1 − a))` of what owners get below κ and up to 1 − κ, as it takes a part of their weight from the others;
//! - `s + (1 − s) a` from κ up to 1 − κ, where both sides have a consensus of their own;
//! - all beyond 1 − κ, where the others have none.

use walras_des::{Dist, Purpose, Stream, Streams, math};

use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::supply::owner::Outlook;
use crate::token::yuma::{Subnet, Verdict, Yuma};
use crate::units::{Amount, Ppm};

/// Who divides new tokens between owners, and by what.
#[derive(Clone, Debug, PartialEq)]
pub struct Validators {
    /// How many there are.
    pub count: u32,
    /// What each has staked, relative to others.
    pub stakes: Dist,
    /// Standard deviation of the logarithm of what a validator takes an owner's work for, over what it was.
    pub noise: f64,
    /// Share of the stake whose validators collude.
    pub colluding: f64,
    /// Share of owners who are the colluders' own.
    pub allies: f64,
    /// Share of new tokens that validators get.
    pub dividends: Ppm,
    /// Time between two divisions [days].
    pub every: f64,
    /// Rules of the division.
    pub rules: Yuma,
}

/// What a division found of the colluders and of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Finding {
    /// Share of the work that the colluders' owners did.
    pub work: f64,
    /// Share of what owners got that these got.
    pub incentive: f64,
    /// Dividends of honest and of colluding validators over their share of the stake; zero if there are none.
    pub dividends: [f64; 2],
}

/// Validators at work.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    plan: Validators,
    subnet: Subnet,
    /// Of each validator, the honest ones first, relative to others.
    stakes: Vec<u64>,
    honest: usize,
    /// Which owners are the colluders' own.
    allies: Vec<bool>,
    /// What each owner has done since the last division.
    work: Vec<f64>,
    /// Tokens in [`Account::EARNINGS`] that are to be divided, between owners and between validators.
    pots: [Amount; 2],
    /// Epochs from one division to the next.
    every: u32,
    stream: Stream,
    /// What the last division found.
    pub finding: Finding,
    /// What a unit of capacity of the colluders' owners is expected to earn beyond what one of others does [USD].
    premium: Outlook,
}

/// Stake of all validators together, in the units of [`Panel::stakes`].
const STAKE: f64 = 1e12;

impl Panel {
    /// Draws validators, and which of so many owners are the colluders'; owners remember for so many days, in epochs of so many.
    pub fn new(
        plan: &Validators,
        owners: usize,
        (memory, epoch_days): (f64, f64),
        streams: &Streams,
        network: u64,
    ) -> Self {
        let mut stream = streams.open(Purpose::new("validators"), network);
        let count = plan.count as usize;
        let colluding = (plan.colluding * f64::from(plan.count)).round() as usize;
        // Both sides have somebody if they have stake.
        let least = usize::from(plan.colluding > 0.0);
        let most = count - usize::from(plan.colluding < 1.0);
        let honest = count - colluding.clamp(least, most.max(least));
        let drawn: Vec<f64> = (0..count)
            .map(|_| plan.stakes.sample(&mut stream))
            .collect();
        let sides = [
            (0..honest, 1.0 - plan.colluding),
            (honest..count, plan.colluding),
        ];
        let stakes = sides.into_iter().flat_map(|(side, share)| {
            let side = &drawn[side];
            let whole: f64 = side.iter().sum();
            side.iter()
                .map(move |stake| (STAKE * share * stake / whole).round() as u64)
        });
        let allies = (0..owners).map(|_| stream.bernoulli(plan.allies)).collect();
        Self {
            subnet: Subnet::between(count, owners),
            stakes: stakes.collect(),
            honest,
            allies,
            work: vec![0.0; owners],
            pots: [Amount::ZERO; 2],
            every: ((plan.every / epoch_days).round() as u32).max(1),
            stream: streams.open(Purpose::new("scores of validators"), network),
            finding: Finding::default(),
            premium: Outlook::new(0.0, memory, epoch_days),
            plan: plan.clone(),
        }
    }

    /// Which owners are the colluders' own.
    pub fn allies(&self) -> &[bool] {
        &self.allies
    }

    /// What is in [`Account::EARNINGS`] and belongs to nobody before the next division.
    pub fn held(&self) -> Amount {
        self.pots[0] + self.pots[1]
    }

    /// Takes new tokens to be divided; returns what of them is for owners.
    pub fn take(&mut self, tokens: Amount) -> Amount {
        let dividends = tokens.share(self.plan.dividends);
        self.pots[0] += tokens - dividends;
        self.pots[1] += dividends;
        tokens - dividends
    }

    /// Sees an epoch's work of owners.
    pub fn see(&mut self, work: impl Iterator<Item = (usize, f64)>) {
        for (owner, done) in work {
            self.work[owner] += done;
        }
    }

    /// What owners earn of each token for them, on average one: owners of nobody, and the colluders' own.
    pub fn rates(&self) -> [f64; 2] {
        let Finding {
            work, incentive, ..
        } = self.finding;
        let rate = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
        [rate(1.0 - incentive, 1.0 - work), rate(incentive, work)]
    }

    /// Takes note of what tokens for owners were worth for a unit of capacity [USD]; returns what more the colluders' owners expect.
    pub fn note(&mut self, earning: f64) -> f64 {
        let [others, own] = self.rates();
        self.premium.observe(earning * (own - others));
        self.premium.income
    }

    /// In the last epoch before a division, divides what there is: shares of what owners get, and how much they get. Without work, or
    /// without a weight that counts, all waits for the next time.
    pub fn divide(&mut self, epoch: u32, ledger: &mut Ledger) -> Option<(Vec<Amount>, Amount)> {
        if !(epoch + 1).is_multiple_of(self.every) || self.work.iter().all(|&work| work <= 0.0) {
            return None;
        }
        let weights = self.weights();
        let verdict = self.subnet.weigh(&self.plan.rules, &self.stakes, &weights);
        if verdict.incentive.iter().all(|&share| share == 0) {
            return None;
        }
        self.finding = self.find(&verdict);
        self.work.fill(0.0);
        self.pay_dividends(&verdict.dividends, ledger);
        let incentive = verdict
            .incentive
            .into_iter()
            .map(|share| Amount(share.into()));
        Some((incentive.collect(), self.pots[0]))
    }

    /// So much of what owners were to get has gone to them.
    pub fn paid(&mut self, tokens: Amount) {
        self.pots[0] -= tokens;
    }

    /// What each validator gives each owner.
    fn weights(&mut self) -> Vec<Vec<u16>> {
        let mut scores = vec![0.0; self.work.len()];
        (0..self.stakes.len())
            .map(|validator| {
                let is_honest = validator < self.honest;
                for ((score, &work), &ally) in scores.iter_mut().zip(&self.work).zip(&self.allies) {
                    *score = if is_honest || ally { work } else { 0.0 };
                    if is_honest && self.plan.noise > 0.0 && work > 0.0 {
                        *score *= math::exp(self.plan.noise * self.stream.normal());
                    }
                }
                let most = scores
                    .iter()
                    .copied()
                    .fold(0.0, f64::max)
                    .max(f64::MIN_POSITIVE);
                let of_most = |score: &f64| (score / most * f64::from(u16::MAX)).round() as u16;
                scores.iter().map(of_most).collect()
            })
            .collect()
    }

    fn find(&self, verdict: &Verdict) -> Finding {
        let whole: f64 = self.work.iter().sum();
        let own = |values: &mut dyn Iterator<Item = f64>| -> f64 {
            let pairs = values.zip(&self.allies);
            pairs
                .filter(|(_, ally)| **ally)
                .map(|(value, _)| value)
                .sum()
        };
        let sum = |shares: &[u64]| shares.iter().sum::<u64>() as f64;
        let (honest, colluding) = verdict.dividends.split_at(self.honest);
        let all = sum(&verdict.dividends);
        let over_stake = |dividends: f64, stake: f64| {
            if stake > 0.0 && all > 0.0 {
                dividends / all / stake
            } else {
                0.0
            }
        };
        let incentive = &verdict.incentive;
        Finding {
            work: own(&mut self.work.iter().copied()) / whole,
            incentive: own(&mut incentive.iter().map(|&share| share as f64)) / sum(incentive),
            dividends: [
                over_stake(sum(honest), 1.0 - self.plan.colluding),
                over_stake(sum(colluding), self.plan.colluding),
            ],
        }
    }

    /// Pays validators, who with those who have delegated to them are part of the public. What rounding leaves waits for the next time.
    fn pay_dividends(&mut self, shares: &[u64], ledger: &mut Ledger) {
        let whole: u64 = shares.iter().sum();
        if whole == 0 {
            return;
        }
        let pot = self.pots[1];
        let parts = shares.iter().map(|&share| pot.mul_floor(share, whole));
        let paid = parts.fold(Amount::ZERO, |sum, part| sum + part);
        let to = Account::EXCHANGE;
        ledger.transfer(Asset::Token, Account::EARNINGS, to, paid, Reason::Dividend);
        self.pots[1] -= paid;
    }
}

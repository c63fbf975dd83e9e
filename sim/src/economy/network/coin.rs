//! A token at work.

use walras_des::{Purpose, SimTime, Span, Stream, Streams};

use super::{Epoch, Tally};
use crate::economy::Token;
use crate::economy::deals::Economics;
use crate::economy::stakes::Delegation;
use crate::economy::token::{Emission, Holder, Situation};
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::series::{Column, Row};
use crate::token::price::{TokenFlows, TokenPrice};
use crate::units::Amount;

/// Where tokens do not circulate, stakes last.
const LOCKED: [Account; 3] = [Account::VESTING, Account::TREASURY, Account::STAKES];

/// The token at work.
#[derive(Clone, Debug)]
pub(super) struct Coin {
    pub plan: Token,
    price: TokenPrice,
    pub usd: f64,
    stream: Stream,
    pub delegation: Option<Delegation>,
    rule: Emission,
    /// New tokens of the last day that was asked for.
    today: (Option<u64>, Amount),
    /// Times what the rule says.
    pub factor: f64,
    /// Freed so far of each allotment.
    pub freed: Vec<Amount>,
    /// Burned and not minted again.
    pub backlog: Amount,
    pub shock: f64,
}

impl Coin {
    pub(super) fn new(
        plan: &Token,
        network: usize,
        ledger: &mut Ledger,
        streams: &Streams,
    ) -> Self {
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
            stream: streams.open(Purpose::new("price of a token"), network as u64),
            delegation: plan.staking.map(|staking| Delegation::new(staking, ledger)),
            rule: plan.emission.clone(),
            today: (None, Amount::ZERO),
            factor: 1.0,
            freed,
            backlog: Amount::ZERO,
            shock: 1.0,
        }
    }

    /// What pledges depend on, some days from the start, where so many new tokens a day are for owners; at the start as many as the rule
    /// will say.
    pub(super) fn economics(
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

    /// New tokens of an epoch: a day's are spread evenly over it.
    pub(super) fn emit(&mut self, epoch: Epoch, now: &Situation) -> Amount {
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

    /// Tokens that so many dollars buy: at most what the public has.
    pub(super) fn buys(&self, usd: Amount, ledger: &Ledger) -> Amount {
        let tokens = Amount::from_f64((usd.as_f64() / self.usd).min(1e19));
        tokens.min(ledger.balance(Asset::Token, Account::EXCHANGE))
    }

    /// Its curve issues and redeems what was bought and sold, if it has one.
    pub(super) fn issue(&mut self, tally: &mut Tally, ledger: &mut Ledger) {
        let Some(bond) = self.plan.bond else {
            return;
        };
        let turn = bond.trade(self.usd, tally.bought_usd, tally.sold, ledger);
        self.usd = turn.usd;
        tally.minted += turn.minted;
        tally.burned += turn.burned;
    }

    /// The public delegates, and what was bought and sold, where customers paid `revenue`, makes the next price.
    pub(super) fn reprice(
        &mut self,
        epoch: Epoch,
        revenue: Amount,
        tally: &Tally,
        ledger: &mut Ledger,
        row: &mut Row,
    ) {
        if let Some(delegation) = &mut self.delegation {
            delegation.respond(epoch.days, ledger);
            row[Column::Delegated] = delegation.delegated.as_f64();
            row[Column::StakeYield] = delegation.yields;
        }
        let locked = LOCKED.map(|account| ledger.balance(Asset::Token, account).as_f64());
        let circulating = ledger.supply(Asset::Token).as_f64() - locked.iter().sum::<f64>();
        let flows = TokenFlows {
            bought_usd: tally.bought_usd,
            sold_tokens: tally.sold.as_f64(),
            circulating,
            revenue_usd: revenue.as_f64(),
            emitted_tokens: tally.minted.as_f64(),
        };
        if self.plan.bond.is_none() {
            let years = epoch.days / 365.0;
            self.usd = self.price.step(years, &flows, &mut self.stream) * self.shock;
        }
        row[Column::TokenPrice] = self.usd;
        row[Column::Circulating] = circulating;
        row[Column::Staked] = locked[2];
    }
}

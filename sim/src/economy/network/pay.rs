//! What owners are paid, what they see of it, and whether they come, stay, cheat or go.

use super::{Commons, Deal, Epoch, State, Tally, Work, utilization};
use crate::economy::Payment;
use crate::economy::pool::Look;
use crate::economy::roster::Pots;
use crate::economy::stakes::Temper;
use crate::ledger::{Account, Asset, Reason};
use crate::series::{Column, Row};
use crate::units::Amount;

impl State {
    /// Divides what there is for owners, who were paid `usd` and `pay` tokens for work.
    pub(super) fn pay_owners(
        &mut self,
        epoch: Epoch,
        deal: &Deal,
        (usd, pay): (Amount, Amount),
        tally: &mut Tally,
        commons: &mut Commons,
        row: &mut Row,
    ) {
        let capacity = self.capacity();
        let gross = self.gross();
        let mut pots = self.pots(epoch, deal, (usd, pay), tally.offered);
        let Work::Owners(roster) = &mut self.work else {
            return;
        };
        let pool = &mut commons.pools[roster.pool];
        roster.use_power(pool, epoch.start, utilization(deal.served, capacity));
        let mut tokens = pay + tally.for_owners;
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
            let token_usd = self.coin.as_ref().map_or(0.0, |coin| coin.usd);
            let worth = |tokens: Amount| tokens.as_f64() * token_usd;
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
    }

    /// Owners come, go and cheat, after an epoch in which they did `served` of `capacity` units a day.
    pub(super) fn ask_owners(
        &mut self,
        epoch: Epoch,
        (served, capacity): (f64, f64),
        tally: &mut Tally,
        commons: &mut Commons,
        row: &mut Row,
    ) {
        let gross = self.gross();
        let Work::Owners(roster) = &mut self.work else {
            return;
        };
        let pool = &mut commons.pools[roster.pool];
        let mut scene = Look {
            epoch: epoch.index,
            now: epoch.now,
            is_open: self.is_open,
            ledger: &mut self.ledger,
            token_usd: self.coin.as_ref().map(|coin| coin.usd),
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
                utilization: utilization(served, capacity).min(1.0),
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
        tally.bought_usd += tally.moves.staked_usd;
        tally.sold += tally.moves.sold;
        row[Column::Cost] = roster.mean_cost();
        row[Column::Providers] = f64::from(roster.online());
        row[Column::Waiting] = f64::from(pool.waiting());
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
            self.price / self.gross()
        };
        Pots {
            fixed: minted.as_f64() * token_usd / epoch.days,
            fee,
            work: deal.wanted.max(self.sought),
        }
    }
}

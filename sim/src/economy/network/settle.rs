//! The books of an epoch: what customers paid goes to owners, creators and treasury, and tokens are minted, freed and burned.

use super::{Deal, Epoch, State, Tally, Work};
use crate::economy::Payment;
use crate::economy::pool::sell;
use crate::economy::token::{Holder, Situation};
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::units::{Amount, Ppm};

/// Divides customers' money between who works, creators and the treasury.
fn divide(ledger: &mut Ledger, asset: Asset, earner: Account, amounts: [Amount; 3]) {
    let to = [earner, Account::CREATORS, Account::TREASURY];
    let reasons = [Reason::Payment, Reason::Royalty, Reason::Fee];
    for ((to, reason), amount) in to.into_iter().zip(reasons).zip(amounts) {
        ledger.transfer(asset, Account::CUSTOMERS, to, amount, reason);
    }
}

impl State {
    /// Moves what customers paid; what owners get of it, in dollars and in tokens, is in their account then.
    pub(super) fn settle(
        &mut self,
        epoch: Epoch,
        deal: &Deal,
        tally: &mut Tally,
    ) -> (Amount, Amount) {
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
        let is_earned = (self.work.roster()).is_some_and(|roster| roster.capacity() > 0);
        let earner = if is_earned {
            Account::EARNINGS
        } else {
            Account::TREASURY
        };
        let payment = self
            .coin
            .as_ref()
            .map_or(Payment::Dollars, |coin| coin.plan.payment);
        let creators = received.share(for_creators);
        let owners = received - creators - received.share(self.plan.take_rate);
        if payment == Payment::Dollars {
            let fee = total - owners - creators;
            divide(ledger, Asset::Usd, earner, [owners, creators, fee]);
            tally.income += fee;
            if burned > Amount::ZERO {
                self.buy_and_burn(burned, tally);
            }
            return (owners, Amount::ZERO);
        }
        let coin = self
            .coin
            .as_mut()
            .expect("tokens are paid where there are some");
        let tokens = coin.buys(total, ledger);
        let (customers, exchange) = (Account::CUSTOMERS, Account::EXCHANGE);
        ledger.transfer(Asset::Usd, customers, exchange, total, Reason::Swap);
        ledger.transfer(Asset::Token, exchange, customers, tokens, Reason::Swap);
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
                let rest = tokens - owners - creators;
                divide(ledger, Asset::Token, earner, [owners, creators, rest]);
                let destroyed = part(burned).min(rest);
                ledger.burn(Asset::Token, Account::TREASURY, destroyed, Reason::Burn);
                tally.burned += destroyed;
                (Amount::ZERO, owners)
            }
            Payment::BurnAndMint {
                burned,
                minted_again,
            } => {
                let destroyed = tokens.share(burned);
                ledger.burn(Asset::Token, customers, destroyed, Reason::Burn);
                // What is burned becomes credit for the work, which uses it up.
                let credit = total.share(burned);
                ledger.mint(Asset::Credit, customers, credit, Reason::Credit);
                ledger.burn(Asset::Credit, customers, credit, Reason::Credit);
                let (fee, treasury) = (tokens - destroyed, Account::TREASURY);
                ledger.transfer(Asset::Token, customers, treasury, fee, Reason::Fee);
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
        let tokens = coin.buys(usd, &self.ledger);
        if tokens == Amount::ZERO {
            return;
        }
        let usd = Amount::from_f64(tokens.as_f64() * coin.usd).min(usd);
        let ledger = &mut self.ledger;
        let (treasury, exchange) = (Account::TREASURY, Account::EXCHANGE);
        ledger.transfer(Asset::Usd, treasury, exchange, usd, Reason::BuyBack);
        ledger.transfer(Asset::Token, exchange, treasury, tokens, Reason::BuyBack);
        ledger.burn(Asset::Token, treasury, tokens, Reason::Burn);
        tally.bought_usd += usd.as_f64();
        tally.burned += tokens;
    }

    /// Mints what the schedule says.
    pub(super) fn mint(&mut self, epoch: Epoch, tally: &mut Tally) {
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
    pub(super) fn free(&mut self, epoch: Epoch, tally: &mut Tally) {
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
    pub(super) fn keep_house(&mut self, epoch: Epoch, served: f64, tally: &mut Tally) {
        if let Work::Seller(_) = self.work {
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
}

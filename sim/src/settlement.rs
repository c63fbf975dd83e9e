//! Settlement: what a delivery, a loss and an hour of rent do to the ledger.
//!
//! Each way of moving money takes the event that justifies it, so that there is no payment without a delivery or a rental, and no
//! slashing without a fault; [`Bank::audit`] holds the ledger's totals against the counts.

use walras_des::Span;

use crate::ids::{NodeId, OwnerId};
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::units::{Amount, Ppm};

/// How deliveries are paid.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// Price of the platform's token, if it settles in one [USD].
    pub token_price: Option<f64>,
    /// Share of a payment that the protocol keeps.
    pub take_rate: Ppm,
    /// Share of the protocol's take that is burned; the rest goes to the treasury.
    pub burn: Ppm,
    /// Stake of each node, in dollars' worth.
    pub stake: Amount,
    /// Share of the remaining stake that a node forfeits for each time it leaves with unfinished work.
    pub slash: Ppm,
}

/// Money locked for one placed job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "what is locked must be paid or refunded"]
pub struct Lock(Amount);

/// The books of one platform, and the rules by which they change.
#[derive(Debug)]
pub struct Bank {
    ledger: Ledger,
    rules: Settlement,
    asset: Asset,
    /// Price of a token in base units of a dollar.
    token_price: i128,
    stakes: Vec<Amount>,
    deliveries: u64,
    rentals: u64,
    faults: u64,
}

/// What an owner and the protocol got for one delivery [base units of a dollar].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payout {
    /// To the owner.
    pub owner: Amount,
    /// Kept or burned by the protocol.
    pub protocol: Amount,
}

/// Tokens that the exchange starts with. It only has to be enough: what owners sell comes back to it.
const EXCHANGE_TOKENS: i128 = 1_000_000_000_000 * Amount::SCALE;

impl Bank {
    /// Opens the books of a platform with these owners, given the owner of each node, and locks the stakes.
    #[must_use]
    pub fn new(rules: &Settlement, owner_count: usize, owners: &[OwnerId]) -> Self {
        let asset = if rules.token_price.is_some() {
            Asset::Token
        } else {
            Asset::Usd
        };
        let mut bank = Self {
            ledger: Ledger::new(owner_count),
            rules: rules.clone(),
            asset,
            token_price: rules
                .token_price
                .map_or(Amount::SCALE, |price| Amount::from_f64(price).0.max(1)),
            stakes: Vec::with_capacity(owners.len()),
            deliveries: 0,
            rentals: 0,
            faults: 0,
        };
        if asset == Asset::Token {
            bank.ledger.mint(
                asset,
                Account::EXCHANGE,
                Amount(EXCHANGE_TOKENS),
                Reason::Genesis,
            );
        }
        for owner in owners {
            let stake = bank.worth(rules.stake);
            if stake > Amount::ZERO {
                let account = Account::owner(owner.index());
                bank.ledger.mint(asset, account, stake, Reason::Deposit);
                bank.ledger
                    .transfer(asset, account, Account::STAKES, stake, Reason::Stake);
            }
            bank.stakes.push(stake);
        }
        bank
    }

    /// Locks `usd` of the customers' money for a job that is placed.
    pub fn lock(&mut self, usd: Amount) -> Lock {
        let amount = self.worth(usd);
        self.fund(amount);
        self.ledger.transfer(
            self.asset,
            Account::CUSTOMERS,
            Account::ESCROW,
            amount,
            Reason::Escrow,
        );
        Lock(amount)
    }

    /// Gives back what was locked: the job was lost.
    pub fn refund(&mut self, lock: Lock) {
        self.ledger.transfer(
            self.asset,
            Account::ESCROW,
            Account::CUSTOMERS,
            lock.0,
            Reason::Refund,
        );
    }

    /// Asks for what the payment of an owner will need.
    #[inline]
    pub(crate) fn ask_for_owner(&self, owner: OwnerId) {
        (self.ledger).ask_for(self.asset, Account::owner(owner.index()));
    }

    /// Pays `usd` for a delivered job out of its lock: the protocol's share, the rest to the owner, the remainder back.
    ///
    /// # Panics
    /// If the price exceeds what was locked.
    pub fn deliver(&mut self, lock: Lock, usd: Amount, owner: OwnerId) -> Payout {
        let asset = self.asset;
        let price = self.worth(usd);
        assert!(
            price <= lock.0,
            "a delivery costs {price}, more than the {} locked for it",
            lock.0
        );
        let take = price.share(self.rules.take_rate);
        self.ledger.transfer(
            asset,
            Account::ESCROW,
            Account::owner(owner.index()),
            price - take,
            Reason::Payment,
        );
        self.keep(Account::ESCROW, take);
        let rest = lock.0 - price;
        if rest > Amount::ZERO {
            self.ledger.transfer(
                asset,
                Account::ESCROW,
                Account::CUSTOMERS,
                rest,
                Reason::Refund,
            );
        }
        self.deliveries += 1;
        self.split(usd)
    }

    /// Pays several owners for their parts of a delivered job, as [`Bank::deliver`] pays one.
    ///
    /// # Panics
    /// If the parts together exceed what was locked.
    pub fn deliver_together<const N: usize>(
        &mut self,
        lock: Lock,
        parts: [(Amount, OwnerId); N],
    ) -> [Payout; N] {
        let mut left = lock.0;
        let last = N - 1;
        let mut part = 0;
        parts.map(|(usd, owner)| {
            // All but the last are paid exactly out of a lock of their own.
            let own = if part == last { left } else { self.worth(usd) };
            part += 1;
            left -= own;
            self.deliver(Lock(own), usd, owner)
        })
    }

    /// Pays for `time` of an instance at `per_hour` dollars: the protocol's share, the rest to the owner.
    pub fn rent(&mut self, owner: OwnerId, per_hour: Amount, time: Span) -> Payout {
        let usd = per_hour.mul_floor(time.as_nanos(), Span::HOUR.as_nanos());
        let amount = self.worth(usd);
        self.fund(amount);
        let take = amount.share(self.rules.take_rate);
        self.ledger.transfer(
            self.asset,
            Account::CUSTOMERS,
            Account::owner(owner.index()),
            amount - take,
            Reason::Rental,
        );
        self.keep(Account::CUSTOMERS, take);
        self.rentals += 1;
        self.split(usd)
    }

    /// The protocol's take: a fee to the treasury, of which a share is burned.
    fn keep(&mut self, from: Account, take: Amount) {
        let burned = take.share(self.rules.burn);
        if take > Amount::ZERO {
            self.ledger
                .transfer(self.asset, from, Account::TREASURY, take, Reason::Fee);
        }
        if burned > Amount::ZERO {
            self.ledger
                .burn(self.asset, Account::TREASURY, burned, Reason::Burn);
        }
    }

    fn split(&self, usd: Amount) -> Payout {
        let protocol = usd.share(self.rules.take_rate);
        Payout {
            owner: usd - protocol,
            protocol,
        }
    }

    /// Records the fault of a node that left with unfinished work, and takes its share of the stake.
    /// Returns what was forfeited [base units of a dollar].
    pub fn fault(&mut self, node: NodeId) -> Amount {
        self.faults += 1;
        let forfeit = self.stakes[node.index()].share(self.rules.slash);
        if forfeit == Amount::ZERO {
            return Amount::ZERO;
        }
        self.stakes[node.index()] -= forfeit;
        self.ledger.transfer(
            self.asset,
            Account::STAKES,
            Account::TREASURY,
            forfeit,
            Reason::Slash,
        );
        self.value(forfeit)
    }

    /// Owners sell the tokens that they earned.
    pub fn cash_out(&mut self, owner: OwnerId) {
        let account = Account::owner(owner.index());
        let tokens = self.ledger.balance(Asset::Token, account);
        if tokens > Amount::ZERO {
            let usd = self.value(tokens);
            self.ledger.transfer(
                Asset::Token,
                account,
                Account::EXCHANGE,
                tokens,
                Reason::Swap,
            );
            // The exchange has what customers paid for tokens, and draws on outside money beyond that.
            let short = usd - usd.min(self.ledger.balance(Asset::Usd, Account::EXCHANGE));
            self.ledger
                .mint(Asset::Usd, Account::EXCHANGE, short, Reason::Deposit);
            self.ledger
                .transfer(Asset::Usd, Account::EXCHANGE, account, usd, Reason::Swap);
        }
    }

    /// Holds the books.
    ///
    /// # Panics
    /// If money was created or lost, stakes do not add up, a payment has no delivery or a slash no fault.
    pub fn audit(&self) {
        self.ledger.audit();
        let stakes = self
            .stakes
            .iter()
            .fold(Amount::ZERO, |sum, &stake| sum + stake);
        assert_eq!(
            stakes,
            self.ledger.balance(self.asset, Account::STAKES),
            "stakes do not add up"
        );
        let count = |reason| self.ledger.total(self.asset, reason).count;
        assert_eq!(
            count(Reason::Payment),
            self.deliveries,
            "a payment without a delivery, or the reverse"
        );
        assert_eq!(
            count(Reason::Rental),
            self.rentals,
            "rent without an instance, or the reverse"
        );
        assert!(
            count(Reason::Slash) <= self.faults,
            "a stake was slashed without a fault"
        );
    }

    /// What waits in escrow for jobs under way.
    #[must_use]
    pub fn escrow(&self) -> Amount {
        self.ledger.balance(self.asset, Account::ESCROW)
    }

    /// What an account holds of the asset that the platform settles in.
    #[must_use]
    pub fn balance(&self, account: Account) -> Amount {
        self.ledger.balance(self.asset, account)
    }

    /// What is left of the stake of a node.
    #[must_use]
    pub fn stake(&self, node: NodeId) -> Amount {
        self.stakes[node.index()]
    }

    /// Sees to it that customers hold at least `amount`: they bring dollars, and buy tokens with them where needed.
    fn fund(&mut self, amount: Amount) {
        let held = self.ledger.balance(self.asset, Account::CUSTOMERS);
        if held >= amount {
            return;
        }
        let short = amount - held;
        if self.asset == Asset::Usd {
            self.ledger
                .mint(Asset::Usd, Account::CUSTOMERS, short, Reason::Deposit);
            return;
        }
        let usd = self.value(short);
        self.ledger
            .mint(Asset::Usd, Account::CUSTOMERS, usd, Reason::Deposit);
        self.ledger.transfer(
            Asset::Usd,
            Account::CUSTOMERS,
            Account::EXCHANGE,
            usd,
            Reason::Swap,
        );
        // The exchange draws on outside holders beyond what it has, as it does for dollars.
        let stock = self.ledger.balance(Asset::Token, Account::EXCHANGE);
        self.ledger.mint(
            Asset::Token,
            Account::EXCHANGE,
            short - short.min(stock),
            Reason::Deposit,
        );
        self.ledger.transfer(
            Asset::Token,
            Account::EXCHANGE,
            Account::CUSTOMERS,
            short,
            Reason::Swap,
        );
    }

    /// The amount of the settlement asset that is worth `usd`, rounded down.
    fn worth(&self, usd: Amount) -> Amount {
        match self.asset {
            Asset::Usd | Asset::Credit => usd,
            Asset::Token => Amount(usd.0 * Amount::SCALE / self.token_price),
        }
    }

    /// What an amount of the settlement asset is worth in dollars, rounded down.
    fn value(&self, amount: Amount) -> Amount {
        match self.asset {
            Asset::Usd | Asset::Credit => amount,
            Asset::Token => Amount(amount.0 * self.token_price / Amount::SCALE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(token_price: Option<f64>) -> Settlement {
        Settlement {
            token_price,
            take_rate: Ppm::from_fraction(0.2),
            burn: Ppm::from_fraction(0.5),
            stake: Amount::from_f64(10.0),
            slash: Ppm::from_fraction(0.1),
        }
    }

    /// Akash's take rate: fee = trunc(amount · 20 %), the provider gets the rest.
    #[test]
    fn a_delivery_splits_the_price_and_returns_the_rest() {
        for token_price in [None, Some(0.5), Some(3.0)] {
            let mut bank = Bank::new(&rules(token_price), 1, &[OwnerId(0)]);
            let lock = bank.lock(Amount::from_f64(2.0));
            let payout = bank.deliver(lock, Amount::from_f64(1.0), OwnerId(0));
            assert_eq!(
                payout,
                Payout {
                    owner: Amount::from_f64(0.8),
                    protocol: Amount::from_f64(0.2)
                }
            );
            assert_eq!(bank.escrow(), Amount::ZERO);
            bank.cash_out(OwnerId(0));
            bank.audit();
        }
    }

    #[test]
    fn a_fault_costs_a_share_of_what_is_left() {
        let mut bank = Bank::new(&rules(None), 1, &[OwnerId(0)]);
        assert_eq!(bank.fault(NodeId(0)), Amount::from_f64(1.0));
        assert_eq!(bank.fault(NodeId(0)), Amount::from_f64(0.9));
        bank.audit();
    }

    #[test]
    fn rent_is_charged_to_the_nanosecond() {
        let mut bank = Bank::new(&rules(None), 1, &[OwnerId(0)]);
        assert_eq!(
            bank.rent(OwnerId(0), Amount::from_f64(3.6), Span::SECOND * 90),
            Payout {
                owner: Amount::from_f64(0.072),
                protocol: Amount::from_f64(0.018)
            }
        );
        bank.audit();
    }
}

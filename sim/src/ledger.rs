//! A double-entry integer ledger that cannot create or lose a unit.
//!
//! Every movement has a [`Reason`]; count and sum are kept per reason, so that an audit can hold payments against deliveries
//! and slashes against recorded faults.

use crate::units::Amount;

/// What is held: dollars, or the platform's crypto asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    /// United States dollars.
    Usd,
    /// The platform's token.
    Token,
}

/// Row of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account(u32);

impl Account {
    /// All customers together.
    pub const CUSTOMERS: Self = Self(0);
    /// The market maker that swaps dollars for tokens.
    pub const EXCHANGE: Self = Self(1);
    /// Money of jobs that are placed and not yet delivered.
    pub const ESCROW: Self = Self(2);
    /// The protocol's treasury, or the platform's own revenue.
    pub const TREASURY: Self = Self(3);
    /// Stakes of all owners, locked.
    pub const STAKES: Self = Self(4);
    const FIRST_OWNER: u32 = 5;

    /// The account of the owner with this index.
    ///
    /// # Panics
    /// If there are more than 4 billion accounts.
    #[must_use]
    pub fn owner(index: usize) -> Self {
        Self(
            u32::try_from(index)
                .ok()
                .and_then(|i| i.checked_add(Self::FIRST_OWNER))
                .expect("accounts fit 32 bits"),
        )
    }
}

/// Why money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Created at the start, or brought in from outside.
    Deposit,
    /// A swap between dollars and tokens.
    Swap,
    /// Locked for a placed job.
    Escrow,
    /// Returned to the customer: the job was lost, or cost less than was locked.
    Refund,
    /// To an owner, for delivered work.
    Payment,
    /// To the treasury, for delivered work.
    Fee,
    /// Destroyed, out of a fee.
    Burn,
    /// To an owner, for instance time.
    Rental,
    /// Locked by an owner as a stake.
    Stake,
    /// Taken from a stake, for a recorded fault.
    Slash,
}

impl Reason {
    const COUNT: usize = 10;
}

/// Balances of all accounts, and totals by reason.
#[derive(Clone, Debug)]
pub struct Ledger {
    balances: [Vec<Amount>; 2],
    minted: [Amount; 2],
    burned: [Amount; 2],
    totals: [[Total; Reason::COUNT]; 2],
}

/// How often and how much money moved for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Number of movements.
    pub count: u64,
    /// Sum of the movements.
    pub sum: Amount,
}

impl Ledger {
    /// A ledger with the fixed accounts and `owners` more.
    #[must_use]
    pub fn new(owners: usize) -> Self {
        let accounts = owners + Account::FIRST_OWNER as usize;
        Self {
            balances: [vec![Amount::ZERO; accounts], vec![Amount::ZERO; accounts]],
            minted: [Amount::ZERO; 2],
            burned: [Amount::ZERO; 2],
            totals: [[Total::default(); Reason::COUNT]; 2],
        }
    }

    /// What an account holds.
    #[must_use]
    pub fn balance(&self, asset: Asset, account: Account) -> Amount {
        self.balances[asset as usize][account.0 as usize]
    }

    /// Count and sum of the movements for `reason`.
    #[must_use]
    pub fn total(&self, asset: Asset, reason: Reason) -> Total {
        self.totals[asset as usize][reason as usize]
    }

    /// Brings money into being, as [`Reason::Deposit`].
    pub fn mint(&mut self, asset: Asset, to: Account, amount: Amount) {
        self.note(asset, Reason::Deposit, amount);
        self.minted[asset as usize] += amount;
        self.balances[asset as usize][to.0 as usize] += amount;
    }

    /// Destroys money, as [`Reason::Burn`].
    ///
    /// # Panics
    /// If the account does not hold that much.
    pub fn burn(&mut self, asset: Asset, from: Account, amount: Amount) {
        self.note(asset, Reason::Burn, amount);
        self.take(asset, from, amount);
        self.burned[asset as usize] += amount;
    }

    /// Moves money.
    ///
    /// # Panics
    /// If the account does not hold that much, or the amount is negative.
    pub fn transfer(
        &mut self,
        asset: Asset,
        from: Account,
        to: Account,
        amount: Amount,
        reason: Reason,
    ) {
        self.note(asset, reason, amount);
        self.take(asset, from, amount);
        self.balances[asset as usize][to.0 as usize] += amount;
    }

    /// Holds the books: the sum of all balances equals what was minted less what was burned, exactly.
    ///
    /// # Panics
    /// If it does not, or any balance is negative.
    pub fn audit(&self) {
        for asset in [Asset::Usd, Asset::Token] {
            let i = asset as usize;
            let sum = self.balances[i].iter().fold(Amount::ZERO, |sum, &balance| {
                assert!(
                    balance >= Amount::ZERO,
                    "an account of {asset:?} is overdrawn: {balance}"
                );
                sum + balance
            });
            assert_eq!(
                sum,
                self.minted[i] - self.burned[i],
                "{asset:?} was created or lost"
            );
        }
    }

    fn take(&mut self, asset: Asset, from: Account, amount: Amount) {
        let balance = &mut self.balances[asset as usize][from.0 as usize];
        assert!(
            *balance >= amount,
            "account {} holds {balance} {asset:?}, less than {amount}",
            from.0
        );
        *balance -= amount;
    }

    fn note(&mut self, asset: Asset, reason: Reason, amount: Amount) {
        assert!(
            amount >= Amount::ZERO,
            "money moves forward: {amount} for {reason:?}"
        );
        let total = &mut self.totals[asset as usize][reason as usize];
        total.count += 1;
        total.sum += amount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[should_panic(expected = "less than")]
    fn an_account_cannot_be_overdrawn() {
        let mut ledger = Ledger::new(1);
        ledger.transfer(
            Asset::Usd,
            Account::CUSTOMERS,
            Account::ESCROW,
            Amount(1),
            Reason::Escrow,
        );
    }

    proptest! {
        /// Random movements between random accounts never create or lose a unit.
        #[test]
        fn any_history_balances(moves in prop::collection::vec((0..8u32, 0..8u32, 0..1_000_000i128, 0..3u8), 0..200)) {
            let mut ledger = Ledger::new(3);
            for (from, to, amount, kind) in moves {
                let (from, to, amount) = (Account(from), Account(to), Amount(amount));
                match kind {
                    0 => ledger.mint(Asset::Token, to, amount),
                    1 => ledger.burn(Asset::Token, from, amount.min(ledger.balance(Asset::Token, from))),
                    _ => {
                        let amount = amount.min(ledger.balance(Asset::Token, from));
                        ledger.transfer(Asset::Token, from, to, amount, Reason::Swap);
                    }
                }
                ledger.audit();
            }
        }
    }
}

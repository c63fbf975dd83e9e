//! A double-entry integer ledger that cannot create or lose a unit.
//!
//! Every movement has a [`Reason`]; count and sum are kept per reason, so that an audit can hold payments against deliveries
//! and slashes against recorded faults. On request every movement is kept in a journal. What is owned and cannot be divided, such as
//! a model, is in [`deeds`].

pub mod deeds;

use walras_des::{SimTime, prefetch};

use crate::units::Amount;

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asset {
    /// United States dollars.
    Usd,
    /// The platform's token.
    Token,
    /// Credit worth a dollar, made by burning tokens and of use for work alone.
    Credit,
}

impl Asset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Usd, Self::Token, Self::Credit];
    const COUNT: usize = Self::ALL.len();

    /// Name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["USD", "token", "credit"][self as usize]
    }
}

/// Row of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account(u32);

impl Account {
    /// All customers together.
    pub const CUSTOMERS: Self = Self(0);
    /// The market that swaps dollars for tokens, and all who hold them and neither work nor buy work.
    pub const EXCHANGE: Self = Self(1);
    /// Money of jobs that are placed and not yet delivered.
    pub const ESCROW: Self = Self(2);
    /// The protocol's treasury, or the platform's own revenue.
    pub const TREASURY: Self = Self(3);
    /// Stakes of all owners, locked.
    pub const STAKES: Self = Self(4);
    /// Tokens that are allotted and not yet free.
    pub const VESTING: Self = Self(5);
    /// What owners have earned and not yet taken, with what rounding leaves of it.
    pub const EARNINGS: Self = Self(6);
    /// What the creators of models have earned.
    pub const CREATORS: Self = Self(7);
    /// What stands behind a token that a bonding curve issues.
    pub const RESERVE: Self = Self(8);
    const NAMES: [&'static str; 9] = [
        "customers",
        "exchange",
        "escrow",
        "treasury",
        "stakes",
        "vesting",
        "earnings",
        "creators",
        "reserve",
    ];
    const FIRST_OWNER: u32 = Self::NAMES.len() as u32;

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

    /// The index of the owner whose account it is, if it is one's.
    #[must_use]
    pub fn owner_index(self) -> Option<usize> {
        self.0
            .checked_sub(Self::FIRST_OWNER)
            .map(|index| index as usize)
    }

    /// Name in results.
    #[must_use]
    pub fn name(self) -> String {
        let fixed = Self::NAMES.get(self.0 as usize);
        fixed.map_or_else(
            || format!("owner {}", self.0 - Self::FIRST_OWNER),
            |name| (*name).to_owned(),
        )
    }
}

macro_rules! reasons {
    ($($variant:ident $name:literal $description:literal;)*) => {
        /// Why money moves.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason { $(#[doc = $description] $variant,)* }

        impl Reason {
            const NAMES: &[&str] = &[$($name,)*];
        }
    };
}

reasons! {
    Deposit "deposit" "Created at the start, or brought in from outside.";
    Swap "swap" "A swap between dollars and tokens.";
    Escrow "escrow" "Locked for a placed job.";
    Refund "refund" "Returned to the customer: the job was lost, or cost less than was locked.";
    Payment "payment" "To an owner, for delivered work.";
    Fee "fee" "To the treasury, for delivered work.";
    Burn "burn" "Destroyed.";
    Rental "rental" "To an owner, for instance time.";
    Stake "stake" "Locked by an owner as a stake.";
    Unstake "unstake" "A stake given back.";
    Slash "slash" "Taken from a stake, for a recorded fault.";
    Genesis "genesis" "Created before the run begins.";
    Emission "emission" "Created for those who provide, as the schedule of emission says.";
    Unlock "unlock" "Allotted tokens that have become free.";
    Collect "collect" "Earnings taken by their owner.";
    Dividend "dividend" "To validators and those who have delegated to them, for weighing owners.";
    Royalty "royalty" "To the creator of a model, for its use.";
    Grant "grant" "Spent by the treasury.";
    Credit "credit" "Credits made for burned tokens, and used up by work.";
    Bond "bond" "Tokens made for a deposit at a bonding curve, or redeemed there.";
    BuyBack "buy-back" "Tokens bought by the treasury, and what it paid for them.";
    Spend "spend" "Taken out of the books: costs that are paid to the world outside.";
}

impl Reason {
    const COUNT: usize = Self::NAMES.len();

    /// Name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Why a movement is refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account does not hold as much.
    Overdrawn {
        /// Whose.
        account: Account,
        /// Of what.
        asset: Asset,
        /// What it holds.
        held: Amount,
        /// What was asked of it.
        asked: Amount,
    },
    /// Money moves forward.
    Negative(Amount),
    /// A sum would not fit the type.
    Overflow,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Overdrawn {
                account,
                asset,
                held,
                asked,
            } => write!(
                f,
                "account {} holds {held} {}, less than {asked}",
                account.name(),
                asset.name()
            ),
            Self::Negative(amount) => write!(f, "money moves forward, not by {amount}"),
            Self::Overflow => write!(f, "the sum exceeds what an amount can hold"),
        }
    }
}

/// One movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// When.
    pub at: SimTime,
    /// Of what.
    pub asset: Asset,
    /// From whom; from nobody if it was created.
    pub from: Option<Account>,
    /// To whom; to nobody if it was destroyed.
    pub to: Option<Account>,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Reason,
}

/// Balances of all accounts, and totals by reason.
#[derive(Clone, Debug)]
pub struct Ledger {
    balances: [Vec<Amount>; Asset::COUNT],
    minted: [Amount; Asset::COUNT],
    burned: [Amount; Asset::COUNT],
    totals: [[Total; Reason::COUNT]; Asset::COUNT],
    /// Time of what is posted, for the journal.
    now: SimTime,
    journal: Option<Vec<Posting>>,
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
            balances: std::array::from_fn(|_| vec![Amount::ZERO; accounts]),
            minted: [Amount::ZERO; Asset::COUNT],
            burned: [Amount::ZERO; Asset::COUNT],
            totals: [[Total::default(); Reason::COUNT]; Asset::COUNT],
            now: SimTime::ZERO,
            journal: None,
        }
    }

    /// Keeps every movement from now on.
    pub fn keep_journal(&mut self) {
        self.journal.get_or_insert_default();
    }

    /// Says what time it is for what is posted next.
    pub fn set_time(&mut self, now: SimTime) {
        self.now = now;
    }

    /// Gives up what the journal holds.
    pub fn take_journal(&mut self) -> Vec<Posting> {
        self.journal.take().unwrap_or_default()
    }

    /// What an account holds.
    #[must_use]
    pub fn balance(&self, asset: Asset, account: Account) -> Amount {
        self.balances[asset as usize][account.0 as usize]
    }

    /// Asks for the balance of an account, which will be needed soon.
    #[inline]
    pub(crate) fn ask_for(&self, asset: Asset, account: Account) {
        prefetch(&self.balances[asset as usize][account.0 as usize]);
    }

    /// What there is of an asset: minted and not burned.
    #[must_use]
    pub fn supply(&self, asset: Asset) -> Amount {
        self.minted[asset as usize] - self.burned[asset as usize]
    }

    /// What was created of an asset so far.
    #[must_use]
    pub fn minted(&self, asset: Asset) -> Amount {
        self.minted[asset as usize]
    }

    /// What was destroyed of an asset so far.
    #[must_use]
    pub fn burned(&self, asset: Asset) -> Amount {
        self.burned[asset as usize]
    }

    /// Count and sum of the movements for `reason`.
    #[must_use]
    pub fn total(&self, asset: Asset, reason: Reason) -> Total {
        self.totals[asset as usize][reason as usize]
    }

    /// Brings money into being.
    ///
    /// # Errors
    /// If the amount is negative, or what was ever minted would exceed the type.
    pub fn try_mint(
        &mut self,
        asset: Asset,
        to: Account,
        amount: Amount,
        reason: Reason,
    ) -> Result<(), Refusal> {
        let index = asset as usize;
        let total = self.noted(asset, reason, amount)?;
        // No balance exceeds what was minted, so that no other sum can overflow.
        let minted = add(self.minted[index], amount)?;
        let balance = &mut self.balances[index][to.0 as usize];
        *balance = add(*balance, amount)?;
        self.minted[index] = minted;
        self.post(asset, None, Some(to), amount, reason, total);
        Ok(())
    }

    /// Destroys money.
    ///
    /// # Errors
    /// If the account does not hold that much, or the amount is negative.
    pub fn try_burn(
        &mut self,
        asset: Asset,
        from: Account,
        amount: Amount,
        reason: Reason,
    ) -> Result<(), Refusal> {
        let index = asset as usize;
        let total = self.noted(asset, reason, amount)?;
        let burned = add(self.burned[index], amount)?;
        self.take(asset, from, amount)?;
        self.burned[index] = burned;
        self.post(asset, Some(from), None, amount, reason, total);
        Ok(())
    }

    /// Moves money.
    ///
    /// # Errors
    /// If the account does not hold that much, the amount is negative, or what was ever moved for the reason would exceed the type.
    pub fn try_transfer(
        &mut self,
        asset: Asset,
        from: Account,
        to: Account,
        amount: Amount,
        reason: Reason,
    ) -> Result<(), Refusal> {
        let total = self.noted(asset, reason, amount)?;
        self.take(asset, from, amount)?;
        self.balances[asset as usize][to.0 as usize] += amount;
        self.post(asset, Some(from), Some(to), amount, reason, total);
        Ok(())
    }

    /// Brings money into being.
    ///
    /// # Panics
    /// Where [`Ledger::try_mint`] refuses.
    pub fn mint(&mut self, asset: Asset, to: Account, amount: Amount, reason: Reason) {
        let minted = self.try_mint(asset, to, amount, reason);
        minted.unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// Destroys money.
    ///
    /// # Panics
    /// Where [`Ledger::try_burn`] refuses.
    pub fn burn(&mut self, asset: Asset, from: Account, amount: Amount, reason: Reason) {
        let burned = self.try_burn(asset, from, amount, reason);
        burned.unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// Moves money.
    ///
    /// # Panics
    /// Where [`Ledger::try_transfer`] refuses.
    pub fn transfer(
        &mut self,
        asset: Asset,
        from: Account,
        to: Account,
        amount: Amount,
        reason: Reason,
    ) {
        let moved = self.try_transfer(asset, from, to, amount, reason);
        moved.unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// Holds the books: the sum of all balances equals what was minted less what was burned, exactly.
    ///
    /// # Panics
    /// If it does not, or any balance is negative.
    pub fn audit(&self) {
        for asset in Asset::ALL {
            let balances = &self.balances[asset as usize];
            let sum = balances.iter().fold(Amount::ZERO, |sum, &balance| {
                assert!(
                    balance >= Amount::ZERO,
                    "an account of {} is overdrawn: {balance}",
                    asset.name()
                );
                sum + balance
            });
            assert_eq!(
                sum,
                self.supply(asset),
                "{} was created or lost",
                asset.name()
            );
        }
    }

    #[inline]
    fn take(&mut self, asset: Asset, from: Account, asked: Amount) -> Result<(), Refusal> {
        let held = &mut self.balances[asset as usize][from.0 as usize];
        if *held < asked {
            return Err(Refusal::Overdrawn {
                account: from,
                asset,
                held: *held,
                asked,
            });
        }
        *held -= asked;
        Ok(())
    }

    /// What the total of a reason becomes.
    #[inline]
    fn noted(&self, asset: Asset, reason: Reason, amount: Amount) -> Result<Total, Refusal> {
        if amount < Amount::ZERO {
            return Err(Refusal::Negative(amount));
        }
        let total = self.totals[asset as usize][reason as usize];
        Ok(Total {
            count: total.count + 1,
            sum: add(total.sum, amount)?,
        })
    }

    #[inline]
    fn post(
        &mut self,
        asset: Asset,
        from: Option<Account>,
        to: Option<Account>,
        amount: Amount,
        reason: Reason,
        total: Total,
    ) {
        self.totals[asset as usize][reason as usize] = total;
        if let Some(journal) = &mut self.journal {
            journal.push(Posting {
                at: self.now,
                asset,
                from,
                to,
                amount,
                reason,
            });
        }
    }
}

#[inline]
fn add(a: Amount, b: Amount) -> Result<Amount, Refusal> {
    a.0.checked_add(b.0).map(Amount).ok_or(Refusal::Overflow)
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

    /// What a million random operations come to, against balances that are added up beside.
    #[test]
    fn a_million_operations_balance() {
        for largest in [1_000_i128, i128::MAX / 400_000, i128::MAX] {
            let refused = fuzz(1_000_000, largest);
            assert_eq!(refused.overflow > 0, largest == i128::MAX, "{refused:?}");
            assert!(refused.overdrawn > 0, "{refused:?}");
        }
    }

    #[derive(Debug, Default)]
    struct Refused {
        overdrawn: u32,
        overflow: u32,
        negative: u32,
    }

    /// Random movements of amounts up to `largest` between six accounts; refused ones change nothing.
    fn fuzz(operations: u32, largest: i128) -> Refused {
        let mut ledger = Ledger::new(0);
        ledger.keep_journal();
        let mut stream = walras_des::Streams::new(7, 0).open(walras_des::Purpose::new("fuzz"), 0);
        let mut refused = Refused::default();
        // What it should come to: the supply of each asset, each account's part of it.
        let mut truth = [[0_i128; 6]; Asset::COUNT];
        for turn in 0..operations {
            let asset = Asset::ALL[stream.below(3) as usize];
            let [from, to] = [0, 1].map(|_| stream.below(6) as u32);
            let wide =
                i128::from(stream.below(u64::MAX)) << 64 | i128::from(stream.below(u64::MAX));
            let amount = match stream.below(100) {
                0 => -1,
                1 => largest,
                _ => (wide & i128::MAX) % largest.saturating_add(1).max(1),
            };
            let books = &mut truth[asset as usize];
            let (source, sink) = (from as usize, to as usize);
            let done = match stream.below(4) {
                0 => ledger
                    .try_mint(asset, Account(to), Amount(amount), Reason::Emission)
                    .map(|()| books[sink] += amount),
                1 => ledger
                    .try_burn(asset, Account(from), Amount(amount), Reason::Burn)
                    .map(|()| books[source] -= amount),
                _ => ledger
                    .try_transfer(
                        asset,
                        Account(from),
                        Account(to),
                        Amount(amount),
                        Reason::Swap,
                    )
                    .map(|()| {
                        books[source] -= amount;
                        books[sink] += amount;
                    }),
            };
            match done {
                Ok(()) => {}
                Err(Refusal::Overdrawn { .. }) => refused.overdrawn += 1,
                Err(Refusal::Overflow) => refused.overflow += 1,
                Err(Refusal::Negative(_)) => refused.negative += 1,
            }
            if turn % 1000 == 0 {
                ledger.audit();
            }
        }
        for asset in Asset::ALL {
            for (account, &held) in truth[asset as usize].iter().enumerate() {
                assert_eq!(ledger.balance(asset, Account(account as u32)), Amount(held));
            }
        }
        ledger.audit();
        assert!(refused.negative > 0);
        // The journal alone gives the same balances.
        let mut again = [[0_i128; 6]; Asset::COUNT];
        for posting in ledger.take_journal() {
            let books = &mut again[posting.asset as usize];
            if let Some(from) = posting.from {
                books[from.0 as usize] -= posting.amount.0;
            }
            if let Some(to) = posting.to {
                books[to.0 as usize] += posting.amount.0;
            }
        }
        assert_eq!(again, truth);
        refused
    }

    proptest! {
        /// Random movements between random accounts never create or lose a unit.
        #[test]
        fn any_history_balances(moves in prop::collection::vec((0..8u32, 0..8u32, 0..1_000_000i128, 0..3u8), 0..200)) {
            let mut ledger = Ledger::new(3);
            for (from, to, amount, kind) in moves {
                let (from, to, amount) = (Account(from), Account(to), Amount(amount));
                let most = amount.min(ledger.balance(Asset::Token, from));
                match kind {
                    0 => ledger.mint(Asset::Token, to, amount, Reason::Deposit),
                    1 => ledger.burn(Asset::Token, from, most, Reason::Burn),
                    _ => ledger.transfer(Asset::Token, from, to, most, Reason::Swap),
                }
                ledger.audit();
            }
        }
    }
}

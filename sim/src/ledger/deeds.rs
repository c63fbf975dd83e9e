//! Who owns what cannot be divided: models, agents, data sets. A wallet holds balances and these.
//!
//! A deed is passed on by its owner alone. Whoever made the thing may be owed a share of what it is sold for, and of what its use
//! earns, as in ERC-2981; rounding favours the seller.

use crate::ledger::Account;
use crate::units::{Amount, Ppm};

/// One thing that is owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeedId(u32);

/// What is owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Weights that can be served.
    Model,
    /// A program that buys and sells for its owner, with a wallet of its own.
    Agent,
    /// Data to train on.
    DataSet,
}

/// A record of ownership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What it is.
    pub kind: Kind,
    /// Who made it.
    pub creator: Account,
    /// Who has it.
    pub owner: Account,
    /// Share of sales and of earnings that its creator is owed.
    pub royalty: Ppm,
    /// How often it has changed hands.
    pub transfers: u32,
}

/// Why a deed does not change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is none of this number.
    Unknown(DeedId),
    /// Who wants to pass it on does not have it.
    NotTheOwner {
        /// Who has it.
        owner: Account,
    },
}

/// All deeds of a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deeds(Vec<Deed>);

impl Deeds {
    /// Records a new thing, which its creator owns.
    ///
    /// # Panics
    /// If there are more than four billion.
    pub fn create(&mut self, kind: Kind, creator: Account, royalty: Ppm) -> DeedId {
        self.0.push(Deed {
            kind,
            creator,
            owner: creator,
            royalty,
            transfers: 0,
        });
        DeedId(u32::try_from(self.0.len() - 1).expect("a deed's number fits 32 bits"))
    }

    /// A record; `None` if there is none of this number.
    #[must_use]
    pub fn get(&self, id: DeedId) -> Option<&Deed> {
        self.0.get(id.0 as usize)
    }

    /// What an account owns.
    pub fn of(&self, owner: Account) -> impl Iterator<Item = DeedId> {
        let all = self.0.iter().enumerate();
        all.filter(move |(_, deed)| deed.owner == owner)
            .map(|(index, _)| DeedId(index as u32))
    }

    /// Passes a deed on for a price. Returns what the creator and what the seller get of it; together they are the price.
    ///
    /// # Errors
    /// If there is no such deed, or `from` does not own it.
    pub fn sell(
        &mut self,
        id: DeedId,
        from: Account,
        to: Account,
        price: Amount,
    ) -> Result<(Amount, Amount), Refusal> {
        let deed = (self.0.get_mut(id.0 as usize)).ok_or(Refusal::Unknown(id))?;
        if deed.owner != from {
            return Err(Refusal::NotTheOwner { owner: deed.owner });
        }
        let royalty = price.share(deed.royalty);
        deed.owner = to;
        deed.transfers += 1;
        Ok((royalty, price - royalty))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ERC-2981: the royalty is a share of the price, owed to the creator at every sale; only the owner sells.
    #[test]
    fn an_agent_changes_hands() {
        let [maker, first, second] = [0, 1, 2].map(Account::owner);
        let mut deeds = Deeds::default();
        let model = deeds.create(Kind::Model, maker, Ppm::from_fraction(0.0));
        let agent = deeds.create(Kind::Agent, maker, Ppm::from_fraction(0.1));
        assert_eq!(
            deeds.sell(agent, maker, first, Amount(1005)),
            Ok((Amount(100), Amount(905)))
        );
        assert_eq!(
            deeds.sell(agent, maker, second, Amount(1)),
            Err(Refusal::NotTheOwner { owner: first })
        );
        assert_eq!(
            deeds.sell(agent, first, second, Amount(9)),
            Ok((Amount(0), Amount(9)))
        );
        assert_eq!(deeds.of(maker).collect::<Vec<_>>(), [model]);
        assert_eq!(deeds.of(second).collect::<Vec<_>>(), [agent]);
        assert_eq!(deeds.get(agent).map(|deed| deed.transfers), Some(2));
    }
}

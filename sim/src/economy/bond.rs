//! A token that a bonding curve issues and takes back: its price is what stands behind it.
//!
//! Purchases and sales of an epoch are matched at its price; the rest goes to the curve, which mints for a deposit and burns what is
//! redeemed. The curve is that of [`crate::market::curve`] over the reserve and the supply in the books, whatever else has minted and
//! burned since: emission makes the token cheaper, what the network burns makes it dearer, and neither moves the reserve.

use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::market::curve::Curve;
use crate::units::{Amount, Ppm};

/// The curve of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bond {
    /// The reserve over the worth of all tokens, in (0, 1].
    pub weight: f64,
    /// Share of a deposit that goes to the treasury.
    pub entry: Ppm,
    /// Share of what is redeemed that goes to the treasury.
    pub exit: Ppm,
}

/// What an epoch at the curve came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    /// The price then [USD].
    pub usd: f64,
    /// Tokens minted for deposits.
    pub minted: Amount,
    /// Tokens redeemed.
    pub burned: Amount,
    /// Dollars to the treasury.
    pub tribute: Amount,
}

impl Bond {
    /// Lays the reserve aside that makes the tokens there are worth `usd` each.
    pub(super) fn open(&self, usd: f64, ledger: &mut Ledger) {
        let worth = ledger.supply(Asset::Token).as_f64() * usd;
        let reserve = Amount::from_f64(self.weight * worth);
        ledger.mint(Asset::Usd, Account::RESERVE, reserve, Reason::Genesis);
    }

    /// Settles with the curve what was bought for so many dollars and sold in an epoch at a price.
    pub(super) fn trade(
        &self,
        usd: f64,
        bought_usd: f64,
        sold: Amount,
        ledger: &mut Ledger,
    ) -> Turn {
        let mut turn = Turn {
            usd,
            minted: Amount::ZERO,
            burned: Amount::ZERO,
            tribute: Amount::ZERO,
        };
        let reserve = ledger.balance(Asset::Usd, Account::RESERVE);
        let supply = ledger.supply(Asset::Token);
        // Of a token that nobody has, or that nothing stands behind, there is no price to be found.
        if reserve == Amount::ZERO || supply == Amount::ZERO {
            return turn;
        }
        let mut curve = Curve::new(reserve, supply, self.weight, self.entry, self.exit);
        let beyond = bought_usd - sold.as_f64() * usd;
        let swap = Reason::Swap;
        if beyond >= 0.0 {
            let there = ledger.balance(Asset::Usd, Account::EXCHANGE);
            let deposit = Amount::from_f64(beyond.min(1e19)).min(there);
            let issue = curve.mint(deposit);
            let (public, kept) = (Account::EXCHANGE, deposit - issue.tribute);
            ledger.transfer(Asset::Usd, public, Account::RESERVE, kept, swap);
            ledger.transfer(Asset::Usd, public, Account::TREASURY, issue.tribute, swap);
            ledger.mint(Asset::Token, public, issue.out, Reason::Bond);
            (turn.minted, turn.tribute) = (issue.out, issue.tribute);
        } else {
            let there = ledger.balance(Asset::Token, Account::EXCHANGE);
            let tokens = Amount::from_f64((-beyond / usd).min(1e19)).min(there);
            let issue = curve.redeem(tokens);
            let (curve, tribute) = (Account::RESERVE, issue.tribute);
            ledger.transfer(Asset::Usd, curve, Account::EXCHANGE, issue.out, swap);
            ledger.transfer(Asset::Usd, curve, Account::TREASURY, tribute, swap);
            ledger.burn(Asset::Token, Account::EXCHANGE, tokens, Reason::Bond);
            (turn.burned, turn.tribute) = (tokens, tribute);
        }
        if curve.supply() > Amount::ZERO && curve.reserve() > Amount::ZERO {
            turn.usd = curve.price();
        }
        turn
    }
}

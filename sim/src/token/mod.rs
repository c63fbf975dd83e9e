//! What protocols do with their token, each rule a pure function or a small state that is stepped: who mints how much, who is paid,
//! what is burned, locked and taken.
//!
//! Amounts are integers in the protocol's own base unit (attoFIL, uAKT, bones, rao; 10⁻⁹ for ours), every division says how it rounds,
//! and a split of a pot sums to the pot. Nothing here posts to a ledger: the caller does.

pub mod split;

pub mod emission;
pub mod vesting;

pub mod filecoin;

pub mod price;

//! What protocols do with their token, each rule a pure function or a small state that is stepped: who mints how much, who is paid,
//! what is burned, locked and taken.
//!
//! Amounts are integers in the protocol's own base unit (attoFIL, uAKT, bones, rao; 10⁻⁹ for ours), every division says how it rounds,
//! and a split of a pot sums to the pot. Nothing here posts to a ledger: the caller does.
//! `walras validate protocols` holds these rules against the protocols' own test vectors; `analysis/PROTOCOLS.md` is what it prints.

pub mod split;

pub mod burn_mint;
pub mod emission;
pub mod rewards;
pub mod staking;
pub mod treasury;
pub mod vesting;

pub mod akash;
pub mod filecoin;
pub mod helium;
pub mod livepeer;
pub mod render;
pub mod yuma;

pub mod concentration;

pub mod price;

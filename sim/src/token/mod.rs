//! Rules of tokens, as protocols write them.

pub mod price;

//! Reports of Walras: tables for the terminal, figures, and the self-contained HTML page.
//!
//! Everything here is a pure function of a comparison or of curves; [`figures`] draws, [`html`] and [`terminal`] lay out.

pub mod terminal;

pub mod figures;

pub mod html;

pub mod sweep;

pub mod tournament;

pub mod study;

pub mod sensitivity;

pub mod tune;

pub mod breakeven;

pub mod breakevens;
pub mod equilibrium;

pub mod fidelity;

pub mod ladder;

pub mod validation;

pub mod conformance;

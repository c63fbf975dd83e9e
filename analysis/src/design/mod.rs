//! Designs: where to look in the unit cube of some parameters, before anything is known of what will be found there.
//!
//! | design | for | points |
//! |---|---|---|
//! | [`grid`](grid::grid) | few parameters, figures that are read along an axis | levels^dimensions |
//! | [`maximin`](latin::maximin) | a first look, and the beginning of a search | any |
//! | [`sobol`](sobol::sobol) | averages over the cube, and a search that may be extended | powers of two are best |
//! | [`saltelli`](saltelli::saltelli) | Sobol indices | base · (dimensions + 2) |
//! | [`trajectories`](morris::trajectories) | elementary effects | trajectories · (dimensions + 1) |
//!
//! A design is a list of points, each a list of coordinates in [0, 1]. All randomness comes from the stream that is passed in.

pub mod grid;

pub mod latin;

pub mod morris;

pub mod saltelli;

pub mod sobol;

mod directions;

/// A point of the unit cube: a coordinate in [0, 1] for each parameter.
pub type Point = Vec<f64>;

/// The square of the distance of two points.
#[must_use]
pub fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

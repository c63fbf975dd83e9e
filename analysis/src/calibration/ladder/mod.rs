//! The validation ladder behind `walras validate calibration`: kernels, layers, steps, requests, single devices.
//!
//! Every rung compares what the device classes of the catalog predict with published measurements that did not enter their fit, or
//! says that they did. What it finds is in `scenarios/calibration/VALIDATION.md`.

mod kernels;
mod league;
mod requests;
mod steps;

use std::path::Path;

use serde_json::{Value, json};

use super::data::DataError;
use super::point::Errors;

pub use league::{Peer, peers};

/// What the ladder found.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// From single operations to whole requests.
    pub rungs: Vec<Rung>,
}

/// One level of measurements.
#[derive(Clone, Debug)]
pub struct Rung {
    /// What is predicted.
    pub title: &'static str,
    /// Against what, and what it says.
    pub about: &'static str,
    /// The comparisons.
    pub rows: Vec<Row>,
}

/// One comparison.
#[derive(Clone, Debug)]
pub struct Row {
    /// Device class of the catalog.
    pub device: String,
    /// What is predicted.
    pub quantity: String,
    /// What the rates have seen of it.
    pub status: Status,
    /// How far off.
    pub errors: Errors,
    /// The median error that is allowed, if a bound is set.
    pub target: Option<f64>,
}

/// What the rates of a device have seen of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// They were fitted to it.
    Fitted,
    /// Measurements of the same device, not these.
    HeldOut,
    /// Nothing of the device: it is predicted from its data sheet and its class.
    DataSheet,
}

impl Status {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fitted => "fitted",
            Self::HeldOut => "held out",
            Self::DataSheet => "data sheet",
        }
    }
}

impl Row {
    /// Whether the median error is within the bound; `None` without one.
    #[must_use]
    pub fn is_within(&self) -> Option<bool> {
        self.target.map(|target| self.errors.median <= target)
    }
}

/// Climbs the ladder with the measurements in `data`.
///
/// # Errors
/// If a table cannot be read.
pub fn climb(data: &Path) -> Result<Ladder, DataError> {
    let rungs = vec![
        kernels::operations(data)?,
        kernels::transfer(data)?,
        kernels::layers(data)?,
        steps::steps(data)?,
        requests::recorded(data)?,
        requests::loops(data)?,
        steps::singles(data)?,
    ];
    Ok(Ladder { rungs })
}

impl Ladder {
    /// All rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rungs.iter().flat_map(|rung| &rung.rows)
    }

    /// Whether every median with a bound keeps it.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.rows().all(|row| row.is_within() != Some(false))
    }

    /// The ladder in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let bound: Vec<bool> = self.rows().filter_map(Row::is_within).collect();
        let missed = bound.iter().filter(|kept| !**kept).count();
        match (missed, bound.len()) {
            (0, all) => format!("All {all} median errors with a bound keep it."),
            (missed, all) => format!("{missed} of {all} median errors with a bound exceed it."),
        }
    }

    /// The ladder as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "device": row.device,
                "quantity": row.quantity,
                "status": row.status.name(),
                "n": row.errors.count,
                "bias": row.errors.bias,
                "median": row.errors.median,
                "mean": row.errors.mean,
                "p90": row.errors.p90,
                "bound": row.target,
                "within": row.is_within(),
            })
        };
        let rung = |rung: &Rung| {
            json!({
                "title": rung.title,
                "about": rung.about,
                "rows": rung.rows.iter().map(row).collect::<Vec<_>>(),
            })
        };
        let peer = |peer: &Peer| {
            json!({
                "system": peer.system,
                "error": peer.error,
                "on": peer.on,
                "source": peer.source,
            })
        };
        json!({
            "rungs": self.rungs.iter().map(rung).collect::<Vec<_>>(),
            "published": peers().iter().map(peer).collect::<Vec<_>>(),
            "sentence": self.sentence(),
            "passes": self.passes(),
        })
    }
}

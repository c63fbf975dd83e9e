//! The conformance of protocols behind `walras validate protocols`: the rules of `walras_sim::token` and `walras_sim::market` against the
//! test vectors of the protocols themselves, number by number.
//!
//! A row is a [`Set`]: where its vectors are, which keys of the file it covers, and a function that computes each and compares. The
//! files of a group are in this folder; adding a set to one of them is all it takes. Keys of a file that no set covers, and that are not
//! named in [`ASIDE`], are shown as not compared, so that nothing is left out in silence. Beside them stand [`points`] of theory, which
//! need no files. What it finds is in `analysis/PROTOCOLS.md`.

mod akash;
mod concentration;
mod ethereum;
mod filecoin;
mod helium;
mod livepeer;
mod market;
mod points;
mod render;
mod tally;
mod theory;
mod vectors;
mod yuma;

use std::path::Path;

use serde_json::{Value, json};

use crate::calibration::data::DataError;
use crate::words::number;

pub use points::{Allowed, Point, points};
pub use tally::{Tally, Tolerance, Vector};
pub use vectors::Vectors;

/// Where closed forms come from.
const INDEPENDENT: &str = "closed form, computed independently";

/// Vectors of one kind, and how they are computed here.
pub struct Set {
    /// Whose rule it is.
    pub protocol: &'static str,
    /// What is computed, with its unit.
    pub what: &'static str,
    /// Where the vectors come from.
    pub source: &'static str,
    /// The file, in the folder of vectors.
    pub file: &'static str,
    /// Keys of the file that are compared; none for a table, which is compared whole.
    pub covers: &'static [&'static str],
    /// What the origin allows.
    pub tolerance: Tolerance,
    /// Computes and compares.
    pub check: fn(&Vectors, &mut Tally) -> Result<(), DataError>,
}

/// All sets, in the order of the page.
#[must_use]
pub fn sets() -> Vec<&'static Set> {
    [
        filecoin::SETS,
        helium::SETS,
        akash::SETS,
        render::SETS,
        livepeer::SETS,
        yuma::SETS,
        market::FEES,
        ethereum::SETS,
        market::SETS,
        theory::SETS,
        concentration::SETS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Keys that are not vectors of a rule, and why: file, key, reason.
const ASIDE: &[(&str, &str, &str)] = &[
    ("akash_vectors.json", "take_rate_default_pct", "parameters"),
    (
        "closed_forms.json",
        "eip1559_int",
        "the five rows of fee_vectors.json again",
    ),
    (
        "closed_forms.json",
        "gini_mc",
        "Monte Carlo estimates of the Gini rows",
    ),
    (
        "closed_forms.json",
        "mcafee_examples",
        "results without their orders; double_auction_examples.json has both",
    ),
    ("closed_forms.json", "merton_barrier", "it is empty"),
    (
        "closed_forms.json",
        "uniswap_v2",
        "a count of what uniswap_v2_vectors.json holds",
    ),
    ("livepeer_vectors.json", "defaults", "parameters"),
    ("livepeer_vectors.json", "perc_divisor", "a parameter"),
    ("render_vectors.json", "fee_pct", "a parameter"),
    ("render_vectors.json", "growth_damping", "a parameter"),
    ("render_vectors.json", "max_supply_increase", "a parameter"),
    ("render_vectors.json", "split_rnp003", "a parameter"),
    ("render_vectors.json", "year2_emission_approx", "rounded"),
    ("uniswap_v2_vectors.json", "first_mint", "a rule in words"),
    (
        "uniswap_v2_vectors.json",
        "minimum_liquidity",
        "a parameter",
    ),
    (
        "yuma_classic_bonds.json",
        "params",
        "parameters of the epochs",
    ),
    (
        "yuma_classic_bonds.json",
        "tolerance_abs_share",
        "a tolerance",
    ),
];

/// Keys that say where a file comes from.
const NOTES: &[&str] = &[
    "caution",
    "constants",
    "formula",
    "rule",
    "smoothing",
    "source",
    "unit",
    "vest_sum",
];

/// What the comparison found.
#[derive(Clone, Debug)]
pub struct Page {
    /// One for each set, in order.
    pub rows: Vec<Row>,
    /// What the folder has and no set covers: file and keys.
    pub open: Vec<(String, Vec<String>)>,
    /// What theory says, and what the mechanisms do.
    pub points: Vec<Point>,
}

/// One set, compared.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose rule it is.
    pub protocol: &'static str,
    /// What is computed.
    pub what: &'static str,
    /// Where the vectors come from.
    pub source: &'static str,
    /// The file.
    pub file: &'static str,
    /// What the origin allows.
    pub tolerance: Tolerance,
    /// What was found; `None` if the file is not there.
    pub tally: Option<Tally>,
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every vector within the tolerance.
    Agrees,
    /// Some vector outside.
    Differs,
    /// The file is not there.
    Missing,
}

impl Verdict {
    /// The word in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agrees => "ok",
            Self::Differs => "off",
            Self::Missing => "missing",
        }
    }
}

impl Row {
    /// Whether every vector is within the tolerance.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.tally {
            None => Verdict::Missing,
            Some(tally) if tally.passes() => Verdict::Agrees,
            Some(_) => Verdict::Differs,
        }
    }
}

/// Compares with the vectors in `data/token`.
///
/// # Errors
/// If a file is there and is not what it should be.
pub fn compare(data: &Path) -> Result<Page, DataError> {
    let folder = data.join("token");
    let mut rows = Vec::new();
    for set in sets() {
        let path = folder.join(set.file);
        let tally = if path.is_file() {
            let vectors = Vectors::open(path)?;
            let mut tally = Tally::new(set.tolerance);
            (set.check)(&vectors, &mut tally)?;
            Some(tally)
        } else {
            None
        };
        rows.push(Row {
            protocol: set.protocol,
            what: set.what,
            source: set.source,
            file: set.file,
            tolerance: set.tolerance,
            tally,
        });
    }
    Ok(Page {
        rows,
        open: open(&folder)?,
        points: points(),
    })
}

/// JSON files of the folder with the keys that nothing covers.
fn open(folder: &Path) -> Result<Vec<(String, Vec<String>)>, DataError> {
    let entries = std::fs::read_dir(folder);
    let mut files: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let vectors = Vectors::open(folder.join(&file))?;
        let keys: Vec<String> = vectors
            .keys()
            .into_iter()
            .filter(|key| !is_accounted(&file, key))
            .collect();
        if !keys.is_empty() {
            found.push((file, keys));
        }
    }
    Ok(found)
}

fn is_accounted(file: &str, key: &str) -> bool {
    let covered = sets()
        .into_iter()
        .any(|set| set.file == file && set.covers.contains(&key));
    let aside = ASIDE
        .iter()
        .any(|(name, aside, _)| *name == file && *aside == key);
    covered || aside || NOTES.contains(&key)
}

impl Page {
    /// Whether no row is off; what is missing does not count.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.rows
            .iter()
            .all(|row| row.verdict() != Verdict::Differs)
            && self.points.iter().all(Point::agrees)
    }

    /// The page in a sentence or two.
    #[must_use]
    pub fn sentence(&self) -> String {
        let count = |verdict| {
            let of = self.rows.iter().filter(|row| row.verdict() == verdict);
            of.count()
        };
        let tallies = || self.rows.iter().filter_map(|row| row.tally.as_ref());
        let vectors: usize = tallies().map(Tally::vectors).sum();
        let exact: usize = tallies().map(Tally::exact).sum();
        let sets = self.rows.len() - count(Verdict::Missing);
        let agree = match count(Verdict::Differs) {
            0 => format!("All {sets} sets of vectors agree"),
            off => format!("{off} of {sets} sets of vectors are off"),
        };
        let missing = match count(Verdict::Missing) {
            0 => String::new(),
            1 => " The file of one more is missing.".to_owned(),
            missing => format!(" The files of {missing} more are missing."),
        };
        let points = self.points.len();
        let met = match self.points.iter().filter(|point| !point.agrees()).count() {
            0 => format!("All {points} points of theory are met."),
            off => format!("{off} of {points} points of theory are missed."),
        };
        let [exact, vectors] = [exact, vectors].map(|count| number(count as f64, 0));
        format!("{agree}: {exact} of {vectors} vectors to the last digit.{missing} {met}")
    }

    /// The page as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            let tally = row.tally.as_ref();
            json!({
                "protocol": row.protocol,
                "what": row.what,
                "source": row.source,
                "file": row.file,
                "vectors": tally.map(Tally::vectors),
                "exact": tally.map(Tally::exact),
                "largest_absolute_error": tally.map(Tally::largest_absolute),
                "largest_relative_error": tally.map(Tally::largest_relative),
                "tolerance": row.tolerance.words(),
                "verdict": row.verdict().name(),
            })
        };
        let open = |(file, keys): &(String, Vec<String>)| json!({"file": file, "keys": keys});
        json!({
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "not_compared": self.open.iter().map(open).collect::<Vec<_>>(),
            "theory": self.points.iter().map(Point::json).collect::<Vec<_>>(),
            "sentence": self.sentence(),
            "passes": self.passes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_both_covered_and_set_aside() {
        for (file, key, why) in ASIDE {
            let covered = sets()
                .into_iter()
                .any(|set| set.file == *file && set.covers.contains(key));
            assert!(!covered, "{file}: `{key}` is compared, and aside as {why}");
        }
    }

    #[test]
    fn a_folder_without_vectors_says_what_is_missing() {
        let page = compare(Path::new("no such folder")).expect("nothing to read");
        assert!(page.passes());
        assert!(
            page.rows
                .iter()
                .all(|row| row.verdict() == Verdict::Missing)
        );
        let expect = format!(
            "All 0 sets of vectors agree: 0 of 0 vectors to the last digit. The files of {} more are missing. \
             All {} points of theory are met.",
            sets().len(),
            page.points.len()
        );
        assert_eq!(page.sentence(), expect);
    }
}

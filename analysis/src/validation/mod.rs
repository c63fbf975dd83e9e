//! The verification suite of the engine: reference systems against their closed forms, and identities on sample paths.
//!
//! A statistical row compares a closed form with the mean over replications and its Student t interval. All of them are judged
//! together: a row disagrees when its p-value is below [`FAMILY`] divided by the number of such rows (Bonferroni, valid whatever
//! the dependence between them), so a right engine passes with at least 99 % of the seeds. A row whose interval is too wide to
//! say anything does not pass either. An exact row compares integers and allows no difference. The coverage study,
//! [`crate::coverage`], belongs to the suite: an interval that does not hold what it promises proves nothing.

mod exact;
mod little;
mod queues;
mod renewals;
pub(crate) mod theory;

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use walras_des::{Digest, Moments};
use walras_sim::record::Range;

use crate::coverage;
use crate::estimate;

/// The seed behind the published tables.
pub const SEED: u64 = 1;

/// Independent replications behind every statistical row.
pub const REPLICATIONS: u32 = 20;

/// Probability that a right engine fails the suite for a fresh seed, at most.
pub const FAMILY: f64 = 0.01;

/// A 95 % interval wider than this share of the closed form, to either side, proves nothing.
pub const WIDEST: f64 = 0.06;

/// Title of the coverage study among the groups.
pub const COVERAGE: &str = "Coverage of the intervals";

/// Experiments of the coverage study; its seeds are its own, whatever the seed of the suite.
const EXPERIMENTS: u32 = 1_000;

/// What the suite found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What all streams derive from, those of the coverage study aside.
    pub seed: u64,
    /// Systems that belong together, in the order of reading.
    pub groups: Vec<Group>,
    /// How often the intervals of each method hold the truth; empty if it was not asked for.
    pub coverage: Vec<coverage::Row>,
}

/// Systems that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they are.
    pub title: &'static str,
    /// What is compared with what, and where the closed forms are from.
    pub about: &'static str,
    /// The systems.
    pub systems: Vec<System>,
}

/// One system with what was compared.
#[derive(Clone, Debug)]
pub struct System {
    /// Its name, in Kendall's notation where there is one.
    pub name: String,
    /// What was compared.
    pub rows: Vec<Row>,
}

/// One comparison.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is compared, with its unit.
    pub quantity: String,
    /// What it should be.
    pub theory: f64,
    /// What it is.
    pub found: f64,
    /// How they are compared.
    pub check: Check,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// The mean over replications against a closed form.
    Mean {
        /// Half the width of the 95 % interval.
        half_width: f64,
        /// Distance from the closed form in standard errors.
        t: f64,
        /// Probability of a larger distance, if the closed form is right.
        p: f64,
    },
    /// Integers against integers.
    Exact {
        /// How many.
        compared: u64,
        /// Of what.
        what: &'static str,
        /// Their distance, in total [ns], or for numbers of customers [customer·ns].
        apart: u128,
    },
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The system does what theory says.
    Agrees,
    /// It does not.
    Disagrees,
    /// The interval is too wide to tell.
    Vague,
}

impl Verdict {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agrees => "ok",
            Self::Disagrees => "off",
            Self::Vague => "vague",
        }
    }
}

impl Row {
    /// Compares the mean of `values`, one of each replication, with `theory`.
    ///
    /// # Panics
    /// With fewer than two values, which have no interval.
    #[must_use]
    pub fn mean(quantity: impl Into<String>, theory: f64, values: &[f64]) -> Self {
        let expected = vec![theory; values.len()];
        let test = estimate::paired(values, &expected, Range::Any);
        let test = test.expect("there are replications");
        let (interval, p) = test.difference.interval.zip(test.p_value).expect("several");
        let mut sample = Moments::new();
        for &value in values {
            sample.record(value);
        }
        let error = sample.std_dev() / (values.len() as f64).sqrt();
        Self {
            quantity: quantity.into(),
            theory,
            found: sample.mean(),
            check: Check::Mean {
                half_width: interval.half_width(),
                t: test.difference.mean / error,
                p,
            },
        }
    }

    /// Compares integers that must be equal.
    #[must_use]
    pub fn exact(
        quantity: impl Into<String>,
        (theory, found): (f64, f64),
        compared: u64,
        what: &'static str,
        apart: u128,
    ) -> Self {
        Self {
            quantity: quantity.into(),
            theory,
            found,
            check: Check::Exact {
                compared,
                what,
                apart,
            },
        }
    }
}

impl Report {
    /// All rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        let systems = self.groups.iter().flat_map(|group| &group.systems);
        systems.flat_map(|system| &system.rows)
    }

    /// Rows that compare a mean with a closed form.
    #[must_use]
    pub fn means(&self) -> usize {
        let is_mean = |row: &&Row| matches!(row.check, Check::Mean { .. });
        self.rows().filter(is_mean).count()
    }

    /// Of these, how many have the closed form within their own 95 % interval.
    #[must_use]
    pub fn within_95(&self) -> usize {
        let is_within = |row: &&Row| matches!(row.check, Check::Mean { p, .. } if p >= 1.0 - estimate::CONFIDENCE);
        self.rows().filter(is_within).count()
    }

    /// The p-value below which a row disagrees.
    #[must_use]
    pub fn level(&self) -> f64 {
        FAMILY / self.means().max(1) as f64
    }

    /// What a row of this report says.
    #[must_use]
    pub fn verdict(&self, row: &Row) -> Verdict {
        match row.check {
            Check::Exact {
                compared, apart, ..
            } => match (compared, apart) {
                (0, _) => Verdict::Vague,
                (_, 0) => Verdict::Agrees,
                _ => Verdict::Disagrees,
            },
            Check::Mean { p, .. } if p.is_nan() || p < self.level() => Verdict::Disagrees,
            Check::Mean { half_width, .. } if half_width > WIDEST * row.theory.abs() => {
                Verdict::Vague
            }
            Check::Mean { .. } => Verdict::Agrees,
        }
    }

    /// Whether every row agrees.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.rows().all(|row| self.verdict(row) == Verdict::Agrees)
    }

    /// The report in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let total = self.rows().count() + self.coverage.len();
        let off = |row: &&Row| self.verdict(row) != Verdict::Agrees;
        let broken = self.coverage.iter().filter(|row| !row.passes()).count();
        let failed = self.rows().filter(off).count() + broken;
        if failed > 0 {
            return format!(
                "The engine does not agree with theory: {failed} of {total} comparisons are off or too vague."
            );
        }
        let (means, exact) = (self.means(), self.rows().count() - self.means());
        let is_claimed = |row: &&coverage::Row| row.claim == coverage::Claim::Kept;
        let kept = self.coverage.iter().filter(is_claimed).count();
        let within = self.within_95();
        let mut parts = Vec::new();
        if means > 0 {
            parts.push(format!(
                "{means} means with their closed forms ({within} within the 95 % interval of the row)"
            ));
        }
        if exact > 0 {
            parts.push(format!("{exact} identities to the last nanosecond"));
        }
        if kept > 0 {
            parts.push(format!(
                "{kept} methods and lengths of run whose intervals hold the truth as often as promised"
            ));
        }
        format!("The engine agrees with theory: {}.", parts.join("; "))
    }

    /// The object that `--json` prints.
    #[must_use]
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            let verdict = self.verdict(row).name();
            match row.check {
                Check::Mean { half_width, t, p } => json!({
                    "quantity": row.quantity, "theory": row.theory, "estimate": row.found, "half_width": half_width,
                    "t": t, "p": p, "verdict": verdict,
                }),
                Check::Exact {
                    compared,
                    what,
                    apart,
                } => json!({
                    "quantity": row.quantity, "theory": row.theory, "estimate": row.found, "compared": compared,
                    "of": what, "apart_ns": apart.to_string(), "verdict": verdict,
                }),
            }
        };
        let system = |system: &System| json!({"system": system.name, "rows": system.rows.iter().map(row).collect::<Vec<_>>()});
        let covered = |row: &coverage::Row| {
            json!({
                "method": row.method, "system": row.system, "quantity": row.quantity, "data": row.data, "truth": row.truth,
                "experiments": row.seeds, "intervals": row.intervals, "covered": row.covered, "share": row.share,
                "promised": row.promised, "low": row.low, "high": row.high,
                "relative_half_width": row.relative_half_width, "is_promised": row.claim == coverage::Claim::Kept, "passes": row.passes(),
            })
        };
        let group = |group: &Group| json!({"group": group.title, "systems": group.systems.iter().map(system).collect::<Vec<_>>()});
        json!({
            "seed": self.seed,
            "replications": REPLICATIONS,
            "family_wise_error": FAMILY,
            "level": self.level(),
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
            "coverage_seed": coverage::SEED,
            "coverage": self.coverage.iter().map(covered).collect::<Vec<_>>(),
            "passes": self.passes(),
            "sentence": self.sentence(),
        })
    }
}

/// A part of the suite that can run on its own, from a seed of its own: the luck of one system is not that of another.
struct Task {
    /// The name of the system, another than that of all others in its group.
    name: String,
    run: Box<dyn Fn(u64) -> Vec<Row> + Send + Sync>,
}

impl Task {
    fn new(name: impl Into<String>, run: impl Fn(u64) -> Vec<Row> + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
        }
    }

    /// Runs the system as one of the group `title` in the suite of `seed`.
    fn system(&self, seed: u64, title: &str) -> System {
        System {
            name: self.name.clone(),
            rows: (self.run)(seed_of(seed, title, &self.name)),
        }
    }
}

/// The seed of a system: a function of its names and the seed of the suite, so that it does not matter what else runs.
fn seed_of(seed: u64, title: &str, name: &str) -> u64 {
    let mut digest = Digest::new();
    digest.fold(seed);
    for text in [title, name] {
        digest.fold(text.len() as u64);
        digest.fold_bytes(text.as_bytes());
    }
    digest.as_u64()
}

/// A group before its systems have run.
struct Planned {
    title: &'static str,
    about: &'static str,
    tasks: Vec<Task>,
}

/// All groups, in the order of reading.
fn plan() -> Vec<Planned> {
    let mut planned = queues::groups();
    planned.extend([exact::group(), renewals::group(), little::group()]);
    planned
}

/// Titles of the groups of the suite.
#[must_use]
pub fn titles() -> Vec<&'static str> {
    let titles = plan().into_iter().map(|group| group.title);
    titles.chain([COVERAGE]).collect()
}

/// Runs the groups that are wanted by their titles, from `seed`, on `threads` threads; the report does not depend on how many.
///
/// # Panics
/// If a system does: an invariant of the simulation is violated.
#[must_use]
pub fn engine(seed: u64, threads: usize, is_wanted: impl Fn(&str) -> bool) -> Report {
    let planned: Vec<Planned> = plan()
        .into_iter()
        .filter(|group| is_wanted(group.title))
        .collect();
    // The coverage study takes longest and starts first.
    let mut work: Vec<Work<'_>> = Vec::new();
    if is_wanted(COVERAGE) {
        work.push(Box::new(|| Found::Coverage(coverage::study(EXPERIMENTS))));
    }
    for group in &planned {
        for task in &group.tasks {
            work.push(Box::new(|| Found::System(task.system(seed, group.title))));
        }
    }
    let (mut systems, mut covered) = (Vec::new(), Vec::new());
    for found in execute(&work, threads) {
        match found {
            Found::System(system) => systems.push(system),
            Found::Coverage(rows) => covered = rows,
        }
    }
    let mut systems = systems.into_iter();
    let groups = planned.iter().map(|group| Group {
        title: group.title,
        about: group.about,
        systems: systems.by_ref().take(group.tasks.len()).collect(),
    });
    Report {
        seed,
        groups: groups.collect(),
        coverage: covered,
    }
}

/// Something to do on any thread.
type Work<'a> = Box<dyn Fn() -> Found + Send + Sync + 'a>;

/// What came out of it.
enum Found {
    System(System),
    Coverage(Vec<coverage::Row>),
}

/// Does `work` on `threads` threads; the results are in the order of the work.
fn execute(work: &[Work<'_>], threads: usize) -> Vec<Found> {
    let next = AtomicUsize::new(0);
    let labour = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(work) = work.get(index) else {
                return done;
            };
            done.push((index, work()));
        }
    };
    let mut done: Vec<(usize, Found)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(labour)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<_>>| {
            worker
                .join()
                .unwrap_or_else(|panic| panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `--only X` reproduces the rows of the whole suite: no two systems share a seed, and none has it from its place.
    #[test]
    fn a_system_has_its_seed_from_its_names() {
        let planned = plan();
        let systems = planned.iter().flat_map(|group| {
            let tasks = group.tasks.iter();
            tasks.map(|task| (group.title, task.name.as_str()))
        });
        let seeds = |seed: u64| {
            systems
                .clone()
                .map(move |(title, name)| seed_of(seed, title, name))
        };
        let all: BTreeSet<u64> = seeds(1).chain(seeds(2)).collect();
        assert_eq!(all.len(), 2 * systems.clone().count());
        let alone = Task::new("b", |seed| {
            vec![Row::exact("seed", (0.0, 0.0), 1, "seeds", u128::from(seed))]
        });
        let Check::Exact { apart, .. } = alone.system(1, "a").rows[0].check else {
            panic!("an exact row");
        };
        assert_eq!(apart, u128::from(seed_of(1, "a", "b")));
        assert_ne!(seed_of(1, "ab", "c"), seed_of(1, "a", "bc"));
    }

    fn report(rows: Vec<Row>) -> Report {
        Report {
            seed: SEED,
            groups: vec![Group {
                title: "test",
                about: "",
                systems: vec![System {
                    name: "test".to_owned(),
                    rows,
                }],
            }],
            coverage: Vec::new(),
        }
    }

    /// Ten values around 10 with standard error 0.1: t(9) = 3.25 is p = 0.01 (two-sided, the published table).
    #[test]
    fn a_row_is_judged_with_its_family() {
        let spread = 0.1 * 90.0_f64.sqrt() / 10.0_f64.sqrt();
        let values: Vec<f64> = (0..10)
            .map(|i| {
                if i % 2 == 0 {
                    10.0 + spread
                } else {
                    10.0 - spread
                }
            })
            .collect();
        let row = |theory: f64| Row::mean("mean", theory, &values);
        let Check::Mean { t, p, half_width } = row(10.325).check else {
            panic!("a mean");
        };
        assert!(
            (t + 3.25).abs() < 1e-9 && (p - 0.01).abs() < 1e-4,
            "{t} {p}"
        );
        assert!((half_width - 0.2262).abs() < 1e-4);
        let verdict = |theory: f64, others: usize| {
            let mut rows = vec![row(theory)];
            rows.extend((0..others).map(|_| row(10.0)));
            let report = report(rows);
            report.verdict(&report.groups[0].systems[0].rows[0])
        };
        assert_eq!(verdict(10.33, 0), Verdict::Disagrees);
        assert_eq!(verdict(10.33, 9), Verdict::Agrees);
        // t(9) = 5.3 is p = 0.0005.
        assert_eq!(verdict(10.6, 9), Verdict::Disagrees);
        assert!(report(vec![row(10.0)]).passes() && !report(vec![row(11.0)]).passes());
    }

    #[test]
    fn a_wide_interval_and_an_empty_comparison_prove_nothing() {
        let rows = vec![
            Row::mean("mean", 1.0, &[0.5, 1.5, 0.9, 1.1]),
            Row::exact("none", (0.0, 0.0), 0, "customers", 0),
            Row::exact("one", (0.0, 0.0), 5, "customers", 1),
        ];
        let report = report(rows);
        let verdicts: Vec<_> = report.rows().map(|row| report.verdict(row)).collect();
        assert_eq!(
            verdicts,
            [Verdict::Vague, Verdict::Vague, Verdict::Disagrees]
        );
        assert!(report.sentence().contains("3 of 3 comparisons"));
    }
}

//! Comparisons: every figure of every platform with its interval, and its difference to what it is compared with.

use walras_des::Span;
use walras_sim::record::{MetricId, Range};

use crate::estimate::one_run::{NoInterval, of_run};
use crate::estimate::{Difference, Estimate, estimate, paired, unpaired};
use crate::experiment::{Experiment, Run};
use crate::findings::warm_up_found;
use crate::words::{Finding, Group, Tone, Wording, describe};

/// Platforms side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What is compared, in a few words.
    pub title: String,
    /// The question asked.
    pub question: String,
    /// What stands in the columns of a row.
    pub entries: Vec<Entry>,
    /// One row per metric that has a value anywhere, in the order of reports.
    pub rows: Vec<Row>,
    /// Most replications behind an entry.
    pub replications: usize,
    /// Why there are as many, where their number was not given.
    pub stopping: Option<Stopping>,
    /// The warm-up in words, where it was not given but found.
    pub warm_up_found: Option<String>,
    /// Whether differences are taken within replications.
    pub is_paired: bool,
    /// The answer in one sentence; empty without anything to compare.
    pub verdict: String,
    /// What the numbers say, in sentences.
    pub findings: Vec<Finding>,
    /// What to keep in mind, and what would help.
    pub warnings: Vec<String>,
}

/// How replications that were to reach a precision ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopping {
    /// Whether all figures are as precise as asked.
    pub is_reached: bool,
    /// The same in words, with numbers.
    pub text: String,
}

/// One thing that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How it is called.
    pub name: String,
    /// The entry that it is compared with; `None` for a baseline.
    pub against: Option<usize>,
}

/// One figure of all entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The figure.
    pub metric: MetricId,
    /// Its value for each entry.
    pub cells: Vec<Cell>,
}

/// One figure of one entry.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// The figure; `None` where it exists in no replication.
    pub estimate: Option<Estimate>,
    /// Why the only replication gives no interval, where it gives none.
    pub no_interval: Option<NoInterval>,
    /// Its difference to the entry it is compared with, over the replications that have both.
    pub difference: Option<Difference>,
}

impl Cell {
    /// The replications behind what is shown of it: those of the difference, if there is one.
    #[must_use]
    pub fn n(&self) -> usize {
        let difference = self.difference.map(|difference| difference.difference);
        difference.or(self.estimate).map_or(0, |shown| shown.n)
    }
}

/// Two directories hold nothing that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the runs have no platform in common: `{first}` and `{second}`\n  help: platforms are matched by name"
)]
pub struct NothingInCommon {
    first: String,
    second: String,
}

impl Comparison {
    /// The figures of one experiment; the words are added by [`crate::findings`], where `Comparison::of` stands.
    pub(crate) fn figures(experiment: &Experiment) -> Self {
        let baseline = experiment.baseline();
        let manifest = &experiment.manifest;
        let entry = |(index, name): (usize, &String)| Entry {
            name: name.clone(),
            against: (index != baseline).then_some(baseline),
        };
        let columns: Vec<Column<'_>> = (0..manifest.platforms.len())
            .map(|platform| Column {
                experiment,
                platform,
            })
            .collect();
        let mut comparison = Self::build(
            manifest.platforms.iter().enumerate().map(entry).collect(),
            &columns,
            true,
        );
        comparison.title.clone_from(&manifest.scenario);
        comparison.question.clone_from(&manifest.question);
        comparison
    }

    /// Two experiments, platform by platform: each of `second` against the one of the same name in `first`.
    /// Differences are paired if both met the same requests, and otherwise taken between independent sets.
    ///
    /// # Errors
    /// If no platform is in both.
    pub fn between(first: &Experiment, second: &Experiment) -> Result<Self, NothingInCommon> {
        let (mut entries, mut columns) = (Vec::new(), Vec::new());
        for (platform, name) in first.manifest.platforms.iter().enumerate() {
            let Some(other) = second
                .manifest
                .platforms
                .iter()
                .position(|other| other == name)
            else {
                continue;
            };
            entries.push(Entry {
                name: format!("{name}, first"),
                against: None,
            });
            entries.push(Entry {
                name: format!("{name}, second"),
                against: Some(entries.len() - 1),
            });
            columns.push(Column {
                experiment: first,
                platform,
            });
            columns.push(Column {
                experiment: second,
                platform: other,
            });
        }
        if entries.is_empty() {
            let names = |experiment: &Experiment| experiment.manifest.platforms.join(", ");
            return Err(NothingInCommon {
                first: names(first),
                second: names(second),
            });
        }
        let is_paired = first.manifest.workload_hash == second.manifest.workload_hash;
        let mut comparison = Self::build(entries, &columns, is_paired);
        comparison.title = format!(
            "{} (first) and {} (second)",
            first.manifest.scenario, second.manifest.scenario
        );
        "What differs between the two runs?".clone_into(&mut comparison.question);
        comparison.warm_up_found = warm_ups(first, second);
        if first.manifest.digest == second.manifest.digest {
            comparison.verdict =
                format!("The runs are identical: digest {}.", first.manifest.digest);
        }
        if !is_paired {
            let text = "the runs did not meet the same requests: differences are taken between independent sets (Welch)";
            comparison.warnings.push(text.to_owned());
        }
        Ok(comparison)
    }

    fn build(entries: Vec<Entry>, columns: &[Column<'_>], is_paired: bool) -> Self {
        let row = |metric: MetricId| {
            let values: Vec<Values> = columns.iter().map(|column| column.values(metric)).collect();
            let range = metric.metric().range;
            let cell = |(index, entry): (usize, &Entry)| {
                let (estimate, no_interval) = match columns[index].only_run() {
                    Some(run) => of_run(run, metric).unzip(),
                    None => (estimate(&values[index].plain(), range), None),
                };
                Cell {
                    estimate,
                    no_interval: no_interval.flatten(),
                    difference: entry.against.and_then(|against| {
                        values[index].against(&values[against], range, is_paired)
                    }),
                }
            };
            Row {
                metric,
                cells: entries.iter().enumerate().map(cell).collect(),
            }
        };
        let has_values = |row: &Row| row.cells.iter().any(|cell| cell.estimate.is_some());
        let rows = MetricId::all().map(row).filter(has_values).collect();
        let replications = columns
            .iter()
            .map(|column| column.experiment.of(column.platform).count())
            .max()
            .unwrap_or(0);
        Self {
            title: String::new(),
            question: String::new(),
            entries,
            rows,
            replications,
            stopping: None,
            warm_up_found: None,
            is_paired,
            verdict: String::new(),
            findings: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The row of `metric`.
    #[must_use]
    pub fn row(&self, metric: MetricId) -> Option<&Row> {
        self.rows.iter().find(|row| row.metric == metric)
    }

    /// What is known of `metric` for the entry at `index`.
    #[must_use]
    pub fn cell(&self, metric: MetricId, index: usize) -> Option<&Cell> {
        self.row(metric)?.cells.get(index)
    }

    /// How the entry at `index` differs from what it is compared with, in words. Whoever turns hard requests away looks
    /// good in figures of the served ones: such a lead is told as a fact, neither better nor worse.
    #[must_use]
    pub fn said(&self, metric: MetricId, index: usize) -> Option<Wording> {
        let mut said = describe(metric, &self.cell(metric, index)?.difference?);
        let completed = self
            .cell(self.completed(), index)
            .and_then(|cell| cell.difference);
        let is_flattery = completed.is_some_and(|completed| match said.tone {
            Tone::Better => is_material(&completed) && completed.difference.mean < 0.0,
            Tone::Worse => is_material(&completed) && completed.difference.mean > 0.0,
            Tone::Neutral | Tone::Unclear => false,
        });
        if is_flattery && is_of_served(metric) {
            said.tone = Tone::Neutral;
        }
        Some(said)
    }

    /// The share of what was asked for that was done.
    #[must_use]
    pub fn completed(&self) -> MetricId {
        let all = [MetricId::JobsCompleted, MetricId::FillRate];
        let found = all.into_iter().find(|metric| self.row(*metric).is_some());
        found.unwrap_or(MetricId::Completed)
    }

    /// What is asked for: `requests`, `jobs`, or `units` of work.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self.completed() {
            MetricId::JobsCompleted => "jobs",
            MetricId::FillRate => "units",
            _ => "requests",
        }
    }

    /// The value of `metric` for the entry at `index`.
    #[must_use]
    pub fn estimate(&self, metric: MetricId, index: usize) -> Option<Estimate> {
        self.cell(metric, index)?.estimate
    }
}

/// The warm-ups of two experiments in words, if one of them was not given but found.
fn warm_ups(first: &Experiment, second: &Experiment) -> Option<String> {
    let [found, other] = [first, second].map(|experiment| warm_up_found(&experiment.manifest));
    if found.is_none() && other.is_none() {
        return None;
    }
    let told = |found: Option<String>, experiment: &Experiment| {
        let given = Span::from_secs_f64(experiment.manifest.warm_up_s);
        found.unwrap_or_else(|| format!("warm-up {given}, as it was given"))
    };
    let (first, second) = (told(found, first), told(other, second));
    Some(if first == second {
        format!("both: {first}")
    } else {
        format!("first: {first}; second: {second}")
    })
}

/// Shares of completed requests further apart than this make figures of served requests incomparable: one point.
const MATERIAL: f64 = 0.01;

/// Whether shares of completed requests differ by so much, and clearly, as far as the replications can tell.
pub(crate) fn is_material(completed: &Difference) -> bool {
    let can_tell = completed.difference.interval.is_some();
    completed.difference.mean.abs() > MATERIAL && (completed.is_clear() || !can_tell)
}

/// Whether a figure describes served requests alone, or divides by what they received.
pub(crate) fn is_of_served(metric: MetricId) -> bool {
    let is_per_token = matches!(
        metric,
        MetricId::CostPerMillion | MetricId::Energy | MetricId::ActiveEnergy
    );
    is_per_token || Group::of(metric) == Group::Speed
}

/// One platform of one experiment.
#[derive(Clone, Copy)]
struct Column<'a> {
    experiment: &'a Experiment,
    platform: usize,
}

impl<'a> Column<'a> {
    /// The run, if there is one replication.
    fn only_run(self) -> Option<&'a Run> {
        let mut runs = self
            .experiment
            .runs
            .iter()
            .filter(|run| run.platform == self.platform);
        runs.next().filter(|_| runs.next().is_none())
    }

    fn values(self, metric: MetricId) -> Values {
        Values::of_metric(self.experiment, self.platform, metric)
    }
}

/// A figure by replication, where it exists.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values(Vec<(u32, f64)>);

impl Values {
    /// What `figure` gives for each run of `platform`.
    pub(crate) fn of(
        experiment: &Experiment,
        platform: usize,
        figure: impl Fn(&Run) -> Option<f64>,
    ) -> Self {
        Self(
            experiment
                .of(platform)
                .filter_map(|run| Some((run.replication, figure(run)?)))
                .collect(),
        )
    }

    pub(crate) fn of_metric(experiment: &Experiment, platform: usize, metric: MetricId) -> Self {
        Self::of(experiment, platform, |run| run.metrics.get(metric))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The replications that have one.
    pub(crate) fn replications(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(replication, _)| *replication)
    }

    /// The value in one replication.
    pub(crate) fn at(&self, replication: u32) -> Option<f64> {
        let found = self.0.iter().find(|(other, _)| *other == replication);
        found.map(|(_, value)| *value)
    }

    pub(crate) fn plain(&self) -> Vec<f64> {
        self.0.iter().map(|(_, value)| *value).collect()
    }

    /// Values in `range` over the replications that both have, or over all if they are independent.
    pub(crate) fn against(
        &self,
        other: &Self,
        range: Range,
        is_paired: bool,
    ) -> Option<Difference> {
        if !is_paired {
            return unpaired(&self.plain(), &other.plain(), range);
        }
        let (mine, theirs): (Vec<f64>, Vec<f64>) = self
            .0
            .iter()
            .filter_map(|(r, value)| Some((*value, other.at(*r)?)))
            .unzip();
        paired(&mine, &theirs, range)
    }
}

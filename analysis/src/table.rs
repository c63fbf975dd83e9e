//! Runs as polars tables and back: one table per kind of fact, tidy, with platform and replication in every row.
//!
//! Equal runs give equal tables: rows keep the order of the runs, and nothing depends on when or where they ran.

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, PolarsError, Series};
use walras_des::{SimTime, Span};
use walras_sim::record::{
    BatchRow, Counts, Fate, JobRow, Latencies, Latency, MetricId, Metrics, Sample,
};
use walras_sim::series::{Column as Quantity, Row};
use walras_sim::sums::{SumId, Sums};

use crate::experiment::{Run, RunEntry};

/// Columns with the share of a segment's work begin with this, before its name.
const SEGMENT: &str = "share_of_";

/// The tables of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// A row per run and metric: its value, null where the figure does not exist.
    pub summary: DataFrame,
    /// A row per run: digest, events, and jobs by what became of them.
    pub counts: DataFrame,
    /// A row per run and sample of the state.
    pub samples: DataFrame,
    /// A row per run, latency and filled bucket of its histogram.
    pub latency: DataFrame,
    /// A row per run and point of the Lorenz curve of owner revenue.
    pub lorenz: DataFrame,
    /// A row per run and section, with what added up in it; where there is a single replication.
    pub sections: Option<DataFrame>,
    /// A row per run and epoch of an economy, in the columns that cadCAD and radCAD have, and those of the economy.
    pub epochs: Option<DataFrame>,
    /// A row per ended job, if jobs were recorded.
    pub jobs: Option<DataFrame>,
}

/// Why tables are not those of an experiment.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A column is missing or has another type, or the table cannot be built.
    #[error(transparent)]
    Polars(#[from] PolarsError),
    /// A value that should be there is null.
    #[error("column `{column}` has an empty value in row {row}")]
    Null {
        /// The column.
        column: String,
        /// The row, from one.
        row: usize,
    },
    /// A row belongs to no run of the manifest.
    #[error(
        "platform `{platform}`, replication {replication} is not among the finished runs of the manifest"
    )]
    UnknownRun {
        /// What the row says.
        platform: String,
        /// What the row says.
        replication: u32,
    },
    /// A metric that this version does not know.
    #[error("metric `{0}` is unknown to this version of walras")]
    UnknownMetric(String),
    /// The tables contradict the manifest.
    #[error("{0}")]
    Contradiction(String),
}

impl Tables {
    /// The tables of `runs` on `platforms`.
    ///
    /// # Errors
    /// If polars cannot build a table; it can, unless memory runs out.
    pub fn of(runs: &[Run], platforms: &[String]) -> Result<Self, TableError> {
        let rows = Rows { runs, platforms };
        Ok(Self {
            summary: rows.summary()?,
            counts: rows.counts()?,
            samples: rows.samples()?,
            latency: rows.latency()?,
            lorenz: rows.lorenz()?,
            sections: runs
                .iter()
                .any(|run| !run.sections.is_empty())
                .then(|| rows.sections())
                .transpose()?,
            epochs: runs
                .iter()
                .any(|run| !run.series.rows.is_empty())
                .then(|| rows.epochs())
                .transpose()?,
            jobs: rows.any_jobs()?,
        })
    }

    /// The table of the jobs of `run`, if they were recorded.
    ///
    /// # Errors
    /// As [`Tables::of`].
    pub(crate) fn jobs_of(
        run: &Run,
        platforms: &[String],
    ) -> Result<Option<DataFrame>, TableError> {
        let runs = std::slice::from_ref(run);
        Rows { runs, platforms }.any_jobs()
    }
}

/// The runs that `entries` lists, of whom nothing else is known yet.
///
/// # Errors
/// If an entry is no run of `platforms`.
pub(crate) fn listed(entries: &[RunEntry], platforms: &[String]) -> Result<Vec<Run>, TableError> {
    entries
        .iter()
        .map(|entry| empty(entry, platforms))
        .collect()
}

/// Adds what a table, or a part of it, says to the runs that it is about; gives the last of these.
pub(crate) type Fill = fn(&DataFrame, &mut [Run], &[String]) -> Result<Option<usize>, TableError>;

pub(crate) fn read_summary(
    table: &DataFrame,
    runs: &mut [Run],
    platforms: &[String],
) -> Result<Option<usize>, TableError> {
    let keys = keys(table, runs, platforms)?;
    let last = keys.last().copied();
    let metrics = strings(table, "metric")?;
    let values = table.column("value")?.f64()?.iter();
    for ((run, name), value) in keys.into_iter().zip(metrics).zip(values) {
        let metric = MetricId::named(&name).ok_or(TableError::UnknownMetric(name))?;
        runs[run].metrics.0[metric as usize] = value;
    }
    Ok(last)
}

pub(crate) fn read_counts(
    table: &DataFrame,
    runs: &mut [Run],
    entries: &[RunEntry],
    platforms: &[String],
) -> Result<(), TableError> {
    let keys = keys(table, runs, platforms)?;
    if keys.len() != runs.len() {
        let text = format!(
            "the manifest lists {} finished runs, the table of counts {}",
            runs.len(),
            keys.len()
        );
        return Err(TableError::Contradiction(text));
    }
    let digests = strings(table, "digest")?;
    let columns = [
        "events",
        "submitted",
        "completed",
        "failed",
        "rejected",
        "live",
        "refused_orders",
    ];
    let [
        events,
        submitted,
        completed,
        failed,
        rejected,
        live,
        refused_orders,
    ] = columns.map(|column| integers(table, column));
    let (events, submitted, completed) = (events?, submitted?, completed?);
    let (failed, rejected, live, refused_orders) = (failed?, rejected?, live?, refused_orders?);
    for (row, run) in keys.into_iter().enumerate() {
        if digests[row] != entries[run].digest {
            let text = format!(
                "run {} has digest {}, the manifest says {}",
                run + 1,
                digests[row],
                entries[run].digest
            );
            return Err(TableError::Contradiction(text));
        }
        runs[run].events = events[row];
        runs[run].counts = Counts {
            submitted: submitted[row],
            completed: completed[row],
            failed: failed[row],
            rejected: rejected[row],
            live: live[row],
            refused_orders: refused_orders[row],
        };
    }
    Ok(())
}

pub(crate) fn read_samples(
    table: &DataFrame,
    runs: &mut [Run],
    platforms: &[String],
) -> Result<Option<usize>, TableError> {
    let keys = keys(table, runs, platforms)?;
    let last = keys.last().copied();
    let [at, output_tokens] = ["at_ns", "output_tokens"].map(|column| integers(table, column));
    let (at, output_tokens) = (at?, output_tokens?);
    let columns = [
        "nodes_up",
        "nodes_busy",
        "jobs_live",
        "jobs_waiting",
        "submitted",
        "completed",
        "within_slo",
        "lost",
    ];
    let columns = columns
        .iter()
        .map(|column| small_integers(table, column))
        .collect::<Result<Vec<_>, _>>()?;
    let spend = floats(table, "spend_usd")?;
    let base_fee = table.column("base_fee")?.f64()?;
    for (row, run) in keys.into_iter().enumerate() {
        runs[run].samples.push(Sample {
            at: SimTime::from_nanos(at[row]),
            nodes_up: columns[0][row],
            nodes_busy: columns[1][row],
            jobs_live: columns[2][row],
            jobs_waiting: columns[3][row],
            submitted: columns[4][row],
            completed: columns[5][row],
            within_slo: columns[6][row],
            lost: columns[7][row],
            output_tokens: output_tokens[row],
            spend: spend[row],
            base_fee: base_fee.get(row),
        });
    }
    Ok(last)
}

pub(crate) fn read_latency(
    table: &DataFrame,
    runs: &mut [Run],
    platforms: &[String],
) -> Result<Option<usize>, TableError> {
    let keys = keys(table, runs, platforms)?;
    let last = keys.last().copied();
    let (kinds, lower) = (strings(table, "metric")?, floats(table, "lower_s")?);
    let counts = integers(table, "count")?;
    for (row, run) in keys.into_iter().enumerate() {
        if lower[row].is_nan() || lower[row] < 0.0 {
            return Err(TableError::Contradiction(format!(
                "row {} has no possible latency",
                row + 1
            )));
        }
        let named = |latency: &Latency| latency.name() == kinds[row];
        let latency = Latency::ALL.into_iter().find(named);
        let latency = latency.ok_or_else(|| TableError::UnknownMetric(kinds[row].clone()))?;
        // The lower edge belongs to the bucket.
        runs[run].latencies[latency].record_n(lower[row], counts[row]);
        runs[run].timed[latency as usize] += counts[row];
    }
    Ok(last)
}

pub(crate) fn read_lorenz(
    table: &DataFrame,
    runs: &mut [Run],
    platforms: &[String],
) -> Result<Option<usize>, TableError> {
    let keys = keys(table, runs, platforms)?;
    let last = keys.last().copied();
    for (run, share) in keys.into_iter().zip(floats(table, "revenue_share")?) {
        runs[run].lorenz.push(share);
    }
    Ok(last)
}

pub(crate) fn read_sections(
    table: &DataFrame,
    runs: &mut [Run],
    platforms: &[String],
) -> Result<Option<usize>, TableError> {
    let keys = keys(table, runs, platforms)?;
    let last = keys.last().copied();
    let mut sections = vec![Sums::ZERO; keys.len()];
    for id in SumId::ALL {
        let values = floats(table, id.name())?;
        for (sums, value) in sections.iter_mut().zip(values) {
            sums.set(*id, value);
        }
    }
    for (run, sums) in keys.into_iter().zip(sections) {
        runs[run].sections.push(sums);
    }
    Ok(last)
}
pub(crate) fn read_epochs(
    table: &DataFrame,
    runs: &mut [Run],
    platforms: &[String],
) -> Result<Option<usize>, TableError> {
    let keys = keys(table, runs, platforms)?;
    let last = keys.last().copied();
    let days = floats(table, "days")?;
    let mut rows = vec![Row::default(); keys.len()];
    for &quantity in Quantity::ALL {
        for (row, value) in rows.iter_mut().zip(floats(table, quantity.name())?) {
            row[quantity] = value;
        }
    }
    for ((run, days), row) in keys.iter().zip(days).zip(rows) {
        runs[*run].series.days.push(days);
        runs[*run].series.rows.push(row);
    }
    let names = table.get_column_names().into_iter();
    let names = names.filter_map(|name| name.strip_prefix(SEGMENT));
    for (index, name) in names.enumerate() {
        let values = floats(table, &format!("{SEGMENT}{name}"))?;
        for (run, value) in keys.iter().zip(values) {
            let segments = &mut runs[*run].series.segments;
            if segments.len() <= index {
                segments.push((name.to_owned(), Vec::new()));
            }
            segments[index].1.push(value);
        }
    }
    Ok(last)
}

/// Runs to be laid out in rows.
#[derive(Clone, Copy)]
struct Rows<'a> {
    runs: &'a [Run],
    platforms: &'a [String],
}

impl Rows<'_> {
    /// The table whose rows are those that `rows` gives for each run, in the columns that `columns` takes from them.
    fn table<'r, T>(
        &'r self,
        rows: impl Fn(&'r Run) -> Vec<T>,
        columns: impl FnOnce(&[T]) -> Vec<Column>,
    ) -> Result<DataFrame, TableError> {
        let (mut platform, mut replication, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for run in self.runs {
            let rows = rows(run);
            platform.extend(std::iter::repeat_n(
                self.platforms[run.platform].as_str(),
                rows.len(),
            ));
            replication.extend(std::iter::repeat_n(run.replication, rows.len()));
            all.extend(rows);
        }
        let mut table = vec![
            column("platform", &platform),
            column("replication", &replication),
        ];
        table.extend(columns(&all));
        Ok(DataFrame::new(all.len(), table)?)
    }

    fn summary(&self) -> Result<DataFrame, TableError> {
        let rows = |run: &Run| {
            MetricId::all()
                .map(|id| (id, run.metrics.get(id)))
                .collect::<Vec<_>>()
        };
        self.table(rows, |rows| {
            vec![
                column("metric", &map(rows, |(id, _)| id.metric().name)),
                column("unit", &map(rows, |(id, _)| id.metric().unit)),
                column("value", &map(rows, |(_, value)| *value)),
            ]
        })
    }

    fn counts(&self) -> Result<DataFrame, TableError> {
        self.table(
            |run| vec![(run, run.counts)],
            |rows| {
                vec![
                    column(
                        "digest",
                        &map(rows, |(run, _)| format!("{:016x}", run.digest)),
                    ),
                    column("events", &map(rows, |(run, _)| run.events)),
                    column("submitted", &map(rows, |(_, counts)| counts.submitted)),
                    column("completed", &map(rows, |(_, counts)| counts.completed)),
                    column("failed", &map(rows, |(_, counts)| counts.failed)),
                    column("rejected", &map(rows, |(_, counts)| counts.rejected)),
                    column("live", &map(rows, |(_, counts)| counts.live)),
                    column(
                        "refused_orders",
                        &map(rows, |(_, counts)| counts.refused_orders),
                    ),
                ]
            },
        )
    }

    fn samples(&self) -> Result<DataFrame, TableError> {
        self.table(
            |run| run.samples.clone(),
            |rows| {
                vec![
                    column("at_ns", &map(rows, |sample| sample.at.as_nanos())),
                    column("nodes_up", &map(rows, |sample| sample.nodes_up)),
                    column("nodes_busy", &map(rows, |sample| sample.nodes_busy)),
                    column("jobs_live", &map(rows, |sample| sample.jobs_live)),
                    column("jobs_waiting", &map(rows, |sample| sample.jobs_waiting)),
                    column("submitted", &map(rows, |sample| sample.submitted)),
                    column("completed", &map(rows, |sample| sample.completed)),
                    column("within_slo", &map(rows, |sample| sample.within_slo)),
                    column("lost", &map(rows, |sample| sample.lost)),
                    column("output_tokens", &map(rows, |sample| sample.output_tokens)),
                    column("spend_usd", &map(rows, |sample| sample.spend)),
                    column("base_fee", &map(rows, |sample| sample.base_fee)),
                ]
            },
        )
    }

    fn latency(&self) -> Result<DataFrame, TableError> {
        let rows = |run: &Run| {
            let of = |latency: Latency| {
                let buckets = run.latencies[latency].iter();
                buckets.map(move |bucket| (latency.name(), bucket))
            };
            Latency::ALL.into_iter().flat_map(of).collect::<Vec<_>>()
        };
        self.table(rows, |rows| {
            vec![
                column("metric", &map(rows, |(metric, _)| *metric)),
                column("lower_s", &map(rows, |(_, bucket)| bucket.0)),
                column("upper_s", &map(rows, |(_, bucket)| bucket.1)),
                column("count", &map(rows, |(_, bucket)| bucket.2)),
            ]
        })
    }

    fn lorenz(&self) -> Result<DataFrame, TableError> {
        #[allow(clippy::cast_precision_loss)]
        let rows = |run: &Run| {
            let last = run.lorenz.len().saturating_sub(1) as f64;
            run.lorenz
                .iter()
                .enumerate()
                .map(|(i, share)| (i as f64 / last, *share))
                .collect::<Vec<_>>()
        };
        self.table(rows, |rows| {
            vec![
                column("owner_share", &map(rows, |(owners, _)| *owners)),
                column("revenue_share", &map(rows, |(_, revenue)| *revenue)),
            ]
        })
    }

    fn sections(&self) -> Result<DataFrame, TableError> {
        self.table(
            |run| run.sections.iter().collect::<Vec<&Sums>>(),
            |rows| {
                let of = |id: &SumId| column(id.name(), &map(rows, |sums| sums.get(*id)));
                SumId::ALL.iter().map(of).collect()
            },
        )
    }

    /// What cadCAD and radCAD call simulation, subset, run (from one), substep and timestep: this experiment, the economy, the
    /// replication, the last of a step, and the recorded epoch (from one).
    fn epochs(&self) -> Result<DataFrame, TableError> {
        let rows = |run: &Run| {
            let epochs = (1_u32..).zip(&run.series.days).zip(&run.series.rows);
            let (subset, number) = (run.platform as u32, run.replication + 1);
            epochs
                .map(|((step, days), row)| {
                    let segments = run.series.segments.iter();
                    let shares: Vec<f64> = segments
                        .map(|(_, shares)| shares[step as usize - 1])
                        .collect();
                    (subset, number, step, *days, *row, shares)
                })
                .collect::<Vec<_>>()
        };
        let mut all = self.runs.iter().map(|run| &run.series.segments);
        let segments = all.find(|segments| !segments.is_empty());
        self.table(rows, |rows| {
            let mut columns = vec![
                column("simulation", &map(rows, |_| 0_u32)),
                column("subset", &map(rows, |row| row.0)),
                column("run", &map(rows, |row| row.1)),
                column("substep", &map(rows, |_| 1_u32)),
                column("timestep", &map(rows, |row| row.2)),
                column("days", &map(rows, |row| row.3)),
            ];
            let quantities = Quantity::ALL.iter();
            columns.extend(
                quantities
                    .map(|&quantity| column(quantity.name(), &map(rows, |row| row.4[quantity]))),
            );
            for (index, (name, _)) in segments.into_iter().flatten().enumerate() {
                let shares = map(rows, |row| row.5.get(index).copied().unwrap_or(f64::NAN));
                columns.push(column(&format!("{SEGMENT}{name}"), &shares));
            }
            columns
        })
    }

    fn any_jobs(&self) -> Result<Option<DataFrame>, TableError> {
        if self.runs.iter().any(|run| !run.jobs.is_empty()) {
            self.jobs().map(Some)
        } else if self.runs.iter().any(|run| !run.batch_jobs.is_empty()) {
            self.batch_jobs().map(Some)
        } else {
            Ok(None)
        }
    }

    fn jobs(&self) -> Result<DataFrame, TableError> {
        self.table(
            |run| run.jobs.iter().collect::<Vec<&JobRow>>(),
            |rows| {
                vec![
                    column("serial", &map(rows, |job| job.serial)),
                    column("submitted_ns", &map(rows, |job| job.submitted.as_nanos())),
                    column("ended_ns", &map(rows, |job| job.ended.as_nanos())),
                    column("fate", &map(rows, |job| fate(job.fate))),
                    column("origin", &map(rows, |job| job.origin.0)),
                    column("node", &map(rows, |job| job.node.map(|node| node.0))),
                    column("attempts", &map(rows, |job| job.attempts)),
                    column("prompt_tokens", &map(rows, |job| job.prompt_tokens)),
                    column("output_tokens", &map(rows, |job| job.output_tokens)),
                    column("ttft_s", &map(rows, |job| job.ttft)),
                    column("tpot_s", &map(rows, |job| job.tpot)),
                    column("paid_usd", &map(rows, |job| job.paid)),
                ]
            },
        )
    }

    fn batch_jobs(&self) -> Result<DataFrame, TableError> {
        self.table(
            |run| run.batch_jobs.iter().collect::<Vec<&BatchRow>>(),
            |rows| {
                let seconds = |span: Span| span.as_secs_f64();
                vec![
                    column("serial", &map(rows, |job| job.serial)),
                    column("user", &map(rows, |job| job.user)),
                    column("submitted_ns", &map(rows, |job| job.submitted.as_nanos())),
                    column("started_ns", &map(rows, |job| job.started.as_nanos())),
                    column("ended_ns", &map(rows, |job| job.ended.as_nanos())),
                    column("work_s", &map(rows, |job| seconds(job.work))),
                    column("least_s", &map(rows, |job| seconds(job.least))),
                    column(
                        "deadline_ns",
                        &map(rows, |job| job.deadline.map(SimTime::as_nanos)),
                    ),
                    column("bounded_slowdown", &map(rows, |job| job.bounded_slowdown())),
                ]
            },
        )
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Completed => "completed",
        Fate::Failed => "failed",
        Fate::Rejected => "rejected",
    }
}

fn column<T>(name: &str, values: &[T]) -> Column
where
    Series: for<'a> NamedFrom<&'a [T], [T]>,
{
    Series::new(name.into(), values).into_column()
}

fn map<T, U>(rows: &[T], f: impl Fn(&T) -> U) -> Vec<U> {
    rows.iter().map(f).collect()
}

/// A run that has only its name.
fn empty(entry: &RunEntry, platforms: &[String]) -> Result<Run, TableError> {
    let unknown = || TableError::UnknownRun {
        platform: entry.platform.clone(),
        replication: entry.replication,
    };
    let platform = platforms
        .iter()
        .position(|name| *name == entry.platform)
        .ok_or_else(unknown)?;
    let digest = u64::from_str_radix(&entry.digest, 16).map_err(|_| {
        TableError::Contradiction(format!(
            "`{}` in the manifest is not a digest",
            entry.digest
        ))
    })?;
    Ok(Run {
        platform,
        replication: entry.replication,
        digest,
        events: 0,
        counts: Counts::default(),
        metrics: Metrics([None; MetricId::COUNT]),
        timed: [0; Latency::ALL.len()],
        latencies: Latencies::default(),
        sections: Vec::new(),
        samples: Vec::new(),
        lorenz: Vec::new(),
        jobs: Vec::new(),
        batch_jobs: Vec::new(),
        series: walras_sim::series::Series::default(),
        refusals: entry.refusals.clone(),
    })
}

/// For every row of `table`, the index of its run.
fn keys(table: &DataFrame, runs: &[Run], platforms: &[String]) -> Result<Vec<usize>, TableError> {
    let platform = strings(table, "platform")?;
    let replication = small_integers(table, "replication")?;
    let mut keys = Vec::with_capacity(platform.len());
    let mut last = 0;
    for (name, replication) in platform.into_iter().zip(replication) {
        let is_it = |run: &Run| platforms[run.platform] == name && run.replication == replication;
        // Rows of a run stand together, and runs in order: it is nearly always the last one or the next.
        let near = (last..runs.len().min(last + 2)).find(|&run| is_it(&runs[run]));
        let found = near.or_else(|| runs.iter().position(is_it));
        last = found.ok_or_else(|| TableError::UnknownRun {
            platform: name.clone(),
            replication,
        })?;
        keys.push(last);
    }
    Ok(keys)
}

fn strings(table: &DataFrame, column: &str) -> Result<Vec<String>, TableError> {
    full(
        table
            .column(column)?
            .str()?
            .iter()
            .map(|value| value.map(str::to_owned)),
        column,
    )
}

fn integers(table: &DataFrame, column: &str) -> Result<Vec<u64>, TableError> {
    full(table.column(column)?.u64()?.iter(), column)
}

fn small_integers(table: &DataFrame, column: &str) -> Result<Vec<u32>, TableError> {
    full(table.column(column)?.u32()?.iter(), column)
}

fn floats(table: &DataFrame, column: &str) -> Result<Vec<f64>, TableError> {
    full(table.column(column)?.f64()?.iter(), column)
}

fn full<T>(values: impl Iterator<Item = Option<T>>, column: &str) -> Result<Vec<T>, TableError> {
    values
        .enumerate()
        .map(|(index, value)| {
            value.ok_or(TableError::Null {
                column: column.to_owned(),
                row: index + 1,
            })
        })
        .collect()
}

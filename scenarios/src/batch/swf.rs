//! Reads the Standard Workload Format of the Parallel Workloads Archive: one job a line, eighteen numbers, −1 for what is unknown.
//!
//! Lines that begin with `;` are comments. Columns after the eighteenth, which some archives add, are left alone. A job is rigid: it
//! takes as many cores as it asked for, or was given if that is unknown, all of one (large) node. Zero run time counts as one second,
//! the resolution of the format. A job without a run time never ran, and is left out. Dependencies on other jobs (columns 17 and 18)
//! are not kept. Source of the format: Feitelson, Tsafrir and Krakov, Experience with using the Parallel Workloads Archive, JPDC 74
//! (2014), and its web page on version 2.2.

use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_sim::cluster::job::{Demand, Job, Task};

use super::{Batch, Column, LONGEST, Names, Row, SHOWN, in_order};
use crate::csv::Field;
use crate::issue::{Issue, Place, Source, shorten};

/// Columns, as the standard numbers them less one.
const NAMES: [&str; 18] = [
    "job number",
    "submit time",
    "wait time",
    "run time",
    "allocated processors",
    "average CPU time",
    "used memory",
    "requested processors",
    "requested time",
    "requested memory",
    "status",
    "user",
    "group",
    "executable",
    "queue",
    "partition",
    "preceding job",
    "think time",
];

/// Cores of a job at most: as many as its demand can hold.
const MOST: u32 = 4_000_000;

/// Reads the text of a log.
///
/// # Errors
/// Every broken line: the first ten, then a count.
pub fn parse(source: &Arc<Source>) -> Result<Batch, Vec<Issue>> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let (mut issues, mut jobs, mut batch) = (Vec::new(), Vec::new(), Batch::default());
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with(';') {
            continue;
        }
        let row = Row {
            source,
            line: index + 1,
            text: line,
            fields: words(line),
        };
        match job(&row, &mut batch.users) {
            Ok(Some(job)) => jobs.push(job),
            Ok(None) => batch.left_out += 1,
            Err(issue) => issues.push(issue),
        }
    }
    if issues.is_empty() && jobs.is_empty() {
        let issue = Issue::new(Place::whole(source), "", "the log has no jobs that ran");
        issues.push(issue.hint(
            "a job is a line of 18 numbers: job number, submit time, wait time, run time, …",
        ));
    }
    shorten(&mut issues, SHOWN, "lines");
    batch.jobs = in_order(jobs);
    if issues.is_empty() {
        Ok(batch)
    } else {
        Err(issues)
    }
}

/// The job of a line and when it was submitted [s]; none if it never ran.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn job(row: &Row<'_>, users: &mut Names) -> Result<Option<(f64, Job)>, Issue> {
    let column = |number: usize| Column {
        name: NAMES[number - 1],
        at: number - 1,
    };
    // −1 and all below stand for what is unknown.
    let known = |number: usize, most: f64| {
        let value = row.number(column(number), -1.0, most)?;
        Ok((value >= 0.0).then_some(value))
    };
    if row.fields.len() < NAMES.len() {
        return Err(row.wrong(column(row.fields.len() + 1), ""));
    }
    let submitted = row.number(column(2), 0.0, LONGEST)?;
    let run = known(4, LONGEST)?;
    let allocated = known(5, f64::from(MOST))?;
    let requested = known(8, f64::from(MOST))?;
    let walltime = known(9, LONGEST)?;
    let memory = known(10, 1e12)?;
    let user = known(12, 4e9)?;
    let Some(run) = run else { return Ok(None) };
    let cores = requested.filter(|cores| *cores >= 1.0).or(allocated);
    let Some(cores) = cores.filter(|cores| *cores >= 1.0 && cores.fract() == 0.0) else {
        let expected = "a whole number of at least one, here or in `allocated processors`";
        return Err(row.wrong(column(8), expected));
    };
    let task = Task {
        walltime: walltime.filter(|time| *time > 0.0).map(Span::from_secs_f64),
        demand: Demand {
            cpu: cores as u32 * 1_000,
            // KiB of each processor.
            memory: memory.map_or(0, |each| (each * cores / 1_024.0).ceil() as u32),
            ..Demand::default()
        },
        ..Task::single(Span::from_secs_f64(run.max(1.0)))
    };
    let mut job = Job::of(SimTime::ZERO, task);
    job.user = users.number(&user.map_or("unknown".to_owned(), |user| user.to_string()));
    Ok(Some((submitted, job)))
}

/// Fields between blanks.
fn words(line: &str) -> Vec<Field<'_>> {
    let mut column = 1;
    let mut fields = Vec::new();
    for text in line.trim_end().split(char::is_whitespace) {
        let width = text.chars().count();
        if width > 0 {
            let text = text.into();
            fields.push(Field {
                text,
                column,
                width,
            });
        }
        column += width + 1;
    }
    fields
}

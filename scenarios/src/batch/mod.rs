//! Recorded batch jobs, and the machines that ran them, from the formats in which they are published.
//!
//! One file per format. All of them report what is wrong with line, column name, value and what would work: ten problems, then a
//! count. Jobs come in the order of their submission, the first at time zero.

pub mod openb;
pub mod philly;
pub mod swf;
pub mod wfcommons;

use std::path::Path;
use std::sync::Arc;

use walras_des::Span;
use walras_sim::cluster::job::Job;

use crate::csv::{Field, split};
use crate::issue::{Issue, Issues, Place, Source, listing, suggestion};
use crate::read;

/// Problems of a file that are shown one by one.
const SHOWN: usize = 10;

/// The longest time that a file may give [s]; a longer one is a mistake. Three hundred years are what a clock of nanoseconds holds.
const LONGEST: f64 = 9e9;

/// The jobs of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// In the order of their submission.
    pub jobs: Vec<Job>,
    /// Names of users, by their numbers.
    pub users: Names,
    /// Names of the labels that jobs ask for: the k-th is bit k.
    pub labels: Names,
    /// Jobs of the file that never ran, so that nobody knows how long they take.
    pub left_out: usize,
}

/// Names by number, in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl Names {
    /// The number of a name, which is the next one if it is new.
    pub fn number(&mut self, name: &str) -> u32 {
        let known = self.0.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        number as u32
    }
}

/// A machine of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// What the file calls it.
    pub name: String,
    /// Processor time [thousandths of a core].
    pub cpu: u32,
    /// Memory [MiB]; zero if the file does not say it.
    pub memory: u32,
    /// GPUs.
    pub gpus: u8,
    /// What its GPUs are, as jobs ask for it; empty if there are none, or nobody says.
    pub label: String,
    /// The clock of a core [MHz], if the file says it.
    pub mhz: Option<f64>,
}

/// Reads the jobs of a file; its first line says which format it is.
///
/// # Errors
/// Every problem of the file: the first ten with line, column, value and what would work, then a count.
pub fn read(path: &Path) -> Result<Batch, Issues> {
    let source = source(path)?;
    parse(&source).map_err(|issues| Issues::new(source.name.clone(), issues))
}

/// Reads the jobs of a text; its first line says which format it is.
///
/// # Errors
/// As [`read()`].
pub fn parse(source: &Arc<Source>) -> Result<Batch, Vec<Issue>> {
    let text = source.text.trim_start_matches('\u{feff}').trim_start();
    let first = text.lines().next().unwrap_or_default();
    let names: Vec<_> = split(first).into_iter().map(|field| field.text).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    if text.starts_with('{') {
        wfcommons::parse(source).map(|workflow| Batch {
            jobs: vec![workflow.job],
            ..Batch::default()
        })
    } else if has("gpu_milli") || has("gpu_spec") {
        openb::pods(source)
    } else if names.len() > 1 {
        philly::parse(source)
    } else {
        swf::parse(source)
    }
}

/// Reads the machines of a text: those of an openb list, or of a `WfCommons` workflow.
///
/// # Errors
/// Every problem of the text, as of jobs.
pub fn machines(source: &Arc<Source>) -> Result<Vec<Machine>, Vec<Issue>> {
    if source
        .text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{')
    {
        wfcommons::parse(source).map(|workflow| workflow.machines)
    } else {
        openb::nodes(source)
    }
}

/// The text of a file.
pub(crate) fn source(path: &Path) -> Result<Arc<Source>, Issues> {
    let name = path.display().to_string();
    let text = read::text(path).map_err(|problem| {
        let source = Arc::new(Source {
            name: name.clone(),
            text: String::new(),
        });
        let message = format!("cannot read the jobs `{name}`: {}", problem.reason);
        let mut issue = Issue::new(Place::whole(&source), "", message);
        issue.hint = problem.hint.map(str::to_owned);
        Issues::from(issue)
    })?;
    Ok(Arc::new(Source { name, text }))
}

/// Puts jobs in the order of their submission, as `(seconds, job)`, the first at time zero.
fn in_order(mut jobs: Vec<(f64, Job)>) -> Vec<Job> {
    jobs.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let first = jobs.first().map_or(0.0, |(seconds, _)| *seconds);
    let start = |(seconds, job): (f64, Job)| Job {
        submitted: walras_des::SimTime::ZERO + Span::from_secs_f64(seconds - first),
        ..job
    };
    jobs.into_iter().map(start).collect()
}

/// A row of a table whose columns have names, and where it is.
struct Row<'a> {
    source: &'a Arc<Source>,
    line: usize,
    text: &'a str,
    fields: Vec<Field<'a>>,
}

impl Row<'_> {
    /// The field in a column; a row that ends before has nothing there.
    fn text(&self, column: Column) -> &str {
        self.fields.get(column.at).map_or("", |field| &*field.text)
    }

    /// A whole number in a range, which may be written with a zero fraction.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn whole(&self, column: Column, least: u32, most: u32) -> Result<u32, Issue> {
        let number = self.number(column, f64::from(least), f64::from(most));
        let whole = number.ok().filter(|number| number.fract() == 0.0);
        let expected = || format!("a whole number from {least} to {most}");
        let whole = whole.map(|number| number as u32);
        whole.ok_or_else(|| self.wrong(column, &expected()))
    }

    /// A number in a range.
    fn number(&self, column: Column, least: f64, most: f64) -> Result<f64, Issue> {
        let number = self.text(column).parse::<f64>().ok();
        let valid = number.filter(|number| (least..=most).contains(number));
        let expected = || format!("a number from {least} to {most}");
        valid.ok_or_else(|| self.wrong(column, &expected()))
    }

    /// What is wrong with a field.
    fn wrong(&self, column: Column, expected: &str) -> Issue {
        let name = column.name;
        if let Some(field) = self.fields.get(column.at) {
            let found = &field.text;
            let message = format!("column `{name}`: expected {expected}, found `{found}`");
            return self.issue(field.column, field.width, message);
        }
        let message = format!(
            "column `{name}` is missing: the row ends after {} of at least {} columns",
            self.fields.len(),
            column.at + 1
        );
        let end = self.text.trim_end().chars().count().max(1);
        self.issue(end, 1, message)
            .hint("complete or remove this row; the file may be cut off")
    }

    fn issue(&self, column: usize, width: usize, message: String) -> Issue {
        let place = Place {
            source: Arc::clone(self.source),
            line: self.line,
            column,
            width,
        };
        Issue::new(place, "", message)
    }
}

/// A column of a table.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    /// From zero.
    at: usize,
}

/// Reads a table with a header line by line: finds the columns, and gives each row to `add`.
fn table<const N: usize>(
    source: &Arc<Source>,
    names: [&'static str; N],
    mut add: impl FnMut(&Row<'_>, [Column; N]) -> Result<(), Issue>,
) -> Result<(), Vec<Issue>> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let mut rows = text.lines().enumerate().map(|(index, text)| Row {
        source,
        line: index + 1,
        text,
        fields: split(text),
    });
    let columns = rows.next();
    let columns = columns.filter(|header| !header.text.trim().is_empty());
    let Some(header) = columns else {
        let issue = Issue::new(Place::whole(source), "", "the file is empty, or begins so");
        let hint = format!("its first line names the columns {}", listing(names));
        return Err(vec![issue.hint(hint)]);
    };
    let found: Vec<&str> = header.fields.iter().map(|field| &*field.text).collect();
    let mut issues = Vec::new();
    let columns = names.map(|name| {
        let at = found.iter().position(|found| *found == name);
        if at.is_none() {
            let width = header.text.trim_end().chars().count();
            let issue = header.issue(1, width, format!("missing column `{name}`"));
            issues.push(issue.hint(suggestion(name, "columns", found.iter().copied())));
        }
        let at = at.unwrap_or_default();
        Column { name, at }
    });
    if !issues.is_empty() {
        return Err(issues);
    }
    let mut some = false;
    for row in rows.filter(|row| !row.text.trim().is_empty()) {
        some = true;
        issues.extend(add(&row, columns).err());
    }
    if !some {
        issues.push(Issue::new(Place::whole(source), "", "the file has no rows"));
    }
    crate::issue::shorten(&mut issues, SHOWN, "rows");
    if issues.is_empty() {
        Ok(())
    } else {
        Err(issues)
    }
}

//! The comparison as a table for the terminal: readable at 80 columns and without colour.

use std::fmt::Write;

use walras_analysis::compare::{Cell, Comparison, Row};
use walras_analysis::words::{Group, Scale, Shown, Tone, describe, is_primary, title};

/// How to lay out a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether colours may be used.
    pub color: bool,
    /// Whether all figures are shown, and not only those of a first look.
    pub all: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 80,
            color: false,
            all: false,
        }
    }
}

/// The table of `comparison`, then what it says, then warnings.
#[must_use]
pub fn table(comparison: &Comparison, options: Options) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let is_shown =
            |row: &&Row| Group::of(row.metric) == group && (options.all || is_primary(row.metric));
        let rows: Vec<&Row> = comparison.rows.iter().filter(is_shown).collect();
        if rows.is_empty() {
            continue;
        }
        let layout = Layout::of(comparison, &rows, options);
        push(&mut text, &layout.paint(Style::Heading, group.title()));
        for row in rows {
            layout.row(comparison, row, &mut text);
        }
        text.push('\n');
    }
    Layout::of(comparison, &[], options).notes(comparison, &mut text);
    text
}

/// Widths of the columns of one group.
struct Layout {
    options: Options,
    name: usize,
    value: usize,
    interval: usize,
}

#[derive(Clone, Copy)]
enum Style {
    Heading,
    Title,
    Value,
    Faint,
    Good,
    Bad,
    Warning,
}

const INDENT: usize = 4;
const GAP: &str = "  ";

impl Layout {
    fn of(comparison: &Comparison, rows: &[&Row], options: Options) -> Self {
        let shown = rows.iter().flat_map(|row| cells(row));
        let (mut value, mut interval) = (0, 0);
        for shown in shown.flatten() {
            value = value.max(width(&shown.value));
            interval = interval.max(shown.interval.as_deref().map_or(0, width));
        }
        let name = comparison
            .entries
            .iter()
            .map(|entry| width(&entry.name))
            .max()
            .unwrap_or(0);
        Self {
            options,
            name,
            value,
            interval,
        }
    }

    fn row(&self, comparison: &Comparison, row: &Row, text: &mut String) {
        push(
            text,
            &format!("  {}", self.paint(Style::Title, title(row.metric))),
        );
        for ((entry, cell), shown) in comparison.entries.iter().zip(&row.cells).zip(cells(row)) {
            let name = pad_right(&entry.name, self.name);
            let Some(Shown { value, interval }) = shown else {
                let none = self.paint(Style::Faint, "not applicable");
                push(text, &format!("{:INDENT$}{name}{GAP}{none}", ""));
                continue;
            };
            let value = self.paint(Style::Value, &pad_left(&value, self.value));
            let interval = interval.unwrap_or_default();
            let (style, note) = self.note(comparison, row, cell, entry.against);
            let used = INDENT + self.name + self.value + self.interval + 3 * GAP.len();
            let mut line = format!("{:INDENT$}{name}{GAP}{value}", "");
            if note.is_empty() {
                write!(line, "{GAP}{}", self.paint(Style::Faint, &interval))
                    .expect("a string takes everything");
            } else if used + width(&note) <= self.options.width {
                let interval = self.paint(Style::Faint, &pad_right(&interval, self.interval));
                write!(line, "{GAP}{interval}{GAP}{}", self.paint(style, &note))
                    .expect("a string takes everything");
            } else {
                let (interval, below) = (
                    self.paint(Style::Faint, &interval),
                    INDENT + self.name + GAP.len(),
                );
                write!(
                    line,
                    "{GAP}{interval}\n{:below$}{}",
                    "",
                    self.paint(style, &note)
                )
                .expect("a string takes everything");
            }
            push(text, line.trim_end());
        }
    }

    /// The difference, and the number of replications where it is not that of all.
    fn note(
        &self,
        comparison: &Comparison,
        row: &Row,
        cell: &Cell,
        against: Option<usize>,
    ) -> (Style, String) {
        let n = cell.n();
        let fewer = if n < comparison.replications {
            format!(" (n = {n})")
        } else {
            String::new()
        };
        let Some(against) = against else {
            return (Style::Faint, format!("baseline{fewer}"));
        };
        let Some(difference) = cell.difference else {
            return (Style::Faint, fewer);
        };
        let said = describe(row.metric, &difference);
        let style = match said.tone {
            Tone::Better => Style::Good,
            Tone::Worse => Style::Bad,
            Tone::Neutral | Tone::Unclear => Style::Faint,
        };
        // With a single baseline there is no doubt what the difference is to.
        let several = comparison
            .entries
            .iter()
            .filter(|entry| entry.against.is_none())
            .count()
            > 1;
        let to = if several && self.options.width >= 120 {
            format!(" {} {}", said.joint, comparison.entries[against].name)
        } else {
            String::new()
        };
        (style, format!("{}{to}{fewer}", said.text))
    }

    fn notes(&self, comparison: &Comparison, text: &mut String) {
        let n = comparison.replications;
        let basis = match (n, comparison.is_paired) {
            (0 | 1, _) => "one replication: estimates without intervals".to_owned(),
            (_, true) => format!(
                "[ ] are 95 % intervals over n = {n} replications; differences are paired by replication"
            ),
            (_, false) => format!(
                "[ ] are 95 % intervals over n = {n} replications; differences are between independent sets"
            ),
        };
        self.wrapped(Style::Faint, "", &basis, text);
        if !comparison.verdict.is_empty() {
            text.push('\n');
            self.wrapped(Style::Value, "", &comparison.verdict, text);
        }
        for finding in &comparison.findings {
            let style = match finding.tone {
                Tone::Better => Style::Good,
                Tone::Worse => Style::Bad,
                Tone::Neutral | Tone::Unclear => Style::Title,
            };
            self.wrapped(style, "- ", &finding.text, text);
        }
        if !comparison.warnings.is_empty() {
            text.push('\n');
        }
        for warning in &comparison.warnings {
            self.wrapped(Style::Warning, "! ", warning, text);
        }
    }

    /// `words` in lines no longer than the terminal, the first after `bullet`, in the colour of `style`.
    fn wrapped(&self, style: Style, bullet: &str, words: &str, text: &mut String) {
        let limit = self.options.width.max(20).saturating_sub(width(bullet));
        let mut line = String::new();
        let mut lines = Vec::new();
        // Both ends of an interval stay together.
        for word in unbroken(words) {
            if !line.is_empty() && width(&line) + 1 + width(&word) > limit {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
        for (index, line) in lines.iter().enumerate() {
            let lead = if index == 0 {
                self.paint(style, bullet)
            } else {
                " ".repeat(width(bullet))
            };
            // Long text in colour is hard to read: where there is a bullet, it carries the colour.
            let line = if bullet.is_empty() {
                self.paint(style, line)
            } else {
                line.clone()
            };
            push(text, &format!("{lead}{line}"));
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if !self.options.color || text.trim().is_empty() {
            return text.to_owned();
        }
        let code = match style {
            Style::Heading => "1;4",
            Style::Title => "0",
            Style::Value => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Warning => "33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The cells of a row as text, all in the same unit.
fn cells(row: &Row) -> Vec<Option<Shown>> {
    let estimates = || row.cells.iter().filter_map(|cell| cell.estimate);
    let scale = Scale::of(row.metric, estimates().map(|estimate| estimate.mean));
    row.cells
        .iter()
        .map(|cell| cell.estimate.map(|estimate| scale.show(&estimate)))
        .collect()
}

/// `text` in words, where what stands between brackets, and a number with its percent sign, count as one.
fn unbroken(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in text.split(' ') {
        match words.last_mut() {
            Some(last) if is_open || word.starts_with('%') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        is_open = (is_open || word.contains('[')) && !word.contains(']');
    }
    words
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes everything");
}

/// Columns that `text` takes; all characters that reports use are one column wide.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn pad_left(text: &str, columns: usize) -> String {
    format!("{text:>columns$}")
}

fn pad_right(text: &str, columns: usize) -> String {
    format!("{text:<columns$}")
}

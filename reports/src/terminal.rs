//! The comparison as a table for the terminal: readable at 80 columns and without colour.

use std::fmt::Write;

use walras_analysis::compare::{Comparison, Row};
use walras_analysis::words::{Group, Scale, Shown, Tone, is_primary, title};

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
    let all: Vec<&Row> = comparison.rows.iter().collect();
    Layout::of(comparison, &all, options).notes(comparison, &mut text);
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
pub(crate) enum Style {
    Heading,
    Title,
    Value,
    Faint,
    Good,
    Bad,
    Warning,
}

const INDENT: usize = 4;
/// Indent of what stands below a name.
const BELOW: usize = 6;
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
        for (index, shown) in cells(row).into_iter().enumerate() {
            let name = &comparison.entries[index].name;
            let padded = format!("{:INDENT$}{}{GAP}", "", pad_right(name, self.name));
            let Some(Shown { value, interval }) = shown else {
                let indent = INDENT + self.name + GAP.len();
                let words = "not applicable";
                if indent + words.len() <= self.options.width {
                    let none = self.paint(Style::Faint, words);
                    push(text, &format!("{padded}{none}"));
                } else {
                    push(text, &format!("{:INDENT$}{name}", ""));
                    self.indented(Style::Faint, BELOW, words, text);
                }
                continue;
            };
            let interval = interval.unwrap_or_default();
            let (style, note) = self.note(comparison, row, index);
            let figures = self.value + GAP.len() + self.interval;
            let bare = self.paint(Style::Value, &value);
            let value = self.paint(Style::Value, &pad_left(&value, self.value));
            let faint = self.paint(Style::Faint, &interval);
            let fits = |columns: usize| width(&padded) + figures + columns <= self.options.width;
            if fits(GAP.len() + width(&note)) {
                let missing = self.interval - width(&interval);
                let note = self.paint(style, &note);
                let line = format!("{padded}{value}{GAP}{faint}{:missing$}{GAP}{note}", "");
                push(text, line.trim_end());
                continue;
            }
            // What does not fit stands below, first the difference, in a narrow terminal also the figures.
            let aligned = width(&padded);
            let mut indent = BELOW;
            if fits(0) {
                push(text, format!("{padded}{value}{GAP}{faint}").trim_end());
                if aligned + width(&note) <= self.options.width {
                    indent = aligned;
                }
            } else {
                push(text, &format!("{:INDENT$}{name}", ""));
                let line = format!("{:BELOW$}{bare}{GAP}{faint}", "");
                push(text, line.trim_end());
            }
            self.indented(style, indent, &note, text);
        }
    }

    /// The difference, and the number of replications where it is not that of all.
    fn note(&self, comparison: &Comparison, row: &Row, index: usize) -> (Style, String) {
        let n = row.cells[index].n();
        let fewer = if n < comparison.replications {
            format!(" (n = {n})")
        } else {
            String::new()
        };
        let Some(against) = comparison.entries[index].against else {
            return (Style::Faint, format!("baseline{fewer}"));
        };
        let Some(said) = comparison.said(row.metric, index) else {
            return (Style::Faint, fewer);
        };
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
        let cells = comparison.rows.iter().flat_map(|row| &row.cells);
        let pairs = cells
            .filter_map(|cell| Some(cell.difference?.difference.n))
            .max();
        let basis = match (n, comparison.is_paired) {
            (0 | 1, _) if self.interval == 0 => {
                "one replication: estimates without intervals".to_owned()
            }
            (0 | 1, _) => {
                "[ ] are 95 % intervals from the sections of one replication (batch means)"
                    .to_owned()
            }
            // An interruption leaves replications that only some platforms finished.
            (_, true) if pairs.is_some_and(|pairs| pairs < n) => format!(
                "[ ] are 95 % intervals over up to n = {n} replications (Student t); differences are paired by replication, over {} at most",
                pairs.unwrap_or_default()
            ),
            (_, true) => format!(
                "[ ] are 95 % intervals over n = {n} replications (Student t); differences are paired by replication"
            ),
            (_, false) => format!(
                "[ ] are 95 % intervals over n = {n} replications (Student t); differences are between independent sets (Welch)"
            ),
        };
        self.wrapped(Style::Faint, "", &basis, text);
        if let Some(warm_up) = &comparison.warm_up_found {
            self.wrapped(Style::Faint, "", warm_up, text);
        }
        if let Some(stopping) = comparison
            .stopping
            .as_ref()
            .filter(|stopping| stopping.is_reached)
        {
            self.wrapped(Style::Faint, "", &stopping.text, text);
        }
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

    /// `words` in lines of the terminal, `indent` columns from the left.
    fn indented(&self, style: Style, indent: usize, words: &str, text: &mut String) {
        for line in lines(words, self.options.width.saturating_sub(indent)) {
            push(text, &format!("{:indent$}{}", "", self.paint(style, &line)));
        }
    }

    /// `words` in lines no longer than the terminal, the first after `bullet`, in the colour of `style`.
    fn wrapped(&self, style: Style, bullet: &str, words: &str, text: &mut String) {
        let lines = lines(words, self.options.width.saturating_sub(width(bullet)));
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
        paint(self.options, style, text)
    }
}

/// `text` in the colour of `style`, if colours may be used.
pub(crate) fn paint(options: Options, style: Style, text: &str) -> String {
    if !options.color || text.trim().is_empty() {
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

/// The cells of a row as text, all in the same unit.
fn cells(row: &Row) -> Vec<Option<Shown>> {
    let estimates = || row.cells.iter().filter_map(|cell| cell.estimate);
    let scale = Scale::of(row.metric, estimates().map(|estimate| estimate.mean));
    row.cells
        .iter()
        .map(|cell| cell.estimate.map(|estimate| scale.show(&estimate)))
        .collect()
}

/// `words` in lines of `limit` columns; both ends of an interval stay together.
pub(crate) fn lines(words: &str, limit: usize) -> Vec<String> {
    let mut line = String::new();
    let mut lines = Vec::new();
    for word in unbroken(words) {
        if !line.is_empty() && width(&line) + 1 + width(&word) > limit.max(20) {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
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

/// `words` in lines that fit, in the colour of `style`, the first after `bullet`.
pub(crate) fn wrapped(
    bullet: &str,
    words: &str,
    options: Options,
    style: Style,
    text: &mut String,
) {
    let room = options.width.saturating_sub(width(bullet));
    for (index, line) in lines(words, room).iter().enumerate() {
        let lead = if index == 0 {
            bullet.to_owned()
        } else {
            " ".repeat(width(bullet))
        };
        push(text, &format!("{lead}{}", paint(options, style, line)));
    }
}

pub(crate) fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes everything");
}

/// Columns that `text` takes; all characters that reports use are one column wide.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

fn pad_left(text: &str, columns: usize) -> String {
    format!("{text:>columns$}")
}

fn pad_right(text: &str, columns: usize) -> String {
    format!("{text:<columns$}")
}

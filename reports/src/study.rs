//! The page of an instrument, and the lines that all instruments print: what was found, on what basis, and what to keep in mind.

use askama::Template;
use walras_analysis::study::Parameter;

use crate::figures::Figure;
use crate::html::Picture;
use crate::terminal::{Options, Style, lines, paint, push, wrapped};

/// What an instrument tells beside its own tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The scenario, or the function.
    pub name: &'a str,
    /// What it asks.
    pub question: &'a str,
}

/// What stands on the page of an instrument.
#[derive(Template)]
#[template(path = "study.html")]
pub(crate) struct Page<'a> {
    /// The instrument.
    pub kind: &'static str,
    pub name: &'a str,
    pub question: &'a str,
    /// How much was run.
    pub extent: String,
    pub findings: Vec<String>,
    pub basis: String,
    pub warnings: Vec<String>,
    pub parameters: Vec<[String; 3]>,
    pub figures: Vec<Picture>,
    pub tables: Vec<Sheet>,
    /// Where the data lies.
    pub data: String,
}

/// A table of the page.
pub(crate) struct Sheet {
    pub title: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Page<'_> {
    /// The page as text.
    pub fn text(&self) -> String {
        self.render().expect("the page is plain data")
    }
}

/// Pictures of `figures`.
pub(crate) fn pictures(figures: impl IntoIterator<Item = Figure>) -> Vec<Picture> {
    figures.into_iter().map(Picture::of).collect()
}

/// Name, path and values of each parameter.
pub(crate) fn ranges(parameters: &[Parameter]) -> Vec<[String; 3]> {
    parameters
        .iter()
        .map(|parameter| {
            let (low, high) = (parameter.at(0.0).text, parameter.at(1.0).text);
            let scale = if parameter.is_log() {
                ", log scale"
            } else {
                ""
            };
            [
                parameter.name.clone(),
                parameter.path.clone(),
                format!("{low} to {high}{scale}"),
            ]
        })
        .collect()
}

/// Findings, basis and warnings, in lines that fit.
pub(crate) fn notes(
    findings: &[String],
    basis: &str,
    warnings: &[String],
    options: Options,
    text: &mut String,
) {
    for finding in findings {
        wrapped("- ", finding, options, Style::Title, text);
    }
    wrapped("", basis, options, Style::Faint, text);
    for warning in warnings {
        wrapped("! ", warning, options, Style::Warning, text);
    }
}

/// A heading, in lines that fit.
pub(crate) fn heading(words: &str, options: Options, text: &mut String) {
    for line in lines(words, options.width) {
        push(text, &paint(options, Style::Heading, &line));
    }
}

/// `rows` with a line for each cell, below the first of the row: for few rows that are wider than the terminal.
pub(crate) fn blocks(head: &[String], rows: &[Vec<String>], text: &mut String) {
    let widest = head.iter().skip(1).map(|name| name.chars().count()).max();
    let width = widest.unwrap_or(0);
    for row in rows {
        push(text, &format!("  {}", row[0]));
        for (name, cell) in head
            .iter()
            .zip(row)
            .skip(1)
            .filter(|(_, cell)| !cell.is_empty())
        {
            push(text, &format!("    {name:<width$}  {cell}"));
        }
    }
}

/// Whether [`columns`] shows all of `rows`.
pub(crate) fn fits(head: &[String], rows: &[Vec<String>], options: Options) -> bool {
    let used: usize = (0..head.len())
        .map(|column| width_of(head, rows, column) + 2)
        .sum();
    used <= options.width
}

fn width_of(head: &[String], rows: &[Vec<String>], column: usize) -> usize {
    let all = rows.iter().map(Vec::as_slice).chain([head]);
    let cells = all.map(|row| row[column].chars().count());
    cells.max().unwrap_or(0)
}

/// `rows` below `head` in columns: the first to the left, the others to the right; what does not fit stands on the page.
pub(crate) fn columns(head: &[String], rows: &[Vec<String>], options: Options, text: &mut String) {
    let mut used = 0;
    let widths: Vec<usize> = (0..head.len())
        .map(|column| width_of(head, rows, column))
        .take_while(|width| {
            used += width + 2;
            used <= options.width
        })
        .collect();
    let line = |row: &[String]| {
        let mut line = "  ".to_owned();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padded = if column == 0 {
                format!("{cell:<width$}")
            } else {
                format!("  {cell:>width$}")
            };
            line += &padded;
        }
        line.trim_end().to_owned()
    };
    push(text, &paint(options, Style::Faint, &line(head)));
    for row in rows {
        push(text, &line(row));
    }
}

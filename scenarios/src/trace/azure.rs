//! Reads the CSV files of the Azure LLM inference dataset, as published.
//!
//! The columns `TIMESTAMP`, `ContextTokens` and `GeneratedTokens` are found by their names. The first request is at time
//! zero. Fields may be quoted as in RFC 4180, except that none holds a line break. A request without a prompt or without an answer is not one: the published files contain none, and a row with a
//! zero is reported like any other broken row. Source of the format: github.com/Azure/AzurePublicDataset (CC-BY-4.0).

use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_sim::workload::Trace;

use crate::calendar::timestamp;
use crate::csv::split;
use crate::issue::{Issue, Place, Source, closest, listing, shorten};

/// Broken rows that are shown one by one.
const SHOWN: usize = 20;

const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// Reads the text of a trace.
///
/// # Errors
/// Every broken row with its line, column and value (the first twenty, then a count), missing columns, rows that are not in
/// order of time, or a trace without rows.
pub(super) fn parse(source: &Arc<Source>) -> Result<Trace, Vec<Issue>> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    if text.trim().is_empty() {
        let issue = Issue::new(Place::whole(source), "", "the trace is empty");
        let hint = format!("a trace has the columns {}", listing(COLUMNS));
        return Err(vec![issue.hint(hint)]);
    }
    let header = lines.next().map(|(_, line)| line).unwrap_or_default();
    let columns = columns(source, header)?;
    let mut issues = Vec::new();
    let mut trace = Trace::default();
    let (mut start, mut last, mut unsorted) = (None, 0, false);
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let row = match row(source, number, line, columns) {
            Ok(row) => row,
            Err(issue) => {
                issues.push(issue);
                continue;
            }
        };
        if row.nanos < last && !unsorted {
            unsorted = true;
            let place = Place {
                source: Arc::clone(source),
                line: number,
                column: 1,
                width: line.trim_end().chars().count(),
            };
            issues.push(
                Issue::new(place, "", "this row is earlier than the one before it")
                    .hint("sort the rows by TIMESTAMP"),
            );
        }
        last = row.nanos;
        let start = *start.get_or_insert(row.nanos);
        trace
            .at
            .push(SimTime::ZERO + Span::from_nanos(row.nanos.saturating_sub(start)));
        trace.prompt_tokens.push(row.prompt);
        trace.output_tokens.push(row.output);
    }
    shorten(&mut issues, SHOWN, "rows");
    if issues.is_empty() && trace.at.is_empty() {
        issues.push(Issue::new(
            Place::whole(source),
            "",
            "the trace has no rows",
        ));
    }
    if issues.is_empty() {
        Ok(trace)
    } else {
        Err(issues)
    }
}

struct Row {
    /// Nanoseconds since the start of the year 1970.
    nanos: u64,
    prompt: u32,
    output: u32,
}

fn columns(source: &Arc<Source>, header: &str) -> Result<[usize; 3], Vec<Issue>> {
    let fields = split(header.trim_end());
    let names: Vec<&str> = fields.iter().map(|field| &*field.text).collect();
    let width = header.trim_end().chars().count();
    let mut issues = Vec::new();
    let found = COLUMNS.map(|column| {
        names
            .iter()
            .position(|name| *name == column)
            .unwrap_or_else(|| {
                let place = Place {
                    source: Arc::clone(source),
                    line: usize::from(!header.is_empty()),
                    column: 1,
                    width,
                };
                let hint = match closest(column, names.iter().copied()) {
                    Some(name) => format!("is it `{name}`?"),
                    None => format!("a trace has the columns {}", listing(COLUMNS)),
                };
                issues.push(Issue::new(place, "", format!("missing column `{column}`")).hint(hint));
                0
            })
    });
    if issues.is_empty() {
        Ok(found)
    } else {
        Err(issues)
    }
}

fn row(source: &Arc<Source>, number: usize, line: &str, columns: [usize; 3]) -> Result<Row, Issue> {
    let fields = split(line);
    let field = |column: usize| {
        let field = fields.get(column);
        let text = field.map(|field| &*field.text);
        let place = Place {
            source: Arc::clone(source),
            line: number,
            column: field.map_or(line.trim_end().chars().count(), |field| field.column),
            width: field.map_or(1, |field| field.width),
        };
        (text, place)
    };
    let wrong = |index: usize, expected: &str| {
        let (text, place) = field(columns[index]);
        let found = text.map_or("nothing".to_owned(), |text| format!("`{text}`"));
        Issue::new(
            place,
            "",
            format!(
                "column `{}`: expected {expected}, found {found}",
                COLUMNS[index]
            ),
        )
    };
    let tokens = |index: usize| {
        let text = field(columns[index]).0.unwrap_or_default();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(tokens) if tokens > 0 => Ok(tokens),
            Err(_) if digits => Err(wrong(index, "a whole number of at most 4294967295")),
            _ => Err(wrong(index, "a whole number of at least one")),
        }
    };
    let nanos = field(columns[0])
        .0
        .and_then(timestamp)
        .ok_or_else(|| wrong(0, "a time such as `2023-11-16 18:17:03.9799600`"))?;
    Ok(Row {
        nanos,
        prompt: tokens(1)?,
        output: tokens(2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Trace, String> {
        let source = Arc::new(Source {
            name: "t.csv".into(),
            text: text.into(),
        });
        parse(&source).map_err(|issues| {
            issues.iter().fold(String::new(), |text, issue| {
                text + &issue.to_string() + "\n"
            })
        })
    }

    const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

    #[test]
    fn rows_are_read_with_either_line_end() {
        let text = format!(
            "{HEADER}2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8"
        );
        let trace = read(&text).unwrap();
        assert_eq!(trace.at, [SimTime::ZERO, SimTime::from_nanos(52_000_000)]);
        assert_eq!(
            (trace.prompt_tokens, trace.output_tokens),
            (vec![4808, 3180], vec![10, 8])
        );
    }

    #[test]
    fn quotes_are_read() {
        let text = "\"TIMESTAMP\",\"note\",\"ContextTokens\",GeneratedTokens\n\
                    \"2023-11-16T18:17:03Z\",\"a, \"\"b\"\"\",\"4808\", 10\n";
        let trace = read(text).unwrap();
        assert_eq!(
            (trace.prompt_tokens, trace.output_tokens),
            (vec![4808], vec![10])
        );
        let expect = "\
error: column `ContextTokens`: expected a whole number of at most 4294967295, found `99999999999`
 --> t.csv:2:31
  |
2 | \"2023-11-16 18:17:03\",\"a, b\",\"99999999999\",10
  |                               ^^^^^^^^^^^
";
        let text = text.lines().next().unwrap().to_owned()
            + "\n\"2023-11-16 18:17:03\",\"a, b\",\"99999999999\",10\n";
        assert_eq!(read(&text).unwrap_err(), expect);
    }

    #[test]
    fn every_broken_row_is_reported() {
        let text = format!(
            "{HEADER}2023-11-16 18:17:03,4808,ten\n2023-11-16 18:17:04,0,8\nyesterday,1,1\n"
        );
        let expect = "\
error: column `GeneratedTokens`: expected a whole number of at least one, found `ten`
 --> t.csv:2:26
  |
2 | 2023-11-16 18:17:03,4808,ten
  |                          ^^^
error: column `ContextTokens`: expected a whole number of at least one, found `0`
 --> t.csv:3:21
  |
3 | 2023-11-16 18:17:04,0,8
  |                     ^
error: column `TIMESTAMP`: expected a time such as `2023-11-16 18:17:03.9799600`, found `yesterday`
 --> t.csv:4:1
  |
4 | yesterday,1,1
  | ^^^^^^^^^
";
        assert_eq!(read(&text).unwrap_err(), expect);
    }

    #[test]
    fn many_broken_rows_are_counted() {
        let text = HEADER.to_owned() + &"x,1,1\n".repeat(25);
        let error = read(&text).unwrap_err();
        assert_eq!(error.matches("expected a time").count(), 20);
        assert!(error.contains("error: 5 more broken rows, from this one on\n  --> t.csv:22:1\n"));
    }

    #[test]
    fn order_rows_and_columns_are_checked() {
        let text = format!("{HEADER}2023-11-16 18:17:04,1,1\n2023-11-16 18:17:03,1,1\n");
        assert!(
            read(&text)
                .unwrap_err()
                .contains("this row is earlier than the one before it\n --> t.csv:3:1")
        );
        assert!(read(HEADER).unwrap_err().contains("the trace has no rows"));
        assert!(
            read("Timestamp,ContextTokens,GeneratedTokens\n")
                .unwrap_err()
                .contains("= help: is it `Timestamp`?")
        );
        let expect = "error: the trace is empty\n --> t.csv\n  = help: a trace has the columns TIMESTAMP, ContextTokens, GeneratedTokens\n";
        assert_eq!(read("").unwrap_err(), expect);
        assert_eq!(read("\u{feff}\n\n").unwrap_err(), expect);
    }
}

//! Reads a recorded trace: the CSV files of the Azure LLM inference dataset, as published.
//!
//! The columns `TIMESTAMP`, `ContextTokens` and `GeneratedTokens` are found by their names. The first request is at time
//! zero. Fields may be quoted as in RFC 4180, except that none holds a line break. A request without a prompt or without an answer is not one: the published files contain none, and a row with a
//! zero is reported like any other broken row. Source of the format: github.com/Azure/AzurePublicDataset (CC-BY-4.0).

use std::borrow::Cow;
use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_sim::workload::Trace;

use crate::issue::{Issue, Place, Source, closest, listing};

/// Broken rows that are shown one by one.
const SHOWN: usize = 20;

const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// Reads the text of a trace.
///
/// # Errors
/// Every broken row with its line, column and value (the first twenty, then a count), missing columns, rows that are not in
/// order of time, or a trace without rows.
pub fn parse(source: &Arc<Source>) -> Result<Trace, Vec<Issue>> {
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
    if issues.len() > SHOWN {
        let more = issues.len() - SHOWN;
        // At the first that is not shown, so that it comes last.
        issues.truncate(SHOWN + 1);
        if let Some(next) = issues.last_mut() {
            next.message = format!("{more} more broken rows, from this one on");
            next.hint = None;
        }
    } else if issues.is_empty() && trace.at.is_empty() {
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

/// A field of a row.
struct Field<'a> {
    text: Cow<'a, str>,
    /// Column of its first character, from one.
    column: usize,
    /// Characters that it takes, without quotes.
    width: usize,
}

/// The fields of a row, without their quotes and the blanks around them.
fn split(line: &str) -> Vec<Field<'_>> {
    let (mut fields, mut start, mut before, mut quoted) = (Vec::new(), 0, 0, false);
    let mut add = |start: usize, end: usize| {
        let written = &line[start..end];
        let trimmed = written.trim();
        let blanks = written.chars().count() - written.trim_start().chars().count();
        let inner = trimmed
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let text = inner.map_or(Cow::Borrowed(trimmed), |inner| {
            if inner.contains("\"\"") {
                Cow::Owned(inner.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(inner.trim())
            }
        });
        fields.push(Field {
            column: before + blanks + usize::from(inner.is_some()) + 1,
            width: inner.unwrap_or(trimmed).chars().count().max(1),
            text,
        });
        before += written.chars().count() + 1;
    };
    for (index, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                add(start, index);
                start = index + 1;
            }
            _ => {}
        }
    }
    add(start, line.len());
    fields
}

/// Nanoseconds from the start of the year 1970 to `2023-11-16 18:17:03.9799600`.
fn timestamp(text: &str) -> Option<u64> {
    let utc = text.strip_suffix('Z').or(text.strip_suffix("+00:00"));
    let (date, time) = utc.unwrap_or(text).trim_end().split_once([' ', 'T'])?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (
        number(date.next()?)?,
        number(date.next()?)?,
        number(date.next()?)?,
    );
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (number(time.next()?)?, number(time.next()?)?);
    let (second, fraction) = time
        .next()
        .map(|second| second.split_once('.').unwrap_or((second, "0")))?;
    let second = number(second)?;
    let valid = (1970..2500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=length(year, month)).contains(&day);
    if !valid
        || hour > 23
        || minute > 59
        || second > 59
        || fraction.is_empty()
        || fraction.len() > 9
    {
        return None;
    }
    let digits = u32::try_from(fraction.len()).ok()?;
    let nanos = number(fraction)? * 10_u64.pow(9 - digits);
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000_000 + nanos)
}

fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Days of a month.
fn length(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, for years from 1970 on. Source: H. Hinnant, chrono-compatible low-level date algorithms.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
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

    /// Seconds since 1970 as `date -u -d … +%s` prints them.
    #[test]
    fn times_agree_with_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01 00:00:00", 0),
            ("2000-03-01 00:00:00", 951_868_800),
            ("2024-02-29 23:59:59", 1_709_251_199),
        ] {
            assert_eq!(timestamp(text), Some(seconds * 1_000_000_000), "{text}");
        }
        assert_eq!(timestamp("1970-01-01 00:00:00.0000001"), Some(100));
        for text in ["1970-01-01T00:00:01Z", "1970-01-01 00:00:01+00:00"] {
            assert_eq!(timestamp(text), Some(1_000_000_000), "{text}");
        }
        for text in [
            "2023-13-01 00:00:00",
            "2023-00-01 00:00:00",
            "2023-02-30 00:00:00",
            "2023-02-29 00:00:00",
            "1900-02-29 00:00:00",
            "2023-04-31 00:00:00",
            "2023-04-30 24:00:00",
            "2023-04-30 23:60:00",
            "2023-04-30 23:59:60",
            "2023-04-30 23:59:59ZZ",
            "2023-04-30 23:59:59+02:00",
            "18:17:03",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

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

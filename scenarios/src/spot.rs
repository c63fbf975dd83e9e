//! Reads recorded presence: the JSON files of the `SkyPilot` spot traces, as published.
//!
//! `{"metadata": {"gap_seconds": 195}, "data": [0, 1, 1, …]}`: how many instances of those asked for were there, at regular times.
//! Other keys, such as `prices`, are left alone. Source of the format: github.com/skypilot-org/spot-traces; Wu et al., Can't be late:
//! optimizing spot instance savings under deadlines, NSDI 2024.

use std::sync::Arc;

use serde_json::Value;
use walras_des::Span;
use walras_sim::availability::Track;

use crate::issue::{Issue, Place, Source};

/// Machines of one record: a larger number is a mistake, and would take its memory.
const MOST: u64 = 10_000;

const SHAPE: &str = r#"a record is `{"metadata": {"gap_seconds": 195}, "data": [0, 1, 1]}`"#;

/// Reads the text of a record: a track for each machine that was ever there.
///
/// # Errors
/// What is wrong with it, with the value and what would work.
pub fn parse(source: &Arc<Source>) -> Result<Vec<Track>, Vec<Issue>> {
    let whole = |message: String, hint: &str| {
        vec![Issue::new(Place::whole(source), "", message).hint(hint)]
    };
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let record: Value = serde_json::from_str(text).map_err(|error| {
        let place = Place {
            source: Arc::clone(source),
            line: error.line(),
            column: error.column(),
            width: 1,
        };
        vec![Issue::new(place, "", format!("this is not JSON: {error}")).hint(SHAPE)]
    })?;
    let Some(gap) = record
        .get("metadata")
        .and_then(|data| data.get("gap_seconds"))
    else {
        return Err(whole("missing `metadata.gap_seconds`".to_owned(), SHAPE));
    };
    let Some(seconds) = gap.as_f64().filter(|gap| (1e-3..=1e9).contains(gap)) else {
        let message = format!("`gap_seconds` must be a time, found {gap}");
        return Err(whole(
            message,
            "give the time between two counts in seconds, such as 195",
        ));
    };
    let Some(data) = record.get("data").and_then(Value::as_array) else {
        return Err(whole("missing the list `data`".to_owned(), SHAPE));
    };
    if data.is_empty() {
        return Err(whole("the list `data` is empty".to_owned(), SHAPE));
    }
    let mut counts = Vec::with_capacity(data.len());
    for (index, value) in data.iter().enumerate() {
        let Some(count) = value.as_u64().filter(|count| *count <= MOST) else {
            let message = format!("entry {index} of `data` is no number of instances: {value}");
            let hint = format!("entries are whole numbers up to {MOST}");
            return Err(whole(message, &hint));
        };
        counts.push(count as u32);
    }
    if counts.iter().all(|count| *count == 0) {
        let hint = "take a record in which there is an instance at some time";
        return Err(whole("nothing is ever there".to_owned(), hint));
    }
    Ok(Track::of_counts(&counts, Span::from_secs_f64(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Track>, String> {
        let source = Arc::new(Source {
            name: "spot.json".to_owned(),
            text: text.to_owned(),
        });
        parse(&source).map_err(|issues| {
            let lines = issues.iter().map(|issue| issue.message.clone());
            lines.collect::<Vec<_>>().join("; ")
        })
    }

    #[test]
    fn counts_become_tracks() {
        let tracks =
            read(r#"{"metadata": {"gap_seconds": 60}, "data": [0, 2, 1, 0], "prices": []}"#);
        assert_eq!(tracks, Ok(Track::of_counts(&[0, 2, 1, 0], Span::MINUTE)));
    }

    #[test]
    fn broken_records_say_what_is_wrong() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), Err(expect.to_owned()));
        check(
            "",
            "this is not JSON: EOF while parsing a value at line 1 column 0",
        );
        check(
            r#"{"metadata": {"gap_seconds": 60}, "data": [0, 1"#,
            "this is not JSON: EOF while parsing a list at line 1 column 47",
        );
        check(r#"{"data": [1]}"#, "missing `metadata.gap_seconds`");
        check(
            r#"{"metadata": {"gap_seconds": 0}, "data": [1]}"#,
            "`gap_seconds` must be a time, found 0",
        );
        check(
            r#"{"metadata": {"gap_seconds": 60}}"#,
            "missing the list `data`",
        );
        check(
            r#"{"metadata": {"gap_seconds": 60}, "data": []}"#,
            "the list `data` is empty",
        );
        check(
            r#"{"metadata": {"gap_seconds": 60}, "data": [1, -1]}"#,
            "entry 1 of `data` is no number of instances: -1",
        );
        check(
            r#"{"metadata": {"gap_seconds": 60}, "data": [1, "x"]}"#,
            "entry 1 of `data` is no number of instances: \"x\"",
        );
        check(
            r#"{"metadata": {"gap_seconds": 60}, "data": [0, 0]}"#,
            "nothing is ever there",
        );
    }
}

//! Reads the JSON lines of the Mooncake traces, as published, and maps their blocks to shared beginnings.
//!
//! `{"timestamp": 0, "input_length": 700, "output_length": 6, "hash_ids": [0, 1]}`: milliseconds, tokens, and a name for each block of
//! 512 prompt tokens; two prompts begin alike as far as their lists do. Other keys are left alone.
//!
//! The blocks of all prompts form a tree. The simulator knows one chain of blocks per group and not a tree, so the tree is cut into
//! chains in the order of time: a prompt joins the group that has the most of its beginning; if that is all that the group has, the
//! chain of the group grows by what the prompt shares with any other prompt; else the prompt branches off, and only what it has in
//! common with the group counts as shared. Blocks that one prompt alone has are in no group.
//! Source of the format: github.com/kvcache-ai/Mooncake (Apache-2.0); Qin et al., Mooncake: trading more storage for less computation,
//! FAST 2025.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use walras_des::{SimTime, Span};
use walras_sim::workload::{Prefix, Trace};

use crate::issue::{Issue, Place, Source, shorten};

/// Prompt tokens in a block. Source: the README of the traces.
const BLOCK: u32 = 512;

/// Broken rows that are shown one by one.
const SHOWN: usize = 20;

/// The latest time [ms], 30 years: a later one is a date, or a mistake.
const LATEST: f64 = 1e12;

const SHAPE: &str =
    r#"a row is `{"timestamp": 0, "input_length": 700, "output_length": 6, "hash_ids": [0, 1]}`"#;

/// Reads the text of a trace.
pub(super) fn parse(source: &Arc<Source>) -> Result<Trace, Vec<Issue>> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let (mut issues, mut trace) = (Vec::new(), Trace::default());
    let mut beginnings = Beginnings::default();
    let (mut start, mut last) = (None, 0);
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let row = Line {
            source,
            number: index + 1,
            text: line,
        };
        let row = match row.read() {
            Ok(row) => row,
            Err(found) => {
                issues.extend(found);
                continue;
            }
        };
        if row.nanos < last && issues.is_empty() {
            let place = Place {
                source: Arc::clone(source),
                line: index + 1,
                column: 1,
                width: line.trim_end().chars().count(),
            };
            let issue = Issue::new(place, "", "this row is earlier than the one before it");
            issues.push(issue.hint("sort the rows by `timestamp`"));
        }
        last = row.nanos;
        let start = *start.get_or_insert(row.nanos);
        let at = SimTime::ZERO + Span::from_nanos(row.nanos.saturating_sub(start));
        trace.at.push(at);
        trace.prompt_tokens.push(row.prompt);
        trace.output_tokens.push(row.output);
        beginnings.add(&row.blocks);
    }
    shorten(&mut issues, SHOWN, "rows");
    if issues.is_empty() {
        trace.prefixes = beginnings.groups(&trace.prompt_tokens);
        Ok(trace)
    } else {
        Err(issues)
    }
}

struct Row {
    nanos: u64,
    prompt: u32,
    output: u32,
    blocks: Vec<u64>,
}

/// A line of the file.
struct Line<'a> {
    source: &'a Arc<Source>,
    number: usize,
    text: &'a str,
}

impl Line<'_> {
    fn read(&self) -> Result<Row, Vec<Issue>> {
        let json: Value = serde_json::from_str(self.text).map_err(|error| {
            let reason = error.to_string();
            // The line is that of the file, and shown beside.
            let reason = reason.split(" at line ").next().unwrap_or_default();
            let message = format!("this line is not JSON: {reason}");
            vec![self.issue(error.column(), 1, message).hint(SHAPE)]
        })?;
        let mut issues = Vec::new();
        let nanos = self.nanos(&json).map_err(|issue| issues.push(issue));
        let prompt = self.tokens(&json, "input_length");
        let prompt = prompt.map_err(|issue| issues.push(issue));
        let output = self.tokens(&json, "output_length");
        let output = output.map_err(|issue| issues.push(issue));
        let most = prompt.unwrap_or(u32::MAX).div_ceil(BLOCK) as usize;
        let blocks = self.blocks(&json, most).map_err(|issue| issues.push(issue));
        match (nanos, prompt, output, blocks) {
            (Ok(nanos), Ok(prompt), Ok(output), Ok(blocks)) => Ok(Row {
                nanos,
                prompt,
                output,
                blocks,
            }),
            _ => Err(issues),
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn nanos(&self, json: &Value) -> Result<u64, Issue> {
        let milliseconds = json.get("timestamp").and_then(Value::as_f64);
        let valid = milliseconds.filter(|time| (0.0..=LATEST).contains(time));
        let nanos = valid.map(|time| (time * 1e6).round() as u64);
        nanos.ok_or_else(|| self.wrong(json, "timestamp", "milliseconds from zero to 1e12"))
    }

    fn tokens(&self, json: &Value, key: &str) -> Result<u32, Issue> {
        let tokens = json.get(key).and_then(Value::as_u64);
        let tokens = tokens.and_then(|tokens| u32::try_from(tokens).ok());
        let expected = "a whole number from 1 to 4294967295";
        let valid = tokens.filter(|tokens| *tokens > 0);
        valid.ok_or_else(|| self.wrong(json, key, expected))
    }

    fn blocks(&self, json: &Value, most: usize) -> Result<Vec<u64>, Issue> {
        let key = "hash_ids";
        let list = json.get(key).and_then(Value::as_array);
        let blocks: Option<Vec<u64>> =
            list.and_then(|list| list.iter().map(Value::as_u64).collect());
        let blocks = blocks.ok_or_else(|| self.wrong(json, key, "a list of whole numbers"))?;
        if blocks.len() > most {
            let message = format!(
                "`{key}`: {} blocks are more than the prompt fills: {most} of {BLOCK} tokens",
                blocks.len()
            );
            return Err(self.at(key, message));
        }
        Ok(blocks)
    }

    fn wrong(&self, json: &Value, key: &str, expected: &str) -> Issue {
        match json.get(key) {
            Some(found) => {
                let found: String = found.to_string().chars().take(60).collect();
                self.at(
                    key,
                    format!("`{key}`: expected {expected}, found `{found}`"),
                )
            }
            None => self.at(key, format!("missing `{key}`")).hint(SHAPE),
        }
    }

    /// A problem of a key, or of the whole line if it is not there.
    fn at(&self, key: &str, message: String) -> Issue {
        let written = format!("\"{key}\"");
        match self.text.find(&written) {
            Some(byte) => {
                let column = self.text[..byte].chars().count() + 1;
                self.issue(column, written.len(), message)
            }
            None => self.issue(1, self.text.trim_end().chars().count(), message),
        }
    }

    fn issue(&self, column: usize, width: usize, message: String) -> Issue {
        let place = Place {
            source: Arc::clone(self.source),
            line: self.number,
            column,
            width,
        };
        Issue::new(place, "", message)
    }
}

/// The beginnings of all prompts as a tree of blocks; its root is node zero.
#[derive(Default)]
struct Beginnings {
    /// By parent and name of the block.
    children: BTreeMap<(u32, u64), u32>,
    /// By node, less the root: prompts that have the block.
    prompts: Vec<u32>,
    /// By prompt: its nodes, from the root on.
    paths: Vec<Vec<u32>>,
}

impl Beginnings {
    fn add(&mut self, blocks: &[u64]) {
        let mut parent = 0;
        let path = blocks.iter().map(|block| {
            let prompts = &mut self.prompts;
            let node = *self.children.entry((parent, *block)).or_insert_with(|| {
                prompts.push(0);
                u32::try_from(prompts.len()).expect("fewer blocks than 2³²")
            });
            prompts[node as usize - 1] += 1;
            parent = node;
            node
        });
        self.paths.push(path.collect());
    }

    /// Cuts the tree into chains: the group of each prompt, and what it shares with it. Empty if nobody shares anything.
    fn groups(&self, prompt_tokens: &[u32]) -> Vec<Option<Prefix>> {
        // By node, less the root: the group whose chain it is in.
        let mut owner: Vec<Option<u32>> = vec![None; self.prompts.len()];
        // By group: the last node of its chain.
        let mut ends: Vec<u32> = Vec::new();
        let assign = |(path, &prompt): (&Vec<u32>, &u32)| {
            let place = |node: &u32| *node as usize - 1;
            let common = path.iter().take_while(|node| self.prompts[place(node)] > 1);
            let common = &path[..common.count()];
            let known = common
                .iter()
                .take_while(|node| owner[place(node)].is_some());
            let known = known.count();
            let joined = known
                .checked_sub(1)
                .and_then(|last| Some((owner[place(&common[last])]?, common[last])));
            let (group, blocks) = match joined {
                Some((group, last)) if ends[group as usize] != last => (group, known),
                _ => {
                    let end = *common.last()?;
                    let group = joined.map_or(ends.len() as u32, |(group, _)| group);
                    ends.resize(ends.len().max(group as usize + 1), end);
                    ends[group as usize] = end;
                    for node in &common[known..] {
                        owner[place(node)] = Some(group);
                    }
                    (group, common.len())
                }
            };
            // A prompt fills its last block in part.
            let tokens = prompt.min(BLOCK.saturating_mul(blocks as u32));
            Some(Prefix { group, tokens })
        };
        let groups: Vec<_> = self.paths.iter().zip(prompt_tokens).map(assign).collect();
        if groups.iter().all(Option::is_none) {
            return Vec::new();
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Trace, String> {
        let source = Arc::new(Source {
            name: "t.jsonl".into(),
            text: text.into(),
        });
        parse(&source).map_err(|issues| {
            issues.iter().fold(String::new(), |text, issue| {
                text + &issue.to_string() + "\n"
            })
        })
    }

    fn row(time: u32, prompt: u32, blocks: &str) -> String {
        format!(
            "{{\"timestamp\": {time}, \"input_length\": {prompt}, \"output_length\": 6, \"hash_ids\": [{blocks}]}}\n"
        )
    }

    /// A tree by hand: a conversation that grows (1 2, then 1 2 3 4, then 1 2 3 4 5), a branch off its middle, and a stranger.
    #[test]
    fn a_tree_is_cut_into_chains() {
        let text = row(500, 1_024, "1, 2")
            + &row(501, 2_048, "1, 2, 3, 4")
            + &row(502, 2_500, "1, 2, 3, 4, 5")
            + &row(503, 2_048, "1, 2, 7, 8")
            + &row(504, 600, "9, 10")
            + &row(505, 300, "1");
        let trace = read(&text).unwrap();
        let times = [0, 1, 2, 3, 4, 5].map(|ms| SimTime::from_nanos(ms * 1_000_000));
        assert_eq!(trace.at, times);
        let shared = |tokens| Some(Prefix { group: 0, tokens });
        let expect = [
            shared(1_024),
            shared(2_048),
            shared(2_048),
            shared(1_024),
            None,
            shared(300),
        ];
        assert_eq!(trace.prefixes, expect);
    }

    #[test]
    fn strangers_have_no_groups() {
        let trace = read(&(row(0, 600, "1, 2") + &row(1, 600, "3, 2"))).unwrap();
        assert!(trace.prefixes.is_empty(), "{:?}", trace.prefixes);
    }

    #[test]
    fn every_broken_row_is_reported() {
        let text = row(0, 600, "1, 2")
            + "{\"timestamp\": -1, \"input_length\": 0, \"hash_ids\": [1]}\n"
            + &row(1, 512, "1, 2")
            + "{\"timestamp\": 3, \"inp\n";
        let expect = "\
error: `timestamp`: expected milliseconds from zero to 1e12, found `-1`
 --> t.jsonl:2:2
  |
2 | {\"timestamp\": -1, \"input_length\": 0, \"hash_ids\": [1]}
  |  ^^^^^^^^^^^
error: `input_length`: expected a whole number from 1 to 4294967295, found `0`
 --> t.jsonl:2:19
  |
2 | {\"timestamp\": -1, \"input_length\": 0, \"hash_ids\": [1]}
  |                   ^^^^^^^^^^^^^^
error: missing `output_length`
 --> t.jsonl:2:1
  |
2 | {\"timestamp\": -1, \"input_length\": 0, \"hash_ids\": [1]}
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: a row is `{\"timestamp\": 0, \"input_length\": 700, \"output_length\": 6, \"hash_ids\": [0, 1]}`
error: `hash_ids`: 2 blocks are more than the prompt fills: 1 of 512 tokens
 --> t.jsonl:3:59
  |
3 | {\"timestamp\": 1, \"input_length\": 512, \"output_length\": 6, \"hash_ids\": [1, 2]}
  |                                                           ^^^^^^^^^^
error: this line is not JSON: EOF while parsing a string
 --> t.jsonl:4:21
  |
4 | {\"timestamp\": 3, \"inp
  |                     ^
  = help: a row is `{\"timestamp\": 0, \"input_length\": 700, \"output_length\": 6, \"hash_ids\": [0, 1]}`
";
        assert_eq!(read(&text).unwrap_err(), expect);
    }

    #[test]
    fn rows_must_be_in_order_of_time() {
        let problem = read(&(row(5, 600, "1") + &row(4, 600, "1"))).unwrap_err();
        let expect = "error: this row is earlier than the one before it\n --> t.jsonl:2:1\n";
        assert!(problem.starts_with(expect), "{problem}");
    }
}

//! Problems of an input, each with the place it is at and what would work.

use std::fmt;
use std::sync::Arc;

/// A text that was read: a file, a part of the catalog, or an override.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// What the user calls it.
    pub name: String,
    /// Its whole content.
    pub text: String,
}

impl Source {
    /// The name of an override, whose text is `path=value`.
    pub const SET: &str = "--set";
    /// The name of an axis of a sweep on the command line, whose text is `path=value,value`.
    pub const AXIS: &str = "--axis";
    /// The name of a trace on the command line, whose text is its path.
    pub const TRACE: &str = "--trace";
    /// The name of schedulers on the command line, whose text is one of them.
    pub const POLICIES: &str = "--policies";

    /// Whether it was typed on the command line, where there are no lines.
    fn is_option(&self) -> bool {
        [Self::SET, Self::AXIS, Self::TRACE, Self::POLICIES].contains(&self.name.as_str())
    }
}

/// A stretch of a line of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the text comes from.
    pub source: Arc<Source>,
    /// Line, from one; zero means the source as a whole.
    pub line: usize,
    /// Column, from one, in characters.
    pub column: usize,
    /// Length in characters.
    pub width: usize,
}

impl Place {
    /// The source as a whole.
    #[must_use]
    pub fn whole(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            line: 0,
            column: 0,
            width: 0,
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Where it is.
    pub place: Place,
    /// The keys that lead to it, joined with dots; empty outside a document.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would work.
    pub hint: Option<String>,
}

impl Issue {
    /// A problem without a hint.
    pub fn new(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place,
            path: path.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what would work.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            source,
            line,
            column,
            width,
        } = &self.place;
        writeln!(f, "error: {}", self.message)?;
        let margin = line.to_string().len();
        let text = source.text.lines().nth(line.saturating_sub(1));
        let shown = Excerpt::of(text.unwrap_or_default(), *column, *width);
        let (before, carets) = (shown.before, "^".repeat(shown.width));
        if *line == 0 {
            write!(f, " --> {}", source.name)?;
        } else if source.is_option() {
            let start = format!("{:margin$}--> {} ", "", source.name);
            let before = start.chars().count() - margin - 3 + before;
            writeln!(f, "{start}{}", shown.text)?;
            write!(f, "{:margin$} | {:before$}{carets}", "", "")?;
        } else {
            writeln!(f, "{:margin$}--> {}:{line}:{column}", "", source.name)?;
            writeln!(f, "{:margin$} |", "")?;
            writeln!(f, "{line} | {}", shown.text)?;
            write!(f, "{:margin$} | {:before$}{carets}", "", "")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n{:margin$} = help: {hint}", "")?;
        }
        Ok(())
    }
}

/// Characters of a line that are shown at most.
const COLUMNS: usize = 100;

/// The part of a line that is shown.
struct Excerpt {
    text: String,
    /// Characters before the stretch in question.
    before: usize,
    /// Characters of the stretch.
    width: usize,
}

impl Excerpt {
    /// The surroundings of a stretch of a line. What would move the caret or the cursor is shown as a space.
    fn of(line: &str, column: usize, width: usize) -> Self {
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        let letters: Vec<char> = line.trim_end().chars().map(plain).collect();
        let before = column.saturating_sub(1);
        let start = if letters.len() > COLUMNS && before > COLUMNS / 2 {
            (before - COLUMNS / 2).min(letters.len().saturating_sub(COLUMNS))
        } else {
            0
        };
        let end = letters.len().min(start + COLUMNS);
        let mut text: String = letters[start..end].iter().collect();
        if end < letters.len() {
            text.push('…');
        }
        if start > 0 {
            text.insert(0, '…');
        }
        Self {
            text,
            before: before.saturating_sub(start) + usize::from(start > 0),
            width: width.min(end.saturating_sub(before)).max(1),
        }
    }
}

/// All problems of an input; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issues {
    /// The input.
    pub input: String,
    /// The problems, in the order of the text.
    pub list: Vec<Issue>,
}

impl Issues {
    /// The problems found in `input`, put in order.
    #[must_use]
    pub fn new(input: impl Into<String>, mut list: Vec<Issue>) -> Self {
        let input = input.into();
        let key = |issue: &Issue| {
            let place = &issue.place;
            (
                place.source.name != input,
                place.source.name.clone(),
                place.line,
                place.column,
            )
        };
        list.sort_by_cached_key(key);
        list.dedup();
        Self { input, list }
    }
}

impl From<Issue> for Issues {
    fn from(issue: Issue) -> Self {
        Self {
            input: issue.place.source.name.clone(),
            list: vec![issue],
        }
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for issue in &self.list {
            writeln!(f, "{issue}\n")?;
        }
        let problems = if self.list.len() == 1 {
            "problem"
        } else {
            "problems"
        };
        write!(f, "{} {problems} in {}", self.list.len(), self.input)
    }
}

impl std::error::Error for Issues {}

/// Keeps the first `shown` problems of a file, and says at the next one how many more `things` are broken.
pub(crate) fn shorten(issues: &mut Vec<Issue>, shown: usize, things: &str) {
    if let Some(more) = issues.len().checked_sub(shown).filter(|more| *more > 0) {
        // At the first that is not shown, so that it comes last.
        issues.truncate(shown + 1);
        issues[shown].message = format!("{more} more broken {things}, from this one on");
        issues[shown].hint = None;
    }
}

/// The candidate that `word` was probably meant to be.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = (word.chars().count() / 3).max(1);
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let nearest = candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, candidate)) = nearest {
        return Some(candidate);
    }
    // The beginning of a name, if it is the beginning of one only.
    let mut begun = candidates
        .into_iter()
        .filter(|candidate| word.chars().count() >= 3 && candidate.starts_with(word));
    begun.next().filter(|_| begun.next().is_none())
}

/// `did you mean …?`, or else the list of what is known.
#[must_use]
pub fn suggestion<'a>(
    word: &str,
    kind: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match closest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("known {kind}: {}", listing(candidates)),
    }
}

/// Names joined with commas.
pub fn listing<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Edits that turn `a` into `b`: insertions, deletions, substitutions, and swaps of neighbours.
/// This is the restricted Damerau–Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (
        a.to_lowercase().chars().collect(),
        b.to_lowercase().chars().collect(),
    );
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitute = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitute.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, line: usize, column: usize, width: usize) -> Place {
        let source = Arc::new(Source {
            name: "a.yaml".into(),
            text: text.into(),
        });
        Place {
            source,
            line,
            column,
            width,
        }
    }

    #[test]
    fn an_issue_shows_its_line() {
        let text = "walras: 1\nplatfroms:\n";
        let issue = Issue::new(place(text, 2, 1, 9), "platfroms", "unknown key `platfroms`")
            .hint("did you mean `platforms`?");
        let expect = "\
error: unknown key `platfroms`
 --> a.yaml:2:1
  |
2 | platfroms:
  | ^^^^^^^^^
  = help: did you mean `platforms`?

1 problem in a.yaml";
        assert_eq!(Issues::new("a.yaml", vec![issue]).to_string(), expect);
    }

    #[test]
    fn the_margin_grows_with_the_line_number() {
        let text = "\n".repeat(9) + "a: 1\n";
        let expect = "error: wrong\n  --> a.yaml:10:4\n   |\n10 | a: 1\n   |    ^";
        assert_eq!(
            Issue::new(place(&text, 10, 4, 1), "a", "wrong").to_string(),
            expect
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = format!("{}wrong{}", "a".repeat(300), "b".repeat(300));
        let expect = format!(
            "error: wrong\n --> a.yaml:1:301\n  |\n1 | …{}wrong{}…\n  |  {}^^^^^",
            "a".repeat(50),
            "b".repeat(45),
            " ".repeat(50)
        );
        let issue = Issue::new(place(&text, 1, 301, 5), "a", "wrong");
        assert_eq!(issue.to_string(), expect);
        let issue = Issue::new(place("\t\u{1b}x: 1", 1, 3, 1), "a", "wrong");
        assert!(issue.to_string().ends_with("1 |   x: 1\n  |   ^"));
    }

    /// Distances by hand; `ca` to `abc` is 3 in the restricted distance.
    #[test]
    fn distances() {
        for (a, b, expect) in [
            ("kitten", "sitting", 3),
            ("platfroms", "platforms", 1),
            ("", "abc", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(a, b), expect, "{a} {b}");
        }
        assert_eq!(
            closest("lest-loaded", ["random", "least-loaded"]),
            Some("least-loaded")
        );
        assert_eq!(closest("fifo", ["random", "least-loaded"]), None);
        assert_eq!(
            closest("least", ["random", "least-loaded"]),
            Some("least-loaded")
        );
        assert_eq!(closest("lea", ["least-costly", "least-loaded"]), None);
    }
}

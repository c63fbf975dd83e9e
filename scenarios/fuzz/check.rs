//! What must hold of the problems that loading reports, whatever the input.

use walras_scenarios::issue::Issues;

/// Each problem says something, about a place that exists, and the report can be printed.
///
/// # Panics
/// If one does not.
pub fn every_problem_has_its_place(issues: &Issues) {
    assert!(!issues.list.is_empty(), "a refusal says why");
    for issue in &issues.list {
        assert!(!issue.message.is_empty(), "a problem without a message");
        let place = &issue.place;
        // Line zero is the file as a whole: it cannot be read, or is empty.
        if place.line > 0 {
            let lines = place.source.text.split('\n').count();
            assert!(
                place.line <= lines,
                "line {} of {lines}: {}",
                place.line,
                issue.message
            );
            let line = place
                .source
                .text
                .split('\n')
                .nth(place.line - 1)
                .unwrap_or_default();
            let width = line.chars().count();
            assert!(
                (1..=width + 1).contains(&place.column),
                "column {} of {width}: {}",
                place.column,
                issue.message
            );
        }
    }
    assert!(
        issues.to_string().contains(&issues.list[0].message),
        "the report leaves out a problem"
    );
}

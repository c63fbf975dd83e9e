//! The terminal table and the page for an invented experiment.

#[path = "../../analysis/tests/fixture/mod.rs"]
mod fixture;

use walras_analysis::compare::Comparison;
use walras_analysis::record::MetricId;
use walras_reports::terminal::{Options, table};
use walras_reports::{figures, html};

#[test]
fn the_table_is_readable_at_80_columns() {
    let comparison = Comparison::of(&fixture::experiment(&["cloud", "network"], 20));
    let plain = table(&comparison, Options::default());
    for line in plain.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert_eq!(plain, include_str!("golden/table.txt"));
}

#[test]
fn colour_adds_nothing_but_colour() {
    let comparison = Comparison::of(&fixture::experiment(&["cloud", "network"], 5));
    for all in [false, true] {
        let options = Options {
            all,
            ..Options::default()
        };
        let colored = table(
            &comparison,
            Options {
                color: true,
                ..options
            },
        );
        assert_eq!(without_colors(&colored), table(&comparison, options));
        assert!(colored.contains("\u{1b}[32m"));
    }
}

fn without_colors(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let experiment = fixture::experiment(&["cloud", "network"], 20);
    let comparison = Comparison::of(&experiment);
    let page = html::render(&experiment, &comparison, &["The experiment is invented."]);
    save("two", &page);
    for forbidden in ["<script", "<link", "<img", "@import", "url(", "src="] {
        assert!(!page.contains(forbidden), "the page has `{forbidden}`");
    }
    let links = page.matches("http").count();
    let namespaces = page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count();
    assert_eq!(links, namespaces, "an address outside of the page");
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<figure ").count(), 10);
    for text in [&experiment.manifest.question, &comparison.verdict] {
        assert!(page.contains(text.as_str()), "{text}");
    }
}

/// A shell must give the same arguments again, and where the program lies is nobody's business.
#[test]
fn the_command_line_can_be_typed_again() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 2);
    let command = [
        "/home/me/bin/walras",
        "run",
        "a.yaml",
        "--set",
        "run.horizon=20 min",
        "it's",
    ];
    experiment.manifest.execution.command = command.map(str::to_owned).to_vec();
    let page = html::render(&experiment, &Comparison::of(&experiment), &[]);
    let shown = r"<pre>walras run a.yaml --set 'run.horizon=20 min' 'it'\''s'</pre>";
    assert!(page.contains(&shown.replace('\'', "&#39;")));
}

/// 100 ms lies between two points of the grid; the share is read where the drawn curve crosses the objective.
#[test]
fn the_share_within_an_objective_is_read_from_the_curve() {
    let mut experiment = fixture::experiment(&["only"], 3);
    for run in &mut experiment.runs {
        run.tpot = walras_des::LogHistogram::new();
        (0..1_000).for_each(|i| run.tpot.record(0.097_7 + 3.8e-6 * f64::from(i)));
    }
    let figures = figures::all(&experiment, &Comparison::of(&experiment));
    let figure = figures
        .iter()
        .find(|figure| figure.name == "time-per-output-token")
        .unwrap();
    assert!(figure.finding.contains(": 60."), "{}", figure.finding);
}

/// A figure that exists in fewer replications than the others says so beside it.
#[test]
fn fewer_replications_are_told() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 6);
    experiment.runs[0].metrics.0[MetricId::CostPerMillion as usize] = None;
    let comparison = Comparison::of(&experiment);
    let text = table(&comparison, Options::default());
    assert_eq!(text.matches("(n = 5)").count(), 2, "{text}");
    let page = html::render(&experiment, &comparison, &[]);
    assert_eq!(page.matches("(n = 5)").count(), 2);
}

#[test]
fn markup_in_names_is_escaped() {
    let experiment = fixture::experiment(&["<b>cloud</b>", "a & \"b\""], 3);
    let page = html::render(&experiment, &Comparison::of(&experiment), &["1 < 2"]);
    assert!(!page.contains("<b>") && page.contains("&#60;b&#62;cloud"));
}

#[test]
fn every_figure_says_something_and_brings_its_data() {
    for (names, replications) in [
        (&["only"][..], 3),
        (&["cloud", "network"], 1),
        (&["a", "b", "c", "d", "e"], 4),
    ] {
        let experiment = fixture::experiment(names, replications);
        let comparison = Comparison::of(&experiment);
        let drawn = figures::all(&experiment, &comparison);
        assert!(drawn.len() >= 6, "{}", drawn.len());
        for figure in drawn {
            assert!(
                figure.svg.contains("role=\"img\"") && !figure.svg.contains("NaN"),
                "{}",
                figure.name
            );
            assert!(
                figure.finding.ends_with('.') && figure.finding.len() > 20,
                "{}: {}",
                figure.name,
                figure.finding
            );
            assert!(
                figure.csv.lines().count() > 1 && !figure.csv.contains("NaN"),
                "{}",
                figure.name
            );
        }
        save(
            &format!("{}-platforms", names.len()),
            &html::render(&experiment, &comparison, &[]),
        );
    }
}

/// Keeps a page for looking at, if a folder for it is named.
fn save(name: &str, page: &str) {
    if let Some(folder) = std::env::var_os("WALRAS_PAGES") {
        let path = std::path::Path::new(&folder).join(format!("{name}.html"));
        std::fs::write(path, page).expect("the folder can be written");
    }
}

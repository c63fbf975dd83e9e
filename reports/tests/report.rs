//! The terminal table and the page for an invented experiment.

#[path = "../../analysis/tests/fixture/mod.rs"]
mod fixture;

use walras_analysis::compare::Comparison;
use walras_analysis::curves::Latency;
use walras_analysis::experiment::Experiment;
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

/// Terminals narrower than 66 columns got lines that did not fit.
#[test]
fn narrow_terminals_are_respected() {
    let names = ["always-on-in-the-cloud", "cheapest-within-slo"];
    for names in [&names[..], &LONG_NAMES[..5]] {
        let comparison = Comparison::of(&fixture::experiment(names, 6));
        for width in [50, 60, 66, 80] {
            let options = Options {
                width,
                all: true,
                ..Options::default()
            };
            for line in table(&comparison, options).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}

const LONG_NAMES: [&str; 9] = [
    "always-on",
    "steady-volunteers",
    "worst-volunteers",
    "cheapest-within-slo",
    "a-name-of-thirty-two-characters",
    "least-loaded",
    "power-of-two",
    "round-robin",
    "posted-price",
];

/// Keys ran out of the picture, and from the seventh platform on colours repeat.
#[test]
fn every_name_stays_inside_and_repeated_colours_are_told_apart() {
    for names in [&LONG_NAMES[..5], &LONG_NAMES] {
        let experiment = fixture::experiment(names, 3);
        for figure in figures::all(&experiment, &Comparison::of(&experiment)) {
            let size = attribute(&figure.svg, "width");
            for text in figure.svg.split("<text ").skip(1) {
                let name = text
                    .split('>')
                    .nth(1)
                    .and_then(|rest| rest.split('<').next())
                    .unwrap_or_default()
                    .trim();
                let (x, anchor) = (attribute(text, "x"), text.contains("text-anchor=\"start\""));
                // An average letter of a sans serif is not narrower than 9 device pixels at 24.
                let end = x + if anchor {
                    9.0 * name.chars().count() as f64
                } else {
                    0.0
                };
                assert!(end <= size, "{}: `{name}` at {x} of {size}", figure.name);
            }
            let of_blue = figure.svg.matches("stroke=\"#0072B2\"").count();
            if names.len() == 9 && figure.name == "lorenz" {
                // The seventh is blue again, and dashed.
                assert!(of_blue > 20, "{of_blue} strokes");
            }
        }
        save(
            &format!("{}-long-names", names.len()),
            &html::render(&experiment, &Comparison::of(&experiment), &[]),
        );
    }
}

/// The number in the first `name="…"` of `text`.
fn attribute(text: &str, name: &str) -> f64 {
    let (_, rest) = text.split_once(&format!("{name}=\"")).expect(name);
    let (number, _) = rest.split_once('"').expect(name);
    number.parse().expect(name)
}

/// It counted differences; utilization and a rate that repeats the share filled it.
#[test]
fn the_caption_of_differences_names_a_platform_and_its_price() {
    let mut experiment = fixture::experiment(&["a", "b", "c"], 8);
    for run in &mut experiment.runs {
        run.metrics.0[MetricId::Completed as usize] = Some(1.0);
        if run.platform == 2 {
            run.metrics.0[MetricId::Energy as usize] = Some(0.01);
        }
    }
    let drawn = figures::all(&experiment, &Comparison::of(&experiment));
    let forest = drawn.iter().find(|f| f.name == "differences").unwrap();
    let expected = "Most clear improvements on a: c in 2 of 6 figures, above all in energy per million output tokens (";
    assert!(forest.finding.starts_with(expected), "{}", forest.finding);
    assert!(
        forest
            .finding
            .contains("; its main price is time to first token, "),
        "{}",
        forest.finding
    );
    assert!(!forest.csv.contains("utilization") && !forest.csv.contains("goodput"));
}

/// A base fee is not what a token costs in the panel above it.
#[test]
fn a_base_fee_is_explained() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 4);
    let reading = |experiment: &walras_analysis::experiment::Experiment| {
        let drawn = figures::all(experiment, &Comparison::of(experiment));
        let prices = drawn.iter().find(|f| f.name == "prices").unwrap();
        prices.reading.clone()
    };
    assert!(!reading(&experiment).contains("base fee"));
    for run in &mut experiment.runs {
        for sample in &mut run.samples {
            sample.base_fee = (run.platform == 1).then_some(0.2);
        }
    }
    assert!(reading(&experiment).contains("an output token alone; prompts are charged beside it"));
}

#[test]
fn the_page_suits_phones_and_paper() {
    let experiment = fixture::experiment(&["cloud", "network"], 4);
    let page = html::render(&experiment, &Comparison::of(&experiment), &[]);
    for rule in [
        ".figures td.difference { grid-area: 2 / 1;",
        "details::details-content { content-visibility: visible;",
    ] {
        assert!(page.contains(rule), "{rule}");
    }
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
        let tpot = &mut run.latencies[Latency::Tpot];
        *tpot = walras_des::LogHistogram::new();
        (0..1_000).for_each(|i| tpot.record(0.097_7 + 3.8e-6 * f64::from(i)));
    }
    let figures = figures::all(&experiment, &Comparison::of(&experiment));
    let figure = figures
        .iter()
        .find(|figure| figure.name == "time-per-output-token")
        .unwrap();
    assert!(figure.finding.contains(": 60."), "{}", figure.finding);
}

#[test]
fn a_warm_up_that_was_found_is_told_below_the_table() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 6);
    experiment.manifest.warm_up_s = 198.0;
    let line = "warm-up 3m18s, found by 5 pilot replications (MSER-5)";
    let lines = |experiment: &Experiment| {
        let text = table(&Comparison::of(experiment), Options::default());
        text.lines().filter(|text| *text == line).count()
    };
    assert_eq!(lines(&experiment), 0, "it was given");
    experiment.manifest.warm_up_found = true;
    assert_eq!(lines(&experiment), 1);
}

/// An interruption leaves a replication that one platform alone has finished: differences rest on fewer.
#[test]
fn replications_without_a_pair_are_told() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 8);
    experiment.runs.pop();
    let text = table(&Comparison::of(&experiment), Options::default()).replace('\n', " ");
    assert!(
        text.contains("over up to n = 8 replications (Student t); differences are paired by replication, over 7 at most"),
        "{text}"
    );
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

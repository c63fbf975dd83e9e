//! Comparisons of an invented experiment: findings, warnings, two directories, and the JSON object.

mod fixture;

use std::fmt::Write;

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{self, Latency, Series};
use walras_analysis::experiment::{Experiment, PrecisionGoal};
use walras_analysis::json;
use walras_analysis::words::Tone;
use walras_sim::record::MetricId;

#[test]
fn findings_say_what_the_numbers_say() {
    let experiment = fixture::experiment(&["cloud", "network"], 20);
    let comparison = Comparison::of(&experiment);
    let mut text = format!("{}\n", comparison.verdict);
    for finding in &comparison.findings {
        writeln!(text, "{:?}: {}", finding.tone, finding.text).unwrap();
    }
    for warning in &comparison.warnings {
        writeln!(text, "warning: {warning}").unwrap();
    }
    assert_eq!(text, include_str!("golden/findings.txt"));
    // Beside the golden: the ratio is that of the values within replications.
    let cost = comparison.cell(MetricId::CostPerMillion, 1).unwrap();
    let logs: f64 = (0..20)
        .map(|r| value(&experiment, 1, r) / value(&experiment, 0, r))
        .map(f64::ln)
        .sum();
    assert!((cost.difference.unwrap().ratio.unwrap().mean - (logs / 20.0).exp()).abs() < 1e-12);
    assert_eq!(
        comparison.cell(MetricId::OwnerGini, 0).unwrap().estimate,
        None,
        "a single owner has no Gini coefficient"
    );
}

fn value(experiment: &Experiment, platform: usize, replication: u32) -> f64 {
    let run = experiment
        .of(platform)
        .find(|run| run.replication == replication)
        .unwrap();
    run.metrics.get(MetricId::CostPerMillion).unwrap()
}

#[test]
fn many_platforms_are_ranked() {
    let mut experiment = fixture::experiment(&["a", "b", "c", "d"], 12);
    set(&mut experiment, MetricId::Completed, |_| 1.0);
    let comparison = Comparison::of(&experiment);
    assert_eq!(
        comparison.findings[0].text,
        "b compared with a: cost 2.93 times cheaper; requests within the objectives 5.50 points lower; \
         lost placements 14.6 higher; owner margin per node 34.4 USD/day lower."
    );
    assert!(
        comparison.findings[3]
            .text
            .starts_with("Cheapest: b, 0.897 USD per million output tokens; 11"),
        "{}",
        comparison.findings[3].text
    );
    assert!(
        comparison.verdict.starts_with(
            "Clearly ahead of all others: a in tail latency of the first token, time per token,"
        ),
        "{}",
        comparison.verdict
    );
}

/// Sets `metric` of all runs by platform.
fn set(experiment: &mut Experiment, metric: MetricId, value: impl Fn(usize) -> f64) {
    for run in &mut experiment.runs {
        run.metrics.0[metric as usize] = Some(value(run.platform));
    }
}

/// Who completes few requests is fast and cheap for those; it was called the leader.
#[test]
fn dropping_requests_wins_no_contest_of_served_requests() {
    let mut experiment = fixture::experiment(&["a", "b", "c"], 8);
    set(&mut experiment, MetricId::Completed, |platform| {
        [0.995, 0.99, 0.86][platform]
    });
    set(&mut experiment, MetricId::CostPerMillion, |platform| {
        [3.0, 2.0, 1.0][platform]
    });
    set(&mut experiment, MetricId::SloAttainment, |platform| {
        [0.9, 0.8, 0.95][platform]
    });
    let comparison = Comparison::of(&experiment);
    assert!(
        comparison
            .verdict
            .starts_with("Clearly ahead of all others: a in "),
        "{}",
        comparison.verdict
    );
    assert!(
        comparison.verdict.contains("; b in cost; c in requests served within the objectives (in figures of served requests without c, "),
        "{}",
        comparison.verdict
    );
    let texts: Vec<&str> = comparison
        .findings
        .iter()
        .map(|f| f.text.as_str())
        .collect();
    assert!(texts.len() <= 9, "{texts:?}");
    assert!(
        texts[1].starts_with("c compared with a: cost 3.00 times cheaper for what was served; "),
        "{texts:?}"
    );
    assert_eq!(
        texts[2],
        "c completed 86.0 % of the requests, 95.0 % within the objectives; it is left out below where cost, speed and energy \
         of served requests alone are compared."
    );
    assert!(
        texts[3].starts_with("Cheapest: b, 2.00 USD per million output tokens;"),
        "{texts:?}"
    );
}

/// The same with two, whichever of them is the baseline.
#[test]
fn dropping_requests_is_not_better_than_the_baseline() {
    let lead = |completed: [f64; 2], cost: [f64; 2]| {
        let mut experiment = fixture::experiment(&["cloud", "network"], 8);
        set(&mut experiment, MetricId::Completed, |platform| {
            completed[platform]
        });
        set(&mut experiment, MetricId::CostPerMillion, |platform| {
            cost[platform]
        });
        Comparison::of(&experiment)
    };
    let comparison = lead([1.0, 0.5], [2.0, 1.0]);
    assert!(
        comparison.verdict.ends_with("As network completed 50.0 % of the requests and cloud 100 %, the lead of network in cost holds only among the requests that it served."),
        "{}",
        comparison.verdict
    );
    assert!(
        comparison.findings[0]
            .text
            .ends_with(", among the requests that each served.")
    );
    assert_eq!(comparison.findings[0].tone, Tone::Neutral);
    let comparison = lead([0.5, 1.0], [1.0, 2.0]);
    assert!(
        comparison
            .verdict
            .contains("the lead of cloud in cost, tail latency"),
        "{}",
        comparison.verdict
    );
    // Less than a point apart, they serve the same.
    let comparison = lead([1.0, 0.995], [2.0, 1.0]);
    assert!(
        comparison.verdict.contains("clearly better in cost;"),
        "{}",
        comparison.verdict
    );
}

/// With many platforms one sentence for each figure stands for one each.
#[test]
fn nine_platforms_fit_in_nine_findings() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let comparison = Comparison::of(&fixture::experiment(&names, 6));
    assert!(comparison.findings.len() <= 9);
    let first = &comparison.findings[0].text;
    assert!(
        first.starts_with("Compared with a, cost: b ") && first.contains("; i "),
        "{first}"
    );
}

/// Requests of the warm-up were counted in the warning and not in the table beside it.
#[test]
fn the_warning_of_unserved_requests_agrees_with_the_table() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 6);
    for run in &mut experiment.runs {
        run.counts.rejected = run.counts.submitted / 2;
    }
    set(&mut experiment, MetricId::Rejected, |platform| {
        [0.0, 0.02][platform]
    });
    set(&mut experiment, MetricId::Failed, |platform| {
        [0.0, 0.01][platform]
    });
    assert_eq!(
        Comparison::of(&experiment).warnings,
        [
            "network: 3.00 % of the requests were rejected or failed; latencies and costs describe the others"
        ]
    );
}

/// Who writes a scheduler is told which of its orders were illegal, and why; the first in the warning, more in the manifest.
#[test]
fn a_refused_order_is_explained() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 3);
    let run = &mut experiment.runs[3];
    run.counts.refused_orders = 12;
    run.refusals = vec!["at 3s, reject job 7: the job is on a node already".into()];
    let expected = "network: the world refused 12 orders of its scheduler; the first, in replication 1, at 3s, reject job 7: the job is on a node already (`manifest.json` lists more)";
    let warnings = Comparison::of(&experiment).warnings;
    assert!(warnings.iter().any(|line| line == expected), "{warnings:?}");
}

/// The next by its mean is always 1 % behind; the third is far behind in the mean, and once ahead.
#[test]
fn a_leader_is_clearly_ahead_of_every_other() {
    let mut experiment = fixture::experiment(&["a", "b", "c"], 6);
    for run in &mut experiment.runs {
        let r = f64::from(run.replication);
        let cost = match run.platform {
            0 => 1.0,
            1 => 1.01,
            _ => [0.4, 9.0, 0.9, 5.0, 1.1, 3.0][r as usize],
        };
        run.metrics.0[MetricId::CostPerMillion as usize] = Some(cost);
    }
    set(&mut experiment, MetricId::Completed, |_| 1.0);
    let comparison = Comparison::of(&experiment);
    assert_eq!(
        comparison.findings[2].text,
        "Cheapest: a, 1.00 USD per million output tokens; 0.99 % cheaper [0.99 … 0.99] than the next, b, but not clearly ahead of all."
    );
    let ahead_in_cost = comparison
        .verdict
        .split("; ")
        .any(|part| part.contains("a in cost"));
    assert!(!ahead_in_cost, "{}", comparison.verdict);
}

#[test]
fn equal_leaders_and_single_replications_read_well() {
    let mut experiment = fixture::experiment(&["a", "b", "c"], 1);
    set(&mut experiment, MetricId::Completed, |_| 1.0);
    let first = Comparison::of(&experiment).findings[2].text.clone();
    assert!(first.contains(" cheaper than the next, "), "{first}");
    for run in &mut experiment.runs {
        run.metrics.0[MetricId::CostPerMillion as usize] = Some(2.0);
    }
    let first = Comparison::of(&experiment).findings[2].text.clone();
    assert!(first.contains("; the same as the next, "), "{first}");
}

/// With nothing in common there was a sentence without an end.
#[test]
fn a_verdict_without_figures_is_a_sentence() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 3);
    for run in &mut experiment.runs {
        run.metrics.0 = [None; MetricId::COUNT];
    }
    let verdict = Comparison::of(&experiment).verdict;
    assert_eq!(
        verdict,
        "Nothing can be compared: network and cloud have no figure in common."
    );
}

/// A replication without good service has no cost of it; the others must not stand for it.
#[test]
fn the_cost_of_good_service_needs_every_replication() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 3);
    let says = |experiment: &Experiment| {
        let findings = Comparison::of(experiment).findings;
        findings
            .iter()
            .any(|finding| finding.text.starts_with("Divided by the requests"))
    };
    assert!(says(&experiment));
    experiment.runs[1].metrics.0[MetricId::Goodput as usize] = Some(0.0);
    assert!(!says(&experiment));
}

#[test]
fn one_replication_claims_nothing() {
    let comparison = Comparison::of(&fixture::experiment(&["cloud", "network"], 1));
    assert!(
        comparison
            .verdict
            .starts_with("One replication cannot tell whether network and cloud differ")
    );
    assert!(comparison.warnings[0].starts_with("one replication: no intervals"));
    assert!(
        comparison
            .rows
            .iter()
            .flat_map(|row| &row.cells)
            .all(|cell| cell.estimate.is_none_or(|e| e.interval.is_none()))
    );
}

#[test]
fn an_interrupted_experiment_compares_what_is_complete() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 8);
    experiment.runs.pop();
    experiment.manifest.interrupted = true;
    let comparison = Comparison::of(&experiment);
    assert_eq!(
        comparison.warnings[0],
        "stopped early: 15 of 16 runs finished"
    );
    let cost = comparison.row(MetricId::CostPerMillion).unwrap();
    assert_eq!(cost.cells[0].estimate.unwrap().n, 8);
    assert_eq!(cost.cells[1].difference.unwrap().difference.n, 7);
}

/// A precision to reach, of one figure.
fn until(relative: f64, figure: &str) -> PrecisionGoal {
    PrecisionGoal {
        relative,
        of: vec![figure.to_owned()],
        at_least: 5,
        at_most: 200,
    }
}

/// The runs of the rounds begun say nothing about how many a precision takes: what was reached is said instead.
#[test]
fn an_interruption_before_a_precision_tells_what_was_reached() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 8);
    experiment.runs.pop();
    experiment.manifest.interrupted = true;
    experiment.manifest.precision = Some(until(0.001, "cost_per_million_output_tokens"));
    let comparison = Comparison::of(&experiment);
    let stopping = comparison.stopping.expect("a precision was asked for");
    assert!(!stopping.is_reached);
    assert!(stopping.text.ends_with(", not within 0.1 %"));
    assert_eq!(
        comparison.warnings[..2],
        ["stopped early: 15 runs finished".to_owned(), stopping.text]
    );
}

#[test]
fn what_was_never_observed_is_said_to_be_unknown() {
    let mut experiment = fixture::experiment(&["cloud", "network"], 8);
    for run in &mut experiment.runs {
        run.metrics.0[MetricId::Losses as usize] = Some(0.0);
    }
    experiment.manifest.precision = Some(until(0.05, "losses_per_thousand"));
    let stopping = Comparison::of(&experiment).stopping.expect("a precision");
    assert!(!stopping.is_reached);
    assert_eq!(
        stopping.text,
        "8 replications, of at most 200: placements lost with their node of network was never observed in 8 replications: not within 5 %"
    );
}

#[test]
fn two_directories_are_paired_only_on_the_same_requests() {
    let first = fixture::experiment(&["cloud", "network"], 6);
    let mut second = first.clone();
    let same = Comparison::between(&first, &second).unwrap();
    assert!(same.is_paired && same.verdict.starts_with("The runs are identical"));
    second.manifest.workload_hash = "another".to_owned();
    let other = Comparison::between(&first, &second).unwrap();
    assert!(!other.is_paired && other.warnings[0].contains("Welch"));
    second.manifest.platforms = vec!["elsewhere".to_owned(), "nowhere".to_owned()];
    let error = Comparison::between(&first, &second).unwrap_err();
    assert!(error.to_string().starts_with(
        "the runs have no platform in common: `cloud, network` and `elsewhere, nowhere`"
    ));
}

#[test]
fn the_json_object_holds_what_the_table_shows() {
    let experiment = fixture::experiment(&["cloud", "network"], 4);
    let comparison = Comparison::of(&experiment);
    let object = json::experiment(&experiment, &comparison);
    let cost = &object["platforms"]["network"]["cost_per_million_output_tokens"];
    assert_eq!(cost["unit"], "USD");
    assert_eq!(cost["n"], 4);
    assert!(
        cost["low"].as_f64() < cost["estimate"].as_f64()
            && cost["estimate"].as_f64() < cost["high"].as_f64()
    );
    let ratio =
        &object["differences"]["network"]["metrics"]["cost_per_million_output_tokens"]["ratio"];
    assert_eq!(ratio["method"], "paired-log-ratio");
    assert_eq!(object["differences"]["network"]["against"], "cloud");
    assert!(
        object["platforms"]["cloud"]
            .get("owner_revenue_gini")
            .is_none()
    );
}

#[test]
fn curves_have_a_band_per_platform() {
    let experiment = fixture::experiment(&["cloud", "network"], 5);
    for latency in [Latency::Ttft, Latency::Tpot] {
        for curve in curves::distribution(&experiment, latency) {
            assert!(
                curve
                    .points
                    .windows(2)
                    .all(|pair| pair[0].x < pair[1].x && pair[0].y.mean <= pair[1].y.mean)
            );
            assert!(
                (curve.points.last().unwrap().y.mean - 1.0).abs() < 1e-12,
                "the grid ends above every value"
            );
            assert!(curve.points[0].y.mean < 0.02);
        }
    }
    assert_eq!(
        curves::lorenz(&experiment).len(),
        1,
        "a single owner has no Lorenz curve"
    );
    let up = curves::over_time(&experiment, Series::NodesUp);
    assert_eq!(up[1].points.len(), 144);
    assert!((up[1].points[143].x - 24.0).abs() < 1e-12);
    assert_eq!(up[1].points[0].y.n, 5);
    assert!(curves::over_time(&experiment, Series::BaseFee).is_empty());
}

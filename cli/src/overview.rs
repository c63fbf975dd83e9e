//! What is about to be run, in a few lines.

use std::fmt::Write;

use walras_scenarios::run::PILOTS;
use walras_scenarios::{Cost, Plan, Scenario, Sweep};
use walras_sim::market::Pricing;
use walras_sim::platform::{Platform, Size};
use walras_sim::workload::Source;

/// The question, the workload, the platforms and the runs.
pub fn overview(scenario: &Scenario, threads: usize) -> String {
    let plan = &scenario.plan;
    let mut rows = vec![("requests", requests(scenario))];
    let costs = plan.costs();
    rows.extend(plan.platforms.iter().map(|platform| {
        let mut lines = describe(platform);
        lines.push(errors(
            costs.iter().filter(|cost| cost.platform == platform.name),
        ));
        (platform.name.as_str(), lines)
    }));
    let mut runs = vec![replications(plan)];
    if plan.finds_warm_up {
        runs.push(format!(
            "{} pilot replications before them find the warm-up",
            PILOTS.len()
        ));
    }
    runs.push(format!("seed {}, {threads} threads", plan.seed));
    rows.push(("runs", runs));
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = format!("{}: {}\n\n", scenario.name, scenario.question);
    for (name, lines) in rows {
        for (number, line) in lines.iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            let _ = writeln!(text, "  {name:<width$}  {line}");
        }
    }
    text
}

/// The question and the axes, the scenario at the first point, and how much there is to do.
pub fn sweep(first: &Scenario, sweep: &Sweep, missing: usize, threads: usize) -> String {
    let mut text = overview(first, threads);
    let _ = writeln!(
        text,
        "  above is the first of {} points:",
        sweep.points.len()
    );
    for axis in &sweep.axes {
        let _ = writeln!(text, "    {} = {}", axis.path, axis.values.join(", "));
    }
    let done = sweep.points.len() - missing;
    if done > 0 {
        let _ = writeln!(text, "  {done} of them are finished already");
    }
    if let Some(seed) = sweep.common_seed() {
        let _ = writeln!(
            text,
            "  seed {seed} at all of them: common random numbers, so that points differ by the axes and not by luck"
        );
    }
    text
}

fn replications(plan: &Plan) -> String {
    let (platforms, most) = (plan.platforms.len(), plan.replications);
    match &plan.precision {
        None => format!(
            "{platforms} platforms × {most} replications = {}",
            platforms as u64 * u64::from(most)
        ),
        Some(goal) => format!(
            "{platforms} platforms × {} to {most} replications, until within {} %",
            goal.at_least,
            (goal.relative * 1e8).round() / 1e6
        ),
    }
}

fn requests(scenario: &Scenario) -> Vec<String> {
    let (plan, workload) = (&scenario.plan, &scenario.plan.workload);
    let sizes = workload.sizes();
    let mean = format!(
        "{:.0} prompt and {:.0} output tokens on average",
        sizes.mean_prompt, sizes.mean_output
    );
    let arrivals = match &workload.source {
        Source::Synthetic(synthetic) => {
            format!("{:.2} per second for {}", synthetic.rate, plan.horizon)
        }
        Source::Trace(_) => {
            let (rows, used) = scenario
                .trace
                .as_ref()
                .map_or((0, 0), |trace| (trace.rows, trace.used));
            format!("{used} of the {rows} in the trace, over {}", plan.horizon)
        }
    };
    vec![arrivals, mean]
}

/// The stated errors of step times: that of the one device class, or the least and the most.
fn errors<'a>(costs: impl Iterator<Item = &'a Cost>) -> String {
    let mut costs: Vec<&Cost> = costs.collect();
    costs.sort_by(|a, b| a.stated.total_cmp(&b.stated));
    let percent = |cost: &Cost| format!("{:.0} % ({})", cost.stated * 100.0, cost.device);
    match costs.as_slice() {
        [] => "no devices".to_owned(),
        [one] => format!("step times within {}", percent(one)),
        [least, .., most] => format!("step times within {} to {}", percent(least), percent(most)),
    }
}

fn describe(platform: &Platform) -> Vec<String> {
    let fleets: Vec<String> = platform
        .fleets
        .iter()
        .map(|fleet| {
            let devices: Vec<&str> = fleet
                .devices
                .iter()
                .map(|offer| {
                    platform.profiles[offer.profile.index()]
                        .device
                        .name
                        .as_str()
                })
                .collect();
            let count = match &fleet.size {
                Size::Fixed(count) => count.to_string(),
                Size::Autoscaled(scaler) => format!("{} to {}", scaler.min, scaler.max),
            };
            format!("{count} {}", devices.join("/"))
        })
        .collect();
    let policy = &platform.policy;
    let pricing = match &platform.pricing {
        Pricing::Rental => "rented by the hour",
        Pricing::ReverseAuction => "reverse auction",
        Pricing::BaseFee(_) => "base fee",
    };
    let mut lines = fleets;
    lines.push(format!("scheduler {policy}, {pricing}"));
    lines
}

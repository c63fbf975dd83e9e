//! What is about to be run, in a few lines.

use std::fmt::Write;

use walras_scenarios::{Plan, Scenario};
use walras_sim::market::Pricing;
use walras_sim::platform::{Platform, Size};
use walras_sim::scheduling::Policy;
use walras_sim::workload::{Source, Workload};

/// The question, the workload, the platforms and the runs.
pub fn overview(scenario: &Scenario, threads: usize) -> String {
    let plan = &scenario.plan;
    let mut text = format!("{}\n{}\n\n", scenario.name, scenario.question);
    let _ = writeln!(text, "  requests   {}", requests(&plan.workload, plan));
    for platform in &plan.platforms {
        let _ = writeln!(text, "  {:<10} {}", platform.name, describe(platform));
    }
    let runs = plan.platforms.len() as u64 * u64::from(plan.replications);
    let _ = writeln!(
        text,
        "  runs       {} platforms × {} replications = {runs}, seed {}, {threads} threads",
        plan.platforms.len(),
        plan.replications,
        plan.seed
    );
    text
}

fn requests(workload: &Workload, plan: &Plan) -> String {
    let sizes = workload.sizes();
    let mean = format!(
        "{:.0} prompt and {:.0} output tokens on average",
        sizes.mean_prompt, sizes.mean_output
    );
    match &workload.source {
        Source::Synthetic(synthetic) => format!(
            "{:.2} per second for {}, {mean}",
            synthetic.rate, plan.horizon
        ),
        Source::Trace(trace) => {
            let rows = trace.at.len();
            let used = trace
                .at
                .partition_point(|at| at.as_nanos() <= plan.horizon.as_nanos());
            format!(
                "{used} of the {rows} in the trace, over {}, {mean}",
                plan.horizon
            )
        }
    }
}

fn describe(platform: &Platform) -> String {
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
    let policy = match platform.policy {
        Policy::Random => "random".to_owned(),
        Policy::RoundRobin => "round-robin".to_owned(),
        Policy::PowerOfChoices { d } => format!("power of {d} choices"),
        Policy::LeastLoaded => "least-loaded".to_owned(),
        Policy::CheapestWithinSlo => "cheapest within SLO".to_owned(),
    };
    let pricing = match &platform.pricing {
        Pricing::Rental => "rented by the hour",
        Pricing::ReverseAuction => "reverse auction",
        Pricing::BaseFee(_) => "base fee",
    };
    format!("{}; {policy}; {pricing}", fleets.join(", "))
}

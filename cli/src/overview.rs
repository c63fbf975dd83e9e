//! What is about to be run, in a few lines.

use std::fmt::Write;

use walras_analysis::words::counted;
use walras_scenarios::plan::{Batch, Requests, Subject};
use walras_scenarios::run::PILOTS;
use walras_scenarios::{Cost, Plan, Scenario, Sweep};
use walras_sim::cluster::site::Site;
use walras_sim::cluster::workload::{Arrivals, Source as Jobs};
use walras_sim::economy::{Economy, Shock, Supply};
use walras_sim::market::Pricing;
use walras_sim::platform::{Platform, Size};
use walras_sim::workload::Source;

/// The question, the workload, the platforms and the runs.
pub fn overview(scenario: &Scenario, threads: usize) -> String {
    let plan = &scenario.plan;
    let mut rows = match &plan.subject {
        Subject::Requests(subject) => {
            let costs = plan.costs();
            let mut rows = vec![("requests", requests(scenario, subject))];
            rows.extend(subject.platforms.iter().map(|platform| {
                let mut lines = describe(platform);
                let own = costs.iter().filter(|cost| cost.platform == platform.name);
                lines.push(errors(own));
                (platform.name.as_str(), lines)
            }));
            rows
        }
        Subject::Batch(subject) => {
            let mut rows = vec![("jobs", jobs(scenario, subject))];
            let clusters = subject.sites.iter();
            rows.extend(clusters.map(|site| (site.name.as_str(), cluster(site))));
            rows
        }
        Subject::Economies(subject) => {
            let economies = subject.economies.iter();
            economies
                .map(|economy| (economy.name.as_str(), economy_lines(economy)))
                .collect()
        }
    };
    let mut runs = vec![replications(plan)];
    if plan.finds_warm_up {
        runs.push(format!(
            "{} pilot replications before them find the warm-up",
            PILOTS.len()
        ));
    }
    runs.push(format!(
        "seed {}, {}",
        plan.seed,
        counted(threads, "thread")
    ));
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

fn economy_lines(economy: &Economy) -> Vec<String> {
    let customers = &economy.customers;
    let mut lines = vec![format!(
        "customers want {} units a day at {} USD, elasticity {}",
        customers.volume, customers.reference_price, customers.elasticity
    )];
    if !customers.segments.is_empty() {
        let segments = customers.segments.iter();
        let segments: Vec<String> = segments
            .map(|segment| format!("{} {:.0} %", segment.name, 100.0 * segment.share))
            .collect();
        lines.push(format!("of them {}", segments.join(", ")));
    }
    for network in &economy.networks {
        let supply = match &network.supply {
            Supply::Owners(owners) => online(owners.online, owners.potential),
            Supply::Pool(member) => {
                let potential = economy.pools[member.pool].potential;
                format!("{} who may move", online(member.online, potential))
            }
            Supply::Seller(seller) => {
                let contracts = seller.contracts.map_or("", |_| ", also by contract");
                format!("one seller of {} units a day{contracts}", seller.capacity)
            }
        };
        let deals = network.deals.as_ref();
        let deals = deals.map_or(String::new(), |deals| {
            format!(", deals of {} days", deals.term)
        });
        let token = match &network.token {
            Some(token) => format!(", token at {} USD", token.initial_price),
            None => String::new(),
        };
        let name = &network.name;
        lines.push(format!(
            "{name}: {supply}{deals}, market {}{token}",
            network.market.name()
        ));
    }
    if !economy.shocks.is_empty() {
        let days = |shock: &Shock| format!("day {}", shock.at);
        let all: Vec<String> = economy.shocks.iter().map(days).collect();
        lines.push(format!("shocks on {}", all.join(", ")));
    }
    lines
}

fn online(share: f64, potential: u32) -> String {
    let online = (share * f64::from(potential)).round();
    format!("{online} of {potential} owners")
}

fn replications(plan: &Plan) -> String {
    let (platforms, most) = (plan.names().len(), plan.replications);
    let noun = match plan.subject {
        Subject::Requests(_) => "platform",
        Subject::Batch(_) => "cluster",
        Subject::Economies(_) => "economy",
    };
    let all = counted(platforms, noun);
    match &plan.precision {
        None => format!(
            "{all} × {} = {}",
            counted(most as usize, "replication"),
            platforms as u64 * u64::from(most)
        ),
        Some(goal) => format!(
            "{all} × {} to {most} replications, until within {} %",
            goal.at_least,
            (goal.relative * 1e8).round() / 1e6
        ),
    }
}

fn jobs(scenario: &Scenario, batch: &Batch) -> Vec<String> {
    let horizon = scenario.plan.horizon;
    match &batch.workload.source {
        Jobs::Recorded { resample, .. } => {
            let trace = scenario.trace.as_ref();
            let (rows, used) = trace.map_or((0, 0), |trace| (trace.rows, trace.used));
            let again = resample.map_or(String::new(), |block| {
                format!(", put together anew from blocks of {block} in each replication")
            });
            vec![format!(
                "{used} of the {rows} in the trace, over {horizon}{again}"
            )]
        }
        Jobs::Synthetic(synthetic) => {
            let arrivals = match synthetic.arrivals {
                Arrivals::Poisson(rate) => format!("{:.1} per hour for {horizon}", rate * 3600.0),
                Arrivals::AtOnce(count) => format!("{count} at the start"),
            };
            let classes = match synthetic.classes.len() {
                1 => "of one class".to_owned(),
                several => format!("of {several} classes"),
            };
            vec![arrivals, classes]
        }
    }
}

fn cluster(site: &Site) -> Vec<String> {
    let (mut cores, mut gpus) = (0_u64, 0_u64);
    for &kind in &site.cluster.nodes {
        cores += u64::from(site.cluster.kinds[kind].cpu);
        gpus += u64::from(site.cluster.kinds[kind].gpus);
    }
    let gpus = if gpus == 0 {
        String::new()
    } else {
        format!(" and {gpus} GPUs")
    };
    let nodes = match site.cluster.nodes.len() {
        1 => "one node".to_owned(),
        several => format!("{several} nodes"),
    };
    vec![
        format!("{nodes} with {} cores{gpus}", cores / 1000),
        format!("scheduler {}", site.policy),
    ]
}

fn requests(scenario: &Scenario, requests: &Requests) -> Vec<String> {
    let (plan, workload) = (&scenario.plan, &requests.workload);
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
        Pricing::Economy { .. } => "priced by its economy",
    };
    let mut lines = fleets;
    lines.push(format!("scheduler {policy}, {pricing}"));
    lines
}

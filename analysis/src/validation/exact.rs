//! G/G/1 and G/G/c event for event: every customer's wait in the engine is that of a recursion without an engine.
//!
//! D. V. Lindley, "The theory of queues with a single server", Proc. Cambridge Philos. Soc. 48(2), 1952; for several servers
//! J. Kiefer and J. Wolfowitz, "On the theory of queues with many servers", Trans. Amer. Math. Soc. 78(1), 1955.

use walras_des::queueing::{Network, Station, Visit};
use walras_des::{Dist, DistError, SimTime, Streams};

use super::{Planned, Row, Task};

/// Customers compared in each system, at least.
const CUSTOMERS: usize = 200_000;

/// All systems that are compared customer by customer.
pub(super) fn group() -> Planned {
    let law = |dist: Result<Dist, DistError>| dist.expect("the parameters are good");
    let systems = [
        (
            1,
            "log-normal gaps, gamma services",
            law(Dist::lognormal(-0.2, 0.9)),
            law(Dist::gamma(0.5, 2.0)),
        ),
        (
            1,
            "uniform gaps, Weibull services",
            law(Dist::uniform(0.5, 1.7)),
            law(Dist::weibull(0.7, 0.8)),
        ),
        (
            1,
            "hyperexponential gaps, Pareto services",
            law(Dist::hyperexponential(vec![(0.8, 2.0), (0.2, 0.25)])),
            law(Dist::pareto(0.4, 1.8)),
        ),
        (
            1,
            "constant gaps, exponential services, ρ = 1",
            law(Dist::constant(1.0)),
            law(Dist::exponential(1.0)),
        ),
        (
            3,
            "gamma gaps, log-normal services",
            law(Dist::gamma(0.6, 0.6)),
            law(Dist::lognormal(-0.5, 1.0)),
        ),
        (
            16,
            "exponential gaps, uniform services",
            law(Dist::exponential(0.07)),
            law(Dist::uniform(0.0, 2.0)),
        ),
    ];
    let task = |(servers, laws, gaps, service): (u32, &'static str, Dist, Dist)| -> Task {
        let station = Station::new(servers, service).fed(gaps);
        let name = format!("G/G/{servers}, {laws}");
        Task::new(name, move |seed| vec![compare(&station, seed)])
    };
    Planned {
        title: "Customer by customer",
        about: "Each wait in the engine against the recursions of Lindley (one server) and of Kiefer and Wolfowitz.",
        tasks: systems.into_iter().map(task).collect(),
    }
}

/// The waits of [`CUSTOMERS`] customers in the engine against those of the recursion [s on average].
fn compare(station: &Station, seed: u64) -> Row {
    let mut engine = Network::new(std::slice::from_ref(station), &Streams::new(seed, 0));
    engine.model.log_visits();
    let mut end = SimTime::ZERO;
    while engine.model.visits().len() < CUSTOMERS {
        end = SimTime::from_nanos(end.as_nanos() + 1_000_000_000_000);
        engine.run_until(end);
    }
    let visits = engine.model.visits();
    let expected = if station.servers == 1 {
        lindley(visits)
    } else {
        kiefer_wolfowitz(visits, station.servers)
    };
    let waits: Vec<u64> = visits
        .iter()
        .map(|visit| (visit.began - visit.arrived).as_nanos())
        .collect();
    let pairs = waits.iter().zip(&expected);
    let apart = pairs.map(|(a, b)| u128::from(a.abs_diff(*b))).sum();
    let mean = |waits: &[u64]| {
        let sum: u128 = waits.iter().map(|&wait| u128::from(wait)).sum();
        sum as f64 / 1e9 / waits.len() as f64
    };
    Row::exact(
        "mean wait [s]",
        (mean(&expected), mean(&waits)),
        waits.len() as u64,
        "customers",
        apart,
    )
}

/// `W(n+1) = max(0, W(n) + S(n) − A(n+1))` [ns].
fn lindley(visits: &[Visit]) -> Vec<u64> {
    let mut waits = Vec::with_capacity(visits.len());
    let (mut wait, mut before): (u64, Option<&Visit>) = (0, None);
    for visit in visits {
        if let Some(before) = before {
            let gap = (visit.arrived - before.arrived).as_nanos();
            wait = (wait + before.service.as_nanos()).saturating_sub(gap);
        }
        waits.push(wait);
        before = Some(visit);
    }
    waits
}

/// The same with the work that each of several servers still has, in increasing order: the next customer takes the least [ns].
fn kiefer_wolfowitz(visits: &[Visit], servers: u32) -> Vec<u64> {
    let mut work = vec![0_u64; servers as usize];
    let mut waits = Vec::with_capacity(visits.len());
    let mut last = SimTime::ZERO;
    for visit in visits {
        let gap = (visit.arrived - last).as_nanos();
        last = visit.arrived;
        for left in &mut work {
            *left = left.saturating_sub(gap);
        }
        waits.push(work[0]);
        work[0] += visit.service.as_nanos();
        work.sort_unstable();
    }
    waits
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::Span;

    fn visit(arrived: u64, service: u64) -> Visit {
        Visit {
            station: 0,
            arrived: SimTime::from_nanos(arrived),
            began: SimTime::ZERO,
            service: Span::from_nanos(service),
        }
    }

    #[test]
    fn the_recursions_by_hand() {
        let visits = [
            visit(1, 5),
            visit(2, 4),
            visit(3, 1),
            visit(12, 1),
            visit(12, 9),
        ];
        assert_eq!(lindley(&visits), [0, 4, 7, 0, 1]);
        assert_eq!(kiefer_wolfowitz(&visits, 1), lindley(&visits));
        // Two servers: busy until 6 and 6; the third waits 3.
        assert_eq!(kiefer_wolfowitz(&visits, 2), [0, 0, 3, 0, 0]);
    }
}

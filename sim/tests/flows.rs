//! Shared links against a linear program, and against filling from scratch that the program has checked.

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use proptest::prelude::*;
use walras_des::SimTime;
use walras_sim::network::flows::{FlowId, Flows, LinkId};

/// A flow as the oracles see it: the links of its path, and its cap.
type Demand = (Vec<usize>, Option<f64>);

/// The max-min fair rates by one linear program after the other: the largest rate that all unfixed flows can have; then those are
/// fixed that cannot have more, each by a program of its own.
fn by_programs(capacities: &[f64], flows: &[Demand]) -> Vec<f64> {
    let mut fixed: Vec<Option<f64>> = vec![None; flows.len()];
    // Maximises the common rate of the unfixed flows, or with the common rate given the rate of `alone`.
    let program = |fixed: &[Option<f64>], common: f64, alone: Option<usize>| {
        let mut problem = Problem::new(OptimizationDirection::Maximize);
        let share = alone
            .is_none()
            .then(|| problem.add_var(1.0, (0.0, f64::INFINITY)));
        let rates: Vec<_> = (0..flows.len())
            .map(|flow| {
                let objective = f64::from(u8::from(alone == Some(flow)));
                let most = flows[flow].1.unwrap_or(f64::INFINITY);
                let bounds = match (fixed[flow], share) {
                    (Some(rate), _) => (rate, rate),
                    (None, Some(_)) => (0.0, most),
                    (None, None) => (common, most.max(common)),
                };
                problem.add_var(objective, bounds)
            })
            .collect();
        for (link, &capacity) in capacities.iter().enumerate() {
            let terms: Vec<_> = (0..flows.len())
                .filter(|&flow| flows[flow].0.contains(&link))
                .map(|flow| (rates[flow], 1.0))
                .collect();
            // Rates that were found are on the edge of what fits.
            problem.add_constraint(terms, ComparisonOp::Le, capacity * (1.0 + 1e-12));
        }
        if let Some(share) = share {
            for (flow, rate) in fixed.iter().enumerate() {
                if rate.is_none() {
                    problem.add_constraint(
                        [(rates[flow], 1.0), (share, -1.0)],
                        ComparisonOp::Ge,
                        0.0,
                    );
                }
            }
        }
        problem
            .solve()
            .expect("all rates zero is a solution")
            .objective()
    };
    while fixed.iter().any(Option::is_none) {
        let common = program(&fixed, 0.0, None);
        let at_most: Vec<usize> = (0..flows.len())
            .filter(|&flow| fixed[flow].is_none())
            .filter(|&flow| program(&fixed, common, Some(flow)) <= common * (1.0 + 1e-7) + 1e-9)
            .collect();
        assert!(
            !at_most.is_empty(),
            "some flow cannot have more than all can"
        );
        for flow in at_most {
            fixed[flow] = Some(common);
        }
    }
    fixed.into_iter().flatten().collect()
}

/// The max-min fair rates by progressive filling: all rates grow together, until a link is full or a cap is met; its flows stop.
fn by_filling(capacities: &[f64], flows: &[Demand]) -> Vec<f64> {
    let mut rates = vec![None; flows.len()];
    let mut left = capacities.to_vec();
    let mut growing = vec![0_usize; capacities.len()];
    let mut through: Vec<Vec<usize>> = vec![Vec::new(); capacities.len()];
    for (flow, (path, _)) in flows.iter().enumerate() {
        for &link in path {
            growing[link] += 1;
            through[link].push(flow);
        }
    }
    loop {
        let full = (0..left.len())
            .filter(|&link| growing[link] > 0)
            .map(|link| (left[link].max(0.0) / growing[link] as f64, link))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let capped = (0..flows.len())
            .filter(|&flow| rates[flow].is_none())
            .filter_map(|flow| Some((flows[flow].1?, flow)))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let (rate, stopping) = match (full, capped) {
            (None, None) => break,
            (Some((share, _)), Some((cap, flow))) if cap <= share => (cap, vec![flow]),
            (None, Some((cap, flow))) => (cap, vec![flow]),
            (Some((share, link)), _) => {
                let stopping = through[link].iter().copied();
                (
                    share,
                    stopping.filter(|&flow| rates[flow].is_none()).collect(),
                )
            }
        };
        for flow in stopping {
            rates[flow] = Some(rate);
            for &link in &flows[flow].0 {
                left[link] -= rate;
                growing[link] -= 1;
            }
        }
    }
    rates
        .into_iter()
        .map(|rate| rate.expect("every flow stops"))
        .collect()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    for (flow, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        assert!(
            off <= tolerance * expected.abs(),
            "flow {flow}: {found} is not {expected}"
        );
    }
}

fn links(path: &[usize]) -> Vec<LinkId> {
    path.iter().map(|&link| LinkId(link as u32)).collect()
}

/// A flow over a path of different links out of `count`.
fn demand(count: usize) -> impl Strategy<Value = Demand> {
    let path = proptest::sample::subsequence((0..count).collect::<Vec<_>>(), 1..=count.min(4));
    (
        path.prop_shuffle(),
        proptest::option::weighted(0.3, 0.1_f64..20.0),
    )
}

#[derive(Clone, Debug)]
enum Change {
    Start(Demand, u64),
    /// Takes away one of the flows, by its position modulo their number.
    Cancel(usize),
    /// Waits for the next end.
    Finish,
    /// Gives a link another capacity; a fifth of them nothing.
    Capacity(usize, f64),
    /// Lets time pass [µs].
    Wait(u64),
}

fn change(count: usize) -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (demand(count), 1_u64..100_000).prop_map(|(demand, bytes)| Change::Start(demand, bytes)),
        1 => any::<usize>().prop_map(Change::Cancel),
        1 => Just(Change::Finish),
        1 => (0..count, prop_oneof![1 => Just(0.0), 4 => 0.5_f64..50.0])
            .prop_map(|(link, capacity)| Change::Capacity(link, capacity)),
        2 => (1_u64..10_000_000).prop_map(Change::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Filling from scratch is what the programs find, on up to six links and eight flows.
    #[test]
    fn filling_is_what_linear_programs_find(
        capacities in proptest::collection::vec(0.5_f64..50.0, 6),
        flows in proptest::collection::vec(demand(6), 1..8),
    ) {
        assert_close(&by_filling(&capacities, &flows), &by_programs(&capacities, &flows), 1e-9);
    }

    /// The flows themselves are what the programs find.
    #[test]
    fn shared_links_are_what_linear_programs_find(
        capacities in proptest::collection::vec(0.5_f64..50.0, 5),
        demands in proptest::collection::vec(demand(5), 1..8),
    ) {
        let mut flows = Flows::new(&capacities);
        let ids: Vec<FlowId> = (demands.iter())
            .map(|(path, cap)| flows.start(SimTime::ZERO, &links(path), 1000, *cap))
            .collect();
        let rates: Vec<f64> = ids.iter().map(|&id| flows.rate(id)).collect();
        assert_close(&rates, &by_programs(&capacities, &demands), 1e-9);
    }

    /// After any history of starts, ends, cancellations and changes of capacity the rates are those found from scratch, and every
    /// flow has moved the integral of its rate.
    #[test]
    fn any_history_leads_to_the_rates_found_from_scratch(
        (count, changes) in (2_usize..14).prop_flat_map(|count| {
            (Just(count), proptest::collection::vec(change(count), 1..120))
        }),
    ) {
        let mut capacities = vec![10.0; count];
        let mut flows = Flows::new(&capacities);
        let mut now = SimTime::ZERO;
        // What each flow asked for, and what it still has to move by our own count.
        let mut live: Vec<(FlowId, Demand, f64)> = Vec::new();
        for change in changes {
            let rates: Vec<f64> = live.iter().map(|(id, ..)| flows.rate(*id)).collect();
            let pass = |live: &mut Vec<(FlowId, Demand, f64)>, from: SimTime, until: SimTime| {
                for ((_, _, left), rate) in live.iter_mut().zip(&rates) {
                    *left -= rate * (until - from).as_secs_f64();
                }
                until
            };
            let end = flows.next_end();
            match change {
                Change::Start(demand, bytes) => {
                    let id = flows.start(now, &links(&demand.0), bytes, demand.1);
                    live.push((id, demand, bytes as f64));
                }
                Change::Cancel(position) if !live.is_empty() => {
                    let (id, _, left) = live.swap_remove(position % live.len());
                    let found = flows.cancel(now, id);
                    prop_assert!((found - left).abs() < 1e-5, "{found} bytes are left, not {left}");
                }
                Change::Finish => {
                    if let Some((at, id)) = end {
                        now = pass(&mut live, now, at);
                        let ended = live.iter().position(|(other, ..)| *other == id).expect("a live flow ends");
                        let (_, _, left) = live.swap_remove(ended);
                        prop_assert!(left.abs() < 1e-5, "{left} bytes are left of a flow that ends");
                        prop_assert!(live.iter().all(|(_, _, left)| *left > -1e-5), "the first end was missed");
                        flows.finish(at, id);
                    }
                }
                Change::Capacity(link, capacity) => {
                    capacities[link] = capacity;
                    flows.set_capacity(now, LinkId(link as u32), capacity);
                }
                Change::Wait(micros) => {
                    let until = SimTime::from_nanos(now.as_nanos() + micros * 1000);
                    now = pass(&mut live, now, end.map_or(until, |(at, _)| until.min(at)));
                    // Nothing that can be seen may change what comes after.
                    if let Some((at, _)) = end {
                        prop_assert_eq!(flows.next_end().map(|(at, _)| at), Some(at));
                    }
                }
                Change::Cancel(_) => {}
            }
            let rates: Vec<f64> = live.iter().map(|(id, ..)| flows.rate(*id)).collect();
            let demands: Vec<Demand> = live.iter().map(|(_, demand, _)| demand.clone()).collect();
            assert_close(&rates, &by_filling(&capacities, &demands), 1e-9);
        }
        prop_assert_eq!(flows.len(), live.len());
    }
}

/// Ten thousand flows between five hundred sites with one link each way, through five thousand ends, starts and changes of capacity.
#[test]
fn ten_thousand_flows_are_what_filling_finds() {
    let mut stream = walras_des::Streams::new(1, 0).open(walras_des::Purpose::new("flows"), 0);
    let mut capacities: Vec<f64> = (0..1000).map(|_| 1e6 * (0.1 + stream.uniform())).collect();
    let mut flows = Flows::new(&capacities);
    let mut live: Vec<(FlowId, Demand)> = Vec::new();
    let mut now = SimTime::ZERO;
    for step in 0..15_000_u32 {
        if step >= 10_000 {
            if step % 10 == 0 {
                let link = stream.below(1000) as usize;
                capacities[link] = 1e6 * (0.1 + stream.uniform());
                flows.set_capacity(now, LinkId(link as u32), capacities[link]);
            }
            let (at, id) = flows.next_end().expect("flows are under way");
            now = at;
            flows.finish(now, id);
            let ended = live
                .iter()
                .position(|(other, _)| *other == id)
                .expect("it was live");
            live.swap_remove(ended);
        }
        let path = vec![stream.below(500) as usize, 500 + stream.below(500) as usize];
        let cap = stream.bernoulli(0.1).then(|| 1e5 * stream.open_unit());
        let id = flows.start(now, &links(&path), 1 + stream.below(10_000_000), cap);
        live.push((id, (path, cap)));
        if step % 1000 == 999 {
            let rates: Vec<f64> = live.iter().map(|(id, _)| flows.rate(*id)).collect();
            let demands: Vec<Demand> = live.iter().map(|(_, demand)| demand.clone()).collect();
            assert_close(&rates, &by_filling(&capacities, &demands), 1e-9);
        }
    }
}

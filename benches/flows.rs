//! Shared links: what a change costs with 10,000 flows on 1,000 links, 500 sites with one link each way.
//!
//! A turn is two changes: any one flow is taken away, and another starts; after each the first end is asked for. Which one goes is
//! left to chance: if it were always the first to end, the population would soon be of those that never do.
//! Expected on one core of a 2020s server: under 100 µs.
//!
//! - *alike*: peers with links of one capacity both ways, any to any. The hardest: every link is full, and a change runs on through
//!   half of the network.
//! - *homes*: any to any, up and down as households have them.
//! - *pulls*: ten data centres send to homes.

use criterion::{Criterion, criterion_group, criterion_main};
use walras_benches::clusters::cpu_seconds;
use walras_des::{Purpose, SimTime, Span, Stream, Streams, math};
use walras_sim::network::flows::{FlowId, Flows, LinkId};

const SITES: u64 = 500;
const FLOWS: u32 = 10_000;

/// Capacities up and down [bytes/s] of a site, and the sites that send.
type Case = (&'static str, fn(u64, &mut Stream) -> (f64, f64), u64);

const CASES: &[Case] = &[
    ("alike", |_, _| (12.5e6, 12.5e6), SITES),
    ("homes", |_, stream| household(stream), SITES),
    ("pulls", data_centres_first, 10),
];

/// Medians of 20 and 36 Mbit/s, and 95 and 126 at the ninetieth percentile: fixed lines by country, speedtest.net, April 2020.
fn household(stream: &mut Stream) -> (f64, f64) {
    let mut rate = |mbit: f64, sigma: f64| mbit * 1e6 / 8.0 * math::exp(sigma * stream.normal());
    (rate(20.0, 1.22), rate(36.0, 0.98))
}

fn data_centres_first(site: u64, stream: &mut Stream) -> (f64, f64) {
    if site < 10 {
        (1.25e9, 1.25e9)
    } else {
        household(stream)
    }
}

struct Bench {
    flows: Flows,
    live: Vec<FlowId>,
    stream: Stream,
    senders: u64,
    now: SimTime,
}

impl Bench {
    fn new((_, capacity, senders): &Case) -> Self {
        let mut stream = Streams::new(1, 0).open(Purpose::new("flows"), 0);
        let (up, down): (Vec<f64>, Vec<f64>) =
            (0..SITES).map(|site| capacity(site, &mut stream)).unzip();
        let mut bench = Self {
            flows: Flows::new(&[up, down].concat()),
            live: Vec::new(),
            stream,
            senders: *senders,
            now: SimTime::ZERO,
        };
        for _ in 0..FLOWS {
            bench.start();
        }
        bench
    }

    /// Starts a flow of 10 MB on the average, from one site to another.
    fn start(&mut self) {
        let from = self.stream.below(self.senders);
        let to = (from + 1 + self.stream.below(SITES - 1)) % SITES;
        let path = [from, SITES + to].map(|link| LinkId(u32::try_from(link).expect("few links")));
        let bytes = 1 + (1e7 * self.stream.exponential()) as u64;
        self.live
            .push(self.flows.start(self.now, &path, bytes, None));
    }

    fn turn(&mut self) {
        let any = self.stream.below(u64::from(FLOWS)) as usize;
        let id = self.live.swap_remove(any);
        self.now += Span::from_nanos(1_000);
        self.flows.cancel(self.now, id);
        self.flows.next_end();
        self.start();
        self.flows.next_end();
    }
}

fn changes(c: &mut Criterion) {
    let mut group = c.benchmark_group("two changes of 10,000 flows");
    for case in CASES {
        let mut bench = Bench::new(case);
        let before = bench.flows.solved();
        // Time of this thread alone, so that others on the machine hardly matter: the median of 21 slices.
        let mut slices: Vec<f64> = (0..21)
            .map(|_| {
                let start = cpu_seconds();
                (0..1000).for_each(|_| bench.turn());
                (cpu_seconds() - start) / 2000.0 * 1e6
            })
            .collect();
        slices.sort_by(f64::total_cmp);
        let solved = (bench.flows.solved() - before) as f64 / 42_000.0;
        println!(
            "{}: {:.1} µs per change (best slice {:.1}), {solved:.0} equations of links solved",
            case.0, slices[10], slices[0]
        );
        group.bench_function(case.0, |b| b.iter(|| bench.turn()));
    }
    group.finish();
}

criterion_group!(benches, changes);
criterion_main!(benches);

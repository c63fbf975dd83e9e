//! Systems whose truth is known exactly, simulated in the fewest steps: the subjects of the coverage study.

use walras_des::{Dist, Mirrored, Purpose, SimTime, Span, Stream, Streams, TimeBatches};

use crate::estimate::regenerative::Cycle;

/// The M/M/1 queue by D. V. Lindley's recursion, customer by customer; the mean service time is one.
///
/// In steady state a customer waits with probability ρ, and then for an exponential time of mean 1 / (1 − ρ);
/// the sojourn is exponential of that mean. L. Kleinrock, Queueing Systems, Volume 1, 1975, section 5.
pub(super) struct Queue {
    load: f64,
    wait: f64,
    gaps: Stream,
    services: Stream,
}

/// One customer of a [`Queue`].
#[derive(Clone, Copy)]
pub(super) struct Customer {
    pub wait: f64,
    pub service: f64,
    /// From this arrival to the next.
    pub gap: f64,
}

impl Queue {
    /// The first customer finds nobody.
    pub fn empty(streams: &Streams, load: f64) -> Self {
        Self {
            load,
            wait: 0.0,
            gaps: streams.open(Purpose::new("gaps"), 0),
            services: streams.open(Purpose::new("services"), 0),
        }
    }

    /// The first customer finds the queue in steady state.
    pub fn stationary(streams: &Streams, load: f64) -> Self {
        let mut start = streams.open(Purpose::new("start"), 0);
        let (waits, time) = (start.bernoulli(load), start.exponential());
        Self {
            wait: if waits { time / (1.0 - load) } else { 0.0 },
            ..Self::empty(streams, load)
        }
    }

    /// Mean wait in steady state.
    pub fn mean_wait(load: f64) -> f64 {
        load / (1.0 - load)
    }

    /// Quantile of the sojourn in steady state.
    pub fn sojourn_quantile(load: f64, p: f64) -> f64 {
        -(1.0 - p).ln() / (1.0 - load)
    }

    /// The mean wait of the next `n` customers.
    pub fn mean_wait_of(&mut self, n: usize) -> f64 {
        self.take(n).map(|customer| customer.wait).sum::<f64>() / n as f64
    }

    /// The first `n` cycles of a queue that starts empty: waits from one customer who does not wait to the next.
    pub fn cycles(streams: &Streams, load: f64, n: usize) -> Vec<Cycle> {
        let mut cycles = Vec::with_capacity(n + 1);
        for customer in Self::empty(streams, load) {
            if customer.wait == 0.0 {
                if cycles.len() == n {
                    break;
                }
                cycles.push(Cycle::default());
            }
            if let Some(cycle) = cycles.last_mut() {
                cycle.total += customer.wait;
                cycle.length += 1.0;
            }
        }
        cycles
    }
}

impl Iterator for Queue {
    type Item = Customer;

    fn next(&mut self) -> Option<Customer> {
        let customer = Customer {
            wait: self.wait,
            service: self.services.exponential(),
            gap: self.gaps.exponential() / self.load,
        };
        self.wait = (self.wait + customer.service - customer.gap).max(0.0);
        Some(customer)
    }
}

/// Mean waits of `n` customers in two M/M/1 queues that see the same arrivals and the same work, the second with a server
/// that is faster by `speed`; both start in their steady states.
pub(super) fn two_servers(streams: &Streams, load: f64, speed: f64, n: usize) -> [f64; 2] {
    let mut start = streams.open(Purpose::new("start"), 0);
    let (unit, time) = (start.uniform(), start.exponential());
    // In its own unit of time the faster queue is M/M/1 of load ρ / speed.
    let mut waits = [1.0, speed].map(|speed| {
        let load = load / speed;
        if unit < load {
            time / (1.0 - load) / speed
        } else {
            0.0
        }
    });
    let mut totals = [0.0; 2];
    for customer in Queue::empty(streams, load).take(n) {
        for (i, speed) in [1.0, speed].into_iter().enumerate() {
            totals[i] += waits[i];
            waits[i] = (waits[i] + customer.service / speed - customer.gap).max(0.0);
        }
    }
    totals.map(|total| total / n as f64)
}

/// Mean waits of `n` customers of an M/M/1 queue and of its mirror image: long gaps and short services where the other has
/// short gaps and long services. Both start in steady state. Waits rise with every service and fall with every gap, so
/// that what helps one hurts the other.
pub(super) fn mirrored_waits(streams: &Streams, load: f64, n: usize) -> [f64; 2] {
    let gap = Dist::exponential(1.0 / load).expect("a load is positive");
    let service = Dist::exponential(1.0).expect("one is positive");
    let open = |name| Mirrored::pair(streams.open(Purpose::new(name), 0));
    let mut draws = open("starts")
        .into_iter()
        .zip(open("gaps"))
        .zip(open("services"));
    [(); 2].map(|()| {
        let ((mut start, mut gaps), mut services) = draws.next().expect("a pair has two");
        let draw = |from: &mut Mirrored, dist: &Dist| from.sample(dist).expect("a closed form");
        // The quantile of the stationary wait.
        let mut wait = ((load / (1.0 - start.unit())).ln() / (1.0 - load)).max(0.0);
        let mut total = 0.0;
        for _ in 0..n {
            total += wait;
            wait = (wait + draw(&mut services, &service) - draw(&mut gaps, &gap)).max(0.0);
        }
        total / n as f64
    })
}

/// The number of customers in an M/M/1 queue over `length` mean service times, from steady state: geometric, of mean
/// ρ / (1 − ρ).
pub(super) fn queue_length(streams: &Streams, load: f64, length: f64) -> TimeBatches {
    let mut stream = streams.open(Purpose::new("births and deaths"), 0);
    let mut present = 0.0;
    while stream.bernoulli(load) {
        present += 1.0;
    }
    let (start, end) = (SimTime::ZERO, SimTime::from_secs_f64(length));
    let mut path = TimeBatches::new(start, present);
    let mut now = start;
    loop {
        let rate = if path.value() > 0.0 { load + 1.0 } else { load };
        now += Span::from_secs_f64(stream.exponential() / rate);
        if now >= end {
            path.advance(end);
            return path;
        }
        let comes = path.value() == 0.0 || stream.bernoulli(load / rate);
        path.add(now, if comes { 1.0 } else { -1.0 });
    }
}

/// The autoregression x' = φ·x + ε of mean zero and variance one, from steady state.
pub(super) fn autoregression(streams: &Streams, phi: f64) -> impl Iterator<Item = f64> + use<> {
    let mut stream = streams.open(Purpose::new("autoregression"), 0);
    let innovation = (1.0 - phi * phi).sqrt();
    let mut x = stream.normal();
    std::iter::from_fn(move || {
        let value = x;
        x = phi * x + innovation * stream.normal();
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected average delay of the first 25 customers of M/M/1 with ρ = 0.9 that starts empty is 2.12 mean gaps:
    /// A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015, section 9.4.1. 40,000 runs (seed 1): the standard error is
    /// 0.011, so that 0.053 are 4.4σ and the rounding (α = 10⁻⁵).
    #[test]
    fn the_first_customers_of_an_empty_queue_wait_as_published() {
        let (runs, load) = (40_000, 0.9);
        let total: f64 = (0..runs)
            .map(|run| Queue::empty(&Streams::new(1, run), load).mean_wait_of(25))
            .sum();
        // The mean gap is 1 / ρ.
        let mean = total / runs as f64 * load;
        assert!((mean - 2.12).abs() < 0.053, "{mean}");
    }

    /// Stationary starts are stationary: the first and the tenth wait have the mean ρ / (1 − ρ) and exceed its triple with
    /// probability ρ·exp(−3ρ). 100,000 starts (seed 2), 4.4σ (α = 10⁻⁵ for each of the four).
    #[test]
    fn stationary_starts_are_stationary() {
        let (load, starts) = (0.8, 100_000);
        for at in [0, 9] {
            let (mut total, mut beyond) = (0.0, 0.0);
            for start in 0..starts {
                let mut queue = Queue::stationary(&Streams::new(2, start), load);
                let wait = queue.nth(at).expect("customers never end").wait;
                total += wait;
                beyond += f64::from(wait > 3.0 * Queue::mean_wait(load));
            }
            let n = starts as f64;
            // Var W = ρ(2 − ρ) / (1 − ρ)².
            let sigma = (load * (2.0 - load)).sqrt() / (1.0 - load) / n.sqrt();
            assert!((total / n - Queue::mean_wait(load)).abs() < 4.4 * sigma);
            let p = load * (-3.0 * load).exp();
            assert!((beyond / n - p).abs() < 4.4 * (p * (1.0 - p) / n).sqrt());
        }
    }
}

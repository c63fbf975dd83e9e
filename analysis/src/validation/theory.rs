//! Closed forms of queueing theory that the suite compares with.
//!
//! Rates are per second, times in seconds; `load` is the arrival rate times the mean service time, in erlangs.
//! L. Kleinrock, *Queueing Systems, Volume 1: Theory*, Wiley 1975; R. W. Wolff, *Stochastic Modeling and the Theory of
//! Queues*, Prentice Hall 1989.

/// Erlang's loss formula B: the share of customers who find all servers busy and are lost.
pub(crate) fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, c| load * b / (f64::from(c) + load * b))
}

/// Erlang's delay formula C: the share of customers who wait in M/M/c.
pub(crate) fn erlang_c(servers: u32, load: f64) -> f64 {
    let lost = erlang_b(servers, load);
    lost / (1.0 - load / f64::from(servers) * (1.0 - lost))
}

/// Probabilities of 0, 1, …, `room` customers in M/M/c/K.
pub(super) fn mmck(servers: u32, room: u32, load: f64) -> Vec<f64> {
    let mut weights = vec![1.0];
    for n in 1..=room {
        let before = weights[n as usize - 1];
        weights.push(before * load / f64::from(n.min(servers)));
    }
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

/// Pollaczek and Khinchine: the mean wait in M/G/1, `λ·E[S²] / (2·(1 − ρ))`.
pub(super) fn pollaczek_khinchine(rate: f64, mean: f64, variance: f64) -> f64 {
    rate * (variance + mean * mean) / (2.0 * (1.0 - rate * mean))
}

/// The mean wait in G/M/1, `σ·E[S] / (1 − σ)`, where σ in (0, 1) solves `σ = E[exp(−(1 − σ)·A / E[S])]`; `transform(s)` is
/// `E[exp(−s·A)]` of the gaps A.
pub(super) fn gm1_wait(mean_service: f64, transform: impl Fn(f64) -> f64) -> f64 {
    // The map is a contraction towards σ from below.
    let mut sigma = 0.0;
    for _ in 0..10_000 {
        sigma = transform((1.0 - sigma) / mean_service);
    }
    sigma * mean_service / (1.0 - sigma)
}

/// Customers that come to each station of an open network, from outside and from other stations: `λ = γ + λ·P`.
pub(super) fn traffic(outside: &[f64], routes: &[Vec<f64>]) -> Vec<f64> {
    let mut rates = outside.to_vec();
    for _ in 0..10_000 {
        let into = |to: usize| -> f64 {
            let from = rates.iter().zip(routes);
            from.map(|(rate, row)| rate * row.get(to).copied().unwrap_or(0.0))
                .sum()
        };
        rates = (0..outside.len())
            .map(|to| outside[to] + into(to))
            .collect();
    }
    rates
}

/// Mean number of customers in M/M/c, which by Jackson's theorem is also that of a station of an open network.
pub(super) fn mmc_present(servers: u32, load: f64) -> f64 {
    load + erlang_c(servers, load) * load / (f64::from(servers) - load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(value: f64, expect: f64, relative: f64) {
        assert!(
            (value - expect).abs() <= relative * expect.abs(),
            "{value} is not {expect}"
        );
    }

    /// Exact fractions by hand: B(2, 1) = (1/2) / (1 + 1 + 1/2) = 1/5 and C(2, 1) = 1/3; B(5, 3) = 81/40 / (92/5) = 81/736.
    #[test]
    fn erlangs_formulas_have_their_exact_values() {
        close(erlang_b(2, 1.0), 0.2, 1e-15);
        close(erlang_c(2, 1.0), 1.0 / 3.0, 1e-15);
        close(erlang_b(5, 3.0), 81.0 / 736.0, 1e-14);
    }

    /// The blocking formulas agree where M/M/c/K has no line, and where its line never ends.
    #[test]
    fn finite_room_lies_between_loss_and_delay() {
        close(mmck(10, 10, 8.0)[10], erlang_b(10, 8.0), 1e-13);
        let long = mmck(4, 2_000, 3.0);
        let waits: f64 = long[4..].iter().sum();
        close(waits, erlang_c(4, 3.0), 1e-12);
        let present: f64 = (0..).zip(&long).map(|(n, p)| f64::from(n) * p).sum();
        close(present, mmc_present(4, 3.0), 1e-12);
    }

    /// Exponential gaps make G/M/1 the M/M/1 queue, in which Pollaczek and Khinchine hold too: ρ/(1 − ρ).
    #[test]
    fn two_ways_to_mm1() {
        close(gm1_wait(1.0, |s| 0.8 / (0.8 + s)), 4.0, 1e-9);
        close(pollaczek_khinchine(0.8, 1.0, 1.0), 4.0, 1e-14);
        close(mmc_present(1, 0.8), 4.0, 1e-13);
    }

    /// A station that sends half of its customers back serves each twice.
    #[test]
    fn feedback_doubles_the_traffic() {
        let rates = traffic(&[1.0, 0.0], &[vec![0.5, 0.5], vec![]]);
        close(rates[0], 2.0, 1e-12);
        close(rates[1], 1.0, 1e-12);
    }
}

//! The workloads, identical for every engine, and what one measurement of them returns.

use std::fmt;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

/// Servers of the station, and arrivals per service time at it and at each node of the cluster.
pub const SERVERS: u32 = 100;
pub const LOAD: f64 = 0.9;
/// Nodes of the cluster, each with one server and its own line.
pub const NODES: usize = 10_000;
/// Sizes of the cluster's jobs are log-normal with mean 1 s: exp(σ²/2 + μ) = 1.
pub const SIGMA: f64 = 1.0;
pub const MU: f64 = -0.5;
/// The mean response of the cluster is that of the first so many jobs that finish, so that engines
/// which simulate a longer time are compared over the same phase of filling up.
pub const COMPARED_JOBS: u64 = 100_000;
/// With so many arrivals at least, there are arrivals as long as responses are compared.
pub const LEAST_JOBS: u64 = 150_000;

/// What is simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Workload {
    /// So many pending events; the earliest is taken and put back after an exponential time of mean 1 s.
    Hold(u32),
    /// Poisson arrivals, exponential services of mean 1 s, [`SERVERS`] servers and one line, served in order of arrival.
    Station,
    /// Poisson arrivals, each sent to the shorter of two lines drawn at random among [`NODES`].
    Cluster,
}

impl Workload {
    pub const ALL: [Self; 5] = [
        Self::Hold(1_000),
        Self::Hold(100_000),
        Self::Hold(1_000_000),
        Self::Station,
        Self::Cluster,
    ];

    /// As a measuring process is told: kind and size.
    pub fn arguments(self) -> [String; 2] {
        match self {
            Self::Hold(pending) => ["hold".to_owned(), pending.to_string()],
            Self::Station => ["station".to_owned(), SERVERS.to_string()],
            Self::Cluster => ["cluster".to_owned(), NODES.to_string()],
        }
    }

    pub fn from_arguments(kind: &str, size: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|workload| workload.arguments() == [kind, size])
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold(1_000) => f.write_str("hold 10³"),
            Self::Hold(100_000) => f.write_str("hold 10⁵"),
            Self::Hold(1_000_000) => f.write_str("hold 10⁶"),
            Self::Hold(pending) => write!(f, "hold {pending}"),
            Self::Station => write!(f, "M/M/{SERVERS}"),
            Self::Cluster => f.write_str("cluster"),
        }
    }
}

/// One measurement of a run.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// User CPU time of the run, without building the model [s].
    pub cpu: f64,
    /// What every engine must agree on: for the hold model, simulated time × pending / holds, which
    /// is 1 in expectation; otherwise the mean response [s].
    pub check: f64,
}

/// The mean response of the first jobs that finish.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Responses {
    wanted: u64,
    seen: u64,
    sum: f64,
}

impl Responses {
    pub fn of_all() -> Self {
        Self::of_first(u64::MAX)
    }

    pub fn of_first(wanted: u64) -> Self {
        Self {
            wanted,
            seen: 0,
            sum: 0.0,
        }
    }

    /// A job is done, `seconds` after it came.
    #[inline]
    pub fn record(&mut self, seconds: f64) {
        if self.seen < self.wanted {
            self.seen += 1;
            self.sum += seconds;
        }
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.seen as f64
    }
}

/// Runs `work` and returns the user CPU time that it took [s].
pub fn user_cpu(work: impl FnOnce()) -> f64 {
    let start = user_cpu_so_far();
    work();
    user_cpu_so_far() - start
}

fn user_cpu_so_far() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process may ask for its own usage");
    usage.user_time().num_microseconds() as f64 / 1e6
}

/// The mean response of M/M/c in steady state, in service times: 1 + C(c, cρ) / (c (1 − ρ)).
///
/// Erlang's C by the recursion of his B: L. Kleinrock, *Queueing Systems, Volume 1*, Wiley 1975, chapter 3.
pub fn erlang_response(servers: u32, load: f64) -> f64 {
    let offered = f64::from(servers) * load;
    let blocked = (1..=servers).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b));
    let waits = blocked / (1.0 - load * (1.0 - blocked));
    1.0 + waits / (f64::from(servers) * (1.0 - load))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M/M/1: 1 / (1 − ρ). M/M/2: 1 / (1 − ρ²). Ten servers: the tabulated probability of waiting, 0.668732.
    #[test]
    fn erlang_response_meets_closed_forms() {
        let check = |servers, load, expect: f64| {
            let found = erlang_response(servers, load);
            assert!((found - expect).abs() < 1e-6, "{found}, not {expect}");
        };
        check(1, 0.9, 10.0);
        check(2, 0.9, 1.0 / 0.19);
        check(10, 0.9, 1.668_732);
    }

    #[test]
    fn arguments_name_one_workload() {
        for workload in Workload::ALL {
            let [kind, size] = workload.arguments();
            assert_eq!(Workload::from_arguments(&kind, &size), Some(workload));
        }
        assert_eq!(Workload::from_arguments("hold", "7"), None);
    }
}

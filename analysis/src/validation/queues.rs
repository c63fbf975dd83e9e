//! Queues and networks in steady state against their closed forms.
//!
//! A replication starts empty and forgets its warm-up. The transient of M/M/1 decays as exp(−t/τ) with τ = (1 − √ρ)⁻² mean
//! services (P. M. Morse, *Queues, Inventories and Maintenance*, Wiley 1958, ch. 6), 380 at ρ = 0.9, and no other system here
//! is slower by more than the factor (1 + c²)/2 of its services; 10,000 mean services are cut, 26 τ.

use walras_des::queueing::{Network, Population, Station};
use walras_des::{Dist, DistError, SimTime, Streams};

use super::theory::{
    erlang_b, erlang_c, gm1_wait, mmc_present, mmck, pollaczek_khinchine, traffic,
};
use super::{Planned, REPLICATIONS, Row, Task};

/// What is cut before the measurement of a single server [s]; services take a second on average. Several servers forget as many
/// times faster; a tenth of the time is enough for ten and more.
const WARM_UP: f64 = 10_000.0;

/// Customers that a replication measures, about, unless a system says otherwise.
const CUSTOMERS: f64 = 100_000.0;

/// Times within the measurement at which Little's law is checked.
const AUDITS: u32 = 10;

/// A system and what is compared.
struct Experiment {
    name: String,
    stations: Vec<Station>,
    /// Customers from outside that are measured, about.
    customers: f64,
    quantities: Vec<Quantity>,
}

/// A figure of a replication with its closed form.
struct Quantity {
    name: &'static str,
    theory: f64,
    measure: Measure,
}

/// Reads a figure off a network at the end of its measurement.
type Measure = Box<dyn Fn(&Network, SimTime) -> f64 + Send + Sync>;

/// The closed forms of a single station, as far as they are known.
#[derive(Clone, Copy, Default)]
struct Forms {
    wait: Option<f64>,
    sojourn: Option<f64>,
    present: Option<f64>,
    busy: Option<f64>,
    blocked: Option<f64>,
    /// Share of customers who wait for `LONG` or longer.
    long_waits: Option<f64>,
}

/// The wait whose tail is compared [s]: a power of two, which bounds a bucket of the histogram.
const LONG: f64 = 8.0;

impl Experiment {
    /// A single station.
    fn station(name: impl Into<String>, station: Station, forms: Forms) -> Self {
        let servers = f64::from(station.servers);
        let mut quantities = Vec::new();
        let mut add = |name, theory: Option<f64>, measure: Measure| {
            quantities.extend(theory.map(|theory| Quantity {
                name,
                theory,
                measure,
            }));
        };
        let stay = |place: fn(&Network) -> &Population| -> Measure {
            Box::new(move |network, _| place(network).mean_stay())
        };
        add(
            "mean wait [s]",
            forms.wait,
            stay(|network| &network.tally(0).line),
        );
        add(
            "mean response [s]",
            forms.sojourn,
            stay(|network| &network.tally(0).station),
        );
        add(
            "P(wait ≥ 8 s)",
            forms.long_waits,
            Box::new(|network, _| network.tally(0).line.share_staying(LONG)),
        );
        add(
            "mean number",
            forms.present,
            Box::new(|network, now| network.tally(0).station.mean_present(now)),
        );
        add(
            "utilization",
            forms.busy,
            Box::new(move |network, now| network.tally(0).servers.mean_present(now) / servers),
        );
        add(
            "P(blocked)",
            forms.blocked,
            Box::new(|network, _| {
                let tally = network.tally(0);
                tally.blocked as f64 / tally.offered as f64
            }),
        );
        Self {
            name: name.into(),
            stations: vec![station],
            customers: CUSTOMERS,
            quantities,
        }
    }

    /// With so many customers in each replication.
    fn with(self, customers: f64) -> Self {
        Self { customers, ..self }
    }

    /// Runs all replications from `seed`.
    fn run(&self, seed: u64) -> Vec<Row> {
        let mut values = vec![Vec::new(); self.quantities.len()];
        let (mut customers, mut apart) = (0, 0);
        let servers = self.stations.iter().map(|station| station.servers).min();
        let warm_up = WARM_UP / f64::from(servers.unwrap_or(1).min(10));
        let rate: f64 = self.stations.iter().map(arrival_rate).sum();
        let length = self.customers / rate;
        for replication in 0..REPLICATIONS {
            let streams = Streams::new(seed, u64::from(replication));
            let mut engine = Network::new(&self.stations, &streams);
            engine.run_until(SimTime::from_secs_f64(warm_up));
            engine.model.forget(engine.now());
            for audit in 1..=AUDITS {
                let part = f64::from(audit) / f64::from(AUDITS);
                engine.run_until(SimTime::from_secs_f64(warm_up + length * part));
                apart = apart.max(engine.model.imbalance(engine.now()));
            }
            for (values, quantity) in values.iter_mut().zip(&self.quantities) {
                values.push((quantity.measure)(&engine.model, engine.now()));
            }
            customers += engine.model.everywhere().left();
        }
        let rows = self.quantities.iter().zip(&values);
        let rows = rows.map(|(quantity, values)| Row::mean(quantity.name, quantity.theory, values));
        let little = Row::exact(
            "Little's law",
            (0.0, apart as f64),
            customers,
            "customers",
            apart,
        );
        rows.chain([little]).collect()
    }
}

/// Customers from outside per second.
fn arrival_rate(station: &Station) -> f64 {
    let mean = station.gaps.as_ref().and_then(Dist::mean);
    mean.map_or(0.0, f64::recip)
}

/// Distributions whose parameters stand in this file.
fn law(dist: Result<Dist, DistError>) -> Dist {
    dist.expect("the parameters are good")
}

/// Gaps of a Poisson process [s].
fn poisson(rate: f64) -> Dist {
    law(Dist::exponential(1.0 / rate))
}

/// Exponential services of one second on average.
fn exponential() -> Dist {
    law(Dist::exponential(1.0))
}

/// General services of one second on average, with their names.
fn services() -> [(&'static str, Dist); 4] {
    [
        ("gamma services, c² = 0.5", law(Dist::gamma(2.0, 0.5))),
        (
            "log-normal services, c² = 1.7",
            law(Dist::lognormal(-0.5, 1.0)),
        ),
        ("hyperexponential services, c² = 4.6", bursty()),
        ("Weibull services, c² = 5", law(Dist::weibull(0.5, 0.5))),
    ]
}

/// One in ten services takes 5 s on average, the others 0.56 s.
fn bursty() -> Dist {
    law(Dist::hyperexponential(vec![(0.9, 1.8), (0.1, 0.2)]))
}

/// All systems in steady state.
pub(super) fn groups() -> Vec<Planned> {
    let plan = |title, about, experiments: Vec<Experiment>| Planned {
        title,
        about,
        tasks: experiments.into_iter().map(task).collect(),
    };
    vec![
        plan(
            "Markovian queues",
            "M/M/1, Erlang C and Erlang B: Kleinrock, Queueing Systems 1, 1975, ch. 3.",
            markovian(),
        ),
        plan(
            "General services and arrivals",
            "Pollaczek-Khinchine for M/G/1, the root of the transform for G/M/1: Kleinrock 1975, ch. 5 and 6; \
             Erlang B holds for any service (Sevast'yanov 1957).",
            general(),
        ),
        plan(
            "Processor sharing",
            "M/G/1-PS: E[S]/(1 - ρ) whatever the distribution of services: Kleinrock, Queueing Systems 2, 1976, sec. 4.4.",
            sharing(),
        ),
        plan(
            "Jackson network",
            "Three stations with feedback; each is an M/M/c queue: Jackson, Operations Research 5(4), 1957.",
            vec![jackson()],
        ),
    ]
}

fn task(experiment: Experiment) -> Task {
    Task::new(experiment.name.clone(), move |seed| experiment.run(seed))
}

fn markovian() -> Vec<Experiment> {
    let mut all = Vec::new();
    for (load, long) in [(0.5, 1.0), (0.8, 2.0), (0.9, 6.0)] {
        let forms = Forms {
            wait: Some(load / (1.0 - load)),
            present: Some(load / (1.0 - load)),
            busy: Some(load),
            long_waits: Some(load * f64::exp(-(1.0 - load) * LONG)),
            ..Forms::default()
        };
        let station = Station::new(1, exponential()).fed(poisson(load));
        let name = format!("M/M/1, ρ = {load}");
        all.push(Experiment::station(name, station, forms).with(long * CUSTOMERS));
    }
    for servers in [2, 10, 100] {
        let load = 0.9 * f64::from(servers);
        let waiting = erlang_c(servers, load);
        let forms = Forms {
            wait: Some(waiting / (f64::from(servers) - load)),
            present: Some(mmc_present(servers, load)),
            busy: Some(0.9),
            ..Forms::default()
        };
        let station = Station::new(servers, exponential()).fed(poisson(load));
        let name = format!("M/M/{servers}, ρ = 0.9");
        all.push(Experiment::station(name, station, forms).with(6.0 * CUSTOMERS));
    }
    for (servers, room, load) in [(1, 5, 0.9), (3, 8, 3.3), (10, 10, 8.0), (100, 100, 95.0)] {
        let states = mmck(servers, room, load);
        let mean = |of: fn(u32, u32) -> u32| -> f64 {
            let states = (0..).zip(&states);
            states.map(|(n, p)| f64::from(of(n, servers)) * p).sum()
        };
        let forms = Forms {
            blocked: states.last().copied(),
            present: Some(mean(|n, _| n)),
            busy: Some(mean(u32::min) / f64::from(servers)),
            ..Forms::default()
        };
        let station = Station::new(servers, exponential())
            .fed(poisson(load))
            .with_room(room);
        let name = format!("M/M/{servers}/{room}, {load} erlangs");
        all.push(Experiment::station(name, station, forms).with(2.0 * CUSTOMERS));
    }
    all
}

fn general() -> Vec<Experiment> {
    let mut all = Vec::new();
    let constant = ("M/D/1, ρ = 0.8".to_owned(), law(Dist::constant(1.0)), 0.8);
    let others =
        services().map(|(name, service)| (format!("M/G/1, ρ = 0.7, {name}"), service, 0.7));
    for (name, service, load) in [constant].into_iter().chain(others) {
        let variance = service.variance().expect("a finite variance");
        let wait = pollaczek_khinchine(load, 1.0, variance);
        let forms = Forms {
            wait: Some(wait),
            present: Some(load * (wait + 1.0)),
            busy: Some(load),
            ..Forms::default()
        };
        let station = Station::new(1, service).fed(poisson(load));
        all.push(Experiment::station(name, station, forms).with(3.0 * CUSTOMERS));
    }
    // Gaps of 1.25 s: always, and as the sum of two exponentials.
    let always = gm1_wait(1.0, |s| f64::exp(-1.25 * s));
    let erlang = gm1_wait(1.0, |s| (1.6 / (1.6 + s)) * (1.6 / (1.6 + s)));
    for (name, gaps, wait) in [
        ("D/M/1, ρ = 0.8", law(Dist::constant(1.25)), always),
        ("E₂/M/1, ρ = 0.8", law(Dist::gamma(2.0, 0.625)), erlang),
    ] {
        let forms = Forms {
            wait: Some(wait),
            present: Some(0.8 * (wait + 1.0)),
            busy: Some(0.8),
            ..Forms::default()
        };
        let station = Station::new(1, exponential()).fed(gaps);
        all.push(Experiment::station(name, station, forms));
    }
    let forms = Forms {
        blocked: Some(erlang_b(10, 8.0)),
        ..Forms::default()
    };
    let station = Station::new(10, bursty()).fed(poisson(8.0)).with_room(10);
    let name = "M/G/10/10, 8 erlangs, hyperexponential services, c² = 4.6";
    all.push(Experiment::station(name, station, forms).with(2.0 * CUSTOMERS));
    all
}

fn sharing() -> Vec<Experiment> {
    let load = 0.8;
    let constant = ("constant services", law(Dist::constant(1.0)));
    let [_, lognormal, hyperexponential, _] = services();
    let all = [
        constant,
        ("exponential services", exponential()),
        lognormal,
        hyperexponential,
    ];
    let experiment = |(name, service)| {
        let forms = Forms {
            sojourn: Some(1.0 / (1.0 - load)),
            present: Some(load / (1.0 - load)),
            ..Forms::default()
        };
        let station = Station::new(1, service).fed(poisson(load)).sharing();
        let name = format!("M/G/1-PS, ρ = {load}, {name}");
        Experiment::station(name, station, forms).with(2.0 * CUSTOMERS)
    };
    all.into_iter().map(experiment).collect()
}

/// Two of three stations are fed; customers go on, go back, and repeat.
fn jackson() -> Experiment {
    let outside = [0.8, 0.3, 0.0];
    let routes = [
        vec![0.0, 0.6, 0.3],
        vec![0.2, 0.0, 0.3],
        vec![0.0, 0.1, 0.1],
    ];
    let servers = [1, 2, 3];
    let means = [0.8, 1.6, 4.0];
    let rates = traffic(&outside, &routes);
    let stations = (0..3).map(|i| {
        let service = law(Dist::exponential(means[i]));
        let station = Station::new(servers[i], service).leading_to(&routes[i]);
        if outside[i] > 0.0 {
            station.fed(poisson(outside[i]))
        } else {
            station
        }
    });
    let present: Vec<f64> = (0..3)
        .map(|i| mmc_present(servers[i], rates[i] * means[i]))
        .collect();
    let measure = |i: usize| -> Measure {
        Box::new(move |network, now| network.tally(i).station.mean_present(now))
    };
    let names = [
        "mean number, station 1, c = 1",
        "mean number, station 2, c = 2",
        "mean number, station 3, c = 3",
    ];
    let mut quantities: Vec<Quantity> = (0..3)
        .map(|i| Quantity {
            name: names[i],
            theory: present[i],
            measure: measure(i),
        })
        .collect();
    quantities.push(Quantity {
        name: "mean sojourn [s]",
        theory: present.iter().sum::<f64>() / outside.iter().sum::<f64>(),
        measure: Box::new(|network, _| network.everywhere().mean_stay()),
    });
    Experiment {
        name: "three stations, ρ = 0.80, 0.79, 0.89".to_owned(),
        stations: stations.collect(),
        customers: 3.0 * CUSTOMERS,
        quantities,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::{Group, Report, System, Verdict};

    fn verdicts(experiment: &Experiment) -> Vec<Verdict> {
        let report = Report {
            seed: 7,
            groups: vec![Group {
                title: "test",
                about: "",
                systems: vec![System {
                    name: experiment.name.clone(),
                    rows: experiment.run(7),
                }],
            }],
            coverage: Vec::new(),
        };
        let verdict = |row| report.verdict(row);
        report.rows().map(verdict).collect()
    }

    /// The suite notices a system that is not the one of the closed form: services a tenth longer, and gamma instead of
    /// exponential services, which leave the utilization as it is.
    #[test]
    fn the_suite_can_fail() {
        let forms = Forms {
            wait: Some(1.0),
            busy: Some(0.5),
            ..Forms::default()
        };
        let check = |service: Dist| {
            let station = Station::new(1, service).fed(poisson(0.5));
            verdicts(&Experiment::station("test", station, forms))
        };
        let (ok, off) = (Verdict::Agrees, Verdict::Disagrees);
        assert_eq!(check(exponential()), [ok, ok, ok]);
        assert_eq!(check(law(Dist::exponential(1.1))), [off, off, ok]);
        assert_eq!(check(law(Dist::gamma(2.0, 0.5))), [off, ok, ok]);
    }
}

//! A swarm of small, nasty worlds: random platforms, loads and failures, checked against their own job tables and against books
//! that a bystander keeps.

mod common;

use std::sync::Arc;

use common::{deployment, device};
use walras_des::{Dist, Purpose, SimTime, Span, Stream, Streams};
use walras_sim::availability::{Availability, Onset, Outage, Pattern, Reach, Renewal};
use walras_sim::hardware::{Profile, Speculation};
use walras_sim::ids::{ProfileId, RegionId};
use walras_sim::knowledge::{Estimates, Knowledge, Reports, State};
use walras_sim::market::{BaseFee, Pricing};
use walras_sim::network::{Network, Region};
use walras_sim::platform::{
    Autoscaler, ColdStart, Fleet, KvLink, Offer, Ownership, Platform, Retry, Role, Settlement, Size,
};
use walras_sim::record::{
    Better, Fate, JobRow, JobTable, Latency, METRICS, MetricId, Nothing, Output, Range,
};
use walras_sim::scheduling::{Builtin, Cause, Orders, Policy, Scheduler};
use walras_sim::units::{Amount, Ppm};
use walras_sim::view::{Needs, View};
use walras_sim::workload::{Diurnal, Modulation, Prefixes, Slo, Source, Synthetic, Workload};
use walras_sim::world::bound::{Relaxation, Served};
use walras_sim::world::{Settings, World, run, simulate};

/// Worlds in the swarm; `SWARM` in the environment overrides it.
const WORLDS: u64 = 1_000;

/// One of `choices`.
fn any<T: Clone>(stream: &mut Stream, choices: &[T]) -> T {
    choices[stream.below(choices.len() as u64) as usize].clone()
}

/// A duration distribution around `mean`, in the unit of `mean`: none heavier than what was measured.
fn law(stream: &mut Stream, mean: f64) -> Dist {
    match if mean == 0.0 { 0 } else { stream.below(4) } {
        0 => Dist::constant(mean),
        1 => Dist::exponential(mean),
        2 => Dist::weibull(0.5, mean / 2.0),
        _ => Dist::uniform(0.0, 2.0 * mean),
    }
    .expect("the parameters are good")
}

fn availability(stream: &mut Stream) -> Availability {
    if stream.bernoulli(0.3) {
        return Availability::Always;
    }
    let classes = 1 + stream.below(2);
    let class = |stream: &mut Stream| {
        let (up, down) = (
            any(stream, &[0.5, 5.0, 60.0, 600.0]),
            any(stream, &[0.1, 5.0, 120.0]),
        );
        let renewal = Renewal {
            up: law(stream, up / 3600.0),
            down: law(stream, down / 3600.0),
        };
        (1.0 + stream.uniform(), Pattern::Renewal(renewal))
    };
    Availability::Mixed((0..classes).map(|_| class(stream)).collect())
}

fn outage(stream: &mut Stream, regions: u32) -> Outage {
    let mean = any(stream, &[5.0, 60.0, 600.0]);
    let lasts = law(stream, mean);
    Outage {
        name: String::new(),
        reach: any(
            stream,
            &[
                Reach::Blackout,
                Reach::Partition,
                Reach::ControlPlane,
                Reach::Dispatcher,
            ],
        ),
        regions: (0..=stream.below(u64::from(regions)) as u32)
            .take(regions as usize)
            .map(RegionId)
            .collect(),
        together: stream.bernoulli(0.5),
        onset: if stream.bernoulli(0.3) {
            Onset::At(SimTime::from_secs(stream.below(600)))
        } else {
            Onset::Every(law(stream, mean))
        },
        lasts,
    }
}

fn size(stream: &mut Stream) -> Size {
    if stream.bernoulli(0.5) {
        return Size::Fixed(1 + stream.below(8) as u32);
    }
    let min = stream.below(3) as u32;
    let provisioning = any(stream, &[0.0, 1.0, 30.0]);
    Size::Autoscaled(Autoscaler {
        min,
        max: min + 1 + stream.below(6) as u32,
        target: any(stream, &[0.5, 2.0, 8.0]),
        interval: any(stream, &[Span::SECOND, Span::SECOND * 10]),
        provisioning: law(stream, provisioning),
        cooldown: any(stream, &[Span::ZERO, Span::SECOND * 5, Span::MINUTE]),
    })
}

fn platform(stream: &mut Stream) -> Platform {
    let region_count = 1 + stream.below(3) as u32;
    let ids = || (0..region_count).map(RegionId);
    let regions = ids().map(|id| Region {
        name: format!("{id:?}"),
        electricity: 0.1,
        utc_offset: 0.0,
    });
    let links: Vec<_> = ids()
        .skip(1)
        .map(|id| (RegionId(0), id, any(stream, &[0.0, 0.02, 0.3, 8.0])))
        .collect();
    let inside = any(stream, &[0.0, 0.01]);
    let network = Network::new(regions.collect(), &links, inside).expect("a star is connected");
    let max_batch = any(stream, &[1, 2, 16, 64]);
    let token_budget = any(stream, &[64, 512, 2048]);
    let prefix_caching = stream.bernoulli(0.5);
    let speculation = stream.bernoulli(0.3).then_some(Speculation {
        drafted: 3,
        acceptance: 0.7,
        cost: 0.1,
    });
    let profiles = [19u64, 20, 24].map(|memory| {
        let mut device = device();
        device.memory = memory << 30;
        device.name = format!("{memory} GiB");
        if memory == 24 {
            device.kernels = device.kernels.scaled(0.01, 0.05);
        }
        let mut deployment = deployment(max_batch);
        deployment.token_budget = token_budget.max(4 * max_batch);
        deployment.speculation = speculation;
        deployment.prefix_caching = prefix_caching;
        Profile::new(&device, &deployment)
    });
    let fleets = (0..=stream.below(2)).map(|number| Fleet {
        name: format!("fleet {number}"),
        role: Role::Both,
        size: size(stream),
        ownership: any(stream, &[Ownership::One, Ownership::Each]),
        devices: vec![
            Offer {
                profile: ProfileId(stream.below(3) as u32),
                share: 1.0,
                usd_per_hour: 0.5,
            },
            Offer {
                profile: ProfileId(stream.below(3) as u32),
                share: stream.uniform(),
                usd_per_hour: 0.5,
            },
        ],
        regions: ids().map(|id| (id, 1.0)).collect(),
        availability: availability(stream),
        dispersed: stream.bernoulli(0.5),
        ask_sigma: any(stream, &[0.0, 0.5]),
        access: law(stream, any(&mut stream.clone(), &[0.0, 0.01, 2.0])),
        cold_start: stream.bernoulli(0.3).then(|| ColdStart {
            image: 1e9,
            bandwidth: law(stream, 1e8),
            load: law(stream, 5.0),
            keeps_image: stream.bernoulli(0.5),
        }),
    });
    let fleets = fleets.collect();
    let pricing = match stream.below(3) {
        0 => Pricing::Rental,
        1 => Pricing::ReverseAuction,
        _ => Pricing::BaseFee(BaseFee {
            initial: Amount::from_f64(any(stream, &[0.01, 0.3, 3.0])),
            floor: Amount::from_f64(0.001),
            prompt_weight: 0.2,
            target: any(stream, &[0.25, 0.5, 0.9]),
            denominator: 8,
            epoch: any(stream, &[Span::SECOND * 7, Span::MINUTE]),
        }),
    };
    let token_price = any(stream, &[None, Some(0.5), Some(1e-4), Some(3_000.0)]);
    Platform {
        name: "swarm".into(),
        network: Arc::new(network),
        profiles: profiles.into(),
        fleets,
        policy: any(
            stream,
            &[
                Policy::Random,
                Policy::RoundRobin,
                Policy::PowerOfChoices { d: 2 },
                Policy::LeastLoaded,
                Policy::JoinIdleQueue,
                Policy::LeastWorkLeft,
                Policy::Sparrow { probes: 2 },
                Policy::Hedged { quantile: 0.8 },
                Policy::WorkStealing { victims: 2 },
                Policy::ReverseAuction,
                Policy::Quorum {
                    copies: 3,
                    agree: 2,
                },
                Policy::CheapestWithinSlo,
                Policy::DeadlineAndBudget {
                    deadline: Span::SECOND * 30,
                },
                Policy::KvAware { d: 2 },
                Policy::PrefixAware { imbalance: 4 },
                Policy::AgeAware { d: 3 },
                Policy::ReputationAware { d: 3, prior: 1.0 },
            ],
        ),
        knowledge: Knowledge {
            state: any(
                stream,
                &[
                    State::Fresh,
                    State::Fresh,
                    State::Periodic(Reports {
                        every: Span::SECOND * 5,
                        adds_own: false,
                    }),
                    State::Gossip(Reports {
                        every: Span::MINUTE,
                        adds_own: true,
                    }),
                ],
            ),
            estimates: any(
                stream,
                &[
                    Estimates::None,
                    Estimates::Exact,
                    Estimates::Noisy { sigma: 2.0 },
                    Estimates::User { factor: 5.0 },
                ],
            ),
        },
        pricing,
        settlement: Settlement {
            token_price,
            take_rate: Ppm::from_fraction(any(stream, &[0.0, 0.05, 1.0])),
            burn: Ppm::from_fraction(any(stream, &[0.0, 0.5, 1.0])),
            stake: Amount::from_f64(any(stream, &[0.0, 10.0])),
            slash: Ppm::from_fraction(any(stream, &[0.0, 0.1, 1.0])),
        },
        retry: Retry {
            detection: any(
                stream,
                &[
                    Span::ZERO,
                    Span::SECOND,
                    Span::SECOND * 10,
                    Span::MINUTE * 5,
                ],
            ),
            max_attempts: 1 + stream.below(5) as u32,
        },
        slots: any(stream, &[1, 2, 8, 64]),
        outages: (0..stream.below(3))
            .map(|_| outage(stream, region_count))
            .collect(),
        kv_link: KvLink::default(),
    }
}

/// Splits the platform into nodes that prefill and nodes that decode, and perhaps some that do both.
fn split(platform: &mut Platform, stream: &mut Stream) {
    platform.policy = Policy::Disaggregated {
        d: any(stream, &[None, Some(1), Some(2)]),
    };
    platform.kv_link = KvLink {
        bandwidth: any(stream, &[1e6, 1e8, 1e9, 5e10, f64::INFINITY]),
        latency: any(stream, &[Span::ZERO, Span::SECOND]),
    };
    let more = platform.fleets[0].clone();
    platform.fleets.push(more);
    for fleet in &mut platform.fleets {
        fleet.role = any(stream, &[Role::Prefill, Role::Decode, Role::Both]);
    }
    platform.fleets[0].role = Role::Prefill;
    let last = platform.fleets.len() - 1;
    platform.fleets[last].role = any(stream, &[Role::Decode, Role::Decode, Role::Both]);
}

fn workload(stream: &mut Stream, regions: usize) -> Workload {
    let lengths = |stream: &mut Stream, longest: f64| match stream.below(3) {
        0 => Dist::constant(1.0),
        1 => Dist::uniform(1.0, longest),
        _ => Dist::lognormal(longest.ln() / 2.0, 1.0).and_then(|law| law.clamped(1.0, longest)),
    };
    let prompt = any(stream, &[500.0, 12_000.0]);
    let modulation = stream.bernoulli(0.2).then_some(Modulation {
        window: Span::SECOND * 10,
        sigma: 1.0,
        correlation: 0.5,
    });
    let diurnal = stream.bernoulli(0.2).then_some(Diurnal {
        amplitude: 1.0,
        peak: Span::MINUTE,
    });
    Workload {
        source: Source::Synthetic(Synthetic {
            rate: any(stream, &[0.05, 0.5, 5.0]),
            gap: any(stream, &[Dist::exponential(1.0), Dist::gamma(0.25, 4.0)])
                .expect("the parameters are good"),
            modulation,
            diurnal,
            prompt: lengths(stream, prompt).expect("the parameters are good"),
            output: lengths(stream, 300.0).expect("the parameters are good"),
            correlation: any(stream, &[-0.9, 0.0, 1.0]),
        }),
        origins: (0..regions).map(|id| (RegionId::new(id), 1.0)).collect(),
        slo: Slo {
            ttft: Span::SECOND * 2,
            tpot: Span::from_secs_f64(0.1),
        },
        patience: any(
            stream,
            &[
                Span::ZERO,
                Span::NANO,
                Span::SECOND,
                Span::MINUTE,
                Span::HOUR,
            ],
        ),
        budget: any(
            stream,
            &[
                None,
                None,
                Some(Dist::lognormal(-1.0, 1.0).expect("the parameters are good")),
            ],
        ),
        prefixes: stream.bernoulli(0.5).then(|| Prefixes {
            groups: 20,
            exponent: 1.0,
            length: Dist::exponential(300.0).expect("a mean"),
        }),
    }
}

/// A built-in policy and a bystander who keeps books of its own, from nothing but causes and orders.
struct Watched {
    inner: Builtin,
    slots: u32,
    /// Whether cards count what was placed and has not ended.
    is_fresh: bool,
    /// Jobs on each node by the bystander's books.
    outstanding: Vec<u32>,
}

impl Scheduler for Watched {
    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.outstanding.resize(view.node_count(), 0);
        match cause {
            Cause::NodeJoined(node) => self.outstanding[node.index()] = 0,
            Cause::SlotFreed(node) => {
                let count = &mut self.outstanding[node.index()];
                // An answer of an earlier stay frees no slot of this one.
                *count = count.saturating_sub(1);
            }
            _ => {}
        }
        assert_eq!(view.waiting().count(), view.waiting_len() as usize);
        for &node in view.nodes_up() {
            let card = view.node(node);
            assert!(card.is_up());
            assert!(card.observed_at <= view.now() && card.up_since <= view.now());
            // Of a job whose end left its node idle, the bystander hears in the next cause.
            if !self.is_fresh || matches!(cause, Cause::NodeIdle(_)) {
                continue;
            }
            assert!(card.outstanding <= self.slots);
            assert_eq!(
                card.outstanding,
                self.outstanding[node.index()],
                "slots of {node:?} leak at {} on {cause:?} under {:.40}",
                view.now(),
                format!("{:?}", self.inner)
            );
        }
        for job in view.waiting() {
            assert!(view.job(job).submitted <= view.now());
        }
        // On old reports a node may look full, and with late binding a job waits for its own nodes.
        let conserves_work = self.is_fresh && !matches!(self.inner, Builtin::Sparrow(_));
        if let (Cause::JobArrived(new), true) = (cause, conserves_work) {
            for job in view.waiting().filter(|&job| job != new) {
                assert!(
                    !view.nodes_up().iter().any(|&node| view.eligible(job, node)),
                    "{job:?} waits while a node would take it"
                );
            }
        }
        for &job in view.prefilled() {
            let prefiller = view
                .job(job)
                .prefilled_by()
                .expect("its prompt is computed");
            assert_eq!(view.node(prefiller).role, Role::Prefill);
            assert!(!view.is_waiting(job), "a job waits for one thing");
            assert!(
                !self.is_fresh
                    || !matches!(cause, Cause::JobArrived(_))
                    || !view
                        .nodes_up()
                        .iter()
                        .any(|&node| view.decodable(job, node)),
                "{job:?} is ready while a node would go on with it"
            );
        }
        let mut own = Orders::default();
        self.inner.decide(cause, view, &mut own);
        // The bystander reads the orders from their text: they have no other public face.
        let text = format!("{own:?}");
        let text = text
            .replace("Copy(", "Place(")
            .replace("Decode(", "Place(")
            .replace("PlaceAt(", "Place(");
        for place in text.split("Place(JobId(").skip(1) {
            let node = place.split("NodeId(").nth(1).expect("a node");
            let node: usize = node
                .split(')')
                .next()
                .expect("a number")
                .parse()
                .expect("a number");
            self.outstanding[node] += 1;
        }
        *orders = own;
    }
}

fn close(found: f64, expected: f64, what: &str, world: u64) {
    assert!(
        (found - expected).abs() <= 1e-6 * expected.abs().max(1e-6),
        "world {world}: {what} is {found}, not {expected}"
    );
}

/// The figures against the rows.
fn check(
    world: u64,
    platform: &Platform,
    workload: &Workload,
    settings: &Settings,
    output: &Output,
) {
    let (counts, rows) = (output.counts, &output.jobs);
    let live = counts.submitted - counts.completed - counts.failed - counts.rejected;
    assert_eq!(live, counts.live);
    assert_eq!(
        rows.len() as u64,
        counts.submitted - live,
        "world {world}: a row per ended job"
    );
    assert_eq!(
        counts.refused_orders, 0,
        "world {world}: built-in policies only order what is legal"
    );
    let mut seen = vec![false; counts.submitted as usize];
    let horizon = SimTime::ZERO + settings.horizon;
    for row in rows {
        assert!(
            !std::mem::replace(&mut seen[row.serial as usize], true),
            "world {world}: ended twice"
        );
        check_row(world, platform, workload, horizon, row);
    }
    for fate in [Fate::Completed, Fate::Failed, Fate::Rejected] {
        let count = rows.iter().filter(|row| row.fate == fate).count() as u64;
        let counted = match fate {
            Fate::Completed => counts.completed,
            Fate::Failed => counts.failed,
            Fate::Rejected => counts.rejected,
        };
        assert_eq!(count, counted, "world {world}: {fate:?}");
    }
    if live > 0 {
        return; // the drain was cut off; figures include jobs without a row
    }
    if let Policy::Hedged { .. } | Policy::Quorum { .. } = platform.policy {
        return; // copies are lost and paid without a row of their own
    }
    check_figures(world, platform, workload, settings, output);
    check_samples(world, platform, output);
}

fn check_row(world: u64, platform: &Platform, workload: &Workload, horizon: SimTime, row: &JobRow) {
    assert!(row.submitted <= horizon && row.submitted <= row.ended);
    assert!(
        row.attempts <= platform.retry.max_attempts,
        "world {world}: {row:?}"
    );
    let total = (row.ended - row.submitted).as_secs_f64();
    match row.fate {
        Fate::Completed => {
            let ttft = row.ttft.expect("completed");
            assert!(row.attempts >= 1 && row.node.is_some());
            assert!(ttft <= total && ttft > 0.0 && row.tpot.is_none_or(|tpot| tpot > 0.0));
            let alone = platform
                .profiles
                .iter()
                .map(|profile| profile.alone(row.prompt_tokens, row.output_tokens))
                .fold(f64::INFINITY, f64::min);
            let deployment = &platform.profiles[0].deployment;
            let is_plain = !deployment.prefix_caching && deployment.speculation.is_none();
            assert!(
                !is_plain || total >= alone * (1.0 - 1e-9),
                "world {world}: {total} s, faster than alone on the fastest device: {row:?}"
            );
            let fits = platform.profiles.iter().any(|profile| {
                profile.kv_capacity() >= u64::from(row.prompt_tokens) + u64::from(row.output_tokens)
            });
            assert!(fits, "world {world}: served what fits nowhere");
        }
        Fate::Failed => {
            assert_eq!(row.attempts, platform.retry.max_attempts);
            let least = platform.retry.detection.as_secs_f64() * f64::from(row.attempts);
            assert!(
                total >= least * (1.0 - 1e-12),
                "world {world}: given up too early: {row:?}"
            );
        }
        Fate::Rejected => {
            assert!(row.attempts < platform.retry.max_attempts);
            let patience = workload.patience;
            if row.attempts == 0 {
                assert_eq!(
                    row.ended,
                    row.submitted + patience,
                    "world {world}: {row:?}"
                );
            }
            assert!(row.ended >= row.submitted + patience);
        }
    }
    if row.fate != Fate::Completed {
        assert_eq!((row.paid, row.ttft, row.node), (0.0, None, None));
    }
    if platform.pricing == Pricing::Rental {
        assert_eq!(row.paid, 0.0);
    }
}

fn check_figures(
    world: u64,
    platform: &Platform,
    workload: &Workload,
    settings: &Settings,
    output: &Output,
) {
    let get = |id| output.metrics.get(id);
    for (id, metric) in MetricId::all().zip(METRICS) {
        let Some(value) = get(id) else { continue };
        let good = match metric.range {
            Range::Any => value.is_finite(),
            Range::NonNegative => value >= 0.0 && value.is_finite(),
            Range::Share => (-1e-9..=1.0 + 1e-9).contains(&value),
        };
        assert!(good, "world {world}: {} = {value}", metric.name);
    }
    let from = SimTime::ZERO + settings.warm_up;
    let window = (settings.horizon.as_nanos() - settings.warm_up.as_nanos()) as f64 / 1e9;
    let days = window / 86_400.0;
    let rows: Vec<&JobRow> = output
        .jobs
        .iter()
        .filter(|row| row.submitted >= from)
        .collect();
    let done: Vec<&&JobRow> = rows
        .iter()
        .filter(|row| row.fate == Fate::Completed)
        .collect();
    let within = |row: &&&&JobRow| {
        row.ttft
            .is_some_and(|x| x <= workload.slo.ttft.as_secs_f64())
            && row
                .tpot
                .is_none_or(|x| x <= workload.slo.tpot.as_secs_f64())
    };
    let good = done.iter().filter(within).count() as f64;
    let tokens: f64 = done.iter().map(|row| f64::from(row.output_tokens)).sum();
    let share =
        |fate| rows.iter().filter(|row| row.fate == fate).count() as f64 / rows.len() as f64;
    if !rows.is_empty() {
        for (id, expected) in [
            (MetricId::Completed, share(Fate::Completed)),
            (MetricId::Failed, share(Fate::Failed)),
            (MetricId::Rejected, share(Fate::Rejected)),
            (MetricId::SloAttainment, good / rows.len() as f64),
            (MetricId::Goodput, good / window),
            (MetricId::OutputRate, tokens / window),
        ] {
            close(
                get(id).expect("there are rows"),
                expected,
                id.metric().name,
                world,
            );
        }
        // A placement ends in a delivery or in a loss; nothing is lost twice.
        let placements: f64 = rows.iter().map(|row| f64::from(row.attempts)).sum();
        let losses = get(MetricId::Losses).expect("there are rows") / 1e3 * rows.len() as f64;
        close(losses, placements - done.len() as f64, "losses", world);
    }
    assert_eq!(output.latencies[Latency::Ttft].count(), done.len() as u64);
    let spend = get(MetricId::Spend).expect("the window has a length") * days;
    let fees = get(MetricId::ProtocolFees).expect("as above") * days;
    let up = get(MetricId::NodesAvailable).expect("as above") * window;
    let slashed = get(MetricId::Slashed).expect("as above") * days;
    let most: u32 = platform.fleets.iter().map(|fleet| fleet.size.max()).sum();
    assert!(up <= f64::from(most) * window * (1.0 + 1e-9));
    // Node-days of an elastic fleet include the starting instances, which no figure reports apart.
    let is_fixed = platform
        .fleets
        .iter()
        .all(|fleet| matches!(fleet.size, Size::Fixed(_)));
    if let Some(revenue) = get(MetricId::OwnerRevenue).filter(|_| is_fixed) {
        let owners = revenue * up / 86_400.0 + slashed;
        assert!(
            (owners + fees - spend).abs() < 1e-7 * spend.max(1.0),
            "world {world}: customers paid {spend}, owners got {owners}, the protocol {fees}"
        );
    }
    if let (Some(energy), Some(utilization)) = (get(MetricId::Energy), get(MetricId::Utilization)) {
        // All devices of the swarm draw 30 W idle and 400 W at work, and power costs the same everywhere.
        let drawn = (30.0 * up + 370.0 * utilization * up) / 3.6e6;
        close(energy * tokens / 1e6, drawn, "energy", world);
        if is_fixed {
            let cost = get(MetricId::OwnerPowerCost).expect("nodes were up") * up / 86_400.0;
            close(cost, 0.1 * drawn, "power cost", world);
        }
    }
    if platform.pricing == Pricing::Rental {
        // Each bill is rounded down to the base unit, and a node that comes and goes gets thousands of bills.
        let fixed = platform
            .fleets
            .iter()
            .all(|fleet| fleet.ask_sigma == 0.0 && matches!(fleet.size, Size::Fixed(_)));
        let flat = platform.fleets.iter().all(|fleet| fleet.ask_sigma == 0.0);
        let due = 0.5 * up / 3600.0;
        if fixed {
            assert!(
                (spend - due).abs() < 1e-4 * due + 1e-6,
                "world {world}: rent of {spend}, due {due}"
            );
        } else if flat {
            assert!(
                spend >= due - 1e-4 * due - 1e-6,
                "world {world}: rent of {spend}, due {due}"
            );
            assert!(spend <= 0.5 * f64::from(most) * window / 3600.0 + 1e-6);
        }
    } else {
        let paid: f64 = done.iter().map(|row| row.paid).sum();
        close(spend, paid, "spend", world);
    }
    if let Some(batch) = get(MetricId::BatchSize) {
        let most = f64::from(platform.profiles[0].max_batch);
        assert!(
            batch <= most * (1.0 + 1e-9),
            "world {world}: a mean batch of {batch}, at most {most}"
        );
    }
}

fn check_samples(world: u64, platform: &Platform, output: &Output) {
    let most: u32 = platform.fleets.iter().map(|fleet| fleet.size.max()).sum();
    let mut submitted = 0;
    for sample in &output.samples {
        assert!(sample.nodes_busy <= sample.nodes_up && sample.nodes_up <= most);
        assert!(sample.jobs_waiting <= sample.jobs_live && sample.within_slo <= sample.completed);
        submitted += u64::from(sample.submitted);
        if let Pricing::BaseFee(rule) = &platform.pricing {
            let now = sample.base_fee.expect("there is a base fee");
            assert!(now >= rule.floor.as_f64());
        }
    }
    assert!(submitted <= output.counts.submitted, "world {world}");
}

/// No world beats its clairvoyant relaxation, in any figure that has a bound.
fn check_bounds(
    world: u64,
    platform: &Platform,
    workload: &Workload,
    settings: &Settings,
    output: &Output,
) {
    let replication = u32::try_from(world).expect("few");
    let relaxed = Relaxation::new(platform, workload, settings, 78, replication);
    for id in MetricId::all() {
        let Some(bound) = relaxed.bound(id, Served::from(output)) else {
            continue;
        };
        let Some(value) = output.metrics.get(id) else {
            continue;
        };
        let rounding = 1e-9 * bound.abs().max(1e-9);
        let holds = match id.metric().better {
            Better::Higher => value <= bound + rounding,
            Better::Lower | Better::Neither => value >= bound - rounding,
        };
        let name = id.metric().name;
        assert!(
            holds,
            "world {world}: {name} is {value}, beyond the bound of {bound}"
        );
    }
}

#[test]
fn books_figures_and_rows_agree_in_every_world() {
    let number = |name: &str, default| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (first, worlds) = (number("FIRST", 0), number("SWARM", WORLDS));
    let (mut submitted, mut completed, mut failed, mut rejected, mut cut) = (0, 0, 0, 0, 0);
    for world in first..first + worlds {
        let mut stream = Streams::new(77, world).open(Purpose::new("swarm"), 0);
        let mut platform = platform(&mut stream);
        if platform.policy == Policy::ReverseAuction {
            platform.pricing = Pricing::ReverseAuction;
        }
        let workload = workload(&mut stream, platform.network.regions().len());
        if stream.bernoulli(0.2) {
            split(&mut platform, &mut stream);
        }
        let horizon = any(
            &mut stream,
            &[
                Span::NANO * 10,
                Span::SECOND * 3,
                Span::MINUTE,
                Span::MINUTE * 5,
            ],
        );
        let warm_up = any(&mut stream, &[0, 0, horizon.as_nanos() / 3]);
        let settings = Settings {
            horizon,
            warm_up: Span::from_nanos(warm_up),
            sample_every: any(&mut stream, &[Span::NANO * 3, Span::SECOND, Span::MINUTE])
                .max(Span::from_nanos(horizon.as_nanos() / 100)),
        };
        let streams = Streams::new(78, world);
        let watched = Watched {
            inner: platform.policy.build(&streams),
            slots: platform.slots,
            // Nor does the bystander know which attempts to steal succeed.
            is_fresh: platform.knowledge.state == State::Fresh
                && !matches!(platform.policy, Policy::WorkStealing { .. }),
            outstanding: Vec::new(),
        };
        let table = JobTable::default();
        let output = run(
            World::new(&platform, &workload, &settings, &streams, watched, table),
            &|| false,
        );
        let output = output.expect("not stopped");
        check(world, &platform, &workload, &settings, &output);
        check_bounds(world, &platform, &workload, &settings, &output);
        if world % 4 == 0 {
            let cold = Settings {
                warm_up: Span::ZERO,
                ..settings
            };
            let again = simulate(
                &platform,
                &workload,
                &cold,
                78,
                u32::try_from(world).expect("few"),
                Nothing,
                &|| false,
            );
            assert_eq!(
                again.expect("not stopped").digest,
                output.digest,
                "world {world}"
            );
        }
        submitted += output.counts.submitted;
        completed += output.counts.completed;
        failed += output.counts.failed;
        rejected += output.counts.rejected;
        cut += output.counts.live;
    }
    eprintln!(
        "{submitted} jobs: {completed} completed, {failed} failed, {rejected} rejected, {cut} cut off"
    );
    assert!(
        completed > 0 && failed > 0 && rejected > 0,
        "the swarm reaches every fate"
    );
}

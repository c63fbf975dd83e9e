//! Lowers batch jobs and the clusters that run them.

use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_sim::availability::Availability;
use walras_sim::cluster::job::{Checkpoint, Demand, Elastic, Job, Speedup};
use walras_sim::cluster::node::{GPUS, Kind};
use walras_sim::cluster::plan::Planner;
use walras_sim::cluster::policy::builtin::{By, Policy};
use walras_sim::cluster::policy::delay::{Patience, Turn};
use walras_sim::cluster::policy::elastic::Division;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::max_min::Between;
use walras_sim::cluster::policy::ordered::Blocked;
use walras_sim::cluster::policy::planned::Scope;
use walras_sim::cluster::site::Site;
use walras_sim::cluster::store::{Object, Placement, Storage};
use walras_sim::cluster::transfers::{Links, Transfers};
use walras_sim::cluster::workload::{Arrivals, Class, Shape, Source, Synthetic, Workload};
use walras_sim::cluster::world::{Cluster, Estimates};
use walras_sim::ids::RegionId;
use walras_sim::network::egress::Egress;
use walras_sim::network::topology::{Site as Place, Trunk};

use super::{Files, Tables, TraceProblem, availability, positive, shares, span, unknown};
use crate::batch::{Batch, Machine, Names};
use crate::plan;
use crate::registry;
use crate::report::{At, Report};
use crate::spec::Named;
use crate::spec::cluster::{
    BetweenSpec, CheckpointSpec, ClusterSchedulerSpec, ClusterSpec, DivisionSpec, ElasticSpec,
    FitSpec, JobArrivalsSpec, JobClassSpec, JobsSource, JobsSpec, NetworkSpec, NodesSpec,
    ObjectsSpec, OrderedSpec, PlannerSpec, ScopeSpec, ShapeSpec, StorageSpec, SyntheticJobsSpec,
    TaskEstimatesSpec, TurnSpec, WorkersSpec,
};

/// Labels that a scenario can tell apart: bits of a word.
const LABELS: usize = 64;

/// Of a core or a GPU.
const THOUSANDTHS: f64 = 1e3;
const MIB_PER_GIB: f64 = 1024.0;
/// [s]
const HOUR: f64 = 3600.0;

pub(super) fn lower(
    report: &mut Report,
    tables: &Tables,
    jobs: Option<&JobsSpec>,
    clusters: &[(String, Option<ClusterSpec>)],
    horizon: Option<Span>,
    files: &mut dyn Files,
) -> Option<plan::Batch> {
    let mut labels = Names::default();
    let objects = jobs.and_then(|jobs| jobs.objects.as_ref()).zip(horizon);
    let workload = jobs.and_then(|jobs| workload(report, jobs, &mut labels, files));
    let mut around = Around {
        tables,
        objects,
        knows_jobs: jobs.is_some() && horizon.is_some(),
        labels,
        files,
    };
    let root = At::root("clusters");
    let sites: Vec<Option<Site>> = clusters
        .iter()
        .map(|(name, spec)| {
            let (at, spec) = (root.key(name), spec.as_ref()?);
            site(report, &at, name, spec, &mut around)
        })
        .collect();
    let labels = around.labels;
    if labels.0.len() > LABELS {
        let message = format!(
            "jobs and nodes carry {} different labels, {LABELS} at most can be told apart",
            labels.0.len()
        );
        report.add(&At::root("jobs"), message, None);
        return None;
    }
    let sites: Option<Vec<Site>> = sites.into_iter().collect();
    let (workload, sites) = (workload?, sites?);
    for site in &sites {
        let shares = matches!(site.policy, Policy::Ps | Policy::Las);
        if shares && !can_share(&workload.source) {
            let cluster = root.key(&site.name);
            let message = format!(
                "`{}` divides cores between tasks of one worker without GPUs, and there are others",
                site.policy
            );
            let hint = "another scheduler, such as `fcfs`, or jobs of that kind alone";
            report.add(&cluster.key("scheduler"), message, Some(hint.to_owned()));
        }
    }
    Some(plan::Batch { sites, workload })
}

/// Whether all tasks have one worker and no GPU, so that they can share a node's cores.
fn can_share(source: &Source) -> bool {
    let is_plain = |workers: u32, demand: &Demand| workers == 1 && demand.gpus == 0;
    match source {
        Source::Recorded { jobs, .. } => {
            let mut tasks = jobs.iter().flat_map(|job| &job.tasks);
            tasks.all(|task| is_plain(task.workers, &task.demand))
        }
        Source::Synthetic(synthetic) => synthetic.classes.iter().all(|(_, class)| {
            let mut workers = class.workers.iter();
            class.elastic.is_none() && workers.all(|&(_, count)| is_plain(count, &class.demand))
        }),
    }
}

fn workload(
    report: &mut Report,
    spec: &JobsSpec,
    labels: &mut Names,
    files: &mut dyn Files,
) -> Option<Workload> {
    let at = At::root("jobs");
    let source = match &spec.source {
        JobsSource::Trace(file) => {
            recorded(report, &at, file, spec, files).map(|(source, named)| {
                *labels = named;
                source
            })
        }
        JobsSource::Synthetic(synthetic) => {
            if spec.resample.is_some() {
                let hint = Some("remove it, or use a `trace`".to_owned());
                let message = "jobs drawn from classes are different in each replication anyway";
                report.add(&at.key("resample"), message, hint);
            }
            let source = at.key("source");
            let at = source.key("synthetic");
            self::synthetic(report, &at, synthetic, spec.rate_factor, labels).map(Source::Synthetic)
        }
    };
    let checkpoint = match &spec.checkpoint {
        None => None,
        Some(spec) => Some(checkpoint(report, &at.key("checkpoint"), spec)?),
    };
    if let (JobsSource::Trace(_), Some(_)) = (&spec.source, &spec.objects) {
        let message = "recorded jobs do not say which objects they read";
        report.add(&at.key("objects"), message, Some("remove it".to_owned()));
        return None;
    }
    Some(Workload {
        source: source?,
        objects: spec
            .objects
            .map(|objects| (objects.count, objects.exponent)),
        deadline: spec.deadline_factor,
        checkpoint,
    })
}

fn recorded(
    report: &mut Report,
    at: &At<'_>,
    file: &str,
    spec: &JobsSpec,
    files: &mut dyn Files,
) -> Option<(Source, Names)> {
    let source = at.key("source");
    let Batch {
        mut jobs, labels, ..
    } = found(report, &source.key("trace"), "jobs", file, files.jobs(file))?;
    for job in &mut jobs {
        sped_up(job, spec.rate_factor);
    }
    let resample = match spec.resample {
        None => None,
        Some(block) => Some(positive(report, &at.key("resample"), block.0)?),
    };
    let jobs: Arc<[Job]> = jobs.into();
    Some((Source::Recorded { jobs, resample }, labels))
}

/// What was read of a file, or its problem.
fn found<T>(
    report: &mut Report,
    at: &At<'_>,
    kind: &str,
    file: &str,
    read: Result<T, TraceProblem>,
) -> Option<T> {
    match read {
        Ok(content) => Some(content),
        Err(TraceProblem::Missing(reason, hint)) => {
            let message = format!("cannot read the {kind} `{file}`: {reason}");
            report.add(at, message, hint.map(str::to_owned));
            None
        }
        Err(TraceProblem::Broken(issues)) => {
            report.issues.extend(issues);
            None
        }
    }
}

fn sped_up(job: &mut Job, factor: f64) {
    if (factor - 1.0).abs() > f64::EPSILON {
        let at = Span::from_secs_f64(job.submitted.as_secs_f64() / factor);
        let submitted = SimTime::ZERO + at;
        let deadline = job
            .deadline
            .map(|deadline| submitted + (deadline - job.submitted));
        (job.submitted, job.deadline) = (submitted, deadline);
    }
}

fn checkpoint(report: &mut Report, at: &At<'_>, spec: &CheckpointSpec) -> Option<Checkpoint> {
    let cost = span(spec.cost.0);
    match (spec.interval, spec.mtbf) {
        (Some(interval), None) => Some(Checkpoint {
            interval: positive(report, &at.key("interval"), interval.0)?,
            cost,
        }),
        (None, Some(mtbf)) => {
            let mtbf = positive(report, &at.key("mtbf"), mtbf.0)?;
            let checkpoint = Checkpoint::young(cost, mtbf);
            if checkpoint.interval == Span::ZERO {
                let message = "checkpoints that cost nothing would be written all the time";
                report.add(
                    &at.key("cost"),
                    message,
                    Some("give an `interval`".to_owned()),
                );
                return None;
            }
            Some(checkpoint)
        }
        (given, _) => {
            let found = if given.is_some() { "both" } else { "neither" };
            let message = format!("expected one of `interval` and `mtbf`, found {found}");
            report.add(at, message, None);
            None
        }
    }
}

fn synthetic(
    report: &mut Report,
    at: &At<'_>,
    spec: &SyntheticJobsSpec,
    rate_factor: f64,
    labels: &mut Names,
) -> Option<Synthetic> {
    let arrivals = match spec.arrivals {
        JobArrivalsSpec::Poisson(rate) => Arrivals::Poisson(rate.0 * rate_factor),
        JobArrivalsSpec::AtOnce(count) => Arrivals::AtOnce(count),
    };
    let all = at.key("classes");
    let weights = spec.classes.iter().map(|entry| (entry, entry.1.share));
    let classes = shares::normalised(report, &all, weights.collect())?;
    let classes: Vec<Option<(f64, Class)>> = classes
        .into_iter()
        .map(|((name, spec), share)| Some((share, class(report, &all.key(name), spec, labels)?)))
        .collect();
    let classes: Option<Vec<_>> = classes.into_iter().collect();
    Some(Synthetic {
        arrivals,
        users: (spec.users.count, spec.users.exponent),
        classes: classes?,
    })
}

fn class(
    report: &mut Report,
    at: &At<'_>,
    spec: &JobClassSpec,
    labels: &mut Names,
) -> Option<Class> {
    let work = report.check(&at.key("work"), spec.work.build(1.0));
    let workers = workers(report, &at.key("workers"), &spec.workers);
    let demand = demand(report, at, spec, labels);
    if spec.workflow.is_some() && !matches!(spec.workers, WorkersSpec::Fixed(1)) {
        let message = "tasks of a workflow have one worker each";
        report.add(
            &at.key("workers"),
            message,
            Some("remove `workers`".to_owned()),
        );
        return None;
    }
    let shape = |spec: ShapeSpec| Shape {
        tasks: spec.tasks,
        fat: spec.fat,
        parents: spec.parents,
        bytes: spec.megabytes * 1e6,
    };
    Some(Class {
        work: work?,
        workers: workers?,
        demand: demand?,
        walltime: spec.walltime_factor,
        workflow: spec.workflow.map(shape),
        elastic: match &spec.elastic {
            None => None,
            Some(spec) => Some(elastic(report, &at.key("elastic"), spec)?),
        },
        reads: spec.reads,
    })
}

fn workers(report: &mut Report, at: &At<'_>, spec: &WorkersSpec) -> Option<Vec<(f64, u32)>> {
    let weights = match spec {
        WorkersSpec::Fixed(count) => return Some(vec![(1.0, *count)]),
        WorkersSpec::Shares(weights) => weights,
    };
    let mut found = Vec::with_capacity(weights.len());
    for (name, weight) in weights {
        if let Ok(count @ 1..=100_000) = name.parse::<u32>() {
            found.push((count, *weight));
        } else {
            let message = format!("`{name}` is no number of workers");
            let hint = "a whole number from 1 to 100000, as in `{1: 70 %, 8: 30 %}`";
            report.add_to_key(&at.key(name), message, Some(hint.to_owned()));
        }
    }
    if found.len() < weights.len() {
        return None;
    }
    let shares = shares::normalised(report, at, found)?;
    Some(
        shares
            .into_iter()
            .map(|(count, share)| (share, count))
            .collect(),
    )
}

fn demand(
    report: &mut Report,
    at: &At<'_>,
    spec: &JobClassSpec,
    labels: &mut Names,
) -> Option<Demand> {
    let (gpus, gpu_share) = if spec.gpus < 1.0 {
        let share = thousandths(spec.gpus);
        (u8::from(share > 0), share)
    } else if spec.gpus.fract() == 0.0 {
        (spec.gpus as u32 as u8, 1000)
    } else {
        let message = format!(
            "{} GPUs are neither a whole number nor a share of one",
            spec.gpus
        );
        let hint = "a worker that needs more than one takes each of them alone".to_owned();
        report.add(&at.key("gpus"), message, Some(hint));
        return None;
    };
    Some(Demand {
        cpu: thousandths(spec.cores),
        memory: (spec.memory_gib * MIB_PER_GIB).round() as u32,
        gpus,
        gpu_share: gpu_share as u16,
        labels: bits(labels, &spec.labels),
    })
}

fn thousandths(of: f64) -> u32 {
    (of * THOUSANDTHS).round() as u32
}

/// Labels as bits; numbers beyond the last bit are told of later.
fn bits(labels: &mut Names, names: &[String]) -> u64 {
    let bits = names.iter().map(|name| {
        let number = labels.number(name);
        1_u64.checked_shl(number).unwrap_or(0)
    });
    bits.fold(0, |all, bit| all | bit)
}

/// The links of all nodes, in the regions of their kinds.
fn links(
    report: &mut Report,
    at: &At<'_>,
    spec: &ClusterSpec,
    tables: &Tables,
    nodes: &[usize],
    (up, down): (f64, f64),
    trunk: Option<f64>,
) -> Option<Links> {
    let known = &tables.catalog.geography.regions;
    let all = at.key("nodes");
    let mut regions = Vec::with_capacity(spec.nodes.len());
    for (name, kind) in &spec.nodes {
        let at = all.key(name);
        let at = at.key("region");
        let Some(region) = &kind.region else {
            regions.push(None);
            continue;
        };
        let Some(index) = known.get_index_of(region) else {
            let names = known.keys().map(String::as_str);
            unknown(report, &at, "region", region, names);
            return None;
        };
        regions.push(Some(RegionId::new(index)));
    }
    if regions.iter().all(Option::is_none) {
        return Some(Links::star(nodes.len(), up, down));
    }
    let complete: Option<Vec<RegionId>> = regions.into_iter().collect();
    let Some(regions) = complete else {
        let message = "some kinds of nodes say where they are, and others do not";
        report.add(&all, message, Some("give each a `region`".to_owned()));
        return None;
    };
    let site = |&kind: &usize| Place {
        region: regions[kind],
        up,
        down,
    };
    let trunks = trunk.map_or_else(Vec::new, |capacity| {
        let id = |name: &str| known.get_index_of(name).map(RegionId::new);
        let pairs = tables.catalog.geography.links.iter();
        let between = pairs.filter_map(|link| Some((id(&link.between.0)?, id(&link.between.1)?)));
        between.map(|between| Trunk { between, capacity }).collect()
    });
    let sites = nodes.iter().map(site).collect();
    Some(Links::new(&tables.network, sites, trunks))
}

fn egress_of(report: &mut Report, at: &At<'_>, tables: &Tables, provider: &str) -> Option<Egress> {
    let found = tables.catalog.egress(provider);
    if found.is_none() {
        let known = tables.catalog.geography.egress.keys().map(String::as_str);
        unknown(report, at, "provider", provider, known);
    }
    found
}

/// What all clusters of a scenario share.
struct Around<'a> {
    tables: &'a Tables,
    /// The objects that are stored, and for how long they are watched.
    objects: Option<(&'a ObjectsSpec, Span)>,
    /// Whether the jobs could be read.
    knows_jobs: bool,
    labels: Names,
    files: &'a mut dyn Files,
}

fn site(
    report: &mut Report,
    at: &At<'_>,
    name: &str,
    spec: &ClusterSpec,
    around: &mut Around<'_>,
) -> Option<Site> {
    let (kinds, nodes) = match (&spec.machines, spec.nodes.is_empty()) {
        (Some(file), true) => {
            let at = at.key("machines");
            let machines = found(report, &at, "machines", file, around.files.machines(file))?;
            machines_of(report, &at, &machines, &mut around.labels)?
        }
        (None, false) => nodes(
            report,
            around.tables,
            &at.key("nodes"),
            &spec.nodes,
            &mut around.labels,
        )?,
        (given, _) => {
            let found = if given.is_some() { "both" } else { "neither" };
            let message = format!("expected one of `nodes` and `machines`, found {found}");
            report.add(at, message, None);
            return None;
        }
    };
    let bytes = |gbit_s: f64| gbit_s * 1e9 / 8.0;
    let (transfers, links) = match &spec.network {
        None => (Transfers::default(), None),
        Some(NetworkSpec::Alone { latency, gbit_s }) => {
            let alone = Transfers {
                latency: span(latency.0),
                bandwidth: bytes(*gbit_s),
            };
            (alone, None)
        }
        Some(NetworkSpec::Shared {
            up_gbit_s,
            down_gbit_s,
            trunk_gbit_s,
            egress,
        }) => {
            let access = (bytes(*up_gbit_s), bytes(*down_gbit_s));
            let trunk = trunk_gbit_s.map(bytes);
            let network = at.key("network");
            let shared = network.key("shared");
            let priced = shared.key("egress");
            let egress = (egress.as_ref())
                .map(|provider| egress_of(report, &priced, around.tables, provider));
            let links = links(report, at, spec, around.tables, &nodes, access, trunk)?;
            let links = match egress {
                None => links,
                Some(egress) => links.priced(egress?),
            };
            (links.typical(), Some(Arc::new(links)))
        }
    };
    let storage = match (around.objects, &spec.storage) {
        (None, None) => None,
        (Some(objects), Some(spec)) => {
            let at = at.key("storage");
            Some(Arc::new(storage(report, &at, objects, spec, nodes.len())?))
        }
        (Some(_), None) => {
            let message = "jobs read objects, and nothing says how this cluster keeps them";
            let hint = "for example `storage: {pieces: 3}` for three replicas";
            report.add(at, message, Some(hint.to_owned()));
            return None;
        }
        // What the jobs are was wrong, and is told elsewhere.
        (None, Some(_)) if !around.knows_jobs => None,
        (None, Some(_)) => {
            let hint = "for example `jobs: {objects: {count: 1000, megabytes: 64}}`";
            let message = "there are no objects to keep";
            report.add(&at.key("storage"), message, Some(hint.to_owned()));
            return None;
        }
    };
    let policy = policy(report, &at.key("scheduler"), &spec.scheduler)?;
    Some(Site {
        name: name.to_owned(),
        cluster: Cluster {
            kinds: kinds.into(),
            nodes,
            transfers,
            links,
            storage,
        },
        policy,
        estimates: match spec.estimates {
            TaskEstimatesSpec::None => Estimates::None,
            TaskEstimatesSpec::Exact => Estimates::Exact,
            TaskEstimatesSpec::Noisy { sigma } => Estimates::Noisy(sigma),
            TaskEstimatesSpec::User => Estimates::User,
        },
    })
}

fn nodes(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    spec: &Named<NodesSpec>,
    labels: &mut Names,
) -> Option<(Vec<Kind>, Vec<usize>)> {
    let (mut kinds, mut nodes) = (Vec::new(), Vec::new());
    for (name, spec) in spec {
        let at = at.key(name);
        let availability = match &spec.availability {
            None => Some(Availability::Always),
            Some(choice) => availability::lower(report, tables, &at.key("availability"), choice),
        };
        kinds.push(Kind {
            name: name.clone(),
            cpu: thousandths(spec.cores),
            memory: (spec.memory_gib * MIB_PER_GIB).round() as u32,
            gpus: spec.gpus,
            labels: bits(labels, &spec.labels),
            speed: spec.speed,
            availability: availability?,
            usd_per_hour: spec.usd_per_hour,
        });
        nodes.extend(std::iter::repeat_n(kinds.len() - 1, spec.count as usize));
    }
    Some((kinds, nodes))
}

/// Recorded machines: those that are alike are one kind.
fn machines_of(
    report: &mut Report,
    at: &At<'_>,
    machines: &[Machine],
    labels: &mut Names,
) -> Option<(Vec<Kind>, Vec<usize>)> {
    let (mut kinds, mut nodes): (Vec<Kind>, Vec<usize>) = (Vec::new(), Vec::new());
    if machines.is_empty() {
        report.add(at, "the file names no machines", None);
        return None;
    }
    // The clock of the first machine that says it is speed one.
    let reference = machines.iter().find_map(|machine| machine.mhz);
    for machine in machines {
        if usize::from(machine.gpus) > GPUS {
            let message = format!(
                "machine `{}` has {} GPUs, {GPUS} at most are modelled",
                machine.name, machine.gpus
            );
            report.add(at, message, None);
            return None;
        }
        let names: &[String] = if machine.label.is_empty() {
            &[]
        } else {
            std::slice::from_ref(&machine.label)
        };
        let speed = match (machine.mhz, reference) {
            (Some(mhz), Some(one)) => mhz / one,
            _ => 1.0,
        };
        let kind = Kind {
            name: String::new(),
            cpu: machine.cpu,
            memory: machine.memory,
            gpus: machine.gpus,
            labels: bits(labels, names),
            speed,
            availability: Availability::Always,
            usd_per_hour: 0.0,
        };
        let known = kinds.iter().position(|known| {
            let nameless = Kind {
                name: String::new(),
                ..known.clone()
            };
            nameless == kind
        });
        nodes.push(known.unwrap_or(kinds.len()));
        if known.is_none() {
            let cores = machine.cpu / 1000;
            let name = if machine.label.is_empty() {
                format!("{cores} cores")
            } else {
                format!("{} × {}", machine.gpus, machine.label)
            };
            kinds.push(Kind { name, ..kind });
        }
    }
    Some((kinds, nodes))
}

fn policy(report: &mut Report, at: &At<'_>, spec: &ClusterSchedulerSpec) -> Option<Policy> {
    use ClusterSchedulerSpec as Spec;
    let blocked = |skip| {
        if skip { Blocked::Skip } else { Blocked::Wait }
    };
    let ordered =
        |by: By, spec: &OrderedSpec| Policy::Ordered(by, fit(spec.fit), blocked(spec.skip));
    let planned = |planner: Planner, spec: &PlannerSpec| {
        let scope = match spec.scope {
            ScopeSpec::Job => Scope::Job,
            ScopeSpec::All => Scope::All,
        };
        Policy::Planned(planner, scope)
    };
    Some(match spec {
        Spec::Registered { name, parameters } => {
            let made = registry::cluster_policy(name, parameters);
            Policy::Custom(report.check(&at.key(name), made)?)
        }
        Spec::Gittins(spec) => Policy::Gittins(spec.pieces, fit(spec.fit), blocked(spec.skip)),
        Spec::Tiresias(spec) => {
            let at = at.key("tiresias");
            let thresholds: Vec<Span> = spec.thresholds.iter().map(|t| span(t.0)).collect();
            let rise = thresholds.is_sorted_by(|a, b| a < b);
            if !rise || thresholds.first().is_some_and(|first| *first == Span::ZERO) {
                let hint = "for example `thresholds: [10 min, 1 h]`".to_owned();
                report.add(&at.key("thresholds"), "thresholds must rise", Some(hint));
                return None;
            }
            let (fit, blocked) = (fit(spec.fit), blocked(spec.skip));
            Policy::Tiresias(thresholds, spec.promotion, fit, blocked)
        }
        Spec::MaxMinFairness(spec) => {
            let at = at.key("max-min-fairness");
            let round = positive(report, &at.key("round"), spec.round.0)?;
            let between = match spec.between {
                BetweenSpec::Tasks => Between::Tasks,
                BetweenSpec::Users => Between::Users,
            };
            Policy::MaxMin(round, between, fit(spec.fit))
        }
        Spec::FinishTimeFairness(spec) => {
            let at = at.key("finish-time-fairness");
            let lease = positive(report, &at.key("lease"), spec.lease.0)?;
            Policy::FinishTime(lease, fit(spec.fit))
        }
        Spec::ElasticSharing(spec) => {
            let division = match spec.division {
                DivisionSpec::Equal => Division::Equal,
                DivisionSpec::ShortestRemaining => Division::ShortestRemaining,
            };
            Policy::Elastic(division, fit(spec.fit))
        }
        Spec::Delay(spec) => {
            let at = at.key("delay");
            let heartbeat = positive(report, &at.key("heartbeat"), spec.heartbeat.0)?;
            let patience = match spec.offers {
                Some(offers) => Patience::Offers(offers),
                None => Patience::Time(span(spec.wait.0)),
            };
            let turn = match spec.turn {
                TurnSpec::Fair => Turn::Fair,
                TurnSpec::Submitted => Turn::Submitted,
            };
            Policy::Delay(patience, turn, heartbeat, fit(spec.fit))
        }
        Spec::Heft(spec) => planned(Planner::Heft, spec),
        Spec::Cpop(spec) => planned(Planner::Cpop, spec),
        Spec::Peft(spec) => planned(Planner::Peft, spec),
        Spec::MinMin(spec) => planned(Planner::MinMin, spec),
        Spec::MaxMin(spec) => planned(Planner::MaxMin, spec),
        Spec::Sufferage(spec) => planned(Planner::Sufferage, spec),
        Spec::Mct(spec) => planned(Planner::Mct, spec),
        Spec::Olb(spec) => planned(Planner::Olb, spec),
        Spec::List(spec) => planned(Planner::List, spec),
        Spec::Lpt(spec) => planned(Planner::Lpt, spec),
        Spec::Fcfs(spec) => ordered(By::Fcfs, spec),
        Spec::Sjf(spec) => ordered(By::Sjf, spec),
        Spec::Psjf(spec) => ordered(By::Psjf, spec),
        Spec::Srpt(spec) => ordered(By::Srpt, spec),
        Spec::Edf(spec) => ordered(By::Edf, spec),
        Spec::ProcessorSharing => Policy::Ps,
        Spec::Las => Policy::Las,
        Spec::Easy(spec) => Policy::Easy(fit(spec.fit)),
        Spec::Conservative(spec) => Policy::Conservative(fit(spec.fit)),
        Spec::Drf(spec) => Policy::Drf(fit(spec.fit)),
        Spec::FragmentationGradientDescent => Policy::Fgd,
    })
}

/// How objects are kept, which are watched for as long as jobs are submitted.
fn storage(
    report: &mut Report,
    at: &At<'_>,
    (objects, watched): (&ObjectsSpec, Span),
    spec: &StorageSpec,
    nodes: usize,
) -> Option<Storage> {
    if spec.needed > spec.pieces || spec.pieces as usize > nodes {
        let message = format!(
            "{} pieces, of which {} restore an object, cannot lie on {nodes} nodes, each on another",
            spec.pieces, spec.needed
        );
        let hint = "at least as many pieces as are needed, and at most as many as nodes";
        report.add(&at.key("pieces"), message, Some(hint.to_owned()));
        return None;
    }
    let timeout = match &spec.timeout {
        None => None,
        Some(law) => Some(report.check(&at.key("timeout"), law.build(HOUR))?),
    };
    let object = Object::coded((objects.megabytes * 1e6) as u64, spec.needed, spec.pieces);
    Some(Storage {
        objects: vec![object; objects.count as usize],
        placement: Placement::Random,
        timeout,
        for_good: spec.for_good.0,
        watched,
    })
}

fn elastic(report: &mut Report, at: &At<'_>, spec: &ElasticSpec) -> Option<Elastic> {
    if spec.min > spec.max {
        let message = format!("`min` of {} is more than `max` of {}", spec.min, spec.max);
        report.add(&at.key("min"), message, None);
        return None;
    }
    Some(Elastic {
        min: spec.min,
        max: spec.max,
        speedup: (spec.parallel).map_or(Speedup::Linear, |share| Speedup::Amdahl(share.0)),
        cost: span(spec.cost.0),
    })
}

fn fit(spec: FitSpec) -> Fit {
    match spec {
        FitSpec::First => Fit::First,
        FitSpec::Best => Fit::Best,
        FitSpec::Worst => Fit::Worst,
        FitSpec::DotProduct => Fit::DotProduct,
        FitSpec::GpuPacking => Fit::GpuPacking,
    }
}

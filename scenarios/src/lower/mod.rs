//! Lowers a checked document to a plan: resolves names, checks what types cannot, and quantises numbers once.

mod availability;
mod batch;
mod device;
mod economy;
mod outage;
mod platform;
mod shares;
mod workload;

pub(crate) use device::lower as device;
pub(crate) use workload::{longest, model};

use std::sync::Arc;

use serde::de::DeserializeOwned;
use walras_des::Span;
use walras_sim::availability::Track;
use walras_sim::ids::RegionId;
use walras_sim::market::Pricing;
use walras_sim::network::{Network, Region};
use walras_sim::record::{Kind, MetricId};
use walras_sim::workload::{Source, Trace, Workload};

use crate::batch::{Batch, Machine};
use crate::catalog::Catalog;
use crate::document::Node;
use crate::issue::{Issue, suggestion};
use crate::plan::{Plan, Precision, Requests, Subject};
use crate::report::{At, Report};
use crate::spec::Named;
use crate::spec::catalog::{AvailabilitySpec, DeviceSpec, ModelSpec};
use crate::spec::cluster::{JobsSource, JobsSpec};
use crate::spec::economy::CustomersSpec;
use crate::spec::scenario::{
    OwnRequests, PrecisionGoalSpec, ReplicationsSpec, RequestsChoice, RunSpec, WarmUpSpec,
    WarmUpWord, WorkloadSpec,
};

/// The files that a scenario names, relative to it.
pub(crate) trait Files {
    /// Recorded requests.
    fn requests(&mut self, file: &str) -> Result<Trace, TraceProblem>;
    /// Recorded presence of nodes.
    fn presence(&mut self, file: &str) -> Result<Vec<Track>, TraceProblem>;
    /// Recorded batch jobs.
    fn jobs(&mut self, file: &str) -> Result<Batch, TraceProblem>;
    /// Recorded machines.
    fn machines(&mut self, file: &str) -> Result<Vec<Machine>, TraceProblem>;
}

/// Why there is no trace, or no record.
pub(crate) enum TraceProblem {
    /// The file cannot be read: why, and what would work.
    Missing(String, Option<&'static str>),
    /// Its content is wrong.
    Broken(Vec<Issue>),
}

/// Names and what they stand for. Entries that were found wrong are kept as `None`, so that using them is no second problem.
struct Tables {
    catalog: &'static Catalog,
    devices: Named<Option<DeviceSpec>>,
    models: Named<Option<ModelSpec>>,
    availability: Named<Option<AvailabilitySpec>>,
    /// Records of presence by the file that the scenario names; `None` if there is a problem, which was reported.
    records: Named<Option<Vec<Track>>>,
    network: Arc<Network>,
}

/// Lowers the document of `report`; `None` if there is a problem, which is then in the report.
pub(crate) fn lower(report: &mut Report, files: &mut dyn Files) -> Option<Plan> {
    let catalog = Catalog::get();
    let availability = amended(report, "availability", &catalog.availability);
    let tables = Tables {
        catalog,
        devices: amended(report, "devices", &catalog.devices),
        models: amended(report, "models", &catalog.models),
        records: availability::records(report, &availability, files),
        availability,
        network: Arc::new(network(catalog)),
    };
    let run: Option<RunSpec> = report.part(&At::root("run"));
    let repetitions = run.as_ref().and_then(|run| repetitions(report, run));
    let about = one_subject(report);
    let (subject, times, finds_warm_up) = if about == Kind::Economy {
        let times = run.as_ref().and_then(|run| times(report, run, None));
        let spec: Option<CustomersSpec> = report.part(&At::root("customers"));
        let finds = run
            .as_ref()
            .is_some_and(|run| finds_warm_up(report, run, Some(OnePath::Economy)));
        let economies = section(report, "economies", "economy");
        let requests = served_by_machines(report, &tables, files);
        let requests = requests.as_ref();
        let subject = economy::lower(report, &tables, spec.as_ref(), &economies, requests);
        (subject.map(Subject::Economies), times, finds)
    } else if about == Kind::Batch {
        let times = run.as_ref().and_then(|run| times(report, run, None));
        let spec: Option<JobsSpec> = report.part(&At::root("jobs"));
        let finds = run.as_ref().is_some_and(|run| {
            let is_recorded = |spec: &JobsSpec| matches!(spec.source, JobsSource::Trace(_));
            let path = spec.as_ref().filter(|spec| is_recorded(spec));
            finds_warm_up(report, run, path.map(|_| OnePath::Recorded))
        });
        let clusters = section(report, "clusters", "cluster");
        let horizon = times.map(|(horizon, ..)| horizon);
        let subject = batch::lower(report, &tables, spec.as_ref(), &clusters, horizon, files);
        (subject.map(Subject::Batch), times, finds)
    } else {
        let spec: Option<WorkloadSpec> = report.part(&At::root("workload"));
        let workload = spec
            .as_ref()
            .and_then(|spec| workload::lower(report, &tables, spec, files));
        let times = run
            .as_ref()
            .and_then(|run| times(report, run, workload.as_ref()));
        let finds = run
            .as_ref()
            .is_some_and(|run| finds_warm_up(report, run, spec.as_ref().and_then(OnePath::of)));
        let subject = requests(report, &tables, spec.as_ref(), workload);
        for platform in subject.iter().flat_map(|requests| &requests.platforms) {
            if matches!(platform.pricing, Pricing::Economy { .. }) {
                let at = At::root("platforms");
                let message = "there is no economy that finds its price";
                let hint = "choose `rental`, `reverse-auction` or `base-fee`, or add `economies` with a network that names the platform";
                let at = at.key(&platform.name);
                report.add(&at.key("pricing"), message, Some(hint.to_owned()));
            }
        }
        (subject.map(Subject::Requests), times, finds)
    };
    let (run, (horizon, warm_up, sample_every)) = (run?, times?);
    let (replications, precision) = repetitions?;
    let subject = subject.filter(|_| report.issues.is_empty())?;
    Some(Plan {
        subject,
        horizon,
        warm_up,
        finds_warm_up,
        sample_every,
        seed: run.seed,
        replications,
        precision,
    })
}

/// The keys by which a scenario says what it is about, and how messages call it.
const SUBJECTS: [(Kind, [&str; 2], &str); 3] = [
    (Kind::Requests, ["workload", "platforms"], "requests"),
    (Kind::Batch, ["jobs", "clusters"], "batch jobs"),
    (Kind::Economy, ["customers", "economies"], "economies"),
];

/// What a scenario is about, by the first key that says so.
fn kind(report: &Report) -> Kind {
    let is_written = |keys: &[&str; 2]| keys.iter().any(|key| report.tree.get(key).is_some());
    let begun = SUBJECTS[1..].iter().find(|(_, keys, _)| is_written(keys));
    begun.map_or(Kind::Requests, |(kind, ..)| *kind)
}

/// What a scenario is about; one that is about several things is wrong.
fn one_subject(report: &mut Report) -> Kind {
    let written = |report: &Report, keys: [&'static str; 2]| {
        keys.into_iter().find(|key| report.tree.get(key).is_some())
    };
    let begun = SUBJECTS
        .iter()
        .filter_map(|(_, keys, noun)| Some((written(report, *keys)?, keys, noun)));
    let begun: Vec<_> = begun.collect();
    let begun: Vec<_> = if kind(report) == Kind::Economy {
        // Networks may have machines, which serve requests.
        let others = begun.into_iter();
        others
            .filter(|(_, keys, _)| **keys != SUBJECTS[0].1)
            .collect()
    } else {
        begun
    };
    if let [
        (one, [first, second], noun),
        (other, [third, fourth], other_noun),
        ..,
    ] = begun[..]
    {
        let message =
            format!("a scenario is about {noun} (`{one}`) or about {other_noun} (`{other}`)");
        let hint = format!("keep `{first}` and `{second}`, or `{third}` and `{fourth}`");
        report.add_to_key(&At::root(other), message, Some(hint));
    }
    kind(report)
}

/// The entries of what is compared; those that are wrong without what they say.
fn section<T: DeserializeOwned>(
    report: &mut Report,
    section: &str,
    noun: &str,
) -> Vec<(String, Option<T>)> {
    let entries = report.tree.get(section).map_or(&[][..], Node::entries);
    let names: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    let root = At::root(section);
    if names.is_empty() && report.tree.get(section).is_some() && report.issues.is_empty() {
        let message = format!("a scenario needs at least one {noun}");
        report.add(&root, message, None);
    }
    let one = |name: String| {
        let spec = report.part(&root.key(&name));
        (name, spec)
    };
    names.into_iter().map(one).collect()
}

/// The requests and platforms of an economy whose networks have machines, if it has any.
fn served_by_machines(
    report: &mut Report,
    tables: &Tables,
    files: &mut dyn Files,
) -> Option<Requests> {
    let is_written = |key: &str| report.tree.get(key).is_some();
    match (is_written("workload"), is_written("platforms")) {
        (false, false) => return None,
        (true, true) => {}
        (has_workload, _) => {
            let [key, other] = if has_workload {
                ["workload", "platforms"]
            } else {
                ["platforms", "workload"]
            };
            let message = format!("in an economy, `{key}` comes with `{other}`");
            let hint = "machines need requests, and requests machines: give both or none";
            report.add_to_key(&At::root(key), message, Some(hint.to_owned()));
            return None;
        }
    }
    let spec: Option<WorkloadSpec> = report.part(&At::root("workload"));
    let workload = spec
        .as_ref()
        .and_then(|spec| workload::lower(report, tables, spec, files));
    if let Some(Source::Trace(_)) = workload.as_ref().map(|workload| &workload.source) {
        let root = At::root("workload");
        let message = "recorded requests come when they came, but here customers decide how many";
        let hint = Some("choose a fitted workload, such as `azure-conv-2023`".to_owned());
        report.add(&root.key("requests"), message, hint);
    }
    requests(report, tables, spec.as_ref(), workload)
}

fn requests(
    report: &mut Report,
    tables: &Tables,
    spec: Option<&WorkloadSpec>,
    workload: Option<Workload>,
) -> Option<Requests> {
    let served = spec.and_then(|spec| workload::served(report, tables, spec));
    let specs = section(report, "platforms", "platform");
    let root = At::root("platforms");
    let mut platforms = Vec::with_capacity(specs.len());
    for (name, spec) in &specs {
        let Some(spec) = spec else {
            continue;
        };
        platforms.extend(platform::lower(
            report,
            tables,
            &root.key(name),
            spec,
            served.as_ref(),
            workload.as_ref(),
        ));
    }
    let is_complete = platforms.len() == specs.len();
    workload.filter(|_| is_complete).map(|workload| Requests {
        platforms,
        workload,
    })
}

/// The number of repetitions, or the most of them with the precision that ends them.
fn repetitions(report: &mut Report, run: &RunSpec) -> Option<(u32, Option<Precision>)> {
    let goal = match &run.replications {
        ReplicationsSpec::Fixed(number) => return Some((*number, None)),
        ReplicationsSpec::UntilPrecise(goal) => goal,
    };
    let at = At::root("run");
    let at = at.key("replications");
    let PrecisionGoalSpec {
        precision,
        of,
        at_least,
        at_most,
    } = goal;
    let before = report.issues.len();
    let useless = match precision.0 {
        share if share <= 0.0 => Some("a precision of 0 is never reached"),
        share if share >= 1.0 => Some("a precision of 100 % says nothing"),
        _ => None,
    };
    if let Some(message) = useless {
        report.add(
            &at.key("precision"),
            message,
            Some("for example `5 %`".to_owned()),
        );
    }
    if at_least > at_most {
        let is_written = ["run", "replications", "at_least"]
            .iter()
            .try_fold(&report.tree, |node, key| node.get(key))
            .is_some();
        let (key, origin, hint) = if is_written {
            let hint = format!("at most {at_most}, or a larger `at_most`");
            ("at_least", "", hint)
        } else {
            let hint = format!("`at_least: {at_most}`, or a larger `at_most`");
            ("at_most", " (the default of `at_least`)", hint)
        };
        let message =
            format!("at least {at_least} replications{origin} are more than at most {at_most}");
        report.add(&at.key(key), message, Some(hint));
    }
    if of.as_ref().is_some_and(Vec::is_empty) {
        report.add(
            &at.key("of"),
            "a precision of no figure is reached at once",
            Some("name at least one metric, or leave `of` out".to_owned()),
        );
    }
    let names = of.as_deref().unwrap_or_default();
    let mut figures = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        if let Some(metric) = MetricId::named(name) {
            figures.push(metric);
        } else {
            let kind = kind(report);
            let known = MetricId::all().filter(|metric| metric.exists_for(kind));
            let known = known.map(|metric| metric.metric().name);
            let (of, index) = (at.key("of"), index.to_string());
            unknown(report, &of.key(&index), "figure", name, known);
        }
    }
    let precision = Precision {
        relative: precision.0,
        of: figures,
        at_least: *at_least,
    };
    (report.issues.len() == before).then_some((*at_most, Some(precision)))
}

/// Why there is no steady state.
#[derive(Clone, Copy)]
enum OnePath {
    Economy,
    Recorded,
    Diurnal,
}

impl OnePath {
    fn of(workload: &WorkloadSpec) -> Option<Self> {
        let is_recorded = matches!(
            workload.requests,
            RequestsChoice::Own(OwnRequests::Trace(_))
        );
        match (is_recorded, &workload.diurnal) {
            (true, _) => Some(Self::Recorded),
            (false, Some(_)) => Some(Self::Diurnal),
            (false, None) => None,
        }
    }
}

/// Whether the warm-up is to be found. What varies by the hour of the day is never steady, and of a trace there is but
/// one path: pilot replications see the same arrivals.
fn finds_warm_up(report: &mut Report, run: &RunSpec, path: Option<OnePath>) -> bool {
    let is_asked_for = run.warm_up == Some(WarmUpSpec::Word(WarmUpWord::Auto));
    let Some(path) = path.filter(|_| is_asked_for) else {
        return is_asked_for;
    };
    let (message, hint) = match path {
        OnePath::Economy => (
            "an economy that grows, halves its emission or meets shocks has no steady state in which a warm-up could end",
            "give it as a duration",
        ),
        OnePath::Recorded => (
            "a recorded trace is one path of arrivals, with no steady state in which a warm-up could end",
            "give it as a duration",
        ),
        OnePath::Diurnal => (
            "a workload with a daily variation has no steady state in which a warm-up could end",
            "give it as a duration, or remove `workload.diurnal`",
        ),
    };
    let at = At::root("run");
    report.add(&at.key("warm_up"), message, Some(hint.to_owned()));
    true
}

/// The entries of the catalog with those of the scenario, which have inherited what they do not say.
fn amended<T: Clone + DeserializeOwned>(
    report: &mut Report,
    section: &str,
    stock: &Named<T>,
) -> Named<Option<T>> {
    let mut all: Named<Option<T>> = stock
        .iter()
        .map(|(name, entry)| (name.clone(), Some(entry.clone())))
        .collect();
    let root = At::root(section);
    let own: Vec<String> = report.tree.get(section).map_or_else(Vec::new, |node| {
        node.entries()
            .iter()
            .map(|entry| entry.key.clone())
            .collect()
    });
    for name in own {
        let entry = report.part(&root.key(&name));
        all.insert(name, entry);
    }
    all
}

/// Horizon, warm-up and time between samples. A trace that ends before the horizon ends the run: nobody pays for the silence after it.
fn times(
    report: &mut Report,
    run: &RunSpec,
    workload: Option<&Workload>,
) -> Option<(Span, Span, Span)> {
    let at = At::root("run");
    let recorded = workload.and_then(|workload| trace_length(&workload.source));
    let horizon = recorded.map_or(span(run.horizon.0), |length| {
        length.min(span(run.horizon.0))
    });
    let warm_up = match run.warm_up {
        Some(WarmUpSpec::Length(length)) => span(length.0),
        Some(WarmUpSpec::Word(WarmUpWord::Auto)) | None => Span::ZERO,
    };
    // Without a wish of the user, a run has 144 samples: one every ten minutes of a day.
    let sample_every = run.sample_every.map_or_else(
        || Span::from_nanos((horizon.as_nanos() / 144).max(1)),
        |value| span(value.0),
    );
    let before = report.issues.len();
    if horizon == Span::ZERO {
        report.add(
            &at.key("horizon"),
            "a run must last longer than nothing",
            None,
        );
    } else {
        if warm_up >= horizon {
            let hint = Some("jobs are measured only after the warm-up".to_owned());
            report.add(
                &at.key("warm_up"),
                format!("the warm-up of {warm_up} does not end before the horizon of {horizon}"),
                hint,
            );
        }
        let samples = horizon.as_nanos().checked_div(sample_every.as_nanos());
        if samples.is_none_or(|samples| samples > MOST_SAMPLES) {
            let hint = format!(
                "at least {}",
                Span::from_nanos(horizon.as_nanos().div_ceil(MOST_SAMPLES))
            );
            report.add(
                &at.key("sample_every"),
                format!("samples are too frequent: more than {MOST_SAMPLES} in a run"),
                Some(hint),
            );
        }
    }
    (report.issues.len() == before).then_some((horizon, warm_up, sample_every))
}

/// Time up to the last request of a trace, in whole seconds.
fn trace_length(source: &Source) -> Option<Span> {
    let Source::Trace(trace) = source else {
        return None;
    };
    let last = trace.at.last()?.as_nanos();
    let second = Span::SECOND.as_nanos();
    Some(Span::SECOND * last.div_ceil(second).max(1))
}

/// Samples that a run may keep.
const MOST_SAMPLES: u64 = 100_000;

fn network(catalog: &Catalog) -> Network {
    let geography = &catalog.geography;
    let regions = geography.regions.iter().map(|(name, region)| Region {
        name: name.clone(),
        electricity: region.electricity_usd_per_kwh,
        utc_offset: region.utc_offset_h,
    });
    let id = |name: &str| {
        RegionId::new(
            geography
                .regions
                .get_index_of(name)
                .unwrap_or_else(|| panic!("link of an unknown region `{name}`")),
        )
    };
    let links: Vec<_> = geography
        .links
        .iter()
        .map(|link| (id(&link.between.0), id(&link.between.1), link.rtt.0))
        .collect();
    Network::new(regions.collect(), &links, geography.intra_region_rtt.0)
        .unwrap_or_else(|gap| panic!("no route from {} to {}", gap.from, gap.to))
}

/// The entry of a table; an unknown name is reported, one that was found wrong is not again.
fn look_up<'t, T>(
    report: &mut Report,
    at: &At<'_>,
    kind: &str,
    table: &'t Named<Option<T>>,
    name: &str,
) -> Option<&'t T> {
    if let Some(entry) = table.get(name) {
        return entry.as_ref();
    }
    unknown(report, at, kind, name, table.keys().map(String::as_str));
    None
}

pub(crate) fn unknown<'n>(
    report: &mut Report,
    at: &At<'_>,
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'n str>,
) {
    let known: Vec<&str> = known.collect();
    let (message, hint) = (
        format!("unknown {kind} `{name}`"),
        Some(suggestion(name, "names", known)),
    );
    // A name is either the key of a share or the value of its key.
    if at.last() == name {
        report.add_to_key(at, message, hint);
    } else {
        report.add(at, message, hint);
    }
}

/// A duration of the specification, which is at most a hundred years.
fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds)
}

/// A duration that must be more than nothing.
fn positive(report: &mut Report, at: &At<'_>, seconds: f64) -> Option<Span> {
    let span = span(seconds);
    if span == Span::ZERO {
        report.add(at, "this duration must be more than nothing", None);
        return None;
    }
    Some(span)
}

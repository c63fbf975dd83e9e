//! Lowers a platform: its fleets, devices, scheduler, prices and settlement.

use std::sync::Arc;
use std::time::Duration;

use walras_des::Span;
use walras_sim::hardware::{Deployment, Pipeline, Profile, Speculation};
use walras_sim::ids::ProfileId;
use walras_sim::knowledge::{Estimates, Knowledge, Reports, State};
use walras_sim::market::{BaseFee, Pricing};
use walras_sim::platform::{
    Autoscaler, ColdStart, Fleet, KvLink, Offer, Ownership, Platform, Retry, Role, Settlement, Size,
};
use walras_sim::scheduling::Policy;
use walras_sim::units::{Amount, Ppm};
use walras_sim::workload::Workload;

use super::workload::{Served, longest};
use super::{Tables, availability, device, look_up, outage, positive, shares, span, unknown};
use crate::external;
use crate::registry;
use crate::report::{At, Report};
use crate::spec::catalog::DeviceSpec;
use crate::spec::distribution::DurationLaw;
use crate::spec::platform::{
    AccessSpec, AutoscaleSpec, BaseFeeSpec, ColdStartSpec, DownloadSpec, EstimatesSpec,
    ExternalSpec, FleetSpec, KnowledgeSpec, OwnershipSpec, PipelineSpec, PlatformSpec, PricingSpec,
    RegionsSpec, ReportsSpec, RoleSpec, SchedulerSpec, ServingSpec, SettlementSpec, StateSpec,
};

pub(super) fn lower(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    spec: &PlatformSpec,
    served: Option<&Served>,
    workload: Option<&Workload>,
) -> Option<Platform> {
    let policy = policy(report, &at.key("scheduler"), &spec.scheduler, &spec.pricing);
    let knowledge = knowledge(report, &at.key("knowledge"), &spec.knowledge);
    let pricing = match &spec.pricing {
        PricingSpec::Rental => Some(Pricing::Rental),
        PricingSpec::ReverseAuction => Some(Pricing::ReverseAuction),
        PricingSpec::Economy { prompt_weight } => Some(Pricing::Economy {
            prompt_weight: *prompt_weight,
        }),
        PricingSpec::BaseFee(fee) => {
            base_fee(report, &at.key("pricing").key("base-fee"), fee).map(Pricing::BaseFee)
        }
    };
    let settlement = settlement(report, &at.key("settlement"), &spec.settlement);
    let retry = at.key("retry");
    let detection = positive(report, &retry.key("detection"), spec.retry.detection.0);

    let width = spec
        .serving
        .speculation
        .map_or(1, |draft| draft.drafted + 1);
    let max_batch = spec.serving.max_batch.unwrap_or(spec.slots);
    if max_batch > spec.slots {
        let message = format!(
            "a batch of {max_batch} is never full: a node holds at most the {} jobs of `slots`",
            spec.slots
        );
        let hint = format!("give at most {}, or more `slots`", spec.slots);
        report.add(&at.key("serving").key("max_batch"), message, Some(hint));
        return None;
    }
    let needed = max_batch.saturating_mul(width);
    if let Some(budget) = spec.serving.token_budget
        && budget < needed
    {
        let drafts = if width > 1 { " with their drafts" } else { "" };
        let message = format!(
            "a budget of {budget} tokens is less than what the {max_batch} sequences of a full batch, which all decode in one step{drafts}, take"
        );
        let hint = format!("give at least {needed}");
        report.add(&at.key("serving").key("token_budget"), message, Some(hint));
        return None;
    }
    let mut classes = Classes {
        served,
        longest: workload.map_or(1, longest),
        max_batch,
        needed,
        serving: &spec.serving,
        profiles: Vec::new(),
    };
    let fleets = at.key("fleets");
    if spec.fleets.is_empty() {
        report.add(&fleets, "a platform needs at least one fleet", None);
    }
    let lowered: Vec<Option<Fleet>> = spec
        .fleets
        .iter()
        .map(|(name, fleet)| {
            self::fleet(report, tables, &fleets.key(name), name, fleet, &mut classes)
        })
        .collect();
    let kv_link = roles(report, at, spec);
    let outages = outage::lower(report, tables, &at.key("outages"), &spec.outages);
    let fleets: Vec<Fleet> = lowered.into_iter().collect::<Option<_>>()?;
    let (served, workload) = (served?, workload?);
    let platform = Platform {
        name: at.last().to_owned(),
        network: Arc::clone(&tables.network),
        profiles: classes.profiles,
        fleets,
        policy: policy?,
        knowledge: knowledge?,
        pricing: pricing?,
        settlement: settlement?,
        retry: Retry {
            detection: detection?,
            max_attempts: spec.retry.max_attempts,
        },
        slots: spec.slots,
        outages: outages?,
        kv_link: kv_link?,
    };
    holds_longest(report, at, &platform, served, workload).then_some(platform)
}

/// How contexts get from node to node, where fleets have roles that go together.
fn roles(report: &mut Report, at: &At<'_>, spec: &PlatformSpec) -> Option<KvLink> {
    let has = |role: RoleSpec| spec.fleets.values().any(|fleet| fleet.role == role);
    let [both, prefill, decode] = [RoleSpec::Both, RoleSpec::Prefill, RoleSpec::Decode].map(has);
    let mut link = KvLink::default();
    if let Some(transfer) = spec.serving.kv_transfer {
        link.bandwidth = transfer.gbit_s * 1e9 / 8.0;
        link.latency = transfer
            .latency
            .map_or(Span::ZERO, |latency| span(latency.0));
        if !prefill {
            let hint = "give fleets a `role` of `prefill` and of `decode`, or remove `kv_transfer`";
            report.add(
                &at.key("serving").key("kv_transfer"),
                "no context goes from node to node where none only prefills",
                Some(hint.to_owned()),
            );
            return None;
        }
    }
    let lacks = match (prefill, decode) {
        (true, false) if !both => Some(("decodes what was prefilled", "`decode` or `both`")),
        (false, true) if !both => Some(("prefills what could be decoded", "`prefill`")),
        (false, true) => Some(("hands over to those that only decode", "`prefill`")),
        _ => None,
    };
    if let Some((what, role)) = lacks {
        let hint = format!("give one of the fleets the `role` {role}");
        report.add(&at.key("fleets"), format!("no fleet {what}"), Some(hint));
        return None;
    }
    let moves = matches!(
        spec.scheduler,
        SchedulerSpec::Disaggregated { .. } | SchedulerSpec::Registered { .. }
    );
    if prefill && !moves {
        let hint = "write `scheduler: disaggregated`, or give no fleet a `role`; copies of requests, as `hedged` and `quorum` send them, are not to be had together with roles";
        report.add(
            &at.key("scheduler"),
            "this scheduler does not say where contexts go from nodes that only prefill",
            Some(hint.to_owned()),
        );
        return None;
    }
    Some(link)
}

fn policy(
    report: &mut Report,
    at: &At<'_>,
    spec: &SchedulerSpec,
    pricing: &PricingSpec,
) -> Option<Policy> {
    Some(match *spec {
        SchedulerSpec::Random => Policy::Random,
        SchedulerSpec::RoundRobin => Policy::RoundRobin,
        SchedulerSpec::LeastLoaded => Policy::LeastLoaded,
        SchedulerSpec::JoinIdleQueue => Policy::JoinIdleQueue,
        SchedulerSpec::LeastWorkLeft => Policy::LeastWorkLeft,
        SchedulerSpec::CheapestWithinSlo => Policy::CheapestWithinSlo,
        SchedulerSpec::PowerOfChoices { d } => Policy::PowerOfChoices { d },
        SchedulerSpec::Sparrow { probes } => Policy::Sparrow { probes },
        SchedulerSpec::WorkStealing { victims } => Policy::WorkStealing { victims },
        SchedulerSpec::ReverseAuction if pricing != &PricingSpec::ReverseAuction => {
            let message = "no job has a price of its own where owners do not bid";
            let hint = "give the platform `pricing: reverse-auction`, or another scheduler";
            report.add(at, message, Some(hint.to_owned()));
            return None;
        }
        SchedulerSpec::ReverseAuction => Policy::ReverseAuction,
        SchedulerSpec::Hedged { quantile } => Policy::Hedged { quantile },
        SchedulerSpec::Quorum { copies, agree } if agree > copies => {
            let message = format!("{agree} answers of {copies} copies never come");
            let hint = format!("want at most {copies}, or send more `copies`");
            report.add(&at.key("quorum").key("agree"), message, Some(hint));
            return None;
        }
        SchedulerSpec::Quorum { copies, agree } => Policy::Quorum { copies, agree },
        SchedulerSpec::DeadlineAndBudget { deadline } => Policy::DeadlineAndBudget {
            deadline: positive(
                report,
                &at.key("deadline-and-budget").key("deadline"),
                deadline.0,
            )?,
        },
        SchedulerSpec::KvAware { d } => Policy::KvAware { d },
        SchedulerSpec::PrefixAware { imbalance } => Policy::PrefixAware { imbalance },
        SchedulerSpec::Disaggregated { d } => Policy::Disaggregated { d },
        SchedulerSpec::AgeAware { d } => Policy::AgeAware { d },
        SchedulerSpec::ReputationAware { d, prior } => Policy::ReputationAware { d, prior },
        SchedulerSpec::External(ref spec) => external(report, &at.key("external"), spec)?,
        SchedulerSpec::Registered {
            ref name,
            ref parameters,
        } => {
            let made = registry::policy(name, parameters);
            Policy::Custom(report.check(&at.key(name), made)?)
        }
    })
}

fn external(report: &mut Report, at: &At<'_>, spec: &ExternalSpec) -> Option<Policy> {
    if spec.command.first().is_none_or(String::is_empty) {
        let hint = "name a program and its arguments, such as `[python3, my.py]`".to_owned();
        report.add(
            &at.key("command"),
            "there is no program to start",
            Some(hint),
        );
        return None;
    }
    let timeout = match spec.timeout {
        Some(timeout) => positive(report, &at.key("timeout"), timeout.0)?,
        None => Span::from_secs(60),
    };
    Some(Policy::Custom(external::policy(external::Program {
        command: spec.command.clone(),
        directory: spec.directory.clone().unwrap_or_default().into(),
        timeout: Duration::from_nanos(timeout.as_nanos()),
    })))
}

fn knowledge(report: &mut Report, at: &At<'_>, spec: &KnowledgeSpec) -> Option<Knowledge> {
    let at = at.key("state");
    let mut reports = |kind: &str, reports: &ReportsSpec| {
        let every = positive(report, &at.key(kind).key("every"), reports.every.0)?;
        Some(Reports {
            every,
            adds_own: reports.adds_own,
        })
    };
    let state = match &spec.state {
        StateSpec::Fresh => State::Fresh,
        StateSpec::Periodic(spec) => State::Periodic(reports("periodic", spec)?),
        StateSpec::Gossip(spec) => State::Gossip(reports("gossip", spec)?),
    };
    let estimates = match spec.estimates {
        EstimatesSpec::None => Estimates::None,
        EstimatesSpec::Exact => Estimates::Exact,
        EstimatesSpec::Noisy { sigma } => Estimates::Noisy { sigma },
        EstimatesSpec::User { factor } => Estimates::User { factor },
    };
    Some(Knowledge { state, estimates })
}

/// Whether some device of the platform holds the weights and the longest request.
#[allow(clippy::cast_precision_loss)]
fn holds_longest(
    report: &mut Report,
    at: &At<'_>,
    platform: &Platform,
    served: &Served,
    workload: &Workload,
) -> bool {
    let longest = longest(workload);
    // Where prompts and answers are on different nodes, those of either kind.
    let holds = |takes: fn(Role) -> bool| {
        let takes = platform.fleets.iter().filter(|fleet| takes(fleet.role));
        let mut offers = takes.flat_map(|fleet| &fleet.devices);
        offers.any(|offer| platform.profiles[offer.profile.index()].kv_capacity() >= longest)
    };
    if holds(Role::prefills) && holds(Role::decodes) {
        return true;
    }
    let Some(largest) = platform
        .profiles
        .iter()
        .max_by_key(|profile| profile.device.memory * u64::from(profile.deployment.devices()))
    else {
        return false;
    };
    let weights = served.model.parameters * served.format.bytes() / 1e9;
    let request = (longest * served.model.kv_bytes()) as f64 / 1e9;
    let message = format!(
        "no device of `{}` holds `{}` and its longest request: {weights:.1} GB of weights and {request:.1} GB for {longest} tokens",
        platform.name, served.model.name
    );
    let devices = largest.deployment.devices();
    let memory = largest.device.memory as f64 * f64::from(devices) / 1e9;
    let several = if devices > 1 {
        format!("{devices} of ")
    } else {
        String::new()
    };
    let hint = format!(
        "the largest, {several}`{}`, has {memory:.1} GB, of which 90 % can be used; choose a larger device, more `gpus`, a smaller `model` or a lower `precision`",
        largest.device.name
    );
    report.add(at, message, Some(hint));
    false
}

fn base_fee(report: &mut Report, at: &At<'_>, spec: &BaseFeeSpec) -> Option<BaseFee> {
    let epoch = positive(report, &at.key("epoch"), spec.epoch.0);
    if spec.target.0 == 0.0 {
        report.add(
            &at.key("target"),
            "the target must be more than nothing",
            Some("EIP-1559 aims at `50 %`".to_owned()),
        );
        return None;
    }
    if spec.floor > spec.initial {
        let message = format!(
            "the floor of {} USD lies above the initial price of {} USD",
            spec.floor, spec.initial
        );
        report.add(&at.key("floor"), message, None);
        return None;
    }
    Some(BaseFee {
        initial: Amount::from_f64(spec.initial),
        floor: Amount::from_f64(spec.floor),
        prompt_weight: spec.prompt_weight,
        target: spec.target.0,
        denominator: spec.denominator,
        epoch: epoch?,
    })
}

fn settlement(report: &mut Report, at: &At<'_>, spec: &SettlementSpec) -> Option<Settlement> {
    let share = |share: Option<crate::spec::quantity::Share>| {
        Ppm::from_fraction(share.map_or(0.0, |share| share.0))
    };
    if spec.burn.is_some_and(|burn| burn.0 > 0.0) && spec.token_price.is_none() {
        let hint = Some("give the token a `token_price`, or remove `burn`".to_owned());
        report.add(&at.key("burn"), "dollars cannot be burned", hint);
        return None;
    }
    Some(Settlement {
        token_price: spec.token_price,
        take_rate: share(spec.take_rate),
        burn: share(spec.burn),
        stake: Amount::from_f64(spec.stake.unwrap_or(0.0)),
        slash: share(spec.slash),
    })
}

/// The serving profiles of a platform: one for each device class, number of devices and pipeline that occurs.
struct Classes<'a> {
    served: Option<&'a Served>,
    /// Tokens of the longest request.
    longest: u64,
    max_batch: u32,
    /// Tokens of a step in which a full batch decodes.
    needed: u32,
    serving: &'a ServingSpec,
    profiles: Vec<Profile>,
}

impl Classes<'_> {
    /// The profile of an offer; made when it is met for the first time. `None` if the model is not known or the device cannot serve it.
    fn profile(
        &mut self,
        report: &mut Report,
        at: &At<'_>,
        name: &str,
        spec: &DeviceSpec,
        gpus: u32,
        pipeline: Option<PipelineSpec>,
    ) -> Option<ProfileId> {
        let served = self.served?;
        let device = device::lower(report, name, spec)?;
        let deployment = Deployment {
            model: served.model.clone(),
            format: served.format,
            tensor: gpus,
            pipeline: pipeline.map(|spec| Pipeline {
                stages: spec.stages,
                round_trip: spec.round_trip.0,
                bandwidth: spec.mbit_s * 1e6 / 8.0,
            }),
            max_batch: self.max_batch,
            token_budget: self
                .serving
                .token_budget
                .unwrap_or(Deployment::TOKEN_BUDGET.max(self.needed)),
            speculation: self.serving.speculation.map(|spec| Speculation {
                drafted: spec.drafted,
                acceptance: spec.acceptance,
                cost: spec.cost,
            }),
            prefix_caching: self.serving.prefix_caching,
        };
        let known =
            |profile: &Profile| profile.device == device && profile.deployment == deployment;
        if let Some(index) = self.profiles.iter().position(known) {
            return Some(ProfileId::new(index));
        }
        device::can_serve(report, at, &device, &deployment, self.longest)?;
        self.profiles.push(Profile::new(&device, &deployment));
        Some(ProfileId::new(self.profiles.len() - 1))
    }
}

fn fleet(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    name: &str,
    spec: &FleetSpec,
    classes: &mut Classes<'_>,
) -> Option<Fleet> {
    let size = match (spec.nodes, &spec.autoscale) {
        (Some(nodes), None) => Some(Size::Fixed(nodes)),
        (None, Some(scaler)) => {
            autoscaler(report, &at.key("autoscale"), scaler).map(Size::Autoscaled)
        }
        (None, None) => {
            report.add(
                at,
                format!("the fleet `{name}` has no size"),
                Some("give `nodes` or `autoscale`".to_owned()),
            );
            None
        }
        (Some(_), Some(_)) => {
            let hint = "remove the one that is inherited with `autoscale: null` or `nodes: null`"
                .to_owned();
            report.add(
                at,
                format!("the fleet `{name}` has both `nodes` and `autoscale`"),
                Some(hint),
            );
            None
        }
    };
    let devices = offers(report, tables, at, spec, classes);
    let regions = match &spec.regions {
        RegionsSpec::Word(_) => Some(shares::population(tables)),
        RegionsSpec::Shares(weights) => {
            shares::regions(report, tables, &at.key("regions"), weights)
        }
    };
    let availability =
        availability::lower(report, tables, &at.key("availability"), &spec.availability);
    let access = access(report, tables, &at.key("access"), &spec.access);
    let cold_start = (spec.cold_start.as_ref())
        .map(|cold| self::cold_start(report, tables, &at.key("cold_start"), cold));
    if cold_start.is_some() && spec.autoscale.is_some() {
        let hint = "the time of an elastic fleet from the request of a node until it serves is `autoscale.provisioning`";
        let message = format!("the fleet `{name}` has both `autoscale` and `cold_start`");
        report.add(&at.key("cold_start"), message, Some(hint.to_owned()));
        return None;
    }
    Some(Fleet {
        name: name.to_owned(),
        role: match spec.role {
            RoleSpec::Both => Role::Both,
            RoleSpec::Prefill => Role::Prefill,
            RoleSpec::Decode => Role::Decode,
        },
        size: size?,
        ownership: match spec.ownership {
            OwnershipSpec::One => Ownership::One,
            OwnershipSpec::Each => Ownership::Each,
        },
        devices: devices?,
        regions: regions?,
        availability: availability?,
        dispersed: spec.dispersed,
        ask_sigma: spec.ask_sigma,
        access: access?,
        cold_start: match cold_start {
            Some(cold) => Some(cold?),
            None => None,
        },
    })
}

fn cold_start(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    spec: &ColdStartSpec,
) -> Option<ColdStart> {
    let download = at.key("download");
    let law = match &spec.download {
        DownloadSpec::Law(law) => Some(law),
        DownloadSpec::Kind(name) => {
            let kinds = &tables.catalog.geography.download;
            let known = kinds.keys().map(String::as_str);
            if !kinds.contains_key(name) {
                unknown(report, &download, "kind of access", name, known);
            }
            kinds.get(name)
        }
    };
    let bandwidth = law.and_then(|law| report.check(&download, law.build()));
    let load = report.check(&at.key("load"), spec.load.build(1.0));
    Some(ColdStart {
        image: spec.image_gb * 1e9,
        bandwidth: bandwidth?,
        load: load?,
        keeps_image: spec.keeps_image,
    })
}

fn autoscaler(report: &mut Report, at: &At<'_>, spec: &AutoscaleSpec) -> Option<Autoscaler> {
    let interval = positive(report, &at.key("interval"), spec.interval.0);
    let provisioning = report.check(&at.key("provisioning"), spec.provisioning.build(1.0));
    if spec.min > spec.max {
        report.add(
            &at.key("min"),
            format!("`min` of {} is more than `max` of {}", spec.min, spec.max),
            None,
        );
        return None;
    }
    Some(Autoscaler {
        min: spec.min,
        max: spec.max,
        target: spec.target,
        interval: interval?,
        provisioning: provisioning?,
        cooldown: span(spec.cooldown.0),
    })
}

/// The devices of a fleet with their prices.
fn offers(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    spec: &FleetSpec,
    classes: &mut Classes<'_>,
) -> Option<Vec<Offer>> {
    let books = &tables.catalog.prices;
    let book = spec.prices.as_ref().map(|name| (name, books.get(name)));
    if let Some((name, None)) = book {
        let known = books.keys().map(String::as_str);
        unknown(report, &at.key("prices"), "price book", name, known);
        return None;
    }
    let book = book.and_then(|(name, book)| Some((name, book?)));
    let all = at.key("devices");
    let weights = spec
        .devices
        .iter()
        .map(|(name, offer)| ((name, offer), offer.share))
        .collect();
    let shares = shares::normalised(report, &all, weights)?;
    let mut offers = Vec::with_capacity(shares.len());
    let mut complete = true;
    for ((name, offer), share) in shares {
        let at = all.key(name);
        let device = look_up(report, &at, "device", &tables.devices, name);
        let listed = book.and_then(|(_, book)| book.usd_per_hour.get(name).copied());
        let price = offer.usd_per_hour.or(listed);
        if let (Some(_), None) = (device, price) {
            let message = match book {
                Some((book, _)) => format!("the price book `{book}` has no price for `{name}`"),
                None => format!("no price is given for `{name}`"),
            };
            report.add(&at, message, Some("give it a `usd_per_hour`".to_owned()));
        }
        let profile = device.and_then(|device| {
            classes.profile(report, &at, name, device, offer.gpus, spec.pipeline)
        });
        let devices = f64::from(offer.gpus * spec.pipeline.map_or(1, |pipeline| pipeline.stages));
        match (profile, price) {
            (Some(profile), Some(usd_per_hour)) => offers.push(Offer {
                profile,
                share,
                usd_per_hour: usd_per_hour * devices,
            }),
            _ => complete = false,
        }
    }
    complete.then_some(offers)
}

/// One-way latency of the access link [s]: half the round trip that the specification gives.
fn access(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    spec: &AccessSpec,
) -> Option<walras_des::Dist> {
    let law: &DurationLaw = match spec {
        AccessSpec::Law(law) => law,
        AccessSpec::Kind(name) => {
            let kinds = &tables.catalog.geography.last_mile;
            let Some(law) = kinds.get(name) else {
                unknown(
                    report,
                    at,
                    "kind of access",
                    name,
                    kinds.keys().map(String::as_str),
                );
                return None;
            };
            law
        }
    };
    // In units of two seconds, a round trip is its one-way latency in seconds.
    report.check(at, law.build(2.0))
}

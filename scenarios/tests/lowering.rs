//! What lowering makes of a scenario, against published figures and sums done by hand.

use std::fs;
use std::path::{Path, PathBuf};

use walras_des::{SimTime, Span};
use walras_scenarios::catalog::Catalog;
use walras_scenarios::{Plan, load};
use walras_sim::availability::{Availability, Onset, Pattern, Reach, Renewal};
use walras_sim::hardware::MatMul;
use walras_sim::ids::RegionId;
use walras_sim::platform::{Fleet, KvLink, Role, Size};
use walras_sim::workload::Source;

fn plan(name: &str, set: &[(&str, &str)], trace: Option<&Path>) -> Plan {
    let set: Vec<_> = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    load(Path::new(name), &set, trace)
        .unwrap_or_else(|issues| panic!("{issues}"))
        .plan
}

/// The home fleet of the main scenario with these changes.
fn home(set: &[(&str, &str)]) -> Fleet {
    let plan = plan("depin-vs-cloud", set, None);
    let fleets = plan.expect_requests().platforms[1].fleets.iter();
    fleets
        .clone()
        .find(|fleet| fleet.name == "home")
        .unwrap()
        .clone()
}

/// The renewal processes of a fleet with their shares.
fn renewals(fleet: &Fleet) -> Vec<(f64, &Renewal)> {
    let Availability::Mixed(classes) = &fleet.availability else {
        panic!("{:?}", fleet.availability)
    };
    let renewals = classes.iter().map(|(share, pattern)| match pattern {
        Pattern::Renewal(renewal) => (*share, renewal),
        other => panic!("{other:?}"),
    });
    renewals.collect()
}

/// Availability of the six clusters. Source: Javadi, Kondo, Vincent, Anderson, TPDS 22(11), 2011, by their fits.
#[test]
fn the_seti_classes_are_as_available_as_published() {
    let published = [0.835, 0.822, 0.260, 0.917, 0.723, 0.567];
    for (cluster, expect) in (1..).zip(published) {
        let class = format!("seti-cluster-{cluster}");
        let fleet = home(&[("platforms.depin.fleets.home.availability", &class)]);
        let share = renewals(&fleet)[0].1.availability().unwrap();
        assert!(
            (share - expect).abs() < 0.002,
            "{class}: {share} against {expect}"
        );
    }
}

/// 50,700 GPU-hours between interruptions and 355 min of repair (arXiv:2407.21783; Schroeder and Gibson, DSN 2006).
#[test]
fn data_centre_machines_fail_and_return_as_published() {
    let fleet = home(&[("platforms.depin.fleets.home.availability", "datacenter-gpu")]);
    let renewal = renewals(&fleet)[0].1;
    assert_eq!(renewal.up.mean(), Some(50_700.0));
    let minutes = renewal.down.mean().unwrap() * 60.0;
    assert!((minutes - 355.0).abs() < 2.0, "{minutes} min");
}

/// 400 Gbit/s are 50 GB/s, which is what is assumed where nothing is said.
#[test]
fn roles_and_the_links_between_them_are_lowered() {
    let of = |set: &[(&str, &str)]| {
        plan("disaggregation", set, None)
            .expect_requests()
            .platforms[2]
            .clone()
    };
    let apart = of(&[]);
    let roles: Vec<Role> = apart.fleets.iter().map(|fleet| fleet.role).collect();
    assert_eq!(roles, [Role::Prefill, Role::Decode]);
    assert_eq!(apart.kv_link, KvLink::default());
    assert!((apart.kv_link.bandwidth - 50e9).abs() < 1.0);
    let slow = "platforms.apart.serving.kv_transfer";
    let slow = of(&[(slow, "{gbit_s: 1, latency: 5 ms}")]).kv_link;
    assert!((slow.bandwidth - 1.25e8).abs() < 1.0);
    assert_eq!(slow.latency, Span::from_secs_f64(0.005));
}

#[test]
fn mixtures_are_flattened_into_shares() {
    let mix = "{seti-mix: 60 %, datacenter-gpu: 0.4}";
    let fleet = home(&[("platforms.depin.fleets.home.availability", mix)]);
    let shares: Vec<f64> = renewals(&fleet).iter().map(|(share, _)| *share).collect();
    assert_eq!(shares.len(), 7);
    assert!(
        shares[..6].iter().all(|share| (share - 0.1).abs() < 1e-12),
        "{shares:?}"
    );
    assert!((shares[6] - 0.4).abs() < 1e-12);
    let always = home(&[(
        "platforms.depin.fleets.home.availability",
        "{always: 1, seti-cluster-1: 0}",
    )]);
    assert_eq!(always.availability, Availability::Always);
}

/// The published numbers of parameters are the sums over the shapes, to 0.1 % (norms and biases are left out of the products).
#[test]
fn models_have_their_published_sizes() {
    let catalog = Catalog::get();
    for (name, spec) in &catalog.models {
        let model = catalog.model(name).expect("one of its names");
        let all = |products: &[MatMul]| products.iter().map(|p| p.n * p.k * p.count).sum::<f64>();
        let layers = all(&model.layer(u32::MAX, 1)) * f64::from(model.layers);
        let head = all(&[model.head(1, 1)]);
        // The embedding is either the output layer or as large.
        let off = |tables: f64| ((layers + tables * head) / spec.parameters - 1.0).abs();
        assert!(
            off(1.0).min(off(2.0)) < 1e-3,
            "{name}: {} and {}",
            off(1.0),
            off(2.0)
        );
    }
}

#[test]
fn access_is_half_a_round_trip_and_shares_sum_to_one() {
    let fleet = home(&[("platforms.depin.fleets.home.access", "{constant: 20 ms}")]);
    assert_eq!(fleet.access.mean(), Some(0.01));
    let total: f64 = fleet.devices.iter().map(|offer| offer.share).sum();
    assert!((total - 1.0).abs() < 1e-12);
    assert_eq!(fleet.size, Size::Fixed(4800));
    let home = home(&[("platforms.depin.fleets.home.access", "home")]);
    assert!(
        (home.access.quantile(0.5).unwrap() - 0.005).abs() < 1e-12,
        "the catalog says 10 ms both ways"
    );
}

#[test]
fn a_platform_inherits_through_several_others() {
    let plan = plan("cloud-menu", &[], None);
    let prices: Vec<f64> = plan
        .expect_requests()
        .platforms
        .iter()
        .map(|platform| platform.fleets[0].devices[0].usd_per_hour)
        .collect();
    // AWS list prices of us-east-1, 2026-01-21, per GPU; the last is that of a specialised cloud.
    assert_eq!(prices, [6.88, 3.4309, 1.861, 1.09]);
    let devices: Vec<usize> = plan
        .expect_requests()
        .platforms
        .iter()
        .map(|platform| platform.profiles.len())
        .collect();
    assert_eq!(
        devices, [1; 4],
        "an inherited device is replaced, not joined"
    );
}

#[test]
fn a_rate_factor_divides_the_gaps_of_a_trace() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("three.csv");
    let rows =
        "2023-11-16 00:00:00.5,10,5\n2023-11-16 00:00:01.5,20,5\n2023-11-16 00:00:04.5,30,5\n";
    fs::write(
        &file,
        format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{rows}"),
    )
    .unwrap();
    let set = [("workload.diurnal", "null"), ("workload.rate_factor", "2")];
    let plan = plan("depin-vs-cloud", &set, Some(&file));
    let Source::Trace(trace) = &plan.expect_requests().workload.source else {
        panic!("a trace")
    };
    assert_eq!(
        trace.at,
        [0, 500_000_000, 2_000_000_000].map(SimTime::from_nanos)
    );
}

/// The empirical law of the coding service keeps its mean of one, so that the rate stays what the trace measured.
#[test]
fn measured_gaps_have_mean_one() {
    let plan = plan(
        "cloud-menu",
        &[("workload.requests", "azure-code-2023")],
        None,
    );
    let Source::Synthetic(synthetic) = &plan.expect_requests().workload.source else {
        panic!("a process")
    };
    assert!((synthetic.gap.mean().unwrap() - 1.0).abs() < 1e-12);
    let cv = synthetic.gap.variance().unwrap().sqrt();
    assert!(
        (cv - 13.15).abs() < 0.1,
        "the coefficient of variation of the trace is 13.15, not {cv}"
    );
}

#[test]
fn a_device_of_the_catalog_can_be_amended() {
    let set = [
        ("devices.rtx-4090.memory_gib", "48"),
        ("models.\"llama-3.1-8b\".layers", "16"),
    ];
    let plan = plan("depin-vs-cloud", &set, None);
    let platform = &plan.expect_requests().platforms[1];
    let card = platform
        .profiles
        .iter()
        .find(|profile| profile.device.name == "rtx-4090")
        .unwrap();
    assert_eq!(card.device.memory, 48 << 30);
    assert_eq!(
        card.device.bandwidth, 1008e9,
        "what is not said is inherited"
    );
    assert_eq!(card.deployment.model.kv_bytes(), 65_536);
}

/// A day of horizon and a trace of 90.5 seconds: the run ends with the trace, so that nobody rents machines for the silence after it.
#[test]
fn a_short_trace_ends_the_run() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("short.csv");
    let rows = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
        2023-11-16 18:15:46.5000000,374,44\n\
        2023-11-16 18:17:17.0000000,396,109\n";
    std::fs::write(&file, rows).unwrap();
    let plan = load(Path::new("depin-vs-cloud"), &[], Some(&file))
        .unwrap()
        .plan;
    assert_eq!(plan.horizon, Span::from_secs(91));
    let short = [("run.horizon".to_owned(), "30 s".to_owned())];
    let plan = load(Path::new("depin-vs-cloud"), &short, Some(&file))
        .unwrap()
        .plan;
    assert_eq!(plan.horizon, Span::from_secs(30));
}

/// Names, shares and prices of the devices of the home fleet of each platform [USD/h].
fn offers(plan: &Plan) -> Vec<Vec<(String, f64, f64)>> {
    let homes = plan.expect_requests().platforms.iter().map(|platform| {
        let mut fleets = platform.fleets.iter();
        (platform, fleets.find(|fleet| fleet.name == "home").unwrap())
    });
    homes
        .map(|(platform, fleet)| {
            let offers = fleet.devices.iter();
            offers
                .map(|offer| {
                    let device = &platform.profiles[offer.profile.index()].device;
                    (device.name.clone(), offer.share, offer.usd_per_hour)
                })
                .collect()
        })
        .collect()
}

/// An override of one price of an inherited map of devices leaves the other devices and shares, here and in the platforms
/// that extend this one.
#[test]
fn an_override_within_inherited_devices_amends_them() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("amended.yaml");
    let text = "\
walras: 1
question: What does one price change?
run: {horizon: 1 h, replications: 1, seed: 1}
workload:
  requests: azure-conv-2023
  model: llama-3.1-8b
  slo: {ttft: 2 s, tpot: 100 ms}
  patience: 60 s
platforms:
  parent: {extends: decentralized-network}
  child: {extends: parent, slots: 4}
  other: {extends: parent, fleets: {home: {devices: {rtx-4090: {share: 1}}}}}
";
    fs::write(&file, text).unwrap();
    let name = file.to_str().unwrap();
    let before = offers(&plan(name, &[], None));
    let path = "platforms.parent.fleets.home.devices.rtx-4090.usd_per_hour";
    let after = offers(&plan(name, &[(path, "0.2")], None));
    let mut expect = before.clone();
    for platform in &mut expect[..2] {
        let price = platform.iter_mut().find(|(name, ..)| name == "rtx-4090");
        price.unwrap().2 = 0.2;
    }
    assert_ne!(before, expect);
    assert_eq!(after, expect);
    assert_eq!(after[2].len(), 1, "a map of the text replaces");
    let whole = ("platforms.parent.fleets.home.devices", "{l40s: {share: 2}}");
    let replaced = offers(&plan(name, &[whole], None));
    let l40s = |devices: &[(String, f64, f64)]| devices.len() == 1 && devices[0].0 == "l40s";
    assert!(l40s(&replaced[0]) && l40s(&replaced[1]), "{replaced:?}");
    let fewer = plan(name, &[("platforms.other", "null")], None);
    assert_eq!(fewer.names().len(), 2, "null removes a platform");
}

#[test]
fn seeds_are_not_rounded() {
    for seed in [(1 << 53) + 1, i64::MAX as u64 + 1, u64::MAX] {
        let text = seed.to_string();
        assert_eq!(plan("churn", &[("run.seed", &text)], None).seed, seed);
    }
}

#[test]
fn the_rows_beyond_the_horizon_are_counted() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("beyond.csv");
    let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00,10,10\n2023-11-16 18:00:10,10,10\n\
                2023-11-16 18:00:11,10,10\n";
    fs::write(&file, text).unwrap();
    let used = |set: &[(&str, &str)]| {
        let set: Vec<_> = set
            .iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect();
        let scenario = load(Path::new("churn"), &set, Some(&file)).unwrap();
        let trace = scenario.trace.unwrap();
        assert_eq!(trace.path, file);
        (trace.used, trace.rows)
    };
    let short = ("run.horizon", "10 s");
    let warm_up = ("run.warm_up", "0 s");
    let rate = ("workload.rate_factor", "1");
    assert_eq!(used(&[warm_up, rate]), (3, 3));
    assert_eq!(used(&[short, warm_up, rate]), (2, 3));
    assert_eq!(
        used(&[short, warm_up, ("workload.rate_factor", "2")]),
        (3, 3)
    );
    assert!(load(Path::new("churn"), &[], None).unwrap().trace.is_none());
}

/// The list prices of three providers between their regions nearest to ours, as compiled in the network costs of HPE's green-dcc.
#[test]
fn what_leaves_a_region_has_its_list_price() {
    let catalog = Catalog::get();
    let region = |name: &str| {
        let index = catalog.geography.regions.get_index_of(name);
        RegionId::new(index.expect("a region"))
    };
    for (provider, from, to, gb, usd) in [
        ("aws", "us-east", "eu-west", 1000.0, 20.0),
        ("aws", "ap-northeast", "us-east", 1000.0, 90.0),
        ("aws", "sa-east", "us-east", 1.0, 0.138),
        ("gcp", "us-east", "us-south", 100.0, 2.0),
        ("gcp", "us-east", "eu-west", 100.0, 5.0),
        ("azure", "sa-east", "us-east", 10.0, 1.6),
        ("aws", "eu-west", "eu-west", 1e6, 0.0),
        ("home", "eu-west", "us-east", 1e6, 0.0),
    ] {
        let egress = catalog.egress(provider).expect("a provider");
        let found = egress.price(region(from), region(to), gb * 1e9);
        assert!(
            (found - usd).abs() < 1e-9,
            "{provider} {from} {to}: {found}"
        );
    }
    assert!(catalog.egress("nobody").is_none());
}

/// Owners' hours are hours of their own clocks; an outage reaches the regions that it names.
#[test]
fn hours_and_outages_are_lowered() {
    let fleet = home(&[
        (
            "availability.nights",
            "{daily: {from: 22 h, until: 7 h, spread: 90 min}}",
        ),
        (
            "platforms.depin.fleets.home.availability",
            "{nights: 79 %, seti-mix: 21 %}",
        ),
        (
            "platforms.depin.fleets.home.cold_start",
            "{image_gb: 5.53, download: home, load: {constant: 2 min}}",
        ),
    ]);
    let Availability::Mixed(classes) = &fleet.availability else {
        panic!("a mixture")
    };
    assert_eq!(classes.len(), 7);
    let Pattern::Daily(daily) = &classes[0].1 else {
        panic!("{:?}", classes[0])
    };
    assert_eq!((daily.from, daily.until, daily.spread), (22.0, 7.0, 1.5));
    assert!((classes[0].0 - 0.79).abs() < 1e-12 && (daily.availability() - 0.375).abs() < 1e-12);
    let cold = fleet.cold_start.expect("a cold start");
    // 92 Mbit/s in bytes.
    let median = cold.bandwidth.quantile(0.5).expect("a quantile");
    assert!((median - 11.5e6).abs() < 1.0 && cold.image == 5.53e9 && !cold.keeps_image);

    let outage = "{what: partition, regions: [us-east, sa-east], every: {exponential: {mean: 720 h}}, lasts: {constant: 2 h}}";
    let set = [("platforms.depin.outages.cable", outage)];
    let platform = plan("depin-vs-cloud", &set, None)
        .expect_requests()
        .platforms[1]
        .clone();
    let outage = &platform.outages[0];
    assert_eq!(
        (outage.reach, &*outage.regions, outage.together),
        (Reach::Partition, &[RegionId(0), RegionId(7)][..], false)
    );
    assert_eq!(outage.lasts.mean(), Some(7200.0));
    assert!(matches!(&outage.onset, Onset::Every(law) if law.mean() == Some(720.0 * 3600.0)));
}

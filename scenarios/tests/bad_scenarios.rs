//! What a user reads when an input is wrong: the whole message with line and column, for every kind of mistake.

use std::fs;
use std::path::{Path, PathBuf};

use walras_scenarios::load;

/// A scenario without a mistake.
const GOOD: &str = "\
walras: 1
question: Does it work?
run:
  horizon: 1 h
  replications: 2
  seed: 1
workload:
  requests: azure-conv-2023
  model: llama-3.1-8b
  slo: {ttft: 2 s, tpot: 100 ms}
  patience: 60 s
platforms:
  cloud:
    extends: hyperscaler
  home:
    extends: decentralized-network
    fleets:
      home: {nodes: 100}
";

/// Loads a scenario from a directory of its own, and says how that went.
fn outcome(name: &str, text: &str, set: &[(&str, &str)]) -> String {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("a.yaml");
    fs::write(&file, text).unwrap();
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n";
    fs::write(directory.join("good.csv"), header).unwrap();
    fs::write(
        directory.join("broken.csv"),
        format!("{header}2023-11-16 18:17:04.0319600,many,8\n"),
    )
    .unwrap();
    fs::write(
        directory.join("dates.csv"),
        format!("{header}2023-02-30 18:17:04,1,8\n2023-11-16 24:00:00,1,8\n"),
    )
    .unwrap();
    let set: Vec<_> = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    match load(&file, &set, None) {
        Ok(_) => "loaded".to_owned(),
        Err(issues) => issues
            .to_string()
            .replace(&format!("{}/", directory.display()), ""),
    }
}

/// The good scenario with some texts replaced.
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(GOOD.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "nothing to replace: {from}");
        text.replacen(from, to, 1)
    })
}

#[track_caller]
fn check(name: &str, text: &str, set: &[(&str, &str)], expect: &str) {
    let found = outcome(name, text, set);
    assert!(
        found == expect,
        "{name}: found\n{found}\nexpected\n{expect}"
    );
}

macro_rules! bad {
    ($($name:ident: $text:expr, $set:expr, $expect:expr;)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), AsRef::<str>::as_ref(&$text), $set, $expect);
        })*
    };
}

#[test]
fn the_good_scenario_loads() {
    assert_eq!(outcome("good", GOOD, &[]), "loaded");
}

/// Every rule of an economy that cannot be is named once, with its place.
#[test]
fn economies_say_what_cannot_be() {
    let text = "
walras: 1
question: Does it work?
run: {horizon: 1 y, replications: 2, seed: 1}
customers: {volume: 1000, reference_price: 1}
economies:
  e:
    networks:
      n:
        owners: {potential: 10, capacity: 1, running_cost: 0.1}
        market: {posted: {price: 1}}
        take_rate: 60 %
        verification: {opportunists: 10 %, checked: 1 %, memory: 0 d}
        token:
          initial_price: 1
          price: fixed
          genesis: {public: {holder: public, tokens: 1e6}}
      m:
        seller: {capacity: 10}
        market: {posted: {price: 1}}
        verification: {opportunists: 10 %, checked: 1 %}
";
    let expected = [
        (&[][..], "this duration must be more than nothing"),
        (&[], "one seller has nobody who would cheat on the others"),
        (
            &[(
                "economies.e.networks.n.token.emission",
                "{halving: {per_day: 1, every: 1 h}}",
            )],
            "a schedule counts in whole days",
        ),
        (
            &[(
                "economies.e.networks.n.token.emission",
                "{decay: {per_day: 1e12, half_life: 9 y}}",
            )],
            "this mints 4.7e15 tokens in all, more than 1e15",
        ),
        (
            &[(
                "economies.e.networks.n.token.emission",
                "{table: {years: [1, -2]}}",
            )],
            "expected tokens from 0 to 1e15, found -2",
        ),
        (
            &[(
                "economies.e.networks.n.token.staking",
                "{rewards: 10 %, wanted_yield: 0 %}",
            )],
            "who wants nothing delegates all there is",
        ),
    ];
    for (set, message) in expected {
        let found = outcome("economies", text, set);
        assert!(found.contains(message), "{message} is not in\n{found}");
    }
    // What creators and the protocol keep, where nothing else is wrong.
    let text = text.replace(", memory: 0 d", "");
    let rest = text.find("      m:").expect("a second network");
    let one = &text[..rest];
    assert_eq!(outcome("economy", one, &[]), "loaded");
    for (creators, payment, message) in [
        (
            "{models: 1, upkeep: 1, share: 50 %}",
            "tokens",
            "keep more than all that is paid",
        ),
        (
            "{models: 1, upkeep: 1, share: 5 %}",
            "{burn-and-mint: {}}",
            "nothing of it is left for creators",
        ),
    ] {
        let set = [
            ("economies.e.networks.n.creators", creators),
            ("economies.e.networks.n.token.payment", payment),
        ];
        let found = outcome("creators", one, &set);
        assert!(found.contains(message), "{message} is not in\n{found}");
    }
}

/// In a flow map, a comma within a number starts a key without a value.
#[test]
fn a_key_without_a_value_is_not_swallowed() {
    let text = edited(&[("nodes: 100", "nodes: 1,000")]);
    let found = outcome("comma", &text, &[]);
    assert!(found.starts_with("error: unknown key `000`"), "{found}");
}

bad! {
    unknown_key:
        edited(&[("platforms:", "platfroms:")]),
        &[],
        "\
error: unknown key `platfroms`
  --> a.yaml:12:1
   |
12 | platfroms:
   | ^^^^^^^^^
   = help: did you mean `platforms`?

1 problem in a.yaml";
    unknown_nested_key:
        edited(&[("nodes: 100", "nodes: 100, node_count: 3")]),
        &[],
        "\
error: unknown key `node_count`
  --> a.yaml:18:26
   |
18 |       home: {nodes: 100, node_count: 3}
   |                          ^^^^^^^^^^
   = help: known keys: nodes, autoscale, devices, pipeline, prices, ownership, regions, availability, dispersed, ask_sigma, access, cold_start, role

1 problem in a.yaml";
    missing_key:
        edited(&[("  horizon: 1 h\n", "")]),
        &[],
        "\
error: missing key `horizon` in `run`
 --> a.yaml:3:1
  |
3 | run:
  | ^^^
  = help: `horizon`: length of a run

1 problem in a.yaml";
    duration_without_a_unit:
        edited(&[("patience: 60 s", "patience: 60")]),
        &[],
        "\
error: expected a duration with a unit, found the number 60
  --> a.yaml:11:13
   |
11 |   patience: 60
   |             ^^
   = help: write `60 ms`, `60 s`, `60 min` or `60 h`

1 problem in a.yaml";
    wrong_unit:
        edited(&[("horizon: 1 h", "horizon: 1 hour")]),
        &[],
        "\
error: unknown unit of time `hour`
 --> a.yaml:4:12
  |
4 |   horizon: 1 hour
  |            ^^^^^^
  = help: known units: ns, us, ms, s, min, h, d, w, y

1 problem in a.yaml";
    wrong_type:
        edited(&[("replications: 2", "replications: [2]")]),
        &[],
        "\
error: expected a whole number or a map with precision, of, at_least, at_most, found a list
 --> a.yaml:5:17
  |
5 |   replications: [2]
  |                 ^

1 problem in a.yaml";
    text_where_a_number_is_expected:
        edited(&[("seed: 1", "seed: one")]),
        &[],
        "\
error: expected a whole number, found the text `one`
 --> a.yaml:6:9
  |
6 |   seed: one
  |         ^^^

1 problem in a.yaml";
    a_whole_number_with_a_point:
        edited(&[("replications: 2", "replications: 5.0")]),
        &[],
        "\
error: expected a whole number or a map with precision, of, at_least, at_most, found the number 5.0
 --> a.yaml:5:17
  |
5 |   replications: 5.0
  |                 ^^^

1 problem in a.yaml";
    one_name_where_shares_are_expected:
        edited(&[("nodes: 100", "nodes: 100, regions: us-east, devices: rtx-4090")]),
        &[],
        "\
error: unknown regions `us-east`
  --> a.yaml:18:35
   |
18 |       home: {nodes: 100, regions: us-east, devices: rtx-4090}
   |                                   ^^^^^^^
   = help: write `{us-east: …}`, or one of population

error: expected a map, found the text `rtx-4090`
  --> a.yaml:18:53
   |
18 |       home: {nodes: 100, regions: us-east, devices: rtx-4090}
   |                                                     ^^^^^^^^
   = help: write `{rtx-4090: {share: …}}`

2 problems in a.yaml";
    a_number_where_a_distribution_is_expected:
        edited(&[("  model:", "  budget: 3\n  model:")]),
        &[],
        "\
error: expected a map with one of constant, uniform, lognormal, found the number 3
 --> a.yaml:9:11
  |
9 |   budget: 3
  |           ^
  = help: write `{constant: 3}`

1 problem in a.yaml";
    parameters_of_a_word:
        edited(&[("    extends: hyperscaler", "    extends: hyperscaler\n    scheduler: {random: {}}")]),
        &[],
        "\
error: `random` takes no parameters
  --> a.yaml:15:17
   |
15 |     scheduler: {random: {}}
   |                 ^^^^^^
   = help: write `random`

1 problem in a.yaml";
    a_colon_in_a_text:
        edited(&[("Does it work?", "cloud: does it work?")]),
        &[],
        "\
error: not valid YAML: mapping values are not allowed in this context
 --> a.yaml:2:16
  |
2 | question: cloud: does it work?
  |                ^
  = help: put a text with a colon in it in quotes

1 problem in a.yaml";
    two_documents:
        edited(&[("question:", "---\nquestion:")]),
        &[],
        "\
error: not valid YAML: there is a second document
 --> a.yaml:3:1
  |
3 | question: Does it work?
  | ^
  = help: keep each scenario in a file of its own, without `---` between them

1 problem in a.yaml";
    outage_without_a_beginning:
        GOOD,
        &[("platforms.home.outages", "{storm: {what: blackout, regions: [us-est], lasts: {constant: 1 h}}}")],
        "\
error: the outage `storm` has no beginning
 --> --set platforms.home.outages={storm: {what: blackout, regions: [us-est], lasts: {constant: 1 h}}}
  |                                ^^^^^
  = help: give `at` for one that happens once, or `every` for those that come back

error: unknown region `us-est`
 --> --set platforms.home.outages={storm: {what: blackout, regions: [us-est], lasts: {constant: 1 h}}}
  |                                                                  ^^^^^^
  = help: did you mean `us-east`?

2 problems in a.yaml";
    outage_of_the_dispatcher_in_a_region:
        GOOD,
        &[("platforms.home.outages", "{silence: {what: dispatcher, regions: [us-east], at: 1 h, every: {constant: 1 h}, lasts: {constant: 1 h}}}")],
        "\
error: the outage `silence` has both `at` and `every`
 --> --set platforms.home.outages={silence: {what: dispatcher, regions: [us-east], at: 1 h, every: {constant: 1…
  |                                ^^^^^^^
  = help: give `at` for one that happens once, or `every` for those that come back

error: a dispatcher is nowhere in particular
 --> --set …atforms.home.outages={silence: {what: dispatcher, regions: [us-east], at: 1 h, every: {constant: 1 h…
  |                                                           ^^^^^^^
  = help: remove `regions`: a platform has one dispatcher

2 problems in a.yaml";
    cold_start_of_an_elastic_fleet:
        GOOD,
        &[("platforms.cloud.fleets.gpu.cold_start", "{image_gb: 5, download: hom, load: {constant: 1 min}}")],
        "\
error: the fleet `gpu` has both `autoscale` and `cold_start`
 --> --set platforms.cloud.fleets.gpu.cold_start={image_gb: 5, download: hom, load: {constant: 1 min}}
  |                                   ^^^^^^^^^^
  = help: the time of an elastic fleet from the request of a node until it serves is `autoscale.provisioning`

error: unknown kind of access `hom`
 --> --set platforms.cloud.fleets.gpu.cold_start={image_gb: 5, download: hom, load: {constant: 1 min}}
  |                                                                      ^^^
  = help: did you mean `home`?

2 problems in a.yaml";
    hours_that_end_when_they_begin:
        edited(&[("platforms:", "availability:\n  odd: {daily: {from: 25 h, until: 25 h}}\n  two: {always: true, replay: {files: []}}\nplatforms:"), ("nodes: 100", "nodes: 100, availability: {odd: 1, two: 1}")]),
        &[],
        "\
error: a day has 24 h, found 25 h
  --> a.yaml:13:23
   |
13 |   odd: {daily: {from: 25 h, until: 25 h}}
   |                       ^^^^
   = help: for example `22 h`

error: a day has 24 h, found 25 h
  --> a.yaml:13:36
   |
13 |   odd: {daily: {from: 25 h, until: 25 h}}
   |                                    ^^^^
   = help: for example `22 h`

error: these hours end when they begin
  --> a.yaml:13:36
   |
13 |   odd: {daily: {from: 25 h, until: 25 h}}
   |                                    ^^^^
   = help: for hosts that never leave, `always: true`

error: `two` must say in one way how hosts come and go
  --> a.yaml:14:3
   |
14 |   two: {always: true, replay: {files: []}}
   |   ^^^
   = help: give `up` and `down`, or one of `mixture`, `daily`, `replay` and `always: true`

error: a replay without a record
  --> a.yaml:14:32
   |
14 |   two: {always: true, replay: {files: []}}
   |                                ^^^^^
   = help: name at least one file

5 problems in a.yaml";
    zero_replications:
        edited(&[("replications: 2", "replications: 0")]),
        &[],
        "\
error: `replications` must be at least 1, found 0
 --> a.yaml:5:17
  |
5 |   replications: 0
  |                 ^

1 problem in a.yaml";
    negative_rate:
        edited(&[("  model:", "  rate_factor: -1\n  model:")]),
        &[],
        "\
error: `rate_factor` must be greater than 0, found -1
 --> a.yaml:9:16
  |
9 |   rate_factor: -1
  |                ^^

1 problem in a.yaml";
    zero_nodes:
        edited(&[("nodes: 100", "nodes: 0")]),
        &[],
        "\
error: `nodes` must be at least 1, found 0
  --> a.yaml:18:21
   |
18 |       home: {nodes: 0}
   |                     ^

1 problem in a.yaml";
    unknown_scheduler:
        edited(&[("    extends: hyperscaler", "    extends: hyperscaler\n    scheduler: lest-loaded")]),
        &[],
        "\
error: unknown scheduler `lest-loaded`
  --> a.yaml:15:16
   |
15 |     scheduler: lest-loaded
   |                ^^^^^^^^^^^
   = help: did you mean `least-loaded`?

1 problem in a.yaml";
    scheduler_without_its_parameter:
        edited(&[("    extends: hyperscaler", "    extends: hyperscaler\n    scheduler: power-of-choices")]),
        &[],
        "\
error: `power-of-choices` needs parameters
  --> a.yaml:15:16
   |
15 |     scheduler: power-of-choices
   |                ^^^^^^^^^^^^^^^^
   = help: write `{power-of-choices: {d: …}}`

1 problem in a.yaml";
    unknown_device:
        edited(&[("nodes: 100", "nodes: 100, devices: {rtx-4900: {share: 1}}")]),
        &[],
        "\
error: unknown device `rtx-4900`
  --> a.yaml:18:36
   |
18 |       home: {nodes: 100, devices: {rtx-4900: {share: 1}}}
   |                                    ^^^^^^^^
   = help: did you mean `rtx-4090`?

1 problem in a.yaml";
    device_without_a_price:
        edited(&[("nodes: 100", "nodes: 100, devices: {epyc-server-cpu: {share: 1}}")]),
        &[],
        "\
error: the price book `marketplace` has no price for `epyc-server-cpu`
  --> a.yaml:18:36
   |
18 |       home: {nodes: 100, devices: {epyc-server-cpu: {share: 1}}}
   |                                    ^^^^^^^^^^^^^^^
   = help: give it a `usd_per_hour`

1 problem in a.yaml";
    unknown_model:
        edited(&[("llama-3.1-8b", "llama-3.1-80b")]),
        &[],
        "\
error: unknown model `llama-3.1-80b`
 --> a.yaml:9:10
  |
9 |   model: llama-3.1-80b
  |          ^^^^^^^^^^^^^
  = help: did you mean `llama-3.1-8b`?

1 problem in a.yaml";
    unknown_region:
        edited(&[("nodes: 100", "nodes: 100, regions: {us-east: 1, mars: 1}")]),
        &[],
        "\
error: unknown region `mars`
  --> a.yaml:18:48
   |
18 |       home: {nodes: 100, regions: {us-east: 1, mars: 1}}
   |                                                ^^^^
   = help: known regions: us-east, us-south, eu-west, eu-central, ap-northeast, ap-south, ap-southeast, sa-east

1 problem in a.yaml";
    shares_all_zero:
        edited(&[("nodes: 100", "nodes: 100, regions: {us-east: 0, eu-west: 0}")]),
        &[],
        "\
error: all shares are zero
  --> a.yaml:18:26
   |
18 |       home: {nodes: 100, regions: {us-east: 0, eu-west: 0}}
   |                          ^^^^^^^
   = help: give at least one share above zero

1 problem in a.yaml";
    percentage_above_one_hundred:
        edited(&[("    fleets:\n      home", "    settlement: {take_rate: 120 %}\n    fleets:\n      home")]),
        &[],
        "\
error: a share cannot exceed 100 %, found 120 %
  --> a.yaml:17:29
   |
17 |     settlement: {take_rate: 120 %}
   |                             ^^^^^

1 problem in a.yaml";
    min_above_max:
        edited(&[("    extends: hyperscaler", "    extends: hyperscaler\n    fleets: {gpu: {autoscale: {min: 70}}}")]),
        &[],
        "\
error: `min` of 70 is more than `max` of 60
  --> a.yaml:15:37
   |
15 |     fleets: {gpu: {autoscale: {min: 70}}}
   |                                     ^^

1 problem in a.yaml";
    two_sizes:
        edited(&[("    extends: hyperscaler", "    extends: hyperscaler\n    fleets: {gpu: {nodes: 3}}")]),
        &[],
        "\
error: the fleet `gpu` has both `nodes` and `autoscale`
  --> a.yaml:15:14
   |
15 |     fleets: {gpu: {nodes: 3}}
   |              ^^^
   = help: remove the one that is inherited with `autoscale: null` or `nodes: null`

1 problem in a.yaml";
    impossible_memory:
        edited(&[("llama-3.1-8b", "llama-3.1-70b")]),
        &[],
        "\
error: no device of `cloud` holds `llama-3.1-70b` and its longest request: 141.1 GB of weights and 4.9 GB for 15052 tokens
  --> a.yaml:13:3
   |
13 |   cloud:
   |   ^^^^^
   = help: the largest, `h100-sxm`, has 85.9 GB, of which 90 % can be used; choose a larger device, more `gpus`, a smaller `model` or a lower `precision`

error: no device of `home` holds `llama-3.1-70b` and its longest request: 141.1 GB of weights and 4.9 GB for 15052 tokens
  --> a.yaml:15:3
   |
15 |   home:
   |   ^^^^
   = help: the largest, `h100-sxm`, has 85.9 GB, of which 90 % can be used; choose a larger device, more `gpus`, a smaller `model` or a lower `precision`

2 problems in a.yaml";
    duplicate_name:
        edited(&[("  home:\n", "  cloud:\n")]),
        &[],
        "\
error: duplicate key `cloud`
  --> a.yaml:15:3
   |
15 |   cloud:
   |   ^^^^^
   = help: it is first given on line 13

1 problem in a.yaml";
    cyclic_extends:
        edited(&[("extends: hyperscaler", "extends: home"), ("extends: decentralized-network", "extends: cloud")]),
        &[],
        "\
error: cyclic `extends`: cloud -> home -> cloud
  --> a.yaml:16:14
   |
16 |     extends: cloud
   |              ^^^^^
   = help: let one of them stand on its own

1 problem in a.yaml";
    unknown_platform:
        edited(&[("extends: hyperscaler", "extends: hyperscalar")]),
        &[],
        "\
error: unknown platform `hyperscalar`
  --> a.yaml:14:14
   |
14 |     extends: hyperscalar
   |              ^^^^^^^^^^^
   = help: did you mean `hyperscaler`?

1 problem in a.yaml";
    unknown_baseline:
        edited(&[("run:", "baseline: cluod\nrun:")]),
        &[],
        "\
error: unknown platform `cluod`
 --> a.yaml:3:11
  |
3 | baseline: cluod
  |           ^^^^^
  = help: did you mean `cloud`?

1 problem in a.yaml";
    cyclic_availability:
        edited(&[("nodes: 100", "nodes: 100, availability: a")]) + "availability:\n  a: {mixture: [{class: b, weight: 1}]}\n  b: {mixture: [{class: a, weight: 1}]}\n",
        &[],
        "\
error: `a` is a part of itself, or nested more than 4 deep
  --> a.yaml:20:3
   |
20 |   a: {mixture: [{class: b, weight: 1}]}
   |   ^

1 problem in a.yaml";
    circle_of_many_parts:
        edited(&[("nodes: 100", "nodes: 100, availability: a")]) + "availability:\n  a: {mixture: [{class: a, weight: 1}, {class: a, weight: 1}]}\n",
        &[],
        "\
error: `a` is a part of itself, or nested more than 4 deep
  --> a.yaml:20:3
   |
20 |   a: {mixture: [{class: a, weight: 1}, {class: a, weight: 1}]}
   |   ^

1 problem in a.yaml";
    a_precision_that_is_never_reached:
        edited(&[("replications: 2", "replications: {precision: 0 %, at_least: 30, at_most: 20}")]),
        &[],
        "\
error: a precision of 0 is never reached
 --> a.yaml:5:29
  |
5 |   replications: {precision: 0 %, at_least: 30, at_most: 20}
  |                             ^^^
  = help: for example `5 %`

error: at least 30 replications are more than at most 20
 --> a.yaml:5:44
  |
5 |   replications: {precision: 0 %, at_least: 30, at_most: 20}
  |                                            ^^
  = help: at most 20, or a larger `at_most`

2 problems in a.yaml";
    a_precision_of_no_figure:
        edited(&[("replications: 2", "replications: {precision: 5 %, of: [cost, ttft_p99]}")]),
        &[],
        "\
error: unknown figure `cost`
 --> a.yaml:5:39
  |
5 |   replications: {precision: 5 %, of: [cost, ttft_p99]}
  |                                       ^^^^
  = help: did you mean `cost_per_million_output_tokens`?

1 problem in a.yaml";
    a_precision_of_nothing:
        edited(&[("replications: 2", "replications: {precision: 5 %, of: []}")]),
        &[],
        "\
error: a precision of no figure is reached at once
 --> a.yaml:5:34
  |
5 |   replications: {precision: 5 %, of: []}
  |                                  ^^
  = help: name at least one metric, or leave `of` out

1 problem in a.yaml";
    fewer_replications_than_the_default_of_the_least:
        edited(&[("replications: 2", "replications: {precision: 5 %, at_most: 4}")]),
        &[],
        "\
error: at least 5 replications (the default of `at_least`) are more than at most 4
 --> a.yaml:5:43
  |
5 |   replications: {precision: 5 %, at_most: 4}
  |                                           ^
  = help: `at_least: 4`, or a larger `at_most`

1 problem in a.yaml";
    replications_without_a_precision:
        edited(&[("replications: 2", "replications: {at_most: 20}")]),
        &[],
        "\
error: missing key `precision` in `replications`
 --> a.yaml:5:3
  |
5 |   replications: {at_most: 20}
  |   ^^^^^^^^^^^^
  = help: `precision`: the most that a figure may be off, relative to its true value, as far as 95 % intervals tell

1 problem in a.yaml";
    a_single_replication_has_no_precision:
        edited(&[("replications: 2", "replications: {precision: 5 %, at_least: 1}")]),
        &[],
        "\
error: `at_least` must be at least 2, found 1
 --> a.yaml:5:44
  |
5 |   replications: {precision: 5 %, at_least: 1}
  |                                            ^

1 problem in a.yaml";
    neither_a_warm_up_nor_a_word_for_one:
        edited(&[("  seed: 1", "  seed: 1\n  warm_up: soon")]),
        &[],
        "\
error: expected a duration with a unit, found the text `soon`
 --> a.yaml:7:12
  |
7 |   warm_up: soon
  |            ^^^^
  = help: for example `24 h`, `5 min`, `2 s` or `100 ms`, or `auto`

1 problem in a.yaml";
    a_warm_up_to_be_found_in_a_day_that_varies:
        edited(&[("  seed: 1", "  seed: 1\n  warm_up: auto"), ("  patience: 60 s", "  patience: 60 s\n  diurnal: {amplitude: 0.5, peak: 6 h}")]),
        &[],
        "\
error: a workload with a daily variation has no steady state in which a warm-up could end
 --> a.yaml:7:12
  |
7 |   warm_up: auto
  |            ^^^^
  = help: give it as a duration, or remove `workload.diurnal`

1 problem in a.yaml";
    a_warm_up_to_be_found_in_a_trace:
        edited(&[("  seed: 1", "  seed: 1\n  warm_up: auto"), ("requests: azure-conv-2023", "requests: {trace: good.csv}")]),
        &[],
        "\
error: a recorded trace is one path of arrivals, with no steady state in which a warm-up could end
 --> a.yaml:7:12
  |
7 |   warm_up: auto
  |            ^^^^
  = help: give it as a duration

1 problem in a.yaml";
    warm_up_after_the_horizon:
        edited(&[("  seed: 1", "  seed: 1\n  warm_up: 1 h")]),
        &[],
        "\
error: the warm-up of 1h00m00s does not end before the horizon of 1h00m00s
 --> a.yaml:7:12
  |
7 |   warm_up: 1 h
  |            ^^^
  = help: jobs are measured only after the warm-up

1 problem in a.yaml";
    two_distributions_at_once:
        edited(&[("  model:", "  budget: {constant: 1, lognormal: {median: 1, sigma: 1}}\n  model:")]),
        &[],
        "\
error: expected exactly one of constant, uniform, lognormal, found constant, lognormal
 --> a.yaml:9:3
  |
9 |   budget: {constant: 1, lognormal: {median: 1, sigma: 1}}
  |   ^^^^^^

1 problem in a.yaml";
    bad_distribution:
        edited(&[("nodes: 100", "nodes: 100, access: {weibull: {shape: 1, scale: 0 s}}")]),
        &[],
        "\
error: weibull: scale is 0, expected a finite number above 0
  --> a.yaml:18:26
   |
18 |       home: {nodes: 100, access: {weibull: {shape: 1, scale: 0 s}}}
   |                          ^^^^^^

1 problem in a.yaml";
    missing_trace:
        edited(&[("requests: azure-conv-2023", "requests: {trace: missing.csv}")]),
        &[],
        "\
error: cannot read the trace `missing.csv`: No such file or directory (os error 2)
 --> a.yaml:8:21
  |
8 |   requests: {trace: missing.csv}
  |                     ^^^^^^^^^^^

1 problem in a.yaml";
    trace_with_a_broken_row:
        edited(&[("requests: azure-conv-2023", "requests: {trace: broken.csv}")]),
        &[],
        "\
error: column `ContextTokens`: expected a whole number of at least one, found `many`
 --> broken.csv:3:29
  |
3 | 2023-11-16 18:17:04.0319600,many,8
  |                             ^^^^

1 problem in broken.csv";
    problems_of_a_scenario_and_its_trace:
        edited(&[("requests: azure-conv-2023", "requests: {trace: broken.csv}"), ("replications: 2", "replications: 0")]),
        &[],
        "\
error: `replications` must be at least 1, found 0
 --> a.yaml:5:17
  |
5 |   replications: 0
  |                 ^

error: column `ContextTokens`: expected a whole number of at least one, found `many`
 --> broken.csv:3:29
  |
3 | 2023-11-16 18:17:04.0319600,many,8
  |                             ^^^^

2 problems in a.yaml and broken.csv";
    a_newer_format:
        edited(&[("walras: 1", "walras: 2"), ("seed: 1", "sed: 1")]),
        &[],
        "\
error: this version reads format 1, found format 2
 --> a.yaml:1:9
  |
1 | walras: 2
  |         ^
  = help: a newer version of walras may read it

1 problem in a.yaml";
    an_empty_platform:
        edited(&[("    extends: hyperscaler\n", "")]),
        &[],
        "\
error: the platform `cloud` is empty
  --> a.yaml:13:3
   |
13 |   cloud:
   |   ^^^^^
   = help: write `cloud: {extends: …}`, or remove it

1 problem in a.yaml";
    an_empty_device:
        edited(&[("nodes: 100", "nodes: 100, devices: {l40s: {share: 1}, rtx-4090: }")]),
        &[],
        "\
error: `rtx-4090` is empty
  --> a.yaml:18:54
   |
18 |       home: {nodes: 100, devices: {l40s: {share: 1}, rtx-4090: }}
   |                                                      ^^^^^^^^
   = help: give it a value, or remove it

1 problem in a.yaml";
    unusable_names:
        edited(&[("  cloud:\n", "  a/b:\n"), ("  home:\n    ext", "  \"\":\n    ext")]) + "  \"c\\n\": {extends: hyperscaler}\n",
        &[],
        "\
error: a name cannot hold slashes or control characters, found `a/b`
  --> a.yaml:13:3
   |
13 |   a/b:
   |   ^^^
   = help: use letters, digits, `-` and `_`, as in `my-network`

error: the name of a platform is empty
  --> a.yaml:15:3
   |
15 |   \"\":
   |   ^^
   = help: use letters, digits, `-` and `_`, as in `my-network`

error: a name cannot hold slashes or control characters, found `c\\n`
  --> a.yaml:19:3
   |
19 |   \"c\\n\": {extends: hyperscaler}
   |   ^^^^^
   = help: use letters, digits, `-` and `_`, as in `my-network`

3 problems in a.yaml";
    indented_with_a_tab:
        edited(&[("  seed: 1", "\tseed: 1")]),
        &[],
        "\
error: not valid YAML: a tab in the indentation
 --> a.yaml:6:1
  |
6 |  seed: 1
  | ^
  = help: indent with spaces

1 problem in a.yaml";
    a_map_indented_with_a_tab:
        edited(&[("  horizon: 1 h", "\thorizon: 1 h")]),
        &[],
        "\
error: not valid YAML: a tab in the indentation
 --> a.yaml:4:1
  |
4 |  horizon: 1 h
  | ^
  = help: indent with spaces

1 problem in a.yaml";
    nested_deeply:
        edited(&[("Does it work?", &"[".repeat(3000))]),
        &[],
        "\
error: not valid YAML: the text is nested too deeply
 --> a.yaml:2:266
  |
2 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
  |                                                    ^

1 problem in a.yaml";
    an_alias_of_itself:
        edited(&[("run:", "run: &a\n  b: *a")]),
        &[],
        "\
error: not valid YAML: an alias stands for a value that contains it
 --> a.yaml:4:6
  |
4 |   b: *a
  |      ^^

1 problem in a.yaml";
    an_alias_of_nothing:
        edited(&[("horizon: 1 h", "horizon: *a")]),
        &[],
        "\
error: not valid YAML: there is no anchor with the name of this alias
 --> a.yaml:4:12
  |
4 |   horizon: *a
  |            ^

1 problem in a.yaml";
    an_infinite_number:
        edited(&[("  model:", "  rate_factor: .inf\n  model:")]),
        &[],
        "\
error: not valid YAML: a number must be finite
 --> a.yaml:9:16
  |
9 |   rate_factor: .inf
  |                ^^^^
  = help: leave the key out for no limit

1 problem in a.yaml";
    a_list_as_key:
        edited(&[("  horizon: 1 h", "  [1]: 1 h")]),
        &[],
        "\
error: not valid YAML: a key must be a text
 --> a.yaml:4:3
  |
4 |   [1]: 1 h
  |   ^

1 problem in a.yaml";
    a_long_line:
        edited(&[("nodes: 100}", &format!("nodes: 100, description: \"{}\", ask_sigma: -1}}", "x".repeat(500)))]),
        &[],
        "\
error: unknown key `description`
  --> a.yaml:18:26
   |
18 |       home: {nodes: 100, description: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
   |                          ^^^^^^^^^^^
   = help: known keys: nodes, autoscale, devices, pipeline, prices, ownership, regions, availability, dispersed, ask_sigma, access, cold_start, role

error: `ask_sigma` must be at least 0, found -1
  --> a.yaml:18:554
   |
18 | …xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", ask_sigma: -1}
   |                                                                                                   ^^

2 problems in a.yaml";
    override_without_a_value:
        GOOD,
        &[("run.seed", "")],
        "\
error: the value of `run.seed` is empty
 --> --set run.seed=
  |                 ^
  = help: write a value, or `run.seed=null` to remove the key

1 problem in a.yaml";
    override_out_of_range:
        GOOD,
        &[("run.replications", "0"), ("run.seed", "18446744073709551616"), ("platforms.cloud.slots", "1e30")],
        "\
error: `seed` must be at most 18446744073709551615
 --> --set run.seed=18446744073709551616
  |                 ^^^^^^^^^^^^^^^^^^^^

error: `replications` must be at least 1, found 0
 --> --set run.replications=0
  |                         ^

error: `slots` must be at most 4096
 --> --set platforms.cloud.slots=1e30
  |                              ^^^^

3 problems in a.yaml";
    override_of_an_unknown_platform:
        GOOD,
        &[("platforms.clod.slots", "4")],
        "\
error: unknown platform `clod`
 --> --set platforms.clod.slots=4
  |                  ^^^^
  = help: did you mean `cloud`?

1 problem in a.yaml";
    override_that_removes_an_unknown_platform:
        GOOD,
        &[("platforms.clod", "null")],
        "\
error: unknown platform `clod`
 --> --set platforms.clod=null
  |                  ^^^^
  = help: did you mean `cloud`?

1 problem in a.yaml";
    a_child_of_a_removed_platform:
        edited(&[("decentralized-network", "cloud")]),
        &[("platforms.cloud", "null")],
        "\
error: unknown platform `cloud`
  --> a.yaml:16:14
   |
16 |     extends: cloud
   |              ^^^^^
   = help: known platforms: hyperscaler, decentralized-network

1 problem in a.yaml";
    a_child_of_an_empty_platform:
        edited(&[("    extends: hyperscaler\n", ""), ("decentralized-network", "cloud")]),
        &[],
        "\
error: the platform `cloud` is empty
  --> a.yaml:13:3
   |
13 |   cloud:
   |   ^^^^^
   = help: write `cloud: {extends: …}`, or remove it

1 problem in a.yaml";
    override_of_an_unknown_fleet:
        GOOD,
        &[("platforms.home.fleets.datacentre.nodes", "4")],
        "\
error: there is no `datacentre` in `fleets` to change
 --> --set platforms.home.fleets.datacentre.nodes=4
  |                              ^^^^^^^^^^
  = help: did you mean `datacenter`?

1 problem in a.yaml";
    override_of_an_unknown_catalog_device:
        GOOD,
        &[("devices.rtx-4900.memory_gib", "4")],
        "\
error: unknown device `rtx-4900`
 --> --set devices.rtx-4900.memory_gib=4
  |                ^^^^^^^^
  = help: did you mean `rtx-4090`?

1 problem in a.yaml";
    override_of_an_unknown_device_of_a_fleet:
        GOOD,
        &[("platforms.home.fleets.home.devices.rtx-4900.usd_per_hour", "4")],
        "\
error: there is no `rtx-4900` in `devices` to change
 --> --set platforms.home.fleets.home.devices.rtx-4900.usd_per_hour=4
  |                                           ^^^^^^^^
  = help: did you mean `rtx-4090`?

1 problem in a.yaml";
    trace_with_an_impossible_date:
        edited(&[("requests: azure-conv-2023", "requests: {trace: dates.csv}")]),
        &[],
        "\
error: column `TIMESTAMP`: expected a time such as `2023-11-16 18:17:03.9799600`, found `2023-02-30 18:17:04`
 --> dates.csv:3:1
  |
3 | 2023-02-30 18:17:04,1,8
  | ^^^^^^^^^^^^^^^^^^^

error: column `TIMESTAMP`: expected a time such as `2023-11-16 18:17:03.9799600`, found `2023-11-16 24:00:00`
 --> dates.csv:4:1
  |
4 | 2023-11-16 24:00:00,1,8
  | ^^^^^^^^^^^^^^^^^^^

2 problems in dates.csv";
    trace_that_is_a_directory:
        edited(&[("requests: azure-conv-2023", "requests: {trace: .}")]),
        &[],
        "\
error: cannot read the trace `.`: it is a directory
 --> a.yaml:8:21
  |
8 |   requests: {trace: .}
  |                     ^
  = help: give a file in it

1 problem in a.yaml";
    trace_with_a_day:
        edited(&[("requests: azure-conv-2023", "requests: {trace: good.csv}\n  diurnal: {amplitude: 0.5, peak: 14 h}")]),
        &[],
        "\
error: a recorded trace has its own daily variation
 --> a.yaml:9:3
  |
9 |   diurnal: {amplitude: 0.5, peak: 14 h}
  |   ^^^^^^^
  = help: remove it, or use `synthetic` requests

1 problem in a.yaml";
    not_yaml:
        edited(&[("run:", "run: [")]),
        &[],
        "\
error: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'
 --> a.yaml:5:15
  |
5 |   replications: 2
  |               ^

1 problem in a.yaml";
    a_list_instead_of_a_scenario:
        "- walras: 1\n",
        &[],
        "\
error: expected a map with walras, question, baseline, run, workload, platforms, jobs, clusters, customers, economies, sweep, sensitivity, tune, breakeven, devices, models, availability, found a list
 --> a.yaml:1:1
  |
1 | - walras: 1
  | ^

1 problem in a.yaml";
    an_empty_file:
        "",
        &[],
        "\
error: expected a map with walras, question, baseline, run, workload, platforms, jobs, clusters, customers, economies, sweep, sensitivity, tune, breakeven, devices, models, availability, found nothing
 --> a.yaml

1 problem in a.yaml";
    burned_dollars:
        edited(&[("    extends: hyperscaler", "    extends: hyperscaler\n    settlement: {burn: 50 %}")]),
        &[],
        "\
error: dollars cannot be burned
  --> a.yaml:15:24
   |
15 |     settlement: {burn: 50 %}
   |                        ^^^^
   = help: give the token a `token_price`, or remove `burn`

1 problem in a.yaml";
    a_device_of_ones_own_that_is_incomplete:
        GOOD.to_owned() + "devices: {my-gpu: {memory_gib: 24}}\n",
        &[],
        "\
error: missing keys bandwidth_gb_s, bf16_tflops, kernels, overheads, covers, error, idle_w, active_w, slowdown_sigma in `my-gpu`
  --> a.yaml:19:11
   |
19 | devices: {my-gpu: {memory_gib: 24}}
   |           ^^^^^^

1 problem in a.yaml";
    a_device_predicted_from_its_data_sheet_without_an_error:
        GOOD.to_owned() + "devices: {rtx-5090: {extends: rtx-4090, memory_gib: 32, bandwidth_gb_s: 1792}}\n",
        &[],
        "\
error: `rtx-5090` has other peak rates than `rtx-4090` and does not state its error
  --> a.yaml:19:31
   |
19 | devices: {rtx-5090: {extends: rtx-4090, memory_gib: 32, bandwidth_gb_s: 1792}}
   |                               ^^^^^^^^
   = help: a device predicted from its data sheet and its class was off by about 20 %: write `error: {fitted: 20 %, held_out: 20 %}`

1 problem in a.yaml";
    a_device_that_extends_nothing_known:
        GOOD.to_owned() + "devices: {mine: {extends: rtx-4091}}\n",
        &[],
        "\
error: unknown device `rtx-4091`
  --> a.yaml:19:27
   |
19 | devices: {mine: {extends: rtx-4091}}
   |                           ^^^^^^^^
   = help: did you mean `rtx-4090`?

1 problem in a.yaml";
    a_file_of_a_device_that_is_not_there:
        GOOD.to_owned() + "devices: {mine: {extends: mine.yaml}}\n",
        &[],
        "\
error: cannot read `mine.yaml`: No such file or directory (os error 2)
  --> a.yaml:19:27
   |
19 | devices: {mine: {extends: mine.yaml}}
   |                           ^^^^^^^^^

1 problem in a.yaml";
    bad_override:
        GOOD,
        &[("run.seed.x", "1")],
        "\
error: there is no key `x` in the number 1
 --> --set run.seed.x=1
  |                 ^

1 problem in a.yaml";
    override_of_an_unknown_key:
        GOOD,
        &[("run.horizn", "2 h")],
        "\
error: unknown key `horizn`
 --> --set run.horizn=2 h
  |            ^^^^^^
  = help: did you mean `horizon`?

1 problem in a.yaml";
    override_with_a_wrong_value:
        GOOD,
        &[("run.horizon", "2")],
        "\
error: expected a duration with a unit, found the number 2
 --> --set run.horizon=2
  |                    ^
  = help: write `2 ms`, `2 s`, `2 min` or `2 h`

1 problem in a.yaml";
    five_problems_at_once:
        edited(&[("horizon: 1 h", "horizon: 60"), ("replications: 2", "replications: 0"), ("llama-3.1-8b", "lama-3.1-8b"), ("extends: hyperscaler", "extends: hyperscaler\n    scheduler: fifo"), ("nodes: 100", "nodes: 100, regions: {us-east: 0}")]),
        &[],
        "\
error: expected a duration with a unit, found the number 60
 --> a.yaml:4:12
  |
4 |   horizon: 60
  |            ^^
  = help: write `60 ms`, `60 s`, `60 min` or `60 h`

error: `replications` must be at least 1, found 0
 --> a.yaml:5:17
  |
5 |   replications: 0
  |                 ^

error: unknown model `lama-3.1-8b`
 --> a.yaml:9:10
  |
9 |   model: lama-3.1-8b
  |          ^^^^^^^^^^^
  = help: did you mean `llama-3.1-8b`?

error: unknown scheduler `fifo`
  --> a.yaml:15:16
   |
15 |     scheduler: fifo
   |                ^^^^
   = help: known names: random, round-robin, least-loaded, join-idle-queue, least-work-left, reverse-auction, cheapest-within-slo, work-stealing, power-of-choices, sparrow, hedged, quorum, deadline-and-budget, kv-aware, prefix-aware, disaggregated, age-aware, reputation-aware, external

error: all shares are zero
  --> a.yaml:19:26
   |
19 |       home: {nodes: 100, regions: {us-east: 0}}
   |                          ^^^^^^^
   = help: give at least one share above zero

5 problems in a.yaml";
}

#[test]
fn a_name_that_is_nearly_in_the_library() {
    let error = load(Path::new("depin-vs-clod"), &[], None)
        .unwrap_err()
        .to_string();
    let expect = "\
error: cannot read the scenario: No such file or directory (os error 2)
 --> depin-vs-clod
  = help: did you mean `depin-vs-cloud`?

1 problem in depin-vs-clod";
    assert_eq!(error, expect);
}

#[test]
fn the_beginning_of_a_name_in_the_library() {
    for name in ["depin", "depin-vs-cloud.yaml", "DEPIN-vs-cloud.yml"] {
        let error = load(Path::new(name), &[], None).unwrap_err().to_string();
        assert!(
            error.contains("= help: did you mean `depin-vs-cloud`?"),
            "{error}"
        );
    }
}

/// A pipe without a writer would be waited for without end; `/dev/null` stands for all that are no regular files.
#[test]
fn only_regular_files_of_text_are_read() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("only_text");
    fs::create_dir_all(&directory).unwrap();
    let latin = directory.join("latin.yaml");
    fs::write(&latin, b"walras: 1\nquestion: caf\xe9\n").unwrap();
    for (path, expect) in [
        (
            directory.as_path(),
            "error: cannot read the scenario: it is a directory\n --> P\n  = help: give a file in it\n",
        ),
        (
            Path::new("/dev/null"),
            "error: cannot read the scenario: it is not a regular file\n --> P\n  = help: write its content to a file first\n",
        ),
        (
            &latin,
            "error: cannot read the scenario: it is not UTF-8 text: byte 0xe9 in line 2\n --> P\n  = help: save it as UTF-8\n",
        ),
    ] {
        let error = load(path, &[], None).unwrap_err().to_string();
        let expect = expect.replace('P', &path.display().to_string());
        assert!(error.starts_with(&expect), "{error}");
    }
}

#[test]
fn a_trace_on_the_command_line_that_is_missing() {
    let error = load(
        Path::new("churn"),
        &[],
        Some(Path::new("/nowhere/missing.csv")),
    )
    .unwrap_err()
    .to_string();
    let expect = "\
error: cannot read the trace `/nowhere/missing.csv`: No such file or directory (os error 2)
 --> --trace /nowhere/missing.csv
  |          ^^^^^^^^^^^^^^^^^^^^
1 problem in churn.yaml";
    assert_eq!(error.replace("\n\n", "\n"), expect);
}

#[test]
fn an_endless_text_is_refused_in_plain_words() {
    let long = format!("question: [{}]\n", "1,".repeat(300_000));
    let mut bomb = "question: &a [1,1,1,1,1,1,1,1,1]\n".to_owned();
    for (name, of) in ('b'..='h').zip('a'..) {
        let inner = vec![format!("*{of}"); 9].join(",");
        bomb.extend([format!("{name}: &{name} [{inner}]\n")]);
    }
    for text in [long, bomb] {
        let text = edited(&[("question: Does it work?\n", &text)]);
        let found = outcome("endless", &text, &[]);
        let expect =
            "error: not valid YAML: the text is too long, or its aliases stand for too much\n";
        assert!(found.starts_with(expect), "{found}");
    }
}

bad! {
    a_quorum_that_never_agrees:
        edited(&[("    extends: hyperscaler\n", "    extends: hyperscaler\n    scheduler: {quorum: {copies: 2, agree: 3}}\n")]),
        &[],
        "\
error: 3 answers of 2 copies never come
  --> a.yaml:15:44
   |
15 |     scheduler: {quorum: {copies: 2, agree: 3}}
   |                                            ^
   = help: want at most 2, or send more `copies`

1 problem in a.yaml";
    an_auction_without_bids:
        edited(&[("    extends: hyperscaler\n", "    extends: hyperscaler\n    scheduler: reverse-auction\n")]),
        &[],
        "\
error: no job has a price of its own where owners do not bid
  --> a.yaml:15:16
   |
15 |     scheduler: reverse-auction
   |                ^^^^^^^^^^^^^^^
   = help: give the platform `pricing: reverse-auction`, or another scheduler

1 problem in a.yaml";
    reports_that_never_come:
        edited(&[("    extends: hyperscaler\n", "    extends: hyperscaler\n    knowledge: {state: {gossip: {every: 0 s}}}\n")]),
        &[],
        "\
error: this duration must be more than nothing
  --> a.yaml:15:41
   |
15 |     knowledge: {state: {gossip: {every: 0 s}}}
   |                                         ^^^

1 problem in a.yaml";
    a_scheduler_that_moves_no_contexts:
        edited(&[("      home: {nodes: 100}\n", "      home: {nodes: 100, role: prefill}\n    scheduler: {hedged: {quantile: 0.9}}\n")]),
        &[],
        "\
error: this scheduler does not say where contexts go from nodes that only prefill
  --> a.yaml:19:5
   |
19 |     scheduler: {hedged: {quantile: 0.9}}
   |     ^^^^^^^^^
   = help: write `scheduler: disaggregated`, or give no fleet a `role`; copies of requests, as `hedged` and `quorum` send them, are not to be had together with roles

1 problem in a.yaml";
    prompts_that_nobody_answers:
        edited(&[("      home: {nodes: 100}\n", "      home: {nodes: 100, role: prefill}\n      datacenter: null\n    scheduler: disaggregated\n")]),
        &[],
        "\
error: no fleet decodes what was prefilled
  --> a.yaml:17:5
   |
17 |     fleets:
   |     ^^^^^^
   = help: give one of the fleets the `role` `decode` or `both`

1 problem in a.yaml";
    a_transfer_from_nowhere:
        edited(&[("    extends: hyperscaler\n", "    extends: hyperscaler\n    serving: {kv_transfer: {gbit_s: 100}}\n")]),
        &[],
        "\
error: no context goes from node to node where none only prefills
  --> a.yaml:15:15
   |
15 |     serving: {kv_transfer: {gbit_s: 100}}
   |               ^^^^^^^^^^^
   = help: give fleets a `role` of `prefill` and of `decode`, or remove `kv_transfer`

1 problem in a.yaml";
    a_batch_that_is_never_full:
        edited(&[("    extends: hyperscaler\n", "    extends: hyperscaler\n    serving: {max_batch: 65}\n")]),
        &[],
        "\
error: a batch of 65 is never full: a node holds at most the 64 jobs of `slots`
  --> a.yaml:15:26
   |
15 |     serving: {max_batch: 65}
   |                          ^^
   = help: give at most 64, or more `slots`

1 problem in a.yaml";
}

//! The economist's instruments as a user meets them: answers that are known, tables of 80 columns, and clear words about mistakes.

mod folder;

use folder::Folder;
use serde_json::Value;

/// A small experiment of twenty minutes with what all instruments ask.
const ASKED: &str = "\
walras: 1
question: which parameters matter?
run: {horizon: 20 min, replications: 2, seed: 5}
workload: {requests: azure-conv-2023, model: llama-3.1-8b, slo: {ttft: 2 s, tpot: 100 ms}, patience: 60 s}
platforms:
  cloud: {extends: hyperscaler}
  depin: {extends: decentralized-network, fleets: {home: {nodes: 60}, datacenter: {nodes: 4}}}
sensitivity:
  method: morris
  samples: 4
  parameters:
    load: {path: workload.rate_factor, from: 0.5, to: 2, scale: log}
    homes: {path: platforms.depin.fleets.home.nodes, from: 40, to: 80, scale: integer}
  outputs:
    - {metric: cost_per_million_output_tokens, platform: cloud}
    - {metric: energy_per_million_output_tokens, platform: depin, minus: cloud}
tune:
  method: bayesian
  budget: 8
  parameters:
    homes: {path: platforms.depin.fleets.home.nodes, from: 20, to: 80, scale: integer}
  objectives: [{metric: energy_per_million_output_tokens, platform: depin}]
  constraints: [{metric: completed_share, platform: depin, at_least: 0.5}]
";

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is a number"))
}

fn fits(table: &str) {
    for line in table.lines() {
        assert!(line.chars().count() <= 80, "fits 80 columns: {line}");
    }
}

/// S1 = 0.314, 0.442, 0 and ST = 0.558, 0.442, 0.244.
#[test]
fn the_indices_of_ishigami_lie_in_their_intervals() {
    let folder = Folder::new("ishigami");
    let found = folder.json(&[
        "sensitivity",
        "--function",
        "ishigami",
        "--json",
        "--out",
        "i",
    ]);
    let exact = [(0.3139, 0.5576), (0.4424, 0.4424), (0.0, 0.2437)];
    let effects = found["figures"][0]["effects"].as_array().expect("a list");
    assert_eq!(effects.len(), 3);
    for (effect, (first, total)) in effects.iter().zip(exact) {
        for (index, exact) in [("S1", first), ("ST", total)] {
            let (low, high) = (
                number(&effect[index]["low"]),
                number(&effect[index]["high"]),
            );
            assert!(low <= exact && exact <= high, "{effect} {exact}");
            assert!(high - low < 0.2, "{effect}");
        }
    }
    for name in ["indices.parquet", "points.parquet", "sensitivity.html"] {
        assert!(folder.0.join("i").join(name).is_file(), "{name}");
    }
    let table = folder.ok(&["sensitivity", "--function", "sobol-g", "--out", "g"]);
    fits(&table);
    assert!(table.contains("exact S1"), "{table}");
}

#[test]
fn a_scenario_is_analysed_and_what_is_finished_is_not_run_again() {
    let folder = Folder::new("sensitivity");
    folder.write("asked.yaml", ASKED);
    let arguments = ["sensitivity", "asked.yaml", "--out", "s"];
    let table = folder.ok(&arguments);
    fits(&table);
    for said in [
        "Cost per million output tokens of cloud",
        "depin − cloud",
        "load",
        "μ*",
    ] {
        assert!(table.contains(said), "{said}:\n{table}");
    }
    let manifest = folder.0.join("s/point-0001/manifest.json");
    let before = std::fs::metadata(&manifest)
        .expect("a point")
        .modified()
        .expect("a time");
    assert_eq!(folder.ok(&arguments), table);
    let after = std::fs::metadata(&manifest)
        .expect("a point")
        .modified()
        .expect("a time");
    assert_eq!(before, after, "points are read back");
    let page = std::fs::read_to_string(folder.0.join("s/sensitivity.html")).expect("a page");
    assert!(page.contains("<svg") && !page.contains("src=\"http"));
    // What the home machines do cannot move the cost of the cloud: random numbers are common.
    let found = folder.json(&[&arguments[..], &["--json"]].concat());
    let effects = found["figures"][0]["effects"].as_array().expect("a list");
    let homes = effects.iter().find(|effect| effect["parameter"] == "homes");
    assert_eq!(
        number(&homes.expect("it varies")["mu_star"]["estimate"]),
        0.0
    );
    // Another question needs another directory.
    let other = folder.walras(&["sensitivity", "asked.yaml", "--out", "s", "--seed", "6"]);
    assert_eq!(other.status.code(), Some(2));
    // The key is no part of what is run.
    let plain = folder.json(&["run", "asked.yaml", "--json", "--out", "r"]);
    let without = [
        "run",
        "asked.yaml",
        "--set",
        "sensitivity=null",
        "--set",
        "tune=null",
        "--json",
        "--out",
        "q",
    ];
    assert_eq!(plain["digest"], folder.json(&without)["digest"]);
}

#[test]
fn a_scenario_is_tuned_and_the_best_is_run_again_with_fresh_seeds() {
    let folder = Folder::new("tune");
    folder.write("asked.yaml", ASKED);
    let arguments = ["tune", "asked.yaml", "--out", "t"];
    let table = folder.ok(&arguments);
    fits(&table);
    for said in ["Proposed: point", "fresh seeds", "as it stands", "homes"] {
        assert!(table.contains(said), "{said}:\n{table}");
    }
    let found = folder.json(&[&arguments[..], &["--json"]].concat());
    assert_eq!(found["points"], 8);
    let proposal = &found["proposals"][0];
    let name = "energy_per_million_output_tokens of depin";
    assert_ne!(
        proposal["fresh"][name]["estimate"], proposal["in_search"][name]["estimate"],
        "other seeds"
    );
    assert!(
        folder.0.join("t/fresh-0002").is_dir(),
        "the scenario as it stands, too"
    );
    // The same value as a run of the scenario with what is proposed.
    let homes = proposal["settings"]["homes"].as_str().expect("a value");
    let set = format!("platforms.depin.fleets.home.nodes={homes}");
    let run = folder.json(&[
        "run",
        "asked.yaml",
        "--set",
        &set,
        "--seed",
        "6",
        "--json",
        "--out",
        "r",
    ]);
    let own = &run["platforms"]["depin"]["energy_per_million_output_tokens"]["estimate"];
    assert!((number(own) - number(&proposal["fresh"][name]["estimate"])).abs() < 1e-12);
}

/// The minimum of Branin's function is 0.397887; the front of ZDT1 begins at f₁ = 0.
#[test]
fn optimizers_find_what_is_known() {
    let folder = Folder::new("functions");
    let branin = folder.json(&["tune", "--function", "branin", "--budget", "40", "--json"]);
    let value = number(&branin["front"][0]["values"][0]);
    assert!((value - 0.397_887).abs() < 0.01, "{value}");
    let zdt1 = [
        "tune",
        "--function",
        "zdt1",
        "--budget",
        "600",
        "--out",
        "z",
    ];
    let table = folder.ok(&zdt1);
    fits(&table);
    assert!(table.contains("cannot be improved"), "{table}");
}

/// Free entry with costs that are uniform on [0.2, 0.4] USD: of 1,000 owners of 24 units a day n serve 6,000 units at 1 USD, and the last
/// earns its cost where 250 / n = 0.2 + 0.2 n / 1000, at n = 725. A protocol that keeps 99 % leaves nobody.
const ENTRY: &str = "\
walras: 1
question: Where does it rest?
run: {horizon: 1 y, replications: 2, seed: 1}
customers: {volume: 6000, reference_price: 1, elasticity: 0}
economies:
  entry:
    networks:
      net:
        owners:
          potential: 1000
          capacity: 24
          running_cost: {uniform: {low: 0.2, high: 0.4}}
          join_above: 1
          leave_below: 100 %
          review: 7 d
          memory: 7 d
        market: {posted: {price: 1}}
  spiral:
    extends: entry
    networks: {net: {take_rate: 99 %}}
";

/// A base fee before owners who stay, and demand of constant elasticity, swings if and only if that exceeds 16 (twice its denominator).
const FEE: &str = "\
walras: 1
question: Does the fee rest?
run: {horizon: 1 y, replications: 2, seed: 1}
customers: {volume: 600, reference_price: 1, elasticity: 20}
economies:
  fee:
    networks:
      net:
        owners: {potential: 100, capacity: 24, running_cost: 0.01, join_above: 1000, leave_below: 0 %}
        market: {base-fee: {initial: 1, target: 50 %}}
";

#[test]
fn economies_rest_swing_or_die() {
    let folder = Folder::new("equilibrium");
    folder.write("entry.yaml", ENTRY);
    folder.write("fee.yaml", FEE);
    let table = folder.ok(&["equilibrium", "entry.yaml", "--years", "4", "--out", "e"]);
    fits(&table);
    assert!(table.contains("It converges: from every start"), "{table}");
    assert!(table.contains("death spiral"), "{table}");
    let page = std::fs::read_to_string(folder.0.join("e/equilibrium.html")).expect("the page");
    assert!(page.contains("<svg") && page.contains("death spiral"));
    let found = folder.json(&[
        "equilibrium",
        "entry.yaml",
        "--years",
        "4",
        "--json",
        "--out",
        "j",
    ]);
    let rest = number(&found[0]["equilibria"][0]["providers"]);
    // The draws of a thousand costs move the count by some 1.5 %, and looks come a week apart.
    assert!((rest / 725.0 - 1.0).abs() < 0.05, "{rest}");
    for (elasticity, oscillates) in [("20", true), ("8", false)] {
        let elasticity = format!("customers.elasticity={elasticity}");
        let arguments = [
            "equilibrium",
            "fee.yaml",
            "--years",
            "2",
            "--json",
            "--out",
            "f",
            "--set",
        ];
        let found = folder.json(&[&arguments[..], &[&elasticity]].concat());
        let fate = &found[0]["ways"][3]["fate"];
        assert_eq!(
            fate["oscillates"]["figure"] == "price",
            oscillates,
            "{found}"
        );
        assert_eq!(fate["converges"].is_null(), oscillates, "{found}");
    }
}

/// Near its rest a base fee is multiplied by 1 − ε / 8 from epoch to epoch, and changes sides where that is negative.
#[test]
fn a_base_fee_is_as_stable_as_its_closed_form() {
    let folder = Folder::new("stability");
    folder.write("fee.yaml", FEE);
    for elasticity in [2.0, 4.0, 12.0, 14.0] {
        let set = format!("customers.elasticity={elasticity}");
        let found = folder.json(&[
            "equilibrium",
            "fee.yaml",
            "--years",
            "2",
            "--replications",
            "3",
            "--json",
            "--out",
            "s",
            "--set",
            &set,
        ]);
        let multiplier = 1.0 - elasticity / 8.0_f64;
        let rests = found[0]["equilibria"].as_array().expect("rests");
        assert!(!rests.is_empty(), "{found}");
        for rest in rests {
            let decays = &rest["stability"]["decays"];
            let measured = number(&decays["multiplier"]["mean"]);
            assert!(
                (measured - multiplier.abs()).abs() < 0.01,
                "{elasticity}: {rest}"
            );
            let half_life = -std::f64::consts::LN_2 / multiplier.abs().ln();
            assert!(
                (number(&decays["half_life_days"]["mean"]) / half_life - 1.0).abs() < 0.05,
                "{rest}"
            );
            assert_eq!(decays["period_days"].is_null(), multiplier > 0.0, "{rest}");
        }
    }
}

#[test]
fn the_value_at_which_two_platforms_cost_the_same() {
    let folder = Folder::new("breakeven");
    let root = folder.json(&["breakeven", "--function", "root", "--json"]);
    assert!(
        (number(&root["breakeven"]["at"]) - 3.0).abs() < 0.01,
        "{root}"
    );
    folder.write("asked.yaml", ASKED);
    // Random numbers are common: a network that is the same but for its size has the same machines there at the same size, 60.
    let sizes = [
        "breakeven",
        "asked.yaml",
        "--set",
        "platforms.other={extends: depin}",
        "--set-path",
        "platforms.other.fleets.home.nodes",
        "--from",
        "20",
        "--to",
        "90",
        "--scale",
        "integer",
        "--between",
        "other,depin",
        "--metric",
        "nodes_available",
        "--out",
        "b",
    ];
    let table = folder.ok(&sizes);
    fits(&table);
    let found = folder.json(&[&sizes[..], &["--json"]].concat());
    let at = &found["breakeven"];
    assert!((number(&at["at"]) - 60.0).abs() < 0.5, "{found}");
    assert!(
        number(&at["low"]) <= 60.0 && number(&at["high"]) >= 60.0,
        "{found}"
    );
    let arguments = [
        "breakeven",
        "asked.yaml",
        "--set-path",
        "workload.budget.constant",
        "--from",
        "1",
        "--to",
        "100",
    ];
    let output = folder.walras(&arguments);
    assert_eq!(output.status.code(), Some(2));
    let crossing = [
        "breakeven",
        "asked.yaml",
        "--set-path",
        "platforms.cloud.slots",
        "--from",
        "1",
        "--to",
        "2",
        "--scale",
        "curved",
        "--between",
        "depin,clod",
    ];
    let output = folder.walras(&crossing);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        errors.contains("unknown scale `curved`") && errors.contains("did you mean `cloud`?"),
        "{errors}"
    );
}

#[test]
fn mistakes_are_told_with_their_places() {
    let folder = Folder::new("mistakes");
    folder.write("asked.yaml", ASKED);
    for (arguments, said) in [
        (
            vec!["--set", "sensitivity.parameters.load.from=9"],
            "`from` must be below `to`",
        ),
        (
            vec!["--set", "sensitivity.parameters.load.path=workload.rate"],
            "unknown key `rate`",
        ),
        (
            vec!["--set", "sensitivity.outputs=[ttft_p51]"],
            "did you mean `ttft_p50`?",
        ),
        (
            vec!["--set", "sensitivity=null"],
            "has no key `sensitivity`",
        ),
        (
            vec!["--function", "ishigami"],
            "either a scenario or --function",
        ),
        (vec!["--method", "sobel"], "sobol"),
    ] {
        let all = [vec!["sensitivity", "asked.yaml"], arguments].concat();
        let output = folder.walras(&all);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{all:?} {errors}");
        assert!(errors.contains(said), "{said}:\n{errors}");
    }
    assert_eq!(
        folder.ok(&["check", "asked.yaml"]),
        "asked.yaml: ok, 2 platforms, sensitivity, tune\n"
    );
    let output = folder.walras(&[
        "check",
        "asked.yaml",
        "--set",
        "tune.parameters.homes.from=-5",
    ]);
    assert_eq!(output.status.code(), Some(2), "both ends are tried");
    let output = folder.walras(&[
        "tune",
        "asked.yaml",
        "--set",
        "tune.constraints=[{metric: utilization, platform: depin}]",
    ]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("needs one bound"), "{errors}");
}

/// On equal machines that all ask the same, a request computed r times costs r times as much, and one whose proof takes a share v more
/// work 1 + v times: against the same machines at one and a half times their price, both are as dear at 1.5 replicas and at v = 0.5.
#[test]
fn where_verification_costs_what_dearer_machines_cost() {
    let folder = Folder::new("breakevens");
    let scenario = "\
walras: 1
question: when is checking as dear as trust?
run: {horizon: 40 min, replications: 2, seed: 5}
workload: {requests: azure-conv-2023, rate_factor: 0.2, model: llama-3.1-8b, slo: {ttft: 2 s, tpot: 100 ms}, patience: 60 s}
platforms:
  trusting:
    extends: decentralized-network
    fleets:
      datacenter: null
      home: {nodes: 40, devices: {rtx-4090: {share: 1, usd_per_hour: 0.6}}, availability: always, dispersed: false, ask_sigma: 0}
  checking:
    extends: trusting
    verification: {replicas: 1, overhead: 0}
    fleets: {home: {devices: {rtx-4090: {share: 1, usd_per_hour: 0.4}}}}
breakeven:
  platform: checking
  against: [trusting]
  parameters:
    replicas: {path: platforms.checking.verification.replicas, from: 1, to: 3}
    proof: {path: platforms.checking.verification.overhead, from: 0, to: 2}
";
    folder.write("checked.yaml", scenario);
    let checked = folder.ok(&["check", "checked.yaml"]);
    assert!(checked.contains("breakeven"), "{checked}");
    let arguments = ["breakeven", "checked.yaml", "--out", "c"];
    let table = folder.ok(&arguments);
    fits(&table);
    assert!(table.contains("stands at"), "{table}");
    let found = folder.json(&[&arguments[..], &["--json"]].concat());
    let present = number(&found["present"]["trusting"]["ratio"]);
    assert!((present - 1.0 / 1.5).abs() < 1e-3, "{present}");
    for (index, root, within) in [(0, 1.5, 0.06), (1, 0.5, 0.01)] {
        let one = &found["parameters"][index]["breakevens"][0];
        let at = number(&one["at"]);
        assert!((at - root).abs() < within, "{one}");
        assert!(number(&one["low"]) <= at && at <= number(&one["high"]));
    }
    let page = std::fs::read_to_string(folder.0.join("c/breakeven.html")).expect("the page");
    assert!(
        page.contains("the scenario has 1"),
        "the page says where it stands"
    );
    // Problems of the key are told at once, and where.
    let wrong = scenario
        .replace(
            "against: [trusting]",
            "against: [checking, nobody]\n  times: [0]",
        )
        .replace("from: 0, to: 2", "choices: [0, 1]");
    folder.write("wrong.yaml", &wrong);
    let output = folder.walras(&["breakeven", "wrong.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for words in [
        "`checking` is named twice",
        "unknown platform `nobody`",
        "factors are positive",
        "nothing lies between the choices",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

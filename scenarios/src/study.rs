//! Studies: a scenario with the parameters that an instrument varies and the figures that it looks at.
//!
//! An instrument thinks in coordinates from zero to one. A [`Parameter`] turns one into a value as `--set` takes it, and a [`Study`]
//! turns the values of all parameters into the scenario of a point, which is that of the same overrides.

use std::path::Path;

use serde::de::DeserializeOwned;
use walras_des::{math, normal_quantile};
use walras_sim::record::{Better, MetricId};

use crate::catalog;
use crate::document::{self, Node, Value};
use crate::issue::{Issue, Issues, suggestion};
use crate::load::{Draft, Scenario};
use crate::spec::Named;
use crate::spec::instrument::{
    BeliefSpec, BreakevenSpec, ConstraintSpec, GoalSpec, NumberSpec, ObjectiveSpec, OutputChoice,
    OutputSpec, ParameterSpec, ScaleSpec, SensitivitySpec, TuneSpec,
};
use crate::sweep::Point;

pub use crate::spec::instrument::{SensitivityMethod, TuneMethod};

/// The keys of a scenario that ask for an instrument, and are no part of what is run.
pub(crate) const INSTRUMENTS: [&str; 3] = ["sensitivity", "tune", "breakeven"];

/// The part at each end of a distribution that counts as its border: values that are possible and absurd are not run.
const TAIL: f64 = 0.001;

/// A value that an instrument varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// How it is called.
    pub name: String,
    /// Where it stands in the scenario, as `--set` takes it.
    pub path: String,
    /// Its values.
    pub law: Law,
    /// The unit that is written after a value; may be empty.
    pub unit: String,
}

/// Which values a parameter takes as its coordinate goes from zero to one.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Evenly between two ends.
    Linear(f64, f64),
    /// Evenly in the logarithm, between two positive ends.
    Log(f64, f64),
    /// The whole numbers between two ends, which are among them.
    Integer(f64, f64),
    /// The same, evenly in the logarithm.
    LogInteger(f64, f64),
    /// Normal, by mean and standard deviation.
    Normal(f64, f64),
    /// Lognormal, by median and the standard deviation of the logarithm.
    Lognormal(f64, f64),
    /// Triangular, by least, most likely and greatest value.
    Triangular(f64, f64, f64),
    /// One of several, equally many coordinates each.
    Choice(Vec<String>),
}

/// What a parameter is at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The value in the unit of the parameter; of a choice, its index.
    pub value: f64,
    /// As it is written in a scenario.
    pub text: String,
}

/// A figure that an instrument looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The figure.
    pub metric: MetricId,
    /// Index of the platform or cluster.
    pub platform: usize,
    /// Index of the one whose figure is subtracted.
    pub minus: Option<usize>,
    /// The name of the platform, or of both, as in `depin − cloud`.
    pub of: String,
}

/// What is to be best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective {
    /// The figure.
    pub output: Output,
    /// Whether more is better.
    pub maximize: bool,
}

/// What must hold of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// The figure.
    pub output: Output,
    /// The bound.
    pub bound: Bound,
}

/// The bound of a constraint, in the unit of its figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Bound {
    /// How far `value` is beyond the bound; negative or zero where it keeps it.
    #[must_use]
    pub fn excess(self, value: f64) -> f64 {
        match self {
            Self::AtMost(bound) => value - bound,
            Self::AtLeast(bound) => bound - value,
        }
    }
}

/// What `walras sensitivity` is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// How it is found out.
    pub method: SensitivityMethod,
    /// Rows of the design.
    pub samples: usize,
    /// Seed of the design.
    pub seed: u64,
    /// The figures to explain.
    pub outputs: Vec<Output>,
}

/// What `walras tune` is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Tune {
    /// How it is searched.
    pub method: TuneMethod,
    /// Points to run.
    pub budget: usize,
    /// Seed of the search.
    pub seed: u64,
    /// What is to be best.
    pub objectives: Vec<Objective>,
    /// What must hold.
    pub constraints: Vec<Constraint>,
    /// The share of points that must keep all constraints in a recommended range.
    pub confidence: f64,
}

/// A scenario with the parameters that an instrument varies.
#[derive(Clone, Debug)]
pub struct Study {
    /// What varies.
    pub parameters: Vec<Parameter>,
    /// The scenario as it stands.
    pub stands: Scenario,
    draft: Draft,
}

impl Setting {
    /// A parameter that is left as the scenario has it.
    #[must_use]
    pub fn untouched() -> Self {
        Self {
            value: f64::NAN,
            text: String::new(),
        }
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.text.is_empty()
    }
}

impl Parameter {
    /// What it is where its coordinate is `share`, which lies in [0, 1]. Values have six digits at most, so that they can be typed.
    #[must_use]
    pub fn at(&self, share: f64) -> Setting {
        let between = |from: f64, to: f64| from + (to - from) * share;
        let log_between = |from: f64, to: f64| math::exp(between_logs(from, to, share));
        let tail = share.clamp(TAIL, 1.0 - TAIL);
        let value = match &self.law {
            Law::Linear(from, to) => between(*from, *to),
            Law::Log(from, to) => log_between(*from, *to),
            Law::Integer(from, to) => {
                let count = to - from + 1.0;
                return self.written((from + (share * count).floor()).min(*to));
            }
            Law::LogInteger(from, to) => {
                return self.written(log_between(*from, *to).round().clamp(*from, *to));
            }
            Law::Normal(mean, sd) => mean + sd * normal_quantile(tail),
            Law::Lognormal(median, sigma) => median * math::exp(sigma * normal_quantile(tail)),
            Law::Triangular(low, mode, high) => triangular(*low, *mode, *high, tail),
            Law::Choice(texts) => {
                let index = ((share * texts.len() as f64) as usize).min(texts.len() - 1);
                let text = texts[index].clone();
                #[allow(clippy::cast_precision_loss)]
                return Setting {
                    value: index as f64,
                    text,
                };
            }
        };
        self.written(six_digits(value))
    }

    /// The coordinate in the middle of those that give the same value as `share`; `share` where values are continuous.
    #[must_use]
    pub fn snapped(&self, share: f64) -> f64 {
        let count = match &self.law {
            Law::Integer(from, to) => to - from + 1.0,
            Law::Choice(texts) => texts.len() as f64,
            _ => return share,
        };
        ((share * count).floor().min(count - 1.0) + 0.5) / count
    }

    /// `value` in the unit of the parameter, as it is written.
    #[must_use]
    pub fn written(&self, value: f64) -> Setting {
        let text = match self.unit.as_str() {
            "" => format!("{value}"),
            unit => format!("{value} {unit}"),
        };
        Setting { value, text }
    }

    /// Its least and its greatest value.
    #[must_use]
    pub fn ends(&self) -> (f64, f64) {
        (self.at(0.0).value, self.at(1.0).value)
    }

    /// Whether equal ratios of its values are equally far apart.
    #[must_use]
    pub fn is_log(&self) -> bool {
        matches!(
            self.law,
            Law::Log(..) | Law::LogInteger(..) | Law::Lognormal(..)
        )
    }
}

fn between_logs(from: f64, to: f64, share: f64) -> f64 {
    let (from, to) = (math::ln(from), math::ln(to));
    from + (to - from) * share
}

/// The quantile of the triangular distribution.
fn triangular(low: f64, mode: f64, high: f64, share: f64) -> f64 {
    let width = high - low;
    if share * width < mode - low {
        low + (share * width * (mode - low)).sqrt()
    } else {
        high - ((1.0 - share) * width * (high - mode)).sqrt()
    }
}

/// `value` with six digits.
fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

impl Study {
    /// The scenario where the parameters have these values, in their order; without any, as it stands.
    ///
    /// # Errors
    /// If it is none.
    pub fn scenario(&self, settings: &[Setting]) -> Result<Scenario, Issues> {
        self.scenario_with(settings, None)
    }

    /// As [`scenario`](Self::scenario), and with another seed of all random streams, if there is one.
    ///
    /// # Errors
    /// If it is none.
    pub fn scenario_with(
        &self,
        settings: &[Setting],
        seed: Option<u64>,
    ) -> Result<Scenario, Issues> {
        let mut draft = self.draft.clone();
        let pairs = self.parameters.iter().zip(settings);
        let mut set: Vec<(&str, String)> = pairs
            .filter(|(_, setting)| !setting.is_untouched())
            .map(|(parameter, setting)| (parameter.path.as_str(), setting.text.clone()))
            .collect();
        set.extend(seed.map(|seed| ("run.seed", seed.to_string())));
        for (path, value) in set {
            change(&mut draft, path, &value)?;
        }
        draft.finish()
    }

    /// What the scenario itself writes where `parameter` stands; `None` where it inherits or leaves out.
    #[must_use]
    pub fn written(&self, parameter: &Parameter) -> Option<String> {
        let tree = self.draft.tree();
        let keys = document::parse_path(&parameter.path, &tree.place).ok()?;
        let node = keys.iter().try_fold(tree, |node, (key, _)| node.get(key))?;
        match &node.value {
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The scenario as it stands but for one parameter.
    fn alone(&self, parameter: &Parameter, setting: &Setting) -> Result<Scenario, Issues> {
        let mut draft = self.draft.clone();
        change(&mut draft, &parameter.path, &setting.text)?;
        draft.finish()
    }

    /// What is known of a point called `name` before it is run.
    ///
    /// # Errors
    /// If its scenario is none.
    pub fn point(
        &self,
        name: String,
        settings: &[Setting],
        seed: Option<u64>,
    ) -> Result<Point, Issues> {
        let scenario = self.scenario_with(settings, seed)?;
        Ok(Point::of(name, Vec::new(), &scenario))
    }
}

/// Sets one value of `draft`.
fn change(draft: &mut Draft, path: &str, value: &str) -> Result<(), Issues> {
    let change = document::parse_override(path, value).map_err(|issues| draft.fail(issues))?;
    draft.set(change);
    Ok(())
}

/// Loads the scenario at `path` with what its key `sensitivity` asks; for the rest, as [`crate::load`].
///
/// # Errors
/// All problems of the scenario, of the key and of the ends of the parameters at once.
pub fn sensitivity(
    path: &Path,
    overrides: &[(String, String)],
    trace: Option<&Path>,
) -> Result<(Study, Sensitivity), Issues> {
    let (mut asked, spec): (Asked, SensitivitySpec) =
        Asked::read(path, overrides, trace, "sensitivity")?;
    let parameters = asked.parameters(&spec.parameters);
    let mut outputs = Vec::new();
    for (index, choice) in spec.outputs.iter().enumerate() {
        outputs.extend(asked.outputs(choice, &["sensitivity", "outputs"], index));
    }
    if spec.outputs.is_empty() {
        let hint = "name figures to explain, such as `outputs: [cost_per_million_output_tokens]`";
        asked.wrong(
            &["sensitivity", "outputs"],
            "there is no figure to explain",
            hint,
        );
    }
    let samples = spec.samples.unwrap_or(match spec.method {
        SensitivityMethod::Sobol => 64,
        SensitivityMethod::Morris => 20,
    });
    let sensitivity = Sensitivity {
        method: spec.method,
        samples: samples as usize,
        seed: spec.seed,
        outputs,
    };
    Ok((asked.study(parameters)?, sensitivity))
}

/// Loads the scenario at `path` with what its key `tune` asks; for the rest, as [`crate::load`].
///
/// # Errors
/// All problems of the scenario, of the key and of the ends of the parameters at once.
pub fn tune(
    path: &Path,
    overrides: &[(String, String)],
    trace: Option<&Path>,
) -> Result<(Study, Tune), Issues> {
    let (mut asked, spec): (Asked, TuneSpec) = Asked::read(path, overrides, trace, "tune")?;
    let parameters = asked.parameters(&spec.parameters);
    let mut objectives = Vec::new();
    for (index, objective) in spec.objectives.iter().enumerate() {
        objectives.extend(asked.objective(objective, index));
    }
    if spec.objectives.is_empty() {
        let hint = "name a figure, such as `objectives: [{metric: cost_per_million_output_tokens, platform: depin}]`";
        asked.wrong(&["tune", "objectives"], "there is no objective", hint);
    }
    let mut constraints = Vec::new();
    for (index, constraint) in spec.constraints.iter().enumerate() {
        constraints.extend(asked.constraint(constraint, index));
    }
    let method = spec.method.unwrap_or(if spec.objectives.len() > 1 {
        TuneMethod::Evolutionary
    } else {
        TuneMethod::Bayesian
    });
    if method == TuneMethod::Bayesian && spec.objectives.len() > 1 {
        let hint =
            "`evolutionary`, `sobol`, `latin-hypercube` and `grid` find the front of several";
        asked.wrong(&["tune", "method"], "`bayesian` is for one objective", hint);
    }
    if method == TuneMethod::Bayesian && spec.parameters.len() > MOST_OF_BAYESIAN {
        let message = format!(
            "`bayesian` is for {MOST_OF_BAYESIAN} parameters at most, found {}",
            spec.parameters.len()
        );
        asked.wrong(&["tune", "method"], message, "`evolutionary` takes more");
    }
    let tune = Tune {
        method,
        budget: spec.budget as usize,
        seed: spec.seed,
        objectives,
        constraints,
        confidence: spec.confidence.map_or(USUAL_CONFIDENCE, |share| share.0),
    };
    Ok((asked.study(parameters)?, tune))
}

/// Which instruments the scenario at `path` asks for; for the rest, as [`crate::load`].
///
/// # Errors
/// All problems of the first instrument that has any.
pub fn check(
    path: &Path,
    overrides: &[(String, String)],
    trace: Option<&Path>,
) -> Result<Vec<&'static str>, Issues> {
    let draft = Draft::read(path, overrides, trace)?;
    let is_asked = |key: &&str| {
        let node = draft.tree().get(key);
        node.is_some_and(|node| node.value != Value::Null)
    };
    let asked: Vec<&'static str> = INSTRUMENTS.into_iter().filter(is_asked).collect();
    for key in &asked {
        match *key {
            "sensitivity" => drop(sensitivity(path, overrides, trace)?),
            "breakeven" => drop(breakevens(path, overrides, trace)?),
            _ => drop(tune(path, overrides, trace)?),
        }
    }
    Ok(asked)
}

/// What `walras breakeven` is asked by the key of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Breakevens {
    /// The figure of the platform in question, then that of each that it is compared with.
    pub outputs: Vec<Output>,
    /// How often the figures of these count.
    pub times: Vec<f64>,
    /// Bisection ends when a value is known to this part of the range.
    pub tolerance: f64,
}

/// The part of the range to which a value is looked for, where nothing is asked.
const USUAL_TOLERANCE: f64 = 0.02;

/// Loads the scenario at `path` with what its key `breakeven` asks; for the rest, as [`crate::load`].
///
/// # Errors
/// All problems of the scenario, of the key and of the ends of the parameters at once.
pub fn breakevens(
    path: &Path,
    overrides: &[(String, String)],
    trace: Option<&Path>,
) -> Result<(Study, Breakevens), Issues> {
    let (mut asked, spec): (Asked, BreakevenSpec) =
        Asked::read(path, overrides, trace, "breakeven")?;
    let parameters = asked.parameters(&spec.parameters);
    for parameter in &parameters {
        if matches!(parameter.law, Law::Choice(_)) {
            let keys = ["breakeven", "parameters", parameter.name.as_str()];
            let message = format!("nothing lies between the choices of `{}`", parameter.name);
            asked.wrong(&keys, message, "give it two ends: `{from: 1, to: 5}`");
        }
    }
    let mut outputs = Vec::new();
    for name in std::iter::once(&spec.platform).chain(&spec.against) {
        let of = OutputSpec {
            metric: spec.metric.clone(),
            platform: Some(name.clone()),
            minus: None,
        };
        outputs.extend(asked.output(&of, &["breakeven"], 0));
    }
    let against = ["breakeven", "against"];
    if spec.against.is_empty() {
        let hint = "name one or more, such as `against: [cloud]`";
        asked.wrong(&against, "there is nothing to compare with", hint);
    }
    for (index, name) in spec.against.iter().enumerate() {
        if *name == spec.platform || spec.against[..index].contains(name) {
            let message = format!("`{name}` is named twice");
            asked.wrong(&against, message, "name each platform once");
        }
    }
    if spec.times.is_empty()
        || spec
            .times
            .iter()
            .any(|times| !(*times > 0.0 && times.is_finite()))
    {
        let hint = "1 asks where both are alike, 0.2 where the platform in question is 80 % less";
        asked.wrong(
            &["breakeven", "times"],
            "factors are positive numbers",
            hint,
        );
    }
    let tolerance = spec.tolerance.map_or(USUAL_TOLERANCE, |share| share.0);
    if !(tolerance > 0.0 && tolerance < 1.0) {
        let hint = "2 % of the range is usual";
        asked.wrong(
            &["breakeven", "tolerance"],
            "the tolerance is a part of the range",
            hint,
        );
    }
    let breakevens = Breakevens {
        outputs,
        times: spec.times,
        tolerance,
    };
    Ok((asked.study(parameters)?, breakevens))
}

/// What `walras breakeven` is asked, as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Where the parameter stands, as `--set` takes it.
    pub path: String,
    /// Its ends, each a number with a unit.
    pub ends: [String; 2],
    /// `linear`, `log`, `integer` or `log-integer`.
    pub scale: String,
    /// The figure.
    pub metric: String,
    /// The two platforms or clusters.
    pub between: [String; 2],
}

/// Loads the scenario at `path` with a parameter and the figure of two platforms; for the rest, as [`crate::load`].
///
/// # Errors
/// All problems of the scenario, of the question and of the ends of the parameter at once.
pub fn breakeven(
    path: &Path,
    overrides: &[(String, String)],
    trace: Option<&Path>,
    asked_for: &Crossing,
) -> Result<(Study, Vec<Output>), Issues> {
    let mut asked = Asked::begin(path, overrides, trace, "breakeven")?;
    let scales = [
        ("linear", ScaleSpec::Linear),
        ("log", ScaleSpec::Log),
        ("integer", ScaleSpec::Integer),
        ("log-integer", ScaleSpec::LogInteger),
    ];
    let scale = scales.iter().find(|(name, _)| *name == asked_for.scale);
    if scale.is_none() {
        let hint = suggestion(&asked_for.scale, "scales", scales.map(|(name, _)| name));
        asked.wrong(
            &["breakeven"],
            format!("unknown scale `{}`", asked_for.scale),
            hint,
        );
    }
    let last = asked_for.path.rsplit('.').next().unwrap_or_default();
    let [from, to] = asked_for.ends.clone().map(NumberSpec::WithUnit);
    let spec = ParameterSpec {
        path: asked_for.path.clone(),
        from: Some(from),
        to: Some(to),
        scale: scale.map_or(ScaleSpec::Linear, |(_, scale)| *scale),
        distribution: None,
        choices: None,
    };
    let parameters = asked.parameters(&Named::from([(last.to_owned(), spec)]));
    let mut outputs = Vec::new();
    for platform in &asked_for.between {
        let spec = OutputSpec {
            metric: asked_for.metric.clone(),
            platform: Some(platform.clone()),
            minus: None,
        };
        outputs.extend(asked.output(&spec, &["breakeven"], 0));
    }
    if asked_for.between[0] == asked_for.between[1] {
        let message = format!("`{}` is compared with itself", asked_for.between[0]);
        asked.wrong(
            &["breakeven"],
            message,
            "name two platforms, as in `depin,cloud`",
        );
    }
    Ok((asked.study(parameters)?, outputs))
}

/// Share of points that keep all constraints in a recommended range, where nothing is asked.
const USUAL_CONFIDENCE: f64 = 0.9;

/// Most parameters of a Gaussian process: beyond, distances in the cube say little.
const MOST_OF_BAYESIAN: usize = 15;

/// Most parameters at all: both samples of the design of Sobol indices are columns of one sequence of forty dimensions.
const MOST_PARAMETERS: usize = 20;

/// A scenario and what an instrument is asked of it, while problems are collected.
struct Asked {
    key: &'static str,
    tree: Node,
    stands: Scenario,
    draft: Draft,
    issues: Vec<Issue>,
}

impl Asked {
    fn begin(
        path: &Path,
        overrides: &[(String, String)],
        trace: Option<&Path>,
        key: &'static str,
    ) -> Result<Self, Issues> {
        let draft = Draft::read(path, overrides, trace)?;
        let stands = draft.clone().finish()?;
        let mut tree = draft.tree().clone();
        tree.prune();
        Ok(Self {
            key,
            stands,
            draft,
            issues: Vec::new(),
            tree,
        })
    }

    fn read<T: DeserializeOwned>(
        path: &Path,
        overrides: &[(String, String)],
        trace: Option<&Path>,
        key: &'static str,
    ) -> Result<(Self, T), Issues> {
        let asked = Self::begin(path, overrides, trace, key)?;
        let fail = |issue: Issue| asked.draft.fail(vec![issue]);
        let Some(entry) = asked.tree.entry(key) else {
            let message = format!("the scenario has no key `{key}`");
            let issue = Issue::new(asked.tree.place_of(&[]), key, message);
            let hint = "scenarios/INSTRUMENTS.md says what it holds, and shows examples";
            return Err(fail(issue.hint(hint)));
        };
        let spec = catalog::value(&entry.node)
            .map_err(|message| fail(Issue::new(entry.node.place.clone(), key, message)))?;
        Ok((asked, spec))
    }

    fn wrong(&mut self, keys: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        let issue = Issue::new(self.tree.place_of(keys), keys.join("."), message);
        self.issues.push(issue.hint(hint));
    }

    /// The study, if nothing is wrong with it: each parameter is tried at both ends while the others are as they stand.
    fn study(mut self, parameters: Vec<Parameter>) -> Result<Study, Issues> {
        if !self.issues.is_empty() {
            return Err(self.draft.fail(self.issues));
        }
        let mut study = Study {
            parameters,
            stands: self.stands,
            draft: self.draft,
        };
        for parameter in &study.parameters {
            for share in [0.0, 1.0] {
                let setting = parameter.at(share);
                let Err(found) = study.alone(parameter, &setting) else {
                    continue;
                };
                let keys = [self.key, "parameters", &parameter.name];
                for issue in found.list {
                    let message = format!("`{}`: {}", parameter.path, issue.message);
                    let mut own = Issue::new(self.tree.place_of(&keys), keys.join("."), message);
                    own.hint = issue.hint;
                    // A wrong path is wrong at both ends.
                    if !self.issues.contains(&own) {
                        self.issues.push(own);
                    }
                }
            }
        }
        if self.issues.is_empty() {
            // The instruments are no part of the points.
            study.draft.forget(&INSTRUMENTS);
            Ok(study)
        } else {
            Err(study.draft.fail(self.issues))
        }
    }

    fn parameters(&mut self, specs: &Named<ParameterSpec>) -> Vec<Parameter> {
        let key = self.key;
        if specs.is_empty() {
            let hint = "name one, such as `parameters: {load: {path: workload.rate_factor, from: 1, to: 5}}`";
            self.wrong(&[key, "parameters"], "there is no parameter", hint);
        }
        if specs.len() > MOST_PARAMETERS {
            let message = format!("{} parameters are more than {MOST_PARAMETERS}", specs.len());
            let hint = "leave out those that matter least; method `morris` on parts of them finds out which";
            self.wrong(&[key, "parameters"], message, hint);
        }
        let mut all: Vec<Parameter> = Vec::new();
        for (name, spec) in specs {
            let keys = [key, "parameters", name.as_str()];
            let place = self.tree.place_of(&keys);
            if let Err(issue) = document::parse_path(&spec.path, &place) {
                let hint = "write keys joined with dots, for example `workload.rate_factor`";
                self.wrong(&keys, issue.message, hint);
                continue;
            }
            if let Some(other) = all.iter().find(|other| other.path == spec.path) {
                let message = format!("`{}` and `{name}` change the same value", other.name);
                self.wrong(&keys, message, "remove one of them");
            }
            match law(spec) {
                Ok((law, unit)) => all.push(Parameter {
                    name: name.clone(),
                    path: spec.path.clone(),
                    law,
                    unit,
                }),
                Err((message, hint)) => self.wrong(&keys, message, hint),
            }
        }
        all
    }

    /// The outputs that `choice` names, which stands at `index` of the list at `keys`.
    fn outputs(&mut self, choice: &OutputChoice, keys: &[&str], index: usize) -> Vec<Output> {
        let platforms = self.stands.plan.names().len();
        match choice {
            OutputChoice::Metric(name) => (0..platforms)
                .map_while(|platform| {
                    let of = self.platforms()[platform].clone();
                    let spec = OutputSpec {
                        metric: name.clone(),
                        platform: Some(of),
                        minus: None,
                    };
                    self.output(&spec, keys, index)
                })
                .collect(),
            OutputChoice::Of(spec) => self.output(spec, keys, index).into_iter().collect(),
        }
    }

    fn platforms(&self) -> Vec<String> {
        let names = self.stands.plan.names();
        names.into_iter().map(str::to_owned).collect()
    }

    fn output(&mut self, spec: &OutputSpec, keys: &[&str], index: usize) -> Option<Output> {
        let metric = self.metric(&spec.metric, keys, index)?;
        let platforms = self.platforms();
        let platform = match &spec.platform {
            Some(name) => self.platform(name, keys)?,
            None if platforms.len() == 1 => 0,
            None => {
                let message = format!("`{}` of which platform?", spec.metric);
                let hint = suggestion("", "names", platforms.iter().map(String::as_str));
                self.wrong(keys, message, hint);
                return None;
            }
        };
        let minus = match &spec.minus {
            Some(name) => Some(self.platform(name, keys)?),
            None => None,
        };
        let of = match minus {
            Some(minus) => format!("{} − {}", platforms[platform], platforms[minus]),
            None => platforms[platform].clone(),
        };
        Some(Output {
            metric,
            platform,
            minus,
            of,
        })
    }

    fn metric(&mut self, name: &str, keys: &[&str], index: usize) -> Option<MetricId> {
        let found = MetricId::named(name);
        if found.is_none() {
            let known: Vec<&str> = MetricId::all().map(|metric| metric.metric().name).collect();
            let message = format!("unknown figure `{name}` in entry {}", index + 1);
            self.wrong(keys, message, suggestion(name, "figures", known));
        }
        found
    }

    fn platform(&mut self, name: &str, keys: &[&str]) -> Option<usize> {
        let platforms = self.platforms();
        let found = platforms.iter().position(|known| known == name);
        if found.is_none() {
            let hint = suggestion(name, "names", platforms.iter().map(String::as_str));
            self.wrong(keys, format!("unknown platform `{name}`"), hint);
        }
        found
    }

    fn objective(&mut self, spec: &ObjectiveSpec, index: usize) -> Option<Objective> {
        let keys = ["tune", "objectives"];
        let output = OutputSpec {
            metric: spec.metric.clone(),
            platform: spec.platform.clone(),
            minus: spec.minus.clone(),
        };
        let output = self.output(&output, &keys, index)?;
        let maximize = match (spec.goal, output.metric.metric().better) {
            (Some(goal), _) => goal == GoalSpec::Maximize,
            (None, Better::Lower) => false,
            (None, Better::Higher) => true,
            (None, Better::Neither) => {
                let message = format!(
                    "neither more nor less of `{}` is better in itself",
                    spec.metric
                );
                self.wrong(&keys, message, "write `goal: minimize` or `goal: maximize`");
                return None;
            }
        };
        Some(Objective { output, maximize })
    }

    fn constraint(&mut self, spec: &ConstraintSpec, index: usize) -> Option<Constraint> {
        let keys = ["tune", "constraints"];
        let output = OutputSpec {
            metric: spec.metric.clone(),
            platform: spec.platform.clone(),
            minus: spec.minus.clone(),
        };
        let output = self.output(&output, &keys, index)?;
        let bound = match (spec.at_most, spec.at_least) {
            (Some(most), None) => Bound::AtMost(most),
            (None, Some(least)) => Bound::AtLeast(least),
            _ => {
                let message = format!("the constraint on `{}` needs one bound", spec.metric);
                let hint = "write `at_most` or `at_least`; for both, write two constraints";
                self.wrong(&keys, message, hint);
                return None;
            }
        };
        Some(Constraint { output, bound })
    }
}

/// What is wrong, and what would work.
type Mistake = (String, String);

/// The values of a parameter, with their unit.
fn law(spec: &ParameterSpec) -> Result<(Law, String), Mistake> {
    let ends = spec.from.as_ref().zip(spec.to.as_ref());
    let half = spec.from.is_some() != spec.to.is_some();
    match (ends, &spec.distribution, &spec.choices) {
        (Some((from, to)), None, None) => between(from, to, spec.scale),
        (None, Some(belief), None) if !half => believed(belief),
        (None, None, Some(values)) if !half => chosen(values),
        _ => Err((
            format!(
                "`{}` needs either two ends, a distribution or choices",
                spec.path
            ),
            "for example `{path: workload.rate_factor, from: 1, to: 5}`".to_owned(),
        )),
    }
}

fn between(from: &NumberSpec, to: &NumberSpec, scale: ScaleSpec) -> Result<(Law, String), Mistake> {
    let [(from, unit), (to, other)] = [number(from)?, number(to)?];
    same_unit(&[&unit, &other])?;
    if from >= to {
        return Err((
            format!("`from` must be below `to`, found {from} and {to}"),
            "exchange them, or give another range".to_owned(),
        ));
    }
    let is_log = matches!(scale, ScaleSpec::Log | ScaleSpec::LogInteger);
    if is_log && from <= 0.0 {
        return Err((
            format!("a logarithmic scale needs positive ends, found {from}"),
            "begin above zero, or write `scale: linear`".to_owned(),
        ));
    }
    let is_whole = matches!(scale, ScaleSpec::Integer | ScaleSpec::LogInteger);
    if is_whole && (from.fract() != 0.0 || to.fract() != 0.0) {
        return Err((
            format!("whole numbers lie between whole numbers, found {from} and {to}"),
            "round the ends, or write `scale: linear`".to_owned(),
        ));
    }
    let law = match scale {
        ScaleSpec::Linear => Law::Linear(from, to),
        ScaleSpec::Log => Law::Log(from, to),
        ScaleSpec::Integer => Law::Integer(from, to),
        ScaleSpec::LogInteger => Law::LogInteger(from, to),
    };
    Ok((law, unit))
}

fn believed(belief: &BeliefSpec) -> Result<(Law, String), Mistake> {
    match belief {
        BeliefSpec::Normal { mean, sd } => {
            let [(mean, unit), (sd, other)] = [number(mean)?, number(sd)?];
            same_unit(&[&unit, &other])?;
            positive("sd", sd)?;
            Ok((Law::Normal(mean, sd), unit))
        }
        BeliefSpec::Lognormal { median, sigma } => {
            let (median, unit) = number(median)?;
            positive("median", median)?;
            Ok((Law::Lognormal(median, *sigma), unit))
        }
        BeliefSpec::Triangular { low, mode, high } => {
            let [(low, unit), (mode, second), (high, third)] =
                [number(low)?, number(mode)?, number(high)?];
            same_unit(&[&unit, &second, &third])?;
            if !(low <= mode && mode <= high && low < high) {
                return Err((
                    format!("low, mode and high must rise, found {low}, {mode} and {high}"),
                    "put them in order".to_owned(),
                ));
            }
            Ok((Law::Triangular(low, mode, high), unit))
        }
    }
}

fn chosen(values: &[serde_json::Value]) -> Result<(Law, String), Mistake> {
    if values.len() < 2 {
        return Err((
            format!("there are two choices at least, found {}", values.len()),
            "add one, or use --set for a value that does not vary".to_owned(),
        ));
    }
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Ok((
        Law::Choice(values.iter().map(text).collect()),
        String::new(),
    ))
}

fn positive(name: &str, value: f64) -> Result<(), Mistake> {
    if value > 0.0 {
        return Ok(());
    }
    let message = format!("`{name}` must be positive, found {value}");
    Err((message, "give a number above zero".to_owned()))
}

fn same_unit(units: &[&str]) -> Result<(), Mistake> {
    if units.iter().all(|unit| unit == &units[0]) {
        return Ok(());
    }
    Err((
        format!(
            "values of one parameter need one unit, found `{}`",
            units.join("` and `")
        ),
        "write all of them in the same unit".to_owned(),
    ))
}

/// The number of `spec` and its unit, which may be empty.
fn number(spec: &NumberSpec) -> Result<(f64, String), Mistake> {
    let text = match spec {
        NumberSpec::Plain(value) => return Ok((*value, String::new())),
        NumberSpec::WithUnit(text) => text.trim(),
    };
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && !"+-.eE".contains(letter))
        .unwrap_or(text.len());
    match text[..end].trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((value, text[end..].trim().to_owned())),
        _ => Err((
            format!("`{text}` is not a number with a unit"),
            "write a number, and after it the unit, as in `5 min`".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(law: Law, unit: &str) -> Parameter {
        Parameter {
            name: "p".to_owned(),
            path: "workload.rate_factor".to_owned(),
            law,
            unit: unit.to_owned(),
        }
    }

    fn check(law: Law, unit: &str, expect: &[&str]) {
        let parameter = parameter(law, unit);
        for (share, expect) in [0.0, 0.25, 0.5, 1.0].into_iter().zip(expect) {
            assert_eq!(
                parameter.at(share).text,
                *expect,
                "{:?} {share}",
                parameter.law
            );
        }
    }

    /// The normal quantiles of 0.001, 0.25 and 0.999 are -3.09023, -0.674490 and 3.09023; the triangle on [0, 4] with its mode at 1
    /// has F(x) = x²/4 up to 1, so that its quartile is 1 and its median 4 − √6.
    #[test]
    fn coordinates_become_values() {
        check(Law::Linear(1.0, 5.0), "", &["1", "2", "3", "5"]);
        check(
            Law::Log(1.0, 16.0),
            "min",
            &["1 min", "2 min", "4 min", "16 min"],
        );
        check(Law::Integer(1.0, 4.0), "", &["1", "2", "3", "4"]);
        check(
            Law::LogInteger(10.0, 1000.0),
            "",
            &["10", "32", "100", "1000"],
        );
        check(
            Law::Normal(10.0, 1.0),
            "h",
            &["6.90977 h", "9.32551 h", "10 h", "13.0902 h"],
        );
        check(
            Law::Lognormal(2.0, 0.5),
            "",
            &["0.426574", "1.42747", "2", "9.37703"],
        );
        check(
            Law::Triangular(0.0, 1.0, 4.0),
            "",
            &["0.0632456", "1", "1.55051", "3.89046"],
        );
        let choices = ["a", "b", "c"].map(str::to_owned).to_vec();
        check(Law::Choice(choices), "", &["a", "a", "b", "c"]);
    }

    #[test]
    fn what_is_no_range_is_told() {
        let text = |text: &str| NumberSpec::WithUnit(text.to_owned());
        for (from, to, scale, message) in [
            (
                NumberSpec::Plain(2.0),
                NumberSpec::Plain(2.0),
                ScaleSpec::Linear,
                "must be below",
            ),
            (
                NumberSpec::Plain(0.0),
                NumberSpec::Plain(2.0),
                ScaleSpec::Log,
                "positive ends",
            ),
            (
                NumberSpec::Plain(0.5),
                NumberSpec::Plain(2.0),
                ScaleSpec::Integer,
                "whole numbers",
            ),
            (
                text("1 min"),
                text("2 h"),
                ScaleSpec::Linear,
                "need one unit",
            ),
            (
                text("soon"),
                text("2 h"),
                ScaleSpec::Linear,
                "is not a number",
            ),
        ] {
            let (found, _) = between(&from, &to, scale).expect_err(message);
            assert!(found.contains(message), "{found}");
        }
        assert_eq!(
            between(&text("5 min"), &text("20 min"), ScaleSpec::Log),
            Ok((Law::Log(5.0, 20.0), "min".to_owned()))
        );
    }
}

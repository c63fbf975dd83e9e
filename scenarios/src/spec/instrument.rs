//! What an instrument varies and looks at: the keys `sensitivity`, `tune` and `breakeven` of a scenario.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::Named;
use crate::spec::quantity::Share;

/// Which parameters move which figures.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SensitivitySpec {
    /// How it is found out; default `sobol`.
    #[serde(default)]
    pub method: SensitivityMethod,
    /// Rows of the design: with k parameters, `sobol` runs k + 2 points for each (default 64; a power of two is best), `morris`
    /// k + 1 (default 20).
    #[schemars(range(min = 4, max = 100_000))]
    pub samples: Option<u32>,
    /// Seed of the design; default one.
    #[serde(default = "one")]
    pub seed: u64,
    /// What varies, by names of your choice.
    pub parameters: Named<ParameterSpec>,
    /// The figures to explain: names of figures, on every platform, or figures of one platform.
    pub outputs: Vec<OutputChoice>,
}

/// Methods of global sensitivity analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SensitivityMethod {
    /// Shares of the variance: of each parameter alone (S1), and with all its interactions (ST).
    #[default]
    Sobol,
    /// Elementary effects: cheaper, and tells which parameters do not matter.
    Morris,
}

/// The values of some parameters that suit an objective best.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TuneSpec {
    /// How it is searched; default `bayesian` for one objective, `evolutionary` for several.
    pub method: Option<TuneMethod>,
    /// Points to run; default 60.
    #[serde(default = "sixty")]
    #[schemars(range(min = 1, max = 10_000))]
    pub budget: u32,
    /// Seed of the search; default one.
    #[serde(default = "one")]
    pub seed: u64,
    /// What varies, by names of your choice.
    pub parameters: Named<ParameterSpec>,
    /// What is to be best; several give the front of points that cannot be improved in one without loss in another.
    pub objectives: Vec<ObjectiveSpec>,
    /// What must hold; default nothing.
    #[serde(default)]
    pub constraints: Vec<ConstraintSpec>,
    /// The share of points that must keep all constraints in the range that is recommended for a parameter, where the points are those
    /// of a design; default 90 %.
    pub confidence: Option<Share>,
}

/// How the best values are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TuneMethod {
    /// Every combination of evenly spaced values, as many as the budget allows.
    Grid,
    /// One point in each of as many slices of every range as there are points.
    LatinHypercube,
    /// A scrambled Sobol sequence.
    Sobol,
    /// CMA-ES; NSGA-II for several objectives.
    Evolutionary,
    /// A Gaussian process and expected improvement, for up to fifteen parameters and one objective.
    Bayesian,
}

/// Where one platform comes out like others: the value of each of some parameters, the others as they stand.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakevenSpec {
    /// What varies, one at a time, by names of your choice; each between two ends or by a distribution.
    pub parameters: Named<ParameterSpec>,
    /// The figure that is compared; default `cost_per_million_output_tokens`.
    #[serde(default = "cost")]
    pub metric: String,
    /// The platform or cluster in question.
    pub platform: String,
    /// Those that it is compared with, each by itself.
    pub against: Vec<String>,
    /// Their figure counts so many times: 1 asks where both are alike, 0.2 where that in question is 80 % less. Default `[1]`.
    #[serde(default = "alike")]
    pub times: Vec<f64>,
    /// Bisection ends when a value is known to this part of the range; default 2 %.
    pub tolerance: Option<Share>,
}

/// A value that an instrument varies: between two ends, by a distribution, or among choices.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterSpec {
    /// Where it stands: keys joined with dots, as `--set` takes them.
    pub path: String,
    /// The lower end, such as `2` or `5 min`.
    pub from: Option<NumberSpec>,
    /// The upper end, in the same unit.
    pub to: Option<NumberSpec>,
    /// How values lie between the ends; default `linear`.
    #[serde(default)]
    pub scale: ScaleSpec,
    /// Instead of ends: how likely which values are. What lies beyond its 0.1 % and 99.9 % quantiles counts as these.
    pub distribution: Option<BeliefSpec>,
    /// Instead of ends: values that are tried, in any form.
    pub choices: Option<Vec<serde_json::Value>>,
}

/// How values lie between two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleSpec {
    /// Equal differences are equally far apart.
    #[default]
    Linear,
    /// Equal ratios are equally far apart.
    Log,
    /// Whole numbers.
    Integer,
    /// Whole numbers, equal ratios equally far apart.
    LogInteger,
}

/// How likely which values are.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BeliefSpec {
    /// The normal distribution.
    Normal {
        /// Its mean.
        mean: NumberSpec,
        /// Its standard deviation.
        sd: NumberSpec,
    },
    /// The exponential of a normal variable.
    Lognormal {
        /// Its median.
        median: NumberSpec,
        /// Standard deviation of the logarithm.
        #[schemars(range(max = 10), extend("exclusiveMinimum" = 0))]
        sigma: f64,
    },
    /// Rises to the most likely value, and falls from there.
    Triangular {
        /// The least value.
        low: NumberSpec,
        /// The most likely value.
        mode: NumberSpec,
        /// The greatest value.
        high: NumberSpec,
    },
}

/// A number, or one with a unit.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NumberSpec {
    /// A plain number.
    Plain(f64),
    /// With a unit, such as `5 min` or `10 %`.
    WithUnit(String),
}

/// A figure that an instrument looks at.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OutputChoice {
    /// The name of a figure, on every platform.
    Metric(String),
    /// A figure of one platform, or its difference to another.
    Of(OutputSpec),
}

/// A figure of one platform, or its difference to another.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// The name of the figure.
    pub metric: String,
    /// The platform or cluster; may be left out where there is one only.
    pub platform: Option<String>,
    /// The platform or cluster whose figure is subtracted, replication by replication.
    pub minus: Option<String>,
}

/// What is to be best.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveSpec {
    /// The name of the figure.
    pub metric: String,
    /// The platform or cluster; may be left out where there is one only.
    pub platform: Option<String>,
    /// The platform or cluster whose figure is subtracted, replication by replication.
    pub minus: Option<String>,
    /// Whether less or more of it is better; default what the figure says of itself.
    pub goal: Option<GoalSpec>,
}

/// Whether less or more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GoalSpec {
    /// Less is better.
    Minimize,
    /// More is better.
    Maximize,
}

/// What must hold of a figure.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConstraintSpec {
    /// The name of the figure.
    pub metric: String,
    /// The platform or cluster; may be left out where there is one only.
    pub platform: Option<String>,
    /// The platform or cluster whose figure is subtracted, replication by replication.
    pub minus: Option<String>,
    /// The most that it may be, in the unit of the figure; shares are from zero to one.
    pub at_most: Option<f64>,
    /// The least that it may be, in the unit of the figure.
    pub at_least: Option<f64>,
}

fn one() -> u64 {
    1
}

fn cost() -> String {
    "cost_per_million_output_tokens".to_owned()
}

fn alike() -> Vec<f64> {
    vec![1.0]
}

fn sixty() -> u32 {
    60
}

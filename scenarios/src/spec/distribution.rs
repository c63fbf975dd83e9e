//! Probability distributions as they are written.

use schemars::JsonSchema;
use serde::Deserialize;
use walras_des::{Dist, DistError, math};

use crate::spec::quantity::{Duration, Frequency};

/// A distribution of durations.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DurationLaw {
    /// Always the same.
    Constant(Duration),
    /// Anything between two ends, all equally likely.
    Uniform {
        /// The lower end.
        low: Duration,
        /// The upper end.
        high: Duration,
    },
    /// The time between events that do not know of each other.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// The exponential of a normal variable.
    Lognormal {
        /// The median.
        median: Duration,
        /// Standard deviation of the logarithm.
        #[schemars(range(min = 0))]
        sigma: f64,
    },
    /// P(X > x) = exp(-(x/scale)^shape).
    Weibull {
        /// Below one, the longer it has lasted the longer it will.
        #[schemars(extend("exclusiveMinimum" = 0))]
        shape: f64,
        /// The 63rd percentile.
        scale: Duration,
    },
    /// Gamma, with mean shape times scale.
    Gamma {
        /// The shape.
        #[schemars(extend("exclusiveMinimum" = 0))]
        shape: f64,
        /// The scale.
        scale: Duration,
    },
    /// One of several exponentials.
    Hyperexponential {
        /// The exponentials.
        branches: Vec<Branch>,
    },
}

/// One exponential of several.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Probability of this one.
    #[schemars(range(min = 0, max = 1))]
    pub p: f64,
    /// Its rate.
    pub rate: Frequency,
}

impl DurationLaw {
    /// The distribution in units of `unit` seconds.
    ///
    /// # Errors
    /// If a parameter makes no distribution.
    pub fn build(&self, unit: f64) -> Result<Dist, DistError> {
        match self {
            Self::Constant(value) => Dist::constant(value.0 / unit),
            Self::Uniform { low, high } => Dist::uniform(low.0 / unit, high.0 / unit),
            Self::Exponential { mean } => Dist::exponential(mean.0 / unit),
            Self::Lognormal { median, sigma } => Dist::lognormal(math::ln(median.0 / unit), *sigma),
            Self::Weibull { shape, scale } => Dist::weibull(*shape, scale.0 / unit),
            Self::Gamma { shape, scale } => Dist::gamma(*shape, scale.0 / unit),
            Self::Hyperexponential { branches } => Dist::hyperexponential(
                branches
                    .iter()
                    .map(|branch| (branch.p, branch.rate.0 * unit))
                    .collect(),
            ),
        }
    }
}

/// A distribution of data rates [10⁶ bit/s].
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RateLaw {
    /// Always the same.
    Constant(#[schemars(extend("exclusiveMinimum" = 0))] f64),
    /// The exponential of a normal variable.
    Lognormal {
        /// The median.
        #[schemars(extend("exclusiveMinimum" = 0))]
        median: f64,
        /// Standard deviation of the logarithm.
        #[schemars(range(min = 0))]
        sigma: f64,
    },
}

impl RateLaw {
    /// The distribution [bytes/s].
    ///
    /// # Errors
    /// If a parameter makes no distribution.
    pub fn build(&self) -> Result<Dist, DistError> {
        let bytes = |mbit: f64| mbit * 1e6 / 8.0;
        match self {
            Self::Constant(value) => Dist::constant(bytes(*value)),
            Self::Lognormal { median, sigma } => Dist::lognormal(math::ln(bytes(*median)), *sigma),
        }
    }
}

/// A distribution of prices [USD].
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PriceLaw {
    /// Always the same.
    Constant(#[schemars(extend("exclusiveMinimum" = 0))] f64),
    /// Anything between two ends, all equally likely.
    Uniform {
        /// The lower end.
        #[schemars(range(min = 0))]
        low: f64,
        /// The upper end.
        #[schemars(range(min = 0))]
        high: f64,
    },
    /// The exponential of a normal variable.
    Lognormal {
        /// The median.
        #[schemars(extend("exclusiveMinimum" = 0))]
        median: f64,
        /// Standard deviation of the logarithm.
        #[schemars(range(min = 0))]
        sigma: f64,
    },
}

impl PriceLaw {
    /// The distribution [USD].
    ///
    /// # Errors
    /// If a parameter makes no distribution.
    pub fn build(&self) -> Result<Dist, DistError> {
        match self {
            Self::Constant(value) => Dist::constant(*value),
            Self::Uniform { low, high } => Dist::uniform(*low, *high),
            Self::Lognormal { median, sigma } => Dist::lognormal(math::ln(*median), *sigma),
        }
    }
}

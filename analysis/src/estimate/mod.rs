//! Estimates with confidence intervals, one method per file; each estimate says how it was made.
//!
//! | from | estimate | file |
//! |---|---|---|
//! | independent replications | mean, Student t | [`replications`] |
//! | replications that share their random numbers | difference and ratio, paired | [`difference`] |
//! | replications and their mirror images | mean, over pairs | [`antithetic`] |
//! | replications with a figure of known expectation | mean, regression | [`control_variate`] |
//! | independent values | quantile, order statistics | [`quantile`] |
//! | one run | quantile, sections | [`quantile`] |
//! | one run | mean or time average, batch means | [`batch_means`] |
//! | one run | all its figures, from its sections | [`one_run`] |
//! | one run that starts afresh now and then | mean, ratio over cycles | [`regenerative`] |
//! | points of a design | anything, percentiles of the bootstrap | [`bootstrap`] |
//!
//! [`holm`] judges several differences at once, [`ranks`] puts several contests together.
//! [`stopping`] says when there are enough replications, [`warm_up`] where a run begins to be like the rest of it.
//! How often the intervals hold the truth is counted in [`crate::coverage`].
//!
//! A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015, chapters 9 to 11.

mod student;

pub mod replications;

pub mod difference;

pub mod antithetic;

pub mod control_variate;

pub mod quantile;

pub mod batch_means;

pub mod one_run;

pub mod regenerative;

pub mod bootstrap;

pub mod stopping;

pub mod warm_up;

pub mod holm;

pub mod ranks;

use walras_sim::record::Range;

pub use difference::{Difference, paired, unpaired};
pub use replications::{estimate, estimate_of, replications_to_halve};

/// Confidence of all intervals.
pub const CONFIDENCE: f64 = 0.95;

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub mean: f64,
    /// The 95 % confidence interval; absent where the values say nothing about spread, as a single one does.
    pub interval: Option<Interval>,
    /// What the interval is taken over, as the method says: replications, pairs, values, batches, sections or cycles.
    pub n: usize,
    /// Independent values that would tell as much; absent where the `n` are independent anyway, and for ratios.
    pub effective: Option<f64>,
    /// How the interval was found.
    pub method: Method,
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How an interval was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Student t over replications.
    StudentT,
    /// Student t over differences within replications.
    PairedT,
    /// Student t over the logarithms of ratios within replications; the estimate is their geometric mean.
    PairedLogRatio,
    /// Welch's t over two independent sets of replications.
    Welch,
    /// Welch's t over logarithms; the estimate is a ratio of geometric means.
    WelchLogRatio,
    /// Student t over the means of pairs of mirrored replications.
    AntitheticT,
    /// Regression of replications on a control of known expectation.
    ControlVariate,
    /// Order statistics of independent values.
    OrderStatistics,
    /// Student t over the quantiles of consecutive sections of one run.
    Sectioning,
    /// Student t over the means of batches of one run, among which no correlation was found.
    BatchMeans,
    /// The same, but the run is too short to have such batches: the interval may be too narrow.
    CorrelatedBatchMeans,
    /// The quantile of one run, from the interval of the share not above it by [`Method::BatchMeans`].
    BatchQuantile,
    /// The same by [`Method::CorrelatedBatchMeans`]: the interval may be too narrow.
    CorrelatedBatchQuantile,
    /// The figure of one run, without an interval.
    OneRun,
    /// Ratio of sums over regenerative cycles.
    Regenerative,
    /// The same, with the jackknife against bias.
    RegenerativeJackknife,
    /// Percentiles of what is estimated from samples of the sample.
    Bootstrap,
    /// A plain number of all values, without an interval.
    Descriptive,
}

impl Method {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StudentT => "student-t",
            Self::PairedT => "paired-t",
            Self::PairedLogRatio => "paired-log-ratio",
            Self::Welch => "welch",
            Self::WelchLogRatio => "welch-log-ratio",
            Self::AntitheticT => "antithetic-t",
            Self::ControlVariate => "control-variate",
            Self::OrderStatistics => "order-statistics",
            Self::Sectioning => "sectioning",
            Self::BatchMeans => "batch-means",
            Self::CorrelatedBatchMeans => "correlated-batch-means",
            Self::BatchQuantile => "batch-quantile",
            Self::CorrelatedBatchQuantile => "correlated-batch-quantile",
            Self::OneRun => "one-run",
            Self::Regenerative => "regenerative",
            Self::RegenerativeJackknife => "regenerative-jackknife",
            Self::Bootstrap => "bootstrap",
            Self::Descriptive => "descriptive",
        }
    }
}

impl Interval {
    /// Whether `value` lies in it; the ends count.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Half its width.
    #[must_use]
    pub fn half_width(self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// The part of it inside `range`.
    #[must_use]
    pub fn clip(self, range: Range) -> Self {
        match range {
            Range::Any => self,
            Range::NonNegative => self.within(0.0, f64::INFINITY),
            Range::Share => self.within(0.0, 1.0),
        }
    }

    pub(crate) fn within(self, lowest: f64, highest: f64) -> Self {
        Self {
            low: self.low.clamp(lowest, highest),
            high: self.high.clamp(lowest, highest),
        }
    }
}

impl Estimate {
    /// The estimate with both ends of its interval passed through the increasing function `f`.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let interval = self.interval.map(|Interval { low, high }| Interval {
            low: f(low),
            high: f(high),
        });
        Self {
            mean: f(self.mean),
            interval,
            ..self
        }
    }

    /// Half the width of the interval as a share of the estimate; absent without an interval or at zero.
    #[must_use]
    pub fn relative_half_width(&self) -> Option<f64> {
        let half = self.interval?.half_width();
        (self.mean != 0.0).then(|| half / self.mean.abs())
    }
}

//! Probability distributions over `f64`, in the user's unit, checked when they are built.
//!
//! Sampling is built on ziggurats of our own and on the gamma of `rand_distr`, made portable; a
//! draw takes 4 ns (exponential) to 28 ns (gamma of shape below 1). Beside samples, a distribution
//! gives its mean, variance and quantiles where they have a closed form, and draws from its
//! stationary residual life: what remains of an interval that is found under way, which starts a
//! renewal process in equilibrium.

use std::fmt;

use rand_distr::{Distribution, Gamma};

use crate::math;
use crate::portable::Portable;
use crate::rng::Stream;
use crate::special::gamma;
pub use crate::special::{normal_cdf, normal_quantile};

/// A distribution; every value of this type is valid.
///
/// The variants can be read anywhere but only built by the constructors, which check.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always `value`.
    #[non_exhaustive]
    Constant {
        /// The value.
        value: f64,
    },
    /// Uniform on `[low, high)`.
    #[non_exhaustive]
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Exponential: the time between events that do not know of each other.
    #[non_exhaustive]
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Normal.
    #[non_exhaustive]
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std_dev: f64,
    },
    /// The exponential of a normal.
    #[non_exhaustive]
    LogNormal {
        /// The mean of the logarithm.
        mu: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// Weibull: P(X > x) = exp(−(x/scale)^shape).
    #[non_exhaustive]
    Weibull {
        /// Below 1 the hazard falls with age.
        shape: f64,
        /// The 63rd percentile.
        scale: f64,
    },
    /// Gamma: mean shape·scale.
    #[non_exhaustive]
    Gamma {
        /// The shape; an integer k gives Erlang's sum of k exponentials.
        shape: f64,
        /// The scale.
        scale: f64,
    },
    /// Pareto: P(X > x) = (scale/x)^shape for x ≥ scale.
    #[non_exhaustive]
    Pareto {
        /// The smallest value.
        scale: f64,
        /// The tail index.
        shape: f64,
    },
    /// An exponential whose rate is drawn first.
    #[non_exhaustive]
    HyperExponential {
        /// (probability, rate); probabilities sum to one.
        branches: Vec<(f64, f64)>,
    },
    /// A piecewise-linear inverse CDF, for example of measured percentiles.
    #[non_exhaustive]
    Quantiles {
        /// (p, x): p rises from 0 to 1, x does not fall.
        points: Vec<(f64, f64)>,
    },
    /// One of several distributions.
    #[non_exhaustive]
    Mixture {
        /// (weight, distribution); weights sum to one.
        parts: Vec<(f64, Dist)>,
    },
    /// Another distribution with its values moved into `[low, high]`.
    #[non_exhaustive]
    Clamped {
        /// What is clamped.
        inner: Box<Dist>,
        /// The lower end.
        low: f64,
        /// The upper end; may be +∞.
        high: f64,
    },
}

/// A parameter that makes no distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct DistError {
    /// The distribution, for example `weibull`.
    pub distribution: &'static str,
    /// The parameter, for example `shape` or `points[2].p`.
    pub parameter: String,
    /// What it was.
    pub value: f64,
    /// What would work.
    pub expected: &'static str,
}

impl fmt::Display for DistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            distribution,
            parameter,
            value,
            expected,
        } = self;
        write!(
            f,
            "{distribution}: {parameter} is {value}, expected {expected}"
        )
    }
}

impl std::error::Error for DistError {}

/// Published fits print probabilities rounded; they are scaled to sum to one.
const PROBABILITY_SLACK: f64 = 1e-3;

/// The constructors: each fails with the parameter that is wrong.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
impl Dist {
    /// Always `value`; finite.
    pub fn constant(value: f64) -> Result<Self, DistError> {
        check("constant", "value", value, finite(value), FINITE)?;
        Ok(Self::Constant { value })
    }

    /// Uniform on `[low, high)`; finite, `low <= high`.
    pub fn uniform(low: f64, high: f64) -> Result<Self, DistError> {
        check("uniform", "low", low, finite(low), FINITE)?;
        check("uniform", "high", high, finite(high), FINITE)?;
        check(
            "uniform",
            "high",
            high,
            low <= high,
            "a number not below low",
        )?;
        Ok(Self::Uniform { low, high })
    }

    /// Exponential; `mean > 0`.
    pub fn exponential(mean: f64) -> Result<Self, DistError> {
        check("exponential", "mean", mean, positive(mean), POSITIVE)?;
        Ok(Self::Exponential { mean })
    }

    /// Normal; `std_dev >= 0`.
    pub fn normal(mean: f64, std_dev: f64) -> Result<Self, DistError> {
        check("normal", "mean", mean, finite(mean), FINITE)?;
        check(
            "normal",
            "std_dev",
            std_dev,
            non_negative(std_dev),
            NON_NEGATIVE,
        )?;
        Ok(Self::Normal { mean, std_dev })
    }

    /// Log-normal by the mean and standard deviation of the logarithm; `sigma >= 0`.
    pub fn lognormal(mu: f64, sigma: f64) -> Result<Self, DistError> {
        check("lognormal", "mu", mu, finite(mu), FINITE)?;
        check(
            "lognormal",
            "sigma",
            sigma,
            non_negative(sigma),
            NON_NEGATIVE,
        )?;
        Ok(Self::LogNormal { mu, sigma })
    }

    /// Weibull; both above zero.
    pub fn weibull(shape: f64, scale: f64) -> Result<Self, DistError> {
        check("weibull", "shape", shape, positive(shape), POSITIVE)?;
        check("weibull", "scale", scale, positive(scale), POSITIVE)?;
        Ok(Self::Weibull { shape, scale })
    }

    /// Gamma; both above zero.
    pub fn gamma(shape: f64, scale: f64) -> Result<Self, DistError> {
        check("gamma", "shape", shape, positive(shape), POSITIVE)?;
        check("gamma", "scale", scale, positive(scale), POSITIVE)?;
        Ok(Self::Gamma { shape, scale })
    }

    /// Pareto; both above zero.
    pub fn pareto(scale: f64, shape: f64) -> Result<Self, DistError> {
        check("pareto", "scale", scale, positive(scale), POSITIVE)?;
        check("pareto", "shape", shape, positive(shape), POSITIVE)?;
        Ok(Self::Pareto { scale, shape })
    }

    /// Hyperexponential from (probability, rate); probabilities sum to one within 0.001 and are
    /// scaled to do so exactly.
    pub fn hyperexponential(mut branches: Vec<(f64, f64)>) -> Result<Self, DistError> {
        const NAME: &str = "hyperexponential";
        for (i, &(p, rate)) in branches.iter().enumerate() {
            check_at(
                NAME,
                || format!("branches[{i}].prob"),
                p,
                non_negative(p),
                NON_NEGATIVE,
            )?;
            check_at(
                NAME,
                || format!("branches[{i}].rate"),
                rate,
                positive(rate),
                POSITIVE,
            )?;
        }
        let total = branches.iter().fold(0.0, |sum, (p, _)| sum + p);
        let sums_to_one = (total - 1.0).abs() <= PROBABILITY_SLACK;
        check(NAME, "the sum of probabilities", total, sums_to_one, "1")?;
        branches.retain(|(p, _)| *p > 0.0);
        for (p, _) in &mut branches {
            *p /= total;
        }
        Ok(Self::HyperExponential { branches })
    }

    /// Piecewise-linear inverse CDF through the points (p, x): p rises strictly from 0 to 1, x is
    /// finite and does not fall.
    pub fn quantiles(points: Vec<(f64, f64)>) -> Result<Self, DistError> {
        const NAME: &str = "quantiles";
        let count = points.len();
        check(
            NAME,
            "the number of points",
            count as f64,
            count >= 2,
            "at least 2",
        )?;
        let (first, last) = (points[0].0, points[count - 1].0);
        check(NAME, "points[0].p", first, first == 0.0, "0")?;
        for (i, &(_, x)) in points.iter().enumerate() {
            check_at(NAME, || format!("points[{i}].x"), x, finite(x), FINITE)?;
        }
        for (i, pair) in points.windows(2).enumerate() {
            let ((p0, x0), (p1, x1)) = (pair[0], pair[1]);
            let above = "a number above the one before";
            check_at(NAME, || format!("points[{}].p", i + 1), p1, p1 > p0, above)?;
            let not_below = "a number not below the one before";
            check_at(
                NAME,
                || format!("points[{}].x", i + 1),
                x1,
                x1 >= x0,
                not_below,
            )?;
        }
        check_at(
            NAME,
            || format!("points[{}].p", count - 1),
            last,
            last.total_cmp(&1.0).is_eq(),
            "1",
        )?;
        Ok(Self::Quantiles { points })
    }

    /// One of `parts`, chosen with probability proportional to its weight.
    pub fn mixture(mut parts: Vec<(f64, Self)>) -> Result<Self, DistError> {
        const NAME: &str = "mixture";
        for (i, &(w, _)) in parts.iter().enumerate() {
            check_at(
                NAME,
                || format!("parts[{i}].weight"),
                w,
                non_negative(w),
                NON_NEGATIVE,
            )?;
        }
        let total = parts.iter().fold(0.0, |sum, (w, _)| sum + w);
        check(NAME, "the sum of weights", total, positive(total), POSITIVE)?;
        parts.retain(|(w, _)| *w > 0.0);
        for (w, _) in &mut parts {
            *w /= total;
        }
        Ok(Self::Mixture { parts })
    }

    /// `self` with its values moved into `[low, high]`; `high` may be +∞.
    pub fn clamped(self, low: f64, high: f64) -> Result<Self, DistError> {
        check("clamped", "low", low, finite(low), FINITE)?;
        check(
            "clamped",
            "high",
            high,
            low <= high,
            "a number not below low",
        )?;
        Ok(Self::Clamped {
            inner: Box::new(self),
            low,
            high,
        })
    }
}

impl Dist {
    /// A draw.
    #[must_use]
    pub fn sample(&self, stream: &mut Stream) -> f64 {
        match self {
            Self::Constant { value } => *value,
            Self::Uniform { low, high } => low + (high - low) * stream.uniform(),
            Self::Exponential { mean } => mean * stream.exponential(),
            Self::Normal { mean, std_dev } => mean + std_dev * stream.normal(),
            Self::LogNormal { mu, sigma } => math::exp(mu + sigma * stream.normal()),
            // (X/scale)^shape is exponential.
            Self::Weibull { shape, scale } => scale * root(stream.exponential(), *shape),
            Self::Gamma { shape, scale } => gamma_draw(*shape, *scale, stream),
            Self::Pareto { scale, shape } => pareto(*scale, *shape, stream),
            Self::HyperExponential { branches } => {
                let (_, rate) = choose(branches, |(p, _)| *p, 1.0, stream);
                stream.exponential() / rate
            }
            Self::Quantiles { points } => interpolate(points, stream.uniform()),
            Self::Mixture { parts } => choose(parts, |(w, _)| *w, 1.0, stream).1.sample(stream),
            Self::Clamped { inner, low, high } => inner.sample(stream).clamp(*low, *high),
        }
    }

    /// The mean; `None` if it is infinite, or of a clamped distribution.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        Some(match self {
            Self::Constant { value } => *value,
            Self::Uniform { low, high } => f64::midpoint(*low, *high),
            Self::Exponential { mean } | Self::Normal { mean, .. } => *mean,
            Self::LogNormal { mu, sigma } => math::exp(mu + 0.5 * sigma * sigma),
            Self::Weibull { shape, scale } => scale * gamma(1.0 + 1.0 / shape),
            Self::Gamma { shape, scale } => shape * scale,
            Self::Pareto { scale, shape } if *shape > 1.0 => shape * scale / (shape - 1.0),
            Self::HyperExponential { branches } => branches.iter().map(|(p, rate)| p / rate).sum(),
            Self::Quantiles { points } => segments(points).map(Segment::mean_mass).sum(),
            Self::Mixture { parts } => parts
                .iter()
                .map(|(w, part)| Some(w * part.mean()?))
                .sum::<Option<f64>>()?,
            Self::Pareto { .. } | Self::Clamped { .. } => return None,
        })
        .filter(|mean| mean.is_finite())
    }

    /// The variance; `None` if it is infinite, or of a clamped distribution.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        Some(match self {
            Self::Constant { .. } => 0.0,
            Self::Uniform { low, high } => (high - low) * (high - low) / 12.0,
            Self::Exponential { mean } => mean * mean,
            Self::Normal { std_dev, .. } => std_dev * std_dev,
            Self::LogNormal { mu, sigma } => {
                let s = sigma * sigma;
                math::exp_m1(s) * math::exp(2.0 * mu + s)
            }
            Self::Weibull { shape, scale } => {
                let first = gamma(1.0 + 1.0 / shape);
                scale * scale * (gamma(1.0 + 2.0 / shape) - first * first)
            }
            Self::Gamma { shape, scale } => shape * scale * scale,
            Self::Pareto { scale, shape } if *shape > 2.0 => {
                scale * scale * shape / ((shape - 1.0) * (shape - 1.0) * (shape - 2.0))
            }
            Self::HyperExponential { branches } => total_variance(
                self.mean()?,
                branches
                    .iter()
                    .map(|&(p, rate)| (p, 1.0 / rate, 1.0 / (rate * rate))),
            ),
            Self::Quantiles { points } => total_variance(
                self.mean()?,
                segments(points).map(|s| {
                    let width = s.high - s.low;
                    (
                        s.probability,
                        f64::midpoint(s.low, s.high),
                        width * width / 12.0,
                    )
                }),
            ),
            Self::Mixture { parts } => {
                let moments = parts
                    .iter()
                    .map(|(w, part)| Some((*w, part.mean()?, part.variance()?)));
                let moments: Option<Vec<_>> = moments.collect();
                total_variance(self.mean()?, moments?.into_iter())
            }
            Self::Pareto { .. } | Self::Clamped { .. } => return None,
        })
        .filter(|variance| variance.is_finite())
    }

    /// The `p`-quantile; `None` for gamma, hyperexponential and mixture, which have no closed form.
    ///
    /// # Panics
    /// If `p` is outside [0, 1].
    #[must_use]
    #[track_caller]
    pub fn quantile(&self, p: f64) -> Option<f64> {
        assert!(
            (0.0..=1.0).contains(&p),
            "a quantile needs p in [0, 1], got {p}"
        );
        // −ln(1 − p), accurate for small p.
        let exponential = -math::ln_1p(-p);
        Some(match self {
            Self::Constant { value } => *value,
            Self::Uniform { low, high } => low + (high - low) * p,
            Self::Exponential { mean } => mean * exponential,
            Self::Normal { mean, std_dev } => mean + deviation(*std_dev, p),
            Self::LogNormal { mu, sigma } => math::exp(mu + deviation(*sigma, p)),
            Self::Weibull { shape, scale } => scale * math::powf(exponential, 1.0 / shape),
            Self::Pareto { scale, shape } => scale * math::exp(exponential / shape),
            Self::Quantiles { points } => interpolate(points, p),
            Self::Clamped { inner, low, high } => inner.quantile(p)?.clamp(*low, *high),
            Self::Gamma { .. } | Self::HyperExponential { .. } | Self::Mixture { .. } => {
                return None;
            }
        })
    }

    /// The value that lies where `z` lies in the standard normal distribution, for draws that a Gaussian copula joins;
    /// `None` where [`Dist::quantile`] is.
    #[must_use]
    pub fn at_normal(&self, z: f64) -> Option<f64> {
        Some(match self {
            Self::Constant { value } => *value,
            Self::Normal { mean, std_dev } => mean + std_dev * z,
            Self::LogNormal { mu, sigma } => math::exp(mu + sigma * z),
            Self::Clamped { inner, low, high } => inner.at_normal(z)?.clamp(*low, *high),
            _ => return self.quantile(normal_cdf(z)),
        })
    }

    /// A draw from the stationary residual life: what remains of an interval of this distribution
    /// that is found under way at a time independent of it. Its mean is `E[X²] / (2·E[X])`.
    ///
    /// Exact in every case: a length-biased draw (density ∝ x·f(x)) times a uniform one, or
    /// rejection for a clamped distribution.
    ///
    /// `None` if a value can be negative, the mean is zero or infinite, or the distribution is a
    /// mixture of clamped ones or clamps one without a residual life.
    #[must_use]
    pub fn residual(&self, stream: &mut Stream) -> Option<f64> {
        if self.lowest() < 0.0 {
            return None;
        }
        if let Self::Clamped { inner, low, high } = self {
            return clamped_residual(inner, *low, *high, stream);
        }
        let mean = self.mean().filter(|mean| *mean > 0.0)?;
        if let Self::Mixture { parts } = self {
            // A part covers time in proportion to its weight times its mean.
            let covered = |(w, part): &(f64, Self)| w * part.mean().unwrap_or(0.0);
            return choose(parts, covered, mean, stream).1.residual(stream);
        }
        Some(self.length_biased(mean, stream) * stream.uniform())
    }

    /// A draw of density ∝ x·f(x), for distributions on `[0, ∞)` of positive `mean`.
    fn length_biased(&self, mean: f64, stream: &mut Stream) -> f64 {
        match self {
            Self::Constant { value } => *value,
            Self::Uniform { low, high } => length_biased_uniform(*low, *high, stream),
            Self::Exponential { mean } => gamma_draw(2.0, *mean, stream),
            Self::LogNormal { mu, sigma } => {
                math::exp(mu + sigma * sigma + sigma * stream.normal())
            }
            Self::Weibull { shape, scale } => {
                scale * root(gamma_draw(1.0 + 1.0 / shape, 1.0, stream), *shape)
            }
            Self::Gamma { shape, scale } => gamma_draw(shape + 1.0, *scale, stream),
            Self::Pareto { scale, shape } => pareto(*scale, shape - 1.0, stream),
            Self::HyperExponential { branches } => {
                let (_, rate) = choose(branches, |(p, rate)| p / rate, mean, stream);
                gamma_draw(2.0, 1.0 / rate, stream)
            }
            Self::Quantiles { points } => {
                let target = stream.uniform() * mean;
                let segment = segment_at(points, target);
                length_biased_uniform(segment.low, segment.high, stream)
            }
            Self::Normal { .. } | Self::Mixture { .. } | Self::Clamped { .. } => {
                unreachable!("handled by `residual`")
            }
        }
    }

    /// The infimum of the values.
    fn lowest(&self) -> f64 {
        match self {
            Self::Constant { value } => *value,
            Self::Uniform { low, .. } => *low,
            Self::Normal { .. } => f64::NEG_INFINITY,
            Self::Pareto { scale, .. } => *scale,
            Self::Quantiles { points } => points[0].1,
            Self::Mixture { parts } => parts
                .iter()
                .map(|(_, part)| part.lowest())
                .fold(f64::INFINITY, f64::min),
            Self::Clamped { inner, low, high } => inner.lowest().clamp(*low, *high),
            Self::Exponential { .. }
            | Self::LogNormal { .. }
            | Self::Weibull { .. }
            | Self::Gamma { .. }
            | Self::HyperExponential { .. } => 0.0,
        }
    }
}

/// The part of a piecewise-linear inverse CDF between two points: uniform with some probability.
#[derive(Clone, Copy)]
struct Segment {
    probability: f64,
    low: f64,
    high: f64,
}

impl Segment {
    /// Its share of the mean.
    fn mean_mass(self) -> f64 {
        self.probability * f64::midpoint(self.low, self.high)
    }
}

fn segments(points: &[(f64, f64)]) -> impl Iterator<Item = Segment> + '_ {
    points.windows(2).map(|pair| {
        let ((p0, low), (p1, high)) = (pair[0], pair[1]);
        Segment {
            probability: p1 - p0,
            low,
            high,
        }
    })
}

/// The segment in which the running sum of mean masses passes `target`.
fn segment_at(points: &[(f64, f64)], mut target: f64) -> Segment {
    let mut last = Segment {
        probability: 0.0,
        low: 0.0,
        high: 0.0,
    };
    for segment in segments(points) {
        last = segment;
        target -= segment.mean_mass();
        if target < 0.0 {
            break;
        }
    }
    last
}

/// The inverse CDF through `points` at `p`.
fn interpolate(points: &[(f64, f64)], p: f64) -> f64 {
    let above = points.partition_point(|(at, _)| *at <= p);
    let Some(&(p1, x1)) = points.get(above) else {
        return points[points.len() - 1].1;
    };
    let (p0, x0) = points[above - 1];
    x0 + (x1 - x0) * ((p - p0) / (p1 - p0))
}

/// Within-part variance plus between-part variance: nothing cancels.
fn total_variance(mean: f64, parts: impl Iterator<Item = (f64, f64, f64)>) -> f64 {
    parts
        .map(|(weight, m, variance)| weight * (variance + (m - mean) * (m - mean)))
        .sum()
}

/// An item, with probability `weight(item) / total`.
fn choose<'a, T>(
    items: &'a [T],
    weight: impl Fn(&T) -> f64,
    total: f64,
    stream: &mut Stream,
) -> &'a T {
    let mut target = stream.uniform() * total;
    for item in items {
        target -= weight(item);
        if target < 0.0 {
            return item;
        }
    }
    &items[items.len() - 1] // only by rounding
}

/// Density ∝ x on `[low, high)`: the square is uniform.
fn length_biased_uniform(low: f64, high: f64, stream: &mut Stream) -> f64 {
    (low * low + (high * high - low * low) * stream.uniform()).sqrt()
}

fn pareto(scale: f64, shape: f64, stream: &mut Stream) -> f64 {
    // The logarithm of a Pareto variable is exponential.
    scale * math::exp(stream.exponential() / shape)
}

/// A draw `x` to the power of 1/shape. Rounding costs |ln x / shape| times 1e-16, nothing beside a
/// draw's own spread.
fn root(x: f64, shape: f64) -> f64 {
    math::exp(math::ln(x) / shape)
}

/// Below a shape of 1 a draw of one more is scaled down by the root of a uniform one (G. Marsaglia,
/// W. W. Tsang, ACM TOMS 26(3), 2000, section 6). `rand_distr` does the same through `powf`, which
/// takes twice the time.
fn gamma_draw(shape: f64, scale: f64, stream: &mut Stream) -> f64 {
    if shape < 1.0 {
        let factor = root(stream.open_unit(), shape);
        return factor * gamma_draw(shape + 1.0, scale, stream);
    }
    // Two constants are derived per draw; that costs less than a branch on a cache.
    let law = Gamma::new(Portable(shape), Portable(scale)).expect("parameters were checked");
    law.sample(stream).0
}

/// The residual life of `inner` clamped to `[low, high]`, with `low >= 0`, by rejection.
///
/// Its density is proportional to P(X > x): 1 below `low`, that of `inner` up to `high`, then 0.
/// The proposal is uniform on `[0, low)` with mass `low`, or a residual of `inner` with mass `E[inner]`.
fn clamped_residual(inner: &Dist, low: f64, high: f64, stream: &mut Stream) -> Option<f64> {
    if high <= 0.0 {
        return None;
    }
    let mean = inner.mean()?;
    loop {
        if stream.uniform() * (low + mean) < low {
            return Some(low * stream.uniform());
        }
        let proposal = inner.residual(stream)?;
        if (low..high).contains(&proposal) {
            return Some(proposal);
        }
    }
}

/// `scale` standard deviations times the normal quantile; a scale of zero stays zero at p = 0, 1.
fn deviation(scale: f64, p: f64) -> f64 {
    if scale == 0.0 {
        0.0
    } else {
        scale * normal_quantile(p)
    }
}

const FINITE: &str = "a finite number";
const POSITIVE: &str = "a finite number above 0";
const NON_NEGATIVE: &str = "a finite number not below 0";

fn finite(value: f64) -> bool {
    value.is_finite()
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn non_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn check(
    distribution: &'static str,
    parameter: &str,
    value: f64,
    holds: bool,
    expected: &'static str,
) -> Result<(), DistError> {
    if holds {
        return Ok(());
    }
    Err(DistError {
        distribution,
        parameter: parameter.to_owned(),
        value,
        expected,
    })
}

/// As [`check`], for one element of a list; the index is only formatted on failure.
fn check_at(
    distribution: &'static str,
    parameter: impl Fn() -> String,
    value: f64,
    holds: bool,
    expected: &'static str,
) -> Result<(), DistError> {
    if holds {
        Ok(())
    } else {
        check(distribution, &parameter(), value, false, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    /// About 130 checks are made below, each rejecting a right answer for 1 of 100,000 seeds: all
    /// of them pass for 99.8 % of the seeds. The seed is fixed.
    const ALPHA: f64 = 1e-5;
    const SEED: u64 = 1;
    const N: usize = 100_000;

    fn stream(entity: u64) -> Stream {
        Streams::new(SEED, 0).open(Purpose::new("dist"), entity)
    }

    fn draws(dist: &Dist) -> Vec<f64> {
        let mut stream = stream(0);
        (0..N).map(|_| dist.sample(&mut stream)).collect()
    }

    fn mean_of(values: impl Iterator<Item = f64>) -> f64 {
        values.sum::<f64>() / N as f64
    }

    #[track_caller]
    fn check_z(z: f64, what: &str, dist: &Dist) {
        let limit = normal_quantile(1.0 - 0.5 * ALPHA);
        assert!(
            z.abs() < limit,
            "{what} of {dist:?}: z = {z}, n = {N}, seed = {SEED}"
        );
    }

    #[track_caller]
    fn close(got: Option<f64>, expect: f64, dist: &Dist) {
        let Some(got) = got else {
            panic!("{dist:?} has no value, expected {expect}")
        };
        assert!(
            (got - expect).abs() <= 1e-12 * expect.abs(),
            "{dist:?}: {got} != {expect}"
        );
    }

    /// Every kind, with its mean and variance worked out by hand from the textbook formulas.
    fn zoo() -> Result<Vec<(Dist, f64, f64)>, DistError> {
        let e = std::f64::consts::E;
        Ok(vec![
            (Dist::constant(3.0)?, 3.0, 0.0),
            (Dist::uniform(2.0, 6.0)?, 4.0, 4.0 / 3.0),
            (Dist::exponential(2.5)?, 2.5, 6.25),
            (Dist::normal(-1.0, 3.0)?, -1.0, 9.0),
            (Dist::lognormal(0.0, 1.0)?, e.sqrt(), (e - 1.0) * e),
            (Dist::weibull(0.5, 2.0)?, 4.0, 80.0), // Γ(3) = 2, Γ(5) = 24
            (Dist::weibull(1.0, 7.0)?, 7.0, 49.0),
            (Dist::gamma(0.5, 2.0)?, 1.0, 2.0),
            (Dist::gamma(3.0, 2.0)?, 6.0, 12.0),
            (Dist::pareto(1.0, 10.0)?, 10.0 / 9.0, 10.0 / 648.0),
            (
                Dist::hyperexponential(vec![(0.4, 1.0), (0.6, 0.2)])?,
                3.4,
                19.24,
            ),
            (
                Dist::quantiles(vec![(0.0, 0.0), (0.5, 1.0), (1.0, 5.0)])?,
                1.75,
                109.0 / 48.0,
            ),
            (
                Dist::mixture(vec![
                    (1.0, Dist::constant(2.0)?),
                    (3.0, Dist::exponential(4.0)?),
                ])?,
                3.5,
                12.75,
            ),
        ])
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn moments_are_those_of_the_textbook_and_of_the_sample() -> Result<(), DistError> {
        for (dist, mean, variance) in zoo()? {
            close(dist.mean(), mean, &dist);
            close(dist.variance(), variance, &dist);
            let sample = draws(&dist);
            if variance == 0.0 {
                assert!(sample.iter().all(|x| (x - mean).abs() < 1e-12));
                continue;
            }
            let n = N as f64;
            let error = mean_of(sample.iter().copied()) - mean;
            check_z(error / (variance / n).sqrt(), "mean", &dist);
            let squares = || sample.iter().map(|x| (x - mean) * (x - mean) - variance);
            let spread = mean_of(squares().map(|d| d * d));
            check_z(mean_of(squares()) / (spread / n).sqrt(), "variance", &dist);
        }
        Ok(())
    }

    #[test]
    fn a_value_at_a_normal_is_that_at_its_probability() -> Result<(), DistError> {
        for (dist, _, _) in zoo()? {
            for z in [-3.0, -0.7, 0.0, 1.3, 4.0] {
                let (direct, by_quantile) = (dist.at_normal(z), dist.quantile(normal_cdf(z)));
                assert_eq!(direct.is_some(), by_quantile.is_some(), "{dist:?}");
                if let (Some(direct), Some(by_quantile)) = (direct, by_quantile) {
                    let tolerance = 1e-9 * by_quantile.abs().max(1.0);
                    assert!((direct - by_quantile).abs() < tolerance, "{dist:?} at {z}");
                }
            }
        }
        Ok(())
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn samples_follow_the_quantile_function() -> Result<(), DistError> {
        const BINS: usize = 64;
        for (dist, _, variance) in zoo()? {
            let edges = (1..BINS).map(|k| dist.quantile(k as f64 / BINS as f64));
            let Some(edges) = edges.collect::<Option<Vec<f64>>>() else {
                continue;
            };
            if variance == 0.0 {
                continue;
            }
            let mut counts = [0u32; BINS];
            for x in draws(&dist) {
                counts[edges.partition_point(|edge| *edge <= x)] += 1;
            }
            let expected = N as f64 / BINS as f64;
            let chi_square: f64 = counts
                .iter()
                .map(|n| (f64::from(*n) - expected).powi(2) / expected)
                .sum();
            // The 10^-4 tail of χ² with 63 degrees of freedom starts at 113.5.
            assert!(
                chi_square < 113.5,
                "{dist:?}: χ² = {chi_square}, n = {N}, seed = {SEED}"
            );
        }
        Ok(())
    }

    /// The stationary residual R of X has `P(R <= x) = E[min(X, x)] / E[X]`. Compared here without
    /// any formula for X: the left side by `residual`, the right side by `sample`.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn residuals_have_the_equilibrium_distribution() -> Result<(), DistError> {
        let clamped = [
            Dist::uniform(0.0, 10.0)?.clamped(2.0, 6.0)?,
            Dist::weibull(0.5, 2.0)?.clamped(0.5, 20.0)?,
            Dist::lognormal(0.0, 1.0)?.clamped(-1.0, f64::INFINITY)?,
        ];
        let zoo = zoo()?.into_iter().map(|(dist, ..)| dist).chain(clamped);
        for dist in zoo.filter(|dist| dist.lowest() >= 0.0) {
            let sample = draws(&dist);
            let mut other = stream(1);
            let residuals: Option<Vec<f64>> = (0..N).map(|_| dist.residual(&mut other)).collect();
            let Some(residuals) = residuals else {
                panic!("{dist:?} has no residual")
            };
            let mean = mean_of(sample.iter().copied());
            for x in [0.25, 0.5, 1.0, 1.5, 3.0].map(|times| times * mean) {
                let expect = mean_of(sample.iter().map(|y| y.min(x))) / mean;
                let got = residuals.iter().filter(|r| **r <= x).count() as f64 / N as f64;
                // The delta method for the ratio, and a binomial.
                let ratio = mean_of(sample.iter().map(|y| (y.min(x) - expect * y).powi(2)));
                let variance = ratio / (mean * mean) + expect * (1.0 - expect);
                if variance > 1e-12 {
                    let z = (got - expect) / (variance / N as f64).sqrt();
                    check_z(z, &format!("P(residual <= {x})"), &dist);
                } else {
                    assert!((got - expect).abs() < 1e-9, "{dist:?}: {got} != {expect}");
                }
            }
        }
        Ok(())
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn the_mean_residual_is_half_the_second_moment_over_the_mean() -> Result<(), DistError> {
        for (dist, mean, variance) in zoo()?.into_iter().filter(|(dist, ..)| dist.lowest() >= 0.0) {
            let mut stream = stream(2);
            let residuals: Vec<f64> = (0..N).filter_map(|_| dist.residual(&mut stream)).collect();
            assert_eq!(residuals.len(), N);
            let expect = (variance + mean * mean) / (2.0 * mean);
            let got = mean_of(residuals.iter().copied());
            let spread = mean_of(residuals.iter().map(|r| (r - got) * (r - got)));
            check_z(
                (got - expect) / (spread / N as f64).sqrt(),
                "mean residual",
                &dist,
            );
        }
        Ok(())
    }

    #[test]
    fn what_has_no_value_says_so() -> Result<(), DistError> {
        let mut stream = stream(3);
        let infinite_mean = Dist::pareto(1.0, 1.0)?;
        assert_eq!(infinite_mean.mean(), None);
        assert_eq!(infinite_mean.residual(&mut stream), None);
        assert_eq!(Dist::pareto(1.0, 2.0)?.variance(), None);
        assert_eq!(Dist::normal(9.0, 1.0)?.residual(&mut stream), None);
        assert_eq!(Dist::uniform(-1.0, 1.0)?.residual(&mut stream), None);
        assert_eq!(Dist::constant(0.0)?.residual(&mut stream), None);
        assert_eq!(Dist::gamma(2.0, 1.0)?.quantile(0.5), None);
        assert_eq!(Dist::exponential(1.0)?.clamped(0.0, 1.0)?.mean(), None);
        Ok(())
    }

    #[test]
    fn quantiles_at_the_ends() -> Result<(), DistError> {
        let ends = |dist: &Dist| [0.0, 1.0].map(|p| dist.quantile(p));
        assert_eq!(
            ends(&Dist::exponential(2.0)?),
            [Some(0.0), Some(f64::INFINITY)]
        );
        assert_eq!(
            ends(&Dist::pareto(2.0, 3.0)?),
            [Some(2.0), Some(f64::INFINITY)]
        );
        assert_eq!(
            ends(&Dist::lognormal(5.0, 1.0)?),
            [Some(0.0), Some(f64::INFINITY)]
        );
        assert_eq!(ends(&Dist::normal(5.0, 0.0)?), [Some(5.0), Some(5.0)]);
        assert_eq!(
            ends(&Dist::weibull(0.5, 1.0)?.clamped(1.0, 9.0)?),
            [Some(1.0), Some(9.0)]
        );
        let measured = Dist::quantiles(vec![(0.0, 1.0), (0.5, 2.0), (0.9, 2.0), (1.0, 4.0)])?;
        assert_eq!(ends(&measured), [Some(1.0), Some(4.0)]);
        assert_eq!(measured.quantile(0.25), Some(1.5));
        assert_eq!(measured.quantile(0.7), Some(2.0));
        Ok(())
    }

    #[test]
    fn probabilities_are_scaled_to_sum_to_one() -> Result<(), DistError> {
        let rounded = Dist::hyperexponential(vec![(0.3334, 1.0), (0.6667, 0.5), (0.0, 9.0)])?;
        let Dist::HyperExponential { branches } = rounded else {
            unreachable!()
        };
        assert_eq!(branches.len(), 2);
        assert!((branches[0].0 + branches[1].0 - 1.0).abs() < 1e-15);
        Ok(())
    }

    #[track_caller]
    fn refuses(dist: Result<Dist, DistError>, expect: &str) {
        assert_eq!(
            dist.map_err(|error| error.to_string()),
            Err(expect.to_owned())
        );
    }

    #[test]
    fn bad_parameters_are_named() {
        let nan = f64::NAN;
        refuses(
            Dist::constant(nan),
            "constant: value is NaN, expected a finite number",
        );
        refuses(
            Dist::uniform(2.0, 1.0),
            "uniform: high is 1, expected a number not below low",
        );
        refuses(
            Dist::exponential(0.0),
            "exponential: mean is 0, expected a finite number above 0",
        );
        refuses(
            Dist::normal(0.0, -1.0),
            "normal: std_dev is -1, expected a finite number not below 0",
        );
        refuses(
            Dist::lognormal(0.0, f64::INFINITY),
            "lognormal: sigma is inf, expected a finite number not below 0",
        );
        refuses(
            Dist::weibull(-1.0, 1.0),
            "weibull: shape is -1, expected a finite number above 0",
        );
        refuses(
            Dist::gamma(1.0, nan),
            "gamma: scale is NaN, expected a finite number above 0",
        );
        refuses(
            Dist::pareto(1.0, 0.0),
            "pareto: shape is 0, expected a finite number above 0",
        );
        refuses(
            Dist::hyperexponential(vec![(0.5, 1.0), (0.5, 0.0)]),
            "hyperexponential: branches[1].rate is 0, expected a finite number above 0",
        );
        refuses(
            Dist::hyperexponential(vec![(0.5, 1.0)]),
            "hyperexponential: the sum of probabilities is 0.5, expected 1",
        );
        refuses(
            Dist::quantiles(vec![(0.0, 1.0)]),
            "quantiles: the number of points is 1, expected at least 2",
        );
        refuses(
            Dist::quantiles(vec![(0.1, 1.0), (1.0, 2.0)]),
            "quantiles: points[0].p is 0.1, expected 0",
        );
        refuses(
            Dist::quantiles(vec![(0.0, 1.0), (0.9, 2.0)]),
            "quantiles: points[1].p is 0.9, expected 1",
        );
        refuses(
            Dist::quantiles(vec![(0.0, 1.0), (0.5, 0.5), (1.0, 2.0)]),
            "quantiles: points[1].x is 0.5, expected a number not below the one before",
        );
        refuses(
            Dist::quantiles(vec![(0.0, 1.0), (nan, 1.5), (1.0, 2.0)]),
            "quantiles: points[1].p is NaN, expected a number above the one before",
        );
        refuses(
            Dist::mixture(vec![]),
            "mixture: the sum of weights is 0, expected a finite number above 0",
        );
        refuses(
            Dist::constant(1.0).and_then(|dist| dist.clamped(0.0, nan)),
            "clamped: high is NaN, expected a number not below low",
        );
    }
}

//! Exponential and normal draws by the ziggurat method, the same bits on every machine.
//!
//! A falling density is covered by 256 layers of equal area, the lowest of which has the tail beside
//! it. Eight bits of a word choose a layer and 52 others a point of it: 99 % of the draws end there,
//! after one multiplication and one comparison. The density itself decides the rest, so that the
//! method is exact.
//!
//! G. Marsaglia, W. W. Tsang, "The ziggurat method for generating random variables", Journal of
//! Statistical Software 5(8), 2000, doi 10.18637/jss.v005.i08, as arranged by J. A. Doornik, "An
//! improved ziggurat method to generate normal random samples", 2005. `rand_distr` draws the same
//! numbers but for their last bits, which come from the platform's `exp` and `ln`; here the tables
//! are computed by the compiler and the rest by [`crate::math`].

use rand::Rng;

use crate::math;
use crate::rng::{open_unit, uniform};

/// The layers under a density that falls from 1 at zero.
struct Ziggurat {
    /// Right edges from the lowest layer to the highest, then zero. That of the lowest is its area
    /// over its height, as if the tail lay inside.
    edges: [f64; 257],
    /// The density at each edge; that of the first is never asked for.
    heights: [f64; 257],
}

/// Where the tails begin, the density there, and the area of a layer: the roots of the condition that
/// the topmost layer ends at a height of 1, solved with 40 digits.
const EXPONENTIAL_TAIL: f64 = 7.697_117_470_131_05;
const EXPONENTIAL_AREA: f64 = 0.003_949_659_822_581_557;
const NORMAL_TAIL: f64 = 3.654_152_885_361_009;
const NORMAL_AREA: f64 = 0.004_928_673_233_974_655;

static EXPONENTIAL: Ziggurat = {
    // Tail and rectangle make up the area: e^(−t) + t·e^(−t).
    let height = EXPONENTIAL_AREA / (EXPONENTIAL_TAIL + 1.0);
    let mut layers = lowest(EXPONENTIAL_TAIL, height, EXPONENTIAL_AREA);
    let mut i = 1;
    while i < 255 {
        layers.heights[i + 1] = layers.heights[i] + EXPONENTIAL_AREA / layers.edges[i];
        layers.edges[i + 1] = -ln(layers.heights[i + 1]);
        i += 1;
    }
    layers
};

static NORMAL: Ziggurat = {
    const HEIGHT: f64 = 0.001_260_285_930_498_597_5; // e^(−t²/2)
    let mut layers = lowest(NORMAL_TAIL, HEIGHT, NORMAL_AREA);
    let mut i = 1;
    while i < 255 {
        layers.heights[i + 1] = layers.heights[i] + NORMAL_AREA / layers.edges[i];
        layers.edges[i + 1] = sqrt(-2.0 * ln(layers.heights[i + 1]));
        i += 1;
    }
    layers
};

const fn lowest(tail: f64, height: f64, area: f64) -> Ziggurat {
    let (mut edges, mut heights) = ([0.0; 257], [1.0; 257]);
    edges[0] = area / height;
    edges[1] = tail;
    heights[1] = height;
    Ziggurat { edges, heights }
}

/// An exponential draw of mean 1.
#[inline]
pub(crate) fn exponential<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    loop {
        let word = rng.next_u64();
        let layer = (word & 255) as usize;
        // An odd multiple of 2^-53 from (0, 1).
        let unit = f64::from_bits(1023 << 52 | word >> 12) - (1.0 - 0.5 * f64::EPSILON);
        let x = unit * EXPONENTIAL.edges[layer];
        if x < EXPONENTIAL.edges[layer + 1] {
            return x;
        }
        if let Some(x) = exponential_edge(layer, x, rng) {
            return x;
        }
    }
}

#[cold]
fn exponential_edge<R: Rng + ?Sized>(layer: usize, x: f64, rng: &mut R) -> Option<f64> {
    if layer == 0 {
        return Some(EXPONENTIAL_TAIL - math::ln(open_unit(rng))); // it has no memory
    }
    (EXPONENTIAL.height_between(layer, rng) < math::exp(-x)).then_some(x)
}

/// A normal draw of mean 0 and variance 1.
#[inline]
pub(crate) fn normal<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    loop {
        let word = rng.next_u64();
        let layer = (word & 255) as usize;
        // A multiple of 2^-51 from [−1, 1).
        let unit = f64::from_bits(1024 << 52 | word >> 12) - 3.0;
        let x = unit * NORMAL.edges[layer];
        if x.abs() < NORMAL.edges[layer + 1] {
            return x;
        }
        if let Some(x) = normal_edge(layer, x, rng) {
            return x;
        }
    }
}

#[cold]
fn normal_edge<R: Rng + ?Sized>(layer: usize, x: f64, rng: &mut R) -> Option<f64> {
    if layer == 0 {
        return Some(normal_tail(rng).copysign(x));
    }
    (NORMAL.height_between(layer, rng) < math::exp(-0.5 * x * x)).then_some(x)
}

/// A draw above [`NORMAL_TAIL`]: G. Marsaglia, "Generating a variable from the tail of the normal
/// distribution", Technometrics 6(1), 1964.
fn normal_tail<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    loop {
        let beyond = -math::ln(open_unit(rng)) / NORMAL_TAIL;
        if -2.0 * math::ln(open_unit(rng)) >= beyond * beyond {
            return NORMAL_TAIL + beyond;
        }
    }
}

impl Ziggurat {
    /// A uniform draw from between the bottom and the top of `layer`.
    fn height_between<R: Rng + ?Sized>(&self, layer: usize, rng: &mut R) -> f64 {
        let (bottom, top) = (self.heights[layer], self.heights[layer + 1]);
        top + (bottom - top) * uniform(rng)
    }
}

/// The logarithm of a positive normal number, for the compiler: 2^k·m with m near 1, and
/// ln m = 2·artanh((m−1)/(m+1)) by its series.
const fn ln(x: f64) -> f64 {
    let mut k = (x.to_bits() >> 52) as i32 - 1023;
    let mut m = f64::from_bits(x.to_bits() & (u64::MAX >> 12) | 1023 << 52);
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        k += 1;
    }
    let ratio = (m - 1.0) / (m + 1.0);
    let (mut sum, mut n) = (0.0, 25);
    while n > 0 {
        sum = sum * ratio * ratio + 1.0 / n as f64;
        n -= 2;
    }
    k as f64 * std::f64::consts::LN_2 + 2.0 * ratio * sum
}

/// The square root, for the compiler: Newton's iteration from above, until it no longer falls.
const fn sqrt(x: f64) -> f64 {
    let mut root = if x > 1.0 { x } else { 1.0 };
    loop {
        let next = 0.5 * (root + x / root);
        if next >= root {
            return root;
        }
        root = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special::normal_cdf;
    use crate::{Purpose, Stream, Streams};
    use rand_distr::{Distribution, Exp1, StandardNormal};

    /// Each test of a sample rejects a right answer for one seed in 10,000; seeds are fixed.
    const N: usize = 1_000_000;

    fn stream(entity: u64) -> Stream {
        Streams::new(1, 0).open(Purpose::new("ziggurat"), entity)
    }

    #[track_caller]
    fn close(got: f64, expect: f64, relative: f64) {
        assert!(
            (got - expect).abs() <= relative * expect.abs(),
            "{got} != {expect}"
        );
    }

    /// The greatest distance of the empirical distribution function from `cdf`, scaled by √n, stays
    /// below the 1 − 10^-4 quantile of Kolmogorov's distribution: 2·exp(−2·2.225²) = 10^-4.
    #[track_caller]
    fn check_distribution(mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) {
        draws.sort_by(f64::total_cmp);
        let n = draws.len() as f64;
        let distance = draws.iter().enumerate().map(|(i, x)| {
            let p = cdf(*x);
            (p - i as f64 / n).max((i + 1) as f64 / n - p)
        });
        let scaled = distance.fold(0.0, f64::max) * n.sqrt();
        assert!(scaled < 2.225, "√n·D = {scaled}, n = {n}");
    }

    #[test]
    fn layers_have_one_area_and_end_at_the_top() {
        for (layers, area) in [(&EXPONENTIAL, EXPONENTIAL_AREA), (&NORMAL, NORMAL_AREA)] {
            for i in 0..256 {
                let bottom = if i == 0 { 0.0 } else { layers.heights[i] };
                close(
                    layers.edges[i] * (layers.heights[i + 1] - bottom),
                    area,
                    1e-12,
                );
                assert!(layers.edges[i] > layers.edges[i + 1]);
            }
            assert_eq!((layers.edges[256], layers.heights[256]), (0.0, 1.0));
        }
        for i in 1..256 {
            let (x, y) = (EXPONENTIAL.edges[i], NORMAL.edges[i]);
            close(EXPONENTIAL.heights[i], math::exp(-x), 1e-14);
            close(NORMAL.heights[i], math::exp(-0.5 * y * y), 1e-14);
        }
    }

    /// The lowest layer is a rectangle and the tail beside it.
    #[test]
    fn areas_count_the_tail() {
        let t = NORMAL_TAIL;
        let beyond = math::exp(-EXPONENTIAL_TAIL);
        close(EXPONENTIAL_AREA, EXPONENTIAL_TAIL * beyond + beyond, 1e-14);
        let beyond = std::f64::consts::TAU.sqrt() * normal_cdf(-t);
        close(NORMAL_AREA, t * math::exp(-0.5 * t * t) + beyond, 1e-13);
    }

    #[test]
    fn functions_for_the_compiler_are_accurate() {
        for i in 1..1_000 {
            let x = f64::from(i) / 37.0;
            let error = (ln(x) - math::ln(x)).abs();
            assert!(
                error <= 1e-15 * math::ln(x).abs().max(1.0),
                "ln({x}) errs by {error}"
            );
            close(sqrt(x), x.sqrt(), 3e-16);
        }
    }

    /// Another implementation, with tables of its own, on the same words: each draw is the same to
    /// 9 digits and takes as many words.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn draws_are_those_of_rand_distr() {
        let (mut ours, mut theirs) = (stream(0), stream(0));
        for _ in 0..N {
            close(exponential(&mut ours), Exp1.sample(&mut theirs), 1e-9);
            close(normal(&mut ours), StandardNormal.sample(&mut theirs), 1e-9);
        }
        assert_eq!(ours, theirs);
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn draws_follow_their_distribution() {
        let mut stream = stream(1);
        let draws = (0..N).map(|_| exponential(&mut stream)).collect();
        check_distribution(draws, |x| -math::exp_m1(-x));
        let draws = (0..N).map(|_| normal(&mut stream)).collect();
        check_distribution(draws, normal_cdf);
    }

    /// One draw of 2,200 (exponential) or 3,900 (normal) comes from the tail: too few to show above.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn tails_follow_their_distribution() {
        let mut stream = stream(2);
        let draws = (0..N / 10).filter_map(|_| exponential_edge(0, 0.0, &mut stream));
        check_distribution(draws.collect(), |x| -math::exp_m1(EXPONENTIAL_TAIL - x));
        let draws = (0..N / 10).map(|_| normal_tail(&mut stream)).collect();
        let beyond = normal_cdf(-NORMAL_TAIL);
        check_distribution(draws, |x| 1.0 - normal_cdf(-x) / beyond);
    }

    /// n = 10^6: 455 and 129 draws on each side are expected beyond the tails' beginnings.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn tails_are_entered_as_often_as_they_should_be() {
        let mut stream = stream(3);
        let (mut far, mut left, mut right) = (0, 0, 0);
        for _ in 0..N {
            far += i32::from(exponential(&mut stream) > EXPONENTIAL_TAIL);
            let x = normal(&mut stream);
            left += i32::from(x < -NORMAL_TAIL);
            right += i32::from(x > NORMAL_TAIL);
        }
        let n = N as f64;
        for (count, p) in [
            (far, math::exp(-EXPONENTIAL_TAIL)),
            (left, normal_cdf(-NORMAL_TAIL)),
            (right, normal_cdf(-NORMAL_TAIL)),
        ] {
            let z = (f64::from(count) - n * p) / (n * p).sqrt();
            assert!(z.abs() < 3.9, "{count} of {n} at p = {p}: z = {z}");
        }
    }
}

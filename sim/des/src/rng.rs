//! Random streams that depend on what they are for, never on the order of the calls.
//!
//! [`Streams::open`] seeds one xoshiro256++ generator per (seed, replication, purpose, entity).
//! Two policies compared under the same seed thus see the same arrivals, sizes and failures
//! (common random numbers), and a new consumer of randomness shifts no other.
//!
//! What is promised: the words of a stream are those of xoshiro256++ (period 2^256 − 1) from a state
//! of four words, two of which are hashed from each of two 64-bit lanes, so n streams hold a pair of
//! equal ones with probability n²/2^129, and the state is never all zero. Opening a stream costs
//! 24 multiplications and keeps nothing. The draws use integer operations, IEEE 754 arithmetic and
//! [`crate::math`] alone: they are the same bits on every machine, and they never change without an
//! entry under *results changed*. Not for cryptography.
//!
//! Generator: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators",
//! ACM TOMS 47(4), 2021, doi 10.1145/3460772. Seeding: the finalizer of `SplitMix64`, G. Steele,
//! D. Lea, C. Flood, OOPSLA 2014, doi 10.1145/2660193.2660195.

use rand::rand_core::Infallible;
use rand::{Rng, SeedableRng, TryRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::ziggurat;

/// What a stream is used for, for example `Purpose::new("arrivals")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(u64);

impl Purpose {
    /// The purpose called `name`: its 64-bit FNV-1a hash, so it can be a constant.
    #[must_use]
    pub const fn new(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        Self(hash)
    }
}

/// The source of all randomness of one replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    lanes: [u64; 2],
}

impl Streams {
    /// The streams of replication `replication` under `seed`.
    #[must_use]
    pub fn new(seed: u64, replication: u64) -> Self {
        // Two lanes of 64 bits: among n streams two coincide with probability n^2 / 2^129.
        let lanes = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344]; // digits of pi
        Self {
            lanes: lanes.map(|lane| absorb(absorb(lane, seed), replication)),
        }
    }

    /// The stream of `entity` for `purpose`: the same at every call.
    #[must_use]
    pub fn open(&self, purpose: Purpose, entity: u64) -> Stream {
        let [a, b] = self
            .lanes
            .map(|lane| absorb(absorb(lane, purpose.0), entity));
        Stream::from_state([
            finalize(a),
            finalize(a.wrapping_add(GOLDEN)),
            finalize(b),
            finalize(b.wrapping_add(GOLDEN)),
        ])
    }
}

/// An independent sequence of random numbers: xoshiro256++ with the draws a simulation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// A uniform draw from [0, 1), a multiple of 2^-53.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        uniform(self)
    }

    /// A uniform draw from (0, 1), safe to take the logarithm of: an odd multiple of 2^-53.
    #[inline]
    pub fn open_unit(&mut self) -> f64 {
        open_unit(self)
    }

    /// A uniform draw from 0, 1, …, n−1, without bias.
    ///
    /// D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29(1), 2019,
    /// doi 10.1145/3230636: one multiplication, and a division with probability below n / 2^64.
    ///
    /// # Panics
    /// If `n` is zero.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "no number lies below zero");
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// An exponential draw of mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        ziggurat::exponential(self)
    }

    /// A normal draw of mean 0 and variance 1.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        ziggurat::normal(self)
    }

    /// True with probability `p`; never for `p <= 0`, always for `p >= 1`.
    #[inline]
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    fn from_state(words: [u64; 4]) -> Self {
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(Xoshiro256PlusPlus::from_seed(seed))
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    #[inline]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

/// See [`Stream::uniform`].
#[inline]
pub(crate) fn uniform<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// See [`Stream::open_unit`].
#[inline]
pub(crate) fn open_unit<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    ((rng.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes `word` into `state`: a bijection of either for a fixed other.
const fn absorb(state: u64, word: u64) -> u64 {
    finalize((state ^ finalize(word.wrapping_add(GOLDEN))).wrapping_add(GOLDEN))
}

/// The finalizer of `SplitMix64` (D. Stafford's variant 13): every input bit flips half the output.
const fn finalize(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::normal_quantile;

    /// Each statistical test below rejects with probability 10^-4 for a fresh seed; seeds are fixed.
    const ALPHA: f64 = 1e-4;

    /// Rejects counts that are too uneven or too even, each at half of [`ALPHA`].
    #[track_caller]
    fn check_uniform(counts: &[u64]) {
        let total: u64 = counts.iter().sum();
        let expected = total as f64 / counts.len() as f64;
        let distance = |n: &u64| (*n as f64 - expected) * (*n as f64 - expected) / expected;
        let statistic: f64 = counts.iter().map(distance).sum();
        let [low, high] = [0.5 * ALPHA, 1.0 - 0.5 * ALPHA].map(|p| chi_square(counts.len() - 1, p));
        assert!(
            (low..high).contains(&statistic),
            "{statistic} is not in {low}..{high}"
        );
    }

    /// The quantile after Wilson and Hilferty, 1931; good to three digits for 15 degrees and more.
    fn chi_square(degrees: usize, p: f64) -> f64 {
        let spread = 2.0 / (9.0 * degrees as f64);
        degrees as f64 * (1.0 - spread + normal_quantile(p) * spread.sqrt()).powi(3)
    }

    #[track_caller]
    fn check_z(z: f64) {
        let limit = normal_quantile(1.0 - 0.5 * ALPHA);
        assert!(z.abs() < limit, "z = {z}");
    }

    const TEST: Purpose = Purpose::new("test");

    /// The first outputs of the authors' C program `xoshiro256plusplus.c` for the state 1, 2, 3, 4.
    #[test]
    fn the_generator_is_xoshiro256_plus_plus() {
        let mut stream = Stream::from_state([1, 2, 3, 4]);
        let expect = [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
            14_011_001_112_246_962_877,
            12_406_186_145_184_390_807,
            15_849_039_046_786_891_736,
            10_450_023_813_501_588_000,
        ];
        assert_eq!(expect.map(|_| stream.next_u64()), expect);
    }

    /// The first outputs of `splitmix64.c` for the seed 1234567 (also on Rosetta Code).
    #[test]
    fn the_finalizer_is_that_of_splitmix64() {
        let step = |i: u64| finalize(1_234_567_u64.wrapping_add(GOLDEN.wrapping_mul(i)));
        let expect = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([1, 2, 3, 4, 5].map(step), expect);
    }

    /// Test vectors of the FNV authors (draft-eastlake-fnv, appendix C).
    #[test]
    fn purposes_are_hashed_by_fnv_1a() {
        assert_eq!(Purpose::new("").0, 0xcbf2_9ce4_8422_2325);
        assert_eq!(Purpose::new("a").0, 0xaf63_dc4c_8601_ec8c);
        assert_eq!(Purpose::new("foobar").0, 0x8594_4171_f739_67e8);
    }

    /// These words are the randomness of every result; if they change, all results do. Computed by
    /// an independent program from the definitions of the three algorithms.
    #[test]
    fn streams_never_change() {
        let mut stream = Streams::new(42, 7).open(Purpose::new("arrivals"), 3);
        let expect = [
            0x654a_6c9e_12c8_1de7,
            0xb8d9_dbe0_4fab_8db7,
            0xa1df_4f1e_146d_7aa5,
        ];
        assert_eq!(expect.map(|_| stream.next_u64()), expect);
    }

    #[test]
    fn a_stream_depends_on_each_of_its_four_names_and_on_nothing_else() {
        let first = |seed, replication, purpose, entity| {
            Streams::new(seed, replication)
                .open(Purpose::new(purpose), entity)
                .next_u64()
        };
        let base = first(1, 2, "a", 3);
        assert_eq!(first(1, 2, "a", 3), base);
        // Exchanging two of the numbers gives another stream, too.
        for other in [
            first(2, 1, "a", 3),
            first(1, 3, "a", 2),
            first(3, 2, "a", 1),
            first(1, 2, "b", 3),
            first(1, 2, "a", 4),
            first(0, 2, "a", 3),
        ] {
            assert_ne!(other, base);
        }
    }

    /// Streams that differ in one name by the number `i`: entity, replication, purpose, seed, or the
    /// upper half of the entity.
    const NEIGHBOURS: [fn(u64) -> Stream; 5] = [
        |i| Streams::new(1, 0).open(TEST, i),
        |i| Streams::new(1, i).open(TEST, 0),
        |i| Streams::new(1, 0).open(Purpose(TEST.0.wrapping_add(i)), 0),
        |i| Streams::new(i, 0).open(TEST, 0),
        |i| Streams::new(1, 0).open(TEST, i << 48),
    ];

    /// Seed 1, n = 10^6 streams each. Kolmogorov and Smirnov's distance, scaled by √n, is above 2.225
    /// with probability 2·exp(−2·2.225²) = 10^-4; two equal words are found with probability 3·10^-8.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn first_words_of_a_million_neighbours_are_uniform_and_all_different() {
        for open in &NEIGHBOURS[..4] {
            let mut words: Vec<u64> = (0..1_000_000).map(|i| open(i).next_u64()).collect();
            words.sort_unstable();
            assert!(
                words.windows(2).all(|pair| pair[0] < pair[1]),
                "two words are equal"
            );
            let n = words.len() as f64;
            let distance = words.iter().enumerate().map(|(i, word)| {
                let p = *word as f64 / 2f64.powi(64);
                (p - i as f64 / n).abs().max(((i + 1) as f64 / n - p).abs())
            });
            let scaled = distance.fold(0.0, f64::max) * n.sqrt();
            assert!(scaled < 2.225, "√n·D = {scaled}");
        }
    }

    /// Seed 1, n = 131,072 streams of four words each: many short streams one after the other are as
    /// good as a long one. Three successive words fill 16 × 16 × 16 cells evenly, also across the
    /// seams, and neighbours differ in half of the bits of each of their words.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn short_streams_in_a_row_are_a_long_one() {
        for open in NEIGHBOURS {
            let mut cells = vec![0; 4_096];
            let (mut recent, mut flips) = (0, 0);
            let mut before = [0; 4];
            for i in 0..131_072 {
                let mut stream = open(i);
                let words = [0; 4].map(|_: u64| stream.next_u64());
                for (place, word) in words.iter().enumerate() {
                    recent = (recent << 4 | word >> 60) & 0xfff;
                    // Cells that share no word are independent.
                    if (4 * i + place as u64) % 3 == 2 {
                        cells[recent as usize] += 1;
                    }
                    flips += u64::from((word ^ before[place]).count_ones());
                }
                before = words;
            }
            check_uniform(&cells);
            let n = 256.0 * 131_072.0;
            check_z((flips as f64 - 0.5 * n) / (0.25 * n).sqrt());
        }
    }

    /// Seed 1, n = 65,536 streams each: the first draws of neighbours fill 256 bins evenly.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn first_draws_are_uniform_across_neighbours() {
        for open in NEIGHBOURS {
            for bits in [0, 28, 56] {
                let mut counts = [0; 256];
                for i in 0..65_536 {
                    counts[(open(i).next_u64() >> bits) as usize & 255] += 1;
                }
                check_uniform(&counts);
            }
        }
    }

    /// Seed 2, n = 65,536: pairs of draws from neighbouring entities, and successive draws of one
    /// entity, fill 16 × 16 cells evenly.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn pairs_across_neighbours_are_independent() {
        let streams = Streams::new(2, 0);
        let top = |stream: &mut Stream| (stream.next_u64() >> 60) as usize;
        let (mut across, mut along) = ([0; 256], [0; 256]);
        for entity in 0..65_536 {
            let mut mine = streams.open(TEST, 2 * entity);
            let mut other = streams.open(TEST, 2 * entity + 1);
            let first = top(&mut mine);
            across[16 * first + top(&mut other)] += 1;
            along[16 * first + top(&mut mine)] += 1;
        }
        check_uniform(&across);
        check_uniform(&along);
    }

    /// Seed 3, n = 10,000 draws: neighbouring streams are uncorrelated at lags 0 to 3.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn neighbouring_streams_are_uncorrelated() {
        let draws = |entity| {
            let mut stream = Streams::new(3, 0).open(TEST, entity);
            (0..10_003)
                .map(|_| stream.uniform() - 0.5)
                .collect::<Vec<f64>>()
        };
        for entity in 0..8 {
            let (a, b) = (draws(entity), draws(entity + 1));
            for lag in 0..4 {
                // A product of two centred uniforms has variance 1/144.
                let sum: f64 = a[..10_000].iter().zip(&b[lag..]).map(|(x, y)| x * y).sum();
                check_z(sum * 12.0 / 10_000f64.sqrt());
            }
        }
    }

    /// Seed 4, n = 64 flips × 512 words: one flipped bit of the entity flips half the output.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn one_bit_of_the_entity_changes_half_of_the_first_word() {
        let streams = Streams::new(4, 0);
        let first = |entity| streams.open(TEST, entity).next_u64();
        for bit in 0..64 {
            let flips = |i: u64| (first(i) ^ first(i ^ (1 << bit))).count_ones();
            let total: u32 = (0..512).map(flips).sum();
            let n = 512.0 * 64.0;
            check_z((f64::from(total) - 0.5 * n) / (0.25 * n).sqrt());
        }
    }

    /// Seed 5, n = 70,000. For n = 3·2^62 the remainder of a random word would favour the first
    /// third two to one.
    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn below_is_unbiased() {
        let mut stream = Streams::new(5, 0).open(TEST, 0);
        let mut counts = [0; 70];
        (0..70_000).for_each(|_| counts[stream.below(70) as usize] += 1);
        check_uniform(&counts);
        let mut counts = [0; 24];
        (0..70_000).for_each(|_| counts[(stream.below(3 << 62) >> 59) as usize] += 1);
        check_uniform(&counts);
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    #[should_panic(expected = "no number lies below zero")]
    fn below_zero_panics() {
        Streams::new(5, 0).open(TEST, 0).below(0);
    }

    #[test]
    fn unit_draws_keep_to_their_intervals() {
        // The extreme words, through a state whose first output is known: 0 and 2^64 − 1.
        let zeros = || Stream::from_state([0, 1, 0, 0]);
        assert_eq!(zeros().next_u64(), 0);
        assert_eq!(zeros().uniform(), 0.0);
        assert!(zeros().open_unit() > 0.0);
        // rotl(s0 + s3, 23) + s0 with s0 = 0 and s3 = all ones.
        let ones = || Stream::from_state([0, 0, 0, u64::MAX]);
        assert_eq!(ones().next_u64(), u64::MAX);
        assert!(ones().uniform() < 1.0);
        assert!(ones().open_unit() < 1.0);
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of draws")]
    fn bernoulli_is_certain_at_the_ends() {
        let mut stream = Streams::new(6, 0).open(TEST, 0);
        assert!((0..1_000).all(|_| stream.bernoulli(1.0) && !stream.bernoulli(0.0)));
        let hits = (0..100_000).filter(|_| stream.bernoulli(0.3)).count();
        check_z((hits as f64 - 30_000.0) / (100_000.0f64 * 0.3 * 0.7).sqrt());
    }
}

//! What this machine can do at best: arithmetic, reading, and copying, beyond what any kernel reaches.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

/// Accumulators of the loop: enough to hide the latency of a multiply-add (4 cycles) with two of them started per cycle.
const ACCUMULATORS: usize = 12;

/// Multiply-adds on registers alone, in the widest vectors that the processor has.
struct MultiplyAdd {
    rounds: u64,
}

impl WithSimd for MultiplyAdd {
    /// Floating-point operations done, and a sum that depends on all of them.
    type Output = (f64, f32);

    #[allow(clippy::inline_always)] // the vector type is only known inside
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let (factor, term) = (
            simd.splat_f32s(black_box(0.999)),
            simd.splat_f32s(black_box(0.001)),
        );
        let mut sums = [simd.splat_f32s(black_box(1.0)); ACCUMULATORS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        let total = sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum();
        (
            2.0 * (lanes * ACCUMULATORS) as f64 * self.rounds as f64,
            total,
        )
    }
}

/// Rate of a loop of `f32` multiply-adds on one thread [FLOP/s], over some 5 ms.
#[must_use]
pub fn flops() -> f64 {
    let start = Instant::now();
    let (operations, sum) = Arch::new().dispatch(MultiplyAdd { rounds: 1_000_000 });
    let seconds = start.elapsed().as_secs_f64();
    black_box(sum);
    operations / seconds
}

/// Sums an array in the widest vectors.
struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[allow(clippy::inline_always)] // the vector type is only known inside
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        const UNROLLED: usize = 8;
        let (vectors, rest) = S::as_simd_f32s(self.0);
        let (groups, last) = vectors.as_chunks::<UNROLLED>();
        let mut sums = [simd.splat_f32s(0.0); UNROLLED];
        for group in groups {
            for (sum, vector) in sums.iter_mut().zip(group) {
                *sum = simd.add_f32s(*sum, *vector);
            }
        }
        for vector in last {
            sums[0] = simd.add_f32s(sums[0], *vector);
        }
        sums.into_iter()
            .map(|sum| simd.reduce_sum_f32s(sum))
            .sum::<f32>()
            + rest.iter().sum::<f32>()
    }
}

/// Three arrays that are together several times as large as the last-level cache, for one thread.
#[derive(Debug)]
pub struct Arrays {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Arrays {
    /// Arrays of `bytes` each.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let length = bytes / size_of::<f32>();
        Self {
            a: vec![0.0; length],
            b: vec![1.0; length],
            c: vec![2.0; length],
        }
    }

    /// Rate of reading [B/s].
    #[must_use]
    pub fn read(&self) -> f64 {
        let start = Instant::now();
        black_box(Arch::new().dispatch(Sum(&self.b)));
        size_of_val(self.b.as_slice()) as f64 / start.elapsed().as_secs_f64()
    }

    /// Rate of `a = b + 3·c` [B/s], counted as STREAM does: two reads and a write (`McCalpin`, 1995).
    pub fn triad(&mut self) -> f64 {
        let start = Instant::now();
        let Self { a, b, c } = self;
        Arch::new().dispatch(|| {
            for ((a, b), c) in a.iter_mut().zip(&*b).zip(&*c) {
                *a = *b + 3.0 * *c;
            }
        });
        black_box(&self.a);
        3.0 * size_of_val(self.a.as_slice()) as f64 / start.elapsed().as_secs_f64()
    }
}

/// Best rates of a number of threads, all at work at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceilings {
    /// Threads.
    pub threads: usize,
    /// Arithmetic in `f32` [FLOP/s].
    pub flops: f64,
    /// Reading beyond the last-level cache [B/s].
    pub read: f64,
    /// STREAM triad beyond the last-level cache [B/s].
    pub triad: f64,
}

/// Measures `threads` at once, each over `bytes` of its own per array: sums over the threads of the best of `rounds`.
///
/// # Panics
/// If a thread cannot be started.
#[must_use]
pub fn measure(threads: usize, bytes: usize, rounds: usize) -> Ceilings {
    let barrier = Barrier::new(threads);
    let work = || {
        let mut arrays = Arrays::new(bytes);
        let best = |measured: &mut dyn FnMut() -> f64| {
            barrier.wait();
            (0..rounds).map(|_| measured()).fold(0.0, f64::max)
        };
        [
            best(&mut flops),
            best(&mut || arrays.read()),
            best(&mut || arrays.triad()),
        ]
    };
    let rates: Vec<[f64; 3]> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        started
            .into_iter()
            .map(|thread| thread.join().expect("a measurement"))
            .collect()
    });
    let total = |which: usize| rates.iter().map(|rate| rate[which]).sum();
    Ceilings {
        threads,
        flops: total(0),
        read: total(1),
        triad: total(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x ← 0.999·x + 0.001` stays at one; twelve accumulators of some lanes hold as many ones.
    #[test]
    fn the_loop_computes_what_it_counts() {
        let (operations, sum) = Arch::new().dispatch(MultiplyAdd { rounds: 1000 });
        assert_eq!(operations, 2.0 * 1000.0 * f64::from(sum.round()));
        assert_eq!(sum.round() as usize % ACCUMULATORS, 0);
    }

    #[test]
    fn reading_reads_everything_and_the_triad_writes_it() {
        let odd = vec![1.0_f32; 1003];
        assert_eq!(Arch::new().dispatch(Sum(&odd)), 1003.0);
        let mut arrays = Arrays::new(4000);
        arrays.triad();
        assert!(arrays.a.iter().all(|a| *a == 7.0) && arrays.a.len() == 1000);
    }
}

//! Rooflines: the time of one operation from its work and a device's rates.
//!
//! ```text
//! t = ( (F/compute)^p + (B/memory)^p + (Q/dequantization)^p )^(1/p) + launch
//! ```
//!
//! With `p → ∞` this is the classical roofline, the slowest of the three (Williams, Waterman & Patterson, CACM 2009); with
//! `p = 1` nothing overlaps. Fitted values lie between 1.4 and 2.5 for matrix products on data-centre GPUs.

use walras_des::math;

/// What an operation has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// Weights unpacked from a block format.
    pub unpacked: f64,
}

/// Rates that one kind of operation reaches on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roof {
    /// Arithmetic [FLOP/s].
    pub compute: f64,
    /// Memory traffic [B/s].
    pub memory: f64,
    /// Unpacking of block formats [weights/s]; infinite where it never limits.
    pub dequantization: f64,
    /// Time of an operation that has nothing to do [s].
    pub launch: f64,
    /// How little the roofs overlap: the `p` of the norm, at least one.
    pub sharpness: f64,
}

impl Roof {
    /// Duration of `work` [s].
    #[must_use]
    pub fn seconds(&self, work: Work) -> f64 {
        let terms = [
            work.flops / self.compute,
            work.bytes / self.memory,
            work.unpacked / self.dequantization,
        ];
        self.launch + norm(terms, self.sharpness)
    }
}

/// The p-norm of three numbers that are not negative, scaled by the largest so that no power overflows.
fn norm(terms: [f64; 3], p: f64) -> f64 {
    let most = terms.into_iter().fold(0.0, f64::max);
    if most == 0.0 || most.is_infinite() || terms.iter().sum::<f64>() == most {
        return most;
    }
    let sum: f64 = terms.map(|term| math::powf(term / most, p)).iter().sum();
    most * math::powf(sum, 1.0 / p)
}

/// The heads of one layer's attention on one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heads {
    /// Heads.
    pub query: f64,
    /// Key-value heads.
    pub kv: f64,
    /// Size of a head.
    pub dim: f64,
}

impl Heads {
    /// Bytes of keys and values of one token, in 16 bits.
    #[must_use]
    pub fn kv_width(&self) -> f64 {
        2.0 * 2.0 * self.kv * self.dim
    }
}

/// Rates of decode attention: every sequence reads its own keys and values.
///
/// ```text
/// t = launch + unit·u + C·( (1 + half/u)·kv/memory + 4·h·d/compute )        u = b·h_kv
/// ```
///
/// for `b` sequences with `C` context tokens in all. Affine in `C`, which is what makes a run of steps a closed form
/// (see [`crate::serving`]). A key-value head of a sequence is a unit of work: few of them leave bandwidth unused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeRoof {
    /// Arithmetic [FLOP/s].
    pub compute: f64,
    /// Memory traffic [B/s].
    pub memory: f64,
    /// Time of an operation that has nothing to do [s].
    pub launch: f64,
    /// Time per unit [s].
    pub unit: f64,
    /// Units that reach half of the bandwidth.
    pub half: f64,
    /// The same in a step with prompts, where it is known to differ.
    pub mixed: Option<Mixed>,
}

/// Decode attention in one operation with prompts.
///
/// Kernels that are built for prompts treat a sequence that decodes as a prompt of one token: each head is a block of work of its own,
/// which does not share the keys of its group and walks over the whole context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixed {
    /// Time per sequence and head [s].
    pub unit: f64,
    /// Memory traffic [B/s].
    pub memory: f64,
}

impl DecodeRoof {
    /// Duration of one layer's decode attention: a constant, and a slope per context token [s].
    #[must_use]
    pub fn affine(&self, sequences: f64, heads: Heads) -> (f64, f64) {
        let units = sequences * heads.kv;
        let memory = (1.0 + self.half / units) * heads.kv_width() / self.memory;
        let slope = memory + 4.0 * heads.query * heads.dim / self.compute;
        (self.launch + self.unit * units, slope)
    }

    /// The same in a step with prompts, whatever the number of sequences: a constant, and a slope per context token [s].
    #[must_use]
    pub fn beside_prompts(&self, sequences: f64, heads: Heads) -> (f64, f64) {
        if let Some(Mixed { unit, memory }) = self.mixed {
            let base = unit * sequences * heads.query;
            return (base, heads.kv_width() / memory);
        }
        // In a large batch every unit counts, so that the slope does not depend on their number.
        let many = Self { half: 0.0, ..*self };
        many.affine(sequences, heads)
    }
}

/// Rates of prompt attention.
///
/// ```text
/// t = launch + ( (F·(1 + softmax/d)/compute)^p + (B/memory)^p + (depth·keys)^p )^(1/p)
/// ```
///
/// Every pair of a token and a key costs `4·d` operations of matrix products and an exponential, which takes as long as `softmax`
/// dimensions more: small heads are slower per operation. The block of the last tokens walks over all keys, however few heads there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrefillRoof {
    /// Arithmetic [FLOP/s].
    pub compute: f64,
    /// Memory traffic [B/s].
    pub memory: f64,
    /// Time of an operation that has nothing to do [s].
    pub launch: f64,
    /// How little the roofs overlap: the `p` of the norm, at least one.
    pub sharpness: f64,
    /// An exponential, in dimensions of a head.
    pub softmax: f64,
    /// Time of one block of tokens per key [s].
    pub depth: f64,
}

impl PrefillRoof {
    /// Duration of one layer's causal attention of `tokens` new tokens of each of `sequences` over themselves and `context`
    /// tokens before them [s].
    #[must_use]
    pub fn seconds(&self, sequences: f64, tokens: f64, context: f64, heads: Heads) -> f64 {
        let work = prefill_attention(tokens, context, heads);
        let terms = [
            sequences * work.flops * (1.0 + self.softmax / heads.dim) / self.compute,
            sequences * work.bytes / self.memory,
            self.depth * (context + tokens),
        ];
        self.launch + norm(terms, self.sharpness)
    }
}

/// Work of causal attention of `tokens` new tokens of one sequence over themselves and `context` tokens before them, in one layer.
///
/// Token `i` meets `context + i + 1` keys: `4·h·d` operations each for scores and weighted values.
#[must_use]
pub fn prefill_attention(tokens: f64, context: f64, heads: Heads) -> Work {
    let width = heads.query * heads.dim;
    Work {
        flops: 4.0 * width * tokens * (context + f64::midpoint(tokens, 1.0)),
        bytes: 2.0 * 2.0 * width * tokens + heads.kv_width() * (context + tokens),
        unpacked: 0.0,
    }
}

/// Exchange between the devices of one host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Time of an exchange of nothing [s].
    pub latency: f64,
    /// Rate of each device in each direction [B/s].
    pub bandwidth: f64,
}

impl Link {
    /// Duration of an all-reduce of `bytes` between `devices`: each moves `2·(n − 1)/n` of them (Patarasuk & Yuan, JPDC 2009) [s].
    #[must_use]
    pub fn all_reduce(&self, bytes: f64, devices: u32) -> f64 {
        if devices <= 1 {
            return 0.0;
        }
        let devices = f64::from(devices);
        self.latency + 2.0 * (devices - 1.0) / devices * bytes / self.bandwidth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roof(sharpness: f64) -> Roof {
        Roof {
            compute: 1e14,
            memory: 1e12,
            dequantization: f64::INFINITY,
            launch: 2e-6,
            sharpness,
        }
    }

    /// At the ridge both roofs take a millisecond: a sharp roofline 1 ms, none overlapping 2 ms, the 2-norm √2 ms.
    #[test]
    fn the_norm_lies_between_the_roofline_and_the_sum() {
        let ridge = Work {
            flops: 1e11,
            bytes: 1e9,
            unpacked: 0.0,
        };
        for (sharpness, expected) in [(1e6, 1e-3), (1.0, 2e-3), (2.0, 2f64.sqrt() * 1e-3)] {
            let found = roof(sharpness).seconds(ridge) - 2e-6;
            assert!(
                (found / expected - 1.0).abs() < 1e-5,
                "{sharpness}: {found}"
            );
        }
        assert_eq!(roof(2.0).seconds(Work::default()), 2e-6);
    }

    /// Whole prompts at once and in chunks are the same arithmetic.
    #[test]
    fn chunks_add_up_to_the_prompt() {
        let heads = Heads {
            query: 32.0,
            kv: 8.0,
            dim: 128.0,
        };
        let flops = |tokens, context| prefill_attention(tokens, context, heads).flops;
        assert_eq!(flops(1000.0, 0.0), flops(600.0, 0.0) + flops(400.0, 600.0));
    }

    /// Two devices exchange the message once, many move it twice.
    #[test]
    fn an_all_reduce_moves_twice_the_message_at_most() {
        let link = Link {
            latency: 1e-6,
            bandwidth: 1e9,
        };
        assert_eq!(link.all_reduce(1e9, 1), 0.0);
        assert!((link.all_reduce(1e9, 2) - 1.000_001).abs() < 1e-12);
        assert!(link.all_reduce(1e9, 1000) < 2.000_001);
    }
}

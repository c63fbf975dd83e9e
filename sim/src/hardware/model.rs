//! Language models by their published shapes, and the matrix products of a step.

use walras_des::math;

use super::format::Format;
use super::roof::Work;

/// A decoder of transformer blocks with grouped-query attention and gated feed-forward layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Name in the catalog.
    pub name: String,
    /// Stored weights, all experts and embeddings included.
    pub parameters: f64,
    /// Transformer layers.
    pub layers: u32,
    /// Hidden size.
    pub hidden: u32,
    /// Attention heads.
    pub heads: u32,
    /// Key-value heads.
    pub kv_heads: u32,
    /// Size of a head.
    pub head_dim: u32,
    /// Width of the feed-forward layer, or of one expert.
    pub ffn: u32,
    /// Size of the vocabulary.
    pub vocab: u32,
    /// Experts, for a mixture-of-experts model.
    pub experts: Option<Experts>,
}

/// Mixture-of-experts shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experts {
    /// Experts per layer.
    pub count: u32,
    /// Experts that serve one token.
    pub active: u32,
    /// Experts that serve every token besides.
    pub shared: u32,
}

impl Experts {
    /// Expected number of distinct experts that `tokens` tokens use under even routing, `E·(1 − (1 − k/E)^tokens)`.
    #[must_use]
    pub fn touched(&self, tokens: u32) -> f64 {
        let share = f64::from(self.active) / f64::from(self.count);
        let spared = math::powi(1.0 - share, i32::try_from(tokens).unwrap_or(i32::MAX));
        f64::from(self.count) * (1.0 - spared)
    }
}

/// `count` products of an `m × k` matrix of activations with `k × n` weights, launched as one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatMul {
    /// Rows: tokens.
    pub m: f64,
    /// Columns: outputs.
    pub n: f64,
    /// Inner size: inputs.
    pub k: f64,
    /// How many at once; not whole where it is an expectation.
    pub count: f64,
}

/// Traffic for each 16-bit activation that is first brought to 8 bits [B]: passes to find the scale, to convert, and to multiply, at
/// less than full bandwidth. Of 2, 6, 10, 20 and 40 the value that fits measured products on H100 best (median error 15 %, without
/// the conversion 29 %; tables of NVIDIA `AIConfigurator`, Apache-2.0).
const QUANTIZED: f64 = 10.0;

impl MatMul {
    /// Its work with weights of `format`.
    #[must_use]
    pub fn work(&self, format: Format) -> Work {
        let Self { m, n, k, count } = *self;
        let weights = count * n * k;
        let input = if format == Format::Fp8 {
            QUANTIZED
        } else {
            2.0
        };
        Work {
            flops: 2.0 * m * weights,
            bytes: weights * format.bytes() + count * m * (2.0 * n + input * k),
            unpacked: if format.is_packed() { weights } else { 0.0 },
        }
    }
}

impl Model {
    /// KV-cache bytes per context token: keys and values of every layer in 16 bits.
    #[must_use]
    pub fn kv_bytes(&self) -> u64 {
        2 * 2 * u64::from(self.layers) * u64::from(self.kv_heads) * u64::from(self.head_dim)
    }

    /// The matrix products of one layer over `tokens` tokens on one of `tensor` devices that split every matrix.
    #[must_use]
    pub fn layer(&self, tokens: u32, tensor: u32) -> Vec<MatMul> {
        let (m, split) = (f64::from(tokens), f64::from(tensor));
        let [hidden, heads, kv_heads, head_dim, ffn] = [
            self.hidden,
            self.heads,
            self.kv_heads,
            self.head_dim,
            self.ffn,
        ]
        .map(f64::from);
        let one = |n: f64, k: f64| MatMul {
            m,
            n,
            k,
            count: 1.0,
        };
        let mut products = vec![
            one((heads + 2.0 * kv_heads) * head_dim / split, hidden),
            one(hidden, heads * head_dim / split),
        ];
        let mut gated = |m: f64, width: f64, count: f64| {
            let width = width / split;
            products.push(MatMul {
                m,
                n: 2.0 * width,
                k: hidden,
                count,
            });
            products.push(MatMul {
                m,
                n: hidden,
                k: width,
                count,
            });
        };
        match self.experts {
            None => gated(m, ffn, 1.0),
            Some(experts) => {
                let touched = experts.touched(tokens);
                gated(m * f64::from(experts.active) / touched, ffn, touched);
                if experts.shared > 0 {
                    gated(m, ffn * f64::from(experts.shared), 1.0);
                }
            }
        }
        products
    }

    /// The product with the output layer for `sequences` next tokens on one of `tensor` devices.
    #[must_use]
    pub fn head(&self, sequences: u32, tensor: u32) -> MatMul {
        MatMul {
            m: f64::from(sequences),
            n: f64::from(self.vocab) / f64::from(tensor),
            k: f64::from(self.hidden),
            count: 1.0,
        }
    }

    /// Memory traffic of a layer outside its products and attention over `tokens` tokens on one of `tensor` devices, each an
    /// operation of its own: norm, rotation with the write to the KV cache, norm, activation [B].
    #[must_use]
    pub fn streams(&self, tokens: u32, tensor: u32) -> [f64; 4] {
        let tokens = f64::from(tokens);
        let [hidden, heads, kv_heads, head_dim, ffn, split] = [
            self.hidden,
            self.heads,
            self.kv_heads,
            self.head_dim,
            self.ffn,
            tensor,
        ]
        .map(f64::from);
        // A norm adds the residual: two arrays read, two written.
        let norm = 4.0 * 2.0 * tokens * hidden;
        let rotation = 2.0 * 2.0 * tokens * (heads + kv_heads) * head_dim / split;
        let width = self
            .experts
            .map_or(1.0, |experts| f64::from(experts.active + experts.shared));
        let activation = 3.0 * 2.0 * tokens * ffn * width / split;
        [norm, rotation, norm, activation]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn llama_8b() -> Model {
        Model {
            name: "llama-3.1-8b".into(),
            parameters: 8_030_261_248.0,
            layers: 32,
            hidden: 4096,
            heads: 32,
            kv_heads: 8,
            head_dim: 128,
            ffn: 14336,
            vocab: 128_256,
            experts: None,
        }
    }

    /// Published shapes: Llama-3.1-8B 128 KiB and 70B 320 KiB per token, Qwen2.5-0.5B 12 KiB.
    #[test]
    fn kv_bytes_follow_from_the_shape() {
        let found =
            [(32, 8, 128), (80, 8, 128), (24, 2, 64)].map(|(layers, kv_heads, head_dim)| {
                let model = Model {
                    layers,
                    kv_heads,
                    head_dim,
                    ..llama_8b()
                };
                model.kv_bytes() / 1024
            });
        assert_eq!(found, [128, 320, 12]);
    }

    /// The products of all layers and of the output hold the published 8.03 B parameters but the embedding and the 65 norms;
    /// four devices hold a quarter each.
    #[test]
    fn products_hold_all_weights() {
        let model = llama_8b();
        for tensor in [1, 4] {
            let of = |product: &MatMul| product.n * product.k * product.count;
            let layer: f64 = model.layer(7, tensor).iter().map(of).sum();
            let weights = (layer * 32.0 + of(&model.head(7, tensor))) * f64::from(tensor);
            assert_eq!(
                weights,
                model.parameters - 128_256.0 * 4096.0 - 65.0 * 4096.0
            );
        }
    }

    /// Mixtral: one token uses two of eight experts; two tokens 8·(1 − (6/8)²) = 3.5 of them; many use all.
    #[test]
    fn a_batch_reads_the_experts_that_it_touches() {
        let experts = Experts {
            count: 8,
            active: 2,
            shared: 0,
        };
        for (tokens, touched) in [(1, 2.0), (2, 3.5), (u32::MAX, 8.0)] {
            assert_eq!(experts.touched(tokens), touched);
        }
        let mixture = Model {
            experts: Some(experts),
            ..llama_8b()
        };
        let expert = 3.0 * 4096.0 * 14336.0;
        let weights = |tokens| -> f64 {
            let products = mixture.layer(tokens, 1);
            products[2..].iter().map(|p| p.n * p.k * p.count).sum()
        };
        assert_eq!([weights(1), weights(2)], [2.0 * expert, 3.5 * expert]);
        // Every token is multiplied by two experts however they are spread.
        let flops = |tokens| -> f64 {
            let products = mixture.layer(tokens, 1);
            products[2..]
                .iter()
                .map(|p| p.work(Format::Bf16).flops)
                .sum()
        };
        assert!((flops(100) / (100.0 * 2.0 * 2.0 * expert) - 1.0).abs() < 1e-12);
    }
}

//! Published shapes of models whose blocks are measured.

use crate::hardware::{Experts, Model};

/// Llama-3.2-1B. Source: `config.json` of meta-llama/Llama-3.2-1B.
#[must_use]
pub fn llama_1b() -> Model {
    dense("llama-3.2-1b", 1_235_814_400.0, [16, 2048, 32, 8, 64, 8192, 128_256])
}

/// Qwen2.5-0.5B. Source: `config.json` of Qwen/Qwen2.5-0.5B.
#[must_use]
pub fn qwen_half_b() -> Model {
    dense("qwen2.5-0.5b", 494_032_768.0, [24, 896, 14, 2, 64, 4864, 151_936])
}

/// Llama-3.1-8B. Source: `config.json` of meta-llama/Llama-3.1-8B.
#[must_use]
pub fn llama_8b() -> Model {
    dense("llama-3.1-8b", 8_030_261_248.0, [32, 4096, 32, 8, 128, 14336, 128_256])
}

/// Qwen1.5-MoE-A2.7B without its shared expert: 4 of 60 experts serve a token. Source: `config.json` of Qwen/Qwen1.5-MoE-A2.7B.
#[must_use]
pub fn qwen_mixture() -> Model {
    Model {
        experts: Some(Experts {
            count: 60,
            active: 4,
            shared: 0,
        }),
        ..dense("qwen1.5-moe-a2.7b", 14_315_784_192.0, [24, 2048, 16, 16, 128, 1408, 151_936])
    }
}

fn dense(name: &str, parameters: f64, shape: [u32; 7]) -> Model {
    let [layers, hidden, heads, kv_heads, head_dim, ffn, vocab] = shape;
    Model {
        name: name.into(),
        parameters,
        layers,
        hidden,
        heads,
        kv_heads,
        head_dim,
        ffn,
        vocab,
        experts: None,
    }
}

//! Published shapes of models whose blocks are measured.

use walras_sim::hardware::{Experts, Model};

/// Llama-3.2-1B. Source: `config.json` of meta-llama/Llama-3.2-1B.
#[must_use]
pub fn llama_1b() -> Model {
    dense(
        "llama-3.2-1b",
        1_235_814_400.0,
        [16, 2048, 32, 8, 64, 8192, 128_256],
    )
}

/// Qwen2.5-0.5B. Source: `config.json` of Qwen/Qwen2.5-0.5B.
#[must_use]
pub fn qwen_half_b() -> Model {
    dense(
        "qwen2.5-0.5b",
        494_032_768.0,
        [24, 896, 14, 2, 64, 4864, 151_936],
    )
}

/// Llama-3.1-8B. Source: `config.json` of meta-llama/Llama-3.1-8B.
#[must_use]
pub fn llama_8b() -> Model {
    dense(
        "llama-3.1-8b",
        8_030_261_248.0,
        [32, 4096, 32, 8, 128, 14336, 128_256],
    )
}

/// Qwen2.5-7B. Source: `config.json` of Qwen/Qwen2.5-7B.
#[must_use]
pub fn qwen_7b() -> Model {
    dense(
        "qwen2.5-7b",
        7_615_616_512.0,
        [28, 3584, 28, 4, 128, 18944, 152_064],
    )
}

/// Qwen3-30B-A3B: 8 of 128 experts serve a token. Source: `config.json` of Qwen/Qwen3-30B-A3B.
#[must_use]
pub fn qwen_mixture() -> Model {
    Model {
        experts: Some(Experts {
            count: 128,
            active: 8,
            shared: 0,
        }),
        ..dense(
            "qwen3-30b-a3b",
            30_532_122_624.0,
            [48, 2048, 32, 4, 128, 768, 151_936],
        )
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

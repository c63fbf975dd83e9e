//! Blocks: the same whatever the chunks and batches, and mixtures of experts as their definition says.

use candle_core::quantized::GgmlDType;
use candle_core::{Result, Tensor};
use candle_nn::kv_cache::KvCache;
use walras_kernels::block::{self, Block};
use walras_kernels::kernels;
use walras_kernels::points::Op;
use walras_kernels::suite::{self, Layer};
use walras_kernels::weights::random;
use walras_sim::hardware::{Experts, Format, Model};

fn tiny(experts: Option<Experts>) -> Model {
    Model {
        name: "tiny".into(),
        parameters: 0.0,
        layers: 1,
        hidden: 64,
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
        ffn: 96,
        vocab: 100,
        experts,
    }
}

/// Runs `x` through a block in steps of so many tokens each.
fn run(block: &Block, model: &Model, x: &Tensor, chunks: &[usize]) -> Result<Vec<f32>> {
    let tables = kernels::rotations(32, model.head_dim as usize, 10_000.0)?;
    let mut cache = KvCache::new(0, 32);
    let mut outputs = Vec::new();
    let mut start = 0;
    for chunk in chunks {
        let part = x.narrow(0, start, *chunk)?;
        let rotation = block::rotation(&tables, &[(start, *chunk)])?;
        let (x, y) = block.forward(
            &part,
            &part.zeros_like()?,
            &rotation,
            &mut [(&mut cache, *chunk)],
        )?;
        outputs.extend((x + y)?.flatten_all()?.to_vec1::<f32>()?);
        start += chunk;
    }
    Ok(outputs)
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let most = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-4 * most, "{a} and {b}");
    }
}

#[test]
fn chunks_of_a_prompt_give_what_the_prompt_gives() -> Result<()> {
    for experts in [
        None,
        Some(Experts {
            count: 6,
            active: 2,
            shared: 0,
        }),
    ] {
        let model = tiny(experts);
        let block = Block::random(&model, GgmlDType::F32, 5)?;
        let x = random(&[12, 64], 1.0, 9)?;
        let whole = run(&block, &model, &x, &[12])?;
        assert_close(&run(&block, &model, &x, &[5, 4, 1, 1, 1])?, &whole);
        assert_close(&run(&block, &model, &x, &[1; 12])?, &whole);
    }
    Ok(())
}

/// With one expert, the router's only probability is one: a mixture is the dense block with the same weights.
#[test]
fn a_mixture_of_one_is_dense() -> Result<()> {
    let x = random(&[7, 64], 1.0, 9)?;
    let dense = tiny(None);
    let single = tiny(Some(Experts {
        count: 1,
        active: 1,
        shared: 0,
    }));
    let expected = run(&Block::random(&dense, GgmlDType::F32, 5)?, &dense, &x, &[7])?;
    let found = run(
        &Block::random(&single, GgmlDType::F32, 5)?,
        &single,
        &x,
        &[7],
    )?;
    assert_close(&found, &expected);
    Ok(())
}

/// The kernels of a layer are those that the cost model counts: four products with all weights, four passes, and attention for each
/// sequence. A token of a mixture meets eight experts.
#[test]
fn a_layer_counts_its_kernels() {
    let layer = |model: Model| Layer {
        model,
        format: Format::Q4K,
        sequences: 3,
        tokens: 1,
        context: 99,
    };
    let count = |layer: &Layer, is: fn(&Op) -> bool| layer.ops().iter().filter(|op| is(op)).count();
    let dense = layer(walras_kernels::shapes::llama_1b());
    assert_eq!(
        count(&dense, |op| matches!(op, Op::Product { m: 3, .. })),
        4
    );
    assert_eq!(
        count(&dense, |op| matches!(op, Op::Decode { context: 100, .. })),
        3
    );
    assert_eq!(
        count(&dense, |op| matches!(op, Op::Pass { tokens: 3, .. })),
        4
    );
    let mixture = Layer {
        sequences: 1,
        ..layer(walras_kernels::shapes::qwen_mixture())
    };
    assert_eq!(
        count(&mixture, |op| matches!(op, Op::Product { m: 1, .. })),
        2 + 2 * 8
    );
}

/// Every row of the table runs through the code that it would be measured by; here the cheapest of each kind.
#[test]
fn rows_run() -> Result<()> {
    let effort = suite::Effort {
        rounds: 1,
        budget: std::time::Duration::ZERO,
        runs: 1,
    };
    let mut seen = Vec::new();
    for row in suite::table() {
        let suite::Row::Kernel(op) = row else {
            continue;
        };
        let kind = std::mem::discriminant(&op);
        let cheap = match op {
            Op::Product { m, n, .. } => m * n <= 256,
            Op::Prefill {
                tokens, context, ..
            } => tokens + context <= 16,
            Op::Decode { context, .. } => context <= 128,
            Op::Pass { tokens, .. } => tokens == 1,
        };
        if cheap && (matches!(op, Op::Pass { .. } | Op::Product { .. }) || !seen.contains(&kind)) {
            seen.push(kind);
            let runs = suite::Row::Kernel(op).measure(effort, 1e5)?;
            assert!(
                runs.seconds.iter().all(|seconds| *seconds >= 0.0) && !runs.seconds.is_empty(),
                "{op}"
            );
        }
    }
    assert!(seen.len() > 20);
    Ok(())
}

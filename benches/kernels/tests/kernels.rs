//! Every kernel against the same computation in plain float64.

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Result, Tensor};
use walras_kernels::kernels;
use walras_kernels::weights::{Weights, random};

/// The numbers of a tensor, widened.
fn wide(x: &Tensor) -> Vec<f64> {
    let x = x.to_dtype(DType::F32).and_then(|x| x.flatten_all());
    let x = x
        .and_then(|x| x.to_vec1::<f32>())
        .expect("a tensor on the processor");
    x.into_iter().map(f64::from).collect()
}

/// Root mean square of the difference relative to that of `expected`.
fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |sum: f64, x: f64| sum + x * x;
    let difference = found
        .iter()
        .zip(expected)
        .map(|(a, b)| a - b)
        .fold(0.0, square);
    (difference / expected.iter().copied().fold(0.0, square)).sqrt()
}

/// `x·wᵀ` in float64.
fn product(x: &[f64], w: &[f64], k: usize) -> Vec<f64> {
    let rows = x.chunks_exact(k);
    rows.flat_map(|row| {
        w.chunks_exact(k)
            .map(move |column| row.iter().zip(column).map(|(a, b)| a * b).sum())
    })
    .collect()
}

/// Relative error of a product for `m` tokens with `n × k` weights of `format`, against the product with the same (stored) weights.
fn matmul_error(format: GgmlDType, m: usize, n: usize, k: usize) -> Result<f64> {
    let weights = Weights::random(n, k, format, 7)?;
    let x = random(&[m, k], 1.0, 11)?.to_dtype(weights.activations())?;
    let found = kernels::matmul(&x, &weights)?;
    assert_eq!(found.dims(), [m, n]);
    let expected = product(&wide(&x), &wide(&weights.dequantized()?), k);
    Ok(relative_error(&wide(&found), &expected))
}

/// Rounding to `p` bits costs at most `2^-p` of each number. Against block formats candle rounds activations to 8 bits in blocks
/// of 32 or 256: a step of `max/127`, so an error of `max/(127·√12)`, where uniform numbers have a root mean square of `max/√3`.
#[test]
fn products_agree_with_float64_within_the_rounding_of_their_format() -> Result<()> {
    let activations = 1.0 / (127.0 * 2.0);
    let bounds = [
        (GgmlDType::F32, 1e-6),
        (GgmlDType::F16, 2.0_f64.powi(-10)),
        (GgmlDType::BF16, 2.0_f64.powi(-7)),
        (GgmlDType::Q8_0, 1.2 * activations),
        (GgmlDType::Q4_0, 1.2 * activations),
        (GgmlDType::Q4_1, 1.2 * activations),
        (GgmlDType::Q4K, 1.2 * activations),
        (GgmlDType::Q6K, 1.2 * activations),
    ];
    for (format, bound) in bounds {
        for (m, n, k) in [(1, 80, 512), (5, 64, 256), (33, 48, 768)] {
            let error = matmul_error(format, m, n, k)?;
            assert!(
                error < bound,
                "{format:?} {m}×{n}×{k}: {error}, bound {bound}"
            );
        }
    }
    // Inner sizes that are no multiple of 256 take other paths.
    for format in [
        GgmlDType::Q8_0,
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::F16,
    ] {
        let error = matmul_error(format, 3, 40, 576)?;
        assert!(error < 1.2 * activations, "{format:?}: {error}");
    }
    Ok(())
}

/// Storing uniform weights in `b` bits leaves an error of a step over `√12`; steps are `2·max/2^b` at best, and the
/// formats' scales are rounded besides.
#[test]
fn quantisation_costs_what_the_bits_say() -> Result<()> {
    let exact = random(&[64, 512], 1.0, 3)?;
    for (format, bits) in [
        (GgmlDType::Q8_0, 8),
        (GgmlDType::Q6K, 6),
        (GgmlDType::Q4_0, 4),
        (GgmlDType::Q4_1, 4),
        (GgmlDType::Q4K, 4),
    ] {
        let stored = candle_core::quantized::QTensor::quantize(&exact, format)?;
        let error = relative_error(&wide(&stored.dequantize(&Device::Cpu)?), &wide(&exact));
        let ideal = 1.0 / f64::from(1 << bits);
        assert!(
            (0.8..1.6).contains(&(error / ideal)),
            "{format:?}: {error} against {ideal}"
        );
    }
    Ok(())
}

#[test]
fn rms_norm_agrees_with_float64() -> Result<()> {
    let (x, y) = (random(&[3, 96], 2.0, 1)?, random(&[3, 96], 1.0, 4)?);
    let gain = random(&[96], 1.0, 2)?;
    let (sum, normed) = kernels::residual_norm(&x, &y, &gain)?;
    let expected: Vec<f64> = wide(&x).iter().zip(wide(&y)).map(|(x, y)| x + y).collect();
    assert!(relative_error(&wide(&sum), &expected) < 1e-6);
    let gain = wide(&gain);
    let expected: Vec<f64> = expected
        .chunks_exact(96)
        .flat_map(|row| {
            let square = row.iter().map(|x| x * x).sum::<f64>() / 96.0;
            let scale = 1.0 / (square + 1e-5).sqrt();
            row.iter()
                .zip(&gain)
                .map(move |(x, g)| x * g * scale)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(relative_error(&wide(&normed), &expected) < 1e-6);
    Ok(())
}

#[test]
fn rope_agrees_with_float64() -> Result<()> {
    let (tokens, heads, width) = (7, 3, 16);
    let x = random(&[tokens, heads, width], 1.0, 5)?;
    let (cos, sin) = kernels::rotations(tokens, width, 10_000.0)?;
    let found = wide(&kernels::rope(&x, &cos, &sin)?);
    let mut expected = wide(&x);
    for (at, head) in expected.chunks_exact_mut(width).enumerate() {
        for i in 0..width / 2 {
            let angle = (at / heads) as f64 * 10_000.0_f64.powf(-2.0 * i as f64 / width as f64);
            let (a, b) = (head[i], head[i + width / 2]);
            head[i] = a * angle.cos() - b * angle.sin();
            head[i + width / 2] = a * angle.sin() + b * angle.cos();
        }
    }
    assert!(relative_error(&found, &expected) < 1e-6);
    Ok(())
}

/// Softmax over the scores of each query in float64, heads sharing keys and values in groups.
fn attention(
    q: &[f64],
    k: &[f64],
    v: &[f64],
    [new, all, heads, kv_heads, width]: [usize; 5],
) -> Vec<f64> {
    let mut out = vec![0.0; new * heads * width];
    for token in 0..new {
        for head in 0..heads {
            let shared = head / (heads / kv_heads);
            let key = |at: usize| &k[(at * kv_heads + shared) * width..][..width];
            let query = &q[(token * heads + head) * width..][..width];
            let seen = all - new + token + 1;
            let score = |at| {
                query.iter().zip(key(at)).map(|(a, b)| a * b).sum::<f64>() / (width as f64).sqrt()
            };
            let powers: Vec<f64> = (0..seen).map(|at| score(at).exp()).collect();
            let sum: f64 = powers.iter().sum();
            let target = &mut out[(token * heads + head) * width..][..width];
            for (at, power) in powers.iter().enumerate() {
                let value = &v[(at * kv_heads + shared) * width..][..width];
                for (target, value) in target.iter_mut().zip(value) {
                    *target += power / sum * value;
                }
            }
        }
    }
    out
}

/// Whole prompts, the rest of a prompt after a cached prefix, and single tokens; with 1, 2, 3 and 8 heads to a key-value head.
#[test]
fn attention_agrees_with_float64() -> Result<()> {
    for (new, all) in [
        (9, 9),
        (70, 70),
        (5, 40),
        (64, 200),
        (1, 1),
        (1, 33),
        (1, 300),
    ] {
        for (heads, kv_heads, width) in [(4, 4, 32), (4, 2, 64), (9, 3, 64), (8, 1, 16)] {
            let q = random(&[new, heads, width], 1.5, 1)?;
            let k = random(&[all, kv_heads, width], 1.5, 2)?;
            let v = random(&[all, kv_heads, width], 1.0, 3)?;
            let found = wide(&kernels::attention(&q, &k, &v)?);
            let expected = attention(
                &wide(&q),
                &wide(&k),
                &wide(&v),
                [new, all, heads, kv_heads, width],
            );
            let error = relative_error(&found, &expected);
            assert!(
                error < 1e-5,
                "{new} of {all} tokens, {heads}/{kv_heads} heads: {error}"
            );
        }
    }
    Ok(())
}

#[test]
fn softmax_and_swiglu_agree_with_float64() -> Result<()> {
    let x = random(&[5, 64], 3.0, 8)?;
    let expected: Vec<f64> = wide(&x)
        .chunks_exact(64)
        .flat_map(|row| {
            let sum: f64 = row.iter().map(|x| x.exp()).sum();
            row.iter().map(move |x| x.exp() / sum).collect::<Vec<_>>()
        })
        .collect();
    assert!(relative_error(&wide(&kernels::softmax(&x)?), &expected) < 1e-6);
    let expected: Vec<f64> = wide(&x)
        .chunks_exact(64)
        .flat_map(|row| {
            (0..32)
                .map(|i| row[i] / (1.0 + (-row[i]).exp()) * row[i + 32])
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(relative_error(&wide(&kernels::swiglu(&x)?), &expected) < 1e-6);
    Ok(())
}

#[test]
fn embedding_and_sampling_choose_the_right_rows() -> Result<()> {
    let table = random(&[100, 8], 1.0, 9)?;
    let found = wide(&kernels::embedding(
        &table,
        &Tensor::new(&[7_u32, 99, 0], &Device::Cpu)?,
    )?);
    let all = wide(&table);
    assert_eq!(found, [&all[56..64], &all[792..800], &all[0..8]].concat());

    let logits = Tensor::new(
        &[[0.0_f32, 3.0, -1.0, 2.0], [5.0, 1.0, 7.0, 6.0]],
        &Device::Cpu,
    )?;
    assert_eq!(kernels::argmax(&logits)?, [1, 2]);
    let likely = kernels::top_k(&logits.get(0)?, 2)?;
    assert_eq!([likely[0].0, likely[1].0], [1, 3]);
    // 1/(1 + e^-1)
    assert!((f64::from(likely[0].1) - 0.731_058_578_6).abs() < 1e-6);
    assert_eq!(kernels::top_k(&logits.get(0)?, 9)?.len(), 4);
    Ok(())
}

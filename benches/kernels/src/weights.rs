//! Weights to compute with: seeded random ones of any size and format, and several of them to outgrow the caches.

use candle_core::quantized::{GgmlDType, QMatMul, QTensor, ggml_file};
use candle_core::{DType, Device, Module, Result, Tensor};

/// A matrix of `outputs × inputs` weights, as `x ↦ x·Wᵀ` uses it.
#[derive(Clone, Debug)]
pub enum Weights {
    /// Floating point; activations have the same type.
    Dense(Tensor),
    /// In blocks; activations are `f32`.
    Quantized(QMatMul),
}

impl Weights {
    /// Random weights of `format`, equal for equal arguments. Rows repeat after 64: neither time nor memory knows.
    ///
    /// # Errors
    /// If `inputs` is not a multiple of the block of `format`.
    pub fn random(outputs: usize, inputs: usize, format: GgmlDType, seed: u64) -> Result<Self> {
        let scale = (1.0 / inputs as f32).sqrt();
        let distinct = random(&[outputs.min(64), inputs], scale, seed)?;
        let blocks = QTensor::quantize(&distinct, format)?;
        let bytes = blocks.data()?;
        let row = bytes.len() / outputs.min(64);
        let repeated: Vec<u8> = bytes.iter().copied().cycle().take(row * outputs).collect();
        Self::from_bytes(outputs, inputs, format, &repeated)
    }

    /// Weights from their bytes in a GGUF file.
    ///
    /// # Errors
    /// If the bytes are not `outputs × inputs` weights of `format`.
    pub fn from_bytes(
        outputs: usize,
        inputs: usize,
        format: GgmlDType,
        bytes: &[u8],
    ) -> Result<Self> {
        let shape = vec![outputs, inputs];
        let blocks = ggml_file::qtensor_from_ggml(format, bytes, shape, &Device::Cpu)?;
        Ok(match format {
            GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => {
                let dtype = match format {
                    GgmlDType::F16 => DType::F16,
                    GgmlDType::BF16 => DType::BF16,
                    _ => DType::F32,
                };
                Self::Dense(blocks.dequantize(&Device::Cpu)?.to_dtype(dtype)?)
            }
            _ => Self::Quantized(QMatMul::from_qtensor(blocks)?),
        })
    }

    /// What activations must be.
    #[must_use]
    pub fn activations(&self) -> DType {
        match self {
            Self::Dense(weights) => weights.dtype(),
            Self::Quantized(_) => DType::F32,
        }
    }

    /// `x·Wᵀ` for rows `x`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(weights) => x.matmul(&weights.t()?),
            Self::Quantized(weights) => weights.forward(x),
        }
    }

    /// The weights as `f32`, rounded as they are stored.
    ///
    /// # Errors
    /// Only if candle cannot.
    pub fn dequantized(&self) -> Result<Tensor> {
        match self {
            Self::Dense(weights) => weights.to_dtype(DType::F32),
            Self::Quantized(QMatMul::QTensor(blocks)) => blocks.dequantize(&Device::Cpu),
            Self::Quantized(QMatMul::Tensor(dense) | QMatMul::TensorF16(dense)) => {
                dense.to_dtype(DType::F32)
            }
        }
    }
}

/// Things that are used in turn, so that each has left the caches before it comes again.
#[derive(Debug)]
pub struct Ring<T> {
    items: Vec<T>,
    next: usize,
}

impl<T> Ring<T> {
    /// As many items of `bytes` as fill `floor` bytes, at least one.
    ///
    /// # Errors
    /// Of `make`, which gets the number of each item.
    pub fn of<E>(
        bytes: f64,
        floor: f64,
        make: impl Fn(u64) -> std::result::Result<T, E>,
    ) -> std::result::Result<Self, E> {
        let count = (floor / bytes).ceil().max(1.0) as u64;
        let items = (0..count)
            .map(make)
            .collect::<std::result::Result<_, E>>()?;
        Ok(Self { items, next: 0 })
    }

    /// The next item.
    pub fn turn(&mut self) -> &mut T {
        self.next = (self.next + 1) % self.items.len();
        &mut self.items[self.next]
    }

    /// How many items take turns.
    #[must_use]
    pub fn count(&self) -> usize {
        self.items.len()
    }
}

/// A tensor of uniform random numbers in `±scale·√3`, so with standard deviation `scale`; equal for equal arguments.
///
/// # Errors
/// Only if candle cannot.
pub fn random(shape: &[usize], scale: f32, seed: u64) -> Result<Tensor> {
    let mut state = seed;
    let numbers: Vec<f32> = (0..shape.iter().product())
        .map(|_| scale * 3.0_f32.sqrt() * (2.0 * uniform(&mut state) - 1.0))
        .collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu)
}

/// The next number in `[0, 1)` of the `SplitMix64` sequence (Steele, Lea & Flood, OOPSLA 2014).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
}

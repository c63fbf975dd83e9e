//! How weights are stored; activations and the KV cache are 16 bits wide.

/// A storage format of weights. The block formats are those of GGUF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// 16-bit brain float.
    Bf16,
    /// 8-bit float.
    Fp8,
    /// Blocks of 32 weights of 8 bits with a scale.
    Q8_0,
    /// Blocks of 256 weights of 6 bits with scales.
    Q6K,
    /// Blocks of 32 weights of 4 bits with a scale and a minimum.
    Q4_1,
    /// Blocks of 256 weights of 4 bits with scales and minima.
    Q4K,
    /// Blocks of 32 weights of 4 bits with a scale.
    Q4_0,
    /// 4-bit float in blocks of 32 with a scale (MXFP4).
    Fp4,
}

impl Format {
    /// All formats, the widest first.
    pub const ALL: [Self; 10] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Fp8,
        Self::Q8_0,
        Self::Q6K,
        Self::Q4_1,
        Self::Q4K,
        Self::Q4_0,
        Self::Fp4,
    ];

    /// Name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Q8_0 => "q8_0",
            Self::Q6K => "q6_k",
            Self::Q4_1 => "q4_1",
            Self::Q4K => "q4_k",
            Self::Q4_0 => "q4_0",
            Self::Fp4 => "fp4",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Bytes per weight, scales included.
    #[must_use]
    pub fn bytes(self) -> f64 {
        match self {
            Self::F32 => 4.0,
            Self::F16 | Self::Bf16 => 2.0,
            Self::Fp8 => 1.0,
            Self::Q8_0 => 34.0 / 32.0,
            Self::Q6K => 210.0 / 256.0,
            Self::Q4_1 => 20.0 / 32.0,
            Self::Q4K | Self::Q4_0 => 18.0 / 32.0,
            Self::Fp4 => 17.0 / 32.0,
        }
    }

    /// Whether weights are unpacked before they are multiplied.
    #[must_use]
    pub fn is_packed(self) -> bool {
        !matches!(self, Self::F32 | Self::F16 | Self::Bf16 | Self::Fp8)
    }
}

//! A whole model of the Llama architecture from a GGUF file: text in, text out, on the kernels that are measured.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use candle_nn::kv_cache::KvCache;
use tokenizers::Tokenizer;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence as Splits;
use walras_sim::hardware::Model;

use crate::block::{self, Block, Feed, Gated, rotation};
use crate::kernels;
use crate::weights::Weights;

/// A model that can be run.
#[derive(Debug)]
pub struct Llama {
    /// Its shape.
    pub shape: Model,
    /// Format of the layers' weights.
    pub layers: GgmlDType,
    /// Format of the output layer's weights.
    pub head: GgmlDType,
    tokenizer: Tokenizer,
    embedding: QTensor,
    blocks: Vec<Block>,
    norm: Tensor,
    output: Weights,
    rotations: (Tensor, Tensor),
}

/// The tokens of one sequence that a model has seen.
#[derive(Clone, Debug)]
pub struct Sequence {
    caches: Vec<KvCache>,
    length: usize,
}

impl Llama {
    /// Reads the model in `path`.
    ///
    /// # Errors
    /// If the file is not GGUF, not of the Llama architecture, or mixes formats within a layer's product.
    pub fn read(path: &Path) -> Result<Self> {
        let mut file =
            File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let content = Content::read(&mut file)
            .with_context(|| format!("{} is not a GGUF file", path.display()))?;
        let mut parts = Parts { file, content };
        let tokenizer = parts.tokenizer()?;
        let architecture = parts.text("general.architecture")?;
        ensure!(
            architecture == "llama",
            "{} holds a model of architecture `{architecture}`; `llama` would work",
            path.display()
        );
        let shape = parts.shape()?;
        let blocks = (0..shape.layers)
            .map(|layer| parts.block(&shape, layer))
            .collect::<Result<Vec<_>>>()?;
        let embedding = parts.tensor("token_embd.weight")?;
        let (output, head) = if parts.content.tensor_infos.contains_key("output.weight") {
            parts.weights(&["output.weight"], None)?
        } else {
            parts.weights(&["token_embd.weight"], None)?
        };
        let base = parts.number("llama.rope.freq_base").unwrap_or(10_000.0);
        let longest = parts.number("llama.context_length")? as usize;
        Ok(Self {
            layers: parts.content.tensor_infos["blk.0.attn_q.weight"].ggml_dtype,
            head,
            tokenizer,
            embedding,
            blocks,
            norm: parts
                .tensor("output_norm.weight")?
                .dequantize(&Device::Cpu)?,
            output,
            rotations: kernels::rotations(longest, shape.head_dim as usize, base as f32)?,
            shape,
        })
    }

    /// A sequence with no tokens yet, with room for `capacity`.
    #[must_use]
    pub fn sequence(&self, capacity: usize) -> Sequence {
        Sequence {
            caches: vec![KvCache::new(0, capacity); self.blocks.len()],
            length: 0,
        }
    }

    /// A sequence of `context` tokens whose keys and values are random numbers, with room for `room` more: for measuring steps.
    ///
    /// # Errors
    /// Only if candle cannot.
    pub fn pretended(&self, context: usize, room: usize) -> Result<Sequence> {
        let caches = (0..self.shape.layers).map(|layer| {
            let seed = 2 * u64::from(layer);
            Ok(block::cache(&self.shape, context, context + room, seed)?)
        });
        Ok(Sequence {
            caches: caches.collect::<Result<_>>()?,
            length: context,
        })
    }

    /// One step: new tokens of some sequences, and the logits that follow the last of each, one row per sequence.
    ///
    /// # Errors
    /// If a sequence outgrows the context of the model, or a token is none.
    pub fn step(&self, batch: &mut [(&mut Sequence, &[u32])]) -> Result<Tensor> {
        let spans: Vec<(usize, usize)> = batch
            .iter()
            .map(|(sequence, new)| (sequence.length, new.len()))
            .collect();
        let ids: Vec<u32> = batch
            .iter()
            .flat_map(|(_, new)| new.iter().copied())
            .collect();
        let rotation = rotation(&self.rotations, &spans)?;
        let mut x = self.embedding.embedding(&Tensor::new(ids, &Device::Cpu)?)?;
        let mut y = x.zeros_like()?;
        for (layer, block) in self.blocks.iter().enumerate() {
            let mut spans: Vec<_> = batch
                .iter_mut()
                .map(|(sequence, new)| (&mut sequence.caches[layer], new.len()))
                .collect();
            (x, y) = block.forward(&x, &y, &rotation, &mut spans)?;
        }
        let mut last = Vec::with_capacity(batch.len());
        let mut end = 0;
        for (sequence, new) in batch.iter_mut() {
            sequence.length += new.len();
            end += new.len() as u32;
            last.push(end - 1);
        }
        let last = Tensor::new(last, &Device::Cpu)?;
        let (x, y) = (x.index_select(&last, 0)?, y.index_select(&last, 0)?);
        let (_, normed) = kernels::residual_norm(&x, &y, &self.norm)?;
        Ok(kernels::matmul(&normed, &self.output)?)
    }

    /// The most likely `count` tokens after `prompt`, each given those before it, as text.
    ///
    /// # Errors
    /// As [`Llama::step`].
    pub fn complete(&self, prompt: &str, count: usize) -> Result<String> {
        let mut tokens = self.tokens(prompt)?;
        let mut sequence = self.sequence(tokens.len() + count);
        let mut answer = Vec::with_capacity(count);
        for _ in 0..count {
            let logits = self.step(&mut [(&mut sequence, &tokens)])?;
            tokens = kernels::argmax(&logits)?;
            answer.extend_from_slice(&tokens);
        }
        self.text(&answer)
    }

    /// `text` as tokens; special ones are recognised by their names.
    ///
    /// # Errors
    /// If the tokenizer cannot.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(anyhow::Error::msg)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Tokens as text.
    ///
    /// # Errors
    /// If the tokenizer cannot.
    pub fn text(&self, tokens: &[u32]) -> Result<String> {
        self.tokenizer
            .decode(tokens, true)
            .map_err(anyhow::Error::msg)
    }
}

/// What a file holds, by name.
struct Parts {
    file: File,
    content: Content,
}

impl Parts {
    fn value(&self, name: &str) -> Result<&Value> {
        let metadata: &HashMap<String, Value> = &self.content.metadata;
        metadata
            .get(name)
            .with_context(|| format!("the file does not say `{name}`"))
    }

    fn text(&self, name: &str) -> Result<String> {
        Ok(self.value(name)?.to_string()?.clone())
    }

    fn number(&self, name: &str) -> Result<f64> {
        Ok(match self.value(name)? {
            Value::F32(number) => f64::from(*number),
            Value::F64(number) => *number,
            other => f64::from(other.to_u32()?),
        })
    }

    /// The tokenizer of the file. Candle reads it, but splits text as GPT-2 does; `SmolLM` puts no space in front and takes digits
    /// one by one (`LLAMA_VOCAB_PRE_TYPE_SMOLLM` of llama.cpp).
    fn tokenizer(&self) -> Result<Tokenizer> {
        let mut tokenizer = Tokenizer::from_gguf(&self.content)?;
        if self
            .text("tokenizer.ggml.pre")
            .is_ok_and(|splitter| splitter == "smollm")
        {
            let digits: PreTokenizerWrapper = Digits::new(true).into();
            let bytes: PreTokenizerWrapper = ByteLevel::new(false, true, true).into();
            tokenizer.with_pre_tokenizer(Some(Splits::new(vec![digits, bytes])));
        }
        Ok(tokenizer)
    }

    fn tensor(&mut self, name: &str) -> Result<QTensor> {
        let tensor = self.content.tensor(&mut self.file, name, &Device::Cpu);
        tensor.with_context(|| format!("the file has no tensor `{name}`"))
    }

    /// Tensors of one format on top of each other. Rows of the first `heads.len()` of them are put from the file's order of
    /// rotated pairs, one beside the other, into that of [`kernels::rope`], one in each half of the head.
    fn weights(
        &mut self,
        names: &[&str],
        heads: Option<[usize; 2]>,
    ) -> Result<(Weights, GgmlDType)> {
        let mut stacked = Vec::new();
        let mut rows = 0;
        let mut common: Option<(usize, GgmlDType)> = None;
        for (at, name) in names.iter().enumerate() {
            let tensor = self.tensor(name)?;
            let (outputs, inputs) = tensor.shape().dims2()?;
            let kind = (inputs, tensor.dtype());
            if *common.get_or_insert(kind) != kind {
                bail!(
                    "tensors {names:?} differ in format or width; a file with one format for all layers would work"
                );
            }
            let bytes = tensor.data()?;
            match heads.and_then(|heads| heads.get(at).copied()) {
                Some(heads) => halves(&bytes, outputs, heads, &mut stacked),
                None => stacked.extend_from_slice(&bytes),
            }
            rows += outputs;
        }
        let (inputs, format) = common.context("no tensors")?;
        Ok((Weights::from_bytes(rows, inputs, format, &stacked)?, format))
    }

    fn shape(&self) -> Result<Model> {
        let of = |name: &str| {
            self.number(&format!("llama.{name}"))
                .map(|number| number as u32)
        };
        let (hidden, heads) = (of("embedding_length")?, of("attention.head_count")?);
        let tensors = self.content.tensor_infos.values();
        Ok(Model {
            name: self
                .text("general.name")
                .unwrap_or_else(|_| "unnamed".into()),
            parameters: tensors.map(|tensor| tensor.shape.elem_count() as f64).sum(),
            layers: of("block_count")?,
            hidden,
            heads,
            kv_heads: of("attention.head_count_kv").unwrap_or(heads),
            head_dim: of("rope.dimension_count").unwrap_or(hidden / heads),
            ffn: of("feed_forward_length")?,
            vocab: self.content.tensor_infos["token_embd.weight"].shape.dims()[0] as u32,
            experts: None,
        })
    }

    fn block(&mut self, shape: &Model, layer: u32) -> Result<Block> {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let [q, k, v] = ["attn_q", "attn_k", "attn_v"].map(name);
        let [gate, up] = ["ffn_gate", "ffn_up"].map(name);
        let heads = [shape.heads as usize, shape.kv_heads as usize];
        let (qkv, _) = self.weights(&[&q, &k, &v], Some(heads))?;
        let (output, _) = self.weights(&[&name("attn_output")], None)?;
        let (gate_up, _) = self.weights(&[&gate, &up], None)?;
        let (down, _) = self.weights(&[&name("ffn_down")], None)?;
        let norms = [
            self.tensor(&name("attn_norm"))?.dequantize(&Device::Cpu)?,
            self.tensor(&name("ffn_norm"))?.dequantize(&Device::Cpu)?,
        ];
        Ok(Block::new(
            shape,
            norms,
            [qkv, output],
            Feed::Dense(Gated { gate_up, down }),
        ))
    }
}

/// Appends `rows` rows to `target`, those of each head in the order 0, 2, 4, …, 1, 3, 5, ….
fn halves(bytes: &[u8], rows: usize, heads: usize, target: &mut Vec<u8>) {
    let (width, head) = (bytes.len() / rows, rows / heads);
    for start in (0..rows).step_by(head) {
        for half in 0..2 {
            for pair in 0..head / 2 {
                let row = start + 2 * pair + half;
                target.extend_from_slice(&bytes[row * width..][..width]);
            }
        }
    }
}

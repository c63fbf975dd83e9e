//! Readers of published measurements: tables of kernels, layers, steps and requests, each with its source and units.
//!
//! The data are not part of the project; `data::folder` says where they are looked for.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, DataType};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use walras_sim::hardware::{Format, Heads, MatMul};

use super::point::{Op, Point, quantile};

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The system refused.
    #[error("cannot read `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not a Parquet table.
    #[error("`{}` is not the Parquet table it should be: {reason}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What polars said.
        reason: String,
    },
    /// It is not the JSON that was expected.
    #[error("`{}` is not the JSON it should be: {reason}", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A column is missing.
    #[error("`{}` has no column `{column}`\n  help: it has {found}", .path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// What is missing.
        column: String,
        /// What is there.
        found: String,
    },
    /// A cell is not a number.
    #[error("`{}`, line {line}: `{value}` in column `{column}` is not a number", .path.display())]
    Number {
        /// The file.
        path: PathBuf,
        /// One for the header.
        line: usize,
        /// Of which column.
        column: String,
        /// The cell.
        value: String,
    },
}

/// The folder with published measurements: `WALRAS_DATA`, else `../shared/data` beside the project; `None` if there is none.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

/// A table of text cells or numbers, by column.
pub struct Table {
    path: PathBuf,
    columns: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Reads comma-separated values without quoted cells.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn csv(path: PathBuf) -> Result<Self, DataError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(DataError::Io { path, source }),
        };
        let mut lines = text.lines();
        let names = lines.next().unwrap_or_default().split(',');
        let mut columns: Vec<(String, Vec<String>)> = names
            .map(|name| (name.trim().to_owned(), Vec::new()))
            .collect();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let mut cells = line.split(',');
            for (_, column) in &mut columns {
                column.push(cells.next().unwrap_or_default().trim().to_owned());
            }
        }
        Ok(Self { path, columns })
    }

    /// The cells of a column.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn text(&self, column: &str) -> Result<&[String], DataError> {
        let found = self.columns.iter().find(|(name, _)| name == column);
        found.map_or_else(
            || {
                let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
                Err(DataError::Column {
                    path: self.path.clone(),
                    column: column.to_owned(),
                    found: names.join(", "),
                })
            },
            |(_, cells)| Ok(cells.as_slice()),
        )
    }

    /// The numbers of a column; empty cells are not numbers.
    ///
    /// # Errors
    /// If there is no such column, or a cell is something else.
    pub fn numbers(&self, column: &str) -> Result<Vec<f64>, DataError> {
        let cells = self.text(column)?.iter().enumerate();
        cells
            .map(|(row, cell)| {
                cell.parse().map_err(|_| DataError::Number {
                    path: self.path.clone(),
                    line: row + 2,
                    column: column.to_owned(),
                    value: cell.clone(),
                })
            })
            .collect()
    }
}

/// A Parquet table.
struct Frame {
    path: PathBuf,
    frame: DataFrame,
}

impl Frame {
    fn open(path: PathBuf) -> Result<Self, DataError> {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) => return Err(DataError::Io { path, source }),
        };
        match ParquetReader::new(file).finish() {
            Ok(frame) => Ok(Self { path, frame }),
            Err(reason) => Err(DataError::Parquet {
                path,
                reason: reason.to_string(),
            }),
        }
    }

    fn column(&self, name: &str) -> Result<&Column, DataError> {
        self.frame.column(name).map_err(|_| {
            let names = self.frame.get_column_names();
            let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
            DataError::Column {
                path: self.path.clone(),
                column: name.to_owned(),
                found: names.join(", "),
            }
        })
    }

    fn wrong(&self, reason: &dyn std::fmt::Display) -> DataError {
        DataError::Parquet {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }

    fn numbers(&self, name: &str) -> Result<Vec<f64>, DataError> {
        let column = self.column(name)?.cast(&DataType::Float64);
        let column = column.map_err(|error| self.wrong(&error))?;
        let numbers = column.f64().map_err(|error| self.wrong(&error))?;
        Ok(numbers.iter().map(|x| x.unwrap_or(f64::NAN)).collect())
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, DataError> {
        let column = self.column(name)?.cast(&DataType::String);
        let column = column.map_err(|error| self.wrong(&error))?;
        let texts = column.str().map_err(|error| self.wrong(&error))?;
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(texts.iter().map(owned).collect())
    }
}

/// One point for each operation: the median where it was measured more than once.
fn medians(mut points: Vec<Point>) -> Vec<Point> {
    let key = |point: &Point| format!("{:?}", point.op);
    points.sort_by_cached_key(key);
    points
        .chunk_by(|a, b| a.op == b.op)
        .map(|same| {
            let mut times: Vec<f64> = same.iter().map(|point| point.seconds).collect();
            times.sort_by(f64::total_cmp);
            Point {
                seconds: quantile(&times, 0.5),
                ..same[0]
            }
        })
        .collect()
}

/// Matrix products of a device: `gemm_perf.parquet` of NVIDIA `AIConfigurator` (Apache-2.0), in ms. Two kernels for one shape are
/// two measurements of it. 8-bit products are those with one scale to a tensor, of multiples of four rows: others are copied to
/// padded ones first, and engines send padded ones.
///
/// # Errors
/// If the table cannot be read.
pub fn products(data: &Path, device: &str) -> Result<Vec<Point>, DataError> {
    let path = format!("kernels/aiconfigurator/{device}/gemm_perf.parquet");
    let table = Frame::open(data.join(path))?;
    let formats = table.texts("gemm_dtype")?;
    let [m, n, k, ms] = ["m", "n", "k", "latency"].map(|name| table.numbers(name));
    let (m, n, k, ms) = (m?, n?, k?, ms?);
    let format = |name: &str| match name {
        "bfloat16" => Some(Format::Bf16),
        "fp8" => Some(Format::Fp8),
        _ => None,
    };
    let is_padded = |row: &usize| formats[*row] != "fp8" || m[*row] % 4.0 == 0.0;
    let points = (0..ms.len()).filter(is_padded).filter_map(|row| {
        let product = MatMul {
            m: m[row],
            n: n[row],
            k: k[row],
            count: 1.0,
        };
        Some(Point {
            op: Op::MatMul(product, format(&formats[row])?),
            seconds: ms[row] / 1e3,
            spread: 0.0,
        })
    });
    Ok(medians(points.collect()))
}

/// The range of attention that a serving engine meets: a batch of at most 512 sequences and heads of the usual sizes. In decode,
/// contexts of at least 64 tokens: below, the time is a plateau that no context changes.
fn is_usual(sequences: f64, dim: f64) -> bool {
    sequences <= 512.0 && (64.0..=256.0).contains(&dim)
}

/// Attention of a device over 16-bit caches without a sliding window: `context_attention_perf.parquet` and
/// `generation_attention_perf.parquet` of NVIDIA `AIConfigurator` (Apache-2.0), in ms.
///
/// # Errors
/// If a table cannot be read.
pub fn attention(data: &Path, device: &str) -> Result<Vec<Point>, DataError> {
    let mut points = Vec::new();
    for (file, is_prefill) in [
        ("context_attention_perf", true),
        ("generation_attention_perf", false),
    ] {
        let path = format!("kernels/aiconfigurator/{device}/{file}.parquet");
        let table = Frame::open(data.join(path))?;
        let cache = table.texts("kv_cache_dtype")?;
        let window = table.numbers("window_size").ok();
        let names = [
            "batch_size",
            "num_heads",
            "num_key_value_heads",
            "head_dim",
            "isl",
            "step",
            "latency",
        ];
        let [sequences, query, kv, dim, prompt, step, ms] = names.map(|name| table.numbers(name));
        let (sequences, query, kv) = (sequences?, query?, kv?);
        let (dim, prompt, step, ms) = (dim?, prompt?, step?, ms?);
        for row in 0..ms.len() {
            let is_windowed = window.as_ref().is_some_and(|window| window[row] > 0.0);
            let is_short = !is_prefill && step[row] < 63.0;
            if cache[row] != "bfloat16"
                || is_windowed
                || is_short
                || !is_usual(sequences[row], dim[row])
            {
                continue;
            }
            let heads = Heads {
                query: query[row],
                kv: kv[row].min(query[row]),
                dim: dim[row],
            };
            let op = if is_prefill {
                Op::Prefill {
                    sequences: sequences[row],
                    tokens: prompt[row],
                    context: 0.0,
                    heads,
                }
            } else {
                Op::Decode {
                    sequences: sequences[row],
                    context: step[row] + 1.0,
                    heads,
                }
            };
            points.push(Point {
                op,
                seconds: ms[row] / 1e3,
                spread: 0.0,
            });
        }
    }
    Ok(medians(points))
}

/// All-reduces between the devices of a host in CUDA graphs: `custom_allreduce_perf.parquet` of NVIDIA `AIConfigurator`
/// (Apache-2.0), in ms; sizes in 16-bit elements.
///
/// # Errors
/// If the table cannot be read.
pub fn exchanges(data: &Path, device: &str) -> Result<Vec<Point>, DataError> {
    let path = format!("kernels/aiconfigurator/{device}/custom_allreduce_perf.parquet");
    let table = Frame::open(data.join(path))?;
    let kernel = table.texts("kernel_source")?;
    let [devices, size, ms] =
        ["num_gpus", "message_size", "latency"].map(|name| table.numbers(name));
    let (devices, size, ms) = (devices?, size?, ms?);
    let points = (0..ms.len())
        .filter(|row| kernel[*row].ends_with("graph"))
        .map(|row| Point {
            op: Op::AllReduce(2.0 * size[row], devices[row] as u32),
            seconds: ms[row] / 1e3,
            spread: 0.0,
        });
    Ok(medians(points.collect()))
}

/// Heads of Llama-3.1-8B.
const LLAMA_8B_HEADS: Heads = Heads {
    query: 32.0,
    kv: 8.0,
    dim: 128.0,
};

/// Operations of Llama-3.1-8B in bf16 on an RTX 4090 under vLLM 0.19, in µs: `dense.csv`, `per_sequence.csv`, `attention.csv` of
/// the `LLMServingSim` profiler (MIT).
///
/// # Errors
/// If a table cannot be read.
pub fn rtx_4090(data: &Path) -> Result<Vec<Point>, DataError> {
    let folder = data.join("kernels/llmservingsim/RTX4090/meta-llama/Llama-3.1-8B/bf16/tp1");
    let mut points = Vec::new();
    let mut push = |op, us: f64| {
        points.push(Point {
            op,
            seconds: us / 1e6,
            spread: 0.0,
        });
    };
    for (file, count) in [("dense.csv", "tokens"), ("per_sequence.csv", "sequences")] {
        let table = Table::csv(folder.join(file))?;
        let (layers, us) = (table.text("layer")?, table.numbers("time_us")?);
        for ((layer, us), tokens) in layers.iter().zip(us).zip(table.numbers(count)?) {
            let product = |n: f64, k: f64| {
                let m = tokens;
                let product = MatMul {
                    m,
                    n,
                    k,
                    count: 1.0,
                };
                Op::MatMul(product, Format::Bf16)
            };
            let op = match layer.as_str() {
                "qkv_proj" => product(6144.0, 4096.0),
                "o_proj" => product(4096.0, 4096.0),
                "gate_up_proj" => product(28672.0, 4096.0),
                "down_proj" => product(4096.0, 14336.0),
                "lm_head" => product(128_256.0, 4096.0),
                // With the residual: two arrays read, two written.
                "layernorm" => Op::Stream(8.0 * tokens * 4096.0),
                "rotary_emb" => Op::Stream(4.0 * tokens * 40.0 * 128.0),
                "act_fn" => Op::Stream(6.0 * tokens * 14336.0),
                _ => continue,
            };
            push(op, us);
        }
    }
    let table = Table::csv(folder.join("attention.csv"))?;
    let names = [
        "prefill_chunk",
        "kv_prefill",
        "n_decode",
        "kv_decode",
        "time_us",
    ];
    let [chunk, before, sequences, context, us] = names.map(|name| table.numbers(name));
    let (chunk, before, sequences) = (chunk?, before?, sequences?);
    let (context, us) = (context?, us?);
    let heads = LLAMA_8B_HEADS;
    // The time of a chunk alone, to see what decoding sequences add to it.
    let mut alone = (f64::NAN, f64::NAN, 0.0);
    for row in 0..us.len() {
        let (tokens, sequences, context) = (chunk[row], sequences[row], context[row]);
        match (tokens > 0.0, sequences > 0.0) {
            (true, false) => {
                alone = (tokens, before[row], us[row]);
                let op = Op::Prefill {
                    sequences: 1.0,
                    tokens,
                    context: before[row],
                    heads,
                };
                push(op, us[row]);
            }
            (false, true) if context >= 64.0 => {
                let op = Op::Decode {
                    sequences,
                    context,
                    heads,
                };
                push(op, us[row]);
            }
            (true, true) if tokens >= 512.0 && context >= 64.0 && sequences >= 4.0 => {
                let added = us[row] - alone.2;
                let is_clear = added > 0.1 * alone.2;
                if (alone.0, alone.1) == (tokens, before[row]) && is_clear {
                    let op = Op::Mixed {
                        sequences,
                        context,
                        heads,
                    };
                    push(op, added);
                }
            }
            _ => {}
        }
    }
    Ok(medians(points))
}

/// A layer of a model without its attention, on one of several devices.
pub struct Layer {
    /// Tokens.
    pub tokens: u32,
    /// Devices that share the layer.
    pub tensor: u32,
    /// Sum of all its operations [s].
    pub seconds: f64,
}

/// Layers of a Llama model, and their memory-bound operations: tables of the Vidur profiler (MIT), ms. A layer is the sum of its
/// products, two norms with their additions, rotation and activation.
///
/// # Errors
/// If the table cannot be read.
pub fn layers(data: &Path, file: &str) -> Result<(Vec<Layer>, Vec<Point>), DataError> {
    let table = Table::csv(data.join("kernels/vidur").join(file))?;
    let median = |op: &str| table.numbers(&format!("time_stats.{op}.median"));
    let [tokens, tensor, heads, kv_heads, hidden, ffn] = [
        "num_tokens",
        "num_tensor_parallel_workers",
        "n_head",
        "n_kv_head",
        "n_embd",
        "n_expanded_embd",
    ]
    .map(|name| table.numbers(name));
    let (tokens, tensor, heads, kv_heads) = (tokens?, tensor?, heads?, kv_heads?);
    let (hidden, ffn) = (hidden?, ffn?);
    let products = [
        "attn_pre_proj",
        "attn_post_proj",
        "mlp_up_proj",
        "mlp_down_proj",
    ];
    let products: Result<Vec<_>, _> = products.into_iter().map(median).collect();
    let products = products?;
    let (norm, rotation) = (median("input_layernorm")?, median("attn_rope")?);
    let (activation, add) = (median("mlp_act")?, median("add")?);
    let (mut layers, mut points) = (Vec::new(), Vec::new());
    for row in 0..tokens.len() {
        let split = tensor[row];
        let stream = |bytes: f64, ms: f64| Point {
            op: Op::Stream(bytes),
            seconds: ms / 1e3,
            spread: 0.0,
        };
        let width = (heads[row] + kv_heads[row]) * hidden[row] / heads[row] / split;
        points.extend([
            stream(4.0 * tokens[row] * hidden[row], norm[row]),
            stream(4.0 * tokens[row] * width, rotation[row]),
            stream(6.0 * tokens[row] * ffn[row] / split, activation[row]),
            stream(6.0 * tokens[row] * hidden[row], add[row]),
        ]);
        let products: f64 = products.iter().map(|times| times[row]).sum();
        let others = 2.0 * (norm[row] + add[row]) + rotation[row] + activation[row];
        layers.push(Layer {
            tokens: tokens[row] as u32,
            tensor: split as u32,
            seconds: (products + others) / 1e3,
        });
    }
    Ok((layers, medians(points)))
}

/// A measured time of a request, or of a step, of a whole model.
pub struct Step {
    /// Model, as the source calls it.
    pub model: String,
    /// Device, as the source calls it.
    pub device: String,
    /// Tokens of each prompt.
    pub prompt: u32,
    /// Sequences.
    pub batch: u32,
    /// Output tokens of each.
    pub output: u32,
    /// Devices that share the model.
    pub tensor: u32,
    /// Time of all prompts [s].
    pub prefill: f64,
    /// Mean time of a decode step [s].
    pub decode: f64,
}

/// Steps of Llama-2-70B and BLOOM-176B on A100 and H100, 16 bits, software of 2023: `perf_model.csv` of Splitwise (MIT), ms; the
/// median of repeated runs.
///
/// # Errors
/// If the table cannot be read.
pub fn splitwise(data: &Path) -> Result<Vec<Step>, DataError> {
    let table = Table::csv(data.join("serving/splitwise/perf_model.csv"))?;
    let (models, devices) = (table.text("model")?, table.text("hardware")?);
    let names = [
        "prompt_size",
        "batch_size",
        "token_size",
        "tensor_parallel",
        "prompt_time",
        "token_time",
    ];
    let [prompt, batch, output, tensor, prefill, decode] = names.map(|name| table.numbers(name));
    let (prompt, batch, output, tensor) = (prompt?, batch?, output?, tensor?);
    let (prefill, decode) = (prefill?, decode?);
    let key = |row: usize| {
        let shape = [prompt[row], batch[row], output[row], tensor[row]].map(|x| x as u32);
        (models[row].as_str(), devices[row].as_str(), shape)
    };
    let mut rows: Vec<usize> = (0..models.len()).collect();
    rows.sort_by_key(|row| key(*row));
    let steps = rows.chunk_by(|a, b| key(*a) == key(*b)).map(|same| {
        let median = |column: &[f64]| {
            let mut values: Vec<f64> = same.iter().map(|row| column[*row] / 1e3).collect();
            values.sort_by(f64::total_cmp);
            quantile(&values, 0.5)
        };
        let (model, device, [prompt, batch, output, tensor]) = key(same[0]);
        Step {
            model: model.to_owned(),
            device: device.to_owned(),
            prompt,
            batch,
            output,
            tensor,
            prefill: median(&prefill),
            decode: median(&decode),
        }
    });
    Ok(steps.collect())
}

/// A point of a closed loop of clients, each sending its next request when the last is answered.
pub struct Loop {
    /// Model, as the source calls it.
    pub model: String,
    /// Device, as the source calls it.
    pub device: String,
    /// Serving engine.
    pub engine: String,
    /// Format of the weights, as the source calls it; empty for 16 bits.
    pub precision: String,
    /// Tokens of a prompt.
    pub prompt: u32,
    /// Tokens of an answer.
    pub output: u32,
    /// Clients.
    pub clients: u32,
    /// Devices that share the model.
    pub tensor: u32,
    /// Copies of the attention layers, each with its own requests.
    pub replicas: u32,
    /// Median time to first token [s].
    pub ttft: f64,
    /// Median time per output token [s].
    pub tpot: f64,
}

/// Closed loops on H100 and H200: `silicon_points.csv`, from NVIDIA `AIConfigurator` (Apache-2.0), ms. Points that occur more than
/// once count once.
///
/// # Errors
/// If the table cannot be read.
pub fn silicon(data: &Path) -> Result<Vec<Loop>, DataError> {
    let table = Table::csv(data.join("serving/silicon/silicon_points.csv"))?;
    let (models, devices) = (table.text("model_path")?, table.text("system")?);
    let (engines, precisions) = (table.text("backend")?, table.text("gemm_quant_mode")?);
    let replicas = table.text("attention_dp_size")?;
    let names = [
        "isl",
        "osl",
        "batch_size",
        "tp_size",
        "silicon_ttft_ms",
        "silicon_tpot_ms",
    ];
    let [prompt, output, clients, tensor, ttft, tpot] = names.map(|name| table.numbers(name));
    let (prompt, output, clients, tensor) = (prompt?, output?, clients?, tensor?);
    let (ttft, tpot) = (ttft?, tpot?);
    let mut seen: Vec<(u64, u64)> = Vec::new();
    let mut loops = Vec::new();
    for row in 0..models.len() {
        // Times are measured to the nanosecond: equal ones are the same run.
        let times = (ttft[row].to_bits(), tpot[row].to_bits());
        if seen.contains(&times) {
            continue;
        }
        seen.push(times);
        loops.push(Loop {
            model: models[row].clone(),
            device: devices[row].clone(),
            engine: engines[row].clone(),
            precision: precisions[row].clone(),
            prompt: prompt[row] as u32,
            output: output[row] as u32,
            clients: clients[row] as u32,
            tensor: tensor[row] as u32,
            replicas: replicas[row].parse::<f64>().map_or(1, |count| count as u32),
            ttft: ttft[row] / 1e3,
            tpot: tpot[row] / 1e3,
        });
    }
    Ok(loops)
}

/// A request of a recorded run; times in seconds since the first arrival.
pub struct Request {
    /// When the engine took it in.
    pub arrival: f64,
    /// Tokens of the prompt.
    pub prompt: u32,
    /// Tokens of the answer.
    pub output: u32,
    /// When its first token was out.
    pub first: f64,
    /// When its last was.
    pub last: f64,
}

/// The requests of a run of vLLM 0.19 with Llama-3.1-8B in bf16 on a device, in order of arrival: benchmark records of
/// `LLMServingSim` (MIT).
///
/// # Errors
/// If the file cannot be read, or a line is not a request.
pub fn recorded(data: &Path, device: &str) -> Result<Vec<Request>, DataError> {
    let path = data.join(format!(
        "serving/vllm-runs/{device}/Llama-3.1-8B/vllm/requests.jsonl"
    ));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(DataError::Io { path, source }),
    };
    let mut requests = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let number = |key: &str| {
            row[key].as_f64().ok_or_else(|| DataError::Number {
                path: path.clone(),
                line: index + 1,
                column: key.to_owned(),
                value: row[key].to_string(),
            })
        };
        requests.push(Request {
            arrival: number("queued_ts")?,
            prompt: number("input_toks")? as u32,
            output: number("output_toks")? as u32,
            first: number("first_token_ts")?,
            last: number("last_token_ts")?,
        });
    }
    requests.sort_by(|a, b| a.arrival.total_cmp(&b.arrival));
    let start = requests.first().map_or(0.0, |request| request.arrival);
    for request in &mut requests {
        request.arrival -= start;
        request.first -= start;
        request.last -= start;
    }
    Ok(requests)
}

/// Tokens per second of Llama-3-8B on one device under llama.cpp, batch 1, 1,024 tokens:
/// github.com/XiongjieDai/GPU-Benchmarks-on-LLM-Inference (May 2024; reference figures without a licence).
pub struct Single {
    /// Device, as the source calls it.
    pub device: String,
    /// Decode and prefill in `q4_k`.
    pub packed: (Option<f64>, Option<f64>),
    /// Decode and prefill in `f16`.
    pub wide: (Option<f64>, Option<f64>),
}

/// The table of single devices.
///
/// # Errors
/// If it cannot be read.
pub fn singles(data: &Path) -> Result<Vec<Single>, DataError> {
    let table = Table::csv(data.join("serving/llamacpp/llama3_single_device.csv"))?;
    let devices = table.text("device")?;
    let cells = |name: &str| -> Result<Vec<Option<f64>>, DataError> {
        let column = table.text(&format!("{name}_tok_s"))?;
        Ok(column.iter().map(|cell| cell.parse().ok()).collect())
    };
    let (packed, wide) = (cells("decode_8b_q4km")?, cells("decode_8b_f16")?);
    let (packed_prefill, wide_prefill) = (cells("prefill_8b_q4km")?, cells("prefill_8b_f16")?);
    let rows = devices.iter().enumerate();
    let single = |(row, device): (usize, &String)| Single {
        device: device.clone(),
        packed: (packed[row], packed_prefill[row]),
        wide: (wide[row], wide_prefill[row]),
    };
    Ok(rows.map(single).collect())
}

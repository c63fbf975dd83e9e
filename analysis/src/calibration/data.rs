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
            let names: Vec<&str> = names.into_iter().map(|name| name.as_str()).collect();
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
/// two measurements of it. 8-bit products are those with one scale to a tensor.
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
    let points = (0..ms.len()).filter_map(|row| {
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

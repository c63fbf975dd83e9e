//! Single operations, on shapes that were held out and on devices that were; and whole layers without attention.

use std::path::Path;

use walras_scenarios::catalog::Catalog;
use walras_sim::hardware::{Format, Kernels, Model};

use super::{Row, Rung, Status};
use crate::calibration::data::{self, DataError, Layer};
use crate::calibration::point::{Errors, Kind, Op, Point};
use crate::calibration::shipped::{FITTED, expected, points, shipped};

/// Bound of the median error on held-out shapes of a measured device.
const CALIBRATED: f64 = 0.10;
/// Bound on a device that is predicted from its data sheet and its class.
const PREDICTED: f64 = 0.20;

/// Fitted devices, by kind of operation.
pub(super) fn operations(data: &Path) -> Result<Rung, DataError> {
    let mut rows = Vec::new();
    for device in FITTED {
        let points = points(data, device)?;
        let (out, used): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| point.op.is_held_out());
        let kernels = shipped(device).kernels;
        // One model has too few matrices to hold one out.
        let target = (device != "rtx-4090").then_some(CALIBRATED);
        push(&mut rows, device, &kernels, &used, Status::Fitted, None);
        push(&mut rows, device, &kernels, &out, Status::HeldOut, target);
    }
    Ok(Rung {
        title: "Kernels",
        about: "Times of single operations. One shape in five, chosen by a hash of the size of the weights or of the heads and \
            batch, did not enter the fit. H100 and A100: vLLM 0.24 and 0.14 tables of NVIDIA AIConfigurator (Apache-2.0), norms \
            and activations from the Vidur profiler (MIT); RTX 4090: vLLM 0.19 tables of LLMServingSim (MIT), one model, \
            with too few matrices to hold one out. Batches of at most 512, heads of 64 to 256, in decode contexts \
            of at least 64 tokens: below, the time is a plateau.",
        rows,
    })
}

/// Devices predicted from the H100 and their data sheets.
pub(super) fn transfer(data: &Path) -> Result<Rung, DataError> {
    let mut rows = Vec::new();
    for (device, target) in [("a100-sxm-80", Some(PREDICTED)), ("rtx-4090", None)] {
        let points = points(data, device)?;
        let expected = expected(device);
        push(
            &mut rows,
            device,
            &expected,
            &points,
            Status::DataSheet,
            target,
        );
    }
    Ok(Rung {
        title: "Kernels of a device never measured",
        about: "The rates of the H100, scaled by the peaks of the data sheets, against the measurements of the A100, \
            which is of its class, and of the RTX 4090, which is not: there the cache holds what norms read and write.",
        rows,
    })
}

/// A row for each kind, and one for all operations, which has the bound.
fn push(
    rows: &mut Vec<Row>,
    device: &str,
    kernels: &Kernels,
    points: &[Point],
    status: Status,
    target: Option<f64>,
) {
    let mut kinds: Vec<Kind> = points.iter().map(|point| point.op.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut row = |quantity: String, errors: Option<Errors>, target: Option<f64>| {
        rows.extend(errors.map(|errors| Row {
            device: device.to_owned(),
            quantity,
            status,
            errors,
            target,
        }));
    };
    for kind in kinds {
        let of_kind = points.iter().filter(|point| point.op.kind() == kind);
        row(kind.name(), Errors::of_points(kernels, of_kind), None);
    }
    row(
        "all operations".to_owned(),
        Errors::of_points(kernels, points),
        target,
    );
}

/// Layers of two models on two devices.
pub(super) fn layers(data: &Path) -> Result<Rung, DataError> {
    let llama_3 = Catalog::get()
        .model("llama-3.1-8b")
        .expect("the catalog has it");
    let llama_2 = Model {
        name: "llama-2-7b".to_owned(),
        parameters: 6_738_415_616.0,
        kv_heads: 32,
        ffn: 11008,
        vocab: 32000,
        ..llama_3.clone()
    };
    let mut rows = Vec::new();
    for (device, file, model) in [
        ("a100-sxm-80", "a100/llama-3-8b-mlp.csv", &llama_3),
        ("h100-sxm", "h100/llama-2-7b-mlp.csv", &llama_2),
    ] {
        let kernels = shipped(device).kernels;
        let (layers, _) = data::layers(data, file)?;
        for tensor in [1, 2, 4, 8] {
            let of_size = layers.iter().filter(|layer| layer.tensor == tensor);
            let pairs = of_size.map(|layer| (predicted(&kernels, model, layer), layer.seconds));
            rows.extend(Errors::of(pairs).map(|errors| Row {
                device: device.to_owned(),
                quantity: format!("{} × {tensor}", model.name),
                status: Status::HeldOut,
                errors,
                target: None,
            }));
        }
    }
    Ok(Rung {
        title: "Layers",
        about: "A layer without its attention, of 1 to 32,768 tokens, split over so many GPUs (×): the sum of its operations. \
            Vidur profiler (MIT), software of 2024. The rates of the products are those of newer libraries; the H100 was slower \
            then for 64 to 1,000 tokens, which is what the bias shows.",
        rows,
    })
}

fn predicted(kernels: &Kernels, model: &Model, layer: &Layer) -> f64 {
    let (_, roof) = kernels.matmul(Format::Bf16);
    let products = model.layer(layer.tokens, layer.tensor);
    let products: f64 = products
        .iter()
        .map(|product| roof.seconds(product.work(Format::Bf16)))
        .sum();
    // Norms and additions are operations of their own in these tables.
    let [_, rotation, _, activation] = model.streams(layer.tokens, layer.tensor);
    let array = 2.0 * f64::from(layer.tokens) * f64::from(model.hidden);
    let streams = [
        2.0 * array,
        3.0 * array,
        2.0 * array,
        3.0 * array,
        rotation,
        activation,
    ];
    let streams: f64 = streams
        .iter()
        .filter_map(|bytes| Op::Stream(*bytes).predicted(kernels))
        .sum();
    products + streams
}

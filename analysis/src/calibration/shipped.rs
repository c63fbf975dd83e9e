//! The measurements behind the device classes of the catalog that were fitted, and the fit repeated.

use std::path::Path;

use walras_scenarios::catalog::Catalog;
use walras_sim::hardware::{Device, Kernels};

use super::data::{self, DataError};
use super::fit::{Fitted, data_sheet, fit};
use super::point::Point;

/// The device classes whose rates were fitted to published measurements of kernels. The first is the class of the others: its rates,
/// scaled by the peaks of the data sheets, are their prior.
pub const FITTED: [&str; 3] = ["h100-sxm", "a100-sxm-80", "rtx-4090"];

/// The measured operations of a fitted device class; none for the others.
///
/// # Errors
/// If a table cannot be read.
pub fn points(data: &Path, device: &str) -> Result<Vec<Point>, DataError> {
    let (tables, layers) = match device {
        "h100-sxm" => ("h100_sxm", "h100/llama-2-7b-mlp.csv"),
        "a100-sxm-80" => ("a100_sxm", "a100/llama-3-8b-mlp.csv"),
        "rtx-4090" => return data::rtx_4090(data),
        _ => return Ok(Vec::new()),
    };
    let mut points = data::products(data, tables)?;
    points.extend(data::attention(data, tables)?);
    points.extend(data::exchanges(data, tables)?);
    points.extend(data::layers(data, layers)?.1);
    Ok(points)
}

/// The fits of [`FITTED`], repeated, in that order.
///
/// # Errors
/// If a table cannot be read.
///
/// # Panics
/// If the catalog does not have them.
pub fn refit(data: &Path) -> Result<Vec<Fitted>, DataError> {
    let mut fits: Vec<Fitted> = Vec::new();
    for name in FITTED {
        let (device, class) = (shipped(name), shipped(FITTED[0]));
        let prior = match fits.first() {
            None => data_sheet(device.flops, device.bandwidth),
            Some(fit) => fit.kernels.scaled(
                device.flops / class.flops,
                device.bandwidth / class.bandwidth,
            ),
        };
        fits.push(fit(&points(data, name)?, &prior));
    }
    Ok(fits)
}

/// What the data sheet of a device and the rates of the first of [`FITTED`] say of it.
///
/// # Panics
/// If the catalog does not have it.
#[must_use]
pub fn expected(device: &str) -> Kernels {
    let (device, class) = (shipped(device), shipped(FITTED[0]));
    let compute = device.flops / class.flops;
    class
        .kernels
        .scaled(compute, device.bandwidth / class.bandwidth)
}

/// A device class of the catalog.
///
/// # Panics
/// If the catalog does not have it.
#[must_use]
pub fn shipped(device: &str) -> Device {
    let found = Catalog::get().device(device);
    found.unwrap_or_else(|| panic!("the catalog has `{device}`"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fit::Parameter;
    use super::super::point::Kind;
    use super::super::yaml;
    use super::*;

    /// The rates in the catalog are those that the fit gives, to the three digits that are written. With `WALRAS_BLESS` they are
    /// written anew.
    #[test]
    fn shipped_rates_are_those_of_the_fit() {
        let Some(data) = data::folder() else {
            println!("skipped: no folder with measurements; set WALRAS_DATA to where it is");
            return;
        };
        let fits = refit(&data).expect("tables");
        for (name, fitted) in FITTED.into_iter().zip(fits) {
            for parameter in &fitted.parameters {
                println!("{name} {parameter:?}");
            }
            for residual in &fitted.residuals {
                println!("{name} {residual:?}");
            }
            let device = shipped(name);
            let written = |kernels| yaml::kernels(kernels, device.flops, device.bandwidth, 2);
            // Formats of another source stay as they are, and so does what no table says of the card.
            let mut kernels = fitted.kernels;
            let measured = |format| {
                let of = |parameter: &Parameter| parameter.kind == Kind::MatMul(format);
                fitted.parameters.iter().any(of)
            };
            kernels.matmul.retain(|(format, _)| measured(*format));
            let other = device.kernels.matmul.iter();
            kernels
                .matmul
                .extend(other.filter(|(format, _)| !measured(*format)));
            if name == "rtx-4090" {
                kernels.link = None;
            }
            let (found, stated) = (written(&kernels), written(&device.kernels));
            if std::env::var_os("WALRAS_BLESS").is_some() {
                let path = format!(
                    "{}/../scenarios/calibration/{name}.yaml",
                    env!("CARGO_MANIFEST_DIR")
                );
                let text = fs::read_to_string(&path).expect("the file of the class");
                let (head, rest) = text.split_once("  kernels:\n").expect("kernels");
                let (_, tail) = rest.split_once("  overheads:").expect("overheads");
                fs::write(path, format!("{head}{found}  overheads:{tail}")).expect("writable");
            } else {
                assert_eq!(stated, found, "{name}");
            }
        }
    }
}

//! The catalog that comes with Walras: devices, models, requests, availability, prices, regions and platforms.

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use walras_sim::hardware::{Device, Model};
use walras_sim::network::egress::Egress;

use crate::document::{self, Node, Value};
use crate::issue::{Issues, Source};
use crate::lower;
use crate::report::Report;
use crate::schema::Schema;
use crate::spec::Named;
use crate::spec::catalog::{
    AvailabilityBook, AvailabilitySpec, DeviceSpec, Geography, ModelSpec, PriceBook, RequestsSpec,
};

/// A file with the name under which problems in it are reported.
type File = (&'static str, &'static str);

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../", $name)))),*]
    };
}

const FILES: [File; 6] = files![
    "catalog/models.yaml",
    "catalog/workloads.yaml",
    "catalog/availability.yaml",
    "catalog/prices.yaml",
    "catalog/regions.yaml",
    "catalog/platforms.yaml",
];

/// The device classes, one to a file.
const DEVICES: &[File] = &files![
    "calibration/a100-sxm-80.yaml",
    "calibration/apple-m1-max.yaml",
    "calibration/apple-m3-max.yaml",
    "calibration/desktop-cpu.yaml",
    "calibration/epyc-server-cpu.yaml",
    "calibration/epyc-zen5-core.yaml",
    "calibration/h100-sxm.yaml",
    "calibration/h200-sxm.yaml",
    "calibration/l40s.yaml",
    "calibration/rtx-3090.yaml",
    "calibration/rtx-4090.yaml",
    "calibration/rtx-a6000.yaml",
    "calibration/rtx-pro-6000.yaml",
];

/// The catalog, read and checked.
#[derive(Debug)]
pub struct Catalog {
    /// Device classes.
    pub devices: Named<DeviceSpec>,
    /// Language models.
    pub models: Named<ModelSpec>,
    /// Fitted workloads.
    pub workloads: Named<RequestsSpec>,
    /// Classes of availability.
    pub availability: Named<AvailabilitySpec>,
    /// Price books.
    pub prices: Named<PriceBook>,
    /// Regions and links.
    pub geography: Geography,
    /// The trees of the sections that a scenario may change.
    pub(crate) trees: Trees,
}

/// Sections of the catalog as they are written.
#[derive(Debug)]
pub(crate) struct Trees {
    pub devices: Node,
    pub models: Node,
    pub availability: Node,
    pub platforms: Node,
}

impl Catalog {
    /// The catalog.
    ///
    /// # Panics
    /// If a file of the catalog is wrong: a mistake of ours, not of the user.
    #[must_use]
    pub fn get() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| {
            let devices = devices();
            let [models, workloads, availability, prices, regions, platforms] = FILES.map(read);
            let book: AvailabilityBook = typed(&availability);
            Self {
                devices: typed(&devices),
                models: typed(&models),
                workloads: typed(&workloads),
                availability: book.classes,
                prices: typed(&prices),
                geography: typed(&regions),
                trees: Trees {
                    devices,
                    models,
                    availability: availability
                        .get("classes")
                        .cloned()
                        .expect("the schema requires `classes`"),
                    platforms,
                },
            }
        })
    }

    /// The device class of this name, as simulations use it.
    ///
    /// # Panics
    /// If a file of the catalog is wrong: a mistake of ours, not of the user.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<Device> {
        let spec = self.devices.get(name)?;
        let mut report = Report {
            tree: self.trees.devices.clone(),
            issues: Vec::new(),
            spoiled: Vec::new(),
        };
        let device = lower::device(&mut report, name, spec);
        assert!(device.is_some(), "{:?}", report.issues);
        device
    }

    /// The model of this name, as simulations use it.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<Model> {
        Some(lower::model(name, self.models.get(name)?))
    }

    /// What this provider charges for data between regions.
    ///
    /// # Panics
    /// If a file of the catalog is wrong: a mistake of ours, not of the user.
    #[must_use]
    pub fn egress(&self, provider: &str) -> Option<Egress> {
        let book = self.geography.egress.get(provider)?;
        let regions = || self.geography.regions.keys();
        let price = |from: &str, to: &str| {
            if from == to {
                return 0.0;
            }
            let pair = (book.pairs.iter()).find(|pair| pair.from == from && pair.to == to);
            let flat = || book.from.get(from).copied();
            pair.map(|pair| pair.usd_per_gb)
                .or_else(flat)
                .unwrap_or_else(|| panic!("`{provider}` has no price for what leaves `{from}`"))
        };
        let row = |from: &str| regions().map(|to| price(from, to)).collect();
        let rows: Vec<Vec<f64>> = regions().map(|from| row(from)).collect();
        Some(Egress::new(&rows))
    }

    /// All texts of the catalog, for the hash of what determines a result.
    pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
        FILES.iter().chain(DEVICES).map(|(_, text)| *text)
    }
}

/// All device classes in one tree; every class keeps the place in its file.
fn devices() -> Node {
    let mut trees = DEVICES.iter().copied().map(read);
    let mut all = trees.next().expect("there are device classes");
    for tree in trees {
        if let (Value::Map(all), Value::Map(more)) = (&mut all.value, tree.value) {
            all.extend(more);
        }
    }
    all
}

fn read((name, text): (&str, &str)) -> Node {
    let source = Arc::new(Source {
        name: name.to_owned(),
        text: text.to_owned(),
    });
    document::parse(&source).unwrap_or_else(|issues| panic!("{}", Issues::new(name, issues)))
}

fn typed<T: DeserializeOwned + JsonSchema>(node: &Node) -> T {
    let issues = Schema::of::<T>().check(node);
    assert!(
        issues.is_empty(),
        "{}",
        Issues::new(node.place.source.name.clone(), issues)
    );
    value(node).unwrap_or_else(|reason| panic!("{}: {reason}", node.place.source.name))
}

/// The tree as a value of its type.
///
/// # Errors
/// What the type objects to. A tree that the schema accepts is accepted here.
pub(crate) fn value<T: DeserializeOwned>(node: &Node) -> Result<T, String> {
    serde_json::to_value(node)
        .and_then(serde_json::from_value)
        .map_err(|error| error.to_string())
}

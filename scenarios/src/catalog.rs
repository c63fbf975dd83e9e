//! The catalog that comes with Walras: devices, models, requests, availability, prices, regions and platforms.

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::document::{self, Node};
use crate::issue::{Issues, Source};
use crate::schema::Schema;
use crate::spec::Named;
use crate::spec::catalog::{
    AvailabilityBook, AvailabilitySpec, DeviceSpec, Geography, ModelSpec, PriceBook, RequestsSpec,
};

/// The files, by the names under which problems in them are reported.
const FILES: [(&str, &str); 7] = [
    (
        "catalog/devices.yaml",
        include_str!("../catalog/devices.yaml"),
    ),
    (
        "catalog/models.yaml",
        include_str!("../catalog/models.yaml"),
    ),
    (
        "catalog/workloads.yaml",
        include_str!("../catalog/workloads.yaml"),
    ),
    (
        "catalog/availability.yaml",
        include_str!("../catalog/availability.yaml"),
    ),
    (
        "catalog/prices.yaml",
        include_str!("../catalog/prices.yaml"),
    ),
    (
        "catalog/regions.yaml",
        include_str!("../catalog/regions.yaml"),
    ),
    (
        "catalog/platforms.yaml",
        include_str!("../catalog/platforms.yaml"),
    ),
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
            let [
                devices,
                models,
                workloads,
                availability,
                prices,
                regions,
                platforms,
            ] = FILES.map(read);
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

    /// All texts of the catalog, for the hash of what determines a result.
    pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(_, text)| *text)
    }
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

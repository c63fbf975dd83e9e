//! The scenarios that come with Walras, one for each question.

/// A scenario of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LibraryEntry {
    /// Its name: the file without its ending.
    pub name: &'static str,
    /// The question that it answers.
    pub question: &'static str,
    /// The whole file.
    pub text: &'static str,
}

macro_rules! entries {
    ($($name:literal),* $(,)?) => {
        &[$(LibraryEntry {
            name: $name,
            question: first_comment(include_str!(concat!("../library/", $name, ".yaml"))),
            text: include_str!(concat!("../library/", $name, ".yaml")),
        }),*]
    };
}

const ENTRIES: &[LibraryEntry] = entries![
    "depin-vs-cloud",
    "scheduler-race",
    "herding",
    "churn",
    "price-discovery",
    "cloud-menu",
    "load-and-price",
    "eighty-percent-cheaper",
    "swarm-70b",
    "outage",
    "disaggregation",
    "gpu-queue",
    "gpu-packing",
    "workflows",
    "checkpoints",
    "home-storage",
    "data-locality",
    "subsidy-end",
    "emission-schedules",
    "burn-share",
    "price-rules",
    "token-crash",
    "cloud-price-cut",
    "electricity-shock",
    "lead-time",
    "vampire-attack",
    "who-goes-first",
    "reserved-cloud",
    "stake-size",
    "creator-rewards",
    "storage-mint",
    "storage-deals",
    "validator-collusion",
    "two-fidelities"
];

/// The library, in the order in which a newcomer would read it.
#[must_use]
pub fn library() -> &'static [LibraryEntry] {
    ENTRIES
}

/// The text of the comment on the first line.
const fn first_comment(text: &str) -> &str {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b'\n' {
        end += 1;
    }
    let (line, _) = text.split_at(end);
    let (_, comment) = line.split_at(2);
    comment
}

//! The plan: a scenario reduced to what the simulator needs, every name resolved and every number checked.

use serde::{Deserialize, Serialize};
use walras_des::Span;
use walras_sim::cluster::{self, site::Site};
use walras_sim::economy::Economy;
use walras_sim::hardware::Profile;
use walras_sim::platform::Platform;
use walras_sim::record::{Kind, MetricId};
use walras_sim::workload::Workload;
use walras_sim::world::Settings;

/// Everything that determines the results of an experiment.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is simulated.
    pub subject: Subject,
    /// Length of a run; requests arrive until then.
    pub horizon: Span,
    /// Jobs submitted before this time are served and not measured.
    pub warm_up: Span,
    /// Whether pilot replications find the warm-up, which is nothing until then.
    pub finds_warm_up: bool,
    /// Time between two samples of the state.
    pub sample_every: Span,
    /// Seed of all random streams.
    pub seed: u64,
    /// Independent repetitions, at least one; with a precision to reach, the most.
    pub replications: u32,
    /// The precision that ends the repetitions, if one does.
    pub precision: Option<Precision>,
}

/// What a scenario is about; its entries are called platforms, of whichever kind they are.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Requests, and platforms that serve them.
    Requests(Requests),
    /// Batch jobs, and clusters that run them.
    Batch(Batch),
    /// Customers, and the networks that they choose between over years.
    Economies(Economies),
}

/// Economies, each with its customers.
#[derive(Clone, Debug)]
pub struct Economies {
    /// The economies, in the order of the scenario.
    pub economies: Vec<Economy>,
}

/// Requests, and the platforms that serve them.
#[derive(Clone, Debug)]
pub struct Requests {
    /// The platforms, in the order of the scenario.
    pub platforms: Vec<Platform>,
    /// The requests that each of them meets.
    pub workload: Workload,
}

/// Batch jobs, and the clusters that run them.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The clusters, in the order of the scenario.
    pub sites: Vec<Site>,
    /// The jobs that each of them meets.
    pub workload: cluster::workload::Workload,
}

/// How precise the answer must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// The most that a figure may be off, relative to its true value: above 0, below 1.
    pub relative: f64,
    /// The figures that must be as precise; empty for those that the verdict rests on.
    pub of: Vec<MetricId>,
    /// Repetitions before the first look, from 2 to [`Plan::replications`].
    pub at_least: u32,
}

/// How well the step times of a device class are known, for what it serves on a platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Name of the platform.
    pub platform: String,
    /// Name of the device class.
    pub device: String,
    /// Devices of a node.
    pub devices: u32,
    /// The model and the format of its weights.
    pub serves: String,
    /// Median relative error on the measurements that the class was fitted to.
    pub fitted: f64,
    /// Median relative error on measurements that it was not fitted to.
    pub held_out: f64,
    /// The error to state here: more than `held_out` outside the measured range.
    pub stated: f64,
    /// How far the longest request, the batch or the token budget lies outside the measured range, as a factor; one inside.
    pub excess: f64,
    /// The format whose measurements stand for those of this one, if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrowed: Option<String>,
}

impl Plan {
    /// Names of what is compared, in the order of the scenario.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match &self.subject {
            Subject::Requests(requests) => {
                let platforms = requests.platforms.iter();
                platforms.map(|platform| &*platform.name).collect()
            }
            Subject::Batch(batch) => batch.sites.iter().map(|site| &*site.name).collect(),
            Subject::Economies(all) => {
                let economies = all.economies.iter();
                economies.map(|economy| &*economy.name).collect()
            }
        }
    }

    /// Requests and platforms, if it is about these.
    #[must_use]
    pub fn requests(&self) -> Option<&Requests> {
        match &self.subject {
            Subject::Requests(requests) => Some(requests),
            Subject::Batch(_) | Subject::Economies(_) => None,
        }
    }

    /// Requests and platforms, for what only looks at these.
    ///
    /// # Panics
    /// If it is about something else.
    #[must_use]
    pub fn expect_requests(&self) -> &Requests {
        self.requests().expect("only requests are looked at so")
    }

    /// Batch jobs and clusters, if it is about these.
    #[must_use]
    pub fn batch(&self) -> Option<&Batch> {
        match &self.subject {
            Subject::Requests(_) | Subject::Economies(_) => None,
            Subject::Batch(batch) => Some(batch),
        }
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.subject {
            Subject::Requests(_) => Kind::Requests,
            Subject::Batch(_) => Kind::Batch,
            Subject::Economies(_) => Kind::Economy,
        }
    }

    /// How well the costs of every device class in use are known.
    #[must_use]
    pub fn costs(&self) -> Vec<Cost> {
        let Some(requests) = self.requests() else {
            return Vec::new();
        };
        let longest = crate::lower::longest(&requests.workload);
        let of = |platform: &Platform, profile: &Profile| Cost {
            platform: platform.name.clone(),
            device: profile.device.name.clone(),
            devices: profile.deployment.devices(),
            serves: format!(
                "{} in {}",
                profile.deployment.model.name,
                profile.deployment.format.name()
            ),
            fitted: profile.device.residuals.fitted,
            held_out: profile.device.residuals.held_out,
            stated: profile.stated_error(longest),
            excess: profile.excess(longest),
            borrowed: profile.borrowed().map(|format| format.name().to_owned()),
        };
        let platforms = requests.platforms.iter();
        platforms
            .flat_map(|platform| {
                platform
                    .profiles
                    .iter()
                    .map(move |profile| of(platform, profile))
            })
            .collect()
    }

    /// What a run is told beyond platform and workload.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            horizon: self.horizon,
            warm_up: self.warm_up,
            sample_every: self.sample_every,
        }
    }
}

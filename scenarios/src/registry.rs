//! Schedulers that a program registers, so that scenarios and the command line can name them beside the built-in ones.

use std::sync::{Arc, OnceLock};

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use walras_des::Streams;
use walras_sim::cluster::policy::Scheduler as BatchScheduler;
use walras_sim::cluster::policy::custom::Custom as BatchCustom;
use walras_sim::scheduling::{Custom, Scheduler};

use crate::spec::cluster::ClusterSchedulerSpec;
use crate::spec::platform::SchedulerSpec;

/// A scheduler with a name, for platforms or for clusters.
#[derive(Clone)]
pub struct Registered {
    name: String,
    make: Make,
}

#[derive(Clone)]
enum Make {
    Requests(Arc<Maker<dyn Scheduler>>),
    Batch(Arc<Maker<dyn BatchScheduler>>),
}

type Maker<S> = dyn Fn(&mut Parameters, &Streams) -> Made<S> + Send + Sync;

type Made<S> = Result<Box<S>, String>;

impl Registered {
    /// A scheduler that scenarios call `name`, as in `scheduler: name` or `scheduler: {name: {d: 3}}`.
    ///
    /// `make` reads its parameters and gives the scheduler for one run; random numbers come from the streams, which depend on the
    /// seed and the replication alone. It is called once when a scenario is read, so that wrong parameters are told then, and
    /// once for every run.
    pub fn new<S: Scheduler + 'static>(
        name: &str,
        make: impl Fn(&mut Parameters, &Streams) -> Result<S, String> + Send + Sync + 'static,
    ) -> Self {
        let make = move |parameters: &mut Parameters, streams: &Streams| -> Made<dyn Scheduler> {
            Ok(Box::new(make(parameters, streams)?))
        };
        Self {
            name: name.to_owned(),
            make: Make::Requests(Arc::new(make)),
        }
    }

    /// The same for clusters and their batch jobs.
    pub fn of_cluster<S: BatchScheduler + 'static>(
        name: &str,
        make: impl Fn(&mut Parameters, &Streams) -> Result<S, String> + Send + Sync + 'static,
    ) -> Self {
        let make =
            move |parameters: &mut Parameters, streams: &Streams| -> Made<dyn BatchScheduler> {
                Ok(Box::new(make(parameters, streams)?))
            };
        Self {
            name: name.to_owned(),
            make: Make::Batch(Arc::new(make)),
        }
    }

    /// What its maker says of these parameters, or the first that it did not ask for.
    fn check<S: ?Sized>(
        &self,
        written: &Map<String, Value>,
        make: &dyn Fn(&mut Parameters, &Streams) -> Made<S>,
    ) -> Result<(), String> {
        let mut parameters = Parameters::new(written);
        make(&mut parameters, &Streams::new(0, 0))?;
        if let Some(stranger) = written.keys().find(|key| !parameters.asked.contains(key)) {
            let known = match parameters.asked.join("`, `") {
                known if known.is_empty() => "it has none".to_owned(),
                known => format!("it has `{known}`"),
            };
            return Err(format!(
                "`{}` has no parameter `{stranger}`; {known}",
                self.name
            ));
        }
        Ok(())
    }
}

const AGAIN: &str = "it was made of the same before";

/// What stands in the braces behind the name of a registered scheduler.
#[derive(Clone, Debug)]
pub struct Parameters {
    written: Map<String, Value>,
    /// Those that were asked for: all that there are.
    asked: Vec<String>,
}

impl Parameters {
    fn new(written: &Map<String, Value>) -> Self {
        Self {
            written: written.clone(),
            asked: Vec::new(),
        }
    }

    /// The parameter `key`, or `default` if it is not given.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn get<T: DeserializeOwned>(&mut self, key: &str, default: T) -> Result<T, String> {
        self.asked.push(key.to_owned());
        let Some(value) = self.written.get(key) else {
            return Ok(default);
        };
        T::deserialize(value).map_err(|problem| format!("`{key}` cannot be {value}: {problem}"))
    }
}

static REGISTERED: OnceLock<Vec<Registered>> = OnceLock::new();

/// Makes schedulers known to everything that reads scenarios in this process; before any is read, and once.
///
/// # Panics
/// If a name is that of a built-in scheduler, is given twice or could not be written, or if schedulers were registered before.
pub fn register(schedulers: Vec<Registered>) {
    for (index, Registered { name, .. }) in schedulers.iter().enumerate() {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain),
            "a scheduler cannot be called `{name}`: use letters, digits, `-` and `_`"
        );
        assert!(
            schedulers[..index].iter().all(|other| other.name != *name),
            "two schedulers are called `{name}`"
        );
        let built_in = [json!(name), json!({ name: {} })];
        let is_variant = |problem: Option<String>| {
            problem.is_none_or(|problem| !problem.starts_with("unknown variant"))
        };
        let is_known = |written: Value| {
            let of_requests = SchedulerSpec::deserialize(&written).err();
            let of_clusters = ClusterSchedulerSpec::deserialize(&written).err();
            is_variant(of_requests.map(|problem| problem.to_string()))
                || is_variant(of_clusters.map(|problem| problem.to_string()))
        };
        assert!(
            !built_in.into_iter().any(is_known),
            "`{name}` is the name of a built-in scheduler: choose another"
        );
    }
    let is_first = REGISTERED.set(schedulers).is_ok();
    assert!(is_first, "schedulers are registered once, all together");
}

fn registered() -> &'static [Registered] {
    REGISTERED.get().map_or(&[], Vec::as_slice)
}

/// Names of all registered schedulers of platforms, or of clusters.
pub(crate) fn names(of_clusters: bool) -> impl Iterator<Item = &'static str> {
    let all = registered().iter();
    let meant = all.filter(move |known| matches!(known.make, Make::Batch(_)) == of_clusters);
    meant.map(|scheduler| &*scheduler.name)
}

fn found(name: &str) -> &'static Registered {
    let found = registered().iter().find(|scheduler| scheduler.name == name);
    found.unwrap_or_else(|| panic!("`{name}` was found when the scenario was read"))
}

/// The policy of a registered scheduler of platforms.
///
/// # Errors
/// If the parameters are wrong.
///
/// # Panics
/// If no scheduler of that name is registered.
pub(crate) fn policy(name: &str, parameters: &Map<String, Value>) -> Result<Custom, String> {
    let registered = found(name);
    let Make::Requests(make) = &registered.make else {
        panic!("`{name}` is for clusters");
    };
    registered.check(parameters, &**make)?;
    let (make, written) = (Arc::clone(make), parameters.clone());
    Ok(Custom::new(name, move |streams| {
        make(&mut Parameters::new(&written), streams)
            .unwrap_or_else(|problem| panic!("{AGAIN}: {problem}"))
    }))
}

/// The policy of a registered scheduler of clusters.
///
/// # Errors
/// If the parameters are wrong.
///
/// # Panics
/// If no scheduler of that name is registered.
pub(crate) fn cluster_policy(
    name: &str,
    parameters: &Map<String, Value>,
) -> Result<BatchCustom, String> {
    let registered = found(name);
    let Make::Batch(make) = &registered.make else {
        panic!("`{name}` is for platforms");
    };
    registered.check(parameters, &**make)?;
    let (make, written) = (Arc::clone(make), parameters.clone());
    Ok(BatchCustom::new(name, move |streams| {
        make(&mut Parameters::new(&written), streams)
            .unwrap_or_else(|problem| panic!("{AGAIN}: {problem}"))
    }))
}

/// The name of a registered scheduler with what stands in the braces behind it, if that is what is written.
fn by_name(written: &Value, of_clusters: bool) -> Option<(String, Map<String, Value>)> {
    let (name, parameters) = match written {
        Value::String(name) => (name, Map::new()),
        Value::Object(map) if map.len() == 1 => {
            let (name, parameters) = map.iter().next()?;
            (name, parameters.as_object()?.clone())
        }
        _ => return None,
    };
    let is_known = names(of_clusters).any(|known| known == name);
    is_known.then(|| (name.clone(), parameters))
}

/// A scheduler as it is written: built in, or registered.
pub(crate) fn read<'de, D: Deserializer<'de>>(written: D) -> Result<SchedulerSpec, D::Error> {
    let value = Value::deserialize(written)?;
    if let Some((name, parameters)) = by_name(&value, false) {
        return Ok(SchedulerSpec::Registered { name, parameters });
    }
    SchedulerSpec::deserialize(value).map_err(D::Error::custom)
}

/// The same of clusters.
pub(crate) fn read_of_cluster<'de, D: Deserializer<'de>>(
    written: D,
) -> Result<ClusterSchedulerSpec, D::Error> {
    let value = Value::deserialize(written)?;
    if let Some((name, parameters)) = by_name(&value, true) {
        return Ok(ClusterSchedulerSpec::Registered { name, parameters });
    }
    ClusterSchedulerSpec::deserialize(value).map_err(D::Error::custom)
}

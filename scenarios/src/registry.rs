//! Schedulers that a program registers, so that scenarios and the command line can name them beside the built-in ones.

use std::sync::{Arc, OnceLock};

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use walras_des::Streams;
use walras_sim::scheduling::{Custom, Scheduler};

use crate::spec::platform::SchedulerSpec;

/// A scheduler with a name.
#[derive(Clone)]
pub struct Registered {
    name: String,
    make: Arc<Make>,
}

type Make = dyn Fn(&mut Parameters, &Streams) -> Result<Box<dyn Scheduler>, String> + Send + Sync;

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
        let make = move |parameters: &mut Parameters, streams: &Streams| {
            make(parameters, streams).map(|made| Box::new(made) as Box<dyn Scheduler>)
        };
        Self {
            name: name.to_owned(),
            make: Arc::new(make),
        }
    }

    /// The policy with these parameters.
    ///
    /// # Errors
    /// What its maker says of them, or the first that it did not ask for.
    fn policy(&self, written: &Map<String, Value>) -> Result<Custom, String> {
        let mut parameters = Parameters::new(written);
        (self.make)(&mut parameters, &Streams::new(0, 0))?;
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
        let (make, written) = (Arc::clone(&self.make), written.clone());
        Ok(Custom::new(&self.name, move |streams| {
            make(&mut Parameters::new(&written), streams)
                .unwrap_or_else(|problem| panic!("it was made of the same before: {problem}"))
        }))
    }
}

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
        let is_known = |written: Value| match SchedulerSpec::deserialize(written) {
            Ok(_) => true,
            Err(problem) => !problem.to_string().starts_with("unknown variant"),
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

/// Names of all registered schedulers.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    registered().iter().map(|scheduler| &*scheduler.name)
}

/// The policy of a registered scheduler.
///
/// # Errors
/// If the parameters are wrong.
///
/// # Panics
/// If no scheduler of that name is registered.
pub(crate) fn policy(name: &str, parameters: &Map<String, Value>) -> Result<Custom, String> {
    let found = registered().iter().find(|scheduler| scheduler.name == name);
    found
        .unwrap_or_else(|| panic!("`{name}` was found when the scenario was read"))
        .policy(parameters)
}

/// A scheduler as it is written: built in, or registered.
pub(crate) fn read<'de, D: Deserializer<'de>>(written: D) -> Result<SchedulerSpec, D::Error> {
    let value = Value::deserialize(written)?;
    let (name, parameters) = match &value {
        Value::String(name) => (name.as_str(), Map::new()),
        Value::Object(map) => match map.iter().next() {
            Some((name, Value::Object(parameters))) if map.len() == 1 => {
                (name.as_str(), parameters.clone())
            }
            _ => ("", Map::new()),
        },
        _ => ("", Map::new()),
    };
    if names().any(|known| known == name) {
        let name = name.to_owned();
        return Ok(SchedulerSpec::Registered { name, parameters });
    }
    SchedulerSpec::deserialize(value).map_err(D::Error::custom)
}

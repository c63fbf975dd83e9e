//! A policy from outside: a name, and what makes it anew for every run.

use std::fmt;
use std::sync::Arc;

use walras_des::Streams;

use crate::cluster::policy::Scheduler;

/// A policy that is not built in.
#[derive(Clone)]
pub struct Custom {
    name: Arc<str>,
    make: Arc<Make>,
}

/// Makes a policy for one run, with random streams that depend on (seed, replication) alone.
type Make = dyn Fn(&Streams) -> Box<dyn Scheduler> + Send + Sync;

impl Custom {
    /// A policy that is called `name`, and that `make` makes anew for every run.
    #[must_use]
    pub fn new(
        name: &str,
        make: impl Fn(&Streams) -> Box<dyn Scheduler> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            make: Arc::new(make),
        }
    }

    /// How it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The policy at work.
    pub(super) fn build(&self, streams: &Streams) -> Box<dyn Scheduler> {
        (self.make)(streams)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Custom").field(&self.name).finish()
    }
}

/// Two are the same if the same thing makes them.
impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.make, &other.make)
    }
}

//! Policies from outside: a name, what makes them, and how one that cannot go on ends its run.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use walras_des::Streams;

use crate::scheduling::{Cause, Orders, Scheduler};
use crate::view::{Needs, View};

/// A policy that is not built in. Only its decisions go through `dyn`.
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
    pub(super) fn build(&self, streams: &Streams) -> Foreign {
        Foreign((self.make)(streams))
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

/// A custom policy at work.
pub struct Foreign(Box<dyn Scheduler>);

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Foreign")
    }
}

impl Scheduler for Foreign {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.0.decide(cause, view, orders);
    }
}

/// Why a policy cannot go on: no illegal order, which is refused and counted, but the end of what makes its decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl Broken {
    /// Ends the run. A decision has no way to fail, because none of ours does; so the stack is unwound, and whoever started the
    /// run finds this as the payload. No message of a panic is printed.
    pub fn end_run(self) -> ! {
        std::panic::resume_unwind(Box::new(self))
    }

    /// What ended a run that was unwound, if a broken policy did.
    #[must_use]
    pub fn of(payload: &(dyn Any + Send)) -> Option<&Self> {
        payload.downcast_ref()
    }
}

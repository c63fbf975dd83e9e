//! The engines that are compared, and how fast each is expected to be.

use crate::workload::{Sample, Workload};
use crate::{with_nexosim, with_simcore, with_simrs, with_walras};

/// How a measurement is started.
#[derive(Clone, Copy)]
pub enum Start {
    /// By a function of this program, in a process of its own.
    Here(fn(Workload, u64, u64) -> Sample),
    /// By a script in this folder.
    Python(&'static str),
    /// By the SimGrid program, in one of its three forms.
    SimGrid(&'static str),
}

pub struct Engine {
    pub name: &'static str,
    /// How the models are written, where there are two ways.
    pub form: &'static str,
    pub start: Start,
    /// Expected million events, customers or jobs per second on a server of the 2020s, in the order
    /// of [`Workload::ALL`]; sets only how long a measurement takes. `None`: not measured.
    speed: [Option<f64>; 5],
}

impl Engine {
    /// How many events, customers or jobs of `workload` take about `seconds`; `None` if it is not measured.
    pub fn units(&self, workload: Workload, seconds: f64) -> Option<u64> {
        let column = Workload::ALL.iter().position(|other| *other == workload)?;
        self.speed[column].map(|million| (million * 1e6 * seconds) as u64)
    }

    /// The engine as a row of the table calls it.
    pub fn title(&self, version: &str) -> String {
        let name = format!("{} {version}", self.name).trim_end().to_owned();
        if self.form.is_empty() {
            name
        } else {
            format!("{name}, {}", self.form)
        }
    }
}

/// The first is the one that the others are compared with.
pub const ENGINES: [Engine; 11] = [
    Engine {
        name: "Walras",
        form: "",
        start: Start::Here(with_walras::run),
        speed: [Some(24.0), Some(8.0), Some(2.0), Some(12.0), Some(5.0)],
    },
    Engine {
        name: "simcore",
        form: "one component",
        start: Start::Here(with_simcore::run),
        speed: [Some(8.0), Some(2.0), Some(0.6), Some(5.0), Some(2.2)],
    },
    Engine {
        name: "simcore",
        form: "a component per node",
        start: Start::Here(with_simcore::run_component_per_node),
        speed: [None, None, None, None, Some(1.0)],
    },
    Engine {
        name: "simrs",
        form: "",
        start: Start::Here(with_simrs::run),
        speed: [Some(8.0), Some(1.4), Some(0.6), Some(4.0), Some(1.7)],
    },
    Engine {
        name: "nexosim",
        form: "one model",
        start: Start::Here(with_nexosim::run),
        speed: [Some(2.5), Some(0.8), Some(0.4), Some(1.2), Some(0.8)],
    },
    Engine {
        name: "nexosim",
        form: "a model per node",
        start: Start::Here(with_nexosim::run_model_per_node),
        speed: [None, None, None, None, Some(0.2)],
    },
    Engine {
        name: "SimGrid",
        form: "kernel timers",
        start: Start::SimGrid("timers"),
        speed: [Some(1.4), Some(0.5), Some(0.37), Some(1.0), Some(0.4)],
    },
    // A million actors do not fit the memory of most machines.
    Engine {
        name: "SimGrid",
        form: "an actor per server",
        start: Start::SimGrid("actors"),
        speed: [Some(0.4), Some(0.17), None, Some(0.3), Some(0.1)],
    },
    // Nobody is a customer in the hold model.
    Engine {
        name: "SimGrid",
        form: "an actor per customer",
        start: Start::SimGrid("customers"),
        speed: [None, None, None, Some(0.15), Some(0.05)],
    },
    Engine {
        name: "SimPy",
        form: "",
        start: Start::Python("with_simpy.py"),
        speed: [Some(0.4), Some(0.1), Some(0.06), Some(0.045), Some(0.023)],
    },
    // Simulates networks of queues and nothing else.
    Engine {
        name: "Ciw",
        form: "",
        start: Start::Python("with_ciw.py"),
        speed: [None, None, None, Some(0.021), None],
    },
];

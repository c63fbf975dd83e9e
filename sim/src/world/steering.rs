//! A platform whose price, customers and owners an economy moves, from epoch to epoch.
//!
//! It starts with no node enlisted and no request on its way. Between two epochs the economy names a price, says how many requests
//! come, and lets owners in and out; then it asks what was done. While their owners are in, nodes come and go as their availability says.

use walras_des::{Engine, SimTime, Span, Streams};

use super::event::Event;
use super::nodes::{self, Stage};
use super::{Cx, World, uniform};
use crate::ids::NodeId;
use crate::market::{Pricing, Rates};
use crate::platform::Platform;
use crate::record::Recorder;
use crate::scheduling::{Cause, Scheduler};
use crate::units::{Amount, Price};
use crate::workload::{Sizes, Workload};

/// What a platform did since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// What was asked for.
    pub wanted: Tokens,
    /// What was delivered.
    pub served: Tokens,
    /// What was paid for it [base units of a dollar].
    pub paid: Amount,
    /// The same by node, before any take of a protocol.
    pub paid_to: Vec<Amount>,
    /// Requests that came, and those that were delivered within the service-level objectives.
    pub requests: [u64; 2],
}

/// Text in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Prompt tokens.
    pub prompt: u64,
    /// Output tokens.
    pub output: u64,
}

impl Tokens {
    /// In millions of output tokens, of which a prompt token is worth `prompt_weight`.
    #[must_use]
    pub fn units(self, prompt_weight: f64) -> f64 {
        (self.output as f64 + prompt_weight * self.prompt as f64) / 1e6
    }

    pub(super) fn add(&mut self, prompt: u32, output: u32) {
        self.prompt += u64::from(prompt);
        self.output += u64::from(output);
    }
}

/// What a node could do, and what its owner asks for that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Potential {
    /// Work in a day, if it is never without [millions of output tokens].
    pub capacity: f64,
    /// What an hour costs its owner [USD].
    pub usd_per_hour: f64,
}

/// What the nodes of a platform could do, node by node, if they never lacked work and never left: the batch is as large as the machine
/// takes of requests of mean size, and each request costs what one of mean size does.
#[must_use]
pub fn potential(
    platform: &Platform,
    workload: &Workload,
    prompt_weight: f64,
    streams: &Streams,
) -> Vec<Potential> {
    let sizes = workload.sizes();
    let roster = nodes::register(platform, &sizes, streams);
    let units = mean_units(&sizes, prompt_weight);
    (roster.nodes.iter().zip(&roster.registry))
        .map(|(node, registration)| {
            let profile = &platform.profiles[node.profile.index()];
            let context = sizes.mean_prompt + sizes.mean_output;
            let fits = (profile.kv_capacity() as f64 / context) as u32;
            let batch = fits.clamp(1, profile.max_batch.min(platform.slots));
            // A dollar an hour makes the price of a token the time that it takes.
            let rates = Rates::earning(1.0, profile, &sizes, batch);
            let hours = (sizes.mean_prompt * rates.prompt.amount().as_f64()
                + sizes.mean_output * rates.output.amount().as_f64())
                / 1e6;
            Potential {
                capacity: units / (hours * node.server.slowdown()) * 24.0,
                usd_per_hour: registration.per_hour.as_f64(),
            }
        })
        .collect()
}

/// Work in a request of mean size [millions of output tokens].
#[must_use]
pub fn mean_units(sizes: &Sizes, prompt_weight: f64) -> f64 {
    (sizes.mean_output + prompt_weight * sizes.mean_prompt) / 1e6
}

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// The engine of a platform that waits to be steered.
    ///
    /// # Panics
    /// If it finds its prices by itself.
    #[must_use]
    pub fn steered(mut self) -> Engine<Self> {
        assert!(
            matches!(self.platform.pricing, Pricing::Economy { .. }),
            "an economy steers the platforms that it prices"
        );
        for node in &mut self.nodes {
            node.stage = Stage::Off;
        }
        self.flows = Some(Flows {
            paid_to: vec![Amount::ZERO; self.nodes.len()],
            ..Flows::default()
        });
        let mut engine = Engine::new(self);
        Self::begin(&mut engine);
        engine
    }

    /// Runs a steered platform up to `limit` with `factor` times as many requests as its workload says, at `price` for a million output
    /// tokens, and tells what it did.
    ///
    /// # Panics
    /// If it is not [`World::steered`].
    pub fn steer(engine: &mut Engine<Self>, limit: SimTime, price: Amount, factor: f64) -> Flows {
        let (world, cx) = engine.parts();
        let Pricing::Economy { prompt_weight } = world.platform.pricing else {
            unreachable!("only such a platform is steered");
        };
        world.board.uniform = Some(uniform(Price::from_units(price.0), prompt_weight));
        world.ask(Cause::Repriced, cx);
        world.arrivals.pace(limit, factor);
        world.next = world.arrivals.next();
        if let Some(request) = world.next {
            cx.at(request.at, Event::Arrive);
        }
        engine.run_until(limit);
        let world = &mut engine.model;
        let nodes = world.nodes.len();
        let flows = world.flows.as_mut().expect("a steered platform has flows");
        let fresh = Flows {
            paid_to: vec![Amount::ZERO; nodes],
            ..Flows::default()
        };
        std::mem::replace(flows, fresh)
    }

    /// Lets the owner of a node in, who works at whatever the price is: the node comes up now.
    pub fn enlist(&mut self, node: NodeId, cx: &mut Cx) {
        self.board.nodes[node.index()].ask = Rates::default();
        match self.nodes[node.index()].stage {
            Stage::Draining => {
                self.nodes[node.index()].stage = Stage::Up;
                self.board.node_resumed(node, cx.now());
                self.offer(Cause::SlotsLeft(node), node, cx);
            }
            Stage::Off => {
                self.nodes[node.index()].stage = Stage::Down;
                let registration = &self.registry[node.index()];
                let stamp = registration.life_stamp;
                // Who is in from the beginning is in the stationary state of its availability.
                let delay = match registration.birth {
                    nodes::Birth::Down(absence) if cx.now() == SimTime::ZERO => absence,
                    _ => Some(Span::ZERO),
                };
                if let Some(delay) = delay {
                    cx.after(delay, Event::Up { node, stamp });
                }
            }
            _ => {}
        }
    }

    /// Lets the owner of a node go: it finishes what it has and takes nothing new.
    pub fn dismiss(&mut self, node: NodeId, cx: &mut Cx) {
        let now = cx.now();
        match self.nodes[node.index()].stage {
            Stage::Off | Stage::Draining => {}
            Stage::Up => {
                self.nodes[node.index()].stage = Stage::Draining;
                self.board.node_down(node, now);
                if self.board.held(node) == 0 {
                    self.release(node, now);
                }
            }
            Stage::Down => self.release(node, now),
            Stage::Starting | Stage::Loading | Stage::Cut => {
                self.registry[node.index()].is_present = false;
                self.adapt(node, cx);
                self.release(node, now);
            }
        }
    }
}

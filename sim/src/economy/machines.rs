//! The machines behind a network, and the requests that its work consists of.
//!
//! With them, a network's capacity and costs are those of a platform's nodes, and its work can be done at either fidelity: request by
//! request on these nodes ([`Live`]), or as a flow, of which as much is served as a [`Goodput`] says that was measured request by
//! request. Customers, market, ledger, token and owners are the same code.

use walras_des::{Engine, SimTime, Span, Streams};

use crate::ids::NodeId;
use crate::market::Pricing;
use crate::platform::Platform;
use crate::record::{Nothing, Recorder};
use crate::scheduling::Builtin;
use crate::units::Amount;
use crate::workload::{Source, Workload};
use crate::world::steering::{Flows, Potential, mean_units, potential};
use crate::world::{Settings, World};

/// What does a network's work, and what that is. A unit of work is a million output tokens, and a prompt token counts
/// [`Machines::prompt_weight`] of one.
#[derive(Clone, Debug)]
pub struct Machines {
    /// The nodes, each with an owner of its own, and how requests find them.
    pub platform: Platform,
    /// The requests; their number follows the customers.
    pub workload: Workload,
    /// What comes of work as a flow.
    pub goodput: Goodput,
}

/// What an owner offers with a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// [units a day]
    pub capacity: f64,
    /// What a unit costs [USD].
    pub cost: f64,
}

/// Whether the work of networks with [`Machines`] is done request by request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fidelity {
    /// As a flow.
    #[default]
    Fluid,
    /// Request by request.
    Jobs,
}

/// How much of what is wanted is served, both in parts of what the nodes could do: straight lines between measured points from the
/// origin on, and as much as at the last point beyond it.
#[derive(Clone, Debug, PartialEq)]
pub struct Goodput(Vec<(f64, f64)>);

impl Default for Goodput {
    /// Everything is served up to what the nodes could do.
    fn default() -> Self {
        Self(vec![(1.0, 1.0)])
    }
}

impl Goodput {
    /// The curve through these points: what is wanted, ascending, and what is served of it.
    ///
    /// # Errors
    /// Which point is not above the one before it, or serves more than is wanted or less than the point before it.
    pub fn through(points: Vec<(f64, f64)>) -> Result<Self, String> {
        let mut last = (0.0, 0.0);
        for &(wanted, served) in &points {
            if wanted.is_nan() || wanted <= last.0 {
                return Err(format!(
                    "{wanted} is wanted after {} was: points ascend",
                    last.0
                ));
            }
            if served.is_nan() || served < last.1 || served > wanted {
                return Err(format!(
                    "{served} is served where {wanted} is wanted: from {} to {wanted} would be",
                    last.1
                ));
            }
            last = (wanted, served);
        }
        if points.is_empty() {
            return Err("a curve needs a point".to_owned());
        }
        Ok(Self(points))
    }

    /// The most that is ever served.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.0.last().map_or(1.0, |&(_, served)| served)
    }

    /// What is served where `wanted` is.
    #[must_use]
    pub fn at(&self, wanted: f64) -> f64 {
        let mut last = (0.0, 0.0);
        for &(x, y) in &self.0 {
            if wanted < x {
                return last.1 + (y - last.1) * (wanted - last.0) / (x - last.0);
            }
            last = (x, y);
        }
        last.1
    }
}

impl Machines {
    /// What a prompt token is worth in output tokens.
    ///
    /// # Panics
    /// If the platform finds its prices by itself.
    #[must_use]
    pub fn prompt_weight(&self) -> f64 {
        let Pricing::Economy { prompt_weight } = self.platform.pricing else {
            panic!("the platforms of an economy are priced by it");
        };
        prompt_weight
    }

    /// What each node could do, and what it costs its owner.
    #[must_use]
    pub fn potential(&self, streams: &Streams) -> Vec<Potential> {
        potential(
            &self.platform,
            &self.workload,
            self.prompt_weight(),
            streams,
        )
    }

    /// What each owner offers, who knows how often its node is away and what part of its work is lost: of what the node could do, as much
    /// as is ever served. A unit costs what it costs a node that is never away, as who is away pays nothing.
    #[must_use]
    pub fn offers(&self, streams: &Streams) -> Vec<Offer> {
        let most = self.goodput.most();
        let potential = self.potential(streams).into_iter();
        potential
            .map(|node| Offer {
                capacity: node.capacity * most,
                cost: node.usd_per_hour * 24.0 / node.capacity,
            })
            .collect()
    }

    /// Work in a day if as many requests come as the workload says [units].
    ///
    /// # Panics
    /// If the requests are recorded.
    #[must_use]
    pub fn volume(&self) -> f64 {
        let Source::Synthetic(synthetic) = &self.workload.source else {
            panic!("a recorded trace has a pace of its own");
        };
        synthetic.rate * 86400.0 * mean_units(&self.workload.sizes(), self.prompt_weight())
    }
}

impl Machines {
    /// What is served, request by request, by all nodes together where `load` of what they could do is wanted: both measured from the
    /// warm-up to the horizon, in parts of what the nodes could do. Points of a [`Goodput`].
    #[must_use]
    pub fn measure(
        &self,
        load: f64,
        settings: &Settings,
        seed: u64,
        replication: u32,
    ) -> (f64, f64) {
        let streams = Streams::new(seed, u64::from(replication));
        let potential = self.potential(&streams);
        let capacity: f64 = potential.iter().map(|node| node.capacity).sum();
        let mut live = Live::new(self, settings, &streams, Nothing);
        let mut until = |time| {
            live.run(SimTime::ZERO + time, load * capacity, Amount::ZERO, |_| {
                true
            })
        };
        if settings.warm_up > Span::ZERO {
            until(settings.warm_up);
        }
        let done = until(settings.horizon);
        let days = (settings.horizon - settings.warm_up).as_secs_f64() / 86400.0;
        let part = |units: f64| units / days / capacity;
        (part(done.wanted), part(done.served))
    }
}

/// Machines at work, request by request.
pub struct Live<'a, R: Recorder = Nothing> {
    engine: Engine<World<'a, Builtin, R>>,
    prompt_weight: f64,
    /// [units a day]
    volume: f64,
    enlisted: Vec<bool>,
}

/// What was done in some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// What customers sent [units].
    pub wanted: f64,
    /// What they got [units].
    pub served: f64,
    /// What they paid.
    pub paid: Amount,
    /// The same by node.
    pub paid_to: Vec<Amount>,
    /// Requests that came, and those that were delivered within their objectives.
    pub requests: [u64; 2],
}

impl<'a, R: Recorder> Live<'a, R> {
    /// Machines that nobody has let in yet, and who writes down what they do.
    #[must_use]
    pub fn new(
        machines: &'a Machines,
        settings: &Settings,
        streams: &Streams,
        recorder: R,
    ) -> Self {
        let Machines {
            platform, workload, ..
        } = machines;
        let scheduler = platform.policy.build(streams);
        let world = World::new(platform, workload, settings, streams, scheduler, recorder);
        let nodes = platform
            .fleets
            .iter()
            .map(|fleet| fleet.size.max() as usize);
        Self {
            engine: world.steered(),
            prompt_weight: machines.prompt_weight(),
            volume: machines.volume(),
            enlisted: vec![false; nodes.sum()],
        }
    }

    /// Works up to `until` at a price for a unit, with `wanted` units a day, on the nodes that are in.
    pub fn run(
        &mut self,
        until: SimTime,
        wanted: f64,
        price: Amount,
        is_in: impl Fn(usize) -> bool,
    ) -> Done {
        let (world, cx) = self.engine.parts();
        for (node, enlisted) in self.enlisted.iter_mut().enumerate() {
            let wants = is_in(node);
            if wants != *enlisted {
                *enlisted = wants;
                if wants {
                    world.enlist(NodeId::new(node), cx);
                } else {
                    world.dismiss(NodeId::new(node), cx);
                }
            }
        }
        let factor = wanted / self.volume;
        let Flows {
            wanted,
            served,
            paid,
            paid_to,
            requests,
        } = World::steer(&mut self.engine, until, price, factor);
        Done {
            wanted: wanted.units(self.prompt_weight),
            served: served.units(self.prompt_weight),
            paid,
            paid_to,
            requests,
        }
    }

    /// A fingerprint of all that has happened.
    #[must_use]
    pub fn digest(&self) -> walras_des::Digest {
        self.engine.digest()
    }

    /// Events handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.engine.events()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goodput_goes_straight_from_point_to_point() {
        let curve = Goodput::through(vec![(0.5, 0.5), (1.0, 0.8), (2.0, 0.9)]).unwrap();
        for (wanted, served) in [
            (0.0, 0.0),
            (0.25, 0.25),
            (0.75, 0.65),
            (1.5, 0.85),
            (9.0, 0.9),
        ] {
            assert!((curve.at(wanted) - served).abs() < 1e-12);
        }
        assert!(Goodput::through(vec![(1.0, 1.1)]).is_err());
        assert!(Goodput::through(vec![(1.0, 0.8), (0.9, 0.8)]).is_err());
        assert!(Goodput::through(vec![(1.0, 0.8), (1.1, 0.7)]).is_err());
        assert!(Goodput::through(Vec::new()).is_err());
    }
}

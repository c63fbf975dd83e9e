//! Nodes of a cluster: what each kind has, and what of it is free.

use walras_des::Span;

use crate::availability::Availability;
use crate::cluster::job::{Demand, Task};

/// GPUs that a node has at most.
pub const GPUS: usize = 16;

/// A kind of node.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// Name in the scenario.
    pub name: String,
    /// Processor time [thousandths of a core].
    pub cpu: u32,
    /// Memory [MiB].
    pub memory: u32,
    /// GPUs, at most [`GPUS`].
    pub gpus: u8,
    /// Labels that it carries, as bits.
    pub labels: u64,
    /// How fast it is, relative to the nodes on which work is measured.
    pub speed: f64,
    /// How its nodes come and go.
    pub availability: Availability,
    /// Price of an hour of the whole node [USD].
    pub usd_per_hour: f64,
}

impl Kind {
    /// A node of so many cores that never leaves.
    #[must_use]
    pub fn cores(name: &str, cores: u32) -> Self {
        Self {
            name: name.to_owned(),
            cpu: cores * 1000,
            memory: 0,
            gpus: 0,
            labels: 0,
            speed: 1.0,
            availability: Availability::Always,
            usd_per_hour: 0.0,
        }
    }

    /// Time that `task` takes on this kind, the `index`-th of the cluster, uninterrupted.
    ///
    /// # Panics
    /// If the task says its time on some kinds and not on this one.
    #[must_use]
    pub fn time(&self, index: usize, task: &Task) -> Span {
        if task.work_on.is_empty() {
            scaled(task.work, self.speed)
        } else {
            task.work_on[index]
        }
    }

    /// Whether an empty node of this kind has room for a worker.
    #[must_use]
    pub fn can_hold(&self, demand: &Demand) -> bool {
        Free::of(self).fits(demand, Share::FULL) && self.carries(demand)
    }

    /// How many such workers an empty node of this kind has room for; [`u64::MAX`] if they ask for nothing.
    #[must_use]
    pub fn workers(&self, demand: &Demand) -> u64 {
        if !self.carries(demand) {
            return 0;
        }
        let times = |all: u32, asked: u32| all.checked_div(asked).map_or(u64::MAX, u64::from);
        let gpus = u32::from(self.gpus);
        let on_gpus = match demand.gpus {
            0 => u64::MAX,
            1 => u64::from(gpus) * times(1000, u32::from(demand.gpu_share)),
            several => times(gpus, u32::from(several)),
        };
        times(self.cpu, demand.cpu)
            .min(times(self.memory, demand.memory))
            .min(on_gpus)
    }

    /// Whether it carries one of the labels asked for.
    #[must_use]
    pub fn carries(&self, demand: &Demand) -> bool {
        demand.labels == 0 || demand.labels & self.labels != 0
    }
}

/// Time that `work` takes at a speed.
pub(super) fn scaled(work: Span, speed: f64) -> Span {
    if (speed - 1.0).abs() < f64::EPSILON {
        work
    } else {
        Span::from_secs_f64(work.as_secs_f64() / speed)
    }
}

/// How much of a node's time a task gets of what it asks for, from nothing to all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u64);

impl Share {
    /// All of it.
    pub const FULL: Self = Self(1 << 32);

    /// One of `n` equal shares, rounded down to 2⁻³².
    ///
    /// # Panics
    /// If `n` is zero.
    #[must_use]
    pub fn one_of(n: u64) -> Self {
        Self(Self::FULL.0 / n)
    }

    /// `part` of `whole`, rounded down to 2⁻³², and all of it at most.
    ///
    /// # Panics
    /// If `whole` is zero.
    #[must_use]
    pub fn ratio(part: u64, whole: u64) -> Self {
        let share = u128::from(part) * u128::from(Self::FULL.0) / u128::from(whole);
        Self(u64::try_from(share).map_or(Self::FULL.0, |share| share.min(Self::FULL.0)))
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// So much of a whole, rounded down.
    #[must_use]
    pub fn of(self, whole: u32) -> u32 {
        ((u64::from(whole) * self.0) >> 32) as u32
    }

    /// So much of something larger, rounded down.
    pub(super) fn of_many(self, whole: u64) -> u64 {
        ((u128::from(whole) * u128::from(self.0)) >> 32) as u64
    }

    /// What is done in `elapsed` at this share [time at full share].
    pub(super) fn done(self, elapsed: Span) -> Span {
        let done = (u128::from(elapsed.as_nanos()) * u128::from(self.0)) >> 32;
        Span::from_nanos(u64::try_from(done).expect("no more than what has elapsed"))
    }

    /// How long `left` takes at this share; `None` if it never ends within the range of time.
    pub(super) fn takes(self, left: Span) -> Option<Span> {
        if self.0 == 0 {
            return None;
        }
        let nanos = (u128::from(left.as_nanos()) << 32).div_ceil(u128::from(self.0));
        u64::try_from(nanos).ok().map(Span::from_nanos)
    }
}

/// What of a node is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// Processor time [2⁻³² thousandths of a core], so that shares add up exactly.
    cpu: u64,
    /// Memory [MiB].
    pub memory: u32,
    gpus: u8,
    /// Of each GPU [thousandths].
    gpu: [u16; GPUS],
}

impl Free {
    /// An empty node.
    ///
    /// # Panics
    /// If the kind has more than [`GPUS`] GPUs.
    #[must_use]
    pub fn of(kind: &Kind) -> Self {
        let mut gpu = [0; GPUS];
        gpu[..usize::from(kind.gpus)].fill(1000);
        Self {
            cpu: u64::from(kind.cpu) * Share::FULL.0,
            memory: kind.memory,
            gpus: kind.gpus,
            gpu,
        }
    }

    /// Free processor time, rounded down [thousandths of a core].
    #[must_use]
    pub fn cpu(&self) -> u32 {
        (self.cpu / Share::FULL.0) as u32
    }

    /// What of each GPU is free [thousandths].
    #[must_use]
    pub fn gpus(&self) -> &[u16] {
        &self.gpu[..usize::from(self.gpus)]
    }

    /// What of all GPUs is free [thousandths].
    #[must_use]
    pub fn gpu(&self) -> u32 {
        self.gpus().iter().map(|&free| u32::from(free)).sum()
    }

    /// Whether there is room for a worker that gets `share` of the processor time it asks for.
    #[must_use]
    pub fn fits(&self, demand: &Demand, share: Share) -> bool {
        let enough = |free: &&u16| **free >= demand.gpu_share;
        u64::from(demand.cpu) * share.0 <= self.cpu
            && demand.memory <= self.memory
            && (demand.gpus == 0
                || self.gpus().iter().filter(enough).count() >= usize::from(demand.gpus))
    }

    /// Takes room for a worker, on the GPUs that it leaves least of; returns these as bits.
    ///
    /// # Panics
    /// If there is none.
    pub fn take(&mut self, demand: &Demand, share: Share) -> u16 {
        assert!(self.fits(demand, share), "no room for the worker");
        self.cpu -= u64::from(demand.cpu) * share.0;
        self.memory -= demand.memory;
        let mut taken = 0;
        for _ in 0..demand.gpus {
            let enough = |&gpu: &usize| taken & 1 << gpu == 0 && self.gpu[gpu] >= demand.gpu_share;
            let tightest = (0..usize::from(self.gpus)).filter(enough);
            let gpu = tightest
                .min_by_key(|&gpu| (self.gpu[gpu], gpu))
                .expect("it fits");
            self.gpu[gpu] -= demand.gpu_share;
            taken |= 1 << gpu;
        }
        taken
    }

    /// Takes room for a worker on these GPUs.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn take_on(&mut self, demand: &Demand, gpus: u16) {
        assert!(self.fits_on(demand, gpus), "no room for the worker");
        self.cpu -= u64::from(demand.cpu) * Share::FULL.0;
        self.memory -= demand.memory;
        for gpu in (0..GPUS).filter(|gpu| gpus & 1 << gpu != 0) {
            self.gpu[gpu] -= demand.gpu_share;
        }
    }

    /// Whether there is room for a worker on these GPUs.
    pub(super) fn fits_on(&self, demand: &Demand, gpus: u16) -> bool {
        u64::from(demand.cpu) * Share::FULL.0 <= self.cpu
            && demand.memory <= self.memory
            && (0..GPUS).all(|gpu| gpus & 1 << gpu == 0 || self.gpu[gpu] >= demand.gpu_share)
    }

    /// What is free both here and there.
    pub(super) fn meet(&self, other: &Self) -> Self {
        Self {
            cpu: self.cpu.min(other.cpu),
            memory: self.memory.min(other.memory),
            gpus: self.gpus,
            gpu: std::array::from_fn(|gpu| self.gpu[gpu].min(other.gpu[gpu])),
        }
    }

    /// Gives back what [`Free::take`] took.
    pub fn give(&mut self, demand: &Demand, share: Share, gpus: u16) {
        self.cpu += u64::from(demand.cpu) * share.0;
        self.memory += demand.memory;
        for gpu in 0..GPUS {
            if gpus & 1 << gpu != 0 {
                self.gpu[gpu] += demand.gpu_share;
            }
        }
    }

    /// Changes the share of a worker that is there; `false`, and nothing changed, if there is not as much processor time.
    pub(super) fn reshare(&mut self, demand: &Demand, from: Share, to: Share) -> bool {
        let all = self.cpu + u64::from(demand.cpu) * from.0;
        let Some(left) = all.checked_sub(u64::from(demand.cpu) * to.0) else {
            return false;
        };
        self.cpu = left;
        true
    }
}

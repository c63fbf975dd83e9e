//! Flows that share links max-min fairly, brought up to date change by change.
//!
//! Every link has a *level*: the rate at which it lets through those flows that nothing else holds back further. The level of a link
//! depends on the levels of the other links of its flows alone, and a flow runs at the lowest level on its path:
//!
//! - Σ over the flows of a link of min(level of the link, lowest level elsewhere on the path) = capacity;
//!   infinite where the flows are all held back elsewhere.
//!
//! The solution of these equations is the max-min fair allocation, and unique (Bertsekas & Gallager, Data Networks, 1992, section
//! 6.5.2; Charny, Clark & Jain, Congestion control with explicit rate indication, ICC 1995). After a change only the links whose
//! equation it touches are solved again, lowest level first, and then those whose flows changed their rate: a level depends on lower
//! ones only, so that most links are solved once.
//!
//! The flows whose lowest level is that of a link are at *home* there. They all run at one rate, so the link keeps one account of the
//! bytes that each of them has moved: between two changes progress is exact, and a change of a level costs the same for one flow
//! and for a thousand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use walras_des::{SimTime, Span};

/// A directed link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

impl LinkId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A flow that was started; of no use once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    slot: u32,
    /// Tells the flow from earlier ones in its slot.
    stamp: u32,
}

/// Flows on links. All rates are in bytes per second.
///
/// Changes of one instant are worked in together, when something is asked or time goes on.
#[derive(Clone, Debug)]
pub struct Flows {
    links: Vec<Link>,
    /// Level of each link, apart because it is what is read most; of the one that stands for nothing, infinity.
    levels: Vec<f64>,
    /// Whether the equation of each link may not hold.
    is_dirty: Vec<bool>,
    /// Links that the caps of single flows once needed, and no longer do.
    free_links: Vec<u32>,
    slots: Vec<Flow>,
    free_slots: Vec<u32>,
    live: usize,
    /// Links by flow, `width` for each: those of the path, then [`NOTHING`].
    paths: Vec<u32>,
    width: usize,
    /// Where each flow is among the members of each link of its path, likewise.
    places: Vec<u32>,
    /// At which link each flow is at home.
    homes: Vec<u32>,
    /// When the first flow of each link ends.
    ends: Tournament,
    now: SimTime,
    /// Links whose equation may not hold, lowest level first.
    dirty: BinaryHeap<Reverse<u64>>,
    /// Links whose first end may have moved.
    moved: Vec<u32>,
    /// Flows that may be at home elsewhere.
    astray: Vec<u32>,
    /// Lowest level elsewhere, of each member of the link that is solved.
    elsewhere: Vec<f64>,
    /// The links that its new level touches.
    touched: Vec<u32>,
    solved: u64,
}

/// The link of a path that is shorter than the longest: nothing holds a flow back there.
const NOTHING: u32 = 0;

/// No home yet.
const NOWHERE: u32 = u32::MAX;

/// Levels that differ by less, relative to themselves, are one: rounding goes no further through the network.
const ROUNDING: f64 = 1e-13;

#[derive(Clone, Debug)]
struct Link {
    capacity: f64,
    /// The flows that pass here, in columns: which,
    members: Vec<u32>,
    /// whether they are at home,
    are_home: Vec<bool>,
    /// and the other links of their paths, a row for each; [`NOTHING`] fills it up.
    others: Vec<u32>,
    /// Bytes that a flow at home would have moved here since the account was opened.
    moved: f64,
    /// Up to when.
    at: SimTime,
    /// The flows at home by the state of the account at which they end; those that left are still in it.
    ends: BinaryHeap<Reverse<(u64, u32, u32)>>,
    at_home: u32,
    /// The state of the account at the first end; infinite if there is none.
    first: f64,
    /// Whether a flow has left since the first end was looked for.
    has_left: bool,
    is_moved: bool,
}

#[derive(Clone, Debug)]
struct Flow {
    stamp: u32,
    /// Tells the present home from earlier ones.
    home_stamp: u32,
    /// State of the home's account at which the flow ends; before there is a home, the bytes to move.
    until: f64,
    /// The link that stands for its cap.
    cap: u32,
    is_astray: bool,
    has_ended: bool,
}

impl Link {
    fn new(capacity: f64) -> Self {
        Self {
            capacity,
            members: Vec::new(),
            are_home: Vec::new(),
            others: Vec::new(),
            moved: 0.0,
            at: SimTime::ZERO,
            ends: BinaryHeap::new(),
            at_home: 0,
            first: f64::INFINITY,
            has_left: false,
            is_moved: false,
        }
    }
}

impl Flows {
    /// No flows, on links of these capacities [bytes/s]; infinite ones are allowed.
    ///
    /// # Panics
    /// If a capacity is negative or not a number.
    #[must_use]
    pub fn new(capacities: &[f64]) -> Self {
        let mut links = vec![Link::new(f64::INFINITY)];
        links.extend(capacities.iter().map(|&capacity| {
            assert!(capacity >= 0.0, "a capacity is not negative: {capacity}");
            Link::new(capacity)
        }));
        Self {
            levels: vec![f64::INFINITY; links.len()],
            // Nothing never needs solving.
            is_dirty: (0..links.len())
                .map(|link| link == NOTHING as usize)
                .collect(),
            ends: Tournament::new(links.len()),
            links,
            free_links: Vec::new(),
            slots: Vec::new(),
            free_slots: Vec::new(),
            live: 0,
            paths: Vec::new(),
            width: 2,
            places: Vec::new(),
            homes: Vec::new(),
            now: SimTime::ZERO,
            dirty: BinaryHeap::new(),
            moved: Vec::new(),
            astray: Vec::new(),
            elsewhere: Vec::new(),
            touched: Vec::new(),
            solved: 0,
        }
    }

    /// Starts a flow of `bytes` over `path`, at most at the rate `cap`.
    ///
    /// # Panics
    /// If the path names a link twice or one that does not exist, or if nothing limits the flow: it needs a link or a cap.
    pub fn start(&mut self, now: SimTime, path: &[LinkId], bytes: u64, cap: Option<f64>) -> FlowId {
        self.go_to(now);
        let hops = path.len() + usize::from(cap.is_some());
        assert!(hops > 0, "a flow needs a link or a cap");
        self.widen(hops);
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.slots.push(Flow {
                stamp: 0,
                home_stamp: 0,
                until: 0.0,
                cap: NOTHING,
                is_astray: false,
                has_ended: true,
            });
            self.homes.push(NOWHERE);
            self.paths.resize(self.paths.len() + self.width, NOTHING);
            self.places.resize(self.places.len() + self.width, 0);
            u32::try_from(self.slots.len() - 1).expect("a flow's number fits 32 bits")
        });
        let row = slot as usize * self.width;
        for (hop, link) in path.iter().enumerate() {
            assert!(
                (link.index() + 1) < self.links.len() && !path[..hop].contains(link),
                "a path names existing links, each once: {path:?}"
            );
            self.paths[row + hop] = link.0 + 1;
        }
        let cap = cap.map_or(NOTHING, |cap| self.private_link(cap));
        if cap != NOTHING {
            self.paths[row + path.len()] = cap;
        }
        for hop in 0..hops {
            self.join(slot, hop);
        }
        let flow = &mut self.slots[slot as usize];
        flow.until = bytes as f64;
        flow.cap = cap;
        flow.has_ended = false;
        self.homes[slot as usize] = NOWHERE;
        self.live += 1;
        stray(&mut self.slots[slot as usize], slot, &mut self.astray);
        let stamp = self.slots[slot as usize].stamp;
        FlowId { slot, stamp }
    }

    /// Takes a flow away before its end; the bytes that it had still to move.
    ///
    /// # Panics
    /// If the flow has ended.
    pub fn cancel(&mut self, now: SimTime, id: FlowId) -> f64 {
        self.go_to(now);
        let left = self.left(id);
        self.remove(id);
        left
    }

    /// Takes away a flow that [`Flows::next_end`] named, at the time that it named.
    ///
    /// # Panics
    /// If the flow has ended, or has more to move than the clock's resolution explains.
    pub fn finish(&mut self, now: SimTime, id: FlowId) {
        self.go_to(now);
        let (left, rate) = (self.left(id), self.rate(id));
        // The end was rounded up to the next nanosecond, and the account to the last bit of all bytes that it saw.
        let home = self.homes[id.slot as usize];
        let account = self.links[home as usize].moved;
        assert!(
            left <= 1e-9 * rate + 1e-12 * account,
            "{left} bytes are left of a flow at {rate} bytes/s"
        );
        self.remove(id);
    }

    /// Changes the capacity of a link [bytes/s]; zero is a partition.
    ///
    /// # Panics
    /// If the capacity is negative or not a number, or the link does not exist.
    pub fn set_capacity(&mut self, now: SimTime, link: LinkId, capacity: f64) {
        assert!(capacity >= 0.0, "a capacity is not negative: {capacity}");
        self.go_to(now);
        let inner = link.0 + 1;
        self.links[inner as usize].capacity = capacity;
        self.mark(inner);
    }

    /// When the first flow ends if nothing changes before, and which.
    ///
    /// # Panics
    /// If nothing limits a flow.
    pub fn next_end(&mut self) -> Option<(SimTime, FlowId)> {
        self.settle();
        let (link, at) = self.ends.first()?;
        let Reverse((_, slot, _)) = *self.links[link].ends.peek().expect("a link with an end");
        let stamp = self.slots[slot as usize].stamp;
        Some((SimTime::from_nanos(at), FlowId { slot, stamp }))
    }

    /// The rate of a flow [bytes/s].
    ///
    /// # Panics
    /// If the flow has ended.
    pub fn rate(&mut self, id: FlowId) -> f64 {
        self.settle();
        self.levels[self.home(id)]
    }

    /// Bytes that a flow had still to move at the last change.
    ///
    /// # Panics
    /// If the flow has ended.
    pub fn left(&mut self, id: FlowId) -> f64 {
        self.settle();
        let home = self.home(id);
        let moved = self.account(home);
        (self.slots[id.slot as usize].until - moved).max(0.0)
    }

    /// The number of flows under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is no flow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Equations solved so far: what changes have cost.
    #[must_use]
    pub fn solved(&self) -> u64 {
        self.solved
    }

    /// The link at which a live flow is at home.
    fn home(&self, id: FlowId) -> usize {
        let flow = &self.slots[id.slot as usize];
        assert!(flow.stamp == id.stamp, "the flow {id:?} has ended");
        self.homes[id.slot as usize] as usize
    }

    fn go_to(&mut self, now: SimTime) {
        assert!(
            now >= self.now,
            "time runs back from {:?} to {now:?}",
            self.now
        );
        if now > self.now {
            self.settle();
            self.now = now;
        }
    }

    /// Makes room for paths of `hops` links.
    fn widen(&mut self, hops: usize) {
        if hops <= self.width {
            return;
        }
        let widened = |table: &[u32], from: usize, to: usize| -> Vec<u32> {
            let rows = table.chunks(from);
            rows.flat_map(|row| {
                let padding = std::iter::repeat_n(NOTHING, to - row.len());
                row.iter().copied().chain(padding)
            })
            .collect()
        };
        self.paths = widened(&self.paths, self.width, hops);
        self.places = widened(&self.places, self.width, hops);
        for link in &mut self.links {
            link.others = widened(&link.others, self.width - 1, hops - 1);
        }
        self.width = hops;
    }

    /// A link for one flow alone.
    fn private_link(&mut self, capacity: f64) -> u32 {
        assert!(capacity >= 0.0, "a cap is not negative: {capacity}");
        if let Some(link) = self.free_links.pop() {
            self.links[link as usize].capacity = capacity;
            return link;
        }
        self.links.push(Link::new(capacity));
        self.levels.push(f64::INFINITY);
        self.is_dirty.push(false);
        self.ends.extend(self.links.len());
        u32::try_from(self.links.len() - 1).expect("a link's number fits 32 bits")
    }

    /// Makes a flow a member of a link of its path.
    fn join(&mut self, slot: u32, hop: usize) {
        let row = slot as usize * self.width;
        let path = &self.paths[row..row + self.width];
        let link = path[hop];
        let state = &mut self.links[link as usize];
        self.places[row + hop] = state.members.len() as u32;
        state.members.push(slot);
        state.are_home.push(false);
        let others = path.iter().enumerate().filter(|(other, _)| *other != hop);
        state.others.extend(others.map(|(_, link)| *link));
        self.mark(link);
    }

    fn remove(&mut self, id: FlowId) {
        let slot = id.slot as usize;
        self.leave_home(id.slot);
        for hop in 0..self.width {
            let at = slot * self.width + hop;
            let link = std::mem::replace(&mut self.paths[at], NOTHING);
            if link != NOTHING {
                self.part(link, self.places[at] as usize);
                self.mark(link);
            }
        }
        let flow = &mut self.slots[slot];
        flow.stamp += 1;
        flow.has_ended = true;
        let cap = std::mem::replace(&mut flow.cap, NOTHING);
        if cap != NOTHING {
            self.free_links.push(cap);
        }
        self.free_slots.push(id.slot);
        self.live -= 1;
    }

    /// Takes a member from a link; the last one gets its place.
    fn part(&mut self, link: u32, place: usize) {
        let state = &mut self.links[link as usize];
        state.members.swap_remove(place);
        state.are_home.swap_remove(place);
        let (rest, width) = (state.members.len(), self.width - 1);
        (state.others).copy_within(rest * width..(rest + 1) * width, place * width);
        state.others.truncate(rest * width);
        if let Some(&heir) = state.members.get(place) {
            let row = heir as usize * self.width;
            let hop = hop(&self.paths[row..row + self.width], link);
            self.places[row + hop] = place as u32;
        }
    }

    /// Notes that the equation of a link may not hold.
    fn mark(&mut self, link: u32) {
        let is_dirty = &mut self.is_dirty[link as usize];
        if !*is_dirty {
            *is_dirty = true;
            // Six digits of the level are order enough, and leave room for the link.
            let level = self.levels[link as usize].to_bits() >> 32 << 32;
            self.dirty.push(Reverse(level | u64::from(link)));
        }
    }

    /// Works in all changes since the last time.
    fn settle(&mut self) {
        while let Some(Reverse(key)) = self.dirty.pop() {
            let link = key as u32;
            self.is_dirty[link as usize] = false;
            self.solve(link);
        }
        let mut astray = std::mem::take(&mut self.astray);
        for slot in astray.drain(..) {
            self.slots[slot as usize].is_astray = false;
            self.bring_home(slot);
        }
        self.astray = astray;
        let mut moved = std::mem::take(&mut self.moved);
        let are_many = moved.len() * 8 > self.ends.leaves();
        for link in moved.drain(..) {
            let end = self.first_end(link as usize);
            if are_many {
                self.ends.set_leaf(link as usize, end);
            } else {
                self.ends.set(link as usize, end);
            }
        }
        if are_many {
            self.ends.play();
        }
        self.moved = moved;
    }

    /// Solves the equation of a link; where its level changes, marks the links that this touches.
    fn solve(&mut self, link: u32) {
        let index = link as usize;
        let old = self.levels[index];
        if old == f64::INFINITY && self.links[index].capacity == f64::INFINITY {
            return;
        }
        self.solved += 1;
        let mut elsewhere = std::mem::take(&mut self.elsewhere);
        let state = &mut self.links[index];
        let others = std::mem::take(&mut state.others);
        elsewhere.clear();
        if self.width == 2 {
            elsewhere.extend(others.iter().map(|&other| self.levels[other as usize]));
        } else {
            elsewhere.extend(others.chunks_exact(self.width - 1).map(|row| {
                let levels = row.iter().map(|&other| self.levels[other as usize]);
                levels.fold(f64::INFINITY, f64::min)
            }));
        }
        let new = level(&elsewhere, state.capacity, old);
        let is_new = new != old && (new - old).abs() > ROUNDING * new.min(f64::MAX);
        let level = if is_new { new } else { old };
        let is_stray = |(&is_home, &lowest): (&bool, &f64)| {
            if is_home {
                lowest < level
            } else {
                lowest > level
            }
        };
        // Few are, mostly none: that is found out without a branch for each.
        let members = || state.are_home.iter().zip(&elsewhere);
        if members().fold(false, |any, member| any | is_stray(member)) {
            for (place, _) in members()
                .enumerate()
                .filter(|(_, member)| is_stray(*member))
            {
                let slot = state.members[place];
                stray(&mut self.slots[slot as usize], slot, &mut self.astray);
            }
        }
        if is_new {
            let low = old.min(new);
            let mut touched = std::mem::take(&mut self.touched);
            touched.resize(others.len(), NOTHING);
            let mut count = 0;
            // Whether a link is touched cannot be foreseen, by the processor neither: no branch here.
            let mut touch = |lowest: f64, other: u32| {
                touched[count] = other;
                let is_clean = !self.is_dirty[other as usize];
                count += usize::from(lowest > low) * usize::from(is_clean);
            };
            if self.width == 2 {
                for (&lowest, &other) in elsewhere.iter().zip(&others) {
                    touch(lowest, other);
                }
            } else {
                for (&lowest, row) in elsewhere.iter().zip(others.chunks_exact(self.width - 1)) {
                    for &other in row {
                        touch(lowest, other);
                    }
                }
            }
            for &other in &touched[..count] {
                self.mark(other);
            }
            self.touched = touched;
            self.account(index);
            self.levels[index] = new;
            self.note(link);
        }
        self.links[index].others = others;
        self.elsewhere = elsewhere;
    }

    /// Brings the account of a link up to now: the bytes that a flow at home has moved.
    fn account(&mut self, link: usize) -> f64 {
        let state = &mut self.links[link];
        if state.at < self.now {
            if state.at_home > 0 {
                state.moved += self.levels[link] * (self.now - state.at).as_secs_f64();
            } else {
                state.moved = 0.0;
            }
            state.at = self.now;
        }
        state.moved
    }

    /// Notes that the first end of a link may have moved.
    fn note(&mut self, link: u32) {
        let state = &mut self.links[link as usize];
        if !state.is_moved {
            state.is_moved = true;
            self.moved.push(link);
        }
    }

    /// Moves a flow to the link that holds it back most, if that is another than before.
    fn bring_home(&mut self, slot: u32) {
        let old = self.homes[slot as usize];
        let row = slot as usize * self.width;
        let path = &self.paths[row..row + self.width];
        let mut home = if path.contains(&old) { old } else { NOTHING };
        for &link in path {
            if self.levels[link as usize] < self.levels[home as usize] {
                home = link;
            }
        }
        if home == old || self.slots[slot as usize].has_ended {
            return;
        }
        assert!(
            home != NOTHING,
            "nothing limits a flow: all links of its path are infinite"
        );
        let left = if old == NOWHERE {
            self.slots[slot as usize].until
        } else {
            let moved = self.account(old as usize);
            self.leave_home(slot);
            self.slots[slot as usize].until - moved
        };
        let until = self.account(home as usize) + left.max(0.0);
        let flow = &mut self.slots[slot as usize];
        flow.until = until;
        self.homes[slot as usize] = home;
        let place = self.places[row + hop(&self.paths[row..row + self.width], home)];
        let state = &mut self.links[home as usize];
        state.at_home += 1;
        state.are_home[place as usize] = true;
        state.first = state.first.min(until);
        state
            .ends
            .push(Reverse((until.to_bits(), slot, flow.home_stamp)));
        self.note(home);
    }

    fn leave_home(&mut self, slot: u32) {
        let home = std::mem::replace(&mut self.homes[slot as usize], NOWHERE);
        if home == NOWHERE {
            return;
        }
        let row = slot as usize * self.width;
        let place = self.places[row + hop(&self.paths[row..row + self.width], home)];
        self.slots[slot as usize].home_stamp += 1;
        let state = &mut self.links[home as usize];
        state.at_home -= 1;
        state.are_home[place as usize] = false;
        state.has_left = true;
        self.note(home);
    }

    /// When the first flow at home at a link ends [ns].
    fn first_end(&mut self, link: usize) -> u64 {
        self.account(link);
        let state = &mut self.links[link];
        state.is_moved = false;
        if std::mem::take(&mut state.has_left) {
            let (homes, flows) = (&self.homes, &self.slots);
            let is_present = |&Reverse((_, slot, stamp)): &Reverse<(u64, u32, u32)>| {
                homes[slot as usize] as usize == link && flows[slot as usize].home_stamp == stamp
            };
            if state.ends.len() > 2 * state.at_home as usize + 16 {
                state.ends.retain(is_present);
            }
            while state.ends.peek().is_some_and(|end| !is_present(end)) {
                state.ends.pop();
            }
            let first = state.ends.peek();
            state.first =
                first.map_or(f64::INFINITY, |Reverse((until, ..))| f64::from_bits(*until));
        }
        let left = (state.first - state.moved).max(0.0);
        let nanos = left / self.levels[link] * 1e9;
        // Without flows, or at a level of nothing, this is infinite or not a number.
        if nanos < MOST_NANOS {
            // Rounded up.
            let whole = nanos as u64;
            let rest = u64::from((whole as f64) < nanos);
            (self.now + Span::from_nanos(whole + rest)).as_nanos()
        } else {
            NEVER
        }
    }
}

/// Notes that a flow may be at home elsewhere.
fn stray(flow: &mut Flow, slot: u32, astray: &mut Vec<u32>) {
    if !flow.is_astray {
        flow.is_astray = true;
        astray.push(slot);
    }
}

/// Where a link stands in the path of a flow that passes it.
fn hop(path: &[u32], link: u32) -> usize {
    let hop = path.iter().position(|&other| other == link);
    hop.expect("a member passes the link")
}

/// Later than any end, in nanoseconds.
const NEVER: u64 = u64::MAX;

/// A century in nanoseconds: what takes longer does not end.
const MOST_NANOS: f64 = 3.15e18;

/// The level x at which Σ min(x, `elsewhere`) is the capacity; infinite if everything fits.
///
/// By Newton's method from `guess`. The sum is concave in x: the first step lands at or below the solution, and all others come
/// nearer from below, until the set of flows that are held back elsewhere stays the same, and x with it.
fn level(elsewhere: &[f64], capacity: f64, guess: f64) -> f64 {
    if capacity == f64::INFINITY {
        return f64::INFINITY;
    }
    let flows = elsewhere.len();
    let mut level = guess;
    let mut before = usize::MAX;
    let mut is_below = false;
    loop {
        let (held, sum) = below(elsewhere, level);
        let all_fit = held == flows && (sum <= capacity || is_below);
        if all_fit {
            return f64::INFINITY;
        }
        if is_below && held == before {
            return level;
        }
        let next = if held == flows {
            capacity / flows as f64
        } else {
            (capacity - sum) / (flows - held) as f64
        };
        // Near a tie the last bit may lead back and forth.
        if is_below && next <= level {
            return level;
        }
        (level, is_below, before) = (next, true, held);
    }
}

/// How many of `rates` are below `level`, and their sum, in four lanes: the order of adding is fixed, and the processor need not wait
/// for one addition to begin the next.
fn below(rates: &[f64], level: f64) -> (usize, f64) {
    let mut held = [0_u64; 4];
    let mut sum = [0.0; 4];
    let add = |lane: usize, rate: f64, held: &mut [u64; 4], sum: &mut [f64; 4]| {
        let is_held = rate < level;
        held[lane] += u64::from(is_held);
        sum[lane] += if is_held { rate } else { 0.0 };
    };
    let chunks = rates.chunks_exact(4);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &rate) in chunk.iter().enumerate() {
            add(lane, rate, &mut held, &mut sum);
        }
    }
    for (lane, &rate) in rest.iter().enumerate() {
        add(lane, rate, &mut held, &mut sum);
    }
    let held: u64 = held.iter().sum();
    (held as usize, (sum[0] + sum[1]) + (sum[2] + sum[3]))
}

/// The least of a table of numbers, kept as the table changes.
#[derive(Clone, Debug)]
struct Tournament {
    /// A binary tree: the winner of `i` is that of `2 i` and `2 i + 1`; the entries are the last half.
    tree: Vec<u64>,
}

impl Tournament {
    fn new(entries: usize) -> Self {
        Self {
            tree: vec![NEVER; 2 * entries.next_power_of_two()],
        }
    }

    fn leaves(&self) -> usize {
        self.tree.len() / 2
    }

    /// Makes room for `entries`.
    fn extend(&mut self, entries: usize) {
        if entries > self.leaves() {
            let mut larger = Self::new(entries);
            for entry in 0..self.leaves() {
                larger.set(entry, self.tree[self.leaves() + entry]);
            }
            *self = larger;
        }
    }

    /// Sets an entry alone; [`Tournament::play`] finds the winners.
    fn set_leaf(&mut self, entry: usize, value: u64) {
        let at = self.leaves() + entry;
        self.tree[at] = value;
    }

    /// Finds all winners anew, which is cheaper than one by one when many entries have changed.
    fn play(&mut self) {
        for at in (1..self.leaves()).rev() {
            self.tree[at] = self.tree[2 * at].min(self.tree[2 * at + 1]);
        }
    }

    fn set(&mut self, entry: usize, value: u64) {
        let mut at = self.leaves() + entry;
        self.tree[at] = value;
        while at > 1 {
            let winner = self.tree[at].min(self.tree[at ^ 1]);
            at /= 2;
            if self.tree[at] == winner {
                break;
            }
            self.tree[at] = winner;
        }
    }

    /// The first entry with the least value.
    fn first(&self) -> Option<(usize, u64)> {
        let least = self.tree[1];
        if least == NEVER {
            return None;
        }
        let mut at = 1;
        while at < self.leaves() {
            at *= 2;
            if self.tree[at] != least {
                at += 1;
            }
        }
        Some((at - self.leaves(), least))
    }
}

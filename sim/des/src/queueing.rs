//! Reference systems of queueing theory: networks of stations, from M/M/1 to open Jackson networks, on the public engine.
//!
//! One model covers them all. A [`Station`] has `c` servers, room for `K` customers, a discipline, and any [`Dist`] of service
//! and interarrival times; customers go on to other stations with given probabilities. Kendall's notation reads off the
//! fields: M/M/c/K has exponential gaps and services, `servers = c` and `room = K`.
//!
//! Beside the moments of queueing theory, each place of a network (a line, its servers, a station, the whole) keeps both sides
//! of Little's law in integers; [`Network::imbalance`] is how far they are apart, which must be zero at any time.
//! J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9(3), 1961; as an identity on sample paths:
//! S. Stidham, "A Last Word on L = λW", Operations Research 22(2), 1974.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::dist::Dist;
use crate::engine::{Context, Engine, Event, Model};
use crate::rng::{Purpose, Stream, Streams};
use crate::stats::LogHistogram;
use crate::time::{SimTime, Span};

/// A service centre: its servers, who comes from outside, and where customers go next.
#[derive(Clone, Debug)]
pub struct Station {
    /// Customers that can be served at a time, each at full speed.
    pub servers: u32,
    /// Customers that fit in, those in service included; who finds it full is lost.
    pub room: u32,
    /// Who is served when there are more customers than servers.
    pub discipline: Discipline,
    /// Work that a customer brings: the time that it takes a server [s].
    pub service: Dist,
    /// Time between arrivals from outside [s]; none if all customers come from other stations.
    pub gaps: Option<Dist>,
    /// Probability of going on to station 0, 1, …; the rest leaves the network.
    pub routes: Vec<f64>,
}

/// Who is served when there are more customers than servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// First come, first served.
    Fcfs,
    /// Processor sharing: all at once, each at the speed min(1, servers / customers).
    Sharing,
}

impl Station {
    /// First come, first served, with unlimited room; nobody comes yet, and all leave after service.
    #[must_use]
    pub fn new(servers: u32, service: Dist) -> Self {
        Self {
            servers,
            room: u32::MAX,
            discipline: Discipline::Fcfs,
            service,
            gaps: None,
            routes: Vec::new(),
        }
    }

    /// With arrivals from outside, `gaps` apart [s].
    #[must_use]
    pub fn fed(self, gaps: Dist) -> Self {
        let gaps = Some(gaps);
        Self { gaps, ..self }
    }

    /// With room for `room` customers, those in service included.
    #[must_use]
    pub fn with_room(self, room: u32) -> Self {
        Self { room, ..self }
    }

    /// With processor sharing.
    #[must_use]
    pub fn sharing(self) -> Self {
        let discipline = Discipline::Sharing;
        Self { discipline, ..self }
    }

    /// With these probabilities of going on to station 0, 1, ….
    #[must_use]
    pub fn leading_to(self, routes: &[f64]) -> Self {
        let routes = routes.to_vec();
        Self { routes, ..self }
    }
}

/// Customers in a place over time, from both sides: how many there are, and how long each stays.
///
/// Times are integers, so that the two sides of Little's law can be compared exactly.
#[derive(Clone, Debug)]
pub struct Population {
    present: u32,
    changed: SimTime,
    start: SimTime,
    /// ∫ present dt [customer·ns].
    area: u128,
    /// Time spent here by those who have left [ns].
    stays: u128,
    /// Of that, by those present at the start, before the start [ns].
    carried: u128,
    lengths: LogHistogram,
}

impl Population {
    fn new() -> Self {
        Self {
            present: 0,
            changed: SimTime::ZERO,
            start: SimTime::ZERO,
            area: 0,
            stays: 0,
            carried: 0,
            lengths: LogHistogram::new(),
        }
    }

    /// Customers present now.
    #[must_use]
    pub fn present(&self) -> u32 {
        self.present
    }

    /// Time average of the customers present, L.
    #[must_use]
    pub fn mean_present(&self, now: SimTime) -> f64 {
        self.area_until(now) as f64 / (now - self.start).as_nanos() as f64
    }

    /// Mean time that a customer stays, W [s], over those who have left.
    #[must_use]
    pub fn mean_stay(&self) -> f64 {
        self.stays as f64 / 1e9 / self.left() as f64
    }

    /// Customers who have left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.lengths.count()
    }

    /// The stays of those who have left [s].
    #[must_use]
    pub fn lengths(&self) -> &LogHistogram {
        &self.lengths
    }

    /// Share of those who have left who stayed for `time` [s] or longer; exact for powers of two, which bound a bucket.
    #[must_use]
    pub fn share_staying(&self, time: f64) -> f64 {
        let long = |&(low, _, _): &(f64, f64, u64)| low >= time;
        let long: u64 = self.lengths.iter().filter(long).map(|(.., n)| n).sum();
        long as f64 / self.left() as f64
    }

    fn area_until(&self, now: SimTime) -> u128 {
        self.area + u128::from(self.present) * u128::from((now - self.changed).as_nanos())
    }

    fn enter(&mut self, now: SimTime) {
        self.area = self.area_until(now);
        (self.changed, self.present) = (now, self.present + 1);
    }

    fn leave(&mut self, now: SimTime, entered: SimTime) {
        self.area = self.area_until(now);
        (self.changed, self.present) = (now, self.present - 1);
        let stay = now - entered;
        self.stays += u128::from(stay.as_nanos());
        self.lengths.record(stay.as_secs_f64());
    }

    /// Starts again; `ages` is how long those present have been here [ns].
    fn reset(&mut self, now: SimTime, ages: u128) {
        let present = self.present;
        *self = Self {
            present,
            changed: now,
            start: now,
            carried: ages,
            ..Self::new()
        };
    }

    /// |∫ present dt − Σ time spent here since the start| [customer·ns].
    fn imbalance(&self, now: SimTime, ages: u128) -> u128 {
        (self.area_until(now) + self.carried).abs_diff(self.stays + ages)
    }
}

/// What a station has seen since the start, or since [`Network::forget`].
#[derive(Clone, Debug)]
pub struct Tally {
    /// Customers who came, admitted or not.
    pub offered: u64,
    /// Of these, who found the station full.
    pub blocked: u64,
    /// Everyone in the station.
    pub station: Population,
    /// Who waits for a server.
    pub line: Population,
    /// Who is being served: under processor sharing, everyone.
    pub servers: Population,
}

/// A customer taken into service, in the order of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The station.
    pub station: u32,
    /// When the customer came to it.
    pub arrived: SimTime,
    /// When service began.
    pub began: SimTime,
    /// The work that the customer brought.
    pub service: Span,
}

/// A network of stations with its customers.
#[derive(Clone, Debug)]
pub struct Network {
    stations: Vec<Centre>,
    customers: Vec<Customer>,
    free: Vec<u32>,
    everywhere: Population,
    visits: Option<Vec<Visit>>,
}

/// A station at work.
#[derive(Clone, Debug)]
struct Centre {
    station: Station,
    gaps: Stream,
    services: Stream,
    routes: Stream,
    line: VecDeque<u32>,
    shared: Shared,
    tally: Tally,
}

/// The state of processor sharing: everyone attains the same service per time, so who will be first is known by order.
#[derive(Clone, Debug, Default)]
struct Shared {
    /// Service that a customer present since the busy period began has attained [ns].
    attained: f64,
    since: SimTime,
    /// (bits of the attained service at which to leave, customer): non-negative floats are ordered as their bits.
    goals: BinaryHeap<Reverse<(u64, u32)>>,
    /// Changes whenever the next departure does, so that an overtaken event is known as such.
    stamp: u32,
}

#[derive(Clone, Copy, Debug)]
struct Customer {
    /// The station at which the customer is; none if the slot is free.
    at: Option<u32>,
    /// When the customer came to the network, to the station, and into service.
    entered: SimTime,
    arrived: SimTime,
    began: Option<SimTime>,
    service: Span,
}

/// What happens in a network.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A customer comes from outside.
    Arrival {
        /// To this station.
        station: u32,
    },
    /// A customer has been served.
    Departure {
        /// At this station.
        station: u32,
        /// Who, under first come, first served; the stamp of the event under processor sharing.
        customer: u32,
    },
}

impl Event for Step {
    /// Who leaves at an instant makes room for who comes at it.
    fn rank(&self) -> u8 {
        match self {
            Self::Departure { .. } => 0,
            Self::Arrival { .. } => 1,
        }
    }

    fn word(&self) -> u64 {
        let (station, rest) = match *self {
            Self::Departure { station, customer } => (station, customer),
            Self::Arrival { station } => (station, u32::MAX),
        };
        u64::from(station) << 32 | u64::from(rest)
    }
}

type Cx = Context<Step>;

impl Network {
    /// An engine with an empty network whose first customers are on their way.
    ///
    /// # Panics
    /// If a station has no server or no room, or if its routes are no probabilities or lead to a station that does not exist.
    #[must_use]
    pub fn new(stations: &[Station], streams: &Streams) -> Engine<Self> {
        let centre = |(index, station): (u64, &Station)| {
            station.check(stations.len());
            let open = |purpose| streams.open(Purpose::new(purpose), index);
            Centre {
                station: station.clone(),
                gaps: open("queueing: gaps"),
                services: open("queueing: services"),
                routes: open("queueing: routes"),
                line: VecDeque::new(),
                shared: Shared::default(),
                tally: Tally::new(),
            }
        };
        let mut engine = Engine::new(Self {
            stations: (0..).zip(stations).map(centre).collect(),
            customers: Vec::new(),
            free: Vec::new(),
            everywhere: Population::new(),
            visits: None,
        });
        for station in 0..stations.len() as u32 {
            if let Some(gap) = engine.model.stations[station as usize].gap() {
                engine.context_mut().after(gap, Step::Arrival { station });
            }
        }
        engine
    }

    /// From now on, keeps a row for every customer taken into service.
    pub fn log_visits(&mut self) {
        self.visits = Some(Vec::new());
    }

    /// The rows kept since [`log_visits`](Self::log_visits).
    #[must_use]
    pub fn visits(&self) -> &[Visit] {
        self.visits.as_deref().unwrap_or_default()
    }

    /// What the stations have seen.
    pub fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.stations.iter().map(|centre| &centre.tally)
    }

    /// What one station has seen.
    ///
    /// # Panics
    /// If there is no such station.
    #[must_use]
    pub fn tally(&self, station: usize) -> &Tally {
        &self.stations[station].tally
    }

    /// Everyone in the network.
    #[must_use]
    pub fn everywhere(&self) -> &Population {
        &self.everywhere
    }

    /// Forgets what was seen before `now`, the end of the warm-up; the customers stay.
    pub fn forget(&mut self, now: SimTime) {
        let ages = |place: fn(&Customer) -> Option<SimTime>, at| self.ages(now, at, place);
        let all: Vec<[u128; 3]> = (0..self.stations.len() as u32)
            .map(|at| {
                [
                    Customer::in_station,
                    Customer::in_line,
                    Customer::in_service,
                ]
                .map(|place| ages(place, Some(at)))
            })
            .collect();
        let everywhere = ages(Customer::in_network, None);
        self.everywhere.reset(now, everywhere);
        for (centre, [station, line, servers]) in self.stations.iter_mut().zip(all) {
            let tally = &mut centre.tally;
            (tally.offered, tally.blocked) = (0, 0);
            tally.station.reset(now, station);
            tally.line.reset(now, line);
            tally.servers.reset(now, servers);
        }
    }

    /// How far the two sides of Little's law are apart, at most, over all lines, servers, stations and the whole
    /// [customer·ns]: zero at any time, on every path.
    #[must_use]
    pub fn imbalance(&self, now: SimTime) -> u128 {
        let ages = |place, at| self.ages(now, Some(at), place);
        let everywhere = self.ages(now, None, Customer::in_network);
        let stations = (0..).zip(self.tallies()).flat_map(|(at, tally)| {
            [
                tally.station.imbalance(now, ages(Customer::in_station, at)),
                tally.line.imbalance(now, ages(Customer::in_line, at)),
                tally.servers.imbalance(now, ages(Customer::in_service, at)),
            ]
        });
        stations.fold(self.everywhere.imbalance(now, everywhere), u128::max)
    }

    /// How long the customers who are at `at` have been in the place that `since` tells the entry to [ns].
    fn ages(&self, now: SimTime, at: Option<u32>, since: fn(&Customer) -> Option<SimTime>) -> u128 {
        let here = |who: &&Customer| who.at.is_some() && (at.is_none() || who.at == at);
        let age = |since: SimTime| u128::from((now - since).as_nanos());
        let since = self.customers.iter().filter(here).filter_map(since);
        since.map(age).sum()
    }

    fn arrive(&mut self, station: u32, cx: &mut Cx) {
        if let Some(gap) = self.stations[station as usize].gap() {
            cx.after(gap, Step::Arrival { station });
        }
        let now = cx.now();
        let customer = Customer {
            at: None,
            entered: now,
            arrived: now,
            began: None,
            service: Span::ZERO,
        };
        let slot = self.free.pop().unwrap_or(self.customers.len() as u32);
        match self.customers.get_mut(slot as usize) {
            Some(found) => *found = customer,
            None => self.customers.push(customer),
        }
        self.everywhere.enter(now);
        self.visit(slot, station, cx);
    }

    /// A customer comes to a station, and is let in if there is room.
    fn visit(&mut self, slot: u32, at: u32, cx: &mut Cx) {
        let now = cx.now();
        let centre = &mut self.stations[at as usize];
        let tally = &mut centre.tally;
        tally.offered += 1;
        if tally.station.present() >= centre.station.room {
            tally.blocked += 1;
            self.leave(slot, now);
            return;
        }
        tally.station.enter(now);
        tally.line.enter(now);
        let customer = &mut self.customers[slot as usize];
        customer.at = Some(at);
        customer.arrived = now;
        customer.began = None;
        customer.service = Span::from_secs_f64(centre.station.service.sample(&mut centre.services));
        match centre.station.discipline {
            Discipline::Fcfs => {
                centre.line.push_back(slot);
                self.serve(at, cx);
            }
            Discipline::Sharing => {
                centre.shared.advance(now, centre.share());
                centre.shared.join(slot, customer.service);
                self.begin(slot, at, now);
                self.expect(at, cx);
            }
        }
    }

    /// Takes the first in line into service if a server is free.
    fn serve(&mut self, at: u32, cx: &mut Cx) {
        let centre = &mut self.stations[at as usize];
        if centre.tally.servers.present() < centre.station.servers
            && let Some(customer) = centre.line.pop_front()
        {
            self.begin(customer, at, cx.now());
            let service = self.customers[customer as usize].service;
            let station = at;
            cx.after(service, Step::Departure { station, customer });
        }
    }

    /// Service of a customer begins.
    fn begin(&mut self, slot: u32, at: u32, now: SimTime) {
        let customer = &mut self.customers[slot as usize];
        customer.began = Some(now);
        let tally = &mut self.stations[at as usize].tally;
        tally.line.leave(now, customer.arrived);
        tally.servers.enter(now);
        if let Some(visits) = &mut self.visits {
            visits.push(Visit {
                station: at,
                arrived: customer.arrived,
                began: now,
                service: customer.service,
            });
        }
    }

    /// Schedules the next departure under processor sharing.
    fn expect(&mut self, at: u32, cx: &mut Cx) {
        let centre = &mut self.stations[at as usize];
        let share = centre.share();
        let shared = &mut centre.shared;
        shared.stamp = shared.stamp.wrapping_add(1);
        if let Some(left) = shared.left() {
            let event = Step::Departure {
                station: at,
                customer: shared.stamp,
            };
            cx.after(Span::from_nanos((left / share).round() as u64), event);
        }
    }

    fn depart(&mut self, at: u32, customer: u32, cx: &mut Cx) {
        let now = cx.now();
        let centre = &mut self.stations[at as usize];
        let slot = match centre.station.discipline {
            Discipline::Fcfs => customer,
            Discipline::Sharing if customer != centre.shared.stamp => return,
            Discipline::Sharing => centre.shared.pop(now),
        };
        let customer = self.customers[slot as usize];
        let began = customer.began.expect("who is served has begun");
        centre.tally.servers.leave(now, began);
        centre.tally.station.leave(now, customer.arrived);
        let next = centre.next();
        match centre.station.discipline {
            Discipline::Fcfs => self.serve(at, cx),
            Discipline::Sharing => self.expect(at, cx),
        }
        match next {
            Some(next) => self.visit(slot, next, cx),
            None => self.leave(slot, now),
        }
    }

    /// A customer leaves the network.
    fn leave(&mut self, slot: u32, now: SimTime) {
        let customer = &mut self.customers[slot as usize];
        customer.at = None;
        self.everywhere.leave(now, customer.entered);
        self.free.push(slot);
    }
}

impl Model for Network {
    type Event = Step;

    fn handle(&mut self, event: Step, cx: &mut Cx) {
        match event {
            Step::Arrival { station } => self.arrive(station, cx),
            Step::Departure { station, customer } => self.depart(station, customer, cx),
        }
    }
}

impl Station {
    fn check(&self, stations: usize) {
        let Self {
            servers,
            room,
            routes,
            ..
        } = self;
        assert!(*servers > 0, "a station needs a server");
        assert!(*room > 0, "a station needs room for a customer");
        assert!(
            routes.len() <= stations,
            "there are {stations} stations, but routes to {}",
            routes.len()
        );
        let total: f64 = routes.iter().sum();
        assert!(
            routes.iter().all(|p| *p >= 0.0) && total <= 1.0 + 1e-9,
            "routes need probabilities that sum to at most 1, got {routes:?}"
        );
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            offered: 0,
            blocked: 0,
            station: Population::new(),
            line: Population::new(),
            servers: Population::new(),
        }
    }
}

impl Centre {
    /// Time to the next arrival from outside.
    fn gap(&mut self) -> Option<Span> {
        let gaps = self.station.gaps.as_ref()?;
        Some(Span::from_secs_f64(gaps.sample(&mut self.gaps)))
    }

    /// Where a customer goes from here; `None` out of the network.
    fn next(&mut self) -> Option<u32> {
        if self.station.routes.is_empty() {
            return None;
        }
        let mut target = self.routes.uniform();
        (0..).zip(&self.station.routes).find_map(|(to, p)| {
            target -= p;
            (target < 0.0).then_some(to)
        })
    }

    /// Speed at which each customer is served under processor sharing.
    fn share(&self) -> f64 {
        let present = self.tally.servers.present();
        f64::from(self.station.servers.min(present)) / f64::from(present.max(1))
    }
}

impl Shared {
    fn advance(&mut self, now: SimTime, share: f64) {
        self.attained += (now - self.since).as_nanos() as f64 * share;
        self.since = now;
        if self.goals.is_empty() {
            self.attained = 0.0;
        }
    }

    fn join(&mut self, slot: u32, service: Span) {
        let goal = self.attained + service.as_nanos() as f64;
        self.goals.push(Reverse((goal.to_bits(), slot)));
    }

    /// Service that the next to leave still needs [ns].
    fn left(&self) -> Option<f64> {
        let Reverse((goal, _)) = self.goals.peek()?;
        // An arrival between the rounded departure and the exact one may have attained a fraction of a nanosecond more.
        Some((f64::from_bits(*goal) - self.attained).max(0.0))
    }

    /// The next to leave, who leaves now: what was attained is known exactly, so roundings do not add up.
    fn pop(&mut self, now: SimTime) -> u32 {
        let Reverse((goal, slot)) = self.goals.pop().expect("a departure was due");
        (self.attained, self.since) = (f64::from_bits(goal), now);
        slot
    }
}

impl Customer {
    #[expect(clippy::unnecessary_wraps, reason = "one of several answers")]
    fn in_network(&self) -> Option<SimTime> {
        Some(self.entered)
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of several answers")]
    fn in_station(&self) -> Option<SimTime> {
        Some(self.arrived)
    }

    fn in_line(&self) -> Option<SimTime> {
        self.began.is_none().then_some(self.arrived)
    }

    fn in_service(&self) -> Option<SimTime> {
        self.began
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: f64) -> Dist {
        Dist::constant(value).expect("a number")
    }

    fn streams() -> Streams {
        Streams::new(7, 0)
    }

    #[test]
    fn two_servers_share_three_customers_by_hand() {
        // Arrivals at 2, 4, 6, …; each brings 5 s of work. Two servers, first come, first served.
        let station = Station::new(2, seconds(5.0)).fed(seconds(2.0));
        let mut engine = Network::new(&[station], &streams());
        engine.model.log_visits();
        engine.run_until(SimTime::from_secs(13));
        let began: Vec<u64> = engine
            .model
            .visits()
            .iter()
            .map(|v| v.began.as_nanos() / 1_000_000_000)
            .collect();
        assert_eq!(began, [2, 4, 7, 9, 12]);
        let tally = engine.model.tally(0);
        // Servers: 2–7, 7–12, 12–13 and 4–9, 9–13; in line: 6–7, 8–9, 10–12, 12–13.
        assert_eq!(tally.servers.mean_present(engine.now()) * 13.0, 20.0);
        assert_eq!(tally.line.mean_present(engine.now()) * 13.0, 5.0);
        assert_eq!(engine.model.imbalance(engine.now()), 0);
    }

    #[test]
    fn processor_sharing_by_hand() {
        // Arrivals at 2, 4, 6, …; each brings 3 s of work to one server. The first is alone for 2 s, then shares: 1 s takes 2 s.
        let station = Station::new(1, seconds(3.0)).fed(seconds(2.0)).sharing();
        let mut engine = Network::new(&[station], &streams());
        engine.run_until(SimTime::from_secs(6));
        let tally = engine.model.tally(0);
        assert_eq!((tally.station.left(), tally.station.present()), (1, 2));
        assert_eq!(tally.station.mean_stay(), 4.0);
        // The second has 2 s left at 6 (with the third), 1 s at 8 (the fourth comes), 1/3 s at 10 (the fifth): it leaves at 11 1/3.
        engine.run_until(SimTime::from_nanos(11_333_333_332));
        assert_eq!(engine.model.tally(0).station.left(), 1);
        engine.run_until(SimTime::from_nanos(11_333_333_333));
        assert_eq!(engine.model.tally(0).station.left(), 2);
        assert_eq!(engine.model.imbalance(engine.now()), 0);
    }

    #[test]
    fn who_finds_the_station_full_is_lost() {
        let station = Station::new(1, seconds(100.0))
            .fed(seconds(1.0))
            .with_room(2);
        let mut engine = Network::new(&[station], &streams());
        engine.run_until(SimTime::from_secs(50));
        let tally = engine.model.tally(0);
        assert_eq!((tally.offered, tally.blocked), (50, 48));
        assert_eq!(engine.model.imbalance(engine.now()), 0);
    }

    #[test]
    #[cfg_attr(miri, ignore = "a hundred thousand events")]
    fn a_customer_goes_round_until_the_routes_let_it_out() {
        // Half go back: a customer is served twice on average.
        let station = Station::new(1, seconds(0.25))
            .fed(seconds(1.0))
            .leading_to(&[0.5]);
        let mut engine = Network::new(&[station], &streams());
        engine.run_until(SimTime::from_secs(20_000));
        let network = &engine.model;
        let visits = network.tally(0).offered as f64 / 20_000.0;
        assert!((visits - 2.0).abs() < 0.05, "{visits}");
        assert_eq!(
            network.everywhere().left() + u64::from(network.everywhere().present()),
            20_000
        );
    }

    #[test]
    #[cfg_attr(miri, ignore = "a hundred thousand events")]
    fn forgetting_keeps_the_balance() {
        let service = Dist::exponential(0.9).expect("a mean");
        let gaps = Dist::exponential(1.0).expect("a mean");
        for station in [
            Station::new(1, service.clone()),
            Station::new(1, service).sharing(),
        ] {
            let mut engine = Network::new(&[station.fed(gaps.clone())], &streams());
            for hour in 1..50 {
                engine.run_until(SimTime::ZERO + Span::HOUR * hour);
                let now = engine.now();
                assert_eq!(engine.model.imbalance(now), 0);
                engine.model.forget(now);
                assert_eq!(engine.model.imbalance(now), 0);
            }
        }
    }

    #[test]
    #[should_panic(expected = "routes need probabilities that sum to at most 1, got [0.6, 0.6]")]
    fn routes_are_probabilities() {
        let station = Station::new(1, seconds(1.0)).leading_to(&[0.6, 0.6]);
        let _ = Network::new(&[station.clone(), station], &streams());
    }
}

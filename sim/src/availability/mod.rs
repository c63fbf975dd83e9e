//! When nodes are there: stays and absences drawn from laws, hours of the day, or recorded; and what takes whole regions away.

mod daily;
mod outage;
mod renewal;
mod replay;

use walras_des::{SimTime, Span, Stream};

pub use daily::Daily;
pub use outage::{Onset, Outage, Reach};
pub use renewal::Renewal;
pub use replay::{Replay, Start, Track};

/// How a class of nodes comes and goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Availability {
    /// Never leaves.
    Always,
    /// Each node belongs for good to one of these patterns, drawn with the given weights.
    Mixed(Vec<(f64, Pattern)>),
}

/// How one node comes and goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Stays and absences drawn one after the other.
    Renewal(Renewal),
    /// Hours of the owner's day.
    Daily(Daily),
    /// As recorded.
    Replay(Replay),
}

/// What a pattern asks about a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Its number within its fleet.
    pub number: u32,
    /// Hosts that must all be there.
    pub hosts: u32,
    /// How far the clocks where it stands are ahead of universal time [h].
    pub utc_offset: f64,
}

/// The life of one node: its pattern, and what it drew once and for all.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pattern: Option<u32>,
    hosts: u32,
    /// When the owner's hours begin, after midnight universal time; or how far into the record the node starts.
    start: Span,
    /// How long the owner's hours last; or which track of the record it follows.
    length: Span,
}

impl From<Renewal> for Availability {
    fn from(renewal: Renewal) -> Self {
        Self::Mixed(vec![(1.0, Pattern::Renewal(renewal))])
    }
}

impl Availability {
    /// Starts the life of a node at time zero, midnight universal time, as if it had always been: `(life, up now?, time to the next
    /// change)`. `None` as the time means that no change is ahead.
    #[must_use]
    pub fn begin(&self, place: Place, stream: &mut Stream) -> (Life, bool, Option<Span>) {
        let mut life = Life {
            pattern: None,
            hosts: place.hosts,
            start: Span::ZERO,
            length: Span::ZERO,
        };
        let Self::Mixed(patterns) = self else {
            return (life, true, None);
        };
        let weights = patterns.iter().map(|(weight, _)| *weight);
        let pattern = pick(weights, stream.uniform());
        life.pattern = u32::try_from(pattern).ok();
        let (up, change) = match &patterns[pattern].1 {
            Pattern::Renewal(renewal) => {
                let (up, left) = renewal.begin(place.hosts, stream);
                (up, Some(left))
            }
            Pattern::Daily(daily) => {
                (life.start, life.length) = daily.hours(place.utc_offset, stream);
                daily::at(life.start, life.length, SimTime::ZERO)
            }
            Pattern::Replay(replay) => {
                (life.start, life.length) = replay.seat(place.number, stream);
                replay.at(life.start, life.length, SimTime::ZERO)
            }
        };
        (life, up, change)
    }

    /// How long a stay (`up`) or absence that begins now will last; `None` when it never ends.
    #[must_use]
    pub fn next(&self, life: Life, up: bool, now: SimTime, stream: &mut Stream) -> Option<Span> {
        let (Self::Mixed(patterns), Some(pattern)) = (self, life.pattern) else {
            return None;
        };
        let (is_up, change) = match &patterns[pattern as usize].1 {
            Pattern::Renewal(renewal) => {
                return Some(renewal.next(up, life.hosts, stream));
            }
            Pattern::Daily(_) => daily::at(life.start, life.length, now),
            Pattern::Replay(replay) => replay.at(life.start, life.length, now),
        };
        // A machine that is started while its hours are over leaves at once.
        if is_up == up { change } else { Some(SHORTEST) }
    }
}

/// A shorter stay or absence cannot be observed.
const SHORTEST: Span = Span::from_nanos(1_000_000);

/// Index of the weight that `uniform` in `[0, 1)` falls on.
#[must_use]
pub fn pick(weights: impl Iterator<Item = f64> + Clone, uniform: f64) -> usize {
    let total: f64 = weights.clone().sum();
    let mut left = uniform * total;
    let mut last = 0;
    for (index, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = index;
            if left < weight {
                return index;
            }
        }
        left -= weight;
    }
    last
}

/// A stay of at least a millisecond and at most a century [h].
fn hours(value: f64) -> Span {
    Span::from_secs_f64((value * 3600.0).clamp(SHORTEST.as_secs_f64(), 3.15e9))
}

/// A number of hours within a day.
fn within_a_day(hours: f64) -> Span {
    Span::from_secs_f64((hours - 24.0 * (hours / 24.0).floor()) * 3600.0)
}

#[cfg(test)]
mod tests {
    use walras_des::{Dist, Purpose, Streams};

    use super::*;

    const HERE: Place = Place {
        number: 0,
        hosts: 1,
        utc_offset: 0.0,
    };

    fn stream() -> Stream {
        Streams::new(1, 0).open(Purpose::new("stays"), 0)
    }

    /// Share of `horizon` that nodes with these places are up.
    fn share_up(availability: &Availability, places: &[Place], horizon: Span) -> f64 {
        let mut stream = stream();
        let mut total = 0.0;
        for &place in places {
            let (life, mut up, mut left) = availability.begin(place, &mut stream);
            let (mut now, end) = (SimTime::ZERO, SimTime::ZERO + horizon);
            while now < end {
                let next = left.map_or(end, |left| (now + left).min(end));
                total += if up { (next - now).as_secs_f64() } else { 0.0 };
                now = next;
                up = !up;
                left = availability.next(life, up, now, &mut stream);
            }
        }
        total / (horizon.as_secs_f64() * places.len() as f64)
    }

    /// The shortest of n exponential stays of mean 1 h has mean 1/n h; the absence stays that of one host. 20,000 draws, seed 1:
    /// the standard error of a mean is 0.7 %.
    #[test]
    fn a_chain_is_there_while_all_its_hosts_are() {
        let law = Dist::exponential(1.0).expect("a mean");
        let availability = Availability::from(Renewal {
            up: law.clone(),
            down: law,
        });
        let mut stream = stream();
        for (hosts, up, expected) in [(1, true, 1.0), (4, true, 0.25), (4, false, 1.0)] {
            let (life, ..) = availability.begin(Place { hosts, ..HERE }, &mut stream);
            let draws = 20_000;
            let total: f64 = (0..draws)
                .map(|_| availability.next(life, up, SimTime::ZERO, &mut stream))
                .map(|stay| stay.expect("it ends").as_secs_f64() / 3600.0)
                .sum();
            let mean = total / f64::from(draws);
            assert!(
                (mean / expected - 1.0).abs() < 0.04,
                "{hosts} hosts: {mean} h"
            );
        }
    }

    /// Alternating renewal theory: the share of time up is E[up] / (E[up] + E[down]), whatever the laws. 400 nodes for 1,000 h, seed 1;
    /// the tolerance is four standard errors of independent cycles of the longest law.
    #[test]
    fn the_share_of_time_up_is_that_of_renewal_theory() {
        let down = || Dist::hyperexponential(vec![(0.4, 0.5), (0.6, 4.0)]).expect("a law");
        let laws = [
            Dist::weibull(0.5, 1.0),
            Dist::gamma(0.4, 5.0),
            Dist::lognormal(0.0, 1.0),
            Dist::hyperexponential(vec![(0.3, 0.2), (0.7, 2.0)]),
        ];
        for up in laws.map(|law| law.expect("a law")) {
            let renewal = Renewal { up, down: down() };
            let expected = renewal.availability().expect("finite means");
            let found = share_up(&renewal.into(), &[HERE; 400], Span::HOUR * 1000);
            assert!((found - expected).abs() < 0.01, "{found}, not {expected}");
        }
    }

    /// Owners who are on from 22 h to 7 h are there 9 of 24 hours, wherever they live, and at any instant those whose clocks say so.
    #[test]
    fn owners_are_there_in_their_own_night() {
        let night = Daily {
            from: 22.0,
            until: 7.0,
            spread: 0.0,
        };
        let availability = Availability::Mixed(vec![(1.0, Pattern::Daily(night))]);
        for (utc_offset, is_up, change) in [
            (0.0, true, 7.0),
            (-5.0, false, 3.0),
            (5.5, true, 1.5),
            (9.0, false, 13.0),
        ] {
            let place = Place { utc_offset, ..HERE };
            let (_, up, left) = availability.begin(place, &mut stream());
            assert_eq!((up, left), (is_up, Some(hours(change))), "{utc_offset} h");
            let found = share_up(&availability, &[place], Span::DAY * 10);
            assert!(
                (found - 9.0 / 24.0).abs() < 1e-9,
                "{found} at {utc_offset} h"
            );
        }
    }

    /// With a spread owners keep the share of their hours on the average: 2,000 owners, seed 1; the length has a standard deviation of
    /// √2 h, so the standard error of the share is 0.0013.
    #[test]
    fn owners_differ_in_their_hours() {
        let day = Daily {
            from: 8.0,
            until: 20.0,
            spread: 1.0,
        };
        let availability = Availability::Mixed(vec![(1.0, Pattern::Daily(day))]);
        let found = share_up(&availability, &vec![HERE; 2000], Span::DAY);
        assert!((found - 0.5).abs() < 0.006, "{found}");
        let begins: Vec<_> = (0..3)
            .map(|number| {
                let mut stream = Streams::new(1, 0).open(Purpose::new("stays"), number);
                availability.begin(HERE, &mut stream).2
            })
            .collect();
        assert!(begins[0] != begins[1] && begins[1] != begins[2]);
    }

    /// A node that replays a record is up when the record says so, and again when the record starts anew.
    #[test]
    fn a_replay_is_the_record() {
        let counts = [0, 1, 1, 2, 0, 0, 2];
        let tracks = Track::of_counts(&counts, Span::MINUTE);
        assert_eq!(tracks.len(), 2);
        let replay = Replay::new(tracks, Start::Together);
        let availability = Availability::Mixed(vec![(1.0, Pattern::Replay(replay))]);
        for number in 0..4 {
            let place = Place { number, ..HERE };
            let mut stream = stream();
            let (life, mut up, mut left) = availability.begin(place, &mut stream);
            let mut change = left.map(|left| SimTime::ZERO + left);
            for minute in 0..21_u64 {
                let now = SimTime::ZERO + Span::MINUTE * minute;
                if change == Some(now) {
                    up = !up;
                    left = availability.next(life, up, now, &mut stream);
                    change = left.map(|left| now + left);
                }
                let recorded = counts[minute as usize % counts.len()] > number % 2;
                assert_eq!(up, recorded, "node {number} in minute {minute}");
            }
        }
    }
}

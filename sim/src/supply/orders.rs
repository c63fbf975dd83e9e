//! The queue for new hardware: what is ordered comes when all orders before it have been made, and shipped.
//!
//! The lead time quoted today is transit plus backlog over output, and it moves: as orders come, and as output changes. Buyers of servers
//! with the H100 were quoted 36 to 52 weeks in the third quarter of 2023 (Omdia, in Tom's Hardware, November 2023), and 8 to 12 weeks in
//! April 2024 (Dell Taiwan, in United Daily News). First come, first served; J. W. Forrester's Industrial Dynamics (1961) has what such
//! delays do to an industry.

use std::collections::VecDeque;

/// Who makes the hardware.
#[derive(Clone, Debug, PartialEq)]
pub struct Maker {
    /// Made in a week, all customers together [units].
    pub output: f64,
    /// From the factory to the rack [weeks].
    pub transit: f64,
    /// Orders that were there before the first one counted here [units].
    pub backlog: f64,
}

impl Maker {
    /// A maker that quotes so many weeks to the first one who asks, of them in transit so many.
    #[must_use]
    pub fn quoting(weeks: f64, transit: f64, output: f64) -> Self {
        Self {
            output,
            transit,
            backlog: output * (weeks - transit).max(0.0),
        }
    }
}

/// An order that has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delivery<P> {
    /// Whose it is.
    pub party: P,
    /// How much it is [units].
    pub units: f64,
    /// When it came [weeks from the start].
    pub at: f64,
}

/// Orders at work, of parties of some type.
#[derive(Clone, Debug)]
pub struct Orders<P> {
    output: f64,
    transit: f64,
    /// Parties, units ordered, and units still to be made; nobody's are those of other customers.
    queue: VecDeque<(Option<P>, f64, f64)>,
    shipped: VecDeque<Delivery<P>>,
    /// All that is still to be made [units].
    backlog: f64,
    /// Weeks from the start.
    now: f64,
}

impl<P: Copy> Orders<P> {
    /// A maker, and the orders that were there before.
    #[must_use]
    pub fn new(plan: &Maker) -> Self {
        let others = (plan.backlog > 0.0).then_some((None, plan.backlog, plan.backlog));
        Self {
            output: plan.output,
            transit: plan.transit,
            queue: others.into_iter().collect(),
            shipped: VecDeque::new(),
            backlog: plan.backlog,
            now: 0.0,
        }
    }

    /// Ordered and not yet made [units].
    #[must_use]
    pub fn backlog(&self) -> f64 {
        self.backlog
    }

    /// How long an order of some units would take at today's output [weeks].
    #[must_use]
    pub fn lead_time(&self, units: f64) -> f64 {
        self.transit + (self.backlog() + units) / self.output
    }

    /// Output from now on [units a week].
    pub fn set_output(&mut self, output: f64) {
        self.output = output;
    }

    /// Output now [units a week].
    #[must_use]
    pub fn output(&self) -> f64 {
        self.output
    }

    /// Orders some units, more than none; says how long they will take at today's output [weeks].
    pub fn order(&mut self, party: P, units: f64) -> f64 {
        self.queue.push_back((Some(party), units, units));
        self.backlog += units;
        self.lead_time(0.0)
    }

    /// Orders of customers who are not looked at here take their place in the queue, too.
    pub fn order_elsewhere(&mut self, units: f64) {
        self.queue.push_back((None, units, units));
        self.backlog += units;
    }

    /// Some weeks pass: appends what comes in them, in the order of its coming. An order comes when the last of it is made.
    pub fn advance(&mut self, weeks: f64, out: &mut Vec<Delivery<P>>) {
        let end = self.now + weeks;
        let mut left_to_make = self.output * weeks;
        while let Some((party, units, left)) = self.queue.front_mut() {
            // The last order of an exact plan may miss by a rounding error.
            if *left > left_to_make * (1.0 + 1e-12) {
                *left -= left_to_make;
                self.backlog -= left_to_make;
                break;
            }
            left_to_make = (left_to_make - *left).max(0.0);
            self.backlog -= *left;
            if let Some(party) = *party {
                self.shipped.push_back(Delivery {
                    party,
                    units: *units,
                    at: end - left_to_make / self.output + self.transit,
                });
            }
            self.queue.pop_front();
        }
        if self.queue.is_empty() {
            // What rounding left of the sum.
            self.backlog = 0.0;
        }
        self.now = end;
        while let Some(delivery) = self
            .shipped
            .front()
            .filter(|order| order.at <= end * (1.0 + 1e-12))
        {
            out.push(*delivery);
            self.shipped.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weeks(orders: &mut Orders<u32>, count: usize) -> Vec<Delivery<u32>> {
        let mut out = Vec::new();
        for _ in 0..count {
            orders.advance(1.0, &mut out);
        }
        out
    }

    /// Output of 10 a week and a backlog of 500: an order of 20 is quoted 52 weeks, and comes then.
    #[test]
    fn a_year_of_backlog_makes_52_weeks() {
        let mut orders = Orders::new(&Maker::quoting(50.0, 0.0, 10.0));
        assert_eq!(orders.backlog(), 500.0);
        assert_eq!(orders.lead_time(20.0), 52.0);
        assert_eq!(orders.order(7, 20.0), 52.0);
        assert_eq!(weeks(&mut orders, 51), []);
        let came = weeks(&mut orders, 1);
        assert_eq!(came.len(), 1);
        assert_eq!((came[0].party, came[0].units), (7, 20.0));
        assert!((came[0].at - 52.0).abs() < 1e-9);
        assert_eq!(orders.backlog(), 0.0);
    }

    /// First come, first served; transit after making; doubled output halves what is left of the wait.
    #[test]
    fn lead_times_follow_output() {
        let mut orders = Orders::new(&Maker {
            output: 4.0,
            transit: 3.0,
            backlog: 0.0,
        });
        assert_eq!(orders.order(1, 8.0), 5.0);
        assert_eq!(orders.order(2, 16.0), 9.0);
        assert_eq!(weeks(&mut orders, 4), []);
        orders.set_output(8.0);
        // Eight of the second order's 16 are left: one week more, and transit.
        assert_eq!(orders.lead_time(0.0), 4.0);
        let came = weeks(&mut orders, 4);
        assert_eq!(
            came.iter()
                .map(|order| (order.party, order.at))
                .collect::<Vec<_>>(),
            [(1, 5.0), (2, 8.0)]
        );
    }

    /// Orders below output come after transit; above it the queue grows without end, by the difference.
    #[test]
    fn queues_grow_beyond_output() {
        for (weekly, lead) in [(9.0, 2.0 + 0.9), (11.0, 2.0 + 1.1 + 52.0 * 0.1)] {
            let mut orders = Orders::new(&Maker {
                output: 10.0,
                transit: 2.0,
                backlog: 0.0,
            });
            let mut out = Vec::new();
            for _ in 0..52 {
                orders.order(0, weekly);
                orders.advance(1.0, &mut out);
            }
            assert!((orders.lead_time(weekly) - lead).abs() < 1e-9);
            // What was ordered is delivered, in transit or to be made.
            let made: f64 = out
                .iter()
                .chain(&orders.shipped)
                .map(|order| order.units)
                .sum();
            let queued: f64 = orders.queue.iter().map(|(_, units, _)| units).sum();
            assert!((made + queued - 52.0 * weekly).abs() < 1e-9);
        }
    }
}

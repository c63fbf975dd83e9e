//! Time averages of quantities that are constant between changes.

use crate::time::SimTime;

/// The time average of a quantity that is constant between changes, such as a queue length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeWeighted {
    start: SimTime,
    changed: SimTime,
    value: f64,
    /// Up to `changed` [value·s].
    integral: f64,
}

impl TimeWeighted {
    /// A quantity that is `value` from `start` on.
    #[must_use]
    pub const fn new(start: SimTime, value: f64) -> Self {
        Self {
            start,
            changed: start,
            value,
            integral: 0.0,
        }
    }

    /// The quantity becomes `value`.
    ///
    /// # Panics
    /// If `now` lies before the previous change, as do all methods that take `now`.
    #[track_caller]
    #[inline]
    pub fn set(&mut self, now: SimTime, value: f64) {
        self.integral = self.integral(now);
        self.changed = now;
        self.value = value;
    }

    /// The quantity changes by `delta`.
    #[track_caller]
    #[inline]
    pub fn add(&mut self, now: SimTime, delta: f64) {
        self.set(now, self.value + delta);
    }

    /// Forgets what was before `now`, for example the warm-up; the value stays.
    #[track_caller]
    pub fn reset(&mut self, now: SimTime) {
        self.set(now, self.value);
        self.start = now;
        self.integral = 0.0;
    }

    /// The current value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The integral from the start to `now` [value·s].
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn integral(&self, now: SimTime) -> f64 {
        self.integral + self.value * (now - self.changed).as_secs_f64()
    }

    /// The average from the start to `now`; the current value while no time has passed.
    #[must_use]
    #[track_caller]
    pub fn mean(&self, now: SimTime) -> f64 {
        let integral = self.integral(now);
        let span = now - self.start;
        if span.as_nanos() == 0 {
            self.value
        } else {
            integral / span.as_secs_f64()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_weighted_average() {
        let at = SimTime::from_secs;
        let mut queue = TimeWeighted::new(at(10), 2.0);
        assert_eq!(queue.mean(at(10)), 2.0);
        queue.add(at(12), 1.0); // 2 s at 2
        queue.set(at(15), 0.0); // 3 s at 3
        assert_eq!(queue.integral(at(20)), 13.0);
        assert_eq!(queue.mean(at(20)), 1.3);
        queue.set(at(20), 4.0);
        queue.reset(at(21)); // warm-up over
        assert_eq!(queue.integral(at(21)), 0.0);
        queue.set(at(22), 8.0);
        assert_eq!(queue.mean(at(23)), 6.0);
        assert_eq!(queue.value(), 8.0);
    }

    #[test]
    #[should_panic(expected = "time runs backwards")]
    fn time_weighted_refuses_the_past() {
        TimeWeighted::new(SimTime::from_secs(10), 2.0).set(SimTime::from_secs(9), 0.0);
    }
}

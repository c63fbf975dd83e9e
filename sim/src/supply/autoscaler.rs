//! Elastic supply: a controller that starts and releases instances with the load.

use walras_des::{Dist, SimTime, Span};

/// Target tracking on outstanding jobs per instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Autoscaler {
    /// Instances that always run.
    pub min: u32,
    /// Instances that may run at most.
    pub max: u32,
    /// Outstanding jobs per instance that the controller aims at.
    pub target: f64,
    /// Time between decisions.
    pub interval: Span,
    /// Time from the request of an instance until it serves (launch, image, model load).
    pub provisioning: Dist,
    /// An instance is released only when fewer were needed for this long.
    pub cooldown: Span,
}

/// What the controller wants now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// This many instances more.
    Out(u32),
    /// This many fewer.
    In(u32),
    /// No change.
    Hold,
}

/// The controller at work.
#[derive(Clone, Debug)]
pub struct Controller {
    /// Its parameters.
    pub scaler: Autoscaler,
    /// The last time at which the present number of instances was needed.
    needed_at: SimTime,
}

impl Controller {
    /// A controller that has just started.
    #[must_use]
    pub fn new(scaler: Autoscaler) -> Self {
        Self {
            scaler,
            needed_at: SimTime::ZERO,
        }
    }

    /// Decides for `outstanding` jobs with `instances` running or on their way: as many as the target asks for at once,
    /// fewer only after the cooldown.
    pub fn decide(&mut self, now: SimTime, outstanding: u32, instances: u32) -> Scaling {
        let wanted = (f64::from(outstanding) / self.scaler.target).ceil() as u32;
        let wanted = wanted.clamp(self.scaler.min, self.scaler.max);
        if wanted >= instances {
            self.needed_at = now;
        }
        if wanted > instances {
            Scaling::Out(wanted - instances)
        } else if wanted < instances && now - self.needed_at >= self.scaler.cooldown {
            self.needed_at = now;
            Scaling::In(instances - wanted)
        } else {
            Scaling::Hold
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_at_once_and_in_after_the_cooldown() {
        let mut controller = Controller::new(Autoscaler {
            min: 1,
            max: 10,
            target: 4.0,
            interval: Span::MINUTE,
            provisioning: Dist::constant(60.0).unwrap(),
            cooldown: Span::MINUTE * 10,
        });
        let at = |minutes: u64| SimTime::ZERO + Span::MINUTE * minutes;
        assert_eq!(controller.decide(at(0), 9, 1), Scaling::Out(2));
        assert_eq!(controller.decide(at(1), 100, 3), Scaling::Out(7));
        assert_eq!(controller.decide(at(2), 0, 10), Scaling::Hold);
        assert_eq!(controller.decide(at(11), 0, 10), Scaling::In(9));
        assert_eq!(controller.decide(at(12), 4, 1), Scaling::Hold);
    }
}

//! When to come and when to go if coming costs something and nobody knows the future: the two thresholds of Dixit.
//!
//! The income P of a unit of capacity follows a geometric Brownian motion with drift μ and volatility σ, running costs C, money is
//! discounted at r > μ, entry costs k and exit l. An owner outside waits until P reaches `P_H`, above `C + r k`; one inside stays at a loss
//! until P falls to `P_L`, below `C − r l`: hysteresis. A. Dixit, "Entry and exit decisions under uncertainty", Journal of Political Economy
//! 97(3), 1989, doi 10.1086/261619.
//!
//! Outside, an owner is worth `A P^β₁`; inside, `P / (r − μ) − C / r + B P^β₂`, where β₁ > 1 and β₂ < 0 solve σ² β (β − 1) / 2 + μ β = r. At both
//! thresholds the two differ by what the switch costs, and have the same slope. With the ratio R of the thresholds given, the slopes fix
//! A and B, and the values `P_L` and `P_H`; that these have the ratio R is one equation in R.

use walras_des::math;

/// An owner who may come and go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Switching {
    /// Expected growth of the income [by year].
    pub drift: f64,
    /// Standard deviation of its logarithm [by root of a year].
    pub volatility: f64,
    /// Rate at which money is discounted, above the drift [by year].
    pub discount: f64,
    /// Running cost, in money by year.
    pub cost: f64,
    /// What coming costs and going does not give back; infinite for who will never come back.
    pub entry_cost: f64,
    /// What going costs; negative for what it gives back, less than the entry cost.
    pub exit_cost: f64,
}

/// Incomes at which an owner comes and goes, by year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Whoever is outside comes at or above this.
    pub enter: f64,
    /// Whoever is inside goes at or below this.
    pub leave: f64,
}

/// The running costs of owners who are alike in all else, by year, at which an income is a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marginal {
    /// Who is outside comes if it costs less than this; negative if nobody does.
    pub enter: f64,
    /// Who is inside goes if it costs more.
    pub leave: f64,
}

impl Switching {
    /// β₁ and β₂.
    #[must_use]
    pub fn roots(&self) -> (f64, f64) {
        let variance = self.volatility * self.volatility;
        let middle = 0.5 - self.drift / variance;
        let spread = (middle * middle + 2.0 * self.discount / variance).sqrt();
        // The product of the roots is −2 r / σ²: the small one without cancellation.
        let product = -2.0 * self.discount / variance;
        if middle > 0.0 {
            (middle + spread, product / (middle + spread))
        } else {
            (product / (middle - spread), middle - spread)
        }
    }

    /// What an income for ever is worth by unit of itself now, and what the running cost is, less or plus a switch.
    fn present(&self, switch: f64) -> f64 {
        (self.cost / self.discount + switch) * (self.discount - self.drift)
    }

    /// Where to go for good: `P_L = β₂ / (β₂ − 1) · (C / r − l) (r − μ)`.
    #[must_use]
    pub fn exit_for_good(&self) -> f64 {
        let (_, down) = self.roots();
        down / (down - 1.0) * self.present(-self.exit_cost).max(0.0)
    }

    /// Where to come for good: `P_H = β₁ / (β₁ − 1) · (C / r + k) (r − μ)`.
    #[must_use]
    pub fn entry_for_good(&self) -> f64 {
        let (up, _) = self.roots();
        up / (up - 1.0) * self.present(self.entry_cost)
    }

    /// The two thresholds, to nine digits where they are a per cent apart. They are proportional to the three costs, so that a kind of owner
    /// needs them once: finding them takes microseconds.
    ///
    /// A volatility below 10⁻³ counts as 10⁻³.
    ///
    /// # Panics
    /// If the discount is not above zero and the drift, or entry and exit together give money.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        assert!(
            self.discount > 0.0 && self.discount > self.drift,
            "the discount must be above zero and above the drift of {}, not {}",
            self.drift,
            self.discount
        );
        assert!(
            self.entry_cost + self.exit_cost >= 0.0,
            "coming and going again must not pay: entry costs {}, exit {}",
            self.entry_cost,
            self.exit_cost
        );
        let plan = Self {
            volatility: self.volatility.max(1e-3),
            ..*self
        };
        if plan.entry_cost == f64::INFINITY {
            let (enter, leave) = (f64::INFINITY, plan.exit_for_good());
            return Thresholds { enter, leave };
        }
        let high = plan.present(plan.entry_cost);
        let low = plan.present(-plan.exit_cost);
        if low <= 0.0 {
            // Going costs more than to stay for ever.
            let (enter, leave) = (plan.entry_for_good(), 0.0);
            return Thresholds { enter, leave };
        }
        if plan.entry_cost + plan.exit_cost <= 1e-12 * plan.cost {
            // Nothing is sunk: income meets running cost and interest.
            let enter = plan.cost + plan.discount * plan.entry_cost;
            return Thresholds {
                enter,
                leave: enter,
            };
        }
        let (up, down) = plan.roots();
        let goal = math::ln(high / low);
        let log_ratio = zero(|log_ratio| {
            let (wait, hurry) = options(up, down, log_ratio);
            log_ratio + math::ln(hurry / wait) - goal
        });
        let (wait, hurry) = options(up, down, log_ratio);
        Thresholds {
            enter: high / hurry,
            leave: low / wait,
        }
    }

    /// The inverse of [`Switching::thresholds`]: the running costs that have a given income for thresholds. The `cost` of `self` is of no
    /// account.
    ///
    /// # Panics
    /// As [`Switching::thresholds`].
    #[must_use]
    pub fn marginal(&self, income: f64) -> Marginal {
        assert!(
            self.discount > 0.0 && self.discount > self.drift,
            "the discount must be above zero and above the drift of {}, not {}",
            self.drift,
            self.discount
        );
        let plan = Self {
            volatility: self.volatility.max(1e-3),
            ..*self
        };
        let margin = plan.discount - plan.drift;
        let (up, down) = plan.roots();
        // From `high` and `low`, which are what the cost comes to with a switch.
        let from_high = |high: f64| plan.discount * (high / margin - plan.entry_cost);
        let from_low = |low: f64| plan.discount * (low / margin + plan.exit_cost);
        let sunk = (plan.entry_cost + plan.exit_cost) * margin;
        if sunk.is_infinite() {
            let leave = from_low(income * (1.0 - 1.0 / down));
            return Marginal {
                enter: f64::NEG_INFINITY,
                leave,
            };
        }
        if sunk <= 1e-12 * income || income <= 0.0 {
            let both = income - plan.discount * plan.entry_cost;
            return Marginal {
                enter: both,
                leave: both,
            };
        }
        // At the lower threshold low = P wait, at the upper one high = P hurry, and high − low is what is sunk; R follows as above.
        let at_leave = zero(|log_ratio| {
            let (wait, hurry) = options(up, down, log_ratio);
            log_ratio + math::ln(hurry * income / (income * wait + sunk))
        });
        let at_enter = zero(|log_ratio| {
            let (wait, hurry) = options(up, down, log_ratio);
            let low = income * hurry - sunk;
            if low > 0.0 {
                log_ratio + math::ln(low / (wait * income))
            } else {
                // Not even for nothing would it go again.
                f64::NEG_INFINITY
            }
        });
        Marginal {
            enter: from_high(income * options(up, down, at_enter).1),
            leave: from_low(income * options(up, down, at_leave).0),
        }
    }
}

/// What the options to wait are worth at both thresholds for a logarithm of R: `P_L = low / wait`, `P_H = high / hurry`.
fn options(up: f64, down: f64, log_ratio: f64) -> (f64, f64) {
    let (rise, fall) = (
        math::exp((up - 1.0) * log_ratio),
        math::exp((down - 1.0) * log_ratio),
    );
    let a = if rise.is_finite() {
        (1.0 - fall) / (rise - fall)
    } else {
        0.0
    };
    let b = 1.0 - a;
    // a · rise + b · fall = 1 by the slope at `P_H`.
    let wait = 1.0 - b / down - a / up;
    let hurry = 1.0 - b * fall / down - (1.0 - b * fall) / up;
    (wait, hurry)
}

/// Where a rising function of the logarithm of R, negative at none, is zero; 600 and more if nowhere before.
fn zero(excess: impl Fn(f64) -> f64) -> f64 {
    let (mut below, mut above) = (0.0, 1.0);
    while excess(above) < 0.0 && above < 600.0 {
        (below, above) = (above, 2.0 * above);
    }
    for _ in 0..60 {
        let middle = 0.5 * (below + above);
        if excess(middle) < 0.0 {
            below = middle;
        } else {
            above = middle;
        }
    }
    0.5 * (below + above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Purpose, Streams};

    /// Dixit's central case: σ = 0.1, r = 0.025, w = 1, k = 4, without drift and cost of exit; he gives 1.4667 and 0.7657.
    const CENTRAL: Switching = Switching {
        drift: 0.0,
        volatility: 0.1,
        discount: 0.025,
        cost: 1.0,
        entry_cost: 4.0,
        exit_cost: 0.0,
    };

    #[test]
    fn the_central_case_of_dixit() {
        let found = CENTRAL.thresholds();
        assert!((found.enter - 1.4667).abs() < 5e-5, "{found:?}");
        assert!((found.leave - 0.7657).abs() < 5e-5, "{found:?}");
    }

    /// Values and slopes of both sides meet at both thresholds, checked in full from A and B.
    #[test]
    fn values_and_slopes_meet() {
        for plan in [
            CENTRAL,
            Switching {
                drift: -0.2,
                volatility: 0.6,
                discount: 0.1,
                cost: 3.0,
                entry_cost: 2.0,
                exit_cost: 1.5,
            },
            Switching {
                drift: 0.04,
                volatility: 0.9,
                discount: 0.05,
                cost: 1.0,
                entry_cost: 20.0,
                exit_cost: -10.0,
            },
        ] {
            let Thresholds { enter, leave } = plan.thresholds();
            let (up, down) = plan.roots();
            let margin = plan.discount - plan.drift;
            // Slopes: B β₂ P^{β₂−1} − A β₁ P^{β₁−1} = −1 / (r − μ) at both.
            let row = |p: f64| (down * p.powf(down - 1.0), -up * p.powf(up - 1.0));
            let ((b1, a1), (b2, a2)) = (row(leave), row(enter));
            let determinant = b1 * a2 - b2 * a1;
            let (b, a) = (
                (a1 - a2) / margin / determinant,
                (b2 - b1) / margin / determinant,
            );
            let gain =
                |p: f64| p / margin - plan.cost / plan.discount + b * p.powf(down) - a * p.powf(up);
            assert!((gain(enter) - plan.entry_cost).abs() < 1e-8, "{plan:?}");
            assert!((gain(leave) + plan.exit_cost).abs() < 1e-8, "{plan:?}");
            assert!(a > 0.0 && b > 0.0);
        }
    }

    /// σ = 0.6, r = 0.05, no drift: `P_L` = 0.185 C for who never comes back, and nearly so where coming back is dear.
    #[test]
    fn without_return_it_is_the_formula() {
        let plan = Switching {
            volatility: 0.6,
            discount: 0.05,
            entry_cost: f64::INFINITY,
            ..CENTRAL
        };
        let formula = plan.exit_for_good();
        assert!((formula - 0.185).abs() < 5e-4, "{formula}");
        assert_eq!(plan.thresholds().leave, formula);
        let dear = Switching {
            entry_cost: 1e30,
            ..plan
        };
        assert!((dear.thresholds().leave / formula - 1.0).abs() < 1e-5);
    }

    /// Value iteration on a tree with steps of σ √t, where an owner decides once in a step: the threshold of the last node at which
    /// it stays. Whoever is bound for a week goes earlier than the formula says, at 0.206 C, and whoever is bound for a day less so.
    #[test]
    fn trees_agree() {
        let (sigma, rate) = (0.6_f64, 0.05_f64);
        let tree = |years: f64| {
            let (step, discount) = (sigma * years.sqrt(), (-rate * years).exp());
            let nodes = (7.0 / step) as usize;
            let price = |i: usize| 0.02 * (step * i as f64).exp();
            let up = (1.0 - (-step).exp()) / (step.exp() - (-step).exp());
            let forever = |i: usize| (price(i) - 1.0) / rate;
            let mut value: Vec<f64> = (0..nodes).map(|i| forever(i).max(0.0)).collect();
            for _ in 0..(250.0 / years) as usize {
                let mut lower = 0.0;
                for i in 0..nodes {
                    let above = if i + 1 < nodes {
                        value[i + 1]
                    } else {
                        forever(i + 1)
                    };
                    let next = up * above + (1.0 - up) * lower;
                    lower = value[i];
                    value[i] = ((price(i) - 1.0) * years + discount * next).max(0.0);
                }
            }
            price(value.iter().position(|&value| value > 0.0).unwrap())
        };
        let plan = Switching {
            volatility: sigma,
            discount: rate,
            entry_cost: f64::INFINITY,
            ..CENTRAL
        };
        let formula = plan.exit_for_good();
        let (weekly, daily) = (tree(1.0 / 52.0), tree(1.0 / 365.0));
        assert!((weekly - 0.206).abs() < 1e-3, "{weekly}");
        assert!(
            formula < daily && daily < 1.05 * formula,
            "{daily} {formula}"
        );
    }

    /// Small costs of entry make a gap that grows with their cube root, and none make none.
    #[test]
    fn hysteresis_starts_with_a_cube_root() {
        let gap = |entry_cost| {
            let found = Switching {
                entry_cost,
                ..CENTRAL
            }
            .thresholds();
            (found.enter / found.leave).ln()
        };
        assert!((gap(8e-4) / gap(1e-4) - 2.0).abs() < 0.01);
        for (exit_cost, both) in [(0.0, 1.0), (-4.0, 1.1)] {
            let free = Switching {
                entry_cost: -exit_cost,
                exit_cost,
                ..CENTRAL
            };
            let (enter, leave) = (both, both);
            assert_eq!(free.thresholds(), Thresholds { enter, leave });
        }
    }

    /// Without risk owners come at cost plus interest and go at cost less interest, as Marshall says; with it they wait.
    #[test]
    fn without_risk_it_is_marshall() {
        let calm = Switching {
            volatility: 0.0,
            exit_cost: 2.0,
            ..CENTRAL
        };
        let Thresholds { enter, leave } = calm.thresholds();
        assert!(
            (enter - 1.1).abs() < 0.01 && (leave - 0.95).abs() < 0.01,
            "{enter} {leave}"
        );
        let wild = Switching {
            volatility: 0.4,
            ..calm
        };
        assert!(wild.thresholds().enter > 1.5 && wild.thresholds().leave < 0.6);
    }

    /// Costs of which an income is the threshold have it for a threshold, in 5,000 random cases, and comes with goes: none goes at once.
    #[test]
    fn marginal_costs_are_the_inverse() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("exit"), 0);
        let mut came = 0;
        for _ in 0..5000 {
            let discount = 0.02 + 0.3 * stream.uniform();
            let entry_cost = 20.0 * stream.uniform();
            let plan = Switching {
                drift: 0.5 * discount * (2.0 * stream.uniform() - 1.0),
                volatility: stream.uniform(),
                discount,
                cost: 0.0,
                entry_cost,
                exit_cost: entry_cost * (stream.uniform() - 0.9),
            };
            let income = 3.0 * stream.uniform();
            let Marginal { enter, leave } = plan.marginal(income);
            assert!(enter < leave, "{plan:?} {income}");
            let of = |cost| Switching { cost, ..plan }.thresholds();
            if enter > 0.0 {
                came += 1;
                assert!(
                    (of(enter).enter / income - 1.0).abs() < 1e-6,
                    "{plan:?} {income}"
                );
            }
            if leave > 0.0 {
                assert!(
                    (of(leave).leave / income - 1.0).abs() < 1e-6,
                    "{plan:?} {income}"
                );
            }
        }
        assert!(came > 1000, "{came}");
        let never_again = Switching {
            entry_cost: f64::INFINITY,
            ..CENTRAL
        };
        let marginal = never_again.marginal(never_again.exit_for_good());
        assert!((marginal.leave - 1.0).abs() < 1e-12);
    }
}

//! A queue in which places are sold: one server, general service times, and classes that are served first for a price.
//!
//! Whoever is being served is not interrupted. With the load `σ_k` of class k and all above it, class k waits
//! `W₀ / ((1 − σ_{k−1}) (1 − σ_k))`, where W₀ is what is left of the service under way, `Σ λ E[S²] / 2`. A. Cobham, "Priority assignment in waiting
//! line problems", Operations Research 2, 1954. Sold at a price, priority is bought by those to whom waiting is dear, and the last of them is
//! indifferent: R. Hassin, M. Haviv, To Queue or Not to Queue, 2003, chapter 4.

/// Customers of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// How many come [by s].
    pub rate: f64,
    /// Mean service time [s].
    pub mean: f64,
    /// Mean square of service times [s²].
    pub second_moment: f64,
}

/// Mean waits of classes in the order of their priority, before service [s]; none if all together are more than the server can do.
#[must_use]
pub fn waits(classes: &[Class]) -> Option<Vec<f64>> {
    let residual: f64 = classes
        .iter()
        .map(|class| 0.5 * class.rate * class.second_moment)
        .sum();
    let load: f64 = classes.iter().map(|class| class.rate * class.mean).sum();
    let mut above = 0.0;
    let wait = |class: &Class| {
        let with = above + class.rate * class.mean;
        let wait = residual / ((1.0 - above) * (1.0 - with));
        above = with;
        wait
    };
    (load < 1.0).then(|| classes.iter().map(wait).collect())
}

/// Customers who may buy priority over those who do not; all bring the same work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricedPriority {
    /// All of them; the load is below one.
    pub customers: Class,
}

impl PricedPriority {
    /// Mean waits of those with priority and of the others, if a share has it [s].
    #[must_use]
    pub fn waits(&self, share: f64) -> [f64; 2] {
        let Class {
            rate,
            mean,
            second_moment,
        } = self.customers;
        let (load, residual) = (rate * mean, 0.5 * rate * second_moment);
        let first = residual / (1.0 - share * load);
        [first, first / (1.0 - load)]
    }

    /// The price at which a share buys: what the last of them, with the quantile 1 − share of the costs of waiting [USD/s], gains by it [USD].
    pub fn price(&self, share: f64, cost_quantile: impl Fn(f64) -> f64) -> f64 {
        let [first, last] = self.waits(share);
        cost_quantile(1.0 - share) * (last - first)
    }

    /// The share that buys at a price [USD], where customers come to rest from the share that bought before: more buy while the next one
    /// gains by it. Where costs of waiting differ little there are several such shares, since priority gains as others have it, and customers
    /// follow the crowd.
    pub fn buyers(&self, price: f64, before: f64, cost_quantile: impl Fn(f64) -> f64) -> f64 {
        let gains = |share: f64| self.price(share, &cost_quantile) > price;
        // The nearest change of sign in the direction in which customers move, on a grid and then within a step of it.
        let step = if gains(before) { 1e-3 } else { -1e-3 };
        let mut near = before;
        loop {
            let next = (near + step).clamp(0.0, 1.0);
            if gains(next) != (step > 0.0) {
                return bisect(near, next, gains);
            }
            if next == near {
                return near;
            }
            near = next;
        }
    }
}

/// Where a condition changes that holds at one end and not at the other.
fn bisect(mut near: f64, mut far: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let at_near = holds(near);
    for _ in 0..50 {
        let middle = 0.5 * (near + far);
        if holds(middle) == at_near {
            near = middle;
        } else {
            far = middle;
        }
    }
    0.5 * (near + far)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use walras_des::{Dist, Moments, Purpose, Streams};

    fn class(rate: f64, service: &Dist) -> Class {
        let mean = service.mean().unwrap();
        Class {
            rate,
            mean,
            second_moment: service.variance().unwrap() + mean * mean,
        }
    }

    fn three() -> [(f64, Dist); 3] {
        [
            (0.2, Dist::exponential(1.0).unwrap()),
            (
                0.1,
                Dist::hyperexponential(vec![(0.9, 1.0), (0.1, 11.0)]).unwrap(),
            ),
            (0.4, Dist::constant(0.8).unwrap()),
        ]
    }

    /// A queue simulated from its definition, one million customers, seed 1: waits agree within 3 %.
    #[test]
    fn waits_are_those_of_cobham() {
        let plan = three();
        let classes: Vec<Class> = plan
            .iter()
            .map(|(rate, service)| class(*rate, service))
            .collect();
        let mut stream = Streams::new(1, 0).open(Purpose::new("priority"), 0);
        let mut next: Vec<f64> = classes
            .iter()
            .map(|class| stream.exponential() / class.rate)
            .collect();
        let mut queues = [const { VecDeque::new() }; 3];
        let mut waited: [Moments; 3] = Default::default();
        let mut free_at = 0.0_f64;
        for _ in 0..1_000_000 {
            // All who come before the server is free are in line; if nobody is, it waits for the next.
            loop {
                let (k, at) = (0..3)
                    .map(|k| (k, next[k]))
                    .min_by(|a, b| a.1.total_cmp(&b.1))
                    .unwrap();
                let is_idle = queues.iter().all(VecDeque::is_empty);
                if at > free_at && !is_idle {
                    break;
                }
                free_at = if is_idle { free_at.max(at) } else { free_at };
                queues[k].push_back(at);
                next[k] += stream.exponential() / classes[k].rate;
            }
            let k = queues.iter().position(|queue| !queue.is_empty()).unwrap();
            let came = queues[k].pop_front().unwrap();
            waited[k].record(free_at - came);
            free_at += plan[k].1.sample(&mut stream);
        }
        for (found, theory) in waited.iter().zip(waits(&classes).unwrap()) {
            assert!(
                (found.mean() / theory - 1.0).abs() < 0.03,
                "{} {theory}",
                found.mean()
            );
        }
    }

    /// Kleinrock's conservation law: Σ ρ W is the same in any order, ρ W₀ / (1 − ρ).
    #[test]
    fn waits_are_conserved() {
        let mut classes: Vec<Class> = three()
            .iter()
            .map(|(rate, service)| class(*rate, service))
            .collect();
        let load: f64 = classes.iter().map(|class| class.rate * class.mean).sum();
        let residual: f64 = classes
            .iter()
            .map(|class| 0.5 * class.rate * class.second_moment)
            .sum();
        for _ in 0..3 {
            classes.rotate_left(1);
            let sum: f64 = waits(&classes)
                .unwrap()
                .iter()
                .zip(&classes)
                .map(|(wait, class)| wait * class.rate * class.mean)
                .sum();
            assert!((sum / (load * residual / (1.0 - load)) - 1.0).abs() < 1e-12);
        }
        classes[0].rate += 1.0;
        assert_eq!(waits(&classes), None);
    }

    const SALE: PricedPriority = PricedPriority {
        customers: Class {
            rate: 0.8,
            mean: 1.0,
            second_moment: 2.0,
        },
    };

    /// Costs of waiting uniform on [0, c]: with x = π (1 − ρ) / (c W₀ ρ) a share (1 − x) / (1 − ρ x) buys, wherever they start.
    #[test]
    fn the_last_buyer_is_indifferent() {
        let (load, residual, most): (f64, f64, f64) = (0.8, 0.8, 0.5);
        for price in [0.1, 0.5, 1.2, 2.0] {
            let x = price * (1.0 - load) / (most * residual * load);
            let expected = f64::max((1.0 - x) / (1.0 - load * x), 0.0);
            for before in [0.0, 0.3, 1.0] {
                let found = SALE.buyers(price, before, |p| most * p);
                assert!(
                    (found - expected).abs() < 1e-9,
                    "{price}: {found} {expected}"
                );
            }
        }
        // Both kinds together wait as all did.
        let [first, last] = SALE.waits(0.3);
        let plain = waits(&[SALE.customers]).unwrap()[0];
        assert!((0.3 * first + 0.7 * last - plain).abs() < 1e-12);
        let one = Class {
            rate: 0.24,
            ..SALE.customers
        };
        let other = Class {
            rate: 0.56,
            ..SALE.customers
        };
        assert_eq!(waits(&[one, other]).unwrap().len(), 2);
        assert!((waits(&[one, other]).unwrap()[1] - last).abs() < 1e-12);
    }

    /// To whom waiting costs the same, priority is worth c W₀ ρ / (1 − ρ) while nobody has it and 1 / (1 − ρ) times that when all do: in
    /// between nobody buys, or everybody.
    #[test]
    fn equal_customers_follow_the_crowd() {
        let worth = 0.5 * 0.8 * 0.8 / 0.2;
        let buyers = |price, before| SALE.buyers(price, before, |_| 0.5);
        assert_eq!(
            [buyers(0.9 * worth, 0.0), buyers(5.1 * worth, 1.0)],
            [1.0, 0.0]
        );
        assert_eq!(
            [buyers(2.0 * worth, 0.0), buyers(2.0 * worth, 1.0)],
            [0.0, 1.0]
        );
    }
}

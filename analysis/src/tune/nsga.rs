//! NSGA-II: a population that moves toward the front of several objectives and spreads along it.
//!
//! K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, IEEE Trans. Evol. Comput. 6(2), 2002; simulated binary crossover (nine
//! pairs of ten) and polynomial mutation (one parameter of each child on average), both with smaller indices, and so longer steps, than
//! usual: runs are dear, and searches short.

use walras_des::{Stream, math};

use super::pareto::{crowding, ranks};
use super::{Judged, Search};
use crate::design::Point;
use crate::design::latin::maximin;

const CROSSOVER_INDEX: f64 = 5.0;
const MUTATION_INDEX: f64 = 10.0;
const CROSSOVER: f64 = 0.9;

/// The search and its population.
pub struct Nsga {
    stream: Stream,
    dimensions: usize,
    size: usize,
    population: Vec<Judged>,
}

impl Nsga {
    /// A search for a budget of so many points: about as many generations as a generation has points, which are 12 to 100.
    #[must_use]
    pub fn new(dimensions: usize, budget: usize, stream: Stream) -> Self {
        let size = budget.isqrt().clamp(12, 100) / 2 * 2;
        Self {
            stream,
            dimensions,
            size,
            population: Vec::new(),
        }
    }

    /// The better of two members at random.
    fn parent(&mut self, rank: &[usize], lonely: &[f64]) -> Point {
        let count = self.population.len() as u64;
        let [a, b] = [0; 2].map(|_| self.stream.below(count) as usize);
        let first = rank[a]
            .cmp(&rank[b])
            .then_with(|| lonely[b].total_cmp(&lonely[a]));
        let chosen = if first.is_le() { a } else { b };
        self.population[chosen].at.clone()
    }

    fn cross(&mut self, a: &mut Point, b: &mut Point) {
        if !self.stream.bernoulli(CROSSOVER) {
            return;
        }
        for (a, b) in a.iter_mut().zip(b) {
            if self.stream.bernoulli(0.5) {
                continue;
            }
            let u = self.stream.uniform();
            let power = 1.0 / (CROSSOVER_INDEX + 1.0);
            let spread = if u <= 0.5 {
                math::powf(2.0 * u, power)
            } else {
                math::powf(1.0 / (2.0 * (1.0 - u)), power)
            };
            let (middle, half) = (f64::midpoint(*a, *b), (*b - *a) / 2.0 * spread);
            let ends = (
                (middle - half).clamp(0.0, 1.0),
                (middle + half).clamp(0.0, 1.0),
            );
            // Without this exchange a child would stay near one parent in every parameter.
            (*a, *b) = if self.stream.bernoulli(0.5) {
                (ends.1, ends.0)
            } else {
                ends
            };
        }
    }

    fn mutate(&mut self, point: &mut Point) {
        let rate = 1.0 / self.dimensions as f64;
        for x in point {
            if !self.stream.bernoulli(rate) {
                continue;
            }
            let u = self.stream.uniform();
            let power = 1.0 / (MUTATION_INDEX + 1.0);
            let (below, above) = (1.0 - *x, *x);
            let change = if u < 0.5 {
                let rest = math::powf(below, MUTATION_INDEX + 1.0);
                math::powf(2.0 * u + (1.0 - 2.0 * u) * rest, power) - 1.0
            } else {
                let rest = math::powf(above, MUTATION_INDEX + 1.0);
                1.0 - math::powf(2.0 * (1.0 - u) + (2.0 * u - 1.0) * rest, power)
            };
            *x = (*x + change).clamp(0.0, 1.0);
        }
    }

    /// How lonely each member is on its front.
    fn loneliness(&self, rank: &[usize]) -> Vec<f64> {
        let mut lonely = vec![0.0; rank.len()];
        let last = rank.iter().copied().max().unwrap_or(0);
        for front in 0..=last {
            let members: Vec<usize> = (0..rank.len()).filter(|i| rank[*i] == front).collect();
            for (member, distance) in members.iter().zip(crowding(&self.population, &members)) {
                lonely[*member] = distance;
            }
        }
        lonely
    }
}

impl Search for Nsga {
    fn ask(&mut self) -> Vec<Point> {
        if self.population.is_empty() {
            return maximin(self.size, self.dimensions, 20, &mut self.stream);
        }
        let rank = ranks(&self.population);
        let lonely = self.loneliness(&rank);
        let mut children = Vec::with_capacity(self.size);
        while children.len() < self.size {
            let (mut a, mut b) = (self.parent(&rank, &lonely), self.parent(&rank, &lonely));
            self.cross(&mut a, &mut b);
            self.mutate(&mut a);
            self.mutate(&mut b);
            children.extend([a, b]);
        }
        children
    }

    fn tell(&mut self, judged: &[Judged]) {
        self.population.extend(judged.iter().cloned());
        let rank = ranks(&self.population);
        let lonely = self.loneliness(&rank);
        let mut order: Vec<usize> = (0..self.population.len()).collect();
        order.sort_by(|a, b| {
            rank[*a]
                .cmp(&rank[*b])
                .then(lonely[*b].total_cmp(&lonely[*a]))
        });
        order.truncate(self.size);
        self.population = order
            .iter()
            .map(|index| self.population[*index].clone())
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use crate::response::function::{Function, Known};
    use crate::tune::pareto::hypervolume;
    use crate::tune::{Ask, tune};
    use walras_scenarios::study::TuneMethod;

    fn area(method: TuneMethod, budget: usize) -> f64 {
        let mut function = Function::new(Known::Zdt1);
        let ask = Ask {
            budget,
            ..Ask::of_function(&function, method)
        };
        let found = tune(&mut function, &ask).unwrap();
        let losses = |index: &usize| {
            let losses = &found.trials[*index].judged.losses;
            (losses[0], losses[1])
        };
        let front: Vec<(f64, f64)> = found.front.iter().map(losses).collect();
        hypervolume(&front, (1.0, 1.0))
    }

    /// The front f₂ = 1 − √f₁ leaves an area of 2/3 below (1, 1).
    #[test]
    fn it_finds_the_front_of_zdt1() {
        let found = area(TuneMethod::Evolutionary, 1500);
        assert!(found > 0.63 && found <= 2.0 / 3.0, "{found}");
        let blind = area(TuneMethod::LatinHypercube, 1500);
        assert!(blind < 0.3, "{blind}");
    }
}

//! Functions whose sensitivities, minima or fronts are known: instruments are tried on them by the command that users run.

use std::f64::consts::PI;

use walras_des::math;
use walras_scenarios::study::{Law, Parameter, Setting};

use super::{Answer, Quantity, Response, Seeds, Unanswered};

/// A function with known answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// sin x₁ + 7 sin² x₂ + 0.1 x₃⁴ sin x₁ on [−π, π]³. T. Ishigami, T. Homma, ISUMA 1990.
    Ishigami,
    /// Π (|4xᵢ − 2| + aᵢ)/(1 + aᵢ) with a = 0, 1, 4.5, 9, 99, 99, 99, 99. A. Saltelli, I. M. Sobol, 1995.
    SobolG,
    /// The Branin function, with three minima of 0.397887. L. C. W. Dixon, G. P. Szegö, 1978.
    Branin,
    /// Σ xᵢ² on [−5, 5]⁵.
    Sphere,
    /// Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)² on [−2, 2]⁴: a curved valley. H. H. Rosenbrock, Comput. J. 3, 1960.
    Rosenbrock,
    /// Two objectives on [0, 1]⁶, whose front is f₂ = 1 − √f₁. E. Zitzler, K. Deb, L. Thiele, Evol. Comput. 8(2), 2000.
    Zdt1,
    /// ln x − ln 3 on [1, 10], which is zero at 3.
    Root,
}

const ALL: [Known; 7] = [
    Known::Ishigami,
    Known::SobolG,
    Known::Branin,
    Known::Sphere,
    Known::Rosenbrock,
    Known::Zdt1,
    Known::Root,
];

/// The weights of the G function: the first parameter matters most.
const WEIGHTS: [f64; 8] = [0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0];

/// What is known of one parameter: its first-order and its total Sobol index.
pub type Exact = (f64, f64);

impl Known {
    /// All of them with their names.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.into_iter()
    }

    /// The one called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|known| known.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ishigami => "ishigami",
            Self::SobolG => "sobol-g",
            Self::Branin => "branin",
            Self::Sphere => "sphere",
            Self::Rosenbrock => "rosenbrock",
            Self::Zdt1 => "zdt1",
            Self::Root => "root",
        }
    }

    /// Its Sobol indices by integration, where they are known.
    #[must_use]
    pub fn indices(self) -> Option<Vec<Exact>> {
        match self {
            Self::Ishigami => {
                let (a, b) = (7.0f64, 0.1);
                let (fourth, eighth) = (PI.powi(4), PI.powi(8));
                let first = 0.5 * (1.0 + b * fourth / 5.0).powi(2);
                let second = a * a / 8.0;
                let both = b * b * eighth * (1.0 / 18.0 - 1.0 / 50.0);
                let all = first + second + both;
                Some(vec![
                    (first / all, (first + both) / all),
                    (second / all, second / all),
                    (0.0, both / all),
                ])
            }
            Self::SobolG => {
                let own = WEIGHTS.map(|a| 1.0 / (3.0 * (1.0 + a) * (1.0 + a)));
                let product: f64 = own.iter().map(|v| 1.0 + v).product();
                let all = product - 1.0;
                let of = |v: &f64| (v / all, v * product / (1.0 + v) / all);
                Some(own.iter().map(of).collect())
            }
            _ => None,
        }
    }

    /// Its least value, where it has one objective.
    #[must_use]
    pub fn minimum(self) -> Option<f64> {
        match self {
            Self::Branin => Some(0.397_887_357_729_738_1),
            Self::Sphere | Self::Rosenbrock => Some(0.0),
            Self::Ishigami | Self::SobolG | Self::Zdt1 | Self::Root => None,
        }
    }

    fn ranges(self) -> Vec<(f64, f64)> {
        match self {
            Self::Ishigami => vec![(-PI, PI); 3],
            Self::SobolG => vec![(0.0, 1.0); 8],
            Self::Branin => vec![(-5.0, 10.0), (0.0, 15.0)],
            Self::Sphere => vec![(-5.0, 5.0); 5],
            Self::Rosenbrock => vec![(-2.0, 2.0); 4],
            Self::Zdt1 => vec![(0.0, 1.0); 6],
            Self::Root => vec![(1.0, 10.0)],
        }
    }

    /// Its values at `x`.
    #[must_use]
    pub fn at(self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Ishigami => {
                let (first, second) = (math::sin(x[0]), math::sin(x[1]));
                vec![first + 7.0 * second * second + 0.1 * x[2].powi(4) * first]
            }
            Self::SobolG => {
                let factors = x.iter().zip(WEIGHTS);
                vec![
                    factors
                        .map(|(x, a)| ((4.0 * x - 2.0).abs() + a) / (1.0 + a))
                        .product(),
                ]
            }
            Self::Branin => {
                let bend = 5.1 / (4.0 * PI * PI);
                let across = x[1] - bend * x[0] * x[0] + 5.0 / PI * x[0] - 6.0;
                vec![across * across + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * math::cos(x[0]) + 10.0]
            }
            Self::Sphere => vec![x.iter().map(|x| x * x).sum()],
            Self::Rosenbrock => {
                let of = |pair: &[f64]| {
                    let valley = pair[1] - pair[0] * pair[0];
                    100.0 * valley * valley + (1.0 - pair[0]) * (1.0 - pair[0])
                };
                vec![x.windows(2).map(of).sum()]
            }
            Self::Zdt1 => {
                let rest = &x[1..];
                let g = 1.0 + 9.0 * rest.iter().sum::<f64>() / rest.len() as f64;
                vec![x[0], g * (1.0 - (x[0] / g).sqrt())]
            }
            Self::Root => vec![math::ln(x[0]) - math::ln(3.0)],
        }
    }
}

/// A function as a response: one replication, without chance.
#[derive(Clone, Debug)]
pub struct Function {
    /// Which.
    pub known: Known,
    parameters: Vec<Parameter>,
    quantities: Vec<Quantity>,
}

impl Function {
    /// `known` on its usual domain.
    #[must_use]
    pub fn new(known: Known) -> Self {
        let parameter = |(index, (from, to)): (usize, (f64, f64))| Parameter {
            name: format!("x{}", index + 1),
            path: format!("x{}", index + 1),
            law: Law::Linear(from, to),
            unit: String::new(),
        };
        let count = known.at(&vec![0.5; known.ranges().len()]).len();
        let quantity = |index: usize| Quantity {
            name: match count {
                1 => known.name().to_owned(),
                _ => format!("f{}", index + 1),
            },
            metric: None,
            of: String::new(),
        };
        Self {
            known,
            parameters: known
                .ranges()
                .into_iter()
                .enumerate()
                .map(parameter)
                .collect(),
            quantities: (0..count).map(quantity).collect(),
        }
    }
}

impl Response for Function {
    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn quantities(&self) -> &[Quantity] {
        &self.quantities
    }

    fn answers(&mut self, points: &[Vec<Setting>], _: Seeds) -> Result<Vec<Answer>, Unanswered> {
        let at = |settings: &Vec<Setting>| -> Answer {
            let x: Vec<f64> = settings.iter().map(|setting| setting.value).collect();
            let values = self.known.at(&x);
            values.into_iter().map(|value| vec![Some(value)]).collect()
        };
        Ok(points.iter().map(at).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values and minima from the publications.
    #[test]
    fn functions_have_their_published_values() {
        for (known, x, expect) in [
            (Known::Branin, vec![-PI, 12.275], 0.397_887),
            (Known::Branin, vec![PI, 2.275], 0.397_887),
            (Known::Branin, vec![9.424_78, 2.475], 0.397_887),
            (Known::Rosenbrock, vec![1.0; 4], 0.0),
            (Known::Ishigami, vec![PI / 2.0, PI / 2.0, 1.0], 8.1),
            (Known::SobolG, vec![0.5; 8], 0.0),
            (Known::Root, vec![3.0], 0.0),
        ] {
            let value = known.at(&x)[0];
            assert!((value - expect).abs() < 1e-6, "{}: {value}", known.name());
        }
        let front = Known::Zdt1.at(&[0.25, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(front, [0.25, 0.5]);
    }

    /// S1 = 0.314, 0.442, 0 and ST = 0.558, 0.442, 0.244.
    #[test]
    fn ishigamis_indices_are_the_published_ones() {
        let indices = Known::Ishigami.indices().unwrap();
        let expect = [(0.3139, 0.5576), (0.4424, 0.4424), (0.0, 0.2437)];
        for ((first, total), (s1, st)) in indices.into_iter().zip(expect) {
            assert!(
                (first - s1).abs() < 1e-4 && (total - st).abs() < 1e-4,
                "{first} {total}"
            );
        }
    }
}

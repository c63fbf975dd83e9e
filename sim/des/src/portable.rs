//! A float on which every sampler of `rand_distr` draws the same bits on every machine.
//!
//! The samplers of `rand_distr` are generic over the float. On `f64` they call the platform's `ln`,
//! `exp` and `pow` (or those of `libm`, if no crate of the build enables the feature `std` of
//! num-traits); on [`Portable`] they call [`crate::math`] and our own [`crate::ziggurat`].
//!
//! ```
//! use rand_distr::{Distribution, Poisson};
//! use walras_des::{Portable, Purpose, Streams};
//!
//! let mut stream = Streams::new(42, 0).open(Purpose::new("batch sizes"), 0);
//! let law = Poisson::new(Portable(3.5)).expect("a finite mean above 0");
//! assert_eq!(law.sample(&mut stream).0, 2.0);
//! ```

use std::num::FpCategory;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use num_traits::{Float, FloatConst, Num, NumCast, One, ToPrimitive, Zero};
use rand::Rng;
use rand::distr::{Open01, OpenClosed01, StandardUniform};
use rand_distr::{Distribution, Exp1, StandardNormal};

use crate::{math, rng, ziggurat};

/// An `f64` whose functions are those of [`crate::math`] and of the `libm` crate.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Portable(pub f64);

impl Distribution<Portable> for Exp1 {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(ziggurat::exponential(rng))
    }
}

impl Distribution<Portable> for StandardNormal {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(ziggurat::normal(rng))
    }
}

impl Distribution<Portable> for StandardUniform {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(rng::uniform(rng))
    }
}

impl Distribution<Portable> for Open01 {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(rng::open_unit(rng))
    }
}

impl Distribution<Portable> for OpenClosed01 {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(1.0 - rng::uniform(rng))
    }
}

/// `f(self, other…)` by the function of the same name on `f64`, which IEEE 754 or the language fixes,
/// or by the one given.
macro_rules! functions {
    ($($name:ident($($other:ident),*) = $function:expr;)*) => {$(
        #[inline]
        fn $name(self $(, $other: Self)*) -> Self {
            Self($function(self.0 $(, $other.0)*))
        }
    )*};
}

macro_rules! predicates {
    ($($name:ident -> $answer:ty;)*) => {$(
        #[inline]
        fn $name(self) -> $answer {
            self.0.$name()
        }
    )*};
}

macro_rules! constants {
    ($($name:ident = $value:expr;)*) => {$(
        #[inline]
        fn $name() -> Self {
            Self($value)
        }
    )*};
}

impl Float for Portable {
    constants! {
        nan = f64::NAN;
        infinity = f64::INFINITY;
        neg_infinity = f64::NEG_INFINITY;
        neg_zero = -0.0;
        min_value = f64::MIN;
        min_positive_value = f64::MIN_POSITIVE;
        epsilon = f64::EPSILON;
        max_value = f64::MAX;
    }

    predicates! {
        is_nan -> bool;
        is_infinite -> bool;
        is_finite -> bool;
        is_normal -> bool;
        is_sign_positive -> bool;
        is_sign_negative -> bool;
        classify -> FpCategory;
    }

    functions! {
        floor() = f64::floor;
        ceil() = f64::ceil;
        round() = f64::round;
        trunc() = f64::trunc;
        fract() = f64::fract;
        abs() = f64::abs;
        signum() = f64::signum;
        recip() = f64::recip;
        sqrt() = f64::sqrt;
        max(other) = f64::max;
        min(other) = f64::min;
        mul_add(a, b) = f64::mul_add;
        exp() = math::exp;
        exp_m1() = math::exp_m1;
        ln() = math::ln;
        ln_1p() = math::ln_1p;
        powf(n) = math::powf;
        sin() = math::sin;
        cos() = math::cos;
        exp2() = libm::exp2;
        log2() = libm::log2;
        log10() = libm::log10;
        cbrt() = libm::cbrt;
        hypot(other) = libm::hypot;
        abs_sub(other) = libm::fdim;
        tan() = libm::tan;
        asin() = libm::asin;
        acos() = libm::acos;
        atan() = libm::atan;
        atan2(other) = libm::atan2;
        sinh() = libm::sinh;
        cosh() = libm::cosh;
        tanh() = libm::tanh;
        asinh() = libm::asinh;
        acosh() = libm::acosh;
        atanh() = libm::atanh;
    }

    #[inline]
    fn powi(self, n: i32) -> Self {
        Self(math::powi(self.0, n))
    }

    #[inline]
    fn log(self, base: Self) -> Self {
        self.ln() / base.ln()
    }

    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        (self.sin(), self.cos())
    }

    fn integer_decode(self) -> (u64, i16, i8) {
        Float::integer_decode(self.0)
    }
}

impl FloatConst for Portable {
    constants! {
        E = std::f64::consts::E;
        FRAC_1_PI = std::f64::consts::FRAC_1_PI;
        FRAC_1_SQRT_2 = std::f64::consts::FRAC_1_SQRT_2;
        FRAC_2_PI = std::f64::consts::FRAC_2_PI;
        FRAC_2_SQRT_PI = std::f64::consts::FRAC_2_SQRT_PI;
        FRAC_PI_2 = std::f64::consts::FRAC_PI_2;
        FRAC_PI_3 = std::f64::consts::FRAC_PI_3;
        FRAC_PI_4 = std::f64::consts::FRAC_PI_4;
        FRAC_PI_6 = std::f64::consts::FRAC_PI_6;
        FRAC_PI_8 = std::f64::consts::FRAC_PI_8;
        LN_10 = std::f64::consts::LN_10;
        LN_2 = std::f64::consts::LN_2;
        LOG10_E = std::f64::consts::LOG10_E;
        LOG2_E = std::f64::consts::LOG2_E;
        PI = std::f64::consts::PI;
        SQRT_2 = std::f64::consts::SQRT_2;
    }
}

macro_rules! operators {
    ($($operator:ident $name:ident;)*) => {$(
        impl $operator for Portable {
            type Output = Self;

            #[inline]
            fn $name(self, other: Self) -> Self {
                Self(self.0.$name(other.0))
            }
        }
    )*};
}

operators! {
    Add add;
    Sub sub;
    Mul mul;
    Div div;
    Rem rem;
}

impl Neg for Portable {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Zero for Portable {
    constants! { zero = 0.0; }

    #[inline]
    fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

impl One for Portable {
    constants! { one = 1.0; }
}

impl Num for Portable {
    type FromStrRadixErr = num_traits::ParseFloatError;

    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        f64::from_str_radix(text, radix).map(Self)
    }
}

impl ToPrimitive for Portable {
    #[inline]
    fn to_i64(&self) -> Option<i64> {
        self.0.to_i64()
    }

    #[inline]
    fn to_u64(&self) -> Option<u64> {
        self.0.to_u64()
    }

    #[inline]
    fn to_f64(&self) -> Option<f64> {
        Some(self.0)
    }
}

impl NumCast for Portable {
    #[inline]
    fn from<T: ToPrimitive>(number: T) -> Option<Self> {
        number.to_f64().map(Self)
    }
}

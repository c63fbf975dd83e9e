//! Numbers compared, and what of a set is counted: vectors, those that are exact, the largest errors, and whether all are within the
//! tolerance.

/// What the origin of a set allows, or its digits do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// Integers: every unit.
    Exact,
    /// Half a unit of the last digit that is printed.
    Printed,
    /// An absolute error.
    Absolute(f64),
    /// A relative error.
    Relative(f64),
}

impl Tolerance {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Exact => "exact".to_owned(),
            Self::Printed => "as printed".to_owned(),
            Self::Absolute(by) => format!("{by:e}"),
            Self::Relative(by) => format!("{by:e} of it"),
        }
    }
}

/// What was found in a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    tolerance: Tolerance,
    vectors: usize,
    exact: usize,
    outside: usize,
    absolute: f64,
    relative: f64,
}

impl Tally {
    /// Nothing compared yet.
    #[must_use]
    pub fn new(tolerance: Tolerance) -> Self {
        Self {
            tolerance,
            vectors: 0,
            exact: 0,
            outside: 0,
            absolute: 0.0,
            relative: 0.0,
        }
    }

    /// Compares one vector, of as many numbers as `compare` looks at; it is exact if all of them are.
    pub fn vector(&mut self, compare: impl FnOnce(&mut Vector<'_>)) {
        let mut vector = Vector {
            tally: self,
            is_exact: true,
            is_within: true,
        };
        compare(&mut vector);
        let (is_exact, is_within) = (vector.is_exact, vector.is_within);
        self.vectors += 1;
        self.exact += usize::from(is_exact);
        self.outside += usize::from(!is_within);
    }

    /// How many were compared.
    #[must_use]
    pub fn vectors(&self) -> usize {
        self.vectors
    }

    /// How many are the same to the last digit that is given.
    #[must_use]
    pub fn exact(&self) -> usize {
        self.exact
    }

    /// The largest error.
    #[must_use]
    pub fn largest_absolute(&self) -> f64 {
        self.absolute
    }

    /// The largest error of a number that is not zero, as a share of it.
    #[must_use]
    pub fn largest_relative(&self) -> f64 {
        self.relative
    }

    /// Whether there is a vector, and none outside the tolerance.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.vectors > 0 && self.outside == 0
    }
}

/// One vector under comparison.
pub struct Vector<'a> {
    tally: &'a mut Tally,
    is_exact: bool,
    is_within: bool,
}

impl Vector<'_> {
    /// An integer, which must be the same.
    pub fn whole(&mut self, found: impl Into<i128>, expect: impl Into<i128>) {
        let (found, expect): (i128, i128) = (found.into(), expect.into());
        let apart = found.abs_diff(expect) as f64;
        let within = match self.tally.tolerance {
            Tolerance::Absolute(by) => apart <= by,
            Tolerance::Relative(by) => apart <= by * expect.unsigned_abs() as f64,
            Tolerance::Exact | Tolerance::Printed => found == expect,
        };
        self.note(apart, expect as f64, found == expect, within);
    }

    /// A number, of which `expect` is printed in full or with the digits that it has.
    pub fn number(&mut self, found: f64, expect: f64) {
        let apart = (found - expect).abs();
        let printed = {
            let half = 0.5 * 10_f64.powi(-i32::try_from(decimals(expect)).unwrap_or(0));
            // A number halfway between two may be printed as either.
            apart <= half * (1.0 + 1e-9)
        };
        let (exact, within) = match self.tally.tolerance {
            Tolerance::Exact => (found == expect, found == expect),
            Tolerance::Printed => (printed, printed),
            Tolerance::Absolute(by) => (found == expect, apart <= by),
            Tolerance::Relative(by) => (found == expect, apart <= by * expect.abs()),
        };
        self.note(apart, expect, exact, within);
    }

    /// A number of which `digits` significant digits are printed; it is exact if it prints the same.
    pub fn digits(&mut self, found: f64, expect: f64, digits: usize) {
        let print = |value: f64| format!("{value:.*e}", digits.saturating_sub(1));
        let apart = (found - expect).abs();
        let exact = print(found) == print(expect);
        let within = match self.tally.tolerance {
            Tolerance::Exact | Tolerance::Printed => exact,
            Tolerance::Absolute(by) => apart <= by,
            Tolerance::Relative(by) => apart <= by * expect.abs(),
        };
        self.note(apart, expect, exact, within);
    }

    /// Something that is so or not.
    pub fn holds(&mut self, is_so: bool) {
        self.is_exact &= is_so;
        self.is_within &= is_so;
    }

    fn note(&mut self, apart: f64, expect: f64, exact: bool, within: bool) {
        self.is_exact &= exact;
        self.is_within &= within;
        self.tally.absolute = self.tally.absolute.max(apart);
        // What is meant to vanish has no relative error.
        let vanishes = match self.tally.tolerance {
            Tolerance::Absolute(by) => expect.abs() <= by,
            _ => expect == 0.0,
        };
        if !vanishes {
            self.tally.relative = self.tally.relative.max(apart / expect.abs());
        }
    }
}

/// Decimals of the shortest text that stands for the number.
fn decimals(value: f64) -> usize {
    let text = value.to_string();
    text.split_once('.')
        .map_or(0, |(_, decimals)| decimals.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_ones_and_the_largest_errors_are_counted() {
        let mut tally = Tally::new(Tolerance::Absolute(2.0));
        tally.vector(|vector| {
            vector.whole(5_i64, 5_i64);
            vector.whole(7_i64, 5_i64);
        });
        tally.vector(|vector| vector.number(1.5, 1.5));
        assert_eq!((tally.vectors(), tally.exact()), (2, 1));
        assert_eq!(
            (tally.largest_absolute(), tally.largest_relative()),
            (2.0, 0.4)
        );
        assert!(tally.passes());
        tally.vector(|vector| vector.whole(8_i64, 5_i64));
        assert!(!tally.passes());
        assert!(!Tally::new(Tolerance::Exact).passes());
    }

    #[test]
    fn printed_digits_are_a_tolerance() {
        let check = |found, expect| {
            let mut tally = Tally::new(Tolerance::Printed);
            tally.vector(|vector| vector.number(found, expect));
            tally.passes()
        };
        assert!(check(266.666, 266.7) && !check(266.64, 266.7));
        assert!(check(280.4, 280.0) && check(0.5, 1.0));
        let digits = |found, expect| {
            let mut tally = Tally::new(Tolerance::Relative(1e-3));
            tally.vector(|vector| vector.digits(found, expect, 3));
            (tally.exact(), tally.passes())
        };
        assert_eq!(digits(1_234.0, 1_230.0), (1, false));
        assert_eq!(digits(1_235.2, 1_234.6), (0, true));
    }
}

//! Tokens of a run of decode steps that give more than one each, in closed form.
//!
//! With speculation a step gives `r` tokens per sequence in expectation, in fixed point of 1/65536. All sequences of a server go
//! at one pace: after `i` steps each has `⌊(f + i·r)/65536⌋` tokens more, where `f` is the fraction left over before. Without
//! speculation `r` is one token, and `i` steps give `i` tokens.

/// One token in fixed point.
pub const ONE: u64 = 1 << 16;

/// The pace of a server from some step on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Tokens per step in fixed point, at least one token.
    pub rate: u64,
    /// Fraction of a token left over, less than one.
    pub fraction: u64,
}

impl Pace {
    /// Tokens of each sequence after `steps` steps.
    #[inline]
    pub fn tokens(self, steps: u64) -> u64 {
        (self.fraction + steps * self.rate) / ONE
    }

    /// What is left over after `steps` steps.
    #[inline]
    pub fn left_over(self, steps: u64) -> u64 {
        (self.fraction + steps * self.rate) % ONE
    }

    /// The least number of steps that give at least `tokens` tokens, of which there is at least one.
    #[inline]
    pub fn steps(self, tokens: u64) -> u64 {
        if self.rate == ONE {
            return tokens;
        }
        (tokens * ONE - self.fraction).div_ceil(self.rate)
    }

    /// Tokens that a sequence has gained before each of `steps` steps, added up over them.
    #[inline]
    pub fn sum(self, steps: u64) -> u64 {
        if self.rate == ONE {
            // One of two neighbouring integers is even: the product is divided exactly.
            return steps * steps.saturating_sub(1) / 2;
        }
        floor_sum(steps, ONE, self.rate, self.fraction)
    }
}

/// `Σ ⌊(a·i + b)/m⌋` over `i` from 0 to `n − 1`: lattice points under a line, counted as in Euclid's algorithm
/// (Graham, Knuth & Patashnik, Concrete Mathematics, section 3.5).
fn floor_sum(mut n: u64, mut m: u64, mut a: u64, mut b: u64) -> u64 {
    let mut sum = 0;
    while n > 0 {
        sum += n * (n - 1) / 2 * (a / m) + n * (b / m);
        (a, b) = (a % m, b % m);
        let top = a * n + b;
        if top < m {
            break;
        }
        // The same points, counted by rows instead of columns.
        (n, b) = (top / m, top % m);
        (m, a) = (a, m);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every function against counting step by step, for paces from one token per step to five.
    #[test]
    fn closed_forms_equal_counting() {
        for rate in [ONE, ONE + 1, 100_003, 3 * ONE / 2, 241_821, 5 * ONE] {
            for fraction in [0, 1, 17_000, ONE - 1] {
                if rate == ONE && fraction > 0 {
                    continue;
                }
                let pace = Pace { rate, fraction };
                let (mut position, mut sum, mut reached) = (fraction, 0, 0);
                for steps in 0..400 {
                    assert_eq!(pace.tokens(steps), position / ONE);
                    assert_eq!(pace.sum(steps), sum, "{pace:?}, {steps} steps");
                    while reached < position / ONE {
                        reached += 1;
                        assert_eq!(pace.steps(reached), steps, "{pace:?}, {reached} tokens");
                    }
                    sum += position / ONE;
                    position += rate;
                }
            }
        }
    }
}

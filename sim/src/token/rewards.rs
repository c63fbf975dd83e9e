//! Rewards for those whose models, agents or data were used: by usage, user by user, by popularity, afterwards, by quadratic funding, and
//! royalties on what was built upon.
//!
//! Every rule divides a pot exactly (see [`super::split`]). The first three pay the same work differently: pro-rata divides all fees by
//! all use, so that a robot's plays cost everybody; user-centric divides each fee by its own user's use (Maasø, *Popular Communication*
//! 17(2), 2019); a power of use above one concentrates pay on the popular.

use walras_des::math;

use super::split::{by_weight, largest_remainder};
use crate::units::{Amount, Ppm};

/// A pot divided in proportion to use.
#[must_use]
pub fn pro_rata(pot: Amount, uses: &[u64]) -> Vec<Amount> {
    let weights: Vec<u128> = uses.iter().map(|&uses| u128::from(uses)).collect();
    largest_remainder(pot, &weights)
}

/// What user-centric payment comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCentric {
    /// To each creator.
    pub paid: Vec<Amount>,
    /// Fees of users who used nothing.
    pub unassigned: Amount,
}

/// Each user's fee divided by what this user used: rows of `uses` are users, columns creators.
///
/// # Panics
/// If there are not as many fees as rows, or rows differ in length.
#[must_use]
pub fn user_centric(fees: &[Amount], uses: &[Vec<u64>]) -> UserCentric {
    assert!(
        fees.len() == uses.len(),
        "{} fees need as many rows of uses, not {}",
        fees.len(),
        uses.len()
    );
    let creators = uses.first().map_or(0, Vec::len);
    let mut result = UserCentric {
        paid: vec![Amount::ZERO; creators],
        unassigned: Amount::ZERO,
    };
    for (&fee, row) in fees.iter().zip(uses) {
        assert!(row.len() == creators, "rows of uses differ in length");
        let shares = pro_rata(fee, row);
        let mut assigned = Amount::ZERO;
        for (paid, share) in result.paid.iter_mut().zip(shares) {
            *paid += share;
            assigned += share;
        }
        result.unassigned += fee - assigned;
    }
    result
}

/// A pot divided in proportion to `use^alpha`: 1 is pro-rata, 0 pays all who were used the same, above 1 the popular get more.
///
/// # Panics
/// If the pot is negative or `alpha` is negative or not finite.
#[must_use]
pub fn popularity(pot: Amount, uses: &[u64], alpha: f64) -> Vec<Amount> {
    assert!(
        alpha >= 0.0 && alpha.is_finite(),
        "an exponent of popularity must be finite and not negative, not {alpha}"
    );
    let most = uses.iter().max().map_or(1.0, |&most| most.max(1) as f64);
    let weights: Vec<f64> = uses
        .iter()
        .map(|&uses| match uses {
            0 => 0.0,
            uses => math::powf(uses as f64 / most, alpha),
        })
        .collect();
    by_weight(pot, &weights)
}

/// A budget divided afterwards in proportion to what a jury or a measurement found the work worth (retroactive funding).
#[must_use]
pub fn retroactive(budget: Amount, scores: &[f64]) -> Vec<Amount> {
    by_weight(budget, scores)
}

/// A fee divided between the model that served and the chain of what it was built upon: each ancestor gets its share of what is left
/// after those before it, rounded down; the first entry of the result is the model's own.
#[must_use]
pub fn royalties(fee: Amount, ancestors: &[Ppm]) -> Vec<Amount> {
    let mut left = fee;
    let mut paid = vec![Amount::ZERO];
    for &share in ancestors {
        let royalty = left.share(share);
        left -= royalty;
        paid.push(royalty);
    }
    paid[0] = left;
    paid
}

/// What quadratic funding gives a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funded {
    /// What it was given by contributors.
    pub contributed: Amount,
    /// What the formula would add: `(Σ √c)² − Σ c`.
    pub ideal_match: Amount,
    /// What the budget adds.
    pub matched: Amount,
}

/// Quadratic funding (Buterin, Hitzig, Weyl, *Management Science* 65(11), 2019): a match of `(Σ √c)² − Σ c` for each project, all of
/// them reduced in proportion where they exceed the budget. A contributor who splits into n gains `(n − 1)·c` for the project.
///
/// Roots are taken with 20 to 40 binary places beyond the unit, and matches rounded down.
///
/// # Panics
/// If a contribution is negative, or sums overflow.
#[must_use]
pub fn quadratic(budget: Amount, projects: &[Vec<Amount>]) -> Vec<Funded> {
    let mut funded: Vec<Funded> = projects
        .iter()
        .map(|contributions| {
            let contributed = contributions
                .iter()
                .fold(Amount::ZERO, |sum, &given| sum + given);
            Funded {
                contributed,
                ideal_match: ideal_match(contributions, contributed),
                matched: Amount::ZERO,
            }
        })
        .collect();
    let ideal = funded
        .iter()
        .fold(Amount::ZERO, |sum, project| sum + project.ideal_match);
    if ideal <= budget {
        for project in &mut funded {
            project.matched = project.ideal_match;
        }
    } else {
        let weights: Vec<u128> = funded
            .iter()
            .map(|project| project.ideal_match.0.unsigned_abs())
            .collect();
        for (project, share) in funded.iter_mut().zip(largest_remainder(budget, &weights)) {
            project.matched = share;
        }
    }
    funded
}

fn ideal_match(contributions: &[Amount], contributed: Amount) -> Amount {
    // As many places as 128 bits leave for the square of the sum of n roots.
    let count = contributions.len().max(1) as u128;
    let bits = 128 - contributed.0.max(1).unsigned_abs().leading_zeros();
    let room = 126_u32.saturating_sub(bits + (128 - count.leading_zeros()));
    let places = (room / 2).min(40);
    let roots: u128 = contributions
        .iter()
        .map(|given| {
            let given = u128::try_from(given.0).expect("a contribution is not negative");
            (given << (2 * places)).isqrt()
        })
        .sum();
    let square = roots.checked_mul(roots).expect("amount overflow") >> (2 * places);
    // Roots round down, so that the square of one may be a unit too small.
    Amount((square.cast_signed() - contributed.0).max(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(parts: &[Amount]) -> Amount {
        parts.iter().fold(Amount::ZERO, |sum, &part| sum + part)
    }

    /// Two users pay 10 each; one plays a song once, a robot plays another 999 times. Pro-rata pays the robot's song 19.98, user-centric
    /// what the robot paid.
    #[test]
    fn a_robot_earns_what_it_paid_or_nearly_all() {
        let fees = [Amount(10_000), Amount(10_000)];
        let uses = vec![vec![1, 0], vec![0, 999]];
        assert_eq!(
            pro_rata(Amount(20_000), &[1, 999]),
            [Amount(20), Amount(19_980)]
        );
        let paid = user_centric(&fees, &uses);
        assert_eq!(paid.paid, [Amount(10_000), Amount(10_000)]);
        let idle = user_centric(&fees, &[vec![1, 0], vec![0, 0]]);
        assert_eq!(idle.unassigned, Amount(10_000));
    }

    #[test]
    fn popularity_concentrates() {
        let uses = [1, 2, 4];
        let pot = Amount(21_000);
        assert_eq!(popularity(pot, &uses, 1.0), pro_rata(pot, &uses));
        assert_eq!(
            popularity(pot, &uses, 2.0),
            [1, 4, 16].map(|part| Amount(part * 1_000))
        );
        assert_eq!(
            popularity(pot, &[1, 2, 0], 0.0),
            [10_500, 10_500, 0].map(Amount)
        );
    }

    /// 10 % to what the model was tuned from, 10 % of the rest to what that was trained on.
    #[test]
    fn royalties_go_up_the_chain() {
        let tenth = Ppm::from_fraction(0.1);
        let paid = royalties(Amount(1_000), &[tenth, tenth]);
        assert_eq!(paid, [Amount(810), Amount(100), Amount(90)]);
    }

    /// Contributions of 1, 4 and 9 are worth (1 + 2 + 3)² = 36; nine ones are worth 8·9 more than one nine.
    #[test]
    fn quadratic_funding_by_hand() {
        let project = [1, 4, 9].map(Amount).to_vec();
        let found = quadratic(Amount(1_000), std::slice::from_ref(&project))[0];
        assert_eq!((found.contributed, found.matched), (Amount(14), Amount(22)));
        // Half of what the formula would give two of them.
        let both = quadratic(Amount(22), &[project.clone(), project]);
        assert_eq!(both.map_matched(), [11, 11]);
        // One who gives 9 as nine ones moves the total from 9 to 81: (n − 1)·c = 72.
        let split = quadratic(Amount(1_000), &[vec![Amount(1); 9]])[0];
        assert_eq!(split.matched, Amount(72));
        assert_eq!(
            quadratic(Amount(10), &[vec![Amount(7)]])[0].matched,
            Amount(0)
        );
    }

    trait Matched {
        fn map_matched(&self) -> Vec<i128>;
    }

    impl Matched for Vec<Funded> {
        fn map_matched(&self) -> Vec<i128> {
            self.iter().map(|project| project.matched.0).collect()
        }
    }

    proptest! {
        #[test]
        fn pots_are_paid_whole(
            pot in 0..1_i128 << 100, uses in prop::collection::vec(0..1_000_000_u64, 1..30), alpha in 0.0..4.0_f64,
        ) {
            let pot = Amount(pot);
            let expect = if uses.iter().any(|&uses| uses > 0) { pot } else { Amount::ZERO };
            prop_assert_eq!(sum(&pro_rata(pot, &uses)), expect);
            prop_assert_eq!(sum(&popularity(pot, &uses, alpha)), expect);
        }

        #[test]
        fn every_fee_is_paid_or_named(
            rows in prop::collection::vec((0..1_i128 << 60, prop::collection::vec(0..1_000_u64, 5)), 1..20),
        ) {
            let fees: Vec<Amount> = rows.iter().map(|(fee, _)| Amount(*fee)).collect();
            let uses: Vec<Vec<u64>> = rows.into_iter().map(|(_, uses)| uses).collect();
            let result = user_centric(&fees, &uses);
            prop_assert_eq!(sum(&result.paid) + result.unassigned, sum(&fees));
        }

        #[test]
        fn matching_keeps_to_the_budget_and_the_formula(
            budget in 0..1_i128 << 80, projects in prop::collection::vec(prop::collection::vec(0..1_i128 << 70, 0..12), 1..6),
        ) {
            let projects: Vec<Vec<Amount>> = projects.into_iter().map(|p| p.into_iter().map(Amount).collect()).collect();
            let funded = quadratic(Amount(budget), &projects);
            let matched = funded.iter().fold(Amount::ZERO, |sum, project| sum + project.matched);
            prop_assert!(matched <= Amount(budget));
            for (project, contributions) in funded.iter().zip(&projects) {
                prop_assert!(project.matched <= project.ideal_match);
                let roots: f64 = contributions.iter().map(|given| (given.0 as f64).sqrt()).sum();
                let expect = roots * roots - project.contributed.0 as f64;
                let scale = roots * roots + 1.0;
                prop_assert!((project.ideal_match.0 as f64 - expect).abs() <= 2.0 + scale * 1e-9);
            }
        }
    }
}

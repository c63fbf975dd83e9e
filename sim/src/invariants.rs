//! What must hold in every run, in release too. Each function panics with the broken law.

use crate::record::Counts;
use crate::sums::{SumId, Sums};
use crate::units::Amount;

/// Every submitted job has completed, failed, been rejected, or is live.
///
/// # Panics
/// If not.
pub fn jobs(counts: &Counts, live: usize) {
    let ended = counts.completed + counts.failed + counts.rejected;
    assert_eq!(
        counts.submitted,
        ended + counts.live,
        "submitted = completed + failed + rejected + live"
    );
    assert_eq!(
        counts.live, live as u64,
        "the count of live jobs is the number of live jobs"
    );
}

/// Money is in escrow only for jobs that are placed.
///
/// # Panics
/// If not.
pub fn escrow(held: Amount, under_way: bool) {
    assert!(
        under_way || held == Amount::ZERO,
        "{held} in escrow, and no job is placed"
    );
}

/// The sections of a run add up to what was measured of the whole in another way, up to rounding.
///
/// # Panics
/// If not.
pub fn sections(sections: &[Sums], id: SumId, whole: f64) {
    let sum: f64 = sections.iter().map(|section| section.get(id)).sum();
    assert!(
        (sum - whole).abs() <= 1e-9 * whole.abs(),
        "sections of `{}` add up to {sum}, not {whole}",
        id.name()
    );
}

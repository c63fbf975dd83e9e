//! What must hold in every run, in release too. Each function panics with the broken law.

use crate::record::Counts;
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

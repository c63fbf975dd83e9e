//! What it costs to send bytes from one region to another.

use crate::ids::RegionId;

/// Prices of data sent between regions.
#[derive(Clone, Debug, PartialEq)]
pub struct Egress {
    regions: usize,
    /// USD per 10⁹ bytes, by pair of regions.
    usd_per_gb: Vec<f64>,
}

impl Egress {
    /// Prices [USD per 10⁹ bytes] from each region (rows) to each.
    ///
    /// # Panics
    /// If the table is not square.
    #[must_use]
    pub fn new(rows: &[Vec<f64>]) -> Self {
        assert!(
            rows.iter().all(|row| row.len() == rows.len()),
            "as many prices as regions"
        );
        Self {
            regions: rows.len(),
            usd_per_gb: rows.concat(),
        }
    }

    /// One price for whatever leaves a region, and nothing within one.
    #[must_use]
    pub fn flat(regions: usize, usd_per_gb: f64) -> Self {
        let price = |from, to| if from == to { 0.0 } else { usd_per_gb };
        let row = |from| (0..regions).map(|to| price(from, to)).collect();
        Self::new(&(0..regions).map(row).collect::<Vec<_>>())
    }

    /// Price of sending `bytes` from one region to another [USD].
    #[must_use]
    pub fn price(&self, from: RegionId, to: RegionId, bytes: f64) -> f64 {
        self.usd_per_gb[from.index() * self.regions + to.index()] * bytes / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_priced_by_where_they_leave_and_arrive() {
        let egress = Egress::new(&[vec![0.0, 0.02], vec![0.09, 0.0]]);
        let price = |from, to| egress.price(RegionId(from), RegionId(to), 5e9);
        assert_eq!([price(0, 0), price(0, 1), price(1, 0)], [0.0, 0.1, 0.45]);
        assert_eq!(
            Egress::flat(2, 0.01).price(RegionId(1), RegionId(0), 1e9),
            0.01
        );
    }
}

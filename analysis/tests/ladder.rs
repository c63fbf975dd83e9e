//! The validation ladder on the device classes of the catalog. Skips when the data folder is missing.

use walras_analysis::calibration::{data, ladder};

#[test]
fn the_bounds_of_the_ladder_are_kept() {
    let Some(folder) = data::folder() else {
        println!("skipped: no folder with measurements; set WALRAS_DATA to where it is");
        return;
    };
    let ladder = ladder::climb(&folder).expect("the tables are readable");
    for rung in &ladder.rungs {
        println!("{}", rung.title);
        for row in &rung.rows {
            let errors = row.errors;
            println!(
                "  {:14} {:48} {:10} n {:6} bias {:+6.1} median {:5.1} mean {:5.1} p90 {:5.1} {:?}",
                row.device,
                row.quantity,
                row.status.name(),
                errors.count,
                errors.bias * 100.0,
                errors.median * 100.0,
                errors.mean * 100.0,
                errors.p90 * 100.0,
                row.is_within()
            );
        }
    }
    assert!(ladder.rows().count() > 60, "a rung is missing");
    assert!(ladder.passes(), "{}", ladder.sentence());
}

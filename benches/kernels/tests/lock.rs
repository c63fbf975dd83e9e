//! The version of candle in profiles is the one that was compiled.

#[test]
fn profiles_name_the_candle_of_the_lock_file() {
    let lock = include_str!("../../../Cargo.lock");
    let entry = format!(
        "name = \"candle-core\"\nversion = \"{}\"",
        walras_kernels::CANDLE
    );
    assert!(
        lock.contains(&entry),
        "Cargo.lock has another candle than walras_kernels::CANDLE"
    );
}

//! Memory that will be needed soon, asked for in time.

/// Asks the processor for the cache line in which `value` begins: a hint, which changes nothing but the time that is taken.
///
/// It does nothing on processors for which there is no safe way to ask.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "one instruction, which should not become a call"
)]
pub fn prefetch<T>(value: &T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    safe_arch::prefetch_t0(value);
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = value;
}

//! Which machine this is, and whether it is quiet enough to be measured.

use std::fs;
use std::thread;

/// What is known of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Name of the processor.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Last-level cache [B].
    pub last_level_cache: usize,
    /// Memory [B], if the system tells.
    pub memory: Option<u64>,
    /// Vector instructions that kernels choose by.
    pub vectors: Vec<&'static str>,
}

impl Machine {
    /// The machine that this runs on. What the system does not tell is named `unknown`, and 32 MiB of cache are assumed.
    #[must_use]
    pub fn this() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            processor: field(&processors, "model name")
                .unwrap_or("unknown")
                .to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            last_level_cache: last_level_cache().unwrap_or(32 << 20),
            memory: field(&memory, "MemTotal").and_then(kibibytes),
            vectors: vectors(),
        }
    }
}

/// Processes that ran or wanted to, averaged over the last minute; `None` where the system does not tell.
#[must_use]
pub fn load() -> Option<f64> {
    let averages = fs::read_to_string("/proc/loadavg").ok()?;
    averages.split_whitespace().next()?.parse().ok()
}

/// How long the calling thread has waited for a processor although it had work [s]; zero where the system does not tell.
///
/// A thread alone on its processor never waits. Taken off a wall time, it leaves what a quiet machine would have needed, as long
/// as no other thread is waited for.
#[must_use]
pub fn waited() -> f64 {
    // Nanoseconds on a processor, nanoseconds waiting for one, time slices (Linux, sched-stats.rst).
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = schedule
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<u64>().ok());
    waited.unwrap_or(0) as f64 * 1e-9
}

/// The value of the first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(key, _)| key.trim() == name);
    named.next().map(|(_, value)| value.trim())
}

/// Bytes in words like `32768K` or `24071736 kB`.
fn kibibytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    digits.parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

/// The largest cache that the first core reaches [B].
fn last_level_cache() -> Option<usize> {
    let caches = fs::read_dir("/sys/devices/system/cpu/cpu0/cache").ok()?;
    let sizes = caches.filter_map(|cache| {
        let size = fs::read_to_string(cache.ok()?.path().join("size")).ok()?;
        kibibytes(size.trim())
    });
    sizes.max().map(|bytes| bytes as usize)
}

/// Names of the vector extensions that candle's kernels look for.
fn vectors() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("f16c", std::is_x86_feature_detected!("f16c")),
        ("avxvnni", std::is_x86_feature_detected!("avxvnni")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512vnni", std::is_x86_feature_detected!("avx512vnni")),
        ("avx512bf16", std::is_x86_feature_detected!("avx512bf16")),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [
        ("neon", true),
        (
            "dotprod",
            std::arch::is_aarch64_feature_detected!("dotprod"),
        ),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&str, bool); 0] = [];
    found
        .into_iter()
        .filter_map(|(name, has)| has.then_some(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_sizes_are_read_as_linux_writes_them() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC"));
        assert_eq!(field(text, "flags"), None);
        assert_eq!(kibibytes("24071736 kB"), Some(24_071_736 << 10));
        assert_eq!(kibibytes("32768K"), Some(32 << 20));
        assert_eq!(kibibytes("none"), None);
    }
}

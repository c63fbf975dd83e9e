//! Criterion suites of the workspace: `cargo bench -p walras-benches`. There is nothing to link against here.

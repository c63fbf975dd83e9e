//! Real inference kernels on this machine's processor, and what they cost here.

pub mod ceilings;
pub mod kernels;
pub mod machine;
pub mod weights;

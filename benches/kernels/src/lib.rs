//! Real inference kernels on this machine's processor, and what they cost here.

pub mod kernels;
pub mod weights;

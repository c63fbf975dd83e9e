//! Real inference kernels on this machine's processor, and what they cost here.

pub mod block;
pub mod ceilings;
pub mod kernels;
pub mod machine;
pub mod model;
pub mod points;
pub mod shapes;
pub mod suite;
pub mod weights;

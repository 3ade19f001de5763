//! What the programs in `src/bin` and their tests share.
#![allow(missing_docs)]

pub mod gate_sim;
pub mod scatter;
pub mod settle_sim;
pub mod soak;

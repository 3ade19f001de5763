//! What experienced people look for in a waterfall, computed: one file for each analysis.
//!
//! Each is a pure function of [`Facts`](crate::facts::Facts) to plain data: rows, times, counts. None knows a spec, a phase or words; the
//! expectations (`assert`), the waterfall (`view`) and `analyze` read the same data.

pub mod concurrency;
pub mod conventions;
pub mod errors;
mod operation;
pub mod outgoing;
pub mod repeats;
pub mod serial;
pub mod shape;
pub mod stats;
mod template;

//! Simulated gates: how often clean code fails and slower code is found, by the real judgement of durations. Seeded: the same
//! seed gives the same table.

pub mod family;
pub mod runs;
pub mod table;

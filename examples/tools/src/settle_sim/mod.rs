//! A discrete-event simulation of systems under test, their exporters, collectors and stores, and of tests that wait
//! for their traces with the real completeness engine. Seeded: the same seed gives the same outcome.

pub mod drive;
pub mod family;
pub mod judge;
pub mod system;
pub mod table;
pub mod tell;
pub mod transport;

/// Nanoseconds in a millisecond.
pub const MS: u64 = 1_000_000;

/// A moment or a length between two bounds, in nanoseconds.
pub fn between(rng: &mut fastrand::Rng, range: (u64, u64)) -> u64 {
    rng.u64(range.0..=range.1.max(range.0))
}

/// True with this probability.
pub fn chance(rng: &mut fastrand::Rng, probability: f64) -> bool {
    rng.f64() < probability
}

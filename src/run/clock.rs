//! The run's clock: nanoseconds since it began, the unit of the completeness engine.

use std::time::{Duration, Instant};

/// Counts from the start of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts counting now.
    pub fn start() -> Clock {
        Clock(Instant::now())
    }
    /// Nanoseconds since the start.
    pub fn now(self) -> u64 {
        self.of(Instant::now())
    }
    /// A moment in nanoseconds since the start; 0 for one before it.
    pub fn of(self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.0).as_nanos()).unwrap_or(u64::MAX)
    }
    /// The moment so many nanoseconds after the start.
    pub fn moment(self, ns: u64) -> Instant {
        // A wait of a century stands for one that never ends.
        self.0 + Duration::from_nanos(ns.min(100 * 365 * 86_400 * 1_000_000_000))
    }
    /// How long the run has lasted.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

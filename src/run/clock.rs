//! The run's clock: nanoseconds since it began, the unit of the completeness engine.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Counts from the start of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    started: SystemTime,
}

impl Clock {
    /// Starts counting now.
    pub fn start() -> Clock {
        Clock { start: Instant::now(), started: SystemTime::now() }
    }
    /// Nanoseconds since the start.
    pub fn now(self) -> u64 {
        self.of(Instant::now())
    }
    /// A moment in nanoseconds since the start; 0 for one before it.
    pub fn of(self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }
    /// The moment so many nanoseconds after the start.
    pub fn moment(self, ns: u64) -> Instant {
        // A wait of a century stands for one that never ends.
        self.start + Duration::from_nanos(ns.min(100 * 365 * 86_400 * 1_000_000_000))
    }
    /// A moment as Unix nanoseconds, for spans of the runner's own. 0 for one before 1970.
    pub fn unix_ns(self, moment: Instant) -> u64 {
        let since = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).saturating_add(self.of(moment))
    }
    /// The start as Unix nanoseconds.
    pub fn unix_start_ns(self) -> u64 {
        self.unix_ns(self.start)
    }
    /// How long the run has lasted.
    pub fn elapsed(self) -> Duration {
        self.start.elapsed()
    }
}

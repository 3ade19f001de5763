//! The slow runs among the rest: a rank test misses that one request in five takes three times as long.

use super::limits::{TAIL_FACTOR, TAIL_GROWTH, TAIL_RUNS};
use crate::analyse::stats::{Quantile, Sample, Shares, fisher_more_mid};

/// How many runs of either arm are slow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    /// From how many nanoseconds on a run is slow.
    pub above_ns: u64,
    /// How many of the baseline's and of the candidate's are.
    pub shares: Shares,
    /// How likely the candidate is to have as many if the arms do not differ (Fisher's test, mid-p).
    pub p: f64,
}

impl Tail {
    /// The slow runs of two arms that are large enough: those above the baseline's p90 by a quarter, and by `floor_ns` at least.
    pub fn of(baseline: &Sample, candidate: &Sample, floor_ns: u64) -> Option<Tail> {
        if baseline.count().min(candidate.count()) < TAIL_RUNS {
            return None;
        }
        let p90 = baseline.nearest_rank(Quantile::P90);
        let above_ns = ((p90 as f64 * TAIL_FACTOR) as u64).max(p90.saturating_add(floor_ns));
        let slow = |sample: &Sample| sample.count() - sample.values().partition_point(|&time| time <= above_ns);
        let shares = Shares {
            before: slow(baseline),
            of_before: baseline.count(),
            after: slow(candidate),
            of_after: candidate.count(),
        };
        Some(Tail { above_ns, shares, p: fisher_more_mid(shares) })
    }

    /// By how much the share of slow runs grew.
    pub fn growth(&self) -> f64 {
        let Shares { before, of_before, after, of_after } = self.shares;
        after as f64 / of_after as f64 - before as f64 / of_before as f64
    }

    /// Whether it grew by what matters.
    pub fn matters(&self) -> bool {
        self.growth() >= TAIL_GROWTH
    }
}

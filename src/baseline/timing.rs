//! Where time went: the difference of the time that paths are on the critical path.
//!
//! The critical path is a partition of the root's duration, so the differences of all paths sum to the root's: what is slow is
//! named, and not what waits for it.

use super::difference::Place;
use super::shape::Shape;
use std::collections::BTreeMap;

/// The critical times of the paths of one trace, or the medians of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathTimes {
    /// The root's duration, nanoseconds.
    pub root_ns: u64,
    /// By path, nanoseconds; paths that are not on it are left out.
    pub paths: BTreeMap<Place, u64>,
}

/// How a path's time on the critical path moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The path.
    pub place: Place,
    /// Before, nanoseconds.
    pub baseline_ns: u64,
    /// Now, nanoseconds.
    pub candidate_ns: u64,
}

impl Moved {
    /// By how much, nanoseconds; positive where it is slower.
    pub fn shift_ns(&self) -> i64 {
        shift(self.baseline_ns, self.candidate_ns)
    }
}

fn shift(from: u64, to: u64) -> i64 {
    i64::try_from(i128::from(to) - i128::from(from)).unwrap_or(if to > from { i64::MAX } else { i64::MIN })
}

/// Where the root's time went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Movement {
    /// The root's duration before, nanoseconds.
    pub baseline_ns: u64,
    /// The root's duration now, nanoseconds.
    pub candidate_ns: u64,
    /// Every path whose time moved, the greatest shift first.
    pub moved: Vec<Moved>,
}

impl PathTimes {
    /// Of one trace; `None` if it has no root whose times are known.
    pub fn of(shape: &Shape) -> Option<PathTimes> {
        let mut paths: BTreeMap<Place, u64> = BTreeMap::new();
        for ix in shape.paths.all().filter(|&ix| shape.seen(ix).critical_ns > 0) {
            // Very long paths are cut, so that several may be one place.
            *paths.entry(Place::of(&shape.paths, ix)).or_default() += shape.seen(ix).critical_ns;
        }
        Some(PathTimes { root_ns: shape.duration_ns?, paths })
    }
    /// The medians of several; `None` of none.
    pub fn median(all: &[PathTimes]) -> Option<PathTimes> {
        let mut by_path: BTreeMap<&Place, Vec<u64>> = BTreeMap::new();
        for (place, &time) in all.iter().flat_map(|one| &one.paths) {
            by_path.entry(place).or_default().push(time);
        }
        let paths = by_path.into_iter().map(|(place, mut times)| {
            // A trace in which it is not on the critical path has a time for it as well: none.
            times.resize(all.len(), 0);
            (place.clone(), median(times))
        });
        let paths = paths.filter(|(_, time)| *time > 0).collect();
        (!all.is_empty()).then(|| PathTimes { root_ns: median(all.iter().map(|one| one.root_ns).collect()), paths })
    }
}

/// The median; of an even number the lower of the two in the middle, so that it is one of them.
pub(super) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

impl Movement {
    /// From one to the other.
    pub fn of(baseline: &PathTimes, candidate: &PathTimes) -> Movement {
        let mut moved: BTreeMap<&Place, (u64, u64)> = BTreeMap::new();
        baseline.paths.iter().for_each(|(place, &time)| moved.entry(place).or_default().0 = time);
        candidate.paths.iter().for_each(|(place, &time)| moved.entry(place).or_default().1 = time);
        let moved = moved.into_iter().filter(|(_, (from, to))| from != to);
        let mut moved: Vec<Moved> = moved
            .map(|(place, (baseline_ns, candidate_ns))| Moved { place: place.clone(), baseline_ns, candidate_ns })
            .collect();
        moved.sort_by_key(|moved| std::cmp::Reverse(moved.shift_ns().unsigned_abs()));
        Movement { baseline_ns: baseline.root_ns, candidate_ns: candidate.root_ns, moved }
    }
    /// The same with each text as `text` has it.
    pub fn with_texts(&self, text: &dyn Fn(&str) -> String) -> Movement {
        let Movement { baseline_ns, candidate_ns, moved } = self;
        let moved = moved.iter().map(|Moved { place, baseline_ns, candidate_ns }| Moved {
            place: place.with_texts(text),
            baseline_ns: *baseline_ns,
            candidate_ns: *candidate_ns,
        });
        Movement { baseline_ns: *baseline_ns, candidate_ns: *candidate_ns, moved: moved.collect() }
    }
    /// By how much the root's duration moved, nanoseconds.
    pub fn shift_ns(&self) -> i64 {
        shift(self.baseline_ns, self.candidate_ns)
    }
    /// The paths whose shift is at least so great, and the greatest shift of all others.
    pub fn at_least(&self, floor_ns: u64) -> (&[Moved], u64) {
        let many = self.moved.partition_point(|moved| moved.shift_ns().unsigned_abs() >= floor_ns);
        let (named, rest) = self.moved.split_at(many);
        (named, rest.first().map_or(0, |moved| moved.shift_ns().unsigned_abs()))
    }
}

//! Which paths' durations are judged, and their runs.

use super::arm::{Arm, Catalogue, Timing};
use super::durations::{Arms, Judged, judge};
use super::limits::{FEWEST_RUNS, Limits};
use crate::baseline::{PathIx, Place};
use crate::trace::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// A path is worth judging from this share of the critical path on.
const SHARE: f64 = 0.05;

/// A path whose durations were judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// The path.
    pub place: Place,
    /// Its number.
    pub path: PathIx,
    /// Whether it is the root.
    pub is_root: bool,
    /// What became of it.
    pub judged: Judged,
}

/// Judges the root, each service's entry spans, and every path that has some of the critical path in either arm. The root stands first,
/// then paths by name. A path that only some runs have is judged where enough of either arm have it; whether it must be there is
/// for the structure to say.
pub fn timed(catalogue: &Catalogue, baseline: &Arm, candidate: &Arm, limits: &Limits) -> Vec<Timed> {
    let all = catalogue.paths.len();
    let (of_baseline, of_candidate) = (Columns::of(baseline.timings(), all), Columns::of(candidate.timings(), all));
    let root = root(catalogue, baseline).or_else(|| root(catalogue, candidate));
    let critical: BTreeSet<PathIx> =
        [&of_baseline, &of_candidate].into_iter().flat_map(|columns| columns.critical(catalogue)).collect();
    let least = limits.least_runs.max(FEWEST_RUNS);
    let wanted = |ix: &PathIx| {
        let at = ix.index();
        let runs = of_baseline.durations[at].len().min(of_candidate.durations[at].len());
        let is_worth = is_entry(catalogue, *ix) || critical.contains(ix);
        Some(*ix) == root || is_worth && runs >= least
    };
    let mut paths: Vec<PathIx> = catalogue.paths.sorted().into_iter().filter(wanted).collect();
    paths.sort_by_key(|ix| Some(*ix) != root);
    let arms: Vec<Arms> = paths
        .iter()
        .map(|ix| match Some(*ix) == root {
            true => Arms { is_root: true, baseline: of_baseline.roots.clone(), candidate: of_candidate.roots.clone() },
            false => Arms {
                is_root: false,
                baseline: of_baseline.durations[ix.index()].clone(),
                candidate: of_candidate.durations[ix.index()].clone(),
            },
        })
        .collect();
    let judged = judge(&arms, limits);
    let timed = paths.iter().zip(judged).map(|(&path, judged)| Timed {
        place: Place::of(&catalogue.paths, path),
        path,
        is_root: Some(path) == root,
        judged,
    });
    timed.collect()
}

/// The median duration of each path of an arm.
pub fn medians(catalogue: &Catalogue, arm: &Arm) -> BTreeMap<PathIx, u64> {
    let columns = Columns::of(arm.timings(), catalogue.paths.len());
    let paths = arm.profile.paths();
    let numbers = catalogue.numbers(paths);
    paths.all().filter_map(|ix| Some((ix, columns.duration_ns(numbers[ix.index()]?)?))).collect()
}

/// The path of the roots: where all critical paths are, the top with most runs.
fn root(catalogue: &Catalogue, arm: &Arm) -> Option<PathIx> {
    let paths = &arm.profile.paths();
    let tops = paths.children(None).iter().copied();
    let most = tops.max_by_key(|&ix| (arm.profile.learned(ix).runs, std::cmp::Reverse(paths.key(ix).clone())))?;
    catalogue.paths.find(None, paths.key(most))
}

/// Whether a service is entered there.
fn is_entry(catalogue: &Catalogue, ix: PathIx) -> bool {
    let key = catalogue.paths.key(ix);
    let above = catalogue.paths.parent(ix).map(|parent| &catalogue.paths.key(parent).service);
    matches!(key.kind, Kind::Server | Kind::Consumer) || above.is_none_or(|above| *above != key.service)
}

/// The runs of an arm by path.
pub(super) struct Columns {
    roots: Vec<u64>,
    /// Of the runs that have it, its mean duration.
    pub(super) durations: Vec<Vec<u64>>,
    /// Of the runs in which it is on the critical path, for how long.
    critical: Vec<Vec<u64>>,
}

impl Columns {
    pub(super) fn of<'t>(timings: impl Iterator<Item = &'t Timing>, paths: usize) -> Columns {
        let mut columns =
            Columns { roots: Vec::new(), durations: vec![Vec::new(); paths], critical: vec![Vec::new(); paths] };
        for timing in timings {
            columns.roots.push(timing.root_ns);
            for &(path, duration, critical) in &timing.paths {
                columns.durations[path.index()].push(duration);
                if critical > 0 {
                    columns.critical[path.index()].push(critical);
                }
            }
        }
        columns
    }
    /// The median of the roots' durations.
    pub(super) fn root_ns(&self) -> u64 {
        median(self.roots.clone(), self.roots.len())
    }
    /// The median time that a path is on the critical path; a run in which it is not has a time for it as well: none.
    pub(super) fn critical_ns(&self, path: PathIx) -> u64 {
        median(self.critical[path.index()].clone(), self.roots.len())
    }
    /// The median of its mean durations, in the runs that have it.
    pub(super) fn duration_ns(&self, path: PathIx) -> Option<u64> {
        let durations = &self.durations[path.index()];
        (!durations.is_empty()).then(|| median(durations.clone(), durations.len()))
    }
    fn critical<'a>(&'a self, catalogue: &'a Catalogue) -> impl Iterator<Item = PathIx> + 'a {
        let least = self.root_ns() as f64 * SHARE;
        let times = catalogue.paths.all().map(|ix| (ix, self.critical_ns(ix)));
        times.filter(move |(_, time)| *time > 0 && *time as f64 >= least).map(|(ix, _)| ix)
    }
}

/// The median of so many values, those that are not given being zero; of an even number the lower of the two in the middle.
pub(super) fn median(mut values: Vec<u64>, of: usize) -> u64 {
    values.sort_unstable();
    let (middle, zeros) = (of.saturating_sub(1) / 2, of.saturating_sub(values.len()));
    middle.checked_sub(zeros).and_then(|at| values.get(at)).copied().unwrap_or(0)
}

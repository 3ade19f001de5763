//! The durations of a test over many gates, and the levels that they had.

use super::change_points::{LEAST_SEGMENT, change_points};
use super::reports::GateReport;
use std::collections::BTreeMap;

/// The most reports that are looked at, the latest: time grows with their square.
pub const MOST_REPORTS: usize = 500;
/// A change of level by less than this share is nobody's concern.
pub const LEAST_CHANGE: f64 = 0.05;
/// The fewest reports in which a level can have changed.
pub const FEWEST: usize = 2 * LEAST_SEGMENT;

/// A path of a test over the reports that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The path, as the reports have it.
    pub path: String,
    /// Whether it is the root.
    pub is_root: bool,
    /// The number of the report and the median run there, in nanoseconds; in the order of the reports.
    pub points: Vec<(usize, u64)>,
    /// Where its level changed, in order.
    pub changes: Vec<Change>,
}

/// A change of a series' level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The number of the first report of the new level.
    pub report: usize,
    /// The median of the level before, nanoseconds.
    pub before_ns: u64,
    /// The median of the level after.
    pub after_ns: u64,
}

impl Change {
    /// How many times as long it takes since.
    pub fn ratio(&self) -> f64 {
        self.after_ns.max(1) as f64 / self.before_ns.max(1) as f64
    }
}

/// A test over all reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The test's name.
    pub name: String,
    /// Its series: the root's first, the others by path.
    pub series: Vec<Series>,
}

impl Trend {
    /// The change that matters: the root's latest, or else the latest of any path.
    pub fn latest(&self) -> Option<&Change> {
        let root = self.series.iter().filter(|series| series.is_root).filter_map(|series| series.changes.last());
        root.max_by_key(|change| change.report).or_else(|| {
            self.series.iter().filter_map(|series| series.changes.last()).max_by_key(|change| change.report)
        })
    }
}

/// Numbers of reports, and the nanoseconds there.
type Points = Vec<(usize, u64)>;

/// The trends of all tests, by name, of reports in the order of time.
pub fn of(reports: &[GateReport]) -> Vec<Trend> {
    let mut found: BTreeMap<&str, BTreeMap<(bool, &str), Points>> = BTreeMap::new();
    for (number, report) in reports.iter().enumerate() {
        for test in &report.tests {
            let paths = found.entry(&test.name).or_default();
            for timed in &test.durations {
                let Some(ns) = timed.candidate_ns else { continue };
                let points = paths.entry((!timed.root, &timed.path)).or_default();
                // A path that a report names twice counts once.
                if points.last().is_none_or(|&(last, _)| last < number) {
                    points.push((number, ns));
                }
            }
        }
    }
    let series = |((not_root, path), points): ((bool, &str), Vec<(usize, u64)>)| Series {
        path: path.to_owned(),
        is_root: !not_root,
        changes: changes(&points),
        points,
    };
    found
        .into_iter()
        .map(|(name, paths)| Trend { name: name.to_owned(), series: paths.into_iter().map(series).collect() })
        .collect()
}

/// The changes of a series: of logarithms, since durations are multiplied by what slows them.
fn changes(points: &[(usize, u64)]) -> Vec<Change> {
    let logs: Vec<f64> = points.iter().map(|&(_, ns)| (ns.max(1) as f64).ln()).collect();
    let mut cuts = change_points(&logs);
    // Of the cuts that part two levels of nearly the same height the least goes first: what it joins is a level of more reports.
    loop {
        let levels = levels(points, &cuts);
        let height = |at: usize| (levels[at + 1].max(1) as f64 / levels[at].max(1) as f64).ln().abs();
        let least = (0..cuts.len()).min_by(|&a, &b| height(a).total_cmp(&height(b)));
        match least {
            Some(least) if height(least) < LEAST_CHANGE.ln_1p() => cuts.remove(least),
            _ => {
                return cuts
                    .iter()
                    .zip(levels.windows(2))
                    .map(|(&cut, pair)| Change { report: points[cut].0, before_ns: pair[0], after_ns: pair[1] })
                    .collect();
            }
        };
    }
}

/// The medians between the cuts.
fn levels(points: &[(usize, u64)], cuts: &[usize]) -> Vec<u64> {
    let ends = cuts.iter().copied().chain([points.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    starts
        .zip(ends)
        .map(|(from, to)| {
            let mut values: Vec<u64> = points[from..to].iter().map(|&(_, ns)| ns).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or(0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::reports::{Tested, Timed};
    use super::*;

    const MS: u64 = 1_000_000;

    fn report(number: u64, of: &[(&str, bool, Option<u64>)]) -> GateReport {
        let durations =
            of.iter().map(|&(path, root, candidate_ns)| Timed { path: path.to_owned(), root, candidate_ns });
        GateReport {
            started_ns: number,
            verdict: "pass".to_owned(),
            tests: vec![Tested { name: "an order".to_owned(), durations: durations.collect() }],
        }
    }
    /// 100 ms and a little, differently each time.
    fn around(number: u64, middle: u64) -> Option<u64> {
        Some(middle * MS + number * 7919 % 13 * MS / 10)
    }

    #[test]
    fn a_creep_that_no_gate_saw_is_a_change() {
        let reports: Vec<GateReport> =
            (0..40).map(|at| report(at, &[("shop GET /", true, around(at, 100 + at))])).collect();
        let trends = of(&reports);
        let change = trends[0].latest().copied();
        assert!(change.is_some_and(|change| change.ratio() > 1.05), "{change:?}");
    }

    #[test]
    fn the_level_before_and_after_is_said_and_the_first_report_of_the_new_one() {
        let reports: Vec<GateReport> = (0..30)
            .map(|at| {
                let middle = if at < 18 { 100 } else { 130 };
                report(at, &[("a B", false, around(at, 20)), ("shop GET /", true, around(at, middle))])
            })
            .collect();
        let [trend] = of(&reports).try_into().unwrap_or_else(|all| panic!("{all:?}"));
        let [root, other] = trend.series.as_slice() else { panic!("{trend:?}") };
        assert!(root.is_root && !other.is_root);
        assert!(other.changes.is_empty());
        let [change] = root.changes.as_slice() else { panic!("{root:?}") };
        assert_eq!((change.report, change.before_ns / MS, change.after_ns / MS), (18, 100, 130));
    }

    #[test]
    fn a_change_of_less_than_five_per_cent_is_none() {
        let reports: Vec<GateReport> = (0..40)
            .map(|at| report(at, &[("a", true, Some(100 * MS + if at < 20 { 0 } else { 4 * MS } + at))]))
            .collect();
        assert_eq!(of(&reports)[0].latest(), None);
    }

    #[test]
    fn reports_without_a_path_are_passed_over() {
        let reports: Vec<GateReport> = (0..30)
            .map(|at| {
                report(at, &[("a", true, if at % 3 == 0 { None } else { around(at, if at < 15 { 10 } else { 30 }) })])
            })
            .collect();
        let series = &of(&reports)[0].series[0];
        assert_eq!(series.points.len(), 20);
        assert_eq!(series.changes.iter().map(|change| change.report).collect::<Vec<_>>(), [16]);
    }
}

//! What became slower: an effect and its interval, never a probability alone (gate.md, Durations).
//!
//! A path has one number a run. All paths of a test are judged together, since of many tests some are significant by chance
//! (Holm). The root's slow runs are judged by themselves, as they are what users feel, those of all other paths together.

use super::limits::{FEWEST_RUNS, LARGE_EFFECT, Limits, Setup};
use super::tail::Tail;
use crate::analyse::stats::{Method, Nulls, Sample, holm, rank_sum, ratio_within, shift_within, superiority};

/// The runs of one path.
#[derive(Debug, Clone)]
pub struct Arms {
    /// Whether it is the root, whose limits are others.
    pub is_root: bool,
    /// Nanoseconds of each run of the baseline.
    pub baseline: Vec<u64>,
    /// And of the candidate.
    pub candidate: Vec<u64>,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It takes longer.
    Slower,
    /// More of its runs are slow, though the rest are as before.
    SlowTail,
    /// It takes longer than an interleaved gate would allow, and machines or days may differ by as much.
    PerhapsSlower,
    /// It takes as long as before, as far as can be told.
    Same,
    /// It takes less time.
    Faster,
    /// The runs differ so much that the double time could not be told from the same.
    TooNoisy,
    /// There are too few runs.
    TooFew,
}

/// What is known of a path's durations.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What became of it.
    pub change: Change,
    /// The numbers; `None` without a run of either arm.
    pub measured: Option<Measured>,
    /// How many runs there are.
    pub runs: (usize, usize),
}

/// The numbers of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The median run of the baseline, nanoseconds.
    pub baseline_ns: u64,
    /// And of the candidate.
    pub candidate_ns: u64,
    /// How many times as long the candidate takes (Hodges and Lehmann's estimate of the logarithms).
    pub ratio: f64,
    /// Between which the ratio lies, of two arms that are large enough.
    pub ratio_range: Option<(f64, f64)>,
    /// How many nanoseconds longer.
    pub shift_ns: i128,
    /// Between which the shift lies.
    pub shift_range_ns: Option<(i128, i128)>,
    /// How likely runs that do not differ are to lie as far apart, in the direction in which they do, among all paths (Holm).
    pub p: f64,
    /// How that was found.
    pub method: Method,
    /// Cliff's δ: 1 where every run of the candidate is longer than each of the baseline.
    pub delta: f64,
    /// The slow runs, of arms that are large enough.
    pub tail: Option<Tail>,
}

/// Judges the paths of one test.
pub fn judge(paths: &[Arms], limits: &Limits) -> Vec<Judged> {
    // Most paths have as many runs as the others.
    let mut nulls = Nulls::default();
    let measured: Vec<Option<Measured>> = paths.iter().map(|arms| measure(arms, limits, &mut nulls)).collect();
    let enough = |arms: &Arms| arms.baseline.len().min(arms.candidate.len()) >= limits.least_runs.max(FEWEST_RUNS);
    // Only what has enough runs is tested at all.
    let tested: Vec<usize> = (0..paths.len()).filter(|&at| enough(&paths[at]) && measured[at].is_some()).collect();
    let p: Vec<f64> = tested.iter().filter_map(|&at| Some(measured[at].as_ref()?.p)).collect();
    let tail_p = tails_together(paths, &measured, &tested);
    let mut judged: Vec<Judged> = paths
        .iter()
        .zip(measured)
        .map(|(arms, measured)| Judged {
            change: Change::TooFew,
            measured,
            runs: (arms.baseline.len(), arms.candidate.len()),
        })
        .collect();
    for ((&at, p), tail_p) in tested.iter().zip(holm(&p)).zip(tail_p) {
        let one = &mut judged[at];
        let Some(measured) = &mut one.measured else { continue };
        measured.p = p;
        if let (Some(tail), Some(p)) = (&mut measured.tail, tail_p) {
            tail.p = p;
        }
        one.change = change(measured, paths[at].is_root, one.runs, tested.len(), limits);
    }
    judged
}

fn measure(arms: &Arms, limits: &Limits, nulls: &mut Nulls) -> Option<Measured> {
    let (baseline, candidate) = (Sample::new(arms.baseline.clone())?, Sample::new(arms.candidate.clone())?);
    let ratio = ratio_within(&baseline, &candidate, limits.alpha, nulls);
    let shift = shift_within(&baseline, &candidate, limits.alpha, nulls);
    let ranks = rank_sum(&baseline, &candidate, nulls);
    Some(Measured {
        baseline_ns: baseline.middle(),
        candidate_ns: candidate.middle(),
        ratio: ratio.value,
        ratio_range: ratio.interval,
        shift_ns: shift.value,
        shift_range_ns: shift.interval,
        p: ranks.above.min(ranks.below),
        method: ranks.method,
        delta: 2.0 * superiority(&baseline, &candidate) - 1.0,
        tail: Tail::of(&baseline, &candidate, floor(arms.is_root, limits)),
    })
}

fn floor(is_root: bool, limits: &Limits) -> u64 {
    if is_root { limits.floor_of_root_ns } else { limits.floor_of_others_ns }
}

/// The probabilities of slow runs: the root's alone, all others' corrected for each other.
fn tails_together(paths: &[Arms], measured: &[Option<Measured>], tested: &[usize]) -> Vec<Option<f64>> {
    let p = |at: usize| measured[at].as_ref()?.tail.as_ref().map(|tail| tail.p);
    let others: Vec<usize> = tested.iter().copied().filter(|&at| !paths[at].is_root && p(at).is_some()).collect();
    let corrected = holm(&others.iter().filter_map(|&at| p(at)).collect::<Vec<f64>>());
    let of = |&at: &usize| match others.iter().position(|&other| other == at) {
        Some(place) => corrected.get(place).copied(),
        None => p(at),
    };
    tested.iter().map(of).collect()
}

fn change(of: &Measured, is_root: bool, runs: (usize, usize), tests: usize, limits: &Limits) -> Change {
    let margin = if is_root { limits.margin_of_root } else { limits.margin_of_others };
    let floor = i128::from(floor(is_root, limits));
    let Some((low, high)) = of.ratio_range else { return Change::TooFew };
    if limits.setup == Setup::Interleaved && !can_be_significant(runs, tests, limits.alpha) {
        return Change::TooFew;
    }
    let significant = of.p < limits.alpha;
    let (longer, shorter) = (of.shift_ns >= floor, of.shift_ns <= -floor);
    let beyond_margin = significant && longer && of.ratio >= 1.0 + margin;
    let below_margin = significant && shorter && of.ratio <= 1.0 / (1.0 + margin);
    let (slower, faster, perhaps) = match limits.setup {
        Setup::Interleaved => {
            (beyond_margin && of.delta >= LARGE_EFFECT, below_margin && of.delta <= -LARGE_EFFECT, false)
        }
        Setup::Stored | Setup::Traffic => {
            (longer && low > 1.0 + limits.drift, shorter && high < 1.0 / (1.0 + limits.drift), beyond_margin)
        }
    };
    let slow_tail = of.tail.as_ref().is_some_and(|tail| tail.matters() && tail.p < limits.alpha);
    let hides_double = is_root && high >= 2.0 && of.shift_range_ns.is_none_or(|(_, high)| high >= floor);
    match () {
        () if slower => Change::Slower,
        () if slow_tail => Change::SlowTail,
        () if perhaps => Change::PerhapsSlower,
        () if faster => Change::Faster,
        () if hides_double => Change::TooNoisy,
        () => Change::Same,
    }
}

/// Whether the least probability that so few runs can have is small enough among so many tests: that of all runs of one arm lying above
/// the other's, one choice of all.
fn can_be_significant((n, m): (usize, usize), tests: usize, alpha: f64) -> bool {
    let choices = (1..=n.min(m)).map(|at| (n.max(m) + at) as f64 / at as f64).product::<f64>();
    tests as f64 / choices < alpha
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    /// So many runs around a middle, in steps of a percent.
    fn runs(count: u64, middle_ms: u64) -> Vec<u64> {
        (0..count).map(|at| middle_ms * MS / 100 * (100 + at % 7) + at).collect()
    }
    fn root(baseline: Vec<u64>, candidate: Vec<u64>) -> Arms {
        Arms { is_root: true, baseline, candidate }
    }
    fn change_of(arms: Arms, setup: Setup) -> Change {
        judge(&[arms], &Limits::of(setup))[0].change
    }

    #[test]
    fn what_is_slower_by_more_than_the_margin_and_the_floor_fails() {
        let of = |middle| change_of(root(runs(20, 100), runs(20, middle)), Setup::Interleaved);
        assert_eq!(
            [of(100), of(108), of(115), of(90), of(80)],
            [Change::Same, Change::Same, Change::Slower, Change::Faster, Change::Faster]
        );
        // 15 % of 20 ms are 3: below the floor.
        assert_eq!(change_of(root(runs(20, 20), runs(20, 23)), Setup::Interleaved), Change::Same);
        // The floor of another path is less, its margin more.
        let other = |to| Arms { is_root: false, ..root(runs(20, 20), runs(20, to)) };
        assert_eq!(change_of(other(23), Setup::Interleaved), Change::Same);
        assert_eq!(change_of(other(25), Setup::Interleaved), Change::Slower);
    }

    #[test]
    fn a_stored_baseline_leaves_room_for_another_machine_and_warns_within_it() {
        let of = |middle| change_of(root(runs(20, 100), runs(20, middle)), Setup::Stored);
        assert_eq!(
            [of(104), of(118), of(140), of(70)],
            [Change::Same, Change::PerhapsSlower, Change::Slower, Change::Faster]
        );
    }

    #[test]
    fn too_few_runs_are_never_the_same() {
        for (n, m, setup) in [
            (0, 20, Setup::Interleaved),
            (20, 0, Setup::Stored),
            (9, 20, Setup::Interleaved),
            (20, 9, Setup::Stored),
            (49, 60, Setup::Traffic),
        ] {
            assert_eq!(change_of(root(runs(n, 100), runs(m, 100)), setup), Change::TooFew, "{n} {m}");
        }
        assert_eq!(change_of(root(runs(50, 100), runs(50, 100)), Setup::Traffic), Change::Same);
        // With fewer runs than seven nothing is judged, whatever is asked for.
        let limits = Limits { least_runs: 2, ..Limits::of(Setup::Interleaved) };
        let judged = |n| judge(&[root(runs(n, 100), runs(n, 300))], &limits)[0].change;
        assert_eq!((judged(6), judged(7)), (Change::TooFew, Change::Slower));
        // Seven against seven have one choice in 3,432: with 35 paths not even that is significant.
        let many = |paths| judge(&vec![root(runs(7, 100), runs(7, 300)); paths], &limits)[0].change;
        assert_eq!((many(34), many(35)), (Change::Slower, Change::TooFew));
    }

    #[test]
    fn one_run_in_five_that_takes_three_times_as_long_is_found_among_fifty() {
        let slow = |count: u64| {
            runs(50, 100).into_iter().enumerate().map(
                move |(at, time)| {
                    if at as u64 % 5 < count { time * 3 } else { time }
                },
            )
        };
        for setup in [Setup::Interleaved, Setup::Stored] {
            assert_eq!(change_of(root(runs(50, 100), slow(1).collect()), setup), Change::SlowTail);
            assert_eq!(change_of(root(slow(1).collect(), slow(1).collect()), setup), Change::Same);
        }
        // Not of arms that are too small for it.
        let few = |runs: Vec<u64>| runs[..29].to_vec();
        assert_eq!(change_of(root(few(runs(50, 100)), few(slow(1).collect())), Setup::Interleaved), Change::Same);
    }

    #[test]
    fn runs_that_could_hide_the_double_time_are_not_the_same() {
        let wild: Vec<u64> = (0..10).map(|at| 10 * MS + (at * at * at) * MS).collect();
        assert_eq!(change_of(root(wild.clone(), wild.clone()), Setup::Interleaved), Change::TooNoisy);
        // What is below the floor does not matter, however it varies.
        let small: Vec<u64> = wild.iter().map(|at| at / 500).collect();
        assert_eq!(change_of(root(small.clone(), small), Setup::Interleaved), Change::Same);
    }

    #[test]
    fn each_of_three_looks_has_a_third_of_the_error() {
        let limits = Limits::of(Setup::Interleaved);
        assert!((limits.with_looks(3).alpha * 3.0 - limits.alpha).abs() < 1e-12);
        assert_eq!((limits.with_looks(0), limits.with_looks(9)), (limits, limits.with_looks(3)));
    }

    proptest! {
        /// Nothing hangs on the order of runs, and exchanging the arms turns slower into faster.
        #[test]
        fn the_order_of_runs_changes_nothing_and_exchanged_arms_the_sign(
            x in prop::collection::vec(1_u64..1_000 * MS, 0..30),
            y in prop::collection::vec(1_u64..1_000 * MS, 0..30),
        ) {
            for setup in [Setup::Interleaved, Setup::Stored] {
                let forward = judge(&[root(x.clone(), y.clone())], &Limits::of(setup)).remove(0);
                let turned = |values: &[u64]| values.iter().rev().copied().collect::<Vec<_>>();
                prop_assert_eq!(&forward, &judge(&[root(turned(&x), turned(&y))], &Limits::of(setup))[0]);
                let back = judge(&[root(y.clone(), x.clone())], &Limits::of(setup)).remove(0);
                prop_assert_eq!(forward.change == Change::Slower, back.change == Change::Faster);
                prop_assert_eq!(forward.change == Change::TooFew, back.change == Change::TooFew);
            }
        }
    }
}

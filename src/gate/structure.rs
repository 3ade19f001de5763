//! What became of the structure: which differences are the code's, and which may be chance.
//!
//! What held in every run of the baseline and in no run of the candidate is the code's. What some runs of the candidate have is
//! counted (Fisher's exact test against the baseline, and against a control arm where there is one). What is left may be chance:
//! then it is undecided, unless it is what chance is known to do. A further run has more or fewer spans of a path than all before in
//! 2 of n + 1 cases, and siblings that ran beside each other once happen not to; such a difference is a remark.

use super::limits::{FEWEST_RUNS, Setup};
use super::verdict::Verdict;
use crate::analyse::stats::{Shares, fisher_more};
use crate::baseline::{Change, Difference, Tally};
use std::collections::BTreeMap;

/// A difference of structure, and what it amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct Structural {
    /// The difference.
    pub difference: Difference,
    /// How many runs of the candidate have it.
    pub runs: u64,
    /// Of how many.
    pub of: u64,
    /// How many runs of the control arm have it as well.
    pub in_control: u64,
    /// How likely so many have it if the candidate is as the baseline.
    pub p: f64,
    /// [`Verdict::Pass`] for what is only worth a remark.
    pub verdict: Verdict,
}

/// How sure one has to be.
const ALPHA: f64 = 0.01;
/// What is no more likely than this by chance is left undecided where users' traffic is judged, and what is, is not.
const SUSPICIOUS: f64 = 0.05;

/// Judges what the runs of a candidate differ by from a baseline of so many runs.
///
/// Users ask for what none of them asked before. So of their traffic nothing is certain in one trace, and what few traces have is
/// undecided only where so many are hardly chance.
///
/// With a control arm that has a difference as well, that arm is what the candidate is measured by: it ran when the candidate did.
pub fn judge(baseline_runs: u64, candidate: &Tally, control: Option<&Tally>, setup: Setup) -> Vec<Structural> {
    let control_runs = control.map_or(0, Tally::runs);
    let controls: BTreeMap<String, u64> = control.map_or_else(BTreeMap::new, |control| {
        control.found().into_iter().map(|found| (found.difference.identity(), found.runs)).collect()
    });
    let of = candidate.runs();
    let judged = candidate.found().into_iter().map(|found| {
        let in_control = controls.get(&found.difference.identity()).copied().unwrap_or(0);
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let p = fisher_more(Shares {
            before: number(in_control),
            of_before: number(if in_control > 0 { control_runs } else { baseline_runs + control_runs }),
            after: number(found.runs),
            of_after: number(of),
        });
        let change = &found.difference.change;
        let in_all = found.runs == of;
        let enough = baseline_runs >= FEWEST_RUNS as u64;
        let verdict = match kind(change) {
            _ if enough && p < ALPHA => Verdict::Fail,
            // Code that did not change does it as well.
            _ if in_control > 0 => Verdict::Pass,
            Kind::Certain | Kind::Constant if setup == Setup::Traffic && !in_all => match p < SUSPICIOUS {
                true => Verdict::Inconclusive,
                false => Verdict::Pass,
            },
            Kind::Certain if enough => Verdict::Fail,
            Kind::Constant if enough && in_all => Verdict::Fail,
            Kind::Varies => Verdict::Pass,
            Kind::Certain | Kind::Constant => Verdict::Inconclusive,
        };
        Structural { difference: found.difference.clone(), runs: found.runs, of, in_control, p, verdict }
    });
    let mut judged: Vec<Structural> = judged.collect();
    // What fails first, then in the order of the tally.
    judged.sort_by_key(|one| std::cmp::Reverse(one.verdict));
    judged
}

/// What a difference is, apart from how often it occurs.
enum Kind {
    /// It says enough in one run: with twice as many as there ever were no chance has to be reckoned with.
    Certain,
    /// It held, or did not, in every run of the baseline, and nothing but the code is known to turn it.
    Constant,
    /// Data or the moment turn it as well.
    Varies,
}

fn kind(change: &Change) -> Kind {
    match change {
        Change::Grew { .. } => Kind::Certain,
        Change::LostService { .. }
        | Change::NewService { .. }
        | Change::LostEdge { .. }
        | Change::NewEdge { .. }
        | Change::MissingPath
        | Change::NewPath
        | Change::BecameLeaf
        | Change::Reparented { .. }
        | Change::Renamed { .. }
        | Change::KindChanged { .. }
        | Change::BecameError { .. }
        | Change::Recovered => Kind::Constant,
        Change::Count { .. }
        | Change::OrderChanged { .. }
        | Change::Serialised { .. }
        | Change::Parallelised { .. } => Kind::Varies,
    }
}

//! Why the root moved: its shift is attributed to paths by the difference of their time on the critical path, so that the slow thing
//! is named and not its callers (analysis.md 8.4).

use super::arm::{Arm, Catalogue, Timing};
use super::durations::Change;
use super::structure::Structural;
use super::timing::{Columns, Timed, median};
use super::verdict::Verdict;
use crate::baseline::{Change as Difference, Key, PathIx};
use std::cmp::Reverse;

/// A path has a part in the cause from this share of the shift on.
const SHARE: f64 = 0.2;
/// So many paths are named at most.
const NAMED: usize = 3;

/// Where the time of a path went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// Into its own spans: their duration, before and now.
    Itself {
        /// The median duration of its spans, nanoseconds.
        from_ns: u64,
        /// Now.
        to_ns: u64,
    },
    /// Between the CLIENT span and the SERVER span that answers it: what the one takes longer than the other, whatever the clocks.
    Network {
        /// The SERVER span.
        to: Key,
        /// The median of the difference, nanoseconds.
        from_ns: u64,
        /// Now.
        to_ns: u64,
    },
    /// There are more of them; each takes what it took.
    Count {
        /// So many there were.
        from: String,
        /// So many there are.
        to: String,
    },
    /// It takes what it took, but used to run beside others.
    OneAfterAnother {
        /// The others; empty where they are its own like.
        with: Vec<Key>,
    },
    /// It takes what it took, and more of it is waited for: so long on the critical path, before and now.
    Awaited {
        /// Nanoseconds before.
        from_ns: u64,
        /// Now.
        to_ns: u64,
    },
}

/// A path that has a part in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mover {
    /// Its last key.
    pub key: Key,
    /// By how much its time on the critical path moved, nanoseconds.
    pub shift_ns: i128,
    /// Where that went.
    pub went: Where,
}

/// Why the root takes as long as it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The paths that moved, by their part in it.
    pub movers: Vec<Mover>,
    /// The greatest shift of any other path, either way, nanoseconds.
    pub rest_ns: u64,
}

/// The cause of what became of the root; `None` where it is as it was.
pub fn cause(
    catalogue: &Catalogue,
    baseline: &Arm,
    candidate: &Arm,
    durations: &[Timed],
    structure: &[Structural],
) -> Option<Cause> {
    let root = durations.iter().find(|timed| timed.is_root)?;
    let measured = root.judged.measured.as_ref()?;
    let all = catalogue.paths.len();
    let before = Columns::of(baseline.timings(), all);
    let slow = |timing: &&Timing| measured.tail.as_ref().is_some_and(|tail| timing.root_ns > tail.above_ns);
    let (after, of): (Columns, Vec<&Timing>) = match root.judged.change {
        // Of the slow runs, not of those that are as before.
        Change::SlowTail => {
            let slow: Vec<&Timing> = candidate.timings().filter(slow).collect();
            (Columns::of(slow.iter().copied(), all), slow)
        }
        Change::Slower | Change::PerhapsSlower | Change::Faster => {
            (Columns::of(candidate.timings(), all), candidate.timings().collect())
        }
        Change::Same | Change::TooNoisy | Change::TooFew => return None,
    };
    let shift = |path: PathIx| i128::from(after.critical_ns(path)) - i128::from(before.critical_ns(path));
    let mut moved: Vec<(PathIx, i128)> = catalogue.paths.sorted().into_iter().map(|ix| (ix, shift(ix))).collect();
    moved.sort_by_key(|(_, shift)| Reverse(shift.unsigned_abs()));
    let whole = i128::from(after.root_ns()) - i128::from(before.root_ns());
    let has_part = |shift: i128| {
        shift.signum() == whole.signum() && shift.unsigned_abs() as f64 >= whole.unsigned_abs() as f64 * SHARE
    };
    let (named, rest): (Vec<_>, Vec<_>) = moved.into_iter().partition(|(_, shift)| has_part(*shift));
    let mut rest_ns = rest.first().map_or(0, |(_, shift)| shift.unsigned_abs());
    rest_ns = rest_ns.max(named.get(NAMED).map_or(0, |(_, shift)| shift.unsigned_abs()));
    let timings: (Vec<&Timing>, Vec<&Timing>) = (baseline.timings().collect(), of);
    let mover = |(path, shift_ns): (PathIx, i128)| Mover {
        key: catalogue.paths.key(path).clone(),
        shift_ns,
        went: went(catalogue, path, shift_ns, (&before, &after), &timings, structure),
    };
    let movers: Vec<Mover> = named.into_iter().take(NAMED).map(mover).collect();
    let rest_ns = u64::try_from(rest_ns).unwrap_or(u64::MAX);
    (!movers.is_empty()).then_some(Cause { movers, rest_ns })
}

fn went(
    catalogue: &Catalogue,
    path: PathIx,
    shift_ns: i128,
    (before, after): (&Columns, &Columns),
    (old, new): &(Vec<&Timing>, Vec<&Timing>),
    structure: &[Structural],
) -> Where {
    let key = catalogue.paths.key(path);
    let half = shift_ns.unsigned_abs() / 2;
    let moved = |from: u64, to: u64| {
        let by = i128::from(to) - i128::from(from);
        by.signum() == shift_ns.signum() && by.unsigned_abs() >= half
    };
    for call in (0..catalogue.calls()).filter(|&call| catalogue.call(call).0 == *key) {
        let of = |timings: &[&Timing]| {
            let times = timings.iter().flat_map(|timing| &timing.network).filter(|(number, _)| *number == call);
            let times: Vec<u64> = times.map(|(_, time)| *time).collect();
            let many = times.len();
            (many > 0).then(|| median(times, many))
        };
        if let (Some(from_ns), Some(to_ns)) = (of(old), of(new))
            && moved(from_ns, to_ns)
        {
            return Where::Network { to: catalogue.call(call).1.clone(), from_ns, to_ns };
        }
    }
    let (from_ns, to_ns) = (before.duration_ns(path).unwrap_or(0), after.duration_ns(path).unwrap_or(0));
    if moved(from_ns, to_ns) || before.duration_ns(path).is_none() {
        return Where::Itself { from_ns, to_ns };
    }
    let of_this = |one: &&Structural| {
        let last = one.difference.place.as_ref().and_then(|place| place.last());
        one.verdict > Verdict::Pass && last == Some(key)
    };
    for difference in structure.iter().filter(of_this).map(|one| &one.difference) {
        if matches!(difference.change, Difference::Grew { .. } | Difference::Count { .. }) {
            return Where::Count { from: difference.baseline(), to: difference.candidate() };
        }
    }
    let beside = structure.iter().filter(|one| one.verdict > Verdict::Pass).find_map(|one| {
        let Difference::Serialised { with } = &one.difference.change else { return None };
        let own = one.difference.place.as_ref().and_then(|place| place.last())?;
        let mut others: Vec<Key> = with.clone();
        let hangs_below = || catalogue.paths.upwards(path).any(|at| catalogue.paths.key(at) == own);
        // What hangs below one of several alike is as slow as that.
        if own == key || others.is_empty() && hangs_below() {
            return Some(others);
        }
        // The same of what hangs below one of the others.
        let above = |other: &Key| catalogue.paths.upwards(path).any(|at| catalogue.paths.key(at) == other);
        let at = others.iter().position(above)?;
        others[at] = own.clone();
        Some(others)
    });
    match beside {
        Some(with) => Where::OneAfterAnother { with },
        None => Where::Awaited { from_ns: before.critical_ns(path), to_ns: after.critical_ns(path) },
    }
}

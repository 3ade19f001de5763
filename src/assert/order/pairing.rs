//! Which spans of two selections are compared: within what, and which with which.

use super::super::judging::Judging;
use super::adjacent::{self, Families};
use super::compare::{self, Comparison, Known, Moment};
use crate::facts::{Clocks, UNBOUNDED};
use crate::spec::plan::{Pairing, Per};
use crate::trace::SpanIx;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The spans of both sides that are compared with each other.
#[derive(Debug)]
pub(super) struct Scope {
    /// The span below which they are, or the parent that they share.
    pub(super) under: Option<SpanIx>,
    pub(super) first: Vec<SpanIx>,
    pub(super) then: Vec<SpanIx>,
}

/// Why an order is not kept.
pub(super) struct Violation {
    pub(super) pair: (SpanIx, SpanIx),
    pub(super) comparison: Comparison,
    /// The sibling that starts between two that should be adjacent.
    pub(super) between: Option<SpanIx>,
    pub(super) not_siblings: bool,
}

pub(super) enum Verdict {
    /// It holds; a pair that shows it.
    Holds(SpanIx, SpanIx),
    Violated(Violation),
    /// `each` finds different numbers.
    Unequal,
    /// This span would be compared with itself.
    Itself(SpanIx),
    /// The clocks leave it open.
    Open(Open),
}

/// A comparison that the clocks leave open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) pair: (SpanIx, SpanIx),
    pub(super) comparison: Comparison,
    /// Which span is the first (the last, the n-th) is what is not known.
    pub(super) which: bool,
}

/// Nested scopes hold the same spans again; beyond so many nothing is compared.
const MOST_IN_SCOPES: usize = 20_000_000;

/// Cuts both sides into the scopes that are compared each by itself, with `per: { under }` below each of `under`; an error
/// says why there is none.
pub(super) fn scopes(
    cx: &Judging<'_>,
    per: &Per,
    under: &[SpanIx],
    first: &[SpanIx],
    then: &[SpanIx],
) -> Result<Vec<Scope>, String> {
    match per {
        Per::Trace => Ok(vec![Scope { under: None, first: first.to_vec(), then: then.to_vec() }]),
        Per::Siblings => Ok(families(cx, first, then)),
        Per::Under(select) => {
            if under.is_empty() {
                return Err(format!(
                    "No span is {}, below which the order should be kept.",
                    super::text::selector(select)
                ));
            }
            let tree = cx.trace.tree();
            let by_enter = |rows: &[SpanIx]| {
                let mut sorted: Vec<(u32, SpanIx)> = rows.iter().map(|&ix| (tree.enter(ix), ix)).collect();
                sorted.sort_unstable();
                sorted
            };
            let (first, then) = (by_enter(first), by_enter(then));
            let mut held = 0;
            let mut scopes = Vec::with_capacity(under.len());
            for &under in under {
                let below = |sorted: &[(u32, SpanIx)]| {
                    let from = sorted.partition_point(|(enter, _)| *enter <= tree.enter(under));
                    let to = sorted.partition_point(|(enter, _)| *enter <= tree.last(under));
                    let mut rows: Vec<SpanIx> = sorted[from..to].iter().map(|(_, ix)| *ix).collect();
                    rows.sort_unstable();
                    rows
                };
                let scope = Scope { under: Some(under), first: below(&first), then: below(&then) };
                held += scope.first.len() + scope.then.len();
                if held > MOST_IN_SCOPES {
                    return Err(
                        "The spans below which the order should be kept are nested too often to compare.".to_owned()
                    );
                }
                scopes.push(scope);
            }
            Ok(scopes)
        }
    }
}

/// Spans with one parent; spans without one in the trace are siblings if they name the same one, or none.
fn families(cx: &Judging<'_>, first: &[SpanIx], then: &[SpanIx]) -> Vec<Scope> {
    let mut families: BTreeMap<_, Scope> = BTreeMap::new();
    let family = |ix: SpanIx| {
        let span = cx.trace.span(ix);
        (cx.trace.tree().parent(ix), span.trace_id(), span.parent_id())
    };
    for (rows, is_first) in [(first, true), (then, false)] {
        for &ix in rows {
            let key = family(ix);
            let scope =
                families.entry(key).or_insert_with(|| Scope { under: key.0, first: Vec::new(), then: Vec::new() });
            if is_first { scope.first.push(ix) } else { scope.then.push(ix) }
        }
    }
    families.into_values().collect()
}

/// Compares the spans of one scope, none of whose sides is empty.
pub(super) fn judge(
    cx: &Judging<'_>,
    clocks: &Clocks,
    comparisons: &[Comparison],
    pairing: Pairing,
    adjacent: Option<&Families>,
    scope: &Scope,
) -> Verdict {
    let (first, then) = (&scope.first, &scope.then);
    let all = |first: &[SpanIx], then: &[SpanIx]| all(cx, clocks, comparisons, adjacent, first, then);
    match pairing {
        Pairing::All => all(first, then),
        Pairing::Each if first.len() != then.len() => Verdict::Unequal,
        Pairing::Each => {
            let (Some(first), Some(then)) = (by_start(cx, clocks, first), by_start(cx, clocks, then)) else {
                return one_of(&all, comparisons[0], first, then);
            };
            let mut open = None;
            for (at, _) in first.iter().enumerate() {
                // Of spans that start at one moment nothing says which is the n-th.
                let (a, b) = (tied(cx, clocks, &first, at), tied(cx, clocks, &then, at));
                match one_of(&all, comparisons[0], a, b) {
                    Verdict::Open(pair) => open = open.or(Some(pair)),
                    Verdict::Holds(..) => {}
                    other => return other,
                }
            }
            open.map_or(Verdict::Holds(first[0], then[0]), Verdict::Open)
        }
        Pairing::First | Pairing::Last => {
            let latest = pairing == Pairing::Last;
            let (first, then) = (outermost(cx, clocks, first, latest), outermost(cx, clocks, then, latest));
            one_of(&all, comparisons[0], &first, &then)
        }
    }
}

/// The spans, sorted by start, that may stand at a position: those that start when the one there does.
fn tied<'s>(cx: &Judging<'_>, clocks: &Clocks, sorted: &'s [SpanIx], at: usize) -> &'s [SpanIx] {
    let same = |&other: &SpanIx| {
        let (one, other) = (sorted[at], other);
        clocks.same(one, other) && cx.trace.span(one).start_ns() == cx.trace.span(other).start_ns()
    };
    let before = sorted[..at].iter().rev().take_while(|ix| same(ix)).count();
    let after = sorted[at..].iter().take_while(|ix| same(ix)).count();
    &sorted[at - before..at + after]
}

/// Any of several spans may be the one that is compared: only what is so of every pair is so of the right one.
fn one_of(
    all: &dyn Fn(&[SpanIx], &[SpanIx]) -> Verdict,
    comparison: Comparison,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Verdict {
    const MOST_PAIRS: usize = 4096;
    let verdict = all(first, then);
    let pairs = first.len().saturating_mul(then.len());
    if pairs == 1 {
        return verdict;
    }
    match verdict {
        Verdict::Violated(violation) => {
            let violated = |a: &SpanIx, b: &SpanIx| matches!(all(&[*a], &[*b]), Verdict::Violated(_));
            if pairs <= MOST_PAIRS && first.iter().all(|a| then.iter().all(|b| violated(a, b))) {
                return Verdict::Violated(violation);
            }
            Verdict::Open(Open { pair: violation.pair, comparison: violation.comparison, which: true })
        }
        Verdict::Open(open) => Verdict::Open(Open { which: true, ..open }),
        Verdict::Itself(both) => Verdict::Open(Open { pair: (both, both), comparison, which: true }),
        verdict => verdict,
    }
}

fn all(
    cx: &Judging<'_>,
    clocks: &Clocks,
    comparisons: &[Comparison],
    adjacent: Option<&Families>,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Verdict {
    if let Some(both) = on_both_sides(first, then) {
        return Verdict::Itself(both);
    }
    let mut open = None;
    for &comparison in comparisons {
        match compare::every(cx, clocks, comparison, first, then) {
            Known::Holds => {}
            Known::Violated(a, b) => {
                return Verdict::Violated(Violation { pair: (a, b), comparison, between: None, not_siblings: false });
            }
            Known::Open(a, b) => open = open.or(Some(Open { pair: (a, b), comparison, which: false })),
        }
    }
    if let Some(open) = open {
        return Verdict::Open(open);
    }
    if let Some(families) = adjacent {
        return adjacent::judge(cx, clocks, families, comparisons[0], first, then);
    }
    Verdict::Holds(first[0], then[0])
}

/// A span that stands on both sides.
fn on_both_sides(first: &[SpanIx], then: &[SpanIx]) -> Option<SpanIx> {
    if let ([a], [b]) = (first, then) {
        return (a == b).then_some(*a);
    }
    let one: HashSet<SpanIx> = first.iter().copied().collect();
    then.iter().copied().find(|ix| one.contains(ix))
}

/// So many clocks are compared with each other.
const MOST_CLOCKS: usize = 1000;

/// Sorted by start, if the clocks decide the order of each and the next. Of spans that start at one moment those that end
/// first come first.
pub(crate) fn by_start(cx: &Judging<'_>, clocks: &Clocks, rows: &[SpanIx]) -> Option<Vec<SpanIx>> {
    const MOST_AT_ONCE: usize = 64;
    if rows.iter().any(|&ix| !cx.trace.span(ix).is_timed()) {
        return None;
    }
    let on: BTreeSet<u32> = rows.iter().map(|&ix| clocks.clock(ix)).collect();
    if on.len() > MOST_CLOCKS {
        return None;
    }
    // By a time on no clock in particular: what is certain of two clocks holds of it, too, since it moves a clock by the
    // least that it is behind any other, and by the most that any other is ahead of it.
    let shift = |clock: u32| {
        let bounded = |bound: i128| (bound != UNBOUNDED).then_some(bound);
        let behind = on.iter().filter_map(|&other| bounded(clocks.most_ahead(clock, other))).min();
        let ahead = on.iter().filter_map(|&other| bounded(clocks.most_ahead(other, clock)).map(|most| -most)).max();
        behind.unwrap_or(0) + ahead.unwrap_or(0)
    };
    let shifts: BTreeMap<u32, i128> = match on.len() {
        1 => on.iter().map(|&clock| (clock, 0)).collect(),
        _ => on.iter().map(|&clock| (clock, shift(clock))).collect(),
    };
    let mut sorted: Vec<(i128, i128, SpanIx)> = rows
        .iter()
        .map(|&ix| {
            let shift = shifts[&clocks.clock(ix)];
            (2 * compare::time(cx, ix, Moment::Start) + shift, 2 * compare::time(cx, ix, Moment::End) + shift, ix)
        })
        .collect();
    sorted.sort_unstable();
    // At one such time a span and the one that it calls may stand, and then only the tree distinguishes them.
    let before = |a: SpanIx, b: SpanIx| not_after(cx, clocks, a, b) && !not_after(cx, clocks, b, a);
    for at in 1..sorted.len() {
        let least = at.saturating_sub(MOST_AT_ONCE);
        let mut here = at;
        while here > least && sorted[here].0 == sorted[here - 1].0 && before(sorted[here].2, sorted[here - 1].2) {
            sorted.swap(here, here - 1);
            here -= 1;
        }
    }
    let sorted: Vec<SpanIx> = sorted.into_iter().map(|(_, _, ix)| ix).collect();
    let known = sorted.windows(2).all(|pair| clocks.same(pair[0], pair[1]) || not_after(cx, clocks, pair[0], pair[1]));
    known.then_some(sorted)
}

/// Whether `a` surely starts no later than `b`.
fn not_after(cx: &Judging<'_>, clocks: &Clocks, a: SpanIx, b: SpanIx) -> bool {
    let room = compare::time(cx, b, Moment::Start) - compare::time(cx, a, Moment::Start);
    clocks.most_ahead(clocks.clock(a), clocks.clock(b)) <= room
}

/// The spans that may be the earliest (or latest) to start: all but those of which another surely is.
fn outermost(cx: &Judging<'_>, clocks: &Clocks, rows: &[SpanIx], latest: bool) -> Vec<SpanIx> {
    let mut best: BTreeMap<u32, Vec<SpanIx>> = BTreeMap::new();
    for &ix in rows {
        let at = best.entry(clocks.clock(ix)).or_default();
        let start = |ix: SpanIx| compare::time(cx, ix, Moment::Start);
        match at.first().map(|&kept| start(ix).cmp(&start(kept))) {
            Some(Ordering::Equal) => at.push(ix),
            Some(order) if (order == Ordering::Greater) != latest => {}
            _ => *at = vec![ix],
        }
    }
    let one_each: Vec<SpanIx> = best.values().map(|tied| tied[0]).collect();
    let beaten = |ix: SpanIx| {
        let beats = |other: SpanIx| {
            let (early, late) = if latest { (ix, other) } else { (other, ix) };
            other != ix && not_after(cx, clocks, early, late) && !not_after(cx, clocks, late, early)
        };
        one_each.len() <= MOST_CLOCKS && one_each.iter().any(|&other| beats(other))
    };
    best.values().filter(|tied| !beaten(tied[0])).flatten().copied().collect()
}

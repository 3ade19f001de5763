//! Which spans of two selections are compared: within what, and which with which.

use super::super::cx::Cx;
use super::adjacent;
use super::clock::Clocks;
use super::compare::{self, Comparison, Known, Moment};
use crate::spec::plan::{Pairing, Per};
use crate::trace::SpanIx;
use std::collections::BTreeMap;

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
    /// The clocks do not tell.
    Open(SpanIx, SpanIx, Comparison),
}

/// Nested scopes hold the same spans again; beyond so many nothing is compared.
const MOST_IN_SCOPES: usize = 20_000_000;

/// Cuts both sides into the scopes that are compared each by itself; an error says why there is none.
pub(super) fn scopes(cx: &Cx<'_>, per: &Per, first: &[SpanIx], then: &[SpanIx]) -> Result<Vec<Scope>, String> {
    match per {
        Per::Trace => Ok(vec![Scope { under: None, first: first.to_vec(), then: then.to_vec() }]),
        Per::Siblings => Ok(families(cx, first, then)),
        Per::Under(select) => {
            let picks = cx.picks(&select.query);
            if picks.rows.is_empty() {
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
            let mut scopes = Vec::with_capacity(picks.rows.len());
            for &under in &picks.rows {
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
fn families(cx: &Cx<'_>, first: &[SpanIx], then: &[SpanIx]) -> Vec<Scope> {
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
    cx: &Cx<'_>,
    clocks: &Clocks,
    comparisons: &[Comparison],
    pairing: Pairing,
    adjacent: bool,
    scope: &Scope,
) -> Verdict {
    let (first, then) = (&scope.first, &scope.then);
    match pairing {
        Pairing::All => all(cx, clocks, comparisons, adjacent, first, then),
        Pairing::Each if first.len() != then.len() => Verdict::Unequal,
        Pairing::Each => {
            let (Some(first), Some(then)) = (by_start(cx, clocks, first), by_start(cx, clocks, then)) else {
                return unsorted(cx, clocks, comparisons, adjacent, first, then);
            };
            let mut open = None;
            for (&a, &b) in first.iter().zip(&then) {
                match all(cx, clocks, comparisons, adjacent, &[a], &[b]) {
                    Verdict::Open(a, b, comparison) => open = open.or(Some((a, b, comparison))),
                    Verdict::Holds(..) => {}
                    violated => return violated,
                }
            }
            open.map_or(Verdict::Holds(first[0], then[0]), |(a, b, comparison)| Verdict::Open(a, b, comparison))
        }
        Pairing::First | Pairing::Last => {
            let latest = pairing == Pairing::Last;
            let (first, then) = (outermost(cx, clocks, first, latest), outermost(cx, clocks, then, latest));
            unsorted(cx, clocks, comparisons, adjacent, &first, &then)
        }
    }
}

/// Several spans may be the one that is compared: what holds of all pairs holds of the right one; a violation is one
/// only if there is no choice.
fn unsorted(
    cx: &Cx<'_>,
    clocks: &Clocks,
    comparisons: &[Comparison],
    adjacent: bool,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Verdict {
    match all(cx, clocks, comparisons, adjacent, first, then) {
        Verdict::Violated(violation) if first.len() > 1 || then.len() > 1 => {
            Verdict::Open(violation.pair.0, violation.pair.1, violation.comparison)
        }
        verdict => verdict,
    }
}

fn all(
    cx: &Cx<'_>,
    clocks: &Clocks,
    comparisons: &[Comparison],
    adjacent: bool,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Verdict {
    let mut open = None;
    for &comparison in comparisons {
        match compare::every(cx, clocks, comparison, first, then) {
            Known::Holds => {}
            Known::Violated(a, b) => {
                return Verdict::Violated(Violation { pair: (a, b), comparison, between: None, not_siblings: false });
            }
            Known::Open(a, b) => open = open.or(Some((a, b, comparison))),
        }
    }
    if let Some((a, b, comparison)) = open {
        return Verdict::Open(a, b, comparison);
    }
    if adjacent {
        return adjacent::judge(cx, clocks, comparisons[0], first, then);
    }
    Verdict::Holds(first[0], then[0])
}

/// Sorted by start, if the clocks tell the order of each and the next.
pub(crate) fn by_start(cx: &Cx<'_>, clocks: &Clocks, rows: &[SpanIx]) -> Option<Vec<SpanIx>> {
    let clock = |ix: SpanIx| cx.instances().instance(cx.trace.span(ix)).0;
    let Some(&reference) = rows.first() else { return Some(Vec::new()) };
    // Sorted on one clock by the middle of what is known of the others; then checked pair by pair.
    let middle = |ix: SpanIx| {
        let (to, from) =
            (clocks.most_ahead(clock(ix), clock(reference)), clocks.most_ahead(clock(reference), clock(ix)));
        let shift = match (to, from) {
            (super::UNBOUNDED, super::UNBOUNDED) => 0,
            (super::UNBOUNDED, from) => -from,
            (to, super::UNBOUNDED) => to,
            (to, from) => (to - from) / 2,
        };
        (compare::time(cx, ix, Moment::Start) + shift, ix)
    };
    let mut sorted: Vec<(i128, SpanIx)> = rows.iter().map(|&ix| middle(ix)).collect();
    sorted.sort_unstable();
    let sorted: Vec<SpanIx> = sorted.into_iter().map(|(_, ix)| ix).collect();
    let known = sorted.windows(2).all(|pair| {
        clock(pair[0]) == clock(pair[1]) || {
            let room = compare::time(cx, pair[1], Moment::Start) - compare::time(cx, pair[0], Moment::Start);
            clocks.most_ahead(clock(pair[0]), clock(pair[1])) <= room
        }
    });
    known.then_some(sorted)
}

/// The spans that may be the earliest (or latest) to start: for each clock one, without those that surely are not.
fn outermost(cx: &Cx<'_>, clocks: &Clocks, rows: &[SpanIx], latest: bool) -> Vec<SpanIx> {
    let clock = |ix: SpanIx| cx.instances().instance(cx.trace.span(ix)).0;
    let mut best: BTreeMap<u32, SpanIx> = BTreeMap::new();
    for &ix in rows {
        let at = best.entry(clock(ix)).or_insert(ix);
        let (new, old) = (compare::time(cx, ix, Moment::Start), compare::time(cx, *at, Moment::Start));
        if if latest { new > old } else { new < old } {
            *at = ix;
        }
    }
    let candidates: Vec<SpanIx> = best.into_values().collect();
    // `a` surely starts before `b`, or with it and stands before it.
    let before = |a: SpanIx, b: SpanIx| {
        let room = compare::time(cx, b, Moment::Start) - compare::time(cx, a, Moment::Start);
        let ahead = clocks.most_ahead(clock(a), clock(b));
        ahead < room || ahead == room && a < b
    };
    let beaten = |ix: SpanIx| {
        candidates.iter().any(|&other| other != ix && if latest { before(ix, other) } else { before(other, ix) })
    };
    candidates.iter().copied().filter(|&ix| !beaten(ix)).collect()
}

//! Comparing moments of spans that may be timed by different clocks: holds, violated, or not to be known.

use super::super::cx::Cx;
use super::clock::{Clocks, UNBOUNDED, by_common_ancestor};
use crate::trace::SpanIx;
use std::collections::BTreeMap;

/// A moment of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Start,
    End,
}

/// `left ≤ right` (or `left < right`) for moments of two selections; `swapped` says that left is of the second one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    pub(super) left: Moment,
    pub(super) right: Moment,
    pub(super) strict: bool,
    pub(super) swapped: bool,
}

/// What is known of a comparison of all spans of one side with all of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It holds of every pair.
    Holds,
    /// It is violated by this pair (first, then).
    Violated(SpanIx, SpanIx),
    /// No pair is known to violate it, but this one might.
    Open(SpanIx, SpanIx),
}

/// The moment as the span's own clock tells it.
pub(super) fn time(cx: &Cx<'_>, ix: SpanIx, moment: Moment) -> i128 {
    let span = cx.trace.span(ix);
    i128::from(if moment == Moment::Start { span.start_ns() } else { span.end_ns() })
}

/// Spans by their clock, each clock with the span that is the hardest to satisfy.
fn extremes(cx: &Cx<'_>, rows: &[SpanIx], moment: Moment, latest: bool) -> BTreeMap<u32, (i128, SpanIx)> {
    let instances = cx.instances();
    let mut found: BTreeMap<u32, (i128, SpanIx)> = BTreeMap::new();
    for &ix in rows {
        let at = time(cx, ix, moment);
        let clock = instances.instance(cx.trace.span(ix)).0;
        let best = found.entry(clock).or_insert((at, ix));
        // Of equal moments the first row counts, so that the outcome is one.
        if if latest { at > best.0 } else { at < best.0 } {
            *best = (at, ix);
        }
    }
    found
}

/// Compares every span of `first` with every span of `then`; as cheap as there are spans, and pairs of clocks.
pub(super) fn every(cx: &Cx<'_>, clocks: &Clocks, comparison: Comparison, first: &[SpanIx], then: &[SpanIx]) -> Known {
    let (left, right) = if comparison.swapped { (then, first) } else { (first, then) };
    let pair = |left: SpanIx, right: SpanIx| if comparison.swapped { (right, left) } else { (left, right) };
    let lefts = extremes(cx, left, comparison.left, true);
    let rights = extremes(cx, right, comparison.right, false);
    let mut open: Option<(i128, SpanIx, SpanIx)> = None;
    let mut violated: Option<(i128, SpanIx, SpanIx)> = None;
    for (&on, &(late, left)) in &lefts {
        for (&other, &(early, right)) in &rights {
            let room = early - late - i128::from(comparison.strict);
            let (ahead, behind) = (clocks.most_ahead(on, other), clocks.most_ahead(other, on));
            if ahead != UNBOUNDED && ahead <= room {
                continue;
            }
            let best = if behind != UNBOUNDED && -behind > room { &mut violated } else { &mut open };
            if best.is_none_or(|(least, ..)| room < least) {
                *best = Some((room, left, right));
            }
        }
    }
    if let Some((_, left, right)) = violated {
        let (a, b) = pair(left, right);
        return Known::Violated(a, b);
    }
    let Some((_, left, right)) = open else { return Known::Holds };
    if clocks.contradictory
        && let Some(known) = one_by_one(cx, clocks, comparison, first, then)
    {
        return known;
    }
    let (a, b) = pair(left, right);
    Known::Open(a, b)
}

/// Where the facts about clocks contradict each other, pairs are looked at one by one, each by the clock of its own
/// common ancestor; only for so many pairs.
fn one_by_one(
    cx: &Cx<'_>,
    clocks: &Clocks,
    comparison: Comparison,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Option<Known> {
    const MOST_PAIRS: usize = 4096;
    let ends_before_start = comparison.left == Moment::End && comparison.right == Moment::Start && !comparison.swapped;
    if !ends_before_start || comparison.strict || first.len().saturating_mul(then.len()) > MOST_PAIRS {
        return None;
    }
    let instances = cx.instances();
    let mut open = None;
    for &a in first {
        for &b in then {
            let (on, other) = (instances.instance(cx.trace.span(a)).0, instances.instance(cx.trace.span(b)).0);
            let room = time(cx, b, Moment::Start) - time(cx, a, Moment::End);
            let (ahead, behind) = (clocks.most_ahead(on, other), clocks.most_ahead(other, on));
            if ahead != UNBOUNDED && ahead <= room {
                continue;
            }
            if behind != UNBOUNDED && -behind > room {
                return Some(Known::Violated(a, b));
            }
            match by_common_ancestor(cx, a, b) {
                Some((true, _)) => {}
                Some((false, _)) => return Some(Known::Violated(a, b)),
                None => open = open.or(Some(Known::Open(a, b))),
            }
        }
    }
    Some(open.unwrap_or(Known::Holds))
}

/// What decided the comparison of a pair, in words for the report.
pub(super) fn decided_by(cx: &Cx<'_>, clocks: &Clocks, a: SpanIx, b: SpanIx) -> String {
    let instances = cx.instances();
    let (one, other) = (cx.trace.span(a), cx.trace.span(b));
    let tree = cx.trace.tree();
    if instances.same_instance(one, other) {
        return format!("the clock of {}", instances.label(instances.instance(one)));
    }
    if tree.is_ancestor(a, b) || tree.is_ancestor(b, a) {
        return "the tree: one of the two contains the call to the other".to_owned();
    }
    if let Some((_, top)) = by_common_ancestor(cx, a, b) {
        let top = cx.trace.span(top);
        return format!("the clock of {}, which called both sides", instances.label(instances.instance(top)));
    }
    let (from, to) = (instances.instance(one).0, instances.instance(other).0);
    match (clocks.most_ahead(from, to), clocks.most_ahead(to, from)) {
        (0, 0) => "the clock of the machine that both ran on".to_owned(),
        (ahead, behind) => format!(
            "times that differ by more than the clocks can ({} the clock of {})",
            interval(ahead, behind),
            instances.label(instances.instance(one))
        ),
    }
}

/// Where one clock may stand against another: `between 2ms behind and 1.5ms ahead of`
pub(super) fn interval(ahead: i128, behind: i128) -> String {
    let side = |bound: i128, word: &str, other: &str| match bound {
        UNBOUNDED => format!("any time {word}"),
        0.. => format!("{} {word}", super::super::text::time(bound)),
        _ => format!("{} {other}", super::super::text::time(-bound)),
    };
    format!("between {} and {} of", side(behind, "behind", "ahead"), side(ahead, "ahead", "behind"))
}

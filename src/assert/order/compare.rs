//! Comparing moments of spans that may be timed by different clocks: holds, violated, or unknown.

use super::super::judging::Judging;
use crate::facts::{Clocks, UNBOUNDED};
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

impl Comparison {
    /// Of two spans (first, then) the left one and the right one.
    pub(super) fn sides(self, (first, then): (SpanIx, SpanIx)) -> (SpanIx, SpanIx) {
        if self.swapped { (then, first) } else { (first, then) }
    }
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

/// The moment by the span's own clock.
pub(super) fn time(cx: &Judging<'_>, ix: SpanIx, moment: Moment) -> i128 {
    let span = cx.trace.span(ix);
    i128::from(if moment == Moment::Start { span.start_ns() } else { span.end_ns() })
}

/// Spans by their clock, each clock with the span that is the hardest to satisfy.
fn extremes(
    cx: &Judging<'_>,
    clocks: &Clocks,
    rows: &[SpanIx],
    moment: Moment,
    latest: bool,
) -> BTreeMap<u32, (i128, SpanIx)> {
    let mut found: BTreeMap<u32, (i128, SpanIx)> = BTreeMap::new();
    for &ix in rows {
        let at = time(cx, ix, moment);
        let clock = clocks.clock(ix);
        let best = found.entry(clock).or_insert((at, ix));
        // Of equal moments the first row counts, so that the outcome is one.
        if if latest { at > best.0 } else { at < best.0 } {
            *best = (at, ix);
        }
    }
    found
}

/// More pairs of clocks than this are not looked at: a trace may name another instance with every span.
const MOST_PAIRS_OF_CLOCKS: usize = 2_000_000;

/// Compares every span of `first` with every span of `then`; as cheap as there are spans, and pairs of clocks.
pub(super) fn every(
    cx: &Judging<'_>,
    clocks: &Clocks,
    comparison: Comparison,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Known {
    let (left, right) = if comparison.swapped { (then, first) } else { (first, then) };
    let pair = |left: SpanIx, right: SpanIx| if comparison.swapped { (right, left) } else { (left, right) };
    let lefts = extremes(cx, clocks, left, comparison.left, true);
    let rights = extremes(cx, clocks, right, comparison.right, false);
    if lefts.len().saturating_mul(rights.len()) > MOST_PAIRS_OF_CLOCKS {
        return Known::Open(first[0], then[0]);
    }
    let mut open: Option<(i128, SpanIx, SpanIx)> = None;
    // Spans of one clock are named first: what their times violate stays violated.
    let mut violated: Option<((bool, i128), SpanIx, SpanIx)> = None;
    for (&on, &(late, left)) in &lefts {
        for (&other, &(early, right)) in &rights {
            let room = early - late - i128::from(comparison.strict);
            let (ahead, behind) = (clocks.most_ahead(on, other), clocks.most_ahead(other, on));
            if ahead != UNBOUNDED && ahead <= room {
                continue;
            }
            if behind != UNBOUNDED && -behind > room {
                let worst = (on != other, room);
                if violated.is_none_or(|(least, ..)| worst < least) {
                    violated = Some((worst, left, right));
                }
            } else if open.is_none_or(|(least, ..)| room < least) {
                open = Some((room, left, right));
            }
        }
    }
    if let Some((_, left, right)) = violated {
        let (a, b) = pair(left, right);
        return Known::Violated(a, b);
    }
    let Some((_, left, right)) = open else { return Known::Holds };
    let (a, b) = pair(left, right);
    Known::Open(a, b)
}

/// What decided the comparison of a pair, in words for the report.
pub(super) fn decided_by(cx: &Judging<'_>, clocks: &Clocks, (a, b): (SpanIx, SpanIx)) -> String {
    let instances = cx.facts.instances();
    let label = |ix: SpanIx| instances.label(instances.instance(cx.trace.span(ix)));
    let tree = cx.trace.tree();
    let (from, to) = (clocks.clock(a), clocks.clock(b));
    if from == to {
        return match instances.same_instance(cx.trace.span(a), cx.trace.span(b)) {
            true => format!("the clock of {}", label(a)),
            false => "the clock of the machine that both ran on".to_owned(),
        };
    }
    if tree.is_ancestor(a, b) || tree.is_ancestor(b, a) {
        return "the tree: one of the two contains the call to the other".to_owned();
    }
    let (ahead, behind) = (clocks.most_ahead(from, to), clocks.most_ahead(to, from));
    let via = |top: u32, from: u32, to: u32, known: i128| {
        let (up, down) = (clocks.most_ahead(from, top), clocks.most_ahead(top, to));
        known != UNBOUNDED && up != UNBOUNDED && down != UNBOUNDED && up + down == known
    };
    // The clock of what called both, if all that is known of the two clocks is known through it.
    match tree.common_ancestor(a, b) {
        Some(top) if via(clocks.clock(top), from, to, ahead) || via(clocks.clock(top), to, from, behind) => {
            format!("the clock of {}, which called both sides", label(top))
        }
        _ => format!(
            "times that differ by more than the clocks can ({} the clock of {})",
            interval(ahead, behind),
            label(a)
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

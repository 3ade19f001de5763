//! What the clock of the lowest common ancestor alone says of an order (analysis.md, 7.3).

use super::super::Facts;
use super::fact::caused_at;
use super::{Clocks, UNBOUNDED};
use crate::trace::SpanIx;

/// How the common ancestor's clock tells the order of two spans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByAncestor {
    /// Whether the first of the two is over before the other starts; else it is the other way round.
    pub(crate) in_order: bool,
    /// The spans of that clock that contain the two: the earlier and the later.
    pub(crate) nearest: (SpanIx, SpanIx),
}

/// Whether `a` is over before `b` starts, or the other way round, by the clock of their lowest common ancestor: the spans
/// of that clock nearest to both, and containment from there down to `a` (or `b`).
pub(crate) fn by_common_ancestor(cx: &Facts<'_>, clocks: &Clocks, a: SpanIx, b: SpanIx) -> Option<ByAncestor> {
    let top = cx.trace().tree().common_ancestor(a, b)?;
    if top == a || top == b {
        return None;
    }
    let near_a = nearest_on(cx, clocks, top, a)?;
    let near_b = nearest_on(cx, clocks, top, b)?;
    let span = |ix: SpanIx| cx.trace().span(ix);
    let over_before = |early: Nearest, late: Nearest| {
        early.contains && late.begins && span(early.at).end_ns() <= span(late.at).start_ns()
    };
    if over_before(near_a, near_b) {
        return Some(ByAncestor { in_order: true, nearest: (near_a.at, near_b.at) });
    }
    over_before(near_b, near_a).then_some(ByAncestor { in_order: false, nearest: (near_b.at, near_a.at) })
}

/// The span of a clock that is nearest above another span.
#[derive(Debug, Clone, Copy)]
struct Nearest {
    at: SpanIx,
    /// Whether the one below is over when it ends.
    contains: bool,
    /// Whether the one below does not start before it does.
    begins: bool,
}

/// The span of `top`'s clock that is nearest to `below` on the way down to it.
fn nearest_on(cx: &Facts<'_>, clocks: &Clocks, top: SpanIx, below: SpanIx) -> Option<Nearest> {
    let mut near = Nearest { at: below, contains: true, begins: true };
    while !clocks.same(near.at, top) {
        let tree = cx.trace().tree();
        // From what was called straight to the call that awaited it, as long as that is below the top.
        let awaited = clocks.waited_for.by(near.at).filter(|&client| tree.is_ancestor(top, client));
        let above = awaited.or_else(|| tree.parent(near.at)).filter(|&above| above != top)?;
        near.contains &= contains(cx, clocks, above, near.at);
        near.begins &= begins(cx, clocks, above, near.at);
        near.at = above;
    }
    Some(near)
}

/// Whether a span is known to be over when its parent ends.
fn contains(cx: &Facts<'_>, clocks: &Clocks, parent: SpanIx, child: SpanIx) -> bool {
    let end = |ix: SpanIx| i128::from(cx.trace().span(ix).end_ns());
    let room = end(parent) - end(child);
    if clocks.same(parent, child) {
        return room >= 0;
    }
    clocks.waited_for.by(child) == Some(parent)
        && !clocks.late.contains(&child)
        && is_possible(clocks, parent, child, room)
}

/// Whether a span is known not to start before its parent.
fn begins(cx: &Facts<'_>, clocks: &Clocks, parent: SpanIx, child: SpanIx) -> bool {
    let (one, other) = (cx.trace().span(parent), cx.trace().span(child));
    let ahead = i128::from(other.start_ns()) - i128::from(one.start_ns());
    if clocks.same(parent, child) {
        return ahead >= 0;
    }
    caused_at(one, other) == Some(other.start_ns()) && is_possible(clocks, child, parent, ahead)
}

/// Whether the believed facts leave it possible that the clock of `to` is at most so far ahead of that of `from`.
fn is_possible(clocks: &Clocks, to: SpanIx, from: SpanIx, most: i128) -> bool {
    let other_way = clocks.most_ahead(clocks.clock(to), clocks.clock(from));
    other_way == UNBOUNDED || other_way + most >= 0
}

//! What the clock of the lowest common ancestor alone says of an order (analysis.md, 7.3).

use super::super::super::cx::Cx;
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
pub(crate) fn by_common_ancestor(cx: &Cx<'_>, clocks: &Clocks, a: SpanIx, b: SpanIx) -> Option<ByAncestor> {
    let top = cx.trace.tree().common_ancestor(a, b)?;
    if top == a || top == b {
        return None;
    }
    let near_a = nearest_on(cx, clocks, top, a)?;
    let near_b = nearest_on(cx, clocks, top, b)?;
    let span = |ix: SpanIx| cx.trace.span(ix);
    if near_a.1 && span(near_a.0).end_ns() <= span(near_b.0).start_ns() {
        return Some(ByAncestor { in_order: true, nearest: (near_a.0, near_b.0) });
    }
    let reversed = near_b.1 && span(near_a.0).start_ns() >= span(near_b.0).end_ns();
    reversed.then_some(ByAncestor { in_order: false, nearest: (near_b.0, near_a.0) })
}

/// The span of `top`'s clock that is nearest to `below` on the way down to it, and whether it contains `below`.
fn nearest_on(cx: &Cx<'_>, clocks: &Clocks, top: SpanIx, below: SpanIx) -> Option<(SpanIx, bool)> {
    let (mut at, mut contained) = (below, true);
    while !clocks.same(at, top) {
        let parent = cx.trace.tree().parent(at).filter(|&parent| parent != top)?;
        contained &= contains(cx, clocks, parent, at);
        at = parent;
    }
    Some((at, contained))
}

/// Whether a span is known to be over when its parent ends.
fn contains(cx: &Cx<'_>, clocks: &Clocks, parent: SpanIx, child: SpanIx) -> bool {
    let end = |ix: SpanIx| i128::from(cx.trace.span(ix).end_ns());
    let room = end(parent) - end(child);
    if clocks.same(parent, child) {
        return room >= 0;
    }
    // What the believed facts refute is no proof.
    let most = clocks.most_ahead(clocks.clock(parent), clocks.clock(child));
    clocks.waited_for.is(child) && (most == UNBOUNDED || most + room >= 0)
}

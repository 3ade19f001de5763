//! `adjacent`: nothing that has the same parent starts between the end of one span and the start of the other.

use super::super::cx::Cx;
use super::clock::Clocks;
use super::compare::{self, Comparison, Moment};
use super::pairing::{Verdict, Violation};
use crate::trace::SpanIx;

/// More looks at siblings than this are not taken; what is left is not decided.
const MOST_LOOKS: usize = 10_000_000;

/// Checks pairs of which it is known that the first ends before the other starts.
pub(super) fn judge(
    cx: &Cx<'_>,
    clocks: &Clocks,
    comparison: Comparison,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Verdict {
    let mut looks = 0;
    let mut open = None;
    let violated =
        |pair, between, not_siblings| Verdict::Violated(Violation { pair, comparison, between, not_siblings });
    for &a in first {
        for &b in then {
            if !siblings(cx, a, b) {
                return violated((a, b), None, true);
            }
            match between(cx, clocks, a, b, &mut looks) {
                Between::Nothing => {}
                Between::This(sibling) => return violated((a, b), Some(sibling), false),
                Between::Perhaps => open = open.or(Some((a, b))),
            }
            if looks > MOST_LOOKS {
                return Verdict::Open(a, b, comparison);
            }
        }
    }
    open.map_or(Verdict::Holds(first[0], then[0]), |(a, b)| Verdict::Open(a, b, comparison))
}

fn siblings(cx: &Cx<'_>, a: SpanIx, b: SpanIx) -> bool {
    let (one, other) = (cx.trace.span(a), cx.trace.span(b));
    (one.trace_id(), one.parent_id()) == (other.trace_id(), other.parent_id())
        && cx.trace.tree().parent(a) == cx.trace.tree().parent(b)
}

enum Between {
    Nothing,
    This(SpanIx),
    Perhaps,
}

fn between(cx: &Cx<'_>, clocks: &Clocks, a: SpanIx, b: SpanIx, looks: &mut usize) -> Between {
    let tree = cx.trace.tree();
    let Some(parent) = tree.parent(a) else { return Between::Nothing };
    let instances = cx.instances();
    let clock = |ix: SpanIx| instances.instance(cx.trace.span(ix)).0;
    let (from, to) = (compare::time(cx, a, Moment::End), compare::time(cx, b, Moment::Start));
    let children = tree.children(parent);
    // Children stand by start, each by its own clock: on one clock only a part of them need be looked at.
    let one_clock = clock(a) == clock(b) && cx.children_on_one_clock(parent);
    let within = if one_clock {
        let low = children.partition_point(|&child| compare::time(cx, child, Moment::Start) < from);
        let high = children.partition_point(|&child| compare::time(cx, child, Moment::Start) < to);
        &children[low.min(high)..high]
    } else {
        children
    };
    let mut perhaps = false;
    for &child in within.iter().filter(|&&child| child != a && child != b) {
        *looks += 1;
        let start = compare::time(cx, child, Moment::Start);
        let at = clock(child);
        // Surely before the end of `a`, or surely not before the start of `b`: not between them.
        let early = clocks.most_ahead(at, clock(a)) < from - start;
        let late = clocks.most_ahead(clock(b), at) <= start - to;
        if early || late {
            continue;
        }
        let after_a = clocks.most_ahead(clock(a), at) <= start - from;
        let before_b = clocks.most_ahead(at, clock(b)) < to - start;
        if after_a && before_b {
            return Between::This(child);
        }
        perhaps = true;
        if *looks > MOST_LOOKS {
            break;
        }
    }
    if perhaps { Between::Perhaps } else { Between::Nothing }
}

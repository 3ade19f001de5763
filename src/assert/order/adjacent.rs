//! `adjacent`: nothing that has the same parent starts between the end of one span and the start of the other.

use super::super::judging::Judging;
use super::compare::{self, Comparison, Moment};
use super::pairing::{Open, Verdict, Violation};
use crate::facts::Clocks;
use crate::trace::{SpanId, SpanIx, TraceId};
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;

/// More looks at pairs and siblings than this are not taken in one judging; what is left is not decided.
const MOST_LOOKS: usize = 10_000_000;

/// Checks pairs of which it is known that the first ends before the other starts.
pub(super) fn judge(
    cx: &Judging<'_>,
    clocks: &Clocks,
    families: &Families,
    comparison: Comparison,
    first: &[SpanIx],
    then: &[SpanIx],
) -> Verdict {
    let mut looks = families.looks.get();
    let verdict = judge_within(cx, clocks, families, comparison, (first, then), &mut looks);
    families.looks.set(looks);
    verdict
}

fn judge_within(
    cx: &Judging<'_>,
    clocks: &Clocks,
    families: &Families,
    comparison: Comparison,
    (first, then): (&[SpanIx], &[SpanIx]),
    looks: &mut usize,
) -> Verdict {
    let mut open = None;
    let unknown = |pair| Verdict::Open(Open { pair, comparison, which: false });
    let violated =
        |pair, between, not_siblings| Verdict::Violated(Violation { pair, comparison, between, not_siblings });
    for &a in first {
        for &b in then {
            if !siblings(cx, a, b) {
                return violated((a, b), None, true);
            }
            match between(cx, clocks, families, (a, b), looks) {
                Between::Nothing => {}
                Between::This(sibling) => return violated((a, b), Some(sibling), false),
                Between::Perhaps => open = open.or(Some((a, b))),
            }
            *looks += 1;
            if *looks > MOST_LOOKS {
                return unknown((a, b));
            }
        }
    }
    open.map_or(Verdict::Holds(first[0], then[0]), unknown)
}

fn siblings(cx: &Judging<'_>, a: SpanIx, b: SpanIx) -> bool {
    cx.trace.tree().parent(a) == cx.trace.tree().parent(b) && named_parent(cx, a) == named_parent(cx, b)
}

/// The trace and the parent that a span names, whether or not it is there.
fn named_parent(cx: &Judging<'_>, ix: SpanIx) -> (TraceId, Option<SpanId>) {
    let span = cx.trace.span(ix);
    (span.trace_id(), span.parent_id())
}

/// Spans that have one parent, found when first asked for.
#[derive(Debug, Default)]
pub(crate) struct Families {
    clocks: OnceCell<OneClock>,
    /// How many looks all checks of one judging have taken together.
    looks: Cell<usize>,
}

/// Whether one clock timed all spans that have one parent, each of which has a start and an end.
#[derive(Debug)]
struct OneClock {
    /// Of the children of each row.
    one_clock: Vec<bool>,
    /// Spans whose parent is not in the trace, by the parent that they name.
    outside: HashMap<(TraceId, Option<SpanId>), (Vec<SpanIx>, bool)>,
}

impl OneClock {
    fn of(cx: &Judging<'_>, clocks: &Clocks) -> OneClock {
        let tree = cx.trace.tree();
        let timed = |ix: &SpanIx| cx.trace.span(*ix).is_timed();
        let one = |rows: &[SpanIx]| rows.iter().all(timed) && rows.windows(2).all(|two| clocks.same(two[0], two[1]));
        let mut outside: HashMap<_, (Vec<SpanIx>, bool)> = HashMap::new();
        for span in cx.trace.spans().filter(|span| tree.parent(span.ix()).is_none()) {
            outside.entry(named_parent(cx, span.ix())).or_default().0.push(span.ix());
        }
        outside.values_mut().for_each(|(rows, one_clock)| *one_clock = one(rows));
        OneClock { one_clock: cx.trace.spans().map(|span| one(tree.children(span.ix()))).collect(), outside }
    }
    /// The span's siblings and itself, by start.
    fn of_span<'c>(&'c self, cx: &'c Judging<'_>, ix: SpanIx) -> (&'c [SpanIx], bool) {
        let tree = cx.trace.tree();
        match tree.parent(ix) {
            Some(parent) => (tree.children(parent), self.one_clock[parent.index()]),
            None => self.outside.get(&named_parent(cx, ix)).map_or((&[], false), |(rows, one)| (rows, *one)),
        }
    }
}

enum Between {
    Nothing,
    This(SpanIx),
    Perhaps,
}

fn between(
    cx: &Judging<'_>,
    clocks: &Clocks,
    families: &Families,
    (a, b): (SpanIx, SpanIx),
    looks: &mut usize,
) -> Between {
    let clock = |ix: SpanIx| clocks.clock(ix);
    let (from, to) = (compare::time(cx, a, Moment::End), compare::time(cx, b, Moment::Start));
    let families = families.clocks.get_or_init(|| OneClock::of(cx, clocks));
    let (children, one_clock) = families.of_span(cx, a);
    // Siblings stand by start, each by its own clock: on one clock only a part of them need be looked at.
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
        if !cx.trace.span(child).is_timed() {
            perhaps = true;
            continue;
        }
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

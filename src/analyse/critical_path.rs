//! The critical path: which span the root's time is spent in, moment by moment (analysis.md, 1.3).
//!
//! It is a partition: the sections follow each other without a gap from the root's start to its end, so their lengths sum to
//! its duration exactly. It is found backwards. Of a span's children the one that ends last is what the span waited for last;
//! before that child began it waited for the one that had ended by then, and so on; what is left is the span's own time. A
//! child that overlaps one already on the path ran beside it and takes no time of its own.
//!
//! Times are taken as recorded. One clock's are exact, so there no overlap is forgiven. Two siblings on different clocks may
//! overlap by as much as the calls between the two leave open, which is then no overlap: the earlier one is cut. Where no
//! call bounds the two clocks, one percent of the parent is forgiven.
//!
//! What clocks that differ leave open is said beside it ([`CriticalPath::range_ns`]). A child on another clock that does not lie
//! inside its parent has two readings: it was not awaited, then what is recorded is right; or it was, on a clock that is off,
//! then it lies inside. The path is found in both. An only child that lies inside its parent leaves nothing open, since both
//! keep their time wherever in it the child lies; one among several may lie elsewhere by what the calls leave open.

use crate::facts::{Clocks, Facts, UNBOUNDED};
use crate::trace::{Kind, SpanIx, SpanRef, Trace};
use std::cmp::Reverse;
use std::collections::HashMap;

/// A part of the root's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// The span whose own time it is.
    pub span: SpanIx,
    /// From, Unix nanoseconds.
    pub start_ns: u64,
    /// To, Unix nanoseconds.
    pub end_ns: u64,
}

impl Section {
    /// How long it is.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }
}

/// The critical path of one root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalPath {
    /// The root.
    pub root: SpanIx,
    /// Its parts, first to last.
    pub sections: Vec<Section>,
    /// The root's duration: the sum of all sections.
    pub duration_ns: u64,
    /// The path if every child on another clock that is short enough for its parent lay inside it; `None` where each does.
    if_awaited: Option<Vec<Section>>,
    /// How much of the root's time may be attributed otherwise, since one of several children may lie elsewhere.
    doubt_ns: u64,
}

/// A child that ends after its parent: nobody waited for the rest of it, or clocks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlives {
    /// The parent.
    pub parent: SpanIx,
    /// The child.
    pub child: SpanIx,
    /// By how much it ends after its parent, by their own clocks.
    pub overrun_ns: u64,
    /// Whether it does whatever the clocks are.
    pub is_certain: bool,
}

/// The leaf in which most time is spent, in both readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FattestLeaf {
    /// The one that takes longest.
    pub longest: SpanIx,
    /// The one that has most of the critical path, if any has.
    pub critical: Option<SpanIx>,
}

impl CriticalPath {
    /// The critical path of a root, or of any other span.
    pub fn of(facts: &Facts<'_>, clocks: &Clocks, root: SpanIx) -> CriticalPath {
        let trace = facts.trace();
        let slack = |parent: SpanIx, earlier: SpanIx, later: SpanIx| {
            if clocks.same(earlier, later) {
                return 0;
            }
            match clocks.most_ahead(clocks.clock(later), clocks.clock(earlier)) {
                UNBOUNDED => trace.span(parent).duration_ns() / 100,
                most => u64::try_from(most.max(0)).unwrap_or(u64::MAX),
            }
        };
        let told = |ix: SpanIx| (trace.span(ix).start_ns(), trace.span(ix).end_ns());
        let doubt = |span: SpanIx, within: u64| doubt(clocks, trace, span, within);
        let (sections, doubt_ns) = walk(trace, root, told, slack, doubt);
        let if_awaited = awaited_times(clocks, trace, root).map(|times| {
            let moved = |ix: SpanIx| times.get(&ix).copied().unwrap_or_else(|| told(ix));
            walk(trace, root, moved, slack, |_, _| 0).0
        });
        CriticalPath { root, sections, duration_ns: trace.span(root).duration_ns(), if_awaited, doubt_ns }
    }

    /// How long the spans that are picked are on it.
    pub fn time_ns(&self, picked: impl Fn(SpanIx) -> bool) -> u64 {
        time_ns(&self.sections, picked)
    }

    /// The least and the greatest of it, given what is known of the clocks.
    pub fn range_ns(&self, picked: impl Fn(SpanIx) -> bool) -> (u64, u64) {
        let recorded = time_ns(&self.sections, &picked);
        let awaited = self.if_awaited.as_ref().map_or(recorded, |sections| time_ns(sections, &picked));
        let least = recorded.min(awaited).saturating_sub(self.doubt_ns);
        (least, recorded.max(awaited).saturating_add(self.doubt_ns).min(self.duration_ns))
    }

    /// Its sections in each reading of the clocks, and how much of the root's time may be attributed otherwise in any of them.
    pub(crate) fn readings(&self) -> (impl Iterator<Item = &[Section]>, u64) {
        (std::iter::once(&*self.sections).chain(self.if_awaited.as_deref()), self.doubt_ns)
    }

    /// How long each span is on it, in row order.
    pub fn self_times(&self) -> Vec<(SpanIx, u64)> {
        let rows = self.sections.iter().map(|section| section.span.index() + 1).max().unwrap_or(0);
        let mut times = vec![0u64; rows];
        self.sections.iter().for_each(|section| times[section.span.index()] += section.duration_ns());
        // No section is empty.
        let on_it = times.into_iter().enumerate().filter(|(_, time)| *time > 0);
        on_it.map(|(row, time)| (SpanIx(row as u32), time)).collect()
    }
}

fn time_ns(sections: &[Section], picked: impl Fn(SpanIx) -> bool) -> u64 {
    sections.iter().filter(|section| picked(section.span)).map(Section::duration_ns).sum()
}

/// Whether a span waits for a child: not for the handling of a message that it sent.
pub(super) fn is_awaited(parent: SpanRef<'_>, child: SpanRef<'_>) -> bool {
    !(parent.kind() == Kind::Producer && child.kind() == Kind::Consumer)
}

/// The children that end after their parents, in row order of the children.
pub fn outliving(facts: &Facts<'_>, clocks: &Clocks) -> Vec<Outlives> {
    let of = |child: SpanRef<'_>| {
        let parent = child.parent().filter(|parent| is_awaited(*parent, child))?;
        let both = parent.is_timed() && child.is_timed();
        let overrun_ns = child.end_ns().checked_sub(parent.end_ns()).filter(|&by| by > 0 && both)?;
        let (parent, child) = (parent.ix(), child.ix());
        let most = clocks.most_ahead(clocks.clock(parent), clocks.clock(child));
        Some(Outlives { parent, child, overrun_ns, is_certain: i128::from(overrun_ns) > most })
    };
    facts.trace().spans().filter_map(of).collect()
}

/// The leaf in which most time is spent. Of equal ones the first in row order.
pub fn fattest_leaf(facts: &Facts<'_>, path: &CriticalPath) -> Option<FattestLeaf> {
    let trace = facts.trace();
    let is_leaf = |ix: SpanIx| trace.tree().children(ix).is_empty();
    let leaves = facts.own().iter().copied().filter(|&ix| is_leaf(ix));
    let longest = leaves.max_by_key(|&ix| (trace.span(ix).duration_ns(), Reverse(ix)))?;
    let times = path.self_times().into_iter().filter(|(ix, _)| is_leaf(*ix));
    let critical = times.max_by_key(|&(ix, time)| (time, Reverse(ix))).map(|(ix, _)| ix);
    Some(FattestLeaf { longest, critical })
}

/// A child, clipped to what its parent has on the path.
#[derive(Debug, Clone, Copy)]
struct Child {
    ix: SpanIx,
    start: u64,
    end: u64,
}

/// A span that is being attributed, backwards from the end of its part of the path.
struct Frame {
    span: SpanIx,
    from: u64,
    /// All after this moment is attributed.
    until: u64,
    /// The child that begins at `until`, if one does.
    later: Option<SpanIx>,
    /// Its children that are still to be looked at: positions in the shared stack.
    next: usize,
    end: usize,
}

/// The sections, first to last, and all doubts. `times` are start and end of a span, `slack` the overlap that is forgiven
/// between two children of a parent, `doubt` what may be attributed otherwise of so much of a span's time.
fn walk(
    trace: &Trace,
    root: SpanIx,
    times: impl Fn(SpanIx) -> (u64, u64),
    slack: impl Fn(SpanIx, SpanIx, SpanIx) -> u64,
    doubt: impl Fn(SpanIx, u64) -> u64,
) -> (Vec<Section>, u64) {
    let (start, end) = times(root);
    let mut sections: Vec<Section> = Vec::new();
    let mut push = |span: SpanIx, start_ns: u64, end_ns: u64| {
        if start_ns < end_ns {
            sections.push(Section { span, start_ns, end_ns });
        }
    };
    let mut doubt_ns = 0u64;
    // The children of all open spans, innermost last: as deep as the trace is, so on the heap.
    let mut children: Vec<Child> = Vec::new();
    let mut enter = |span: SpanIx, from: u64, until: u64, children: &mut Vec<Child>| {
        doubt_ns = doubt_ns.saturating_add(doubt(span, until - from));
        let next = children.len();
        let parent = trace.span(span);
        let clipped = parent.children().filter(|child| is_awaited(parent, *child)).map(|child| {
            let (start, end) = times(child.ix());
            Child { ix: child.ix(), start: start.max(from), end: end.min(until) }
        });
        children.extend(clipped.filter(|child| child.start < child.end));
        // Of several that end at once the longest, then the one with the smallest id.
        children[next..]
            .sort_unstable_by_key(|child| (Reverse(child.end), child.start, trace.span(child.ix).id(), child.ix));
        Frame { span, from, until, later: None, next, end: children.len() }
    };
    let mut open = vec![enter(root, start, end, &mut children)];
    while let Some(frame) = open.last_mut() {
        let Some(child) = children.get(frame.next).filter(|_| frame.next < frame.end).copied() else {
            push(frame.span, frame.from, frame.until);
            open.pop();
            // What is left belongs to the spans that are still open.
            children.truncate(open.last().map_or(0, |frame| frame.end));
            continue;
        };
        frame.next += 1;
        let mut end = child.end;
        if end > frame.until {
            let forgiven = frame.later.map_or(0, |later| slack(frame.span, child.ix, later));
            if end - frame.until > forgiven {
                continue;
            }
            end = frame.until;
        }
        if child.start >= end {
            continue;
        }
        push(frame.span, end, frame.until);
        (frame.until, frame.later) = (child.start, Some(child.ix));
        open.push(enter(child.ix, child.start, end, &mut children));
    }
    sections.reverse();
    (sections, doubt_ns)
}

/// Start and end of the spans below the root that lie elsewhere if all children on other clocks were awaited; `None` where
/// each lies inside its parent. A child moves as little as it takes to lie inside, and all below it with it.
fn awaited_times(clocks: &Clocks, trace: &Trace, root: SpanIx) -> Option<HashMap<SpanIx, (u64, u64)>> {
    let tree = trace.tree();
    let below = &tree.preorder()[tree.enter(root) as usize..=tree.last(root) as usize];
    let mut moved: HashMap<SpanIx, (u64, u64)> = HashMap::new();
    for &ix in below.iter().skip(1) {
        let (Some(above), child) = (tree.parent(ix), trace.span(ix)) else { continue };
        let parent = trace.span(above);
        let shifted = moved.get(&above).copied();
        let (from, to) = shifted.unwrap_or((parent.start_ns(), parent.end_ns()));
        let by = i128::from(from) - i128::from(parent.start_ns());
        let length = child.duration_ns();
        let start = i128::from(child.start_ns()) + by;
        let foreign = !clocks.same(above, ix) && is_awaited(parent, child);
        let fits = foreign && child.is_timed() && parent.is_timed() && length <= to - from;
        let start = if fits { start.clamp(from.into(), (to - length).into()) } else { start };
        let start = u64::try_from(start.max(0)).unwrap_or(u64::MAX);
        if start != child.start_ns() {
            moved.insert(ix, (start, start.saturating_add(length)));
        }
    }
    (!moved.is_empty()).then_some(moved)
}

/// How much of so much of a span's time may be attributed otherwise, because one of its several children may lie elsewhere.
fn doubt(clocks: &Clocks, trace: &Trace, span: SpanIx, within: u64) -> u64 {
    let parent = trace.span(span);
    let all = || parent.children().filter(|child| is_awaited(parent, *child));
    if all().take(2).count() < 2 {
        return 0;
    }
    let foreign = all().filter(|child| child.is_timed() && !clocks.same(span, child.ix()));
    let doubt = foreign.fold(0u64, |sum, child| {
        let most = match uncertainty(clocks, span, child.ix()) {
            // Nothing says beside which of its siblings it ran.
            u64::MAX => within,
            width => child.duration_ns().min(width),
        };
        sum.saturating_add(most)
    });
    doubt.min(within)
}

/// How wide the interval is in which the difference of two spans' clocks lies; `u64::MAX` where nothing bounds it.
pub(super) fn uncertainty(clocks: &Clocks, one: SpanIx, other: SpanIx) -> u64 {
    let (one, other) = (clocks.clock(one), clocks.clock(other));
    let (ahead, behind) = (clocks.most_ahead(one, other), clocks.most_ahead(other, one));
    if ahead == UNBOUNDED || behind == UNBOUNDED {
        return u64::MAX;
    }
    u64::try_from(ahead.saturating_add(behind).max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "critical_path_tests.rs"]
mod tests;

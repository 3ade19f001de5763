//! Which of a span's children came before which, and which ran beside each other, as far as their clocks tell.
//!
//! What is said is said of paths: all spans of one path below one parent against all of another's. Only what holds wherever the
//! clocks may stand counts; the rest is open, and neither learnt from nor held against anything.

use super::path::PathIx;
use crate::facts::{Clocks, Facts, UNBOUNDED, cut};
use crate::trace::SpanRef;
use std::collections::BTreeMap;

/// More different paths than this below one span are not compared: there would be a pair for each two.
const MOST_SIBLINGS: usize = 64;

/// How the spans of one path lie to those of another, or to each other, below one parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// All of the first ended before any of the second began.
    Before,
    /// The other way round.
    After,
    /// One of the first and one of the second ran at the same time.
    Overlap,
    /// None ran at the same time as one of the other, and neither are all before all.
    Apart,
    /// The clocks do not tell, or it is not the same below every parent.
    Open,
}

impl Relation {
    /// The same with the two sides exchanged.
    pub fn turned(self) -> Relation {
        match self {
            Relation::Before => Relation::After,
            Relation::After => Relation::Before,
            other => other,
        }
    }
    /// Whether nothing ran at the same time.
    pub fn is_sequential(self) -> bool {
        matches!(self, Relation::Before | Relation::After | Relation::Apart)
    }
}

/// The relations of one trace: of two paths with the same parent, the smaller number first, or of one path's spans to each other.
pub type Relations = BTreeMap<(PathIx, PathIx), Relation>;

/// The spans of one path below one parent.
struct Group {
    path: PathIx,
    /// The clock of all of them.
    clock: Option<u32>,
    first_start: u64,
    last_end: u64,
    /// To how many nanoseconds its times are cut, as it seems.
    cut: u64,
    count: usize,
    /// The latest end of those that the sweep has met.
    until: u64,
}

/// The relations of a trace whose spans have these paths.
pub(super) fn relations(facts: &Facts<'_>, clocks: &Clocks, of: &[PathIx]) -> Relations {
    let trace = facts.trace();
    let mut found = Relations::new();
    let mut groups: Vec<Group> = Vec::new();
    for parent in trace.spans().filter(|span| span.children().len() > 1) {
        groups.clear();
        if !gather(parent, clocks, of, &mut groups) {
            continue;
        }
        let met = sweep(parent, of, &mut groups);
        groups.sort_unstable_by_key(|group| group.path);
        for (at, one) in groups.iter().enumerate() {
            if one.count > 1 {
                let relation = match met.get(&(one.path, one.path)) {
                    _ if one.clock.is_none() => Relation::Open,
                    None => Relation::Apart,
                    Some(Met::Perhaps) => Relation::Open,
                    Some(Met::Surely) => Relation::Overlap,
                };
                put(&mut found, (one.path, one.path), relation);
            }
            for other in &groups[at + 1..] {
                let met = met.get(&(one.path, other.path)).copied();
                put(&mut found, (one.path, other.path), relation(clocks, one, other, met));
            }
        }
    }
    found
}

fn put(found: &mut Relations, pair: (PathIx, PathIx), relation: Relation) {
    let known = found.entry(pair).or_insert(relation);
    if *known != relation {
        *known = Relation::Open;
    }
}

/// The groups of a span's children; `false` where they are not compared.
fn gather(parent: SpanRef<'_>, clocks: &Clocks, of: &[PathIx], groups: &mut Vec<Group>) -> bool {
    for child in parent.children() {
        if !child.is_timed() {
            return false;
        }
        let (path, clock) = (of[child.ix().index()], Some(clocks.clock(child.ix())));
        let Some(at) = groups.iter().position(|group| group.path == path) else {
            if groups.len() == MOST_SIBLINGS {
                return false;
            }
            groups.push(Group {
                path,
                clock,
                first_start: child.start_ns(),
                last_end: child.end_ns(),
                cut: cut(child),
                count: 1,
                until: 0,
            });
            continue;
        };
        let group = &mut groups[at];
        if group.clock != clock {
            group.clock = None;
        }
        group.first_start = group.first_start.min(child.start_ns());
        group.last_end = group.last_end.max(child.end_ns());
        group.cut = group.cut.max(cut(child));
        group.count += 1;
    }
    true
}

/// What the sweep finds of two groups of one clock, or of one group's own spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    /// One began so shortly after another ended that times which are cut do not tell.
    Perhaps,
    Surely,
}

/// Which groups of one clock overlap, and which overlap themselves: by a sweep over the children, which are sorted by start.
fn sweep(parent: SpanRef<'_>, of: &[PathIx], groups: &mut [Group]) -> BTreeMap<(PathIx, PathIx), Met> {
    let mut found: BTreeMap<(PathIx, PathIx), Met> = BTreeMap::new();
    for child in parent.children() {
        let path = of[child.ix().index()];
        let Some(at) = groups.iter().position(|group| group.path == path) else { continue };
        let (clock, own_cut) = (groups[at].clock, groups[at].cut);
        // A span without a duration runs at no moment.
        if child.duration_ns() == 0 || clock.is_none() {
            continue;
        }
        for group in groups.iter().filter(|group| group.clock == clock) {
            let cut = own_cut.max(group.cut);
            let met = if group.until > child.start_ns().saturating_add(cut) {
                Met::Surely
            } else if group.until.saturating_add(cut) > child.start_ns() {
                Met::Perhaps
            } else {
                continue;
            };
            let known = found.entry((path.min(group.path), path.max(group.path))).or_insert(met);
            *known = met.max(*known);
        }
        groups[at].until = groups[at].until.max(child.end_ns());
    }
    found
}

fn relation(clocks: &Clocks, one: &Group, other: &Group, met: Option<Met>) -> Relation {
    let (Some(from), Some(to)) = (one.clock, other.clock) else { return Relation::Open };
    let cut = i128::from(one.cut.max(other.cut));
    let (ahead, behind) = (clocks.most_ahead(from, to), clocks.most_ahead(to, from));
    let times = |group: &Group| (i128::from(group.first_start), i128::from(group.last_end));
    let ((start, end), (other_start, other_end)) = (times(one), times(other));
    if met == Some(Met::Surely) {
        return Relation::Overlap;
    }
    // By the first clock, the other's times lie so much earlier, or later, than they are recorded.
    if ahead != UNBOUNDED && other_start - ahead >= end + cut {
        return Relation::Before;
    }
    if behind != UNBOUNDED && start >= other_end + behind + cut {
        return Relation::After;
    }
    if from == to {
        // Several of each, in turns.
        return if met.is_some() { Relation::Open } else { Relation::Apart };
    }
    let single = one.count == 1 && other.count == 1 && ahead != UNBOUNDED && behind != UNBOUNDED;
    let both = single && start + cut < other_end - ahead && other_start + behind + cut < end;
    if both { Relation::Overlap } else { Relation::Open }
}

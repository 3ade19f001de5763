//! Which spans of a trace are shown, how deep they stand, and what is left out around them.

use super::fold::Shapes;
use crate::trace::{SpanIx, Trace, Tree};
use std::rc::Rc;

/// Chains of spans that nobody asked for are cut in their middle where they are longer than this.
const LONGEST_CHAIN: usize = 6;

/// Which spans are asked for.
#[derive(Debug, Clone)]
pub enum Show<'a> {
    /// All.
    All,
    /// One and everything below it.
    Below(SpanIx),
    /// These, with the spans above them; `near` adds a sibling on each side.
    Around {
        /// The spans.
        spans: &'a [SpanIx],
        /// Whether a sibling on each side is shown with them.
        near: bool,
    },
    /// The smallest part of the trace that connects these.
    Joining(&'a [SpanIx]),
}

/// How the rows of a waterfall are chosen.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// Which spans are asked for.
    pub show: Show<'a>,
    /// Levels shown; `None` for all.
    pub depth: Option<u32>,
    /// Whether runs of equal siblings become one row.
    pub fold: bool,
}

impl Default for Choice<'_> {
    fn default() -> Self {
        Choice { show: Show::All, depth: None, fold: true }
    }
}

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elision {
    /// Further siblings.
    Siblings,
    /// Spans between one that is shown and one above it that is shown.
    Levels,
}

/// Spans left out, before the row at `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elided {
    /// The position among the rows; their number, behind the last.
    pub before: usize,
    /// The level at which it is said.
    pub depth: u32,
    /// How many spans.
    pub spans: usize,
    /// Which.
    pub what: Elision,
}

/// A span that gets a row.
#[derive(Debug, Clone)]
pub(super) struct Picked {
    pub(super) ix: SpanIx,
    pub(super) depth: u32,
    /// How many spans below it are not shown.
    pub(super) hidden: usize,
    /// Whether it is only there to connect those asked for.
    pub(super) context: bool,
    /// By how much the positions of the spans that this row stands for differ in the pre-order; `[0]` for a row of its own.
    pub(super) alike: Rc<Vec<u32>>,
}

#[derive(Debug, Default)]
pub(super) struct Pick {
    pub(super) rows: Vec<Picked>,
    pub(super) elided: Vec<Elided>,
}

pub(super) fn pick(trace: &Trace, choice: &Choice<'_>) -> Pick {
    match choice.show {
        Show::All => whole(trace, &tops(trace), choice),
        Show::Below(ix) => whole(trace, &[ix], choice),
        Show::Around { spans, near } => scattered(trace, spans, near, false),
        Show::Joining(spans) => scattered(trace, spans, false, true),
    }
}

fn tops(trace: &Trace) -> Vec<SpanIx> {
    let tree = trace.tree();
    tree.roots().iter().chain(tree.orphans()).copied().collect()
}

/// Everything below these, down to a depth; runs of equal siblings are one row.
fn whole(trace: &Trace, tops: &[SpanIx], choice: &Choice<'_>) -> Pick {
    let tree = trace.tree();
    let shapes = choice.fold.then(|| Shapes::of(trace));
    let alone: Rc<Vec<u32>> = Rc::new(vec![0]);
    let mut pick = Pick::default();
    let mut open: Vec<(SpanIx, u32, Rc<Vec<u32>>)> = tops.iter().rev().map(|&ix| (ix, 0, Rc::clone(&alone))).collect();
    while let Some((ix, depth, alike)) = open.pop() {
        let shown_below = choice.depth.is_none_or(|most| depth + 1 < most);
        let below = (tree.last(ix) - tree.enter(ix)) as usize;
        let hidden = if shown_below { 0 } else { below * alike.len() };
        pick.rows.push(Picked { ix, depth, hidden, context: false, alike: Rc::clone(&alike) });
        if !shown_below {
            continue;
        }
        let at = open.len();
        let mut siblings = tree.children(ix);
        while let Some(&first) = siblings.first() {
            let run = shapes.as_ref().map_or(1, |shapes| shapes.run(siblings));
            let (same, rest) = siblings.split_at(run);
            let alike = if run == 1 { Rc::clone(&alike) } else { Rc::new(times(tree, &alike, same)) };
            open.push((first, depth + 1, alike));
            siblings = rest;
        }
        open[at..].reverse();
    }
    pick
}

/// The positions of a run of siblings, in each of the subtrees that are alike.
fn times(tree: &Tree, alike: &[u32], run: &[SpanIx]) -> Vec<u32> {
    let first = tree.enter(run[0]);
    alike.iter().flat_map(|by| run.iter().map(move |ix| by + (tree.enter(*ix) - first))).collect()
}

/// These spans with those above them: up to the top of their tree, or only as far as `joining` needs.
fn scattered(trace: &Trace, spans: &[SpanIx], near: bool, joining: bool) -> Pick {
    let tree = trace.tree();
    let mut asked = vec![false; trace.len()];
    spans.iter().filter(|ix| ix.index() < trace.len()).for_each(|ix| asked[tree.enter(*ix) as usize] = true);
    let marked: Vec<SpanIx> = (0..trace.len()).filter(|&at| asked[at]).map(|at| tree.preorder()[at]).collect();
    let mut kept = asked.clone();
    if near {
        marked.iter().flat_map(|&ix| neighbours(tree, ix)).for_each(|ix| kept[tree.enter(ix) as usize] = true);
    }
    let mut cut: Vec<u32> = vec![0; trace.len()];
    let mut seen = vec![false; trace.len()];
    for group in by_top(tree, &marked) {
        let top = if joining { joint(tree, group) } else { top_of(tree, group[0]) };
        let at = tree.enter(top) as usize;
        (kept[at], seen[at]) = (true, true);
        for &ix in group {
            let fresh = |ix: &SpanIx| !std::mem::replace(&mut seen[tree.enter(*ix) as usize], true);
            let chain: Vec<SpanIx> = std::iter::once(ix).chain(tree.ancestors(ix)).take_while(fresh).collect();
            let half = LONGEST_CHAIN / 2;
            let middle = if chain.len() > LONGEST_CHAIN { half..chain.len() - half } else { 0..0 };
            for (at, ix) in chain.iter().enumerate() {
                kept[tree.enter(*ix) as usize] |= !middle.contains(&at);
            }
            if !middle.is_empty() {
                cut[tree.enter(chain[half - 1]) as usize] = middle.len() as u32;
            }
        }
    }
    lay(tree, &kept, &asked, &cut)
}

/// The siblings right before and after a span.
fn neighbours(tree: &Tree, ix: SpanIx) -> impl Iterator<Item = SpanIx> {
    let siblings = tree.parent(ix).map_or(&[][..], |parent| tree.children(parent));
    let at = siblings.binary_search(&ix).ok();
    let before = at.and_then(|at| siblings.get(at.checked_sub(1)?).copied());
    let after = at.and_then(|at| siblings.get(at + 1).copied());
    before.into_iter().chain(after)
}

fn top_of(tree: &Tree, ix: SpanIx) -> SpanIx {
    tree.ancestors(ix).last().unwrap_or(ix)
}

/// Spans in pre-order, by the tree they hang in.
fn by_top<'s>(tree: &Tree, marked: &'s [SpanIx]) -> Vec<&'s [SpanIx]> {
    let mut groups = Vec::new();
    let mut rest = marked;
    while let Some(&first) = rest.first() {
        let last = tree.last(top_of(tree, first));
        let (group, others) = rest.split_at(rest.partition_point(|ix| tree.enter(*ix) <= last));
        groups.push(group);
        rest = others;
    }
    groups
}

/// The lowest span above all of these. One alone says little: its parent is shown with it.
fn joint(tree: &Tree, group: &[SpanIx]) -> SpanIx {
    let [first, .., last] = group else { return tree.parent(group[0]).unwrap_or(group[0]) };
    // In pre-order, what is above the first and the last is above all between them.
    tree.common_ancestor(*first, *last).unwrap_or(*first)
}

/// Rows and elisions of the spans kept, in pre-order.
fn lay(tree: &Tree, kept: &[bool], asked: &[bool], cut: &[u32]) -> Pick {
    let mut before = vec![0u32; kept.len() + 1];
    for (at, kept) in kept.iter().enumerate() {
        before[at + 1] = before[at] + u32::from(*kept);
    }
    let kept_within = |from: u32, to: u32| before[to as usize + 1] - before[from as usize];
    let mut pick = Pick::default();
    let alone: Rc<Vec<u32>> = Rc::new(vec![0]);
    // The spans that contain the one at hand; how many there are is its level.
    let mut open: Vec<SpanIx> = Vec::new();
    let close = |open: &mut Vec<SpanIx>, pick: &mut Pick| {
        let Some(ix) = open.pop() else { return };
        if kept_within(tree.enter(ix), tree.last(ix)) <= 1 {
            return;
        }
        let hidden = tree.children(ix).iter().filter(|child| kept_within(tree.enter(**child), tree.last(**child)) == 0);
        let spans = hidden.count();
        if spans > 0 {
            let depth = open.len() as u32 + 1;
            pick.elided.push(Elided { before: pick.rows.len(), depth, spans, what: Elision::Siblings });
        }
    };
    for at in (0..kept.len()).filter(|&at| kept[at]) {
        let ix = tree.preorder()[at];
        while open.last().is_some_and(|&above| !tree.is_ancestor(above, ix)) {
            close(&mut open, &mut pick);
        }
        let depth = open.len() as u32;
        if cut[at] > 0 {
            let (before, spans) = (pick.rows.len(), cut[at] as usize);
            pick.elided.push(Elided { before, depth, spans, what: Elision::Levels });
        }
        let below = tree.last(ix) - tree.enter(ix);
        let hidden = if kept_within(tree.enter(ix), tree.last(ix)) == 1 { below as usize } else { 0 };
        pick.rows.push(Picked { ix, depth, hidden, context: !asked[at], alike: Rc::clone(&alone) });
        open.push(ix);
    }
    while !open.is_empty() {
        close(&mut open, &mut pick);
    }
    pick
}

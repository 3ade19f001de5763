//! `structure`: a tree of selections that must occur in the trace, a child in the spec being a child in the trace.
//!
//! From the leaves up, each node of the spec learns which spans it can stand for: those it picks whose children can be
//! shared out among its own children ([`fit`]). So the cost is that of the spans, once for each node of the spec. Where
//! clocks do not tell the order of siblings it is not known whether a node can stand for a span, and so it is for
//! whatever rests on that.

mod fit;
mod tell;

use super::bounds::Bounds;
use super::judging::Judging;
use super::logic::{Cause, Cond, Range, Truth};
use super::selections::Picks;
use super::state::{Outcome, State};
use super::text;
use crate::facts::Clocks;
use crate::source::Span;
use crate::spec::plan::{Expectation, Selector, Structure, StructureNode};
use crate::trace::SpanIx;
use std::rc::Rc;

struct Node<'a> {
    at: Span,
    select: &'a Selector,
    written: String,
    bounds: Bounds,
    children: Vec<usize>,
    picks: Rc<Picks>,
    /// For each row, whether the node can stand for it with all that hangs below.
    fits: Vec<Truth>,
}

struct Matcher<'a, 'c> {
    cx: &'c Judging<'a>,
    structure: &'a Structure,
    clocks: &'c Clocks,
    /// Children before their parents; the last is the root.
    nodes: Vec<Node<'a>>,
}

impl Matcher<'_, '_> {
    /// The spans that a node can stand for, or perhaps can.
    fn rows(&self, at: usize, is: fn(Truth) -> bool) -> Vec<SpanIx> {
        let node = &self.nodes[at];
        let all = node.picks.rows.iter().chain(self.doubted(at));
        all.copied().filter(|ix| is(node.fits[ix.index()])).collect()
    }
}

pub(super) fn judge<'a>(cx: &Judging<'a>, structure: &'a Structure, at: &Expectation) -> Outcome {
    let mut matcher = Matcher { cx, structure, clocks: cx.clocks(), nodes: flatten(cx, structure) };
    for node in 0..matcher.nodes.len() {
        matcher.nodes[node].fits = matcher.fits(node);
    }
    let root = matcher.nodes.len() - 1;
    let (found, perhaps) = (matcher.rows(root, Truth::is_yes), matcher.rows(root, Truth::is_unknown));
    let lasting = !structure.exact
        && !structure.ordered
        && matcher.nodes.iter().all(|node| node.picks.is_up() && only_needs(&node.bounds));
    let bounds = &matcher.nodes[root].bounds;
    let (least, most) = (found.len() as i128, (found.len() + perhaps.len()) as i128);
    // Exact, one that is as the tree says does not excuse another that is not.
    let picked = |is: fn(Truth) -> bool| {
        let node = &matcher.nodes[root];
        node.picks.rows.iter().copied().find(|ix| structure.exact && is(node.fits[ix.index()]))
    };
    let strays = picked(|fits| !fits.is_possible()).is_some();
    let may_stray = picked(Truth::is_unknown);
    match (bounds.growing(least), bounds.growing(most)) {
        (Cond::FINAL, _) => {
            let finding = matcher.too_often(&found, at);
            State::lacks(Cond::VIOLATED, finding).into()
        }
        (_, Cond::ABSENT) => matcher.explain(root, at).into(),
        _ if strays => matcher.explain(root, at).into(),
        (Cond::SURE | Cond::HOLDS, _) if may_stray.is_some() => {
            may_stray.map_or(Cond::HOLDS.into(), |ix| matcher.undecidable(ix, at)).into()
        }
        (Cond::SURE, _) => Cond::SURE.provided(lasting && perhaps.is_empty()).into(),
        (Cond::HOLDS, _) if bounds.admits(Range { min: least, max: most, why: Cause::Clock }).is_yes() => {
            Cond::HOLDS.into()
        }
        _ => matcher.undecidable(perhaps[0], at).into(),
    }
}

/// Whether more spans can only help: a lower bound, and nothing else.
fn only_needs(bounds: &Bounds) -> bool {
    bounds.least().is_some_and(|least| bounds.growing(least.into()) == Cond::SURE)
}

/// The nodes of the spec's tree, children before parents. Walked with a stack: specs are input, too.
fn flatten<'a>(cx: &Judging<'a>, structure: &'a Structure) -> Vec<Node<'a>> {
    let mut order: Vec<(&'a StructureNode, Vec<usize>)> = Vec::new();
    let mut stack: Vec<(&'a StructureNode, Option<usize>)> = vec![(&structure.tree, None)];
    while let Some((node, parent)) = stack.pop() {
        let number = order.len();
        order.push((node, Vec::new()));
        if let Some(parent) = parent {
            order[parent].1.push(number);
        }
        stack.extend(node.children.iter().rev().map(|child| (child, Some(number))));
    }
    // Reversed, every child stands before its parent.
    let last = order.len() - 1;
    let node = |(node, children): (&'a StructureNode, Vec<usize>)| {
        let bounds = match &node.count {
            None if structure.exact => Bounds::between(1, 1),
            count => Bounds::of_count(count.as_ref()),
        };
        let count = node.count.as_ref().map(|count| format!(", count: {}", text::matcher(count)));
        Node {
            at: node.at,
            select: &node.select,
            written: format!("{}{}", text::selector(&node.select), count.unwrap_or_default()),
            bounds,
            children: children.into_iter().map(|child| last - child).collect(),
            picks: cx.picks(&node.select.query),
            fits: Vec::new(),
        }
    };
    order.into_iter().rev().map(node).collect()
}

//! `structure`: a tree of selections that must occur in the trace, a child in the spec being a child in the trace.
//!
//! From the leaves up, each node of the spec learns which spans it can stand for: those it picks whose children can be
//! shared out among its own children. So the cost is that of the spans, once for each node of the spec.

use super::bounds::{Bounds, Outlook};
use super::cx::{Cx, Picks};
use super::matching::Matching;
use super::order::{Clocks, by_start};
use super::state::{Lack, Outcome, State};
use super::{nearest, text};
use crate::matcher::count_of;
use crate::source::Span;
use crate::spec::plan::{Expectation, Selector, Structure, StructureNode};
use crate::trace::SpanIx;
use std::cell::Cell;
use std::rc::Rc;

struct Node<'a> {
    at: Span,
    select: &'a Selector,
    written: String,
    bounds: Bounds,
    children: Vec<usize>,
    picks: Rc<Picks>,
    /// For each row, whether the node can stand for it with all that hangs below.
    fits: Vec<bool>,
}

struct Matcher<'a, 'c> {
    cx: &'c Cx<'a>,
    structure: &'a Structure,
    clocks: &'c Clocks,
    /// Children before their parents; the last is the root.
    nodes: Vec<Node<'a>>,
    /// Whether some order among siblings could not be told.
    uncertain: Cell<bool>,
}

/// How the children of a span can be shared out among those of a node.
enum Fit {
    Whole,
    /// This child node has too few.
    Short(usize),
    /// This child node has too many.
    Beyond(usize),
    /// Nothing stands for this span, in an exact structure.
    Extra(SpanIx),
    /// This child node has its spans, but not after those of the nodes before it.
    Disorder(usize),
    /// The clocks do not tell the order of the children.
    Uncertain,
}

pub(super) fn judge<'a>(cx: &Cx<'a>, structure: &'a Structure, at: &Expectation) -> Outcome {
    let mut matcher = Matcher {
        cx,
        structure,
        clocks: cx.clocks.get_or_init(|| Clocks::of(cx)),
        nodes: flatten(cx, structure),
        uncertain: Cell::new(false),
    };
    for node in 0..matcher.nodes.len() {
        matcher.nodes[node].fits = matcher.fits(node);
    }
    let root = matcher.nodes.len() - 1;
    let found: Vec<SpanIx> = matcher.rows(root);
    let lasting = !structure.exact
        && !structure.ordered
        && matcher.nodes.iter().all(|node| cx.is_up(&node.select.query) && node.bounds.most().is_none());
    // Exact, one that is as the tree says does not excuse another that is not.
    let strays = structure.exact && found.len() < matcher.nodes[root].picks.rows.len();
    match matcher.nodes[root].bounds.growing(found.len() as i128) {
        Outlook::Sure | Outlook::Holds if strays => matcher.explain(root, at).into(),
        Outlook::Sure => State::held(lasting).into(),
        Outlook::Holds => State::Holds.into(),
        Outlook::Beyond => {
            let message = format!("The structure occurs {} times.", found.len());
            let mut finding = cx.finding(structure.tree.at, &at.path, message, &found);
            finding.expected = matcher.nodes[root].written.clone();
            finding.actual = found.len().to_string();
            State::lacks(Lack::Violated, finding).into()
        }
        Outlook::Short => matcher.explain(root, at).into(),
    }
}

/// The nodes of the spec's tree, children before parents. Walked with a stack: specs are input, too.
fn flatten<'a>(cx: &Cx<'a>, structure: &'a Structure) -> Vec<Node<'a>> {
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

impl Matcher<'_, '_> {
    fn fits(&self, node: usize) -> Vec<bool> {
        let mut fits = vec![false; self.cx.trace.len()];
        for &ix in &self.nodes[node].picks.rows {
            fits[ix.index()] = match self.fit(node, ix) {
                Fit::Whole => true,
                Fit::Uncertain => {
                    self.uncertain.set(true);
                    false
                }
                _ => false,
            };
        }
        fits
    }

    fn rows(&self, node: usize) -> Vec<SpanIx> {
        let node = &self.nodes[node];
        node.picks.rows.iter().copied().filter(|ix| node.fits[ix.index()]).collect()
    }

    /// Whether the children of a span can be shared out among those of a node.
    fn fit(&self, node: usize, ix: SpanIx) -> Fit {
        let parts = &self.nodes[node].children;
        if parts.is_empty() && !self.structure.exact {
            return Fit::Whole;
        }
        let kids = self.cx.trace.tree().children(ix);
        let wants: Vec<Vec<u32>> = parts
            .iter()
            .map(|&part| {
                let fits = &self.nodes[part].fits;
                (0..kids.len() as u32).filter(|&kid| fits[kids[kid as usize].index()]).collect()
            })
            .collect();
        let bounds: Vec<&Bounds> = parts.iter().map(|&part| &self.nodes[part].bounds).collect();
        let mut matching = Matching::new(wants.clone(), kids.len());
        let least: Vec<u64> = bounds.iter().map(|bounds| bounds.least().unwrap_or(u64::MAX)).collect();
        for (at, &least) in least.iter().enumerate() {
            let mut more = vec![0; parts.len()];
            more[at] = least;
            matching.grow(&more);
        }
        let room: Vec<u64> = bounds
            .iter()
            .zip(&least)
            .map(|(bounds, least)| bounds.most().unwrap_or(u64::MAX).saturating_sub(*least))
            .collect();
        matching.grow(&room);
        for (at, bounds) in bounds.iter().enumerate() {
            if !bounds.has(matching.held(at).len() as i128) {
                return Fit::Short(parts[at]);
            }
        }
        for (kid, &ix) in kids.iter().enumerate() {
            if matching.holder(kid as u32).is_some() {
                continue;
            }
            if let Some(at) = wants.iter().position(|wants| wants.binary_search(&(kid as u32)).is_ok()) {
                return Fit::Beyond(parts[at]);
            }
            if self.structure.exact {
                return Fit::Extra(ix);
            }
        }
        if self.structure.ordered { self.in_order(parts, ix) } else { Fit::Whole }
    }

    /// Whether the children's spans start in the order of the nodes.
    fn in_order(&self, parts: &[usize], ix: SpanIx) -> Fit {
        let kids = self.cx.trace.tree().children(ix);
        let wanted = |kid: &SpanIx| parts.iter().any(|&part| self.nodes[part].fits[kid.index()]);
        let concerned: Vec<SpanIx> = kids.iter().copied().filter(wanted).collect();
        let Some(sorted) = by_start(self.cx, self.clocks, &concerned) else { return Fit::Uncertain };
        if self.structure.exact { self.in_runs(parts, &sorted) } else { self.in_turn(parts, &sorted) }
    }

    /// Others may stand between: each node takes its spans as early as it can.
    fn in_turn(&self, parts: &[usize], sorted: &[SpanIx]) -> Fit {
        let mut from = 0;
        for &part in parts {
            let node = &self.nodes[part];
            let least = usize::try_from(node.bounds.least().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let mut places = (from..sorted.len()).filter(|&at| node.fits[sorted[at].index()]);
            if least > 0 {
                match places.nth(least - 1) {
                    Some(at) => from = at + 1,
                    None => return Fit::Disorder(part),
                }
            }
        }
        Fit::Whole
    }

    /// All are taken: the children are cut into runs, one for each node. Keeps the places where a run may end.
    fn in_runs(&self, parts: &[usize], sorted: &[SpanIx]) -> Fit {
        let mut ends = vec![false; sorted.len() + 1];
        ends[0] = true;
        for &part in parts {
            let node = &self.nodes[part];
            let least = usize::try_from(node.bounds.least().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let most = node.bounds.most().map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
            // How far a run may reach from each place, and from where to where one may end, as differences.
            let mut reach = vec![sorted.len(); sorted.len() + 1];
            for at in (0..sorted.len()).rev() {
                reach[at] = if node.fits[sorted[at].index()] { reach[at + 1] } else { at };
            }
            let mut steps = vec![0i64; sorted.len() + 2];
            for at in (0..=sorted.len()).filter(|&at| ends[at]) {
                let (low, high) = (at.saturating_add(least), at.saturating_add(most).min(reach[at]));
                if low <= high {
                    steps[low] += 1;
                    steps[high + 1] -= 1;
                }
            }
            let mut open = 0;
            for (at, end) in ends.iter_mut().enumerate() {
                open += steps[at];
                *end = open > 0;
            }
            if !ends.contains(&true) {
                return Fit::Disorder(part);
            }
        }
        if ends[sorted.len()] { Fit::Whole } else { Fit::Disorder(parts[parts.len() - 1]) }
    }

    /// The node of which least is missing, told by the span that comes nearest to it.
    fn explain(&self, root: usize, at: &Expectation) -> State {
        let cx = self.cx;
        let (mut node, mut ix) = (root, None);
        loop {
            let parent = ix;
            let candidates: Vec<SpanIx> = match parent {
                None => self.nodes[node].picks.rows.clone(),
                Some(parent) => {
                    let picks = &self.nodes[node].picks;
                    cx.trace.tree().children(parent).iter().copied().filter(|&kid| picks.has(kid)).collect()
                }
            };
            let unfit = candidates.iter().copied().filter(|ix| !self.nodes[node].fits[ix.index()]);
            let Some(nearest) = unfit.max_by_key(|&ix| (self.score(node, ix), std::cmp::Reverse(ix))) else {
                return self.too_few(node, parent, at);
            };
            match self.fit(node, nearest) {
                Fit::Short(part) if self.has_candidate(part, nearest) => {
                    node = part;
                    ix = Some(nearest);
                }
                // Not shared out in the wrong way, but simply not there.
                Fit::Short(part) if self.below(part, nearest) < self.nodes[part].bounds.least().unwrap_or(u64::MAX) => {
                    return self.too_few(part, Some(nearest), at);
                }
                fit => return self.told(nearest, &fit, at),
            }
        }
    }

    /// How many children a node can stand for.
    fn below(&self, node: usize, parent: SpanIx) -> u64 {
        let kids = self.cx.trace.tree().children(parent).iter();
        kids.filter(|kid| self.nodes[node].fits[kid.index()]).count() as u64
    }

    /// Whether a child is picked by the node without fitting it: then what is missing lies further down.
    fn has_candidate(&self, node: usize, parent: SpanIx) -> bool {
        let node = &self.nodes[node];
        self.cx.trace.tree().children(parent).iter().any(|&kid| node.picks.has(kid) && !node.fits[kid.index()])
    }

    fn score(&self, node: usize, ix: SpanIx) -> usize {
        let kids = self.cx.trace.tree().children(ix);
        let parts = self.nodes[node].children.iter();
        parts.filter(|&&part| kids.iter().any(|kid| self.nodes[part].fits[kid.index()])).count()
    }

    fn too_few(&self, node: usize, parent: Option<SpanIx>, at: &Expectation) -> State {
        let (cx, node) = (self.cx, &self.nodes[node]);
        let found = match parent {
            None => node.picks.rows.len(),
            Some(parent) => cx.trace.tree().children(parent).iter().filter(|kid| node.picks.has(**kid)).count(),
        };
        let place = parent
            .map_or("in the trace".to_owned(), |parent| format!("directly below {}", text::span(cx.trace, parent)));
        let message = match found {
            0 => format!("No span is {} {place}.", text::selector(node.select)),
            1 => format!("Only one span is {} {place}.", text::selector(node.select)),
            some => format!("{some} spans are {} {place}.", text::selector(node.select)),
        };
        let rows: Vec<SpanIx> = parent.into_iter().collect();
        let mut finding = cx.finding(node.at, &at.path, message, &rows);
        finding.expected = node.written.clone();
        finding.actual = found.to_string();
        if found == 0 {
            nearest::explain(cx, node.select, &mut finding);
        }
        State::lacks(if self.uncertain.get() { Lack::Undecidable } else { Lack::Absent }, finding)
    }

    fn told(&self, ix: SpanIx, fit: &Fit, at: &Expectation) -> State {
        let cx = self.cx;
        let span = text::span(cx.trace, ix);
        let kids = cx.trace.tree().children(ix);
        let of = |part: usize| -> Vec<SpanIx> {
            kids.iter().copied().filter(|kid| self.nodes[part].fits[kid.index()]).collect()
        };
        let (message, part, rows, actual, lack) = match fit {
            Fit::Short(part) => {
                let rows = of(*part);
                let message =
                    format!("Directly below {span} there are not the spans asked for: {}.", self.nodes[*part].written);
                let actual = count_of(rows.len(), "such span");
                (message, Some(*part), rows, actual, Lack::Absent)
            }
            Fit::Beyond(part) => {
                let rows = of(*part);
                let message =
                    format!("Directly below {span} there are too many {}.", text::selector(self.nodes[*part].select));
                let actual = count_of(rows.len(), "such span");
                (message, Some(*part), rows, actual, Lack::Violated)
            }
            Fit::Extra(kid) => {
                let message = format!(
                    "Directly below {span} there is {}, which the exact structure has not.",
                    text::span(cx.trace, *kid)
                );
                (message, None, vec![*kid], text::span(cx.trace, *kid), Lack::Violated)
            }
            Fit::Disorder(part) => {
                let message = format!(
                    "Directly below {span}, {} does not start after those written before it.",
                    text::selector(self.nodes[*part].select)
                );
                (message, Some(*part), of(*part), "another order".to_owned(), Lack::Violated)
            }
            Fit::Uncertain | Fit::Whole => {
                let message = format!(
                    "Whether the children of {span} start in the order written lies within the uncertainty of their clocks."
                );
                (
                    message,
                    None,
                    kids.iter().take(10).copied().collect(),
                    "not to be known".to_owned(),
                    Lack::Undecidable,
                )
            }
        };
        let place = part.map_or(self.structure.tree.at, |part| self.nodes[part].at);
        let rows: Vec<SpanIx> = std::iter::once(ix).chain(rows).collect();
        let mut finding = cx.finding(place, &at.path, message, &rows);
        finding.expected = match part {
            Some(part) => self.nodes[part].written.clone(),
            None => format!("the {} tree written", if self.structure.exact { "exact" } else { "ordered" }),
        };
        finding.actual = actual;
        State::lacks(if self.uncertain.get() { Lack::Undecidable } else { lack }, finding)
    }
}

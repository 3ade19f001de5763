//! Which spans a node of the spec's tree can stand for.

use super::super::bounds::Bounds;
use super::super::logic::{Cause, Truth};
use super::super::matching::Matching;
use super::super::order::by_start;
use super::{Matcher, only_needs};
use crate::trace::SpanIx;

/// How the children of a span can be shared out among those of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Whole,
    /// This child node has too few.
    Short(usize),
    /// This child node has too many.
    Beyond(usize),
    /// Nothing stands for this span, in an exact structure.
    Extra(SpanIx),
    /// This child node has its spans, but not after those of the nodes before it.
    Disorder(usize),
    /// The clocks leave the order of the children open.
    Uncertain,
}

impl Matcher<'_, '_> {
    /// For each row, whether a node can stand for it.
    pub(super) fn fits(&self, node: usize) -> Vec<Truth> {
        let mut fits = vec![Truth::No; self.cx.trace.len()];
        let picks = &self.nodes[node].picks;
        for &ix in picks.rows.iter().chain(self.doubted(node)) {
            let children = match self.fit(node, ix) {
                Fit::Whole => Truth::Yes,
                Fit::Uncertain => Truth::Unknown(Cause::Clock),
                _ => Truth::No,
            };
            fits[ix.index()] = children.and(self.cx.selections.truth(picks, ix));
        }
        fits
    }

    /// The spans that the node may or may not select. One that only its type keeps from being
    /// selected is none where there must be more, but counts where there may be no more.
    pub(super) fn doubted(&self, node: usize) -> &[SpanIx] {
        let node = &self.nodes[node];
        let doubted = self.cx.in_doubt(&node.picks);
        if only_needs(&node.bounds) { &doubted.as_told } else { &doubted.rows }
    }

    /// Whether the children of a span can be shared out among those of a node, whatever is not known.
    pub(super) fn fit(&self, node: usize, ix: SpanIx) -> Fit {
        let parts = &self.nodes[node].children;
        let kids = self.cx.trace.tree().children(ix);
        let perhaps = |part: &usize| kids.iter().any(|kid| self.nodes[*part].fits[kid.index()].is_unknown());
        if !parts.iter().any(perhaps) {
            return self.fit_if(node, ix, Truth::is_yes);
        }
        // Only of lower bounds is it known that nothing in between would be otherwise.
        let needs = !self.structure.exact
            && !self.structure.ordered
            && parts.iter().all(|&part| only_needs(&self.nodes[part].bounds));
        match (needs, self.fit_if(node, ix, Truth::is_yes), self.fit_if(node, ix, Truth::is_possible)) {
            (true, Fit::Whole, _) => Fit::Whole,
            (true, _, Fit::Whole) | (false, ..) => Fit::Uncertain,
            (true, _, unfit) => unfit,
        }
    }

    /// The same, if a node stood for all spans of which its truth says so.
    fn fit_if(&self, node: usize, ix: SpanIx, stands: fn(Truth) -> bool) -> Fit {
        let parts = &self.nodes[node].children;
        if parts.is_empty() && !self.structure.exact {
            return Fit::Whole;
        }
        let kids = self.cx.trace.tree().children(ix);
        let wants: Vec<Vec<u32>> = parts
            .iter()
            .map(|&part| {
                let fits = &self.nodes[part].fits;
                (0..kids.len() as u32).filter(|&kid| stands(fits[kids[kid as usize].index()])).collect()
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
        if self.structure.ordered && parts.len() > 1 { self.in_order(parts, ix) } else { Fit::Whole }
    }

    /// Whether the children's spans start in the order of the nodes. Those that start at one moment are in any order.
    fn in_order(&self, parts: &[usize], ix: SpanIx) -> Fit {
        let kids = self.cx.trace.tree().children(ix);
        let first_part = |kid: &SpanIx| parts.iter().position(|&part| self.nodes[part].fits[kid.index()].is_yes());
        let concerned: Vec<SpanIx> = kids.iter().copied().filter(|kid| first_part(kid).is_some()).collect();
        let Some(mut sorted) = by_start(self.cx, self.clocks, &concerned) else { return Fit::Uncertain };
        let start = |ix: SpanIx| self.cx.trace.span(ix).start_ns();
        let at_once = |a: &SpanIx, b: &SpanIx| self.clocks.same(*a, *b) && start(*a) == start(*b);
        sorted.chunk_by_mut(at_once).for_each(|tied| tied.sort_by_key(first_part));
        if self.structure.exact { self.in_runs(parts, &sorted) } else { self.in_turn(parts, &sorted) }
    }

    /// Others may stand between: each node takes its spans as early as it can. Where a node says how many there are at
    /// the most, all that only it can stand for are its own.
    fn in_turn(&self, parts: &[usize], sorted: &[SpanIx]) -> Fit {
        let fits = |part: usize, at: usize| self.nodes[part].fits[sorted[at].index()].is_yes();
        let mut from = 0;
        for &part in parts {
            let bounds = &self.nodes[part].bounds;
            let least = usize::try_from(bounds.least().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let begin = from;
            let mut places = (begin..sorted.len()).filter(|&at| fits(part, at));
            if least > 0 {
                match places.nth(least - 1) {
                    Some(at) => from = at + 1,
                    None => return Fit::Disorder(part),
                }
            }
            if bounds.most().is_none() {
                continue;
            }
            let its_own = |at: &usize| fits(part, *at) && !parts.iter().any(|&other| other != part && fits(other, *at));
            let own = || (0..sorted.len()).filter(its_own);
            if own().next().is_some_and(|at| at < begin) {
                return Fit::Disorder(part);
            }
            from = own().next_back().map_or(from, |at| from.max(at + 1));
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
                reach[at] = if node.fits[sorted[at].index()].is_yes() { reach[at + 1] } else { at };
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
}

//! What things cost: how much of the root's time they have on its critical path.

use crate::analyse::whole::Analyses;
use crate::trace::{SpanIx, Tree};

/// How much of the root's time lies in and below each span.
pub(super) struct Costs<'t> {
    tree: &'t Tree,
    pub(super) root_ns: u64,
    /// By position in the tree's pre-order: the time on the critical path of all spans before it.
    before: Vec<u64>,
}

impl<'t> Costs<'t> {
    pub(super) fn of(analyses: &Analyses<'t>) -> Costs<'t> {
        let tree = analyses.trace().tree();
        let mut own = vec![0_u64; analyses.trace().len()];
        for section in analyses.path.iter().flat_map(|path| &path.sections) {
            own[tree.enter(section.span) as usize] += section.duration_ns();
        }
        let mut before = vec![0];
        own.iter().for_each(|own| before.push(before[before.len() - 1] + own));
        Costs { tree, root_ns: analyses.path.as_ref().map_or(0, |path| path.duration_ns), before }
    }
    pub(super) fn of_span(&self, ix: SpanIx) -> u64 {
        let at = self.tree.enter(ix) as usize;
        self.before[at + 1] - self.before[at]
    }
    /// The root's time within these spans and all below them; none of them lies below another.
    pub(super) fn below(&self, rows: &[SpanIx]) -> u64 {
        let of =
            |ix: &SpanIx| self.before[self.tree.last(*ix) as usize + 1] - self.before[self.tree.enter(*ix) as usize];
        rows.iter().map(of).sum()
    }
    pub(super) fn is_worth(&self, ns: u64, (share, least): (u64, u64)) -> bool {
        ns >= least && ns >= self.root_ns / share
    }
}

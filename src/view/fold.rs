//! Which subtrees are alike: the same services, names, kinds and results, in the same order of siblings.

use crate::trace::{Kind, SpanIx, StatusCode, Sym, Trace};
use std::collections::HashMap;

/// Two of them are read as easily as one fold.
const FEWEST: usize = 3;

/// A number for each span, equal for spans whose subtrees are alike.
pub(super) struct Shapes(Vec<u32>);

type Key = (Sym, Sym, Kind, StatusCode, Vec<u32>);

impl Shapes {
    pub(super) fn of(trace: &Trace) -> Shapes {
        let tree = trace.tree();
        let mut known: HashMap<Key, u32> = HashMap::new();
        let mut shapes = vec![0; trace.len()];
        // Backwards through the pre-order, every child is met before its parent.
        for &ix in tree.preorder().iter().rev() {
            let span = trace.span(ix);
            let below = tree.children(ix).iter().map(|child| shapes[child.index()]).collect();
            let row = ix.index();
            let key = (trace.services[row], trace.names[row], span.kind(), span.status(), below);
            let next = known.len() as u32;
            shapes[row] = *known.entry(key).or_insert(next);
        }
        Shapes(shapes)
    }

    /// How many of these siblings, from the first on, are alike: 1 unless they are enough to be folded.
    pub(super) fn run(&self, siblings: &[SpanIx]) -> usize {
        let Some(first) = siblings.first() else { return 1 };
        let alike = siblings.iter().take_while(|at| self.0[at.index()] == self.0[first.index()]).count();
        if alike >= FEWEST { alike } else { 1 }
    }
}

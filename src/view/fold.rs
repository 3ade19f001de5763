//! Which subtrees are alike: the same services, names, kinds and results, in the same order of siblings.

use crate::trace::{Kind, SpanIx, StatusCode, Sym, Trace};
use std::collections::HashMap;

/// Two of them are read as easily as one fold.
const FEWEST: usize = 3;

/// A number for each span, equal for spans whose subtrees are alike.
pub(super) struct Shapes(Vec<u32>);

/// For each span in pre-order, how many siblings from it on are alike with all that is below them, so that one row can stand for them.
pub fn alike_runs(trace: &Trace) -> Vec<u32> {
    Shapes::of(trace).runs(trace)
}

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

    /// For each span in pre-order, how many siblings from it on are one row: 1 for those of no run, and for all of a run but its first.
    pub(super) fn runs(&self, trace: &Trace) -> Vec<u32> {
        let tree = trace.tree();
        let mut runs = vec![1; trace.len()];
        for &ix in tree.preorder() {
            let mut siblings = tree.children(ix);
            while let Some(&first) = siblings.first() {
                let run = self.run(siblings);
                runs[tree.enter(first) as usize] = run as u32;
                siblings = &siblings[run..];
            }
        }
        runs
    }

    /// How many of these siblings, from the first on, are alike: 1 unless they are enough to be folded.
    pub(super) fn run(&self, siblings: &[SpanIx]) -> usize {
        let Some(first) = siblings.first() else { return 1 };
        let alike = siblings.iter().take_while(|at| self.0[at.index()] == self.0[first.index()]).count();
        if alike >= FEWEST { alike } else { 1 }
    }
}

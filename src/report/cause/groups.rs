//! Things that belong together, found pair by pair (union-find).

use crate::trace::{SpanIx, Trace};
use std::collections::HashMap;
use std::hash::Hash;

/// Which of some things belong together.
pub(super) struct Groups(Vec<usize>);

impl Groups {
    pub(super) fn new(all: usize) -> Groups {
        Groups((0..all).collect())
    }
    fn top(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }
    pub(super) fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.top(a), self.top(b));
        // The first of a group stands for it, so that groups keep the order of their things.
        self.0[a.max(b)] = a.min(b);
    }
    /// Unites those of one key.
    pub(super) fn join<K: Hash + Eq>(&mut self, keys: impl Iterator<Item = (K, usize)>) {
        let mut known = HashMap::new();
        for (key, at) in keys {
            let first = *known.entry(key).or_insert(at);
            self.unite(first, at);
        }
    }
    /// Unites those of which one has a span below a span of the other.
    pub(super) fn join_nested(&mut self, trace: &Trace, mut rows: Vec<(SpanIx, usize)>) {
        let tree = trace.tree();
        rows.sort_unstable_by_key(|&(ix, at)| (tree.enter(ix), at));
        let mut open: Vec<(SpanIx, usize)> = Vec::new();
        for (ix, at) in rows {
            while open.last().is_some_and(|&(above, _)| tree.enter(ix) > tree.last(above)) {
                open.pop();
            }
            if let Some(&(_, above)) = open.last() {
                self.unite(above, at);
            }
            open.push((ix, at));
        }
    }
    /// Each group's things, ascending; groups by their first.
    pub(super) fn all(&mut self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); self.0.len()];
        (0..self.0.len()).for_each(|at| {
            let top = self.top(at);
            groups[top].push(at);
        });
        groups.retain(|group| !group.is_empty());
        groups
    }
}

//! Who called whom inside one trace: parents, children, roots, and an order in which ancestry is a comparison.

use super::ids::SpanId;
use super::model::SpanIx;
use std::collections::HashSet;

/// No row.
const NONE: u32 = u32::MAX;

/// The forest that the parent links of a trace form. Cycles have been cut, so every walk ends.
///
/// `enter`/`leave` number the spans in pre-order: `a` is an ancestor of `b` exactly when
/// `enter(a) < enter(b) && enter(b) <= last(a)`, also in parts that hang from a missing parent.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    parents: Vec<u32>,
    child_offsets: Vec<u32>,
    children: Vec<SpanIx>,
    roots: Vec<SpanIx>,
    orphans: Vec<SpanIx>,
    enter: Vec<u32>,
    last: Vec<u32>,
    depth: Vec<u32>,
    preorder: Vec<SpanIx>,
    connected: Vec<bool>,
    assumed_root: bool,
    called: Vec<(usize, SpanIx)>,
    requests: usize,
}

impl Tree {
    /// Builds the forest. `parents` holds each row's parent row; `is_root` says which rows without a parent row are
    /// roots (no parent id, or called by the runner); the others are orphans. Rows on a cycle must have been cut.
    pub(super) fn new(parents: Vec<Option<SpanIx>>, is_root: &[bool]) -> Tree {
        let n = parents.len();
        let parents: Vec<u32> = parents.into_iter().map(|parent| parent.map_or(NONE, |ix| ix.0)).collect();
        let mut child_offsets = vec![0u32; n + 1];
        for &parent in parents.iter().filter(|&&parent| parent != NONE) {
            child_offsets[parent as usize + 1] += 1;
        }
        for row in 0..n {
            child_offsets[row + 1] += child_offsets[row];
        }
        let mut fill = child_offsets.clone();
        let mut children = vec![SpanIx(0); child_offsets[n] as usize];
        let (mut roots, mut orphans) = (Vec::new(), Vec::new());
        for row in 0..n {
            let ix = SpanIx(row as u32);
            match parents[row] {
                NONE if is_root[row] => roots.push(ix),
                NONE => orphans.push(ix),
                parent => {
                    children[fill[parent as usize] as usize] = ix;
                    fill[parent as usize] += 1;
                }
            }
        }
        let mut tree = Tree {
            parents,
            child_offsets,
            children,
            enter: vec![0; n],
            last: vec![0; n],
            depth: vec![0; n],
            preorder: Vec::with_capacity(n),
            connected: vec![false; n],
            assumed_root: false,
            called: Vec::new(),
            requests: 0,
            roots,
            orphans,
        };
        tree.number();
        tree
    }

    fn number(&mut self) {
        let tops: Vec<SpanIx> = self.roots.iter().chain(&self.orphans).copied().collect();
        let rooted = self.roots.len();
        for (at, top) in tops.into_iter().enumerate() {
            let mut stack = vec![(top, 0u32)];
            while let Some((ix, depth)) = stack.pop() {
                let row = ix.index();
                self.enter[row] = self.preorder.len() as u32;
                self.depth[row] = depth;
                self.connected[row] = at < rooted;
                self.preorder.push(ix);
                let range = self.child_offsets[row] as usize..self.child_offsets[row + 1] as usize;
                stack.extend(self.children[range].iter().rev().map(|&child| (child, depth + 1)));
            }
        }
        self.last.copy_from_slice(&self.enter);
        // Backwards through the pre-order every child is met before its parent.
        for &ix in self.preorder.iter().rev() {
            let parent = self.parents[ix.index()];
            if parent != NONE {
                let last = self.last[ix.index()];
                let of_parent = &mut self.last[parent as usize];
                *of_parent = (*of_parent).max(last);
            }
        }
    }

    /// The parent, if the trace has it.
    pub fn parent(&self, ix: SpanIx) -> Option<SpanIx> {
        let parent = self.parents[ix.index()];
        (parent != NONE).then_some(SpanIx(parent))
    }
    /// The children, in row order (by start).
    pub fn children(&self, ix: SpanIx) -> &[SpanIx] {
        &self.children[self.child_offsets[ix.index()] as usize..self.child_offsets[ix.index() + 1] as usize]
    }
    /// Spans without a parent, and those that the runner called, in row order.
    pub fn roots(&self) -> &[SpanIx] {
        &self.roots
    }
    /// Whether the root is a span with a parent that is not there, taken for the root as long as it is the only such span:
    /// what hangs from it may hang from no root when more spans are there.
    pub(crate) fn root_is_assumed(&self) -> bool {
        self.assumed_root
    }
    pub(super) fn assume_root(&mut self) {
        self.assumed_root = true;
    }
    /// The roots that the runner's requests called, each with the request's position among [`Injected::Known`], in the
    /// order of the requests. A redirect that was followed is a request for each hop.
    ///
    /// [`Injected::Known`]: super::Injected::Known
    pub fn called(&self) -> &[(usize, SpanIx)] {
        &self.called
    }
    /// How many requests the runner sent, as far as it is known which.
    pub fn requests(&self) -> usize {
        self.requests
    }
    pub(super) fn call(&mut self, mut called: Vec<(usize, SpanIx)>, requests: usize) {
        called.sort_unstable();
        (self.called, self.requests) = (called, requests);
    }
    /// The roots as they count, in row order: all hops of a redirect hang from one root, the runner; a second span that one
    /// and the same request called is a root of its own.
    pub fn separate_roots(&self) -> Vec<SpanIx> {
        let joined: HashSet<SpanIx> =
            self.called.windows(2).filter(|two| two[0].0 != two[1].0).map(|two| two[1].1).collect();
        self.roots.iter().copied().filter(|root| !joined.contains(root)).collect()
    }
    /// Spans whose parent is named but not in the trace, in row order.
    pub fn orphans(&self) -> &[SpanIx] {
        &self.orphans
    }
    /// Every span, ancestors before descendants, siblings by start; trees of roots first, then those of orphans.
    pub fn preorder(&self) -> &[SpanIx] {
        &self.preorder
    }
    /// Steps from the top of the span's tree; 0 for a root or an orphan.
    pub fn depth(&self, ix: SpanIx) -> u32 {
        self.depth[ix.index()]
    }
    /// The span's position in [`Tree::preorder`].
    pub fn enter(&self, ix: SpanIx) -> u32 {
        self.enter[ix.index()]
    }
    /// The position in [`Tree::preorder`] of the last span below this one (its own if it has none).
    pub fn last(&self, ix: SpanIx) -> u32 {
        self.last[ix.index()]
    }
    /// Whether the span hangs from a root, rather than from a missing parent.
    pub fn is_connected(&self, ix: SpanIx) -> bool {
        self.connected[ix.index()]
    }
    /// Whether `a` is a proper ancestor of `b`.
    pub fn is_ancestor(&self, a: SpanIx, b: SpanIx) -> bool {
        self.enter(a) < self.enter(b) && self.enter(b) <= self.last(a)
    }
    /// The parent's, its parent's, … up to the top.
    pub fn ancestors(&self, ix: SpanIx) -> impl Iterator<Item = SpanIx> + '_ {
        std::iter::successors(self.parent(ix), |&at| self.parent(at))
    }
    /// The lowest span that is an ancestor of both, or is one of them; `None` where they hang in different trees.
    pub fn common_ancestor(&self, a: SpanIx, b: SpanIx) -> Option<SpanIx> {
        let contains = |top: SpanIx| self.enter(top) <= self.enter(b) && self.enter(b) <= self.last(top);
        std::iter::once(a).chain(self.ancestors(a)).find(|&top| contains(top))
    }
}

/// Rows whose parent link must be cut so that no cycle is left: the smallest row of each cycle.
pub(super) fn cycle_cuts(parents: &[Option<SpanIx>]) -> Vec<SpanIx> {
    // 0 unseen, otherwise the number of the walk that saw it first.
    let mut seen = vec![0u32; parents.len()];
    let mut cuts = Vec::new();
    for start in 0..parents.len() {
        let walk = start as u32 + 1;
        let mut at = start;
        while seen[at] == 0 {
            seen[at] = walk;
            match parents[at] {
                Some(parent) => at = parent.index(),
                None => break,
            }
        }
        if seen[at] == walk && parents[at].is_some() {
            // The walk came back to a span of its own: a cycle, and `at` is on it.
            let mut smallest = at;
            let mut next = parents[at].map_or(at, SpanIx::index);
            while next != at {
                smallest = smallest.min(next);
                next = parents[next].map_or(at, SpanIx::index);
            }
            cuts.push(SpanIx(smallest as u32));
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// The id of a SERVER span that shared its id with a CLIENT span: the same for the same id, whatever else the trace has.
pub(super) fn split_id(shared: SpanId, taken: impl Fn(SpanId) -> bool) -> SpanId {
    // splitmix64's finaliser: a fixed bijection, so that two shared ids never get the same new one.
    let mut value = shared.get();
    loop {
        value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = value;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if let Some(id) = SpanId::new(mixed).filter(|&id| !taken(id)) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestry_is_decided_by_the_numbering_also_below_a_missing_parent() {
        // 0 root > 1 > 2; 3 orphan > 4
        let parents = vec![None, Some(SpanIx(0)), Some(SpanIx(1)), None, Some(SpanIx(3))];
        let tree = Tree::new(parents, &[true, false, false, false, false]);
        assert!(tree.is_ancestor(SpanIx(0), SpanIx(2)));
        assert!(!tree.is_ancestor(SpanIx(2), SpanIx(2)));
        assert!(tree.is_ancestor(SpanIx(3), SpanIx(4)) && !tree.is_ancestor(SpanIx(0), SpanIx(4)));
        assert_eq!(tree.orphans(), [SpanIx(3)]);
        assert!(!tree.is_connected(SpanIx(4)) && tree.is_connected(SpanIx(2)));
        assert_eq!(tree.common_ancestor(SpanIx(2), SpanIx(1)), Some(SpanIx(1)));
        assert_eq!(tree.common_ancestor(SpanIx(2), SpanIx(4)), None);
    }

    #[test]
    fn every_cycle_is_cut_once_at_its_smallest_row_and_tails_are_left_alone() {
        let parents = vec![Some(SpanIx(2)), Some(SpanIx(0)), Some(SpanIx(1)), Some(SpanIx(1)), Some(SpanIx(4)), None];
        assert_eq!(cycle_cuts(&parents), [SpanIx(0), SpanIx(4)]);
    }

    #[test]
    fn a_chain_of_100_000_spans_is_numbered_without_recursion() {
        let parents: Vec<Option<SpanIx>> = (0..100_000u32).map(|row| row.checked_sub(1).map(SpanIx)).collect();
        assert!(cycle_cuts(&parents).is_empty());
        let mut is_root = vec![false; parents.len()];
        is_root[0] = true;
        let tree = Tree::new(parents, &is_root);
        assert!(tree.is_ancestor(SpanIx(0), SpanIx(99_999)));
        assert_eq!(tree.depth(SpanIx(99_999)), 99_999);
    }
}

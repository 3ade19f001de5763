//! Paths: keys from the root, each held as its last key and the path above, so that a trace of any depth takes linear space.

use super::key::Key;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// One of [`Paths`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathIx(pub(super) u32);

impl PathIx {
    /// As an index into a column.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    parent: Option<PathIx>,
    key: Key,
    /// Of the parent and the key.
    hash: u64,
    depth: u32,
    children: Vec<PathIx>,
}

/// A set of paths that holds with each path the one above it. What is above has the smaller number.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    nodes: Vec<Node>,
    tops: Vec<PathIx>,
    /// By parent and key, which are looked up in `nodes`: a key is never cloned to be found.
    index: HashTable<PathIx>,
    // Names come from outside, so that only a hasher with a seed is safe.
    hasher: RandomState,
}

impl Paths {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
    /// All of them, what is above first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = PathIx> + use<> {
        (0..self.nodes.len() as u32).map(PathIx)
    }
    /// The path below `parent` that ends in `key`; put there if there is none.
    pub fn put(&mut self, parent: Option<PathIx>, key: &Key) -> PathIx {
        let hash = self.hasher.hash_one((parent, key));
        if let Some(known) = self.find_hashed(hash, parent, key) {
            return known;
        }
        let ix = PathIx(self.nodes.len() as u32);
        let depth = parent.map_or(0, |parent| self.depth(parent) + 1);
        self.nodes.push(Node { parent, key: key.clone(), hash, depth, children: Vec::new() });
        let nodes = &self.nodes;
        self.index.insert_unique(hash, ix, |ix| nodes[ix.index()].hash);
        match parent {
            Some(parent) => self.nodes[parent.index()].children.push(ix),
            None => self.tops.push(ix),
        }
        ix
    }
    /// The path below `parent` that ends in `key`.
    pub fn find(&self, parent: Option<PathIx>, key: &Key) -> Option<PathIx> {
        self.find_hashed(self.hasher.hash_one((parent, key)), parent, key)
    }
    fn find_hashed(&self, hash: u64, parent: Option<PathIx>, key: &Key) -> Option<PathIx> {
        let is_it = |ix: &PathIx| {
            let node = &self.nodes[ix.index()];
            node.hash == hash && node.parent == parent && node.key == *key
        };
        self.index.find(hash, is_it).copied()
    }
    /// The last key.
    pub fn key(&self, ix: PathIx) -> &Key {
        &self.nodes[ix.index()].key
    }
    /// The path above.
    pub fn parent(&self, ix: PathIx) -> Option<PathIx> {
        self.nodes[ix.index()].parent
    }
    /// How many keys are above the last one.
    pub fn depth(&self, ix: PathIx) -> u32 {
        self.nodes[ix.index()].depth
    }
    /// The paths directly below one, or those that are below none.
    pub fn children(&self, ix: Option<PathIx>) -> &[PathIx] {
        ix.map_or(&self.tops, |ix| &self.nodes[ix.index()].children)
    }
    /// A path and those above it, from the last key up.
    pub fn upwards(&self, ix: PathIx) -> impl Iterator<Item = PathIx> + '_ {
        std::iter::successors(Some(ix), |&at| self.parent(at))
    }
    /// All paths, each before those below it, siblings in the order of `by`.
    pub fn sorted_by<O: Ord>(&self, by: impl Fn(PathIx) -> O) -> Vec<PathIx> {
        let sorted = |of: Option<PathIx>| {
            let mut children = self.children(of).to_vec();
            children.sort_by_cached_key(|&ix| std::cmp::Reverse(by(ix)));
            children
        };
        let mut open = sorted(None);
        let mut found = Vec::with_capacity(self.len());
        while let Some(ix) = open.pop() {
            found.push(ix);
            open.append(&mut sorted(Some(ix)));
        }
        found
    }
    /// All paths in the order of their keys: the same whatever order they were put in.
    pub fn sorted(&self) -> Vec<PathIx> {
        self.sorted_by(|ix| self.key(ix))
    }
}

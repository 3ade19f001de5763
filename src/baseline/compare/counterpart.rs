//! Which path of what is known a path of a trace is.

use crate::baseline::key::Key;
use crate::baseline::learn::Profile;
use crate::baseline::path::{PathIx, Paths};
use crate::baseline::shape::Shape;
use crate::trace::Kind;
use std::collections::{BTreeMap, HashMap};

/// By what a path that does not have the keys of its counterpart is known to be it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Name,
    Kind,
    Parent,
}

/// The paths of a trace and of what is known that are the same.
pub(super) struct Counterparts {
    /// Of each path of the trace.
    pub(super) known: Vec<Option<PathIx>>,
    /// Of each path that is known.
    pub(super) here: Vec<Option<PathIx>>,
    /// Those that were found in another way than by all their keys: of the trace, what is known, and what changed.
    pub(super) changed: Vec<(PathIx, PathIx, By)>,
}

impl Counterparts {
    pub(super) fn find(profile: &Profile, shape: &Shape) -> Counterparts {
        let mut found = Counterparts {
            known: vec![None; shape.paths.len()],
            here: vec![None; profile.paths.len()],
            changed: Vec::new(),
        };
        found.below(profile, shape, None, None);
        for ix in shape.paths.all() {
            if let Some(known) = found.known[ix.index()] {
                found.below(profile, shape, Some(ix), Some(known));
            }
        }
        found.elsewhere(profile, shape);
        found
    }

    fn pair(&mut self, here: PathIx, known: PathIx) {
        self.known[here.index()] = Some(known);
        self.here[known.index()] = Some(here);
    }

    /// Pairs what is directly below a pair.
    fn below(&mut self, profile: &Profile, shape: &Shape, here: Option<PathIx>, known: Option<PathIx>) {
        let mut new = Vec::new();
        for &child in shape.paths.children(here) {
            match profile.paths.find(known, shape.paths.key(child)) {
                Some(same) => self.pair(child, same),
                None => new.push(child),
            }
        }
        if new.is_empty() {
            return;
        }
        let gone = |found: &Counterparts| -> Vec<PathIx> {
            let all = profile.paths.children(known).iter().copied();
            all.filter(|&ix| profile.is_always(ix) && found.here[ix.index()].is_none()).collect()
        };
        // Only where there is no choice: which of several became which nobody knows.
        let by_kind = |key: &Key| (key.service.clone(), key.name.clone());
        for (one, other) in only_pairs(&shape.paths, &new, &profile.paths, &gone(self), by_kind) {
            self.pair(one, other);
            self.changed.push((one, other, By::Kind));
        }
        new.retain(|ix| self.known[ix.index()].is_none());
        let by_name = |key: &Key| (key.service.clone(), key.kind);
        for (one, other) in only_pairs(&shape.paths, &new, &profile.paths, &gone(self), by_name) {
            let (seen, learned) = (shape.seen(one), profile.learned(other));
            if learned.count.holds(seen.count) && skeleton(&shape.paths, one) == skeleton(&profile.paths, other) {
                self.pair(one, other);
                self.changed.push((one, other, By::Name));
            }
        }
    }

    /// Pairs what is missing in one place with what is new in another, where one of each ends in the same key.
    fn elsewhere(&mut self, profile: &Profile, shape: &Shape) {
        let mut gone: HashMap<&Key, Vec<PathIx>> = HashMap::new();
        for ix in profile.paths.all().filter(|&ix| profile.is_always(ix) && self.here[ix.index()].is_none()) {
            gone.entry(profile.paths.key(ix)).or_default().push(ix);
        }
        let mut new: HashMap<&Key, usize> = HashMap::new();
        for ix in shape.paths.all().filter(|ix| self.known[ix.index()].is_none()) {
            *new.entry(shape.paths.key(ix)).or_default() += 1;
        }
        for ix in shape.paths.all() {
            if self.known[ix.index()].is_some() {
                continue;
            }
            let key = shape.paths.key(ix);
            let above = shape.paths.parent(ix).and_then(|parent| self.known[parent.index()]);
            // Below what hangs elsewhere all keeps its place.
            let below = above.and_then(|above| profile.paths.find(Some(above), key));
            if let Some(known) = below.filter(|known| self.here[known.index()].is_none()) {
                self.pair(ix, known);
                continue;
            }
            if let (Some([known]), Some(1)) = (gone.get(key).map(Vec::as_slice), new.get(key))
                && self.here[known.index()].is_none()
            {
                self.pair(ix, *known);
                self.changed.push((ix, *known, By::Parent));
            }
        }
    }
}

/// Those of each side that are alone with the same `by` on both sides.
fn only_pairs<K: Ord>(
    here: &Paths,
    new: &[PathIx],
    known: &Paths,
    gone: &[PathIx],
    by: impl Fn(&Key) -> K,
) -> Vec<(PathIx, PathIx)> {
    let mut sides: BTreeMap<K, (Vec<PathIx>, Vec<PathIx>)> = BTreeMap::new();
    new.iter().for_each(|&ix| sides.entry(by(here.key(ix))).or_default().0.push(ix));
    gone.iter().for_each(|&ix| sides.entry(by(known.key(ix))).or_default().1.push(ix));
    let only = |(new, gone): (Vec<PathIx>, Vec<PathIx>)| match (&new[..], &gone[..]) {
        (&[one], &[other]) => Some((one, other)),
        _ => None,
    };
    sides.into_values().filter_map(only).collect()
}

/// So far down paths are alike that are taken for one under another name.
const LEVELS: u32 = 4;

/// What is a little below a path, but for names: a route that is called otherwise is called otherwise by both sides of a call.
fn skeleton(paths: &Paths, top: PathIx) -> Vec<(u32, &str, Kind)> {
    let depth = paths.depth(top);
    let mut found = Vec::new();
    let mut open: Vec<PathIx> = paths.children(Some(top)).to_vec();
    while let Some(ix) = open.pop() {
        let key = paths.key(ix);
        let level = paths.depth(ix) - depth;
        found.push((level, &*key.service, key.kind));
        if level < LEVELS {
            open.extend_from_slice(paths.children(Some(ix)));
        }
    }
    found.sort_unstable();
    found
}

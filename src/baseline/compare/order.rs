//! What no longer comes before what it always came before, and what no longer runs beside what it always ran beside.

use super::counterpart::Counterparts;
use crate::baseline::difference::{Change, Difference, Place};
use crate::baseline::learn::Profile;
use crate::baseline::path::PathIx;
use crate::baseline::relation::Relation;
use crate::baseline::shape::Shape;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Order,
    Serialised,
    Parallelised,
}

fn turn(was: Relation, is: Relation) -> Option<Turn> {
    match (was, is) {
        (Relation::Open, _) | (_, Relation::Open) => None,
        (Relation::Overlap, Relation::Overlap) => None,
        (Relation::Overlap, _) => Some(Turn::Serialised),
        (_, Relation::Overlap) => Some(Turn::Parallelised),
        // In turns, now or before: only what was before all and is not any more lost its place.
        (Relation::Apart, _) => None,
        (was, is) => (was != is).then_some(Turn::Order),
    }
}

type Pairs = Vec<(PathIx, PathIx, bool)>;

pub(super) fn ordered(profile: &Profile, shape: &Shape, counterparts: &Counterparts, out: &mut Vec<Difference>) {
    // By parent and what happened, the pairs of it.
    let mut found: BTreeMap<(Option<PathIx>, Turn), Pairs> = BTreeMap::new();
    for (&(one, two), &is) in &shape.relations {
        let known = |ix: PathIx| counterparts.known[ix.index()];
        let (Some(known_one), Some(known_two)) = (known(one), known(two)) else { continue };
        // What hangs elsewhere has other siblings.
        if profile.paths.parent(known_one) != profile.paths.parent(known_two) {
            continue;
        }
        let was = profile.relation(known_one, known_two);
        let Some(turn) = turn(was, is) else { continue };
        let parent = shape.paths.parent(one);
        if one == two {
            let change = match turn {
                Turn::Order => continue,
                Turn::Serialised => Change::Serialised { with: Vec::new() },
                Turn::Parallelised => Change::Parallelised { with: Vec::new() },
            };
            out.push(Difference { change, place: Some(Place::of(&shape.paths, one)), implied: 0 });
            continue;
        }
        found.entry((parent, turn)).or_default().push((one, two, was == Relation::Before));
    }
    for ((_, turn), pairs) in found {
        stars(shape, turn, pairs, out);
    }
}

/// What one path is to several others is one difference: the path with the most others first.
fn stars(shape: &Shape, turn: Turn, pairs: Vec<(PathIx, PathIx, bool)>, out: &mut Vec<Difference>) {
    // By path and whether it came first before, the others.
    let mut others: BTreeMap<(PathIx, bool), BTreeSet<PathIx>> = BTreeMap::new();
    for (one, two, was_first) in pairs {
        let directed = turn == Turn::Order;
        others.entry((one, was_first && directed)).or_default().insert(two);
        others.entry((two, !was_first && directed)).or_default().insert(one);
    }
    loop {
        // Of equal ones that which came first before.
        let best = others.iter().max_by_key(|((ix, was_first), with)| {
            (with.len(), *was_first, std::cmp::Reverse(shape.seen(*ix).offset_ns), std::cmp::Reverse(*ix))
        });
        let Some((&(ix, was_first), with)) = best.filter(|(_, with)| !with.is_empty()) else { return };
        let with = with.clone();
        for &other in &with {
            for first in [true, false] {
                if let Some(its) = others.get_mut(&(other, first)) {
                    its.remove(&ix);
                }
            }
        }
        others.remove(&(ix, was_first));
        let with = with.iter().map(|&other| shape.paths.key(other).clone()).collect();
        let change = match turn {
            Turn::Order => Change::OrderChanged { with, was_first },
            Turn::Serialised => Change::Serialised { with },
            Turn::Parallelised => Change::Parallelised { with },
        };
        out.push(Difference { change, place: Some(Place::of(&shape.paths, ix)), implied: 0 });
    }
}

//! Paths that are missing and paths that are new, with the services and calls that are so with them.

use super::counterpart::Counterparts;
use crate::baseline::difference::{Change, Difference, Place};
use crate::baseline::learn::Profile;
use crate::baseline::path::{PathIx, Paths};
use crate::baseline::shape::Shape;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A service, or a call from one to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Service(Arc<str>),
    Edge(Arc<str>, Arc<str>),
}

/// The shallowest of some paths that hang together.
struct Top {
    ix: PathIx,
    /// How many there are with it.
    size: usize,
    /// What the first of them explains that can be explained by more than a path.
    cause: Option<Cause>,
}

/// Of the paths that `is` the case for, the tops. `causes` are the services and calls that may explain them; those that are met
/// are taken out.
fn tops(paths: &Paths, is: impl Fn(PathIx) -> bool, causes: &mut BTreeSet<Cause>) -> Vec<Top> {
    // Of most runs none is, and there is nothing to put in order.
    if !paths.all().any(&is) {
        return Vec::new();
    }
    let all = causes.clone();
    let mut found: Vec<Top> = Vec::new();
    let mut top_of: Vec<Option<usize>> = vec![None; paths.len()];
    for ix in paths.sorted() {
        if !is(ix) {
            continue;
        }
        let above = paths.parent(ix).and_then(|parent| top_of[parent.index()]);
        let at = above.unwrap_or_else(|| {
            found.push(Top { ix, size: 0, cause: None });
            found.len() - 1
        });
        top_of[ix.index()] = Some(at);
        found[at].size += 1;
        let service = Cause::Service(Arc::clone(&paths.key(ix).service));
        let edge = paths.parent(ix).map(|parent| {
            let from = &paths.key(parent).service;
            Cause::Edge(Arc::clone(from), Arc::clone(&paths.key(ix).service))
        });
        causes.remove(&service);
        if let Some(edge) = &edge {
            causes.remove(edge);
        }
        // A service says more than a call to it.
        let known = &mut found[at].cause;
        if matches!(known, Some(Cause::Service(_))) {
            continue;
        }
        if all.contains(&service) {
            *known = Some(service);
        } else if known.is_none() {
            *known = edge.filter(|edge| all.contains(edge));
        }
    }
    found
}

/// One difference for each cause, with the first of its tops, one for each top without, and one for each service or call that no
/// path explains.
fn report(
    paths: &Paths,
    tops: Vec<Top>,
    unexplained: BTreeSet<Cause>,
    of_cause: impl Fn(Cause) -> Change,
    of_path: &Change,
    out: &mut Vec<Difference>,
) {
    let mut by_cause: BTreeMap<Cause, (PathIx, usize)> = BTreeMap::new();
    for top in tops {
        let Some(cause) = top.cause else {
            let place = Some(Place::of(paths, top.ix));
            out.push(Difference { change: of_path.clone(), place, implied: top.size - 1 });
            continue;
        };
        let known = by_cause.entry(cause).or_insert((top.ix, 0));
        // The shallowest of several; of equal ones the first.
        if paths.depth(top.ix) < paths.depth(known.0) {
            known.0 = top.ix;
        }
        known.1 += top.size;
    }
    // A call from or to a service of which it is said already goes without saying.
    let services = by_cause.keys().chain(&unexplained).filter_map(|cause| match cause {
        Cause::Service(service) => Some(Arc::clone(service)),
        Cause::Edge(..) => None,
    });
    let services: BTreeSet<Arc<str>> = services.collect();
    let is_said =
        |cause: &Cause| matches!(cause, Cause::Edge(from, to) if services.contains(from) || services.contains(to));
    for cause in unexplained.into_iter().filter(|cause| !is_said(cause)) {
        out.push(Difference { change: of_cause(cause), place: None, implied: 0 });
    }
    for (cause, (ix, size)) in by_cause {
        out.push(Difference { change: of_cause(cause), place: Some(Place::of(paths, ix)), implied: size - 1 });
    }
}

/// What was in every trace and is not in this one.
pub(super) fn missing(profile: &Profile, shape: &Shape, counterparts: &Counterparts, out: &mut Vec<Difference>) {
    let mut causes: BTreeSet<Cause> = BTreeSet::new();
    let always = |&(_, runs): &(&Arc<str>, &u64)| *runs == profile.runs;
    let services = profile.services.iter().filter(always).map(|(service, _)| service);
    causes.extend(services.filter(|service| !shape.services.contains(*service)).cloned().map(Cause::Service));
    let edges = profile.edges.iter().filter(|(_, runs)| **runs == profile.runs).map(|(edge, _)| edge);
    let lost = edges.filter(|edge| !shape.edges.contains(*edge));
    causes.extend(lost.map(|(from, to)| Cause::Edge(Arc::clone(from), Arc::clone(to))));
    let is_gone = |ix: PathIx| profile.is_always(ix) && counterparts.here[ix.index()].is_none();
    let mut tops = tops(&profile.paths, is_gone, &mut causes);
    // Spans that are there with nothing below them any more say so themselves.
    let mut leaves: BTreeMap<PathIx, usize> = BTreeMap::new();
    tops.retain(|top| {
        let Some(above) = profile.paths.parent(top.ix).filter(|_| top.cause.is_none()) else { return true };
        let Some(here) = counterparts.here[above.index()] else { return true };
        let became = profile.learned(above).leaf_runs == 0 && shape.paths.children(Some(here)).is_empty();
        if became {
            *leaves.entry(here).or_default() += top.size;
        }
        !became
    });
    for (here, size) in leaves {
        let place = Some(Place::of(&shape.paths, here));
        out.push(Difference { change: Change::BecameLeaf, place, implied: size });
    }
    let of_cause = |cause| match cause {
        Cause::Service(service) => Change::LostService { service },
        Cause::Edge(from, to) => Change::LostEdge { from, to },
    };
    report(&profile.paths, tops, causes, of_cause, &Change::MissingPath, out);
}

/// What is in this trace and was in none.
pub(super) fn new(profile: &Profile, shape: &Shape, counterparts: &Counterparts, out: &mut Vec<Difference>) {
    let mut causes: BTreeSet<Cause> = BTreeSet::new();
    let services = shape.services.iter().filter(|service| !profile.services.contains_key(*service));
    causes.extend(services.cloned().map(Cause::Service));
    let edges = shape.edges.iter().filter(|edge| !profile.edges.contains_key(*edge));
    causes.extend(edges.map(|(from, to)| Cause::Edge(Arc::clone(from), Arc::clone(to))));
    let is_new = |ix: PathIx| counterparts.known[ix.index()].is_none();
    let mut tops = tops(&shape.paths, is_new, &mut causes);
    // That new spans fail says that they are new.
    let mut fails: Vec<bool> = shape.seen.iter().map(|seen| seen.errors > 0).collect();
    for ix in shape.paths.all().rev().filter(|&ix| is_new(ix)) {
        if let Some(parent) = shape.paths.parent(ix).filter(|_| fails[ix.index()]) {
            fails[parent.index()] = true;
        }
    }
    tops.retain(|top| top.cause.is_some() || !fails[top.ix.index()]);
    let of_cause = |cause| match cause {
        Cause::Service(service) => Change::NewService { service },
        Cause::Edge(from, to) => Change::NewEdge { from, to },
    };
    report(&shape.paths, tops, causes, of_cause, &Change::NewPath, out);
}

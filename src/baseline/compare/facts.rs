//! What changed of paths that are there: where they hang, what they are called, how often they occur, whether they fail.

use super::Counts;
use super::counterpart::{By, Counterparts};
use crate::baseline::difference::{Change, Difference, Place};
use crate::baseline::learn::Profile;
use crate::baseline::path::PathIx;
use crate::baseline::shape::{Range, Shape};

/// Paths that are known to be others.
pub(super) fn moved(profile: &Profile, shape: &Shape, counterparts: &Counterparts, out: &mut Vec<Difference>) {
    for &(here, known, by) in &counterparts.changed {
        let key = shape.paths.key(here);
        let change = match by {
            By::Name => Change::Renamed { to: key.clone() },
            By::Kind => Change::KindChanged { to: key.kind },
            By::Parent => Change::Reparented { to: Place::of(&shape.paths, here) },
        };
        out.push(Difference { change, place: Some(Place::of(&profile.paths, known)), implied: 0 });
    }
}

/// Paths that occur more or less often than they ever did.
pub(super) fn counted(
    profile: &Profile,
    shape: &Shape,
    counterparts: &Counterparts,
    counts: Counts,
    out: &mut Vec<Difference>,
) {
    if counts == Counts::Any {
        return;
    }
    // The difference that explains what is below a path, if one does: its position in `out`.
    let mut because: Vec<Option<usize>> = vec![None; shape.paths.len()];
    for ix in shape.paths.all() {
        let Some(known) = counterparts.known[ix.index()] else { continue };
        let (seen, learned) = (shape.seen(ix), profile.learned(known));
        let per_parent = counts == Counts::Ratio;
        let is_usual = learned.per_parent.holds(seen.per_parent.min) && learned.per_parent.holds(seen.per_parent.max);
        let (baseline, candidate) = match counts {
            Counts::Ratio => (learned.per_parent, seen.per_parent),
            Counts::Range | Counts::Any => (learned.count, Range::of(seen.count)),
        };
        let above = shape.paths.parent(ix).and_then(|parent| because[parent.index()]);
        if baseline.holds(candidate.min) && baseline.holds(candidate.max) {
            continue;
        }
        if let Some(above) = above.filter(|_| is_usual) {
            out[above].implied += 1;
            because[ix.index()] = Some(above);
            continue;
        }
        let change = if candidate.max > baseline.max.saturating_mul(2) {
            Change::Grew { baseline, candidate, per_parent }
        } else {
            Change::Count { baseline, candidate, per_parent }
        };
        because[ix.index()] = Some(out.len());
        out.push(Difference { change, place: Some(Place::of(&shape.paths, ix)), implied: 0 });
    }
}

/// Paths that fail and never did, new ones among them, and those that always did and do not. Of those above each other the
/// deepest: a failure travels up.
pub(super) fn failed(profile: &Profile, shape: &Shape, counterparts: &Counterparts, out: &mut Vec<Difference>) {
    let became = |ix: PathIx| {
        let known = counterparts.known[ix.index()];
        shape.seen(ix).errors > 0 && known.is_none_or(|known| profile.learned(known).error_runs == 0)
    };
    let recovered = |ix: PathIx| {
        let learned = counterparts.known[ix.index()].map(|known| profile.learned(known));
        learned.is_some_and(|learned| learned.error_runs == learned.runs && shape.seen(ix).errors == 0)
    };
    let error = |ix: PathIx| {
        let seen = shape.seen(ix);
        let is_new = counterparts.known[ix.index()].is_none();
        Change::BecameError { errors: Range::of(seen.errors), count: Range::of(seen.count), is_new }
    };
    deepest(shape, became, error, out);
    deepest(shape, recovered, |_| Change::Recovered, out);
}

fn deepest(shape: &Shape, is: impl Fn(PathIx) -> bool, change: impl Fn(PathIx) -> Change, out: &mut Vec<Difference>) {
    let mut above = vec![0usize; shape.paths.len()];
    let mut explained = vec![false; shape.paths.len()];
    let found: Vec<PathIx> = shape.paths.all().filter(|&ix| is(ix)).collect();
    let mut is_one = vec![false; shape.paths.len()];
    for &ix in &found {
        is_one[ix.index()] = true;
        if let Some(parent) = shape.paths.parent(ix).filter(|parent| is_one[parent.index()]) {
            above[ix.index()] = above[parent.index()] + 1;
        }
    }
    // A failure that skips a span, because its status says nothing of it, is still what is below it.
    for ix in shape.paths.all().rev() {
        if (is_one[ix.index()] || explained[ix.index()])
            && let Some(parent) = shape.paths.parent(ix)
        {
            explained[parent.index()] = true;
        }
    }
    for ix in found.into_iter().filter(|ix| !explained[ix.index()]) {
        let place = Some(Place::of(&shape.paths, ix));
        out.push(Difference { change: change(ix), place, implied: above[ix.index()] });
    }
}

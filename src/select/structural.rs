//! Which spans stand in a relation to one of a set. Each is one walk over the tree's pre-order, never over pairs.

use super::ast::{Mode, Relation};
use super::bits::Bits;
use super::index::Index;
use crate::trace::{SpanIx, Trace};
use std::collections::HashMap;

/// What a structural operator returns. Without `disconnected`, parts of the trace that hang from a missing parent are
/// related to nothing, as in Tempo; so `!` returns their spans.
pub(super) fn structural(
    trace: &Trace,
    relation: Relation,
    mode: Mode,
    disconnected: bool,
    lhs: &Bits,
    rhs: Bits,
) -> Bits {
    let related = |set: &Bits, relation: Relation| {
        if disconnected {
            return relate(trace, set, relation);
        }
        let connected = set.filter(|row| trace.tree().is_connected(SpanIx(row as u32)));
        relate(trace, &connected, relation)
    };
    match mode {
        Mode::Plain => rhs.and(&related(lhs, relation)),
        Mode::Not => rhs.without(&related(lhs, relation)),
        Mode::Union => {
            let left = lhs.clone().and(&related(&rhs, inverse(relation)));
            rhs.and(&related(lhs, relation)).or(&left)
        }
    }
}

/// The same without `disconnected`, of sets that are small beside the trace: it looks only at their spans, which stand
/// sorted in both.
pub(super) fn structural_of_few(
    index: &Index<'_>,
    relation: Relation,
    mode: Mode,
    lhs: &[SpanIx],
    rhs: &[SpanIx],
) -> Vec<SpanIx> {
    let of = |rhs: &[SpanIx], lhs: &[SpanIx], relation: Relation, wanted: bool| -> Vec<SpanIx> {
        rhs.iter().copied().zip(related(index, relation, lhs, rhs)).filter(|at| at.1 == wanted).map(|at| at.0).collect()
    };
    match mode {
        Mode::Plain => of(rhs, lhs, relation, true),
        Mode::Not => of(rhs, lhs, relation, false),
        Mode::Union => {
            let mut both = of(rhs, lhs, relation, true);
            both.extend(of(lhs, rhs, inverse(relation), true));
            both.sort_unstable();
            both.dedup();
            both
        }
    }
}

/// Of each span, whether it is a child (parent, …) of one of `set`.
fn related(index: &Index<'_>, relation: Relation, set: &[SpanIx], of: &[SpanIx]) -> Vec<bool> {
    let tree = index.trace().tree();
    let connected = |ix: &SpanIx| tree.is_connected(*ix);
    let set: Vec<SpanIx> = set.iter().copied().filter(connected).collect();
    let has = |sorted: &[SpanIx], ix: SpanIx| sorted.binary_search(&ix).is_ok();
    match relation {
        Relation::Child => of.iter().map(|&ix| tree.parent(ix).is_some_and(|parent| has(&set, parent))).collect(),
        Relation::Parent => {
            let mut parents: Vec<SpanIx> = set.iter().filter_map(|&ix| tree.parent(ix)).collect();
            parents.sort_unstable();
            of.iter().map(|&ix| has(&parents, ix)).collect()
        }
        Relation::Sibling => {
            // Roots have no parent, and are siblings of each other.
            let mut families: HashMap<Option<SpanIx>, u32> = HashMap::new();
            set.iter().for_each(|&ix| *families.entry(tree.parent(ix)).or_default() += 1);
            let others = |&ix: &SpanIx| families.get(&tree.parent(ix)).map_or(0, |all| all - u32::from(has(&set, ix)));
            of.iter().map(|ix| connected(ix) && others(ix) > 0).collect()
        }
        Relation::Descendant | Relation::Ancestor => {
            // Subtrees are intervals that lie within or beside each other.
            let mut trees: Vec<(i64, i64)> =
                set.iter().map(|&ix| index.nested(ix)).map(|at| (at.left, at.right)).collect();
            trees.sort_unstable();
            let furthest: Vec<i64> = trees
                .iter()
                .scan(0, |furthest, at| {
                    *furthest = at.1.max(*furthest);
                    Some(*furthest)
                })
                .collect();
            let test = |ix: &SpanIx| {
                let at = index.nested(*ix);
                if relation == Relation::Descendant {
                    let before = trees.partition_point(|tree| tree.0 < at.left);
                    before > 0 && furthest[before - 1] > at.right
                } else {
                    let after = trees.partition_point(|tree| tree.0 <= at.left);
                    trees.get(after).is_some_and(|tree| tree.0 < at.right)
                }
            };
            of.iter().map(|ix| connected(ix) && test(ix)).collect()
        }
    }
}

fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Sibling => Relation::Sibling,
    }
}

/// The rows that are a child (parent, …) of a row of `set`.
fn relate(trace: &Trace, set: &Bits, relation: Relation) -> Bits {
    let tree = trace.tree();
    let n = trace.len();
    let parent = |row: usize| tree.parent(SpanIx(row as u32)).map(SpanIx::index);
    match relation {
        Relation::Child => Bits::of(n, (0..n).filter(|&row| parent(row).is_some_and(|parent| set.get(parent)))),
        Relation::Parent => Bits::of(n, set.rows().filter_map(parent)),
        Relation::Descendant => {
            let mut below = Bits::empty(n);
            for &ix in tree.preorder() {
                if parent(ix.index()).is_some_and(|parent| set.get(parent) || below.get(parent)) {
                    below.set(ix.index());
                }
            }
            below
        }
        Relation::Ancestor => {
            let mut above = Bits::empty(n);
            for &ix in tree.preorder().iter().rev() {
                let row = ix.index();
                if let Some(parent) = parent(row)
                    && (set.get(row) || above.get(row))
                {
                    above.set(parent);
                }
            }
            above
        }
        Relation::Sibling => siblings(trace, set),
    }
}

/// Rows with the same parent as another row of the set. All roots are siblings of each other, as in Tempo.
fn siblings(trace: &Trace, set: &Bits) -> Bits {
    let tree = trace.tree();
    let n = trace.len();
    // The last place counts roots.
    let mut counts = vec![0u32; n + 1];
    let family = |row: usize| match tree.parent(SpanIx(row as u32)) {
        Some(parent) => Some(parent.index()),
        None => tree.is_connected(SpanIx(row as u32)).then_some(n),
    };
    set.rows().filter_map(family).for_each(|family| counts[family] += 1);
    let has_sibling = |&row: &usize| family(row).is_some_and(|family| counts[family] > u32::from(set.get(row)));
    Bits::of(n, (0..n).filter(has_sibling))
}

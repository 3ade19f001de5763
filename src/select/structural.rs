//! Which spans stand in a relation to one of a set. Each is one walk over the tree's pre-order, never over pairs.

use super::ast::{Mode, Relation};
use super::bits::Bits;
use crate::trace::{SpanIx, Trace};

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

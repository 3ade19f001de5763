//! Rows that a query may or may not pick: the type in which a value is told keeps it from being compared, or what is asked
//! about may be among what the SDK dropped.

use super::ast::*;
use super::bits::Bits;
use super::filter::{mask, resolve};
use super::index::Index;
use super::reading::Reading;
use super::types;
use crate::trace::{Dropped, SpanIx};
use std::collections::BTreeMap;

/// The rows that a query does not pick for certain, and may; sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doubted {
    /// All of them.
    pub rows: Vec<SpanIx>,
    /// Those for what was lost of the span.
    pub lost: Vec<SpanIx>,
}

impl Query {
    /// The rows that this may pick beside `picked`, which are those that it does.
    pub fn in_doubt(&self, index: &Index<'_>, picked: &[SpanIx]) -> Doubted {
        let trace = index.trace();
        let beside = |reading| {
            let mut may = self.evaluate(index, reading).spans();
            may.retain(|ix| picked.binary_search(ix).is_err());
            may
        };
        let lossy = !trace.dropped().is_empty() || trace.untimed().len() > 0;
        let lost = if lossy { beside(Reading::Lost) } else { Vec::new() };
        let rows = if types::may_decide(self, index) { beside(Reading::AnyType) } else { lost.clone() };
        Doubted { rows, lost }
    }
}

/// The rows of `within` that a filter may pick for what was lost of them.
pub(super) fn of_lost(index: &Index<'_>, field: &FieldExpr, within: &Bits) -> Bits {
    let trace = index.trace();
    let mut lossy: BTreeMap<usize, Kinds> = BTreeMap::new();
    for (ix, dropped) in trace.dropped().iter().filter(|(ix, _)| within.get(ix.index())) {
        lossy.insert(ix.index(), Kinds::of(*dropped));
    }
    for ix in trace.untimed().filter(|ix| within.get(ix.index())) {
        lossy.entry(ix.index()).or_default().times = true;
    }
    let mut alike: BTreeMap<Kinds, Vec<usize>> = BTreeMap::new();
    lossy.into_iter().for_each(|(row, kinds)| alike.entry(kinds).or_default().push(row));
    alike.into_iter().fold(Bits::empty(within.len()), |all, (kinds, rows)| {
        let field = relaxed(field, kinds);
        all.or(&mask(index, &resolve(&field, trace, Reading::Written), &Bits::of(within.len(), rows)))
    })
}

/// What was lost of a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Kinds {
    attributes: bool,
    events: bool,
    links: bool,
    times: bool,
}

impl Kinds {
    fn of(dropped: Dropped) -> Kinds {
        Kinds { attributes: dropped.attributes > 0, events: dropped.events > 0, links: dropped.links > 0, times: false }
    }
    fn has(self, attribute: &Attribute) -> bool {
        match attribute {
            Attribute::Named { scope: Scope::Any | Scope::Span, .. } => self.attributes,
            Attribute::Named { scope: Scope::Event, .. } => self.events,
            Attribute::Named { scope: Scope::Link, .. } => self.links,
            Attribute::Named { scope: Scope::Resource | Scope::Instrumentation, .. } => false,
            Attribute::Intrinsic(Intrinsic::Duration) => self.times,
            Attribute::Intrinsic(Intrinsic::EventTime) if self.times => true,
            Attribute::Intrinsic(intrinsic) => intrinsic.of_event() && self.events || intrinsic.of_link() && self.links,
        }
    }
}

/// The filter with every condition on what was lost taken to hold.
// The parser bounds how deep a query nests, so recursion is bounded here.
fn relaxed(expr: &FieldExpr, kinds: Kinds) -> FieldExpr {
    let kind = match &expr.kind {
        FieldKind::Binary(op @ (FieldOp::And | FieldOp::Or), lhs, rhs) => {
            FieldKind::Binary(*op, Box::new(relaxed(lhs, kinds)), Box::new(relaxed(rhs, kinds)))
        }
        _ if rests_on(expr, kinds) => FieldKind::Static(Static::Bool(true)),
        other => other.clone(),
    };
    FieldExpr { kind, at: expr.at }
}

fn rests_on(expr: &FieldExpr, kinds: Kinds) -> bool {
    match &expr.kind {
        FieldKind::Attribute(attribute) => kinds.has(attribute),
        FieldKind::Binary(_, lhs, rhs) | FieldKind::Matches { operand: lhs, pattern: rhs, .. } => {
            rests_on(lhs, kinds) || rests_on(rhs, kinds)
        }
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            rests_on(inner, kinds)
        }
        FieldKind::Static(_) | FieldKind::Unreadable => false,
    }
}

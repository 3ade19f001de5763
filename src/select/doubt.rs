//! Rows that a query may or may not pick: the type in which a value is told keeps it from being compared, or what is asked
//! about may be among what the SDK dropped.

use super::ast::*;
use super::bits::Bits;
use super::filter::{mask, resolve};
use super::index::Index;
use super::other_names::Names;
use super::walk::attributes;
use crate::matcher::alias;
use crate::matcher::{Literal, Matcher, Operand};
use crate::trace::{Dropped, SpanIx};
use std::collections::BTreeMap;

/// What counts as picked beside what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Doubts {
    /// Nothing.
    #[default]
    None,
    /// What may be picked for what was lost of a span: dropped attributes, events and links, times that were not recorded.
    Lost,
    /// That, and what would be picked if a value were told in another type.
    All,
}

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
        let beside = |doubts| {
            let mut may = self.evaluate(index, doubts, Names::Written).spans();
            may.retain(|ix| picked.binary_search(ix).is_err());
            may
        };
        let lossy = !trace.dropped().is_empty() || trace.untimed().len() > 0;
        let lost = if lossy { beside(Doubts::Lost) } else { Vec::new() };
        let rows = if types_in_doubt(index, &self.pipeline) { beside(Doubts::All) } else { lost.clone() };
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
        all.or(&mask(index, &resolve(&field, trace, Names::Written), &Bits::of(within.len(), rows)))
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

fn is_text(operand: &Operand) -> bool {
    matches!(operand, Operand::Literal(Literal::Str(_)))
}

/// Whether a query asks of any attribute what only values of another type could satisfy. Asked first, since it is true of
/// few queries and looking for the rows costs as much as selecting.
fn types_in_doubt(index: &Index<'_>, pipeline: &Pipeline) -> bool {
    pipeline.stages.iter().any(|stage| matches!(stage, Stage::Spanset(expr) if of_spanset(index, expr)))
}

fn of_spanset(index: &Index<'_>, expr: &SpansetExpr) -> bool {
    match &expr.kind {
        SpansetKind::Filter(field) => of_filter(index, field),
        SpansetKind::Binary { lhs, rhs, .. } => of_spanset(index, lhs) || of_spanset(index, rhs),
        SpansetKind::Pipeline(inner) => types_in_doubt(index, inner),
        SpansetKind::Intersection(all) => all.iter().any(|expr| of_spanset(index, expr)),
        SpansetKind::Fields { tests, aliases } => tests.iter().any(|test| of_test(index, test, *aliases)),
    }
}

fn of_filter(index: &Index<'_>, expr: &FieldExpr) -> bool {
    let text = |side: &FieldExpr| matches!(side.kind, FieldKind::Static(Static::Str(_)));
    let fixed = |side: &FieldExpr| matches!(side.kind, FieldKind::Static(_));
    match &expr.kind {
        FieldKind::Attribute(attribute) => has(index, attribute, true, false),
        FieldKind::Binary(FieldOp::And | FieldOp::Or, lhs, rhs) => of_filter(index, lhs) || of_filter(index, rhs),
        FieldKind::Binary(_, lhs, rhs) => {
            let other = if fixed(lhs) { lhs } else { rhs };
            let mut found = false;
            attributes(expr, &mut |attribute| {
                // Beside what is known only at the span, either type may be the other one's.
                found |= has(index, attribute, !text(other), text(other) || !fixed(other));
            });
            found
        }
        FieldKind::Matches { operand, .. } => {
            let mut found = false;
            attributes(operand, &mut |attribute| found |= has(index, attribute, false, true));
            found
        }
        FieldKind::Not(inner) => of_filter(index, inner),
        FieldKind::Negative(_)
        | FieldKind::Exists(_)
        | FieldKind::Missing(_)
        | FieldKind::Static(_)
        | FieldKind::Unreadable => false,
    }
}

/// Whether an attribute has text, or a number or boolean, somewhere in the trace.
fn has(index: &Index<'_>, attribute: &Attribute, text: bool, scalar: bool) -> bool {
    let Attribute::Named { scope, name, .. } = attribute else { return false };
    let Some(key) = index.trace().symbols().get(name) else { return false };
    // Types are known of spans' own attributes only.
    let types = index.types(key);
    *scope != Scope::Span || text && types.text || scalar && types.scalar
}

fn of_test(index: &Index<'_>, test: &FieldTest, aliases: bool) -> bool {
    let symbols = index.trace().symbols();
    match &test.field {
        Field::Attribute(key) => {
            let types = symbols.get(key).map(|key| index.types(key)).unwrap_or_default();
            let differs = types.text && wants_scalar(&test.matcher) || types.scalar && wants_text(&test.matcher);
            // What other names' values are read as is the alias's to say.
            let mut others = alias::others(key).filter(|_| aliases);
            differs || others.any(|other| symbols.get(other.name).is_some())
        }
        Field::Resource(_) | Field::ScopeAttribute(_) => wants_scalar(&test.matcher) || wants_text(&test.matcher),
        _ => false,
    }
}

/// Whether text might satisfy it for what the text reads as.
fn wants_scalar(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::All(all) => all.iter().any(wants_scalar),
        Matcher::Compare(_, operand)
        | Matcher::Contains(operand)
        | Matcher::StartsWith(operand)
        | Matcher::EndsWith(operand) => !is_text(operand),
        Matcher::OneOf(operands) => !operands.iter().all(is_text),
        Matcher::Range(..) | Matcher::Type(_) => true,
        Matcher::Matches { .. } | Matcher::Exists | Matcher::Absent | Matcher::Length(_) => false,
    }
}

/// Whether a number or a boolean might satisfy it for its text.
fn wants_text(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::All(all) => all.iter().any(wants_text),
        Matcher::Compare(_, operand) => is_text(operand),
        Matcher::OneOf(operands) => operands.iter().any(is_text),
        Matcher::Range(..) | Matcher::Type(_) | Matcher::Exists | Matcher::Absent => false,
        Matcher::Contains(_)
        | Matcher::StartsWith(_)
        | Matcher::EndsWith(_)
        | Matcher::Matches { .. }
        | Matcher::Length(_) => true,
    }
}

//! What a query picks for certain and what it may pick, where not everything is known: what was lost of a span, in which
//! type a value is meant.

use super::answers::{Lost, Open, Values};
use super::ast::*;
use super::bits::Bits;
use super::facts::{Source, source};
use super::filter::{Node, mask, needs, resolve, value_at};
use super::index::Index;
use super::reading::Reading;
use super::types::{self, Around};
use super::value::Val;
use super::walk::{Part, attributes, parts};
use crate::trace::{SpanIx, Sym};

/// What is not known of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// What was lost of its spans: dropped attributes, events and links, times.
    Lost,
    /// That, and in which type a value is meant that stands beside one of another type.
    Type,
}

/// The rows that a query picks where not everything is known, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// Whatever the unknown is.
    pub surely: Vec<SpanIx>,
    /// At most.
    pub possibly: Vec<SpanIx>,
}

impl Query {
    /// What it picks whatever is in doubt, and what it may pick. `None` where nothing is in doubt of what it asks.
    pub fn between(&self, index: &Index<'_>, doubt: Doubt) -> Option<Between> {
        let trace_lost = of_trace(index);
        let of_types = doubt == Doubt::Type && types::may_decide(self, index);
        let of_lost = parts(self).into_iter().any(|part| match part {
            Part::Test(test) => match test.field {
                Field::Attribute(_) => trace_lost.attributes,
                Field::Duration => trace_lost.times,
                _ => false,
            },
            part => part.expr().is_some_and(|expr| {
                let mut touched = false;
                attributes(expr, &mut |one| touched |= trace_lost.touches(source(one, index.trace())));
                touched
            }),
        });
        if !of_types && !of_lost {
            return None;
        }
        Some(self.picked(index, if of_types { Reading::AnyType } else { Reading::Lost }))
    }

    /// Whether what is not known, read as not there, may make it pick what it should not. Else what it picks as it is written
    /// it picks for certain.
    pub fn relies_on_absence(&self) -> bool {
        in_pipeline(&self.pipeline)
    }
}

fn in_pipeline(pipeline: &Pipeline) -> bool {
    pipeline.stages.iter().any(|stage| match stage {
        Stage::Spanset(expr) => in_spanset(expr),
        Stage::Scalar(_) | Stage::By(_) => true,
        Stage::Coalesce | Stage::Select(_) => false,
    })
}

// The parser bounds how deep a query nests, so recursion is bounded here.
fn in_spanset(expr: &SpansetExpr) -> bool {
    match &expr.kind {
        SpansetKind::Filter(field) => in_field(field),
        SpansetKind::Binary { op: SpansetOp::Structure(_, Mode::Not), .. } => true,
        SpansetKind::Binary { lhs, rhs, .. } => in_spanset(lhs) || in_spanset(rhs),
        SpansetKind::Pipeline(inner) => in_pipeline(inner),
        SpansetKind::Fields { .. } => false,
        SpansetKind::Intersection(all) => all.iter().any(in_spanset),
    }
}

fn in_field(expr: &FieldExpr) -> bool {
    match &expr.kind {
        FieldKind::Binary(FieldOp::And | FieldOp::Or, lhs, rhs) => in_field(lhs) || in_field(rhs),
        // Two attributes may both be told in another type than meant.
        FieldKind::Binary(op, lhs, rhs) if op.is_comparison() => {
            !is_plain(lhs) || !is_plain(rhs) || is_named(lhs) && is_named(rhs)
        }
        FieldKind::Matches { operand: inner, .. } | FieldKind::Exists(inner) => !is_plain(inner),
        FieldKind::Attribute(_) | FieldKind::Static(_) => !is_plain(expr),
        FieldKind::Binary(..)
        | FieldKind::Negative(_)
        | FieldKind::Not(_)
        | FieldKind::Missing(_)
        | FieldKind::Unreadable => true,
    }
}

/// Whether it is nothing where something of it is not there.
fn is_plain(expr: &FieldExpr) -> bool {
    match &expr.kind {
        // The resource's counts where the span has none.
        FieldKind::Attribute(Attribute::Named { scope, .. }) => *scope != Scope::Any,
        FieldKind::Attribute(Attribute::Intrinsic(_)) | FieldKind::Static(_) => true,
        FieldKind::Negative(inner) => is_plain(inner),
        _ => false,
    }
}

fn is_named(expr: &FieldExpr) -> bool {
    match &expr.kind {
        FieldKind::Attribute(Attribute::Named { .. }) => true,
        FieldKind::Negative(inner) => is_named(inner),
        _ => false,
    }
}

/// All that was lost of any span of a trace.
fn of_trace(index: &Index<'_>) -> Lost {
    let trace = index.trace();
    let times = Lost { times: trace.untimed().len() > 0, ..Lost::default() };
    trace.dropped().iter().fold(times, |all, (_, dropped)| all.or(Lost::of(*dropped)))
}

/// The rows of `within` that a filter may pick, and those that it does for certain where these are fewer.
pub(super) fn filter(
    index: &Index<'_>,
    field: &FieldExpr,
    reading: Reading<'_>,
    within: &Bits,
) -> (Bits, Option<Bits>) {
    let node = resolve(field, index.trace(), reading);
    if reading.is_exact() {
        return (mask(index, &node, within), None);
    }
    let unknown = Unknown::of(index, field, types::A_BOOLEAN, reading);
    let (may, sure) = unknown.filter(&node, within);
    let sure = (sure != may).then_some(sure);
    (may, sure)
}

/// What is not known of what an expression asks.
struct Unknown<'i, 't> {
    index: &'i Index<'t>,
    reading: Reading<'i>,
    lost: Lost,
    /// Attributes whose values may be meant in another type.
    mistyped: Vec<(Scope, Sym)>,
}

impl<'i, 't> Unknown<'i, 't> {
    fn of(index: &'i Index<'t>, expr: &FieldExpr, around: Around, reading: Reading<'i>) -> Unknown<'i, 't> {
        let lost = if reading.is_of_lost() { of_trace(index) } else { Lost::default() };
        let mistyped = if reading.is_of_types() { types::differing(expr, around, index) } else { Vec::new() };
        Unknown { index, reading, lost, mistyped }
    }
    fn open(&self, ix: SpanIx) -> Open<'i, 't> {
        Open::new(self.index, ix, self.reading)
    }

    fn filter(&self, node: &Node<'_>, within: &Bits) -> (Bits, Bits) {
        let index = self.index;
        if !self.touches(node) {
            let picked = mask(index, node, within);
            return (picked.clone(), picked);
        }
        match node {
            Node::And(parts) => {
                let is_known = |part: &&Node<'_>| !self.touches(part) && !needs(part).any();
                let (known, open): (Vec<&Node<'_>>, Vec<&Node<'_>>) = parts.iter().partition(is_known);
                let left = known.into_iter().fold(within.clone(), |left, part| mask(index, part, &left));
                if open.iter().filter(|part| needs(part).any()).count() > 1 {
                    // They may have to hold of one and the same event.
                    return self.by_row(&Node::And(open.into_iter().cloned().collect()), &left);
                }
                open.into_iter().fold((left.clone(), left), |(may, sure), part| {
                    let (holds, surely) = self.filter(part, &may);
                    (holds, sure.and(&surely))
                })
            }
            Node::Or(parts) => {
                let none = || Bits::empty(within.len());
                parts.iter().fold((none(), none()), |(may, sure), part| {
                    let rest = within.clone().without(&sure);
                    let (holds, surely) = self.filter(part, &rest);
                    (may.or(&holds), sure.or(&surely))
                })
            }
            _ => self.by_row(node, within),
        }
    }

    fn by_row(&self, node: &Node<'_>, within: &Bits) -> (Bits, Bits) {
        let rows = self.rows(node, within);
        let known = within.clone().without(&rows);
        let mut may = mask(self.index, node, &known);
        let mut sure = may.clone();
        for row in rows.rows() {
            let chance = self.open(SpanIx(row as u32)).chance(node);
            if chance.may {
                may.set(row);
            }
            if chance.must {
                sure.set(row);
            }
        }
        (may, sure)
    }

    /// Whether a node may be something else at any row than it is as it is written.
    fn touches(&self, node: &Node<'_>) -> bool {
        let mut touched = false;
        node.each_source(&mut |source| {
            touched |= source.is_none_or(|source| self.lost.touches(source) || self.is_mistyped(source));
        });
        touched
    }
    fn is_mistyped(&self, source: Source) -> bool {
        matches!(source, Source::Named(scope, Some(key)) if self.mistyped.contains(&(scope, key)))
    }

    /// The rows of `within` at which it may.
    fn rows(&self, node: &Node<'_>, within: &Bits) -> Bits {
        let trace = self.index.trace();
        let mut sources = Vec::new();
        let mut all = false;
        node.each_source(&mut |source| match source {
            None => all = true,
            Some(Source::Intrinsic(Intrinsic::TraceDuration)) => all |= self.lost.times,
            Some(source @ Source::Named(scope, _)) if self.is_mistyped(source) && scope != Scope::Span => all = true,
            Some(source) => sources.push(source),
        });
        if all {
            return within.clone();
        }
        let mut rows = Bits::empty(within.len());
        if self.reading.is_of_lost() {
            let touched = |lost: Lost| sources.iter().any(|source| lost.touches(*source));
            let dropped = trace.dropped().iter().filter(|(_, dropped)| touched(Lost::of(*dropped)));
            dropped.for_each(|(ix, _)| rows.set(ix.index()));
            if touched(Lost { times: true, ..Lost::default() }) {
                trace.untimed().for_each(|ix| rows.set(ix.index()));
            }
        }
        for source in sources.into_iter().filter(|source| self.is_mistyped(*source)) {
            if let Source::Named(_, Some(key)) = source {
                trace.attributes.column(key).for_each(|(row, _)| rows.set(row));
            }
        }
        rows.and(within)
    }
}

/// An expression whose values are asked for, span by span: for grouping and aggregates.
pub(super) struct Operand<'q, 'i, 't> {
    node: Node<'q>,
    unknown: Unknown<'i, 't>,
    /// Where it may be something else than it is as it is written.
    open: Option<Bits>,
}

impl<'q, 'i, 't> Operand<'q, 'i, 't> {
    pub(super) fn of(
        index: &'i Index<'t>,
        expr: &'q FieldExpr,
        around: Around,
        reading: Reading<'i>,
    ) -> Operand<'q, 'i, 't> {
        let node = resolve(expr, index.trace(), reading);
        let unknown = Unknown::of(index, expr, around, reading);
        let open = (!reading.is_exact() && unknown.touches(&node)).then(|| unknown.rows(&node, index.all()));
        Operand { node, unknown, open }
    }
    pub(super) fn is_open(&self, ix: SpanIx) -> bool {
        self.open.as_ref().is_some_and(|open| open.get(ix.index()))
    }
    /// What it is as it is written.
    pub(super) fn value(&self, ix: SpanIx) -> Val<'_> {
        value_at(self.unknown.index, &self.node, ix)
    }
    /// What it may be.
    pub(super) fn values(&self, ix: SpanIx) -> Values<'_> {
        self.unknown.open(ix).values_of(&self.node)
    }
}

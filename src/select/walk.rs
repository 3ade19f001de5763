//! What a query is made of, whatever it is nested in. The parser bounds how deep queries nest.

use super::ast::*;

/// A part of a query that asks something.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'q> {
    /// True of a span or not.
    Filter(&'q FieldExpr),
    /// Sets of spans are made by it.
    By(&'q FieldExpr),
    /// A number is made of a set of spans.
    Aggregate(&'q Aggregate),
    /// A key of a mapping selector.
    Test(&'q FieldTest),
}

impl<'q> Part<'q> {
    /// Its expression, in TraceQL.
    pub(super) fn expr(self) -> Option<&'q FieldExpr> {
        match self {
            Part::Filter(expr) | Part::By(expr) => Some(expr),
            Part::Aggregate(aggregate) => aggregate.field.as_ref(),
            Part::Test(_) => None,
        }
    }
}

/// The parts of a query.
pub(super) fn parts(query: &Query) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    pipeline(&query.pipeline, &mut found);
    found
}

fn pipeline<'q>(all: &'q Pipeline, found: &mut Vec<Part<'q>>) {
    for stage in &all.stages {
        match stage {
            Stage::Spanset(expr) => spanset(expr, found),
            // Checked queries have an aggregate on the left and a value on the right.
            Stage::Scalar(ScalarFilter { lhs: ScalarExpr::Aggregate(aggregate), .. }) => {
                found.push(Part::Aggregate(aggregate));
            }
            Stage::By(expr) => found.push(Part::By(expr)),
            Stage::Scalar(_) | Stage::Coalesce | Stage::Select(_) => {}
        }
    }
}

fn spanset<'q>(expr: &'q SpansetExpr, found: &mut Vec<Part<'q>>) {
    match &expr.kind {
        SpansetKind::Filter(inner) => found.push(Part::Filter(inner)),
        SpansetKind::Binary { lhs, rhs, .. } => {
            spanset(lhs, found);
            spanset(rhs, found);
        }
        SpansetKind::Pipeline(inner) => pipeline(inner, found),
        SpansetKind::Fields { tests, .. } => found.extend(tests.iter().map(Part::Test)),
        SpansetKind::Intersection(all) => all.iter().for_each(|expr| spanset(expr, found)),
    }
}

/// The attributes of an expression.
pub(super) fn attributes<'q>(expr: &'q FieldExpr, each: &mut dyn FnMut(&'q Attribute)) {
    match &expr.kind {
        FieldKind::Attribute(attribute) => each(attribute),
        FieldKind::Binary(_, lhs, rhs) | FieldKind::Matches { operand: lhs, pattern: rhs, .. } => {
            attributes(lhs, each);
            attributes(rhs, each);
        }
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            attributes(inner, each);
        }
        FieldKind::Static(_) | FieldKind::Unreadable => {}
    }
}

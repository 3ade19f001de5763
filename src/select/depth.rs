//! How deep a tree is. Trees are built bottom up and each level is checked, so these walks never go deeper than the
//! limit plus one.

use super::ast::*;

pub(super) fn field(expr: &FieldExpr) -> u32 {
    1 + match &expr.kind {
        FieldKind::Static(_) | FieldKind::Attribute(_) | FieldKind::Unreadable => 0,
        FieldKind::Binary(_, lhs, rhs) => field(lhs).max(field(rhs)),
        FieldKind::Matches { operand, pattern, .. } => field(operand).max(field(pattern)),
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            field(inner)
        }
    }
}

pub(super) fn spanset(expr: &SpansetExpr) -> u32 {
    1 + match &expr.kind {
        SpansetKind::Filter(inner) => field(inner),
        SpansetKind::Binary { lhs, rhs, .. } => spanset(lhs).max(spanset(rhs)),
        SpansetKind::Pipeline(inner) => pipeline(inner),
        SpansetKind::Fields { .. } => 0,
        SpansetKind::Intersection(all) => all.iter().map(spanset).max().unwrap_or(0),
    }
}

pub(super) fn pipeline(pipeline: &Pipeline) -> u32 {
    let stage = |stage: &Stage| match stage {
        Stage::Spanset(expr) => spanset(expr),
        Stage::Scalar(filter) => scalar(&filter.lhs).max(scalar(&filter.rhs)),
        Stage::By(expr) => field(expr),
        Stage::Coalesce | Stage::Select(_) => 0,
    };
    1 + pipeline.stages.iter().map(stage).max().unwrap_or(0)
}

pub(super) fn scalar(expr: &ScalarExpr) -> u32 {
    1 + match expr {
        ScalarExpr::Aggregate(aggregate) => aggregate.field.as_ref().map_or(0, field),
        ScalarExpr::Static(..) => 0,
        ScalarExpr::Binary(_, lhs, rhs, _) => scalar(lhs).max(scalar(rhs)),
        ScalarExpr::Pipeline(inner, tail, _) => pipeline(inner).max(scalar(tail)),
    }
}

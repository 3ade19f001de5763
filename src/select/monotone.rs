//! Whether more spans can take a span out of a query's result, which decides when an expectation may be judged.

use super::ast::*;

/// What more spans can do to a query's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monotone {
    /// Only add to it: what is picked stays picked.
    Up,
    /// Anything: a span may be picked now and not later.
    Exact,
}

impl Monotone {
    fn and(self, other: Monotone) -> Monotone {
        if self == Monotone::Up { other } else { self }
    }
    fn all(parts: impl IntoIterator<Item = Monotone>) -> Monotone {
        parts.into_iter().fold(Monotone::Up, Monotone::and)
    }
    fn up_if(up: bool) -> Monotone {
        if up { Monotone::Up } else { Monotone::Exact }
    }
}

impl Query {
    /// What more spans of the trace can do to the result. Facts of one span do not change once it is told; facts of the
    /// trace do (root, duration, nested-set numbers, counts of children), and what says that something is not there.
    pub fn monotone(&self) -> Monotone {
        pipeline(&self.pipeline)
    }
}

fn pipeline(all: &Pipeline) -> Monotone {
    Monotone::all(all.stages.iter().map(|stage| match stage {
        Stage::Spanset(expr) => spanset(expr),
        Stage::By(expr) => field(expr),
        Stage::Coalesce | Stage::Select(_) => Monotone::Up,
        Stage::Scalar(filter) => scalar(filter),
    }))
}

fn spanset(expr: &SpansetExpr) -> Monotone {
    match &expr.kind {
        SpansetKind::Filter(inner) => field(inner),
        SpansetKind::Binary { op: SpansetOp::Structure(_, Mode::Not), .. } => Monotone::Exact,
        SpansetKind::Binary { lhs, rhs, .. } => spanset(lhs).and(spanset(rhs)),
        SpansetKind::Pipeline(inner) => pipeline(inner),
        SpansetKind::Fields { .. } => Monotone::Up,
        SpansetKind::Intersection(all) => Monotone::all(all.iter().map(spanset)),
    }
}

/// A set only grows, so its count and its greatest value only rise, its smallest only falls, and a sum of what is never
/// negative only rises.
fn scalar(filter: &ScalarFilter) -> Monotone {
    let ScalarExpr::Aggregate(aggregate) = &filter.lhs else { return Monotone::Exact };
    let at_least = matches!(filter.op, FieldOp::Gt | FieldOp::Gte);
    let at_most = matches!(filter.op, FieldOp::Lt | FieldOp::Lte);
    let up = match aggregate.function {
        AggregateFn::Count | AggregateFn::Max => at_least,
        AggregateFn::Min => at_most,
        AggregateFn::Sum => {
            let duration = |field: &FieldExpr| {
                matches!(field.kind, FieldKind::Attribute(Attribute::Intrinsic(Intrinsic::Duration)))
            };
            at_least && aggregate.field.as_ref().is_some_and(duration)
        }
        AggregateFn::Avg => false,
    };
    Monotone::up_if(up).and(aggregate.field.as_ref().map_or(Monotone::Up, field))
}

fn field(expr: &FieldExpr) -> Monotone {
    match &expr.kind {
        FieldKind::Static(_) | FieldKind::Unreadable => Monotone::Up,
        FieldKind::Attribute(Attribute::Named { .. }) => Monotone::Up,
        FieldKind::Attribute(Attribute::Intrinsic(intrinsic)) => {
            use Intrinsic::*;
            let of_trace = matches!(
                intrinsic,
                RootName | RootService | TraceDuration | ChildCount | NestedSetLeft | NestedSetRight | NestedSetParent
            );
            Monotone::up_if(!of_trace)
        }
        FieldKind::Binary(_, lhs, rhs) | FieldKind::Matches { operand: lhs, pattern: rhs, .. } => {
            field(lhs).and(field(rhs))
        }
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            field(inner)
        }
    }
}

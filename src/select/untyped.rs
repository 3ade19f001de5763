//! Whether a query reads text as numbers or booleans: in a trace whose format tells every attribute as text it does, and
//! the report says so.

use super::ast::*;
use super::walk::{Part, parts};
use crate::matcher::alias;
use crate::trace::Trace;

impl Query {
    /// Whether it compares an attribute that the trace may have with a number or a boolean, in a trace without types.
    pub fn reads_text_as_typed(&self, trace: &Trace) -> bool {
        let known = |key: &str| {
            let names = trace.symbols();
            names.get(key).is_some() || alias::others(key).any(|other| names.get(other.name).is_some())
        };
        let part = |part| match part {
            Part::Test(FieldTest { field, matcher, .. }) => match field {
                Field::Attribute(key) | Field::Resource(key) | Field::ScopeAttribute(key) => {
                    matcher.asks_for_types() && known(key)
                }
                _ => false,
            },
            Part::Filter(expr) => reads(expr, true, &known),
            Part::By(expr) => reads(expr, false, &known),
            Part::Aggregate(aggregate) => {
                let typed = aggregate.function != AggregateFn::Count;
                aggregate.field.as_ref().is_some_and(|expr| reads(expr, typed, &known))
            }
        };
        trace.untyped() && parts(self).into_iter().any(part)
    }
}

/// Whether attributes in an expression are read as a number or a boolean. `typed`: what is around it wants one.
fn reads(expr: &FieldExpr, typed: bool, known: &dyn Fn(&str) -> bool) -> bool {
    match &expr.kind {
        FieldKind::Attribute(Attribute::Named { name, .. }) => typed && known(name),
        FieldKind::Binary(op, lhs, rhs) if op.is_comparison() => {
            reads(lhs, !is_text(rhs), known) || reads(rhs, !is_text(lhs), known)
        }
        FieldKind::Binary(_, lhs, rhs) => reads(lhs, true, known) || reads(rhs, true, known),
        FieldKind::Negative(inner) | FieldKind::Not(inner) => reads(inner, true, known),
        FieldKind::Matches { operand: inner, .. } | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            reads(inner, false, known)
        }
        FieldKind::Static(_) | FieldKind::Attribute(_) | FieldKind::Unreadable => false,
    }
}

fn is_text(expr: &FieldExpr) -> bool {
    use Intrinsic::*;
    match &expr.kind {
        FieldKind::Static(value) => matches!(value, Static::Str(_) | Static::Template { quoted: true, .. }),
        FieldKind::Attribute(Attribute::Intrinsic(intrinsic)) => !matches!(
            intrinsic,
            Duration | TraceDuration | EventTime | ChildCount | NestedSetLeft | NestedSetRight | NestedSetParent
        ),
        _ => false,
    }
}

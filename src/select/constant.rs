//! Queries whose answer is the same for every trace: `{ }`, `{ duration >= 0 }`, `{ false }`.
//!
//! What is not recognised here counts as depending on the trace, so a query is only called constant where it surely is.

use super::ast::*;
use crate::matcher::{Fact, Position, matches_everything};
use crate::trace::StatusCode;
use std::cmp::Ordering;

/// Whether a query picks something in every trace that has a span (`Some(true)`) or in none (`Some(false)`).
pub(crate) fn constant(query: &Query) -> Option<bool> {
    Known { status: None }.pipeline(&query.pipeline)
}

/// Whether a query picks every span that failed (`Some(true)`) or none of them (`Some(false)`).
pub(crate) fn constant_of_failed(query: &Query) -> Option<bool> {
    Known { status: Some(StatusCode::Error) }.pipeline(&query.pipeline)
}

/// What is known of the spans that a query is asked of.
#[derive(Clone, Copy)]
struct Known {
    status: Option<StatusCode>,
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), b) => b,
        (None, _) => None,
    }
}

fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    and(a.map(|a| !a), b.map(|b| !b)).map(|both| !both)
}

impl Known {
    // Recursive, like the others: the parser bounds how deep queries nest.
    fn pipeline(self, pipeline: &Pipeline) -> Option<bool> {
        let stages = pipeline.stages.iter().map(|stage| match stage {
            Stage::Spanset(expr) => self.spanset(expr),
            Stage::Scalar(filter) => scalar(filter),
            // Groups of spans that lack the value may be left out.
            Stage::By(_) => None,
            Stage::Coalesce | Stage::Select(_) => Some(true),
        });
        stages.fold(Some(true), and)
    }

    fn spanset(self, expr: &SpansetExpr) -> Option<bool> {
        match &expr.kind {
            SpansetKind::Filter(filter) => self.field(filter),
            SpansetKind::Pipeline(inner) => self.pipeline(inner),
            SpansetKind::Intersection(all) => all.iter().map(|one| self.spanset(one)).fold(Some(true), and),
            SpansetKind::Fields { tests, .. } => tests.iter().map(|one| self.test(one)).fold(Some(true), and),
            SpansetKind::Binary { op, lhs, rhs, .. } => {
                let (lhs, rhs) = (self.spanset(lhs), self.spanset(rhs));
                match op {
                    SpansetOp::And => and(lhs, rhs),
                    SpansetOp::Or => or(lhs, rhs),
                    SpansetOp::Structure(_, Mode::Not) if lhs == Some(false) => rhs,
                    SpansetOp::Structure(_, Mode::Not) => and(None, rhs),
                    // In a trace of one span there is no relation.
                    SpansetOp::Structure(_, Mode::Plain | Mode::Union) => and(None, and(lhs, rhs)),
                }
            }
        }
    }

    fn test(self, test: &FieldTest) -> Option<bool> {
        if let (Field::Status, Some(status)) = (&test.field, self.status) {
            return Some(test.matcher.test(&Fact::status(status)));
        }
        let position = match test.field {
            Field::Name => Position::Text,
            Field::Kind => Position::Word(KINDS),
            Field::Status => Position::Word(STATUSES),
            Field::Duration => Position::Duration,
            _ => return None,
        };
        test.matcher.is_always_true(position).then_some(true)
    }

    fn field(self, expr: &FieldExpr) -> Option<bool> {
        match &expr.kind {
            FieldKind::Static(Static::Bool(value)) => Some(*value),
            FieldKind::Not(inner) => self.field(inner).map(|value| !value),
            FieldKind::Exists(fact) => is_always_there(fact).then_some(true),
            FieldKind::Missing(fact) => is_always_there(fact).then_some(false),
            FieldKind::Matches { operand, pattern, negated, .. } => {
                let everything =
                    matches!(&pattern.kind, FieldKind::Static(Static::Str(text)) if matches_everything(text));
                (everything && intrinsic(operand) == Some(Intrinsic::Name)).then_some(!negated)
            }
            FieldKind::Binary(FieldOp::And, lhs, rhs) => match exclude(lhs, rhs) {
                true => Some(false),
                false => and(self.field(lhs), self.field(rhs)),
            },
            FieldKind::Binary(FieldOp::Or, lhs, rhs) => match complete(lhs, rhs) {
                true => Some(true),
                false => or(self.field(lhs), self.field(rhs)),
            },
            FieldKind::Binary(op, lhs, rhs) => match (equality(expr), self.status) {
                (Some((fact, Static::Status(value), equal)), Some(status))
                    if intrinsic(fact) == Some(Intrinsic::Status) =>
                {
                    Some((*value == status) == equal)
                }
                _ => comparison(*op, lhs, rhs),
            },
            _ => None,
        }
    }
}

const KINDS: &[&str] = &["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUSES: &[&str] = &["unset", "ok", "error"];

/// The spans at hand are at least one.
fn scalar(filter: &ScalarFilter) -> Option<bool> {
    let ScalarExpr::Aggregate(aggregate) = &filter.lhs else { return None };
    let ScalarExpr::Static(value, _) = &filter.rhs else { return None };
    let least = match aggregate.function {
        AggregateFn::Count => 1.0,
        _ if aggregate.field.as_ref().is_some_and(is_not_negative) => 0.0,
        _ => return None,
    };
    from(least, filter.op, number(value)?)
}

/// The answer of `x op value` for a whole number `x` of at least `least`.
fn from(least: f64, op: FieldOp, value: f64) -> Option<bool> {
    match op {
        FieldOp::Gt if value < least => Some(true),
        FieldOp::Gte if value <= least => Some(true),
        FieldOp::Ne if value < least => Some(true),
        FieldOp::Lt if value <= least => Some(false),
        FieldOp::Lte if value < least => Some(false),
        FieldOp::Eq if value < least => Some(false),
        _ => None,
    }
}

fn number(value: &Static) -> Option<f64> {
    match value {
        Static::Int(value) | Static::Duration(value) => Some(*value as f64),
        Static::Float(value) => Some(*value),
        _ => None,
    }
}

fn is_not_negative(expr: &FieldExpr) -> bool {
    matches!(intrinsic(expr), Some(Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::ChildCount))
}

fn intrinsic(expr: &FieldExpr) -> Option<Intrinsic> {
    match &expr.kind {
        FieldKind::Attribute(Attribute::Intrinsic(intrinsic)) => Some(*intrinsic),
        _ => None,
    }
}

/// A fact of which every span has one value.
fn is_always_there(expr: &FieldExpr) -> bool {
    use Intrinsic::{ChildCount, Duration, Kind, Name, SpanId, Status, TraceDuration, TraceId};
    matches!(intrinsic(expr), Some(Name | Kind | Status | Duration | TraceDuration | SpanId | TraceId | ChildCount))
}

fn comparison(op: FieldOp, lhs: &FieldExpr, rhs: &FieldExpr) -> Option<bool> {
    if is_always_there(lhs) && lhs == rhs {
        return match op {
            FieldOp::Eq | FieldOp::Lte | FieldOp::Gte => Some(true),
            FieldOp::Ne | FieldOp::Lt | FieldOp::Gt => Some(false),
            _ => None,
        };
    }
    match (constant_number(lhs), constant_number(rhs)) {
        (None, Some(value)) if is_not_negative(lhs) => from(0.0, op, value),
        (Some(value), None) if is_not_negative(rhs) => from(0.0, op.flipped(), value),
        (Some(lhs), Some(rhs)) => {
            let order = lhs.partial_cmp(&rhs)?;
            Some(match op {
                FieldOp::Eq => order == Ordering::Equal,
                FieldOp::Ne => order != Ordering::Equal,
                FieldOp::Lt => order == Ordering::Less,
                FieldOp::Lte => order != Ordering::Greater,
                FieldOp::Gt => order == Ordering::Greater,
                FieldOp::Gte => order != Ordering::Less,
                _ => return None,
            })
        }
        _ => None,
    }
}

fn constant_number(expr: &FieldExpr) -> Option<f64> {
    match &expr.kind {
        FieldKind::Static(value) => number(value),
        FieldKind::Negative(inner) => constant_number(inner).map(|value| -value),
        _ => None,
    }
}

/// The fact and the value of an equality (`true`) or inequality.
fn equality(expr: &FieldExpr) -> Option<(&FieldExpr, &Static, bool)> {
    let FieldKind::Binary(op @ (FieldOp::Eq | FieldOp::Ne), lhs, rhs) = &expr.kind else { return None };
    match (&lhs.kind, &rhs.kind) {
        (_, FieldKind::Static(value)) if is_always_there(lhs) => Some((lhs, value, *op == FieldOp::Eq)),
        (FieldKind::Static(value), _) if is_always_there(rhs) => Some((rhs, value, *op == FieldOp::Eq)),
        _ => None,
    }
}

fn is_known(value: &Static) -> bool {
    !matches!(value, Static::Template { .. })
}

/// Whether two conditions cannot both hold: `name = "a" && name = "b"`, `x && !x`.
fn exclude(lhs: &FieldExpr, rhs: &FieldExpr) -> bool {
    if let (Some((fact, value, equal)), Some((other, other_value, other_equal))) = (equality(lhs), equality(rhs))
        && fact == other
        && is_known(value)
        && is_known(other_value)
    {
        return match (equal, other_equal) {
            (true, true) => {
                value != other_value && std::mem::discriminant(value) == std::mem::discriminant(other_value)
            }
            (false, false) => false,
            _ => value == other_value,
        };
    }
    false
}

/// Whether one of two conditions always holds: `name = "a" || name != "a"`, `x != "a" || x != "b"`.
fn complete(lhs: &FieldExpr, rhs: &FieldExpr) -> bool {
    if let (Some((fact, value, equal)), Some((other, other_value, other_equal))) = (equality(lhs), equality(rhs))
        && fact == other
        && is_known(value)
        && is_known(other_value)
    {
        return match (equal, other_equal) {
            (false, false) => {
                value != other_value && std::mem::discriminant(value) == std::mem::discriminant(other_value)
            }
            (true, true) => false,
            _ => value == other_value,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::parse;
    use crate::source::Span;

    fn of(text: &str) -> Option<bool> {
        let (query, errors) = parse(text, Span::default());
        constant(&query.unwrap_or_else(|| panic!("{text}: {errors:?}")))
    }

    #[test]
    fn every_failed_span_has_the_status_of_one() {
        let of = |text: &str| constant_of_failed(&parse(text, Span::default()).0.unwrap());
        for (text, expected) in [
            ("{ status = error }", Some(true)),
            ("{ status != ok }", Some(true)),
            ("{ status = ok }", Some(false)),
            ("{ status = error || name = \"a\" }", Some(true)),
            ("{ status = error && name = \"a\" }", None),
            ("{ name = \"a\" }", None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        assert_eq!(constant(&parse("{ status = error }", Span::default()).0.unwrap()), None);
    }

    #[test]
    fn queries_that_every_trace_or_none_satisfies_are_recognised() {
        for text in [
            "{ }",
            "{ true }",
            "{ !false }",
            "{ duration >= 0s }",
            "{ 0s <= duration }",
            "{ traceDuration > -1s }",
            "{ span:childCount >= 0 }",
            "{ name =~ \".*\" }",
            "{ name != nil }",
            "{ name = \"a\" || name != \"a\" }",
            "{ true || span.x = 1 }",
            "{ } | count() > 0",
            "{ } | count() >= 1",
            "{ } | avg(duration) >= 0s",
            "{ } || { span.x = 1 }",
            "({ }) && { true }",
            "{ 1 < 2 }",
        ] {
            assert_eq!(of(text), Some(true), "{text}");
        }
        for text in [
            "{ false }",
            "{ duration < 0s }",
            "{ name = \"a\" && name = \"b\" }",
            "{ kind = server && kind = client }",
            "{ name !~ \".*\" }",
            "{ span.x = 1 && false }",
            "{ span.x = 1 } | count() < 1",
            "{ span.x = 1 } && { false }",
            "{ false } >> { }",
            "{ status = error && status != error }",
        ] {
            assert_eq!(of(text), Some(false), "{text}");
        }
        for text in [
            "{ name = \"a\" }",
            "{ span.x != nil }",
            "{ span.x =~ \".*\" }",
            "{ duration > 0s }",
            "{ } | count() > 1",
            "{ } > { }",
            "{ } !> { }",
            "{ span.x = 1 || span.x != 1 }",
            "{ span.x = 1 && span.x = 2 }",
            "{ status = ok || status = error }",
            "{ } | by(resource.service.name)",
            "{ } | max(span.x) >= 0",
            "{ name != \"${x}\" || name != \"${y}\" }",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}

//! What a selection asks for, one by one: the keys of a mapping, a place in the tree, the conjuncts of TraceQL.

use super::text;
use crate::select::{
    Attribute, Field, FieldExpr, FieldKind, FieldOp, FieldTest, Mode, Query, Relation, Scope, SpansetExpr, SpansetKind,
    SpansetOp, Stage, Static,
};

/// One of the conditions that all hold of the spans that a selection picks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Criterion<'q> {
    /// A key of a mapping, and whether attributes are also found under their other names.
    Key(&'q FieldTest, bool),
    /// `parent`
    Parent(&'q SpansetExpr),
    /// `ancestor`
    Ancestor(&'q SpansetExpr),
    /// A conjunct in braces.
    Condition(&'q FieldExpr),
    /// Any other TraceQL.
    Within(&'q SpansetExpr),
}

/// The one expression that a query is, unless it has more stages.
pub(super) fn expr(query: &Query) -> Option<&SpansetExpr> {
    match query.pipeline.stages.as_slice() {
        [Stage::Spanset(expr)] => Some(expr),
        _ => None,
    }
}

/// Whether it asks only about the span itself, so that no other span changes whether one is picked.
pub(super) fn is_of_one_span(query: &Query) -> bool {
    expr(query).is_some_and(|expr| of(expr).iter().all(|criterion| matches!(criterion, Criterion::Key(..))))
}

/// What an expression asks for. Mappings nest as deep as their parser lets them.
pub(super) fn of(expr: &SpansetExpr) -> Vec<Criterion<'_>> {
    let mut all = Vec::new();
    add(expr, &mut all);
    all
}

fn add<'q>(expr: &'q SpansetExpr, all: &mut Vec<Criterion<'q>>) {
    match &expr.kind {
        SpansetKind::Fields { tests, aliases } => all.extend(tests.iter().map(|test| Criterion::Key(test, *aliases))),
        SpansetKind::Filter(condition) => conjuncts(condition, all),
        SpansetKind::Intersection(parts) => parts.iter().for_each(|part| add(part, all)),
        SpansetKind::Binary { op, disconnected: true, lhs, rhs } => {
            add(rhs, all);
            match op {
                SpansetOp::Structure(Relation::Child, Mode::Plain) => all.push(Criterion::Parent(lhs)),
                _ => all.push(Criterion::Ancestor(lhs)),
            }
        }
        SpansetKind::Pipeline(inner) => match inner.stages.as_slice() {
            [Stage::Spanset(only)] => add(only, all),
            _ => all.push(Criterion::Within(expr)),
        },
        SpansetKind::Binary { .. } => all.push(Criterion::Within(expr)),
    }
}

fn conjuncts<'q>(condition: &'q FieldExpr, all: &mut Vec<Criterion<'q>>) {
    match &condition.kind {
        FieldKind::Binary(FieldOp::And, lhs, rhs) => {
            conjuncts(lhs, all);
            conjuncts(rhs, all);
        }
        FieldKind::Static(Static::Bool(true)) => {}
        _ => all.push(Criterion::Condition(condition)),
    }
}

/// A selection in the spec's own terms: `{service: payment-service, parent: {kind: server}}`, or its TraceQL.
pub(super) fn words(expr: &SpansetExpr) -> String {
    if !is_mapping(expr) {
        return text::quoted(&expr.to_string());
    }
    let (mut keys, mut conditions) = (Vec::new(), Vec::new());
    for criterion in of(expr) {
        match criterion {
            Criterion::Key(test, _) => keys.push(format!("{}: {}", test.field, text::matcher(&test.matcher))),
            Criterion::Parent(of) => keys.push(format!("parent: {}", words(of))),
            Criterion::Ancestor(of) => keys.push(format!("ancestor: {}", words(of))),
            Criterion::Condition(condition) => conditions.push(match &condition.kind {
                FieldKind::Binary(FieldOp::Or, ..) => format!("({condition})"),
                _ => condition.to_string(),
            }),
            Criterion::Within(of) => keys.push(format!("where: {of}")),
        }
    }
    if !conditions.is_empty() {
        keys.push(format!("where: {{ {} }}", conditions.join(" && ")));
    }
    format!("{{{}}}", keys.join(", "))
}

/// Whether it was written as a mapping (or a name) and not as TraceQL.
pub(super) fn is_mapping(expr: &SpansetExpr) -> bool {
    match &expr.kind {
        SpansetKind::Fields { .. } => true,
        SpansetKind::Binary { disconnected: true, rhs, .. } => is_mapping(rhs),
        SpansetKind::Intersection(parts) => parts.first().is_some_and(is_mapping),
        _ => false,
    }
}

impl<'q> Criterion<'q> {
    /// The text that it wants something of the span to equal, if that is all it wants.
    pub(super) fn wanted(self) -> Option<&'q str> {
        match self {
            Criterion::Key(test, _) if matches!(test.field, Field::Kind | Field::Status | Field::Duration) => None,
            Criterion::Key(test, _) => text::literal_of(&test.matcher),
            Criterion::Condition(condition) => match comparison(condition)? {
                (FieldOp::Eq, _, Static::Str(wanted)) => Some(wanted),
                _ => None,
            },
            Criterion::Parent(_) | Criterion::Ancestor(_) | Criterion::Within(_) => None,
        }
    }
}

/// An attribute or intrinsic compared with a value, whichever stands on the left.
pub(super) fn comparison(condition: &FieldExpr) -> Option<(FieldOp, &FieldExpr, &Static)> {
    let FieldKind::Binary(op, lhs, rhs) = &condition.kind else { return None };
    let turned = match op {
        FieldOp::Lt => FieldOp::Gt,
        FieldOp::Lte => FieldOp::Gte,
        FieldOp::Gt => FieldOp::Lt,
        FieldOp::Gte => FieldOp::Lte,
        op => *op,
    };
    match (&lhs.kind, &rhs.kind) {
        _ if !op.is_comparison() => None,
        (FieldKind::Attribute(_), FieldKind::Static(value)) => Some((*op, lhs, value)),
        (FieldKind::Static(value), FieldKind::Attribute(_)) => Some((turned, rhs, value)),
        _ => None,
    }
}

/// The service that a conjunct of TraceQL asks for by its name.
pub(super) fn service_of(condition: &FieldExpr) -> Option<&str> {
    let (FieldOp::Eq, of, Static::Str(wanted)) = comparison(condition)? else { return None };
    let FieldKind::Attribute(Attribute::Named { scope: Scope::Resource | Scope::Any, parent: false, name }) = &of.kind
    else {
        return None;
    };
    (name == "service.name").then_some(wanted)
}

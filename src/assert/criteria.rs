//! What a selection asks for, one by one: the keys of a mapping, a place in the tree, the conjuncts of TraceQL.

use super::cx::{Cx, Picks};
use super::{lookup, nearest, text};
use crate::matcher::{Fact, count_of};
use crate::select::{
    Attribute, Field, FieldExpr, FieldKind, FieldOp, FieldTest, Mode, Query, Relation, Scope, SpansetExpr, SpansetKind,
    SpansetOp, Stage, Static,
};
use crate::source::Span;
use crate::trace::SpanIx;
use std::borrow::Cow;
use std::rc::Rc;

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
    /// The spans of which this one holds.
    pub(super) fn picks(self, cx: &Cx<'_>) -> Rc<Picks> {
        let at = Span::default();
        cx.picks(&match self {
            Criterion::Key(test, aliases) => Query::of_fields(vec![test.clone()], aliases, at),
            Criterion::Parent(of) => Query::everything().with_parent(Query::of(of.clone())),
            Criterion::Ancestor(of) => Query::everything().with_ancestor(Query::of(of.clone())),
            Criterion::Condition(of) => Query::of(SpansetExpr::new(SpansetKind::Filter(of.clone()), at)),
            Criterion::Within(of) => Query::of(of.clone()),
        })
    }

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

    /// What there is instead.
    pub(super) fn text_at<'c>(self, cx: &'c Cx<'_>, ix: SpanIx) -> Option<Cow<'c, str>>
    where
        'q: 'c,
    {
        match self {
            Criterion::Key(test, _) => match fact(cx, ix, &test.field) {
                Fact::Str(text) => Some(text),
                Fact::Untyped(text) => Some(Cow::Borrowed(text)),
                _ => None,
            },
            Criterion::Condition(condition) => {
                let (_, operand, _) = comparison(condition)?;
                operand.text_at(&cx.index, ix).map(Cow::Owned)
            }
            Criterion::Parent(_) | Criterion::Ancestor(_) | Criterion::Within(_) => None,
        }
    }

    /// Whether it only wants text where the same is told as a number or a boolean.
    pub(super) fn would_as_text(self, cx: &Cx<'_>, ix: SpanIx) -> bool {
        let Criterion::Key(test, _) = self else { return false };
        match fact(cx, ix, &test.field) {
            fact @ (Fact::Int(_) | Fact::Float(_) | Fact::Bool(_)) => test.matcher.test(&Fact::text(fact.show())),
            _ => false,
        }
    }

    /// Whether the span has the attribute at all that it asks about.
    pub(super) fn has_any(self, cx: &Cx<'_>, ix: SpanIx) -> bool {
        match self {
            Criterion::Key(FieldTest { field: field @ (Field::Attribute(_) | Field::Resource(_)), .. }, _) => {
                !fact(cx, ix, field).is_missing()
            }
            Criterion::Condition(condition) => match &condition.kind {
                FieldKind::Binary(_, operand, _) | FieldKind::Matches { operand, .. } => {
                    matches!(operand.kind, FieldKind::Attribute(Attribute::Named { .. }))
                        && operand.shown_at(&cx.index, ix).is_some()
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Why it does not hold of a span: `its kind is "client", not server`.
    pub(super) fn differs(self, cx: &Cx<'_>, ix: SpanIx) -> String {
        let tree = cx.trace.tree();
        match self {
            Criterion::Key(test, _) => {
                let actual = fact(cx, ix, &test.field);
                let near = if actual.is_missing() { nearest::key(cx, ix, &test.field) } else { None };
                let name = test.field.to_string();
                let why = match test.field {
                    Field::Kind | Field::Status => text::mismatch_of_word(&test.matcher, &actual),
                    _ => test.matcher.mismatch(&actual),
                };
                format!("its {} {why}{}", text::safe(&name), meant(near))
            }
            Criterion::Parent(of) => {
                let meant = nearest::service_of_that_name(cx, of).map_or(String::new(), |meant| format!(" ({meant})"));
                match tree.parent(ix) {
                    Some(parent) => {
                        format!("its parent is {}, not {}{meant}", text::span(cx.trace, parent), words(of))
                    }
                    None if cx.trace.span(ix).parent_id().is_none() => {
                        format!("it has no parent, which should be {}{meant}", words(of))
                    }
                    None => format!("its parent, which should be {}, is not in the trace{meant}", words(of)),
                }
            }
            Criterion::Ancestor(of) => {
                let meant = nearest::service_of_that_name(cx, of).map_or(String::new(), |meant| format!(" ({meant})"));
                match tree.ancestors(ix).count() {
                    0 => format!("no span is above it, and one should be {}{meant}", words(of)),
                    1 => format!("the one span above it is not {}{meant}", words(of)),
                    all => format!("none of the {} above it is {}{meant}", count_of(all, "span"), words(of)),
                }
            }
            Criterion::Condition(condition) => unlike(cx, condition, ix),
            Criterion::Within(of) => format!("{} does not pick it", text::quoted(&of.to_string())),
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

/// Why a conjunct of TraceQL is not true of a span.
fn unlike(cx: &Cx<'_>, condition: &FieldExpr, ix: SpanIx) -> String {
    let untold = || format!("{} is not true of it", text::quoted(&condition.to_string()));
    let of = |operand: &FieldExpr, then: &dyn Fn(&str) -> String| {
        if operand.is_of_many() {
            return untold();
        }
        match operand.shown_at(&cx.index, ix) {
            Some(value) => format!("its {operand} is {value}{}", then(&value)),
            None => {
                let near = match &operand.kind {
                    FieldKind::Attribute(Attribute::Named { scope: Scope::Resource, name, .. }) => {
                        nearest::key(cx, ix, &Field::Resource(name.clone()))
                    }
                    FieldKind::Attribute(Attribute::Named { scope: Scope::Any | Scope::Span, name, .. }) => {
                        nearest::key(cx, ix, &Field::Attribute(name.clone()))
                    }
                    _ => None,
                };
                format!("it has no {operand}{}", meant(near))
            }
        }
    };
    if let Some((op, operand, value)) = comparison(condition) {
        let wanted = FieldExpr::new(FieldKind::Static(value.clone()), Span::default());
        return of(operand, &|_| match op {
            FieldOp::Eq => format!(", not {wanted}"),
            FieldOp::Ne => ", but must not be".to_owned(),
            op => format!(", not {} {wanted}", op.symbol()),
        });
    }
    match &condition.kind {
        FieldKind::Matches { operand, pattern, negated, .. } if matches!(operand.kind, FieldKind::Attribute(_)) => {
            let says = if *negated { ", but must not match" } else { ", which does not match" };
            of(operand, &|_| format!("{says} {pattern}"))
        }
        FieldKind::Exists(operand) if matches!(operand.kind, FieldKind::Attribute(_)) => {
            of(operand, &|_| String::new())
        }
        FieldKind::Missing(operand) if matches!(operand.kind, FieldKind::Attribute(_)) => {
            of(operand, &|_| ", but must be absent".to_owned())
        }
        _ => untold(),
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or(String::new(), |near| format!(" (did you mean {}?)", text::quoted(near)))
}

/// The fact that a key of a mapping selector speaks of.
pub(super) fn fact<'c>(cx: &'c Cx<'_>, ix: SpanIx, field: &Field) -> Fact<'c> {
    let span = cx.trace.span(ix);
    match field {
        Field::Service => Fact::nonempty(span.service()),
        Field::Name => Fact::text(span.name()),
        Field::Kind => Fact::kind(span.kind()),
        Field::Status => Fact::status(span.status()),
        Field::StatusMessage => Fact::nonempty(span.status_message()),
        Field::Duration => Fact::nanoseconds(span.duration_ns()),
        Field::Attribute(key) => lookup::attribute(cx, ix, key).fact(),
        Field::Resource(key) => lookup::resource(cx, ix, key).fact(),
        Field::ScopeName => lookup::scope(cx, ix, "name"),
        Field::ScopeVersion => lookup::scope(cx, ix, "version"),
        Field::ScopeAttribute(key) => lookup::scope(cx, ix, key),
    }
}

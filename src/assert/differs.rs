//! Why a span is not what a selection asks for, criterion by criterion.

use super::criteria::{Criterion, comparison, words};
use super::judging::Judging;
use super::selections::Picks;
use super::{lookup, nearest, text};
use crate::matcher::Fact;
use crate::select::{
    Attribute, Field, FieldExpr, FieldKind, FieldOp, FieldTest, Query, Scope, SpansetExpr, SpansetKind,
};
use crate::source::Span;
use crate::trace::SpanIx;
use std::borrow::Cow;
use std::rc::Rc;

impl<'q> Criterion<'q> {
    /// The spans of which this one holds.
    pub(super) fn picks(self, cx: &Judging<'_>) -> Rc<Picks> {
        let at = Span::default();
        cx.picks(&match self {
            Criterion::Key(test, aliases) => Query::of_fields(vec![test.clone()], aliases, at),
            Criterion::Parent(of) => Query::everything().with_parent(Query::of(of.clone())),
            Criterion::Ancestor(of) => Query::everything().with_ancestor(Query::of(of.clone())),
            Criterion::Condition(of) => Query::of(SpansetExpr::new(SpansetKind::Filter(of.clone()), at)),
            Criterion::Within(of) => Query::of(of.clone()),
        })
    }

    /// What there is instead.
    pub(super) fn text_at<'c>(self, cx: &'c Judging<'_>, ix: SpanIx) -> Option<Cow<'c, str>>
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
                operand.text_at(&cx.selections.index, ix).map(Cow::Owned)
            }
            Criterion::Parent(_) | Criterion::Ancestor(_) | Criterion::Within(_) => None,
        }
    }

    /// Whether it only wants text where the same is told as a number or a boolean.
    pub(super) fn would_as_text(self, cx: &Judging<'_>, ix: SpanIx) -> bool {
        let Criterion::Key(test, _) = self else { return false };
        match fact(cx, ix, &test.field) {
            fact @ (Fact::Int(_) | Fact::Float(_) | Fact::Bool(_)) => test.matcher.test(&Fact::text(fact.show())),
            _ => false,
        }
    }

    /// Whether the span has the attribute at all that it asks about.
    pub(super) fn has_any(self, cx: &Judging<'_>, ix: SpanIx) -> bool {
        match self {
            Criterion::Key(FieldTest { field: field @ (Field::Attribute(_) | Field::Resource(_)), .. }, _) => {
                !fact(cx, ix, field).is_missing()
            }
            Criterion::Condition(condition) => match &condition.kind {
                FieldKind::Binary(_, operand, _) | FieldKind::Matches { operand, .. } => {
                    matches!(operand.kind, FieldKind::Attribute(Attribute::Named { .. }))
                        && operand.shown_at(&cx.selections.index, ix).is_some()
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Why it does not hold of a span: `its kind is "client", not server`.
    pub(super) fn differs(self, cx: &Judging<'_>, ix: SpanIx) -> String {
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
                        format!("it has no parent, expected {}{meant}", words(of))
                    }
                    None => format!("its parent is not in the trace, expected {}{meant}", words(of)),
                }
            }
            Criterion::Ancestor(of) => {
                let meant = nearest::service_of_that_name(cx, of).map_or(String::new(), |meant| format!(" ({meant})"));
                match tree.ancestors(ix).count() {
                    0 => format!("it has no ancestors, expected {}{meant}", words(of)),
                    1 => format!("its only ancestor does not match {}{meant}", words(of)),
                    all => format!("none of its {all} ancestors matches {}{meant}", words(of)),
                }
            }
            Criterion::Condition(condition) => unlike(cx, condition, ix),
            Criterion::Within(of) => format!("{} does not match it", text::quoted(&of.to_string())),
        }
    }
}

/// Why a conjunct of TraceQL is not true of a span.
fn unlike(cx: &Judging<'_>, condition: &FieldExpr, ix: SpanIx) -> String {
    let untold = || format!("{} is not true of it", text::quoted(&condition.to_string()));
    let of = |operand: &FieldExpr, then: &dyn Fn(&str) -> String| {
        if operand.is_of_many() {
            return untold();
        }
        match operand.shown_at(&cx.selections.index, ix) {
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
pub(super) fn fact<'c>(cx: &'c Judging<'_>, ix: SpanIx, field: &Field) -> Fact<'c> {
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

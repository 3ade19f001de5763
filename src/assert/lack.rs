//! What a finding says is not there: findings that lack the same have one cause.

use super::criteria::{self, Criterion};
use super::judging::{Judging, MOST_SPANS};
use super::text;
use crate::select::{Field, Query};
use crate::spec::plan::Selector;
use crate::trace::{SpanId, SpanIx, Trace};

/// Something that a trace should have and has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lack {
    /// Any span of the service of this name.
    Service(String),
    /// Any span that a selection, written so, picks.
    Selection(String),
}

/// A span that is not in the trace, at the place where the spec or a call says that it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The span below which it belongs.
    pub below: SpanIx,
    /// The same by its id.
    pub id: SpanId,
    /// What it is, in words.
    pub what: String,
}

impl Absent {
    pub(super) fn new(trace: &Trace, below: SpanIx, what: impl Into<String>) -> Absent {
        Absent { below, id: trace.span(below).id(), what: what.into() }
    }
}

/// Where a span that a selection asks for belongs: below the only one that its `parent` picks.
pub(super) fn below_parent(cx: &Judging<'_>, select: &Selector) -> Option<Absent> {
    if !cx.phase.is_final() {
        return None;
    }
    let criteria = criteria::of(criteria::expr(&select.query)?);
    let parent = criteria.into_iter().find_map(|criterion| match criterion {
        Criterion::Parent(of) => Some(of),
        _ => None,
    })?;
    match cx.picks(&Query::of(parent.clone())).rows[..] {
        [only] => Some(Absent::new(cx.trace, only, text::selector(select))),
        _ => None,
    }
}

/// Where children that a selection asks for belong, of spans that have none such.
pub(super) fn children(cx: &Judging<'_>, select: &Selector, parents: &[SpanIx]) -> Vec<Absent> {
    let set = cx.picks(&select.query);
    let has_one = |ix: SpanIx| cx.trace.tree().children(ix).iter().any(|&child| set.has(child));
    let without = parents.iter().copied().filter(|&ix| !has_one(ix));
    without.take(MOST_SPANS).map(|ix| Absent::new(cx.trace, ix, text::selector(select))).collect()
}

/// Where a call belongs that a service does not make: below the only span by which the trace enters the service.
pub(super) fn call(cx: &Judging<'_>, from: &str, to: &str) -> Option<Absent> {
    if !cx.phase.is_final() {
        return None;
    }
    let of_service = cx.trace.spans().filter(|span| span.service() == from);
    let mut entries = of_service.filter(|span| span.parent().is_none_or(|parent| parent.service() != from));
    match (entries.next(), entries.next()) {
        (Some(only), None) => Some(Absent::new(cx.trace, only.ix(), format!("a call to {}", text::quoted(to)))),
        _ => None,
    }
}

/// What is lacking where a selection picks nothing: the selection, and the service that it asks for if that has no span.
pub(super) fn of_selection(cx: &Judging<'_>, select: &Selector) -> Vec<Lack> {
    let mut lacks = vec![Lack::Selection(text::keys_of(select))];
    let criteria = criteria::expr(&select.query).map(criteria::of).unwrap_or_default();
    lacks.extend(criteria.into_iter().find_map(|criterion| match criterion {
        Criterion::Key(test, _) if test.field == Field::Service => of_service(cx, text::literal_of(&test.matcher)?),
        _ => None,
    }));
    lacks
}

/// A service, if the trace has no span of it.
pub(super) fn of_service(cx: &Judging<'_>, name: &str) -> Option<Lack> {
    cx.facts.service(name).is_none().then(|| Lack::Service(name.to_owned()))
}

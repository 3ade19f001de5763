//! The facts of a span that TraceQL names, one by one.

use super::ast::{Attribute, Intrinsic, Scope};
use super::index::{Index, find};
use super::value::Val;
use crate::trace::{Event, Link, SpanIx, SpanRef, Sym, Trace, Value};
use std::borrow::Cow;

/// What a root's parent id is in Tempo, which pads ids with zeros.
const NO_PARENT: &str = "0000000000000000";

/// Where a fact comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// An attribute; `None` if no string of the trace is its key.
    Named(Scope, Option<Sym>),
    Intrinsic(Intrinsic),
}

/// Which event and link conditions are about at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Focus<'t> {
    pub(super) event: Option<&'t Event>,
    pub(super) link: Option<&'t Link>,
}

pub(super) fn source(attribute: &Attribute, trace: &Trace) -> Source {
    match attribute {
        Attribute::Intrinsic(intrinsic) => Source::Intrinsic(*intrinsic),
        Attribute::Named { scope, name, .. } => Source::Named(*scope, trace.symbols().get(name)),
    }
}

pub(super) fn nanoseconds(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn of_trace<'t>(trace: &'t Trace, intrinsic: Intrinsic) -> Val<'t> {
    let root = trace.tree().roots().first().map(|&ix| trace.span(ix));
    match intrinsic {
        Intrinsic::TraceDuration => Val::Duration(nanoseconds(trace.duration_ns())),
        Intrinsic::RootName => Val::Str(Cow::Borrowed(root.map_or("", SpanRef::name))),
        Intrinsic::RootService => Val::Str(Cow::Borrowed(root.map_or("", SpanRef::service))),
        _ => Val::Nil,
    }
}

/// An attribute of a span, or of the event (link) in focus, else of the first one.
pub(super) fn named<'t>(trace: &'t Trace, scope: Scope, key: Sym, ix: SpanIx, focus: Focus<'t>) -> Option<&'t Value> {
    let span = trace.span(ix);
    let own = || trace.attributes.get(ix, key);
    let of_resource = || find(&span.resource().attributes, key);
    match scope {
        Scope::Span => own(),
        Scope::Resource => of_resource(),
        Scope::Instrumentation => find(&span.scope().attributes, key),
        Scope::Event => focus.event.or_else(|| span.events().first()).and_then(|event| find(&event.attributes, key)),
        Scope::Link => focus.link.or_else(|| span.links().first()).and_then(|link| find(&link.attributes, key)),
        Scope::Any => own().or_else(of_resource),
    }
}

/// What a fact is of a span: of the event (link) in focus, else of the first one.
pub(super) fn fact<'t>(index: &Index<'t>, source: Source, ix: SpanIx, focus: Focus<'t>) -> Val<'t> {
    let trace = index.trace();
    let span = trace.span(ix);
    let text = |text: &'t str| Val::Str(Cow::Borrowed(text));
    let event = || focus.event.or_else(|| span.events().first());
    let link = || focus.link.or_else(|| span.links().first());
    match source {
        Source::Named(_, None) => Val::Nil,
        Source::Named(scope, Some(key)) => {
            named(trace, scope, key, ix, focus).map_or(Val::Nil, |value| Val::of(value, trace))
        }
        Source::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::Duration if !span.is_timed() => Val::Nil,
            Intrinsic::Duration => Val::Duration(nanoseconds(span.duration_ns())),
            Intrinsic::Name => text(span.name()),
            Intrinsic::Status => Val::Status(span.status()),
            Intrinsic::StatusMessage => text(span.status_message()),
            Intrinsic::Kind => Val::Kind(span.kind()),
            Intrinsic::Parent => Val::Nil,
            Intrinsic::ChildCount => Val::Int(trace.tree().children(ix).len() as i64),
            Intrinsic::SpanId => Val::Str(Cow::Owned(span.id().to_string())),
            Intrinsic::ParentId => {
                Val::Str(span.parent_id().map_or(Cow::Borrowed(NO_PARENT), |id| Cow::Owned(id.to_string())))
            }
            Intrinsic::TraceDuration | Intrinsic::RootName | Intrinsic::RootService => of_trace(trace, intrinsic),
            Intrinsic::TraceId => Val::Str(Cow::Owned(format!("{:x}", span.trace_id().get()))),
            Intrinsic::NestedSetLeft => Val::Int(index.nested(ix).left),
            Intrinsic::NestedSetRight => Val::Int(index.nested(ix).right),
            Intrinsic::NestedSetParent => Val::Int(index.nested(ix).parent),
            Intrinsic::EventName => event().map_or(Val::Nil, |event| text(trace.text(event.name))),
            Intrinsic::EventTime if !span.is_timed() => Val::Nil,
            Intrinsic::EventTime => event().map_or(Val::Nil, |event| {
                let after = i128::from(event.time_ns) - i128::from(span.start_ns());
                Val::Duration(after.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
            }),
            Intrinsic::LinkTraceId => {
                link().map_or(Val::Nil, |link| Val::Str(Cow::Owned(format!("{:x}", link.trace_id.get()))))
            }
            Intrinsic::LinkSpanId => link().map_or(Val::Nil, |link| Val::Str(Cow::Owned(link.span_id.to_string()))),
            Intrinsic::InstrumentationName => text(trace.text(span.scope().name)),
            Intrinsic::InstrumentationVersion => text(trace.text(span.scope().version)),
        },
    }
}

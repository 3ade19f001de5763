//! What OTLP can say, with text borrowed from the message it came in: the form between every reader and the model.

use super::{Added, Sink};
use crate::trace::{
    Dropped, Event, Kind, Link, ResourceIx, ScopeIx, SpanHead, SpanId, StatusCode, Sym, TraceBuilder, TraceId, Value,
};
use std::borrow::Cow;
use std::collections::HashMap;

/// How the names of all of these attributes begin, which are not the application's.
pub(super) const MARK: u8 = b'@';

/// Warnings that Jaeger's query service attaches to a span of its OTLP answers.
pub(super) const JAEGER_WARNINGS: &str = "@jaeger@warnings";
/// Ours, in a trace written back, on each span, resource and scope whose values were received without their types.
pub(super) const UNTYPED: &str = "@tracespec@untyped";
/// Ours, likewise: the backend had left spans out.
pub(super) const PARTIAL: &str = "@tracespec@partial";

/// Ours, on one span of a trace saved by a run: the spans of the runner's own that called it.
pub(super) const INJECTED: &str = "@tracespec@injected";

/// An id as received: absent, unusable, or there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Id<T> {
    /// Missing, empty or zeros.
    #[default]
    Absent,
    /// There, but no id.
    Bad,
    /// The id.
    Is(T),
}

impl<T> Id<T> {
    pub(super) fn usable(self) -> Option<T> {
        match self {
            Id::Is(id) => Some(id),
            Id::Absent | Id::Bad => None,
        }
    }
}

/// OTLP's AnyValue.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Any<'a> {
    #[default]
    Empty,
    Str(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
    Array(Vec<Any<'a>>),
    Map(Vec<Attribute<'a>>),
}

pub(super) type Attribute<'a> = (Cow<'a, str>, Any<'a>);

#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    pub(super) resource: Vec<Attribute<'a>>,
    /// Whether the resource's values came without their types.
    pub(super) untyped: bool,
    pub(super) scopes: Vec<ScopeGroup<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct ScopeGroup<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) spans: Vec<Span<'a>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Scope<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Span<'a> {
    pub(super) trace_id: Id<TraceId>,
    pub(super) span_id: Id<SpanId>,
    pub(super) parent_id: Id<SpanId>,
    pub(super) name: Cow<'a, str>,
    pub(super) kind: i64,
    pub(super) status: i64,
    pub(super) status_message: Cow<'a, str>,
    pub(super) trace_state: Cow<'a, str>,
    pub(super) flags: u32,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) events: Vec<RawEvent<'a>>,
    pub(super) links: Vec<RawLink<'a>>,
    pub(super) dropped: Dropped,
    pub(super) warnings: Vec<Cow<'a, str>>,
    /// Whether all its values came as text without their types.
    pub(super) untyped: bool,
}

#[derive(Debug, Default)]
pub(super) struct RawEvent<'a> {
    pub(super) time_ns: u64,
    pub(super) name: Cow<'a, str>,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) dropped: u32,
}

#[derive(Debug, Default)]
pub(super) struct RawLink<'a> {
    pub(super) trace_id: Id<TraceId>,
    pub(super) span_id: Id<SpanId>,
    pub(super) trace_state: Cow<'a, str>,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) dropped: u32,
}

/// Adds all spans of one resource.
pub(super) fn add(group: Group<'_>, sink: &mut dyn Sink) -> Added {
    let mut added = Added::default();
    let mut resources: HashMap<TraceId, ResourceIx> = HashMap::new();
    for ScopeGroup { scope, spans } in group.scopes {
        let mut scopes: HashMap<TraceId, ScopeIx> = HashMap::new();
        for span in spans {
            let Some((trace_id, span_id)) = ids(&span) else {
                sink.invalid_span(span.trace_id.usable());
                added.invalid += 1;
                continue;
            };
            injected(&span).for_each(|own| sink.injected(trace_id, own));
            let builder = sink.builder(trace_id);
            let resource =
                *resources.entry(trace_id).or_insert_with(|| resource(builder, &group.resource, group.untyped));
            let scope = *scopes.entry(trace_id).or_insert_with(|| self::scope(builder, &scope));
            let (head, dropped) = put(builder, span, (trace_id, span_id), resource, scope);
            builder.close(head, dropped);
            added.spans += 1;
        }
    }
    added
}

/// A span's own ids, if all of its ids are usable. A parent that cannot be read is not "no parent": the span would pass for a root.
pub(super) fn ids(span: &Span<'_>) -> Option<(TraceId, SpanId)> {
    match (span.trace_id, span.span_id, span.parent_id) {
        (Id::Is(trace), Id::Is(span), Id::Is(_) | Id::Absent) => Some((trace, span)),
        _ => None,
    }
}

/// The position of a resource; `untyped` where its values came without their types.
pub(super) fn resource(builder: &mut TraceBuilder, attributes: &[Attribute<'_>], untyped: bool) -> ResourceIx {
    let reading = Reading { untyped: untyped || is_marked(attributes) };
    let attributes = reading.pairs(builder, attributes, 0);
    builder.resource(attributes)
}

/// The position of a scope.
pub(super) fn scope(builder: &mut TraceBuilder, scope: &Scope<'_>) -> ScopeIx {
    let reading = Reading { untyped: is_marked(&scope.attributes) };
    let attributes = reading.pairs(builder, &scope.attributes, 0);
    builder.scope(&scope.name, &scope.version, attributes)
}

/// The runner's own spans that a span names.
pub(super) fn injected<'s>(span: &'s Span<'_>) -> impl Iterator<Item = SpanId> + 's {
    let lists = span.attributes.iter().filter_map(|(key, value)| match value {
        Any::Array(items) if key == INJECTED => Some(items),
        _ => None,
    });
    lists.flatten().filter_map(|item| if let Any::Str(text) = item { text.parse().ok() } else { None })
}

/// Adds what a span has to its trace's builder, where it is to be closed as this.
pub(super) fn put(
    builder: &mut TraceBuilder,
    span: Span<'_>,
    (trace_id, span_id): (TraceId, SpanId),
    resource: ResourceIx,
    scope: ScopeIx,
) -> (SpanHead, Dropped) {
    let reading = Reading { untyped: span.untyped || is_marked(&span.attributes) };
    for (key, value) in &span.attributes {
        match (key.as_ref(), value) {
            (JAEGER_WARNINGS, warnings) => warn_all(builder, warnings),
            (UNTYPED | INJECTED, _) => {}
            (PARTIAL, Any::Bool(true)) => builder.set_partial(),
            _ => {
                let (key, value) = (builder.intern(key), reading.value(builder, value, 0));
                builder.attribute(key, value);
            }
        }
    }
    for warning in span.warnings {
        warn(builder, &warning);
    }
    let mut dropped = span.dropped;
    for event in &span.events {
        dropped.events = dropped.events.saturating_add(event.dropped);
        reading.event(builder, event);
    }
    for link in &span.links {
        dropped.links = dropped.links.saturating_add(link.dropped);
        reading.link(builder, span_id, link);
    }
    let head = SpanHead {
        trace_id,
        span_id,
        parent_id: span.parent_id.usable(),
        name: builder.intern(&span.name),
        kind: kind(builder, span_id, span.kind),
        status: status(builder, span_id, span.status),
        status_message: builder.intern(&span.status_message),
        trace_state: builder.intern(&span.trace_state),
        // On the wire absent and 0 are one.
        flags: (span.flags != 0).then_some(span.flags),
        start_ns: span.start_ns,
        end_ns: span.end_ns,
        resource,
        scope,
    };
    (head, dropped)
}

/// A span's kind by its number.
pub(super) fn kind(builder: &mut TraceBuilder, span: SpanId, kind: i64) -> Kind {
    let known = usize::try_from(kind).ok().and_then(|at| Kind::ALL.get(at)).copied();
    if known.is_none() {
        builder.remark(format!("span {span} has kind {kind}, which OTLP does not define; read as unspecified"));
    }
    known.unwrap_or_default()
}

/// A span's status by its number.
pub(super) fn status(builder: &mut TraceBuilder, span: SpanId, status: i64) -> StatusCode {
    let known = usize::try_from(status).ok().and_then(|at| StatusCode::ALL.get(at)).copied();
    if known.is_none() {
        builder.remark(format!("span {span} has status {status}, which OTLP does not define; read as unset"));
    }
    known.unwrap_or_default()
}

fn warn_all(builder: &mut TraceBuilder, warnings: &Any<'_>) {
    match warnings {
        Any::Str(text) => warn(builder, text),
        Any::Array(items) => items.iter().for_each(|item| warn_all(builder, item)),
        _ => {}
    }
}

/// Keeps a warning of Jaeger's. One of them says that the trace was cut (`max_trace_size`, v2.16 and later): "trace has more
/// than 10 spans, showing first 10 spans only", on the first span; a store without lists returns it as the text of one.
pub(super) fn warn(builder: &mut TraceBuilder, warning: &str) {
    if warning.contains("trace has more than ") && warning.contains(" spans only") {
        builder.set_partial();
    }
    builder.remark(warning);
}

/// How deep values may nest: as deep as both protobuf (100 messages) and JSON (128 brackets, of which one level of a map
/// takes four) are certain to carry, so that whatever is read can be written and read again.
const DEEPEST: usize = 24;

fn is_marked(attributes: &[Attribute<'_>]) -> bool {
    attributes.iter().any(|(key, value)| key == UNTYPED && *value == Any::Bool(true))
}

/// How values become the model's.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Whether text may stand for a number or a boolean.
    untyped: bool,
}

/// Adds an event, whose values came with their types, to the span that is closed next.
pub(super) fn put_event(builder: &mut TraceBuilder, event: &RawEvent<'_>) {
    Reading { untyped: false }.event(builder, event);
}

/// Adds a link, whose values came with their types, to the span that is closed next.
pub(super) fn put_link(builder: &mut TraceBuilder, span: SpanId, link: &RawLink<'_>) {
    Reading { untyped: false }.link(builder, span, link);
}

/// A value that came with its type.
pub(super) fn value(builder: &mut TraceBuilder, value: &Any<'_>) -> Value {
    Reading { untyped: false }.value(builder, value, 0)
}

impl Reading {
    fn event(self, builder: &mut TraceBuilder, event: &RawEvent<'_>) {
        let attributes = self.pairs(builder, &event.attributes, 0);
        let name = builder.intern(&event.name);
        let attributes = builder.attributes(attributes);
        builder.event(Event { time_ns: event.time_ns, name, attributes });
    }

    fn link(self, builder: &mut TraceBuilder, span: SpanId, link: &RawLink<'_>) {
        let (Id::Is(trace_id), Id::Is(span_id)) = (link.trace_id, link.span_id) else {
            builder.remark(format!("a link of span {span} has no valid ids and was left out"));
            return;
        };
        let attributes = self.pairs(builder, &link.attributes, 0);
        let trace_state = builder.intern(&link.trace_state);
        let attributes = builder.attributes(attributes);
        builder.link(Link { trace_id, span_id, trace_state, attributes });
    }

    fn pairs(self, builder: &mut TraceBuilder, attributes: &[Attribute<'_>], depth: usize) -> Vec<(Sym, Value)> {
        let kept = attributes.iter().filter(|(key, _)| depth > 0 || key != UNTYPED);
        let pair = |(key, value): &Attribute<'_>| {
            // A service's name is text in every format.
            let reading = if key == "service.name" { Reading { untyped: false } } else { self };
            (builder.intern(key), reading.value(builder, value, depth))
        };
        kept.map(pair).collect()
    }

    fn value(self, builder: &mut TraceBuilder, value: &Any<'_>, depth: usize) -> Value {
        match value {
            Any::Array(_) | Any::Map(_) if depth == DEEPEST => {
                builder.remark(format!("an attribute's value nests deeper than {DEEPEST} levels and was cut there"));
                Value::Empty
            }
            Any::Empty => Value::Empty,
            Any::Str(text) if self.untyped => Value::Str(builder.intern_untyped(text)),
            Any::Str(text) => Value::Str(builder.intern(text)),
            Any::Bool(flag) => Value::Bool(*flag),
            Any::Int(number) => Value::Int(*number),
            Any::Double(number) => Value::Double(*number),
            Any::Bytes(bytes) => Value::Bytes(bytes.as_ref().into()),
            Any::Array(items) => Value::Array(items.iter().map(|item| self.value(builder, item, depth + 1)).collect()),
            Any::Map(entries) => {
                let entries = self.pairs(builder, entries, depth + 1);
                Value::Map(builder.attributes(entries).into())
            }
        }
    }
}

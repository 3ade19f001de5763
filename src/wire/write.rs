//! A trace back to OTLP: as protobuf, and as JSON in the dialect of the Collector and of Jaeger's /api/v3.
//!
//! What the model holds survives writing and reading again: spans, resources, scopes, and of the notes those that the
//! data itself cannot express (the backend's remarks, that the format was untyped).

use super::raw::{INJECTED, JAEGER_WARNINGS, PARTIAL, UNTYPED};
use crate::trace::{Attributes, Note, Resource, ResourceIx, Scope, ScopeIx, SpanId, SpanRef, Sym, Trace, Value};
use indexmap::IndexMap;
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use prost::Message;
use std::collections::HashSet;

mod jaeger;
mod pdata;

pub use jaeger::jaeger_json;
pub use pdata::json;

/// The trace as OTLP's own message: spans in row order, resources and scopes in the order of their first span.
pub fn traces_data(trace: &Trace) -> TracesData {
    let mut remarks: Vec<&str> = Vec::new();
    for note in trace.notes() {
        if let Note::Backend(text) = note {
            remarks.push(text);
        }
    }
    let mut groups: IndexMap<ResourceIx, (ResourceSpans, IndexMap<ScopeIx, ScopeSpans>)> = IndexMap::new();
    for (row, span) in trace.spans().chain(disputed(trace)).enumerate() {
        let trace = span.trace();
        let mut made = proto_span(trace, span);
        if row == 0 {
            made.attributes.extend(own_marks(trace, &remarks));
        }
        if is_untyped(trace, span) {
            made.attributes.push(flag(UNTYPED));
        }
        let (_, scopes) = groups
            .entry(span.resource_ix())
            .or_insert_with(|| (resource_spans(trace, span.resource()), IndexMap::new()));
        let scope = scopes.entry(span.scope_ix()).or_insert_with(|| scope_spans(trace, span.scope()));
        scope.spans.push(made);
    }
    let close = |(mut group, scopes): (ResourceSpans, IndexMap<ScopeIx, ScopeSpans>)| {
        group.scope_spans = scopes.into_values().collect();
        group
    };
    TracesData { resource_spans: groups.into_values().map(close).collect() }
}

/// The spans whose records contradict each other, in the trace's other versions. Resources and scopes are the same in all of them.
fn disputed(trace: &Trace) -> impl Iterator<Item = SpanRef<'_>> {
    let disputed: HashSet<SpanId> = trace.notes().iter().filter_map(Note::of_versions).collect();
    let spans = trace.versions().iter().flat_map(|version| version.spans());
    spans.filter(move |span| disputed.contains(&span.id()))
}

/// The trace as an OTLP protobuf message (`TracesData`, `ExportTraceServiceRequest`).
pub fn otlp_proto(trace: &Trace) -> Vec<u8> {
    traces_data(trace).encode_to_vec()
}

/// The trace as OTLP JSON, what Jaeger's /api/v3 wraps in `{"result": …}`.
pub fn otlp_json(trace: &Trace) -> String {
    json(&traces_data(trace))
}

/// The same with the spans of the runner's own that called this trace, so that whoever reads it again takes them neither
/// for missing nor for somebody else's.
pub fn saved_json(trace: &Trace, injected: &[SpanId]) -> String {
    let mut data = traces_data(trace);
    let own = trace.id().to_bytes();
    let mut spans =
        data.resource_spans.iter_mut().flat_map(|group| &mut group.scope_spans).flat_map(|it| &mut it.spans);
    if let Some(span) = spans.find(|span| span.trace_id == own).filter(|_| !injected.is_empty()) {
        let values = injected.iter().map(|id| any(ProtoValue::StringValue(id.to_string()))).collect();
        span.attributes.push(pair(INJECTED.to_owned(), any(ProtoValue::ArrayValue(ArrayValue { values }))));
    }
    json(&data)
}

/// Facts of the whole trace that OTLP has no place for; the readers take them from any span.
fn own_marks(trace: &Trace, remarks: &[&str]) -> Vec<KeyValue> {
    let mut marks = Vec::new();
    if !remarks.is_empty() {
        let values = remarks.iter().map(|text| any(ProtoValue::StringValue((*text).to_owned()))).collect();
        marks.push(pair(JAEGER_WARNINGS.to_owned(), any(ProtoValue::ArrayValue(ArrayValue { values }))));
    }
    if trace.partial() {
        marks.push(flag(PARTIAL));
    }
    marks
}

fn flag(key: &str) -> KeyValue {
    pair(key.to_owned(), any(ProtoValue::BoolValue(true)))
}

/// Whether any value of a span was received without its type.
fn is_untyped(trace: &Trace, span: SpanRef<'_>) -> bool {
    let own = span.attributes().any(|(_, value)| value.is_untyped(trace.symbols()));
    let events = || span.events().iter().any(|event| any_untyped(trace, &event.attributes));
    let links = || span.links().iter().any(|link| any_untyped(trace, &link.attributes));
    trace.untyped() && (own || events() || links())
}

fn any_untyped(trace: &Trace, attributes: &[(Sym, Value)]) -> bool {
    attributes.iter().any(|(_, value)| value.is_untyped(trace.symbols()))
}

/// The attributes of a resource or a scope, with the mark that says that they were received without their types.
fn marked(trace: &Trace, from: &Attributes) -> Vec<KeyValue> {
    let mut all = attributes(trace, from);
    all.extend(any_untyped(trace, from).then(|| flag(UNTYPED)));
    all
}

fn resource_spans(trace: &Trace, resource: &Resource) -> ResourceSpans {
    let attributes = marked(trace, &resource.attributes);
    let resource = ProtoResource { attributes, ..Default::default() };
    ResourceSpans { resource: Some(resource), ..Default::default() }
}

fn scope_spans(trace: &Trace, scope: &Scope) -> ScopeSpans {
    let scope = InstrumentationScope {
        name: trace.text(scope.name).to_owned(),
        version: trace.text(scope.version).to_owned(),
        attributes: marked(trace, &scope.attributes),
        ..Default::default()
    };
    ScopeSpans { scope: Some(scope), ..Default::default() }
}

fn proto_span(trace: &Trace, span: SpanRef<'_>) -> Span {
    let dropped = span.dropped();
    Span {
        trace_id: span.trace_id().to_bytes().to_vec(),
        span_id: span.id().to_bytes().to_vec(),
        parent_span_id: span.parent_id().map(|id| id.to_bytes().to_vec()).unwrap_or_default(),
        trace_state: span.trace_state().to_owned(),
        flags: span.flags().unwrap_or(0),
        name: span.name().to_owned(),
        kind: span.kind() as i32,
        start_time_unix_nano: span.told_times().0,
        end_time_unix_nano: span.told_times().1,
        attributes: span.attributes().map(|(key, value)| attribute(trace, key, value)).collect(),
        dropped_attributes_count: dropped.attributes,
        dropped_events_count: dropped.events,
        dropped_links_count: dropped.links,
        events: span
            .events()
            .iter()
            .map(|event| Event {
                time_unix_nano: event.time_ns,
                name: trace.text(event.name).to_owned(),
                attributes: attributes(trace, &event.attributes),
                ..Default::default()
            })
            .collect(),
        links: span
            .links()
            .iter()
            .map(|link| Link {
                trace_id: link.trace_id.to_bytes().to_vec(),
                span_id: link.span_id.to_bytes().to_vec(),
                trace_state: trace.text(link.trace_state).to_owned(),
                attributes: attributes(trace, &link.attributes),
                ..Default::default()
            })
            .collect(),
        status: Some(Status { message: span.status_message().to_owned(), code: span.status() as i32 }),
    }
}

fn attributes(trace: &Trace, from: &[(Sym, Value)]) -> Vec<KeyValue> {
    from.iter().map(|(key, value)| attribute(trace, *key, value)).collect()
}

fn attribute(trace: &Trace, key: Sym, value: &Value) -> KeyValue {
    pair(trace.text(key).to_owned(), value_of(trace, value))
}

fn pair(key: String, value: AnyValue) -> KeyValue {
    KeyValue { key, value: Some(value), ..Default::default() }
}

fn any(value: ProtoValue) -> AnyValue {
    AnyValue { value: Some(value) }
}

// Recursive: the readers bound the depth of what can be in a trace.
fn value_of(trace: &Trace, value: &Value) -> AnyValue {
    any(match value {
        Value::Empty => return AnyValue { value: None },
        Value::Str(sym) => ProtoValue::StringValue(trace.text(*sym).to_owned()),
        Value::Bool(flag) => ProtoValue::BoolValue(*flag),
        Value::Int(number) => ProtoValue::IntValue(*number),
        Value::Double(number) => ProtoValue::DoubleValue(*number),
        Value::Bytes(bytes) => ProtoValue::BytesValue(bytes.to_vec()),
        Value::Array(items) => {
            ProtoValue::ArrayValue(ArrayValue { values: items.iter().map(|item| value_of(trace, item)).collect() })
        }
        Value::Map(entries) => ProtoValue::KvlistValue(KeyValueList { values: attributes(trace, entries) }),
    })
}

//! OTLP protobuf: `TracesData`, whose wire form `ExportTraceServiceRequest` and Tempo's `Trace` share.

pub(super) mod quick;

use super::raw::{self, Any, Attribute, Id};
use super::{Added, Sink, WireError};
use crate::trace::{Dropped, SpanId, TraceId};
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message;
use std::borrow::Cow;

/// Decodes a message; no spans are judged yet.
pub fn decode(bytes: &[u8]) -> Result<TracesData, WireError> {
    TracesData::decode(bytes).map_err(|error| {
        WireError::new(format!("expected an OTLP TracesData message of {} bytes: {error}", bytes.len()))
    })
}

/// Adds all spans of a message in bytes; none where it is refused.
pub fn read(bytes: &[u8], sink: &mut dyn Sink) -> Result<Added, WireError> {
    match quick::read(bytes) {
        Ok((stage, _)) => Ok(stage.commit(sink)),
        Err(_) => decode(bytes).map(|data| add(data, sink)),
    }
}

/// Adds all spans of a message.
pub fn add(data: TracesData, sink: &mut dyn Sink) -> Added {
    let mut added = Added::default();
    for resource_spans in &data.resource_spans {
        added += raw::add(group(resource_spans), sink);
    }
    added
}

fn group(from: &ResourceSpans) -> raw::Group<'_> {
    raw::Group {
        resource: from.resource.as_ref().map(|resource| attributes(&resource.attributes)).unwrap_or_default(),
        untyped: false,
        scopes: from.scope_spans.iter().map(scope_group).collect(),
    }
}

fn scope_group(from: &ScopeSpans) -> raw::ScopeGroup<'_> {
    let scope = from.scope.as_ref().map(|scope| raw::Scope {
        name: text(&scope.name),
        version: text(&scope.version),
        attributes: attributes(&scope.attributes),
    });
    raw::ScopeGroup { scope: scope.unwrap_or_default(), spans: from.spans.iter().map(span).collect() }
}

fn span(from: &Span) -> raw::Span<'_> {
    let status = from.status.as_ref();
    raw::Span {
        trace_id: trace_id(&from.trace_id),
        span_id: span_id(&from.span_id),
        parent_id: span_id(&from.parent_span_id),
        name: text(&from.name),
        kind: from.kind.into(),
        status: status.map_or(0, |status| status.code.into()),
        status_message: status.map(|status| text(&status.message)).unwrap_or_default(),
        trace_state: text(&from.trace_state),
        flags: from.flags,
        start_ns: from.start_time_unix_nano,
        end_ns: from.end_time_unix_nano,
        attributes: attributes(&from.attributes),
        events: from
            .events
            .iter()
            .map(|event| raw::RawEvent {
                time_ns: event.time_unix_nano,
                name: text(&event.name),
                attributes: attributes(&event.attributes),
                dropped: event.dropped_attributes_count,
            })
            .collect(),
        links: from
            .links
            .iter()
            .map(|link| raw::RawLink {
                trace_id: trace_id(&link.trace_id),
                span_id: span_id(&link.span_id),
                trace_state: text(&link.trace_state),
                attributes: attributes(&link.attributes),
                dropped: link.dropped_attributes_count,
            })
            .collect(),
        dropped: Dropped {
            attributes: from.dropped_attributes_count,
            events: from.dropped_events_count,
            links: from.dropped_links_count,
        },
        warnings: Vec::new(),
        untyped: false,
    }
}

/// Whether a span's own ids are usable.
pub(super) fn has_ids(span: &Span) -> bool {
    matches!((trace_id(&span.trace_id), span_id(&span.span_id)), (Id::Is(_), Id::Is(_)))
}

fn trace_id(bytes: &[u8]) -> Id<TraceId> {
    id(bytes, TraceId::from_bytes, 16)
}

fn span_id(bytes: &[u8]) -> Id<SpanId> {
    id(bytes, SpanId::from_bytes, 8)
}

/// An id in exactly so many bytes: half a trace id, which some SDKs sent, would be another trace's.
fn id<T>(bytes: &[u8], parse: impl Fn(&[u8]) -> Option<T>, length: usize) -> Id<T> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Id::Absent;
    }
    parse(bytes).filter(|_| bytes.len() == length).map_or(Id::Bad, Id::Is)
}

fn text(from: &str) -> Cow<'_, str> {
    Cow::Borrowed(from)
}

fn attributes(from: &[KeyValue]) -> Vec<Attribute<'_>> {
    from.iter().map(|at| (text(&at.key), at.value.as_ref().map(any).unwrap_or_default())).collect()
}

fn any(from: &AnyValue) -> Any<'_> {
    match &from.value {
        // String-table indexes belong to profiles; OTLP says that trace receivers treat them as absent.
        None | Some(ProtoValue::StringValueStrindex(_)) => Any::Empty,
        Some(ProtoValue::StringValue(at)) => Any::Str(text(at)),
        Some(ProtoValue::BoolValue(at)) => Any::Bool(*at),
        Some(ProtoValue::IntValue(at)) => Any::Int(*at),
        Some(ProtoValue::DoubleValue(at)) => Any::Double(*at),
        Some(ProtoValue::BytesValue(at)) => Any::Bytes(Cow::Borrowed(at)),
        Some(ProtoValue::ArrayValue(at)) => Any::Array(at.values.iter().map(any).collect()),
        Some(ProtoValue::KvlistValue(at)) => Any::Map(attributes(&at.values)),
    }
}

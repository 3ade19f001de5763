//! OTLP protobuf, and Tempo's answer around it.

use crate::{Attribute, Event, Span, System, Value};
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event as ProtoEvent, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtoSpan, Status, TracesData};
use prost::Message;

/// One batch as a message. Messages one after another are one message with all of their spans.
pub(super) fn message(out: &mut Vec<u8>, system: &System, batch: &[Span]) {
    let Some(first) = batch.first() else { return };
    let service = &system.services[first.service];
    let mut resource = vec![("service.name", Value::Text(service.name.clone()))];
    resource.extend(service.resource.iter().cloned());
    let scope_spans = (0..2).map(|library| {
        let (name, version) = service.libraries[library];
        let scope = InstrumentationScope { name: name.to_owned(), version: version.to_owned(), ..Default::default() };
        let spans = batch.iter().filter(|span| span.library == library).map(one_span).collect();
        ScopeSpans { scope: Some(scope), spans, ..Default::default() }
    });
    let resource_spans = ResourceSpans {
        resource: Some(Resource { attributes: attributes(&resource), ..Default::default() }),
        scope_spans: scope_spans.filter(|scope| !scope.spans.is_empty()).collect(),
        ..Default::default()
    };
    out.extend(TracesData { resource_spans: vec![resource_spans] }.encode_to_vec());
}

/// `TraceByIDResponse` of a whole trace: the trace as field 1 and empty metrics as field 2.
pub(super) fn tempo_answer(out: &mut Vec<u8>, trace: &[u8]) {
    out.push(0x0a);
    let mut length = trace.len();
    while length > 0x7f {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(trace);
    out.extend_from_slice(&[0x12, 0]);
}

fn one_span(span: &Span) -> ProtoSpan {
    let id = |id: u64| if id == 0 { Vec::new() } else { id.to_be_bytes().to_vec() };
    ProtoSpan {
        trace_id: span.trace_id.to_be_bytes().to_vec(),
        span_id: id(span.id),
        parent_span_id: id(span.parent),
        flags: 257,
        name: span.name.clone(),
        kind: span.kind as i32,
        start_time_unix_nano: span.start_ns,
        end_time_unix_nano: span.end_ns,
        attributes: attributes(&span.attributes),
        events: span.events.iter().map(event).collect(),
        links: span
            .links
            .iter()
            .map(|(trace, span)| Link {
                trace_id: trace.to_be_bytes().to_vec(),
                span_id: id(*span),
                ..Default::default()
            })
            .collect(),
        status: span.error.map(|error| Status { message: error.to_owned(), code: 2 }),
        ..Default::default()
    }
}

fn event(event: &Event) -> ProtoEvent {
    ProtoEvent {
        time_unix_nano: event.time_ns,
        name: event.name.to_owned(),
        attributes: attributes(&event.attributes),
        ..Default::default()
    }
}

fn attributes(all: &[Attribute]) -> Vec<KeyValue> {
    all.iter()
        .map(|(key, of)| KeyValue { key: (*key).to_owned(), value: Some(value(of)), ..Default::default() })
        .collect()
}

fn value(of: &Value) -> AnyValue {
    let value = match of {
        Value::Text(text) => ProtoValue::StringValue(text.clone()),
        Value::Bool(flag) => ProtoValue::BoolValue(*flag),
        Value::Int(number) => ProtoValue::IntValue(*number),
        Value::Double(number) => ProtoValue::DoubleValue(*number),
        Value::Texts(items) => ProtoValue::ArrayValue(ArrayValue {
            values: items.iter().map(|item| AnyValue { value: Some(ProtoValue::StringValue(item.clone())) }).collect(),
        }),
    };
    AnyValue { value: Some(value) }
}

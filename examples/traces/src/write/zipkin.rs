//! Zipkin's v2 JSON, as OpenTelemetry's exporters write it: everything is text.

use super::{list, put, quoted};
use crate::{Attribute, Kind, Span, System, Value};

pub(super) fn document<T: Iterator<Item = Span>>(out: &mut Vec<u8>, system: &System, traces: impl Iterator<Item = T>) {
    list(out, traces.flatten(), |out, span| one_span(out, system, &span));
}

fn one_span(out: &mut Vec<u8>, system: &System, span: &Span) {
    put!(out, "{{\"traceId\":\"{:032x}\"", span.trace_id);
    if span.parent != 0 {
        put!(out, ",\"parentId\":\"{:016x}\"", span.parent);
    }
    put!(out, ",\"id\":\"{:016x}\"", span.id);
    let kind = match span.kind {
        Kind::Internal => None,
        Kind::Server => Some("SERVER"),
        Kind::Client => Some("CLIENT"),
        Kind::Producer => Some("PRODUCER"),
        Kind::Consumer => Some("CONSUMER"),
    };
    if let Some(kind) = kind {
        put!(out, ",\"kind\":\"{kind}\"");
    }
    out.extend_from_slice(b",\"name\":");
    quoted(out, &span.name);
    let (start, end) = (span.start_ns / 1000, span.end_ns / 1000);
    put!(out, ",\"timestamp\":{start},\"duration\":{}", (end - start).max(1));
    let service = &system.services[span.service];
    out.extend_from_slice(b",\"localEndpoint\":{\"serviceName\":");
    quoted(out, &service.name);
    out.push(b'}');
    if !span.events.is_empty() {
        out.extend_from_slice(b",\"annotations\":");
        list(out, &span.events, |out, event| {
            put!(out, "{{\"timestamp\":{},\"value\":\"{}\"}}", event.time_ns / 1000, event.name);
        });
    }
    let (library, version) = service.libraries[span.library];
    let text = |value: &str| Value::Text(value.to_owned());
    let mut tags: Vec<Attribute> = span.attributes.clone();
    tags.extend([("otel.scope.name", text(library)), ("otel.scope.version", text(version))]);
    if let Some(error) = span.error {
        tags.extend([("error", text(error)), ("otel.status_code", text("ERROR"))]);
    }
    out.extend_from_slice(b",\"tags\":{");
    for (at, (key, value)) in tags.iter().enumerate() {
        put!(out, "{}\"{key}\":", if at > 0 { "," } else { "" });
        match value {
            Value::Text(text) => quoted(out, text),
            Value::Int(number) => put!(out, "\"{number}\""),
            Value::Double(number) => put!(out, "\"{number}\""),
            Value::Bool(flag) => put!(out, "\"{flag}\""),
            Value::Texts(items) => quoted(out, &items.join(",")),
        }
    }
    out.extend_from_slice(b"}}");
}

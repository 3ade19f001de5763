//! OTLP JSON: as the Collector writes it, and as Tempo does.

use super::{list, put, quoted};
use crate::{Attribute, Kind, Span, System, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Who writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Ids in hex, enums as numbers.
    Collector,
    /// Ids in base64, enums by their names.
    Tempo,
}

pub(super) fn resource_spans(out: &mut Vec<u8>, dialect: Dialect, system: &System, batch: &[Span]) {
    let Some(first) = batch.first() else { return };
    let service = &system.services[first.service];
    let name = ("service.name", Value::Text(service.name.clone()));
    out.extend_from_slice(b"{\"resource\":{\"attributes\":");
    list(out, std::iter::once(&name).chain(&service.resource), attribute);
    out.extend_from_slice(b"},\"scopeSpans\":");
    let libraries = (0..2).filter(|library| batch.iter().any(|span| span.library == *library));
    list(out, libraries, |out, library| {
        let (name, version) = service.libraries[library];
        put!(out, "{{\"scope\":{{\"name\":\"{name}\",\"version\":\"{version}\"}},\"spans\":");
        list(out, batch.iter().filter(|span| span.library == library), |out, span| one_span(out, dialect, span));
        out.push(b'}');
    });
    out.push(b'}');
}

fn one_span(out: &mut Vec<u8>, dialect: Dialect, span: &Span) {
    out.extend_from_slice(b"{\"traceId\":");
    id(out, dialect, &span.trace_id.to_be_bytes());
    out.extend_from_slice(b",\"spanId\":");
    id(out, dialect, &span.id.to_be_bytes());
    if span.parent != 0 {
        out.extend_from_slice(b",\"parentSpanId\":");
        id(out, dialect, &span.parent.to_be_bytes());
    }
    if dialect == Dialect::Collector {
        out.extend_from_slice(b",\"flags\":257");
    }
    out.extend_from_slice(b",\"name\":");
    quoted(out, &span.name);
    let kind = match span.kind {
        Kind::Internal => "INTERNAL",
        Kind::Server => "SERVER",
        Kind::Client => "CLIENT",
        Kind::Producer => "PRODUCER",
        Kind::Consumer => "CONSUMER",
    };
    match dialect {
        Dialect::Collector => put!(out, ",\"kind\":{}", span.kind as u8),
        Dialect::Tempo => put!(out, ",\"kind\":\"SPAN_KIND_{kind}\""),
    }
    put!(out, ",\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\",\"attributes\":", span.start_ns, span.end_ns);
    list(out, &span.attributes, attribute);
    if !span.events.is_empty() {
        out.extend_from_slice(b",\"events\":");
        list(out, &span.events, |out, event| {
            put!(out, "{{\"timeUnixNano\":\"{}\",\"name\":\"{}\",\"attributes\":", event.time_ns, event.name);
            list(out, &event.attributes, attribute);
            out.push(b'}');
        });
    }
    if !span.links.is_empty() {
        out.extend_from_slice(b",\"links\":");
        list(out, &span.links, |out, (trace, span)| {
            out.extend_from_slice(b"{\"traceId\":");
            id(out, dialect, &trace.to_be_bytes());
            out.extend_from_slice(b",\"spanId\":");
            id(out, dialect, &span.to_be_bytes());
            out.push(b'}');
        });
    }
    out.extend_from_slice(b",\"status\":{");
    if let Some(message) = span.error {
        out.extend_from_slice(b"\"message\":");
        quoted(out, message);
        let code = if dialect == Dialect::Tempo { "\"STATUS_CODE_ERROR\"" } else { "2" };
        put!(out, ",\"code\":{code}");
    }
    out.extend_from_slice(b"}}");
}

fn id(out: &mut Vec<u8>, dialect: Dialect, bytes: &[u8]) {
    out.push(b'"');
    match dialect {
        Dialect::Collector => bytes.iter().for_each(|byte| put!(out, "{byte:02x}")),
        Dialect::Tempo => out.extend_from_slice(STANDARD.encode(bytes).as_bytes()),
    }
    out.push(b'"');
}

fn attribute(out: &mut Vec<u8>, (key, of): &Attribute) {
    put!(out, "{{\"key\":\"{key}\",\"value\":");
    value(out, of);
    out.push(b'}');
}

fn value(out: &mut Vec<u8>, of: &Value) {
    match of {
        Value::Text(text) => {
            out.extend_from_slice(b"{\"stringValue\":");
            quoted(out, text);
            out.push(b'}');
        }
        Value::Bool(flag) => put!(out, "{{\"boolValue\":{flag}}}"),
        Value::Int(number) => put!(out, "{{\"intValue\":\"{number}\"}}"),
        Value::Double(number) => put!(out, "{{\"doubleValue\":{number}}}"),
        Value::Texts(items) => {
            out.extend_from_slice(b"{\"arrayValue\":{\"values\":");
            list(out, items, |out, item| value(out, &Value::Text(item.clone())));
            out.extend_from_slice(b"}}");
        }
    }
}

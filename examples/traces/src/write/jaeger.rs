//! Jaeger's legacy JSON, as its translator makes it of OTLP.

use super::{list, put, quoted};
use crate::{Attribute, Event, Kind, Span, System, Value};

pub(super) fn document<T: Iterator<Item = Span>>(out: &mut Vec<u8>, system: &System, traces: impl Iterator<Item = T>) {
    out.extend_from_slice(b"{\"data\":");
    list(out, traces, |out, trace| one_trace(out, system, trace));
    out.extend_from_slice(b",\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}");
}

fn one_trace(out: &mut Vec<u8>, system: &System, trace: impl Iterator<Item = Span>) {
    let mut spans = trace.peekable();
    put!(out, "{{\"traceID\":\"{:032x}\",\"spans\":", spans.peek().map_or(0, |span| span.trace_id));
    let mut met = vec![false; system.services.len()];
    list(out, spans, |out, span| {
        met[span.service] = true;
        one_span(out, system, &span);
    });
    out.extend_from_slice(b",\"processes\":{");
    for (at, service) in (0..).zip(&system.services).filter(|(at, _)| met[*at]) {
        let comma = if met[..at].contains(&true) { "," } else { "" };
        put!(out, "{comma}\"p{}\":{{\"serviceName\":", at + 1);
        quoted(out, &service.name);
        out.extend_from_slice(b",\"tags\":");
        list(out, &service.resource, tag);
        out.push(b'}');
    }
    out.extend_from_slice(b"},\"warnings\":null}");
}

fn one_span(out: &mut Vec<u8>, system: &System, span: &Span) {
    put!(out, "{{\"traceID\":\"{:032x}\",\"spanID\":\"{:016x}\",\"operationName\":", span.trace_id, span.id);
    quoted(out, &span.name);
    out.extend_from_slice(b",\"references\":");
    // A link to the parent and the reference to it are one, which then says FOLLOWS_FROM.
    let linked = span.links.iter().any(|(_, id)| *id == span.parent);
    let kind = if linked { "FOLLOWS_FROM" } else { "CHILD_OF" };
    let parent = (span.parent != 0).then_some((kind, (span.trace_id, span.parent)));
    let links = span.links.iter().filter(|(_, id)| *id != span.parent).map(|to| ("FOLLOWS_FROM", *to));
    list(out, parent.into_iter().chain(links), |out, (kind, (trace, id))| {
        put!(out, "{{\"refType\":\"{kind}\",\"traceID\":\"{trace:032x}\",\"spanID\":\"{id:016x}\"}}");
    });
    put!(out, ",\"startTime\":{},\"duration\":{}", span.start_ns / 1000, (span.end_ns - span.start_ns) / 1000);
    out.extend_from_slice(b",\"tags\":");
    let text = |value: &str| Value::Text(value.to_owned());
    let (library, version) = system.services[span.service].libraries[span.library];
    let mut tags = vec![("otel.scope.name", text(library)), ("otel.scope.version", text(version))];
    tags.extend(span.attributes.iter().cloned());
    let kind = match span.kind {
        Kind::Internal => "internal",
        Kind::Server => "server",
        Kind::Client => "client",
        Kind::Producer => "producer",
        Kind::Consumer => "consumer",
    };
    tags.push(("span.kind", text(kind)));
    if let Some(error) = span.error {
        tags.push(("otel.status_code", text("ERROR")));
        tags.push(("error", Value::Bool(true)));
        tags.push(("otel.status_description", text(error)));
    }
    list(out, &tags, tag);
    out.extend_from_slice(b",\"logs\":");
    list(out, &span.events, log);
    put!(out, ",\"processID\":\"p{}\",\"warnings\":null}}", span.service + 1);
}

fn log(out: &mut Vec<u8>, event: &Event) {
    put!(out, "{{\"timestamp\":{},\"fields\":", event.time_ns / 1000);
    let name = ("event", Value::Text(event.name.to_owned()));
    list(out, std::iter::once(&name).chain(&event.attributes), tag);
    out.push(b'}');
}

fn tag(out: &mut Vec<u8>, (key, value): &Attribute) {
    put!(out, "{{\"key\":\"{key}\",\"type\":");
    match value {
        Value::Text(text) => {
            out.extend_from_slice(b"\"string\",\"value\":");
            quoted(out, text);
        }
        Value::Bool(flag) => put!(out, "\"bool\",\"value\":{flag}"),
        Value::Int(number) if number.unsigned_abs() > (1 << 53) - 1 => put!(out, "\"int64\",\"value\":\"{number}\""),
        Value::Int(number) => put!(out, "\"int64\",\"value\":{number}"),
        Value::Double(number) => put!(out, "\"float64\",\"value\":{number}"),
        Value::Texts(items) => {
            out.extend_from_slice(b"\"string\",\"value\":");
            let mut text = Vec::new();
            list(&mut text, items, |out, item| quoted(out, item));
            quoted(out, &String::from_utf8_lossy(&text));
        }
    }
    out.push(b'}');
}

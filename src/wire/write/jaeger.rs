//! A trace in Jaeger's legacy JSON, one element of `data`, as its translator makes it of OTLP: what OTLP has fields for becomes tags.

use crate::trace::{Event, Kind, ResourceIx, SpanId, SpanRef, StatusCode, Sym, Trace, TraceId, Value};
use base64::Engine;
use indexmap::IndexSet;
use serde_json::{Map, Value as Json, json};

/// The greatest whole number that readers in JavaScript take exactly; Jaeger writes greater ones as text.
const GREATEST_EXACT: u64 = (1 << 53) - 1;

/// The trace as Jaeger's legacy API answers it. Times are cut to microseconds, as they are there. It is written span by span: as a tree,
/// the document of a large trace would take many times its text.
pub fn jaeger_json(trace: &Trace) -> String {
    let mut processes: IndexSet<ResourceIx> = IndexSet::new();
    let mut out = format!("{{\"traceID\":\"{}\",\"spans\":[", trace.id());
    for (at, span) in trace.spans().enumerate() {
        let process = format!("p{}", processes.insert_full(span.resource_ix()).0 + 1);
        out += if at > 0 { "," } else { "" };
        out += &span_json(trace, span, &process).to_string();
    }
    let process = |ix: &ResourceIx| {
        let resource = &trace.resources()[ix.0 as usize];
        let others = resource.attributes.iter().filter(|(key, _)| trace.text(*key) != "service.name");
        let tags: Vec<Json> = others.map(|(key, value)| tag(trace, *key, value)).collect();
        json!({ "serviceName": trace.text(resource.service), "tags": tags })
    };
    let processes: Map<String, Json> =
        processes.iter().enumerate().map(|(at, ix)| (format!("p{}", at + 1), process(ix))).collect();
    out + &format!("],\"processes\":{},\"warnings\":null}}", Json::Object(processes))
}

fn span_json(trace: &Trace, span: SpanRef<'_>, process: &str) -> Json {
    let reference = |kind: &str, of: TraceId, id: SpanId| json!({ "refType": kind, "traceID": of.to_string(), "spanID": id.to_string() });
    let parent = span.parent_id().map(|id| reference("CHILD_OF", span.trace_id(), id));
    let links = span.links().iter().map(|link| reference("FOLLOWS_FROM", link.trace_id, link.span_id));
    json!({
        "traceID": span.trace_id().to_string(),
        "spanID": span.id().to_string(),
        "operationName": span.name(),
        "references": parent.into_iter().chain(links).collect::<Vec<_>>(),
        "startTime": span.start_ns() / 1_000,
        "duration": span.duration_ns() / 1_000,
        "tags": tags(trace, span),
        "logs": span.events().iter().map(|event| log(trace, event)).collect::<Vec<_>>(),
        "processID": process,
        "warnings": null,
    })
}

fn tags(trace: &Trace, span: SpanRef<'_>) -> Vec<Json> {
    let text = |key: &str, value: &str| json!({ "key": key, "type": "string", "value": value });
    let mut tags: Vec<Json> = span.attributes().map(|(key, value)| tag(trace, key, value)).collect();
    if span.kind() != Kind::Unspecified {
        tags.push(text("span.kind", span.kind().word()));
    }
    match span.status() {
        StatusCode::Unset => {}
        StatusCode::Ok => tags.push(text("otel.status_code", "OK")),
        StatusCode::Error => {
            tags.push(text("otel.status_code", "ERROR"));
            tags.push(json!({ "key": "error", "type": "bool", "value": true }));
        }
    }
    let scope = span.scope();
    for (key, value) in [
        ("otel.status_description", span.status_message()),
        ("otel.scope.name", trace.text(scope.name)),
        ("otel.scope.version", trace.text(scope.version)),
        ("w3c.tracestate", span.trace_state()),
    ] {
        tags.extend((!value.is_empty()).then(|| text(key, value)));
    }
    tags
}

fn log(trace: &Trace, event: &Event) -> Json {
    let mut fields = Vec::new();
    if event.name != Sym::EMPTY {
        fields.push(json!({ "key": "event", "type": "string", "value": trace.text(event.name) }));
    }
    fields.extend(event.attributes.iter().map(|(key, value)| tag(trace, *key, value)));
    json!({ "timestamp": event.time_ns / 1_000, "fields": fields })
}

fn tag(trace: &Trace, key: Sym, value: &Value) -> Json {
    let (kind, value) = match value {
        Value::Bool(flag) => ("bool", json!(flag)),
        Value::Int(number) if number.unsigned_abs() > GREATEST_EXACT => ("int64", json!(number.to_string())),
        Value::Int(number) => ("int64", json!(number)),
        Value::Double(number) if number.is_finite() => ("float64", json!(number)),
        Value::Bytes(bytes) => ("binary", json!(base64::engine::general_purpose::STANDARD.encode(&bytes[..]))),
        Value::Array(_) | Value::Map(_) => ("string", json!(plain(trace, value).to_string())),
        Value::Empty | Value::Str(_) | Value::Double(_) => ("string", json!(trace.show(value))),
    };
    json!({ "key": trace.text(key), "type": kind, "value": value })
}

// Recursive: the readers bound the depth of what can be in a trace.
fn plain(trace: &Trace, value: &Value) -> Json {
    match value {
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Double(number) if number.is_finite() => json!(number),
        Value::Array(items) => items.iter().map(|item| plain(trace, item)).collect(),
        Value::Map(entries) => Json::Object(
            entries.iter().map(|(key, value)| (trace.text(*key).to_owned(), plain(trace, value))).collect(),
        ),
        Value::Empty => Json::Null,
        _ => json!(trace.show(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Injected;
    use crate::trace::fixture::{Draft, draft};

    #[test]
    fn what_is_written_is_read_again() {
        let trace = draft(&[
            Draft::new(1, 0, "shop", Kind::Server).times(5_000_000, 9_000_000).resource(&[("host.name", "h")]),
            Draft::new(2, 1, "shop", Kind::Client).times(6_000_000, 8_000_000).error().text("error.type", "timeout"),
            Draft::new(3, 2, "stock", Kind::Server).times(6_500_000, 7_000_000).int("big", i64::MAX).int("rows", 7),
        ]);
        let document = format!("{{\"data\":[{}]}}", jaeger_json(&trace));
        let mut builder = crate::trace::TraceBuilder::new();
        crate::wire::jaeger_json::read(&document, &mut builder).expect("it is Jaeger's");
        let again = builder.build(trace.id(), &[], &Injected::Unknown);
        assert_eq!(jaeger_json(&again), jaeger_json(&trace));
        let facts = |trace: &Trace| -> Vec<_> {
            let one = |span: SpanRef<'_>| {
                let attributes: Vec<_> =
                    span.attributes().map(|(key, value)| format!("{} {value:?}", trace.text(key))).collect();
                let parent = span.parent_id();
                (
                    span.id(),
                    parent,
                    span.service().to_owned(),
                    span.kind(),
                    span.status(),
                    span.start_ns(),
                    attributes.len(),
                )
            };
            trace.spans().map(one).collect()
        };
        assert_eq!(facts(&again), facts(&trace));
    }
}

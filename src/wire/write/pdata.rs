//! OTLP JSON as the Collector's pdata writes it: lower-case hex ids, enums as numbers, 64-bit integers as text, bytes in
//! base64, "NaN" and infinities as text, empty fields left out except `resource`, `scope` and `status`.

use base64::Engine;
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use std::fmt::Write;

/// The message as JSON text, on one line.
pub fn json(data: &TracesData) -> String {
    let mut out = Out::default();
    out.object(|out| out.list("resourceSpans", &data.resource_spans, resource_spans));
    out.text
}

/// Writes JSON without building it first.
#[derive(Default)]
struct Out {
    text: String,
    fresh: bool,
}

impl Out {
    fn object(&mut self, fill: impl FnOnce(&mut Out)) {
        self.text.push('{');
        self.fresh = true;
        fill(self);
        self.fresh = false;
        self.text.push('}');
    }
    fn key(&mut self, key: &str) {
        if !self.fresh {
            self.text.push(',');
        }
        self.fresh = false;
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }
    fn field(&mut self, key: &str, fill: impl FnOnce(&mut Out)) {
        self.key(key);
        self.object(fill);
    }
    fn list<T>(&mut self, key: &str, items: &[T], mut write: impl FnMut(&mut Out, &T)) {
        if !items.is_empty() {
            self.key(key);
            for (at, item) in items.iter().enumerate() {
                self.text.push(if at == 0 { '[' } else { ',' });
                self.object(|out| write(out, item));
            }
            self.text.push(']');
        }
    }
    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for at in text.chars() {
            match at {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                control if control < ' ' => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.text, "\\u{:04x}", control as u32);
                }
                plain => self.text.push(plain),
            }
        }
        self.text.push('"');
    }
    fn string(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.key(key);
            self.quoted(text);
        }
    }
    fn id(&mut self, key: &str, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.key(key);
            self.text.push('"');
            for byte in bytes {
                let _ = write!(self.text, "{byte:02x}");
            }
            self.text.push('"');
        }
    }
    fn number(&mut self, key: &str, number: impl Into<i64>) {
        let number = number.into();
        if number != 0 {
            self.key(key);
            let _ = write!(self.text, "{number}");
        }
    }
    fn time(&mut self, key: &str, time: u64) {
        if time != 0 {
            self.key(key);
            let _ = write!(self.text, "\"{time}\"");
        }
    }
}

fn resource_spans(out: &mut Out, from: &ResourceSpans) {
    out.field("resource", |out| {
        if let Some(resource) = &from.resource {
            out.list("attributes", &resource.attributes, attribute);
            out.number("droppedAttributesCount", resource.dropped_attributes_count);
        }
    });
    out.list("scopeSpans", &from.scope_spans, scope_spans);
    out.string("schemaUrl", &from.schema_url);
}

fn scope_spans(out: &mut Out, from: &ScopeSpans) {
    out.field("scope", |out| {
        if let Some(scope) = &from.scope {
            out.string("name", &scope.name);
            out.string("version", &scope.version);
            out.list("attributes", &scope.attributes, attribute);
            out.number("droppedAttributesCount", scope.dropped_attributes_count);
        }
    });
    out.list("spans", &from.spans, span);
    out.string("schemaUrl", &from.schema_url);
}

fn span(out: &mut Out, from: &Span) {
    out.id("traceId", &from.trace_id);
    out.id("spanId", &from.span_id);
    out.string("traceState", &from.trace_state);
    out.id("parentSpanId", &from.parent_span_id);
    out.number("flags", from.flags);
    out.string("name", &from.name);
    out.number("kind", from.kind);
    out.time("startTimeUnixNano", from.start_time_unix_nano);
    out.time("endTimeUnixNano", from.end_time_unix_nano);
    out.list("attributes", &from.attributes, attribute);
    out.number("droppedAttributesCount", from.dropped_attributes_count);
    out.list("events", &from.events, |out, event| {
        out.time("timeUnixNano", event.time_unix_nano);
        out.string("name", &event.name);
        out.list("attributes", &event.attributes, attribute);
        out.number("droppedAttributesCount", event.dropped_attributes_count);
    });
    out.number("droppedEventsCount", from.dropped_events_count);
    out.list("links", &from.links, |out, link| {
        out.id("traceId", &link.trace_id);
        out.id("spanId", &link.span_id);
        out.string("traceState", &link.trace_state);
        out.list("attributes", &link.attributes, attribute);
        out.number("droppedAttributesCount", link.dropped_attributes_count);
        out.number("flags", link.flags);
    });
    out.number("droppedLinksCount", from.dropped_links_count);
    out.field("status", |out| {
        if let Some(status) = &from.status {
            out.string("message", &status.message);
            out.number("code", status.code);
        }
    });
}

fn attribute(out: &mut Out, from: &KeyValue) {
    out.key("key");
    out.quoted(&from.key);
    out.field("value", |out| {
        if let Some(value) = &from.value {
            any(out, value);
        }
    });
}

// Recursive: what is written was read under a bound of depth.
fn any(out: &mut Out, from: &AnyValue) {
    match &from.value {
        None | Some(ProtoValue::StringValueStrindex(_)) => {}
        Some(ProtoValue::StringValue(text)) => {
            out.key("stringValue");
            out.quoted(text);
        }
        Some(ProtoValue::BoolValue(flag)) => {
            out.key("boolValue");
            out.text.push_str(if *flag { "true" } else { "false" });
        }
        Some(ProtoValue::IntValue(number)) => {
            out.key("intValue");
            let _ = write!(out.text, "\"{number}\"");
        }
        Some(ProtoValue::DoubleValue(number)) => {
            out.key("doubleValue");
            let written = match *number {
                number if number.is_nan() => write!(out.text, "\"NaN\""),
                f64::INFINITY => write!(out.text, "\"Infinity\""),
                f64::NEG_INFINITY => write!(out.text, "\"-Infinity\""),
                // The shortest text that reads back as the same number.
                number => write!(out.text, "{number:?}"),
            };
            let _ = written;
        }
        Some(ProtoValue::BytesValue(bytes)) => {
            out.key("bytesValue");
            out.quoted(&base64::engine::general_purpose::STANDARD.encode(bytes));
        }
        Some(ProtoValue::ArrayValue(array)) => {
            out.field("arrayValue", |out| out.list("values", &array.values, any));
        }
        Some(ProtoValue::KvlistValue(map)) => {
            out.field("kvlistValue", |out| out.list("values", &map.values, attribute));
        }
    }
}

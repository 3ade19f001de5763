//! OTLP JSON in every dialect met: OTLP's own, the Collector's, Jaeger v3's `{"result": …}`, Tempo's `batches` and
//! `{"trace": …}`, the old `instrumentationLibrarySpans`; one document, or several after one another (JSON lines).

use super::json::{self, Float, List, Plain, Text, Whole, object};
use super::raw::{self, Any, Attribute};
use super::stage::Stage;
use super::{Added, Sink, WireError, tempo};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

const STATUSES: [&str; 3] = ["UNSET", "OK", "ERROR"];

/// Adds all spans of a text. `{}` and an empty list of spans are an answer without spans; JSON of another shape is an
/// error. On an error the sink may hold the spans of the documents before it.
pub fn read(text: &str, sink: &mut dyn Sink) -> Result<Added, WireError> {
    Ok(read_answer(text, sink)?.added)
}

pub(super) struct Answer {
    pub(super) added: Added,
    /// Tempo's words, if it says that the trace is partial.
    pub(super) partial: Option<String>,
}

pub(super) fn read_answer(text: &str, sink: &mut dyn Sink) -> Result<Answer, WireError> {
    let mut answer = Answer { added: Added::default(), partial: None };
    json::each(text, "OTLP JSON", json::Parser::object, |document: Document<'_>| {
        let Answer { added, partial } = document.add(sink)?;
        answer.added += added;
        answer.partial = partial.or(answer.partial.take());
        Ok(())
    })?;
    Ok(answer)
}

/// Tempo's PartialStatus, as a word or a number: any but COMPLETE says that spans are missing.
fn is_partial(status: &Any<'_>) -> bool {
    match status {
        Any::Empty => false,
        Any::Int(code) => *code != i64::from(tempo::COMPLETE),
        Any::Str(word) => !(word.is_empty() || word.eq_ignore_ascii_case("COMPLETE") || word == "0"),
        _ => true,
    }
}

/// An answer or a request, not yet added to anything.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    groups: Vec<Stage>,
    recognised: bool,
    status: Any<'a>,
    message: Cow<'a, str>,
    error: Any<'a>,
    others: Vec<Cow<'a, str>>,
}

impl<'a> Document<'a> {
    /// Adds its spans; nothing where it is refused.
    pub(super) fn add(self, sink: &mut dyn Sink) -> Result<Answer, WireError> {
        self.check()?;
        let mut added = Added::default();
        for group in self.groups {
            added += group.commit(sink);
        }
        let partial = is_partial(&self.status).then(|| self.message.into_owned());
        Ok(Answer { added, partial })
    }
    fn nest(&mut self, inner: Document<'a>) {
        self.recognised |= inner.recognised || inner.is_blank();
        self.groups.extend(inner.groups);
        self.others.extend(inner.others);
        if inner.error != Any::Empty {
            self.error = inner.error;
        }
    }
    fn is_blank(&self) -> bool {
        self.others.is_empty() && self.error == Any::Empty && self.status == Any::Empty && self.message.is_empty()
    }
    fn check(&self) -> Result<(), WireError> {
        if self.error != Any::Empty {
            return Err(WireError::new(format!("expected OTLP JSON, found an error answer: {}", words(&self.error))));
        }
        if self.recognised || self.is_blank() {
            return Ok(());
        }
        let status = (self.status != Any::Empty).then_some("status");
        let message = (!self.message.is_empty()).then_some("message");
        let keys = self.others.iter().map(|key| key.as_ref()).chain(status).chain(message);
        let found = json::stranger(keys);
        Err(WireError::new(format!("expected OTLP JSON (resourceSpans, batches, result or trace), found {found}")))
    }
}

/// An error answer's own words, bounded.
fn words(error: &Any<'_>) -> String {
    let mut found: Vec<String> = Vec::new();
    match error {
        Any::Map(entries) => {
            for (_, value) in entries {
                match value {
                    Any::Int(number) => found.push(number.to_string()),
                    Any::Str(text) => found.push(text.to_string()),
                    _ => {}
                }
            }
        }
        Any::Str(text) => found.push(text.to_string()),
        Any::Array(items) => found.extend(items.iter().take(4).map(words)),
        _ => {}
    }
    crate::redact::cut(&found.join(" "), 300).into_owned()
}

object!(Document<'de>, "an object with resourceSpans, batches, result or trace", |out, map| {
    "resourceSpans" | "resource_spans" => {
        out.groups.push(map.next_value()?);
        out.recognised = true;
    },
    "batches" => {
        out.groups.push(map.next_value()?);
        out.recognised = true;
    },
    "result" => {
        let inner: Document<'de> = map.next_value()?;
        out.nest(inner);
    },
    "trace" => {
        let inner: Document<'de> = map.next_value()?;
        out.nest(inner);
    },
    "metrics" => { map.next_value::<IgnoredAny>()?; out.recognised = true; },
    "status" => out.status = map.next_value::<Plain<'de>>()?.0,
    "message" => out.message = map.next_value::<Text<'de>>()?.0,
    "error" | "errors" => out.error = map.next_value::<Plain<'de>>()?.0,
    else other => {
        map.next_value::<IgnoredAny>()?;
        if out.others.len() < 32 {
            out.others.push(other);
        }
    }
});

object!(raw::Group<'de>, "an object with resource and scopeSpans", |out, map| {
    "resource" => out.resource = map.next_value::<Resource<'de>>()?.attributes,
    "scopeSpans" | "scope_spans" => out.scopes.extend(map.next_value::<List<raw::ScopeGroup<'de>>>()?.0),
    "instrumentationLibrarySpans" | "instrumentation_library_spans" => {
        out.scopes.extend(map.next_value::<List<raw::ScopeGroup<'de>>>()?.0);
    },
});

#[derive(Default)]
struct Resource<'a> {
    attributes: Vec<Attribute<'a>>,
}

object!(Resource<'de>, "a resource", |out, map| {
    "attributes" => out.attributes = attributes(&mut map)?,
});

object!(raw::ScopeGroup<'de>, "an object with scope and spans", |out, map| {
    "scope" | "instrumentationLibrary" | "instrumentation_library" => out.scope = map.next_value()?,
    "spans" => out.spans.extend(map.next_value::<List<raw::Span<'de>>>()?.0),
});

object!(raw::Scope<'de>, "an instrumentation scope", |out, map| {
    "name" => out.name = map.next_value::<Text<'de>>()?.0,
    "version" => out.version = map.next_value::<Text<'de>>()?.0,
    "attributes" => out.attributes = attributes(&mut map)?,
});

object!(raw::Span<'de>, "a span", |out, map| {
    "traceId" | "trace_id" => out.trace_id = map.next_value()?,
    "spanId" | "span_id" => out.span_id = map.next_value()?,
    "parentSpanId" | "parent_span_id" => out.parent_id = map.next_value()?,
    "traceState" | "trace_state" => out.trace_state = map.next_value::<Text<'de>>()?.0,
    "flags" => out.flags = map.next_value::<Whole>()?.unsigned() as u32,
    "name" => out.name = map.next_value::<Text<'de>>()?.0,
    "kind" => out.kind = json::code(&map.next_value::<Plain<'de>>()?.0, "SPAN_KIND_", &json::KINDS)?,
    "startTimeUnixNano" | "start_time_unix_nano" => out.start_ns = map.next_value::<Whole>()?.unsigned(),
    "endTimeUnixNano" | "end_time_unix_nano" => out.end_ns = map.next_value::<Whole>()?.unsigned(),
    "attributes" => out.attributes = attributes(&mut map)?,
    "events" => out.events = map.next_value::<List<_>>()?.0,
    "links" => out.links = map.next_value::<List<_>>()?.0,
    "status" => {
        let status: Status<'de> = map.next_value()?;
        out.status = status.code;
        out.status_message = status.message;
    },
    "droppedAttributesCount" | "dropped_attributes_count" => out.dropped.attributes = count(&mut map)?,
    "droppedEventsCount" | "dropped_events_count" => out.dropped.events = count(&mut map)?,
    "droppedLinksCount" | "dropped_links_count" => out.dropped.links = count(&mut map)?,
});

#[derive(Default)]
struct Status<'a> {
    code: i64,
    message: Cow<'a, str>,
}

object!(Status<'de>, "a status", |out, map| {
    "code" => out.code = json::code(&map.next_value::<Plain<'de>>()?.0, "STATUS_CODE_", &STATUSES)?,
    "message" => out.message = map.next_value::<Text<'de>>()?.0,
});

object!(raw::RawEvent<'de>, "an event", |out, map| {
    "timeUnixNano" | "time_unix_nano" => out.time_ns = map.next_value::<Whole>()?.unsigned(),
    "name" => out.name = map.next_value::<Text<'de>>()?.0,
    "attributes" => out.attributes = attributes(&mut map)?,
    "droppedAttributesCount" | "dropped_attributes_count" => out.dropped = count(&mut map)?,
});

object!(raw::RawLink<'de>, "a link", |out, map| {
    "traceId" | "trace_id" => out.trace_id = map.next_value()?,
    "spanId" | "span_id" => out.span_id = map.next_value()?,
    "traceState" | "trace_state" => out.trace_state = map.next_value::<Text<'de>>()?.0,
    "attributes" => out.attributes = attributes(&mut map)?,
    "droppedAttributesCount" | "dropped_attributes_count" => out.dropped = count(&mut map)?,
});

/// A count of more than fits is at least as much as fits.
fn count<'de, A: MapAccess<'de>>(map: &mut A) -> Result<u32, A::Error> {
    Ok(u32::try_from(map.next_value::<Whole>()?.unsigned()).unwrap_or(u32::MAX))
}

fn attributes<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<Attribute<'de>>, A::Error> {
    Ok(map.next_value::<Attributes<'de>>()?.0)
}

/// A list of key and value; null is empty.
#[derive(Default)]
struct Attributes<'a>(Vec<Attribute<'a>>);

impl<'de> Deserialize<'de> for Attributes<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At;
        impl<'de> Visitor<'de> for At {
            type Value = Attributes<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of attributes")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Attributes::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(KeyValue { key, value }) = items.next_element()? {
                    list.push((key, value));
                }
                Ok(Attributes(list))
            }
        }
        from.deserialize_any(At)
    }
}

#[derive(Default)]
struct KeyValue<'a> {
    key: Cow<'a, str>,
    value: Any<'a>,
}

object!(KeyValue<'de>, "an attribute", |out, map| {
    "key" => out.key = map.next_value::<Text<'de>>()?.0,
    "value" => out.value = map.next_value()?,
});

object!(Any<'de>, "an attribute value such as {\"stringValue\": …}", |out, map| {
    "stringValue" | "string_value" => if let Some(Text(text)) = map.next_value()? {
        out = Any::Str(text);
    },
    "boolValue" | "bool_value" => match map.next_value::<Plain<'de>>()?.0 {
        Any::Bool(flag) => out = Any::Bool(flag),
        Any::Str(word) if word == "true" || word == "false" => out = Any::Bool(word == "true"),
        Any::Empty => {}
        _ => return Err(A::Error::custom("expected true or false")),
    },
    "intValue" | "int_value" => match map.next_value::<Plain<'de>>()?.0 {
        Any::Empty => {}
        value => {
            let number = Whole::integer(&value);
            out = Any::Int(number.ok_or_else(|| A::Error::custom("expected a 64-bit integer, or its text"))?);
        }
    },
    "doubleValue" | "double_value" => if let Some(Float(number)) = map.next_value()? {
        out = Any::Double(number);
    },
    "bytesValue" | "bytes_value" => if let Some(Text(text)) = map.next_value()? {
        let bytes = json::base64(&text).ok_or_else(|| A::Error::custom("expected bytes in base64"))?;
        out = Any::Bytes(Cow::Owned(bytes));
    },
    "arrayValue" | "array_value" => if let Some(ArrayValue(items)) = map.next_value()? {
        out = Any::Array(items);
    },
    "kvlistValue" | "kvlist_value" => if let Some(MapValue(entries)) = map.next_value()? {
        out = Any::Map(entries);
    },
});

#[derive(Default)]
struct ArrayValue<'a>(Vec<Any<'a>>);

object!(ArrayValue<'de>, "an object with values", |out, map| {
    "values" => out.0 = map.next_value::<List<Any<'de>>>()?.0,
});

#[derive(Default)]
struct MapValue<'a>(Vec<Attribute<'a>>);

object!(MapValue<'de>, "an object with values", |out, map| {
    "values" => out.0 = attributes(&mut map)?,
});

#[cfg(test)]
#[path = "otlp_json_tests.rs"]
mod tests;

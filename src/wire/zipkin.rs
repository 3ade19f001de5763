//! Zipkin's v2 JSON, one span: what `GET /api/v2/trace/{id}` and the v2 reporters write in lists.
//!
//! Every tag is text. A CLIENT and a SERVER span may share one id, which building the trace takes apart.

use super::json::{Entries, List, Text, Whole, object};
use super::raw::{self, Any, Id};
use super::status;
use super::{Added, Sink};
use crate::trace::{SpanId, TraceId};
use std::borrow::Cow;

#[derive(Debug, Default)]
pub(super) struct Span<'a> {
    trace_id: Id<TraceId>,
    id: Id<SpanId>,
    parent_id: Id<SpanId>,
    name: Cow<'a, str>,
    kind: Cow<'a, str>,
    start_us: Whole,
    duration_us: Whole,
    local: Endpoint<'a>,
    remote: Endpoint<'a>,
    annotations: Vec<Annotation<'a>>,
    tags: Entries<'a>,
}

object!(Span<'de>, "a Zipkin span", |out, map| {
    "traceId" => out.trace_id = map.next_value()?,
    "id" => out.id = map.next_value()?,
    "parentId" => out.parent_id = map.next_value()?,
    "name" => out.name = map.next_value::<Text<'de>>()?.0,
    "kind" => out.kind = map.next_value::<Text<'de>>()?.0,
    "timestamp" => out.start_us = map.next_value()?,
    "duration" => out.duration_us = map.next_value()?,
    "localEndpoint" => out.local = map.next_value()?,
    "remoteEndpoint" => out.remote = map.next_value()?,
    "annotations" => out.annotations = map.next_value::<List<_>>()?.0,
    "tags" => out.tags = map.next_value()?,
});

#[derive(Debug, Default)]
struct Endpoint<'a> {
    service: Cow<'a, str>,
    address: Cow<'a, str>,
    port: Whole,
}

object!(Endpoint<'de>, "an endpoint", |out, map| {
    "serviceName" => out.service = map.next_value::<Text<'de>>()?.0,
    "ipv4" => out.address = map.next_value::<Text<'de>>()?.0,
    "ipv6" => {
        let Text(address) = map.next_value()?;
        if out.address.is_empty() {
            out.address = address;
        }
    },
    "port" => out.port = map.next_value()?,
});

#[derive(Debug, Default)]
struct Annotation<'a> {
    time_us: Whole,
    value: Cow<'a, str>,
}

object!(Annotation<'de>, "an annotation", |out, map| {
    "timestamp" => out.time_us = map.next_value()?,
    "value" => out.value = map.next_value::<Text<'de>>()?.0,
});

/// Adds one span.
pub(super) fn add(from: Span<'_>, sink: &mut dyn Sink) -> Added {
    let Span { trace_id, id, parent_id, name, kind, start_us, duration_us, local, remote, annotations, tags } = from;
    let Entries(mut attributes) = tags;
    let code = status::take_last(&mut attributes, &["otel.status_code"], status::code);
    let message = status::take_text(&mut attributes, "otel.status_description");
    // The tag's value is the error's message.
    let error = attributes.iter().rev().find(|(key, value)| key == "error" && status::is_error(value));
    let (status, status_message) = match (error, code) {
        (Some((_, value)), _) => {
            let words = status::text(value).filter(|_| message.is_empty());
            (status::ERROR, words.unwrap_or(message))
        }
        (None, code) => (code.unwrap_or(status::UNSET), message),
    };
    let scope = raw::Scope {
        name: status::take_last(&mut attributes, &["otel.scope.name", "otel.library.name"], status::text)
            .unwrap_or_default(),
        version: status::take_last(&mut attributes, &["otel.scope.version", "otel.library.version"], status::text)
            .unwrap_or_default(),
        attributes: Vec::new(),
    };
    let mut add = |key: &'static str, value: Any<'_>, is: bool| {
        if is && !attributes.iter().any(|(at, _)| at == key) {
            attributes.push((Cow::Borrowed(key), detached(value)));
        }
    };
    add("peer.service", Any::Str(remote.service.clone()), !remote.service.is_empty());
    add("network.peer.address", Any::Str(remote.address.clone()), !remote.address.is_empty());
    add("network.peer.port", Any::Int(remote.port.signed()), remote.port != Whole(0));
    let service = (Cow::Borrowed("service.name"), Any::Str(local.service.clone()));
    let start_ns = start_us.unsigned().saturating_mul(1000);
    let duration_ns = duration_us.unsigned().saturating_mul(1000);
    let span = raw::Span {
        trace_id,
        span_id: id,
        parent_id,
        name,
        kind: self::kind(&kind),
        status,
        status_message,
        start_ns,
        // A span that is not finished has no duration.
        end_ns: if duration_us == Whole(0) { 0 } else { start_ns.saturating_add(duration_ns) },
        attributes,
        events: annotations.into_iter().map(event).collect(),
        untyped: true,
        ..Default::default()
    };
    let group = raw::Group {
        resource: if local.service.is_empty() { Vec::new() } else { vec![service] },
        untyped: false,
        scopes: vec![raw::ScopeGroup { scope, spans: vec![span] }],
    };
    raw::add(group, sink)
}

fn detached(value: Any<'_>) -> Any<'static> {
    match value {
        Any::Str(text) => Any::Str(Cow::Owned(text.into_owned())),
        Any::Int(number) => Any::Int(number),
        _ => Any::Empty,
    }
}

fn event(from: Annotation<'_>) -> raw::RawEvent<'_> {
    raw::RawEvent { time_ns: from.time_us.unsigned().saturating_mul(1000), name: from.value, ..Default::default() }
}

fn kind(word: &str) -> i64 {
    let words = ["SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    // A span without a kind is local work.
    words.iter().position(|at| at.eq_ignore_ascii_case(word)).map_or(1, |at| at as i64 + 2)
}

//! One legacy span back to what OTLP said: tags to kind, status and scope, references to parent and links.

use super::{Log, Process, Reference, Span, Tag, Trace};
use crate::trace::{Dropped, SpanId, TraceId};
use crate::wire::json::{self, List};
use crate::wire::raw::{self, Any, Attribute, Id};
use crate::wire::status::{self, ERROR, OK, UNSET, take_last, take_text, text};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What a whole document says of the server that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Every span has an `error` tag of three words, as VictoriaTraces writes it, and nothing has a type: "false" is its word for
    /// status Ok, and `scope_attr:` starts scope attributes.
    three_worded: bool,
}

/// Keys that OpenTelemetry's conventions (old and new names) give a type that is not text.
const NOT_TEXT: [&str; 27] = [
    "client.port",
    "db.response.returned_rows",
    "http.request.body.size",
    "http.request.resend_count",
    "http.request_content_length",
    "http.resend_count",
    "http.response.body.size",
    "http.response.status_code",
    "grpc.status_code",
    "http.response_content_length",
    "http.status_code",
    "messaging.batch.message_count",
    "messaging.message.body.size",
    "net.host.port",
    "net.peer.port",
    "net.sock.peer.port",
    "network.peer.port",
    "network.local.port",
    "process.pid",
    "request_size",
    "response_size",
    "rpc.grpc.status_code",
    "rpc.message.id",
    "server.port",
    "thread.id",
    "exception.escaped",
    "sampler.param",
];

impl Dialect {
    /// That of most servers.
    pub(super) const USUAL: Dialect = Dialect { three_worded: false };

    pub(super) fn of<'a>(traces: &[Trace<'a, List<Span<'a>>>]) -> Dialect {
        let three_worded = traces.iter().all(|trace| {
            trace.spans.0.iter().all(is_three_worded)
                && trace.processes.0.values().flat_map(|process| &process.tags).all(is_text)
        });
        Dialect { three_worded }
    }
}

/// Whether a span has an `error` tag of the three words, and all of its tags are text.
pub(super) fn is_three_worded(span: &Span<'_>) -> bool {
    span.tags.iter().any(is_error_word) && is_all_text(span)
}

pub(super) fn is_all_text(span: &Span<'_>) -> bool {
    span_tags(span).all(is_text)
}

/// Whether a span has a tag that is never text where there are types, or one that says so of an error.
pub(super) fn would_be_typed(span: &Span<'_>) -> bool {
    span_tags(span).any(is_not_text) || span.tags.iter().any(is_error_word)
}

pub(super) fn is_not_text(tag: &Tag<'_>) -> bool {
    NOT_TEXT.contains(&tag.key.as_ref())
}

/// The ids of the processes that write every tag as text, numbers and booleans too: a store or a proxy without types, beside which
/// others may have them.
pub(super) fn untyped_processes<'a>(
    spans: &[Span<'a>],
    processes: &BTreeMap<Cow<'a, str>, Process<'a>>,
) -> BTreeSet<Cow<'a, str>> {
    let mut by_process: BTreeMap<&str, Vec<&Span<'a>>> = BTreeMap::new();
    for span in spans.iter().filter(|span| span.process.is_none()) {
        by_process.entry(&span.process_id).or_default().push(span);
    }
    let untyped = by_process.into_iter().filter(|(id, spans)| is_untyped(spans.iter().copied(), processes.get(*id)));
    untyped.map(|(id, _)| Cow::Owned(id.to_owned())).collect()
}

/// Whether all tags of one process are text, and one of them is of a key that is never text where there are types.
pub(super) fn is_untyped<'s, 'a: 's>(
    spans: impl Iterator<Item = &'s Span<'a>> + Clone,
    process: Option<&'s Process<'a>>,
) -> bool {
    let tags = || spans.clone().flat_map(span_tags).chain(process.into_iter().flat_map(|process| &process.tags));
    let of_spans = || spans.clone().flat_map(|span| &span.tags);
    tags().all(is_text) && (tags().any(is_not_text) || of_spans().any(is_error_word))
}

fn span_tags<'s, 'a>(span: &'s Span<'a>) -> impl Iterator<Item = &'s Tag<'a>> {
    span.tags.iter().chain(span.logs.iter().flat_map(|log| &log.fields))
}

pub(super) fn is_text(tag: &Tag<'_>) -> bool {
    tag.kind.eq_ignore_ascii_case("string") && matches!(tag.value, Any::Str(_))
}

/// A tag as the attribute that it was. VictoriaTraces writes empty text as "-", and so does Envoy in its own spans: what
/// "-" was cannot be known, so it stays.
pub(super) fn attribute(tag: Tag<'_>) -> Attribute<'_> {
    (tag.key, typed(&tag.kind, tag.value))
}

fn is_error_word(tag: &Tag<'_>) -> bool {
    tag.key == "error" && matches!(&tag.value, Any::Str(word) if matches!(word.as_ref(), "unset" | "true" | "false"))
}

/// The value by its declared type; a value that is not of that type stays what it is in JSON.
fn typed<'a>(kind: &str, value: Any<'a>) -> Any<'a> {
    // Almost all tags.
    if kind == "string" && matches!(value, Any::Str(_)) {
        return value;
    }
    let lower = kind.bytes().any(|byte| byte.is_ascii_uppercase()).then(|| kind.to_ascii_lowercase());
    match (lower.as_deref().unwrap_or(kind), value) {
        ("string", Any::Empty) => Any::Str(Cow::Borrowed("")),
        ("bool" | "boolean", Any::Str(word)) if word.eq_ignore_ascii_case("true") => Any::Bool(true),
        ("bool" | "boolean", Any::Str(word)) if word.eq_ignore_ascii_case("false") => Any::Bool(false),
        ("int64" | "int" | "integer" | "long", Any::Str(text)) => match text.parse() {
            Ok(number) => Any::Int(number),
            Err(_) => Any::Str(text),
        },
        // A float that is whole and exactly an i64 (servers print large integers as 1e18).
        ("int64" | "int" | "integer" | "long", Any::Double(number))
            if number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0 =>
        {
            Any::Int(number as i64)
        }
        ("float64" | "float" | "double", Any::Int(number)) => Any::Double(number as f64),
        ("float64" | "float" | "double", Any::Str(text)) => match text.parse() {
            Ok(number) => Any::Double(number),
            Err(_) => Any::Str(text),
        },
        ("binary" | "bytes", Any::Str(text)) => match json::base64(&text) {
            Some(bytes) => Any::Bytes(Cow::Owned(bytes)),
            None => Any::Str(text),
        },
        (_, value) => value,
    }
}

/// Which of the keys below a span has: most spans lack most of them, and what is not there need not be looked for.
#[derive(Clone, Copy)]
struct Has(u8);

impl Has {
    const SCOPE: u8 = 1;
    const KIND: u8 = 2;
    const MESSAGE: u8 = 4;
    const STATUS: u8 = 8;
    const ERROR: u8 = 16;
    const STATE: u8 = 32;
    const HTTP: u8 = 64;

    fn of(attributes: &[Attribute<'_>]) -> Has {
        let one = |key: &str| match key {
            // Almost all keys, told by their first byte.
            _ if !matches!(key.as_bytes().first(), Some(b'o' | b's' | b'e' | b'w' | b'h')) => 0,
            "otel.scope.name" | "otel.library.name" | "otel.scope.version" | "otel.library.version" => Has::SCOPE,
            "span.kind" => Has::KIND,
            "otel.status_description" => Has::MESSAGE,
            "otel.status_code" | "status.code" => Has::STATUS,
            "error" => Has::ERROR,
            "w3c.tracestate" => Has::STATE,
            "http.status_code" => Has::HTTP,
            _ => 0,
        };
        Has(attributes.iter().fold(0, |all, (key, _)| all | one(key)))
    }
    fn any(self, of: u8) -> bool {
        self.0 & of != 0
    }
}

/// A span and the scope that its tags name.
pub(super) fn span<'a>(from: Span<'a>, untyped: bool, dialect: &Dialect) -> (raw::Scope<'a>, raw::Span<'a>) {
    let own = json::trace_id(&from.trace_id);
    let is_own = |reference: &Reference<'_>| super::same_trace(&reference.trace_id, &from.trace_id, own.usable());
    let parent_id = super::parent(&from.references, is_own);
    let links = links(&from.references, is_own, own, parent_id.unwrap_or_default());
    let mut attributes: Vec<Attribute<'a>> = from.tags.into_iter().map(attribute).collect();
    let has = Has::of(&attributes);
    let scope = if has.any(Has::SCOPE) || dialect.three_worded {
        scope(&mut attributes, dialect)
    } else {
        raw::Scope::default()
    };
    let from_otlp = !scope.name.is_empty();
    let kind = has.any(Has::KIND).then(|| {
        take_last(&mut attributes, &["span.kind"], |value| match value {
            Any::Str(word) => kind(word),
            _ => None,
        })
    });
    let kind = kind.flatten();
    let mut text = |has: bool, key: &str| if has { take_text(&mut attributes, key) } else { Cow::default() };
    let status_message = text(has.any(Has::MESSAGE), "otel.status_description");
    let trace_state = text(has.any(Has::STATE), "w3c.tracestate");
    let status = if has.any(Has::STATUS | Has::ERROR | Has::HTTP) {
        status(&mut attributes, kind.unwrap_or(0), from_otlp, untyped, dialect)
    } else {
        UNSET
    };
    let start_us = from.start_us.unsigned();
    // Jaeger before 1.70 and 2.7 wraps a negative duration into an unsigned one.
    let duration_us = from.duration_us.0.clamp(i128::from(i64::MIN), i128::from(u64::MAX)) as u64 as i64;
    let start_ns = start_us.saturating_mul(1000);
    let span = raw::Span {
        trace_id: own,
        span_id: json::span_id(&from.span_id),
        parent_id: parent_id.unwrap_or_else(|| json::span_id(&from.parent_id)),
        name: from.name,
        kind: kind.unwrap_or(0),
        status,
        status_message,
        trace_state,
        // Jaeger's own flags (sampled, debug) are not OTLP's.
        flags: 0,
        start_ns,
        end_ns: start_ns.saturating_add_signed(duration_us.saturating_mul(1000)),
        attributes,
        events: from.logs.into_iter().map(event).collect(),
        links,
        dropped: Dropped::default(),
        warnings: from.warnings.into_iter().map(|text| text.0).collect(),
        untyped,
    };
    (scope, span)
}

fn kind(word: &str) -> Option<i64> {
    let words = ["internal", "server", "client", "producer", "consumer"];
    words.iter().position(|at| at.eq_ignore_ascii_case(word)).map(|at| at as i64 + 1)
}

/// The scope tags stand first; `otel.library.*` are their names before 2023.
fn scope<'a>(attributes: &mut Vec<Attribute<'a>>, dialect: &Dialect) -> raw::Scope<'a> {
    let mut take = |keys: [&str; 2]| {
        keys.into_iter()
            .find_map(|key| {
                let at = attributes.iter().position(|(name, value)| name == key && matches!(value, Any::Str(_)))?;
                text(&attributes.remove(at).1)
            })
            .unwrap_or_default()
    };
    let name = take(["otel.scope.name", "otel.library.name"]);
    let version = take(["otel.scope.version", "otel.library.version"]);
    let mut own = Vec::new();
    if dialect.three_worded {
        attributes.retain_mut(|(key, value)| match key.strip_prefix("scope_attr:") {
            Some(rest) => {
                own.push((Cow::Owned(rest.to_owned()), std::mem::take(value)));
                false
            }
            None => true,
        });
    }
    raw::Scope { name, version, attributes: own }
}

/// An `error` tag wins; then the status code; then, for spans of Jaeger's own clients, the HTTP status. A span that came as OTLP (it
/// names its scope) has said its status already, if only by leaving it unset.
fn status(attributes: &mut Vec<Attribute<'_>>, kind: i64, from_otlp: bool, untyped: bool, dialect: &Dialect) -> i64 {
    // `status.code` is how exporters named it before 2021; since then the name is the application's.
    let older =
        || attributes.iter().rev().find(|(key, _)| key == "status.code").and_then(|(_, value)| status::code(value));
    let older = if from_otlp { None } else { older() };
    let code = take_last(attributes, &["otel.status_code"], status::code).or(older);
    // Taken is what a translator makes of the status; what says more than that it failed stays an attribute.
    let error = take_last(attributes, &["error"], |value| match value {
        Any::Bool(true) => Some(ERROR),
        Any::Str(word) if untyped && word == "true" => Some(ERROR),
        Any::Str(word) if dialect.three_worded && word == "false" => Some(OK),
        Any::Str(word) if untyped && (word == "false" || word == "unset") => Some(UNSET),
        _ => None,
    });
    let failed = attributes.iter().any(|(key, value)| key == "error" && status::is_error(value));
    match (error, code) {
        _ if failed => ERROR,
        (Some(ERROR), _) => ERROR,
        (_, Some(code)) => code,
        (Some(said), None) => said,
        (None, None) if from_otlp => UNSET,
        (None, None) => http_status(attributes, kind),
    }
}

/// What OpenTelemetry's HTTP conventions make of a response code: 5xx failed, 4xx failed for the client alone.
fn http_status(attributes: &[Attribute<'_>], kind: i64) -> i64 {
    const CLIENT: i64 = 3;
    let code = attributes.iter().rev().find(|(key, _)| key == "http.status_code").and_then(|(_, value)| match value {
        Any::Int(code) => Some(*code),
        Any::Str(text) => text.parse().ok(),
        _ => None,
    });
    match code {
        Some(500..=599) => ERROR,
        Some(400..=499) if kind == CLIENT => ERROR,
        _ => UNSET,
    }
}

/// The event's name is its text field "event", wherever it stands.
fn event(log: Log<'_>) -> raw::RawEvent<'_> {
    let mut attributes: Vec<Attribute<'_>> = log.fields.into_iter().map(attribute).collect();
    let at = attributes.iter().position(|(key, value)| key == "event" && matches!(value, Any::Str(_)));
    let name = at.and_then(|at| text(&attributes.remove(at).1)).unwrap_or_default();
    raw::RawEvent { time_ns: log.time_us.unsigned().saturating_mul(1000), name, attributes, dropped: 0 }
}

/// All references but the one that is the parent. A FOLLOWS_FROM to the parent is a link as well: Jaeger merges the
/// two into one reference.
fn links<'a>(
    references: &[Reference<'_>],
    is_own: impl Fn(&Reference<'_>) -> bool,
    own: Id<TraceId>,
    parent: Id<SpanId>,
) -> Vec<raw::RawLink<'a>> {
    let mut links = Vec::new();
    let mut parent_told = false;
    for at in references {
        let child_of = at.kind.eq_ignore_ascii_case("CHILD_OF");
        let span_id = json::span_id(&at.span_id);
        if child_of && !parent_told && span_id == parent && is_own(at) {
            parent_told = true;
            continue;
        }
        // A link becomes CHILD_OF only by this attribute of OpenTracing's.
        let kind = (Cow::Borrowed("opentracing.ref_type"), Any::Str(Cow::Borrowed("child_of")));
        links.push(raw::RawLink {
            // Of a span whose own id is usable: no other is in its trace.
            trace_id: if is_own(at) { own } else { json::trace_id(&at.trace_id) },
            span_id,
            attributes: if child_of { vec![kind] } else { Vec::new() },
            ..Default::default()
        });
    }
    links
}

//! What is in a saved file: every format that this module's siblings read, recognised by content, also within gzip or zstd.

mod quick;

use super::json::{self, Keys};
use super::tempo;
use super::{Added, Sink, WireError, console, frames, jaeger_json, otlp_json, otlp_proto, raw, zipkin};
use crate::trace::{SpanId, TraceBuilder, TraceId};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::Read;

/// What a file turned out to be; of a file with several formats the first that has spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Nothing but white space, or metrics and logs only.
    Empty,
    /// OTLP JSON in any dialect, as one document, as several (JSON lines) or as a list: OTLP, Jaeger v3, Tempo v1 and v2.
    OtlpJson,
    /// Jaeger's legacy JSON.
    JaegerJson,
    /// Zipkin's v2 JSON.
    ZipkinJson,
    /// JSON of a console exporter (Python's, Go's).
    ConsoleJson,
    /// OTLP protobuf, alone or with the length before each message; Tempo v1 and Jaeger's gRPC api_v3 send it as well.
    OtlpProto,
    /// Tempo's v2 protobuf.
    TempoProto,
}

/// What gzip or zstd may grow to.
pub const MOST_BYTES: u64 = 1 << 30;

const TRIED: &str = "OTLP JSON (also Jaeger's /api/v3, Tempo's, JSON lines), Jaeger's legacy JSON, Zipkin's v2 JSON, JSON of Python's \
                     or Go's console exporter, OTLP protobuf (also length-prefixed) and Tempo's v2 protobuf";

/// Adds all spans of a file's bytes. Where Tempo says that a trace is partial, the traces read are given a remark.
pub fn read(bytes: &[u8], sink: &mut dyn Sink) -> Result<(Format, Added), WireError> {
    let bytes = &*inflate(bytes, MOST_BYTES).map_err(Inflate::into_error)?;
    if let Some(messages) = frames::split(bytes) {
        return read_messages(&messages?, sink);
    }
    let text = simdutf8::basic::from_utf8(bytes).ok();
    let start = text.map(|text| text.trim_start_matches('\u{feff}').trim_start());
    match start {
        Some("") => return Ok((Format::Empty, Added::default())),
        // The tag of protobuf's first field is a line feed, so a message may look like text and even begin with a brace.
        Some(text) if text.starts_with(['{', '[', '<']) => match read_json(text, sink) {
            Err(error) => return read_proto(bytes, sink).ok_or(error),
            done => return done,
        },
        _ => {}
    }
    read_proto(bytes, sink).ok_or_else(|| {
        let form = if start.is_some() { "text" } else { "binary data" };
        WireError::new(format!("{form} of {} bytes in an unknown format; expected {TRIED}", bytes.len()))
    })
}

/// Length-prefixed messages, each by itself protobuf, JSON, or one of them compressed.
fn read_messages(messages: &[&[u8]], sink: &mut dyn Sink) -> Result<(Format, Added), WireError> {
    let mut all = Found::default();
    let mut left = MOST_BYTES;
    for (at, message) in messages.iter().enumerate() {
        let failed = |error: WireError| WireError::new(format!("length-prefixed message {}: {error}", at + 1));
        let plain = inflate(message, left).map_err(Inflate::into_error).map_err(failed)?;
        if let Cow::Owned(grown) = &plain {
            left = left.saturating_sub(grown.len() as u64);
        }
        let text = std::str::from_utf8(&plain).ok().filter(|text| text.starts_with('{'));
        let json = text.map(|text| read_json(text, sink));
        match json {
            Some(Ok(found)) => all.add(found),
            other => match read_proto(&plain, sink) {
                Some(found) => all.add(found),
                None => {
                    let unknown = || WireError::new("it is neither OTLP protobuf nor JSON");
                    return Err(failed(other.and_then(Result::err).unwrap_or_else(unknown)));
                }
            },
        }
    }
    Ok(all.done())
}

/// What several documents brought.
#[derive(Default)]
struct Found {
    format: Option<Format>,
    added: Added,
    /// How many documents were read.
    documents: usize,
    /// How many of the first are in the sink already, so that they are passed over.
    passed: usize,
}

impl Found {
    fn add(&mut self, (format, added): (Format, Added)) {
        self.added += added;
        if format != Format::Empty {
            self.format.get_or_insert(format);
        }
    }
    fn skip(&mut self) {
        self.added.skipped += 1;
    }
    fn done(self) -> (Format, Added) {
        (self.format.unwrap_or(Format::Empty), self.added)
    }
}

fn read_json(text: &str, sink: &mut dyn Sink) -> Result<(Format, Added), WireError> {
    let mut all = Found::default();
    if quick::read(text, &mut all, sink).is_ok() {
        return Ok(all.done());
    }
    // Those that are in the sink already.
    all.passed = std::mem::take(&mut all.documents);
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut number = 0;
    while let Some(document) = documents.next() {
        let document = document.map_err(|error| {
            WireError::new(format!("looks like JSON, but cannot be read: {error}; expected {TRIED}"))
        })?;
        number += 1;
        let end = documents.byte_offset();
        let read = if document.get().starts_with('[') {
            read_list(document.get(), 0, &mut all, sink)
        } else {
            read_document(document.get(), &mut all, sink)
        };
        // Places in the error's words count from where the document begins.
        read.map_err(|error| match end.checked_sub(document.get().len()) {
            Some(start) if number > 1 => {
                let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
                WireError::new(format!("document {number}, which begins at line {line}: {error}"))
            }
            _ => error,
        })?;
    }
    Ok(all.done())
}

/// How deep lists of documents may nest: Zipkin answers a list of traces, each a list of spans.
const DEEPEST_LIST: usize = 2;

fn read_list(text: &str, depth: usize, all: &mut Found, sink: &mut dyn Sink) -> Result<(), WireError> {
    let unknown = |what: &str| WireError::new(format!("a JSON list of {what}; expected {TRIED}"));
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| json::error("a list", &error))?;
    if items.is_empty() && depth == 0 {
        return Err(unknown("nothing"));
    }
    for (at, item) in items.iter().enumerate() {
        let read = match item.get().as_bytes().first() {
            Some(b'{') => read_document(item.get(), all, sink),
            Some(b'[') if depth < DEEPEST_LIST => read_list(item.get(), depth + 1, all, sink),
            _ => Err(unknown("what is no object")),
        };
        read.map_err(|error| WireError::new(format!("item {} of the list: {error}", at + 1)))?;
    }
    Ok(())
}

/// What one JSON object is, by its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Otlp,
    ResourceSpans,
    Jaeger,
    Zipkin,
    Python,
    Go,
    OtherSignal,
}

fn kind_of(keys: &[Cow<'_, str>]) -> Option<Kind> {
    let has = |wanted: &[&str]| keys.iter().any(|key| wanted.contains(&key.as_ref()));
    let has_all = |wanted: &[&str]| wanted.iter().all(|key| has(&[key]));
    // Who answers as Tempo and as Jaeger has both; OTLP keeps nanoseconds and types.
    if has(&["data"]) && !has(&["batches"])
        || has(&["traceID", "spans"]) && has(&["processes", "spans"]) && !has(&["processMap", "process_map"])
    {
        Some(Kind::Jaeger)
    } else if keys.is_empty() || has(&["resourceSpans", "resource_spans", "batches", "result", "trace", "error"]) {
        Some(Kind::Otlp)
    } else if has(&["resourceMetrics", "resource_metrics", "resourceLogs", "resource_logs", "resourceProfiles"])
        || has(&["scopeMetrics", "scope_metrics", "scopeLogs", "scope_logs", "scopeProfiles"])
    {
        Some(Kind::OtherSignal)
    } else if has(&["scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans"]) {
        Some(Kind::ResourceSpans)
    } else if has_all(&["traceId", "id"]) {
        Some(Kind::Zipkin)
    } else if has_all(&["context", "start_time"]) {
        Some(Kind::Python)
    } else if has_all(&["SpanContext", "StartTime"]) {
        Some(Kind::Go)
    } else if has(&["metrics"]) && !has(&["traces"]) {
        // Tempo's v2 answer leaves out an empty trace.
        Some(Kind::Otlp)
    } else {
        None
    }
}

fn read_document(text: &str, all: &mut Found, sink: &mut dyn Sink) -> Result<(), WireError> {
    if all.documents < all.passed {
        all.documents += 1;
        return Ok(());
    }
    let Keys(keys) = json::one(text)
        .map_err(|error| WireError::new(format!("looks like JSON, but is no object: {error}; expected {TRIED}")))?;
    let Some(kind) = kind_of(&keys) else {
        let found = json::stranger(keys.iter().map(|key| key.as_ref()));
        return Err(WireError::new(format!("found {found}; expected {TRIED}")));
    };
    let read = Document::parse(kind, text).and_then(|document| document.add(all, sink));
    // Of Jaeger's other models the name says more.
    read.map_err(|error| if kind == Kind::Jaeger { jaeger_json::refusal(text, error) } else { error })
}

/// A JSON object read as what its keys say it is.
enum Document<'a> {
    Otlp(Box<otlp_json::Document<'a>>),
    ResourceSpans(raw::Group<'a>),
    Jaeger(Box<jaeger_json::Document<'a>>),
    Zipkin(Box<zipkin::Span<'a>>),
    Python(Box<console::Python<'a>>),
    Go(Box<console::Go<'a>>),
    OtherSignal,
}

impl<'a> Document<'a> {
    /// The object, which is all of the text.
    fn parse(kind: Kind, text: &'a str) -> Result<Document<'a>, WireError> {
        Ok(match kind {
            Kind::Otlp => Document::Otlp(object(text, "OTLP JSON")?),
            Kind::ResourceSpans => Document::ResourceSpans(object(text, "OTLP's ResourceSpans")?),
            Kind::Jaeger => Document::Jaeger(object(text, "Jaeger's legacy JSON")?),
            Kind::Zipkin => Document::Zipkin(object(text, "a Zipkin span")?),
            Kind::Python => Document::Python(object(text, "a span of Python's console exporter")?),
            Kind::Go => Document::Go(object(text, "a span of Go's stdouttrace")?),
            Kind::OtherSignal => Document::OtherSignal,
        })
    }
    fn add(self, all: &mut Found, sink: &mut dyn Sink) -> Result<(), WireError> {
        let found = match self {
            Document::Otlp(document) => {
                let mut noting = Noting { sink, ids: Vec::new() };
                let answer = document.add(&mut noting)?;
                noting.partial(answer.partial);
                (Format::OtlpJson, answer.added)
            }
            Document::ResourceSpans(group) => (Format::OtlpJson, raw::add(group, sink)),
            Document::Jaeger(document) => (Format::JaegerJson, document.add(sink)?),
            Document::Zipkin(span) => (Format::ZipkinJson, zipkin::add(*span, sink)),
            Document::Python(span) => (Format::ConsoleJson, console::add_python(*span, sink)),
            Document::Go(span) => (Format::ConsoleJson, console::add_go(*span, sink)),
            Document::OtherSignal => {
                all.skip();
                all.documents += 1;
                return Ok(());
            }
        };
        all.add(found);
        all.documents += 1;
        Ok(())
    }
}

fn object<'a, T: Deserialize<'a>>(text: &'a str, what: &str) -> Result<T, WireError> {
    json::one(text).map_err(|error| json::error(what, &error))
}

/// Tempo's v2 message wraps OTLP's in one more field, so each reads the other's bytes as something without spans, if at
/// all: the reading that finds spans is the right one. Without spans, only a message that is wholly known counts.
fn read_proto(bytes: &[u8], sink: &mut dyn Sink) -> Option<(Format, Added)> {
    let spans = |data: &TracesData| {
        let spans = data.resource_spans.iter().flat_map(|at| &at.scope_spans).flat_map(|at| &at.spans);
        spans.fold((0, 0), |(all, usable), span| (all + 1, usable + usize::from(otlp_proto::has_ids(span))))
    };
    let has_spans = |data: &TracesData| spans(data).0 > 0;
    if let Ok((stage, 1..)) = otlp_proto::quick::read(bytes) {
        return Some((Format::OtlpProto, stage.commit(sink)));
    }
    let otlp = otlp_proto::decode(bytes).ok();
    // An export of metrics may read as spans with odd ids.
    if otlp.as_ref().is_none_or(|data| spans(data).1 == 0) && frames::is_other_signal(bytes) {
        return Some((Format::Empty, Added { skipped: 1, ..Added::default() }));
    }
    let otlp = match otlp {
        Some(data) if has_spans(&data) => return Some((Format::OtlpProto, otlp_proto::add(data, sink))),
        other => other,
    };
    let tempo = tempo::decode(bytes).ok();
    if let Some(response) = tempo.filter(|at| at.trace.as_ref().is_some_and(has_spans) || at.encode_to_vec() == bytes) {
        let mut noting = Noting { sink, ids: Vec::new() };
        let answer = tempo::add(response, &mut noting);
        noting.partial(answer.partial);
        return Some((Format::TempoProto, answer.added));
    }
    let data = otlp.filter(|data| data.encode_to_vec() == bytes)?;
    Some((Format::OtlpProto, otlp_proto::add(data, sink)))
}
/// Remembers which traces were read, so that what is said of all of them can be put down.
struct Noting<'a> {
    sink: &'a mut dyn Sink,
    ids: Vec<TraceId>,
}

impl Sink for Noting<'_> {
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder {
        if self.ids.last() != Some(&id) {
            self.ids.push(id);
        }
        self.sink.builder(id)
    }
    fn invalid_span(&mut self, trace: Option<TraceId>) {
        self.sink.invalid_span(trace);
    }
    fn injected(&mut self, trace: TraceId, span: SpanId) {
        self.sink.injected(trace, span);
    }
}

impl Noting<'_> {
    fn partial(mut self, message: Option<String>) {
        let Some(message) = message else { return };
        self.ids.sort_unstable();
        self.ids.dedup();
        for id in self.ids {
            let builder = self.sink.builder(id);
            builder.remark(partial_remark(&message));
            builder.set_partial();
        }
    }
}

/// The remark on a trace that Tempo calls partial.
pub fn partial_remark(message: &str) -> String {
    if message.is_empty() { "the trace is partial".to_owned() } else { format!("the trace is partial: {message}") }
}

/// Why bytes could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inflate {
    /// They grow over the limit.
    TooLarge,
    /// They are not whole gzip or zstd.
    Broken(WireError),
}

impl Inflate {
    fn into_error(self) -> WireError {
        match self {
            Inflate::TooLarge => WireError::new(format!("compressed data that grows to more than {MOST_BYTES} bytes")),
            Inflate::Broken(error) => error,
        }
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The bytes, decompressed if they are gzip or zstd; at most `most` bytes of it.
pub fn inflate(bytes: &[u8], most: u64) -> Result<Cow<'_, [u8]>, Inflate> {
    let grow = |name: &str, from: std::io::Result<&mut dyn Read>| {
        let mut plain = Vec::new();
        let read = from.and_then(|from| from.take(most.saturating_add(1)).read_to_end(&mut plain));
        let broken = |error| WireError::new(format!("begins like {name}, but cannot be decompressed: {error}"));
        read.map_err(|error| Inflate::Broken(broken(error)))?;
        if plain.len() as u64 > most { Err(Inflate::TooLarge) } else { Ok(Cow::Owned(plain)) }
    };
    if bytes.starts_with(&GZIP) {
        return grow("gzip", Ok(&mut flate2::read::MultiGzDecoder::new(bytes)));
    }
    if bytes.starts_with(&ZSTD) {
        return match zstd::stream::read::Decoder::new(bytes) {
            Ok(mut decoder) => grow("zstd", Ok(&mut decoder)),
            Err(error) => grow("zstd", Err(error)),
        };
    }
    Ok(Cow::Borrowed(bytes))
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;

//! What is in a saved file: every format that this module's siblings read, told apart by content, also within gzip.

use super::json::{self, Keys};
use super::tempo;
use super::{Added, Sink, WireError, jaeger_json, otlp_json, otlp_proto};
use crate::trace::{SpanId, TraceBuilder, TraceId};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use std::borrow::Cow;
use std::io::Read;

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Nothing but white space.
    Empty,
    /// OTLP JSON in any dialect, as one document or as several (JSON lines): OTLP, Jaeger v3, Tempo v1 and v2.
    OtlpJson,
    /// Jaeger's legacy JSON.
    JaegerJson,
    /// OTLP protobuf, which Tempo v1 and Jaeger's gRPC api_v3 send as well.
    OtlpProto,
    /// Tempo's v2 protobuf.
    TempoProto,
}

/// What gzip may grow to.
pub const MOST_BYTES: u64 = 1 << 30;

const TRIED: &str = "OTLP JSON (also Jaeger's /api/v3, Tempo's, JSON lines), Jaeger's legacy JSON, OTLP protobuf and \
                     Tempo's v2 protobuf";

/// Adds all spans of a file's bytes. Where Tempo says that a trace is partial, the traces read are given a remark.
pub fn read(bytes: &[u8], sink: &mut dyn Sink) -> Result<(Format, Added), WireError> {
    let bytes = &*inflate(bytes, MOST_BYTES).map_err(|error| match error {
        Inflate::TooLarge => WireError::new(format!("gzip that grows to more than {MOST_BYTES} bytes")),
        Inflate::Broken(error) => error,
    })?;
    let text = std::str::from_utf8(bytes).ok();
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
        WireError::new(format!("{form} of {} bytes that is none of {TRIED}", bytes.len()))
    })
}

fn read_json(text: &str, sink: &mut dyn Sink) -> Result<(Format, Added), WireError> {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Keys<'_>>();
    let Keys(keys) = match documents.next() {
        Some(first) => first.map_err(|error| {
            WireError::new(format!("looks like JSON, but is none of {TRIED}; expected an object: {error}"))
        })?,
        None => Keys(Vec::new()),
    };
    let has = |wanted: &[&str]| keys.iter().any(|key| wanted.contains(&key.as_ref()));
    if has(&["data", "traceID"]) {
        return Ok((Format::JaegerJson, jaeger_json::read(text, sink)?));
    }
    let known = ["resourceSpans", "resource_spans", "batches", "result", "trace", "metrics", "error"];
    if !keys.is_empty() && !has(&known) {
        let found = json::stranger(keys.iter().map(|key| key.as_ref()));
        return Err(WireError::new(format!("JSON, but none of {TRIED}: {found}")));
    }
    let mut noting = Noting { sink, ids: Vec::new() };
    let answer = otlp_json::read_answer(text, &mut noting)?;
    noting.partial(answer.partial);
    Ok((Format::OtlpJson, answer.added))
}

/// Tempo's v2 message wraps OTLP's in one more field, so each reads the other's bytes as something without spans, if at
/// all: the reading that finds spans is the right one. Without spans, only a message that is wholly known counts.
fn read_proto(bytes: &[u8], sink: &mut dyn Sink) -> Option<(Format, Added)> {
    let has_spans =
        |data: &TracesData| data.resource_spans.iter().flat_map(|at| &at.scope_spans).any(|at| !at.spans.is_empty());
    let otlp = match otlp_proto::decode(bytes) {
        Ok(data) if has_spans(&data) => return Some((Format::OtlpProto, otlp_proto::add(data, sink))),
        other => other.ok(),
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

/// What a trace is told of that Tempo calls partial.
pub fn partial_remark(message: &str) -> String {
    if message.is_empty() { "the trace is partial".to_owned() } else { format!("the trace is partial: {message}") }
}

/// Why bytes could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inflate {
    /// They grow over the limit.
    TooLarge,
    /// They are not whole gzip.
    Broken(WireError),
}

/// The bytes, decompressed if they are gzip; at most `most` bytes of it.
pub fn inflate(bytes: &[u8], most: u64) -> Result<Cow<'_, [u8]>, Inflate> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(most.saturating_add(1)).read_to_end(&mut plain).map_err(|error| {
        Inflate::Broken(WireError::new(format!("begins like gzip, but cannot be decompressed: {error}")))
    })?;
    if plain.len() as u64 > most {
        return Err(Inflate::TooLarge);
    }
    Ok(Cow::Owned(plain))
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;

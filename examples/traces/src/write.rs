//! Traces as bytes. Each format is written as its own servers and exporters write it, down to the order of keys and how numbers look.

mod jaeger;
mod otlp_json;
mod otlp_proto;
mod zipkin;

use crate::{Span, System};
use otlp_json::Dialect;

/// What traces are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Jaeger's legacy JSON, as `/api/traces/{id}` answers it.
    JaegerJson,
    /// OTLP JSON as Jaeger's `/api/v3/traces/{id}` wraps it.
    JaegerV3Json,
    /// OTLP JSON.
    OtlpJson,
    /// OTLP JSON, a message a line, as the Collector's file exporter writes it.
    JsonLines,
    /// OTLP protobuf; also what Tempo's `/api/traces/{id}` and Jaeger's gRPC send.
    OtlpProto,
    /// OTLP protobuf, the length before each message, as the Collector's file exporter writes it.
    ProtoFrames,
    /// Tempo's `/api/traces/{id}` as JSON: ids in base64, enums by name.
    TempoV1Json,
    /// Tempo's `/api/v2/traces/{id}` as JSON.
    TempoV2Json,
    /// Tempo's `/api/v2/traces/{id}` as protobuf.
    TempoV2Proto,
    /// Zipkin's v2 JSON.
    ZipkinJson,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 10] = [
        Format::JaegerJson,
        Format::JaegerV3Json,
        Format::OtlpJson,
        Format::JsonLines,
        Format::OtlpProto,
        Format::ProtoFrames,
        Format::TempoV1Json,
        Format::TempoV2Json,
        Format::TempoV2Proto,
        Format::ZipkinJson,
    ];
}

/// The traces as one document: each as the system makes it, or as a caller changed its spans.
pub fn write<T: Iterator<Item = Span>>(format: Format, system: &System, traces: impl Iterator<Item = T>) -> Vec<u8> {
    let mut out = Vec::new();
    let spans = |traces: &mut dyn Iterator<Item = T>, take: &mut dyn FnMut(&[Span])| {
        traces.for_each(|trace| batches(trace, system.services.len(), take));
    };
    let mut traces = traces;
    let json = |out: &mut Vec<u8>, dialect, traces: &mut dyn Iterator<Item = T>, between: &str| {
        let mut first = true;
        spans(traces, &mut |batch| {
            out.extend_from_slice(if std::mem::take(&mut first) { b"" } else { between.as_bytes() });
            otlp_json::resource_spans(out, dialect, system, batch);
        });
    };
    match format {
        Format::JaegerJson => jaeger::document(&mut out, system, traces),
        Format::ZipkinJson => zipkin::document(&mut out, system, traces),
        Format::OtlpJson => {
            out.extend_from_slice(b"{\"resourceSpans\":[");
            json(&mut out, Dialect::Collector, &mut traces, ",");
            out.extend_from_slice(b"]}");
        }
        Format::JaegerV3Json => {
            out.extend_from_slice(b"{\"result\":{\"resourceSpans\":[");
            json(&mut out, Dialect::Collector, &mut traces, ",");
            out.extend_from_slice(b"]}}");
        }
        Format::JsonLines => {
            out.extend_from_slice(b"{\"resourceSpans\":[");
            json(&mut out, Dialect::Collector, &mut traces, "]}\n{\"resourceSpans\":[");
            out.extend_from_slice(b"]}\n");
        }
        Format::TempoV1Json => {
            out.extend_from_slice(b"{\"batches\":[");
            json(&mut out, Dialect::Tempo, &mut traces, ",");
            out.extend_from_slice(b"]}");
        }
        Format::TempoV2Json => {
            out.extend_from_slice(b"{\"trace\":{\"resourceSpans\":[");
            json(&mut out, Dialect::Tempo, &mut traces, ",");
            out.extend_from_slice(b"]},\"metrics\":{\"inspectedBytes\":\"1234\"}}");
        }
        Format::OtlpProto => spans(&mut traces, &mut |batch| otlp_proto::message(&mut out, system, batch)),
        Format::ProtoFrames => spans(&mut traces, &mut |batch| {
            let mut message = Vec::new();
            otlp_proto::message(&mut message, system, batch);
            out.extend_from_slice(&(message.len() as u32).to_be_bytes());
            out.extend_from_slice(&message);
        }),
        Format::TempoV2Proto => {
            let mut trace = Vec::new();
            spans(&mut traces, &mut |batch| otlp_proto::message(&mut trace, system, batch));
            otlp_proto::tempo_answer(&mut out, &trace);
        }
    }
    out
}

/// As the SDKs' batch processors send them.
const BATCH: usize = 512;

/// Hands on the spans of a trace in batches of one service each.
fn batches(trace: impl Iterator<Item = Span>, services: usize, take: &mut dyn FnMut(&[Span])) {
    let mut open: Vec<Vec<Span>> = vec![Vec::new(); services];
    for span in trace {
        let batch = &mut open[span.service];
        batch.push(span);
        if batch.len() == BATCH {
            take(batch);
            batch.clear();
        }
    }
    open.iter().filter(|batch| !batch.is_empty()).for_each(|batch| take(batch));
}

/// Text in quotes.
fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.find(|at: char| at < ' ' || at == '"' || at == '\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        match rest.as_bytes()[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// The items with commas between.
fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

macro_rules! put {
    ($out:expr, $($text:tt)*) => {{
        use std::io::Write as _;
        // Writing to memory cannot fail.
        let _ = write!($out, $($text)*);
    }};
}
use put;

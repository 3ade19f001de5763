//! The traces that the stubs make, as OTLP.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use std::time::{SystemTime, UNIX_EPOCH};

pub const INTERNAL: i32 = 1;
pub const SERVER: i32 = 2;
pub const CLIENT: i32 = 3;
pub const CONSUMER: i32 = 5;

/// One span. Times are microseconds after the request came.
#[derive(Debug, Clone)]
pub struct Made {
    pub service: &'static str,
    pub name: &'static str,
    pub kind: i32,
    /// Small number of its own within the trace.
    pub id: u8,
    /// Its parent's; 0 stands for whoever called.
    pub parent: u8,
    pub from_us: u64,
    pub to_us: u64,
    pub error: bool,
    pub attributes: Vec<(&'static str, String)>,
    pub link: Option<(String, String)>,
    /// Attributes of its resource beside the service's name.
    pub resource: Vec<(String, String)>,
}

pub fn span(service: &'static str, kind: i32, name: &'static str, id: u8, parent: u8) -> Made {
    Made {
        service,
        name,
        kind,
        id,
        parent,
        from_us: u64::from(id) * 100,
        to_us: 10_000 - u64::from(id) * 100,
        error: false,
        attributes: Vec::new(),
        link: None,
        resource: Vec::new(),
    }
}

impl Made {
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Made {
        self.attributes.push((key, value.into()));
        self
    }
    /// As a process exports it whose `OTEL_RESOURCE_ATTRIBUTES` are these.
    pub fn of_process(mut self, attributes: &str) -> Made {
        let pairs = attributes.trim().split(',').filter_map(|pair| pair.split_once('='));
        self.resource = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        self
    }
    pub fn failed(mut self) -> Made {
        self.error = true;
        self
    }
    pub fn at(mut self, from_us: u64, to_us: u64) -> Made {
        (self.from_us, self.to_us) = (from_us, to_us);
        self
    }
}

/// A gateway that answers by itself.
pub fn single() -> Vec<Made> {
    vec![span("gateway", SERVER, "GET /", 1, 0).with("http.route", "/")]
}

/// A gateway that calls a stock service which asks a database.
pub fn two_services() -> Vec<Made> {
    vec![
        span("gateway", SERVER, "GET /stock", 1, 0),
        span("gateway", CLIENT, "GET", 2, 1),
        span("stock", SERVER, "GET /items", 3, 2),
        span("stock", CLIENT, "SELECT items", 4, 3).with("db.system.name", "sqlite"),
    ]
}

pub fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

pub fn pair(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..Default::default() }
}

/// An id like no other of the trace: the caller's, with the span's number in it.
pub fn span_id(parent: &str, id: u8) -> String {
    // Never the caller's own id, whatever that is: ids are not zero.
    let first = u8::from_str_radix(&parent[..2], 16).unwrap();
    format!("{:02x}{}", first ^ id, &parent[2..])
}

/// The spans as one export, below the caller's span.
pub fn export(trace: &str, parent: &str, made: &[Made]) -> TracesData {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let one = |made: &Made| {
        let span = Span {
            trace_id: bytes(trace),
            span_id: bytes(&span_id(parent, made.id)),
            parent_span_id: match made.parent {
                0 => bytes(parent),
                id => bytes(&span_id(parent, id)),
            },
            name: made.name.to_owned(),
            kind: made.kind,
            start_time_unix_nano: now + made.from_us * 1000,
            end_time_unix_nano: now + made.to_us * 1000,
            attributes: made.attributes.iter().map(|(key, value)| pair(key, value)).collect(),
            status: Some(Status { code: if made.error { 2 } else { 0 }, ..Default::default() }),
            links: made
                .link
                .iter()
                .map(|(trace, span)| Link { trace_id: bytes(trace), span_id: bytes(span), ..Default::default() })
                .collect(),
            ..Default::default()
        };
        let more = made.resource.iter().map(|(key, value)| pair(key, value));
        let attributes = std::iter::once(pair("service.name", made.service)).chain(more).collect();
        let resource = Resource { attributes, ..Default::default() };
        let scope = ScopeSpans { spans: vec![span], ..Default::default() };
        ResourceSpans { resource: Some(resource), scope_spans: vec![scope], ..Default::default() }
    };
    TracesData { resource_spans: made.iter().map(one).collect() }
}

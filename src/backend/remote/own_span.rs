//! The runner's own CLIENT span, exported over OTLP so that the trace in the backend begins with the test that caused it.
//!
//! The request is built here rather than by an SDK: the span's ids were decided before the request was sent, its result is
//! known only after the trace was judged, and nothing is to be batched.

use super::Fetch;
use super::grpc::Link;
use super::http::{Client, HttpOptions, SetupError, Target, percent_decoded};
use super::words::clean;
use crate::client::{Identity, PEM_LIMIT};
use crate::source::read_file;
use crate::trace::{SpanId, TraceId};
use crate::wire::write;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use prost::Message;
use std::path::Path;
use std::time::Duration;

/// One request that a test sent. Texts are exported as they are: secrets are to be redacted before.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnSpan {
    /// The trace that the request began.
    pub trace_id: TraceId,
    /// The injected span id.
    pub span_id: SpanId,
    /// When it was sent, Unix nanoseconds.
    pub start_ns: u64,
    /// When its response was complete, Unix nanoseconds.
    pub end_ns: u64,
    /// `test.case.name`.
    pub test: String,
    /// `test.suite.name`.
    pub suite: String,
    /// `test.case.result.status`; `None` if the test could not be judged, for which the conventions have no word.
    pub passed: Option<bool>,
    /// What was sent.
    pub sent: Sent,
}

/// What began the trace.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// An HTTP request.
    Http {
        /// Its method.
        method: String,
        /// Where it went.
        url: String,
        /// The response's status.
        status: Option<u16>,
        /// Why there was no response.
        error: Option<String>,
    },
    /// Anything else (a command, a call of another protocol), by a name of few distinct values.
    Other {
        /// The span's name.
        name: String,
        /// Why it failed.
        error: Option<String>,
    },
}

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// gRPC.
    Grpc,
    /// Protobuf over HTTP.
    HttpProtobuf,
    /// JSON over HTTP.
    HttpJson,
}

/// Where own spans go.
#[derive(Debug, Clone)]
pub struct OtlpTarget {
    /// The server; over HTTP with the whole path (`…/v1/traces`).
    pub http: HttpOptions,
    /// The protocol.
    pub protocol: OtlpProtocol,
}

impl OtlpTarget {
    /// The target that the `OTEL_EXPORTER_OTLP_…` variables name by the rules of the OpenTelemetry specification; `None`
    /// if they name no endpoint.
    pub fn from_otel(variable: impl Fn(&str) -> Option<String>) -> Result<Option<OtlpTarget>, SetupError> {
        let value = |name: String| variable(&name).filter(|value| !value.trim().is_empty());
        // What is said for traces goes before what is said for all signals.
        let either = |name: &str| {
            value(format!("OTEL_EXPORTER_OTLP_TRACES_{name}")).or_else(|| value(format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        let protocol = match either("PROTOCOL").as_deref() {
            None | Some("http/protobuf") => OtlpProtocol::HttpProtobuf,
            Some("grpc") => OtlpProtocol::Grpc,
            Some("http/json") => OtlpProtocol::HttpJson,
            Some(other) => {
                let words = format!(
                    "OTEL_EXPORTER_OTLP_PROTOCOL is {:?}; it can be grpc, http/protobuf or http/json",
                    clean(other)
                );
                return Err(SetupError::new(words));
            }
        };
        let base = value("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned()).map(|base| match protocol {
            OtlpProtocol::Grpc => base,
            _ => format!("{}/v1/traces", base.trim_end_matches('/')),
        });
        let Some(url) = value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT".to_owned()).or(base) else { return Ok(None) };
        let mut http = HttpOptions::new(url);
        let millis = either("TIMEOUT").and_then(|text| text.trim().parse().ok()).unwrap_or(10_000);
        http.timeout = Duration::from_millis(millis);
        for pair in either("HEADERS").unwrap_or_default().split(',').filter(|pair| !pair.trim().is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(SetupError::new("OTEL_EXPORTER_OTLP_HEADERS is to be name=value,name=value"));
            };
            http = http.header(name.trim(), &percent_decoded(value.trim()))?;
        }
        let file = |name: &str| -> Result<Option<Vec<u8>>, SetupError> {
            let Some(path) = either(name) else { return Ok(None) };
            let words =
                |why| SetupError::new(format!("OTEL_EXPORTER_OTLP_{name}: cannot read {}: {why}", clean(&path)));
            read_file(Path::new(&path), PEM_LIMIT).map(Some).map_err(words)
        };
        http.tls.ca = file("CERTIFICATE")?;
        if let (Some(certificate), Some(key)) = (file("CLIENT_CERTIFICATE")?, file("CLIENT_KEY")?) {
            http.tls.identity = Some(Identity { certificate, key });
        }
        Ok(Some(OtlpTarget { http, protocol }))
    }
}

/// Why own spans were not exported. No verdict depends on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the runner's own span was not exported: {words}")]
pub struct ExportError {
    words: String,
}

/// Exports own spans.
#[derive(Debug)]
pub struct OwnSpanExporter {
    wire: Wire,
}

#[derive(Debug)]
enum Wire {
    Grpc(Box<Link>),
    Http(Box<Client>, OtlpProtocol),
}

impl OwnSpanExporter {
    /// Sets the client up; sends nothing. Needs a tokio runtime.
    pub fn new(target: &OtlpTarget) -> Result<OwnSpanExporter, SetupError> {
        let wire = match target.protocol {
            OtlpProtocol::Grpc => Wire::Grpc(Box::new(Link::new(&target.http)?)),
            protocol => Wire::Http(Box::new(Client::new(&target.http)?), protocol),
        };
        Ok(OwnSpanExporter { wire })
    }

    /// Sends these spans, once.
    pub async fn export(&self, spans: &[OwnSpan]) -> Result<(), ExportError> {
        let data = traces_data(spans);
        let failed = |words: String| ExportError { words };
        let of_fetch = |fetch| match fetch {
            Fetch::NotYet { words } | Fetch::Transient { words, .. } | Fetch::Refused { words } => failed(words),
            Fetch::Found(_) => failed(String::new()),
        };
        let rejected = match &self.wire {
            Wire::Grpc(link) => {
                let request = ExportTraceServiceRequest { resource_spans: data.resource_spans };
                let mut client = TraceServiceClient::new(link.channel.clone());
                let sent = tokio::time::timeout(link.timeout, client.export(link.request(request))).await;
                let answer = sent.map_err(|_| of_fetch(link.late()))?;
                answer.map_err(|status| of_fetch(link.failed(&status)))?.into_inner().partial_success
            }
            Wire::Http(client, protocol) => {
                let (content_type, body) = match protocol {
                    OtlpProtocol::HttpJson => ("application/json", write::json(&data).into_bytes()),
                    _ => ("application/x-protobuf", data.encode_to_vec()),
                };
                let answer = client.post(content_type, body).await.map_err(of_fetch)?;
                if !answer.status.is_success() {
                    return Err(failed(answer.shown()));
                }
                // A server's JSON answer is looked at no closer: it took the request.
                ExportTraceServiceResponse::decode(answer.body.as_slice())
                    .ok()
                    .and_then(|response| response.partial_success)
            }
        };
        match rejected {
            Some(partial) if partial.rejected_spans > 0 => Err(failed(clean(&partial.error_message))),
            _ => Ok(()),
        }
    }
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn traces_data(spans: &[OwnSpan]) -> TracesData {
    let attributes = vec![text("service.name", "tracespec"), text("service.version", env!("CARGO_PKG_VERSION"))];
    let scope = InstrumentationScope {
        name: "tracespec".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let spans = spans.iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    TracesData { resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }] }
}

fn span(own: &OwnSpan) -> Span {
    let mut attributes = vec![text("test.case.name", &own.test), text("test.suite.name", &own.suite)];
    if let Some(passed) = own.passed {
        attributes.push(text("test.case.result.status", if passed { "pass" } else { "fail" }));
    }
    let (name, error) = match &own.sent {
        Sent::Other { name, error } => (name.clone(), error.clone()),
        Sent::Http { method, url, status, error } => {
            attributes.push(text("http.request.method", method));
            http_attributes(&mut attributes, url);
            let failed = status.filter(|status| *status >= 400).map(|status| status.to_string());
            if let Some(status) = status {
                attributes.push(pair("http.response.status_code", Value::IntValue(i64::from(*status))));
            }
            // By the conventions the name is the method alone where no template of low cardinality is known.
            (method.clone(), error.clone().or(failed))
        }
    };
    if let Some(error) = &error {
        attributes.push(text("error.type", error));
    }
    let code = if error.is_some() { StatusCode::Error } else { StatusCode::Unset };
    Span {
        trace_id: own.trace_id.to_bytes().to_vec(),
        span_id: own.span_id.to_bytes().to_vec(),
        name,
        kind: SpanKind::Client as i32,
        start_time_unix_nano: own.start_ns,
        end_time_unix_nano: own.end_ns,
        attributes,
        status: Some(Status { code: code as i32, message: String::new() }),
        // Sampled, and known to have no remote parent.
        flags: 0x101,
        ..Span::default()
    }
}

fn http_attributes(attributes: &mut Vec<KeyValue>, url: &str) {
    let Ok(target) = Target::parse(url) else {
        attributes.push(text("url.full", url));
        return;
    };
    // Without its user and password.
    attributes.push(text("url.full", target.url.as_str()));
    if let Some(host) = target.url.host_str() {
        attributes.push(text("server.address", host.trim_matches(['[', ']'])));
    }
    if let Some(port) = target.url.port_or_known_default() {
        attributes.push(pair("server.port", Value::IntValue(i64::from(port))));
    }
}

#[cfg(test)]
#[path = "own_span_tests.rs"]
mod tests;

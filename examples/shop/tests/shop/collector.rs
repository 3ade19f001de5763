//! A minimal OTLP gRPC collector inside the test, which hands spans out by condition and never by time.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Value, json};
use tokio_stream::wrappers::TcpListenerStream;

/// Generous, since it only decides how long a failing test takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A span as it was exported.
#[derive(Clone, Debug)]
pub struct Span {
    pub trace_id: String,
    pub span_id: String,
    /// Empty for a root.
    pub parent_id: String,
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    pub failed: bool,
    pub message: String,
    pub start: u64,
    pub end: u64,
    pub attributes: BTreeMap<String, Value>,
    pub resource: BTreeMap<String, Value>,
    /// Trace id and span id of each link.
    pub links: Vec<(String, String)>,
}

impl Span {
    /// `service KIND name`, the form in which tests speak of spans.
    pub fn label(&self) -> String {
        let kind = self.kind.as_str_name().trim_start_matches("SPAN_KIND_").to_lowercase();
        format!("{} {kind} {}", self.service, self.name)
    }

    pub fn overlaps(&self, other: &Span) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The collector; lives as long as the test process.
pub struct Collector {
    pub endpoint: String,
    store: Arc<Store>,
}

#[derive(Default)]
struct Store {
    spans: Mutex<Vec<Span>>,
    arrived: Condvar,
}

impl Collector {
    pub fn start() -> Self {
        let store = Arc::new(Store::default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let service = TraceServiceServer::new(Sink(Arc::clone(&store)));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tonic::transport::Server::builder()
                    .add_service(service)
                    .serve_with_incoming(TcpListenerStream::new(listener))
                    .await
                    .unwrap();
            });
        });
        Self { endpoint, store }
    }

    /// Waits until `condition` yields something from all spans so far. Panics with those spans after the deadline.
    pub fn wait_for<T>(&self, what: &str, condition: impl Fn(&[Span]) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        let mut spans = self.store.spans.lock().unwrap();
        loop {
            if let Some(found) = condition(&spans) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = || spans.iter().map(Span::label).collect::<Vec<_>>().join("\n");
            assert!(!left.is_zero(), "waited for {what}; seen:\n{}", seen());
            spans = self.store.arrived.wait_timeout(spans, left).unwrap().0;
        }
    }

    /// Waits until the trace has at least that many spans.
    pub fn wait_for_count(&self, trace_id: &str, count: usize) -> Vec<Span> {
        self.wait_for(&format!("{count} spans of {trace_id}"), |spans| {
            let of_trace = of_trace(spans, trace_id);
            (of_trace.len() >= count).then_some(of_trace)
        })
    }

    /// What of the trace has arrived by now.
    pub fn now(&self, trace_id: &str) -> Vec<Span> {
        of_trace(&self.store.spans.lock().unwrap(), trace_id)
    }
}

fn of_trace(spans: &[Span], trace_id: &str) -> Vec<Span> {
    let of_trace = spans.iter().filter(|span| span.trace_id == trace_id);
    of_trace.cloned().collect()
}

/// The trace as an indented tree, siblings by start time; `!` marks a failed span. Roots are the spans whose parent is
/// not in the trace.
pub fn outline(spans: &[Span]) -> Vec<String> {
    let in_trace = |id: &str| spans.iter().any(|span| span.span_id == id);
    let mut lines = Vec::new();
    let mut pending: Vec<(&Span, usize)> =
        spans.iter().filter(|span| !in_trace(&span.parent_id)).map(|span| (span, 0)).collect();
    pending.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    while let Some((span, depth)) = pending.pop() {
        let mark = if span.failed { " !" } else { "" };
        lines.push(format!("{}{}{mark}", "  ".repeat(depth), span.label()));
        let mut children: Vec<&Span> = spans.iter().filter(|child| child.parent_id == span.span_id).collect();
        children.sort_by_key(|child| std::cmp::Reverse(child.start));
        pending.extend(children.into_iter().map(|child| (child, depth + 1)));
    }
    lines
}

struct Sink(Arc<Store>);

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let spans = read(request.into_inner());
        // One export becomes visible as a whole.
        self.0.spans.lock().unwrap().extend(spans);
        self.0.arrived.notify_all();
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

fn read(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = attributes(of_resource.resource.unwrap_or_default().attributes);
        for span in of_resource.scope_spans.into_iter().flat_map(|s| s.spans) {
            let kind = span.kind();
            let status = span.status.unwrap_or_default();
            spans.push(Span {
                trace_id: hex(&span.trace_id),
                span_id: hex(&span.span_id),
                parent_id: hex(&span.parent_span_id),
                service: resource["service.name"].as_str().unwrap().into(),
                name: span.name,
                kind,
                failed: status.code() == StatusCode::Error,
                message: status.message,
                start: span.start_time_unix_nano,
                end: span.end_time_unix_nano,
                attributes: attributes(span.attributes),
                resource: resource.clone(),
                links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
            });
        }
    }
    spans
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, json_value(pair.value))).collect()
}

fn json_value(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        Some(Wire::StringValue(text)) => json!(text),
        Some(Wire::IntValue(number)) => json!(number),
        Some(Wire::DoubleValue(number)) => json!(number),
        Some(Wire::BoolValue(truth)) => json!(truth),
        other => json!(format!("{other:?}")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! OTLP as servers are to speak it: `/v1/traces` over HTTP and `TraceService/Export` over gRPC.
//!
//! Metrics and logs are taken and thrown away, so that an SDK which exports all its signals to one endpoint does not fill
//! the tested service's log with errors.

use super::body::{self, BodyError, Limits};
use super::grpc;
use super::relay::Piece;
use super::store::{Batch, Store, Stored};
use crate::trace::{SpanId, TraceBuilder, TraceId};
use crate::wire::{Sink, otlp_json, otlp_proto};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// gRPC calls that are read at once, since each may hold a message of the body limit; the others wait.
const GRPC_CALLS: usize = 32;

/// From this size on a request is decoded beside the threads that serve connections.
pub(super) const LARGE_BYTES: usize = 128 << 10;

impl Sink for Batch {
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder {
        self.traces.entry(id).or_default()
    }
    fn invalid_span(&mut self, _: Option<TraceId>) {
        self.invalid += 1;
    }
    // A saved trace that is sent here is nobody's request.
    fn injected(&mut self, _: TraceId, _: SpanId) {}
}

#[derive(Debug, Clone)]
pub(super) struct Ingest {
    pub(super) store: Arc<Store>,
    pub(super) limits: Limits,
    calls: Arc<Semaphore>,
}

/// The routes that take telemetry in.
pub(super) fn routes(store: Arc<Store>, limits: Limits) -> Router {
    let ingest = Ingest { store, limits, calls: Arc::new(Semaphore::new(GRPC_CALLS)) };
    let signal = |name| format!("/opentelemetry.proto.collector.{name}/Export");
    let grpc = Router::new()
        .route(&signal("trace.v1.TraceService"), post(grpc::traces))
        .route(&signal("metrics.v1.MetricsService"), post(grpc::discard))
        .route(&signal("logs.v1.LogsService"), post(grpc::discard))
        .route_layer(middleware::from_fn_with_state(ingest.clone(), few_calls));
    Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(discard))
        .route("/v1/logs", post(discard))
        .merge(grpc)
        .with_state(ingest)
}

/// The encoding of a request, which is also that of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Encoding> {
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        match value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Some(Encoding::Protobuf),
            "application/json" => Some(Encoding::Json),
            _ => None,
        }
    }
    fn answer(self, status: StatusCode, bytes: Vec<u8>) -> Response {
        let content_type = match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        (status, [(CONTENT_TYPE, HeaderValue::from_static(content_type))], bytes).into_response()
    }
    fn refuse(self, status: StatusCode, code: i32, message: String) -> Response {
        let bytes = match self {
            Encoding::Protobuf => RpcStatus { code, message }.encode_to_vec(),
            Encoding::Json => serde_json::json!({"code": code, "message": message}).to_string().into_bytes(),
        };
        self.answer(status, bytes)
    }
}

/// `google.rpc.Status`, without details.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

// google.rpc.Code
const INVALID_ARGUMENT: i32 = 3;
const DEADLINE_EXCEEDED: i32 = 4;
const RESOURCE_EXHAUSTED: i32 = 8;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;

async fn traces(State(ingest): State<Ingest>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(encoding) = Encoding::of(&parts.headers) else {
        refused(&ingest.store, UNSUPPORTED_TYPE).await;
        return unsupported_type();
    };
    let (bytes, lease) = match body::read(&parts.headers, body, &ingest.limits).await {
        Ok(read) => read,
        Err(error) => {
            // What was cut short or came at a bad time is sent again.
            if let BodyError::TooLarge(_) | BodyError::Encoding(_) | BodyError::Broken(_) = &error {
                refused(&ingest.store, &words_of(&error)).await;
            }
            return refuse_body(encoding, error);
        }
    };
    let store = Arc::clone(&ingest.store);
    let large = bytes.len() >= LARGE_BYTES;
    let bytes = Bytes::from(bytes);
    let piece = store.relay().map(|_| match encoding {
        Encoding::Protobuf => Piece::Protobuf(bytes.clone()),
        Encoding::Json => Piece::Json(bytes.clone()),
    });
    let stored = beside(large, move || {
        let _held_while_decoding = lease;
        Ok::<Stored, String>(store.add(decode(encoding, &bytes)?, Instant::now()))
    });
    match stored.await {
        Some(Ok(stored)) => {
            pass(&ingest.store, piece).await;
            encoding.answer(StatusCode::OK, success(encoding, stored))
        }
        Some(Err(words)) => {
            refused(&ingest.store, &words).await;
            encoding.refuse(StatusCode::BAD_REQUEST, INVALID_ARGUMENT, words)
        }
        None => {
            let words = "the receiver could not decode this request".to_owned();
            refused(&ingest.store, &words).await;
            encoding.refuse(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, words)
        }
    }
}

/// Hands on what came to those who follow this receiver.
pub(super) async fn pass(store: &Store, piece: Option<Piece>) {
    if let (Some(relay), Some(piece)) = (store.relay(), piece) {
        relay.pass(piece).await;
    }
}

/// Remembers that a request was refused, here and with those who follow.
pub(super) async fn refused(store: &Store, why: &str) {
    store.refused(why);
    pass(store, Some(Piece::Refused(why.to_owned()))).await;
}

/// Runs `work` where it holds up no connection; `None` if it panicked.
pub(super) async fn beside<T: Send + 'static>(large: bool, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if large { tokio::task::spawn_blocking(work).await.ok() } else { Some(work()) }
}

/// All of a request or nothing of it.
pub(super) fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Batch, String> {
    let mut batch = Batch::default();
    match encoding {
        Encoding::Protobuf => {
            otlp_proto::read(bytes, &mut batch).map_err(|error| error.to_string())?;
        }
        Encoding::Json => {
            let text = std::str::from_utf8(bytes).map_err(|error| format!("the body is not UTF-8: {error}"))?;
            otlp_json::read(text, &mut batch).map_err(|error| error.to_string())?;
        }
    }
    Ok(batch)
}

pub(super) fn partial_success(stored: Stored) -> Option<ExportTracePartialSuccess> {
    let mut words = Vec::new();
    if stored.invalid > 0 {
        words.push(format!("{} spans without a valid trace id and span id were refused", stored.invalid));
    }
    if stored.late > 0 {
        words.push(format!("{} spans of traces evicted from the receiver's memory were dropped", stored.late));
    }
    let rejected_spans = (stored.invalid + stored.late) as i64;
    (rejected_spans > 0).then(|| ExportTracePartialSuccess { rejected_spans, error_message: words.join("; ") })
}

fn success(encoding: Encoding, stored: Stored) -> Vec<u8> {
    let partial_success = partial_success(stored);
    match encoding {
        Encoding::Protobuf => ExportTraceServiceResponse { partial_success }.encode_to_vec(),
        Encoding::Json => match partial_success {
            None => b"{}".to_vec(),
            Some(partial) => serde_json::json!({"partialSuccess": {
                "rejectedSpans": partial.rejected_spans.to_string(),
                "errorMessage": partial.error_message,
            }})
            .to_string()
            .into_bytes(),
        },
    }
}

const UNSUPPORTED_TYPE: &str = "415 unsupported media type, supported: [application/json, application/x-protobuf]";

fn unsupported_type() -> Response {
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, UNSUPPORTED_TYPE).into_response()
}

fn words_of(error: &BodyError) -> String {
    match error {
        BodyError::TooLarge(limit) => format!("the body is larger than {limit} bytes; export smaller batches"),
        BodyError::Encoding(name) => {
            format!("unsupported content-encoding {name:?}, supported: gzip, zstd, deflate, identity")
        }
        BodyError::Broken(words) => format!("the body cannot be unpacked: {words}"),
        BodyError::Cut(words) => format!("the body ended early: {words}"),
        BodyError::Slow => "the body did not arrive in time".to_owned(),
        BodyError::Busy => "too many requests are being read at once; try again".to_owned(),
    }
}

fn refuse_body(encoding: Encoding, error: BodyError) -> Response {
    let (status, code) = match error {
        BodyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, RESOURCE_EXHAUSTED),
        BodyError::Encoding(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT),
        BodyError::Broken(_) | BodyError::Cut(_) => (StatusCode::BAD_REQUEST, INVALID_ARGUMENT),
        BodyError::Slow => (StatusCode::REQUEST_TIMEOUT, DEADLINE_EXCEEDED),
        BodyError::Busy => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
    };
    let mut answer = encoding.refuse(status, code, words_of(&error));
    if let BodyError::Busy = error {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

async fn discard(State(ingest): State<Ingest>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(encoding) = Encoding::of(&parts.headers) else { return unsupported_type() };
    match body::read(&parts.headers, body, &ingest.limits).await {
        Ok(_) => encoding.answer(StatusCode::OK, success(encoding, Stored::default())),
        Err(error) => refuse_body(encoding, error),
    }
}

/// Calls over the bound wait rather than being refused: many exporters do not try again, and their spans would be lost.
async fn few_calls(State(ingest): State<Ingest>, request: Request, next: Next) -> Response {
    let answer = async {
        // Never closed, so acquiring cannot fail.
        let _permit = ingest.calls.acquire().await.ok();
        next.run(request).await
    };
    match tokio::time::timeout(ingest.limits.patience, answer).await {
        Ok(answer) => answer,
        Err(_) => tonic::Status::deadline_exceeded("the call did not arrive in time").into_http::<Body>(),
    }
}

//! Traces by id as Jaeger and Tempo answer them, so that this project's own clients, other processes of a test run and
//! Grafana's Tempo data source can read what was received.
//!
//! | path | answers as |
//! |---|---|
//! | `/api/v3/traces/{id}`, `/api/v3/services` | Jaeger (OTLP JSON) |
//! | `/api/v2/traces/{id}` | Tempo v2: protobuf if `Accept` has `application/protobuf`, otherwise JSON |
//! | `/api/traces/{id}` | Tempo v1, likewise. Jaeger's older API has the same path: JSON has both forms, `batches` and `data` |
//! | `/api/echo`, `/api/status/buildinfo`, `/ready` | Tempo |
//!
//! Lists of traces are in `search` and `legacy`. JSON is standard OTLP JSON throughout (ids in hex), which all of them read, also where Tempo itself would write base64.

use super::store::{Held, Store};
use crate::trace::{Injected, Trace, TraceBuilder, TraceId};
use crate::wire::write;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use std::sync::Arc;

pub(super) type Shared = State<Arc<Store>>;

/// The routes that answer traces.
pub(super) fn routes(store: Arc<Store>) -> Router {
    Router::new()
        .route("/api/v3/traces/{id}", get(jaeger_trace))
        .route("/api/v3/services", get(jaeger_services))
        .route("/api/v2/traces/{id}", get(tempo_v2))
        .route("/api/traces/{id}", get(tempo_v1))
        .route("/api/echo", get(async || "echo\n"))
        .route("/api/status/buildinfo", get(build_info))
        .route("/ready", get(async || "ready\n"))
        .with_state(store)
}

/// Why there is no trace to answer with.
enum Missing {
    BadId(String),
    NotFound,
    Evicted(String),
}

/// Reads a trace and gives it to `write`, beside the threads that serve connections if it is large.
async fn answered<T: Send + 'static>(
    store: &Store,
    id: &str,
    write: impl FnOnce(&Trace) -> T + Send + 'static,
) -> Result<T, Missing> {
    let id: TraceId = id.parse().map_err(|error| Missing::BadId(format!("malformed trace id: {error}")))?;
    let spans = match store.get(id) {
        Held::Spans(spans) => spans,
        Held::Nothing => return Err(Missing::NotFound),
        Held::Evicted => return Err(Missing::Evicted(store.evicted_words(id))),
    };
    let large = spans.len() > 2000;
    let work = move || {
        // What the runner injected is not known here: its own span, should it have been exported, is answered like any other.
        let trace = TraceBuilder::build(&spans, id, &[], &Injected::Unknown);
        drop(spans);
        write(&trace)
    };
    if !large {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| Missing::NotFound)
}

pub(super) fn json(status: StatusCode, text: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

fn protobuf(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/protobuf")], bytes).into_response()
}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|text| text.contains("application/protobuf")))
}

pub(super) fn jaeger_error(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({"error": {"httpCode": status.as_u16(), "message": message}});
    json(status, body.to_string())
}

async fn jaeger_trace(State(store): Shared, Path(id): Path<String>) -> Response {
    match answered(&store, &id, write::otlp_json).await {
        Ok(text) => json(StatusCode::OK, format!("{{\"result\":{text}}}")),
        Err(Missing::NotFound) => jaeger_error(StatusCode::NOT_FOUND, "No traces found"),
        Err(Missing::BadId(words)) => jaeger_error(StatusCode::BAD_REQUEST, &words),
        Err(Missing::Evicted(words)) => jaeger_error(StatusCode::GONE, &words),
    }
}

async fn jaeger_services(State(store): Shared) -> Response {
    json(StatusCode::OK, serde_json::json!({"services": store.services()}).to_string())
}

/// `tempopb.TraceByIDResponse`, as far as it is used.
#[derive(Clone, PartialEq, prost::Message)]
struct TraceById {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
    #[prost(message, optional, tag = "2")]
    metrics: Option<Metrics>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Metrics {}

fn tempo_error(missing: Missing) -> Response {
    match missing {
        Missing::BadId(words) => (StatusCode::BAD_REQUEST, words).into_response(),
        Missing::Evicted(words) => (StatusCode::GONE, words).into_response(),
        Missing::NotFound => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn tempo_v2(State(store): Shared, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let by_id = |trace| TraceById { trace: Some(trace), metrics: Some(Metrics {}) }.encode_to_vec();
    if wants_protobuf(&headers) {
        match answered(&store, &id, move |trace| by_id(write::traces_data(trace))).await {
            Ok(bytes) => protobuf(bytes),
            Err(Missing::NotFound) => protobuf(by_id(TracesData::default())),
            Err(missing) => tempo_error(missing),
        }
    } else {
        match answered(&store, &id, write::otlp_json).await {
            Ok(text) => json(StatusCode::OK, format!("{{\"trace\":{text},\"metrics\":{{}}}}")),
            Err(Missing::NotFound) => json(StatusCode::OK, "{\"trace\":{},\"metrics\":{}}".to_owned()),
            Err(missing) => tempo_error(missing),
        }
    }
}

async fn tempo_v1(State(store): Shared, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if wants_protobuf(&headers) {
        return answered(&store, &id, write::otlp_proto).await.map_or_else(tempo_error, protobuf);
    }
    let both = |trace: &Trace| {
        let otlp = write::otlp_json(trace);
        // The document's only key is the one that Tempo v1 calls otherwise.
        let batches = otlp.strip_prefix("{\"resourceSpans\":").and_then(|rest| rest.strip_suffix('}')).unwrap_or("[]");
        format!("{{\"batches\":{batches},\"data\":[{}]}}", write::jaeger_json(trace))
    };
    match answered(&store, &id, both).await {
        Ok(text) => json(StatusCode::OK, text),
        Err(missing) => tempo_error(missing),
    }
}

async fn build_info() -> Response {
    let data = serde_json::json!({"version": env!("CARGO_PKG_VERSION"), "application": "tracespec"});
    json(StatusCode::OK, serde_json::json!({"status": "success", "data": data}).to_string())
}

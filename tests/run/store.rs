//! Jaeger and Tempo, played by the test: each read of a trace is answered by the next step of a script.

use crate::target::{Sink, serve};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jaeger,
    Tempo,
}

/// How one read is answered. The last step of a script answers all further reads.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    NotFound,
    /// 200 with a trace without spans.
    Empty,
    /// Only so many spans.
    Part(usize),
    All,
    /// A login page.
    Html,
    /// 503 with Retry-After in seconds.
    Busy(&'static str),
    /// Takes the request and says nothing.
    Hang,
    /// A status alone.
    Status(u16),
}

#[derive(Default)]
struct State {
    traces: HashMap<String, TracesData>,
    /// In the order in which their first spans came.
    order: Vec<String>,
    reads: Vec<(String, Instant)>,
}

/// A running store.
pub struct Store {
    pub kind: Kind,
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Store {
    pub fn new(kind: Kind, script: &'static [Answer]) -> Store {
        Store::with(kind, vec![script])
    }

    /// With a script for each trace, in the order in which their spans come; the last one is that of all further traces.
    pub fn with(kind: Kind, scripts: Vec<&'static [Answer]>) -> Store {
        let scripts = Arc::new(scripts);
        let state: Arc<Mutex<State>> = Arc::default();
        let held = Arc::clone(&state);
        let router = axum::Router::new().fallback(move |request: Request| {
            let (held, scripts) = (Arc::clone(&held), Arc::clone(&scripts));
            async move { answer(kind, &scripts, &held, request.uri().path()).await }
        });
        Store { kind, address: serve(router), state }
    }

    /// What the target's spans go to.
    pub fn sink(&self) -> Sink {
        let state = Arc::clone(&self.state);
        Arc::new(move |data| {
            let span = &data.resource_spans[0].scope_spans[0].spans[0];
            let id: String = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut state = state.lock().unwrap();
            if !state.order.contains(&id) {
                state.order.push(id.clone());
            }
            state.traces.entry(id).or_default().resource_spans.extend(data.resource_spans);
            drop(state);
            Box::pin(std::future::ready(()))
        })
    }

    /// The configuration of a run that reads here and sends to `base`.
    pub fn configuration(&self, base: &str) -> String {
        let kind = if self.kind == Kind::Jaeger { "jaeger" } else { "tempo" };
        format!(
            "exporter_delay: 50ms\nbackend: {{ {kind}: {{ url: \"http://{}\" }} }}\nvars: {{ base: \"{base}\" }}\n",
            self.address
        )
    }

    /// How long before each of its reads a trace was read for the last time; traces in the order in which their spans came.
    pub fn pauses(&self, nth: usize) -> Vec<Duration> {
        let state = self.state.lock().unwrap();
        let reads = state.reads.iter().filter(|(read, _)| *read == state.order[nth]);
        let at: Vec<Instant> = reads.map(|(_, at)| *at).collect();
        at.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect()
    }

    /// How often a trace was read.
    pub fn reads(&self) -> usize {
        self.state.lock().unwrap().reads.len()
    }
}

fn page() -> Response {
    ([("content-type", "text/html")], "<!doctype html><title>Log in</title>").into_response()
}

async fn answer(kind: Kind, scripts: &[&[Answer]], held: &Mutex<State>, path: &str) -> Response {
    let id = match kind {
        Kind::Jaeger => path.strip_prefix("/api/v3/traces/"),
        Kind::Tempo => path.strip_prefix("/api/v2/traces/"),
    };
    let Some(id) = id else {
        return match path {
            "/api/v3/services" => r#"{"services":["gateway"]}"#.into_response(),
            "/api/echo" => "echo".into_response(),
            // Tempo's v1, which is asked as well when v2 does not have a trace.
            path if kind == Kind::Tempo && path.starts_with("/api/traces/") => not_found(kind),
            _ => (http::StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        };
    };
    let (step, data) = {
        let mut held = held.lock().unwrap();
        let data = held.traces.get(id).cloned();
        // A read of what nobody made is the probe's.
        let Some(data) = data else {
            // What stands in front of a store from the beginning answers the probe as well.
            return if matches!(scripts[0][0], Answer::Html) { page() } else { not_found(kind) };
        };
        let nth = held.order.iter().position(|at| at == id).unwrap();
        let script = scripts[nth.min(scripts.len() - 1)];
        let before = held.reads.iter().filter(|(read, _)| read == id).count();
        held.reads.push((id.to_owned(), Instant::now()));
        (script[before.min(script.len() - 1)], data)
    };
    match step {
        Answer::NotFound => not_found(kind),
        Answer::Empty => trace(kind, TracesData::default()),
        Answer::Part(spans) => {
            trace(kind, TracesData { resource_spans: data.resource_spans.into_iter().take(spans).collect() })
        }
        Answer::All => trace(kind, data),
        Answer::Html => page(),
        Answer::Busy(after) => {
            (http::StatusCode::SERVICE_UNAVAILABLE, [("retry-after", after)], "busy").into_response()
        }
        Answer::Hang => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            ().into_response()
        }
        Answer::Status(status) => http::StatusCode::from_u16(status).unwrap().into_response(),
    }
}

fn not_found(kind: Kind) -> Response {
    let body = match kind {
        Kind::Jaeger => r#"{"error":{"httpCode":404,"message":"trace not found"}}"#,
        Kind::Tempo => "",
    };
    (http::StatusCode::NOT_FOUND, [("content-type", "application/json")], body).into_response()
}

fn trace(kind: Kind, data: TracesData) -> Response {
    match kind {
        Kind::Jaeger => {
            let json = format!("{{\"result\":{}}}", tracespec::wire::write::json(&data));
            ([("content-type", "application/json")], json).into_response()
        }
        Kind::Tempo => {
            // `TraceByIDResponse`: the trace in field 1, alike `TracesData`.
            let inner = data.encode_to_vec();
            let mut bytes = vec![0x0a];
            prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
            bytes.extend(inner);
            ([("content-type", "application/protobuf")], bytes).into_response()
        }
    }
}

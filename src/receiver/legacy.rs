//! Services, operations and lists of traces as Jaeger's older API answers them, which its UI asks up to version 2.
//!
//! | path | answers |
//! |---|---|
//! | `/api/services` | the services' names |
//! | `/api/services/{service}/operations` | the names of a service's spans |
//! | `/api/operations` | the same with their kinds |
//! | `/api/traces` | traces by service, operation, tags, time and duration, or by `traceID` |
//!
//! One trace by its id is in `query`: Tempo has the same path.

use super::find::{Filter, matching};
use super::query::{Shared, json};
use super::search::{MOST_TRACES, beside, duration, number, operations_of};
use super::store::{Held, Store};
use crate::trace::{Injected, Trace, TraceId};
use crate::wire::write;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::Arc;

type Parameters = Vec<(String, String)>;

/// No more traces are added to a list that is longer than this.
const MOST_BYTES: usize = 64 << 20;

pub(super) fn routes(store: Arc<Store>) -> Router {
    Router::new()
        .route("/api/services", get(services))
        .route("/api/services/{service}/operations", get(names))
        .route("/api/operations", get(operations))
        .route("/api/traces", get(traces))
        .with_state(store)
}

fn answer(data: Vec<Value>) -> Response {
    let total = data.len();
    json(StatusCode::OK, value!({ "data": data, "total": total, "limit": 0, "offset": 0, "errors": null }).to_string())
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let body = value!({ "data": null, "total": 0, "limit": 0, "offset": 0, "errors": [{ "code": status.as_u16(), "msg": message }] });
    json(status, body.to_string())
}

async fn services(State(store): Shared) -> Response {
    answer(store.services().into_iter().map(Value::from).collect())
}

async fn names(State(store): Shared, Path(service): Path<String>) -> Response {
    match beside(move || operations_of(&store, &service, None)).await {
        Some(found) => {
            let mut names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
            names.dedup();
            answer(names.into_iter().map(Value::from).collect())
        }
        None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the search failed"),
    }
}

async fn operations(State(store): Shared, Query(asked): Query<HashMap<String, String>>) -> Response {
    let Some(service) = asked.get("service").cloned().filter(|name| !name.is_empty()) else {
        return refuse(StatusCode::BAD_REQUEST, "parameter 'service' is required");
    };
    let kind = asked.get("spanKind").map(|kind| kind.to_lowercase()).filter(|kind| !kind.is_empty());
    match beside(move || operations_of(&store, &service, kind.as_deref())).await {
        Some(found) => {
            answer(found.into_iter().map(|(name, kind)| value!({ "name": name, "spanKind": kind })).collect())
        }
        None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the search failed"),
    }
}

async fn traces(State(store): Shared, Query(asked): Query<Parameters>) -> Response {
    let mut ids = Vec::new();
    for (_, text) in asked.iter().filter(|(key, _)| key == "traceID") {
        match text.parse::<TraceId>() {
            Ok(id) => ids.push(id),
            Err(why) => return refuse(StatusCode::BAD_REQUEST, &format!("malformed trace id: {why}")),
        }
    }
    let (filter, limit) = match filter(&asked) {
        Ok(asked) => asked,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, &why),
    };
    let found = beside(move || {
        let mut found = List::default();
        if ids.is_empty() {
            matching(&store, &filter, |trace, _| found.add(trace, limit));
            return found;
        }
        for id in ids {
            if let Held::Spans(spans) = store.get(id)
                && !found.add(&spans.build(id, &[], &Injected::Unknown), MOST_TRACES)
            {
                break;
            }
        }
        found
    });
    match found.await {
        Some(List { traces, data }) => {
            let head = format!("{{\"data\":[{data}],\"total\":{traces}");
            json(StatusCode::OK, head + ",\"limit\":0,\"offset\":0,\"errors\":null}")
        }
        None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the search failed"),
    }
}

/// Traces as text.
#[derive(Default)]
struct List {
    traces: usize,
    data: String,
}

impl List {
    /// Adds a trace; whether there is room for more.
    fn add(&mut self, trace: &Trace, limit: usize) -> bool {
        if self.traces > 0 {
            self.data.push(',');
        }
        self.data += &write::jaeger_json(trace);
        self.traces += 1;
        self.traces < limit && self.data.len() < MOST_BYTES
    }
}

/// The last value of each key counts, but for `tag=key:value`, of which all do.
fn filter(asked: &Parameters) -> Result<(Filter, usize), String> {
    let last: HashMap<String, String> = asked.iter().cloned().collect();
    let text = |key: &str| last.get(key).filter(|text| !text.is_empty());
    let micros = |key: &str| match text(key) {
        None => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(micros) => Ok(Some(micros.saturating_mul(1_000))),
            Err(_) => Err(format!("unable to parse param '{key}': not in Unix microseconds")),
        },
    };
    let mut attributes: Vec<(String, String)> = Vec::new();
    if let Some(tags) = text("tags") {
        let tags: serde_json::Map<String, Value> =
            serde_json::from_str(tags).map_err(|_| "malformed 'tags' parameter: not a JSON object")?;
        let shown = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        attributes.extend(tags.into_iter().map(|(key, value)| (key, shown(value))));
    }
    for (_, tag) in asked.iter().filter(|(key, _)| key == "tag") {
        let (key, value) = tag.split_once(':').ok_or("malformed 'tag' parameter: expected key:value")?;
        attributes.push((key.to_owned(), value.to_owned()));
    }
    let filter = Filter {
        service: text("service").cloned(),
        name: text("operation").cloned(),
        attributes,
        start_ns: micros("start")?,
        end_ns: micros("end")?,
        least_ns: duration(&last, &["minDuration"])?,
        most_ns: duration(&last, &["maxDuration"])?,
        query: None,
    };
    Ok((filter, number(&last, "limit", 20, MOST_TRACES)?.max(1)))
}

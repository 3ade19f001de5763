//! Lists of the traces held, as Tempo and Jaeger answer them, so that Grafana and Jaeger's UI can browse what was received.
//!
//! | path | answers as |
//! |---|---|
//! | `/api/search` | Tempo: by TraceQL (`q`) or `tags`, with `start`, `end`, `minDuration`, `maxDuration`, `limit` and `spss` |
//! | `/api/v2/search/tags`, `/api/v2/search/tag/{tag}/values` | Tempo: names and values for its query builder |
//! | `/api/v3/traces` | Jaeger: by service, operation, attributes, time and duration |
//! | `/api/v3/trace-summaries` | Jaeger: the same, without the spans |
//! | `/api/v3/operations` | Jaeger |
//!
//! A search looks at the newest traces first and at no more than [`MOST_SPANS`] spans; two searches run at a time.

use super::find::{Filter, matching};
use super::query::{Shared, jaeger_error, json};
use super::store::Store;
use crate::select::{Index, Named, Query as TraceQl, Scalar, parse};
use crate::source::Span;
use crate::trace::{SpanIx, Trace, TraceId, Value};
use crate::wire::write;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use serde_json::json as value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// The most traces that one answer has.
pub(super) const MOST_TRACES: usize = 1_000;
/// The most names or values that one answer has.
const MOST_NAMES: usize = 1_000;
/// The most spans of one trace in Tempo's list.
const MOST_SPANS_SHOWN: usize = 100;

/// Each search builds traces on one thread; more at a time would take the threads that receive spans.
static AT_A_TIME: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

type Asked = Query<HashMap<String, String>>;

pub(super) fn routes(store: Arc<Store>) -> Router {
    Router::new()
        .route("/api/search", get(tempo))
        .route("/api/v2/search/tags", get(tags))
        .route("/api/v2/search/tag/{tag}/values", get(values))
        .route("/api/v3/traces", get(jaeger))
        .route("/api/v3/trace-summaries", get(summaries))
        .route("/api/v3/operations", get(operations))
        .with_state(store)
}

/// Does work beside the threads that serve connections.
pub(super) async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let permit = AT_A_TIME.acquire().await.ok()?;
    let done = tokio::task::spawn_blocking(work).await.ok();
    drop(permit);
    done
}

fn bad_request(why: impl Into<String>) -> Response {
    (StatusCode::BAD_REQUEST, why.into()).into_response()
}

pub(super) fn number(
    asked: &HashMap<String, String>,
    name: &str,
    default: usize,
    most: usize,
) -> Result<usize, String> {
    match asked.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()) {
        None => Ok(default.min(most)),
        Some(text) => text.parse::<usize>().map(|n| n.min(most)).map_err(|_| format!("{name} is not a number")),
    }
}

pub(super) fn duration(asked: &HashMap<String, String>, names: &[&str]) -> Result<Option<u64>, String> {
    let Some((name, text)) = names.iter().find_map(|name| Some((name, asked.get(*name)?))) else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    let ns = crate::matcher::units::duration(text).and_then(|ns| u64::try_from(ns).ok());
    ns.map(Some).ok_or_else(|| format!("{name} is not a duration such as 100ms"))
}

async fn tempo(State(store): Shared, Query(asked): Asked) -> Response {
    // Known without a look at any span.
    if let Some(id) = asked.get("q").and_then(|text| linked_id(text)) {
        let limit = number(&asked, "limit", 20, MOST_TRACES).unwrap_or(20);
        let traces = store.linking_to(id).into_iter().take(limit).map(|id| value!({ "traceID": id.to_string() }));
        let found = value!({ "traces": traces.collect::<Vec<_>>(), "metrics": {} });
        return json(StatusCode::OK, found.to_string());
    }
    match tempo_filter(&asked) {
        Err(why) => bad_request(why),
        Ok((filter, limit, shown)) => match beside(move || tempo_list(&store, &filter, limit, shown)).await {
            Some(text) => json(StatusCode::OK, text),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    }
}

fn tempo_filter(asked: &HashMap<String, String>) -> Result<(Filter, usize, usize), String> {
    let seconds = |name: &str| match asked.get(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(|at| Some(at.saturating_mul(1_000_000_000)))
            .map_err(|_| format!("{name} is not in Unix seconds")),
    };
    let text = match asked.get("q").map(String::as_str).filter(|text| !text.trim().is_empty()) {
        Some(text) => text.to_owned(),
        None => of_tags(asked.get("tags").map_or("", String::as_str))?,
    };
    let (parsed, errors) = parse(&text, Span::new(0, text.len()));
    let parsed = match (parsed, errors.first()) {
        (Some(parsed), None) => parsed,
        (_, why) => {
            return Err(format!("invalid TraceQL query: {}", why.map_or("", |why| &why.message)));
        }
    };
    let query = parsed.without_variables().map_err(|why| format!("invalid TraceQL query: {}", why.message))?;
    let filter = Filter {
        query: Some(query),
        start_ns: seconds("start")?,
        end_ns: seconds("end")?,
        least_ns: duration(asked, &["minDuration"])?,
        most_ns: duration(asked, &["maxDuration"])?,
        ..Filter::default()
    };
    Ok((filter, number(asked, "limit", 20, MOST_TRACES)?.max(1), number(asked, "spss", 3, MOST_SPANS_SHOWN)?.max(1)))
}

/// Tempo's older search, `key=value key="value with spaces"`, as the query that it means.
fn of_tags(tags: &str) -> Result<String, String> {
    let mut conditions = Vec::new();
    let mut rest = tags.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or("tags are key=value, with spaces between them")?;
        let (text, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote in tags is not closed")?,
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        conditions.push(match key.trim() {
            "name" => format!("name = {}", quote(text)),
            "error" | "status" if matches!(text, "true" | "error") => "status = error".to_owned(),
            key => format!(".{} = {}", quote(key), quote(text)),
        });
        rest = after.trim_start();
    }
    Ok(format!("{{ {} }}", conditions.join(" && ")))
}

fn tempo_list(store: &Store, filter: &Filter, limit: usize, shown: usize) -> String {
    let mut traces = Vec::new();
    let searched = matching(store, filter, |trace, picked| {
        traces.push(tempo_trace(trace, filter, picked, shown));
        traces.len() < limit
    });
    value!({ "traces": traces, "metrics": { "inspectedTraces": searched.traces, "inspectedSpans": searched.spans.to_string(), "completedJobs": 1, "totalJobs": 1 } })
        .to_string()
}

fn tempo_trace(trace: &Trace, filter: &Filter, picked: &[Vec<SpanIx>], shown: usize) -> serde_json::Value {
    let root = trace.tree().roots().first().map(|ix| trace.span(*ix));
    let named = filter.query.as_ref().map(TraceQl::named).unwrap_or_default();
    let index = Index::new(trace);
    let set = |spans: &Vec<SpanIx>| {
        let all = spans.iter().take(shown).map(|&ix| tempo_span(trace, &index, &named, ix));
        value!({ "spans": all.collect::<Vec<_>>(), "matched": spans.len() })
    };
    let sets: Vec<serde_json::Value> = picked.iter().map(set).collect();
    let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for span in trace.spans() {
        let (spans, errors) = services.entry(span.service()).or_default();
        *spans += 1;
        *errors += usize::from(span.is_error());
    }
    let services: serde_json::Map<String, serde_json::Value> = services
        .into_iter()
        .map(|(name, (spans, errors))| {
            let mut stats = value!({ "spanCount": spans });
            if errors > 0 {
                stats["errorCount"] = value!(errors);
            }
            (name.to_owned(), stats)
        })
        .collect();
    let mut found = value!({
        "traceID": trace.id().to_string(),
        "rootServiceName": root.map_or("<root span not yet received>", |root| root.service()),
        "startTimeUnixNano": trace.interval().map_or(0, |(start, _)| start).to_string(),
        "durationMs": trace.duration_ns() / 1_000_000,
        "spanSets": sets,
        "serviceStats": services,
    });
    if let Some(root) = root {
        found["rootTraceName"] = value!(root.name());
    }
    if let Some(first) = sets.first() {
        found["spanSet"] = first.clone();
    }
    found
}

fn tempo_span(trace: &Trace, index: &Index<'_>, named: &[Named<'_>], ix: SpanIx) -> serde_json::Value {
    let span = trace.span(ix);
    let attribute = |name: &Named<'_>| {
        let scalar = name.at(index, ix)?;
        let text = name.text();
        // Tempo says whose they are only where the query does.
        let key =
            text.trim_start_matches("resource.").trim_start_matches("span.").trim_start_matches('.').trim_matches('"');
        let of_type = match scalar {
            Scalar::Nil => return None,
            Scalar::Int(number) => value!({ "intValue": number.to_string() }),
            Scalar::Float(number) => value!({ "doubleValue": number }),
            Scalar::Bool(flag) => value!({ "boolValue": flag }),
            other => value!({ "stringValue": other.to_string() }),
        };
        Some(value!({ "key": key, "value": of_type }))
    };
    let mut found = value!({
        "spanID": span.id().to_string(),
        "name": span.name(),
        "startTimeUnixNano": span.start_ns().to_string(),
        "durationNanos": span.duration_ns().to_string(),
    });
    let mut attributes: Vec<serde_json::Value> =
        named.iter().filter(|name| !name.is_usual()).filter_map(attribute).collect();
    if attributes.iter().all(|attribute| attribute["key"] != "service.name") {
        attributes.push(value!({ "key": "service.name", "value": { "stringValue": span.service() } }));
    }
    found["attributes"] = value!(attributes);
    found
}

/// The intrinsics that Tempo's query builder offers.
const INTRINSICS: [&str; 9] = [
    "duration",
    "kind",
    "name",
    "rootName",
    "rootServiceName",
    "status",
    "statusMessage",
    "traceDuration",
    "childCount",
];

async fn tags(State(store): Shared) -> Response {
    let found = beside(move || {
        let [mut span, mut resource] = [BTreeSet::new(), BTreeSet::new()];
        matching(&store, &Filter::default(), |trace, _| {
            for one in trace.spans() {
                span.extend(one.attributes().map(|(key, _)| trace.text(key).to_owned()));
            }
            for one in trace.resources() {
                resource.extend(one.attributes.iter().map(|(key, _)| trace.text(*key).to_owned()));
            }
            span.len() < MOST_NAMES && resource.len() < MOST_NAMES
        });
        let some = |names: BTreeSet<String>| names.into_iter().take(MOST_NAMES).collect::<Vec<_>>();
        value!({ "scopes": [
            { "name": "span", "tags": some(span) },
            { "name": "resource", "tags": some(resource) },
            { "name": "intrinsic", "tags": INTRINSICS },
        ], "metrics": {} })
    });
    found.await.map_or_else(
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |found| json(StatusCode::OK, found.to_string()),
    )
}

async fn values(State(store): Shared, Path(tag): Path<String>) -> Response {
    let found = beside(move || {
        let mut found: BTreeSet<(&'static str, String)> = BTreeSet::new();
        matching(&store, &Filter::default(), |trace, _| {
            for span in trace.spans() {
                let key = tag.trim_start_matches("resource.").trim_start_matches("span.").trim_start_matches('.');
                match tag.as_str() {
                    "name" => drop(found.insert(("string", span.name().to_owned()))),
                    "status" => drop(found.insert(("keyword", span.status().word().to_owned()))),
                    "kind" => drop(found.insert(("keyword", span.kind().word().to_owned()))),
                    "rootName" | "rootServiceName" => {
                        if let Some(root) = trace.tree().roots().first().map(|ix| trace.span(*ix)) {
                            let text = if tag == "rootName" { root.name() } else { root.service() };
                            found.insert(("string", text.to_owned()));
                        }
                    }
                    _ => {
                        let own = span.attribute(key).filter(|_| !tag.starts_with("resource."));
                        let value = own.or_else(|| span.resource_attribute(key).filter(|_| !tag.starts_with("span.")));
                        found.extend(value.and_then(|value| Some((type_of(value)?, trace.show(value)))));
                    }
                }
            }
            found.len() < MOST_NAMES
        });
        let all = found.into_iter().take(MOST_NAMES).map(|(kind, text)| value!({ "type": kind, "value": text }));
        value!({ "tagValues": all.collect::<Vec<_>>(), "metrics": {} })
    });
    found.await.map_or_else(
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |found| json(StatusCode::OK, found.to_string()),
    )
}

fn type_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Str(_) => Some("string"),
        Value::Int(_) => Some("int"),
        Value::Double(_) => Some("float"),
        Value::Bool(_) => Some("bool"),
        _ => None,
    }
}

/// A parameter of Jaeger's, which has two spellings.
fn jaeger_text<'a>(asked: &'a HashMap<String, String>, camel: &str, snake: &str) -> Option<&'a str> {
    let text = asked.get(camel).or_else(|| asked.get(snake))?;
    (!text.is_empty()).then_some(text)
}

fn jaeger_filter(asked: &HashMap<String, String>) -> Result<(Filter, usize), String> {
    let text = |camel: &str, snake: &str| jaeger_text(asked, &format!("query.{camel}"), &format!("query.{snake}"));
    let time = |camel: &str, snake: &str| match text(camel, snake) {
        None => Ok(None),
        Some(text) => {
            match humantime::parse_rfc3339_weak(text).ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
            {
                Some(since) => Ok(Some(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))),
                None => Err(format!("malformed parameter query.{snake}: not a time as RFC 3339 has it")),
            }
        }
    };
    let span = |camel: &str, snake: &str| duration(asked, &[&format!("query.{camel}"), &format!("query.{snake}")]);
    let attributes: BTreeMap<String, serde_json::Value> = match text("attributes", "attributes") {
        None => BTreeMap::new(),
        Some(text) => {
            serde_json::from_str(text).map_err(|_| "malformed parameter query.attributes: not a JSON object")?
        }
    };
    let shown = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let depth = text("searchDepth", "search_depth").or_else(|| text("numTraces", "num_traces"));
    let depth = depth.map_or(Ok(100), str::parse::<usize>).map_err(|_| "malformed parameter query.search_depth")?;
    let filter = Filter {
        service: text("serviceName", "service_name").map(str::to_owned),
        // Its UI asks by the second.
        name: text("operationName", "operation_name").or_else(|| text("spanName", "span_name")).map(str::to_owned),
        attributes: attributes.into_iter().map(|(key, value)| (key, shown(value))).collect(),
        start_ns: time("startTimeMin", "start_time_min")?,
        end_ns: time("startTimeMax", "start_time_max")?,
        least_ns: span("durationMin", "duration_min")?,
        most_ns: span("durationMax", "duration_max")?,
        query: None,
    };
    Ok((filter, depth.clamp(1, MOST_TRACES)))
}

async fn jaeger(State(store): Shared, Query(asked): Asked) -> Response {
    let (filter, limit) = match jaeger_filter(&asked) {
        Ok(asked) => asked,
        Err(why) => return jaeger_error(StatusCode::BAD_REQUEST, &why),
    };
    let found = beside(move || {
        let (mut all, mut traces) = (TracesData::default(), 0);
        matching(&store, &filter, |trace, _| {
            all.resource_spans.extend(write::traces_data(trace).resource_spans);
            traces += 1;
            traces < limit
        });
        (traces > 0).then(|| format!("{{\"result\":{}}}", write::json(&all)))
    });
    match found.await {
        Some(Some(text)) => json(StatusCode::OK, text),
        Some(None) => jaeger_error(StatusCode::NOT_FOUND, "No traces found"),
        None => jaeger_error(StatusCode::INTERNAL_SERVER_ERROR, "the search failed"),
    }
}

async fn summaries(State(store): Shared, Query(asked): Asked) -> Response {
    let (filter, limit) = match jaeger_filter(&asked) {
        Ok(asked) => asked,
        Err(why) => return jaeger_error(StatusCode::BAD_REQUEST, &why),
    };
    let found = beside(move || {
        let mut all = Vec::new();
        matching(&store, &filter, |trace, _| {
            all.push(summary(trace));
            all.len() < limit
        });
        value!({ "summaries": all }).to_string()
    });
    match found.await {
        Some(text) => json(StatusCode::OK, text),
        None => jaeger_error(StatusCode::INTERNAL_SERVER_ERROR, "the search failed"),
    }
}

fn summary(trace: &Trace) -> serde_json::Value {
    let root = trace.tree().roots().first().map(|ix| trace.span(*ix));
    let (start, end) = trace.interval().unwrap_or_default();
    let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for span in trace.spans() {
        let (spans, errors) = services.entry(span.service()).or_default();
        *spans += 1;
        *errors += usize::from(span.is_error());
    }
    let errors: usize = services.values().map(|(_, errors)| errors).sum();
    let services = services
        .into_iter()
        .map(|(name, (spans, errors))| value!({ "name": name, "spanCount": spans, "errorSpanCount": errors }));
    value!({
        "traceId": trace.id().to_string(),
        "rootServiceName": root.map_or("", |root| root.service()),
        "rootOperationName": root.map_or("", |root| root.name()),
        "minStartTimeUnixNano": start.to_string(),
        "maxEndTimeUnixNano": end.to_string(),
        "spanCount": trace.len(),
        "errorSpanCount": errors,
        "orphanSpanCount": trace.tree().orphans().len(),
        "services": services.collect::<Vec<_>>(),
    })
}

async fn operations(State(store): Shared, Query(asked): Asked) -> Response {
    let Some(service) = asked.get("service").cloned().filter(|name| !name.is_empty()) else {
        return jaeger_error(StatusCode::BAD_REQUEST, "malformed parameter service: it is required");
    };
    let kind = jaeger_text(&asked, "spanKind", "span_kind").map(str::to_lowercase);
    let found = beside(move || {
        let all = operations_of(&store, &service, kind.as_deref()).into_iter();
        let all = all.map(|(name, kind)| value!({ "name": name, "spanKind": kind }));
        value!({ "operations": all.collect::<Vec<_>>() }).to_string()
    });
    match found.await {
        Some(text) => json(StatusCode::OK, text),
        None => jaeger_error(StatusCode::INTERNAL_SERVER_ERROR, "the search failed"),
    }
}

/// The names of a service's spans with their kinds, in order; of one kind alone if one is asked for.
pub(super) fn operations_of(store: &Store, service: &str, kind: Option<&str>) -> Vec<(String, &'static str)> {
    let mut all: BTreeSet<(String, &'static str)> = BTreeSet::new();
    matching(store, &Filter { service: Some(service.to_owned()), ..Filter::default() }, |trace, _| {
        let own = trace.spans().filter(|span| span.service() == service);
        all.extend(own.map(|span| (span.name().to_owned(), span.kind().word())));
        all.len() < MOST_NAMES
    });
    all.into_iter().filter(|(_, of)| kind.is_none_or(|kind| kind == *of)).take(MOST_NAMES).collect()
}

/// The id in `{ link:traceID = "…" }`, the query with which traces that link to one are found.
fn linked_id(query: &str) -> Option<TraceId> {
    let inside = query.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let value = inside.strip_prefix("link:traceID")?.trim_start().strip_prefix('=')?.trim();
    value.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

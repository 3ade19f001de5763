//! Jaeger's search (`/api/v3`): a query is asked as far as it can be said by a service, an operation, attributes and durations.

use super::http::{Answer, Client};
use super::searched::{checked, failed};
use super::words::{error_body, is_html};
use super::{Hits, SearchError, Slice};
use crate::select::Needed;
use crate::trace::{TraceBuilder, TraceId};
use crate::wire::otlp_json;
use serde::Deserialize;
use std::time::{Duration, UNIX_EPOCH};

const JSON: &str = "application/json";

#[derive(Deserialize)]
struct Summaries {
    #[serde(default)]
    summaries: Vec<Summary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    #[serde(default)]
    trace_id: String,
}

/// What is asked.
fn parameters(slice: &Slice<'_>) -> Vec<(&'static str, String)> {
    let Needed { service, name, kind, failed, mut attributes, least_ns, most_ns, rest: _ } = slice.query.needed();
    if let Some(kind) = kind {
        attributes.insert("span.kind".to_owned(), kind.word().to_owned());
    }
    if failed {
        attributes.insert("error".to_owned(), "true".to_owned());
    }
    let time = |seconds: u64| humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
    let duration = |ns: u64| format!("{ns}ns");
    // The spelling that all versions know.
    let mut asked = vec![
        ("query.start_time_min", time(slice.from_s)),
        ("query.start_time_max", time(slice.until_s)),
        ("query.search_depth", slice.most.to_string()),
        ("query.num_traces", slice.most.to_string()),
        ("query.raw_traces", "true".to_owned()),
    ];
    asked.extend(service.map(|service| ("query.service_name", service)));
    asked.extend(name.map(|name| ("query.operation_name", name)));
    if !attributes.is_empty() {
        // A map of texts is always JSON.
        let text = serde_json::to_string(&attributes).unwrap_or_default();
        asked.push(("query.attributes", text));
    }
    asked.extend(least_ns.filter(|ns| *ns > 0).map(|ns| ("query.duration_min", duration(ns))));
    asked.extend(most_ns.filter(|ns| *ns > 0).map(|ns| ("query.duration_max", duration(ns))));
    asked
}

pub(super) async fn search(client: &Client, slice: &Slice<'_>) -> Result<Hits, SearchError> {
    let asked = parameters(slice);
    let asked: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Since v2.19 there is a search that does not send all spans of all traces.
    let answer = client.get("/api/v3/trace-summaries", &asked, JSON).await.map_err(failed)?;
    if answer.status.as_u16() == 404 && is_answer_of_v3(&answer) {
        return Ok(Hits::default());
    }
    if answer.status.is_success()
        && let Ok(found) = serde_json::from_slice::<Summaries>(&answer.body)
    {
        let ids = found.summaries.iter().filter_map(|one| one.trace_id.parse().ok()).collect();
        return Ok(Hits::of(ids, slice.most));
    }
    if !is_no_such_path(&answer) {
        return Err(unsearchable(checked(Ok(answer)), slice));
    }
    let answer = client.get("/api/v3/traces", &asked, JSON).await.map_err(failed)?;
    if answer.status.as_u16() == 404 && is_answer_of_v3(&answer) {
        return Ok(Hits::default());
    }
    let answer = match checked(Ok(answer)) {
        Ok(answer) => answer,
        failed => return Err(unsearchable(failed, slice)),
    };
    let ids = ids_in(&answer).ok_or_else(|| SearchError::Unsupported {
        words: format!("{}; searching by a query needs Jaeger's /api/v3, which is not there", answer.shown()),
    })?;
    Ok(Hits::of(ids, slice.most))
}

/// The traces in the answer of a search that sends all their spans.
fn ids_in(answer: &Answer) -> Option<Vec<TraceId>> {
    let mut spans = TraceBuilder::new();
    otlp_json::read(std::str::from_utf8(&answer.body).ok()?, &mut spans).ok()?;
    Some(spans.trace_ids())
}

/// What Jaeger says of a search that it does not take.
fn unsearchable(checked: Result<Answer, SearchError>, slice: &Slice<'_>) -> SearchError {
    match checked {
        Ok(answer) => {
            SearchError::Unsupported { words: format!("{}, which is not the answer of a search", answer.shown()) }
        }
        Err(SearchError::Unsupported { words }) if slice.query.needed().service.is_none() => SearchError::Unsupported {
            words: format!(
                "{words}; some of Jaeger's stores are searched by a service only: add `resource.service.name = \"…\"` to the query"
            ),
        },
        Err(error) => error,
    }
}

/// Whether these are words of `/api/v3`, not of a server that does not know the path.
fn is_answer_of_v3(answer: &Answer) -> bool {
    error_body(&answer.body).and_then(|body| body.error).is_some_and(|error| error.http_code.is_some())
}

fn is_no_such_path(answer: &Answer) -> bool {
    let unknown = matches!(answer.status.as_u16(), 400 | 404 | 405 | 501) && !is_answer_of_v3(answer);
    unknown || answer.status.is_success() && is_html(&answer.body)
}

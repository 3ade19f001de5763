//! Tempo's search, and its TraceQL metrics: requests counted by Tempo's own engine.

use super::http::{Answer, Client};
use super::searched::checked;
use super::words::clean;
use super::{Counted, Hits, SearchError, Slice};
use crate::gate::requests::Requests;
use crate::trace::TraceId;
use serde::Deserialize;
use std::collections::BTreeMap;

const JSON: &str = "application/json";

/// What the spans are that requests are counted by: those with which a service is entered.
const ENTRIES: &str = "{ kind = server || kind = consumer }";

/// Of what a count is told: the operation and how it ended.
const BY_STATUS: &str = "count_over_time() by (resource.service.name, name, status)";
/// Of what durations are told.
const BY_OPERATION: &str = "histogram_over_time(duration) by (resource.service.name, name)";

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    traces: Vec<FoundTrace>,
}

#[derive(Deserialize)]
struct FoundTrace {
    #[serde(rename = "traceID", default)]
    trace_id: String,
}

/// The traces of a query, in any order; over a slice of time if there is one.
pub(super) async fn ids(
    client: &Client,
    query: &str,
    most: usize,
    slice: Option<(u64, u64)>,
) -> Result<Vec<TraceId>, SearchError> {
    let (limit, times) = (most.to_string(), slice.map(|(from, until)| (from.to_string(), until.to_string())));
    let mut asked = vec![("q", query), ("limit", limit.as_str())];
    if let Some((from, until)) = &times {
        // One span of each is enough to know that it matches.
        asked.extend([("start", from.as_str()), ("end", until.as_str()), ("spss", "1")]);
    }
    let answer = checked(client.get("/api/search", &asked, JSON).await)?;
    let search: Search = serde_json::from_slice(&answer.body).map_err(|_| not_a_search(&answer))?;
    // Ids come with their leading zeros trimmed, which parsing allows.
    Ok(search.traces.iter().filter_map(|found| found.trace_id.parse().ok()).collect())
}

pub(super) async fn search(client: &Client, slice: &Slice<'_>) -> Result<Hits, SearchError> {
    let ids = ids(client, slice.text, slice.most, Some((slice.from_s, slice.until_s))).await?;
    Ok(Hits::of(ids, slice.most))
}

fn not_a_search(answer: &Answer) -> SearchError {
    SearchError::Unsupported { words: format!("{}, which is not the answer of a search", answer.shown()) }
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(default)]
    series: Vec<Series>,
    status: Option<serde_json::Value>,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    labels: Vec<Label>,
    /// Zero is left out.
    #[serde(default)]
    value: f64,
}

#[derive(Deserialize)]
struct Label {
    key: String,
    #[serde(default)]
    value: LabelValue,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LabelValue {
    string_value: Option<String>,
    double_value: Option<f64>,
}

impl Series {
    fn label(&self, key: &str) -> Option<&LabelValue> {
        self.labels.iter().find(|label| label.key == key).map(|label| &label.value)
    }
    fn text(&self, key: &str) -> String {
        self.label(key).and_then(|value| value.string_value.clone()).unwrap_or_default()
    }
    fn operation(&self) -> (String, String) {
        (self.text("resource.service.name"), self.text("name"))
    }
    fn count(&self) -> u64 {
        // A count, which JSON and Tempo carry as a number with a fraction.
        self.value.round().max(0.0) as u64
    }
}

/// How many requests of each operation match, how many of them failed, and how long they took.
pub(super) async fn requests(client: &Client, slice: &Slice<'_>) -> Result<Counted, SearchError> {
    let (counts, times) = (ask(client, slice, BY_STATUS).await?, ask(client, slice, BY_OPERATION).await?);
    let mut found: BTreeMap<(String, String), Requests> = BTreeMap::new();
    let mut of = |series: &Series, put: &dyn Fn(&mut Requests)| {
        let (service, name) = series.operation();
        let known = found.entry((service.clone(), name.clone()));
        put(known.or_insert_with(|| Requests::none(&service, &name)));
    };
    for series in &counts.series {
        let failed = series.text("status") == "error";
        of(series, &|known| {
            known.all += series.count();
            known.failed += if failed { series.count() } else { 0 };
        });
    }
    for series in &times.series {
        // A bucket is told by its upper end, in seconds.
        let Some(upper) = series.label("__bucket").and_then(|value| value.double_value) else { continue };
        let upper_ns = (upper * 1e9).round().max(0.0) as u64;
        of(series, &|known| {
            // Each is twice as wide as the one before, and empty ones are left out.
            known.buckets.entry(upper_ns / 2).or_default();
            *known.buckets.entry(upper_ns).or_default() += series.count();
        });
    }
    let partial = [&counts, &times].into_iter().find_map(Metrics::partial);
    Ok(Counted { requests: found.into_values().collect(), partial })
}

async fn ask(client: &Client, slice: &Slice<'_>, what: &str) -> Result<Metrics, SearchError> {
    let query = format!("{} | {ENTRIES} | {what}", slice.text);
    let (from, until) = (slice.from_s.to_string(), slice.until_s.to_string());
    let asked = [("q", query.as_str()), ("start", from.as_str()), ("end", until.as_str())];
    let answer = checked(client.get("/api/metrics/query", &asked, JSON).await)?;
    serde_json::from_slice(&answer.body).map_err(|_| SearchError::Unsupported {
        words: format!("{}, which is not the answer of a metrics query", answer.shown()),
    })
}

impl Metrics {
    /// Why it is not all: any status but COMPLETE, which is the one that is left out.
    fn partial(&self) -> Option<String> {
        let complete = match &self.status {
            None | Some(serde_json::Value::Null) => true,
            Some(status) => status == "COMPLETE" || status == 0,
        };
        (!complete).then(|| match self.message.as_str() {
            "" => "Tempo says that its metrics are not all".to_owned(),
            message => clean(message),
        })
    }
}

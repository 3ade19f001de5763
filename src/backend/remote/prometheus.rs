//! The Prometheus beside a Jaeger: requests as the collector's span metrics connector counts them, which is what Jaeger's service
//! performance monitoring reads (Prometheus' HTTP API, `/api/v1/query`).

use super::http::{Client, HttpOptions, SetupError};
use super::searched::checked;
use super::words::clean;
use super::{Counted, SearchError, Slice};
use crate::gate::requests::Requests;
use crate::select::{Needed, Query};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How often spans were counted.
const CALLS: &str = "traces_span_metrics_calls_total";
/// Their durations, and how many nanoseconds a unit has: in milliseconds unless the connector is set to seconds.
const DURATIONS: [(&str, f64); 2] =
    [("traces_span_metrics_duration_milliseconds_bucket", 1e6), ("traces_span_metrics_duration_seconds_bucket", 1e9)];
/// The spans with which a service is entered.
const ENTRIES: &str = "span_kind=~\"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER\"";

/// A Prometheus with span metrics.
#[derive(Debug)]
pub struct Prometheus {
    client: Client,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    status: String,
    data: Option<Data>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

impl Series {
    fn label(&self, name: &str) -> &str {
        self.metric.get(name).map_or("", String::as_str)
    }
    fn count(&self) -> f64 {
        self.value.1.parse::<f64>().ok().filter(|count| count.is_finite()).unwrap_or(0.0)
    }
}

impl Prometheus {
    /// Sets the client up; sends nothing.
    pub fn new(url: &str) -> Result<Prometheus, SetupError> {
        Ok(Prometheus { client: Client::new(&HttpOptions::new(url))?.patient() })
    }

    /// How many requests of each operation match the query, how many of them failed, and how long they took.
    pub async fn requests(&self, slice: &Slice<'_>) -> Result<Counted, SearchError> {
        let labels = labels(slice.query)?;
        let seconds = slice.until_s - slice.from_s;
        let sum = |by: &str, metric: &str| {
            format!("sum by (service_name, span_name, {by}) (increase({metric}{{{labels}}}[{seconds}s]))")
        };
        let calls = self.ask(&sum("status_code", CALLS), slice.until_s).await?;
        if calls.0.is_empty() {
            return Err(SearchError::Unsupported {
                words: format!(
                    "{} has no {CALLS}{{{labels}}} in the window; is each of these labels one of the span metrics connector's `dimensions`?",
                    self.client.shown()
                ),
            });
        }
        let mut found: BTreeMap<(String, String), Requests> = BTreeMap::new();
        for series in &calls.0 {
            let (service, name) = (series.label("service_name"), series.label("span_name"));
            let known =
                found.entry((service.to_owned(), name.to_owned())).or_insert_with(|| Requests::none(service, name));
            let count = series.count().round().max(0.0) as u64;
            known.all += count;
            known.failed += if series.label("status_code") == "STATUS_CODE_ERROR" { count } else { 0 };
        }
        let mut partial = calls.1;
        for (metric, unit_ns) in DURATIONS {
            let (buckets, warned) = self.ask(&sum("le", metric), slice.until_s).await?;
            partial = partial.or(warned);
            put(&buckets, unit_ns, &mut found);
        }
        Ok(Counted { requests: found.into_values().collect(), partial })
    }

    /// The series of a query, and what Prometheus warns of.
    async fn ask(&self, query: &str, at_s: u64) -> Result<(Vec<Series>, Option<String>), SearchError> {
        let at = at_s.to_string();
        let asked = [("query", query), ("time", at.as_str())];
        let answer = checked(self.client.get("/api/v1/query", &asked, "application/json").await)?;
        let not_it =
            || SearchError::Unsupported { words: format!("{}, which is not the answer of Prometheus", answer.shown()) };
        let body: Body = serde_json::from_slice(&answer.body).map_err(|_| not_it())?;
        let data = body.data.filter(|_| body.status == "success").ok_or_else(not_it)?;
        Ok((data.result, body.warnings.first().map(|warning| clean(warning))))
    }
}

/// Prometheus counts all that took no longer than the end of a bucket; here each has its own.
fn put(series: &[Series], unit_ns: f64, found: &mut BTreeMap<(String, String), Requests>) {
    let mut ends: BTreeMap<(String, String), BTreeMap<u64, f64>> = BTreeMap::new();
    for series in series {
        let operation = (series.label("service_name").to_owned(), series.label("span_name").to_owned());
        let Ok(end) = series.label("le").parse::<f64>() else { continue };
        // What is longer than all buckets ends nowhere.
        let end_ns = if end.is_finite() { (end * unit_ns).round().max(0.0) as u64 } else { u64::MAX };
        *ends.entry(operation).or_default().entry(end_ns).or_default() += series.count();
    }
    for (operation, ends) in ends {
        let Some(known) = found.get_mut(&operation) else { continue };
        let mut before = 0.0_f64;
        for (end_ns, up_to) in ends {
            // Estimates of `increase` may contradict each other by a little.
            let count = (up_to - before).max(0.0).round() as u64;
            *known.buckets.entry(end_ns).or_default() += count;
            before = before.max(up_to);
        }
    }
}

/// The query as labels of span metrics; what they cannot say is no selection of theirs.
fn labels(query: &Query) -> Result<String, SearchError> {
    let Needed { service, name, kind, failed, attributes, least_ns, most_ns, mut rest } = query.needed();
    // Of durations and failures everything is to be counted, or the shares would mean nothing.
    rest.extend((failed || least_ns.is_some() || most_ns.is_some()).then(|| "a status or a duration".to_owned()));
    if !rest.is_empty() {
        return Err(SearchError::Unsupported {
            words: format!("Prometheus' span metrics cannot be asked for {}", rest.join(" and ")),
        });
    }
    let label = |name: &str, value: &str| {
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    };
    let mut all = match kind {
        Some(kind) => vec![label("span_kind", &format!("SPAN_KIND_{}", kind.word().to_uppercase()))],
        None => vec![ENTRIES.to_owned()],
    };
    all.extend(service.map(|service| label("service_name", &service)));
    all.extend(name.map(|name| label("span_name", &name)));
    all.extend(attributes.iter().map(|(name, value)| label(name, value)));
    Ok(all.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::parse;
    use crate::source::Span;

    fn of(text: &str) -> Result<String, SearchError> {
        let (query, _) = parse(text, Span::new(0, text.len()));
        labels(&query.unwrap().without_variables().unwrap())
    }

    #[test]
    fn a_query_becomes_labels_or_is_refused() {
        let said = of(r#"{ resource.service.version = "1.5" && resource.service.name = "a\"b" }"#).unwrap();
        assert_eq!(said, format!("{ENTRIES},service_name=\"a\\\"b\",service_version=\"1.5\""));
        assert_eq!(of(r#"{ name = "x" && kind = client }"#).unwrap(), "span_kind=\"SPAN_KIND_CLIENT\",span_name=\"x\"");
        for text in ["{ duration > 1s }", "{ status = error }", r#"{ name =~ "x.*" }"#, "{ } >> { }"] {
            assert!(matches!(of(text), Err(SearchError::Unsupported { .. })), "{text}");
        }
    }

    #[test]
    fn cumulative_buckets_become_buckets() {
        let series = |le: &str, count: &str| Series {
            metric: [("service_name", "s"), ("span_name", "n"), ("le", le)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            value: (0.0, count.to_owned()),
        };
        let mut found = BTreeMap::from([(("s".to_owned(), "n".to_owned()), Requests::none("s", "n"))]);
        put(&[series("+Inf", "10.2"), series("2", "4.1"), series("4", "4.0"), series("8", "9")], 1e6, &mut found);
        let buckets: Vec<(u64, u64)> = found.into_values().next().unwrap().buckets.into_iter().collect();
        assert_eq!(buckets, [(2_000_000, 4), (4_000_000, 0), (8_000_000, 5), (u64::MAX, 1)]);
    }
}

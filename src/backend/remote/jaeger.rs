//! Jaeger over HTTP, and what answers like it (VictoriaTraces, GreptimeDB, Quickwit, `tracespec serve`).
//!
//! `/api/v3` is asked first and the legacy API where that is missing; which one answers is remembered. Content types and
//! status codes say little (an unknown path may be the UI's page with 200, an answer of v3 `text/plain`), so the body decides.

use super::http::{Answer, Client, HttpOptions, SetupError, secret};
use super::words::{clean, error_body, is_html};
use super::{Backend, Fetch, Hits, Pipeline, Probe, SearchError, Slice, jaeger_search};
use crate::matcher::count_of;
use crate::receiver::Arrivals;
use crate::select::Query;
use crate::trace::{TraceBuilder, TraceId};
use crate::wire::{Added, Sink, WireError, jaeger_json, otlp_json};
use async_trait::async_trait;
use http::HeaderName;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Which of Jaeger's HTTP APIs to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JaegerApi {
    /// v3 if it is there, otherwise legacy.
    #[default]
    Auto,
    /// `/api/v3/traces/{id}`.
    V3,
    /// `/api/traces/{id}`.
    Legacy,
}

/// How to reach a Jaeger.
#[derive(Debug, Clone)]
pub struct JaegerOptions {
    /// The query service, with its base path ("http://localhost:16686", "…:10428/select/jaeger").
    pub http: HttpOptions,
    /// The tenant, sent as `x-tenant`.
    pub tenant: Option<String>,
    /// Which API to read.
    pub api: JaegerApi,
}

/// Jaeger's query service over HTTP.
#[derive(Debug)]
pub struct Jaeger {
    client: Client,
    api: JaegerApi,
    // What answered: 0 not known yet, 1 v3, 2 legacy.
    found: AtomicU8,
}

const V3: u8 = 1;
const LEGACY: u8 = 2;

/// What an answer means.
#[derive(Debug)]
enum Judged {
    /// This API answered.
    Fetched(Fetch),
    /// The server has no such API, or this is not its answer.
    NoSuchApi(String),
}

impl Jaeger {
    /// Sets the client up; sends nothing.
    pub fn new(mut options: JaegerOptions) -> Result<Jaeger, SetupError> {
        if let Some(tenant) = &options.tenant {
            options.http.headers.push((HeaderName::from_static("x-tenant"), secret("the tenant", tenant)?));
        }
        Ok(Jaeger { client: Client::new(&options.http)?, api: options.api, found: AtomicU8::new(0) })
    }

    async fn v3(&self, id: TraceId) -> Judged {
        // Older servers know the first spelling only, and those before v2.2 neither; unknown parameters are ignored.
        let raw = [("raw_traces", "true"), ("rawTraces", "true")];
        match self.client.get(&format!("/api/v3/traces/{id}"), &raw, "application/json").await {
            Ok(answer) => judge_v3(&answer),
            Err(fetch) => Judged::Fetched(fetch),
        }
    }

    async fn legacy(&self, id: TraceId) -> Judged {
        match self.client.get(&format!("/api/traces/{id}"), &[("raw", "true")], "application/json").await {
            Ok(answer) => judge_legacy(&answer),
            Err(fetch) => Judged::Fetched(fetch),
        }
    }

    fn remember(&self, api: u8, fetch: &Fetch) {
        // A refusal or a failure may be that of something in between.
        if matches!(fetch, Fetch::Found(_) | Fetch::NotYet { .. }) {
            self.found.store(api, Ordering::Relaxed);
        }
    }

    /// An API that had answered before, or was asked for, is not there.
    fn gone(&self, words: String, known: bool) -> Fetch {
        if known {
            return Fetch::Transient { words: format!("{words}, though it did before"), retry_after: None };
        }
        Fetch::Refused { words: format!("{words}; is this a Jaeger query service, and is its base path in the URL?") }
    }
}

#[async_trait]
impl Backend for Jaeger {
    fn describe(&self) -> String {
        format!("Jaeger at {}", self.client.shown())
    }

    fn max_in_flight(&self) -> usize {
        self.client.max_in_flight
    }

    async fn fetch(&self, id: TraceId) -> Fetch {
        let found = self.found.load(Ordering::Relaxed);
        let try_v3 = self.api == JaegerApi::V3 || (self.api == JaegerApi::Auto && found != LEGACY);
        let mut missing = None;
        if try_v3 {
            match self.v3(id).await {
                Judged::Fetched(fetch) => {
                    self.remember(V3, &fetch);
                    return fetch;
                }
                Judged::NoSuchApi(words) if self.api == JaegerApi::V3 || found == V3 => {
                    return self.gone(words, found == V3);
                }
                Judged::NoSuchApi(words) => missing = Some(words),
            }
        }
        match self.legacy(id).await {
            Judged::Fetched(fetch) => {
                self.remember(LEGACY, &fetch);
                fetch
            }
            Judged::NoSuchApi(words) => {
                let words = missing.map_or(words.clone(), |v3| format!("{v3}, and {words}"));
                self.gone(words, found == LEGACY)
            }
        }
    }

    fn arrivals(&self, _: TraceId) -> Option<Arrivals> {
        None
    }

    fn through(&self) -> Pipeline {
        Pipeline::Remote
    }

    async fn linking_to(&self, _: TraceId) -> Result<Vec<TraceId>, SearchError> {
        Err(SearchError::Unsupported { words: no_link_search("Jaeger") })
    }

    async fn search(&self, slice: &Slice<'_>) -> Result<Hits, SearchError> {
        jaeger_search::search(&self.client.patient(), slice).await
    }

    fn not_searched(&self, query: &Query) -> Vec<String> {
        query.needed().rest
    }

    async fn probe(&self) -> Probe {
        let v3 = match self.client.get("/api/v3/services", &[], "application/json").await {
            Ok(answer) => answer,
            Err(fetch) => return probe_failed("Jaeger", fetch),
        };
        if let Some(fetch) = v3.judged_by_status().filter(|_| !is_missing_route(&v3)) {
            return probe_failed("Jaeger", fetch);
        }
        let version = self.version().await;
        if self.api != JaegerApi::Legacy && v3.status.is_success() && services(&v3.body, "services").is_some() {
            let services = services(&v3.body, "services").unwrap_or_default();
            return Probe {
                ok: true,
                transient: false,
                what: "Jaeger, /api/v3".to_owned(),
                version,
                words: vec![count(&services)],
            };
        }
        let legacy = match self.client.get("/api/services", &[], "application/json").await {
            Ok(answer) => answer,
            Err(fetch) => return probe_failed("Jaeger", fetch),
        };
        match services(&legacy.body, "data").filter(|_| legacy.status.is_success() && self.api != JaegerApi::V3) {
            Some(services) => {
                let what = "Jaeger's legacy API, /api/traces".to_owned();
                Probe { ok: true, transient: false, what, version, words: vec![count(&services)] }
            }
            None => {
                let words = self.gone(format!("{}, and {}", v3.shown(), legacy.shown()), false);
                probe_failed("Jaeger", words)
            }
        }
    }
}

impl Jaeger {
    /// The version that the UI's page names, which is the only place where Jaeger names it.
    async fn version(&self) -> Option<String> {
        let page = self.client.get("/", &[], "text/html").await.ok()?;
        let text = String::from_utf8_lossy(&page.body);
        let rest = text.split_once("\"gitVersion\":")?.1.trim_start().strip_prefix('"')?;
        Some(clean(rest.split_once('"')?.0)).filter(|version| !version.is_empty())
    }
}

pub(super) fn no_link_search(what: &str) -> String {
    format!("{what} cannot search for traces that link to another; the embedded receiver and Tempo can")
}

pub(super) fn probe_failed(what: &str, fetch: Fetch) -> Probe {
    let transient = matches!(fetch, Fetch::NotYet { .. } | Fetch::Transient { .. });
    let words = match fetch {
        Fetch::NotYet { words } | Fetch::Transient { words, .. } | Fetch::Refused { words } => words,
        Fetch::Found(_) => String::new(),
    };
    Probe { ok: false, transient, what: what.to_owned(), version: None, words: vec![words] }
}

pub(super) fn count(services: &[String]) -> String {
    match services.len() {
        0 => "it has no service yet".to_owned(),
        n => format!("it has {}: {}", count_of(n, "service"), clean(&services.join(", "))),
    }
}

/// The names below `key`. An object without it is an empty store's answer; anything else is none.
fn services(body: &[u8], key: &str) -> Option<Vec<String>> {
    let map: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    if map.contains_key("error") || map.contains_key("message") {
        return None;
    }
    let names = map.get(key).and_then(serde_json::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// Whether the answer is that of a server that does not know the path, rather than Jaeger's.
fn is_missing_route(answer: &Answer) -> bool {
    // VictoriaTraces answers 400 for unknown paths, others 404, 405 or 501.
    matches!(answer.status.as_u16(), 400 | 404 | 405 | 501) && !is_v3_error(&answer.body)
}

fn is_v3_error(body: &[u8]) -> bool {
    error_body(body)
        .and_then(|body| body.error)
        .is_some_and(|error| error.http_code.is_some() || error.message.is_some())
}

fn text_of(answer: &Answer) -> Result<&str, Fetch> {
    std::str::from_utf8(&answer.body)
        .map_err(|error| Fetch::Refused { words: format!("{} answers with what is not UTF-8: {error}", answer.url) })
}

fn found(spans: TraceBuilder) -> Fetch {
    Fetch::Found(Arc::new(spans))
}

fn not_yet(words: String) -> Judged {
    Judged::Fetched(Fetch::NotYet { words })
}

fn judge_v3(answer: &Answer) -> Judged {
    if is_missing_route(answer) {
        return Judged::NoSuchApi(answer.shown());
    }
    if let Some(fetch) = answer.judged_by_status() {
        return Judged::Fetched(fetch);
    }
    if !answer.status.is_success() {
        return not_yet(answer.shown());
    }
    spans_in(answer, otlp_json::read, |_, error| Judged::Fetched(unreadable(answer, error)))
}

/// The spans in an answer with success, if it has any.
fn spans_in(
    answer: &Answer,
    read: fn(&str, &mut dyn Sink) -> Result<Added, WireError>,
    failed: impl FnOnce(&str, &WireError) -> Judged,
) -> Judged {
    if answer.body.iter().all(u8::is_ascii_whitespace) || is_html(&answer.body) {
        return Judged::NoSuchApi(format!("{} answers {} with no trace but a page", answer.url, answer.status));
    }
    let text = match text_of(answer) {
        Ok(text) => text,
        Err(fetch) => return Judged::Fetched(fetch),
    };
    let mut spans = TraceBuilder::new();
    match read(text, &mut spans) {
        Ok(_) if spans.is_empty() => not_yet(format!("{} answers with no spans", answer.url)),
        Ok(_) => Judged::Fetched(found(spans)),
        Err(error) => failed(text, &error),
    }
}

/// A complete answer that is not what it should be will not be another time.
pub(super) fn unreadable(answer: &Answer, error: &WireError) -> Fetch {
    Fetch::Refused { words: format!("{} answers with what is not a trace: {error}", answer.url) }
}

fn judge_legacy(answer: &Answer) -> Judged {
    if answer.status.as_u16() == 404 {
        let errors = error_body(&answer.body).and_then(|body| body.errors);
        return match errors.and_then(|errors| errors.first().and_then(|error| error.code)) {
            Some(404) => not_yet(answer.shown()),
            _ => Judged::NoSuchApi(answer.shown()),
        };
    }
    if answer.status.as_u16() == 500 && answer.shown().contains("unsupported value") {
        let words = format!(
            "{}: the legacy API cannot return a trace with NaN or an infinity in an attribute; read it over /api/v3",
            answer.shown()
        );
        return Judged::Fetched(Fetch::Refused { words });
    }
    if let Some(fetch) = answer.judged_by_status() {
        return Judged::Fetched(fetch);
    }
    spans_in(answer, jaeger_json::read, |text, error| match jaeger_json::error(text) {
        // Some look-alikes answer errors with status 200.
        Some(refusal) if refusal.code == Some(404) => not_yet(answer.shown()),
        Some(_) => Judged::Fetched(Fetch::Transient { words: answer.shown(), retry_after: None }),
        None => Judged::Fetched(unreadable(answer, error)),
    })
}

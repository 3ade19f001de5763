//! Grafana Tempo over HTTP: `/api/v2/traces/{id}` in protobuf, `/api/traces/{id}` where that is missing.

use super::http::{Answer, Client, HttpOptions, SetupError, secret};
use super::jaeger::{probe_failed, unreadable};
use super::words::{clean, said};
use super::{Backend, Counted, Fetch, Hits, Pipeline, Probe, SearchError, Slice, tempo_search};
use crate::receiver::Arrivals;
use crate::trace::{TraceBuilder, TraceId};
use crate::wire::{WireError, otlp_json, otlp_proto, tempo};
use async_trait::async_trait;
use http::HeaderName;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Up to 2.9 Tempo sends protobuf only for exactly this.
const PROTOBUF: &str = "application/protobuf";

/// At most so many linking traces are asked for.
const LINKS: usize = 100;

/// How to reach a Tempo.
#[derive(Debug, Clone)]
pub struct TempoOptions {
    /// Its HTTP API, with its prefix ("http://localhost:3200").
    pub http: HttpOptions,
    /// The tenant, sent as `X-Scope-OrgID`.
    pub tenant: Option<String>,
}

/// Tempo's query API.
#[derive(Debug)]
pub struct Tempo {
    client: Client,
    // Once it has shown that it has no v2.
    v1: AtomicBool,
    // Once it has answered a read: a page that comes then is that of something in between, such as a login.
    answered: AtomicBool,
}

impl Tempo {
    /// Sets the client up; sends nothing.
    pub fn new(mut options: TempoOptions) -> Result<Tempo, SetupError> {
        if let Some(tenant) = &options.tenant {
            options.http.headers.push((HeaderName::from_static("x-scope-orgid"), secret("the tenant", tenant)?));
        }
        Ok(Tempo { client: Client::new(&options.http)?, v1: AtomicBool::new(false), answered: AtomicBool::new(false) })
    }

    async fn get(&self, path: String) -> Result<Answer, Fetch> {
        let answer = self.client.get(&path, &[], PROTOBUF).await?;
        let passing = answer.status.is_success() && is_page(&answer) && self.answered.load(Ordering::Relaxed);
        if passing {
            let words = format!("{}, though it answered before", answer.shown());
            return Err(Fetch::Transient { words, retry_after: None });
        }
        Ok(answer)
    }

    async fn read(&self, id: TraceId) -> Fetch {
        let mut no_v2 = None;
        if !self.v1.load(Ordering::Relaxed) {
            let answer = match self.get(format!("/api/v2/traces/{id}")).await {
                Ok(answer) => answer,
                Err(fetch) => return fetch,
            };
            if answer.status.as_u16() != 404 {
                return judge_v2(&answer);
            }
            no_v2 = Some(answer);
        }
        let answer = match self.get(format!("/api/traces/{id}")).await {
            Ok(answer) => answer,
            Err(fetch) => return fetch,
        };
        let fetch = judge_v1(&answer);
        // A 404 of v2 is a Tempo before 2.6, or an access policy in front of it; only the first says that there is no page.
        if let Some(v2) = no_v2 {
            let no_route = is_no_route(&v2) && matches!(fetch, Fetch::NotYet { .. });
            if no_route || matches!(fetch, Fetch::Found(_)) {
                self.v1.store(true, Ordering::Relaxed);
            }
        }
        fetch
    }
}

#[async_trait]
impl Backend for Tempo {
    fn describe(&self) -> String {
        format!("Tempo at {}", self.client.shown())
    }

    fn max_in_flight(&self) -> usize {
        self.client.max_in_flight
    }

    async fn fetch(&self, id: TraceId) -> Fetch {
        let fetch = self.read(id).await;
        if matches!(fetch, Fetch::Found(_) | Fetch::NotYet { .. }) {
            self.answered.store(true, Ordering::Relaxed);
        }
        fetch
    }

    fn arrivals(&self, _: TraceId) -> Option<Arrivals> {
        None
    }

    fn through(&self) -> Pipeline {
        Pipeline::Remote
    }

    /// Tempo's limit when it takes spans in; over its limit for queries it says that an answer is partial.
    fn leaves_out(&self) -> Option<&'static str> {
        Some(
            "Tempo drops what takes a trace over `max_bytes_per_trace` (5 MB unless set otherwise) without saying so in \
             its answers: is the trace that large?",
        )
    }

    /// By TraceQL search, which is best effort: Tempo hides the newest seconds from some searches, and at most 100 traces
    /// are asked for.
    async fn linking_to(&self, id: TraceId) -> Result<Vec<TraceId>, SearchError> {
        let query = format!("{{ link:traceID = \"{id}\" }}");
        let mut ids = tempo_search::ids(&self.client, &query, LINKS, None).await?;
        ids.retain(|&found| found != id);
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    async fn search(&self, slice: &Slice<'_>) -> Result<Hits, SearchError> {
        tempo_search::search(&self.client.patient(), slice).await
    }

    async fn requests(&self, slice: &Slice<'_>) -> Result<Option<Counted>, SearchError> {
        tempo_search::requests(&self.client.patient(), slice).await.map(Some)
    }

    async fn probe(&self) -> Probe {
        let echo = match self.client.get("/api/echo", &[], "*/*").await {
            Ok(answer) => answer,
            Err(fetch) => return probe_failed("Tempo", fetch),
        };
        if let Some(fetch) = echo.judged_by_status() {
            return probe_failed("Tempo", fetch);
        }
        if !echo.status.is_success() || echo.body.trim_ascii() != b"echo" {
            let words = format!("{} where Tempo answers \"echo\"; is this Tempo's HTTP port?", echo.shown());
            return probe_failed("Tempo", Fetch::Refused { words });
        }
        let info = self.client.get("/api/status/buildinfo", &[], "application/json").await.ok();
        let version = info.and_then(|answer| serde_json::from_slice::<BuildInfo>(&answer.body).ok());
        let version = version.map(|info| clean(&info.data.map_or(info.version, |data| data.version)));
        // Any id shows whether the tenant and the credentials let us read.
        let id = TraceId::from_bytes(&[0xff; 16]);
        let read = match id {
            Some(id) => self.fetch(id).await,
            None => Fetch::NotYet { words: String::new() },
        };
        match read {
            Fetch::NotYet { .. } | Fetch::Found(_) => {
                let api = if self.v1.load(Ordering::Relaxed) { "/api/traces (v1)" } else { "/api/v2/traces" };
                let version = version.filter(|version| !version.is_empty());
                Probe { ok: true, transient: false, what: format!("Tempo, {api}"), version, words: Vec::new() }
            }
            fetch => Probe { version, ..probe_failed("Tempo", fetch) },
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BuildInfo {
    version: String,
    data: Option<BuildData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BuildData {
    version: String,
}

/// "404 page not found" is what Go's servers say of a path that they do not have.
fn is_no_route(answer: &Answer) -> bool {
    is_page(answer) || answer.body.windows(14).any(|at| at == b"page not found")
}

fn is_json(answer: &Answer) -> bool {
    starts_with(answer, b'{', "json")
}

fn is_page(answer: &Answer) -> bool {
    starts_with(answer, b'<', "html")
}

/// White space is not skipped: protobuf begins with what would be a line feed.
fn starts_with(answer: &Answer, byte: u8, content_type: &str) -> bool {
    let content = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    answer.body.first() == Some(&byte) || content.contains(content_type)
}

/// A page instead of an API's answer.
fn no_api(answer: &Answer) -> Fetch {
    let words = format!("{}; is this Tempo's HTTP API, and is its prefix in the URL?", answer.shown());
    Fetch::Refused { words }
}

fn judge_v2(answer: &Answer) -> Fetch {
    if let Some(fetch) = judged_alike(answer) {
        return fetch;
    }
    let mut spans = TraceBuilder::new();
    // Tempo answers in JSON where something in between changes what we accept.
    let read = if is_json(answer) {
        utf8(&answer.body).and_then(|text| tempo::read_json_v2(text, &mut spans).map_err(Unread::Wire))
    } else {
        tempo::read_proto_v2(&answer.body, &mut spans).map_err(Unread::Wire)
    };
    match read {
        Ok(tempo::Answer { partial: Some(words), .. }) => {
            spans.set_partial();
            spans.remark(format!(
                "{} (partial: spans are missing; raise max_bytes_per_trace or Tempo's query limit)",
                clean(&words)
            ));
            found_or_not_yet(spans, answer)
        }
        Ok(_) => found_or_not_yet(spans, answer),
        Err(error) => error.refused(answer),
    }
}

fn judge_v1(answer: &Answer) -> Fetch {
    if answer.status.as_u16() == 404 {
        if is_no_route(answer) {
            return no_api(answer);
        }
        return Fetch::NotYet { words: answer.shown() };
    }
    if let Some(fetch) = judged_alike(answer) {
        return fetch;
    }
    let mut spans = TraceBuilder::new();
    let read = if is_json(answer) {
        utf8(&answer.body).and_then(|text| otlp_json::read(text, &mut spans).map_err(Unread::Wire))
    } else {
        otlp_proto::read(&answer.body, &mut spans).map_err(Unread::Wire)
    };
    match read {
        Ok(_) => found_or_not_yet(spans, answer),
        Err(error) => error.refused(answer),
    }
}

/// What v1 and v2 answer in the same way.
fn judged_alike(answer: &Answer) -> Option<Fetch> {
    if answer.status.as_u16() == 422 {
        let words = format!("{}; raise Tempo's max_bytes_per_trace for queries, or trace less", answer.shown());
        return Some(Fetch::Refused { words });
    }
    answer.judged_by_status().or_else(|| is_page(answer).then(|| no_api(answer)))
}

fn found_or_not_yet(spans: TraceBuilder, answer: &Answer) -> Fetch {
    if spans.is_empty() {
        return Fetch::NotYet { words: format!("{} answers with an empty trace", answer.url) };
    }
    Fetch::Found(Arc::new(spans))
}

enum Unread {
    Utf8,
    Wire(WireError),
}

impl Unread {
    fn refused(self, answer: &Answer) -> Fetch {
        match self {
            Unread::Utf8 => Fetch::Refused {
                words: format!("{} answers with what is not UTF-8: {}", answer.url, said(&answer.body)),
            },
            Unread::Wire(error) => unreadable(answer, &error),
        }
    }
}

fn utf8(body: &[u8]) -> Result<&str, Unread> {
    std::str::from_utf8(body).map_err(|_| Unread::Utf8)
}

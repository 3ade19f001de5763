//! The HTTP client of the backends: one pool of connections for all tests, at most so many reads at once, bounded answers,
//! and for each way in which a read can fail one sentence that says what to change.

use super::settle::poll::MAX_IN_FLIGHT;
use super::words::{clean, said};
use super::{Fetch, tls};
use crate::client;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::Url;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Semaphore;

/// How a backend is reached. Filled from the configuration; holds no environment of its own (no proxy is taken from it).
#[derive(Clone)]
pub struct HttpOptions {
    /// Its base, with any path that its API is below. A user name and password in it become basic authentication.
    pub url: String,
    /// The `Authorization` header ([`HttpOptions::bearer`], [`HttpOptions::basic`]).
    pub auth: Option<HeaderValue>,
    /// Headers of every request; values are secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Certificates.
    pub tls: client::TlsOptions,
    /// A proxy's URL (http, https, socks5).
    pub proxy: Option<String>,
    /// How long a read may go without progress (connection, headers, the next piece of the body) before it is given up.
    pub timeout: Duration,
    /// How long a read may take in all, which a large trace needs on a slow line.
    pub total_timeout: Duration,
    /// The largest answer taken, unpacked.
    pub max_body: usize,
    /// How many reads may be under way at once, for all tests together.
    pub max_in_flight: usize,
}

impl HttpOptions {
    /// Plain access to this URL.
    pub fn new(url: impl Into<String>) -> HttpOptions {
        HttpOptions {
            url: url.into(),
            auth: None,
            headers: Vec::new(),
            tls: client::TlsOptions::default(),
            proxy: None,
            timeout: Duration::from_secs(2),
            total_timeout: Duration::from_secs(30),
            max_body: 256 << 20,
            max_in_flight: MAX_IN_FLIGHT,
        }
    }
    /// Authorises with a token.
    pub fn bearer(mut self, token: &str) -> Result<HttpOptions, SetupError> {
        self.auth = Some(secret("the bearer token", &format!("Bearer {token}"))?);
        Ok(self)
    }
    /// Authorises with a name and a password.
    pub fn basic(mut self, user: &str, password: &str) -> Result<HttpOptions, SetupError> {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.auth = Some(secret("the password", &format!("Basic {pair}"))?);
        Ok(self)
    }
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<HttpOptions, SetupError> {
        let words = || SetupError::new(format!("{:?} is not a header name", clean(name)));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| words())?;
        self.headers.push((key, secret(&format!("the value of header {name}"), value)?));
        Ok(self)
    }
}

/// A header value that is not shown when printed.
pub(crate) fn secret(what: &str, value: &str) -> Result<HeaderValue, SetupError> {
    let words = |_| SetupError::new(format!("{what} has characters that no header may have (a line break, perhaps)"));
    let mut value = HeaderValue::from_str(value).map_err(words)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&HeaderName> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("HttpOptions")
            .field("url", &shown(&self.url))
            .field("auth", &self.auth.is_some())
            .field("headers", &names)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy.as_deref().map(shown))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A URL without its secrets.
fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            // Fails for a URL without a host, which has no user either.
            let _ = url.set_username("").and_then(|()| url.set_password(None));
            url.set_query(None);
            url.as_str().trim_end_matches('/').to_owned()
        }
        Err(_) => "(not a URL)".to_owned(),
    }
}

/// Why a backend cannot be used as configured: found before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct SetupError {
    words: String,
}

impl SetupError {
    pub(crate) fn new(words: impl Into<String>) -> SetupError {
        SetupError { words: words.into() }
    }
}

/// A URL taken apart: where to send, how to call it, and what its user part authorises.
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) shown: String,
    pub(crate) auth: Option<HeaderValue>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Target, SetupError> {
        let wrong = |why: String| SetupError::new(format!("{:?} is not a backend's URL: {why}", clean(&shown(text))));
        let mut url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("it must begin with http:// or https:// and name a host".to_owned()));
        }
        let auth = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let decode = |text: &str| percent_decoded(text);
                let (user, password) = (decode(user), decode(password.unwrap_or_default()));
                HttpOptions::new("").basic(&user, &password)?.auth
            }
        };
        // Both succeed for a URL with a host.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        Ok(Target { shown: shown(text), url, auth })
    }
}

/// `%41` to `A`; what is not such a code stays as it is.
pub(crate) fn percent_decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The URL asked, without secrets.
    pub(crate) url: String,
}

impl Answer {
    /// How long to leave the server alone, if it says so.
    pub(crate) fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, now)
    }

    /// "URL answers 503 Service Unavailable: its words".
    pub(crate) fn shown(&self) -> String {
        let said = said(&self.body);
        let colon = if said.is_empty() { "" } else { ": " };
        format!("{} answers {}{colon}{said}", self.url, self.status)
    }

    /// What a status means that is the same for every backend; `None` for one that the backend has to judge (2xx, 404).
    pub(crate) fn judged_by_status(&self) -> Option<Fetch> {
        let shown = self.shown();
        let refused = |remedy: &str| Some(Fetch::Refused { words: format!("{shown}; {remedy}") });
        match self.status.as_u16() {
            200..=299 | 404 => None,
            401 | 403 | 407 => {
                refused("its credentials (authorisation, own headers, tenant) are missing or not accepted")
            }
            300..=399 => {
                let to = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
                let to = clean(to.unwrap_or("another place"));
                refused(&format!("it points to {to}: give the URL at which the API itself answers, or log in"))
            }
            408 | 425 | 429 | 500..=599 => {
                Some(Fetch::Transient { words: shown, retry_after: self.retry_after(SystemTime::now()) })
            }
            410 => Some(Fetch::Refused { words: shown }),
            _ => refused("asking again would not help"),
        }
    }
}

/// `Retry-After` in seconds or as a date; at most an hour is believed.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(Duration::from_secs(3600)))
}

/// A connection pool to one backend.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    target: Arc<Target>,
    headers: HeaderMap,
    slots: Arc<Semaphore>,
    pub(crate) max_in_flight: usize,
    timeout: Duration,
    total_timeout: Duration,
    max_body: usize,
}

impl Client {
    pub(crate) fn new(options: &HttpOptions) -> Result<Client, SetupError> {
        let target = Target::parse(&options.url)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &options.headers {
            let mut value = value.clone();
            value.set_sensitive(true);
            headers.append(name.clone(), value);
        }
        if let Some(auth) = options.auth.clone().or_else(|| target.auth.clone()) {
            headers.insert(AUTHORIZATION, auth);
        }
        let builder = client::configure(reqwest::Client::builder(), &options.tls, target.url.scheme() == "https")
            .map_err(SetupError::new)?
            .user_agent(concat!("tracespec/", env!("CARGO_PKG_VERSION")))
            // A redirect of an API is a login page or a wrong URL, and following it would hand the headers on.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(options.timeout)
            .pool_max_idle_per_host(options.max_in_flight)
            .tcp_nodelay(true);
        let builder = match &options.proxy {
            None => builder,
            Some(proxy) => builder.proxy(
                reqwest::Proxy::all(proxy)
                    .map_err(|_| SetupError::new(format!("{:?} is not a proxy's URL", clean(&shown(proxy)))))?,
            ),
        };
        let http = builder.build().map_err(|error| {
            SetupError::new(format!("no client for {} can be made: {}", target.shown, innermost(&error)))
        })?;
        Ok(Client {
            http,
            target: Arc::new(target),
            headers,
            slots: Arc::new(Semaphore::new(options.max_in_flight.max(1))),
            max_in_flight: options.max_in_flight.max(1),
            timeout: options.timeout,
            total_timeout: options.total_timeout,
            max_body: options.max_body,
        })
    }

    /// The same for what takes a server long before it says anything: a search, or a count over millions of spans.
    pub(crate) fn patient(&self) -> Client {
        Client { timeout: self.total_timeout, ..self.clone() }
    }

    /// The base URL, without secrets.
    pub(crate) fn shown(&self) -> &str {
        &self.target.shown
    }

    /// GET of a path below the base. What kept the server from answering comes as the [`Fetch`] that it means.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)], accept: &str) -> Result<Answer, Fetch> {
        let mut url = self.target.url.clone();
        url.set_path(&format!("{}{path}", self.target.url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.get(url).headers(self.headers.clone()).header(ACCEPT, accept);
        self.send(request, path).await
    }

    /// POST to the base itself.
    pub(crate) async fn post(&self, content_type: &'static str, body: Vec<u8>) -> Result<Answer, Fetch> {
        let request = self.http.post(self.target.url.clone()).headers(self.headers.clone());
        self.send(request.header(http::header::CONTENT_TYPE, content_type).body(body), "").await
    }

    async fn send(&self, request: reqwest::RequestBuilder, path: &str) -> Result<Answer, Fetch> {
        // Never closed, so acquiring cannot fail; were it, reading without a slot is right.
        let _slot = self.slots.acquire().await.ok();
        let url = format!("{}{path}", self.target.shown);
        let late = |what: String| Fetch::Transient { words: what, retry_after: None };
        let started = Instant::now();
        let waited = tokio::time::timeout(self.timeout, request.send()).await;
        let Ok(sent) = waited else {
            return Err(late(format!("{url} did not answer within {:?}", self.timeout)));
        };
        let mut response = sent.map_err(|error| self.failure(&error))?;
        let mut body = Vec::new();
        loop {
            let left = self.total_timeout.saturating_sub(started.elapsed());
            let waited = tokio::time::timeout(self.timeout.min(left), response.chunk()).await;
            let Ok(read) = waited else {
                return Err(late(format!("{url} sent {} bytes and then nothing for {:?}", body.len(), self.timeout)));
            };
            let Some(chunk) = read.map_err(|error| self.failure(&error))? else { break };
            if body.len() + chunk.len() > self.max_body {
                let words = format!("{url} answers with more than the {} MiB that are taken", self.max_body >> 20);
                return Err(Fetch::Refused { words });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body, url })
    }

    fn failure(&self, error: &reqwest::Error) -> Fetch {
        let host = self.target.url.host_str().unwrap_or_default();
        failure(error, &self.target.shown, host, error.is_dns(), error.is_timeout())
    }
}

/// The last cause of an error, which is the one that says something.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    clean(&last.to_string())
}

/// What a transport's error means, by its causes.
pub(crate) fn failure(
    error: &(dyn std::error::Error + 'static),
    url: &str,
    host: &str,
    dns: bool,
    timeout: bool,
) -> Fetch {
    let transient = |words: String| Fetch::Transient { words, retry_after: None };
    if let Some(error) = client::tls_error(error) {
        return tls::refusal(error, url);
    }
    if dns {
        return transient(format!("the host name {host} of {url} cannot be resolved; is it spelled right?"));
    }
    let text = innermost(error);
    let kind = io_kind(error);
    match kind {
        Some(std::io::ErrorKind::ConnectionRefused) => {
            transient(format!("nothing listens at {url} (connection refused); is it running, and is the port right?"))
        }
        Some(std::io::ErrorKind::TimedOut) => transient(format!("{url} cannot be reached within the timeout")),
        _ if timeout => transient(format!("{url} cannot be reached within the timeout")),
        _ if text.contains("invalid HTTP version") => {
            let words = format!("{url} does not answer in HTTP/1.1; is this its gRPC port, or a TLS port (https://)?");
            Fetch::Refused { words }
        }
        // A server of HTTP/2 speaks first; but so does one that ends an idle connection with a parting word.
        _ if text.contains("unexpected message") => {
            transient(format!("{url} spoke before it was asked; is this its gRPC port?"))
        }
        Some(
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::UnexpectedEof,
        ) => transient(format!("the connection to {url} broke before the answer was complete")),
        _ => transient(format!("reading from {url} failed: {text}")),
    }
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        at = error.source();
    }
    None
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;

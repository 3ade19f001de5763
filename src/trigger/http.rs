//! Sends one HTTP request with a trace context and keeps the whole answer.
//!
//! Redirects are followed here rather than by the client: each hop is a call of its own, so it carries a span id of
//! its own, and the completeness engine waits for every one to be answered by a span.

use super::context::{self, Ids};
use super::cookies::Cookies;
use super::direct;
use super::exchange::{Exchange, Failure, sent_by};
use crate::client::{self, Client};
use crate::spec::plan::{HttpVersion, Propagator};
use crate::trace::{SpanId, TraceId};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::pin::Pin;
use std::time::{Duration, Instant};
use url::Url;

/// The most redirects followed, as in browsers' and curl's orders of magnitude.
const REDIRECTS: usize = 10;
/// The longest body kept. What is longer is an error, not a cut body that could match by accident.
pub const BODY_LIMIT: usize = 64 << 20;
/// The bound on the whole exchange where the spec gives none.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// A request ready to send: no variable is left in it.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL, query included.
    pub url: Url,
    /// The headers, `Authorization` and `Content-Type` included; the spec's own `traceparent` wins over the injected.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Bound on the whole exchange, redirects included.
    pub timeout: Duration,
    /// The HTTP version to insist on.
    pub version: Option<HttpVersion>,
    /// Trace context headers to send beside W3C's.
    pub also_inject: Vec<Propagator>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The injected trace id.
    pub trace_id: TraceId,
    /// The injected span ids, one for each request sent.
    pub injected: Vec<SpanId>,
    /// Method and URL of each request sent.
    pub hops: Vec<(Method, Url)>,
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// When the first byte was sent.
    pub sent: Instant,
    /// When the last byte of the answer had come.
    pub responded: Instant,
    /// Method and URL (without query) of the last hop, for the runner's own span.
    pub method: Method,
    /// See `method`.
    pub url: Url,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TriggerError {
    /// One sentence: what was tried, what came of it, what to do.
    pub message: String,
}

fn error(message: String) -> TriggerError {
    TriggerError { message }
}

/// The headers as they are sent: with the context that makes `span` the parent of whatever handles the request. `test` is
/// named in the baggage.
pub fn headers_with_context(
    headers: &HeaderMap,
    also: &[Propagator],
    test: &str,
    trace_id: TraceId,
    span: SpanId,
) -> HeaderMap {
    let mut out = headers.clone();
    for (name, value) in context::headers(trace_id, span, test, also) {
        if name == "baggage" {
            add_baggage(&mut out, &value);
        } else {
            insert_missing(&mut out, name, &value);
        }
    }
    out
}

/// Sends the request with `first` as the calling span, and follows redirects if it says so. Each request carries the cookies
/// that answers before it have set; `first_headers` are those of the first request, with its context and cookies.
pub async fn send(
    client: &Client,
    request: &Request,
    cookies: &Cookies,
    test: &str,
    trace_id: TraceId,
    (first, first_headers): (SpanId, HeaderMap),
    ids: &mut Ids,
) -> Result<Answer, TriggerError> {
    let sent = Instant::now();
    let deadline = sent + request.timeout;
    let (mut injected, mut hops) = (Vec::new(), Vec::new());
    let (mut method, mut url) = (request.method.clone(), request.url.clone());
    let (mut headers, mut body) = (request.headers.clone(), request.body.clone());
    let (mut span, mut first_headers) = (first, Some(first_headers));
    loop {
        injected.push(span);
        hops.push((method.clone(), url.clone()));
        let out = first_headers.take().unwrap_or_else(|| {
            let mut out = headers_with_context(&headers, &request.also_inject, test, trace_id, span);
            cookies.add(&mut out, &url);
            out
        });
        let answer = exchange(client, request, &method, &url, out, body.clone(), deadline).await?;
        cookies.keep(&answer.headers, &url);
        let next = request.follow_redirects.then(|| redirect(&url, answer.status, &answer.headers)).flatten();
        let Some(next) = next else {
            let responded = Instant::now();
            let Exchange { status, headers, body } = answer;
            return Ok(Answer { trace_id, injected, hops, status, headers, body, sent, responded, method, url });
        };
        if injected.len() > REDIRECTS {
            return Err(error(format!(
                "{} {} led on and on: {REDIRECTS} redirects were followed, and the last leads to {}",
                request.method,
                shown(&request.url),
                shown(&next)
            )));
        }
        // RFC 9110 15.4: 303 always becomes GET; 301 and 302 do for POST, as every client has it; 307 and 308 never.
        let becomes_get = answer.status == StatusCode::SEE_OTHER
            || (method == Method::POST && matches!(answer.status.as_u16(), 301 | 302));
        if becomes_get && method != Method::HEAD {
            method = Method::GET;
            body.clear();
            for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
                headers.remove(name);
            }
        }
        if next.origin() != url.origin() {
            for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
                headers.remove(name);
            }
        }
        url = next;
        span = ids.span();
    }
}

fn insert_missing(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let name = HeaderName::from_static(name);
    if let (false, Ok(value)) = (headers.contains_key(&name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// Puts an entry behind the request's own baggage: the header is a list, and each of the two is of use.
fn add_baggage(headers: &mut HeaderMap, entry: &str) {
    let own: Vec<&[u8]> = headers.get_all("baggage").iter().map(HeaderValue::as_bytes).collect();
    let whole = [&own[..], &[entry.as_bytes()]].concat().join(&b","[..]);
    if let Ok(value) = HeaderValue::from_bytes(&whole) {
        headers.insert("baggage", value);
    }
}

async fn exchange(
    client: &Client,
    request: &Request,
    method: &Method,
    url: &Url,
    headers: HeaderMap,
    body: Vec<u8>,
    deadline: Instant,
) -> Result<Exchange, TriggerError> {
    let place = format!("{method} {}", shown(url));
    let whole: Pin<Box<dyn Future<Output = Result<Exchange, Failure>> + Send>> = match client {
        Client::Full(client) => Box::pin(sent_by(client.clone(), request.version, method, url, headers, body)),
        Client::Direct(direct) => match direct::uri(method, url) {
            Some(uri) => Box::pin(direct::exchange(direct.connector.clone(), method.clone(), uri, headers, body)),
            None => {
                let client = direct.full().map_err(error)?;
                Box::pin(sent_by(client, request.version, method, url, headers, body))
            }
        },
    };
    match tokio::time::timeout_at(deadline.into(), whole).await {
        Ok(result) => result.map_err(|why| {
            error(match why {
                Failure::NotConnected(source) => explain(&place, url, &*source, true),
                Failure::Failed(source) => explain(&place, url, &*source, false),
                Failure::TooLong => format!("{place} answered with more than {} MiB of body", BODY_LIMIT >> 20),
            })
        }),
        Err(_) => Err(error(format!(
            "{place} did not answer within {}; if it needs longer, set `request.timeout`",
            humantime::format_duration(request.timeout)
        ))),
    }
}

/// Where a redirect leads; `None` if the answer is not one, or names no usable place.
fn redirect(from: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let next = from.join(headers.get(header::LOCATION)?.to_str().ok()?).ok()?;
    matches!(next.scheme(), "http" | "https").then_some(next)
}

/// The URL without user, password, query and fragment, any of which may hold a secret.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // A URL that can be requested has a host, so both can be set.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn explain(place: &str, url: &Url, source: &(dyn std::error::Error + 'static), is_connect: bool) -> String {
    let mut cause = source;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let did = if is_connect { "could not connect" } else { "failed" };
    let origin = url.origin().ascii_serialization();
    if let Some(tls) = client::tls_error(source) {
        return format!("{place} {did}: {}", client::tls::words(tls, &origin, "`request.tls`"));
    }
    let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if kind == Some(std::io::ErrorKind::ConnectionRefused) {
        return format!(
            "{place} {did}: nothing listens there (connection refused); is the system under test running, and is the \
             address right?"
        );
    }
    let cause = cause.to_string();
    if cause.contains("invalid HTTP version") {
        return format!(
            "{place} {did}: what answers there is no HTTP; is it https:// rather than http://, or a gRPC port?"
        );
    }
    let remedy = if is_connect { "; is the system under test running, and is the address right?" } else { "" };
    format!("{place} {did}: {cause}{remedy}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::client::Clients;
    use crate::spec::plan::Tls;
    use http::StatusCode;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    fn request(url: &str) -> Request {
        Request {
            method: Method::POST,
            url: Url::parse(url).unwrap(),
            headers: HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"))]),
            body: b"{}".to_vec(),
            follow_redirects: true,
            timeout: Duration::from_secs(5),
            version: None,
            also_inject: Vec::new(),
        }
    }

    async fn sent(request: &Request) -> Result<Answer, TriggerError> {
        let https = request.url.scheme() == "https";
        let client = Clients::default().get(&Tls::default(), None, https, false, Path::new("")).unwrap();
        let mut ids = Ids::new(fastrand::Rng::with_seed(1));
        let first = ids.span();
        let (trace_id, cookies) = (TraceId::new(5).unwrap(), Cookies::default());
        let headers = headers_with_context(&request.headers, &request.also_inject, "t", trace_id, first);
        send(&client, request, &cookies, "t", trace_id, (first, headers), &mut ids).await
    }

    /// A server on a free port that answers as `reply` says and keeps what it was sent.
    struct Server {
        uri: String,
        seen: Arc<Mutex<Vec<Seen>>>,
    }

    struct Seen {
        method: Method,
        headers: HeaderMap,
        body: Vec<u8>,
    }

    impl Server {
        async fn start(reply: impl Fn(&Method, &str) -> Reply + Clone + Send + Sync + 'static) -> Server {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let uri = format!("http://{}", listener.local_addr().unwrap());
            let seen = Arc::new(Mutex::new(Vec::new()));
            let kept = seen.clone();
            let app = axum::Router::new().fallback(move |request: axum::extract::Request| async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
                let reply = reply(&parts.method, parts.uri.path());
                kept.lock().unwrap().push(Seen { method: parts.method, headers: parts.headers, body });
                tokio::time::sleep(reply.after).await;
                let location = reply.location.map(|location| (header::LOCATION, location));
                (StatusCode::from_u16(reply.status).unwrap(), axum::response::AppendHeaders(location), reply.body)
            });
            tokio::spawn(async move { axum::serve(listener, app).await });
            Server { uri, seen }
        }
    }

    #[derive(Default)]
    struct Reply {
        status: u16,
        location: Option<String>,
        body: &'static str,
        after: Duration,
    }

    fn redirect(status: u16, location: &str) -> Reply {
        Reply { status, location: Some(location.to_owned()), ..Reply::default() }
    }

    #[tokio::test]
    async fn each_redirect_hop_carries_the_same_trace_and_a_span_id_of_its_own() {
        let server = Server::start(|method, path| match (method.as_str(), path) {
            ("POST", "/a") => redirect(302, "/b"),
            ("GET", "/b") => Reply { status: 200, body: "end", ..Reply::default() },
            _ => Reply { status: 404, ..Reply::default() },
        })
        .await;
        let answer = sent(&request(&format!("{}/a", server.uri))).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_slice(), answer.injected.len()), (200, &b"end"[..], 2));
        let seen = server.seen.lock().unwrap();
        let seen: Vec<&str> = seen.iter().map(|request| request.headers["traceparent"].to_str().unwrap()).collect();
        let expected: Vec<String> =
            answer.injected.iter().map(|span| format!("00-{}-{span}-01", answer.trace_id)).collect();
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn a_requests_own_context_stays_and_its_baggage_is_sent_beside_the_runners() {
        let server = Server::start(|_, _| Reply { status: 200, ..Reply::default() }).await;
        let mut own = request(&server.uri);
        let traceparent = "00-000000000000000000000000000000aa-00000000000000bb-01";
        own.headers.insert("traceparent", HeaderValue::from_static(traceparent));
        own.headers.append("baggage", HeaderValue::from_static("tenant=a"));
        own.headers.append("baggage", HeaderValue::from_static("user=b"));
        sent(&own).await.unwrap();
        let seen = server.seen.lock().unwrap();
        let received = &seen[0];
        assert_eq!(received.headers["traceparent"], traceparent);
        assert_eq!(received.headers["baggage"], "tenant=a,user=b,tracespec.test=t");
        assert_eq!(received.headers.get_all("baggage").iter().count(), 1);
    }

    #[tokio::test]
    async fn after_a_303_the_result_is_asked_for_by_get_without_a_body() {
        let server = Server::start(|_, path| match path {
            "/a" => redirect(303, "/b"),
            _ => Reply { status: 200, ..Reply::default() },
        })
        .await;
        let mut put = request(&format!("{}/a", server.uri));
        put.method = Method::PUT;
        sent(&put).await.unwrap();
        let seen = server.seen.lock().unwrap();
        assert_eq!((seen[1].method.as_str(), seen[1].body.len()), ("GET", 0));
    }

    #[tokio::test]
    async fn credentials_do_not_follow_a_redirect_to_another_origin() {
        let second = Server::start(|_, _| Reply { status: 204, ..Reply::default() }).await;
        let there = format!("{}/b", second.uri);
        let first = Server::start(move |_, _| redirect(307, &there)).await;
        sent(&request(&format!("{}/a", first.uri))).await.unwrap();
        let seen = second.seen.lock().unwrap();
        assert!(!seen[0].headers.contains_key("authorization"));
        assert!(first.seen.lock().unwrap()[0].headers.contains_key("authorization"));
        assert_eq!((seen[0].method.as_str(), seen[0].body.as_slice()), ("POST", &b"{}"[..]));
    }

    #[tokio::test]
    async fn a_target_that_is_not_there_is_named_with_a_remedy_and_without_its_query() {
        let message = sent(&request("http://127.0.0.1:1/orders?token=hush")).await.unwrap_err().message;
        assert!(message.starts_with("POST http://127.0.0.1:1/orders could not connect"), "{message}");
        assert!(message.contains("is the system under test running") && !message.contains("hush"), "{message}");
    }

    #[tokio::test]
    async fn a_target_without_tls_is_named_as_such() {
        let server = Server::start(|_, _| Reply { status: 404, ..Reply::default() }).await;
        let message = sent(&request(&server.uri.replace("http:", "https:"))).await.unwrap_err().message;
        assert!(message.contains("does not speak TLS; is it http://"), "{message}");
    }

    #[tokio::test]
    async fn an_endless_redirect_and_a_target_that_never_answers_both_end() {
        let server = Server::start(|_, path| match path {
            "/loop" => redirect(307, "/loop"),
            _ => Reply { status: 200, after: Duration::from_secs(60), ..Reply::default() },
        })
        .await;
        assert!(sent(&request(&format!("{}/loop", server.uri))).await.unwrap_err().message.contains("10 redirects"));
        let mut slow = request(&format!("{}/slow", server.uri));
        slow.timeout = Duration::from_millis(50);
        assert!(sent(&slow).await.unwrap_err().message.contains("did not answer within 50ms"));
    }
}

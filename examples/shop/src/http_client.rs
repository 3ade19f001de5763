//! HTTP client instrumentation: one CLIENT span a call, by the HTTP semantic conventions.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use serde_json::Value;

use crate::Error;
use crate::propagation::{self, RequestContext};
use crate::spans::{self, Beginning};

/// Longer than any fault takes, so that a slow callee is seen as slow.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A client of one other service.
pub(crate) struct HttpClient {
    http: reqwest::Client,
    peer: SocketAddr,
    service: &'static str,
}

/// A call to make.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// The path with its parameters left open, e.g. `/orders/{id}`: it names the span.
    pub(crate) template: &'a str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// Whether the callee learns of the trace.
    pub(crate) traced: bool,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// A bare client for loopback: a proxy of the environment must not get in between.
pub(crate) fn plain() -> Result<reqwest::Client, Error> {
    // reqwest is built without a TLS provider of its own; the second client finds the first one's installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?)
}

impl HttpClient {
    pub(crate) fn new(service: &'static str, peer: SocketAddr) -> Result<Self, Error> {
        let http = plain()?;
        Ok(Self { http, peer, service })
    }

    /// Makes the call within a CLIENT span, which ends when the answer is read.
    pub(crate) async fn send(&self, request: &RequestContext, call: Call<'_>) -> Result<Answer, reqwest::Error> {
        let url = format!("http://{}{}", self.peer, call.path);
        let cx = spans::begin(
            &request.cx,
            Beginning {
                scope: "shop.http.client",
                name: format!("{} {}", call.method, call.template).into(),
                kind: SpanKind::Client,
                attributes: vec![
                    KeyValue::new("http.request.method", call.method.to_string()),
                    KeyValue::new("url.full", url.clone()),
                    KeyValue::new("url.template", call.template.to_owned()),
                    KeyValue::new("service.peer.name", self.service),
                    KeyValue::new("server.address", self.peer.ip().to_string()),
                    KeyValue::new("server.port", i64::from(self.peer.port())),
                ],
            },
        );
        let headers = propagation::headers(&request.within(cx.clone()), call.traced);
        let mut outgoing = self.http.request(call.method, url).headers(headers);
        if let Some(body) = &call.body {
            outgoing = outgoing.json(body);
        }
        let answer = read(outgoing).await;
        match &answer {
            Ok(answer) => {
                cx.span().set_attribute(KeyValue::new("http.response.status_code", i64::from(answer.status.as_u16())));
                if answer.status.is_client_error() || answer.status.is_server_error() {
                    spans::fail(&cx, answer.status.as_str().to_owned(), "");
                }
            }
            Err(error) => spans::fail(&cx, error_type(error), chain(error)),
        }
        cx.span().end();
        answer
    }
}

async fn read(outgoing: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = outgoing.send().await?;
    Ok(Answer { status: response.status(), body: response.bytes().await?.to_vec() })
}

/// A low-cardinality name for what went wrong on the way.
pub(crate) fn error_type(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "connection_error",
        error if error.is_body() || error.is_decode() => "body_error",
        _ => "_OTHER",
    }
}

/// An error with its causes; reqwest's own text leaves out what actually happened.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

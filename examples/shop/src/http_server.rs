//! HTTP server instrumentation: one SERVER span a request, by the HTTP semantic conventions.

use axum::extract::{MatchedPath, Request};
use axum::http::header::{HOST, USER_AGENT};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use serde_json::json;

use crate::propagation::{self, RequestContext};
use crate::spans::{self, Beginning};

const TRACE_ID_HEADER: &str = "x-trace-id";

/// Puts a span around every route, and adds `/healthz`, which makes none.
pub(crate) fn instrumented(routes: Router) -> Router {
    routes.layer(from_fn(traced)).route("/healthz", get(|| async { "ok" }))
}

async fn traced(mut request: Request, next: Next) -> Response {
    let cx = spans::begin(&propagation::extract(request.headers()), beginning(&request));
    let mut response = match propagation::wishes(request.headers()) {
        Ok(wishes) => {
            let context = RequestContext { cx: cx.clone(), wishes };
            request.extensions_mut().insert(context);
            next.run(request).await
        }
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &problem),
    };
    let status = response.status();
    let span = cx.span();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    // A 4xx is the caller's error, not this server's.
    if status.is_server_error() {
        spans::fail(&cx, status.as_str().to_owned(), "");
    }
    span.end();
    if let Ok(id) = HeaderValue::try_from(spans::trace_id(&cx)) {
        response.headers_mut().insert(TRACE_ID_HEADER, id);
    }
    response
}

fn beginning(request: &Request) -> Beginning {
    let method = request.method().as_str().to_owned();
    let mut attributes = vec![
        KeyValue::new("http.request.method", method.clone()),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("url.scheme", "http"),
    ];
    let text = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    if let Some(host) = text(HOST) {
        let (address, port) = match host.rsplit_once(':') {
            Some((address, port)) => (address, port.parse().unwrap_or(80)),
            None => (host, 80),
        };
        attributes.push(KeyValue::new("server.address", address.to_owned()));
        attributes.push(KeyValue::new("server.port", port));
    }
    if let Some(agent) = text(USER_AGENT) {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    let name = match request.extensions().get::<MatchedPath>() {
        Some(route) => {
            attributes.push(KeyValue::new("http.route", route.as_str().to_owned()));
            format!("{method} {}", route.as_str())
        }
        None => method,
    };
    Beginning { scope: "shop.http.server", name: name.into(), kind: SpanKind::Server, attributes }
}

/// An answer that says why not.
pub(crate) fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

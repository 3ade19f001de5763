//! How a request's trace context and wishes travel: in headers between services, in a map inside a message.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::{Context, global};

use crate::fault::{FAULT_HEADER, QUEUE_HEADER, Wishes};

/// What one request carries through a service.
#[derive(Clone)]
pub(crate) struct RequestContext {
    /// The trace context, with the span of the work at hand.
    pub(crate) cx: Context,
    pub(crate) wishes: Wishes,
}

impl RequestContext {
    /// The same request within another span.
    pub(crate) fn within(&self, cx: Context) -> Self {
        Self { cx, wishes: self.wishes.clone() }
    }
}

/// The trace context in the headers of a request; an empty one if there is none.
pub(crate) fn extract(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), &Headers(headers)))
}

/// The trace context in the environment, by OpenTelemetry's rules for programs; an empty one if there is none.
pub(crate) fn from_environment() -> Context {
    const CARRIERS: [(&str, &str); 3] =
        [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE"), ("baggage", "BAGGAGE")];
    let found = CARRIERS.iter().filter_map(|(name, key)| Some(((*name).to_owned(), std::env::var(key).ok()?)));
    let carrier: HashMap<String, String> = found.collect();
    global::get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), &carrier))
}

/// The wishes in the headers of a request.
pub(crate) fn wishes(headers: &HeaderMap) -> Result<Wishes, String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Wishes::parse(text(FAULT_HEADER), text(QUEUE_HEADER))
}

/// Headers for a call on behalf of `request`. Without `traced` the callee does not learn of the trace.
pub(crate) fn headers(request: &RequestContext, traced: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if traced {
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&request.cx, &mut HeadersMut(&mut headers));
        });
    }
    for (name, value) in request.wishes.headers() {
        HeadersMut(&mut headers).set(name, value);
    }
    headers
}

/// The same for a message that waits in a queue.
pub(crate) fn message_headers(request: &RequestContext) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&request.cx, &mut headers);
    });
    for (name, value) in request.wishes.headers() {
        headers.insert(name.into(), value);
    }
    headers
}

/// What a message carries. Its wishes were checked at the gateway.
pub(crate) fn from_message(headers: &HashMap<String, String>) -> RequestContext {
    let text = |name: &str| headers.get(name).map(String::as_str);
    RequestContext {
        cx: global::get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), headers)),
        wishes: Wishes::parse(text(FAULT_HEADER), text(QUEUE_HEADER)).unwrap_or_default(),
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

//! A server whose answers a test writes down, and which remembers what it was asked.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tracespec::backend::{Backend, Fetch, HttpOptions, Jaeger, JaegerApi, JaegerOptions, Tempo, TempoOptions};
use tracespec::trace::TraceId;

/// The confirmed order of the recorded shop.
pub const ORDER: &str = "5b8efff798038103d269b633813fc60c";

pub fn order() -> TraceId {
    ORDER.parse().unwrap()
}

/// A recorded answer.
pub fn captured(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/captured/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// One answer: status, headers, body.
#[derive(Debug, Clone)]
pub struct Reply(pub u16, pub Vec<(&'static str, String)>, pub Vec<u8>);

pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply(status, vec![("content-type", "text/plain; charset=utf-8".into())], body.into())
}

pub fn html() -> Reply {
    Reply(200, vec![("content-type", "text/html".into())], b"\n<!doctype html><title>Jaeger UI</title>".to_vec())
}

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    pub headers: HeaderMap,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub struct Stub {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Stub {
    /// Answers the n-th request (from 0) by `answer`.
    pub async fn new(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (app, asked) = app(answer);
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Stub { url, asked, serving }
    }

    /// Answers every request alike.
    pub async fn always(reply: Reply) -> Stub {
        Stub::new(move |_, _| reply.clone()).await
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn http(&self) -> HttpOptions {
        HttpOptions::new(&self.url)
    }

    pub fn jaeger(&self, api: JaegerApi) -> Jaeger {
        Jaeger::new(JaegerOptions { http: self.http(), tenant: None, api }).unwrap()
    }

    pub fn tempo(&self) -> Tempo {
        Tempo::new(TempoOptions { http: self.http(), tenant: None }).unwrap()
    }
}

/// The routes of a stub, and what they were asked.
pub fn app(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> (axum::Router, Arc<Mutex<Vec<Asked>>>) {
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
    let app = axum::Router::new().fallback(move |request: Request| {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let this = Asked { path, headers: request.headers().clone() };
        let mut all = seen.lock().unwrap();
        let Reply(status, headers, body) = answer(all.len(), &this);
        all.push(this);
        let mut made = Response::builder().status(StatusCode::from_u16(status).unwrap());
        for (name, value) in headers {
            made = made.header(name, value);
        }
        std::future::ready(made.body(Body::from(body)).unwrap())
    });
    (app, asked)
}

/// A fetch in a word: "not yet", "16 spans", "transient", "refused".
pub async fn outcome(backend: &dyn Backend, id: TraceId) -> String {
    word(&backend.fetch(id).await)
}

pub fn word(fetch: &Fetch) -> String {
    match fetch {
        Fetch::NotYet { .. } => "not yet".into(),
        Fetch::Found(spans) => format!("{} spans", spans.len()),
        Fetch::Transient { .. } => "transient".into(),
        Fetch::Refused { .. } => "refused".into(),
    }
}

pub fn words(fetch: Fetch) -> String {
    match fetch {
        Fetch::NotYet { words } | Fetch::Transient { words, .. } | Fetch::Refused { words } => words,
        Fetch::Found(_) => panic!("found"),
    }
}

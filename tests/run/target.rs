//! The system under test, played by the test: it notes every request, makes the spans of its answer and exports them.

use crate::spans::{Made, export, single};
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderMap;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Where every stub of this test binary runs.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

/// Serves these routes on a free port until the tests end.
pub fn serve(router: axum::Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    runtime().spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
    address
}

/// A port on which nobody listens, and that the kernel gives to no connection meanwhile: one of its own choice may be taken
/// before the run binds it, and the more is going on at once, the likelier.
pub fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], tracespec::run::ports::free_port().unwrap()))
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The trace id of its `traceparent`.
    pub trace: String,
    /// The span id of its `traceparent`.
    pub parent: String,
    /// How many requests came before it.
    pub position: usize,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An answer, with the spans that are exported before it is sent.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub spans: Vec<Made>,
    /// Spans of other traces, exported as well: trace id, calling span's id, spans.
    pub also: Vec<(String, String, Vec<Made>)>,
    /// What is exported as it is, besides.
    pub data: Option<TracesData>,
    pub delay: Duration,
}

pub fn reply(body: impl Into<String>) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: body.into(),
        spans: single(),
        also: Vec::new(),
        data: None,
        delay: Duration::ZERO,
    }
}

impl Reply {
    pub fn status(mut self, status: u16) -> Reply {
        self.status = status;
        self
    }
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
    pub fn spans(mut self, spans: Vec<Made>) -> Reply {
        self.spans = spans;
        self
    }
    pub fn also(mut self, trace: &str, parent: &str, spans: Vec<Made>) -> Reply {
        self.also.push((trace.to_owned(), parent.to_owned(), spans));
        self
    }
    pub fn after(mut self, delay: Duration) -> Reply {
        self.delay = delay;
        self
    }
}

/// Takes the spans that a target makes.
pub type Sink = Arc<dyn Fn(TracesData) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Exports over OTLP/HTTP to whoever listens there at the time.
pub fn otlp(address: SocketAddr) -> Sink {
    let client = Arc::new(OnceLock::new());
    Arc::new(move |data| {
        let client = Arc::clone(&client);
        Box::pin(async move {
            let client: &reqwest::Client =
                // No connection is kept: the next receiver at this address is another run's.
                client.get_or_init(|| {
                    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap()
                });
            let request = client.post(format!("http://{address}/v1/traces"));
            let sent = request.header("content-type", "application/x-protobuf").body(data.encode_to_vec()).send().await;
            // Whoever received may be gone: then the test has ended.
            drop(sent);
        })
    })
}

/// A running target.
pub struct Target {
    pub address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    most: Arc<AtomicUsize>,
}

impl Target {
    /// Answers each request by `answer`; its spans go to `sink`.
    pub fn new(sink: Sink, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Target {
        let (router, calls, most) = Target::routes(sink, answer);
        Target { address: serve(router), calls, most }
    }

    /// What answers, for who serves it otherwise than as plain HTTP.
    pub fn router(sink: Sink, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> axum::Router {
        Target::routes(sink, answer).0
    }

    #[allow(clippy::type_complexity, reason = "its parts are those of a target")]
    fn routes(
        sink: Sink,
        answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> (axum::Router, Arc<Mutex<Vec<Call>>>, Arc<AtomicUsize>) {
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (seen, highest, answer) = (Arc::clone(&calls), Arc::clone(&most), Arc::new(answer));
        let router = axum::Router::new().fallback(move |request: Request| {
            let (seen, answer, sink) = (Arc::clone(&seen), Arc::clone(&answer), Arc::clone(&sink));
            let (now, highest) = (Arc::clone(&now), Arc::clone(&highest));
            async move {
                highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let traceparent = head.headers.get("traceparent").map_or("", |value| value.to_str().unwrap());
                let mut parts = traceparent.split('-').skip(1).map(str::to_owned);
                let mut call = Call {
                    method: head.method.to_string(),
                    path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
                    headers: head.headers.clone(),
                    body,
                    trace: parts.next().unwrap_or_default(),
                    parent: parts.next().unwrap_or_default(),
                    position: 0,
                };
                {
                    let mut seen = seen.lock().unwrap();
                    call.position = seen.len();
                    seen.push(call.clone());
                }
                let reply = answer(&call);
                if !reply.spans.is_empty() && !call.trace.is_empty() {
                    sink(export(&call.trace, &call.parent, &reply.spans)).await;
                }
                for (trace, parent, spans) in &reply.also {
                    sink(export(trace, parent, spans)).await;
                }
                if let Some(data) = reply.data {
                    sink(data).await;
                }
                tokio::time::sleep(reply.delay).await;
                now.fetch_sub(1, Ordering::SeqCst);
                let mut made = Response::builder().status(reply.status);
                if !reply.headers.iter().any(|(name, _)| *name == "content-type") {
                    made = made.header("content-type", "application/json");
                }
                for (name, value) in reply.headers {
                    made = made.header(name, value);
                }
                made.body(axum::body::Body::from(reply.body)).unwrap()
            }
        });
        (router, calls, most)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything it was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Whether no run has sent it anything. Its port may be one that the kernel gave to somebody else a moment ago, and what
    /// still looks for that one comes without a context of ours.
    pub fn is_untouched(&self) -> bool {
        self.calls().iter().all(|call| call.trace.is_empty())
    }

    /// The paths it was asked for, in order.
    pub fn paths(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.path).collect()
    }

    /// The most requests that were under way at once.
    pub fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// A target that exports to the run's embedded receiver, and the configuration of that run.
pub fn with_receiver(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> (Target, String) {
    let receiver = nobody();
    let target = Target::new(otlp(receiver), answer);
    let configuration = format!(
        "exporter_delay: 20ms\nbackend: {{ receiver: {{ http: \"{receiver}\" }} }}\nvars: {{ base: \"{}\" }}\n",
        target.url()
    );
    (target, configuration)
}

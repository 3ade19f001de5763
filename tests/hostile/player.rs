//! Plays the scenarios: an HTTP target that exports what a scenario says when it says it, to the run's receiver or to a
//! store that answers reads as Jaeger and Tempo do, faults included.

use super::scenario::{Delivery, Fault, Made, Place, Scenario, letters, resource_spans};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One run's system and store.
pub struct Player {
    scenarios: HashMap<String, Scenario>,
    place: Place,
    /// Where the run's receiver will listen.
    receiver: SocketAddr,
    client: reqwest::Client,
    store: Mutex<HashMap<String, Stored>>,
    /// Scenarios that were not played as written, because this machine was busy.
    slipped: Mutex<BTreeSet<String>>,
}

/// A delivery that is so much later than its scenario says is another scenario.
const LATE: Duration = Duration::from_millis(700);

/// What the store has of a trace.
struct Stored {
    spans: Vec<Value>,
    faults: Vec<Fault>,
    partial: bool,
}

/// Where a player can be reached.
pub struct Playing {
    pub target: SocketAddr,
    pub receiver: SocketAddr,
    pub store: SocketAddr,
    player: Arc<Player>,
}

impl Playing {
    pub fn slipped(&self) -> BTreeSet<String> {
        self.player.slipped.lock().unwrap().clone()
    }
}

/// A port on which nobody listens.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Player {
    /// Begins to play on this runtime, until it ends.
    pub fn start(runtime: &tokio::runtime::Runtime, scenarios: &[(usize, Scenario)], place: Place) -> Playing {
        let receiver = nobody();
        let player = Arc::new(Player {
            scenarios: scenarios.iter().map(|(number, scenario)| (letters(*number), scenario.clone())).collect(),
            place,
            receiver,
            client: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(4).build().unwrap(),
            store: Mutex::default(),
            slipped: Mutex::default(),
        });
        let (as_target, as_store) = (Arc::clone(&player), Arc::clone(&player));
        let target = serve(runtime, move |request| target(Arc::clone(&as_target), request));
        let store = serve(runtime, move |request| store(Arc::clone(&as_store), request));
        Playing { target, receiver, store, player }
    }

    /// Exports what a scenario says when it says it, for the trace that a request carries.
    fn play(self: &Arc<Player>, name: &str, deliveries: &[Delivery], headers: &HeaderMap) -> Option<()> {
        let traceparent = headers.get("traceparent")?.to_str().ok()?;
        let mut parts = traceparent.split('-').skip(1);
        let trace = u128::from_str_radix(parts.next()?, 16).ok()?;
        let caller = u64::from_str_radix(parts.next()?, 16).ok()?;
        let began_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let began = Instant::now();
        for Delivery { after_ms, spans } in deliveries.iter().cloned() {
            let (player, name) = (Arc::clone(self), name.to_owned());
            tokio::spawn(async move {
                let due = Duration::from_millis(after_ms);
                tokio::time::sleep(due).await;
                player.export(&name, resource_spans(&spans, trace, caller, began_ns)).await;
                if began.elapsed() > due + LATE {
                    player.slipped.lock().unwrap().insert(name);
                }
            });
        }
        Some(())
    }

    async fn export(&self, name: &str, made: Vec<Value>) {
        if self.place == Place::Receiver {
            let body = json!({ "resourceSpans": made }).to_string();
            let request = self.client.post(format!("http://{}/v1/traces", self.receiver));
            // Whoever received may be gone: then the run has ended.
            drop(request.header("content-type", "application/json").body(body).send().await);
            return;
        }
        let scenario = &self.scenarios[name];
        let mut store = self.store.lock().unwrap();
        for one in made {
            let id = one["scopeSpans"][0]["spans"][0]["traceId"].as_str().unwrap().to_owned();
            let stored = store.entry(id).or_insert_with(|| Stored {
                spans: Vec::new(),
                faults: scenario.faults.iter().rev().copied().collect(),
                partial: scenario.partial,
            });
            stored.spans.push(one);
        }
    }
}

fn serve<F>(
    runtime: &tokio::runtime::Runtime,
    answer: impl Fn(Request) -> F + Clone + Send + Sync + 'static,
) -> SocketAddr
where
    F: Future<Output = Option<Response>> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let router = axum::Router::new().fallback(move |request: Request| {
            let answer = answer(request);
            async move {
                match answer.await {
                    Some(response) => response,
                    None => broken(),
                }
            }
        });
        axum::serve(listener, router).await.unwrap();
    });
    address
}

/// A body that fails before its first byte, so that the server closes the connection.
fn broken() -> Response {
    let failing = futures_util::stream::once(async { Err::<axum::body::Bytes, _>(std::io::Error::other("closed")) });
    let mut response = Response::new(axum::body::Body::from_stream(failing));
    response.headers_mut().insert("content-length", http::HeaderValue::from_static("10"));
    response
}

async fn target(player: Arc<Player>, request: Request) -> Option<Response> {
    let path = request.uri().path().to_owned();
    let (part, name) = path.trim_start_matches('/').split_once('/')?;
    let scenario = player.scenarios.get(name)?.clone();
    let reply = scenario.reply;
    if part == "from" {
        // The first hop of a redirect has a span of its own, and little to say.
        let mut spans = scenario.deliveries.iter().flat_map(|delivery| &delivery.spans);
        let gateway = spans.find(|span| span.parent == super::scenario::CALLER)?.service.clone();
        let hop = Made::new(&gateway, super::scenario::SERVER, "GET /from", 900, super::scenario::CALLER, (0, 500));
        let hop = [Delivery { after_ms: 0, spans: vec![hop] }];
        player.play(name, &hop, request.headers());
        return Some((StatusCode::FOUND, [("location", format!("/to/{name}"))]).into_response());
    }
    player.play(name, &scenario.deliveries, request.headers());
    tokio::time::sleep(Duration::from_millis(reply.after_ms)).await;
    (!reply.close).then(|| (StatusCode::from_u16(reply.status).unwrap(), "{}").into_response())
}

async fn store(player: Arc<Player>, request: Request) -> Option<Response> {
    let path = request.uri().path();
    let id = match player.place {
        Place::Tempo => path.strip_prefix("/api/v2/traces/"),
        _ => path.strip_prefix("/api/v3/traces/"),
    };
    let Some(id) = id else {
        return Some(match path {
            "/api/v3/services" => r#"{"services":["gateway"]}"#.into_response(),
            "/api/echo" => "echo".into_response(),
            _ => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        });
    };
    let (fault, mut spans, partial) = {
        let mut store = player.store.lock().unwrap();
        match store.get_mut(id) {
            None => (Some(Fault::NotFound), Vec::new(), false),
            Some(stored) => (stored.faults.pop(), stored.spans.clone(), stored.partial),
        }
    };
    match fault {
        Some(Fault::Busy) => return Some((StatusCode::SERVICE_UNAVAILABLE, "busy").into_response()),
        Some(Fault::Html) => {
            return Some(([("content-type", "text/html")], "<!doctype html><title>Log in</title>").into_response());
        }
        Some(Fault::Close) => return None,
        Some(Fault::Hang) => tokio::time::sleep(Duration::from_secs(4)).await,
        Some(Fault::NotFound | Fault::Empty) => spans.clear(),
        Some(Fault::Half) => spans.truncate(spans.len() / 2),
        None => {}
    }
    Some(match player.place {
        Place::Tempo => {
            let mut body = json!({ "trace": {}, "metrics": {} });
            if !spans.is_empty() {
                body["trace"] = json!({ "resourceSpans": spans });
            }
            if partial {
                body["status"] = "PARTIAL".into();
                body["message"] = "Trace exceeds maximum size of 100 bytes, a partial trace is returned".into();
            }
            json_body(StatusCode::OK, &body)
        }
        _ if spans.is_empty() && fault == Some(Fault::NotFound) => {
            let body = json!({ "error": { "httpCode": 404, "message": "trace not found" } });
            json_body(StatusCode::NOT_FOUND, &body)
        }
        _ => {
            if partial {
                let warning = json!({ "key": "@jaeger@warnings", "value": { "arrayValue": { "values": [
                    { "stringValue": "trace has more than 3 spans, showing first 3 spans only" } ] } } });
                spans[0]["scopeSpans"][0]["spans"][0]["attributes"].as_array_mut().unwrap().push(warning);
            }
            json_body(StatusCode::OK, &json!({ "result": { "resourceSpans": spans } }))
        }
    })
}

fn json_body(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

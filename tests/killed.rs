//! A service that is killed while it holds spans takes them with it. Its test may say what is missing, or that it
//! could not be decided; it must never pass.
//!
//! Between the run and the shop stands a relay, which kills the service named in the request's `x-kill` header after the
//! shop has answered and before the run hears of it: whatever that service had not exported by then is lost.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "../examples/shop/tests/shop/process.rs"]
mod process;
#[path = "support/tracespec.rs"]
mod tracespec;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use process::{Shop, kill};
use std::sync::{Arc, LazyLock};
use tracespec::Report;

/// A shop that exports to a free port, for the run's receiver to take.
struct Setup {
    shop: Arc<Shop>,
    receiver: std::net::SocketAddr,
    relay: String,
}

impl Setup {
    /// `victim` exports so late that what it has is lost when it is killed; the others at once.
    fn new(victim: &str, delay: &str) -> Setup {
        let receiver = std::net::SocketAddr::from(([127, 0, 0, 1], ::tracespec::run::ports::free_port().unwrap()));
        let shop = Shop::start(&format!("http://{receiver}"), &["--export-delay", &format!("{victim}={delay}")]);
        let shop = Arc::new(shop);
        let relay = relay(Arc::clone(&shop));
        Setup { shop, receiver, relay }
    }

    fn run(&self, spec: &str) -> Report {
        let configuration =
            format!("exporter_delay: 500ms\nbackend: {{ receiver: {{ grpc: \"{}\" }} }}\n", self.receiver);
        tracespec::run(&configuration, spec, &[("base", &self.relay)])
    }
}

fn relay(shop: Arc<Shop>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let router = axum::Router::new().fallback(forward).with_state((shop, client));
            axum::serve(listener, router).await.unwrap();
        });
    });
    format!("http://{address}")
}

async fn forward(
    State((shop, client)): State<(Arc<Shop>, reqwest::Client)>,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Bytes) {
    let victim = headers.remove("x-kill");
    headers.remove("host");
    let answer = client.post(format!("{}{uri}", shop.base)).headers(headers).body(body).send().await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    if let Some(victim) = victim {
        kill("KILL", shop.pids[victim.to_str().unwrap()]);
    }
    (status, body)
}

/// A spec of one test that is sent through the relay.
fn test(name: &str, victim: &str, expectations: &str) -> String {
    let kill = if victim.is_empty() { String::new() } else { format!("      headers: {{ x-kill: {victim} }}\n") };
    format!(
        r#"  - name: {name}
    request:
      method: POST
      url: ${{base}}/orders
{kill}      json: {{ items: [{{ sku: LAPTOP-1, qty: 1 }}], payment: {{ method: card, token: tok_test_123 }} }}
    response:
      status: 201
{expectations}"#
    )
}

const EVERY_SERVICE: &str = "    trace:
      services: [api-gateway, order-service, payment-service, inventory-service, notification-service]
      propagation: intact
";
const NO_ERROR: &str = "    trace:
      errors: none
";

fn one(victim: &str, expectations: &str) -> Report {
    Setup::new(victim, "1h").run(&format!("tests:\n{}", test("the order", victim, expectations)))
}

/// What every run of this file came to. All are begun at once when the first is asked for: what they do is wait.
struct Reports {
    naming_every_service: Vec<(&'static str, Report)>,
    without_error: Vec<(&'static str, Report)>,
    after_an_answer: Report,
}

static REPORTS: LazyLock<Reports> = LazyLock::new(|| {
    let every = ["payment-service", "order-service", "inventory-service", "notification-service", "api-gateway"];
    let between = ["order-service", "api-gateway"];
    std::thread::scope(|scope| {
        let start = |victim: &'static str, expectations| scope.spawn(move || (victim, one(victim, expectations)));
        let naming_every_service = every.map(|victim| start(victim, EVERY_SERVICE));
        let without_error = between.map(|victim| start(victim, NO_ERROR));
        Reports {
            after_an_answer: after_an_answer(),
            naming_every_service: naming_every_service.map(|run| run.join().unwrap()).into(),
            without_error: without_error.map(|run| run.join().unwrap()).into(),
        }
    })
});

/// The first test ends with an export of payment-service; the second kills it long before the next one.
fn after_an_answer() -> Report {
    let presence = "    trace:\n      services: [payment-service]\n";
    let absence = format!("{NO_ERROR}    needs: [before]\n");
    let tests = [test("before", "", presence), test("after", "payment-service", &absence)].concat();
    Setup::new("payment-service", "3s").run(&format!("tests:\n{tests}"))
}

#[test]
fn a_test_that_names_the_killed_service_fails_and_says_what_is_missing() {
    for (victim, report) in &REPORTS.naming_every_service {
        assert_eq!(report.verdict("the order"), "fail", "{victim}: {}", report.said);
        assert!(report.said.contains(victim), "{victim}: {}", report.said);
    }
}

#[test]
fn an_absence_is_inconclusive_where_the_killed_service_stood_between_others() {
    for (victim, report) in &REPORTS.without_error {
        assert_eq!(report.verdict("the order"), "inconclusive", "{victim}: {}", report.said);
        assert!(report.said.contains("parent"), "{victim}: {}", report.said);
    }
}

#[test]
fn an_absence_is_inconclusive_where_the_run_has_seen_the_killed_service_answer() {
    let report = &REPORTS.after_an_answer;
    assert_eq!(report.verdict("before"), "pass", "{}", report.said);
    assert_eq!(report.verdict("after"), "inconclusive", "{}", report.said);
    assert!(report.said.contains("payment-service"), "{}", report.said);
}

//! Exporters of different speed: payment-service exports every 3 s, the others every 0.5 s, and nothing but one request
//! is under way, so that the run has nothing to learn from. A test that forbids a span which only payment-service
//! produces must fail each time; its twin, which forbids a span that never occurs, must pass each time. Whoever takes
//! the first trace found for complete, or believes that no exporter is slower than it was told, passes both.
//!
//! Each run is a process with a shop of its own. `TRACESPEC_TEST_RUNS=20` makes twenty runs of each kind instead of
//! the few that a test suite has time for. The real Jaeger is the one that `TRACESPEC_TEST_JAEGER_URL` and
//! `TRACESPEC_TEST_JAEGER_OTLP` name.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code, clippy::print_stdout)]

#[path = "../examples/shop/tests/shop/process.rs"]
mod process;
#[path = "support/tracespec.rs"]
mod tracespec;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where a run's traces go and are read.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// The receiver in the run.
    Embedded,
    /// A Jaeger: its URL and its OTLP address.
    Jaeger(&'a str, &'a str),
}

/// How many runs of each kind, unless `TRACESPEC_TEST_RUNS` says otherwise.
const RUNS: usize = 3;

fn runs() -> usize {
    std::env::var("TRACESPEC_TEST_RUNS").map_or(RUNS, |runs| runs.parse().unwrap())
}

fn configuration(place: Place<'_>, exporter_delay: Option<&str>) -> String {
    let mut out = String::new();
    if let Some(delay) = exporter_delay {
        writeln!(out, "exporter_delay: {delay}").unwrap();
    }
    let mut env = String::new();
    if let Place::Jaeger(url, otlp) = place {
        writeln!(out, "backend: {{ jaeger: {{ url: \"{url}\" }} }}").unwrap();
        env = format!("    env: {{ OTEL_EXPORTER_OTLP_ENDPOINT: \"{otlp}\" }}\n");
    }
    let shop = process::program();
    let mut args = String::new();
    for service in ["api-gateway", "order-service", "inventory-service", "notification-service"] {
        write!(args, ", --export-delay, {service}=500ms").unwrap();
    }
    write!(
        out,
        "processes:\n  - name: shop\n    ports: [shop]\n    \
         command: [\"{}\", --port, \"${{port.shop}}\", --export-delay, payment-service=3s{args}]\n{env}    \
         ready: {{ http: \"http://127.0.0.1:${{port.shop}}/healthz\", timeout: 60s }}\n",
        shop.display(),
    )
    .unwrap();
    out
}

fn spec(forbidden: &str) -> String {
    format!(
        r#"
vars: {{ base: "http://127.0.0.1:${{port.shop}}" }}
tests:
  - name: without {forbidden}
    request:
      method: POST
      url: ${{base}}/orders
      json: {{ items: [{{ sku: LAPTOP-1, qty: 1 }}], payment: {{ method: card, token: tok_test_123 }} }}
    response:
      status: 201
    trace:
      spans:
        - select: {{ service: payment-service, name: {forbidden} }}
          count: 0
"#
    )
}

/// What a kind of run should come to, and how often it did.
struct Kind {
    exporter_delay: Option<&'static str>,
    forbidden: &'static str,
    should: &'static str,
    right: AtomicUsize,
}

/// How many runs there are at a time. Each is seven processes, and what they do is wait.
const AT_A_TIME: usize = 40;

/// Runs each kind so often.
fn must_be_right(what: &str, place: Place<'_>) {
    let mut kinds = Vec::new();
    for exporter_delay in [Some("3s"), Some("500ms"), None] {
        for (forbidden, should) in [("charge-card", "fail"), ("no-such-work", "pass")] {
            kinds.push(Kind { exporter_delay, forbidden, should, right: AtomicUsize::new(0) });
        }
    }
    let (said, next, all) = (Mutex::new(Vec::new()), AtomicUsize::new(0), kinds.len() * runs());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(all) {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < all) {
                    let Kind { exporter_delay, forbidden, should, right } = &kinds[number % kinds.len()];
                    let report = tracespec::run(&configuration(place, *exporter_delay), &spec(forbidden), &[]);
                    if report.verdict(&format!("without {forbidden}")) == *should {
                        right.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let what = format!("exporter_delay {exporter_delay:?}, must {should}: {}", report.said);
                        said.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    for kind in &kinds {
        let (right, delay) = (kind.right.load(Ordering::Relaxed), kind.exporter_delay.unwrap_or("not given"));
        println!("{what}, exporter_delay {delay}, no {}: {} {right} of {}", kind.forbidden, kind.should, runs());
    }
    let said = said.into_inner().unwrap();
    assert!(said.is_empty(), "{what}: {} runs were wrong\n{}", said.len(), said.join("\n"));
}

#[test]
fn through_the_embedded_receiver() {
    must_be_right("embedded receiver", Place::Embedded);
}

#[test]
fn through_a_store_that_shows_what_has_arrived_by_then() {
    let serve = tracespec::Serve::start();
    must_be_right("Jaeger's API", Place::Jaeger(&serve.url, &serve.url));
}

#[test]
#[ignore = "needs a Jaeger: TRACESPEC_TEST_JAEGER_URL and TRACESPEC_TEST_JAEGER_OTLP"]
fn through_a_real_jaeger() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let (url, otlp) = (variable("TRACESPEC_TEST_JAEGER_URL"), variable("TRACESPEC_TEST_JAEGER_OTLP"));
    must_be_right("Jaeger", Place::Jaeger(&url, &otlp));
}

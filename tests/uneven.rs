//! Exporters of different speed: payment-service exports every 3 s, the others every 0.5 s, and nothing but one request
//! is under way, so that the run has nothing to learn from. A test that forbids a span which only payment-service
//! produces must fail each time; its twin, which forbids a span that never occurs, must pass each time. Whoever takes
//! the first trace found for complete, or believes that no exporter is slower than it was told, passes both.
//!
//! Each run is a process with a shop of its own. `TRACESPEC_TEST_RUNS=20` makes twenty runs of each kind instead of
//! the few that a test suite has time for. The real Jaeger is the one that `TRACESPEC_TEST_JAEGER_URL` and
//! `TRACESPEC_TEST_JAEGER_OTLP` name.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "shop/process.rs"]
mod process;
#[path = "support/tracespec.rs"]
mod tracespec;

use std::fmt::Write as _;
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
const RUNS: usize = 4;

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
    let shop = process::example("shop");
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

/// Runs both tests so often, all runs at the same time: what they do is wait. Returns how many came out right, and
/// what those said that did not.
fn count(place: Place<'_>, exporter_delay: Option<&str>) -> ([usize; 2], Vec<String>) {
    let configuration = configuration(place, exporter_delay);
    let kinds = [("charge-card", "fail"), ("no-such-work", "pass")];
    let right = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let said = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (kind, (forbidden, should)) in kinds.into_iter().enumerate() {
            let (configuration, right, said) = (&configuration, &right, &said);
            for _ in 0..runs() {
                scope.spawn(move || {
                    let report = tracespec::run(configuration, &spec(forbidden), &[]);
                    if report.verdict(&format!("without {forbidden}")) == should {
                        right[kind].fetch_add(1, Ordering::Relaxed);
                    } else {
                        said.lock().unwrap().push(report.said);
                    }
                });
            }
        }
    });
    (right.map(AtomicUsize::into_inner), said.into_inner().unwrap())
}

fn must_be_right(what: &str, place: Place<'_>) {
    for delay in [Some("3s"), Some("500ms"), None] {
        let (right, said) = count(place, delay);
        println!(
            "{what}, exporter_delay {}: the forbidden span failed {} of {runs}, its twin passed {} of {runs}",
            delay.unwrap_or("not given"),
            right[0],
            right[1],
            runs = runs()
        );
        assert_eq!(right, [runs(), runs()], "{what}, exporter_delay {delay:?}\n{}", said.join("\n"));
    }
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
fn through_a_real_jaeger() {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("TRACESPEC_TEST_JAEGER_URL"), variable("TRACESPEC_TEST_JAEGER_OTLP")) {
        (Some(url), Some(otlp)) => must_be_right("Jaeger", Place::Jaeger(&url, &otlp)),
        _ => println!("skipped: TRACESPEC_TEST_JAEGER_URL and TRACESPEC_TEST_JAEGER_OTLP are not set"),
    }
}

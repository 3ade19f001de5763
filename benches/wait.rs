//! How long tests wait, against the demo shop started by the runner: `cargo bench --bench wait`. Prints figures and
//! judges none; what they should be stands beside them.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

#[path = "../examples/shop/tests/shop/process.rs"]
mod process;
#[path = "../tests/support/tracespec.rs"]
mod tracespec;

use serde_json::Value;
use std::time::Duration;

/// What the runner tells the processes that it starts.
const EXPORTER_DELAY: Duration = Duration::from_millis(200);
/// 1.5 × the exporters' delay and 0.3 s on the way to the receiver; 2.5 s where work goes on after the response.
const SETTLE: Duration = Duration::from_millis(600);
const SETTLE_WITH_QUEUE: Duration = Duration::from_millis(2500);

const PRODUCTS: &str = "    request: { url: \"${base}/products\" }\n    response: { status: 200 }\n";
const ORDER: &str = "    request:
      method: POST
      url: ${base}/orders
      json: { items: [{ sku: LAPTOP-1, qty: 1 }], payment: { method: card, token: tok_test_123 } }
    response: { status: 201 }
";
const PRESENCE: &str = "    trace:
      services: [api-gateway, order-service, payment-service, inventory-service, notification-service]
      spans:
        - select: { service: payment-service, name: charge-card }
        - select: { service: notification-service, name: send-confirmation }
";
const NO_ERROR: &str = "    trace: { errors: none }\n";

fn configuration() -> String {
    format!(
        "processes:\n  - name: shop\n    ports: [shop]\n    command: [\"{}\", --port, \"${{port.shop}}\"]\n    \
         ready: {{ http: \"http://127.0.0.1:${{port.shop}}/healthz\", timeout: 60s }}\n",
        process::program().display()
    )
}

/// A suite of so many tests that differ in name only.
fn suite(count: usize, request: &str, trace: &str) -> Vec<Value> {
    let mut spec = "vars: { base: \"http://127.0.0.1:${port.shop}\" }\ntests:\n".to_owned();
    for number in 1..=count {
        spec += &format!("  - name: number {number}\n{request}{trace}");
    }
    let report = tracespec::run(&configuration(), &spec, &[]);
    let not_passed = report.tests.iter().filter(|test| test["verdict"] != "pass").count();
    if not_passed > 0 {
        println!("{not_passed} of {count} tests did not pass; the figures are of little worth:\n{}", report.said);
    }
    report.tests
}

fn times(tests: &[Value], of: impl Fn(&Value) -> Option<u64>) -> Vec<Duration> {
    let mut times: Vec<Duration> = tests.iter().filter_map(of).map(Duration::from_nanos).collect();
    times.sort_unstable();
    times
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn line(what: &str, times: &[Duration], should: &str) {
    let (Some(least), Some(most)) = (times.first(), times.last()) else {
        println!("{what}: no figures");
        return;
    };
    let median = times[times.len() / 2];
    println!("{what}: median {}, least {}, most {} ({should})", ms(median), ms(*least), ms(*most));
}

fn timing<'a>(what: &'a str) -> impl Fn(&Value) -> Option<u64> + 'a {
    move |test| test["timing"][what].as_u64()
}

/// A whole suite: from its first request to its last verdict, beside the bound that it should keep.
fn total(what: &str, tests: &[Value], settle: Duration) {
    let triggers = times(tests, timing("trigger_ns"));
    let slots = 8_u32;
    let bound = triggers.iter().sum::<Duration>() / slots + 2 * settle;
    let whole = times(tests, |test| test["duration_ns"].as_u64()).last().copied().unwrap_or_default();
    let (count, bound) = (tests.len(), ms(bound));
    println!("{what}: {count} tests in {} (its triggers and two settles: {bound})", ms(whole));
}

fn main() {
    // What `cargo test --benches` asks of every benchmark: be there, and take no time.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    println!("exporters' delay {}", ms(EXPORTER_DELAY));
    let presence = suite(60, ORDER, PRESENCE);
    line("presence only, last span to verdict", &times(&presence, timing("after_last_span_ns")), "30 ms");
    let products = suite(60, PRODUCTS, NO_ERROR);
    line(
        "no error in a call without a queue, last span to verdict",
        &times(&products, timing("after_last_span_ns")),
        "700 ms",
    );
    line(
        "no error in a call without a queue, answer to verdict",
        &times(&products, timing("wait_ns")),
        "with the exporters' delay",
    );
    total("absences, calls without a queue", &suite(200, PRODUCTS, NO_ERROR), SETTLE);
    total("absences, orders with a queue", &suite(200, ORDER, NO_ERROR), SETTLE_WITH_QUEUE);
}

//! A canary beside a stable build, in a real Tempo and a real Jaeger: each fault of the shop is named by queries alone. What the stores
//! answered is kept in `tests/fixtures/canary`, so that this is repeated where no store is.
//!
//! `TRACESPEC_TEST_TEMPO_URL=… TRACESPEC_TEST_TEMPO_OTLP=… RECORD=1 cargo test --test gate canary` asks a store, and with `RECORD` keeps
//! its answers.

#![allow(clippy::print_stdout, reason = "what a store says is worth reading, and so is that none was asked")]

use super::process::Shop;
use super::recorded::{Answers, Served, read, write};
use super::tracespec::command;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// A fault, the kind of difference that names it, and what the first line says.
const FAULTS: [(&str, &str, &str); 7] = [
    ("none", "", ""),
    ("n_plus_one", "grew", "SELECT shelf_stock occurs"),
    ("sequential", "serialised", "one after the other"),
    ("slow_payment", "", ": payment-service charge-card "),
    ("swallowed_error", "became_error", "shop.Payment/Score"),
    ("reserve_before_charge", "order_changed", "order reversed"),
    ("missing_service", "lost_service", "is missing"),
];

/// So many orders of each build.
const ORDERS: usize = 60;
/// Generous, since it only decides how long a failing test takes.
const DEADLINE: Duration = Duration::from_secs(120);
/// How many traces of each build are kept, and how many are enough then.
const KEPT: [&str; 4] = ["--limit", "16", "--min-runs", "12"];

/// What a gate said.
struct Said {
    code: i32,
    all: String,
    report: Value,
}

fn query(version: &str) -> String {
    format!("{{ resource.service.version = \"{version}\" }}")
}

fn canary(fault: &str) -> String {
    format!("1.5-{fault}")
}

fn gate(store: &str, url: &str, fault: &str, until: &str, more: &[&str]) -> Said {
    let folder = TempDir::new().unwrap();
    let configuration = format!("backend: {{ {store}: {{ url: \"{url}\" }} }}\n");
    std::fs::write(folder.path().join("tracespec.yaml"), configuration).unwrap();
    let mut command = command();
    command.current_dir(folder.path()).args(["gate", "--report", "json=gate.json", "--last", "30m", "--until", until]);
    command.args(["--baseline-query", &query("1.4"), "--candidate-query", &query(&canary(fault))]).args(more);
    let output = command.output().unwrap();
    let report = std::fs::read_to_string(folder.path().join("gate.json")).unwrap_or_default();
    let code = output.status.code().unwrap_or(-1);
    let all = format!("{code}\n{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    Said { code, all, report: serde_json::from_str(&report).unwrap_or_default() }
}

/// Why a gate did not say what it should have said of a fault.
fn wrong(store: &str, fault: (&str, &str, &str), said: &Said) -> Option<String> {
    let (fault, kind, words) = fault;
    let of = |list: &Value, key: &str| -> Vec<String> {
        let all = list.as_array().map_or(&[][..], Vec::as_slice);
        all.iter().filter_map(|one| one[key].as_str().map(str::to_owned)).collect()
    };
    let tests = said.report["tests"].as_array().map_or(&[][..], Vec::as_slice);
    let orders = tests.iter().find(|test| test["name"] == "api-gateway POST /orders");
    let kinds = orders.map_or(Vec::new(), |test| of(&test["structure"], "kind"));
    let headline = said.report["headline"].as_str().unwrap_or_default();
    let named = (kind.is_empty() || kinds.iter().any(|one| one == kind)) && headline.contains(words);
    let mut right = said.code == i32::from(fault != "none") && named && orders.is_some();
    if store == "tempo" {
        // Tempo counts all requests, not only those of the sample.
        let operations = said.report["requests"]["operations"].as_array().map_or(&[][..], Vec::as_slice);
        let found: Vec<(String, Vec<String>)> = operations
            .iter()
            .map(|one| {
                (
                    format!("{} {}", one["service"].as_str().unwrap(), one["name"].as_str().unwrap()),
                    of(&one["findings"], "kind"),
                )
            })
            .collect();
        let has = |operation: &str, kind: &str| {
            found.iter().any(|(name, kinds)| name == operation && kinds.iter().any(|one| one == kind))
        };
        right &= match fault {
            "slow_payment" => has("payment-service shop.Payment/Authorize", "slower_requests"),
            "swallowed_error" => has("payment-service shop.Payment/Score", "more_errors"),
            "none" => !operations.is_empty() && found.iter().all(|(_, kinds)| kinds.is_empty()),
            _ => !operations.is_empty(),
        };
    }
    (!right).then(|| format!("{store}, {fault}: {kinds:?}\n{}{}", said.all, said.report["requests"]))
}

fn fixture(store: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/canary/{store}.zst"))
}

#[test]
fn what_real_stores_answered_names_each_fault_again() {
    let mut all = Vec::new();
    for store in ["tempo", "jaeger"] {
        let (until, answers) = read(&fixture(store));
        let server = Served::again(answers);
        for fault in FAULTS {
            all.extend(wrong(store, fault, &gate(store, &server.url, fault.0, &until, &KEPT)));
        }
        let unknown = server.unknown.lock().unwrap().clone();
        assert!(unknown.is_empty(), "{store} was asked what it was not asked when it was recorded: {unknown:#?}");
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_canary_in_a_real_tempo_is_named() {
    live("tempo", "TRACESPEC_TEST_TEMPO");
}

#[test]
fn a_canary_in_a_real_jaeger_is_named() {
    live("jaeger", "TRACESPEC_TEST_JAEGER");
}

/// Sends traffic of each build to the store of these variables, and judges it by queries.
fn live(store: &str, variables: &str) {
    let named = |what: &str| std::env::var(format!("{variables}_{what}")).ok();
    let (Some(url), Some(otlp)) = (named("URL"), named("OTLP")) else {
        println!("skipped: {variables}_URL and {variables}_OTLP name no {store}");
        return;
    };
    traffic(&otlp);
    let proxy = Served::through(&url);
    let until = seen_by(store, &url);
    let mut all = Vec::new();
    for fault in FAULTS {
        let said = gate(store, &url, fault.0, &until, &[]);
        println!("{store}, {}: {}\n", fault.0, said.all);
        all.extend(wrong(store, fault, &said));
    }
    if std::env::var_os("RECORD").is_some() {
        for fault in FAULTS {
            all.extend(wrong(store, fault, &gate(store, &proxy.url, fault.0, &until, &KEPT)));
        }
        let answers: Answers = proxy.seen.lock().unwrap().clone();
        write(&fixture(store), &until, &answers);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Orders from a shop of each build in turn, so that whatever slows one slows all.
fn traffic(otlp: &str) {
    let mut builds = vec![("1.4".to_owned(), "none")];
    builds.extend(FAULTS.map(|(fault, ..)| (canary(fault), fault)));
    let start = |(version, fault): (String, &'static str)| {
        let attributes = format!("service.version={version}");
        (Shop::start_with(otlp, &[], &[("OTEL_RESOURCE_ATTRIBUTES", &attributes)]), fault)
    };
    let shops: Vec<(Shop, &str)> = builds.into_iter().map(start).collect();
    let order = |(shop, fault): &(Shop, &str)| {
        let body = r#"{"items":[{"sku":"LAPTOP-1","qty":1},{"sku":"MOUSE-2","qty":2}],"payment":{"method":"card","token":"tok_test_123"}}"#;
        let headers = [("content-type", "application/json"), ("x-fault", *fault)];
        let status = shop.post("/orders", &headers, body).status;
        assert_eq!(status, 201, "{fault}");
    };
    let (slow, others): (Vec<_>, Vec<_>) = shops.iter().partition(|(_, fault)| *fault == "slow_payment");
    std::thread::scope(|scope| {
        // What takes seconds does nothing for most of them: it waits beside the others.
        for _ in 0..6 {
            scope.spawn(|| (0..ORDERS / 6).for_each(|_| slow.iter().for_each(|shop| order(shop))));
        }
        for _ in 0..ORDERS {
            others.iter().for_each(|shop| order(shop));
        }
    });
}

/// Waits until the store finds all orders, and counts them where it counts; the end of the window, just after them.
fn seen_by(store: &str, url: &str) -> String {
    let until = SystemTime::now() + Duration::from_secs(1);
    let seconds = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (from, to) = (seconds(until) - 1_800, seconds(until) + 1);
    let time = |seconds: u64| {
        humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    };
    let waited = Instant::now();
    let versions: Vec<String> =
        std::iter::once("1.4".to_owned()).chain(FAULTS.map(|(fault, ..)| canary(fault))).collect();
    let mut missing = BTreeMap::new();
    while waited.elapsed() < DEADLINE {
        missing.clear();
        for version in &versions {
            let (path, asked): (&str, Vec<(&str, String)>) = match store {
                "tempo" => (
                    "/api/metrics/query",
                    vec![
                        (
                            "q",
                            format!(
                                "{{ resource.service.version = \"{version}\" && resource.service.name = \"api-gateway\" && kind = server }} | count_over_time()"
                            ),
                        ),
                        ("start", from.to_string()),
                        ("end", to.to_string()),
                    ],
                ),
                _ => (
                    "/api/v3/trace-summaries",
                    vec![
                        ("query.startTimeMin", time(from)),
                        ("query.startTimeMax", time(to)),
                        ("query.searchDepth", "1000".to_owned()),
                        ("query.attributes", format!("{{\"service.version\":\"{version}\"}}")),
                    ],
                ),
            };
            let answer = get(&format!("{url}{path}"), &asked);
            let count = match store {
                "tempo" => answer["series"][0]["value"].as_f64().unwrap_or(0.0) as usize,
                _ => answer["summaries"].as_array().map_or(0, Vec::len),
            };
            if count < ORDERS {
                missing.insert(version.clone(), format!("{count} {answer}"));
            }
        }
        if missing.is_empty() {
            return time(to);
        }
        // Stores do not notify.
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("{store} does not find all orders: {missing:#?}");
}

fn get(url: &str, asked: &[(&str, String)]) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut url: url::Url = url.parse().unwrap();
    url.query_pairs_mut().extend_pairs(asked);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let text = client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::from(text))
    })
}

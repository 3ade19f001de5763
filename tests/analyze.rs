//! `tracespec analyze`: each fault of the shop is found, first, with the right span and number; an order without fault has no
//! finding. On saved orders, what is said; on the real shop, that it is so.
//! `BLESS=1 cargo test --test analyze` writes the texts anew; read them before you commit them.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

#[path = "support/tracespec.rs"]
mod tracespec;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// What `analyze` prints, which must end well.
fn analyze(arguments: &[&str], folder: &Path) -> String {
    let output = tracespec::command().current_dir(folder).arg("analyze").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(arguments: &[&str], folder: &Path) -> Value {
    serde_json::from_str(&analyze(&[arguments, &["--json"]].concat(), folder)).unwrap()
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fault, the kind of the first finding, and what its sentence has.
const FAULTS: [(&str, &str, &[&str]); 5] = [
    ("n_plus_one", "n_plus_one", &["inventory-service → sqlite", "one `IN` query", "would save about"]),
    ("sequential", "serial_calls", &["2 calls order-service → inventory-service", "one after another"]),
    ("slow_payment", "slow_span", &["span `charge-card` of payment-service takes 3."]),
    ("swallowed_error", "swallowed_error", &["of order-service failed", "no span above it reports a failure"]),
    (
        "lost_context",
        "unanswered_calls",
        &["2 calls order-service → inventory-service", "the trace context was not passed on"],
    ),
];

/// What is wrong with a trace's findings for a fault.
fn complaint(fault: &str, trace: &Value) -> Option<String> {
    let findings = trace["findings"].as_array().unwrap();
    let Some((_, kind, words)) = FAULTS.iter().find(|(name, ..)| *name == fault) else {
        return (!findings.is_empty()).then(|| format!("{fault}: {findings:#?}"));
    };
    let first = findings.first().cloned().unwrap_or_default();
    let message = first["message"].as_str().unwrap_or_default();
    let fits = first["kind"] == *kind && words.iter().all(|word| message.contains(word));
    (!fits).then(|| format!("{fault}: {findings:#?}"))
}

#[test]
fn each_fault_of_a_saved_order_is_found_first_and_said_as_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for fault in ["none", "declined", "extra_retry", "missing_service", "reserve_before_charge"]
        .into_iter()
        .chain(FAULTS.map(|(fault, ..)| fault))
    {
        let file = format!("tests/fixtures/orders/{fault}.json");
        let text = analyze(&[&file], here());
        let expected = PathBuf::from(format!("tests/analyze/{fault}.txt"));
        if bless {
            std::fs::create_dir_all("tests/analyze").unwrap();
            std::fs::write(&expected, &text).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{} differs:\n{text}", expected.display()));
        }
        if fault != "declined" && fault != "extra_retry" {
            wrong.extend(complaint(fault, &json(&[&file], here())["traces"][0]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The documentation shows what is really said.
#[test]
fn the_documentation_shows_real_output() {
    let path = here().join("docs/analyze.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- analyze: ").unwrap();
    let (file, rest) = rest.split_once(" -->").unwrap();
    let (_, after) = rest.split_once("<!-- /analyze -->").unwrap();
    let said = analyze(&[file], here());
    let wanted = format!(
        "{before}<!-- analyze: {file} -->\n```text\n$ tracespec analyze {file}\n{said}```\n<!-- /analyze -->{after}"
    );
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == wanted,
        "docs/analyze.md is old: BLESS=1 cargo test --test analyze"
    );
}

/// A call that fails and is made again, with answers of several megabytes.
fn tried_again_with_large_answers() -> String {
    let span = |id: u32, parent: &str, kind: u8, times: (u32, u32), rest: &str| {
        format!(
            r#"{{"traceId":"000102030405060708090a0b0c0d0e0f","spanId":"000000000000000{id}","parentSpanId":"{parent}","name":"GET /export","kind":{kind},
            "startTimeUnixNano":"10{:02}000000","endTimeUnixNano":"10{:02}000000"{rest}}}"#,
            times.0, times.1
        )
    };
    let attributes = |bytes: u32| {
        format!(
            r#","attributes":[{{"key":"http.request.method","value":{{"stringValue":"GET"}}}},
            {{"key":"url.full","value":{{"stringValue":"http://reports/export"}}}},
            {{"key":"error.type","value":{{"stringValue":"timeout"}}}},
            {{"key":"http.response.body.size","value":{{"intValue":"{bytes}"}}}}]"#
        )
    };
    let failed = format!(r#"{},"status":{{"code":2}}"#, attributes(1_500_000));
    let spans = [
        span(1, "", 2, (0, 99), ""),
        span(2, "0000000000000001", 3, (10, 40), &failed),
        span(3, "0000000000000001", 3, (50, 80), &attributes(4_200_000)),
    ];
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}},
        {{"key":"service.instance.id","value":{{"stringValue":"one"}}}}]}},"scopeSpans":[{{"scope":{{}},"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    )
}

#[test]
fn retries_and_large_answers_are_said_with_what_they_cost() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("trace.json"), tried_again_with_large_answers()).unwrap();
    let text = analyze(&["trace.json"], folder.path());
    for part in [
        "2 calls shop → reports `GET /export` under `GET /export` are attempts at the same thing; those before the last failed and took 30ms of 99ms",
        "2 responses of `GET /export` of shop have up to 4.2 MB each",
        "attributes: { http.response.body.size: < 1000000 }",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

/// Every line that a finding proposes is one that a spec can have.
#[test]
fn the_line_that_keeps_it_so_is_one_of_the_language() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut lines = Vec::new();
    let others = folder.path().join("others.json");
    std::fs::write(&others, tried_again_with_large_answers()).unwrap();
    let files = FAULTS.map(|(fault, ..)| format!("tests/fixtures/orders/{fault}.json"));
    for file in files.into_iter().chain([others.to_str().unwrap().to_owned()]) {
        let trace = json(&[&file], here());
        for finding in trace["traces"][0]["findings"].as_array().unwrap() {
            lines.push(finding["keep"].as_str().unwrap().to_owned());
        }
    }
    assert!(lines.len() >= FAULTS.len());
    let tests: String = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            format!("  - name: t{at}\n    trace_id: 4bf92f3577b34da6a3ce929d0e0e4736\n    trace:\n      {line}\n")
        })
        .collect();
    std::fs::write(folder.path().join("spec.yaml"), format!("tests:\n{tests}")).unwrap();
    let output = tracespec::command().current_dir(folder.path()).args(["check", "spec.yaml"]).output().unwrap();
    assert!(output.status.success(), "{}\n{}", lines.join("\n"), String::from_utf8_lossy(&output.stderr));
}

/// A key that a machine reads is where it was documented.
#[test]
fn the_document_has_the_documented_shape() {
    let document = json(&["tests/fixtures/orders/n_plus_one.json"], here());
    assert_eq!(document["schema"], "tracespec/analyze/1");
    let trace = &document["traces"][0];
    let keys = [
        "trace_id",
        "span_count",
        "services",
        "duration_ns",
        "root",
        "findings",
        "critical_path",
        "self_time",
        "network",
        "clock_skew",
        "repeats",
        "serial",
        "fan_out",
        "chain_depth",
        "gaps",
        "calls",
        "propagation",
        "errors",
        "conventions",
    ];
    for key in keys {
        assert!(!trace[key].is_null(), "{key}");
    }
    assert_eq!(trace.as_object().unwrap().len(), keys.len());
    let path = trace["critical_path"].as_array().unwrap();
    let sum: u64 = path.iter().map(|part| part["end_ns"].as_u64().unwrap() - part["start_ns"].as_u64().unwrap()).sum();
    assert!(path.windows(2).all(|two| two[0]["end_ns"] == two[1]["start_ns"]));
    assert!(sum > 0 && sum <= trace["duration_ns"].as_u64().unwrap());
    assert_eq!(trace["conventions"]["complete"], false);
    let text = analyze(&["tests/fixtures/orders/n_plus_one.json", "--json"], here());
    assert!(text.starts_with("{\n  \"schema\": \"tracespec/analyze/1\","), "{text}");
}

/// What reports mask is a secret all the same, and it is found without being shown.
#[test]
fn a_secret_that_is_masked_in_every_report_is_found() {
    let folder = tempfile::TempDir::new().unwrap();
    let attribute = |key: &str, value: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#);
    let trace = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{},{}]}},"scopeSpans":[{{"scope":{{}},"spans":[{{
            "traceId":"000102030405060708090a0b0c0d0e0f","spanId":"0000000000000001","name":"a","kind":2,
            "startTimeUnixNano":"1000000000","endTimeUnixNano":"1100000000","attributes":[{}]}}]}}]}}]}}"#,
        attribute("service.name", "shop"),
        attribute("service.instance.id", "one"),
        attribute("http.request.header.authorization", "Bearer abcdef0123456789XYZ")
    );
    std::fs::write(folder.path().join("trace.json"), trace).unwrap();
    let text = analyze(&["trace.json"], folder.path());
    assert!(text.contains("secrets (critical): http.request.header.authorization holds "), "{text}");
    assert!(!text.contains("abcdef"), "{text}");
}

#[test]
fn several_traces_are_summed_up_with_percentiles_only_where_there_are_enough() {
    let files = ["none", "sequential", "n_plus_one"].map(|fault| format!("tests/fixtures/orders/{fault}.json"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let text = analyze(&files, here());
    assert!(text.starts_with("3 traces, root: max "), "{text}");
    assert!(text.contains("(in 1 of 3)") && text.contains("p50 needs 5 calls"), "{text}");
    let summary = &json(&files, here())["summary"];
    assert_eq!(summary["traces"], 3);
    assert!(summary["calls"].as_array().unwrap().iter().all(|pair| pair["p99_ns"].is_null()));
}

#[test]
fn two_selections_are_compared_by_ratio_and_interval() {
    let file = "tests/fixtures/orders/n_plus_one.json";
    let left = "{ name = \"SELECT shelf_stock\" }";
    let text = analyze(&[file, "--compare", left, "{ kind = server }"], here());
    assert!(text.contains("times as long (95 %: ") && text.contains("of all pairs"), "{text}");
    let same = json(&[file, "--compare", left, left], here());
    assert_eq!(same["comparison"]["ratio"], 1.0);
    assert_eq!(same["comparison"]["superiority"], 0.5);
    let wrong =
        tracespec::command().current_dir(here()).args(["analyze", file, "--compare", "{ name = 1 }", "{ }"]).output();
    assert_eq!(wrong.unwrap().status.code(), Some(2));
}

#[test]
fn each_fault_of_the_real_shop_is_found_first_and_an_order_without_fault_has_no_finding() {
    // Of an order without fault there are several, since a machine that is busy may make any of them slow.
    let faults = FAULTS.iter().map(|(fault, ..)| (*fault).to_owned()).chain((1..=3).map(|at| format!("none{at}")));
    let rows: Vec<String> = faults
        .clone()
        .map(|fault| format!("{{ name: {fault}, fault: {} }}", fault.trim_end_matches(|c: char| c.is_ascii_digit())))
        .collect();
    let spec = format!(
        "tests:
  - name: warm-up
    request: &order
      method: POST
      url: http://127.0.0.1:${{port.shop}}/orders
      json: {{ items: [{{ sku: LAPTOP-1, qty: 1 }}, {{ sku: MOUSE-2, qty: 1 }}], payment: {{ method: card, token: tok_test_123 }} }}
    trace: {{ services: [inventory-service] }}
  - name: \"${{name}}\"
    needs: [warm-up]
    matrix: [{}]
    request: {{ <<: *order, headers: {{ x-fault: \"${{fault}}\" }} }}
    # What forbids something waits for the whole trace.
    trace: {{ services: {{ none: [fraud-service] }} }}
",
        rows.join(", ")
    );
    let folder = tempfile::TempDir::new().unwrap();
    let configuration = format!(
        "processes:
  - name: shop
    ports: [shop]
    cwd: {:?}
    command: [{:?}, run, --quiet, --bin, shop, --, --port, \"${{port.shop}}\"]
    ready: {{ http: \"http://127.0.0.1:${{port.shop}}/healthz\", timeout: 900s }}
",
        env!("CARGO_MANIFEST_DIR"),
        env!("CARGO")
    );
    std::fs::write(folder.path().join("tracespec.yaml"), configuration).unwrap();
    std::fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let mut command = tracespec::command();
    // One after another: orders that run beside each other take each other's time.
    command.current_dir(folder.path()).args([
        "run",
        "spec.yaml",
        "--save-traces",
        "traces",
        "--save-traces-of",
        "all",
        "--jobs",
        "1",
    ]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let trace_of = |name: &str| {
        let all = files(&folder.path().join("traces"));
        // One folder a test, named like it.
        let folder_of = name.replace('_', "-");
        let file = all.iter().find(|path| path.parent().unwrap().ends_with(&folder_of));
        let file = file.unwrap_or_else(|| panic!("no trace of {name} among {all:?}\n{said}"));
        json(&[file.to_str().unwrap()], folder.path())["traces"][0].clone()
    };
    let wrong: Vec<String> = FAULTS.iter().filter_map(|(fault, ..)| complaint(fault, &trace_of(fault))).collect();
    assert!(wrong.is_empty(), "{}\n{said}", wrong.join("\n"));
    let unfaulted: Vec<Value> = (1..=3).map(|at| trace_of(&format!("none{at}"))["findings"].clone()).collect();
    let none = |findings: &&Value| findings.as_array().is_some_and(Vec::is_empty);
    assert!(unfaulted.iter().any(|findings| none(&findings)), "{unfaulted:#?}");
    // A busy machine explains time, nothing else.
    let slow = |one: &Value| one["kind"] == "gap" || one["kind"] == "slow_span";
    let structural = unfaulted.iter().flat_map(|all| all.as_array().unwrap()).find(|one| !slow(one));
    assert!(structural.is_none(), "{unfaulted:#?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

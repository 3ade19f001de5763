//! `tracespec trend` over folders of gate reports, through the binary.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const MS: u64 = 1_000_000;
const DAY_NS: u64 = 86_400 * 1_000_000_000;
/// 2026-11-01.
const FIRST: u64 = 1_793_491_200 * 1_000_000_000;

fn trend(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracespec"));
    command.arg("trend").args(args).current_dir(folder).env_clear().env("COLUMNS", "100").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A report of the gate on a day.
fn report(day: u64, tests: Value) -> String {
    json!({ "schema": "tracespec/gate/1", "verdict": "pass", "headline": "", "started": FIRST + day * DAY_NS, "tests": tests }).to_string()
}

fn timed(path: &str, root: bool, ns: u64) -> Value {
    json!({ "path": path, "root": root, "verdict": "same", "candidate_ns": ns, "n_baseline": 20, "n_candidate": 20 })
}

/// Nothing is quite the same twice.
fn around(middle: u64, day: u64) -> u64 {
    middle * MS + day * 7919 % 13 * MS / 10
}

/// Thirty nights: an order becomes slower in the twentieth because of its payment, a list becomes faster in the tenth.
fn nights(folder: &Path) {
    for day in 0..30 {
        let slow = if day < 19 { 0 } else { 20 };
        let list = if day < 9 { 40 } else { 25 };
        let mut tests = json!([
            { "name": "a list", "durations": [timed("shop GET /items", true, around(list, day))] },
            { "name": "a refusal", "durations": [timed("shop POST /orders", true, around(12, day))] },
            { "name": "an order", "durations": [
                timed("shop POST /orders", true, around(60 + slow, day)),
                timed("shop POST /orders > payment charge-card", false, around(20 + slow, day)),
                timed("shop POST /orders > stock reserve", false, around(15, day)),
            ] },
        ]);
        if day >= 27 {
            tests
                .as_array_mut()
                .unwrap()
                .push(json!({ "name": "of this week", "durations": [timed("shop GET /new", true, around(5, day))] }));
        }
        std::fs::create_dir_all(folder.join("nightly")).unwrap();
        // The order of names is not that of time.
        std::fs::write(folder.join(format!("nightly/{:02}.json", (day * 7) % 30)), report(day, tests)).unwrap();
    }
}

#[test]
fn the_test_that_became_slower_comes_first_with_the_day_the_levels_and_the_path_to_blame() {
    let folder = TempDir::new().unwrap();
    nights(folder.path());
    std::fs::write(folder.path().join("nightly/run.json"), r#"{"schema":"tracespec/run/1"}"#).unwrap();
    std::fs::write(folder.path().join("nightly/out.xml"), "<testsuites/>").unwrap();
    let output = trend(&["nightly"], folder.path());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let expected = "\
30 gate reports, 2026-11-01 00:00:00 UTC to 2026-11-30 00:00:00 UTC: 1 of 4 tests became slower, 1 faster
note: 1 JSON file passed over: no gate report
";
    let said = text(&output.stdout);
    assert!(said.starts_with(expected), "{said}");
    is_as_in_file("text", &said);
}

/// Compares with the file of this name beside the test; `BLESS=1` writes it.
fn is_as_in_file(name: &str, found: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/trend/{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, found).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(expected == found, "{} is another; BLESS=1 writes it anew:\n{found}", file.display());
}

#[test]
fn the_document_has_every_point_and_every_change() {
    let folder = TempDir::new().unwrap();
    nights(folder.path());
    let output = trend(&["nightly", "--format", "json"], folder.path());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], "tracespec/trend/1");
    assert_eq!(document["reports"].as_array().unwrap().len(), 30);
    let trends: Vec<_> =
        document["tests"].as_array().unwrap().iter().map(|test| (&test["name"], &test["trend"])).collect();
    let words = json!([["a list", "faster"], ["a refusal", "steady"], ["an order", "slower"], ["of this week", "few"]]);
    assert_eq!(json!(trends), words);
    let order = &document["tests"][2]["series"];
    assert_eq!((&order[0]["root"], &order[0]["changes"][0]["report"]), (&json!(true), &json!(19)));
    assert_eq!(order[1]["changes"][0]["report"], 19);
    assert_eq!(order[2]["changes"], json!([]));
    assert_eq!(order[0]["points"].as_array().unwrap().len(), 30);
    // The same reports say the same, whichever way they are given.
    let again = trend(&["nightly", "nightly/03.json", "--format", "json"], folder.path());
    assert_eq!(text(&again.stdout), text(&output.stdout));
}

#[test]
fn the_page_has_a_chart_for_each_test_and_nothing_of_a_report_but_text() {
    let folder = TempDir::new().unwrap();
    nights(folder.path());
    let evil = json!([{ "name": "</title><script>alert(1)</script>", "durations": [timed("\"><img src=x onerror=alert(1)>\u{1b}[2J", true, 5 * MS)] }]);
    std::fs::write(folder.path().join("evil.json"), report(40, evil)).unwrap();
    let page = text(&trend(&["nightly", "evil.json", "--format", "html"], folder.path()).stdout);
    assert_eq!(page.matches("<svg").count(), 5);
    assert!(page.contains("default-src 'none'; style-src 'sha256-"), "{page}");
    for part in ["<script", "<img", "\u{1b}", "src=\"", "url("] {
        assert!(!page.contains(part), "{part}");
    }
    let said = text(&trend(&["evil.json"], folder.path()).stdout);
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn what_is_no_report_is_refused_by_its_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let code_and_error = |args: &[&str]| {
        let output = trend(args, path);
        assert!(output.stdout.is_empty());
        (output.status.code(), text(&output.stderr))
    };
    std::fs::create_dir(path.join("empty")).unwrap();
    std::fs::write(path.join("run.json"), r#"{"schema":"tracespec/run/1"}"#).unwrap();
    std::fs::write(path.join("half.json"), &report(1, json!([]))[..60]).unwrap();
    std::fs::write(path.join("next.json"), r#"{"schema":"tracespec/gate/2"}"#).unwrap();
    let nothing = "error: there is no gate report in what was given; `tracespec gate --report json=FILE` writes one\n";
    assert_eq!(code_and_error(&["empty"]), (Some(2), nothing.to_owned()));
    let said = |file: &str, why: &str| (Some(4), format!("error: {file} {why}\n"));
    assert_eq!(
        code_and_error(&["run.json"]),
        said("run.json", "is no gate report; `tracespec gate --report json=FILE` writes one")
    );
    assert_eq!(
        code_and_error(&["half.json"]),
        said("half.json", "is no gate report that can be read: it is not whole JSON")
    );
    assert_eq!(
        code_and_error(&["next.json"]),
        said(
            "next.json",
            "is no gate report that can be read: expected the schema tracespec/gate/1, found tracespec/gate/2"
        )
    );
    let (code, why) = code_and_error(&["missing"]);
    assert!(code == Some(4) && why.starts_with("error: cannot read missing: "), "{why}");
}

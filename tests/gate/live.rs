//! The gate on the running shop: the tests run many times, with each of its faults as the candidate.

use super::process;
use super::tracespec::command;
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// A folder with the shop and a test of it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let shop = process::program();
    let configuration = format!(
        "processes:
  - name: shop
    ports: [shop]
    command: [{shop:?}, --port, \"${{port.shop}}\"]
    ready: {{ http: \"http://127.0.0.1:${{port.shop}}/healthz\" }}
"
    );
    let spec = "vars: { fault: none, sku: LAPTOP-1 }
tests:
  - name: an order
    request:
      method: POST
      url: http://127.0.0.1:${port.shop}/orders
      headers: { x-fault: \"${fault}\" }
      json: { items: [{ sku: \"${sku}\", qty: 1 }, { sku: MOUSE-2, qty: 2 }], payment: { method: card, token: tok_test_123 } }
    response: { status: 201 }
    trace: { services: [api-gateway, order-service] }
";
    std::fs::create_dir(folder.path().join("specs")).unwrap();
    std::fs::write(folder.path().join("tracespec.yaml"), configuration).unwrap();
    std::fs::write(folder.path().join("specs/orders.yaml"), spec).unwrap();
    folder
}

fn said(folder: &Path, words: &[&str]) -> (i32, String) {
    let output = command().env_remove("CI").current_dir(folder).args(words).output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&all).into_owned())
}

/// The clean shop and the shop with a fault in turn: the exit code, the kinds of differences, all that was said.
fn in_turn(folder: &Path, fault: &str, more: &[&str]) -> (i32, Vec<String>, String) {
    let candidate = format!("fault={fault}");
    let report = format!("json={fault}.json");
    let words = ["gate", "--baseline-target", "fault=none", "--candidate", &candidate, "--report", &report];
    let (code, all) = said(folder, &[&words, more].concat());
    let report = std::fs::read_to_string(folder.join(format!("{fault}.json"))).unwrap_or_default();
    let report: Value = serde_json::from_str(&report).unwrap_or_default();
    let structure = report["tests"][0]["structure"].as_array().cloned().unwrap_or_default();
    let kinds = structure.iter().filter(|one| one["verdict"] == "fail");
    (code, kinds.filter_map(|one| one["kind"].as_str().map(str::to_owned)).collect(), all)
}

#[test]
fn a_baseline_of_the_running_shop_judges_later_runs_of_it() {
    let folder = folder();
    let (code, all) = said(folder.path(), &["gate"]);
    assert!(code == 2 && all.contains("`tracespec baseline record` makes one"), "{all}");
    let (code, all) = said(folder.path(), &["baseline", "record", "--runs", "10", "--warmup", "2"]);
    assert!(code == 0 && all.contains("an-order.json  recorded: an order, 10 runs"), "{all}");
    let (code, all) = said(folder.path(), &["gate", "--runs", "10", "--var", "fault=n_plus_one"]);
    assert!(code == 1 && all.contains("grew: ") | all.contains("SELECT shelf_stock occurs"), "{all}");
    // A run that does not pass is no baseline, and no candidate either.
    let file = folder.path().join("specs/baselines/an-order.json");
    let before = std::fs::read_to_string(&file).unwrap();
    let (code, all) = said(folder.path(), &["baseline", "record", "--runs", "7", "--var", "fault=declined"]);
    assert!(code == 1 && all.contains("7 runs did not pass (fail)"), "{all}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    let (code, all) = said(folder.path(), &["gate", "--runs", "10", "--var", "fault=declined"]);
    assert!(code == 1 && all.contains("the test itself did not pass in 10 runs of the candidate"), "{all}");
}

#[test]
fn two_builds_in_turn_are_told_apart_by_what_one_does() {
    let folder = folder();
    let (code, kinds, all) = in_turn(folder.path(), "missing_service", &["--runs", "10"]);
    assert!(code == 1 && kinds.contains(&"lost_service".to_owned()), "{all}");
    assert!(all.contains("1 test, 10 runs each of either build, in random order, after 3 to warm up"), "{all}");
    assert!(all.contains("baseline   10 runs at fault=none\ncandidate  10 runs at fault=missing_service\n"), "{all}");
    let (code, _, all) = in_turn(folder.path(), "none", &["--candidate", "ftp://x"]);
    assert!(code == 2 && all.contains("expected a URL such as http://canary:8080, or NAME=VALUE"), "{all}");
    // What would change nothing is a mistake: both builds would be the same.
    let (code, _, all) = in_turn(folder.path(), "none", &["--candidate", "fualt=declined"]);
    assert!(code == 2 && all.contains("no spec uses `fualt`"), "{all}");
    // Nobody listens there.
    let (code, _, all) = in_turn(folder.path(), "none", &["--candidate", "http://127.0.0.1:1", "--runs", "7"]);
    assert!(code == 3 || code == 2, "{all}");
}

#[test]
fn where_runs_do_not_tell_more_are_made_and_looked_at() {
    let folder = folder();
    let (code, _, all) = in_turn(folder.path(), "none", &["--runs", "7", "--warmup", "0", "--looks", "2"]);
    assert!(all.contains("look 1 of 2: the runs do not tell yet (an order: too few runs: 7 of the baseline"), "{all}");
    assert!(all.contains("baseline   14 runs at fault=none\ncandidate  14 runs at fault=none\n"), "{all}");
    assert!(all.contains("(14 runs, 14 of the candidate)") && code != 1 && code != 2, "{all}");
    let report = std::fs::read_to_string(folder.path().join("none.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["limits"]["alpha"], 0.005, "each look has half of the error");
    // What is decided is not looked at again.
    let (code, _, all) = in_turn(folder.path(), "missing_service", &["--runs", "10", "--warmup", "0", "--looks", "3"]);
    assert!(code == 1 && !all.contains("look 1") && all.contains("candidate  10 runs at"), "{all}");
}

/// Each fault by name, and clean code twenty times, however busy the machine is.
#[test]
#[ignore = "takes minutes: run by .ci/gate"]
fn each_fault_fails_by_name_and_clean_code_passes_twenty_times() {
    let folder = folder();
    let mut wrong = Vec::new();
    for (fault, kind, words, runs) in [
        ("n_plus_one", "grew", "SELECT shelf_stock occurs", "20"),
        ("sequential", "serialised", "one after the other", "20"),
        ("swallowed_error", "became_error", "shop.Payment/Score is new", "20"),
        ("reserve_before_charge", "order_changed", "order reversed", "20"),
        ("missing_service", "lost_service", "is missing", "20"),
        ("slow_payment", "", ": payment-service charge-card ", "10"),
    ] {
        let (code, kinds, all) = in_turn(folder.path(), fault, &["--runs", runs]);
        println!("{all}");
        let named = kind.is_empty() || kinds.iter().any(|one| one == kind);
        if code != 1 || !named || !all.contains(words) {
            wrong.push(all);
        }
    }
    for round in 0..20 {
        let (code, _, all) = in_turn(folder.path(), "none", &[]);
        println!("{round}: {code}");
        if code != 0 {
            wrong.push(all);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

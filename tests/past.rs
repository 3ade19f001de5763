//! What is different between traces: `tracespec diff`, and what a failure says of the last time that its test passed. The traces are orders
//! of the demo shop, one of each fault, saved once. `BLESS=1 cargo test --test past` writes pictures and docs/faults.md anew; look at them
//! before you commit them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code, unreachable_pub, missing_docs)]

extern crate tracespec as tracespec_lib;

#[path = "past/kept.rs"]
mod kept;
#[path = "past/nezha.rs"]
mod nezha;
#[path = "support/tracespec.rs"]
mod tracespec;

use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Each fault with what the differences that come first are.
const FAULTS: [(&str, &[&str]); 9] = [
    ("n_plus_one", &["grew"]),
    ("slow_payment", &[]),
    ("declined", &["became_error"]),
    ("swallowed_error", &["became_error"]),
    ("sequential", &["serialised"]),
    ("reserve_before_charge", &["order_changed"]),
    ("missing_service", &["lost_service"]),
    ("lost_context", &["lost_service"]),
    ("extra_retry", &["count_out_of_range"]),
];

fn order(name: &str) -> String {
    format!("{}/tests/fixtures/orders/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// Exit code, standard output, standard error.
fn tracespec_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = tracespec::command();
    command.current_dir(folder).args(arguments).env_remove("COLUMNS").env_remove("CI");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn diff(arguments: &[&str]) -> (i32, String, String) {
    tracespec_in(Path::new(env!("CARGO_MANIFEST_DIR")), &[&["diff"], arguments].concat())
}

fn keeps(path: &str, got: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/past").join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    (expected != got).then(|| format!("{}:\n{got}", path.display()))
}

#[test]
fn each_fault_against_an_order_without_one_looks_as_it_should_at_every_width() {
    let mut wrong = Vec::new();
    for width in ["60", "100", "160"] {
        let mut pictures = String::new();
        for (fault, _) in FAULTS {
            let files = ["none", fault].map(|name| format!("tests/fixtures/orders/{name}.json"));
            let (code, stdout, stderr) = diff(&[&files[0], &files[1], "--width", width]);
            assert_eq!((code, stderr.as_str()), (i32::from(fault != "slow_payment"), ""), "{fault}: {stdout}");
            let columns: usize = width.parse().unwrap();
            let long = stdout.lines().filter(|line| unicode_width::UnicodeWidthStr::width(*line) > columns);
            wrong.extend(long.filter(|line| !line.contains(".json")).map(|line| format!("wider than {width}: {line}")));
            let _ = writeln!(pictures, "== {fault}\n{stdout}");
        }
        wrong.extend(keeps(&format!("{width}.txt"), &pictures));
    }
    let (_, coloured, _) = diff(&[&order("none"), &order("missing_service"), "--width", "100", "--color", "always"]);
    let (_, plain, _) = diff(&[&order("none"), &order("missing_service"), "--width", "100"]);
    let mut stripped = String::new();
    for (at, part) in coloured.split('\u{1b}').enumerate() {
        stripped += if at == 0 { part } else { part.split_once('m').unwrap().1 };
    }
    assert_eq!(stripped, plain, "colour says nothing by itself");
    assert!(coloured.contains('\u{1b}'));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_json_names_each_fault() {
    for (fault, kinds) in FAULTS {
        let (_, stdout, _) = diff(&[&order("none"), &order(fault), "--json"]);
        assert!(stdout.starts_with("{\n  \"schema\": \"tracespec/diff/1\","), "{stdout}");
        let document: Value = serde_json::from_str(&stdout).unwrap();
        let found: Vec<&str> =
            document["differences"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(document["different"], !found.is_empty(), "{fault}");
        assert!(found.starts_with(kinds), "{fault}: {found:?}");
        assert!(kinds.is_empty() == found.is_empty(), "{fault}: {found:?}");
    }
    let (_, stdout, _) = diff(&[&order("none"), &order("slow_payment"), "--json"]);
    let document: Value = serde_json::from_str(&stdout).unwrap();
    let most = &document["timing"]["moved"][0];
    assert!(most["path"].as_str().unwrap().ends_with("payment-service charge-card"), "{most}");
    assert!(most["shift_ns"].as_i64().unwrap() > 2_900_000_000, "{most}");
    // The critical path is a partition, so all shifts together are the root's.
    let all = document["timing"]["moved"].as_array().unwrap().iter().map(|one| one["shift_ns"].as_i64().unwrap());
    assert_eq!(all.sum::<i64>(), document["timing"]["shift_ns"].as_i64().unwrap());
}

#[test]
fn the_exit_code_says_what_came_of_it() {
    assert_eq!(diff(&[&order("none"), &order("none")]).0, 0);
    assert_eq!(diff(&[&order("none"), &order("declined")]).0, 1);
    for (arguments, says) in [
        (vec!["-", "-"], "standard input can be one of the two only"),
        (vec!["a.json"], "required arguments were not provided"),
    ] {
        let (code, stdout, stderr) = diff(&arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains(says), "{stderr}");
    }
    let (code, _, stderr) = diff(&[&order("none"), "/nowhere/trace.json"]);
    assert_eq!(code, 4);
    assert!(stderr.contains("there is no file /nowhere/trace.json"), "{stderr}");
}

#[test]
fn sets_of_traces_are_compared_as_sets_and_what_is_not_whole_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for (side, names) in [("a", ["none", "n_plus_one"]), ("b", ["n_plus_one", "declined"])] {
        std::fs::create_dir(folder.path().join(side)).unwrap();
        for name in names {
            std::fs::copy(order(name), folder.path().join(side).join(format!("{name}.json"))).unwrap();
        }
    }
    let (code, stdout, _) = tracespec_in(folder.path(), &["diff", "a", "b", "--width", "200"]);
    // What both of A have is no difference, however often.
    assert_eq!(code, 1);
    assert!(stdout.contains("between a (2 traces) and b (2 traces)"), "{stdout}");
    assert!(stdout.contains("(in 1 of 2 traces)") && !stdout.contains("SELECT shelf_stock occurs"), "{stdout}");
    // One of which the parents are missing.
    let mut document: Value = serde_json::from_slice(&std::fs::read(order("none")).unwrap()).unwrap();
    let spans = document.pointer_mut("/resourceSpans/0/scopeSpans/0/spans").unwrap().as_array_mut().unwrap();
    spans.iter_mut().for_each(|span| span["parentSpanId"] = "1234567890abcdef".into());
    std::fs::write(folder.path().join("half.json"), document.to_string()).unwrap();
    let (code, stdout, _) = tracespec_in(folder.path(), &["diff", "a", "half.json"]);
    assert_eq!(code, 3, "{stdout}");
    assert!(stdout.contains("nothing can be said"), "{stdout}");
}

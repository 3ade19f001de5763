//! What a run keeps of tests that pass, and what a later failure says of it.

use super::{FAULTS, keeps, order, tracespec_in};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use tempfile::TempDir;

/// The spec of docs/faults.md, over a trace that the test puts there.
fn project() -> TempDir {
    let document = std::fs::read_to_string(format!("{}/docs/faults.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (_, rest) = document.split_once("```yaml\n").unwrap();
    let block: String = rest.split_once("```").unwrap().0.lines().map(|line| format!("    {line}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".git/refs/heads")).unwrap();
    std::fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(folder.path().join(".git/refs/heads/main"), "3f9c2e10123456789abcdef0123456789abcdef0\n").unwrap();
    std::fs::write(folder.path().join("tracespec.yaml"), "{}\n").unwrap();
    let spec = format!("tests:\n  - name: an order\n    trace_file: order.json\n{block}");
    std::fs::write(folder.path().join("orders.yaml"), spec).unwrap();
    folder
}

fn run(folder: &Path, fault: &str, arguments: &[&str]) -> (i32, String, String) {
    std::fs::copy(order(fault), folder.join("order.json")).unwrap();
    let mut all = vec!["run", "orders.yaml", "--report", "json=report.json,markdown=report.md,junit=report.xml"];
    all.extend(arguments);
    tracespec_in(folder, &all)
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap()
}

/// The sentence of a failure, without the time that has passed.
fn since(said: &str) -> Option<String> {
    let mut lines = said.lines().skip_while(|line| !line.starts_with("  since it last passed ("));
    let first = lines.next()?.trim();
    let (_, rest) = first.split_once(" ago")?;
    Some(format!("since it last passed (moments ago{rest}"))
}

#[test]
fn after_a_pass_the_failure_of_each_fault_says_what_is_different() {
    let folder = project();
    let folder = folder.path();
    let (code, stdout, stderr) = run(folder, "none", &[]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let mut section = String::new();
    for (fault, kinds) in FAULTS {
        let (code, stdout, _) = run(folder, fault, &[]);
        assert_eq!(code, 1, "{fault}: {stdout}");
        let said = since(&stdout).unwrap_or_else(|| panic!("{fault}: {stdout}"));
        assert!(said.contains(", 3f9c2e1): "), "{said}");
        let report = report(folder);
        let record = &report["tests"][0]["since_last_pass"];
        let found: Vec<&str> =
            record["differences"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert!(found.starts_with(kinds), "{fault}: {found:?}");
        assert_eq!(record["commit"], "3f9c2e10123456789abcdef0123456789abcdef0");
        for file in ["report.md", "report.xml"] {
            assert!(std::fs::read_to_string(folder.join(file)).unwrap().contains("since it last passed ("), "{file}");
        }
        let _ = writeln!(section, "- `{fault}`: {said}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once("<!-- since -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /since -->").unwrap();
    let wanted = format!("{before}<!-- since -->\n{section}<!-- /since -->{after}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == wanted,
        "docs/faults.md is old: BLESS=1 cargo test --test past\n{section}"
    );
    assert_eq!(keeps("since.txt", &section), None);
}

#[test]
fn a_test_that_passes_or_never_passed_says_nothing() {
    let folder = project();
    let folder = folder.path();
    let (code, stdout, _) = run(folder, "declined", &[]);
    assert_eq!((code, since(&stdout)), (1, None), "{stdout}");
    assert!(report(folder)["tests"][0]["since_last_pass"].is_null());
    run(folder, "none", &[]);
    let (code, stdout, _) = run(folder, "none", &[]);
    assert_eq!((code, since(&stdout)), (0, None), "{stdout}");
    // A failure is no example: the last pass stays.
    run(folder, "declined", &[]);
    let (_, stdout, _) = run(folder, "declined", &[]);
    assert!(since(&stdout).unwrap().contains("fails, as it did not before"), "{stdout}");
}

#[test]
fn a_run_without_history_keeps_nothing_and_compares_with_nothing() {
    let folder = project();
    let folder = folder.path();
    run(folder, "none", &["--no-history"]);
    assert!(!folder.join(".tracespec").exists());
    run(folder, "none", &[]);
    let (_, stdout, _) = run(folder, "declined", &["--no-history"]);
    assert_eq!(since(&stdout), None, "{stdout}");
}

#[test]
fn the_history_may_lie_elsewhere_and_serves_in_another_checkout() {
    let (one, other, cache) = (project(), project(), tempfile::tempdir().unwrap());
    let cache = cache.path().join("cache");
    let history = ["--history", cache.to_str().unwrap()];
    run(one.path(), "none", &history);
    assert!(!one.path().join(".tracespec").exists());
    assert_eq!(std::fs::read_to_string(cache.join(".gitignore")).unwrap().lines().last(), Some("*"));
    let (_, stdout, _) = run(other.path(), "declined", &history);
    assert!(since(&stdout).is_some(), "{stdout}");
    // `show last` finds it there, too.
    let (code, _, stderr) = tracespec_in(other.path(), &["show", "last", "--history", cache.to_str().unwrap()]);
    assert_eq!(code, 0, "{stderr}");
}

fn passed(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder.join(".tracespec/passed")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn kept_of_one(folder: &Path) -> std::path::PathBuf {
    let [file] = passed(folder).try_into().unwrap();
    assert_eq!(file.extension().unwrap(), "pass");
    file
}

/// The first line of what is kept of a test; its traces stand behind it.
fn document_of(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap();
    String::from_utf8(bytes.split(|byte| *byte == b'\n').next().unwrap().to_vec()).unwrap()
}

#[test]
fn files_of_earlier_versions_go() {
    let folder = project();
    let folder = folder.path();
    run(folder, "none", &[]);
    let print = "0".repeat(32);
    for name in [format!("{print}.json"), format!("{print}-0.json.gz")] {
        std::fs::write(folder.join(".tracespec/passed").join(name), "{}").unwrap();
    }
    run(folder, "none", &[]);
    kept_of_one(folder);
}

#[test]
fn what_cannot_be_read_is_a_warning_and_is_replaced_by_the_next_pass() {
    let folder = project();
    let folder = folder.path();
    run(folder, "none", &[]);
    let file = kept_of_one(folder);
    let whole = document_of(&file);
    for broken in [
        "",
        "{",
        "[]",
        "{}",
        "{\"schema\":\"tracespec/passed/2\"}",
        &whole[..whole.len() / 2],
        &whole.replace("\"depth\":1", "\"depth\":9"),
    ] {
        std::fs::write(&file, broken).unwrap();
        let (code, stdout, stderr) = run(folder, "declined", &[]);
        assert_eq!((code, since(&stdout)), (1, None), "{stdout}");
        assert!(stderr.contains("the next pass replaces it"), "{broken}: {stderr}");
    }
    // What another version wrote is no mistake.
    std::fs::write(&file, "{\"schema\":\"tracespec/passed/99\"}").unwrap();
    let (_, stdout, stderr) = run(folder, "declined", &[]);
    assert!(since(&stdout).is_none() && !stderr.contains("replaces"), "{stderr}");
    run(folder, "none", &[]);
    let (_, stdout, _) = run(folder, "declined", &[]);
    assert!(since(&stdout).is_some(), "{stdout}");
}

#[test]
fn one_trace_is_kept_of_each_test_however_often_it_passes() {
    let folder = project();
    let folder = folder.path();
    for _ in 0..3 {
        run(folder, "none", &[]);
    }
    let document: Value = serde_json::from_str(&document_of(&kept_of_one(folder))).unwrap();
    // What held in all of them is learnt.
    assert_eq!(document["steps"][0]["profile"]["runs"], 3);
}

#[test]
fn runs_at_the_same_time_leave_whole_files() {
    let folder = project();
    let folder = folder.path();
    std::fs::copy(order("none"), folder.join("order.json")).unwrap();
    let one = || tracespec_in(folder, &["run", "orders.yaml"]);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        for run in all {
            let (code, stdout, stderr) = run.join().unwrap();
            assert_eq!(code, 0, "{stdout}{stderr}");
        }
    });
    assert!(passed(folder).iter().all(|path| path.extension().unwrap() != "part"), "{:?}", passed(folder));
    let (_, stdout, stderr) = run(folder, "declined", &[]);
    assert!(since(&stdout).is_some(), "{stdout}{stderr}");
}

//! The HTML report in a browser: reports of runs through the binary, looked at by `tests/browser/check.mjs` in Chromium.
//! `.ci/browser` installs what that needs and runs it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "support/json_schema.rs"]
mod json_schema;
#[path = "run/project.rs"]
mod project;
#[path = "run/spans.rs"]
mod spans;
#[path = "run/target.rs"]
mod target;
#[path = "support/tracespec.rs"]
mod tracespec_process;

#[path = "browser/hostile.rs"]
mod hostile;
#[path = "browser/states.rs"]
mod states;

use project::Project;
use serde_json::{Value, json};
use spans::two_services;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use target::{Target, reply, with_receiver};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where reports and pictures are left, for people and for CI.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../browser");
    std::fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

/// Runs a project and leaves its report at `name.html`.
fn report(project: &Project, name: &str, args: &[&str]) {
    let path = folder().join(format!("{name}.html"));
    let asked = format!("html={}", path.display());
    let ran = project.tracespec(&[&["run", "--report", &asked], args].concat());
    assert!(path.exists(), "{}", ran.said);
}

/// Saved traces of the shop, and a system that is asked: one that recovers, one that breaks at its second step.
fn shop() -> (Target, Project) {
    let asked = AtomicUsize::new(0);
    let (target, configuration) = with_receiver(move |call| match call.path.as_str() {
        "/flaky" if asked.fetch_add(1, Ordering::SeqCst) == 0 => {
            reply(r#"{"state":"pending"}"#).status(503).spans(two_services())
        }
        "/pay" => reply(r#"{"state":"refused","reasons":["limit","country"]}"#).status(402).spans(two_services()),
        _ => reply(r#"{"state":"done"}"#).spans(two_services()),
    });
    let spec = std::fs::read_to_string(root().join("tests/browser/shop.yaml")).unwrap();
    let project = Project::new(&configuration, &spec);
    for entry in std::fs::read_dir(root().join("tests/fixtures/orders")).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        project.write(&format!("traces/{}", entry.file_name().to_string_lossy()), &text);
    }
    (target, project)
}

/// A thousand tests over the shop's traces; every seventh fails.
fn many() -> Project {
    let (_, project) = shop();
    let traces = ["none", "n_plus_one", "sequential", "extra_retry", "swallowed_error"];
    let tests: String = (0..1000)
        .map(|at| {
            let count = if at % 7 == 0 { "span_count: 99" } else { "span_count: 1.." };
            let trace = traces[at % traces.len()];
            format!(
                "  - name: test number {at} of many\n    tags: [group{}]\n    trace_file: ../traces/{trace}.json\n    \
                 trace: {{ {count}, services: [order-service] }}\n",
                at % 10
            )
        })
        .collect();
    project.write("specs/spec.yaml", &format!("tests:\n{tests}"));
    project
}

/// One trace of ten thousand spans, as an exporter would write it.
fn large() -> Project {
    let span = |at: u64| {
        let parent = if at == 0 { String::new() } else { format!("{:016x}", (at - 1) / 4 + 1) };
        let start = 1_700_000_000_000_000_000 + at * 40_000;
        json!({
            "traceId": format!("{:032x}", 7), "spanId": format!("{:016x}", at + 1), "parentSpanId": parent,
            "name": format!("operation {}", at % 97), "kind": 1 + at % 3,
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 900_000_000 / (at + 1)).to_string(),
            "attributes": [
                { "key": "shop.item", "value": { "stringValue": format!("item-{at}") } },
                { "key": "shop.number", "value": { "intValue": at.to_string() } },
            ],
            "status": { "code": if at % 1999 == 1998 { 2 } else { 0 } },
        })
    };
    let of = |service: u64| {
        let spans: Vec<Value> = (0..10_000).filter(|at| at % 8 == service).map(span).collect();
        let name = json!([{ "key": "service.name", "value": { "stringValue": format!("service-{service}") } }]);
        json!({ "resource": { "attributes": name }, "scopeSpans": [{ "spans": spans }] })
    };
    let document = json!({ "resourceSpans": (0..8).map(of).collect::<Vec<_>>() });
    let spec = "tests:\n  - name: ten thousand spans\n    trace_file: ../large.json\n    trace: { span_count: 10000, errors: none }\n";
    let project = Project::new("", spec);
    project.write("large.json", &document.to_string());
    project
}

#[test]
#[ignore = "drives a browser, which TRACESPEC_CHROMIUM names; .ci/browser installs it and runs this"]
fn the_html_report_works_in_a_browser() {
    let chromium = std::env::var("TRACESPEC_CHROMIUM").expect("TRACESPEC_CHROMIUM names the browser");
    let (_target, project) = shop();
    report(&project, "shop", &["--retries", "1"]);
    report(&hostile::project(), "hostile", &[]);
    report(&many(), "many", &[]);
    report(&large(), "large", &[]);
    let (_target, project) = states::exchanges();
    report(&project, "exchanges", &["--retries", "0"]);
    let (_target, project) = states::unreachable();
    report(&project, "unreachable", &[]);
    report(&states::unstarted(), "unstarted", &[]);
    let (_target, project) = states::regressed();
    project.tracespec(&["run"]).exits(0);
    report(&project, "regressed", &[]);
    states::interrupted(&folder().join("interrupted.html"));
    let scripts = root().join("tests/browser");
    assert!(scripts.join("node_modules").exists(), "`npm ci` in {} first, as .ci/browser does", scripts.display());
    let mut check = Command::new("node");
    check.arg(scripts.join("check.mjs")).arg(folder()).env("TRACESPEC_CHROMIUM", chromium).stdin(Stdio::null());
    assert!(check.status().unwrap().success(), "the browser found the report wanting; what it says is above");
}

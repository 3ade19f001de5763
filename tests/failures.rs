//! How failures read: the first line of each of the shop's faults names its cause, and lines fit every terminal.
//! `BLESS=1 cargo test --test failures` writes docs/faults.md and tests/failures anew; read them before you commit them.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

extern crate tracespec as tracespec_lib;

#[path = "support/tracespec.rs"]
mod tracespec;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use tracespec_lib::assert::{Context, Judgement, judge};
use tracespec_lib::backend::file;
use tracespec_lib::report::failure::{Look, headline, render};
use tracespec_lib::run::record::{
    BodyRecord, ExpectationRecord, Protocol, RequestRecord, StepRecord, TestRecord, Verdict,
};
use tracespec_lib::spec::bind::Bind as _;
use tracespec_lib::spec::vars::{RunVars, Scope};
use tracespec_lib::spec::{self, LoadOptions};
use tracespec_lib::trace::Phase;

/// A fault, and what the first line of its failure names: service, span, number, as far as it has them.
const EXPLAINED: [(&str, &str, &[&str]); 9] = [
    ("n_plus_one", "one query for each shelf", &["SELECT", "of inventory-service", "found 12"]),
    ("slow_payment", "the charge takes three seconds", &["`charge-card` of payment-service", "3.2", "< 1.5s"]),
    ("declined", "the card is declined", &["`charge-card` of payment-service", "card declined", "found 4"]),
    ("swallowed_error", "a call fails and nobody says so", &["`shop.Payment/Score` of payment-service", "found 2"]),
    ("sequential", "two reservations one after the other", &["2 calls order-service -> inventory-service", "ms"]),
    (
        "reserve_before_charge",
        "stock is reserved before the card is charged",
        &["`charge-card` of payment-service", "ms after the start of", "inventory-service"],
    ),
    ("missing_service", "stock is not reserved at all", &["order-service -> inventory-service", "found none"]),
    (
        "lost_context",
        "the trace context is not passed on",
        &["`POST /stock/{sku}/reservations` of order-service", "`inventory-service`"],
    ),
    ("extra_retry", "the card is charged twice", &["order-service -> payment-service", "found 2"]),
];

/// The spec of the documentation, judging an order recorded with each fault.
fn recorded(document: &str) -> String {
    let (_, rest) = document.split_once("```yaml\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let block: String = block.lines().map(|line| format!("    {line}\n")).collect();
    let here = env!("CARGO_MANIFEST_DIR");
    let test = |(fault, ..): &(&str, &str, &[&str])| {
        format!("  - name: {fault}\n    trace_file: {here}/tests/fixtures/orders/{fault}.json\n{block}")
    };
    format!("tests:\n{}", EXPLAINED.iter().map(test).collect::<String>())
}

/// What a run prints of the recorded orders, by fault, without its first line and without what differs from run to run.
fn explanations(document: &str) -> Vec<(&'static str, String)> {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("orders.yaml"), recorded(document)).unwrap();
    let output = tracespec::command().current_dir(folder.path()).args(["run", "orders.yaml"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let of = |(fault, ..): &(&'static str, &str, &[&str])| {
        let head = format!("FAIL   {fault} ");
        let mut lines = said.lines().skip_while(|line| !line.starts_with(&head));
        assert!(lines.next().is_some(), "{fault} did not fail:\n{said}");
        let is_its = |line: &&str| !line.is_empty() && !line.starts_with("  trace ") && !line.starts_with("  note: ");
        (*fault, lines.take_while(is_its).map(|line| format!("{line}\n")).collect())
    };
    EXPLAINED.iter().map(of).collect()
}

#[test]
fn the_first_line_of_each_fault_is_explained_by_its_cause() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let mut sections = String::new();
    let mut wrong = Vec::new();
    for ((fault, text), (_, what, words)) in explanations(&document).into_iter().zip(EXPLAINED) {
        let first = text.lines().next().unwrap_or_default();
        if !words.iter().all(|word| first.contains(word)) {
            wrong.push(format!("{fault}: {first}"));
        }
        let _ = write!(sections, "\n## `{fault}`: {what}\n\n```text\n{text}```\n");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (before, rest) = document.split_once("<!-- faults -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /faults -->").unwrap();
    let wanted = format!("{before}<!-- faults -->\n{sections}\n<!-- /faults -->{after}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == wanted,
        "docs/faults.md is old: BLESS=1 cargo test --test failures"
    );
}

/// The failure of a test with the expectations of the documentation, of an order recorded with a fault.
fn failure(document: &str, fault: &str) -> TestRecord {
    let text = recorded(document);
    let (plan, diagnostics) =
        spec::load(vec![("specs/orders.yaml".into(), text.into_bytes())], &LoadOptions::default());
    assert!(!tracespec_lib::diag::has_errors(&diagnostics), "{diagnostics:#?}");
    let test = plan.files[0].tests.iter().find(|test| test.name.value == fault).unwrap();
    let expect = test.steps[0].trace.as_ref().unwrap().bind(&Scope::bare(Arc::new(RunVars::default()))).unwrap();
    let path = format!("{}/tests/fixtures/orders/{fault}.json", env!("CARGO_MANIFEST_DIR"));
    let saved = file::load(Path::new(&path)).unwrap();
    let id = saved.ids()[0];
    let trace = Arc::new(saved.trace(id, &[], &saved.injected(id)).unwrap());
    let judgements = judge(&*trace, &expect, Phase::Confirmed, &Context::default());
    let mut step = StepRecord::new("");
    let record = |judgement: Judgement| ExpectationRecord {
        path: expect.list[judgement.expectation].path.clone(),
        at: expect.list[judgement.expectation].at,
        family: judgement.family,
        verdict: Verdict::Fail,
        findings: judgement.findings,
    };
    step.expectations = judgements.into_iter().map(record).collect();
    (step.verdict, step.trace_id, step.trace) = (Verdict::Fail, Some(id), Some(trace));
    step.link = Some(format!("http://localhost:16686/trace/{id}"));
    step.request = Some(RequestRecord {
        protocol: Protocol::Http,
        method: "POST".to_owned(),
        url: "http://localhost:8080/orders".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some(BodyRecord::of(br#"{"items": [{"sku": "LAPTOP-1", "qty": 1}]}"#)),
    });
    let line = test.source.line_column(test.name.span.start).line;
    TestRecord { verdict: Verdict::Fail, steps: vec![step], ..TestRecord::new(fault, &test.source, line) }
}

/// What a person reads, in narrow and wide terminals, with and without colour.
#[test]
fn failures_look_as_they_should_at_every_width() {
    let document = std::fs::read_to_string("docs/faults.md").unwrap();
    let mut wrong = Vec::new();
    for (width, colour) in [(60, false), (100, false), (160, false), (100, true)] {
        let look = Look { width: Some(width), colour, commands: true, kept: true };
        let mut text = String::new();
        for fault in ["n_plus_one", "declined", "reserve_before_charge"] {
            let test = failure(&document, fault);
            let line = test.line;
            let place = format!("specs/orders.yaml:{line}");
            text += &headline("FAIL ", &test.name, &place, "2.87s", look.width);
            text += &render(&test, look);
        }
        let expected = format!("tests/failures/{width}{}.txt", if colour { ".colour" } else { "" });
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all("tests/failures").unwrap();
            std::fs::write(&expected, &text).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{expected} differs:\n{text}"));
        }
        let copied = |line: &&str| !["request: ", "rerun: ", "see: "].iter().any(|word| line.contains(word));
        let long = text.lines().filter(copied).filter(|line| !colour && line.chars().count() > width);
        wrong.extend(long.map(|line| format!("wider than {width}: {line}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

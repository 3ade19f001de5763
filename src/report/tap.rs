//! TAP 14: a test point for each test, with YAML diagnostics; steps are a subtest.

use super::json::printable;
use super::plain;
use super::text::clean;
use crate::run::record::{AttemptRecord, RunRecord, TestRecord, Verdict};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The document of a run.
pub(super) fn document(run: &RunRecord) -> String {
    let errors = plain::errors(run);
    let mut out = "TAP version 14\n".to_owned();
    let all = run.tests.len() + usize::from(!errors.is_empty());
    let _ = if all == 0 { writeln!(out, "1..0 # SKIP no test ran") } else { writeln!(out, "1..{all}") };
    for (position, test) in run.tests.iter().enumerate() {
        if test.steps.len() > 1 || test.steps.iter().any(|step| !step.name.is_empty()) {
            let _ = writeln!(out, "# Subtest: {}", escaped(&test.name));
            for (position, step) in test.steps.iter().enumerate() {
                let ok = if is_ok(step.verdict) { "ok" } else { "not ok" };
                let _ = writeln!(out, "    {ok} {} - {}", position + 1, escaped(&step.name));
            }
            let _ = writeln!(out, "    1..{}", test.steps.len());
        }
        point(&mut out, position + 1, test);
    }
    if !errors.is_empty() {
        let _ = writeln!(out, "not ok {all} - the run as a whole");
        diagnostics(&mut out, &[("message", errors.join("\n").into()), ("severity", "error".into())], &[]);
    }
    if run.interrupted {
        out += "Bail out! the run was interrupted\n";
    }
    out
}

fn is_ok(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Flaky | Verdict::Skipped)
}

fn point(out: &mut String, number: usize, test: &TestRecord) {
    let ok = if is_ok(test.verdict) { "ok" } else { "not ok" };
    let _ = write!(out, "{ok} {number} - {}", escaped(&test.name));
    if test.verdict == Verdict::Skipped {
        let _ = write!(out, " # SKIP {}", escaped(test.reason.as_deref().unwrap_or_default()));
    }
    out.push('\n');
    if test.verdict == Verdict::Skipped {
        return;
    }
    // To the microsecond: what lies below is no more than noise to read.
    let millis = test.duration.as_micros() as f64 / 1000.0;
    let mut of: Vec<(&str, Value)> = vec![("duration_ms", json!(millis))];
    let file = clean(&test.source.path().display().to_string(), false);
    of.push(("at", json!({ "file": file, "line": test.line })));
    if test.attempts > 1 {
        of.push(("attempts", test.attempts.into()));
    }
    if test.verdict != Verdict::Pass {
        of.push(("verdict", test.verdict.word().into()));
    }
    if !is_ok(test.verdict) {
        of.push(("message", plain::headline_of(test).into()));
        of.push(("severity", if test.verdict == Verdict::Fail { "fail" } else { "error" }.into()));
    }
    if !test.earlier.is_empty() {
        let attempt = |attempt: &AttemptRecord| {
            let says = plain::headline(attempt.verdict, &attempt.steps, None);
            json!({ "verdict": attempt.verdict.word(), "message": says })
        };
        of.push(("earlier", test.earlier.iter().map(attempt).collect()));
    }
    let traces: Vec<String> = test.steps.iter().filter_map(|step| Some(step.trace_id?.to_string())).collect();
    of.push(("traces", json!(traces)));
    let links: Vec<&String> = test.steps.iter().filter_map(|step| step.link.as_ref()).collect();
    if !links.is_empty() {
        of.push(("links", json!(links)));
    }
    let blocks = if is_ok(test.verdict) {
        Vec::new()
    } else {
        vec![("details", plain::details(test, &test.steps)), ("printed", plain::printed(&test.steps))]
    };
    diagnostics(out, &of, &blocks);
}

/// A YAML block: JSON is YAML, so each value is written as JSON.
/// Lines are a block scalar.
fn diagnostics(out: &mut String, of: &[(&str, Value)], blocks: &[(&str, String)]) {
    out.push_str("  ---\n");
    for (key, value) in of {
        let _ = writeln!(out, "  {key}: {}", printable(value.to_string()));
    }
    for (key, text) in blocks.iter().filter(|(_, text)| !text.is_empty()) {
        let _ = writeln!(out, "  {key}: |2");
        text.lines().for_each(|line| out.extend(["    ", line, "\n"]));
    }
    out.push_str("  ...\n");
}

/// A description: one line, in which `#` begins no directive.
fn escaped(text: &str) -> String {
    clean(text, false).replace('\\', "\\\\").replace('#', "\\#").trim().to_owned()
}

//! The run as one JSON document, `tracespec/run/1` (cli.md).

use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use serde_json::{Value, json};

/// A document as text, `"schema"` first, as every document that this tool writes begins.
pub fn document(schema: &str, body: &Value) -> String {
    let text = format!("{body:#}");
    let rest = text.strip_prefix('{').unwrap_or(&text);
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{{\n  \"schema\": {}{comma}{rest}\n", Value::from(schema))
}

/// The schema of [`run`]'s document.
pub const RUN: &str = "tracespec/run/1";

/// The document, to be written with [`document`]. Tests in the order of files and lines, findings in the order of the spec's expectations.
pub fn run(record: &RunRecord) -> Value {
    json!({
        "verdict": record.verdict().unwrap_or(Verdict::Skipped).word(),
        "started": record.started_ns,
        "duration_ns": nanos(record.duration),
        "seed": record.seed,
        "errors": record.errors,
        "remarks": record.remarks,
        "tests": record.tests.iter().map(test).collect::<Vec<_>>(),
    })
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn test(record: &TestRecord) -> Value {
    let last = record.steps.last();
    json!({
        "name": record.name,
        "file": record.source.path().display().to_string(),
        "line": record.line,
        "verdict": record.verdict.word(),
        "reason": record.reason,
        "attempts": record.attempts,
        "duration_ns": nanos(record.duration),
        "trace_id": last.and_then(|step| step.trace_id).map(|id| id.to_string()),
        "timing": last.map(timing),
        "findings": record.steps.iter().flat_map(|step| findings(record, step)).collect::<Vec<_>>(),
        "error": record.steps.iter().find_map(|step| step.error.clone()),
        "steps": record.steps.iter().map(|step| json!({
            "name": step.name,
            "verdict": step.verdict.word(),
            "trace_id": step.trace_id.map(|id| id.to_string()),
            "timing": timing(step),
            "late": step.late,
            "rejudged": step.rejudged,
            "error": step.error,
            "remarks": step.notes(),
        })).collect::<Vec<_>>(),
    })
}

fn timing(step: &StepRecord) -> Value {
    json!({
        "trigger_ns": nanos(step.timing.trigger),
        "wait_ns": nanos(step.timing.wait),
        "after_last_span_ns": step.timing.after_last_span.map(nanos),
        "settled_by": step.timing.settled_by,
        "polls": step.timing.polls,
    })
}

fn findings(test: &TestRecord, step: &StepRecord) -> Vec<Value> {
    let place = |at: u32| test.source.line_column(at);
    step.findings
        .iter()
        .map(|finding| {
            json!({
                "rule": finding.rule.id(),
                "verdict": finding.verdict.word(),
                "expectation": finding.expectation,
                "file": test.source.path().display().to_string(),
                "line": place(finding.at.start).line,
                "column": place(finding.at.start).column,
                "message": finding.message,
                "expected": finding.expected,
                "actual": finding.actual,
                "hint": finding.hint,
                "span_ids": finding.span_ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect()
}

//! The run as one JSON document, `tracespec/run/1`, written when the run ends.

mod parts;
mod read;

pub use read::read;

use super::difference::{difference_json, movement_json};
use super::many_runs;
use crate::assert::Finding;
use crate::run::record::{
    AnswerRecord, BodyRecord, EnvironmentRecord, ExpectationRecord, ProcessRecord, ProgramRecord, RequestRecord,
    RunRecord, ShardRecord, SinceLastPass, StepRecord, TestRecord, Verdict,
};
use crate::source::Span;
use serde_json::{Value, json};

/// A document as text, `"schema"` first, as every document that this tool writes begins.
pub fn document(schema: &str, body: &Value) -> String {
    let text = format!("{body:#}");
    let rest = text.strip_prefix('{').unwrap_or(&text);
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    printable(format!("{{\n  \"schema\": {}{comma}{rest}\n", Value::from(schema)))
}

/// The same of a value whose first field is its `schema`: without a tree of all of it in between.
pub(crate) fn typed_document(body: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(printable(serde_json::to_string_pretty(body)? + "\n"))
}

/// JSON whose invisible characters are escapes: a terminal would obey some of them, and others end a line of YAML.
pub(super) fn printable(json: String) -> String {
    let is_plain = |byte: &u8| (b' '..0x7f).contains(byte) || *byte == b'\n';
    if json.as_bytes().iter().all(is_plain) || !json.contains(|c| c != '\n' && crate::diag::is_unprintable(c)) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !crate::diag::is_unprintable(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out += &format!("\\u{unit:04x}");
        }
    }
    out
}

/// The document's schema.
pub(crate) const RUN: &str = "tracespec/run/1";

/// The document of a run.
pub fn of_run(record: &RunRecord) -> String {
    document(RUN, &run(record))
}

/// The document, to be written with [`document`]. Tests in the order of files and lines, expectations in the spec's order.
fn run(record: &RunRecord) -> Value {
    let mut whole = head(record);
    whole["tests"] = record.tests.iter().map(test).collect();
    if record.shard.is_some() {
        parts::add(&mut whole, record);
    }
    whole
}

/// The document without its tests.
pub(super) fn head(record: &RunRecord) -> Value {
    let EnvironmentRecord { version, backend, host, commit } = &record.environment;
    json!({
        "verdict": record.verdict().unwrap_or(Verdict::Skipped).word(),
        "interrupted": record.interrupted,
        "started": record.started_ns,
        "duration_ns": nanos(record.duration),
        "seed": record.seed,
        "environment": { "version": version, "backend": backend, "host": host, "commit": commit },
        "errors": record.errors,
        "remarks": record.remarks,
        "processes": record.processes.iter().map(process).collect::<Vec<_>>(),
        "shard": record.shard.as_ref().map(shard),
    })
}

fn shard(record: &ShardRecord) -> Value {
    let ShardRecord { part, of, tests, digest } = record;
    json!({ "part": part, "of": of, "tests": tests, "digest": digest })
}

fn process(record: &ProcessRecord) -> Value {
    let ProcessRecord { name, last_lines, ended } = record;
    json!({ "name": name, "ended": ended, "last_lines": last_lines })
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// One test of the document.
pub(super) fn test(record: &TestRecord) -> Value {
    let last = record.steps.last();
    json!({
        "name": record.name,
        "file": record.source.path().display().to_string(),
        "line": record.line,
        "position": record.position,
        "verdict": record.verdict.word(),
        "reason": record.reason,
        "tags": record.tags,
        "started": record.started_ns,
        "attempts": record.attempts,
        "duration_ns": nanos(record.duration),
        "trace_id": last.and_then(|step| step.trace_id).map(|id| id.to_string()),
        "timing": last.map(timing),
        "expectations": record.steps.iter().flat_map(|step| expectations(record, step)).collect::<Vec<_>>(),
        "findings": record.steps.iter().flat_map(|step| findings(record, step)).collect::<Vec<_>>(),
        "error": record.steps.iter().find_map(|step| step.error.clone()),
        "since_last_pass": record.steps.iter().find_map(|step| step.since_last_pass.as_deref()).map(since_last_pass),
        "steps": record.steps.iter().map(|step| self::step(record, step)).collect::<Vec<_>>(),
        "earlier": record.earlier.iter().map(|attempt| json!({
            "verdict": attempt.verdict.word(),
            "duration_ns": nanos(attempt.duration),
            "steps": attempt.steps.iter().map(|step| self::step(record, step)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "repeat": record.repeat.as_ref().map(|repeat| many_runs::json(repeat, |step| self::step(record, step))),
    })
}

fn step(test: &TestRecord, step: &StepRecord) -> Value {
    json!({
        "name": step.name,
        "verdict": step.verdict.word(),
        "trace_id": step.trace_id.map(|id| id.to_string()),
        "link": step.link,
        "request": step.request.as_ref().map(request),
        "answer": step.answer.as_ref().map(|record| answer(step, record)),
        "program": step.program.as_ref().map(program),
        "timing": timing(step),
        "settled": step.settled,
        "since_last_pass": step.since_last_pass.as_deref().map(since_last_pass),
        "late": step.late,
        "rejudged": step.rejudged,
        "error": step.error,
        "remarks": step.notes(),
        "logs": step.logs.iter().map(process).collect::<Vec<_>>(),
        "expectations": expectations(test, step).collect::<Vec<_>>(),
    })
}

/// What is different since a test last passed.
pub(super) fn since_last_pass(since: &SinceLastPass) -> Value {
    let SinceLastPass { when_ns, ago, is_outdated, commit, trace_id, trace: _, differences, movement, incomplete } =
        since;
    json!({
        "when": when_ns,
        "ago_ns": nanos(*ago),
        "passed_since": is_outdated,
        "commit": commit,
        "trace_id": trace_id.to_string(),
        "differences": differences.iter().map(difference_json).collect::<Vec<_>>(),
        "timing": movement.as_ref().map(movement_json),
        "incomplete": incomplete,
        "text": super::since::sentence(since),
    })
}

fn request(record: &RequestRecord) -> Value {
    let RequestRecord { protocol, method, url, headers, body } = record;
    let body = body.as_ref().map(self::body);
    json!({ "protocol": protocol.word(), "method": method, "url": url, "headers": headers, "body": body, "curl": record.curl() })
}

fn answer(step: &StepRecord, record: &AnswerRecord) -> Value {
    let AnswerRecord { status, message, headers, body } = record;
    let name = step.request.as_ref().and_then(|request| record.status_name(request.protocol));
    json!({ "status": status, "status_name": name, "message": message, "headers": headers, "body": self::body(body) })
}

fn program(record: &ProgramRecord) -> Value {
    let ProgramRecord { argv, env, directory, ending, stdout, stderr } = record;
    json!({
        "argv": argv,
        "env": env,
        "directory": directory,
        "ending": ending,
        "stdout": stdout.as_ref().map(body),
        "stderr": stderr.as_ref().map(body),
        "shell": record.shell(),
    })
}

fn body(record: &BodyRecord) -> Value {
    json!({ "text": record.text, "bytes": record.bytes })
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

fn expectations<'a>(test: &'a TestRecord, step: &'a StepRecord) -> impl Iterator<Item = Value> + 'a {
    step.expectations.iter().map(|expectation| {
        let ExpectationRecord { path, at, family, verdict, findings } = expectation;
        let mut entry = json!({
            "path": path,
            "family": family,
            "verdict": verdict.word(),
            "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        });
        put_place(&mut entry, test, *at);
        entry
    })
}

/// What does not hold, as one list.
fn findings<'a>(test: &'a TestRecord, step: &'a StepRecord) -> impl Iterator<Item = Value> + 'a {
    step.findings().map(|found| {
        let mut entry = finding(found);
        entry["expectation"] = found.expectation.clone().into();
        put_place(&mut entry, test, found.at);
        entry
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.id(),
        "verdict": finding.verdict.word(),
        "message": finding.message,
        "expected": finding.expected,
        "actual": finding.actual,
        "hint": finding.hint,
        "span_ids": finding.span_ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "absent": finding.absent.iter().map(|one| json!({ "below": one.id.to_string(), "what": one.what })).collect::<Vec<_>>(),
    })
}

fn put_place(entry: &mut Value, test: &TestRecord, at: Span) {
    let place = test.source.line_column(at.start);
    entry["file"] = test.source.path().display().to_string().into();
    entry["line"] = place.line.into();
    entry["column"] = place.column.into();
}

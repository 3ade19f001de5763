//! The run as the document that the page draws: files, tests, steps, expectations. Traces are documents of their own.

use super::spec;
use super::traces::{self, Traces};
use crate::assert::Finding;
use crate::report::failure::{asked, rerun};
use crate::run::record::{
    AnswerRecord, BodyRecord, EnvironmentRecord, ExpectationRecord, ProcessRecord, ProgramRecord, RepeatRecord,
    RepeatRun, RequestRecord, RunRecord, StepRecord, TestRecord, Verdict,
};
use crate::source::{SourceFile, Span};
use crate::trace::Trace;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The most spans that one finding marks.
const MARKED: usize = 500;

/// The document of a run, and the traces it refers to.
pub(super) fn document(record: &RunRecord) -> (Value, Traces) {
    let traces = Traces::of(record.tests.iter().flat_map(steps));
    let mut files = Files::default();
    let mut keys = HashSet::new();
    let tests: Vec<Value> =
        record.tests.iter().map(|test| of_test(record, test, &mut files, &mut keys, &traces)).collect();
    let document = json!({
        "verdict": record.verdict().unwrap_or(Verdict::Skipped).word(),
        "interrupted": record.interrupted,
        "environment": environment(&record.environment),
        "started_ms": record.started_ns / 1_000_000,
        "duration_ns": nanos(record.duration),
        "seed": record.seed.to_string(),
        "errors": record.errors,
        "remarks": record.remarks,
        "processes": record.processes.iter().map(process).collect::<Vec<_>>(),
        "files": files.texts,
        "tests": tests,
    });
    (document, traces)
}

/// The steps of a test, each with the verdict of the test: those of the last attempt first.
fn steps(test: &TestRecord) -> impl Iterator<Item = (Verdict, &StepRecord)> {
    let earlier = test.earlier.iter().flat_map(|attempt| &attempt.steps);
    let kept = test.repeat.iter().flat_map(|repeat| &repeat.kept).flat_map(|run| &run.steps);
    test.steps.iter().chain(earlier).chain(kept).map(|step| (test.verdict, step))
}

fn environment(environment: &EnvironmentRecord) -> Value {
    let EnvironmentRecord { version, backend, host, commit } = environment;
    json!({ "version": version, "backend": backend, "host": host, "commit": commit })
}

fn process(process: &ProcessRecord) -> Value {
    let ProcessRecord { name, last_lines, ended } = process;
    json!({ "name": name, "last_lines": last_lines, "ended": ended })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Spec files, each once.
#[derive(Default)]
struct Files {
    texts: Vec<Value>,
    known: HashMap<*const SourceFile, usize>,
}

impl Files {
    fn number(&mut self, source: &Arc<SourceFile>) -> usize {
        let texts = &mut self.texts;
        *self.known.entry(Arc::as_ptr(source)).or_insert_with(|| {
            let file = json!({ "path": source.path().display().to_string(), "text": source.text() });
            // Parts of a run that were read back may have read it more than once.
            texts.iter().position(|known| *known == file).unwrap_or_else(|| {
                texts.push(file);
                texts.len() - 1
            })
        })
    }
}

/// What a test is called in a link: the same in the report of every run, as long as file and name are.
fn key(test: &TestRecord, taken: &mut HashSet<String>) -> String {
    let text = format!("{}\0{}", test.source.path().display(), test.name);
    // FNV-1a, which no release of a library changes.
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let plain = format!("{hash:08x}");
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let free = std::iter::once(plain.clone()).chain(numbered).find(|key| !taken.contains(key)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

fn of_test(
    run: &RunRecord,
    test: &TestRecord,
    files: &mut Files,
    keys: &mut HashSet<String>,
    traces: &Traces,
) -> Value {
    let (from, to) = spec::item(&test.source, test.line);
    let attempt = |verdict: Verdict, duration: Option<Duration>, steps: &[StepRecord]| {
        json!({
            "verdict": verdict.word(),
            "duration_ns": duration.map(nanos),
            "steps": steps.iter().map(|step| of_step(test, step, traces)).collect::<Vec<_>>(),
        })
    };
    let earlier = test.earlier.iter().map(|one| attempt(one.verdict, Some(one.duration), &one.steps));
    // The record has the duration of all attempts together.
    let last = test.duration.checked_sub(test.earlier.iter().map(|one| one.duration).sum());
    // Flaky is the test, by its attempts; the last of them passed.
    let verdict = if test.verdict == Verdict::Flaky { Verdict::Pass } else { test.verdict };
    let mut attempts: Vec<Value> = earlier.chain([attempt(verdict, last, &test.steps)]).collect();
    if let Some(repeat) = &test.repeat {
        // The runs that are kept stand as attempts do, those beside the one that is shown before it.
        let kept = repeat.kept.iter().map(|run| {
            let mut one = attempt(run.verdict, None, &run.steps);
            one["label"] = format!("run {}", run.number).into();
            one
        });
        let mut all: Vec<Value> = kept.collect();
        all.append(&mut attempts);
        if let Some(last) = all.last_mut() {
            last["label"] =
                repeat.shown.map_or("all runs".to_owned(), |number| format!("all runs, and run {number}")).into();
        }
        attempts = all;
    }
    json!({
        "key": key(test, keys),
        "name": test.name,
        "file": files.number(&test.source),
        "line": test.line,
        "lines": [from, to],
        "verdict": test.verdict.word(),
        "reason": test.reason,
        "duration_ns": nanos(test.duration),
        "started_ns": (test.started_ns > 0).then(|| test.started_ns.saturating_sub(run.started_ns)),
        "tags": test.tags,
        "rerun": rerun(test),
        "tried": test.attempts,
        "attempts": attempts,
        "runs": test.repeat.as_ref().map(|repeat| runs(repeat)),
    })
}

/// The runs of a test that is repeated: those that did not pass first.
fn runs(repeat: &RepeatRecord) -> Value {
    /// The most rows of the table.
    const ROWS: usize = 1_000;
    let mut rows: Vec<&RepeatRun> = repeat.runs.iter().collect();
    rows.sort_by_key(|run| (run.verdict <= Verdict::Flaky, run.number));
    let row = |run: &&RepeatRun| {
        let at = repeat.kept.iter().position(|kept| kept.number == run.number);
        let at = at.or_else(|| (repeat.shown == Some(run.number)).then_some(repeat.kept.len()));
        json!({
            "number": run.number,
            "verdict": run.verdict.word(),
            "trace_id": run.trace_id.map(|id| id.to_string()),
            "link": run.link,
            "attempt": at.map(|at| at + 1),
            "response_ns": run.response.map(nanos),
            "durations_ns": run.durations,
            "why": run.cause.and_then(|cause| repeat.causes.get(cause)).map(|cause| &cause.message),
        })
    };
    json!({
        "lines": repeat.lines(),
        "timed": repeat.timed,
        "rows": rows.iter().take(ROWS).map(row).collect::<Vec<_>>(),
        "more": rows.len().saturating_sub(ROWS),
    })
}

fn of_step(test: &TestRecord, step: &StepRecord, traces: &Traces) -> Value {
    let trace = step.trace.as_ref();
    let expectations = step.expectations.iter().map(|one| expectation(test, one, trace.map(|trace| &**trace)));
    json!({
        "name": step.name,
        "verdict": step.verdict.word(),
        "error": step.error,
        "rejudged": step.rejudged,
        "late": step.late,
        "remarks": step.notes(),
        "link": step.link,
        "request": step.request.as_ref().map(request),
        "answer": step.answer.as_ref().map(|record| answer(step, record)),
        "program": step.program.as_ref().map(program),
        "trace_id": step.trace_id.map(|id| id.to_string()),
        "trace": trace.and_then(|trace| traces.number(trace)),
        "spans": trace.map(|trace| trace.len()),
        "since_last_pass": step.since_last_pass.as_deref().map(|since| {
            let mut document = crate::report::json::since_last_pass(since);
            document["trace"] = json!(since.trace.as_ref().and_then(|trace| traces.number(trace)));
            document
        }),
        "trigger_ns": nanos(step.timing.trigger),
        "wait_ns": nanos(step.timing.wait),
        "settled_by": step.timing.settled_by,
        "polls": step.timing.polls,
        "log": step.log,
        "logs": step.logs.iter().map(process).collect::<Vec<_>>(),
        "expectations": expectations.collect::<Vec<_>>(),
    })
}

fn request(request: &RequestRecord) -> Value {
    let RequestRecord { protocol, method, url, headers, body } = request;
    let body = body.as_ref().map(of_body);
    json!({
        "protocol": protocol.word(), "method": method, "url": url, "headers": headers, "body": body, "curl": request.curl(),
    })
}

fn answer(step: &StepRecord, answer: &AnswerRecord) -> Value {
    let AnswerRecord { status: _, message, headers, body } = answer;
    let protocol = step.request.as_ref().map(|request| request.protocol).unwrap_or_default();
    json!({
        "status": answer.shown_status(protocol),
        "message": message,
        "headers": headers,
        "body": of_body(body),
        "asked": asked(step),
    })
}

fn program(program: &ProgramRecord) -> Value {
    let ProgramRecord { argv: _, env: _, directory: _, ending, stdout, stderr } = program;
    json!({
        "shell": program.shell(),
        "ending": ending,
        "stdout": stdout.as_ref().map(of_body),
        "stderr": stderr.as_ref().map(of_body),
    })
}

fn of_body(body: &BodyRecord) -> Value {
    json!({ "text": body.text, "bytes": body.bytes })
}

fn expectation(test: &TestRecord, record: &ExpectationRecord, trace: Option<&Trace>) -> Value {
    let ExpectationRecord { path, at, family, verdict, findings } = record;
    json!({
        "path": path,
        "family": family,
        "verdict": verdict.word(),
        "at": place(&test.source, *at),
        "findings": findings.iter().map(|one| finding(test, one, trace)).collect::<Vec<_>>(),
    })
}

fn finding(test: &TestRecord, finding: &Finding, trace: Option<&Trace>) -> Value {
    let Finding {
        rule,
        verdict,
        at,
        expectation,
        message,
        expected,
        actual,
        hint,
        span_ids,
        rows,
        pair,
        lacks: _,
        absent,
    } = finding;
    let row = |ix| traces::row(trace?, ix);
    let pair = pair.and_then(|(first, then)| Some([row(first)?, row(then)?]));
    let absent: Vec<Value> = absent.iter().filter_map(|one| Some(json!([row(one.below)?, one.what]))).collect();
    let rows: Vec<u32> = rows.iter().filter_map(|ix| row(*ix)).take(MARKED).collect();
    json!({
        "rule": rule.id(),
        "verdict": verdict.word(),
        "path": expectation,
        "at": place(&test.source, *at),
        "message": message,
        "expected": expected,
        "actual": actual,
        "hint": hint,
        "spans": span_ids.len(),
        "rows": rows,
        "pair": pair,
        "absent": absent,
    })
}

/// Line and columns (in characters, the last one excluded) of the first line of a place.
fn place(source: &SourceFile, at: Span) -> Value {
    let from = source.line_column(at.start);
    let to = source.line_column(at.end.max(at.start));
    let line_end = source.line(from.line).chars().count() + 1;
    let end = if to.line == from.line { to.column.min(line_end) } else { line_end };
    json!([from.line, from.column, end.max(from.column)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(name: &str) -> TestRecord {
        let source = SourceFile::new("specs/a.yaml", "tests:\n  - name: x\n    trace: none\n");
        TestRecord { verdict: Verdict::Pass, ..TestRecord::new(name, &source, 2) }
    }

    #[test]
    fn a_test_has_the_same_key_in_every_report_and_no_two_share_one() {
        let mut taken = HashSet::new();
        let keys: Vec<String> = ["x", "y", "x"].map(|name| key(&test(name), &mut taken)).to_vec();
        assert_eq!((keys[0].as_str(), keys[2].clone()), ("30ceb3c8", format!("{}-2", keys[0])));
        assert_ne!(keys[0], keys[1]);
    }

    #[test]
    fn a_place_is_the_part_of_its_first_line() {
        let source = SourceFile::new("a.yaml", "a: 1\nbü: [x,\n  y]\n");
        assert_eq!(place(&source, Span::new(0, 1)), json!([1, 1, 2]));
        // From the bracket on, over the end of the line.
        assert_eq!(place(&source, Span::new(10, 18)), json!([2, 5, 8]));
        assert_eq!(place(&source, Span::new(99, 99)), json!([4, 1, 1]));
    }

    #[test]
    fn files_are_in_the_document_once() {
        let one = test("x");
        let two = TestRecord { name: "y".to_owned(), ..one.clone() };
        let record = RunRecord { tests: vec![one, two], ..RunRecord::default() };
        let (document, _) = document(&record);
        assert_eq!(document["files"].as_array().map(Vec::len), Some(1));
        assert_eq!(document["tests"][1]["lines"], json!([2, 3]));
    }
}

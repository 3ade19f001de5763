//! Every event as it happens, one JSON document a line, `tracespec/events/1`. Who follows it sees a run while it goes on.

use super::Reporter;
use super::json;
use crate::run::event::{Event, TestName, What};
use crate::run::record::{RunRecord, TestRecord};
use crate::trace::Phase;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// Writes a line for each event, and flushes it.
pub(super) struct Ndjson<W> {
    out: W,
}

impl<W: Write + Send> Ndjson<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> Ndjson<W> {
        Ndjson { out }
    }
}

impl<W: Write + Send> Reporter for Ndjson<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let (name, mut body) = body(&event.what);
        body["schema"] = "tracespec/events/1".into();
        body["event"] = name.into();
        body["at_ns"] = event.at_ns.into();
        self.out.write_all(json::printable(format!("{body}\n")).as_bytes())?;
        self.out.flush()
    }
}

fn body(what: &What<'_>) -> (&'static str, Value) {
    match what {
        What::RunStarted { tests, files, backend, seed } => {
            ("run_started", json!({ "tests": tests, "files": files, "backend": backend, "seed": seed }))
        }
        What::ProcessReused { name, why } => ("process_reused", json!({ "name": name, "why": why })),
        What::ProcessStarting { name, command } => ("process_starting", json!({ "name": name, "command": command })),
        What::ProcessStillStarting { name, waited, last_line } => {
            ("process_still_starting", json!({ "name": name, "waited_ns": nanos(*waited), "last_line": last_line }))
        }
        What::ProcessReady { name, after } => ("process_ready", json!({ "name": name, "after_ns": nanos(*after) })),
        What::TestStarted { test, attempt } => ("test_started", json!({ "test": test_name(test), "attempt": attempt })),
        What::StepStarted { test, step } => ("step_started", json!({ "test": test_name(test), "step": step })),
        What::Waiting { test, step, trace_id, phase, spans, reason, deadline_ns: _ } => (
            "waiting",
            json!({
                "test": test_name(test), "step": step, "trace_id": trace_id.to_string(), "phase": phase_name(*phase),
                "spans": spans, "reason": reason,
            }),
        ),
        What::StepFinished { test, record } => (
            "step_finished",
            json!({
                "test": test_name(test), "step": record.name, "verdict": record.verdict.word(),
                "trace_id": record.trace_id.map(|id| id.to_string()),
            }),
        ),
        What::Repeating { test, runs, begun, judged, not_passed } => (
            "repeating",
            json!({
                "test": test_name(test), "runs": runs, "begun": begun, "judged": judged, "not_passed": not_passed,
            }),
        ),
        What::TestFinished(test) => ("test_finished", json!({ "test": json::test(test) })),
        What::TestRejudged(test) => ("test_rejudged", json!({ "test": json::test(test) })),
        What::Warning(text) => ("warning", json!({ "message": text })),
        What::RunFinished(run) => ("run_finished", finished(run)),
    }
}

/// The run without what its tests' own events had, but with the verdict on each: a test that was interrupted has no event.
fn finished(run: &RunRecord) -> Value {
    let mut whole = json::head(run);
    let test = |test: &TestRecord| {
        json!({
            "name": test.name, "file": test.source.path().display().to_string(), "line": test.line,
            "verdict": test.verdict.word(), "reason": test.reason,
        })
    };
    whole["tests"] = run.tests.iter().map(test).collect();
    whole
}

fn test_name(test: &TestName<'_>) -> Value {
    json!({ "name": test.name, "file": test.file.display().to_string(), "line": test.line })
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Growing => "growing",
        Phase::Settled => "settled",
        Phase::Confirmed => "confirmed",
        Phase::Stalled => "stalled",
        Phase::Expired => "expired",
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

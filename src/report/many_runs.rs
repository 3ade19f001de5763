//! The runs of a test that is repeated, as JSON.

use crate::run::record::{PercentileOfRuns, RatioOfRuns, RepeatRecord, RepeatRun, RunsCause, ShareOfRuns, StepRecord};
use serde_json::{Value, json};
use std::time::Duration;

/// The record; `step` writes the steps of runs that are kept in full.
pub(super) fn json(record: &RepeatRecord, step: impl Fn(&StepRecord) -> Value) -> Value {
    let ShareOfRuns { passed, failed, in_error, undecided, not_run, interval: (low, high) } = record.share;
    let kept = record.kept.iter().map(|run| {
        json!({
            "number": run.number,
            "verdict": run.verdict.word(),
            "steps": run.steps.iter().map(&step).collect::<Vec<_>>(),
        })
    });
    json!({
        "asked": record.asked,
        "pace": record.pace,
        "warmup": { "runs": record.warmup.0, "not_passed": record.warmup.1 },
        "passed": passed,
        "failed": failed,
        "in_error": in_error,
        "inconclusive": undecided,
        "not_run": not_run,
        "share_low": low,
        "share_high": high,
        "late": record.late.map(|(runs, most)| json!({ "runs": runs, "most_ns": nanos(most) })),
        "percentiles": record.percentiles.iter().map(percentile).collect::<Vec<_>>(),
        "compare": record.ratios.iter().map(ratio).collect::<Vec<_>>(),
        "causes": record.causes.iter().map(cause).collect::<Vec<_>>(),
        "shown": record.shown,
        "kept": kept.collect::<Vec<_>>(),
        "timed": record.timed,
        "runs": record.runs.iter().map(run).collect::<Vec<_>>(),
    })
}

fn run(run: &RepeatRun) -> Value {
    let RepeatRun { number, verdict, trace_id, link, started_ns, late, response, durations, cause } = run;
    json!({
        "number": number,
        "verdict": verdict.word(),
        "trace_id": trace_id.map(|id| id.to_string()),
        "link": link,
        "started": started_ns,
        "late_ns": nanos(*late),
        "response_ns": response.map(nanos),
        "durations_ns": durations,
        "cause": cause,
    })
}

fn cause(cause: &RunsCause) -> Value {
    let RunsCause { verdict, message, runs } = cause;
    json!({ "verdict": verdict.word(), "message": message, "runs": runs })
}

fn percentile(one: &PercentileOfRuns) -> Value {
    let PercentileOfRuns { path, of, quantile, value, low, high, expected, verdict } = one;
    json!({
        "path": path, "of": of, "quantile": quantile.to_string(), "value_ns": value, "low_ns": low, "high_ns": high,
        "expected": expected, "verdict": verdict.word(),
    })
}

fn ratio(one: &RatioOfRuns) -> Value {
    let RatioOfRuns { path, left, right, value, interval: (low, high), expected, verdict } = one;
    json!({
        "path": path, "left": left, "right": right, "ratio": value, "ratio_low": low, "ratio_high": high,
        "expected": expected, "verdict": verdict.word(),
    })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

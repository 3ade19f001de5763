//! The gate as one JSON document, `tracespec/gate/1`.

use super::{requests, words};
use crate::analyse::stats::Method;
use crate::gate::Verdict;
use crate::gate::acks::Acked;
use crate::gate::durations::Change;
use crate::gate::judgement::Judgement;
use crate::gate::limits::Setup;
use crate::gate::record::GateRecord;
use crate::gate::structure::Structural;
use crate::gate::timing::Timed;
use crate::report::json;
use serde_json::{Value, json};

/// The document's schema.
const SCHEMA: &str = "tracespec/gate/1";

/// The document. Tests in the order of their names, the root's durations first, differences as they are worth reading.
pub fn document(record: &GateRecord) -> String {
    let limits = &record.limits;
    let setup = match limits.setup {
        Setup::Interleaved => "interleaved",
        Setup::Stored => "stored",
        Setup::Traffic => "traffic",
    };
    let body = json!({
        "verdict": record.verdict().map_or("error", Verdict::word),
        "headline": words::headline(record),
        "setup": setup,
        "baseline": record.baseline,
        "candidate": record.candidate,
        "started": record.started_ns,
        "duration_ns": record.duration_ns,
        "limits": {
            "margin_of_root": limits.margin_of_root,
            "margin_of_others": limits.margin_of_others,
            "drift": limits.drift,
            "floor_of_root_ns": limits.floor_of_root_ns,
            "floor_of_others_ns": limits.floor_of_others_ns,
            "alpha": limits.alpha,
            "least_runs": limits.least_runs,
        },
        "tests": record.tests.iter().map(test).collect::<Vec<_>>(),
        "requests": record.requests.as_ref().map(requests::document),
        "doubt": record.doubt,
        "remarks": record.remarks,
    });
    json::document(SCHEMA, &body)
}

fn test(test: &Judgement) -> Value {
    let (baseline, candidate) = test.runs;
    let (baseline_incomplete, candidate_incomplete) = test.incomplete;
    let id = |id: Option<crate::trace::TraceId>| id.map(|id| id.to_string());
    json!({
        "name": test.name,
        "verdict": test.verdict.word(),
        "cause": words::sentence(test),
        "runs": {
            "baseline": baseline,
            "candidate": candidate,
            "baseline_incomplete": baseline_incomplete,
            "candidate_incomplete": candidate_incomplete,
        },
        "not_passed": {
            "baseline": { "failed": test.failures.0.failed, "undecided": test.failures.0.undecided, "why": test.failures.0.why },
            "candidate": { "failed": test.failures.1.failed, "undecided": test.failures.1.undecided, "why": test.failures.1.why },
        },
        "examples": { "baseline": id(test.examples.0), "candidate": id(test.examples.1) },
        "structure": test.structure.iter().map(structural).collect::<Vec<_>>(),
        "durations": test.durations.iter().map(timed).collect::<Vec<_>>(),
        "doubts": test.doubts.iter().map(|doubt| words::doubted(test, doubt)).collect::<Vec<_>>(),
    })
}

pub(super) fn ack(acked: Option<&Acked>) -> Value {
    let Some(Acked { until: (year, month, day), reason, expired }) = acked else { return Value::Null };
    json!({ "until": format!("{year:04}-{month:02}-{day:02}"), "reason": reason, "expired": expired })
}

fn structural((one, acked): &(Structural, Option<Acked>)) -> Value {
    json!({
        "kind": one.difference.change.word(),
        "path": one.difference.subject(),
        "verdict": one.verdict.word(),
        "baseline": one.difference.baseline(),
        "candidate": one.difference.candidate(),
        "runs": one.runs,
        "of": one.of,
        "in_control": one.in_control,
        "p": one.p,
        "implied": one.difference.implied,
        "message": words::different(one),
        "ack": ack(acked.as_ref()),
    })
}

/// The word for what became of a path.
pub(super) fn word(change: Change) -> &'static str {
    match change {
        Change::Slower => "slower",
        Change::SlowTail => "slow_tail",
        Change::PerhapsSlower => "perhaps_slower",
        Change::Same => "same",
        Change::Faster => "faster",
        Change::TooNoisy => "too_noisy",
        Change::TooFew => "too_few",
    }
}

fn timed((one, acked): &(Timed, Option<Acked>)) -> Value {
    let (n_baseline, n_candidate) = one.judged.runs;
    let mut entry = json!({
        "path": one.place.text(),
        "root": one.is_root,
        "verdict": word(one.judged.change),
        "n_baseline": n_baseline,
        "n_candidate": n_candidate,
        "ack": ack(acked.as_ref()),
    });
    let Some(measured) = &one.judged.measured else { return entry };
    let shift = |ns: i128| i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX });
    let more = json!({
        "baseline_ns": measured.baseline_ns,
        "candidate_ns": measured.candidate_ns,
        "ratio": measured.ratio,
        "ratio_low": measured.ratio_range.map(|(low, _)| low),
        "ratio_high": measured.ratio_range.map(|(_, high)| high),
        "shift_ns": shift(measured.shift_ns),
        "shift_low_ns": measured.shift_range_ns.map(|(low, _)| shift(low)),
        "shift_high_ns": measured.shift_range_ns.map(|(_, high)| shift(high)),
        "p": measured.p,
        "p_by": match measured.method {
            Method::Exact => "exact",
            Method::ExactWithTies => "exact with ties",
            Method::Normal => "normal",
        },
        "delta": measured.delta,
        "slow_runs": measured.tail.as_ref().map(|tail| json!({
            "above_ns": tail.above_ns,
            "baseline": tail.shares.before,
            "candidate": tail.shares.after,
            "p": tail.p,
        })),
    });
    if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
        entry.extend(more);
    }
    entry
}

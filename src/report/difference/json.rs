//! The document of `diff --json`. Times are integer nanoseconds.

use super::Difference;
use crate::baseline::{Change, Difference as One, Incomplete, Movement, Place, Row, Side};
use serde_json::{Value, json};

/// The document's schema.
pub const SCHEMA: &str = "tracespec/diff/1";

/// The document. Differences in the order in which they are worth reading, rows in that of the trace.
pub fn document(difference: &Difference) -> Value {
    let found = difference.tally.found();
    let differences = found.iter().map(|found| {
        let mut entry = difference_json(&found.difference);
        entry["traces"] = json!(found.runs);
        entry
    });
    let side = |at: usize| {
        json!({
            "name": difference.names[at],
            "traces": difference.traces[at],
            "incomplete": difference.incomplete[at].iter().map(incomplete).collect::<Vec<_>>(),
        })
    };
    json!({
        "baseline": side(0),
        "candidate": side(1),
        "different": if difference.is_decided() { json!(!found.is_empty()) } else { Value::Null },
        "differences": differences.collect::<Vec<_>>(),
        "timing": difference.movement.as_ref().map(movement_json),
        "paths": difference.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn incomplete((why, traces): &(Incomplete, u64)) -> Value {
    json!({ "why": why.to_string(), "traces": traces })
}

/// One difference.
pub fn difference_json(one: &One) -> Value {
    let place = |place: &Place| {
        let key = |key: &crate::baseline::Key| json!({ "service": &*key.service, "kind": key.kind.word(), "name": &*key.name });
        place.keys.iter().map(key).collect::<Vec<_>>()
    };
    let moved_to = match &one.change {
        Change::Reparented { to } => Some(place(to)),
        _ => None,
    };
    json!({
        "kind": one.change.word(),
        "subject": one.subject(),
        "path": one.place.as_ref().map(place),
        "moved_to": moved_to,
        "baseline": one.baseline(),
        "candidate": one.candidate(),
        "message": one.sentence(),
        "implied": one.implied,
    })
}

/// Where time went.
pub fn movement_json(movement: &Movement) -> Value {
    let moved = movement.moved.iter().map(|moved| {
        json!({
            "path": moved.place.text(),
            "baseline_ns": moved.baseline_ns,
            "candidate_ns": moved.candidate_ns,
            "shift_ns": moved.shift_ns(),
        })
    });
    json!({
        "baseline_ns": movement.baseline_ns,
        "candidate_ns": movement.candidate_ns,
        "shift_ns": movement.shift_ns(),
        "moved": moved.collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    let side = |side: &Side| {
        json!({
            "traces": side.runs,
            "count": [side.count.min, side.count.max],
            "errors": [side.errors.min, side.errors.max],
            "total_ns": side.total_ns,
            "critical_ns": side.critical_ns,
        })
    };
    json!({
        "depth": row.depth,
        "service": &*row.key.service,
        "kind": row.key.kind.word(),
        "name": &*row.key.name,
        "baseline": row.baseline.as_ref().map(side),
        "candidate": row.candidate.as_ref().map(side),
    })
}

//! The waterfall as JSON, for other programs to draw.

use super::pick::Elision;
use super::waterfall::{Mark, Row, Section, Waterfall};
use serde_json::{Value, json};

/// The document's schema.
pub const SCHEMA: &str = "tracespec/show/1";

/// The rows in the order in which they are drawn. Offsets are nanoseconds after `start_ns`.
pub fn document(waterfall: &Waterfall<'_>) -> Value {
    let services = waterfall.services.iter().map(|service| json!({ "name": service.name, "colour": service.colour }));
    let elided = waterfall.elided.iter().map(|elided| {
        let what = match elided.what {
            Elision::Siblings => "siblings",
            Elision::Levels => "levels",
        };
        json!({ "before_row": elided.before, "depth": elided.depth, "spans": elided.spans, "what": what })
    });
    json!({
        "trace_id": waterfall.trace.id().to_string(),
        "span_count": waterfall.trace.len(),
        "start_ns": waterfall.start_ns,
        "duration_ns": waterfall.duration_ns,
        "services": services.collect::<Vec<_>>(),
        "rows": waterfall.rows.iter().map(|row| of_row(waterfall, row)).collect::<Vec<_>>(),
        "elided": elided.collect::<Vec<_>>(),
    })
}

fn of_row(waterfall: &Waterfall<'_>, row: &Row<'_>) -> Value {
    let span = row.span;
    let mut value = json!({
        "span_id": span.id().to_string(),
        "parent_span_id": span.parent_id().map(|id| id.to_string()),
        "depth": row.depth,
        "service": span.service(),
        "name": span.name(),
        "kind": span.kind().word(),
        "status": span.status().word(),
        "status_message": span.status_message(),
        "offset_ns": row.offset_ns,
        "duration_ns": row.duration_ns,
        "self_ns": row.self_ns,
        "critical": waterfall.has_critical.then(|| sections(&row.critical)),
        "gaps": sections(&row.gaps),
        "marks": row.marks.iter().map(of_mark).collect::<Vec<_>>(),
        "children": row.children,
        "collapsed": row.hidden > 0,
    });
    if row.spans() > 1 {
        value["repeat"] = json!(row.spans());
        value["sections"] = sections(&row.sections);
    }
    if row.hidden > 0 {
        value["spans_below"] = json!(row.hidden);
    }
    value
}

fn sections(all: &[Section]) -> Value {
    all.iter().map(|(from, to)| json!({ "from_ns": from, "to_ns": to })).collect()
}

fn of_mark(mark: &Mark) -> Value {
    match mark {
        Mark::Asked => json!({ "kind": "asked" }),
        Mark::BeforeParent(by) => json!({ "kind": "before_parent", "by_ns": by }),
        Mark::Untimed => json!({ "kind": "untimed" }),
        Mark::ParentMissing => json!({ "kind": "parent_missing" }),
        Mark::OtherTrace(id) => json!({ "kind": "other_trace", "trace_id": id.to_string() }),
    }
}

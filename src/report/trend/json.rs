//! The trends as one JSON document, `tracespec/trend/1`.

use super::{Trends, main_series, word};
use crate::report::json;
use crate::trend::change_points::{PERMUTATIONS, SEED};
use crate::trend::levels::{Change, Series, Trend};
use serde_json::{Value, json};

const SCHEMA: &str = "tracespec/trend/1";

/// The document: reports in the order of time, tests by name, the root's series first.
pub fn document(trends: &Trends) -> String {
    let reports = trends.reports.iter().map(|(file, report)| {
        json!({ "file": file.display().to_string(), "started": report.started_ns, "verdict": report.verdict })
    });
    let body = json!({
        "headline": trends.headline(),
        "method": { "name": "e-divisive", "permutations": PERMUTATIONS, "seed": SEED },
        "reports": reports.collect::<Vec<_>>(),
        "tests": trends.tests.iter().map(test).collect::<Vec<_>>(),
        "remarks": trends.remarks,
    });
    json::document(SCHEMA, &body)
}

fn test(test: &Trend) -> Value {
    json!({
        "name": test.name,
        "trend": word(test.latest(), main_series(test)),
        "series": test.series.iter().map(series).collect::<Vec<_>>(),
    })
}

fn series(series: &Series) -> Value {
    json!({
        "path": series.path,
        "root": series.is_root,
        "points": series.points.iter().map(|(report, ns)| json!({ "report": report, "ns": ns })).collect::<Vec<_>>(),
        "changes": series.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    json!({
        "report": change.report,
        "before_ns": change.before_ns,
        "after_ns": change.after_ns,
        "ratio": change.ratio(),
    })
}

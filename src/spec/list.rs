//! The tests of a plan, for people and for programs.

use super::plan::{Plan, Test};
use serde_json::json;
use std::fmt::Write as _;

/// Every test, in order.
pub fn tests(plan: &Plan) -> impl Iterator<Item = &Test> {
    plan.files.iter().flat_map(|file| &file.tests)
}

/// One line a test: place, name, tags, why it is skipped.
pub fn to_text<'a>(tests: impl IntoIterator<Item = &'a Test>) -> String {
    let mut out = String::new();
    for test in tests {
        let line = test.source.line_column(test.name.span.start).line;
        let _ = write!(out, "{}:{line}: {}", test.source.path().display(), test.name.value);
        if !test.tags.is_empty() {
            let _ = write!(out, "  [{}]", test.tags.join(", "));
        }
        if let Some(reason) = &test.skip {
            let _ = write!(out, "  (skipped: {reason})");
        }
        // A name may hold anything; a line holds one test.
        let shown = crate::diag::printable(out.rsplit('\n').next().unwrap_or_default());
        out.truncate(out.rfind('\n').map_or(0, |end| end + 1));
        out.push_str(&shown);
        out.push('\n');
    }
    out
}

/// `tracespec/list/1`: the tests, and which part of how many they are, where only a part was asked for.
pub fn to_json<'a>(tests: impl IntoIterator<Item = &'a Test>, shard: Option<(usize, usize)>) -> String {
    let list: Vec<_> = tests
        .into_iter()
        .map(|test| {
            json!({
                "name": test.name.value,
                "file": test.source.path().display().to_string().replace('\\', "/"),
                "line": test.source.line_column(test.name.span.start).line,
                "tags": test.tags,
                "mutex": test.mutex,
                "skip": test.skip,
                "only": test.only,
                "needs": test.needs.iter().map(|need| &need.value).collect::<Vec<_>>(),
            })
        })
        .collect();
    let shard = shard.map(|(part, of)| json!({ "part": part, "of": of }));
    let list = json!({ "schema": "tracespec/list/1", "shard": shard, "tests": list });
    let mut text = serde_json::to_string_pretty(&list).unwrap_or_default();
    text.push('\n');
    text
}

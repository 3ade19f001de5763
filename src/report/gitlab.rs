//! GitLab's code quality report: a list of findings, shown in the merge request beside the line of the spec.

use super::fingerprint::Fingerprints;
use super::json::printable;
use super::places::Places;
use super::plain;
use super::text::clean;
use crate::assert;
use crate::run::record::{RunRecord, TestRecord, Verdict};
use serde_json::{Value, json};
use std::path::Path;

/// The document of a run.
pub(super) fn document(run: &RunRecord, places: &Places) -> String {
    let mut found = Vec::new();
    for test in run.tests.iter().filter(|test| test.verdict > Verdict::Flaky) {
        let findings = plain::findings(&test.steps);
        let error = test.steps.iter().find_map(|step| step.error.as_ref());
        let error = error.or(test.reason.as_ref().filter(|_| findings.is_empty()));
        found.extend(findings.into_iter().map(|finding| Entry {
            test: Some(test),
            line: test.source.line_column(finding.at.start).line,
            rule: finding.rule.id(),
            severity: if finding.verdict == assert::Verdict::Fail { "major" } else { "minor" },
            says: format!("{}: {}", test.name, finding.message),
            of: &finding.expectation,
        }));
        found.extend(error.map(|error| {
            let says = format!("{}: {error}", test.name);
            Entry { test: Some(test), line: test.line, rule: "error", severity: "critical", says, of: "" }
        }));
    }
    // There is no place for the run as a whole but that of one of its tests, or of the configuration.
    let test = run.tests.first();
    let of_run = |says| Entry { test, line: 1, rule: "error", severity: "critical", says, of: "run" };
    found.extend(plain::errors(run).into_iter().map(of_run));
    let mut prints = Fingerprints::default();
    let entry = |entry: Entry<'_>| {
        let Entry { test, line, rule, severity, says, of } = entry;
        let path = places.name(test.map_or(Path::new("tracespec.yaml"), |test| test.source.path()));
        let name = test.map_or("", |test| test.name.as_str());
        json!({
            "description": clean(&says, true),
            "check_name": rule,
            "fingerprint": prints.of(&[&path, name, of, rule]),
            "severity": severity,
            "location": { "path": path, "lines": { "begin": line } },
        })
    };
    let entries: Vec<Value> = found.into_iter().map(entry).collect();
    printable(format!("{:#}\n", Value::from(entries)))
}

struct Entry<'a> {
    /// `None` for a run of which no test is known.
    test: Option<&'a TestRecord>,
    line: usize,
    rule: &'static str,
    severity: &'static str,
    says: String,
    /// The expectation that it is about.
    of: &'a str,
}

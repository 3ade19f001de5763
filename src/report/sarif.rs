//! SARIF 2.1.0 for code scanning: each finding at its line of the spec, with a fingerprint that outlives the line.

use super::fingerprint::Fingerprints;
use super::json::printable;
use super::places::Places;
use super::plain;
use super::text::clean;
use crate::assert::{self, Finding, RuleId};
use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use crate::source::Span;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// The rule of what is no finding.
const ERROR: &str = "test.error";
const ERROR_SAYS: &str = "A test can be carried out, and its trace be read.";

/// The document of a run.
pub(super) fn document(run: &RunRecord, places: &Places) -> String {
    printable(format!("{:#}\n", Sarif { places }.document(run)))
}

struct Sarif<'a> {
    places: &'a Places,
}

impl Sarif<'_> {
    fn document(&self, run: &RunRecord) -> Value {
        let rules = RuleId::ALL.iter().map(|rule| (rule.id(), rule.describes())).chain([(ERROR, ERROR_SAYS)]);
        let rules = rules.map(|(id, says)| json!({ "id": id, "shortDescription": { "text": says } }));
        let mut prints = Fingerprints::default();
        let tests = run.tests.iter().filter(|test| test.verdict > Verdict::Flaky);
        let results: Vec<Value> = tests.flat_map(|test| self.results(&mut prints, test)).collect();
        let notifications =
            plain::errors(run).into_iter().map(|error| json!({ "level": "error", "message": { "text": error } }));
        let notifications: Vec<Value> = notifications.collect();
        let ended = run.started_ns.saturating_add(u64::try_from(run.duration.as_nanos()).unwrap_or(u64::MAX));
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "tracespec",
                    "version": run.environment.version,
                    "rules": rules.collect::<Vec<_>>(),
                } },
                "columnKind": "unicodeCodePoints",
                "invocations": [{
                    "executionSuccessful": notifications.is_empty(),
                    "startTimeUtc": time(run.started_ns),
                    "endTimeUtc": time(ended),
                    "toolExecutionNotifications": notifications,
                }],
                "results": results,
            }],
        })
    }

    fn results(&self, prints: &mut Fingerprints, test: &TestRecord) -> Vec<Value> {
        let mut found = Vec::new();
        for step in &test.steps {
            found.extend(step.findings().map(|finding| Found {
                step: Some(step),
                rule: finding.rule as usize,
                level: if finding.verdict == assert::Verdict::Fail { "error" } else { "warning" },
                says: message(test, finding),
                expectation: &finding.expectation,
                at: Some(finding.at),
            }));
            let error = step.error.as_ref().map(|error| format!("{}: {error}", test.name));
            found.extend(error.map(|says| Found::error(Some(step), says)));
        }
        if found.is_empty() {
            found.push(Found::error(None, format!("{}: {}", test.name, plain::headline_of(test))));
        }
        found.iter().map(|found| self.result(prints, test, found)).collect()
    }

    fn result(&self, prints: &mut Fingerprints, test: &TestRecord, found: &Found<'_>) -> Value {
        let Found { step, rule, level, says, expectation, at } = found;
        let id = RuleId::ALL.get(*rule).map_or(ERROR, |rule| rule.id());
        let file = self.places.name(test.source.path());
        let region = match at {
            Some(at) => {
                let (start, end) = (test.source.line_column(at.start), test.source.line_column(at.end.max(at.start)));
                json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
            }
            None => json!({ "startLine": test.line }),
        };
        json!({
            "ruleId": id,
            "ruleIndex": rule,
            "level": level,
            "message": { "text": clean(says, true) },
            "locations": [{
                "physicalLocation": { "artifactLocation": self.artifact(test.source.path()), "region": region },
                "logicalLocations": [{ "name": clean(&test.name, false), "kind": "test" }],
            }],
            "partialFingerprints": { "tracespec/v1": prints.of(&[&file, &test.name, expectation, id]) },
            "properties": {
                "test": test.name,
                "step": step.map(|step| &step.name),
                "expectation": expectation,
                "traceId": step.and_then(|step| step.trace_id).map(|id| id.to_string()),
                "link": step.and_then(|step| step.link.as_ref()),
                "attempts": test.attempts,
            },
        })
    }

    fn artifact(&self, path: &Path) -> Value {
        let uri = self.places.uri(path);
        // What is not below the root of the repository is not relative to it.
        if uri.starts_with('/') {
            json!({ "uri": format!("file://{uri}") })
        } else {
            json!({ "uri": uri, "uriBaseId": "%SRCROOT%" })
        }
    }
}

/// What becomes one result.
struct Found<'a> {
    step: Option<&'a StepRecord>,
    /// The position among the rules.
    rule: usize,
    level: &'static str,
    says: String,
    expectation: &'a str,
    /// Where the spec has it; otherwise it is about the test.
    at: Option<Span>,
}

impl<'a> Found<'a> {
    fn error(step: Option<&'a StepRecord>, says: String) -> Found<'a> {
        Found { step, rule: RuleId::ALL.len(), level: "error", says, expectation: "", at: None }
    }
}

fn message(test: &TestRecord, finding: &Finding) -> String {
    let mut says = format!("{}: {}", test.name, finding.message);
    for (label, text) in [("expected", &finding.expected), ("actual", &finding.actual)] {
        if !text.is_empty() {
            says += &format!("\n{label}: {text}");
        }
    }
    says.extend(finding.hint.iter().map(|hint| format!("\n{hint}")));
    says
}

fn time(ns: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(ns)).to_string()
}

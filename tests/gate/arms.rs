//! Folders of saved traces, made of one trace: each run has an id of its own and is a little faster or slower.

use super::tracespec::command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a gate said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub error: String,
    pub report: Value,
}

impl Said {
    pub fn all(&self) -> String {
        format!("{}\n{}{}", self.code, self.out, self.error)
    }
    pub fn test(&self) -> &Value {
        &self.report["tests"][0]
    }
    /// The kinds of differences that fail or leave the gate undecided.
    pub fn kinds(&self) -> Vec<&str> {
        let structure = self.test()["structure"].as_array().map_or(&[][..], Vec::as_slice);
        structure.iter().filter(|one| one["verdict"] != "pass").filter_map(|one| one["kind"].as_str()).collect()
    }
    pub fn headline(&self) -> &str {
        self.report["headline"].as_str().unwrap_or_default()
    }
}

/// Two arms below a folder of their own.
pub struct Arms {
    pub folder: TempDir,
}

pub fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/orders/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl Arms {
    pub fn new() -> Arms {
        Arms { folder: TempDir::new().unwrap() }
    }
    /// The usual: 20 runs of the clean order, and as many of another.
    pub fn of(candidate: &str) -> Arms {
        let arms = Arms::new();
        arms.put("baseline/order", &fixture("none"), 0..20);
        arms.put("candidate/order", &fixture(candidate), 100..120);
        arms
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// Runs of a trace in a folder.
    pub fn put(&self, folder: &str, trace: &Value, runs: std::ops::Range<u128>) {
        self.put_with(folder, trace, runs, |_| 1.0);
    }
    /// The same, each so many times as long.
    pub fn put_with(&self, folder: &str, trace: &Value, runs: std::ops::Range<u128>, factor: impl Fn(u128) -> f64) {
        std::fs::create_dir_all(self.path(folder)).unwrap();
        for run in runs {
            // Between 96 and 104 %, in no order.
            let jitter = 0.96 + ((run * 7919 + 13) % 997) as f64 / 997.0 * 0.08;
            let mut trace = trace.clone();
            change(&mut trace, run + 1, jitter * factor(run), &mut None);
            std::fs::write(self.path(&format!("{folder}/{run}.json")), trace.to_string()).unwrap();
        }
    }
    pub fn gate(&self, more: &[&str]) -> Said {
        let mut command = command();
        command.current_dir(self.folder.path()).args(["gate", "--report", "json=gate.json"]);
        if !more.contains(&"--candidate-traces") {
            command.args(["--baseline-traces", "baseline", "--candidate-traces", "candidate"]);
        }
        let output = command.args(more).output().unwrap();
        let report = std::fs::read_to_string(self.path("gate.json")).unwrap_or_default();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
            report: serde_json::from_str(&report).unwrap_or_default(),
        }
    }
}

/// Gives a trace another id and stretches its times from its beginning on.
fn change(value: &mut Value, id: u128, factor: f64, begin: &mut Option<u64>) {
    if begin.is_none() {
        *begin = Some(earliest(value));
    }
    let from = begin.unwrap_or_default();
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| change(item, id, factor, begin)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), &field) {
                    ("traceId", _) => *field = Value::from(format!("{id:032x}")),
                    ("startTimeUnixNano" | "endTimeUnixNano" | "timeUnixNano", Value::String(text)) => {
                        let at: u64 = text.parse().unwrap();
                        let after = (at.saturating_sub(from) as f64 * factor) as u64;
                        *field = Value::from((from + after).to_string());
                    }
                    _ => change(field, id, factor, begin),
                }
            }
        }
        _ => {}
    }
}

fn earliest(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(earliest).min().unwrap_or(u64::MAX),
        Value::Object(fields) => {
            let own = fields.get("startTimeUnixNano").and_then(Value::as_str).and_then(|text| text.parse().ok());
            own.into_iter().chain(fields.values().map(earliest)).min().unwrap_or(u64::MAX)
        }
        _ => u64::MAX,
    }
}

/// All spans of a trace, to be changed.
pub fn spans(trace: &mut Value, mut change: impl FnMut(&mut Vec<Value>)) {
    for resource in trace["resourceSpans"].as_array_mut().unwrap() {
        for scope in resource["scopeSpans"].as_array_mut().unwrap() {
            change(scope["spans"].as_array_mut().unwrap());
        }
    }
}

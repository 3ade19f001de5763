//! A stored baseline: what was learnt of a test's runs, as a JSON file that people review.
//!
//! `tracespec/baseline/1`. Paths and what is known of them come first, then the durations, a line for each path: all runs side by side, so
//! that a run can be followed down the file. Whatever runs were recorded, the order is the same.

use super::arm::{Arm, Catalogue, Timing};
use crate::baseline::{Key, PathIx, ProfileDocument};
use crate::trace::{Kind, TraceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;

/// The document's schema and version.
pub const SCHEMA: &str = "tracespec/baseline/1";
/// No more than these runs are read of a file.
const MOST_RUNS: usize = super::arm::KEPT;

/// A baseline and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    schema: String,
    /// The test.
    pub test: String,
    /// Where the test stands.
    pub file: String,
    /// When and where the runs were made.
    pub recorded: Recorded,
    profile: ProfileDocument,
    durations: Durations,
}

/// When and where runs were made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// When, as RFC 3339.
    pub at: String,
    /// The version of this program.
    pub tracespec: String,
    /// The machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its operating system and architecture.
    pub platform: String,
    /// How many processors it has.
    pub cpus: usize,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Microseconds, a column for each run; `null` where a run lacks the path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Durations {
    root_us: Vec<f64>,
    /// In the order of the profile's paths.
    paths: Vec<OfPath>,
    network: Vec<OfCall>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPath {
    span: String,
    us: Vec<Option<f64>>,
    critical_us: Vec<Option<f64>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCall {
    from: [String; 3],
    to: [String; 3],
    us: Vec<Option<f64>>,
}

/// Why a file is no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no such document.
    #[error("not a baseline: {0}")]
    Document(String),
    /// It was written by another version.
    #[error("its schema is `{0}`, expected `{SCHEMA}`; record it anew with this version")]
    Schema(String),
}

impl Stored {
    /// What an arm knows.
    pub fn of(test: &str, file: &str, recorded: Recorded, arm: &Arm, catalogue: &Catalogue) -> Stored {
        let paths = arm.profile.paths();
        let mut timings: Vec<&Timing> = arm.timings().collect();
        timings.sort_by_key(|timing| (timing.root_ns, timing.id));
        let column = |of: &dyn Fn(&Timing) -> Option<u64>| -> Vec<Option<f64>> {
            timings.iter().map(|timing| of(timing).map(micros)).collect()
        };
        let order = paths.sorted();
        // The numbers of paths in timings are the catalogue's.
        let numbers = catalogue.numbers(paths);
        let of_path = |ix: &PathIx| {
            let number = numbers[ix.index()];
            let find = |timing: &Timing| timing.paths.iter().find(|(path, ..)| Some(*path) == number).copied();
            OfPath {
                span: paths.key(*ix).to_string(),
                us: column(&|timing| find(timing).map(|(_, duration, _)| duration)),
                critical_us: column(&|timing| find(timing).map(|(.., critical)| critical)),
            }
        };
        let of_call = |number: u32| {
            let (from, to) = catalogue.call(number);
            let find = |timing: &Timing| timing.network.iter().find(|(call, _)| *call == number).map(|(_, time)| *time);
            OfCall { from: key_to(from), to: key_to(to), us: column(&find) }
        };
        let mut network: Vec<OfCall> = (0..catalogue.calls()).map(of_call).collect();
        network.sort_by(|one, other| (&one.from, &one.to).cmp(&(&other.from, &other.to)));
        Stored {
            schema: SCHEMA.to_owned(),
            test: test.to_owned(),
            file: file.to_owned(),
            recorded,
            profile: ProfileDocument::from(&arm.profile),
            durations: Durations {
                root_us: timings.iter().map(|timing| micros(timing.root_ns)).collect(),
                paths: order.iter().map(of_path).collect(),
                network,
            },
        }
    }

    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Stored, Unreadable> {
        let value: Value = serde_json::from_str(text).map_err(|why| Unreadable::Document(why.to_string()))?;
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => {}
            Some(other) => return Err(Unreadable::Schema(other.to_owned())),
            None => return Err(Unreadable::Document("it does not begin with a schema".to_owned())),
        }
        serde_json::from_value(value).map_err(|why| Unreadable::Document(why.to_string()))
    }

    /// The arm that it is.
    pub fn arm(&self) -> Result<(Arm, Catalogue), Unreadable> {
        let wrong = |why: String| Unreadable::Document(why);
        let profile = self.profile.profile().map_err(|why| wrong(why.to_string()))?;
        let runs = self.durations.root_us.len();
        if runs > MOST_RUNS {
            return Err(wrong(format!("it has the durations of {runs} runs, expected {MOST_RUNS} at most")));
        }
        let paths = profile.paths();
        if self.durations.paths.len() != paths.len() {
            return Err(wrong(format!(
                "it has durations of {} paths, expected {}",
                self.durations.paths.len(),
                paths.len()
            )));
        }
        let mut catalogue = Catalogue::default();
        let numbers = catalogue.put(paths);
        let calls: Vec<u32> = self
            .durations
            .network
            .iter()
            .map(|call| Some(catalogue.put_call(&(key_of(&call.from)?, key_of(&call.to)?))))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("a call names no kind of span".to_owned()))?;
        let mut timings: Vec<Timing> = Vec::with_capacity(runs);
        for (number, &root) in self.durations.root_us.iter().enumerate() {
            // Its own ids are not kept; any will do that differ.
            let Some(id) = TraceId::new(number as u128 + 1) else { continue };
            timings.push(Timing { id, root_ns: nanos(root), paths: Vec::new(), network: Vec::new() });
        }
        for (entry, (ix, &number)) in self.durations.paths.iter().zip(paths.all().zip(&numbers)) {
            let span = paths.key(ix).to_string();
            if entry.span != span {
                return Err(wrong(format!("durations of `{}` stand where those of `{span}` belong", entry.span)));
            }
            if entry.us.len() != runs || entry.critical_us.len() != runs {
                return Err(wrong(format!("`{span}` has not as many durations as there are runs, {runs}")));
            }
            for (timing, (time, critical)) in timings.iter_mut().zip(entry.us.iter().zip(&entry.critical_us)) {
                if let Some(time) = time {
                    timing.paths.push((number, nanos(*time), critical.map_or(0, nanos)));
                }
            }
        }
        for (entry, &number) in self.durations.network.iter().zip(&calls) {
            for (timing, time) in timings.iter_mut().zip(&entry.us) {
                timing.network.extend(time.map(|time| (number, nanos(time))));
            }
        }
        let mut arm = Arm::of_profile(profile);
        timings.into_iter().for_each(|timing| arm.put(timing));
        Ok((arm, catalogue))
    }

    /// How many runs it was learnt of.
    pub fn runs(&self) -> usize {
        self.durations.root_us.len()
    }

    /// The file's text: the schema first, a path or a list of numbers in one line.
    pub fn text(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let fields = ["schema", "test", "file", "recorded", "profile", "durations"];
        let mut out = "{".to_owned();
        for (at, name) in fields.into_iter().enumerate() {
            let _ = write!(out, "{}\n  \"{name}\": ", if at > 0 { "," } else { "" });
            write_value(&mut out, &value[name], 1);
        }
        out + "\n}\n"
    }
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1000.0
}
fn nanos(us: f64) -> u64 {
    (us.max(0.0) * 1000.0).round() as u64
}
fn key_to(key: &Key) -> [String; 3] {
    [key.service.to_string(), key.kind.word().to_owned(), key.name.to_string()]
}
fn key_of([service, kind, name]: &[String; 3]) -> Option<Key> {
    let kind = Kind::ALL.into_iter().find(|one| one.word() == kind)?;
    Some(Key::new(service, kind, name))
}

fn write_value(out: &mut String, value: &Value, depth: usize) {
    let margin = "  ".repeat(depth + 1);
    let end = "  ".repeat(depth);
    let is_flat = |value: &Value| !value.is_array() && !value.is_object();
    match value {
        Value::Array(items) if items.iter().all(is_flat) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            let _ = write!(out, "[{}]", items.join(", "));
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                let _ = write!(out, "{}\n{margin}", if at > 0 { "," } else { "" });
                write_value(out, item, depth + 1);
            }
            let _ = write!(out, "\n{end}]");
        }
        Value::Object(fields) if depth > 2 && fields.values().all(is_flat) => out.push_str(&value.to_string()),
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, item)) in fields.iter().enumerate() {
                let _ = write!(out, "{}\n{margin}{}: ", if at > 0 { "," } else { "" }, Value::from(name.as_str()));
                write_value(out, item, depth + 1);
            }
            let _ = write!(out, "\n{end}}}");
        }
        flat => out.push_str(&flat.to_string()),
    }
}

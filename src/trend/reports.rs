//! A gate's report read back: as much of `tracespec/gate/1` as a trend needs.

use serde::Deserialize;

/// The schema that is read.
pub const SCHEMA: &str = "tracespec/gate/1";

/// What one gate reported.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GateReport {
    /// When it began, in Unix nanoseconds.
    #[serde(rename = "started")]
    pub started_ns: u64,
    /// Its verdict, a word.
    pub verdict: String,
    /// Its tests.
    pub tests: Vec<Tested>,
}

/// What it reported of one test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Tested {
    /// The test's name.
    pub name: String,
    /// Its paths that have durations.
    pub durations: Vec<Timed>,
}

/// What it reported of one path.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Timed {
    /// The path, as text.
    pub path: String,
    /// Whether it is the root.
    #[serde(default)]
    pub root: bool,
    /// The median run of the candidate, in nanoseconds; a path without a run has none.
    pub candidate_ns: Option<u64>,
}

/// Why a file is not read as a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is something else, as folders of reports have.
    Another,
    /// It is a gate's report that cannot be read, with what is wrong.
    Broken(String),
}

/// Reads a report.
///
/// # Errors
/// What is no JSON object with this schema is [`Refused::Another`]; a report of another version or with parts missing is
/// [`Refused::Broken`].
pub fn read(text: &str) -> Result<GateReport, Refused> {
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    let Ok(Schema { schema }) = serde_json::from_str(text) else {
        // A report that was cut off still begins like one.
        let begins = text.get(..200).unwrap_or(text).contains("\"tracespec/gate/");
        return Err(if begins { Refused::Broken("it is not whole JSON".to_owned()) } else { Refused::Another });
    };
    match schema.strip_prefix("tracespec/gate/") {
        None => Err(Refused::Another),
        Some("1") => serde_json::from_str(text).map_err(|why| Refused::Broken(why.to_string())),
        Some(_) => Err(Refused::Broken(format!("expected the schema {SCHEMA}, found {schema}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_report_is_read_and_what_a_trend_does_not_need_is_passed_over() {
        let read = read(
            r#"{"schema":"tracespec/gate/1","verdict":"pass","headline":"x","started":5,"tests":[{"name":"an order","verdict":"pass",
            "durations":[{"path":"shop GET /","root":true,"candidate_ns":7,"ratio":1.0},{"path":"a b","verdict":"too_few"}]}]}"#,
        )
        .unwrap();
        assert_eq!((read.started_ns, read.verdict.as_str()), (5, "pass"));
        let [first, second] = read.tests[0].durations.as_slice() else { panic!("{read:?}") };
        assert_eq!((first.root, first.candidate_ns), (true, Some(7)));
        assert_eq!((second.root, second.candidate_ns), (false, None));
    }

    #[test]
    fn other_files_are_told_from_reports_that_are_broken() {
        for other in ["", "[]", "<xml/>", r#"{"schema":"tracespec/run/1"}"#, r#"{"a":1}"#] {
            assert_eq!(read(other), Err(Refused::Another), "{other}");
        }
        let broken = |text: &str| match read(text) {
            Err(Refused::Broken(why)) => why,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(broken(r#"{"schema":"tracespec/gate/1","verdict":"pa"#), "it is not whole JSON");
        assert!(
            broken(r#"{"schema":"tracespec/gate/1","verdict":"pass","started":1}"#).contains("missing field `tests`")
        );
        assert_eq!(
            broken(r#"{"schema":"tracespec/gate/2"}"#),
            "expected the schema tracespec/gate/1, found tracespec/gate/2"
        );
    }
}

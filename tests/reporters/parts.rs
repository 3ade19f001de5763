//! The report of a part of a run, written, read back and written again.

use super::strings::{text, with_texts};
use super::{kinds, written};
use crate::records;
use proptest::prelude::*;
use serde_json::Value;
use tracespec::assert::Lack;
use tracespec::report::json::read;
use tracespec::run::record::{BodyRecord, ProcessRecord, ProgramRecord, Protocol, RunRecord, ShardRecord, StepRecord};
use tracespec::trace::{SpanId, SpanIx};

fn program() -> ProgramRecord {
    ProgramRecord {
        argv: vec!["k6".to_owned(), "run".to_owned()],
        env: vec![("TRACEPARENT".to_owned(), "00-x".to_owned())],
        directory: "load".to_owned(),
        ending: Some("exit code 3".to_owned()),
        stdout: Some(BodyRecord::of(b"out")),
        stderr: None,
    }
}

/// A part in which every field of a record has a value somewhere.
fn part(interrupted: bool) -> RunRecord {
    let mut run = records::run(interrupted);
    run.tests.extend(crate::repeated::run().tests);
    run.shard = Some(ShardRecord { part: 2, of: 3, tests: 40, digest: "0a".to_owned() });
    for (position, test) in run.tests.iter_mut().enumerate() {
        test.position = position;
        for step in &mut test.steps {
            // Those of the others are not known, as of a saved trace.
            if step.trace.is_none() {
                step.injected = vec![SpanId::new(7).unwrap(), SpanId::new(8).unwrap()];
            }
            step.logs = vec![ProcessRecord {
                name: "shop".to_owned(),
                last_lines: vec!["a".to_owned(), "b".to_owned()],
                ended: None,
            }];
            // It is not carried over: a part compares with what was kept on its own machine.
            step.since_last_pass = None;
            step.late = position == 1;
            step.timing.after_last_span = step.timing.after_last_span.filter(|_| position != 0);
            // What speaks of all runs of a repeated test has no trace of its own.
            let has_trace = step.trace.is_some();
            for finding in step.expectations.iter_mut().flat_map(|one| &mut one.findings) {
                finding.pair = has_trace.then_some((SpanIx(0), SpanIx(3)));
                finding.lacks = vec![Lack::Service("x".to_owned()), Lack::Selection("name: y".to_owned())];
                finding.span_ids = vec![SpanId::new(255).unwrap()];
            }
        }
    }
    let step = &mut run.tests[0].steps[0];
    step.program = Some(program());
    step.request.as_mut().unwrap().protocol = Protocol::Grpc;
    run
}

fn written_of(run: &RunRecord) -> String {
    written("json", run).0
}

#[test]
fn what_is_read_back_is_written_as_it_was_in_every_report() {
    for run in [part(false), part(true)] {
        let text = written_of(&run);
        let back = read(text.as_bytes(), "0.0.0").unwrap();
        for kind in kinds().chain(["html"]) {
            // Resources and texts of a trace may be numbered otherwise once it has been written and read.
            let without_traces = |text: String| {
                text.lines()
                    .filter(|line| !line.contains("id=\"trace-"))
                    .map(|line| format!("{line}\n"))
                    .collect::<String>()
            };
            let [one, other] = [&back, &run].map(|run| without_traces(written(kind, run).0));
            let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
            let shown = differs.map(|(one, other)| {
                let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
                let around = |line: &str| line.chars().skip(same.saturating_sub(80)).take(300).collect::<String>();
                format!("{}\n{}", around(one), around(other))
            });
            assert!(one == other, "{kind}: {shown:?}");
        }
        // What is only for people is there as well.
        let step = |run: &RunRecord| format!("{:?}", run.tests[1].steps[0]);
        let without_trace = |mut run: RunRecord| {
            run.tests[1].steps[0].trace = None;
            step(&run)
        };
        assert_eq!(without_trace(back), without_trace(run));
    }
}

#[test]
fn the_report_of_a_part_is_what_its_schema_says() {
    let schema = std::fs::read("docs/run-report.schema.json").unwrap();
    let validator = crate::json_schema::Validator::new(&serde_json::from_slice(&schema).unwrap());
    let document: Value = serde_json::from_str(&written_of(&part(false))).unwrap();
    assert_eq!(validator.error(&document), None);
    // A whole run has nothing of what merging needs.
    let whole: Value = serde_json::from_str(&written_of(&records::run(false))).unwrap();
    assert!(whole["sources"].is_null() && whole["traces"].is_null() && whole["tests"][0]["merge"].is_null());
}

fn error(text: &str) -> String {
    read(text.as_bytes(), "0.0.0").err().unwrap_or_default()
}

#[test]
fn what_is_no_report_of_a_part_says_why() {
    let text = written_of(&part(false));
    for (text, says) in [
        (String::new(), "it ends in the middle"),
        (text[..text.len() / 2].to_owned(), "it ends in the middle, in line "),
        ("<testsuites/>".to_owned(), "it is no JSON"),
        ("[]".to_owned(), "it is no report of a run"),
        ("{}".to_owned(), "it does not begin with `\"schema\": \"tracespec/run/1\"`"),
        (text.replace("tracespec/run/1", "tracespec/run/9"), "it is `tracespec/run/9`"),
        (
            text.replace("\"version\": \"0.0.0\"", "\"version\": \"0.0.1\""),
            "tracespec 0.0.1 wrote it, and this is 0.0.0",
        ),
        (written_of(&records::run(true)), "it is the report of a whole run, not of a part"),
        (written_of(&records::run(false)), "it has no results: process `worker` ended"),
        (text.replace("\"seed\": 7", "\"seed\": -7"), "seed is -7, not a whole number"),
        (
            text.replace("\"rule\": \"calls.forbid\"", "\"rule\": \"x\""),
            "tests[1].steps[0].expectations[1].findings[0].rule is `x`",
        ),
        (text.replace("\"verdict\": \"flaky\"", "\"verdict\": \"good\""), "verdict is `good`, not a verdict"),
        (
            text.replace("\"file\": \"specs/orders.yaml\"", "\"file\": \"x\""),
            "tests[0].file is `x`, not one of the `sources`",
        ),
        (text.replace("\"otlp\": \"", "\"otlp\": \"!"), "traces[0] is no trace"),
    ] {
        assert!(error(&text).contains(says), "{says}: {}", error(&text));
    }
    // A row that the trace does not have.
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document["tests"][1]["merge"]["steps"][0]["expectations"][1]["findings"][0]["rows"][0] = 999.into();
    assert!(error(&document.to_string()).ends_with(".rows[0] is 999, not a span of the trace"));
    document["tests"][1]["merge"]["steps"].as_array_mut().unwrap().clear();
    assert!(error(&document.to_string()).contains("tests[1].steps has 1 entries"), "{}", error(&document.to_string()));
}

/// Every value of a document, by its path.
fn pointers(value: &Value, path: &str, all: &mut Vec<String>) {
    all.push(path.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| pointers(item, &format!("{path}/{at}"), all));
        }
        Value::Object(items) => items.iter().for_each(|(key, item)| pointers(item, &format!("{path}/{key}"), all)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_texts_come_back(texts in prop::collection::vec(text(), 40)) {
        let mut run = with_texts(part(false), &texts);
        // The version decides whether a report is read at all.
        run.environment.version = "0.0.0".to_owned();
        let logs = |step: &mut StepRecord| step.logs[0].last_lines = texts[..3].to_vec();
        run.tests.iter_mut().flat_map(|test| &mut test.steps).for_each(logs);
        let text = written_of(&run);
        let back = read(text.as_bytes(), "0.0.0").unwrap();
        prop_assert!(written_of(&back) == text);
        prop_assert!(written("junit", &back).0 == written("junit", &run).0);
    }

    #[test]
    fn whatever_is_changed_or_cut_off_is_read_or_refused(at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), what in 0..7usize) {
        let text = written_of(&part(false));
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        let values = [Value::Null, true.into(), (-1).into(), u64::MAX.into(), "x".into(), Value::Array(Vec::new()), serde_json::json!({})];
        *document.pointer_mut(&all[at.index(all.len())]).unwrap() = values[what].clone();
        if let Ok(back) = read(document.to_string().as_bytes(), "0.0.0") {
            // It can be written, whatever it is.
            ["junit", "tap", "sarif"].iter().for_each(|kind| drop(written(kind, &back)));
        }
        prop_assert!(read(&text.as_bytes()[..cut.index(text.len() - 2)], "0.0.0").is_err());
    }
}

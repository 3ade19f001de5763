//! JUnit XML as Jenkins and Maven Surefire define it: a suite for each file, one case for each test.
//!
//! A failed expectation is a failure; what could not be found out, or not be decided, is an error, so that it is never green.
//! Attempts before the last are `flaky…` in a test that passed in the end and `rerun…` in one that did not, as Surefire has
//! them. A case has no properties in either schema, and Jenkins refuses a file that breaks its own, so the traces of tests are
//! properties of their suite, and lines of the case's output. What the system printed is the case's other output.

use super::plain;
use super::text::clean;
use super::xml::Xml;
use crate::run::record::{AttemptRecord, RunRecord, StepRecord, TestRecord, Verdict};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// What a verdict is in this format.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passed,
    Failed,
    Broken,
    Skipped,
}

fn kind(verdict: Verdict) -> Kind {
    match verdict {
        Verdict::Pass | Verdict::Flaky => Kind::Passed,
        Verdict::Fail => Kind::Failed,
        Verdict::Error | Verdict::Inconclusive => Kind::Broken,
        Verdict::Skipped => Kind::Skipped,
    }
}

/// The document of a run.
pub(super) fn document(run: &RunRecord) -> String {
    let mut files: BTreeMap<String, Vec<&TestRecord>> = BTreeMap::new();
    for test in &run.tests {
        files.entry(test.source.path().display().to_string()).or_default().push(test);
    }
    let broken_run = plain::errors(run);
    let count = |wanted| run.tests.iter().filter(|test| kind(test.verdict) == wanted).count();
    let whole = usize::from(!broken_run.is_empty());
    let mut xml = Xml::new();
    xml.open(
        "testsuites",
        &[
            ("name", "tracespec"),
            ("time", &seconds(run.duration)),
            ("tests", &(run.tests.len() + whole).to_string()),
            ("failures", &count(Kind::Failed).to_string()),
            ("errors", &(count(Kind::Broken) + whole).to_string()),
        ],
    );
    for (file, tests) in &files {
        suite(&mut xml, run, file, tests);
    }
    if whole > 0 {
        of_the_run(&mut xml, run, &broken_run);
    }
    xml.close();
    xml.finish()
}

fn suite(xml: &mut Xml, run: &RunRecord, file: &str, tests: &[&TestRecord]) {
    let count = |wanted| tests.iter().filter(|test| kind(test.verdict) == wanted).count().to_string();
    let began = tests.iter().map(|test| test.started_ns).filter(|&at| at > 0);
    let ended = tests
        .iter()
        .filter(|test| test.started_ns > 0)
        .map(|test| test.started_ns.saturating_add(nanos(test.duration)));
    let (began, ended) = (began.min().unwrap_or(run.started_ns), ended.max().unwrap_or(run.started_ns));
    let file = clean(file, false);
    xml.open(
        "testsuite",
        &[
            ("name", &file),
            ("time", &seconds(Duration::from_nanos(ended.saturating_sub(began)))),
            ("tests", &tests.len().to_string()),
            ("failures", &count(Kind::Failed)),
            ("errors", &count(Kind::Broken)),
            ("skipped", &count(Kind::Skipped)),
            ("timestamp", &timestamp(began)),
            ("hostname", run.environment.host.as_deref().unwrap_or("unknown")),
        ],
    );
    let mut properties = vec![
        ("tracespec".to_owned(), run.environment.version.clone()),
        ("backend".to_owned(), run.environment.backend.clone()),
        ("seed".to_owned(), run.seed.to_string()),
    ];
    properties.extend(run.environment.commit.iter().map(|commit| ("commit".to_owned(), commit.clone())));
    for test in tests {
        for step in &test.steps {
            let name = if step.name.is_empty() { test.name.clone() } else { format!("{} > {}", test.name, step.name) };
            properties.extend(step.trace_id.map(|id| (format!("trace of {name}"), id.to_string())));
            properties.extend(step.link.iter().map(|link| (format!("link of {name}"), link.clone())));
        }
    }
    xml.open("properties", &[]);
    for (name, value) in &properties {
        xml.empty("property", &[("name", &clean(name, false)), ("value", &clean(value, false))]);
    }
    xml.close();
    tests.iter().for_each(|test| case(xml, &file, test));
    xml.close();
}

fn case(xml: &mut Xml, file: &str, test: &TestRecord) {
    let name = clean(&test.name, false);
    xml.open("testcase", &[("name", &name), ("classname", &class(file)), ("time", &seconds(test.duration))]);
    let headline = plain::headline_of(test);
    let details = || plain::details(test, &test.steps);
    let message = ("message", headline.as_str());
    // The elements have a fixed order, failures before errors.
    if test.verdict == Verdict::Fail {
        let rule = plain::findings(&test.steps).first().map_or("fail", |finding| finding.rule.id());
        xml.text_in("failure", &[message, ("type", rule)], &details());
    }
    let word = if kind(test.verdict) == Kind::Passed { "flaky" } else { "rerun" };
    let earlier = |wanted| test.earlier.iter().filter(move |attempt| kind(attempt.verdict) == wanted);
    earlier(Kind::Failed).for_each(|attempt| again(xml, &format!("{word}Failure"), test, attempt));
    if test.verdict == Verdict::Skipped {
        xml.empty("skipped", &[("message", &clean(test.reason.as_deref().unwrap_or("skipped"), false))]);
    }
    if kind(test.verdict) == Kind::Broken {
        xml.text_in("error", &[message, ("type", test.verdict.word())], &details());
    }
    earlier(Kind::Broken).for_each(|attempt| again(xml, &format!("{word}Error"), test, attempt));
    let output = output(test);
    if !output.is_empty() {
        xml.text_in("system-out", &[], &output);
    }
    let printed = plain::printed(&test.steps);
    if !printed.is_empty() {
        xml.text_in("system-err", &[], &printed);
    }
    xml.close();
}

fn again(xml: &mut Xml, element: &str, test: &TestRecord, attempt: &AttemptRecord) {
    let AttemptRecord { verdict, steps, .. } = attempt;
    let headline = plain::headline(*verdict, steps, None);
    xml.open(element, &[("message", &headline), ("type", verdict.word())]);
    xml.text_in("stackTrace", &[], &plain::details(test, steps));
    xml.close();
}

/// The steps of a test with their traces.
fn output(test: &TestRecord) -> String {
    let line = |step: &StepRecord| {
        let mut line = if step.name.is_empty() { String::new() } else { format!("step `{}`: ", step.name) };
        line += step.verdict.word();
        if let Some(id) = step.trace_id {
            line += &format!(", trace {id}");
        }
        if let Some(link) = &step.link {
            line += &format!(", {link}");
        }
        clean(&line, false) + "\n"
    };
    let attempts = if test.attempts > 1 { format!("attempt {}\n", test.attempts) } else { String::new() };
    // What did not pass has them with its failure.
    let repeat = test.repeat.iter().filter(|_| kind(test.verdict) == Kind::Passed);
    let runs = repeat.flat_map(|repeat| repeat.lines()).map(|line| clean(&line, false) + "\n");
    attempts + &runs.chain(test.steps.iter().map(line)).collect::<String>()
}

fn of_the_run(xml: &mut Xml, run: &RunRecord, errors: &[String]) {
    xml.open(
        "testsuite",
        &[
            ("name", "tracespec"),
            ("time", &seconds(run.duration)),
            ("tests", "1"),
            ("failures", "0"),
            ("errors", "1"),
            ("skipped", "0"),
            ("timestamp", &timestamp(run.started_ns)),
        ],
    );
    xml.open(
        "testcase",
        &[("name", "the run as a whole"), ("classname", "tracespec"), ("time", &seconds(run.duration))],
    );
    let first = errors[0].lines().next().unwrap_or_default();
    let kind = if run.interrupted { "interrupted" } else { "error" };
    xml.text_in("error", &[("message", first), ("type", kind)], &(errors.join("\n") + "\n"));
    xml.close();
    xml.close();
}

/// Consumers group by what stands before the last dot: the file without its ending.
fn class(file: &str) -> String {
    let stem = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file);
    stem.replace('.', "_").replace(['/', '\\'], ".")
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds to the millisecond.
fn seconds(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}

fn timestamp(ns: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_nanos(ns)).to_string()
}

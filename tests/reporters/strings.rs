//! Whatever the texts of a run are, each report stays well-formed and has each test once.

use super::{annotations, kinds, written};
use crate::records;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use tracespec::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use tracespec::source::SourceFile;

/// What formats take for their own, and what they cannot hold.
pub fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("]]>"),
        Just("<a b='"),
        Just("&amp;"),
        Just("\""),
        Just("::error::x"),
        Just("::stop-commands::x"),
        Just("%0A"),
        Just("\n"),
        Just("\r\n"),
        Just("\n\n"),
        Just("\0"),
        Just("\u{1b}[31m"),
        Just("\u{85}"),
        Just("\u{2028}"),
        Just("\u{feff}"),
        Just("\u{fffe}"),
        Just("\u{ffff}"),
        Just("\u{10ffff}"),
        Just(" # SKIP"),
        Just("# TODO"),
        Just("\n  ...\n"),
        Just("---"),
        Just("ok 1 - x"),
        Just("Bail out!"),
        Just("1..9"),
        Just("\\"),
        Just("</details>"),
        Just("</pre>"),
        Just("```"),
        Just("@all"),
        Just("\u{202e}"),
        Just("ä"),
        Just("x"),
        Just(" "),
        Just(","),
        Just("../"),
        Just("javascript:"),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn texts_of_a_step(step: &mut StepRecord, next: &mut impl FnMut() -> String) {
    step.name = next();
    step.remarks = vec![next()];
    step.link = Some(next());
    step.error = step.error.as_ref().map(|_| next());
    step.log = Some(next());
    step.rejudged = Some(next());
    step.timing.settled_by = next();
    for process in &mut step.logs {
        (process.name, process.last_lines, process.ended) = (next(), vec![next(), next()], Some(next()));
    }
    if let Some(request) = &mut step.request {
        (request.method, request.url) = (next(), next());
        request.headers = vec![(next(), next())];
        request.body = request.body.take().map(|mut body| {
            body.text = next();
            body
        });
    }
    if let Some(answer) = &mut step.answer {
        answer.headers = vec![(next(), next())];
        answer.message = Some(next());
        answer.body.text = next();
    }
    for expectation in &mut step.expectations {
        expectation.path = next();
        for finding in &mut expectation.findings {
            (finding.expectation, finding.message, finding.expected, finding.actual) = (next(), next(), next(), next());
            finding.hint = Some(next());
            finding.absent.iter_mut().for_each(|absent| absent.what = next());
        }
    }
}

pub fn with_texts(mut run: RunRecord, texts: &[String]) -> RunRecord {
    let mut all = texts.iter().cycle();
    let mut next = || all.next().cloned().unwrap_or_default();
    run.errors = vec![next()];
    run.remarks = vec![next()];
    let environment = &mut run.environment;
    (environment.backend, environment.host, environment.commit) = (next(), Some(next()), Some(next()));
    for process in &mut run.processes {
        (process.name, process.last_lines, process.ended) = (next(), vec![next()], Some(next()));
    }
    for (number, test) in run.tests.iter_mut().enumerate() {
        // Files and names differ, as they do in a run.
        let TestRecord { name, source, reason, tags, steps, earlier, repeat, .. } = test;
        *name = format!("{number}{}", next());
        *source = SourceFile::new(format!("{}{}", next(), number % 2), source.text());
        *reason = reason.as_ref().map(|_| next());
        *tags = vec![next()];
        let earlier = earlier.iter_mut().flat_map(|attempt| &mut attempt.steps);
        steps.iter_mut().chain(earlier).for_each(|step| texts_of_a_step(step, &mut next));
        if let Some(repeat) = repeat {
            repeat.timed.fill_with(&mut next);
            repeat.causes.iter_mut().for_each(|cause| cause.message = next());
            repeat.runs.iter_mut().for_each(|run| run.link = Some(next()));
            for one in &mut repeat.percentiles {
                (one.path, one.of, one.expected) = (next(), next(), next());
            }
            for one in &mut repeat.ratios {
                (one.path, one.left, one.right, one.expected) = (next(), next(), next(), next());
            }
            let kept = repeat.kept.iter_mut().flat_map(|run| &mut run.steps);
            kept.for_each(|step| texts_of_a_step(step, &mut next));
        }
    }
    run
}

fn xml(text: &str) -> roxmltree::Document<'_> {
    roxmltree::Document::parse(text).unwrap_or_else(|why| panic!("{why}:\n{text}"))
}

fn named<'a>(document: &'a roxmltree::Document<'_>, name: &'a str) -> impl Iterator<Item = roxmltree::Node<'a, 'a>> {
    document.descendants().filter(move |node| node.has_tag_name(name))
}

fn check_junit(run: &RunRecord) {
    let text = written("junit", run).0;
    let document = xml(&text);
    // One for the run as a whole.
    assert_eq!(named(&document, "testcase").count(), run.tests.len() + 1);
    for suite in named(&document, "testsuite") {
        let count = |names: &[&str]| {
            let hit = |case: &roxmltree::Node<'_, '_>| {
                case.children().any(|node| names.iter().any(|name| node.has_tag_name(*name)))
            };
            suite.children().filter(|node| node.has_tag_name("testcase") && hit(node)).count().to_string()
        };
        let says = |name: &str| suite.attribute(name).unwrap().to_owned();
        assert_eq!(
            (says("failures"), says("errors"), says("skipped")),
            (count(&["failure"]), count(&["error"]), count(&["skipped"]))
        );
    }
    let whole = document.root_element();
    let of = |verdicts: &[Verdict]| run.tests.iter().filter(|test| verdicts.contains(&test.verdict)).count();
    assert_eq!(whole.attribute("failures"), Some(of(&[Verdict::Fail]).to_string().as_str()));
    assert_eq!(
        whole.attribute("errors"),
        Some((of(&[Verdict::Error, Verdict::Inconclusive]) + 1).to_string().as_str())
    );
}

fn check_tap(run: &RunRecord) {
    let text = written("tap", run).0;
    let mut inside = false;
    let mut points = Vec::new();
    for line in text.lines() {
        match line {
            "  ---" => inside = true,
            "  ..." => inside = false,
            line if inside && line.starts_with("    ") => {}
            "  details: |2" | "  printed: |2" if inside => {}
            line if inside => {
                let (_, value) = line.strip_prefix("  ").unwrap().split_once(": ").unwrap();
                serde_json::from_str::<Value>(value).unwrap();
            }
            line if line.starts_with("    ") => {}
            line if line.starts_with("ok ") || line.starts_with("not ok ") => points.push(line),
            line => assert!(
                line == "TAP version 14"
                    || line.starts_with("1..")
                    || line.starts_with("# Subtest: ")
                    || line.starts_with("Bail out! "),
                "{line}"
            ),
        }
    }
    assert!(!inside);
    assert_eq!(points.len(), run.tests.len() + 1);
    for (position, (point, test)) in points.iter().zip(&run.tests).enumerate() {
        let ok = if test.verdict > Verdict::Flaky { "not ok" } else { "ok" };
        assert!(point.starts_with(&format!("{ok} {} - ", position + 1)), "{point}");
        // A directive is ` # ` that no backslash escapes.
        let is_skipped = point.contains(" # SKIP");
        assert_eq!(is_skipped, test.verdict == Verdict::Skipped, "{point}");
        assert!(!point.contains(" # TODO"), "{point}");
    }
}

fn check_sarif(run: &RunRecord) {
    let document: Value = serde_json::from_str(&written("sarif", run).0).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region["startLine"].as_u64().unwrap() >= 1 && region["startColumn"].as_u64() != Some(0));
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&byte)), "{uri}");
    }
    let tests: BTreeSet<&str> = results.iter().map(|result| result["properties"]["test"].as_str().unwrap()).collect();
    assert_eq!(tests, not_green(run));
    let prints: BTreeSet<&str> =
        results.iter().map(|result| result["partialFingerprints"]["tracespec/v1"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), results.len());
}

fn not_green(run: &RunRecord) -> BTreeSet<&str> {
    run.tests.iter().filter(|test| test.verdict > Verdict::Flaky).map(|test| test.name.as_str()).collect()
}

fn check_github(run: &RunRecord) {
    let (text, _) = written("github", run);
    let annotated = run.tests.iter().filter(|test| test.verdict >= Verdict::Flaky).count();
    let of_run = 1 + usize::from(run.interrupted);
    let commands: Vec<String> = annotations(&text).into_iter().map(|one| one.command).collect();
    assert_eq!(commands[..2], ["stop-commands", "nobody-knows"]);
    assert_eq!(commands[2..].len(), annotated + of_run);
    assert!(commands[2..].iter().all(|command| ["error", "warning"].contains(&command.as_str())), "{commands:?}");
}

fn check_markdown(run: &RunRecord) {
    let page = written("markdown", run).0;
    assert!(!page.contains("\n\n"), "a blank line ends a block of HTML:\n{page}");
    let whole = format!("<x>{}</x>", page.replace("&nbsp;", " "));
    let document = xml(&whole);
    let blocks = run.tests.iter().filter(|test| test.verdict >= Verdict::Flaky).count();
    assert_eq!(named(&document, "details").count(), blocks);
    let allowed = ["x", "h3", "p", "b", "sub", "details", "summary", "code", "pre", "a"];
    let strange: Vec<_> =
        document.descendants().filter(|node| node.is_element() && !allowed.contains(&node.tag_name().name())).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(named(&document, "a").all(|link| link.attribute("href").unwrap().starts_with("http")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_report_is_well_formed_and_has_each_test_once(texts in prop::collection::vec(text(), 1..40), interrupted: bool) {
        let mut run = records::run(interrupted);
        run.tests.extend(super::repeated::run().tests);
        let run = with_texts(run, &texts);
        let json: Value = serde_json::from_str(&written("json", &run).0).unwrap();
        prop_assert_eq!(json["tests"].as_array().unwrap().len(), run.tests.len());
        let events = written("ndjson", &run).0;
        let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(events.len(), run.tests.len() + 2);
        check_junit(&run);
        check_tap(&run);
        check_sarif(&run);
        check_github(&run);
        check_markdown(&run);
        let quality: Value = serde_json::from_str(&written("gitlab", &run).0).unwrap();
        let prints: BTreeSet<&str> = quality.as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
        prop_assert_eq!(prints.len(), quality.as_array().unwrap().len());
        // What drives terminals is in none of them: a log of CI is shown on one.
        for kind in kinds() {
            let text = written(kind, &run).0;
            prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{}: {:?}", kind, text);
        }
    }
}

//! Every report of one fixed run, as files that people can read (`BLESS=1 cargo test --test reporters` writes them anew), and
//! of runs whose every text is arbitrary.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/json_schema.rs"]
mod json_schema;
#[path = "reporters/parts.rs"]
mod parts;
#[path = "support/records.rs"]
mod records;
#[path = "support/repeated.rs"]
mod repeated;
#[path = "reporters/strings.rs"]
mod strings;

use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tracespec::report::Places;
use tracespec::report::kinds::{KINDS, Setting, named};
use tracespec::run::event::{Event, What};
use tracespec::run::record::{RunRecord, Verdict};

#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What a kind of report writes of a run, and GitHub's summary.
pub fn written(kind: &str, run: &RunRecord) -> (String, String) {
    let (out, summary) = (Written::default(), Written::default());
    let mut setting = Setting {
        places: Places::new(Path::new("/repo/shop"), Path::new("/repo")),
        summary: Some((Box::new(summary.clone()), 0)),
        token: "nobody-knows".to_owned(),
    };
    let mut reporter = (named(kind).unwrap().make)(Box::new(out.clone()), &mut setting);
    let mut at_ns = run.started_ns;
    let mut hear = |what: What<'_>| {
        reporter.event(&Event { at_ns, what }).unwrap();
        at_ns += 1;
    };
    hear(What::RunStarted { tests: run.tests.len(), files: 1, backend: &run.environment.backend, seed: run.seed });
    run.tests.iter().for_each(|test| hear(What::TestFinished(test)));
    hear(What::RunFinished(run));
    (out.text(), summary.text())
}

fn snapshot(name: &str, text: &str) {
    let path = PathBuf::from("tests/reporters").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{} is not what is written now (BLESS=1 writes it anew):\n{text}", path.display());
}

/// The HTML report has tests of its own, in a browser.
fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name).filter(|name| *name != "html")
}

fn ending(kind: &str) -> &str {
    match kind {
        "junit" => "junit.xml",
        "markdown" => "md",
        "github" => "github.txt",
        "sarif" => "sarif.json",
        "gitlab" => "gitlab.json",
        other => other,
    }
}

#[test]
fn each_report_of_a_run_with_every_verdict() {
    for kind in kinds() {
        snapshot(&format!("run.{}", ending(kind)), &written(kind, &records::run(false)).0);
        snapshot(&format!("interrupted.{}", ending(kind)), &written(kind, &records::run(true)).0);
    }
}

#[test]
fn each_report_of_a_test_that_is_repeated() {
    for kind in ["json", "junit", "markdown", "tap"] {
        snapshot(&format!("repeated.{}", ending(kind)), &written(kind, &repeated::run()).0);
    }
}

#[test]
fn json_is_what_its_schema_says() {
    let schema = std::fs::read("docs/run-report.schema.json").unwrap();
    let validator = json_schema::Validator::new(&serde_json::from_slice(&schema).unwrap());
    for run in [records::run(false), records::run(true), repeated::run(), RunRecord::default()] {
        let document: Value = serde_json::from_str(&written("json", &run).0).unwrap();
        assert_eq!(validator.error(&document), None);
        let without = |key: &str| {
            let mut document = document.clone();
            document.as_object_mut().unwrap().remove(key);
            document
        };
        assert!(validator.error(&without("interrupted")).is_some());
    }
}

/// An annotation, read as GitHub reads it.
#[derive(Debug)]
pub struct Annotation {
    pub command: String,
    pub properties: Vec<(String, String)>,
    pub message: String,
}

pub fn annotations(text: &str) -> Vec<Annotation> {
    let unescaped = |text: &str| {
        text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
    };
    let one = |line: &str| {
        let (head, message) = line.strip_prefix("::")?.split_once("::")?;
        let (command, properties) = head.split_once(' ').unwrap_or((head, ""));
        let property = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), unescaped(value)));
        let properties = properties.split(',').filter_map(property).collect();
        Some(Annotation { command: command.to_owned(), properties, message: unescaped(message) })
    };
    text.lines().map(|line| one(line).unwrap_or_else(|| panic!("no command: {line}"))).collect()
}

impl Annotation {
    fn get(&self, name: &str) -> &str {
        self.properties.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

#[test]
fn github_finds_each_failure_at_its_line_the_worst_first() {
    let (text, summary) = written("github", &records::run(false));
    let all = annotations(&text);
    assert_eq!((all[0].command.as_str(), all[0].message.as_str()), ("stop-commands", "nobody-knows"));
    assert_eq!(all[1].command, "nobody-knows");
    let rows: Vec<String> = all[2..]
        .iter()
        .map(|one| format!("{} {}:{} {}", one.command, one.get("file"), one.get("line"), one.get("title")))
        .collect();
    assert_eq!(
        rows,
        [
            "error shop/specs/orders.yaml:7 fail: a declined card <reserves> nothing # 100%",
            "error shop/specs/orders.yaml:12 error: nobody listens",
            "warning shop/specs/orders.yaml:11 inconclusive: stock is settled",
            "warning shop/specs/orders.yaml:14 flaky: two steps",
            "error : tracespec",
        ]
    );
    assert_eq!((all[2].get("col"), all[2].get("endColumn")), ("17", "28"));
    assert!(all[2].message.starts_with("expected status 402, found 409 (and 1 more)\n\n"), "{}", all[2].message);
    // The page is the same as that of `markdown`.
    assert_eq!(summary, written("markdown", &records::run(false)).0);
}

#[test]
fn a_summary_takes_no_more_room_than_there_is() {
    let mut run = records::run(false);
    let failed = run.tests[1].clone();
    run.tests = vec![failed; 4000];
    let page = written("markdown", &run).0;
    assert!(page.len() <= 1 << 20 && page.len() > 1 << 19, "{}", page.len());
    assert!(page.contains("There is no room for "), "{}", &page[page.len() - 500..]);
    assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
    let summary = Written::default();
    let mut setting = Setting { summary: Some((Box::new(summary.clone()), (1 << 20) - 100)), ..Setting::default() };
    let mut reporter = (named("github").unwrap().make)(Box::new(io::sink()), &mut setting);
    reporter.event(&Event { at_ns: 0, what: What::RunFinished(&run) }).unwrap();
    assert!(summary.text().len() <= 100);
}

#[test]
fn nothing_that_is_not_green_is_green_in_any_report() {
    // A run of which only the whole went wrong.
    let mut run = RunRecord { tests: records::run(false).tests[..1].to_vec(), ..records::run(false) };
    for interrupted in [false, true] {
        run.interrupted = interrupted;
        if interrupted {
            run.errors.clear();
        }
        assert_eq!(run.verdict(), Some(Verdict::Error));
        let of = |kind| written(kind, &run).0;
        assert!(of("junit").contains("<error ") && of("junit").contains(" errors=\"1\""));
        assert!(of("tap").contains("\nnot ok 2 - the run as a whole\n"));
        assert!(of("sarif").contains("\"executionSuccessful\": false"));
        assert!(of("github").contains("\n::error "));
        assert_eq!(serde_json::from_str::<Value>(&of("gitlab")).unwrap().as_array().unwrap().len(), 1);
        assert!(of("json").contains("\n  \"verdict\": \"error\""));
        assert!(of("markdown").contains("error"));
    }
}

#[test]
fn a_finding_keeps_its_fingerprint_when_its_line_moves() {
    let prints = |run: &RunRecord| -> Vec<String> {
        let document: Value = serde_json::from_str(&written("sarif", run).0).unwrap();
        let results = document["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"]["tracespec/v1"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = prints(&records::run(false));
    let mut moved = records::run(false);
    for test in &mut moved.tests {
        let source = &test.source;
        let text = format!("# one line more\n{}", source.text());
        test.source = tracespec::source::SourceFile::new(source.path(), text);
        for expectation in test.steps.iter_mut().flat_map(|step| &mut step.expectations) {
            for finding in &mut expectation.findings {
                finding.at.start += 16;
                finding.at.end += 16;
            }
        }
    }
    assert_eq!(prints(&moved), before);
    let different: std::collections::BTreeSet<&String> = before.iter().collect();
    assert_eq!((different.len(), before.len()), (4, 4));
}

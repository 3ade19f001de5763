//! The run as a plain document: what is read where scripts do not run.

use super::super::failure;
use super::super::text::{clean, duration};
use crate::diag::markup;
use crate::facts::Facts;
use crate::matcher::count_of;
use crate::run::record::{RunRecord, TestRecord, Verdict};
use crate::view::text::{Look, draw};
use crate::view::{Choice, Overlay, Waterfall};

/// The most tests that are shown with what is wrong with them.
const DETAILED: usize = 100;
/// The most rows of one waterfall.
const ROWS: usize = 200;

/// Text as HTML has it, without what could reorder or hide it.
pub(super) fn escape(text: &str, lines: bool) -> String {
    markup(&clean(text, lines))
}

/// One sentence on the run: `2 of 5 tests failed`.
pub(super) fn headline(record: &RunRecord) -> String {
    let all = count_of(record.tests.len(), "test");
    let of = |verdict: Verdict, words: &str| {
        let count = record.count(verdict);
        (count > 0).then(|| format!("{count} of {all} {words}"))
    };
    let bad = [
        of(Verdict::Fail, "failed"),
        of(Verdict::Error, "could not be carried out"),
        of(Verdict::Inconclusive, "could not be decided"),
    ];
    let bad: Vec<String> = bad.into_iter().flatten().collect();
    match record.verdict() {
        None => "No test ran".to_owned(),
        Some(_) if !bad.is_empty() => bad.join(", "),
        Some(Verdict::Error) if record.tests.iter().all(|test| test.verdict == Verdict::Skipped) => {
            "No test ran".to_owned()
        }
        Some(Verdict::Error) => "The run as a whole met an error".to_owned(),
        Some(_) => {
            let skipped = record.count(Verdict::Skipped);
            let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
            format!("{} of {all} passed{skipped}", record.count(Verdict::Pass) + record.count(Verdict::Flaky))
        }
    }
}

/// The body of the document.
pub(super) fn document(record: &RunRecord) -> String {
    let verdict = record.verdict().unwrap_or(Verdict::Skipped).word();
    let mut out = format!("<h1>{verdict}: {}</h1>\n", escape(&headline(record), false));
    let started = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(record.started_ns);
    if record.interrupted {
        out += "<p>Interrupted: the run ended before all of its tests had.</p>\n";
    }
    out += &format!(
        "<p>Started {}, took {}, seed {}.</p>\n",
        humantime::format_rfc3339_seconds(started),
        duration(record.duration),
        record.seed
    );
    for (what, all) in [("Errors of the run", &record.errors), ("Remarks", &record.remarks)] {
        if !all.is_empty() {
            // What has lines may have been laid out in them.
            let item = |one: &String| match one.contains('\n') {
                true => format!("<li><pre>{}</pre></li>\n", escape(one, true)),
                false => format!("<li>{}</li>\n", escape(one, false)),
            };
            let items: String = all.iter().map(item).collect();
            out += &format!("<h2>{what}</h2>\n<ul>\n{items}</ul>\n");
        }
    }
    out += "<h2>Tests</h2>\n<table>\n<tr><th>Verdict</th><th>Test</th><th>Place</th><th>Duration</th></tr>\n";
    let place = |test: &TestRecord| escape(&format!("{}:{}", test.source.path().display(), test.line), false);
    for test in &record.tests {
        out += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            test.verdict.word(),
            escape(&test.name, false),
            place(test),
            duration(test.duration)
        );
    }
    out += "</table>\n";
    let mut broken: Vec<&TestRecord> = record.tests.iter().filter(|test| test.verdict > Verdict::Flaky).collect();
    broken.sort_by_key(|test| std::cmp::Reverse(test.verdict));
    for test in broken.iter().take(DETAILED) {
        let (name, place) = (escape(&test.name, false), place(test));
        out += &format!("<h2>{}: {name}</h2>\n<p>{place}</p>\n", test.verdict.word());
        let commands = failure::Look { commands: true, ..failure::Look::default() };
        out += &format!("<pre>{}</pre>\n", escape(&failure::render(test, commands), true));
        for trace in test.steps.iter().filter_map(|step| step.trace.as_ref()) {
            let facts = Facts::from(&**trace);
            let mut waterfall = Waterfall::new(&facts, &Choice::default(), &Overlay::of(&facts));
            let more = waterfall.rows.len().saturating_sub(ROWS);
            waterfall.rows.truncate(ROWS);
            let more = if more > 0 { format!("… {} more\n", count_of(more, "row")) } else { String::new() };
            out += &format!("<pre>{}{more}</pre>\n", escape(&draw(&waterfall, &Look::default()), true));
        }
    }
    if broken.len() > DETAILED {
        out += &format!("<p>… and {} more that did not pass.</p>\n", broken.len() - DETAILED);
    }
    out
}

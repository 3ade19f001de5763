//! The end of a run: what passed without a line of its own, what was slow or flaky, remarks, and in the last line what came of it.

use super::super::text::{clean, duration, wrap};
use super::{Settings, paint};
use crate::matcher::count_of;
use crate::run::record::{RunRecord, TestRecord, Verdict};
use std::cmp::Reverse;
use std::time::Duration;

/// How many of the slowest tests are named.
const SLOWEST: usize = 3;
/// With fewer tests than these the slowest are plain to see.
const FEW: usize = 5;
/// The most flaky tests that are named.
const FLAKY: usize = 10;

pub(super) fn of(run: &RunRecord, settings: &Settings, folded: usize) -> String {
    let (width, colour) = (settings.look.width, settings.look.colour);
    let mut out = String::new();
    for remark in &run.remarks {
        out += &wrap(&clean(remark, true), "note: ", width);
    }
    for error in &run.errors {
        out += &wrap(&clean(error, true), "error: ", width);
    }
    if settings.within {
        return out;
    }
    if folded > 0 {
        let word = paint(colour, "PASS ", Verdict::Pass);
        out += &format!("{word}  {} (-v shows a line for each)\n", count_of(folded, "test"));
    }
    let name = |test: &TestRecord| format!("{}:{}  {}", test.source.path().display(), test.line, test.name);
    let flaky: Vec<&TestRecord> = run.tests.iter().filter(|test| test.verdict == Verdict::Flaky).collect();
    let mut lead = "flaky: ";
    for test in flaky.iter().take(FLAKY) {
        let text = format!("{}  (passed in attempt {})", name(test), test.attempts);
        out += &wrap(&clean(&text, false), lead, width);
        lead = "       ";
    }
    if flaky.len() > FLAKY {
        out += &format!("{lead}… and {} more\n", flaky.len() - FLAKY);
    }
    let mut slowest: Vec<&TestRecord> = run.tests.iter().filter(|test| test.duration > Duration::ZERO).collect();
    if slowest.len() >= FEW {
        slowest.sort_by_key(|test| Reverse(test.duration));
        let mut lead = "slowest: ";
        for test in slowest.iter().take(SLOWEST) {
            let text = format!("{:>6}  {}", duration(test.duration), name(test));
            out += &wrap(&clean(&text, false), lead, width);
            lead = "         ";
        }
    }
    let verdict = run.verdict().unwrap_or(Verdict::Skipped);
    let parts: Vec<String> = [
        (Verdict::Pass, "passed"),
        (Verdict::Flaky, "flaky"),
        (Verdict::Fail, "failed"),
        (Verdict::Error, "in error"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::Skipped, "skipped"),
    ]
    .into_iter()
    .filter(|&(kind, _)| run.count(kind) > 0)
    .map(|(kind, word)| paint(colour, &format!("{} {word}", run.count(kind)), kind))
    .collect();
    let word = if run.interrupted { "interrupted" } else { verdict.word() };
    let word = paint(colour, word, verdict);
    let parts = if parts.is_empty() { "no test ran".to_owned() } else { parts.join(", ") };
    out + &format!("{word}: {} in {}: {parts}\n", count_of(run.tests.len(), "test"), duration(run.duration))
}

//! A test that did not pass, in plain words for reports that hold text: no drawing, no width.

use super::since;
use super::text::{clean, duration};
use crate::assert::{self, Finding};
use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use std::fmt::Write as _;

/// The most findings of one step that are written out.
const FINDINGS: usize = 50;

/// What a test found, what decides it first: failures before errors before what is undecided.
pub(super) fn findings(steps: &[StepRecord]) -> Vec<&Finding> {
    let mut all: Vec<&Finding> = steps.iter().flat_map(StepRecord::findings).collect();
    all.sort_by_key(|finding| finding.verdict != assert::Verdict::Fail);
    all
}

/// Why these steps amount to this verdict, in one line.
pub(super) fn headline(verdict: Verdict, steps: &[StepRecord], reason: Option<&str>) -> String {
    let findings = findings(steps);
    let error = steps.iter().find_map(|step| step.error.as_deref());
    let found = findings.first().map(|finding| finding.message.as_str());
    let (first, others) = match verdict {
        Verdict::Error => (error.or(found), 0),
        _ => (found.or(error), findings.len().saturating_sub(1)),
    };
    let first = first.or(reason).unwrap_or(verdict.word());
    let line = first.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
    let line = if line.is_empty() { verdict.word() } else { line.trim() };
    format!("{}{more}", clean(line, false))
}

/// The same of a test.
pub(super) fn headline_of(test: &TestRecord) -> String {
    if let (Verdict::Flaky, Some(last)) = (test.verdict, test.earlier.last()) {
        return format!("passed at attempt {}, after: {}", test.attempts, headline(last.verdict, &last.steps, None));
    }
    headline(test.verdict, &test.steps, test.reason.as_deref())
}

/// Everything that is known of steps, as lines.
pub(super) fn details(test: &TestRecord, steps: &[StepRecord]) -> String {
    let mut out = String::new();
    for line in test.repeat.iter().flat_map(|repeat| repeat.lines()) {
        let _ = writeln!(out, "{}", clean(&line, false));
    }
    for step in steps {
        if !step.name.is_empty() {
            let _ = writeln!(out, "step `{}`: {}", clean(&step.name, false), step.verdict.word());
        }
        if let Some(why) = &step.rejudged {
            let _ = writeln!(out, "this test had passed; {}", clean(why, false));
        }
        if let Some(error) = &step.error {
            let _ = writeln!(out, "{}", clean(error, true).trim_end());
        }
        let found: Vec<&Finding> = step.findings().collect();
        for finding in found.iter().take(FINDINGS) {
            out += &finding_text(test, finding);
        }
        if found.len() > FINDINGS {
            let _ = writeln!(out, "… and {} more findings", found.len() - FINDINGS);
        }
        if let Some(since) = &step.since_last_pass {
            let _ = writeln!(out, "{}", clean(&since::sentence(since), false));
        }
        for note in step.notes() {
            let _ = writeln!(out, "note: {}", clean(&note, true));
        }
        if let Some(id) = step.trace_id {
            let _ = write!(out, "trace {id}");
            if let Some(link) = &step.link {
                let _ = write!(out, " {}", clean(link, false));
            }
            out.push('\n');
        }
        if let Some(request) = step.request.as_ref().filter(|_| step.verdict != Verdict::Pass) {
            let _ = writeln!(out, "request: {}", clean(&request.curl(), false));
        }
        if let Some(program) = step.program.as_ref().filter(|_| step.verdict != Verdict::Pass) {
            let _ = writeln!(out, "program: {}", clean(&program.shell(), false));
            let ending = program.ending.as_ref().map(|ending| clean(ending, false));
            ending.iter().for_each(|ending| out.extend(["it ended: ", ending, "\n"]));
        }
    }
    out
}

/// What the system printed while these steps ran, as far as it may explain why one did not pass.
pub(super) fn printed(steps: &[StepRecord]) -> String {
    let mut out = String::new();
    for step in steps.iter().filter(|step| step.verdict != Verdict::Pass) {
        let of_program =
            step.program.iter().flat_map(|program| [("wrote", &program.stdout), ("wrote to stderr", &program.stderr)]);
        for (how, body) in of_program {
            let Some(body) = body.as_ref().filter(|body| body.bytes > 0) else { continue };
            block(&mut out, &format!("the program {how}"), body.text.lines());
        }
        for process in &step.logs {
            let ended = process.ended.as_ref().map_or(String::new(), |how| format!(" ended with {how};"));
            let head = format!("process `{}`{ended} printed meanwhile", process.name);
            block(&mut out, &head, process.last_lines.iter().map(String::as_str));
        }
    }
    out
}

/// The most lines of one block.
const LINES: usize = 200;

fn block<'l>(out: &mut String, head: &str, lines: impl DoubleEndedIterator<Item = &'l str>) {
    let mut last: Vec<&str> = lines.rev().take(LINES).collect();
    last.reverse();
    let _ = writeln!(out, "{}:", clean(head, false));
    last.iter().for_each(|line| out.extend(["    ", &clean(line, false), "\n"]));
}

fn finding_text(test: &TestRecord, finding: &Finding) -> String {
    let place = place(test, finding);
    let Finding { verdict, expectation, message, expected, actual, hint, .. } = finding;
    let mut out = format!("{place}: {}", clean(expectation, false));
    if *verdict != assert::Verdict::Fail {
        let _ = write!(out, " ({})", verdict.word());
    }
    let _ = writeln!(out, ": {}", clean(message, true));
    for (label, text) in [("expected", expected), ("actual", actual)] {
        if !text.is_empty() {
            let text = clean(text, true);
            let mut lines = text.lines();
            let _ = writeln!(out, "  {label:>8}  {}", lines.next().unwrap_or_default());
            for line in lines {
                let _ = writeln!(out, "            {line}");
            }
        }
    }
    if let Some(hint) = hint {
        let _ = writeln!(out, "      hint  {}", clean(hint, true).replace('\n', "\n            "));
    }
    out
}

/// Where the spec has what a finding is about: `specs/a.yaml:7:12`.
pub(super) fn place(test: &TestRecord, finding: &Finding) -> String {
    let at = test.source.line_column(finding.at.start);
    format!("{}:{}:{}", clean(&test.source.path().display().to_string(), false), at.line, at.column)
}

/// What went wrong with the run as a whole, in words.
pub(super) fn errors(run: &RunRecord) -> Vec<String> {
    let interrupted = run.interrupted.then(|| "the run was interrupted".to_owned());
    interrupted.into_iter().chain(run.errors.iter().map(|error| clean(error, true))).collect()
}

/// A run in one line: `fail: 3 tests in 1.2s: 1 passed, 2 failed`.
pub(super) fn summary(run: &RunRecord) -> String {
    let words = [
        (Verdict::Fail, "failed"),
        (Verdict::Error, "in error"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::Flaky, "flaky"),
        (Verdict::Pass, "passed"),
        (Verdict::Skipped, "skipped"),
    ];
    let counted = words.into_iter().map(|(verdict, word)| (run.count(verdict), word)).filter(|(count, _)| *count > 0);
    let counted: Vec<String> = counted.map(|(count, word)| format!("{count} {word}")).collect();
    let counted = if counted.is_empty() { "no test ran".to_owned() } else { counted.join(", ") };
    let tests = crate::matcher::count_of(run.tests.len(), "test");
    let how = if run.interrupted { "interrupted after" } else { "in" };
    format!("{tests} {how} {}: {counted}", duration(run.duration))
}

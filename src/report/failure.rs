//! One test that did not pass, told so that nobody has to guess: where the spec says it, what was expected, what the
//! trace has, the spans around, and how the wait went.

use super::text::{clean, duration, indent};
use crate::assert::{Finding, excerpt};
use crate::diag;
use crate::matcher::count_of;
use crate::run::record::{StepRecord, TestRecord, Verdict};
use crate::source::SourceFile;
use std::fmt::Write as _;

/// The most findings told of one step; the rest is counted.
const FINDINGS: usize = 20;

/// Everything worth knowing of a test that did not pass. Ends with a line break.
pub fn render(test: &TestRecord) -> String {
    let mut out = String::new();
    for step in &test.steps {
        if matches!(step.verdict, Verdict::Pass | Verdict::Flaky) && step.rejudged.is_none() {
            continue;
        }
        if !step.name.is_empty() {
            let _ = writeln!(out, "  step `{}`", clean(&step.name, false));
        }
        out += &render_step(test, step);
    }
    if let Some(reason) = test.reason.as_ref().filter(|_| test.verdict == Verdict::Skipped) {
        let _ = writeln!(out, "  {}", clean(reason, false));
    }
    out
}

fn render_step(test: &TestRecord, step: &StepRecord) -> String {
    let mut out = String::new();
    if let Some(why) = &step.rejudged {
        let what = if step.late { "late: this test was green" } else { "re-judged: this test was green" };
        let _ = writeln!(out, "  {what}; {}", clean(why, false));
    }
    if let Some(error) = &step.error {
        let _ = write!(out, "{}", indent(&format!("! {}", clean(error, true)), "  "));
    }
    for finding in step.findings.iter().take(FINDINGS) {
        out += &render_finding(&test.source, finding);
    }
    if step.findings.len() > FINDINGS {
        let _ = writeln!(out, "  … and {} more findings", step.findings.len() - FINDINGS);
    }
    out += &trees(step);
    for remark in &step.notes() {
        let _ = writeln!(out, "  note: {}", clean(remark, false));
    }
    match (step.trace_id, &step.trace) {
        (Some(id), Some(trace)) => {
            let _ = write!(out, "  trace {id}: {}", count_of(trace.len(), "span"));
            if !step.timing.settled_by.is_empty() {
                let _ = write!(out, "; {} after {}", clean(&step.timing.settled_by, false), duration(step.timing.wait));
            }
            let reads = step.timing.polls as usize;
            let _ =
                writeln!(out, "{}", if reads == 0 { String::new() } else { format!(", {}", count_of(reads, "read")) });
        }
        (Some(id), None) => {
            let _ = writeln!(out, "  trace {id}");
        }
        _ => {}
    }
    if let Some(log) = step.log.as_ref().filter(|log| !log.trim().is_empty()) {
        out += "  how the wait went:\n";
        out += &indent(&clean(log, true), "    ");
    }
    out
}

/// One finding with its place in the spec.
pub fn render_finding(source: &SourceFile, finding: &Finding) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "  × {}", clean(&finding.message, false));
    let from = source.line_column(finding.at.start);
    let number = from.line.to_string();
    let line = source.line(from.line);
    let byte = |at: u32| (at as usize).saturating_sub(source.line_start(from.line));
    // Of several lines the first is shown, and underlined to its end.
    let (start, end) = (byte(finding.at.start), byte(finding.at.end).min(line.trim_end().len()));
    let (shown, start, end) = diag::cut(line, start.min(line.len()), end);
    let width = |text: &str| text.chars().count();
    let margin = " ".repeat(number.len());
    let path = clean(&source.path().display().to_string(), false);
    let _ = writeln!(out, "    {margin}--> {path}:{}:{}", from.line, from.column);
    let _ = writeln!(out, "    {number} | {shown}");
    let _ = writeln!(
        out,
        "    {margin} | {}{} {}",
        " ".repeat(width(&shown[..start])),
        "^".repeat(width(&shown[start..end]).max(1)),
        clean(&finding.expectation, false)
    );
    for (label, text) in [("expected", &finding.expected), ("actual", &finding.actual)] {
        if !text.is_empty() {
            let text = clean(text, true);
            let mut lines = text.lines();
            let _ = writeln!(out, "    {label:>8}  {}", lines.next().unwrap_or(""));
            for line in lines {
                let _ = writeln!(out, "              {line}");
            }
        }
    }
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "        hint  {}", clean(hint, false));
    }
    out
}

/// The spans that decided the findings, in one tree for all of them.
fn trees(step: &StepRecord) -> String {
    let Some(trace) = &step.trace else { return String::new() };
    let mut rows: Vec<_> = step.findings.iter().flat_map(|finding| finding.rows.iter().copied()).collect();
    rows.sort_unstable();
    rows.dedup();
    if trace.is_empty() || step.findings.is_empty() {
        return String::new();
    }
    indent(&excerpt(trace, &rows), "    ")
}

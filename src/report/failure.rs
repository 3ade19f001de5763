//! A test that did not pass, for people: the place in the spec, what was expected, what was found, the spans around it,
//! and how the wait went.

use super::text::{clean, duration, indent};
use crate::assert::{self, Finding};
use crate::diag;
use crate::matcher::count_of;
use crate::run::record::{StepRecord, TestRecord, Verdict};
use crate::source::SourceFile;
use crate::view::excerpt;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The most findings shown of one step; the rest is counted.
const FINDINGS: usize = 20;
/// The most expectations named below a finding that is true of them as well.
const OTHERS: usize = 10;

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
        let what = if step.late { "late: this test had passed" } else { "re-judged: this test had passed" };
        let _ = writeln!(out, "  {what}; {}", clean(why, false));
    }
    if let Some(error) = &step.error {
        let _ = write!(out, "{}", indent(&format!("! {}", clean(error, true)), "  "));
    }
    let groups = alike(step);
    for group in groups.iter().take(FINDINGS) {
        out += &render_findings(&test.source, group);
    }
    if groups.len() > FINDINGS {
        let _ = writeln!(out, "  … and {} more findings", groups.len() - FINDINGS);
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

/// Findings that say the same of several expectations, with the verdict on these.
struct Alike<'a> {
    verdict: assert::Verdict,
    findings: Vec<&'a Finding>,
}

/// A step's findings, failures before what could not be decided, in the order of the spec; those that say the same
/// together.
fn alike(step: &StepRecord) -> Vec<Alike<'_>> {
    let mut groups: Vec<Alike<'_>> = Vec::new();
    let mut known = HashMap::new();
    for expectation in &step.expectations {
        for finding in &expectation.findings {
            let Finding { rule, verdict, message, expected, actual, hint, .. } = finding;
            let says = (rule, verdict.word(), message, expected, actual, hint);
            let at = *known.entry(says).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.findings.push(finding),
                None => groups.push(Alike { verdict: *verdict, findings: vec![finding] }),
            }
        }
    }
    groups.sort_by_key(|group| group.verdict != assert::Verdict::Fail);
    groups
}

/// What they say, with the place of the first in the spec, and those of the others below.
fn render_findings(source: &SourceFile, alike: &Alike<'_>) -> String {
    let Some((finding, others)) = alike.findings.split_first() else { return String::new() };
    let mut out = String::new();
    let message = clean(&finding.message, false);
    let _ = match alike.verdict {
        assert::Verdict::Fail => writeln!(out, "  × {message}"),
        undecided => writeln!(out, "  ? {}: {message}", undecided.word()),
    };
    let from = source.line_column(finding.at.start);
    let number = from.line.to_string();
    let line = source.line(from.line);
    let byte = |at: u32| (at as usize).saturating_sub(source.line_start(from.line));
    // Of several lines the first is shown, and underlined to its end.
    let (start, end) = (byte(finding.at.start), byte(finding.at.end).min(line.trim_end().len()));
    let (shown, start, end) = diag::cut(line, start.min(line.len()), end);
    // What stands before the mark, what is marked, what follows: each as it may be printed.
    let [before, marked, after] = [&shown[..start], &shown[start..end], &shown[end..]].map(|part| clean(part, false));
    let width = |text: &str| text.chars().count();
    let margin = " ".repeat(number.len());
    let path = clean(&source.path().display().to_string(), false);
    let _ = writeln!(out, "    {margin}--> {path}:{}:{}", from.line, from.column);
    let _ = writeln!(out, "    {number} | {before}{marked}{after}");
    let _ = writeln!(
        out,
        "    {margin} | {}{} {}",
        " ".repeat(width(&before)),
        "^".repeat(width(&marked).max(1)),
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
    if !others.is_empty() {
        let places = others.iter().take(OTHERS).map(|other| {
            let line = source.line_column(other.at.start).line;
            format!("{} (line {line})", clean(&other.expectation, false))
        });
        let places: Vec<String> = places.collect();
        let more = others.len().saturating_sub(OTHERS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "        also  {}{more}", places.join(", "));
    }
    out
}

/// The spans that decided the findings, in one tree for all of them.
fn trees(step: &StepRecord) -> String {
    let Some(trace) = &step.trace else { return String::new() };
    let mut rows: Vec<_> = step.findings().flat_map(|finding| finding.rows.iter().copied()).collect();
    rows.sort_unstable();
    rows.dedup();
    if trace.is_empty() || step.findings().next().is_none() {
        return String::new();
    }
    indent(&excerpt(trace, &rows), "    ")
}

//! A run as a page of Markdown: for GitHub's job summaries, and for comments on merge requests.
//!
//! All of it is HTML blocks without blank lines, which Markdown passes through: text from outside cannot become Markdown.

use super::plain;
use super::text::{clean, duration};
use crate::diag::markup;
use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use crate::trace::SpanIx;
use crate::view::{Missing, excerpt_within};
use std::fmt::Write as _;

/// The longest page: what GitHub takes, which is the least of those that show one.
const LIMIT: usize = 1 << 20;
/// What is kept free for what says that there is more.
const RESERVE: usize = 1 << 10;
/// The most bytes of one test.
const OF_TEST: usize = 64 << 10;
/// Columns of a waterfall.
const WIDTH: usize = 110;

/// The page of a run.
pub(super) fn document(run: &RunRecord) -> String {
    page(run, LIMIT)
}

/// The same, in no more bytes than this.
pub(super) fn page(run: &RunRecord, limit: usize) -> String {
    let verdict = run.verdict().unwrap_or(Verdict::Skipped);
    let mut out = format!("<h3>{} tracespec: {}</h3>\n", sign(verdict), verdict.word());
    let _ = writeln!(out, "<p>{}</p>", html(&plain::summary(run)));
    let room = limit.saturating_sub(RESERVE);
    let mut left_out = 0;
    let mut put = |out: &mut String, block: String| {
        if out.len() + block.len() <= room { *out += &block } else { left_out += 1 }
    };
    for error in plain::errors(run) {
        put(&mut out, format!("<p><b>error</b></p>\n{}", pre(&error)));
    }
    let mut tests: Vec<&TestRecord> = run.tests.iter().filter(|test| test.verdict > Verdict::Pass).collect();
    tests.sort_by_key(|test| std::cmp::Reverse(test.verdict));
    for test in tests {
        put(&mut out, block(test));
    }
    let mut facts: Vec<String> = vec![format!("tracespec {}", run.environment.version)];
    let environment = &run.environment;
    facts.extend((!environment.backend.is_empty()).then(|| format!("traces from {}", environment.backend)));
    facts.extend(environment.commit.iter().map(|commit| format!("commit {commit}")));
    facts.push(format!("seed {}", run.seed));
    put(&mut out, format!("<p><sub>{}</sub></p>\n", html(&facts.join(" · "))));
    if left_out > 0 {
        let _ = writeln!(out, "<p>There is no room for {left_out} more; the other reports have them.</p>");
    }
    // Where there is room for nothing, nothing is better than half of it.
    if out.len() <= limit { out } else { String::new() }
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Error => "💥",
        Verdict::Inconclusive => "❔",
        Verdict::Flaky => "🔁",
        Verdict::Skipped => "⏭",
    }
}

fn block(test: &TestRecord) -> String {
    let place = format!("{}:{}", test.source.path().display(), test.line);
    let mut out = format!(
        "<details><summary>{} <b>{}</b> {} <code>{}</code> {}</summary>\n",
        sign(test.verdict),
        html(&test.name),
        test.verdict.word(),
        html(&place),
        duration(test.duration),
    );
    let _ = writeln!(out, "<p>{}</p>", html(&plain::headline_of(test)));
    let before = test.earlier.len().saturating_sub(usize::from(test.verdict == Verdict::Flaky));
    for attempt in &test.earlier[..before] {
        let why = plain::headline(attempt.verdict, &attempt.steps, None);
        let _ = writeln!(out, "<p>an earlier attempt: {}: {}</p>", attempt.verdict.word(), html(&why));
    }
    let details = plain::details(test, &test.steps) + &plain::printed(&test.steps);
    if test.verdict > Verdict::Flaky {
        out += &pre(&crate::redact::cut(&details, OF_TEST / 8));
    }
    for step in test.steps.iter().filter(|step| step.verdict != Verdict::Pass) {
        let waterfall = waterfall(step);
        if !waterfall.is_empty() && out.len() + waterfall.len() < OF_TEST {
            out += &waterfall;
        }
        if let (Some(id), Some(link)) = (step.trace_id, step.link.as_ref().filter(|link| is_web(link))) {
            let _ = writeln!(out, "<p><a href=\"{}\">trace {id}</a></p>", html(link));
        }
    }
    out + "</details>\n"
}

fn is_web(link: &str) -> bool {
    link.starts_with("http://") || link.starts_with("https://")
}

/// The spans around what was found.
fn waterfall(step: &StepRecord) -> String {
    let Some(trace) = &step.trace else { return String::new() };
    let absent = || step.findings().flat_map(|finding| &finding.absent);
    let missing: Vec<Missing> =
        absent().map(|one| Missing { below: one.below, what: one.what.clone(), sign: None }).collect();
    let mut rows: Vec<SpanIx> = step.findings().flat_map(|finding| finding.rows.iter().copied()).collect();
    rows.extend(absent().map(|one| one.below));
    rows.sort_unstable();
    rows.dedup();
    if trace.is_empty() || step.findings().next().is_none() {
        return String::new();
    }
    let drawn = excerpt_within(trace, &rows, &missing, WIDTH);
    if drawn.is_empty() { drawn } else { pre(&drawn) }
}

/// Lines as they are. A blank one would end the block.
fn pre(text: &str) -> String {
    let mut out = "<pre>\n".to_owned();
    for line in clean(text, true).lines() {
        let line = if line.trim().is_empty() { "&nbsp;".to_owned() } else { escape(line) };
        let _ = writeln!(out, "{line}");
    }
    out + "</pre>\n"
}

/// Text in one line.
fn html(text: &str) -> String {
    escape(&clean(text, false))
}

fn escape(text: &str) -> String {
    // Who is mentioned would be notified of every red run.
    markup(text).replace('@', "&#64;")
}

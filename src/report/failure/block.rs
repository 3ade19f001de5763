//! One block: what broke, its line in the spec, what helps, and what follows from it.

use super::super::cause::Block;
use super::super::text::{clean, columns, wrap};
use super::{Look, differs};
use crate::assert::{self, Finding};
use crate::diag;
use crate::run::record::{Protocol, StepRecord, TestRecord};
use crate::source::SourceFile;

/// The most findings named below the one that they follow from.
const ALSO: usize = 8;
/// The most expectations named of which a finding is true as well.
const SAME: usize = 10;
const MARGIN: &str = "     ";

pub(super) fn render(test: &TestRecord, step: &StepRecord, block: &Block<'_>, number: usize, look: Look) -> String {
    let finding = block.lead;
    let lead = match block.verdict {
        assert::Verdict::Fail => format!("{:>4} ", format!("{number}.")),
        _ => "   ? ".to_owned(),
    };
    let mut message = clean(&finding.message, false);
    if block.verdict != assert::Verdict::Fail {
        message = format!("{}: {message}", block.verdict.word());
    }
    if let (Some(ix), Some(trace)) = (block.because, &step.trace) {
        let why = assert::failure(trace, ix);
        message = format!("{}: {}", message.trim_end_matches('.'), clean(&why, false));
    }
    let mut out = look.bold(&wrap(&message, &lead, look.width));
    out += &place(&test.source, finding, look);
    // What an HTTP answer said is shown with it.
    let of_http = step.request.as_ref().is_some_and(|request| request.protocol == Protocol::Http);
    let is_shown = finding.rule == assert::RuleId::ResponseStatus && of_http && step.answer.is_some();
    if let Some(hint) = finding.hint.as_ref().filter(|_| !is_shown) {
        out += &wrap(&clean(hint, false), &format!("{MARGIN}hint: "), look.width);
    }
    if !block.same.is_empty() {
        let places = block.same.iter().take(SAME).map(|other| {
            let line = test.source.line_column(other.at.start).line;
            format!("{} (line {line})", clean(&other.expectation, false))
        });
        let places: Vec<String> = places.collect();
        let more = block.same.len().saturating_sub(SAME);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out += &wrap(&format!("{}{more}", places.join(", ")), &format!("{MARGIN}the same of: "), look.width);
    }
    let mut lead = format!("{MARGIN}also: ");
    for finding in block.also.iter().take(ALSO) {
        let line = test.source.line_column(finding.at.start).line;
        out +=
            &wrap(&format!("{} (line {line})", clean(finding.message.trim_end_matches('.'), false)), &lead, look.width);
        lead = " ".repeat(lead.len());
    }
    if block.also.len() > ALSO {
        out += &format!("{lead}… and {} more\n", block.also.len() - ALSO);
    }
    out
}

/// The line of the spec that it breaks, with what was found under the mark, and both sides where they are long.
fn place(source: &SourceFile, finding: &Finding, look: Look) -> String {
    let from = source.line_column(finding.at.start);
    let number = from.line.to_string();
    let gutter = number.len().max(4);
    let line = source.line(from.line);
    let byte = |at: u32| (at as usize).saturating_sub(source.line_start(from.line));
    // Of several lines the first is shown, and underlined to its end.
    let (start, end) = (byte(finding.at.start), byte(finding.at.end).min(line.trim_end().len()));
    let (shown, start, end) = diag::cut(line, start.min(line.len()), end);
    // What stands before the mark, what is marked, what follows: each as it may be printed.
    let [before, marked, after] = [&shown[..start], &shown[start..end], &shown[end..]].map(|part| clean(part, false));
    let indent = before.len() - before.trim_start().len();
    let (mut before, mut after) = (before, after);
    let room = look.width.map_or(usize::MAX, |width| width.saturating_sub(gutter + 5).max(20));
    // Indentation says nothing of one line alone where room is scarce; what is still too long is cut around the mark.
    if columns(&before) + columns(&marked) + columns(&after) > room {
        before = before[indent..].to_owned();
    }
    if columns(&before) + columns(&marked) > room {
        before = "…".to_owned();
    }
    let left = room.saturating_sub(columns(&before) + columns(&marked));
    if columns(&after) > left {
        after = cut(&after, left);
    }
    let marked = if columns(&marked) > room { cut(&marked, room.saturating_sub(1)) } else { marked };
    let carets = "^".repeat(columns(&marked).max(1));
    let mut out = look.dim(&format!("  {number:>gutter$} | {before}{marked}{after}"));
    let lead = format!("  {:gutter$} | {}", "", " ".repeat(columns(&before)));
    let (expected, actual) = (clean(&finding.expected, true), clean(&finding.actual, true));
    let lengthy = |text: &str| text.contains('\n') || columns(text) > 60;
    if lengthy(&expected) && lengthy(&actual) {
        out += &format!("{lead}{}\n", look.paint(&carets, "31"));
        return out + &differs::render(&expected, &actual, MARGIN, look);
    }
    let is_said = |text: &str| {
        let value = text.split_once(": ").map_or(text, |(_, value)| value);
        finding.message.contains(text) || marked.contains(value) || finding.message.contains(value)
    };
    let label = match actual.as_str() {
        "" => String::new(),
        actual if is_said(actual) => String::new(),
        actual if actual.starts_with(|c: char| c.is_ascii_digit()) => format!("found {actual}"),
        _ => actual,
    };
    let is_written = !marked.trim().is_empty() && expected.contains(marked.trim());
    let fits =
        !label.contains('\n') && columns(&lead) + carets.len() + 1 + columns(&label) <= look.width.unwrap_or(120);
    let beside = if fits && !label.is_empty() { format!(" {label}") } else { String::new() };
    out += &format!("{lead}{}\n", look.paint(&format!("{carets}{beside}"), "31"));
    if !expected.is_empty() && !is_written && !is_said(&expected) {
        out += &wrap(&expected, &format!("{MARGIN}expected: "), look.width);
    }
    if !fits {
        let found = label.strip_prefix("found ").unwrap_or(&label);
        out += &wrap(found, &format!("{MARGIN}found: "), look.width);
    }
    out
}

/// A text cut to so many columns.
fn cut(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if columns(&out) + columns(c.encode_utf8(&mut [0; 4])) + 1 > most {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

//! What was sent, as a command that sends it again, and what came back.

use super::super::text::{clean, wrap};
use super::Look;
use crate::assert::{Finding, RuleId, Verdict};
use crate::run::record::{AnswerRecord, StepRecord};
use jsonpath_rust::JsonPath as _;
use serde_json::Value;

/// The most characters of a body that are shown.
const SHOWN: usize = 400;

/// What started the trace as a line for a shell. It is not wrapped, so that it can be copied.
pub(super) fn request(step: &StepRecord, look: Look) -> String {
    let line = |what: &str, command: String| look.dim(&format!("  {what}: {}\n", clean(&command, false)));
    match (&step.request, &step.program) {
        (Some(request), _) => line("request", request.curl()),
        (None, Some(program)) => line("program", program.shell()),
        (None, None) => String::new(),
    }
}

/// The answer, if it is not what was expected: its status, and its body or the part of it that was asked for.
pub(super) fn answer(step: &StepRecord, look: Look) -> String {
    let Some(answer) = &step.answer else { return String::new() };
    let of_answer = |finding: &&Finding| {
        use RuleId as R;
        let rules = [
            R::ResponseStatus,
            R::ResponseErrors,
            R::ResponseHeader,
            R::ResponseJson,
            R::ResponseBody,
            R::ResponseCapture,
        ];
        rules.contains(&finding.rule) && finding.verdict == Verdict::Fail
    };
    let wrong: Vec<&Finding> = step.findings().filter(of_answer).collect();
    if wrong.is_empty() {
        return String::new();
    }
    let protocol = step.request.as_ref().map(|request| request.protocol).unwrap_or_default();
    let mut text = format!("{}, {} bytes", answer.shown_status(protocol), answer.body.bytes);
    for finding in wrong.iter().filter(|finding| finding.rule == RuleId::ResponseHeader) {
        let name = finding.expectation.rsplit('.').next().unwrap_or_default();
        let values = answer.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        values.for_each(|(header, value)| text += &format!("; {header}: {}", cut(value)));
    }
    let (path, body) = around(&wrong, answer);
    let body = clean(&cut(&body), false);
    text += &match (path, body.is_empty()) {
        (_, true) => String::new(),
        (Some(path), _) => format!("; {}: {body}", clean(&path, false)),
        (None, _) => format!(": {body}"),
    };
    wrap(&clean(&text, false), "  answer: ", look.width)
}

/// The body, or, where that is long, the smallest part of it that has something at a path that was asked for.
fn around(wrong: &[&Finding], answer: &AnswerRecord) -> (Option<String>, String) {
    let text = answer.body.text.trim();
    if text.chars().count() <= SHOWN {
        return (None, text.to_owned());
    }
    let Ok(body) = serde_json::from_str::<Value>(text) else { return (None, text.to_owned()) };
    let above = wrong.iter().find_map(|finding| path_of(finding)).into_iter().flat_map(|path| outward(path).skip(1));
    let found = above.filter(|path| *path != "$").find_map(|path| {
        let value = body.query(path).ok()?.first()?.to_string();
        Some((Some(path.to_owned()), value))
    });
    found.unwrap_or_else(|| (None, text.to_owned()))
}

/// The places in a body at which expectations look that do not hold, as normalized paths (RFC 9535): where nothing is at the path
/// itself, that of the smallest part around it.
pub fn asked(step: &StepRecord) -> Vec<String> {
    /// A path may pick every element of a long list.
    const MOST: usize = 50;
    let Some(answer) = &step.answer else { return Vec::new() };
    let paths: Vec<&str> = step.findings().filter_map(path_of).collect();
    if paths.is_empty() {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_str::<Value>(&answer.body.text) else { return Vec::new() };
    let places = |path| {
        outward(path)
            .filter(|path| *path != "$")
            .find_map(|path| Some(body.query_only_path(path).ok()?).filter(|found| !found.is_empty()))
    };
    let mut all: Vec<String> = paths.into_iter().filter_map(places).flatten().take(MOST).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The path at which a finding looks.
fn path_of(finding: &Finding) -> Option<&str> {
    finding.expectation.strip_prefix("response.json.")
}

/// A path, and what it stands in, from the inside out.
fn outward(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| parent(path))
}

/// `$.a.b` of `$.a.b[0]`, `$.a` of `$.a.b`: what a path stands in.
fn parent(path: &str) -> Option<&str> {
    let at = if path.ends_with(']') { path.rfind('[')? } else { path.rfind('.')? };
    Some(&path[..at]).filter(|parent| !parent.is_empty())
}

fn cut(text: &str) -> String {
    crate::redact::cut(text, SHOWN).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_in_what_is_before_its_last_part() {
        let all = |path: &'static str| outward(path).collect::<Vec<&str>>();
        assert_eq!(all("$.a.b[0].c"), ["$.a.b[0].c", "$.a.b[0]", "$.a.b", "$.a", "$"]);
        assert_eq!(all("$['x.y']"), ["$['x.y']", "$"]);
    }
}

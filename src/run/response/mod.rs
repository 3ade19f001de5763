//! Judging what came of a trigger, and keeping values of it.

mod capture;
mod graphql;
mod grpc;
mod http;
mod program;

pub(crate) use capture::captures;

use super::record::{ExpectationRecord, Verdict};
use crate::assert::{self, Finding, RuleId};
use crate::matcher::{Fact, Matcher};
use crate::redact::{MASK, Redactor};
use crate::source::{Span, Spanned};
use crate::spec::plan::{GraphQlErrors, JsonPath, Response};
use crate::trigger::outcome::Outcome;
use ::http::HeaderMap;
use jsonpath_rust::JsonPath as _;
use std::borrow::Cow;
use std::time::Duration;

/// The longest part of a body that a message shows.
const SHOWN: usize = 400;

/// The JSON in a body, parsed once for all that ask; the error says why there is none.
pub(crate) struct Body<'a> {
    bytes: &'a [u8],
    json: Result<serde_json::Value, String>,
}

impl<'a> Body<'a> {
    /// The body as it may be shown: of JSON, without the values of hidden keys.
    fn shown(&self, redactor: &Redactor) -> Cow<'a, str> {
        if let Ok(json) = &self.json {
            let mut clean = json.clone();
            redactor.json(&mut clean);
            if clean != *json {
                return Cow::Owned(clean.to_string());
            }
        }
        String::from_utf8_lossy(self.bytes)
    }

    /// The document of what came of a trigger.
    pub(crate) fn of(outcome: &'a Outcome) -> Body<'a> {
        let noun = match outcome {
            Outcome::Http(_) => "body",
            Outcome::Grpc(_) => "message",
            Outcome::Command(_) => "output",
        };
        Body::new(outcome.document(), noun)
    }

    /// A document that messages call `noun`.
    fn new(bytes: &'a [u8], noun: &str) -> Body<'a> {
        let json = match bytes {
            [] => Err(format!("the {noun} is empty")),
            bytes => serde_json::from_slice(bytes).map_err(|why| format!("the {noun} is not JSON: {why}")),
        };
        Body { bytes, json }
    }

    /// What a path selects: a singular query its value, any other the array of its nodes; nothing if there is no node, so
    /// that `exists` does not hold of a path that finds nothing.
    fn select(&self, path: &JsonPath) -> Result<Option<serde_json::Value>, String> {
        let json = self.json.as_ref().map_err(Clone::clone)?;
        let nodes = json.query(&path.text).map_err(|why| why.to_string())?;
        Ok(match nodes.as_slice() {
            [] => None,
            [first, ..] if path.singular => Some((*first).clone()),
            _ => Some(serde_json::Value::Array(nodes.into_iter().cloned().collect())),
        })
    }

    /// A trace id that stands at a path.
    pub(crate) fn text_at(&self, path: &JsonPath) -> Option<String> {
        match self.select(path).ok()?? {
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }
}

/// What a matcher expects, equality written bare.
fn bare(matcher: &Matcher) -> String {
    let words = matcher.expects();
    words.strip_prefix("= ").map_or(words.clone(), str::to_owned)
}

fn finding(rule: RuleId, at: Span, path: &str, message: String, expected: String, actual: String) -> Finding {
    Finding { expected, actual, ..Finding::new(rule, assert::Verdict::Fail, at, path, message) }
}

/// The family of all expectations of an answer.
const FAMILY: &str = "response";
/// What stands for a status that the spec leaves to the rule that errors are not expected.
const NO_ERROR: &str = "response";

fn record(path: &str, at: Span, finding: Option<Finding>) -> ExpectationRecord {
    let verdict = if finding.is_some() { Verdict::Fail } else { Verdict::Pass };
    let findings = finding.into_iter().collect();
    ExpectationRecord { path: path.to_owned(), at, family: FAMILY, verdict, findings }
}

/// Every expectation of what never came. `at` is the step, for what the spec does not say.
pub(crate) fn not_judged(expect: &Response, at: Span) -> Vec<ExpectationRecord> {
    let ending = [
        ("response.status", &expect.status),
        ("response.status", &expect.grpc_status),
        ("response.exit_code", &expect.exit_code),
    ];
    let ending = ending.into_iter().find_map(|(path, matcher)| Some((path.to_owned(), matcher.as_ref()?.span)));
    let mut all = vec![ending.unwrap_or_else(|| (NO_ERROR.to_owned(), expect.at.unwrap_or(at)))];
    all.extend(expect.headers.iter().map(|(name, _)| (header_path(&name.value), name.span)));
    all.extend(expect.metadata.iter().map(|(name, _)| (metadata_path(&name.value), name.span)));
    all.extend(expect.json.iter().map(|(path, _)| (json_path(path), path.span)));
    let of_errors = match &expect.errors {
        GraphQlErrors::NotLookedAt => None,
        GraphQlErrors::None => Some(expect.at.unwrap_or(at)),
        GraphQlErrors::Are(matcher) => Some(matcher.span),
    };
    all.extend(of_errors.map(|at| ("response.errors".to_owned(), at)));
    let texts = [
        ("response.body", &expect.body),
        ("response.status_message", &expect.status_message),
        ("response.stdout", &expect.stdout),
        ("response.stderr", &expect.stderr),
        ("response.duration", &expect.duration),
    ];
    all.extend(texts.into_iter().filter_map(|(path, matcher)| Some((path.to_owned(), matcher.as_ref()?.span))));
    all.extend(expect.capture.iter().map(|(name, _)| (capture_path(&name.value), name.span)));
    let of = |(path, at)| ExpectationRecord { path, at, family: FAMILY, verdict: Verdict::Error, findings: Vec::new() };
    all.into_iter().map(of).collect()
}

fn header_path(name: &str) -> String {
    format!("response.headers.{name}")
}
fn metadata_path(name: &str) -> String {
    format!("response.metadata.{name}")
}
fn json_path(path: &JsonPath) -> String {
    format!("response.json.{}", path.text)
}
fn capture_path(name: &str) -> String {
    format!("response.capture.{name}")
}

/// Every expectation of what came of a trigger, but its captures. `at` is the step, for what the spec does not say.
pub(crate) fn judge(expect: &Response, at: Span, outcome: &Outcome) -> Vec<ExpectationRecord> {
    let document = Body::of(outcome);
    let shown = document.shown(&expect.redactor);
    let asked = Asked { expect, at: expect.at.unwrap_or(at), place: outcome.place(), shown: &shown };
    let mut all = match outcome {
        Outcome::Http(answer) => http::head(&asked, answer),
        Outcome::Grpc(reply) => grpc::head(&asked, reply),
        Outcome::Command(ran) => program::ending(&asked, ran),
    };
    all.extend(graphql::errors(&asked, &document));
    all.extend(expect.json.iter().map(|(path, matcher)| asked.json(&document, path, matcher)));
    match outcome {
        Outcome::Http(answer) => all.extend(http::body(&asked, answer)),
        Outcome::Grpc(_) => {}
        Outcome::Command(ran) => all.extend(program::outputs(&asked, ran)),
    }
    if let Some(matcher) = &expect.duration {
        let took = outcome.responded().saturating_duration_since(outcome.sent());
        let fact = Fact::nanoseconds(nanos(took));
        let what = || format!("the time {} took", asked.place);
        all.push(judged(
            RuleId::ResponseDuration,
            "response.duration",
            matcher.span,
            &matcher.value,
            (&fact, None),
            what,
        ));
    }
    all
}

/// What is asked of one answer.
struct Asked<'a> {
    expect: &'a Response,
    /// Where the spec has it, or the step.
    at: Span,
    /// What was sent, for messages.
    place: String,
    /// The document as it may be shown.
    shown: &'a str,
}

impl Asked<'_> {
    fn json(&self, document: &Body<'_>, path: &JsonPath, matcher: &Matcher) -> ExpectationRecord {
        let name = json_path(path);
        match document.select(path) {
            Err(why) => {
                let expected = format!("{} {}", path.text, matcher.expects());
                let message = format!("{}: {why}", self.place);
                let wrong = finding(RuleId::ResponseJson, path.span, &name, message, expected, cut(self.shown));
                record(&name, path.span, Some(wrong))
            }
            Ok(value) => {
                let fact = value.as_ref().map_or(Fact::Missing, Fact::json);
                let masked = value.as_ref().and_then(|value| masked(path, value, &self.expect.redactor));
                let hidden = masked.as_ref().map(Fact::json);
                let what = || format!("`{}` of {}", path.text, self.place);
                judged(RuleId::ResponseJson, &name, path.span, matcher, (&fact, hidden.as_ref()), what)
            }
        }
    }

    /// The headers of an answer, which gRPC calls metadata.
    fn headers(
        &self,
        (rule, noun, path): (RuleId, &str, fn(&str) -> String),
        expected: &[(Spanned<String>, Matcher)],
        headers: &HeaderMap,
    ) -> Vec<ExpectationRecord> {
        let one = |(name, matcher): &(Spanned<String>, Matcher)| {
            // A value that is not ASCII is there all the same: `absent` must not hold of it.
            let values = headers.get_all(name.value.as_str()).iter();
            let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            let joined = values.join(", ");
            let fact = if values.is_empty() { Fact::Missing } else { Fact::text(joined.as_str()) };
            let hidden = (self.expect.redactor.hides(&name.value) && !values.is_empty()).then(|| Fact::text(MASK));
            let what = || format!("{noun} `{}` of {}", name.value, self.place);
            judged(rule, &path(&name.value), name.span, matcher, (&fact, hidden.as_ref()), what)
        };
        expected.iter().map(one).collect()
    }

    /// A whole text: a body, or an output. `what` names it.
    fn text(
        &self,
        rule: RuleId,
        path: &str,
        matcher: &Spanned<Matcher>,
        bytes: &[u8],
        what: &str,
    ) -> ExpectationRecord {
        let text = String::from_utf8_lossy(bytes);
        let shown = Body::new(bytes, "").shown(&self.expect.redactor).into_owned();
        let hidden = (*text != shown).then(|| Fact::text(shown.as_str()));
        let facts = (&Fact::text(&*text), hidden.as_ref());
        judged(rule, path, matcher.span, &matcher.value, facts, || format!("the {what} of {}", self.place))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A value of the body as it may be shown, where that differs.
fn masked(path: &JsonPath, value: &serde_json::Value, redactor: &Redactor) -> Option<serde_json::Value> {
    let mut names = path.text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
    if names.any(|name| redactor.hides(name)) && !value.is_null() {
        return Some(MASK.into());
    }
    let mut clean = value.clone();
    redactor.json(&mut clean);
    (clean != *value).then_some(clean)
}

/// `fact` is judged; the other, where there is one, is shown in its place.
fn judged(
    rule: RuleId,
    path: &str,
    at: Span,
    matcher: &Matcher,
    (fact, shown): (&Fact<'_>, Option<&Fact<'_>>),
    name: impl FnOnce() -> String,
) -> ExpectationRecord {
    let wrong = (!matcher.test(fact)).then(|| {
        let shown = shown.unwrap_or(fact);
        let message = format!("{} {}", name(), matcher.mismatch(shown));
        let actual = if shown.is_missing() { "nothing".to_owned() } else { cut(&shown.show()) };
        finding(rule, at, path, cut(&message), matcher.expects(), actual)
    });
    record(path, at, wrong)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
    }
}

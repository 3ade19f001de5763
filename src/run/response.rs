//! Judging the answer to a request, and keeping values of it.

use super::record::{ExpectationRecord, Verdict};
use crate::assert::{self, Finding, RuleId};
use crate::matcher::{Fact, Literal, Matcher, Value};
use crate::redact::{MASK, Redactor};
use crate::source::Span;
use crate::spec::plan::{Capture, JsonPath, Response};
use crate::trigger::http::Answer;
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

    pub(crate) fn new(bytes: &'a [u8]) -> Body<'a> {
        let json = match bytes {
            [] => Err("the body is empty".to_owned()),
            bytes => serde_json::from_slice(bytes).map_err(|why| format!("the body is not JSON: {why}")),
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

fn finding(rule: RuleId, at: Span, path: &str, message: String, expected: String, actual: String) -> Finding {
    Finding {
        rule,
        verdict: assert::Verdict::Fail,
        at,
        expectation: path.to_owned(),
        message,
        expected,
        actual,
        hint: None,
        span_ids: Vec::new(),
        rows: Vec::new(),
    }
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

/// Every expectation of an answer that never came. `at` is the step, for what the spec does not say.
pub(crate) fn not_judged(expect: &Response, at: Span) -> Vec<ExpectationRecord> {
    let mut all = vec![match &expect.status {
        Some(matcher) => ("response.status".to_owned(), matcher.span),
        None => (NO_ERROR.to_owned(), expect.at.unwrap_or(at)),
    }];
    all.extend(expect.headers.iter().map(|(name, _)| (header_path(&name.value), name.span)));
    all.extend(expect.json.iter().map(|(path, _)| (json_path(path), path.span)));
    all.extend(expect.body.iter().map(|matcher| ("response.body".to_owned(), matcher.span)));
    all.extend(expect.duration.iter().map(|matcher| ("response.duration".to_owned(), matcher.span)));
    all.extend(expect.capture.iter().map(|(name, _)| (capture_path(&name.value), name.span)));
    let of = |(path, at)| ExpectationRecord { path, at, family: FAMILY, verdict: Verdict::Error, findings: Vec::new() };
    all.into_iter().map(of).collect()
}

fn header_path(name: &str) -> String {
    format!("response.headers.{name}")
}
fn json_path(path: &JsonPath) -> String {
    format!("response.json.{}", path.text)
}
fn capture_path(name: &str) -> String {
    format!("response.capture.{name}")
}

/// Every expectation of the answer but its captures. `at` is the step, for what the spec does not say.
pub(crate) fn judge(expect: &Response, at: Span, answer: &Answer) -> Vec<ExpectationRecord> {
    let redactor = &*expect.redactor;
    let body = Body::new(&answer.body);
    let shown = body.shown(redactor);
    let status = answer.status.as_u16();
    let place = format!("{} {}", answer.method, answer.url.path());
    let mut all = vec![match &expect.status {
        Some(matcher) => {
            let wrong = (!matcher.value.test(&Fact::Int(status.into()))).then(|| {
                let message = format!("{place} answered {}", answer.status);
                let expected = format!("status: {}", matcher.value);
                let hint = body_hint(&shown);
                Finding {
                    hint,
                    ..finding(
                        RuleId::ResponseStatus,
                        matcher.span,
                        "response.status",
                        message,
                        expected,
                        status.to_string(),
                    )
                }
            });
            record("response.status", matcher.span, wrong)
        }
        None => {
            let at = expect.at.unwrap_or(at);
            let wrong = (status >= 400).then(|| {
                let message = format!("{place} answered {}, and the spec does not say that it may", answer.status);
                let hint = body_hint(&shown);
                let expected = "a status below 400".to_owned();
                Finding { hint, ..finding(RuleId::ResponseStatus, at, NO_ERROR, message, expected, status.to_string()) }
            });
            record(NO_ERROR, at, wrong)
        }
    }];
    for (name, matcher) in &expect.headers {
        // A value that is not ASCII is there all the same: `absent` must not hold of it.
        let values = answer.headers.get_all(name.value.as_str()).iter();
        let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let joined = values.join(", ");
        let fact = if values.is_empty() { Fact::Missing } else { Fact::text(joined.as_str()) };
        let hidden = (redactor.hides(&name.value) && !values.is_empty()).then(|| Fact::text(MASK));
        let what = || format!("header `{}` of {place}", name.value);
        all.push(judged(
            RuleId::ResponseHeader,
            &header_path(&name.value),
            name.span,
            matcher,
            (&fact, hidden.as_ref()),
            what,
        ));
    }
    for (path, matcher) in &expect.json {
        let name = json_path(path);
        all.push(match body.select(path) {
            Err(why) => {
                let expected = format!("{} {}", path.text, matcher.expects());
                let message = format!("{place}: {why}");
                let wrong = finding(RuleId::ResponseJson, path.span, &name, message, expected, cut(&shown));
                record(&name, path.span, Some(wrong))
            }
            Ok(value) => {
                let fact = value.as_ref().map_or(Fact::Missing, Fact::json);
                let masked = value.as_ref().and_then(|value| masked(path, value, redactor));
                let hidden = masked.as_ref().map(Fact::json);
                let what = || format!("`{}` of {place}", path.text);
                judged(RuleId::ResponseJson, &name, path.span, matcher, (&fact, hidden.as_ref()), what)
            }
        });
    }
    if let Some(matcher) = &expect.body {
        let text = String::from_utf8_lossy(&answer.body);
        let hidden = (text != shown).then(|| Fact::text(&*shown));
        let facts = (&Fact::text(&*text), hidden.as_ref());
        all.push(judged(RuleId::ResponseBody, "response.body", matcher.span, &matcher.value, facts, || {
            format!("the body of {place}")
        }));
    }
    if let Some(matcher) = &expect.duration {
        let took = answer.responded.saturating_duration_since(answer.sent);
        let fact = Fact::nanoseconds(nanos(took));
        let what = || format!("the time {place} took");
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

fn body_hint(shown: &str) -> Option<String> {
    (!shown.trim().is_empty()).then(|| format!("it said: {}", cut(shown)))
}

/// The captured values, and of each capture whether the answer has it.
pub(crate) fn captures(expect: &Response, answer: &Answer) -> (Vec<(String, Value)>, Vec<ExpectationRecord>) {
    let (mut kept, mut all) = (Vec::new(), Vec::new());
    let body = Body::new(&answer.body);
    for (name, capture) in &expect.capture {
        let (what, value) = match capture {
            Capture::Status => {
                ("the status".to_owned(), Some(Value::typed(Literal::Int(answer.status.as_u16().into()))))
            }
            Capture::Body => {
                ("the body".to_owned(), Some(Value::text(String::from_utf8_lossy(&answer.body).into_owned())))
            }
            Capture::Header(header) => {
                let value = answer.headers.get(header.as_str()).and_then(|value| value.to_str().ok());
                (format!("header `{header}`"), value.map(Value::text))
            }
            Capture::Json(path) => {
                (format!("`{}`", path.text), body.select(path).ok().flatten().as_ref().and_then(value_of))
            }
        };
        let path = capture_path(&name.value);
        let missing = value.is_none().then(|| {
            let message = format!("{what} to capture is not in the answer of {} {}", answer.method, answer.url.path());
            finding(
                RuleId::ResponseCapture,
                name.span,
                &path,
                message,
                "a value".to_owned(),
                cut(&body.shown(&expect.redactor)),
            )
        });
        all.push(record(&path, name.span, missing));
        kept.extend(value.map(|value| (name.value.clone(), value)));
    }
    (kept, all)
}

/// A JSON value as a variable: scalars keep their type; arrays and objects become their JSON text.
fn value_of(json: &serde_json::Value) -> Option<Value> {
    Some(match json {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(flag) => Value::typed(Literal::Bool(*flag)),
        serde_json::Value::String(text) => Value::text(text.as_str()),
        serde_json::Value::Number(number) => {
            let literal = match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Literal::Int(whole.into()),
                (None, Some(whole)) => Literal::Int(whole.into()),
                (None, None) => Literal::Float(number.as_f64()?),
            };
            Value { literal, text: number.to_string().into() }
        }
        other => Value::text(other.to_string()),
    })
}

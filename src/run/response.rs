//! Judging the answer to a request, and keeping values of it.

use crate::assert::{Finding, RuleId, Verdict};
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
        verdict: Verdict::Fail,
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

/// Everything in which the answer is not as expected; empty if it is. `at` is the step, for what the spec does not say.
pub(crate) fn judge(expect: &Response, at: Span, answer: &Answer) -> Vec<Finding> {
    let mut found = Vec::new();
    let redactor = &*expect.redactor;
    let body = Body::new(&answer.body);
    let shown = body.shown(redactor);
    let status = answer.status.as_u16();
    let place = format!("{} {}", answer.method, answer.url.path());
    match &expect.status {
        Some(matcher) => {
            let fact = Fact::Int(status.into());
            if !matcher.value.test(&fact) {
                let message = format!("{place} answered {}", answer.status);
                let expected = format!("status: {}", matcher.value);
                let mut finding = finding(
                    RuleId::ResponseStatus,
                    matcher.span,
                    "response.status",
                    message,
                    expected,
                    status.to_string(),
                );
                finding.hint = body_hint(&shown);
                found.push(finding);
            }
        }
        None if status >= 400 => {
            let message = format!("{place} answered {}, and the spec does not say that it may", answer.status);
            let at = expect.at.unwrap_or(at);
            let mut finding = finding(
                RuleId::ResponseStatus,
                at,
                "response",
                message,
                "a status below 400".to_owned(),
                status.to_string(),
            );
            finding.hint = body_hint(&shown);
            found.push(finding);
        }
        None => {}
    }
    for (name, matcher) in &expect.headers {
        // A value that is not ASCII is there all the same: `absent` must not hold of it.
        let values = answer.headers.get_all(name.value.as_str()).iter();
        let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let joined = values.join(", ");
        let fact = if values.is_empty() { Fact::Missing } else { Fact::text(joined.as_str()) };
        let hidden = (redactor.hides(&name.value) && !values.is_empty()).then(|| Fact::text(MASK));
        let path = format!("response.headers.{}", name.value);
        push(&mut found, RuleId::ResponseHeader, name.span, &path, matcher, (&fact, hidden.as_ref()), || {
            format!("header `{}` of {place}", name.value)
        });
    }
    for (path, matcher) in &expect.json {
        let name = format!("response.json.{}", path.text);
        match body.select(path) {
            Err(why) => {
                let expected = format!("{} {}", path.text, matcher.expects());
                found.push(finding(
                    RuleId::ResponseJson,
                    path.span,
                    &name,
                    format!("{place}: {why}"),
                    expected,
                    cut(&shown),
                ));
            }
            Ok(value) => {
                let fact = value.as_ref().map_or(Fact::Missing, Fact::json);
                let masked = value.as_ref().and_then(|value| masked(path, value, redactor));
                let hidden = masked.as_ref().map(Fact::json);
                push(&mut found, RuleId::ResponseJson, path.span, &name, matcher, (&fact, hidden.as_ref()), || {
                    format!("`{}` of {place}", path.text)
                });
            }
        }
    }
    if let Some(matcher) = &expect.body {
        let text = String::from_utf8_lossy(&answer.body);
        let hidden = (text != shown).then(|| Fact::text(&*shown));
        push(
            &mut found,
            RuleId::ResponseBody,
            matcher.span,
            "response.body",
            &matcher.value,
            (&Fact::text(&*text), hidden.as_ref()),
            || format!("the body of {place}"),
        );
    }
    if let Some(matcher) = &expect.duration {
        let took = answer.responded.saturating_duration_since(answer.sent);
        let fact = Fact::nanoseconds(nanos(took));
        push(
            &mut found,
            RuleId::ResponseDuration,
            matcher.span,
            "response.duration",
            &matcher.value,
            (&fact, None),
            || format!("the time {place} took"),
        );
    }
    found
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
fn push(
    found: &mut Vec<Finding>,
    rule: RuleId,
    at: Span,
    path: &str,
    matcher: &Matcher,
    (fact, shown): (&Fact<'_>, Option<&Fact<'_>>),
    name: impl FnOnce() -> String,
) {
    if !matcher.test(fact) {
        let shown = shown.unwrap_or(fact);
        let message = format!("{} {}", name(), matcher.mismatch(shown));
        let actual = if shown.is_missing() { "nothing".to_owned() } else { cut(&shown.show()) };
        found.push(finding(rule, at, path, cut(&message), matcher.expects(), actual));
    }
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

/// The captured values, or which of them the answer does not have.
pub(crate) fn captures(expect: &Response, answer: &Answer) -> (Vec<(String, Value)>, Vec<Finding>) {
    let (mut kept, mut missing) = (Vec::new(), Vec::new());
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
        match value {
            Some(value) => kept.push((name.value.clone(), value)),
            None => missing.push(finding(
                RuleId::ResponseCapture,
                name.span,
                &format!("response.capture.{}", name.value),
                format!("{what} to capture is not in the answer of {} {}", answer.method, answer.url.path()),
                "a value".to_owned(),
                cut(&body.shown(&expect.redactor)),
            )),
        }
    }
    (kept, missing)
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

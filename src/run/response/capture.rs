//! Values of an answer that are kept as variables.

use super::{Body, capture_path, cut, finding, record};
use crate::assert::RuleId;
use crate::matcher::{Literal, Value};
use crate::run::record::ExpectationRecord;
use crate::spec::plan::{Capture, Response};
use crate::trigger::command::Ran;
use crate::trigger::grpc::{Reply, word};
use crate::trigger::http::Answer;
use crate::trigger::outcome::Outcome;

/// The captured values, and of each capture whether the answer has it.
pub(crate) fn captures(expect: &Response, outcome: &Outcome) -> (Vec<(String, Value)>, Vec<ExpectationRecord>) {
    let (mut kept, mut all) = (Vec::new(), Vec::new());
    let body = Body::of(outcome);
    for (name, capture) in &expect.capture {
        let (what, value) = match (capture, outcome) {
            (Capture::Json(path), _) => {
                (format!("`{}`", path.text), body.select(path).ok().flatten().as_ref().and_then(value_of))
            }
            (Capture::Header(name), _) => {
                let noun = if matches!(outcome, Outcome::Grpc(_)) { "metadata" } else { "header" };
                (format!("{noun} `{name}`"), outcome.header(name).map(Value::text))
            }
            (_, Outcome::Http(answer)) => of_answer(capture, answer),
            (_, Outcome::Grpc(reply)) => of_reply(capture, reply),
            (_, Outcome::Command(ran)) => of_program(capture, ran),
        };
        let path = capture_path(&name.value);
        let missing = value.is_none().then(|| {
            let message = format!("{what} to capture is not in {}", of(outcome));
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

fn of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Http(_) | Outcome::Grpc(_) => format!("the answer of {}", outcome.place()),
        Outcome::Command(_) => format!("the output of {}", outcome.place()),
    }
}

/// What is captured, in words, and its value. What a spec cannot ask of an answer is never there.
fn of_answer(capture: &Capture, answer: &Answer) -> (String, Option<Value>) {
    match capture {
        Capture::Status => ("the status".to_owned(), Some(Value::typed(Literal::Int(answer.status.as_u16().into())))),
        Capture::Body => ("the body".to_owned(), Some(text(&answer.body))),
        Capture::Json(_) | Capture::Header(_) | Capture::ExitCode | Capture::Stdout(_) | Capture::Stderr => {
            ("what is".to_owned(), None)
        }
    }
}

fn of_reply(capture: &Capture, reply: &Reply) -> (String, Option<Value>) {
    match capture {
        Capture::Status => ("the status".to_owned(), Some(Value::text(word(reply.code)))),
        Capture::Body => ("the message".to_owned(), Some(text(&reply.json))),
        Capture::Json(_) | Capture::Header(_) | Capture::ExitCode | Capture::Stdout(_) | Capture::Stderr => {
            ("what is".to_owned(), None)
        }
    }
}

fn of_program(capture: &Capture, ran: &Ran) -> (String, Option<Value>) {
    match capture {
        Capture::ExitCode => {
            ("the exit code".to_owned(), ran.status.code().map(|code| Value::typed(Literal::Int(code.into()))))
        }
        Capture::Stdout(None) => ("the output".to_owned(), Some(text(&ran.stdout))),
        Capture::Stdout(Some(pattern)) => {
            let output = String::from_utf8_lossy(&ran.stdout);
            (format!("`{}`", pattern.text()), pattern.find(&output).map(Value::text))
        }
        Capture::Stderr => ("the error output".to_owned(), Some(text(&ran.stderr))),
        Capture::Json(_) | Capture::Status | Capture::Body | Capture::Header(_) => ("what is".to_owned(), None),
    }
}

fn text(bytes: &[u8]) -> Value {
    Value::text(String::from_utf8_lossy(bytes).into_owned())
}

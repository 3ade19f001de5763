//! The errors within a GraphQL response, which a status of 200 says nothing of.

use super::{Asked, Body, cut, finding, judged, record};
use crate::assert::RuleId;
use crate::matcher::{Fact, count_of};
use crate::run::record::ExpectationRecord;
use crate::spec::plan::GraphQlErrors;
use serde_json::Value;

const PATH: &str = "response.errors";
/// The most errors whose messages are shown.
const SHOWN: usize = 3;

/// Whether the errors are as expected; nothing where it is no GraphQL response.
pub(super) fn errors(asked: &Asked<'_>, document: &Body<'_>) -> Option<ExpectationRecord> {
    let (at, matcher) = match &asked.expect.errors {
        GraphQlErrors::NotLookedAt => return None,
        GraphQlErrors::None => (asked.at, None),
        GraphQlErrors::Are(matcher) => (matcher.span, Some(&matcher.value)),
    };
    let expected = || matcher.map_or_else(|| "no errors".to_owned(), |matcher| format!("errors: {matcher}"));
    let answer = match &document.json {
        Ok(answer) => answer,
        Err(why) => {
            let message = format!("{}: {why}, so it is no GraphQL response", asked.place);
            let wrong = finding(RuleId::ResponseErrors, at, PATH, message, expected(), cut(asked.shown));
            return Some(record(PATH, at, Some(wrong)));
        }
    };
    // The specification leaves `errors` out where there are none; some servers send null or an empty list.
    let errors = answer.get("errors").filter(|errors| !errors.is_null());
    let errors = errors.filter(|errors| errors.as_array().is_none_or(|errors| !errors.is_empty()));
    let mut shown = errors.cloned();
    shown.iter_mut().for_each(|errors| asked.expect.redactor.json(errors));
    match matcher {
        Some(matcher) => {
            let fact = errors.map_or(Fact::Missing, Fact::json);
            let hidden = shown.as_ref().map(Fact::json);
            let what = || format!("`errors` of {}", asked.place);
            Some(judged(RuleId::ResponseErrors, PATH, at, matcher, (&fact, hidden.as_ref()), what))
        }
        None => {
            let wrong = shown.map(|errors| {
                let count = errors.as_array().map_or(1, Vec::len);
                let message = format!("{} answered with {}, expected none", asked.place, count_of(count, "error"));
                finding(RuleId::ResponseErrors, at, PATH, message, expected(), words(&errors))
            });
            Some(record(PATH, at, wrong))
        }
    }
}

/// The errors' messages, each with the path of the field that it is of.
fn words(errors: &Value) -> String {
    let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
    let one = |error: &Value| {
        let message = error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
        match error.get("path").and_then(Value::as_array) {
            Some(path) => format!("{message} (at {})", path.iter().map(step).collect::<Vec<_>>().join(".")),
            None => message,
        }
    };
    let all: Vec<String> = match errors.as_array() {
        Some(errors) => errors.iter().take(SHOWN).map(one).collect(),
        None => vec![one(errors)],
    };
    let more = errors.as_array().map_or(0, |errors| errors.len().saturating_sub(SHOWN));
    cut(&all.join("; ")) + &if more > 0 { format!("; and {more} more") } else { String::new() }
}

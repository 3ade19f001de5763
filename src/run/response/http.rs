//! What is expected of an HTTP answer alone.

use super::{Asked, NO_ERROR, bare, cut, finding, header_path, record};
use crate::assert::{Finding, RuleId};
use crate::matcher::Fact;
use crate::run::record::ExpectationRecord;
use crate::trigger::http::Answer;

/// The status and the headers.
pub(super) fn head(asked: &Asked<'_>, answer: &Answer) -> Vec<ExpectationRecord> {
    let mut all = vec![status(asked, answer)];
    let headers = (RuleId::ResponseHeader, "header", header_path as fn(&str) -> String);
    all.extend(asked.headers(headers, &asked.expect.headers, &answer.headers));
    all
}

fn status(asked: &Asked<'_>, answer: &Answer) -> ExpectationRecord {
    let (place, status) = (&asked.place, answer.status.as_u16());
    let hint = || (!asked.shown.trim().is_empty()).then(|| format!("it said: {}", cut(asked.shown)));
    let wrong = |at, path: &str, message, expected| Finding {
        hint: hint(),
        ..finding(RuleId::ResponseStatus, at, path, message, expected, status.to_string())
    };
    match &asked.expect.status {
        Some(matcher) => {
            let path = "response.status";
            let found = (!matcher.value.test(&Fact::Int(status.into()))).then(|| {
                let message = format!("{place} answered {}, expected {}", answer.status, bare(&matcher.value));
                wrong(matcher.span, path, message, format!("status: {}", matcher.value))
            });
            record(path, matcher.span, found)
        }
        None => {
            let found = (status >= 400).then(|| {
                let message = format!("{place} answered {}, expected a status below 400", answer.status);
                wrong(asked.at, NO_ERROR, message, "a status below 400".to_owned())
            });
            record(NO_ERROR, asked.at, found)
        }
    }
}

/// The body as text.
pub(super) fn body(asked: &Asked<'_>, answer: &Answer) -> Option<ExpectationRecord> {
    let matcher = asked.expect.body.as_ref()?;
    Some(asked.text(RuleId::ResponseBody, "response.body", matcher, &answer.body, "body"))
}

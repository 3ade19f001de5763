//! What is expected of a gRPC answer alone.

use super::{Asked, NO_ERROR, bare, finding, header_path, judged, metadata_path, record};
use crate::assert::{Finding, RuleId};
use crate::matcher::Fact;
use crate::redact::MASK;
use crate::run::record::ExpectationRecord;
use crate::trigger::grpc::{Reply, word};
use tonic::Code;

/// The status, its message and the metadata.
pub(super) fn head(asked: &Asked<'_>, reply: &Reply) -> Vec<ExpectationRecord> {
    let mut all = vec![status(asked, reply)];
    let redactor = &asked.expect.redactor;
    if let Some(matcher) = &asked.expect.status_message {
        let fact = Fact::text(reply.message.as_str());
        let what = || format!("the status message of {}", asked.place);
        let path = "response.status_message";
        all.push(judged(RuleId::ResponseStatusMessage, path, matcher.span, &matcher.value, (&fact, None), what));
    }
    let mut texts = |names: &[(crate::source::Spanned<String>, crate::matcher::Matcher)], path: fn(&str) -> String| {
        for (name, matcher) in names {
            let values = reply.metadata.get_all(name.value.as_str()).iter();
            let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            let joined = values.join(", ");
            let fact = if values.is_empty() { Fact::Missing } else { Fact::text(joined.as_str()) };
            let hidden = (redactor.hides(&name.value) && !values.is_empty()).then(|| Fact::text(MASK));
            let (path, facts) = (path(&name.value), (&fact, hidden.as_ref()));
            let what = || format!("metadata `{}` of {}", name.value, asked.place);
            all.push(judged(RuleId::ResponseMetadata, &path, name.span, matcher, facts, what));
        }
    };
    texts(&asked.expect.headers, header_path);
    texts(&asked.expect.metadata, metadata_path);
    all
}

fn status(asked: &Asked<'_>, reply: &Reply) -> ExpectationRecord {
    let (place, found) = (&asked.place, word(reply.code));
    let hint = (!reply.message.trim().is_empty()).then(|| format!("it said: {}", super::cut(&reply.message)));
    let wrong = |at, path: &str, message, expected| Finding {
        hint: hint.clone(),
        ..finding(RuleId::ResponseStatus, at, path, message, expected, found.to_owned())
    };
    match &asked.expect.grpc_status {
        Some(matcher) => {
            let path = "response.status";
            let mismatch = (!matcher.value.test(&Fact::text(found))).then(|| {
                let message = format!("{place} answered {found}, expected {}", bare(&matcher.value));
                wrong(matcher.span, path, message, format!("status: {}", matcher.value))
            });
            record(path, matcher.span, mismatch)
        }
        None => {
            let failed = (reply.code != Code::Ok).then(|| {
                let message = format!("{place} answered {found}, expected OK");
                wrong(asked.at, NO_ERROR, message, "OK".to_owned())
            });
            record(NO_ERROR, asked.at, failed)
        }
    }
}

//! What is expected of a gRPC answer alone.

use super::{Asked, NO_ERROR, bare, finding, header_path, judged, metadata_path, record};
use crate::assert::{Finding, RuleId};
use crate::matcher::Fact;
use crate::run::record::ExpectationRecord;
use crate::trigger::grpc::{Reply, word};
use tonic::Code;

/// The status, its message and the metadata.
pub(super) fn head(asked: &Asked<'_>, reply: &Reply) -> Vec<ExpectationRecord> {
    let mut all = vec![status(asked, reply)];
    if let Some(matcher) = &asked.expect.status_message {
        let fact = Fact::text(reply.message.as_str());
        let what = || format!("the status message of {}", asked.place);
        let path = "response.status_message";
        all.push(judged(RuleId::ResponseStatusMessage, path, matcher.span, &matcher.value, (&fact, None), what));
    }
    for (expected, path) in
        [(&asked.expect.headers, header_path as fn(&str) -> String), (&asked.expect.metadata, metadata_path)]
    {
        all.extend(asked.headers((RuleId::ResponseMetadata, "metadata", path), expected, &reply.metadata));
    }
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

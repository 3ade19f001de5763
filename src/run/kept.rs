//! What is kept of what a step sent, and of what came of it.

use super::record::{AnswerRecord, BodyRecord, ProgramRecord, Protocol, RequestRecord};
use crate::trigger::command::{Program, Ran};
use crate::trigger::grpc::{Call, Reply};
use crate::trigger::http::{Answer, Request};
use http::HeaderMap;

/// The most characters of a header's value that are kept.
const VALUE_KEPT: usize = 8 << 10;

fn headers(of: &HeaderMap) -> Vec<(String, String)> {
    let value = |value: &http::HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes());
        crate::redact::cut(&text, VALUE_KEPT).into_owned()
    };
    of.iter().map(|(name, text)| (name.to_string(), value(text))).collect()
}

impl RequestRecord {
    /// A request with the headers that it was sent with.
    pub(crate) fn of(request: &Request, sent: &HeaderMap) -> RequestRecord {
        RequestRecord {
            protocol: Protocol::Http,
            method: request.method.to_string(),
            url: request.url.to_string(),
            headers: headers(sent),
            body: (!request.body.is_empty()).then(|| BodyRecord::of(&request.body)),
        }
    }

    /// A gRPC call.
    pub(crate) fn of_call(call: &Call) -> RequestRecord {
        RequestRecord {
            protocol: Protocol::Grpc,
            method: call.method.clone(),
            url: call.address.clone(),
            headers: headers(&call.metadata),
            body: Some(BodyRecord::of(call.message.as_bytes())),
        }
    }
}

impl AnswerRecord {
    /// The answer to a gRPC call, with its status code's number.
    pub(crate) fn of_call(reply: &Reply) -> AnswerRecord {
        AnswerRecord {
            status: reply.code as u16,
            message: Some(reply.message.clone()).filter(|message| !message.is_empty()),
            headers: headers(&reply.metadata),
            body: BodyRecord::of(&reply.json),
        }
    }

    pub(crate) fn of(answer: &Answer) -> AnswerRecord {
        AnswerRecord {
            status: answer.status.as_u16(),
            message: None,
            headers: headers(&answer.headers),
            body: BodyRecord::of(&answer.body),
        }
    }
}

impl ProgramRecord {
    pub(super) fn of(program: &Program, context: &[(&'static str, String)]) -> ProgramRecord {
        let set = program.env.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        let context = context.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let is_context = |name: &str| matches!(name, "TRACEPARENT" | "BAGGAGE");
        ProgramRecord {
            argv: program.argv.clone(),
            env: context.chain(set.filter(|(name, _)| !is_context(name))).collect(),
            directory: program.directory.display().to_string(),
            ..ProgramRecord::default()
        }
    }

    /// Adds how it ended.
    pub(super) fn ended(&mut self, ran: &Ran) {
        self.ending = Some(ran.ending());
        self.stdout = Some(BodyRecord::of(&ran.stdout));
        self.stderr = Some(BodyRecord::of(&ran.stderr));
    }
}

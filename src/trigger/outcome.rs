//! What came of a trigger, whatever it was.

use super::command::{self, Ran};
use super::grpc::{self, Reply};
use super::http::Answer;
use crate::trace::{SpanId, TraceId};
use http::{HeaderMap, Method};
use std::time::Instant;
use url::Url;

/// One call that was made.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Host and port.
    pub peer: String,
    /// Method and path without ids, or the method of gRPC.
    pub operation: String,
}

/// What came of a trigger.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The answer to an HTTP request.
    Http(Box<Answer>),
    /// The answer to a gRPC call.
    Grpc(Box<Reply>),
    /// The end of a program.
    Command(Box<Ran>),
}

impl Outcome {
    /// The injected trace id.
    pub fn trace_id(&self) -> TraceId {
        match self {
            Outcome::Http(answer) => answer.trace_id,
            Outcome::Grpc(reply) => reply.trace_id,
            Outcome::Command(ran) => ran.trace_id,
        }
    }
    /// The injected span ids.
    pub fn injected(&self) -> &[SpanId] {
        match self {
            Outcome::Http(answer) => &answer.injected,
            Outcome::Grpc(reply) => std::slice::from_ref(&reply.injected),
            Outcome::Command(ran) => std::slice::from_ref(&ran.injected),
        }
    }
    /// The calls that it made, each of which the system must answer with a span.
    pub fn calls(&self) -> Vec<Sent> {
        match self {
            Outcome::Http(answer) => {
                let sent = |(method, url): &(Method, Url)| Sent {
                    peer: url.authority().to_owned(),
                    operation: format!("{method} {}", route(url)),
                };
                answer.hops.iter().map(sent).collect()
            }
            Outcome::Grpc(reply) => vec![Sent { peer: reply.peer().to_owned(), operation: reply.method.clone() }],
            // What a program calls is known by its spans only.
            Outcome::Command(_) => Vec::new(),
        }
    }
    /// Headers, or metadata; a program has none.
    pub fn headers(&self) -> Option<&HeaderMap> {
        match self {
            Outcome::Http(answer) => Some(&answer.headers),
            Outcome::Grpc(reply) => Some(&reply.metadata),
            Outcome::Command(_) => None,
        }
    }
    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()?.get(name)?.to_str().ok()
    }
    /// When it began.
    pub fn sent(&self) -> Instant {
        match self {
            Outcome::Http(answer) => answer.sent,
            Outcome::Grpc(reply) => reply.sent,
            Outcome::Command(ran) => ran.sent,
        }
    }
    /// When it was over.
    pub fn responded(&self) -> Instant {
        match self {
            Outcome::Http(answer) => answer.responded,
            Outcome::Grpc(reply) => reply.responded,
            Outcome::Command(ran) => ran.responded,
        }
    }
    /// What `json` looks into: a body, or what a program wrote.
    pub fn document(&self) -> &[u8] {
        match self {
            Outcome::Http(answer) => &answer.body,
            Outcome::Grpc(reply) => &reply.json,
            Outcome::Command(ran) => &ran.stdout,
        }
    }
    /// What it was, for messages: `POST /orders`, or a command line.
    pub fn place(&self) -> String {
        match self {
            Outcome::Http(answer) => format!("{} {}", answer.method, answer.url.path()),
            Outcome::Grpc(reply) => reply.method.clone(),
            Outcome::Command(ran) => format!("`{}`", command::shown(&ran.argv)),
        }
    }
    /// How it ended, in a word or two: `201 Created`, `exit code 3`.
    pub fn ending(&self) -> String {
        match self {
            Outcome::Http(answer) => answer.status.to_string(),
            Outcome::Grpc(reply) => grpc::word(reply.code).to_owned(),
            Outcome::Command(ran) => ran.ending(),
        }
    }
}

/// The path without what looks like an id, so that requests alike are one call.
fn route(url: &Url) -> String {
    let segment = |part: &str| {
        let looks_like_id = part.chars().any(|c| c.is_ascii_digit());
        if looks_like_id { "*".to_owned() } else { part.to_owned() }
    };
    url.path().split('/').map(segment).collect::<Vec<_>>().join("/")
}

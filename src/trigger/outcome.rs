//! What came of a trigger, whatever it was.

use super::command::{self, Ran};
use super::http::Answer;
use crate::trace::{SpanId, TraceId};
use http::Method;
use std::time::Instant;
use url::Url;

/// What came of a trigger.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The answer to an HTTP request.
    Http(Box<Answer>),
    /// The end of a program.
    Command(Box<Ran>),
}

impl Outcome {
    /// The injected trace id.
    pub fn trace_id(&self) -> TraceId {
        match self {
            Outcome::Http(answer) => answer.trace_id,
            Outcome::Command(ran) => ran.trace_id,
        }
    }
    /// The injected span ids.
    pub fn injected(&self) -> &[SpanId] {
        match self {
            Outcome::Http(answer) => &answer.injected,
            Outcome::Command(ran) => std::slice::from_ref(&ran.injected),
        }
    }
    /// Method and URL of each request sent.
    pub fn hops(&self) -> &[(Method, Url)] {
        match self {
            Outcome::Http(answer) => &answer.hops,
            Outcome::Command(_) => &[],
        }
    }
    /// When it began.
    pub fn sent(&self) -> Instant {
        match self {
            Outcome::Http(answer) => answer.sent,
            Outcome::Command(ran) => ran.sent,
        }
    }
    /// When it was over.
    pub fn responded(&self) -> Instant {
        match self {
            Outcome::Http(answer) => answer.responded,
            Outcome::Command(ran) => ran.responded,
        }
    }
    /// What `json` looks into: a body, or what a program wrote.
    pub fn document(&self) -> &[u8] {
        match self {
            Outcome::Http(answer) => &answer.body,
            Outcome::Command(ran) => &ran.stdout,
        }
    }
    /// What it was, for messages: `POST /orders`, or a command line.
    pub fn place(&self) -> String {
        match self {
            Outcome::Http(answer) => format!("{} {}", answer.method, answer.url.path()),
            Outcome::Command(ran) => format!("`{}`", command::shown(&ran.argv)),
        }
    }
    /// How it ended, in a word or two: `201 Created`, `exit code 3`.
    pub fn ending(&self) -> String {
        match self {
            Outcome::Http(answer) => answer.status.to_string(),
            Outcome::Command(ran) => ran.ending(),
        }
    }
}

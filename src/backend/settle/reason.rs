//! Why a trace is not settled yet, in words that name the span to look for.

use crate::facts::CallKey;
use crate::trace::{Kind, SpanId};
use std::fmt;

/// A duration as people read it: `0.3 s`, `8.5 s`, `12 s`. Rounded to milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.saturating_add(500_000) / 1_000_000;
        let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
        match rest {
            0 => write!(f, "{whole} s"),
            rest => write!(f, "{whole}.{} s", format!("{rest:03}").trim_end_matches('0')),
        }
    }
}

/// A span as a reason names it. Texts are the system's own, not yet escaped for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanName {
    /// Its id.
    pub id: SpanId,
    /// Its name.
    pub name: String,
    /// Its service.
    pub service: String,
    /// Its kind.
    pub kind: Kind,
}

impl fmt::Display for SpanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = if self.service.is_empty() { "a service without a name" } else { &self.service };
        write!(f, "`{}` ({}) of {service}", self.name, self.id)
    }
}

/// Something that a wait waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The request is not answered yet.
    NoResponse,
    /// There is no span at all.
    NoSpan,
    /// A span names a parent that is not there.
    MissingParent {
        /// The span.
        span: SpanName,
        /// The parent that it names.
        parent: SpanId,
        /// How many other spans' parents are missing as well.
        others: usize,
    },
    /// Neither a root nor a span called by the runner is there.
    NoRoot,
    /// A call's callee exports in this run, but not in this trace yet.
    Unanswered {
        /// The CLIENT or PRODUCER span.
        span: SpanName,
        /// The call.
        call: CallKey,
        /// How many other calls are unanswered as well.
        others: usize,
    },
    /// A call's callee has never been heard of: it may export late, or not at all.
    Open {
        /// The CLIENT or PRODUCER span.
        span: SpanName,
        /// The call.
        call: CallKey,
        /// How many other calls are open as well.
        others: usize,
    },
    /// A request of the runner's has no span, though requests like it had.
    UnansweredRequest {
        /// The request's span id.
        span: SpanId,
        /// Where it went.
        call: CallKey,
    },
    /// A request of the runner's has no span, and nothing is known of its like.
    OpenRequest {
        /// The request's span id.
        span: SpanId,
        /// Where it went.
        call: CallKey,
    },
    /// The last reading lacks spans that an earlier one had.
    Shrunk {
        /// How many spans it found.
        found: usize,
        /// How many are known.
        known: usize,
    },
    /// The backend says that it answered with a part of the trace only.
    Partial,
    /// The backend could not be read.
    FailedRead {
        /// What it said.
        why: String,
    },
    /// Complete so far, but not quiet for long enough.
    Quiet {
        /// For how long nothing new came, in nanoseconds.
        quiet_ns: u64,
        /// For how long it must, in nanoseconds.
        settle_ns: u64,
    },
}

impl Reason {
    /// Whether this alone keeps a trace from being structurally complete.
    pub fn is_structural(&self) -> bool {
        matches!(
            self,
            Reason::NoSpan
                | Reason::MissingParent { .. }
                | Reason::NoRoot
                | Reason::Unanswered { .. }
                | Reason::UnansweredRequest { .. }
                | Reason::Partial
        )
    }
    /// What the spec may say so that this no longer holds a wait: the service or peer for `wait.silent`.
    pub fn suggests_silent(&self) -> Option<&str> {
        match self {
            Reason::Unanswered { call, .. }
            | Reason::Open { call, .. }
            | Reason::UnansweredRequest { call, .. }
            | Reason::OpenRequest { call, .. } => Some(&call.peer).filter(|peer| !peer.is_empty()).map(String::as_str),
            _ => None,
        }
    }
}

fn others(f: &mut fmt::Formatter<'_>, others: usize, what: &str) -> fmt::Result {
    match others {
        0 => Ok(()),
        1 => write!(f, " (and 1 other {what})"),
        more => write!(f, " (and {more} other {what}s)"),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoResponse => f.write_str("the response has not come"),
            Reason::NoSpan => f.write_str("no span has arrived"),
            Reason::MissingParent { span, parent, others: more } => {
                write!(f, "span {span} names parent {parent}, which has not arrived")?;
                others(f, *more, "missing parent")
            }
            Reason::NoRoot => f.write_str("no root and no span called by the runner has arrived"),
            Reason::Unanswered { span, call, others: more } => {
                write!(f, "call {call} is unanswered: {} span {span} has no span of its callee", kind(span.kind))?;
                f.write_str(", which exports spans elsewhere in this run")?;
                others(f, *more, "unanswered call")
            }
            Reason::Open { span, call, others: more } => {
                write!(f, "call {call} is open: {} span {span} has no span of its callee", kind(span.kind))?;
                f.write_str(", of which nothing is known yet")?;
                others(f, *more, "open call")
            }
            Reason::UnansweredRequest { span, call } => {
                write!(f, "request {call} ({span}) of the runner has no span, though others like it have")
            }
            Reason::OpenRequest { span, call } => write!(f, "request {call} ({span}) of the runner has no span yet"),
            Reason::Shrunk { found, known } => {
                write!(f, "the last read found {found} of the {known} spans known; the fuller reading stays valid")
            }
            Reason::Partial => f.write_str("the backend says that it returned only a part of the trace"),
            Reason::FailedRead { why } => write!(f, "the last read failed: {why}"),
            Reason::Quiet { quiet_ns, settle_ns } => {
                write!(f, "quiet for {} of {}", Seconds(*quiet_ns), Seconds(*settle_ns))
            }
        }
    }
}

/// The kind as OpenTelemetry writes it.
fn kind(kind: Kind) -> String {
    kind.word().to_ascii_uppercase()
}

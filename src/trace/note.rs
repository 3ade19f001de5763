//! What normalising a trace changed or found odd. A note never decides a verdict, but what tells of spans that were lost
//! ([`Note::is_loss`]) keeps an absence from being one; a failure prints them.

use super::ids::SpanId;
use std::fmt;

/// One remark on how a trace arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// Records that told the same span again were dropped (exporters retry, stores keep both).
    Duplicates {
        /// How many records were dropped.
        dropped: usize,
    },
    /// Two records under one id and kind told different things; the fuller one was kept.
    ConflictingDuplicate {
        /// The id both used.
        span: SpanId,
    },
    /// Two different spans used one id and kind; only one of them could be kept.
    IdCollision {
        /// The id both used.
        span: SpanId,
    },
    /// The span has no end (nor perhaps a start); its duration is not known.
    NoEnd {
        /// The span.
        span: SpanId,
    },
    /// The span has an end and no start; its duration is not known.
    NoStart {
        /// The span.
        span: SpanId,
    },
    /// A CLIENT and a SERVER span shared one id (Zipkin style); the SERVER span got an id of its own.
    SharedId {
        /// The id both used.
        shared: SpanId,
        /// The id that the SERVER span has now.
        server: SpanId,
    },
    /// Parent links formed a cycle, which was cut above this span.
    Cycle {
        /// The span that became a root.
        span: SpanId,
    },
    /// More than one span has no parent.
    SeveralRoots {
        /// How many.
        roots: usize,
    },
    /// Spans, but none without a parent and none called by the runner.
    NoRoot,
    /// The span's end lies before its start; its duration is not known.
    NegativeDuration {
        /// The span.
        span: SpanId,
    },
    /// Spans of another trace id were in the answer and were left out.
    ForeignSpans {
        /// How many.
        spans: usize,
    },
    /// Spans without a usable trace or span id were left out.
    InvalidIds {
        /// How many.
        spans: usize,
    },
    /// The SDK dropped attributes, events or links over its limits: what is missing there was lost, not late.
    Dropped {
        /// The span.
        span: SpanId,
        /// Dropped attributes, events and links together.
        count: u64,
    },
    /// The format told every tag as a string, so numbers and booleans are compared by their text.
    Untyped,
    /// A remark of the backend's own (a warning, a partial answer).
    Backend(String),
}

impl Note {
    /// Whether spans that the system made, or what one of them said last, are not in the trace: then nothing can be said to
    /// be absent. A span without an end was not over when it was recorded: its status was still to be set.
    pub fn is_loss(&self) -> bool {
        matches!(self, Note::IdCollision { .. } | Note::InvalidIds { .. } | Note::NoEnd { .. })
    }
    /// Whether a span's times are not known: then what needs them cannot be decided.
    pub fn is_of_times(&self) -> bool {
        matches!(self, Note::NoEnd { .. } | Note::NoStart { .. } | Note::NegativeDuration { .. })
    }
    /// The span that was lost in part or beside another, where one is known.
    pub fn lost_span(&self) -> Option<SpanId> {
        match self {
            Note::IdCollision { span }
            | Note::NoEnd { span }
            | Note::NoStart { span }
            | Note::NegativeDuration { span } => Some(*span),
            _ => None,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Duplicates { dropped } => write!(f, "{dropped} duplicate span records dropped"),
            Note::ConflictingDuplicate { span } => {
                write!(f, "span {span} was told twice with different content; the fuller record was kept")
            }
            Note::IdCollision { span } => {
                write!(f, "two different spans use the id {span}, and only one of them could be kept")
            }
            Note::NoEnd { span } => write!(f, "span {span} was told without an end"),
            Note::NoStart { span } => write!(f, "span {span} was told without a start"),
            Note::SharedId { shared, server } => {
                write!(f, "a CLIENT and a SERVER span shared the id {shared}; the SERVER span is {server} here")
            }
            Note::Cycle { span } => write!(f, "parent links form a cycle; it was cut above span {span}"),
            Note::SeveralRoots { roots } => write!(f, "{roots} spans have no parent"),
            Note::NoRoot => write!(f, "no span is without a parent"),
            Note::NegativeDuration { span } => {
                write!(f, "span {span} ends before it starts; its duration is not known")
            }
            Note::ForeignSpans { spans } => write!(f, "{spans} spans of another trace were left out"),
            Note::InvalidIds { spans } => write!(f, "{spans} spans without a valid id were left out"),
            Note::Dropped { span, count } => {
                write!(f, "the SDK dropped {count} attributes, events or links of span {span} over its limits")
            }
            Note::Untyped => {
                write!(f, "the backend tells every attribute as text; numbers and booleans are compared by their text")
            }
            Note::Backend(text) => write!(f, "the backend says: {text}"),
        }
    }
}

//! What normalising a trace changed or found odd. A note never decides a verdict, but one that speaks of lost spans ([`Note::is_loss`])
//! keeps an absence from being certain; a failure prints them.

use super::ids::SpanId;
use std::fmt;

/// One remark on how a trace arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// Records of one span were made one (exporters retry, stores keep both).
    Duplicates {
        /// How many records there were beyond the first of each span.
        dropped: usize,
    },
    /// Records of one span contradict each other. What does not hold of every version is not known ([`Trace::versions`]).
    ///
    /// [`Trace::versions`]: super::Trace::versions
    ConflictingDuplicate {
        /// The span.
        span: SpanId,
        /// The facts on which they differ.
        what: String,
        /// Whether the trace is there in every version; of some there are too many.
        all: bool,
    },
    /// Different spans used one id: of those of one kind only one could be kept, and which of them is meant by a child is not known.
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
    /// Spans of the trace id's second half alone were left out: a service on the way handles 64 bits of it.
    HalfTraceIds {
        /// How many.
        spans: usize,
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
    /// The values of some attributes were received as text without their types: numbers and booleans are compared with what it says.
    Untyped,
    /// A remark of the backend's own (a warning, a partial answer).
    Backend(String),
}

impl Note {
    /// Whether spans that the system made, or what one of them said last, are not in the trace: then nothing can be said to
    /// be absent. A span without an end was not over when it was recorded: its status was still to be set.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Note::IdCollision { .. }
                | Note::InvalidIds { .. }
                | Note::HalfTraceIds { .. }
                | Note::NoEnd { .. }
                | Note::ConflictingDuplicate { all: false, .. }
        )
    }
    /// Says that the trace is not there in every version.
    pub(super) fn of_some_versions(&mut self) {
        if let Note::ConflictingDuplicate { all, .. } = self {
            *all = false;
        }
    }
    /// The span (or one of those under its id) of which the trace has several versions.
    pub fn of_versions(&self) -> Option<SpanId> {
        match self {
            Note::ConflictingDuplicate { span, .. } | Note::IdCollision { span } => Some(*span),
            _ => None,
        }
    }
    /// Whether a span's times are not known: then what needs them cannot be decided.
    pub fn is_of_times(&self) -> bool {
        matches!(self, Note::NoEnd { .. } | Note::NoStart { .. } | Note::NegativeDuration { .. })
    }
    /// The span that was lost in part or beside another, where one is known.
    pub fn lost_span(&self) -> Option<SpanId> {
        match self {
            Note::IdCollision { span }
            | Note::ConflictingDuplicate { span, .. }
            | Note::NoEnd { span }
            | Note::NoStart { span }
            | Note::NegativeDuration { span } => Some(*span),
            _ => None,
        }
    }
}

/// "1 span", "2 spans".
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Duplicates { dropped } => {
                write!(f, "{} merged with others of the same span", counted(*dropped, "span record"))
            }
            Note::ConflictingDuplicate { span, what, all } => {
                write!(f, "span {span} was received in versions that contradict each other ({what})")?;
                f.write_str(if *all { "" } else { "; there are too many to look at each" })
            }
            Note::IdCollision { span } => {
                write!(f, "two different spans use the id {span}, so which of them is meant is not known")
            }
            Note::NoEnd { span } => write!(f, "span {span} was received without an end"),
            Note::NoStart { span } => write!(f, "span {span} was received without a start"),
            Note::HalfTraceIds { spans } => {
                let spans = counted(*spans, "span");
                write!(f, "only the second half of the trace id is in {spans}, left out here")
            }
            Note::SharedId { shared, server } => {
                write!(f, "a CLIENT and a SERVER span shared the id {shared}; the SERVER span is {server} here")
            }
            Note::Cycle { span } => write!(f, "parent links form a cycle; it was cut above span {span}"),
            Note::SeveralRoots { roots } => write!(f, "{roots} spans have no parent"),
            Note::NoRoot => write!(f, "no span is without a parent"),
            Note::NegativeDuration { span } => {
                write!(f, "span {span} ends before it starts; its duration is not known")
            }
            Note::ForeignSpans { spans } => write!(f, "left out: {} of another trace", counted(*spans, "span")),
            Note::InvalidIds { spans } => write!(f, "left out: {} without usable ids", counted(*spans, "span record")),
            Note::Dropped { span, count } => {
                write!(f, "the SDK dropped {count} attributes, events or links of span {span} over its limits")
            }
            Note::Untyped => {
                write!(
                    f,
                    "attributes were received as text without their types; numbers and booleans are compared with what the text says"
                )
            }
            Note::Backend(text) => write!(f, "the backend says: {text}"),
        }
    }
}

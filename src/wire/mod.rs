//! Bytes to spans and back: OTLP protobuf, OTLP JSON in every dialect met, Jaeger's legacy JSON, Tempo's answers, Zipkin's JSON, and
//! what console exporters print.
//!
//! Each reader turns one message into `raw` spans (what OTLP can say, text borrowed from the message) and adds them to
//! a [`Sink`]. Readers are lenient in form and strict in sense: they accept every spelling that servers have been
//! seen to use, and refuse what they would have to guess.

mod console;
pub mod detect;
#[cfg(test)]
mod formats_tests;
mod frames;
pub mod jaeger_json;
mod json;
pub mod otlp_json;
pub mod otlp_proto;
#[cfg(test)]
mod partial_tests;
#[cfg(test)]
mod quick_tests;
mod raw;
mod stage;
mod status;
pub mod tempo;
pub mod write;
mod zipkin;

use crate::trace::{SpanId, TraceBuilder, TraceId};
use std::fmt;

/// Takes the spans that a reader finds.
pub trait Sink {
    /// The builder that collects spans of this trace. Within one read the same id must give the same builder.
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder;
    /// Counts a span record without usable ids. `trace` is the trace that it belongs to, where at least that is known.
    fn invalid_span(&mut self, trace: Option<TraceId>);
    /// A trace that the runner saved names a span of the runner's own, which called it and is not there.
    fn injected(&mut self, trace: TraceId, span: SpanId);
}

/// All traces go into the one builder; it sorts them out when it builds.
impl Sink for TraceBuilder {
    fn builder(&mut self, _: TraceId) -> &mut TraceBuilder {
        self
    }
    fn invalid_span(&mut self, _: Option<TraceId>) {
        self.invalid_spans(1);
    }
    fn injected(&mut self, _: TraceId, _: SpanId) {}
}

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    /// Span records added, duplicates included.
    pub spans: usize,
    /// Span records left out because their trace, span or parent id is not usable.
    pub invalid: usize,
    /// Documents or messages left out because they hold metrics, logs or profiles.
    pub skipped: usize,
}

impl std::ops::AddAssign for Added {
    fn add_assign(&mut self, other: Added) {
        self.spans += other.spans;
        self.invalid += other.invalid;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Added {
    /// "3 spans, 1 without usable ids, 2 documents of other signals skipped"
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} spans", self.spans)?;
        for (count, what) in
            [(self.invalid, "without usable ids"), (self.skipped, "documents of metrics or logs skipped")]
        {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Why bytes could not be read as spans: a lower-case fragment that names the place and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct WireError {
    text: String,
}

impl WireError {
    /// Text from outside must have been escaped by the caller; control characters are escaped here all the same.
    pub(crate) fn new(text: impl fmt::Display) -> WireError {
        let text = text.to_string();
        let clean = text.chars().flat_map(|at| {
            let (plain, escaped) = if at.is_control() { (None, Some(at.escape_default())) } else { (Some(at), None) };
            plain.into_iter().chain(escaped.into_iter().flatten())
        });
        WireError { text: clean.collect() }
    }
}

//! Words for what was lost of a span: what the SDK dropped over its limits, and times that are missing.

use super::text;
use crate::matcher::count_of;
use crate::trace::{SpanIx, Trace};

/// What the SDK drops over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Attributes,
    Events,
    Links,
}

impl Part {
    pub(super) const ALL: [Part; 3] = [Part::Attributes, Part::Events, Part::Links];

    /// How many of it were dropped of a span.
    pub(super) fn dropped(self, trace: &Trace, ix: SpanIx) -> u32 {
        let dropped = trace.span(ix).dropped();
        match self {
            Part::Attributes => dropped.attributes,
            Part::Events => dropped.events,
            Part::Links => dropped.links,
        }
    }
    /// What to raise, so that no more is dropped.
    pub(super) fn hint(self) -> String {
        format!("raise {} in the service that exports the span", self.limits())
    }
    fn limits(self) -> &'static str {
        match self {
            Part::Attributes => "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            Part::Events => "OTEL_SPAN_EVENT_COUNT_LIMIT (or OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT)",
            Part::Links => "OTEL_SPAN_LINK_COUNT_LIMIT (or OTEL_LINK_ATTRIBUTE_COUNT_LIMIT)",
        }
    }
    /// `the SDK dropped 5 attributes of it over its limits`
    pub(super) fn words(self, trace: &Trace, ix: SpanIx) -> String {
        format!("the SDK dropped {} of it over its limits", self.count(trace, ix))
    }
    fn count(self, trace: &Trace, ix: SpanIx) -> String {
        let dropped = self.dropped(trace, ix) as usize;
        match self {
            Part::Attributes => count_of(dropped, "attribute"),
            Part::Events => format!("{} (or attributes of events)", count_of(dropped, "event")),
            Part::Links => format!("{} (or attributes of links)", count_of(dropped, "link")),
        }
    }
}

/// Why a span's duration is not known; `None` where it is.
pub(super) fn duration(trace: &Trace, ix: SpanIx) -> Option<&'static str> {
    let span = trace.span(ix);
    if span.is_timed() {
        return None;
    }
    Some(match span.told_times() {
        (_, 0) => "the span has no end time",
        (0, _) => "the span has no start time",
        _ => "the span ends before it starts",
    })
}

/// What was lost of a span, in words, with what may help.
pub(super) fn any(trace: &Trace, ix: SpanIx) -> Option<(String, Option<String>)> {
    let dropped = || Part::ALL.into_iter().filter(|part| part.dropped(trace, ix) > 0);
    let what: Vec<String> = dropped().map(|part| part.count(trace, ix)).collect();
    if what.is_empty() {
        return duration(trace, ix).map(|why| (format!("its duration is unknown: {why}"), None));
    }
    let limits: Vec<&str> = dropped().map(Part::limits).collect();
    let hint = format!("raise {} in the service that exports the span", limits.join(", "));
    Some((format!("the SDK dropped {} of it over its limits", what.join(", ")), Some(hint)))
}

/// What leaves open whether a query picks a span: what was lost of the span, else of others that it is picked with or by.
pub(super) fn of_query(trace: &Trace, ix: SpanIx) -> (String, Option<String>) {
    any(trace, ix).unwrap_or_else(|| {
        let what =
            if trace.dropped().is_empty() { "whose duration is unknown" } else { "of which the SDK dropped something" };
        (format!("that depends on another span, {what}"), None)
    })
}

/// That it is unknown whether a selection (or a query) picks a span of which something was lost.
pub(super) fn undecided(trace: &Trace, ix: SpanIx, what: &str, why: &str) -> String {
    format!("Cannot determine whether {} matches {what}: {why}.", text::span(trace, ix))
}

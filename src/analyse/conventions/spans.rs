//! Rules on spans: how many there are of a kind, how they hang together, and what their status says.

use super::breach::{Breach, Breaches};
use super::rule::Rule;
use crate::facts::Facts;
use crate::facts::semconv::{Attr, http_status};
use crate::trace::{Kind, SpanIx, SpanRef, StatusCode, Trace, TraceId};
use std::collections::BTreeMap;

/// The most INTERNAL spans that a service may have in one trace.
const MOST_INTERNAL: usize = 10;
/// The most short spans that a trace may have, and what is short.
const MOST_SHORT: usize = 20;
const SHORT_NS: u64 = 5_000_000;

pub(super) fn check(facts: &Facts<'_>, breaches: &mut Vec<Breach>) {
    let trace = facts.trace();
    internal(trace, breaches);
    let mut orphans = Breaches::of(Rule::Spa002);
    trace.tree().orphans().iter().map(|&ix| trace.span(ix)).for_each(|span| orphans.add(span, span.service(), ""));
    orphans.into(breaches);
    short(trace, breaches);
    let has_status = Attr::HttpStatus.names().iter().any(|name| facts.has_attribute_key(name));
    for (rule, is_broken) in RULES {
        if rule == Rule::ServerErrorStatus && !has_status {
            continue;
        }
        let mut found = Breaches::of(rule);
        trace.spans().filter(|span| is_broken(*span)).for_each(|span| found.add(span, span.service(), ""));
        found.into(breaches);
    }
}

/// A rule, and whether a span breaks it.
type OfOneSpan = (Rule, fn(SpanRef<'_>) -> bool);

const RULES: [OfOneSpan; 5] = [
    (Rule::Spa004, |span| span.kind() == Kind::Client && span.parent_id().is_none()),
    (Rule::ErrorType, |span| fails_untyped(span) && span.dropped().total() == 0),
    (Rule::ServerErrorStatus, |span| !span.is_error() && http_status(span).is_some_and(|status| status >= 500)),
    (Rule::ClientErrorStatus, is_wrongly_an_error),
    (Rule::StatusMessage, |span| span.status() != StatusCode::Error && !span.status_message().is_empty()),
];

/// Whether a span failed and says with what kind of error neither by `error.type` nor by an exception.
pub(super) fn fails_untyped(span: SpanRef<'_>) -> bool {
    let exception = || {
        let key = span.trace().symbols().get("exception.type");
        span.events().iter().any(|event| key.is_some_and(|key| event.attributes.iter().any(|(at, _)| *at == key)))
    };
    span.is_error() && Attr::ErrorType.text(span).is_none() && !exception()
}

/// Whether a SERVER span is an error only because it answered 4xx: another `error.type` than the status names another reason.
fn is_wrongly_an_error(span: SpanRef<'_>) -> bool {
    let status = || http_status(span).filter(|status| (400..500).contains(status));
    span.kind() == Kind::Server
        && span.is_error()
        && span.dropped().attributes == 0
        && status().is_some_and(|status| Attr::ErrorType.text(span).is_none_or(|kind| kind == status.to_string()))
}

fn internal(trace: &Trace, breaches: &mut Vec<Breach>) {
    let mut by_service: BTreeMap<(TraceId, &str), Vec<SpanIx>> = BTreeMap::new();
    for span in trace.spans().filter(|span| span.kind() == Kind::Internal) {
        by_service.entry((span.trace_id(), span.service())).or_default().push(span.ix());
    }
    for ((_, service), spans) in by_service.into_iter().filter(|(_, spans)| spans.len() > MOST_INTERNAL) {
        breaches.push(of_many(Rule::Spa001, service, &spans));
    }
}

fn short(trace: &Trace, breaches: &mut Vec<Breach>) {
    for spans in shorts(trace).into_values().filter(|spans| spans.len() > MOST_SHORT) {
        breaches.push(of_many(Rule::Spa005, "", &spans));
    }
}

fn shorts(trace: &Trace) -> BTreeMap<TraceId, Vec<SpanIx>> {
    let mut by_trace: BTreeMap<TraceId, Vec<SpanIx>> = BTreeMap::new();
    for span in trace.spans().filter(|span| span.duration_ns() < SHORT_NS && span.is_timed()) {
        by_trace.entry(span.trace_id()).or_default().push(span.ix());
    }
    by_trace
}

/// Whether there are too many short spans if those without a known duration are short.
pub(super) fn may_be_too_short(trace: &Trace) -> bool {
    let mut counts: BTreeMap<TraceId, usize> = shorts(trace).into_iter().map(|(id, spans)| (id, spans.len())).collect();
    trace.untimed().for_each(|ix| *counts.entry(trace.span(ix).trace_id()).or_default() += 1);
    counts.into_values().any(|count| count > MOST_SHORT)
}

fn of_many(rule: Rule, subject: &str, spans: &[SpanIx]) -> Breach {
    let mut breach = Breach::new(rule, subject, "");
    spans.iter().for_each(|&ix| breach.add(ix));
    breach
}

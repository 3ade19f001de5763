//! `clock_skew: none`: no two machines whose clocks are proven to differ (analysis.md, 3.4).

use super::cx::Cx;
use super::order::awaits;
use super::state::{Lack, Outcome, State};
use super::text;
use crate::spec::plan::Expectation;
use crate::trace::{ClockIx, SpanIx};
use std::collections::BTreeMap;

/// How far one clock may be ahead of another, and the pair of spans that says so.
struct Bounds {
    /// At most so far ahead.
    most: (i128, (SpanIx, SpanIx)),
    /// At least so far.
    least: (i128, (SpanIx, SpanIx)),
}

pub(super) fn judge(cx: &Cx<'_>, at: &Expectation) -> Outcome {
    let instances = cx.instances();
    let mut pairs: BTreeMap<(ClockIx, ClockIx), Bounds> = BTreeMap::new();
    for &(client, server) in cx.calls().pairs() {
        let (one, other) = (cx.trace.span(client), cx.trace.span(server));
        if instances.same_clock(one, other) || !awaits(one, other) {
            continue;
        }
        // Ahead is the server's clock: between -response and request.
        let request = i128::from(other.start_ns()) - i128::from(one.start_ns());
        let response = i128::from(one.end_ns()) - i128::from(other.end_ns());
        let (from, to) = (instances.clock(one), instances.clock(other));
        let (key, most, least) =
            if from < to { ((from, to), request, -response) } else { ((to, from), response, -request) };
        let pair = (client, server);
        let bounds = pairs.entry(key).or_insert(Bounds { most: (most, pair), least: (least, pair) });
        if most < bounds.most.0 {
            bounds.most = (most, pair);
        }
        if least > bounds.least.0 {
            bounds.least = (least, pair);
        }
    }
    let mut outcome = Outcome::default();
    for ((one, other), bounds) in &pairs {
        if bounds.least.0 <= 0 && 0 <= bounds.most.0 {
            continue;
        }
        // Not for good: a span yet to come may be the one that called (inside the caller's), or the one that answered.
        outcome.push(State::lacks(Lack::Violated, proven(cx, (*one, *other), bounds, at)));
    }
    if !outcome.is_unmet() {
        outcome.push(State::Holds);
    }
    outcome
}

fn proven(cx: &Cx<'_>, (one, other): (ClockIx, ClockIx), bounds: &Bounds, at: &Expectation) -> super::Finding {
    let instances = cx.instances();
    let (client, server) = if bounds.most.0 < 0 { bounds.most.1 } else { bounds.least.1 };
    let (caller, callee) = (cx.trace.span(client), cx.trace.span(server));
    let side = |clock: ClockIx| {
        let span = if instances.clock(caller) == clock { caller } else { callee };
        text::safe(instances.label(instances.instance(span)))
    };
    let how = if callee.start_ns() < caller.start_ns() { "starts before" } else { "ends after" };
    let message = format!(
        "The clocks of {} and {} differ: {} {how} {}, which called it and awaited it.",
        side(one),
        side(other),
        text::span(cx.trace, server),
        text::span(cx.trace, client)
    );
    let mut finding = cx.finding(at.at, &at.path, message, &[client, server]);
    finding.expected = "clock_skew: none".to_owned();
    finding.actual = match (bounds.least.0, bounds.most.0) {
        (least, most) if least > most => {
            "bounds that contradict each other: a clock that was set, or drifts".to_owned()
        }
        (least @ 1.., most) => format!("{} is {} to {} ahead", side(other), text::time(least), text::time(most)),
        (least, most) => format!("{} is {} to {} behind", side(other), text::time(-most), text::time(-least)),
    };
    finding
}

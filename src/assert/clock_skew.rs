//! `clock_skew: none`: no two machines whose clocks are proven to differ (analysis.md, 3.4).
//!
//! It is proven where a SERVER span starts before the CLIENT span that called it, or where three or more calls between two
//! clocks do not fit and one shift explains all of them. A single SERVER span that ends after its CLIENT span may as well
//! not have been awaited, or go on after its answer, as many do: that is only remarked.

use super::judging::Judging;
use super::logic::Cond;
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::text;
use crate::facts::cut;
use crate::spec::plan::Expectation;
use crate::trace::SpanIx;
use std::collections::BTreeMap;

/// How far one clock may be ahead of another, and the pair of spans that says so.
struct Bounds {
    /// At most so far ahead.
    most: (i128, (SpanIx, SpanIx)),
    /// At least so far.
    least: (i128, (SpanIx, SpanIx)),
}

const NO_LEAST: i128 = i128::MIN;
const NO_MOST: i128 = i128::MAX;

pub(super) fn judge(cx: &Judging<'_>, at: &Expectation) -> Outcome {
    let instances = cx.facts.instances();
    let clocks = cx.clocks();
    let mut pairs: BTreeMap<(u32, u32), Bounds> = BTreeMap::new();
    let mut late: Option<(u64, (SpanIx, SpanIx))> = None;
    for other in cx.trace.spans() {
        let server = other.ix();
        let Some(client) = clocks.answers.caller(server) else { continue };
        let one = cx.trace.span(client);
        if instances.same_clock(one, other) || !one.is_timed() || !other.is_timed() {
            continue;
        }
        if clocks.answers.by(server).is_some() && other.end_ns() > one.end_ns() {
            let by = other.end_ns() - one.end_ns();
            late = late.filter(|(most, _)| *most >= by).or(Some((by, (client, server))));
        }
        // The server's clock is ahead by the request at most.
        let request = i128::from(other.start_ns()) - i128::from(one.start_ns());
        let (from, to) = (clocks.clock(client), clocks.clock(server));
        let (key, most, least) =
            if from < to { ((from, to), request, NO_LEAST) } else { ((to, from), NO_MOST, -request) };
        let pair = (client, server);
        let bounds = pairs.entry(key).or_insert(Bounds { most: (most, pair), least: (least, pair) });
        if most < bounds.most.0 {
            bounds.most = (most, pair);
        }
        if least > bounds.least.0 {
            bounds.least = (least, pair);
        }
    }
    for (key, bounds) in &mut pairs {
        if let Some(((least, most), call)) = clocks.pairs.get(key).and_then(|pair| pair.shifted) {
            if least > bounds.least.0 {
                bounds.least = (least, call);
            }
            if most < bounds.most.0 {
                bounds.most = (most, call);
            }
        }
    }
    let mut outcome = Outcome::default();
    for ((one, other), bounds) in &pairs {
        let sure = |bound: i128, (client, server): (SpanIx, SpanIx)| {
            let cut = cut(cx.trace.span(client)).max(cut(cx.trace.span(server))).max(1);
            bound >= cut.into()
        };
        let behind = bounds.most.0 != NO_MOST && sure(-bounds.most.0, bounds.most.1);
        if !behind && !sure(bounds.least.0, bounds.least.1) {
            continue;
        }
        // Not for good: a span yet to come may be the one that called (inside the caller's), or the one that answered.
        outcome.push(State::lacks(Cond::VIOLATED, proven(cx, (*one, *other), bounds, at)));
    }
    if !outcome.is_unmet() {
        if let Some((by, (client, server))) = late {
            outcome.remark(format!(
                "{} ends {} after {}, which awaited it: it goes on after its answer, or their clocks differ",
                text::span(cx.trace, server),
                text::time(by.into()),
                text::span(cx.trace, client)
            ));
        }
        outcome.push(Cond::HOLDS);
    }
    outcome
}

fn proven(cx: &Judging<'_>, (one, other): (u32, u32), bounds: &Bounds, at: &Expectation) -> super::finding::Finding {
    let instances = cx.facts.instances();
    let (client, server) = if bounds.most.0 < 0 { bounds.most.1 } else { bounds.least.1 };
    let (caller, callee) = (cx.trace.span(client), cx.trace.span(server));
    let side = |clock: u32| {
        let span = if cx.clocks().clock(client) == clock { caller } else { callee };
        text::safe(instances.label(instances.instance(span)))
    };
    let (callee_is, caller_is) = (text::span(cx.trace, server), text::span(cx.trace, client));
    let message = if callee.start_ns() < caller.start_ns() {
        format!("{callee_is} starts before {caller_is}, which called it")
    } else {
        format!(
            "{callee_is} ends after {caller_is}, which called it, and one shift explains this and other calls between them"
        )
    };
    let message = format!("The clocks of {} and {} differ: {message}.", side(one), side(other));
    let mut finding = cx.finding(RuleId::ClockSkew, at.at, &at.path, message, &[client, server]);
    finding.expected = "clock_skew: none".to_owned();
    let far = |bound: i128, none: bool| if none { String::new() } else { format!(" to {}", text::time(bound)) };
    finding.actual = match (bounds.least.0, bounds.most.0) {
        (least, most) if least > most => {
            "one call says that it is behind, another that it is ahead: a clock that was set, or drifts".to_owned()
        }
        (least @ 1.., most) => {
            format!("{} is {}{} ahead", side(other), text::time(least), far(most, most == NO_MOST))
        }
        (least, most) => {
            format!("{} is {}{} behind", side(other), text::time(-most), far(-least.max(-NO_MOST), least == NO_LEAST))
        }
    };
    finding
}

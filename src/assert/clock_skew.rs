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

/// How far one clock is behind another, and ahead of it, at least, by the pairs of spans that say so.
#[derive(Default)]
struct Bounds {
    behind: Option<Bound>,
    ahead: Option<Bound>,
}

/// At least so far. Of several bounds those count first that are more than the precision of their times: a greater one
/// between times that are cut to milliseconds proves nothing.
#[derive(Clone, Copy)]
struct Bound {
    is_proof: bool,
    by: i128,
    pair: (SpanIx, SpanIx),
}

impl Bound {
    fn raise(self, known: &mut Option<Bound>) {
        if known.is_none_or(|known| (self.is_proof, self.by) > (known.is_proof, known.by)) {
            *known = Some(self);
        }
    }
}

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
        // The server's clock is behind by so much at least as its span starts early.
        let early = i128::from(one.start_ns()) - i128::from(other.start_ns());
        let (from, to) = (clocks.clock(client), clocks.clock(server));
        let bounds = pairs.entry((from.min(to), from.max(to))).or_default();
        let side = if from < to { &mut bounds.behind } else { &mut bounds.ahead };
        bound(cx, early, (client, server)).raise(side);
    }
    for (key, bounds) in &mut pairs {
        if let Some(((least, most), call)) = clocks.pairs.get(key).and_then(|pair| pair.shifted) {
            bound(cx, least, call).raise(&mut bounds.ahead);
            bound(cx, -most, call).raise(&mut bounds.behind);
        }
    }
    let mut outcome = Outcome::default();
    for ((one, other), bounds) in &pairs {
        let proof = bounds.behind.filter(|bound| bound.is_proof).or(bounds.ahead.filter(|bound| bound.is_proof));
        if let Some(proof) = proof {
            // Not for good: a span yet to come may be the one that called (inside the caller's), or the one that answered.
            outcome.push(State::lacks(Cond::VIOLATED, proven(cx, (*one, *other), bounds, proof, at)));
        }
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

fn bound(cx: &Judging<'_>, by: i128, pair: (SpanIx, SpanIx)) -> Bound {
    let cut = cut(cx.trace.span(pair.0)).max(cut(cx.trace.span(pair.1))).max(1);
    Bound { is_proof: by >= cut.into(), by, pair }
}

fn proven(
    cx: &Judging<'_>,
    (one, other): (u32, u32),
    bounds: &Bounds,
    proof: Bound,
    at: &Expectation,
) -> super::finding::Finding {
    let instances = cx.facts.instances();
    let (client, server) = proof.pair;
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
    let to = |most: Option<Bound>| most.map_or(String::new(), |most| format!(" to {}", text::time(-most.by)));
    finding.actual = match (bounds.ahead, bounds.behind) {
        (Some(ahead), Some(behind)) if ahead.by > -behind.by => {
            "one call says that it is behind, another that it is ahead: a clock that was set, or drifts".to_owned()
        }
        (Some(ahead), behind) if ahead.by > 0 => {
            format!("{} is {}{} ahead", side(other), text::time(ahead.by), to(behind))
        }
        (ahead, _) => format!("{} is {}{} behind", side(other), text::time(proof.by), to(ahead)),
    };
    finding
}

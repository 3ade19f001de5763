//! `clock_skew: none`: no two machines whose clocks are proven to differ. What is proven is found in `analyse::clock_skew`; a
//! single SERVER span that ends after its CLIENT span is only remarked.

use super::judging::Judging;
use super::logic::Cond;
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::text;
use crate::analyse::clock_skew::{AtLeast, Skew, Skews};
use crate::spec::plan::Expectation;

pub(super) fn judge(cx: &Judging<'_>, at: &Expectation) -> Outcome {
    let skews = Skews::of(cx.facts, cx.clocks());
    let mut outcome = Outcome::default();
    for skew in &skews.pairs {
        if let Some(proof) = skew.proof() {
            // Not for good: a span yet to come may be the one that called (inside the caller's), or the one that answered.
            outcome.push(State::lacks(Cond::VIOLATED, proven(cx, skew, proof, at)));
        }
    }
    if !outcome.is_unmet() {
        if let Some((by, client, server)) = skews.latest {
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

fn proven(cx: &Judging<'_>, skew: &Skew, proof: AtLeast, at: &Expectation) -> super::finding::Finding {
    let instances = cx.facts.instances();
    let (caller, callee) = (cx.trace.span(proof.client), cx.trace.span(proof.server));
    let side = |of: crate::trace::SpanIx| {
        let span = if cx.clocks().same(proof.client, of) { caller } else { callee };
        text::safe(instances.label(instances.instance(span)))
    };
    let (callee_is, caller_is) = (text::span(cx.trace, proof.server), text::span(cx.trace, proof.client));
    let message = if callee.start_ns() < caller.start_ns() {
        format!("{callee_is} starts before {caller_is}, which called it")
    } else {
        format!(
            "{callee_is} ends after {caller_is}, which called it, and one shift explains this and other calls between them"
        )
    };
    let message = format!("The clocks of {} and {} differ: {message}.", side(skew.from), side(skew.to));
    let mut finding = cx.finding(RuleId::ClockSkew, at.at, &at.path, message, &[proof.client, proof.server]);
    finding.expected = "clock_skew: none".to_owned();
    let to = |most: Option<AtLeast>| most.map_or(String::new(), |most| format!(" to {}", text::time(-most.ns)));
    finding.actual = match (skew.ahead, skew.behind) {
        (Some(ahead), Some(behind)) if ahead.ns > -behind.ns => {
            "one call says that it is behind, another that it is ahead: a clock that was set, or drifts".to_owned()
        }
        (Some(ahead), behind) if ahead.ns > 0 => {
            format!("{} is {}{} ahead", side(skew.to), text::time(ahead.ns), to(behind))
        }
        (ahead, _) => format!("{} is {}{} behind", side(skew.to), text::time(proof.ns), to(ahead)),
    };
    finding
}

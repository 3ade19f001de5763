//! `services`: which services take part in a trace, those of linked traces included.

use super::judging::Judging;
use super::logic::{Cause, Cond};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{lack, text, whereabouts, witness};
use crate::matcher::Operand;
use crate::matcher::count_of;
use crate::source::{Span, Spanned};
use crate::spec::plan::{Expectation, Services};
use crate::trace::SpanIx;
use std::collections::BTreeMap;

pub(super) fn judge(cx: &Judging<'_>, services: &Services, at: &Expectation) -> Outcome {
    let present: BTreeMap<&str, SpanIx> = cx.facts.services().collect();
    let names: Vec<&str> = present.keys().copied().filter(|name| !name.is_empty()).collect();
    let mut outcome = Outcome::default();
    for wanted in &services.all {
        let name = text::operand(&wanted.value);
        outcome.push(if present.contains_key(name.as_str()) {
            Cond::SURE.into()
        } else {
            let message = format!("Expected a span of {}, found none.", text::quoted(&name));
            missing(cx, RuleId::ServicesAll, wanted.span, &format!("{}.all", at.path), message, &name, &names)
        });
    }
    if !services.any.is_empty() {
        let wanted: Vec<String> = services.any.iter().map(|name| text::operand(&name.value)).collect();
        outcome.push(if wanted.iter().any(|name| present.contains_key(name.as_str())) {
            Cond::SURE.into()
        } else {
            let message = format!("Expected a span of at least one of {}, found none.", text::list(&wanted, 10));
            let first = wanted.first().map_or("", |name| name);
            missing(cx, RuleId::ServicesAny, services.any[0].span, &format!("{}.any", at.path), message, first, &names)
        });
    }
    for unwanted in &services.none {
        let name = text::operand(&unwanted.value);
        let state = match present.get(name.as_str()) {
            Some(&first) => present_though(cx, unwanted.span, &format!("{}.none", at.path), &name, first),
            None => match called_in_vain(cx, &name) {
                Some(call) => unseen(cx, unwanted.span, &format!("{}.none", at.path), &name, call),
                None => {
                    outcome.unseen(witness::service(cx, &name));
                    outcome.unseen(witness::callees(cx, &[name]));
                    Cond::HOLDS.into()
                }
            },
        };
        outcome.push(state);
    }
    if let Some(only) = &services.only {
        outcome.push(only_these(cx, only, &present, at));
    }
    outcome
}

/// A call that names a service as its callee and has no answer in the trace: the service was asked, whatever came of it.
fn called_in_vain(cx: &Judging<'_>, name: &str) -> Option<SpanIx> {
    let unanswered = cx.facts.calls().unanswered().map(|call| call.span);
    unanswered
        .into_iter()
        .find(|&ix| crate::facts::peer_names(cx.facts.call_names(), cx.trace.span(ix)).iter().any(|peer| peer == name))
}

fn unseen(cx: &Judging<'_>, at: Span, path: &str, name: &str, call: SpanIx) -> State {
    let message = format!(
        "No span of {} is in the trace, but {} called it, so its absence is not certain.",
        text::quoted(name),
        text::span(cx.trace, call)
    );
    let mut finding = cx.finding(RuleId::ServicesNone, at, path, message, &[call]);
    finding.expected = "no span of it".to_owned();
    finding.actual = "a call without an answer".to_owned();
    finding.hint = Some(format!(
        "it may have started a trace of its own, or it does not export; to expect that nothing calls it, write `calls: {{ forbid: ['* -> {}'] }}`",
        text::safe(name)
    ));
    State::lacks(Cond::undecidable(Cause::Dropped), finding)
}

fn only_these(
    cx: &Judging<'_>,
    only: &[Spanned<Operand>],
    present: &BTreeMap<&str, SpanIx>,
    at: &Expectation,
) -> State {
    let allowed: Vec<String> = only.iter().map(|name| text::operand(&name.value)).collect();
    let others: Vec<&str> =
        present.keys().copied().filter(|name| !allowed.iter().any(|allowed| allowed == name)).collect();
    if others.is_empty() {
        return Cond::HOLDS.into();
    }
    let message =
        format!("Expected only spans of {}, found spans of {}.", text::list(&allowed, 10), text::list(&others, 10));
    let rows: Vec<SpanIx> = others.iter().filter_map(|name| present.get(name)).copied().collect();
    let mut finding = cx.finding(RuleId::ServicesOnly, at.at, &format!("{}.only", at.path), message, &rows);
    finding.expected = format!("services: only {}", text::list(&allowed, 10));
    finding.actual = format!("spans of {} too", text::list(&others, 10));
    State::lacks(Cond::FINAL, finding)
}

fn missing(cx: &Judging<'_>, rule: RuleId, at: Span, path: &str, message: String, name: &str, names: &[&str]) -> State {
    let mut finding = cx.finding(rule, at, path, message, &[]);
    finding.expected = format!("a span of {}", text::quoted(name));
    finding.lacks.extend(lack::of_service(cx, name));
    finding.actual = format!("spans of {}", text::list(names, 20));
    let near = || text::nearest(name, names.iter().copied());
    let meant = || near().map(|(near, _)| format!("did you mean {}?", text::quoted(near)));
    finding.hint = match whereabouts::of_service(cx, name) {
        Some(cause) if cause.is_shown => Some(cause.words),
        cause => meant().or(cause.map(|cause| cause.words)),
    };
    State::lacks(Cond::ABSENT, finding)
}

fn present_though(cx: &Judging<'_>, at: Span, path: &str, name: &str, first: SpanIx) -> State {
    let rows: Vec<SpanIx> = cx.trace.spans().filter(|span| span.service() == name).map(|span| span.ix()).collect();
    let (name, first) = (text::quoted(name), text::span(cx.trace, first));
    let message = match rows.len() {
        1 => format!("Expected no span of {name}, found 1: {first}."),
        many => format!("Expected no span of {name}, found {many}; the first is {first}."),
    };
    let mut finding = cx.finding(RuleId::ServicesNone, at, path, message, &rows);
    finding.expected = "no span of it".to_owned();
    finding.actual = count_of(rows.len(), "span");
    State::lacks(Cond::FINAL, finding)
}

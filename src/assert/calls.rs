//! `calls`: which service calls which, and how often. What counts as a call is defined in `facts::edges`.

use super::bounds::Bounds;
use super::judging::{Judging, MOST_SPANS};
use super::lack::Absent;
use super::logic::Cond;
use super::propagation::Exporters;
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{lack, text, whereabouts, witness};
use crate::facts::{Callee, Edge, Edges, lasting};
use crate::matcher::count_of;
use crate::spec::plan::{CallRule, Calls, Expectation};
use crate::trace::{SpanIx, Trace};
use std::collections::{BTreeMap, HashSet};

pub(super) fn judge<'a>(cx: &Judging<'a>, exporters: &Exporters<'a>, calls: &Calls, at: &Expectation) -> Outcome {
    let mut outcome = Outcome::default();
    for rule in &calls.require {
        required(cx, exporters, &Rule::of(rule), (RuleId::CallsRequire, &format!("{}.require", at.path)), &mut outcome);
    }
    for rule in &calls.forbid {
        forbidden(cx, &Rule::of(rule), at, &mut outcome);
    }
    if let Some(only) = &calls.only {
        let rules: Vec<Rule<'_>> = only.iter().map(Rule::of).collect();
        only_these(cx, exporters, &rules, at, &mut outcome);
    }
    outcome
}

/// What a call leads to, by name.
fn callee(trace: &Trace, edge: &Edge) -> String {
    match edge.to() {
        Callee::Service(service, _) => text::service(trace.text(*service)),
        Callee::Named(named) => named.names().first().map_or("(unknown)".to_owned(), |name| text::safe(name)),
    }
}

/// `order-service -> payment-service`
fn show(trace: &Trace, edge: &Edge) -> String {
    format!("{} -> {}", text::service(edge.from(trace)), callee(trace, edge))
}

pub(super) struct Rule<'a> {
    pub(super) rule: &'a CallRule,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

impl<'a> Rule<'a> {
    pub(super) fn of(rule: &'a CallRule) -> Rule<'a> {
        Rule { rule, from: rule.from.as_ref().map(text::operand), to: rule.to.as_ref().map(text::operand) }
    }
    fn matching<'c>(&self, cx: &'c Judging<'_>) -> Vec<&'c Edge> {
        cx.facts.edges().matching(cx.trace, self.from.as_deref(), self.to.as_deref())
    }
    pub(super) fn show(&self) -> String {
        let side = |side: &Option<String>| side.as_deref().map_or("*".to_owned(), text::safe);
        format!("{} -> {}", side(&self.from), side(&self.to))
    }
    /// ``at least one call order-service -> payment-service``
    fn wanted(&self) -> String {
        match &self.rule.count {
            None => format!("at least one call {}", self.show()),
            Some(count) => format!("{} {}", text::number_of(count, "call"), self.show()),
        }
    }
}

/// Whether a call counts where calls are required. One without an answer counts for a failed attempt and for what is
/// not instrumented; of an instrumented service that did not fail, the answer would be there if it had come in this trace.
fn is_made<'a>(cx: &Judging<'a>, exporters: &Exporters<'a>, edge: &Edge) -> bool {
    edge.is_answered()
        || cx.trace.span(edge.span).is_error()
        || edge.is_infrastructure()
        || !edge.names().iter().any(|name| exporters.services(cx).contains(name.as_str()))
}

fn required<'a>(
    cx: &Judging<'a>,
    exporters: &Exporters<'a>,
    rule: &Rule<'_>,
    (id, path): (RuleId, &str),
    outcome: &mut Outcome,
) {
    let found = rule.matching(cx);
    let bounds = Bounds::of_count(rule.rule.count.as_ref());
    let made = found.iter().filter(|edge| is_made(cx, exporters, edge)).count();
    let lasting = lasting(&found) as i128;
    if bounds.has(made as i128) && bounds.has(found.len() as i128) {
        if found.is_empty() {
            unwitnessed(cx, rule, outcome);
        }
        outcome.push(Cond::SURE.provided(bounds.growing(lasting) == Cond::SURE));
        return;
    }
    let cond = match bounds.growing(found.len() as i128) {
        Cond::FINAL => Cond::FINAL.provided(bounds.growing(lasting) == Cond::FINAL),
        _ => Cond::ABSENT,
    };
    let rows: Vec<SpanIx> = found.iter().flat_map(|edge| edge.rows()).collect();
    let (wanted, unanswered) = (rule.wanted(), found.len() - made);
    let message = match (found.len(), unanswered) {
        (0, _) => format!("Expected {wanted}, found none."),
        (all, 0) => format!("Expected {wanted}, found {all}."),
        (all, lost) => {
            let first = found.iter().find(|edge| !is_made(cx, exporters, edge)).map_or(found[0].span, |edge| edge.span);
            let which = match lost {
                1 if all == 1 => "which was not answered".to_owned(),
                _ if all == lost => "none of which was answered".to_owned(),
                _ => format!("{lost} of which were not answered"),
            };
            let span = text::span(cx.trace, first);
            format!("Expected {wanted}, found {all}, {which}: no span of the callee is below {span}.")
        }
    };
    let mut finding = cx.finding(id, rule.rule.at, path, message, &rows);
    finding.expected = match &rule.rule.count {
        None => format!("{}, at least once", rule.show()),
        Some(count) => format!("{}: {}", rule.show(), text::matcher(count)),
    };
    finding.actual = match (found.len(), unanswered) {
        (0, _) => calls_of(cx, cx.facts.edges(), rule),
        (all, 0) => count_of(all, "call"),
        (1, _) => "1 call, not answered".to_owned(),
        (all, lost) if all == lost => format!("{all} calls, none of them answered"),
        (all, lost) => format!("{all} calls, {lost} of them not answered"),
    };
    finding.lacks.extend(rule.to.as_deref().and_then(|to| lack::of_service(cx, to)));
    let unmade = found.iter().filter(|edge| !is_made(cx, exporters, edge)).take(MOST_SPANS);
    finding.absent = unmade
        .map(|edge| {
            let whose = edge.names().first().map_or_else(|| "the callee".to_owned(), |name| text::quoted(name));
            Absent::new(cx.trace, edge.span, format!("a span of {whose}"))
        })
        .collect();
    if let (true, Some(from), Some(to)) = (found.is_empty(), rule.from.as_deref(), rule.to.as_deref()) {
        finding.absent.extend(lack::call(cx, from, to));
    }
    let callee = rule.to.as_deref().filter(|name| cx.facts.service(name).is_none());
    let cause = callee.and_then(|name| whereabouts::of_service(cx, name)).filter(|cause| cause.is_shown);
    finding.hint = match cause {
        Some(cause) => Some(cause.words),
        None if found.is_empty() => near_call(cx, cx.facts.edges(), rule),
        None if unanswered > 0 => {
            Some("the callee may have started a trace of its own: is the trace context propagated?".to_owned())
        }
        None => None,
    };
    outcome.push(State::lacks(cond, finding));
}

fn forbidden(cx: &Judging<'_>, rule: &Rule<'_>, at: &Expectation, outcome: &mut Outcome) {
    let found = rule.matching(cx);
    let bounds = Bounds::of_count(rule.rule.count.as_ref());
    let number = found.len() as i128;
    if !bounds.has(number) {
        if found.is_empty() {
            unwitnessed(cx, rule, outcome);
        }
        return outcome.push(Cond::SURE.provided(bounds.growing(number) == Cond::FINAL));
    }
    let rows: Vec<SpanIx> = found.iter().flat_map(|edge| edge.rows()).collect();
    let unwanted = match &rule.rule.count {
        None => format!("no call {}", rule.show()),
        Some(count) => format!("not {} {}", text::number_of(count, "call"), rule.show()),
    };
    let message = match found.first() {
        Some(first) => {
            let (callee, span) = (callee(cx.trace, first), text::span(cx.trace, first.span));
            format!("Expected {unwanted}, found {}: {callee} is called by {span}.", found.len())
        }
        None => format!("Expected {unwanted}, found none."),
    };
    let mut finding = cx.finding(RuleId::CallsForbid, rule.rule.at, &format!("{}.forbid", at.path), message, &rows);
    finding.expected = match &rule.rule.count {
        None => format!("no call {}", rule.show()),
        Some(count) => format!("not {}: {}", rule.show(), text::matcher(count)),
    };
    finding.actual = count_of(found.len(), "call");
    let lasting = bounds.growing(lasting(&found) as i128) == Cond::SURE;
    outcome.push(State::lacks(Cond::FINAL.provided(lasting), finding));
}

fn only_these<'a>(
    cx: &Judging<'a>,
    exporters: &Exporters<'a>,
    rules: &[Rule<'_>],
    at: &Expectation,
    outcome: &mut Outcome,
) {
    let path = format!("{}.only", at.path);
    let mut others: BTreeMap<String, Vec<&Edge>> = BTreeMap::new();
    let allowed: HashSet<SpanIx> = rules.iter().flat_map(|rule| rule.matching(cx)).map(|edge| edge.span).collect();
    for edge in cx.facts.edges().all().iter().filter(|edge| edge.leads_to(cx.trace, None)) {
        // A span with several callees is looked at callee by callee.
        let admitted = allowed.contains(&edge.span)
            && rules.iter().any(|rule| {
                rule.from.as_deref().is_none_or(|from| edge.from(cx.trace) == from)
                    && edge.leads_to(cx.trace, rule.to.as_deref())
            });
        if !admitted {
            others.entry(show(cx.trace, edge)).or_default().push(edge);
        }
    }
    if others.is_empty() {
        outcome.push(Cond::HOLDS);
    } else {
        outcome.push(not_listed(cx, &others, rules, at, &path));
    }
    // Listed alone, a call may be missing; a count says how often it occurs, and writes its own zero.
    for rule in rules.iter().filter(|rule| rule.rule.count.is_some()) {
        required(cx, exporters, rule, (RuleId::CallsOnly, &path), outcome);
    }
}

/// The finding that there are calls which `only` does not list, all of them in one.
fn not_listed(
    cx: &Judging<'_>,
    others: &BTreeMap<String, Vec<&Edge>>,
    rules: &[Rule<'_>],
    at: &Expectation,
    path: &str,
) -> State {
    const MOST: usize = 20;
    let found = || others.values().flatten();
    // Of every one a call is shown, then the others.
    let firsts = others.values().filter_map(|found| found.first());
    let rows: Vec<SpanIx> = firsts.chain(found()).flat_map(|edge| edge.rows()).collect();
    let message = match others.values().next() {
        Some(found) if others.len() == 1 => format!(
            "Found a call that `only` does not list: {} is called by {}.",
            callee(cx.trace, found[0]),
            text::span(cx.trace, found[0].span)
        ),
        _ => format!("Found {} that `only` does not list.", count_of(found().count(), "call")),
    };
    let mut finding = cx.finding(RuleId::CallsOnly, at.at, path, message, &rows);
    finding.expected = format!("no other calls than {}", rules.iter().map(Rule::show).collect::<Vec<_>>().join(", "));
    let listed: Vec<String> = others
        .iter()
        .take(MOST)
        .map(|(name, found)| match found.len() {
            1 => format!("{name}, 1 call"),
            calls => format!("{name}, {calls} calls"),
        })
        .collect();
    let more = others.len().saturating_sub(MOST);
    finding.actual = listed.join("; ") + &if more > 0 { format!("; and {more} more") } else { String::new() };
    State::lacks(Cond::FINAL.provided(found().any(|edge| edge.is_answered())), finding)
}

/// `order-service calls inventory-service (2), postgresql (5)`
pub(super) fn calls_of(cx: &Judging<'_>, edges: &Edges, rule: &Rule<'_>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for edge in edges.matching(cx.trace, rule.from.as_deref(), None) {
        *counts.entry(show(cx.trace, edge)).or_default() += 1;
    }
    if counts.is_empty() {
        return rule
            .from
            .as_deref()
            .map_or("no calls at all".to_owned(), |from| format!("no calls of {}", text::quoted(from)));
    }
    let shown: Vec<String> = counts.iter().take(8).map(|(name, count)| format!("{name} ({count})")).collect();
    let more = if counts.len() > 8 { format!(" and {} more", counts.len() - 8) } else { String::new() };
    shown.join(", ") + &more
}

/// A name that is nearly one of the trace's, or the same call the other way round.
pub(super) fn near_call(cx: &Judging<'_>, edges: &Edges, rule: &Rule<'_>) -> Option<String> {
    let services = cx.trace.service_names();
    let mut called: Vec<&str> = services.clone();
    called.extend(edges.all().iter().flat_map(Edge::names).map(String::as_str));
    called.sort_unstable();
    called.dedup();
    for (name, known) in [(&rule.from, &services), (&rule.to, &called)] {
        let Some(name) = name.as_deref().filter(|name| !known.contains(name)) else { continue };
        if let Some((near, _)) = text::nearest(name, known.iter().copied()) {
            return Some(format!("did you mean {}?", text::quoted(near)));
        }
    }
    let back = edges.matching(cx.trace, rule.to.as_deref(), rule.from.as_deref());
    (rule.from.is_some() && rule.to.is_some() && !back.is_empty())
        .then(|| format!("the trace has the opposite call: {}", show(cx.trace, back[0])))
}

fn unwitnessed(cx: &Judging<'_>, rule: &Rule<'_>, outcome: &mut Outcome) {
    for name in [&rule.from, &rule.to].into_iter().flatten() {
        outcome.unseen(witness::callee(cx, name));
    }
    // Whom something calls that exports nothing, nobody sees.
    if let Some(from) = &rule.from {
        outcome.unseen(witness::callees(cx, std::slice::from_ref(from)));
    }
}

//! Calls that need not be, or that could be made otherwise: loops, repeated questions, runs, retries, large bodies.

use super::costs::Costs;
use super::{Finding, Kind};
use crate::analyse::outgoing::Under;
use crate::analyse::repeats::Mode;
use crate::analyse::serial::Grade;
use crate::analyse::shape;
use crate::analyse::whole::Analyses;
use crate::trace::{Kind as SpanKind, SpanIx};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What is less than this share of the root, or than this time, saves too little to be worth a change: one in 20, 5 ms.
const LEAST_SAVING: (u64, u64) = (20, 5_000_000);
/// So many equal calls between two services in one trace are many, however they lie.
const CHATTY: usize = 15;
/// What a request or an answer carries at most before it is called large, in bytes.
pub const LARGE_BODY: u64 = 1_000_000;

/// The names of the span under which calls are made; empty where it is not there.
fn under_name<'t>(analyses: &Analyses<'t>, under: Option<Under>) -> &'t str {
    match under {
        Some(Under::Span(ix)) => analyses.trace().span(ix).name(),
        _ => "",
    }
}

/// Loops and repeated questions. Returns the calls that one of them speaks of.
pub(super) fn repeats(analyses: &Analyses<'_>, costs: &Costs<'_>, found: &mut Vec<Finding>) -> Vec<bool> {
    let mut all: Vec<(Finding, &[u32])> = Vec::new();
    for (group, repeat) in &analyses.repeats {
        let kind = match (repeat.is_n_plus_one(), repeat.is_redundant()) {
            (true, _) => Kind::NPlusOne,
            (false, true) => Kind::Redundant,
            (false, false) => continue,
        };
        let rows = analyses.rows(&group.calls);
        let trace = analyses.trace();
        let longest = rows.iter().map(|&ix| trace.span(ix).duration_ns()).max().unwrap_or(0);
        let saving = match kind {
            Kind::NPlusOne => repeat.busy_ns.saturating_sub(longest),
            // All but the first time.
            _ => (u128::from(repeat.busy_ns) * (repeat.redundant as u128 - 1) / repeat.count as u128) as u64,
        };
        let signature = analyses.calls.signature(&analyses.calls.all[group.calls[0] as usize]);
        let cost_ns = saving.min(costs.below(&rows));
        let finding = Finding {
            service: trace.text(signature.caller).to_owned(),
            span: under_name(analyses, group.under).to_owned(),
            callee: signature.callee.clone(),
            detail: signature.operation.clone(),
            count: if kind == Kind::NPlusOne { repeat.count } else { repeat.redundant },
            time_ns: repeat.busy_ns,
            cost_ns,
            ..Finding::at(kind, trace.span(rows[0]), rows)
        };
        all.push((finding, &group.calls));
    }
    all.sort_by_key(|(finding, calls)| (Reverse(finding.cost_ns), Reverse(finding.count), calls[0]));
    let mut claimed = vec![false; analyses.calls.all.len()];
    for (finding, calls) in all {
        if calls.iter().any(|&call| claimed[call as usize]) {
            continue;
        }
        calls.iter().for_each(|&call| claimed[call as usize] = true);
        found.push(finding);
    }
    claimed
}

pub(super) fn serial(analyses: &Analyses<'_>, costs: &Costs<'_>, claimed: &[bool], found: &mut Vec<Finding>) {
    for run in &analyses.runs {
        let rows = run.rows(&analyses.calls);
        let cost_ns = run.saving_ns().min(costs.below(&rows));
        let claims = || run.calls.iter().any(|&call| claimed[call as usize]);
        if run.grade < Grade::Possible || !run.is_known || !costs.is_worth(cost_ns, LEAST_SAVING) || claims() {
            continue;
        }
        let signature = |at: &u32| analyses.calls.signature(&analyses.calls.all[*at as usize]);
        let callees: BTreeSet<&str> = run.calls.iter().map(|at| &*signature(at).callee).collect();
        let operations: BTreeSet<&str> = run.calls.iter().map(|at| &*signature(at).operation).collect();
        let joined = |names: BTreeSet<&str>| names.into_iter().take(3).collect::<Vec<_>>().join(", ");
        let finding = Finding::at(Kind::Serial, analyses.trace().span(rows[0]), rows);
        found.push(Finding {
            span: under_name(analyses, Some(run.under)).to_owned(),
            callee: joined(callees),
            detail: joined(operations),
            turn: run.turn,
            time_ns: run.total_ns,
            cost_ns,
            ..finding
        });
    }
}

pub(super) fn chatty(analyses: &Analyses<'_>, claimed: &[bool], found: &mut Vec<Finding>) {
    let trace = analyses.trace();
    for group in crate::analyse::repeats::in_trace(&analyses.calls, |_| true) {
        let first = &analyses.calls.all[group.calls[0] as usize];
        let signature = analyses.calls.signature(first);
        let between_services = first.entry.is_some_and(|entry| trace.services[entry.index()] != signature.caller);
        let sent = trace.span(first.span).kind() == SpanKind::Producer;
        if group.calls.len() < CHATTY || !between_services || sent || group.calls.iter().any(|&at| claimed[at as usize])
        {
            continue;
        }
        let repeat = crate::analyse::repeats::describe(trace, &analyses.calls, &group);
        let finding = Finding::at(Kind::Chatty, trace.span(first.span), analyses.rows(&group.calls));
        found.push(Finding {
            service: trace.text(signature.caller).to_owned(),
            span: String::new(),
            callee: signature.callee.clone(),
            detail: signature.operation.clone(),
            time_ns: if repeat.mode == Mode::Unknown { 0 } else { repeat.busy_ns },
            ..finding
        });
    }
}

/// Calls that were made again because they failed; what the attempts cost that failed.
pub(super) fn retries(analyses: &Analyses<'_>, costs: &Costs<'_>, found: &mut Vec<Finding>) {
    let trace = analyses.trace();
    for retry in shape::retries(&analyses.facts, &analyses.calls) {
        let rows = analyses.rows(&retry.calls);
        let failed: Vec<SpanIx> = rows.iter().copied().take(rows.len() - 1).collect();
        let signature = analyses.calls.signature(&analyses.calls.all[retry.calls[0] as usize]);
        let time_ns = failed.iter().map(|&ix| trace.span(ix).duration_ns()).fold(0, u64::saturating_add);
        let finding = Finding::at(Kind::Retried, trace.span(rows[0]), rows);
        found.push(Finding {
            service: trace.text(signature.caller).to_owned(),
            span: under_name(analyses, Some(retry.under)).to_owned(),
            callee: signature.callee.clone(),
            detail: signature.operation.clone(),
            time_ns,
            cost_ns: time_ns.min(costs.below(&failed)),
            ..finding
        });
    }
}

/// Large bodies, by the spans that say so and whose body it is.
pub(super) fn large(analyses: &Analyses<'_>, found: &mut Vec<Finding>) {
    let trace = analyses.trace();
    let mut groups: BTreeMap<(&str, &str, &str), (u64, Vec<SpanIx>)> = BTreeMap::new();
    for payload in shape::payloads(&analyses.facts, &analyses.calls) {
        let span = trace.span(payload.span);
        for (whose, bytes) in [("request", payload.request), ("response", payload.response)] {
            let Some(bytes) = bytes.filter(|bytes| *bytes >= LARGE_BODY) else { continue };
            let (most, rows) = groups.entry((span.service(), span.name(), whose)).or_default();
            *most = bytes.max(*most);
            rows.push(payload.span);
        }
    }
    for ((.., whose), (bytes, rows)) in groups {
        let finding = Finding::at(Kind::Large, trace.span(rows[0]), rows);
        found.push(Finding { detail: whose.to_owned(), bytes, ..finding });
    }
}

//! `repeats`: the most times that one call is made under one span, or in the whole trace. What counts as one call is defined in
//! `analyse::outgoing`, where it is counted in `analyse::repeats`.

use super::bounds::Bounds;
use super::finding::Finding;
use super::judging::Judging;
use super::logic::{Cause, Cond, Count};
use super::outgoing::{self, Excepted};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::text;
use crate::analyse::outgoing::OutgoingCalls;
use crate::analyse::outgoing::Protocol;
use crate::analyse::repeats::{self, Group, Mode};
use crate::matcher::{Matcher, count_of};
use crate::source::Spanned;
use crate::spec::plan::{Expectation, Repeats};
use std::collections::HashSet;

/// The most groups of calls that are reported, each with a finding of its own.
const MOST_GROUPS: usize = 5;

pub(super) fn judge(cx: &Judging<'_>, expected: &Repeats, at: &Expectation) -> Outcome {
    let calls = cx.outgoing();
    let excepted = Excepted::of(cx, &expected.except);
    let keep = |at: usize| !excepted.has(&calls.all[at]);
    let mut outcome = Outcome::default();
    if let Some(bound) = &expected.per_parent {
        let groups = repeats::under_one_span(cx.facts, calls, keep);
        let path = if bound.is_keyed { format!("{}.per_parent", at.path) } else { at.path.clone() };
        bounded(cx, &excepted, groups, &bound.count, RuleId::RepeatsPerParent, &path, &mut outcome);
    }
    if let Some(bound) = &expected.per_trace {
        let (groups, path) = (repeats::in_trace(calls, keep), format!("{}.per_trace", at.path));
        bounded(cx, &excepted, groups, &bound.count, RuleId::RepeatsPerTrace, &path, &mut outcome);
    }
    outcome
}

/// How often a call is made: for certain, for good, and at most.
struct Times {
    group: Group,
    sure: usize,
    lasting: usize,
    most: usize,
}

impl Times {
    fn of(cx: &Judging<'_>, excepted: &Excepted<'_>, group: Group) -> Times {
        let calls = cx.outgoing();
        let sure = |call: &crate::analyse::outgoing::Outgoing| call.complete && !excepted.may_have(cx, call);
        let members = || group.calls.iter().map(|&at| &calls.all[at as usize]).filter(|call| sure(call));
        let (sure, lasting) = (members().count(), members().filter(|call| call.lasting).count());
        let lasting = if excepted.is_lasting() { lasting } else { 0 };
        Times { sure, lasting, most: group.calls.len() + group.doubted, group }
    }
    /// Whether all that it rests on is in the trace: queries, which nothing that is missing could show to be something else.
    fn is_shown(&self, calls: &OutgoingCalls) -> bool {
        let queries = |&at: &u32| calls.signature(&calls.all[at as usize]).protocol == Protocol::Database;
        self.group.calls.iter().all(queries)
    }
}

fn bounded(
    cx: &Judging<'_>,
    excepted: &Excepted<'_>,
    groups: Vec<Group>,
    count: &Spanned<Matcher>,
    rule: RuleId,
    path: &str,
    outcome: &mut Outcome,
) {
    let bounds = Bounds::of(&count.value).unwrap_or_else(|| Bounds::of_count(Some(&count.value)));
    let mut times: Vec<Times> = groups.into_iter().map(|group| Times::of(cx, excepted, group)).collect();
    let most = |of: fn(&Times) -> usize| times.iter().map(of).max().unwrap_or(0);
    let (sure, lasting, possible) = (most(|one| one.sure), most(|one| one.lasting), most(|one| one.most));
    let cond = bounds.count(Count { sure, lost: possible - sure, typed: 0 }, true);
    let lasting = bounds.growing(lasting as i128);
    if cond.holds() {
        return outcome.push(cond.provided(lasting == Cond::SURE));
    }
    // The largest first; of equal ones the one that begins first.
    times.sort_by_key(|one| std::cmp::Reverse(if cond.is_unknown() { one.most } else { one.sure }));
    if cond != Cond::FINAL || bounds.has(sure as i128) {
        let first = times.first();
        return outcome.push(State::lacks(cond, unmet(cx, first, cond, (sure, possible), count, rule, path)));
    }
    let mut told: HashSet<u32> = HashSet::new();
    let mut left = 0;
    for one in times.iter().filter(|one| !bounds.has(one.sure as i128)) {
        if one.group.calls.iter().all(|at| told.contains(at)) {
            continue;
        }
        told.extend(&one.group.calls);
        if outcome.states.len() == MOST_GROUPS {
            left += 1;
            continue;
        }
        let cond = match bounds.growing(one.lasting as i128) {
            Cond::FINAL => Cond::FINAL,
            _ if one.is_shown(cx.outgoing()) => Cond::SHOWN,
            _ => Cond::VIOLATED,
        };
        outcome.push(State::lacks(cond, exceeded(cx, excepted, one, count, rule, path)));
    }
    if left > 0 {
        outcome.remark(format!("{} more calls repeat as often", left));
    }
}

fn wanted(count: &Spanned<Matcher>) -> String {
    text::number_of(&count.value, "call")
}

/// ``under span `handle` of a, each within `find` ``, `in the trace`
fn place(cx: &Judging<'_>, group: &Group) -> String {
    let Some(under) = group.under else { return "in the trace".to_owned() };
    let through: Vec<String> = group.through.iter().rev().map(|&name| text::quoted(cx.trace.text(name))).collect();
    let within = if through.is_empty() { String::new() } else { format!(", each within {}", through.join(" / ")) };
    format!("{}{within}", outgoing::under(cx, under))
}

fn exceeded(
    cx: &Judging<'_>,
    excepted: &Excepted<'_>,
    one: &Times,
    count: &Spanned<Matcher>,
    rule: RuleId,
    path: &str,
) -> Finding {
    let (calls, group) = (cx.outgoing(), &one.group);
    let signature = calls.signature(&calls.all[group.calls[0] as usize]);
    let repeat = repeats::describe(cx.trace, calls, group);
    let busy = text::time(repeat.busy_ns.into());
    let took = match repeat.mode {
        Mode::Sequential if group.calls.len() > 1 => format!("; they took {busy} one after another"),
        Mode::Concurrent => format!("; they took {busy} side by side"),
        Mode::Mixed => format!("; they took {busy}, partly side by side"),
        Mode::Sequential | Mode::Unknown => String::new(),
    };
    let message = format!(
        "Expected {} {} {}, found {}{took}.",
        wanted(count),
        outgoing::signature(cx, signature),
        place(cx, group),
        one.sure
    );
    let mut finding = cx.finding(rule, count.span, path, message, &repeats::rows(calls, group));
    finding.expected = format!("{} of one kind", wanted(count));
    finding.actual = match repeat.distinct_values {
        Some(1) => format!("{}, all with the same values", count_of(one.sure, "call")),
        Some(distinct) => format!("{} with {distinct} sets of values", count_of(one.sure, "call")),
        None => count_of(one.sure, "call"),
    };
    let help = match signature.protocol {
        _ if repeat.distinct_values == Some(1) && repeat.is_redundant() => "ask once and keep the answer",
        Protocol::Database if signature.reads => "ask for all of them in one query (`IN`, a join)",
        Protocol::Database => "write all of them with one statement",
        Protocol::Messaging => "send them as one batch",
        _ => "ask for all of them in one call",
    };
    let idle = excepted.idle().map_or(String::new(), |idle| format!("; {idle}"));
    finding.hint = Some(format!("{help}, or name in `except` what is meant to repeat{idle}"));
    finding
}

/// That too few are made, or that nobody knows how many.
fn unmet(
    cx: &Judging<'_>,
    first: Option<&Times>,
    cond: Cond,
    (sure, possible): (usize, usize),
    count: &Spanned<Matcher>,
    rule: RuleId,
    path: &str,
) -> Finding {
    let calls = cx.outgoing();
    let rows = first.map(|one| repeats::rows(calls, &one.group)).unwrap_or_default();
    let of = first.map(|one| {
        let signature = calls.signature(&calls.all[one.group.calls[0] as usize]);
        format!("{} {}", outgoing::signature(cx, signature), place(cx, &one.group))
    });
    let message = match (cond.is_unknown(), of) {
        (true, Some(of)) => format!(
            "Expected {} {of}, found between {sure} and {possible}: what some of them ask for, or whether `except` admits them, was lost.",
            wanted(count)
        ),
        (_, Some(of)) => format!("Expected {} of one kind, found {sure} at most: {of}.", wanted(count)),
        (_, None) => format!("Expected {} of one kind, found none.", wanted(count)),
    };
    let mut finding = cx.finding(rule, count.span, path, message, &rows);
    finding.expected = format!("{} of one kind", wanted(count));
    finding.actual = if cond.is_unknown() { format!("{sure} to {possible} calls") } else { count_of(sure, "call") };
    if cond == Cond::undecidable(Cause::Dropped) {
        finding.hint = Some(super::lost::Part::Attributes.hint());
    }
    finding
}

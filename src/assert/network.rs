//! `network`: how long the network took for each call from one service to another.
//!
//! The overhead is a difference of durations and needs no clocks. Request and response are judged on the interval that the
//! clocks leave. A call that cannot be measured (answered twice, outlived by its server, not answered, without times) leaves
//! the expectation open: that all calls were fast enough is not known then.

use super::bounds::Bounds;
use super::calls::{Rule, calls_of, near_call};
use super::judging::Judging;
use super::logic::{Cause, Cond, Range, Truth};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{lost, text, witness};
use crate::analyse::network::{Network, Pair};
use crate::matcher::{Matcher, count_of};
use crate::source::Spanned;
use crate::spec::plan::{Expectation, NetworkCheck};
use crate::trace::SpanIx;
use std::cell::OnceCell;
use std::collections::HashSet;

/// The network between the trace's services, found when first asked for.
#[derive(Debug, Default)]
pub(super) struct Measured(OnceCell<Network>);

/// Which time of a pair is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Both,
    There,
    Back,
}

pub(super) fn judge(cx: &Judging<'_>, measured: &Measured, check: &NetworkCheck, at: &Expectation) -> Outcome {
    let network = measured.0.get_or_init(|| Network::of(cx.facts));
    let rule = Rule::of(&check.call);
    let is = |client: SpanIx, server: SpanIx| {
        let from = rule.from.as_deref().is_none_or(|from| cx.trace.span(client).service() == from);
        from && rule.to.as_deref().is_none_or(|to| cx.trace.span(server).service() == to)
    };
    let pairs: Vec<&Pair> = network.pairs.iter().filter(|pair| is(pair.client, pair.server)).collect();
    let unmeasured = unmeasured(cx, network, &rule, is);
    let mut outcome = Outcome::default();
    if pairs.is_empty() && unmeasured.is_empty() {
        if check.optional {
            for name in [&rule.from, &rule.to].into_iter().flatten() {
                outcome.unseen(witness::callee(cx, name));
            }
            outcome.push(Cond::HOLDS);
        } else {
            outcome.push(absent(cx, &rule, at));
        }
        return outcome;
    }
    let keys = [(Way::Both, &check.overhead), (Way::There, &check.request), (Way::Back, &check.response)];
    for (way, matcher) in keys {
        if let Some(matcher) = matcher {
            outcome.push(each(cx, &pairs, &rule, way, matcher, at));
        }
    }
    if let Some((cond, message, rows)) = unmeasured.into_iter().next() {
        let mut finding = cx.finding(RuleId::NetworkCall, check.call.at, &format!("{}.call", at.path), message, &rows);
        finding.expected = format!("a CLIENT and a SERVER span for each call {}", rule.show());
        finding.actual = format!("{} measured", count_of(pairs.len(), "call"));
        outcome.push(State::lacks(cond, finding));
    }
    outcome
}

/// Calls of which the network's time is not known: the first of each kind, with what to say of all.
fn unmeasured(
    cx: &Judging<'_>,
    network: &Network,
    rule: &Rule<'_>,
    is: impl Fn(SpanIx, SpanIx) -> bool,
) -> Vec<(Cond, String, Vec<SpanIx>)> {
    let mut found = Vec::new();
    let mut add = |rows: Vec<Vec<SpanIx>>, cond: Cond, why: &dyn Fn(SpanIx) -> String| {
        let Some(first) = rows.first().and_then(|rows| rows.first()) else { return };
        let calls = match rows.len() {
            1 => "a call".to_owned(),
            all => format!("{all} calls"),
        };
        let span = text::span(cx.trace, *first);
        let message = format!("The network's time of {calls} {} is unknown: {}: {span}.", rule.show(), why(*first));
        found.push((cond, message, rows.concat()));
    };
    let unknown = Cond::undecidable(Cause::Dropped);
    let retried = network.retries_seen.iter();
    let retried = retried.filter(|one| one.servers.iter().any(|&server| is(one.client, server)));
    let retried = retried.map(|one| std::iter::once(one.client).chain(one.servers.iter().copied()).collect());
    add(retried.collect(), unknown, &|_| {
        "several SERVER spans answer one CLIENT span, as retries inside it do".to_owned()
    });
    let outlived = network.server_outlives_client.iter().filter(|pair| is(pair.client, pair.server));
    add(outlived.map(|pair| vec![pair.client, pair.server]).collect(), unknown, &|_| {
        "the SERVER span goes on after the CLIENT span, which gave up or reads a stream".to_owned()
    });
    let untimed = network.untimed.iter().filter(|(client, server)| is(*client, *server));
    add(untimed.map(|(client, server)| vec![*client, *server]).collect(), unknown, &|client| {
        let server = network.untimed.iter().find(|(at, _)| *at == client).map_or(client, |(_, server)| *server);
        let why = lost::duration(cx.trace, client).or_else(|| lost::duration(cx.trace, server));
        why.unwrap_or("a time is missing").to_owned()
    });
    // Nobody promised that whatever is called answers in the trace, unless it is named.
    if rule.to.is_some() {
        let open: HashSet<SpanIx> = network.unpaired.iter().copied().collect();
        let calls = cx.facts.edges().matching(cx.trace, rule.from.as_deref(), rule.to.as_deref());
        let mut calls: Vec<SpanIx> = calls.into_iter().map(|edge| edge.span).filter(|ix| open.contains(ix)).collect();
        calls.dedup();
        let calls = calls.into_iter().map(|ix| vec![ix]).collect();
        add(calls, Cond::lost(Cause::Incomplete), &|_| "no SERVER span answers it".to_owned());
    }
    found
}

fn absent(cx: &Judging<'_>, rule: &Rule<'_>, at: &Expectation) -> State {
    let message = format!("Expected at least one call {}, found none.", rule.show());
    let mut finding = cx.finding(RuleId::NetworkCall, rule.rule.at, &format!("{}.call", at.path), message, &[]);
    finding.expected = format!("{}, at least once", rule.show());
    finding.actual = calls_of(cx, cx.facts.edges(), rule);
    finding.hint = near_call(cx, cx.facts.edges(), rule);
    State::lacks(Cond::ABSENT, finding)
}

impl Way {
    fn range(self, cx: &Judging<'_>, pair: &Pair) -> Range {
        let (min, max) = match self {
            Way::Both => (pair.overhead_ns(), pair.overhead_ns()),
            Way::There => pair.request_range(cx.clocks()),
            Way::Back => pair.response_range(cx.clocks()),
        };
        Range { min, max, why: Cause::Clock }
    }
    fn recorded(self, pair: &Pair) -> i128 {
        match self {
            Way::Both => pair.overhead_ns(),
            Way::There => pair.request_ns,
            Way::Back => pair.response_ns,
        }
    }
    fn key(self) -> (&'static str, RuleId) {
        match self {
            Way::Both => ("overhead", RuleId::NetworkOverhead),
            Way::There => ("request", RuleId::NetworkRequest),
            Way::Back => ("response", RuleId::NetworkResponse),
        }
    }
}

/// What holds of one time of all calls.
fn each(
    cx: &Judging<'_>,
    pairs: &[&Pair],
    rule: &Rule<'_>,
    way: Way,
    matcher: &Spanned<Matcher>,
    at: &Expectation,
) -> State {
    let bounds = Bounds::of(&matcher.value);
    let truth = |range: Range| bounds.as_ref().map_or(Truth::Unknown(Cause::Type), |bounds| bounds.admits(range));
    let rated: Vec<(Truth, Range, &Pair)> = pairs
        .iter()
        .map(|pair| {
            let range = way.range(cx, pair);
            (truth(range), range, *pair)
        })
        .filter(|(truth, ..)| !truth.is_yes())
        .collect();
    // What is violated outweighs what is not known; of several the longest, then the first.
    let worst = rated
        .iter()
        .max_by_key(|(truth, _, pair)| (*truth == Truth::No, way.recorded(pair), std::cmp::Reverse(pair.client)));
    let Some(&(truth, range, pair)) = worst else { return Cond::HOLDS.into() };
    let (key, id) = way.key();
    let wanted = text::matcher(&matcher.value);
    let calls = rated.iter().filter(|(other, ..)| *other == truth).count();
    let found = match truth {
        Truth::Unknown(_) => between(range),
        _ if range.min == range.max => text::time(range.min),
        _ => format!("at least {}", text::time(range.min)),
    };
    let message = format!(
        "Expected a network {key} of {wanted} for each call {}, found {found}{}.",
        rule.show(),
        match (truth, pairs.len()) {
            (Truth::Unknown(_), 1) => ", as far as the clocks tell".to_owned(),
            (Truth::Unknown(_), all) => format!(", as far as the clocks tell, for {calls} of {all} calls"),
            (_, 1) => String::new(),
            (_, all) => format!(" for {calls} of {all} calls"),
        }
    );
    let mut finding = cx.finding(id, matcher.span, &format!("{}.{key}", at.path), message, &[pair.client, pair.server]);
    finding.expected = format!("{key}: {wanted}");
    finding.actual = measured(cx, pair);
    let cond = match truth {
        Truth::Unknown(cause) => {
            finding.hint = Some(format!(
                "`overhead` needs no clocks; or say how far they are apart at most: `clocks: {{ max_skew: 5ms }}`{}",
                two_readings(cx, pair)
            ));
            Cond::undecidable(cause)
        }
        // Another SERVER span may come that answers the call as well.
        _ => Cond::VIOLATED,
    };
    State::lacks(cond, finding)
}

/// `between 2ms and 9ms`
fn between(range: Range) -> String {
    match (range.min == i128::MIN, range.max == i128::MAX) {
        (true, true) => "an unknown time".to_owned(),
        (true, false) => format!("at most {}", text::time(range.max)),
        (false, true) => format!("at least {}", text::time(range.min)),
        (false, false) => format!("between {} and {}", text::time(range.min), text::time(range.max)),
    }
}

/// `span `POST` of a took 100ms, span `POST /x` of b 15ms`
fn measured(cx: &Judging<'_>, pair: &Pair) -> String {
    let took = |ix: SpanIx| text::time(cx.trace.span(ix).duration_ns().into());
    let (client, server) = (text::span(cx.trace, pair.client), text::span(cx.trace, pair.server));
    format!("{client} took {}, {server} {}", took(pair.client), took(pair.server))
}

fn two_readings(cx: &Judging<'_>, pair: &Pair) -> String {
    let (client, server) = (cx.clocks().clock(pair.client), cx.clocks().clock(pair.server));
    match cx.clocks().two_readings(client, server) {
        Some(_) => "; some call between the two was not awaited, or their clocks differ".to_owned(),
        None => String::new(),
    }
}

//! Orders against brute force over all pairs, and against the true times of traces whose clocks were shifted.

use crate::assert::{Context, Verdict, judge};
use crate::select::Query;
use crate::source::{Span, Spanned};
use crate::spec::plan::{
    Check, Expectation, Order, OrderRelation, Pairing, Per, Relation, Selector, TraceExpectations,
};
use crate::trace::fixture::{Draft, draft};
use crate::trace::{Kind, Phase, Trace};
use proptest::prelude::*;

/// A span with its true times.
#[derive(Debug, Clone)]
struct True {
    parent: usize,
    service: usize,
    kind: Kind,
    name: &'static str,
    start: i64,
    end: i64,
}

const SERVICES: [&str; 4] = ["gateway", "order", "payment", "inventory"];
/// Far from zero, so that clocks can be shifted back by an hour.
const EPOCH: i64 = 10_000_000_000_000;

/// What a trace is made from: for each step its parent, whether it calls another service, and where it lies in it.
type Step = (u16, u8, u8, u8, u8);

/// Spans each of which lies within its parent; a call is a CLIENT span with a SERVER span of another service within.
fn grow(steps: &[Step]) -> Vec<True> {
    let mut spans = vec![True {
        parent: usize::MAX,
        service: 0,
        kind: Kind::Server,
        name: "root",
        start: EPOCH,
        end: EPOCH + (1 << 40),
    }];
    for &(parent, call, from, to, mark) in steps {
        let parent = parent as usize % spans.len();
        let within = spans[parent].clone();
        // A CLIENT span holds nothing but the call's other side.
        if within.kind == Kind::Client {
            continue;
        }
        let length = within.end - within.start;
        let (low, high) = (from.min(to), from.max(to));
        let start = within.start + length / 256 * i64::from(low);
        let end = within.start + length / 256 * i64::from(high);
        let name = ["other", "a", "b"][mark as usize % 3];
        match call % 3 {
            0 => spans.push(True { parent, service: within.service, kind: Kind::Internal, name, start, end }),
            _ => {
                let service = (within.service + 1 + call as usize % 2) % SERVICES.len();
                spans.push(True { parent, service: within.service, kind: Kind::Client, name: "call", start, end });
                let slack = (end - start) / 16;
                let (start, end) = (start + slack * i64::from(call % 5), end - slack * i64::from(call % 7));
                spans.push(True { parent: spans.len() - 1, service, kind: Kind::Server, name, start, end });
            }
        }
    }
    spans
}

fn told(spans: &[True], shifts: &[i64; 4]) -> Trace {
    told_by(spans, shifts, false)
}

/// The trace as the services' clocks tell it; where they say so, of one machine.
fn told_by(spans: &[True], shifts: &[i64; 4], one_machine: bool) -> Trace {
    let resource: &[(&str, &str)] = if one_machine { &[("host.name", "h")] } else { &[] };
    let drafts: Vec<Draft> = spans
        .iter()
        .enumerate()
        .map(|(at, span)| {
            let shift = shifts[span.service];
            let parent = span.parent.wrapping_add(1) as u64;
            Draft::new(at as u64 + 1, parent, SERVICES[span.service], span.kind)
                .name(span.name)
                .resource(resource)
                .times((span.start + shift) as u64, (span.end + shift) as u64)
        })
        .zip(spans)
        .map(
            |(draft, span)| if span.kind == Kind::Client { draft.int("http.response.status_code", 200) } else { draft },
        )
        .collect();
    draft(&drafts)
}

fn select(name: &str) -> Selector {
    Selector {
        at: Span::default(),
        text: name.to_owned(),
        query: Query::of_name(name, Span::default()),
        name: Some(name.to_owned()),
        parts: Vec::new(),
    }
}

fn expect(order: Order) -> TraceExpectations {
    TraceExpectations {
        at: Span::default(),
        list: vec![Expectation { at: Span::default(), path: "trace.order[0]".to_owned(), check: Check::Order(order) }],
        names: ["a", "b"].map(|name| (Spanned::new(name.to_owned(), Span::default()), select(name))).into(),
        exact_names: false,
        follow_links: false,
        max_skew: None,
    }
}

fn relation(relation: Relation, pairing: Pairing, per: Per) -> Order {
    Order::Relation(OrderRelation { first: select("a"), then: select("b"), relation, pairing, per })
}

fn verdict(trace: &Trace, order: Order) -> Verdict {
    judge(trace, &expect(order), Phase::Confirmed, &Context::default())[0].verdict
}

fn plain() -> Order {
    relation(Relation::Before, Pairing::All, Per::Trace)
}

/// The relation of two spans by their true times.
fn holds(relation: Relation, a: &True, b: &True) -> bool {
    match relation {
        Relation::Before | Relation::Adjacent => a.end <= b.start,
        Relation::StartsBefore => a.start <= b.start,
        Relation::EndsBefore => a.end <= b.end,
        Relation::Overlaps => a.start < b.end && b.start < a.end,
        Relation::Within => b.start <= a.start && a.end <= b.end,
    }
}

fn named<'s>(spans: &'s [True], name: &str) -> Vec<&'s True> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// Every pair, one after the other.
fn slowly(spans: &[True], relation: Relation, pairing: Pairing) -> bool {
    let (mut first, mut then) = (named(spans, "a"), named(spans, "b"));
    // Rows stand by start, then end, then id; the drafts' ids are their positions.
    first.sort_by_key(|span| (span.start, span.end));
    then.sort_by_key(|span| (span.start, span.end));
    if first.is_empty() || then.is_empty() {
        return false;
    }
    match pairing {
        Pairing::All => first.iter().all(|a| then.iter().all(|b| holds(relation, a, b))),
        Pairing::Each => first.len() == then.len() && first.iter().zip(&then).all(|(a, b)| holds(relation, a, b)),
        Pairing::First => holds(relation, first[0], then[0]),
        // The latest to start; of several the last row.
        Pairing::Last => holds(relation, first[first.len() - 1], then[then.len() - 1]),
    }
}

const RELATIONS: [Relation; 5] =
    [Relation::Before, Relation::StartsBefore, Relation::EndsBefore, Relation::Overlaps, Relation::Within];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((any::<u16>(), any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>()), 2..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn on_one_clock_every_order_agrees_with_brute_force_over_all_pairs(steps in steps(), which in 0usize..5, how in 0usize..4) {
        let spans = grow(&steps);
        let pairing = [Pairing::All, Pairing::Each, Pairing::First, Pairing::Last][how];
        let expected = if slowly(&spans, RELATIONS[which], pairing) { Verdict::Pass } else { Verdict::Fail };
        let trace = told_by(&spans, &[0; 4], true);
        // Ties in start are told apart by row, which brute force does not know beyond (start, end).
        let starts = |name| { let mut all: Vec<_> = named(&spans, name).iter().map(|span| span.start).collect(); all.sort(); all };
        let tied = ["a", "b"].iter().any(|name| starts(name).windows(2).any(|pair| pair[0] == pair[1]));
        prop_assume!(pairing == Pairing::All || !tied);
        prop_assert_eq!(verdict(&trace, relation(RELATIONS[which], pairing, Per::Trace)), expected);
    }

    #[test]
    fn never_is_brute_force_too(steps in steps()) {
        let spans = grow(&steps);
        let (first, then) = (named(&spans, "a"), named(&spans, "b"));
        let kept = !first.is_empty() && !then.is_empty()
            && first.iter().all(|a| then.iter().all(|b| a.end > b.start));
        let order = Order::Never(select("a"), select("b"));
        prop_assert_eq!(verdict(&told_by(&spans, &[0; 4], true), order), if kept { Verdict::Pass } else { Verdict::Fail });
    }

    #[test]
    fn a_shifted_clock_never_turns_a_decided_order_into_its_opposite(
        steps in steps(),
        which in 0usize..5,
        shifts in prop::array::uniform4(prop_oneof![Just(0i64), -50_000_000..50_000_000i64, Just(-3_600_000_000_000), Just(3_600_000_000_000)]),
    ) {
        let spans = grow(&steps);
        let truth = slowly(&spans, RELATIONS[which], Pairing::All);
        let order = || relation(RELATIONS[which], Pairing::All, Per::Trace);
        let apart = verdict(&told(&spans, &[0; 4]), order());
        prop_assert!(apart == Verdict::Inconclusive || (apart == Verdict::Pass) == truth, "{apart:?}, truly {truth}");
        // A shift may leave a call with two readings, or take one away; the other decision is never taken.
        let shifted = verdict(&told(&spans, &shifts), order());
        prop_assert!(shifted == Verdict::Inconclusive || (shifted == Verdict::Pass) == truth, "{shifted:?}, truly {truth}");
    }

    #[test]
    fn on_one_machine_a_span_that_goes_on_after_its_answer_is_never_taken_for_one_that_ended(
        calls in prop::collection::vec((0i64..16, 0i64..40, 0i64..48, 1usize..4), 1..4),
        marked in any::<prop::sample::Index>(),
        which in 0usize..5,
    ) {
        // Calls one after the other, each with something that the caller does some time later.
        let marked = marked.index(calls.len());
        let root = |kind, name, start, end| True { parent: 0, service: 0, kind, name, start, end };
        let mut spans = vec![True { parent: usize::MAX, ..root(Kind::Server, "root", EPOCH, EPOCH + 4096) }];
        for (at, &(from, took, next, service)) in calls.iter().enumerate() {
            let (first, then) = if at == marked { ("a", "b") } else { ("other", "other") };
            let begin = EPOCH + 64 * at as i64;
            spans.push(root(Kind::Client, "call", begin, begin + 16));
            let (parent, start) = (spans.len() - 1, begin + from);
            spans.push(True { parent, service, kind: Kind::Server, name: first, start, end: start + took });
            spans.push(root(Kind::Internal, then, begin + next, begin + next + 4));
        }
        let truth = slowly(&spans, RELATIONS[which], Pairing::All);
        let verdict = verdict(&told_by(&spans, &[0; 4], true), relation(RELATIONS[which], Pairing::All, Per::Trace));
        prop_assert!(verdict == Verdict::Inconclusive || (verdict == Verdict::Pass) == truth, "{verdict:?}, truly {truth}");
    }

    #[test]
    fn what_two_calls_of_one_span_decide_is_decided_whatever_their_callees_clocks_are(steps in steps()) {
        let spans = grow(&steps);
        let above = |mut at: usize| { let mut path = vec![at]; while spans[at].parent != usize::MAX { at = spans[at].parent; path.push(at); } path.reverse(); path };
        // The spans of the lowest common ancestor's service right below it, if both lie below one.
        let decided = |a: usize, b: usize| -> Option<bool> {
            let (to_a, to_b) = (above(a), above(b));
            let shared = to_a.iter().zip(&to_b).take_while(|(one, other)| one == other).count();
            let (top, near_a, near_b) = (to_a[shared - 1], *to_a.get(shared)?, *to_b.get(shared)?);
            let own = |ix: usize| spans[ix].service == spans[top].service;
            if !own(near_a) || !own(near_b) { return None; }
            let over = |one: usize, other: usize| spans[one].end <= spans[other].start;
            if over(near_a, near_b) { Some(true) } else { over(near_b, near_a).then_some(false) }
        };
        let rows = |name: &str| -> Vec<usize> { (0..spans.len()).filter(|&at| spans[at].name == name).collect() };
        let pairs: Vec<Option<bool>> =
            rows("a").iter().flat_map(|&a| rows("b").into_iter().map(move |b| (a, b))).map(|(a, b)| decided(a, b)).collect();
        prop_assume!(!pairs.is_empty());
        let verdict = verdict(&told(&spans, &[0; 4]), plain());
        if pairs.contains(&Some(false)) {
            prop_assert_eq!(verdict, Verdict::Fail);
        }
        if pairs.iter().all(|pair| *pair == Some(true)) {
            prop_assert_eq!(verdict, Verdict::Pass);
        }
    }
}

/// The shop's order: the gateway calls the order service, which charges, then reserves.
fn shop(shifts: &[i64; 4], one_machine: bool) -> Trace {
    let ms = 1_000_000;
    let span = |parent: usize, service, kind, name, start: i64, end: i64| True {
        parent: parent.wrapping_sub(1),
        service,
        kind,
        name,
        start: EPOCH + start * ms,
        end: EPOCH + end * ms,
    };
    let spans = [
        span(0, 0, Kind::Server, "POST /orders", 0, 100),
        span(1, 0, Kind::Client, "POST", 1, 99),
        span(2, 1, Kind::Server, "POST /orders", 2, 98),
        span(3, 1, Kind::Client, "charge", 5, 40),
        span(4, 2, Kind::Server, "a", 6, 39),
        span(3, 1, Kind::Client, "reserve", 41, 60),
        span(6, 3, Kind::Server, "b", 42, 59),
    ];
    told_by(&spans, shifts, one_machine)
}

#[test]
fn payment_before_inventory_stays_decided_wherever_a_wrong_clock_of_payment_leaves_one_reading() {
    let (ms, hour) = (1_000_000, 3_600_000_000_000);
    let back = || {
        Order::Relation(OrderRelation {
            first: select("b"),
            then: select("a"),
            relation: Relation::Before,
            pairing: Pairing::All,
            per: Per::Trace,
        })
    };
    // Behind: the SERVER span starts before its CLIENT span, so the clocks differ. A little ahead: over either way.
    for shift in [0, -50 * ms, -hour, 2 * ms] {
        let trace = shop(&[0, 0, shift, 0], false);
        assert_eq!(verdict(&trace, plain()), Verdict::Pass, "shifted by {shift}");
        assert_eq!(verdict(&trace, back()), Verdict::Fail, "shifted by {shift}");
    }
    // Ahead: awaited on a fast clock, or not awaited on the same one. By 50 ms, the reservation is not over before the
    // charge starts by either reading.
    for (shift, expected) in [(50 * ms, Verdict::Fail), (hour, Verdict::Inconclusive)] {
        let trace = shop(&[0, 0, shift, 0], false);
        assert_eq!(verdict(&trace, plain()), Verdict::Inconclusive, "shifted by {shift}");
        assert_eq!(verdict(&trace, back()), expected, "shifted by {shift}");
    }
}

#[test]
fn on_one_machine_times_decide_and_on_two_a_charge_that_ends_late_has_two_readings() {
    let ms = 1_000_000;
    let told = |charged: u64, one_machine: bool| {
        let resource: &[(&str, &str)] = if one_machine { &[("host.name", "h")] } else { &[] };
        let span = |id, parent, service, kind, start: u64, end: u64| {
            Draft::new(id, parent, service, kind).resource(resource).times(start * ms, end * ms)
        };
        draft(&[
            span(1, 0, "order", Kind::Server, 0, 100),
            span(2, 1, "order", Kind::Client, 5, 40),
            span(3, 2, "payment", Kind::Server, 12, charged).name("a"),
            span(4, 1, "order", Kind::Client, 41, 60),
            span(5, 4, "inventory", Kind::Server, 42, 59).name("b"),
        ])
    };
    for (charged, expected) in [(39, Verdict::Pass), (42, Verdict::Pass), (45, Verdict::Fail), (70, Verdict::Fail)] {
        assert_eq!(verdict(&told(charged, true), plain()), expected, "charged until {charged}");
    }
    assert_eq!(verdict(&told(39, false), plain()), Verdict::Pass);
    assert_eq!(verdict(&told(45, false), plain()), Verdict::Inconclusive);
}

/// An invocation of 20 ms at 10 ms, whose callee runs 5 ms at `at` ms, and work of the caller from 40 to 45 ms.
fn invoked(at: u64, resources: [&[(&str, &str)]; 2]) -> Trace {
    let ms = 1_000_000;
    let span = |id, parent, service, kind, start: u64, end: u64, side: usize| {
        Draft::new(id, parent, service, kind).times(start * ms, end * ms).resource(resources[side])
    };
    draft(&[
        span(1, 0, "uploads", Kind::Server, 0, 200, 0),
        span(2, 1, "uploads", Kind::Client, 10, 30, 0),
        span(3, 2, "resize", Kind::Server, at, at + 5, 1).name("a"),
        span(4, 1, "uploads", Kind::Internal, 40, 45, 0).name("b"),
    ])
}

fn judged_with(trace: &Trace, order: Order, max_skew: Option<u64>) -> crate::assert::Judgement {
    let expect = TraceExpectations { max_skew, ..expect(order) };
    judge(trace, &expect, Phase::Confirmed, &Context::default()).remove(0)
}

fn reversed() -> Order {
    Order::Relation(OrderRelation {
        first: select("b"),
        then: select("a"),
        relation: Relation::Before,
        pairing: Pairing::All,
        per: Per::Trace,
    })
}

#[test]
fn an_asynchronous_invocation_has_two_readings_until_a_host_or_a_bound_takes_one_away() {
    let ms = 1_000_000;
    let both = |trace: &Trace, max_skew| [plain(), reversed()].map(|order| judged_with(trace, order, max_skew).verdict);
    let apart = invoked(50, [&[], &[]]);
    assert_eq!(both(&apart, None), [Verdict::Inconclusive; 2]);
    assert_eq!(both(&apart, Some(100 * ms)), [Verdict::Inconclusive; 2]);
    assert_eq!(both(&apart, Some(5 * ms)), [Verdict::Fail, Verdict::Pass]);
    let host: &[(&str, &str)] = &[("host.id", "h")];
    assert_eq!(both(&invoked(50, [host, host]), None), [Verdict::Fail, Verdict::Pass]);
    // Before the call: the clocks differ, whatever the call was.
    assert_eq!(both(&invoked(1, [&[], &[]]), None), [Verdict::Pass, Verdict::Fail]);
    let open = judged_with(&apart, plain(), None).findings.remove(0);
    for words in ["either the call was awaited, and the clock of resize is 25ms to 40ms ahead", "or it was not awaited"]
    {
        assert!(open.actual.contains(words), "{}", open.actual);
    }
    assert!(open.hint.is_some_and(|hint| hint.contains("max_skew")));
    assert_eq!(open.span_ids.len(), 3, "the CLIENT span is named, too");
}

#[test]
fn a_bound_that_the_trace_itself_breaks_decides_nothing_and_is_named() {
    let ms = 1_000_000;
    // The callee starts 9 ms before its call: the clocks are further apart than 5 ms.
    let trace = invoked(1, [&[], &[]]);
    assert_eq!(judged_with(&trace, plain(), Some(5 * ms)).verdict, Verdict::Pass);
    let mut spans = vec![
        Draft::new(1, 0, "uploads", Kind::Server).times(0, 200 * ms),
        Draft::new(2, 1, "uploads", Kind::Client).times(10 * ms, 30 * ms),
        Draft::new(3, 2, "resize", Kind::Server).times(ms, 6 * ms),
    ];
    spans.push(Draft::new(4, 1, "mail", Kind::Internal).times(40 * ms, 45 * ms).name("a"));
    spans.push(Draft::new(5, 1, "stock", Kind::Internal).times(90 * ms, 95 * ms).name("b"));
    let open = judged_with(&draft(&spans), plain(), Some(5 * ms));
    assert_eq!(open.verdict, Verdict::Inconclusive);
    assert!(open.findings[0].hint.as_deref().is_some_and(|hint| hint.contains("max_skew")));
    // Without the call that breaks it, the bound decides of services that nobody is seen to call.
    spans.retain(|_| true);
    spans.remove(2);
    assert_eq!(judged_with(&draft(&spans), plain(), Some(5 * ms)).verdict, Verdict::Pass);
    assert_eq!(judged_with(&draft(&spans), plain(), Some(50 * ms)).verdict, Verdict::Inconclusive);
}

#[test]
fn three_calls_that_one_shift_explains_were_awaited_and_three_that_none_explains_were_not() {
    let ms = 1_000_000;
    let trace = |delays: &[u64]| {
        let mut spans = vec![Draft::new(1, 0, "order", Kind::Server).times(0, 2000 * ms)];
        for (at, &delay) in (0u64..).zip(delays) {
            let (id, begin) = (10 * (at + 1), 100 * at + 10);
            let name = if at == 0 { "a" } else { "other" };
            spans.push(Draft::new(id, 1, "order", Kind::Client).times(begin * ms, (begin + 20) * ms));
            let start = begin + delay;
            spans.push(Draft::new(id + 1, id, "payment", Kind::Server).times(start * ms, (start + 16) * ms).name(name));
        }
        spans.push(Draft::new(5, 1, "order", Kind::Internal).times(40 * ms, 45 * ms).name("b"));
        draft(&spans)
    };
    let before = |delays: &[u64]| verdict(&trace(delays), plain());
    assert_eq!(before(&[52]), Verdict::Inconclusive);
    assert_eq!(before(&[52, 51]), Verdict::Inconclusive);
    assert_eq!(before(&[52, 51, 50]), Verdict::Pass);
    // No one shift fits them.
    assert_eq!(before(&[52, 30, 80]), Verdict::Inconclusive);
}

#[test]
fn one_instance_id_on_two_hosts_and_hosts_that_are_nobodys_share_no_clock() {
    let told = |one: &[(&str, &str)], other: &[(&str, &str)]| {
        draft(&[
            Draft::new(1, 0, "gateway", Kind::Server).times(0, 1000),
            Draft::new(2, 1, "w", Kind::Server).name("a").times(10, 20).resource(one),
            Draft::new(3, 1, "w", Kind::Server).name("b").times(30, 40).resource(other),
        ])
    };
    let id = ("service.instance.id", "i");
    let verdict_of = |one: &[(&str, &str)], other: &[(&str, &str)]| verdict(&told(one, other), plain());
    assert_eq!(verdict_of(&[id], &[id]), Verdict::Pass);
    assert_eq!(verdict_of(&[id, ("host.name", "h1")], &[id, ("host.name", "h1"), ("x", "1")]), Verdict::Pass);
    assert_eq!(verdict_of(&[id, ("host.name", "h1")], &[id, ("host.name", "h2")]), Verdict::Inconclusive);
    assert_eq!(verdict_of(&[id, ("host.id", "1")], &[id, ("host.id", "2")]), Verdict::Inconclusive);
    // One machine that answers to two names.
    let named = |name| [id, ("host.id", "1"), ("host.name", name)];
    assert_eq!(verdict_of(&named("h1"), &named("h2")), Verdict::Pass);
    for nobody in
        ["localhost", "LocalHost", "localhost.localdomain", "127.0.0.1", "::1", "(none)", "unknown", "Unknown"]
    {
        let host = ("host.name", nobody);
        assert_eq!(verdict_of(&[host, ("x", "1")], &[host, ("x", "2")]), Verdict::Inconclusive, "{nobody}");
    }
    assert_eq!(verdict_of(&[("host.name", "h"), ("x", "1")], &[("host.name", "h"), ("x", "2")]), Verdict::Pass);
}

#[test]
fn equal_starts_leave_open_which_is_compared_with_which() {
    let told = |times: &[(&str, u64, u64)]| {
        let mut spans = vec![Draft::new(1, 0, "g", Kind::Server).times(0, 1000)];
        for (id, &(name, start, end)) in (2u64..).zip(times) {
            spans.push(Draft::new(id, 1, "g", Kind::Internal).name(name).times(start, end));
        }
        draft(&spans)
    };
    let each =
        |times: &[(&str, u64, u64)]| verdict(&told(times), relation(Relation::Before, Pairing::Each, Per::Trace));
    // With the first of them paired with the first, it holds; with the second, it does not.
    assert_eq!(each(&[("a", 10, 20), ("a", 10, 80), ("b", 30, 40), ("b", 90, 95)]), Verdict::Inconclusive);
    // It holds, or is broken, whichever is paired.
    assert_eq!(each(&[("a", 10, 20), ("a", 10, 25), ("b", 30, 40), ("b", 90, 95)]), Verdict::Pass);
    assert_eq!(each(&[("a", 10, 50), ("a", 10, 60), ("b", 30, 40), ("b", 90, 95)]), Verdict::Fail);
    // The same where the ties are on the other side.
    assert_eq!(each(&[("a", 10, 20), ("a", 30, 55), ("b", 50, 60), ("b", 50, 90)]), Verdict::Fail);
    assert_eq!(each(&[("a", 10, 20), ("a", 30, 45), ("b", 50, 60), ("b", 50, 90)]), Verdict::Pass);
    // A tie beside the pair that decides changes nothing.
    assert_eq!(
        each(&[("a", 10, 20), ("a", 50, 95), ("b", 30, 40), ("b", 60, 70), ("a", 80, 81), ("b", 82, 83)]),
        Verdict::Fail
    );
}

#[test]
fn the_report_says_what_decided_and_shows_the_interval_where_nothing_did() {
    let judged = |trace: &Trace, order| judge(trace, &expect(order), Phase::Confirmed, &Context::default()).remove(0);
    let passed = judged(&shop(&[0, 0, 0, 0], false), plain());
    assert_eq!(passed.remarks, ["a -> b: decided by the clock of order, which called both sides"]);
    // Two services that nobody is seen to call.
    let trace = draft(&[
        Draft::new(1, 0, "gateway", Kind::Server).times(0, 1000),
        Draft::new(2, 1, "payment", Kind::Internal).name("a").times(10, 20),
        Draft::new(3, 1, "inventory", Kind::Internal).name("b").times(30, 40),
    ]);
    let unknown = judged(&trace, plain());
    assert_eq!(unknown.verdict, Verdict::Inconclusive);
    assert_eq!(
        unknown.findings[0].message,
        "Whether `a` (span `a` of payment) ends before the start of `b` (span `b` of inventory) lies within the \
         uncertainty of their clocks."
    );
    assert!(unknown.findings[0].actual.contains("any time"), "{}", unknown.findings[0].actual);
}

#[test]
fn orders_are_kept_within_each_family_or_below_each_span() {
    let mut spans = vec![Draft::new(1, 0, "order", Kind::Server).times(0, 1000)];
    for (item, id) in (0..3u64).map(|item| (item, 10 * (item + 1))) {
        spans.push(Draft::new(id, 1, "order", Kind::Internal).name("item").times(item * 100, item * 100 + 90));
        spans.push(Draft::new(id + 1, id, "order", Kind::Internal).name("a").times(item * 100 + 10, item * 100 + 20));
        spans.push(Draft::new(id + 2, id, "order", Kind::Internal).name("b").times(item * 100 + 30, item * 100 + 40));
    }
    let trace = draft(&spans);
    let before = |pairing, per| verdict(&trace, relation(Relation::Before, pairing, per));
    assert_eq!(before(Pairing::All, Per::Trace), Verdict::Fail);
    assert_eq!(before(Pairing::Each, Per::Trace), Verdict::Pass);
    assert_eq!(before(Pairing::All, Per::Siblings), Verdict::Pass);
    assert_eq!(before(Pairing::All, Per::Under(select("item"))), Verdict::Pass);
    let adjacent = |pairing, per| verdict(&trace, relation(Relation::Adjacent, pairing, per));
    assert_eq!(adjacent(Pairing::All, Per::Siblings), Verdict::Pass);
    // One item more, without its second half: what is not there is not in order.
    spans.push(Draft::new(50, 1, "order", Kind::Internal).name("item").times(500, 590));
    spans.push(Draft::new(51, 50, "order", Kind::Internal).name("a").times(510, 520));
    let trace = draft(&spans);
    assert_eq!(verdict(&trace, relation(Relation::Before, Pairing::All, Per::Siblings)), Verdict::Fail);
    assert_eq!(verdict(&trace, relation(Relation::Before, Pairing::Each, Per::Trace)), Verdict::Fail);
    // A sibling between the two of the first item.
    spans.retain(|_| true);
    spans.push(Draft::new(13, 10, "order", Kind::Internal).name("c").times(25, 26));
    let trace = draft(&spans[..]);
    assert_eq!(verdict(&trace, relation(Relation::Adjacent, Pairing::First, Per::Trace)), Verdict::Fail);
}

#[test]
fn facts_about_clocks_that_contradict_each_other_leave_what_the_common_ancestor_decides() {
    let ms = 1_000_000;
    let at = |start: i64, end: i64| ((EPOCH + start * ms) as u64, (EPOCH + end * ms) as u64);
    let span = |id, parent, service, kind, name: &str, start, end| {
        let (start, end) = at(start, end);
        Draft::new(id, parent, service, kind).name(name).times(start, end)
    };
    // One call that nobody awaited: its SERVER span runs long after its CLIENT span.
    let trace = draft(&[
        span(1, 0, "order", Kind::Server, "root", 0, 1000),
        span(2, 1, "order", Kind::Client, "charge", 5, 40),
        span(3, 2, "payment", Kind::Server, "a", 6, 39),
        span(4, 1, "order", Kind::Client, "reserve", 41, 60),
        span(5, 4, "inventory", Kind::Server, "b", 42, 59),
        span(6, 1, "order", Kind::Client, "audit", 70, 80),
        span(7, 6, "payment", Kind::Server, "audit", 500, 505),
    ]);
    assert_eq!(verdict(&trace, plain()), Verdict::Pass);
}

#[test]
fn many_spans_are_compared_in_linear_time() {
    let mut spans = vec![Draft::new(1, 0, "order", Kind::Server).times(0, 10_000_000)];
    for id in 2..40_002u64 {
        let name = if id < 20_002 { "a" } else { "b" };
        spans.push(Draft::new(id, 1, "order", Kind::Internal).name(name).times(id * 10, id * 10 + 5));
    }
    let trace = draft(&spans);
    assert_eq!(verdict(&trace, plain()), Verdict::Pass);
    assert_eq!(verdict(&trace, relation(Relation::Adjacent, Pairing::Each, Per::Trace)), Verdict::Fail);
}

//! Orders against brute force over all pairs, and against the true times of traces whose clocks were shifted.

use crate::assert::{Context, Verdict, judge};
use crate::facts::{Facts, by_common_ancestor};
use crate::select::Query;
use crate::source::{Span, Spanned};
use crate::spec::plan::{
    Check, Expectation, Order, OrderRelation, Pairing, Per, Relation, Selector, TraceExpectations,
};
use crate::trace::fixture::{Draft, draft};
use crate::trace::{Kind, Phase, SpanIx, Trace};
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
        // What is known of clocks moves with them.
        prop_assert_eq!(verdict(&told(&spans, &shifts), order()), apart);
        // Nor where the clocks are said to be one, which is a lie then: one that the calls prove is believed no more, and
        // one that they do not is doubted, or too small to matter within a call.
        let claimed = verdict(&told_by(&spans, &shifts, true), order());
        if apart != Verdict::Inconclusive {
            prop_assert!(claimed == apart || claimed == Verdict::Inconclusive, "{claimed:?}, apart {apart:?}");
        }
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
    fn what_the_clock_of_the_common_ancestor_decides_is_decided(
        steps in steps(),
        shifts in prop::array::uniform4(-3_600_000_000_000..3_600_000_000_000i64),
    ) {
        let spans = grow(&steps);
        let trace = told(&spans, &shifts);
        let facts = Facts::from(&trace);
        let clocks = facts.clocks();
        let rows = |name: &str| -> Vec<SpanIx> { trace.spans().filter(|span| span.name() == name).map(|span| span.ix()).collect() };
        let (first, then) = (rows("a"), rows("b"));
        let pairs: Vec<Option<bool>> = first
            .iter()
            .flat_map(|&a| then.iter().map(move |&b| (a, b)))
            .map(|(a, b)| by_common_ancestor(&facts, clocks, a, b).map(|told| told.in_order))
            .collect();
        prop_assume!(!pairs.is_empty());
        let verdict = verdict(&trace, plain());
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
fn payment_before_inventory_stays_decided_however_wrong_the_clock_of_payment_is() {
    let (ms, hour) = (1_000_000, 3_600_000_000_000);
    for shift in [0, 50 * ms, -50 * ms, hour, -hour, 2 * ms] {
        for one_machine in [false, true] {
            let trace = shop(&[0, 0, shift, 0], one_machine);
            assert_eq!(verdict(&trace, plain()), Verdict::Pass, "shifted by {shift}, {one_machine}");
            let back = Order::Relation(OrderRelation {
                first: select("b"),
                then: select("a"),
                relation: Relation::Before,
                pairing: Pairing::All,
                per: Per::Trace,
            });
            assert_eq!(verdict(&trace, back), Verdict::Fail, "shifted by {shift}, {one_machine}");
        }
    }
}

#[test]
fn on_one_machine_a_charge_that_goes_on_after_its_answer_is_not_over_when_stock_is_reserved() {
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
    // Over before the reservation begins, by either reading.
    assert_eq!(verdict(&told(39, true), plain()), Verdict::Pass);
    assert_eq!(verdict(&told(42, true), plain()), Verdict::Pass);
    // By the machine's one clock it is not over; and nothing says that its clock is wrong.
    assert_eq!(verdict(&told(45, true), plain()), Verdict::Inconclusive);
    assert_eq!(verdict(&told(70, true), plain()), Verdict::Fail);
    // On machines of their own the clocks may differ, and the call that was awaited tells that it was over.
    assert_eq!(verdict(&told(45, false), plain()), Verdict::Pass);
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

//! Guards that other tests would not miss: the other side of a doubt, the rank of two verdicts, the first of several.

use super::sent::{all, attributes, last, phases, sent, span};
use super::told::expect;
use serde_json::{Value, json};
use tracespec::assert::Verdict::{Fail, Inconclusive, Pass};
use tracespec::assert::{Context, judge};
use tracespec::trace::{Injected, Phase, SpanId, Trace, TraceBuilder, TraceId};
use tracespec::wire::otlp_json;

/// Milliseconds after the root's start, and a code.
fn at(start: u64, end: u64, code: Value) -> Value {
    let ns = |at: u64| (1_000_000_000_000 + at * 1_000_000).to_string();
    let attributes = if code.is_null() { json!([]) } else { attributes(json!({ "code": code })) };
    json!({ "startTimeUnixNano": ns(start), "endTimeUnixNano": ns(end), "attributes": attributes })
}

const FAILED: &str = "{ attributes: { code: '>= 500' } }";

/// A booking between two payments; whether the one with this code failed, its type may leave open.
fn payments(early: Value, late: Value) -> Trace {
    sent(&[
        span(2, "pay", at(10, 20, early)),
        span(3, "book", at(30, 35, Value::Null)),
        span(4, "pay", at(40, 50, late)),
    ])
}

#[test]
fn an_order_is_open_where_either_side_alone_is_in_doubt() {
    let then = format!("order: [{{ first: {{ name: book }}, then: {FAILED} }}]");
    all(Pass, &[&then], &payments(json!("200"), json!(503)));
    all(Inconclusive, &[&then], &payments(json!("503"), json!(503)));
    let first = format!("order: [{{ first: {FAILED}, then: {{ name: book }} }}]");
    all(Pass, &[&first], &payments(json!(503), json!("200")));
    all(Inconclusive, &[&first], &payments(json!(503), json!("503")));
}

#[test]
fn what_never_may_be_is_open_where_either_side_is_in_doubt() {
    let never = |first: &str, then: &str| {
        format!("spans: [{{ select: {first}, as: p }}, {{ select: {then}, as: q }}]\norder: [{{ never: p -> q }}]")
    };
    let book = "{ name: book }";
    all(Pass, &[&never(book, FAILED)], &payments(json!(503), json!("200")));
    all(Inconclusive, &[&never(book, FAILED)], &payments(json!(503), json!("503")));
    all(Pass, &[&never(FAILED, book)], &payments(json!("200"), json!(503)));
    all(Inconclusive, &[&never(FAILED, book)], &payments(json!("503"), json!(503)));
}

#[test]
fn entries_with_distinct_reckon_with_spans_that_may_be_theirs() {
    let entry = |count: &str| format!("spans: [{{ select: {FAILED}, distinct: true, count: {count} }}]");
    let (sure, doubtful) = (payments(json!("200"), json!(503)), payments(json!("503"), json!(503)));
    all(Pass, &[&entry("1"), &entry("1..2")], &sure);
    all(Inconclusive, &[&entry("1"), &entry("'< 2'")], &doubtful);
    all(Pass, &[&entry("1..2"), &entry("'>= 1'")], &doubtful);
    // A fact of one that may be picked counts as well.
    let fact = format!("spans: [{{ select: {FAILED}, distinct: true, count: 1..2, duration: < 1s }}]");
    all(Pass, &[&fact], &doubtful);
    let fact = format!("spans: [{{ select: {FAILED}, distinct: true, count: 1..2, attributes: {{ code: 503 }} }}]");
    all(Inconclusive, &[&fact], &doubtful);
    all(Pass, &[&fact], &sure);
}

/// A spec that waits must not be given up for a part of it that will never be decided.
#[test]
fn what_may_still_come_outweighs_what_can_not_be_decided() {
    let trace = payments(json!(503), json!("503"));
    let sequence = |third: &str| format!("order: [{{ sequence: [{FAILED}, {{ name: book }}, {{ name: {third} }}] }}]");
    assert_eq!(phases(&sequence("refund"), &trace), "OOFF");
    let undecided = format!("order: [{{ first: {FAILED}, then: {{ name: book }} }}]");
    assert_eq!(phases(&undecided, &trace), "OIII");
    let spans = format!("spans: [{{ select: {FAILED}, count: 1, match: any, kind: client }}]");
    assert_eq!(phases(&spans, &trace), "OOFF");
}

#[test]
fn a_count_below_one_is_an_absence() {
    let trace = payments(Value::Null, Value::Null);
    for (none, some) in [("'< 1'", "'< 2'"), ("0", "1"), ("'<= 0'", "'<= 1'"), ("..0", "..1")] {
        let refund =
            format!("spans: [{{ select: {{ name: root }} }}, {{ select: {{ name: refund }}, count: {none} }}]");
        assert_eq!(phases(&refund, &trace), "OPPI", "{none}");
        assert!(!last(&refund, &trace).unseen.is_empty(), "{none}");
        let book = |count: &str| format!("spans: [{{ select: {{ name: book }}, count: {count} }}]");
        assert_eq!(phases(&book(none), &trace), "FFFF", "{none}");
        assert_eq!(phases(&book(some), &trace), "OPPI", "{some}");
    }
}

#[test]
fn what_is_only_asked_to_be_absent_need_not_have_been_seen() {
    let trace = payments(json!(1), json!(2));
    let unseen = |select: &str| {
        let judged = last(&format!("spans: [{{ select: {select}, count: 0 }}]"), &trace);
        assert_eq!(judged.verdict, Pass, "{select}");
        judged.unseen.len()
    };
    assert_eq!(unseen("{ name: pay, attributes: { code: 3, refund: absent } }"), 0);
    assert_eq!(unseen("{ name: pay, attributes: { code: 3, refund: exists } }"), 1);
    assert_eq!(unseen("{ name: pay, attributes: { refund: '!= 3' } }"), 1);
    assert_eq!(unseen("'{ span.code = 3 && span.refund = nil }'"), 0);
    assert_eq!(unseen("'{ span.code = 3 && !(span.refund = 1) }'"), 0);
}

#[test]
fn what_a_doubt_on_the_left_of_a_negated_structure_would_leave_out_may_be_there() {
    let dropped = |id: u64, name: &str, parent: u64, count: u64| {
        span(id, name, json!({ "parentSpanId": format!("{parent:016x}"), "droppedAttributesCount": count }))
    };
    for operator in ["!>", "!>>"] {
        let query = format!("{{ span.k = 1 }} {operator} {{ name = \"below\" && span.m = 2 }}");
        let spec = format!("spans: [{{ select: {{ name: root }} }}, {{ select: '{query}', count: 0 }}]");
        let trace = |count: u64| sent(&[dropped(2, "above", 1, 1), dropped(3, "below", 2, count)]);
        all(Pass, &[&spec], &trace(0));
        all(Inconclusive, &[&spec], &trace(1));
    }
}

/// Behind a silent proxy several entries go back to one request: the first of them is the root, the others are no more.
#[test]
fn the_first_entry_behind_a_silent_proxy_is_the_root() {
    let request = SpanId::new(0xfff).unwrap();
    let entry = |id: u64, kind: u64| {
        let times = json!({ "kind": kind, "parentSpanId": "0000000000000fff" });
        span(id, "entry", times)
    };
    let build = |spans: &[Value]| {
        let text = json!({ "resourceSpans": [{
            "resource": { "attributes": attributes(json!({ "service.name": "a" })) },
            "scopeSpans": [{ "spans": spans }],
        }] });
        let mut builder = TraceBuilder::new();
        otlp_json::read(&text.to_string(), &mut builder).unwrap();
        builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Known(vec![request]))
    };
    let verdict = |trace: &Trace, silent: &str| {
        let context = Context { silent: [silent.to_owned()].into(), ..Context::default() };
        judge(trace, &expect("propagation: intact"), Phase::Confirmed, &context)[0].verdict
    };
    let (one, two) = (build(&[entry(1, 2)]), build(&[entry(1, 2), entry(2, 2)]));
    assert_eq!((verdict(&one, "proxy"), verdict(&two, "proxy")), (Pass, Pass));
    // Only entries are excused.
    assert_eq!(verdict(&build(&[entry(1, 2), entry(2, 1)]), "proxy"), Fail);
    let context = Context::default();
    assert_eq!(judge(&two, &expect("propagation: intact"), Phase::Confirmed, &context)[0].verdict, Fail);
}

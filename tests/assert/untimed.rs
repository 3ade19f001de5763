//! A span whose start or end was not told has no duration that could be compared.

use super::sent::{all, last, phases, sent, span};
use serde_json::json;
use tracespec::assert::Verdict::{Fail, Inconclusive, Pass};
use tracespec::trace::Trace;

fn slow(start: &str, end: &str) -> Trace {
    sent(&[span(2, "slow", json!({ "startTimeUnixNano": start, "endTimeUnixNano": end }))])
}

const UNKNOWN: [(&str, &str); 4] =
    [("1000010000000", "0"), ("0", "0"), ("0", "1000020000000"), ("1000010000000", "1000000000009")];

#[test]
fn a_duration_that_is_not_known_is_neither_short_nor_long() {
    for (start, end) in UNKNOWN {
        all(
            Inconclusive,
            &[
                "spans: [{ select: { name: slow }, duration: < 100ms }]",
                "spans: [{ select: { name: slow }, duration: '>= 1ms' }]",
                "spans: [{ select: { name: slow }, match: any, duration: < 100ms }]",
                "spans: [{ select: { name: slow }, self_time: < 100ms }]",
                "spans: [{ select: { name: slow, duration: < 1ms } }]",
                "spans: [{ select: { name: slow, duration: '> 1ms' }, count: 0 }]",
            ],
            &slow(start, end),
        );
    }
    all(
        Pass,
        &[
            "spans: [{ select: { name: slow }, duration: < 1ms }]",
            "spans: [{ select: { name: slow, duration: < 1ms } }]",
            "spans: [{ select: { name: slow, duration: '> 1ms' }, count: 0 }]",
        ],
        &slow("1000010000000", "1000010000000"),
    );
}

#[test]
fn a_record_without_an_end_fails_nothing_since_the_whole_one_may_still_come() {
    for (start, end) in UNKNOWN {
        for fact in ["duration: '> 10ms'", "self_time: '> 10ms'"] {
            let spec = format!("spans: [{{ select: {{ name: slow }}, {fact} }}]");
            assert_eq!(phases(&spec, &slow(start, end)), "OIII", "{fact} {start} {end}");
        }
    }
    let two = sent(&[
        span(2, "slow", json!({ "endTimeUnixNano": "0" })),
        span(2, "slow", json!({ "endTimeUnixNano": "1000090000000" })),
    ]);
    all(Pass, &["spans: [{ select: { name: slow }, duration: '> 10ms' }]"], &two);
    all(Fail, &["spans: [{ select: { name: slow }, duration: '< 10ms' }]"], &two);
}

#[test]
fn the_finding_says_that_the_duration_is_not_known_and_why() {
    let judged = last("spans: [{ select: { name: slow }, duration: < 100ms }]", &slow("1000010000000", "0"));
    let told = &judged.findings[0].message;
    assert!(told.contains("duration") && told.contains("unknown") && told.contains("no end time"), "{told}");
    let judged = last("spans: [{ select: { name: slow, duration: < 1ms } }]", &slow("0", "1000010000000"));
    let told = &judged.findings[0].message;
    assert!(told.contains("unknown") && told.contains("no start time"), "{judged:#?}");
}

#[test]
fn a_missing_start_does_not_make_the_trace_last_since_1970() {
    let trace = slow("0", "1000010000000");
    assert_eq!(trace.duration_ns(), 100_000_000);
    all(Inconclusive, &["duration: < 3s"], &trace);
}

#[test]
fn the_order_of_a_span_whose_times_are_not_known_is_not_known() {
    for (start, end) in UNKNOWN {
        let trace = slow(start, end);
        for order in ["{ first: { name: slow }, then: { name: root }, relation: within }", "{ never: a -> b }"] {
            let spec = format!(
                "spans: [{{ select: {{ name: slow }}, as: a }}, {{ select: {{ name: root }}, as: b }}]\norder: [{order}]"
            );
            assert_eq!(last(&spec, &trace).verdict, Inconclusive, "{order} of {start}..{end}");
        }
    }
}

/// Those of spans that ended.
const ENDED: [(&str, &str); 2] = [("0", "1000020000000"), ("1000010000000", "1000000000009")];

#[test]
fn a_span_without_an_end_may_still_fail() {
    for (start, end) in [("1000010000000", "0"), ("0", "0")] {
        all(Inconclusive, &["errors: none", "spans: [{ select: { status: error }, count: 0 }]"], &slow(start, end));
    }
}

#[test]
fn a_span_that_ended_and_whose_times_are_not_known_leaves_open_only_what_needs_them() {
    for (start, end) in ENDED {
        let trace = slow(start, end);
        all(
            Pass,
            &[
                "errors: none",
                "roots: 1",
                "span_count: < 9",
                "depth: < 9",
                "propagation: intact",
                "services: { none: [legacy] }",
                "duration: { of: root, lt: 3s }",
                "spans: [{ select: { name: legacy }, count: 0 }]",
                "spans: [{ select: { name: slow }, match: all, kind: internal }]",
                "spans: [{ select: { name: root }, duration: < 3s }]",
                "spans: [{ select: { name: root, duration: '> 3s' }, count: 0 }]",
                "spans: [{ select: { name: root }, self_time: < 10s }]",
                "traceql: [{ none: '{ name = \"legacy\" }' }]",
                "traceql: [{ none: '{ name = \"root\" && duration > 3s }' }]",
                "structure: { tree: { select: { name: root } } }",
                "structure: { ordered: true, tree: { select: { name: root } } }",
            ],
            &trace,
        );
        all(
            Fail,
            &[
                "errors: 1",
                "services: [legacy]",
                "spans: [{ select: { name: legacy } }]",
                "spans: [{ select: { name: root }, self_time: '> 10s' }]",
                "traceql: ['{ name = \"root\" && duration > 3s }']",
            ],
            &trace,
        );
        all(
            Inconclusive,
            &[
                "duration: < 3s",
                "spans: [{ select: { duration: '> 1s' }, count: 0 }]",
                "spans: [{ select: { name: root }, self_time: < 1ns }]",
                "traceql: [{ none: '{ duration > 1s }' }]",
                "traceql: ['{ duration < 1ns }']",
                "traceql: ['{ name = \"slow\" && duration >= 0s }']",
                "traceql: [{ none: '{ traceDuration > 1s }' }]",
                "traceql: [{ none: '{ } | avg(duration) > 3s' }]",
            ],
            &trace,
        );
    }
}

/// A whole root below which everything hangs, and `slow` beside others.
fn beside(start: &str, end: &str) -> Trace {
    let at = |from: u64, to: u64| json!({ "startTimeUnixNano": from.to_string(), "endTimeUnixNano": to.to_string() });
    sent(&[
        span(2, "slow", json!({ "startTimeUnixNano": start, "endTimeUnixNano": end })),
        span(3, "a", at(1_000_020_000_000, 1_000_030_000_000)),
        span(4, "b", at(1_000_040_000_000, 1_000_050_000_000)),
    ])
}

#[test]
fn orders_of_other_spans_are_decided_beside_a_span_whose_times_are_not_known() {
    for (start, end) in ENDED {
        let trace = beside(start, end);
        let before = "first: { name: a }, then: { name: b }";
        all(
            Pass,
            &[
                &format!("order: [{{ {before}, relation: before }}]"),
                &format!("order: [{{ {before}, relation: before, per: {{ under: {{ name: root }} }} }}]"),
                "structure: { ordered: true, tree: { select: { name: root }, children: [{ select: { name: a } }, { select: { name: b } }] } }",
            ],
            &trace,
        );
        all(Fail, &["order: [{ first: { name: b }, then: { name: a }, relation: before }]"], &trace);
        all(
            Inconclusive,
            &[
                &format!("order: [{{ {before}, relation: adjacent }}]"),
                &format!(
                    "order: [{{ {before}, relation: before, per: {{ under: {{ name: slow, duration: < 1ms }} }} }}]"
                ),
                "structure: { ordered: true, tree: { select: { name: root }, children: [{ select: { name: a } }, { select: { name: slow } }] } }",
            ],
            &trace,
        );
    }
}

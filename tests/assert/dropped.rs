//! What the SDK dropped over its limits is not absent, on exactly the spans that it was dropped of.

use super::sent::{all, attributes, last, sent, span};
use serde_json::json;
use tracespec::assert::Verdict::{Fail, Inconclusive, Pass};
use tracespec::trace::{Injected, Trace, TraceBuilder, TraceId};
use tracespec::wire::otlp_json;

/// `pay` dropped of everything; `other` has a card number, an exception and nothing dropped.
fn trace() -> Trace {
    sent(&[
        span(
            2,
            "pay",
            json!({
                "attributes": attributes(json!({ "x": 1 })),
                "events": [{ "timeUnixNano": "1000011000000", "name": "retry" }, { "timeUnixNano": "1000012000000", "name": "done" }],
                "links": [{ "traceId": "000000000000000000000000000000a1", "spanId": "0000000000000003" }],
                "droppedAttributesCount": 5, "droppedEventsCount": 3, "droppedLinksCount": 2,
            }),
        ),
        span(
            3,
            "other",
            json!({
                "attributes": attributes(json!({ "card.number": 1 })),
                "events": [{ "timeUnixNano": "1000011000000", "name": "exception" }],
            }),
        ),
    ])
}

#[test]
fn an_attribute_that_may_be_among_the_dropped_is_neither_absent_nor_missing() {
    let undecided = [
        "spans: [{ select: { name: pay }, attributes: { card.number: absent } }]",
        "spans: [{ select: { name: pay }, attributes: { card.kind: visa } }]",
        "spans: [{ select: { name: pay }, attributes: { card.kind: exists } }]",
        "spans: [{ select: { name: pay }, match: any, attributes: { card.kind: visa } }]",
        "spans: [{ select: { name: pay }, match: any, kind: internal, attributes: { card.kind: absent } }]",
        "spans: [{ select: { name: pay }, distinct: true, attributes: { card.kind: visa } }]",
        "spans: [{ select: { name: pay, attributes: { card.number: exists } }, count: 0 }]",
        "spans: [{ select: { name: pay, attributes: { card.number: absent } }, count: 0 }]",
        "spans: [{ select: { name: pay, attributes: { card.number: absent } } }]",
        "spans: [{ select: { name: pay, attributes: { card.kind: visa } } }]",
        "spans: [{ select: { attributes: { card.number: 1 } }, count: 2 }]",
        "spans: [{ select: { attributes: { card.number: 1 } }, count: 1 }]",
        "spans: [{ select: { name: root }, children: [{ select: { attributes: { card.kind: visa } } }] }]",
        "spans: [{ select: { name: root }, children: [{ select: { attributes: { card.kind: visa } }, count: 0 }] }]",
    ];
    all(Inconclusive, &undecided, &trace());
}

#[test]
fn what_is_there_and_what_nothing_dropped_can_change_is_decided() {
    let holds = [
        "spans: [{ select: { name: pay }, attributes: { x: 1 } }]",
        "spans: [{ select: { name: other }, attributes: { card.kind: absent } }]",
        "spans: [{ select: { name: '~ ^(pay|other)$' }, match: any, attributes: { card.number: 1 } }]",
        "spans: [{ select: { name: other, attributes: { card.kind: exists } }, count: 0 }]",
        "spans: [{ select: { attributes: { card.number: 1 } }, count: '>= 1' }]",
        "spans: [{ select: { name: pay, resource: { zone: exists } }, count: 0 }]",
    ];
    all(Pass, &holds, &trace());
    let broken = [
        "spans: [{ select: { name: pay }, attributes: { x: 2 } }]",
        "spans: [{ select: { name: pay }, attributes: { x: absent } }]",
        "spans: [{ select: { name: other }, attributes: { card.kind: visa } }]",
        "spans: [{ select: { name: '~ ^(pay|other)$' }, attributes: { card.number: 2 } }]",
        "spans: [{ select: { name: pay, attributes: { x: 2 } } }]",
        "spans: [{ select: { attributes: { card.number: 1 } }, count: 3 }]",
        "spans: [{ select: { name: pay }, resource: { zone: a } }]",
    ];
    all(Fail, &broken, &trace());
}

#[test]
fn events_that_were_dropped_may_be_any() {
    let of_pay = |check: &str| format!("spans: [{{ select: {{ name: pay }}, {check} }}]");
    let of = |checks: &[&str]| -> Vec<String> { checks.iter().map(|check| of_pay(check)).collect() };
    let judged = |verdict, checks: &[&str]| {
        let specs = of(checks);
        all(verdict, &specs.iter().map(String::as_str).collect::<Vec<_>>(), &trace());
    };
    judged(
        Inconclusive,
        &[
            "events: [{ name: exception, count: 0 }]",
            "events: [{ name: exception }]",
            "events: [{ name: retry, count: 1 }]",
            "events: [{ name: retry, count: '<= 1' }]",
            "events: [{ name: retry, attributes: { n: absent } }]",
            "events: [{ name: retry, attributes: { n: 1 } }]",
            "event_order: [retry, exception]",
            "links: [{ span: { name: root } }]",
            "links: [{ span: { name: other }, count: 1 }]",
            "links: [{ attributes: { a: 1 }, count: 0 }]",
        ],
    );
    judged(
        Pass,
        &[
            "events: [{ name: retry }]",
            "events: [{ name: retry, count: '>= 1' }]",
            "event_order: [retry, done]",
            "links: [{ span: { name: other } }]",
        ],
    );
    judged(Fail, &["events: [{ name: retry, count: 0 }]", "links: [{ span: { name: other }, count: 0 }]"]);
    all(Fail, &["spans: [{ select: { name: other }, events: [{ name: retry }] }]"], &trace());
    all(Pass, &["spans: [{ select: { name: other }, events: [{ name: retry, count: 0 }] }]"], &trace());
}

#[test]
fn the_finding_says_how_many_were_dropped_and_which_limit_to_raise() {
    let cases = [
        ("attributes: { card.number: absent }", "dropped 5 attributes", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        ("events: [{ name: exception, count: 0 }]", "dropped 3 events", "OTEL_SPAN_EVENT_COUNT_LIMIT"),
        ("links: [{ attributes: { a: 1 }, count: 0 }]", "dropped 2 links", "OTEL_SPAN_LINK_COUNT_LIMIT"),
    ];
    for (check, dropped, limit) in cases {
        let judged = last(&format!("spans: [{{ select: {{ name: pay }}, {check} }}]"), &trace());
        let finding = &judged.findings[0];
        assert!(finding.message.contains(dropped), "{finding:#?}");
        assert!(finding.hint.as_ref().is_some_and(|hint| hint.contains(limit)), "{finding:#?}");
        assert!(finding.span_ids.iter().any(|id| id.get() == 2), "{finding:#?}");
    }
    let judged = last("spans: [{ select: { name: pay, attributes: { card.number: exists } }, count: 0 }]", &trace());
    let finding = &judged.findings[0];
    assert!(finding.message.contains("dropped 5 attributes"), "{finding:#?}");
    assert!(finding.hint.as_ref().is_some_and(|hint| hint.contains("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT")), "{finding:#?}");
    assert_eq!(finding.span_ids.len(), 1);
}

#[test]
fn a_query_that_nothing_may_match_is_in_doubt_where_what_it_names_was_dropped() {
    all(
        Inconclusive,
        &[
            r#"traceql: [{ none: '{ name = "pay" && span.card.number != nil }' }]"#,
            r#"traceql: [{ none: '{ name = "pay" && .card.kind = "visa" }' }]"#,
            r#"traceql: [{ none: '{ name = "pay" && event:name = "exception" }' }]"#,
            r#"traceql: [{ none: '{ name = "root" } > { span.card.kind = "visa" }' }]"#,
            r#"traceql: [{ none: '{ span.card.kind = "visa" } | count() > 0' }]"#,
            r#"traceql: ['{ name = "pay" && span.card.kind = "visa" }']"#,
        ],
        &trace(),
    );
    all(
        Pass,
        &[
            r#"traceql: [{ none: '{ name = "other" && span.card.kind != nil }' }]"#,
            r#"traceql: [{ none: '{ resource.service.name = "b" }' }]"#,
            r#"traceql: [{ none: '{ resource.service.name = "b" && span.card.kind != nil }' }]"#,
            r#"traceql: [{ none: '{ name = "refund" && event:name = "exception" }' }]"#,
            r#"traceql: [{ none: '{ name = "pay" && kind = client }' }]"#,
        ],
        &trace(),
    );
}

#[test]
fn the_finding_on_a_query_says_all_that_was_dropped_of_the_span() {
    let judged = last(r#"traceql: [{ none: '{ name = "pay" && event:name = "exception" }' }]"#, &trace());
    let finding = &judged.findings[0];
    assert!(finding.message.contains("5 attributes, 3 events"), "{finding:#?}");
    assert!(finding.hint.as_ref().is_some_and(|hint| hint.contains("OTEL_SPAN_EVENT_COUNT_LIMIT")), "{finding:#?}");
    assert_eq!(finding.span_ids.iter().map(|id| id.get()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_span_to_come_may_still_be_the_one_that_is_missing() {
    let few = "spans: [{ select: { name: pay, attributes: { card.kind: visa } } }]";
    assert_eq!(super::sent::phases(few, &trace()), "OOII");
    let none = "spans: [{ select: { name: pay, attributes: { card.kind: visa } }, count: 0 }]";
    assert_eq!(super::sent::phases(none, &trace()), "OIII");
}

#[test]
fn what_may_be_among_the_dropped_lets_no_negation_hold() {
    let select = |query: &str, count: &str| format!("spans: [{{ select: '{query}', count: {count} }}]");
    for query in [
        "{ name = \"pay\" && span.k = nil }",
        "{ name = \"pay\" && !(span.k = 1) }",
        "{ name = \"pay\" && !(span.k != nil) }",
        "{ name = \"pay\" && event:name = \"retry\" && event.k = nil }",
        "{ name = \"pay\" && !(event:name = \"exception\") }",
        "{ name = \"pay\" && link.k = nil }",
        "{ span.k = 1 } !~ { name = \"other\" }",
        "{ span.k = 1 } &~ { name = \"other\" && !(kind = client) }",
        "{ span.k = 1 } !< { name = \"root\" }",
    ] {
        all(Inconclusive, &[&select(query, "1"), &select(query, "0")], &trace());
    }
    for query in [
        "{ name = \"pay\" && !(span.x = 2) }",
        "{ name = \"other\" && span.k = nil }",
        "{ span.x = 2 } !~ { name = \"other\" }",
        "{ name = \"pay\" && !(event:name = \"retry\" && kind = client) }",
        "{ name = \"pay\" && !(resource.k = 1) }",
    ] {
        all(Pass, &[&select(query, "1")], &trace());
        all(Fail, &[&select(query, "0")], &trace());
    }
    // What the trace has for certain is what it has, whatever else was dropped.
    all(Fail, &["spans: [{ select: '{ span.x = 2 }' }]", "traceql: ['{ span.x = 2 }']"], &trace());
    for query in ["{ name = \"pay\" && span.k = nil }", "{ span.k = 1 } !~ { name = \"other\" }"] {
        let none = format!("traceql: [{{ none: '{query}' }}]");
        all(Inconclusive, &[&none, &format!("traceql: ['{query}']")], &trace());
    }
}

#[test]
fn what_values_add_up_to_is_in_doubt_where_some_were_dropped() {
    let select = |query: &str, count: &str| format!("spans: [{{ select: '{query}', count: {count} }}]");
    for query in [
        "{ name = \"pay\" || name = \"other\" } | max(span.card.number) = 1",
        "{ name = \"pay\" || name = \"other\" } | sum(span.card.number) < 2",
        "{ name = \"pay\" || name = \"other\" } | by(span.card.number) | count() = 2",
        "({ span.card.number = 1 } | count() < 2) && ({ name = \"other\" } | count() = 1)",
        // The value is there; whether its span is one of them is not known.
        "{ name = \"other\" || span.card.kind = \"visa\" } | max(span.x) = 1",
    ] {
        all(Inconclusive, &[&select(query, "'>= 1'"), &select(query, "0")], &trace());
    }
    for query in [
        "{ name = \"pay\" || name = \"other\" } | max(span.card.number) >= 1",
        "{ name = \"pay\" || name = \"other\" } | count() = 2",
        "{ name = \"pay\" || name = \"other\" } | by(name) | count() = 1",
    ] {
        all(Pass, &[&select(query, "2")], &trace());
    }
}

#[test]
fn a_span_that_another_leaves_in_doubt_says_so() {
    let judged = last("spans: [{ select: '{ span.k = 1 } !~ { name = \"other\" }' }]", &trace());
    assert_eq!(
        judged.findings[0].message,
        "Cannot determine whether span `other` of a matches `{ span.k = 1 } !~ { name = \"other\" }`: that depends on another \
         span, of which the SDK dropped something."
    );
    let judged = last("traceql: ['{ span.k = 1 } !~ { name = \"other\" }']", &trace());
    assert!(judged.findings[0].message.ends_with("that depends on another span, of which the SDK dropped something."));
}

#[test]
fn an_attribute_that_the_resource_has_may_be_the_spans_own_unless_it_names_the_service() {
    let mut builder = TraceBuilder::new();
    let dropped = |id: u64| {
        span(id, "pay", json!({ "droppedAttributesCount": 1, "traceId": "000000000000000000000000000000a1" }))
    };
    let resource = attributes(json!({ "service.name": "a", "zone": "z" }));
    let text = json!({ "resourceSpans": [{ "resource": { "attributes": resource }, "scopeSpans": [{ "spans": [dropped(1)] }] }] });
    otlp_json::read(&text.to_string(), &mut builder).unwrap();
    let trace = builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown);
    all(
        Inconclusive,
        &["spans: [{ select: '{ .zone = \"z\" }' }]", "spans: [{ select: '{ .zone = \"y\" }', count: 0 }]"],
        &trace,
    );
    all(Pass, &["spans: [{ select: '{ .service.name = \"a\" && resource.zone = \"z\" }' }]"], &trace);
    all(Fail, &["spans: [{ select: '{ .service.name = \"b\" }' }]"], &trace);
}

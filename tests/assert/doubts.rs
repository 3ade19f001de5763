//! A value whose type alone keeps a selection from picking a span is neither there nor absent, wherever spans are counted.

use super::sent::{all, attributes, last, sent, span};
use serde_json::json;
use tracespec::assert::Verdict::{Fail, Inconclusive, Pass};
use tracespec::trace::Trace;

/// `q` has the text "503" as code, "true" as retry, an event and a link with that code, and failed.
fn trace() -> Trace {
    let code = attributes(json!({ "code": "503" }));
    sent(&[
        span(2, "p", json!({ "attributes": attributes(json!({ "retry": true, "code": "abc" })) })),
        span(
            3,
            "q",
            json!({
                "attributes": attributes(json!({ "code": "503", "retry": "true" })),
                "events": [{ "timeUnixNano": "1000011000000", "name": "e", "attributes": code }],
                "links": [{ "traceId": "000000000000000000000000000000a1", "spanId": "0000000000000002", "attributes": code }],
                "status": { "code": 2 },
            }),
        ),
    ])
}

#[test]
fn no_count_of_what_is_in_doubt_holds_by_its_being_none() {
    all(
        Inconclusive,
        &[
            "spans: [{ select: { attributes: { code: '>= 500' } }, count: 0 }]",
            "spans: [{ select: { name: root }, children: [{ select: { attributes: { code: '>= 500' } }, count: 0 }] }]",
            "spans: [{ select: { name: q }, events: [{ name: e, attributes: { code: '>= 500' }, count: 0 }] }]",
            "spans: [{ select: { name: q }, links: [{ attributes: { code: '>= 500' }, count: 0 }] }]",
            "spans: [{ select: { name: q }, links: [{ span: { attributes: { retry: 'true' } }, count: 0 }] }]",
            "spans: [{ select: { attributes: { code: '>= 500' } }, distinct: true, count: 0 }]",
        ],
        &trace(),
    );
    all(
        Pass,
        &[
            "spans: [{ select: { attributes: { code: '>= 600' } }, count: 0 }]",
            "spans: [{ select: { name: root }, children: [{ select: { attributes: { code: '>= 600' } }, count: 0 }] }]",
            "spans: [{ select: { name: q }, events: [{ name: e, attributes: { code: '>= 600' }, count: 0 }] }]",
            "spans: [{ select: { name: q }, links: [{ attributes: { code: '>= 600' }, count: 0 }] }]",
            "spans: [{ select: { attributes: { code: '>= 600' } }, distinct: true, count: 0 }]",
            "spans: [{ select: { attributes: { code: '>= 500' } }, count: 0..3 }]",
            "spans: [{ select: { attributes: { code: '>= 500' } }, distinct: true, count: 0..3 }]",
        ],
        &trace(),
    );
}

#[test]
fn what_every_picked_span_must_have_is_asked_of_those_in_doubt() {
    all(
        Inconclusive,
        &[
            "spans: [{ select: { attributes: { retry: true } }, status: unset }]",
            "spans: [{ select: { name: root } }, { select: { attributes: { code: '>= 500' } }, optional: true, status: unset }]",
            "spans: [{ select: { name: root } }, { select: { attributes: { code: '>= 500' } }, optional: true, match: any, status: unset }]",
            "spans: [{ select: { attributes: { code: '>= 500' } }, count: 0..3, status: unset }]",
            "spans: [{ select: { attributes: { retry: true } }, distinct: true, status: unset }]",
        ],
        &trace(),
    );
    all(
        Pass,
        &[
            "spans: [{ select: { attributes: { retry: true } }, kind: internal }]",
            "spans: [{ select: { attributes: { retry: true } }, match: any, status: unset }]",
            "spans: [{ select: { name: root } }, { select: { attributes: { code: '>= 500' } }, optional: true, status: error }]",
            "spans: [{ select: { name: root } }, { select: { attributes: { code: '>= 500' } }, optional: true, match: any, status: error }]",
            "spans: [{ select: { attributes: { retry: true } }, distinct: true, count: '>= 1', kind: internal }]",
        ],
        &trace(),
    );
    all(Fail, &["spans: [{ select: { attributes: { retry: true } }, status: ok }]"], &trace());
}

#[test]
fn too_few_for_their_type_are_too_few_and_the_type_is_said() {
    let judged = last("spans: [{ select: { name: q, attributes: { code: '>= 500' } } }]", &trace());
    assert_eq!(judged.verdict, Fail);
    assert!(judged.findings[0].hint.as_ref().is_some_and(|hint| hint.contains("a string")), "{judged:#?}");
    all(
        Fail,
        &[
            "spans: [{ select: { name: root }, children: [{ select: { attributes: { code: '>= 500' } } }] }]",
            "spans: [{ select: { name: q }, events: [{ name: e, attributes: { code: '>= 500' } }] }]",
        ],
        &trace(),
    );
}

#[test]
fn orders_and_structures_reckon_with_those_in_doubt() {
    let spans = |second: &str| {
        let code = |value: serde_json::Value| attributes(json!({ "code": value }));
        let at = |start: u64, end: u64, code| {
            let ns = |at: u64| (1_000_000_000_000 + at * 1_000_000).to_string();
            json!({ "startTimeUnixNano": ns(start), "endTimeUnixNano": ns(end), "attributes": code })
        };
        sent(&[
            span(2, "pay", at(10, 20, code(json!(503)))),
            span(3, "pay", at(40, 50, code(json!(second)))),
            span(4, "book", at(30, 35, json!([]))),
        ])
    };
    let order = |then: &str| {
        format!(
            "spans: [{{ select: {{ name: pay, attributes: {{ code: '>= 500' }} }}, as: a }}, {{ select: {{ name: book }}, as: b }}]\norder: [{then}]"
        )
    };
    // The second one ends after the booking begins; whether it is meant, its type leaves open.
    assert_eq!(last(&order("a -> b"), &spans("503")).verdict, Inconclusive);
    assert_eq!(last(&order("a -> b"), &spans("200")).verdict, Pass);
    assert_eq!(last(&order("b -> a"), &spans("503")).verdict, Fail);
    let tree = |count: &str| {
        format!(
            "structure: {{ tree: {{ select: {{ name: root }}, children: [{{ select: {{ attributes: {{ code: '>= 500' }} }}, count: {count} }}] }} }}"
        )
    };
    assert_eq!(last(&tree("1"), &spans("503")).verdict, Inconclusive);
    assert_eq!(last(&tree("1"), &spans("200")).verdict, Pass);
    assert_eq!(last(&tree("1.."), &spans("503")).verdict, Pass);
    // Where more are asked for, the finding says what is wrong with the value.
    assert_eq!(last(&tree("2.."), &spans("503")).verdict, Fail);
}

#[test]
fn an_exact_structure_passes_beside_no_stray_and_none_in_doubt() {
    let x = || json!({ "attributes": attributes(json!({ "x": 1 })) });
    let child = |id: u64, name: &str, parent: u64| span(id, name, json!({ "parentSpanId": format!("{parent:016x}") }));
    let spec = "structure: { mode: exact, tree: { select: { attributes: { x: 1 } }, count: '>= 1', children: [{ select: { name: k, attributes: { y: absent } } }] } }";
    let fits = || vec![span(2, "one", x()), child(3, "k", 2)];
    let stray = || vec![span(4, "two", x()), child(5, "k", 4), child(6, "odd", 4)];
    let dropped = |id: u64, name: &str, parent: u64| {
        span(id, name, json!({ "parentSpanId": format!("{parent:016x}"), "droppedAttributesCount": 2 }))
    };
    let judged = |spans: Vec<serde_json::Value>| last(spec, &sent(&spans)).verdict;
    assert_eq!(judged(fits()), Pass);
    assert_eq!(judged([fits(), stray()].concat()), Fail);
    // Nor does one more of which it is not known whether it is selected at all make up for it.
    assert_eq!(judged([fits(), stray(), vec![dropped(7, "three", 1), child(8, "k", 7)]].concat()), Fail);
    // Whether the child has `y` is not known.
    assert_eq!(judged([fits(), vec![span(4, "two", x()), dropped(5, "k", 4)]].concat()), Inconclusive);
}

#[test]
fn an_order_of_distinct_entries_reckons_with_what_they_might_have() {
    let at = |start: u64, end: u64| {
        let ns = |at: u64| (1_000_000_000_000 + at * 1_000_000).to_string();
        json!({ "startTimeUnixNano": ns(start), "endTimeUnixNano": ns(end) })
    };
    let with = |times: serde_json::Value, more: serde_json::Value| {
        let mut all = times;
        more.as_object().unwrap().iter().for_each(|(key, value)| all[key] = value.clone());
        all
    };
    let trace = |second: serde_json::Value| {
        sent(&[
            span(2, "x", with(at(10, 20), json!({ "attributes": attributes(json!({ "k": "v" })) }))),
            span(3, "x", with(at(40, 50), second)),
            span(4, "b", at(30, 35)),
        ])
    };
    let spec = "spans:\n  - { select: { name: x }, as: a, distinct: true, match: any, attributes: { k: v } }\n  - { select: { name: b }, as: b }\norder: [a -> b]";
    assert_eq!(last(spec, &trace(json!({ "droppedAttributesCount": 2 }))).verdict, Inconclusive);
    assert_eq!(last(spec, &trace(json!({}))).verdict, Pass);
}

#[test]
fn a_failure_that_may_be_allowed_is_not_certain_to_be_one_too_many() {
    let failed = |more: serde_json::Value| {
        let mut all = json!({ "status": { "code": 2 } });
        more.as_object().unwrap().iter().for_each(|(key, value)| all[key] = value.clone());
        sent(&[span(2, "x", all)])
    };
    let spec = "errors: { allow: [{ attributes: { x: 1 } }] }";
    assert_eq!(last(spec, &failed(json!({ "droppedAttributesCount": 3 }))).verdict, Inconclusive);
    assert_eq!(last(spec, &failed(json!({}))).verdict, Fail);
    assert_eq!(last(spec, &failed(json!({ "attributes": attributes(json!({ "x": 1 })) }))).verdict, Pass);
    assert_eq!(last("errors: { count: 0..1 }", &failed(json!({ "droppedAttributesCount": 3 }))).verdict, Pass);
}

#[test]
fn a_selection_by_traceql_doubts_types_as_a_mapping_does() {
    let select = |query: &str, count: &str| format!("spans: [{{ select: '{query}', count: {count} }}]");
    for query in [
        "{ span.code >= 500 }",
        "{ .code >= 500 }",
        "{ span.code + 1 > 500 }",
        "{ span.retry = true && name = \"q\" }",
        "{ span.retry && name = \"q\" }",
        "{ span.retry = \"true\" && name = \"p\" }",
        "{ span.retry =~ \"t.*\" && name = \"p\" }",
        "{ event.code >= 500 }",
        "{ link.code = 503 && event:name = \"e\" }",
        "{ !(!(span.code >= 500)) }",
        "{ name = \"root\" } >> { span.code >= 500 }",
        "{ span.code >= 500 } | count() > 0",
    ] {
        all(Inconclusive, &[&select(query, "0")], &trace());
        all(Pass, &[&select(query, "0..1")], &trace());
    }
    for query in [
        "{ span.code >= 600 }",
        "{ span.code >= 500 && name = \"p\" }",
        "{ span.code = \"x\" }",
        "{ span.retry =~ \"f.*\" }",
        "{ event.code >= 600 }",
        "{ span.code = nil && name = \"q\" }",
        "{ name = \"q\" } >> { span.code >= 500 }",
        // Text that may be a boolean is true, or neither true nor false.
        "{ !span.retry }",
        "{ !span.code }",
    ] {
        all(Pass, &[&select(query, "0")], &trace());
    }
}

#[test]
fn a_query_that_only_a_type_keeps_from_matching_says_so_and_is_tempos() {
    let remarks = |query: &str| {
        let spec = format!("traceql: [{{ none: '{query}' }}]");
        let judged = last(&spec, &trace());
        assert_eq!(judged.verdict, Pass, "{query}");
        judged.remarks
    };
    let remark = "Only the type of a value keeps span `q` of a from matching `{ span.code >= 500 }`: `span.code` is \
                  a string, compared with a number. As in Tempo, such a comparison does not hold.";
    assert_eq!(remarks("{ span.code >= 500 }"), [remark]);
    for (query, why) in [
        ("{ .retry = true && name = \"q\" }", "`.retry` is a string, compared with a boolean"),
        ("{ event.code = 503 }", "`event.code` is a string, compared with a number"),
        ("{ link.code = 503 && event:name = \"e\" }", "`link.code` is a string, compared with a number"),
        ("{ span.retry = \"true\" && name = \"p\" }", "`span.retry` is a boolean, compared with a string"),
        ("{ span.retry =~ \"t.*\" && name = \"p\" }", "`span.retry` is a boolean, compared with a pattern"),
        ("{ span.code > 500 && span.retry = true }", "is a string, compared with a number; `span.retry` is a string"),
    ] {
        let remarks = remarks(query);
        assert!(
            remarks.iter().any(|remark| remark.starts_with("Only the type") && remark.contains(why)),
            "{remarks:?}"
        );
    }
    for query in ["{ span.code >= 600 }", "{ span.code = 7 }", "{ event.code = \"504\" }"] {
        assert!(!remarks(query).iter().any(|remark| remark.starts_with("Only the type")), "{query}");
    }
}

#[test]
fn what_only_a_type_lets_a_negation_pick_is_in_doubt_as_what_only_a_type_keeps_out() {
    let select = |query: &str, count: &str| format!("spans: [{{ select: '{query}', count: {count} }}]");
    for query in [
        "{ !(span.code >= 500) && name = \"q\" }",
        "{ !(span.code = 1 || span.code >= 500) && name = \"q\" }",
        "{ !(.retry = true) && name = \"q\" }",
        "{ !(event.code >= 500) && name = \"q\" }",
        "{ !(span.code >= 500 && span.retry = true) && name = \"q\" }",
        "{ span.code >= 500 } !~ { name = \"p\" }",
        "{ span.retry = true && name = \"q\" } !~ { name = \"p\" }",
        "{ (span.code + 1 = 504) = false && name = \"q\" }",
    ] {
        all(Inconclusive, &[&select(query, "1"), &select(query, "0")], &trace());
        all(Pass, &[&select(query, "0..1")], &trace());
    }
    for query in [
        "{ !(span.code >= 600) && name = \"q\" }",
        "{ !(span.code = \"x\") && name = \"q\" }",
        "{ !(span.code = nil) && name = \"q\" }",
        "{ !(span.code >= 500) && name = \"p\" }",
        "{ span.code >= 600 } !~ { name = \"p\" }",
    ] {
        all(Pass, &[&select(query, "1")], &trace());
        all(Fail, &[&select(query, "0")], &trace());
    }
}

#[test]
fn what_values_add_up_to_is_in_doubt_where_only_their_types_keep_some_out() {
    let trace = sent(&[
        span(2, "n", json!({ "attributes": attributes(json!({ "x": 2, "k": "1" })) })),
        span(3, "n", json!({ "attributes": attributes(json!({ "x": "5", "k": 1 })) })),
    ]);
    let select = |query: &str, count: &str| format!("spans: [{{ select: '{query}', count: {count} }}]");
    // As types are told it matches.
    for query in [
        "{ name = \"n\" } | sum(span.x) < 3",
        "{ name = \"n\" } | avg(span.x) = 2",
        "{ name = \"n\" } | by(span.k) | count() = 1",
    ] {
        all(Inconclusive, &[&select(query, "2"), &select(query, "0")], &trace);
        all(Pass, &[&select(query, "0..2")], &trace);
    }
    for query in [
        "{ name = \"n\" } | sum(span.x) > 3",
        "{ name = \"n\" } | max(span.x) = 5",
        "{ name = \"n\" } | by(span.k) | count() = 2",
    ] {
        all(Inconclusive, &[&select(query, "0")], &trace);
        all(Pass, &[&select(query, "0..2")], &trace);
        all(Fail, &[&select(query, "2")], &trace);
    }
    for query in [
        "{ name = \"n\" } | sum(span.x) >= 2",
        "{ name = \"n\" } | min(span.x) = 2",
        "{ name = \"n\" } | max(span.x) < 6",
        "{ name = \"n\" } | by(span.k) | count() > 0",
        "{ name = \"n\" } | by(name) | count() = 2",
    ] {
        all(Pass, &[&select(query, "2")], &trace);
        all(Fail, &[&select(query, "0")], &trace);
    }
}

#[test]
fn a_query_that_only_a_type_lets_match_says_so_and_is_tempos() {
    let judged = last("traceql: ['{ !(span.code >= 500) && name = \"q\" }']", &trace());
    assert_eq!(judged.verdict, Pass);
    let remark = "Only the type of a value lets span `q` of a match `{ !(span.code >= 500) && name = \"q\" }`: `span.code` \
                  is a string, compared with a number. As in Tempo, such a comparison does not hold.";
    assert_eq!(judged.remarks, [remark]);
    assert!(last("traceql: ['{ !(span.code >= 600) && name = \"q\" }']", &trace()).remarks.is_empty());
}

#[test]
fn an_array_whose_elements_have_another_type_is_neither_there_nor_absent() {
    let array = json!([{ "key": "codes", "value": { "arrayValue": { "values": [{ "stringValue": "503" }] } } }]);
    let trace = sent(&[span(2, "p", json!({ "attributes": array }))]);
    let select = |what: &str, count: &str| format!("spans: [{{ select: {what}, count: {count} }}]");
    for what in
        ["{ attributes: { codes: { contains: 503 } } }", "{ attributes: { codes: [503] } }", "'{ span.codes >= 500 }'"]
    {
        all(Inconclusive, &[&select(what, "0")], &trace);
        all(Fail, &[&select(what, "1")], &trace);
    }
    all(Pass, &[&select("{ attributes: { codes: { contains: 504 } } }", "0")], &trace);
    all(Pass, &[&select("'{ span.codes >= 600 }'", "0"), &select("'{ span.codes = \"503\" }'", "1")], &trace);
}

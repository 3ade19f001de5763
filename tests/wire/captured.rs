//! The captured answers, from the copies in this repository.

use super::canon::{Canon, Loss, assert_same, canon, read};
use tracespec::trace::{Note, Trace};

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/captured/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const CONFIRMED: &str = "5b8efff798038103d269b633813fc60c";
const DECLINED: &str = "5b8efff798038103d269b633813fc60d";

fn sent(id: &str) -> Trace {
    let requests: Vec<Vec<u8>> = (0..4).map(|at| bytes(&format!("shop/otlp_export_request_{at}.pb"))).collect();
    read(&requests, id)
}

const JAEGER_LEGACY: &[Loss] = &[Loss::Microseconds, Loss::Flags];
const JAEGER_176: &[Loss] = &[Loss::Flags];
const VICTORIA: &[Loss] = &[Loss::Microseconds, Loss::Flags, Loss::Types];

/// The same order from every server, with what each format loses of it.
const SHOP: &[(&str, &str, &[Loss])] = &[
    ("shop/jaeger_legacy_ok.json", CONFIRMED, JAEGER_LEGACY),
    ("shop/jaeger_legacy_declined.json", DECLINED, JAEGER_LEGACY),
    ("shop/jaeger_legacy_adjusted_ok.json", CONFIRMED, JAEGER_LEGACY),
    ("shop/jaeger_legacy_adjusted_declined.json", DECLINED, JAEGER_LEGACY),
    ("shop/jaeger_v3_ok.json", CONFIRMED, &[]),
    ("shop/jaeger_v3_declined.json", DECLINED, &[]),
    ("shop/jaeger_grpc_v3_ok.pb", CONFIRMED, &[]),
    ("shop/jaeger_grpc_v3_declined.pb", DECLINED, &[]),
    ("shop/jaeger176_v3_ok.json", CONFIRMED, JAEGER_176),
    ("shop/tempo_v1_ok.json", CONFIRMED, &[]),
    ("shop/tempo_v1_declined.json", DECLINED, &[]),
    ("shop/tempo_v1_ok.pb", CONFIRMED, &[]),
    ("shop/tempo_v1_declined.pb", DECLINED, &[]),
    ("shop/tempo_v2_ok.json", CONFIRMED, &[]),
    ("shop/tempo_v2_declined.json", DECLINED, &[]),
    ("shop/tempo_v2_ok.pb", CONFIRMED, &[]),
    ("shop/tempo_v2_declined.pb", DECLINED, &[]),
    ("shop/victoriatraces_jaeger_ok.json", CONFIRMED, VICTORIA),
    ("shop/victoriatraces_jaeger_declined.json", DECLINED, VICTORIA),
];

#[test]
fn the_shops_orders_are_the_same_model_from_every_server() {
    for (file, id, losses) in SHOP {
        assert_same(file, &canon(&sent(id)), &canon(&read(&[bytes(file)], id)), losses);
    }
}

const HOSTILE: &str = "3b7ad297872035d72ac3426b39ba5ee5";
const FINITE: &str = "3b7ad297872035d72ac3426b39ba5ee6";
const OLD_JAEGER: &[Loss] = &[Loss::Microseconds, Loss::Flags, Loss::ScopeAttributes, Loss::LinkFacts, Loss::Nested];

const ODD: &[(&str, &str, &[Loss])] = &[
    ("tempo_v1_live.json", HOSTILE, &[Loss::LongText]),
    ("tempo_v2_live.json", HOSTILE, &[Loss::LongText]),
    ("tempo_v1_after_wal_flush.json", HOSTILE, &[Loss::LongText, Loss::Flags]),
    ("jaeger_v3.json", HOSTILE, &[Loss::NotAfterStart]),
    ("jaeger_v3_adjusted.json", HOSTILE, &[Loss::NotAfterStart]),
    ("jaeger_grpc_v3.pb", HOSTILE, &[Loss::NotAfterStart]),
    ("jaeger176_v3.json", HOSTILE, OLD_JAEGER),
    ("jaeger_legacy_finite.json", FINITE, OLD_JAEGER),
    ("jaeger_legacy_adjusted_finite.json", FINITE, OLD_JAEGER),
];

#[test]
fn the_hostile_trace_is_the_same_model_from_every_server() {
    let all = canon(&read(&[bytes("otlp_request.json")], HOSTILE));
    let finite = canon(&read(&[bytes("otlp_request_finite.json")], FINITE));
    for (file, id, losses) in ODD {
        let sent: &Canon = if *id == HOSTILE { &all } else { &finite };
        assert_same(file, sent, &canon(&read(&[bytes(file)], id)), losses);
    }
}

#[test]
fn victoriatraces_tells_the_hostile_trace_as_text_and_without_its_negative_span() {
    const LOSSES: &[Loss] = &[
        Loss::Microseconds,
        Loss::Flags,
        Loss::LinkFacts,
        Loss::FlatMaps,
        Loss::Nested,
        Loss::Types,
        Loss::NaN,
        Loss::Dash,
        Loss::NegativeSpans,
    ];
    // It was sent another time, with another trace id and other times.
    const LATER_BY: u64 = 1_795_247_597_211_923_000 - 1_795_247_387_113_342_000;
    let mut sent = canon(&read(&[bytes("otlp_request.json")], HOSTILE));
    let id = "930c70051d118785716ba7629921acbd";
    for span in sent.values_mut() {
        id.clone_into(&mut span.trace_id);
        span.start += LATER_BY;
        span.end += LATER_BY;
        span.events.iter_mut().for_each(|event| event.0 += LATER_BY);
    }
    let told = read(&[bytes("victoriatraces_jaeger.json")], id);
    assert!(told.untyped());
    assert_same("VictoriaTraces", &sent, &canon(&told), LOSSES);
}

/// One line for each span in the order of their starts: caller > service, name, kind, status, status message.
fn lines(trace: &Trace) -> Vec<String> {
    trace
        .spans()
        .map(|span| {
            let caller = span.parent().map_or("-", |parent| parent.service());
            let (name, kind, status) = (span.name(), span.kind().word(), span.status().word());
            format!("{caller} > {}: {name}, {kind}, {status} {}", span.service(), span.status_message())
                .trim_end()
                .to_owned()
        })
        .collect()
}

#[test]
fn the_confirmed_order_has_these_sixteen_spans() {
    let trace = sent(CONFIRMED);
    let expected = [
        "- > api-gateway: POST /orders, server, unset",
        "api-gateway > api-gateway: POST, client, unset",
        "api-gateway > order-service: POST /orders, server, unset",
        "order-service > order-service: process_order, internal, unset",
        "order-service > order-service: validate_order, internal, unset",
        "order-service > order-service: charge_payment, internal, unset",
        "order-service > order-service: POST, client, unset",
        "order-service > payment-service: POST /charge, server, unset",
        "payment-service > payment-service: authorize, internal, unset",
        "order-service > order-service: reserve_inventory, internal, unset",
        "order-service > order-service: POST, client, unset",
        "order-service > inventory-service: POST /reserve, server, unset",
        "inventory-service > inventory-service: SELECT stock, internal, unset",
        "order-service > order-service: POST, client, unset",
        "order-service > inventory-service: POST /reserve, server, unset",
        "inventory-service > inventory-service: SELECT stock, internal, unset",
    ];
    assert_eq!(lines(&trace), expected);
    let root = trace.spans().next().unwrap();
    assert_eq!(trace.tree().roots(), [root.ix()]);
    assert_eq!(root.id().to_string(), "1943009388ce8c92");
    assert_eq!(root.parent_id().unwrap().to_string(), "00f067aa0ba902b7");
    assert!(trace.spans().all(|span| span.events().is_empty() && span.links().is_empty()));
    // The requests hold both orders.
    assert_eq!(trace.notes(), [Note::ForeignSpans { spans: 9 }]);
}

#[test]
fn the_declined_order_has_these_nine_spans_and_one_exception() {
    let trace = sent(DECLINED);
    let expected = [
        "- > api-gateway: POST /orders, server, unset",
        "api-gateway > api-gateway: POST, client, error",
        "api-gateway > order-service: POST /orders, server, unset",
        "order-service > order-service: process_order, internal, error payment declined",
        "order-service > order-service: validate_order, internal, unset",
        "order-service > order-service: charge_payment, internal, unset",
        "order-service > order-service: POST, client, error",
        "order-service > payment-service: POST /charge, server, unset",
        "payment-service > payment-service: authorize, internal, error card declined",
    ];
    assert_eq!(lines(&trace), expected);
    let authorize = trace.spans().last().unwrap();
    assert_eq!(authorize.scope().name, trace.symbols().get("payment-service").unwrap());
    let event = &authorize.events()[0];
    assert_eq!(trace.text(event.name), "exception");
    let keys: Vec<&str> = event.attributes.iter().map(|(key, _)| trace.text(*key)).collect();
    assert_eq!(keys, ["exception.escaped", "exception.message", "exception.stacktrace", "exception.type"]);
    assert_eq!(trace.spans().map(|span| span.events().len()).sum::<usize>(), 1);
}

#[test]
fn the_hostile_trace_keeps_types_events_links_flags_and_dropped_counts() {
    use super::canon::Fact;
    let trace = read(&[bytes("otlp_request.json")], HOSTILE);
    let expected = [
        "- > front: GET /, server, error boom",
        "front > front: POST, client, ok",
        "front > front: zero, internal, unset",
        "- > front: neg-orphan, unspecified, unset",
        "front > back: POST /x, server, unset",
    ];
    assert_eq!(lines(&trace), expected);
    let span = trace.spans().next().unwrap();
    let value = |key: &str| super::canon::fact(&trace, span.attribute(key).unwrap());
    let text = |text: &str| Fact::Str(text.to_owned());
    assert_eq!(value("s"), text("x"));
    assert_eq!(value("empty_s"), text(""));
    assert_eq!(value("b"), Fact::Bool(false));
    assert_eq!(value("i"), Fact::Int(i64::MAX));
    assert_eq!(value("i_num"), Fact::Int(42));
    assert_eq!(value("d_int"), Fact::Double("1.0".to_owned()));
    assert_eq!(value("d"), Fact::Double("0.1".to_owned()));
    assert_eq!(value("nan"), Fact::Double("NaN".to_owned()));
    assert_eq!(value("bytes"), Fact::Bytes(vec![0, 1, 2, 255]));
    assert_eq!(value("arr"), Fact::Array(vec![text("a"), text("b")]));
    assert_eq!(value("arr_mixed"), Fact::Array(vec![text("a"), Fact::Int(1)]));
    assert_eq!(value("arr_empty"), Fact::Array(vec![]));
    assert_eq!(value("kv"), Fact::Map([("k".to_owned(), Fact::Int(1))].into()));
    assert_eq!(value("nil"), Fact::Empty);
    assert!(matches!(value("long"), Fact::Str(long) if long.len() == 3000));
    assert_eq!((span.flags(), span.trace_state()), (Some(769), "a=b"));
    let events: Vec<(u64, &str)> = span.events().iter().map(|at| (at.time_ns % 1000, trace.text(at.name))).collect();
    assert_eq!(events, [(247, "zeta"), (251, "alpha")]);
    let link = &span.links()[0];
    assert_eq!((link.trace_id.get(), link.span_id.get()), (u128::MAX, 0xeeee_eeee_eeee_eeee));
    assert_eq!(trace.text(link.trace_state), "c=d");
    let notes: Vec<String> = trace.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "span 00000000000000a4 ends before it starts; its duration is not known",
            "the SDK dropped 7 attributes, events or links of span 00000000000000a1 over its limits",
        ]
    );
}

#[test]
fn jaegers_warnings_become_remarks_and_no_attribute() {
    for file in ["jaeger_v3_adjusted.json", "jaeger_legacy_adjusted_finite.json"] {
        let id = if file.contains("v3") { HOSTILE } else { FINITE };
        let trace = read(&[bytes(file)], id);
        let remarks: Vec<String> = trace.notes().iter().map(ToString::to_string).collect();
        let has = |start: &str| remarks.iter().filter(|at| at.starts_with(start)).count();
        assert_eq!(has("the backend says: Negative duration detected"), 2, "{file}: {remarks:?}");
        assert_eq!(has("the backend says: parent span ID=00000000000000ff is not in the trace"), 1, "{file}");
        assert!(trace.spans().all(|span| span.attribute("@jaeger@warnings").is_none()));
    }
}

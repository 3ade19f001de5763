//! Records of one span that contradict each other: nobody knows which is right, so what rests on one of them is not decided.

use super::told::{judged, one};
use tracespec::assert::Verdict;
use tracespec::trace::{Injected, Phase, Trace, TraceBuilder, TraceId};
use tracespec::wire::otlp_json;

const ID: &str = "000000000000000000000000000000a1";

/// A root `front` and these records of one span below it, each with the fields it has beside ids and times.
fn trace(records: &[serde_json::Value]) -> Trace {
    let resource = |service: &str, mut span: serde_json::Value| {
        let own = serde_json::json!({ "traceId": ID, "startTimeUnixNano": "20", "endTimeUnixNano": "80" });
        for (key, value) in own.as_object().unwrap() {
            span.as_object_mut().unwrap().entry(key).or_insert(value.clone());
        }
        serde_json::json!({
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
            "scopeSpans": [{ "spans": [span] }],
        })
    };
    let root = serde_json::json!({ "spanId": "1", "name": "GET /", "kind": 2 });
    let mut all = vec![resource("front", root)];
    for record in records {
        let mut span = serde_json::json!({ "spanId": "7", "parentSpanId": "1", "name": "work", "kind": 1 });
        span.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
        all.push(resource("shop", span));
    }
    let mut builder = TraceBuilder::new();
    otlp_json::read(&serde_json::json!({ "resourceSpans": all }).to_string(), &mut builder).unwrap();
    builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown)
}

fn attribute(key: &str, value: i64) -> serde_json::Value {
    serde_json::json!({ "attributes": [{ "key": key, "value": { "intValue": value.to_string() } }] })
}

#[test]
fn what_only_one_version_shows_is_neither_there_nor_absent_and_what_all_show_is_decided() {
    use Verdict::{Fail, Inconclusive, Pass};
    let named = |name: &str| serde_json::json!({ "name": name });
    let status = |code: u32| serde_json::json!({ "status": { "code": code } });
    let below = |parent: &str| serde_json::json!({ "parentSpanId": parent });
    let until = |end: &str| serde_json::json!({ "endTimeUnixNano": end });
    let cases = [
        (named("evil"), named("good"), "spans: [{ select: { name: evil }, count: 0 }]", Inconclusive),
        (named("evil"), named("good"), "spans: [{ select: { name: good } }]", Inconclusive),
        (named("evil"), named("good"), "spans: [{ select: { service: shop } }]", Pass),
        (named("evil"), named("good"), "spans: [{ select: { kind: internal }, count: 1 }]", Pass),
        (named("evil"), named("good"), "spans: [{ select: { name: bad } }]", Fail),
        (status(1), status(2), "errors: none", Inconclusive),
        (status(0), status(2), "errors: none", Fail),
        (
            attribute("x", 1),
            attribute("x", 2),
            "spans: [{ select: { name: work }, attributes: { x: 1 } }]",
            Inconclusive,
        ),
        (
            attribute("x", 1),
            attribute("x", 2),
            "spans: [{ select: { name: work }, attributes: { x: 2 } }]",
            Inconclusive,
        ),
        (attribute("x", 1), attribute("x", 2), "spans: [{ select: { name: work }, attributes: { x: '< 3' } }]", Pass),
        (attribute("x", 1), attribute("x", 2), "spans: [{ select: { name: work }, attributes: { x: 3 } }]", Fail),
        (attribute("x", 1), attribute("x", 2), "traceql: ['{ span.x = 2 }']", Inconclusive),
        (attribute("x", 1), attribute("y", 2), "spans: [{ select: { name: work }, attributes: { x: 1, y: 2 } }]", Pass),
        (below("1"), below("9"), "calls: { forbid: [front -> shop] }", Inconclusive),
        (below("1"), below("9"), "propagation: intact", Inconclusive),
        (until("80"), until("90"), "spans: [{ select: { name: work }, duration: '<= 60ns' }]", Inconclusive),
        (until("80"), until("90"), "spans: [{ select: { name: work }, duration: '< 80ns' }]", Pass),
        (until("80"), until("90"), "errors: none", Pass),
    ];
    for (first, second, spec, expected) in cases {
        for records in [[&first, &second], [&second, &first]] {
            let records: Vec<_> = records.into_iter().cloned().collect();
            let judged = one(spec, &trace(&records));
            assert_eq!(judged.verdict, expected, "{spec} with {records:?}: {judged:#?}");
            if expected == Inconclusive {
                let hint = judged.findings[0].hint.as_deref().unwrap_or_default();
                assert!(hint.contains("versions that contradict each other"), "{spec}: {judged:#?}");
                assert!(judged.findings.iter().all(|finding| finding.verdict == Inconclusive));
            }
        }
    }
}

#[test]
fn nothing_is_decided_early_that_another_version_leaves_open() {
    let records = [serde_json::json!({ "name": "evil" }), serde_json::json!({ "name": "good" })];
    let growing = judged("spans: [{ select: { name: good } }]", &trace(&records), Phase::Growing);
    assert_eq!(growing[0].verdict, Verdict::Open);
}

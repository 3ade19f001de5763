//! What was lost on its way: then nothing is absent for certain.

use super::told::one;
use tracespec::assert::Verdict;
use tracespec::trace::{Injected, Trace, TraceBuilder, TraceId};
use tracespec::wire::otlp_json;

const ID: &str = "000000000000000000000000000000a1";

const ROOT: &str = "0000000000000001";

/// Spans by service, id and times; a root `front` 1 [0,100] is there always.
fn trace(spans: &[(&str, &str, u64, u64)]) -> Trace {
    below(&spans.iter().map(|&(service, id, start, end)| (service, id, ROOT, start, end)).collect::<Vec<_>>())
}

/// The same with each span's parent.
fn below(spans: &[(&str, &str, &str, u64, u64)]) -> Trace {
    let resource = |&(service, id, parent, start, end): &(&str, &str, &str, u64, u64)| {
        serde_json::json!({
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
            "scopeSpans": [{ "spans": [{
                "traceId": ID, "spanId": id, "parentSpanId": parent, "name": format!("work of {service}"), "kind": 1,
                "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
            }] }],
        })
    };
    let root = ("front", ROOT, "", 1, 100);
    let all: Vec<_> = std::iter::once(&root).chain(spans).map(resource).collect();
    let mut builder = TraceBuilder::new();
    otlp_json::read(&serde_json::json!({ "resourceSpans": all }).to_string(), &mut builder).unwrap();
    builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown)
}

fn verdict(spec: &str, trace: &Trace) -> Verdict {
    one(spec, trace).verdict
}

#[test]
fn of_two_spans_under_one_id_one_is_lost_and_nothing_is_absent_for_certain() {
    let two = trace(&[("shop", "0000000000000007", 20, 80), ("legacy", "0000000000000007", 30, 60)]);
    for absence in [
        "services: { none: [legacy] }",
        "errors: none",
        "spans: [{ select: { name: work of legacy }, count: 0 }]",
        "critical_path: { select: { service: front }, share: '> 1%' }",
        "gaps: { max: < 1s }",
    ] {
        let judged = one(absence, &two);
        assert_eq!(judged.verdict, Verdict::Inconclusive, "{absence}");
        assert!(judged.findings[0].message.contains("two different spans use the id"), "{judged:#?}");
    }
    assert_eq!(verdict("span_count: < 2", &two), Verdict::Fail);
    let told_twice = trace(&[("shop", "0000000000000007", 20, 80), ("shop", "0000000000000007", 20, 90)]);
    assert_eq!(verdict("errors: none", &told_twice), Verdict::Pass);
}

#[test]
fn what_two_spans_under_one_id_disagree_on_is_neither_there_nor_absent() {
    use Verdict::{Fail, Inconclusive, Pass};
    let two = [("shop", "0000000000000007", 20, 80), ("legacy", "0000000000000007", 30, 60)];
    for spans in [two, [two[1], two[0]]] {
        let trace = trace(&spans);
        for service in ["shop", "legacy"] {
            for (spec, right) in [
                (format!("services: [{service}]"), Inconclusive),
                (format!("services: {{ none: [{service}] }}"), Inconclusive),
                (format!("spans: [{{ select: {{ name: work of {service} }}, count: 0 }}]"), Inconclusive),
                (format!("spans: [{{ select: {{ service: {service} }}, duration: '> 1h' }}]"), Inconclusive),
            ] {
                let judged = one(&spec, &trace);
                assert_eq!(judged.verdict, right, "{spec}");
                let said = format!("{:?}", judged.findings);
                assert!(said.contains("two different spans use the id"), "{spec}: {said}");
            }
        }
        // On this they agree.
        assert_eq!(verdict("spans: [{ select: { name: '~ work of (shop|legacy)' } }]", &trace), Pass);
        assert_eq!(verdict("spans: [{ select: { name: '~ work of (shop|legacy)' }, count: 0 }]", &trace), Fail);
        assert_eq!(verdict("services: [front]", &trace), Pass);
    }
}

#[test]
fn the_other_span_of_an_id_outlives_a_second_reading_and_a_saved_trace() {
    let both = trace(&[("shop", "0000000000000007", 20, 80), ("legacy", "0000000000000007", 30, 60)]);
    let one = trace(&[("shop", "0000000000000007", 20, 80)]);
    let joined = |a, b| tracespec::trace::merge(a, b, &Injected::Unknown);
    let mut builder = TraceBuilder::new();
    otlp_json::read(&tracespec::wire::write::otlp_json(&both), &mut builder).unwrap();
    let saved = builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown);
    for trace in [joined(&both, &one), joined(&one, &both), joined(&both, &both), saved] {
        for service in ["shop", "legacy"] {
            assert_eq!(verdict(&format!("services: [{service}]"), &trace), Verdict::Inconclusive, "{service}");
        }
        assert_eq!(trace.len(), 2);
    }
}

#[test]
fn a_record_that_can_still_be_completed_decides_nothing_for_good() {
    use Verdict::{Fail, Open, Pass};
    let (open, ended) = (trace(&[("shop", "0000000000000007", 20, 0)]), trace(&[("shop", "0000000000000007", 20, 80)]));
    for (spec, early) in [
        ("spans: [{ select: { service: shop }, attributes: { stage: done } }]", Fail),
        ("spans: [{ select: { service: shop }, match: any, attributes: { stage: absent } }]", Pass),
        ("spans: [{ select: { service: shop }, status: error }]", Fail),
        ("spans: [{ select: { service: shop }, events: [{ name: x }] }]", Fail),
        ("services: [shop]", Pass),
    ] {
        let growing = |trace| super::told::judged(spec, trace, tracespec::trace::Phase::Growing)[0].verdict;
        assert_eq!((growing(&open), growing(&ended)), (Open, early), "{spec}");
    }
    // What other spans show for good stays shown.
    let other = "spans: [{ select: { service: front }, attributes: { stage: done } }]";
    assert_eq!(super::told::judged(other, &open, tracespec::trace::Phase::Growing)[0].verdict, Fail);
}

#[test]
fn what_a_span_without_an_end_has_is_decided_and_what_it_may_still_get_is_not() {
    use Verdict::{Fail, Inconclusive, Pass};
    let span = |service: &str, end: &str, attributes: serde_json::Value| {
        serde_json::json!({
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
            "scopeSpans": [{ "spans": [{
                "traceId": ID, "spanId": if service == "front" { "1" } else { "7" }, "name": "work", "kind": 1,
                "parentSpanId": if service == "front" { "" } else { ROOT },
                "startTimeUnixNano": "20", "endTimeUnixNano": end, "attributes": attributes,
            }] }],
        })
    };
    let stage = serde_json::json!([{ "key": "stage", "value": { "stringValue": "done" } }]);
    let all = [span("front", "100", serde_json::json!([])), span("shop", "0", stage)];
    let mut builder = TraceBuilder::new();
    otlp_json::read(&serde_json::json!({ "resourceSpans": all }).to_string(), &mut builder).unwrap();
    let trace = builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown);
    for (says, right) in [
        ("{ select: { service: shop }, attributes: { stage: done }, kind: internal }", Pass),
        ("{ select: { service: front }, duration: < 1s }", Pass),
        ("{ select: { service: shop }, attributes: { stage: open } }", Fail),
        ("{ select: { service: shop }, attributes: { refund: absent } }", Inconclusive),
        ("{ select: { service: shop }, attributes: { refund: '!= yes' } }", Fail),
        ("{ select: { service: shop }, duration: < 1s }", Inconclusive),
        ("{ select: { service: shop }, status: unset }", Inconclusive),
        ("{ select: { service: shop }, children: [{ select: { service: bank }, count: 0 }] }", Inconclusive),
        ("{ select: { attributes: { refund: exists } }, count: 0 }", Inconclusive),
        ("{ select: { service: bank }, count: 0 }", Inconclusive),
    ] {
        assert_eq!(verdict(&format!("spans: [{says}]"), &trace), right, "{says}");
    }
}

#[test]
fn a_span_without_an_end_has_no_short_duration() {
    let open = trace(&[("shop", "0000000000000007", 20, 0)]);
    let short = "spans: [{ select: { service: shop }, duration: < 50ms }]";
    assert_eq!(verdict(short, &open), Verdict::Inconclusive);
    assert_eq!(verdict("errors: none", &open), Verdict::Inconclusive);
    assert_eq!(verdict("services: [shop]", &open), Verdict::Pass);
    assert_eq!(verdict(short, &trace(&[("shop", "0000000000000007", 20, 30)])), Verdict::Pass);
}

#[test]
fn what_hangs_from_an_id_that_two_spans_use_proves_no_caller_and_no_parent() {
    let (twice, child) = ("0000000000000003", "0000000000000004");
    let two = below(&[("c", twice, ROOT, 10, 80), ("d", twice, ROOT, 20, 60), ("b", child, twice, 30, 50)]);
    for open in [
        "calls: [c -> b]",
        "calls: [d -> b]",
        "calls: [{ c -> b: 0 }]",
        "spans: [{ select: { service: b }, parent: { service: c } }]",
        "spans: [{ select: { service: b }, ancestor: { service: d } }]",
        "spans: [{ select: { service: c }, children: [{ select: { service: b } }] }]",
        "structure: { tree: { select: { service: c }, children: [{ select: { service: b } }] } }",
        "traceql: ['{ resource.service.name = \"c\" } > { resource.service.name = \"b\" }']",
        "propagation: intact",
    ] {
        assert_eq!(verdict(open, &two), Verdict::Inconclusive, "{open}");
    }
    assert_eq!(verdict("services: [b]", &two), Verdict::Pass);
    let told = one("propagation: intact", &two);
    assert!(told.findings[0].hint.as_deref().unwrap().contains("two different spans use its parent's id"), "{told:#?}");
}

#[test]
fn a_presence_that_the_loss_leaves_open_says_so_beside_what_is_missing() {
    let two = trace(&[("shop", "0000000000000007", 20, 80), ("legacy", "0000000000000007", 30, 60)]);
    for presence in ["spans: [{ select: { name: zz } }]", "services: [legacy]", "span_count: '>= 9'"] {
        let judged = one(presence, &two);
        assert_eq!(judged.verdict, Verdict::Inconclusive, "{presence}");
        let hint = judged.findings[0].hint.as_deref().unwrap_or_default();
        assert!(
            hint.contains("the trace is incomplete") && hint.contains("two different spans use the id"),
            "{judged:#?}"
        );
    }
    // A failure that rests on nothing lost does not speak of it.
    let judged = one("span_count: < 2", &two);
    assert!(judged.findings[0].hint.as_ref().is_none_or(|hint| !hint.contains("not whole")), "{judged:#?}");
}

#[test]
fn what_holds_but_for_the_loss_names_the_span_that_was_lost() {
    let two = trace(&[("shop", "0000000000000007", 20, 80), ("legacy", "0000000000000007", 30, 60)]);
    let judged = one("errors: none", &two);
    assert_eq!(judged.findings[0].span_ids.iter().map(|id| id.get()).collect::<Vec<_>>(), [7]);
}

#[test]
fn a_part_of_a_trace_is_not_called_a_wait_that_was_over() {
    let text = format!(
        r#"{{"trace":{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{ID}","spanId":"1","startTimeUnixNano":"1","endTimeUnixNano":"2"}}]}}]}}]}},"status":"PARTIAL","message":"too big"}}"#
    );
    let mut builder = TraceBuilder::new();
    tracespec::wire::detect::read(text.as_bytes(), &mut builder).unwrap();
    let part = builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown);
    let judged = super::told::judged("errors: none", &part, tracespec::trace::Phase::Expired);
    let message = &judged[0].findings[0].message;
    assert!(message.contains("only a part of the trace") && !message.contains("time to wait"), "{message}");
}

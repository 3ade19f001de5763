//! Traces of a backend that tells every attribute as text.

use super::told::one;
use tracespec::assert::Verdict;
use tracespec::trace::{Injected, Trace, TraceBuilder, TraceId};
use tracespec::wire::jaeger_json;

const REMARK: &str = "the trace has every attribute as text: numbers and booleans were compared by what the text says";

/// One span, told as VictoriaTraces tells it.
fn trace(tags: &[(&str, &str)]) -> Trace {
    let tags = [("span.kind", "server"), ("server.port", "80"), ("error", "false")].iter().chain(tags);
    let tags: Vec<_> =
        tags.map(|(key, value)| serde_json::json!({ "key": key, "type": "string", "value": value })).collect();
    let document = serde_json::json!({ "data": [{
        "traceID": "a1",
        "processes": { "p1": { "serviceName": "shop", "tags": [] } },
        "spans": [{ "traceID": "a1", "spanID": "1", "operationName": "root", "references": [], "logs": [],
            "startTime": 1_700_000_000_000_000_u64, "duration": 1000, "tags": tags, "processID": "p1" }],
    }]});
    let mut builder = TraceBuilder::new();
    jaeger_json::read(&document.to_string(), &mut builder).unwrap();
    let trace = builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown);
    assert!(trace.untyped());
    trace
}

#[test]
fn traceql_reads_numbers_and_booleans_in_text_as_mappings_do() {
    let trace = trace(&[("http.response.status_code", "503"), ("retry", "true"), ("ratio", "0.5"), ("id", "007")]);
    let matches = |query: &str| {
        let there = one(&format!("traceql: ['{query}']"), &trace).verdict == Verdict::Pass;
        let absent = one(&format!("traceql: [{{ none: '{query}' }}]"), &trace).verdict == Verdict::Pass;
        assert_ne!(there, absent, "{query}");
        there
    };
    for query in [
        "{ span.http.response.status_code >= 500 }",
        "{ .http.response.status_code = 503 }",
        "{ 500 < span.http.response.status_code }",
        "{ span.http.response.status_code != 200 }",
        "{ span.http.response.status_code > 500.5 }",
        "{ span.http.response.status_code > 500ns }",
        r#"{ span.http.response.status_code = "503" }"#,
        r#"{ span.http.response.status_code =~ "5.." }"#,
        "{ span.http.response.status_code - 3 = 500 }",
        "{ -span.http.response.status_code = -503 }",
        "{ span.http.response.status_code > span.ratio }",
        "{ span.retry = true }",
        "{ span.retry }",
        "{ !(span.retry = false) }",
        "{ span.ratio < 1 }",
        "{ span.id = 7 }",
        "{ } | max(span.http.response.status_code) >= 500",
        "{ } | sum(span.ratio) = 0.5",
        "{ } | by(span.http.response.status_code) | count() = 1",
        r#"{ resource.service.name = "shop" && span.http.response.status_code > 500 }"#,
    ] {
        assert!(matches(query), "{query}");
    }
    for query in [
        "{ span.http.response.status_code >= 504 }",
        "{ span.http.response.status_code = true }",
        "{ span.retry != 1 }",
        "{ span.retry = false }",
        "{ !span.retry }",
        r#"{ span.id = "7" }"#,
        "{ } | max(span.retry) >= 0",
    ] {
        assert!(!matches(query), "{query}");
    }
    // Under another name as well.
    assert_eq!(one("traceql: [{ none: '{ span.http.status_code = 503 }' }]", &trace).verdict, Verdict::Fail);
}

#[test]
fn what_was_compared_by_its_text_is_remarked() {
    let trace = trace(&[("http.response.status_code", "503"), ("retry", "true")]);
    let remarked = |spec: &str| one(spec, &trace).remarks.iter().any(|remark| remark == REMARK);
    for spec in [
        "spans: [{ select: { attributes: { http.response.status_code: 503 } } }]",
        "spans: [{ select: { attributes: { http.status_code: '>= 500' } } }]",
        "spans: [{ select: { name: root }, attributes: { http.response.status_code: 500..599 } }]",
        "spans: [{ select: { name: root }, attributes: { retry: true } }]",
        "traceql: ['{ span.http.response.status_code >= 500 }']",
        "traceql: [{ none: '{ span.http.response.status_code = 200 }' }]",
        "traceql: [{ none: '{ span.http.status_code = 200 }' }]",
        "traceql: ['{ } | max(span.http.response.status_code) = 503']",
        "traceql: ['{ span.retry }']",
    ] {
        assert!(remarked(spec), "{spec}");
    }
    for spec in [
        "spans: [{ select: { name: root, kind: server, duration: < 1s } }]",
        "spans: [{ select: { name: root }, attributes: { retry: exists } }]",
        "spans: [{ select: { attributes: { missing: 503 } }, count: 0 }]",
        "spans: [{ select: { attributes: { retry: \"~ tru.\" } } }]",
        "traceql: ['{ name = \"root\" && duration < 1s }']",
        "traceql: ['{ span.http.response.status_code = \"503\" }']",
        "span_count: 1",
    ] {
        assert!(!remarked(spec), "{spec}");
    }
}

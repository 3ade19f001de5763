//! The runner's own span arrives where an endpoint is configured, over each protocol.

use crate::stub::{Stub, order, text};
use tracespec::backend::{HttpOptions, OtlpProtocol, OtlpTarget, OwnSpan, OwnSpanExporter, Sent};
use tracespec::receiver::{Held, Receiver};
use tracespec::trace::{Injected, Kind, SpanId, StatusCode, Trace};

fn own(passed: bool) -> OwnSpan {
    OwnSpan {
        trace_id: order(),
        span_id: SpanId::new(0xa11ce).unwrap(),
        start_ns: 1_000,
        end_ns: 5_000,
        test: "checkout".into(),
        suite: "shop".into(),
        passed: Some(passed),
        sent: Sent::Http {
            method: "POST".into(),
            url: "http://127.0.0.1:8080/checkout".into(),
            status: Some(201),
            error: None,
        },
    }
}

fn exporter(url: String, protocol: OtlpProtocol) -> OwnSpanExporter {
    let http = HttpOptions::new(url).header("x-own", "mine").unwrap();
    OwnSpanExporter::new(&OtlpTarget { http, protocol }).unwrap()
}

fn attribute(trace: &Trace, key: &str) -> String {
    trace.spans().next().unwrap().attribute(key).map_or(String::new(), |value| trace.show(value))
}

#[tokio::test]
async fn over_each_protocol_the_span_arrives_with_the_conventions_attributes() {
    for protocol in [OtlpProtocol::Grpc, OtlpProtocol::HttpProtobuf, OtlpProtocol::HttpJson] {
        let receiver = Receiver::start(&Default::default()).await.unwrap();
        let path = if protocol == OtlpProtocol::Grpc { "" } else { "/v1/traces" };
        let url = format!("{}{path}", receiver.endpoint().unwrap());
        exporter(url, protocol).export(&[own(true)]).await.unwrap();
        let Held::Spans(spans) = receiver.store().get(order()) else { panic!("{protocol:?}: nothing arrived") };
        let trace = spans.build(order(), &[], &Injected::Unknown);
        let span = trace.spans().next().unwrap();
        assert_eq!((span.service(), span.name(), span.kind()), ("tracespec", "POST", Kind::Client));
        assert_eq!((span.id(), span.parent_id()), (SpanId::new(0xa11ce).unwrap(), None));
        assert_eq!((span.status(), span.start_ns(), span.end_ns()), (StatusCode::Unset, 1_000, 5_000));
        for (key, expected) in [
            ("test.case.name", "checkout"),
            ("test.suite.name", "shop"),
            ("test.case.result.status", "pass"),
            ("http.request.method", "POST"),
            ("http.response.status_code", "201"),
            ("url.full", "http://127.0.0.1:8080/checkout"),
            ("server.address", "127.0.0.1"),
            ("server.port", "8080"),
            ("error.type", ""),
        ] {
            assert_eq!(attribute(&trace, key), expected, "{protocol:?} {key}");
        }
    }
}

#[tokio::test]
async fn own_headers_go_along_and_a_refusal_is_told() {
    let stub = Stub::always(text(200, "")).await;
    exporter(format!("{}/v1/traces", stub.url), OtlpProtocol::HttpProtobuf).export(&[own(false)]).await.unwrap();
    let asked = &stub.asked()[0];
    assert_eq!(asked.path, "/v1/traces");
    assert_eq!((asked.header("x-own"), asked.header("content-type")), ("mine", "application/x-protobuf"));
    let stub = Stub::always(text(401, "who are you")).await;
    let error = exporter(stub.url.clone(), OtlpProtocol::HttpJson).export(&[own(false)]).await.unwrap_err();
    assert!(error.to_string().contains("who are you"), "{error}");
    // partial_success { rejected_spans: 1, error_message: "no" }
    let stub = Stub::always(text(200, &b"\x0a\x06\x08\x01\x12\x02no"[..])).await;
    let error = exporter(stub.url.clone(), OtlpProtocol::HttpProtobuf).export(&[own(false)]).await.unwrap_err();
    assert!(error.to_string().ends_with(": no"), "{error}");
}

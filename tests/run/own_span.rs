//! The runner's own client spans, for whoever looks at the traces afterwards.

use crate::project::Project;
use crate::target::{reply, serve, with_receiver};
use axum::body::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

fn collector() -> (SocketAddr, Arc<Mutex<Vec<Span>>>) {
    let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
    let seen = Arc::clone(&spans);
    let router = axum::Router::new().route(
        "/v1/traces",
        axum::routing::post(move |body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            seen.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
            std::future::ready(([("content-type", "application/x-protobuf")], ""))
        }),
    );
    (serve(router), spans)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|pair| pair.key == key);
    found.and_then(|pair| pair.value.as_ref()).map_or(String::new(), |value| format!("{:?}", value.value))
}

#[test]
fn each_request_is_told_as_a_client_span_with_the_tests_result() {
    let (address, spans) = collector();
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = r#"
tests:
  - { name: good, request: { url: "${base}/good?token=hush" }, trace: { services: [gateway] } }
  - { name: bad, request: { url: "${base}/bad" }, trace: { services: [gateway], span_count: 3 } }
"#;
    let project = Project::new(&configuration, spec);
    let mut command = project.command(&["run"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    project.finish(command.output().unwrap()).exits(1);
    let spans = spans.lock().unwrap().clone();
    assert_eq!(spans.len(), 2);
    for (path, result) in [("/good", "pass"), ("/bad", "fail")] {
        let call = target.calls().into_iter().find(|call| call.path.starts_with(path)).unwrap();
        let span = spans.iter().find(|span| hex(&span.span_id) == call.parent).unwrap();
        assert_eq!((hex(&span.trace_id), span.kind), (call.trace, 3));
        assert!(text(span, "test.case.result.status").contains(result), "{span:?}");
        assert!(text(span, "url.full").contains(path) && !format!("{span:?}").contains("hush"), "{span:?}");
    }
}

#[test]
fn a_collector_that_is_not_there_is_a_remark_and_changes_no_verdict() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n";
    let project = Project::new(&configuration, spec);
    let mut command = project.command(&["run"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", crate::target::nobody()));
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    project.finish(command.output().unwrap()).exits(0).says(&["own spans were not exported"]);
}

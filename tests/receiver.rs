//! The embedded receiver, spoken to as exporters speak: over gRPC and HTTP, well and badly.
#![allow(clippy::unwrap_used)]

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http_body::Frame;
use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use opentelemetry_sdk::trace::SdkTracerProvider;
use prost::Message;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::codec::CompressionEncoding;
use tracespec::backend::{
    Backend, Embedded, Fetch, HttpOptions, Jaeger, JaegerApi, JaegerOptions, Pipeline, Tempo, TempoOptions,
};
use tracespec::receiver::{Options, Receiver};
use tracespec::trace::{Injected, Trace, TraceId};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

async fn receiver() -> Receiver {
    Receiver::start(&Options::default()).await.unwrap()
}

async fn small(body_limit: usize) -> Receiver {
    Receiver::start(&Options { body_limit, ..Options::default() }).await.unwrap()
}

fn client() -> reqwest::Client {
    tracespec::client::install_crypto();
    reqwest::Client::new()
}

fn id(value: u128) -> TraceId {
    TraceId::new(value).unwrap()
}

fn span(trace: u128, span: u64) -> Span {
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: span.to_be_bytes().to_vec(),
        name: format!("op-{span}"),
        start_time_unix_nano: span,
        end_time_unix_nano: span + 10,
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

fn one(trace: u128) -> Vec<u8> {
    request(vec![span(trace, 1)]).encode_to_vec()
}

/// Posts to `/v1/traces` and gives status, content type and body.
async fn post(receiver: &Receiver, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, String, Vec<u8>) {
    let mut request = client().post(format!("{}/v1/traces", receiver.endpoint().unwrap())).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let content_type = answer.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), content_type.unwrap_or_default(), answer.bytes().await.unwrap().to_vec())
}

fn typed(content_type: &str) -> [(&'static str, &str); 1] {
    [("content-type", content_type)]
}

async fn grpc(receiver: &Receiver) -> TraceServiceClient<tonic::transport::Channel> {
    TraceServiceClient::connect(receiver.endpoint().unwrap()).await.unwrap()
}

fn embedded(receiver: &Receiver) -> Embedded {
    Embedded::new(receiver.store().clone(), receiver.addresses().to_vec())
}

async fn read(backend: &dyn Backend, trace: u128) -> Trace {
    match backend.fetch(id(trace)).await {
        Fetch::Found(spans) => spans.build(id(trace), &[], &Injected::Unknown),
        other => panic!("{other:?}"),
    }
}

fn held_spans(receiver: &Receiver) -> usize {
    receiver.store().counts().spans_held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_sdk_exports_over_grpc_and_a_waiter_is_told_without_polling() {
    let receiver = receiver().await;
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(receiver.endpoint().unwrap()).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter.unwrap()).build();
    let tracer = provider.tracer("test");
    let parent = tracer.span_builder("parent").with_kind(SpanKind::Server).start(&tracer);
    let trace_id = id(u128::from_be_bytes(parent.span_context().trace_id().to_bytes()));
    let backend = embedded(&receiver);
    assert!(matches!(backend.fetch(trace_id).await, Fetch::NotYet { .. }));
    let mut arrivals = backend.arrivals(trace_id).unwrap();
    assert_eq!(arrivals.now().spans, 0);
    let context = opentelemetry::Context::current_with_span(parent);
    let mut child = tracer.start_with_context("child", &context);
    child.add_event("something", vec![opentelemetry::KeyValue::new("k", 1)]);
    child.end();
    context.span().end();
    let flushing = tokio::task::spawn_blocking(move || provider.force_flush());
    assert_eq!(arrivals.changed().await.spans, 2);
    flushing.await.unwrap().unwrap();
    let trace = read(&backend, trace_id.get()).await;
    let [parent, child] = [0, 1].map(|row| trace.spans().nth(row).unwrap());
    assert_eq!((parent.name(), child.name()), ("parent", "child"));
    assert_eq!(child.parent_id(), Some(parent.id()));
    assert_eq!(child.events().len(), 1);
}

#[tokio::test]
async fn grpc_and_http_share_one_port() {
    let receiver = receiver().await;
    grpc(&receiver).await.export(request(vec![span(1, 1)])).await.unwrap();
    let (status, _, _) = post(&receiver, &typed(PROTOBUF), request(vec![span(1, 2)]).encode_to_vec()).await;
    assert_eq!(status, 200);
    let trace = read(&embedded(&receiver), 1).await;
    assert_eq!(trace.len(), 2);
    assert_eq!(receiver.addresses().len(), 1);
    assert!(receiver.addresses()[0].ip().is_loopback());
}

#[tokio::test]
async fn two_addresses_feed_one_store() {
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let receiver = Receiver::start(&Options { addresses: vec![address; 2], ..Options::default() }).await.unwrap();
    for (n, address) in receiver.addresses().iter().enumerate() {
        let mut client = TraceServiceClient::connect(format!("http://{address}")).await.unwrap();
        client.export(request(vec![span(1, n as u64 + 1)])).await.unwrap();
    }
    assert_eq!(read(&embedded(&receiver), 1).await.len(), 2);
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_remedy() {
    let first = receiver().await;
    let options = Options { addresses: first.addresses().to_vec(), ..Options::default() };
    let words = Receiver::start(&options).await.unwrap_err().to_string();
    assert!(words.contains(&first.addresses()[0].to_string()) && words.contains("port is taken"), "{words}");
}

#[tokio::test]
async fn protobuf_and_json_are_answered_in_kind_and_full_success_says_nothing() {
    let receiver = receiver().await;
    assert_eq!(post(&receiver, &typed(PROTOBUF), one(1)).await, (200, PROTOBUF.into(), vec![]));
    let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000001",
        "spanId":"0000000000000002","name":"b","kind":2,"startTimeUnixNano":"5","endTimeUnixNano":6}]}]}]}"#;
    let answer = post(&receiver, &typed("Application/JSON; charset=utf-8"), json.to_vec()).await;
    assert_eq!(answer, (200, JSON.into(), b"{}".to_vec()));
    assert_eq!(read(&embedded(&receiver), 1).await.len(), 2);
}

#[tokio::test]
async fn an_empty_request_is_fine() {
    let receiver = receiver().await;
    assert_eq!(post(&receiver, &typed(PROTOBUF), vec![]).await.0, 200);
    assert_eq!(post(&receiver, &typed(JSON), b"{}".to_vec()).await.0, 200);
    grpc(&receiver).await.export(ExportTraceServiceRequest::default()).await.unwrap();
    assert_eq!(receiver.store().counts().spans, 0);
}

#[tokio::test]
async fn every_usual_packing_is_unpacked() {
    let receiver = receiver().await;
    let packed = |encoding: &str, body: &[u8]| -> Vec<u8> {
        match encoding {
            "gzip" => {
                let mut out = GzEncoder::new(Vec::new(), Compression::default());
                out.write_all(body).unwrap();
                out.finish().unwrap()
            }
            "zstd" => zstd::encode_all(body, 0).unwrap(),
            "deflate" => {
                let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
                out.write_all(body).unwrap();
                out.finish().unwrap()
            }
            _ => {
                let mut out = DeflateEncoder::new(Vec::new(), Compression::default());
                out.write_all(body).unwrap();
                out.finish().unwrap()
            }
        }
    };
    for (n, (packing, named)) in
        [("gzip", "gzip"), ("zstd", "zstd"), ("deflate", "deflate"), ("raw deflate", "deflate")].into_iter().enumerate()
    {
        let body = packed(packing, &one(n as u128 + 1));
        let headers = [("content-type", PROTOBUF), ("content-encoding", named)];
        assert_eq!(post(&receiver, &headers, body).await.0, 200, "{packing}");
        assert_eq!(held_spans(&receiver), n + 1, "{packing}");
    }
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let mut client = grpc(&receiver).await.send_compressed(encoding);
        client.export(request(vec![span(9, 1)])).await.unwrap();
    }
    assert_eq!(held_spans(&receiver), 6);
}

#[tokio::test]
async fn what_is_not_otlp_is_refused_in_the_encoding_of_the_request_and_nothing_of_it_is_kept() {
    let receiver = receiver().await;
    let (status, content_type, body) = post(&receiver, &typed(PROTOBUF), b"\xff\xff\xff".to_vec()).await;
    assert_eq!((status, content_type.as_str()), (400, PROTOBUF));
    assert_eq!(RpcStatus::decode(body.as_slice()).unwrap().code, 3);
    // The second span is broken; the first must not stay.
    let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000001",
        "spanId":"0000000000000002","name":"b"},{"traceId":17}]}]}]} trailing"#;
    let (status, content_type, body) = post(&receiver, &typed(JSON), json.to_vec()).await;
    assert_eq!((status, content_type.as_str()), (400, JSON));
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["code"], 3);
    assert!(!body["message"].as_str().unwrap().is_empty());
    for (headers, body, expected) in [
        (vec![("content-type", JSON)], b"\xff{}".to_vec(), 400),
        (vec![("content-type", "text/plain")], one(1), 415),
        (vec![], one(1), 415),
        (vec![("content-type", PROTOBUF), ("content-encoding", "br")], one(1), 415),
        (vec![("content-type", PROTOBUF), ("content-encoding", "gzip")], one(1), 400),
        (vec![("content-type", PROTOBUF), ("content-encoding", "zstd")], one(1), 400),
        (vec![("content-type", PROTOBUF), ("content-encoding", "deflate")], vec![0xff; 9], 400),
    ] {
        assert_eq!(post(&receiver, &headers, body).await.0, expected, "{headers:?}");
    }
    let got = client().get(format!("{}/v1/traces", receiver.endpoint().unwrap())).send().await.unwrap();
    assert_eq!(got.status(), 405);
    let got = client().post(format!("{}/v1/other", receiver.endpoint().unwrap())).send().await.unwrap();
    assert_eq!(got.status(), 404);
    assert_eq!(receiver.store().counts().spans, 0);
    let lost = receiver.store().losses().unwrap();
    assert!(lost.contains("9 requests refused"), "{lost}");
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_also_when_only_their_content_is() {
    let receiver = small(4096).await;
    let large = request((1..400).map(|n| span(1, n)).collect());
    let bytes = large.encode_to_vec();
    let (status, _, body) = post(&receiver, &typed(PROTOBUF), bytes.clone()).await;
    assert_eq!((status, RpcStatus::decode(body.as_slice()).unwrap().code), (413, 8));
    let bomb = vec![0u8; 1 << 20];
    for (encoding, packed) in [("gzip", gzip(&bomb)), ("zstd", zstd::encode_all(&bomb[..], 0).unwrap())] {
        assert!(packed.len() < 4096);
        let headers = [("content-type", PROTOBUF), ("content-encoding", encoding)];
        assert_eq!(post(&receiver, &headers, packed).await.0, 413, "{encoding}");
    }
    let refused = grpc(&receiver).await.export(large.clone()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::OutOfRange);
    let packed = grpc(&receiver).await.send_compressed(CompressionEncoding::Gzip).export(large).await;
    assert!(packed.is_err());
    assert_eq!(receiver.store().counts().spans, 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn requests_larger_than_the_usual_4_mib_are_taken_over_both_protocols() {
    let receiver = receiver().await;
    let large = |trace| request((1..60_000).map(|n| Span { name: "n".repeat(100), ..span(trace, n) }).collect());
    assert!(large(1).encoded_len() > 5 << 20);
    grpc(&receiver).await.export(large(1)).await.unwrap();
    assert_eq!(post(&receiver, &typed(PROTOBUF), large(2).encode_to_vec()).await.0, 200);
    assert_eq!(held_spans(&receiver), 2 * 59_999);
}

#[tokio::test]
async fn spans_without_ids_are_refused_in_part_and_the_rest_is_kept() {
    let receiver = receiver().await;
    let mixed = request(vec![span(1, 1), span(0, 2), Span { span_id: vec![0; 8], ..span(1, 3) }]);
    let (status, _, body) = post(&receiver, &typed(PROTOBUF), mixed.encode_to_vec()).await;
    let partial = ExportTraceServiceResponse::decode(body.as_slice()).unwrap().partial_success.unwrap();
    assert_eq!((status, partial.rejected_spans), (200, 2));
    assert!(partial.error_message.contains("2 spans without a valid trace id"), "{}", partial.error_message);
    let answer = grpc(&receiver).await.export(mixed).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 2);
    assert_eq!(read(&embedded(&receiver), 1).await.len(), 1);
}

#[tokio::test]
async fn evicted_traces_are_refused_to_readers_and_what_still_comes_of_them_is_rejected_in_part() {
    let receiver = Receiver::start(&Options { memory: 1, ..Options::default() }).await.unwrap();
    assert_eq!(post(&receiver, &typed(PROTOBUF), one(1)).await.0, 200);
    let backend = embedded(&receiver);
    let Fetch::Refused { words } = backend.fetch(id(1)).await else { panic!("not refused") };
    assert!(words.contains("evicted"), "{words}");
    let (_, _, body) = post(&receiver, &typed(PROTOBUF), one(1)).await;
    let partial = ExportTraceServiceResponse::decode(body.as_slice()).unwrap().partial_success.unwrap();
    assert!(partial.error_message.contains("evicted"), "{}", partial.error_message);
    // Remote readers are told as well.
    let jaeger = jaeger(&receiver, JaegerApi::Auto).fetch(id(1)).await;
    assert!(matches!(&jaeger, Fetch::Refused { words } if words.contains("evicted")), "{jaeger:?}");
    let tempo = tempo(&receiver).fetch(id(1)).await;
    assert!(matches!(&tempo, Fetch::Refused { words } if words.contains("evicted")), "{tempo:?}");
}

#[tokio::test]
async fn metrics_and_logs_are_taken_and_thrown_away() {
    let receiver = receiver().await;
    for signal in ["metrics", "logs"] {
        let url = format!("{}/v1/{signal}", receiver.endpoint().unwrap());
        let answer = client().post(url).header(CONTENT_TYPE, PROTOBUF).header(CONTENT_ENCODING, "gzip");
        let answer = answer.body(gzip(b"\x0a\x00")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{signal}");
        let channel = tonic::transport::Channel::from_shared(receiver.endpoint().unwrap()).unwrap();
        let mut grpc = tonic::client::Grpc::new(channel.connect().await.unwrap());
        grpc.ready().await.unwrap();
        let service = if signal == "metrics" { "metrics.v1.MetricsService" } else { "logs.v1.LogsService" };
        let path = format!("/opentelemetry.proto.collector.{service}/Export").parse().unwrap();
        let codec = tonic_prost::ProstCodec::<ExportTraceServiceRequest, ExportTraceServiceResponse>::default();
        let answer = grpc.unary(tonic::Request::new(request(vec![span(1, 1)])), path, codec).await.unwrap();
        assert_eq!(answer.into_inner(), ExportTraceServiceResponse::default());
    }
    assert_eq!(receiver.store().counts().spans, 0);
}

#[tokio::test]
async fn a_call_that_is_not_otlp_is_refused_and_remembered_as_a_request_is() {
    let receiver = receiver().await;
    let channel = tonic::transport::Channel::from_shared(receiver.endpoint().unwrap()).unwrap();
    let mut grpc = tonic::client::Grpc::new(channel.connect().await.unwrap());
    grpc.ready().await.unwrap();
    // Bytes as the first field, where a message has to be.
    let codec = tonic_prost::ProstCodec::<Vec<u8>, ()>::default();
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export".parse().unwrap();
    let refused = grpc.unary(tonic::Request::new(vec![0xff; 3]), path, codec).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(refused.message().contains("expected an OTLP TracesData message of 5 bytes"), "{refused}");
    let lost = receiver.store().losses().unwrap();
    assert!(lost.contains("1 request refused"), "{lost}");
}

#[tokio::test]
async fn an_unknown_grpc_service_is_unimplemented() {
    let receiver = receiver().await;
    let channel = tonic::transport::Channel::from_shared(receiver.endpoint().unwrap()).unwrap();
    let mut grpc = tonic::client::Grpc::new(channel.connect().await.unwrap());
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = "/some.Service/Method".parse().unwrap();
    let refused = grpc.unary(tonic::Request::new(()), path, codec).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unimplemented);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_exporters_at_once_lose_no_span() {
    let receiver = receiver().await;
    let mut exporting = tokio::task::JoinSet::new();
    for exporter in 0..20u64 {
        let endpoint = receiver.endpoint().unwrap();
        exporting.spawn(async move {
            let mut grpc = TraceServiceClient::connect(endpoint.clone()).await.unwrap();
            for n in 1..10 {
                let spans = vec![span(1, exporter * 100 + n), span(u128::from(exporter) + 2, n)];
                grpc.export(request(spans)).await.unwrap();
            }
        });
    }
    while let Some(done) = exporting.join_next().await {
        done.unwrap();
    }
    let backend = embedded(&receiver);
    assert_eq!(read(&backend, 1).await.len(), 180);
    assert_eq!(read(&backend, 21).await.len(), 9);
}

#[tokio::test]
async fn more_calls_than_are_read_at_once_wait_and_none_is_refused() {
    let receiver = receiver().await;
    // These begin a call each and hold it, which with what follows is more than the bound.
    let mut held = Vec::new();
    for _ in 0..30 {
        let (body, rest) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
        let stream = tokio_stream::wrappers::ReceiverStream::new(rest);
        let path = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
        tracespec::client::install_crypto();
        let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let call = client
            .post(format!("{}/{path}", receiver.endpoint().unwrap()))
            .header(CONTENT_TYPE, "application/grpc")
            .body(reqwest::Body::wrap(http_body_util::StreamBody::new(stream)));
        body.send(Ok(Frame::data(Bytes::from_static(&[0])))).await.unwrap();
        held.push((body, tokio::spawn(call.send())));
    }
    let client = grpc(&receiver).await;
    let calls = (1..200).map(|n| {
        let mut client = client.clone();
        async move { client.export(request(vec![span(1, n)])).await }
    });
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(held_spans(&receiver), 199);
    for (_, call) in held {
        call.abort();
    }
}

#[tokio::test]
async fn traces_that_link_here_are_known_and_told() {
    let receiver = receiver().await;
    let backend = embedded(&receiver);
    let mut arrivals = backend.arrivals(id(1)).unwrap();
    let link = Link { trace_id: 1u128.to_be_bytes().to_vec(), span_id: 1u64.to_be_bytes().to_vec(), ..Link::default() };
    let consumer = Span { links: vec![link], ..span(2, 1) };
    grpc(&receiver).await.export(request(vec![consumer])).await.unwrap();
    assert_eq!(arrivals.changed().await.linking, 1);
    assert_eq!(backend.linking_to(id(1)).await.unwrap(), [id(2)]);
    assert_eq!(tempo(&receiver).linking_to(id(1)).await.unwrap(), [id(2)]);
    assert_eq!(tempo(&receiver).linking_to(id(2)).await.unwrap(), []);
}

fn jaeger(receiver: &Receiver, api: JaegerApi) -> Jaeger {
    let http = HttpOptions::new(receiver.endpoint().unwrap());
    Jaeger::new(JaegerOptions { http, tenant: None, api }).unwrap()
}

fn tempo(receiver: &Receiver) -> Tempo {
    Tempo::new(TempoOptions { http: HttpOptions::new(receiver.endpoint().unwrap()), tenant: None }).unwrap()
}

#[tokio::test]
async fn the_projects_own_clients_read_from_it_what_was_sent() {
    let receiver = receiver().await;
    for backend in [&jaeger(&receiver, JaegerApi::Auto) as &dyn Backend, &tempo(&receiver)] {
        assert!(matches!(backend.fetch(id(1)).await, Fetch::NotYet { .. }), "{}", backend.describe());
    }
    let child = Span { parent_span_id: 1u64.to_be_bytes().to_vec(), kind: 2, ..span(1, 2) };
    grpc(&receiver).await.export(request(vec![span(1, 1), child])).await.unwrap();
    for backend in [&jaeger(&receiver, JaegerApi::Auto) as &dyn Backend, &tempo(&receiver), &embedded(&receiver)] {
        let trace = read(backend, 1).await;
        assert_eq!((trace.len(), trace.tree().roots().len()), (2, 1), "{}", backend.describe());
        let probe = backend.probe().await;
        assert!(probe.ok, "{probe:?}");
    }
    assert_eq!(embedded(&receiver).through(), Pipeline::Direct);
    assert_eq!(tempo(&receiver).through(), Pipeline::Remote);
}

#[tokio::test]
async fn by_id_endpoints_answer_in_the_form_asked_for() {
    let receiver = receiver().await;
    grpc(&receiver).await.export(request(vec![span(0xab, 1)])).await.unwrap();
    let get = async |path: &str, accept: &str| {
        let url = format!("{}{path}", receiver.endpoint().unwrap());
        let answer = client().get(url).header("accept", accept).send().await.unwrap();
        let content_type = answer.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), content_type.unwrap_or_default(), answer.text().await.unwrap())
    };
    let (status, content_type, text) = get("/api/traces/ab", "*/*").await;
    assert_eq!((status, content_type.as_str()), (200, JSON));
    assert!(text.starts_with("{\"batches\":["), "{text}");
    let (_, content_type, _) = get("/api/traces/AB", "text/html, application/protobuf").await;
    assert_eq!(content_type, "application/protobuf");
    let (_, _, text) = get("/api/v2/traces/ab", JSON).await;
    assert!(text.starts_with("{\"trace\":{\"resourceSpans\":["), "{text}");
    let (_, _, text) = get("/api/v3/traces/ab", "*/*").await;
    assert!(text.starts_with("{\"result\":{\"resourceSpans\":["), "{text}");
    let missing = get("/api/v3/traces/cd", "*/*").await;
    let body = r#"{"error":{"httpCode":404,"message":"No traces found"}}"#;
    assert_eq!(missing, (404, JSON.into(), body.into()));
    assert_eq!(get("/api/v2/traces/cd", JSON).await.2, r#"{"trace":{},"metrics":{}}"#);
    assert_eq!(get("/api/v2/traces/cd", "application/protobuf").await.2.as_bytes(), b"\x0a\x00\x12\x00");
    assert_eq!(get("/api/traces/cd", JSON).await.0, 404);
    for path in ["/api/v3/traces/zz", "/api/v2/traces/zz", "/api/traces/zz", "/api/search?q={", "/api/search?start=x"] {
        assert_eq!(get(path, JSON).await.0, 400, "{path}");
    }
    assert_eq!(get("/ready", "*/*").await, (200, "text/plain; charset=utf-8".into(), "ready\n".into()));
    assert_eq!(get("/api/echo", "*/*").await.2, "echo\n");
    assert_eq!(get("/api/v3/services", "*/*").await.2, r#"{"services":[]}"#);
    assert!(get("/api/status/buildinfo", "*/*").await.2.contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(
        get("/elsewhere", "*/*").await,
        (404, "text/plain; charset=utf-8".into(), "404 page not found\n".into())
    );
}

#[tokio::test]
async fn it_stops_when_dropped_and_what_it_received_stays_readable() {
    let receiver = receiver().await;
    post(&receiver, &typed(PROTOBUF), one(1)).await;
    let (backend, address) = (embedded(&receiver), receiver.addresses()[0]);
    // An open connection without a request must not keep it from stopping.
    let mut idle = tokio::net::TcpStream::connect(address).await.unwrap();
    receiver.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert_eq!(read(&backend, 1).await.len(), 1);
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_it_from_stopping() {
    let receiver = receiver().await;
    let mut stream = tokio::net::TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    stream.write_all(b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-le").await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), receiver.stop()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_breaks_off_leaves_nothing_behind() {
    let receiver = receiver().await;
    let mut stream = tokio::net::TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&one(1)).await.unwrap();
    drop(stream);
    // Stopping waits for the requests under way, so afterwards that one has ended.
    let store = receiver.store().clone();
    tokio::time::timeout(Duration::from_secs(20), receiver.stop()).await.unwrap();
    assert_eq!(store.counts().spans, 0);
}

/// A trace of two services with attributes, an error and times in seconds.
fn shop_order(trace: u128, begin_s: u64, sku: &str) -> Vec<u8> {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::Status;
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    };
    let second = 1_000_000_000;
    let of = |service: &str, spans: Vec<Span>| ResourceSpans {
        resource: Some(Resource { attributes: vec![text("service.name", service)], ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    let times = |span: Span, from: u64, to: u64| Span { start_time_unix_nano: from, end_time_unix_nano: to, ..span };
    let begin = begin_s * second;
    let root = Span { kind: 2, name: "POST /orders".to_owned(), ..times(span(trace, 1), begin, begin + second) };
    let child = Span {
        parent_span_id: 1u64.to_be_bytes().to_vec(),
        kind: 3,
        name: "reserve".to_owned(),
        attributes: vec![text("sku", sku)],
        status: Some(Status { code: 2, ..Status::default() }),
        ..times(span(trace, 2), begin + 1_000, begin + 300_001_000)
    };
    ExportTraceServiceRequest { resource_spans: vec![of("gateway", vec![root]), of("order", vec![child])] }
        .encode_to_vec()
}

#[tokio::test]
async fn lists_of_traces_are_answered_as_tempo_and_jaeger_answer_them() {
    let receiver = receiver().await;
    post(&receiver, &typed(PROTOBUF), shop_order(0xa1, 1_000, "LAPTOP-1")).await;
    post(&receiver, &typed(PROTOBUF), shop_order(0xa2, 2_000, "MOUSE-2")).await;
    let get = async |path: &str, query: &[(&str, &str)]| {
        let url = format!("{}{path}", receiver.endpoint().unwrap());
        let url = url::Url::parse_with_params(&url, query).unwrap();
        let answer = client().get(url).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str::<serde_json::Value>(&text).unwrap_or(serde_json::Value::from(text)))
    };
    let ids = |found: &serde_json::Value| -> Vec<String> {
        let traces = found["traces"].as_array().into_iter().flatten();
        traces.map(|trace| trace["traceID"].as_str().unwrap().trim_start_matches('0').to_owned()).collect()
    };

    let (status, found) = get("/api/search", &[("q", "{ span.sku = \"LAPTOP-1\" && status = error }")]).await;
    assert_eq!((status, ids(&found)), (200, vec!["a1".to_owned()]), "{found}");
    let trace = &found["traces"][0];
    assert_eq!(
        (trace["rootServiceName"].as_str(), trace["rootTraceName"].as_str()),
        (Some("gateway"), Some("POST /orders"))
    );
    assert_eq!((&trace["startTimeUnixNano"], &trace["durationMs"]), (&"1000000000000".into(), &1000.into()));
    assert_eq!(trace["serviceStats"]["order"], serde_json::json!({"spanCount": 1, "errorCount": 1}));
    let set = &trace["spanSets"][0];
    assert_eq!((&set["matched"], set["spans"].as_array().unwrap().len()), (&1.into(), 1));
    assert_eq!((&set["spans"][0]["name"], &set["spans"][0]["spanID"]), (&"reserve".into(), &"0000000000000002".into()));
    assert_eq!(set["spans"][0]["durationNanos"], "300000000");
    let sku = serde_json::json!({"key": "sku", "value": {"stringValue": "LAPTOP-1"}});
    assert!(set["spans"][0]["attributes"].as_array().unwrap().contains(&sku), "{set}");

    // The newest first; every trace without a query; within a time; a legacy search by tags.
    for (query, expected) in [
        (vec![], vec!["a2", "a1"]),
        (vec![("q", "{}"), ("limit", "1")], vec!["a2"]),
        (vec![("q", "{}"), ("start", "900"), ("end", "1500")], vec!["a1"]),
        (vec![("q", "{}"), ("start", "2002")], vec![]),
        (vec![("tags", "sku=MOUSE-2 service.name=order")], vec!["a2"]),
        (vec![("tags", "sku=\"MOUSE-2\" }) || { true\"")], vec![]),
        (vec![("q", "{}"), ("minDuration", "2s")], vec![]),
    ] {
        assert_eq!(ids(&get("/api/search", &query).await.1), expected, "{query:?}");
    }
    for query in [[("q", "{ name = 1 }")], [("limit", "x")], [("end", "soon")], [("minDuration", "long")]] {
        assert_eq!(get("/api/search", &query).await.0, 400, "{query:?}");
    }
    let (_, tags) = get("/api/v2/search/tags", &[]).await;
    assert_eq!(
        (&tags["scopes"][0], &tags["scopes"][1]["tags"]),
        (&serde_json::json!({"name": "span", "tags": ["sku"]}), &serde_json::json!(["service.name"]))
    );
    let (_, values) = get("/api/v2/search/tag/span.sku/values", &[]).await;
    assert_eq!(
        values["tagValues"],
        serde_json::json!([{"type": "string", "value": "LAPTOP-1"}, {"type": "string", "value": "MOUSE-2"}])
    );

    let times = [("query.start_time_min", "1970-01-01T00:00:00Z"), ("query.start_time_max", "1970-01-02T00:00:00Z")];
    let jaeger = async |more: &[(&str, &str)]| get("/api/v3/traces", &[&times[..], more].concat()).await;
    let names = |found: &serde_json::Value| found["result"]["resourceSpans"].as_array().map_or(0, Vec::len);
    let (status, found) =
        jaeger(&[("query.service_name", "order"), ("query.attributes", r#"{"sku":"MOUSE-2"}"#)]).await;
    assert_eq!((status, names(&found)), (200, 2), "{found}");
    assert_eq!(names(&jaeger(&[("query.serviceName", "order"), ("query.searchDepth", "9")]).await.1), 4);
    assert_eq!(names(&jaeger(&[("query.operation_name", "reserve"), ("query.duration_min", "200ms")]).await.1), 4);
    assert_eq!(names(&jaeger(&[("query.attributes", r#"{"error":"true"}"#), ("query.num_traces", "1")]).await.1), 2);
    // Of one and the same span.
    let (status, found) = jaeger(&[("query.service_name", "gateway"), ("query.operation_name", "reserve")]).await;
    assert_eq!((status, found["error"]["message"].as_str()), (404, Some("No traces found")));
    assert_eq!(jaeger(&[("query.start_time_min", "now")]).await.0, 400);
    assert_eq!(jaeger(&[("query.attributes", "sku")]).await.0, 400);
    let (_, found) = get("/api/v3/operations", &[("service", "order")]).await;
    assert_eq!(found, serde_json::json!({"operations": [{"name": "reserve", "spanKind": "client"}]}));
    // As the search page of Jaeger's UI asks.
    let page = [
        ("query.service_name", "order"),
        ("query.span_name", "reserve"),
        ("query.start_time_min", "1970-01-01T00:00:00.000Z"),
        ("query.start_time_max", "1970-01-02T00:00:00.000Z"),
        ("query.num_traces", "20"),
        ("query.duration_min", "1.2ms"),
        ("query.attributes", r#"{"error":"true"}"#),
    ];
    let (_, found) = get("/api/v3/trace-summaries", &page).await;
    assert_eq!(found["summaries"].as_array().map(Vec::len), Some(2), "{found}");
    let other = [("query.service_name", "order"), ("query.span_name", "pay")];
    assert_eq!(get("/api/v3/trace-summaries", &other).await.1["summaries"], serde_json::json!([]));
    let (_, found) = get("/api/v3/trace-summaries", &[("query.service_name", "gateway")]).await;
    assert_eq!((found["summaries"].as_array().unwrap().len(), &found["summaries"][0]["spanCount"]), (2, &2.into()));
}

/// What Jaeger's UI up to version 2 asks: services, operations, a list, one trace.
#[tokio::test]
async fn jaegers_older_api_is_answered_with_its_own_documents() {
    let receiver = receiver().await;
    post(&receiver, &typed(PROTOBUF), shop_order(0xa1, 1_000, "LAPTOP-1")).await;
    post(&receiver, &typed(PROTOBUF), shop_order(0xa2, 2_000, "MOUSE-2")).await;
    let get = async |path: &str| {
        let answer = client().get(format!("{}{path}", receiver.endpoint().unwrap())).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str::<serde_json::Value>(&answer.text().await.unwrap()).unwrap())
    };
    let data = async |path: &str| {
        let (status, found) = get(path).await;
        assert_eq!((status, &found["errors"]), (200, &serde_json::Value::Null), "{found}");
        found["data"].clone()
    };
    let skus = |found: &serde_json::Value| -> Vec<String> {
        let spans = found.as_array().unwrap().iter().flat_map(|trace| trace["spans"].as_array().unwrap());
        let tags = spans.flat_map(|span| span["tags"].as_array().unwrap());
        tags.filter(|tag| tag["key"] == "sku").map(|tag| tag["value"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(data("/api/services").await, serde_json::json!(["gateway", "order"]));
    assert_eq!(data("/api/services/order/operations").await, serde_json::json!(["reserve"]));
    let operation = serde_json::json!([{"name": "reserve", "spanKind": "client"}]);
    assert_eq!(data("/api/operations?service=order").await, operation);
    assert_eq!(data("/api/operations?service=order&spanKind=server").await, serde_json::json!([]));
    let day = "start=0&end=86400000000&limit=20&lookback=1h&maxDuration&minDuration";
    assert_eq!(skus(&data(&format!("/api/traces?service=order&{day}")).await), ["MOUSE-2", "LAPTOP-1"]);
    let tagged =
        data(&format!("/api/traces?service=order&operation=reserve&{day}&tags=%7B%22sku%22%3A%22LAPTOP-1%22%7D")).await;
    assert_eq!(skus(&tagged), ["LAPTOP-1"]);
    assert_eq!(skus(&data("/api/traces?service=order&tag=sku:MOUSE-2&minDuration=1ms").await), ["MOUSE-2"]);
    assert_eq!(skus(&data("/api/traces?traceID=a1&traceID=dead").await), ["LAPTOP-1"]);
    // One trace, in both forms under one path: an exporter's times are cut to microseconds only in Jaeger's.
    let (status, both) = get("/api/traces/a1").await;
    assert_eq!(
        (status, skus(&both["data"]), both["batches"].as_array().map(Vec::len)),
        (200, vec!["LAPTOP-1".to_owned()], Some(2))
    );
    let process = &both["data"][0]["spans"][0]["processID"];
    assert_eq!(both["data"][0]["processes"][process.as_str().unwrap()]["serviceName"], "gateway");
    for path in [
        "/api/operations",
        "/api/traces?start=now",
        "/api/traces?tags=sku",
        "/api/traces?tag=sku",
        "/api/traces?traceID=x",
    ] {
        let (status, found) = get(path).await;
        assert_eq!((status, &found["errors"][0]["code"]), (400, &400.into()), "{path}: {found}");
    }
}

/// On one thread: what was dropped has had no chance to go before the next begins.
#[tokio::test]
async fn one_receiver_may_follow_another_at_the_same_address() {
    let first = receiver().await;
    let addresses = first.addresses().to_vec();
    let again = || Options { addresses: addresses.clone(), ..Options::default() };
    drop(first);
    for _ in 0..10 {
        let next = Receiver::start(&again()).await.unwrap();
        assert_eq!(next.addresses(), addresses);
    }
    // One that somebody has is an error all the same.
    let _held = Receiver::start(&again()).await.unwrap();
    let why = Receiver::start(&again()).await.unwrap_err().to_string();
    assert!(why.contains("the port is taken by"), "{why}");
}

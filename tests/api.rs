//! The library API as an ordinary test uses it: a service instrumented with the OpenTelemetry SDK, called over HTTP,
//! exports to the receiver, and the trace is verified.

#![allow(clippy::unwrap_used, missing_docs)]

use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use std::net::SocketAddr;
use std::time::Duration;
use tracespec::{Expectations, Receiver, Trace, Verdict};

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }
    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

const EXPORTER_DELAY: Duration = Duration::from_millis(50);

/// A shop of one service, which charges a card for each order.
async fn shop(endpoint: &str) -> SocketAddr {
    let exporter = opentelemetry_otlp::SpanExporter::builder();
    let exporter =
        opentelemetry_otlp::WithExportConfig::with_endpoint(exporter.with_tonic(), endpoint).build().unwrap();
    let batches = BatchConfigBuilder::default().with_scheduled_delay(EXPORTER_DELAY).build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
        .with_resource(Resource::builder().with_service_name("shop").build())
        .build();
    let routes = axum::Router::new().route("/orders", post(order)).with_state(provider);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn order(State(provider): State<SdkTracerProvider>, headers: HeaderMap) -> StatusCode {
    let tracer = provider.tracer("shop");
    let parent = TraceContextPropagator::new().extract(&Headers(&headers));
    let server = tracer.span_builder("POST /orders").with_kind(SpanKind::Server).start_with_context(&tracer, &parent);
    let context = Context::new().with_span(server);
    let mut charge = tracer.start_with_context("charge-card", &context);
    charge.set_attribute(KeyValue::new("payment.method", "card"));
    charge.end();
    context.span().end();
    StatusCode::CREATED
}

/// One call with the headers of a trace.
async fn call(address: SocketAddr, trace: &Trace) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(format!("http://{address}/orders"));
    for (name, value) in trace.headers() {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), StatusCode::CREATED);
}

async fn receiver() -> Receiver {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Receiver::start().await.unwrap().exporter_delay(EXPORTER_DELAY)
}

#[tokio::test]
async fn an_order_charges_the_card_once() -> Result<(), Box<dyn std::error::Error>> {
    let receiver = receiver().await;
    let address = shop(receiver.endpoint()).await;
    let trace = receiver.trace("an order charges the card once");
    call(address, &trace).await;
    let expected = Expectations::parse(
        "
        services: [shop]
        span_count: 2
        errors: none
        spans:
          - select: { name: charge-card }
            count: 1
            attributes: { payment.method: card }
        ",
    )?;
    trace.verify(&expected).await.assert_passed();
    let built = Expectations::new()
        .services(["shop"])
        .span_count("<= 2")
        .no_errors()
        .traceql(["{ name = \"POST /orders\" } > { name = \"charge-card\" }"])
        .with("propagation", "intact");
    trace.verify(&built).await.assert_passed();
    Ok(())
}

#[tokio::test]
async fn what_does_not_hold_fails_with_the_report_of_the_command_line() {
    let receiver = receiver().await;
    let address = shop(receiver.endpoint()).await;
    let trace = receiver.trace("an order is charged twice");
    call(address, &trace).await;
    let outcome = trace.verify(&Expectations::parse("services: [shop]\nspan_count: 3").unwrap()).await;
    assert_eq!(outcome.verdict(), Verdict::Fail);
    let findings: Vec<_> = outcome.findings().collect();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].expectation.as_str(), findings[0].verdict.word()), ("trace.span_count", "fail"));
    let report = outcome.to_string();
    for part in ["FAIL  an order is charged twice", "1. Expected 3 spans, found 2.", "2 | span_count: 3", &trace.id()] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let panic = std::panic::catch_unwind(|| outcome.assert_passed()).unwrap_err();
    assert_eq!(panic.downcast_ref::<String>(), Some(&report));
}

#[tokio::test]
async fn a_trace_that_never_comes_is_an_error_and_no_pass() {
    let receiver = receiver().await.timeout(Duration::from_millis(300));
    let outcome = receiver.trace("nobody is called").verify(&Expectations::new().no_errors()).await;
    assert_eq!(outcome.verdict(), Verdict::Error);
    assert!(outcome.to_string().contains("never came"), "{outcome}");
}

#[tokio::test]
async fn a_saved_trace_is_verified_alike() {
    let trace = Trace::saved("tests/fixtures/captured/shop/jaeger_v3_ok.json").unwrap();
    assert!(trace.headers().is_empty());
    trace.verify(&Expectations::parse("services: [api-gateway, order-service]").unwrap()).await.assert_passed();
    let outcome = trace.verify(&Expectations::new().span_count(1)).await;
    assert_eq!(outcome.verdict(), Verdict::Fail, "{outcome}");
    assert!(Trace::saved("tests/fixtures/nowhere.json").unwrap_err().to_string().contains("nowhere.json"));
}

#[tokio::test]
async fn of_a_part_of_a_saved_trace_no_absence_is_certain_and_what_is_not_certain_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let part = r#"{"trace":{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"000000000000000000000000000000a1","spanId":"00000000000000b1","name":"GET /","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]},"status":"PARTIAL","message":"too big"}"#;
    std::fs::write(folder.path().join("part.json"), part).unwrap();
    let trace = Trace::saved(folder.path().join("part.json")).unwrap();
    let outcome = trace.verify(&Expectations::new().no_errors()).await;
    assert_eq!(outcome.verdict(), Verdict::Inconclusive, "{outcome}");
    assert!(std::panic::catch_unwind(|| outcome.assert_passed()).is_err());
    trace.verify(&Expectations::parse("spans: [{ select: { name: GET / } }]").unwrap()).await.assert_passed();
}

#[test]
fn expectations_that_are_wrong_are_shown_like_a_spec_that_is() {
    let wrong = Expectations::parse("services: [shop]\nspan_cont: 3").unwrap_err().to_string();
    assert!(wrong.contains("span_cont") && wrong.contains("span_count") && wrong.contains(":2:"), "{wrong}");
    assert!(Expectations::parse("").is_err());
    assert!(Expectations::parse("id: { header: x }\nerrors: none").is_err());
    assert!(Expectations::new().with("span_count", "many").check().is_err());
}

#[tokio::test]
async fn settings_that_are_wrong_are_an_error_with_their_place() {
    let error =
        Receiver::configured("backend: { jaeger: { ur: 'http://localhost:1' } }").await.unwrap_err().to_string();
    assert!(error.contains("settings:1:") && error.contains("url"), "{error}");
}

//! gRPC calls that start a trace, against a server that describes itself or does not.

use crate::project::{Project, Ran};
use crate::spans::{SERVER, export, span};
use crate::target::{nobody, otlp, serve};
use axum::extract::Request;
use axum::response::IntoResponse as _;
use axum::routing::post;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tonic::codegen::tokio_stream;
use tonic::server::{ServerStreamingService, UnaryService};
use tonic::{Response, Status};

const PROTO: &str = r#"
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message Charge {
  string order_id = 1;
  int64 amount_cents = 2;
  string token = 3;
  google.protobuf.Timestamp at = 4;
}
message Receipt {
  string receipt_id = 1;
  int64 amount_cents = 2;
  string note = 3;
}
service Payment {
  rpc Authorize(Charge) returns (Receipt);
  rpc Watch(Charge) returns (stream Receipt);
  rpc Upload(stream Charge) returns (Receipt);
}
"#;

#[derive(Clone, PartialEq, prost::Message)]
struct Charge {
    #[prost(string, tag = "1")]
    order_id: String,
    #[prost(int64, tag = "2")]
    amount_cents: i64,
    #[prost(string, tag = "3")]
    token: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Receipt {
    #[prost(string, tag = "1")]
    receipt_id: String,
    #[prost(int64, tag = "2")]
    amount_cents: i64,
    #[prost(string, tag = "3")]
    note: String,
}

#[derive(Clone)]
struct Payment;

impl UnaryService<Charge> for Payment {
    type Response = Receipt;
    type Future = std::future::Ready<Result<Response<Receipt>, Status>>;

    fn call(&mut self, request: tonic::Request<Charge>) -> Self::Future {
        let trace = request.metadata().get_bin("x-trace-bin").cloned();
        let charge = request.into_inner();
        let declined = charge.order_id == "o-declined";
        let refused = declined.then(|| Status::failed_precondition(format!("{} is declined by issuer", charge.token)));
        std::future::ready(refused.map_or_else(
            || {
                let receipt =
                    Receipt { receipt_id: "r-1".into(), amount_cents: charge.amount_cents, note: String::new() };
                let mut answer = Response::new(receipt);
                answer.metadata_mut().insert("x-server", "pay-1".parse().unwrap());
                if let Some(trace) = trace {
                    answer.metadata_mut().insert_bin("x-trace-bin", trace);
                }
                Ok(answer)
            },
            Err,
        ))
    }
}

type Receipts = Pin<Box<dyn tokio_stream::Stream<Item = Result<Receipt, Status>> + Send>>;

impl ServerStreamingService<Charge> for Payment {
    type Response = Receipt;
    type ResponseStream = Receipts;
    type Future = std::future::Ready<Result<Response<Receipts>, Status>>;

    fn call(&mut self, request: tonic::Request<Charge>) -> Self::Future {
        let charge = request.into_inner();
        let of =
            move |number: i64| Receipt { receipt_id: format!("r-{number}"), amount_cents: number, note: String::new() };
        let mut all: Vec<Result<Receipt, Status>> = (1..=3).map(|number| Ok(of(number))).collect();
        if charge.token == "endless" {
            all.extend((4..=100_001).map(|number| Ok(of(number))));
        }
        if charge.token == "breaks" {
            all.push(Err(Status::data_loss("the ledger is gone")));
        }
        std::future::ready(Ok(Response::new(Box::pin(tokio_stream::iter(all)))))
    }
}

struct Server {
    address: SocketAddr,
    configuration: String,
    /// The `traceparent` of each call, and who called whom.
    seen: Arc<Mutex<Vec<(String, String)>>>,
    /// How often it was asked to describe itself.
    asked: Arc<AtomicUsize>,
}

/// A payment service that exports to the run's receiver. It describes itself to who asks, or does not.
fn server(describes: bool) -> Server {
    let receiver = nobody();
    let sink = otlp(receiver);
    let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let asked = Arc::<AtomicUsize>::default();
    let answered = move |streams: bool| {
        let (sink, kept) = (Arc::clone(&sink), Arc::clone(&kept));
        move |request: Request| {
            let (sink, kept) = (Arc::clone(&sink), Arc::clone(&kept));
            async move {
                let path = request.uri().path().to_owned();
                let context = request.headers()["traceparent"].to_str().unwrap().to_owned();
                kept.lock().unwrap().push((path, context.clone()));
                let mut parts = context.split('-').skip(1);
                let (trace, parent) = (parts.next().unwrap(), parts.next().unwrap());
                sink(export(trace, parent, &[span("payment", SERVER, "shop.Payment", 1, 0)])).await;
                let codec = tonic_prost::ProstCodec::<Receipt, Charge>::default();
                let mut grpc = tonic::server::Grpc::new(codec);
                let request = request.map(tonic::body::Body::new);
                if streams {
                    grpc.server_streaming(Payment, request).await.into_response()
                } else {
                    grpc.unary(Payment, request).await.into_response()
                }
            }
        }
    };
    let mut router = axum::Router::new()
        .route("/shop.Payment/Authorize", post(answered(false)))
        .route("/shop.Payment/Watch", post(answered(true)));
    if describes {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("payment.proto"), PROTO).unwrap();
        let described = protox::compile(["payment.proto"], [folder.path()]).unwrap();
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(&prost::Message::encode_to_vec(&described))
            .build_v1()
            .unwrap();
        let counted = Arc::clone(&asked);
        let count = move |request: Request, next: axum::middleware::Next| {
            counted.fetch_add(1, Ordering::Relaxed);
            next.run(request)
        };
        let describing = axum::Router::new()
            .route_service("/grpc.reflection.v1.ServerReflection/{*method}", reflection)
            .layer(axum::middleware::from_fn(count));
        router = router.merge(describing);
    } else {
        // As a gRPC server answers what it does not have.
        let unimplemented = || async { [("content-type", "application/grpc"), ("grpc-status", "12")] };
        router = router.fallback(unimplemented);
    }
    let address = serve(router);
    let configuration = format!(
        "exporter_delay: 20ms\nbackend: {{ receiver: {{ http: \"{receiver}\" }} }}\nvars: {{ payment: \"{address}\" }}\n"
    );
    Server { address, configuration, seen, asked }
}

fn spec(call: &str, rest: &str) -> String {
    format!(
        "vars: {{ cents: 1299 }}\ntests:\n  - name: a charge\n    grpc: {{ address: \"${{payment}}\", {call} }}\n{rest}"
    )
}

fn run(server: &Server, call: &str, rest: &str) -> Ran {
    let project = Project::new(&server.configuration, &spec(call, rest));
    project.write("specs/protos/payment.proto", PROTO);
    project.run(&[])
}

const AUTHORIZE: &str = "method: shop.Payment/Authorize, message: { order_id: o-1, amountCents: \"${cents}\", token: t, at: '2026-01-02T03:04:05Z' }";

#[test]
fn a_call_is_described_by_the_server_carries_the_context_and_answers_with_typed_values() {
    let server = server(true);
    let ran = run(
        &server,
        AUTHORIZE,
        r#"    response:
      status: OK
      metadata: { x-server: pay-1 }
      json: { $.receiptId: r-1, $.amountCents: 1299, $.note: "" }
      duration: < 20s
      capture: { receipt: $.receiptId, server: { header: x-server }, code: status }
    trace: { services: [payment], span_count: 1, propagation: intact }
"#,
    );
    ran.exits(0);
    let seen = server.seen.lock().unwrap();
    let trace = ran.test("a charge")["trace_id"].as_str().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].0 == "/shop.Payment/Authorize" && seen[0].1.starts_with(&format!("00-{trace}-")), "{seen:?}");
}

#[test]
fn a_server_is_asked_once_in_a_run_what_its_methods_take() {
    let server = server(true);
    let rows: Vec<String> = (0..20).map(|row| format!("{{ row: {row} }}")).collect();
    let matrix = format!(
        "    matrix: [{}]\n    response: {{ json: {{ $.receiptId: r-1 }} }}\n    trace: none\n",
        rows.join(", ")
    );
    run(&server, AUTHORIZE, &matrix).exits(0);
    assert_eq!((server.seen.lock().unwrap().len(), server.asked.load(Ordering::Relaxed)), (20, 1));
}

#[test]
fn binary_metadata_is_base64_both_ways() {
    let server = server(true);
    let metadata = |value: &str| format!("{AUTHORIZE}, metadata: {{ x-trace-bin: '{value}' }}");
    let answers = |value: &str| {
        format!("    response: {{ metadata: {{ x-trace-bin: '{value}' }} }}\n    trace: {{ services: [payment] }}\n")
    };
    run(&server, &metadata("AAH/"), &answers("AAH/")).exits(0);
    // Padded or not when it is sent, padded when it is compared.
    run(&server, &metadata("AAE"), &answers("AAE=")).exits(0);
    run(&server, &metadata("AAE="), &answers("AAE=")).exits(0);
    run(&server, &metadata("AAE="), &answers("AAI=")).exits(1);
    run(&server, &metadata("no base64!"), &answers("x")).exits(2).says(&["`no base64!` is not base64"]);
    run(&server, &metadata("no ${cents}!"), &answers("x")).exits(4).says(&["this value is not base64"]);
}

#[test]
fn a_server_that_does_not_describe_itself_needs_proto_files_and_says_so() {
    let server = server(false);
    let trace = "    trace: { services: [payment] }\n";
    run(&server, AUTHORIZE, trace).exits(4).says(&["no server reflection", "grpc: { proto: [orders.proto] }"]);
    run(&server, &format!("{AUTHORIZE}, proto: protos/payment.proto"), trace).exits(0);
    let including = format!("{AUTHORIZE}, proto: [protos/payment.proto], includes: [protos]");
    run(&server, &including, trace).exits(0);
}

#[test]
fn a_status_other_than_ok_fails_unless_the_spec_names_it() {
    let server = server(true);
    let declined = AUTHORIZE.replace("o-1", "o-declined").replace("token: t", "token: hush-hush");
    let ran = run(&server, &declined, "    trace: { services: [payment] }\n");
    ran.exits(1).says(&[
        "shop.Payment/Authorize answered FAILED_PRECONDITION, expected OK",
        "it said: *** is declined by issuer",
    ]);
    let line = ran.test("a charge")["steps"][0]["request"]["curl"].as_str().unwrap();
    assert!(
        line.starts_with("grpcurl -plaintext -H 'traceparent: 00-") && line.ends_with("shop.Payment/Authorize"),
        "{line}"
    );
    assert!(line.contains("\"orderId\"") || line.contains("\"order_id\""), "{line}");
    assert!(!ran.report.to_string().contains("hush"));
    let expected = "    response: { status: FAILED_PRECONDITION, status_message: { contains: declined } }\n";
    run(&server, &declined, &format!("{expected}    trace: {{ services: [payment] }}\n")).exits(0);
    let other = "    response: { status: '!= FAILED_PRECONDITION' }\n";
    run(&server, &declined, other).exits(1).says(&["answered FAILED_PRECONDITION"]);
}

#[test]
fn the_messages_of_a_stream_are_a_list_and_its_last_word_is_the_status() {
    let server = server(true);
    let watch = AUTHORIZE.replace("Authorize", "Watch");
    let json = "    response: { json: { $: { length: 3 }, '$[2].receiptId': r-3, '$[*].amountCents': [1, 2, 3] } }\n";
    run(&server, &watch, json).exits(0);
    let breaks = watch.replace("token: t", "token: breaks");
    run(&server, &breaks, json).exits(1).says(&["answered DATA_LOSS", "the ledger is gone"]);
    // What came before the status is there.
    let both = |count: usize| {
        format!("    response: {{ status: DATA_LOSS, json: {{ $: {{ length: {count} }}, '$[2].receiptId': r-3 }} }}\n")
    };
    run(&server, &breaks, &both(3)).exits(0);
    run(&server, &breaks, &both(2)).exits(1);
}

#[test]
fn a_limit_of_the_runner_and_an_answer_that_cannot_be_read_are_no_status_of_the_server() {
    let server = server(true);
    let status = |word: &str| format!("    response: {{ status: {word} }}\n");
    let endless = AUTHORIZE.replace("Authorize", "Watch").replace("token: t", "token: endless");
    run(&server, &endless, &status("RESOURCE_EXHAUSTED")).exits(4).says(&["more than 100000 messages"]);
    // The spec's `.proto` has another type where the server sends text.
    let project =
        Project::new(&server.configuration, &spec(&format!("{AUTHORIZE}, proto: payment.proto"), &status("INTERNAL")));
    project.write("specs/payment.proto", &PROTO.replace("string receipt_id = 1", "int64 receipt_id = 1"));
    project.run(&[]).exits(4).says(&["cannot be read", "shop.Receipt"]);
}

#[test]
fn what_cannot_be_called_says_why_and_what_there_is() {
    let server = server(true);
    let rest = "    trace: { services: [payment] }\n";
    for (call, words) in [
        (AUTHORIZE.replace("Authorize", "Autorize"), &["no method `Autorize`; it has Authorize, Watch, Upload"][..]),
        (AUTHORIZE.replace("Payment", "Payments"), &["knows no service `shop.Payments`"]),
        (
            AUTHORIZE.replace("order_id", "order"),
            &["`grpc.message` is no shop.Charge", "its fields are orderId, amountCents"],
        ),
        (AUTHORIZE.replace("Authorize", "Upload"), &["takes a stream of messages"]),
    ] {
        run(&server, &call, rest).exits(4).says(words);
    }
    let gone = Server {
        configuration: server.configuration.replace(&server.address.to_string(), &nobody().to_string()),
        ..server
    };
    run(&gone, AUTHORIZE, rest).exits(4).says(&["could not be called", "is the system under test running"]);
}

#[test]
fn a_port_that_speaks_http_1_only_is_recognised() {
    let receiver = nobody();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let configuration =
        format!("backend: {{ receiver: {{ http: \"{receiver}\" }} }}\nvars: {{ payment: \"{address}\" }}\n");
    let server = Server { address, configuration, seen: Arc::default(), asked: Arc::default() };
    run(&server, AUTHORIZE, "    trace: none\n    response: { status: OK }\n")
        .exits(4)
        .says(&["does it speak gRPC there"]);
}

//! A payment service that speaks gRPC, describes itself or does not, and exports spans.

use crate::spans::{SERVER, export, span};
use crate::target::{Sink, nobody, otlp, serve};
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

/// What it takes and answers.
pub const PROTO: &str = r#"
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

/// A running payment service.
pub struct Server {
    pub address: SocketAddr,
    pub configuration: String,
    /// The `traceparent` of each call, and who called whom.
    pub seen: Arc<Mutex<Vec<(String, String)>>>,
    /// How often it was asked to describe itself.
    pub asked: Arc<AtomicUsize>,
}

/// A payment service that exports to the run's receiver. It describes itself to who asks, or does not.
pub fn server(describes: bool) -> Server {
    let receiver = nobody();
    let mut server = server_for(describes, otlp(receiver));
    server.configuration = format!(
        "exporter_delay: 20ms\nbackend: {{ receiver: {{ http: \"{receiver}\" }} }}\nvars: {{ payment: \"{}\" }}\n",
        server.address
    );
    server
}

/// The same, whose spans go there.
pub fn server_for(describes: bool, sink: Sink) -> Server {
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
    Server { address, configuration: String::new(), seen, asked }
}

//! OTLP over gRPC: `TraceService/Export`, and the services of metrics and logs, whose messages are thrown away.
//!
//! A message is taken as it lies and read as one over HTTP is, rather than made into objects first.

use super::otlp::{Ingest, LARGE_BYTES, beside, partial_success, pass, refused};
use super::relay::Piece;
use super::store::{Batch, Store};
use crate::wire::otlp_proto;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::bytes::Buf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder};
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

/// Answers as usual, and leaves requests as they are.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = ExportTraceServiceResponse;
    type Decode = Bytes;
    type Encoder = <ProstCodec<ExportTraceServiceResponse, ()> as Codec>::Encoder;
    type Decoder = Raw;
    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<ExportTraceServiceResponse, ()>::default().encoder()
    }
    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

struct Traces(Arc<Store>);

type Answer = Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status>;

impl UnaryService<Bytes> for Traces {
    type Response = ExportTraceServiceResponse;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;
    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        Box::pin(export(Arc::clone(&self.0), request.into_inner()))
    }
}

async fn export(store: Arc<Store>, message: Bytes) -> Answer {
    let (piece, into) = (store.relay().map(|_| Piece::Protobuf(message.clone())), Arc::clone(&store));
    let stored = beside(message.len() >= LARGE_BYTES, move || {
        let mut batch = Batch::default();
        otlp_proto::read(&message, &mut batch).map_err(|error| error.to_string())?;
        Ok::<_, String>(into.add(batch, Instant::now()))
    });
    match stored.await {
        Some(Ok(stored)) => {
            pass(&store, piece).await;
            Ok(tonic::Response::new(ExportTraceServiceResponse { partial_success: partial_success(stored) }))
        }
        Some(Err(words)) => {
            refused(&store, &words).await;
            Err(tonic::Status::invalid_argument(words))
        }
        None => {
            let words = "the receiver could not decode this request";
            refused(&store, words).await;
            Err(tonic::Status::internal(words))
        }
    }
}

pub(super) async fn traces(State(ingest): State<Ingest>, request: Request) -> Response {
    let grpc = set_up(Grpc::new(Raw), &ingest);
    answered(grpc, Traces(ingest.store), request).await
}

/// Takes any message and answers with an empty one.
struct Nothing;

impl UnaryService<()> for Nothing {
    type Response = ();
    type Future = std::future::Ready<Result<tonic::Response<()>, tonic::Status>>;
    fn call(&mut self, _: tonic::Request<()>) -> Self::Future {
        std::future::ready(Ok(tonic::Response::new(())))
    }
}

pub(super) async fn discard(State(ingest): State<Ingest>, request: Request) -> Response {
    // `()` is prost's empty message: all fields are unknown to it and skipped.
    answered(set_up(Grpc::new(ProstCodec::<(), ()>::default()), &ingest), Nothing, request).await
}

fn set_up<C: Codec>(grpc: Grpc<C>, ingest: &Ingest) -> Grpc<C> {
    grpc.accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(ingest.limits.body)
}

async fn answered<C: Codec, S>(mut grpc: Grpc<C>, service: S, request: Request) -> Response
where
    S: UnaryService<C::Decode, Response = C::Encode>,
    C::Encode: Sync,
{
    grpc.unary(service, request).await.map(Body::new)
}

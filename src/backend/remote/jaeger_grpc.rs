//! Jaeger over gRPC: `jaeger.api_v3.QueryService` on port 16685, whose connection is kept, unlike that of its HTTP port.

use super::grpc::Link;
use super::http::{HttpOptions, SetupError, secret};
use super::jaeger::{no_link_search, probe_failed};
use super::{Backend, Fetch, Pipeline, Probe, SearchError};
use crate::receiver::Arrivals;
use crate::trace::{TraceBuilder, TraceId};
use crate::wire::otlp_proto;
use async_trait::async_trait;
use http::HeaderName;
use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use std::sync::Arc;
use tonic::codec::CompressionEncoding;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

/// Jaeger's query service over gRPC.
#[derive(Debug)]
pub struct JaegerGrpc {
    link: Link,
}

// Field numbers: jaeger-idl, proto/api_v3/query_service.proto.
#[derive(Clone, PartialEq, Message)]
struct GetTraceRequest {
    #[prost(string, tag = "1")]
    trace_id: String,
    #[prost(bool, tag = "4")]
    raw_traces: bool,
}

#[derive(Clone, PartialEq, Message)]
struct GetServicesRequest {}

#[derive(Clone, PartialEq, Message)]
struct GetServicesResponse {
    #[prost(string, repeated, tag = "1")]
    services: Vec<String>,
}

impl JaegerGrpc {
    /// Sets the client up; connects with the first read. The tenant is sent as `x-tenant`. Needs a tokio runtime.
    pub fn new(mut options: HttpOptions, tenant: Option<&str>) -> Result<JaegerGrpc, SetupError> {
        if let Some(tenant) = tenant {
            options.headers.push((HeaderName::from_static("x-tenant"), secret("the tenant", tenant)?));
        }
        Ok(JaegerGrpc { link: Link::new(&options)? })
    }

    async fn client(&self) -> Result<tonic::client::Grpc<tonic::transport::Channel>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.link.channel.clone())
            .max_decoding_message_size(self.link.max_body)
            .accept_compressed(CompressionEncoding::Gzip);
        grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        Ok(grpc)
    }

    async fn open(&self, id: TraceId) -> Result<Streaming<TracesData>, Status> {
        let path = PathAndQuery::from_static("/jaeger.api_v3.QueryService/GetTrace");
        let request = self.link.request(GetTraceRequest { trace_id: id.to_string(), raw_traces: true });
        let codec = ProstCodec::<GetTraceRequest, TracesData>::default();
        Ok(self.client().await?.server_streaming(request, path, codec).await?.into_inner())
    }

    async fn services(&self) -> Result<Vec<String>, Status> {
        let path = PathAndQuery::from_static("/jaeger.api_v3.QueryService/GetServices");
        let request = self.link.request(GetServicesRequest {});
        let codec = ProstCodec::<GetServicesRequest, GetServicesResponse>::default();
        Ok(self.client().await?.unary(request, path, codec).await?.into_inner().services)
    }

    async fn read(&self, id: TraceId) -> Result<TraceBuilder, Fetch> {
        let within = self.link.timeout;
        let failed = |status: Status| self.link.failed(&status);
        let opened = tokio::time::timeout(within, self.open(id)).await.map_err(|_| self.link.late())?;
        let mut stream = opened.map_err(failed)?;
        let (mut spans, mut bytes) = (TraceBuilder::new(), 0);
        loop {
            let next = tokio::time::timeout(within, stream.message()).await.map_err(|_| self.link.late())?;
            let Some(chunk) = next.map_err(failed)? else { return Ok(spans) };
            bytes += chunk.encoded_len();
            if bytes > self.link.max_body {
                let most = self.link.max_body >> 20;
                let words = format!("{} answers with more than the {most} MiB that are taken", self.link.shown());
                return Err(Fetch::Refused { words });
            }
            otlp_proto::add(chunk, &mut spans);
        }
    }
}

#[async_trait]
impl Backend for JaegerGrpc {
    fn describe(&self) -> String {
        format!("Jaeger (gRPC) at {}", self.link.shown())
    }

    fn max_in_flight(&self) -> usize {
        self.link.max_in_flight
    }

    async fn fetch(&self, id: TraceId) -> Fetch {
        // Never closed, so acquiring cannot fail; were it, reading without a slot is right.
        let _slot = self.link.slots.acquire().await.ok();
        match self.read(id).await {
            // Up to v2.20 a missing trace is a stream without messages.
            Ok(spans) if spans.is_empty() => {
                Fetch::NotYet { words: format!("{} answers with no spans", self.link.shown()) }
            }
            Ok(spans) => Fetch::Found(Arc::new(spans)),
            Err(fetch) => fetch,
        }
    }

    fn arrivals(&self, _: TraceId) -> Option<Arrivals> {
        None
    }

    fn through(&self) -> Pipeline {
        Pipeline::Remote
    }

    async fn linking_to(&self, _: TraceId) -> Result<Vec<TraceId>, SearchError> {
        Err(SearchError::Unsupported { words: no_link_search("Jaeger") })
    }

    async fn probe(&self) -> Probe {
        match tokio::time::timeout(self.link.timeout, self.services()).await {
            Err(_) => probe_failed("Jaeger (gRPC)", self.link.late()),
            Ok(Err(status)) => probe_failed("Jaeger (gRPC)", self.link.failed(&status)),
            Ok(Ok(services)) => {
                let words = vec![super::jaeger::count(&services)];
                Probe { ok: true, transient: false, what: "Jaeger, gRPC api_v3".to_owned(), version: None, words }
            }
        }
    }
}

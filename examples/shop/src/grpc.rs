//! gRPC instrumentation, client and server side, by the RPC semantic conventions. Unary calls only: the shop has
//! no others.

use std::future::Future;
use std::net::SocketAddr;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use prost::Message;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::server::UnaryService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Extensions, Status};
use tonic_prost::ProstCodec;

use crate::Error;
use crate::propagation::{self, RequestContext};
use crate::spans::{self, Beginning};

/// A client of one other service.
pub(crate) struct GrpcClient {
    channel: Channel,
    peer: SocketAddr,
}

impl GrpcClient {
    /// Connects with the first call.
    pub(crate) fn new(peer: SocketAddr) -> Result<Self, Error> {
        let channel = Endpoint::from_shared(format!("http://{peer}"))?.connect_lazy();
        Ok(Self { channel, peer })
    }

    /// Calls `method` (`package.Service/Method`) within a CLIENT span.
    pub(crate) async fn call<Req, Res>(
        &self,
        request: &RequestContext,
        method: &'static str,
        message: Req,
    ) -> Result<Res, Status>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let cx = begin(&request.cx, "shop.grpc.client", SpanKind::Client, method, self.peer);
        cx.span().set_attribute(KeyValue::new("service.peer.name", "payment-service"));
        let headers = propagation::headers(&request.within(cx.clone()), true);
        let outgoing = tonic::Request::from_parts(MetadataMap::from_headers(headers), Extensions::default(), message);
        let answer = self.unary(method, outgoing).await;
        end(&cx, answer.as_ref().err());
        answer
    }

    async fn unary<Req, Res>(&self, method: &'static str, outgoing: tonic::Request<Req>) -> Result<Res, Status>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let path = PathAndQuery::try_from(format!("/{method}"))
            .map_err(|error| Status::internal(format!("method name {method}: {error}")))?;
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let codec = ProstCodec::<Req, Res>::default();
        Ok(client.unary(outgoing, path, codec).await?.into_inner())
    }
}

/// Answers one unary call within a SERVER span.
pub(crate) async fn serve<Req, Res, F, Fut>(
    method: &'static str,
    own_address: SocketAddr,
    request: Request,
    handle: F,
) -> Response
where
    Req: Message + Default + 'static,
    Res: Message + 'static,
    F: Fn(RequestContext, Req) -> Fut,
    Fut: Future<Output = Result<Res, Status>>,
{
    let parent = propagation::extract(request.headers());
    let wishes = propagation::wishes(request.headers());
    let cx = begin(&parent, "shop.grpc.server", SpanKind::Server, method, own_address);
    let handler = |message: tonic::Request<Req>| {
        let cx = cx.clone();
        let context = wishes.clone().map(|wishes| RequestContext { cx: cx.clone(), wishes });
        let work = context.map(|context| handle(context, message.into_inner()));
        async move {
            let answer = match work {
                Ok(work) => work.await,
                Err(problem) => Err(Status::invalid_argument(problem)),
            };
            end(&cx, answer.as_ref().err());
            answer.map(tonic::Response::new)
        }
    };
    tonic::server::Grpc::new(ProstCodec::<Res, Req>::default()).unary(Handler(handler), request).await.into_response()
}

/// Lets a closure stand where tonic's generated code would put a service.
struct Handler<F>(F);

impl<F, Fut, Req, Res> UnaryService<Req> for Handler<F>
where
    F: FnMut(tonic::Request<Req>) -> Fut,
    Fut: Future<Output = Result<tonic::Response<Res>, Status>>,
{
    type Response = Res;
    type Future = Fut;

    fn call(&mut self, request: tonic::Request<Req>) -> Fut {
        (self.0)(request)
    }
}

fn begin(parent: &Context, scope: &'static str, kind: SpanKind, method: &'static str, server: SocketAddr) -> Context {
    spans::begin(
        parent,
        Beginning {
            scope,
            name: method.into(),
            kind,
            attributes: vec![
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", method),
                KeyValue::new("server.address", server.ip().to_string()),
                KeyValue::new("server.port", i64::from(server.port())),
            ],
        },
    )
}

fn end(cx: &Context, failure: Option<&Status>) {
    let code = code_name(failure.map_or(Code::Ok, Status::code));
    cx.span().set_attribute(KeyValue::new("rpc.status_code", code));
    if let Some(status) = failure {
        spans::fail(cx, code, status.message().to_owned());
    }
    cx.span().end();
}

/// The code as the gRPC specification writes it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

//! payment-service: authorises payments (gRPC).

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt;
use tonic::Status;

use crate::Error;
use crate::fault::Fault;
use crate::grpc;
use crate::payment_api::{
    AUTHORIZE, AuthorizeRequest, AuthorizeResponse, SCORE, ScoreRequest, ScoreResponse, descriptors,
};
use crate::propagation::RequestContext;
use crate::spans;

const PROCESSOR: &str = "northpay";
/// How long the card network takes to answer.
const NETWORK: Duration = Duration::from_millis(20);
/// How much longer on a bad day.
const CONGESTION: Duration = Duration::from_millis(3200);
/// The test card that is always refused.
const REFUSED_TOKEN: &str = "tok_declined";

pub(crate) fn routes(own_address: SocketAddr) -> Result<Router, Error> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(&descriptors()?)
        .build_v1()?;
    Ok(Router::new()
        .route(
            &format!("/{AUTHORIZE}"),
            post(move |request: Request| grpc::serve(AUTHORIZE, own_address, request, authorize)),
        )
        .route(&format!("/{SCORE}"), post(move |request: Request| grpc::serve(SCORE, own_address, request, score)))
        // Instrumentations leave it out, as they leave out health checks.
        .route_service("/grpc.reflection.v1.ServerReflection/{*method}", reflection)
        .route("/healthz", get(|| async { "ok" })))
}

async fn authorize(context: RequestContext, request: AuthorizeRequest) -> Result<AuthorizeResponse, Status> {
    if request.amount_cents <= 0 || request.token.is_empty() {
        return Err(Status::invalid_argument("a charge needs an amount and a token"));
    }
    let cx = spans::begin_internal(
        &context.cx,
        "charge-card",
        vec![
            KeyValue::new("payment.method", request.method.clone()),
            KeyValue::new("payment.processor", PROCESSOR),
            KeyValue::new("payment.amount", decimal(request.amount_cents)),
            KeyValue::new("payment.currency", request.currency.clone()),
            KeyValue::new("shop.order.id", request.order_id.clone()),
        ],
    );
    tokio::time::sleep(NETWORK).await;
    if context.wishes.has(Fault::SlowPayment) {
        tokio::time::sleep(CONGESTION).await;
    }
    let declined = context.wishes.has(Fault::Declined) || request.token == REFUSED_TOKEN;
    if declined {
        spans::fail(&cx, "card_declined", "card declined by issuer");
    }
    cx.span().end();
    if declined {
        return Err(Status::failed_precondition("card declined by issuer"));
    }
    Ok(AuthorizeResponse {
        authorization_id: format!("auth_{:012x}", fastrand::u64(..1 << 48)),
        processor: PROCESSOR.into(),
    })
}

/// The fraud model was never deployed; who asks has to live without its answer.
async fn score(_: RequestContext, request: ScoreRequest) -> Result<ScoreResponse, Status> {
    Err(Status::internal(format!("fraud model not loaded, cannot score {} cents", request.amount_cents)))
}

/// Cents as the decimal amount that people and dashboards read.
pub(crate) fn decimal(cents: i64) -> f64 {
    // Exact to the cent up to 2^53 cents; orders are bounded far below.
    cents as f64 / 100.0
}

//! order-service: places orders. Charges the card, reserves the stock, tells the rest of the shop.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures_util::future::join_all;
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tonic::Code;

use crate::Error;
use crate::catalogue;
use crate::fault::Fault;
use crate::grpc::GrpcClient;
use crate::http_client::{Call, HttpClient};
use crate::http_server::{instrumented, refusal};
use crate::message::{self, Publisher};
use crate::payment::decimal;
use crate::payment_api::{AUTHORIZE, AuthorizeRequest, AuthorizeResponse, SCORE, ScoreRequest, ScoreResponse};
use crate::propagation::RequestContext;
use crate::spans::trace_id;

const CURRENCY: &str = "EUR";
const MOST_ITEMS: usize = 50;
const MOST_UNITS: i64 = 1000;

/// An order as the customer sends it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    items: Vec<Item>,
    payment: Payment,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Item {
    sku: String,
    qty: i64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Payment {
    method: String,
    token: String,
}

/// The services that orders need, and the orders themselves.
pub(crate) struct Backends {
    payment: GrpcClient,
    inventory: HttpClient,
    events: Publisher,
    placed: Mutex<HashMap<String, Value>>,
}

impl Backends {
    pub(crate) fn new(payment: SocketAddr, inventory: SocketAddr, broker: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            payment: GrpcClient::new(payment)?,
            inventory: HttpClient::new("inventory-service", inventory)?,
            events: Publisher::new(broker)?,
            placed: Mutex::default(),
        })
    }
}

pub(crate) fn routes(backends: Backends) -> Router {
    instrumented(
        Router::new().route("/orders", post(place)).route("/orders/{id}", get(show)).with_state(Arc::new(backends)),
    )
}

/// Why an order did not come about.
enum Refusal {
    Invalid(String),
    UnknownSku(String),
    Declined,
    OutOfStock(String),
    Unavailable(&'static str),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Invalid(why) => refusal(StatusCode::BAD_REQUEST, &why),
            Self::UnknownSku(sku) => refusal(StatusCode::NOT_FOUND, &format!("no product `{sku}`")),
            Self::Declined => {
                let body = Json(json!({ "status": "declined" }));
                (StatusCode::PAYMENT_REQUIRED, body).into_response()
            }
            Self::OutOfStock(sku) => refusal(StatusCode::CONFLICT, &format!("`{sku}` is out of stock")),
            Self::Unavailable(what) => refusal(StatusCode::SERVICE_UNAVAILABLE, &format!("{what} is unavailable")),
        }
    }
}

async fn place(
    State(backends): State<Arc<Backends>>,
    Extension(request): Extension<RequestContext>,
    Json(order): Json<NewOrder>,
) -> Result<Response, Refusal> {
    let total_cents = total(&order)?;
    let id = format!("ord_{:012x}", fastrand::u64(..1 << 48));
    let span = request.cx.span();
    span.set_attribute(KeyValue::new("shop.order.id", id.clone()));
    span.set_attribute(KeyValue::new("shop.order.total", decimal(total_cents)));

    if request.wishes.has(Fault::SwallowedError) {
        let score: Result<ScoreResponse, _> = backends
            .payment
            .call(&request, SCORE, ScoreRequest { order_id: id.clone(), amount_cents: total_cents })
            .await;
        drop(score);
    }
    if request.wishes.has(Fault::ReserveBeforeCharge) {
        reserve(&backends, &request, &id, &order.items).await?;
        charge(&backends, &request, &id, &order.payment, total_cents).await?;
    } else {
        charge(&backends, &request, &id, &order.payment, total_cents).await?;
        reserve(&backends, &request, &id, &order.items).await?;
    }

    let placed = json!({
        "id": id,
        "status": "confirmed",
        "total": decimal(total_cents),
        "currency": CURRENCY,
        "trace_id": trace_id(&request.cx),
    });
    let event = json!({ "type": "order.confirmed", "order_id": id, "items": order.items.len() });
    // A customer's order does not fail because the mail about it is late.
    let _ = backends.events.publish(&request, message::ORDER_EVENTS, event).await;
    backends.placed.lock().unwrap_or_else(PoisonError::into_inner).insert(id, placed.clone());
    Ok((StatusCode::CREATED, Json(placed)).into_response())
}

/// The order's price, from the price list that comes with each release.
fn total(order: &NewOrder) -> Result<i64, Refusal> {
    if order.items.is_empty() || order.items.len() > MOST_ITEMS {
        return Err(Refusal::Invalid(format!("an order has 1 to {MOST_ITEMS} items")));
    }
    let mut total = 0;
    for Item { sku, qty } in &order.items {
        if !(1..=MOST_UNITS).contains(qty) {
            return Err(Refusal::Invalid(format!("qty is 1 to {MOST_UNITS}")));
        }
        let product = catalogue::find(sku).ok_or_else(|| Refusal::UnknownSku(sku.clone()))?;
        total += product.price_cents * qty;
    }
    Ok(total)
}

async fn charge(
    backends: &Backends,
    request: &RequestContext,
    order_id: &str,
    payment: &Payment,
    amount_cents: i64,
) -> Result<(), Refusal> {
    let attempts = if request.wishes.has(Fault::ExtraRetry) { 2 } else { 1 };
    for _ in 0..attempts {
        let message = AuthorizeRequest {
            order_id: order_id.into(),
            amount_cents,
            currency: CURRENCY.into(),
            method: payment.method.clone(),
            token: payment.token.clone(),
        };
        let authorized: Result<AuthorizeResponse, _> = backends.payment.call(request, AUTHORIZE, message).await;
        match authorized {
            Ok(authorized) => request
                .cx
                .span()
                .set_attribute(KeyValue::new("shop.payment.authorization_id", authorized.authorization_id)),
            Err(status) if status.code() == Code::FailedPrecondition => {
                return Err(Refusal::Declined);
            }
            Err(status) if status.code() == Code::InvalidArgument => {
                return Err(Refusal::Invalid(status.message().into()));
            }
            Err(_) => return Err(Refusal::Unavailable("payment")),
        }
    }
    Ok(())
}

async fn reserve(backends: &Backends, request: &RequestContext, order_id: &str, items: &[Item]) -> Result<(), Refusal> {
    if request.wishes.has(Fault::MissingService) {
        return Ok(());
    }
    let reservations = items.iter().map(|item| reserve_item(backends, request, order_id, item));
    if request.wishes.has(Fault::Sequential) {
        for reservation in reservations {
            reservation.await?;
        }
        return Ok(());
    }
    join_all(reservations).await.into_iter().collect()
}

async fn reserve_item(
    backends: &Backends,
    request: &RequestContext,
    order_id: &str,
    item: &Item,
) -> Result<(), Refusal> {
    let call = Call {
        method: Method::POST,
        template: "/stock/{sku}/reservations",
        // The catalogue knows this SKU, so it is safe in a path.
        path: format!("/stock/{}/reservations", item.sku),
        body: Some(json!({ "order_id": order_id, "qty": item.qty })),
        traced: !request.wishes.has(Fault::LostContext),
    };
    match backends.inventory.send(request, call).await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) if answer.status == StatusCode::CONFLICT => Err(Refusal::OutOfStock(item.sku.clone())),
        Ok(_) | Err(_) => Err(Refusal::Unavailable("inventory")),
    }
}

async fn show(State(backends): State<Arc<Backends>>, Path(id): Path<String>) -> Response {
    let placed = backends.placed.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
    match placed {
        Some(order) => Json(order).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "no such order"),
    }
}

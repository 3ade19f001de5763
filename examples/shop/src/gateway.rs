//! api-gateway: the shop's public face. Checks what comes in and passes it on.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::Error;
use crate::graphql;
use crate::http_client::{Answer, Call, HttpClient};
use crate::http_server::{instrumented, refusal};
use crate::orders::NewOrder;
use crate::propagation::RequestContext;
use crate::service::Name;

/// The services behind the gateway.
pub(crate) struct Backends {
    pub(crate) orders: HttpClient,
    pub(crate) inventory: HttpClient,
}

impl Backends {
    pub(crate) fn new(orders: SocketAddr, inventory: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            orders: HttpClient::new("order-service", orders)?,
            inventory: HttpClient::new("inventory-service", inventory)?,
        })
    }
}

pub(crate) fn routes(backends: Backends) -> Result<Router, Error> {
    let backends = Arc::new(backends);
    Ok(instrumented(
        Router::new()
            .route("/orders", post(place_order))
            .route("/orders/{id}", get(show_order))
            .route("/products", get(list_products))
            .with_state(Arc::clone(&backends))
            .merge(graphql::routes(backends)?),
    ))
}

async fn place_order(
    State(backends): State<Arc<Backends>>,
    Extension(request): Extension<RequestContext>,
    body: Bytes,
) -> Response {
    let order: NewOrder = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &format!("not an order: {error}")),
    };
    let body = match serde_json::to_value(&order) {
        Ok(body) => body,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let call =
        Call { method: Method::POST, template: "/orders", path: "/orders".into(), body: Some(body), traced: true };
    relay(backends.orders.send(&request, call).await, Name::OrderService)
}

async fn show_order(
    State(backends): State<Arc<Backends>>,
    Extension(request): Extension<RequestContext>,
    Path(id): Path<String>,
) -> Response {
    if !is_order_id(&id) {
        return refusal(StatusCode::NOT_FOUND, "no such order");
    }
    let call =
        Call { method: Method::GET, template: "/orders/{id}", path: format!("/orders/{id}"), body: None, traced: true };
    relay(backends.orders.send(&request, call).await, Name::OrderService)
}

/// Whether a text consists of what an order id consists of: it goes into another URL.
pub(crate) fn is_order_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

async fn list_products(
    State(backends): State<Arc<Backends>>,
    Extension(request): Extension<RequestContext>,
) -> Response {
    let call = Call { method: Method::GET, template: "/products", path: "/products".into(), body: None, traced: true };
    relay(backends.inventory.send(&request, call).await, Name::InventoryService)
}

fn relay(answer: Result<Answer, reqwest::Error>, from: Name) -> Response {
    match answer {
        Ok(Answer { status, body }) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => refusal(StatusCode::BAD_GATEWAY, &format!("{from} cannot be reached")),
    }
}

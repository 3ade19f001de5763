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
use crate::http_client::{Answer, Call, HttpClient};
use crate::http_server::{instrumented, refusal};
use crate::orders::NewOrder;
use crate::propagation::RequestContext;
use crate::service::Name;

/// The services behind the gateway.
pub(crate) struct Backends {
    orders: HttpClient,
    inventory: HttpClient,
}

impl Backends {
    pub(crate) fn new(orders: SocketAddr, inventory: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            orders: HttpClient::new("order-service", orders)?,
            inventory: HttpClient::new("inventory-service", inventory)?,
        })
    }
}

pub(crate) fn routes(backends: Backends) -> Router {
    instrumented(
        Router::new()
            .route("/orders", post(place_order))
            .route("/orders/{id}", get(show_order))
            .route("/products", get(list_products))
            .with_state(Arc::new(backends)),
    )
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
    // The id goes into another URL: only what an order id consists of may pass.
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return refusal(StatusCode::NOT_FOUND, "no such order");
    }
    let call =
        Call { method: Method::GET, template: "/orders/{id}", path: format!("/orders/{id}"), body: None, traced: true };
    relay(backends.orders.send(&request, call).await, Name::OrderService)
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

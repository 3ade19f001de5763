//! inventory-service: knows what is on the shelves and books it out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt;
use serde::Deserialize;
use serde_json::json;

use crate::Error;
use crate::database::{Database, Reservation};
use crate::fault::Fault;
use crate::http_server::{instrumented, refusal};
use crate::payment::decimal;
use crate::propagation::RequestContext;
use crate::spans;

/// How long the warehouse's scales take to confirm that units are where they should be.
const WEIGHING: Duration = Duration::from_millis(25);

#[derive(Deserialize)]
struct Wanted {
    order_id: String,
    qty: i64,
}

pub(crate) fn routes() -> Result<Router, Error> {
    Ok(instrumented(
        Router::new()
            .route("/products", get(products))
            .route("/stock/{sku}/reservations", post(reserve))
            .with_state(Arc::new(Database::open()?)),
    ))
}

async fn products(State(database): State<Arc<Database>>, Extension(request): Extension<RequestContext>) -> Response {
    let listed = tokio::task::spawn_blocking(move || database.products(&request.cx)).await;
    let Ok(Ok(products)) = listed else {
        return unavailable();
    };
    let products: Vec<_> = products
        .into_iter()
        .map(|(sku, name, price_cents)| json!({ "sku": sku, "name": name, "price": decimal(price_cents) }))
        .collect();
    Json(json!({ "products": products })).into_response()
}

async fn reserve(
    State(database): State<Arc<Database>>,
    Extension(request): Extension<RequestContext>,
    Path(sku): Path<String>,
    Json(wanted): Json<Wanted>,
) -> Response {
    let span = request.cx.span();
    span.set_attribute(KeyValue::new("shop.order.id", wanted.order_id));
    span.set_attribute(KeyValue::new("shop.product.sku", sku.clone()));

    let weighing = spans::begin_internal(&request.cx, "weigh-shelf", Vec::new());
    tokio::time::sleep(WEIGHING).await;
    weighing.span().end();

    let shelf_by_shelf = request.wishes.has(Fault::NPlusOne);
    let cx = request.cx.clone();
    let booked = tokio::task::spawn_blocking(move || database.reserve(&cx, &sku, wanted.qty, shelf_by_shelf)).await;
    match booked {
        Ok(Ok(Reservation::Booked { shelf })) => (StatusCode::CREATED, Json(json!({ "shelf": shelf }))).into_response(),
        Ok(Ok(Reservation::OutOfStock)) => refusal(StatusCode::CONFLICT, "out of stock"),
        Ok(Ok(Reservation::UnknownSku)) => refusal(StatusCode::NOT_FOUND, "no such product"),
        Ok(Err(_)) | Err(_) => unavailable(),
    }
}

fn unavailable() -> Response {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "the database failed")
}

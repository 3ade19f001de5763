//! A job beside the services: places one order, as whoever keeps an office in mice does each night. It continues the trace
//! that its environment names (`TRACEPARENT`, as OpenTelemetry has it for programs), and begins one otherwise.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::Method;
use clap::Args;
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt;
use serde_json::{Value, json};

use crate::Error;
use crate::fault::Wishes;
use crate::http_client::{Call, HttpClient};
use crate::propagation::{self, RequestContext};
use crate::{spans, telemetry};

/// How long the export of the job's own spans may take.
const FLUSH: Duration = Duration::from_secs(5);

/// What the job is told.
#[derive(Args)]
pub(crate) struct ReorderOptions {
    /// What to order
    sku: String,
    /// How many
    #[arg(long, default_value_t = 1)]
    qty: i64,
    /// Address of the api-gateway
    #[arg(long, default_value = "127.0.0.1:8080")]
    gateway: SocketAddr,
    /// Faults of the shop, as in the header x-fault
    #[arg(long, default_value = "none")]
    fault: String,
}

/// Prints the order on standard output.
pub(crate) async fn run(options: &ReorderOptions) -> Result<(), Error> {
    let wishes = Wishes::parse(Some(&options.fault), None)?;
    let provider = telemetry::start("reorder-job", "1.0.3", true)?;
    let attributes = vec![KeyValue::new("shop.product.sku", options.sku.clone())];
    let cx = spans::begin_internal(&propagation::from_environment(), "reorder", attributes);
    let order = order(options, &RequestContext { cx: cx.clone(), wishes }).await;
    if let Err(error) = &order {
        spans::fail(&cx, "order_refused", error.to_string());
    }
    cx.span().end();
    // Blocks until the last batch is out.
    let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH)).await?;
    println!("{}", order?);
    flushed.map_err(|error| format!("the job's spans could not be exported: {error}").into())
}

async fn order(options: &ReorderOptions, request: &RequestContext) -> Result<Value, Error> {
    let gateway = HttpClient::new("api-gateway", options.gateway)?;
    let get = Call { method: Method::GET, template: "/products", path: "/products".into(), body: None, traced: true };
    let listed: Value = serde_json::from_slice(&gateway.send(request, get).await?.body)?;
    let is_it = |product: &Value| product["sku"] == options.sku.as_str();
    if !listed["products"].as_array().is_some_and(|products| products.iter().any(is_it)) {
        return Err(format!("the shop has no `{}`", options.sku).into());
    }
    let body = json!({
        "items": [{ "sku": options.sku, "qty": options.qty }],
        "payment": { "method": "invoice", "token": "tok_office" },
    });
    let post =
        Call { method: Method::POST, template: "/orders", path: "/orders".into(), body: Some(body), traced: true };
    let answer = gateway.send(request, post).await?;
    let text = String::from_utf8_lossy(&answer.body);
    if !answer.status.is_success() {
        return Err(format!("the shop answered {}: {text}", answer.status).into());
    }
    Ok(serde_json::from_str(&text)?)
}

//! notification-service: tells customers about their orders. It keeps the queue: a broker that takes messages at once
//! and a consumer that gets to them later.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::message::{Message, ORDER_EVENTS, SYSTEM};
use crate::propagation;
use crate::service::Service;
use crate::spans::{self, Beginning};

/// Messages the broker holds before it refuses more.
const CAPACITY: usize = 4096;
/// How long a message lies in the queue at least.
const DELIVERY: Duration = Duration::from_millis(30);
/// How long the mail server takes.
const MAIL: Duration = Duration::from_millis(8);

/// A message and when the broker took it.
type Queued = (Instant, Message);

pub(crate) fn service() -> Service {
    let (queue, messages) = mpsc::channel(CAPACITY);
    Service {
        routes: Router::new()
            .route("/broker/{topic}", post(accept))
            .route("/healthz", get(|| async { "ok" }))
            .with_state(queue),
        // Ends with the last message once the broker's end of the queue is dropped.
        background: Some(tokio::spawn(consume(messages))),
    }
}

async fn accept(
    State(queue): State<mpsc::Sender<Queued>>,
    Path(topic): Path<String>,
    Json(message): Json<Message>,
) -> StatusCode {
    if topic != ORDER_EVENTS {
        return StatusCode::NOT_FOUND;
    }
    match queue.try_send((Instant::now(), message)) {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn consume(mut messages: mpsc::Receiver<Queued>) {
    while let Some((taken, message)) = messages.recv().await {
        tokio::time::sleep_until(taken + DELIVERY).await;
        process(&message).await;
    }
}

/// The conventions let a consumer of single messages be a child of the producer and link to it as well; a consumer
/// that only links starts a trace of its own.
async fn process(message: &Message) {
    let sent = propagation::from_message(&message.headers);
    let parent = if sent.wishes.link_only() { Context::new() } else { sent.cx.clone() };
    let cx = spans::begin_linked(
        &parent,
        Beginning {
            scope: "shop.messaging",
            name: format!("process {ORDER_EVENTS}").into(),
            kind: SpanKind::Consumer,
            attributes: vec![
                KeyValue::new("messaging.system", SYSTEM),
                KeyValue::new("messaging.operation.name", "process"),
                KeyValue::new("messaging.operation.type", "process"),
                KeyValue::new("messaging.destination.name", ORDER_EVENTS),
                KeyValue::new("messaging.consumer.group.name", "notifications"),
                KeyValue::new("messaging.message.id", message.id.clone()),
            ],
        },
        vec![Link::with_context(sent.cx.span().span_context().clone())],
    );
    if let Some(order) = message.body["order_id"].as_str() {
        cx.span().set_attribute(KeyValue::new("shop.order.id", order.to_owned()));
    }
    let mail = spans::begin_internal(&cx, "send-confirmation", Vec::new());
    tokio::time::sleep(MAIL).await;
    mail.span().end();
    cx.span().end();
}

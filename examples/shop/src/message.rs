//! What goes over the queue, and the producer's side of it: a PRODUCER span by the messaging semantic conventions.

use std::collections::HashMap;
use std::net::SocketAddr;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::http_client::{chain, error_type, plain};
use crate::propagation::{self, RequestContext};
use crate::spans::{self, Beginning};

/// Where the fate of orders is told.
pub(crate) const ORDER_EVENTS: &str = "order-events";
/// The broker's product name in `messaging.system`.
pub(crate) const SYSTEM: &str = "shopmq";

/// A message as it waits in the queue.
#[derive(Deserialize, Serialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

/// Sends messages to the broker.
pub(crate) struct Publisher {
    http: reqwest::Client,
    broker: SocketAddr,
}

impl Publisher {
    pub(crate) fn new(broker: SocketAddr) -> Result<Self, Error> {
        let http = plain()?;
        Ok(Self { http, broker })
    }

    /// Hands a message to the broker within a PRODUCER span. The broker's own protocol makes no spans, as usual.
    pub(crate) async fn publish(
        &self,
        request: &RequestContext,
        destination: &'static str,
        body: Value,
    ) -> Result<(), reqwest::Error> {
        let id = format!("msg_{:012x}", fastrand::u64(..1 << 48));
        let cx = spans::begin(
            &request.cx,
            Beginning {
                scope: "shop.messaging",
                name: format!("send {destination}").into(),
                kind: SpanKind::Producer,
                attributes: vec![
                    KeyValue::new("messaging.system", SYSTEM),
                    KeyValue::new("messaging.operation.name", "send"),
                    KeyValue::new("messaging.operation.type", "send"),
                    KeyValue::new("messaging.destination.name", destination),
                    KeyValue::new("messaging.message.id", id.clone()),
                    KeyValue::new("server.address", self.broker.ip().to_string()),
                    KeyValue::new("server.port", i64::from(self.broker.port())),
                ],
            },
        );
        let message = Message { id, headers: propagation::message_headers(&request.within(cx.clone())), body };
        let url = format!("http://{}/broker/{destination}", self.broker);
        let sent = self.http.post(url).json(&message).send().await;
        let sent = sent.and_then(reqwest::Response::error_for_status);
        if let Err(error) = &sent {
            spans::fail(&cx, error_type(error), chain(error));
        }
        cx.span().end();
        sent.map(drop)
    }
}

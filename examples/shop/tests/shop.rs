//! The demo shop must do exactly what its description says, healthy and under each fault: it is what every other test
//! of this project is measured against. Nothing here uses the project's library.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "shop/collector.rs"]
mod collector;
#[path = "shop/entrances.rs"]
mod entrances;
#[path = "shop/faults.rs"]
mod faults;
#[path = "shop/lifecycle.rs"]
mod lifecycle;
#[path = "shop/process.rs"]
mod process;

use std::sync::OnceLock;

use collector::{Collector, Span, outline};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use process::{Answer, Shop};
use serde_json::{Value, json};

const HEALTHY: [&str; 14] = [
    "api-gateway server POST /orders",
    "  api-gateway client POST /orders",
    "    order-service server POST /orders",
    "      order-service client shop.Payment/Authorize",
    "        payment-service server shop.Payment/Authorize",
    "          payment-service internal charge-card",
    "      order-service client POST /stock/{sku}/reservations",
    "        inventory-service server POST /stock/{sku}/reservations",
    "          inventory-service internal weigh-shelf",
    "          inventory-service client SELECT shelf_stock",
    "          inventory-service client UPDATE shelf_stock",
    "      order-service producer send order-events",
    "        notification-service consumer process order-events",
    "          notification-service internal send-confirmation",
];

/// The shop and the collector that the tests of one process share.
struct Setup {
    collector: Collector,
    shop: Shop,
}

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        let collector = Collector::start();
        let shop = Shop::start(&collector.endpoint, &[]);
        Setup { collector, shop }
    })
}

fn order_of(skus: &[&str], token: &str) -> String {
    let items: Vec<Value> = skus.iter().map(|sku| json!({ "sku": sku, "qty": 1 })).collect();
    json!({ "items": items, "payment": { "method": "card", "token": token } }).to_string()
}

fn one_laptop() -> String {
    order_of(&["LAPTOP-1"], "tok_test_123")
}

impl Setup {
    /// Places an order of one laptop under a fault; returns the answer and the whole trace.
    fn order(&self, fault: &str) -> (Answer, Vec<Span>) {
        self.order_with(&[("x-fault", fault)], one_laptop())
    }

    fn order_with(&self, headers: &[(&str, &str)], body: String) -> (Answer, Vec<Span>) {
        let answer = self.shop.post("/orders", headers, body);
        self.pass_barrier();
        let spans = self.collector.now(&answer.trace_id);
        (answer, spans)
    }

    /// Returns when every span of every request answered so far has arrived. Each service exports its spans in the
    /// order in which they ended, and the queue is first in, first out: once a later order's last spans of all five
    /// services are here, all earlier ones are.
    fn pass_barrier(&self) {
        let marker = self.shop.post("/orders", &[], one_laptop());
        self.collector.wait_for_count(&marker.trace_id, HEALTHY.len());
    }
}

fn named<'a>(spans: &'a [Span], label: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.label() == label).collect()
}

fn the<'a>(spans: &'a [Span], label: &str) -> &'a Span {
    let found = named(spans, label);
    assert_eq!(found.len(), 1, "{label} in {:#?}", outline(spans));
    found[0]
}

fn failed(spans: &[Span]) -> Vec<String> {
    let mut labels: Vec<String> = spans.iter().filter(|span| span.failed).map(Span::label).collect();
    labels.sort();
    labels
}

const RESERVE: &str = "order-service client POST /stock/{sku}/reservations";
const CHARGE: &str = "payment-service internal charge-card";

#[test]
fn a_healthy_order_has_exactly_the_documented_tree() {
    let (answer, spans) = setup().order("none");
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body["status"], "confirmed");
    assert_eq!(answer.body["total"], 1299.0);
    assert_eq!(answer.body["trace_id"], answer.trace_id);
    assert_eq!(outline(&spans), HEALTHY);
    assert!(the(&spans, CHARGE).end <= the(&spans, RESERVE).start);
}

#[test]
fn spans_follow_the_semantic_conventions() {
    let (_, spans) = setup().order("none");
    let server = the(&spans, "api-gateway server POST /orders");
    assert_eq!(server.attributes["http.request.method"], "POST");
    assert_eq!(server.attributes["http.route"], "/orders");
    assert_eq!(server.attributes["url.path"], "/orders");
    assert_eq!(server.attributes["url.scheme"], "http");
    assert_eq!(server.attributes["http.response.status_code"], 201);
    assert_eq!(server.attributes["server.address"], "127.0.0.1");
    assert!(server.attributes["server.port"].is_i64());
    let client = the(&spans, RESERVE);
    assert_eq!(client.attributes["http.response.status_code"], 201);
    let url = client.attributes["url.full"].as_str().unwrap();
    assert!(url.ends_with("/stock/LAPTOP-1/reservations"), "{url}");
    for label in ["order-service client shop.Payment/Authorize", "payment-service server shop.Payment/Authorize"] {
        let rpc = the(&spans, label);
        assert_eq!(rpc.attributes["rpc.system.name"], "grpc");
        assert_eq!(rpc.attributes["rpc.method"], "shop.Payment/Authorize");
        assert_eq!(rpc.attributes["rpc.status_code"], "OK");
    }
    let charge = the(&spans, CHARGE);
    assert_eq!(charge.attributes["payment.method"], "card");
    assert_eq!(charge.attributes["payment.processor"], "northpay");
    assert_eq!(charge.attributes["payment.amount"], 1299.0);
    let query = the(&spans, "inventory-service client SELECT shelf_stock");
    assert_eq!(query.attributes["db.system.name"], "sqlite");
    assert_eq!(query.attributes["db.namespace"], "inventory");
    assert_eq!(query.attributes["db.operation.name"], "SELECT");
    assert_eq!(query.attributes["db.collection.name"], "shelf_stock");
    assert_eq!(query.attributes["db.query.summary"], "SELECT shelf_stock");
    let text = query.attributes["db.query.text"].as_str().unwrap();
    assert!(text.starts_with("SELECT shelf"), "{text}");
    let sent = the(&spans, "order-service producer send order-events");
    assert_eq!(sent.attributes["messaging.destination.name"], "order-events");
    assert_eq!(sent.attributes["messaging.operation.type"], "send");
}

#[test]
fn every_service_describes_itself_in_its_resource() {
    let (_, spans) = setup().order("none");
    let mut instances = std::collections::BTreeSet::new();
    for span in &spans {
        for key in ["service.version", "host.name"] {
            assert!(span.resource[key].is_string(), "{key} of {}", span.service);
        }
        assert_eq!(span.resource["deployment.environment.name"], "demo");
        assert_eq!(span.resource["telemetry.sdk.language"], "rust");
        instances.insert(span.resource["service.instance.id"].to_string());
    }
    assert_eq!(instances.len(), 5);
}

#[test]
fn an_injected_trace_context_is_honoured() {
    let id = "5b8efff798038103d269b633813fc60c";
    let traceparent = format!("00-{id}-00f067aa0ba902b7-01");
    let (answer, spans) = setup().order_with(&[("traceparent", &traceparent)], one_laptop());
    assert_eq!(answer.trace_id, id);
    assert_eq!(outline(&spans), HEALTHY);
    let root = the(&spans, "api-gateway server POST /orders");
    assert_eq!(root.parent_id, "00f067aa0ba902b7");
}

#[test]
fn an_unsampled_request_leaves_no_span() {
    let id = "5b8efff798038103d269b633813fc60e";
    let traceparent = format!("00-{id}-00f067aa0ba902b7-00");
    let (answer, spans) = setup().order_with(&[("traceparent", &traceparent)], one_laptop());
    assert_eq!((answer.status, answer.trace_id.as_str()), (201, id));
    assert!(spans.is_empty(), "{:#?}", outline(&spans));
}

#[test]
fn the_consumer_is_a_child_of_the_producer_and_links_to_it() {
    let (_, spans) = setup().order("none");
    let producer = the(&spans, "order-service producer send order-events");
    let consumer = the(&spans, "notification-service consumer process order-events");
    assert_eq!(consumer.parent_id, producer.span_id);
    let link = (producer.trace_id.clone(), producer.span_id.clone());
    assert_eq!(consumer.links, [link]);
    assert_eq!(consumer.attributes["messaging.message.id"], producer.attributes["messaging.message.id"]);
}

#[test]
fn a_consumer_that_only_links_starts_a_trace_of_its_own() {
    let setup = setup();
    let answer = setup.shop.post("/orders", &[("x-queue", "link")], one_laptop());
    let order_id = &answer.body["id"];
    let consumer = setup.collector.wait_for("the linking consumer", |spans| {
        spans
            .iter()
            .find(|span| span.kind == SpanKind::Consumer && span.attributes["shop.order.id"] == *order_id)
            .cloned()
    });
    setup.pass_barrier();
    let spans = setup.collector.now(&answer.trace_id);
    assert_eq!(outline(&spans), HEALTHY[..12]);
    let producer = the(&spans, "order-service producer send order-events");
    assert_ne!(consumer.trace_id, answer.trace_id);
    assert_eq!(consumer.parent_id, "");
    assert_eq!(consumer.links, [(answer.trace_id, producer.span_id.clone())]);
}

#[test]
fn two_items_are_reserved_at_once() {
    let order = order_of(&["LAPTOP-1", "MOUSE-2"], "tok_test_123");
    let (answer, spans) = setup().order_with(&[], order);
    assert_eq!(answer.body["total"], 1323.5);
    let reservations = named(&spans, RESERVE);
    assert_eq!(reservations.len(), 2);
    assert!(reservations[0].overlaps(reservations[1]));
    assert_eq!(spans.len(), HEALTHY.len() + 5);
    assert_eq!(failed(&spans), [""; 0]);
}

#[test]
fn products_are_one_query_behind_the_gateway() {
    let setup = setup();
    let answer = setup.shop.get("/products", &[]);
    setup.pass_barrier();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["products"].as_array().unwrap().len(), 5);
    assert_eq!(
        outline(&setup.collector.now(&answer.trace_id)),
        [
            "api-gateway server GET /products",
            "  api-gateway client GET /products",
            "    inventory-service server GET /products",
            "      inventory-service client SELECT products",
        ]
    );
}

#[test]
fn a_placed_order_can_be_looked_up() {
    let setup = setup();
    let (placed, _) = setup.order("none");
    let path = format!("/orders/{}", placed.body["id"].as_str().unwrap());
    let answer = setup.shop.get(&path, &[]);
    setup.pass_barrier();
    assert_eq!((answer.status, &answer.body), (200, &placed.body));
    assert_eq!(
        outline(&setup.collector.now(&answer.trace_id)),
        [
            "api-gateway server GET /orders/{id}",
            "  api-gateway client GET /orders/{id}",
            "    order-service server GET /orders/{id}",
        ]
    );
    assert_eq!(setup.shop.get("/orders/ord_0", &[]).status, 404);
}

#[test]
fn wrong_requests_are_refused() {
    let setup = setup();
    let status = |body: &str| setup.shop.post("/orders", &[], body).status;
    assert_eq!(status("{"), 400);
    assert_eq!(status(r#"{"items":[]}"#), 400);
    assert_eq!(status(&order_of(&[], "tok_test_123")), 400);
    assert_eq!(status(&order_of(&["NO-SUCH"], "tok_test_123")), 404);
    assert_eq!(status(&order_of(&["CONSOLE-5"], "tok_test_123")), 409);
    assert_eq!(status(&order_of(&["LAPTOP-1"], "tok_declined")), 402);
    assert_eq!(setup.shop.get("/nowhere", &[]).status, 404);
}

#[test]
fn an_unknown_fault_is_refused_by_name() {
    let typo = [("x-fault", "n_plus_on")];
    let answer = setup().shop.post("/orders", &typo, one_laptop());
    assert_eq!(answer.status, 400);
    let said = answer.body["error"].as_str().unwrap();
    assert!(said.contains("n_plus_on") && said.contains("n_plus_one"));
}

#[test]
fn health_checks_leave_no_span() {
    let setup = setup();
    let answer = setup.shop.get("/healthz", &[]);
    assert_eq!((answer.status, answer.trace_id.as_str()), (200, ""));
}

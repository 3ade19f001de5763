//! What each fault does to an order, and what it leaves alone.

use crate::collector::outline;
use crate::{CHARGE, HEALTHY, RESERVE, failed, named, order_of, setup, the};

#[test]
fn n_plus_one_asks_for_every_shelf() {
    let (answer, spans) = setup().order("n_plus_one");
    assert_eq!(answer.status, 201);
    let queries = named(&spans, "inventory-service client SELECT shelf_stock");
    assert_eq!(queries.len(), 12);
    let text = &queries[0].attributes["db.query.text"];
    assert!(queries.iter().all(|q| q.attributes["db.query.text"] == *text));
    assert_eq!(spans.len(), HEALTHY.len() + 11);
}

#[test]
fn slow_payment_takes_its_time_in_the_charge() {
    let (answer, spans) = setup().order("slow_payment");
    assert_eq!(answer.status, 201);
    assert_eq!(outline(&spans), HEALTHY);
    let charge = the(&spans, CHARGE);
    assert!(charge.end - charge.start >= 3_200_000_000);
}

#[test]
fn a_declined_card_fails_the_charge_and_its_callers_by_the_conventions() {
    let (answer, spans) = setup().order("declined");
    assert_eq!(answer.status, 402);
    assert_eq!(answer.body["status"], "declined");
    assert_eq!(
        outline(&spans),
        [
            "api-gateway server POST /orders",
            "  api-gateway client POST /orders !",
            "    order-service server POST /orders",
            "      order-service client shop.Payment/Authorize !",
            "        payment-service server shop.Payment/Authorize !",
            "          payment-service internal charge-card !",
        ]
    );
    let rpc = the(&spans, "payment-service server shop.Payment/Authorize");
    assert_eq!(rpc.attributes["rpc.status_code"], "FAILED_PRECONDITION");
    assert_eq!(rpc.attributes["error.type"], "FAILED_PRECONDITION");
    assert_eq!(rpc.message, "card declined by issuer");
    let client = the(&spans, "api-gateway client POST /orders");
    assert_eq!(client.attributes["error.type"], "402");
}

#[test]
fn a_swallowed_error_fails_one_call_and_no_ancestor() {
    let (answer, spans) = setup().order("swallowed_error");
    assert_eq!(answer.status, 201);
    assert_eq!(
        failed(&spans),
        ["order-service client shop.Payment/Score", "payment-service server shop.Payment/Score",]
    );
    assert_eq!(spans.len(), HEALTHY.len() + 2);
}

#[test]
fn sequential_reserves_one_item_after_another() {
    let order = order_of(&["LAPTOP-1", "MOUSE-2"], "tok_test_123");
    let (answer, spans) = setup().order_with(&[("x-fault", "sequential")], order);
    assert_eq!(answer.status, 201);
    let reservations = named(&spans, RESERVE);
    assert_eq!(reservations.len(), 2);
    assert!(!reservations[0].overlaps(reservations[1]));
}

#[test]
fn reserve_before_charge_turns_the_order_round() {
    let (answer, spans) = setup().order("reserve_before_charge");
    assert_eq!(answer.status, 201);
    assert!(the(&spans, RESERVE).end <= the(&spans, CHARGE).start);
    assert_eq!(spans.len(), HEALTHY.len());
}

#[test]
fn missing_service_confirms_without_inventory() {
    let (answer, spans) = setup().order("missing_service");
    assert_eq!(answer.status, 201);
    let without: Vec<&str> = HEALTHY[..6].iter().chain(&HEALTHY[11..]).copied().collect();
    assert_eq!(outline(&spans), without);
}

#[test]
fn lost_context_moves_inventory_to_a_trace_of_its_own() {
    let setup = setup();
    let (answer, spans) = setup.order("lost_context");
    assert_eq!(answer.status, 201);
    let without: Vec<&str> = HEALTHY[..7].iter().chain(&HEALTHY[11..]).copied().collect();
    assert_eq!(outline(&spans), without);
    let order_id = &answer.body["id"];
    let root = setup.collector.wait_for("the lost reservation", |spans| {
        spans
            .iter()
            .find(|span| {
                span.label() == "inventory-service server POST /stock/{sku}/reservations"
                    && span.attributes["shop.order.id"] == *order_id
            })
            .cloned()
    });
    assert_ne!(root.trace_id, answer.trace_id);
    assert_eq!(root.parent_id, "");
    assert_eq!(setup.collector.now(&root.trace_id).len(), 4);
}

#[test]
fn extra_retry_charges_twice_without_an_error() {
    let (answer, spans) = setup().order("extra_retry");
    assert_eq!(answer.status, 201);
    let calls = named(&spans, "payment-service server shop.Payment/Authorize");
    assert_eq!(calls.len(), 2);
    assert_eq!(named(&spans, CHARGE).len(), 2);
    assert_eq!(failed(&spans), [""; 0]);
}

#[test]
fn faults_add_up() {
    let (_, spans) = setup().order("n_plus_one, extra_retry");
    assert_eq!(named(&spans, CHARGE).len(), 2);
    let queries = named(&spans, "inventory-service client SELECT shelf_stock");
    assert_eq!(queries.len(), 12);
}

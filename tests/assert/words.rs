//! What findings and remarks say of selections: all of what is asked, what comes nearest, what was never seen.

use super::told::{one, trace as told};
use tracespec::assert::{Finding, Verdict};

const SHOP: &str = "
api-gateway server POST_/orders 0..100
  order-service server POST_/orders 2..98
    order-service client shop.Payment/Authorize 5..40 rpc.method=shop.Payment/Authorize
      payment-service server shop.Payment/Authorize 6..39 rpc.method=shop.Payment/Authorize payment.amount=42
        payment-service internal charge-card 10..30 error=card_declined payment.method=cash http.response.status_code=402 event=retried
    order-service client reserve 41..60
      inventory-service server reserve 42..59
";

fn failed(spec: &str) -> Finding {
    let judged = one(spec, &told(SHOP));
    assert_eq!(judged.verdict, Verdict::Fail, "{judged:#?}");
    judged.findings.into_iter().next().unwrap()
}

fn hint(spec: &str) -> String {
    failed(spec).hint.unwrap_or_default()
}

#[test]
fn a_selection_is_told_with_its_place_in_the_tree_and_its_where() {
    let message = |select: &str| failed(&format!("spans: [{{ select: {select} }}]")).message;
    assert_eq!(
        message("{ service: payment-service, parent: { service: order-service, kind: server } }"),
        "No span matches {service: payment-service, parent: {service: order-service, kind: server}}."
    );
    assert_eq!(
        message("{ service: payment-service, ancestor: { service: inventory-service, parent: { name: x } } }"),
        "No span matches {service: payment-service, ancestor: {service: inventory-service, parent: {name: x}}}."
    );
    assert_eq!(
        message("{ service: payment-service, where: '{ .typo = \"x\" && kind = server }' }"),
        "No span matches {service: payment-service, where: { .typo = \"x\" && kind = server }}."
    );
}

#[test]
fn the_nearest_miss_says_which_place_or_condition_it_has_not() {
    let hint = |select: &str| hint(&format!("spans: [{{ select: {select} }}]"));
    assert_eq!(
        hint("{ service: payment-service, kind: server, parent: { service: order-service, kind: server } }"),
        "span `shop.Payment/Authorize` of payment-service comes nearest: its parent is span `shop.Payment/Authorize` of \
         order-service, not {service: order-service, kind: server}"
    );
    assert_eq!(
        hint("{ service: api-gateway, parent: { service: order-service } }"),
        "span `POST /orders` of api-gateway comes nearest: it has no parent, which should be {service: order-service}"
    );
    assert_eq!(
        hint("{ name: charge-card, ancestor: { service: inventory-service } }"),
        "span `charge-card` of payment-service comes nearest: none of the 4 spans above it is {service: inventory-service}"
    );
    assert_eq!(
        hint("{ name: charge-card, where: '{ .payment.method = \"card\" && kind = internal }' }"),
        "span `charge-card` of payment-service comes nearest: its .payment.method is \"cash\", not \"card\""
    );
}

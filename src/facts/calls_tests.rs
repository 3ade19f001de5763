#![allow(clippy::unwrap_used)]
use super::super::CallNames;
use super::*;
use crate::trace::Injected;
use crate::trace::fixture::{Draft, draft, drafted};

fn id(value: u64) -> SpanId {
    SpanId::new(value).unwrap()
}

/// The ids of the calls and whether each is answered.
fn calls(spans: &[Draft]) -> Vec<(u64, bool)> {
    let trace = draft(spans);
    Calls::of(&trace).all().iter().map(|call| (trace.span(call.span).id().get(), call.answered)).collect()
}

fn key(span: Draft) -> String {
    let trace = draft(&[span]);
    CallNames::of(&trace).key(trace.span(SpanIx(0))).to_string()
}

fn client(id: u64, parent: u64) -> Draft {
    Draft::new(id, parent, "shop", Kind::Client)
}

#[test]
fn a_client_or_producer_without_a_server_or_consumer_child_is_an_unanswered_call() {
    let front = Draft::new(1, 0, "shop", Kind::Server);
    let producer = Draft::new(3, 1, "shop", Kind::Producer);
    assert_eq!(calls(&[front.clone(), client(2, 1), producer.clone()]), [(2, false), (3, false)]);
    let answers = [Draft::new(4, 2, "cart", Kind::Server), Draft::new(5, 3, "mail", Kind::Consumer)];
    let all = [front, client(2, 1), producer, answers[0].clone(), answers[1].clone()];
    assert_eq!(calls(&all), [(2, true), (3, true)]);
    let trace = draft(&all);
    let pairs: Vec<(u64, u64)> =
        Calls::of(&trace).pairs().iter().map(|&(a, b)| (trace.span(a).id().get(), trace.span(b).id().get())).collect();
    assert_eq!(pairs, [(2, 4), (3, 5)]);
}

#[test]
fn a_span_of_another_service_below_a_call_answers_it_whatever_its_kind_and_one_of_its_own_does_not() {
    assert_eq!(calls(&[client(2, 0), Draft::new(3, 2, "cart", Kind::Internal)]), [(2, true)]);
    assert_eq!(calls(&[client(2, 0), Draft::new(3, 2, "shop", Kind::Internal)]), [(2, false)]);
}

#[test]
fn a_databases_span_is_no_call_under_either_name() {
    assert_eq!(calls(&[client(2, 0).text("db.system.name", "postgresql")]), []);
    assert_eq!(calls(&[client(2, 0).text("db.system", "mysql")]), []);
}

#[test]
fn receiving_and_settling_messages_is_no_call_and_sending_is() {
    assert_eq!(calls(&[client(2, 0).text("messaging.operation.type", "receive")]), []);
    assert_eq!(calls(&[client(2, 0).text("messaging.operation.type", "settle")]), []);
    assert_eq!(calls(&[client(2, 0).text("messaging.operation", "receive")]), []);
    assert_eq!(calls(&[client(2, 0).text("messaging.operation.type", "send")]), [(2, false)]);
}

#[test]
fn a_client_that_contains_a_client_or_producer_of_its_own_service_is_no_call() {
    assert_eq!(calls(&[client(2, 0), client(3, 2)]), [(3, false)]);
    assert_eq!(calls(&[client(2, 0), Draft::new(3, 2, "shop", Kind::Producer)]), [(3, false)]);
    assert_eq!(calls(&[client(2, 0), Draft::new(3, 2, "shop", Kind::Internal), client(4, 3)]), [(4, false)]);
    // A service that calls itself: the inner call is the callee's.
    assert_eq!(calls(&[client(2, 0), Draft::new(3, 2, "shop", Kind::Server), client(4, 3)]), [(2, true), (4, false)]);
    assert_eq!(calls(&[client(2, 0), Draft::new(3, 2, "cart", Kind::Client)]), [(2, true), (3, false)]);
}

#[test]
fn a_producer_is_answered_by_a_consumer_that_links_to_it_and_a_client_is_not() {
    let consumer = Draft::new(9, 1, "mail", Kind::Consumer).link(3);
    let front = Draft::new(1, 0, "shop", Kind::Server);
    let producer = Draft::new(3, 1, "shop", Kind::Producer);
    assert_eq!(calls(&[front.clone(), producer.clone(), consumer.clone()]), [(3, true)]);
    let trace = draft(&[front.clone(), producer, consumer.clone()]);
    assert_eq!(Calls::of(&trace).pairs().len(), 1);
    assert_eq!(calls(&[front, client(3, 1), consumer]), [(3, false)]);
}

#[test]
fn an_error_is_told_with_the_call() {
    let trace = draft(&[client(2, 0).error()]);
    assert!(Calls::of(&trace).unanswered().all(|call| call.error));
}

#[test]
fn each_request_of_the_runner_needs_a_span_of_its_own() {
    let injected = [id(100), id(200)];
    let trace = drafted(&[Draft::new(1, 100, "shop", Kind::Server)], &Injected::Known(injected.to_vec()));
    assert_eq!(requests_answered(&trace, &injected), [true, false]);
}

#[test]
fn the_key_is_caller_peer_and_rpc_service_under_old_and_new_names() {
    let old = client(2, 0).text("peer.service", "pay").text("rpc.service", "shop.Pay").text("rpc.method", "Charge");
    let new = client(2, 0).text("service.peer.name", "pay").text("rpc.method", "shop.Pay/Charge");
    assert_eq!(key(old), "shop -> pay shop.Pay");
    assert_eq!(key(new), "shop -> pay shop.Pay");
}

#[test]
fn the_key_takes_the_route_or_else_the_path_without_what_varies() {
    let at = |span: Draft| span.text("server.address", "cart.local").int("server.port", 8080);
    assert_eq!(key(at(client(2, 0).text("url.template", "/items/{id}"))), "shop -> cart.local:8080 /items/{id}");
    assert_eq!(key(at(client(2, 0).text("http.target", "/items/42?x=1"))), "shop -> cart.local:8080 /items/{}");
    let url = client(2, 0).text("http.url", "http://user@cart.local:8080/items/5b8eff798038103d/v1#top");
    assert_eq!(key(url), "shop -> cart.local:8080 /items/{}/v1");
}

#[test]
fn an_address_that_changes_with_every_pod_is_left_out_of_the_key() {
    let pod = |ip: &str| client(2, 0).text("server.address", ip).int("server.port", 80).text("url.path", "/buy");
    assert_eq!(key(pod("10.0.0.7")), "shop -> :80 /buy");
    assert_eq!(key(pod("10.0.0.7")), key(pod("10.9.9.9")));
    assert_eq!(key(client(2, 0).text("url.full", "http://[::1]:80/buy")), "shop -> :80 /buy");
}

#[test]
fn host_and_port_alone_have_no_operation_and_a_message_has_its_destination() {
    let bare = client(2, 0).name("GET").text("server.address", "lb").int("server.port", 80);
    assert_eq!(key(bare), "shop -> lb:80");
    let old = Draft::new(2, 0, "shop", Kind::Producer)
        .text("messaging.system", "kafka")
        .text("messaging.destination", "orders");
    assert_eq!(key(old), "shop -> kafka orders");
}

#[test]
fn a_chain_of_100_000_calls_is_walked_without_recursion() {
    let spans: Vec<Draft> = (1..=100_000).map(|at| client(at, at - 1)).collect();
    assert_eq!(calls(&spans), [(100_000, false)]);
}

#[test]
fn an_answer_may_hang_below_inner_spans_of_the_callers_own() {
    let inner = Draft::new(3, 2, "shop", Kind::Internal);
    let deeper = Draft::new(4, 3, "shop", Kind::Internal);
    assert_eq!(
        calls(&[client(2, 0), inner.clone(), deeper.clone(), Draft::new(5, 4, "cart", Kind::Server)]),
        [(2, true)]
    );
    assert_eq!(calls(&[client(2, 0), inner.clone(), deeper, Draft::new(5, 4, "shop", Kind::Server)]), [(2, true)]);
    // Below an entry span begins the work of who took the call.
    let entry = Draft::new(3, 1, "shop", Kind::Server);
    let front = Draft::new(1, 0, "shop", Kind::Server);
    assert_eq!(calls(&[front, client(2, 1), entry, Draft::new(4, 3, "cart", Kind::Server)]), [(2, false)]);
    assert_eq!(calls(&[client(2, 0), inner, client(4, 3), Draft::new(5, 4, "cart", Kind::Server)]), [(4, true)]);
}

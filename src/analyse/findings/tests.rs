#![allow(clippy::unwrap_used)]
use super::*;
use crate::trace::Kind as SpanKind;
use crate::trace::fixture::{Draft, draft};

const MS: u64 = 1_000_000;

/// A span of a service without fault, times in milliseconds.
fn span(id: u64, parent: u64, service: &str, kind: SpanKind, from: u64, to: u64) -> Draft {
    let instance = format!("{service}-1");
    Draft::new(id, parent, service, kind).resource(&[("service.instance.id", &instance)]).times(from * MS, to * MS)
}

fn root(to: u64) -> Draft {
    span(1, 0, "shop", SpanKind::Server, 0, to)
}

/// The kinds of the findings, in their order, with what each costs in milliseconds.
fn found(spans: &[Draft]) -> Vec<(&'static str, u64)> {
    found_beside(spans, &[])
}

fn found_beside(spans: &[Draft], services: &[&str]) -> Vec<(&'static str, u64)> {
    let trace = draft(spans);
    let services = services.iter().copied().collect();
    of(&Analyses::of(&trace), &services).into_iter().map(|one| (one.kind.word(), one.cost_ns / MS)).collect()
}

fn query(id: u64, from: u64, to: u64, value: u64) -> Draft {
    span(id, 1, "shop", SpanKind::Client, from, to)
        .text("db.system.name", "postgresql")
        .text("db.query.text", &format!("SELECT * FROM stock WHERE sku = {value}"))
}

#[test]
fn a_healthy_request_has_no_finding() {
    let work = span(3, 1, "shop", SpanKind::Internal, 45, 90);
    assert_eq!(found(&[root(100), query(2, 10, 40, 1), work]), []);
}

#[test]
fn a_loop_costs_what_it_takes_beyond_its_longest_call() {
    let calls: Vec<Draft> = (0..6).map(|at| query(2 + at, 10 + 10 * at, 20 + 10 * at, at)).collect();
    let spans: Vec<Draft> = std::iter::once(root(100)).chain(calls.clone()).collect();
    assert_eq!(found(&spans), [("n_plus_one", 50)]);
    // Beside the critical path nothing is saved.
    let other = span(50, 1, "shop", SpanKind::Internal, 5, 100);
    let spans: Vec<Draft> = [root(100), other].into_iter().chain(calls).collect();
    assert_eq!(found(&spans), [("n_plus_one", 0)]);
}

#[test]
fn a_question_asked_again_is_redundant() {
    let spans = [root(100), query(2, 10, 20, 7), query(3, 30, 40, 7)];
    assert_eq!(found(&spans), [("redundant_calls", 10)]);
}

#[test]
fn calls_that_could_overlap_are_found_from_a_twentieth_of_the_root_on() {
    let order = |ms: u64| {
        let call = |id: u64, from: u64, sku: u64| {
            span(id, 1, "shop", SpanKind::Client, from, from + ms)
                .text("http.request.method", "POST")
                .text("url.full", &format!("http://stock/items/{sku}/reservations"))
        };
        found(&[root(100), call(2, 5, 71), call(3, 50, 72)])
    };
    assert_eq!(order(5), [("serial_calls", 5)]);
    assert_eq!(order(4), []);
}

#[test]
fn a_leaf_is_slow_from_half_of_the_root_and_half_a_second_on() {
    let leaf =
        |from: u64, to: u64, root_ms: u64| found(&[root(root_ms), span(2, 1, "pay", SpanKind::Server, from, to)]);
    assert_eq!(leaf(10, 510, 600), [("slow_span", 500)]);
    assert_eq!(leaf(10, 509, 600), []);
    assert_eq!(leaf(10, 510, 1001)[..], [("gap", 491)][..]);
}

#[test]
fn time_without_a_span_is_a_gap_from_200_ms_and_a_tenth_of_the_root_on() {
    let gap = |from: u64, root_ms: u64| {
        let inner = |id, from, to| span(id, 1, "shop", SpanKind::Internal, from, to);
        let busy = |id: u64, from: u64, to: u64| {
            let half = (from + to) / 2;
            [inner(id, from, half), inner(id + 1, half, to)]
        };
        let [a, b] = busy(10, 0, 100);
        let [c, d] = busy(20, 100 + from, root_ms);
        found(&[root(root_ms), a, b, c, d])
    };
    assert_eq!(gap(200, 800), [("gap", 200)]);
    assert_eq!(gap(199, 800), []);
}

#[test]
fn broken_comes_before_slow_and_slow_before_untidy() {
    let calls: Vec<Draft> = (0..6).map(|at| query(10 + at, 10 + 10 * at, 20 + 10 * at, at)).collect();
    let failed = span(30, 1, "shop", SpanKind::Client, 80, 85).error().text("error.type", "timeout");
    let untidy = span(31, 1, "shop", SpanKind::Internal, 86, 92).text("user.email", "alice@example.com");
    let spans: Vec<Draft> = [untidy, root(100)].into_iter().chain(calls).chain([failed]).collect();
    let kinds: Vec<&str> = found(&spans).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["swallowed_error", "n_plus_one", "personal_data"]);
}

#[test]
fn a_failure_goes_by_its_innermost_span() {
    let failing = |id: u64, parent: u64, kind, from, to| {
        span(id, parent, "shop", kind, from, to).error().text("error.type", "timeout")
    };
    let spans = [failing(1, 0, SpanKind::Server, 0, 100), failing(2, 1, SpanKind::Client, 5, 95)];
    let trace = draft(&spans);
    let findings = of(&Analyses::of(&trace), &BTreeSet::new());
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].kind, findings[0].span.as_str()), (Kind::Error, "op-2"));
}

#[test]
fn a_call_without_an_answer_is_found_where_somebody_should_have_answered() {
    let call = |key: &str, name: &str| span(2, 1, "shop", SpanKind::Client, 5, 95).text(key, name);
    assert_eq!(found(&[root(100), call("service.peer.name", "stock")]), [("unanswered_calls", 0)]);
    assert_eq!(found(&[root(100), call("server.address", "api.example.com")]), []);
    assert_eq!(found_beside(&[root(100), call("server.address", "stock")], &["stock"]), [("unanswered_calls", 0)]);
    let failed = call("service.peer.name", "stock").error().text("error.type", "refused");
    let kinds: Vec<&str> = found(&[root(100), failed]).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["swallowed_error"]);
    assert_eq!(
        found(&[root(100), call("service.peer.name", "stock"), span(3, 2, "stock", SpanKind::Server, 6, 90)]),
        []
    );
}

#[test]
fn several_roots_and_orphans_are_broken() {
    let second = span(2, 0, "shop", SpanKind::Server, 5, 50);
    assert_eq!(found(&[root(100), second]), [("roots", 0)]);
    let orphan = span(2, 99, "stock", SpanKind::Server, 5, 50);
    assert_eq!(found(&[root(100), orphan]), [("orphans", 0)]);
}

#[test]
fn attempts_cost_what_those_took_that_failed() {
    let pay = |id: u64, from: u64, to: u64| {
        span(id, 1, "shop", SpanKind::Client, from, to)
            .text("rpc.system.name", "grpc")
            .text("rpc.method", "Payment/Authorize")
    };
    let attempts = |last: Draft| {
        let failed =
            pay(2, 10, 40).error().text("rpc.response.status_code", "UNAVAILABLE").text("error.type", "UNAVAILABLE");
        let spans = found(&[root(100), failed, last]);
        spans.into_iter().filter(|(kind, _)| *kind == "retried_calls").collect::<Vec<_>>()
    };
    assert_eq!(attempts(pay(3, 50, 80)), [("retried_calls", 30)]);
    // Beside the first one it is no other attempt.
    assert_eq!(attempts(pay(3, 30, 80)), []);
    assert_eq!(found(&[root(100), pay(2, 10, 40), pay(3, 50, 80)]), []);
}

#[test]
fn a_body_is_large_from_a_megabyte_on() {
    let call = |id: u64, bytes: u64| {
        span(id, 1, "shop", SpanKind::Client, 10 + id, 30 + id)
            .name("GET /export")
            .text("http.request.method", "GET")
            .text("url.full", &format!("http://reports/export/{id}"))
            .int("http.response.body.size", bytes as i64)
    };
    assert_eq!(found(&[root(100), call(2, 999_999)]), []);
    let trace = draft(&[root(100), call(2, 1_000_000), call(3, 4_200_000)]);
    let all = of(&Analyses::of(&trace), &BTreeSet::new());
    let found: Vec<_> = all.iter().map(|one| (one.kind, one.count, one.bytes, &*one.detail)).collect();
    assert_eq!(found, [(Kind::Large, 2, 4_200_000, "response")]);
}

//! What findings and remarks say of selections: all of what is asked, what comes nearest, what was never seen.

use super::told::{judged, one, trace as told};
use tracespec::assert::{Finding, Judgement, Verdict};
use tracespec::trace::Phase;

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
    assert_eq!(
        message("{ name: x, where: '{ kind = server && (.a = 1 || .b = 2) }' }"),
        "No span matches {name: x, where: { kind = server && (.a = 1 || .b = 2) }}."
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
        hint("{ service: payment-service, parent: { service: order-service, kind: server } }"),
        "span `shop.Payment/Authorize` of payment-service comes nearest: its parent is span `shop.Payment/Authorize` of \
         order-service, not {service: order-service, kind: server}"
    );
    assert_eq!(
        hint("{ service: api-gateway, parent: { service: order-service } }"),
        "span `POST /orders` of api-gateway comes nearest: it has no parent, expected {service: order-service}"
    );
    assert_eq!(
        hint("{ name: charge-card, ancestor: { service: inventory-service } }"),
        "span `charge-card` of payment-service comes nearest: none of its 4 ancestors matches {service: inventory-service}"
    );
    assert_eq!(
        hint("{ name: charge-card, where: '{ .payment.method = \"card\" && kind = internal }' }"),
        "span `charge-card` of payment-service comes nearest: its .payment.method is \"cash\", not \"card\""
    );
}

fn notes(judged: Judgement) -> Vec<String> {
    judged.remarks.into_iter().chain(judged.unseen.iter().map(ToString::to_string)).collect()
}

fn remarks(spec: &str) -> Vec<String> {
    let judged = one(spec, &told(SHOP));
    assert_eq!(judged.verdict, Verdict::Pass, "{spec}: {judged:#?}");
    notes(judged)
}

#[test]
fn an_absence_of_a_name_that_nobody_has_seen_is_remarked_however_it_is_asked_for() {
    let span = "unwitnessed: no span named `chargecard` was seen in any trace of this run; did you mean `charge-card`?";
    let service =
        "unwitnessed: no service `paymet-service` was seen in any trace of this run; did you mean `payment-service`?";
    let none = |query: &str| remarks(&format!("traceql: [{{ none: '{query}' }}]"));
    let count = |select: &str| remarks(&format!("spans: [{{ select: {select}, count: 0 }}]"));
    assert_eq!(none("{ name = \"chargecard\" }"), [span]);
    assert_eq!(none("{ kind = internal } >> { name = \"chargecard\" }"), [span]);
    assert_eq!(none("{ resource.service.name = \"paymet-service\" }"), [service]);
    assert_eq!(count("'{ name = \"chargecard\" }'"), [span]);
    assert_eq!(count("{ kind: server, parent: { service: paymet-service } }"), [service]);
    assert_eq!(count("{ kind: server, ancestor: chargecard }"), [span]);
    assert_eq!(
        count("{ kind: server, where: '{ .payment.methd = \"x\" }' }"),
        ["unwitnessed: no attribute `payment.methd` was seen in any trace of this run; did you mean `payment.method`?"]
    );
    assert_eq!(
        count("{ service: ~ paymet.* }"),
        ["unwitnessed: no service with a name that is `~ paymet.*` was seen in any trace of this run"]
    );
    assert_eq!(count("{ service: { contains: paymet } }").len(), 1);
    assert_eq!(count("{ name: { starts_with: chargec } }").len(), 1);
    assert_eq!(count("{ name: { one_of: [chargecard, refundcard] } }").len(), 1);
    assert_eq!(none("{ name =~ \"chargec.*\" }").len(), 1);
}

#[test]
fn an_absence_of_names_that_were_seen_is_not_remarked() {
    let none = |query: &str| remarks(&format!("traceql: [{{ none: '{query}' }}]"));
    let count = |select: &str| remarks(&format!("spans: [{{ select: {select}, count: 0 }}]"));
    assert_eq!(none("{ name = \"charge-card\" && resource.service.name = \"api-gateway\" }"), [""; 0]);
    assert_eq!(none("{ kind = server && name !~ \".+\" }"), [""; 0]);
    assert_eq!(count("{ service: ~ payment.*, kind: producer }"), [""; 0]);
    assert_eq!(count("{ name: charge-card, service: { ne: payment-service } }"), [""; 0]);
    assert_eq!(count("{ name: { one_of: [charge-card, refundcard] }, kind: server }"), [""; 0]);
    assert_eq!(none("{ !(name = \"x\" || span:duration > 1ms) }"), [""; 0]);
}

#[test]
fn an_absence_beside_a_picked_span_and_what_is_optional_are_remarked_too() {
    let of = |fact: &str| remarks(&format!("spans: [{{ select: {{ name: charge-card }}, {fact} }}]"));
    assert_eq!(
        of("children: [{ select: { name: reserv }, count: 0 }]"),
        ["unwitnessed: no span named `reserv` was seen in any trace of this run; did you mean `reserve`?"]
    );
    assert_eq!(of("links: [{ span: { service: inventry-service }, count: 0 }]").len(), 1);
    assert_eq!(of("children: [{ select: { name: reserve }, count: 0 }]"), [""; 0]);
    let optional = |select: &str| {
        let spec = format!("services: [api-gateway]\nspans: [{{ select: {select}, optional: true, status: ok }}]");
        let judged = judged(&spec, &told(SHOP), Phase::Confirmed).remove(1);
        assert_eq!(judged.verdict, Verdict::Pass, "{judged:#?}");
        notes(judged)
    };
    assert_eq!(
        optional("{ name: cahrge-card }"),
        [
            "unwitnessed: no span named `cahrge-card` was seen in any trace of this run; did you mean `charge-card`? All that \
             is said of it was skipped."
        ]
    );
    assert_eq!(optional("{ name: reserve, kind: producer }"), [""; 0]);
}

#[test]
fn what_a_later_trace_shows_answers_the_remark_on_a_pattern() {
    use tracespec::assert::Witnessed;
    let unseen = |select: &str| {
        let mut judged = one(&format!("spans: [{{ select: {select}, count: 0 }}]"), &told(SHOP));
        assert_eq!(judged.unseen.len(), 1, "{judged:#?}");
        judged.unseen.remove(0)
    };
    let mut witnessed = Witnessed::default();
    let (pattern, query) = (unseen("{ service: ~ legacy.* }"), unseen("'{ name =~ \"old.*\" }'"));
    let renamed = unseen("{ attributes: { db.system.name: x } }");
    for one in [&pattern, &query, &renamed] {
        assert!(!one.is_answered(&witnessed));
    }
    witnessed.services.insert("legacy-billing".to_owned());
    witnessed.span_names.insert("old-charge".to_owned());
    witnessed.attribute_keys.insert("db.system".to_owned());
    for one in [&pattern, &query, &renamed] {
        assert!(one.is_answered(&witnessed), "{one:?}");
    }
}

#[test]
fn of_a_line_of_a_shape_that_changed_only_the_change_is_shown() {
    use tracespec::assert::{Context, judge, shape};
    use tracespec::spec::plan::{Accepted, Check};
    let attributes = "db.system=postgresql db.namespace=orders db.collection.name=shelf_stock db.operation.name=UPDATE \
                      peer.service=a-database-with-a-long-name-that-fills-the-line rpc.service=another-one-of-those-names";
    let root = "shop server root 0..10\n";
    let update = format!("  shop client UPDATE_shelf_stock 1..2 {attributes}\n");
    let before = shape(&told(&format!("{root}{update}")));
    let now = told(&format!("{root}{}", update.repeat(12)));
    let mut expect = super::told::expect("snapshot: s");
    if let Check::Snapshot { accepted, .. } = &mut expect.list[0].check {
        *accepted = Some(Box::new(Accepted::Shape { text: before, redactor: Default::default() }));
    }
    let judged = judge(&now, &expect, Phase::Confirmed, &Context::default());
    let finding = &judged[0].findings[0];
    assert_eq!(finding.message, "The trace differs from the accepted snapshot `s`: 1 line changed.");
    assert_eq!(finding.actual, "  shop server root\n~   shop client UPDATE shelf stock: x1 -> x12");
}

#[test]
fn a_query_that_matches_nothing_tells_the_nearest_miss() {
    let finding =
        failed("traceql: ['{ name = \"nosuch\" && resource.service.name = \"payment-service\" && kind = internal }']");
    assert_eq!(
        finding.hint.as_deref(),
        Some("span `charge-card` of payment-service comes nearest: its name is \"charge-card\", not \"nosuch\"")
    );
    assert_eq!(finding.span_ids.len(), 1);
    let hint = |query: &str| hint(&format!("traceql: ['{query}']"));
    assert_eq!(
        hint("{ kind = internal && .payment.method =~ \"card|visa\" && .payment.amont > 3 }"),
        "span `charge-card` of payment-service comes nearest: its .payment.method is \"cash\", which does not match \
         \"card|visa\"; it has no .payment.amont (did you mean `payment.amount`?)"
    );
    assert_eq!(
        hint("{ name = \"charge-card\" && .http.response.status_code = 500 }"),
        "span `charge-card` of payment-service comes nearest: its .http.response.status_code is 402, not 500"
    );
    assert_eq!(
        hint("{ kind = server } >> { name = \"charge-crad\" && kind = internal }"),
        "no span matches `{ name = \"charge-crad\" && kind = internal }`; span `charge-card` of payment-service comes \
         nearest: its name is \"charge-card\", not \"charge-crad\""
    );
    assert_eq!(
        hint("{ name = \"nosuch\" }"),
        "no span is similar; the trace has spans of api-gateway, inventory-service, order-service, payment-service"
    );
}

#[test]
fn an_aggregate_that_does_not_hold_says_so_and_shows_the_spans() {
    let finding = failed("traceql: ['{ kind = server } | count() > 10']");
    assert_eq!(finding.message, "Nothing matches `{ kind = server } | count() > 10`: count() is 4, expected > 10.");
    assert_eq!((&*finding.expected, &*finding.actual), ("count() > 10", "count() is 4"));
    assert_eq!(finding.span_ids.len(), 4);
}

#[test]
fn a_query_that_must_not_match_says_that_none_may() {
    let message = |query: &str| failed(&format!("traceql: [{{ none: '{query}' }}]")).message;
    assert_eq!(
        message("{ kind = server }"),
        "Expected no span to match `{ kind = server }`, found 4; the first is span `POST /orders` of api-gateway."
    );
    assert_eq!(
        message("{ kind = internal }"),
        "Expected no span to match `{ kind = internal }`, found 1: span `charge-card` of payment-service."
    );
}

#[test]
fn a_misspelt_value_comes_as_near_as_a_misspelt_name() {
    let hint = |select: &str| hint(&format!("spans: [{{ select: {select} }}]"));
    assert_eq!(
        hint("{ attributes: { rpc.method: shop.Payment/Autorize }, kind: server }"),
        "span `shop.Payment/Authorize` of payment-service comes nearest: its attributes.rpc.method is \
         \"shop.Payment/Authorize\", not \"shop.Payment/Autorize\""
            .replace("not \"shop.Payment/Autorize\"", "not shop.Payment/Autorize")
    );
    assert_eq!(
        hint("{ attributes: { http.response.status_code: '~ 4..' } }"),
        "span `charge-card` of payment-service comes nearest: its attributes.http.response.status_code is the number 402; a \
         pattern matches only text"
    );
    assert_eq!(
        hint("{ name: charge-card, attributes: { payment.methd: cash } }"),
        "span `charge-card` of payment-service comes nearest: its attributes.payment.methd is missing (expected = cash) (did \
         you mean `payment.method`?)"
    );
}

#[test]
fn a_bare_name_that_only_a_service_has_is_told_so() {
    let meant = "no span has this name; there is a service of this name: `{ service: order-service }`";
    assert_eq!(hint("spans: [{ select: order-service }]"), meant);
    assert_eq!(hint("spans: [{ select: { name: charge-card }, parent: order-service }]"), meant);
    assert_eq!(hint("spans: [{ select: { name: charge-card }, ancestor: order-service }]"), meant);
    assert!(hint("spans: [{ select: { name: charge-card, parent: order-service } }]").ends_with(&format!("({meant})")));
    assert_eq!(
        hint("errors: { allow: [payment-service] }"),
        "{name: payment-service} allows nothing: no span has this name; there is a service of this name: `{ service: \
         payment-service }`"
    );
}

#[test]
fn a_misspelt_key_or_event_of_a_fact_is_answered_with_the_one_that_is_there() {
    let hint =
        |fact: &str| hint(&format!("spans: [{{ select: {{ service: payment-service, kind: server }}, {fact} }}]"));
    assert_eq!(hint("attributes: { payment.amont: 42 }"), "did you mean `payment.amount`?");
    assert_eq!(hint("attributes: { payment.metod: cash }"), "did you mean `payment.method`?");
    assert_eq!(hint("resource: { service.nam: payment-service }"), "did you mean `service.name`?");
    assert_eq!(hint("events: [retrid]"), "did you mean `retried`?");
    assert_eq!(hint("event_order: [retrid]"), "did you mean `retried`?");
    assert_eq!(hint("attributes: { zebra: 1 }"), "");
}

#[test]
fn what_is_not_there_at_all_is_said_not_to_be() {
    let of = |fact: &str| failed(&format!("spans: [{{ select: {{ name: charge-card }}, {fact} }}]"));
    assert_eq!(
        of("event_order: [retried, refunded]").message,
        "Span `charge-card` of payment-service: it has no event `refunded`."
    );
    assert_eq!(of("event_order: [retried, refunded]").expectation, "trace.spans[0].event_order");
    assert_eq!(
        of("children: [{ select: { name: x } }]").message,
        "Span `charge-card` of payment-service: it has no child matching {name: x}."
    );
    let status = of("status: ok");
    assert_eq!(status.message, "Span `charge-card` of payment-service: status is error, not ok.");
    assert_eq!(status.actual, "error (card_declined)");
    assert_eq!(
        of("match: any, name: x").message,
        "The only matching span, span `charge-card` of payment-service, does not have all facts of the entry: name is \
         \"charge-card\", not x."
    );
    assert_eq!(
        of("attributes: { http.response.status_code: { one_of: ['402', '500'] } }").message,
        "Span `charge-card` of payment-service: http.response.status_code is 402, not one of \"402\", \"500\"."
    );
}

#[test]
fn totals_errors_and_calls_say_what_there_is() {
    let counted = failed("span_count: 13");
    assert_eq!(counted.actual, "7: api-gateway 1, inventory-service 1, order-service 3, payment-service 2");
    let depth = failed("depth: 2");
    assert_eq!(depth.span_ids.len(), 5, "{depth:#?}");
    let trace = told("a server x 0..9 error\n  a client y 1..5 error\n  a client z 2..8 error\n");
    let errors = one("errors: { allow: [z] }", &trace).findings.remove(0);
    assert_eq!(
        errors.message,
        "Expected no errors, found 2 besides the 1 allowed; the first to fail is span `y` of a."
    );
    let judged = one("calls: { only: [api-gateway -> order-service] }", &told(SHOP));
    assert_eq!(judged.findings.len(), 1, "{judged:#?}");
    assert_eq!(judged.findings[0].message, "Found 2 calls that `only` does not list.");
    assert_eq!(
        judged.findings[0].actual,
        "order-service -> inventory-service, 1 call; order-service -> payment-service, 1 call"
    );
}

#[test]
fn a_call_without_an_answer_is_said_not_to_be_answered() {
    let text = "a server x 0..9\n  a client y 1..5 peer.service=b\nb server z 6..7\n";
    let judged = one("calls: [a -> b]", &told(text));
    assert_eq!(judged.findings[0].actual, "1 call, not answered", "{judged:#?}");
}

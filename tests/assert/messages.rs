//! What failures say: one sentence with service and span, then expected and actual in the spec's own terms.

use super::told::{one, trace as told};
use tracespec::assert::{Finding, Verdict};

const SHOP: &str = "
gateway server POST_/orders 0..100
  order server POST_/orders 2..98
    order client charge 5..40
      payment-service server charge-payment 6..39 error=card_declined payment.method=cash
    order client reserve 41..60
      inventory server reserve 42..59
        inventory client SELECT 43..45
        inventory client SELECT 46..48
        inventory client SELECT 49..50
";

fn failed(spec: &str) -> Finding {
    let judged = one(spec, &told(SHOP));
    assert_eq!(judged.verdict, Verdict::Fail, "{judged:#?}");
    judged.findings.into_iter().next().unwrap()
}

fn says(spec: &str, message: &str, expected: &str, actual: &str) -> Finding {
    let finding = failed(spec);
    assert_eq!(finding.message, message);
    assert_eq!(finding.expected, expected);
    assert_eq!(finding.actual, actual);
    finding
}

#[test]
fn a_query_whose_aggregate_does_not_hold_says_what_it_was() {
    let text = "a server x 0..9\n  a client y 1..5\n  a client z 2..8\n";
    let actual = |query: &str| {
        let judged = one(&format!("traceql: ['{query}']"), &told(text));
        judged.findings[0].actual.clone()
    };
    assert_eq!(actual("{ kind = client } | count() > 2"), "count() is 2");
    assert_eq!(actual("{ kind = client } | max(duration) > 1s"), "max(duration) is 6ms");
    assert_eq!(actual("{ } | by(name) | count() > 1"), "count() is 1 in the first of 3 sets");
    let empty = actual("{ status = error } | count() < 2");
    assert!(empty.contains("an empty set passes no comparison"), "{empty}");
    assert_eq!(actual("{ status = error }"), "0");
}

#[test]
fn the_nearest_miss_is_named_with_what_differs() {
    let finding = says(
        "spans: [{ select: { service: payment-service, name: charge_payment, status: ok } }]",
        "No span matches {service: payment-service, name: charge_payment, status: ok}.",
        "at least one span",
        "0",
    );
    assert_eq!(
        finding.hint.unwrap(),
        "span `charge-payment` of payment-service comes nearest: its name differs by 1 character; its status is error, not ok"
    );
    assert_eq!(finding.span_ids.len(), 1);
}

#[test]
fn a_fact_that_does_not_hold_names_span_service_and_values() {
    let finding = says(
        "spans: [{ select: { service: payment-service }, attributes: { payment.method: card } }]",
        "Span `charge-payment` of payment-service: payment.method is \"cash\", not card.",
        "payment.method: card",
        "\"cash\"",
    );
    assert_eq!(finding.expectation, "trace.spans[0].attributes.payment.method");
    says(
        "spans: [{ select: { service: payment-service }, duration: < 20ms }]",
        "Span `charge-payment` of payment-service: duration is 33ms, not < 20ms.",
        "duration: < 20ms",
        "33ms",
    );
}

#[test]
fn counts_say_how_many_of_what_and_whose() {
    let finding = says(
        "spans: [{ select: { service: inventory, name: SELECT }, count: 1 }]",
        "Expected 1 span matching {service: inventory, name: SELECT}, found 3, all named `SELECT` and of inventory.",
        "count: 1",
        "3",
    );
    assert_eq!(finding.span_ids.len(), 3);
    says(
        "calls: [{ order -> inventory: 2 }]",
        "Expected 2 calls order -> inventory, found 1.",
        "order -> inventory: 2",
        "1 call",
    );
}

#[test]
fn missing_services_and_calls_name_what_may_be_meant() {
    let finding = failed("services: [payment-servise]");
    assert_eq!(finding.message, "Expected a span of `payment-servise`, found none.");
    assert_eq!(finding.hint.unwrap(), "did you mean `payment-service`?");
    let finding = failed("calls: [inventory -> order]");
    assert_eq!(finding.message, "Expected at least one call inventory -> order, found none.");
    assert_eq!(finding.hint.unwrap(), "the trace has the opposite call: order -> inventory");
}

#[test]
fn errors_and_orders_name_the_spans_that_decide() {
    let finding = says(
        "errors: none",
        "Expected no errors, found 1: span `charge-payment` of payment-service failed: card_declined.",
        "no errors",
        "1 error",
    );
    assert_eq!(finding.span_ids.len(), 1);
    let spec = "spans:\n  - { select: { name: charge-payment }, as: charge }\n  - { select: { service: inventory, kind: server }, as: stock }\norder: [stock -> charge]\n";
    let judged = super::told::judged(spec, &told(SHOP), tracespec::trace::Phase::Confirmed);
    let finding = &judged.last().unwrap().findings[0];
    assert_eq!(
        finding.message,
        "Expected stock -> charge, but `stock` (span `reserve` of inventory) ends 53ms after the start of `charge` (span `charge-payment` \
         of payment-service) by their own clocks."
    );
    assert_eq!(
        finding.actual,
        "`stock` ends 53ms after the start of `charge` by their own clocks; decided by the clock of order, which called both sides"
    );
}

#[test]
fn a_structure_says_where_it_breaks_off() {
    let finding = failed(
        "structure: { tree: { select: { service: order, kind: server }, children: [{ select: { name: reserve }, children: [{ select: { service: inventory }, children: [{ select: { name: UPDATE } }] }] }] } }",
    );
    assert_eq!(finding.message, "No span matches {name: UPDATE} directly below span `reserve` of inventory.");
}

#[test]
fn what_is_unsettled_says_what_was_missing() {
    let trace = told("a server x 0..9\nb server y 1..2 orphan\n");
    let judged = super::told::judged("errors: none", &trace, tracespec::trace::Phase::Stalled);
    assert_eq!(judged[0].verdict, Verdict::Inconclusive);
    assert_eq!(
        judged[0].findings[0].message,
        "It holds for the spans received so far, but the trace stayed incomplete: the parent of 1 span never arrived (first: span `y` \
         of b)."
    );
}

#[test]
fn control_characters_from_a_trace_reach_no_message() {
    let mut lines = super::told::lines(SHOP);
    lines[3].name = "evil\u{1b}[2J\nname".to_owned();
    lines[3].service = "\u{202e}sneaky".to_owned();
    let trace = super::told::build(&lines);
    for spec in [
        "errors: none",
        "services: { only: [gateway] }",
        "span_count: 1",
        "spans: [{ select: { status: error }, name: x }]",
    ] {
        for finding in one(spec, &trace).findings {
            let all = format!("{}{}{}{:?}", finding.message, finding.expected, finding.actual, finding.hint);
            assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}') && !all.contains('\n'), "{all:?}");
        }
    }
}

#[test]
fn a_count_says_what_was_expected_and_what_was_found() {
    let trace = told("shop server root 0..10");
    let of = |count: &str| one(&format!("spans: [{{ select: {{ name: root }}, count: {count} }}]"), &trace);
    let message = |count: &str| of(count).findings.remove(0).message;
    assert_eq!(message("2"), "Expected 2 spans matching {name: root}, found 1: span `root` of shop.");
    assert_eq!(message("0"), "Expected 0 spans matching {name: root}, found 1: span `root` of shop.");
    assert_eq!(message("'>= 3'"), "Expected >= 3 spans matching {name: root}, found 1: span `root` of shop.");
}

#[test]
fn a_shape_that_differs_names_the_spans_of_its_new_lines() {
    use tracespec::assert::{Context, judge, shape};
    use tracespec::spec::plan::{Accepted, Check};
    use tracespec::trace::Phase;
    let before = shape(&told("shop server root 0..10\n  shop client buy 1..9\n  shop internal log 1..2"));
    let now = told(
        "shop server root 0..10\n  shop client buy 1..9\n  shop client extra 2..3\n  shop client extra 4..5\n  shop internal log 1..2",
    );
    let mut expect = super::told::expect("snapshot: s");
    if let Check::Snapshot { accepted, .. } = &mut expect.list[0].check {
        *accepted = Some(Box::new(Accepted::Shape { text: before, redactor: Default::default() }));
    }
    let judged = judge(&now, &expect, Phase::Confirmed, &Context::default());
    let finding = &judged[0].findings[0];
    assert_eq!(finding.span_ids.iter().map(|id| id.get()).collect::<Vec<_>>(), [3, 4], "{finding:#?}");
}

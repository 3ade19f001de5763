//! A real trace: a checkout of the OpenTelemetry Demo, as VictoriaTraces answers it.

use super::told::expect;
use std::path::Path;
use tracespec::assert::{Context, Judgement, Verdict, judge};
use tracespec::trace::{Injected, Phase, Trace, TraceBuilder};
use tracespec::wire::jaeger_json;

const FIXTURE: &str = "../shared/fixtures/victoriatraces/otel_demo_checkout_46spans.json";

const SERVICES: [&str; 12] = [
    "load-generator",
    "frontend-proxy",
    "frontend",
    "checkout",
    "cart",
    "product-catalog",
    "currency",
    "shipping",
    "quote",
    "payment",
    "email",
    "flagd",
];

const EDGES: [(&str, &str, usize); 12] = [
    ("load-generator", "frontend-proxy", 1),
    ("frontend-proxy", "frontend", 1),
    ("frontend", "checkout", 1),
    ("frontend", "product-catalog", 1),
    ("checkout", "cart", 2),
    ("checkout", "product-catalog", 1),
    ("checkout", "currency", 2),
    ("checkout", "shipping", 2),
    ("checkout", "payment", 1),
    ("checkout", "email", 1),
    ("shipping", "quote", 1),
    ("cart", "flagd", 1),
];

/// The answer's text. Where the shared fixtures are not, its tests are not to be asked for.
fn answer() -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURE);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{FIXTURE}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// The trace without some of its spans, by service and the span they are below.
fn without(answer: &serde_json::Value, drop: impl Fn(&str, &serde_json::Value) -> bool) -> Trace {
    let mut answer = answer.clone();
    let trace = &mut answer["data"][0];
    let processes = trace["processes"].clone();
    trace["spans"].as_array_mut().unwrap().retain(|span| {
        let service = processes[span["processID"].as_str().unwrap()]["serviceName"].as_str().unwrap();
        !drop(service, span)
    });
    let mut builder = TraceBuilder::new();
    jaeger_json::read(&answer.to_string(), &mut builder).unwrap();
    let id = builder.trace_ids()[0];
    builder.build(id, &[], &Injected::Unknown)
}

fn spec() -> String {
    let edges: Vec<String> = EDGES.iter().map(|(from, to, count)| format!("  - {from} -> {to}: {count}\n")).collect();
    format!("services: [{}]\ncalls:\n{}", SERVICES.join(", "), edges.concat())
}

fn judged(trace: &Trace) -> Vec<Judgement> {
    judge(trace, &expect(&spec()), Phase::Confirmed, &Context::default())
}

fn messages(judged: &[Judgement]) -> Vec<String> {
    judged.iter().flat_map(|judged| &judged.findings).map(|finding| finding.message.clone()).collect()
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn its_services_and_calls_with_their_counts_hold() {
    let answer = answer();
    let trace = without(&answer, |_, _| false);
    assert_eq!(trace.len(), 46);
    let judged = judged(&trace);
    assert!(judged.iter().all(|judged| judged.verdict == Verdict::Pass), "{:#?}", messages(&judged));
    let only: Vec<String> = EDGES.iter().map(|(from, to, _)| format!("{from} -> {to}")).collect();
    let only = format!("services: {{ only: [{}] }}\ncalls: {{ only: [{}] }}", SERVICES.join(", "), only.join(", "));
    let judged = judge(&trace, &expect(&only), Phase::Confirmed, &Context::default());
    assert!(judged.iter().all(|judged| judged.verdict == Verdict::Pass), "{:#?}", messages(&judged));
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn without_any_one_service_it_fails_with_that_name() {
    let answer = answer();
    for gone in SERVICES {
        let judged = judged(&without(&answer, |service, _| service == gone));
        let messages = messages(&judged);
        let named = format!("Expected a span of `{gone}`, found none.");
        assert!(messages.contains(&named), "{gone}: {messages:#?}");
    }
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn without_any_one_call_it_fails_with_both_names() {
    let answer = answer();
    let spans = answer["data"][0]["spans"].as_array().unwrap();
    let processes = &answer["data"][0]["processes"];
    let service = |span: &serde_json::Value| {
        processes[span["processID"].as_str().unwrap()]["serviceName"].as_str().unwrap().to_owned()
    };
    for (from, to, _) in EDGES {
        // The callee's side of the calls is lost: its entry spans below the caller.
        let entry = |span: &serde_json::Value| {
            let parent = &span["references"][0]["spanID"];
            spans.iter().any(|above| &above["spanID"] == parent && service(above) == from) && service(span) == to
        };
        let judged = judged(&without(&answer, |_, span| entry(span)));
        // A caller that still says whom it called did call; what is missing is the answer.
        let named = format!("{from} -> {to}, found ");
        let messages = messages(&judged);
        let says = |message: &String| message.starts_with("Expected ") && message.contains(&named);
        assert!(messages.iter().any(says), "{named:?} {messages:#?}");
    }
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn what_it_takes_a_person_a_page_of_clicking_to_see_is_a_few_lines() {
    let answer = answer();
    let spec = r#"
errors: none
propagation: intact
roots: 1
span_count: 46
spans:
  - { select: { service: payment, kind: server }, as: charge, count: 1 }
  - { select: { service: email, kind: server }, as: mail, count: 1 }
  - { select: { service: shipping, name: /ship-order }, as: ship, count: 1 }
order:
  - charge -> ship -> mail
traceql:
  - '{ resource.service.name = "cart" } >> { span.db.system = "redis" } | count() = 3'
"#;
    let judged = judge(&without(&answer, |_, _| false), &expect(spec), Phase::Confirmed, &Context::default());
    assert!(judged.iter().all(|judged| judged.verdict == Verdict::Pass), "{judged:#?}");
}

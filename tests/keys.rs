//! For every key under `trace`: what a real trace satisfies passes, and what it violates fails. A key that is read but
//! not judged, or a default that is not applied, shows here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracespec::backend::Embedded;
use tracespec::backend::settle::Pipeline;
use tracespec::receiver::Store;
use tracespec::run::options::Options;
use tracespec::run::record::{RunRecord, TestRecord, Verdict};
use tracespec::run::session::{Session, TestAt};
use tracespec::spec::plan::Settle;
use tracespec::spec::vars::RunVars;
use tracespec::spec::{LoadOptions, load};

const FOLDER: &str = "tests/fixtures/captured/shop";

fn run(text: &str, strict_absence: bool) -> RunRecord {
    let (plan, diagnostics) =
        load(vec![(PathBuf::from(FOLDER).join("keys.yaml"), text.as_bytes().to_vec())], &LoadOptions::default());
    let shown = tracespec::diag::render(&diagnostics, tracespec::diag::RenderOptions::default());
    assert!(!tracespec::diag::has_errors(&diagnostics), "{shown}");
    let options = Options {
        jobs: 2,
        retries: 0,
        test_timeout: None,
        fail_fast: false,
        seed: 7,
        strict_absence,
        whole: false,
        timeout: Duration::from_secs(5),
        settle: Settle::Auto,
        silent: Vec::new(),
        exporter_delay: Duration::from_millis(200),
        exporter_delay_is_set: true,
        pipeline: Pipeline::Direct,
        command_env: Vec::new(),
        started: Default::default(),
    };
    let all: Vec<TestAt> = (0..plan.files[0].tests.len()).map(|test| TestAt { file: 0, test }).collect();
    let backend = Arc::new(Embedded::new(Store::new(1 << 20), Vec::new()));
    let session = Arc::new(Session::new(plan, Arc::new(RunVars::default()), backend, options, Box::new(|_| {})));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(session.run(&all))
}

/// What holds of the confirmed order, and what does not.
const OK: &[(&str, &str)] = &[
    ("services: [api-gateway]", "services: [legacy]"),
    ("services: { all: [api-gateway] }", "services: { all: [api-gateway, legacy] }"),
    ("services: { any: [legacy, payment-service] }", "services: { any: [legacy, other] }"),
    ("services: { none: [legacy] }", "services: { none: [payment-service] }"),
    (
        "services: { only: [api-gateway, order-service, payment-service, inventory-service] }",
        "services: { only: [api-gateway, order-service, payment-service] }",
    ),
    ("calls: [api-gateway -> order-service]", "calls: [api-gateway -> payment-service]"),
    ("calls: { order-service -> inventory-service: 2 }", "calls: { order-service -> inventory-service: 1 }"),
    ("calls: { order-service -> inventory-service: <= 2 }", "calls: { order-service -> inventory-service: <= 1 }"),
    ("calls: { order-service -> inventory-service: 2.. }", "calls: { order-service -> inventory-service: 3.. }"),
    ("calls: { payment-service -> inventory-service: 0 }", "calls: { order-service -> inventory-service: 0 }"),
    ("calls: { order-service -> payment-service: <= 5 }", "calls: { payment-service -> inventory-service: <= 5 }"),
    ("calls: { require: ['* -> payment-service'] }", "calls: { require: ['* -> legacy'] }"),
    ("calls: { forbid: ['payment-service -> *'] }", "calls: { forbid: ['order-service -> *'] }"),
    (
        "calls: { only: [api-gateway -> order-service, 'order-service -> *'] }",
        "calls: { only: [api-gateway -> order-service, order-service -> payment-service] }",
    ),
    ("span_count: 16", "span_count: 15"),
    ("span_count: <= 16", "span_count: <= 15"),
    ("span_count: '>= 16'", "span_count: '>= 17'"),
    ("depth: 8", "depth: <= 4"),
    ("roots: 1", "roots: 2"),
    ("errors: none", "errors: 1.."),
    ("errors: 0", "errors: 1"),
    ("duration: < 1s", "duration: < 40ms"),
    ("duration: '> 40ms'", "duration: '> 1s'"),
    ("duration: { of: root, lt: 1s }", "duration: { of: root, lt: 40ms }"),
    ("duration: { of: trace, gt: 40ms }", "duration: { of: trace, gt: 1s }"),
    ("propagation: intact", ""),
    ("clock_skew: none", ""),
    ("conventions: { score: 90.. }", "conventions: { score: < 90 }"),
    ("conventions: [RES-005, secrets]", "conventions: [renamed_attributes]"),
    ("conventions: { rules: all, ignore: [renamed_attributes] }", "conventions: { rules: all }"),
    ("traceql: ['{ name = \"authorize\" }']", "traceql: ['{ name = \"refund\" }']"),
    ("traceql: [{ none: '{ name = \"refund\" }' }]", "traceql: [{ none: '{ name = \"authorize\" }' }]"),
    ("traceql: ['{ kind = client } | count() = 4']", "traceql: ['{ kind = client } | count() = 3']"),
    (
        "order: { first: { name: charge_payment }, then: { name: reserve_inventory } }",
        "order: { first: { name: reserve_inventory }, then: { name: charge_payment } }",
    ),
    (
        "order: { sequence: [{ name: validate_order }, { name: charge_payment }, { name: reserve_inventory }] }",
        "order: { sequence: [{ name: validate_order }, { name: reserve_inventory }, { name: charge_payment }] }",
    ),
    (
        "order: { parallel: [{ name: process_order }, { name: charge_payment }] }",
        "order: { parallel: [{ name: validate_order }, { name: charge_payment }] }",
    ),
    (
        "order: { first: { name: charge_payment }, then: { name: process_order }, relation: within }",
        "order: { first: { name: process_order }, then: { name: charge_payment }, relation: within }",
    ),
    (
        "order: { first: { name: process_order }, then: { name: charge_payment }, relation: starts_before }",
        "order: { first: { name: charge_payment }, then: { name: process_order }, relation: starts_before }",
    ),
    (
        "order: { first: { name: charge_payment }, then: { name: process_order }, relation: ends_before }",
        "order: { first: { name: process_order }, then: { name: charge_payment }, relation: ends_before }",
    ),
    (
        "order: { first: { name: validate_order }, then: { name: charge_payment }, relation: adjacent }",
        "order: { first: { name: validate_order }, then: { name: reserve_inventory }, relation: adjacent }",
    ),
    (
        "order: { first: { name: charge_payment }, then: { name: reserve_inventory }, per: siblings }",
        "order: { first: { name: refund }, then: { name: reserve_inventory }, per: siblings }",
    ),
    (
        "order: { first: { name: charge_payment }, then: { name: reserve_inventory }, per: { under: { name: process_order } } }",
        "order: { first: { name: charge_payment }, then: { name: reserve_inventory }, per: { under: { name: authorize } } }",
    ),
    (
        "structure: { tree: { select: { name: process_order }, children: [{ select: { name: charge_payment } }] } }",
        "structure: { tree: { select: { name: process_order }, children: [{ select: { name: authorize } }] } }",
    ),
    (
        "structure: { mode: exact, tree: { select: { name: charge_payment }, children: [{ select: { kind: client }, children: [{ select: { kind: server }, children: [{ select: { name: authorize } }] }] }] } }",
        "structure: { mode: exact, tree: { select: { name: process_order }, children: [{ select: { name: charge_payment } }, { select: { name: reserve_inventory } }] } }",
    ),
    (
        "structure: { ordered: true, tree: { select: { name: process_order }, children: [{ select: { name: charge_payment } }, { select: { name: reserve_inventory } }] } }",
        "structure: { ordered: true, tree: { select: { name: process_order }, children: [{ select: { name: reserve_inventory } }, { select: { name: charge_payment } }] } }",
    ),
    (
        "structure: { tree: { select: { name: reserve_inventory }, children: [{ select: { kind: client }, count: 2 }] } }",
        "structure: { tree: { select: { name: reserve_inventory }, children: [{ select: { kind: client }, count: 1 }] } }",
    ),
    ("", "snapshot: never-accepted"),
    (
        "spans: [{ select: process_order }, { select: { name: refund }, optional: true, duration: < 1ns }]",
        "spans: [{ select: process_order }, { select: authorize, optional: true, duration: < 1ns }]",
    ),
];

/// The same for an entry of `spans`.
const SPANS: &[(&str, &str)] = &[
    ("select: authorize", "select: refund"),
    ("select: { service: payment-service }", "select: { service: legacy }"),
    ("select: { name: ~ author.* }", "select: { name: ~ author }"),
    ("select: { kind: server, service: payment-service }", "select: { kind: producer }"),
    ("select: { status: unset }", "select: { status: error }"),
    ("select: { attributes: { payment.method: card } }", "select: { attributes: { payment.method: cash } }"),
    ("select: { resource: { service.version: 1.2.3 } }", "select: { resource: { service.version: 2.0.0 } }"),
    ("select: { scope: { version: 0.66b0 } }", "select: { scope: { version: 0.67b0 } }"),
    ("select: { name: process_order, duration: '> 40ms' }", "select: { name: process_order, duration: < 40ms }"),
    (
        "select: { name: charge_payment, parent: { name: process_order } }",
        "select: { name: authorize, parent: { name: process_order } }",
    ),
    (
        "select: { name: authorize, ancestor: { name: process_order } }",
        "select: { name: process_order, ancestor: { name: authorize } }",
    ),
    (
        "select: { name: process_order, where: '{ span.order.item_count = 2 }' }",
        "select: { name: process_order, where: '{ span.order.item_count = 3 }' }",
    ),
    ("select: '{ name = \"authorize\" }'", "select: '{ name = \"refund\" }'"),
    (
        "select: { service: inventory-service, kind: server }, count: 2",
        "select: { service: inventory-service, kind: server }, count: 1",
    ),
    ("select: { name: refund }, count: 0", "select: authorize, count: 0"),
    ("select: authorize, count: <= 5", "select: { name: refund }, count: <= 5"),
    ("select: { name: refund }, count: 0..5, duration: < 1ns", "select: authorize, count: 0..5, duration: < 1ns"),
    (
        "select: { kind: client }, match: any, attributes: { http.status_code: 201 }",
        "select: { kind: client }, attributes: { http.status_code: 201 }",
    ),
    (
        "select: { kind: client }, match: any, attributes: { http.status_code: 200 }",
        "select: { kind: client }, match: any, attributes: { http.status_code: 404 }",
    ),
    ("select: process_order, duration: 40ms..50ms", "select: process_order, duration: 42ms..50ms"),
    ("select: process_order, self_time: < 2ms", "select: process_order, self_time: '> 2ms'"),
    ("select: authorize, status: unset", "select: authorize, status: ok"),
    ("select: authorize, status_message: absent", "select: authorize, status_message: exists"),
    ("select: authorize, kind: internal", "select: authorize, kind: server"),
    (
        "select: { service: payment-service, kind: server }, name: POST /charge",
        "select: { service: payment-service, kind: server }, name: POST /pay",
    ),
    ("select: authorize, service: payment-service", "select: authorize, service: order-service"),
    (
        "select: process_order, attributes: { order.item_count: 2 }",
        "select: process_order, attributes: { order.item_count: '\"2\"' }",
    ),
    (
        "select: process_order, attributes: { order.status: completed }",
        "select: process_order, attributes: { order.status: { one_of: [failed] } }",
    ),
    (
        "select: process_order, attributes: { order.coupon: absent }",
        "select: process_order, attributes: { order.coupon: '!= x' }",
    ),
    (
        "select: { kind: client, service: api-gateway }, attributes: { http.response.status_code: 201 }",
        "select: { kind: client, service: api-gateway }, attributes: { http.response.status_code: 200 }",
    ),
    (
        "select: authorize, resource: { deployment.environment: test }",
        "select: authorize, resource: { deployment.environment: prod }",
    ),
    ("select: authorize, scope: { name: payment-service }", "select: authorize, scope: { name: other }"),
    ("select: authorize, events: [{ name: exception, count: 0 }]", "select: authorize, events: [exception]"),
    ("select: authorize, events: [{ count: 0 }]", "select: authorize, event_order: [a]"),
    ("select: authorize, links: [{ count: 0 }]", "select: authorize, links: [{ trace_id: exists }]"),
    ("select: authorize, parent: { kind: server }", "select: authorize, parent: { kind: client }"),
    (
        "select: authorize, ancestor: { name: process_order }",
        "select: authorize, ancestor: { name: reserve_inventory }",
    ),
    ("select: process_order, children: [charge_payment]", "select: process_order, children: [authorize]"),
    (
        "select: reserve_inventory, children: [{ select: { kind: client }, count: 2 }]",
        "select: reserve_inventory, children: [{ select: { kind: client }, count: 3.. }]",
    ),
    (
        "select: process_order, children: [{ select: { kind: client }, count: 0 }]",
        "select: reserve_inventory, children: [{ select: { kind: client }, count: 0 }]",
    ),
];

/// What holds of the declined order, and what does not.
const DECLINED: &[(&str, &str)] = &[
    ("errors: 1..", "errors: none"),
    (
        "errors: { allow: ['{ status = error && resource.service.name != \"inventory-service\" }'] }",
        "errors: { allow: [{ service: inventory-service }] }",
    ),
    ("errors: { count: '>= 1' }", "errors: { count: 0 }"),
    ("spans: [{ select: { status: error }, status: error }]", "spans: [{ select: { status: error }, count: 0 }]"),
    ("services: { none: [inventory-service] }", "services: [inventory-service]"),
    (
        "spans: [{ select: { service: payment-service }, match: any, events: [exception] }]",
        "spans: [{ select: { service: payment-service }, match: any, events: [{ name: exception, attributes: { exception.type: Nothing } }] }]",
    ),
];

fn spec() -> String {
    let mut text = String::from("tests:\n");
    let mut add = |file: &str, kind: &str, number: usize, body: &str| {
        if !body.is_empty() {
            text +=
                &format!("  - name: \"{kind} {number} of {file}\"\n    trace_file: {file}\n    trace:\n      {body}\n");
        }
    };
    for (number, (good, bad)) in OK.iter().enumerate() {
        add("jaeger_v3_ok.json", "pass", number, good);
        add("jaeger_v3_ok.json", "fail", number, bad);
    }
    for (number, (good, bad)) in SPANS.iter().enumerate() {
        for file in ["tempo_v2_ok.pb", "jaeger_grpc_v3_ok.pb"] {
            add(file, "pass", number, &format!("spans: [{{ {good} }}]"));
            add(file, "fail", number, &format!("spans: [{{ {bad} }}]"));
        }
    }
    for (number, (good, bad)) in DECLINED.iter().enumerate() {
        add("jaeger_v3_declined.json", "pass", number, good);
        add("jaeger_v3_declined.json", "fail", number, bad);
    }
    text
}

#[test]
fn each_key_passes_where_it_holds_and_fails_where_it_does_not() {
    let text = spec();
    let wrong: Vec<String> = run(&text, false)
        .tests
        .iter()
        .filter(|test| {
            let wanted = if test.name.starts_with("pass") { Verdict::Pass } else { Verdict::Fail };
            test.verdict != wanted
        })
        .map(|test| {
            let body: Vec<&str> = text.lines().skip(test.line + 2).take(1).collect();
            let step = test.steps.first();
            let why = step.and_then(|step| step.findings().next()).map(|finding| finding.message.clone());
            format!(
                "{}: {} {body:?} {why:?} {:?}",
                test.name,
                test.verdict.word(),
                step.and_then(|step| step.error.clone())
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn by_name(record: &RunRecord) -> BTreeMap<&str, &TestRecord> {
    record.tests.iter().map(|test| (test.name.as_str(), test)).collect()
}

#[test]
fn an_absence_that_nothing_witnesses_fails_under_strict_absence_only_and_whatever_the_order_of_tests() {
    let text = "tests:
  - name: never seen
    trace_file: jaeger_v3_declined.json
    trace: { services: { none: [legacy] } }
  - name: seen by a later test
    trace_file: jaeger_v3_declined.json
    trace: { services: { none: [inventory-service] } }
  - name: the one that sees it
    trace_file: jaeger_v3_ok.json
    trace: { services: [inventory-service] }
";
    let verdicts = |strict| {
        let record = run(text, strict);
        let tests = by_name(&record);
        let told = |name: &str| !tests[name].steps[0].unwitnessed.is_empty();
        (
            tests["never seen"].verdict,
            told("never seen"),
            tests["seen by a later test"].verdict,
            told("seen by a later test"),
        )
    };
    assert_eq!(verdicts(false), (Verdict::Pass, true, Verdict::Pass, false));
    assert_eq!(verdicts(true), (Verdict::Fail, false, Verdict::Pass, false));
}

#[test]
fn defaults_and_the_keys_of_a_test_are_both_judged_and_the_tests_own_goes_before() {
    let text = "defaults:
  trace: { span_count: 1, errors: none }
tests:
  - name: the default holds
    trace_file: jaeger_v3_ok.json
    trace: { span_count: 16 }
  - name: the default is violated
    trace_file: jaeger_v3_ok.json
  - name: the default is violated beside an own key
    trace_file: jaeger_v3_declined.json
    trace: { span_count: 1.. }
";
    let record = run(text, false);
    let tests = by_name(&record);
    assert_eq!(tests["the default holds"].verdict, Verdict::Pass);
    assert_eq!(tests["the default is violated"].verdict, Verdict::Fail);
    assert_eq!(tests["the default is violated beside an own key"].verdict, Verdict::Fail);
}

#[test]
fn a_key_that_only_events_of_another_trace_show_was_seen() {
    let text = "tests:
  - name: none of it
    trace_file: jaeger_v3_ok.json
    trace: { traceql: [{ none: '{ .exception.type = \"X\" }' }] }
  - name: shows it
    trace_file: jaeger_v3_declined.json
    trace: { services: [payment-service] }
";
    let record = run(text, true);
    assert_eq!(by_name(&record)["none of it"].verdict, Verdict::Pass);
}

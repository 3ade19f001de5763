use super::load;
use super::plan::{Check, Plan, Trigger};
use super::{LoadOptions, bind::Bind, vars};
use crate::diag::{Diagnostic, RenderOptions, render};
use crate::matcher::{Literal, Matcher, Operand, Value};
use std::path::PathBuf;
use std::sync::Arc;

pub(super) fn read(text: &str) -> (Plan, Vec<Diagnostic>) {
    load(vec![(PathBuf::from("specs/a.yaml"), text.as_bytes().to_vec())], &LoadOptions::default())
}

#[track_caller]
fn good(text: &str) -> Plan {
    let (plan, diagnostics) = read(text);
    assert!(!crate::diag::has_errors(&diagnostics), "{}", render(&diagnostics, RenderOptions::default()));
    plan
}

const ORDER: &str = r#"
vars:
  base: ${env.SHOP_URL:-http://127.0.0.1:8080}
defaults:
  trace: { errors: none, propagation: intact }
tests:
  - name: an order charges the card, then reserves stock
    tags: [smoke, checkout]
    request:
      method: POST
      url: ${base}/orders
      headers: { Authorization: "Bearer ${secret.SHOP_TOKEN}" }
      json: { items: [{ sku: LAPTOP-1, qty: 1 }], payment: { method: card, token: tok_test_123 }, zip: 01234, price: 1.10 }
    response:
      status: 201
      json: { $.status: confirmed }
      capture: { order_id: $.id }
    trace:
      services: [api-gateway, order-service, payment-service, inventory-service]
      duration: < 3s
      spans:
        - select: { service: payment-service, name: authorize }
          as: charge
          count: 1
          duration: < 1500ms
          attributes: { payment.method: card, payment.processor: exists, order.id: "${order_id}" }
        - select: '{ resource.service.name = "inventory-service" && span.db.system.name = "postgresql" }'
          as: reserve
          count: <= 5
      order:
        - charge -> reserve
"#;

#[test]
fn the_classic_order_becomes_a_plan() {
    let plan = good(ORDER);
    let test = &plan.files[0].tests[0];
    let step = &test.steps[0];
    let trace = step.trace.as_ref().unwrap();
    let paths: Vec<&str> = trace.list.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "trace.services",
            "trace.duration",
            "trace.spans[0]",
            "trace.spans[1]",
            "trace.order[0]",
            "trace.errors",
            "trace.propagation"
        ]
    );
    assert_eq!(trace.names.iter().map(|(name, _)| name.value.as_str()).collect::<Vec<_>>(), ["charge", "reserve"]);
    assert_eq!(test.tags, ["smoke", "checkout"]);
    assert_eq!(step.response.capture.len(), 1);
}

#[test]
fn values_are_bound_with_their_type_and_their_text() {
    let plan = good(ORDER);
    let file = &plan.files[0];
    let run = vars::RunVars {
        secrets: Arc::new(|name| (name == "SHOP_TOKEN").then(|| "s3cr3t-token".to_owned())),
        ..vars::RunVars::default()
    };
    let redactor = run.redactor.clone();
    let mut scope = vars::Scope::new(Arc::new(run), file, Some(&file.tests[0]), 0);
    let step = &file.tests[0].steps[0];
    let Trigger::Http(request) = &step.trigger else { panic!() };
    let request = request.bind(&scope).unwrap();
    assert_eq!(request.url.as_text(), Some("http://127.0.0.1:8080/orders"));
    assert_eq!(request.headers[0].1.as_text(), Some("Bearer s3cr3t-token"));
    assert_eq!(redactor.text("Bearer s3cr3t-token"), "Bearer ***");
    let super::plan::Body::Json(json) = &request.body else { panic!() };
    assert_eq!(
        json.to_json().unwrap(),
        r#"{"items":[{"sku":"LAPTOP-1","qty":1}],"payment":{"method":"card","token":"tok_test_123"},"zip":"01234","price":1.10}"#
    );
    let trace = step.trace.as_ref().unwrap();
    assert!(trace.bind(&scope).unwrap_err().message.contains("order_id"));
    scope.capture("order_id", Value::typed(Literal::Int(42)));
    let bound = trace.bind(&scope).unwrap();
    let Check::Spans(charge) = &bound.list[2].check else { panic!() };
    let super::plan::Fact::Attribute(_, Matcher::Compare(_, Operand::Literal(value))) = &charge.facts[3].value else {
        panic!("{:?}", charge.facts)
    };
    assert_eq!(*value, Literal::Int(42));
}

#[test]
fn the_nearer_value_of_a_variable_counts() {
    use crate::matcher::Lookup;
    let plan = good(
        "vars: { a: file, b: 'b-${a}', id: '${uuid}' }\ntests:\n  - name: t ${m}\n    matrix: [{ m: row }]\n    request: { url: 'http://h/${a}${b}${m}${id}' }\n    response: { status: 200 }\n",
    );
    let file = &plan.files[0];
    let get = |scope: &vars::Scope, name: &str| {
        scope.value(name, None, crate::source::Span::default()).map(|value| value.text.to_string())
    };
    let named = |name: &str, value: &str| std::collections::BTreeMap::from([(name.to_owned(), Value::text(value))]);
    let run = |flags, profile, config| {
        Arc::new(vars::RunVars { flags, profile, config, seed: 7, ..vars::RunVars::default() })
    };
    let none = std::collections::BTreeMap::new;
    let test = Some(&file.tests[0]);
    assert_eq!(file.tests[0].name.value, "t row");
    let scope = vars::Scope::new(run(none(), none(), named("a", "config")), file, test, 0);
    assert_eq!(get(&scope, "b").unwrap(), "b-file");
    let scope = vars::Scope::new(run(none(), named("a", "profile"), none()), file, test, 0);
    assert_eq!(get(&scope, "b").unwrap(), "b-profile");
    let mut scope = vars::Scope::new(run(named("a", "flag"), named("a", "profile"), none()), file, test, 0);
    assert_eq!(get(&scope, "a").unwrap(), "flag");
    scope.capture("a", Value::text("captured"));
    assert_eq!(get(&scope, "a").unwrap(), "captured");
    assert_eq!(get(&scope, "m").unwrap(), "row");
    assert_eq!(get(&scope, "id").unwrap(), get(&scope, "id").unwrap(), "a variable is evaluated once");
    assert_ne!(get(&scope, "uuid").unwrap(), get(&scope, "uuid").unwrap());
    let again = vars::Scope::new(run(none(), none(), none()), file, test, 0);
    let other = vars::Scope::new(run(none(), none(), none()), file, test, 1);
    assert_eq!(
        get(&again, "id").unwrap(),
        get(&vars::Scope::new(run(none(), none(), none()), file, test, 0), "id").unwrap()
    );
    assert_ne!(get(&again, "id").unwrap(), get(&other, "id").unwrap());
    assert!(get(&again, "nowhere").is_err());
    assert_eq!(again.value("env.X", Some("d"), crate::source::Span::default()).unwrap().text.as_ref(), "d");
}

#[test]
fn a_variable_made_of_its_own_name_is_made_of_the_one_that_it_stands_above() {
    use crate::matcher::Lookup;
    let named = |name: &str, value: &str| std::collections::BTreeMap::from([(name.to_owned(), Value::text(value))]);
    let options = LoadOptions { vars: ["base".to_owned()].into(), ..LoadOptions::default() };
    let text = "vars: { base: '${base}/v1' }\ntests:\n  - name: t\n    request: { url: '${base}' }\n    response: { status: 200 }\n";
    let (plan, diagnostics) = load(vec![(PathBuf::from("specs/a.yaml"), text.as_bytes().to_vec())], &options);
    assert!(!crate::diag::has_errors(&diagnostics), "{}", render(&diagnostics, RenderOptions::default()));
    let value = |run: vars::RunVars| {
        let scope = vars::Scope::new(Arc::new(run), &plan.files[0], Some(&plan.files[0].tests[0]), 0);
        scope.value("base", None, crate::source::Span::default()).map(|value| value.text.to_string())
    };
    assert_eq!(
        value(vars::RunVars { config: named("base", "http://h"), ..Default::default() }).unwrap(),
        "http://h/v1"
    );
    assert!(value(vars::RunVars::default()).unwrap_err().message.contains("has no value"));
}

#[test]
fn time_and_chance_come_from_outside() {
    use crate::matcher::Lookup;
    let run = vars::RunVars { clock: Arc::new(|| 1_764_677_106_045_000_000), ..vars::RunVars::default() };
    let scope = vars::Scope::bare(Arc::new(run));
    let get = |name: &str| scope.value(name, None, crate::source::Span::default()).unwrap().text.to_string();
    assert_eq!(get("now"), "2025-12-02T12:05:06.045Z");
    assert_eq!(get("now(date)"), "2025-12-02");
    assert_eq!(get("now(unix)"), "1764677106");
    assert_eq!(get("now(%d.%m.%Y %H:%M)"), "02.12.2025 12:05");
    assert_eq!(get("random.string(8)").len(), 8);
    for _ in 0..50 {
        assert!((1..=3).contains(&get("random.int(1..3)").parse::<i64>().unwrap()));
    }
    let uuid = get("uuid");
    assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
}

#[test]
fn a_key_of_the_test_replaces_that_of_the_defaults() {
    let plan = good(
        "defaults:\n  trace: { errors: none, span_count: 5 }\n  request: { headers: { a: '1', b: '2' } }\ntests:\n  - name: t\n    request: { url: 'http://h/', headers: { A: own } }\n    trace: { span_count: 6, wait: { timeout: 1s } }\n    wait: { timeout: 2s, settle: 100ms }\n",
    );
    let step = &plan.files[0].tests[0].steps[0];
    let trace = step.trace.as_ref().unwrap();
    let paths: Vec<&str> = trace.list.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["trace.span_count", "trace.errors"]);
    assert!(matches!(&trace.list[0].check, Check::SpanCount(Matcher::Compare(_, Operand::Literal(Literal::Int(6))))));
    let Trigger::Http(request) = &step.trigger else { panic!() };
    assert_eq!(
        request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>(),
        ["A: own", "b: 2"]
    );
    assert_eq!(step.wait.timeout, Some(std::time::Duration::from_secs(1)));
    assert_eq!(step.wait.settle, Some(super::plan::Settle::Fixed(std::time::Duration::from_millis(100))));
}

#[test]
fn the_configuration_is_read_with_ports_and_profiles() {
    let text = "backend: { tempo: { url: 'http://t', tenant: a, auth: { bearer: '${secret.T}' } } }\nprocesses:\n  - { name: shop, command: [shop, --port, '${port.shop}'], ports: [shop], ready: { http: 'http://h:${port.shop}/' } }\nprofiles: { ci: { jobs: 2, processes: [] } }\nexporter_delay: 5s\n";
    let (config, diagnostics) = super::config::parse("tracespec.yaml".as_ref(), text.as_bytes().to_vec());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    assert!(matches!(
        &config.settings.backend.as_ref().unwrap().kind,
        super::config::BackendKind::Tempo { tenant: Some(_), .. }
    ));
    assert_eq!(config.ports().into_iter().collect::<Vec<_>>(), ["shop"]);
    assert_eq!(config.settings.processes.as_ref().unwrap()[0].command.len(), 3);
    let ci = config.profile("ci").unwrap();
    assert_eq!((ci.jobs, ci.processes.as_ref().map(Vec::len), ci.retries), (Some(2), Some(0), None));
}

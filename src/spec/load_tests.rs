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
    assert_eq!(paths, ["trace.services", "trace.duration", "trace.spans[0]", "trace.spans[1]", "trace.order[0]", "trace.errors", "trace.propagation"]);
    assert_eq!(trace.names.iter().map(|(name, _)| name.value.as_str()).collect::<Vec<_>>(), ["charge", "reserve"]);
    assert_eq!(test.tags, ["smoke", "checkout"]);
    assert_eq!(step.response.capture.len(), 1);
}

#[test]
fn values_are_bound_with_their_type_and_their_text() {
    let plan = good(ORDER);
    let file = &plan.files[0];
    let run = vars::RunVars { secrets: Arc::new(|name| (name == "SHOP_TOKEN").then(|| "s3cr3t-token".to_owned())), ..vars::RunVars::default() };
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
    let super::plan::Fact::Attribute(_, Matcher::Compare(_, Operand::Literal(value))) = &charge.facts[3].value else { panic!("{:?}", charge.facts) };
    assert_eq!(*value, Literal::Int(42));
}

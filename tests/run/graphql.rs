//! GraphQL: what is sent, and errors in a response of 200.

use crate::project::Project;
use crate::target::{reply, with_receiver};
use serde_json::json;

fn spec(response: &str) -> String {
    format!(
        r#"
vars: {{ sku: LAPTOP-1 }}
defaults: {{ request: {{ headers: {{ x-tenant: a }} }} }}
tests:
  - name: a query
    graphql:
      url: "${{base}}/graphql"
      query: |
        query Price($sku: ID!) {{ product(sku: $sku) {{ price }} }}
      variables: {{ sku: "${{sku}}", quantity: 1.10 }}
      operation_name: Price
{response}
    trace: {{ services: [gateway] }}
"#
    )
}

#[test]
fn a_query_is_posted_with_its_variables_as_they_were_written() {
    let (target, configuration) = with_receiver(|_| reply(r#"{"data": {"product": {"price": 7}}, "errors": null}"#));
    let spec = spec("    response: { status: 200, json: { $.data.product.price: 7 }, errors: absent }");
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(0);
    let call = &target.calls()[0];
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/graphql"));
    assert_eq!((call.header("content-type"), call.header("x-tenant")), ("application/json", "a"));
    assert!(call.header("accept").starts_with("application/graphql-response+json"));
    let query = "query Price($sku: ID!) { product(sku: $sku) { price } }\n";
    assert_eq!(call.json()["query"], query);
    assert_eq!(call.json()["operationName"], "Price");
    assert_eq!(call.json()["variables"]["sku"], json!("LAPTOP-1"));
    assert!(String::from_utf8_lossy(&call.body).contains("\"quantity\":1.10"));
}

#[test]
fn errors_in_an_answer_of_200_fail_unless_the_spec_says_what_they_are() {
    let errors = r#"{"data": null, "errors": [
        {"message": "no such product", "path": ["product", 0], "extensions": {"code": "NOT_FOUND"}}, {"message": "slow"}]}"#;
    let answers = [
        ("{ status: 200 }", 1),
        ("{ errors: absent }", 1),
        ("{ errors: { length: 3 } }", 1),
        ("{ errors: { length: 2 } }", 0),
    ];
    for (expected, code) in answers {
        let (_, configuration) = with_receiver(move |_| reply(errors));
        let ran = Project::new(&configuration, &spec(&format!("    response: {expected}"))).run(&[]);
        ran.exits(code);
        if expected == "{ status: 200 }" {
            ran.says(&["POST /graphql answered with 2 errors, expected none", "no such product (at product.0); slow"]);
            assert_eq!(ran.test("a query")["expectations"][1]["path"], "response.errors");
        }
    }
}

#[test]
fn an_answer_that_is_no_json_is_no_graphql_response() {
    let (_, configuration) = with_receiver(|_| reply("<html>"));
    let ran = Project::new(&configuration, &spec("    response: { status: 200 }")).run(&[]);
    ran.exits(1).says(&["is not JSON", "so it is no GraphQL response"]);
}

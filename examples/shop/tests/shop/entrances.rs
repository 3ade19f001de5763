//! The other ways into the shop: GraphQL at the gateway, and the job that is a program.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::collector::outline;
use crate::process::{Answer, command};
use crate::{HEALTHY, failed, setup};

fn graphql(headers: &[(&str, &str)], query: &str, variables: Value) -> Answer {
    setup().shop.post("/graphql", headers, json!({ "query": query, "variables": variables }).to_string())
}

const PLACE: &str = "mutation Place($order: NewOrder!) { placeOrder(input: $order) { id total } }";

fn one_mouse() -> Value {
    json!({ "order": { "items": [{ "sku": "MOUSE-2", "qty": 1 }], "payment": { "method": "card", "token": "t" } } })
}

#[test]
fn graphql_answers_what_was_asked_for_and_nothing_else() {
    let query = "query Catalogue { __typename products { ...Tag sku @skip(if: true) } } fragment Tag on Product { title: name }";
    let answer = graphql(&[], query, json!({}));
    assert_eq!(answer.body["data"]["__typename"], "Query");
    assert_eq!(answer.body["data"]["products"][0], json!({ "title": "Game console" }));
    setup().pass_barrier();
    assert_eq!(
        outline(&setup().collector.now(&answer.trace_id)),
        [
            "api-gateway server POST /graphql",
            "  api-gateway internal query Catalogue",
            "    api-gateway client GET /products",
            "      inventory-service server GET /products",
            "        inventory-service client SELECT products",
        ]
    );
}

#[test]
fn an_order_over_graphql_is_the_order_of_rest_below_its_own_span() {
    let answer = graphql(&[], PLACE, one_mouse());
    assert_eq!(answer.body["data"]["placeOrder"]["total"], 24.5);
    let id = answer.body["data"]["placeOrder"]["id"].as_str().unwrap().to_owned();
    let again = graphql(&[], "query($id: ID!) { order(id: $id) { id traceId } }", json!({ "id": id }));
    assert_eq!(again.body, json!({ "data": { "order": { "id": id, "traceId": answer.trace_id } } }));
    setup().pass_barrier();
    let spans = setup().collector.now(&answer.trace_id);
    assert_eq!(spans.len(), HEALTHY.len() + 1);
    assert_eq!(failed(&spans), [""; 0]);
}

#[test]
fn what_goes_wrong_below_is_an_error_in_a_200_with_its_path_and_its_place() {
    let answer = graphql(&[("x-fault", "declined")], PLACE, one_mouse());
    let error = json!({
        "message": "the card was declined",
        "path": ["placeOrder"],
        "locations": [{ "line": 1, "column": 37 }],
        "extensions": { "code": "PAYMENT_REQUIRED" },
    });
    assert_eq!((answer.status, &answer.body), (200, &json!({ "data": { "placeOrder": null }, "errors": [error] })));
    setup().pass_barrier();
    let failed = failed(&setup().collector.now(&answer.trace_id));
    assert!(failed.contains(&"api-gateway internal mutation Place".to_owned()), "{failed:?}");
    assert!(!failed.contains(&"api-gateway server POST /graphql".to_owned()), "{failed:?}");
    let nobodys = graphql(&[], "{ order(id: \"ord_0\") { id } }", json!({}));
    assert_eq!(nobodys.body, json!({ "data": { "order": null } }));
}

#[test]
fn what_the_schema_does_not_have_is_refused_before_anything_is_done() {
    let order_of = |qty: Value| {
        let mut order = one_mouse();
        order["order"]["items"][0]["qty"] = qty;
        order
    };
    for (query, variables, says) in [
        ("{ products { sku colour } }", json!({}), "`Product` has no field `colour`; it has sku, name, price"),
        ("{ products }", json!({}), "which fields of `products` are wanted is not said"),
        ("{ products { sku { x } } }", json!({}), "`sku` has no fields"),
        ("{ order { id } }", json!({}), "`id` of `order`: null is not `ID!`"),
        ("{ order(id: 1, at: 2) { id } }", json!({}), "`order` has no `at`"),
        ("{ products { ...Nowhere } }", json!({}), "no fragment `Nowhere`"),
        ("{ a: products { sku } a: order(id: 1) { id } }", json!({}), "`a` is asked for in two ways"),
        ("query A { products { sku } } query B { products { sku } }", json!({}), "which operation of the document"),
        ("subscription { products { sku } }", json!({}), "no subscriptions"),
        ("{ products { sku }", json!({}), "not a GraphQL document"),
        (PLACE, json!({}), "variable `$order`: null is not `NewOrder!`"),
        (PLACE, order_of(json!("1")), "\"1\" is not `Int`"),
        (PLACE, order_of(json!(1_i64 << 40)), "1099511627776 is not `Int`"),
    ] {
        let answer = graphql(&[], query, variables);
        let said = answer.body["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(answer.status == 200 && said.contains(says), "{query}: {}", answer.body);
        assert!(answer.body.get("data").is_none(), "{query}");
    }
    assert_eq!(setup().shop.post("/graphql", &[], "{ products { sku } }").status, 400);
}

#[test]
fn the_job_continues_the_trace_of_its_environment() {
    let (setup, id) = (setup(), "5b8efff798038103d269b633813fc61a");
    let gateway = setup.shop.base.strip_prefix("http://").unwrap();
    let job = |arguments: &[&str]| {
        let mut job = command(&setup.collector.endpoint, &["reorder"]);
        job.args(arguments).args(["--gateway", gateway]).stdin(Stdio::null());
        job.env("TRACEPARENT", format!("00-{id}-00f067aa0ba902b7-01")).output().unwrap()
    };
    let ran = job(&["MOUSE-2", "--qty", "2"]);
    assert!(ran.status.success(), "{ran:?}");
    let order: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&order["total"], &order["trace_id"]), (&json!(49.0), &json!(id)));
    setup.pass_barrier();
    let spans = setup.collector.now(id);
    assert_eq!(spans.len(), HEALTHY.len() + 7, "{:#?}", outline(&spans));
    let own: Vec<_> = spans.iter().filter(|span| span.service == "reorder-job").collect();
    assert_eq!(own.len(), 3);
    let root = own.iter().find(|span| span.label() == "reorder-job internal reorder").unwrap();
    assert_eq!(root.parent_id, "00f067aa0ba902b7");

    let refused = job(&["CONSOLE-5"]);
    assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(1), true));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`CONSOLE-5` is out of stock"), "{refused:?}");
}

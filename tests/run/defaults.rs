//! `defaults.request` below a request of its own, from the spec's text to what a server sees of it.

use crate::project::Project;
use crate::target::{Call, Target, nobody, otlp, reply};
use serde_json::{Value, json};

/// Answers with what it was sent; the names of headers with `_`, as JSONPath reads them without quotes.
fn echo(call: &Call) -> String {
    let text = |value: &axum::http::HeaderValue| Value::from(value.to_str().unwrap());
    let headers: serde_json::Map<String, Value> =
        call.headers.iter().map(|(name, value)| (name.as_str().replace('-', "_"), text(value))).collect();
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    json!({ "method": call.method, "path": call.path, "headers": headers, "body": body }).to_string()
}

#[test]
fn a_default_gives_way_to_a_requests_own_word_and_null_takes_it_away() {
    let target = Target::new(otlp(nobody()), |call| reply(echo(call)));
    let spec = format!(
        r#"
defaults:
  request:
    method: PUT
    url: "{}/orders"
    headers: {{ Authorization: default, X-Gone: "1", X-Kept: "2" }}
    query: {{ page: 1, size: 10 }}
    json: {{ a: 1 }}
    timeout: 20s
    propagators: [b3]
tests:
  - name: what is inherited
    request: {{ headers: {{ x-own: "3" }} }}
    response:
      json:
        $.method: PUT
        $.path: /orders?page=1&size=10
        $.body.a: 1
        $.headers.authorization: default
        $.headers.x_gone: "1"
        $.headers.x_own: "3"
        $.headers.b3: exists
    trace: none
  - name: what is said
    request:
      method: POST
      auth: {{ bearer: own }}
      headers: {{ x-gone: null, X-KEPT: own }}
      query: {{ page: 2, size: null }}
      body: text
      propagators: []
    response:
      json:
        $.method: POST
        $.path: /orders?page=2
        $.body: {{ type: "null" }}
        $.headers.authorization: Bearer own
        $.headers.x_gone: absent
        $.headers.x_kept: own
        $.headers.b3: absent
    trace: none
  - name: what is taken away
    request: {{ headers: {{ authorization: null }} }}
    response: {{ json: {{ $.headers.authorization: absent }} }}
    trace: none
  - name: a query over GraphQL
    graphql: {{ query: '{{ a }}', headers: {{ x-gone: null }} }}
    response: {{ errors: absent, json: {{ $.method: POST, $.body.query: '{{ a }}', $.headers.x_gone: absent, $.headers.x_kept: "2" }} }}
    trace: none
  - name: what is expected in vain
    request: {{ auth: {{ bearer: own }} }}
    response: {{ json: {{ $.headers.authorization: default }} }}
    trace: none
"#,
        target.url()
    );
    let ran = Project::new("jobs: 4\n", &spec).run(&[]);
    ran.exits(1);
    assert_eq!(
        ran.verdicts(),
        [
            "what is inherited: pass",
            "what is said: pass",
            "what is taken away: pass",
            "a query over GraphQL: pass",
            "what is expected in vain: fail",
        ]
    );
    // Credentials are named, not shown.
    assert!(!ran.report.to_string().contains("Bearer own"), "{}", ran.said);
}

#[test]
fn credentials_that_one_place_says_twice_are_refused_before_anything_is_sent() {
    let target = Target::new(otlp(nobody()), |call| reply(echo(call)));
    for twice in ["auth: { bearer: a }, headers: { authorization: b }", "auth: { bearer: a }, url: 'http://u:p@h/'"] {
        let spec = format!(
            "tests:\n  - {{ name: t, request: {{ {}{twice} }}, response: {{ status: 200 }}, trace: none }}\n",
            if twice.contains("url:") { String::new() } else { format!("url: '{}/', ", target.url()) }
        );
        Project::new("jobs: 4\n", &spec).run(&[]).exits(2).says(&["nothing was sent"]);
    }
    assert!(target.is_untouched());
}

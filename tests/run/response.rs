//! The matchers on the answer, each once as it holds and once as it does not.

use crate::project::Project;
use crate::target::{reply, with_receiver};
use std::time::Duration;

const BODY: &str = r#"{"id":"o-1","total":12.50,"count":3,"open":true,"items":[{"sku":"A"},{"sku":"B"}],"gone":null}"#;

#[test]
fn what_holds_passes_and_what_does_not_is_said_with_expected_and_actual() {
    let (_target, configuration) = with_receiver(|_| reply(BODY).status(201).header("x-kind", "order; v=2"));
    let holds = [
        "status: 201",
        "status: 200..299",
        "headers: { X-Kind: ~ order.*, x-none: absent }",
        "headers: { content-type: application/json }",
        "json: { $.id: o-1, $.total: 12.5, $.count: '>= 3', $.open: true }",
        "json: { '$.items[*].sku': { length: 2, contains: B }, $.none: absent, $.gone: exists }",
        "body: { contains: '\"sku\":\"B\"' }",
        "duration: < 30s",
    ];
    // What the answer must be, and what the message has to say.
    let fails = [
        ("status: 200", ["response.status", "201"]),
        ("status: { one_of: [200, 204] }", ["response.status", "201"]),
        ("headers: { x-kind: invoice }", ["response.headers.x-kind", "order; v=2"]),
        ("headers: { x-none: exists }", ["response.headers.x-none", "nothing"]),
        ("json: { $.id: 7 }", ["response.json.$.id", "o-1"]),
        ("json: { $.count: '3x' }", ["response.json.$.count", "3"]),
        ("json: { $.total: '> 12.5' }", ["response.json.$.total", "12.5"]),
        ("json: { $.none: x }", ["response.json.$.none", "nothing"]),
        ("json: { '$.items[*].sku': { length: 3 } }", ["items[*].sku", "2"]),
        ("body: nothing", ["response.body", "o-1"]),
        ("duration: '> 1h'", ["response.duration", "ms"]),
        ("status: 201, capture: { x: $.nowhere }", ["response.capture.x", "o-1"]),
    ];
    let test = |name: String, response: &str| {
        format!("  - {{ name: {name}, request: {{ url: \"${{base}}/\" }}, response: {{ {response} }} }}\n")
    };
    let good: String = holds.iter().enumerate().map(|(at, response)| test(format!("holds {at}"), response)).collect();
    let bad: String =
        fails.iter().enumerate().map(|(at, (response, _))| test(format!("fails {at}"), response)).collect();
    let ran = Project::new(&configuration, &format!("tests:\n{good}{bad}")).run(&[]);
    ran.exits(1);
    for (at, response) in holds.iter().enumerate() {
        assert_eq!(ran.verdict(&format!("holds {at}")), "pass", "{response}: {}", ran.test(&format!("holds {at}")));
    }
    for (at, (response, [expectation, actual])) in fails.iter().enumerate() {
        let test = ran.test(&format!("fails {at}"));
        assert_eq!(test["verdict"], "fail", "{response}");
        let finding = &test["findings"][0];
        assert!(finding["expectation"].as_str().unwrap().contains(expectation), "{response}: {finding}");
        let told = format!("{} {}", finding["actual"], finding["message"]);
        assert!(told.contains(actual), "{response}: {finding}");
        assert_eq!(
            (finding["file"].as_str().unwrap(), finding["line"].as_u64()),
            ("specs/spec.yaml", test["line"].as_u64())
        );
    }
}

#[test]
fn without_a_word_on_the_outcome_an_error_status_fails_and_the_body_is_shown() {
    let (_target, configuration) = with_receiver(|_| reply(r#"{"error":"out of stock"}"#).status(409));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n";
    Project::new(&configuration, spec).run(&[]).exits(1).says(&["409", "expected a status below 400", "out of stock"]);
}

#[test]
fn an_answer_and_a_trace_that_are_both_wrong_are_both_told() {
    let (_target, configuration) = with_receiver(|_| reply("oops").status(500).after(Duration::from_millis(5)));
    let spec = r#"
tests:
  - name: t
    request: { url: "${base}/" }
    response: { status: 200, json: { $.a: 1 } }
    trace: { spans: [{ select: { service: gateway }, name: GET /other }] }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(1).says(&["500", "not JSON", "GET /other"]);
    assert_eq!(ran.test("t")["findings"].as_array().unwrap().len(), 3);
}

#[test]
fn the_report_is_one_json_document_of_the_documented_shape() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = "tests:\n  - { name: good, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n  - { name: bad, request: { url: \"${base}/\" }, trace: { span_count: 2 } }\n";
    let project = Project::new(&configuration, spec);
    let ran = project.tracespec(&["run", "--report", "json=-,json=out/report.json"]);
    ran.exits(1);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(project.read("out/report.json"), ran.stdout);
    assert!(
        ran.stdout.trim_start().starts_with("{\n  \"schema\": \"tracespec/run/1\"")
            || report["schema"] == "tracespec/run/1"
    );
    assert_eq!(report["verdict"], "fail");
    assert!(report["started"].as_u64().unwrap() > 1_700_000_000_000_000_000 && report["duration_ns"].is_u64());
    let [good, bad] = report["tests"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(
        (&good["name"], &good["verdict"], &good["findings"]),
        (&"good".into(), &"pass".into(), &serde_json::json!([]))
    );
    for test in [good, bad] {
        assert!(test["timing"]["trigger_ns"].is_u64() && test["timing"]["wait_ns"].is_u64(), "{test}");
        assert!(test["timing"]["polls"].is_u64() && test["timing"]["settled_by"].is_string(), "{test}");
        assert_eq!((test["trace_id"].as_str().unwrap().len(), &test["attempts"]), (32, &1.into()));
    }
    let finding = &bad["findings"][0];
    for key in ["expectation", "message", "expected", "actual"] {
        assert!(!finding[key].as_str().unwrap().is_empty(), "{key}: {finding}");
    }
    assert_eq!((finding["line"].as_u64(), finding["span_ids"].is_array()), (Some(3), true));
}

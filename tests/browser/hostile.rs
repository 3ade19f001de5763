//! A trace, a spec and a configuration of which every text tries to become a part of the page.

use crate::project::Project;
use serde_json::{Value, json};

/// What `check.mjs` looks for: none of it may ever become an element, run or be asked for.
const TRIES: [&str; 10] = [
    "</script><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=2>",
    "\"><svg onload=window.hit=3>",
    "javascript:window.hit=4",
    "' onmouseover='window.hit=5",
    "<!--<script>window.hit=6",
    "]]></style><style>*{display:none}",
    "{{7*7}}${7*7}`${window.hit=8}`",
    "\u{202e}\u{2028}\u{feff}<b>hit</b>",
    "</textarea></noscript></template><iframe srcdoc='<script>parent.hit=10</script>'>",
];

fn attributes(number: usize) -> Value {
    let text = |key: &str, at: usize| json!({ "key": key, "value": { "stringValue": TRIES[at % TRIES.len()] } });
    let own = TRIES.iter().enumerate().map(|(at, key)| text(key, at + number));
    own.chain(["__proto__", "constructor", "url.full"].map(|key| text(key, number))).collect()
}

fn trace() -> Value {
    let spans: Vec<Value> = TRIES
        .iter()
        .enumerate()
        .map(|(at, evil)| {
            let mut own = attributes(at).as_array().unwrap().clone();
            own.push(json!({ "key": "nested", "value": { "kvlistValue": { "values": attributes(at) } } }));
            let parent = if at == 0 { String::new() } else { format!("{:016x}", at) };
            let resource = json!([{ "key": "service.name", "value": { "stringValue": evil } }, { "key": evil, "value": { "stringValue": evil } }]);
            let span = json!({
                "traceId": format!("{:032x}", 9), "spanId": format!("{:016x}", at + 1), "parentSpanId": parent,
                "name": evil, "kind": 2, "traceState": evil,
                "startTimeUnixNano": (1_700_000_000_000_000_000 + at * 1000).to_string(),
                "endTimeUnixNano": (1_700_000_000_000_900_000 + at * 1000).to_string(),
                "attributes": own,
                "events": [{ "timeUnixNano": "1700000000000500000", "name": evil, "attributes": attributes(at) }],
                "links": [{ "traceId": format!("{:032x}", 8), "spanId": format!("{:016x}", 8), "attributes": attributes(at) }],
                "status": { "code": 2, "message": evil },
            });
            json!({ "resource": { "attributes": resource }, "scopeSpans": [{ "scope": { "name": evil, "version": evil }, "spans": [span] }] })
        })
        .collect();
    json!({ "resourceSpans": spans })
}

/// A test of each name and tag, each of which fails with the texts in its message.
pub fn project() -> Project {
    // What would be a variable of the spec is written so that it stays text.
    let quoted = |text: &str| Value::from(text.replace("${", "$${")).to_string();
    let tests: String = TRIES
        .iter()
        .map(|evil| {
            let name = quoted(evil);
            let tag = quoted(&evil.replace('$', ""));
            format!(
                "  - name: {name} # {name}\n    tags: [{tag}]\n    trace_file: ../trace.json\n    trace:\n      errors: none\n      \
                 spans:\n        - select: {{ name: {{ eq: {name} }}, service: {{ eq: {name} }} }}\n          \
                 attributes: {{ url.full: {{ eq: {name} }} }}\n          count: 7\n"
            )
        })
        .collect();
    let project = Project::new("", &format!("tests:\n{tests}"));
    project.write("trace.json", &trace().to_string());
    project
}

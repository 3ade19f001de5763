//! Traces that another id names: the system's own, one that exists already, a saved one; and redirects.

use crate::project::Project;
use crate::spans::{SERVER, export, single, span, two_services};
use crate::store::{Answer, Kind, Store};
use crate::target::{Target, reply, with_receiver};

const OWN: &str = "5b8efff798038103d269b633813fc60c";
const PARENT: &str = "00f067aa0ba902b7";

#[test]
fn a_trace_that_already_exists_is_judged_by_its_id() {
    for kind in [Kind::Jaeger, Kind::Tempo] {
        let store = Store::new(kind, &[Answer::NotFound, Answer::All]);
        crate::target::runtime().block_on((store.sink())(export(OWN, PARENT, &two_services())));
        let spec = r#"
tests:
  - { name: there, trace_id: "${id}", trace: { services: { only: [gateway, stock] }, span_count: 4, propagation: intact } }
  - { name: not there, trace_id: 00000000000000000000000000000001, wait: { timeout: 300ms }, trace: { services: [gateway] } }
  - { name: no id, trace_id: "x${id}", trace: { services: [gateway] } }
"#;
        let ran = Project::new(&store.configuration("http://unused"), spec).run(&["--var", &format!("id={OWN}")]);
        ran.exits(4).says(&["is not a trace id", "00000000000000000000000000000001 never came"]);
        assert_eq!(ran.verdicts(), ["there: pass", "not there: error", "no id: error"]);
    }
}

#[test]
fn a_saved_trace_from_which_parents_are_missing_is_not_taken_for_whole() {
    let lost = span("stock", SERVER, "GET /items", 3, 2);
    let spans = move || [single(), vec![lost.clone()]].concat();
    let (_target, configuration) = with_receiver(move |_| reply("{}").spans(spans()));
    let live = "tests:\n  - { name: live, request: { url: '${base}/' }, trace: { services: [gateway, stock] } }\n";
    let project = Project::new(&configuration, live);
    let ran = project.run(&["--save-traces", "traces", "--save-traces-of", "all"]);
    ran.exits(0);
    let id = ran.test("live")["trace_id"].as_str().unwrap().to_owned();
    let file = format!("traces/live/{id}.json");
    let spec = |file: &str| {
        let test = |name: &str, expect: &str| {
            format!("  - {{ name: {name}, trace_file: ../{file}, trace: {{ {expect} }} }}\n")
        };
        format!(
            "tests:\n{}{}{}{}{}",
            test("absent", "errors: none"),
            test("total", "span_count: 2"),
            test("present", "services: [stock]"),
            test("intact", "propagation: intact"),
            test("fact", "spans: [{ select: { service: stock }, kind: server, match: any }]")
        )
    };
    // As the run saved it: one parent is missing. Without the runner's own mark two are, as in anybody's trace.
    project.write("traces/foreign.json", &project.read(&file).replace("@tracespec@injected", "plain"));
    for file in [file.as_str(), "traces/foreign.json"] {
        project.write("specs/spec.yaml", &spec(file));
        let ran = project.run(&[]);
        ran.exits(1).says(&["which has not arrived"]);
        assert_eq!(
            ran.verdicts(),
            ["absent: inconclusive", "total: inconclusive", "present: pass", "intact: fail", "fact: pass"]
        );
    }
}

#[test]
fn a_saved_trace_knows_the_runners_own_request_and_shows_nothing_of_it() {
    let (_target, configuration) = with_receiver(|_| reply("{}").spans(two_services()));
    let live = "tests:\n  - { name: live, request: { url: '${base}/' }, trace: { span_count: 4 } }\n";
    let project = Project::new(&configuration, live);
    let ran = project.run(&["--save-traces", "traces", "--save-traces-of", "all"]);
    ran.exits(0);
    let id = ran.test("live")["trace_id"].as_str().unwrap().to_owned();
    let file = format!("traces/live/{id}.json");
    assert_eq!(project.read(&file).matches("@tracespec@injected").count(), 1);
    let spec = format!(
        "tests:\n  - {{ name: saved, trace_file: ../{file}, trace: {{ roots: 1, propagation: intact, errors: none, spans: \
         [{{ select: '{{ }}', count: 4, attributes: {{ '@tracespec@injected': absent }} }}] }} }}\n"
    );
    project.write("specs/spec.yaml", &spec);
    project.run(&[]).exits(0);
}

#[test]
fn a_saved_trace_can_be_read_again_and_judged_alike() {
    let (_target, configuration) = with_receiver(|_| reply("{}").spans(two_services()));
    let expectations =
        "trace: { services: { only: [gateway, stock] }, span_count: 4, errors: none, propagation: intact }";
    let spec =
        format!("tests:\n  - {{ name: \"live: it/runs\", request: {{ url: \"${{base}}/\" }}, {expectations} }}\n");
    let project = Project::new(&configuration, &spec);
    let ran = project.run(&["--save-traces", "traces", "--save-traces-of", "all"]);
    ran.exits(0);
    let id = ran.test("live: it/runs")["trace_id"].as_str().unwrap().to_owned();
    let file = format!("../traces/live-it-runs/{id}.json");
    project
        .write("specs/spec.yaml", &format!("tests:\n  - {{ name: saved, trace_file: \"{file}\", {expectations} }}\n"));
    let ran = project.run(&[]);
    ran.exits(0);
    assert_eq!(ran.test("saved")["trace_id"], id.as_str());
    assert_eq!(ran.test("saved")["timing"]["settled_by"], "saved trace");
    project.write(
        "specs/spec.yaml",
        &format!(
            "tests:\n  - {{ name: saved, trace_file: {{ path: \"{file}\", trace_id: {OWN} }}, {expectations} }}\n"
        ),
    );
    let ran = project.run(&[]);
    ran.exits(4).says(&["has no trace", &id]);
    assert_eq!(ran.verdicts(), ["saved: error"]);
    let folder = file.rsplit_once('/').unwrap().0;
    project.write(
        "specs/spec.yaml",
        &format!(
            "tests:\n  - {{ name: folder, trace_file: {{ path: \"{folder}\", trace_id: {id} }}, {expectations} }}\n"
        ),
    );
    project.run(&[]).exits(0);
    project.write("specs/spec.yaml", &format!("tests:\n  - {{ name: t, trace_file: nowhere.json, {expectations} }}\n"));
    project.run(&[]).exits(2).says(&["`specs/nowhere.json` cannot be read: there is no such file"]);
}

#[test]
fn what_jaeger_and_tempo_recorded_of_the_shop_is_judged_alike() {
    let captured = format!("{}/tests/fixtures/captured/shop", env!("CARGO_MANIFEST_DIR"));
    let files = [
        "jaeger_v3_ok.json",
        "jaeger_legacy_ok.json",
        "tempo_v2_ok.json",
        "tempo_v2_ok.pb",
        "tempo_v1_ok.pb",
        "jaeger_grpc_v3_ok.pb",
    ];
    let test = |file: &&str| {
        format!(
            "  - name: {file}\n    trace_file: {captured}/{file}\n    trace:\n      services: [order-service, payment-service]\n      span_count: 16\n"
        )
    };
    let spec = format!("tests:\n{}", files.iter().map(test).collect::<String>());
    let ran = Project::new("", &spec).run(&[]);
    ran.exits(0);
    assert_eq!(ran.verdicts().len(), files.len());
}

#[test]
fn the_report_says_that_numbers_were_compared_by_their_text() {
    let tag = |key: &str, value: &str| format!(r#"{{"key":"{key}","type":"string","value":"{value}"}}"#);
    let saved = format!(
        r#"{{"data":[{{"traceID":"{OWN}","processes":{{"p1":{{"serviceName":"shop","tags":[]}}}},"spans":[{{"traceID":"{OWN}",
        "spanID":"0000000000000001","operationName":"root","references":[],"startTime":1700000000000000,"duration":1000,
        "tags":[{},{},{}],"logs":[],"processID":"p1"}}]}}]}}"#,
        tag("http.response.status_code", "503"),
        tag("server.port", "80"),
        tag("error", "false"),
    );
    let spec = r#"
tests:
  - name: text
    trace_file: saved.json
    trace:
      spans: [{ select: { name: root }, attributes: { http.response.status_code: 503 } }]
      traceql: [{ none: '{ span.http.response.status_code >= 500 }' }]
"#;
    let project = Project::new("", spec);
    project.write("specs/saved.json", &saved);
    let ran = project.run(&[]);
    ran.exits(1).says(&["Expected no span to match", "note: the trace has every attribute as text"]);
    let remarks = ran.test("text")["steps"][0]["remarks"].to_string();
    assert!(remarks.contains("the trace has every attribute as text"), "{remarks}");
}

#[test]
fn a_system_that_makes_its_own_trace_says_where_its_id_is() {
    let (_target, configuration) = with_receiver(|call| match call.path.as_str() {
        "/none" => reply(r#"{"trace_id":"not an id"}"#).spans(Vec::new()),
        // Ids must differ between tests.
        path => {
            let own = format!("{:032x}", 0xabc + path.len());
            reply(format!(r#"{{"meta":{{"trace_id":"{own}"}}}}"#))
                .header("x-trace-id", own.clone())
                .header("traceresponse", format!("00-{own}-{PARENT}-01"))
                .spans(Vec::new())
                .also(&own, "0000000000000000", two_services())
        }
    });
    let test = |name: &str, path: &str, id: &str| {
        format!(
            "  - {{ name: {name}, request: {{ url: \"${{base}}/{path}\" }}, trace: {{ id: {id}, span_count: 4, propagation: intact }} }}\n"
        )
    };
    let good = [
        test("by header", "a", "{ header: X-Trace-Id }"),
        test("by traceresponse", "aa", "{ header: traceresponse }"),
        test("by json", "aaa", "{ json: $.meta.trace_id }"),
    ];
    let ran = Project::new(&configuration, &format!("tests:\n{}", good.concat())).run(&[]);
    ran.exits(0);
    assert_eq!(ran.test("by header")["trace_id"], format!("{:032x}", 0xabc + 2));
    let bad = [
        test("no header", "none", "{ header: X-Trace-Id }"),
        test("no id", "none", "{ json: $.trace_id }"),
        test("no value", "none", "{ json: $.other }"),
    ];
    let ran = Project::new(&configuration, &format!("tests:\n{}", bad.concat())).run(&[]);
    ran.exits(4).says(&[
        "response header `X-Trace-Id` should hold the trace id",
        "`not an id` is not one",
        "`$.other`",
    ]);
}

#[test]
fn redirects_are_one_trace_with_a_call_for_each_hop_or_are_not_followed() {
    let answer = |call: &crate::target::Call| match call.path.as_str() {
        "/old" => reply("").status(302).header("location", "/new").spans(single()),
        _ => reply("{}").spans(two_services()),
    };
    let (target, configuration) = with_receiver(answer);
    let spec = r#"
tests:
  - { name: followed, request: { url: "${base}/old" }, response: { status: 200 }, trace: { span_count: 5, services: { only: [gateway, stock] }, roots: 1, propagation: intact, duration: { of: root, lt: 10s } } }
  - { name: not followed, request: { url: "${base}/old", follow_redirects: false }, response: { status: 302, headers: { location: /new } }, trace: { span_count: 1 } }
"#;
    let project = Project::new(&configuration, spec);
    let ran = project.run(&["--jobs", "1", "--save-traces", "traces", "--save-traces-of", "all"]);
    ran.exits(0);
    let followed = ran.test("followed")["trace_id"].as_str().unwrap().to_owned();
    // Saved, it still knows which spans the runner called.
    project.write(
        "specs/spec.yaml",
        &format!(
            "tests:\n  - {{ name: saved, trace_file: ../traces/followed/{followed}.json, trace: {{ roots: 1, propagation: \
             intact, errors: none, duration: {{ of: root, lt: 10s }} }} }}\n"
        ),
    );
    project.run(&[]).exits(0);
    let hops: Vec<_> = target.calls().into_iter().filter(|call| call.trace == followed).collect();
    assert_eq!(hops.len(), 2);
    assert_ne!(hops[0].parent, hops[1].parent);
}

#[test]
fn a_test_may_read_its_traces_from_a_backend_of_its_own() {
    let store = Store::new(Kind::Tempo, &[Answer::NotFound, Answer::All]);
    let target = Target::new(store.sink(), |_| reply("{}").spans(two_services()));
    let spec = format!(
        r#"
tests:
  - name: elsewhere
    backend: {{ tempo: {{ url: "http://{}" }} }}
    request: {{ url: "{}/" }}
    trace: {{ span_count: 4 }}
"#,
        store.address,
        target.url()
    );
    Project::new("exporter_delay: 50ms\n", &spec).run(&[]).exits(0);
    assert!(store.reads() > 1);
}

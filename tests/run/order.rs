//! What runs before, after, again, or not at all: steps, `until`, setup, matrix, skip, only, retries, needs.

use crate::project::Project;
use crate::target::{reply, with_receiver};
use std::time::Duration;

#[test]
fn steps_run_in_order_and_share_what_they_capture() {
    let (target, configuration) = with_receiver(|call| match call.path.as_str() {
        "/carts" => reply(r#"{"id":7,"note":"a/b c"}"#).status(201).header("location", "/carts/7"),
        _ => reply(r#"{"total":12.5}"#),
    });
    let spec = r#"
tests:
  - name: a cart is paid
    steps:
      - name: open
        request: { method: POST, url: "${base}/carts" }
        response: { status: 201, capture: { id: $.id, note: $.note, place: { header: location }, code: status } }
        trace: { services: [gateway] }
      - name: pay
        request:
          url: ${base}${place}/pay
          query: { note: "${note}", code: "${code}" }
          json: { cart: "${id}" }
        response: { json: { $.total: 12.5 } }
        trace: { span_count: 1 }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(0);
    assert_eq!(target.paths(), ["/carts", "/carts/7/pay?note=a%2Fb+c&code=201"]);
    // A lone variable keeps its type.
    assert_eq!(target.calls()[1].json(), serde_json::json!({ "cart": 7 }));
    let steps = ran.test("a cart is paid")["steps"].as_array().unwrap().clone();
    assert_eq!(steps.iter().map(|step| step["name"].as_str().unwrap()).collect::<Vec<_>>(), ["open", "pay"]);
    assert_ne!(steps[0]["trace_id"], steps[1]["trace_id"]);
}

#[test]
fn tests_begin_in_the_order_of_their_file_with_or_without_a_setup_and_within_a_mutex() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let named = |name: usize, more: &str| {
        format!(
            "  - {{ name: t{name}, {more}request: {{ url: \"${{base}}/{name}\" }}, response: {{ status: 200 }}, trace: none }}\n"
        )
    };
    // More than a task of the runtime may begin in one go.
    const TESTS: usize = 150;
    let expected = |from: usize| (from..from + TESTS).map(|name| format!("/{name}")).collect::<Vec<_>>();
    let project = Project::new(&configuration, "");
    // Whoever runs first is the machine's choice, so each is tried a few times.
    for (from, more, setup, jobs) in [
        (1000, "", "", "1"),
        (2000, "mutex: one, ", "", "8"),
        (3000, "", "setup:\n  - { request: { url: \"${base}/setup\" }, response: { status: 200 } }\n", "1"),
        (4000, "mutex: one, ", "setup:\n  - { request: { url: \"${base}/setup\" }, response: { status: 200 } }\n", "8"),
    ] {
        let tests: String = (from..from + TESTS).map(|name| named(name, more)).collect();
        project.write("specs/spec.yaml", &format!("{setup}tests:\n{tests}"));
        for _ in 0..3 {
            let before = target.paths().len();
            project.run(&["--jobs", jobs]).exits(0);
            let mut paths = target.paths().split_off(before);
            paths.retain(|path| path != "/setup");
            assert_eq!(paths, expected(from), "{more}{setup}");
        }
    }
}

#[test]
fn a_step_that_does_not_pass_is_the_last_one_and_is_named() {
    let (target, configuration) = with_receiver(|call| reply("{}").status(if call.path == "/b" { 500 } else { 200 }));
    let step = |path: &str| {
        format!(
            "      - name: step {path}\n        request: {{ url: \"${{base}}/{path}\" }}\n        trace: {{ services: [gateway] }}\n"
        )
    };
    let spec = format!("tests:\n  - name: three\n    steps:\n{}{}{}", step("a"), step("b"), step("c"));
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(1).says(&["step `step b`", "500"]).does_not_say(&["step c"]);
    assert_eq!(target.paths(), ["/a", "/b"]);
}

#[test]
fn until_repeats_with_a_trace_of_its_own_each_time_and_judges_the_last() {
    let (target, configuration) =
        with_receiver(|call| reply(if call.position < 2 { r#"{"state":"pending"}"# } else { r#"{"state":"done"}"# }));
    let spec = r#"
tests:
  - name: it is done at last
    request: { url: "${base}/job" }
    until: { timeout: 20s, interval: 5ms }
    response: { json: { $.state: done } }
    trace: { span_count: 1 }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(0);
    let traces: Vec<String> = target.calls().into_iter().map(|call| call.trace).collect();
    assert_eq!(traces.len(), 3);
    assert!(traces[0] != traces[1] && traces[1] != traces[2]);
    assert_eq!(ran.test("it is done at last")["trace_id"], traces[2].as_str());
}

#[test]
fn until_waits_for_what_is_to_be_captured_too() {
    let (target, configuration) = with_receiver(|call| {
        reply(if call.position == 0 { r#"{"state":"done"}"# } else { r#"{"state":"done","id":7}"# })
    });
    let spec = r#"
tests:
  - name: it has an id at last
    steps:
      - request: { url: "${base}/job" }
        until: { timeout: 20s, interval: 5ms }
        response: { status: 200, capture: { id: $.id } }
      - request: { url: "${base}/job/${id}" }
        response: { status: 200 }
"#;
    Project::new(&configuration, spec).run(&[]).exits(0);
    assert_eq!(target.paths(), ["/job", "/job", "/job/7"]);
}

#[test]
fn until_that_is_never_reached_fails_with_the_last_answer() {
    let (target, configuration) = with_receiver(|_| reply(r#"{"state":"pending"}"#));
    let spec = r#"
tests:
  - name: it is never done
    request: { url: "${base}/job" }
    until: { timeout: 1s, interval: 100ms }
    response: { json: { $.state: done } }
    trace: { span_count: 1 }
"#;
    Project::new(&configuration, spec).run(&[]).exits(1).says(&["$.state", "pending", "done"]);
    // Each further try comes at least one interval after the one before, and none after the timeout. On a busy machine the
    // first answer alone may take that long; that there are further tries at all is the test's above.
    assert!((1..=10).contains(&target.calls().len()), "{} tries", target.calls().len());
}

const THREE: &str = r#"
setup:
  - request: { method: POST, url: "${base}/setup" }
    response: { capture: { key: $.key } }
teardown:
  - request: { method: POST, url: "${base}/teardown/${key}" }
tests:
  - { name: a, request: { url: "${base}/a/${key}" }, trace: { services: [gateway] } }
  - { name: b, request: { url: "${base}/b/${key}" }, trace: { services: [gateway] } }
  - { name: c, request: { url: "${base}/c/${key}" }, trace: { services: [absent-service] } }
"#;

#[test]
fn setup_and_teardown_run_once_a_file_whatever_comes_of_its_tests() {
    let (target, configuration) = with_receiver(|_| reply(r#"{"key":"k1"}"#));
    Project::new(&configuration, THREE).run(&[]).exits(1);
    let paths = target.paths();
    assert_eq!((paths.first().unwrap().as_str(), paths.last().unwrap().as_str()), ("/setup", "/teardown/k1"));
    let mut between = paths[1..4].to_vec();
    between.sort();
    assert_eq!((between, paths.len()), (vec!["/a/k1".to_owned(), "/b/k1".into(), "/c/k1".into()], 5));
}

#[test]
fn a_setup_that_fails_is_an_error_of_every_test_and_runs_none() {
    let (target, configuration) = with_receiver(|_| reply("{}").status(503));
    let ran = Project::new(&configuration, THREE).run(&[]);
    ran.exits(4).says(&["setup of specs/spec.yaml:3 did not pass", "503"]);
    assert_eq!(ran.verdicts(), ["a: error", "b: error", "c: error"]);
    assert_eq!(target.paths(), ["/setup"]);
}

#[test]
fn a_setup_that_fails_half_way_is_torn_down() {
    let spec = THREE.replacen("teardown:", "  - request: { method: POST, url: \"${base}/second\" }\nteardown:", 1);
    let (target, configuration) =
        with_receiver(|call| reply(r#"{"key":"k1"}"#).status(if call.path == "/second" { 503 } else { 200 }));
    Project::new(&configuration, &spec).run(&[]).exits(4).says(&["setup of specs/spec.yaml:5 did not pass"]);
    assert_eq!(target.paths(), ["/setup", "/second", "/teardown/k1"]);
}

#[test]
fn a_teardown_that_fails_is_an_error_of_the_run() {
    let (_target, configuration) = with_receiver(|call| {
        reply(r#"{"key":"k1"}"#).status(if call.path.starts_with("/teardown") { 503 } else { 200 })
    });
    let spec = THREE.replace("absent-service", "gateway");
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(4).says(&["error: teardown of specs/spec.yaml:6 did not pass", "503", "3 passed"]);
    assert_eq!((ran.report["verdict"].as_str(), ran.verdicts().len()), (Some("error"), 3));
}

#[test]
fn a_matrix_makes_a_test_of_each_row_inline_or_from_a_file() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = r#"
tests:
  - name: ${n} of ${sku}
    matrix: [{ sku: LAPTOP-1, n: 2 }, { sku: MOUSE-2, n: 1 }]
    request: { method: POST, url: "${base}/${sku}", json: { qty: "${n}" } }
    trace: { services: [gateway] }
  - name: row ${zip}
    matrix: rows.csv
    request: { url: "${base}/zip/${zip}" }
    trace: { services: [gateway] }
"#;
    let project = Project::new(&configuration, spec);
    project.write("specs/rows.csv", "zip,city\n01234,\"A, B\"\n99999,C\n");
    let ran = project.run(&[]);
    ran.exits(0);
    assert_eq!(ran.verdicts(), ["2 of LAPTOP-1: pass", "1 of MOUSE-2: pass", "row 01234: pass", "row 99999: pass"]);
    let mut paths = target.paths();
    paths.sort();
    assert_eq!(paths, ["/LAPTOP-1", "/MOUSE-2", "/zip/01234", "/zip/99999"]);
    let laptop = target.calls().into_iter().find(|call| call.path == "/LAPTOP-1").unwrap();
    assert_eq!(laptop.json(), serde_json::json!({ "qty": 2 }));
}

#[test]
fn skip_says_why_and_only_runs_alone_but_never_in_ci() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = r#"
tests:
  - { name: later, skip: waits for the new stock service, request: { url: "${base}/a" }, trace: { services: [gateway] } }
  - { name: now, request: { url: "${base}/b" }, trace: { services: [gateway] } }
"#;
    let project = Project::new(&configuration, spec);
    let ran = project.run(&[]);
    ran.exits(0).says(&["SKIP ", "waits for the new stock service", "1 passed, 1 skipped"]);
    assert_eq!(ran.verdicts(), ["later: skipped", "now: pass"]);
    // Nothing but what is skipped is nothing to judge.
    project.run(&["-k", "later"]).exits(2);
    project.write(
        "specs/more.yaml",
        "tests:\n  - { name: alone, only: true, request: { url: \"${base}/c\" }, trace: { services: [gateway] } }\n",
    );
    assert_eq!(project.run(&[]).exits(0).verdicts(), ["alone: pass"]);
    assert_eq!(target.paths(), ["/b", "/c"]);
    let output = project.command(&["run"]).env("CI", "true").output().unwrap();
    project.finish(output).exits(2).says(&["only", "specs/more.yaml:2"]);
    assert_eq!(target.calls().len(), 2);
}

#[test]
fn a_test_that_passes_on_a_second_try_is_flaky_which_may_count_as_failed() {
    let (target, configuration) =
        with_receiver(|call| reply("{}").status(if call.position % 2 == 0 { 500 } else { 200 }));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\" }, response: { status: 200 }, trace: { services: [gateway] } }\n";
    let project = Project::new(&configuration, spec);
    let ran = project.run(&["--retries", "2"]);
    ran.exits(0).says(&["FLAKY", "attempt 2", "1 flaky"]);
    assert_eq!((ran.verdict("t"), &ran.test("t")["attempts"]), ("flaky", &serde_json::json!(2)));
    project.run(&["--retries", "2", "--flaky=fail"]).exits(1).says(&["FLAKY"]);
    assert_eq!(target.calls().len(), 4);
    project.run(&[]).exits(1).does_not_say(&["FLAKY"]);
}

#[test]
fn a_test_longer_than_its_timeout_is_an_error_whether_the_test_or_the_configuration_says_so() {
    let (_target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_secs(3600)));
    let test = |more: &str| {
        format!("tests:\n  - {{ name: t, {more}request: {{ url: \"${{base}}/\" }}, response: {{ status: 200 }} }}\n")
    };
    let ran = Project::new(&configuration, &test("timeout: 150ms, ")).run(&[]);
    ran.exits(4).says(&["longer than its timeout of 150ms"]);
    let ran = Project::new(&(configuration.clone() + "timeout: 160ms\n"), &test("")).run(&[]);
    ran.exits(4).says(&["longer than its timeout of 160ms"]);
    let slow = test("").replace("/\" }", "/\", timeout: 170ms }");
    Project::new(&configuration, &slow).run(&[]).exits(4).says(&["did not answer within 170ms", "request.timeout"]);
}

#[test]
fn needs_run_first_hand_over_their_captures_and_take_their_dependants_with_them_when_they_fail() {
    let (target, configuration) =
        with_receiver(|call| reply(r#"{"id":"o-1"}"#).status(if call.path == "/broken" { 500 } else { 200 }));
    let spec = r#"
tests:
  - name: uses it
    needs: [makes it]
    request: { url: "${base}/orders/${needs.makes it.order}" }
    trace: { services: [gateway] }
  - name: makes it
    request: { url: "${base}/orders" }
    response: { capture: { order: $.id } }
    trace: { services: [gateway] }
  - { name: breaks, request: { url: "${base}/broken" }, trace: { services: [gateway] } }
  - { name: depends, needs: [breaks], request: { url: "${base}/never" }, trace: { services: [gateway] } }
  - { name: depends on that, needs: [depends], request: { url: "${base}/never" }, trace: { services: [gateway] } }
"#;
    let project = Project::new(&configuration, spec);
    let ran = project.run(&[]);
    ran.exits(1).says(&["needs `breaks`, which did not pass", "needs `depends`, which did not pass"]);
    assert_eq!(
        ran.verdicts(),
        ["uses it: pass", "makes it: pass", "breaks: fail", "depends: skipped", "depends on that: skipped"]
    );
    let paths = target.paths();
    assert!(paths.contains(&"/orders/o-1".to_owned()) && !paths.contains(&"/never".to_owned()), "{paths:?}");
    // What is needed runs though only its dependant was asked for.
    assert_eq!(project.run(&["-k", "uses it"]).exits(0).verdicts(), ["uses it: pass", "makes it: pass"]);
}

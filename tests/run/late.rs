//! Spans that come after a verdict, and traces that are never whole.

use crate::project::Project;
use crate::spans::{INTERNAL, SERVER, single, span};
use crate::target::{reply, with_receiver};
use std::sync::Mutex;

#[test]
fn a_green_that_later_spans_break_is_red_and_says_that_they_were_late() {
    // The first trace gets an error span when the second test's request comes, which is after the first verdict.
    let first: Mutex<Option<(String, String)>> = Mutex::default();
    let (_target, configuration) = with_receiver(move |call| {
        if call.path == "/first" {
            *first.lock().unwrap() = Some((call.trace.clone(), call.parent.clone()));
            return reply("{}");
        }
        let (trace, parent) = first.lock().unwrap().clone().unwrap();
        reply("{}").also(&trace, &parent, vec![span("mailer", INTERNAL, "send", 9, 1).failed()])
    });
    let spec = r#"
tests:
  - { name: first, request: { url: "${base}/first" }, trace: { errors: none } }
  - { name: second, needs: [first], request: { url: "${base}/second" }, trace: { errors: none } }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(1).says(&["late: this test had passed", "mailer", "1 passed, 1 failed"]);
    assert_eq!(ran.verdicts(), ["first: fail", "second: pass"]);
    assert_eq!(ran.test("first")["steps"][0]["late"], true);
    let first = ran.said.find("PASS").unwrap();
    assert!(ran.said[first..].contains("FAIL"), "{}", ran.said);
}

#[test]
fn later_spans_that_break_nothing_leave_a_green_green() {
    let first: Mutex<Option<(String, String)>> = Mutex::default();
    let (_target, configuration) = with_receiver(move |call| {
        if call.path == "/first" {
            *first.lock().unwrap() = Some((call.trace.clone(), call.parent.clone()));
            return reply("{}");
        }
        let (trace, parent) = first.lock().unwrap().clone().unwrap();
        reply("{}").also(&trace, &parent, vec![span("mailer", INTERNAL, "send", 9, 1)])
    });
    let spec = r#"
tests:
  - { name: first, request: { url: "${base}/first" }, trace: { errors: none } }
  - { name: second, needs: [first], request: { url: "${base}/second" }, trace: { errors: none } }
"#;
    Project::new(&configuration, spec).run(&[]).exits(0).does_not_say(&["late: "]);
}

#[test]
fn what_the_receiver_refused_makes_the_run_an_error() {
    let (_target, configuration) = with_receiver(|call| {
        reply("{}").also(&"0".repeat(32), &call.parent, vec![span("mailer", INTERNAL, "send", 9, 1).failed()])
    });
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { errors: none } }\n";
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(4).says(&["traces may lack spans", "1 span refused for lack of a valid trace id or span id", "1 passed"]);
}

/// A span whose parent never comes.
const INCOMPLETE: &str = r#"
tests:
  - name: t
    request: { url: "${base}/" }
    wait: { timeout: 3s }
    trace: { errors: none }
"#;

#[test]
fn an_absence_on_a_trace_with_a_hole_is_inconclusive_and_counts_as_asked() {
    let (_target, configuration) =
        with_receiver(|_| reply("{}").spans([single(), vec![span("stock", SERVER, "GET /items", 3, 2)]].concat()));
    let project = Project::new(&configuration, INCOMPLETE);
    let ran = project.run(&[]);
    ran.exits(3).says(&["INCONCLUSIVE", "parent", "inconclusive: 1 test"]);
    assert_eq!(ran.verdict("t"), "inconclusive");
    project.run(&["--inconclusive=pass"]).exits(0).says(&["INCONCLUSIVE"]);
    project.run(&["--inconclusive=fail"]).exits(1).says(&["INCONCLUSIVE"]);
}

#[test]
fn traces_that_link_to_this_one_are_merged_where_the_spec_says_so() {
    const OTHER: &str = "0123456789abcdef0123456789abcdef";
    let (_target, configuration) = with_receiver(|call| {
        let mut consumer = span("mailer", 5, "process mails", 1, 0);
        consumer.link = Some((call.trace.clone(), crate::spans::span_id(&call.parent, 1)));
        reply("{}").also(&format!("{}{}", &OTHER[..16], &call.trace[16..]), "0000000000000000", vec![consumer])
    });
    let spec = |follow: bool| {
        format!(
            "tests:\n  - name: t\n    request: {{ url: \"${{base}}/\" }}\n    trace: {{ follow_links: {follow}, services: {{ all: [gateway, mailer], only: [gateway, mailer] }} }}\n"
        )
    };
    Project::new(&configuration, &spec(true)).run(&[]).exits(0);
    Project::new(&configuration, &spec(false)).run(&[]).exits(1).says(&["mailer"]);
}

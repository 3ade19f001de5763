//! Programs that start a trace.

use crate::project::Project;
use crate::spans::{INTERNAL, single, span};
use crate::target::{Target, reply, with_receiver};

/// A program that calls the system with the context it was given, as a test tool with an SDK does.
const CALLS: &str = r#"exec 3<>/dev/tcp/${HOST%:*}/${HOST#*:}
printf 'GET /%s HTTP/1.1\r\nhost: x\r\ntraceparent: %s\r\nconnection: close\r\n\r\n' "$1" "$TRACEPARENT" >&3
tail -1 <&3"#;

/// With a program `call.sh` beside the spec.
fn project(
    steps: &str,
    answer: impl Fn(&crate::target::Call) -> crate::target::Reply + Send + Sync + 'static,
) -> (Project, Target) {
    let (target, configuration) = with_receiver(answer);
    let project = Project::new(&configuration, steps);
    project.write("specs/call.sh", CALLS);
    (project, target)
}

/// A spec with one test whose program calls the system at `path`.
fn spec(rest: &str) -> String {
    format!(
        r#"
tests:
  - name: a program calls
    command:
      argv: [bash, call.sh, "${{path}}"]
      env: {{ HOST: "${{host}}" }}
{rest}
vars: {{ path: orders, host: "${{base}}" }}
"#
    )
}

fn host(target: &Target) -> String {
    format!("--var=host={}", target.url().trim_start_matches("http://"))
}

#[test]
fn a_program_starts_the_trace_that_is_judged() {
    let (project, target) = project(
        &spec(
            r#"    response: { exit_code: 0, json: { $.id: 7 }, stdout: { contains: id }, duration: < 20s, capture: { id: $.id } }
    trace: { services: [gateway], span_count: 1, errors: none, propagation: intact }"#,
        ),
        |_| reply(r#"{"id": 7}"#),
    );
    let ran = project.run(&[&host(&target)]);
    ran.exits(0);
    let call = &target.calls()[0];
    assert_eq!(
        (call.path.as_str(), ran.test("a program calls")["trace_id"].as_str()),
        ("/orders", Some(call.trace.as_str()))
    );
}

#[test]
fn a_program_that_fails_is_said_with_its_exit_code_and_last_words() {
    let spec = r#"
tests:
  - name: fails by itself
    command: { argv: [sh, -c, "echo to stdout; echo 'no broker at kafka:9092' >&2; exit 3"] }
    trace: none
    response: { duration: < 60s }
  - name: may fail
    command: { argv: [sh, -c, "exit 3"] }
    trace: none
    response: { exit_code: 3 }
  - name: fails otherwise
    command: { argv: [sh, -c, "kill -9 $$"] }
    trace: none
    response: { exit_code: 3 }
"#;
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(1).says(&[
        "ended with exit code 3, expected exit code 0",
        "no broker at kafka:9092",
        "ended with signal: 9 (SIGKILL)",
    ]);
    assert_eq!(ran.verdicts(), ["fails by itself: fail", "may fail: pass", "fails otherwise: fail"]);
    assert!(target.is_untouched());
}

#[test]
fn a_program_that_began_its_own_trace_says_its_id() {
    let own = "0af7651916cd43dd8448eb211c80319c";
    let (project, target) = project(
        &spec(
            r#"    response: { exit_code: 0 }
    trace: { id: { stdout: 'trace=([0-9a-f]+)' }, services: [worker] }"#,
        ),
        move |_| {
            reply(format!("trace={own};")).spans(Vec::new()).also(
                own,
                "00f067aa0ba902b7",
                vec![span("worker", INTERNAL, "job", 1, 0)],
            )
        },
    );
    let ran = project.run(&[&host(&target)]);
    ran.exits(0);
    assert_eq!(ran.test("a program calls")["trace_id"], own);
}

#[test]
fn text_that_is_no_trace_id_is_an_error_at_once_with_the_text() {
    let (project, target) = project(
        &spec("    response: { exit_code: 0 }\n    trace: { id: { stdout: 'trace=(.*)' }, services: [worker] }"),
        |_| reply("trace=pending").spans(single()),
    );
    project.run(&[&host(&target)]).exits(4).says(&["`pending` is not one"]);
}

#[test]
fn a_program_that_cannot_be_started_or_does_not_end_is_an_error_with_a_remedy() {
    let spec = r#"
tests:
  - name: is not there
    command: { argv: [no-such-program] }
    trace: { services: [a] }
  - name: does not end
    command: { argv: [sleep, "60"], timeout: 200ms }
    trace: { services: [a] }
"#;
    let (_, configuration) = with_receiver(|_| reply("{}"));
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(4).says(&["`no-such-program` was not started", "had not ended after 200ms and was stopped"]);
}

#[test]
fn a_failing_program_is_reported_with_the_line_that_runs_it_again_and_without_secrets() {
    let spec = r#"
tests:
  - name: fails
    command: { argv: [sh, -c, "echo token is $TOKEN; exit 1"], env: { TOKEN: "${secret.TOKEN}" } }
    trace: none
    response: { exit_code: 0 }
"#;
    let (_, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, spec);
    project.write("secrets.env", "TOKEN=hush-hush-hush\n");
    let ran = project.run(&["--secrets-file", "secrets.env"]);
    ran.exits(1).does_not_say(&["hush"]);
    let program = &ran.test("fails")["steps"][0]["program"];
    assert_eq!(program["ending"], "exit code 1");
    assert!(program["shell"].as_str().unwrap().contains("TRACEPARENT=00-"), "{program}");
    assert!(!ran.report.to_string().contains("hush"));
}

//! Why spans are missing, each cause with words of its own: not instrumented, switched off, sampled away, sent elsewhere,
//! begun anew without the context, or linked only.

use crate::processes::{OTHER, billing_test, with_billing, with_billing_in};
use crate::project::Project;
use crate::spans::{CONSUMER, Made, SERVER, single, span};
use crate::target::{reply, with_receiver};

const PAYMENTS: &str = "wait: { settle: 300ms }, trace: { services: [payments] }";

/// Why `payments` is missing, where process `billing` has these variables and answers like this.
fn missing(how: &str, env: &str, inherited: &[(&str, &str)]) -> String {
    let (_target, folder, configuration) = with_billing_in(env);
    let project = Project::new(&configuration, &format!("tests:\n{}", billing_test("t", how, PAYMENTS)));
    folder.set(project.path("")).unwrap();
    let mut command = project.command(&["run", "--report", "json=report.json"]);
    command.envs(inherited.iter().copied());
    let ran = project.finish(command.output().unwrap());
    ran.exits(1);
    let finding = &ran.test("t")["findings"][0];
    assert_eq!(finding["message"], "Expected a span of `payments`, found none.", "{}", ran.said);
    let hint = finding["hint"].as_str().unwrap_or_else(|| panic!("no hint: {finding:#}"));
    ran.says(&[&hint[..40]]);
    hint.to_owned()
}

#[test]
fn a_service_that_exports_nothing_is_not_confused_with_one_that_lost_the_context() {
    let hint = missing("nothing", "OTEL_SERVICE_NAME: payments", &[]);
    assert!(
        hint.contains("no span of payments came in any trace of this run, and none of process `billing`"),
        "{hint}"
    );
    assert!(hint.contains("is it instrumented"), "{hint}");
    let hint = missing("lost", "A: b", &[]);
    assert!(hint.contains(&format!("meanwhile payments began trace {OTHER} with `POST /charge`")), "{hint}");
    assert!(hint.contains("does it read the headers"), "{hint}");
}

#[test]
fn the_variable_that_keeps_spans_away_is_named_with_where_it_comes_from() {
    let named = "OTEL_SERVICE_NAME: payments";
    for (variable, value, effect) in [
        ("OTEL_SDK_DISABLED", "true", "switches its SDK off"),
        ("OTEL_TRACES_EXPORTER", "none", "exports nothing over OTLP"),
        ("OTEL_TRACES_SAMPLER", "always_off", "drops its spans"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9", "sends its spans elsewhere"),
    ] {
        let hint = missing("nothing", &format!("{named}, {variable}: '{value}'"), &[]);
        let says = format!(
            "process `billing` exported nothing in this run: `{variable}={value}` (set in the configuration) {effect}"
        );
        assert_eq!(hint, says);
    }
    let hint = missing("nothing", named, &[("OTEL_TRACES_SAMPLER", "always_off")]);
    assert!(hint.contains("`OTEL_TRACES_SAMPLER=always_off` (inherited from the environment of tracespec)"), "{hint}");
    // The runner sets the one anew and takes the other away.
    for inherited in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
        let hint = missing("nothing", named, &[(inherited, "http://127.0.0.1:9")]);
        assert!(hint.contains("is it instrumented"), "{hint}");
    }
    let hint = missing("lost", "OTEL_PROPAGATORS: b3", &[]);
    assert!(hint.contains("process `billing` has `OTEL_PROPAGATORS=b3` (set in the configuration)"), "{hint}");
    // One that exports after all is not held back by anything.
    let hint = missing("lost", "OTEL_TRACES_SAMPLER: always_off", &[]);
    assert!(!hint.contains("always_off"), "{hint}");
}

#[test]
fn a_variable_that_keeps_spans_away_is_told_before_the_first_request() {
    let (_target, folder, configuration) = with_billing_in("OTEL_TRACES_SAMPLER: always_off");
    let project = Project::new(&configuration, &format!("tests:\n{}", billing_test("t", "nothing", PAYMENTS)));
    folder.set(project.path("")).unwrap();
    let mut command = project.command(&["run"]);
    command.env("OTEL_PROPAGATORS", "b3").env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9");
    let ran = project.finish(command.output().unwrap());
    let before = ran.stderr.split("running 1 test").next().unwrap();
    let warnings: Vec<&str> = before.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(
        warnings,
        [
            "warning: process `billing`: OTEL_TRACES_SAMPLER=always_off (set in the configuration) drops its spans",
            "warning: process `billing`: OTEL_PROPAGATORS=b3 (inherited) reads no `traceparent`",
        ],
        "{}",
        ran.stderr
    );
}

#[test]
fn a_selection_and_a_call_of_a_missing_service_say_the_same() {
    let (_target, folder, configuration) = with_billing();
    let expectations = [
        "wait: { settle: 300ms }, trace: { spans: [{ select: { service: payments, name: charge } }] }",
        "wait: { settle: 300ms }, trace: { spans: [{ select: '{ resource.service.name = \"payments\" }' }] }",
        "wait: { settle: 300ms }, trace: { calls: [gateway -> payments] }",
    ];
    let tests: String =
        expectations.iter().enumerate().map(|(at, trace)| billing_test(&format!("t{at}"), "lost", trace)).collect();
    let project = Project::new(&configuration, &format!("tests:\n{tests}"));
    folder.set(project.path("")).unwrap();
    let ran = project.run(&["--jobs", "1"]);
    ran.exits(1);
    for (at, expectation) in expectations.iter().enumerate() {
        let finding = &ran.test(&format!("t{at}"))["findings"][0];
        let hint = finding["hint"].as_str().unwrap_or_default();
        assert!(hint.contains("meanwhile payments began trace"), "{expectation}: {finding:#}");
    }
}

#[test]
fn a_trace_that_only_links_is_named_with_the_key_that_reads_it() {
    let (_target, configuration) = with_receiver(|call| {
        let consumer =
            Made { link: Some((call.trace.clone(), call.parent.clone())), ..span("mailer", CONSUMER, "send", 3, 0) };
        reply("{}").also(OTHER, "0000000000000000", vec![consumer])
    });
    let test = |more: &str| {
        format!(
            "tests:\n  - {{ name: t, request: {{ url: \"${{base}}/\" }}, trace: {{ services: [mailer]{more} }} }}\n"
        )
    };
    let project = Project::new(&configuration, &test(""));
    project.run(&[]).exits(1).says(&[&format!(
        "trace {OTHER}, which `send` of mailer began, only links to this one, so it is not read: `follow_links: true`"
    )]);
    project.write("specs/spec.yaml", &test(", follow_links: true"));
    project.run(&[]).exits(0);
}

#[test]
fn a_service_seen_in_other_traces_only_is_known_to_export() {
    let (_target, configuration) = with_receiver(|call| {
        let stock = || vec![span("gateway", SERVER, "GET /", 1, 0), span("stock", SERVER, "GET /items", 2, 1)];
        reply("{}").spans(if call.path == "/with" { stock() } else { single() })
    });
    let spec = "tests:\n  - { name: with, request: { url: \"${base}/with\" }, trace: { services: [stock] } }\n  \
                - { name: without, needs: [with], request: { url: \"${base}/without\" }, trace: { services: [stock] } }\n  \
                - { name: misspelt, needs: [with], request: { url: \"${base}/with\" }, trace: { services: [stcok] } }\n  \
                - { name: unknown, needs: [with], request: { url: \"${base}/with\" }, trace: { services: [billing] } }\n";
    Project::new(&configuration, spec).run(&[]).exits(1).says(&[
        "stock exports spans, but only other traces of this run have any: no call in this trace names it",
        "did you mean `stock`?",
        "no span of billing came in any trace of this run: is it instrumented",
    ]);
}

#[test]
fn a_request_that_asks_for_no_spans_says_so() {
    let (_target, configuration) =
        with_receiver(|_| reply("{}").spans(Vec::new()).header("x-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736"));
    let spec = "tests:\n  - name: t\n    wait: { timeout: 300ms }\n    request: { url: \"${base}/\", headers: { traceparent: \
                00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00 } }\n    trace: { id: { header: x-trace-id }, roots: 1 }\n";
    Project::new(&configuration, spec)
        .run(&[])
        .exits(4)
        .says(&["the `traceparent` of the request says not sampled (it ends in `-00`)"]);
}

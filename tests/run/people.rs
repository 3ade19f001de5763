//! What people see of a run: which stream says what, how it fits the terminal, what is live, and the commands below a failure.

use crate::project::Project;
use crate::spans::{SERVER, single, span};
use crate::target::{reply, with_receiver};
use std::process::Command;

const SPEC: &str = r#"
vars: { path: orders }

tests:
  - name: passes
    request: { url: "${base}/" }
    trace: { span_count: 1 }

  # About the next.
  - name: fails
    request: { url: "${base}/${path}", headers: { x-key: "a'b" } }
    response: { status: 200 }
    trace:
      span_count: 2
      services: [gateway, stock]

  - name: "say \"it's\" ${who} and (more)"
    matrix: [{ who: one }, { who: two }]
    request: { url: "${base}/" }
    trace: { span_count: 3 }
"#;

fn project() -> (impl Sized, Project) {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    (target, Project::new(&configuration, SPEC))
}

#[test]
fn results_go_to_standard_output_and_progress_to_standard_error() {
    let (_target, project) = project();
    let ran = project.tracespec(&["run", "-k", "passes or fails"]);
    ran.exits(1);
    let results: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with(char::is_uppercase)).collect();
    assert_eq!(results.len(), 2, "{}", ran.stdout);
    assert!(results.iter().any(|line| line.starts_with("FAIL   fails ") && line.contains("specs/spec.yaml:10 ")));
    let summary = ran.stdout.lines().last().unwrap();
    assert!(summary.starts_with("fail: 2 tests in ") && summary.ends_with(": 1 passed, 1 failed"), "{summary}");
    assert!(ran.stderr.starts_with("running 2 tests in 1 file; traces from "), "{}", ran.stderr);
    assert!(!ran.stderr.contains("FAIL") && !ran.stdout.contains("running"), "{}{}", ran.stderr, ran.stdout);
}

#[test]
fn a_report_on_standard_output_has_it_alone() {
    let (_target, project) = project();
    let ran = project.tracespec(&["run", "-k", "fails", "--report", "json=-"]);
    ran.exits(1);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["verdict"], "fail");
    assert!(ran.stderr.contains("FAIL   fails ") && ran.stderr.contains("1 failed\n"), "{}", ran.stderr);
}

#[test]
fn a_failure_names_its_cause_first_and_ends_with_what_to_do() {
    let (_target, project) = project();
    let ran = project.tracespec(&["run", "-k", "fails", "--seed", "1"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[1], "  1. Expected a span of `stock`, found none.");
    ran.says(&[
        "    15 |       services: [gateway, stock]\n       |                           ^^^^^ spans of gateway\n",
        "     also: Expected 2 spans, found 1 (line 14)\n",
        "  request: curl -i http://127.0.0.1:",
        "/orders -H ",
        r"-H 'x-key: a'\''b'",
        "  rerun: tracespec run specs/spec.yaml:10      see: tracespec show fails\n",
    ]);
    // A settled trace needs no log of how it settled.
    ran.does_not_say(&["how the wait went"]);
}

#[test]
fn a_line_selects_the_test_that_stands_there() {
    let (_target, project) = project();
    let listed = |place: &str| project.tracespec(&["list", place]);
    for (line, names) in [
        (5, "passes"),
        (7, "passes"),
        (8, "fails"),
        (9, "fails"),
        (13, "fails"),
        (15, "fails"),
        (16, "say"),
        (17, "say"),
        (20, "say"),
    ] {
        let ran = listed(&format!("specs/spec.yaml:{line}"));
        let shown = &ran.exits(0).stdout;
        assert!(shown.lines().all(|one| one.contains(&format!(": {names}"))), "{line}: {shown}");
        assert_eq!(shown.lines().count(), if names == "say" { 2 } else { 1 }, "{line}: {shown}");
    }
    // As messages write a place.
    assert!(listed("specs/spec.yaml:10:5").exits(0).stdout.contains(": fails"));
    for line in [1, 2, 4, 21, 900] {
        let says = [
            &format!("no test stands at specs/spec.yaml:{line}"),
            "its tests begin at 5 `passes`, 10 `fails`, 17 `say \"it's\" one and (more)`",
        ];
        listed(&format!("specs/spec.yaml:{line}")).exits(2).says(&says);
    }
    listed("specs/none.yaml:7").exits(2).says(&["there is no specs/none.yaml"]);
    // A file that is named as a whole is meant as a whole.
    let both = project.tracespec(&["list", "specs/spec.yaml:5", "specs/spec.yaml:10"]);
    assert_eq!(both.exits(0).stdout.lines().count(), 2);
    assert_eq!(project.tracespec(&["list", "specs/spec.yaml:5", "specs"]).exits(0).stdout.lines().count(), 4);
}

#[test]
fn the_command_below_a_failure_runs_that_test_alone() {
    let (_target, project) = project();
    let ran = project.tracespec(&["run", "-k", "not passes"]);
    let commands: Vec<&str> = ran.exits(1).stdout.lines().filter_map(|line| line.split("rerun: ").nth(1)).collect();
    assert_eq!(commands.len(), 3, "{}", ran.stdout);
    for command in commands {
        let command = command.split("      see: ").next().unwrap();
        let binary = project.command(&[]).get_program().to_string_lossy().into_owned();
        let line = command.replacen("tracespec", &format!("'{binary}'"), 1);
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(project.path(""));
        project.finish(shell.output().unwrap()).exits(1).says(&["fail: 1 test in "]);
    }
}

#[test]
fn an_answer_that_is_wrong_is_shown_around_the_path_that_was_asked_for() {
    let filler = "x".repeat(2000);
    let body = format!(r#"{{"filler":"{filler}","order":{{"items":[{{"sku":"A","qty":2}}],"total":3}}}}"#);
    let (_target, configuration) = with_receiver(move |_| reply(&body).spans(single()));
    let spec = r#"
tests:
  - name: t
    request: { url: "${base}/" }
    response: { status: 201, json: { "$.order.items[0].qty": 1 } }
    trace: none
"#;
    let ran = Project::new(&configuration, spec).tracespec(&["run"]);
    ran.exits(1).says(&[
        "  1. GET / answered 200 OK, expected 201\n",
        "also: `$.order.items[0].qty` of GET / is 2, not 1 (line 5)\n",
        "  answer: 200, 2063 bytes; $.order.items[0]: {\"qty\":2,\"sku\":\"A\"}\n",
    ]);
    ran.does_not_say(&["xxxxx"]);
}

#[test]
fn a_wrong_answer_names_the_span_that_failed() {
    let spans =
        || vec![span("gateway", SERVER, "GET /", 1, 0).failed(), span("stock", SERVER, "lookup", 2, 1).failed()];
    let (_target, configuration) = with_receiver(move |_| reply("{}").status(503).spans(spans()));
    let spec = "
tests:
  - name: t
    request: { url: '${base}/' }
    response: { status: 200 }
    trace: { errors: none }
";
    Project::new(&configuration, spec).tracespec(&["run"]).exits(1).says(&[
        "  1. GET / answered 503 Service Unavailable, expected 200: span `lookup` of stock failed",
        "also: Expected no errors, found 2",
    ]);
}

#[test]
fn many_tests_that_pass_are_counted_unless_each_is_asked_for() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let tests: String = (0..60)
        .map(|at| {
            format!(
                "  - {{ name: t{at}, request: {{ url: '${{base}}/' }}, response: {{ status: 200 }}, trace: none }}\n"
            )
        })
        .collect();
    let spec =
        format!("tests:\n{tests}  - {{ name: bad, request: {{ url: '${{base}}/' }}, response: {{ status: 404 }} }}\n");
    let project = Project::new(&configuration, &spec);
    let ran = project.tracespec(&["run"]);
    let lines = |ran: &crate::project::Ran| ran.stdout.lines().filter(|line| line.starts_with("PASS ")).count();
    assert_eq!((ran.exits(1).code, lines(&ran)), (1, 1), "{}", ran.stdout);
    ran.says(&["PASS   60 tests (-v shows a line for each)\n", "FAIL   bad "]);
    assert_eq!(lines(&project.tracespec(&["run", "-v"])), 60);
}

#[test]
fn a_flaky_test_says_why_its_earlier_attempt_did_not_pass() {
    let (_target, configuration) = with_receiver(|call| reply("{}").status(if call.position == 0 { 500 } else { 200 }));
    let spec = "
tests:
  - { name: t, retries: 1, request: { url: '${base}/' }, response: { status: 200 }, trace: none }
";
    let ran = Project::new(&configuration, spec).tracespec(&["run"]);
    ran.exits(0).says(&[
        "FLAKY  t (attempt 2) ",
        "  attempt 1: GET / answered 500 Internal Server Error, expected 200\n",
        "flaky: specs/spec.yaml:3  t  (passed in attempt 2)\n",
        "flaky: 1 test in ",
    ]);
}

#[test]
fn what_a_process_prints_is_shown_with_what_it_may_explain() {
    let (_target, configuration) =
        with_receiver(|call| reply("{}").status(if call.path == "/bad" { 500 } else { 404 }));
    let process = "processes: [{ name: shop, command: [sh, -c, \"while sleep 0.05; do printf '\\\\033[31mout of stock\\\\033[0m\\\\n'; done\"] }]\n";
    let spec = "
tests:
  - { name: bad, request: { url: '${base}/bad' }, until: { timeout: 400ms, interval: 200ms }, response: { status: 200 }, trace: none }
  - { name: refused, request: { url: '${base}/' }, response: { status: 200 }, trace: none }
";
    let project = Project::new(&(configuration + process), spec);
    let printed = "  process `shop` printed meanwhile:\n    | out of stock\n";
    project.tracespec(&["run", "-k", "bad"]).exits(1).says(&[printed]);
    project.tracespec(&["run", "-k", "refused"]).exits(1).does_not_say(&[printed]);
}

/// Runs in a pseudo-terminal of so many columns; both streams as they came.
#[cfg(target_os = "linux")]
fn on_a_terminal(project: &Project, columns: usize, environment: &[(&str, &str)], args: &str) -> String {
    let binary = project.command(&[]).get_program().to_string_lossy().into_owned();
    let mut script = Command::new("script");
    // Shells set COLUMNS themselves.
    let set: String = environment.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    let line = format!("stty cols {columns} rows 40; exec env {set}'{binary}' {args}");
    script.args(["-qec", &line, "/dev/null"]);
    script.current_dir(project.path("")).stdin(std::process::Stdio::null());
    for name in ["CI", "NO_COLOR", "COLUMNS"] {
        script.env_remove(name);
    }
    script.env("TERM", "xterm");
    let output = script.output().unwrap();
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

/// What a terminal shows in the end, line by line, and the texts that were there for a time.
#[cfg(target_os = "linux")]
fn screen(output: &str) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut row, mut gone) = (vec![String::new()], 0, Vec::new());
    let mut rest = output;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(String::new());
                }
            }
            // Only what clears the line follows.
            '\r' => {}
            '\u{1b}' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                match &rest[1..=end] {
                    "J" => {
                        gone.extend(lines.drain(row..));
                        lines.push(String::new());
                    }
                    up if up.ends_with('A') => row -= up.trim_end_matches('A').parse::<usize>().unwrap(),
                    colour => assert!(colour.ends_with('m'), "{colour}"),
                }
                rest = &rest[end + 1..];
            }
            c => lines[row].push(c),
        }
    }
    (lines, gone)
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_lines_say_what_is_waited_for_and_are_gone_in_the_end() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let configuration = configuration.replace("20ms", "1s");
    let spec = r#"
tests:
  - { name: first, request: { url: "${base}/" }, trace: { errors: none } }
  - { name: second, request: { url: "${base}/" }, trace: { span_count: 2 } }
"#;
    let project = Project::new(&configuration, spec);
    let (shown, gone) = screen(&on_a_terminal(&project, 100, &[], "run"));
    let is_live = |line: &String| line.contains("waiting for") && line.contains("1 span") && line.contains("s left");
    assert!(gone.iter().any(|line| is_live(line) && line.contains("first: ")), "{gone:#?}");
    assert!(gone.iter().any(|line| line.contains("0 of 2 done")), "{gone:#?}");
    assert!(gone.iter().all(|line| line.chars().count() < 100), "{gone:#?}");
    assert!(!shown.iter().any(|line| line.contains("waiting for") || line.contains("of 2 done")), "{shown:#?}");
    let verdicts: Vec<&String> = shown.iter().filter(|line| line.starts_with(char::is_uppercase)).collect();
    assert!(verdicts.iter().all(|line| line.starts_with("PASS ") || line.starts_with("FAIL ")), "{shown:#?}");
    assert_eq!(verdicts.len(), 2, "{shown:#?}");
    assert!(shown.iter().rev().find(|line| !line.is_empty()).unwrap().starts_with("fail: 2 tests"), "{shown:#?}");
}

#[cfg(target_os = "linux")]
#[test]
fn lines_fit_the_terminal_but_for_what_is_to_be_copied() {
    let (_target, project) = project();
    for (columns, environment, width) in [(60, &[][..], 60), (160, &[][..], 160), (160, &[("COLUMNS", "72")][..], 72)] {
        let output = on_a_terminal(&project, columns, environment, "run");
        let (shown, _) = screen(&output);
        let copied = |line: &&String| !["request: ", "rerun: ", "see: "].iter().any(|word| line.contains(word));
        let long: Vec<&String> = shown.iter().filter(copied).filter(|line| line.chars().count() > width).collect();
        assert!(long.is_empty(), "{width}: {long:#?}\n{output}");
        assert!(output.contains("\u{1b}[31;1mFAIL \u{1b}[0m"), "{output}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_control_character_is_written_where_none_is_wanted() {
    let (_target, project) = project();
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb"), ("CI", "true")] {
        let output = on_a_terminal(&project, 100, &[environment], "run");
        let bad = |c: char| c.is_control() && c != '\n';
        assert!(!output.contains(bad), "{environment:?}: {output:?}");
        assert!(output.contains("FAIL   fails"), "{output}");
    }
}

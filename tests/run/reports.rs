//! Reports: every expectation in them, written whole or not at all, and never lost in silence.

use crate::project::Project;
use crate::target::{reply, with_receiver};
use serde_json::json;
use std::process::Stdio;

const SPEC: &str = r#"
tests:
  - name: t
    request: { url: "${base}/" }
    response: { status: 200, headers: { content-type: ~ .*json } }
    trace:
      services: [gateway]
      span_count: 2
      errors: none
"#;

#[test]
fn every_expectation_is_in_the_report_those_that_hold_too() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let ran = Project::new(&configuration, SPEC).run(&[]);
    ran.exits(1);
    let test = ran.test("t");
    let all = test["expectations"].as_array().unwrap();
    let rows: Vec<_> = all
        .iter()
        .map(|one| {
            json!([one["path"], one["family"], one["line"], one["verdict"], one["findings"].as_array().unwrap().len()])
        })
        .collect();
    assert_eq!(
        rows,
        [
            json!(["response.status", "response", 5, "pass", 0]),
            json!(["response.headers.content-type", "response", 5, "pass", 0]),
            json!(["trace.services", "services", 7, "pass", 0]),
            json!(["trace.span_count", "span_count", 8, "fail", 1]),
            json!(["trace.errors", "errors", 9, "pass", 0]),
        ]
    );
    let finding = &all[3]["findings"][0];
    for key in ["rule", "message", "expected", "actual"] {
        assert!(!finding[key].as_str().unwrap().is_empty(), "{key}: {finding}");
    }
    assert_eq!((&finding["verdict"], &test["findings"][0]["message"]), (&json!("fail"), &finding["message"]));
    assert_eq!(test["findings"].as_array().unwrap().len(), 1);
    assert_eq!((all[0]["file"].as_str(), all[3]["column"].as_u64()), (Some("specs/spec.yaml"), Some(19)));
}

#[test]
fn expectations_that_could_not_be_judged_are_in_the_report_as_errors() {
    let (_target, configuration) = with_receiver(|_| reply("{}").spans(Vec::new()));
    let spec = SPEC.replace("    trace:", "    wait: { timeout: 300ms }\n    trace:");
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(4);
    let verdicts: Vec<_> =
        ran.test("t")["expectations"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["pass", "pass", "error", "error", "error"]);
    assert_eq!(ran.test("t")["findings"], json!([]));
}

#[test]
fn what_could_not_be_decided_does_not_look_like_a_failure_and_is_said_once() {
    let orphan = || vec![crate::spans::span("stock", crate::spans::SERVER, "GET /items", 3, 2)];
    let (_target, configuration) =
        with_receiver(move |_| reply("{}").spans([crate::spans::single(), orphan()].concat()));
    let spec = "
tests:
  - name: t
    request: { url: '${base}/' }
    wait: { timeout: 3s }
    trace:
      errors: none
      services: { none: [mailer] }
      calls: { forbid: [gateway -> mailer] }
";
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(3)
        .does_not_say(&["×"])
        .says(&["  ? inconclusive: ", "the same of: trace.services (line 8), trace.calls (line 9)"]);
    assert_eq!(ran.said.matches("? inconclusive: ").count(), 1, "{}", ran.said);
    for expectation in ran.test("t")["expectations"].as_array().unwrap().iter().skip(1) {
        assert_eq!(
            (&expectation["verdict"], &expectation["findings"][0]["verdict"]),
            (&json!("inconclusive"), &json!("inconclusive"))
        );
    }
}

#[test]
fn a_path_that_cannot_be_written_ends_the_run_before_anything_is_sent() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    project.write("file", "");
    for path in ["json=file/report.json", "json=specs"] {
        project.tracespec(&["run", "--report", path]).exits(4).says(&["cannot write the report", "nothing was sent"]);
    }
    assert!(target.is_untouched());
}

const EACH: [(&str, &str); 8] = [
    ("json", "report.json"),
    ("junit", "junit.xml"),
    ("html", "report.html"),
    ("tap", "report.tap"),
    ("sarif", "report.sarif"),
    ("gitlab", "quality.json"),
    ("markdown", "report.md"),
    ("ndjson", "events.ndjson"),
];

fn each() -> String {
    EACH.map(|(kind, file)| format!("{kind}={file}")).join(",")
}

/// Each report says this of the run as a whole, in its own way of saying error.
#[track_caller]
fn each_says(project: &Project, words: &str) {
    for (kind, file) in EACH {
        let text = project.read(file);
        let error = match kind {
            "json" => "\"verdict\": \"error\"",
            "junit" => " errors=\"1\"",
            "html" => "<h1>error: ",
            "tap" => "\nnot ok 1 - the run as a whole\n",
            "sarif" => "\"executionSuccessful\": false",
            "gitlab" => "\"severity\": \"critical\"",
            "markdown" => "<p><b>error</b></p>",
            _ => "\"event\":\"run_finished\"",
        };
        assert!(text.contains(error), "{file} does not say `{error}`:\n{text}");
        assert!(text.contains(words), "{file} does not say `{words}`:\n{text}");
        assert!(!text.contains("of an earlier run"), "{file}:\n{text}");
    }
}

#[test]
fn a_run_that_ends_before_its_first_test_says_so_in_place_of_an_earlier_report() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let broken = format!("{configuration}processes: [{{ name: x, command: [no-such-program] }}]\n");
    let unknown = SPEC.replace("services:", "servics:");
    let cases: [(&str, &str, &[&str], i32, &str); 5] = [
        (&configuration, &unknown, &[], 2, "servics"),
        (&configuration, SPEC, &["-k", "no such test"], 2, "no test matches"),
        (&configuration, SPEC, &["--profile", "nightly"], 2, "no profile `nightly`"),
        (&configuration, SPEC, &["--report", "json=specs"], 4, "cannot write the report specs"),
        (&configuration, SPEC, &["--accept"], 2, "`--accept` writes nothing where CI is set"),
    ];
    for (configuration, spec, args, code, says) in cases {
        let project = Project::new(configuration, spec);
        EACH.iter().for_each(|(_, file)| project.write(file, "{\"of an earlier run\": true}"));
        let mut run = project.command(&[&["run", "--report", &each()], args].concat());
        if args.contains(&"--accept") {
            run.env("CI", "true");
        }
        project.finish(run.output().unwrap()).exits(code).says(&[says]);
        each_says(&project, says);
        // Configuration, specs and the reports: nothing that was only begun is left.
        assert_eq!(std::fs::read_dir(project.path("")).unwrap().count(), 2 + EACH.len());
    }
    assert!(target.is_untouched());
    // The tests that were to run are in it, as not begun.
    let project = Project::new(&broken, SPEC);
    let ran = project.run(&[]);
    ran.exits(4).says(&["error: ", "no-such-program"]);
    assert_eq!(ran.said.matches("no-such-program").count(), 2, "begun, and said once: {}", ran.said);
    assert_eq!((&ran.report["verdict"], ran.verdict("t")), (&json!("error"), "skipped"));
    assert_eq!(ran.test("t")["reason"], "not begun, because the run could not start");
    assert!(ran.report["errors"][0].as_str().unwrap().contains("no-such-program"), "{}", ran.report);
}

#[test]
fn an_empty_shard_has_a_report_without_tests() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    project.write("report.json", "{\"of an earlier run\": true}");
    // One of the two has the only test.
    let empty = ["1/2", "2/2"].into_iter().map(|shard| project.run(&["--shard", shard])).find(|ran| ran.code == 0);
    let empty = empty.expect("a shard without a test");
    assert_eq!((&empty.report["verdict"], &empty.report["tests"]), (&json!("skipped"), &json!([])));
}

#[test]
fn a_run_that_is_killed_leaves_reports_that_say_that_it_has_not_ended() {
    let (target, configuration) = with_receiver(|_| reply("{}").after(std::time::Duration::from_secs(3600)));
    let project = Project::new(&configuration, &SPEC.replace("/\" }", "/\", timeout: 1h }"));
    EACH.iter().for_each(|(_, file)| project.write(file, "{\"of an earlier run\": true}"));
    let mut run = project.begin(&["run", "--report", &each()]);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while target.calls().is_empty() {
        assert!(std::time::Instant::now() < end, "waited for the request");
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    for (kind, file) in EACH.iter().filter(|(kind, _)| *kind != "ndjson") {
        let text = project.read(file);
        assert!(text.contains("this run has not ended"), "{kind}:\n{text}");
    }
    let report: serde_json::Value = serde_json::from_str(&project.read("report.json")).unwrap();
    assert_eq!((&report["verdict"], &report["interrupted"]), (&json!("error"), &json!(true)));
}

#[test]
fn standard_output_that_is_closed_is_an_error_unless_a_test_failed() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    for (spec, code) in [(SPEC.replace("span_count: 2", "span_count: 1"), 4), (SPEC.to_owned(), 1)] {
        let project = Project::new(&configuration, &spec);
        let mut run = project.command(&["run", "--report", "json=-"]);
        let mut run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(run.stdout.take());
        let ran = project.finish(run.wait_with_output().unwrap());
        ran.exits(code).says(&["error: cannot write the report -: "]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_was_never_open_is_found_before_anything_is_sent() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    let closed = |redirect: &str| {
        let program = project.command(&[]).get_program().to_string_lossy().into_owned();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("exec \"$0\" run --report json=- {redirect}"), &program]);
        shell.current_dir(project.path("")).env_remove("CI").stdin(Stdio::null());
        project.finish(shell.output().unwrap())
    };
    closed(">&-").exits(4).says(&["standard output is closed", "nothing was sent"]);
    assert!(target.is_untouched());
    // Whoever wants no report may say so.
    closed("> /dev/null").exits(1);
}

#[test]
fn nothing_of_a_spec_that_could_drive_a_terminal_is_printed() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = "tests:\n  - { name: t, request: { url: '${base}/' }, response: { body: \"a\u{9b}31m\u{202e}b\" }, trace: none }\n";
    let ran = Project::new(&configuration, spec).run(&[]);
    assert_ne!(ran.code, 0);
    let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!ran.said.contains(bad), "{:?}", ran.said);
}

/// What was sent and answered, and where it ran.
#[test]
fn a_failure_has_its_request_and_its_answer_and_a_pass_does_not_keep_bodies() {
    let (_target, configuration) = with_receiver(|call| match call.path.as_str() {
        "/bad" => reply(format!("{{\"why\": \"{}\"}}", "x".repeat(70 << 10))).status(500).header("x-why", "no stock"),
        _ => reply("{\"fine\": true}"),
    });
    let spec = r#"
tests:
  - { name: good, tags: [a, b], request: { method: POST, url: "${base}/good", json: { sku: 1 } }, trace: { span_count: 1 } }
  - { name: bad, request: { method: POST, url: "${base}/bad", json: { sku: 1 } }, response: { status: 200 } }
  - { name: refused, request: { url: "http://127.0.0.1:1/x" }, response: { status: 200 } }
"#;
    let project = Project::new(&configuration, spec);
    project.write(".git/HEAD", "0123456789abcdef0123456789abcdef01234567\n");
    let ran = project.run(&["--retries", "1"]);
    ran.exits(1);
    let environment = &ran.report["environment"];
    assert_eq!(environment["commit"], "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(environment["version"], env!("CARGO_PKG_VERSION"));
    assert!(environment["backend"].as_str().unwrap().contains("receiver"), "{environment}");
    let step = |name: &str| ran.test(name)["steps"][0].clone();
    let (good, bad, refused) = (step("good"), step("bad"), step("refused"));
    assert_eq!((&good["answer"], &good["request"]["body"]), (&json!(null), &json!(null)));
    assert_eq!(ran.test("good")["tags"], json!(["a", "b"]));
    assert_eq!(
        (&bad["request"]["method"], &bad["request"]["body"]),
        (&json!("POST"), &json!({ "text": "{\"sku\":1}", "bytes": 9 }))
    );
    let curl = bad["request"]["curl"].as_str().unwrap();
    let trace = bad["trace_id"].as_str().unwrap();
    assert!(
        curl.starts_with("curl -i -X POST http://") && curl.contains(&format!(" -H 'traceparent: 00-{trace}-")),
        "{curl}"
    );
    let answer = &bad["answer"];
    assert_eq!((&answer["status"], &answer["body"]["bytes"]), (&json!(500), &json!((70 << 10) + 11)));
    assert!(answer["body"]["text"].as_str().unwrap().ends_with("x…"));
    assert!(answer["headers"].as_array().unwrap().contains(&json!(["x-why", "no stock"])));
    assert!(refused["request"]["curl"].as_str().unwrap().starts_with("curl -i http://127.0.0.1:1/x "), "{refused}");
    // The attempt before is kept, with its own trace.
    let earlier = &ran.test("bad")["earlier"];
    assert_eq!((earlier.as_array().unwrap().len(), &earlier[0]["verdict"]), (1, &json!("fail")));
    assert_ne!(earlier[0]["steps"][0]["trace_id"], bad["trace_id"]);
    assert_eq!(ran.test("good")["earlier"], json!([]));
}

const ONE_FAILS: &str = r#"
tests:
  - { name: good, request: { url: "${base}/good" }, trace: { span_count: 1 } }
  - { name: bad, request: { url: "${base}/bad" }, trace: { span_count: 2 } }
"#;

#[test]
fn several_reports_are_written_at_once_and_one_of_them_to_standard_output() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, ONE_FAILS);
    let ran = project.tracespec(&["run", "--report", "junit=deep/out.xml,json=report.json", "--report", "tap=-"]);
    ran.exits(1);
    assert!(ran.stdout.starts_with("TAP version 14\n1..2\nok 1 - good\n"), "{}", ran.stdout);
    assert_eq!(ran.verdicts(), ["good: pass", "bad: fail"]);
    assert!(project.read("deep/out.xml").contains("<testsuites name=\"tracespec\""));
    for (reports, says) in
        [("tap=-,json=-", "only one report"), ("junit=a,json=a", "would both be a"), ("xml=a", "unknown report `xml`")]
    {
        project.tracespec(&["run", "--report", reports]).exits(2).says(&[says]);
    }
}

#[test]
fn events_are_written_as_they_happen() {
    let (target, configuration) = with_receiver(|call| {
        let delay = if call.path == "/bad" { std::time::Duration::from_secs(3600) } else { std::time::Duration::ZERO };
        reply("{}").after(delay)
    });
    let spec =
        ONE_FAILS.replace("name: bad,", "name: bad, needs: [good],").replace("/bad\" }", "/bad\", timeout: 1h }");
    let project = Project::new(&configuration, &spec);
    project.write("events", "of an earlier run");
    let run = project.begin(&["run", "--report", "ndjson=events"]);
    let lines = || -> Vec<serde_json::Value> {
        let text = project.read("events");
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while target.calls().len() < 2 {
        assert!(std::time::Instant::now() < end, "waited for the second test");
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    // The run goes on, and what has happened can be read.
    let finished = lines().iter().any(|line| line["event"] == "test_finished" && line["test"]["name"] == "good");
    assert!(finished, "{:?}", lines());
    std::process::Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    project.finish(run.wait_with_output().unwrap()).exits(130);
    let last = lines().pop().unwrap();
    assert_eq!(
        (&last["event"], &last["interrupted"], &last["verdict"]),
        (&json!("run_finished"), &json!(true), &json!("error"))
    );
    let verdicts: Vec<_> = last["tests"].as_array().unwrap().iter().map(|test| test["verdict"].clone()).collect();
    assert_eq!(verdicts, ["pass", "error"]);
}

#[test]
fn github_is_given_annotations_and_a_summary_behind_what_is_there() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, ONE_FAILS);
    project.write("summary.md", "of another command\n");
    let mut run = project.command(&["run", "--report", "github"]);
    run.env("GITHUB_STEP_SUMMARY", project.path("summary.md")).env("GITHUB_WORKSPACE", project.path(""));
    let ran = project.finish(run.output().unwrap());
    ran.exits(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let token = lines[0].strip_prefix("::stop-commands::").unwrap();
    assert_eq!(lines[1], format!("::{token}::"));
    assert!(lines[2].starts_with("::error file=specs/spec.yaml,line=4,col=72,"), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
    let summary = project.read("summary.md");
    assert!(summary.starts_with("of another command\n<h3>❌ tracespec: fail</h3>\n"), "{summary}");
    let mut run = project.command(&["run", "--report", "github"]);
    let ran = project.finish(run.env("GITHUB_STEP_SUMMARY", project.path("specs")).output().unwrap());
    ran.exits(4).says(&["GITHUB_STEP_SUMMARY", "nothing was sent"]);
}

#[test]
fn traces_of_failures_are_saved_or_all_and_every_command_reads_them_back() {
    let tried = std::sync::atomic::AtomicBool::new(false);
    let (_target, configuration) = with_receiver(move |call| {
        // The second attempt at one of them passes.
        let two = call.path == "/flaky" && tried.swap(true, std::sync::atomic::Ordering::SeqCst);
        if two { reply("{}").spans(crate::spans::two_services()) } else { reply("{}") }
    });
    let spec = r#"
tests:
  - { name: good / or ../bad, request: { url: "${base}/good" }, trace: { span_count: 1 } }
  - { name: Bad, request: { url: "${base}/bad" }, trace: { span_count: 2 } }
  - { name: bad, request: { url: "${base}/bad" }, trace: { span_count: 2 } }
  - { name: flaky, needs: ["good / or ../bad"], request: { url: "${base}/flaky" }, trace: { span_count: 4 } }
"#;
    let saved = |project: &Project, folder: &str| -> Vec<(String, std::path::PathBuf)> {
        let mut all = Vec::new();
        for of_test in std::fs::read_dir(project.path(folder)).unwrap() {
            let of_test = of_test.unwrap();
            let name = of_test.file_name().into_string().unwrap();
            // Those that fold to one have something behind them.
            let name = if name.to_lowercase().starts_with("bad-") { name[..3].to_owned() } else { name };
            all.extend(std::fs::read_dir(of_test.path()).unwrap().map(|file| (name.clone(), file.unwrap().path())));
        }
        all.sort();
        all
    };
    let project = Project::new(&configuration, spec);
    let names = |all: &[(String, std::path::PathBuf)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    project.run(&["--retries", "1", "--save-traces", "failed"]).exits(1);
    let failed = saved(&project, "failed");
    assert_eq!(names(&failed), ["Bad", "Bad", "bad", "bad", "flaky"], "{failed:?}");
    let earlier =
        failed.iter().filter(|(_, path)| path.file_name().unwrap().to_string_lossy().starts_with("attempt-1-"));
    assert_eq!(earlier.count(), 3, "{failed:?}");
    for (_, path) in &failed {
        let path = path.to_str().unwrap();
        project.tracespec(&["show", path]).exits(0);
        project.tracespec(&["query", "{ }", path]).exits(0);
        project.tracespec(&["analyze", path]).exits(0);
    }
    project.run(&["--save-traces", "all", "--save-traces-of", "all"]).exits(1);
    assert_eq!(names(&saved(&project, "all")), ["Bad", "bad", "flaky", "good-or-bad"]);
}

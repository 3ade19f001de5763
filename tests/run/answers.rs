//! What a run says when it could not find out, and when nothing was there to find out.

use crate::project::Project;
use crate::target::{nobody, reply, with_receiver};

const SPEC: &str = r#"
tests:
  - name: it answers
    request: { url: "${base}/" }
    trace: { services: [gateway] }
"#;

/// The one line that says why.
fn sentence(said: &str, part: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(part)).collect();
    assert_eq!(lines.len(), 1, "{said}");
    lines[0].to_owned()
}

#[test]
fn a_target_that_nobody_runs_is_one_sentence_with_a_remedy() {
    let configuration = format!("vars: {{ base: \"http://{}\" }}\n", nobody());
    let ran = Project::new(&configuration, SPEC).run(&[]);
    ran.exits(4);
    let line = sentence(&ran.said, "could not connect");
    assert!(line.contains("is the system under test running"), "{line}");
    assert_eq!(ran.verdict("it answers"), "error");
}

#[test]
fn a_backend_that_cannot_be_reached_ends_the_run_before_any_request() {
    for kind in ["jaeger", "tempo"] {
        let (target, _) = with_receiver(|_| reply("{}"));
        let backend = nobody();
        let configuration =
            format!("backend: {{ {kind}: {{ url: \"http://{backend}\" }} }}\nvars: {{ base: \"{}\" }}\n", target.url());
        let ran = Project::new(&configuration, SPEC).run(&[]);
        ran.exits(4);
        let line = sentence(&ran.said, "cannot be read");
        assert!(line.contains(&backend.to_string()) && line.contains("connection refused"), "{line}");
        assert!(target.is_untouched());
        ran.does_not_say(&["ERROR  "]);
    }
}

#[test]
fn a_trace_that_never_comes_to_the_embedded_receiver_says_what_was_watched_and_for_how_long() {
    let (target, configuration) = with_receiver(|_| reply("{}").spans(Vec::new()));
    let spec = SPEC.replace("trace: {", "wait: { timeout: 500ms }\n    trace: {");
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(4).says(&[
        "never came",
        "embedded OTLP receiver",
        "watched for 500ms",
        &target.calls()[0].trace,
        "instrumented",
    ]);
}

#[test]
fn a_bad_spec_sends_nothing_and_starts_nothing() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let mark = "touched";
    let processes = format!("processes:\n  - {{ name: system, command: [touch, {mark}] }}\n");
    let spec =
        format!("{SPEC}  - name: wrong\n    request: {{ url: \"${{base}}/\" }}\n    trace: {{ servics: [a] }}\n");
    let project = Project::new(&(configuration + &processes), &spec);
    let ran = project.run(&[]);
    ran.exits(2).says(&["servics", "services", "specs/spec.yaml:8", "nothing was sent"]);
    assert!(target.is_untouched() && !project.path(mark).exists());
}

#[test]
fn a_configuration_that_is_wrong_or_missing_is_a_usage_error() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration + "proceses: []\n"), SPEC);
    project.run(&[]).exits(2).says(&["proceses", "processes"]);
    project.tracespec(&["run", "--config", "absent.yaml"]).exits(2).says(&["absent.yaml"]);
    project.tracespec(&["run", "--profile", "nope"]).exits(2);
    project.tracespec(&["run", "no-such-folder"]).exits(2).says(&["no-such-folder"]);
    project.tracespec(&["run", "--report", "pdf=x"]).exits(2).says(&["pdf"]);
    assert!(target.is_untouched());
}

#[test]
fn a_folder_without_specs_says_what_was_looked_for() {
    let project = Project::new("", SPEC);
    std::fs::rename(project.path("specs"), project.path("elsewhere")).unwrap();
    project.tracespec(&["run"]).exits(2).says(&["there is no folder `specs` here"]);
    let below = project.command(&["run"]).current_dir(project.path("elsewhere")).output().unwrap();
    project.finish(below).exits(2).says(&["there is no folder `specs` in ..;"]);
}

#[test]
fn a_command_below_the_configurations_folder_runs_the_specs_beside_the_configuration() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, &SPEC.replace("services: [gateway]", "snapshot: shape"));
    project.write("deep/er/notes.txt", "");
    let run = |args: &[&str]| {
        let output = project.command(args).current_dir(project.path("deep/er")).output().unwrap();
        project.finish(output)
    };
    run(&["run", "--accept"]).says(&["../../specs/spec.yaml:"]);
    assert!(project.path("specs/snapshots/shape").is_file());
    run(&["run"]).exits(0);
    assert_eq!(target.calls().len(), 2);
    project.write("deep/er/specs/own.yaml", SPEC);
    run(&["run"]).exits(0).says(&[" specs/own.yaml:"]);
    // A configuration that is named says nothing about where specs are.
    run(&["run", "--config", "../../tracespec.yaml"]).exits(0).says(&[" specs/own.yaml:"]);
}

#[test]
fn an_absence_of_what_nothing_has_shown_is_told_of_and_fails_where_the_run_is_strict() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = SPEC.replace("services: [gateway]", "services: { none: [legcy] }");
    let project = Project::new(&configuration, &spec);
    project.run(&[]).exits(0).says(&["no service `legcy` was seen", "specs/spec.yaml:3", "--strict-absence"]);
    project.run(&["--strict-absence"]).exits(1).says(&["FAIL", "legcy", "specs/spec.yaml:3"]);
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_anything_is_sent() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    let ran = project.tracespec(&["run", "--report", "json=specs/spec.yaml/x.json"]);
    ran.exits(4).says(&["cannot write the report specs/spec.yaml/x.json"]);
    assert!(target.is_untouched());
}

#[test]
fn saved_traces_hold_no_secret() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = SPEC.replace("/\" }", "/\", headers: { x-key: \"${secret.TOKEN}\" } }");
    let project = Project::new(&configuration, &spec);
    // The name of the service that the answer's span comes from.
    project.write("secrets", "TOKEN=gateway\n");
    project.run(&["--save-traces", "traces", "--save-traces-of", "all", "--secrets-file", "secrets"]).exits(0);
    let folder = std::fs::read_dir(project.path("traces/it-answers")).unwrap().next().unwrap().unwrap();
    let saved = std::fs::read_to_string(folder.path()).unwrap();
    assert!(saved.contains("resourceSpans") && saved.contains("***") && !saved.contains("gateway"), "{saved}");
}

#[test]
fn a_path_that_finds_nothing_is_absent_and_does_not_exist() {
    let (_target, configuration) = with_receiver(|_| reply("{\"items\": [{}]}"));
    let spec = r#"
tests:
  - { name: found, request: { url: "${base}/" }, response: { json: { '$.items[*]': { length: 1 } } } }
  - { name: nothing found, request: { url: "${base}/" }, response: { json: { '$.items[*].sku': exists } } }
  - { name: absent, request: { url: "${base}/" }, response: { json: { '$.items[*].sku': absent } } }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(1);
    assert_eq!(ran.verdicts(), ["found: pass", "nothing found: fail", "absent: pass"]);
}

#[test]
fn no_test_matched_is_an_error_and_an_empty_shard_is_none() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    project.run(&["-k", "nothing like it"]).exits(2).says(&["no test matches"]);
    project.run(&["--tag", "nosuch"]).exits(2).says(&["no test matches"]);
    let is_empty = |shard: &&str| project.tracespec(&["list", "--shard", shard]).exits(0).stdout.is_empty();
    let (empty, full): (Vec<&str>, Vec<&str>) = ["1/2", "2/2"].into_iter().partition(is_empty);
    let ran = project.run(&["--shard", empty[0]]);
    ran.exits(0).says(&["no test falls into this shard; nothing was run"]);
    assert_eq!((&ran.report["verdict"], ran.verdicts().len()), (&"skipped".into(), 0));
    // That the shard is empty excuses no typing mistake.
    project.run(&["--shard", empty[0], "-k", "nothing like it"]).exits(2).says(&["no test matches"]);
    project.run(&["--shard", "3/2"]).exits(2).says(&["3/2"]);
    project.run(&["-k", "(a or"]).exits(2);
    assert!(target.is_untouched());
    project.run(&["--shard", full[0]]).exits(0);
}

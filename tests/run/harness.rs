//! Specs as a `cargo test` suite: the project's own suite binary, run in a folder with other specs.

use crate::project::{Project, Ran};
use crate::target::{reply, with_receiver};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The suite's binary, built if it is not.
fn binary() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--test", "specs", "--no-run", "--message-format=json"]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        // What an outer cargo says of this package would make the inner one build everything anew.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"].iter().any(|part| text.starts_with(part))
            {
                cargo.env_remove(name);
            }
        }
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        let found =
            lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).find_map(|message| {
                let named = message["target"]["name"] == "specs";
                named.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
            });
        found.unwrap()
    })
}

fn suite(project: &Project, args: &[&str]) -> Ran {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("TRACESPEC_") || text.starts_with("OTEL_") || text == "CI" {
            command.env_remove(name);
        }
    }
    command.current_dir(project.path("")).args(args);
    project.finish(command.output().unwrap())
}

const SPEC: &str = r#"
tests:
  - { name: passes, request: { url: "${base}/good" }, trace: { services: [gateway], span_count: 1 } }
  - { name: fails, request: { url: "${base}/bad" }, trace: { span_count: 2 } }
  - { name: waits, skip: not yet, request: { url: "${base}/later" }, trace: { services: [gateway] } }
"#;

#[test]
fn tests_are_listed_filtered_ignored_and_run_as_cargo_test_does() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    let listed = suite(&project, &["--list"]);
    listed.exits(0);
    for name in ["spec::passes: test", "spec::fails: test", "spec::waits: test"] {
        assert!(listed.stdout.contains(name), "{}", listed.stdout);
    }
    // Nothing of the system is touched before a test really runs.
    assert!(target.is_untouched());
    let one = suite(&project, &["passes"]);
    one.exits(0);
    assert!(one.stdout.contains("1 passed; 0 failed; 0 ignored"), "{}", one.stdout);
    assert_eq!(target.paths(), ["/good"]);
    let all = suite(&project, &[]);
    all.exits(101);
    assert!(all.stdout.contains("1 passed; 1 failed; 1 ignored"), "{}", all.stdout);
    for part in ["spec.yaml:4", "span_count: 2", "Expected 2 spans, found 1"] {
        assert!(all.stdout.contains(part), "{part}: {}", all.stdout);
    }
    let exact = suite(&project, &["--exact", "spec::passes"]);
    assert!(exact.stdout.contains("1 passed"), "{}", exact.stdout);
    let ignored = suite(&project, &["--ignored"]);
    ignored.exits(101);
    assert!(ignored.stdout.contains("not yet"), "{}", ignored.stdout);
    assert!(!target.paths().contains(&"/later".to_owned()));
    // The traces are kept by the command only.
    assert!(!project.path(".tracespec").exists());
}

#[test]
fn a_bad_spec_ends_the_suite_before_anything_is_sent() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, &SPEC.replace("span_count: 2", "span_cont: 2"));
    suite(&project, &[]).exits(2).says(&["span_cont", "span_count"]);
    assert!(target.is_untouched());
}

#[test]
fn the_systems_processes_run_for_the_suite_and_end_with_it() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let processes = "processes:\n  - { name: system, command: [sh, -c, 'echo $$ > pid; exec sleep 1000'] }\n";
    let project = Project::new(&(configuration + processes), SPEC);
    suite(&project, &["passes"]).exits(0);
    crate::interrupt::wait_until_gone(&project.read("pid"));
}

#[test]
fn a_server_that_dies_ends_the_tests_under_way() {
    let (_target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_secs(3600)));
    let processes =
        "processes:\n  - { name: system, ready: { log: up }, command: [bash, -c, 'echo up; sleep 1; exit 3'] }\n";
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\", timeout: 1h }, response: { status: 200 } }\n";
    let ran = suite(&Project::new(&(configuration + processes), spec), &[]);
    ran.exits(101).says(&["process `system` ended with", "3"]);
}

#[test]
fn what_up_started_is_used_and_stays() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let processes = "processes:\n  - { name: system, ready: { log: up }, command: [bash, -c, 'echo >> starts; echo up; sleep 1000 & wait'] }\n";
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n";
    let project = Project::new(&(configuration + processes), spec);
    project.tracespec(&["up"]).exits(0);
    suite(&project, &[]).exits(0);
    suite(&project, &[]).exits(0);
    assert_eq!((project.read("starts").lines().count(), target.calls().len()), (1, 2));
    project.write("tracespec.yaml", &project.read("tracespec.yaml").replace("sleep 1000", "sleep 1001"));
    suite(&project, &[]).exits(2).says(&["error: the configuration is not the one that `tracespec up` started"]);
    project.tracespec(&["down"]).exits(0).says(&["stopped system"]);
    assert_eq!(target.calls().len(), 2);
}

//! Being stopped, and systems that stop by themselves: nothing is left running, and what happened is said.

use crate::project::{Project, rest_of_stderr};
use crate::target::{nobody, reply, with_receiver};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Generous, since it only decides how long a failing test takes.
const DEADLINE: Duration = Duration::from_secs(30);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "waited for {what}");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Whether a process runs; one that has ended and that nobody has collected does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Waits for a process to end.
pub fn wait_until_gone(pid: &str) {
    until(&format!("process {pid} to end"), || !runs(pid));
}

fn written(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n'))
}

/// A process with a child of its own, each of which writes its id.
const FAMILY: &str = "(echo $$ > leader.pid; sh -c 'echo $$ > child.pid; exec sleep 1000' & wait)";

const SPEC: &str = "tests:\n  - { name: t, request: { url: \"${base}/\", timeout: 1h }, response: { status: 200 } }\n";

/// Begins a run of a target that never answers, sends the signal when `ready` says so, and looks at what is left.
fn stopped_by(signal: &str, family: &str, never_ready: bool) -> String {
    let (target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_secs(3600)));
    let ready = if never_ready { format!(", ready: {{ tcp: \"{}\", timeout: 1h }}", nobody()) } else { String::new() };
    let processes = format!("processes:\n  - {{ name: system, command: [bash, -c, \"{family}\"]{ready} }}\n");
    let project = Project::new(&(configuration + &processes), SPEC);
    let mut run = project.begin(&["run"]);
    let pids = ["leader.pid", "child.pid"].map(|name| project.path(name));
    until("the processes to start", || pids.iter().all(|path| written(path)));
    if !never_ready {
        until("the request", || !target.calls().is_empty());
    }
    let pids = pids.map(|path| std::fs::read_to_string(path).unwrap());
    assert!(pids.iter().all(|pid| runs(pid)));
    assert!(Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap().success());
    let said = rest_of_stderr(&mut run);
    assert_eq!(run.wait().unwrap().code(), Some(130), "{said}");
    // They have ended already: the run waits for them.
    assert!(pids.iter().all(|pid| !runs(pid)), "{signal}: left running");
    said
}

#[test]
fn ctrl_c_while_tests_run_stops_what_was_started_with_its_children() {
    let said = stopped_by("-INT", FAMILY, false);
    assert!(said.contains("interrupted"), "{said}");
}

#[test]
fn sigterm_while_tests_run_does_the_same() {
    stopped_by("-TERM", FAMILY, false);
}

#[test]
fn a_terminal_that_is_closed_does_the_same() {
    stopped_by("-HUP", FAMILY, false);
    stopped_by("-HUP", FAMILY, true);
}

#[test]
fn ctrl_c_while_a_process_is_still_starting_stops_it() {
    stopped_by("-INT", FAMILY, true);
    stopped_by("-TERM", FAMILY, true);
}

#[test]
fn what_is_known_when_a_run_is_interrupted_is_in_its_report() {
    let (target, configuration) = with_receiver(|call| {
        let never = if call.path == "/slow" { Duration::from_secs(3600) } else { Duration::ZERO };
        reply("{}").after(never)
    });
    let processes = "processes:\n  - { name: system, command: [bash, -c, 'echo up; exec sleep 1000'] }\n";
    let spec = r#"
tests:
  - { name: first, tags: [quick], request: { url: "${base}/" }, trace: { span_count: 1 } }
  - { name: second, needs: [first], request: { url: "${base}/slow", timeout: 1h }, response: { status: 200 } }
  - { name: third, needs: [second], request: { url: "${base}/" }, response: { status: 200 } }
"#;
    let project = Project::new(&(configuration + processes), spec);
    let run = project.begin(&["run", "--report", "json=report.json"]);
    until("the second test", || target.paths().contains(&"/slow".to_owned()));
    assert!(Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap().success());
    let ran = project.finish(run.wait_with_output().unwrap());
    ran.exits(130).says(&["interrupted"]);
    assert_eq!(ran.report["interrupted"], true);
    // What is not finished is not green.
    assert_eq!(ran.report["verdict"], "error");
    assert_eq!(ran.verdicts(), ["first: pass", "second: error", "third: skipped"]);
    assert_eq!(ran.test("second")["error"], "not finished: the run was interrupted");
    assert_eq!(ran.test("third")["reason"], "not begun, because the run was interrupted");
    let began = |name: &str| ran.test(name)["started"].as_u64().unwrap();
    assert!(began("second") >= began("first") && began("first") >= ran.report["started"].as_u64().unwrap());
    assert_eq!((began("third"), &ran.test("first")["tags"][0]), (0, &"quick".into()));
    assert_eq!(ran.report["processes"][0]["last_lines"][0], "up");
    // Its trace is kept as well.
    project.tracespec(&["show", "first"]).exits(0);
}

#[test]
fn a_run_that_is_interrupted_before_its_system_is_ready_reports_its_tests_as_not_begun() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let processes = format!(
        "processes:\n  - {{ name: system, command: [bash, -c, 'echo > up; echo warming; exec sleep 1000'], ready: {{ tcp: \"{}\", timeout: 1h }} }}\n",
        nobody()
    );
    let project = Project::new(&(configuration + &processes), SPEC);
    let run = project.begin(&["run", "--report", "json=report.json"]);
    until("the process to start", || written(&project.path("up")));
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let ran = project.finish(run.wait_with_output().unwrap());
    ran.exits(130);
    assert_eq!((&ran.report["interrupted"], &ran.report["verdict"]), (&true.into(), &"error".into()));
    assert_eq!(ran.verdicts(), ["t: skipped"]);
}

#[test]
fn a_process_that_does_not_listen_is_ended_all_the_same() {
    stopped_by("-INT", &format!("trap '' TERM; {FAMILY}"), false);
}

#[test]
fn a_process_that_ends_before_it_is_ready_is_told_with_its_last_lines_and_no_test_begins() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let command = "echo connecting; echo no route to the database >&2; exit 3";
    let processes = format!(
        "processes:\n  - {{ name: first, command: [sh, -c, 'echo $$ > first.pid; exec sleep 1000'] }}\n  - {{ name: db, command: [sh, -c, \"{command}\"], ready: {{ tcp: \"{}\" }} }}\n",
        nobody()
    );
    let project = Project::new(&(configuration + &processes), SPEC);
    let ran = project.run(&[]);
    ran.exits(4).says(&[
        "process `db` ended with exit status: 3 before it was ready",
        "no route to the database",
        "connecting",
    ]);
    assert!(target.is_untouched());
    if written(&project.path("first.pid")) {
        wait_until_gone(&project.read("first.pid"));
    }
}

#[test]
fn a_process_that_is_never_ready_or_does_not_exist_is_told() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let processes = format!(
        "processes:\n  - {{ name: slow, command: [sh, -c, 'echo warming up; exec sleep 1000'], ready: {{ http: \"http://{}/healthz\", timeout: 300ms }} }}\n",
        nobody()
    );
    let ran = Project::new(&(configuration.clone() + &processes), SPEC).run(&[]);
    ran.exits(4).says(&["process `slow` was not ready after 300ms", "/healthz", "warming up"]);
    let processes = "processes:\n  - { name: typo, command: [no-such-program] }\n";
    Project::new(&(configuration + processes), SPEC).run(&[]).exits(4).says(&["process `typo`", "`no-such-program`"]);
    assert!(target.is_untouched());
}

#[test]
fn a_process_that_ends_while_tests_run_is_told_with_its_last_lines() {
    let (_target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_millis(300)));
    let processes = "processes:\n  - { name: worker, command: [sh, -c, 'echo out of memory >&2; exit 9'] }\n";
    let ran = Project::new(&(configuration + processes), SPEC).run(&[]);
    ran.exits(4).says(&["error: process `worker` ended with exit status: 9 during the run", "out of memory"]);
    assert!(ran.report["errors"].to_string().contains("out of memory"));
    assert_eq!(ran.report["verdict"], "error");
}

#[test]
fn a_process_that_dies_of_the_teardown_is_told_too() {
    let spec =
        format!("{SPEC}teardown:\n  - {{ request: {{ url: \"${{base}}/bye\" }}, response: {{ status: 200 }} }}\n");
    let asked = std::sync::Arc::new(std::sync::Mutex::new(std::path::PathBuf::new()));
    let mark = std::sync::Arc::clone(&asked);
    let (_target, configuration) = with_receiver(move |call| {
        if call.path == "/bye" {
            std::fs::write(&*mark.lock().unwrap(), "").unwrap();
            return reply("{}").after(Duration::from_secs(1));
        }
        reply("{}")
    });
    let command = "until [ -e bye ]; do sleep 0.01; done; echo no such order >&2; exit 7";
    let processes = format!("processes:\n  - {{ name: worker, command: [sh, -c, '{command}'] }}\n");
    let project = Project::new(&(configuration + &processes), &spec);
    *asked.lock().unwrap() = project.path("bye");
    project
        .run(&[])
        .exits(4)
        .says(&["error: process `worker` ended with exit status: 7 during the run", "no such order"]);
}

#[test]
fn a_server_that_ends_while_tests_run_is_an_error_however_well_it_ended() {
    let (_target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_millis(300)));
    // It takes one connection, which is that of who waits for it to be ready.
    let server = "$s=IO::Socket::INET->new(LocalAddr=>qq(127.0.0.1:$ARGV[0]),Listen=>1)or die;$s->accept";
    let processes = format!(
        "processes:\n  - name: shop\n    ports: [shop]\n    command: [perl, -MIO::Socket::INET, -e, '{server}', '${{port.shop}}']\n    \
         ready: {{ tcp: '127.0.0.1:${{port.shop}}', timeout: 20s }}\n"
    );
    let ran = Project::new(&(configuration + &processes), SPEC).run(&[]);
    ran.exits(4).says(&["error: process `shop` ended with exit status: 0 during the run"]);
}

#[test]
fn a_process_that_did_its_work_and_ended_is_no_error() {
    let (_target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_millis(300)));
    let processes = "processes:\n  - { name: migrate, command: [sh, -c, 'echo 3 tables made'] }\n";
    let ran = Project::new(&(configuration + processes), SPEC).run(&[]);
    ran.exits(0).says(&["note: process `migrate` ended with exit status: 0", "3 tables made"]);
    assert_eq!(ran.report["verdict"], "pass");
}

//! `up`, `down` and `run --keep-up`: a system that outlives a run, and is never mistaken for another.
#![cfg(target_os = "linux")]

use crate::interrupt::wait_until_gone;
use crate::processes::{billing_test, with_billing};
use crate::project::{Project, Ran};
use crate::stopped::{MARK, marked, until};
use crate::target::{nobody, reply, with_receiver};
use std::process::{Command, Stdio};
use std::time::Duration;

const SPEC: &str =
    "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway], errors: none } }\n";

/// A process that notes each of its starts.
fn system(more: &str) -> String {
    format!(
        "processes:\n  - {{ name: system, ready: {{ log: up }}, command: [bash, -c, 'echo $$ >> starts; echo up {more}; sleep 1000 & wait'] }}\n"
    )
}

fn starts(project: &Project) -> Vec<String> {
    project.read("starts").lines().map(str::to_owned).collect()
}

#[test]
fn what_is_up_serves_every_run_until_it_is_taken_down() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration + &system("")), SPEC);
    project.tracespec(&["down"]).exits(0).says(&["nothing is up"]);
    project.tracespec(&["up"]).exits(0).says(&[
        "starting system",
        "ready system",
        "up: system; `tracespec run` uses it",
    ]);
    for _ in 0..2 {
        project
            .run(&[])
            .exits(0)
            .says(&["reusing system: `tracespec up` started it"])
            .does_not_say(&["starting system"]);
    }
    project.tracespec(&["up"]).exits(0).says(&["up already: system"]);
    let first = starts(&project);
    assert_eq!(first.len(), 1);
    project.tracespec(&["down"]).exits(0).says(&["stopped system"]);
    wait_until_gone(&first[0]);
    assert!(!project.path(".tracespec/up.json").exists());
    // Now the run starts its own again, and stops it.
    project.run(&[]).exits(0).says(&["starting system"]);
    assert_eq!(starts(&project).len(), 2);
    wait_until_gone(&starts(&project)[1]);
}

#[test]
fn a_run_can_leave_its_system_up() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration + &system("")), SPEC);
    project.run(&["--keep-up"]).exits(0).says(&["starting system"]);
    project.run(&["--keep-up"]).exits(0).does_not_say(&["starting system"]);
    project.run(&[]).exits(0).says(&["reusing system"]);
    // For specs that are wrong nothing is started.
    project.tracespec(&["down"]).exits(0);
    project.write("specs/wrong.yaml", "tests: [{ name: x }]\n");
    project.run(&["--keep-up"]).exits(2).does_not_say(&["starting system"]);
    assert_eq!(starts(&project).len(), 1);
}

#[test]
fn verdicts_are_those_of_a_run_that_started_everything_itself() {
    let (_target, folder, configuration) = with_billing();
    let intact = "trace: { propagation: intact }";
    let absence = "trace: { spans: [{ select: { service: gateway, name: refund }, count: 0 }] }";
    let missing = "wait: { timeout: 1s }, trace: { services: [shipping] }";
    let spec = format!(
        "tests:\n{}{}{}{}{}",
        billing_test("lost", "lost", intact),
        billing_test("kept", "kept", intact),
        billing_test("silent", "lost", &format!("wait: {{ silent: [billing] }}, {intact}")),
        billing_test("absent", "lost", absence),
        billing_test("missing", "kept", missing),
    );
    let project = Project::new(&configuration, &spec);
    folder.set(project.path("")).unwrap();
    let said = |ran: &Ran| {
        let tests = ran.report["tests"].as_array().unwrap();
        let findings = |test: &serde_json::Value| {
            let messages = test["findings"].as_array().cloned().unwrap_or_default();
            messages.iter().map(|finding| finding["rule"].to_string()).collect::<Vec<_>>()
        };
        let remarks = ran.report["remarks"].as_array().map_or(0, Vec::len);
        (ran.code, ran.verdicts(), tests.iter().map(findings).collect::<Vec<_>>(), remarks)
    };
    let fresh = said(&project.run(&[]));
    project.tracespec(&["up"]).exits(0);
    // The second is no better informed by what came for the first.
    for _ in 0..2 {
        assert_eq!(said(&project.run(&[])), fresh);
    }
    project.tracespec(&["down"]).exits(0);
}

#[test]
fn another_configuration_is_refused_by_run_and_started_anew_by_up() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration.clone() + &system("")), SPEC);
    project.tracespec(&["up"]).exits(0);
    project.write("tracespec.yaml", &(configuration.clone() + &system("again")));
    project.run(&[]).exits(2).says(&[
        "the configuration is not the one that `tracespec up` started: the command, folder or environment of process `system` is another",
        "`tracespec up` starts it anew, `tracespec down` stops it; nothing was sent",
    ]);
    project.write("tracespec.yaml", &configuration);
    project.run(&[]).exits(2).says(&["process `system` is not in it any more"]);
    assert!(target.is_untouched());
    project.write("tracespec.yaml", &(configuration + &system("again")));
    project.tracespec(&["up"]).exits(0).says(&["process `system` is another; it is started anew", "up: system"]);
    project.run(&[]).exits(0);
    let starts = starts(&project);
    assert_eq!(starts.len(), 2);
    wait_until_gone(&starts[0]);
    project.tracespec(&["down"]).exits(0);
}

#[test]
fn a_system_of_which_a_server_has_died_is_refused_and_started_anew() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration + &system("")), SPEC);
    project.tracespec(&["up"]).exits(0);
    Command::new("kill").args(["-KILL", &starts(&project)[0]]).status().unwrap();
    wait_until_gone(&starts(&project)[0]);
    // The supervisor may not have heard of it yet.
    let refused = until_some(|| Some(project.run(&[])).filter(|ran| ran.code == 2));
    refused.says(&["what `tracespec up` started is not whole any more: process `system` ended with signal: 9"]);
    let before = target.calls().len();
    project.run(&[]).exits(2);
    assert_eq!(target.calls().len(), before);
    project.tracespec(&["up"]).exits(0).says(&["it is started anew", "up: system"]);
    project.run(&[]).exits(0);
    project.tracespec(&["down"]).exits(0);
}

fn until_some<T>(mut get: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    until("an answer", || {
        found = get();
        found.is_some()
    });
    found.unwrap()
}

/// Begins `up` so that all that it starts can be found.
fn up_with_mark(project: &Project) -> String {
    let mark = format!("{:016x}", fastrand::u64(..));
    let up = project.command(&["up"]).env(MARK, &mark).output().unwrap();
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    mark
}

fn supervisor(mark: &str) -> u32 {
    let is_it = |id: &u32| {
        let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).any(|word| word == b"supervise")
    };
    marked(mark).into_iter().find(is_it).unwrap()
}

#[test]
fn what_a_killed_supervisor_left_is_found_and_stopped() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration + &system("")), SPEC);
    let mark = up_with_mark(&project);
    let pid = supervisor(&mark).to_string();
    Command::new("kill").args(["-KILL", &pid]).status().unwrap();
    wait_until_gone(&pid);
    assert_eq!(marked(&mark).len(), 2);
    // Its port and its file are of no use any more, so the run starts its own.
    project.run(&[]).exits(0).says(&["starting system"]).does_not_say(&["reusing"]);
    project
        .tracespec(&["down"])
        .exits(0)
        .says(&["what kept the system up had been killed; what it left has been stopped (2 processes)"]);
    until("all processes to be gone", || marked(&mark).is_empty());
    // The same by `up`.
    let mark = up_with_mark(&project);
    let pid = supervisor(&mark).to_string();
    Command::new("kill").args(["-KILL", &pid]).status().unwrap();
    wait_until_gone(&pid);
    project.tracespec(&["up"]).exits(0);
    until("all processes to be gone", || marked(&mark).is_empty());
    project.run(&[]).exits(0).says(&["reusing system"]);
    project.tracespec(&["down"]).exits(0);
}

#[test]
fn a_stranger_at_the_supervisors_port_is_neither_believed_nor_touched() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration + &system("")), SPEC);
    let state = format!(
        "{{\"schema\":\"tracespec/up/1\",\"port\":{},\"token\":\"00\",\"run\":\"{:016x}\"}}",
        target.address.port(),
        fastrand::u64(..)
    );
    project.write(".tracespec/up.json", &state);
    project.run(&[]).exits(0).says(&["starting system"]);
    project.tracespec(&["down"]).exits(0).says(&["what kept the system up had been killed, and left nothing"]);
    assert!(std::net::TcpStream::connect(target.address).is_ok());
}

#[test]
fn two_runs_at_once_share_what_is_up_and_mix_nothing() {
    let (_target, configuration) =
        with_receiver(
            |call| {
                if call.path == "/two" { reply("{}").spans(crate::spans::two_services()) } else { reply("{}") }
            },
        );
    let tests = |path: &str, services: &str| {
        let one = |at: usize| {
            format!(
                "  - {{ name: t{at}, request: {{ url: \"${{base}}/{path}\" }}, trace: {{ services: {services} }} }}\n"
            )
        };
        format!("tests:\n{}", (0..20).map(one).collect::<String>())
    };
    let project = Project::new(&(configuration + &system("")), &tests("one", "{ only: [gateway] }"));
    project.write("other/spec.yaml", &tests("two", "[gateway]"));
    project.tracespec(&["up"]).exits(0);
    let both = [vec!["run"], vec!["run", "other"]].map(|args| project.begin(&args));
    for run in both {
        project.finish(run.wait_with_output().unwrap()).exits(0);
    }
    project.tracespec(&["down"]).exits(0);
}

#[test]
fn a_run_whose_system_is_taken_down_ends_at_once_in_error() {
    let (target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_secs(3600)));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\", timeout: 1h }, response: { status: 200 } }\n";
    let project = Project::new(&(configuration + &system("")), spec);
    project.tracespec(&["up"]).exits(0);
    let run = project.begin(&["run", "--report", "json=report.json"]);
    until("the request", || !target.calls().is_empty());
    project.tracespec(&["down"]).exits(0);
    let ran = project.finish(run.wait_with_output().unwrap());
    ran.exits(4).says(&["error: what `tracespec up` started was stopped during the run"]);
    assert_eq!(ran.test("t")["error"], "not finished: what `tracespec up` started was stopped");
}

#[test]
fn an_interrupted_up_leaves_nothing() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let never = format!("ready: {{ tcp: '{}', timeout: 1h }}", nobody());
    let project = Project::new(&(configuration + &system("").replace("ready: { log: up }", &never)), SPEC);
    for signal in ["-INT", "-TERM", "-KILL"] {
        let mark = format!("{:016x}", fastrand::u64(..));
        let mut up = project.command(&["up"]);
        let mut up = up.env(MARK, &mark).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the process to start", || marked(&mark).len() >= 4);
        Command::new("kill").args([signal, &up.id().to_string()]).status().unwrap();
        let code = up.wait().unwrap().code();
        assert_eq!(code, if signal == "-KILL" { None } else { Some(130) });
        until("all processes to be gone", || marked(&mark).is_empty());
        assert!(!project.path(".tracespec/up.json").exists());
    }
}

#[test]
fn a_system_that_does_not_start_is_shown_as_by_run() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let broken =
        "processes:\n  - { name: db, ready: { log: never }, command: [sh, -c, 'echo no space left >&2; exit 3'] }\n";
    let project = Project::new(&(configuration + broken), SPEC);
    project.tracespec(&["up"]).exits(4).says(&[
        "error: process `db` ended with exit status: 3 before it was ready",
        "no space left",
        "all that it printed: .tracespec/logs/db.log",
    ]);
    assert!(!project.path(".tracespec/up.json").exists());
    let remote = "backend: { jaeger: { url: 'http://127.0.0.1:1' } }\n";
    Project::new(remote, SPEC).tracespec(&["up"]).exits(2).says(&["there is nothing to keep up"]);
}

#[test]
fn a_supervisor_whose_folder_is_gone_ends() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&(configuration + &system("")), SPEC);
    let mark = up_with_mark(&project);
    // The shell says that it is up before it has begun all that it begins.
    until("all processes to be there", || marked(&mark).len() >= 3);
    drop(project);
    until("all processes to be gone", || marked(&mark).is_empty());
}

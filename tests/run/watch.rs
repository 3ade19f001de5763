//! `run --watch`: what a changed file concerns runs again, against a system that is kept up.
#![cfg(target_os = "linux")]

use crate::project::Project;
use crate::stopped::{MARK, marked, until};
use crate::target::{reply, with_receiver};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Generous, since it only decides how long a failing test takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A command that goes on, and what it says.
struct Watch {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Watch {
    fn begin(project: &Project, args: &[&str], mark: &str) -> Watch {
        let mut command = project.command(&[&["run", "--watch"], args].concat());
        // One pipe for both streams, as a terminal has: of two, one may be read ahead of the other.
        let (reader, writer) = std::io::pipe().unwrap();
        let child = command.env(MARK, mark).stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
        let (send, lines) = channel();
        std::thread::spawn(move || BufReader::new(reader).lines().for_each(|line| drop(send.send(line.unwrap()))));
        Watch { child, lines, said: String::new() }
    }

    /// What it says until a line with this, which is the last of it.
    fn until(&mut self, part: &str) -> String {
        let mut said = String::new();
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|why| panic!("waited for `{part}` ({why}) after:\n{}{said}", self.said));
            said += &line;
            said.push('\n');
            if line.contains(part) {
                self.said += &said;
                return said;
            }
        }
    }

    fn ends(mut self, signal: &str) -> String {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        let code = self.child.wait().unwrap().code();
        let rest: String = self.lines.iter().map(|line| line + "\n").collect();
        assert_eq!(code, Some(130), "{}{rest}", self.said);
        rest
    }
}

fn spec(name: &str, path: &str, services: &str) -> String {
    format!(
        "tests:\n  - {{ name: {name}, request: {{ url: \"${{base}}/{path}\" }}, trace: {{ services: [{services}] }} }}\n"
    )
}

#[test]
fn a_changed_spec_runs_its_own_tests_again_and_other_files_all() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let processes = "processes:\n  - { name: system, ready: { log: up }, command: [bash, -c, 'echo >> starts; echo up; sleep 1000 & wait'] }\n";
    let project = Project::new(&(configuration.clone() + processes), &spec("one", "one", "gateway"));
    project.write("specs/deep/two.yaml", &spec("two", "two", "gateway"));
    project.write("sources/main.rs", "");
    let mark = format!("{:016x}", fastrand::u64(..));
    let mut watch = Watch::begin(&project, &["--watch-also", "sources"], &mark);
    let first = watch.until("watching specs, sources, tracespec.yaml; Ctrl-C ends");
    assert!(first.contains("one") && first.contains("two") && first.contains("2 passed"), "{first}");

    project.write("specs/spec.yaml", &spec("one", "one", "shipping"));
    let second = watch.until("watching");
    assert!(second.contains("changed: specs/spec.yaml; its tests run again"), "{second}");
    assert!(second.contains("1 failed") && !second.contains("two"), "{second}");

    // What is written again as it was has not changed; a spec that cannot be read is shown, and mended.
    project.write("specs/deep/two.yaml", &spec("two", "two", "gateway"));
    project.write("specs/spec.yaml", "tests:\n  - { nam: one }\n");
    let third = watch.until("watching");
    assert!(
        third.contains("has no key `nam`") && third.contains("nothing was sent") && !third.contains("two.yaml;"),
        "{third}"
    );
    project.write("specs/spec.yaml", &spec("one", "one", "gateway"));
    assert!(watch.until("watching").contains("1 passed"));

    project.write("sources/main.rs", "fn main() {}");
    let all = watch.until("watching");
    assert!(all.contains("changed: sources/main.rs; all tests run again") && all.contains("2 passed"), "{all}");
    // All that ran against one system.
    assert_eq!(project.read("starts").lines().count(), 1);
    assert!(target.paths().iter().filter(|path| *path == "/two").count() == 2);

    project.write("tracespec.yaml", &(configuration + &processes.replace("echo up;", "echo up again;")));
    let anew = watch.until("watching");
    assert!(anew.contains("it is started anew") && anew.contains("2 passed"), "{anew}");
    assert_eq!(project.read("starts").lines().count(), 2);
    let rest = watch.ends("-INT");
    assert!(rest.contains("stopped system"), "{rest}");
    until("all processes to be gone", || marked(&mark).is_empty());
}

#[test]
fn another_build_of_a_program_is_started_anew_and_everything_runs_again() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let processes = "processes:\n  - { name: system, ready: { log: up }, command: [bin/system] }\n";
    let spec = spec("one", "one", "gateway");
    let project = Project::new(&(configuration + processes), &spec);
    let build = |number: u32| {
        project.write("bin/new", &format!("#!/bin/bash\necho {number} >> starts; echo up; sleep 1000 & wait\n"));
        Command::new("chmod").args(["+x", "bin/new"]).current_dir(project.path("")).status().unwrap();
        std::fs::rename(project.path("bin/new"), project.path("bin/system")).unwrap();
    };
    build(1);
    project.tracespec(&["up"]).exits(0);
    build(20);
    project.run(&[]).exits(2).says(&[
        "process `system` is another build than the one that `tracespec up` started: ",
        "bin/system has changed",
        "`tracespec up` starts it anew",
    ]);
    let mark = format!("{:016x}", fastrand::u64(..));
    let mut watch = Watch::begin(&project, &[], &mark);
    let first = watch.until("watching");
    assert!(first.contains("it is started anew") && first.contains("1 passed"), "{first}");
    build(300);
    let second = watch.until("watching");
    assert!(second.contains("changed: bin/system; all tests run again") && second.contains("1 passed"), "{second}");
    assert_eq!(project.read("starts"), "1\n20\n300\n");
    watch.ends("-INT");
    until("all processes to be gone", || marked(&mark).is_empty());
}

#[test]
fn ctrl_c_in_a_run_of_a_watch_ends_both_and_what_was_up_before_stays() {
    let (target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_secs(3600)));
    let processes =
        "processes:\n  - { name: system, ready: { log: up }, command: [bash, -c, 'echo up; sleep 1000 & wait'] }\n";
    let slow = "tests:\n  - { name: t, request: { url: \"${base}/\", timeout: 1h }, response: { status: 200 } }\n";
    let project = Project::new(&(configuration + processes), slow);
    project.tracespec(&["up"]).exits(0);
    let mark = format!("{:016x}", fastrand::u64(..));
    let watch = Watch::begin(&project, &[], &mark);
    until("the request", || !target.calls().is_empty());
    let rest = watch.ends("-TERM");
    assert!(rest.contains("interrupted") && !rest.contains("stopped system"), "{rest}");
    project.tracespec(&["down"]).exits(0).says(&["stopped system"]);
}

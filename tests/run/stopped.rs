//! A run that is stopped at any moment: no process is left, no report is half written, no file is left over.
//!
//! `cargo test --test run -- --ignored --nocapture at_fifty_random_moments` does it fifty times and prints how long reports took.
#![cfg(target_os = "linux")]

use crate::project::Project;
use crate::target::{Target, reply, with_receiver};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Generous, since it only decides how long a failing test takes.
const DEADLINE: Duration = Duration::from_secs(60);

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "waited for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What every process below a run has in its environment, and no other.
pub const MARK: &str = "STOPPED_RUN";

/// The ids of all processes that run with this mark.
pub fn marked(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}").into_bytes();
    let ids = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let has_it = |id: &u32| {
        // One that has ended has no environment any more.
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|pair| pair == wanted)
    };
    ids.filter(has_it).collect()
}

const REPORTS: &str =
    "json=report.json,junit=out/report.xml,ndjson=report.ndjson,html=report.html,sarif=report.sarif,tap=report.tap";

/// A run with a system of two processes that have children, requests, and a program.
struct Stopped {
    project: Project,
    target: Target,
    run: Child,
    mark: String,
}

impl Stopped {
    /// `endless`: the last test never ends.
    fn begin(endless: bool) -> Stopped {
        let (target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_millis(20)));
        let processes = "processes:
  - { name: polite, command: [bash, -c, 'sleep 1000 & echo up; wait'], ready: { log: up } }
  - { name: deaf, stop: 100ms, command: [bash, -c, \"trap '' TERM; sleep 1000 & while :; do wait; done\"] }\n";
        let one = |at: usize| {
            format!(
                "  - {{ name: t{at}, request: {{ url: \"${{base}}/{at}\" }}, trace: {{ span_count: 1, errors: none }} }}\n"
            )
        };
        let tests: String = (0..5).map(one).collect();
        let seconds = if endless { "1000" } else { "0.01" };
        let program = format!(
            "  - name: program\n    command: {{ argv: [bash, -c, 'sleep {seconds} & wait'], timeout: 1h }}\n    response: {{ exit_code: 0 }}\n"
        );
        let project = Project::new(&(configuration + "jobs: 2\n" + processes), &format!("tests:\n{tests}{program}"));
        let mark = format!("{:016x}", fastrand::u64(..));
        let mut command = project.command(&["run", "--report", REPORTS]);
        // A group of its own, as a shell starts it.
        command.env(MARK, &mark).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let run = command.spawn().unwrap();
        Stopped { project, target, run, mark }
    }

    fn kill(&self, signal: &str) {
        // What Ctrl-C in a terminal does: the whole group in the foreground gets it.
        let whom = if signal == "-INT" { format!("-{}", self.run.id()) } else { self.run.id().to_string() };
        // It may have ended already.
        let _ = Command::new("kill").args([signal, "--", &whom]).stderr(Stdio::null()).status().unwrap();
    }

    /// Waits for the run, and looks at what is left. Says with what it ended.
    fn ends(mut self) -> Option<i32> {
        let status = self.run.wait().unwrap();
        until("all processes to be gone", || marked(&self.mark).is_empty());
        let read = |name: &str| std::fs::read_to_string(self.project.path(name)).ok();
        let mut there = 0;
        if let Some(text) = read("report.json") {
            there += 1;
            let report: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(report["interrupted"] == true, status.code() == Some(130), "{text}");
            assert_eq!(report["tests"].as_array().unwrap().len(), 6, "{text}");
        }
        if let Some(text) = read("report.sarif") {
            there += 1;
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
        if let Some(text) = read("out/report.xml") {
            there += 1;
            roxmltree::Document::parse(&text).unwrap();
        }
        if let Some(text) = read("report.html") {
            there += 1;
            assert!(text.trim_end().ends_with("</html>"));
        }
        if let Some(text) = read("report.tap") {
            there += 1;
            let plan = text.lines().find(|line| line.starts_with("1.."));
            let points = text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).count();
            assert_eq!(plan.and_then(|plan| plan[3..].split(' ').next()?.parse().ok()), Some(points), "{text}");
        }
        if let Some(text) = read("report.ndjson") {
            let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert!(text.is_empty() || text.ends_with('\n'));
            assert_eq!(lines.last().is_some_and(|line| line["event"] == "run_finished"), there > 0, "{text}");
        }
        // All of them or, where it was ended before it listened to signals, none.
        let expected = if status.code().is_some() { 5 } else { 0 };
        assert_eq!(there, expected, "{status:?}");
        let left: Vec<PathBuf> = files(&self.project.path("")).into_iter().filter(|path| is_part(path)).collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(matches!(status.code(), None | Some(0 | 130)), "{status:?}");
        status.code()
    }
}

/// Whether a report is that of an ended run: until then it says that there is none yet.
fn is_written(path: &Path) -> bool {
    let report = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    report.is_some_and(|report| report["tests"].as_array().is_some_and(|tests| !tests.is_empty()))
}

fn is_part(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_string_lossy().ends_with(".part"))
}

/// All files and folders below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        found.push(entry.path());
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        }
    }
    found
}

#[test]
fn whenever_a_run_is_stopped_nothing_is_left_and_reports_are_whole() {
    std::thread::scope(|scope| {
        for (signal, requests) in [("-TERM", 0), ("-INT", 1), ("-TERM", 3), ("-INT", 5)] {
            scope.spawn(move || {
                let stopped = Stopped::begin(true);
                // Two processes of the system and what each starts are there before any request.
                until("the system", || marked(&stopped.mark).len() >= 5);
                until("the requests", || stopped.target.calls().len() >= requests);
                stopped.kill(signal);
                assert_eq!(stopped.ends(), Some(130));
            });
        }
    });
}

#[test]
fn a_run_that_is_stopped_before_it_began_leaves_nothing_either() {
    let stopped = Stopped::begin(true);
    stopped.kill("-TERM");
    assert!(matches!(stopped.ends(), None | Some(130)));
}

#[test]
fn the_second_signal_kills_what_takes_long_to_end() {
    let processes = "processes:\n  - { name: deaf, stop: 1h, ready: { log: up }, command: [bash, -c, \"trap '' TERM; sleep 1000 & echo up; while :; do wait; done\"] }\n";
    let (target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_secs(3600)));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/\", timeout: 1h }, response: { status: 200 } }\n";
    let project = Project::new(&(configuration + processes), spec);
    let mark = format!("{:016x}", fastrand::u64(..));
    let mut command = project.command(&["run", "--report", "json=report.json"]);
    let run = command.env(MARK, &mark).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the request", || !target.calls().is_empty());
    let kill =
        |signal: &str| assert!(Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap().success());
    kill("-INT");
    // The report does not wait for the processes.
    until("the report", || is_written(&project.path("report.json")));
    assert!(marked(&mark).len() >= 2);
    kill("-INT");
    let ran = project.finish(run.wait_with_output().unwrap());
    ran.exits(130).says(&["interrupted; what was started has been killed"]);
    until("all processes to be gone", || marked(&mark).is_empty());
}

#[test]
#[ignore = "takes a minute; it is for soak runs"]
fn at_fifty_random_moments() {
    let mut took = Vec::new();
    let mut ends = std::collections::BTreeMap::new();
    for round in 0..50 {
        let stopped = Stopped::begin(round % 4 < 2);
        let signal = if round % 2 == 0 { "-TERM" } else { "-INT" };
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..2500)));
        let report = stopped.project.path("report.json");
        let was_there = is_written(&report);
        let began = Instant::now();
        stopped.kill(signal);
        let mut stopped = stopped;
        until("the report or the end", || is_written(&report) || stopped.run.try_wait().unwrap().is_some());
        if !was_there && is_written(&report) {
            took.push(began.elapsed());
        }
        *ends.entry(format!("{signal} {:?}", stopped.ends())).or_insert(0) += 1;
    }
    took.sort();
    println!("50 runs were stopped; signal and exit code: {ends:?}");
    println!("from the signal to the report: median {:?}, most {:?}", took[took.len() / 2], took[took.len() - 1]);
}

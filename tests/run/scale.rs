//! More tests than anybody looks at: each waits as if it were alone.

use crate::project::Project;
use crate::store::{Answer, Kind, Store};
use crate::target::{Target, reply, with_receiver};
use std::time::Duration;

fn tests(n: usize, trace: &str) -> String {
    let one = |at: usize| format!("  - {{ name: test {at}, request: {{ url: \"${{base}}/x\" }}, trace: {trace} }}\n");
    format!("tests:\n{}", (0..n).map(one).collect::<String>())
}

fn all_pass(project: &Project, n: usize, args: &[&str]) {
    let ran = project.run(args);
    let others: Vec<_> = ran.verdicts().into_iter().filter(|verdict| !verdict.ends_with(": pass")).collect();
    assert!(
        others.is_empty(),
        "{} of {n} did not pass: {:?}\n{}",
        others.len(),
        &others[..others.len().min(5)],
        ran.said
    );
    ran.exits(0).does_not_say(&["later than the settle"]);
}

#[test]
fn more_tests_than_ever_waited_at_once_all_pass_and_teach_no_lag() {
    // An absence waits for the quiet, so all of them wait at the same time.
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let configuration = configuration.replace("20ms", "1s");
    all_pass(&Project::new(&configuration, &tests(1_000, "{ errors: none }")), 1_000, &["--jobs", "64"]);
    assert!(target.most_at_once() <= 64);
}

/// Runs so many tests that wait for their traces at the same time; the most memory that the run took, in MiB.
fn waiting_at_once(n: usize) -> u64 {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    // Each waits long enough for the last to have begun.
    let configuration = configuration.replace("20ms", "40s") + "wait: { timeout: 150s }\n";
    let project = Project::new(&configuration, &tests(n, "{ errors: none }"));
    let mut run = project.command(&["run", "--report", "json=report.json", "--jobs", "64"]);
    let run = run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", run.id());
    let watching = std::thread::spawn(move || {
        let mut most = 0;
        while let Ok(text) = std::fs::read_to_string(&status) {
            let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(peak) = peak else { break };
            most = most.max(peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024);
            std::thread::sleep(Duration::from_millis(200));
        }
        most
    });
    let ran = project.finish(run.wait_with_output().unwrap());
    let passed = ran.verdicts().iter().filter(|verdict| verdict.ends_with(": pass")).count();
    assert_eq!((passed, target.calls().len()), (n, n), "{}", &ran.said[ran.said.len().saturating_sub(2000)..]);
    ran.does_not_say(&["later than the settle"]);
    watching.join().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes minutes: cargo test --test run waiting_at_once -- --ignored --nocapture"]
fn thousands_waiting_at_once_pass_in_bounded_memory() {
    for (n, most) in [(2_600, 400), (10_000, 1_200)] {
        let took = waiting_at_once(n);
        println!("{n} tests: at most {took} MiB");
        assert!(took < most, "{n} tests took {took} MiB");
    }
}

#[test]
fn a_store_that_is_asked_by_many_at_once_is_not_held_against_any() {
    // It has each trace at once: that many ask is the only thing that takes time.
    let store = Store::new(Kind::Tempo, &[Answer::All]);
    let target = Target::new(store.sink(), |_| reply("{}"));
    let configuration = store.configuration(&target.url());
    all_pass(&Project::new(&configuration, &tests(600, "{ errors: none }")), 600, &["--jobs", "64"]);
}

#[test]
fn the_bound_on_a_test_does_not_run_while_it_waits_for_its_turn() {
    let (_target, configuration) = with_receiver(|_| reply("{}").after(Duration::from_millis(150)));
    let one = |at: usize| {
        format!(
            "  - {{ name: test {at}, timeout: 1s, request: {{ url: \"${{base}}/\" }}, response: {{ status: 200 }}, trace: none }}\n"
        )
    };
    let spec = format!("tests:\n{}", (0..12).map(one).collect::<String>());
    // The last of them gets its turn after about 1.6 s.
    all_pass(&Project::new(&configuration, &spec), 12, &["--jobs", "1"]);
}

#[test]
fn a_chain_of_needs_is_as_long_as_it_likes() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    const LENGTH: usize = 400;
    let one = |at: usize| {
        // The last one stands first.
        let needs = if at + 1 < LENGTH { format!("needs: [link {}], ", at + 1) } else { String::new() };
        format!(
            "  - {{ name: link {at}, {needs}request: {{ url: \"${{base}}/{at}\" }}, response: {{ status: 200 }}, trace: none }}\n"
        )
    };
    let spec = format!("tests:\n{}", (0..LENGTH).map(one).collect::<String>());
    let project = Project::new(&configuration, &spec);
    all_pass(&project, LENGTH, &[]);
    let order: Vec<String> = (0..LENGTH).rev().map(|at| format!("/{at}")).collect();
    assert_eq!(target.paths(), order);
    // One alone brings all that it needs.
    project.run(&["-k", "\"link 0\""]).exits(0);
    assert_eq!(target.calls().len(), 2 * LENGTH);
}

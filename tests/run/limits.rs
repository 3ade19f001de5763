//! Which tests run, how many at once, and with which values.

use crate::project::Project;
use crate::spans::single;
use crate::target::{reply, with_receiver};
use std::sync::Mutex;
use std::time::Duration;

fn tests(n: usize, more: &str) -> String {
    let one = |at: usize| {
        format!(
            "  - {{ name: test {at}, {more}request: {{ url: \"${{base}}/{at}\" }}, trace: {{ services: [gateway] }} }}\n"
        )
    };
    format!("tests:\n{}", (0..n).map(one).collect::<String>())
}

/// Long enough that requests meet if nothing keeps them apart.
const BUSY: Duration = Duration::from_millis(40);

#[test]
fn jobs_bounds_the_requests_under_way() {
    let (target, configuration) = with_receiver(|_| reply("{}").after(BUSY));
    let project = Project::new(&configuration, &tests(12, ""));
    project.run(&["--jobs", "3"]).exits(0);
    assert_eq!(target.most_at_once(), 3);
    project.run(&["--jobs", "1"]).exits(0);
    assert_eq!(target.calls().len(), 24);
}

#[test]
fn a_wait_for_a_trace_holds_no_job() {
    // The spans of the first request are exported only when the second one comes.
    let first: Mutex<Option<(String, String)>> = Mutex::default();
    let (target, configuration) = with_receiver(move |call| {
        let mut first = first.lock().unwrap();
        match first.take() {
            None => {
                *first = Some((call.trace.clone(), call.parent.clone()));
                reply("{}").spans(Vec::new())
            }
            Some((trace, parent)) => reply("{}").also(&trace, &parent, single()),
        }
    });
    Project::new(&configuration, &tests(2, "")).run(&["--jobs", "1"]).exits(0);
    assert_eq!(target.most_at_once(), 1);
}

#[test]
fn a_test_that_waits_for_its_trace_holds_up_none_that_could_not_begin_before() {
    // The spans of the first request are exported only when the third one comes, whose test needs the second.
    let first: Mutex<Option<(String, String)>> = Mutex::default();
    let (_target, configuration) = with_receiver(move |call| match call.path.as_str() {
        "/0" => {
            *first.lock().unwrap() = Some((call.trace.clone(), call.parent.clone()));
            reply("{}").spans(Vec::new())
        }
        "/1" => reply("{}"),
        _ => {
            let (trace, parent) = first.lock().unwrap().take().unwrap();
            reply("{}").also(&trace, &parent, single())
        }
    });
    let test = |name: usize, more: &str| {
        format!("  - {{ name: t{name}, {more}request: {{ url: \"${{base}}/{name}\" }}, trace: {{ span_count: 1 }} }}\n")
    };
    let spec = format!("tests:\n{}{}{}", test(0, ""), test(1, ""), test(2, "needs: [t1], "));
    Project::new(&configuration, &spec).run(&["--jobs", "1"]).exits(0);
}

#[test]
fn tests_with_the_same_mutex_never_overlap() {
    let (target, configuration) = with_receiver(|_| reply("{}").after(BUSY));
    Project::new(&configuration, &tests(6, "mutex: stock, ")).run(&["--jobs", "8"]).exits(0);
    assert_eq!((target.most_at_once(), target.calls().len()), (1, 6));
    // Without it they do, so that the line above says something.
    let (target, configuration) = with_receiver(|_| reply("{}").after(BUSY));
    Project::new(&configuration, &tests(6, "")).run(&["--jobs", "8"]).exits(0);
    assert!(target.most_at_once() > 1);
}

#[test]
fn fail_fast_begins_no_test_after_one_that_did_not_pass() {
    let (target, configuration) = with_receiver(|_| reply("{}").status(500).after(BUSY));
    let ran = Project::new(&configuration, &tests(20, "")).run(&["--fail-fast", "--jobs", "1"]);
    ran.exits(1).says(&["SKIP ", "not begun, because an earlier test did not pass"]);
    let skipped = ran.verdicts().iter().filter(|verdict| verdict.ends_with("skipped")).count();
    assert_eq!(target.calls().len() + skipped, 20);
    assert!(skipped > 0);
}

#[test]
fn names_tags_and_shards_select() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = r#"
tests:
  - { name: Card is charged, tags: [pay, smoke], request: { url: "${base}/1" }, trace: { services: [gateway] } }
  - { name: card is declined, tags: [pay], request: { url: "${base}/2" }, trace: { services: [gateway] } }
  - { name: stock is taken, tags: [stock], request: { url: "${base}/3" }, trace: { services: [gateway] } }
"#;
    let project = Project::new(&configuration, spec);
    let names = |args: &[&str]| {
        let ran = project.run(args);
        ran.exits(0);
        ran.verdicts().into_iter().map(|verdict| verdict.replace(": pass", "")).collect::<Vec<_>>()
    };
    assert_eq!(names(&["-k", "card is"]), ["Card is charged", "card is declined"]);
    assert_eq!(names(&["-k", "card and not declined or stock"]), ["Card is charged", "stock is taken"]);
    assert_eq!(names(&["--tag", "smoke,stock"]), ["Card is charged", "stock is taken"]);
    assert_eq!(names(&["--tag", "pay", "-k", "declined"]), ["card is declined"]);
    let mut shards: Vec<String> = ["1/2", "2/2"].iter().flat_map(|shard| names(&["--shard", shard])).collect();
    shards.sort();
    assert_eq!(shards, ["Card is charged", "card is declined", "stock is taken"]);
    assert_eq!(target.calls().len(), 10);
    // Each flag has a twin in the environment.
    let output =
        project.command(&["run", "--report", "json=report.json"]).env("TRACESPEC_TAG", "stock").output().unwrap();
    assert_eq!(project.finish(output).verdicts(), ["stock is taken: pass"]);
}

#[test]
fn the_flag_goes_before_the_file_of_variables_before_the_profile_before_the_spec() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let configuration = configuration + "profiles: { staging: { vars: { c: profile, b: profile } } }\n";
    let spec = r#"
vars: { a: spec, b: spec, c: spec, d: spec }
tests:
  - { name: t, request: { url: "${base}/${a}/${b}/${c}/${d}" }, trace: { services: [gateway] } }
"#;
    let project = Project::new(&configuration, spec);
    project.write("vars.yaml", "a: file\nb: file\n");
    project.run(&["--var", "a=flag", "--vars-file", "vars.yaml", "--profile", "staging"]).exits(0);
    assert_eq!(target.paths(), ["/flag/file/profile/spec"]);
    project.run(&["--var", "nonsense"]).exits(2).says(&["`nonsense` gives no value", "name=value"]);
}

#[test]
fn a_seed_repeats_random_values_whichever_tests_run_beside_but_never_an_id() {
    // A store may still have the trace of an earlier run.
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = r#"
tests:
  - { name: one, request: { url: "${base}/1/${uuid}" }, trace: { services: [gateway] } }
  - { name: two, request: { url: "${base}/2/${uuid}" }, trace: { services: [gateway] } }
"#;
    let project = Project::new(&configuration, spec);
    let sent = |args: &[&str]| {
        let before = target.calls().len();
        let ran = project.run(args);
        ran.exits(0);
        let mut paths: Vec<_> = target.calls()[before..].iter().map(|call| call.path.clone()).collect();
        paths.sort();
        (paths, ran.report["seed"].to_string())
    };
    let (first, seed) = sent(&[]);
    let (again, _) = sent(&["--seed", &seed]);
    assert_eq!(first, again);
    let (alone, _) = sent(&["--seed", &seed, "-k", "two"]);
    assert_eq!(alone[0], first[1]);
    let (other, _) = sent(&[]);
    assert_ne!(first, other);
    let ids: std::collections::BTreeSet<String> =
        target.calls().iter().flat_map(|call| [call.trace.clone(), call.parent.clone()]).collect();
    assert_eq!(ids.len(), 2 * target.calls().len());
}

//! Which tests run: by tag, what did not pass last, one part of several; and what is not selected needs nothing.

use crate::project::{Project, Ran};
use crate::target::{Call, Reply, Target, reply, with_receiver};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn names(ran: &Ran) -> Vec<String> {
    ran.report["tests"].as_array().unwrap().iter().map(|test| test["name"].as_str().unwrap().to_owned()).collect()
}

/// A line a test that would run: its name.
fn listed(project: &Project, args: &[&str]) -> Vec<String> {
    let ran = project.tracespec(&[&["list", "--json"], args].concat());
    let list: serde_json::Value = serde_json::from_str(&ran.exits(0).stdout).unwrap();
    list["tests"].as_array().unwrap().iter().map(|test| test["name"].as_str().unwrap().to_owned()).collect()
}

const TAGGED: &str = r#"
tests:
  - { name: one, tags: [smoke, pay], request: { url: "${base}/" }, response: { status: 200 } }
  - { name: two, tags: [smoke, slow], request: { url: "${base}/" }, response: { status: 200 } }
  - { name: three, tags: [pay, slow], request: { url: "${base}/" }, response: { status: 200 } }
  - { name: four, request: { url: "${base}/" }, response: { status: 200 } }
"#;

#[test]
fn tags_are_a_list_with_exclusions_or_a_condition() {
    let project = Project::new("vars: { base: http://127.0.0.1:9 }", TAGGED);
    for (args, expected) in [
        (&["--tag", "smoke,pay"][..], &["one", "two", "three"][..]),
        (&["--tag", "smoke", "--tag", "pay"], &["one", "two", "three"]),
        (&["--tag", "smoke and pay"], &["one"]),
        (&["--tag", "smoke,!slow"], &["one"]),
        (&["--tag", "not slow"], &["one", "four"]),
        (&["--tag", "!slow", "--tag", "pay"], &["one"]),
        (&["--tag", "(smoke or pay) and slow", "-k", "not two"], &["three"]),
    ] {
        assert_eq!(listed(&project, args), expected, "{args:?}");
    }
    let wrong = project.tracespec(&["list", "--tag", "smoke and"]);
    wrong.exits(2).says(&["error: the tag expression ends where a word was expected\n"]);
}

#[test]
fn a_tag_that_no_test_has_is_told_with_the_nearest() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, TAGGED);
    // An exclusion with a typing mistake excludes nothing.
    let ran = project.run(&["--tag", "!slwo", "-k", "one"]);
    ran.exits(0).says(&["warning: no test has the tag `slwo`; did you mean `slow`"]);
    let none = project.run(&["--tag", "smok"]);
    none.exits(2).says(&[
        "warning: no test has the tag `smok`; did you mean `smoke`",
        "error: no test matches; nothing was run",
    ]);
    assert_eq!(target.calls().len(), 1);
}

#[test]
fn what_is_not_selected_needs_no_secret_variable_or_file_of_its_own() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let configuration = configuration.replace("vars: { ", "vars: { of_config: \"${secret.SEL_A}\", ");
    let spec = r#"
vars:
  chained: "${of_file}"
  of_file: "x"
tests:
  - { name: plain, tags: [plain], request: { url: "${base}/" }, response: { status: 200 } }
  - { name: a secret, request: { url: "${base}/${secret.SEL_B}" }, response: { status: 200 } }
  - { name: a variable, request: { url: "${base}/${given_by_flag}" }, response: { status: 200 } }
  - { name: a file, request: { url: "${base}/", file: gone.bin }, response: { status: 200 } }
  - { name: of the configuration, request: { url: "${base}/${of_config}" }, response: { status: 200 } }
  - { name: needing, needs: [a secret], request: { url: "${base}/" }, response: { status: 200 } }
"#
    .replace("chained: \"${of_file}\"\n  of_file: \"x\"", "of_file: \"${env.SEL_C}\"\n  chained: \"${of_file}\"")
    .replace(
        "tests:",
        "tests:\n  - { name: a chain, request: { url: \"${base}/${chained}\" }, response: { status: 200 } }",
    );
    let project = Project::new(&configuration, &spec);
    project.write(
        "specs/other.yaml",
        "setup: [{ request: { url: '${base}/${secret.SEL_D}' }, response: { status: 200 } }]\n\
         tests: [{ name: elsewhere, request: { url: '${base}/' }, response: { status: 200 } }]\n",
    );
    let ran = project.run(&["-k", "plain"]);
    ran.exits(0).does_not_say(&["SEL_", "gone.bin", "given_by_flag", "warning"]);
    assert_eq!((names(&ran), target.calls().len()), (vec!["plain".to_owned()], 1));
    // By whatever it is selected.
    project.run(&["--tag", "plain"]).exits(0);
    project.run(&["specs/spec.yaml:7"]).exits(0);
    for (name, says) in [
        ("a secret", "`${secret.SEL_B}` has no value"),
        ("a variable", "there is no variable `given_by_flag` here"),
        ("a file", "gone.bin"),
        ("of the configuration", "variable `of_config` of the configuration: `${secret.SEL_A}` has no value"),
        ("a chain", "`${env.SEL_C}` has no value"),
        ("needing", "`${secret.SEL_B}` has no value"),
        ("elsewhere", "`${secret.SEL_D}` has no value"),
    ] {
        let ran = project.run(&["-k", name]);
        ran.exits(2).says(&[says]);
        let others = ["SEL_A", "SEL_B", "SEL_C", "SEL_D", "gone.bin", "given_by_flag"];
        let others: Vec<&str> = others.into_iter().filter(|other| !says.contains(other)).collect();
        ran.does_not_say(&others);
    }
    // `check` says what is wrong with the specs themselves, of all tests.
    project.tracespec(&["check"]).exits(2).says(&["given_by_flag", "gone.bin"]);
    assert_eq!(target.calls().len(), 3);
}

#[test]
fn a_spec_that_is_wrong_is_said_whichever_tests_run() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = TAGGED.replace("name: two,", "name: two, tiemout: 1s,");
    let ran = Project::new(&configuration, &spec).run(&["-k", "one"]);
    ran.exits(2).says(&["tiemout", "nothing was sent"]);
    assert!(target.is_untouched());
}

#[test]
fn the_backend_of_a_test_that_is_not_selected_is_not_asked() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let nobody = crate::target::nobody();
    let spec = format!(
        "tests:\n  - {{ name: embedded, request: {{ url: \"${{base}}/\" }}, trace: {{ services: [gateway] }} }}\n  \
         - {{ name: elsewhere, backend: {{ jaeger: {{ url: 'http://{nobody}' }} }}, request: {{ url: \"${{base}}/\" }}, trace: {{ services: [gateway] }} }}\n"
    );
    let project = Project::new(&configuration, &spec);
    project.run(&["-k", "embedded"]).exits(0);
}

/// Fails `/fails` as long as the system is broken.
fn system() -> (Target, String, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&broken);
    let answer = move |call: &Call| -> Reply {
        let fails = call.path == "/fails" && seen.load(Ordering::SeqCst);
        reply("{}").status(if fails { 500 } else { 200 })
    };
    let (target, configuration) = with_receiver(answer);
    (target, configuration, broken)
}

const SUITE: &str = r#"
tests:
  - { name: passes, tags: [a], request: { url: "${base}/" }, response: { status: 200 } }
  - { name: fails, tags: [b], request: { url: "${base}/fails" }, response: { status: 200 } }
  - { name: also fails, tags: [c], request: { url: "${base}/fails" }, response: { status: 200 } }
  - { name: needs it, needs: [fails], request: { url: "${base}/" }, response: { status: 200 } }
  - { name: skipped, skip: because, request: { url: "${base}/" }, response: { status: 200 } }
"#;

#[test]
fn last_failed_runs_what_did_not_pass_with_what_needs_it_until_it_passes() {
    let (target, configuration, broken) = system();
    let project = Project::new(&configuration, SUITE);
    let never = project.run(&["--last-failed"]);
    never.exits(2).says(&["error: `--last-failed` needs an earlier run, and .tracespec has none"]);
    assert!(target.is_untouched());
    project.run(&[]).exits(1);
    assert_eq!(names(&project.run(&["--last-failed"])), ["fails", "also fails", "needs it"]);
    // A run of others takes nothing from what is known of them, and other flags narrow it further.
    project.run(&["-k", "passes"]).exits(0);
    assert_eq!(listed(&project, &["--last-failed", "--tag", "c"]), ["also fails"]);
    let none = project.run(&["--last-failed", "-k", "passes"]);
    none.exits(2)
        .says(&["error: none of the 2 tests that did not pass when last run is among those selected; nothing was run"]);
    broken.store(false, Ordering::SeqCst);
    project.run(&["-k", "also fails"]).exits(0);
    assert_eq!(names(&project.run(&["--last-failed"])), ["fails", "needs it"]);
    let green = project.run(&["--last-failed"]);
    green.exits(2).says(&[
        "error: every test passed when it was last run; leave out `--last-failed` to run them again; nothing was run",
    ]);
}

#[test]
fn last_failed_finds_the_run_of_another_folder_of_the_project() {
    let (_target, configuration, _) = system();
    let project = Project::new(&configuration, SUITE);
    project.run(&[]).exits(1);
    let mut inside = project.command(&["list", "--last-failed", "."]);
    let output = inside.current_dir(project.path("specs")).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown.lines().count(), 3, "{shown}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn shards_are_disjoint_cover_everything_and_say_what_they_are() {
    let tests: String = (0..40)
        .map(|at| {
            let keys = match at {
                7 => "needs: [test 21], ",
                3 | 9 | 30 => "mutex: db, ",
                _ => "",
            };
            format!(
                "  - {{ name: test {at}, {keys}request: {{ url: \"${{base}}/\" }}, response: {{ status: 200 }} }}\n"
            )
        })
        .collect();
    let project = Project::new("vars: { base: http://127.0.0.1:9 }", &format!("tests:\n{tests}"));
    let parts: Vec<Vec<String>> =
        ["1/3", "2/3", "3/3"].iter().map(|shard| listed(&project, &["--shard", shard])).collect();
    let all: BTreeSet<&String> = parts.iter().flatten().collect();
    assert_eq!((all.len(), parts.iter().map(Vec::len).sum::<usize>()), (40, 40));
    let part = |at: usize| parts.iter().position(|part| part.contains(&format!("test {at}")));
    assert_eq!(part(7), part(21));
    assert!(part(3) == part(9) && part(9) == part(30));
    let list = project.tracespec(&["list", "--json", "--shard", "2/3"]).stdout;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["shard"], serde_json::json!({ "part": 2, "of": 3 }));
}

#[test]
fn shards_are_weighed_by_the_durations_of_the_report_that_is_named() {
    let tests: String = (0..6)
        .map(|at| {
            format!("  - {{ name: test {at}, request: {{ url: \"${{base}}/\" }}, response: {{ status: 200 }} }}\n")
        })
        .collect();
    let project = Project::new("vars: { base: http://127.0.0.1:9 }", &format!("tests:\n{tests}"));
    let ran = |at: usize, seconds: u64| serde_json::json!({ "file": "specs/spec.yaml", "name": format!("test {at}"), "attempts": 1, "duration_ns": seconds * 1_000_000_000 });
    let write = |tests: &[serde_json::Value]| {
        project.write("past.json", &serde_json::json!({ "schema": "tracespec/run/1", "tests": tests }).to_string());
    };
    write(&[ran(0, 50), ran(1, 10), ran(2, 10), ran(3, 10), ran(4, 10), ran(5, 10)]);
    let parts = |more: &[&str]| -> Vec<BTreeSet<String>> {
        let of = |part: &str| listed(&project, &[&["--shard", part], more].concat()).into_iter().collect();
        vec![of("1/2"), of("2/2")]
    };
    let weighed = parts(&["--durations", "past.json"]);
    assert_eq!(weighed[0], BTreeSet::from(["test 0".to_owned()]));
    assert_eq!(weighed[1].len(), 5);
    // One that the report does not have stays where its name puts it.
    write(&[ran(0, 50), ran(1, 10), ran(2, 10), ran(3, 10), ran(4, 10)]);
    let by_name = parts(&[]).iter().position(|part| part.contains("test 5"));
    assert_eq!(parts(&["--durations", "past.json"]).iter().position(|part| part.contains("test 5")), by_name);

    let refused = |why: &str| {
        let ran = project.tracespec(&["list", "--shard", "1/2", "--durations", "past.json"]);
        ran.exits(2).says(&["`--durations past.json`: ", why, "run --report json=FILE"]);
    };
    write(&[serde_json::json!({ "file": "specs/other.yaml", "name": "test 0", "attempts": 1, "duration_ns": 1 })]);
    refused("none of the tests here ran in it");
    project.write("past.json", "{\"schema\": \"tracespec/gate/1\", \"tests\": []}");
    refused("it is `tracespec/gate/1`");
    project.write("past.json", "{\"schema\":");
    refused("it is no report of a run");
    std::fs::remove_file(project.path("past.json")).unwrap();
    refused("No such file");
    project.tracespec(&["list", "--durations", "past.json"]).exits(2).says(&["--shard"]);
}

#[test]
fn a_part_runs_what_its_tests_need_and_no_other_part_does() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = r#"
tests:
  - { name: first, request: { url: "${base}/first" }, response: { status: 200 } }
  - { name: a, needs: [first], request: { url: "${base}/a" }, response: { status: 200 } }
  - { name: b, needs: [first], request: { url: "${base}/b" }, response: { status: 200 } }
  - { name: c, needs: [first], request: { url: "${base}/c" }, response: { status: 200 } }
"#;
    let project = Project::new(&configuration, spec);
    // What is needed is not selected itself.
    for shard in ["1/2", "2/2"] {
        project.run(&["--shard", shard, "-k", "a or b or c"]).exits(0);
    }
    let mut paths = target.paths();
    paths.sort();
    assert_eq!(paths, ["/a", "/b", "/c", "/first"]);
}

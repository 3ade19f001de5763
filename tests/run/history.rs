//! The traces that a run keeps for `tracespec show`.

use crate::project::Project;
use crate::target::{reply, with_receiver};

const SPEC: &str = r#"
tests:
  - { name: passes well, request: { url: "${base}/good" }, trace: { span_count: 1 } }
  - { name: fails badly, request: { url: "${base}/bad" }, trace: { span_count: 0 } }
  - name: has steps
    steps:
      - { name: first, request: { url: "${base}/1" }, trace: { span_count: 1 } }
      - { name: second, request: { url: "${base}/2" }, trace: { span_count: 1 } }
"#;

#[test]
fn a_trace_of_the_last_run_is_found_by_last_by_name_and_by_id() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    let ran = project.run(&[]);
    ran.exits(1).says(&["see: tracespec show 'fails badly'"]);
    ran.does_not_say(&["show 'passes well'"]);
    let of = |name: &str, step: usize| ran.test(name)["steps"][step]["trace_id"].as_str().unwrap().to_owned();
    let id = of("fails badly", 0);
    for name in ["last", "fails badly", "Badly", &id] {
        let shown = project.tracespec(&["show", name]);
        shown.exits(0);
        assert!(shown.stdout.contains(&id) && shown.stdout.starts_with("FAIL  fails badly"), "{}", shown.stdout);
    }
    project
        .tracespec(&["show", "s"])
        .exits(4)
        .says(&["`s` is in the names of several tests of the last run", "`passes well` (specs/spec.yaml:3)"]);
    let steps = project.tracespec(&["show", "has steps"]);
    steps.exits(2).says(&["2 traces; choose one with --id", "pass  has steps  first", &of("has steps", 1)]);
    project.tracespec(&["show", "has steps", "--id", &of("has steps", 1)]).exits(0);
    let all = project.tracespec(&["query", "{ }", "last"]);
    all.exits(0);
    assert_eq!(all.stdout.matches("\ntrace ").count() + 1, 4, "{}", all.stdout);
    // Git does not see any of it.
    assert!(project.read(".tracespec/.gitignore").lines().any(|line| line == "*"));
}

#[test]
fn nothing_is_kept_where_nobody_wants_it_and_a_failure_to_keep_it_changes_no_verdict() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    let ran = project.run(&["--no-history"]);
    ran.exits(1).does_not_say(&["tracespec show"]);
    project.finish(project.command(&["run"]).env("TRACESPEC_NO_HISTORY", "true").output().unwrap()).exits(1);
    assert!(!project.path(".tracespec").exists());
    project.write(".tracespec", "a file");
    let ran = project.run(&[]);
    ran.exits(1).says(&["warning: the traces of this run are not kept for `tracespec show`", "--no-history"]);
    assert_eq!(ran.verdict("passes well"), "pass");
}

#[test]
fn old_runs_go_and_what_was_left_half_written_is_not_read() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    for at in 0..30 {
        project.write(&format!(".tracespec/runs/{at:020}-1/index.json"), "{}");
    }
    project.write(".tracespec/runs/99999999999999999999-1.part/index.json", "nonsense");
    project.run(&[]).exits(1);
    let runs: Vec<String> = std::fs::read_dir(project.path(".tracespec/runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".part"))
        .collect();
    assert_eq!(runs.len(), 20, "{runs:?}");
    assert!(!runs.contains(&format!("{:020}-1", 10)), "{runs:?}");
    project.tracespec(&["show", "last"]).exits(0);
    // An index from elsewhere leads nowhere else.
    let index = r#"{"tests":[{"name":"t","file":"f","line":1,"verdict":"fail","traces":[{"step":"","trace_id":"ab","file":"../../../secret"}]}]}"#;
    project.write(".tracespec/runs/99999999999999999999-1/index.json", index);
    project.tracespec(&["show", "last"]).exits(4).says(&["is not among them"]);
    project.write(".tracespec/runs/99999999999999999999-1/index.json", "nonsense");
    project.tracespec(&["show", "last"]).exits(4).says(&["cannot read .tracespec", "to be rid of it"]);
}

#[test]
fn the_traces_of_a_run_are_one_file_that_any_tool_reads_and_that_is_no_trusted_one() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    let ran = project.run(&[]);
    ran.exits(1);
    let runs = || std::fs::read_dir(project.path(".tracespec/runs")).unwrap().map(|entry| entry.unwrap().path());
    let run = runs().next().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["index.json", "traces.json.gz"]);
    // As a whole it is a file of traces like any other.
    let traces = run.join("traces.json.gz");
    let all = project.tracespec(&["query", "{ }", traces.to_str().unwrap()]);
    all.exits(0);
    assert_eq!(all.stdout.matches("\ntrace ").count() + 1, 4, "{}", all.stdout);
    // An index that does not fit, and a trace of an earlier version, which is a file of its own.
    let whole = std::fs::read(&traces).unwrap();
    let index = std::fs::read_to_string(run.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let of = |test: usize| index["tests"][test]["traces"][0].clone();
    let (from, bytes) = (of(1)["from"].as_u64().unwrap(), of(1)["bytes"].as_u64().unwrap());
    let put = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut index = index.clone();
        change(&mut index["tests"][1]["traces"][0]);
        std::fs::write(run.join("index.json"), index.to_string()).unwrap();
        project.tracespec(&["show", "fails badly"])
    };
    put(&|trace| trace["from"] = (from + 3).into()).exits(4).says(&["traces.json.gz"]);
    put(&|trace| trace["from"] = u64::MAX.into()).exits(4).says(&["traces.json.gz"]);
    put(&|trace| trace["bytes"] = (bytes / 2).into()).exits(4).says(&["traces.json.gz"]);
    let other = put(&|trace| ["from", "bytes"].iter().for_each(|key| trace[*key] = of(0)[*key].clone()));
    other.exits(4).says(&["does not hold trace"]);
    std::fs::write(run.join("1.json.gz"), &whole[from as usize..(from + bytes) as usize]).unwrap();
    let shown = put(&|trace| {
        let fields = trace.as_object_mut().unwrap();
        fields.insert("file".into(), "1.json.gz".into());
        fields.retain(|key, _| key != "from" && key != "bytes");
    });
    shown.exits(0);
    assert!(shown.stdout.starts_with("FAIL  fails badly"), "{}", shown.stdout);
}

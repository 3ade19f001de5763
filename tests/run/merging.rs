//! A run that is divided, and merged again.

use crate::project::{Project, Ran};
use crate::target::{Call, Reply, Target, reply, with_receiver};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every verdict, failures with a trace, steps, rows of a matrix, needs, two files.
const SPEC: &str = r#"
tests:
  - { name: passes, tags: [smoke], request: { url: "${base}/" }, trace: { services: [gateway] } }
  - name: fails
    request: { method: POST, url: "${base}/", json: { a: 1 } }
    response: { status: 201 }
    trace: { services: { none: [gateway] }, spans: [{ select: { service: gateway }, name: other }] }
  - name: "row ${n} of a matrix"
    matrix: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 10 }, { n: 11 }]
    request: { url: "${base}/${n}" }
    trace: { span_count: 1 }
  - { name: has nobody to ask, request: { url: "http://127.0.0.1:1/" }, response: { status: 200 } }
  - name: two steps
    steps:
      - { name: first, request: { url: "${base}/a" }, response: { status: 200, capture: { id: $.id } } }
      - { name: then, request: { url: "${base}/${id}" }, response: { status: 404 } }
  - { name: is skipped, skip: PAY-812, request: { url: "${base}/" }, response: { status: 200 } }
  - { name: needs one that fails, needs: [fails], request: { url: "${base}/" }, response: { status: 200 } }
"#;

const OTHER: &str = r#"
tests:
  - { name: is flaky, retries: 1, request: { url: "${base}/flaky" }, response: { status: 200 } }
  - { name: passes, request: { url: "${base}/" }, trace: { spans: [{ select: { service: gateway }, count: 1 }] } }
  - { name: seeded, request: { url: "${base}/${random.hex(4)}" }, trace: { errors: none } }
"#;

fn project() -> (Target, Project) {
    let tried = std::sync::Mutex::new(BTreeSet::new());
    let answer = move |call: &Call| -> Reply {
        // Each run has its first try refused.
        let first = call.path == "/flaky" && {
            let mut tried = tried.lock().unwrap();
            let again = tried.remove("flaky");
            if !again {
                tried.insert("flaky");
            }
            !again
        };
        reply("{\"id\": 7}").status(if first { 503 } else { 200 })
    };
    let (target, configuration) = with_receiver(answer);
    let project = Project::new(&configuration, SPEC);
    project.write("specs/other.yaml", OTHER);
    (target, project)
}

const KINDS: &[&str] = &["json", "junit", "tap", "sarif", "gitlab", "markdown", "github", "html"];

/// `--report` for all kinds, as files of this name.
fn reports(name: &str) -> String {
    KINDS.iter().map(|kind| format!("{kind}={name}.{kind}")).collect::<Vec<_>>().join(",")
}

/// Without what differs from run to run: ids, times, and how a wait went.
fn masked(text: &str) -> String {
    let masks = [
        (r"(duration_ms: )[\d.]+", "${1}0"),
        (r"\b[0-9a-f]{32}\b", "TRACE"),
        (r"\b[0-9a-f]{16}\b", "SPAN"),
        (r"\b\d+(\.\d+)?(ns|µs|us|ms|s)\b", "TIME"),
        (r#"("(started|[a-z_]+_ns|polls)": )\d+"#, "${1}0"),
        (r#"("settled_by": )".*""#, r#"${1}"""#),
        (r#"("settled": )(true|false)"#, "${1}false"),
        (r#"((startTimeUtc|endTimeUtc)": )".*""#, r#"${1}"""#),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT", "DATE"),
        (r#" (time|timestamp)="[^"]*""#, r#" $1="""#),
        // Nobody may know it.
        (r"tracespec-[0-9a-f]{32}", "TOKEN"),
        (r"tracespec-TRACE", "TOKEN"),
    ];
    let mut text = text.to_owned();
    for (pattern, with) in masks {
        text = Regex::new(pattern).unwrap().replace_all(&text, with).into_owned();
    }
    text
}

fn merge(project: &Project, args: &[&str]) -> Ran {
    project.tracespec(&[&["merge"], args].concat())
}

#[test]
fn two_parts_merged_are_one_run_in_every_report() {
    let (_target, project) = project();
    let whole = project.tracespec(&["run", "--seed", "7", "--report", &reports("whole")]);
    whole.exits(1);
    let (mut names, mut tests_of_parts) = (Vec::new(), Vec::new());
    for part in ["1", "2"] {
        let report = format!("json=part-{part}.json");
        let ran = project.tracespec(&["run", "--seed", "7", "--shard", &format!("{part}/2"), "--report", &report]);
        assert!(matches!(ran.code, 0 | 1 | 4), "{}", ran.said);
        let document: Value = serde_json::from_str(&project.read(&format!("part-{part}.json"))).unwrap();
        let tests = document["tests"].as_array().unwrap();
        assert!(!tests.is_empty() && tests.len() < 14, "a part is a part");
        tests_of_parts.extend(tests.clone());
        // What only merging reads.
        tests_of_parts.iter_mut().for_each(|test| drop(test.as_object_mut().unwrap().remove("merge")));
        names.push(format!("part-{part}.json"));
    }
    // In whatever order.
    let merged = merge(&project, &[&names[1], &names[0], "--report", &reports("merged")]);
    merged.exits(1);
    // Nothing of a test is lost, how its wait went included.
    let document: Value = serde_json::from_str(&project.read("merged.json")).unwrap();
    let tests = document["tests"].as_array().unwrap();
    assert_eq!(tests.len(), tests_of_parts.len());
    for test in tests {
        let same = |of: &&Value| ["file", "line", "name"].iter().all(|key| of[*key] == test[*key]);
        let part = serde_json::to_string_pretty(tests_of_parts.iter().find(same).unwrap()).unwrap();
        let merged = serde_json::to_string_pretty(test).unwrap();
        assert_eq!(part.lines().zip(merged.lines()).find(|(one, other)| one != other), None);
        assert_eq!(part.len(), merged.len());
    }
    for kind in KINDS.iter().filter(|kind| **kind != "html") {
        let [whole, merged] = ["whole", "merged"].map(|name| masked(&project.read(&format!("{name}.{kind}"))));
        let differs = whole.lines().zip(merged.lines()).find(|(one, other)| one != other);
        assert!(whole == merged, "{kind}: {differs:?}");
    }
    // The page has each trace.
    let traces = |name: &str| project.read(&format!("{name}.html")).matches("id=\"trace-").count();
    assert!(traces("whole") == 9 && traces("whole") == traces("merged"), "{}", traces("merged"));
    // The terminal says the same, but for where the traces are kept.
    let sorted = |ran: &Ran| {
        // A duration takes as many columns as it has digits.
        let text = Regex::new(" +TIME").unwrap().replace_all(&masked(&ran.stdout), " TIME").into_owned();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // Which are the slowest is a matter of time.
        let of_slowest = |line: &str| line.trim_start().starts_with("TIME") || line.starts_with("slowest: ");
        lines.retain(|line| !line.contains("rerun: ") && !of_slowest(line));
        lines.sort();
        lines
    };
    let (whole, merged) = (sorted(&whole), sorted(&merged));
    let differs = whole.iter().zip(&merged).find(|(one, other)| one != other);
    assert!(whole == merged, "{differs:?}");
}

#[test]
fn a_part_that_is_missing_is_an_error_of_the_run_and_the_reports_are_written() {
    let (_target, project) = project();
    project.tracespec(&["run", "--shard", "2/3", "--report", "json=two.json", "-k", "passes or matrix"]);
    let merged = merge(&project, &["two.json", "--report", "junit=merged.xml"]);
    merged.exits(4).says(&["parts 1, 3 of 3 are missing: their reports were not given"]);
    assert!(project.read("merged.xml").contains("parts 1, 3 of 3 are missing"));
}

#[test]
fn what_does_not_fit_together_is_refused_with_every_reason_and_every_report_says_so() {
    let (_target, project) = project();
    project.tracespec(&["run", "--report", "json=whole.json", "-k", "passes"]).exits(0);
    project.tracespec(&["run", "--shard", "1/2", "--report", "json=one.json", "-k", "passes or matrix"]);
    project.tracespec(&["run", "--shard", "2/2", "--report", "json=two.json", "-k", "passes"]);
    let text = project.read("one.json");
    project.write("cut.json", &text[..text.len() / 2]);
    let ran = merge(
        &project,
        &["whole.json", "cut.json", "gone.json", "one.json", "two.json", "--report", "json=merged.json"],
    );
    ran.exits(2).says(&[
        "error: cannot merge whole.json: it is the report of a whole run, not of a part; parts are run with `--shard 1/2`\n",
        "error: cannot merge cut.json: it ends in the middle, in line ",
        "error: cannot merge gone.json: No such file or directory",
        "error: one.json and two.json are parts of different runs: 1/2 of 7 tests, and 2/2 of 2 tests\n",
        "nothing was merged\n",
    ]);
    // What an earlier merge left would pass for this one.
    let merged: Value = serde_json::from_str(&project.read("merged.json")).unwrap();
    assert_eq!((&merged["verdict"], merged["tests"].as_array().map(Vec::len)), (&Value::from("error"), Some(0)));
    assert!(merged["errors"][0].as_str().unwrap().starts_with("nothing was merged: cannot merge whole.json: "));
    merge(&project, &["one.json", "two.json", "--report", "json=./one.json"])
        .exits(2)
        .says(&["error: one.json is one of the parts: no report is written over it; nothing was merged\n"]);
    assert_eq!(project.read("one.json"), text);
    merge(&project, &["one.json", "one.json"]).exits(2).says(&["error: one.json and one.json are both part 1 of 2\n"]);
    merge(&project, &[]).exits(2);
}

#[test]
fn secrets_that_were_masked_where_the_parts_ran_stay_masked() {
    let (_target, project) = project();
    project.write("secrets", "TOKEN=gateway\n");
    project.write(
        "specs/secret.yaml",
        "tests:\n  - { name: secret, request: { url: '${base}/', headers: { x: '${secret.TOKEN}' } }, trace: { spans: [{ select: { kind: server }, count: 0 }] } }\n",
    );
    let args = ["run", "specs/secret.yaml", "--shard", "1/1", "--report", "json=one.json", "--secrets-file", "secrets"];
    project.tracespec(&args).exits(1);
    merge(&project, &["one.json", "--report", "html=merged.html,json=merged.json"]).exits(1);
    // Its traces are packed: the page has them unpacked.
    for file in ["one.json", "merged.json", "merged.html"] {
        assert!(!project.read(file).contains("gateway"), "{file}");
    }
    assert!(project.read("merged.html").contains("***"));
}

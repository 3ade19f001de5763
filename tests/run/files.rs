//! What a saved trace's file holds beside the trace, and files that hold none.

use crate::project::Project;

const TRACE: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"aa","spanId":"1","name":"op","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[]}"#;

fn project(file: &str, expect: &str) -> Project {
    let spec = format!("tests: [{{ name: t, trace_file: ../t.jsonl, trace: {{ {expect} }} }}]");
    let project = Project::new("exporter_delay: 50ms\n", &spec);
    if !file.is_empty() {
        project.write("t.jsonl", file);
    }
    project
}

#[test]
fn a_file_without_a_trace_says_what_it_holds_instead() {
    let odd = TRACE.replace("\"1\",\"name\"", "\"span-1\",\"name\"");
    for (file, said) in [
        (format!("{METRICS}\n{METRICS}"), "has no trace, but 2 documents of metrics or logs, which are skipped"),
        (odd.clone(), "has no trace, but 1 span record without usable ids"),
        (format!("{odd}\n{METRICS}"), "1 span record without usable ids and 1 document of metrics or logs"),
    ] {
        project(&file, "errors: none").run(&[]).exits(4).says(&[said]);
    }
}

#[test]
fn what_a_presence_finds_beside_records_without_ids_stays_found_and_an_absence_says_what_is_wrong_with_the_file() {
    let file = format!("{TRACE}\n{}", TRACE.replace("\"1\",\"name\"", "\"span-1\",\"name\""));
    project(&file, "spans: [{ select: { name: op }, match: any }]").run(&[]).exits(0);
    let ran = project(&file, "errors: none").run(&[]);
    ran.exits(3).says(&["left out: 1 span record without usable ids"]);
    assert!(!ran.said.contains("time to wait"), "{}", ran.said);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_as_a_trace_is_an_error_at_once_and_no_wait() {
    for (make, what) in [
        ("mkfifo t.jsonl", "a pipe"),
        ("ln -s /dev/zero t.jsonl", "a device"),
        ("mkdir t.jsonl; mkfifo t.jsonl/a", "a pipe"),
    ] {
        let project = project("", "errors: none");
        let made = std::process::Command::new("sh").args(["-c", make]).current_dir(project.path("")).status().unwrap();
        assert!(made.success());
        project.run(&[]).exits(4).says(&[what, "only regular files are read"]);
    }
}

//! docs/scaling.md and the files that it points to: manifests of Kubernetes against its own schema, every command line against the
//! flags that there are, every other YAML block against YAML.

#![allow(clippy::unwrap_used)]

#[path = "support/json_schema.rs"]
mod json_schema;

use json_schema::Validator;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;
use tracespec::source::SourceFile;
use tracespec::spec::schema;
use tracespec::yaml;

const JOB: &str = "examples/kubernetes/job.yaml";
const DOCUMENT: &str = "docs/scaling.md";

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// YAML as JSON. Block scalars stand here where specs have none, so only errors of YAML itself count.
fn json_of(name: &str, text: &str) -> Value {
    let file = SourceFile::new(name, text);
    let parsed = yaml::parse(&file);
    schema::to_json(&parsed.root.unwrap_or_else(|| panic!("{name} is not YAML: {:?}", parsed.problems)))
}

fn kubernetes() -> Validator {
    Validator::new(&serde_json::from_str(&read("tests/fixtures/kubernetes.schema.json")).unwrap())
}

#[test]
fn the_job_is_one_that_kubernetes_takes() {
    let (validator, job) = (kubernetes(), json_of(JOB, &read(JOB)));
    assert_eq!(validator.error(&job), None);
    // The schema sees what is misspelt, of a wrong type, or left out.
    for (pointer, wrong) in [
        ("/spec/completions", json!("four")),
        ("/spec/template/spec/containers/0", json!({ "image": "a" })),
        ("/spec/podFailurePolicy/rules/0/onExitCodes", json!({ "operatr": "In", "values": [1] })),
        ("/apiVersion", json!("batch/v2")),
    ] {
        let mut job = job.clone();
        *job.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = wrong;
        assert!(validator.error(&job).is_some(), "{pointer}");
    }
}

#[test]
fn the_job_retries_no_exit_code_of_a_run_and_has_as_many_parts_as_it_starts() {
    let job = json_of(JOB, &read(JOB));
    // All that are not 0 and not an interruption, as the README has them.
    assert_eq!(job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"], json!([1, 2, 3, 4]));
    let parts = job["spec"]["completions"].as_u64().unwrap();
    let arguments = job["spec"]["template"]["spec"]["containers"][0]["args"][0].as_str().unwrap();
    assert!(arguments.contains(&format!("))/{parts}\"")), "{arguments}");
}

/// The flags of a command, by its own help.
fn flags(command: &str) -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_tracespec")).args([command, "--help"]).output().unwrap();
    assert!(help.status.success(), "tracespec {command}: {}", String::from_utf8_lossy(&help.stderr));
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn every_command_line_has_flags_that_there_are() {
    let mut seen = 0;
    for path in [DOCUMENT, JOB, "scripts/nextest"] {
        // A command goes on over the lines of a folded block, and ends with one.
        let text = read(path).replace("\n              --", " --");
        for line in text.lines() {
            let Some((_, rest)) = line.split_once("tracespec ").filter(|_| !line.trim_start().starts_with('#')) else {
                continue;
            };
            let command = rest.split_whitespace().next().unwrap_or_default();
            if !["run", "serve", "config", "merge"].contains(&command) {
                continue;
            }
            let known = flags(command);
            let command_line = rest.split('`').next().unwrap_or(rest);
            for flag in command_line.split_whitespace().filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap_or(flag);
                assert!(known.contains(flag), "{path}: `tracespec {command}` has no `{flag}`");
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn every_other_block_is_yaml_and_every_file_it_points_to_is_there() {
    let text = read(DOCUMENT);
    let mut blocks = 0;
    for (at, kind) in ["```yaml workflow\n", "```yaml collector\n"]
        .iter()
        .flat_map(|kind| text.match_indices(kind).map(|(at, found)| (at + found.len(), *kind)).collect::<Vec<_>>())
    {
        let block = text[at..].split("```").next().unwrap();
        let json = json_of(kind, block);
        assert!(json.as_object().is_some_and(|object| !object.is_empty()), "{block}");
        blocks += 1;
    }
    assert_eq!(blocks, 3);
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let path = std::path::Path::new("docs").join(link.split('#').next().unwrap_or(link));
        assert!(path.exists(), "{link}");
    }
}

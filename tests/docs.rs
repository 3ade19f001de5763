//! The documentation's YAML is read by the real parser, and its tables of keys are the language's.
//! `BLESS=1 cargo test --test docs` writes the tables anew.

#![allow(clippy::unwrap_used)]

#[path = "support/json_schema.rs"]
mod json_schema;

use json_schema::Validator;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tracespec::analyse::conventions::Rule;
use tracespec::diag::{self, RenderOptions, Severity};
use tracespec::source::SourceFile;
use tracespec::spec::{self, LoadOptions, forms, schema};
use tracespec::yaml;

/// The documents, and the number of YAML blocks that each must have at least.
fn documents() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir("docs")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .collect();
    files.extend(Path::new("README.md").exists().then(|| PathBuf::from("README.md")));
    files.sort();
    files
}

/// Blocks fenced as YAML: the first line of the block, what the fence says after `yaml`, the text.
fn blocks(text: &str) -> Vec<(usize, String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (i, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim() == "```" => blocks.extend(open.take()),
            Some((_, _, block)) => {
                block.push_str(line);
                block.push('\n');
            }
            None => {
                if let Some(info) = line.trim().strip_prefix("```yaml") {
                    open = Some((i + 2, info.trim().to_owned(), String::new()));
                }
            }
        }
    }
    blocks
}

/// Keys of a test become a file with one test.
fn whole(block: &str) -> String {
    let has = |key: &str| block.lines().any(|line| line.starts_with(&format!("{key}:")));
    if has("tests") {
        return block.to_owned();
    }
    let mut text = "tests:\n  - name: an example\n".to_owned();
    if !["request", "graphql", "grpc", "command", "trace_id", "trace_file", "steps"].iter().any(|key| has(key)) {
        text.push_str("    request: { url: 'http://127.0.0.1:8080/' }\n");
    }
    block.lines().for_each(|line| writeln!(text, "    {line}").unwrap());
    text
}

#[test]
fn every_yaml_block_is_valid() {
    let validator = Validator::new(&schema::spec_schema());
    let mut seen = 0;
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (line, info, block) in blocks(&text) {
            // Other tools' files: see tests/scaling.rs.
            if ["workflow", "collector"].contains(&info.as_str()) {
                continue;
            }
            let name = PathBuf::from(format!("{}:{line}", path.display()));
            let config = info == "configuration"
                || !block.contains("tests:") && (block.contains("processes:") || block.starts_with("backend:\n"));
            let diagnostics = if config {
                spec::config::parse(&name, block.into_bytes()).1
            } else {
                let text = whole(&block);
                let file = SourceFile::new(&name, text.clone());
                let json = schema::to_json(&yaml::parse(&file).root.unwrap());
                let error = validator.error(&json);
                assert!(error.is_none(), "{}: {}", name.display(), error.unwrap_or_default());
                spec::load(vec![(name, text.into_bytes())], &LoadOptions::default()).1
            };
            let wrong: Vec<_> = diagnostics.into_iter().filter(|d| d.severity == Severity::Error).collect();
            assert!(wrong.is_empty(), "{}", diag::render(&wrong, RenderOptions::default()));
            seen += 1;
        }
    }
    assert!(seen >= 30, "{seen}");
}

fn table(name: &str) -> String {
    let form = forms::ALL.iter().find(|form| form.name == name).unwrap_or_else(|| panic!("no form {name}"));
    let mut out = "| key | says | example |\n|---|---|---|\n".to_owned();
    for key in form.keys {
        let example = key.example.replace('|', "\\|");
        writeln!(out, "| `{}` | {} | `{example}` |", key.name, key.doc).unwrap();
    }
    out
}

/// The rules of `conventions`.
fn rules() -> String {
    let mut out = "| rule | impact | holds if |\n|---|---|---|\n".to_owned();
    for rule in Rule::ALL {
        let scored = if rule.is_scored() { "" } else { ", not in the score" };
        writeln!(out, "| `{}` | {}{scored} | {} |", rule.id(), rule.impact().word(), rule.describes()).unwrap();
    }
    out
}

#[test]
fn every_key_stands_in_the_reference() {
    let path = "docs/spec-reference.md";
    let text = std::fs::read_to_string(path).unwrap();
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("<!-- keys: ").and_then(|rest| rest.strip_suffix(" -->")) {
            inside = true;
            writeln!(out, "{line}\n{}", table(name)).unwrap();
        } else if line == "<!-- conventions -->" {
            inside = true;
            writeln!(out, "{line}\n{}", rules()).unwrap();
        } else if line == "<!-- /keys -->" || line == "<!-- /conventions -->" {
            inside = false;
            writeln!(out, "{line}").unwrap();
        } else if !inside {
            writeln!(out, "{line}").unwrap();
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &out).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == out, "{path} is old: BLESS=1 cargo test --test docs");
}

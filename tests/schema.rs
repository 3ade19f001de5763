//! The JSON Schemas: committed, valid, as wide as `check` and as narrow as they can say.
//! `BLESS=1 cargo test --test schema` writes them anew.

#![allow(clippy::unwrap_used)]

#[path = "support/json_schema.rs"]
mod json_schema;

use json_schema::Validator;
use std::path::{Path, PathBuf};
use tracespec::diag::{Code, has_errors};
use tracespec::source::SourceFile;
use tracespec::spec::{self, LoadOptions, schema};
use tracespec::yaml;

#[test]
fn the_committed_schemas_are_the_current_ones() {
    for (path, schema) in [("schema.json", schema::spec_schema()), ("schema.config.json", schema::config_schema())] {
        let text = schema::text(&schema);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == text,
            "{path} is old: BLESS=1 cargo test --test schema"
        );
        Validator::new(&schema);
    }
}

fn yaml_files(dir: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .collect();
    files.sort();
    files
}

fn json_of(path: &Path) -> Option<serde_json::Value> {
    let file = SourceFile::new(path, std::fs::read_to_string(path).ok()?);
    let parsed = yaml::parse(&file);
    let fine = parsed.problems.iter().all(|problem| problem.severity == tracespec::diag::Severity::Warning);
    fine.then(|| parsed.root.map(|root| schema::to_json(&root)))?
}

#[test]
fn what_check_accepts_the_schema_accepts() {
    let validator = Validator::new(&schema::spec_schema());
    let mut seen = 0;
    for path in yaml_files("specs").into_iter().chain(yaml_files("tests/diagnostics")) {
        let name = path.to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        if name.ends_with(".config.yaml")
            || has_errors(&spec::load(vec![(path.clone(), bytes)], &LoadOptions::default()).1)
        {
            continue;
        }
        let json = json_of(&path).unwrap();
        let error = validator.error(&json);
        assert!(error.is_none(), "{name}: {}", error.unwrap_or_default());
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn mistakes_that_a_schema_can_express_are_rejected() {
    let validator = Validator::new(&schema::spec_schema());
    let expressible = [Code::UnknownKey, Code::MissingKey, Code::BadMatcher];
    let (mut seen, mut accepted) = (0, Vec::new());
    for path in yaml_files("tests/diagnostics") {
        let name = path.to_string_lossy().into_owned();
        let diagnostics = spec::load(vec![(path.clone(), std::fs::read(&path).unwrap())], &LoadOptions::default()).1;
        if name.ends_with(".config.yaml") || !diagnostics.iter().any(|d| expressible.contains(&d.code)) {
            continue;
        }
        let Some(json) = json_of(&path) else { continue };
        seen += 1;
        if validator.error(&json).is_none() {
            accepted.push(name);
        }
    }
    assert!(seen >= 15, "{seen}");
    // What needs more than one place (the defaults may have the URL), or a look into text.
    let beyond = [
        "missing-url",
        "nothing-starts",
        "auth-both",
        "capture-source",
        "order-shape",
        "duration-of",
        "backend",
        "matcher-no-operand",
        "matcher-not-a-number",
    ];
    accepted.retain(|name| !beyond.iter().any(|beyond| name.contains(beyond)));
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn every_example_of_the_schema_fits_its_own_key() {
    for root in [schema::spec_schema(), schema::config_schema()] {
        for (name, def) in root["$defs"].as_object().unwrap() {
            for (key, property) in def["properties"].as_object().into_iter().flatten() {
                let mut own = property.clone();
                own["$defs"] = root["$defs"].clone();
                if property.get("not").is_some() {
                    continue;
                }
                let validator = Validator::new(&own);
                for example in property["examples"].as_array().into_iter().flatten() {
                    let error = validator.error(example);
                    assert!(error.is_none(), "{name}.{key}: {example}: {error:?}");
                }
            }
        }
    }
}

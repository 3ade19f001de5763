//! The invariants of ARCHITECTURE.md that a reader of imports can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Left to right in the flow: a module may import only what stands in a row above its own.
const FLOW: &[&[&str]] = &[
    &["source", "trace", "redact"],
    &["diag", "wire"],
    &["yaml"],
    &["matcher"],
    &["select"],
    &["spec"],
    &["client"],
    &["trigger", "receiver"],
    &["backend"],
    &["assert"],
    &["run"],
    &["report"],
    &["cli"],
    &["harness"],
];

/// A trace in, facts out: nothing asynchronous, no network.
const PURE: &[&str] = &["trace", "select", "matcher", "assert", "wire", "spec", "source", "diag", "redact", "yaml"];
const PURE_FILES: &[&str] = &["backend/settle"];

fn files(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).expect("readable source tree") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The text of a source file without its comments and its unit tests, which may import what they like.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("readable source file");
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name == "tests" || name.ends_with("_tests") || path.components().any(|part| part.as_os_str() == "tests")
}

fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(src()).expect("below src");
    let first = relative.components().next().expect("not empty").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The top-level modules that a text names after `crate::`, also inside `use crate::{a::…, b::…}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let end = group.find(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth < 0
                });
                group[..end.unwrap_or(group.len())].split(',').map(str::trim).collect()
            }
            None => vec![rest],
        };
        for name in names {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.insert(name);
        }
    }
    found
}

fn rank(module: &str) -> Option<usize> {
    FLOW.iter().position(|row| row.contains(&module))
}

#[test]
fn every_module_has_its_place_in_the_flow() {
    for path in files(&src()) {
        let module = module_of(&path);
        assert!(["lib", "main"].contains(&module.as_str()) || rank(&module).is_some(), "{module} is not in FLOW");
    }
}

#[test]
fn imports_point_left_in_the_flow_and_never_back() {
    let mut wrong = BTreeMap::new();
    for path in files(&src()).into_iter().filter(|path| !is_test(path)) {
        let module = module_of(&path);
        let Some(own) = rank(&module) else { continue };
        for import in imports(&code(&path)) {
            if let Some(other) = rank(&import).filter(|_| import != module)
                && other >= own
            {
                wrong.entry(path.display().to_string()).or_insert_with(Vec::new).push(import);
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the flow: {wrong:#?}");
}

#[test]
fn the_core_is_free_of_async_and_network() {
    for path in files(&src()) {
        let relative = path.strip_prefix(src()).expect("below src").display().to_string();
        if !PURE.contains(&module_of(&path).as_str()) && !PURE_FILES.iter().any(|file| relative.starts_with(file)) {
            continue;
        }
        let code = code(&path);
        for forbidden in [
            "tokio",
            "reqwest",
            "async fn",
            ".await",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
            "Instant::now",
            "SystemTime::now",
        ] {
            assert!(!code.contains(forbidden), "{relative} uses `{forbidden}`");
        }
    }
}

#[test]
fn only_the_command_line_reads_the_environment_exits_or_opens_the_standard_streams() {
    for path in files(&src()).into_iter().filter(|path| !is_test(path)) {
        let module = module_of(&path);
        if ["cli", "main", "harness"].contains(&module.as_str()) {
            continue;
        }
        let code = code(&path);
        for forbidden in ["std::env::var", "env::vars", "process::exit", "io::stdout", "io::stderr", "println!"] {
            assert!(!code.contains(forbidden), "{} uses `{forbidden}`", path.display());
        }
    }
}

#[test]
fn the_checks_see_what_they_look_for() {
    let found = imports("use crate::{trace::{Sym, Trace}, run::x};\ncrate::spec::plan");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["Trace", "run", "spec", "trace"]);
    assert!(rank("run") > rank("assert") && rank("nowhere").is_none());
}

//! The invariants of ARCHITECTURE.md that a reader of imports can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Left to right in the flow: a module may import only what stands in a row above its own.
const FLOW: &[&[&str]] = &[
    &["source", "trace", "redact"],
    &["diag", "wire"],
    &["yaml"],
    &["matcher", "facts"],
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
const PURE: &[&str] =
    &["trace", "facts", "select", "matcher", "assert", "wire", "spec", "source", "diag", "redact", "yaml"];
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

/// The paths that a text names after `prefix`, one for each item of a `{group}`, as far as they are lower case (modules).
fn paths(code: &str, prefix: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        expand(&code[at + prefix.len()..], Vec::new(), &mut found);
    }
    found
}

/// Reads one path, or the paths of a group, and returns what follows.
fn expand<'t>(mut rest: &'t str, mut path: Vec<String>, found: &mut Vec<Vec<String>>) -> &'t str {
    loop {
        if let Some(group) = rest.strip_prefix('{') {
            rest = group.trim_start();
            while !rest.starts_with('}') && !rest.is_empty() {
                let after = expand(rest, path.clone(), found).trim_start();
                // Anything but a list of paths is no import: a block that merely follows.
                let Some(next) = after.strip_prefix(',').or(after.starts_with('}').then_some(after)) else { return "" };
                rest = next.trim_start();
            }
            return rest.strip_prefix('}').unwrap_or(rest);
        }
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        rest = &rest[name.len()..];
        path.push(name);
        match rest.strip_prefix("::") {
            Some(next) => rest = next,
            None => {
                found.push(path);
                return rest;
            }
        }
    }
}

/// The file that a path of modules names, as far as it names one.
fn file_of(files: &BTreeMap<Vec<String>, PathBuf>, path: &[String]) -> Option<PathBuf> {
    (1..=path.len()).rev().find_map(|length| files.get(&path[..length]).cloned())
}

fn module_path(path: &Path) -> Vec<String> {
    let relative = path.strip_prefix(src()).expect("below src").with_extension("");
    let mut parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Which files of the library import which: through `crate::`, `super::`, `self::`, or the name of a module of their own.
fn file_graph() -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
    let all: Vec<PathBuf> = files(&src()).into_iter().filter(|path| !is_test(path)).collect();
    let by_module: BTreeMap<Vec<String>, PathBuf> = all.iter().map(|path| (module_path(path), path.clone())).collect();
    let mut graph = BTreeMap::new();
    for path in &all {
        let (code, own) = (code(path), module_path(path));
        let mut named: Vec<Vec<String>> = paths(&code, "crate::");
        for (depth, prefix) in ["self::", "super::", "super::super::", "super::super::super::"].iter().enumerate() {
            let Some(base) = own.len().checked_sub(depth) else { continue };
            let of = paths(&code, prefix).into_iter().filter(|path| path[0] != "super");
            named.extend(of.map(|path| own[..base].iter().cloned().chain(path).collect()));
        }
        for child in by_module.keys().filter(|module| module.len() == own.len() + 1 && module.starts_with(&own)) {
            let name = &child[own.len()];
            named.extend(paths(&code, &format!("{name}::")).into_iter().map(|_| child.clone()));
        }
        let imports = named.iter().filter_map(|path| file_of(&by_module, path)).filter(|other| other != path);
        graph.insert(path.clone(), imports.collect::<BTreeSet<_>>());
    }
    graph
}

/// Files that import each other in a circle, in groups of more than one.
fn circles(graph: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Vec<Vec<&PathBuf>> {
    let reach = |from: &PathBuf| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(at) = next.pop() {
            for other in graph.get(&at).into_iter().flatten() {
                if seen.insert(other.clone()) {
                    next.push(other.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&PathBuf, BTreeSet<PathBuf>> = graph.keys().map(|path| (path, reach(path))).collect();
    let mut groups: BTreeSet<Vec<&PathBuf>> = BTreeSet::new();
    for (path, reachable) in &reached {
        let group: Vec<&PathBuf> = reached
            .iter()
            .filter(|(other, back)| reachable.contains(**other) && back.contains(*path))
            .map(|(other, _)| *other)
            .collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

#[test]
fn no_circle_of_files_is_larger_than_five() {
    const MOST: usize = 5;
    // Modules whose circles still have to be opened.
    const TO_OPEN: [&str; 4] = ["backend", "facts", "select", "spec"];
    let graph = file_graph();
    let opened = |group: &Vec<&PathBuf>| !TO_OPEN.contains(&module_of(group[0]).as_str());
    let large: Vec<_> = circles(&graph).into_iter().filter(|group| group.len() > MOST && opened(group)).collect();
    assert!(large.is_empty(), "files that import each other in a circle: {large:#?}");
}

#[test]
fn the_checks_see_what_they_look_for() {
    let found = imports("use crate::{trace::{Sym, Trace}, run::x};\ncrate::spec::plan");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["Trace", "run", "spec", "trace"]);
    let named = paths("use super::a::{b, c::{d, E}};\nsuper::super::f()", "super::");
    let named: Vec<String> = named.iter().map(|path| path.join("::")).collect();
    assert_eq!(named, ["a::b", "a::c::d", "a::c::E", "super::f"]);
    let file = |name: &str| PathBuf::from(name);
    let graph = BTreeMap::from([
        (file("a"), BTreeSet::from([file("b")])),
        (file("b"), BTreeSet::from([file("c")])),
        (file("c"), BTreeSet::from([file("a"), file("d")])),
        (file("d"), BTreeSet::new()),
    ]);
    assert_eq!(circles(&graph), [[&file("a"), &file("b"), &file("c")]]);
    assert!(rank("run") > rank("assert") && rank("nowhere").is_none());
}

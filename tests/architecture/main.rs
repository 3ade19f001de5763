//! The invariants of ARCHITECTURE.md that a reader of source text can check.
//! `cargo test --test architecture -- --ignored --nocapture print_import_graph` draws who imports whom.

mod features;
mod graph;
mod modules;
mod source;

use graph::{Graph, as_mermaid, as_text, circles};
use modules::{Crate, Module, files, test_files};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Left to right in the flow: a module may import only what stands in a row above its own.
const FLOW: &[&[&str]] = &[
    &["source", "trace", "redact"],
    &["diag", "wire"],
    &["yaml"],
    &["matcher", "facts"],
    &["select", "analyse", "trend"],
    &["spec", "baseline"],
    &["gate"],
    &["client", "child"],
    &["trigger", "receiver"],
    &["backend"],
    &["assert"],
    &["view"],
    &["run"],
    &["report"],
    &["engine"],
    &["api"],
    &["harness"],
    &["cli"],
];

/// A trace in, facts out: nothing asynchronous, no network, no clock.
const PURE: &[&str] = &[
    "trace",
    "select",
    "matcher",
    "facts",
    "analyse",
    "baseline",
    "gate",
    "trend",
    "assert",
    "view",
    "wire",
    "spec",
    "source",
    "diag",
    "redact",
    "yaml",
    "backend::settle",
];

/// More files than these in which each needs each other cannot be read one at a time.
const MOST_IN_A_CIRCLE: usize = 5;

static SOURCES: LazyLock<Crate> = LazyLock::new(|| Crate::read(&src().join("lib.rs")));

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rank(module: &str) -> Option<usize> {
    FLOW.iter().position(|row| row.contains(&module))
}

/// All modules but the root, each with its number.
fn modules() -> impl Iterator<Item = (usize, &'static Module)> {
    SOURCES.modules.iter().enumerate().filter(|(_, module)| !module.path.is_empty())
}

fn imports() -> Graph {
    let mut graph = Graph::new();
    for (index, module) in modules() {
        let own = &module.path[0];
        let mut used = SOURCES.top_level_uses(index);
        used.remove(own);
        graph.entry(own.clone()).or_default().append(&mut used);
    }
    graph
}

#[test]
fn every_file_is_read_and_those_of_tests_are_declared_for_tests_only() {
    let mut read: BTreeSet<PathBuf> = SOURCES.modules.iter().map(|module| module.file.clone()).collect();
    read.insert(src().join("main.rs"));
    let mut of_tests: BTreeSet<PathBuf> = SOURCES.modules.iter().flat_map(test_files).collect();
    // What a test's file declares is of tests, too.
    let folders: Vec<PathBuf> = of_tests.iter().map(|file| file.with_extension("")).collect();
    of_tests.extend(files(&src()).into_iter().filter(|file| folders.iter().any(|folder| file.starts_with(folder))));
    let unread: Vec<PathBuf> =
        files(&src()).into_iter().filter(|file| !read.contains(file) && !of_tests.contains(file)).collect();
    assert!(unread.is_empty(), "no module declares {unread:#?}");
    assert!(read.is_disjoint(&of_tests));
    assert!(read.len() > 150, "{} files", read.len());
}

#[test]
fn every_module_has_its_place_in_the_flow() {
    for (_, module) in modules() {
        assert!(rank(&module.path[0]).is_some(), "{} is not in FLOW", module.name());
    }
}

#[test]
fn imports_point_left_in_the_flow_and_never_back() {
    let mut wrong = BTreeMap::new();
    for (index, module) in modules() {
        let own = &module.path[0];
        let back = |other: &String| other != own && rank(other) >= rank(own);
        let back: Vec<String> = SOURCES.top_level_uses(index).into_iter().filter(back).collect();
        if !back.is_empty() {
            wrong.insert(module.name(), back);
        }
    }
    assert!(wrong.is_empty(), "imports against the flow: {wrong:#?}");
}

/// Which file uses which, inside each module.
fn inside_modules() -> BTreeMap<String, Graph> {
    let mut by_module: BTreeMap<String, Graph> = BTreeMap::new();
    for (index, module) in modules() {
        let used = SOURCES.used_by(index).into_iter().map(|other| &SOURCES.modules[other]);
        let inside = used.filter(|other| other.path.first() == module.path.first()).map(Module::name).collect();
        by_module.entry(module.path[0].clone()).or_default().insert(module.name(), inside);
    }
    by_module
}

/// Each file of a circle with those of the others that it uses.
fn arrows(graph: &Graph, circle: &BTreeSet<String>) -> String {
    let line = |name: &String| {
        let used: Vec<&str> = graph[name].intersection(circle).map(String::as_str).collect();
        format!("    {name} -> {}\n", used.join(", "))
    };
    circle.iter().map(line).collect()
}

#[test]
fn no_circle_of_files_is_too_large_to_be_read_one_at_a_time() {
    let by_module = inside_modules();
    let mut wrong = Vec::new();
    for (module, graph) in &by_module {
        let circles = circles(graph);
        let largest = circles.first().map_or(1, BTreeSet::len);
        if largest > MOST_IN_A_CIRCLE {
            wrong.push(format!("{module}: {largest} files need each other:\n{}", arrows(graph, &circles[0])));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_free_of_async_network_and_clock() {
    for (_, module) in modules() {
        let name = module.name();
        if !PURE.iter().any(|pure| name == *pure || name.starts_with(&format!("{pure}::"))) {
            continue;
        }
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
            assert!(!module.code.contains(forbidden), "{name} uses `{forbidden}`");
        }
    }
}

#[test]
fn only_the_command_line_reads_the_environment_exits_or_opens_the_standard_streams() {
    for (_, module) in modules().filter(|(_, module)| !["cli", "harness"].contains(&module.path[0].as_str())) {
        for forbidden in
            ["env::var", "env::args", "process::exit", "io::stdin", "io::stdout", "io::stderr", "println!", "eprint!"]
        {
            assert!(!module.code.contains(forbidden), "{} uses `{forbidden}`", module.name());
        }
    }
}

/// The top-level modules that there are only with a feature; all others are the core's, whole or in parts.
const OF_FEATURES: &[(&str, &[&str])] =
    &[("receiver", &["child", "receiver"]), ("backends", &["client"]), ("run", &["cli", "engine", "harness"])];

/// Where a condition on a feature may stand before something else than a module or what is imported of one: `verify` of a trace
/// that is received is a part of `verify`.
const IN_CODE: &[&str] = &["api::trace"];

#[test]
fn features_are_conditions_of_modules_and_not_of_code() {
    for module in &SOURCES.modules {
        let name = module.name();
        for gate in features::gates(&std::fs::read_to_string(&module.file).unwrap_or_default()) {
            assert!(gate.needs.is_some(), "{name} names a feature that there is not, before `{}`", gate.before);
            let of_module = gate.module().is_some() || gate.is_import();
            assert!(
                of_module || IN_CODE.contains(&name.as_str()),
                "{name}: a feature is asked before `{}`",
                gate.before
            );
        }
    }
}

#[test]
fn a_module_uses_nothing_that_a_greater_feature_brings() {
    let needs = features::of(&SOURCES.modules);
    let mut wrong = Vec::new();
    for (index, module) in modules() {
        let own = needs[&module.name()];
        if module.path.len() == 1 {
            let listed = OF_FEATURES.iter().find(|(_, modules)| modules.contains(&module.path[0].as_str()));
            assert_eq!(listed.map_or("", |(feature, _)| *feature), features::ORDER[own], "{}", module.name());
        }
        // These import what stands below them, each piece under its own condition.
        let imports_by_feature = IN_CODE.contains(&module.name().as_str())
            || features::gates(&std::fs::read_to_string(&module.file).unwrap_or_default())
                .iter()
                .any(features::Gate::is_import);
        let used = SOURCES.used_by(index).into_iter().map(|other| &SOURCES.modules[other]);
        for other in used.filter(|other| !imports_by_feature && needs[&other.name()] > own) {
            wrong.push(format!(
                "{} needs `{}` of {}",
                module.name(),
                features::ORDER[needs[&other.name()]],
                other.name()
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_feature_has_the_one_before_it_and_every_optional_dependency_is_of_one() {
    let text = include_str!("../../Cargo.toml");
    let (switched, optional) = features::manifest(text);
    let names: BTreeSet<&str> = switched.keys().map(String::as_str).collect();
    let all: BTreeSet<&str> = features::ORDER.into_iter().filter(|name| !name.is_empty()).chain(["default"]).collect();
    assert_eq!(names, all);
    for pair in features::ORDER.windows(2).skip(1) {
        assert!(switched[pair[1]].contains(pair[0]), "{} does not switch {} on", pair[1], pair[0]);
    }
    assert_eq!(
        switched["default"].iter().collect::<Vec<_>>(),
        ["run"],
        "the command is what there is without a choice"
    );
    for dependency in optional {
        let by = switched.values().filter(|all| all.contains(&format!("dep:{dependency}"))).count();
        // Without `dep:` Cargo makes a feature of the dependency's own name.
        assert_eq!(by, 1, "{dependency} is optional, and switched on by {by} features");
    }
}

#[test]
#[ignore = "draws the graph for who asks: --ignored --nocapture print_import_graph"]
fn print_import_graph() {
    let order: Vec<&str> = FLOW.iter().flat_map(|row| row.iter().copied()).collect();
    println!("{}\n{}", as_text(&imports(), &order), as_mermaid(&imports()));
    for (module, graph) in inside_modules() {
        for circle in circles(&graph) {
            println!("circle of {} files in {module}:\n{}", circle.len(), arrows(&graph, &circle));
        }
    }
}

#[test]
fn the_import_graph_has_no_arrow_that_runs_back() {
    let order: Vec<&str> = FLOW.iter().flat_map(|row| row.iter().copied()).collect();
    let text = as_text(&imports(), &order);
    assert!(text.contains("assert     -> ") && !text.contains("back!"), "{text}");
    assert!(circles(&imports()).is_empty());
}

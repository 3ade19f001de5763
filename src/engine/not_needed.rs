//! What a run lacks although nobody needs it: secrets, variables and files of tests that are not selected.
//!
//! That a spec is wrong is said whichever tests run. That this machine lacks something is said only where a test that runs uses it.

use super::select::with_needed;
use crate::diag::{Code, Diagnostic};
use crate::run::session::TestAt;
use crate::spec::plan::{FilePlan, Plan, VarValue};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Takes away what is only said of tests that do not run.
pub(super) fn excuse(diagnostics: &mut Vec<Diagnostic>, plan: &Plan, selected: &[TestAt]) {
    if diagnostics.is_empty() {
        return;
    }
    let running = with_needed(plan, selected);
    let used: Vec<BTreeSet<String>> =
        plan.files.iter().enumerate().map(|(at, file)| of_file(file, at, &running)).collect();
    diagnostics.retain(|found| {
        let file = plan.files.iter().position(|file| Arc::ptr_eq(&file.source, &found.place.source));
        // What is in no spec file is of the configuration.
        let Some(at) = file else { return true };
        let file = &plan.files[at];
        match found.code {
            Code::UnboundVariable | Code::UnknownVariable => {
                variable(file.source.slice(found.place.span)).is_none_or(|name| used[at].contains(name))
            }
            Code::MissingFile => {
                let owner = |start: u32, end: u32| start <= found.place.span.start && found.place.span.start < end;
                let mut tests = file.tests.iter().enumerate().filter(|(_, test)| owner(test.at.start, test.at.end));
                let runs = |test: usize| running.contains(&TestAt { file: at, test });
                match tests.next() {
                    Some((first, _)) => runs(first) || tests.any(|(test, _)| runs(test)),
                    // A matrix without its file is no test yet: its rows would say what the tests are called, so nobody knows
                    // that none of them is selected.
                    None => {
                        let hooks = || file.setup.iter().chain(&file.teardown);
                        let of_hook = hooks().any(|step| owner(step.at.start, step.at.end));
                        !of_hook || running.iter().any(|running| running.file == at)
                    }
                }
            }
            _ => true,
        }
    });
}

/// The name in `${name}` or `${name:-default}`.
fn variable(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?;
    Some(inner.split_once(":-").map_or(inner, |(name, _)| name).trim())
}

/// The variables that these tests use, with all that runs with them.
pub(super) fn used(plan: &Plan, selected: &[TestAt]) -> BTreeSet<String> {
    let running = with_needed(plan, selected);
    plan.files.iter().enumerate().flat_map(|(at, file)| of_file(file, at, &running)).collect()
}

/// The variables that the tests of a file that run use, with those that these are made of.
fn of_file(file: &FilePlan, at: usize, running: &BTreeSet<TestAt>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let of_file = TestAt { file: at, test: 0 }..TestAt { file: at + 1, test: 0 };
    let mut tests = running.range(of_file).peekable();
    if tests.peek().is_none() {
        return used;
    }
    used.extend(file.used.iter().cloned());
    used.extend(tests.flat_map(|at| file.tests[at.test].used.iter().cloned()));
    // Each uses only those above it.
    for (name, value) in file.vars.iter().rev() {
        if let (true, VarValue::Template(template)) = (used.contains(name), value) {
            used.extend(template.vars().map(|(name, ..)| name.to_owned()));
        }
    }
    used
}

//! `--durations FILE`: how long each test took in an earlier run, by which `--shard` weighs its parts.
//!
//! A file that is named, and not what a machine's own history says: every machine must divide alike, and histories differ from
//! the moment at which the first part has run. Reports of runs are such files: one of a merged run has all tests.

use super::identity::{self, TestId};
use super::select;
use crate::redact::{Redactor, cut};
use crate::source::read_file;
use crate::spec::plan::Plan;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most that is read of the report.
const LIMIT: u64 = 1 << 30;

/// What is read of a report; its traces and findings say nothing here.
#[derive(Deserialize)]
struct Report {
    schema: String,
    tests: Vec<Ran>,
}

#[derive(Deserialize)]
struct Ran {
    file: PathBuf,
    name: String,
    attempts: u32,
    duration_ns: u64,
}

/// How long the tests of a plan took in the run of this report; those that did not run in it are not there. Specs are named from
/// the folder of the configuration, and the report has names without secrets.
pub(super) fn read(
    path: &Path,
    plan: &Plan,
    folder: &Path,
    redactor: &Redactor,
) -> Result<BTreeMap<TestId, Duration>, String> {
    let cannot = |why: &dyn std::fmt::Display| {
        format!(
            "`--durations {}`: {why}; it takes the JSON report of an earlier run, `run --report json=FILE` or `merge --report json=FILE`",
            path.display()
        )
    };
    let bytes = read_file(path, LIMIT).map_err(|why| cannot(&why))?;
    let report: Report =
        serde_json::from_slice(&bytes).map_err(|why| cannot(&format_args!("it is no report of a run ({why})")))?;
    if report.schema != crate::report::json::RUN {
        return Err(cannot(&format_args!("it is `{}`", cut(&report.schema, 60))));
    }
    let ran = report.tests.into_iter().filter(|test| test.attempts > 0);
    let took: HashMap<(String, String), Duration> = ran
        .map(|test| ((identity::spec(folder, &test.file), test.name), Duration::from_nanos(test.duration_ns)))
        .collect();
    let known = select::all(plan).filter_map(|(_, test)| {
        let id = TestId::of(folder, test);
        let shown = (redactor.text(&id.spec).into_owned(), redactor.text(&id.name).into_owned());
        took.get(&shown).map(|&duration| (id, duration))
    });
    let known: BTreeMap<TestId, Duration> = known.collect();
    if known.is_empty() {
        return Err(cannot(&"none of the tests here ran in it"));
    }
    Ok(known)
}

//! Snapshot files: pending ones left by a run, accepted ones written only when asked.

use super::discover;
use super::loaded::is_ci;
use super::streams::say;
use crate::assert::shape;
use crate::run::record::RunRecord;
use crate::run::session::TestAt;
use crate::spec::plan::{Check, Plan};
use std::path::{Path, PathBuf};

/// Where accepted snapshots are.
pub(crate) fn folder(root: &Path) -> PathBuf {
    discover::plain(&root.join("specs/snapshots"))
}

/// Writes the shapes of this run's traces: as accepted ones with `--accept`, otherwise beside those that they differ
/// from, as `NAME.pending`. Where CI is set nothing is ever written.
pub(crate) fn keep(record: &RunRecord, plan: &Plan, root: &Path, accept: bool) -> Result<(), String> {
    if is_ci() {
        return if accept { Err("`--accept` writes nothing where CI is set".to_owned()) } else { Ok(()) };
    }
    for (at, test) in super::select::all(plan) {
        let TestAt { .. } = at;
        let Some(ran) = record.tests.iter().find(|ran| ran.source == test.source && ran.name == test.name.value) else {
            continue;
        };
        for (step, ran) in test.steps.iter().zip(&ran.steps) {
            let (Some(expect), Some(trace)) = (&step.trace, &ran.trace) else { continue };
            for expectation in &expect.list {
                let Check::Snapshot { name, accepted } = &expectation.check else { continue };
                let shape = shape(trace);
                if accepted.as_deref() == Some(shape.as_str()) {
                    continue;
                }
                let path = folder(root).join(if accept { name.clone() } else { format!("{name}.pending") });
                write(&path, &shape)?;
                let what = if accept { "accepted" } else { "pending; `tracespec run --accept` accepts it" };
                say(&format!("snapshot `{name}`: {} ({what})", path.display()));
            }
        }
    }
    Ok(())
}

fn write(path: &Path, shape: &str) -> Result<(), String> {
    let fail = |why: std::io::Error| format!("cannot write {}: {why}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    std::fs::write(path, shape).map_err(fail)
}

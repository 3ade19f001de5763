//! The saved traces of a gate's arm, file by file.
//!
//! Files are read a batch at a time by all processors, and forgotten once learnt: memory grows with paths, not with traces. They are learnt
//! in the order of their names, whoever read them, so that the same files give the same report.

use super::saved::Group;
use super::side_by_side::in_batches;
use crate::backend::file;
use crate::engine::traces;
use crate::facts::Facts;
use crate::gate::run::Run;
use crate::matcher::count_of;
use crate::trace::{Trace, TraceId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// So many files are read before what is in them is learnt.
const BATCH: usize = 256;

/// What was read of an arm.
pub(super) struct Read {
    read: usize,
    files: Vec<PathBuf>,
    /// In which file each trace is.
    places: HashMap<TraceId, u32>,
}

impl Read {
    /// How many traces.
    pub(super) fn count(&self) -> usize {
        self.read
    }
    pub(super) fn ids(&self) -> impl Iterator<Item = TraceId> {
        self.places.keys().copied()
    }
    pub(super) fn holds(&self, id: TraceId) -> bool {
        self.places.contains_key(&id)
    }
    pub(super) fn words(&self, folder: &Path) -> String {
        format!("{} in {}", count_of(self.read, "trace"), folder.display())
    }
    pub(super) fn load(&self, id: TraceId) -> Option<Trace> {
        let file = self.files.get(*self.places.get(&id)? as usize)?;
        traces::in_file(file).ok()?.into_iter().find(|trace| trace.id() == id)
    }
}

/// Reads all traces of a folder, in the order of the files' names.
pub(super) fn read(folder: &Path, mut learn: impl FnMut(Group, &Run)) -> Result<Read, String> {
    let files = file::files_in(folder).map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    let (mut read, mut places) = (0, HashMap::new());
    in_batches(
        &files,
        BATCH,
        |path| runs_of(path),
        |at, runs| {
            let path = &files[at];
            for run in runs? {
                if let Some(before) = places.insert(run.id, at as u32) {
                    let (first, second) = (files[before as usize].display(), path.display());
                    return Err(format!("trace {} is in {first} and in {second}; each run must be there once", run.id));
                }
                read += 1;
                let group = Group { folder: folder_of(folder, path), root: run.shape.root.clone() };
                learn(group, &run);
            }
            Ok(())
        },
    )?;
    Ok(Read { read, files, places })
}

/// The first folder below the one that was named.
fn folder_of(folder: &Path, path: &Path) -> Option<String> {
    let mut below = path.strip_prefix(folder).ok()?.components();
    let first = below.next()?;
    below.next().is_some().then(|| first.as_os_str().to_string_lossy().into_owned())
}

fn runs_of(path: &Path) -> Result<Vec<Run>, String> {
    let traces = traces::in_file(path)?;
    Ok(traces.iter().map(|trace| Run::of(&Facts::from(trace))).collect())
}

//! Saved traces as a backend: a file, or a folder that somebody (the Collector's file exporter, an earlier run) writes to.

use super::file::{self, FileError, SavedTraces};
use super::{Backend, Fetch, Pipeline, Probe, SearchError};
use crate::receiver::Arrivals;
use crate::trace::{TraceBuilder, TraceId};
use async_trait::async_trait;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// What a folder looked like when it was read: name, size and time of each file.
type Signature = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Reads traces from files, again whenever they have changed.
#[derive(Debug)]
pub struct Saved {
    path: PathBuf,
    last: Mutex<Option<(Signature, Arc<Shelf>)>>,
}

/// What was read, each trace ready to be handed out.
#[derive(Debug)]
struct Shelf {
    traces: SavedTraces,
    handed: Mutex<HashMap<TraceId, Arc<TraceBuilder>>>,
}

impl Saved {
    /// Reads a file or a folder. It must be there; it may be empty as yet.
    pub fn open(path: &Path) -> Result<Saved, FileError> {
        let saved = Saved { path: path.to_owned(), last: Mutex::new(None) };
        saved.shelf()?;
        Ok(saved)
    }

    fn signature(&self) -> Signature {
        let one = |path: PathBuf| {
            let about = std::fs::metadata(&path).ok();
            let size = about.as_ref().map_or(0, std::fs::Metadata::len);
            (path, size, about.and_then(|about| about.modified().ok()))
        };
        file::files_in(&self.path).unwrap_or_default().into_iter().map(one).collect()
    }

    fn shelf(&self) -> Result<Arc<Shelf>, FileError> {
        let signature = self.signature();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, shelf)) = last.as_ref()
            && *before == signature
        {
            return Ok(Arc::clone(shelf));
        }
        let shelf = Arc::new(Shelf { traces: file::load(&self.path)?, handed: Mutex::default() });
        *last = Some((signature, Arc::clone(&shelf)));
        Ok(shelf)
    }
}

impl Shelf {
    fn hand_out(&self, id: TraceId) -> Option<Arc<TraceBuilder>> {
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(builder) = handed.get(&id) {
            return Some(Arc::clone(builder));
        }
        let builder = Arc::new(self.traces.with_halves(id)?);
        handed.insert(id, Arc::clone(&builder));
        Some(builder)
    }
}

#[async_trait]
impl Backend for Saved {
    fn describe(&self) -> String {
        format!("the folder {}", self.path.display())
    }

    async fn fetch(&self, id: TraceId) -> Fetch {
        match self.shelf() {
            Ok(shelf) => match shelf.hand_out(id) {
                Some(builder) => Fetch::Found(builder),
                None => Fetch::NotYet { words: format!("{} traces, but not this one", shelf.traces.ids().len()) },
            },
            // Somebody may be writing at this moment.
            Err(why) => Fetch::Transient { words: why.to_string(), retry_after: None },
        }
    }

    fn arrivals(&self, _: TraceId) -> Option<Arrivals> {
        None
    }

    fn through(&self) -> Pipeline {
        Pipeline::Remote
    }

    async fn linking_to(&self, id: TraceId) -> Result<Vec<TraceId>, SearchError> {
        let failed = |why: FileError| SearchError::Failed { words: why.to_string(), retry_after: None };
        Ok(self.shelf().map_err(failed)?.traces.linking_to(id))
    }

    async fn probe(&self) -> Probe {
        match self.shelf() {
            Ok(shelf) => Probe {
                transient: false,
                ok: true,
                what: format!("{} traces", shelf.traces.ids().len()),
                version: None,
                words: shelf
                    .traces
                    .files()
                    .iter()
                    .map(|file| format!("{}: {}", file.path.display(), file.added))
                    .collect(),
            },
            Err(why) => Probe {
                ok: false,
                transient: false,
                what: "saved traces".to_owned(),
                version: None,
                words: vec![why.to_string()],
            },
        }
    }
}

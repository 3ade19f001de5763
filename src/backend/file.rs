//! Saved traces: a file, or a folder of files, in any format that [`crate::wire::detect`] knows.

use crate::trace::{Injected, Trace, TraceBuilder, TraceId};
use crate::wire::detect::{self, Format};
use crate::wire::{Added, Sink, WireError};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How many bytes a file or folder may hold in all, decompressed.
pub const MOST_BYTES: u64 = 1 << 30;

/// Why saved traces could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system said no.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Its words.
        source: std::io::Error,
    },
    /// The file is no trace.
    #[error("{} holds no traces that can be read: {source}", path.display())]
    Wire {
        /// The file.
        path: PathBuf,
        /// What was tried and where it failed.
        source: WireError,
    },
    /// Over the limit.
    #[error("{} takes the traces to load over the limit of {most} bytes; keep fewer traces in it", path.display())]
    TooLarge {
        /// The file that goes over it.
        path: PathBuf,
        /// The limit.
        most: u64,
    },
}

/// One file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Where it is.
    pub path: PathBuf,
    /// What it turned out to be.
    pub format: Format,
    /// What it brought.
    pub added: Added,
}

/// Traces read from files, by id.
#[derive(Debug, Default)]
pub struct SavedTraces {
    builders: BTreeMap<TraceId, TraceBuilder>,
    invalid: usize,
    files: Vec<Loaded>,
}

impl Sink for SavedTraces {
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder {
        self.builders.entry(id).or_default()
    }
    fn invalid_span(&mut self) {
        self.invalid += 1;
    }
}

impl SavedTraces {
    /// The ids of the traces that have spans, sorted.
    pub fn ids(&self) -> Vec<TraceId> {
        self.builders.iter().filter(|(_, builder)| !builder.is_empty()).map(|(&id, _)| id).collect()
    }
    /// The trace of this id together with the `linked` ones that are there; `None` if it has no spans.
    pub fn trace(&self, id: TraceId, linked: &[TraceId], injected: &Injected) -> Option<Trace> {
        let builder = self.builders.get(&id).filter(|builder| !builder.is_empty())?;
        let mut others =
            linked.iter().filter(|&&other| other != id).filter_map(|other| self.builders.get(other)).peekable();
        if others.peek().is_none() {
            return Some(builder.build(id, &[], injected));
        }
        let mut merged = builder.clone();
        others.for_each(|other| merged.absorb(other.clone()));
        Some(merged.build(id, linked, injected))
    }
    /// How many span records had no usable ids, so that they belong to no trace.
    pub fn invalid_spans(&self) -> usize {
        self.invalid
    }
    /// The files read, in the order of their names.
    pub fn files(&self) -> &[Loaded] {
        &self.files
    }
}

/// What lies beside traces in a folder and is surely none. Anything else that cannot be read is an error: a file left
/// out may hold the very span that must not be there.
const NO_TRACES: [&str; 5] = ["md", "txt", "yaml", "yml", "toml"];

/// Reads a file, or all files that lie directly in a folder (not hidden ones, nor texts and configuration by their
/// extension), in the order of their names. A trace may be spread over several files.
pub fn load(path: &Path) -> Result<SavedTraces, FileError> {
    load_bounded(path, MOST_BYTES)
}

fn load_bounded(path: &Path, most: u64) -> Result<SavedTraces, FileError> {
    let io = |source| FileError::Io { path: path.to_owned(), source };
    let mut saved = SavedTraces::default();
    let mut files = Vec::new();
    if std::fs::metadata(path).map_err(io)?.is_dir() {
        for entry in std::fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?;
            let path = entry.path();
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let other = path.extension().and_then(|at| at.to_str()).is_some_and(|at| NO_TRACES.contains(&at));
            if !hidden && !other && std::fs::metadata(&path).is_ok_and(|about| about.is_file()) {
                files.push(path);
            }
        }
        files.sort();
    } else {
        files.push(path.to_owned());
    }
    let mut left = most;
    for path in files {
        let bytes = bytes_of(&path, left, most)?;
        left -= bytes.len() as u64;
        let read = detect::read(&bytes, &mut saved);
        let (format, added) = read.map_err(|source| FileError::Wire { path: path.clone(), source })?;
        saved.files.push(Loaded { path, format, added });
    }
    Ok(saved)
}

/// The file's bytes, decompressed, at most `left` of them.
fn bytes_of(path: &Path, left: u64, most: u64) -> Result<Vec<u8>, FileError> {
    let io = |source| FileError::Io { path: path.to_owned(), source };
    let too_large = || FileError::TooLarge { path: path.to_owned(), most };
    let mut bytes = Vec::new();
    // By what is read, not by what the directory says: the file may grow meanwhile.
    std::fs::File::open(path).map_err(io)?.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > left {
        return Err(too_large());
    }
    match detect::inflate(&bytes, left) {
        Ok(std::borrow::Cow::Owned(plain)) => Ok(plain),
        Ok(std::borrow::Cow::Borrowed(_)) => Ok(bytes),
        Err(detect::Inflate::TooLarge) => Err(too_large()),
        Err(detect::Inflate::Broken(source)) => Err(FileError::Wire { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;

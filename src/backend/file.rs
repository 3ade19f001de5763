//! Saved traces: a file, or a folder of files, in any format that [`crate::wire::detect`] knows.

use crate::matcher::count_of;
use crate::source::{Content, ReadError, read_content, sort_paths};
use crate::trace::{Injected, SpanId, Trace, TraceBuilder, TraceId};
use crate::wire::detect::{self, Format};
use crate::wire::{Added, Sink, WireError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many bytes a file or folder may hold in all, decompressed.
pub const MOST_BYTES: u64 = 1 << 30;

/// Why saved traces could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system refused, or it is not a regular file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: ReadError,
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
    injected: BTreeMap<TraceId, Vec<SpanId>>,
    invalid: usize,
    // Those of them whose trace is not known either.
    homeless: usize,
    files: Vec<Loaded>,
}

impl Sink for SavedTraces {
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder {
        self.builders.entry(id).or_default()
    }
    fn invalid_span(&mut self, trace: Option<TraceId>) {
        self.invalid += 1;
        match trace {
            Some(id) => self.builder(id).invalid_spans(1),
            None => self.homeless += 1,
        }
    }
    fn injected(&mut self, trace: TraceId, span: SpanId) {
        let known = self.injected.entry(trace).or_default();
        if !known.contains(&span) {
            known.push(span);
        }
    }
}

impl SavedTraces {
    /// The ids of the traces that have spans, sorted.
    pub fn ids(&self) -> Vec<TraceId> {
        self.builders.iter().filter(|(_, builder)| !builder.is_empty()).map(|(&id, _)| id).collect()
    }
    /// The trace of this id together with the `linked` ones that are there; `None` if it has no spans.
    pub fn trace(&self, id: TraceId, linked: &[TraceId], injected: &Injected) -> Option<Trace> {
        let builder = self.collected(id)?;
        let half = id.half();
        let mut others = linked
            .iter()
            .chain(&half)
            .filter(|&&other| other != id)
            .filter_map(|other| self.builders.get(other))
            .peekable();
        if others.peek().is_none() {
            return Some(builder.build(id, &[], injected));
        }
        let mut merged = builder.clone();
        others.for_each(|other| merged.absorb(other.clone()));
        Some(merged.build(id, linked, injected))
    }
    /// The spans of one trace as [`SavedTraces::collected`] has them, with those that carry only the second half of its id.
    pub fn with_halves(&self, id: TraceId) -> Option<TraceBuilder> {
        let mut builder = self.collected(id)?.clone();
        if let Some(halves) = id.half().and_then(|half| self.collected(half)) {
            builder.absorb(halves.clone());
        }
        Some(builder)
    }
    /// The spans of the runner's own that called a trace, where a run saved it.
    pub fn injected(&self, id: TraceId) -> Injected {
        self.injected.get(&id).map_or(Injected::Unknown, |spans| Injected::Known(spans.clone()))
    }
    /// The spans of one trace as collected, not yet built; `None` if it has none.
    pub fn collected(&self, id: TraceId) -> Option<&TraceBuilder> {
        self.builders.get(&id).filter(|builder| !builder.is_empty())
    }
    /// The other traces with a span that links to one of `id`, sorted.
    pub fn linking_to(&self, id: TraceId) -> Vec<TraceId> {
        let links = |builder: &TraceBuilder| builder.linked().contains(&id);
        self.builders
            .iter()
            .filter(|(other, builder)| **other != id && links(builder))
            .map(|(&other, _)| other)
            .collect()
    }
    fn add(&mut self, path: PathBuf, bytes: &[u8]) -> Result<(), FileError> {
        match detect::read(bytes, self) {
            Ok((format, added)) => self.files.push(Loaded { path, format, added }),
            Err(source) => return Err(FileError::Wire { path, source }),
        }
        Ok(())
    }
    /// Spans that are in no trace may belong to any.
    fn all_read(&mut self) {
        for builder in self.builders.values_mut() {
            builder.invalid_spans(self.homeless);
        }
    }
    /// How many span records had no usable ids, so that they are in no trace.
    pub fn invalid_spans(&self) -> usize {
        self.invalid
    }
    /// What the files hold beside traces: ", but 2 span records without usable ids and 3 documents of metrics or logs". Empty if
    /// nothing.
    pub fn beside(&self) -> String {
        let counted = |count: usize, what: &str, more: &str| (count > 0).then(|| count_of(count, what) + more);
        let invalid = counted(self.invalid, "span record", " without usable ids");
        let skipped = self.files.iter().map(|file| file.added.skipped).sum();
        let skipped = counted(skipped, "document", " of metrics or logs, which are skipped");
        let all: Vec<String> = invalid.into_iter().chain(skipped).collect();
        if all.is_empty() { String::new() } else { format!(", but {}", all.join(" and ")) }
    }
    /// The files read, in the order of their names.
    pub fn files(&self) -> &[Loaded] {
        &self.files
    }
}

/// What lies beside traces in a folder and is surely none. Anything else that cannot be read is an error: a file left
/// out may hold the very span that must not be there.
const NO_TRACES: [&str; 5] = ["md", "txt", "yaml", "yml", "toml"];

/// The deepest folder below the one named that is looked into: a link may lead in a circle.
const DEEPEST: usize = 8;

/// Reads a file, or all files in a folder and those below it (not hidden ones, nor texts and configuration by their
/// extension), in the order of their names. A trace may be spread over several files.
pub fn load(path: &Path) -> Result<SavedTraces, FileError> {
    load_bounded(path, MOST_BYTES)
}

/// What these bytes of a file hold, as if they were all of it.
pub fn load_part(path: &Path, bytes: Vec<u8>) -> Result<SavedTraces, FileError> {
    let mut saved = SavedTraces::default();
    let bytes = plain(path, Content::Heap(bytes), MOST_BYTES, MOST_BYTES)?;
    saved.add(path.to_owned(), &bytes)?;
    saved.all_read();
    Ok(saved)
}

fn load_bounded(path: &Path, most: u64) -> Result<SavedTraces, FileError> {
    let io = |source| FileError::Read { path: path.to_owned(), source: ReadError::Io(source) };
    let mut saved = SavedTraces::default();
    let files = files_in(path).map_err(io)?;
    let mut left = most;
    for path in files {
        let bytes = bytes_of(&path, left, most)?;
        left -= bytes.len() as u64;
        saved.add(path, &bytes)?;
    }
    saved.all_read();
    Ok(saved)
}

/// The file itself, or the files of a folder that are read, sorted.
pub(crate) fn files_in(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let mut open = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let other = path.extension().and_then(|at| at.to_str()).is_some_and(|at| NO_TRACES.contains(&at));
            // Only what a link leads to has to be asked for.
            let is_folder = match entry.file_type()? {
                link if link.is_symlink() => path.is_dir(),
                known => known.is_dir(),
            };
            match is_folder {
                _ if entry.file_name().as_encoded_bytes().starts_with(b".") => {}
                true if depth < DEEPEST => open.push((path, depth + 1)),
                // What is left out may hold the very span that must not be there. Whether the rest are files at all is seen
                // when they are read.
                true => return Err(std::io::Error::other(format!("folders are nested deeper than {DEEPEST} in it"))),
                false if other => {}
                false => files.push(path),
            }
        }
    }
    sort_paths(&mut files);
    Ok(files)
}

/// The file's bytes, decompressed, at most `left` of them.
fn bytes_of(path: &Path, left: u64, most: u64) -> Result<Content, FileError> {
    let too_large = || FileError::TooLarge { path: path.to_owned(), most };
    let bytes = read_content(path, left).map_err(|error| match error {
        ReadError::TooLarge { .. } => too_large(),
        source => FileError::Read { path: path.to_owned(), source },
    })?;
    plain(path, bytes, left, most)
}

/// These bytes, decompressed if they are compressed.
fn plain(path: &Path, bytes: Content, left: u64, most: u64) -> Result<Content, FileError> {
    let too_large = || FileError::TooLarge { path: path.to_owned(), most };
    match detect::inflate(&bytes, left) {
        Ok(std::borrow::Cow::Owned(plain)) => Ok(Content::Heap(plain)),
        Ok(std::borrow::Cow::Borrowed(_)) => Ok(bytes),
        Err(detect::Inflate::TooLarge) => Err(too_large()),
        Err(detect::Inflate::Broken(source)) => Err(FileError::Wire { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;

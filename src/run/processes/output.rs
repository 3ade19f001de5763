//! What a process prints: its last lines for messages, all of it in a log, and the line that says that it is ready.

use crate::matcher::Finder;
use crate::redact::Redactor;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::SetOnce;
use tokio::task::JoinHandle;

/// How many lines are kept for the message when the process fails.
const KEPT_LINES: usize = 20;
/// How many characters of each.
const KEPT_OF_LINE: usize = 300;
/// How much of a line is read; the rest of a longer one is thrown away.
const LINE_LIMIT: usize = 64 << 10;
/// How large a log becomes.
const LOG_LIMIT: usize = 16 << 20;

/// The file that keeps what a process prints, without secrets.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    left: usize,
    redactor: Arc<Redactor>,
}

impl Log {
    /// Empties the file, or makes it.
    pub fn create(path: &Path, redactor: Arc<Redactor>) -> io::Result<Log> {
        Ok(Log { path: path.to_owned(), file: File::create(path)?, left: LOG_LIMIT, redactor })
    }

    fn line(&mut self, line: &str) {
        if self.left == 0 {
            return;
        }
        let mut line = self.redactor.text(line).into_owned();
        line.push('\n');
        if line.len() > self.left {
            line = format!("(more was printed; this log ends at {} MiB)\n", LOG_LIMIT >> 20);
            self.left = 0;
        }
        self.left = self.left.saturating_sub(line.len());
        if self.file.write_all(line.as_bytes()).is_err() {
            // The disk is full, say: the last lines are in messages all the same.
            self.left = 0;
        }
    }
}

/// A line, and when it came.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: Instant,
    pub(super) text: String,
}

/// Hears a line.
pub type Hear = Box<dyn Fn(&str) + Send + Sync>;

/// Where what a process prints goes beside its last lines.
#[derive(Default)]
pub struct Sink {
    /// A file for all of it.
    pub log: Option<Log>,
    /// Whoever hears each line.
    pub hear: Option<Hear>,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("log", &self.log).finish_non_exhaustive()
    }
}

/// What one process printed so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    last: Mutex<VecDeque<Line>>,
    sink: Mutex<Sink>,
    path: Option<PathBuf>,
    awaited: Option<Finder>,
    found: SetOnce<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Printed {
    /// Nothing yet. `awaited` is looked for in every line.
    pub(super) fn new(sink: Sink, awaited: Option<Finder>) -> Printed {
        let path = sink.log.as_ref().map(|log| log.path.clone());
        Printed(Arc::new(Shared { sink: Mutex::new(sink), path, awaited, ..Shared::default() }))
    }

    /// Reads until the process and all that hold its output have closed it.
    pub(super) fn read(&self, from: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let printed = self.clone();
        tokio::spawn(lines(from, move |line| printed.line(line)))
    }

    /// Takes a line.
    pub(crate) fn line(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let text = without_colour(line.trim_end());
        {
            let mut sink = lock(&self.0.sink);
            if let Some(log) = &mut sink.log {
                log.line(&text);
            }
            if let Some(hear) = &sink.hear {
                hear(&text);
            }
        }
        let is_awaited = self.0.awaited.as_ref().is_some_and(|pattern| pattern.find(&text).is_some());
        let text = crate::redact::cut(&text, KEPT_OF_LINE).into_owned();
        {
            let mut last = lock(&self.0.last);
            if last.len() == KEPT_LINES {
                last.pop_front();
            }
            last.push_back(Line { at: Instant::now(), text });
        }
        if is_awaited {
            // It may be printed again.
            let _ = self.0.found.set(());
        }
    }

    /// The last lines, those that came since then.
    pub(crate) fn since(&self, then: Option<Instant>) -> Vec<String> {
        let lines = self.last();
        let lines = lines.iter().filter(|line| then.is_none_or(|then| line.at >= then));
        lines.map(|line| line.text.clone()).collect()
    }

    /// The last lines.
    pub(super) fn last(&self) -> MutexGuard<'_, VecDeque<Line>> {
        lock(&self.0.last)
    }

    /// Where all lines are.
    pub(super) fn log(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Whether the line that is looked for has come.
    pub(super) fn has_awaited(&self) -> bool {
        self.0.found.initialized()
    }

    /// Waits for that line.
    pub(super) async fn awaited(&self) {
        self.0.found.wait().await;
    }
}

/// Hands on each line, as much of it as is read.
async fn lines(mut from: impl AsyncRead + Unpin, mut hear: impl FnMut(&[u8])) {
    let (mut buffer, mut line) = (vec![0; 8 << 10], Vec::new());
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        for piece in buffer[..read].split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n");
            let part = text.unwrap_or(piece);
            line.extend_from_slice(&part[..part.len().min(LINE_LIMIT - line.len())]);
            if text.is_some() {
                hear(&line);
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        hear(&line);
    }
}

/// A line without the control sequences by which programs colour their output (CSI, of ECMA-48).
fn without_colour(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, sequence)) = rest.split_once("\u{1b}[") {
        out += before;
        let end = sequence.find(|c| ('@'..='~').contains(&c));
        rest = end.map_or("", |end| &sequence[end + 1..]);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::redact::Secret;

    #[test]
    fn colours_of_a_log_are_left_out() {
        assert_eq!(without_colour("\u{1b}[2m10:00\u{1b}[0m \u{1b}[31;1mERROR\u{1b}[0m x[1]"), "10:00 ERROR x[1]");
        assert_eq!(without_colour("cut \u{1b}[31"), "cut ");
    }

    #[tokio::test]
    async fn a_line_without_end_takes_no_more_memory_than_a_long_one() {
        let endless = [vec![b'a'; 3 * LINE_LIMIT], b"\nnext\nlast".to_vec()].concat();
        let mut found = Vec::new();
        lines(endless.as_slice(), |line| found.push(line.to_vec())).await;
        assert_eq!((found.len(), found[0].len()), (3, LINE_LIMIT));
        assert_eq!((found[1].as_slice(), found[2].as_slice()), (b"next".as_slice(), b"last".as_slice()));
    }

    #[test]
    fn a_log_has_no_secrets_and_a_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.log");
        let redactor = Arc::new(Redactor::default());
        redactor.learn(&Secret::new("hush-hush"));
        let mut log = Log::create(&path, redactor).unwrap();
        log.line("it is hush-hush");
        log.left = 10;
        log.line("0123456789");
        log.line("x");
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "it is ***\n(more was printed; this log ends at 16 MiB)\n");
    }
}

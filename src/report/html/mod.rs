//! The run as one HTML file that opens from disk: it needs no other file, sends no request, and can be read without script.

mod data;
mod page;
mod plain;
mod spec;
mod traces;

use super::Reporter;
use crate::run::event::{Event, What};
use crate::run::record::RunRecord;
use std::io::{self, Write};

/// The page of a run.
pub fn document(record: &RunRecord) -> String {
    page::of(record)
}

/// Writes the page into `out`, once, and flushes it.
pub struct Html<W> {
    out: W,
}

impl<W: Write + Send> Html<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Html<W> {
        Html { out }
    }
}

impl<W: Write + Send> Reporter for Html<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let What::RunFinished(record) = &event.what else { return Ok(()) };
        self.out.write_all(document(record).as_bytes())?;
        self.out.flush()
    }
}

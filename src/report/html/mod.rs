//! The run as one HTML file that opens from disk: it needs no other file, sends no request, and can be read without script.

mod data;
mod page;
mod plain;
mod spec;
mod traces;

use crate::run::record::RunRecord;

/// The page of a run.
pub fn document(record: &RunRecord) -> String {
    page::of(record)
}

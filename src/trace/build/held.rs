//! A record as a builder holds it, and what building makes of it.

use super::record::SpanRecord;
use std::ops::Deref;

/// Most records of a trace are taken as they are: only those that are to be changed are copied.
#[derive(Debug, Clone)]
pub(super) struct Held<'b> {
    received: &'b SpanRecord,
    changed: Option<Box<SpanRecord>>,
}

impl<'b> Held<'b> {
    pub(super) fn new(received: &'b SpanRecord) -> Held<'b> {
        Held { received, changed: None }
    }
    /// The record, to be changed.
    pub(super) fn to_mut(&mut self) -> &mut SpanRecord {
        self.changed.get_or_insert_with(|| Box::new(self.received.clone()))
    }
    /// Puts another record in its place.
    pub(super) fn set(&mut self, record: SpanRecord) {
        self.changed = Some(Box::new(record));
    }
}

impl Deref for Held<'_> {
    type Target = SpanRecord;
    fn deref(&self) -> &SpanRecord {
        self.changed.as_deref().unwrap_or(self.received)
    }
}

//! A test's place in the session: how far it is, and what came of it.

use super::entry::Places;
use super::record::{TestRecord, Verdict};
use super::repeat::runs::Runs;
use super::wait::lock;
use crate::matcher::Value;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;
use tokio::sync::{OnceCell, SetOnce};

/// What those that need a test have of it.
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) captures: BTreeMap<String, Value>,
}

/// A test's place in the session.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) begun: AtomicBool,
    /// Where it stands in line since the setup of its file is done.
    places: Mutex<Option<Places>>,
    /// When its first step got its turn.
    pub(super) started: OnceLock<Instant>,
    pub(super) outcome: SetOnce<Outcome>,
    /// Its record, there before its outcome is, until the run's record takes it.
    pub(super) record: Mutex<Option<Arc<TestRecord>>>,
    /// Its runs, of a test that is repeated.
    pub(super) runs: Mutex<Option<Box<Runs>>>,
}

impl Slot {
    /// Lets the test stand in line, unless it has ended: nobody would take the place from there, and all behind it would wait.
    pub(super) fn line_up(&self, take: impl FnOnce() -> Option<Places>) {
        let mut places = lock(&self.places);
        if self.outcome.get().is_none() {
            *places = take();
        }
    }

    /// Where the test stands in line.
    pub(super) fn places(&self) -> Option<Places> {
        lock(&self.places).take()
    }

    /// The test has ended.
    pub(super) fn end(&self, done: Done) {
        let verdict = done.record.verdict;
        *lock(&self.record) = Some(Arc::new(done.record));
        // Fails only if it was set before, and a test begins once.
        let _ = self.outcome.set(Outcome { verdict, captures: done.captures });
        drop(self.places());
    }
}

/// What came of a test: its record, and what it captured for those that need it.
pub(super) struct Done {
    pub(super) record: TestRecord,
    pub(super) captures: BTreeMap<String, Value>,
}

impl Done {
    /// What came of a test of which nobody needs a capture.
    pub(super) fn of(record: TestRecord) -> Done {
        Done { record, captures: BTreeMap::new() }
    }
}

pub(super) struct FileState {
    /// What its setup captured, and why it did not pass. Nothing until the first test asks.
    pub(super) setup: OnceCell<(BTreeMap<String, Value>, Option<String>)>,
}

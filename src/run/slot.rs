//! A test's place in the session: how far it is, and what came of it.

use super::record::{TestRecord, Verdict};
use super::repeat::runs::Runs;
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
    /// When its first step got its turn.
    pub(super) started: OnceLock<Instant>,
    pub(super) outcome: SetOnce<Outcome>,
    /// Its record, there before its outcome is, until the run's record takes it.
    pub(super) record: Mutex<Option<Arc<TestRecord>>>,
    /// Its runs, of a test that is repeated.
    pub(super) runs: Mutex<Option<Box<Runs>>>,
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

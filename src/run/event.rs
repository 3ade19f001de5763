//! What reporters hear while a run goes on.

use super::record::{RunRecord, TestRecord};
use std::time::Duration;

/// One thing that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run begins.
    Started {
        /// How many tests were selected.
        tests: usize,
        /// In how many files.
        files: usize,
        /// Where traces are read, in words.
        backend: &'a str,
        /// The seed of random values and ids.
        seed: u64,
    },
    /// A process is being started.
    ProcessStarting {
        /// Its name.
        name: &'a str,
        /// Its command line.
        command: &'a str,
    },
    /// A process answers.
    ProcessReady {
        /// Its name.
        name: &'a str,
        /// How long that took.
        after: Duration,
    },
    /// A test ended.
    TestFinished(&'a TestRecord),
    /// The green of a test that had ended was broken by spans that came later.
    TestTurned(&'a TestRecord),
    /// Something worth knowing.
    Warning(&'a str),
    /// All is done.
    Finished(&'a RunRecord),
}

//! What happens while a run goes on, in the order in which it happens.
//!
//! The session says *what* happened ([`What`]); the fan-out adds *when* ([`Event`]).

use super::record::{RunRecord, StepRecord, TestRecord};
use crate::source::SourceFile;
use crate::trace::{Phase, TraceId};
use std::path::Path;
use std::time::Duration;

/// One thing that happened, and when.
#[derive(Debug)]
pub struct Event<'a> {
    /// Unix nanoseconds.
    pub at_ns: u64,
    /// What happened.
    pub what: What<'a>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum What<'a> {
    /// The run begins: everything that it needs is there.
    RunStarted {
        /// How many tests were selected.
        tests: usize,
        /// In how many files.
        files: usize,
        /// Where traces are read, in words.
        backend: &'a str,
        /// The seed of random values and ids.
        seed: u64,
    },
    /// A process runs already, and is taken as it is.
    ProcessReused {
        /// Its name.
        name: &'a str,
        /// By what that is known.
        why: &'a str,
    },
    /// A process is being started.
    ProcessStarting {
        /// Its name.
        name: &'a str,
        /// Its command line.
        command: &'a str,
    },
    /// A process is still not ready; said about once a second.
    ProcessStillStarting {
        /// Its name.
        name: &'a str,
        /// For how long it has been starting.
        waited: Duration,
        /// What it printed last.
        last_line: Option<&'a str>,
    },
    /// A process is ready.
    ProcessReady {
        /// Its name.
        name: &'a str,
        /// How long that took.
        after: Duration,
    },
    /// A test begins, with its first attempt or a further one.
    TestStarted {
        /// The test.
        test: TestName<'a>,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// A step begins.
    StepStarted {
        /// Its test.
        test: TestName<'a>,
        /// Its name; empty for a test of one step.
        step: &'a str,
    },
    /// A step waits for its trace; said when what it waits for changes.
    Waiting {
        /// Its test.
        test: TestName<'a>,
        /// Its name; empty for a test of one step.
        step: &'a str,
        /// The trace.
        trace_id: TraceId,
        /// How far the spans so far can be relied on.
        phase: Phase,
        /// How many spans there are so far.
        spans: usize,
        /// What is waited for, in words.
        reason: &'a str,
        /// When the wait is given up, in Unix nanoseconds.
        deadline_ns: Option<u64>,
    },
    /// A step ended.
    StepFinished {
        /// Its test.
        test: TestName<'a>,
        /// Its result.
        record: &'a StepRecord,
    },
    /// A test is repeated: another of its runs began, or was judged.
    Repeating {
        /// The test.
        test: TestName<'a>,
        /// How many runs there are to be, the warm-up not counted.
        runs: u32,
        /// How many have begun.
        begun: u32,
        /// How many of these were judged.
        judged: u32,
        /// How many of these did not pass.
        not_passed: u32,
    },
    /// A test ended.
    TestFinished(&'a TestRecord),
    /// A finished test was judged again at the end of the run, and its verdict changed.
    TestRejudged(&'a TestRecord),
    /// Something worth knowing at once.
    Warning(&'a str),
    /// All is done.
    RunFinished(&'a RunRecord),
}

/// Which test an event is about.
#[derive(Debug, Clone, Copy)]
pub struct TestName<'a> {
    /// Its name; `setup` or `teardown` for the steps of a file.
    pub name: &'a str,
    /// Its file.
    pub file: &'a Path,
    /// The line its name stands on; 1 for setup and teardown.
    pub line: usize,
}

impl<'a> TestName<'a> {
    pub(crate) fn new(name: &'a str, source: &'a SourceFile, at: u32) -> TestName<'a> {
        TestName { name, file: source.path(), line: source.line_column(at).line }
    }
}

/// Receives what happens in a run; called from many tests concurrently.
pub type Listener = Box<dyn Fn(&What<'_>) + Send + Sync>;

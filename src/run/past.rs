//! What is known of earlier runs, as far as a run needs it. How passes are kept is nothing that it knows: it asks [`Past`].

use crate::baseline::{Difference, Movement};
use crate::trace::{Trace, TraceId};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Which step of which test.
#[derive(Debug, Clone, Copy)]
pub struct StepName<'a> {
    /// The test's file.
    pub file: &'a Path,
    /// The test's name.
    pub test: &'a str,
    /// The step's position.
    pub position: usize,
    /// The step's name; empty for a test of one step.
    pub step: &'a str,
}

/// What is known of earlier runs.
pub trait Past: Send + Sync {
    /// Whether a pass of this step is known.
    fn knows(&self, step: &StepName<'_>) -> bool;
    /// What is different in a trace of this step since it last passed; `None` if no pass is known. The error says what is
    /// wrong with what was kept.
    fn since(&self, step: &StepName<'_>, trace: &Trace) -> Result<Option<SinceLastPass>, String>;
}

/// What is different since a test last passed.
#[derive(Debug, Clone)]
pub struct SinceLastPass {
    /// When that was, Unix nanoseconds.
    pub when_ns: u64,
    /// How long ago that is.
    pub ago: Duration,
    /// Whether it has passed since, without a whole trace to be kept.
    pub is_outdated: bool,
    /// The commit that was checked out then.
    pub commit: Option<String>,
    /// The trace's id then.
    pub trace_id: TraceId,
    /// The trace then, if there was room for it.
    pub trace: Option<Arc<Trace>>,
    /// What is different, what is worth reading first first.
    pub differences: Vec<Difference>,
    /// Where time went.
    pub movement: Option<Movement>,
    /// Why the trace is not compared, or why what is missing in it may only be late.
    pub incomplete: Option<String>,
}

impl SinceLastPass {
    /// The same, with each text as `text` has it.
    pub fn with_texts(&self, text: &dyn Fn(&str) -> String, trace: impl FnOnce(&Arc<Trace>) -> Arc<Trace>) -> Self {
        let SinceLastPass {
            when_ns,
            ago,
            is_outdated,
            commit,
            trace_id,
            trace: kept,
            differences,
            movement,
            incomplete,
        } = self;
        SinceLastPass {
            when_ns: *when_ns,
            ago: *ago,
            is_outdated: *is_outdated,
            commit: commit.as_ref().map(|commit| text(commit)),
            trace_id: *trace_id,
            trace: kept.as_ref().map(trace),
            differences: differences.iter().map(|one| one.with_texts(text)).collect(),
            movement: movement.as_ref().map(|movement| movement.with_texts(text)),
            incomplete: incomplete.as_ref().map(|why| text(why)),
        }
    }
}

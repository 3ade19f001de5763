//! What stays of a run: the material of every report.

mod repeat;

pub use super::exchange::{AnswerRecord, BodyRecord, Protocol, RequestRecord};
pub use super::past::SinceLastPass;
pub use super::program::ProgramRecord;
pub use repeat::*;

use crate::assert::{Finding, Unseen};
use crate::source::{SourceFile, Span};
use crate::trace::{SpanId, Trace, TraceId};
use std::sync::Arc;
use std::time::Duration;

/// The result of a test, a step, or a whole run; ordered by severity, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Not run.
    Skipped,
    /// Every expectation held.
    Pass,
    /// Passed after a retry.
    Flaky,
    /// Could not be decided from the trace.
    Inconclusive,
    /// The answer or the trace could not be had.
    Error,
    /// An expectation was violated.
    Fail,
}

impl Verdict {
    /// The lower-case word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Skipped => "skipped",
            Verdict::Pass => "pass",
            Verdict::Flaky => "flaky",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Error => "error",
            Verdict::Fail => "fail",
        }
    }
}

/// One attempt at one step.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// The step's name; empty for a test of one step.
    pub name: String,
    /// The trace looked at.
    pub trace_id: Option<TraceId>,
    /// Where a browser shows that trace.
    pub link: Option<String>,
    /// What was sent.
    pub request: Option<RequestRecord>,
    /// What came back; not kept of a step that passed.
    pub answer: Option<AnswerRecord>,
    /// The program that was run.
    pub program: Option<ProgramRecord>,
    /// Its verdict.
    pub verdict: Verdict,
    /// Every expectation of the step with its verdict: those of the response first, each in the order of the spec.
    pub expectations: Vec<ExpectationRecord>,
    /// Remarks that do not change the verdict.
    pub remarks: Vec<String>,
    /// Why nothing could be found out.
    pub error: Option<String>,
    /// How long each part took.
    pub timing: Timing,
    /// The log of the wait, as a failure prints it.
    pub log: Option<String>,
    /// What processes of the system printed meanwhile, of a step that they may explain.
    pub logs: Vec<ProcessRecord>,
    /// The trace as it was judged.
    pub trace: Option<Arc<Trace>>,
    /// Whether that trace was whole, as far as can be known.
    pub settled: bool,
    /// What is different since the step last passed, of one that did not pass.
    pub since_last_pass: Option<Arc<SinceLastPass>>,
    /// A verdict turned red after the test was green, by spans that came later.
    pub late: bool,
    /// Why a passed step was judged again at the end of the run and no longer passes.
    pub rejudged: Option<String>,
    /// The span ids that the runner's own requests carried, if the trace is theirs.
    pub injected: Vec<SpanId>,
    /// Absences that hold of what this trace does not show to exist.
    pub unwitnessed: Vec<Unseen>,
}

/// One expectation and its verdict.
#[derive(Debug, Clone)]
pub struct ExpectationRecord {
    /// Its path: `trace.spans[0]`, `response.status`.
    pub path: String,
    /// Where the spec has it.
    pub at: Span,
    /// Its kind: `services`, `order`, `response`, …
    pub family: &'static str,
    /// [`Verdict::Error`] where it could not be judged.
    pub verdict: Verdict,
    /// Why it does not hold; empty if it does, and if it could not be judged.
    pub findings: Vec<Finding>,
}

impl StepRecord {
    /// A step of which nothing has happened yet.
    pub fn new(name: &str) -> StepRecord {
        StepRecord {
            name: name.to_owned(),
            trace_id: None,
            link: None,
            request: None,
            answer: None,
            program: None,
            verdict: Verdict::Skipped,
            expectations: Vec::new(),
            remarks: Vec::new(),
            error: None,
            timing: Timing::default(),
            log: None,
            logs: Vec::new(),
            trace: None,
            settled: false,
            since_last_pass: None,
            late: false,
            rejudged: None,
            injected: Vec::new(),
            unwitnessed: Vec::new(),
        }
    }
    /// A step that could not be carried out.
    pub fn error(name: &str, why: impl Into<String>) -> StepRecord {
        StepRecord { verdict: Verdict::Error, error: Some(why.into()), ..StepRecord::new(name) }
    }
    /// Lets go of what only a failure is explained by: most steps pass, and their bodies would add up.
    pub fn forget_bodies(&mut self) {
        self.answer = None;
        if let Some(request) = &mut self.request {
            request.body = None;
        }
        if let Some(program) = &mut self.program {
            (program.stdout, program.stderr) = (None, None);
        }
    }
    /// All remarks, each once: [`remarks`](StepRecord::remarks) and absences that no trace has witnessed.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.unwitnessed.iter().map(ToString::to_string).collect();
        notes.sort_unstable();
        notes.dedup();
        self.remarks.iter().cloned().chain(notes).collect()
    }
    /// What does not hold, in the order of the expectations.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.expectations.iter().flat_map(|expectation| &expectation.findings)
    }
}

/// How long each part of a step took, and what ended the wait.
#[derive(Debug, Clone, Default)]
pub struct Timing {
    /// From sending the request to the last byte of the answer.
    pub trigger: Duration,
    /// From the answer to the verdict.
    pub wait: Duration,
    /// From the arrival of the last span to the verdict, where spans came.
    pub after_last_span: Option<Duration>,
    /// What ended the wait, in words.
    pub settled_by: String,
    /// How often the backend was read, or had news.
    pub polls: u32,
}

/// One test, all its attempts considered.
#[derive(Debug, Clone)]
pub struct TestRecord {
    /// Its name.
    pub name: String,
    /// Its file.
    pub source: Arc<SourceFile>,
    /// The line its name stands on.
    pub line: usize,
    /// Its place among the tests of its file, counted from 0.
    pub position: usize,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When its first attempt began, in Unix nanoseconds; 0 if none did.
    pub started_ns: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// The steps of the last attempt.
    pub steps: Vec<StepRecord>,
    /// The attempts before the last, in their order; no more than the latest [`EARLIER_KEPT`].
    pub earlier: Vec<AttemptRecord>,
    /// From the start of the first attempt to the end of the last.
    pub duration: Duration,
    /// Its runs, of a test that is repeated. Then the first of its steps speaks of all runs, and the others are of one of them.
    pub repeat: Option<Box<RepeatRecord>>,
}

/// How many attempts before the last are kept.
pub const EARLIER_KEPT: usize = 5;

/// An attempt at a test that was tried again.
#[derive(Debug, Clone)]
pub struct AttemptRecord {
    /// Its verdict.
    pub verdict: Verdict,
    /// Its steps, up to the one that did not pass.
    pub steps: Vec<StepRecord>,
    /// How long it took.
    pub duration: Duration,
}

impl TestRecord {
    /// A test of which nothing has happened yet.
    pub fn new(name: impl Into<String>, source: &Arc<SourceFile>, line: usize) -> TestRecord {
        TestRecord {
            name: name.into(),
            source: Arc::clone(source),
            line,
            position: 0,
            verdict: Verdict::Skipped,
            reason: None,
            tags: Vec::new(),
            started_ns: 0,
            attempts: 0,
            steps: Vec::new(),
            earlier: Vec::new(),
            duration: Duration::ZERO,
            repeat: None,
        }
    }
    /// Where the record of a step of the plan stands among its steps.
    pub fn step_at(&self, planned: usize) -> usize {
        planned + usize::from(self.repeat.is_some())
    }
}

/// A whole run.
#[derive(Debug, Clone, Default)]
pub struct RunRecord {
    /// The tests, in the order of their files and lines.
    pub tests: Vec<TestRecord>,
    /// What went wrong with the run as a whole: a process of the system died, a teardown did not pass.
    pub errors: Vec<String>,
    /// Remarks on the whole run.
    pub remarks: Vec<String>,
    /// When it began, in Unix nanoseconds.
    pub started_ns: u64,
    /// How long it took.
    pub duration: Duration,
    /// The seed of its random values.
    pub seed: u64,
    /// Whether it was ended before all its tests were.
    pub interrupted: bool,
    /// Where it ran.
    pub environment: EnvironmentRecord,
    /// The processes that it started, in the order in which they began.
    pub processes: Vec<ProcessRecord>,
    /// The part that it is of a whole, where the whole was divided.
    pub shard: Option<ShardRecord>,
}

/// A part of a run that several machines share (`--shard`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRecord {
    /// Which part, counted from 1.
    pub part: usize,
    /// Of how many.
    pub of: usize,
    /// How many tests the whole has.
    pub tests: usize,
    /// The same for all parts of one division: which tests there are, and in which part each is.
    pub digest: String,
}

/// Where a run took place, and of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentRecord {
    /// The version of this program.
    pub version: String,
    /// Where traces were read, in words.
    pub backend: String,
    /// The machine's name.
    pub host: Option<String>,
    /// The commit that was checked out.
    pub commit: Option<String>,
}

/// A process of the system under test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessRecord {
    /// Its name.
    pub name: String,
    /// What it printed last, line by line.
    pub last_lines: Vec<String>,
    /// How it ended while the run went on, in words: `exit status: 9`.
    pub ended: Option<String>,
}

impl RunRecord {
    /// How many tests came out so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tests.iter().filter(|test| test.verdict == verdict).count()
    }
    /// The worst verdict, [`Verdict::Error`] at least if there are errors of the run as a whole or if it was interrupted;
    /// `None` if no test ran.
    pub fn verdict(&self) -> Option<Verdict> {
        self.worst_of(self.tests.iter().map(|test| test.verdict))
    }
    /// The same of the tests' verdicts as somebody counts them.
    pub fn worst_of(&self, verdicts: impl Iterator<Item = Verdict>) -> Option<Verdict> {
        let whole = (!self.errors.is_empty() || self.interrupted).then_some(Verdict::Error);
        verdicts.filter(|&verdict| verdict != Verdict::Skipped).chain(whole).max()
    }
}

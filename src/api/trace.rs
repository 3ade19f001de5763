//! One trace to be verified.

#[cfg(feature = "receiver")]
use super::begun::Begun;
use super::error::SetupError;
use super::expectations::Expectations;
use super::outcome::Outcome;
use crate::assert::{self, Context, Judgement};
use crate::backend::file;
use crate::facts::Snapshot;
use crate::run::at_rest::{at_rest, only_trace};
use crate::run::outcome::{Summed, sum, unseen, waits_for, worst};
use crate::run::record::{StepRecord, TestRecord, Verdict};
use crate::spec::bind::Bind as _;
use crate::spec::plan::TraceExpectations;
use crate::spec::vars::{RunVars, Scope};
use crate::trace as model;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// A trace that a test begins, or one that was saved.
#[derive(Debug)]
pub struct Trace {
    pub(super) name: String,
    pub(super) of: Of,
}

#[derive(Debug)]
pub(super) enum Of {
    #[cfg(feature = "receiver")]
    Receiver(Begun),
    File(Arc<model::Trace>),
}

impl Trace {
    /// A saved trace: Jaeger's, Tempo's or OTLP's format, recognised by content. The file must hold one trace.
    pub fn saved(path: impl AsRef<Path>) -> Result<Trace, SetupError> {
        let path = path.as_ref();
        let traces = file::load(path).map_err(|why| SetupError(why.to_string()))?;
        let saved = only_trace(&traces, None).map_err(|why| SetupError(format!("{}: {why}", path.display())))?;
        Ok(Trace { name: path.display().to_string(), of: Of::File(saved) })
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn id(&self) -> String {
        match &self.of {
            #[cfg(feature = "receiver")]
            Of::Receiver(begun) => begun.id().to_string(),
            Of::File(saved) => saved.id().to_string(),
        }
    }

    /// The headers to send with the request (or as the metadata of the call, or the message's): `traceparent`,
    /// `tracestate`, `baggage`. Empty for a saved trace.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match &self.of {
            #[cfg(feature = "receiver")]
            Of::Receiver(begun) => begun.headers(&self.name),
            Of::File(_) => Vec::new(),
        }
    }

    /// Waits until the expectations are decided, and returns the outcome. Call it once the system has answered; a trace
    /// may be verified more than once.
    pub async fn verify(&self, expectations: &Expectations) -> Outcome {
        let started = Instant::now();
        let step = match &self.of {
            #[cfg(feature = "receiver")]
            Of::Receiver(begun) => begun.verified(&self.name, expectations).await,
            Of::File(saved) => judged(saved, expectations),
        };
        let step = step.unwrap_or_else(|why| StepRecord::error("", why));
        let test = TestRecord {
            verdict: step.verdict,
            attempts: 1,
            steps: vec![step],
            duration: started.elapsed(),
            ..TestRecord::new(self.name.as_str(), &expectations.source, 1)
        };
        Outcome { test }
    }
}

/// What holds of a saved trace: nothing more comes of it.
fn judged(saved: &Arc<model::Trace>, expectations: &Expectations) -> Result<StepRecord, String> {
    let (expect, waiting) = expectations.plan().map_err(|why| why.to_string())?;
    let expect = bound(&expect)?;
    let context = Context { silent: waiting.silent.iter().cloned().collect(), ..Context::default() };
    let snapshot = Snapshot::new(Arc::clone(saved));
    let (phase, lacks) = at_rest(&snapshot, &context);
    let mut record = StepRecord { trace_id: Some(saved.id()), ..StepRecord::new("") };
    put(&mut record, assert::judge(snapshot.facts(), &expect, phase, &context), &expect);
    record.timing.settled_by = "saved trace".to_owned();
    record.trace = Some(Arc::clone(saved));
    if record.verdict == Verdict::Inconclusive {
        waits_for(&lacks, &mut record.remarks);
    }
    Ok(record)
}

/// Nothing but literals is left in expectations that stand alone.
pub(super) fn bound(expect: &TraceExpectations) -> Result<TraceExpectations, String> {
    expect.bind(&Scope::bare(Arc::new(RunVars::default()))).map_err(|problem| problem.message)
}

pub(super) fn put(record: &mut StepRecord, judgements: Vec<Judgement>, expect: &TraceExpectations) {
    record.unwitnessed = unseen(&judgements);
    let Summed { expectations, remarks } = sum(judgements, expect);
    (record.verdict, record.expectations, record.remarks) = (worst(&expectations), expectations, remarks);
}

//! One trace to be verified.

use super::expectations::Expectations;
use super::outcome::Outcome;
use super::receiver::{Receiver, SetupError};
use crate::assert::{self, Context, Judgement};
use crate::backend::{file, settle};
use crate::facts::Snapshot;
use crate::run::absence;
use crate::run::judged::{ended_by, waits_for};
use crate::run::outcome::{Summed, sum, worst};
use crate::run::patience::Patience;
use crate::run::record::{ExpectationRecord, StepRecord, TestRecord, Verdict};
use crate::run::saved::{at_rest, only_trace};
use crate::run::wait::{Target, lock, wait};
use crate::spec::bind::Bind as _;
use crate::spec::plan::TraceExpectations;
use crate::spec::vars::{RunVars, Scope};
use crate::trace::{self as model, Injected, SpanId, TraceId};
use crate::trigger::context;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A trace that a test begins, or one that was saved.
#[derive(Debug)]
pub struct Trace {
    name: String,
    of: Of,
}

#[derive(Debug)]
enum Of {
    Receiver(Begun),
    File(Arc<model::Trace>),
}

#[derive(Debug)]
struct Begun {
    receiver: Receiver,
    id: TraceId,
    span: SpanId,
    began: Instant,
}

impl Trace {
    pub(super) fn begin(receiver: Receiver, name: String) -> Trace {
        let (id, span) = {
            let mut ids = lock(&receiver.inner.ids);
            (ids.trace(), ids.span())
        };
        Trace { name, of: Of::Receiver(Begun { receiver, id, span, began: Instant::now() }) }
    }

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
            Of::Receiver(begun) => begun.id.to_string(),
            Of::File(saved) => saved.id().to_string(),
        }
    }

    /// The headers to send with the request (or as the metadata of the call, or the message's): `traceparent`,
    /// `tracestate`, `baggage`. Empty for a saved trace.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let Of::Receiver(begun) = &self.of else { return Vec::new() };
        let mut headers = context::headers(begun.id, begun.span, &self.name, &[]);
        headers.push(("tracestate", format!("tracespec={}", begun.span)));
        headers
    }

    /// Waits until the expectations are decided, and returns the outcome. Call it once the system has answered; a trace
    /// may be verified more than once.
    pub async fn verify(&self, expectations: &Expectations) -> Outcome {
        let started = Instant::now();
        let step = match &self.of {
            Of::Receiver(begun) => self.received(begun, expectations).await,
            Of::File(saved) => self.judged(saved, expectations),
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

    async fn received(&self, begun: &Begun, expectations: &Expectations) -> Result<StepRecord, String> {
        let Begun { receiver, id, span, began } = begun;
        let (expect, waiting) = expectations.plan().map_err(|why| why.to_string())?;
        let expect = bound(&expect)?;
        let shared = &receiver.inner.shared;
        let mut watch = settle::Watch::new(receiver.wait_config(&waiting), shared.clock.of(*began));
        // A call that the system must answer with a span, as the runner's own requests are.
        let (peer, operation) = (String::new(), self.name.clone());
        watch.request(settle::Request { span: *span, peer, operation, error: false });
        watch.responded(shared.clock.now());
        let mut record = StepRecord { trace_id: Some(*id), injected: vec![*span], ..StepRecord::new("") };
        let context = || receiver.context(&waiting.silent);
        let injected = Injected::Known(record.injected.clone());
        let backend = &receiver.inner.place.backend;
        let target = Target {
            enough: None,
            backend,
            id: *id,
            injected,
            expect: &expect,
            context: &context,
            news: &|_, _, _, _| {},
            slots: &receiver.inner.slots,
            patience: &Patience::new(None),
        };
        let since = Instant::now();
        let waited = wait(shared, &target, watch).await;
        record.timing.wait = since.elapsed();
        record.timing.trigger = since.saturating_duration_since(*began);
        let now = shared.clock.now();
        record.timing.after_last_span = waited.last_span_ns.map(|at| Duration::from_nanos(now.saturating_sub(at)));
        record.timing.polls = u32::try_from(waited.watch.log().readings()).unwrap_or(u32::MAX);
        record.trace = waited.watch.trace().cloned();
        if let Some(facts) = waited.watch.facts() {
            receiver.witness(&facts);
        }
        if let Some(unread) = waited.unread {
            let error = unread.words(*id, || None);
            record.expectations = expect.list.iter().map(ExpectationRecord::not_judged).collect();
            (record.verdict, record.error) = (Verdict::Error, Some(error));
            record.log = Some(waited.watch.log().to_string());
            return Ok(record);
        }
        record.timing.settled_by = ended_by(&waited, &lock(&shared.knowledge));
        put(&mut record, waited.judgements, &expect);
        if record.verdict != Verdict::Pass {
            record.log = Some(waited.watch.log().to_string());
        }
        if record.verdict == Verdict::Inconclusive {
            waits_for(&waited.last.waiting_for, &mut record.remarks);
        }
        Ok(record)
    }

    fn judged(&self, saved: &Arc<model::Trace>, expectations: &Expectations) -> Result<StepRecord, String> {
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
}

/// Nothing but literals is left in expectations that stand alone.
fn bound(expect: &TraceExpectations) -> Result<TraceExpectations, String> {
    expect.bind(&Scope::bare(Arc::new(RunVars::default()))).map_err(|problem| problem.message)
}

fn put(record: &mut StepRecord, judgements: Vec<Judgement>, expect: &TraceExpectations) {
    record.unwitnessed = absence::of(&judgements);
    let Summed { expectations, remarks } = sum(judgements, expect);
    (record.verdict, record.expectations, record.remarks) = (worst(&expectations), expectations, remarks);
}

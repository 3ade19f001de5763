//! A trace that a test began: waited for, and judged as it comes.

use super::expectations::Expectations;
use super::receiver::Receiver;
use super::trace::{bound, put};
use crate::backend::settle;
use crate::run::outcome::waits_for;
use crate::run::patience::Patience;
use crate::run::record::{ExpectationRecord, StepRecord, Verdict};
use crate::run::wait::{Target, ended_by, lock, wait};
use crate::trace::{Injected, SpanId, TraceId};
use crate::trigger::context;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Begun {
    receiver: Receiver,
    id: TraceId,
    span: SpanId,
    began: Instant,
}

impl Begun {
    pub(super) fn now(receiver: Receiver) -> Begun {
        let (id, span) = {
            let mut ids = lock(&receiver.inner.ids);
            (ids.trace(), ids.span())
        };
        Begun { receiver, id, span, began: Instant::now() }
    }

    pub(super) fn id(&self) -> TraceId {
        self.id
    }

    pub(super) fn headers(&self, name: &str) -> Vec<(&'static str, String)> {
        let mut headers = context::headers(self.id, self.span, name, &[]);
        headers.push(("tracestate", format!("tracespec={}", self.span)));
        headers
    }

    /// Waits for it until the expectations are decided.
    pub(super) async fn verified(&self, name: &str, expectations: &Expectations) -> Result<StepRecord, String> {
        let Begun { receiver, id, span, began } = self;
        let (expect, waiting) = expectations.plan().map_err(|why| why.to_string())?;
        let expect = bound(&expect)?;
        let shared = &receiver.inner.shared;
        let mut watch = settle::Watch::new(receiver.wait_config(&waiting), shared.clock.of(*began));
        // A call that the system must answer with a span, as the runner's own requests are.
        let (peer, operation) = (String::new(), name.to_owned());
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
}

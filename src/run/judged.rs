//! The trace of a step: waited for, judged, and put into its record.

use super::event::What;
use super::green::{Green, Seen, is_whole};
use super::outcome::{Summed, sum, unseen, waits_for, worst};
use super::record::{ExpectationRecord, StepRecord, Verdict};
use super::step::{StepEnv, name};
use super::wait::{Target, ended_by, lock, wait};
use super::{never_came, response};
use crate::backend::settle;
use crate::spec::plan::{Step, TraceExpectations, Trigger};
use crate::trace::{Injected, Phase, TraceId};
use std::time::{Duration, Instant};

/// A trace that is to be judged.
pub(super) struct Waiting {
    pub(super) id: TraceId,
    pub(super) injected: Injected,
    pub(super) bound: TraceExpectations,
    pub(super) watch: settle::Watch,
    /// Host and port of each of its requests.
    pub(super) peers: Vec<String>,
    /// When they were under way, in Unix nanoseconds.
    pub(super) under_way: Option<(u64, u64)>,
}

/// A wait as that of a green step, or as that of one that did not pass.
pub(super) fn sorted(record: &StepRecord, judged: Option<Green>) -> (Option<Green>, Option<Green>) {
    if record.verdict == Verdict::Pass { (judged, None) } else { (None, judged) }
}

/// Waits for the trace and judges it; adds to the record, which has the answer's part. Returns what to look at again, if there
/// is a trace.
pub(super) async fn judge_trace(
    env: &StepEnv<'_>,
    step: &Step,
    record: &mut StepRecord,
    waiting: Waiting,
) -> Option<Green> {
    let session = env.session;
    let Waiting { id, injected, bound, watch, peers, under_way } = waiting;
    if let Injected::Known(spans) = &injected {
        record.injected.clone_from(spans);
    }
    let began = Instant::now();
    let waited = {
        let context = || session.context(&step.wait.silent);
        let news = |phase, spans, reason: &settle::Reason, deadline: Option<u64>| {
            let reason = match reason {
                // How long it has been quiet is old as soon as it is said.
                settle::Reason::Quiet { settle_ns, .. } => {
                    format!("waiting for {} of quiet", settle::Seconds(*settle_ns))
                }
                other => other.to_string(),
            };
            let (step, start) = (name(step), session.shared.clock.unix_start_ns());
            let deadline_ns = deadline.map(|at| start.saturating_add(at));
            env.tell(&What::Waiting { test: env.test, step, trace_id: id, phase, spans, reason: &reason, deadline_ns });
        };
        let reading = session.reading(env.at);
        let target = Target {
            backend: &reading.backend,
            id,
            injected: injected.clone(),
            expect: &bound,
            context: &context,
            news: &news,
            slots: &reading.slots,
            patience: env.patience,
            enough: session.options.whole.then_some(Phase::Settled),
        };
        wait(&session.shared, &target, watch).await
    };
    record.timing.wait = began.elapsed();
    let now = session.shared.clock.now();
    record.timing.after_last_span = waited.last_span_ns.map(|at| Duration::from_nanos(now.saturating_sub(at)));
    record.link = session.reading(env.at).link(id);
    record.timing.polls = u32::try_from(waited.watch.log().readings()).unwrap_or(u32::MAX);
    record.trace = waited.watch.trace().cloned();
    if let Some(facts) = waited.watch.facts() {
        session.witness(&facts);
        session.note_silent(&step.wait.silent, &peers, &facts);
    }
    if let Some(unread) = waited.unread {
        let asked = never_came::Asked { id, peers: &peers, under_way, trigger: &step.trigger };
        let why = unread.words(id, || never_came::cause(&session.processes(), &asked));
        could_not_judge(record, &bound, why);
        record.log = Some(waited.watch.log().to_string());
        return None;
    }
    record.timing.settled_by = ended_by(&waited, &lock(&session.shared.knowledge));
    record.unwitnessed = unseen(&waited.judgements);
    let Summed { expectations, remarks } = sum(waited.judgements, &bound);
    let of_answer = record.expectations.len();
    record.expectations.extend(expectations);
    record.verdict = worst(&record.expectations);
    record.remarks = remarks;
    record.settled = is_whole(waited.last.phase);
    let log = (record.verdict != Verdict::Pass).then(|| waited.watch.log().to_string());
    let silent = step.wait.silent.clone();
    let judged = Green {
        id,
        injected,
        expect: bound,
        silent,
        seen: Seen::Received(Box::new(waited.watch)),
        at: env.at,
        of_answer,
    };
    if record.verdict == Verdict::Pass {
        return Some(judged);
    }
    record.log = log;
    let reasons = &waited.last.waiting_for;
    if reasons.iter().any(|reason| matches!(reason, settle::Reason::MissingParent { .. })) {
        record.remarks.extend(session.reading(env.at).backend.leaves_out().map(str::to_owned));
    }
    if record.verdict == Verdict::Inconclusive {
        waits_for(reasons, &mut record.remarks);
    }
    Some(judged)
}

/// The trace could not be judged. A wrong answer outweighs that.
pub(super) fn could_not_judge(record: &mut StepRecord, trace: &TraceExpectations, why: String) {
    record.expectations.extend(trace.list.iter().map(ExpectationRecord::not_judged));
    record.verdict = worst(&record.expectations).max(Verdict::Error);
    record.error = Some(why);
}

/// Every expectation of a step, as one that could not be judged.
pub(super) fn not_judged(step: &Step) -> Vec<ExpectationRecord> {
    let mut all = Vec::new();
    if matches!(step.trigger, Trigger::Http(_) | Trigger::Grpc(_) | Trigger::Command(_)) {
        all.extend(response::not_judged(&step.response, step.at));
    }
    let of_trace = step.trace.iter().flat_map(|trace| &trace.list);
    all.extend(of_trace.map(ExpectationRecord::not_judged));
    all
}

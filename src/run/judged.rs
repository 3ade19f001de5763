//! The trace of a step: waited for, judged, and put into its record.

use super::event::What;
use super::green::{Green, Seen};
use super::outcome::{Summed, sum, worst};
use super::past::is_whole;
use super::record::{ExpectationRecord, StepRecord, Verdict};
use super::step::{StepEnv, name};
use super::wait::{Target, Waited, lock, wait};
use super::{absence, never_came};
use crate::backend::settle;
use crate::spec::plan::{Step, TraceExpectations};
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
    record.unwitnessed = absence::of(&waited.judgements);
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

/// Tells what is missing, and what the spec may say if it never comes.
pub(crate) fn waits_for(reasons: &[settle::Reason], remarks: &mut Vec<String>) {
    for reason in reasons {
        remarks.push(reason.to_string());
        if let Some(peer) = reason.suggests_silent() {
            remarks.push(format!("if `{peer}` takes part without exporting spans: `wait: {{ silent: [{peer}] }}`"));
        }
    }
}

/// What ended the wait, in words.
pub(crate) fn ended_by(waited: &Waited, knowledge: &settle::Run) -> String {
    let settle = settle::Seconds(waited.watch.settle_ns(knowledge));
    let certain = settle::Seconds(waited.watch.certain_ns(knowledge));
    match waited.last.phase {
        Phase::Growing => "decided by the spans received so far".to_owned(),
        Phase::Settled => format!("settled (complete, and quiet for {settle})"),
        Phase::Confirmed => format!("confirmed (complete, and quiet for {certain})"),
        Phase::Stalled => format!("stalled (incomplete, and unchanged for {certain})"),
        Phase::Expired => "given up at the deadline".to_owned(),
    }
}

/// The trace could not be judged. A wrong answer outweighs that.
pub(super) fn could_not_judge(record: &mut StepRecord, trace: &TraceExpectations, why: String) {
    record.expectations.extend(trace.list.iter().map(ExpectationRecord::not_judged));
    record.verdict = worst(&record.expectations).max(Verdict::Error);
    record.error = Some(why);
}

//! A test that does not pass held against its last pass.
//!
//! Only whole traces are compared. Many failures are decided before a trace is whole; then it is waited for it here, outside of the
//! test and its timeout, where the verdict stands already.

use super::event::What;
use super::green::{Green, Seen};
use super::past::{SinceLastPass, StepName};
use super::patience::Patience;
use super::record::{TestRecord, Verdict};
use super::session::Session;
use super::wait::{Target, wait};
use crate::trace::{Phase, Trace};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most that is waited for the rest of a trace of which a test's failure is known already.
const REST: Duration = Duration::from_secs(10);

impl Session {
    /// Says what is different in the last step of a test that did not pass. `unpassed` is its wait, where there was one.
    pub(super) async fn compare_with_past(self: &Arc<Self>, record: &mut TestRecord, unpassed: Option<Green>) {
        let Some(past) = &self.past else { return };
        let Some(position) = record.steps.len().checked_sub(1) else { return };
        let (file, test) = (record.source.path().to_owned(), record.name.clone());
        let step = &mut record.steps[position];
        if !matches!(step.verdict, Verdict::Fail | Verdict::Inconclusive) {
            return;
        }
        let name = step.name.clone();
        let of = StepName { file: &file, test: &test, position, step: &name };
        if !past.knows(&of) {
            return;
        }
        let Some(green) = unpassed else {
            let phase = if step.settled { Phase::Confirmed } else { Phase::Stalled };
            step.since_last_pass = self.since(&of, step.trace.as_ref(), phase).map(Arc::new);
            return;
        };
        let until = Instant::now() + REST;
        let mut looked = Looked { trace: green.seen.trace().cloned(), phase: green.seen.phase() };
        let mut since = None;
        // What is missing of a trace that has just settled may be late; what is not missing is as it is.
        for enough in [Phase::Settled, Phase::Confirmed] {
            if looked.phase < enough {
                looked = self.rest(&green, enough, until).await.unwrap_or(looked);
            }
            since = self.since(&of, looked.trace.as_ref(), looked.phase);
            if !since.as_ref().is_some_and(rests_on_absence) {
                break;
            }
        }
        step.since_last_pass = since.map(Arc::new);
    }

    /// What is different in a trace that can be relied on so far.
    pub(super) fn since(&self, of: &StepName<'_>, trace: Option<&Arc<Trace>>, phase: Phase) -> Option<SinceLastPass> {
        let (past, trace) = (self.past.as_ref()?, trace?);
        let mut since = match past.since(of, trace) {
            Ok(since) => since?,
            Err(why) => {
                self.tell(&What::Warning(&why));
                return None;
            }
        };
        if since.incomplete.is_some() {
            return Some(since);
        }
        match phase {
            Phase::Confirmed => {}
            Phase::Settled if !rests_on_absence(&since) => {}
            Phase::Settled => since.incomplete = Some("what is missing may be late".to_owned()),
            Phase::Stalled => since.incomplete = Some("spans of this trace are known to be missing".to_owned()),
            Phase::Growing | Phase::Expired => {
                (since.differences, since.movement) = (Vec::new(), None);
                since.incomplete = Some("not compared, since this trace did not become whole".to_owned());
            }
        }
        Some(since)
    }

    /// Waits for the rest of a trace until it is so reliable, or nothing more comes.
    async fn rest(self: &Arc<Self>, green: &Green, enough: Phase, until: Instant) -> Option<Looked> {
        let Seen::Received(watch) = &green.seen else { return None };
        let context = || self.context(&green.silent);
        let reading = self.reading(green.at);
        let target = Target {
            backend: &reading.backend,
            id: green.id,
            injected: green.injected.clone(),
            expect: &green.expect,
            context: &context,
            news: &|_, _, _, _| {},
            slots: &reading.slots,
            patience: &Patience::new(None),
            enough: Some(enough),
        };
        let waited =
            tokio::time::timeout_at(until.into(), wait(&self.shared, &target, (**watch).clone())).await.ok()?;
        Some(Looked { trace: waited.watch.trace().cloned(), phase: waited.last.phase })
    }
}

/// A trace as it was looked at last.
struct Looked {
    trace: Option<Arc<Trace>>,
    phase: Phase,
}

/// Whether something is said to be gone that may only be late.
fn rests_on_absence(since: &SinceLastPass) -> bool {
    since.differences.iter().any(|one| one.change.rests_on_absence())
}

//! Traces that were judged green, and what looking at them again shows.

use super::at::TestAt;
use super::outcome::{Summed, sum, worst};
use super::record::StepRecord;
use crate::assert::Judgement;
use crate::backend::settle;
use crate::facts::Snapshot;
use crate::spec::plan::TraceExpectations;
use crate::trace::{Injected, Phase, Trace, TraceId};
use std::sync::Arc;

/// A trace that was judged green: looked at again when the run ends.
pub(crate) struct Green {
    pub(crate) id: TraceId,
    pub(crate) injected: Injected,
    pub(crate) expect: TraceExpectations,
    pub(crate) silent: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) at: Option<TestAt>,
    /// How many of the step's expectations are of the answer; those of the trace follow them.
    pub(crate) of_answer: usize,
}

/// What is known of a green's trace.
pub(crate) enum Seen {
    /// It was waited for, and more of it may have come.
    Received(Box<settle::Watch>),
    /// It was saved, and can be relied on so far. What other traces show of its services may still break it: that a callee that did
    /// not answer exports spans, for one. The order of tests must not decide that.
    Saved(Snapshot, Phase),
}

impl Seen {
    pub(crate) fn trace(&self) -> Option<&Arc<Trace>> {
        match self {
            Seen::Received(watch) => watch.trace(),
            Seen::Saved(snapshot, _) => Some(snapshot.trace()),
        }
    }
    pub(crate) fn phase(&self) -> Phase {
        match self {
            Seen::Received(watch) => watch.phase(),
            Seen::Saved(_, phase) => *phase,
        }
    }
}

/// A green, and what it is of.
pub(super) struct Kept {
    pub(super) at: TestAt,
    /// The number of the run, of a test that is repeated.
    pub(super) run: Option<u32>,
    /// The step's position.
    pub(super) step: usize,
    pub(super) green: Green,
}

/// What a look at a green has shown.
pub(super) enum Looked {
    /// It is none any more.
    Turned(Box<Turned>),
    /// Spans came, and it still is.
    Grew(Arc<Trace>),
}

/// A step that was green until the run ended.
pub(super) struct Turned {
    pub(super) step: usize,
    pub(super) green: Green,
    pub(super) judgements: Vec<Judgement>,
    pub(super) late: bool,
    pub(super) why: String,
}

impl Turned {
    pub(super) fn trace(&self) -> Option<&Trace> {
        self.green.seen.trace().map(|trace| &**trace)
    }

    /// The step's record as it is now. The trace is the one that was judged again: findings name its rows.
    pub(super) fn put_into(self, step: &mut StepRecord) {
        let Summed { expectations, remarks } = sum(self.judgements, &self.green.expect);
        step.expectations.truncate(self.green.of_answer);
        step.expectations.extend(expectations);
        step.remarks = remarks;
        step.verdict = worst(&step.expectations);
        step.unwitnessed.clear();
        step.trace = self.green.seen.trace().cloned();
        (step.late, step.rejudged) = (self.late, Some(self.why));
    }
}

/// Whether a trace can be relied on as a whole.
pub(super) fn is_whole(phase: Phase) -> bool {
    matches!(phase, Phase::Settled | Phase::Confirmed)
}

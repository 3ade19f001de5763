//! What judging yields: a verdict for each expectation, and findings that say what is wrong with the system.

use super::lack::{Absent, Lack};
use super::rule::RuleId;
use super::witness::Unseen;
use crate::facts::{CallKey, Processes, names_peer};
use crate::source::Span;
use crate::trace::{SpanId, SpanIx, Trace};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of one expectation at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds, and no later span can change that (or none is to come).
    Pass,
    /// It is violated, and no later span can mend that (or none is to come).
    Fail,
    /// It can never be decided from this trace: clock uncertainty, or a trace that stayed incomplete.
    Inconclusive,
    /// Later spans may decide it. Never said in a final phase.
    Open,
}

impl Verdict {
    /// The lower-case word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Open => "open",
        }
    }
}

/// The verdict on one expectation.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Which expectation, as its position in `TraceExpectations::list`.
    pub expectation: usize,
    /// The key of the spec that it stands under, as [`Check::family`](crate::spec::plan::Check::family) names it.
    pub family: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// Why: at least one for [`Verdict::Fail`] and [`Verdict::Inconclusive`]; what is still missing for
    /// [`Verdict::Open`]; empty for [`Verdict::Pass`].
    pub findings: Vec<Finding>,
    /// Remarks that do not change the verdict (an alias was used, a trace without types).
    pub remarks: Vec<String>,
    /// What absences that hold name, and no trace seen so far shows to exist.
    pub unseen: Vec<Unseen>,
}

/// Something wrong with the system under test, or not to be found out from its trace: never an `Err`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule that was not kept or could not be checked.
    pub rule: RuleId,
    /// Which of the two, or that later spans may decide it. Never [`Verdict::Pass`].
    pub verdict: Verdict,
    /// The part of the spec that it breaks.
    pub at: Span,
    /// That part's path: `trace.spans[0].attributes.payment.method`.
    pub expectation: String,
    /// One sentence that says what is wrong, naming service and span.
    pub message: String,
    /// What the spec wants, in its own terms; empty where the message says it all.
    pub expected: String,
    /// What the trace has.
    pub actual: String,
    /// What may help: the nearest miss, a key to add.
    pub hint: Option<String>,
    /// The spans that decided it, by id, in row order.
    pub span_ids: Vec<SpanId>,
    /// The same spans as rows of the judged trace, for drawing the tree around them.
    pub rows: Vec<SpanIx>,
    /// Where it is about the order of two spans: the one that should have come first, and the other.
    pub pair: Option<(SpanIx, SpanIx)>,
    /// What is not there, where that is what is wrong.
    pub lacks: Vec<Lack>,
    /// The places at which it belongs, as far as the spec or a call says so.
    pub absent: Vec<Absent>,
}

impl Finding {
    /// A finding with nothing but its rule, verdict, place and message.
    pub fn new(rule: RuleId, verdict: Verdict, at: Span, expectation: impl Into<String>, message: String) -> Finding {
        Finding {
            rule,
            verdict,
            at,
            expectation: expectation.into(),
            message,
            expected: String::new(),
            actual: String::new(),
            hint: None,
            span_ids: Vec::new(),
            rows: Vec::new(),
            pair: None,
            lacks: Vec::new(),
            absent: Vec::new(),
        }
    }
    /// Names more spans that decided it.
    pub(super) fn add_rows(&mut self, trace: &Trace, rows: &[SpanIx]) {
        self.rows.extend(rows);
        self.rows.sort_unstable();
        self.rows.dedup();
        self.span_ids = self.rows.iter().map(|&ix| trace.span(ix).id()).collect();
    }
}

/// What judging needs to know beside the trace and the spec.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What other traces of this run have shown to exist.
    pub witnessed: Arc<Witnessed>,
    /// Services and peers that take part without exporting (`wait.silent`).
    pub silent: BTreeSet<String>,
    /// What is known of the processes that the runner started.
    pub processes: Processes,
}

impl Context {
    /// Whether the spec calls this service or peer silent.
    pub(crate) fn is_silent(&self, peer: &str) -> bool {
        self.silent.iter().any(|name| names_peer(name, peer))
    }
}

/// Names met in any trace of this run: an absence of anything else proves little.
#[derive(Debug, Clone, Default)]
pub struct Witnessed {
    /// Service names.
    pub services: BTreeSet<String>,
    /// Span names.
    pub span_names: BTreeSet<String>,
    /// Attribute keys, of spans and resources.
    pub attribute_keys: BTreeSet<String>,
    /// Calls that were answered, by key: one that goes unanswered now has lost its context.
    pub calls: BTreeSet<CallKey>,
}

//! What all expectations of one judging share: the facts of the trace, its selections, the spec, the phase, and remarks.

use super::finding::{Context, Finding, Verdict};
use super::rule::RuleId;
use super::selections::{Doubted, Picks, Selections};
use super::text;
use crate::analyse::outgoing::OutgoingCalls;
use crate::facts::{Clocks, Facts};
use crate::select::Query;
use crate::source::Span;
use crate::spec::plan::TraceExpectations;
use crate::trace::{Phase, SpanIx, Trace, TraceId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// The most spans that a finding names.
pub(super) const MOST_SPANS: usize = 50;

/// A call that was not answered in its trace, of something that exported nothing in this run, or elsewhere.
#[derive(Debug)]
pub(super) struct InVain {
    pub(super) call: SpanIx,
    /// The names by which the callee goes, the preferred one first.
    pub(super) names: Vec<String>,
    /// The trace in which it seems to have answered instead, with the process that did.
    pub(super) elsewhere: Option<(TraceId, String)>,
}

/// One judging.
pub(super) struct Judging<'a> {
    pub(super) trace: &'a Trace,
    pub(super) facts: &'a Facts<'a>,
    pub(super) selections: Selections<'a>,
    pub(super) expect: &'a TraceExpectations,
    pub(super) phase: Phase,
    pub(super) context: &'a Context,
    clocks: OnceCell<Clocks>,
    outgoing: OnceCell<OutgoingCalls>,
    remarks: RefCell<BTreeSet<String>>,
    /// Whether text was compared with a number or a boolean, in a trace without types.
    pub(super) by_text: Cell<bool>,
    /// Calls whose callees nobody has seen, found when first asked for; `witness` says what they are.
    pub(super) in_vain: OnceCell<Vec<InVain>>,
    /// How many spans were looked at for the sake of hints.
    looked: Cell<usize>,
    unended: OnceCell<bool>,
}

impl<'a> Judging<'a> {
    pub(super) fn new(
        facts: &'a Facts<'a>,
        expect: &'a TraceExpectations,
        phase: Phase,
        context: &'a Context,
    ) -> Judging<'a> {
        Judging {
            trace: facts.trace(),
            facts,
            selections: Selections::new(facts),
            expect,
            phase,
            context,
            clocks: OnceCell::new(),
            outgoing: OnceCell::new(),
            remarks: RefCell::default(),
            by_text: Cell::default(),
            in_vain: OnceCell::new(),
            looked: Cell::new(0),
            unended: OnceCell::new(),
        }
    }
    /// A finding with nothing but its rule, place, message and the spans that decided it. Its verdict is known where the
    /// expectation is concluded.
    pub(super) fn finding(&self, rule: RuleId, at: Span, path: &str, message: String, rows: &[SpanIx]) -> Finding {
        let mut rows: Vec<SpanIx> = rows.iter().take(MOST_SPANS).copied().collect();
        rows.sort_unstable();
        rows.dedup();
        let span_ids = rows.iter().map(|&ix| self.trace.span(ix).id()).collect();
        Finding { span_ids, rows, ..Finding::new(rule, Verdict::Open, at, path, message) }
    }
    /// How far the clocks of the trace are apart, given what the spec says of them.
    pub(super) fn clocks(&self) -> &Clocks {
        self.clocks.get_or_init(|| Clocks::of(self.facts, self.expect.max_skew))
    }
    /// The calls that services make, with what each asks for.
    pub(super) fn outgoing(&self) -> &OutgoingCalls {
        self.outgoing.get_or_init(|| OutgoingCalls::of(self.facts))
    }
    /// What a query picks, with a remark on whatever it found under another name or by its text.
    pub(super) fn picks(&self, query: &Query) -> Rc<Picks> {
        let picks = self.selections.picks(query);
        if query.reads_text_as_typed(self.trace) {
            self.by_text.set(true);
        }
        for alias in &picks.aliases {
            match alias.refused {
                None => self.note_alias(&alias.asked, &alias.found),
                Some(reason) => self.remark(format!(
                    "attribute {} was only found as {}, which cannot be compared: {reason}",
                    text::safe(&alias.asked),
                    text::safe(&alias.found)
                )),
            }
        }
        picks
    }
    /// What a selection may pick beside its picks.
    pub(super) fn in_doubt<'p>(&self, picks: &'p Picks) -> &'p Doubted {
        self.selections.in_doubt(picks)
    }
    /// Remarks that an attribute was found under another name than the spec's.
    pub(super) fn note_alias(&self, asked: &str, found: &str) {
        self.remark(format!("attribute {} was found as {}", text::safe(asked), text::safe(found)));
    }
    fn remark(&self, remark: String) {
        self.remarks.borrow_mut().insert(remark);
    }
    /// The remarks since the last time, for the expectation that caused them.
    pub(super) fn take_remarks(&self) -> BTreeSet<String> {
        if self.by_text.take() {
            let how = "numbers and booleans were compared by what the text says";
            self.remark(format!("the trace has every attribute as text: {how}"));
        }
        self.remarks.take()
    }
    /// Whether a span was received without an end: another record may complete it.
    pub(super) fn has_unended(&self) -> bool {
        let is_unended = |ix: SpanIx| self.trace.span(ix).told_times().1 == 0;
        *self.unended.get_or_init(|| self.trace.untimed().any(is_unended))
    }
    /// Whether another look at every span for the sake of a hint is worth its time: the first always is.
    pub(super) fn may_look_closer(&self) -> bool {
        const MOST_SPANS: usize = 2_000_000;
        let looked = self.looked.replace(self.looked.get() + self.trace.len());
        looked == 0 || looked + self.trace.len() <= MOST_SPANS
    }
}

//! What all expectations of one judging share: the trace, the phase, and what is computed once and used by many.

use super::finding::{Context, Finding, Verdict};
use super::lookup::Holds;
use super::rule::RuleId;
use super::text;
use crate::matcher::count_of;
use crate::select::{AliasUse, Doubted, Index, Monotone, Query};
use crate::source::Span;
use crate::spec::plan::{Check, Expectation, Selector, TraceExpectations};
use crate::trace::{Calls, Instances, Note, Phase, SpanId, SpanIx, Sym, Trace, TraceId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// The most spans that a finding names.
pub(super) const MOST_SPANS: usize = 50;

/// The spans that a query picks, in row order.
#[derive(Debug)]
pub(super) struct Picks {
    pub(super) rows: Vec<SpanIx>,
    aliases: Vec<AliasUse>,
    bits: OnceCell<Vec<u64>>,
    doubted: OnceCell<Doubted>,
}

impl Picks {
    /// Whether a selection, of which these are the picks, picks a span.
    pub(super) fn holds(&self, cx: &Cx<'_>, select: &Selector, ix: SpanIx) -> Holds {
        if self.has(ix) {
            return Holds::Yes;
        }
        let doubted = cx.in_doubt(self, &select.query);
        if doubted.lost.binary_search(&ix).is_ok() {
            Holds::Lost
        } else if doubted.rows.binary_search(&ix).is_ok() {
            Holds::ByType
        } else {
            Holds::No
        }
    }
    pub(super) fn has(&self, ix: SpanIx) -> bool {
        if self.rows.len() <= 8 {
            return self.rows.contains(&ix);
        }
        let bits = self.bits.get_or_init(|| {
            let most = self.rows.last().map_or(0, |ix| ix.index());
            let mut bits = vec![0u64; most / 64 + 1];
            self.rows.iter().for_each(|ix| bits[ix.index() / 64] |= 1 << (ix.index() % 64));
            bits
        });
        bits.get(ix.index() / 64).is_some_and(|word| word >> (ix.index() % 64) & 1 == 1)
    }
}

/// One judging.
pub(super) struct Cx<'a> {
    pub(super) trace: &'a Trace,
    pub(super) expect: &'a TraceExpectations,
    pub(super) phase: Phase,
    pub(super) context: &'a Context,
    // Several expectations name the same selection; queries have no hash, so they are found by a print of their form.
    picks: RefCell<HashMap<String, Rc<Picks>>>,
    pub(super) index: Index<'a>,
    notes: RefCell<BTreeSet<String>>,
    /// Whether text was compared with a number or a boolean, in a trace without types.
    pub(super) by_text: Cell<bool>,
    calls: OnceCell<Calls>,
    instances: OnceCell<Instances>,
    pub(super) edges: OnceCell<super::edges::Edges>,
    pub(super) clocks: OnceCell<super::order::Clocks>,
    pub(super) distinct: OnceCell<super::distinct::Assigned>,
    self_times: OnceCell<Vec<u64>>,
    own: OnceCell<Vec<SpanIx>>,
    instrumented: OnceCell<BTreeSet<&'a str>>,
    services: OnceCell<BTreeMap<&'a str, SpanIx>>,
    span_names: OnceCell<BTreeSet<&'a str>>,
    attribute_keys: OnceCell<BTreeSet<&'a str>>,
    looked: Cell<usize>,
    pub(super) families: OnceCell<super::order::Families>,
    below: RefCell<HashMap<String, Rc<Vec<bool>>>>,
    rows: OnceCell<HashMap<(TraceId, SpanId), SpanIx>>,
    unsettled: OnceCell<(String, Vec<SpanIx>)>,
    loss: OnceCell<Option<&'a Note>>,
}

impl<'a> Cx<'a> {
    pub(super) fn new(trace: &'a Trace, expect: &'a TraceExpectations, phase: Phase, context: &'a Context) -> Cx<'a> {
        Cx {
            trace,
            expect,
            phase,
            context,
            picks: RefCell::default(),
            index: Index::new(trace),
            notes: RefCell::default(),
            by_text: Cell::default(),
            calls: OnceCell::new(),
            instances: OnceCell::new(),
            edges: OnceCell::new(),
            clocks: OnceCell::new(),
            distinct: OnceCell::new(),
            self_times: OnceCell::new(),
            own: OnceCell::new(),
            instrumented: OnceCell::new(),
            services: OnceCell::new(),
            span_names: OnceCell::new(),
            attribute_keys: OnceCell::new(),
            looked: Cell::new(0),
            families: OnceCell::new(),
            below: RefCell::default(),
            rows: OnceCell::new(),
            unsettled: OnceCell::new(),
            loss: OnceCell::new(),
        }
    }
    /// The spans of the trace itself, without those of traces merged into it because they are linked.
    pub(super) fn own(&self) -> &[SpanIx] {
        self.own.get_or_init(|| {
            let id = self.trace.id();
            self.trace.spans().filter(|span| span.trace_id() == id).map(|span| span.ix()).collect()
        })
    }
    pub(super) fn is_own(&self, ix: SpanIx) -> bool {
        self.trace.span(ix).trace_id() == self.trace.id()
    }
    pub(super) fn calls(&self) -> &Calls {
        self.calls.get_or_init(|| Calls::of(self.trace))
    }
    pub(super) fn instances(&self) -> &Instances {
        self.instances.get_or_init(|| Instances::of(self.trace))
    }
    /// Each span's duration less the union of its children's, clipped to it. Children stand sorted by start.
    pub(super) fn self_time(&self, ix: SpanIx) -> u64 {
        self.self_times.get_or_init(|| {
            self.trace
                .spans()
                .map(|span| {
                    let (start, end) = (span.start_ns(), span.end_ns());
                    let mut covered_to = start;
                    let mut own = span.duration_ns();
                    for child in span.children() {
                        let from = child.start_ns().clamp(covered_to, end);
                        let to = child.end_ns().clamp(covered_to, end);
                        own -= to - from;
                        covered_to = to.max(covered_to);
                    }
                    own
                })
                .collect()
        })[ix.index()]
    }
    /// A finding with nothing but its rule, place, message and the spans that decided it. Its verdict is known where the
    /// expectation is concluded.
    pub(super) fn finding(&self, rule: RuleId, at: Span, path: &str, message: String, rows: &[SpanIx]) -> Finding {
        let mut rows: Vec<SpanIx> = rows.iter().take(MOST_SPANS).copied().collect();
        rows.sort_unstable();
        rows.dedup();
        Finding {
            rule,
            verdict: Verdict::Open,
            at,
            expectation: path.to_owned(),
            message,
            expected: String::new(),
            actual: String::new(),
            hint: None,
            span_ids: rows.iter().map(|&ix| self.trace.span(ix).id()).collect(),
            rows,
        }
    }
    /// What to say of an expectation that holds, but not on a trace that is known to be all.
    pub(super) fn not_settled(&self, index: usize) -> Finding {
        let Expectation { at, path, .. } = &self.expect.list[index];
        let (why, rows) = self.unsettled.get_or_init(|| self.why_unsettled());
        let message = format!("It holds for the spans at hand, but {why}.");
        let mut finding = self.finding(RuleId::TraceComplete, *at, path, message, rows);
        finding.expected = "a trace that is known to be complete".to_owned();
        finding.actual = format!("{} so far", count_of(self.trace.len(), "span"));
        finding
    }
    /// What was lost of the trace on its way, if anything: what is not there may have been.
    pub(super) fn loss(&self) -> Option<&'a Note> {
        *self.loss.get_or_init(|| self.trace.notes().iter().find(|note| note.is_loss()))
    }
    fn why_unsettled(&self) -> (String, Vec<SpanIx>) {
        if let Some(loss) = self.loss().filter(|_| matches!(self.phase, Phase::Settled | Phase::Confirmed)) {
            let rows = loss.lost_span().and_then(|id| self.trace.find(id));
            return (format!("the trace is not whole: {loss}"), rows.into_iter().collect());
        }
        if self.trace.partial() && self.phase == Phase::Expired {
            return ("the backend answered with only a part of the trace".to_owned(), Vec::new());
        }
        let orphans: Vec<SpanIx> = self.trace.tree().orphans().iter().copied().filter(|&ix| self.is_own(ix)).collect();
        let unanswered: Vec<SpanIx> = self.calls().unanswered().map(|call| call.span).collect();
        let what = if let Some(&first) = orphans.first() {
            let parents = count_of(orphans.len(), "span");
            (format!("the parent of {parents} never came (first: {})", text::span(self.trace, first)), orphans)
        } else if let Some(&first) = unanswered.first() {
            let calls = count_of(unanswered.len(), "call");
            (format!("{calls} went unanswered (first: {})", text::span(self.trace, first)), unanswered)
        } else if !self.own().iter().any(|&ix| self.trace.tree().roots().binary_search(&ix).is_ok()) {
            ("no root span came".to_owned(), Vec::new())
        } else {
            ("more spans may come".to_owned(), Vec::new())
        };
        match self.phase {
            Phase::Expired => (format!("the time to wait was over before the trace had settled: {}", what.0), what.1),
            Phase::Stalled => (format!("the trace stayed incomplete: {}", what.0), what.1),
            _ => ("the trace has not settled yet".to_owned(), Vec::new()),
        }
    }
    /// What a query may pick beside its picks; computed once.
    pub(super) fn in_doubt<'p>(&self, picks: &'p Picks, query: &Query) -> &'p Doubted {
        picks.doubted.get_or_init(|| query.in_doubt(&self.index, &picks.rows))
    }
    /// What the last aggregate of a query was that matches nothing.
    pub(super) fn last_aggregate(&self, query: &Query) -> Option<String> {
        query.last_aggregate(&self.index)
    }
    /// What a query picks; computed once.
    pub(super) fn picks(&self, query: &Query) -> Rc<Picks> {
        let print = format!("{query:?}");
        let known = self.picks.borrow().get(&print).map(Rc::clone);
        let picks = known.unwrap_or_else(|| {
            let selection = query.select(&self.index);
            let picks = Picks {
                rows: selection.spans(),
                aliases: selection.aliases,
                bits: OnceCell::new(),
                doubted: OnceCell::new(),
            };
            let picks = Rc::new(picks);
            self.picks.borrow_mut().insert(print, Rc::clone(&picks));
            picks
        });
        if query.reads_text_as_typed(self.trace) {
            self.by_text.set(true);
        }
        for alias in &picks.aliases {
            match alias.refused {
                None => self.note_alias(&alias.asked, alias.found),
                Some(reason) => self.note(format!(
                    "attribute {} was only found as {}, which can not be compared: {reason}",
                    text::safe(&alias.asked),
                    alias.found
                )),
            }
        }
        picks
    }
    /// Whether more spans can only add to what a query picks.
    pub(super) fn is_up(&self, query: &Query) -> bool {
        // TraceQL sees who is above whom only below a root.
        query.monotone() == Monotone::Up && !self.trace.tree().root_is_assumed()
    }
    /// Whether one of a span's ancestors is picked.
    pub(super) fn has_picked_ancestor(&self, query: &Query, ix: SpanIx) -> bool {
        let picks = self.picks(query);
        self.is_below(format!("{query:?}"), |parent| picks.has(parent), ix)
    }
    /// Whether one of a span's ancestors may be picked, for what was lost of it.
    pub(super) fn may_have_picked_ancestor(&self, query: &Query, ix: SpanIx) -> bool {
        let picks = self.picks(query);
        let lost = &self.in_doubt(&picks, query).lost;
        !lost.is_empty() && self.is_below(format!("lost {query:?}"), |parent| lost.binary_search(&parent).is_ok(), ix)
    }
    /// All spans are looked at at once: chains may be deep.
    fn is_below(&self, print: String, is: impl Fn(SpanIx) -> bool, ix: SpanIx) -> bool {
        let known = self.below.borrow().get(&print).map(Rc::clone);
        let below = known.unwrap_or_else(|| {
            let tree = self.trace.tree();
            let mut below = vec![false; self.trace.len()];
            for &at in tree.preorder() {
                if let Some(parent) = tree.parent(at) {
                    below[at.index()] = below[parent.index()] || is(parent);
                }
            }
            let below = Rc::new(below);
            self.below.borrow_mut().insert(print, Rc::clone(&below));
            below
        });
        below[ix.index()]
    }
    /// The row of a span of this trace or of one merged into it.
    pub(super) fn row_of(&self, trace: TraceId, span: SpanId) -> Option<SpanIx> {
        let rows = self
            .rows
            .get_or_init(|| self.trace.spans().map(|span| ((span.trace_id(), span.id()), span.ix())).collect());
        rows.get(&(trace, span)).copied()
    }
    /// The entry of `spans` with `distinct` that declares this name.
    pub(super) fn distinct_entry(&self, name: &str) -> Option<usize> {
        self.expect.list.iter().position(|expectation| match &expectation.check {
            Check::Spans(check) => check.distinct && check.name.as_deref() == Some(name),
            _ => false,
        })
    }
    /// Remarks that an attribute was found under another name than the spec's.
    pub(super) fn note_alias(&self, asked: &str, found: &str) {
        self.note(format!("attribute {} was found as {found}", text::safe(asked)));
    }
    fn note(&self, remark: String) {
        self.notes.borrow_mut().insert(remark);
    }
    /// The remarks since the last time, for the expectation that caused them.
    pub(super) fn take_notes(&self) -> BTreeSet<String> {
        if self.by_text.take() {
            let how = "numbers and booleans were compared by what the text says";
            self.note(format!("the trace tells every attribute as text: {how}"));
        }
        self.notes.take()
    }
    /// Services that are known to export spans: of this trace, of others in the run, or expected by the spec.
    pub(super) fn instrumented(&self) -> &BTreeSet<&str> {
        self.instrumented.get_or_init(|| {
            let mut known: BTreeSet<&str> = self.trace.service_names().into_iter().collect();
            known.extend(self.context.witnessed.services.iter().map(String::as_str));
            known.extend(super::propagation::named_services(self.expect));
            known.retain(|name| !self.context.silent.contains(*name));
            known
        })
    }
    /// The services of the trace, each with its first span; the empty name for spans without one.
    pub(super) fn services(&self) -> &BTreeMap<&'a str, SpanIx> {
        self.services.get_or_init(|| {
            let mut first: BTreeMap<Sym, SpanIx> = BTreeMap::new();
            for (row, &service) in self.trace.services.iter().enumerate() {
                first.entry(service).or_insert(SpanIx(row as u32));
            }
            first.into_iter().map(|(service, ix)| (self.trace.text(service), ix)).collect()
        })
    }
    /// The names of the trace's spans.
    pub(super) fn span_names(&self) -> &BTreeSet<&'a str> {
        self.span_names.get_or_init(|| texts(self.trace, self.trace.names.iter().copied()))
    }
    /// The attribute keys of the trace's spans and resources.
    pub(super) fn attribute_keys(&self) -> &BTreeSet<&'a str> {
        self.attribute_keys.get_or_init(|| {
            let resources = self.trace.resources().iter().flat_map(|resource| resource.attributes.iter());
            texts(self.trace, self.trace.attributes.keys().iter().copied().chain(resources.map(|(key, _)| *key)))
        })
    }
    /// Whether another look at every span for the sake of a hint is worth its time: the first always is.
    pub(super) fn may_look_closer(&self) -> bool {
        const MOST_SPANS: usize = 2_000_000;
        let looked = self.looked.replace(self.looked.get() + self.trace.len());
        looked == 0 || looked + self.trace.len() <= MOST_SPANS
    }
}

fn texts(trace: &Trace, syms: impl Iterator<Item = Sym>) -> BTreeSet<&str> {
    let mut seen = vec![false; trace.symbols().len()];
    syms.for_each(|sym| seen[sym.index()] = true);
    trace.symbols().iter().filter(|(sym, _)| seen[sym.index()]).map(|(_, text)| text).collect()
}

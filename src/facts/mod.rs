//! What is computed once of a trace and used by many: who called whom, who timed a span, what a span's own time is.
//!
//! [`Facts`] knows no spec and no phase. Everything in it is computed when it is first asked for. A [`Snapshot`] keeps
//! what was computed beside its trace, so that waiting for a trace and judging it share the work.

mod calls;
mod clocks;
mod edges;
mod exported;
mod instances;
mod names;
mod peer;
mod same_peer;
mod self_time;
pub(crate) mod semconv;
mod telemetry;
mod whereabouts;

pub(crate) use calls::wrappers;
pub use calls::{Call, Calls, Within, requests_answered};
pub use clocks::Clocks;
pub(crate) use clocks::{TwoReadings, UNBOUNDED, cut, is_one_process};
pub(crate) use edges::{Callee, Edge, Edges, lasting};
pub use exported::{Begun, Exported, Listener, PROCESS_ATTRIBUTE, Processes, Started, addresses};
pub use instances::{ClockIx, InstanceIx, Instances, RUN_ATTRIBUTE};
pub use peer::{CallKey, CallNames};
pub(crate) use peer::{Described, is_data, peer_names};
pub use same_peer::names_peer;
pub use telemetry::{Effect, Setting, service_of, settings};
pub use whereabouts::Whereabouts;

use crate::trace::{Note, SpanId, SpanIx, Sym, Trace, TraceId};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The facts of a trace. A clone shares what has been computed.
#[derive(Debug, Clone)]
pub struct Facts<'t> {
    trace: &'t Trace,
    computed: Arc<Computed>,
}

/// What is computed of one trace, by rows and positions only, so that it borrows nothing.
#[derive(Debug, Default)]
struct Computed {
    calls: OnceLock<Calls>,
    call_names: OnceLock<CallNames>,
    instances: OnceLock<Instances>,
    edges: OnceLock<Edges>,
    self_times: OnceLock<Vec<u64>>,
    own: OnceLock<Vec<SpanIx>>,
    rows: OnceLock<HashMap<(TraceId, SpanId), SpanIx>>,
    loss: OnceLock<Option<usize>>,
    services: OnceLock<Vec<SpanIx>>,
    span_names: OnceLock<Vec<Sym>>,
    attribute_keys: OnceLock<Vec<Sym>>,
}

/// A trace together with what has been computed of it so far.
#[derive(Debug, Clone)]
pub struct Snapshot {
    trace: Arc<Trace>,
    computed: Arc<Computed>,
}

impl Snapshot {
    /// A trace of which nothing has been computed yet.
    pub fn new(trace: Arc<Trace>) -> Snapshot {
        Snapshot { trace, computed: Arc::default() }
    }
    /// The trace.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }
    /// Its facts; those computed before are not computed again.
    pub fn facts(&self) -> Facts<'_> {
        Facts { trace: &self.trace, computed: Arc::clone(&self.computed) }
    }
}

impl<'t> From<&'t Trace> for Facts<'t> {
    fn from(trace: &'t Trace) -> Facts<'t> {
        Facts { trace, computed: Arc::default() }
    }
}

impl<'t> From<&Facts<'t>> for Facts<'t> {
    fn from(facts: &Facts<'t>) -> Facts<'t> {
        facts.clone()
    }
}

impl<'t> From<&'t Arc<Trace>> for Facts<'t> {
    fn from(trace: &'t Arc<Trace>) -> Facts<'t> {
        Facts::from(&**trace)
    }
}

impl<'t> Facts<'t> {
    /// The trace.
    pub fn trace(&self) -> &'t Trace {
        self.trace
    }
    /// Its outgoing calls.
    pub fn calls(&self) -> &Calls {
        self.computed.calls.get_or_init(|| Calls::of(self.trace))
    }
    /// The attributes under which it names what is called.
    pub fn call_names(&self) -> &CallNames {
        self.computed.call_names.get_or_init(|| CallNames::of(self.trace))
    }
    /// Its service instances and the machines they ran on.
    pub fn instances(&self) -> &Instances {
        self.computed.instances.get_or_init(|| Instances::of(self.trace))
    }
    /// The calls between its services, as `calls` counts them.
    pub(crate) fn edges(&self) -> &Edges {
        self.computed.edges.get_or_init(|| Edges::of(self))
    }
    /// A span's duration less the union of its children's, clipped to it.
    pub fn self_time(&self, ix: SpanIx) -> u64 {
        self.computed.self_times.get_or_init(|| self_time::of(self.trace))[ix.index()]
    }
    /// The spans of the trace itself, without those of traces merged into it because they are linked.
    pub fn own(&self) -> &[SpanIx] {
        self.computed.own.get_or_init(|| {
            let id = self.trace.id();
            self.trace.spans().filter(|span| span.trace_id() == id).map(|span| span.ix()).collect()
        })
    }
    /// Whether a span is of the trace itself.
    pub fn is_own(&self, ix: SpanIx) -> bool {
        self.trace.span(ix).trace_id() == self.trace.id()
    }
    /// The row of a span of this trace or of one merged into it.
    pub fn row_of(&self, trace: TraceId, span: SpanId) -> Option<SpanIx> {
        let rows = self
            .computed
            .rows
            .get_or_init(|| self.trace.spans().map(|span| ((span.trace_id(), span.id()), span.ix())).collect());
        rows.get(&(trace, span)).copied()
    }
    /// What was lost of the trace on its way, if anything: what is not there may have been.
    pub fn loss(&self) -> Option<&'t Note> {
        let at = *self.computed.loss.get_or_init(|| self.trace.notes().iter().position(Note::is_loss));
        at.map(|at| &self.trace.notes()[at])
    }
    /// The first span whose times are not known, if there is one: what needs its time cannot be decided.
    pub fn lost_time(&self) -> Option<&'t Note> {
        if self.trace.untimed().len() == 0 { None } else { self.trace.notes().iter().find(|note| note.is_of_times()) }
    }
    /// The services of the trace by name, each with its first span; the empty name for spans without one.
    pub fn services(&self) -> impl Iterator<Item = (&'t str, SpanIx)> {
        let trace = self.trace;
        self.first_of_services().iter().map(move |&ix| (trace.text(trace.services[ix.index()]), ix))
    }
    /// The first span of a service.
    pub fn service(&self, name: &str) -> Option<SpanIx> {
        let first = self.first_of_services();
        let at = first.binary_search_by_key(&name, |ix| self.trace.text(self.trace.services[ix.index()])).ok()?;
        Some(first[at])
    }
    fn first_of_services(&self) -> &[SpanIx] {
        self.computed.services.get_or_init(|| names::services(self.trace))
    }
    /// The names of the trace's spans, in order.
    pub fn span_names(&self) -> impl Iterator<Item = &'t str> {
        let trace = self.trace;
        self.sorted_span_names().iter().map(move |&sym| trace.text(sym))
    }
    /// Whether a span of the trace has this name.
    pub fn has_span_name(&self, name: &str) -> bool {
        names::has(self.trace, self.sorted_span_names(), name)
    }
    fn sorted_span_names(&self) -> &[Sym] {
        self.computed.span_names.get_or_init(|| names::span_names(self.trace))
    }
    /// The attribute keys of the trace's spans and resources, in order.
    pub fn attribute_keys(&self) -> impl Iterator<Item = &'t str> {
        let trace = self.trace;
        self.sorted_attribute_keys().iter().map(move |&sym| trace.text(sym))
    }
    /// Whether a span or a resource of the trace has an attribute under this key.
    pub fn has_attribute_key(&self, key: &str) -> bool {
        names::has(self.trace, self.sorted_attribute_keys(), key)
    }
    fn sorted_attribute_keys(&self) -> &[Sym] {
        self.computed.attribute_keys.get_or_init(|| names::attribute_keys(self.trace))
    }
}

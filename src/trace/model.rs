//! The trace: one column for each fact of a span, rows sorted by (start, end, id), so that nothing depends on arrival.

use super::attributes::AttributeColumns;
use super::ids::{SpanId, TraceId};
use super::list::List;
use super::note::Note;
use super::symbols::{Sym, Symbols};
use super::tree::Tree;
use std::fmt;
use std::sync::Arc;

/// A row of a [`Trace`]: the position of a span in its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanIx(pub u32);

/// The position of a [`Resource`] in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceIx(pub u32);

/// The position of a [`Scope`] in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeIx(pub u32);

impl SpanIx {
    /// As an index into a column.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// OpenTelemetry's SpanKind. The order is the wire's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// Not said.
    #[default]
    Unspecified,
    /// Work inside one service.
    Internal,
    /// Handles a remote request.
    Server,
    /// Awaits a remote answer.
    Client,
    /// Sends a message whose handling it does not await.
    Producer,
    /// Handles a message.
    Consumer,
}

impl Kind {
    /// All kinds, in the wire's order.
    pub const ALL: [Kind; 6] =
        [Kind::Unspecified, Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
    /// The lower-case word that specs and TraceQL use.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Unspecified => "unspecified",
            Kind::Internal => "internal",
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
        }
    }
}

/// OpenTelemetry's StatusCode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum StatusCode {
    /// Not set: instrumentation leaves it so on success.
    #[default]
    Unset,
    /// Explicitly fine; final, suppresses errors.
    Ok,
    /// Failed.
    Error,
}

impl StatusCode {
    /// All codes, in the wire's order.
    pub const ALL: [StatusCode; 3] = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error];
    /// The lower-case word that specs and TraceQL use.
    pub fn word(self) -> &'static str {
        match self {
            StatusCode::Unset => "unset",
            StatusCode::Ok => "ok",
            StatusCode::Error => "error",
        }
    }
}

/// An attribute's value, as typed as on the wire (OTLP AnyValue). Text is interned.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An AnyValue without a value.
    Empty,
    /// Text.
    Str(Sym),
    /// A boolean.
    Bool(bool),
    /// A 64-bit integer, also where the wire carries it as text.
    Int(i64),
    /// A 64-bit float, NaN and infinities included.
    Double(f64),
    /// Bytes.
    Bytes(List<u8>),
    /// An array of values.
    Array(List<Value>),
    /// A map; keys as sent.
    Map(List<(Sym, Value)>),
}

impl Value {
    /// Whether it is, or holds, text that was received without its type.
    pub(crate) fn is_untyped(&self, symbols: &Symbols) -> bool {
        match self {
            Value::Str(sym) => symbols.is_untyped(*sym),
            Value::Array(items) => items.iter().any(|item| item.is_untyped(symbols)),
            Value::Map(entries) => entries.iter().any(|(_, value)| value.is_untyped(symbols)),
            _ => false,
        }
    }
}

/// A set of attributes, sorted by key text; each key once.
pub type Attributes = Box<[(Sym, Value)]>;

/// What produced a span: a service instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// `service.name`, or the empty symbol where there is none.
    pub service: Sym,
    /// All resource attributes, `service.name` too.
    pub attributes: Attributes,
}

/// The instrumentation scope that made a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Its name, or the empty symbol.
    pub name: Sym,
    /// Its version, or the empty symbol.
    pub version: Sym,
    /// Its attributes.
    pub attributes: Attributes,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, in Unix nanoseconds.
    pub time_ns: u64,
    /// Its name.
    pub name: Sym,
    /// Its attributes.
    pub attributes: Attributes,
}

/// A reference to a span elsewhere, without being its child.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The linked span's trace.
    pub trace_id: TraceId,
    /// The linked span.
    pub span_id: SpanId,
    /// W3C tracestate, or the empty symbol.
    pub trace_state: Sym,
    /// Its attributes.
    pub attributes: Attributes,
}

/// How many facts of a span the SDK dropped over its limits: what is missing among them was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dropped {
    /// Attributes of the span.
    pub attributes: u32,
    /// Events, and attributes of events.
    pub events: u32,
    /// Links, and attributes of links.
    pub links: u32,
}

impl Dropped {
    /// All together.
    pub fn total(self) -> u64 {
        u64::from(self.attributes) + u64::from(self.events) + u64::from(self.links)
    }
    /// The greater of each.
    pub(super) fn most(self, other: Dropped) -> Dropped {
        Dropped {
            attributes: self.attributes.max(other.attributes),
            events: self.events.max(other.events),
            links: self.links.max(other.links),
        }
    }
}

/// One trace (with the traces merged into it, if links were followed).
///
/// Rows are sorted by start, then end, then span id. Columns of equal length hold one fact each, attributes one column a
/// key; events and links of all spans stand in one array each, with `offsets[row]..offsets[row + 1]` the span's part.
#[derive(Debug, Clone)]
pub struct Trace {
    pub(crate) id: TraceId,
    pub(crate) symbols: Symbols,
    pub(crate) resources: Vec<Resource>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) trace_ids: Vec<TraceId>,
    pub(crate) span_ids: Vec<SpanId>,
    pub(crate) parent_ids: Vec<Option<SpanId>>,
    pub(crate) names: Vec<Sym>,
    pub(crate) services: Vec<Sym>,
    pub(crate) resource_of: Vec<ResourceIx>,
    pub(crate) scope_of: Vec<ScopeIx>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) statuses: Vec<StatusCode>,
    pub(crate) status_messages: Vec<Sym>,
    pub(crate) trace_states: Vec<Sym>,
    pub(crate) flags: Vec<Option<u32>>,
    pub(crate) starts: Vec<u64>,
    pub(crate) ends: Vec<u64>,
    pub(crate) attributes: AttributeColumns,
    pub(crate) event_offsets: Vec<u32>,
    pub(crate) events: Vec<Event>,
    pub(crate) link_offsets: Vec<u32>,
    pub(crate) links: Vec<Link>,
    // Few spans have any: by row, ascending.
    pub(crate) dropped: Vec<(SpanIx, Dropped)>,
    pub(crate) untimed: Vec<(SpanIx, (u64, u64))>,
    pub(crate) tree: Tree,
    pub(crate) notes: Vec<Note>,
    // Where records contradict each other, the trace in its other versions.
    pub(crate) versions: Vec<Arc<Trace>>,
    pub(crate) untyped: bool,
    pub(crate) partial: bool,
}

impl Trace {
    /// The trace's id.
    pub fn id(&self) -> TraceId {
        self.id
    }
    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.span_ids.len()
    }
    /// Whether there is no span at all. (A trace that never came is an error, never an empty trace.)
    pub fn is_empty(&self) -> bool {
        self.span_ids.is_empty()
    }
    /// All spans in row order: by start, then end, then id.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = SpanRef<'_>> + Clone {
        (0..self.len() as u32).map(|row| SpanRef { trace: self, ix: SpanIx(row) })
    }
    /// One span. Panics on a row of another, longer trace.
    pub fn span(&self, ix: SpanIx) -> SpanRef<'_> {
        assert!(ix.index() < self.len(), "row {} of a trace of {} spans", ix.0, self.len());
        SpanRef { trace: self, ix }
    }
    /// The row of a span id. Linear; for reports, not for loops.
    pub fn find(&self, id: SpanId) -> Option<SpanIx> {
        self.span_ids.iter().position(|&at| at == id).map(|row| SpanIx(row as u32))
    }
    /// Parents, children, roots, depths.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
    /// The strings.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }
    /// A symbol's text.
    pub fn text(&self, sym: Sym) -> &str {
        self.symbols.text(sym)
    }
    /// What normalising changed or found odd, sorted.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
    /// Where records of a span contradict each other or two spans use one id ([`Note::of_versions`]): the trace in its other versions. What does not
    /// hold of all alike is not known.
    pub fn versions(&self) -> &[Arc<Trace>] {
        &self.versions
    }
    /// Whether the values of any attribute were received without their types ([`Note::Untyped`]).
    pub fn untyped(&self) -> bool {
        self.untyped
    }
    /// Whether this is the text of a value that was received without its type, so that it may stand for a number or a boolean.
    pub fn is_untyped(&self, sym: Sym) -> bool {
        self.untyped && self.symbols.is_untyped(sym)
    }
    /// The spans of which the SDK dropped something over its limits, in row order.
    pub fn dropped(&self) -> &[(SpanIx, Dropped)] {
        &self.dropped
    }
    /// The spans whose duration is not known ([`SpanRef::is_timed`]), in row order.
    pub fn untimed(&self) -> impl ExactSizeIterator<Item = SpanIx> {
        self.untimed.iter().map(|(ix, _)| *ix)
    }
    /// Whether the backend said that it left spans out.
    pub fn partial(&self) -> bool {
        self.partial
    }
    /// The resources.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }
    /// The scopes.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }
    /// The distinct service names, sorted by text; spans without one are left out.
    pub fn service_names(&self) -> Vec<&str> {
        let distinct: rustc_hash::FxHashSet<Sym> = self.services.iter().copied().collect();
        let mut names: Vec<&str> =
            distinct.into_iter().map(|sym| self.text(sym)).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
    /// Earliest start and latest end of all spans, in Unix nanoseconds; `None` without spans.
    pub fn interval(&self) -> Option<(u64, u64)> {
        // A start of 0 is a missing one.
        let start = self.starts.iter().copied().filter(|&start| start > 0).min();
        Some((start.unwrap_or(0), *self.ends.iter().max()?))
    }
    /// Latest end less earliest start, as Jaeger and Tempo show a trace's duration. Nanoseconds.
    pub fn duration_ns(&self) -> u64 {
        self.interval().map_or(0, |(start, end)| end.saturating_sub(start))
    }
    /// A value as a person reads it: text bare, arrays and maps as JSON-like text.
    pub fn show(&self, value: &Value) -> String {
        match value {
            Value::Empty => String::new(),
            Value::Str(sym) => self.text(*sym).to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Double(number) => number.to_string(),
            Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.show(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{}: {}", self.text(*key), self.show(value))).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

/// One span of a trace.
#[derive(Clone, Copy)]
pub struct SpanRef<'a> {
    trace: &'a Trace,
    ix: SpanIx,
}

impl fmt::Debug for SpanRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.service(), self.name(), self.id())
    }
}

impl<'a> SpanRef<'a> {
    /// The row.
    pub fn ix(self) -> SpanIx {
        self.ix
    }
    /// The trace.
    pub fn trace(self) -> &'a Trace {
        self.trace
    }
    /// The span's id (its own one, if it shared one).
    pub fn id(self) -> SpanId {
        self.trace.span_ids[self.ix.index()]
    }
    /// The id of the trace it was sent in, which differs from [`Trace::id`] for a span of a linked trace.
    pub fn trace_id(self) -> TraceId {
        self.trace.trace_ids[self.ix.index()]
    }
    /// The parent's id as sent, whether or not the trace has that span.
    pub fn parent_id(self) -> Option<SpanId> {
        self.trace.parent_ids[self.ix.index()]
    }
    /// The parent, if the trace has it.
    pub fn parent(self) -> Option<SpanRef<'a>> {
        self.trace.tree.parent(self.ix).map(|ix| self.trace.span(ix))
    }
    /// The children, in row order.
    pub fn children(self) -> impl ExactSizeIterator<Item = SpanRef<'a>> {
        let trace = self.trace;
        trace.tree.children(self.ix).iter().map(move |&ix| trace.span(ix))
    }
    /// The span's name.
    pub fn name(self) -> &'a str {
        self.trace.text(self.trace.names[self.ix.index()])
    }
    /// The service's name, empty where the resource has none.
    pub fn service(self) -> &'a str {
        self.trace.text(self.trace.services[self.ix.index()])
    }
    /// The kind.
    pub fn kind(self) -> Kind {
        self.trace.kinds[self.ix.index()]
    }
    /// The status code.
    pub fn status(self) -> StatusCode {
        self.trace.statuses[self.ix.index()]
    }
    /// The status message, empty where there is none.
    pub fn status_message(self) -> &'a str {
        self.trace.text(self.trace.status_messages[self.ix.index()])
    }
    /// W3C tracestate, empty where there is none.
    pub fn trace_state(self) -> &'a str {
        self.trace.text(self.trace.trace_states[self.ix.index()])
    }
    /// OTLP span flags, where the format keeps them.
    pub fn flags(self) -> Option<u32> {
        self.trace.flags[self.ix.index()]
    }
    /// Start, Unix nanoseconds.
    pub fn start_ns(self) -> u64 {
        self.trace.starts[self.ix.index()]
    }
    /// Whether start and end were received and the end is not before the start; otherwise the duration is not known and read
    /// as zero.
    pub fn is_timed(self) -> bool {
        self.untimed().is_none()
    }
    /// Start and end as they were received, Unix nanoseconds, 0 for what was missing.
    pub fn told_times(self) -> (u64, u64) {
        self.untimed().unwrap_or((self.start_ns(), self.end_ns()))
    }
    fn untimed(self) -> Option<(u64, u64)> {
        let untimed = &self.trace.untimed;
        untimed.binary_search_by_key(&self.ix, |(at, _)| *at).ok().map(|at| untimed[at].1)
    }
    /// End, Unix nanoseconds; never before the start.
    pub fn end_ns(self) -> u64 {
        self.trace.ends[self.ix.index()]
    }
    /// End less start, nanoseconds.
    pub fn duration_ns(self) -> u64 {
        self.end_ns() - self.start_ns()
    }
    /// The resource's position, equal for spans of one service instance's batches.
    pub fn resource_ix(self) -> ResourceIx {
        self.trace.resource_of[self.ix.index()]
    }
    /// The resource.
    pub fn resource(self) -> &'a Resource {
        &self.trace.resources[self.resource_ix().0 as usize]
    }
    pub(crate) fn scope_ix(self) -> ScopeIx {
        self.trace.scope_of[self.ix.index()]
    }
    /// The instrumentation scope.
    pub fn scope(self) -> &'a Scope {
        &self.trace.scopes[self.trace.scope_of[self.ix.index()].0 as usize]
    }
    /// The span's own attributes, sorted by key.
    pub fn attributes(self) -> impl ExactSizeIterator<Item = (Sym, &'a Value)> {
        self.trace.attributes.of(self.ix)
    }
    /// The value of one of the span's own attributes.
    pub fn attribute(self, key: &str) -> Option<&'a Value> {
        self.trace.attributes.get(self.ix, self.trace.symbols.get(key)?)
    }
    /// The value of one of the resource's attributes.
    pub fn resource_attribute(self, key: &str) -> Option<&'a Value> {
        let sym = self.trace.symbols.get(key)?;
        self.resource().attributes.iter().find(|(at, _)| *at == sym).map(|(_, value)| value)
    }
    /// The events, sorted by time.
    pub fn events(self) -> &'a [Event] {
        let offsets = &self.trace.event_offsets;
        &self.trace.events[offsets[self.ix.index()] as usize..offsets[self.ix.index() + 1] as usize]
    }
    /// The links, in the order sent.
    pub fn links(self) -> &'a [Link] {
        let offsets = &self.trace.link_offsets;
        &self.trace.links[offsets[self.ix.index()] as usize..offsets[self.ix.index() + 1] as usize]
    }
    /// What the SDK dropped of it over its limits.
    pub fn dropped(self) -> Dropped {
        let dropped = &self.trace.dropped;
        dropped.binary_search_by_key(&self.ix, |(at, _)| *at).map_or(Dropped::default(), |at| dropped[at].1)
    }
    /// Whether the span says that it failed: status Error, which Ok suppresses (analysis: is-error).
    pub fn is_error(self) -> bool {
        self.status() == StatusCode::Error
    }
}

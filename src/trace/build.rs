//! From span records in any order to one [`Trace`]: what analysis.md section 0 calls normalisation.

mod absorb;
mod aside;
mod by_id;
mod columns;
mod content;
mod duplicates;
mod held;
mod order;
mod plant;
mod received;
mod record;
mod renamed;
mod times;
mod versions;

use super::ids::{SpanId, TraceId};
use super::model::{Attributes, Dropped, Event, Kind, Link, Resource, ResourceIx, Scope, ScopeIx, Trace, Value};
use super::note::Note;
use super::symbols::{Sym, Symbols};
use hashbrown::HashTable;
use held::Held;
use order::{Order, sorted};
use plant::{collided, plant, split_shared_ids};
use received::Received;
pub(crate) use record::SpanHead;
pub use record::SpanRecord;
use record::{SpanKey, key};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// From so many spans on a second thread pays.
const LARGE: usize = 20_000;

/// Which span ids the runner itself put into the requests it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injected {
    /// These: one for each request sent. A span with such an id is the runner's own and left out of the trace, unless it is
    /// a SERVER span that shares it (Zipkin style); a span whose parent it is was called from outside and is a root.
    Known(Vec<SpanId>),
    /// Not known (a saved trace, a trace made elsewhere): if no span is without a parent and exactly one has a parent
    /// that is not in the trace, that span is the root.
    Unknown,
}

/// Collects spans of a trace (or of several) until [`TraceBuilder::build`].
#[derive(Debug, Clone, Default)]
pub struct TraceBuilder {
    symbols: Symbols,
    resources: Vec<Resource>,
    // By content: a hostile trace may bring a resource for each span.
    resource_rows: HashTable<ResourceIx>,
    scopes: Vec<Scope>,
    scope_rows: HashTable<ScopeIx>,
    // Of the last resource: those of one SDK have the same keys.
    order: Order,
    received: Received,
    invalid: usize,
    partial: bool,
    remarks: Vec<String>,
    // What readings that were joined here had lost.
    losses: Vec<Note>,
}

impl TraceBuilder {
    /// An empty builder.
    pub fn new() -> TraceBuilder {
        TraceBuilder::default()
    }
    /// The strings so far.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }
    /// The symbol of a text.
    pub fn intern(&mut self, text: &str) -> Sym {
        self.symbols.intern(text)
    }
    /// The symbol of a text in UTF-8; `None` for what is no text.
    pub(crate) fn intern_bytes(&mut self, text: &[u8]) -> Option<Sym> {
        self.symbols.intern_bytes(text)
    }
    /// The symbol of a value's text whose format has no types ([`Symbols::intern_untyped`]).
    pub fn intern_untyped(&mut self, text: &str) -> Sym {
        self.symbols.intern_untyped(text)
    }
    /// Sorted by key, each key once (the last one wins): the form that [`Event`], [`Link`](super::Link) and [`Value::Map`]
    /// hold. Spans, resources and scopes are brought into it by the builder itself.
    pub fn attributes(&self, attributes: Vec<(Sym, Value)>) -> Attributes {
        sorted(&self.symbols, attributes)
    }
    /// The position of a resource, made if no equal one is there.
    pub fn resource(&mut self, attributes: Vec<(Sym, Value)>) -> ResourceIx {
        let attributes = self.order.sorted(&self.symbols, attributes);
        let key = self.symbols.intern("service.name");
        let service = match attributes.iter().find(|(at, _)| *at == key) {
            Some((_, Value::Str(sym))) => *sym,
            _ => Sym::EMPTY,
        };
        let (resources, hasher) = (&self.resources, self.symbols.hasher());
        let hash = |attributes: &[(Sym, Value)]| content::hash(hasher, &[], attributes);
        let is = |at: &ResourceIx| content::same(&resources[at.0 as usize].attributes, &attributes);
        if let Some(at) = self.resource_rows.find(hash(&attributes), is) {
            return *at;
        }
        let new = ResourceIx(self.resources.len() as u32);
        let place = |at: &ResourceIx| hash(&resources[at.0 as usize].attributes);
        self.resource_rows.insert_unique(hash(&attributes), new, place);
        self.resources.push(Resource { service, attributes });
        new
    }
    /// The position of a scope, made if no equal one is there.
    pub fn scope(&mut self, name: &str, version: &str, attributes: Vec<(Sym, Value)>) -> ScopeIx {
        let attributes = sorted(&self.symbols, attributes);
        let scope = Scope { name: self.symbols.intern(name), version: self.symbols.intern(version), attributes };
        let (scopes, hasher) = (&self.scopes, self.symbols.hasher());
        let hash = |scope: &Scope| content::hash(hasher, &[scope.name, scope.version], &scope.attributes);
        let is = |at: &ScopeIx| {
            let there = &scopes[at.0 as usize];
            (there.name, there.version) == (scope.name, scope.version)
                && content::same(&there.attributes, &scope.attributes)
        };
        if let Some(at) = self.scope_rows.find(hash(&scope), is) {
            return *at;
        }
        let new = ScopeIx(self.scopes.len() as u32);
        self.scope_rows.insert_unique(hash(&scope), new, |at| hash(&scopes[at.0 as usize]));
        self.scopes.push(scope);
        new
    }
    pub(super) fn intern_from(&mut self, symbols: &Symbols, sym: Sym) -> Sym {
        self.symbols.intern_from(symbols, sym)
    }
    /// Adds a span. Panics if its resource or scope is not one of this builder's.
    pub fn span(&mut self, record: SpanRecord) {
        self.assert_is_own(&record.head());
        self.received.push(&self.symbols, record);
    }
    /// Adds an attribute to the span that is closed next.
    pub(crate) fn attribute(&mut self, key: Sym, value: Value) {
        self.received.attribute(key, value);
    }
    /// Adds an event to the span that is closed next.
    pub(crate) fn event(&mut self, event: Event) {
        self.received.event(event);
    }
    /// Adds a link to the span that is closed next.
    pub(crate) fn link(&mut self, link: Link) {
        self.received.link(link);
    }
    /// How many remarks there are, for [`TraceBuilder::abandon`].
    pub(crate) fn remarks(&self) -> usize {
        self.remarks.len()
    }
    /// Takes back what was added to a span that is not closed after all, and the remarks since there were so many.
    pub(crate) fn abandon(&mut self, remarks: usize) {
        self.received.abandon();
        self.remarks.truncate(remarks);
    }
    /// Adds a span, with the attributes, events and links that were added since the last. Panics if its resource or scope is not one of
    /// this builder's.
    pub(crate) fn close(&mut self, head: SpanHead, dropped: Dropped) {
        self.assert_is_own(&head);
        self.close_before_resource(head, dropped);
    }
    /// The same where the resource is not known yet: [`TraceBuilder::place`] says which is meant by the number that stands for it.
    pub(crate) fn close_before_resource(&mut self, head: SpanHead, dropped: Dropped) {
        self.received.close(&self.symbols, head, dropped);
    }
    /// Gives all spans added so far their resources. Panics where one is not this builder's.
    pub(crate) fn place(&mut self, resource: impl Fn(ResourceIx) -> ResourceIx) {
        let (resources, scopes) = (self.resources.len(), self.scopes.len());
        for head in self.received.heads_mut() {
            head.resource = resource(head.resource);
            assert!((head.resource.0 as usize) < resources && (head.scope.0 as usize) < scopes);
        }
    }
    fn assert_is_own(&self, head: &SpanHead) {
        assert!((head.resource.0 as usize) < self.resources.len() && (head.scope.0 as usize) < self.scopes.len());
    }
    /// A record as it would be handed over, its attributes in the order of their keys' texts.
    fn record(&self, held: &Held<'_>) -> SpanRecord {
        let lists = held.lists(&self.received);
        let mut attributes: Vec<(Sym, Value)> = lists.attributes().map(|(key, value)| (key, value.clone())).collect();
        attributes.sort_by(|a, b| self.symbols.text(a.0).cmp(self.symbols.text(b.0)));
        SpanRecord {
            trace_id: held.trace_id,
            span_id: held.span_id,
            parent_id: held.parent_id,
            name: held.name,
            kind: held.kind,
            status: held.status,
            status_message: held.status_message,
            trace_state: held.trace_state,
            flags: held.flags,
            start_ns: held.start_ns,
            end_ns: held.end_ns,
            attributes,
            events: lists.events.to_vec(),
            links: lists.links.to_vec(),
            dropped: lists.dropped,
            resource: held.resource,
            scope: held.scope,
        }
    }
    /// Counts span records that had no usable ids.
    pub fn invalid_spans(&mut self, spans: usize) {
        self.invalid += spans;
    }
    /// Says that the backend left spans out and said so: nothing may be concluded from their absence.
    pub fn set_partial(&mut self) {
        self.partial = true;
    }
    /// Whether the backend said that it left spans out.
    pub fn partial(&self) -> bool {
        self.partial
    }
    /// Keeps a remark of the backend's (a warning).
    pub fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }
    /// Keeps what a reading that is joined here had lost ([`Note::is_loss`]).
    pub(super) fn lost(&mut self, notes: &[Note]) {
        // What lacks times is noted anew: the other reading may have the whole span.
        self.losses.extend(notes.iter().filter(|note| note.is_loss() && !note.is_of_times()).cloned());
    }
    /// How many records were added so far.
    pub fn len(&self) -> usize {
        self.received.len()
    }
    /// Whether no record was added.
    pub fn is_empty(&self) -> bool {
        self.received.len() == 0
    }
    /// The trace ids met so far, sorted.
    pub fn trace_ids(&self) -> Vec<TraceId> {
        let mut ids: Vec<TraceId> = self.received.heads().map(|head| head.trace_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
    /// The trace `id` of what was added, together with the spans of `linked` traces; others are left out and noted.
    pub fn build(&self, id: TraceId, linked: &[TraceId], injected: &Injected) -> Trace {
        let mut notes: Vec<Note> = self.remarks.iter().cloned().map(Note::Backend).collect();
        let ours = |head: &SpanHead| head.trace_id == id || linked.contains(&head.trace_id);
        let all = self.received.heads().enumerate();
        let mut records: Vec<Held<'_>> =
            all.filter(|(_, head)| ours(head)).map(|(at, head)| Held::new(at, head)).collect();
        let foreign = self.received.len() - records.len();
        let half = id.half();
        let halves = self.received.heads().filter(|head| !ours(head) && Some(head.trace_id) == half).count();
        if halves > 0 {
            notes.push(Note::HalfTraceIds { spans: halves });
        }
        if foreign > halves {
            notes.push(Note::ForeignSpans { spans: foreign - halves });
        }
        if self.invalid > 0 {
            notes.push(Note::InvalidIds { spans: self.invalid });
        }
        if self.symbols.any_untyped() && records.iter().any(|record| self.is_untyped(record)) {
            notes.push(Note::Untyped);
        }
        let own: &[SpanId] = match injected {
            Injected::Known(ids) => ids,
            Injected::Unknown => &[],
        };
        // With B3 headers a server may go on in the very span of its caller's: then that id is its own span, too.
        records.retain(|record| record.kind == Kind::Server || !own.contains(&record.span_id));
        let (disputed, shares_ids) = self.join_duplicates(&mut records, &mut notes);
        let versions = versions::of(&disputed);
        if !versions.complete {
            notes.iter_mut().for_each(Note::of_some_versions);
        }
        let others = versions.others.into_iter().map(|choice| {
            let mut records = records.clone();
            versions::choose(&mut records, &disputed, &choice);
            Arc::new(self.finish(id, records, shares_ids, notes.clone(), injected))
        });
        let others: Vec<Arc<Trace>> = others.collect();
        let mut trace = self.finish(id, records, shares_ids, notes, injected);
        trace.versions = others;
        trace
    }

    /// The trace of these records, no two of which are of one span.
    fn finish(
        &self,
        id: TraceId,
        mut records: Vec<Held<'_>>,
        shares_ids: bool,
        mut notes: Vec<Note>,
        injected: &Injected,
    ) -> Trace {
        if shares_ids {
            let collisions = duplicates::collisions_of_kinds(&records);
            notes.extend(collisions.into_iter().map(|span| Note::IdCollision { span }));
            split_shared_ids(&mut records, &mut notes);
        }
        let without_times = records.iter_mut().filter(|record| !times::are_known(record));
        let untimed: HashMap<SpanKey, (u64, u64)> = without_times
            .filter_map(|record| Some((key(record), times::without(record.head_mut(), &mut notes)?)))
            .collect();
        // Most are told apart by their start alone, which is kept at hand.
        let mut by_start: Vec<(u64, Held<'_>)> = records.into_iter().map(|record| (record.start_ns, record)).collect();
        by_start.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| self.row_order(&a.1, &b.1)));
        let records: Vec<Held<'_>> = by_start.into_iter().map(|(_, record)| record).collect();
        for record in &records {
            let dropped = record.dropped(&self.received);
            if dropped != Dropped::default() {
                notes.push(Note::Dropped { span: record.span_id, count: dropped.total() });
            }
        }
        notes.extend(self.losses.iter().cloned());
        let columns = |with_attributes| {
            let collided = collided(&notes);
            let tree = plant(&records, id, injected, &collided, &mut notes);
            notes.sort_unstable();
            notes.dedup();
            self.columns(id, &records, &untimed, tree, notes, with_attributes)
        };
        if records.len() < LARGE || !aside::is_there_another_core() {
            return columns(true);
        }
        // Attributes are half of what is left to do.
        let (attributes, trace) = aside::both(|| self.attribute_columns(&records), || columns(false));
        Trace { attributes, ..trace }
    }

    /// Whether any value of a span, its resource or its scope was received without its type.
    fn is_untyped(&self, record: &Held<'_>) -> bool {
        let lists = record.lists(&self.received);
        let any = |attributes: &[(Sym, Value)]| attributes.iter().any(|(_, value)| value.is_untyped(&self.symbols));
        lists.values.iter().any(|value| value.is_untyped(&self.symbols))
            || any(&self.resources[record.resource.0 as usize].attributes)
            || any(&self.scopes[record.scope.0 as usize].attributes)
            || lists.events.iter().any(|event| any(&event.attributes))
            || lists.links.iter().any(|link| any(&link.attributes))
    }

    fn row_order(&self, a: &Held<'_>, b: &Held<'_>) -> Ordering {
        row_key(a).cmp(&row_key(b)).then_with(|| self.print(&self.record(a)).cmp(&self.print(&self.record(b))))
    }

    /// All that a record says, as text; only to order records that share id, kind and times.
    fn print(&self, record: &SpanRecord) -> String {
        let resource = &self.resources[record.resource.0 as usize].attributes;
        let scope = &self.scopes[record.scope.0 as usize];
        let scope_texts = (self.symbols.text(scope.name), self.symbols.text(scope.version));
        let mut text = format!("{:?} {:?} {scope_texts:?} ", self.symbols.text(record.name), record.parent_id);
        text += &print_attributes(&self.symbols, &scope.attributes);
        for event in &record.events {
            text += &format!("{} {:?} ", event.time_ns, self.symbols.text(event.name));
            text += &print_attributes(&self.symbols, &event.attributes);
        }
        for link in &record.links {
            text += &format!("{:?} {:?} ", link.trace_id, link.span_id);
            text += &print_attributes(&self.symbols, &link.attributes);
        }
        text += &format!("{:?} ", self.symbols.text(record.status_message));
        text += &print_attributes(&self.symbols, resource);
        text + &print_attributes(&self.symbols, &record.attributes)
    }
}

fn row_key(head: &SpanHead) -> (u64, u64, SpanId, Kind, TraceId) {
    (head.start_ns, head.end_ns, head.span_id, head.kind, head.trace_id)
}

fn print_attributes(symbols: &Symbols, attributes: &[(Sym, Value)]) -> String {
    // Quoted, so that no key and no value from outside can end where another begins.
    attributes.iter().map(|(key, value)| format!("{:?}={},", symbols.text(*key), print_value(symbols, value))).collect()
}

fn print_value(symbols: &Symbols, value: &Value) -> String {
    match value {
        Value::Str(sym) if symbols.is_untyped(*sym) => format!("untyped {:?}", symbols.text(*sym)),
        Value::Str(sym) => format!("{:?}", symbols.text(*sym)),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| print_value(symbols, item) + ",").collect::<String>())
        }
        Value::Map(entries) => format!("{{{}}}", print_attributes(symbols, entries)),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;

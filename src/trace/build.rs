//! From span records in any order to one [`Trace`]: what analysis.md section 0 calls normalisation.

mod absorb;
mod times;

use super::attributes::AttributeColumns;
use super::ids::{SpanId, TraceId};
use super::model::{
    Attributes, Dropped, Event, Kind, Link, Resource, ResourceIx, Scope, ScopeIx, SpanIx, StatusCode, Trace, Value,
};
use super::note::Note;
use super::symbols::{Sym, Symbols};
use super::tree::{Tree, cycle_cuts, split_id};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

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

/// One span as a wire format tells it. Strings are symbols of the builder it is given to.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanRecord {
    /// The trace it says it belongs to.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Its parent's id.
    pub parent_id: Option<SpanId>,
    /// Its name.
    pub name: Sym,
    /// Its kind.
    pub kind: Kind,
    /// Its status.
    pub status: StatusCode,
    /// The status' message, or [`Sym::EMPTY`].
    pub status_message: Sym,
    /// W3C tracestate, or [`Sym::EMPTY`].
    pub trace_state: Sym,
    /// OTLP flags, where the format has them.
    pub flags: Option<u32>,
    /// Start, Unix nanoseconds.
    pub start_ns: u64,
    /// End, Unix nanoseconds.
    pub end_ns: u64,
    /// Attributes; of a repeated key the last one counts.
    pub attributes: Vec<(Sym, Value)>,
    /// Events.
    pub events: Vec<Event>,
    /// Links.
    pub links: Vec<Link>,
    /// How many attributes, events and links the SDK dropped.
    pub dropped: Dropped,
    /// What produced it.
    pub resource: ResourceIx,
    /// Which instrumentation made it.
    pub scope: ScopeIx,
}

/// Collects spans of a trace (or of several) until [`TraceBuilder::build`].
#[derive(Debug, Clone, Default)]
pub struct TraceBuilder {
    symbols: Symbols,
    resources: Vec<Resource>,
    // By content as text: a hostile trace may bring a resource for each span.
    resource_rows: HashMap<String, ResourceIx>,
    scopes: Vec<Scope>,
    scope_rows: HashMap<String, ScopeIx>,
    records: Vec<SpanRecord>,
    invalid: usize,
    untyped: bool,
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
    /// Sorted by key, each key once (the last one told wins): the form that [`Event`], [`Link`] and [`Value::Map`]
    /// hold. Spans, resources and scopes are brought into it by the builder itself.
    pub fn attributes(&self, attributes: Vec<(Sym, Value)>) -> Attributes {
        sorted(&self.symbols, attributes)
    }
    /// The position of a resource, made if no equal one is there.
    pub fn resource(&mut self, attributes: Vec<(Sym, Value)>) -> ResourceIx {
        let attributes = sorted(&self.symbols, attributes);
        let key = self.symbols.intern("service.name");
        let service = match attributes.iter().find(|(at, _)| *at == key) {
            Some((_, Value::Str(sym))) => *sym,
            _ => Sym::EMPTY,
        };
        let print = print_attributes(&self.symbols, &attributes);
        *self.resource_rows.entry(print).or_insert_with(|| {
            self.resources.push(Resource { service, attributes });
            ResourceIx(self.resources.len() as u32 - 1)
        })
    }
    /// The position of a scope, made if no equal one is there.
    pub fn scope(&mut self, name: &str, version: &str, attributes: Vec<(Sym, Value)>) -> ScopeIx {
        let attributes = sorted(&self.symbols, attributes);
        let print = format!("{name}\0{version}\0{}", print_attributes(&self.symbols, &attributes));
        let (name, version) = (self.symbols.intern(name), self.symbols.intern(version));
        *self.scope_rows.entry(print).or_insert_with(|| {
            self.scopes.push(Scope { name, version, attributes });
            ScopeIx(self.scopes.len() as u32 - 1)
        })
    }
    /// Adds a span. Panics if its resource or scope is not one of this builder's.
    pub fn span(&mut self, mut record: SpanRecord) {
        assert!((record.resource.0 as usize) < self.resources.len() && (record.scope.0 as usize) < self.scopes.len());
        record.attributes = sorted(&self.symbols, record.attributes).into_vec();
        record
            .events
            .sort_by(|a, b| (a.time_ns, self.symbols.text(a.name)).cmp(&(b.time_ns, self.symbols.text(b.name))));
        self.records.push(record);
    }
    /// Counts a span that had no usable id.
    pub fn invalid_span(&mut self) {
        self.invalid += 1;
    }
    /// Says that the backend left spans out and said so: nothing may be concluded from their absence.
    pub fn set_partial(&mut self) {
        self.partial = true;
    }
    /// Whether the backend said that it left spans out.
    pub fn partial(&self) -> bool {
        self.partial
    }
    /// Says that the format tells every attribute as text.
    pub fn set_untyped(&mut self) {
        self.untyped = true;
    }
    /// Keeps a remark of the backend's (a warning).
    pub fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }
    /// Keeps what a reading that is joined here had lost ([`Note::is_loss`]).
    pub(super) fn lost(&mut self, notes: &[Note]) {
        // What times are not told is noted anew: the other reading may have the whole span.
        self.losses.extend(notes.iter().filter(|note| note.is_loss() && !note.is_of_times()).cloned());
    }
    /// How many records were added so far.
    pub fn len(&self) -> usize {
        self.records.len()
    }
    /// Whether no record was added.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
    /// The trace ids met so far, sorted.
    pub fn trace_ids(&self) -> Vec<TraceId> {
        let mut ids: Vec<TraceId> = self.records.iter().map(|record| record.trace_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
    /// The trace `id` of what was added, together with the spans of `linked` traces; others are left out and noted.
    pub fn build(&self, id: TraceId, linked: &[TraceId], injected: &Injected) -> Trace {
        let mut notes: Vec<Note> = self.remarks.iter().cloned().map(Note::Backend).collect();
        let ours = |record: &&SpanRecord| record.trace_id == id || linked.contains(&record.trace_id);
        let mut records: Vec<SpanRecord> = self.records.iter().filter(ours).cloned().collect();
        let foreign = self.records.len() - records.len();
        if foreign > 0 {
            notes.push(Note::ForeignSpans { spans: foreign });
        }
        if self.invalid > 0 {
            notes.push(Note::InvalidIds { spans: self.invalid });
        }
        if self.untyped {
            notes.push(Note::Untyped);
        }
        let own: &[SpanId] = match injected {
            Injected::Known(ids) => ids,
            Injected::Unknown => &[],
        };
        // With B3 headers a server may go on in the very span of its caller's: then that id is its own span, too.
        records.retain(|record| record.kind == Kind::Server || !own.contains(&record.span_id));
        self.drop_duplicates(&mut records, &mut notes);
        split_shared_ids(&mut records, &mut notes);
        let untimed: HashMap<SpanKey, (u64, u64)> =
            records.iter_mut().filter_map(|record| Some((key(record), times::without(record, &mut notes)?))).collect();
        records.sort_by(|a, b| self.row_order(a, b));
        for record in &records {
            if record.dropped != Dropped::default() {
                notes.push(Note::Dropped { span: record.span_id, count: record.dropped.total() });
            }
        }
        notes.extend(self.losses.iter().cloned());
        let collided = collided(&notes);
        let tree = plant(&records, id, injected, &collided, &mut notes);
        notes.sort_unstable();
        notes.dedup();
        self.columns(id, records, &untimed, tree, notes)
    }

    /// Drops records that tell a (trace, span id, kind) again. Flags do not count as content: Tempo loses them when it
    /// flushes, so a trace read across a flush has the same span with and without.
    fn drop_duplicates(&self, records: &mut Vec<SpanRecord>, notes: &mut Vec<Note>) {
        let mut first: HashMap<SpanKey, usize> = HashMap::with_capacity(records.len());
        let mut kept: Vec<SpanRecord> = Vec::with_capacity(records.len());
        let mut dropped = 0;
        // One span told twice began once, in one service.
        let mut collides: HashMap<SpanId, bool> = HashMap::new();
        for record in records.drain(..) {
            let Some(&at) = first.get(&key(&record)) else {
                first.insert(key(&record), kept.len());
                kept.push(record);
                continue;
            };
            dropped += 1;
            let other = &mut kept[at];
            let flags = other.flags.max(record.flags);
            let dropped_of = other.dropped.most(record.dropped);
            if !alike(other, &record) {
                let service = |record: &SpanRecord| self.resources[record.resource.0 as usize].service;
                let two = (service(other), other.start_ns) != (service(&record), record.start_ns);
                *collides.entry(record.span_id).or_default() |= two;
                if self.fuller(&record, other) == Ordering::Greater {
                    *other = record;
                }
            } else {
                other.dropped = dropped_of;
            }
            other.flags = flags;
        }
        if dropped > 0 {
            notes.push(Note::Duplicates { dropped });
        }
        notes.extend(collides.into_iter().map(|(span, two)| match two {
            true => Note::IdCollision { span },
            false => Note::ConflictingDuplicate { span },
        }));
        *records = kept;
    }

    /// Which of two different records of one span tells more; a total order, so that arrival does not matter.
    fn fuller(&self, a: &SpanRecord, b: &SpanRecord) -> Ordering {
        let weight = |record: &SpanRecord| {
            let size = record.attributes.len() + record.events.len() + record.links.len();
            // A failure told by either is never lost.
            (record.status == StatusCode::Error, record.end_ns, record.status, size)
        };
        weight(a).cmp(&weight(b)).then_with(|| self.row_order(a, b))
    }

    fn row_order(&self, a: &SpanRecord, b: &SpanRecord) -> Ordering {
        let key = |record: &SpanRecord| (record.start_ns, record.end_ns, record.span_id, record.kind, record.trace_id);
        key(a).cmp(&key(b)).then_with(|| self.print(a).cmp(&self.print(b)))
    }

    /// All that a record says, as text; only to order records that share id, kind and times.
    fn print(&self, record: &SpanRecord) -> String {
        let resource = &self.resources[record.resource.0 as usize].attributes;
        let scope = &self.scopes[record.scope.0 as usize];
        let scope_texts = (self.symbols.text(scope.name), self.symbols.text(scope.version));
        let mut text = format!("{} {:?} {scope_texts:?} ", self.symbols.text(record.name), record.parent_id);
        text += &print_attributes(&self.symbols, &scope.attributes);
        for event in &record.events {
            text += &format!("{} {:?} ", event.time_ns, self.symbols.text(event.name));
            text += &print_attributes(&self.symbols, &event.attributes);
        }
        for link in &record.links {
            text += &format!("{:?} {:?} ", link.trace_id, link.span_id);
            text += &print_attributes(&self.symbols, &link.attributes);
        }
        text += self.symbols.text(record.status_message);
        text += &print_attributes(&self.symbols, resource);
        text + &print_attributes(&self.symbols, &record.attributes)
    }

    fn columns(
        &self,
        id: TraceId,
        records: Vec<SpanRecord>,
        untimed: &HashMap<SpanKey, (u64, u64)>,
        tree: Tree,
        notes: Vec<Note>,
    ) -> Trace {
        let n = records.len();
        let mut trace = Trace {
            id,
            symbols: self.symbols.clone(),
            resources: self.resources.clone(),
            scopes: self.scopes.clone(),
            trace_ids: Vec::with_capacity(n),
            span_ids: Vec::with_capacity(n),
            parent_ids: Vec::with_capacity(n),
            names: Vec::with_capacity(n),
            services: Vec::with_capacity(n),
            resource_of: Vec::with_capacity(n),
            scope_of: Vec::with_capacity(n),
            kinds: Vec::with_capacity(n),
            statuses: Vec::with_capacity(n),
            status_messages: Vec::with_capacity(n),
            trace_states: Vec::with_capacity(n),
            flags: Vec::with_capacity(n),
            starts: Vec::with_capacity(n),
            ends: Vec::with_capacity(n),
            attributes: AttributeColumns::default(),
            event_offsets: vec![0],
            events: Vec::new(),
            link_offsets: vec![0],
            links: Vec::new(),
            dropped: Vec::new(),
            untimed: Vec::new(),
            tree,
            notes,
            untyped: self.untyped,
            partial: self.partial,
        };
        let mut attributes = Vec::with_capacity(n);
        for (row, record) in (0..).zip(records) {
            if record.dropped != Dropped::default() {
                trace.dropped.push((SpanIx(row), record.dropped));
            }
            if let Some(&told) = untimed.get(&key(&record)) {
                trace.untimed.push((SpanIx(row), told));
            }
            trace.trace_ids.push(record.trace_id);
            trace.span_ids.push(record.span_id);
            trace.parent_ids.push(record.parent_id);
            trace.names.push(record.name);
            trace.services.push(self.resources[record.resource.0 as usize].service);
            trace.resource_of.push(record.resource);
            trace.scope_of.push(record.scope);
            trace.kinds.push(record.kind);
            trace.statuses.push(record.status);
            trace.status_messages.push(record.status_message);
            trace.trace_states.push(record.trace_state);
            trace.flags.push(record.flags);
            trace.starts.push(record.start_ns);
            trace.ends.push(record.end_ns);
            attributes.push(record.attributes);
            trace.events.extend(record.events);
            trace.event_offsets.push(trace.events.len() as u32);
            trace.links.extend(record.links);
            trace.link_offsets.push(trace.links.len() as u32);
        }
        trace.attributes = AttributeColumns::new(attributes);
        trace
    }
}

/// What no two rows share.
type SpanKey = (TraceId, SpanId, Kind);

fn key(record: &SpanRecord) -> SpanKey {
    (record.trace_id, record.span_id, record.kind)
}

fn sorted(symbols: &Symbols, mut attributes: Vec<(Sym, Value)>) -> Attributes {
    // Stable and reversed first, so that of equal keys the last told comes first and is the one that dedup keeps.
    attributes.reverse();
    attributes.sort_by(|a, b| symbols.text(a.0).cmp(symbols.text(b.0)));
    attributes.dedup_by_key(|(key, _)| *key);
    attributes.into_boxed_slice()
}

fn print_attributes(symbols: &Symbols, attributes: &[(Sym, Value)]) -> String {
    attributes.iter().map(|(key, value)| format!("{}\0{}\0", symbols.text(*key), print_value(symbols, value))).collect()
}

fn print_value(symbols: &Symbols, value: &Value) -> String {
    match value {
        Value::Str(sym) => format!("{:?}", symbols.text(*sym)),
        Value::Array(items) => items.iter().map(|item| print_value(symbols, item) + ",").collect(),
        Value::Map(entries) => print_attributes(symbols, entries),
        other => format!("{other:?}"),
    }
}

/// Equality in which NaN equals itself, since a span told twice is told twice also where an attribute is NaN.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Map(a), Value::Map(b)) => same(a, b),
        _ => a == b,
    }
}

fn same(a: &[(Sym, Value)], b: &[(Sym, Value)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same_value(&a.1, &b.1))
}

/// Whether two records of one (trace, id, kind) say the same, flags aside.
fn alike(a: &SpanRecord, b: &SpanRecord) -> bool {
    let facts =
        |r: &SpanRecord| (r.parent_id, r.name, r.status, r.status_message, r.start_ns, r.end_ns, r.resource, r.scope);
    let events =
        |a: &Event, b: &Event| (a.time_ns, a.name) == (b.time_ns, b.name) && same(&a.attributes, &b.attributes);
    let links =
        |a: &Link, b: &Link| (a.trace_id, a.span_id) == (b.trace_id, b.span_id) && same(&a.attributes, &b.attributes);
    facts(a) == facts(b)
        && same(&a.attributes, &b.attributes)
        && a.events.len() == b.events.len()
        && a.events.iter().zip(&b.events).all(|(a, b)| events(a, b))
        && a.links.len() == b.links.len()
        && a.links.iter().zip(&b.links).all(|(a, b)| links(a, b))
}

/// Gives a SERVER span that shares its id with a CLIENT span (Zipkin style) an id of its own, below the CLIENT span,
/// and makes the children of the shared id its children, as Jaeger does.
fn split_shared_ids(records: &mut [SpanRecord], notes: &mut Vec<Note>) {
    let mut kinds: HashMap<(TraceId, SpanId), (bool, bool)> = HashMap::with_capacity(records.len());
    for record in records.iter() {
        let seen = kinds.entry((record.trace_id, record.span_id)).or_default();
        seen.0 |= record.kind == Kind::Client;
        seen.1 |= record.kind == Kind::Server;
    }
    let shared: Vec<(TraceId, SpanId)> =
        kinds.iter().filter(|(_, seen)| **seen == (true, true)).map(|(&key, _)| key).collect();
    if shared.is_empty() {
        return;
    }
    let new: HashMap<(TraceId, SpanId), SpanId> = shared
        .into_iter()
        .map(|(trace, id)| ((trace, id), split_id(id, |candidate| kinds.contains_key(&(trace, candidate)))))
        .collect();
    notes.extend(new.iter().map(|((_, shared), server)| Note::SharedId { shared: *shared, server: *server }));
    for record in records.iter_mut() {
        let shared = record.span_id;
        match new.get(&(record.trace_id, shared)) {
            Some(&server) if record.kind == Kind::Server => {
                record.span_id = server;
                record.parent_id = Some(shared);
            }
            _ => {
                if let Some(&server) = record.parent_id.and_then(|parent| new.get(&(record.trace_id, parent))) {
                    record.parent_id = Some(server);
                }
            }
        }
    }
}

/// The ids that two different spans use. Where a CLIENT and a SERVER span shared such an id, either may be meant by both.
fn collided(notes: &[Note]) -> HashSet<SpanId> {
    let both = |note: &Note| if let Note::IdCollision { span } = note { Some(*span) } else { None };
    let mut ids: HashSet<SpanId> = notes.iter().filter_map(both).collect();
    let server = |note: &Note| match note {
        Note::SharedId { shared, server } if ids.contains(shared) => Some(*server),
        _ => None,
    };
    let servers: Vec<SpanId> = notes.iter().filter_map(server).collect();
    ids.extend(servers);
    ids
}

/// Links rows to their parents' rows, decides what is a root of the trace `id` and of those linked to it, and cuts cycles.
fn plant(
    records: &[SpanRecord],
    id: TraceId,
    injected: &Injected,
    collided: &HashSet<SpanId>,
    notes: &mut Vec<Note>,
) -> Tree {
    let mut row_of: HashMap<(TraceId, SpanId), SpanIx> = HashMap::with_capacity(records.len());
    for (row, record) in records.iter().enumerate() {
        // Which of two spans with one id is meant nobody knows: their children are orphans.
        if !collided.contains(&record.span_id) {
            row_of.entry((record.trace_id, record.span_id)).or_insert(SpanIx(row as u32));
        }
    }
    let parent_row = |record: &SpanRecord| row_of.get(&(record.trace_id, record.parent_id?)).copied();
    let is_top = |record: &SpanRecord| {
        parent_row(record).is_none() && record.parent_id.is_none_or(|parent| !collided.contains(&parent))
    };
    let mut parents: Vec<Option<SpanIx>> = records.iter().map(parent_row).collect();
    let mut is_root: Vec<bool> = records
        .iter()
        .map(|record| match (record.parent_id, injected) {
            (None, _) => true,
            (Some(parent), Injected::Known(ids)) => ids.contains(&parent) && is_top(record),
            (Some(_), Injected::Unknown) => false,
        })
        .collect();
    for cut in cycle_cuts(&parents) {
        parents[cut.index()] = None;
        notes.push(Note::Cycle { span: records[cut.index()].span_id });
    }
    let mut assumed = false;
    // A linked trace has a root of its own, which says nothing of this one's.
    let own = |row: &usize| records[*row].trace_id == id;
    if *injected == Injected::Unknown && !(0..records.len()).filter(own).any(|row| is_root[row]) {
        let mut tops = (0..records.len()).filter(own).filter(|&row| is_top(&records[row]));
        if let (Some(only), None) = (tops.next(), tops.next()) {
            is_root[only] = true;
            assumed = records[only].parent_id.is_some();
        }
    }
    let mut tree = Tree::new(parents, &is_root);
    if assumed {
        tree.assume_root();
    }
    if let Injected::Known(ids) = injected {
        tree.call(called(records, ids, &tree), ids.len());
    }
    match tree.separate_roots().len() {
        0 if !records.is_empty() => notes.push(Note::NoRoot),
        0 | 1 => {}
        roots => notes.push(Note::SeveralRoots { roots }),
    }
    tree
}

/// The roots that the runner's requests called, each with its request's position: below a request's id, or by that very id
/// where a server goes on in its caller's span.
fn called(records: &[SpanRecord], requests: &[SpanId], tree: &Tree) -> Vec<(usize, SpanIx)> {
    let position: HashMap<SpanId, usize> = requests.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let by = |root: &SpanIx| {
        let record = &records[root.index()];
        Some((*position.get(&record.parent_id.unwrap_or(record.span_id))?, *root))
    };
    tree.roots().iter().filter_map(by).collect()
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;

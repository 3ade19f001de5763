//! Joining builders, so that a receiver can decode a batch beside its store and add the result to a trace at hand.

use super::{SpanRecord, TraceBuilder};
use crate::trace::ids::TraceId;
use crate::trace::model::{Attributes, Event, Link, Resource, ResourceIx, ScopeIx, Value};
use crate::trace::symbols::Sym;

impl TraceBuilder {
    /// Adds all that `other` collected.
    pub fn absorb(&mut self, mut other: TraceBuilder) {
        if self.records.is_empty() && self.resources.is_empty() && self.scopes.is_empty() {
            std::mem::swap(self, &mut other);
        }
        self.invalid += other.invalid;
        self.partial |= other.partial;
        self.remarks.append(&mut other.remarks);
        self.losses.append(&mut other.losses);
        if other.records.is_empty() {
            return;
        }
        // `Symbols::iter` goes by position, so the n-th text is that of symbol n.
        let syms: Vec<Sym> =
            other.symbols.iter().map(|(sym, _)| self.symbols.intern_from(&other.symbols, sym)).collect();
        let map = Renamed { syms };
        let resources: Vec<ResourceIx> =
            other.resources.into_iter().map(|resource| self.resource(map.attributes(resource.attributes))).collect();
        let scopes: Vec<ScopeIx> = other
            .scopes
            .into_iter()
            .map(|scope| {
                let (name, version) = (other.symbols.text(scope.name), other.symbols.text(scope.version));
                self.scope(name, version, map.attributes(scope.attributes))
            })
            .collect();
        // Attributes are sorted by text, which renaming does not change.
        self.records.extend(other.records.into_iter().map(|record| SpanRecord {
            name: map.sym(record.name),
            status_message: map.sym(record.status_message),
            trace_state: map.sym(record.trace_state),
            attributes: map.attributes(record.attributes.into_boxed_slice()),
            events: record.events.into_iter().map(|event| map.event(event)).collect(),
            links: record.links.into_iter().map(|link| map.link(link)).collect(),
            resource: resources[record.resource.0 as usize],
            scope: scopes[record.scope.0 as usize],
            ..record
        }));
    }

    /// The names of the services met so far, sorted; spans without one are left out.
    pub fn services(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.resources.iter().map(|resource| self.symbols.text(resource.service)).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The spans added so far, each with the text that its resource has under this key and with its service.
    pub fn marked<'b>(&'b self, key: &str) -> impl Iterator<Item = (Option<&'b str>, &'b str, &'b SpanRecord)> {
        let key = self.symbols.get(key);
        let mark = move |resource: &'b Resource| {
            let (_, value) = resource.attributes.iter().find(|(at, _)| Some(*at) == key)?;
            if let Value::Str(mark) = value { Some(self.symbols.text(*mark)) } else { None }
        };
        // Looked up once for each resource; without the key there is nothing to look for.
        let marks: Vec<Option<&str>> = self.resources.iter().map(|one| key.and_then(|_| mark(one))).collect();
        self.records.iter().map(move |record| {
            let at = record.resource.0 as usize;
            (marks.get(at).copied().flatten(), self.symbols.text(self.resources[at].service), record)
        })
    }

    /// The traces that spans added so far link to, sorted.
    pub fn linked(&self) -> Vec<TraceId> {
        let mut ids: Vec<TraceId> =
            self.records.iter().flat_map(|record| record.links.iter().map(|link| link.trace_id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// About how many bytes of memory this builder holds, for those who bound it.
    pub fn memory(&self) -> usize {
        // A text stands beside its end and its share of the table.
        let texts: usize = self.symbols.iter().map(|(_, text)| text.len() + 24).sum();
        let resources: usize =
            self.resources.iter().map(|resource| 256 + attributes_memory(&resource.attributes)).sum();
        let scopes: usize = self.scopes.iter().map(|scope| 256 + attributes_memory(&scope.attributes)).sum();
        let records: usize = self.records.iter().map(record_memory).sum();
        texts + resources + scopes + records
    }
}

/// Symbols of one builder as those of another.
struct Renamed {
    syms: Vec<Sym>,
}

impl Renamed {
    fn sym(&self, sym: Sym) -> Sym {
        self.syms.get(sym.index()).copied().unwrap_or(Sym::EMPTY)
    }
    fn attributes(&self, attributes: Attributes) -> Vec<(Sym, Value)> {
        attributes.into_vec().into_iter().map(|(key, value)| (self.sym(key), self.value(value))).collect()
    }
    fn value(&self, value: Value) -> Value {
        match value {
            Value::Str(sym) => Value::Str(self.sym(sym)),
            Value::Array(items) => Value::Array(items.into_vec().into_iter().map(|item| self.value(item)).collect()),
            Value::Map(entries) => Value::Map(self.attributes(entries).into_boxed_slice()),
            other => other,
        }
    }
    fn event(&self, event: Event) -> Event {
        let attributes = self.attributes(event.attributes).into_boxed_slice();
        Event { name: self.sym(event.name), attributes, ..event }
    }
    fn link(&self, link: Link) -> Link {
        let attributes = self.attributes(link.attributes).into_boxed_slice();
        Link { trace_state: self.sym(link.trace_state), attributes, ..link }
    }
}

fn record_memory(record: &SpanRecord) -> usize {
    let events: usize =
        record.events.iter().map(|event| size_of::<Event>() + attributes_memory(&event.attributes)).sum();
    let links: usize = record.links.iter().map(|link| size_of::<Link>() + attributes_memory(&link.attributes)).sum();
    size_of::<SpanRecord>() + attributes_memory(&record.attributes) + events + links
}

fn attributes_memory(attributes: &[(Sym, Value)]) -> usize {
    attributes.iter().map(|(_, value)| size_of::<(Sym, Value)>() + value_memory(value)).sum()
}

fn value_memory(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Array(items) => items.iter().map(|item| size_of::<Value>() + value_memory(item)).sum(),
        Value::Map(entries) => attributes_memory(entries),
        _ => 0,
    }
}

#[cfg(test)]
#[path = "absorb_tests.rs"]
mod tests;

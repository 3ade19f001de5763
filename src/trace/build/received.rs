//! The records of a builder. Their lists stand in arrays that all share, one after another: a list of its own for each would be as many
//! allocations, and a span's few attributes would lie anywhere.

use super::order::event_order;
use super::record::{SpanHead, SpanRecord};
use super::renamed::Renamed;
use crate::trace::model::{Dropped, Event, Link, Value};
use crate::trace::symbols::{Sym, Symbols};
use std::collections::HashSet;

/// All records in the order in which they came. Lists that were begun belong to the record that is closed next.
#[derive(Debug, Clone, Default)]
pub(super) struct Received {
    records: Vec<Record>,
    keys: Vec<Sym>,
    /// Beside each of `keys`.
    values: Vec<Value>,
    events: Vec<Event>,
    links: Vec<Link>,
    /// Few have any: by position, ascending.
    dropped: Vec<(u32, Dropped)>,
}

#[derive(Debug, Clone)]
struct Record {
    head: SpanHead,
    ends: Ends,
}

/// Where lists end, which is where those of the next record begin.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    attributes: u32,
    events: u32,
    links: u32,
}

/// The lists of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists<'b> {
    /// Each once, in no order.
    pub(crate) keys: &'b [Sym],
    /// Beside each of `keys`.
    pub(crate) values: &'b [Value],
    /// Sorted by time.
    pub(crate) events: &'b [Event],
    pub(crate) links: &'b [Link],
    pub(crate) dropped: Dropped,
}

impl<'b> Lists<'b> {
    pub(crate) fn attributes(self) -> impl Iterator<Item = (Sym, &'b Value)> {
        self.keys.iter().copied().zip(self.values)
    }
}

impl Received {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }
    pub(super) fn heads(&self) -> impl ExactSizeIterator<Item = &SpanHead> {
        self.records.iter().map(|record| &record.head)
    }
    pub(super) fn heads_mut(&mut self) -> impl Iterator<Item = &mut SpanHead> {
        self.records.iter_mut().map(|record| &mut record.head)
    }
    pub(super) fn all(&self) -> impl Iterator<Item = (&SpanHead, Lists<'_>)> {
        self.heads().zip((0..).map(|at| self.lists(at)))
    }
    /// The lists of the record at this position.
    pub(super) fn lists(&self, at: u32) -> Lists<'_> {
        let from = match at.checked_sub(1) {
            Some(before) => self.records[before as usize].ends,
            None => Ends::default(),
        };
        let to = self.records[at as usize].ends;
        let attributes = from.attributes as usize..to.attributes as usize;
        Lists {
            keys: &self.keys[attributes.clone()],
            values: &self.values[attributes],
            events: &self.events[from.events as usize..to.events as usize],
            links: &self.links[from.links as usize..to.links as usize],
            dropped: self.dropped(at),
        }
    }
    /// What was dropped of the record at this position.
    pub(super) fn dropped(&self, at: u32) -> Dropped {
        let found = self.dropped.binary_search_by_key(&at, |(at, _)| *at);
        found.map_or(Dropped::default(), |found| self.dropped[found].1)
    }
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    fn closed(&self) -> Ends {
        self.records.last().map_or(Ends::default(), |record| record.ends)
    }
    pub(super) fn attribute(&mut self, key: Sym, value: Value) {
        self.keys.push(key);
        self.values.push(value);
    }
    pub(super) fn event(&mut self, event: Event) {
        self.events.push(event);
    }
    pub(super) fn link(&mut self, link: Link) {
        self.links.push(link);
    }
    /// Takes back the lists that were begun.
    pub(super) fn abandon(&mut self) {
        let ends = self.closed();
        self.keys.truncate(ends.attributes as usize);
        self.values.truncate(ends.attributes as usize);
        self.events.truncate(ends.events as usize);
        self.links.truncate(ends.links as usize);
    }
    /// Makes the lists that were begun those of this record.
    pub(super) fn close(&mut self, symbols: &Symbols, head: SpanHead, dropped: Dropped) {
        let from = self.closed();
        self.keep_last(from.attributes as usize);
        let events = &mut self.events[from.events as usize..];
        if events.len() > 1 {
            events.sort_by(|a, b| event_order(symbols, a, b));
        }
        if dropped != Dropped::default() {
            self.dropped.push((self.records.len() as u32, dropped));
        }
        let ends = Ends {
            attributes: self.keys.len() as u32,
            events: self.events.len() as u32,
            links: self.links.len() as u32,
        };
        self.records.push(Record { head, ends });
    }
    pub(super) fn push(&mut self, symbols: &Symbols, record: SpanRecord) {
        let head = record.head();
        record.attributes.into_iter().for_each(|(key, value)| self.attribute(key, value));
        self.events.extend(record.events);
        self.links.extend(record.links);
        self.close(symbols, head, record.dropped);
    }
    /// Of the attributes from here on each key once: the last of equal ones.
    fn keep_last(&mut self, from: usize) {
        /// Up to so many, comparing each with each takes less than a set.
        const FEW: usize = 32;
        let keys = &self.keys[from..];
        let repeats = if keys.len() <= FEW {
            keys.iter().enumerate().any(|(at, key)| keys[at + 1..].contains(key))
        } else {
            keys.iter().collect::<HashSet<_>>().len() < keys.len()
        };
        if !repeats {
            return;
        }
        let (keys, values) = (self.keys.split_off(from), self.values.split_off(from));
        let mut seen = HashSet::new();
        let mut kept: Vec<(Sym, Value)> =
            keys.into_iter().zip(values).rev().filter(|(key, _)| seen.insert(*key)).collect();
        kept.reverse();
        kept.into_iter().for_each(|(key, value)| self.attribute(key, value));
    }

    /// Adds all records of another builder, whose symbols, resources and scopes have other numbers here.
    pub(super) fn append(&mut self, other: Received, renamed: &Renamed) {
        let base = self.closed();
        let before = self.records.len() as u32;
        self.keys.extend(other.keys.into_iter().map(|key| renamed.sym(key)));
        self.values.extend(other.values.into_iter().map(|value| renamed.value(value)));
        self.events.extend(other.events.into_iter().map(|event| renamed.event(event)));
        self.links.extend(other.links.into_iter().map(|link| renamed.link(link)));
        self.dropped.extend(other.dropped.into_iter().map(|(at, dropped)| (at + before, dropped)));
        self.records.extend(other.records.into_iter().map(|Record { head, ends }| Record {
            head: SpanHead {
                name: renamed.sym(head.name),
                status_message: renamed.sym(head.status_message),
                trace_state: renamed.sym(head.trace_state),
                resource: renamed.resources[head.resource.0 as usize],
                scope: renamed.scopes[head.scope.0 as usize],
                ..head
            },
            ends: Ends {
                attributes: ends.attributes + base.attributes,
                events: ends.events + base.events,
                links: ends.links + base.links,
            },
        }));
    }

    /// About how many bytes of memory all of it takes.
    pub(super) fn memory(&self) -> usize {
        let lists =
            self.events.iter().map(|event| &event.attributes).chain(self.links.iter().map(|link| &link.attributes));
        let beside: usize = lists.map(|attributes| attributes_memory(attributes)).sum();
        let own: usize = self.values.iter().map(value_memory).sum();
        self.records.capacity() * size_of::<Record>()
            + self.keys.capacity() * size_of::<Sym>()
            + self.values.capacity() * size_of::<Value>()
            + self.events.capacity() * size_of::<Event>()
            + self.links.capacity() * size_of::<Link>()
            + self.dropped.capacity() * size_of::<(u32, Dropped)>()
            + beside
            + own
    }
}

pub(super) fn attributes_memory(attributes: &[(Sym, Value)]) -> usize {
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
#[path = "received_tests.rs"]
mod tests;

//! A record while a trace is built of it, which may change what it says.

use super::received::{Lists, Received};
use super::record::{SpanHead, SpanRecord};
use crate::trace::model::{Dropped, Event, Link, Value};
use crate::trace::symbols::Sym;
use std::ops::Deref;

/// Most records of a trace are taken as they are: only those that are to be changed are copied.
#[derive(Debug, Clone)]
pub(super) struct Held<'b> {
    received: &'b SpanHead,
    at: u32,
    changed: Option<Box<Changed>>,
}

#[derive(Debug, Clone)]
struct Changed {
    head: SpanHead,
    lists: Option<Own>,
}

/// Other lists than those received.
#[derive(Debug, Clone)]
struct Own {
    keys: Vec<Sym>,
    values: Vec<Value>,
    events: Vec<Event>,
    links: Vec<Link>,
    dropped: Dropped,
}

impl<'b> Held<'b> {
    /// The record at this position.
    pub(super) fn new(at: usize, received: &'b SpanHead) -> Held<'b> {
        Held { received, at: at as u32, changed: None }
    }
    /// What the record says but for its lists, to be changed.
    pub(super) fn head_mut(&mut self) -> &mut SpanHead {
        let as_received = || Box::new(Changed { head: *self.received, lists: None });
        &mut self.changed.get_or_insert_with(as_received).head
    }
    /// Puts another record in its place.
    pub(super) fn set(&mut self, record: SpanRecord) {
        let head = record.head();
        let (keys, values) = record.attributes.into_iter().unzip();
        let lists = Own { keys, values, events: record.events, links: record.links, dropped: record.dropped };
        self.changed = Some(Box::new(Changed { head, lists: Some(lists) }));
    }
    /// How much of it was dropped, of these records.
    pub(super) fn dropped(&self, received: &Received) -> Dropped {
        let own = self.changed.as_ref().and_then(|changed| changed.lists.as_ref());
        own.map_or_else(|| received.dropped(self.at), |own| own.dropped)
    }
    /// Its lists, of these records.
    pub(super) fn lists<'s>(&'s self, received: &'s Received) -> Lists<'s> {
        match self.changed.as_ref().and_then(|changed| changed.lists.as_ref()) {
            None => received.lists(self.at),
            Some(Own { keys, values, events, links, dropped }) => {
                Lists { keys, values, events, links, dropped: *dropped }
            }
        }
    }
}

impl Deref for Held<'_> {
    type Target = SpanHead;
    fn deref(&self) -> &SpanHead {
        self.changed.as_ref().map_or(self.received, |changed| &changed.head)
    }
}

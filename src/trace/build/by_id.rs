//! Places of what ids name.

use super::record::{ByIds, SpanHead};
use crate::trace::ids::{SpanId, TraceId};
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// Something for each span id of a trace and of those linked to it. Looking ids up is most of the work of building a large trace, and that of one
/// trace alone takes a third of the memory that pairs of ids would.
#[derive(Debug)]
pub(super) enum ById<V> {
    OneTrace(ByIds<SpanId, V>),
    Several(ByIds<(TraceId, SpanId), V>),
}

impl<V: Copy> ById<V> {
    /// For the ids of these spans.
    pub(super) fn of<'h>(heads: impl ExactSizeIterator<Item = &'h SpanHead> + Clone) -> ById<V> {
        let first = heads.clone().next().map(|head| head.trace_id);
        let (count, state) = (heads.len(), foldhash::fast::RandomState::default());
        if heads.into_iter().all(|head| Some(head.trace_id) == first) {
            ById::OneTrace(ByIds::with_capacity_and_hasher(count, state))
        } else {
            ById::Several(ByIds::with_capacity_and_hasher(count, state))
        }
    }
    /// Puts a value if there is none; otherwise returns the one that is there.
    pub(super) fn put(&mut self, trace: TraceId, span: SpanId, value: V) -> Option<V> {
        match self {
            ById::OneTrace(map) => put(map, span, value),
            ById::Several(map) => put(map, (trace, span), value),
        }
    }
    pub(super) fn get(&self, trace: TraceId, span: SpanId) -> Option<V> {
        match self {
            ById::OneTrace(map) => map.get(&span).copied(),
            ById::Several(map) => map.get(&(trace, span)).copied(),
        }
    }
}

fn put<K: Eq + Hash, V: Copy>(map: &mut ByIds<K, V>, key: K, value: V) -> Option<V> {
    match map.entry(key) {
        Entry::Occupied(there) => Some(*there.get()),
        Entry::Vacant(place) => {
            place.insert(value);
            None
        }
    }
}

//! A span as readers hand it over, and what tells one from another.

use crate::trace::ids::{SpanId, TraceId};
use crate::trace::model::{Dropped, Event, Kind, Link, ResourceIx, ScopeIx, StatusCode, Value};
use crate::trace::symbols::Sym;
use std::collections::HashMap;

/// One span as a wire format has it. Strings are symbols of the builder it is given to.
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

/// A [`SpanRecord`] but for its lists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SpanHead {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_id: Option<SpanId>,
    pub(crate) name: Sym,
    pub(crate) kind: Kind,
    pub(crate) status: StatusCode,
    pub(crate) status_message: Sym,
    pub(crate) trace_state: Sym,
    pub(crate) flags: Option<u32>,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) resource: ResourceIx,
    pub(crate) scope: ScopeIx,
}

impl SpanRecord {
    pub(super) fn head(&self) -> SpanHead {
        SpanHead {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_id: self.parent_id,
            name: self.name,
            kind: self.kind,
            status: self.status,
            status_message: self.status_message,
            trace_state: self.trace_state,
            flags: self.flags,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            resource: self.resource,
            scope: self.scope,
        }
    }
}

/// Places of what ids name. Seeded: ids come from outside.
pub(super) type ByIds<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What no two rows share.
pub(super) type SpanKey = (TraceId, SpanId, Kind);

pub(super) fn key(head: &SpanHead) -> SpanKey {
    (head.trace_id, head.span_id, head.kind)
}

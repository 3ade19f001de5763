//! Records in the order of rows, as columns.

use super::TraceBuilder;
use super::held::Held;
use super::record::{SpanKey, key};
use crate::trace::attributes::AttributeColumns;
use crate::trace::ids::TraceId;
use crate::trace::model::{Dropped, SpanIx, Trace, Value};
use crate::trace::note::Note;
use crate::trace::symbols::Sym;
use crate::trace::tree::Tree;
use std::collections::HashMap;

impl TraceBuilder {
    /// Everything but the attributes, or that as well.
    pub(super) fn columns(
        &self,
        id: TraceId,
        records: &[Held<'_>],
        untimed: &HashMap<SpanKey, (u64, u64)>,
        tree: Tree,
        notes: Vec<Note>,
        with_attributes: bool,
    ) -> Trace {
        let n = records.len();
        let untyped = notes.contains(&Note::Untyped);
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
            versions: Vec::new(),
            untyped,
            partial: self.partial,
        };
        // Records lie where they came, so each is looked at once if this thread does it all.
        let mut attributes: Vec<(&[Sym], &[Value])> = Vec::with_capacity(if with_attributes { n } else { 0 });
        for (row, record) in (0..).zip(records) {
            let lists = record.lists(&self.received);
            if with_attributes {
                attributes.push((lists.keys, lists.values));
            }
            if lists.dropped != Dropped::default() {
                trace.dropped.push((SpanIx(row), lists.dropped));
            }
            if let Some(&received) = untimed.get(&key(record)) {
                trace.untimed.push((SpanIx(row), received));
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
            trace.events.extend_from_slice(lists.events);
            trace.event_offsets.push(trace.events.len() as u32);
            trace.links.extend_from_slice(lists.links);
            trace.link_offsets.push(trace.links.len() as u32);
        }
        if with_attributes {
            trace.attributes = AttributeColumns::new(&self.symbols, attributes.iter().copied());
        }
        trace
    }

    pub(super) fn attribute_columns(&self, records: &[Held<'_>]) -> AttributeColumns {
        let lists = records.iter().map(|record| record.lists(&self.received));
        let attributes: Vec<(&[Sym], &[Value])> = lists.map(|lists| (lists.keys, lists.values)).collect();
        AttributeColumns::new(&self.symbols, attributes.iter().copied())
    }
}

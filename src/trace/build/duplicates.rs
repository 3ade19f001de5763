//! Records that tell one span again: exporters retry, stores keep both.

use super::{SpanKey, SpanRecord, TraceBuilder, key};
use crate::trace::ids::SpanId;
use crate::trace::model::{Event, Link, StatusCode, Value};
use crate::trace::note::Note;
use crate::trace::symbols::Sym;
use std::cmp::Ordering;
use std::collections::HashMap;

impl TraceBuilder {
    /// Drops records that tell a (trace, span id, kind) again. Flags do not count as content: Tempo loses them when it
    /// flushes, so a trace read across a flush has the same span with and without.
    pub(super) fn drop_duplicates(&self, records: &mut Vec<SpanRecord>, notes: &mut Vec<Note>) {
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

//! Spans turned into records as they are read, so that a large answer is never there as a whole beside its trace.
//!
//! Their processes come after them and are put in at the end. What hangs on all spans of a process or of the answer (whether its values have
//! their types, whether it speaks VictoriaTraces' dialect) is taken for the usual; where that proves wrong the answer is read again as a whole.

use super::facts::{self, Dialect};
use super::{Processes, Span, Spans, Trace, remark, resource};
use crate::trace::{ResourceIx, SpanId, TraceBuilder, TraceId};
use crate::wire::raw::{self, Attribute};
use crate::wire::{Added, Sink, json};
use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;

#[derive(Default)]
pub(in crate::wire) struct Staged<'a> {
    traces: HashMap<TraceId, Spot>,
    // The trace that is written to.
    open: Option<(TraceId, Spot)>,
    processes: HashMap<Cow<'a, str>, u32>,
    slots: Vec<Slot<'a>>,
    last: Option<u32>,
    /// Spans without usable ids, by trace where at least that is known.
    invalid: Vec<Option<TraceId>>,
    injected: Vec<(TraceId, SpanId)>,
    spans: usize,
    /// A span that only the whole answer can make sense of.
    odd: bool,
    /// Spans that are not in the three-worded dialect: one is enough.
    other_words: bool,
    /// The spans behind these, where they were read at the same time.
    rest: Option<Box<Staged<'a>>>,
}

/// The spans of one trace, which name their process by its slot instead of a resource.
#[derive(Default)]
struct Spot {
    builder: TraceBuilder,
    slots: FxHashSet<u32>,
}

/// What the spans of a process show of it.
struct Slot<'a> {
    id: Cow<'a, str>,
    all_text: bool,
    would_be_typed: bool,
}

impl<'a> Spans<'a> for Staged<'a> {
    fn is_empty(&self) -> bool {
        self.parts().all(|part| part.spans == 0 && part.invalid.is_empty())
    }
}

impl<'a> Staged<'a> {
    /// Reads all spans that are left of a list.
    pub(super) fn of<A: SeqAccess<'a>>(mut items: A) -> Result<Staged<'a>, A::Error> {
        let mut staged = Staged::default();
        while let Some(span) = items.next_element()? {
            staged.push(span);
        }
        Ok(staged)
    }
    /// Puts the spans behind these that were read at the same time.
    pub(super) fn followed_by(&mut self, rest: Staged<'a>) {
        self.rest = Some(Box::new(rest));
    }
    #[cfg(test)]
    pub(super) fn is_in_parts(&self) -> bool {
        self.rest.is_some()
    }
    fn parts(&self) -> impl Iterator<Item = &Staged<'a>> {
        std::iter::successors(Some(self), |part| part.rest.as_deref())
    }
    /// Whether all spans could be read one by one.
    pub(super) fn is_usual(&self, processes: &Processes<'_>) -> bool {
        if self.parts().any(|part| part.odd) {
            return false;
        }
        // Of each process, by all of its spans: whether all is text, and whether something of it would have a type.
        let mut shown: HashMap<&str, (bool, bool)> = HashMap::new();
        for slot in self.parts().flat_map(|part| &part.slots) {
            let (all_text, would_be_typed) = shown.entry(&slot.id).or_insert((true, false));
            *all_text &= slot.all_text;
            *would_be_typed |= slot.would_be_typed;
        }
        let untyped = |(id, (all_text, would_be_typed)): (&&str, &(bool, bool))| {
            let tags = || processes.0.get(*id).into_iter().flat_map(|process| &process.tags);
            *all_text && tags().all(facts::is_text) && (*would_be_typed || tags().any(facts::is_not_text))
        };
        self.is_empty() || self.parts().any(|part| part.other_words) && !shown.iter().any(untyped)
    }

    #[expect(clippy::ptr_arg, reason = "a copy of a `Cow` still borrows from the document")]
    fn slot(&mut self, id: &Cow<'a, str>) -> u32 {
        if let Some(last) = self.last
            && self.slots[last as usize].id == *id
        {
            return last;
        }
        let next = self.slots.len() as u32;
        let slot = *self.processes.entry(id.clone()).or_insert(next);
        if slot == next {
            self.slots.push(Slot { id: id.clone(), all_text: true, would_be_typed: false });
        }
        self.last = Some(slot);
        slot
    }

    fn spot(&mut self, id: TraceId) -> &mut Spot {
        if self.open.as_ref().is_none_or(|(open, _)| *open != id) {
            let spot = self.traces.remove(&id).unwrap_or_default();
            if let Some((before, spot)) = self.open.take() {
                self.traces.insert(before, spot);
            }
            self.open = Some((id, spot));
        }
        &mut self.open.get_or_insert_with(|| (id, Spot::default())).1
    }

    fn push(&mut self, span: Span<'a>) {
        self.odd |= span.trace_id.is_empty() || span.process.is_some();
        if self.odd {
            return;
        }
        let place = self.slot(&span.process_id);
        let slot = &mut self.slots[place as usize];
        if slot.all_text {
            slot.all_text = facts::is_all_text(&span);
            slot.would_be_typed |= slot.all_text && facts::would_be_typed(&span);
        }
        self.other_words = self.other_words || !facts::is_three_worded(&span);
        let (scope, span) = facts::span(span, false, &Dialect::USUAL);
        let Some((trace_id, span_id)) = raw::ids(&span) else {
            self.invalid.push(span.trace_id.usable());
            return;
        };
        self.injected.extend(raw::injected(&span).map(|own| (trace_id, own)));
        self.spans += 1;
        let Spot { builder, slots } = self.spot(trace_id);
        slots.insert(place);
        let scope = builder.scope(&scope.name, &scope.version, Vec::new());
        let (head, dropped) = raw::put(builder, span, (trace_id, span_id), ResourceIx(place), scope);
        builder.close_before_resource(head, dropped);
    }
}

impl<'a> Trace<'a, Staged<'a>> {
    /// Gives the spans their resources and adds them.
    pub(super) fn commit(self, errors: &[String], sink: &mut dyn Sink) -> Added {
        let of_process = |(id, process)| (id, resource(process));
        let resources: HashMap<Cow<'_, str>, Vec<Attribute<'_>>> =
            self.processes.0.into_iter().map(of_process).collect();
        let (mut ids, mut invalid, mut injected, mut spans) = (BTreeSet::new(), Vec::new(), Vec::new(), 0);
        let mut next = Some(Box::new(self.spans));
        while let Some(part) = next.take() {
            spans += part.spans;
            invalid.extend(part.invalid);
            injected.extend(part.injected);
            for (id, Spot { mut builder, slots }) in part.traces.into_iter().chain(part.open) {
                ids.insert(id);
                let of_slot = |slot: u32| {
                    let process = resources.get(&part.slots[slot as usize].id).map(Vec::as_slice);
                    (slot, raw::resource(&mut builder, process.unwrap_or_default(), false))
                };
                let places: HashMap<u32, ResourceIx> = slots.into_iter().map(of_slot).collect();
                // Every slot that a span names is among them.
                builder.place(|slot| places.get(&slot.0).copied().unwrap_or(slot));
                sink.builder(id).absorb(builder);
            }
            next = part.rest;
        }
        ids.extend(invalid.iter().copied().flatten());
        if ids.is_empty() {
            ids.extend(json::trace_id(&self.trace_id).usable());
        }
        injected.into_iter().for_each(|(id, own)| sink.injected(id, own));
        invalid.iter().for_each(|id| sink.invalid_span(*id));
        remark(&ids, &self.warnings, errors, sink);
        Added { spans, invalid: invalid.len(), skipped: 0 }
    }
}

impl<'de> Deserialize<'de> for Staged<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At;
        impl<'de> Visitor<'de> for At {
            type Value = Staged<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Staged::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                Staged::of(items)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
                from.deserialize_any(At)
            }
        }
        from.deserialize_newtype_struct(json::IN_PARTS, At)
    }
}

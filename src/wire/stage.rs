//! What a document brings, kept beside until all of it is read: a document that is refused adds nothing, and none is there as a whole.

use super::raw::{self, Group};
use super::{Added, Sink};
use crate::trace::{SpanId, TraceBuilder, TraceId};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use std::collections::HashMap;
use std::fmt;

/// Spans of any traces, not yet added to anything.
#[derive(Debug, Default)]
pub(super) struct Stage {
    builders: HashMap<TraceId, TraceBuilder>,
    // The trace that is written to.
    open: Option<(TraceId, TraceBuilder)>,
    invalid: Vec<Option<TraceId>>,
    injected: Vec<(TraceId, SpanId)>,
    added: Added,
}

impl Stage {
    /// Adds all spans of one resource.
    pub(super) fn group(&mut self, group: Group<'_>) {
        let added = raw::add(group, self);
        self.added += added;
    }
    /// Counts a span that was added to its builder.
    pub(super) fn added_span(&mut self) {
        self.added.spans += 1;
    }
    /// Hands all of it on.
    pub(super) fn commit(mut self, sink: &mut dyn Sink) -> Added {
        self.builders.extend(self.open.take());
        // One may have been opened for a span that turned out to be none.
        for (id, builder) in self.builders.into_iter().filter(|(_, builder)| !builder.is_empty()) {
            sink.builder(id).absorb(builder);
        }
        self.injected.into_iter().for_each(|(trace, span)| sink.injected(trace, span));
        self.invalid.into_iter().for_each(|trace| sink.invalid_span(trace));
        self.added
    }
}

impl Sink for Stage {
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder {
        if self.open.as_ref().is_none_or(|(open, _)| *open != id) {
            let builder = self.builders.remove(&id).unwrap_or_default();
            self.builders.extend(self.open.replace((id, builder)));
        }
        &mut self.open.get_or_insert_with(|| (id, TraceBuilder::new())).1
    }
    fn invalid_span(&mut self, trace: Option<TraceId>) {
        self.invalid.push(trace);
    }
    fn injected(&mut self, trace: TraceId, span: SpanId) {
        self.injected.push((trace, span));
    }
}

/// A list of ResourceSpans in JSON; null is empty.
impl<'de> Deserialize<'de> for Stage {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At;
        impl<'de> Visitor<'de> for At {
            type Value = Stage;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Stage::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut stage = Stage::default();
                while let Some(group) = items.next_element()? {
                    stage.group(group);
                }
                Ok(stage)
            }
        }
        from.deserialize_any(At)
    }
}

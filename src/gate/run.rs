//! What one trace says to the gate: its shape, and what its calls take on the network.

use crate::analyse::conventions::normalised;
use crate::analyse::network::Network;
use crate::baseline::{Key, Shape};
use crate::facts::Facts;
use crate::trace::{SpanRef, TraceId};
use std::collections::BTreeMap;

/// One trace.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: TraceId,
    /// Its shape.
    pub shape: Shape,
    /// What a call takes longer than its answer, by CLIENT and SERVER span: the mean of the trace, nanoseconds.
    pub network: BTreeMap<(Key, Key), u64>,
}

impl Run {
    /// What a trace says.
    pub fn of(facts: &Facts<'_>) -> Run {
        let trace = facts.trace();
        let mut sums: BTreeMap<(Key, Key), (u64, u64)> = BTreeMap::new();
        for pair in &Network::of(facts).pairs {
            let sides = (key(trace.span(pair.client)), key(trace.span(pair.server)));
            let (sum, count) = sums.entry(sides).or_default();
            // A server that closes a moment after its client has no time on the network.
            *sum = sum.saturating_add(u64::try_from(pair.overhead_ns()).unwrap_or(0));
            *count += 1;
        }
        let network = sums.into_iter().map(|(sides, (sum, count))| (sides, sum / count)).collect();
        Run { id: trace.id(), shape: Shape::of(facts), network }
    }
}

fn key(span: SpanRef<'_>) -> Key {
    Key::new(span.service(), span.kind(), &normalised(span.name()))
}

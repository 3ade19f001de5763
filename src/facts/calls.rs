//! Outgoing calls of a trace and whether the callee's side of them is there (backends.md, section 6).
//!
//! A call is a CLIENT or PRODUCER span, except one that talks to a database, one that receives or settles messages, and
//! a CLIENT span that contains a CLIENT or PRODUCER span of its own service (a library's span around the real call). What
//! answers it hangs from it, or from spans that its own service made within it.

use super::peer::CallNames;
use crate::trace::{Kind, SpanId, SpanIx, SpanRef, Trace, TraceId};
use std::collections::HashSet;

/// One outgoing call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The CLIENT or PRODUCER span.
    pub span: SpanIx,
    /// Whether the callee's side is in the trace.
    pub answered: bool,
    /// Whether the span says that it failed: then the callee may never have seen the call.
    pub error: bool,
}

/// All outgoing calls of a trace, in row order. Found in one walk.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    calls: Vec<Call>,
    pairs: Vec<(SpanIx, SpanIx)>,
    within: Vec<Within>,
}

/// Whether a span runs within a call of its own service: is one, or hangs from one through spans of that service that are
/// no entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// In no call.
    Nothing,
    /// In this call.
    Call(SpanIx),
    /// The spans above are not all there.
    Unknown,
}

impl Calls {
    /// The calls of a trace.
    pub fn of(trace: &Trace) -> Calls {
        let names = CallNames::of(trace);
        let wraps = wrappers(trace);
        let linked = linked_by_consumers(trace);
        let no_calls = names.no_calls(trace);
        let within = within(trace, &no_calls, &wraps);
        let mut answered = vec![false; trace.len()];
        let mut found = Calls::default();
        for span in trace.spans() {
            let Some(parent) = span.parent() else { continue };
            let Within::Call(call) = within[parent.ix().index()] else { continue };
            let entry = matches!(span.kind(), Kind::Server | Kind::Consumer);
            if entry && call == parent.ix() {
                found.pairs.push((call, span.ix()));
            }
            // A span of another service below a call was made by whoever took the call, whatever its kind.
            answered[call.index()] |= entry || span.service() != parent.service();
        }
        for span in trace.spans().filter(|span| within[span.ix().index()] == Within::Call(span.ix())) {
            let answered = answered[span.ix().index()] || linked.answers(span);
            found.calls.push(Call { span: span.ix(), answered, error: span.is_error() });
        }
        found.within = within;
        for (producer, consumer) in linked.pairs {
            if no_calls[producer.index()] || trace.tree().parent(consumer) == Some(producer) {
                continue;
            }
            found.pairs.push((producer, consumer));
        }
        found.pairs.sort_unstable();
        found
    }

    /// All calls, in row order.
    pub fn all(&self) -> &[Call] {
        &self.calls
    }
    /// The calls whose callee's side is missing, in row order.
    pub fn unanswered(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| !call.answered)
    }
    /// In which call of its own service a span runs.
    pub fn within(&self, ix: SpanIx) -> Within {
        self.within[ix.index()]
    }
    /// (CLIENT or PRODUCER, SERVER or CONSUMER) pairs, directly by parent or by link, in row order.
    pub fn pairs(&self) -> &[(SpanIx, SpanIx)] {
        &self.pairs
    }
}

/// Whether each of the runner's requests has a span that it called: a span whose parent is the request's id, or a SERVER
/// span that shares it.
pub fn requests_answered(trace: &Trace, requests: &[SpanId]) -> Vec<bool> {
    let parents: HashSet<SpanId> =
        trace.tree().roots().iter().filter_map(|&root| trace.span(root).parent_id()).collect();
    let shared = |id: &SpanId| trace.spans().any(|span| span.id() == *id);
    requests.iter().map(|id| parents.contains(id) || shared(id)).collect()
}

/// Of each row, in which call of its own service it runs.
fn within(trace: &Trace, no_calls: &[bool], wraps: &[bool]) -> Vec<Within> {
    let tree = trace.tree();
    let mut within = vec![Within::Nothing; trace.len()];
    for &ix in tree.preorder() {
        let span = trace.span(ix);
        within[ix.index()] = match span.kind() {
            Kind::Server | Kind::Consumer => Within::Nothing,
            Kind::Client if wraps[ix.index()] => Within::Nothing,
            Kind::Client | Kind::Producer if no_calls[ix.index()] => Within::Nothing,
            Kind::Client | Kind::Producer => Within::Call(ix),
            _ => match span.parent() {
                Some(parent) if parent.service() == span.service() => within[parent.ix().index()],
                Some(_) => Within::Nothing,
                None if tree.is_connected(ix) && !tree.root_is_assumed() => Within::Nothing,
                None => Within::Unknown,
            },
        };
    }
    within
}

/// Which rows contain a CLIENT or PRODUCER span of their own service, through spans of that service.
pub(crate) fn wrappers(trace: &Trace) -> Vec<bool> {
    let tree = trace.tree();
    let mut wraps = vec![false; trace.len()];
    for &ix in tree.preorder().iter().rev() {
        let Some(parent) = tree.parent(ix) else { continue };
        let span = trace.span(ix);
        let outgoing = matches!(span.kind(), Kind::Client | Kind::Producer) || wraps[ix.index()];
        // A SERVER or CONSUMER span between them is the answer to a call of the service to itself, not a wrapped call.
        let inside = !matches!(span.kind(), Kind::Server | Kind::Consumer);
        if outgoing && inside && span.service() == trace.span(parent).service() {
            wraps[parent.index()] = true;
        }
    }
    wraps
}

struct Linked {
    targets: HashSet<(TraceId, SpanId)>,
    pairs: Vec<(SpanIx, SpanIx)>,
}

impl Linked {
    fn answers(&self, span: SpanRef<'_>) -> bool {
        span.kind() == Kind::Producer && self.targets.contains(&(span.trace_id(), span.id()))
    }
}

fn linked_by_consumers(trace: &Trace) -> Linked {
    let mut found = Linked { targets: HashSet::new(), pairs: Vec::new() };
    let consumers = || trace.spans().filter(|span| span.kind() == Kind::Consumer && !span.links().is_empty());
    if consumers().next().is_none() {
        return found;
    }
    let producers: std::collections::HashMap<(TraceId, SpanId), SpanIx> = trace
        .spans()
        .filter(|span| span.kind() == Kind::Producer)
        .map(|span| ((span.trace_id(), span.id()), span.ix()))
        .collect();
    for consumer in consumers() {
        for link in consumer.links() {
            if let Some(&producer) = producers.get(&(link.trace_id, link.span_id)) {
                found.targets.insert((link.trace_id, link.span_id));
                found.pairs.push((producer, consumer.ix()));
            }
        }
    }
    found.pairs.sort_unstable();
    found.pairs.dedup();
    found
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;

//! Which of the traces held a search finds: the newest first, within a bound on the work.

use super::store::{Held, Store};
use crate::select::{Index, Query};
use crate::trace::{Injected, SpanIx, SpanRef, Trace};

/// The most spans that one search looks at.
const MOST_SPANS: usize = 2_000_000;

/// What is looked for. Everything given must hold; all but the query and the times of the trace of one and the same span.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) query: Option<Query>,
    pub(super) service: Option<String>,
    pub(super) name: Option<String>,
    /// Keys and values, of the span or of its resource, as they are shown.
    pub(super) attributes: Vec<(String, String)>,
    /// Unix nanoseconds that the trace reaches into.
    pub(super) start_ns: Option<u64>,
    pub(super) end_ns: Option<u64>,
    /// How long it takes: the trace where a query is given, the span otherwise.
    pub(super) least_ns: Option<u64>,
    pub(super) most_ns: Option<u64>,
}

/// How much was looked at.
#[derive(Debug, Default)]
pub(super) struct Searched {
    pub(super) traces: usize,
    pub(super) spans: usize,
}

/// Hands each trace that is found, with its sets of matching spans, to `found`, until that says that it has enough.
pub(super) fn matching(
    store: &Store,
    filter: &Filter,
    mut found: impl FnMut(&Trace, &[Vec<SpanIx>]) -> bool,
) -> Searched {
    let mut searched = Searched::default();
    for id in store.newest(filter.service.as_deref()) {
        let Held::Spans(spans) = store.get(id) else { continue };
        if searched.spans > 0 && searched.spans + spans.len() > MOST_SPANS {
            break;
        }
        searched.traces += 1;
        searched.spans += spans.len();
        let trace = spans.build(id, &[], &Injected::Unknown);
        drop(spans);
        let Some((start, end)) = trace.interval() else { continue };
        if filter.start_ns.is_some_and(|from| end < from) || filter.end_ns.is_some_and(|to| start > to) {
            continue;
        }
        let sets = sets(filter, &trace);
        if !sets.is_empty() && !found(&trace, &sets) {
            break;
        }
    }
    searched
}

fn sets(filter: &Filter, trace: &Trace) -> Vec<Vec<SpanIx>> {
    let lasts =
        |ns: u64| filter.least_ns.is_none_or(|least| ns >= least) && filter.most_ns.is_none_or(|most| ns <= most);
    if let Some(query) = &filter.query {
        if !lasts(trace.duration_ns()) {
            return Vec::new();
        }
        return query.select(&Index::new(trace)).spansets.into_iter().map(|set| set.spans).collect();
    }
    let fits = |span: &SpanRef<'_>| {
        filter.service.as_ref().is_none_or(|service| span.service() == service)
            && filter.name.as_ref().is_none_or(|name| span.name() == name)
            && lasts(span.duration_ns())
            && filter.attributes.iter().all(|(key, wanted)| has(span, key, wanted))
    };
    let spans: Vec<SpanIx> = trace.spans().filter(fits).map(|span| span.ix()).collect();
    if spans.is_empty() { Vec::new() } else { vec![spans] }
}

/// Whether the span or its resource has this value. Jaeger calls a failed span `error=true`.
fn has(span: &SpanRef<'_>, key: &str, wanted: &str) -> bool {
    if key == "error" && span.is_error() {
        return wanted == "true";
    }
    let is = |value| span.trace().show(value) == wanted;
    span.attribute(key).is_some_and(is) || span.resource_attribute(key).is_some_and(is)
}

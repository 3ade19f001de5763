//! The trace as Chrome trace events, which Perfetto and speedscope open: a process for each service, and in it as many threads as
//! it takes for spans on one to nest.

use crate::facts::Facts;
use crate::trace::{SpanIx, SpanRef, Trace};
use serde_json::{Value, json};
use std::collections::{BTreeSet, BinaryHeap, HashMap};

/// A document of Chrome's trace event format. Times count from the first span: nanoseconds since 1970 do not fit into the numbers
/// that its readers use.
pub fn document(facts: &Facts<'_>) -> Value {
    let trace = facts.trace();
    let begin = trace.interval().map_or(0, |(start, _)| start);
    let services: HashMap<&str, usize> = facts.services().enumerate().map(|(at, (name, _))| (name, at + 1)).collect();
    let threads = threads(trace, &services);
    let mut events = Vec::new();
    for (at, (name, _)) in facts.services().enumerate() {
        let name = super::service_name(name);
        events.push(json!({ "ph": "M", "name": "process_name", "pid": at + 1, "tid": 0, "args": { "name": name } }));
        events.push(
            json!({ "ph": "M", "name": "process_sort_index", "pid": at + 1, "tid": 0, "args": { "sort_index": at } }),
        );
    }
    let place = |span: SpanRef<'_>| (services[span.service()], threads[span.ix().index()]);
    for span in trace.spans() {
        let (pid, tid) = place(span);
        events.push(json!({
            "ph": "X", "name": span.name(), "cat": span.kind().word(), "pid": pid, "tid": tid,
            "ts": micros(span.start_ns().saturating_sub(begin)), "dur": micros(span.duration_ns()),
            "args": arguments(span),
        }));
        // An arrow where a call leaves its service.
        if let Some(parent) = span.parent().filter(|parent| parent.service() != span.service()) {
            let (from, thread) = place(parent);
            let id = span.id().to_string();
            let start = span.start_ns().clamp(parent.start_ns(), parent.end_ns());
            events.push(json!({
                "ph": "s", "name": "call", "cat": "call", "id": id, "pid": from, "tid": thread,
                "ts": micros(start.saturating_sub(begin)),
            }));
            events.push(json!({
                "ph": "f", "bp": "e", "name": "call", "cat": "call", "id": id, "pid": pid, "tid": tid,
                "ts": micros(span.start_ns().saturating_sub(begin)),
            }));
        }
    }
    json!({
        "displayTimeUnit": "ns",
        "otherData": { "trace_id": trace.id().to_string(), "start_unix_ns": begin.to_string() },
        "traceEvents": events,
    })
}

/// Microseconds, the unit of the format.
fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

fn arguments(span: SpanRef<'_>) -> Value {
    let trace = span.trace();
    let mut all = serde_json::Map::new();
    for (key, value) in span.attributes() {
        all.insert(trace.text(key).to_owned(), Value::from(trace.show(value)));
    }
    all.insert("span_id".to_owned(), Value::from(span.id().to_string()));
    all.insert("status".to_owned(), Value::from(span.status().word()));
    if !span.status_message().is_empty() {
        all.insert("status_message".to_owned(), Value::from(span.status_message()));
    }
    Value::Object(all)
}

/// For each span a thread of its service on which the spans nest: that of its parent where it lies within what runs there, else one
/// that is free, else a new one.
fn threads(trace: &Trace, services: &HashMap<&str, usize>) -> Vec<usize> {
    #[derive(Default)]
    struct Service {
        // What runs on each thread, the innermost last.
        running: Vec<Vec<SpanIx>>,
        free: BTreeSet<usize>,
        // When the outermost span of a thread ends, the first end first.
        ends: BinaryHeap<(std::cmp::Reverse<u64>, usize)>,
    }
    let mut all: Vec<Service> = Vec::new();
    all.resize_with(services.len() + 1, Service::default);
    let mut of = vec![0; trace.len()];
    // Of spans that start together the longest is first, so that the others lie within it.
    let mut order: Vec<SpanRef<'_>> = trace.spans().collect();
    order.sort_by_key(|span| (span.start_ns(), std::cmp::Reverse(span.end_ns()), trace.tree().enter(span.ix())));
    for span in order {
        let Service { running, free, ends } = &mut all[services[span.service()]];
        while let Some(&(std::cmp::Reverse(end), thread)) = ends.peek().filter(|(end, _)| end.0 <= span.start_ns()) {
            ends.pop();
            if running[thread].first().is_some_and(|first| trace.span(*first).end_ns() == end) {
                running[thread].clear();
                free.insert(thread);
            }
        }
        let within = |thread: &mut Vec<SpanIx>| {
            while thread.last().is_some_and(|last| trace.span(*last).end_ns() <= span.start_ns()) {
                thread.pop();
            }
            thread.last().is_some_and(|last| trace.span(*last).end_ns() >= span.end_ns())
        };
        let parents = span.parent().filter(|parent| parent.service() == span.service());
        let parents = parents.map(|parent| of[parent.ix().index()]);
        let thread = match parents.filter(|&thread| running.get_mut(thread).is_some_and(within)) {
            Some(thread) => thread,
            None => {
                let thread = free.pop_first().unwrap_or_else(|| {
                    running.push(Vec::new());
                    running.len() - 1
                });
                ends.push((std::cmp::Reverse(span.end_ns()), thread));
                thread
            }
        };
        running[thread].push(span.ix());
        of[span.ix().index()] = thread;
    }
    of
}

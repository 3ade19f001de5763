#![allow(clippy::unwrap_used)]
use super::*;
use crate::trace::ids::SpanId;
use crate::trace::model::{Event, Kind, Link, StatusCode, Trace};
use crate::trace::{Dropped, Injected, Note, SpanRecord};
use proptest::prelude::*;

fn trace_id(value: u128) -> TraceId {
    TraceId::new(value).unwrap()
}

/// A span with an attribute of every shape that holds symbols, an event and a link.
fn add(builder: &mut TraceBuilder, id: u64, parent: u64, service: &str) {
    let record = record(builder, id, parent, service);
    builder.span(record);
}

fn record(builder: &mut TraceBuilder, id: u64, parent: u64, service: &str) -> SpanRecord {
    let [key, list, map] = ["db.system.name", "list", "map"].map(|text| builder.intern(text));
    let own = builder.intern(&format!("value-{id}"));
    let (service_key, service) = (builder.intern("service.name"), builder.intern(service));
    let event = Event {
        time_ns: id,
        name: builder.intern("exception"),
        attributes: builder.attributes(vec![(list, Value::Str(own))]),
    };
    let link = Link {
        trace_id: trace_id(0xfeed),
        span_id: SpanId::new(9).unwrap(),
        trace_state: builder.intern("k=v"),
        attributes: builder.attributes(vec![(map, Value::Bool(true))]),
    };
    let nested = builder.attributes(vec![(list, Value::Str(own)), (key, Value::Int(3))]);
    SpanRecord {
        trace_id: trace_id(1),
        span_id: SpanId::new(id).unwrap(),
        parent_id: SpanId::new(parent),
        name: builder.intern(&format!("op-{id}")),
        kind: Kind::Internal,
        status: StatusCode::Error,
        status_message: builder.intern("broken"),
        trace_state: builder.intern("a=b"),
        flags: Some(1),
        start_ns: id * 10,
        end_ns: id * 10 + 5,
        attributes: vec![
            (map, Value::Map(nested.into())),
            (key, Value::Str(own)),
            (list, Value::Array([Value::Str(service), Value::Empty].into())),
        ],
        events: vec![event],
        links: vec![link],
        dropped: Dropped::default(),
        resource: builder.resource(vec![(service_key, Value::Str(service))]),
        scope: builder.scope("scope", &format!("v{}", id % 2), vec![(key, Value::Str(own))]),
    }
}

fn told(trace: &Trace) -> String {
    let span = |row: usize| {
        let span = trace.span(crate::trace::SpanIx(row as u32));
        let attributes = |list: &[(Sym, Value)]| -> String {
            list.iter().map(|(key, value)| format!("{}={} ", trace.text(*key), trace.show(value))).collect()
        };
        let own: String =
            span.attributes().map(|(key, value)| format!("{}={} ", trace.text(key), trace.show(value))).collect();
        let events: String = span
            .events()
            .iter()
            .map(|event| format!("{} {} {}", event.time_ns, trace.text(event.name), attributes(&event.attributes)))
            .collect();
        let links: String = span
            .links()
            .iter()
            .map(|link| format!("{} {} {}", link.trace_id, trace.text(link.trace_state), attributes(&link.attributes)))
            .collect();
        let scope = span.scope();
        format!(
            "{span:?} {:?} {} {} {} | {own}| {events} | {links} | {} {} {}\n",
            span.parent_id(),
            span.status_message(),
            span.trace_state(),
            attributes(&span.resource().attributes),
            trace.text(scope.name),
            trace.text(scope.version),
            attributes(&scope.attributes)
        )
    };
    (0..trace.len()).map(span).collect::<String>() + &format!("{:?}", trace.notes())
}

fn built(builder: &TraceBuilder) -> String {
    told(&builder.build(trace_id(1), &[], &Injected::Unknown))
}

proptest! {
    #[test]
    fn absorbed_in_parts_and_any_order_a_trace_is_the_same_as_added_at_once(
        spans in proptest::collection::vec((1u64..30, 0u64..30, 0usize..3), 1..20),
        cut in 0usize..20,
    ) {
        let services = ["gateway", "order", ""];
        let cut = cut.min(spans.len());
        let mut whole = TraceBuilder::new();
        let (mut left, mut right) = (TraceBuilder::new(), TraceBuilder::new());
        for (n, &(id, parent, service)) in spans.iter().enumerate() {
            add(&mut whole, id, parent, services[service]);
            add(if n < cut { &mut left } else { &mut right }, id, parent, services[service]);
        }
        let (mut first, mut second) = (left.clone(), right.clone());
        first.absorb(right);
        second.absorb(left);
        prop_assert_eq!(built(&first), built(&whole));
        prop_assert_eq!(built(&second), built(&whole));
        prop_assert_eq!(first.len(), spans.len());
    }
}

#[test]
fn remarks_untyped_and_invalid_spans_are_carried_over() {
    let mut left = TraceBuilder::new();
    add(&mut left, 1, 0, "shop");
    let mut right = TraceBuilder::new();
    let span = record(&mut right, 2, 1, "shop");
    let (key, value) = (right.intern("n"), Value::Str(right.intern_untyped("7")));
    right.span(SpanRecord { attributes: vec![(key, value)], ..span });
    right.invalid_spans(1);
    right.remark("partial");
    left.absorb(right);
    let notes = left.build(trace_id(1), &[], &Injected::Unknown).notes().to_vec();
    assert!(notes.contains(&Note::Untyped));
    assert!(notes.contains(&Note::InvalidIds { spans: 1 }));
    assert!(notes.contains(&Note::Backend("partial".into())));
}

#[test]
fn services_links_and_memory_are_told_of_what_was_added() {
    let mut builder = TraceBuilder::new();
    let empty = builder.memory();
    add(&mut builder, 1, 0, "shop");
    add(&mut builder, 2, 1, "");
    assert_eq!(builder.services(), ["shop"]);
    assert_eq!(builder.linked(), [trace_id(0xfeed)]);
    assert!(builder.memory() > empty + 2 * size_of::<SpanHead>());
}

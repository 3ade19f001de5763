#![allow(clippy::unwrap_used)]
use super::*;
use crate::trace::ids::{SpanId, TraceId};
use crate::trace::model::{Kind, ResourceIx, ScopeIx, StatusCode};

fn head(id: u64) -> SpanHead {
    SpanHead {
        trace_id: TraceId::new(1).unwrap(),
        span_id: SpanId::new(id).unwrap(),
        parent_id: None,
        name: Sym::EMPTY,
        kind: Kind::Internal,
        status: StatusCode::Unset,
        status_message: Sym::EMPTY,
        trace_state: Sym::EMPTY,
        flags: None,
        start_ns: 1,
        end_ns: 2,
        resource: ResourceIx(0),
        scope: ScopeIx(0),
    }
}

fn attributes(received: &Received, at: u32) -> Vec<(Sym, Value)> {
    received.lists(at).attributes().map(|(key, value)| (key, value.clone())).collect()
}

#[test]
fn of_a_repeated_key_the_last_value_counts_among_few_attributes_and_among_many() {
    for others in [2u32, 100] {
        let mut symbols = Symbols::default();
        let keys: Vec<Sym> = (0..others).map(|at| symbols.intern(&at.to_string())).collect();
        let mut received = Received::default();
        received.attribute(keys[1], Value::Int(-1));
        keys.iter().zip(0..).for_each(|(key, at)| received.attribute(*key, Value::Int(at)));
        received.attribute(keys[0], Value::Int(-2));
        received.close(&symbols, head(1), Dropped::default());
        let mut kept = attributes(&received, 0);
        kept.sort_by_key(|(key, _)| *key);
        let mut wanted: Vec<(Sym, Value)> = keys.iter().copied().zip((0..).map(Value::Int)).collect();
        wanted[0].1 = Value::Int(-2);
        assert_eq!(kept, wanted);
    }
}

#[test]
fn what_was_begun_and_abandoned_belongs_to_no_span() {
    let mut symbols = Symbols::default();
    let key = symbols.intern("key");
    let event = Event { time_ns: 1, name: key, attributes: Box::default() };
    let link = Link {
        trace_id: TraceId::new(1).unwrap(),
        span_id: SpanId::new(1).unwrap(),
        trace_state: key,
        attributes: Box::default(),
    };
    let mut received = Received::default();
    let begin = |received: &mut Received, value| {
        received.attribute(key, Value::Int(value));
        received.event(event.clone());
        received.link(link.clone());
    };
    begin(&mut received, 1);
    received.close(&symbols, head(1), Dropped { attributes: 1, ..Dropped::default() });
    begin(&mut received, 2);
    received.abandon();
    received.attribute(key, Value::Int(3));
    received.close(&symbols, head(2), Dropped::default());
    assert_eq!(attributes(&received, 0), [(key, Value::Int(1))]);
    assert_eq!(attributes(&received, 1), [(key, Value::Int(3))]);
    let [first, second] = [received.lists(0), received.lists(1)];
    assert_eq!((first.events.len(), first.links.len(), first.dropped.attributes), (1, 1, 1));
    assert_eq!((second.events.len(), second.links.len(), second.dropped.attributes), (0, 0, 0));
}

#[test]
fn a_spans_events_are_sorted_by_time_and_name() {
    let mut symbols = Symbols::default();
    let [b, a] = ["b", "a"].map(|text| symbols.intern(text));
    let mut received = Received::default();
    for (time_ns, name) in [(2, a), (1, b), (1, a)] {
        received.event(Event { time_ns, name, attributes: Box::default() });
    }
    received.close(&symbols, head(1), Dropped::default());
    let told: Vec<(u64, Sym)> = received.lists(0).events.iter().map(|event| (event.time_ns, event.name)).collect();
    assert_eq!(told, [(1, a), (1, b), (2, a)]);
}

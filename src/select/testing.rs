//! Small traces and queries for this module's tests.
#![allow(clippy::unwrap_used)]

use super::{Query, parse};
use crate::source::Span;
use crate::trace::{
    Dropped, Event, Injected, Kind, Link, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value,
};

/// A span to be: `Node::new(2, 1).attr("a", json!(1))`.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: u64,
    pub(super) parent: u64,
    pub(super) name: String,
    pub(super) service: String,
    pub(super) kind: Kind,
    pub(super) status: StatusCode,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Vec<(String, Json)>,
    pub(super) events: Vec<NodeEvent>,
    pub(super) links: Vec<(u128, u64)>,
    /// How many attributes the SDK dropped.
    pub(super) dropped: u32,
    /// How many events.
    pub(super) dropped_events: u32,
}

pub(super) type Json = serde_json::Value;
type NodeEvent = (String, u64, Vec<(String, Json)>);

impl Node {
    pub(super) fn new(id: u64, parent: u64) -> Node {
        Node {
            id,
            parent,
            name: format!("op-{id}"),
            service: "shop".to_owned(),
            kind: Kind::Internal,
            status: StatusCode::Unset,
            start: id * 10,
            end: id * 10 + 5,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: 0,
            dropped_events: 0,
        }
    }
    pub(super) fn attr(mut self, key: &str, value: Json) -> Node {
        self.attributes.push((key.to_owned(), value));
        self
    }
    pub(super) fn event(mut self, name: &str, attributes: &[(&str, Json)]) -> Node {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.events.push((name.to_owned(), self.start + 1, attributes));
        self
    }
}

/// The key of an object that stands for text of unknown type.
pub(super) const UNTYPED: &str = "untyped";

fn value(builder: &mut TraceBuilder, json: &Json, untyped: bool) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.as_i64().map_or(Value::Double(number.as_f64().unwrap()), Value::Int),
        Json::String(text) if untyped => Value::Str(builder.intern_untyped(text)),
        Json::String(text) => Value::Str(builder.intern(text)),
        Json::Array(items) => Value::Array(items.iter().map(|item| value(builder, item, untyped)).collect()),
        Json::Object(entries) if let Some(Json::String(text)) = entries.get(UNTYPED) => {
            Value::Str(builder.intern_untyped(text))
        }
        Json::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, item)| (builder.intern(key), value(builder, item, untyped))).collect();
            Value::Map(builder.attributes(entries).into())
        }
    }
}

fn attributes(builder: &mut TraceBuilder, all: &[(String, Json)], untyped: bool) -> Vec<(Sym, Value)> {
    all.iter().map(|(key, json)| (builder.intern(key), value(builder, json, untyped))).collect()
}

const TRACE: u128 = 0xabc;

pub(super) fn trace(nodes: &[Node]) -> Trace {
    trace_of(nodes, false)
}

pub(super) fn trace_of(nodes: &[Node], untyped: bool) -> Trace {
    let mut builder = TraceBuilder::new();
    for node in nodes {
        let service = [("service.name".to_owned(), Json::String(node.service.clone()))];
        let service = attributes(&mut builder, &service, false);
        let events = node.events.iter().map(|(name, time_ns, all)| {
            let all = attributes(&mut builder, all, untyped);
            Event { time_ns: *time_ns, name: builder.intern(name), attributes: builder.attributes(all) }
        });
        let events = events.collect();
        let record = SpanRecord {
            trace_id: TraceId::new(TRACE).unwrap(),
            span_id: SpanId::new(node.id).unwrap(),
            parent_id: SpanId::new(node.parent),
            name: builder.intern(&node.name),
            kind: node.kind,
            status: node.status,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: node.start,
            end_ns: node.end,
            attributes: attributes(&mut builder, &node.attributes, untyped),
            events,
            links: node
                .links
                .iter()
                .map(|(trace, span)| Link {
                    trace_id: TraceId::new(*trace).unwrap(),
                    span_id: SpanId::new(*span).unwrap(),
                    trace_state: Sym::EMPTY,
                    attributes: Box::default(),
                })
                .collect(),
            dropped: Dropped { attributes: node.dropped, events: node.dropped_events, links: 0 },
            resource: builder.resource(service),
            scope: builder.scope("lib", "1.0", Vec::new()),
        };
        builder.span(record);
    }
    builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Known(Vec::new()))
}

pub(super) fn query(text: &str) -> Query {
    let (query, errors) = parse(text, Span::new(0, text.len()));
    query.unwrap_or_else(|| panic!("{text}: {errors:?}"))
}

/// The ids that a query picks.
pub(super) fn ids(text: &str, trace: &Trace) -> Vec<u64> {
    ids_of(&query(text), trace)
}

pub(super) fn ids_of(query: &Query, trace: &Trace) -> Vec<u64> {
    query.spans(trace).into_iter().map(|ix| trace.span(ix).id().get()).collect()
}

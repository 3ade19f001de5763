//! Traces for benches that ask for a shape of their own; realistic ones come from `examples/traces`.

#![allow(dead_code, reason = "each bench uses a part of it")]

use tracespec::trace::{
    Injected, Kind, ResourceIx, ScopeIx, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value,
};

/// A trace that is written span by span.
pub struct Spans {
    pub builder: TraceBuilder,
    id: TraceId,
    scope: ScopeIx,
}

/// What a bench says of a span; everything else is as plain as can be.
pub struct Span {
    pub id: u64,
    /// 0: none.
    pub parent: u64,
    pub name: Sym,
    pub kind: Kind,
    pub times: (u64, u64),
    pub attributes: Vec<(Sym, Value)>,
    pub resource: ResourceIx,
}

impl Spans {
    pub fn new() -> Spans {
        let mut builder = TraceBuilder::new();
        let scope = builder.scope("bench", "1", Vec::new());
        Spans { builder, id: TraceId::new(1).expect("not zero"), scope }
    }
    /// So many services, on five hosts.
    pub fn services(&mut self, count: u64) -> Vec<ResourceIx> {
        let (service_name, host_name) = (self.builder.intern("service.name"), self.builder.intern("host.name"));
        let resource = |service| {
            let name = self.text(&format!("service-{service}"));
            let host = self.text(&format!("host-{}", service % 5));
            self.builder.resource(vec![(service_name, name), (host_name, host)])
        };
        (0..count).map(resource).collect()
    }
    pub fn text(&mut self, text: &str) -> Value {
        Value::Str(self.builder.intern(text))
    }
    pub fn add(&mut self, span: Span) {
        self.builder.span(SpanRecord {
            trace_id: self.id,
            span_id: SpanId::new(span.id).expect("not zero"),
            parent_id: SpanId::new(span.parent),
            name: span.name,
            kind: span.kind,
            status: StatusCode::Unset,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: span.times.0,
            end_ns: span.times.1,
            attributes: span.attributes,
            events: Vec::new(),
            links: Vec::new(),
            dropped: Default::default(),
            resource: span.resource,
            scope: self.scope,
        });
    }
    pub fn build(&self) -> Trace {
        self.builder.build(self.id, &[], &Injected::Unknown)
    }
}

//! What the system's spans look like as a trace.

use super::system::Case;
use tracespec::trace::{
    Injected, Kind, Link, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value,
};

/// A span's id.
pub fn span_id(id: u64) -> SpanId {
    SpanId::new(id).unwrap_or_else(|| unreachable!("ids are drawn from one up"))
}

/// The trace of these of the test's spans.
pub fn tell(case: &Case, rows: &[usize]) -> Trace {
    let mut builder = TraceBuilder::new();
    let trace_id = TraceId::new(1).unwrap_or_else(|| unreachable!("one is not zero"));
    let mut texts = |texts: &[(&str, &str)]| -> Vec<(Sym, Value)> {
        texts.iter().map(|(key, value)| (builder.intern(key), Value::Str(builder.intern(value)))).collect()
    };
    let mut attributes = Vec::with_capacity(rows.len());
    for &row in rows {
        let span = &case.spans[row];
        attributes.push(match &span.peer {
            Some((system, queue)) if span.kind == Kind::Producer => {
                texts(&[("messaging.system", system), ("messaging.destination.name", queue)])
            }
            Some((host, service)) => texts(&[("server.address", host), ("rpc.service", service)]),
            None if span.database => texts(&[("db.system.name", "postgresql")]),
            None => Vec::new(),
        });
    }
    for (&row, attributes) in rows.iter().zip(attributes) {
        let span = &case.spans[row];
        let (service, instance) = (builder.intern("service.name"), builder.intern("service.instance.id"));
        let name = builder.intern(&format!("s{}", span.service));
        let number = Value::Int(span.instance as i64);
        let links = span.link.map(|to| Link {
            trace_id,
            span_id: span_id(to),
            trace_state: Sym::EMPTY,
            attributes: Box::default(),
        });
        let record = SpanRecord {
            trace_id,
            span_id: span_id(span.id),
            parent_id: SpanId::new(span.parent),
            name: builder.intern(span.name),
            kind: span.kind,
            status: if span.error { StatusCode::Error } else { StatusCode::Unset },
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: span.told.0,
            end_ns: span.told.1,
            attributes,
            events: Vec::new(),
            links: links.into_iter().collect(),
            dropped: Default::default(),
            resource: builder.resource(vec![(service, Value::Str(name)), (instance, number)]),
            scope: builder.scope("", "", Vec::new()),
        };
        builder.span(record);
    }
    let injected = case.requests.iter().map(|(id, _)| span_id(*id)).collect();
    builder.build(trace_id, &[], &Injected::Known(injected))
}

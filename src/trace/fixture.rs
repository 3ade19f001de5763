//! Small traces for unit tests, written span by span.

use super::{Injected, Kind, Link, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value};

/// The trace id of every drafted trace.
pub(crate) const TRACE: u128 = 0xabc;

/// When drafted traces begin: a time of 0 would count as missing.
const EPOCH: u64 = 1_000_000_000;

/// A span as a test describes it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    id: u64,
    parent: u64,
    service: String,
    kind: Kind,
    name: String,
    error: bool,
    times: (u64, u64),
    open: bool,
    attributes: Vec<(String, Value)>,
    texts: Vec<(String, String)>,
    resource: Vec<(String, String)>,
    links: Vec<u64>,
    flags: Option<u32>,
}

impl Draft {
    pub(crate) fn new(id: u64, parent: u64, service: &str, kind: Kind) -> Draft {
        Draft {
            id,
            parent,
            service: service.to_owned(),
            kind,
            name: format!("op-{id}"),
            error: false,
            times: (id * 1000, id * 1000 + 500),
            open: false,
            attributes: Vec::new(),
            texts: Vec::new(),
            resource: Vec::new(),
            links: Vec::new(),
            flags: None,
        }
    }
    pub(crate) fn name(mut self, name: &str) -> Draft {
        self.name = name.to_owned();
        self
    }
    pub(crate) fn error(mut self) -> Draft {
        self.error = true;
        self
    }
    pub(crate) fn times(mut self, start: u64, end: u64) -> Draft {
        self.times = (start, end);
        self
    }
    pub(crate) fn without_end(mut self) -> Draft {
        self.open = true;
        self
    }
    pub(crate) fn text(mut self, key: &str, value: &str) -> Draft {
        self.texts.push((key.to_owned(), value.to_owned()));
        self
    }
    pub(crate) fn int(mut self, key: &str, value: i64) -> Draft {
        self.attributes.push((key.to_owned(), Value::Int(value)));
        self
    }
    pub(crate) fn resource(mut self, attributes: &[(&str, &str)]) -> Draft {
        self.resource.extend(attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        self
    }
    pub(crate) fn link(mut self, to: u64) -> Draft {
        self.links.push(to);
        self
    }
    pub(crate) fn flags(mut self, flags: u32) -> Draft {
        self.flags = Some(flags);
        self
    }
}

/// The trace of these spans, called by nobody in particular.
pub(crate) fn draft(spans: &[Draft]) -> Trace {
    drafted(spans, &Injected::Unknown)
}

/// The trace of these spans, called by the runner under these ids.
pub(crate) fn drafted(spans: &[Draft], injected: &Injected) -> Trace {
    let mut builder = TraceBuilder::new();
    let trace_id = TraceId::new(TRACE).expect("not zero");
    for span in spans {
        let mut texts = |texts: &[(String, String)]| -> Vec<(Sym, Value)> {
            let pair = |(key, value): &(String, String)| (builder.intern(key), Value::Str(builder.intern(value)));
            texts.iter().map(pair).collect()
        };
        let mut resource = texts(&[("service.name".to_owned(), span.service.clone())]);
        resource.extend(texts(&span.resource));
        let mut attributes = texts(&span.texts);
        for (key, value) in &span.attributes {
            attributes.push((builder.intern(key), value.clone()));
        }
        let link = |to: &u64| Link {
            trace_id,
            span_id: SpanId::new(*to).expect("not zero"),
            trace_state: Sym::EMPTY,
            attributes: Box::default(),
        };
        let record = SpanRecord {
            trace_id,
            span_id: SpanId::new(span.id).expect("not zero"),
            parent_id: SpanId::new(span.parent),
            name: builder.intern(&span.name),
            kind: span.kind,
            status: if span.error { StatusCode::Error } else { StatusCode::Unset },
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: span.flags,
            start_ns: EPOCH + span.times.0,
            end_ns: if span.open { 0 } else { EPOCH + span.times.1 },
            attributes,
            events: Vec::new(),
            links: span.links.iter().map(link).collect(),
            dropped: Default::default(),
            resource: builder.resource(resource),
            scope: builder.scope("", "", Vec::new()),
        };
        builder.span(record);
    }
    builder.build(trace_id, &[], injected)
}

//! What one reading of a trace of 100,000 spans costs the completeness engine, beside building the trace: a receiver
//! that gets a large trace in many batches reads as often as that.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

use divan::{Bencher, black_box};
use std::sync::Arc;
use tracespec::backend::settle::{Config, Read, Run, Watch};
use tracespec::trace::{Injected, Kind, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value};

const SPANS: u64 = 100_000;

fn main() {
    divan::main();
}

fn builder(spans: u64) -> TraceBuilder {
    let mut builder = TraceBuilder::new();
    let service = builder.intern("service.name");
    let services: Vec<_> = (0..20)
        .map(|at| {
            let name = Value::Str(builder.intern(&format!("service-{at}")));
            builder.resource(vec![(service, name)])
        })
        .collect();
    let scope = builder.scope("bench", "1", Vec::new());
    let keys: Vec<Sym> = ["http.route", "http.request.method", "thread.id", "request.id"]
        .iter()
        .map(|key| builder.intern(key))
        .collect();
    let method = Value::Str(builder.intern("GET"));
    for id in 1..=spans {
        let route = Value::Str(builder.intern(&format!("/r/{}", id % 50)));
        let request = Value::Str(builder.intern(&format!("request-{id}")));
        let record = SpanRecord {
            trace_id: TraceId::new(7).unwrap(),
            span_id: SpanId::new(id).unwrap(),
            parent_id: SpanId::new(id / 10),
            name: builder.intern(&format!("operation-{}", id % 200)),
            kind: Kind::ALL[id as usize % 6],
            status: StatusCode::Unset,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: id * 1_000,
            end_ns: id * 1_000 + id % 5_000,
            attributes: vec![
                (keys[0], route),
                (keys[1], method.clone()),
                (keys[2], Value::Int(id as i64)),
                (keys[3], request),
            ],
            events: Vec::new(),
            links: Vec::new(),
            dropped: Default::default(),
            resource: services[id as usize % services.len()],
            scope,
        };
        builder.span(record);
    }
    builder
}

fn trace(spans: u64) -> Arc<Trace> {
    Arc::new(builder(spans).build(TraceId::new(7).unwrap(), &[], &Injected::Unknown))
}

#[divan::bench(sample_count = 20)]
fn building(bencher: Bencher<'_, '_>) {
    let builder = builder(SPANS);
    bencher.bench_local(|| black_box(&builder).build(TraceId::new(7).unwrap(), &[], &Injected::Unknown).len());
}

#[divan::bench(sample_count = 20)]
fn a_first_reading(bencher: Bencher<'_, '_>) {
    let trace = trace(SPANS);
    bencher.bench_local(|| {
        let mut watch = Watch::new(Config::default(), 0);
        watch.responded(1);
        watch.snapshot(Read::at(2), Arc::clone(&trace), &mut Run::default())
    });
}

#[divan::bench(sample_count = 20)]
fn a_reading_with_one_more_span(bencher: Bencher<'_, '_>) {
    let (before, after) = (trace(SPANS - 1), trace(SPANS));
    bencher
        .with_inputs(|| {
            let mut watch = Watch::new(Config::default(), 0);
            watch.responded(1);
            watch.snapshot(Read::at(2), Arc::clone(&before), &mut Run::default());
            watch
        })
        .bench_local_values(|mut watch| watch.snapshot(Read::at(3), Arc::clone(&after), &mut Run::default()));
}

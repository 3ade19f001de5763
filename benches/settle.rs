//! What one reading of a trace of 100,000 spans costs the completeness engine, beside building the trace: a receiver
//! that gets a large trace in many batches reads as often as that.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

mod support;

use divan::{Bencher, black_box};
use std::sync::Arc;
use support::{Span, Spans};
use tracespec::backend::settle::{Config, Read, Run, Watch};
use tracespec::trace::{Kind, Trace, Value};

const SPANS: u64 = 100_000;

fn main() {
    divan::main();
}

fn spans(count: u64) -> Spans {
    let mut spans = Spans::new();
    let services = spans.services(20);
    let keys = ["http.route", "http.request.method", "thread.id", "request.id"].map(|key| spans.builder.intern(key));
    let method = spans.text("GET");
    for id in 1..=count {
        let (route, request) = (spans.text(&format!("/r/{}", id % 50)), spans.text(&format!("request-{id}")));
        let [route_key, method_key, thread_key, request_key] = keys;
        let name = spans.builder.intern(&format!("operation-{}", id % 200));
        spans.add(Span {
            id,
            parent: id / 10,
            name,
            kind: Kind::ALL[id as usize % 6],
            times: (id * 1_000, id * 1_000 + id % 5_000),
            attributes: vec![
                (route_key, route),
                (method_key, method.clone()),
                (thread_key, Value::Int(id as i64)),
                (request_key, request),
            ],
            resource: services[id as usize % services.len()],
        });
    }
    spans
}

fn trace(count: u64) -> Arc<Trace> {
    Arc::new(spans(count).build())
}

#[divan::bench(sample_count = 20)]
fn building(bencher: Bencher<'_, '_>) {
    let spans = spans(SPANS);
    bencher.bench_local(|| black_box(&spans).build().len());
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

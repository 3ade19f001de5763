//! Selecting spans of traces of 100,000 and 1,000,000 spans. Targets, on one core: a filter with two attribute tests
//! under 5 ms and `>>` under 20 ms at 100,000 spans, growing linearly.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

mod support;

use divan::{Bencher, black_box};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use support::{Span as SpanOf, Spans};
use tracespec::select::{Field, FieldTest, Index, Place, Query, parse};
use tracespec::source::Span;
use tracespec::trace::{Kind, Trace, Value};

const SIZES: [u64; 2] = [100_000, 1_000_000];

fn main() {
    divan::main();
}

/// A tree of about ten children a span, eight attributes each, of which one is different on every span.
fn build(count: u64) -> Trace {
    let mut spans = Spans::new();
    let services = spans.services(20);
    let keys =
        ["http.route", "http.request.method", "http.response.status_code", "db.system.name", "thread.id", "request.id"];
    let keys = keys.map(|key| spans.builder.intern(key));
    let methods = ["GET", "POST", "PUT"].map(|text| spans.text(text));
    for id in 1..=count {
        let values = [
            spans.text(&format!("/r/{}", id % 50)),
            methods[id as usize % 3].clone(),
            Value::Int(if id % 97 == 0 { 500 } else { 200 }),
            Value::Bool(true),
            Value::Int(id as i64),
            spans.text(&format!("request-{id}")),
        ];
        let name = spans.builder.intern(&format!("operation-{}", id % 200));
        spans.add(SpanOf {
            id,
            parent: id / 10,
            name,
            kind: Kind::ALL[id as usize % 6],
            times: (id * 1_000, id * 1_000 + id % 5_000),
            attributes: keys.into_iter().zip(values).collect(),
            resource: services[id as usize % services.len()],
        });
    }
    spans.build()
}

fn trace(spans: u64) -> &'static Trace {
    static TRACES: OnceLock<Mutex<HashMap<u64, &'static Trace>>> = OnceLock::new();
    let mut traces = TRACES.get_or_init(Mutex::default).lock().unwrap();
    traces.entry(spans).or_insert_with(|| Box::leak(Box::new(build(spans))))
}

fn run(bencher: Bencher<'_, '_>, spans: u64, text: &str) {
    let trace = trace(spans);
    let query = parse(text, Span::new(0, text.len())).0.unwrap();
    bencher.bench_local(|| black_box(&query).spans(black_box(trace)).len());
}

#[divan::bench(args = SIZES)]
fn filter_with_two_attribute_tests(bencher: Bencher<'_, '_>, spans: u64) {
    run(bencher, spans, "{ span.http.request.method = \"POST\" && span.http.response.status_code >= 500 }");
}

#[divan::bench(args = SIZES)]
fn filter_with_a_pattern_and_no_scope(bencher: Bencher<'_, '_>, spans: u64) {
    run(bencher, spans, "{ .http.route =~ \"/r/[12].*\" && .service.name = \"service-3\" }");
}

#[divan::bench(args = SIZES)]
fn a_pattern_on_text_that_always_differs(bencher: Bencher<'_, '_>, spans: u64) {
    run(bencher, spans, "{ span.request.id =~ \"request-.*7\" }");
}

#[divan::bench(args = SIZES)]
fn descendants(bencher: Bencher<'_, '_>, spans: u64) {
    run(bencher, spans, "{ span.http.request.method = \"POST\" } >> { span.http.response.status_code >= 500 }");
}

#[divan::bench(args = SIZES)]
fn siblings(bencher: Bencher<'_, '_>, spans: u64) {
    run(bencher, spans, "{ kind = server } &~ { kind = client }");
}

#[divan::bench(args = SIZES)]
fn group_and_aggregate(bencher: Bencher<'_, '_>, spans: u64) {
    run(bencher, spans, "{ } | by(resource.service.name) | avg(duration) > 1us");
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn as_many_groups_as_spans(bencher: Bencher<'_, '_>, spans: u64) {
    run(bencher, spans, "{ } | by(span.thread.id) | { kind = server } && { name = \"operation-7\" } | count() = 1");
}

/// A thousand expectations on one trace, as a large spec has them; the target is one second.
#[divan::bench(sample_count = 3)]
fn a_thousand_mapping_selectors(bencher: Bencher<'_, '_>) {
    use tracespec::matcher::{Comparison, Literal, Matcher, Operand};
    let trace = trace(100_000);
    let equals = |value: Literal| Matcher::Compare(Comparison::Eq, Operand::Literal(value));
    let text = |value: String| Literal::Str(value.into());
    let queries: Vec<Query> = (0..1_000)
        .map(|at| {
            let test = |field, matcher| FieldTest { field, matcher, at: Place::default() };
            let tests = vec![
                test(Field::Service, equals(text(format!("service-{}", at % 20)))),
                test(Field::Name, equals(text(format!("operation-{}", at % 200)))),
                test(Field::Attribute("http.status_code".to_owned()), equals(Literal::Int(200))),
            ];
            Query::of_fields(tests, true, Span::default())
        })
        .collect();
    bencher.bench_local(|| {
        let index = Index::new(trace);
        queries.iter().map(|query| query.spans_in(&index).len()).sum::<usize>()
    });
}

//! How long judging takes: 1,000 expectations of mixed kinds on a trace of 100,000 spans.
//!
//! The bar is one second on one core (`cargo bench --bench assert`).

use divan::{Bencher, black_box};
use std::path::PathBuf;
use support::{Span as SpanOf, Spans};
use tracespec::assert::{Context, Verdict, judge};
use tracespec::diag::Problem;
use tracespec::matcher::{Lookup, Value as Bound};
use tracespec::source::Span;
use tracespec::spec::bind::Bind;
use tracespec::spec::plan::TraceExpectations;
use tracespec::spec::{LoadOptions, load};
use tracespec::trace::{Injected, Kind, Phase, SpanRecord, Sym, Trace, TraceBuilder, Value};

#[allow(missing_docs, unreachable_pub, reason = "shared by benches")]
mod support;

fn main() {
    divan::main();
}

const SPANS: u64 = 100_000;
const SERVICES: u64 = 20;
const NAMES: u64 = 200;

/// Requests of ten spans each below one root: a service calls the next, which asks a database.
fn trace() -> Trace {
    let mut spans = Spans::new();
    let services = spans.services(SERVICES);
    let keys = ["http.response.status_code", "payment.method", "db.system.name", "item.id"];
    let keys = keys.map(|key| spans.builder.intern(key));
    let [card, cash, postgresql] = ["card", "cash", "postgresql"].map(|word| spans.text(word));
    for id in 1..=SPANS {
        let (request, step) = (id / 10, id % 10);
        let parent = match step {
            _ if id == 1 => 0,
            0 => 1,
            _ => id - 1,
        };
        let service = (request + step / 2) % SERVICES;
        let kind = if step % 2 == 1 { Kind::Client } else { Kind::Server };
        let start = 1_000_000_000 + request * 100_000 + step * 1_000;
        let method = if id % 2 == 0 { card.clone() } else { cash.clone() };
        let mut attributes = vec![(keys[0], Value::Int(200)), (keys[1], method), (keys[3], Value::Int(id as i64))];
        if step == 9 {
            attributes.push((keys[2], postgresql.clone()));
        }
        let name = spans.builder.intern(&format!("operation-{}", id % NAMES));
        let end = if id == 1 { 3_000_000_000 } else { start + 20_000 - step * 2_000 };
        spans.add(SpanOf {
            id,
            parent,
            name,
            kind,
            times: (start, end),
            attributes,
            resource: services[service as usize],
        });
    }
    spans.build()
}

/// So many expectations, the kinds in turn; hardly two selections are alike. All services are one, and so are all calls.
fn spec(count: usize) -> String {
    let mut lists: [Vec<String>; 5] = Default::default();
    let [services, calls, spans, orders, traceql] = &mut lists;
    for number in 0..count {
        let (service, name) = (number as u64 % SERVICES, number as u64 % NAMES);
        match number % 10 {
            0 => services.push(format!("service-{service}")),
            1 => calls.push(format!("service-{service} -> service-{}: '>= 1'", (service + 1) % SERVICES)),
            2 | 3 => spans.push(format!(
                "{{ select: {{ service: service-{service}, name: operation-{name} }}, count: 0..100000, as: name_{number}, \
                 duration: < {}ms, attributes: {{ http.response.status_code: 200 }} }}",
                100 + number
            )),
            4 => spans.push(format!(
                "{{ select: {{ name: operation-{name}, attributes: {{ payment.method: card, item.id: '> {number}' }} }}, \
                 count: 0..100000, kind: ~ client|server, self_time: < {}s }}",
                1 + number
            )),
            5 => spans.push(format!(
                "{{ select: {{ service: service-{service}, attributes: {{ item.id: {} }} }}, count: 0..1, children: [{{ select: {{ kind: client }}, count: 0..9 }}] }}",
                number * 7 + 1
            )),
            6 => orders.push(format!("{{ first: first, then: 'operation-{name}', relation: starts_before }}")),
            7 => orders.push(format!("{{ first: 'operation-{name}', then: first, relation: within }}")),
            8 => traceql.push(format!(
                "'{{ resource.service.name = \"service-{service}\" && duration < {}s }} | count() > 1'",
                1 + number
            )),
            _ => traceql.push(format!(
                "{{ none: '{{ name = \"operation-{name}\" && span.item.id > {} }} >> {{ status = error }}' }}",
                number
            )),
        }
    }
    let list = |items: &[String]| items.iter().map(|item| format!("        - {item}\n")).collect::<String>();
    format!(
        "tests:\n  - name: bench\n    trace_file: saved.json\n    trace:\n      errors: none\n      propagation: intact\n      \
         clock_skew: none\n      span_count: <= 1000000\n      depth: <= 100\n      roots: 1\n      duration: < 1h\n      \
         structure: {{ tree: {{ select: {{ kind: server }}, children: [{{ select: {{ kind: client }} }}] }} }}\n      \
         services:\n{}      calls:\n{}      spans:\n        - {{ select: '{{ span:parentID = nil }}', as: first, count: 0.. }}\n{}      order:\n{}      traceql:\n{}",
        list(&lists[0]),
        list(&lists[1]),
        list(&lists[2]),
        list(&lists[3]),
        list(&lists[4])
    )
    .replace("        - { select: '{ span:parentID = nil }', as: first, count: 0.. }", "        - { select: { service: service-0, attributes: { item.id: 1 } }, as: first }")
}

struct NoVariables;

impl Lookup for NoVariables {
    fn value(&self, name: &str, _: Option<&str>, _: Span) -> Result<Bound, Problem> {
        panic!("no variable {name}")
    }
}

fn expectations(count: usize) -> TraceExpectations {
    let text = spec(count);
    let (plan, diagnostics) = load(vec![(PathBuf::from("bench.yaml"), text.into_bytes())], &LoadOptions::default());
    let messages: Vec<&str> = diagnostics.iter().map(|problem| problem.message.as_str()).collect();
    let trace = plan.files.first().and_then(|file| file.tests[0].steps[0].trace.clone());
    match trace.map(|trace| trace.bind(&NoVariables)) {
        Some(Ok(bound)) => bound,
        _ => panic!("the spec is wrong: {messages:?}"),
    }
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_thousand_expectations_of_100_000_spans(bencher: Bencher<'_, '_>) {
    let (trace, expect) = (trace(), expectations(1250));
    assert_eq!(trace.len() as u64, SPANS);
    let judged = judge(&trace, &expect, Phase::Confirmed, &Context::default());
    assert!(judged.len() >= 1000, "{}", judged.len());
    let failed: Vec<_> = judged.iter().filter(|judged| judged.verdict != Verdict::Pass).collect();
    assert!(failed.len() < judged.len() / 10, "{} of {} failed, first {:#?}", failed.len(), judged.len(), failed[0]);
    bencher.bench_local(|| judge(black_box(&trace), &expect, Phase::Confirmed, &Context::default()));
}

/// The same of a growing trace, as it is judged on every snapshot.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn the_same_while_it_grows(bencher: Bencher<'_, '_>) {
    let (trace, expect) = (trace(), expectations(1250));
    bencher.bench_local(|| judge(black_box(&trace), &expect, Phase::Growing, &Context::default()));
}

#[divan::bench(sample_count = 20)]
fn a_usual_test_of_100_spans(bencher: Bencher<'_, '_>) {
    let whole = trace();
    let mut builder = TraceBuilder::new();
    let scope = builder.scope("", "", Vec::new());
    for span in whole.spans().take(100) {
        let name = builder.intern(span.name());
        let service = vec![(builder.intern("service.name"), Value::Str(builder.intern(span.service())))];
        let record = SpanRecord {
            trace_id: span.trace_id(),
            span_id: span.id(),
            parent_id: span.parent_id(),
            name,
            kind: span.kind(),
            status: span.status(),
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: span.start_ns(),
            end_ns: span.end_ns(),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: Default::default(),
            resource: builder.resource(service),
            scope,
        };
        builder.span(record);
    }
    let trace = builder.build(whole.id(), &[], &Injected::Unknown);
    let expect = expectations(20);
    bencher.bench_local(|| judge(black_box(&trace), &expect, Phase::Confirmed, &Context::default()));
}

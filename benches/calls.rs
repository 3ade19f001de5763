//! How long the analyses of a trace's calls take: what each asks for, what repeats, what could have overlapped, how many there are.
//!
//! The bar of all analyses together is 300 ms for 100,000 spans on one core (`cargo bench --bench calls`, `--bench analyse`).

use divan::{Bencher, black_box};
use tracespec::analyse::outgoing::OutgoingCalls;
use tracespec::analyse::{concurrency, repeats, serial, shape};
use tracespec::facts::Facts;
use tracespec::trace::{Injected, Kind, SpanId, SpanRecord, StatusCode, Trace, TraceBuilder, TraceId, Value};

fn main() {
    divan::main();
}

const SIZES: [u64; 2] = [100_000, 1_000_000];

/// What hangs where.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Requests of ten spans: a handler that asks a service, and a database with literals in its queries.
    Requests,
    /// Every query under one span.
    Siblings,
    /// Every request answers one above it.
    Chain,
}

fn trace(shape: Shape, spans: u64) -> Trace {
    let mut builder = TraceBuilder::new();
    let trace_id = TraceId::new(1).expect("not zero");
    let scope = builder.scope("bench", "1", Vec::new());
    let (service_name, host_name) = (builder.intern("service.name"), builder.intern("host.name"));
    let resources: Vec<_> = (0..20)
        .map(|service| {
            let name = Value::Str(builder.intern(&format!("service-{service}")));
            let host = Value::Str(builder.intern(&format!("host-{}", service % 5)));
            builder.resource(vec![(service_name, name), (host_name, host)])
        })
        .collect();
    for id in 1..=spans {
        let (request, step) = (id / 10, id % 10);
        let (parent, kind) = match shape {
            _ if id == 1 => (0, Kind::Server),
            Shape::Siblings => (1, Kind::Client),
            Shape::Chain => (id - 1, if id % 2 == 0 { Kind::Client } else { Kind::Server }),
            Shape::Requests => match step {
                0 => (1, Kind::Client),
                1 => (id - 1, Kind::Server),
                2 => (id - 1, Kind::Internal),
                _ => (request * 10 + 2, Kind::Client),
            },
        };
        let service = match shape {
            Shape::Siblings => 0,
            Shape::Chain => id / 2 % 20,
            Shape::Requests if id == 1 || step == 0 => 0,
            Shape::Requests => 1 + request % 19,
        };
        let mut attributes = Vec::new();
        let mut add = |builder: &mut TraceBuilder, key: &str, text: String| {
            let (key, text) = (builder.intern(key), builder.intern(&text));
            attributes.push((key, Value::Str(text)));
        };
        let is_query = matches!(shape, Shape::Siblings) || matches!(shape, Shape::Requests) && step > 2;
        if kind == Kind::Client && is_query {
            add(&mut builder, "db.system.name", "postgresql".to_owned());
            add(&mut builder, "db.namespace", "shop".to_owned());
            let query = format!("SELECT id, name, price FROM products_{} WHERE id = {id} AND shop = 'main'", step / 4);
            add(&mut builder, "db.query.text", query);
        } else if kind == Kind::Client {
            add(&mut builder, "http.request.method", "GET".to_owned());
            add(&mut builder, "url.full", format!("http://service/items/{id}?limit=10"));
            add(&mut builder, "server.address", "service".to_owned());
        } else {
            add(&mut builder, "http.route", "/items/{id}".to_owned());
            add(&mut builder, "app.user", format!("user-{request}"));
        }
        let start = match shape {
            Shape::Chain => 1_000_000_000 + id,
            _ => 1_000_000_000 + id * 1_000,
        };
        let end = match shape {
            _ if id == 1 => 1_000_000_000 + spans * 20_000,
            Shape::Chain => 1_000_000_000 + 3 * spans - id,
            _ if parent == 1 || step < 3 => start + 9_000 - step * 100,
            _ => start + 900,
        };
        let name = builder.intern(&format!("operation-{}", id % 200));
        builder.span(SpanRecord {
            trace_id,
            span_id: SpanId::new(id).expect("not zero"),
            parent_id: SpanId::new(parent),
            name,
            kind,
            status: StatusCode::Unset,
            status_message: tracespec::trace::Sym::EMPTY,
            trace_state: tracespec::trace::Sym::EMPTY,
            flags: None,
            start_ns: start,
            end_ns: end,
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            dropped: Default::default(),
            resource: resources[service as usize],
            scope,
        });
    }
    builder.build(trace_id, &[], &Injected::Unknown)
}

fn all(facts: &Facts<'_>) -> usize {
    let trace = facts.trace();
    let calls = OutgoingCalls::of(facts);
    assert!(calls.all.len() > trace.len() / 3, "{} calls", calls.all.len());
    let groups = repeats::under_one_span(facts, &calls, |_| true);
    let described = groups.iter().map(|group| repeats::describe(trace, &calls, group).count).sum::<usize>();
    described
        + repeats::in_trace(&calls, |_| true).len()
        + serial::runs(facts, &calls, |_| true).len()
        + shape::fan_out(&calls).len()
        + shape::chain(facts).map_or(0, |chain| chain.hops)
        + shape::retries(facts, &calls).len()
        + shape::payloads(facts, &calls).len()
        + concurrency::peaks(trace, |ix| facts.instances().clock(trace.span(ix)).0).len()
}

fn measure(bencher: Bencher<'_, '_>, shape: Shape, spans: u64) {
    let trace = trace(shape, spans);
    let facts = Facts::from(&trace);
    // Calls, their names and edges are facts that others need as well.
    all(&facts);
    bencher.bench_local(|| black_box(all(&facts)));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn requests(bencher: Bencher<'_, '_>, spans: u64) {
    measure(bencher, Shape::Requests, spans);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn siblings(bencher: Bencher<'_, '_>, spans: u64) {
    measure(bencher, Shape::Siblings, spans);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn chain(bencher: Bencher<'_, '_>, spans: u64) {
    measure(bencher, Shape::Chain, spans);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn requests_with_the_facts_that_they_rest_on(bencher: Bencher<'_, '_>, spans: u64) {
    let trace = trace(Shape::Requests, spans);
    bencher.bench_local(|| {
        let facts = Facts::from(&trace);
        black_box(all(&facts))
    });
}

/// Each part alone.
mod parts {
    use super::{Bencher, OutgoingCalls, Shape, black_box, concurrency, repeats, serial, shape, trace};
    use tracespec::facts::Facts;

    fn with(bencher: Bencher<'_, '_>, part: impl Fn(&Facts<'_>, &OutgoingCalls) -> usize) {
        let trace = trace(Shape::Requests, 100_000);
        let facts = Facts::from(&trace);
        let calls = OutgoingCalls::of(&facts);
        bencher.bench_local(|| black_box(part(&facts, &calls)));
    }

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn calls(bencher: Bencher<'_, '_>) {
        with(bencher, |facts, _| OutgoingCalls::of(facts).all.len());
    }
    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn groups(bencher: Bencher<'_, '_>) {
        with(bencher, |facts, calls| repeats::under_one_span(facts, calls, |_| true).len());
    }
    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn runs(bencher: Bencher<'_, '_>) {
        with(bencher, |facts, calls| serial::runs(facts, calls, |_| true).len());
    }
    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn shapes(bencher: Bencher<'_, '_>) {
        with(bencher, |facts, calls| {
            shape::fan_out(calls).len()
                + shape::chain(facts).map_or(0, |chain| chain.hops)
                + shape::retries(facts, calls).len()
        });
    }
    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn peaks(bencher: Bencher<'_, '_>) {
        with(bencher, |facts, _| {
            let trace = facts.trace();
            concurrency::peaks(trace, |ix| facts.instances().clock(trace.span(ix)).0).len()
        });
    }
}

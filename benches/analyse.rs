//! How long all analyses of a trace take together, with the facts that they rest on and the findings that come of them.
//!
//! The bar is 300 ms for 100,000 spans on one core, and ten times as long for 1,000,000 (`cargo bench --bench analyse`).

#[allow(missing_docs, unreachable_pub, reason = "shared by benches")]
mod support;

use divan::{Bencher, black_box};
use std::collections::BTreeSet;
use support::{Span, Spans};
use tracespec::analyse::critical_path::{self, CriticalPath};
use tracespec::analyse::outgoing::OutgoingCalls;
use tracespec::analyse::whole::Analyses;
use tracespec::analyse::{concurrency, conventions, findings, gaps, repeats, serial, shape};
use tracespec::facts::{Clocks, Facts};
use tracespec::trace::{Kind, Trace};

fn main() {
    divan::main();
}

const SERVICES: u64 = 20;

/// What hangs where.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Requests of ten spans below one root: a call of a service, whose handler asks a database seven times. No two queries have one text.
    Requests,
    /// Requests of ten spans below one root, each span the only child of the one before: a service calls the next, four times.
    Hops,
    /// Every query under one span.
    Siblings,
    /// Every span under the one before: each service calls the next.
    Chain,
}

impl Shape {
    fn parent_and_kind(self, id: u64) -> (u64, Kind) {
        let (request, step) = (id / 10, id % 10);
        let in_turn = if id.is_multiple_of(2) { Kind::Client } else { Kind::Server };
        match self {
            _ if id == 1 => (0, Kind::Server),
            Shape::Siblings => (1, Kind::Client),
            Shape::Chain => (id - 1, in_turn),
            Shape::Hops if step == 0 => (1, Kind::Client),
            Shape::Hops if step == 8 => (id - 1, Kind::Internal),
            Shape::Hops if step == 9 => (id - 1, Kind::Client),
            Shape::Hops => (id - 1, in_turn),
            Shape::Requests => match step {
                0 => (1, Kind::Client),
                1 => (id - 1, Kind::Server),
                2 => (id - 1, Kind::Internal),
                _ => (request * 10 + 2, Kind::Client),
            },
        }
    }
    fn service(self, id: u64) -> u64 {
        let (request, step) = (id / 10, id % 10);
        match self {
            Shape::Siblings => 0,
            Shape::Chain => id / 2 % SERVICES,
            _ if id == 1 || step == 0 => 0,
            // CLIENT and SERVER in turn, each CLIENT span of the service of the SERVER span above it.
            Shape::Hops => (request + step.div_ceil(2).min(4)) % SERVICES,
            Shape::Requests => 1 + request % (SERVICES - 1),
        }
    }
    fn is_query(self, id: u64) -> bool {
        match self {
            Shape::Requests => id % 10 > 2,
            Shape::Hops => id % 10 == 9,
            Shape::Siblings => id > 1,
            Shape::Chain => false,
        }
    }
    fn times(self, id: u64, spans: u64) -> (u64, u64) {
        const BEGIN: u64 = 1_000_000_000;
        let (request, step) = (id / 10, id % 10);
        match self {
            Shape::Chain => (BEGIN + id, BEGIN + 3 * spans - id),
            _ if id == 1 => (BEGIN, BEGIN + spans * 20_000),
            // Some requests run beside others.
            Shape::Hops => {
                let start = BEGIN + request * 15_000 + step * 1_000;
                (start, start + 20_000 - step * 1_900)
            }
            Shape::Requests if step < 3 => (BEGIN + id * 1_000, BEGIN + id * 1_000 + 9_000 - step * 100),
            Shape::Requests | Shape::Siblings => (BEGIN + id * 1_000, BEGIN + id * 1_000 + 900),
        }
    }
}

fn trace(shape: Shape, count: u64) -> Trace {
    let mut spans = Spans::new();
    let services = spans.services(SERVICES);
    for id in 1..=count {
        let (parent, kind) = shape.parent_and_kind(id);
        let texts = match kind {
            _ if shape.is_query(id) => vec![
                ("db.system.name", "postgresql".to_owned()),
                ("db.namespace", "shop".to_owned()),
                (
                    "db.query.text",
                    format!("SELECT id, name, price FROM products_{} WHERE id = {id} AND shop = 'main'", id % 10 / 4),
                ),
            ],
            Kind::Client => vec![
                ("http.request.method", "GET".to_owned()),
                ("url.full", format!("http://service/items/{id}?limit=10")),
                ("server.address", "service".to_owned()),
            ],
            _ => vec![("http.route", "/items/{id}".to_owned()), ("app.user", format!("user-{}", id / 10))],
        };
        let attributes = texts.into_iter().map(|(key, text)| (spans.builder.intern(key), spans.text(&text))).collect();
        let name = spans.builder.intern(&format!("operation-{}", id % 200));
        let resource = services[shape.service(id) as usize];
        spans.add(Span { id, parent, name, kind, times: shape.times(id, count), attributes, resource });
    }
    spans.build()
}

/// Everything that `analyze` says of a trace, and what expectations ask beside it.
fn all(trace: &Trace) -> usize {
    let analyses = Analyses::of(trace);
    let (facts, calls) = (&analyses.facts, &analyses.calls);
    let path = analyses.path.as_ref().expect("one root");
    let clocks = Clocks::of(facts, None);
    let own: u64 = facts.own().iter().map(|&ix| facts.self_time(ix)).sum();
    findings::of(&analyses, &BTreeSet::new()).len()
        + own as usize % 2
        + path.self_times().len()
        + critical_path::outliving(facts, &clocks).len()
        + usize::from(critical_path::fattest_leaf(facts, path).is_some())
        + gaps::opaque(facts, 5_000_000).len()
        + analyses.network.by_services(facts).len()
        + repeats::in_trace(calls, |_| true).len()
        + shape::fan_out(calls).len()
        + shape::chain(facts).map_or(0, |chain| chain.hops)
        + shape::retries(facts, calls).len()
        + shape::payloads(facts, calls).len()
        + concurrency::peaks(trace, |ix| facts.instances().clock(trace.span(ix)).0).len()
}

fn measure(bencher: Bencher<'_, '_>, shape: Shape, spans: u64) {
    let trace = trace(shape, spans);
    let analyses = Analyses::of(&trace);
    let calls = analyses.calls.all.len();
    assert!(calls > trace.len() / 3, "{calls} calls");
    drop(analyses);
    bencher.bench_local(|| black_box(all(&trace)));
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 5, sample_size = 1)]
fn requests(bencher: Bencher<'_, '_>, spans: u64) {
    measure(bencher, Shape::Requests, spans);
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 5, sample_size = 1)]
fn hops(bencher: Bencher<'_, '_>, spans: u64) {
    measure(bencher, Shape::Hops, spans);
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 5, sample_size = 1)]
fn siblings(bencher: Bencher<'_, '_>, spans: u64) {
    measure(bencher, Shape::Siblings, spans);
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 5, sample_size = 1)]
fn chain(bencher: Bencher<'_, '_>, spans: u64) {
    measure(bencher, Shape::Chain, spans);
}

/// Each part alone, its facts computed before.
mod parts {
    use super::*;

    const SPANS: u64 = 100_000;

    fn with(bencher: Bencher<'_, '_>, part: impl Fn(&Facts<'_>, &OutgoingCalls) -> usize) {
        let trace = trace(Shape::Requests, SPANS);
        let facts = Facts::from(&trace);
        let calls = OutgoingCalls::of(&facts);
        part(&facts, &calls);
        bencher.bench_local(|| black_box(part(&facts, &calls)));
    }

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn the_path(bencher: Bencher<'_, '_>) {
        with(bencher, |facts, _| {
            let tracespec::analyse::Root::One(root) = tracespec::analyse::root(facts) else { return 0 };
            CriticalPath::of(facts, &Clocks::of(facts, None), root).sections.len()
        });
    }
    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn conventions(bencher: Bencher<'_, '_>) {
        with(bencher, |facts, _| conventions::Conventions::of(facts).breaches.len());
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

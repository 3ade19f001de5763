//! How long the analyses of a trace take, with and without the facts that they rest on.
//!
//! The bar is 300 ms for all of them together on 100,000 spans, on one core, and ten times as long for 1,000,000
//! (`cargo bench --bench analyse`).

use divan::{Bencher, black_box};
use tracespec::analyse::clock_skew::Skews;
use tracespec::analyse::critical_path::{self, CriticalPath};
use tracespec::analyse::gaps;
use tracespec::analyse::network::Network;
use tracespec::analyse::{Root, root};
use tracespec::facts::{Clocks, Facts};
use tracespec::trace::{Injected, Kind, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value};

fn main() {
    divan::main();
}

const SIZES: [u64; 2] = [100_000, 1_000_000];
const SERVICES: u64 = 20;
/// Spans of one request.
const STEPS: u64 = 10;

/// Requests of ten spans each below one root, one after another and some beside each other: a service calls the next, which
/// asks a database. Its services run on five hosts, whose clocks are one.
fn trace(spans: u64) -> Trace {
    let mut builder = TraceBuilder::new();
    let trace_id = TraceId::new(1).expect("not zero");
    let scope = builder.scope("bench", "1", Vec::new());
    let (service_name, host_name) = (builder.intern("service.name"), builder.intern("host.name"));
    let resources: Vec<_> = (0..SERVICES)
        .map(|service| {
            let name = Value::Str(builder.intern(&format!("service-{service}")));
            let host = Value::Str(builder.intern(&format!("host-{}", service % 5)));
            builder.resource(vec![(service_name, name), (host_name, host)])
        })
        .collect();
    let (system, postgres) = (builder.intern("db.system.name"), builder.intern("postgresql"));
    let names: Vec<Sym> = (0..200).map(|name| builder.intern(&format!("operation-{name}"))).collect();
    for id in 1..=spans {
        let (request, step) = (id / STEPS, id % STEPS);
        let parent = match step {
            _ if id == 1 => None,
            0 => Some(1),
            _ => Some(id - 1),
        };
        // CLIENT and SERVER in turn, each CLIENT span of the service of the SERVER span above it.
        let service = if id == 1 || step == 0 { 0 } else { (request + step.div_ceil(2).min(4)) % SERVICES };
        let last = step == STEPS - 1;
        let kind = match step {
            _ if id == 1 => Kind::Server,
            8 => Kind::Internal,
            step if step % 2 == 0 || last => Kind::Client,
            _ => Kind::Server,
        };
        let start = 1_000_000_000 + request * 15_000 + step * 1_000;
        let end = if id == 1 { 1_000_100_000 + spans * 1_600 } else { start + 20_000 - step * 1_900 };
        let attributes = if last { vec![(system, Value::Str(postgres))] } else { Vec::new() };
        builder.span(SpanRecord {
            trace_id,
            span_id: SpanId::new(id).expect("not zero"),
            parent_id: parent.and_then(SpanId::new),
            name: names[(id % 200) as usize],
            kind,
            status: StatusCode::Unset,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
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

fn the_root(facts: &Facts<'_>) -> tracespec::trace::SpanIx {
    match root(facts) {
        Root::One(root) => root,
        other => panic!("one root, not {other:?}"),
    }
}

/// Where the time goes: everything of it that `analyze` tells.
fn time(facts: &Facts<'_>, clocks: &Clocks) -> usize {
    let path = CriticalPath::of(facts, clocks, the_root(facts));
    assert!(path.sections.len() > 1000, "{} sections", path.sections.len());
    let own: u64 = facts.own().iter().map(|&ix| facts.self_time(ix)).sum();
    let network = Network::of(facts);
    assert!(network.pairs.len() > facts.trace().len() / 5, "{} pairs", network.pairs.len());
    let skews = Skews::of(facts, clocks);
    path.self_times().len()
        + own as usize % 2
        + critical_path::outliving(facts, clocks).len()
        + usize::from(critical_path::fattest_leaf(facts, &path).is_some())
        + gaps::of(facts).len()
        + gaps::opaque(facts, 5_000_000).len()
        + network.by_services(facts).len()
        + skews.pairs.len()
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn where_the_time_goes(bencher: Bencher<'_, '_>, spans: u64) {
    let trace = trace(spans);
    let facts = Facts::from(&trace);
    let clocks = Clocks::of(&facts, None);
    time(&facts, &clocks);
    bencher.bench_local(|| black_box(time(&facts, &clocks)));
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn with_the_facts_that_it_rests_on(bencher: Bencher<'_, '_>, spans: u64) {
    let trace = trace(spans);
    bencher.bench_local(|| {
        let facts = Facts::from(&trace);
        let clocks = Clocks::of(&facts, None);
        black_box(time(&facts, &clocks))
    });
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn critical_path_alone(bencher: Bencher<'_, '_>, spans: u64) {
    let trace = trace(spans);
    let facts = Facts::from(&trace);
    let clocks = Clocks::of(&facts, None);
    bencher.bench_local(|| black_box(CriticalPath::of(&facts, &clocks, the_root(&facts)).sections.len()));
}

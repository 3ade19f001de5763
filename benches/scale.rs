//! Whether cost grows with a trace and not faster: reading, building, all analyses and 100 expectations, in nanoseconds a span from 1,000 spans
//! to 1,000,000; and what a span takes in memory beside its texts and attributes. `cargo bench --bench scale`; Linux's accounting, no verdict.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "support/account.rs"]
#[allow(unreachable_pub, reason = "shared by benches")]
mod account;
#[allow(unreachable_pub, reason = "shared by benches")]
mod support;

use account::{again, cpu, input, memory};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use support::{Span as Made, Spans};
use traces::Format;
use tracespec::analyse::whole::Analyses;
use tracespec::assert::{Context, judge};
use tracespec::backend::file;
use tracespec::diag::Problem;
use tracespec::matcher::{Lookup, Value};
use tracespec::source::Span;
use tracespec::spec::bind::Bind;
use tracespec::spec::plan::TraceExpectations;
use tracespec::spec::{LoadOptions, load};
use tracespec::trace::{Injected, Kind, Phase};

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--test", ..] => {}
        ["--measure", name, spans, path] => measure(name, spans.parse().unwrap(), Path::new(path)),
        ["--bare"] => bare(),
        _ => {
            println!("| format | spans | read, ns a span | built | analysed | 100 expectations judged |");
            println!("|---|---|---|---|---|---|");
            for (name, format) in [("otlp-proto", Format::OtlpProto), ("jaeger-json", Format::JaegerJson)] {
                for spans in SIZES {
                    let path = input(&format!("{name}-{spans}"), format, 1, spans);
                    let status = again(true).args(["--measure", name, &spans.to_string()]).arg(path).status();
                    assert!(status.unwrap().success());
                }
            }
            assert!(again(true).arg("--bare").status().unwrap().success());
        }
    }
}

/// The least of several turns, each of which takes as many runs as make it long enough to be accounted for.
fn least(spans: usize, mut run: impl FnMut()) -> f64 {
    let runs = (100_000 / spans).max(1);
    let turns = if spans > 100_000 { 1 } else { 3 };
    let turn = |_| {
        let since = cpu();
        (0..runs).for_each(|_| run());
        (cpu() - since) * 1e9 / (runs * spans) as f64
    };
    (0..turns).map(turn).fold(f64::INFINITY, f64::min)
}

fn measure(name: &str, spans: usize, path: &Path) {
    let read = least(spans, || assert_eq!(file::load(path).unwrap().ids().len(), 1));
    let saved = file::load(path).unwrap();
    let id = saved.ids()[0];
    let built = least(spans, || assert_eq!(saved.trace(id, &[], &Injected::Unknown).unwrap().len(), spans));
    let trace = saved.trace(id, &[], &Injected::Unknown).unwrap();
    drop(saved);
    let analysed = least(spans, || assert!(!Analyses::of(&trace).calls.all.is_empty()));
    let expect = expectations();
    let judged = least(spans, || assert!(judge(&trace, &expect, Phase::Confirmed, &Context::default()).len() >= 100));
    println!("| {name} | {spans} | {read:.0} | {built:.0} | {analysed:.0} | {judged:.0} |");
}

/// A million spans of few names, without attributes, events and links.
fn bare() {
    const SPANS: u64 = 1_000_000;
    let mut spans = Spans::new();
    let services = spans.services(20);
    let names: Vec<_> = (0..100).map(|at| spans.builder.intern(&format!("operation-{at}"))).collect();
    for id in 1..=SPANS {
        spans.add(Made {
            id,
            parent: if id == 1 { 0 } else { (id / 10).max(1) },
            name: names[(id % 100) as usize],
            kind: if id % 2 == 0 { Kind::Client } else { Kind::Server },
            times: (1_000_000_000 + id, 2_000_000_000 - id),
            attributes: Vec::new(),
            resource: services[(id % 20) as usize],
        });
    }
    // The builder stays where it is, so that nothing of it is counted as freed. What building took beside the trace may be kept by the
    // allocator: a second trace takes from that first, and a third shows what one takes.
    let kept = [spans.build(), spans.build()];
    let before = memory("VmRSS:");
    let trace = spans.build();
    let taken = memory("VmRSS:") - before;
    assert!(trace.len() == kept[1].len() && trace.tree().roots().len() == 1);
    println!("\nA span without attributes, events and links takes {} resident bytes in a trace.", taken / SPANS);
}

/// A hundred of mixed kinds.
fn expectations() -> TraceExpectations {
    let mut spec = "tests:\n  - name: bench\n    trace_file: saved.json\n    trace:\n      services: [frontend, product-catalog, payment]\n      \
                    span_count: '>= 1'\n      errors: none\n      spans:\n"
        .to_owned();
    for at in 0..97 {
        let _ = match at % 4 {
            0 => {
                writeln!(spec, "        - {{ select: {{ service: product-catalog, kind: server }}, count: '>= {at}' }}")
            }
            1 => writeln!(
                spec,
                "        - {{ select: {{ attributes: {{ db.system.name: postgresql }} }}, count: '>= {at}' }}"
            ),
            2 => writeln!(spec, "        - {{ select: {{ name: /GET.*/, kind: client }}, duration: '< {at}s' }}"),
            _ => writeln!(
                spec,
                "        - {{ select: {{ attributes: {{ http.response.status_code: '>= 500' }} }}, count: '>= {at}' }}"
            ),
        };
    }
    let (plan, diagnostics) = load(vec![(PathBuf::from("bench.yaml"), spec.into())], &LoadOptions::default());
    let messages: Vec<&str> = diagnostics.iter().map(|problem| problem.message.as_str()).collect();
    let trace = plan.files.first().and_then(|file| file.tests[0].steps[0].trace.clone());
    match trace.map(|trace| trace.bind(&NoVariables)) {
        Some(Ok(bound)) => bound,
        _ => panic!("the spec is wrong: {messages:?}"),
    }
}

struct NoVariables;

impl Lookup for NoVariables {
    fn value(&self, name: &str, _: Option<&str>, _: Span) -> Result<Value, Problem> {
        panic!("no variable {name}")
    }
}

//! How fast saved traces are read, and in how much memory: `cargo bench --bench read`, or `benches/run.sh` for the table.
//!
//! Each row is measured by a process of its own, several times in turn; the best of them counts, since whatever else the machine does
//! only ever adds. On one core, time is CPU time; on all of them, the clock's. Peak memory is that of the process. Both are Linux's own
//! accounting.
//! Prints figures and judges none. `--list` lists the rows; further arguments choose those whose names contain them.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "support/account.rs"]
#[allow(unreachable_pub, reason = "shared by benches")]
mod account;

use account::{again, cpu, input, memory};
use std::path::{Path, PathBuf};
use std::time::Instant;
use traces::Format;
use tracespec::assert::{Context, Verdict, judge};
use tracespec::backend::file;
use tracespec::diag::Problem;
use tracespec::facts::Facts;
use tracespec::matcher::{Lookup, Value};
use tracespec::source::Span;
use tracespec::spec::bind::Bind;
use tracespec::spec::plan::TraceExpectations;
use tracespec::spec::{LoadOptions, load};
use tracespec::trace::{Injected, Phase, Trace};

/// One row of the table.
struct Row {
    name: &'static str,
    format: Format,
    /// How many files, of how many spans each.
    files: u64,
    spans: usize,
    runs: usize,
    one_core: bool,
}

const fn row(name: &'static str, format: Format, files: u64, spans: usize, runs: usize, one_core: bool) -> Row {
    Row { name, format, files, spans, runs, one_core }
}

/// The large file, the folder and the very large trace, and the formats beside them.
const ROWS: [Row; 10] = [
    row("jaeger-json-111000", Format::JaegerJson, 1, 111_000, 5, true),
    row("jaeger-json-111000-all-cores", Format::JaegerJson, 1, 111_000, 5, false),
    row("otlp-json-111000", Format::OtlpJson, 1, 111_000, 5, true),
    row("otlp-proto-111000", Format::OtlpProto, 1, 111_000, 5, true),
    row("zipkin-json-111000", Format::ZipkinJson, 1, 111_000, 5, true),
    row("folder-otlp-json-4000x50", Format::OtlpJson, 4_000, 50, 3, true),
    row("folder-otlp-proto-4000x50", Format::OtlpProto, 4_000, 50, 3, true),
    row("folder-jaeger-json-4000x50", Format::JaegerJson, 4_000, 50, 3, true),
    row("jaeger-json-1000000", Format::JaegerJson, 1, 1_000_000, 1, true),
    row("otlp-proto-1000000", Format::OtlpProto, 1, 1_000_000, 1, true),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // What `cargo test --benches` asks of every benchmark: be there, and take no time.
    if args.iter().any(|arg| arg == "--test") {
        return;
    }
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--measure", name, path] => measure(ROWS.iter().find(|row| row.name == name).unwrap(), Path::new(path)),
        ["--list", ..] => ROWS.iter().for_each(|row| println!("{}", row.name)),
        ref words => {
            let wanted: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--")).collect();
            let is_wanted = |row: &&Row| wanted.is_empty() || wanted.iter().any(|word| row.name.contains(word));
            println!(
                "| row | MB | spans | read, MB/s | read and judged, MB/s | peak MiB | peak / size | resident bytes a span |"
            );
            println!("|---|---|---|---|---|---|---|---|");
            for row in ROWS.iter().filter(is_wanted) {
                let path = input(row.name.trim_end_matches("-all-cores"), row.format, row.files, row.spans);
                let status = again(row.one_core).args(["--measure", row.name]).arg(&path).status();
                assert!(status.unwrap().success(), "{}", row.name);
            }
        }
    }
}

fn measure(row: &Row, path: &Path) {
    let files = if path.is_dir() {
        let mut files: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    } else {
        vec![path.to_owned()]
    };
    let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    let expect = expectations();
    let before = memory("VmRSS:");
    let (mut read, mut whole) = (f64::INFINITY, f64::INFINITY);
    let (mut peak, mut resident) = (0, 0);
    let time = if row.one_core { cpu } else { clock };
    for run in 0..row.runs {
        // Reading alone, and then again with all that follows: of small files each by itself would be too short to be accounted for.
        let since = time();
        for file in &files {
            let saved = file::load(file).unwrap();
            assert_eq!(saved.ids().len(), 1);
            if run == 0 && row.files == 1 {
                let trace = saved.trace(saved.ids()[0], &[], &Injected::Unknown).unwrap();
                drop(saved);
                assert_eq!(trace.len(), row.spans);
                (peak, resident) = (memory("VmHWM:"), memory("VmRSS:"));
            }
        }
        let reading = time() - since;
        let since = time();
        for file in &files {
            let saved = file::load(file).unwrap();
            let trace = saved.trace(saved.ids()[0], &[], &Injected::Unknown).unwrap();
            drop(saved);
            if row.files == 1 {
                judged(&trace, &expect);
            } else {
                facts(&trace);
            }
        }
        let all = time() - since;
        if run == 0 && row.files > 1 {
            (peak, resident) = (memory("VmHWM:"), before);
        }
        if row.runs == 1 || run > 0 {
            (read, whole) = (read.min(reading), whole.min(all));
        }
    }
    let mb = bytes as f64 / 1e6;
    let spans = row.files as usize * row.spans;
    println!(
        "| {} | {mb:.1} | {spans} | {:.0} | {:.0} | {} | {:.2} | {} |",
        row.name,
        mb / read,
        mb / whole,
        peak >> 20,
        peak as f64 / bytes as f64,
        resident.saturating_sub(before) / spans as u64,
    );
}

/// What `services`, `errors` and counts ask.
const SPEC: &str = "tests:
  - name: bench
    trace_file: saved.json
    trace:
      services: [frontend, product-catalog, payment]
      span_count: '>= 1'
      errors: none
      spans:
        - { select: { service: product-catalog, kind: server }, count: '>= 1' }
        - { select: { attributes: { db.system.name: postgresql } }, count: '>= 1' }
";

struct NoVariables;

impl Lookup for NoVariables {
    fn value(&self, name: &str, _: Option<&str>, _: Span) -> Result<Value, Problem> {
        panic!("no variable {name}")
    }
}

fn expectations() -> TraceExpectations {
    let (plan, diagnostics) = load(vec![(PathBuf::from("bench.yaml"), SPEC.into())], &LoadOptions::default());
    let messages: Vec<&str> = diagnostics.iter().map(|problem| problem.message.as_str()).collect();
    let trace = plan.files.first().and_then(|file| file.tests[0].steps[0].trace.clone());
    match trace.map(|trace| trace.bind(&NoVariables)) {
        Some(Ok(bound)) => bound,
        _ => panic!("the spec is wrong: {messages:?}"),
    }
}

fn judged(trace: &Trace, expect: &TraceExpectations) {
    let judged = judge(trace, expect, Phase::Confirmed, &Context::default());
    // Some calls fail in these traces, so `errors: none` does.
    let failed = judged.iter().filter(|judged| judged.verdict != Verdict::Pass).count();
    assert!(judged.len() >= 5 && failed <= 1, "{failed} of {} failed", judged.len());
}

/// What the gate keeps of a trace rests on these.
fn facts(trace: &Trace) {
    let facts = Facts::from(trace);
    let own: u64 = facts.own().iter().map(|&ix| facts.self_time(ix)).sum();
    assert!(own > 0);
}

fn clock() -> f64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

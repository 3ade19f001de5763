//! How fast saved traces are read, and in how much memory: `cargo bench --bench read`, or `benches/run.sh` for the table.
//!
//! Each row is measured by a process of its own, several times in turn; the best of them counts, since whatever else the machine does
//! only ever adds. Time is the main thread's own CPU time, and peak memory that of the process, both by Linux's own accounting.
//! Prints figures and judges none. `--list` lists the rows; further arguments choose those whose names contain them.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use traces::{Format, Options, System, write};
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
}

/// The large file, the folder and the very large trace, and the formats beside them.
const ROWS: [Row; 9] = [
    Row { name: "jaeger-json-111000", format: Format::JaegerJson, files: 1, spans: 111_000, runs: 5 },
    Row { name: "otlp-json-111000", format: Format::OtlpJson, files: 1, spans: 111_000, runs: 5 },
    Row { name: "otlp-proto-111000", format: Format::OtlpProto, files: 1, spans: 111_000, runs: 5 },
    Row { name: "zipkin-json-111000", format: Format::ZipkinJson, files: 1, spans: 111_000, runs: 5 },
    Row { name: "folder-otlp-json-4000x50", format: Format::OtlpJson, files: 4_000, spans: 50, runs: 3 },
    Row { name: "folder-otlp-proto-4000x50", format: Format::OtlpProto, files: 4_000, spans: 50, runs: 3 },
    Row { name: "folder-jaeger-json-4000x50", format: Format::JaegerJson, files: 4_000, spans: 50, runs: 3 },
    Row { name: "jaeger-json-1000000", format: Format::JaegerJson, files: 1, spans: 1_000_000, runs: 1 },
    Row { name: "otlp-proto-1000000", format: Format::OtlpProto, files: 1, spans: 1_000_000, runs: 1 },
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
                "| row | MB | spans | read MB/s | with the trace, judged MB/s | peak MiB | peak / size | resident bytes a span |"
            );
            println!("|---|---|---|---|---|---|---|---|");
            for row in ROWS.iter().filter(is_wanted) {
                let path = input(row);
                let status =
                    Command::new(std::env::current_exe().unwrap()).args(["--measure", row.name]).arg(&path).status();
                assert!(status.unwrap().success(), "{}", row.name);
            }
        }
    }
}

/// The row's file or folder, made where it is not there. It does not change, so it is kept between runs.
fn input(row: &Row) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-read").join(row.name);
    if path.exists() {
        return path;
    }
    let options = Options { seed: 7, services: 16, spans: row.spans, ..Options::default() };
    let system = System::new(&options);
    let made = path.with_extension("part");
    let of = |number| write(row.format, &system, std::iter::once(system.trace(number)));
    if row.files == 1 {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&made, of(0)).unwrap();
    } else {
        std::fs::create_dir_all(&made).unwrap();
        (0..row.files).for_each(|number| std::fs::write(made.join(format!("{number:05}.trace")), of(number)).unwrap());
    }
    std::fs::rename(&made, &path).unwrap();
    path
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
    for run in 0..row.runs {
        let (mut reading, mut all) = (0.0, 0.0);
        for file in &files {
            let since = cpu();
            let saved = file::load(file).unwrap();
            reading += cpu() - since;
            let trace = saved.trace(saved.ids()[0], &[], &Injected::Unknown).unwrap();
            if row.files == 1 {
                judged(&trace, &expect);
            } else {
                facts(&trace);
            }
            all += cpu() - since;
            if run == 0 && row.files == 1 {
                // The trace alone, as it is kept after reading; what judging has computed is gone by now.
                drop(saved);
                assert_eq!(trace.len(), row.spans);
                (peak, resident) = (memory("VmHWM:"), memory("VmRSS:"));
            }
        }
        if run == 0 && row.files > 1 {
            (peak, resident) = (memory("VmHWM:"), before);
        }
        (read, whole) = (read.min(reading), whole.min(all));
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
      services: [frontend, checkout, payment]
      span_count: '>= 1'
      errors: none
      spans:
        - { select: { service: checkout, kind: server }, count: '>= 1' }
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

/// CPU seconds of the main thread so far, to the nanosecond; where Linux's accounting is not there, the clock's.
fn cpu() -> f64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    let spent = std::fs::read_to_string("/proc/self/schedstat");
    let spent = spent.ok().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    spent.map_or_else(|| began.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

/// Bytes of memory as this process is charged for them; 0 where Linux's accounting is not there.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}

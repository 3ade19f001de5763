//! What a gate over saved traces costs: 200 tests with 20 runs of either build, the same against stored baselines, and 100,000 traces,
//! whose memory must not grow with their number. `cargo bench --bench gate` prints a table; Linux tells CPU time and the peak of memory,
//! elsewhere they are left out.
//!
//! The traces are of `examples/traces`, each test a system of its own. The runs of a test are alike, as those of one request are: the
//! same spans, with ids and durations of their own. In the rows of unlike traces no two of a test have the same structure.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use traces::{Format, Options, Span, System, write};

const SPANS: usize = 50;

fn main() {
    // `cargo test` runs benches as well, to see that they run.
    let small = !std::env::args().any(|argument| argument == "--bench");
    let (tests, runs, many) = if small { (2, 7, 20) } else { (200, 20, 100_000) };
    println!(
        "| gate over saved traces of {SPANS} spans | format | on disk | time | CPU | memory at most |\n|---|---|---|---|---|---|"
    );
    const FOLDERS: &[&str] = &["gate", "--baseline-traces", "baseline", "--candidate-traces", "candidate"];
    const STORED: &[&str] = &["gate", "--baselines", "stored", "--candidate-traces", "candidate"];
    for (format, alike) in [(Format::OtlpJson, true), (Format::OtlpProto, true), (Format::OtlpJson, false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = [0, 0];
        for test in 0..tests {
            for (arm, name) in ["baseline", "candidate"].into_iter().enumerate() {
                let place = folder.path().join(name).join(format!("test-{test:03}"));
                let first = arm as u64 * 1_000_000;
                bytes[arm] += put(&place, format, test, alike, first..first + runs);
            }
        }
        let unlike = if alike { "" } else { ", unlike" };
        row(
            &format!("{tests} tests × {runs} runs of either build{unlike}"),
            format,
            bytes[0] + bytes[1],
            folder.path(),
            FOLDERS,
        );
        let record = ["baseline", "record", "--from-traces", "baseline", "--baselines", "stored", "--runs", "7"];
        if alike && command(folder.path(), &record).status().unwrap().success() {
            row(&format!("{tests} tests × {runs} runs, stored baselines"), format, bytes[1], folder.path(), STORED);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = 0;
    for (arm, first) in [("baseline", 0), ("candidate", 1_000_000)] {
        bytes += put(&folder.path().join(arm).join("test"), Format::OtlpProto, 0, false, first..first + many / 2);
    }
    row(&format!("{many} traces of one test, unlike"), Format::OtlpProto, bytes, folder.path(), FOLDERS);
}

/// Writes runs of a test, each as a file; how many bytes they have.
fn put(folder: &Path, format: Format, test: u64, alike: bool, runs: std::ops::Range<u64>) -> u64 {
    std::fs::create_dir_all(folder).unwrap();
    let options = Options { seed: test, spans: SPANS, services: 8, errors: 0.0, ..Options::default() };
    let system = System::new(&options);
    let ending = if matches!(format, Format::OtlpProto) { "pb" } else { "json" };
    let one = |run: u64| {
        let bytes = match alike {
            true => write(format, &system, std::iter::once(again(&system, test, run).into_iter())),
            false => write(format, &system, std::iter::once(system.trace(run))),
        };
        std::fs::write(folder.join(format!("{run}.{ending}")), &bytes).unwrap();
        bytes.len() as u64
    };
    runs.map(one).sum()
}

/// The first trace of a system once more: other ids, and some 10 % more or less time.
fn again(system: &System, test: u64, run: u64) -> Vec<Span> {
    let mut random = fastrand::Rng::with_seed(test << 32 | run);
    let (trace_id, mixed, pace) = (random.u128(1..), random.u64(..), 0.9 + 0.2 * random.f64());
    let mut spans: Vec<Span> = system.trace(0).collect();
    let begin = spans.iter().map(|span| span.start_ns).min().unwrap_or(0);
    for span in &mut spans {
        span.trace_id = trace_id;
        span.id = (span.id ^ mixed).max(1);
        span.parent = if span.parent == 0 { 0 } else { (span.parent ^ mixed).max(1) };
        let at = |ns: u64| begin + run * 1_000_000_000 + ((ns - begin) as f64 * pace) as u64;
        (span.start_ns, span.end_ns) = (at(span.start_ns), at(span.end_ns));
        for event in &mut span.events {
            event.time_ns = at(event.time_ns);
        }
        span.links.clear();
    }
    spans
}

fn row(what: &str, format: Format, bytes: u64, folder: &Path, words: &[&str]) {
    // The first run finds the files on the disk, the others in memory; the best of five is what the gate itself costs.
    let runs: Vec<Cost> = (0..5).map(|_| gate(folder, words)).collect();
    let took = runs.iter().map(|cost| cost.took.as_secs_f64()).fold(f64::INFINITY, f64::min);
    let cpu = runs.iter().filter_map(|cost| cost.cpu).fold(f64::INFINITY, f64::min);
    let peak = runs.iter().filter_map(|cost| cost.peak_kib).max();
    let cpu = if cpu.is_finite() { format!("{cpu:.2} s") } else { "–".to_owned() };
    let peak = peak.map_or("–".to_owned(), |kib| format!("{} MiB", kib / 1024));
    println!("| {what} | {format:?} | {} MB | {took:.2} s | {cpu} | {peak} |", bytes / 1_000_000);
}

/// What a gate took.
struct Cost {
    took: Duration,
    /// Seconds of all threads, where the system tells.
    cpu: Option<f64>,
    /// The most memory that it had, where the system tells.
    peak_kib: Option<u64>,
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracespec"));
    command.current_dir(folder).args(words).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn gate(folder: &Path, words: &[&str]) -> Cost {
    let begun = Instant::now();
    let mut child = command(folder, words).spawn().unwrap();
    let (mut peak_kib, mut cpu) = (None, None);
    // What is told of a process is gone with it: the last that was seen counts.
    while child.try_wait().unwrap().is_none() {
        peak_kib = peak_kib.max(high_water(&child));
        cpu = cpu_seconds(&child).or(cpu);
        std::thread::sleep(Duration::from_millis(5));
    }
    Cost { took: begun.elapsed(), cpu, peak_kib }
}

fn high_water(child: &Child) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

/// User and system time, in the hundredths of a second that Linux counts in.
fn cpu_seconds(child: &Child) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (user + system > 0.0).then_some((user + system) / 100.0)
}

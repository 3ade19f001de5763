//! What a gate over saved traces costs: 200 tests with 20 runs of either build, and 100,000 traces, whose memory must not grow with
//! their number. `cargo bench --bench gate` prints a table; Linux tells the peak of memory, elsewhere it is left out.
//!
//! The traces are of `examples/traces`: each test is a system of its own, and no two of its traces are alike.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use traces::{Format, Options, System, write};

const SPANS: usize = 50;

fn main() {
    // `cargo test` runs benches as well, to see that they run.
    let small = !std::env::args().any(|argument| argument == "--bench");
    let (tests, runs, many) = if small { (2, 7, 20) } else { (200, 20, 100_000) };
    println!(
        "| gate over saved traces of {SPANS} spans | format | on disk | time | memory at most |\n|---|---|---|---|---|"
    );
    for format in [Format::OtlpJson, Format::OtlpProto] {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = 0;
        for test in 0..tests {
            for (arm, first) in [("baseline", 0), ("candidate", 1_000_000)] {
                let place = folder.path().join(arm).join(format!("test-{test:03}"));
                bytes += put(&place, format, test, first..first + runs);
            }
        }
        row(&format!("{tests} tests × {runs} runs of either build"), format, bytes, folder.path());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = 0;
    for (arm, first) in [("baseline", 0), ("candidate", 1_000_000)] {
        bytes += put(&folder.path().join(arm).join("test"), Format::OtlpProto, 0, first..first + many / 2);
    }
    row(&format!("{many} traces of one test"), Format::OtlpProto, bytes, folder.path());
}

/// Writes runs of a test, each as a file; how many bytes they have.
fn put(folder: &Path, format: Format, test: u64, runs: std::ops::Range<u64>) -> u64 {
    std::fs::create_dir_all(folder).unwrap();
    let options = Options { seed: test, spans: SPANS, services: 8, errors: 0.0, ..Options::default() };
    let system = System::new(&options);
    let ending = if matches!(format, Format::OtlpProto) { "pb" } else { "json" };
    let one = |run: u64| {
        let bytes = write(format, &system, std::iter::once(system.trace(run)));
        std::fs::write(folder.join(format!("{run}.{ending}")), &bytes).unwrap();
        bytes.len() as u64
    };
    runs.map(one).sum()
}

fn row(what: &str, format: Format, bytes: u64, folder: &Path) {
    // The first run finds the files on the disk, the others in memory; the best of three is what the gate itself costs.
    let (took, peak) = (0..3).map(|_| gate(folder)).min_by_key(|(took, _)| *took).unwrap();
    let peak = peak.map_or("–".to_owned(), |kib| format!("{} MiB", kib / 1024));
    println!("| {what} | {format:?} | {} MB | {:.2} s | {peak} |", bytes / 1_000_000, took.as_secs_f64());
}

/// Runs the gate once: how long it took, and the most memory that it had in KiB, where the system tells.
fn gate(folder: &Path) -> (Duration, Option<u64>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracespec"));
    command.current_dir(folder).args(["gate", "--baseline-traces", "baseline", "--candidate-traces", "candidate"]);
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = None;
    // A high-water mark, which is gone with the process: the last one seen counts.
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(high_water(&status));
        std::thread::sleep(Duration::from_millis(5));
    }
    (begun.elapsed(), peak)
}

fn high_water(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

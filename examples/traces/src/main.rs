//! Writes traces to standard output: `cargo run --bin traces -- --spans 50 --format jaeger-json > trace.json`.

#![allow(clippy::print_stderr, reason = "a program people start by hand")]

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use traces::{Format, Options, System, write};

/// Realistic traces from a seed, in every format that tracespec reads.
#[derive(Debug, Parser)]
#[command(name = "traces")]
struct Args {
    /// What is written
    #[arg(long, value_enum, default_value = "otlp-json")]
    format: Format,
    /// How many traces; those of one file make one document
    #[arg(long, default_value_t = 1)]
    traces: u64,
    /// How many spans each trace has
    #[arg(long, default_value_t = Options::default().spans)]
    spans: usize,
    /// How many services there are
    #[arg(long, default_value_t = Options::default().services)]
    services: usize,
    /// How many services a request goes through at most
    #[arg(long, default_value_t = Options::default().depth)]
    depth: usize,
    /// How many calls a handler makes at most
    #[arg(long, default_value_t = Options::default().fan_out)]
    fan_out: usize,
    /// The part of the calls that fail
    #[arg(long, default_value_t = Options::default().errors)]
    errors: f64,
    /// Equal seeds give equal traces
    #[arg(long, default_value_t = Options::default().seed)]
    seed: u64,
}

fn main() -> ExitCode {
    let Args { format, traces, spans, services, depth, fan_out, errors, seed } = Args::parse();
    let system = System::new(&Options { seed, services, spans, depth, fan_out, errors });
    let bytes = write(format, &system, (0..traces).map(|number| system.trace(number)));
    match std::io::stdout().lock().write_all(&bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("traces: cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
    }
}

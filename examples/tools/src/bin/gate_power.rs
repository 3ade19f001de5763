//! Prints how often gates over simulated runs fail: `cargo run --profile simulation --bin gate_power -- [--seed N] [--gates PER_ROW]`.
//!
//! Ends with 1 if a promise is broken: clean against clean fails in at most 1 % of interleaved gates and 2 % of others, and what is
//! slower by as much as the table says is found in as many as it says.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use tools::gate_sim::family::families;
use tools::gate_sim::table::{Row, heading};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |flag: &str| arguments.iter().position(|at| at == flag).and_then(|at| arguments.get(at + 1));
    let seed = value("--seed").and_then(|text| text.parse().ok()).unwrap_or(1);
    let gates = value("--gates").and_then(|text| text.parse().ok()).unwrap_or(1000);
    println!("{}", heading());
    let mut kept = true;
    for family in families() {
        let row = Row::of(family, gates, seed);
        println!("{row}");
        kept &= row.keeps();
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

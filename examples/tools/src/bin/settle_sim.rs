//! Prints how the completeness engine fares with every family of systems:
//! `cargo run --profile simulation --bin settle_sim -- [--seed N] [--tests PER_FAMILY] [--family TEXT] [--stories]`.
//!
//! `--hasty` settles every trace as soon as it is complete, `--watermark` as soon as every instance seen has exported
//! something later: shortcuts that the simulation must, and does, find out.
//!
//! Ends with 1 if a bound is broken: at most 0.05% of violated tests pass, and those only for causes that no observer
//! can see; no test fails without cause; at most 2% are inconclusive though everything arrived; all end by the deadline.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use tools::settle_sim::drive::Knobs;
use tools::settle_sim::family::{families, hasty};
use tools::settle_sim::table::{Row, family, heading};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |flag: &str| arguments.iter().position(|at| at == flag).and_then(|at| arguments.get(at + 1));
    let seed = value("--seed").and_then(|text| text.parse().ok()).unwrap_or(1);
    let tests = value("--tests").and_then(|text| text.parse().ok()).unwrap_or(2000);
    let only = value("--family").cloned().unwrap_or_default();
    let flag = |flag: &str| arguments.iter().any(|at| at == flag);
    let knobs = Knobs { watermark: flag("--watermark"), ..Knobs::default() };
    let mut total = Row { name: "all".to_owned(), ..Row::default() };
    println!("{}", heading());
    for kind in families().iter().filter(|kind| kind.name.contains(&only)) {
        let kind = if flag("--hasty") { hasty(kind.clone()) } else { kind.clone() };
        let row = family(&kind, tests, seed, knobs);
        let causes: Vec<String> = row.causes.iter().map(|(cause, count)| format!("{count} × {cause}")).collect();
        println!("{row}  {}", causes.join(", "));
        if flag("--stories") {
            row.stories.iter().for_each(|story| println!("{story}\n"));
        }
        total.add(&row);
    }
    println!("{total}");
    let broken = total.broken();
    broken.iter().for_each(|bound| println!("BROKEN: {bound}"));
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

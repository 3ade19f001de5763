//! Every feature from spec text to exit code, through the binary: `tests/features/cases/NAME.txt` is a case, which holds what it
//! needs and, below each command, what that said. `BLESS=1 cargo test --test features` writes the latter anew; read it aloud
//! before you commit it. `tests/features/README.md` says how a case is written.

#![cfg_attr(not(unix), allow(dead_code, unused))]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "support/json_schema.rs"]
mod json_schema;
#[path = "run/payment.rs"]
mod payment;
#[path = "run/spans.rs"]
mod spans;
#[path = "run/store.rs"]
mod store;
#[path = "run/target.rs"]
mod target;
#[path = "support/tls.rs"]
mod tls;
#[path = "support/tracespec.rs"]
mod tracespec_process;

#[path = "features/case.rs"]
mod case;
#[path = "features/coverage.rs"]
mod coverage;
#[path = "features/shown.rs"]
mod shown;
#[path = "features/stubs.rs"]
mod stubs;

use case::Case;
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// A case mostly waits, for answers and for traces.
const AT_ONCE: usize = 16;

#[cfg(not(unix))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}

#[cfg(unix)]
fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let one = |case: Case| Trial::test(case.name.clone(), move || case.judge().map_err(Failed::from));
    let mut trials: Vec<Trial> = case::all().into_iter().map(one).collect();
    let of = |(name, judge): (&str, fn() -> Result<(), String>)| {
        Trial::test(format!("coverage::{name}"), move || judge().map_err(Failed::from))
    };
    trials.extend(coverage::JUDGES.map(of));
    libtest_mimic::run(&arguments, trials).exit_code()
}

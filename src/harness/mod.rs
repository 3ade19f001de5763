//! Specs as a `cargo test` suite, on libtest-mimic: filters, `--list`, ignored tests, cargo-nextest.
//!
//! In `Cargo.toml`:
//!
//! ```toml
//! [[test]]
//! name = "traces"
//! harness = false
//! ```
//!
//! and in `tests/traces.rs`:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     tracespec::harness::main()
//! }
//! ```
//!
//! Each test of each spec file is a test of the suite, named `file::name`. The system's processes are started before the
//! first of them that really runs, and stopped after the last. Under cargo-nextest every test is a process of its own,
//! and starts the system for itself.

mod suite;

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::PathBuf;
use std::process::ExitCode;
use suite::{Driven, TrialParts};

/// Runs `specs/` with the configuration's profile `test`, if it has one.
pub fn main() -> ExitCode {
    Suite::new().main()
}

/// A suite that differs from [`main`]'s in where its specs are or in the profile.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    paths: Vec<PathBuf>,
    profile: Option<String>,
}

impl Suite {
    /// The suite of [`main`].
    pub fn new() -> Suite {
        Suite::default()
    }
    /// Adds a spec file or a folder of them, instead of `specs`.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Suite {
        self.paths.push(path.into());
        self
    }
    /// Applies this profile of the configuration. `TRACESPEC_PROFILE` goes before it.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Suite {
        self.profile = Some(name.into());
        self
    }
    /// Runs what the command line selects.
    pub fn main(self) -> ExitCode {
        let mut args = Arguments::from_args();
        let suite = match Driven::load(&self.paths, self.profile.as_deref()) {
            Ok(suite) => suite,
            Err(code) => return ExitCode::from(code),
        };
        // A trial only waits for its test; how many requests are under way is the run's own business.
        args.test_threads = args.test_threads.or(Some(suite.len().clamp(1, 500)));
        let conclusion = libtest_mimic::run(&args, trials(&suite));
        let late = suite.finish();
        if conclusion.has_failed() || late { ExitCode::from(101) } else { ExitCode::SUCCESS }
    }
}

fn trials(suite: &Driven) -> Vec<Trial> {
    let one = |(name, ignored, run): TrialParts| {
        Trial::test(name, move || run().map_err(Failed::from)).with_ignored_flag(ignored)
    };
    suite.trials().map(one).collect()
}

//! The settings of a run, resolved from configuration and command line.

use crate::backend::settle;
use crate::facts::{Started, addresses};
use crate::spec::plan::{Settle, Wait};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How a run is carried out; settings have been resolved already.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests under way at once.
    pub jobs: usize,
    /// How often a test that did not pass is tried again.
    pub retries: u32,
    /// No test is begun after one that did not pass.
    pub fail_fast: bool,
    /// The seed of random values. Ids never come from it.
    pub seed: u64,
    /// An absence of what nothing has shown to exist fails.
    pub strict_absence: bool,
    /// Each trace is waited for until it is whole, also where its expectations are decided before.
    pub whole: bool,
    /// Bound on a wait where the spec gives none.
    pub timeout: Duration,
    /// Bound on a test where the spec gives none.
    pub test_timeout: Option<Duration>,
    /// The quiet where the spec gives none.
    pub settle: Settle,
    /// Services and peers that take part without exporting, in every test.
    pub silent: Vec<String>,
    /// How long exporters may keep a span.
    pub exporter_delay: Duration,
    /// Whether the runner set that delay itself.
    pub exporter_delay_is_set: bool,
    /// How spans come to where they are read.
    pub pipeline: settle::Pipeline,
    /// What programs that start a trace get in their environment; `None` takes a variable away.
    pub command_env: Vec<(String, Option<String>)>,
    /// The processes that the runner started.
    pub started: Arc<[Started]>,
}

/// The bound on a wait, unless configured.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// How long an SDK may keep a span, unless it is told otherwise.
const SDK_DELAY: Duration = Duration::from_secs(5);

impl Options {
    /// What a wait needs: what is configured of it, and for how long exporters may keep a span, if that is known. Tests are run one
    /// at a time, once each.
    pub(crate) fn new(wait: &Wait, exporter_delay: Option<Duration>, pipeline: settle::Pipeline) -> Options {
        Options {
            jobs: 1,
            retries: 0,
            fail_fast: false,
            seed: 0,
            strict_absence: false,
            whole: false,
            timeout: wait.timeout.unwrap_or(TIMEOUT),
            test_timeout: None,
            settle: wait.settle.unwrap_or(Settle::Auto),
            silent: wait.silent.clone(),
            exporter_delay: exporter_delay.unwrap_or(SDK_DELAY),
            exporter_delay_is_set: false,
            pipeline,
            command_env: Vec::new(),
            started: Arc::default(),
        }
    }

    /// What takes part without exporting: what is set for all tests and for this one. The name of a process that the runner
    /// started stands for its addresses, too.
    pub(crate) fn silent(&self, more: &[String]) -> BTreeSet<String> {
        let names = || self.silent.iter().chain(more);
        let of_processes = names().flat_map(|name| addresses(&self.started, name));
        names().cloned().chain(of_processes).collect()
    }

    /// How to wait for one trace, given what its test says and how its spans come.
    pub(crate) fn wait_config(&self, wait: &Wait, pipeline: settle::Pipeline) -> settle::Config {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        settle::Config {
            settle: match wait.settle.unwrap_or(self.settle) {
                Settle::Auto => settle::Settle::Auto,
                Settle::Fixed(quiet) => settle::Settle::Fixed(nanos(quiet)),
            },
            exporter_delay_ns: nanos(self.exporter_delay),
            exporter_delay_is_set: self.exporter_delay_is_set,
            pipeline,
            timeout_ns: nanos(wait.timeout.unwrap_or(self.timeout)),
            silent: self.silent(&wait.silent).into_iter().collect(),
        }
    }
}

//! What a run is told by configuration and command line.

use crate::backend::settle;
use crate::spec::plan::Settle;
use std::time::Duration;

/// How a run is carried out; settings have been resolved already.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests under way at once.
    pub jobs: usize,
    /// Traces waited for at once.
    pub awaiting: usize,
    /// How often a test that did not pass is tried again.
    pub retries: u32,
    /// No test is begun after one that did not pass.
    pub fail_fast: bool,
    /// The seed of random values. Ids never come from it.
    pub seed: u64,
    /// An absence of what nothing has shown to exist fails.
    pub strict_absence: bool,
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
}

//! What a test's wait is told beforehand.

use crate::facts::names_peer;
use crate::trace::SpanId;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// The SDKs' default `OTEL_BSP_SCHEDULE_DELAY`: what a process that the runner did not start must be assumed to use.
pub(super) const DEFAULT_EXPORTER_DELAY: u64 = 5 * SECOND;
/// No settle is shorter, unless the spec fixes it.
const LEAST: u64 = SECOND / 2;
/// The least settle of a trace in which work goes on after the response.
const LEAST_ASYNCHRONOUS: u64 = 5 * SECOND / 2;

/// Before that, something missing is a fact only where the runner knows every exporter's delay and nothing stands
/// between them and it: collectors retry a delivery that failed after 5 s, give or take half (their default), and an
/// exporter not heard of yet may use the SDKs' default delay whatever is configured. It costs failing tests seconds.
const LEAST_CERTAINTY: u64 = 8 * SECOND;

/// How long a trace must be quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settle {
    /// As long as the exporters, the pipeline and the trace itself require.
    #[default]
    Auto,
    /// Exactly this long, in nanoseconds, because the spec says so.
    Fixed(u64),
}

/// How spans come from an exporter to where they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pipeline {
    /// Straight to the embedded receiver, which tells of every span at once.
    Direct,
    /// Through a collector to the embedded receiver, which tells of every span at once.
    Collector,
    /// To a store (Jaeger, Tempo, a `serve` of another process), with or without a collector, which must be asked.
    #[default]
    Store,
}

impl Pipeline {
    /// What the way adds to an exporter's delay: batches, storage and its refresh.
    pub fn delay_ns(self) -> u64 {
        match self {
            Pipeline::Direct => 3 * SECOND / 10,
            Pipeline::Collector | Pipeline::Store => SECOND,
        }
    }
    /// Whether what has arrived is known at every moment, rather than at the moments of reading.
    pub fn notifies(self) -> bool {
        self != Pipeline::Store
    }
}

/// How to wait for the traces of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `wait.settle`.
    pub settle: Settle,
    /// How long exporters may keep a span: `exporter_delay`, or what the runner set for the processes it started if it
    /// started them all.
    pub exporter_delay_ns: u64,
    /// Whether the runner itself set that delay for every process, so that it is nearly a fact rather than an
    /// assumption: a trace that stays incomplete is given up sooner then.
    pub exporter_delay_is_set: bool,
    /// How spans come to where they are read.
    pub pipeline: Pipeline,
    /// `wait.timeout`, counted from the response.
    pub timeout_ns: u64,
    /// `wait.silent`: services or peers that take part without exporting.
    pub silent: Vec<String>,
}

/// Settles by itself, assumes the SDKs' default delay, reads from a store, gives up 30 s after the response.
impl Default for Config {
    fn default() -> Config {
        Config {
            settle: Settle::Auto,
            exporter_delay_ns: DEFAULT_EXPORTER_DELAY,
            exporter_delay_is_set: false,
            pipeline: Pipeline::default(),
            timeout_ns: 30 * SECOND,
            silent: Vec::new(),
        }
    }
}

impl Config {
    /// 1.5 × exporter delay + pipeline, at least 0.5 s. While a call is open the delay is at least the SDKs' default:
    /// an instance not heard of yet may be the slow one.
    pub(super) fn auto_ns(&self, open: bool) -> u64 {
        let delay = if open { self.exporter_delay_ns.max(DEFAULT_EXPORTER_DELAY) } else { self.exporter_delay_ns };
        (delay.saturating_add(delay / 2)).saturating_add(self.pipeline.delay_ns()).max(LEAST)
    }
    /// The settle of a trace, given what it is like and the lag that the run has learned.
    pub(super) fn settle_ns(&self, like: Likeness, learned_ns: u64) -> u64 {
        match self.settle {
            Settle::Fixed(settle) => settle,
            Settle::Auto => {
                // What an incomplete trace lacks may come from an instance not heard of yet, just as an open call's
                // answer. Simulated, giving up sooner fails tests for what is merely late.
                let unheard = like.open || like.incomplete && !self.exporter_delay_is_set;
                let least = if like.asynchronous || like.incomplete { LEAST_ASYNCHRONOUS } else { 0 };
                self.auto_ns(unheard).max(learned_ns).max(least)
            }
        }
    }
    /// How long a trace must be quiet before something missing is a fact: twice the settle, or longer.
    pub(super) fn certain_ns(&self, settle_ns: u64) -> u64 {
        let twice = settle_ns.saturating_mul(2);
        let is_sure = self.pipeline == Pipeline::Direct && self.exporter_delay_is_set;
        if is_sure || self.settle != Settle::Auto { twice } else { twice.max(LEAST_CERTAINTY) }
    }
    /// Whether `wait.silent` names this peer, with or without its port.
    pub(super) fn is_silent(&self, peer: &str) -> bool {
        self.silent.iter().any(|name| names_peer(name, peer))
    }
}

/// What a trace is like as far as it decides its settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Likeness {
    /// A call is open.
    pub(super) open: bool,
    /// Work goes on after the response.
    pub(super) asynchronous: bool,
    /// Something that must come is not there.
    pub(super) incomplete: bool,
}

/// A request that the runner sent (each redirect hop is one): a call that the system must answer with a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The span id that its `traceparent` carried.
    pub span: SpanId,
    /// Host and port it went to.
    pub peer: String,
    /// Method and path, so that a static page and a route of one host are told apart. Best without ids.
    pub operation: String,
    /// Whether it failed before an answer came (refused, reset, timed out): then the system may never have seen it.
    pub error: bool,
}

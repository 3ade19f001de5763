//! What every backend does: reads a trace, searches, tells what it knows of itself.

use super::search::{Counted, Hits, Slice};
use super::settle;
use crate::facts::Exported;
use crate::receiver::Arrivals;
use crate::select::Query;
use crate::trace::{TraceBuilder, TraceId};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// What one read of a trace found.
#[derive(Debug, Clone)]
pub enum Fetch {
    /// The backend answers and has no span of this trace, as it is for every trace at first.
    NotYet {
        /// What it said.
        words: String,
    },
    /// The spans there are by now. Nothing says whether they are all; what the backend itself says of the trace (partial,
    /// truncated) is a remark of the builder's.
    Found(Arc<TraceBuilder>),
    /// No answer, or one that another try may better: read again, not before `retry_after`.
    Transient {
        /// What went wrong, for the log of polls and for a test that never gets an answer.
        words: String,
        /// How long the backend asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// Trying again cannot help.
    Refused {
        /// Why, and what to change.
        words: String,
    },
}

/// How spans come to a backend, which decides how long after their export they can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pipeline {
    /// Straight from the exporters (embedded receiver).
    Direct,
    /// Through a collector or a store.
    Remote,
}

/// Why traces cannot be searched: by what they link to, or by a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The backend has no such search, or does not let us use it: what needs it cannot run on it.
    #[error("{words}")]
    Unsupported {
        /// Why, and which backends can.
        words: String,
    },
    /// This search failed; another may not.
    #[error("{words}")]
    Failed {
        /// What went wrong.
        words: String,
        /// How long the backend asked to be left alone.
        retry_after: Option<Duration>,
    },
}

/// What was found out about a backend before any test (`tracespec config --probe`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probe {
    /// Whether traces can be read from it as configured.
    pub ok: bool,
    /// With `ok` false: whether another try may find it otherwise, since it was not reached or is busy.
    pub transient: bool,
    /// What answers: "Jaeger, /api/v3", "Tempo".
    pub what: String,
    /// The version that it names, if it names one.
    pub version: Option<String>,
    /// Everything else worth saying, sentence by sentence; with `ok` false the first one says what is wrong.
    pub words: Vec<String>,
}

/// A place from which traces are read by id.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What and where it is, without secrets: "Jaeger at http://localhost:16686".
    fn describe(&self) -> String;

    /// One read of one trace. Never waits for spans to come and never retries.
    async fn fetch(&self, id: TraceId) -> Fetch;

    /// Notifications of the spans of this trace; `None` where it has to be polled.
    fn arrivals(&self, id: TraceId) -> Option<Arrivals>;

    /// How spans come to it.
    fn through(&self) -> Pipeline;

    /// The traces known to have a span that links to one of `id`, sorted.
    async fn linking_to(&self, id: TraceId) -> Result<Vec<TraceId>, SearchError>;

    /// The traces of a slice of time that match a query as far as the backend can tell; what it cannot, the caller has to look at.
    async fn search(&self, _: &Slice<'_>) -> Result<Hits, SearchError> {
        let words = format!("{} cannot be searched by a query; Tempo and Jaeger over HTTP can", self.describe());
        Err(SearchError::Unsupported { words })
    }

    /// What a query asks that the backend cannot search for, so that it is looked for in what was found; empty if it can all.
    fn not_searched(&self, _: &Query) -> Vec<String> {
        Vec::new()
    }

    /// How many requests of each operation there were, how many failed and how long they took, of all that match a query, as the
    /// backend's own engine counts them; `None` if it has no such engine.
    async fn requests(&self, _: &Slice<'_>) -> Result<Option<Counted>, SearchError> {
        Ok(None)
    }

    /// How many reads may be under way at once, for all tests together.
    fn max_in_flight(&self) -> usize {
        settle::poll::MAX_IN_FLIGHT
    }

    /// What was exported to here and is in no trace, in a sentence; `None` if there is no such thing, or if it cannot be
    /// known.
    fn losses(&self) -> Option<String> {
        None
    }

    /// Why spans that were exported may never be seen here: what the backend leaves out without saying so in its answers.
    fn leaves_out(&self) -> Option<&'static str> {
        None
    }

    /// The services known to send spans here, whichever trace they are in, sorted; empty where asking costs a request.
    fn services(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the processes of the run have exported to here, in whatever trace, where that is known.
    fn exported(&self) -> Option<Arc<Exported>> {
        None
    }

    /// Asks what answers, in which version, and whether it lets us read.
    async fn probe(&self) -> Probe;
}

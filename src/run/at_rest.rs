//! A trace that was saved: which one is meant, and how far it can be relied on.

use crate::assert::Context;
use crate::backend::file::SavedTraces;
use crate::backend::settle;
use crate::facts::Snapshot;
use crate::matcher::count_of;
use crate::trace::{Phase, Trace, TraceId};
use crate::trigger::context::trace_id_in;
use std::fmt;
use std::sync::Arc;

/// Why a file does not say which trace is meant.
#[derive(Debug)]
pub(crate) enum NoSuchTrace {
    /// There are several (or none), and none was named.
    Unnamed(Vec<TraceId>),
    /// The one that was named is not there.
    Missing(String, Vec<TraceId>),
}

impl fmt::Display for NoSuchTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSuchTrace::Unnamed(ids) => write!(f, "it holds {}; expected one", count_of(ids.len(), "trace")),
            NoSuchTrace::Missing(text, ids) => write!(f, "it has no trace {text}; it has {}", list(ids)),
        }
    }
}

/// The trace that is wanted of a file, or its only one.
pub(crate) fn only_trace(traces: &SavedTraces, wanted: Option<&str>) -> Result<Arc<Trace>, NoSuchTrace> {
    let ids = traces.ids();
    let id = match (wanted, ids.as_slice()) {
        (Some(text), _) => match trace_id_in(text).filter(|id| ids.contains(id)) {
            Some(id) => id,
            None => return Err(NoSuchTrace::Missing(text.to_owned(), ids)),
        },
        (None, [only]) => *only,
        (None, _) => return Err(NoSuchTrace::Unnamed(ids)),
    };
    // An id is only listed where there are spans.
    let trace = traces.trace(id, &[], &traces.injected(id));
    trace.map(Arc::new).ok_or_else(|| NoSuchTrace::Missing(id.to_string(), ids))
}

/// How far a saved trace can be relied on, and what its structure lacks. Of a part nothing can be said to be absent; a call
/// without an answer may be one to what never exports.
pub(crate) fn at_rest(saved: &Snapshot, context: &Context) -> (Phase, Vec<settle::Reason>) {
    let mut lacks = settle::lacks(saved, context.silent.iter().cloned().collect());
    lacks.retain(|lack| matches!(lack, settle::Reason::MissingParent { .. } | settle::Reason::NoRoot));
    let phase = match (saved.trace().partial(), lacks.is_empty()) {
        (true, _) => Phase::Expired,
        (false, true) => Phase::Confirmed,
        (false, false) => Phase::Stalled,
    };
    (phase, lacks)
}

/// Some of these ids, in words.
pub(super) fn list(ids: &[TraceId]) -> String {
    let shown: Vec<String> = ids.iter().take(8).map(ToString::to_string).collect();
    let more = if ids.len() > 8 { format!(" and {} more", ids.len() - 8) } else { String::new() };
    if shown.is_empty() { "no trace".to_owned() } else { shown.join(", ") + &more }
}

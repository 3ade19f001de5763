//! Searching a backend by a query: what is asked for, and what comes back.

use crate::gate::requests::Requests;
use crate::select::Query;
use crate::trace::TraceId;

/// Traces that are asked for: those of a query in a slice of time.
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    /// The query.
    pub query: &'a Query,
    /// As it was written, for backends that read TraceQL themselves.
    pub text: &'a str,
    /// The first second, Unix time.
    pub from_s: u64,
    /// The second after the last.
    pub until_s: u64,
    /// The most traces to give.
    pub most: usize,
}

/// Traces that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// Their ids, sorted.
    pub ids: Vec<TraceId>,
    /// Whether there may be others: as many were given as were asked for.
    pub may_have_more: bool,
}

impl Hits {
    /// Of ids in any order, of which so many were asked for.
    pub fn of(mut ids: Vec<TraceId>, most: usize) -> Hits {
        let may_have_more = ids.len() >= most;
        ids.sort_unstable();
        ids.dedup();
        Hits { ids, may_have_more }
    }
}

/// What a backend's own engine counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// By operation.
    pub requests: Vec<Requests>,
    /// Why it is not all, in the backend's words.
    pub partial: Option<String>,
}

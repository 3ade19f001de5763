//! What experienced people look for in a waterfall, computed: one file for each analysis.
//!
//! Each is a pure function of [`Facts`] to plain data: rows, times, counts. None knows a spec, a phase or words; the
//! expectations (`assert`), the waterfall (`view`) and `analyze` read the same data.

pub mod across;
pub mod clock_skew;
pub mod concurrency;
pub mod conventions;
pub mod critical_path;
pub mod errors;
pub mod findings;
pub mod gaps;
pub mod network;
mod operation;
pub mod outgoing;
pub mod repeats;
pub mod serial;
pub mod shape;
pub mod stats;
mod template;
pub mod whole;

use crate::facts::Facts;
use crate::trace::{SpanIx, Trace};

/// The span whose time is the trace's: what an analysis of the whole trace hangs from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// This one.
    One(SpanIx),
    /// There are several, each with a time of its own.
    Several(Vec<SpanIx>),
    /// There is none: all that is there hangs from spans that are missing.
    Missing,
}

/// The root of the trace itself, without those of traces merged into it.
pub fn root(facts: &Facts<'_>) -> Root {
    let own = facts.trace().tree().separate_roots().into_iter().filter(|&ix| facts.is_own(ix)).collect();
    root_among(facts.trace(), own)
}

/// Which of these roots counts: the only one. Where the runner followed redirects, the one that answered the last hop.
pub(crate) fn root_among(trace: &Trace, roots: Vec<SpanIx>) -> Root {
    let tree = trace.tree();
    let redirected = tree.requests() > 1 && !tree.called().is_empty();
    match roots.as_slice() {
        [] => Root::Missing,
        [_] if redirected => {
            let last = tree.called().last().filter(|(hop, _)| hop + 1 == tree.requests());
            last.map_or(Root::Missing, |&(_, ix)| Root::One(ix))
        }
        [only] => Root::One(*only),
        _ => Root::Several(roots),
    }
}

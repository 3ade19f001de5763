//! Failures that no span above the one that failed reports.

use crate::facts::semconv::{http_status, rpc_status};
use crate::trace::{Kind, SpanIx, SpanRef, Trace};

/// Spans that failed, are no roots, and below no span that reports a failure. In row order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unreported {
    /// All spans above them are there.
    pub known: Vec<SpanIx>,
    /// A span above them is missing, which may be the one that reports it.
    pub unknown: Vec<SpanIx>,
}

/// Where failures began: of those spans that failed and have no failure below them, the one that ended first.
pub fn origin(trace: &Trace, failed: impl IntoIterator<Item = SpanIx>) -> Option<SpanIx> {
    let tree = trace.tree();
    let mut failed: Vec<SpanIx> = failed.into_iter().collect();
    failed.sort_unstable_by_key(|&ix| tree.enter(ix));
    let innermost = failed.iter().enumerate().filter(|&(at, &ix)| {
        // In pre-order, what is below a span follows it.
        failed.get(at + 1).is_none_or(|&next| tree.enter(next) > tree.last(ix))
    });
    innermost.map(|(_, &ix)| ix).min_by_key(|&ix| (trace.span(ix).end_ns(), ix))
}

/// Which of the spans that failed nobody above reports.
pub fn unreported(trace: &Trace, failed: impl IntoIterator<Item = SpanIx>) -> Unreported {
    let tree = trace.tree();
    let mut below_error = vec![false; trace.len()];
    for &ix in tree.preorder() {
        if let Some(parent) = tree.parent(ix) {
            below_error[ix.index()] = below_error[parent.index()] || reports(trace.span(parent));
        }
    }
    let is_top = |ix: SpanIx| tree.parent(ix).is_none();
    let lost = |ix: &SpanIx| !below_error[ix.index()] && (!is_top(*ix) || !tree.is_connected(*ix));
    let (known, unknown) = failed.into_iter().filter(lost).partition(|&ix| tree.is_connected(ix));
    Unreported { known, unknown }
}

/// Whether a span reports a failure: by its status, or as a SERVER span by what it answered. Conventions leave the status of
/// one that answers 4xx unset (analysis.md, 6.3), and who answers so hides nothing.
fn reports(span: SpanRef<'_>) -> bool {
    let answered_so = || {
        http_status(span).is_some_and(|status| status >= 400)
            || rpc_status(span).is_some_and(|status| !matches!(&*status, "0" | "OK"))
    };
    span.is_error() || span.kind() == Kind::Server && answered_so()
}

//! Why a trace cannot be relied on to be complete: what to say of an expectation that holds for the spans at hand.

use super::finding::Finding;
use super::judging::Judging;
use super::rule::RuleId;
use super::text;
use crate::matcher::count_of;
use crate::spec::plan::Expectation;
use crate::trace::{Kind, Phase, SpanIx};
use std::cell::OnceCell;

/// The reason and the spans that show it, found when first asked for.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    why: OnceCell<(String, Vec<SpanIx>)>,
}

impl Unsettled {
    /// The finding of an expectation that holds, but not on a trace that is known to be complete.
    pub(super) fn finding(&self, cx: &Judging<'_>, index: usize) -> Finding {
        let Expectation { at, path, .. } = &cx.expect.list[index];
        let (why, rows) = self.why.get_or_init(|| why(cx));
        let message = format!("It holds for the spans received so far, but {why}.");
        let mut finding = cx.finding(RuleId::TraceComplete, *at, path, message, rows);
        finding.expected = "a trace that is known to be complete".to_owned();
        finding.actual = format!("{} so far", count_of(cx.trace.len(), "span"));
        let is_producer = |ix: &SpanIx| cx.trace.span(*ix).kind() == Kind::Producer;
        if rows.iter().any(is_producer) && !cx.expect.follow_links {
            let hint = "if the consumer starts a trace of its own that links to the producer, `follow_links: true` reads it too";
            finding.hint = Some(hint.to_owned());
        }
        finding
    }
}

fn why(cx: &Judging<'_>) -> (String, Vec<SpanIx>) {
    let loss = || cx.facts.loss().or_else(|| cx.facts.lost_time());
    if matches!(cx.phase, Phase::Settled | Phase::Confirmed)
        && let Some(loss) = loss()
    {
        let rows = loss.lost_span().and_then(|id| cx.trace.find(id));
        let what = if loss.is_loss() { "the trace is incomplete" } else { "the times of all spans are needed" };
        return (format!("{what}: {loss}"), rows.into_iter().collect());
    }
    if cx.trace.partial() && cx.phase == Phase::Expired {
        return ("the backend answered with only a part of the trace".to_owned(), Vec::new());
    }
    let orphans: Vec<SpanIx> = cx.trace.tree().orphans().iter().copied().filter(|&ix| cx.facts.is_own(ix)).collect();
    let unanswered: Vec<SpanIx> = cx.facts.calls().unanswered().map(|call| call.span).collect();
    let what = if let Some(&first) = orphans.first() {
        let parents = count_of(orphans.len(), "span");
        (format!("the parent of {parents} never arrived (first: {})", text::span(cx.trace, first)), orphans)
    } else if let Some(&first) = unanswered.first() {
        let calls = count_of(unanswered.len(), "call");
        (format!("{calls} went unanswered (first: {})", text::span(cx.trace, first)), unanswered)
    } else if !cx.facts.own().iter().any(|&ix| cx.trace.tree().roots().binary_search(&ix).is_ok()) {
        ("no root span arrived".to_owned(), Vec::new())
    } else {
        ("more spans may arrive".to_owned(), Vec::new())
    };
    match cx.phase {
        Phase::Expired => (format!("the timeout expired before the trace had settled: {}", what.0), what.1),
        Phase::Stalled => (format!("the trace stayed incomplete: {}", what.0), what.1),
        _ => ("the trace has not settled yet".to_owned(), Vec::new()),
    }
}

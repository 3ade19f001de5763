//! `errors`: which spans may say that they failed, in the trace and in those merged into it by links.

use super::bounds::Bounds;
use super::criteria;
use super::judging::Judging;
use super::logic::{Cause, Cond};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{nearest, text};
use crate::analyse::errors::{Unreported, origin, unreported};
use crate::facts::semconv::http_status;
use crate::matcher::count_of;
use crate::spec::plan::{Errors, Expectation, Selector};
use crate::trace::{Kind, SpanIx, Trace};

pub(super) fn judge(cx: &Judging<'_>, errors: &Errors, at: &Expectation) -> Outcome {
    let allowed: Vec<_> = errors.allow.iter().map(|select| cx.picks(&select.query)).collect();
    let failed: Vec<SpanIx> = cx
        .trace
        .spans()
        .filter(|span| span.is_error() && !allowed.iter().any(|picks| picks.has(span.ix())))
        .map(|span| span.ix())
        .collect();
    let mut outcome = Outcome::default();
    if let Some(matcher) = &errors.count {
        // Those of which it can not be told whether they are allowed.
        let of_each = errors.allow.iter().zip(&allowed).filter(|_| !failed.is_empty());
        let may: Vec<(&Selector, &[SpanIx])> =
            of_each.map(|(select, picks)| (select, cx.in_doubt(picks).rows.as_slice())).collect();
        let admitting = |ix: SpanIx| may.iter().find(|(_, rows)| rows.binary_search(&ix).is_ok());
        let doubted: Vec<SpanIx> = failed.iter().copied().filter(|&ix| admitting(ix).is_some()).collect();
        // A span that fails now may yet be allowed by what else arrives (its parent, its children).
        let lasting = errors.allow.iter().all(|select| criteria::is_of_one_span(&select.query));
        let bounds = Bounds::of(matcher).unwrap_or_else(|| Bounds::of_count(Some(matcher)));
        let without_them = bounds.growing((failed.len() - doubted.len()) as i128);
        outcome.push(match (bounds.growing(failed.len() as i128), doubted.first()) {
            (Cond::FINAL, Some(&first)) if without_them != Cond::FINAL => {
                let mut finding = counted(cx, errors, &failed, at);
                let span = text::a_span(cx.trace, first);
                finding.message = format!("{span} failed, and whether `allow` admits it is unknown.");
                finding.hint =
                    admitting(first).map(|(select, _)| nearest::doubt(cx, select, first).message(cx, select, first));
                State::lacks(Cond::undecidable(Cause::Dropped), finding)
            }
            (cond, _) if cond.holds() => cond.provided(lasting).into(),
            (Cond::ABSENT, _) => State::lacks(Cond::PARTIAL, counted(cx, errors, &failed, at)),
            (cond, _) => State::lacks(cond.provided(lasting), counted(cx, errors, &failed, at)),
        });
    }
    if errors.swallowed_none {
        outcome.push(swallowed(cx, &failed, at));
    }
    outcome
}

fn counted(cx: &Judging<'_>, errors: &Errors, failed: &[SpanIx], at: &Expectation) -> super::finding::Finding {
    let excused = cx.trace.spans().filter(|span| span.is_error()).count() - failed.len();
    let beside = if excused > 0 { format!(" besides the {excused} allowed") } else { String::new() };
    let matcher = errors.count.as_ref().map(text::matcher).unwrap_or_default();
    let wanted = match &errors.count {
        Some(count) if matcher != "0" => text::number_of(count, "error"),
        _ => "no errors".to_owned(),
    };
    let message = match failed {
        [] => format!("Expected {wanted}, found none{beside}."),
        [only] => {
            format!(
                "Expected {wanted}, found 1{beside}: {} failed{}.",
                text::span(cx.trace, *only),
                saying(cx.trace, *only)
            )
        }
        [first, ..] => {
            let origin = origin(cx.trace, failed.iter().copied()).unwrap_or(*first);
            let (all, span) = (failed.len(), text::span(cx.trace, origin));
            format!("Expected {wanted}, found {all}{beside}; the first to fail is {span}{}.", saying(cx.trace, origin))
        }
    };
    let mut finding = cx.finding(RuleId::ErrorsCount, at.at, &at.path, message, failed);
    let besides = if errors.allow.is_empty() { "" } else { ", besides those allowed" };
    finding.expected =
        if matcher == "0" { format!("no errors{besides}") } else { format!("errors: {matcher}{besides}") };
    finding.actual = count_of(failed.len(), "error");
    // What is allowed by a name that only a service has allows nothing.
    let allow = errors.allow.iter().filter_map(|select| Some((select, criteria::expr(&select.query)?)));
    finding.hint = allow
        .filter_map(|(select, expr)| Some((select, nearest::service_of_that_name(cx, expr)?)))
        .map(|(select, meant)| format!("{} allows nothing: {meant}", text::selector(select)))
        .next()
        .or_else(|| may_be_allowed(cx, failed));
    finding
}

/// ``span `charge-card` of payment-service failed: card declined``
pub fn failure(trace: &Trace, ix: SpanIx) -> String {
    format!("{} failed{}", text::span(trace, ix), saying(trace, ix))
}

/// `: card declined`, or the status that was answered: conventions make an error of a CLIENT span with a 4xx, without a
/// message.
fn saying(trace: &Trace, ix: SpanIx) -> String {
    let span = trace.span(ix);
    match (span.status_message(), http_status(span)) {
        ("", Some(status)) => format!(" with HTTP status {status}"),
        ("", None) => String::new(),
        (message, _) => format!(": {}", text::safe(message)),
    }
}

/// What to write where a call may be answered with a 4xx: its CLIENT span is an error then, its SERVER span is not.
fn may_be_allowed(cx: &Judging<'_>, failed: &[SpanIx]) -> Option<String> {
    let refused = |ix: &&SpanIx| {
        let span = cx.trace.span(**ix);
        span.kind() == Kind::Client && http_status(span).is_some_and(|status| (400..500).contains(&status))
    };
    let span = cx.trace.span(*failed.iter().find(refused)?);
    let select = format!("{{ service: {}, name: '{}' }}", text::service(span.service()), text::safe(span.name()));
    Some(format!(
        "a CLIENT span is an error when it is answered with a 4xx; if that is expected here, write `errors: {{ allow: [{select}] }}`"
    ))
}

/// A span fails, it is no root, and none of the spans above it fails.
fn swallowed(cx: &Judging<'_>, failed: &[SpanIx], at: &Expectation) -> State {
    let tree = cx.trace.tree();
    let Unreported { known, unknown } = unreported(cx.trace, failed.iter().copied());
    let (rows, lack) = match (known.is_empty(), unknown.is_empty()) {
        (true, true) => return Cond::HOLDS.into(),
        (false, _) => (known, Cond::SHOWN.provided(!tree.root_is_assumed())),
        // An ancestor that is still missing may be the one that failed.
        (true, false) => (unknown, Cond::PARTIAL),
    };
    let first = rows[0];
    let above = match tree.parent(first) {
        Some(parent) => format!("neither {} nor any of its ancestors reports a failure", text::span(cx.trace, parent)),
        None => "no span above it is in the trace".to_owned(),
    };
    let more = if rows.len() > 1 { format!(" ({} in all)", rows.len()) } else { String::new() };
    let message = format!("{} failed{}, but {above}{more}.", text::a_span(cx.trace, first), saying(cx.trace, first));
    let mut finding = cx.finding(RuleId::ErrorsSwallowed, at.at, &at.path, message, &rows);
    finding.expected = "swallowed: none".to_owned();
    finding.actual = format!("{} swallowed", count_of(rows.len(), "error"));
    State::lacks(lack, finding)
}

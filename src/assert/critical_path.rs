//! `critical_path`: how much of the root's time the picked spans have.
//!
//! More spans take time from those above them and give it to their own, so nothing is decided before the trace has settled,
//! and what is violated then may still be mended. Spans that may be picked, and clocks that differ, leave an interval.

use super::bounds::Bounds;
use super::finding::Finding;
use super::judging::Judging;
use super::logic::{Cause, Cond, Range, Truth};
use super::rule::RuleId;
use super::selections::Picks;
use super::state::{Outcome, State};
use super::{lost, nearest, text, totals, witness};
use crate::analyse::critical_path::CriticalPath;
use crate::analyse::{Root, root_among};
use crate::matcher::{Fact, Matcher, SHARE_OF_ONE, count_of};
use crate::source::Spanned;
use crate::spec::plan::{Expectation, PathCheck, Selector};
use crate::trace::SpanIx;
use std::cell::OnceCell;

/// The most spans that a finding names by their part of the path.
const MOST_PARTS: usize = 3;

/// The trace's critical path, found when first asked for.
#[derive(Debug, Default)]
pub(super) struct Path(OnceCell<CriticalPath>);

pub(super) fn judge(cx: &Judging<'_>, path: &Path, check: &PathCheck, at: &Expectation) -> Outcome {
    let picks = cx.picks(&check.select.query);
    if let Some(outcome) = unpicked(cx, &check.select, &picks, check.optional, (RuleId::CriticalPathSelect, at)) {
        return outcome;
    }
    let root = match root_among(cx.trace, totals::own_roots(cx)) {
        Root::One(root) => root,
        roots => return without_root(cx, &roots, at).into(),
    };
    if let Some(why) = lost::duration(cx.trace, root) {
        let message = format!("The critical path is unknown: {why}: {}.", text::span(cx.trace, root));
        return State::lacks(Cond::undecidable(Cause::Dropped), unknown(cx, at, message, &[root])).into();
    }
    let path = path.0.get_or_init(|| CriticalPath::of(cx.facts, cx.clocks(), root));
    let part = Part::of(cx, path, &picks);
    let mut outcome = Outcome::default();
    if let Some(matcher) = &check.time {
        outcome.push(part.judge(cx, check, matcher, false, at));
    }
    if let Some(matcher) = &check.share {
        outcome.push(part.judge(cx, check, matcher, true, at));
    }
    outcome
}

/// What is to be said where a selection picks nothing for certain; `None` where it picks something.
pub(super) fn unpicked(
    cx: &Judging<'_>,
    select: &Selector,
    picks: &Picks,
    optional: bool,
    (rule, at): (RuleId, &Expectation),
) -> Option<Outcome> {
    if !picks.rows.is_empty() {
        return None;
    }
    let doubted = cx.in_doubt(picks);
    if optional {
        // What may be picked is looked at.
        if !doubted.rows.is_empty() {
            return None;
        }
        let mut outcome = Outcome::from(Cond::HOLDS);
        outcome.unseen(witness::of_skipped(cx, &select.query));
        return Some(outcome);
    }
    let what = text::selector(select);
    let message = match &select.name {
        Some(_) => format!("No span matches {what}, which selects {}.", text::keys_of(select)),
        None => format!("No span matches {what}."),
    };
    let mut finding = cx.finding(rule, select.at, &format!("{}.select", at.path), message, &[]);
    finding.expected = "at least one span".to_owned();
    finding.actual = "0".to_owned();
    let Some(&first) = doubted.as_told.first() else {
        nearest::explain(cx, select, &mut finding);
        return Some(State::lacks(Cond::ABSENT, finding).into());
    };
    let doubt = nearest::doubt(cx, select, first);
    finding.message = doubt.message(cx, select, first);
    finding.hint = doubt.beside();
    finding.rows = vec![first];
    finding.span_ids = vec![cx.trace.span(first).id()];
    Some(State::lacks(Cond::lost(Cause::Dropped), finding).into())
}

/// Which path is meant is not known.
fn without_root(cx: &Judging<'_>, roots: &Root, at: &Expectation) -> State {
    let (number, rows): (usize, &[SpanIx]) = match roots {
        Root::Several(rows) => (rows.len(), rows),
        Root::One(_) | Root::Missing => (0, &[]),
    };
    let message = match rows {
        [] => "Expected one root, found none, so there is no critical path to check.".to_owned(),
        rows => {
            let names: Vec<String> = rows.iter().take(MOST_PARTS).map(|&ix| text::span(cx.trace, ix)).collect();
            format!("Expected one root, found {number}, each with a critical path of its own: {}.", names.join(", "))
        }
    };
    let mut finding = unknown(cx, at, message, rows);
    finding.expected = "one root".to_owned();
    finding.actual = count_of(number, "root");
    State::lacks(Cond::lost(Cause::Incomplete), finding)
}

fn unknown(cx: &Judging<'_>, at: &Expectation, message: String, rows: &[SpanIx]) -> Finding {
    let mut finding = cx.finding(RuleId::CriticalPathSelect, at.at, &at.path, message, rows);
    finding.expected = "a critical path".to_owned();
    finding.actual = "unknown".to_owned();
    finding
}

/// What the picked spans have of the path.
struct Part<'p> {
    path: &'p CriticalPath,
    sure: u64,
    /// It may be.
    range: Range,
    /// The spans of the path, those with most of it first; and whether they are picked.
    largest: Vec<(SpanIx, u64, bool)>,
}

impl<'p> Part<'p> {
    fn of(cx: &Judging<'_>, path: &'p CriticalPath, picks: &Picks) -> Part<'p> {
        let doubted = cx.in_doubt(picks);
        let sure = path.time_ns(|ix| picks.has(ix));
        let more = path.time_ns(|ix| !picks.has(ix) && doubted.rows.binary_search(&ix).is_ok());
        let lost = path.time_ns(|ix| doubted.as_told.binary_search(&ix).is_ok());
        let why = match (more, lost) {
            (0, _) => Cause::Clock,
            (_, 0) => Cause::Type,
            _ => Cause::Dropped,
        };
        let (min, _) = path.range_ns(|ix| picks.has(ix));
        let (_, max) = path.range_ns(|ix| picks.has(ix) || doubted.rows.binary_search(&ix).is_ok());
        let mut largest: Vec<(SpanIx, u64, bool)> =
            path.self_times().into_iter().map(|(ix, time)| (ix, time, picks.has(ix))).collect();
        largest.sort_by_key(|&(ix, time, picked)| (!picked, std::cmp::Reverse(time), ix));
        Part { path, sure, range: Range { min: min.into(), max: max.into(), why }, largest }
    }

    fn judge(
        &self,
        cx: &Judging<'_>,
        check: &PathCheck,
        matcher: &Spanned<Matcher>,
        share: bool,
        at: &Expectation,
    ) -> State {
        let whole = self.path.duration_ns;
        if share && whole == 0 {
            let message = format!(
                "The root takes no time, so nothing has a share of it: {}.",
                text::span(cx.trace, self.path.root)
            );
            return State::lacks(Cond::undecidable(Cause::Dropped), unknown(cx, at, message, &[self.path.root]));
        }
        let bounds = if share { Bounds::of_share(&matcher.value, whole) } else { Bounds::of(&matcher.value) };
        let truth = bounds.map_or(Truth::Unknown(Cause::Type), |bounds| bounds.admits(self.range));
        let cond = match truth {
            Truth::Yes => return Cond::HOLDS.into(),
            Truth::No => Cond::PARTIAL,
            Truth::Unknown(cause) => Cond::undecidable(cause),
        };
        let (key, rule) = if share { ("share", RuleId::CriticalPathShare) } else { ("time", RuleId::CriticalPathTime) };
        let of = |time: u64| if share { shown_share(&matcher.value, time, whole) } else { text::time(time.into()) };
        let found = match share {
            true => format!("{} ({} of {})", of(self.sure), text::time(self.sure.into()), text::time(whole.into())),
            false => format!("{} (of {})", of(self.sure), text::time(whole.into())),
        };
        let (wanted, what) = (text::matcher(&matcher.value), text::selector(&check.select));
        let mut message =
            format!("Expected a {key} of {wanted} of the critical path for spans matching {what}, found {found}");
        let least_most = |range: Range| {
            let end = |end: i128| of(u64::try_from(end).unwrap_or(0));
            format!("between {} and {}", end(range.min), end(range.max))
        };
        let mut hint = None;
        if let Truth::Unknown(cause) = truth {
            let between = least_most(self.range);
            message += &match cause {
                Cause::Clock => format!(", but the clocks of its services may differ, so it is {between}"),
                _ => format!(", but whether some other spans match is unknown, so it is {between}"),
            };
            hint = (cause == Cause::Clock)
                .then(|| "say how far clocks are apart at most: `clocks: { max_skew: 5ms }`".to_owned());
        }
        let rows: Vec<SpanIx> = self.largest.iter().map(|(ix, ..)| *ix).collect();
        let path = format!("{}.{key}", at.path);
        let mut finding = cx.finding(rule, matcher.span, &path, format!("{message}."), &rows);
        finding.expected = format!("{key}: {wanted}");
        finding.actual = format!("{found}; {}", self.parts(cx));
        finding.hint = hint;
        State::lacks(cond, finding)
    }

    /// `most of it in span `a` of b (20ms)`
    fn parts(&self, cx: &Judging<'_>) -> String {
        let show = |&(ix, time, _): &(SpanIx, u64, bool)| {
            format!("{} ({})", text::span(cx.trace, ix), text::time(time.into()))
        };
        let of = |picked: bool| {
            let parts = self.largest.iter().filter(|part| part.2 == picked).take(MOST_PARTS);
            parts.map(show).collect::<Vec<_>>().join(", ")
        };
        match (self.sure, of(false)) {
            (0, others) => format!("the path is mostly in {others}"),
            _ => format!("of it mostly {}", of(true)),
        }
    }
}

/// A share with as many digits as it takes to see on which side of its bound it lies, exactly where it takes all.
pub(super) fn shown_share(matcher: &Matcher, part: u64, whole: u64) -> String {
    let exact = share(part, whole);
    let holds = matcher.test(&Fact::Share(exact));
    // A tenth of a percent, a hundredth, …
    let unit = |digits: u32| SHARE_OF_ONE / 1000 / 10i128.pow(digits);
    let rounded = (0..9).map(|digits| (exact + unit(digits) / 2) / unit(digits) * unit(digits));
    let clear = rounded.into_iter().find(|&rounded| matcher.test(&Fact::Share(rounded)) == holds);
    Fact::Share(clear.unwrap_or(exact)).show()
}

fn share(part: u64, whole: u64) -> i128 {
    if whole == 0 { 0 } else { i128::from(part) * SHARE_OF_ONE / i128::from(whole) }
}

//! `span_count`, `depth`, `roots`, `duration`: numbers of the trace itself, without the traces merged into it by links.

use super::bounds::Bounds;
use super::judging::{Judging, MOST_SPANS};
use super::logic::{Cause, Cond};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{lost, text};
use crate::analyse::critical_path::CriticalPath;
use crate::analyse::{Root, root_among};
use crate::matcher::count_of;
use crate::matcher::{Fact, Matcher};
use crate::spec::plan::Expectation;
use crate::trace::{Kind, SpanIx};
use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) fn span_count(cx: &Judging<'_>, matcher: &Matcher, at: &Expectation) -> Outcome {
    let number = cx.facts.own().len();
    let message = format!("Expected {}, found {number}.", text::number_of(matcher, "span"));
    let mut state = total(
        cx,
        at,
        RuleId::SpanCount,
        "span_count",
        (matcher, number as i128),
        Fact::count(number),
        Cond::PARTIAL,
        message.clone(),
        &[],
    );
    if let Some(finding) = &mut state.finding {
        finding.actual = format!("{number}: {}", by_service(cx));
        if state.cond == Cond::FINAL
            && let Some((first, alike)) = most_alike(cx)
        {
            let name = text::span(cx.trace, first);
            finding.message =
                format!("{}; {alike} of them are {}.", message.trim_end_matches('.'), name.replacen("span ", "", 1));
        }
    }
    let mut outcome: Outcome = state.into();
    let linked = cx.trace.len() - number;
    if linked > 0 {
        outcome.remark(format!("span_count leaves out {} of linked traces", count_of(linked, "span")));
    }
    outcome
}

/// The first of the spans of one service, kind and name of which there are most, and how many; of three at least.
fn most_alike(cx: &Judging<'_>) -> Option<(SpanIx, usize)> {
    const LEAST: usize = 3;
    let mut counts: HashMap<(&str, Kind, &str), (SpanIx, usize)> = HashMap::new();
    for &ix in cx.facts.own() {
        let span = cx.trace.span(ix);
        counts.entry((span.service(), span.kind(), span.name())).or_insert((ix, 0)).1 += 1;
    }
    let most = counts.into_values().max_by_key(|&(first, alike)| (alike, std::cmp::Reverse(first)));
    most.filter(|&(_, alike)| alike >= LEAST)
}

/// `api-gateway 2, order-service 4`
fn by_service(cx: &Judging<'_>) -> String {
    const MOST: usize = 20;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    cx.facts.own().iter().for_each(|&ix| *counts.entry(cx.trace.span(ix).service()).or_default() += 1);
    let shown = counts.iter().take(MOST).map(|(service, count)| format!("{} {count}", text::service(service)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = counts.len().saturating_sub(MOST);
    if more > 0 { format!("{shown}, and {more} more services") } else { shown }
}

pub(super) fn depth(cx: &Judging<'_>, matcher: &Matcher, at: &Expectation) -> Outcome {
    let tree = cx.trace.tree();
    let mut doors = behind_silent(cx);
    doors.sort_unstable_by_key(|&ix| tree.enter(ix));
    let behind = |ix: SpanIx| {
        let above = doors.partition_point(|&door| tree.enter(door) <= tree.enter(ix));
        above.checked_sub(1).is_some_and(|at| tree.enter(ix) <= tree.last(doors[at]))
    };
    let own = cx.facts.own().iter().copied().filter(|&ix| tree.is_connected(ix) || behind(ix));
    // Of equally deep spans the first in row order is shown.
    let deepest = own.max_by_key(|&ix| (tree.depth(ix), std::cmp::Reverse(ix)));
    let depth = deepest.map_or(0, |ix| tree.depth(ix) as usize + 1);
    let wanted = text::matcher(matcher);
    let message = match deepest {
        Some(ix) => {
            format!(
                "Expected a depth of {wanted}, found {depth}: the longest path ends at {}.",
                text::span(cx.trace, ix)
            )
        }
        None => format!("Expected a depth of {wanted}, found 0: no span is connected to a root."),
    };
    let path = |ix| std::iter::once(ix).chain(tree.ancestors(ix)).take(MOST_SPANS);
    let rows: Vec<SpanIx> = deepest.into_iter().flat_map(path).collect();
    let state = total(
        cx,
        at,
        RuleId::Depth,
        "depth",
        (matcher, depth as i128),
        Fact::count(depth),
        Cond::PARTIAL,
        message,
        &rows,
    );
    while_the_root_is_one(cx, state).into()
}

pub(super) fn roots(cx: &Judging<'_>, matcher: &Matcher, at: &Expectation) -> Outcome {
    let roots = own_roots(cx);
    let names: Vec<String> = roots.iter().take(5).map(|&ix| text::span(cx.trace, ix)).collect();
    let wanted = text::number_of(matcher, "root");
    let message = match roots.len() {
        0 => format!("Expected {wanted}, found none."),
        all => format!("Expected {wanted}, found {all}: {}{}.", names.join(", "), if all > 5 { ", …" } else { "" }),
    };
    let number = roots.len();
    let state = total(
        cx,
        at,
        RuleId::Roots,
        "roots",
        (matcher, number as i128),
        Fact::count(number),
        Cond::ABSENT,
        message,
        &roots,
    );
    let lasting = lasting_roots(cx, &roots) == number;
    let cond = match state.cond {
        // A span that is still to come may join them.
        Cond::FINAL if !lasting => Cond::ABSENT,
        cond => cond.provided(lasting),
    };
    let state = State { cond, ..state };
    while_the_root_is_one(cx, state).into()
}

/// A span with a parent that is not there is taken for the root only as long as it is the only such span, and what something
/// silent called only as long as there is no other root: then neither the number of roots nor what hangs from one only grows.
fn while_the_root_is_one(cx: &Judging<'_>, state: State) -> State {
    state.provided(!cx.trace.tree().root_is_assumed() && behind_silent(cx).is_empty())
}

/// The roots of the trace itself, as they count: what the hops of a redirect called is one, and so is what something silent
/// called that stands between the runner and all that exports.
pub(super) fn own_roots(cx: &Judging<'_>) -> Vec<SpanIx> {
    let roots: Vec<SpanIx> = cx.trace.tree().separate_roots().into_iter().filter(|&ix| cx.facts.is_own(ix)).collect();
    if roots.is_empty() { behind_silent(cx).into_iter().take(1).collect() } else { roots }
}

/// Entry spans of which the parent is missing, in a trace without any other root, where the spec says that something takes
/// part without exporting: a gateway that passes on ids of its own called them.
pub(super) fn behind_silent(cx: &Judging<'_>) -> Vec<SpanIx> {
    let tree = cx.trace.tree();
    if !tree.roots().is_empty() || cx.context.silent.is_empty() {
        return Vec::new();
    }
    let entry =
        |ix: &SpanIx| matches!(cx.trace.span(*ix).kind(), Kind::Server | Kind::Consumer) && cx.facts.is_own(*ix);
    tree.orphans().iter().copied().filter(entry).collect()
}

/// How many of these roots stay roots whatever comes. All that the runner called may turn out to hang from one span, the
/// one that goes on under the request's own id and comes last.
pub(super) fn lasting_roots(cx: &Judging<'_>, roots: &[SpanIx]) -> usize {
    let called: HashSet<SpanIx> = cx.trace.tree().called().iter().map(|(_, ix)| *ix).collect();
    let by_runner = roots.iter().filter(|ix| called.contains(ix)).count();
    roots.len() - by_runner + by_runner.min(1)
}

pub(super) fn duration(cx: &Judging<'_>, of_root: bool, matcher: &Matcher, at: &Expectation) -> Outcome {
    if of_root {
        return root_duration(cx, matcher, at);
    }
    // What is not timed can only make it longer.
    let timed = || cx.facts.own().iter().copied().filter(|&ix| cx.trace.span(ix).is_timed());
    let first = timed().min_by_key(|&ix| cx.trace.span(ix).start_ns());
    let last = timed().max_by_key(|&ix| (cx.trace.span(ix).end_ns(), std::cmp::Reverse(ix)));
    let (Some(first), Some(last)) = (first, last) else {
        let finding = cx.finding(
            RuleId::DurationTrace,
            at.at,
            &at.path,
            match cx.facts.own() {
                [] => "The trace has no spans of its own, so its duration cannot be checked.".to_owned(),
                _ => "No span of the trace has a start and an end, so its duration cannot be checked.".to_owned(),
            },
            &[],
        );
        return State::lacks(Cond::ABSENT, finding).into();
    };
    let ns = cx.trace.span(last).end_ns() - cx.trace.span(first).start_ns();
    let shown = text::time(ns.into());
    let (wanted, end) = (text::matcher(matcher), text::span(cx.trace, last));
    let fact = Fact::nanoseconds(ns);
    let longest = if matcher.test(&fact) { None } else { longest_wait(cx, ns) };
    let mut rows = vec![first, last];
    let message = match longest {
        Some((ix, own)) => {
            rows.push(ix);
            let (span, own) = (text::span(cx.trace, ix), text::time(own.into()));
            format!("Expected a duration of {wanted}, found {shown}; {own} of it in {span}.")
        }
        None => format!("Expected a duration of {wanted}, found {shown}, up to the end of {end}."),
    };
    total(cx, at, RuleId::DurationTrace, "duration", (matcher, ns.into()), fact, Cond::PARTIAL, message, &rows).into()
}

/// The span that has most of the critical path, and its time there, if that is half of the whole at least.
fn longest_wait(cx: &Judging<'_>, whole: u64) -> Option<(SpanIx, u64)> {
    let Root::One(root) = root_among(cx.trace, own_roots(cx)) else { return None };
    let path = CriticalPath::of(cx.facts, cx.clocks(), root);
    let (ix, own) = path.self_times().into_iter().max_by_key(|&(ix, own)| (own, std::cmp::Reverse(ix)))?;
    (own >= whole - whole / 2).then_some((ix, own))
}

fn root_duration(cx: &Judging<'_>, matcher: &Matcher, at: &Expectation) -> Outcome {
    let roots = own_roots(cx);
    let tree = cx.trace.tree();
    let redirected = tree.requests() > 1 && !tree.called().is_empty();
    let Root::One(root) = root_among(cx.trace, roots.clone()) else {
        let (message, lack) = match roots.len() {
            0 => ("Expected one root, found none, so its duration cannot be checked.".to_owned(), Cond::ABSENT),
            1 => (
                "No span answers the last hop of the redirect, so the duration of the root cannot be checked."
                    .to_owned(),
                Cond::ABSENT,
            ),
            all => {
                let lack = if lasting_roots(cx, &roots) > 1 { Cond::FINAL } else { Cond::ABSENT };
                (format!("Expected one root, found {all}, so the duration of the root cannot be checked."), lack)
            }
        };
        let mut finding = cx.finding(RuleId::DurationRoot, at.at, &at.path, message, &roots);
        finding.expected = "one root".to_owned();
        finding.actual = count_of(roots.len(), "root");
        return State::lacks(lack, finding).into();
    };
    let span = cx.trace.span(root);
    let shown = text::span(cx.trace, root);
    let mut outcome = Outcome::default();
    if let Some(why) = lost::duration(cx.trace, root) {
        let message = format!("The duration of the root is unknown: {why}: {shown}.");
        let mut finding = cx.finding(RuleId::DurationRoot, at.at, &at.path, message, &[root]);
        finding.expected = format!("duration of root: {}", text::matcher(matcher));
        finding.actual = "unknown".to_owned();
        return State::lacks(Cond::undecidable(Cause::Dropped), finding).into();
    }
    if redirected {
        outcome.remark(format!("the request was redirected: the root is what answered its last hop, {shown}"));
    }
    let ns = span.duration_ns();
    if matcher.test(&Fact::nanoseconds(ns)) {
        outcome.push(Cond::HOLDS);
        return outcome;
    }
    let time = text::time(ns.into());
    let longest = longest_wait(cx, ns).filter(|&(ix, _)| ix != root);
    let within = longest.map_or(String::new(), |(ix, own)| {
        format!("; {} of it in {}", text::time(own.into()), text::span(cx.trace, ix))
    });
    let message =
        format!("Expected a duration of {} for the root, {shown}, found {time}{within}.", text::matcher(matcher));
    let rows: Vec<SpanIx> = std::iter::once(root).chain(longest.map(|(ix, _)| ix)).collect();
    let mut finding = cx.finding(RuleId::DurationRoot, at.at, &at.path, message, &rows);
    finding.expected = format!("duration of root: {}", text::matcher(matcher));
    finding.actual = time;
    // A span with a parent is only taken for the root as long as it is the only one without one in the trace.
    outcome.push(State::lacks(Cond::FINAL.provided(span.parent_id().is_none()), finding));
    outcome
}

/// A number that more spans can only make greater.
#[expect(clippy::too_many_arguments, reason = "the parts of one finding")]
fn total(
    cx: &Judging<'_>,
    at: &Expectation,
    rule: RuleId,
    key: &str,
    (matcher, number): (&Matcher, i128),
    fact: Fact<'_>,
    short: Cond,
    message: String,
    rows: &[SpanIx],
) -> State {
    let cond = match Bounds::of(matcher) {
        Some(bounds) => bounds.growing(number),
        None if matcher.test(&fact) => Cond::HOLDS,
        None => Cond::ABSENT,
    };
    if cond.holds() {
        return cond.into();
    }
    let mut finding = cx.finding(rule, at.at, &at.path, message, rows);
    finding.expected = format!("{key}: {}", text::matcher(matcher));
    finding.actual = fact.show();
    State::lacks(if cond == Cond::ABSENT { short } else { cond }, finding)
}

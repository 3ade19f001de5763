//! `order`: what comes before what, decided by the tree, by the clock of the common ancestor, or by times outside the
//! uncertainty of the clocks; within it nothing is decided. See
//! `facts::clocks` for how far clocks are known to be apart.

mod adjacent;
mod compare;
mod pairing;
mod relation;
mod tell;

pub(super) use adjacent::Families;
pub(super) use pairing::by_start;

use super::distinct::{self, Shares};
use super::finding::Finding;
use super::judging::Judging;
use super::logic::{Cause, Cond};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{nearest, spans, text};
use crate::facts::{Clocks, is_one_process};
use crate::spec::plan::{Expectation, Order, OrderRelation, Pairing, Per, Relation, Selector};
use crate::trace::SpanIx;
use compare::Comparison;
use std::rc::Rc;

/// What one check of an order says of two selections.
struct Rule<'a> {
    first: &'a Selector,
    then: &'a Selector,
    comparisons: &'a [Comparison],
    verb: &'static str,
    id: RuleId,
    /// As the spec writes it: `charge -> reserve`.
    written: String,
    pairing: Pairing,
    per: &'a Per,
    /// Where the two must be adjacent: the families in which they are.
    adjacent: Option<&'a Families>,
    /// What the entries with `distinct` got.
    shares: &'a Shares,
}

pub(super) fn judge(
    cx: &Judging<'_>,
    shares: &Shares,
    families: &Families,
    order: &Order,
    at: &Expectation,
) -> Outcome {
    let mut outcome = Outcome::default();
    let plain = |id, first, then, comparisons, verb, written| Rule {
        first,
        then,
        comparisons,
        verb,
        id,
        written,
        pairing: Pairing::All,
        per: &Per::Trace,
        adjacent: None,
        shares,
    };
    match order {
        Order::Relation(relation) => check(cx, &long_form(relation, shares, families), at, &mut outcome),
        Order::Sequence(list) => {
            for pair in list.windows(2) {
                let written = format!("{} -> {}", name(&pair[0]), name(&pair[1]));
                let verb = relation::verb(Relation::Before);
                check(
                    cx,
                    &plain(RuleId::OrderSequence, &pair[0], &pair[1], &relation::BEFORE, verb, written),
                    at,
                    &mut outcome,
                );
            }
        }
        Order::Parallel(list) => {
            for (position, first) in list.iter().enumerate() {
                for then in &list[position + 1..] {
                    let written = format!("parallel: [{}, {}]", name(first), name(then));
                    let verb = relation::verb(Relation::Overlaps);
                    check(
                        cx,
                        &plain(RuleId::OrderParallel, first, then, &relation::OVERLAPS, verb, written),
                        at,
                        &mut outcome,
                    );
                }
            }
        }
        Order::Never(first, then) => {
            let written = format!("never: {} -> {}", name(first), name(then));
            check(
                cx,
                &plain(RuleId::OrderNever, first, then, &relation::NEVER, relation::NEVER_VERB, written),
                at,
                &mut outcome,
            );
        }
    }
    outcome
}

fn name(select: &Selector) -> String {
    select.name.clone().unwrap_or_else(|| text::keys_of(select))
}

fn long_form<'a>(relation: &'a OrderRelation, shares: &'a Shares, families: &'a Families) -> Rule<'a> {
    let (first, then) = (name(&relation.first), name(&relation.then));
    let word = match relation.relation {
        Relation::Before => "",
        Relation::StartsBefore => ", starts_before",
        Relation::EndsBefore => ", ends_before",
        Relation::Overlaps => ", overlaps",
        Relation::Within => ", within",
        Relation::Adjacent => ", adjacent",
    };
    let pairing = match relation.pairing {
        Pairing::All => "",
        Pairing::Each => ", each",
        Pairing::First => ", first",
        Pairing::Last => ", last",
    };
    let per = match &relation.per {
        Per::Trace => String::new(),
        Per::Siblings => ", per siblings".to_owned(),
        Per::Under(under) => format!(", under {}", name(under)),
    };
    Rule {
        first: &relation.first,
        then: &relation.then,
        comparisons: relation::comparisons(relation.relation),
        verb: relation::verb(relation.relation),
        id: RuleId::of_relation(relation.relation),
        written: format!("{first} -> {then}{word}{pairing}{per}"),
        pairing: relation.pairing,
        per: &relation.per,
        adjacent: (relation.relation == Relation::Adjacent).then_some(families),
        shares,
    }
}

/// The spans that a side stands for: with `distinct`, those that its entry was given.
fn side(cx: &Judging<'_>, shares: &Shares, select: &Selector) -> Rc<[SpanIx]> {
    match select.name.as_deref().and_then(|name| distinct::entry(cx.expect, name)) {
        Some(index) => shares.held(cx, index).into(),
        None => cx.picks(&select.query).rows.as_slice().into(),
    }
}

/// Whether a violation stays one: one clock's times stay what they are; what else decides may yet be mended by a parent
/// that is still to come, or by a span that takes another out of a selection.
fn lasting(cx: &Judging<'_>, clocks: &Clocks, rule: &Rule<'_>, violation: &pairing::Violation) -> Cond {
    let (a, b) = violation.pair;
    let shared_out =
        |side: &Selector| side.name.as_deref().is_some_and(|name| distinct::entry(cx.expect, name).is_some());
    let up = |side: &Selector| cx.picks(&side.query).is_up() && !shared_out(side);
    let under = match rule.per {
        Per::Under(select) => cx.picks(&select.query).is_up(),
        Per::Trace | Per::Siblings => true,
    };
    let same = clocks.same(a, b) && is_one_process(cx.facts, a, b);
    let lasts =
        same && up(rule.first) && up(rule.then) && under && rule.pairing == Pairing::All && !violation.not_siblings;
    Cond::FINAL.provided(lasts)
}

fn check(cx: &Judging<'_>, rule: &Rule<'_>, at: &Expectation, outcome: &mut Outcome) {
    let (first, then) = (side(cx, rule.shares, rule.first), side(cx, rule.shares, rule.then));
    let mut missing = false;
    for (select, rows) in [(rule.first, &first), (rule.then, &then)] {
        if rows.is_empty() {
            missing = true;
            outcome.push(State::lacks(Cond::ABSENT, tell::unmet(cx, rule, select, None, at)));
            spans::unwitnessed(cx, select, outcome);
        }
    }
    if missing {
        return;
    }
    let under = under(cx, rule);
    let untimed = |rows: &[SpanIx]| rows.iter().copied().find(|&ix| !cx.trace.span(ix).is_timed());
    if let Some(ix) = untimed(&first).or_else(|| untimed(&then)) {
        let timed = |rows: &[SpanIx]| -> Vec<SpanIx> {
            rows.iter().copied().filter(|&ix| cx.trace.span(ix).is_timed()).collect()
        };
        let (first, then) = (timed(&first), timed(&then));
        // What those violate whose times are known is violated.
        if !first.is_empty() && !then.is_empty() && rule.pairing == Pairing::All && matches!(rule.per, Per::Trace) {
            let (states, _) = weigh(cx, rule, &under, &first, &then, at);
            let violated = |state: &State| matches!(state.cond, Cond::VIOLATED | Cond::FINAL);
            if let Some(state) = states.into_iter().find(violated) {
                return outcome.push(state);
            }
        }
        return outcome.push(State::lacks(Cond::undecidable(Cause::Dropped), tell::untimed(cx, rule, ix, at)));
    }
    let (states, remark) = weigh(cx, rule, &under, &first, &then, at);
    if hold(&states)
        && let Some(finding) = doubted(cx, rule, &under, &first, &then, at)
    {
        return outcome.push(State::lacks(Cond::undecidable(Cause::Dropped), finding));
    }
    states.into_iter().for_each(|state| outcome.push(state));
    remark.into_iter().for_each(|remark| outcome.remark(remark));
}

/// The spans below which the order must hold, where the spec names any.
fn under(cx: &Judging<'_>, rule: &Rule<'_>) -> Vec<SpanIx> {
    match rule.per {
        Per::Under(select) => cx.picks(&select.query).rows.clone(),
        Per::Trace | Per::Siblings => Vec::new(),
    }
}

/// Whether spans that may or may not match would break what holds of those that do: on either side, or as those below
/// which it must hold.
fn doubted(
    cx: &Judging<'_>,
    rule: &Rule<'_>,
    under: &[SpanIx],
    first: &[SpanIx],
    then: &[SpanIx],
    at: &Expectation,
) -> Option<Finding> {
    let may = |select: &Selector| match select.name.as_deref().and_then(|name| distinct::entry(cx.expect, name)) {
        Some(index) => rule.shares.doubted(cx, index).to_vec(),
        None => cx.in_doubt(&cx.picks(&select.query)).rows.clone(),
    };
    let (may_first, may_then) = (may(rule.first), may(rule.then));
    let (per, may_under) = match rule.per {
        Per::Under(select) => (Some(select), may(select)),
        Per::Trace | Per::Siblings => (None, Vec::new()),
    };
    let all = |sure: &[SpanIx], may: &[SpanIx]| {
        let mut all: Vec<SpanIx> = sure.iter().chain(may).copied().collect();
        all.sort_unstable();
        all
    };
    let (select, &ix) = match (may_first.first(), may_then.first(), per.zip(may_under.first())) {
        (Some(ix), ..) => (rule.first, ix),
        (None, Some(ix), _) => (rule.then, ix),
        (None, None, Some(both)) => both,
        (None, None, None) => return None,
    };
    let with_them = weigh(cx, rule, &all(under, &may_under), &all(first, &may_first), &all(then, &may_then), at).0;
    (!hold(&with_them)).then(|| tell::doubted(cx, rule, select, ix, at))
}

fn hold(states: &[State]) -> bool {
    states.iter().all(|state| state.cond.holds())
}

/// What is so of the spans of two sides, none of them empty, with a remark on what decided it. Of the places below which
/// the order must hold, each condition names the first.
fn weigh(
    cx: &Judging<'_>,
    rule: &Rule<'_>,
    under: &[SpanIx],
    first: &[SpanIx],
    then: &[SpanIx],
    at: &Expectation,
) -> (Vec<State>, Option<String>) {
    let clocks = cx.clocks();
    let lacks = |cond, finding| (vec![State::lacks(cond, finding)], None);
    let scopes = match pairing::scopes(cx, rule.per, under, first, then) {
        Ok(scopes) => scopes,
        Err(words) => {
            let mut finding = cx.finding(rule.id, at.at, &at.path, words, &[]);
            finding.expected = rule.written.clone();
            let may = match rule.per {
                Per::Under(select) => cx.in_doubt(&cx.picks(&select.query)).as_told.first().map(|&ix| (select, ix)),
                Per::Trace | Per::Siblings => None,
            };
            let Some((select, ix)) = may else { return lacks(Cond::ABSENT, finding) };
            finding.message = nearest::doubt(cx, select, ix).message(cx, select, ix);
            finding.rows.push(ix);
            return lacks(Cond::lost(Cause::Dropped), finding);
        }
    };
    let mut witness = None;
    let mut states: Vec<State> = Vec::new();
    for scope in &scopes {
        let lacking =
            [(&scope.first, rule.first), (&scope.then, rule.then)].into_iter().find(|(rows, _)| rows.is_empty());
        let mut lacks = |cond: Cond, finding: &dyn Fn() -> Finding| {
            if !states.iter().any(|state| state.cond == cond) {
                states.push(State::lacks(cond, finding()));
            }
        };
        if let Some((_, select)) = lacking {
            lacks(Cond::ABSENT, &|| tell::unmet(cx, rule, select, Some(scope), at));
            continue;
        }
        match pairing::judge(cx, clocks, rule.comparisons, rule.pairing, rule.adjacent, scope) {
            pairing::Verdict::Holds(a, b) => witness = witness.or(Some((a, b))),
            pairing::Verdict::Violated(violation) => {
                let cond = lasting(cx, clocks, rule, &violation);
                lacks(cond, &|| tell::violated(cx, clocks, rule, &violation, at));
            }
            pairing::Verdict::Unequal => lacks(Cond::ABSENT, &|| tell::unequal(cx, scope, rule, at)),
            pairing::Verdict::Itself(both) => lacks(Cond::VIOLATED, &|| tell::itself(cx, rule, both, at)),
            pairing::Verdict::Open(open) => {
                lacks(Cond::undecidable(Cause::Clock), &|| tell::uncertain(cx, clocks, rule, open, at));
            }
        }
    }
    if !states.is_empty() {
        return (states, None);
    }
    let instances = cx.facts.instances();
    let across = witness.filter(|(a, b)| !instances.same_instance(cx.trace.span(*a), cx.trace.span(*b)));
    let remark = across.map(|pair| {
        let by = compare::decided_by(cx, clocks, pair);
        format!("{}: decided by {by}", rule.written)
    });
    (vec![Cond::HOLDS.into()], remark)
}

#[cfg(test)]
mod tests;

//! `order`: what comes before what, decided by the tree, by the clock of the common ancestor, or by times outside the
//! uncertainty of the clocks; within it nothing is decided. See [`clock`] for how far clocks are known to be apart.

mod adjacent;
mod clock;
mod compare;
mod pairing;
mod relation;
mod tell;

pub(super) use adjacent::Families;
pub(super) use clock::{Clocks, has_answer};
pub(super) use pairing::by_start;

use super::cx::Cx;
use super::state::{Lack, Outcome, State};
use super::{spans, text};
use crate::spec::plan::{Expectation, Order, OrderRelation, Pairing, Per, Relation, Selector};
use crate::trace::SpanIx;
use compare::Comparison;
use relation::Verb;
use std::rc::Rc;

/// What one check of an order says of two selections.
struct Rule<'a> {
    first: &'a Selector,
    then: &'a Selector,
    comparisons: &'a [Comparison],
    verb: Verb,
    /// As the spec writes it: `charge -> reserve`.
    written: String,
    pairing: Pairing,
    per: &'a Per,
    adjacent: bool,
}

pub(super) fn judge(cx: &Cx<'_>, order: &Order, at: &Expectation) -> Outcome {
    let mut outcome = Outcome::default();
    let plain = |first, then, comparisons, verb, written| Rule {
        first,
        then,
        comparisons,
        verb,
        written,
        pairing: Pairing::All,
        per: &Per::Trace,
        adjacent: false,
    };
    match order {
        Order::Relation(relation) => check(cx, &long_form(relation), at, &mut outcome),
        Order::Sequence(list) => {
            for pair in list.windows(2) {
                let written = format!("{} -> {}", name(&pair[0]), name(&pair[1]));
                let verb = relation::verb(Relation::Before);
                check(cx, &plain(&pair[0], &pair[1], &relation::BEFORE, verb, written), at, &mut outcome);
            }
        }
        Order::Parallel(list) => {
            for (position, first) in list.iter().enumerate() {
                for then in &list[position + 1..] {
                    let written = format!("parallel: [{}, {}]", name(first), name(then));
                    let verb = relation::verb(Relation::Overlaps);
                    check(cx, &plain(first, then, &relation::OVERLAPS, verb, written), at, &mut outcome);
                }
            }
        }
        Order::Never(first, then) => {
            let written = format!("never: {} -> {}", name(first), name(then));
            check(cx, &plain(first, then, &relation::NEVER, relation::NEVER_VERB, written), at, &mut outcome);
        }
    }
    outcome
}

fn name(select: &Selector) -> String {
    select.name.clone().unwrap_or_else(|| text::keys_of(select))
}

fn long_form(relation: &OrderRelation) -> Rule<'_> {
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
        written: format!("{first} -> {then}{word}{pairing}{per}"),
        pairing: relation.pairing,
        per: &relation.per,
        adjacent: relation.relation == Relation::Adjacent,
    }
}

/// The spans that a side stands for: with `distinct`, those that its entry was given.
fn side(cx: &Cx<'_>, select: &Selector) -> Rc<[SpanIx]> {
    match select.name.as_deref().and_then(|name| cx.distinct_entry(name)) {
        Some(index) => super::distinct::held(cx, index).into(),
        None => cx.picks(&select.query).rows.as_slice().into(),
    }
}

/// Whether a violation stays one: one clock's times stay what they are; what else decides may yet be mended by a parent
/// that is still to come, or by a span that takes another out of a selection.
fn lasting(cx: &Cx<'_>, clocks: &Clocks, rule: &Rule<'_>, violation: &pairing::Violation) -> Lack {
    let (a, b) = violation.pair;
    let shared_out = |side: &Selector| side.name.as_deref().is_some_and(|name| cx.distinct_entry(name).is_some());
    let up = |side: &Selector| cx.is_up(&side.query) && !shared_out(side);
    let under = match rule.per {
        Per::Under(select) => cx.is_up(&select.query),
        Per::Trace | Per::Siblings => true,
    };
    let same = clocks.same(a, b) && clock::is_one_process(cx, a, b);
    let lasts =
        same && up(rule.first) && up(rule.then) && under && rule.pairing == Pairing::All && !violation.not_siblings;
    if lasts { Lack::Final } else { Lack::Violated }
}

fn check(cx: &Cx<'_>, rule: &Rule<'_>, at: &Expectation, outcome: &mut Outcome) {
    let (first, then) = (side(cx, rule.first), side(cx, rule.then));
    let mut missing = false;
    for (select, rows) in [(rule.first, &first), (rule.then, &then)] {
        if rows.is_empty() {
            missing = true;
            outcome.push(State::lacks(Lack::Absent, tell::unmet(cx, rule, select, None, at)));
            spans::unwitnessed(cx, select, outcome);
        }
    }
    if missing {
        return;
    }
    let clocks = cx.clocks.get_or_init(|| Clocks::of(cx));
    let scopes = match pairing::scopes(cx, rule.per, &first, &then) {
        Ok(scopes) => scopes,
        Err(words) => {
            let mut finding = cx.finding(at.at, &at.path, words, &[]);
            finding.expected = rule.written.clone();
            return outcome.push(State::lacks(Lack::Absent, finding));
        }
    };
    let mut open = None;
    let mut witness = None;
    for scope in &scopes {
        if scope.first.is_empty() || scope.then.is_empty() {
            let select = if scope.first.is_empty() { rule.first } else { rule.then };
            return outcome.push(State::lacks(Lack::Absent, tell::unmet(cx, rule, select, Some(scope), at)));
        }
        match pairing::judge(cx, clocks, rule.comparisons, rule.pairing, rule.adjacent, scope) {
            pairing::Verdict::Holds(a, b) => witness = witness.or(Some((a, b))),
            pairing::Verdict::Violated(violation) => {
                let lack = lasting(cx, clocks, rule, &violation);
                return outcome.push(State::lacks(lack, tell::violated(cx, clocks, rule, &violation, at)));
            }
            pairing::Verdict::Unequal => {
                return outcome.push(State::lacks(Lack::Absent, tell::unequal(cx, scope, rule, at)));
            }
            pairing::Verdict::Itself(both) => {
                return outcome.push(State::lacks(Lack::Violated, tell::itself(cx, rule, both, at)));
            }
            pairing::Verdict::Open(pair) => open = open.or(Some(pair)),
        }
    }
    if let Some(open) = open {
        return outcome.push(State::lacks(Lack::Undecidable, tell::uncertain(cx, clocks, rule, open, at)));
    }
    if let Some((a, b)) = witness
        && !clocks.same(a, b)
    {
        let by = compare::decided_by(cx, clocks, rule.comparisons[0], (a, b), true);
        outcome.remark(format!("{}: decided by {by}", rule.written));
    }
    outcome.push(State::Holds);
}

#[cfg(test)]
mod tests;

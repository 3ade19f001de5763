//! `order`: what comes before what, decided by the tree, by the clock of the common ancestor, or by times outside the
//! uncertainty of the clocks; within it nothing is decided. See [`clock`] for how far clocks are known to be apart.

mod adjacent;
mod clock;
mod compare;
mod pairing;
mod relation;

pub(super) use clock::{Clocks, UNBOUNDED, awaits};
pub(super) use pairing::by_start;

use super::cx::Cx;
use super::state::{Lack, Outcome, State};
use super::{spans, text};
use crate::spec::plan::{Expectation, Order, OrderRelation, Pairing, Per, Relation, Selector};
use crate::trace::SpanIx;
use compare::{Comparison, Moment};
use pairing::Scope;
use std::rc::Rc;

/// What one check of an order says of two selections.
struct Rule<'a> {
    first: &'a Selector,
    then: &'a Selector,
    comparisons: &'a [Comparison],
    /// `charge` ends before the start of `reserve`
    verb: &'static str,
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
            check(cx, &plain(first, then, &relation::NEVER, "ends after the start of", written), at, &mut outcome);
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

fn check(cx: &Cx<'_>, rule: &Rule<'_>, at: &Expectation, outcome: &mut Outcome) {
    let (first, then) = (side(cx, rule.first), side(cx, rule.then));
    let mut missing = false;
    for (select, rows) in [(rule.first, &first), (rule.then, &then)] {
        if rows.is_empty() {
            missing = true;
            outcome.push(State::lacks(Lack::Absent, unmet(cx, rule, select, None, at)));
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
            return outcome.push(State::lacks(Lack::Absent, unmet(cx, rule, select, Some(scope), at)));
        }
        match pairing::judge(cx, clocks, rule.comparisons, rule.pairing, rule.adjacent, scope) {
            pairing::Verdict::Holds(a, b) => witness = witness.or(Some((a, b))),
            pairing::Verdict::Violated(violation) => {
                return outcome.push(violated(cx, clocks, rule, violation, at));
            }
            pairing::Verdict::Unequal => {
                return outcome.push(State::lacks(Lack::Absent, unequal(cx, scope, rule, at)));
            }
            pairing::Verdict::Open(a, b, comparison) => open = open.or(Some((a, b, comparison))),
        }
    }
    if let Some((a, b, comparison)) = open {
        return outcome.push(State::lacks(Lack::Undecidable, uncertain(cx, clocks, rule, (a, b), comparison, at)));
    }
    if let Some((a, b)) = witness
        && !cx.instances().same_instance(cx.trace.span(a), cx.trace.span(b))
    {
        outcome.remark(format!("{}: decided by {}", rule.written, compare::decided_by(cx, clocks, a, b)));
    }
    outcome.push(State::Holds);
}

/// A side that no span stands for: an order of nothing is not kept.
fn unmet(cx: &Cx<'_>, rule: &Rule<'_>, select: &Selector, scope: Option<&Scope>, at: &Expectation) -> super::Finding {
    let within = scope.and_then(|scope| scope.under).map(|under| format!(" below {}", text::span(cx.trace, under)));
    let message =
        format!("No span is {}{}, so its order can not be kept.", text::selector(select), within.unwrap_or_default());
    let rows: Vec<SpanIx> = scope.map_or(Vec::new(), |scope| {
        scope.under.into_iter().chain(scope.first.iter().chain(&scope.then).copied()).collect()
    });
    let mut finding = cx.finding(at.at, &at.path, message, &rows);
    finding.expected = rule.written.clone();
    finding.actual = format!("no {}", name(select));
    if scope.is_none() {
        super::nearest::explain(cx, select, &mut finding);
    }
    finding
}

fn unequal(cx: &Cx<'_>, scope: &Scope, rule: &Rule<'_>, at: &Expectation) -> super::Finding {
    let (first, then) = (scope.first.len(), scope.then.len());
    let message = format!(
        "`pairing: each` needs as many {} as {}, but there are {first} and {then}.",
        name(rule.first),
        name(rule.then)
    );
    let rows: Vec<SpanIx> = scope.first.iter().chain(&scope.then).copied().collect();
    let mut finding = cx.finding(at.at, &at.path, message, &rows);
    finding.expected = rule.written.clone();
    finding.actual = format!("{first} and {then}");
    finding
}

fn violated(cx: &Cx<'_>, clocks: &Clocks, rule: &Rule<'_>, violation: pairing::Violation, at: &Expectation) -> State {
    let (a, b) = violation.pair;
    let (one, other) = (text::span(cx.trace, a), text::span(cx.trace, b));
    let same = cx.instances().same_instance(cx.trace.span(a), cx.trace.span(b));
    let mut rows = vec![a, b];
    let (message, actual) = match violation.between {
        Some(between) => {
            rows.push(between);
            let between = text::span(cx.trace, between);
            (format!("Between {one} and {other} starts {between}."), format!("{between} starts between them"))
        }
        None if violation.not_siblings => (
            format!("S{} and {other} have not the same parent, so they are not adjacent.", &one[1..]),
            "different parents".to_owned(),
        ),
        None => {
            let message = format!("It does not hold that {one} {} {other}.", rule.verb);
            (message, lie(cx, violation.comparison, a, b, same))
        }
    };
    let mut finding = cx.finding(at.at, &at.path, message, &rows);
    finding.expected = rule.written.clone();
    finding.actual = actual;
    if !same {
        finding.actual += &format!("; decided by {}", compare::decided_by(cx, clocks, a, b));
    }
    // One clock's times stay what they are; what else decides may yet be mended by a parent that is still to come.
    let up = cx.is_up(&rule.first.query) && cx.is_up(&rule.then.query);
    let lasting = same && up && rule.pairing == Pairing::All && !violation.not_siblings;
    State::lacks(if lasting { Lack::Final } else { Lack::Violated }, finding)
}

/// How two moments lie: `charge-card ends 12ms after the start of reserve`.
fn lie(cx: &Cx<'_>, comparison: Comparison, a: SpanIx, b: SpanIx, same: bool) -> String {
    let (left, right) = if comparison.swapped { (b, a) } else { (a, b) };
    let word = |moment: Moment| if moment == Moment::Start { "start" } else { "end" };
    let late = compare::time(cx, left, comparison.left) - compare::time(cx, right, comparison.right);
    let (one, other) = (text::span(cx.trace, left), text::span(cx.trace, right));
    let far = match late {
        0 => "at the very".to_owned(),
        1.. => format!("{} after the", text::time(late)),
        _ => format!("{} before the", text::time(-late)),
    };
    let clocks = if same { "" } else { " (by their own clocks)" };
    format!("the {} of {one} is {far} {} of {other}{clocks}", word(comparison.left), word(comparison.right))
}

fn uncertain(
    cx: &Cx<'_>,
    clocks: &Clocks,
    rule: &Rule<'_>,
    (a, b): (SpanIx, SpanIx),
    comparison: Comparison,
    at: &Expectation,
) -> super::Finding {
    let instances = cx.instances();
    let (one, other) = (instances.instance(cx.trace.span(a)), instances.instance(cx.trace.span(b)));
    let message = format!(
        "Whether {} {} {} lies within the uncertainty of their clocks.",
        text::span(cx.trace, a),
        rule.verb,
        text::span(cx.trace, b)
    );
    let mut finding = cx.finding(at.at, &at.path, message, &[a, b]);
    finding.expected = rule.written.clone();
    let (ahead, behind) = (clocks.most_ahead(one.0, other.0), clocks.most_ahead(other.0, one.0));
    finding.actual = format!(
        "{}, and the clock of {} is {} that of {}",
        lie(cx, comparison, a, b, one == other),
        text::safe(instances.label(other)),
        compare::interval(ahead, behind),
        text::safe(instances.label(one))
    );
    finding.hint = Some(if instances.same_clock(cx.trace.span(a), cx.trace.span(b)) {
        "both tell one machine, but a SERVER span on it ends after the CLIENT span that it answers: either it goes on after \
         its answer, or their clocks differ after all; the CLIENT spans that called both sides can be compared"
            .to_owned()
    } else if ahead == UNBOUNDED && behind == UNBOUNDED {
        "no call of this trace bounds how far the two clocks are apart; with host.name (or host.id) on their resources, \
         instances on one machine are known to share a clock"
            .to_owned()
    } else {
        "compare spans of one service, for example the CLIENT spans that call them".to_owned()
    });
    finding
}

#[cfg(test)]
mod tests;

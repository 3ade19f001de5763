//! What a finding says of an order that does not hold, or cannot be decided.

use super::super::finding::Finding;
use super::super::judging::Judging;
use super::super::{lack, lost, text};
use super::compare::{self, Comparison, Moment};
use super::pairing::{Open, Scope, Violation};
use super::{Rule, name};
use crate::facts::{Clocks, TwoReadings, UNBOUNDED};
use crate::spec::plan::{Expectation, Pairing, Selector};
use crate::trace::SpanIx;

/// `` `charge` (span `authorize` of payment-service) ``, or only the span where the spec gives it no name.
fn who(cx: &Judging<'_>, select: &Selector, ix: SpanIx) -> String {
    let span = text::span(cx.trace, ix);
    match &select.name {
        Some(name) => format!("{} ({span})", text::quoted(name)),
        None => span,
    }
}

fn sentence(words: &str) -> String {
    match words.strip_prefix("span ") {
        Some(rest) => format!("Span {rest}"),
        None => words.to_owned(),
    }
}

/// A side that no span stands for: an order of nothing is not kept.
pub(super) fn unmet(
    cx: &Judging<'_>,
    rule: &Rule<'_>,
    select: &Selector,
    scope: Option<&Scope>,
    at: &Expectation,
) -> Finding {
    let within = scope.and_then(|scope| scope.under).map(|under| format!(" below {}", text::span(cx.trace, under)));
    let message = format!(
        "No span matches {}{}, so its order cannot be checked.",
        text::selector(select),
        within.unwrap_or_default()
    );
    let rows: Vec<SpanIx> = scope.map_or(Vec::new(), |scope| {
        scope.under.into_iter().chain(scope.first.iter().chain(&scope.then).copied()).collect()
    });
    let mut finding = cx.finding(rule.id, at.at, &at.path, message, &rows);
    finding.expected = rule.written.clone();
    finding.actual = format!("no {}", name(select));
    if scope.is_none() {
        finding.lacks = lack::of_selection(cx, select);
        super::super::nearest::explain(cx, select, &mut finding);
    }
    finding
}

/// A span whose times are not known.
pub(super) fn untimed(cx: &Judging<'_>, rule: &Rule<'_>, ix: SpanIx, at: &Expectation) -> Finding {
    let why = lost::duration(cx.trace, ix).unwrap_or("its times are missing");
    let message =
        format!("The times of {} are unknown, so its order cannot be checked: {why}.", text::span(cx.trace, ix));
    let mut finding = cx.finding(rule.id, at.at, &at.path, message, &[ix]);
    finding.expected = rule.written.clone();
    finding.actual = why.to_owned();
    finding
}

/// A span that may or may not match, and would break the order if it does.
pub(super) fn doubted(cx: &Judging<'_>, rule: &Rule<'_>, select: &Selector, ix: SpanIx, at: &Expectation) -> Finding {
    let doubt = super::super::nearest::doubt(cx, select, ix);
    let message = format!("{} If it does, the order does not hold.", doubt.message(cx, select, ix));
    let mut finding = cx.finding(rule.id, at.at, &at.path, message, &[ix]);
    finding.expected = rule.written.clone();
    finding.actual = "holds for all spans that match for certain".to_owned();
    finding.hint = doubt.beside();
    finding
}

pub(super) fn unequal(cx: &Judging<'_>, scope: &Scope, rule: &Rule<'_>, at: &Expectation) -> Finding {
    let (first, then) = (scope.first.len(), scope.then.len());
    let message = format!(
        "`pairing: each` expects as many spans of {} as of {}, found {first} and {then}.",
        name(rule.first),
        name(rule.then)
    );
    let rows: Vec<SpanIx> = scope.first.iter().chain(&scope.then).copied().collect();
    let mut finding = cx.finding(rule.id, at.at, &at.path, message, &rows);
    finding.expected = rule.written.clone();
    finding.actual = format!("{first} and {then}");
    finding
}

/// A span on both sides.
pub(super) fn itself(cx: &Judging<'_>, rule: &Rule<'_>, both: SpanIx, at: &Expectation) -> Finding {
    let message = format!(
        "Span {} is on both sides: {} and {} both match it, and a span has no order with itself.",
        text::span(cx.trace, both).trim_start_matches("span "),
        text::selector(rule.first),
        text::selector(rule.then)
    );
    let mut finding = cx.finding(rule.id, at.at, &at.path, message, &[both]);
    finding.expected = rule.written.clone();
    finding.actual = "one span on both sides".to_owned();
    finding.hint = Some("select the two sides so that no span is in both".to_owned());
    finding
}

pub(super) fn violated(
    cx: &Judging<'_>,
    clocks: &Clocks,
    rule: &Rule<'_>,
    violation: &Violation,
    at: &Expectation,
) -> Finding {
    let (a, b) = violation.pair;
    let (one, other) = (who(cx, rule.first, a), who(cx, rule.then, b));
    let mut rows = vec![a, b];
    let (message, actual) = match violation.between {
        Some(between) => {
            rows.push(between);
            let between = text::span(cx.trace, between);
            (format!("Between {one} and {other} starts {between}."), format!("{between} starts between them"))
        }
        None if violation.not_siblings => (
            format!("{} and {other} do not have the same parent, so they are not adjacent.", sentence(&one)),
            "different parents".to_owned(),
        ),
        None => compared(cx, clocks, rule, violation),
    };
    let mut finding = cx.finding(rule.id, at.at, &at.path, message, &rows);
    finding.pair = Some(violation.pair);
    finding.expected = rule.written.clone();
    finding.actual = actual;
    finding
}

/// What is wrong with how two spans lie, and how they do.
fn compared(cx: &Judging<'_>, clocks: &Clocks, rule: &Rule<'_>, violation: &Violation) -> (String, String) {
    let ((a, b), comparison) = (violation.pair, violation.comparison);
    let named = |ix: SpanIx| who(cx, if ix == a { rule.first } else { rule.then }, ix);
    let message = format!("Expected {}, but {}.", rule.written, lie(cx, clocks, comparison, (a, b), named));
    // The message says which spans these are.
    let lies = lie(cx, clocks, comparison, (a, b), |ix| {
        let select = if ix == a { rule.first } else { rule.then };
        select.name.as_ref().map_or_else(|| text::span(cx.trace, ix), |name| text::quoted(name))
    });
    if clocks.same(a, b) {
        return (message, lies);
    }
    let decided_by = compare::decided_by(cx, clocks, (a, b));
    let actual = format!("{lies}; decided by {decided_by}");
    if late(cx, comparison, (a, b)) >= 0 {
        return (message, actual);
    }
    // By their own clocks it would hold: that number would only confuse here.
    let (left, right) = comparison.sides((a, b));
    let (left, right) = (named(left), named(right));
    let message = format!(
        "Expected {}, but {left} {} after the {} of {right}, though not by their own clocks.",
        rule.written,
        does(comparison.left),
        word(comparison.right)
    );
    (message, actual)
}

fn does(moment: Moment) -> &'static str {
    if moment == Moment::Start { "starts" } else { "ends" }
}

fn word(moment: Moment) -> &'static str {
    if moment == Moment::Start { "start" } else { "end" }
}

/// By how much the first moment is after the second, by the spans' own clocks.
fn late(cx: &Judging<'_>, comparison: Comparison, pair: (SpanIx, SpanIx)) -> i128 {
    let (left, right) = comparison.sides(pair);
    compare::time(cx, left, comparison.left) - compare::time(cx, right, comparison.right)
}

/// How two moments lie: `charge-card ends 12ms after the start of reserve`.
fn lie(
    cx: &Judging<'_>,
    clocks: &Clocks,
    comparison: Comparison,
    (a, b): (SpanIx, SpanIx),
    named: impl Fn(SpanIx) -> String,
) -> String {
    let (left, right) = comparison.sides((a, b));
    let late = late(cx, comparison, (a, b));
    let (one, other) = (named(left), named(right));
    let far = match late {
        0 => "exactly at the".to_owned(),
        1.. => format!("{} after the", text::time(late)),
        _ => format!("{} before the", text::time(-late)),
    };
    let own = if clocks.same(a, b) { "" } else { " by their own clocks" };
    format!("{one} {} {far} {} of {other}{own}", does(comparison.left), word(comparison.right))
}

/// An order that clocks leave open.
pub(super) fn uncertain(cx: &Judging<'_>, clocks: &Clocks, rule: &Rule<'_>, open: Open, at: &Expectation) -> Finding {
    let instances = cx.facts.instances();
    let (a, b) = open.pair;
    let label = |ix: SpanIx| text::safe(instances.label(instances.instance(cx.trace.span(ix))));
    let (one, other) = (who(cx, rule.first, a), who(cx, rule.then, b));
    let message = match open.which {
        true => format!(
            "Of several spans it is not known which one {} compares, and it does not hold of all: whether {one} {} {other} is open.",
            match rule.pairing {
                Pairing::First => "`pairing: first`",
                Pairing::Last => "`pairing: last`",
                Pairing::Each | Pairing::All => "`pairing: each`",
            },
            rule.verb
        ),
        false => {
            format!("Whether {one} {} {other} lies within the uncertainty of their clocks.", rule.verb)
        }
    };
    let mut finding = cx.finding(rule.id, at.at, &at.path, message, &[a, b]);
    finding.pair = Some(open.pair);
    finding.expected = rule.written.clone();
    let (on, by) = (clocks.clock(a), clocks.clock(b));
    let (ahead, behind) = (clocks.most_ahead(on, by), clocks.most_ahead(by, on));
    finding.actual = lie(cx, clocks, open.comparison, (a, b), |ix| text::span(cx.trace, ix));
    if on != by {
        let interval = compare::interval(ahead, behind);
        finding.actual += &format!(", and the clock of {} is {interval} that of {}", label(b), label(a));
    }
    let readings = if on == by || open.which { None } else { clocks.two_readings(on, by) };
    if let Some(call) = &readings {
        finding.actual += &format!("; {}", two_readings(cx, call));
        finding.add_rows(cx.trace, &[call.client, call.server]);
    }
    let hint = if [a, b].iter().any(|&ix| clocks.is_several(instances, cx.trace, ix)) {
        "its calls show that the service runs as several processes whose clocks differ, and nothing says which span is \
         whose: set `service.instance.id` on its resource"
    } else if open.which {
        "name the one that is meant by an attribute of its own, or compare all of them (`pairing: all`)"
    } else if clocks.refutes_max_skew {
        "spans start before what caused them by more than `clocks: { max_skew }` allows, so it decides nothing"
    } else if readings.is_some() {
        "`clocks: { max_skew: 5ms }` says how far clocks are apart at most; with host.name (or host.id) on their \
         resources, instances on one machine are known to share a clock"
    } else if ahead == UNBOUNDED && behind == UNBOUNDED {
        "no call of this trace bounds how far the two clocks are apart; `clocks: { max_skew: 5ms }` does, and with host.name \
         (or host.id) on their resources, instances on one machine are known to share a clock"
    } else {
        "compare spans of one service, for example the CLIENT spans that call them"
    };
    finding.hint = Some(hint.to_owned());
    finding
}

/// The two readings of a call, in words.
fn two_readings(cx: &Judging<'_>, call: &TwoReadings) -> String {
    let instances = cx.facts.instances();
    let callee = text::safe(instances.label(instances.instance(cx.trace.span(call.server))));
    let (least, most) = call.ahead;
    let shift = match most {
        most if most < UNBOUNDED => format!("{} to {}", text::time(least), text::time(most)),
        _ => format!("at least {}", text::time(least)),
    };
    format!(
        "{} does not lie inside {}, which called it: either the call was awaited, and the clock of {callee} is {shift} ahead, or \
         it was not awaited, and the clocks are equal",
        text::span(cx.trace, call.server),
        text::span(cx.trace, call.client)
    )
}

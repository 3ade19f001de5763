//! An entry of `spans`: how many spans a selection picks, and what holds of them.

use super::bounds::{Bounds, Outlook};
use super::cx::Cx;
use super::state::{Lack, Outcome, State};
use super::{distinct, facts, nearest, text, witness};
use crate::matcher::count_of;
use crate::source::Spanned;
use crate::spec::plan::{Expectation, Fact, Quantifier, Selector, SpanCheck};
use crate::trace::SpanIx;

pub(super) fn judge(cx: &Cx<'_>, index: usize, check: &SpanCheck, at: &Expectation) -> Outcome {
    if check.distinct {
        return distinct::judge(cx, index, check, at);
    }
    let picks = cx.picks(&check.select.query);
    let mut outcome = Outcome::default();
    if check.optional && picks.rows.is_empty() {
        outcome.push(State::Holds);
        return outcome;
    }
    count(cx, check, &picks.rows, at, &mut outcome);
    if picks.rows.is_empty() {
        return outcome;
    }
    match check.quantifier {
        Quantifier::All => {
            for fact in &check.facts {
                outcome.push(of_every(cx, check, fact, &picks.rows, at));
            }
        }
        Quantifier::Any if check.facts.is_empty() => {}
        Quantifier::Any => outcome.push(of_any(cx, check, &picks.rows, at)),
    }
    outcome
}

/// The counts that an entry admits.
pub(super) fn admitted(check: &SpanCheck) -> Bounds {
    let matcher = check.count.as_ref().map(|count| &count.value);
    match (check.optional, matcher) {
        (false, matcher) => Bounds::of_count(matcher),
        (true, None) => Bounds::between(0, i128::MAX),
        (true, Some(matcher)) => Bounds::of(matcher)
            .map_or_else(|| Bounds::of_count(Some(matcher)), |bounds| bounds.or(&Bounds::between(0, 0))),
    }
}

fn count(cx: &Cx<'_>, check: &SpanCheck, rows: &[SpanIx], at: &Expectation, outcome: &mut Outcome) {
    let up = cx.is_up(&check.select.query);
    let lack = match admitted(check).growing(rows.len() as i128) {
        Outlook::Sure => return outcome.push(State::held(up)),
        Outlook::Holds => {
            if rows.is_empty() {
                unwitnessed(cx, &check.select, outcome);
            }
            let doubted = cx.in_doubt(&check.select.query);
            let with_them = admitted(check).growing((rows.len() + doubted.len()) as i128);
            if doubted.is_empty() || matches!(with_them, Outlook::Holds | Outlook::Sure) {
                return outcome.push(State::Holds);
            }
            let mut finding = miscounted(cx, check, rows, at);
            finding.message = format!(
                "{} would match {} if an attribute had another type; so whether it does cannot be told.",
                text::a_span(cx.trace, doubted[0]),
                text::selector(&check.select)
            );
            finding.hint = nearest::doubt(cx, &check.select, doubted[0]);
            finding.span_ids = doubted.iter().take(8).map(|&ix| cx.trace.span(ix).id()).collect();
            return outcome.push(State::lacks(Lack::Undecidable, finding));
        }
        Outlook::Short => Lack::Absent,
        Outlook::Beyond if up => Lack::Final,
        Outlook::Beyond => Lack::Violated,
    };
    outcome.push(State::lacks(lack, miscounted(cx, check, rows, at)));
}

/// The finding that a selection picks too many or too few.
pub(super) fn miscounted(cx: &Cx<'_>, check: &SpanCheck, rows: &[SpanIx], at: &Expectation) -> super::Finding {
    let what = text::selector(&check.select);
    let message = match rows {
        [] => match &check.select.name {
            Some(_) => format!("No span is {what}, which selects {}.", text::keys_of(&check.select)),
            None => format!("No span matches {what}."),
        },
        [only] => format!("Only {} matches {what}.", text::span(cx.trace, *only)),
        rows => format!("{} match {what}, {}.", count_of(rows.len(), "span"), whose(cx, rows)),
    };
    let place = check.count.as_ref().map_or(check.select.at, |count| count.span);
    let path = if check.count.is_some() { format!("{}.count", at.path) } else { at.path.clone() };
    let mut finding = cx.finding(place, &path, message, rows);
    finding.expected = match &check.count {
        Some(count) => format!("count: {}", text::matcher(&count.value)),
        None => "at least one span".to_owned(),
    };
    finding.actual = rows.len().to_string();
    if rows.is_empty() {
        nearest::explain(cx, &check.select, &mut finding);
    }
    finding
}

/// `all `reserve` of inventory-service`, or the services of the spans
fn whose(cx: &Cx<'_>, rows: &[SpanIx]) -> String {
    let first = cx.trace.span(rows[0]);
    let alike = |ix: &SpanIx| {
        let span = cx.trace.span(*ix);
        (span.name(), span.service()) == (first.name(), first.service())
    };
    if rows.iter().all(alike) {
        return format!("all named {} and of {}", text::quoted(first.name()), text::service(first.service()));
    }
    let mut services: Vec<&str> = rows.iter().map(|&ix| cx.trace.span(ix).service()).collect();
    services.sort_unstable();
    services.dedup();
    format!("of {}", text::list(&services, 5))
}

fn severity(lack: Lack) -> u8 {
    match lack {
        Lack::Final => 4,
        Lack::Violated => 3,
        Lack::Absent => 2,
        Lack::Partial => 1,
        Lack::Undecidable => 0,
    }
}

fn of_every(cx: &Cx<'_>, check: &SpanCheck, fact: &Spanned<Fact>, rows: &[SpanIx], at: &Expectation) -> State {
    let mut worst: Option<Lack> = None;
    let mut failing: Vec<SpanIx> = Vec::new();
    for &ix in rows {
        let Err(lack) = facts::test(cx, &fact.value, ix) else { continue };
        if worst.is_none_or(|worst| severity(lack) > severity(worst)) {
            worst = Some(lack);
            failing.insert(0, ix);
        } else {
            failing.push(ix);
        }
    }
    let Some(lack) = worst else { return State::Holds };
    // A span that is picked now need not be picked later, unless the selection can only grow.
    let lack = if lack == Lack::Final && !cx.is_up(&check.select.query) { Lack::Violated } else { lack };
    State::lacks(lack, broken(cx, fact, failing, rows.len(), at))
}

/// The finding that a fact does not hold of some of the picked spans; the first of them is told in full.
fn broken(cx: &Cx<'_>, fact: &Spanned<Fact>, failing: Vec<SpanIx>, of: usize, at: &Expectation) -> super::Finding {
    let first = failing[0];
    let told = facts::tell(cx, &fact.value, first);
    let more = match failing.len() {
        1 => String::new(),
        many => format!(" (and so for {} of {of} picked spans)", many),
    };
    let message = format!("{}: {}{more}.", text::a_span(cx.trace, first), told.message);
    let mut rows = failing;
    rows.extend(told.rows);
    let path = format!("{}.{}", at.path, facts::path(&fact.value));
    let mut finding = cx.finding(fact.span, &path, message, &rows);
    finding.expected = told.expected;
    finding.actual = told.actual;
    finding
}

/// At least one picked span must have all of the facts.
fn of_any(cx: &Cx<'_>, check: &SpanCheck, rows: &[SpanIx], at: &Expectation) -> State {
    let mut best: Option<(usize, SpanIx)> = None;
    let mut held = false;
    for &ix in rows {
        let tests: Vec<Result<bool, Lack>> = check.facts.iter().map(|fact| facts::test(cx, &fact.value, ix)).collect();
        let holding = tests.iter().filter(|test| test.is_ok()).count();
        if holding == tests.len() {
            if tests.iter().all(|test| *test == Ok(true)) && cx.is_up(&check.select.query) {
                return State::Sure;
            }
            held = true;
        }
        if best.is_none_or(|(most, _)| holding > most) {
            best = Some((holding, ix));
        }
    }
    if held {
        return State::Holds;
    }
    let Some((_, ix)) = best else { return State::Holds };
    let missed: Vec<facts::Told> = check
        .facts
        .iter()
        .filter(|fact| facts::test(cx, &fact.value, ix).is_err())
        .map(|fact| facts::tell(cx, &fact.value, ix))
        .collect();
    let why: Vec<&str> = missed.iter().map(|told| told.message.as_str()).collect();
    let message = format!(
        "None of {} has all that is asked of one of them; {} comes nearest, but {}.",
        count_of(rows.len(), "picked span"),
        text::span(cx.trace, ix),
        why.join(" and ")
    );
    let mut finding = cx.finding(at.at, &at.path, message, &[ix]);
    finding.expected = missed.iter().map(|told| told.expected.clone()).collect::<Vec<_>>().join(", ");
    finding.actual = missed.iter().map(|told| told.actual.clone()).collect::<Vec<_>>().join(", ");
    State::lacks(Lack::Absent, finding)
}

/// Remarks on a selection that picks nothing, as it should, when nobody has ever seen what it names.
pub(super) fn unwitnessed(cx: &Cx<'_>, select: &Selector, outcome: &mut Outcome) {
    for (key, matcher) in &select.parts {
        let name = text::literal_of(matcher);
        let remark = match (key.as_str(), name) {
            ("service", Some(name)) => witness::service(cx, name),
            ("name", Some(name)) => witness::span_name(cx, name),
            (key, _) => {
                let attribute = key.strip_prefix("attributes.").or_else(|| key.strip_prefix("resource."));
                attribute.and_then(|key| witness::attribute_key(cx, key))
            }
        };
        remark.into_iter().for_each(|remark| outcome.remark(remark));
    }
}

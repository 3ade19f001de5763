//! An entry of `spans`: how many spans a selection picks, and what holds of them.

use super::amount::Amount;
use super::bounds::{Bounds, Outlook};
use super::distinct::Shares;
use super::finding::Finding;
use super::judging::Judging;
use super::rule::RuleId;
use super::selections::Picks;
use super::state::{Lack, Outcome, State};
use super::{distinct, facts, nearest, text, told, witness};
use crate::matcher::count_of;
use crate::source::Spanned;
use crate::spec::plan::{Expectation, Fact, LinkCheck, Quantifier, Selector, SpanCheck};
use crate::trace::SpanIx;

pub(super) fn judge(cx: &Judging<'_>, shares: &Shares, index: usize, check: &SpanCheck, at: &Expectation) -> Outcome {
    if check.distinct {
        return distinct::judge(cx, shares, index, check, at);
    }
    let picks = cx.picks(&check.select.query);
    let mut outcome = Outcome::default();
    if check.optional && picks.rows.is_empty() && cx.in_doubt(&picks, &check.select.query).rows.is_empty() {
        outcome.unseen(witness::of_skipped(cx, &check.select.query));
        outcome.push(State::Holds);
        return outcome;
    }
    count(cx, check, &picks, at, &mut outcome);
    if picks.rows.is_empty() && outcome.is_unmet() {
        return outcome;
    }
    match check.quantifier {
        Quantifier::All => {
            for fact in &check.facts {
                outcome.push(of_every(cx, check, fact, &picks, at));
                unwitnessed_beside(cx, &fact.value, &mut outcome);
            }
        }
        Quantifier::Any if check.facts.is_empty() => {}
        Quantifier::Any => outcome.push(of_any(cx, check, &picks, at)),
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

fn count(cx: &Judging<'_>, check: &SpanCheck, picks: &Picks, at: &Expectation, outcome: &mut Outcome) {
    let (rows, up) = (&picks.rows, cx.is_up(&check.select.query));
    let bounds = admitted(check);
    let mut amount = Amount { sure: rows.len(), ..Amount::default() };
    let outlook = bounds.growing(rows.len() as i128);
    if matches!(outlook, Outlook::Holds | Outlook::Short) {
        let doubted = cx.in_doubt(picks, &check.select.query);
        (amount.doubted, amount.lost) = (doubted.rows.len(), doubted.lost.len());
    }
    let lack = match amount.test(&bounds, up) {
        Ok(for_good) => {
            if rows.is_empty() && outlook == Outlook::Holds {
                unwitnessed(cx, &check.select, outcome);
            }
            return outcome.push(State::held(for_good));
        }
        Err(lack) => lack,
    };
    let mut finding = miscounted(cx, check, rows, at);
    if matches!(lack, Lack::Undecidable | Lack::Lost) {
        let doubted = cx.in_doubt(picks, &check.select.query);
        in_doubt(cx, check, if lack == Lack::Lost { &doubted.lost } else { &doubted.rows }, &mut finding);
    }
    outcome.push(State::lacks(lack, finding));
}

/// Makes of a finding one that it can not be told whether spans are picked.
pub(super) fn in_doubt(cx: &Judging<'_>, check: &SpanCheck, doubted: &[SpanIx], finding: &mut Finding) {
    let Some(&first) = doubted.first() else { return };
    let doubt = nearest::doubt(cx, &check.select, first);
    finding.message = doubt.message(cx, &check.select, first);
    finding.hint = doubt.beside();
    finding.rows = doubted.iter().take(8).copied().collect();
    finding.span_ids = finding.rows.iter().map(|&ix| cx.trace.span(ix).id()).collect();
}

/// The finding that a selection picks too many or too few.
pub(super) fn miscounted(cx: &Judging<'_>, check: &SpanCheck, rows: &[SpanIx], at: &Expectation) -> Finding {
    let what = text::selector(&check.select);
    let message = match rows {
        [] => match &check.select.name {
            Some(_) => format!("No span is {what}, which selects {}.", text::keys_of(&check.select)),
            None => format!("No span matches {what}."),
        },
        [one] if admitted(check).least() > Some(1) => {
            format!("Only {} matches {what}.", text::span(cx.trace, *one))
        }
        [one] => format!("{} matches {what}.", text::a_span(cx.trace, *one)),
        rows => format!("{} match {what}, {}.", count_of(rows.len(), "span"), whose(cx, rows)),
    };
    let place = check.count.as_ref().map_or(check.select.at, |count| count.span);
    let path = if check.count.is_some() { format!("{}.count", at.path) } else { at.path.clone() };
    let mut finding = cx.finding(RuleId::SpansCount, place, &path, message, rows);
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
fn whose(cx: &Judging<'_>, rows: &[SpanIx]) -> String {
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

pub(super) fn severity(lack: Lack) -> u8 {
    match lack {
        Lack::Final => 5,
        Lack::Violated => 4,
        Lack::Absent => 3,
        Lack::Partial => 2,
        Lack::Lost => 1,
        Lack::Undecidable => 0,
    }
}

fn of_every(cx: &Judging<'_>, check: &SpanCheck, fact: &Spanned<Fact>, picks: &Picks, at: &Expectation) -> State {
    let rows = &picks.rows;
    let mut worst: Option<Lack> = None;
    let mut failing: Vec<SpanIx> = Vec::new();
    for &ix in rows {
        let Err(lack) = facts::test(cx, &fact.value, ix) else { continue };
        // Of those that are at fault none is told beside which it cannot be told.
        let certain = |lack| severity(lack) > severity(Lack::Lost);
        if worst.is_some_and(|worst| certain(worst) && !certain(lack)) {
            continue;
        }
        if worst.is_some_and(|worst| !certain(worst) && certain(lack)) {
            failing.clear();
        }
        if worst.is_none_or(|worst| severity(lack) > severity(worst)) {
            worst = Some(lack);
            failing.insert(0, ix);
        } else {
            failing.push(ix);
        }
    }
    let Some(lack) = worst else { return of_doubted(cx, check, fact, picks, at) };
    // A span that is picked now need not be picked later, unless the selection can only grow.
    let lack = if lack == Lack::Final && !cx.is_up(&check.select.query) { Lack::Violated } else { lack };
    State::lacks(lack, broken(cx, fact, failing, rows.len(), at))
}

/// A fact that holds of every picked span may not of one that may be picked.
fn of_doubted(cx: &Judging<'_>, check: &SpanCheck, fact: &Spanned<Fact>, picks: &Picks, at: &Expectation) -> State {
    let doubted = &cx.in_doubt(picks, &check.select.query).rows;
    let failing: Vec<SpanIx> =
        doubted.iter().copied().filter(|&ix| facts::test(cx, &fact.value, ix).is_err()).collect();
    let Some(&first) = failing.first() else { return State::Holds };
    let told = told::tell(cx, &fact.value, first);
    let path = format!("{}.{}", at.path, facts::path(&fact.value));
    let mut finding = cx.finding(RuleId::of_fact(&fact.value), fact.span, &path, String::new(), &[]);
    in_doubt(cx, check, &failing, &mut finding);
    finding.message += &format!(" If it does, this does not hold of it: {}.", told.message);
    (finding.expected, finding.actual) = (told.expected, told.actual);
    State::lacks(Lack::Undecidable, finding)
}

/// The finding that a fact does not hold of some of the picked spans; the first of them is told in full.
fn broken(cx: &Judging<'_>, fact: &Spanned<Fact>, failing: Vec<SpanIx>, of: usize, at: &Expectation) -> Finding {
    let first = failing[0];
    let told = told::tell(cx, &fact.value, first);
    let more = match failing.len() {
        1 => String::new(),
        many => format!(" (and so for {} of {of} picked spans)", many),
    };
    let message = format!("{}: {}{more}.", text::a_span(cx.trace, first), told.message);
    let mut rows = failing;
    rows.extend(told.rows);
    let path = format!("{}.{}", at.path, facts::path(&fact.value));
    let mut finding = cx.finding(RuleId::of_fact(&fact.value), fact.span, &path, message, &rows);
    finding.expected = told.expected;
    finding.actual = told.actual;
    finding.hint = told.hint;
    finding
}

/// At least one picked span must have all of the facts.
fn of_any(cx: &Judging<'_>, check: &SpanCheck, picks: &Picks, at: &Expectation) -> State {
    let rows = &picks.rows;
    // Of spans of which nothing certain is missing the facts may hold.
    let mut may: Option<SpanIx> = None;
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
        if tests.iter().all(|test| matches!(test, Ok(_) | Err(Lack::Undecidable | Lack::Lost))) {
            may = may.or(Some(ix));
        }
        if best.is_none_or(|(most, _)| holding > most) {
            best = Some((holding, ix));
        }
    }
    if held {
        return State::Holds;
    }
    let Some((_, nearest)) = best else { return any_of_doubted(cx, check, picks, at) };
    let lost = &cx.in_doubt(picks, &check.select.query).lost;
    let has_all = |&ix: &SpanIx| check.facts.iter().all(|fact| facts::test(cx, &fact.value, ix).is_ok());
    if let (None, Some(ix)) = (may, lost.iter().copied().find(|ix| has_all(ix))) {
        let mut finding = cx.finding(RuleId::SpansAny, at.at, &at.path, String::new(), &[]);
        in_doubt(cx, check, &[ix], &mut finding);
        finding.message += " It has all that is asked of one of them, and no picked span has.";
        finding.expected = "all facts of one picked span".to_owned();
        return State::lacks(Lack::Lost, finding);
    }
    let ix = may.unwrap_or(nearest);
    let missed: Vec<told::Told> = check
        .facts
        .iter()
        .filter(|fact| facts::test(cx, &fact.value, ix).is_err())
        .map(|fact| told::tell(cx, &fact.value, ix))
        .collect();
    let why: Vec<&str> = missed.iter().map(|told| told.message.as_str()).collect();
    let (span, why) = (text::span(cx.trace, ix), why.join(" and "));
    let message = match rows.len() {
        1 => format!("The one picked span, {span}, does not have all that is asked of one: {why}."),
        many => format!(
            "None of {many} picked spans has all that is asked of one of them; {span} comes nearest, but {why}."
        ),
    };
    let mut finding = cx.finding(RuleId::SpansAny, at.at, &at.path, message, &[ix]);
    finding.expected = missed.iter().map(|told| told.expected.clone()).collect::<Vec<_>>().join(", ");
    finding.actual = missed.iter().map(|told| told.actual.clone()).collect::<Vec<_>>().join(", ");
    finding.hint = missed.into_iter().find_map(|told| told.hint);
    State::lacks(if may.is_some() { Lack::Lost } else { Lack::Absent }, finding)
}

/// Where nothing is picked for certain, and need not be: were any picked of those in doubt, one would have to have all facts.
fn any_of_doubted(cx: &Judging<'_>, check: &SpanCheck, picks: &Picks, at: &Expectation) -> State {
    let doubted = &cx.in_doubt(picks, &check.select.query).rows;
    let misses = |&ix: &SpanIx| check.facts.iter().find(|fact| facts::test(cx, &fact.value, ix).is_err());
    let Some((ix, fact)) = doubted.iter().find_map(|ix| Some((*ix, misses(ix)?))) else { return State::Holds };
    let told = told::tell(cx, &fact.value, ix);
    let mut finding = cx.finding(RuleId::SpansAny, at.at, &at.path, String::new(), &[]);
    in_doubt(cx, check, &[ix], &mut finding);
    finding.message += &format!(" If it does, no picked span need have all facts: {}.", told.message);
    (finding.expected, finding.actual) = (told.expected, told.actual);
    State::lacks(Lack::Undecidable, finding)
}

/// Remarks on a selection that picks nothing, as it should, when nobody has ever seen what it names.
pub(super) fn unwitnessed(cx: &Judging<'_>, select: &Selector, outcome: &mut Outcome) {
    outcome.unseen(witness::of_query(cx, &select.query));
}

/// The same on what a fact says there is none of beside the picked spans.
fn unwitnessed_beside(cx: &Judging<'_>, fact: &Fact, outcome: &mut Outcome) {
    let (select, count) = match fact {
        Fact::Child(select, Some(count)) => (select, count),
        Fact::Link(LinkCheck { span: Some(select), count: Some(count), .. }) => (select, count),
        _ => return,
    };
    if Bounds::of_count(Some(count)).growing(0) == Outlook::Holds && cx.picks(&select.query).rows.is_empty() {
        unwitnessed(cx, select, outcome);
    }
}

//! An entry of `spans`: how many spans a selection picks, and what holds of them.

mod fact;
mod parts;

pub(super) use fact::{Miss, cond, explain};

use super::bounds::Bounds;
use super::distinct::{self, Shares};
use super::finding::Finding;
use super::judging::Judging;
use super::logic::{Cause, Cond, Count, Truth};
use super::rule::RuleId;
use super::selections::Picks;
use super::state::{Outcome, State};
use super::{lack, nearest, text, witness};
use crate::matcher::{Comparison, Matcher};
use crate::source::Spanned;
use crate::spec::plan::{Expectation, Fact, LinkCheck, Quantifier, Selector, SpanCheck};
use crate::trace::SpanIx;

pub(super) fn judge(cx: &Judging<'_>, shares: &Shares, index: usize, check: &SpanCheck, at: &Expectation) -> Outcome {
    if check.distinct {
        return distinct::judge(cx, shares, index, check, at);
    }
    let picks = cx.picks(&check.select.query);
    let mut outcome = Outcome::default();
    if check.optional && picks.rows.is_empty() && cx.in_doubt(&picks).rows.is_empty() {
        outcome.unseen(witness::of_skipped(cx, &check.select.query));
        outcome.push(Cond::HOLDS);
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
    let rows = &picks.rows;
    let bounds = admitted(check);
    let mut count = Count::exactly(rows.len());
    let decided = bounds.growing(rows.len() as i128);
    if matches!(decided, Cond::HOLDS | Cond::ABSENT) {
        let doubted = cx.in_doubt(picks);
        (count.lost, count.typed) = (doubted.as_told.len(), doubted.rows.len() - doubted.as_told.len());
    }
    let cond = bounds.count(count, picks.is_up());
    if cond.holds() {
        if rows.is_empty() && decided == Cond::HOLDS {
            unwitnessed(cx, &check.select, outcome);
        }
        return outcome.push(cond);
    }
    let mut finding = miscounted(cx, check, rows, at);
    if cond.is_unknown() {
        let doubted = cx.in_doubt(picks);
        in_doubt(cx, check, if decided == Cond::ABSENT { &doubted.as_told } else { &doubted.rows }, &mut finding);
    }
    outcome.push(State::lacks(cond, finding));
}

/// Makes of a finding one that it is not known whether spans are picked.
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
    let wanted = match &check.count {
        Some(count) => text::number_of(&count.value, "span"),
        None => "at least one span".to_owned(),
    };
    let message = match rows {
        [] => match &check.select.name {
            Some(_) => format!("No span matches {what}, which selects {}.", text::keys_of(&check.select)),
            None => format!("No span matches {what}."),
        },
        rows => format!("Expected {wanted} matching {what}, found {}{}.", rows.len(), whose(cx, rows)),
    };
    let place = check.count.as_ref().map_or(check.select.at, |count| count.span);
    let path = if check.count.is_some() { format!("{}.count", at.path) } else { at.path.clone() };
    let mut finding = cx.finding(RuleId::SpansCount, place, &path, message, rows);
    finding.expected = match &check.count {
        Some(count) => format!("count: {}", text::matcher(&count.value)),
        None => wanted,
    };
    finding.actual = rows.len().to_string();
    if rows.is_empty() {
        finding.lacks = lack::of_selection(cx, &check.select);
        finding.absent = lack::below_parent(cx, &check.select).into_iter().collect();
        nearest::explain(cx, &check.select, &mut finding);
        finding.hint = none_is_meant(check).or(finding.hint);
    }
    finding
}

/// What to write where `count: '!= 3'` is to hold of no span as well: a count needs at least one unless it writes a zero.
fn none_is_meant(check: &SpanCheck) -> Option<String> {
    let Matcher::Compare(Comparison::Ne, operand) = &check.count.as_ref()?.value else { return None };
    Some(format!(
        "a count needs at least one span unless it names zero: if none is fine, write `count: {{ gte: 0, ne: {operand} }}`"
    ))
}

/// `, all named `reserve` and of inventory-service`, or the one span, or the services of the spans
fn whose(cx: &Judging<'_>, rows: &[SpanIx]) -> String {
    if let [one] = rows {
        return format!(": {}", text::span(cx.trace, *one));
    }
    let first = cx.trace.span(rows[0]);
    let alike = |ix: &SpanIx| {
        let span = cx.trace.span(*ix);
        (span.name(), span.service()) == (first.name(), first.service())
    };
    if rows.iter().all(alike) {
        return format!(", all named {} and of {}", text::quoted(first.name()), text::service(first.service()));
    }
    let mut services: Vec<&str> = rows.iter().map(|&ix| cx.trace.span(ix).service()).collect();
    services.sort_unstable();
    services.dedup();
    format!(", of {}", text::list(&services, 5))
}

fn of_every(cx: &Judging<'_>, check: &SpanCheck, fact: &Spanned<Fact>, picks: &Picks, at: &Expectation) -> State {
    let (mut worst, mut failing) = (Cond::SURE, Vec::new());
    for &ix in &picks.rows {
        let cond = cond(cx, &fact.value, ix);
        if cond.holds() {
            continue;
        }
        // Where spans are at fault for certain, those that may be are not named beside them.
        match (failing.is_empty(), worst.is_unknown(), cond.is_unknown()) {
            (false, false, true) => continue,
            (false, true, false) => failing.clear(),
            _ => {}
        }
        if failing.is_empty() || cond.severity() > worst.severity() {
            worst = cond;
            failing.insert(0, ix);
        } else {
            failing.push(ix);
        }
    }
    if failing.is_empty() {
        return of_doubted(cx, check, fact, picks, at);
    }
    // A span that is picked now need not be picked later, unless the selection can only grow.
    State::lacks(worst.provided(picks.is_up()), broken(cx, fact, failing, picks.rows.len(), at))
}

/// A fact that holds of every picked span may not hold of one that may be picked.
fn of_doubted(cx: &Judging<'_>, check: &SpanCheck, fact: &Spanned<Fact>, picks: &Picks, at: &Expectation) -> State {
    let doubted = cx.in_doubt(picks).rows.iter().copied();
    let failing: Vec<SpanIx> = doubted.filter(|&ix| !cond(cx, &fact.value, ix).holds()).collect();
    let Some(&first) = failing.first() else { return Cond::HOLDS.into() };
    let miss = explain(cx, &fact.value, first);
    let path = format!("{}.{}", at.path, fact::path(&fact.value));
    let mut finding = cx.finding(RuleId::of_fact(&fact.value), fact.span, &path, String::new(), &[]);
    in_doubt(cx, check, &failing, &mut finding);
    finding.message += &format!(" If it does, it breaks this expectation: {}.", miss.message);
    (finding.expected, finding.actual) = (miss.expected, miss.actual);
    State::lacks(Cond::undecidable(why(cx, picks, first)), finding)
}

/// Why it is not known whether a span is picked.
fn why(cx: &Judging<'_>, picks: &Picks, ix: SpanIx) -> Cause {
    if let Truth::Unknown(cause) = cx.selections.truth(picks, ix) { cause } else { Cause::Dropped }
}

/// The finding that a fact does not hold of some of the picked spans; the first of them is explained.
fn broken(cx: &Judging<'_>, fact: &Spanned<Fact>, failing: Vec<SpanIx>, of: usize, at: &Expectation) -> Finding {
    let first = failing[0];
    let miss = explain(cx, &fact.value, first);
    let more = match failing.len() {
        1 => String::new(),
        many => format!(" ({many} of {of} matching spans fail this)"),
    };
    let message = format!("{}: {}{more}.", text::a_span(cx.trace, first), miss.message);
    let absent = match &fact.value {
        Fact::Child(select, _) => lack::children(cx, select, &failing),
        _ => Vec::new(),
    };
    let mut rows = failing;
    rows.extend(miss.rows);
    let path = format!("{}.{}", at.path, fact::path(&fact.value));
    let mut finding = cx.finding(RuleId::of_fact(&fact.value), fact.span, &path, message, &rows);
    finding.expected = miss.expected;
    finding.actual = miss.actual;
    finding.hint = miss.hint;
    finding.absent = absent;
    finding
}

/// At least one picked span must have all of the facts.
fn of_any(cx: &Judging<'_>, check: &SpanCheck, picks: &Picks, at: &Expectation) -> State {
    // Of spans of which nothing certain is missing the facts may hold.
    let mut may: Option<SpanIx> = None;
    let mut best: Option<(usize, SpanIx)> = None;
    let mut held = false;
    for &ix in &picks.rows {
        let (mut holding, mut lasting, mut possible) = (0, picks.is_up(), true);
        for fact in &check.facts {
            let cond = cond(cx, &fact.value, ix);
            holding += usize::from(cond.holds());
            lasting &= cond == Cond::SURE;
            possible &= cond.now.is_possible();
        }
        if holding == check.facts.len() {
            if lasting {
                return Cond::SURE.into();
            }
            held = true;
        }
        if possible {
            may = may.or(Some(ix));
        }
        if best.is_none_or(|(most, _)| holding > most) {
            best = Some((holding, ix));
        }
    }
    if held {
        return Cond::HOLDS.into();
    }
    let Some((_, nearest)) = best else { return any_of_doubted(cx, check, picks, at) };
    let lost = &cx.in_doubt(picks).as_told;
    let has_all = |&ix: &SpanIx| check.facts.iter().all(|fact| cond(cx, &fact.value, ix).holds());
    if let (None, Some(ix)) = (may, lost.iter().copied().find(|ix| has_all(ix))) {
        let mut finding = cx.finding(RuleId::SpansAny, at.at, &at.path, String::new(), &[]);
        in_doubt(cx, check, &[ix], &mut finding);
        finding.message += " It is the only one that has all facts of the entry.";
        finding.expected = "one matching span with all facts of the entry".to_owned();
        return State::lacks(Cond::lost(Cause::Dropped), finding);
    }
    let ix = may.unwrap_or(nearest);
    let missed = check.facts.iter().filter(|fact| !cond(cx, &fact.value, ix).holds());
    let missed: Vec<Miss> = missed.map(|fact| explain(cx, &fact.value, ix)).collect();
    let joined = |of: fn(&Miss) -> &str, by: &str| missed.iter().map(of).collect::<Vec<_>>().join(by);
    let (span, why) = (text::span(cx.trace, ix), joined(|miss| &miss.message, " and "));
    let message = match picks.rows.len() {
        1 => format!("The only matching span, {span}, does not have all facts of the entry: {why}."),
        many => format!("None of {many} matching spans has all facts of the entry; {span} comes nearest, but {why}."),
    };
    let mut finding = cx.finding(RuleId::SpansAny, at.at, &at.path, message, &[ix]);
    finding.expected = joined(|miss| &miss.expected, ", ");
    finding.actual = joined(|miss| &miss.actual, ", ");
    finding.hint = missed.into_iter().find_map(|miss| miss.hint);
    State::lacks(if may.is_some() { Cond::lost(Cause::Dropped) } else { Cond::ABSENT }, finding)
}

/// Where nothing is picked for certain, and need not be: were any picked of those in doubt, one would have to have all facts.
fn any_of_doubted(cx: &Judging<'_>, check: &SpanCheck, picks: &Picks, at: &Expectation) -> State {
    let misses = |&ix: &SpanIx| check.facts.iter().find(|fact| !cond(cx, &fact.value, ix).holds());
    let mut doubted = cx.in_doubt(picks).rows.iter();
    let Some((ix, fact)) = doubted.find_map(|ix| Some((*ix, misses(ix)?))) else { return Cond::HOLDS.into() };
    let miss = explain(cx, &fact.value, ix);
    let mut finding = cx.finding(RuleId::SpansAny, at.at, &at.path, String::new(), &[]);
    in_doubt(cx, check, &[ix], &mut finding);
    finding.message += &format!(" If it does, no matching span need have all facts: {}.", miss.message);
    (finding.expected, finding.actual) = (miss.expected, miss.actual);
    State::lacks(Cond::undecidable(why(cx, picks, ix)), finding)
}

/// What a selection that picks nothing, as it should, names and nobody has ever seen.
pub(super) fn unwitnessed(cx: &Judging<'_>, select: &Selector, outcome: &mut Outcome) {
    outcome.unseen(witness::of_query(cx, &select.query));
}

/// The same of what a fact says there is none of beside the picked spans.
fn unwitnessed_beside(cx: &Judging<'_>, fact: &Fact, outcome: &mut Outcome) {
    let (select, count) = match fact {
        Fact::Child(select, Some(count)) => (select, count),
        Fact::Link(LinkCheck { span: Some(select), count: Some(count), .. }) => (select, count),
        _ => return,
    };
    if Bounds::of_count(Some(count)).growing(0) == Cond::HOLDS && cx.picks(&select.query).rows.is_empty() {
        unwitnessed(cx, select, outcome);
    }
}

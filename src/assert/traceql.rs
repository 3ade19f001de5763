//! An entry of `traceql`: a query that must match, or with `none` must not.

use super::finding::Finding;
use super::judging::Judging;
use super::logic::{Cause, Cond};
use super::lost::{self, Part};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{nearest, text, witness};
use crate::matcher::count_of;
use crate::select::{Query, Stage, UnderOtherNames};
use crate::spec::plan::Expectation;
use crate::trace::SpanIx;

pub(super) fn judge(cx: &Judging<'_>, query: &Query, written: &str, none: bool, at: &Expectation) -> Outcome {
    let picks = cx.picks(query);
    let up = picks.is_up();
    let one_line: Vec<&str> = written.split_whitespace().collect();
    let query_text = text::quoted(&one_line.join(" "));
    if none {
        return absent(cx, query, &query_text, at);
    }
    if let Some(&first) = cx.selections.by_told_types(&picks).first() {
        let mut outcome = Outcome::from(Cond::SURE.provided(up));
        if picks.rows.is_empty() {
            outcome.remark(only_type(cx, query, first, "lets", &query_text));
        }
        return outcome;
    }
    let mut finding = unmatched(cx, query, &query_text, at);
    if in_doubt(cx, query, &query_text, &mut finding) {
        return State::lacks(Cond::lost(Cause::Dropped), finding).into();
    }
    if finding.rows.is_empty() {
        nearest::explain_query(cx, query, &mut finding);
    }
    State::lacks(Cond::ABSENT, finding).into()
}

/// The finding that a query matches nothing: for want of spans, or for what the last aggregate is of those that there are.
fn unmatched(cx: &Judging<'_>, query: &Query, written: &str, at: &Expectation) -> Finding {
    let aggregate = cx.selections.last_aggregate(query);
    let mut before = query.clone();
    let last = before.pipeline.stages.pop();
    let counted = aggregate.is_some().then(|| cx.picks(&before)).filter(|picks| !picks.rows.is_empty());
    if let (Some(Stage::Scalar(filter)), Some(counted), Some(aggregate)) = (last, counted, &aggregate) {
        let wanted = format!("{} {}", filter.op.symbol(), filter.rhs);
        let message = format!("Nothing matches {written}: {aggregate}, expected {wanted}.");
        let mut finding = cx.finding(RuleId::TraceQlMatch, at.at, &at.path, message, &counted.rows);
        finding.expected = format!("{} {wanted}", filter.lhs);
        finding.actual = aggregate.clone();
        return finding;
    }
    let mut finding = cx.finding(RuleId::TraceQlMatch, at.at, &at.path, format!("No span matches {written}."), &[]);
    finding.expected = "at least one span".to_owned();
    finding.actual = aggregate.unwrap_or_else(|| "0".to_owned());
    finding
}

fn absent(cx: &Judging<'_>, query: &Query, written: &str, at: &Expectation) -> Outcome {
    let picks = cx.picks(query);
    let rows = cx.selections.by_told_types(&picks);
    let Some(&first) = rows.first() else { return under_other_names(cx, query, written, at) };
    let message = match rows.len() {
        1 => format!("Expected no span to match {written}, found 1: {}.", text::span(cx.trace, first)),
        many => {
            let first = text::span(cx.trace, first);
            format!("Expected no span to match {written}, found {many}; the first is {first}.")
        }
    };
    let mut finding = cx.finding(RuleId::TraceQlNone, at.at, &at.path, message, rows);
    finding.expected = "no span".to_owned();
    finding.actual = count_of(rows.len(), "span");
    State::lacks(Cond::FINAL.provided(picks.is_up()), finding).into()
}

/// A query that matches nothing, as it should, but would (or may) if its attributes were found under their other names.
fn under_other_names(cx: &Judging<'_>, query: &Query, written: &str, at: &Expectation) -> Outcome {
    let found = if cx.expect.exact_names { None } else { query.under_other_names(&cx.selections.index) };
    let Some(UnderOtherNames { spans, certain, aliases }) = found else {
        let mut finding = cx.finding(RuleId::TraceQlNone, at.at, &at.path, String::new(), &[]);
        finding.expected = "no span".to_owned();
        if in_doubt(cx, query, written, &mut finding) {
            return State::lacks(Cond::undecidable(Cause::Dropped), finding).into();
        }
        let mut outcome = Outcome::from(Cond::HOLDS);
        outcome.unseen(witness::of_query(cx, query));
        by_type(cx, query, written).into_iter().for_each(|remark| outcome.remark(remark));
        return outcome;
    };
    let count = count_of(spans.len(), "span");
    let first = spans.first().map_or(String::new(), |&first| text::span(cx.trace, first));
    let (message, actual, hint) = if certain {
        let there =
            aliases.iter().map(|alias| format!("{} is named {}", text::safe(&alias.asked), text::safe(&alias.found)));
        (
            format!("Expected no span to match {written}; under other names of its attributes {first} does."),
            format!("{count}; {}", there.collect::<Vec<_>>().join(", ")),
            "use the names that the spans have, or write `exact_names: true` if those do not count",
        )
    } else {
        let refused = aliases.iter().filter_map(|alias| {
            let (asked, found, why) = (text::safe(&alias.asked), text::safe(&alias.found), alias.refused?);
            Some(format!("attribute {asked} is only present as {found}, whose values cannot be compared: {why}"))
        });
        let refused = refused.collect::<Vec<_>>().join("; ");
        (
            format!("Cannot determine whether {first} matches {written}: {refused}."),
            format!("{count} in doubt"),
            "ask for both names, or write `exact_names: true`",
        )
    };
    let mut finding = cx.finding(RuleId::TraceQlNone, at.at, &at.path, message, &spans);
    finding.expected = "no span, under any name of its attributes".to_owned();
    finding.actual = actual;
    finding.hint = Some(hint.to_owned());
    let cond = if certain { Cond::FINAL.provided(cx.picks(query).is_up()) } else { Cond::undecidable(Cause::Type) };
    State::lacks(cond, finding).into()
}

/// That only the type of a value keeps a span from matching.
fn by_type(cx: &Judging<'_>, query: &Query, written: &str) -> Option<String> {
    let picks = cx.picks(query);
    let &first = cx.in_doubt(&picks).rows.first()?;
    Some(only_type(cx, query, first, "keeps", written))
}

/// That only the type of a value decides: as in Tempo it does, and a reader may not expect it.
fn only_type(cx: &Judging<'_>, query: &Query, ix: SpanIx, does: &str, written: &str) -> String {
    let span = text::span(cx.trace, ix);
    let values = query.mistyped(&cx.selections.index, ix).into_iter();
    let values: Vec<String> = values
        .map(|one| format!("{} is {}, compared with {}", text::quoted(&one.attribute), one.found, one.beside))
        .collect();
    let why = match values.as_slice() {
        // The value is another span's, to which this one is related.
        [] => "TraceQL does not compare text with numbers or booleans".to_owned(),
        values => format!("{}. As in Tempo, such a comparison does not hold", values.join("; ")),
    };
    let matching = if does == "keeps" { "from matching" } else { "match" };
    format!("Only the type of a value {does} {span} {matching} {written}: {why}.")
}

/// Makes of a finding one that it can not be told whether the query matches, where what it asks for may be among what the
/// SDK dropped of a span.
fn in_doubt(cx: &Judging<'_>, query: &Query, written: &str, finding: &mut Finding) -> bool {
    let picks = cx.picks(query);
    let lost = &cx.in_doubt(&picks).as_told;
    let Some(&first) = lost.first() else { return false };
    let (mut why, hint) = lost::of_query(cx.trace, first);
    if Part::ALL.into_iter().any(|part| part.dropped(cx.trace, first) > 0) {
        why += ", and what is asked for may be among them";
    }
    let told = cx.finding(
        finding.rule,
        finding.at,
        &finding.expectation,
        lost::undecided(cx.trace, first, written, &why),
        lost,
    );
    *finding = Finding { hint, expected: finding.expected.clone(), actual: finding.actual.clone(), ..told };
    true
}

//! An entry of `traceql`: a query that must match, or with `none` must not.

use super::cx::Cx;
use super::finding::Finding;
use super::state::{Lack, Outcome, State};
use super::{alias, lost, text, witness};
use crate::matcher::count_of;
use crate::select::Query;
use crate::spec::plan::Expectation;

pub(super) fn judge(cx: &Cx<'_>, query: &Query, written: &str, none: bool, at: &Expectation) -> Outcome {
    let picks = cx.picks(query);
    let up = cx.is_up(query);
    let one_line: Vec<&str> = written.split_whitespace().collect();
    let query_text = text::quoted(&one_line.join(" "));
    if none {
        return absent(cx, query, &query_text, at);
    }
    if !picks.rows.is_empty() {
        return State::held(up).into();
    }
    let mut finding = cx.finding(at.at, &at.path, format!("No span matches {query_text}."), &[]);
    finding.expected = "at least one span".to_owned();
    finding.actual = cx.last_aggregate(query).unwrap_or_else(|| "0".to_owned());
    let lack = if in_doubt(cx, query, &query_text, &mut finding) { Lack::Lost } else { Lack::Absent };
    State::lacks(lack, finding).into()
}

fn absent(cx: &Cx<'_>, query: &Query, written: &str, at: &Expectation) -> Outcome {
    let picks = cx.picks(query);
    let Some(&first) = picks.rows.first() else { return under_other_names(cx, query, written, at) };
    let message = match picks.rows.len() {
        1 => format!("{} matches {written}, which nothing may.", text::a_span(cx.trace, first)),
        many => format!("{many} spans match {written}, which nothing may, first {}.", text::span(cx.trace, first)),
    };
    let mut finding = cx.finding(at.at, &at.path, message, &picks.rows);
    finding.expected = "no span".to_owned();
    finding.actual = count_of(picks.rows.len(), "span");
    State::lacks(if cx.is_up(query) { Lack::Final } else { Lack::Violated }, finding).into()
}

/// A query that matches nothing, as it should, but would under other names of its attributes.
fn under_other_names(cx: &Cx<'_>, query: &Query, written: &str, at: &Expectation) -> Outcome {
    let variants = if cx.expect.exact_names { Vec::new() } else { alias::variants(cx, query) };
    for (variant, exchanged) in variants {
        let picks = cx.picks(&variant);
        let Some(&first) = picks.rows.first() else { continue };
        let names: Vec<String> =
            exchanged.iter().map(|(asked, found)| format!("{} is {found} there", text::safe(asked))).collect();
        let message = format!("{} matches {written} under other attribute names.", text::a_span(cx.trace, first));
        let mut finding = cx.finding(at.at, &at.path, message, &picks.rows);
        finding.expected = "no span, under any name of its attributes".to_owned();
        finding.actual = format!("{}; {}", count_of(picks.rows.len(), "span"), names.join(", "));
        finding.hint = Some("write both names, or `exact_names: true`".to_owned());
        return State::lacks(if cx.is_up(&variant) { Lack::Final } else { Lack::Violated }, finding).into();
    }
    let mut finding = cx.finding(at.at, &at.path, String::new(), &[]);
    finding.expected = "no span".to_owned();
    if in_doubt(cx, query, written, &mut finding) {
        return State::lacks(Lack::Undecidable, finding).into();
    }
    let mut outcome = Outcome::from(State::Holds);
    for name in alias::names(query) {
        witness::attribute_key(cx, &name).into_iter().for_each(|remark| outcome.remark(remark));
    }
    outcome
}

/// Makes of a finding one that it can not be told whether the query matches, where what it asks for may be among what the
/// SDK dropped of a span.
fn in_doubt(cx: &Cx<'_>, query: &Query, written: &str, finding: &mut Finding) -> bool {
    let picks = cx.picks(query);
    let lost = &cx.in_doubt(&picks, query).lost;
    let Some(&first) = lost.first() else { return false };
    let (why, hint) =
        lost::any(cx.trace, first).unwrap_or_else(|| ("the SDK dropped some of the trace".to_owned(), None));
    let why = format!("{why}, and what is asked for may be among them");
    let told = cx.finding(finding.at, &finding.expectation, lost::undecided(cx.trace, first, written, &why), lost);
    *finding = Finding { hint, expected: finding.expected.clone(), actual: finding.actual.clone(), ..told };
    true
}

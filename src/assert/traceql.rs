//! An entry of `traceql`: a query that must match, or with `none` must not.

use super::cx::Cx;
use super::state::{Lack, Outcome, State};
use super::text;
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
    finding.actual = "0".to_owned();
    State::lacks(Lack::Absent, finding).into()
}

fn absent(cx: &Cx<'_>, query: &Query, written: &str, at: &Expectation) -> Outcome {
    let picks = cx.picks(query);
    let Some(&first) = picks.rows.first() else { return State::Holds.into() };
    let message = match picks.rows.len() {
        1 => format!("{} matches {written}, which nothing may.", text::a_span(cx.trace, first)),
        many => format!("{many} spans match {written}, which nothing may, first {}.", text::span(cx.trace, first)),
    };
    let mut finding = cx.finding(at.at, &at.path, message, &picks.rows);
    finding.expected = "no span".to_owned();
    finding.actual = text::count(picks.rows.len(), "span");
    State::lacks(if cx.is_up(query) { Lack::Final } else { Lack::Violated }, finding).into()
}

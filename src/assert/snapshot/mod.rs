//! `snapshot`: the shape of a trace equals one that was accepted before.
//!
//! A shape is text: one line a kind of span, indented below its parent. It has no ids and no times, siblings stand in an
//! order of their own (that of a trace is a race), repeats are one line with how often they occur below one parent
//! (`x3`, or `x1..3` where parents differ), and of attributes only what is the same in every run. In an accepted shape
//! a range may be widened by hand.

mod compare;
mod describe;
mod shape;

pub use shape::shape;

use super::cx::{Cx, MOST_SPANS};
use super::state::{Lack, Outcome, State};
use crate::matcher::count_of;
use crate::redact::Redactor;
use crate::spec::plan::{Accepted, Expectation};
use crate::trace::{SpanIx, Trace};

impl Accepted {
    /// Whether a shape is the accepted one, or within the ranges that were written into it.
    pub fn admits(&self, shape: &str) -> bool {
        match self {
            Accepted::Shape { text, .. } => compare::compare(text, shape).is_none(),
            Accepted::Any => true,
        }
    }
    /// The shape of a trace as it may be kept: without the values of attributes that this redactor hides.
    pub fn shape_of(trace: &Trace, redactor: &Redactor) -> String {
        shape::shape_without(trace, redactor)
    }
}

pub(super) fn judge(cx: &Cx<'_>, name: &str, accepted: Option<&Accepted>, at: &Expectation) -> Outcome {
    let name = super::text::safe(name);
    let Some(accepted) = accepted else {
        let mut finding = cx.finding(at.at, &at.path, format!("There is no accepted snapshot {name}."), &[]);
        finding.expected = format!("the accepted shape {name}");
        finding.actual = "none".to_owned();
        finding.hint = Some("look at the pending shape, then accept it with `tracespec run --accept`".to_owned());
        return State::lacks(Lack::Violated, finding).into();
    };
    // To be accepted, a shape must be whole as one that is compared: more spans could change it.
    let Accepted::Shape { text, redactor } = accepted else { return State::Holds.into() };
    let lines = shape::lines(cx.trace, redactor);
    let now: String = lines.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect();
    let difference = compare::compare(text, &now);
    let Some(difference) = difference else { return State::Holds.into() };
    let what = match (difference.gone, difference.new) {
        (0, new) => format!("{} new", count_of(new, "line")),
        (gone, 0) => format!("{} gone", count_of(gone, "line")),
        (gone, new) => format!("{} gone and {} new", count_of(gone, "line"), count_of(new, "line")),
    };
    let message = format!("The trace has not the accepted shape {name}: {what}.");
    let rows = difference.new_lines.iter().filter_map(|&at| lines.get(at)).flat_map(|(_, rows)| rows.iter().copied());
    let rows: Vec<SpanIx> = rows.take(MOST_SPANS).collect();
    let mut finding = cx.finding(at.at, &at.path, message, &rows);
    finding.expected = format!("the accepted shape {name} (-)");
    finding.actual = difference.text;
    finding.hint = Some("if the new shape is right, accept it with `tracespec run --accept`".to_owned());
    // What is gone may still come; what is new does not go away.
    State::lacks(if difference.gone > 0 { Lack::Partial } else { Lack::Violated }, finding).into()
}

//! `snapshot`: the shape of a trace equals one that was accepted before.
//!
//! A shape is text: one line a kind of span, indented below its parent. It has no ids and no times, siblings stand in an
//! order of their own (that of a trace is a race), repeats are one line with how often they occur below one parent
//! (`x3`, or `x1..3` where parents differ), and of attributes only what is the same in every run. In an accepted shape
//! a range may be widened by hand.

mod changed;
mod compare;
mod describe;
mod shape;

pub use shape::shape;

use super::judging::{Judging, MOST_SPANS};
use super::logic::Cond;
use super::rule::RuleId;
use super::state::{Outcome, State};
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

pub(super) fn judge(cx: &Judging<'_>, name: &str, accepted: Option<&Accepted>, at: &Expectation) -> Outcome {
    let name = super::text::safe(name);
    let Some(accepted) = accepted else {
        let mut finding = cx.finding(
            RuleId::SnapshotAccepted,
            at.at,
            &at.path,
            format!("There is no accepted snapshot `{name}`."),
            &[],
        );
        finding.expected = format!("the accepted shape `{name}`");
        finding.actual = "none".to_owned();
        finding.hint = Some(format!(
            "look at the shape that the trace has (where `CI` is not set, a run leaves it in `{name}.pending`), then accept it \
             with `tracespec run --accept`"
        ));
        return State::lacks(Cond::VIOLATED, finding).into();
    };
    // To be accepted, a shape must be whole as one that is compared: more spans could change it.
    let Accepted::Shape { text, redactor } = accepted else { return Cond::HOLDS.into() };
    let lines = shape::lines(cx.trace, redactor);
    let now: String = lines.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect();
    let difference = compare::compare(text, &now);
    let Some(difference) = difference else { return Cond::HOLDS.into() };
    let changed = difference.changed;
    let what: Vec<String> =
        [(changed, "changed"), (difference.gone - changed, "gone"), (difference.new - changed, "new")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, how)| format!("{} {how}", count_of(number, "line")))
            .collect();
    let message = format!("The trace differs from the accepted snapshot `{name}`: {}.", what.join(", "));
    let rows = difference.new_lines.iter().filter_map(|&at| lines.get(at)).flat_map(|(_, rows)| rows.iter().copied());
    let rows: Vec<SpanIx> = rows.take(MOST_SPANS).collect();
    let mut finding = cx.finding(RuleId::SnapshotShape, at.at, &at.path, message, &rows);
    finding.expected =
        format!("the accepted shape `{name}`: `-` is only in it, `+` only in this trace, `~` other than in it");
    finding.actual = difference.text;
    finding.hint = Some("if the new shape is right, accept it with `tracespec run --accept`".to_owned());
    // What is gone may still come; what is new does not go away.
    State::lacks(if difference.gone > 0 { Cond::PARTIAL } else { Cond::VIOLATED }, finding).into()
}

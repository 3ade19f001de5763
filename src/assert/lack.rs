//! What a finding says is not there: findings that lack the same have one cause.

use super::criteria::{self, Criterion};
use super::judging::Judging;
use super::text;
use crate::select::Field;
use crate::spec::plan::Selector;

/// Something that a trace should have and has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lack {
    /// Any span of the service of this name.
    Service(String),
    /// Any span that a selection, written so, picks.
    Selection(String),
}

/// What is lacking where a selection picks nothing: the selection, and the service that it asks for if that has no span.
pub(super) fn of_selection(cx: &Judging<'_>, select: &Selector) -> Vec<Lack> {
    let mut lacks = vec![Lack::Selection(text::keys_of(select))];
    let criteria = criteria::expr(&select.query).map(criteria::of).unwrap_or_default();
    lacks.extend(criteria.into_iter().find_map(|criterion| match criterion {
        Criterion::Key(test, _) if test.field == Field::Service => of_service(cx, text::literal_of(&test.matcher)?),
        _ => None,
    }));
    lacks
}

/// A service, if the trace has no span of it.
pub(super) fn of_service(cx: &Judging<'_>, name: &str) -> Option<Lack> {
    cx.facts.service(name).is_none().then(|| Lack::Service(name.to_owned()))
}

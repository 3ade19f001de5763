//! What a span may still say that was received without an end: it was not over, so its status was still to be set, and it
//! may have got attributes, events, links and children. What rests on none of that is decided all the same.

use super::criteria::{self, Criterion};
use crate::matcher::Fact as Actual;
use crate::select::Field;
use crate::spec::plan::{Check, Fact, Quantifier, Selector};

/// Whether a verdict may rest on what such a span still had to say. It does not where spans are picked by what they are from
/// their beginning, and all that is said of each is what it has, or what is known to be open where it is looked at.
pub(super) fn matters(check: &Check) -> bool {
    let Check::Spans(check) = check else { return true };
    let counts = check.count.is_some() || check.optional || check.distinct || check.quantifier != Quantifier::All;
    counts || !is_by_identity(&check.select) || check.facts.iter().any(|fact| may_change(&fact.value))
}

fn is_by_identity(select: &Selector) -> bool {
    let is_fixed = |field: &Field| match field {
        Field::Service | Field::Name | Field::Kind | Field::Resource(_) => true,
        Field::ScopeName | Field::ScopeVersion | Field::ScopeAttribute(_) => true,
        Field::Status | Field::StatusMessage | Field::Duration | Field::Attribute(_) => false,
    };
    let fixed = |criterion: &Criterion<'_>| matches!(criterion, Criterion::Key(test, _) if is_fixed(&test.field));
    criteria::expr(&select.query).is_some_and(|expr| criteria::of(expr).iter().all(fixed))
}

/// Whether a fact that holds may not hold of the span once it has ended.
fn may_change(fact: &Fact) -> bool {
    match fact {
        Fact::Name(_) | Fact::Service(_) | Fact::Kind(_) | Fact::Resource(..) | Fact::Scope(..) => false,
        // Without an end it is not known.
        Fact::Duration(_) => false,
        Fact::Attribute(_, matcher) => matcher.test(&Actual::Missing),
        _ => true,
    }
}

//! Which expectations need the times of all spans: only those are open because the times of some span are not known.
//! What needs the times of single spans is open where it looks at them (`order`, a fact of a span, a selection in doubt).

use crate::select::Query;
use crate::spec::plan::{Check, Fact, Order, Per, Selector, SpanCheck, StructureNode};

/// Whether a verdict may rest on when any span started or ended.
pub(super) fn needed(check: &Check) -> bool {
    match check {
        Check::Duration { of_root, .. } => !of_root,
        Check::ClockSkew | Check::CriticalPath(_) | Check::Serial(_) | Check::Concurrency(_) => true,
        Check::Repeats(repeats) => repeats.except.iter().any(combines),
        Check::Gaps(gaps) => gaps.select.as_ref().is_some_and(combines),
        Check::TraceQl { query, .. } => query.combines_times(),
        Check::Errors(errors) => errors.allow.iter().any(combines),
        Check::Spans(check) => by_span(check),
        Check::Order(order) => by_order(order),
        Check::Structure(structure) => by_node(&structure.tree),
        Check::Services(_)
        | Check::Calls(_)
        | Check::SpanCount(_)
        | Check::Depth(_)
        | Check::Roots(_)
        | Check::FanOut(_)
        | Check::Chain(_)
        // A rule that needs times says itself where they are missing.
        | Check::Conventions(_)
        | Check::Propagation
        | Check::Network(_)
        | Check::Snapshot { .. } => false,
    }
}

fn combines(select: &Selector) -> bool {
    Query::combines_times(&select.query)
}

fn by_span(check: &SpanCheck) -> bool {
    let by_fact = |fact: &Fact| match fact {
        Fact::Parent(select) | Fact::Ancestor(select) | Fact::Child(select, _) => combines(select),
        Fact::Link(link) => link.span.as_ref().is_some_and(combines),
        _ => false,
    };
    combines(&check.select) || check.facts.iter().any(|fact| by_fact(&fact.value))
}

fn by_order(order: &Order) -> bool {
    match order {
        Order::Relation(relation) => {
            let under = matches!(&relation.per, Per::Under(select) if combines(select));
            under || combines(&relation.first) || combines(&relation.then)
        }
        Order::Sequence(all) | Order::Parallel(all) => all.iter().any(combines),
        Order::Never(first, then) => combines(first) || combines(then),
    }
}

fn by_node(top: &StructureNode) -> bool {
    let mut open = vec![top];
    while let Some(node) = open.pop() {
        if combines(&node.select) {
            return true;
        }
        open.extend(&node.children);
    }
    false
}

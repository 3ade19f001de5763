//! Time that nothing accounts for: in a leaf, or between spans.

use super::costs::Costs;
use super::{Finding, Kind};
use crate::analyse::critical_path::CriticalPath;
use crate::analyse::whole::Analyses;
use crate::trace::SpanIx;
use std::collections::HashMap;

/// A leaf that alone has half of the root is worth a look from half a second on.
const LEAST_LEAF: (u64, u64) = (2, 500_000_000);
/// Time that nothing accounts for: a tenth of the root, and 200 ms.
const LEAST_GAP: (u64, u64) = (10, 200_000_000);

pub(super) fn slow_leaf(analyses: &Analyses<'_>, costs: &Costs<'_>, found: &mut Vec<Finding>) {
    let trace = analyses.trace();
    let leaf = |ix: &SpanIx| trace.tree().children(*ix).is_empty();
    let times = analyses.path.iter().flat_map(CriticalPath::self_times);
    for (ix, time) in times.filter(|(ix, time)| leaf(ix) && costs.is_worth(*time, LEAST_LEAF)) {
        // A single span is the whole request: there is nothing to compare it with.
        if trace.tree().parent(ix).is_none() {
            continue;
        }
        let finding = Finding::at(Kind::SlowLeaf, trace.span(ix), vec![ix]);
        found.push(Finding { time_ns: trace.span(ix).duration_ns(), cost_ns: time, ..finding });
    }
}

pub(super) fn gaps(analyses: &Analyses<'_>, costs: &Costs<'_>, found: &mut Vec<Finding>) {
    let Some(path) = &analyses.path else { return };
    let mut sections: HashMap<SpanIx, Vec<(u64, u64)>> = HashMap::new();
    for section in path.sections.iter().filter(|section| costs.is_worth(costs.of_span(section.span), LEAST_GAP)) {
        sections.entry(section.span).or_default().push((section.start_ns, section.end_ns));
    }
    for gap in analyses.gaps.iter().filter(|gap| costs.is_worth(gap.duration_ns(), LEAST_GAP)) {
        let own = sections.get(&gap.span).into_iter().flatten();
        let cost_ns = own.map(|(from, to)| (*to).min(gap.end_ns).saturating_sub((*from).max(gap.start_ns))).sum();
        if !costs.is_worth(cost_ns, LEAST_GAP) {
            continue;
        }
        let finding = Finding::at(Kind::Gap, analyses.trace().span(gap.span), vec![gap.span]);
        found.push(Finding { detail: gap.position.word().to_owned(), time_ns: gap.duration_ns(), cost_ns, ..finding });
    }
}

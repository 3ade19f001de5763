//! What is broken: spans that do not hang together, calls without an answer, failures.

use super::{Finding, Kind};
use crate::analyse::Root;
use crate::analyse::whole::Analyses;
use crate::facts::Callee;
use crate::trace::SpanIx;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn hangs_together(analyses: &Analyses<'_>, services: &BTreeSet<&str>, found: &mut Vec<Finding>) {
    let (trace, facts) = (analyses.trace(), &analyses.facts);
    let own = |ix: &SpanIx| facts.is_own(*ix);
    let mut orphans: BTreeMap<&str, Vec<SpanIx>> = BTreeMap::new();
    for ix in trace.tree().orphans().iter().copied().filter(own) {
        orphans.entry(trace.span(ix).service()).or_default().push(ix);
    }
    found.extend(orphans.into_values().map(|rows| Finding::at(Kind::Orphans, trace.span(rows[0]), rows)));
    if let Root::Several(roots) = &analyses.root {
        found.push(Finding::at(Kind::Roots, trace.span(roots[0]), roots.clone()));
    }
    let mut unanswered: BTreeMap<(&str, String), Vec<SpanIx>> = BTreeMap::new();
    for edge in facts.edges().all() {
        let Callee::Named(named) = edge.to() else { continue };
        let span = trace.span(edge.span);
        let failed = span.is_error();
        // Something that is called by a service's name, or a name that exports spans elsewhere, would have answered here.
        let by_service = || crate::facts::semconv::Attr::PeerService.text(span);
        let known = named.names().iter().find(|name| services.contains(name.as_str())).cloned();
        let Some(callee) =
            known.or_else(by_service).filter(|_| !failed && !edge.is_infrastructure() && own(&edge.span))
        else {
            continue;
        };
        unanswered.entry((span.service(), callee)).or_default().push(edge.span);
    }
    for ((_, callee), rows) in unanswered {
        found.push(Finding { callee, ..Finding::at(Kind::Unanswered, trace.span(rows[0]), rows) });
    }
}

pub(super) fn failures(analyses: &Analyses<'_>, found: &mut Vec<Finding>) {
    let (trace, tree) = (analyses.trace(), analyses.trace().tree());
    let mut hidden = vec![false; trace.len()];
    analyses.unreported.known.iter().for_each(|ix| hidden[ix.index()] = true);
    for &ix in tree.preorder() {
        if let Some(parent) = tree.parent(ix) {
            hidden[ix.index()] |= hidden[parent.index()];
        }
    }
    // A failure goes by the innermost span that failed.
    let mut innermost: Vec<bool> = trace.spans().map(|span| span.is_error()).collect();
    let mut fails_below = vec![false; trace.len()];
    for &ix in tree.preorder().iter().rev() {
        innermost[ix.index()] &= !fails_below[ix.index()];
        if let Some(parent) = tree.parent(ix) {
            fails_below[parent.index()] |= fails_below[ix.index()] || trace.span(ix).is_error();
        }
    }
    let mut groups: BTreeMap<(Kind, &str, &str, &str), Vec<SpanIx>> = BTreeMap::new();
    let mut add = |kind: Kind, ix: SpanIx| {
        let span = trace.span(ix);
        groups.entry((kind, span.service(), span.name(), span.status_message())).or_default().push(ix);
    };
    analyses.unreported.known.iter().for_each(|&ix| add(Kind::Swallowed, ix));
    for span in trace.spans().filter(|span| innermost[span.ix().index()] && !hidden[span.ix().index()]) {
        add(Kind::Error, span.ix());
    }
    for ((kind, .., message), rows) in groups {
        let time_ns = rows.iter().map(|&ix| trace.span(ix).duration_ns()).fold(0, u64::saturating_add);
        let finding = Finding::at(kind, trace.span(rows[0]), rows);
        found.push(Finding { detail: message.to_owned(), time_ns, ..finding });
    }
}

//! The names that occur in a trace: services, spans, attribute keys.

use crate::trace::{SpanIx, Sym, Trace};
use std::collections::HashSet;

/// The first span of each service, in the order of the services' names.
pub(super) fn services(trace: &Trace) -> Vec<SpanIx> {
    let mut seen: HashSet<Sym> = HashSet::new();
    let first = trace.services.iter().enumerate().filter(|(_, service)| seen.insert(**service));
    let mut first: Vec<SpanIx> = first.map(|(row, _)| SpanIx(row as u32)).collect();
    first.sort_unstable_by_key(|ix| trace.text(trace.services[ix.index()]));
    first
}

/// The names of the trace's spans, in the order of their text.
pub(super) fn span_names(trace: &Trace) -> Vec<Sym> {
    sorted(trace, trace.names.iter().copied())
}

/// The attribute keys of the trace's spans and resources, in the order of their text.
pub(super) fn attribute_keys(trace: &Trace) -> Vec<Sym> {
    let resources = trace.resources().iter().flat_map(|resource| resource.attributes.iter());
    sorted(trace, trace.attributes.keys().iter().copied().chain(resources.map(|(key, _)| *key)))
}

fn sorted(trace: &Trace, syms: impl Iterator<Item = Sym>) -> Vec<Sym> {
    let mut seen = vec![false; trace.symbols().len()];
    syms.for_each(|sym| seen[sym.index()] = true);
    let mut found: Vec<Sym> = trace.symbols().iter().map(|(sym, _)| sym).filter(|sym| seen[sym.index()]).collect();
    found.sort_unstable_by_key(|&sym| trace.text(sym));
    found
}

/// Whether a text is among names in the order of their text.
pub(super) fn has(trace: &Trace, sorted: &[Sym], name: &str) -> bool {
    sorted.binary_search_by_key(&name, |&sym| trace.text(sym)).is_ok()
}

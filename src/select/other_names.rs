//! TraceQL under other names of its attributes. A query is exact about names, as Tempo is; but an absence that holds
//! because a service has renamed an attribute is none, so who judges one asks here as well.
//!
//! Some names' values cannot be compared with those of the name asked for. What they are is then as open as what was lost
//! of a span, and the query picks some spans for certain and others perhaps.

use super::ast::*;
use super::facts::{Focus, named};
use super::fields::AliasUse;
use super::index::Index;
use super::reading::Reading;
use super::walk::{Part, attributes, parts};
use crate::matcher::Fact;
use crate::matcher::alias::{self, Found, Other};
use crate::trace::{SpanIx, Sym, Trace};
use std::collections::BTreeSet;

/// An attribute that some span of the trace may have under another name.
#[derive(Debug, Clone)]
pub(super) struct Renamed<'q> {
    pub(super) scope: Scope,
    asked: &'q str,
    key: Option<Sym>,
    others: Vec<(Other, Sym, bool)>,
}

impl<'q> Renamed<'q> {
    /// `None` where exact names will do.
    pub(super) fn of(attribute: &'q Attribute, reading: Reading<'_>, trace: &Trace) -> Option<Renamed<'q>> {
        let (Attribute::Named { scope, name, .. }, Reading::OtherNames { written }) = (attribute, reading) else {
            return None;
        };
        let there = |other: Other| {
            let (key, both_asked) = (trace.symbols().get(&other.name)?, written.contains(&*other.name));
            Some((other, key, both_asked))
        };
        let others: Vec<_> = alias::others(name).filter_map(there).collect();
        let key = trace.symbols().get(name);
        (!others.is_empty()).then_some(Renamed { scope: *scope, asked: name, key, others })
    }

    pub(super) fn find<'t>(&self, index: &Index<'t>, ix: SpanIx, focus: Focus<'t>) -> Found<'t> {
        let trace = index.trace();
        let get = |key| named(trace, self.scope, key, ix, focus).map(|value| Fact::of(value, trace));
        if let Some(fact) = self.key.and_then(get) {
            return Found::Asked(fact);
        }
        let kind = |key| match self.scope {
            Scope::Span => Some(trace.span(ix).kind()),
            Scope::Any => trace.attributes.get(ix, key).map(|_| trace.span(ix).kind()),
            Scope::Resource | Scope::Event | Scope::Link | Scope::Instrumentation => None,
        };
        alias::best(self.others.iter().filter_map(|(other, key, both_asked)| {
            Some(other.read(get(*key)?, kind(*key)))
                .filter(|found| !(*both_asked && matches!(found, Found::Refused { .. })))
        }))
    }

    /// The other names that a span has it under.
    fn uses(&self, index: &Index<'_>, ix: SpanIx, used: &mut BTreeSet<AliasUse>) {
        let span = index.trace().span(ix);
        let mut look = |focus| used.extend(AliasUse::of(&self.find(index, ix, focus), self.asked));
        match self.scope {
            Scope::Event => span.events().iter().for_each(|event| look(Focus { event: Some(event), link: None })),
            Scope::Link => span.links().iter().for_each(|link| look(Focus { event: None, link: Some(link) })),
            _ => look(Focus::default()),
        }
    }
}

/// What a query picks once its attributes are found under their other names too.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderOtherNames {
    /// The rows, sorted.
    pub spans: Vec<SpanIx>,
    /// Whether they are picked for certain; else only if values that cannot be compared are what the query asks for.
    pub certain: bool,
    /// The names: those that these spans have if any, else those of the trace.
    pub aliases: Vec<AliasUse>,
}

impl Query {
    /// The attribute names that a TraceQL query tests.
    pub fn attribute_names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for expr in parts(self).into_iter().filter_map(Part::expr) {
            attributes(expr, &mut |attribute| {
                if let Attribute::Named { name, .. } = attribute {
                    names.insert(name.as_str());
                }
            });
        }
        names
    }

    /// What a TraceQL query picks where its attributes are found under their other names too. `None`: nothing, or no span
    /// has any of them under another name only.
    pub fn under_other_names(&self, index: &Index<'_>) -> Option<UnderOtherNames> {
        let written = self.attribute_names();
        let mut renamed = Vec::new();
        for expr in parts(self).into_iter().filter_map(Part::expr) {
            let reading = Reading::OtherNames { written: &written };
            attributes(expr, &mut |attribute| renamed.extend(Renamed::of(attribute, reading, index.trace())));
        }
        let uses = |rows: &mut dyn Iterator<Item = SpanIx>| {
            let mut used = BTreeSet::new();
            rows.for_each(|ix| renamed.iter().for_each(|one| one.uses(index, ix, &mut used)));
            used
        };
        let all = if renamed.is_empty() { BTreeSet::new() } else { uses(&mut index.all().spans().into_iter()) };
        if all.is_empty() {
            return None;
        }
        let picked = self.picked(index, Reading::OtherNames { written: &written });
        let certain = !picked.surely.is_empty();
        let rows = if certain { picked.surely } else { picked.possibly };
        if rows.is_empty() {
            return None;
        }
        let own = uses(&mut rows.iter().copied());
        let wanted = |one: &&AliasUse| certain || one.refused.is_some();
        let some = |from: &BTreeSet<AliasUse>| from.iter().filter(wanted).cloned().collect::<Vec<_>>();
        let aliases = Some(some(&own)).filter(|own| !own.is_empty()).unwrap_or_else(|| some(&all));
        Some(UnderOtherNames { spans: rows, certain, aliases })
    }
}

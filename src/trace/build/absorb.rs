//! Joining builders, so that a receiver can decode a batch beside its store and add the result to a trace at hand.

use super::TraceBuilder;
use super::received::{Lists, attributes_memory};
use super::record::SpanHead;
use super::renamed::Renamed;
use crate::trace::ids::TraceId;
use crate::trace::model::{Resource, Scope, Value};
use crate::trace::symbols::Sym;

impl TraceBuilder {
    /// Adds all that `other` collected.
    pub fn absorb(&mut self, mut other: TraceBuilder) {
        if self.is_empty() && self.resources.is_empty() && self.scopes.is_empty() {
            std::mem::swap(self, &mut other);
        }
        self.invalid += other.invalid;
        self.partial |= other.partial;
        self.remarks.append(&mut other.remarks);
        self.losses.append(&mut other.losses);
        if other.is_empty() {
            return;
        }
        // `Symbols::iter` goes by position, so the n-th text is that of symbol n.
        let syms: Vec<Sym> =
            other.symbols.iter().map(|(sym, _)| self.symbols.intern_from(&other.symbols, sym)).collect();
        let mut map = Renamed::new(syms);
        map.resources = other
            .resources
            .into_iter()
            .map(|resource| self.resource(map.attributes(resource.attributes.into_vec())))
            .collect();
        let scopes = other.scopes.into_iter().map(|scope| {
            let (name, version) = (other.symbols.text(scope.name), other.symbols.text(scope.version));
            self.scope(name, version, map.attributes(scope.attributes.into_vec()))
        });
        map.scopes = scopes.collect();
        self.received.append(other.received, &map);
    }

    /// The names of the services met so far, sorted; spans without one are left out.
    pub fn services(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.resources.iter().map(|resource| self.symbols.text(resource.service)).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The spans added so far, each with the text that its resource has under this key and with its service.
    pub(crate) fn marked<'b>(
        &'b self,
        key: &str,
    ) -> impl Iterator<Item = (Option<&'b str>, &'b str, &'b SpanHead, Lists<'b>)> {
        let key = self.symbols.get(key);
        let mark = move |resource: &'b Resource| {
            let (_, value) = resource.attributes.iter().find(|(at, _)| Some(*at) == key)?;
            if let Value::Str(mark) = value { Some(self.symbols.text(*mark)) } else { None }
        };
        // Looked up once for each resource; without the key there is nothing to look for.
        let marks: Vec<Option<&str>> = self.resources.iter().map(|one| key.and_then(|_| mark(one))).collect();
        self.received.all().map(move |(head, lists)| {
            let at = head.resource.0 as usize;
            (marks.get(at).copied().flatten(), self.symbols.text(self.resources[at].service), head, lists)
        })
    }

    /// The traces that spans added so far link to, sorted.
    pub fn linked(&self) -> Vec<TraceId> {
        let mut ids: Vec<TraceId> = self.received.links().iter().map(|link| link.trace_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// About how many bytes of memory this builder holds, for those who bound it: its arrays with the room they have, since in traces of few
    /// spans that is as much again.
    pub fn memory(&self) -> usize {
        let resources: usize = self.resources.iter().map(|resource| 32 + attributes_memory(&resource.attributes)).sum();
        let scopes: usize = self.scopes.iter().map(|scope| 32 + attributes_memory(&scope.attributes)).sum();
        let tables = self.resource_rows.allocation_size() + self.scope_rows.allocation_size();
        let arrays = self.resources.capacity() * size_of::<Resource>() + self.scopes.capacity() * size_of::<Scope>();
        let remarks: usize = self.remarks.iter().map(|remark| size_of::<String>() + remark.len()).sum();
        let own = size_of::<TraceBuilder>() + tables + arrays + remarks;
        own + resources + scopes + self.symbols.memory() + self.received.memory()
    }
}

#[cfg(test)]
#[path = "absorb_tests.rs"]
mod tests;

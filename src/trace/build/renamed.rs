//! What is numbered in one builder (symbols, resources, scopes), as it is numbered in another.

use crate::trace::model::{Event, Link, ResourceIx, ScopeIx, Value};
use crate::trace::symbols::Sym;

/// By number in the one: the number in the other.
pub(super) struct Renamed {
    syms: Vec<Sym>,
    pub(super) resources: Vec<ResourceIx>,
    pub(super) scopes: Vec<ScopeIx>,
}

impl Renamed {
    pub(super) fn new(syms: Vec<Sym>) -> Renamed {
        Renamed { syms, resources: Vec::new(), scopes: Vec::new() }
    }
    pub(super) fn sym(&self, sym: Sym) -> Sym {
        self.syms.get(sym.index()).copied().unwrap_or(Sym::EMPTY)
    }
    pub(super) fn attributes(&self, attributes: Vec<(Sym, Value)>) -> Vec<(Sym, Value)> {
        attributes.into_iter().map(|(key, value)| (self.sym(key), self.value(value))).collect()
    }
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            Value::Str(sym) => Value::Str(self.sym(sym)),
            Value::Array(items) => Value::Array(items.into_vec().into_iter().map(|item| self.value(item)).collect()),
            Value::Map(entries) => Value::Map(self.attributes(entries.into_vec()).into()),
            other => other,
        }
    }
    pub(super) fn event(&self, event: Event) -> Event {
        let attributes = self.attributes(event.attributes.into_vec()).into_boxed_slice();
        Event { name: self.sym(event.name), attributes, ..event }
    }
    pub(super) fn link(&self, link: Link) -> Link {
        let attributes = self.attributes(link.attributes.into_vec()).into_boxed_slice();
        Link { trace_state: self.sym(link.trace_state), attributes, ..link }
    }
}

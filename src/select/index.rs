//! What evaluating queries on one trace computes once: rows by name and by resource, nested-set numbers.

use super::ast::Scope;
use super::bits::Bits;
use super::postings::Postings;
use crate::trace::{Attributes, SpanIx, Sym, Trace, Value};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

/// A trace with what queries on it share. Keep one for as long as a trace is judged.
#[derive(Debug)]
pub struct Index<'t> {
    trace: &'t Trace,
    nested: OnceCell<Vec<Nested>>,
    names: OnceCell<Postings>,
    resources: OnceCell<Postings>,
    all: OnceCell<Bits>,
    types: RefCell<HashMap<(Scope, Sym), Types>>,
}

/// Tempo's nested-set numbers of a span; zeros in parts that hang from a missing parent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Nested {
    pub(super) left: i64,
    pub(super) right: i64,
    /// The parent's left number; -1 for a root.
    pub(super) parent: i64,
}

/// Which types the values of an attribute have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Types {
    pub(super) text: bool,
    pub(super) scalar: bool,
}

impl Types {
    pub(super) fn of<'v>(values: impl Iterator<Item = &'v Value>) -> Types {
        values.fold(Types::default(), Types::with)
    }
    /// An array has the types of its elements.
    fn with(self, value: &Value) -> Types {
        match value {
            Value::Str(_) => Types { text: true, ..self },
            Value::Bool(_) | Value::Int(_) | Value::Double(_) => Types { scalar: true, ..self },
            Value::Array(items) => items.iter().filter(|item| !matches!(item, Value::Array(_))).fold(self, Types::with),
            Value::Empty | Value::Bytes(_) | Value::Map(_) => self,
        }
    }
}

pub(super) fn find(attributes: &Attributes, key: Sym) -> Option<&Value> {
    attributes.iter().find(|(at, _)| *at == key).map(|(_, value)| value)
}

impl<'t> Index<'t> {
    /// An index that has computed nothing yet.
    pub fn new(trace: &'t Trace) -> Index<'t> {
        Index {
            trace,
            nested: OnceCell::new(),
            names: OnceCell::new(),
            resources: OnceCell::new(),
            all: OnceCell::new(),
            types: RefCell::default(),
        }
    }
    /// The trace.
    pub fn trace(&self) -> &'t Trace {
        self.trace
    }
    pub(super) fn all(&self) -> &Bits {
        self.all.get_or_init(|| Bits::full(self.trace.len()))
    }
    /// Rows by the symbols of their names.
    pub(super) fn names(&self) -> &Postings {
        let trace = self.trace;
        self.names.get_or_init(|| Postings::new(trace.names.iter().map(|name| name.0), trace.symbols().len()))
    }
    /// Rows by their resources, and so by service.
    pub(super) fn resources(&self) -> &Postings {
        let trace = self.trace;
        self.resources.get_or_init(|| Postings::new(trace.resource_of.iter().map(|at| at.0), trace.resources.len()))
    }
    /// The types of an attribute's values.
    pub(super) fn types(&self, scope: Scope, key: Sym) -> Types {
        let known = self.types.borrow().get(&(scope, key)).copied();
        known.unwrap_or_else(|| {
            let types = self.types_of(scope, key);
            self.types.borrow_mut().insert((scope, key), types);
            types
        })
    }
    fn types_of(&self, scope: Scope, key: Sym) -> Types {
        let trace = self.trace;
        let own = || trace.attributes.column(key).map(|(_, value)| value);
        let in_resources = || trace.resources.iter().filter_map(|resource| find(&resource.attributes, key));
        match scope {
            Scope::Span => Types::of(own()),
            Scope::Resource => Types::of(in_resources()),
            Scope::Any => Types::of(own().chain(in_resources())),
            Scope::Event => Types::of(trace.events.iter().filter_map(|event| find(&event.attributes, key))),
            Scope::Link => Types::of(trace.links.iter().filter_map(|link| find(&link.attributes, key))),
            Scope::Instrumentation => Types::of(trace.scopes.iter().filter_map(|scope| find(&scope.attributes, key))),
        }
    }
    pub(super) fn nested(&self, ix: SpanIx) -> Nested {
        self.nested.get_or_init(|| number(self.trace))[ix.index()]
    }
}

/// A span's left number is taken on the way down, its right one on the way up; trees of several roots follow on.
fn number(trace: &Trace) -> Vec<Nested> {
    let tree = trace.tree();
    let mut numbers = vec![Nested::default(); trace.len()];
    let mut next = 1i64;
    let mut open: Vec<SpanIx> = Vec::new();
    let close = |open: &mut Vec<SpanIx>, numbers: &mut Vec<Nested>, next: &mut i64, until: Option<SpanIx>| {
        while let Some(&top) = open.last().filter(|&&top| Some(top) != until) {
            numbers[top.index()].right = *next;
            *next += 1;
            open.pop();
        }
    };
    for &ix in tree.preorder().iter().filter(|&&ix| tree.is_connected(ix)) {
        let parent = tree.parent(ix);
        close(&mut open, &mut numbers, &mut next, parent);
        let left = next;
        next += 1;
        numbers[ix.index()] =
            Nested { left, right: 0, parent: parent.map_or(-1, |parent| numbers[parent.index()].left) };
        open.push(ix);
    }
    close(&mut open, &mut numbers, &mut next, None);
    numbers
}

//! What evaluating queries on one trace computes once: where each attribute key occurs, nested-set numbers.

use super::bits::Bits;
use crate::trace::{SpanIx, Sym, Trace};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// A trace with what queries on it share. Keep one for as long as a trace is judged.
#[derive(Debug)]
pub struct Index<'t> {
    trace: &'t Trace,
    keys: RefCell<HashMap<Sym, Rc<Occurrences>>>,
    nested: OnceCell<Vec<Nested>>,
    all: OnceCell<Bits>,
}

/// Where one attribute key occurs on spans.
#[derive(Debug, Default)]
pub(super) struct Occurrences {
    /// The rows, ascending.
    pub(super) rows: Vec<u32>,
    /// Where in the attribute columns each one's value is.
    pub(super) slots: Vec<u32>,
}

/// Tempo's nested-set numbers of a span; zeros in parts that hang from a missing parent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Nested {
    pub(super) left: i64,
    pub(super) right: i64,
    /// The parent's left number; -1 for a root.
    pub(super) parent: i64,
}

impl<'t> Index<'t> {
    /// An index that has computed nothing yet.
    pub fn new(trace: &'t Trace) -> Index<'t> {
        Index { trace, keys: RefCell::default(), nested: OnceCell::new(), all: OnceCell::new() }
    }
    /// The trace.
    pub fn trace(&self) -> &'t Trace {
        self.trace
    }
    pub(super) fn all(&self) -> &Bits {
        self.all.get_or_init(|| Bits::full(self.trace.len()))
    }
    /// Where spans have an attribute with this key.
    pub(super) fn occurrences(&self, key: Sym) -> Rc<Occurrences> {
        if let Some(found) = self.keys.borrow().get(&key) {
            return found.clone();
        }
        let trace = self.trace;
        let mut found = Occurrences::default();
        let mut row = 0usize;
        for (slot, _) in trace.attribute_keys.iter().enumerate().filter(|(_, at)| **at == key) {
            // Each slot belongs to the first row whose part ends after it.
            while trace.attribute_offsets[row + 1] as usize <= slot {
                row += 1;
            }
            found.rows.push(row as u32);
            found.slots.push(slot as u32);
        }
        let found = Rc::new(found);
        self.keys.borrow_mut().insert(key, found.clone());
        found
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

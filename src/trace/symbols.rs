//! Interned strings: one number for each distinct text of a trace, so that comparing names is comparing numbers.

use indexmap::{Equivalent, IndexSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A string of one trace's [`Symbols`]. Meaningful only together with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sym(pub(crate) u32);

impl Sym {
    /// The empty string, the same in every trace.
    pub const EMPTY: Sym = Sym(0);

    /// The position in [`Symbols`], for tables indexed by symbol.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The distinct strings of a trace. The text of an attribute's value that was received without its type is another string than the same
/// text that is known to be text.
// The default hasher: keys come from outside, and a fast hash without a seed can be flooded.
#[derive(Debug, Clone)]
pub struct Symbols {
    /// Shared by a builder and the traces that it builds, until it meets another text.
    set: Arc<IndexSet<Owned>>,
    any_untyped: bool,
    /// Texts that are shown in place of others, by symbol.
    masked: BTreeMap<u32, Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Owned {
    text: Box<str>,
    untyped: bool,
}

/// Hashes as [`Owned`] does: the same fields in the same order.
#[derive(Hash)]
struct Borrowed<'a> {
    text: &'a str,
    untyped: bool,
}

impl Equivalent<Owned> for Borrowed<'_> {
    fn equivalent(&self, other: &Owned) -> bool {
        self.text == &*other.text && self.untyped == other.untyped
    }
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Symbols { set: Arc::default(), any_untyped: false, masked: BTreeMap::new() };
        symbols.put("", false);
        symbols
    }
}

impl Symbols {
    /// The symbol of `text`, made if it is new.
    pub fn intern(&mut self, text: &str) -> Sym {
        self.put(text, false)
    }
    /// The symbol of a value's text that may stand for a number or a boolean, since its format has text only.
    pub fn intern_untyped(&mut self, text: &str) -> Sym {
        self.put(text, true)
    }
    /// The symbol here of a symbol of `other`.
    pub(super) fn intern_from(&mut self, other: &Symbols, sym: Sym) -> Sym {
        self.put(other.text(sym), other.is_untyped(sym))
    }
    fn put(&mut self, text: &str, untyped: bool) -> Sym {
        if let Some(at) = self.set.get_index_of(&Borrowed { text, untyped }) {
            return Sym(at as u32);
        }
        self.any_untyped |= untyped;
        Sym(Arc::make_mut(&mut self.set).insert_full(Owned { text: Box::from(text), untyped }).0 as u32)
    }
    /// Whether this is the text of a value that was received without its type.
    pub fn is_untyped(&self, sym: Sym) -> bool {
        self.set.get_index(sym.index()).is_some_and(|at| at.untyped)
    }
    /// Whether any value was received without its type.
    pub(super) fn any_untyped(&self) -> bool {
        self.any_untyped
    }
    /// The symbol of `text`, if the trace has it at all.
    pub fn get(&self, text: &str) -> Option<Sym> {
        self.set.get_index_of(&Borrowed { text, untyped: false }).map(|at| Sym(at as u32))
    }
    /// The text of a symbol; the empty string for one of another trace that is out of range here.
    pub fn text(&self, sym: Sym) -> &str {
        if !self.masked.is_empty()
            && let Some(text) = self.masked.get(&sym.0)
        {
            return text;
        }
        self.set.get_index(sym.index()).map_or("", |at| &at.text)
    }
    /// Shows another text in place of this symbol's.
    pub(super) fn show_as(&mut self, sym: Sym, text: String) {
        self.masked.insert(sym.0, text.into_boxed_str());
    }
    /// How many distinct strings there are (the empty one always is).
    pub fn len(&self) -> usize {
        self.set.len()
    }
    /// Never true: the empty string is always there.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
    /// All strings with their symbols, in no meaningful order.
    pub fn iter(&self) -> impl Iterator<Item = (Sym, &str)> {
        (0..self.set.len() as u32).map(Sym).map(|sym| (sym, self.text(sym)))
    }
}

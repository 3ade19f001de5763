//! Interned strings: one number for each distinct text of a trace, so that comparing names is comparing numbers.

use indexmap::IndexSet;
use std::collections::BTreeMap;

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

/// The distinct strings of a trace.
// The default hasher: keys come from outside, and a fast hash without a seed can be flooded.
#[derive(Debug, Clone)]
pub struct Symbols {
    set: IndexSet<Box<str>>,
    /// Texts that are shown in place of others, by symbol.
    masked: BTreeMap<u32, Box<str>>,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut set = IndexSet::new();
        set.insert(Box::from(""));
        Symbols { set, masked: BTreeMap::new() }
    }
}

impl Symbols {
    /// The symbol of `text`, made if it is new.
    pub fn intern(&mut self, text: &str) -> Sym {
        if let Some(at) = self.set.get_index_of(text) {
            return Sym(at as u32);
        }
        Sym(self.set.insert_full(Box::from(text)).0 as u32)
    }
    /// The symbol of `text`, if the trace has it at all.
    pub fn get(&self, text: &str) -> Option<Sym> {
        self.set.get_index_of(text).map(|at| Sym(at as u32))
    }
    /// The text of a symbol; the empty string for one of another trace that is out of range here.
    pub fn text(&self, sym: Sym) -> &str {
        if !self.masked.is_empty()
            && let Some(text) = self.masked.get(&sym.0)
        {
            return text;
        }
        self.set.get_index(sym.index()).map_or("", |text| text)
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

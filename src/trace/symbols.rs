//! Interned strings: one number for each distinct text of a trace, so that comparing names is comparing numbers.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
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
#[derive(Debug, Clone)]
pub struct Symbols {
    /// Shared by a builder and the traces that it builds, until it meets another text.
    set: Arc<Texts>,
    any_untyped: bool,
    /// Texts that are shown in place of others, by symbol.
    masked: BTreeMap<u32, Box<str>>,
}

/// All texts in one allocation, each by its position.
#[derive(Debug, Clone, Default)]
struct Texts {
    all: String,
    /// Where each ends, which is where the next begins.
    ends: Vec<usize>,
    untyped: Vec<bool>,
    places: HashTable<u32>,
    // Seeded: texts come from outside, and a hash without a seed can be flooded.
    hasher: RandomState,
}

impl Texts {
    fn len(&self) -> usize {
        self.ends.len()
    }
    fn text(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.all.get(start..end)
    }
    fn is_untyped(&self, at: usize) -> bool {
        self.untyped.get(at).copied().unwrap_or_default()
    }
    fn hash(&self, text: &str, untyped: bool) -> u64 {
        self.hasher.hash_one((text, untyped))
    }
    fn find(&self, hash: u64, text: &str, untyped: bool) -> Option<u32> {
        let is = |at: &u32| {
            let at = *at as usize;
            self.text(at) == Some(text) && self.is_untyped(at) == untyped
        };
        self.places.find(hash, is).copied()
    }
    /// The position of a text that is not there yet.
    fn push(&mut self, hash: u64, text: &str, untyped: bool) -> u32 {
        let at = self.len() as u32;
        self.all.push_str(text);
        self.ends.push(self.all.len());
        self.untyped.push(untyped);
        let mut places = std::mem::take(&mut self.places);
        places.insert_unique(hash, at, |&at| {
            let at = at as usize;
            self.hash(self.text(at).unwrap_or_default(), self.is_untyped(at))
        });
        self.places = places;
        at
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
        let hash = self.set.hash(text, untyped);
        if let Some(at) = self.set.find(hash, text, untyped) {
            return Sym(at);
        }
        self.any_untyped |= untyped;
        Sym(Arc::make_mut(&mut self.set).push(hash, text, untyped))
    }
    /// Whether this is the text of a value that was received without its type.
    pub fn is_untyped(&self, sym: Sym) -> bool {
        self.set.is_untyped(sym.index())
    }
    /// Whether any value was received without its type.
    pub(super) fn any_untyped(&self) -> bool {
        self.any_untyped
    }
    /// The symbol of `text`, if the trace has it at all.
    pub fn get(&self, text: &str) -> Option<Sym> {
        self.set.find(self.set.hash(text, false), text, false).map(Sym)
    }
    /// The text of a symbol; the empty string for one of another trace that is out of range here.
    pub fn text(&self, sym: Sym) -> &str {
        if !self.masked.is_empty()
            && let Some(text) = self.masked.get(&sym.0)
        {
            return text;
        }
        self.set.text(sym.index()).unwrap_or_default()
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
        self.set.len() == 0
    }
    /// All strings with their symbols, in no meaningful order.
    pub fn iter(&self) -> impl Iterator<Item = (Sym, &str)> {
        (0..self.set.len() as u32).map(Sym).map(|sym| (sym, self.text(sym)))
    }
}

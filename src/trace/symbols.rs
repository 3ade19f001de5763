//! Interned strings: one number for each distinct text of a trace, so that comparing names is comparing numbers.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
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
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    /// Shared by a builder and the traces that it builds, until it meets another text.
    set: Arc<Texts>,
    any_untyped: bool,
    /// Texts that are shown in place of others, by symbol.
    masked: BTreeMap<u32, Box<str>>,
}

/// All texts in one allocation, each by its position. The first is empty, and not in the table.
#[derive(Debug, Clone)]
struct Texts {
    all: String,
    /// Where each ends, which is where the next begins.
    ends: Vec<usize>,
    untyped: Vec<bool>,
    places: HashTable<Place>,
    // Seeded: texts come from outside, and a hash without a seed can be flooded.
    hasher: RandomState,
}

/// A text in the table. With its hash at hand few others are compared, and none is hashed again as the table grows.
#[derive(Debug, Clone, Copy)]
struct Place {
    hash: u32,
    at: u32,
}

impl Place {
    fn hash(self) -> u64 {
        whole(self.hash)
    }
}

/// The table looks at the upper bits of a hash as well as at the lower ones.
fn whole(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Default for Texts {
    fn default() -> Self {
        let (all, places, hasher) = Default::default();
        Texts { all, ends: vec![0], untyped: vec![false], places, hasher }
    }
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
    fn bytes(&self, at: usize) -> &[u8] {
        &self.all.as_bytes()[self.ends[at - 1]..self.ends[at]]
    }
    fn is_untyped(&self, at: usize) -> bool {
        self.untyped.get(at).copied().unwrap_or_default()
    }
    fn hash(&self, text: &[u8], untyped: bool) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text);
        let hash = hasher.finish();
        (hash >> 32) as u32 ^ hash as u32 ^ u32::from(untyped)
    }
    fn find(&self, hash: u32, text: &[u8], untyped: bool) -> Option<Sym> {
        let is = |place: &Place| {
            let at = place.at as usize;
            place.hash == hash && self.bytes(at) == text && self.untyped[at] == untyped
        };
        self.places.find(whole(hash), is).map(|place| Sym(place.at))
    }
    /// The position of a text that is not there yet.
    fn push(&mut self, hash: u32, text: &str, untyped: bool) -> Sym {
        let at = self.len() as u32;
        if at == 1 {
            // What even a trace of few spans has.
            self.all.reserve(1 << 10);
            self.ends.reserve(63);
            self.untyped.reserve(63);
            self.places.reserve(56, |place| place.hash());
        }
        self.all.push_str(text);
        self.ends.push(self.all.len());
        self.untyped.push(untyped);
        self.places.insert_unique(whole(hash), Place { hash, at }, |place| place.hash());
        Sym(at)
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
    /// The symbol of a text in UTF-8, made if it is new; `None` for what is no text. What is known already need not be read as UTF-8 again.
    pub(crate) fn intern_bytes(&mut self, text: &[u8]) -> Option<Sym> {
        if text.is_empty() {
            return Some(Sym::EMPTY);
        }
        let hash = self.set.hash(text, false);
        if let Some(known) = self.set.find(hash, text, false) {
            return Some(known);
        }
        let text = simdutf8::basic::from_utf8(text).ok()?;
        Some(Arc::make_mut(&mut self.set).push(hash, text, false))
    }
    fn put(&mut self, text: &str, untyped: bool) -> Sym {
        if text.is_empty() && !untyped {
            return Sym::EMPTY;
        }
        let hash = self.set.hash(text.as_bytes(), untyped);
        if let Some(known) = self.set.find(hash, text.as_bytes(), untyped) {
            return known;
        }
        self.any_untyped |= untyped;
        Arc::make_mut(&mut self.set).push(hash, text, untyped)
    }
    /// About how many bytes of memory all texts take.
    pub(super) fn memory(&self) -> usize {
        let Texts { all, ends, untyped, places, .. } = &*self.set;
        all.capacity() + ends.capacity() * size_of::<usize>() + untyped.capacity() + places.allocation_size()
    }
    /// What hashes texts from outside.
    pub(super) fn hasher(&self) -> &RandomState {
        &self.set.hasher
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
        let text = text.as_bytes();
        if text.is_empty() { Some(Sym::EMPTY) } else { self.set.find(self.set.hash(text, false), text, false) }
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

//! What a test decided of each text of a trace, so that it is asked once for each distinct text.

use crate::trace::{Sym, Symbols};

/// One answer for each symbol.
#[derive(Debug)]
pub(super) struct Decided {
    /// By symbol: 0 nothing yet, 1 no, 2 yes. Empty until the first text comes.
    answers: Vec<u8>,
    symbols: usize,
}

impl Decided {
    pub(super) fn new(symbols: &Symbols) -> Decided {
        Decided { answers: Vec::new(), symbols: symbols.len() }
    }
    #[inline]
    pub(super) fn of(&mut self, sym: Sym, decide: impl FnOnce() -> bool) -> bool {
        match self.answers.get(sym.index()) {
            Some(1) => false,
            Some(2) => true,
            _ => self.decide(sym, decide),
        }
    }
    // Apart, so that the loop that asks stays short.
    #[cold]
    #[inline(never)]
    fn decide(&mut self, sym: Sym, decide: impl FnOnce() -> bool) -> bool {
        if self.answers.is_empty() {
            self.answers = vec![0; self.symbols];
        }
        let holds = decide();
        self.answers[sym.index()] = 1 + u8::from(holds);
        holds
    }
}

//! What selections pick of a trace: each query is evaluated once, however many expectations name it.

use super::logic::{Cause, Truth};
use crate::facts::Facts;
use crate::select::{AliasUse, Between, Doubt, Index, Monotone, Query};
use crate::trace::{SpanIx, Trace};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// The spans that a query picks, in row order.
#[derive(Debug)]
pub(super) struct Picks {
    /// Those that it picks for certain: whatever was lost, and in whatever types values are meant.
    pub(super) rows: Vec<SpanIx>,
    pub(super) aliases: Vec<AliasUse>,
    query: Query,
    up: bool,
    bits: OnceCell<Vec<u64>>,
    /// Where `rows` are not those.
    as_written: Option<Vec<SpanIx>>,
    by_loss: OnceCell<Option<Between>>,
    by_type: OnceCell<Option<Between>>,
    doubted: OnceCell<Doubted>,
}

/// The rows that a query does not pick for certain, and may; sorted.
#[derive(Debug, Default)]
pub(super) struct Doubted {
    /// All of them.
    pub(super) rows: Vec<SpanIx>,
    /// Those that it picks or may pick if types are as they were told. The others make no presence.
    pub(super) as_told: Vec<SpanIx>,
}

/// Why it is not known whether a span is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// For what was lost of it or of another span.
    Lost,
    /// It is if types are as they were told.
    TypeLetsIn,
    /// It is not if types are as they were told.
    TypeKeepsOut,
}

impl Doubted {
    fn of(surely: &[SpanIx], by_type: &[SpanIx], as_told: &[SpanIx]) -> Doubted {
        let beside = |all: &[SpanIx]| all.iter().copied().filter(|ix| surely.binary_search(ix).is_err()).collect();
        Doubted { rows: beside(by_type), as_told: beside(as_told) }
    }
}

impl Picks {
    /// Whether more spans can only add to it.
    pub(super) fn is_up(&self) -> bool {
        self.up
    }
    pub(super) fn has(&self, ix: SpanIx) -> bool {
        if self.rows.len() <= 8 {
            return self.rows.contains(&ix);
        }
        let bits = self.bits.get_or_init(|| {
            let most = self.rows.last().map_or(0, |ix| ix.index());
            let mut bits = vec![0u64; most / 64 + 1];
            self.rows.iter().for_each(|ix| bits[ix.index() / 64] |= 1 << (ix.index() % 64));
            bits
        });
        bits.get(ix.index() / 64).is_some_and(|word| word >> (ix.index() % 64) & 1 == 1)
    }
}

/// The selections of one trace.
pub(super) struct Selections<'a> {
    trace: &'a Trace,
    pub(super) index: Index<'a>,
    // Several expectations name the same selection; queries have no hash, so they are found by a print of their form.
    picks: RefCell<HashMap<String, Rc<Picks>>>,
    below: RefCell<HashMap<String, Rc<Vec<bool>>>>,
}

impl<'a> Selections<'a> {
    pub(super) fn new(facts: &Facts<'a>) -> Selections<'a> {
        let trace = facts.trace();
        Selections { trace, index: Index::new(trace), picks: RefCell::default(), below: RefCell::default() }
    }
    /// What a query picks.
    pub(super) fn picks(&self, query: &Query) -> Rc<Picks> {
        let print = format!("{query:?}");
        let known = self.picks.borrow().get(&print).map(Rc::clone);
        known.unwrap_or_else(|| {
            let selection = query.select(&self.index);
            let mut picks = Picks {
                rows: selection.spans(),
                aliases: selection.aliases,
                query: query.clone(),
                up: self.is_up(query),
                bits: OnceCell::new(),
                as_written: None,
                by_loss: OnceCell::new(),
                by_type: OnceCell::new(),
                doubted: OnceCell::new(),
            };
            if query.relies_on_absence()
                && let Some(Between { surely, .. }) = self.by_type(&picks)
            {
                let surely = surely.clone();
                picks.as_written = Some(std::mem::replace(&mut picks.rows, surely));
            }
            let picks = Rc::new(picks);
            self.picks.borrow_mut().insert(print, Rc::clone(&picks));
            picks
        })
    }
    /// What a selection may pick beside its picks.
    pub(super) fn in_doubt<'p>(&self, picks: &'p Picks) -> &'p Doubted {
        picks.doubted.get_or_init(|| {
            let as_written = picks.as_written.as_deref().unwrap_or(&picks.rows);
            let possibly = |between: Option<&'p Between>| between.map_or(as_written, |between| &between.possibly);
            Doubted::of(&picks.rows, possibly(self.by_type(picks)), possibly(self.by_loss(picks)))
        })
    }
    /// Why it is not known whether this one, of which it is not, is picked.
    pub(super) fn why(&self, picks: &Picks, ix: SpanIx) -> Why {
        let has = |rows: &[SpanIx]| rows.binary_search(&ix).is_ok();
        match self.by_loss(picks) {
            Some(between) if has(&between.possibly) && !has(&between.surely) => Why::Lost,
            _ if has(self.by_told_types(picks)) => Why::TypeLetsIn,
            _ => Why::TypeKeepsOut,
        }
    }
    fn by_type<'p>(&self, picks: &'p Picks) -> Option<&'p Between> {
        picks.by_type.get_or_init(|| picks.query.between(&self.index, Doubt::Type)).as_ref()
    }
    fn by_loss<'p>(&self, picks: &'p Picks) -> Option<&'p Between> {
        picks.by_loss.get_or_init(|| picks.query.between(&self.index, Doubt::Lost)).as_ref()
    }
    /// The spans that it picks for certain if types are as they were told, as in Tempo.
    pub(super) fn by_told_types<'p>(&self, picks: &'p Picks) -> &'p [SpanIx] {
        let Some(as_written) = &picks.as_written else { return &picks.rows };
        self.by_loss(picks).map_or(as_written, |between| &between.surely)
    }
    /// Whether a span is picked.
    pub(super) fn truth(&self, picks: &Picks, ix: SpanIx) -> Truth {
        if picks.has(ix) {
            return Truth::Yes;
        }
        let doubted = self.in_doubt(picks);
        if doubted.as_told.binary_search(&ix).is_ok() {
            Truth::Unknown(Cause::Dropped)
        } else if doubted.rows.binary_search(&ix).is_ok() {
            Truth::Unknown(Cause::Type)
        } else {
            Truth::No
        }
    }
    /// What the last aggregate of a query was that matches nothing.
    pub(super) fn last_aggregate(&self, query: &Query) -> Option<String> {
        query.last_aggregate(&self.index)
    }
    /// Whether more spans can only add to what a query picks.
    fn is_up(&self, query: &Query) -> bool {
        // TraceQL sees who is above whom only below a root.
        query.monotone() == Monotone::Up && !self.trace.tree().root_is_assumed()
    }
    /// Whether one of a span's ancestors is picked.
    pub(super) fn has_picked_ancestor(&self, picks: &Picks, ix: SpanIx) -> bool {
        self.is_below(format!("{:?}", picks.query), |parent| picks.has(parent), ix)
    }
    /// Whether one of a span's ancestors may be picked, with types as they were told.
    pub(super) fn may_have_picked_ancestor(&self, picks: &Picks, ix: SpanIx) -> bool {
        let doubted = &self.in_doubt(picks).as_told;
        !doubted.is_empty()
            && self.is_below(format!("may {:?}", picks.query), |parent| doubted.binary_search(&parent).is_ok(), ix)
    }
    /// All spans are looked at at once: chains may be deep.
    fn is_below(&self, print: String, is: impl Fn(SpanIx) -> bool, ix: SpanIx) -> bool {
        let known = self.below.borrow().get(&print).map(Rc::clone);
        let below = known.unwrap_or_else(|| {
            let tree = self.trace.tree();
            let mut below = vec![false; self.trace.len()];
            for &at in tree.preorder() {
                if let Some(parent) = tree.parent(at) {
                    below[at.index()] = below[parent.index()] || is(parent);
                }
            }
            let below = Rc::new(below);
            self.below.borrow_mut().insert(print, Rc::clone(&below));
            below
        });
        below[ix.index()]
    }
}

//! Which traces were evicted, in bounded memory and without ever forgetting one: what still comes of an evicted trace must
//! not be taken for a whole one.
//!
//! The last ones are known exactly. Of those before only a Bloom filter is kept, which may take a new trace for an evicted
//! one, and then says that it is lost, but never the other way round.

use crate::trace::TraceId;
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

/// How many are known exactly.
const EXACT: usize = 200_000;
/// 8 MiB. Of new traces one in 10,000 is taken for an evicted one after two and a half million evictions, one in 200 after five.
const FILTER_BITS: u64 = 1 << 26;
const PROBES: u64 = 8;

#[derive(Debug)]
pub(super) struct Gone {
    exact: HashSet<TraceId>,
    order: VecDeque<TraceId>,
    most: usize,
    // Made when it is first needed.
    older: Vec<u64>,
    hasher: RandomState,
}

impl Default for Gone {
    fn default() -> Gone {
        Gone::keeping(EXACT)
    }
}

impl Gone {
    fn keeping(most: usize) -> Gone {
        Gone { exact: HashSet::new(), order: VecDeque::new(), most, older: Vec::new(), hasher: RandomState::new() }
    }

    pub(super) fn insert(&mut self, id: TraceId) {
        if !self.exact.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.exact.remove(&oldest);
            self.older.resize((FILTER_BITS / 64) as usize, 0);
            let places: Vec<u64> = self.places(oldest).collect();
            places.into_iter().for_each(|at| self.older[(at / 64) as usize] |= 1 << (at % 64));
        }
    }

    pub(super) fn contains(&self, id: TraceId) -> bool {
        let is_set = |at: u64| self.older[(at / 64) as usize] & 1 << (at % 64) != 0;
        self.exact.contains(&id) || !self.older.is_empty() && self.places(id).all(is_set)
    }

    /// Its bits, by double hashing.
    fn places(&self, id: TraceId) -> impl Iterator<Item = u64> + use<> {
        let (first, step) = (self.hasher.hash_one((0u8, id)), self.hasher.hash_one((1u8, id)) | 1);
        (0..PROBES).map(move |nth| first.wrapping_add(nth.wrapping_mul(step)) % FILTER_BITS)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_evicted_trace_is_ever_forgotten_and_hardly_any_other_is_taken_for_one() {
        let id = |n: u128| TraceId::new(n + 1).unwrap();
        let mut gone = Gone::keeping(100);
        (0..100).for_each(|n| gone.insert(id(n)));
        assert!(gone.older.is_empty());
        (0..20_000).chain(0..50).for_each(|n| gone.insert(id(n)));
        assert!((0..20_000).all(|n| gone.contains(id(n))));
        assert_eq!((gone.exact.len(), gone.order.len()), (100, 100));
        assert!((20_000..120_000).filter(|&n| gone.contains(id(n))).count() < 10);
    }
}

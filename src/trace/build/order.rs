//! The order of a span's attributes by the texts of their keys, remembered for each list of keys that was met: spans of one kind come with
//! the same keys in the same order, and comparing texts takes longer than all else that is done with them.

use crate::trace::model::Value;
use crate::trace::symbols::{Sym, Symbols};
use smallvec::SmallVec;
use std::collections::HashMap;

/// Whoever sends so many different lists sends another one each time.
const MOST: usize = 1_024;

/// Longer lists are rare, and not kept.
const LONGEST: usize = 128;

/// Lists of keys by their order. Seeded: keys come from outside.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders(HashMap<Box<[Sym]>, Order, foldhash::fast::RandomState>);

/// How a list of keys is put in order.
#[derive(Debug, Clone)]
struct Order {
    /// What is exchanged with what, one after another.
    swaps: Box<[(u32, u32)]>,
    /// How many there are, each key once.
    kept: usize,
}

impl Orders {
    /// Puts attributes in the order of their keys' texts, each key once: the last of equal ones.
    pub(super) fn sort(&mut self, symbols: &Symbols, attributes: &mut Vec<(Sym, Value)>) {
        if attributes.len() < 2 {
            return;
        }
        let keys: SmallVec<[Sym; 32]> = attributes.iter().map(|(key, _)| *key).collect();
        if let Some(order) = self.0.get(&keys[..]) {
            order.apply(attributes);
            return;
        }
        let order = Order::of(symbols, &keys);
        order.apply(attributes);
        if self.0.len() < MOST && keys.len() <= LONGEST {
            self.0.insert(keys.into_boxed_slice(), order);
        }
    }
}

impl Order {
    fn of(symbols: &Symbols, keys: &[Sym]) -> Order {
        // Where each place's attribute comes from: of equal keys the last first, and then only that.
        let mut from: Vec<usize> = (0..keys.len()).rev().collect();
        from.sort_by(|a, b| symbols.text(keys[*a]).cmp(symbols.text(keys[*b])));
        from.dedup_by_key(|at| keys[*at]);
        // Which attribute is at each place now, and where each one is.
        let mut held: Vec<usize> = (0..keys.len()).collect();
        let mut place_of = held.clone();
        let mut swaps = Vec::new();
        for (place, wanted) in from.iter().enumerate() {
            let found = place_of[*wanted];
            if found != place {
                place_of.swap(held[place], *wanted);
                held.swap(place, found);
                swaps.push((place as u32, found as u32));
            }
        }
        Order { swaps: swaps.into_boxed_slice(), kept: from.len() }
    }
    fn apply(&self, attributes: &mut Vec<(Sym, Value)>) {
        for (one, other) in &self.swaps {
            attributes.swap(*one as usize, *other as usize);
        }
        attributes.truncate(self.kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_by_text_and_of_equal_ones_the_last_counts_whether_the_list_is_new_or_not() {
        let mut symbols = Symbols::default();
        let [c, a, b] = ["c", "a", "b"].map(|text| symbols.intern(text));
        let mut orders = Orders::default();
        for (keys, sorted) in [
            (vec![c, a, b], vec![(a, 1), (b, 2), (c, 0)]),
            (vec![a, b, c], vec![(a, 0), (b, 1), (c, 2)]),
            (vec![a, c, a, b, a, c], vec![(a, 4), (b, 3), (c, 5)]),
            (vec![b], vec![(b, 0)]),
            (vec![], vec![]),
        ] {
            for _ in 0..2 {
                let mut attributes: Vec<(Sym, Value)> =
                    keys.iter().zip(0..).map(|(key, at)| (*key, Value::Int(at))).collect();
                orders.sort(&symbols, &mut attributes);
                assert_eq!(attributes, sorted.iter().map(|(key, at)| (*key, Value::Int(*at))).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn no_more_lists_are_remembered_than_are_worth_it() {
        let mut symbols = Symbols::default();
        let keys: Vec<Sym> = (0..3_000).map(|at| symbols.intern(&at.to_string())).collect();
        let mut orders = Orders::default();
        for two in keys.windows(2) {
            let mut attributes = vec![(two[1], Value::Empty), (two[0], Value::Empty)];
            orders.sort(&symbols, &mut attributes);
            assert!(symbols.text(attributes[0].0) < symbols.text(attributes[1].0));
        }
        assert_eq!(orders.0.len(), MOST);
    }
}

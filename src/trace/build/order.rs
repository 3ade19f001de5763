//! Attributes in the order of their keys' texts, each key once; and events in that of their times.

use crate::trace::model::{Attributes, Event, Value};
use crate::trace::symbols::{Sym, Symbols};
use std::cmp::Ordering;

/// Of a span's events: by time, then by the text of the name.
pub(super) fn event_order(symbols: &Symbols, a: &Event, b: &Event) -> Ordering {
    (a.time_ns, symbols.text(a.name)).cmp(&(b.time_ns, symbols.text(b.name)))
}

/// Sorted by key; of equal ones the last.
pub(super) fn sorted(symbols: &Symbols, mut attributes: Vec<(Sym, Value)>) -> Attributes {
    // Stable and reversed first, so that of equal keys the last one comes first and is the one that dedup keeps.
    attributes.reverse();
    attributes.sort_by(|a, b| symbols.text(a.0).cmp(symbols.text(b.0)));
    attributes.dedup_by_key(|(key, _)| *key);
    attributes.into_boxed_slice()
}

/// How the last list was put in order, for the next one with the same keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    keys: Vec<Sym>,
    /// Where each place's attribute comes from.
    from: Vec<u32>,
}

impl Order {
    /// The same as [`sorted`].
    pub(super) fn sorted(&mut self, symbols: &Symbols, mut attributes: Vec<(Sym, Value)>) -> Attributes {
        if !attributes.iter().map(|(key, _)| key).eq(&self.keys) {
            self.keys.clear();
            self.keys.extend(attributes.iter().map(|(key, _)| *key));
            self.from.clear();
            self.from.extend((0..attributes.len() as u32).rev());
            let keys = &self.keys;
            self.from.sort_by(|a, b| symbols.text(keys[*a as usize]).cmp(symbols.text(keys[*b as usize])));
            self.from.dedup_by_key(|at| keys[*at as usize]);
        }
        let take = |from: &u32| {
            let (key, value) = &mut attributes[*from as usize];
            (*key, std::mem::replace(value, Value::Empty))
        };
        self.from.iter().map(take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_by_text_and_of_equal_ones_the_last_counts_whether_the_list_is_new_or_not() {
        let mut symbols = Symbols::default();
        let [c, a, b] = ["c", "a", "b"].map(|text| symbols.intern(text));
        let mut order = Order::default();
        for (keys, wanted) in [
            (vec![c, a, b], vec![(a, 1), (b, 2), (c, 0)]),
            (vec![a, b, c], vec![(a, 0), (b, 1), (c, 2)]),
            (vec![a, c, a, b, a, c], vec![(a, 4), (b, 3), (c, 5)]),
            (vec![b], vec![(b, 0)]),
            (vec![], vec![]),
        ] {
            let wanted: Vec<(Sym, Value)> = wanted.into_iter().map(|(key, at)| (key, Value::Int(at))).collect();
            for _ in 0..2 {
                let attributes = || keys.iter().zip(0..).map(|(key, at)| (*key, Value::Int(at))).collect::<Vec<_>>();
                assert_eq!(*order.sorted(&symbols, attributes()), wanted);
                assert_eq!(*sorted(&symbols, attributes()), wanted);
            }
        }
    }
}

//! The attributes of all spans of a trace: one column for each key, so that a test of one attribute reads only that
//! attribute's values, one after the other.

use super::model::{SpanIx, Value};
use super::symbols::{Sym, Symbols};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// The attribute values of a trace's spans, by key, then by row.
#[derive(Debug, Clone, Default)]
pub(crate) struct AttributeColumns {
    /// By row: where the span's part of `keys` and `places` begins; one more than there are rows.
    offsets: Vec<u32>,
    /// The spans' keys, row by row, in the order of their texts.
    keys: Vec<Sym>,
    /// Beside each of `keys`: where in `values` its value is.
    places: Vec<u32>,
    /// The values, column by column.
    values: Vec<Value>,
    /// Beside each of `values`: the row it belongs to, ascending within a column.
    rows: Vec<u32>,
    columns: FxHashMap<Sym, Range<u32>>,
}

impl AttributeColumns {
    /// The columns of spans given in row order, each with its keys, of which none comes twice, and their values.
    pub(crate) fn new<'s>(
        symbols: &Symbols,
        spans: impl ExactSizeIterator<Item = (&'s [Sym], &'s [Value])> + Clone,
    ) -> AttributeColumns {
        // By symbol: how many values a key has, and then where the next of them goes. Looking keys up would take as long as all the rest.
        let mut next: Vec<u32> = vec![0; symbols.len()];
        spans.clone().flat_map(|(keys, _)| keys).for_each(|key| next[key.index()] += 1);
        let (mut columns, mut start): (FxHashMap<Sym, Range<u32>>, u32) = Default::default();
        let mut by_text: Vec<Sym> = Vec::new();
        for (key, next) in next.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            let end = start + *next;
            columns.insert(Sym(key as u32), start..end);
            by_text.push(Sym(key as u32));
            *next = start;
            start = end;
        }
        // By symbol: which of all keys it is in the order of texts, so that texts are compared once for a trace and not for each span.
        by_text.sort_unstable_by_key(|key| symbols.text(*key));
        let mut rank: Vec<u32> = vec![0; symbols.len()];
        by_text.iter().zip(0..).for_each(|(key, at)| rank[key.index()] = at);
        let total = start as usize;
        let mut all = AttributeColumns {
            offsets: Vec::with_capacity(spans.len() + 1),
            keys: Vec::with_capacity(total),
            places: Vec::with_capacity(total),
            values: vec![Value::Empty; total],
            rows: vec![0; total],
            columns,
        };
        all.offsets.push(0);
        // Of one span: rank and position of each attribute.
        let mut order: Vec<(u32, u32)> = Vec::new();
        for (row, (keys, values)) in (0..).zip(spans) {
            order.clear();
            order.extend(keys.iter().zip(0..).map(|(key, at)| (rank[key.index()], at)));
            order.sort_unstable();
            for (_, at) in &order {
                let (key, value) = (keys[*at as usize], &values[*at as usize]);
                let place = next[key.index()];
                next[key.index()] += 1;
                all.keys.push(key);
                all.places.push(place);
                all.values[place as usize] = value.clone();
                all.rows[place as usize] = row;
            }
            all.offsets.push(all.keys.len() as u32);
        }
        all
    }
    /// The keys of all spans, as often as they occur.
    pub(crate) fn keys(&self) -> &[Sym] {
        &self.keys
    }
    /// The keys of all spans, each once, in the order in which they were first met.
    pub(crate) fn distinct_keys(&self) -> Vec<Sym> {
        let mut keys: Vec<(u32, Sym)> = self.columns.iter().map(|(key, range)| (range.start, *key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }
    /// One span's keys and values, in the order of the keys' texts.
    pub(crate) fn of(&self, ix: SpanIx) -> impl ExactSizeIterator<Item = (Sym, &Value)> {
        let range = self.range(ix);
        let places = &self.places[range.clone()];
        self.keys[range].iter().copied().zip(places.iter().map(|&place| &self.values[place as usize]))
    }
    /// The value of one key of one span.
    pub(crate) fn get(&self, ix: SpanIx, key: Sym) -> Option<&Value> {
        let range = self.range(ix);
        let at = self.keys[range.clone()].iter().position(|at| *at == key)?;
        Some(&self.values[self.places[range.start + at] as usize])
    }
    /// The spans that have a key, ascending, with its value.
    pub(crate) fn column(&self, key: Sym) -> impl ExactSizeIterator<Item = (usize, &Value)> + Clone {
        let range = self.columns.get(&key).map_or(0..0, |range| range.start as usize..range.end as usize);
        self.rows[range.clone()].iter().map(|&row| row as usize).zip(&self.values[range])
    }
    /// Every value of every span with its key, in no meaningful order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Sym, &Value)> {
        let values = |range: &Range<u32>| &self.values[range.start as usize..range.end as usize];
        self.columns.iter().flat_map(move |(key, range)| values(range).iter().map(|value| (*key, value)))
    }
    /// Changes values in place, each with its key.
    pub(crate) fn change(&mut self, mut change: impl FnMut(Sym, &mut Value)) {
        for (key, column) in &self.columns {
            self.values[column.start as usize..column.end as usize].iter_mut().for_each(|value| change(*key, value));
        }
    }
    fn range(&self, ix: SpanIx) -> Range<usize> {
        self.offsets[ix.index()] as usize..self.offsets[ix.index() + 1] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_attributes_and_a_column_has_its_spans() {
        let mut symbols = Symbols::default();
        let [a, b, c] = ["a", "b", "c"].map(|text| symbols.intern(text));
        let spans = [vec![(a, Value::Int(1)), (b, Value::Int(2))], vec![], vec![(b, Value::Int(3))]];
        // In no order, as they are received.
        let parts: Vec<(Vec<Sym>, Vec<Value>)> = spans.iter().map(|span| span.iter().rev().cloned().unzip()).collect();
        let lists = parts.iter().map(|(keys, values)| (keys.as_slice(), values.as_slice()));
        let columns = AttributeColumns::new(&symbols, lists);
        for (row, span) in spans.iter().enumerate() {
            let ix = SpanIx(row as u32);
            assert_eq!(columns.of(ix).map(|(key, value)| (key, value.clone())).collect::<Vec<_>>(), *span);
            for key in [a, b, c] {
                let wanted = span.iter().find(|(at, _)| *at == key).map(|(_, value)| value);
                assert_eq!(columns.get(ix, key), wanted);
            }
        }
        assert_eq!(columns.column(b).collect::<Vec<_>>(), [(0, &Value::Int(2)), (2, &Value::Int(3))]);
        assert_eq!(columns.column(c).len(), 0);
        assert_eq!(columns.keys(), [a, b, b]);
    }
}

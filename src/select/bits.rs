//! A set of rows.

use crate::trace::SpanIx;

/// One bit for each row of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub(super) fn empty(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }
    pub(super) fn full(len: usize) -> Bits {
        let mut bits = Bits { words: vec![u64::MAX; len.div_ceil(64)], len };
        if let Some(last) = bits.words.last_mut()
            && !len.is_multiple_of(64)
        {
            *last = (1 << (len % 64)) - 1;
        }
        bits
    }
    pub(super) fn of(len: usize, rows: impl IntoIterator<Item = usize>) -> Bits {
        let mut bits = Bits::empty(len);
        rows.into_iter().for_each(|row| bits.set(row));
        bits
    }
    pub(super) fn len(&self) -> usize {
        self.len
    }
    pub(super) fn get(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }
    pub(super) fn set(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }
    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }
    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
    pub(super) fn and(mut self, other: &Bits) -> Bits {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
        self
    }
    pub(super) fn or(mut self, other: &Bits) -> Bits {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
        self
    }
    pub(super) fn without(mut self, other: &Bits) -> Bits {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
        self
    }
    /// The rows of which `keep` is true.
    pub(super) fn filter(&self, mut keep: impl FnMut(usize) -> bool) -> Bits {
        let kept = |(at, &word): (usize, &u64)| {
            let (mut rest, mut kept) = (word, 0);
            while rest != 0 {
                let bit = rest.trailing_zeros();
                kept |= u64::from(keep(at * 64 + bit as usize)) << bit;
                rest &= rest - 1;
            }
            kept
        };
        Bits { words: self.words.iter().enumerate().map(kept).collect(), len: self.len }
    }
    /// The rows, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            std::iter::successors((word != 0).then_some(word), |word| {
                let rest = word & (word - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |word| at * 64 + word.trailing_zeros() as usize)
        })
    }
    pub(super) fn spans(&self) -> Vec<SpanIx> {
        let mut spans = Vec::with_capacity(self.count());
        spans.extend(self.rows().map(|row| SpanIx(row as u32)));
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_order_and_full_has_no_row_too_many() {
        let bits = Bits::of(130, [129, 0, 64, 63]);
        assert_eq!(bits.rows().collect::<Vec<_>>(), [0, 63, 64, 129]);
        for len in [0, 1, 63, 64, 65, 130] {
            assert_eq!(Bits::full(len).count(), len);
        }
        assert_eq!(Bits::full(130).without(&bits).count(), 126);
        assert_eq!(bits.clone().and(&Bits::full(130)), bits);
        assert_eq!(bits.filter(|row| row > 63), Bits::of(130, [64, 129]));
    }
}

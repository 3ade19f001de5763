//! Rows by what they have in common, for facts that few values describe: a test is then asked once for each value and
//! touches only the rows it keeps.

use super::bits::Bits;

/// For each number of a column of numbers, the rows that have it.
#[derive(Debug)]
pub(super) struct Postings {
    /// The numbers that occur, ascending, each with where its part of `rows` ends.
    ends: Vec<(u32, usize)>,
    rows: Vec<u32>,
}

impl Postings {
    /// Of a column whose numbers are all below `bound`.
    pub(super) fn new(column: impl ExactSizeIterator<Item = u32> + Clone, bound: usize) -> Postings {
        let mut next = vec![0usize; bound];
        for number in column.clone() {
            next[number as usize] += 1;
        }
        let mut ends = Vec::new();
        let mut start = 0;
        for (number, count) in next.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            let end = start + *count;
            ends.push((number as u32, end));
            *count = start;
            start = end;
        }
        let mut rows = vec![0; column.len()];
        for (row, number) in column.enumerate() {
            rows[next[number as usize]] = row as u32;
            next[number as usize] += 1;
        }
        Postings { ends, rows }
    }
    /// The rows of `within` whose number is kept. `keep` is asked once for each number that occurs.
    pub(super) fn mask(&self, within: &Bits, mut keep: impl FnMut(u32) -> bool) -> Bits {
        let mut found = Bits::empty(within.len());
        let mut start = 0;
        for &(number, end) in &self.ends {
            if keep(number) {
                self.rows[start..end].iter().for_each(|&row| found.set(row as usize));
            }
            start = end;
        }
        found.and(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mask_is_the_rows_whose_number_is_kept(
            column in prop::collection::vec(0u32..9, 0..200),
            kept in prop::collection::vec(any::<bool>(), 9),
            within in prop::collection::vec(any::<bool>(), 200),
        ) {
            let within = Bits::of(column.len(), (0..column.len()).filter(|&row| within[row]));
            let postings = Postings::new(column.iter().copied(), 9);
            let mut asked = Vec::new();
            let mask = postings.mask(&within, |number| {
                asked.push(number);
                kept[number as usize]
            });
            prop_assert_eq!(mask, within.filter(|row| kept[column[row] as usize]));
            let mut distinct = column.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(asked, distinct);
        }
    }
}

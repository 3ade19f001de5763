//! By how much one sample is above another: Hodges and Lehmann's shift with its interval, and how often it is above at all.

use super::null::{MOST_EXACT, Nulls};
use super::rank_sum::{ties, twice_u};
use super::{Sample, TAIL, normal};
use std::cmp::Ordering;

/// So many pairs at most are written down and sorted, which is faster than counting again and again.
const MOST_SORTED: usize = MOST_EXACT * MOST_EXACT;

/// A difference of two samples with the interval that holds it, if they are large enough for one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate<T> {
    /// The estimate.
    pub value: T,
    /// Where it lies.
    pub interval: Option<(T, T)>,
}

/// By how many nanoseconds `y` is above `x`: the median of all differences (Hodges and Lehmann). The interval is of 95 %.
pub fn shift(x: &Sample, y: &Sample) -> Estimate<i128> {
    shift_within(x, y, TAIL, &mut Nulls::default())
}

/// The same with an interval of which either end is wrong with this probability at most.
pub fn shift_within(x: &Sample, y: &Sample, tail: f64, nulls: &mut Nulls) -> Estimate<i128> {
    let pairs = Pairs { x: &x.0, y: &y.0, key: |x: u64, y: u64| (i128::from(y) - i128::from(x) + BIAS) as u128 };
    // Of an even number of differences the two in the middle have one between them.
    let estimate = pairs.estimate(tail, nulls);
    let middle = |(a, b): (u128, u128)| (a as i128 - BIAS) + (b as i128 - a as i128) / 2;
    Estimate {
        value: middle(estimate.value),
        interval: estimate.interval.map(|(low, high)| (low.0 as i128 - BIAS, high.0 as i128 - BIAS)),
    }
}

/// How many times `x` is `y`: the shift of their logarithms. A time of zero counts as one nanosecond. The interval is of 95 %.
pub fn ratio(x: &Sample, y: &Sample) -> Estimate<f64> {
    ratio_within(x, y, TAIL, &mut Nulls::default())
}

/// The same with an interval of which either end is wrong with this probability at most.
pub fn ratio_within(x: &Sample, y: &Sample, tail: f64, nulls: &mut Nulls) -> Estimate<f64> {
    let pairs = Pairs { x: &x.0, y: &y.0, key: |x: u64, y: u64| (y.max(1) as f64 / x.max(1) as f64).to_bits().into() };
    let number = |bits: u128| f64::from_bits(bits as u64);
    let estimate = pairs.estimate(tail, nulls);
    Estimate {
        value: (number(estimate.value.0) * number(estimate.value.1)).sqrt(),
        interval: estimate.interval.map(|(low, high)| (number(low.0), number(high.0))),
    }
}

/// How often a value of `y` is above one of `x`, ties counted half (Vargha and Delaney): 0.5 where neither is greater. Twice that
/// less one is Cliff's δ.
pub fn superiority(x: &Sample, y: &Sample) -> f64 {
    twice_u(&x.0, &y.0) as f64 / (2.0 * x.count() as f64 * y.count() as f64)
}

/// Makes differences of two `u64` positive.
const BIAS: i128 = 1 << 64;

/// All pairs of two samples, ordered by a key that grows with y and falls with x. There are n·m of them, so those of large samples are
/// never written down: how many have at most some key is counted in n + m steps.
struct Pairs<'a, K> {
    x: &'a [u64],
    y: &'a [u64],
    key: K,
}

impl<K: Fn(u64, u64) -> u128> Pairs<'_, K> {
    fn count(&self) -> u128 {
        self.x.len() as u128 * self.y.len() as u128
    }
    /// The median as the two keys in the middle, and the ends of the interval (each as a pair of equal keys).
    fn estimate(&self, tail: f64, nulls: &mut Nulls) -> Estimate<(u128, u128)> {
        let all = self.count();
        let sorted = self.sorted();
        // The least is of rank 1.
        let at_rank = |rank: u128| {
            let at = rank.checked_sub(1).and_then(|at| usize::try_from(at).ok());
            at.and_then(|at| sorted.get(at).copied()).unwrap_or_else(|| self.at_rank(rank))
        };
        let value = (at_rank(all.div_ceil(2)), at_rank(all / 2 + 1));
        let interval = self.outside(tail, nulls).map(|outside| {
            let (low, high) = (at_rank(outside + 1), at_rank(all - outside));
            ((low, low), (high, high))
        });
        Estimate { value, interval }
    }
    /// How many pairs lie below the interval, and as many above it: the greatest c with P(U ≤ c) ≤ the tail. Where values are
    /// tied, or there are many, by the normal distribution, its variance corrected for ties.
    fn outside(&self, tail: f64, nulls: &mut Nulls) -> Option<u128> {
        let (n, m) = (self.x.len(), self.y.len());
        let ties = ties(self.x, self.y);
        if n <= MOST_EXACT && m <= MOST_EXACT && ties == 0 {
            return (nulls.of(n, m).within(tail) as u128).checked_sub(1);
        }
        // The rank of the lower end, rounded down, is one more than what lies outside.
        let half = n as f64 * m as f64 / 2.0;
        let rank = (half - normal::deviate(tail) * normal::of_u(n, m, ties)).floor();
        (rank >= 1.0).then(|| rank as u128 - 1)
    }
    /// The keys in ascending order; none where there are too many.
    fn sorted(&self) -> Vec<u128> {
        if self.count() > MOST_SORTED as u128 {
            return Vec::new();
        }
        let mut keys: Vec<u128> =
            self.y.iter().flat_map(|&y| self.x.iter().map(move |&x| (x, y))).map(|(x, y)| (self.key)(x, y)).collect();
        keys.sort_unstable();
        keys
    }
    /// The key of a rank, the least being of rank 1.
    fn at_rank(&self, rank: u128) -> u128 {
        let (first, last) = (self.x[0], self.x[self.x.len() - 1]);
        let (mut low, mut high) = ((self.key)(last, self.y[0]), (self.key)(first, self.y[self.y.len() - 1]));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at_most(middle).cmp(&rank) {
                Ordering::Less => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }
    /// How many pairs have a key of at most this.
    fn at_most(&self, key: u128) -> u128 {
        let mut from = 0;
        let mut count = 0;
        for &y in self.y {
            // The greater y, the greater x must be.
            while self.x.get(from).is_some_and(|&x| (self.key)(x, y) > key) {
                from += 1;
            }
            count += (self.x.len() - from) as u128;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Mann and Whitney's table as textbooks have it (Siegel and Castellan, Zar): the greatest U that is significant, with 2.5 % and
    /// with 1 % in each tail.
    #[test]
    fn the_interval_leaves_out_as_many_pairs_as_the_published_tables_say() {
        let two_and_a_half = [
            (2, 8, Some(0)),
            (3, 4, None),
            (3, 5, Some(0)),
            (4, 4, Some(0)),
            (5, 5, Some(2)),
            (5, 8, Some(6)),
            (6, 6, Some(5)),
            (7, 7, Some(8)),
            (8, 8, Some(13)),
            (9, 9, Some(17)),
            (10, 10, Some(23)),
            (10, 15, Some(39)),
            (15, 15, Some(64)),
            (20, 20, Some(127)),
        ];
        let one = [
            (4, 4, None),
            (5, 5, Some(1)),
            (6, 6, Some(3)),
            (7, 7, Some(6)),
            (10, 10, Some(19)),
            (12, 12, Some(31)),
            (15, 15, Some(56)),
            (20, 20, Some(114)),
        ];
        let tables = two_and_a_half.iter().map(|row| (0.025, row)).chain(one.iter().map(|row| (0.01, row)));
        for (tail, &(n, m, critical)) in tables {
            let (x, y): (Vec<u64>, Vec<u64>) = ((0..n).collect(), (100..100 + m).collect());
            let pairs = Pairs { x: &x, y: &y, key: |x: u64, y: u64| u128::from(y - x) };
            assert_eq!(pairs.outside(tail, &mut Nulls::default()), critical, "{n} and {m} with {tail}");
        }
    }

    proptest! {
        #[test]
        fn ranks_of_pairs_are_those_of_all_pairs_sorted(
            x in prop::collection::vec(0_u64..1000, 1..12),
            y in prop::collection::vec(0_u64..1000, 1..12),
        ) {
            let (Some(x), Some(y)) = (Sample::new(x), Sample::new(y)) else { return Ok(()) };
            let mut all: Vec<i128> =
                x.0.iter().flat_map(|&x| y.0.iter().map(move |&y| i128::from(y) - i128::from(x))).collect();
            all.sort_unstable();
            let pairs = Pairs { x: &x.0, y: &y.0, key: |x: u64, y: u64| (i128::from(y) - i128::from(x) + BIAS) as u128 };
            let sorted: Vec<i128> = pairs.sorted().into_iter().map(|key| key as i128 - BIAS).collect();
            prop_assert_eq!(&sorted, &all);
            for (at, difference) in all.iter().enumerate() {
                prop_assert_eq!(pairs.at_rank(at as u128 + 1) as i128 - BIAS, *difference);
            }
            let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
            prop_assert_eq!(shift(&x, &y).value, low + (high - low) / 2);
            let above = all.iter().filter(|at| **at > 0).count() as f64 + all.iter().filter(|at| **at == 0).count() as f64 / 2.0;
            prop_assert!((superiority(&x, &y) - above / all.len() as f64).abs() < 1e-9);
        }

        /// What is less sure is narrower.
        #[test]
        fn an_interval_of_more_confidence_holds_that_of_less(
            x in prop::collection::vec(1_u64..100_000, 1..70),
            y in prop::collection::vec(1_u64..100_000, 1..70),
        ) {
            let (Some(x), Some(y)) = (Sample::new(x), Sample::new(y)) else { return Ok(()) };
            let within = |tail| ratio_within(&x, &y, tail, &mut Nulls::default()).interval;
            if let (Some(wide), Some(narrow)) = (within(0.01), within(0.025)) {
                prop_assert!(wide.0 <= narrow.0 && narrow.1 <= wide.1);
            }
        }
    }
}

//! Mann and Whitney's rank-sum test: how likely samples of one distribution are to lie as far apart as these.
//!
//! Of few values the null distribution is counted out. Without ties it is that of U, whose counts are the coefficients of a
//! Gaussian binomial. With ties it is that of the sum of mid-ranks, over all ways to choose which of the values at hand are
//! whose. Of more values it is the normal distribution, its variance corrected for ties and half a step taken off for continuity.

use super::null::{MOST_EXACT, Nulls};
use super::{Sample, normal};

/// Up to this many values together the sums of tied ranks are counted: 66 over 33 is the last that a `u64` holds.
const MOST_TIED: usize = 66;

/// How a probability was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Counted, of values that all differ.
    Exact,
    /// Counted over the ranks of the values at hand, some of which are equal.
    ExactWithTies,
    /// By the normal distribution.
    Normal,
}

/// Whether one sample lies above another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankSum {
    /// Of how many pairs `y` is greater, counted twice, so that a tie is one.
    pub twice_u: u128,
    /// How likely `y` is to lie as far above `x`, or farther, if they do not differ.
    pub above: f64,
    /// The same for below.
    pub below: f64,
    /// How both were found.
    pub method: Method,
}

/// The test, one-sided in both directions.
pub fn rank_sum(x: &Sample, y: &Sample, nulls: &mut Nulls) -> RankSum {
    let (n, m) = (x.count(), y.count());
    let twice_u = twice_u(x.values(), y.values());
    let ties = ties(x.values(), y.values());
    let (above, below, method) = if ties == 0 && n <= MOST_EXACT && m <= MOST_EXACT {
        let (null, u) = (nulls.of(n, m), (twice_u / 2) as usize);
        (null.at_least(u), null.at_most(u), Method::Exact)
    } else if n + m <= MOST_TIED {
        let counts = tied_counts(x.values(), y.values());
        // The least sum that `y` can have is at the first position.
        let at = (twice_u + m as u128 * (m as u128 + 1)) as usize;
        (share(&counts[at..], &counts), share(&counts[..=at], &counts), Method::ExactWithTies)
    } else {
        let (mean, deviation) = (n as f64 * m as f64 / 2.0, normal::of_u(n, m, ties));
        let u = twice_u as f64 / 2.0;
        let beyond = |distance: f64| match deviation > 0.0 {
            true => normal::above((distance - 0.5) / deviation),
            // All values are equal.
            false => 1.0,
        };
        (beyond(u - mean), beyond(mean - u), Method::Normal)
    };
    RankSum { twice_u, above, below, method }
}

fn share(part: &[u64], all: &[u64]) -> f64 {
    let sum = |counts: &[u64]| counts.iter().map(|&count| u128::from(count)).sum::<u128>() as f64;
    (sum(part) / sum(all)).min(1.0)
}

/// Of how many pairs of two ascending samples the second has the greater value, twice, ties once.
pub(super) fn twice_u(x: &[u64], y: &[u64]) -> u128 {
    let (mut below, mut upto, mut twice) = (0, 0, 0_u128);
    for &at in y {
        while x.get(below).is_some_and(|&x| x < at) {
            below += 1;
        }
        while x.get(upto).is_some_and(|&x| x <= at) {
            upto += 1;
        }
        twice += (below + upto) as u128;
    }
    twice
}

/// Σ(t³ − t) over the groups of equal values in both samples together.
pub(super) fn ties(x: &[u64], y: &[u64]) -> u128 {
    let mut all = [x, y].concat();
    all.sort_unstable();
    let group = |group: &[u64]| (group.len() as u128).pow(3) - group.len() as u128;
    all.chunk_by(|a, b| a == b).map(group).sum()
}

/// In how many of all choices of as many values as `y` has their mid-ranks, counted twice, sum to 0, 1, 2, ….
fn tied_counts(x: &[u64], y: &[u64]) -> Vec<u64> {
    let mut all = [x, y].concat();
    all.sort_unstable();
    let mut ranks: Vec<usize> = Vec::with_capacity(all.len());
    for group in all.chunk_by(|a, b| a == b) {
        let before = ranks.len();
        // Twice the mean of before + 1 and before + the group's size.
        ranks.extend(std::iter::repeat_n(2 * before + group.len() + 1, group.len()));
    }
    // Some room is left above the greatest sum.
    let most: usize = ranks.iter().rev().take(y.len()).sum();
    let mut chosen = vec![vec![0_u64; most + 1]; y.len() + 1];
    chosen[0][0] = 1;
    for (seen, &rank) in ranks.iter().enumerate() {
        for taken in (0..y.len().min(seen + 1)).rev() {
            let (fewer, more) = chosen.split_at_mut(taken + 1);
            for (from, to) in fewer[taken].iter().zip(more[0][rank.min(most + 1)..].iter_mut()) {
                *to += from;
            }
        }
    }
    chosen.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::null::Null;
    use super::*;
    use proptest::prelude::*;

    fn rank_sum(x: &Sample, y: &Sample) -> RankSum {
        super::rank_sum(x, y, &mut Nulls::default())
    }

    fn sample(values: &[u64]) -> Sample {
        Sample::new(values.to_vec()).unwrap()
    }
    fn close(found: f64, expected: f64, of: f64) -> bool {
        (found / expected - 1.0).abs() < of
    }

    /// The first example of R's `wilcox.test` (Hollander and Wolfe, permeability of membranes): W = 35, p = 0.1272.
    #[test]
    fn p_is_that_of_the_textbook_s_example() {
        let term = sample(&[80, 83, 189, 104, 145, 138, 191, 164, 73, 146]);
        let earlier = sample(&[115, 88, 90, 74, 121]);
        let found = rank_sum(&earlier, &term);
        assert_eq!((found.twice_u, found.method), (70, Method::Exact));
        assert!(close(found.above, 0.1272, 1e-3), "{}", found.above);
    }

    /// The last example of R's `wilcox.test`: ozone of May and August in New York, 1973 (`airquality`), with ties: W = 127.5,
    /// p = 0.0001208 two-sided, by the corrected normal distribution.
    #[test]
    fn p_of_tied_values_is_that_of_the_textbook_s_example() {
        let may = sample(&[
            41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37,
        ]);
        let august = sample(&[
            39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85,
        ]);
        let found = rank_sum(&august, &may);
        assert_eq!((found.twice_u, found.method), (255, Method::ExactWithTies));
        let (deviation, ties) = (normal::of_u(26, 26, ties(may.values(), august.values())), found.twice_u as f64 / 2.0);
        let corrected = 2.0 * normal::above((338.0 - ties - 0.5) / deviation);
        assert!(close(corrected, 0.000_120_8, 1e-3), "{corrected}");
        // So far out the normal distribution has twice the counted one; with the few ties that there are it is that without any.
        assert!(close(found.below, Null::of(26, 26).at_most(127), 0.05), "{}", found.below);
    }

    #[test]
    fn equal_values_are_no_evidence_however_many() {
        for count in [7, 33, 200] {
            let equal = sample(&vec![5; count]);
            let found = rank_sum(&equal, &equal);
            assert_eq!((found.above, found.below), (1.0, 1.0), "{count}");
        }
        let (x, y) = (Sample::new((0..200).collect()).unwrap(), Sample::new((150..350).collect()).unwrap());
        let found = rank_sum(&x, &y);
        assert!(found.method == Method::Normal && found.above < 1e-9 && found.below > 0.999, "{found:?}");
    }

    #[test]
    fn the_normal_distribution_takes_over_where_it_is_near_the_counted_one() {
        let x: Vec<u64> = (0..50).map(|at| at * 10).collect();
        let y: Vec<u64> = (0..50).map(|at| at * 10 + 75).collect();
        let exact = rank_sum(&sample(&x), &sample(&y));
        let (deviation, u) = (normal::of_u(50, 50, 0), exact.twice_u as f64 / 2.0);
        assert!(close(normal::above((u - 1250.0 - 0.5) / deviation), exact.above, 0.05), "{exact:?}");
    }

    /// All choices of which values are whose, one by one.
    fn by_enumeration(x: &[u64], y: &[u64]) -> (f64, f64) {
        let all = [x, y].concat();
        let observed = twice_u(&sorted(x), &sorted(y));
        let (mut above, mut below, mut count) = (0, 0, 0);
        for mask in 0_u32..1 << all.len() {
            if mask.count_ones() as usize != y.len() {
                continue;
            }
            let side = |wanted| -> Vec<u64> {
                let of = |(at, value): (usize, &u64)| (mask >> at & 1 == wanted).then_some(*value);
                sorted(&all.iter().enumerate().filter_map(of).collect::<Vec<_>>())
            };
            let u = twice_u(&side(0), &side(1));
            above += u32::from(u >= observed);
            below += u32::from(u <= observed);
            count += 1;
        }
        (f64::from(above) / f64::from(count), f64::from(below) / f64::from(count))
    }
    fn sorted(values: &[u64]) -> Vec<u64> {
        let mut values = values.to_vec();
        values.sort_unstable();
        values
    }

    proptest! {
        #[test]
        fn p_is_the_share_of_all_choices_that_lie_as_far_apart(
            x in prop::collection::vec(0_u64..12, 1..6),
            y in prop::collection::vec(0_u64..12, 1..6),
        ) {
            let found = rank_sum(&sample(&x), &sample(&y));
            let (above, below) = by_enumeration(&x, &y);
            prop_assert!((found.above - above).abs() < 1e-12, "{} {}", found.above, above);
            prop_assert!((found.below - below).abs() < 1e-12, "{} {}", found.below, below);
            prop_assert!(found.method != Method::Normal);
        }
        #[test]
        fn exchanging_the_samples_exchanges_the_sides_and_logarithms_change_nothing(
            x in prop::collection::vec(1_u64..1000, 1..40),
            y in prop::collection::vec(1_u64..1000, 1..40),
        ) {
            let (there, back) = (rank_sum(&sample(&x), &sample(&y)), rank_sum(&sample(&y), &sample(&x)));
            prop_assert!((there.above - back.below).abs() < 1e-12 && (there.below - back.above).abs() < 1e-12);
            prop_assert!(there.above + there.below >= 1.0 - 1e-12);
            let squared = |values: &[u64]| sample(&values.iter().map(|at| at * at).collect::<Vec<_>>());
            prop_assert_eq!(there, rank_sum(&squared(&x), &squared(&y)));
        }
    }
}

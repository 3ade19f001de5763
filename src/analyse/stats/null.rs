//! How U is distributed if two samples do not differ, counted out: one distribution serves all samples of the same sizes.

use std::collections::HashMap;

/// Up to this size of both samples the distribution is counted. Its counts then fit a `u128`.
pub(super) const MOST_EXACT: usize = 50;

/// The distributions that were counted, by the sizes of the samples. Whoever compares many pairs of samples keeps one of these: counting
/// takes far longer than what is asked of the counts.
#[derive(Debug, Clone, Default)]
pub struct Nulls(HashMap<(usize, usize), Null>);

impl Nulls {
    /// That of samples of these sizes, each at most [`MOST_EXACT`].
    pub(super) fn of(&mut self, n: usize, m: usize) -> &Null {
        // Exchanging the samples turns the distribution around, and it is symmetric.
        self.0.entry((n.min(m), n.max(m))).or_insert_with(|| Null::of(n, m))
    }
}

/// Of how many of all arrangements U is at most 0, 1, …, n·m.
#[derive(Debug, Clone)]
pub(super) struct Null(Vec<u128>);

impl Null {
    pub(super) fn of(n: usize, m: usize) -> Null {
        let mut sum = 0;
        let mut counts = counts(n, m);
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        Null(counts)
    }
    fn all(&self) -> u128 {
        self.0.last().copied().unwrap_or(0)
    }
    fn share(&self, of: u128) -> f64 {
        of as f64 / self.all() as f64
    }
    /// How likely U is to be at most this.
    pub(super) fn at_most(&self, u: usize) -> f64 {
        self.share(self.0[u])
    }
    /// How likely U is to be at least this.
    pub(super) fn at_least(&self, u: usize) -> f64 {
        self.share(self.all() - u.checked_sub(1).map_or(0, |below| self.0[below]))
    }
    /// How many values of U, from the least on, are together no more likely than this.
    pub(super) fn within(&self, tail: f64) -> usize {
        self.0.partition_point(|&upto| self.share(upto) <= tail)
    }
}

/// Of how many of all arrangements of two samples U is 0, 1, …, n·m: the coefficients of the Gaussian binomial.
pub(super) fn counts(n: usize, m: usize) -> Vec<u128> {
    let most = n * m;
    let mut counts = vec![0_u128; most + 1];
    counts[0] = 1;
    for i in 1..=n {
        // Times 1 − q^(m+i); the result of both steps is a polynomial with positive coefficients again, so that what wraps
        // around between them comes back.
        for at in (m + i..=most).rev() {
            counts[at] = counts[at].wrapping_sub(counts[at - m - i]);
        }
        // Divided by 1 − q^i.
        for at in i..=most {
            counts[at] = counts[at].wrapping_add(counts[at - i]);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The smallest two-sided p of n against n: 2 of all arrangements.
    #[test]
    fn u_of_equal_samples_has_as_many_arrangements_as_there_are() {
        for (n, all) in [(3, 20), (4, 70), (5, 252), (6, 924)] {
            let counts = counts(n, n);
            assert_eq!((counts[0], counts.iter().sum::<u128>()), (1, all));
        }
        // The greatest that is computed: 100 over 50.
        assert_eq!(counts(50, 50).iter().sum::<u128>(), 100_891_344_545_564_193_334_812_497_256);
    }

    proptest! {
        /// Whatever was asked before, and in whichever order of the samples.
        #[test]
        fn what_is_kept_is_what_is_counted(sizes in prop::collection::vec((1_usize..=MOST_EXACT, 1_usize..=MOST_EXACT), 1..6)) {
            let mut nulls = Nulls::default();
            for (n, m) in sizes.iter().flat_map(|&(n, m)| [(n, m), (m, n)]) {
                let (kept, counts) = (nulls.of(n, m), counts(n, m));
                let all = counts.iter().sum::<u128>() as f64;
                for u in [0, n * m / 3, n * m / 2, n * m] {
                    prop_assert_eq!(kept.at_most(u), counts[..=u].iter().sum::<u128>() as f64 / all);
                    prop_assert_eq!(kept.at_least(u), counts[u..].iter().sum::<u128>() as f64 / all);
                }
                for tail in [0.0, 0.01, 0.025, 0.5] {
                    let mut sum = 0;
                    let within = counts.iter().take_while(|count| { sum += **count; sum as f64 / all <= tail }).count();
                    prop_assert_eq!(kept.within(tail), within);
                }
            }
        }
    }
}

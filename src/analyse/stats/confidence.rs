//! What a number of runs says for certain: bounds of a quantile by ranks, and where the true share of something lies. Both are
//! exact and assume no distribution of what was measured; they assume that one run says nothing of the next.

use super::Quantile;

/// A statement about one side is wrong in 5 of 100 cases at most.
pub const ONE_SIDE: f64 = 0.05;
/// An interval is wrong in as many, half of them on either side.
pub const EITHER_SIDE: f64 = 0.025;

/// Which of `n` values in ascending order (from 1) bound a quantile, from below and from above: the quantile of all that could
/// be measured lies at or above the one, and at or below the other, but for a share `alpha` of all cases each (Conover,
/// *Practical Nonparametric Statistics*, 3.2). `None` where no value does.
///
/// How many of the values lie below the quantile is binomial. The r-th value lies above it where fewer than r do, the s-th
/// below it where s or more do.
pub fn ranks(q: Quantile, n: usize, alpha: f64) -> (Option<usize>, Option<usize>) {
    let at_most = binomial_cumulated(n, q.share());
    // at_most[k] is the chance that k values or fewer lie below.
    let low = at_most.iter().take_while(|&&chance| chance <= alpha).count();
    let high = at_most.iter().position(|&chance| chance >= 1.0 - alpha).map(|below| below + 1);
    ((low > 0).then_some(low), high)
}

/// The fewest values of which some bound a quantile on the sides that are asked for, each in 95 of 100 cases.
pub fn fewest_for(q: Quantile, from_below: bool, from_above: bool) -> usize {
    // All values lie on one side of it with share^n: below it, and the greatest does not bound it; above, and the least does not.
    let fewest = |share: f64| (ONE_SIDE.ln() / share.ln()).ceil() as usize;
    let below = if from_below { fewest(1.0 - q.share()) } else { 1 };
    let above = if from_above { fewest(q.share()) } else { 1 };
    below.max(above)
}

/// Where the true share of something lies that happened `k` times in `n`: Clopper and Pearson's interval of 95 %. It is exact,
/// so that it never promises more than it keeps; near 100 %, where pass rates are, Wilson's covers less than it says.
pub fn share(k: usize, n: usize) -> (f64, f64) {
    let half = EITHER_SIDE;
    // The least share at which k or more are not too unlikely, and the greatest at which k or fewer are not.
    let low = if k == 0 { 0.0 } else { cross(|p| 1.0 - chance_of_at_most(k - 1, n, p) < half) };
    let high = if k >= n { 1.0 } else { cross(|p| chance_of_at_most(k, n, p) >= half) };
    (low, high)
}

/// P(B ≤ k) of n draws that succeed with p, for each k in 0..n.
fn binomial_cumulated(n: usize, p: f64) -> Vec<f64> {
    let mut log = n as f64 * (1.0 - p).ln();
    let odds = (p / (1.0 - p)).ln();
    let mut sum = 0.0;
    (0..n)
        .map(|k| {
            sum += log.exp();
            log += ((n - k) as f64 / (k + 1) as f64).ln() + odds;
            sum
        })
        .collect()
}

fn chance_of_at_most(k: usize, n: usize, p: f64) -> f64 {
    binomial_cumulated(n, p)[k].min(1.0)
}

/// Where something that is so from 0 on ends being so.
fn cross(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if holds(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn q(ten_thousandths: u16) -> Quantile {
        Quantile::new(ten_thousandths).unwrap()
    }

    /// Wilks' sample sizes for one-sided tolerance limits of 95 % confidence (29 for 90 %, 59 for 95 %, 299 for 99 %, 93 and 124
    /// where the second and third greatest are to bound p95), and the ranks of published tables for the median.
    #[test]
    fn ranks_are_those_of_the_published_tables() {
        for (share, n, upper) in [
            (9000, 28, None),
            (9000, 29, Some(29)),
            (9500, 58, None),
            (9500, 59, Some(59)),
            (9500, 92, Some(92)),
            (9500, 93, Some(92)),
            (9500, 123, Some(122)),
            (9500, 124, Some(122)),
            (9900, 298, None),
            (9900, 299, Some(299)),
            (9990, 2994, None),
            (9990, 2995, Some(2995)),
        ] {
            assert_eq!(ranks(q(share), n, ONE_SIDE).1, upper, "{share} of {n}");
        }
        // One-sided at 5 %: the sign test's ranks. For 5 the least and the greatest, for 10 the 2nd and the 9th, for 20 the 6th
        // and the 15th, for 50 the 19th and the 32nd, for 100 the 42nd and the 59th.
        for (n, low) in [(4, None), (5, Some(1)), (10, Some(2)), (20, Some(6)), (50, Some(19)), (100, Some(42))] {
            let high = low.map(|low| n + 1 - low);
            assert_eq!(ranks(Quantile::P50, n, ONE_SIDE), (low, high), "{n}");
        }
    }

    #[test]
    fn the_fewest_are_those_from_which_there_are_ranks() {
        for share in [100, 1000, 2500, 5000, 7500, 9000, 9500, 9900, 9990] {
            let (below, above) = (fewest_for(q(share), true, false), fewest_for(q(share), false, true));
            let (low, high) = (ranks(q(share), below, ONE_SIDE).0, ranks(q(share), above, ONE_SIDE).1);
            assert_eq!((low, high), (Some(1), Some(above)), "{share}");
            assert_eq!(ranks(q(share), below - 1, ONE_SIDE).0, None, "{share}");
            assert_eq!(ranks(q(share), above - 1, ONE_SIDE).1, None, "{share}");
            assert_eq!(fewest_for(q(share), true, true), below.max(above));
            assert_eq!(fewest_for(q(share), false, true), q(share).needs());
        }
    }

    /// As R's `binom.test` tells them: 682 of 925 is the example of its manual.
    #[test]
    fn the_interval_of_a_share_is_clopper_and_pearson_s() {
        for (k, n, low, high) in [
            (0, 10, 0.0, 0.308_497_1),
            (10, 10, 0.691_502_9, 1.0),
            (1, 10, 0.002_528_579, 0.445_016_1),
            (5, 10, 0.187_086, 0.812_914),
            (9, 10, 0.554_983_9, 0.997_471_4),
            (57, 60, 0.860_756_8, 0.989_567_7),
            (60, 60, 0.940_370_5, 1.0),
            (682, 925, 0.707_668_3, 0.765_406_6),
        ] {
            let found = share(k, n);
            assert!((found.0 - low).abs() < 2e-6 && (found.1 - high).abs() < 2e-6, "{k} of {n}: {found:?}");
        }
    }

    #[test]
    fn thousands_of_runs_have_an_interval_too() {
        let (low, high) = share(99_000, 100_000);
        assert!(0.989_3 < low && low < 0.99 && 0.99 < high && high < 0.990_7, "{low} {high}");
        let (low, high) = ranks(Quantile::P99, 100_000, ONE_SIDE);
        assert!(low.unwrap() < 99_000 && high.unwrap() > 99_000);
        assert!(low.unwrap() > 98_900 && high.unwrap() < 99_100);
    }

    /// Of many samples drawn from a distribution whose quantile is known, no more than 5 of 100 have a bound on its wrong side.
    #[test]
    fn bounds_of_a_quantile_are_wrong_no_more_often_than_they_say() {
        let mut rng = fastrand::Rng::with_seed(20_270_131);
        for (quantile, n) in
            [(Quantile::P50, 10), (q(7500), 20), (Quantile::P90, 40), (Quantile::P95, 60), (Quantile::P95, 200)]
        {
            let (low, high) = ranks(quantile, n, ONE_SIDE);
            let (mut above, mut below) = (0, 0);
            const TRIALS: usize = 4_000;
            for _ in 0..TRIALS {
                // Skewed, as durations are; what is compared is only the rank, so that any shape will do.
                let mut sample: Vec<f64> = (0..n).map(|_| -rng.f64().max(1e-12).ln()).collect();
                sample.sort_by(f64::total_cmp);
                let truth = -(1.0 - quantile.share()).ln();
                above += usize::from(low.is_some_and(|low| sample[low - 1] > truth));
                below += usize::from(high.is_some_and(|high| sample[high - 1] < truth));
            }
            // 5 %, and three standard deviations of counting it.
            let most = (TRIALS as f64 * 0.05 + 3.0 * (TRIALS as f64 * 0.05 * 0.95).sqrt()) as usize;
            assert!(above <= most && below <= most, "{quantile} of {n}: {above} and {below} of {TRIALS}");
        }
    }

    /// Exactly, for every share of a grid: the chance that the interval does not hold it.
    #[test]
    fn the_interval_of_a_share_covers_every_share_that_it_may_be() {
        for n in [5, 20, 60] {
            let intervals: Vec<(f64, f64)> = (0..=n).map(|k| share(k, n)).collect();
            for p in (1..200).map(|p| f64::from(p) / 200.0) {
                let at_most = binomial_cumulated(n, p);
                let chance = |k: usize| {
                    let upto = if k == n { 1.0 } else { at_most[k] };
                    upto - if k == 0 { 0.0 } else { at_most[k - 1] }
                };
                let missed: f64 = (0..=n).filter(|&k| p < intervals[k].0 || intervals[k].1 < p).map(chance).sum();
                assert!(missed <= 0.05 + 1e-9, "{n} {p}: {missed}");
            }
        }
    }

    proptest! {
        #[test]
        fn more_successes_never_lower_a_share_and_more_runs_narrow_it(k in 0_usize..40, n in 40_usize..80) {
            let (low, high) = share(k, n);
            let rate = k as f64 / n as f64;
            prop_assert!(0.0 <= low && low <= rate + 1e-9 && rate <= high + 1e-9 && high <= 1.0);
            let more = share(k + 1, n);
            prop_assert!(low <= more.0 && high <= more.1);
            let wider = share(2 * k, 2 * n);
            prop_assert!(wider.1 - wider.0 <= high - low + 1e-9);
        }
        #[test]
        fn a_greater_quantile_has_no_lower_ranks(n in 1_usize..400, a in 1_u16..9999, b in 1_u16..9999) {
            let (less, more) = (ranks(q(a.min(b)), n, ONE_SIDE), ranks(q(a.max(b)), n, ONE_SIDE));
            prop_assert!(less.0.unwrap_or(0) <= more.0.unwrap_or(0));
            prop_assert!(less.1.unwrap_or(usize::MAX) <= more.1.unwrap_or(usize::MAX));
            if let (Some(low), Some(high)) = less {
                prop_assert!(low <= high);
            }
        }
    }
}

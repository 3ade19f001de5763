//! Fisher's exact test: whether something happens more often in one of two groups.

/// How often something happened in two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// How often in the first.
    pub before: usize,
    /// Of how many.
    pub of_before: usize,
    /// How often in the second.
    pub after: usize,
    /// Of how many.
    pub of_after: usize,
}

/// How likely it is to happen at least as often in the second group if the groups do not differ, given how often it happens in
/// both together: a tail of the hypergeometric distribution.
pub fn fisher_more(shares: Shares) -> f64 {
    tail(shares, 1.0)
}

/// The same with what was observed counted half (Lancaster's mid-p). Of few counts Fisher's test is wrong much less often than it
/// may be; this one comes nearer to it.
pub fn fisher_more_mid(shares: Shares) -> f64 {
    tail(shares, 0.5)
}

/// The chance of all counts above the one observed, and of that one by its weight.
fn tail(shares: Shares, of_observed: f64) -> f64 {
    let Shares { before, of_before, after, of_after } = shares;
    let both = before + after;
    let logs = log_factorials(of_before + of_after);
    let choose = |n: usize, k: usize| logs[n] - logs[k] - logs[n - k];
    let all = choose(of_before + of_after, both);
    let chance = |after: usize| (choose(of_after, after) + choose(of_before, both - after) - all).exp();
    let above: f64 = (after + 1..=both.min(of_after)).map(chance).sum();
    (above + chance(after) * of_observed).min(1.0)
}

/// ln 0!, ln 1!, …, ln n!
fn log_factorials(n: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let next = |at: usize| {
        sum += (at.max(1) as f64).ln();
        sum
    };
    (0..=n).map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn p(before: usize, of_before: usize, after: usize, of_after: usize) -> f64 {
        fisher_more(Shares { before, of_before, after, of_after })
    }

    /// The examples of R's `fisher.test`: the lady tasting tea (p = 0.2429) and convictions of twins (p = 0.0004652); and the
    /// smallest counts that are significant at 1 % against none in 20.
    #[test]
    fn p_is_that_of_the_textbook_s_examples() {
        for (found, expected) in [
            (p(1, 4, 3, 4), 0.242_857),
            (p(2, 17, 10, 13), 0.000_465_2),
            (p(0, 20, 7, 20), 0.004_158),
            (p(0, 20, 6, 20), 0.010_1),
        ] {
            assert!((found / expected - 1.0).abs() < 2e-3, "{found} {expected}");
        }
        assert_eq!((p(0, 5, 0, 5), p(5, 5, 5, 5)), (1.0, 1.0));
        // Of the tea, 16 of 70 choices are as observed and one is beyond.
        let mid = fisher_more_mid(Shares { before: 1, of_before: 4, after: 3, of_after: 4 });
        assert!((mid - 9.0 / 70.0).abs() < 1e-9, "{mid}");
    }

    proptest! {
        /// Over all choices of who of both groups it happens to, one by one.
        #[test]
        fn p_is_the_share_of_all_choices(
            (of_before, before) in (1_usize..7).prop_flat_map(|n| (Just(n), 0..=n)),
            (of_after, after) in (1_usize..7).prop_flat_map(|n| (Just(n), 0..=n)),
        ) {
            let all = of_before + of_after;
            let (mut count, mut more) = (0, 0);
            for mask in (0_u32..1 << all).filter(|mask| mask.count_ones() as usize == before + after) {
                count += 1;
                more += u32::from((mask >> of_before).count_ones() as usize >= after);
            }
            let expected = f64::from(more) / f64::from(count);
            prop_assert!((p(before, of_before, after, of_after) - expected).abs() < 1e-9);
        }
    }
}

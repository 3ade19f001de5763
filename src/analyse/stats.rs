//! Statistics of few samples: percentiles that are refused where the sample is too small, and what two samples differ by,
//! with confidence intervals that assume no distribution.
//!
//! Samples are durations in nanoseconds. Every interval is of at least 95 %: its ends are values (or differences, or ratios)
//! that were measured, chosen by rank.

use std::cmp::Ordering;

/// What may be wrong on either side of an interval: 2.5 %.
const TAIL: f64 = 0.025;
/// The standard normal distribution's quantile of 97.5 %.
const Z: f64 = 1.959_963_984_540_054;
/// Up to this size of both samples the distribution of U is computed exactly. Its counts then fit a `u128`.
const MOST_EXACT: usize = 50;

/// A quantile, as its share in ten-thousandths, so that ranks are whole numbers: p95 is 9500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantile(u16);

impl Quantile {
    /// The median.
    pub const P50: Quantile = Quantile(5000);
    /// Ten per cent take longer.
    pub const P90: Quantile = Quantile(9000);
    /// Five per cent take longer.
    pub const P95: Quantile = Quantile(9500);
    /// One per cent takes longer.
    pub const P99: Quantile = Quantile(9900);

    /// The share in ten-thousandths, between 0 and 1 exclusive.
    pub fn new(ten_thousandths: u16) -> Option<Quantile> {
        (0 < ten_thousandths && ten_thousandths < 10_000).then_some(Quantile(ten_thousandths))
    }
    fn share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
    /// How many samples it takes until the greatest of them lies above the quantile in 95 of 100 cases (Wilks). With fewer,
    /// what is called this percentile is only the maximum.
    pub fn needs(self) -> usize {
        (0.05_f64.ln() / self.share().ln()).ceil() as usize
    }
}

impl std::fmt::Display for Quantile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "p{}", self.0 / 100),
            _ => write!(f, "p{}", f64::from(self.0) / 100.0),
        }
    }
}

/// Values in ascending order, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample(Vec<u64>);

impl Sample {
    /// A sample of these values in any order; `None` of nothing.
    pub fn new(mut values: Vec<u64>) -> Option<Sample> {
        values.sort_unstable();
        (!values.is_empty()).then_some(Sample(values))
    }
    /// How many values.
    pub fn count(&self) -> usize {
        self.0.len()
    }
    /// The least.
    pub fn min(&self) -> u64 {
        self.0[0]
    }
    /// The greatest.
    pub fn max(&self) -> u64 {
        self.0[self.0.len() - 1]
    }
    /// The quantile by nearest rank: the least value that a share `q` of the sample does not exceed. `None` where the sample
    /// is too small for it ([`Quantile::needs`]).
    pub fn quantile(&self, q: Quantile) -> Option<u64> {
        (self.count() >= q.needs()).then(|| self.nearest_rank(q))
    }
    fn nearest_rank(&self, q: Quantile) -> u64 {
        let rank = (self.count() as u128 * u128::from(q.0)).div_ceil(10_000);
        self.0[(rank as usize).clamp(1, self.count()) - 1]
    }
    /// Between which values the quantile of all that could be measured lies, in 95 of 100 cases: order statistics by binomial
    /// ranks. `None` where the sample is too small to say so.
    pub fn interval(&self, q: Quantile) -> Option<(u64, u64)> {
        let n = self.count();
        // How many values lie below the quantile is binomial. The r-th smallest lies above it if fewer than r do, and below it
        // if r or more do.
        let at_most = binomial_cumulated(n, q.share());
        let low = at_most.iter().take_while(|&&chance| chance <= TAIL).count();
        let high = at_most.iter().position(|&chance| 1.0 - chance <= TAIL)? + 1;
        (low >= 1 && high <= n).then(|| (self.0[low - 1], self.0[high - 1]))
    }
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

/// A difference of two samples with the interval that holds it in 95 of 100 cases, if they are large enough for one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate<T> {
    /// The estimate.
    pub value: T,
    /// Where it lies.
    pub interval: Option<(T, T)>,
}

/// By how many nanoseconds `y` is above `x`: the median of all differences (Hodges and Lehmann).
pub fn shift(x: &Sample, y: &Sample) -> Estimate<i128> {
    let pairs = Pairs { x: &x.0, y: &y.0, key: |x: u64, y: u64| (i128::from(y) - i128::from(x) + BIAS) as u128 };
    // Of an even number of differences the two in the middle have one between them.
    let estimate = pairs.estimate();
    let middle = |(a, b): (u128, u128)| (a as i128 - BIAS) + (b as i128 - a as i128) / 2;
    Estimate {
        value: middle(estimate.value),
        interval: estimate.interval.map(|(low, high)| (low.0 as i128 - BIAS, high.0 as i128 - BIAS)),
    }
}

/// How many times `x` is `y`: the shift of their logarithms. A time of zero counts as one nanosecond.
pub fn ratio(x: &Sample, y: &Sample) -> Estimate<f64> {
    let pairs = Pairs { x: &x.0, y: &y.0, key: |x: u64, y: u64| (y.max(1) as f64 / x.max(1) as f64).to_bits().into() };
    let number = |bits: u128| f64::from_bits(bits as u64);
    let estimate = pairs.estimate();
    Estimate {
        value: (number(estimate.value.0) * number(estimate.value.1)).sqrt(),
        interval: estimate.interval.map(|(low, high)| (number(low.0), number(high.0))),
    }
}

/// How often a value of `y` is above one of `x`, ties counted half (Vargha and Delaney): 0.5 where neither is greater.
pub fn superiority(x: &Sample, y: &Sample) -> f64 {
    let (mut below, mut upto, mut twice) = (0, 0, 0_u128);
    for &at in &y.0 {
        while x.0.get(below).is_some_and(|&x| x < at) {
            below += 1;
        }
        while x.0.get(upto).is_some_and(|&x| x <= at) {
            upto += 1;
        }
        twice += (below + upto) as u128;
    }
    twice as f64 / (2.0 * x.count() as f64 * y.count() as f64)
}

/// Makes differences of two `u64` positive.
const BIAS: i128 = 1 << 64;

/// All pairs of two samples, ordered by a key that grows with y and falls with x. There are n·m of them, so they are never
/// written down: how many have at most some key is counted in n + m steps.
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
    fn estimate(&self) -> Estimate<(u128, u128)> {
        let all = self.count();
        let value = (self.at_rank(all.div_ceil(2)), self.at_rank(all / 2 + 1));
        let interval = self.outside().map(|outside| {
            let (low, high) = (self.at_rank(outside + 1), self.at_rank(all - outside));
            ((low, low), (high, high))
        });
        Estimate { value, interval }
    }
    /// How many pairs lie below the interval, and as many above it: the greatest c with P(U ≤ c) ≤ 2.5 %.
    fn outside(&self) -> Option<u128> {
        let (n, m) = (self.x.len(), self.y.len());
        let ties = ties(self.x, self.y);
        if n <= MOST_EXACT && m <= MOST_EXACT && ties == 0.0 {
            let counts = u_counts(n, m);
            let all = counts.iter().sum::<u128>() as f64;
            let mut sum = 0;
            let within = |count: &&u128| {
                sum += **count;
                sum as f64 / all <= TAIL
            };
            return (counts.iter().take_while(within).count() as u128).checked_sub(1);
        }
        let (n, m) = (n as f64, m as f64);
        let total = n + m;
        let variance = n * m / 12.0 * ((total + 1.0) - ties / (total * (total - 1.0)).max(1.0));
        // The rank of the lower end, rounded down, is one more than what lies outside.
        let rank = (n * m / 2.0 - Z * variance.max(0.0).sqrt()).floor();
        (rank >= 1.0).then(|| rank as u128 - 1)
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

/// Σ(t³ − t) over the groups of equal values in both samples together.
fn ties(x: &[u64], y: &[u64]) -> f64 {
    let mut all = [x, y].concat();
    all.sort_unstable();
    let group = |group: &[u64]| (group.len() as f64).powi(3) - group.len() as f64;
    all.chunk_by(|a, b| a == b).map(group).sum()
}

/// Of how many of all arrangements of two samples U is 0, 1, …, n·m: the coefficients of the Gaussian binomial.
fn u_counts(n: usize, m: usize) -> Vec<u128> {
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
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn sample(values: &[u64]) -> Sample {
        Sample::new(values.to_vec()).unwrap()
    }
    fn upto(n: u64) -> Sample {
        Sample::new((1..=n).collect()).unwrap()
    }

    /// Wilks' sizes for 95 %.
    #[test]
    fn a_percentile_is_refused_below_the_sample_that_bounds_it() {
        let q = |ten_thousandths| Quantile::new(ten_thousandths).unwrap();
        for (quantile, needs) in
            [(Quantile::P50, 5), (q(7500), 11), (Quantile::P90, 29), (Quantile::P95, 59), (Quantile::P99, 299)]
        {
            assert_eq!(quantile.needs(), needs, "{quantile}");
            assert_eq!(upto(needs as u64 - 1).quantile(quantile), None);
            assert!(upto(needs as u64).quantile(quantile).is_some());
        }
        assert_eq!((q(9990).to_string(), Quantile::P99.to_string()), ("p99.9".to_owned(), "p99".to_owned()));
        assert!(Quantile::new(0).is_none() && Quantile::new(10_000).is_none());
    }

    #[test]
    fn a_percentile_is_the_value_of_the_nearest_rank() {
        let hundred = upto(100);
        let quantile = |q: Quantile| hundred.quantile(q);
        assert_eq!((quantile(Quantile::P50), quantile(Quantile::P95)), (Some(50), Some(95)));
        // Five values: ceil(0.5 · 5) = 3.
        assert_eq!(sample(&[15, 20, 35, 40, 50]).quantile(Quantile::P50), Some(35));
        assert_eq!(upto(299).quantile(Quantile::P99), Some(297));
    }

    /// n = 5 covers 93.75 % with its extremes, n = 6 96.9 %. The ranks of the median are the sign test's: for 10 the 2nd and
    /// 9th, for 20 the 6th and 15th, for 100 the 40th and 61st.
    #[test]
    fn the_interval_of_a_median_has_the_ranks_of_the_sign_test() {
        for (n, ranks) in [(5, None), (6, Some((1, 6))), (10, Some((2, 9))), (20, Some((6, 15))), (100, Some((40, 61)))]
        {
            assert_eq!(upto(n).interval(Quantile::P50), ranks, "{n}");
        }
        // 0.95^71 is more than 2.5 %, 0.95^72 less: only then is the greatest value above p95 often enough.
        assert_eq!((upto(71).interval(Quantile::P95), upto(72).interval(Quantile::P95).unwrap().1), (None, 72));
    }

    /// The published table of Mann and Whitney's critical values, two-sided at 5 %.
    #[test]
    fn the_distribution_of_u_has_the_critical_values_of_the_published_table() {
        for (n, m, critical) in [
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
        ] {
            let (x, y): (Vec<u64>, Vec<u64>) = ((0..n).collect(), (100..100 + m).collect());
            let pairs = Pairs { x: &x, y: &y, key: |x: u64, y: u64| u128::from(y - x) };
            assert_eq!(pairs.outside(), critical, "{n} and {m}");
        }
    }

    /// The smallest two-sided p of n against n: 2 of all arrangements.
    #[test]
    fn u_of_equal_samples_has_as_many_arrangements_as_there_are() {
        for (n, all) in [(3, 20), (4, 70), (5, 252), (6, 924)] {
            let counts = u_counts(n, n);
            assert_eq!((counts[0], counts.iter().sum::<u128>()), (1, all));
        }
        // The greatest that is computed: 100 over 50.
        assert_eq!(u_counts(50, 50).iter().sum::<u128>(), 100_891_344_545_564_193_334_812_497_256);
    }

    /// Hollander and Wolfe's permeability of membranes at term and at 12 to 26 weeks: the shift is 0.305.
    #[test]
    fn the_shift_is_that_of_the_textbook() {
        let term = sample(&[80, 83, 189, 104, 145, 138, 191, 164, 73, 146]);
        let earlier = sample(&[115, 88, 90, 74, 121]);
        let found = shift(&earlier, &term);
        // 30.5, as a whole number.
        assert_eq!(found.value, 30);
        // In ascending order, without writing them all down: P(U ≤ 8) is 2.0 %, so the 9th and the 42nd of 50.
        assert_eq!(found.interval, Some((-15, 76)));
        // Term is above earlier in 35 of 50 pairs.
        assert!((superiority(&earlier, &term) - 0.7).abs() < 1e-12);
    }

    #[test]
    fn twice_as_long_is_a_ratio_of_two_and_equal_samples_differ_by_nothing() {
        let x = sample(&[100, 110, 120, 130, 140, 150, 160]);
        let y = sample(&[200, 220, 240, 260, 280, 300, 320]);
        let found = ratio(&x, &y);
        assert!((found.value - 2.0).abs() < 1e-12);
        let (low, high) = found.interval.unwrap();
        assert!(low < 2.0 && 2.0 < high);
        assert_eq!((shift(&x, &x).value, ratio(&x, &x).value, superiority(&x, &x)), (0, 1.0, 0.5));
    }

    #[test]
    fn too_few_samples_have_an_estimate_and_no_interval() {
        let (x, y) = (sample(&[1, 2, 3]), sample(&[11, 12, 13]));
        assert_eq!(shift(&x, &y), Estimate { value: 10, interval: None });
        assert!(shift(&sample(&[1, 2, 3, 4]), &sample(&[11, 12, 13, 14])).interval.is_some());
        assert_eq!(shift(&sample(&[u64::MAX]), &sample(&[0])).value, -i128::from(u64::MAX));
        assert_eq!(ratio(&sample(&[0]), &sample(&[0])).value, 1.0);
    }

    #[test]
    fn large_samples_are_compared_without_their_pairs() {
        let x = Sample::new((0..50_000).map(|at| 1_000_000 + at * 7).collect()).unwrap();
        let y = Sample::new((0..50_000).map(|at| 1_100_000 + at * 7).collect()).unwrap();
        let found = shift(&x, &y);
        let (low, high) = found.interval.unwrap();
        assert_eq!(found.value, 100_000);
        assert!(low < 100_000 && 100_000 < high && high - low < 10_000, "{low} {high}");
    }

    proptest! {
        /// The pairs written down say the same.
        #[test]
        fn ranks_of_pairs_are_those_of_all_pairs_sorted(
            x in prop::collection::vec(0_u64..1000, 1..12),
            y in prop::collection::vec(0_u64..1000, 1..12),
        ) {
            let (x, y) = (Sample::new(x).unwrap(), Sample::new(y).unwrap());
            let mut all: Vec<i128> =
                x.0.iter().flat_map(|&x| y.0.iter().map(move |&y| i128::from(y) - i128::from(x))).collect();
            all.sort_unstable();
            let pairs = Pairs { x: &x.0, y: &y.0, key: |x: u64, y: u64| (i128::from(y) - i128::from(x) + BIAS) as u128 };
            for (at, difference) in all.iter().enumerate() {
                prop_assert_eq!(pairs.at_rank(at as u128 + 1) as i128 - BIAS, *difference);
            }
            let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
            prop_assert_eq!(shift(&x, &y).value, low + (high - low) / 2);
            let above = all.iter().filter(|at| **at > 0).count() as f64 + all.iter().filter(|at| **at == 0).count() as f64 / 2.0;
            prop_assert!((superiority(&x, &y) - above / all.len() as f64).abs() < 1e-9);
        }
        /// Exchanging the samples turns the sign, and an interval holds its estimate.
        #[test]
        fn differences_are_antisymmetric_and_intervals_hold_them(
            x in prop::collection::vec(1_u64..100_000, 1..70),
            y in prop::collection::vec(1_u64..100_000, 1..70),
        ) {
            let (x, y) = (Sample::new(x).unwrap(), Sample::new(y).unwrap());
            let (there, back) = (shift(&x, &y), shift(&y, &x));
            prop_assert!((there.value + back.value).abs() <= 1);
            if let (Some((low, high)), Some(other)) = (there.interval, back.interval) {
                prop_assert!(low <= there.value && there.value <= high);
                prop_assert_eq!((-high, -low), other);
            }
            let times = ratio(&x, &y);
            prop_assert!((times.value * ratio(&y, &x).value - 1.0).abs() < 1e-9);
            prop_assert!((superiority(&x, &y) + superiority(&y, &x) - 1.0).abs() < 1e-9);
            for q in [Quantile::P50, Quantile::P95] {
                if let (Some(at), Some((low, high))) = (x.quantile(q), x.interval(q)) {
                    prop_assert!(low <= at && at <= high);
                }
            }
        }
        /// Scaling all times scales the shift and leaves the ratio and the superiority.
        #[test]
        fn the_unit_of_time_does_not_matter(
            x in prop::collection::vec(1_u64..10_000, 4..30),
            y in prop::collection::vec(1_u64..10_000, 4..30),
        ) {
            let (x, y) = (Sample::new(x).unwrap(), Sample::new(y).unwrap());
            let thousand = |sample: &Sample| Sample::new(sample.0.iter().map(|at| at * 1000).collect()).unwrap();
            let (long_x, long_y) = (thousand(&x), thousand(&y));
            let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
            prop_assert!(close(ratio(&x, &y).value, ratio(&long_x, &long_y).value));
            prop_assert_eq!(superiority(&x, &y), superiority(&long_x, &long_y));
            prop_assert!((shift(&x, &y).value * 1000 - shift(&long_x, &long_y).value).abs() <= 1000);
        }
    }
}

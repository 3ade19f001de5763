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
    for (n, ranks) in [(5, None), (6, Some((1, 6))), (10, Some((2, 9))), (20, Some((6, 15))), (100, Some((40, 61)))] {
        assert_eq!(upto(n).interval(Quantile::P50), ranks, "{n}");
    }
    // 0.95^71 is more than 2.5 %, 0.95^72 less: only then is the greatest value above p95 often enough.
    assert_eq!((upto(71).interval(Quantile::P95), upto(72).interval(Quantile::P95).unwrap().1), (None, 72));
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

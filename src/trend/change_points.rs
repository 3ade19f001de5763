//! Where a series changed its level: the E-divisive method.
//!
//! The definitions are those of D. S. Matteson and N. A. James, "A Nonparametric Approach for Multiple Change Point Analysis of
//! Multivariate Data" (2014), for one dimension and α = 1. A segment is cut where the energy distance between what lies before and
//! what lies behind is greatest; a permutation test says whether a series in any order would have shown as much; what is left on
//! either side is cut again. Nothing is assumed of the distribution.
//!
//! The permutations come from a generator with a fixed seed, so that the same series has the same change points, always.

/// The seed of the permutations, for a report to name.
pub const SEED: u64 = 0x7472_6163_6573_7065;
/// How often a segment is shuffled. It is cut only if no shuffled series shows as much, so that chance alone does so in one case of a
/// thousand: of the hundreds of series that a suite has, some would else have changed every day.
pub const PERMUTATIONS: usize = 999;
/// How much of a statistic sums of differences may lose to rounding. An order that shows as much but for that shows as much: of few values many
/// orders do, and whether all durations were a millisecond longer would otherwise decide.
const ROUNDING: f64 = 1e-9;
/// Fewer values than these on one side are outliers, not a level.
pub const LEAST_SEGMENT: usize = 3;

/// The change points of a series, in its order: each the index of the first value of a new level. Values that are no numbers are the
/// caller's mistake: they make every cut incomparable, so that none is found.
///
/// Time grows with the square of the series' length, memory with its length.
pub fn change_points(series: &[f64]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = vec![(0, series.len())];
    while let Some((from, to)) = open.pop() {
        let segment = &series[from..to];
        let Some(cut) = best_cut(segment) else { continue };
        if !is_significant(segment, cut.statistic, from as u64) {
            continue;
        }
        let at = from + cut.at;
        found.push(at);
        open.push((from, at));
        open.push((at, to));
    }
    found.sort_unstable();
    found
}

struct Cut {
    at: usize,
    statistic: f64,
}

/// The cut `at` and the end `until` of what is compared behind it for which the statistic is greatest; of equal ones the first.
fn best_cut(segment: &[f64]) -> Option<Cut> {
    let n = segment.len();
    if n < 2 * LEAST_SEGMENT {
        return None;
    }
    // within_start[k]: the sum of distances between any two of the first k values.
    let mut within_start = vec![0.0; n + 1];
    for k in 1..=n {
        let added: f64 = segment[..k - 1].iter().map(|value| (value - segment[k - 1]).abs()).sum();
        within_start[k] = within_start[k - 1] + added;
    }
    // within_from[k]: the same of the values from `at` to k, for the `at` of this turn.
    let mut within_from = vec![0.0; n + 1];
    let mut best: Option<Cut> = None;
    for at in (LEAST_SEGMENT..n).rev() {
        let mut added = 0.0;
        for until in at + 1..=n {
            added += (segment[at] - segment[until - 1]).abs();
            within_from[until] += added;
            if until - at < LEAST_SEGMENT {
                continue;
            }
            let between = within_start[until] - within_start[at] - within_from[until];
            let statistic = energy(at, until - at, between, within_start[at], within_from[until]);
            if best.as_ref().is_none_or(|best| statistic >= best.statistic) {
                best = Some(Cut { at, statistic });
            }
        }
    }
    // Equal values everywhere have no distance at all.
    best.filter(|cut| cut.statistic > 0.0)
}

/// The scaled energy distance of two samples of `n` and `m` values, from the sums of the distances between and within them.
fn energy(n: usize, m: usize, between: f64, within_left: f64, within_right: f64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let divergence =
        2.0 * between / (n * m) - 2.0 * within_left / (n * (n - 1.0)) - 2.0 * within_right / (m * (m - 1.0));
    n * m / (n + m) * divergence
}

/// Whether the values in no other order that was tried show as much.
fn is_significant(segment: &[f64], statistic: f64, stream: u64) -> bool {
    let mut shuffled = segment.to_vec();
    let mut random = SplitMix(SEED ^ stream);
    (0..PERMUTATIONS).all(|_| {
        random.shuffle(&mut shuffled);
        best_cut(&shuffled).is_none_or(|cut| cut.statistic < statistic * (1.0 - ROUNDING))
    })
}

/// SplitMix64 (Steele, Lea, Flood 2014). Written out since a library's generator may change with its version, and a verdict with it.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn shuffle(&mut self, values: &mut [f64]) {
        for last in (1..values.len()).rev() {
            // The high bits of a product: below `last + 1`, with a bias of less than 2^-50.
            let chosen = ((u128::from(self.next()) * (last as u128 + 1)) >> 64) as usize;
            values.swap(last, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Noise with a known spread, the same in every run.
    fn noise(seed: u64, length: usize) -> Vec<f64> {
        let mut random = SplitMix(seed);
        // The sum of twelve uniform values less six is close to a standard normal one.
        let normal = |random: &mut SplitMix| (0..12).map(|_| random.next() as f64 / u64::MAX as f64).sum::<f64>() - 6.0;
        (0..length).map(|_| 0.1 * normal(&mut random)).collect()
    }

    #[test]
    fn an_order_that_shows_as_much_but_for_rounding_shows_as_much() {
        let mut series = noise(26, 20);
        series[8..].iter_mut().for_each(|value| *value += 0.280920353685648);
        let shifted: Vec<f64> = series.iter().map(|value| value - 6.96486045790946).collect();
        assert_eq!(change_points(&series).is_empty(), change_points(&shifted).is_empty());
    }

    #[test]
    fn the_statistic_is_the_one_of_its_definition() {
        let (left, right) = ([1.0, 2.0, 4.0], [5.0, 5.0, 8.0, 9.0]);
        let distance = |a: &[f64], b: &[f64]| a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs())).sum::<f64>();
        // Every ordered pair is counted by `distance`, so that a pair within one sample comes twice.
        let expected = 12.0 / 7.0
            * (2.0 / 12.0 * distance(&left, &right)
                - distance(&left, &left) / (3.0 * 2.0)
                - distance(&right, &right) / (4.0 * 3.0));
        let cut = best_cut(&[left.as_slice(), &right].concat()).unwrap();
        assert_eq!(cut.at, 3);
        assert!((cut.statistic - expected).abs() < 1e-12, "{} {expected}", cut.statistic);
    }

    #[test]
    fn a_series_of_one_level_rarely_has_a_change_point() {
        let alarms = (0..60).filter(|seed| !change_points(&noise(*seed, 24)).is_empty()).count();
        assert!(alarms <= 1, "{alarms} of 60");
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        for seed in 0..4 {
            let mut series = noise(seed, 30);
            series[18..].iter_mut().for_each(|value| *value += 0.5);
            assert_eq!(change_points(&series), [18], "seed {seed}");
        }
    }

    #[test]
    fn a_slow_creep_is_found_although_no_step_of_it_stands_out() {
        for seed in 0..4 {
            let series: Vec<f64> =
                noise(seed, 40).iter().enumerate().map(|(at, value)| value + 0.015 * at as f64).collect();
            assert!(!change_points(&series).is_empty(), "seed {seed}");
        }
    }

    #[test]
    fn a_level_that_came_back_has_two_change_points() {
        let mut series = noise(3, 45);
        series[15..30].iter_mut().for_each(|value| *value += 0.6);
        assert_eq!(change_points(&series), [15, 30]);
    }

    #[test]
    fn one_outlier_and_two_are_no_level() {
        let mut series = noise(5, 40);
        series[38] += 3.0;
        series[39] += 3.0;
        series[10] += 5.0;
        assert!(change_points(&series).is_empty());
    }

    #[test]
    fn too_short_a_series_and_one_of_equal_values_have_none() {
        assert!(change_points(&[]).is_empty());
        assert!(change_points(&[1.0, 1.0, 9.0, 9.0, 9.0]).is_empty());
        assert!(change_points(&[4.0; 50]).is_empty());
        // Six values can be put in too few orders for a level to be sure.
        assert!(change_points(&[1.0, 1.0, 1.0, 9.0, 9.0, 9.0]).is_empty());
    }

    #[test]
    fn values_that_are_no_numbers_make_no_change_point() {
        let mut series = noise(1, 20);
        series[4] = f64::NAN;
        assert!(change_points(&series).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_sums_that_are_carried_along_are_those_of_the_pairs(series in proptest::collection::vec(-100.0..100.0f64, 6..24)) {
            let within = |part: &[f64]| {
                part.iter().enumerate().flat_map(|(at, x)| part[at + 1..].iter().map(move |y| (x - y).abs())).sum::<f64>()
            };
            let mut greatest = f64::NEG_INFINITY;
            for at in LEAST_SEGMENT..=series.len() - LEAST_SEGMENT {
                for until in at + LEAST_SEGMENT..=series.len() {
                    let (left, right) = (&series[..at], &series[at..until]);
                    let between = within(&series[..until]) - within(left) - within(right);
                    greatest = greatest.max(energy(left.len(), right.len(), between, within(left), within(right)));
                }
            }
            let found = best_cut(&series).map_or(0.0, |cut| cut.statistic);
            prop_assert!((found - greatest.max(0.0)).abs() < 1e-6 * greatest.abs().max(1.0), "{found} {greatest}");
        }

        #[test]
        fn a_shift_and_a_scale_of_all_values_move_no_change_point(seed in 0u64..50, shift in -10.0..10.0f64, step in 0.0..0.6f64) {
            let mut series = noise(seed, 20);
            series[8..].iter_mut().for_each(|value| *value += step);
            // A power of two scales without rounding.
            let moved: Vec<f64> = series.iter().map(|value| value * 4.0).collect();
            prop_assert_eq!(change_points(&series), change_points(&moved));
            let shifted: Vec<f64> = series.iter().map(|value| value + shift).collect();
            prop_assert_eq!(change_points(&series).is_empty(), change_points(&shifted).is_empty());
        }
    }
}

//! Holm's correction for many tests at once.

/// Each probability as it counts among all of them: the smallest times as many as there are, the next times one fewer, and none
/// below one before it. What is then at most α is wrong in at most a share α of all families, however the tests depend on each other.
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut adjusted = vec![1.0; probabilities.len()];
    let mut least = 0.0_f64;
    for (before, &at) in order.iter().enumerate() {
        least = least.max(probabilities[at] * (probabilities.len() - before) as f64).min(1.0);
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    /// By Holm's definition (Scandinavian Journal of Statistics 6, 1979).
    #[test]
    fn the_smallest_counts_as_often_as_there_are_tests() {
        assert!(close(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]));
        assert!(close(&holm(&[0.2, 0.3]), &[0.4, 0.4]));
        assert!(close(&holm(&[0.9, 0.8, 0.7]), &[1.0, 1.0, 1.0]));
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_order_stays_and_none_gets_smaller(all in prop::collection::vec(0.0_f64..1.0, 1..20)) {
            let adjusted = holm(&all);
            for (at, (&p, &q)) in all.iter().zip(&adjusted).enumerate() {
                prop_assert!(p <= q && q <= 1.0 && q <= (p * all.len() as f64).max(adjusted.iter().copied().fold(0.0, f64::max)));
                for (&other, &adjusted_other) in all[at..].iter().zip(&adjusted[at..]) {
                    prop_assert!(p > other || q <= adjusted_other);
                }
            }
        }
    }
}

//! The normal distribution, where samples are too large for exact counts.

/// The probability of exceeding this many standard deviations: by the series of Φ near the middle, by Laplace's continued fraction of
/// Mills' ratio in the tail (Abramowitz and Stegun 26.2.11 and 26.2.14).
pub(super) fn above(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - above(-z);
    }
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 3.0 {
        let (mut term, mut sum, mut odd) = (z, z, 1.0);
        while term > sum * 1e-17 {
            odd += 2.0;
            term *= z * z / odd;
            sum += term;
        }
        return 0.5 - density * sum;
    }
    let fraction = (1..=80).rev().fold(z, |rest, at| z + f64::from(at) / rest);
    density / fraction
}

/// How many standard deviations are exceeded with this probability, which is at most a half.
pub(super) fn deviate(probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    // Halved until the two are neighbours.
    for _ in 0..64 {
        let middle = low + (high - low) / 2.0;
        if above(middle) > probability { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// The standard deviation of U for samples of these sizes that do not differ; `ties` is Σ(t³ − t) over groups of equal values.
pub(super) fn of_u(n: usize, m: usize, ties: u128) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let all = n + m;
    let variance = n * m / 12.0 * ((all + 1.0) - ties as f64 / (all * (all - 1.0)).max(1.0));
    variance.max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz and Stegun, tables 26.1 and 26.6.
    #[test]
    fn probabilities_are_those_of_the_published_tables() {
        for (z, probability) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457),
            (2.0, 0.022_750_131_948_179),
            (3.0, 0.001_349_898_031_630),
            (5.0, 2.866_515_719e-7),
        ] {
            assert!((above(z) / probability - 1.0).abs() < 1e-9, "{z}: {}", above(z));
            assert!((above(-z) - (1.0 - probability)).abs() < 1e-12, "{z}");
        }
        for (probability, z) in
            [(0.025, 1.959_963_984_540_054), (0.01, 2.326_347_874_040_841), (0.001, 3.090_232_306_167_81)]
        {
            assert!((deviate(probability) - z).abs() < 1e-9, "{probability}: {}", deviate(probability));
        }
    }
}

//! Statistics of few samples, one concept a file: percentiles that are refused where the sample is too small, what is certain
//! of a quantile or a share, what two samples differ by, whether they differ at all, and the same of two shares.
//!
//! Samples are durations in nanoseconds. No distribution of them is assumed, nothing is drawn at random: the same samples have
//! the same answer. The ends of intervals are values (or differences, or ratios) that were measured, chosen by rank.

pub mod confidence;
mod holm;
mod normal;
mod null;
mod rank_sum;
mod shares;
mod shift;

pub use holm::holm;
pub use null::Nulls;
pub use rank_sum::{Method, RankSum, rank_sum};
pub use shares::{Shares, fisher_more, fisher_more_mid};
pub use shift::{Estimate, ratio, ratio_within, shift, shift_within, superiority};

/// What may be wrong on either side of an interval where nothing else is asked for: 2.5 %.
const TAIL: f64 = confidence::EITHER_SIDE;

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
    /// Which value of so many, in ascending order from 1, is the quantile: the least that a share of them does not exceed.
    pub fn rank(self, count: usize) -> usize {
        let rank = (count as u128 * u128::from(self.0)).div_ceil(10_000);
        (rank as usize).min(count)
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
    /// The values, in ascending order.
    pub fn values(&self) -> &[u64] {
        &self.0
    }
    /// The value in the middle, or the lower of the two that are; of a sample however small.
    pub fn middle(&self) -> u64 {
        self.nearest_rank(Quantile::P50)
    }
    /// The quantile by nearest rank, also of a sample that is too small to bound it.
    pub fn nearest_rank(&self, q: Quantile) -> u64 {
        self.0[q.rank(self.count()).max(1) - 1]
    }
    /// Between which values the quantile of all that could be measured lies, in 95 of 100 cases: order statistics by binomial
    /// ranks. `None` where the sample is too small to say so.
    pub fn interval(&self, q: Quantile) -> Option<(u64, u64)> {
        let (low, high) = confidence::ranks(q, self.count(), TAIL);
        Some((self.0[low? - 1], self.0[high? - 1]))
    }
}

#[cfg(test)]
mod tests;

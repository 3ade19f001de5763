//! When a difference of durations counts: by how the two arms were measured.

/// How the baseline and the candidate were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// In turn, in random order, on the same machine: whatever slows one slows the other.
    Interleaved,
    /// The baseline some day, perhaps on another machine: between the two lies a drift that no number of runs takes away.
    Stored,
    /// Requests of users, in the same window: their mix differs as machines do.
    Traffic,
}

/// The limits of a judgement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How the arms were measured.
    pub setup: Setup,
    /// What the root may take longer, as a share. Of arms that were not interleaved it is what makes a warning.
    pub margin_of_root: f64,
    /// The same of every other path.
    pub margin_of_others: f64,
    /// What arms that were not interleaved may differ by, as a share: the drift between machines and days.
    pub drift: f64,
    /// What is too short to matter, in nanoseconds, of the root.
    pub floor_of_root_ns: u64,
    /// The same of every other path.
    pub floor_of_others_ns: u64,
    /// How often a family of tests may be wrong, and either end of an interval.
    pub alpha: f64,
    /// The fewest runs of an arm.
    pub least_runs: usize,
}

/// Cliff's δ from which an effect is called large (Romano and others 2006).
pub const LARGE_EFFECT: f64 = 0.474;
/// The fewest runs of an arm that are judged at all: with 6 against 6, Holm's correction over 46 paths leaves nothing significant.
pub const FEWEST_RUNS: usize = 7;
/// From so many runs of either arm on, the slowest ones are looked at apart.
pub const TAIL_RUNS: usize = 30;
/// By how much a run must exceed the baseline's p90 to count as slow. Closer to p90, clean runs exceed it as well, and the share
/// of slow ones says less: with 1.1 one request in five that takes three times as long is found in 62 % of cases, with 1.25 in 77 %.
pub const TAIL_FACTOR: f64 = 1.25;
/// The least growth of the share of slow runs that matters.
pub const TAIL_GROWTH: f64 = 0.1;
/// How often one gate may look at its runs.
pub const MOST_LOOKS: u32 = 3;

impl Limits {
    /// The limits of a setup.
    pub fn of(setup: Setup) -> Limits {
        Limits {
            setup,
            margin_of_root: 0.1,
            margin_of_others: 0.2,
            drift: 0.25,
            floor_of_root_ns: 5_000_000,
            floor_of_others_ns: 2_000_000,
            alpha: 0.01,
            least_runs: match setup {
                Setup::Interleaved | Setup::Stored => 10,
                Setup::Traffic => 50,
            },
        }
    }

    /// The same for a gate that looks so often at its runs as they grow, at most [`MOST_LOOKS`] times: each look has its share of the
    /// error that all may make together.
    pub fn with_looks(self, looks: u32) -> Limits {
        Limits { alpha: self.alpha / f64::from(looks.clamp(1, MOST_LOOKS)), ..self }
    }
}

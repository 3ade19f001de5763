//! The kinds of gates that are simulated, and what is promised of each.

use tracespec::gate::limits::Setup;

/// What the candidate is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Candidate {
    /// As the baseline.
    Clean,
    /// Every run takes so many times as long.
    Slower(f64),
    /// This share of runs takes three times as long.
    SometimesThreefold(f64),
}

/// What is promised of the share of gates that fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Promise {
    /// No greater share.
    AtMost(f64),
    /// No smaller one.
    AtLeast(f64),
}

/// A kind of gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Family {
    /// How the arms are measured.
    pub setup: Setup,
    /// The coefficient of variation of the root's durations.
    pub cv: f64,
    /// Runs of either arm, at the first look.
    pub runs: usize,
    /// How often the gate looks, each time at twice as many runs.
    pub looks: u32,
    /// What the candidate is like.
    pub candidate: Candidate,
    /// What is promised.
    pub promise: Promise,
}

/// Of interleaved arms: how much the machine speeds up and slows down under both.
pub const SHARED_DRIFT: f64 = 0.1;
/// Of a stored baseline: the standard deviation of what machines and days differ by.
pub const DRIFT: f64 = 0.05;
/// The share of runs that take two to five times as long for no reason of the code.
pub const OUTLIERS: f64 = 0.03;

/// All kinds.
pub fn families() -> Vec<Family> {
    let mut all = Vec::new();
    for (setup, most) in [(Setup::Interleaved, 0.01), (Setup::Stored, 0.02), (Setup::Traffic, 0.02)] {
        let sizes = if setup == Setup::Traffic { [50, 100, 250] } else { [10, 20, 50] };
        for cv in [0.1, 0.25] {
            for runs in sizes {
                let promise = Promise::AtMost(most);
                all.push(Family { setup, cv, runs, looks: 1, candidate: Candidate::Clean, promise });
            }
        }
    }
    for cv in [0.1, 0.25] {
        let promise = Promise::AtMost(0.01);
        all.push(Family { setup: Setup::Interleaved, cv, runs: 20, looks: 3, candidate: Candidate::Clean, promise });
    }
    let found = |setup, runs, looks, candidate, least| {
        let promise = Promise::AtLeast(least);
        Family { setup, cv: 0.1, runs, looks, candidate, promise }
    };
    all.extend([
        found(Setup::Interleaved, 20, 1, Candidate::Slower(1.2), 0.85),
        found(Setup::Interleaved, 20, 3, Candidate::Slower(1.2), 0.85),
        found(Setup::Stored, 20, 1, Candidate::Slower(1.5), 0.8),
        found(Setup::Traffic, 50, 1, Candidate::Slower(1.5), 0.8),
        found(Setup::Interleaved, 50, 1, Candidate::SometimesThreefold(0.2), 0.75),
        found(Setup::Stored, 50, 1, Candidate::SometimesThreefold(0.2), 0.75),
    ]);
    all
}

//! Simulated runs of one test: a root and what it calls, log-normal, with outliers and a machine that is not always as fast.

use super::family::{Candidate, DRIFT, Family, OUTLIERS, SHARED_DRIFT};
use crate::settle_sim::chance;
use std::f64::consts::TAU;
use tracespec::gate::durations::{Arms, Change, judge};
use tracespec::gate::limits::{Limits, Setup};

/// The root's median.
const ROOT_NS: f64 = 100e6;
/// The shares of the root's time that its calls take: two entries of services, and what lies below them.
const CALLS: [f64; 5] = [0.6, 0.5, 0.3, 0.25, 0.1];

/// Whether one gate fails.
pub fn fails(family: &Family, rng: &mut fastrand::Rng) -> bool {
    let limits = Limits::of(family.setup).with_looks(family.looks);
    let most = family.runs << (family.looks - 1);
    let machine = Machine::of(family, most, rng);
    let mut arms: Vec<Arms> =
        (0..=CALLS.len()).map(|at| Arms { is_root: at == 0, baseline: Vec::new(), candidate: Vec::new() }).collect();
    for run in 0..most {
        // In random order: which of the two comes first.
        let first = usize::from(chance(rng, 0.5));
        let clean = one_run(family.cv, machine.baseline(2 * run + first), rng);
        let speed = machine.candidate(2 * run + 1 - first) * candidate(family.candidate, rng);
        let changed = one_run(family.cv, speed, rng);
        for ((arms, clean), changed) in arms.iter_mut().zip(clean).zip(changed) {
            arms.baseline.push(clean);
            arms.candidate.push(changed);
        }
        let runs = run + 1;
        let looks_now = runs % family.runs == 0 && (runs / family.runs).is_power_of_two();
        let failed = |change| matches!(change, Change::Slower | Change::SlowTail);
        if looks_now && judge(&arms, &limits).iter().any(|judged| failed(judged.change)) {
            return true;
        }
    }
    false
}

/// How many times as long as the median everything takes at a moment.
enum Machine {
    /// It breathes, from this phase on, over so many moments.
    Breathes { phase: f64, over: f64 },
    /// From this moment on it is slower.
    Steps { at: usize, by: f64 },
    /// The candidate's is another.
    Another { by: f64 },
}

impl Machine {
    fn of(family: &Family, runs: usize, rng: &mut fastrand::Rng) -> Machine {
        match family.setup {
            Setup::Interleaved if chance(rng, 0.5) => {
                Machine::Breathes { phase: rng.f64() * TAU, over: (2 * runs) as f64 / (1.0 + 3.0 * rng.f64()) }
            }
            Setup::Interleaved => Machine::Steps { at: rng.usize(0..2 * runs), by: 1.0 + SHARED_DRIFT },
            Setup::Stored | Setup::Traffic => Machine::Another { by: (DRIFT * normal(rng)).exp() },
        }
    }
    fn shared(&self, moment: usize) -> f64 {
        match *self {
            Machine::Breathes { phase, over } => 1.0 + SHARED_DRIFT * (phase + TAU * moment as f64 / over).sin(),
            Machine::Steps { at, by } if moment >= at => by,
            Machine::Steps { .. } | Machine::Another { .. } => 1.0,
        }
    }
    fn baseline(&self, moment: usize) -> f64 {
        self.shared(moment)
    }
    fn candidate(&self, moment: usize) -> f64 {
        match *self {
            Machine::Another { by } => by,
            _ => self.shared(moment),
        }
    }
}

fn candidate(kind: Candidate, rng: &mut fastrand::Rng) -> f64 {
    match kind {
        Candidate::Clean => 1.0,
        Candidate::Slower(by) => by,
        Candidate::SometimesThreefold(share) if chance(rng, share) => 3.0,
        Candidate::SometimesThreefold(_) => 1.0,
    }
}

/// The durations of the root and of each call. The calls follow the root's, half as widely on their own account.
fn one_run(cv: f64, speed: f64, rng: &mut fastrand::Rng) -> Vec<u64> {
    let outlier = if chance(rng, OUTLIERS) { 2.0 + 3.0 * rng.f64() } else { 1.0 };
    let root = ROOT_NS * speed * outlier * log_normal(cv, rng);
    let calls = CALLS.map(|share| share * root * log_normal(cv / 2.0, rng));
    std::iter::once(root).chain(calls).map(|time| time.min(root) as u64).collect()
}

fn log_normal(cv: f64, rng: &mut fastrand::Rng) -> f64 {
    ((1.0 + cv * cv).ln().sqrt() * normal(rng)).exp()
}

/// A standard normal number (Box and Muller).
fn normal(rng: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (TAU * rng.f64()).cos()
}

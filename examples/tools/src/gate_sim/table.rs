//! The table: a row for each kind of gate.

use super::family::{Candidate, Family, Promise};
use super::runs::fails;
use std::fmt;
use tracespec::gate::limits::Setup;

/// How a kind of gate fared.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The kind.
    pub family: Family,
    /// How many gates.
    pub gates: usize,
    /// How many of them failed.
    pub failed: usize,
}

impl Row {
    /// Simulates so many gates.
    pub fn of(family: Family, gates: usize, seed: u64) -> Row {
        let mut rng = fastrand::Rng::with_seed(seed);
        let failed = (0..gates).filter(|_| fails(&family, &mut rng)).count();
        Row { family, gates, failed }
    }
    /// The share that failed.
    pub fn share(&self) -> f64 {
        self.failed as f64 / self.gates as f64
    }
    /// Whether the promise is kept.
    pub fn keeps(&self) -> bool {
        match self.family.promise {
            Promise::AtMost(share) => self.share() <= share,
            Promise::AtLeast(share) => self.share() >= share,
        }
    }
}

/// What the columns are.
pub fn heading() -> String {
    format!("{:<12} {:>4} {:>8}  {:<28} {:>8}  promised", "setup", "CV", "runs", "candidate", "failed")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = &self.family;
        let setup = match family.setup {
            Setup::Interleaved => "interleaved",
            Setup::Stored => "stored",
            Setup::Traffic => "traffic",
        };
        let runs = match family.looks {
            1 => family.runs.to_string(),
            looks => (0..looks).map(|look| (family.runs << look).to_string()).collect::<Vec<_>>().join("/"),
        };
        let candidate = match family.candidate {
            Candidate::Clean => "clean".to_owned(),
            Candidate::Slower(by) => format!("{:+.0} %", (by - 1.0) * 100.0),
            Candidate::SometimesThreefold(share) => format!("{:.0} % take three times as long", share * 100.0),
        };
        let promise = match family.promise {
            Promise::AtMost(share) => format!("at most {:.0} %", share * 100.0),
            Promise::AtLeast(share) => format!("at least {:.0} %", share * 100.0),
        };
        let (cv, share) = (format!("{:.0}%", family.cv * 100.0), format!("{:.1} %", self.share() * 100.0));
        let kept = if self.keeps() { "" } else { "  BROKEN" };
        write!(f, "{setup:<12} {cv:>4} {runs:>8}  {candidate:<28} {share:>8}  {promise}{kept}")
    }
}

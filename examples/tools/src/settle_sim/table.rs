//! Counts by family, and whether the bounds hold.

use super::drive::{Knobs, Outcome, simulate};
use super::family::Family;
use super::judge::Verdict;
use std::collections::BTreeMap;
use std::fmt;

/// Of violated tests at most this share may pass.
pub const FALSE_GREENS: f64 = 0.0005;
/// Of tests whose spans all arrived in time at most this share may be inconclusive.
pub const INCONCLUSIVE: f64 = 0.02;

/// How many tests share what a run learns, in turn: small suites are judged before anything is learned.
const TESTS_A_RUN: [usize; 4] = [2, 8, 30, 80];

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub name: String,
    pub tests: usize,
    pub violated: usize,
    pub false_greens: usize,
    /// Of those, the ones that turned red before the run ended.
    pub late: usize,
    /// Of those, the ones that are of no kind known to be invisible.
    pub unexplained: usize,
    pub false_reds: usize,
    pub inconclusive: usize,
    pub in_time: usize,
    pub unended: usize,
    pub causes: BTreeMap<&'static str, usize>,
    pub waits: Vec<u64>,
    pub stories: Vec<String>,
}

impl Row {
    pub fn count(&mut self, outcome: &Outcome) {
        self.tests += 1;
        self.violated += usize::from(outcome.violated);
        self.in_time += usize::from(outcome.in_time);
        self.unended += usize::from(!outcome.ended || outcome.verdict == Verdict::Open);
        self.waits.push(outcome.wait);
        let mut tell = |what: &str| {
            if self.stories.len() < 20 {
                self.stories.push(format!("{what}: {}: {}", self.name, outcome.story));
            }
        };
        match outcome.verdict {
            Verdict::Pass if outcome.violated => {
                self.false_greens += 1;
                self.late += usize::from(outcome.late);
                *self.causes.entry(outcome.invisible.unwrap_or("unexplained")).or_default() += 1;
                self.unexplained += usize::from(outcome.invisible.is_none());
                tell("false green");
            }
            Verdict::Fail if !outcome.violated && !outcome.lost => {
                self.false_reds += 1;
                tell("false red");
            }
            Verdict::Inconclusive if outcome.in_time => {
                self.inconclusive += 1;
                tell("inconclusive");
            }
            _ => {}
        }
    }

    pub fn add(&mut self, other: &Row) {
        self.tests += other.tests;
        self.violated += other.violated;
        self.false_greens += other.false_greens;
        self.late += other.late;
        self.unexplained += other.unexplained;
        self.false_reds += other.false_reds;
        self.inconclusive += other.inconclusive;
        self.in_time += other.in_time;
        self.unended += other.unended;
        self.waits.extend(&other.waits);
        other.causes.iter().for_each(|(cause, count)| *self.causes.entry(cause).or_default() += count);
    }

    pub fn median_wait(&self) -> u64 {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        waits.get(waits.len() / 2).copied().unwrap_or(0)
    }

    /// What the totals break, in words.
    pub fn broken(&self) -> Vec<String> {
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        let mut broken = Vec::new();
        if share(self.false_greens, self.violated) > FALSE_GREENS {
            broken.push(format!("{} of {} violated tests passed", self.false_greens, self.violated));
        }
        if self.unexplained > 0 {
            broken.push(format!("{} false greens are of no kind known to be invisible", self.unexplained));
        }
        if self.false_reds > 0 {
            broken.push(format!("{} tests failed without cause", self.false_reds));
        }
        if share(self.inconclusive, self.in_time) > INCONCLUSIVE {
            broken.push(format!("{} of {} tests were inconclusive", self.inconclusive, self.in_time));
        }
        if self.unended > 0 {
            broken.push(format!("{} tests did not end by the deadline", self.unended));
        }
        broken
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<36} {:>7} {:>8} {:>7} {:>5} {:>6} {:>7} {:>8.2} s",
            self.name,
            self.tests,
            self.violated,
            self.false_greens,
            self.late,
            self.false_reds,
            self.inconclusive,
            self.median_wait() as f64 / 1e9,
        )
    }
}

/// The table's heading.
pub fn heading() -> String {
    format!(
        "{:<36} {:>7} {:>8} {:>7} {:>5} {:>6} {:>7} {:>10}",
        "family", "tests", "violated", "greens!", "late", "reds!", "inconcl", "median"
    )
}

/// Simulates about so many tests of a family.
pub fn family(family: &Family, tests: usize, seed: u64, knobs: Knobs) -> Row {
    let mut row = Row { name: family.name.to_owned(), ..Row::default() };
    // Each family its own worlds.
    let start = family.name.bytes().fold(seed, |mixed, byte| mixed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
    let mut run = 0;
    while row.tests < tests {
        // So many runs of each size that their tests are about equally many, in a mixed order.
        let size = match (run * 17) % 53 {
            52 => TESTS_A_RUN[3],
            50..=51 => TESTS_A_RUN[2],
            40..=49 => TESTS_A_RUN[1],
            _ => TESTS_A_RUN[0],
        };
        let seed = start.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(run);
        simulate(family, size, seed, knobs).iter().for_each(|outcome| row.count(outcome));
        run += 1;
    }
    row
}

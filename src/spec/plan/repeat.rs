//! Many runs of a test, and what is judged over all of them.

use super::Selector;
use crate::analyse::stats::Quantile;
use crate::matcher::{Fact, Matcher, SHARE_OF_ONE};
use crate::source::{Span, Spanned};
use std::fmt;
use std::time::Duration;

/// `repeat`, with what is judged over its runs.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// Where it is written.
    pub at: Span,
    /// How many runs are judged.
    pub runs: u32,
    /// How many come before those.
    pub warmup: u32,
    /// When each begins.
    pub pace: Pace,
    /// The share of the runs that must pass; `None`: all. It is a lower bound.
    pub pass_rate: Option<Spanned<Matcher>>,
    /// What must hold of durations over all runs.
    pub percentiles: Vec<Percentiles>,
    /// What must hold of two durations of each run.
    pub compare: Vec<Compare>,
}

/// When runs begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// When another has been answered: the system sets the pace.
    Closed {
        /// How many may wait for an answer at once.
        concurrency: u32,
        /// The pause after an answer.
        interval: Duration,
    },
    /// By the clock, whether others have been answered or not.
    Open {
        /// How many begin…
        starts: u32,
        /// …in this time.
        per: Duration,
        /// Where that is written.
        at: Span,
    },
}

/// An entry of `percentiles`.
#[derive(Debug, Clone)]
pub struct Percentiles {
    /// Its path: `percentiles[0]`.
    pub path: String,
    /// Whose durations.
    pub of: Timed,
    /// What each percentile must be.
    pub bounds: Vec<(Quantile, Spanned<Matcher>)>,
}

/// What has one duration in each run.
#[derive(Debug, Clone)]
pub enum Timed {
    /// Spans of the run's traces; of several the longest counts.
    Spans(Selector),
    /// The answer, counted from when the run was to begin.
    Response,
}

/// An entry of `compare`: by how much two durations of one run differ.
#[derive(Debug, Clone)]
pub struct Compare {
    /// Its path: `compare`.
    pub path: String,
    /// Whose durations are divided.
    pub left: Selector,
    /// By whose they are divided.
    pub right: Selector,
    /// What the median of the runs' ratios must be.
    pub ratio: Spanned<Matcher>,
}

impl Repeat {
    /// Whether so many of its runs are enough.
    pub fn is_enough(&self, passed: u32) -> bool {
        match &self.pass_rate {
            None => passed >= self.runs,
            Some(matcher) => is_enough(&matcher.value, passed, self.runs),
        }
    }
    /// Everything that has one duration in each run, with its path, in a fixed order: one for each entry of `percentiles`,
    /// then both sides of each entry of `compare`.
    pub fn timed(&self) -> impl Iterator<Item = (String, Timed)> + '_ {
        let sides = |entry: &Compare| {
            [("left", &entry.left), ("right", &entry.right)]
                .map(|(name, side)| (format!("{}.{name}", entry.path), Timed::Spans(side.clone())))
        };
        let of = |entry: &Percentiles| {
            let key = if matches!(entry.of, Timed::Spans(_)) { "select" } else { "of" };
            (format!("{}.{key}", entry.path), entry.of.clone())
        };
        self.percentiles.iter().map(of).chain(self.compare.iter().flat_map(sides))
    }
    /// Where both sides of an entry of `compare` stand among those.
    pub fn sides(&self, compare: usize) -> (usize, usize) {
        let left = self.percentiles.len() + 2 * compare;
        (left, left + 1)
    }
}

/// Whether a share is as a matcher wants it.
pub(crate) fn is_enough(pass_rate: &Matcher, passed: u32, runs: u32) -> bool {
    // Rounded down, by a millionth of a millionth at most: never in favour of the system.
    let share = i128::from(passed) * SHARE_OF_ONE / i128::from(runs.max(1));
    pass_rate.test(&Fact::Share(share))
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Timed::Spans(select) => f.write_str(&select.text),
            Timed::Response => f.write_str("response"),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::Closed { concurrency: 1, .. } => f.write_str("one after another"),
            Pace::Closed { concurrency, .. } => write!(f, "{concurrency} at once"),
            Pace::Open { starts, per, .. } => {
                let unit = match per.as_secs() {
                    1 => "s",
                    60 => "m",
                    _ => "h",
                };
                write!(f, "{starts}/{unit}")
            }
        }
    }
}

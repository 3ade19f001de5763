//! The instrumentation score: what the rules kept weigh against all, by their impact.

use super::rule::Rule;
use crate::matcher::Fact;

/// What a rule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It is kept.
    Kept,
    /// It is broken.
    Broken,
    /// It would be kept, but for something that was lost of a span: an attribute that the SDK dropped, a missing time.
    Unknown,
    /// The trace says nothing about it.
    Silent,
}

/// An instrumentation score, exactly: what the rules kept weigh, and what all weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// The weight of the rules that are kept.
    pub kept: u32,
    /// The weight of all rules that were answered.
    pub all: u32,
}

impl Score {
    pub(super) fn of(answer: impl Fn(Rule) -> Answer) -> Score {
        let mut score = Score { kept: 0, all: 0 };
        for rule in Rule::ALL.iter().copied().filter(|rule| rule.is_scored()) {
            let weight = rule.impact().weight();
            match answer(rule) {
                Answer::Kept | Answer::Unknown => score = Score { kept: score.kept + weight, all: score.all + weight },
                Answer::Broken => score.all += weight,
                Answer::Silent => {}
            }
        }
        score
    }
    /// Every score that any trace can have.
    pub fn possible() -> Vec<Score> {
        Score::every(|_| None)
    }
    /// Every score that there can be where only some answers are known, in ascending order.
    pub(super) fn every(known: impl Fn(Rule) -> Option<Answer>) -> Vec<Score> {
        let mut scores = vec![Score { kept: 0, all: 0 }];
        for rule in Rule::ALL.iter().copied().filter(|rule| rule.is_scored()) {
            let weight = rule.impact().weight();
            let plus = |score: &Score, kept: u32, all: u32| Score { kept: score.kept + kept, all: score.all + all };
            let answers = match known(rule) {
                Some(Answer::Kept) => vec![(weight, weight)],
                Some(Answer::Broken) => vec![(0, weight)],
                Some(Answer::Silent) => vec![(0, 0)],
                None if rule == Rule::Sdk001 => vec![(0, 0), (0, weight), (weight, weight)],
                None | Some(Answer::Unknown) => vec![(0, weight), (weight, weight)],
            };
            scores =
                scores.iter().flat_map(|score| answers.iter().map(|&(kept, all)| plus(score, kept, all))).collect();
            // Weights are few, so that sums soon are the same.
            scores.sort_unstable();
            scores.dedup();
        }
        scores
    }
    /// From 0 to 100.
    pub fn value(self) -> f64 {
        100.0 * f64::from(self.kept) / f64::from(self.all.max(1))
    }
    /// As what a matcher compares.
    pub fn fact(self) -> Fact<'static> {
        Fact::Float(self.value())
    }
    /// What the specification calls it.
    pub fn category(self) -> &'static str {
        match self.kept * 100 {
            kept if kept >= 90 * self.all => "excellent",
            kept if kept >= 75 * self.all => "good",
            kept if kept >= 50 * self.all => "needs improvement",
            _ => "poor",
        }
    }
}

impl std::fmt::Display for Score {
    /// To one decimal, rounded down, so that what is below a limit never looks as if it reached it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = u64::from(self.kept) * 1000 / u64::from(self.all.max(1));
        match tenths % 10 {
            0 => write!(f, "{}", tenths / 10),
            rest => write!(f, "{}.{rest}", tenths / 10),
        }
    }
}

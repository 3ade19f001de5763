//! Whether a trace keeps to OpenTelemetry's conventions: the rules of the instrumentation score (version 0.1) that a trace
//! can answer, and rules of our own beside it.
//!
//! The score is what the rules kept weigh against all rules, by their impact. Rules of our own never enter it, so that it is
//! the one that any other implementation computes; and since rules on metrics and logs cannot be answered here, it is never
//! complete. A rule that a trace says nothing about (`SDK-001` without a runtime) is left out of both sums.

mod attributes;
mod breach;
mod names;
mod resources;
mod rule;
mod score;
mod secrets;
mod spans;
mod values;

pub use breach::Breach;
pub(crate) use names::normalised;
pub use rule::{Impact, Rule};
pub use score::{Answer, Score};

use crate::facts::Facts;
use crate::trace::Trace;

/// What came of all rules.
#[derive(Debug, Clone)]
pub struct Conventions {
    /// By impact, then in the order of the rules, then by subject.
    pub breaches: Vec<Breach>,
    answers: Vec<Answer>,
}

impl Conventions {
    /// All rules on a trace.
    pub fn of(facts: &Facts<'_>) -> Conventions {
        let trace = facts.trace();
        let mut breaches = Vec::new();
        let runtime_known = resources::check(trace, &mut breaches);
        spans::check(facts, &mut breaches);
        names::check(trace, &mut breaches);
        attributes::check(trace, &mut breaches);
        secrets::check(trace, &mut breaches);
        breaches.sort_by(|a, b| {
            let key = |one: &Breach| (one.rule.impact(), one.rule);
            key(a).cmp(&key(b)).then_with(|| (&a.subject, &a.object).cmp(&(&b.subject, &b.object)))
        });
        let answer = |&rule: &Rule| match rule {
            rule if breaches.iter().any(|breach| breach.rule == rule) => Answer::Broken,
            Rule::Sdk001 if !runtime_known => Answer::Silent,
            rule if is_in_doubt(trace, rule) => Answer::Unknown,
            _ => Answer::Kept,
        };
        let answers = Rule::ALL.iter().map(answer).collect();
        Conventions { breaches, answers }
    }
    /// What a rule came to.
    pub fn answer(&self, rule: Rule) -> Answer {
        self.answers[rule as usize]
    }
    /// The score, with what is unknown counted as kept.
    pub fn score(&self) -> Score {
        Score::of(|rule| self.answer(rule))
    }
    /// Every score that there may be: `free` says of which rules the answer may still be another.
    pub fn scores(&self, free: impl Fn(Rule, Answer) -> bool) -> Vec<Score> {
        Score::every(|rule| Some(self.answer(rule)).filter(|answer| !free(rule, *answer)))
    }
    /// The breaches of a rule.
    pub fn of_rule(&self, rule: Rule) -> impl Iterator<Item = &Breach> {
        self.breaches.iter().filter(move |breach| breach.rule == rule)
    }
}

/// Whether what was lost of spans could break a rule that is otherwise kept.
fn is_in_doubt(trace: &Trace, rule: Rule) -> bool {
    let dropped = || trace.dropped().iter().map(|(ix, dropped)| (trace.span(*ix), *dropped));
    match rule {
        Rule::Spa005 => trace.untimed().len() > 0 && spans::may_be_too_short(trace),
        Rule::Res004 | Rule::RenamedAttributes => dropped().any(|(_, dropped)| dropped.attributes > 0),
        Rule::Secrets | Rule::PersonalData => {
            dropped().any(|(_, dropped)| dropped.attributes > 0 || dropped.events > 0)
        }
        Rule::ErrorType => dropped().any(|(span, dropped)| spans::fails_untyped(span) && dropped.total() > 0),
        Rule::ServerErrorStatus => dropped().any(|(span, dropped)| !span.is_error() && dropped.attributes > 0),
        Rule::ClientErrorStatus => dropped().any(|(span, dropped)| span.is_error() && dropped.attributes > 0),
        _ => false,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
